// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changing the configuration that is in force, by lines as one types them. The
 * running configuration prints to a text that parses back to itself, so it and the
 * lines are read as one file: `no`, order, references and checks of the whole mean
 * the same to who types as to who edits the file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/conf/parser.h"

#define CLOSE_MODES "end\n"

static bool is_hidden(const struct psk_secret *k)
{
	return k->bytes && !k->path && !k->sealed && k->len == strlen(CONF_HIDDEN) &&
	       !memcmp(k->bytes, CONF_HIDDEN, k->len);
}

static bool is_same_peer(const struct psk *a, const struct psk *b)
{
	if (strcmp(a->keyring, b->keyring) || strcmp(a->name, b->name) || !a->host != !b->host)
		return false;
	if (a->host)
		return !strcasecmp(a->host, b->host);
	return *a->keyring || prefix_equal(&a->peer, &b->peer);
}

static const struct psk *same_key(const struct config *c, const struct psk *k)
{
	for (unsigned i = 0; c && i < c->n_psks; i++)
		if (is_same_peer(&c->psks[i], k))
			return &c->psks[i];
	return NULL;
}

static bool take_over(struct psk_secret *k, const struct psk_secret *old, struct conf_pos pos,
		      struct conf_diags *diags)
{
	bool there = old && old->bytes && !old->path && !old->sealed;
	uint8_t *copy;

	if (!is_hidden(k))
		return true;
	copy = there ? malloc(old->len) : NULL;
	if (!copy) {
		conf_diag(diags, CONF_ERROR, pos,
			  conf_text(CONF_HIDDEN " stands for a key that is in force, and there is none"),
			  conf_text("write the key itself"));
		return false;
	}
	memcpy(copy, old->bytes, old->len);
	conf_secret_wipe(k);
	k->bytes = copy;
	k->len = old->len;
	return true;
}

static bool take_enable(struct config *c, const struct config *present, struct conf_diags *diags)
{
	if (strcmp(c->enable_secret, CONF_HIDDEN))
		return true;
	if (present && *present->enable_secret) {
		strcpy(c->enable_secret, present->enable_secret);
		return true;
	}
	conf_diag(diags, CONF_ERROR, c->enable_pos,
		  conf_text(CONF_HIDDEN " stands for a secret that is in force, and there is none"),
		  NULL);
	return false;
}

bool config_known_secrets(struct config *c, const struct config *present, struct conf_diags *diags)
{
	bool known = take_enable(c, present, diags);

	for (unsigned i = 0; i < c->n_psks; i++) {
		struct psk *k = &c->psks[i];
		const struct psk *old = same_key(present, k);

		known &= take_over(&k->key, old ? &old->key : NULL, k->pos, diags);
		known &= take_over(&k->theirs, old ? &old->theirs : NULL, k->pos, diags);
		known &= take_over(&k->next, old ? &old->next : NULL, k->pos, diags);
	}
	for (unsigned i = 0; i < c->n_radius; i++)
		known &= conf_radius_known(c->radius[i], present, diags);
	for (unsigned i = 0; i < c->n_maps; i++)
		for (unsigned k = 0; k < c->maps[i]->n_entries; k++)
			if (c->maps[i]->entries[k]->manual)
				known &= conf_manual_known(c->maps[i]->entries[k], present, diags);
	return known;
}

struct config *config_replacement(const struct config *present, const char *text, size_t len,
				  struct conf_diags *diags)
{
	struct config *c = config_parse(present->path, text, len, diags);

	if (!c || config_known_secrets(c, present, diags))
		return c;
	config_free(c);
	return NULL;
}

/* ---- present text and typed lines, one below the other ---- */

struct edit {
	struct conf_text base, shown; /* the same lines, with keys and without */
	unsigned n_base;	      /* lines, and the one that closes the modes */
	char *whole;
	size_t len;
	struct conf_diags before; /* what there was to be said without the typed lines */
};

static unsigned count_lines(const char *s, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += s[i] == '\n';
	return n;
}

static int edit_open(struct edit *e, const struct config *present, const char *typed, size_t len)
{
	const size_t close = strlen(CLOSE_MODES);
	int err = config_text(present, true, &e->base);

	if (!err)
		err = config_text(present, false, &e->shown);
	if (err)
		return err;
	e->len = e->base.len + close + len;
	e->whole = malloc(e->len + 1);
	if (!e->whole)
		return -ENOMEM;
	memcpy(e->whole, e->base.s, e->base.len);
	memcpy(e->whole + e->base.len, CLOSE_MODES, close);
	memcpy(e->whole + e->base.len + close, typed, len);
	e->whole[e->len] = '\0';
	e->n_base = count_lines(e->base.s, e->base.len) + 1;
	config_free(config_parse(present->path, e->base.s, e->base.len, &e->before));
	return 0;
}

