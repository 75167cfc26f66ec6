/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prefpeer shell: the command line of IOS. Modes and prompts are IOS's; commands come
 * from tables, the configuration's language from the same that reads files. It starts
 * no other program, and runs none that is named to it: it may be a login shell.
 */
#ifndef PREFPEER_SHELL_H
#define PREFPEER_SHELL_H

#include "prefpeer/shell_tree.h"

#define SHELL_MODES_MAX 3 /* global, keyring, its peer: as the parser's */
#define SHELL_HELD_MAX 8192

enum shell_level { LEVEL_USER, LEVEL_PRIVILEGED, LEVEL_CONFIG };

/* A configuration mode that is open, and the line that opened it. */
struct shell_mode {
	unsigned mode;
	char line[TREE_LINE_MAX];
};

struct shell {
	struct cli cli; /* the first: commands are given it, shell_of() finds us */
	enum shell_level level;
	struct shell_mode mode[SHELL_MODES_MAX];
	unsigned depth; /* modes open; 1: global */
	/* Lines of what is not whole yet, for the next line to complete; "": none. */
	char held[SHELL_HELD_MAX];
	char hostname[64];
	int length; /* rows of a page; 0: no pages, -1: as the terminal has */
	bool tty;   /* somebody types */
	bool done;
	FILE *in; /* not a terminal: where lines come from */
	void *edit; /* shell_edit.c */
	char prompt[128];
};

static inline struct shell *shell_of(const struct cli *cli)
{
	return (struct shell *)cli;
}

/* shell.c */
int cmd_shell(const struct cli *cli, struct args *args);
/* By the name that we were called by: a login shell? */
bool shell_is_login(const char *argv0);
/* One line, whatever mode it is typed in. An exit status. */
int shell_line(struct shell *s, const char *line);
/* "% …" on standard output; returns CLI_FAIL. */
int shell_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *shell_prompt(struct shell *s);

/* shell_resolve.c: which tables a line means */
enum shell_meaning {
	MEANS_EXEC,   /* a command of exec mode, from word *first on */
	MEANS_CONFIG, /* a line of configuration mode *depth; with `no` *first is 1 */
	MEANS_LEAVE,  /* `exit` or `end` */
};
enum shell_meaning shell_resolve(const struct shell *s, struct tree_line *line, unsigned *first,
				 unsigned *depth);
/* What filters output: `| include REGEX`. The rest of @line behind it, or NULL; cut off there. */
char *shell_cut_filter(char *line);

/* shell_help.c: `?` and completion. @before: the line up to the cursor. */
void shell_help(const struct shell *s, const char *before, FILE *out);
/* What is missing of the word at the cursor, with a blank; false: nothing, or several could be. */
bool shell_complete(const struct shell *s, const char *before, char *out, size_t size);

/* shell_config.c */
int shell_config_line(struct shell *s, const struct tree_line *line, unsigned first,
		      unsigned depth);
int shell_config_leave(struct shell *s, bool all);
/* What was typed and is not whole is given up, with a word. */
void shell_config_drop(struct shell *s);
/* hostname, as configured or the machine's */
void shell_config_refresh(struct shell *s);

/* shell_exec.c: commands that change the shell itself, and those about the configuration */
extern const struct exec_node shell_state_commands[], shell_show_commands[], shell_config_words[],
	shell_filter_words[];

/* shell_enable.c: 0 may, CLI_FAIL: said why not */
int shell_enable(struct shell *s);
/* A hash of @password for the configuration; false: said why not. */
bool shell_hash(const char *password, char *out, size_t size);

/* shell_out.c: run @fn in a process of its own, its output filtered and paged. */
int shell_output(struct shell *s, int (*fn)(void *ctx), void *ctx, const char *filter);

/* shell_edit.c: the next line, without its end; NULL: no more. The caller's to free. */
char *shell_read(struct shell *s);
int shell_edit_open(struct shell *s);
void shell_edit_close(struct shell *s);
/* The last line is not remembered: it has a secret. */
void shell_forget(struct shell *s);

#endif
