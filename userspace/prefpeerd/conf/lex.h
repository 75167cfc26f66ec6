/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration text cut into lines and words. Nothing is copied: words point into the text. */
#ifndef CONF_LEX_H
#define CONF_LEX_H

#include <stdbool.h>
#include <stddef.h>

#define LEX_WORDS_MAX 32

struct word {
	const char *s; /* not terminated */
	unsigned len;  /* 1.. */
	unsigned col;  /* 1.. */
};

struct line {
	const char *s; /* not terminated, without its line end */
	unsigned len;
	unsigned number; /* 1.. */
	struct word w[LEX_WORDS_MAX];
	unsigned n;	  /* 0: blank or a comment */
	unsigned total;	  /* words there are; more than n when they do not fit */
	unsigned bad_col; /* a byte that no line may hold (control, not UTF-8), or 0 */
};

struct lexer {
	const char *s, *end;
	unsigned number;
};

void lex_init(struct lexer *l, const char *text, size_t len);
/* The next line, cut into words; false at the end of the text. `!` begins a comment line. */
bool lex_line(struct lexer *l, struct line *out);
/* Without regard to case, as IOS. */
bool word_is(const struct word *w, const char *text);
/* To the byte: for names that people gave. */
bool word_equals(const struct word *w, const char *text);
/* False when it does not fit (then cut short); always terminated. */
bool word_copy(const struct word *w, char *buf, size_t size);

#endif
