// SPDX-License-Identifier: GPL-2.0-or-later
/* Matching a line of exec mode against its tables, and running it. */
#include "prefpeer/exec.h"

#include <stdio.h>
#include <string.h>

#define NAME_LEN_MAX 63

static bool argument_fits(const struct exec_node *node, const char *word)
{
	struct addr a;
	uint32_t v;

	switch (node->kind) {
	case EXEC_NAME:
		return *word && strlen(word) <= NAME_LEN_MAX;
	case EXEC_ADDR:
		return !addr_parse(word, &a);
	case EXEC_NUMBER:
		return !parse_u32(word, &v) && v >= node->min && v <= node->max;
	default:
		return *word;
	}
}

/* A keyword in full, else the only one that begins so. *many: several do. */
static const struct exec_node *find_keyword(const struct exec_node *table, const char *word,
					    bool abbrev, bool *many)
{
	const struct exec_node *found = NULL;
	size_t len = strlen(word);

	*many = false;
	for (const struct exec_node *n = table; n->word; n++) {
		if (n->kind != EXEC_KEYWORD)
			continue;
		if (!strcmp(n->word, word)) {
			*many = false;
			return n;
		}
		if (!abbrev || !len || strncmp(n->word, word, len))
			continue;
		*many = found;
		found = n;
	}
	return found;
}

/* Keywords come before arguments, which may look like one. */
static enum exec_match match_word(const struct exec_node *table, const char *word, bool abbrev,
				  const struct exec_node **out)
{
	bool many;

	*out = find_keyword(table, word, abbrev, &many);
	if (many)
		return EXEC_AMBIGUOUS;
	for (const struct exec_node *n = table; !*out && n->word; n++)
		if (n->kind != EXEC_KEYWORD && argument_fits(n, word))
			*out = n;
	return *out ? EXEC_OK : EXEC_UNKNOWN;
}

static void keep_word(struct exec_line *line, const struct exec_node *node, const char *word)
{
	line->word[line->n] = node->kind == EXEC_KEYWORD ? node->word : word;
	line->node[line->n++] = node;
}

enum exec_match exec_match(const struct exec_node *table, unsigned n, char *const *words,
			   bool abbrev, struct exec_line *out, unsigned *at)
{
	const struct exec_node *node = NULL;
	enum exec_match m;

	out->n = 0;
	for (*at = 0; *at < n; (*at)++) {
		if (*at == EXEC_WORDS_MAX)
			return EXEC_UNKNOWN;
		if (!node || node->kind != EXEC_REST) {
			table = node ? node->next : table;
			m = table ? match_word(table, words[*at], abbrev, &node) : EXEC_UNKNOWN;
			if (m != EXEC_OK)
				return m;
		}
		keep_word(out, node, words[*at]);
	}
	return node && node->run ? EXEC_OK : EXEC_INCOMPLETE;
}

const struct exec_node *exec_next(const struct exec_node *table, const struct exec_line *line)
{
	return line->n ? line->node[line->n - 1]->next : table;
}

int exec_run(const struct exec_line *line)
{
	return line->node[line->n - 1]->run(line);
}

/* ---- what a line says ---------------------------------------------------- */

/* Index of a keyword, or line->n. */
static unsigned find_word(const struct exec_line *line, const char *word)
{
	unsigned i = 0;

	while (i < line->n &&
	       (line->node[i]->kind != EXEC_KEYWORD || strcmp(line->node[i]->word, word)))
		i++;
	return i;
}

bool exec_has(const struct exec_line *line, const char *word)
{
	return find_word(line, word) < line->n;
}

const char *exec_after(const struct exec_line *line, const char *word)
{
	unsigned i = find_word(line, word);

	return i + 1 < line->n ? line->word[i + 1] : NULL;
}

uint32_t exec_number_after(const struct exec_line *line, const char *word)
{
	const char *text = exec_after(line, word);
	uint32_t v = 0;

	return text && !parse_u32(text, &v) ? v : 0;
}

const char *exec_arg(const struct exec_line *line, const char *name)
{
	for (unsigned i = 0; i < line->n; i++)
		if (line->node[i]->kind != EXEC_KEYWORD && !strcmp(line->node[i]->word, name))
			return line->word[i];
	return NULL;
}

uint32_t exec_number_at(const struct exec_line *line, const char *name)
{
	const char *text = exec_arg(line, name);
	uint32_t v = 0;

	return text && !parse_u32(text, &v) ? v : 0;
}

/* ---- prefpeer show, clear, debug ------------------------------------------ */

static void list_words(const struct exec_node *table, char *buf, size_t size)
{
	size_t at = 0;

	*buf = '\0';
	for (const struct exec_node *n = table; n && n->word && at < size; n++)
		at += (size_t)snprintf(buf + at, size - at, " %s", n->word);
}

static void print_help(const struct exec_node *table, bool may_end)
{
	for (const struct exec_node *n = table; n && n->word; n++)
		printf("  %-24s %s\n", n->word, n->help);
	if (may_end)
		printf("  %-24s %s\n", "(nothing more)", "the command is whole");
}

static int refuse(enum exec_match m, const struct exec_line *line, const char *first,
		  const char *typed)
{
	char next[512];
	const struct exec_node *table = exec_next(exec_commands, line);

	list_words(table, next, sizeof(next));
	if (m == EXEC_INCOMPLETE)
		return cli_usage("%s: what follows \"%s\"? One of:%s", first,
				 line->word[line->n - 1], next);
	if (!*next)
		return cli_usage("%s: \"%s\" is one word too many", first, typed);
	return cli_usage("%s: \"%s\" is no word here; these are:%s", first, typed, next);
}

int exec_main(const struct cli *cli, struct args *args, const char *first)
{
	char *words[EXEC_WORDS_MAX] = { (char *)first };
	struct exec_line line = { .cli = cli };
	unsigned n = 1, at;
	enum exec_match m;

	if (args->n >= EXEC_WORDS_MAX)
		return cli_usage("%s: a command has at most %d words", first, EXEC_WORDS_MAX);
	for (int i = 0; i < args->n; i++)
		words[n++] = args->v[i];
	m = exec_match(exec_commands, n, words, false, &line, &at);
	if (m == EXEC_OK)
		return exec_run(&line);
	if (at == n - 1 && !strcmp(words[at], "help")) {
		print_help(exec_next(exec_commands, &line), line.node[line.n - 1]->run);
		return CLI_OK;
	}
	return refuse(m, &line, first, at < n ? words[at] : "");
}
