// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands of exec mode. A new one gets its node here and a file of its own. */
#include "prefpeer/crypto.h"

/* A designated initialiser per word; NEXT is the table of what may follow. */
#define NEXT(...) .next = (const struct exec_node[]){ __VA_ARGS__, { 0 } }
#define KW(w, h, ...) { .word = w, .help = h, __VA_ARGS__ }
#define ARG(k, w, h, ...) { .kind = k, .word = w, .help = h, __VA_ARGS__ }
#define NUM(w, h, lo, hi, ...) \
	{ .kind = EXEC_NUMBER, .word = w, .help = h, .min = lo, .max = hi, __VA_ARGS__ }

/* ---- show ----------------------------------------------------------------- */

#define INTERFACE(fn, ...) ARG(EXEC_NAME, "INTERFACE", "its name", .run = fn, __VA_ARGS__)
#define MAP_NAME(fn, ...) ARG(EXEC_NAME, "NAME", "its name", .run = fn, __VA_ARGS__)
#define ADDRESS(fn, ...) ARG(EXEC_ADDR, "A", "its address", .run = fn, __VA_ARGS__)
#define DETAIL(fn) KW("detail", "all that is known of each", .run = fn)

static const struct exec_node show_map[] = {
	KW("interface", "maps that stand on an interface", NEXT(INTERFACE(show_crypto_map))),
	KW("tag", "one map", NEXT(MAP_NAME(show_crypto_map))),
	{ 0 },
};

static const struct exec_node show_ipsec_sa[] = {
	DETAIL(show_crypto_ipsec_sa),
	KW("peer", "those with one peer",
	   NEXT(ADDRESS(show_crypto_ipsec_sa, NEXT(DETAIL(show_crypto_ipsec_sa))))),
	KW("interface", "those of maps on an interface",
	   NEXT(INTERFACE(show_crypto_ipsec_sa, NEXT(DETAIL(show_crypto_ipsec_sa))))),
	KW("map", "those of one map",
	   NEXT(MAP_NAME(show_crypto_ipsec_sa, NEXT(DETAIL(show_crypto_ipsec_sa))))),
	{ 0 },
};

static const struct exec_node show_ipsec[] = {
	KW("sa", "pairs of SAs, and flows without", .run = show_crypto_ipsec_sa,
	   .next = show_ipsec_sa),
	KW("security-association", "what applies to all maps",
	   NEXT(KW("idle-time", "after which idle SAs go", .run = show_crypto_sa_defaults),
		KW("lifetime", "of SAs", .run = show_crypto_sa_defaults))),
	{ 0 },
};

static const struct exec_node show_ikev2_sa[] = {
	DETAIL(show_crypto_ikev2_sa),
	KW("local", "those from one address of ours",
	   NEXT(ADDRESS(show_crypto_ikev2_sa, NEXT(DETAIL(show_crypto_ikev2_sa))))),
	KW("remote", "those with one peer",
	   NEXT(ADDRESS(show_crypto_ikev2_sa, NEXT(DETAIL(show_crypto_ikev2_sa))))),
	{ 0 },
};

static const struct exec_node show_session[] = {
	DETAIL(show_crypto_session),
	KW("brief", "one line each", .run = show_crypto_session),
	KW("remote", "those with one peer",
	   NEXT(ADDRESS(show_crypto_session,
			NEXT(DETAIL(show_crypto_session),
			     KW("brief", "one line each", .run = show_crypto_session))))),
	KW("local", "those from one address of ours",
	   NEXT(ADDRESS(show_crypto_session,
			NEXT(DETAIL(show_crypto_session),
			     KW("brief", "one line each", .run = show_crypto_session))))),
	{ 0 },
};

#define LAST KW("last", "the latest of them", NEXT(NUM("N", "how many", 1, 1000, .run = show_crypto_peer_history)))

static const struct exec_node show_history[] = {
	LAST,
	KW("map", "of one map, or entry",
	   NEXT(MAP_NAME(show_crypto_peer_history,
			 NEXT(LAST, NUM("SEQ", "of an entry", 1, 131071,
					.run = show_crypto_peer_history, NEXT(LAST)))))),
	{ 0 },
};

static const struct exec_node show_crypto[] = {
	KW("map", "crypto maps: peers, access lists, timers, interfaces", .run = show_crypto_map,
	   .next = show_map),
	KW("dynamic-map", "templates for branches that call", .run = show_crypto_dynamic_map,
	   NEXT(KW("tag", "one of them", NEXT(MAP_NAME(show_crypto_dynamic_map))))),
	KW("ipsec", "SAs of packets", .next = show_ipsec),
	KW("isakmp", "IKE SAs, in the words of IKEv1",
	   NEXT(KW("sa", "IKE SAs", .run = show_crypto_isakmp_sa,
		   NEXT(DETAIL(show_crypto_isakmp_sa))),
		KW("peers", "who is at the other end", .run = show_crypto_isakmp_peers))),
	KW("ikev2", "IKE SAs",
	   NEXT(KW("sa", "IKE SAs", .run = show_crypto_ikev2_sa, .next = show_ikev2_sa),
		KW("stats", "counters", .run = show_crypto_ikev2_stats,
		   NEXT(KW("timeout", "what was waited for in vain",
			   .run = show_crypto_ikev2_stats))))),
	KW("session", "an IKE SA and its flows", .run = show_crypto_session, .next = show_session),
	KW("peer", "peers of crypto maps",
	   NEXT(KW("history", "every switch to another peer, and what it cost",
		   .run = show_crypto_peer_history, .next = show_history))),
	{ 0 },
};

