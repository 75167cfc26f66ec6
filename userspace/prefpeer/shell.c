// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeer/shell.h"

#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOGIN_NAME "prefpeer-shell"

int shell_say(const char *fmt, ...)
{
	va_list ap;

	fputs("% ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	return CLI_FAIL;
}

const char *shell_prompt(struct shell *s)
{
	if (s->level == LEVEL_CONFIG)
		snprintf(s->prompt, sizeof(s->prompt), "%s(%s)#", s->hostname,
			 lang_prompt(s->mode[s->depth - 1].mode));
	else
		snprintf(s->prompt, sizeof(s->prompt), "%s%c", s->hostname,
			 s->level == LEVEL_USER ? '>' : '#');
	return s->prompt;
}

/* ---- a line that is not understood ------------------------------------------------ */

/* Under the word, as it stands on the screen; without a terminal the line is said again. */
static void caret(struct shell *s, const char *typed, unsigned col)
{
	if (!s->tty)
		printf("%s%s\n", shell_prompt(s), typed);
	printf("%*s^\n", (int)(strlen(shell_prompt(s)) + col), "");
}

static int not_understood(struct shell *s, const char *typed, const struct tree_line *l)
{
	switch (l->result) {
	case TREE_AMBIGUOUS:
		return shell_say("Ambiguous command:  \"%s\"", typed);
	case TREE_INCOMPLETE:
		return shell_say("Incomplete command.");
	default:
		caret(s, typed, l->matched < l->n ? l->col[l->matched] : 0);
		shell_say("Invalid input detected at '^' marker.");
		return CLI_FAIL;
	}
}

/* ---- commands of exec mode ------------------------------------------------------------ */

static int run_forked(void *ctx)
{
	return exec_run(ctx);
}

static int run_exec(struct shell *s, const struct tree_line *l, unsigned first, const char *filter)
{
	static const struct exec_node *const tables[] = { shell_show_commands, exec_commands };
	struct exec_line line = { .cli = &s->cli };
	char *words[TREE_WORDS_MAX];
	unsigned n = 0, at;

	for (unsigned i = first; i < l->n; i++)
		words[n++] = (char *)(l->path[i].keyword ? l->path[i].word : l->word[i]);
	if (exec_match(shell_state_commands, n, words, false, &line, &at) == EXEC_OK)
		return exec_run(&line);
	for (unsigned t = 0; t < 2; t++)
		if (exec_match(tables[t], n, words, false, &line, &at) == EXEC_OK)
			return shell_output(s, run_forked, &line, filter);
	return shell_say("Incomplete command.");
}

/* ---- one line -------------------------------------------------------------------------- */

static bool may_be_filtered(const struct shell *s, const char *line)
{
	return s->level != LEVEL_CONFIG || !strncmp(line, "do ", 3);
}

static int understood(struct shell *s, struct tree_line *l, const char *typed, const char *filter)
{
	unsigned first, depth;
	enum shell_meaning means = shell_resolve(s, l, &first, &depth);

	if (l->result)
		return not_understood(s, typed, l);
	if (means == MEANS_EXEC)
		return run_exec(s, l, first, filter);
	if (means == MEANS_LEAVE)
		return shell_config_leave(s, !strcmp(l->path[0].word, "end"));
	return shell_config_line(s, l, first, depth);
}

int shell_line(struct shell *s, const char *line)
{
	char typed[TREE_LINE_MAX];
	struct tree_line l = { .n = 0 };
	const char *filter = NULL;
	int rc;

	line += strspn(line, " \t");
	if (!*line || *line == '!')
		return CLI_OK;
	if (snprintf(typed, sizeof(typed), "%s", line) >= (int)sizeof(typed))
		return shell_say("a line of more than %d bytes", TREE_LINE_MAX - 1);
	if (may_be_filtered(s, typed))
		filter = shell_cut_filter(typed);
	if (!tree_split(typed, &l))
		return shell_say("a line of more than %d words", TREE_WORDS_MAX);
	rc = understood(s, &l, typed, filter);
	if (tree_has_secret(&l)) {
		shell_forget(s);
		explicit_bzero(typed, sizeof(typed));
		explicit_bzero(&l, sizeof(l));
	}
	return rc;
}

/* ---- the whole --------------------------------------------------------------------------- */

static int lines_of(struct shell *s, const char *text)
{
	char *copy = strdup(text), *rest = copy, *line;
	int rc = CLI_OK;

	while (!rc && !s->done && rest && (line = strsep(&rest, "\n")))
		rc = shell_line(s, line);
	free(copy);
	return rc;
}

/* Who types goes on after an error; a file ends at the first. */
static int lines_typed(struct shell *s)
{
	int rc = CLI_OK;
	char *line;

	while (!s->done && (s->tty || !rc) && (line = shell_read(s))) {
		rc = shell_line(s, line);
		fflush(stdout);
		explicit_bzero(line, strlen(line));
		free(line);
	}
	return s->tty ? CLI_OK : rc;
}

static int run(struct shell *s, const char *command)
{
	int rc;

	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	cli_said_by("% ");
	shell_config_refresh(s);
	if (command)
		return lines_of(s, command);
	s->tty = isatty(STDIN_FILENO);
	rc = s->tty ? shell_edit_open(s) : CLI_OK;
	if (!rc)
		rc = lines_typed(s);
	shell_edit_close(s);
	shell_config_drop(s);
	return rc;
}

bool shell_is_login(const char *argv0)
{
	const char *name = strrchr(argv0, '/') ? strrchr(argv0, '/') + 1 : argv0;

	return *name == '-' || !strcmp(name, LOGIN_NAME);
}

int cmd_shell(const struct cli *cli, struct args *args)
{
	struct shell s = { .cli = *cli, .length = -1, .in = stdin };
	const char *option = args_next(args), *command = NULL;
	int rc;

	if (option && !strcmp(option, "help")) {
		printf("prefpeer shell [-c COMMANDS]\n");
		return CLI_OK;
	}
	if (option && strcmp(option, "-c"))
		return cli_usage("\"%s\" is nothing to a shell; -c COMMANDS is", option);
	if (option) {
		command = args_next(args);
		if (!command)
			return cli_usage("-c needs commands, one per line");
	}
	rc = args_end(args);
	if (rc)
		return rc;
	if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	s.cli.json = false;
	return run(&s, command);
}
