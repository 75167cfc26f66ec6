// SPDX-License-Identifier: GPL-2.0-or-later
/* The lines of the access lists in force, and what is said of those that do nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/spd/compile.h"

void *spd_grow(struct builder *b, void **array, unsigned n, unsigned *room, size_t size)
{
	unsigned more = *room ? *room * 2 : 32;
	void *at = *array;

	if (b->failed)
		return NULL;
	if (n == *room) {
		at = reallocarray(*array, more, size);
		if (!at) {
			b->failed = true;
			return NULL;
		}
		*array = at;
		*room = more;
	}
	return (char *)at + n * size;
}

static struct spd_note *add_note(struct builder *b, const struct conf_pos *pos,
				 const struct conf_pos *other)
{
	struct spd_note *n = spd_grow(b, (void **)&b->s->notes, b->s->n_notes, &b->room_notes,
				  sizeof(*n));

	if (!n)
		return NULL;
	*n = (struct spd_note){ .pos = *pos, .other = *other };
	b->s->n_notes++;
	return n;
}

void spd_note_taken(struct builder *b, const struct use *u, const struct use *by)
{
	char sel[SELECTOR_STRLEN];
	struct spd_note *n = add_note(b, &u->acl->pos, &by->acl->pos);

	if (!n)
		return;
	selector_print(&u->acl->sel, sel, sizeof(sel));
	if (u == by)
		snprintf(n->text, sizeof(n->text),
			 "line %u, %s, protects nothing: both ends are its own network",
			 u->acl->pos.line, sel);
	else
		snprintf(n->text, sizeof(n->text),
			 "line %u (%s %u), %s, is never used: line %u (%s %u) says the same earlier",
			 u->acl->pos.line, u->entry->map->name, u->entry->seq, sel,
			 by->acl->pos.line, by->entry->map->name, by->entry->seq);
}

static struct spd_line *new_line(struct builder *b, const struct use *u, unsigned no)
{
	const struct map_entry *e = u->entry;
	struct spd_line *line = calloc(1, sizeof(*line));
	struct spd_note *n;

	if (!line) {
		b->failed = true;
		return NULL;
	}
	strcpy(line->map, e->map->name);
	line->seq = e->seq;
	line->no = no;
	line->sel = u->acl->sel;
	line->entry = e;
	line->kind = spd_entry_kind(e);
	line->reqid = b->env->reqid_for(b->env->ctx, e->map->name, e->seq, &line->sel);
	if (!line->reqid) {
		line->blocked = true;
		n = add_note(b, &u->acl->pos, &e->pos);
		if (n)
			snprintf(n->text, sizeof(n->text),
				 "all reqids are used up: the line blocks until the agent is restarted");
	}
	return line;
}

/* Returns the number of its last permit. */
static unsigned add_lines(struct builder *b, const struct map_entry *e, const struct acl *acl,
			  unsigned entry_no, bool blocked, unsigned no)
{
	for (unsigned i = 0; acl && i < acl->n_lines && !b->failed; i++) {
		struct use *u = &b->uses[b->n_uses++];

		*u = (struct use){ .acl = &acl->lines[i], .entry = e, .entry_no = entry_no };
		if (u->acl->permit)
			u->line = new_line(b, u, ++no);
		if (u->line)
			u->line->blocked |= blocked;
	}
	return no;
}

/* ---- dynamic entries (§4.2) ---- */

static void add_branch(struct builder *b, const struct spd_branch *br, unsigned entry_no)
{
	struct use *u = &b->uses[b->n_uses++];

	*u = (struct use){
		.acl = &br->acl, .entry = br->entry, .entry_no = entry_no, .branch = br };
	u->line = spd_branch_line(br);
	b->failed |= !u->line;
}

static bool has_block(const struct selector *sel, const struct selector *want)
{
	struct selector_blocks x = selector_blocks(sel);
	struct selector block;

	if (!selector_contains(sel, want))
		return false;
	while (selector_next_block(&x, &block))
		if (selector_equal(&block, want))
			return true;
	return false;
}

