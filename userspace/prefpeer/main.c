// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer [options] OBJECT COMMAND … */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "prefpeer/cli.h"
#include "prefpeer/completion.h"
#include "prefpeer/exec.h"
#include "prefpeer/shell.h"

static int cmd_exec_show(const struct cli *cli, struct args *args)
{
	return exec_main(cli, args, "show");
}

static int cmd_exec_clear(const struct cli *cli, struct args *args)
{
	return exec_main(cli, args, "clear");
}

static int cmd_exec_debug(const struct cli *cli, struct args *args)
{
	return exec_main(cli, args, "debug");
}

static const struct command objects[] = {
	{ "sa", cmd_sa, NULL, "SAs and their idle clocks (module)" },
	{ "rule", cmd_rule, NULL, "metadata for SAs that match (module)" },
	{ "pair", cmd_pair, NULL, "pairs of SAs: what idles (module)" },
	{ "peer", cmd_peer, NULL, "peers: what answers, or does not (module)" },
	{ "stats", cmd_stats, NULL, "counts, limits and clocks" },
	{ "map", cmd_map, NULL, "entries of crypto maps: which peer, why, what next (agent)" },
	{ "status", cmd_status, NULL, "are all home or idle: an exit status for monitoring (agent)" },
	{ "doctor", cmd_doctor, NULL, "what on this machine will hurt, and what to do (both)" },
	{ "explain", cmd_explain, NULL, "which peer the next packet would use, and why (agent)" },
	{ "session", cmd_session, NULL, "IKE SAs and their child SAs (agent)" },
	{ "drain", cmd_drain, NULL, "empty this gateway before it is taken down (agent)" },
	{ "import", cmd_import, NULL, "another daemon's configuration as a crypto map (neither)" },
	{ "reload", cmd_reload, NULL, "read the configuration again (agent)" },
	{ "shell", cmd_shell, NULL, "the command line of IOS: modes, `?`, configure terminal" },
	{ "config", cmd_config, NULL, "the configuration: check, show, compare, save, replace (agent)" },
	{ "show", cmd_exec_show, NULL, "show crypto …, as on IOS (agent)" },
	{ "clear", cmd_exec_clear, NULL, "clear crypto …, as on IOS (agent)" },
	{ "debug", cmd_exec_debug, NULL, "debug crypto …: events as they happen (agent)" },
	{ "monitor", cmd_monitor, NULL, "what happens, as it happens (both)" },
	{ 0 },
};

static void usage(FILE *to)
{
	fprintf(to, "usage: prefpeer [OPTIONS] OBJECT COMMAND …\n"
		    "       prefpeer OBJECT help\n\n");
	for (const struct command *o = objects; o->name; o++)
		fprintf(to, "  %-8s %s\n", o->name, o->summary);
	fputc('\n', to);
	options_help(to);
}

/* ---- main ---------------------------------------------------------------- */

static int run(const struct cli *cli, struct args *args)
{
	const char *name = args_next(args);
	const struct command *o;
	char *help[] = { "help" };

	if (!name && cli->completion)
		return completion(cli, args, objects, stdout);
	if (!name) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (cli->completion) {
		args->n++;
		args->v--;
		return completion(cli, args, objects, stdout);
	}
	if (*name == '/' && cli->opts & OPT_STATS)
		return cli_usage("-s is for statistics: the agent's socket is -S %s", name);
	if (!strcmp(name, "help")) {
		name = args_next(args);
		if (!name) {
			usage(stdout);
			return CLI_OK;
		}
		*args = (struct args){ 1, help };
	}
	o = command_find(objects, name);
	if (!o)
		return cli_usage("\"%s\" is no object: see prefpeer help", name);
	return options_mean(cli, o->name, NULL) ? CLI_USAGE : o->run(cli, args);
}

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	struct args args;
	int at = 0, rc;

	if (shell_is_login(argv[0]))
		return cmd_shell(&cli, &(struct args){ argc - 1, argv + 1 });
	rc = options_take(&cli, argc, argv, &at);
	if (rc == OPTIONS_HELP)
		usage(stdout);
	else if (rc == CLI_USAGE)
		usage(stderr);
	if (rc)
		return rc < 0 ? CLI_OK : rc;
	args = (struct args){ argc - at, argv + at };
	rc = run(&cli, &args);
	if (fflush(stdout) && rc == CLI_OK)
		rc = cli_fail("standard output: %s", strerror(errno));
	return rc;
}
