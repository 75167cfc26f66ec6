/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line against the tables, those of exec mode (exec.h) and those of the configuration
 * (conf/language.h) alike: which word is which, what may follow, abbreviations.
 *
 * Written here since no library was found that walks tables as they are: libcli's
 * commands are strings of keywords with all arguments at their end, where ours have
 * names in the middle (`crypto map NAME SEQ ipsec-isakmp`) and choices by the shape of a word.
 */
#ifndef PREFPEER_SHELL_TREE_H
#define PREFPEER_SHELL_TREE_H

#include "prefpeer/exec.h"
#include "prefpeerd/conf/language.h"

#define TREE_LINE_MAX 1024
#define TREE_WORDS_MAX 32
#define TREE_TABLES_MAX 6

/* A word that may stand at a place. */
struct choice {
	const char *word, *help;
	bool keyword, refused, secret, rest, free;
	bool ends;	 /* the line may end behind it */
	unsigned enters; /* of the configuration: a mode */
	unsigned repeat;
	const struct node *conf; /* one of the two: where it comes from */
	const struct exec_node *exec;
};

/* What may stand at a place: tables side by side. */
struct place {
	const struct node *conf; /* a table of the configuration's; NULL: none */
	const struct exec_node *exec[TREE_TABLES_MAX];
	unsigned n_exec;
	bool no;	 /* of the configuration: `no` stands in front */
	bool privileged; /* commands of privileged mode are there */
	struct choice again; /* its word: what stood before may stand once more */
	unsigned times;
	bool may_end;
};

enum tree_match { TREE_OK, TREE_UNKNOWN, TREE_AMBIGUOUS, TREE_INCOMPLETE };

struct tree_line {
	char text[TREE_LINE_MAX]; /* words, each ended by a zero */
	unsigned n;
	const char *word[TREE_WORDS_MAX]; /* as typed */
	unsigned col[TREE_WORDS_MAX];	  /* from 0, in the line as typed */
	struct choice path[TREE_WORDS_MAX];
	unsigned matched; /* words; result says of the one after them */
	enum tree_match result;
	struct place at; /* behind them */
};

/* Cut into words: false, when they are too many or too long. */
bool tree_split(const char *line, struct tree_line *out);
/* Words of @line from @first on, from @start. Fills path, matched, result, at. */
void tree_walk(struct tree_line *line, unsigned first, const struct place *start);
/* The choices at a place, of which keywords begin with @prefix. Returns how many there are. */
unsigned tree_choices(const struct place *at, const char *prefix, struct choice *out, unsigned max);
/* Keywords in full, arguments as typed, one blank between. False when it does not fit. */
bool tree_full(const struct tree_line *line, unsigned first, char *buf, size_t size);
/* Whether a key or a password is among the words. */
bool tree_has_secret(const struct tree_line *line);

#endif