static void edit_close(struct edit *e)
{
	conf_text_free(e->base.s);
	conf_text_free(e->shown.s);
	if (e->whole)
		explicit_bzero(e->whole, e->len);
	free(e->whole);
	conf_diags_free(&e->before);
}

/* Both lists are in the order of lines: *at goes through the older one once. */
static bool was_said(const struct conf_diags *before, unsigned *at, const struct conf_diag *g)
{
	while (*at < before->n && before->list[*at].pos.line < g->pos.line)
		++*at;
	for (unsigned i = *at; i < before->n && before->list[i].pos.line == g->pos.line; i++)
		if (!strcmp(before->list[i].text, g->text))
			return true;
	return false;
}

static const char *line_at(const char *s, unsigned number, int *len)
{
	while (--number && (s = strchr(s, '\n')))
		s++;
	*len = s ? (int)strcspn(s, "\n") : 0;
	return s ? s : "";
}

/* "…: ` match address 101` of the running configuration" */
static void name_line(const struct edit *e, struct conf_diag *g)
{
	int len;
	const char *line = line_at(e->shown.s, g->pos.line, &len);
	char *text;

	while (len && *line == ' ')
		line++, len--;
	text = len ? conf_text("%s: `%.*s` of the running configuration", g->text, len, line) : NULL;
	if (text) {
		free(g->text);
		g->text = text;
	}
}

/* "line 14" of a sentence is a place in the text that was made here: nobody has it before him. */
static void renumber(const struct edit *e, char *text)
{
	static const char word[] = "line ";
	unsigned long number;
	char *at, *end;

	for (at = text; at && (at = strstr(at, word)); at = end) {
		number = strtoul(at + strlen(word), &end, 10);
		if (end == at + strlen(word))
			continue;
		if (number > e->n_base) {
			/* Never longer than what it replaces. */
			char rest[512];

			snprintf(rest, sizeof(rest), "%s", end);
			sprintf(at + strlen(word), "%lu%s", number - e->n_base, rest);
		} else if (at > text + 1 && at[-1] == '(' && *end == ')' && at[-2] == ' ') {
			memmove(at - 2, end + 1, strlen(end + 1) + 1);
			end = at - 2;
		}
	}
}

/* What concerns the typed lines, at their places; of the others errors, and news. */
static void concern_typed(const struct edit *e, struct conf_diags *d)
{
	unsigned n = 0, at = 0;

	for (unsigned i = 0; i < d->n; i++) {
		struct conf_diag *g = &d->list[i];

		if (g->severity == CONF_ERROR || g->pos.line > e->n_base) {
			renumber(e, g->text);
			renumber(e, g->hint);
		}
		if (g->pos.line > e->n_base) {
			g->pos.line -= e->n_base;
		} else if (g->severity != CONF_ERROR && was_said(&e->before, &at, g)) {
			d->n_warnings -= g->severity == CONF_WARNING;
			free(g->text);
			free(g->hint);
			continue;
		} else if (g->pos.line) {
			if (g->severity == CONF_ERROR)
				name_line(e, g);
			g->pos = (struct conf_pos){ 0 };
		}
		d->list[n++] = *g;
	}
	d->n = n;
}

/* Dropped when typed, kept when it was there and the global value became equal (§2.2). */
static void keep_idle(struct config *c, unsigned n_base)
{
	for (unsigned i = 0; i < c->n_maps + c->n_dynamics; i++) {
		struct map *m = i < c->n_maps ? c->maps[i] : c->dynamics[i - c->n_maps];

		for (unsigned k = 0; k < m->n_entries; k++)
			m->entries[k]->idle.kept = m->entries[k]->idle.pos.line <= n_base;
	}
}

void config_keep_idle(struct config *c, const struct config *like)
{
	for (unsigned i = 0; i < c->n_maps; i++) {
		for (unsigned k = 0; k < c->maps[i]->n_entries; k++) {
			struct map_entry *e = c->maps[i]->entries[k];
			const struct map_entry *o = conf_find_entry(like, e->map->name, e->seq);

			e->idle.kept = o && o->idle.kept;
		}
	}
}

struct config *config_edit(const struct config *present, const char *typed, size_t len,
			   struct conf_diags *diags)
{
	struct edit e = { 0 };
	struct config *c = NULL;

	*diags = (struct conf_diags){ 0 };
	if (edit_open(&e, present, typed, len)) {
		conf_diag(diags, CONF_ERROR, (struct conf_pos){ 0 }, conf_text("out of memory"), NULL);
		edit_close(&e);
		return NULL;
	}
	c = config_parse(present->path, e.whole, e.len, diags);
	if (c) {
		keep_idle(c, e.n_base);
		if (!config_known_secrets(c, present, diags)) {
			config_free(c);
			c = NULL;
		}
	}
	concern_typed(&e, diags);
	edit_close(&e);
	return c;
}