/* @from..: of the branches of the entry, whose templates follow. */
static void match_branches(struct builder *b, unsigned from, unsigned templates)
{
	for (unsigned i = templates; i < b->n_uses; i++)
		for (unsigned k = from; b->uses[i].acl->permit && k < templates; k++) {
			struct use *t = &b->uses[i], *br = &b->uses[k];

			if (br->branch_here || !has_block(&t->acl->sel, &br->acl->sel))
				continue;
			br->branch_here = t;
			t->has_branches = true;
		}
}

struct use *spd_branch_with(const struct builder *b, const struct use *u,
			    const struct selector *block)
{
	for (struct use *v = b->uses; u->has_branches && v < u; v++)
		if (v->branch_here == u && selector_equal(&v->acl->sel, block))
			return v;
	return NULL;
}

/* The place of its branches, those, and what the templates block: returns the next number. */
static unsigned add_dynamic(struct builder *b, const struct map_entry *e, unsigned entry_no)
{
	static const struct acl_line nothing;
	unsigned from, no = 0, templates;

	b->uses[b->n_uses++] = (struct use){
		.acl = &nothing, .entry = e, .entry_no = entry_no++, .slot = true };
	from = b->n_uses;
	for (unsigned i = 0; i < b->env->n_branches && !b->failed; i++)
		if (b->env->branches[i].of == e)
			add_branch(b, &b->env->branches[i], entry_no++);
	templates = b->n_uses;
	for (unsigned i = 0; i < e->dynamic->n_entries && !b->failed; i++)
		no = add_lines(b, e, e->dynamic->entries[i]->acl, entry_no++, true, no);
	if (!b->failed)
		match_branches(b, from, templates);
	return entry_no;
}

static unsigned add_entry(struct builder *b, const struct config *c, const struct map_entry *e,
			  unsigned entry_no)
{
	if (e->dynamic)
		return add_dynamic(b, e, entry_no);
	add_lines(b, e, e->acl, entry_no, conf_entry_incomplete(c, e), 0);
	return entry_no + 1;
}

/* A map that stands on no interface is not in force. */
static bool is_active(const struct map_entry *e)
{
	return (e->acl || e->dynamic) && e->map->n_interfaces;
}

static unsigned count_entry(const struct map_entry *e)
{
	unsigned n = e->dynamic ? 1 : 0;

	for (unsigned i = 0; e->dynamic && i < e->dynamic->n_entries; i++)
		n += e->dynamic->entries[i]->acl ? e->dynamic->entries[i]->acl->n_lines : 0;
	return n + (e->acl ? e->acl->n_lines : 0);
}

static unsigned count_uses(const struct config *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_maps; i++) {
		for (unsigned j = 0; j < c->maps[i]->n_entries; j++) {
			const struct map_entry *e = c->maps[i]->entries[j];

			n += is_active(e) ? count_entry(e) : 0;
		}
	}
	return n;
}

/* Policies belong to the namespace: several maps are one list, in the order of the file. */
void spd_collect_uses(struct builder *b, const struct config *c)
{
	unsigned n = count_uses(c) + b->env->n_branches;
	unsigned entry_no = 0;

	b->uses = calloc(n + 1, sizeof(*b->uses));
	b->s->lines = calloc(n + 1, sizeof(*b->s->lines));
	b->s->slots = calloc(n + 1, sizeof(*b->s->slots));
	b->failed = !b->uses || !b->s->lines || !b->s->slots;
	for (unsigned i = 0; i < c->n_maps && !b->failed; i++) {
		for (unsigned j = 0; j < c->maps[i]->n_entries; j++) {
			if (is_active(c->maps[i]->entries[j]))
				entry_no = add_entry(b, c, c->maps[i]->entries[j], entry_no);
		}
	}
}
