// SPDX-License-Identifier: GPL-2.0-or-later
/* What may be typed next: `?`, and the rest of a word that is the only one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeer/shell.h"

#define CHOICES_MAX 160

struct asked {
	struct choice list[CHOICES_MAX];
	unsigned n;
	bool may_end;	   /* <cr> */
	const char *word;  /* what is typed of the word at the cursor, "" between words */
	bool lost;	   /* the words before are not understood */
	enum tree_match why;
	unsigned col;	   /* of the first that is not */
};

static bool at_word(const char *before)
{
	size_t len = strlen(before);

	return len && before[len - 1] != ' ' && before[len - 1] != '\t';
}

static int by_word(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;

	if (x->keyword != y->keyword)
		return x->keyword ? 1 : -1; /* as IOS: WORD and A.B.C.D stand first */
	return strcmp(x->word, y->word);
}

static void look(const struct shell *s, char *before, struct asked *a)
{
	char *filter = s->level == LEVEL_CONFIG && strncmp(before, "do ", 3) ? NULL :
		       shell_cut_filter(before);
	const char *text = filter ? filter : before;
	struct tree_line l = { .n = 0 };
	unsigned first, depth;
	static char word[TREE_LINE_MAX];

	*word = '\0';
	a->n = 0;
	a->lost = !tree_split(text, &l);
	if (l.n && at_word(text))
		strcpy(word, l.word[--l.n]);
	a->word = word;
	if (filter)
		tree_walk(&l, 0, &(struct place){ .exec = { shell_filter_words }, .n_exec = 1 });
	else
		shell_resolve(s, &l, &first, &depth);
	a->lost |= l.matched < l.n;
	a->why = l.result;
	a->col = a->lost && l.matched < l.n ? l.col[l.matched] : 0;
	if (a->lost)
		return;
	a->may_end = l.n && l.at.may_end && !*word;
	a->n = tree_choices(&l.at, word, a->list, CHOICES_MAX);
	qsort(a->list, a->n, sizeof(*a->list), by_word);
}

static void list_words(const struct asked *a, FILE *out)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->list[i].keyword)
			fprintf(out, "%s%s", i ? "  " : "", a->list[i].word);
	fputc('\n', out);
}

static void list_help(const struct asked *a, FILE *out)
{
	int wide = 4;

	for (unsigned i = 0; i < a->n; i++)
		if ((int)strlen(a->list[i].word) > wide)
			wide = (int)strlen(a->list[i].word);
	for (unsigned i = 0; i < a->n; i++)
		fprintf(out, "  %-*s  %s\n", wide, a->list[i].word, a->list[i].help);
	if (a->may_end)
		fputs("  <cr>\n", out);
}

void shell_help(const struct shell *s, const char *before, FILE *out)
{
	char text[TREE_LINE_MAX];
	struct asked a = { .n = 0 };
	unsigned keywords = 0;

	if (snprintf(text, sizeof(text), "%s", before) >= (int)sizeof(text))
		return;
	look(s, text, &a);
	for (unsigned i = 0; i < a.n; i++)
		keywords += a.list[i].keyword;
	if (a.lost || (!a.n && !a.may_end))
		fprintf(out, "%% %s\n", a.lost && a.why == TREE_AMBIGUOUS ? "Ambiguous command" :
						"Unrecognized command");
	else if (*a.word && keywords == a.n)
		list_words(&a, out);
	else
		list_help(&a, out);
}

bool shell_complete(const struct shell *s, const char *before, char *out, size_t size)
{
	const struct choice *only = NULL;
	char text[TREE_LINE_MAX];
	struct asked a = { .n = 0 };

	if (!at_word(before) || snprintf(text, sizeof(text), "%s", before) >= (int)sizeof(text))
		return false;
	look(s, text, &a);
	for (unsigned i = 0; i < a.n; i++) {
		if (!a.list[i].keyword)
			continue;
		if (only)
			return false;
		only = &a.list[i];
	}
	return only && snprintf(out, size, "%s ", only->word + strlen(a.word)) < (int)size;
}
