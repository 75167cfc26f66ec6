// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer config: the configuration as text, in force and in files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "prefpeer/config_agent.h"
#include "prefpeerd/conf/config.h"

/* ---- check: without an agent ---------------------------------------------- */

static json_t *diags_list(const struct conf_diags *d)
{
	static const char *const names[] = { "error", "warning", "note" };
	json_t *list = json_array();

	for (unsigned i = 0; i < d->n; i++) {
		const struct conf_diag *g = &d->list[i];

		json_array_append_new(
			list, json_pack("{s:s, s:i, s:i, s:i, s:s, s:s*}", "severity",
					names[g->severity], "line", g->pos.line, "col", g->pos.col,
					"len", g->pos.len, "text", g->text, "hint", g->hint));
	}
	return list;
}

struct judged {
	struct conf_diags diags;
	bool valid;
};

static struct judged judge(const char *path)
{
	struct judged j = { .valid = false };
	struct config *c = NULL;

	if (!config_load(path, &c, &j.diags))
		j.valid = !config_credentials(c, &conf_keys_here, time(NULL), &j.diags);
	config_free(c);
	return j;
}

static int check_one(const struct cli *cli, const char *path, bool strict, json_t *list)
{
	struct judged j = judge(path);
	bool good = j.valid && !(strict && j.diags.n_warnings);

	if (cli->json)
		json_array_append_new(
			list, json_pack("{s:s, s:b, s:i, s:i, s:o}", "file", path, "valid", j.valid,
					"errors", j.diags.n_errors, "warnings", j.diags.n_warnings,
					"diags", diags_list(&j.diags)));
	else
		conf_main_check(path, stdout);
	conf_diags_free(&j.diags);
	return good ? CLI_OK : CLI_FAIL;
}

static int config_check(const struct cli *cli, struct args *args)
{
	bool strict = args->n && !strcmp(args->v[0], "strict");
	const char *path = strict ? args_next(args) : NULL;
	json_t *list = json_array();
	int rc = CLI_OK;

	/* It may have a look at private keys. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	path = args_next(args);
	if (!path)
		rc = cli_usage("name the file: prefpeer config check [strict] FILE…");
	for (; path; path = args_next(args))
		if (check_one(cli, path, strict, list))
			rc = CLI_FAIL;
	if (cli->json && rc != CLI_USAGE)
		json_out(cli, json_incref(list));
	json_decref(list);
	return rc;
}

static void check_help(void)
{
	printf("prefpeer config check [strict] FILE…\n");
}

/* ---- show ------------------------------------------------------------------- */

static int config_show(const struct cli *cli, struct args *args)
{
	const char *which = args_next(args);
	bool startup = which && !strcmp(which, "startup");
	json_t *reply;
	int rc;

	if (which && !startup && strcmp(which, "running"))
		return cli_usage("\"%s\" is no configuration; these are: running startup", which);
	rc = args_end(args);
	if (!rc)
		rc = ask_agent_fd(cli, json_pack("{s:s, s:b}", "cmd", "config-show", "startup", startup),
				  -1, &reply);
	if (rc)
		return rc;
	if (cli->json || !json_is_true(json_object_get(reply, "ok")))
		return config_outcome(cli, reply, "startup", NULL);
	fputs(json_string_value(json_object_get(reply, "text")), stdout);
	json_decref(reply);
	return CLI_OK;
}

static void show_help(void)
{
	printf("prefpeer config show [running|startup]\n");
}

/* ---- diff, write, replace ------------------------------------------------------ */

static void diff_help(void)
{
	printf("prefpeer config diff\n");
	printf("prefpeer config diff FILE\n");
	printf("prefpeer config diff FILE FILE\n");
}

static int config_write_out(const struct cli *cli, struct args *args)
{
	const char *path = args_next(args);
	int rc = args_end(args);

	if (!rc)
		rc = config_save(cli, path);
	if (!rc && cli->json)
		json_out(cli, json_pack("{s:b}", "ok", 1));
	return rc;
}

static void write_help(void)
{
	printf("prefpeer config write [FILE]\n");
}

static int config_replace(const struct cli *cli, struct args *args)
{
	const char *path = args_next(args);
	bool check = path && !strcmp(path, "check");
	char *text;
	size_t len;
	json_t *reply;
	int rc;

	if (check)
		path = args_next(args);
	if (!path)
		return cli_usage("name the file: prefpeer config replace [check] FILE");
	rc = args_end(args);
	if (!rc)
		rc = config_read_file(path, &text, &len);
	if (rc)
		return rc;
	rc = config_send(cli, json_pack("{s:s, s:b}", "cmd", "config-replace", "check", check), text,
			 len, &reply);
	if (!rc)
		rc = config_outcome(cli, reply, path, text);
	secret_free(text, len);
	return rc;
}

static void replace_help(void)
{
	printf("prefpeer config replace [check] FILE\n");
}

int cmd_config(const struct cli *cli, struct args *args)
{
	static const struct command table[] = {
		{ "check", config_check, check_help,
		  "judge files, without an agent; strict: warnings count too" },
		{ "show", config_show, show_help, "what is in force, or what its file holds" },
		{ "diff", config_differences, diff_help,
		  "what is not saved; what a file would change; two files" },
		{ "write", config_write_out, write_help, "save what is in force" },
		{ "replace", config_replace, replace_help,
		  "a file in place of all that is in force; it is not saved by that" },
		{ 0 },
	};

	return command_dispatch(cli, args, "config", table);
}
