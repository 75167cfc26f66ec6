/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The language of the configuration for who helps in typing it: what may stand at a
 * place, and what is said of it. Judging a line stays with config_parse() and its like.
 */
#ifndef CONF_LANGUAGE_H
#define CONF_LANGUAGE_H

#include <stdbool.h>

struct node; /* grammar.h */

#define LANG_GLOBAL 0u

/* Modes are numbered from LANG_GLOBAL on. */
unsigned lang_modes(void);
/* "config-crypto-map" */
const char *lang_prompt(unsigned mode);
/* What may stand first in a line of @mode. */
const struct node *lang_commands(unsigned mode);

struct lang_word {
	const struct node *node;
	const char *word, *help;
	bool keyword;
	bool refused;	 /* understood, to be refused with a sentence: not offered */
	bool secret;	 /* never kept or shown */
	bool rest;	 /* takes all that follows */
	bool free;	 /* a name or text: any word will do */
	bool ends, undo; /* the line may end here; with `no` in front */
	unsigned enters; /* a mode, or LANG_GLOBAL: none */
	unsigned repeat; /* may stand so many times in a row */
};

/* The @i-th of @table; false behind the last. */
bool lang_word(const struct node *table, unsigned i, struct lang_word *out);
const struct node *lang_next(const struct node *node);
/* Whether @word is meant by this argument, by its shape: its value is not judged. */
bool lang_fits(const struct node *argument, const char *word);

#endif
