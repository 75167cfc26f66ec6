/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options as ip(8) has them: what each changes, and where it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "prefpeer/cli.h"

static char printed[8192];

/* Of @fd, until the next call. */
static void grab(int fd, void (*fn)(const struct cli *cli, void *ctx), const struct cli *cli,
		 void *ctx)
{
	int saved = dup(fd);
	FILE *sink = tmpfile();
	size_t n;

	fflush(NULL);
	dup2(fileno(sink), fd);
	fn(cli, ctx);
	fflush(NULL);
	dup2(saved, fd);
	close(saved);
	rewind(sink);
	n = fread(printed, 1, sizeof(printed) - 1, sink);
	printed[n] = '\0';
	fclose(sink);
}

static void has(const char *part)
{
	if (!strstr(printed, part))
		fail_msg("\"%s\" is not in:\n%s", part, printed);
}

static void has_not(const char *part)
{
	if (strstr(printed, part))
		fail_msg("\"%s\" is in:\n%s", part, printed);
}

/* ---- parsing ------------------------------------------------------------- */

static int take(struct cli *cli, const char *a, const char *b, const char *c)
{
	char *argv[] = { "prefpeer", (char *)a, (char *)b, (char *)c, NULL };
	int at = 0, argc = 1 + !!a + !!b + !!c;

	*cli = (struct cli){ 0 };
	optind = 0;
	assert_int_equal(options_take(cli, argc, argv, &at), CLI_OK);
	return at;
}

static void parsed(void **state)
{
	struct cli cli;

	assert_int_equal(take(&cli, "-jsd", "map", "-o"), 2);
	assert_true(cli.json);
	assert_int_equal(cli.opts, OPT_STATS | OPT_DETAILS);
	assert_int_equal(take(&cli, "--oneline", "--timestamp", "map"), 3);
	assert_int_equal(cli.opts, OPT_ONELINE | OPT_TIMESTAMP);
	assert_int_equal(take(&cli, "-S", "/run/x", "map"), 3);
	assert_string_equal(cli.control, "/run/x");
	take(&cli, "--statistics", "-p", NULL);
	assert_true(cli.pretty);
	assert_int_equal(cli.opts, OPT_STATS);
	take(&cli, "-c", "map", NULL);
	assert_true(cli.color);
	take(&cli, "--color=never", "map", NULL);
	assert_false(cli.color);
}

static void names_for_completion(void **state)
{
	char name[40], all[1000] = " ";
	unsigned n = 0;

	for (; options_name(n, name, sizeof(name)); n++) {
		strcat(all, name);
		strcat(all, " ");
	}
	assert_int_equal(n, 22);
	assert_non_null(strstr(all, " -o --oneline "));
	assert_non_null(strstr(all, " -S --socket "));
}

/* ---- where they mean something ------------------------------------------- */

static const struct {
	const char *object, *command;
	unsigned opts;
	int rc;
	const char *says;
} meaning[] = {
	{ "map", "show", OPT_STATS | OPT_DETAILS | OPT_ONELINE, CLI_OK, "" },
	{ "map", "show", OPT_TIMESTAMP, CLI_USAGE,
	  "-t (timestamp) changes nothing in \"map show\": leave it out" },
	{ "map", "connect", OPT_ONELINE, CLI_USAGE,
	  "-o (oneline) changes nothing in \"map connect\"" },
	{ "map", NULL, OPT_ONELINE, CLI_OK, "" }, /* its commands are asked */
	{ "monitor", NULL, OPT_TIMESTAMP, CLI_OK, "" },
	{ "monitor", NULL, OPT_DETAILS, CLI_USAGE, "-d (details) changes nothing in \"monitor\"" },
	{ "sa", "show", OPT_ONELINE, CLI_USAGE, "\"sa show\"" },
	{ "explain", NULL, OPT_ONELINE, CLI_OK, "" },
	{ "reload", NULL, OPT_STATS, CLI_USAGE, "-s (statistics) changes nothing in \"reload\"" },
	{ "reload", NULL, 0, CLI_OK, "" },
};

static void ask_meaning(const struct cli *cli, void *ctx)
{
	const unsigned *i = ctx;

	assert_int_equal(options_mean(cli, meaning[*i].object, meaning[*i].command),
			 meaning[*i].rc);
}

static void refused_where_they_mean_nothing(void **state)
{
	for (unsigned i = 0; i < sizeof(meaning) / sizeof(meaning[0]); i++) {
		const struct cli cli = { .opts = meaning[i].opts };

		grab(STDERR_FILENO, ask_meaning, &cli, &i);
		if (meaning[i].rc)
			has(meaning[i].says);
		else
			assert_string_equal(printed, "");
	}
}

/* ---- what they change ---------------------------------------------------- */

