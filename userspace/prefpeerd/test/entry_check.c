/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The invariants of entry/core.h, looked at from outside: states before and after, and the actions. */
#include <stdio.h>
#include <string.h>

#include "entry_world.h"

#define MUST(what, cond)                                                               \
	do {                                                                           \
		if (!(cond))                                                           \
			return what " (" #cond ")";                                    \
	} while (0)

static const struct core_action *find_close(const struct core_out *out, conn_id id)
{
	for (unsigned i = 0; i < out->n; i++)
		if (out->list[i].type == ACT_CLOSE && out->list[i].conn == id)
			return &out->list[i];
	return NULL;
}

static bool child_closed(const struct core_out *out, child_id id)
{
	for (unsigned i = 0; i < out->n; i++)
		if (out->list[i].type == ACT_CHILD_CLOSE && out->list[i].child == id &&
		    out->list[i].how != CLOSE_OUT)
			return true;
	return false;
}

static bool child_asked(const struct core_out *out, child_id id)
{
	for (unsigned i = 0; i < out->n; i++)
		if (out->list[i].child == id &&
		    (out->list[i].type == ACT_OPEN || out->list[i].type == ACT_CHILD_OPEN ||
		     (out->list[i].type == ACT_INBOUND_REPLY && out->list[i].accept)))
			return true;
	return false;
}

static unsigned count_setup(const struct core_entry *e, const struct core_line *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->n_children; i++)
		n += e->children[i].state == CHILD_SETUP && e->children[i].reqid == l->reqid;
	return n;
}

static const char *check_line(const struct core_entry *e, const struct core_line *l)
{
	const struct core_child *ch = core_child(e, l->setup);

	MUST("I10", count_setup(e, l) == (l->setup ? 1u : 0u));
	MUST("I10", !l->setup || (ch && ch->state == CHILD_SETUP && ch->reqid == l->reqid));
	MUST("I10", !l->setup || e->state == ENTRY_UP || e->at.child == l->setup);
	MUST("I11", !mono_is_set(l->backoff_at) || (e->state == ENTRY_UP && !l->setup));
	return NULL;
}

static const char *check_walk(const struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_walk; i++)
		for (unsigned j = 0; j < i; j++)
			MUST("I2", e->walk[i] != e->walk[j]);
	MUST("I1", (e->state == ENTRY_WALK) == (e->at.kind != AT_NONE));
	MUST("I1", e->state != ENTRY_WALK || (e->pos < e->n_walk && mono_is_set(e->at.at)));
	MUST("I1", e->state != ENTRY_WALK || peer_find(e, walk_peer(e)));
	MUST("I17", e->at.kind != AT_NAME ||
			    (peer_find(e, walk_peer(e))->name == NAME_ASKED &&
			     peer_find(e, walk_peer(e))->query && !e->at.conn && !e->at.child));
	MUST("I17", e->at.kind == AT_NONE || e->at.kind == AT_NAME ||
			    addr_is_set(&peer_find(e, walk_peer(e))->addr));
	for (unsigned i = 0; i < e->n_peers; i++)
		MUST("I17", e->peers[i].name != NAME_ASKED || e->peers[i].query);
	return NULL;
}

