// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeer/shell_tree.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

bool tree_split(const char *line, struct tree_line *out)
{
	size_t len = strlen(line);
	char *s = out->text;

	out->n = out->matched = 0;
	if (len >= sizeof(out->text))
		return false;
	memcpy(s, line, len + 1);
	for (size_t i = 0; i < len;) {
		if (s[i] == ' ' || s[i] == '\t') {
			i++;
			continue;
		}
		if (out->n == TREE_WORDS_MAX)
			return false;
		out->col[out->n] = (unsigned)i;
		out->word[out->n++] = &s[i];
		i += strcspn(&s[i], " \t");
		s[i++] = '\0';
	}
	return true;
}

/* ---- what may stand at a place -------------------------------------------- */

static struct choice of_conf(const struct lang_word *w, bool no)
{
	return (struct choice){
		.word = w->word, .help = w->help, .keyword = w->keyword, .refused = w->refused,
		.secret = w->secret, .rest = w->rest, .free = w->free,
		.ends = no ? w->undo : w->ends, .enters = w->enters, .repeat = w->repeat,
		.conf = w->node,
	};
}

static struct choice of_exec(const struct exec_node *n)
{
	return (struct choice){
		.word = n->word, .help = n->help, .keyword = n->kind == EXEC_KEYWORD,
		.rest = n->kind == EXEC_REST,
		.free = n->kind == EXEC_NAME || n->kind == EXEC_WORD || n->kind == EXEC_REST,
		.ends = n->run, .exec = n,
	};
}

static bool begins(const char *word, const char *prefix)
{
	return !strncasecmp(word, prefix, strlen(prefix));
}

struct gather {
	const char *prefix;
	struct choice *out;
	unsigned n, max;
};

/* `show` of two tables is one `show`. */
static void add(struct gather *g, const struct choice *c)
{
	if (c->refused || (c->keyword && !begins(c->word, g->prefix)))
		return;
	if (!c->keyword && *g->prefix && !c->free && c->conf && !lang_fits(c->conf, g->prefix))
		return;
	for (unsigned i = 0; i < g->n; i++) {
		if (strcmp(g->out[i].word, c->word))
			continue;
		g->out[i].ends |= c->ends;
		return;
	}
	if (g->n < g->max)
		g->out[g->n++] = *c;
}

unsigned tree_choices(const struct place *at, const char *prefix, struct choice *out, unsigned max)
{
	struct gather g = { prefix, out, 0, max };
	struct lang_word w;
	struct choice c;

	if (at->again.word)
		add(&g, &at->again);
	for (unsigned i = 0; lang_word(at->conf, i, &w); i++) {
		c = of_conf(&w, at->no);
		add(&g, &c);
	}
	for (unsigned t = 0; t < at->n_exec; t++) {
		for (const struct exec_node *n = at->exec[t]; n->word; n++) {
			c = of_exec(n);
			if (!n->privileged || at->privileged)
				add(&g, &c);
		}
	}
	return g.n;
}

/* ---- one word ---------------------------------------------------------------- */

static bool argument_fits(const struct choice *c, const char *word)
{
	struct exec_line line;
	unsigned at;
	char *one[] = { (char *)word };
	struct exec_node table[2] = { { 0 } };

	if (c->keyword)
		return false;
	if (c->conf)
		return lang_fits(c->conf, word);
	table[0] = *c->exec;
	table[0].run = NULL;
	exec_match(table, 1, one, false, &line, &at);
	return line.n == 1;
}

struct candidates {
	const struct choice *exact, *begun, *argument;
	bool many; /* begin so */
	bool free; /* a name may stand here too: nothing is an abbreviation */
};

/* Two spellings of one keyword, as `idle-time` and `idletime`, are one. */
static bool same_meaning(const struct choice *a, const struct choice *b)
{
	if (a->conf && b->conf)
		return lang_next(a->conf) == lang_next(b->conf) && lang_next(a->conf) &&
		       !strcmp(a->help, b->help);
	return !strcmp(a->word, b->word);
}