static const char map[] =
	"[{\"map\":\"tohub\",\"seq\":1,\"state\":\"UP\",\"peer\":\"10.1.1.1\",\"reason\":\"child-up\","
	"\"why\":\"it answered\",\"next\":\"10.1.1.1\",\"next_rule\":\"same\",\"local\":\"10.0.0.2\","
	"\"peers\":[{\"peer\":\"10.1.1.1\",\"address\":\"10.1.1.1\",\"current\":true,\"status\":\"up\","
	"\"answer_ms\":12000,\"finish_ms\":9000,\"heard_ago_ms\":100}],"
	"\"idle\":{\"ms\":0,\"action\":\"off\"},\"dpd\":{\"mode\":\"off\",\"worst_text\":\"never\"},"
	"\"lines\":[{\"no\":1,\"text\":\"permit a\",\"reqid\":\"0x50500000\",\"local\":\"10.0.0.2\","
	"\"remote\":\"10.1.1.1\",\"spi_in\":\"0x00000001\",\"spi_out\":\"0x00000002\",\"pairs\":1,"
	"\"packets_in\":7,\"packets_out\":9,\"bytes_in\":1,\"bytes_out\":2,\"up_ms\":61000}]}]";

static void show_map(const struct cli *cli, void *ctx)
{
	json_t *maps = json_loads(map, 0, NULL);

	assert_non_null(maps);
	text_maps(cli, maps);
	json_decref(maps);
}

static void of_a_map(void **state)
{
	const struct cli plain = { 0 }, stats = { .opts = OPT_STATS },
			 details = { .opts = OPT_DETAILS }, oneline = { .opts = OPT_ONELINE };

	grab(STDOUT_FILENO, show_map, &plain, NULL);
	has_not("packets");
	has_not("reqid");
	grab(STDOUT_FILENO, show_map, &stats, NULL);
	has("packets 7 in  9 out   up for 00:01:01");
	has_not("reqid");
	grab(STDOUT_FILENO, show_map, &details, NULL);
	has("reqid 0x50500000, 10.0.0.2 → 10.1.1.1, pairs 1");
	has("answers in 12 s or not, finishes in 9.0 s");
	has("reason child-up, next same");
	has("  local   10.0.0.2");
	has_not("packets");
	grab(STDOUT_FILENO, show_map, &oneline, NULL);
	assert_ptr_equal(strchr(printed, '\n'), printed + strlen(printed) - 1);
	has("it answered\\  peers ");
}

static void show_session(const struct cli *cli, void *ctx)
{
	json_t *s = json_loads(
		"[{\"local\":\"a\",\"remote\":\"b\",\"state\":\"established\",\"conn\":3,"
		"\"entries\":2,\"tx\":11,\"rx\":12,\"rtt_us\":20000}]",
		0, NULL);

	text_sessions(cli, s);
	json_decref(s);
}

static void of_a_session(void **state)
{
	const struct cli plain = { 0 }, stats = { .opts = OPT_STATS },
			 details = { .opts = OPT_DETAILS };

	grab(STDOUT_FILENO, show_session, &plain, NULL);
	has_not("SENT");
	has_not("CONN");
	grab(STDOUT_FILENO, show_session, &stats, NULL);
	has("SENT");
	has("11");
	has_not("CONN");
	grab(STDOUT_FILENO, show_session, &details, NULL);
	has("CONN");
	has("20 ms");
	has_not("SENT");
}

static void show_event(const struct cli *cli, void *ctx)
{
	json_t *e = json_pack("{s:s, s:s, s:s, s:i, s:s}", "time", (const char *)ctx, "event",
			      "map-note", "map", "m", "seq", 1, "text", "x");

	text_agent_event(cli, e);
	json_decref(e);
}

static void of_an_event(void **state)
{
	const struct cli plain = { 0 }, stamped = { .opts = OPT_TIMESTAMP };
	char now[64];

	time_iso(0, now, sizeof(now));
	grab(STDOUT_FILENO, show_event, &plain, now);
	assert_int_equal(strncmp(printed, now + 11, 12), 0);
	assert_int_equal(strncmp(printed + 12, "  map", 5), 0);
	grab(STDOUT_FILENO, show_event, &stamped, now);
	assert_int_equal(strncmp(printed, now, strlen(now)), 0);
	/* of another day */
	grab(STDOUT_FILENO, show_event, &plain, "2001-11-27T14:02:39.318+0100");
	assert_int_equal(strncmp(printed, "2001-11-27 14:02:39.318  map", 28), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsed),
		cmocka_unit_test(names_for_completion),
		cmocka_unit_test(refused_where_they_mean_nothing),
		cmocka_unit_test(of_a_map),
		cmocka_unit_test(of_a_session),
		cmocka_unit_test(of_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