static const char *check_entry(const struct core *c, const struct core_entry *e)
{
	const struct core_conn *k = core_conn(c, e->conn);
	const char *bad = check_walk(e);

	for (unsigned i = 0; !bad && i < e->n_lines; i++)
		bad = check_line(e, &e->lines[i]);
	if (bad)
		return bad;
	MUST("I3", (e->state == ENTRY_UP) == (e->conn != 0));
	MUST("I3", e->state != ENTRY_UP || (k && k->state == CONN_UP));
	MUST("I4", e->next != NEXT_HOME || entry_has_default(e));
	MUST("I4", e->state != ENTRY_UP || e->next == NEXT_SAME);
	MUST("I8", !e->n_peers || peer_find(e, e->c));
	MUST("I11", (e->state == ENTRY_BACKOFF) == mono_is_set(e->backoff_at));
	MUST("I11", !mono_is_set(e->k_reset_at) || e->state == ENTRY_DOWN ||
			    e->state == ENTRY_BACKOFF);
	MUST("I11", e->state == ENTRY_UP || !mono_is_set(e->childless_at));
	MUST("I11", e->state != ENTRY_UP ||
			    (!entry_live(e) && !entry_in_setup(e) && !entry_wanted(e)) ==
				    mono_is_set(e->childless_at));
	for (unsigned i = 0; e->state == ENTRY_UP && i < e->n_lines; i++)
		MUST("template names the peer in use", e->lines[i].blocked ||
			     addr_equal(&e->lines[i].peer, &k->peer));
	for (unsigned i = 0; e->state == ENTRY_UP && i < e->n_children; i++)
		MUST("a live pair is of the IKE SA in use", e->children[i].state != CHILD_LIVE ||
			     e->children[i].conn == e->conn);
	return NULL;
}

/* I14 */
static const char *check_pairs(const struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_children; i++)
		for (unsigned j = 0; j < i; j++) {
			const struct core_child *x = &e->children[j], *y = &e->children[i];

			MUST("I14", x->id != y->id);
			MUST("I14", x->reqid != y->reqid || x->state != CHILD_LIVE ||
				    y->state != CHILD_LIVE || x->conn != y->conn ||
				    !selector_equal(&x->sel, &y->sel));
		}
	return NULL;
}

static const char *check_conns(const struct core *c)
{
	for (unsigned i = 0; i < c->n_conns; i++) {
		const struct core_conn *k = &c->conns[i];
		unsigned held = conn_users(c, k->id, NULL);

		for (unsigned j = 0; j < c->n_entries; j++)
			for (unsigned m = 0; m < c->entries[j]->n_children; m++)
				held += c->entries[j]->children[m].conn == k->id;
		MUST("I6", k->state == CONN_CLOSING || held);
		MUST("I7", k->state != CONN_CLOSING || !held);
	}
	for (unsigned i = 0; i < c->n_entries; i++)
		for (unsigned j = 0; j < c->entries[i]->n_children; j++)
			MUST("I7", core_conn(c, c->entries[i]->children[j].conn));
	return NULL;
}

/* I5, and that every larval that went was removed in the kernel, or replaced by an SA. */
static const char *check_quiet(const struct core_entry *b, const struct core_entry *a,
			       const struct core_out *out)
{
	bool entered = b->state != a->state &&
		       (a->state == ENTRY_DOWN || a->state == ENTRY_BACKOFF);

	for (unsigned i = 0; i < a->n_lines; i++) {
		const struct core_line *l = &a->lines[i], *was = core_line(b, l->reqid);
		bool killed = false, replaced = false;

		MUST("I5", !entered || (!l->want && !l->larval && !l->setup &&
					!mono_is_set(l->backoff_at)));
		for (unsigned j = 0; was && j < out->n; j++)
			killed |= out->list[j].type == ACT_LARVAL_KILL &&
				  out->list[j].reqid == l->reqid &&
				  addr_equal(&out->list[j].peer, &was->larval_dst);
		for (unsigned j = 0; was && j < a->n_children; j++)
			replaced |= a->children[j].reqid == l->reqid &&
				    a->children[j].state == CHILD_LIVE &&
				    addr_equal(&a->children[j].remote, &was->larval_dst);
		MUST("larval forgotten", !was || !was->larval || l->larval || killed || replaced);
	}
	return NULL;
}

static bool went_to(const struct core_out *out, const struct core_entry *e, enum entry_state to)
{
	for (unsigned i = 0; i < out->n; i++)
		if (out->list[i].type == ACT_NOTIFY && out->list[i].entry == e->id &&
		    out->list[i].note.type == NTF_STATE && out->list[i].note.to == to)
			return true;
	return false;
}

