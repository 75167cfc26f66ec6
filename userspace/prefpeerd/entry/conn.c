/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of IKE SAs and their set-ups, shared by the entries (semantics.md
 * §10, "Shared IKE SA"). An entry uses one while UP on it, or while a step of its
 * walk opened, joined or asks it. Nobody owns one: it is closed when the last
 * user and the last child are gone, which is how a set-up is taken over.
 */
#include "prefpeerd/entry/core.h"
#include "prefpeerd/entry/mem.h"

static int by_id(const void *key, const void *conn)
{
	conn_id id = *(const conn_id *)key, other = ((const struct core_conn *)conn)->id;

	return (id > other) - (id < other);
}

/* They are in the order in which they were made, and so in that of their ids. */
struct core_conn *core_conn(const struct core *c, conn_id id)
{
	return id && c->n_conns ? bsearch(&id, c->conns, c->n_conns, sizeof(*c->conns), by_id) :
				  NULL;
}

struct core_conn *conn_new(struct core *c, remote_id remote, const struct addr *local,
			   const struct addr *peer)
{
	MEM_ROOM(c->conns, c->n_conns, c->cap_conns);
	c->conns[c->n_conns] = (struct core_conn){
		.id = ++c->last_conn, .remote = remote, .local = *local, .peer = *peer};
	return &c->conns[c->n_conns++];
}

/* Same peer, local address and profile, and not on its way out. */
struct core_conn *conn_find(const struct core *c, remote_id remote, const struct addr *local,
			    const struct addr *peer)
{
	struct core_conn *found = NULL;

	for (unsigned i = 0; i < c->n_conns; i++) {
		struct core_conn *k = &c->conns[i];

		if (k->state == CONN_CLOSING || k->quiet || k->remote != remote ||
		    !addr_equal(&k->local, local) || !addr_equal(&k->peer, peer))
			continue;
		if (!found || k->state > found->state)
			found = k;
	}
	return found;
}

bool conn_used_by(const struct core_entry *e, conn_id id)
{
	return id && ((e->state == ENTRY_UP && e->conn == id) || (e->at.kind && e->at.conn == id));
}

unsigned conn_users(const struct core *c, conn_id id, const struct core_entry *but)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_entries; i++)
		n += c->entries[i] != but && conn_used_by(c->entries[i], id);
	return n;
}

void conn_forget(struct core *c, conn_id id)
{
	struct core_conn *k = core_conn(c, id);

	if (k)
		memmove(k, k + 1, (size_t)(&c->conns[--c->n_conns] - k) * sizeof(*k));
}

static void need(struct core *c, conn_id id)
{
	struct core_conn *k = core_conn(c, id);

	if (k)
		k->needed = true;
}

/* Entry by entry: a hub has as many as it has IKE SAs, and settles at every step. */
static void mark_needed(struct core *c)
{
	for (unsigned i = 0; i < c->n_entries; i++) {
		const struct core_entry *e = c->entries[i];

		if (e->state == ENTRY_UP)
			need(c, e->conn);
		if (e->at.kind)
			need(c, e->at.conn);
		for (unsigned j = 0; j < e->n_children; j++)
			need(c, e->children[j].conn);
	}
}

void core_settle(struct run *r)
{
	mark_needed(r->c);
	for (unsigned i = 0; i < r->c->n_conns; i++) {
		struct core_conn *k = &r->c->conns[i];
		struct core_action *a;
		bool needed = k->needed;

		k->needed = false;
		if (needed || k->state == CONN_CLOSING)
			continue;
		k->state = CONN_CLOSING;
		a = emit(r, ACT_CLOSE, NULL);
		a->conn = k->id;
		a->how = k->quiet ? CLOSE_QUIET : CLOSE_DELETE;
	}
}

static void forget_children(struct core_entry *e, conn_id id)
{
	for (unsigned i = e->n_children; i-- > 0;)
		if (e->children[i].conn == id)
			core_child_forget(e, e->children[i].id);
}

void conn_close_for_all(struct run *r, conn_id id, const struct core_entry *but,
			enum engine_close how)
{
	const struct cause why = {
		.reason = REASON_SHARED,
		.text = "operator: clear session of another entry, on the same IKE SA"};
	struct core_conn *k = core_conn(r->c, id);
	struct core_action *a;

	if (!k || k->state == CONN_CLOSING)
		return;
	k->state = CONN_CLOSING;
	a = emit(r, ACT_CLOSE, NULL);
	a->conn = id;
	a->how = how;
	for (unsigned i = 0; i < r->c->n_entries; i++) {
		struct core_entry *e = r->c->entries[i];

		if (e == but)
			continue;
		forget_children(e, id);
		if (e->state == ENTRY_UP && e->conn == id)
			entry_down(r, e, NEXT_SAME, CLOSE_DELETE, &why);
		else if (e->at.kind && e->at.conn == id)
			walk_again(r, e, "begun again, the operator cleared the IKE SA that it shares");
		entry_watch_childless(r, e);
	}
}

