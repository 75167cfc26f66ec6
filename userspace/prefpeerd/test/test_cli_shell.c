// SPDX-License-Identifier: GPL-2.0-or-later
/* The shell's tables: which word is which, in each mode; `?`; abbreviations; filters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prefpeer/shell.h"

/* @prompt: of the mode, below the global one; NULL: that. */
static struct shell at(enum shell_level level, const char *prompt)
{
	struct shell s = { .level = level, .depth = 1 };
	unsigned mode = LANG_GLOBAL;

	s.mode[0].mode = LANG_GLOBAL;
	if (prompt) {
		while (strcmp(lang_prompt(mode), prompt))
			assert_true(++mode < lang_modes());
		s.mode[1].mode = mode;
		s.depth = 2;
	}
	strcpy(s.hostname, "gw");
	return s;
}

static const char *const results[] = { "ok", "unknown", "ambiguous", "incomplete" };

/* "RESULT: FULL LINE", and of a line that is wrong the column of the word. */
static void means(const struct shell *s, const char *typed, const char *want)
{
	struct tree_line l = { .n = 0 };
	char full[TREE_LINE_MAX], got[TREE_LINE_MAX + 64];
	unsigned first, depth;

	assert_true(tree_split(typed, &l));
	shell_resolve(s, &l, &first, &depth);
	assert_true(tree_full(&l, 0, full, sizeof(full)));
	if (l.result == TREE_OK || l.result == TREE_INCOMPLETE)
		snprintf(got, sizeof(got), "%s: %s", results[l.result], full);
	else
		snprintf(got, sizeof(got), "%s at %u", results[l.result], l.col[l.matched]);
	assert_string_equal(got, want);
}

static void abbreviations_are_unambiguous(void **state)
{
	struct shell user = at(LEVEL_USER, NULL), priv = at(LEVEL_PRIVILEGED, NULL);
	struct shell global = at(LEVEL_CONFIG, NULL), map = at(LEVEL_CONFIG, "config-crypto-map");

	means(&user, "en", "ok: enable");
	means(&user, "conf t", "unknown at 0");
	means(&priv, "conf t", "ok: configure terminal");
	means(&priv, "  sh   run", "ok: show running-config");
	means(&priv, "c t", "ambiguous at 0");
	means(&priv, "conf", "incomplete: configure");
	means(&priv, "show running-config section crypto map tohub",
	      "ok: show running-config section crypto map tohub");
	means(&global, "cry map tohub 1 ipsec-i", "ok: crypto map tohub 1 ipsec-isakmp");
	means(&global, "CRYPTO Map ToHub 1", "ok: crypto map ToHub 1");
	means(&map, "set peer 10.1.1.1 def", "ok: set peer 10.1.1.1 default");
	means(&map, "set sec idle 60", "ok: set security-association idle-time 60");
	means(&map, "set i 60", "ambiguous at 4");
	means(&map, "set per 10.1.1.1", "unknown at 4");
	means(&map, "do sh run", "ok: do show running-config");
	means(&map, "no set pe 10.1.1.1", "ok: no set peer 10.1.1.1");
	means(&map, "no", "incomplete: no");
	means(&map, "ex", "ok: exit");
}

/* A name is never taken for the beginning of a keyword. */
static void names_are_no_abbreviations(void **state)
{
	struct shell global = at(LEVEL_CONFIG, NULL);

	means(&global, "crypto map ip 1", "ok: crypto map ip 1");
	means(&global, "crypto map ipv6 x 1", "ok: crypto map ipv6 x 1");
}

/* The mode it is typed in, then outwards. */
static void lines_belong_to_modes(void **state)
{
	struct shell interface = at(LEVEL_CONFIG, "config-if");
	struct tree_line l = { .n = 0 };
	unsigned first, depth;

	tree_split("crypto map tohub", &l);
	assert_int_equal(shell_resolve(&interface, &l, &first, &depth), MEANS_CONFIG);
	assert_int_equal(depth, 2);
	tree_split("crypto map tohub 1", &l);
	assert_int_equal(shell_resolve(&interface, &l, &first, &depth), MEANS_CONFIG);
	assert_int_equal(depth, 1);
	tree_split("no crypto map tohub 1", &l);
	assert_int_equal(shell_resolve(&interface, &l, &first, &depth), MEANS_CONFIG);
	assert_int_equal(depth, 1);
	assert_int_equal(first, 1);
	tree_split("do show running-config", &l);
	assert_int_equal(shell_resolve(&interface, &l, &first, &depth), MEANS_EXEC);
	tree_split("end", &l);
	assert_int_equal(shell_resolve(&interface, &l, &first, &depth), MEANS_LEAVE);
}

/* What a table refuses with a sentence is not offered, and goes to who has the sentence. */
static void refused_words_are_understood(void **state)
{
	struct shell global = at(LEVEL_CONFIG, NULL);

	means(&global, "crypto isakmp policy 10", "ok: crypto isakmp policy 10");
}

/* ---- help ------------------------------------------------------------------- */

static void helps(const struct shell *s, const char *before, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	shell_help(s, before, f);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
}

