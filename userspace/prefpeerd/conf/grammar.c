// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/conf/grammar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/conf/diag.h"

#define ADDR_WORD_MAX 64 /* longer words are no address */

struct conf_pos cmd_pos(const struct cmd *cmd)
{
	return conf_pos_word(cmd->line, &cmd->line->w[cmd->first]);
}

struct conf_pos cmd_flag_pos(const struct cmd *cmd, uint64_t flag)
{
	for (unsigned i = cmd->first; i < cmd->line->n; i++)
		if (cmd->path[i] && cmd->path[i]->flag & flag)
			return conf_pos_word(cmd->line, &cmd->line->w[i]);
	return cmd_pos(cmd);
}

uint32_t cmd_keyword_value(const struct cmd *cmd)
{
	for (unsigned i = 0; i < LEX_WORDS_MAX; i++)
		if (cmd->path[i] && cmd->path[i]->kind == ARG_KEYWORD && cmd->path[i]->min)
			return cmd->path[i]->min;
	return 0;
}

struct conf_pos cmd_arg_pos(const struct cmd *cmd, enum slot slot)
{
	if (!cmd->arg[slot].w)
		return cmd_pos(cmd);
	return conf_pos_word(cmd->line, cmd->arg[slot].w);
}

/* ---- what may stand here ---- */

static unsigned count_shown(const struct node *table)
{
	unsigned n = 0;

	for (; table && table->word; table++)
		n += !table->refuse;
	return n;
}

