// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer rule: metadata for SAs as they appear, by selectors. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/cells.h"
#include "prefpeer/cli.h"

#define HAS_REMOTE(a) ((a)->has & (PP_BIT(PREFPEER_A_REMOTE_IPV4) | PP_BIT(PREFPEER_A_REMOTE_IPV6)))

/* ---- show ---------------------------------------------------------------- */

static void show_text(const struct cli *cli, const struct attr_list *l)
{
	static const char *const heads[] = { "ID",	"REMOTE", "LOCAL",   "PROTO",
					     "REQID",	"IF_ID",  "MARK",    "IDLE-TIME",
					     "ONE-WAY", "MAP",	  "UNKNOWN", NULL };
	struct table *t = table_new(heads);

	for (size_t i = 0; i < l->n; i++) {
		const struct pp_attrs *a = &l->v[i];

		cell_u32(t, a, PREFPEER_A_RULE_ID);
		cell_prefix(t, a, PP_REMOTE);
		cell_prefix(t, a, PP_LOCAL);
		cell_proto(t, a);
		cell_u32(t, a, PREFPEER_A_REQID);
		cell_u32(t, a, PREFPEER_A_IF_ID);
		cell_mark(t, a);
		cell_setting(t, a, PREFPEER_A_META_IDLE_TIME);
		cell_setting(t, a, PREFPEER_A_META_ONE_WAY);
		cell_meta(t, a);
		cell_unknown(t, a);
	}
	table_print(cli, t);
}

static bool names_one(const struct pp_attrs *a)
{
	return a->has;
}

static int rule_show(const struct cli *cli, struct args *args)
{
	const struct object o = { PREFPEER_CMD_RULE_GET, words_rule_id, names_one, show_text };

	return show_objects(cli, args, &o);
}

static void show_help(void)
{
	printf("prefpeer rule show [id N]\n");
}

/* ---- add, set, del ------------------------------------------------------- */

static int check_meta(const struct pp_attrs *a)
{
	if (!PP_HAS(a, PREFPEER_A_META))
		return cli_usage(
			"a rule without metadata does nothing: give idle-time, one-way, map, …");
	if (PP_HAS(&a->meta, PREFPEER_A_META_MAP_SEQ) && !PP_HAS(&a->meta, PREFPEER_A_META_MAP))
		return cli_usage("seq is the number of a map's entry: give map NAME too");
	return CLI_OK;
}

static int rule_add(const struct cli *cli, struct args *args)
{
	const struct word *const words[] = { words_rule_selector, words_meta, NULL };
	struct pp_attrs req = { 0 };
	struct attr_list l;
	int rc = words_take(args, words, &req);

	if (!rc && !HAS_REMOTE(&req))
		rc = cli_usage("a rule needs remote PREFIX (0.0.0.0/0 or ::/0 for every peer)");
	if (!rc)
		rc = check_meta(&req);
	if (!rc)
		rc = ask_one(PREFPEER_CMD_RULE_NEW, &req, &l);
	if (rc)
		return rc;
	if (cli->json)
		json_out(cli, json_pack("{s:I}", "rule_id", (json_int_t)l.v[0].rule_id));
	else
		printf("rule %u\n", l.v[0].rule_id);
	attr_list_free(&l);
	return CLI_OK;
}

static void add_help(void)
{
	printf("prefpeer rule add remote PREFIX");
	words_help(words_rule_selector + 1);
	words_help(words_meta);
	printf("\n  T := 120 | 120s | 500ms | 0 (off)\n"
	       "  idle-time 0 or 100ms..86400s, one-way 0 or 50ms..3600s\n");
}

static int rule_set(const struct cli *cli, struct args *args)
{
	const struct word *const words[] = { words_rule_id, words_meta, NULL };
	struct pp_attrs req = { 0 };
	int rc = words_take(args, words, &req);

	if (!rc && !PP_HAS(&req, PREFPEER_A_RULE_ID))
		rc = cli_usage("name the rule: id N (see prefpeer rule show)");
	if (!rc)
		rc = check_meta(&req);
	return rc ? rc : ask_do(PREFPEER_CMD_RULE_SET, &req);
}

static void set_help(void)
{
	printf("prefpeer rule set id N");
	words_help(words_meta);
	printf("\n  what is not given is not kept\n");
}

static int rule_del(const struct cli *cli, struct args *args)
{
	const struct word *const words[] = { words_rule_id, words_rule_selector, NULL };
	struct pp_attrs req = { 0 };
	int rc = words_take(args, words, &req);

	if (!rc && !PP_HAS(&req, PREFPEER_A_RULE_ID) && !HAS_REMOTE(&req))
		rc = cli_usage("name the rule: id N, or all the selectors that it was added with");
	return rc ? rc : ask_do(PREFPEER_CMD_RULE_DEL, &req);
}

static void del_help(void)
{
	printf("prefpeer rule del id N\n"
	       "prefpeer rule del remote PREFIX");
	words_help(words_rule_selector + 1);
	printf("\n  every selector as it was added; one not given is one that the rule has not\n");
}

int cmd_rule(const struct cli *cli, struct args *args)
{
	static const struct command table[] = {
		{ "show", rule_show, show_help, "rules in order of their ids" },
		{ "add", rule_add, add_help, "metadata for all SAs that match" },
		{ "set", rule_set, set_help, "other metadata for a rule" },
		{ "del", rule_del, del_help, "remove a rule" },
		{ 0 },
	};

	return command_dispatch(cli, args, "rule", table);
}