static bool came_up(const struct core_entry *b, const struct core_entry *a, uint32_t reqid)
{
	for (unsigned i = 0; i < a->n_children; i++) {
		const struct core_child *was = core_child(b, a->children[i].id);

		if (a->children[i].reqid == reqid && a->children[i].state == CHILD_LIVE &&
		    (!was || was->state != CHILD_LIVE))
			return true;
	}
	return false;
}

/* I15, I16: nothing is forgotten, and `next` moves with the state only. */
static const char *check_memory(const struct core_entry *b, const struct core_entry *a,
				const struct core_out *out, const struct check_event *ev)
{
	bool ended = went_to(out, a, ENTRY_DOWN) || went_to(out, a, ENTRY_BACKOFF);

	for (unsigned i = 0; i < a->n_lines; i++) {
		const struct core_line *l = &a->lines[i], *was = core_line(b, l->reqid);

		MUST("I15", !was || !was->want || l->want || ended || came_up(b, a, l->reqid) ||
				    (mono_is_set(l->backoff_at) && was->setup && !l->setup));
	}
	MUST("I16", a->next == b->next || ended || went_to(out, a, ENTRY_UP) || ev->clear ||
			    ev->edit || ev->orphans);
	return NULL;
}

static const char *check_moves(const struct core_entry *b, const struct core_entry *a,
			       const struct core_out *out, const struct check_event *ev)
{
	const char *bad;

	MUST("I8", a->c == b->c || ev->child_up || ev->edit || ev->orphans);
	MUST("I8", a->c == b->c || ev->edit || ev->orphans || a->state == ENTRY_UP);
	if (b->state == ENTRY_UP && a->state == ENTRY_UP && a->conn == b->conn && a->c == b->c)
		MUST("I18", addr_equal(&peer_find(a, a->c)->addr, &peer_find(b, b->c)->addr));
	if (b->at.kind && b->at.kind != AT_NAME && a->at.kind && a->at.conn == b->at.conn)
		MUST("I18", addr_equal(&peer_find(a, walk_peer(a))->addr,
				       &peer_find(b, walk_peer(b))->addr));
	if (b->state == ENTRY_WALK && a->state == ENTRY_WALK)
		for (unsigned i = 0; i < out->n; i++)
			MUST("I9", out->list[i].type != ACT_POINT || out->list[i].entry != a->id);
	bad = check_memory(b, a, out, ev);
	return bad ? bad : check_quiet(b, a, out);
}

/* No child leaks: what the engine was asked for it is told to end, or it said so itself. */
static const char *check_children(const struct core *b, const struct core *a,
				  const struct core_out *out, const struct check_event *ev)
{
	struct core_child *other;

	for (unsigned i = 0; i < b->n_entries; i++)
		for (unsigned j = 0; j < b->entries[i]->n_children; j++) {
			const struct core_child *ch = &b->entries[i]->children[j];
			const struct core_conn *k = core_conn(b, ch->conn);

			if (core_child_entry(a, ch->id, &other))
				continue;
			MUST("child leaked", child_closed(out, ch->id) || ev->gone == ch->id ||
				     ev->conn_gone == ch->conn || ev->engine_lost ||
				     find_close(out, ch->conn) ||
				     (k->state == CONN_SETUP && ch->state == CHILD_SETUP));
		}
	for (unsigned i = 0; i < a->n_entries; i++)
		for (unsigned j = 0; j < a->entries[i]->n_children; j++) {
			child_id id = a->entries[i]->children[j].id;

			MUST("child from nowhere",
			     core_child_entry(b, id, &other) || child_asked(out, id));
		}
	return NULL;
}

/* I13: only a clear, a lifetime or a death takes an IKE SA from another entry. */
static const char *check_shared(const struct core *b, const struct core_out *out,
				const struct check_event *ev)
{
	for (unsigned i = 0; i < b->n_conns; i++) {
		const struct core_entry *own = core_entry(b, ev->entry);
		conn_id id = b->conns[i].id;

		MUST("I13", !find_close(out, id) || ev->clear || ev->edit || ev->entry == CHECK_ALL ||
				    !conn_users(b, id, own));
	}
	return NULL;
}

