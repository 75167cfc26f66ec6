/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of exec mode, `show crypto …`, `clear crypto …`, `debug crypto …`, as tables:
 * one list of nodes per place of a line. The same tables serve the command line of
 * prefpeer(8), where every keyword is written in full, and a shell, which knows unambiguous
 * abbreviations and shows the help texts for `?`.
 */
#ifndef PREFPEER_EXEC_H
#define PREFPEER_EXEC_H

#include "prefpeer/cli.h"

enum exec_kind {
	EXEC_KEYWORD,
	EXEC_NAME,   /* of a crypto map, an interface: up to 63 bytes */
	EXEC_ADDR,   /* an IP address of either family */
	EXEC_NUMBER, /* of min..max; 0x… is hexadecimal */
	EXEC_WORD,   /* judged by who runs the command */
	EXEC_REST,   /* this word, and all after it */
};

#define EXEC_WORDS_MAX 24

struct exec_node;

/* A command as matched. */
struct exec_line {
	const struct cli *cli;
	unsigned n;				      /* words */
	const char *word[EXEC_WORDS_MAX];	      /* keywords in full, arguments as typed */
	const struct exec_node *node[EXEC_WORDS_MAX]; /* what each matched */
};

struct exec_node {
	const char *word; /* keyword, or what an argument is called, "A.B.C.D"; NULL ends a table */
	const char *help;
	enum exec_kind kind;
	bool privileged;	      /* not in user mode: it, and all after it */
	uint32_t min, max;	      /* EXEC_NUMBER */
	const struct exec_node *next; /* what may follow */
	int (*run)(const struct exec_line *line); /* the line may end here; an exit status */
};

/* The top of exec mode. */
extern const struct exec_node exec_commands[];

enum exec_match { EXEC_OK, EXEC_UNKNOWN, EXEC_AMBIGUOUS, EXEC_INCOMPLETE };

/*
 * @abbrev: unambiguous abbreviations of keywords count. *at: index of the word that is
 * wrong, or that is missing. @out is filled as far as it matched; out->cli is the caller's.
 * EXEC_OK: the last node of @out runs it.
 */
enum exec_match exec_match(const struct exec_node *table, unsigned n, char *const *words,
			   bool abbrev, struct exec_line *out, unsigned *at);
/* What may stand at the place behind @line as far as it matched. NULL: nothing. */
const struct exec_node *exec_next(const struct exec_node *table, const struct exec_line *line);
/* Run a line that matched. */
int exec_run(const struct exec_line *line);
/* Whether @line has keyword @word, and what stands behind it; NULL: no such keyword. */
bool exec_has(const struct exec_line *line, const char *word);
const char *exec_after(const struct exec_line *line, const char *word);
/* The number behind @word; 0: no such keyword. */
uint32_t exec_number_after(const struct exec_line *line, const char *word);

/* What the argument @name of the tables is; NULL, and 0: it was not given. */
const char *exec_arg(const struct exec_line *line, const char *name);
uint32_t exec_number_at(const struct exec_line *line, const char *name);

/* `prefpeer @first …`: a line of full words, its errors as sentences. */
int exec_main(const struct cli *cli, struct args *args, const char *first);

#endif