static void consider(struct candidates *f, const struct choice *c, const char *word)
{
	if (!c->keyword) {
		f->free |= c->free;
		if (!f->argument && argument_fits(c, word))
			f->argument = c;
		return;
	}
	if (!strcasecmp(c->word, word)) {
		if (!f->exact)
			f->exact = c;
	} else if (!c->refused && begins(c->word, word)) {
		f->many |= f->begun && !same_meaning(f->begun, c);
		if (!f->begun)
			f->begun = c;
	}
}

/* All of the place, the refused too: they are understood when written in full. */
static unsigned all_choices(const struct place *at, struct choice *out, unsigned max)
{
	unsigned n = 0;
	struct lang_word w;

	if (at->again.word)
		out[n++] = at->again;
	for (unsigned i = 0; n < max && lang_word(at->conf, i, &w); i++)
		out[n++] = of_conf(&w, at->no);
	for (unsigned t = 0; t < at->n_exec; t++)
		for (const struct exec_node *e = at->exec[t]; n < max && e->word; e++)
			if (!e->privileged || at->privileged)
				out[n++] = of_exec(e);
	return n;
}

#define CHOICES_MAX 160

static enum tree_match match_word(const struct place *at, const char *word, struct choice *out)
{
	struct choice list[CHOICES_MAX];
	unsigned n = all_choices(at, list, CHOICES_MAX);
	struct candidates f = { 0 };
	const struct choice *found;

	for (unsigned i = 0; i < n; i++)
		consider(&f, &list[i], word);
	found = f.exact;
	if (!found && !f.free && f.begun) {
		if (f.many)
			return TREE_AMBIGUOUS;
		found = f.begun;
	}
	if (!found)
		found = f.argument;
	/* A lone argument is what is meant: who judges it has a better sentence. */
	if (!found && n == 1 && !list[0].keyword && list[0].conf)
		found = &list[0];
	if (!found)
		return TREE_UNKNOWN;
	*out = *found;
	return TREE_OK;
}

/* ---- the next place ------------------------------------------------------------ */

static void step_exec(struct place *at, const struct choice *c)
{
	const struct exec_node *next[TREE_TABLES_MAX];
	unsigned n = 0;

	at->may_end = c->ends;
	for (unsigned t = 0; t < at->n_exec; t++) {
		for (const struct exec_node *e = at->exec[t]; e->word; e++) {
			if (strcmp(e->word, c->word))
				continue;
			at->may_end |= e->run != NULL;
			if (e->next && n < TREE_TABLES_MAX)
				next[n++] = e->next;
		}
	}
	memcpy(at->exec, next, n * sizeof(*next));
	at->n_exec = n;
	at->conf = NULL;
	at->again = (struct choice){ 0 };
}

static void step_conf(struct place *at, const struct choice *c)
{
	bool same = at->again.conf == c->conf;

	at->times = same ? at->times + 1 : 1;
	at->again = c->repeat > at->times ? *c : (struct choice){ 0 };
	at->conf = lang_next(c->conf);
	at->n_exec = 0;
	at->may_end = c->ends;
}

void tree_walk(struct tree_line *line, unsigned first, const struct place *start)
{
	struct choice c = { 0 };

	line->at = *start;
	line->at.may_end = false;
	line->result = TREE_OK;
	for (line->matched = first; line->matched < line->n; line->matched++) {
		const char *word = line->word[line->matched];

		if (!c.rest)
			line->result = match_word(&line->at, word, &c);
		if (line->result)
			return;
		line->path[line->matched] = c;
		if (c.refused) { /* it has its sentence; what would follow is not asked */
			line->matched++;
			return;
		}
		if (c.rest)
			continue;
		if (c.conf)
			step_conf(&line->at, &c);
		else
			step_exec(&line->at, &c);
	}
	if (c.rest)
		line->at = (struct place){ .may_end = c.ends };
	line->result = line->at.may_end ? TREE_OK : TREE_INCOMPLETE;
}

bool tree_full(const struct tree_line *line, unsigned first, char *buf, size_t size)
{
	size_t at = 0;

	*buf = '\0';
	for (unsigned i = first; i < line->n && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%s", i > first ? " " : "",
				       i < line->matched && line->path[i].keyword ?
					       line->path[i].word : line->word[i]);
	return at < size;
}

bool tree_has_secret(const struct tree_line *line)
{
	for (unsigned i = 0; i < line->matched; i++)
		if (line->path[i].secret)
			return true;
	return false;
}
