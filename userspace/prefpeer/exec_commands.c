// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands of exec mode. A new one gets its node here and a file of its own. */
#include "prefpeer/crypto.h"

/* A designated initialiser per word; NEXT is the table of what may follow. */
#define NEXT(...) .next = (const struct exec_node[]){ __VA_ARGS__, { 0 } }
#define KW(w, h, ...) { .word = w, .help = h, __VA_ARGS__ }
#define ARG(k, w, h, ...) { .kind = k, .word = w, .help = h, __VA_ARGS__ }

/* ---- show ----------------------------------------------------------------- */

static const struct exec_node show_map[] = {
	KW("interface", "maps that stand on an interface",
	   NEXT(ARG(EXEC_NAME, "INTERFACE", "its name", .run = show_crypto_map))),
	KW("tag", "one map", NEXT(ARG(EXEC_NAME, "NAME", "its name", .run = show_crypto_map))),
	{ 0 },
};

static const struct exec_node show_crypto[] = {
	KW("map", "crypto maps: peers, access lists, timers, interfaces", .run = show_crypto_map,
	   .next = show_map),
	{ 0 },
};

static const struct exec_node show_commands[] = {
	KW("crypto", "IPsec", .next = show_crypto),
	{ 0 },
};

/* ---- the top --------------------------------------------------------------- */

const struct exec_node exec_commands[] = {
	KW("show", "what there is, and how it does", .next = show_commands),
	{ 0 },
};