static void help_is_of_the_place(void **state)
{
	struct shell map = at(LEVEL_CONFIG, "config-crypto-map"), priv = at(LEVEL_PRIVILEGED, NULL);

	helps(&map, "set peer ", "  {A|NAME}  address or host name\n");
	helps(&map, "set peer 10.1.1.1 ",
	      "  default        tried first after a failure; the first peer of the list\n"
	      "  dynamic        its address is asked for anew before each IKE SA\n"
	      "  ikev2-profile  its own, in place of the entry's\n"
	      "  shutdown       for maintenance: neither called nor let in, and skipped\n  <cr>\n");
	helps(&map, "set se", "security-association\n");
	helps(&map, "set zz", "% Unrecognized command\n");
	helps(&map, "set i 1 ", "% Ambiguous command\n");
	helps(&priv, "show running-config | ",
	      "  begin    from the first line that matches on\n"
	      "  count    how many lines match\n"
	      "  exclude  lines that do not match\n"
	      "  include  lines that match\n"
	      "  section  lines that match, with what stands below them\n");
	helps(&priv, "terminal length ", "  <0-512>  0: no pages\n");
}

/* Every word of the configuration that can be typed has help, whatever mode it is in. */
static void check_table(const struct node *table, unsigned deep)
{
	struct lang_word w;

	for (unsigned i = 0; deep && lang_word(table, i, &w); i++) {
		assert_non_null(w.help);
		assert_true(*w.help);
		check_table(lang_next(w.node), deep - 1);
	}
}

static void every_word_has_help(void **state)
{
	for (unsigned mode = 0; mode < lang_modes(); mode++) {
		assert_non_null(lang_prompt(mode));
		check_table(lang_commands(mode), 12);
	}
}

static void completes(const struct shell *s, const char *before, const char *want)
{
	char rest[64] = "";

	assert_int_equal(shell_complete(s, before, rest, sizeof(rest)), want != NULL);
	if (want)
		assert_string_equal(rest, want);
}

static void completion_is_of_the_only_one(void **state)
{
	struct shell map = at(LEVEL_CONFIG, "config-crypto-map"), priv = at(LEVEL_PRIVILEGED, NULL);

	completes(&priv, "conf", "igure ");
	completes(&priv, "c", NULL);
	completes(&priv, "show ", NULL);
	completes(&map, "set sec", "urity-association ");
	completes(&map, "set i", NULL);
}

/* ---- filters ----------------------------------------------------------------- */

static int some_lines(void *ctx)
{
	fputs("crypto map a 1\n set peer 10.1.1.1\ninterface wan0\n crypto map a\nhostname gw\n",
	      stdout);
	return CLI_OK;
}

static void filtered(const char *filter, int rc, const char *want)
{
	struct shell s = at(LEVEL_PRIVILEGED, NULL);
	char got[1024] = "";
	int saved = dup(STDOUT_FILENO), fds[2];

	fflush(stdout);
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	assert_int_equal(shell_output(&s, some_lines, NULL, filter), rc);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_true(read(fds[0], got, sizeof(got) - 1) >= 0);
	close(fds[0]);
	assert_string_equal(got, want);
}

static void filters_pass_what_they_say(void **state)
{
	filtered("include peer", 0, " set peer 10.1.1.1\n");
	filtered("exc crypto|peer", 0, "interface wan0\nhostname gw\n");
	filtered("begin interface", 0, "interface wan0\n crypto map a\nhostname gw\n");
	filtered("section interface", 0, "interface wan0\n crypto map a\n");
	filtered("count map", 0, "Number of lines which match regexp = 2\n");
	filtered("include (", CLI_FAIL, "% ( is no regular expression\n");
}

static void a_filter_is_cut_off(void **state)
{
	char line[] = "show running-config | include a|b", none[] = "description a|b";

	assert_string_equal(shell_cut_filter(line), "include a|b");
	assert_string_equal(line, "show running-config");
	assert_null(shell_cut_filter(none));
}

static void passwords_become_hashes(void **state)
{
	char one[128], other[128];

	assert_true(shell_hash("OpenSesame", one, sizeof(one)));
	assert_true(shell_hash("OpenSesame", other, sizeof(other)));
	assert_int_equal(*one, '$');
	assert_string_not_equal(one, other); /* salted */
	assert_null(strstr(one, "OpenSesame"));
}

static void it_knows_when_it_is_a_login_shell(void **state)
{
	assert_true(shell_is_login("-prefpeer-shell"));
	assert_true(shell_is_login("/usr/sbin/prefpeer-shell"));
	assert_false(shell_is_login("/usr/sbin/prefpeer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abbreviations_are_unambiguous),
		cmocka_unit_test(names_are_no_abbreviations),
		cmocka_unit_test(lines_belong_to_modes),
		cmocka_unit_test(refused_words_are_understood),
		cmocka_unit_test(help_is_of_the_place),
		cmocka_unit_test(every_word_has_help),
		cmocka_unit_test(completion_is_of_the_only_one),
		cmocka_unit_test(filters_pass_what_they_say),
		cmocka_unit_test(a_filter_is_cut_off),
		cmocka_unit_test(passwords_become_hashes),
		cmocka_unit_test(it_knows_when_it_is_a_login_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
