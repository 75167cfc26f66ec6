/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing an entry in use (semantics.md §4.8, last rows of §10), and the world
 * of the core itself. Only the removal of P[c], of a line or of the entry tears
 * SAs down; c and a running walk name peers, not indexes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "prefpeerd/entry/core.h"
#include "prefpeerd/entry/mem.h"

static int id_cmp(const void *key, const void *entry)
{
	uint32_t id = *(const uint32_t *)key, other = (*(struct core_entry *const *)entry)->id;

	return (id > other) - (id < other);
}

/* They are in the order in which they were made, and so in that of their ids. */
struct core_entry *core_entry(const struct core *c, uint32_t id)
{
	struct core_entry **at =
		c->n_entries ?
			bsearch(&id, c->entries, c->n_entries, sizeof(*c->entries), id_cmp) :
			NULL;

	return at ? *at : NULL;
}

struct core_entry *core_entry_new(struct core *c)
{
	struct core_entry *e = mem_zero(1, sizeof(*e));

	MEM_ROOM(c->entries, c->n_entries, c->cap_entries);
	c->entries[c->n_entries++] = e;
	e->id = ++c->last_entry;
	return e;
}

static void entry_free(struct core_entry *e)
{
	free(e->peers);
	free(e->lines);
	free(e->children);
	free(e->walk);
	free(e);
}

void core_fini(struct core *c)
{
	for (unsigned i = 0; i < c->n_entries; i++)
		entry_free(c->entries[i]);
	free(c->entries);
	free(c->conns);
	*c = (struct core){0};
}

static struct core_entry *entry_copy(const struct core_entry *from)
{
	struct core_entry *e = mem_copy(from, 1, sizeof(*from));

	e->peers = mem_copy(from->peers, from->n_peers, sizeof(*from->peers));
	e->lines = mem_copy(from->lines, from->n_lines, sizeof(*from->lines));
	e->children = mem_copy(from->children, from->n_children, sizeof(*from->children));
	e->cap_children = from->n_children;
	e->walk = mem_copy(from->walk, from->n_walk, sizeof(*from->walk));
	return e;
}

void core_copy(struct core *to, const struct core *from)
{
	*to = *from;
	to->entries = mem_resize(NULL, from->n_entries, sizeof(*to->entries));
	to->cap_entries = from->n_entries;
	for (unsigned i = 0; i < from->n_entries; i++)
		to->entries[i] = entry_copy(from->entries[i]);
	to->conns = mem_copy(from->conns, from->n_conns, sizeof(*to->conns));
	to->cap_conns = from->n_conns;
}

static void give_keys(struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_peers; i++)
		if (!e->peers[i].key)
			e->peers[i].key = ++e->last_key;
}

void core_entry_init(struct run *r, struct core_entry *e, const struct core_peer *peers,
		     unsigned n_peers, const struct core_line *lines, unsigned n_lines)
{
	e->peers = mem_copy(peers, n_peers, sizeof(*peers));
	e->n_peers = n_peers;
	e->lines = mem_copy(lines, n_lines, sizeof(*lines));
	e->n_lines = n_lines;
	give_keys(e);
	e->c = n_peers ? e->peers[0].key : 0;
	e->shown = e->c;
	e->since = r->env->now;
	e->why.reason = REASON_START;
	lookup_fixed(r, e);
	entry_point(r, e);
}

static const struct core_line *find_line(const struct core_line *lines, unsigned n, uint32_t reqid)
{
	for (unsigned i = 0; i < n; i++)
		if (lines[i].reqid == reqid)
			return &lines[i];
	return NULL;
}

/* All that a line holds, when it goes or becomes `block`. */
static void line_remove(struct run *r, struct core_entry *e, struct core_line *l)
{
	if (e->at.kind && e->at.reqid == l->reqid)
		attempt_abandon(r, e);
	line_reset(r, e, l);
	for (unsigned i = e->n_children; i-- > 0;)
		if (e->children[i].reqid == l->reqid)
			core_child_end(r, e, e->children[i].id, CLOSE_DELETE);
	if (l->larval) {
		struct core_action *a = emit(r, ACT_LARVAL_KILL, e);

		a->reqid = l->reqid;
		a->local = l->larval_src;
		a->peer = l->larval_dst;
	}
	l->larval = l->want = false;
}

static struct core_line keep_line(const struct core_line *old, const struct core_line *new)
{
	struct core_line l = *old;

	l.no = new->no;
	l.order = new->order;
	l.sel = new->sel;
	l.blocked = new->blocked;
	l.per_host = new->per_host;
	if (addr_is_set(&new->peer)) {
		l.local = new->local;
		l.peer = new->peer;
	}
	return l;
}

/* True when something of the entry went. A line that goes alone is told of. */
static bool edit_lines(struct run *r, struct core_entry *e, const struct core_line *lines,
		       unsigned n)
{
	const struct cause why = {.reason = REASON_CONFIG};
	struct core_line *list = mem_copy(lines, n, sizeof(*lines));
	bool removed = false;

	for (unsigned i = 0; i < e->n_lines; i++) {
		const struct core_line *new = find_line(lines, n, e->lines[i].reqid);

		if (new && (!new->blocked || e->lines[i].blocked))
			continue;
		if (!new && n && line_covering(e, &e->lines[i], NULL))
			entry_note(r, e, NTF_LINE, e->lines[i].no, e->c, &why);
		line_remove(r, e, &e->lines[i]);
		removed = true;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct core_line *old = core_line(e, list[i].reqid);

		if (old)
			list[i] = keep_line(old, &lines[i]);
	}
	free(e->lines);
	e->lines = list;
	e->n_lines = n;
	return removed;
}

