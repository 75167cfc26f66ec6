// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer session, prefpeer reload: the agent's IKE SAs, and its configuration. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/cells.h"
#include "prefpeer/cli.h"

/* {"cmd":…} and [remote A]. NULL: said why. */
static json_t *request(struct args *args, const char *cmd)
{
	const char *word = args_next(args), *peer = word ? args_next(args) : NULL;
	struct addr a;

	if (word && strcmp(word, "remote")) {
		cli_usage("\"%s\" is no word here; this is: remote ADDRESS", word);
		return NULL;
	}
	if (word && (!peer || addr_parse(peer, &a))) {
		cli_usage("remote needs an IP address, not \"%s\"", peer ? peer : "");
		return NULL;
	}
	if (args_end(args))
		return NULL;
	return json_pack("{s:s, s:s*}", "cmd", cmd, "remote", peer);
}

static int session_show(const struct cli *cli, struct args *args)
{
	return show_answer(cli, request(args, "session-show"), "sessions", text_sessions);
}

static void show_help(void)
{
	printf("prefpeer session show [remote A]\n");
}

static int session_clear(const struct cli *cli, struct args *args)
{
	return show_done(cli, ask_selection(args, "session-clear"));
}

static void clear_help(void)
{
	printf("prefpeer session clear [remote A] [map NAME [SEQ]]\n");
}

int cmd_session(const struct cli *cli, struct args *args)
{
	static const struct command table[] = {
		{ "show", session_show, show_help, "IKE SAs" },
		{ "clear", session_clear, clear_help,
		  "delete IKE and child SAs; with a default peer the next attempt goes there" },
		{ 0 },
	};

	return command_dispatch(cli, args, "session", table);
}

int cmd_reload(const struct cli *cli, struct args *args)
{
	int rc;

	if (args->n && !strcmp(args->v[0], "help")) {
		printf("prefpeer reload\n");
		return CLI_OK;
	}
	rc = args_end(args);
	return rc ? rc : show_done(cli, json_pack("{s:s}", "cmd", "reload"));
}
