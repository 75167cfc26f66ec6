// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands of an object, by its table. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/cli.h"

const struct command *command_find(const struct command *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

static int object_help(const struct command *table)
{
	for (; table->name; table++) {
		printf("# %s\n", table->summary);
		table->help();
	}
	return CLI_OK;
}

static int unknown_command(const char *object, const struct command *table, const char *typed)
{
	char list[128] = "";
	size_t at = 0;

	for (; table->name && at < sizeof(list); table++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, " %s", table->name);
	return cli_usage("%s: \"%s\" is no command; these are:%s help", object, typed, list);
}

int command_dispatch(const struct cli *cli, struct args *args, const char *object,
		     const struct command *table)
{
	const char *name = args_next(args);
	const struct command *c;

	if (name && !strcmp(name, "help"))
		return object_help(table);
	c = command_find(table, name ? name : "show");
	if (!c)
		return unknown_command(object, table, name ? name : "");
	if (args->n && !strcmp(args->v[0], "help")) {
		c->help();
		return CLI_OK;
	}
	return options_mean(cli, object, c->name) ? CLI_USAGE : c->run(cli, args);
}

