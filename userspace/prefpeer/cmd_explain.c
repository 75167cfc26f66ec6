// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer explain: which peer the next packet would use, and why. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/cells.h"
#include "prefpeer/cli.h"

#define WIDTH 80

/* The words of @text in lines of at most WIDTH columns; one that is longer has a line of its own. */
static void print_wrapped(const char *text)
{
	size_t at = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (at && at + 1 + n > WIDTH) {
			putchar('\n');
			at = 0;
		}
		at += (size_t)printf("%s%.*s", at ? " " : "", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static json_t *request(struct args *args)
{
	const char *name = args_next(args), *seq = name ? args_next(args) : NULL;
	uint32_t n;

	if (!seq) {
		cli_usage("name the entry: map NAME and its sequence number, as in \"tohub 1\"");
		return NULL;
	}
	if (parse_u32(seq, &n) || n < 1 || n > 131071) {
		cli_usage("the sequence number of an entry is 1..131071, not \"%s\"", seq);
		return NULL;
	}
	if (args_end(args))
		return NULL;
	return json_pack("{s:s, s:s, s:i}", "cmd", "map-explain", "map", name, "seq", (int)n);
}

int cmd_explain(const struct cli *cli, struct args *args)
{
	json_t *req, *reply, *explain;
	const char *text;
	int rc;

	if (args->n && !strcmp(args->v[0], "help")) {
		printf("prefpeer explain NAME SEQ\n");
		return CLI_OK;
	}
	req = request(args);
	if (!req)
		return CLI_USAGE;
	rc = ask_agent(cli, req, &reply);
	if (rc)
		return rc;
	explain = json_object_get(reply, "explain");
	text = json_string_value(json_object_get(explain, "text"));
	if (cli->json)
		json_out(cli, json_incref(explain ? explain : reply));
	else if (cli->opts & OPT_ONELINE)
		printf("%s\n", text ? text : "");
	else
		print_wrapped(text ? text : "");
	json_decref(reply);
	return CLI_OK;
}
