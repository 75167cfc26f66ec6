// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Output of a command: it runs in a process of its own, so that ^C ends it and not
 * the shell; its lines go through a filter and come in pages.
 */
#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "prefpeer/shell.h"

/* ---- filters ------------------------------------------------------------------- */

enum filter_kind { FILTER_NONE, FILTER_BEGIN, FILTER_COUNT, FILTER_EXCLUDE, FILTER_INCLUDE,
		   FILTER_SECTION };

struct filter {
	enum filter_kind kind;
	regex_t re;
	bool on; /* begun; in a section */
	unsigned count;
};

static enum filter_kind filter_kind_of(const char *word, size_t len)
{
	for (unsigned i = 0; len && shell_filter_words[i].word; i++)
		if (!strncmp(shell_filter_words[i].word, word, len))
			return FILTER_BEGIN + i;
	return FILTER_NONE;
}

static int filter_open(struct filter *f, const char *text)
{
	size_t len = text ? strcspn(text, " \t") : 0;
	const char *regex = text ? text + len + strspn(text + len, " \t") : NULL;

	*f = (struct filter){ .kind = FILTER_NONE };
	if (!text)
		return CLI_OK;
	f->kind = filter_kind_of(text, len);
	if (!f->kind || !*regex) {
		f->kind = FILTER_NONE;
		return shell_say("%s", f->kind ? "Incomplete command." :
				 "a filter is: include, exclude, begin, section or count, and a regular expression");
	}
	if (!regcomp(&f->re, regex, REG_EXTENDED | REG_NOSUB))
		return CLI_OK;
	f->kind = FILTER_NONE;
	return shell_say("%s is no regular expression", regex);
}

static bool filter_passes(struct filter *f, const char *line)
{
	bool hit = f->kind && !regexec(&f->re, line, 0, NULL, 0);

	switch (f->kind) {
	case FILTER_BEGIN:
		return f->on |= hit;
	case FILTER_COUNT:
		f->count += hit;
		return false;
	case FILTER_EXCLUDE:
		return !hit;
	case FILTER_INCLUDE:
		return hit;
	case FILTER_SECTION:
		/* A line with what stands below it. */
		if (*line != ' ' || hit)
			f->on = hit;
		return f->on;
	default:
		return true;
	}
}

/* ---- pages ---------------------------------------------------------------------- */

#define MORE " --More-- "
#define MORE_GONE "\r          \r"

struct pager {
	int rows; /* of a page; 0: no pages */
	int left; /* lines until it stops */
};

static struct pager pager_of(const struct shell *s)
{
	struct winsize w = { 0 };
	int rows = s->length;

	if (!s->tty || !isatty(STDOUT_FILENO))
		return (struct pager){ 0, 0 };
	if (rows < 0)
		rows = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || !w.ws_row ? 24 : w.ws_row;
	return (struct pager){ rows, rows - 1 };
}

static int one_key(void)
{
	struct termios old, raw;
	char c = 'q';

	if (tcgetattr(STDIN_FILENO, &old))
		return 'q';
	raw = old;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	if (read(STDIN_FILENO, &c, 1) != 1)
		c = 'q';
	tcsetattr(STDIN_FILENO, TCSADRAIN, &old);
	return (unsigned char)c;
}

/* False: enough was seen. */
static bool pager_goes_on(struct pager *p)
{
	int key;

	if (!p->rows || p->left-- > 0)
		return true;
	fputs(MORE, stdout);
	fflush(stdout);
	key = one_key();
	fputs(MORE_GONE, stdout);
	p->left = key == ' ' ? p->rows - 2 : 0;
	return key == ' ' || key == '\r' || key == '\n';
}

/* ---- the process ------------------------------------------------------------------ */

static void child(int out, int (*fn)(void *ctx), void *ctx)
{
	int rc;

	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	close(out);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	rc = fn(ctx);
	fflush(stdout);
	_exit(rc);
}

static void pass_on(FILE *from, struct filter *f, struct pager *p)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, from)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (!filter_passes(f, line))
			continue;
		if (!pager_goes_on(p))
			break;
		puts(line);
		fflush(stdout);
	}
	if (f->kind == FILTER_COUNT)
		printf("Number of lines which match regexp = %u\n", f->count);
	free(line);
}

static int reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_OK; /* ^C, `q`: as it was wished */
}

int shell_output(struct shell *s, int (*fn)(void *ctx), void *ctx, const char *filter)
{
	struct pager pager = pager_of(s);
	struct filter f;
	int fds[2], rc = filter_open(&f, filter);
	pid_t pid;
	FILE *from;

	if (rc)
		return rc;
	fflush(stdout);
	if (pipe(fds))
		return shell_say("%s", strerror(errno));
	pid = fork();
	if (!pid) {
		close(fds[0]);
		child(fds[1], fn, ctx);
	}
	close(fds[1]);
	from = pid > 0 ? fdopen(fds[0], "r") : NULL;
	if (from) {
		pass_on(from, &f, &pager);
		fclose(from); /* who writes on is ended by it */
		rc = reap(pid);
	} else {
		close(fds[0]);
		rc = shell_say("%s", strerror(errno));
	}
	if (f.kind)
		regfree(&f.re);
	return rc;
}
