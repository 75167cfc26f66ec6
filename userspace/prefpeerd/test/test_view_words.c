/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every value of an enum that a person reads has words of its own: none is empty,
 * none is another's, none falls to what is said of unknown ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeer/cli.h"
#include "prefpeerd/entry/shell.h"

#define WORDS_MAX 64

static const char *reason_text_of(int v)
{
	return entry_reason_text(v);
}

static const char *reason_name_of(int v)
{
	return entry_reason_name(v);
}

static const char *state_name_of(int v)
{
	return entry_state_name(v);
}

static const char *next_name_of(int v)
{
	return entry_next_name(v);
}

static const char *ntf_name_of(int v)
{
	return entry_ntf_name(v);
}

static const char *trust_of(int v)
{
	return name_trust_text(v);
}

static const char *event_name_of(int v)
{
	return engine_event_name(v);
}

static const char *why_name_of(int v)
{
	return v == WHY_UNKNOWN ? "(its own word)" : engine_why_name(v);
}

static const char *gone_reason_of(int v)
{
	static char buf[WORD_STRLEN];

	return reason_text(v, buf)[0] < 'a' ? "?" : reason_text(v, buf);
}

/* An engine's why, as the entries tell it. */
static const char *why_text_of(int v)
{
	return v > WHY_UNKNOWN ? "?" : entry_reason_text(reason_of(v));
}

static const struct {
	const char *what;
	const char *(*of)(int v);
	int first, last;
	bool shared; /* several may have the same words */
} enums[] = {
	{ "reasons, for people", reason_text_of, REASON_NONE, REASON_MAX - 1, false },
	{ "reasons, keys", reason_name_of, REASON_NONE, REASON_MAX - 1, false },
	{ "states", state_name_of, ENTRY_DOWN, ENTRY_BACKOFF, false },
	{ "next", next_name_of, NEXT_SAME, NEXT_HOME, false },
	{ "events of an entry", ntf_name_of, NTF_STATE, NTF_NOTE, false },
	{ "trust in a name", trust_of, TRUST_UNCHECKED, TRUST_LOCAL, false },
	{ "events of the engine", event_name_of, ENG_READY, ENG_INBOUND_GONE, false },
	{ "the engine's whys", why_name_of, WHY_NONE, WHY_UNKNOWN, false },
	{ "the engine's whys, as told", why_text_of, WHY_NONE, WHY_UNKNOWN, true },
	{ "ends of SAs", gone_reason_of, PREFPEER_REASON_NONE, PREFPEER_REASON_LIMIT, true },
};

static void own_words(void **state)
{
	for (size_t i = 0; i < sizeof(enums) / sizeof(enums[0]); i++) {
		const char *unknown = enums[i].of(WORDS_MAX);
		const char *seen[WORDS_MAX] = { NULL };

		for (int v = enums[i].first; v <= enums[i].last; v++) {
			const char *text = enums[i].of(v);

			if (!text || !*text || !strcmp(text, unknown))
				fail_msg("%s: %d has no words", enums[i].what, v);
			for (int w = enums[i].first; !enums[i].shared && w < v; w++)
				if (!strcmp(text, seen[w]))
					fail_msg("%s: %d and %d are both \"%s\"", enums[i].what, w, v,
						 text);
			seen[v] = text;
		}
	}
}

/* A key is for scripts: nobody reads it in a sentence. */
static void no_keys(void **state)
{
	for (int r = 0; r < REASON_MAX; r++)
		if (r != REASON_IDLE && !strcmp(entry_reason_text(r), entry_reason_name(r)))
			fail_msg("\"%s\" is told as its key", entry_reason_name(r));
}

/* Every kind of note, from every state to every other, for every reason, has a sentence. */
static void every_sentence(void **state)
{
	struct shell_entry se = { .map = "tohub", .seq = 1 };
	char *names[] = { "10.1.1.1", "10.2.2.2" };
	char text[ENTRY_TEXT_MAX];
	struct core_note n;

	se.names = names;
	se.n_names = 2;
	for (int r = REASON_NONE + 1; r < REASON_MAX; r++)
		for (int t = NTF_STATE; t <= NTF_NOTE; t++)
			for (int s = ENTRY_DOWN; s <= ENTRY_BACKOFF; s++) {
				n = (struct core_note){ .type = t, .to = s, .from = ENTRY_UP, .peer = 2,
							.from_peer = 1, .next = 1, .gap_ms = -1,
							.cause.reason = r };
				say_note(&se, &n, text, sizeof(text));
				if (strlen(text) < 4 || strstr(text, "(null)") || strstr(text, "  ") ||
				    text[strlen(text) - 1] == ' ' || text[strlen(text) - 1] == ':')
					fail_msg("%s %s %s: \"%s\"", entry_ntf_name(t),
						 entry_reason_name(r), entry_state_name(s), text);
			}
}

static void module_events(void **state)
{
	for (int c = PREFPEER_CMD_SA_NEW_NTF; c <= PREFPEER_CMD_MAX; c++)
		if (!pp_cmd_name(c) || !strchr(pp_cmd_name(c), '-'))
			fail_msg("event %d of the module has no name", c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "every value has words of its own", own_words, NULL, NULL, NULL },
		{ "no key is told to people", no_keys, NULL, NULL, NULL },
		{ "every note has a sentence", every_sentence, NULL, NULL, NULL },
		{ "every event of the module has a name", module_events, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("view: words", tests, NULL, NULL);
}
