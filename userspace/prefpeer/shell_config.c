// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines of configuration mode. Each is given to the agent below those that opened its
 * mode, and is in force at once, or refused. What cannot be in force before it is whole
 * (a keyring's peer, a proposal) is held here until it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/ctl.h"
#include "prefpeer/config_agent.h"
#include "prefpeer/shell.h"

#define REFRESH_TIMEOUT_MS 3000

void shell_config_refresh(struct shell *s)
{
	json_t *request = json_pack("{s:s, s:b}", "cmd", "config-show", "brief", 1), *reply = NULL;
	struct ctl_client *c = NULL;
	const char *name = NULL;

	if (!ctl_client_open(ctl_path(s->cli.control), &c) &&
	    !ctl_client_request(c, request, REFRESH_TIMEOUT_MS, &reply))
		name = json_string_value(json_object_get(reply, "hostname"));
	if (name && *name)
		snprintf(s->hostname, sizeof(s->hostname), "%s", name);
	else if (gethostname(s->hostname, sizeof(s->hostname) - 1))
		strcpy(s->hostname, "prefpeer");
	s->hostname[strcspn(s->hostname, ".")] = '\0';
	ctl_client_close(c);
	json_decref(reply);
	json_decref(request);
}

/* ---- what is sent ------------------------------------------------------------------ */

struct sent {
	char text[SHELL_HELD_MAX];
	unsigned context; /* lines before the typed one */
};

static void add_line(struct sent *t, const char *line)
{
	size_t at = strlen(t->text);

	snprintf(t->text + at, sizeof(t->text) - at, "%s\n", line);
}

/* The lines that lead to the mode; those of what is not whole yet lead there too. */
static void lead_to(const struct shell *s, struct sent *t, unsigned depth)
{
	if (depth > 1 && *s->held)
		snprintf(t->text, sizeof(t->text), "%s", s->held);
	else
		for (unsigned i = 1; i < depth; i++)
			add_line(t, s->mode[i].line);
	for (const char *c = t->text; *c; c++)
		t->context += *c == '\n';
	/* Held lines may have gone deeper. */
	if (depth > 1 && *s->held && depth < s->depth)
		for (unsigned i = 1; i < depth; i++) {
			add_line(t, s->mode[i].line);
			t->context++;
		}
}

/* `enable secret PASSWORD`: its hash is what is kept. */
static bool hash_password(const struct tree_line *l, unsigned first, char *full, size_t size)
{
	const char *word = l->word[l->n - 1];
	char hash[128];
	bool ok;

	if (first || l->n < 3 || strcmp(l->path[0].word, "enable") || *word == '$' ||
	    !strcmp(word, "<hidden>"))
		return true;
	ok = shell_hash(word, hash, sizeof(hash));
	snprintf(full, size, "enable secret %s", hash);
	return ok;
}

/* ---- what is answered ------------------------------------------------------------------ */

static unsigned number(const json_t *o, const char *key)
{
	return (unsigned)json_integer_value(json_object_get(o, key));
}

/* The typed word that stands at @col of the full line. */
static int typed_word(const struct tree_line *l, const char *full, unsigned col)
{
	unsigned word = 0;

	for (unsigned i = 0; i + 1 < col && full[i]; i++)
		word += full[i] == ' ';
	return word < l->n ? (int)word : -1;
}

static void point_at(struct shell *s, const struct tree_line *l, int word)
{
	const struct choice *c = &l->path[word];

	if (!s->tty)
		printf("%s...%s\n%*s^\n", shell_prompt(s), l->word[word],
		       (int)strlen(s->prompt) + 3, "");
	else
		printf("%*s^\n", (int)(strlen(shell_prompt(s)) + l->col[word]), "");
	/* A value of the wrong kind or size is what IOS says this of. */
	if ((unsigned)word < l->matched && !c->keyword && !c->free)
		shell_say("Invalid input detected at '^' marker.");
}

static void say_diag(struct shell *s, const struct tree_line *l, const char *full,
		     const json_t *o, unsigned context)
{
	const char *text = json_string_value(json_object_get(o, "text"));
	const char *hint = json_string_value(json_object_get(o, "hint"));
	const char *severity = json_string_value(json_object_get(o, "severity"));
	bool error = severity && !strcmp(severity, "error");
	unsigned line = number(o, "line");
	int word = line == context + 1 ? typed_word(l, full, number(o, "col")) : -1;

	/* Of the lines that led here it was said when they were typed. */
	if (!text || (!error && line && line <= context))
		return;
	if (error && word >= 0 && !json_is_true(json_object_get(o, "incomplete")))
		point_at(s, l, word);
	printf("%s%s\n", strncmp(text, "% ", 2) ? "% " : "", text);
	if (hint)
		printf("    %s\n", hint);
}

static void say_all(struct shell *s, const struct tree_line *l, const char *full,
		    const json_t *reply, unsigned context, bool incomplete)
{
	const json_t *list = json_object_get(reply, "diags");

	if (incomplete)
		puts("% NOTE: not in force until it is whole:");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		if (!incomplete || json_is_true(json_object_get(o, "incomplete")))
			say_diag(s, l, full, o, context);
	}
	if (!list && !json_is_true(json_object_get(reply, "ok")))
		shell_say("%s", json_string_value(json_object_get(reply, "error")));
}

