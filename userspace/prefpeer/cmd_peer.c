// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer peer: what answers, or does not. */
#include <stdio.h>

#include "prefpeer/cells.h"
#include "prefpeer/cli.h"

static void show_text(const struct cli *cli, const struct attr_list *l)
{
	static const char *const heads[] = { "ID",	"LOCAL",     "REMOTE",	   "ENCAP",
					     "STATE",	"IDLE",	     "ONE-WAY",	   "IN AGO",
					     "OUT AGO", "HEARD AGO", "UNANSWERED", "PAIRS",
					     "SAS IN",	"SAS OUT",   "MAP",	   "FLAGS",
					     "UNKNOWN", NULL };
	struct table *t = table_new(heads);
	uint64_t now = boot_now_ns();

	for (size_t i = 0; i < l->n; i++) {
		const struct pp_attrs *a = &l->v[i];

		cell_u32(t, a, PREFPEER_A_PEER_ID);
		cell_addr(t, &a->local);
		cell_addr(t, &a->remote);
		cell_nonzero(t, a, PREFPEER_A_ENCAP_PORT);
		cell_state(t, a);
		cell_ago(t, a, PREFPEER_A_LAST_USE, now);
		cell_setting(t, a, PREFPEER_A_META_ONE_WAY);
		cell_ago(t, a, PREFPEER_A_LAST_IN, now);
		cell_ago(t, a, PREFPEER_A_LAST_OUT, now);
		cell_ago(t, a, PREFPEER_A_HEARD, now);
		cell_nonzero(t, a, PREFPEER_A_REPEAT);
		cell_u32(t, a, PREFPEER_A_PAIRS);
		cell_u32(t, a, PREFPEER_A_SAS_IN);
		cell_u32(t, a, PREFPEER_A_SAS_OUT);
		cell_meta(t, a);
		cell_flags(t, a);
		cell_unknown(t, a);
	}
	table_print(cli, t);
}

static bool names_one(const struct pp_attrs *a)
{
	return a->has == PP_BIT(PREFPEER_A_PEER_ID);
}

static int peer_show(const struct cli *cli, struct args *args)
{
	const struct object o = { PREFPEER_CMD_PEER_GET, words_peer_filter, names_one, show_text };

	return show_objects(cli, args, &o);
}

static void show_help(void)
{
	printf("prefpeer peer show");
	words_help(words_peer_filter);
	printf("\n");
}

int cmd_peer(const struct cli *cli, struct args *args)
{
	static const struct command table[] = {
		{ "show", peer_show, show_help, "peers: two outer addresses and a UDP port" },
		{ 0 },
	};

	return command_dispatch(cli, args, "peer", table);
}
