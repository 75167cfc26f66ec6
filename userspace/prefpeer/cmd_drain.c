// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer drain: empty this gateway before it is taken down. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/cells.h"
#include "prefpeer/cli.h"

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static void text(const json_t *d)
{
	char since[DUR_STRLEN], rest[DUR_STRLEN];

	if (!json_is_true(json_object_get(d, "draining")))
		printf("not drained: %lld up\n", number(d, "left"));
	else if (!number(d, "left"))
		printf("drained: nothing is left of %lld\n", number(d, "began_with"));
	else
		printf("draining for %s: %lld of %lld left, the last one ends in %s\n",
		       dur_print((uint64_t)number(d, "since_ms"), since), number(d, "left"),
		       number(d, "began_with"),
		       dur_print((uint64_t)number(d, "ends_in_ms"), rest));
}

static int ask(const struct cli *cli, json_t *req)
{
	json_t *reply, *d;
	int rc = ask_agent(cli, req, &reply);

	if (rc)
		return rc;
	d = json_object_get(reply, "drain");
	if (cli->json)
		json_out(cli, json_incref(d));
	else
		text(d);
	json_decref(reply);
	return CLI_OK;
}

static void help(void)
{
	printf("prefpeer drain [SECONDS]\n"
	       "prefpeer drain stop\n"
	       "prefpeer drain show\n");
}

int cmd_drain(const struct cli *cli, struct args *args)
{
	const char *word = args_next(args);
	uint32_t seconds = 60;

	if (word && !strcmp(word, "help")) {
		help();
		return CLI_OK;
	}
	if (args_end(args))
		return CLI_USAGE;
	if (word && (!strcmp(word, "stop") || !strcmp(word, "show")))
		return ask(cli, json_pack("{s:s+}", "cmd", "drain-", word));
	if (word && (parse_u32(word, &seconds) || seconds > 86400))
		return cli_usage("drain takes seconds, 0..86400, or stop, or show: not \"%s\"", word);
	return ask(cli, json_pack("{s:s, s:i}", "cmd", "drain-start", "seconds", (int)seconds));
}