/* ---- modes ----------------------------------------------------------------------------- */

static void enter(struct shell *s, const struct tree_line *l, bool no, unsigned depth,
		  const char *full)
{
	unsigned mode = LANG_GLOBAL;

	for (unsigned i = 0; i < l->matched; i++)
		if (l->path[i].enters)
			mode = l->path[i].enters;
	s->depth = depth;
	if (no || mode == LANG_GLOBAL || depth == SHELL_MODES_MAX)
		return;
	s->mode[s->depth].mode = mode;
	snprintf(s->mode[s->depth].line, TREE_LINE_MAX, "%s", full);
	s->depth++;
}

void shell_config_drop(struct shell *s)
{
	if (*s->held)
		shell_say("What was not whole is given up; nothing of it is in force.");
	explicit_bzero(s->held, sizeof(s->held));
}

int shell_config_leave(struct shell *s, bool all)
{
	shell_config_drop(s);
	if (all || s->depth == 1)
		s->level = LEVEL_PRIVILEGED;
	else
		s->depth--;
	return CLI_OK;
}

/* ---- a line ------------------------------------------------------------------------------ */

static int taken(struct shell *s, const struct tree_line *l, unsigned first, unsigned depth,
		 const char *full, const struct sent *t, const json_t *reply)
{
	bool ok = json_is_true(json_object_get(reply, "ok"));
	bool incomplete = json_is_true(json_object_get(reply, "incomplete"));

	say_all(s, l, full, reply, t->context, incomplete);
	if (!ok && !incomplete)
		return CLI_FAIL;
	if (incomplete)
		memcpy(s->held, t->text, sizeof(s->held));
	else
		explicit_bzero(s->held, sizeof(s->held));
	enter(s, l, first, depth, full);
	if (depth == 1)
		shell_config_refresh(s);
	return CLI_OK;
}

int shell_config_line(struct shell *s, const struct tree_line *l, unsigned first, unsigned depth)
{
	struct sent t = { .context = 0 };
	char full[TREE_LINE_MAX];
	json_t *reply;
	int rc;

	if (!tree_full(l, 0, full, sizeof(full)) || !hash_password(l, first, full, sizeof(full)))
		return shell_say("that line cannot be taken");
	if (depth == 1)
		shell_config_drop(s);
	lead_to(s, &t, depth);
	if (strlen(t.text) + strlen(full) + 2 > sizeof(t.text))
		return shell_say("more than can be held: nothing of it is in force");
	add_line(&t, full);
	rc = config_send(&s->cli, json_pack("{s:s}", "cmd", "config-apply"), t.text, strlen(t.text),
			 &reply);
	if (!rc) {
		rc = taken(s, l, first, depth, full, &t, reply);
		json_decref(reply);
	}
	explicit_bzero(&t, sizeof(t));
	explicit_bzero(full, sizeof(full));
	return rc;
}