static const struct exec_node show_commands[] = {
	KW("crypto", "IPsec", .next = show_crypto),
	{ 0 },
};

/* ---- clear ------------------------------------------------------------------ */

#define PEER_WORD(fn) ARG(EXEC_WORD, "{A|NAME}", "address or name of a peer", .run = fn)

static const struct exec_node clear_sa[] = {
	KW("peer", "SAs with one peer", NEXT(PEER_WORD(clear_crypto_sa))),
	KW("map", "SAs of one map", NEXT(MAP_NAME(clear_crypto_sa))),
	KW("entry", "the pair that has an SA",
	   NEXT(ARG(EXEC_ADDR, "DESTINATION", "address of its receiver",
		    NEXT(KW("esp", "its protocol",
			    NEXT(NUM("SPI", "its number", 1, UINT32_MAX,
				     .run = clear_crypto_sa))))))),
	KW("counters", "of SAs: they begin at 0 again", .run = clear_crypto_counters),
	{ 0 },
};

static const struct exec_node clear_session[] = {
	KW("remote", "with one peer", NEXT(PEER_WORD(clear_crypto_session))),
	KW("local", "from one address of ours", NEXT(ADDRESS(clear_crypto_session))),
	KW("active", "only those that are up", .run = clear_crypto_session),
	KW("ikev2", "of IKEv2: all are", .run = clear_crypto_session),
	{ 0 },
};

static const struct exec_node clear_ikev2_sa[] = {
	KW("remote", "with one peer",
	   NEXT(ARG(EXEC_WORD, "{A|NAME}", "address or name of a peer",
		    .run = clear_crypto_session,
		    NEXT(KW("fast", "the peer is not told", .run = clear_crypto_session))))),
	KW("local", "from one address of ours",
	   NEXT(ADDRESS(clear_crypto_session,
			NEXT(KW("fast", "the peer is not told", .run = clear_crypto_session))))),
	KW("fast", "peers are not told", .run = clear_crypto_session),
	KW("psh", "by its number", NEXT(NUM("ID", "as Session-id has it", 1, UINT32_MAX,
					    .run = clear_crypto_session))),
	{ 0 },
};

static const struct exec_node clear_crypto[] = {
	KW("sa", "pairs of SAs; the peer is kept", .run = clear_crypto_sa, .next = clear_sa),
	KW("session", "IKE SAs and all under them; a default peer is next",
	   .run = clear_crypto_session, .next = clear_session),
	KW("isakmp", "likewise, by number", .run = clear_crypto_session,
	   NEXT(NUM("ID", "as conn-id has it", 1, UINT32_MAX, .run = clear_crypto_session))),
	KW("ikev2", "IKE SAs",
	   NEXT(KW("sa", "IKE SAs and all under them; a default peer is next",
		   .run = clear_crypto_session, .next = clear_ikev2_sa))),
	KW("map", "an entry of a crypto map",
	   NEXT(ARG(EXEC_NAME, "NAME", "name of the map",
		    NEXT(NUM("SEQ", "of the entry", 1, 131071,
			     NEXT(KW("peer", "tear down; the next attempt goes to the default peer",
				     .run = clear_crypto_map_peer))))))),
	{ 0 },
};

static const struct exec_node clear_commands[] = {
	KW("crypto", "IPsec", .next = clear_crypto),
	{ 0 },
};

/* ---- debug ------------------------------------------------------------------ */

#define CONDITION \
	KW("condition", "only what is about one peer, or one map", \
	   NEXT(KW("peer", "a peer", NEXT(ADDRESS(debug_crypto))), \
		KW("map", "a crypto map", NEXT(MAP_NAME(debug_crypto)))))

static const struct exec_node debug_crypto_what[] = {
	KW("isakmp", "IKE: messages, IKE SAs, states", .run = debug_crypto, NEXT(CONDITION)),
	KW("ikev2", "IKE: messages, IKE SAs, states", .run = debug_crypto, NEXT(CONDITION)),
	KW("ipsec", "SAs of packets, and what the kernel says", .run = debug_crypto,
	   NEXT(CONDITION)),
	CONDITION,
	{ 0 },
};

static const struct exec_node debug_commands[] = {
	KW("crypto", "IPsec", .next = debug_crypto_what),
	{ 0 },
};

static const struct exec_node undebug_commands[] = {
	KW("all", "all of it", .run = undebug_all),
	{ 0 },
};

/* ---- the top --------------------------------------------------------------- */

const struct exec_node exec_commands[] = {
	KW("show", "what there is, and how it does", .next = show_commands),
	KW("clear", "take down, or begin anew", .privileged = true, .next = clear_commands),
	KW("debug", "what happens, as it happens, until interrupted", .privileged = true,
	   .next = debug_commands),
	KW("undebug", "no more of that", .privileged = true, .next = undebug_commands),
	{ 0 },
};
