// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer stats: counts, limits and clocks of the module in this namespace; counts of the agent. */
#include <stdio.h>

#include "prefpeer/cli.h"

static void show_text(const struct pp_stats *s)
{
	for (int type = 1; type <= PREFPEER_A_STATS_MAX; type++) {
		const struct pp_attr_desc *d = &pp_stats_table[type];
		bool ms = type == PREFPEER_A_STATS_TICK || type == PREFPEER_A_STATS_TICK_FINE;
		uint64_t v = pp_number(s, d);

		if (!d->name || !PP_HAS(s, type))
			continue;
		if (type == PREFPEER_A_STATS_LIMIT_SAS && !v)
			printf("%-12s none\n", d->name);
		else
			printf("%-12s %llu%s\n", d->name, (unsigned long long)v, ms ? " ms" : "");
	}
}

static int stats_show(const struct cli *cli, struct args *args)
{
	struct attr_list l;
	json_t *o;
	int rc = args_end(args);

	if (!rc)
		rc = ask_one(PREFPEER_CMD_INFO_GET, NULL, &l);
	if (rc)
		return rc;
	if (cli->json) {
		o = json_of_attrs(&l.v[0], boot_now_ns());
		json_out(cli, json_incref(json_object_get(o, "stats")));
		json_decref(o);
	} else {
		show_text(&l.v[0].stats);
	}
	attr_list_free(&l);
	return CLI_OK;
}

static void show_help(void)
{
	printf("prefpeer stats show\n");
}

static void text_agent(const json_t *stats)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)stats, name, v)
		printf("%-24s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(v));
}

static int stats_agent(const struct cli *cli, struct args *args)
{
	json_t *reply, *stats;
	int rc = args_end(args);

	if (!rc)
		rc = ask_agent(cli, json_pack("{s:s}", "cmd", "stats-show"), &reply);
	if (rc)
		return rc;
	stats = json_object_get(reply, "stats");
	if (cli->json)
		json_out(cli, json_incref(stats));
	else
		text_agent(stats);
	json_decref(reply);
	return CLI_OK;
}

static void agent_help(void)
{
	printf("prefpeer stats agent\n");
}

int cmd_stats(const struct cli *cli, struct args *args)
{
	static const struct command table[] = {
		{ "show", stats_show, show_help, "counts, limits and clocks of the module" },
		{ "agent", stats_agent, agent_help, "what the agent let in and refused" },
		{ 0 },
	};

	return command_dispatch(cli, args, "stats", table);
}
