/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prefpeer --completion: out of what `help` prints, which comes from the commands' own tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ctl.h"
#include "prefpeer/completion.h"

static const struct command objects[] = {
	{ "sa", cmd_sa, NULL, "" },	    { "rule", cmd_rule, NULL, "" },
	{ "map", cmd_map, NULL, "" },	    { "monitor", cmd_monitor, NULL, "" },
	{ "drain", cmd_drain, NULL, "" },   { "import", cmd_import, NULL, "" },
	{ "status", cmd_status, NULL, "" }, { 0 },
};

/* Typed words, and all that must be among the answer; a word with '!' must not. */
static const struct {
	const char *typed, *words;
} rows[] = {
	{ "", "-j --json --statistics -S sa map monitor help !show" },
	{ "map", "show connect switch reset history help !NAME !last" },
	{ "map history tohub 1", "last !history !connect" },
	{ "sa", "show set clear help !dst" },
	{ "sa show", "src dst proto esp ah encap-port rule !show !META" },
	{ "sa set", "id dst none !clear" },
	{ "rule add", "remote local idle-time !del" },
	{ "rule add remote 10.0.0.0/8", "local proto idle-time one-way" },
	{ "monitor", "sa pair history buffer help" },
	{ "monitor sa", "pair history" },
	{ "drain", "stop show help" },
	{ "import", "swanctl ipsec.conf help" },
	{ "import swanctl", "interface --secrets !ipsec.conf" },
	{ "nonsense", "!help" },
	{ "map nonsense", "!last !NAME" },
};

static void answer(const char *typed, char *out, size_t size)
{
	char words[200], *v[16], *save = NULL, *text = NULL;
	const struct cli cli = { .control = "/nowhere/control" };
	struct args args = { 0, v };
	size_t len;
	FILE *to = open_memstream(&text, &len);

	snprintf(words, sizeof(words), "%s", typed);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		v[args.n++] = w;
	assert_int_equal(completion(&cli, &args, objects, to), CLI_OK);
	fclose(to);
	snprintf(out, size, "\n%s", text);
	free(text);
}

static void words_of_the_tables(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[8192], words[200], line[64], *save = NULL;

		answer(rows[i].typed, out, sizeof(out));
		snprintf(words, sizeof(words), "%s", rows[i].words);
		for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
			bool not = *w == '!';

			snprintf(line, sizeof(line), "\n%s\n", w + not);
			if (!strstr(out, line) != not)
				fail_msg("\"%s\": %s%s:%s", rows[i].typed, w + not,
					 not ? " is there" : " is missing", out);
		}
	}
}

/* Whatever it prints is a word that could be typed. */
static void only_words(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[8192];

		answer(rows[i].typed, out, sizeof(out));
		assert_null(strpbrk(out, " []{}|\t"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_the_tables),
		cmocka_unit_test(only_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