char *grammar_next_words(const struct node *table, bool may_end)
{
	unsigned n = count_shown(table) + may_end, i = 0;
	char *buf = NULL;
	size_t size;
	FILE *f = open_memstream(&buf, &size);

	if (!f)
		return NULL;
	for (; table && table->word; table++) {
		if (table->refuse)
			continue;
		fprintf(f, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", table->word);
		i++;
	}
	if (may_end)
		fprintf(f, "%send of line", i ? " or " : "");
	fclose(f);
	return buf;
}

static bool may_end(const struct node *at, bool no)
{
	return at && (no ? at->undo : at->run);
}

/* ---- arguments ---- */

static sa_family_t kind_family(enum arg_kind kind)
{
	switch (kind) {
	case ARG_IPV4:
	case ARG_PREFIX4:
		return AF_INET;
	case ARG_IPV6:
	case ARG_PREFIX6:
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

static bool kind_is_address(enum arg_kind kind)
{
	return kind == ARG_IPV4 || kind == ARG_IPV6 || kind == ARG_ADDR;
}

static bool kind_is_prefix(enum arg_kind kind)
{
	return kind == ARG_PREFIX4 || kind == ARG_PREFIX6 || kind == ARG_PREFIX;
}

/* Which of several arguments a word is meant to be; is it right, is asked later. */
bool grammar_shape_fits(const struct node *n, const struct word *w)
{
	bool digits = true;

	if (kind_is_prefix(n->kind))
		return memchr(w->s, '/', w->len);
	if (kind_is_address(n->kind))
		return !memchr(w->s, '/', w->len) &&
		       (memchr(w->s, '.', w->len) || memchr(w->s, ':', w->len));
	if (n->kind != ARG_NUMBER)
		return true;
	for (unsigned i = 0; i < w->len; i++)
		digits &= w->s[i] >= '0' && w->s[i] <= '9';
	return digits;
}

static const struct node *choose(const struct node *table, const struct word *w)
{
	for (const struct node *n = table; n && n->word; n++)
		if (n->kind == ARG_KEYWORD && word_is(w, n->word))
			return n;
	for (const struct node *n = table; n && n->word; n++)
		if (n->kind != ARG_KEYWORD && grammar_shape_fits(n, w))
			return n;
	/* A lone argument is what is meant: its own message says more than "unknown". */
	if (table && table->word && table->kind != ARG_KEYWORD && !table[1].word)
		return table;
	return NULL;
}

static bool read_number(const struct node *n, const struct word *w, struct arg *a, char **text)
{
	const char *unit = n->unit && *n->unit ? " " : "", *u = n->unit ? n->unit : "";

	a->num = 0;
	for (unsigned i = 0; i < w->len; i++) {
		if (w->s[i] < '0' || w->s[i] > '9') {
			*text = conf_text("%s %.*s is not a number (%u..%u%s%s)", n->what,
					  (int)w->len, w->s, n->min, n->max, unit, u);
			return false;
		}
		if (a->num <= UINT32_MAX)
			a->num = a->num * 10 + (uint64_t)(w->s[i] - '0');
	}
	if (a->num >= n->min && a->num <= n->max)
		return true;
	*text = conf_text("%s %.*s is %s %u (%u..%u%s%s)", n->what, (int)w->len, w->s,
			  a->num < n->min ? "below" : "above", a->num < n->min ? n->min : n->max,
			  n->min, n->max, unit, u);
	return false;
}

static const char *family_name(sa_family_t family)
{
	return family == AF_INET ? "IPv4" : family == AF_INET6 ? "IPv6" : "IP";
}

static bool read_addr(const struct node *n, const struct word *w, struct arg *a, char **text)
{
	sa_family_t want = kind_family(n->kind);
	char buf[ADDR_WORD_MAX];

	if (!word_copy(w, buf, sizeof(buf)) || addr_parse(buf, &a->addr) ||
	    (want != AF_UNSPEC && a->addr.family != want)) {
		*text = conf_text("%.*s is not an %s address", (int)w->len, w->s,
				  family_name(want));
		return false;
	}
	a->prefix = prefix_host(&a->addr);
	return true;
}

/* "10.1.1.0/24" for 10.1.1.7/24, as a hint. */
static char *masked_hint(char *buf)
{
	char *slash = strchr(buf, '/'), out[PREFIX_STRLEN];
	struct prefix p;
	unsigned len;

	if (!slash)
		return NULL;
	*slash = '\0';
	len = (unsigned)strtoul(slash + 1, NULL, 10);
	if (addr_parse(buf, &p.addr) || len > 8 * addr_len(&p.addr))
		return NULL;
	for (unsigned i = 0; i < addr_len(&p.addr); i++) {
		unsigned keep = len <= 8 * i ? 0 : len - 8 * i >= 8 ? 8 : len - 8 * i;

		p.addr.bytes[i] &= (uint8_t)(0xff00u >> keep);
	}
	p.len = (uint8_t)len;
	return conf_text("the network is %s", prefix_print(&p, out, sizeof(out)));
}

static bool read_prefix(const struct node *n, const struct word *w, struct arg *a,
			struct mismatch *why)
{
	sa_family_t want = kind_family(n->kind);
	char buf[ADDR_WORD_MAX];
	int err = word_copy(w, buf, sizeof(buf)) ? prefix_parse(buf, &a->prefix) : -EINVAL;

	if (err == -ERANGE) {
		why->text = conf_text("%s has bits beyond its prefix length", buf);
		why->hint = masked_hint(buf);
		return false;
	}
	if (err || (want != AF_UNSPEC && a->prefix.addr.family != want)) {
		why->text =
			conf_text("%.*s is not an %s prefix", (int)w->len, w->s, family_name(want));
		return false;
	}
	a->addr = a->prefix.addr;
	a->is_prefix = true;
	return true;
}

static bool read_name(const struct word *w, char **text)
{
	if (w->len <= CONF_NAME_MAX)
		return true;
	*text = conf_text("a name of %u bytes is too long (1..%u)", w->len, CONF_NAME_MAX);
	return false;
}

static bool read_arg(const struct node *n, const struct word *w, struct arg *a,
		     struct mismatch *why)
{
	a->w = w;
	switch (n->kind) {
	case ARG_NUMBER:
		return read_number(n, w, a, &why->text);
	case ARG_NAME:
		return read_name(w, &why->text);
	case ARG_IPV4:
	case ARG_IPV6:
	case ARG_ADDR:
		return read_addr(n, w, a, &why->text);
	case ARG_PREFIX4:
	case ARG_PREFIX6:
	case ARG_PREFIX:
		return read_prefix(n, w, a, why);
	default:
		return true;
	}
}

/* ---- the walk ---- */

struct walk {
	const struct line *ln;
	struct cmd *cmd;
	struct mismatch *why;
	const struct node *at;	  /* matched last */
	const struct node *table; /* of what may follow */
	unsigned i;
	unsigned run; /* how often `at` stood in a row, for repeat */
	bool secret;  /* a secret was read: later words may be its rest */
};

static bool fail(struct walk *k, char *text, char *hint)
{
	k->why->depth = k->i - k->cmd->first;
	k->why->pos = conf_pos_word(k->ln, &k->ln->w[k->i]);
	k->why->text = text;
	k->why->hint = hint;
	return false;
}

static char *valid_hint(const struct walk *k)
{
	char *words = grammar_next_words(k->table, may_end(k->at, k->cmd->no));
	char *hint = words && *words ? conf_text("valid here: %s", words) : NULL;

	free(words);
	return hint;
}

static bool fail_unknown(struct walk *k)
{
	const struct word *w = &k->ln->w[k->i];

	if (k->at && k->at->repeat && k->run == k->at->repeat)
		return fail(k,
			    conf_text("at most %u of %s are possible", k->at->repeat, k->at->word),
			    NULL);
	if (k->secret)
		return fail(k, conf_text("a word after the key that is not expected"),
			    valid_hint(k));
	return fail(k, conf_text("unknown word %.*s", (int)w->len, w->s), valid_hint(k));
}

static char *next_hint(const struct walk *k)
{
	char *words = grammar_next_words(k->table, false);
	char *hint = words ? conf_text("next: %s", words) : NULL;

	free(words);
	return hint;
}

static bool fail_incomplete(struct walk *k)
{
	k->i = k->ln->n - 1;
	if (k->cmd->no && may_end(k->at, false))
		fail(k, conf_text("this line cannot be taken back with `%s`",
				  k->cmd->to_default ? "default" : "no"), NULL);
	else
		fail(k, conf_text("the command is incomplete"), next_hint(k));
	k->why->depth++;
	return false;
}

/* What has a mode of its own is made and taken away; only settings have a default. */
static bool fail_no_default(struct walk *k)
{
	k->i = 0;
	fail(k, conf_text("`default` brings a setting back, and this is none"),
	     conf_text("`no` takes it away, with all that stands below it"));
	k->why->refused = true;
	return false;
}

static bool fail_refused(struct walk *k, const struct node *n)
{
	fail(k, conf_text("%s", n->refuse), n->hint ? conf_text("%s", n->hint) : NULL);
	k->why->depth++;
	k->why->refused = true;
	return false;
}

/* Right kind of word, wrong value: closer to what was meant than an unknown word. */
static bool fail_argument(struct walk *k, const struct node *n)
{
	if (n->enters)
		k->cmd->enters = n->enters;
	fail(k, k->why->text, k->why->hint);
	k->why->depth++;
	return false;
}

static void take(struct walk *k, const struct node *n)
{
	struct cmd *cmd = k->cmd;

	if (n->repeat)
		cmd->list[cmd->n_list++] = &k->ln->w[k->i];
	cmd->path[k->i] = n;
	cmd->flags |= n->flag;
	if (n->enters)
		cmd->enters = n->enters;
	k->secret |= n->kind == ARG_SECRET;
	k->run = n == k->at ? k->run + 1 : 1;
	k->at = n;
	k->table = n->next;
	k->i++;
}

/* A repeated node may be followed by itself; what follows it comes from its own table. */
static const struct node *step(struct walk *k)
{
	if (k->at && k->at->repeat && k->run < k->at->repeat)
		return k->at;
	return choose(k->table, &k->ln->w[k->i]);
}

bool grammar_match(const struct node *table, const struct line *ln, struct cmd *cmd,
		   struct mismatch *why)
{
	struct walk k = {.ln = ln, .cmd = cmd, .why = why, .table = table};
	const struct node *n;

	*cmd = (struct cmd){.line = ln};
	*why = (struct mismatch){0};
	cmd->to_default = word_is(&ln->w[0], "default");
	cmd->no = cmd->to_default || word_is(&ln->w[0], "no");
	cmd->first = k.i = cmd->no && ln->n > 1;
	while (k.i < ln->n) {
		if (k.at && k.at->kind == ARG_REST)
			break;
		n = step(&k);
		if (!n)
			return fail_unknown(&k);
		if (n->refuse)
			return fail_refused(&k, n);
		if (!read_arg(n, &ln->w[k.i], &cmd->arg[n->slot], why))
			return fail_argument(&k, n);
		take(&k, n);
	}
	if (cmd->to_default && cmd->enters)
		return fail_no_default(&k);
	cmd->fn = k.at ? (cmd->no ? k.at->undo : k.at->run) : NULL;
	return cmd->fn ? true : fail_incomplete(&k);
}
