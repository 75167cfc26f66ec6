// SPDX-License-Identifier: GPL-2.0-or-later
/* What differs: from the file to what is in force, from that to a file, or two files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeer/config_agent.h"
#include "prefpeerd/conf/config.h"

static int print_diff(const struct cli *cli, json_t *reply, const char *name, const char *text)
{
	if (cli->json || !json_is_true(json_object_get(reply, "ok")))
		return config_outcome(cli, reply, name, text);
	if (json_integer_value(json_object_get(reply, "lines")))
		fputs(json_string_value(json_object_get(reply, "text")), stdout);
	json_decref(reply);
	return CLI_OK;
}

static int diff_with(const struct cli *cli, const char *path)
{
	char *text;
	size_t len;
	json_t *reply;
	int rc = config_read_file(path, &text, &len);

	if (rc)
		return rc;
	rc = config_send(cli, json_pack("{s:s, s:b}", "cmd", "config-diff", "given", 1), text, len,
			 &reply);
	if (!rc)
		rc = print_diff(cli, reply, path, text);
	secret_free(text, len);
	return rc;
}

static struct config *load(const char *path)
{
	struct conf_diags d;
	struct config *c;

	if (config_load(path, &c, &d))
		conf_diags_print(&d, path, NULL, stderr);
	conf_diags_free(&d);
	return c;
}

/* No agent is asked. */
static int diff_files(const struct cli *cli, const char *one, const char *other)
{
	struct config *a = load(one), *b = a ? load(other) : NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *f = b ? open_memstream(&text, &size) : NULL;
	int n = f ? config_diff(a, b, f) : -1;

	if (f)
		fclose(f);
	config_free(a);
	config_free(b);
	if (n >= 0 && cli->json)
		json_out(cli, json_pack("{s:b, s:i, s:s}", "ok", 1, "lines", n, "text", text));
	else if (n >= 0)
		fputs(text, stdout);
	free(text);
	return n < 0 ? CLI_FAIL : CLI_OK;
}

int config_differences(const struct cli *cli, struct args *args)
{
	const char *one = args_next(args), *other = args_next(args);
	json_t *reply;
	int rc = args_end(args);

	if (rc)
		return rc;
	if (other)
		return diff_files(cli, one, other);
	if (one)
		return diff_with(cli, one);
	rc = ask_agent_fd(cli, json_pack("{s:s}", "cmd", "config-diff"), -1, &reply);
	return rc ? rc : print_diff(cli, reply, "startup", NULL);
}
