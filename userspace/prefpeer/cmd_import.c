// SPDX-License-Identifier: GPL-2.0-or-later
/* prefpeer import swanctl|ipsec.conf FILE: another daemon's configuration as a crypto map. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/cli.h"
#include "prefpeer/import.h"

static int read_and_print(struct import *im, int (*read)(struct import *im))
{
	int err = read(im);

	if (!err)
		import_print(im);
	import_free(im);
	if (err)
		return CLI_FAIL;
	fprintf(stderr, "prefpeer: %u remark%s; check the result with prefpeerd -t -f FILE\n",
		im->remarks, im->remarks == 1 ? "" : "s");
	return CLI_OK;
}

static int take_words(struct import *im, struct args *args)
{
	const char *word;

	while ((word = args_next(args))) {
		if (!strcmp(word, "--secrets") || !strcmp(word, "secrets"))
			im->secrets = true;
		else if (!strcmp(word, "interface") && args->n)
			im->interface = args_next(args);
		else if (!im->path)
			im->path = word;
		else
			return cli_usage(
				"\"%s\" is no word here; these are: FILE, interface NAME, --secrets",
				word);
	}
	return im->path ? CLI_OK : cli_usage("which file?");
}

static int import_by(const struct cli *cli, struct args *args, int (*read)(struct import *im))
{
	struct import im = { .out = stdout, .err = stderr };
	int rc = take_words(&im, args);

	if (!rc && cli->json)
		rc = cli_usage("what import prints is a configuration: there is no JSON of it");
	return rc ? rc : read_and_print(&im, read);
}

static int swanctl(const struct cli *cli, struct args *args)
{
	return import_by(cli, args, import_swanctl);
}

static void swanctl_help(void)
{
	printf("prefpeer import swanctl FILE [interface NAME] [--secrets]\n");
}

static int ipsec(const struct cli *cli, struct args *args)
{
	return import_by(cli, args, import_ipsec);
}

static void ipsec_help(void)
{
	printf("prefpeer import ipsec.conf FILE [interface NAME] [--secrets]\n");
}

int cmd_import(const struct cli *cli, struct args *args)
{
	static const struct command table[] = {
		{ "swanctl", swanctl, swanctl_help, "swanctl.conf of strongSwan" },
		{ "ipsec.conf", ipsec, ipsec_help,
		  "ipsec.conf of strongSwan's starter, or libreswan" },
		{ 0 },
	};

	if (!args->n)
		return cli_usage("import what? swanctl or ipsec.conf, and the file");
	return command_dispatch(cli, args, "import", table);
}
