// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "prefpeer/status.h"

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static bool is(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

const char *status_word(enum status_level l)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

	return (unsigned)l < 4 ? words[l] : "UNKNOWN";
}

/* What is worse stands above what is not; equals stay in the order of the entries. */
static void problem(struct status *s, const json_t *m, enum status_level level, const char *what,
		    const char *text)
{
	json_t *p = json_pack("{s:s, s:O*, s:s, s:s, s:O*, s:s}", "map", str(m, "map"), "seq",
			      json_object_get(m, "seq"), "level", status_word(level), "problem",
			      what, "peer", json_object_get(m, "peer"), "text", text);
	size_t at = 0;
	json_t *q;

	json_array_foreach(s->problems, at, q) if (level == STATUS_CRITICAL &&
						   strcmp(str(q, "level"), "CRITICAL")) break;
	json_array_insert_new(s->problems, at, p);
	if (level > s->level)
		s->level = level;
}

static bool any_line(const json_t *m, const char *key)
{
	json_t *l;
	size_t i;

	json_array_foreach(json_object_get(m, "lines"), i, l) if (is(l, key)) return true;
	return false;
}

/* The first of the list is home, with `default` or without. */
static const json_t *home_peer(const json_t *m)
{
	return json_array_get(json_object_get(m, "peers"), 0);
}

static void judge_lines(struct status *s, const json_t *m)
{
	char text[600];
	json_t *l;
	size_t i;

	json_array_foreach(json_object_get(m, "lines"), i, l)
	{
		if (!json_is_integer(json_object_get(l, "backoff_ms")))
			continue;
		snprintf(text, sizeof(text), "line %lld, %s, is refused by %s: %s",
			 (long long)json_integer_value(json_object_get(l, "no")), str(l, "text"),
			 str(m, "peer"), str(l, "backoff_text"));
		problem(s, m, STATUS_CRITICAL, "line-refused", text);
	}
}

static void judge_up(struct status *s, const json_t *m)
{
	const json_t *home = home_peer(m);
	char text[900];

	judge_lines(s, m);
	if (is(home, "current")) {
		s->home++;
		return;
	}
	s->backup++;
	snprintf(text, sizeof(text), "on the backup %s; %s: %s", str(m, "peer"), str(home, "peer"),
		 *str(home, "status_text") ? str(home, "status_text") : str(home, "status"));
	problem(s, m, STATUS_WARNING, "on-backup", text);
}

/* Nobody can ask for what has no local address: it would look idle for ever. */
static void judge_not_up(struct status *s, const json_t *m)
{
	const char *state = str(m, "state"), *trying = str(m, "trying");
	bool asleep = !strcmp(state, "DOWN") && !any_line(m, "wanted");
	char text[900];

	if (asleep && !json_is_false(json_object_get(m, "reachable"))) {
		s->idle++;
		return;
	}
	s->down++;
	snprintf(text, sizeof(text), "%s%s%s%s%s", state, *trying ? " " : "", trying,
		 *str(m, "why") ? ": " : "", str(m, "why"));
	problem(s, m, STATUS_CRITICAL, asleep ? "unreachable" : "down", text);
}

static void judge_incomplete(struct status *s, const json_t *m)
{
	bool blocks = is(m, "blocks");
	char text[600];

	s->incomplete++;
	snprintf(text, sizeof(text), "incomplete, %s: %s",
		 blocks ? "what its access list permits is dropped" : "protects nothing",
		 str(m, "incomplete"));
	problem(s, m, blocks ? STATUS_CRITICAL : STATUS_WARNING, "incomplete", text);
}

static void judge_entry(struct status *s, const json_t *m)
{
	json_t *w;
	size_t i;

	json_array_foreach(json_object_get(m, "warnings"), i, w)
		problem(s, m, STATUS_WARNING, str(w, "reason"), str(w, "text"));
	/* A template is neither up nor down: the branches that called by it are. */
	if (is(m, "dynamic"))
		return;
	if (*str(m, "incomplete"))
		judge_incomplete(s, m);
	else if (!strcmp(str(m, "state"), "UP"))
		judge_up(s, m);
	else
		judge_not_up(s, m);
}

struct status status_judge(const json_t *maps)
{
	struct status s = { .problems = json_array() };
	json_t *m;
	size_t i;

	if (!json_array_size(maps))
		s.level = STATUS_UNKNOWN;
	json_array_foreach(maps, i, m) judge_entry(&s, m);
	return s;
}
