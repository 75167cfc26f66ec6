// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer [options] OBJECT COMMAND … */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prefpeer/cli.h"
#include "prefpeer/exec.h"

static int cmd_exec_show(const struct cli *cli, struct args *args)
{
	return exec_main(cli, args, "show");
}

static int cmd_exec_clear(const struct cli *cli, struct args *args)
{
	return exec_main(cli, args, "clear");
}

static const struct command objects[] = {
	{ "sa", cmd_sa, NULL, "SAs and their idle clocks (module)" },
	{ "rule", cmd_rule, NULL, "metadata for SAs that match (module)" },
	{ "pair", cmd_pair, NULL, "pairs of SAs: what idles (module)" },
	{ "peer", cmd_peer, NULL, "peers: what answers, or does not (module)" },
	{ "stats", cmd_stats, NULL, "counts, limits and clocks" },
	{ "map", cmd_map, NULL, "entries of crypto maps: which peer, why, what next (agent)" },
	{ "session", cmd_session, NULL, "IKE SAs and their child SAs (agent)" },
	{ "reload", cmd_reload, NULL, "read the configuration again (agent)" },
	{ "show", cmd_exec_show, NULL, "show crypto …, as on IOS (agent)" },
	{ "clear", cmd_exec_clear, NULL, "clear crypto …, as on IOS (agent)" },
	{ "monitor", cmd_monitor, NULL, "what happens, as it happens (both)" },
	{ 0 },
};

static const struct command *find(const struct command *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

static void usage(FILE *to)
{
	fprintf(to, "usage: prefpeer [-j] [-p] [-c] [-n NETNS] [-s SOCKET] OBJECT COMMAND …\n"
		    "       prefpeer OBJECT help\n\n");
	for (const struct command *o = objects; o->name; o++)
		fprintf(to, "  %-8s %s\n", o->name, o->summary);
	fprintf(to,
		"\n"
		"  -j --json          JSON; one object per line in monitor\n"
		"  -p --pretty        indented JSON\n"
		"  -c --color[=WHEN]  always, auto (the default: on a terminal), never\n"
		"  -n --netns NETNS   in that network namespace: a name of ip-netns(8), or a path\n"
		"  -s --socket PATH   the agent's socket, in place of $PREFPEER_CONTROL\n"
		"  -V --version       -h --help\n");
}

/* ---- commands of an object ----------------------------------------------- */

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
	c = find(table, name ? name : "show");
	if (!c)
		return unknown_command(object, table, name ? name : "");
	if (args->n && !strcmp(args->v[0], "help")) {
		c->help();
		return CLI_OK;
	}
	return c->run(cli, args);
}

/* ---- options ------------------------------------------------------------- */

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

/* CLI_OK, CLI_USAGE, or -1: all is done. */
static int one_option(struct cli *cli, int opt)
{
	switch (opt) {
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
	case 's':
		cli->control = optarg;
		return CLI_OK;
	case 'V':
		printf("prefpeer %s\n", PREFPEER_VERSION);
		return -1;
	case 'h':
		usage(stdout);
		return -1;
	default:
		usage(stderr);
		return CLI_USAGE;
	}
}

static int options(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "color", optional_argument, NULL, 'c' },
		{ "netns", required_argument, NULL, 'n' },
		{ "socket", required_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int opt, rc = CLI_OK;

	cli->color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	/* '+': an option behind the object is a word of its own. */
	while (!rc && (opt = getopt_long(argc, argv, "+jpcn:s:Vh", longs, NULL)) != -1)
		rc = one_option(cli, opt);
	return rc;
}

/* ---- main ---------------------------------------------------------------- */

static int run(const struct cli *cli, struct args *args)
{
	const char *name = args_next(args);
	const struct command *o;
	char *help[] = { "help" };

	if (!name) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(name, "help")) {
		name = args_next(args);
		if (!name) {
			usage(stdout);
			return CLI_OK;
		}
		*args = (struct args){ 1, help };
	}
	o = find(objects, name);
	if (!o)
		return cli_usage("\"%s\" is no object: see prefpeer help", name);
	return o->run(cli, args);
}

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	struct args args;
	int rc = options(&cli, argc, argv);

	if (rc)
		return rc < 0 ? CLI_OK : rc;
	args = (struct args){ argc - optind, argv + optind };
	if (cli.netns && enter_netns(cli.netns))
		return CLI_FAIL;
	rc = run(&cli, &args);
	if (fflush(stdout) && rc == CLI_OK)
		rc = cli_fail("standard output: %s", strerror(errno));
	return rc;
}
