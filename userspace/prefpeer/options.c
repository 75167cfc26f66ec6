// SPDX-License-Identifier: GPL-2.0-or-later
/* What stands before the object, as with ip(8). One table: parsing, help, completion. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prefpeer/cli.h"

static const struct opt {
	char letter;
	const char *name, *value; /* --name[=VALUE] */
	int has;		  /* as struct option has it */
	unsigned bit;		  /* OPT_*, of those that only some commands know */
	const char *help;
} opts[] = {
	{ 'j', "json", NULL, no_argument, 0, "JSON; one object per line in monitor" },
	{ 'p', "pretty", NULL, no_argument, 0, "indented JSON" },
	{ 's', "statistics", NULL, no_argument, OPT_STATS, "counters too" },
	{ 'd', "details", NULL, no_argument, OPT_DETAILS, "all that is known" },
	{ 'o', "oneline", NULL, no_argument, OPT_ONELINE, "one line each; \\ where lines were" },
	{ 't', "timestamp", NULL, no_argument, OPT_TIMESTAMP, "date and zone with each time" },
	{ 'c', "color", "WHEN", optional_argument, 0,
	  "always, auto (the default: on a terminal), never" },
	{ 'n', "netns", "NETNS", required_argument, 0,
	  "in that network namespace: a name of ip-netns(8), or a path" },
	{ 'S', "socket", "PATH", required_argument, 0,
	  "the agent's socket, in place of $PREFPEER_CONTROL" },
	{ 'V', "version", NULL, no_argument, 0, "the version" },
	{ 'h', "help", NULL, no_argument, 0, "this" },
};

#define COMPLETION 256
#define N_OPTS (sizeof(opts) / sizeof(opts[0]))

/* Where they change something; what is not here knows none of them. */
static const struct {
	const char *object, *command;
	unsigned bits;
} meanings[] = {
	{ "map", "show", OPT_STATS | OPT_DETAILS | OPT_ONELINE },
	{ "map", "history", OPT_TIMESTAMP },
	{ "session", "show", OPT_STATS | OPT_DETAILS },
	{ "monitor", NULL, OPT_TIMESTAMP },
	{ "status", NULL, OPT_ONELINE },
	{ "explain", NULL, OPT_ONELINE },
	{ "doctor", NULL, OPT_ONELINE },
};

/* Their commands are asked, not they. */
static const char *const with_commands[] = { "sa",  "rule",    "pair", "peer", "stats",
					     "map", "session", "import", NULL };

static bool has_commands(const char *object)
{
	for (const char *const *o = with_commands; *o; o++)
		if (!strcmp(*o, object))
			return true;
	return false;
}

static unsigned meaning(const char *object, const char *command)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (!strcmp(meanings[i].object, object) &&
		    !strcmp(meanings[i].command ? meanings[i].command : "", command ? command : ""))
			return meanings[i].bits;
	return 0;
}

int options_mean(const struct cli *cli, const char *object, const char *command)
{
	unsigned none = cli->opts & ~meaning(object, command);

	if (!none || (!command && has_commands(object)))
		return CLI_OK;
	for (size_t i = 0; i < N_OPTS; i++)
		if (opts[i].bit & none)
			return cli_usage("-%c (%s) changes nothing in \"%s%s%s\": leave it out",
					 opts[i].letter, opts[i].name, object, command ? " " : "",
					 command ? command : "");
	return CLI_OK;
}

void options_help(FILE *to)
{
	for (size_t i = 0; i < N_OPTS; i++) {
		const struct opt *o = &opts[i];
		char name[40];

		snprintf(name, sizeof(name), "--%s%s%s%s", o->name,
			 o->has == optional_argument ? "[=" :
			 o->value		     ? " " :
						       "",
			 o->value ? o->value : "", o->has == optional_argument ? "]" : "");
		fprintf(to, "  -%c %-16s %s\n", o->letter, name, o->help);
	}
}

const char *options_name(unsigned i, char *buf, size_t size)
{
	if (i >= 2 * N_OPTS)
		return NULL;
	if (i % 2)
		snprintf(buf, size, "--%s", opts[i / 2].name);
	else
		snprintf(buf, size, "-%c", opts[i / 2].letter);
	return buf;
}

static int enter_netns(const char *name)
{
	char path[256];
	int fd, rc;

	if (snprintf(path, sizeof(path), strchr(name, '/') ? "%s" : "/var/run/netns/%s", name) >=
	    (int)sizeof(path))
		return cli_fail("the name of the network namespace is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cli_fail("no network namespace \"%s\": %s: %s", name, path, strerror(errno));
	rc = setns(fd, CLONE_NEWNET)
		     ? cli_fail("network namespace \"%s\": %s", name, strerror(errno))
		     : CLI_OK;
	close(fd);
	return rc;
}

static int set_color(struct cli *cli, const char *when)
{
	if (!when || !strcmp(when, "always"))
		cli->color = true;
	else if (!strcmp(when, "never"))
		cli->color = false;
	else if (strcmp(when, "auto"))
		return cli_usage("--color is always, auto or never, not \"%s\"", when);
	return CLI_OK;
}

static int take_bit(struct cli *cli, int letter)
{
	for (size_t i = 0; i < N_OPTS; i++)
		if (opts[i].letter == letter && opts[i].bit) {
			cli->opts |= opts[i].bit;
			return CLI_OK;
		}
	return CLI_USAGE;
}

static int take(struct cli *cli, int letter)
{
	switch (letter) {
	case 'j':
		cli->json = true;
		return CLI_OK;
	case 'p':
		cli->pretty = true;
		return CLI_OK;
	case 'c':
		return set_color(cli, optarg);
	case 'n':
		cli->netns = optarg;
		return CLI_OK;
	case 'S':
		cli->control = optarg;
		return CLI_OK;
	case 'V':
		printf("prefpeer %s\n", PREFPEER_VERSION);
		return -1;
	case 'h':
		return OPTIONS_HELP;
	case COMPLETION:
		cli->completion = true;
		return CLI_OK;
	default:
		return take_bit(cli, letter);
	}
}

int options_take(struct cli *cli, int argc, char **argv, int *at)
{
	struct option longs[N_OPTS + 2] = { 0 };
	char shorts[2 * N_OPTS + 2] = "+"; /* an option behind the object is a word of its own */
	int opt, rc = CLI_OK;

	for (size_t i = 0; i < N_OPTS; i++) {
		size_t n = strlen(shorts);

		longs[i] = (struct option){ opts[i].name, opts[i].has, NULL, opts[i].letter };
		shorts[n] = opts[i].letter;
		/* Of an optional value the letter has none: -c alone. */
		if (opts[i].has == required_argument)
			shorts[n + 1] = ':';
	}
	/* Of the script alone: in no help. The script's words follow, and are no options. */
	longs[N_OPTS] = (struct option){ "completion", no_argument, NULL, COMPLETION };
	cli->color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	while (!rc && !cli->completion && (opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1)
		rc = take(cli, opt);
	*at = optind;
	if (!rc && cli->netns)
		rc = enter_netns(cli->netns);
	return rc;
}
