// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer pair: what idles. */
#include <stdio.h>

#include "prefpeer/cells.h"
#include "prefpeer/cli.h"

static void show_text(const struct cli *cli, const struct attr_list *l)
{
	static const char *const heads[] = { "ID",	"LOCAL",   "REMOTE", "REQID",  "ENCAP",
					     "STATE",	"IDLE",	   "TIMER",  "IN AGO", "OUT AGO",
					     "SAS IN",	"SAS OUT", "MAP",    "FROM",   "FLAGS",
					     "UNKNOWN", NULL };
	struct table *t = table_new(heads);
	uint64_t now = boot_now_ns();

	for (size_t i = 0; i < l->n; i++) {
		const struct pp_attrs *a = &l->v[i];

		cell_u32(t, a, PREFPEER_A_PAIR_ID);
		cell_addr(t, &a->local);
		cell_addr(t, &a->remote);
		cell_u32(t, a, PREFPEER_A_REQID);
		cell_nonzero(t, a, PREFPEER_A_ENCAP_PORT);
		cell_state(t, a);
		cell_ago(t, a, PREFPEER_A_LAST_USE, now);
		cell_setting(t, a, PREFPEER_A_META_IDLE_TIME);
		cell_ago(t, a, PREFPEER_A_LAST_IN, now);
		cell_ago(t, a, PREFPEER_A_LAST_OUT, now);
		cell_u32(t, a, PREFPEER_A_SAS_IN);
		cell_u32(t, a, PREFPEER_A_SAS_OUT);
		cell_meta(t, a);
		cell_source(t, a);
		cell_flags(t, a);
		cell_unknown(t, a);
	}
	table_print(cli, t);
}

static bool names_one(const struct pp_attrs *a)
{
	return a->has == PP_BIT(PREFPEER_A_PAIR_ID);
}

static int pair_show(const struct cli *cli, struct args *args)
{
	const struct object o = { PREFPEER_CMD_PAIR_GET, words_pair_filter, names_one, show_text };

	return show_objects(cli, args, &o);
}

static void show_help(void)
{
	printf("prefpeer pair show");
	words_help(words_pair_filter);
	printf("\n");
}

int cmd_pair(const struct cli *cli, struct args *args)
{
	static const struct command table[] = {
		{ "show", pair_show, show_help, "pairs: two outer addresses and a reqid" },
		{ 0 },
	};

	return command_dispatch(cli, args, "pair", table);
}
