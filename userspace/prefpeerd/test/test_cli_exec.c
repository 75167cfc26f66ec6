/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matching lines of exec mode: full words, and unambiguous abbreviations only when asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeer/exec.h"

#define ELEMS(a) (sizeof(a) / sizeof((a)[0]))
#define NEXT(...) .next = (const struct exec_node[]){ __VA_ARGS__, { 0 } }
#define KW(w, ...) { .word = w, .help = "help", __VA_ARGS__ }
#define ARG(k, w, ...) { .kind = k, .word = w, .help = "help", __VA_ARGS__ }

static int ran(const struct exec_line *line)
{
	return (int)line->n;
}

static const struct exec_node table[] = {
	KW("show",
	   NEXT(KW("crypto",
		   NEXT(KW("map", .run = ran,
			   NEXT(KW("interface", NEXT(ARG(EXEC_NAME, "IF", .run = ran))))),
			KW("isakmp", NEXT(KW("sa", .run = ran))),
			KW("ipsec", NEXT(KW("sa", .run = ran,
					    NEXT(KW("peer", NEXT(ARG(EXEC_ADDR, "A", .run = ran))),
						 ARG(EXEC_NUMBER, "N", .min = 10, .max = 20,
						     .run = ran))))),
			KW("ike", .run = ran), KW("ikev2", .run = ran))))),
	KW("shell", .run = ran),
	KW("send", NEXT(ARG(EXEC_REST, "TEXT", .run = ran))),
	{ 0 },
};

static enum exec_match match(const char *text, bool abbrev, struct exec_line *line, unsigned *at)
{
	static char copy[256];
	char *words[40], *save = NULL;
	unsigned n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	return exec_match(table, n, words, abbrev, line, at);
}

static void lines(void **state)
{
	static const struct {
		const char *text;
		bool abbrev;
		enum exec_match want;
		unsigned at;
	} cases[] = {
		{ "show crypto map", false, EXEC_OK, 3 },
		{ "show crypto", false, EXEC_INCOMPLETE, 2 },
		{ "", false, EXEC_INCOMPLETE, 0 },
		{ "sh crypto map", false, EXEC_UNKNOWN, 0 },
		{ "sho cry ma", true, EXEC_OK, 3 },
		{ "sh cry ma", true, EXEC_AMBIGUOUS, 0 },
		{ "show c i", true, EXEC_AMBIGUOUS, 2 },
		{ "show c is s", true, EXEC_OK, 4 },
		/* A whole word is never ambiguous, though another begins with it. */
		{ "show c ike", true, EXEC_OK, 3 },
		{ "show crypto ikev", false, EXEC_UNKNOWN, 2 },
		{ "show crypto ipsec sa peer 10.1.1.1", false, EXEC_OK, 6 },
		{ "show crypto ipsec sa peer nobody", false, EXEC_UNKNOWN, 5 },
		{ "show crypto ipsec sa peer", true, EXEC_INCOMPLETE, 5 },
		{ "show crypto ipsec sa 10", false, EXEC_OK, 5 },
		{ "show crypto ipsec sa 9", false, EXEC_UNKNOWN, 4 },
		{ "show crypto ipsec sa 21", false, EXEC_UNKNOWN, 4 },
		{ "show crypto map tail", false, EXEC_UNKNOWN, 3 },
		{ "shell more", false, EXEC_UNKNOWN, 1 },
		{ "send any words at all", false, EXEC_OK, 5 },
		{ "send", false, EXEC_INCOMPLETE, 1 },
		{ "send 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24", false,
		  EXEC_UNKNOWN, EXEC_WORDS_MAX },
	};

	for (size_t i = 0; i < ELEMS(cases); i++) {
		struct exec_line line = { 0 };
		unsigned at = 99;
		enum exec_match m = match(cases[i].text, cases[i].abbrev, &line, &at);

		if (m != cases[i].want || at != cases[i].at)
			fail_msg("\"%s\": %d at %u", cases[i].text, m, at);
		if (m == EXEC_OK)
			assert_int_equal(exec_run(&line), line.n);
	}
}

static void keywords_are_whole(void **state)
{
	struct exec_line line = { 0 };
	unsigned at;

	assert_int_equal(match("sho c ip s p 10.1.1.1", true, &line, &at), EXEC_OK);
	assert_string_equal(line.word[1], "crypto");
	assert_string_equal(line.word[2], "ipsec");
	assert_string_equal(line.word[5], "10.1.1.1");
	assert_true(exec_has(&line, "peer"));
	assert_false(exec_has(&line, "map"));
	assert_string_equal(exec_after(&line, "peer"), "10.1.1.1");
	assert_null(exec_after(&line, "interface"));
	/* What an argument looks like is no keyword. */
	assert_int_equal(match("send peer", false, &line, &at), EXEC_OK);
	assert_false(exec_has(&line, "peer"));
}

static void next_words(void **state)
{
	struct exec_line line = { 0 };
	unsigned at;

	assert_int_equal(match("show crypto map", false, &line, &at), EXEC_OK);
	assert_string_equal(exec_next(table, &line)->word, "interface");
	assert_int_equal(match("", false, &line, &at), EXEC_INCOMPLETE);
	assert_ptr_equal(exec_next(table, &line), table);
	assert_int_equal(match("shell", false, &line, &at), EXEC_OK);
	assert_null(exec_next(table, &line));
}

/* Every node says what it is for, and can be reached: no word twice at one place. */
static void check_table(const struct exec_node *t, unsigned depth)
{
	assert_true(depth < EXEC_WORDS_MAX);
	for (const struct exec_node *n = t; n->word; n++) {
		assert_non_null(n->help);
		if (!n->next && !n->run)
			fail_msg("\"%s\" leads nowhere", n->word);
		for (const struct exec_node *o = t; o < n; o++)
			if (!strcmp(o->word, n->word))
				fail_msg("\"%s\" stands twice at one place", n->word);
		if (n->next)
			check_table(n->next, depth + 1);
	}
}

static void the_commands(void **state)
{
	check_table(exec_commands, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(keywords_are_whole),
		cmocka_unit_test(next_words),
		cmocka_unit_test(the_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
