// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer status: one look for a monitoring system; its exit status is the answer. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/cells.h"
#include "prefpeer/cli.h"
#include "prefpeer/status.h"

static void print_text(const struct cli *cli, const struct status *s)
{
	json_t *p;
	size_t i;

	if (s->level == STATUS_UNKNOWN) {
		printf("PREFPEER UNKNOWN - no crypto map is configured\n");
		return;
	}
	printf("PREFPEER %s - %u home, %u on a backup, %u idle, %u down, %u incomplete"
	       " | home=%u backup=%u idle=%u down=%u incomplete=%u",
	       status_word(s->level), s->home, s->backup, s->idle, s->down, s->incomplete, s->home,
	       s->backup, s->idle, s->down, s->incomplete);
	json_array_foreach(s->problems, i, p)
		printf("%c%s %lld %s: %s", cli->opts & OPT_ONELINE ? '\\' : '\n',
		       json_string_value(json_object_get(p, "map")),
		       (long long)json_integer_value(json_object_get(p, "seq")),
		       json_string_value(json_object_get(p, "level")),
		       json_string_value(json_object_get(p, "text")));
	putchar('\n');
}

static void print_json(const struct cli *cli, const struct status *s)
{
	json_out(cli,
		 json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:O}", "status",
			   status_word(s->level), "code", (int)s->level, "home", (int)s->home,
			   "backup", (int)s->backup, "idle", (int)s->idle, "down", (int)s->down,
			   "incomplete", (int)s->incomplete, "problems", s->problems));
}

/* A plug-in's first line goes to standard output, whatever it is. */
static int unknown(const struct cli *cli, const char *why)
{
	if (cli->json)
		json_out(cli, json_pack("{s:s, s:i, s:s}", "status", "UNKNOWN", "code",
					STATUS_UNKNOWN, "error", why));
	else
		printf("PREFPEER UNKNOWN - %s\n", why);
	return STATUS_UNKNOWN;
}

static json_t *request(struct args *args)
{
	const char *name = args_next(args), *seq = name ? args_next(args) : NULL;
	uint32_t n = 0;

	if (args_end(args))
		return NULL;
	if (seq && (parse_u32(seq, &n) || n < 1 || n > 131071)) {
		cli_usage("the sequence number of an entry is 1..131071, not \"%s\"", seq);
		return NULL;
	}
	return json_pack("{s:s, s:s*, s:o*}", "cmd", "map-show", "map", name, "seq",
			 seq ? json_integer(n) : NULL);
}

int cmd_status(const struct cli *cli, struct args *args)
{
	json_t *req, *reply;
	struct status s;

	if (args->n && !strcmp(args->v[0], "help")) {
		printf("prefpeer status [NAME [SEQ]]\n"
		       "# exit status: 0 all are home or idle, 1 one is on a backup, 2 one is wanted and\n"
		       "# down, 3 not known\n");
		return CLI_OK;
	}
	req = request(args);
	if (!req)
		return unknown(cli, "the command cannot be understood");
	if (ask_agent(cli, req, &reply))
		return unknown(cli, "prefpeerd gives no answer");
	s = status_judge(json_object_get(reply, "maps"));
	if (cli->json)
		print_json(cli, &s);
	else
		print_text(cli, &s);
	json_decref(s.problems);
	json_decref(reply);
	return (int)s.level;
}