static const char *check_conn_moves(const struct core *b, const struct core *a,
				    const struct core_out *out, const struct check_event *ev)
{
	for (unsigned i = 0; i < b->n_conns; i++) {
		const struct core_conn *k = &b->conns[i], *now = core_conn(a, k->id);

		MUST("IKE SA leaked", now || ev->conn_gone == k->id || ev->engine_lost);
		MUST("closing without a close", !now || k->state == CONN_CLOSING ||
			     now->state != CONN_CLOSING || find_close(out, k->id));
	}
	for (unsigned i = 0; i < out->n; i++) {
		const struct core_action *x = &out->list[i];

		MUST("CREATE_CHILD_SA needs an IKE SA",
		     x->type != ACT_CHILD_OPEN || (core_conn(a, x->conn) &&
						   core_conn(a, x->conn)->state != CONN_SETUP));
	}
	return NULL;
}

static bool held(const struct core *c, uint32_t inbound)
{
	for (unsigned i = 0; i < c->n_entries; i++)
		for (unsigned j = 0; j < c->entries[i]->n_holds; j++)
			if (c->entries[i]->holds[j].inbound == inbound)
				return true;
	return false;
}

static unsigned replies(const struct core_out *out, uint32_t inbound)
{
	unsigned n = 0;

	for (unsigned i = 0; i < out->n; i++)
		n += out->list[i].type == ACT_INBOUND_REPLY && out->list[i].inbound == inbound;
	return n;
}

static const char *check_inbound(const struct core *b, const struct core *a,
				 const struct core_out *out, const struct check_event *ev)
{
	if (ev->inbound)
		MUST("I12", replies(out, ev->inbound) + held(a, ev->inbound) == 1);
	for (unsigned i = 0; i < b->n_entries; i++)
		for (unsigned j = 0; j < b->entries[i]->n_holds; j++) {
			uint32_t id = b->entries[i]->holds[j].inbound;

			MUST("I12", ev->engine_lost || ev->inbound_gone == id ||
				     replies(out, id) + held(a, id) == 1);
		}
	return NULL;
}

static unsigned probes(const struct core_out *out, conn_id id)
{
	unsigned n = 0;

	for (unsigned i = 0; i < out->n; i++)
		n += out->list[i].type == ACT_PROBE && out->list[i].conn == id;
	return n;
}

static const char *check_proof(const struct core *b, const struct core *a,
			       const struct core_out *out, const struct check_event *ev)
{
	const struct core_entry *e = core_entry(b, ev->idle);
	bool unproven = e && e->state == ENTRY_UP && core_conn_unproven(b, e->conn);

	for (unsigned i = 0; ev->resumed && i < a->n_conns; i++) {
		const struct core_conn *k = &a->conns[i];

		MUST("woke", k->state != CONN_UP || k->unproven);
		MUST("woke", probes(out, k->id) == (k->state == CONN_UP));
	}
	MUST("I19", ev->idle_kept == unproven);
	MUST("I19", !unproven || !out->n);
	return NULL;
}

const char *entry_check(const struct core *before, const struct core *after,
			const struct core_out *out, const struct check_event *ev)
{
	const char *bad = check_conns(after);

	for (unsigned i = 0; !bad && i < after->n_entries; i++) {
		const struct core_entry *was = core_entry(before, after->entries[i]->id);

		bad = check_entry(after, after->entries[i]);
		if (!bad)
			bad = check_pairs(after->entries[i]);
		if (!bad && was)
			bad = check_moves(was, after->entries[i], out, ev);
	}
	if (!bad)
		bad = check_children(before, after, out, ev);
	if (!bad)
		bad = check_conn_moves(before, after, out, ev);
	if (!bad)
		bad = check_shared(before, out, ev);
	if (!bad)
		bad = check_inbound(before, after, out, ev);
	if (!bad)
		bad = check_proof(before, after, out, ev);
	return bad;
}