static void note_rtt(struct core_entry *e, const struct core_conn *k)
{
	struct core_peer *p = peer_by_remote(e, k->remote, &k->peer);

	if (p && k->rtt_us)
		p->rtt_us = k->rtt_us;
}

void core_conn_up(struct run *r, conn_id id, uint32_t rtt_us)
{
	struct core_conn *k = core_conn(r->c, id);

	if (!k || k->state == CONN_CLOSING)
		return;
	core_conn_answered(r, id, rtt_us);
	for (unsigned i = 0; i < r->c->n_entries; i++)
		note_rtt(r->c->entries[i], k);
	if (k->state == CONN_UP)
		return;
	k->state = CONN_UP;
	for (unsigned i = 0; i < r->c->n_entries; i++)
		if (r->c->entries[i]->at.conn == id)
			attempt_conn_up(r, r->c->entries[i]);
	core_settle(r);
}

void core_conn_rekeyed(struct run *r, conn_id id, const char *text)
{
	const struct cause why = { .reason = REASON_IKE_REKEYED, .text = text };

	for (unsigned i = 0; i < r->c->n_entries; i++)
		if (conn_used_by(r->c->entries[i], id))
			entry_note(r, r->c->entries[i], NTF_NOTE, 0, r->c->entries[i]->c, &why);
}

void core_resumed(struct run *r)
{
	for (unsigned i = 0; i < r->c->n_conns; i++) {
		struct core_conn *k = &r->c->conns[i];

		if (k->state != CONN_UP)
			continue;
		k->unproven = true;
		emit(r, ACT_PROBE, NULL)->conn = k->id;
	}
}

void core_probe_failed(struct run *r, conn_id id)
{
	struct core_conn *k = core_conn(r->c, id);

	if (k)
		k->unproven = false;
}

bool core_conn_unproven(const struct core *c, conn_id id)
{
	const struct core_conn *k = core_conn(c, id);

	return k && k->unproven;
}

void core_conn_heard(struct run *r, conn_id id, mono_t when, uint32_t rtt_us)
{
	struct core_conn *k = core_conn(r->c, id);

	if (!k)
		return;
	k->unproven = false;
	k->rtt_us = rtt_us ? rtt_us : k->rtt_us;
	for (unsigned i = 0; i < r->c->n_entries; i++) {
		struct core_entry *e = r->c->entries[i];
		struct core_peer *p = peer_by_remote(e, k->remote, &k->peer);

		if (!p || !conn_used_by(e, id))
			continue;
		p->heard = when;
		note_rtt(e, k);
		/* P[c] answers: whoever waits for its death is refused (§1.5). */
		if (e->state == ENTRY_UP && e->conn == id)
			inbound_release(r, e, "refused, the current peer answers");
	}
	core_settle(r);
}

/* Since when nothing has come from a peer that is dead now. */
static mono_t last_sign(const struct run *r, const struct core_entry *e, const struct cause *c)
{
	const struct core_peer *p = peer_find(e, e->c);

	return p && mono_is_set(p->heard) ? p->heard :
					    mono_add_ms(r->env->now, -(int64_t)c->silent_ms);
}

static void up_lost(struct run *r, struct core_entry *e, enum engine_why why, struct cause *c)
{
	enum entry_next next = NEXT_SAME;

	if (why == WHY_DEAD)
		next = entry_home_or(e, NEXT_AFTER);
	else if (why == WHY_PEER_DELETE)
		next = entry_home_or(e, NEXT_SAME);
	if (why == WHY_DEAD)
		e->dead = e->c;
	entry_down(r, e, next, CLOSE_DELETE, c);
	if (why == WHY_DEAD)
		e->gap_from = last_sign(r, e, c);
}

void core_conn_down(struct run *r, conn_id id, enum engine_why why, const struct cause *detail)
{
	struct cause c = *detail;
	struct core_conn *k = core_conn(r->c, id);
	bool ours = k && k->state == CONN_CLOSING;

	c.reason = reason_of(why);
	conn_forget(r->c, id);
	for (unsigned i = 0; k && !ours && i < r->c->n_entries; i++) {
		struct core_entry *e = r->c->entries[i];

		forget_children(e, id);
		if (e->state == ENTRY_UP && e->conn == id)
			up_lost(r, e, why, &c);
		else if (e->at.kind && e->at.conn == id && why == WHY_LIFETIME)
			walk_again(r, e, "begun again, the lifetime of the IKE SA that it shares ended");
		else if (e->at.kind && e->at.conn == id)
			walk_step_failed(r, e, &c);
		entry_watch_childless(r, e);
	}
	core_settle(r);
}
