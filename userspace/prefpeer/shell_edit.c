// SPDX-License-Identifier: GPL-2.0-or-later
/* Editing of lines: libedit, with the keys that IOS has. */
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeer/shell.h"

#define HISTORY_LINES 100

struct edit {
	EditLine *el;
	History *history;
	HistEvent ev;
};

static char *prompt(EditLine *el)
{
	struct shell *s;

	el_get(el, EL_CLIENTDATA, &s);
	return (char *)shell_prompt(s);
}

/* The line up to the cursor; false: longer than any may be. */
static bool before_cursor(EditLine *el, char *buf, size_t size)
{
	const LineInfo *li = el_line(el);
	size_t n = (size_t)(li->cursor - li->buffer);

	if (n >= size)
		return false;
	memcpy(buf, li->buffer, n);
	buf[n] = '\0';
	return true;
}

static unsigned char on_help(EditLine *el, int key)
{
	char before[TREE_LINE_MAX];
	struct shell *s;

	el_get(el, EL_CLIENTDATA, &s);
	if (!before_cursor(el, before, sizeof(before)))
		return CC_REFRESH_BEEP;
	fputs("?\n", stdout);
	shell_help(s, before, stdout);
	fputc('\n', stdout);
	fflush(stdout);
	return CC_REDISPLAY;
}

static unsigned char on_complete(EditLine *el, int key)
{
	char before[TREE_LINE_MAX], rest[TREE_LINE_MAX];
	struct shell *s;

	el_get(el, EL_CLIENTDATA, &s);
	if (!before_cursor(el, before, sizeof(before)) ||
	    !shell_complete(s, before, rest, sizeof(rest)) || el_insertstr(el, rest))
		return CC_REFRESH_BEEP;
	return CC_REFRESH;
}

static void empty_line(EditLine *el)
{
	const LineInfo *li = el_line(el);

	el_cursor(el, (int)(li->lastchar - li->cursor));
	li = el_line(el);
	el_deletestr(el, (int)(li->lastchar - li->buffer));
}

/* ^Z is `end`. */
static unsigned char on_end(EditLine *el, int key)
{
	struct shell *s;

	el_get(el, EL_CLIENTDATA, &s);
	if (s->level != LEVEL_CONFIG)
		return CC_REFRESH_BEEP;
	empty_line(el);
	el_insertstr(el, "end");
	el_set(el, EL_REFRESH);
	fputs("\r\n", stdout);
	fflush(stdout);
	return CC_NEWLINE;
}

/* ^C gives the line up. */
static unsigned char on_break(EditLine *el, int key)
{
	fputs("^C\n", stdout);
	fflush(stdout);
	empty_line(el);
	return CC_REDISPLAY;
}

int shell_edit_open(struct shell *s)
{
	struct edit *e = calloc(1, sizeof(*e));

	s->edit = e;
	if (e)
		e->el = el_init("prefpeer", stdin, stdout, stderr);
	if (!e || !e->el)
		return cli_fail("the terminal cannot be used for editing lines");
	e->history = history_init();
	history(e->history, &e->ev, H_SETSIZE, HISTORY_LINES);
	history(e->history, &e->ev, H_SETUNIQUE, 1);
	el_set(e->el, EL_CLIENTDATA, s);
	el_set(e->el, EL_PROMPT, prompt);
	el_set(e->el, EL_EDITOR, "emacs");
	el_set(e->el, EL_SIGNAL, 1);
	el_set(e->el, EL_HIST, history, e->history);
	el_set(e->el, EL_SETTY, "-d", "-isig", NULL);
	el_set(e->el, EL_ADDFN, "pp-help", "what may follow", on_help);
	el_set(e->el, EL_ADDFN, "pp-complete", "the rest of the word", on_complete);
	el_set(e->el, EL_ADDFN, "pp-end", "leave configuration", on_end);
	el_set(e->el, EL_ADDFN, "pp-break", "give the line up", on_break);
	el_set(e->el, EL_BIND, "?", "pp-help", NULL);
	el_set(e->el, EL_BIND, "^I", "pp-complete", NULL);
	el_set(e->el, EL_BIND, "^Z", "pp-end", NULL);
	el_set(e->el, EL_BIND, "^C", "pp-break", NULL);
	return CLI_OK;
}

void shell_edit_close(struct shell *s)
{
	struct edit *e = s->edit;

	if (!e)
		return;
	if (e->history)
		history_end(e->history);
	if (e->el)
		el_end(e->el);
	free(e);
	s->edit = NULL;
}

static char *without_end(char *line)
{
	if (line)
		line[strcspn(line, "\r\n")] = '\0';
	return line;
}

static char *read_plain(struct shell *s)
{
	char *line = NULL;
	size_t room = 0;

	if (getline(&line, &room, s->in) > 0)
		return without_end(line);
	free(line);
	return NULL;
}

char *shell_read(struct shell *s)
{
	struct edit *e = s->edit;
	const char *line;
	char *copy;
	int n = 0;

	if (!e)
		return read_plain(s);
	line = el_gets(e->el, &n);
	if (!line || n <= 0) {
		putchar('\n');
		return NULL;
	}
	/* A line that `end` took the place of is longer than it says. */
	copy = without_end(strndup(line, (size_t)n));
	if (copy && copy[strspn(copy, " \t")])
		history(e->history, &e->ev, H_ENTER, copy);
	return copy;
}

void shell_forget(struct shell *s)
{
	struct edit *e = s->edit;

	if (e && !history(e->history, &e->ev, H_FIRST))
		history(e->history, &e->ev, H_DEL, e->ev.num);
}
