// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/conf/language.h"

#include <string.h>

#include "prefpeerd/conf/grammar.h"

unsigned lang_modes(void)
{
	return MODE_COUNT;
}

const char *lang_prompt(unsigned mode)
{
	return conf_modes[mode].prompt;
}

const struct node *lang_commands(unsigned mode)
{
	return conf_modes[mode].commands;
}

bool lang_word(const struct node *table, unsigned i, struct lang_word *out)
{
	const struct node *n;

	if (!table || !table[i].word)
		return false;
	n = &table[i];
	*out = (struct lang_word){
		.node = n,
		.word = n->word,
		.help = n->help,
		.keyword = n->kind == ARG_KEYWORD,
		.refused = n->refuse,
		.secret = n->kind == ARG_SECRET,
		.rest = n->kind == ARG_REST,
		.free = n->kind == ARG_NAME || n->kind == ARG_WORD || n->kind == ARG_SECRET ||
			n->kind == ARG_REST,
		.ends = n->run,
		.undo = n->undo,
		.enters = n->enters,
		.repeat = n->repeat,
	};
	return true;
}

const struct node *lang_next(const struct node *node)
{
	return node->next;
}

bool lang_fits(const struct node *argument, const char *word)
{
	const struct word w = { .s = word, .len = (unsigned)strlen(word), .col = 1 };

	return argument->kind != ARG_KEYWORD && grammar_shape_fits(argument, &w);
}