static void edit_peers(struct core_entry *e, const struct core_peer *peers, unsigned n)
{
	struct core_peer *list = mem_copy(peers, n, sizeof(*peers));

	for (unsigned i = 0; i < n; i++) {
		const struct core_peer *old = peer_find(e, list[i].key);

		if (!old)
			continue;
		list[i] = *old;
		list[i].addr = peers[i].addr;
		list[i].remote = peers[i].remote;
		list[i].is_default = peers[i].is_default;
		list[i].retry_ms = peers[i].retry_ms;
		list[i].interval_ms = peers[i].interval_ms;
		list[i].dynamic = peers[i].dynamic;
		/* Entered anew (§1.2): what it is from now on is asked for, and then stays. */
		if (old->dynamic && !peers[i].dynamic && old->name == NAME_KNOWN)
			list[i].name = NAME_UNKNOWN;
	}
	free(e->peers);
	e->peers = list;
	e->n_peers = n;
	give_keys(e);
}

/* P[c] went or came, or every line went with the interface: to the first of the list. */
static void current_changed(struct run *r, struct core_entry *e, const struct cause *why)
{
	const struct cause changed = {.reason = REASON_CONFIG,
				      .text = e->c ? NULL : "added to the configuration"};
	bool walk_goes_on = e->state == ENTRY_WALK && e->n_lines;
	peer_key was = e->c;

	e->c = e->n_peers ? e->peers[0].key : 0;
	if (e->state == ENTRY_DOWN)
		entry_set_next(r, e, NEXT_SAME, why);
	else if (!walk_goes_on)
		entry_down(r, e, NEXT_SAME, CLOSE_DELETE, why);
	if (e->c == was)
		return;
	entry_note(r, e, NTF_PEER, 0, e->c, &changed);
	r->out->list[r->out->n - 1].note.from_peer = was;
}

/* Lines went from under a walk or a connection. */
static void after_lines(struct run *r, struct core_entry *e, const struct cause *why)
{
	bool bare = !entry_live(e) && !entry_in_setup(e);

	/* Childless already: its 30 s run on, whatever line went. */
	if (e->state == ENTRY_UP && bare && !mono_is_set(e->childless_at))
		entry_down(r, e, NEXT_SAME, CLOSE_DELETE, why);
	else if (e->state == ENTRY_WALK && !entry_wanted(e))
		entry_down(r, e, e->next, CLOSE_DELETE, why);
	else if (e->state == ENTRY_WALK && !e->at.kind)
		walk_again(r, e, "begun again for another line, the first is removed");
}

static const char *what_went(const struct core_line *lines, unsigned n, char *buf, size_t size)
{
	if (!n)
		return "no line is left: access list empty, or its map on no interface";
	if (!lines[0].blocked)
		return "its lines were removed from the configuration";
	snprintf(buf, size, "incomplete now, its lines block: %s", lines[0].blocked);
	return buf;
}

void core_edit(struct run *r, struct core_entry *e, const struct core_peer *peers, unsigned n_peers,
	       const struct core_line *lines, unsigned n_lines)
{
	char text[CORE_TEXT_MAX];
	const struct cause gone = {.reason = REASON_CONFIG,
				   .text = what_went(lines, n_lines, text, sizeof(text))};
	const struct cause current = {.reason = REASON_CONFIG,
				      .text = n_lines && !lines[0].blocked ?
						      "current peer removed from the configuration" :
						      gone.text};
	const struct cause tried = {.reason = REASON_CONFIG,
				    .text = "peer removed from the configuration"};
	bool removed = edit_lines(r, e, lines, n_lines);
	bool bare = removed && !n_lines;

	edit_peers(e, peers, n_peers);
	lookup_fixed(r, e);
	if (e->next == NEXT_HOME && !entry_has_default(e))
		e->next = NEXT_SAME;
	if (!peer_find(e, e->c) || bare)
		current_changed(r, e, &current);
	if (e->state == ENTRY_WALK && !peer_find(e, walk_peer(e)))
		walk_step_failed(r, e, &tried);
	if (removed)
		after_lines(r, e, &gone);
	if (e->state != ENTRY_WALK)
		entry_point(r, e);
	entry_watch_childless(r, e);
	core_settle(r);
}

void core_remove(struct run *r, struct core_entry *e)
{
	const struct cause why = {.reason = REASON_CONFIG,
				  .text = "entry removed from the configuration",
				  .final = true};

	inbound_release(r, e, "refused, the entry is removed");
	entry_end_accepted(r, e);
	if (e->state != ENTRY_DOWN)
		entry_down(r, e, NEXT_SAME, CLOSE_DELETE, &why);
	for (unsigned i = 0; i < e->n_lines; i++)
		line_remove(r, e, &e->lines[i]);
	/* Of a DOWN entry: every other state dropped them on its way there. */
	if (e->orphans)
		emit(r, ACT_ORPHANS_ALL, e);
	e->orphans = false;
	core_settle(r);
}

void core_drop(struct core *c, struct core_entry *e)
{
	for (unsigned i = 0; i < c->n_entries; i++)
		if (c->entries[i] == e) {
			memmove(&c->entries[i], &c->entries[i + 1],
				(--c->n_entries - i) * sizeof(*c->entries));
			break;
		}
	entry_free(e);
}
