// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer map: entries of crypto maps, as the agent runs them. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/cells.h"
#include "prefpeer/cli.h"

/* {"cmd":…} and, as far as they are given, NAME and SEQ. NULL: said why. */
static json_t *request(struct args *args, const char *cmd, bool whole)
{
	const char *name = args_next(args), *seq = name ? args_next(args) : NULL;
	uint32_t n = 0;

	if (whole && !seq) {
		cli_usage("name the entry: map NAME and its sequence number, as in \"tohub 1\"");
		return NULL;
	}
	if (seq && (parse_u32(seq, &n) || n < 1 || n > 131071)) {
		cli_usage("the sequence number of an entry is 1..131071, not \"%s\"", seq);
		return NULL;
	}
	if (args_end(args))
		return NULL;
	return json_pack("{s:s, s:s*, s:o*}", "cmd", cmd, "map", name, "seq",
			 seq ? json_integer(n) : NULL);
}

static int map_show(const struct cli *cli, struct args *args)
{
	return show_answer(cli, request(args, "map-show", false), "maps", text_maps);
}

static void show_help(void)
{
	printf("prefpeer map show [NAME [SEQ]]\n");
}

static int map_connect(const struct cli *cli, struct args *args)
{
	return show_done(cli, request(args, "map-connect", true));
}

static void connect_help(void)
{
	printf("prefpeer map connect NAME SEQ\n");
}

static int map_switch(const struct cli *cli, struct args *args)
{
	struct args entry = { args->n < 2 ? args->n : 2, args->v };
	struct args rest = { args->n - entry.n, args->v + entry.n };
	json_t *req = request(&entry, "map-switch", true);
	const char *peer;

	if (!req)
		return CLI_USAGE;
	peer = args_next(&rest);
	if (!peer || args_end(&rest)) {
		json_decref(req);
		return peer ? CLI_USAGE :
			      cli_usage("to which peer? as in \"map switch tohub 1 10.2.2.2\"");
	}
	json_object_set_new(req, "peer", json_string(peer));
	return show_done(cli, req);
}

static void switch_help(void)
{
	printf("prefpeer map switch NAME SEQ PEER\n");
}

static int map_reset(const struct cli *cli, struct args *args)
{
	return show_done(cli, request(args, "map-reset", true));
}

static void reset_help(void)
{
	printf("prefpeer map reset NAME SEQ\n");
}

/* ---- history ------------------------------------------------------------- */

/* `last N` at the end, taken off. -1 on a bad N, which has been said. */
static int take_last(struct args *args, uint32_t *last)
{
	if (args->n < 2 || strcmp(args->v[args->n - 2], "last"))
		return 0;
	if (parse_u32(args->v[args->n - 1], last)) {
		cli_usage("last needs a number of events, not \"%s\"", args->v[args->n - 1]);
		return -1;
	}
	args->n -= 2;
	return 0;
}

static void text_history(const struct cli *cli, const json_t *events)
{
	json_t *event;
	size_t i;

	json_array_foreach(events, i, event) text_agent_event(cli, event);
}

static int map_history(const struct cli *cli, struct args *args)
{
	uint32_t last = 0;
	json_t *req;

	if (take_last(args, &last))
		return CLI_USAGE;
	req = request(args, "history", false);
	if (req)
		json_object_set_new(req, "last", json_integer(last));
	return show_answer(cli, req, "events", text_history);
}

static void history_help(void)
{
	printf("prefpeer map history [NAME [SEQ]] [last N]\n");
}

int cmd_map(const struct cli *cli, struct args *args)
{
	static const struct command table[] = {
		{ "show", map_show, show_help, "which peer, why, since when, what next" },
		{ "connect", map_connect, connect_help,
		  "set the tunnel up without waiting for a packet" },
		{ "switch", map_switch, switch_help,
		  "tear down, and try that peer first: the rest of the list after it" },
		{ "reset", map_reset, reset_help,
		  "tear down; the next attempt goes to the default peer" },
		{ "history", map_history, history_help, "what happened to an entry" },
		{ 0 },
	};

	return command_dispatch(cli, args, "map", table);
}