/* ---- signature: what decides, and nothing else ----------------------------- */

struct sig {
	uint64_t h;
	const struct core *c;
	conn_id conns[64]; /* canonical number = place of first mention */
	unsigned n_conns;
};

static void put(struct sig *s, uint64_t v)
{
	s->h ^= v + 0x9e3779b97f4a7c15ull + (s->h << 6) + (s->h >> 2);
	s->h *= 0xff51afd7ed558ccdull;
	s->h ^= s->h >> 29;
}

static void put_conn(struct sig *s, conn_id id)
{
	const struct core_conn *k = core_conn(s->c, id);

	for (unsigned i = 0; i < s->n_conns; i++)
		if (s->conns[i] == id) {
			put(s, i + 1);
			return;
		}
	put(s, id ? 100 : 0);
	if (!k || s->n_conns == 64)
		return;
	s->conns[s->n_conns++] = id;
	put(s, k->remote);
	put(s, k->state | k->answered << 4 | k->quiet << 5 | k->waiting << 6 |
		       k->unproven << 7 | k->theirs << 8);
}

static void put_line(struct sig *s, const struct core_entry *e, const struct core_line *l)
{
	put(s, l->reqid);
	put(s, l->want | l->has_flow << 1 | l->larval << 2 | (l->blocked != NULL) << 3 | (l->setup != 0) << 4 |
		       mono_is_set(l->backoff_at) << 5);
	put(s, l->larval ? ntohl(l->larval_dst.v4.s_addr) : 0);
	put(s, ntohl(l->peer.v4.s_addr));
}

static void put_peer(struct sig *s, const struct core_peer *p, bool walking)
{
	put(s, p->key << 1 | p->is_default);
	put(s, p->remote << 8 | p->is_name | p->dynamic << 1 | p->name << 2 | (p->query != 0) << 5 |
		       mono_is_set(p->valid_until) << 6);
	put(s, ntohl(p->addr.v4.s_addr));
	put(s, walking ? ntohl(p->tried.v4.s_addr) : 0);
}

static void put_entry(struct sig *s, const struct core_entry *e)
{
	put(s, e->state | e->c << 4 | e->next << 8 | (e->k > 0) << 12 | e->dead << 16);
	for (unsigned i = 0; i < e->n_peers; i++)
		put_peer(s, &e->peers[i], e->state == ENTRY_WALK);
	for (unsigned i = 0; i < e->n_lines; i++)
		put_line(s, e, &e->lines[i]);
	for (unsigned i = 0; i < e->n_children; i++) {
		put(s, e->children[i].reqid << 4 | e->children[i].state);
		put(s, e->children[i].peer | (e->children[i].sel.dst.len == 25) << 8);
		put_conn(s, e->children[i].conn);
	}
	for (unsigned i = 0; i < e->n_walk; i++)
		put(s, e->walk[i]);
	put(s, e->n_walk << 8 | e->pos);
	put(s, e->at.kind | e->at.answered << 4 | (e->at.remark != 0) << 5);
	put_conn(s, e->at.conn);
	put_conn(s, e->conn);
	for (unsigned i = 0; i < e->n_holds; i++) {
		put(s, e->holds[i].peer << 8 | (e->holds[i].reqid & 0xff));
		put_conn(s, e->holds[i].conn);
	}
	put(s, mono_is_set(e->k_reset_at) | mono_is_set(e->moved_until) << 1 |
		       mono_is_set(e->point_at) << 5 | mono_is_set(e->orphans_at) << 2 | e->orphans << 3 | addr_is_set(&e->local) << 4);
}

uint64_t entry_signature(const struct core *c, uint64_t seed)
{
	struct sig s = { .h = seed, .c = c };

	put(&s, c->ready);
	put(&s, c->draining);
	for (unsigned i = 0; i < c->n_entries; i++)
		put_entry(&s, c->entries[i]);
	for (unsigned i = 0; i < c->n_conns; i++)
		put_conn(&s, c->conns[i].id);
	return s.h;
}
