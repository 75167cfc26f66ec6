/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Negotiations that the peer begins (semantics.md §1.5, §10 "Inbound entry
 * choice", §14.1). Two hubs that both initiate must not make the branch flap:
 * while P[c] may still be alive, another peer's request is held.
 */
#include "prefpeerd/entry/core.h"
#include "prefpeerd/entry/mem.h"

/*
 * §2.9: the first selector is the packet that asks; a line without it is no answer. What
 * it asks for is in the others, of which each may be mixed of packet and network: the
 * widest, or the next packet would ask again.
 */
static bool narrow_to_flow(const struct core_line *l, const struct core_inbound *in,
			   struct selector *out)
{
	const struct selector *flow = &in->offered[0];
	struct selector both;

	if (!selector_contains(&l->sel, flow))
		return false;
	*out = *flow;
	for (unsigned i = 1; i < in->n_offered; i++)
		if (selector_contains(&in->offered[i], flow) &&
		    selector_intersect(&in->offered[i], &l->sel, &both) &&
		    selector_contains(&both, out))
			*out = both;
	return true;
}

/* The answer for a line, if it may be chosen: the intersection with it. */
static bool narrow(const struct core_line *l, const struct core_inbound *in, struct selector *out)
{
	if (l->blocked || !in->n_offered)
		return false;
	if (in->single_flow)
		return narrow_to_flow(l, in, out);
	for (unsigned i = 0; i < in->n_offered; i++)
		if (selector_intersect(&in->offered[i], &l->sel, out))
			return true;
	return false;
}

/* A branch is known by more than its address: the caller has found its entry. */
static bool is_asked_of(const struct core_entry *e, const struct core_inbound *in)
{
	if (in->entry)
		return e->id == in->entry;
	return !e->temporary && peer_by_remote(e, in->remote, &in->from);
}

static peer_key calling_peer(const struct core_entry *e, const struct core_inbound *in)
{
	return in->entry ? e->c : peer_by_remote(e, in->remote, &in->from)->key;
}

/* The first line, in compiled order, whose entry lists the source and that intersects. */
static struct core_entry *choose(const struct core *c, const struct core_inbound *in,
				 struct core_line **line, struct selector *sel)
{
	struct core_entry *best = NULL;

	for (unsigned i = 0; i < c->n_entries; i++) {
		struct core_entry *e = c->entries[i];

		if (!is_asked_of(e, in))
			continue;
		for (unsigned j = 0; j < e->n_lines; j++) {
			struct selector s;

			if ((best && (*line)->order <= e->lines[j].order) ||
			    !narrow(&e->lines[j], in, &s))
				continue;
			best = e;
			*line = &e->lines[j];
			*sel = s;
		}
	}
	return best;
}

static void refuse(struct run *r, const struct core_entry *e, uint32_t inbound, conn_id conn)
{
	struct core_action *a = emit(r, ACT_INBOUND_REPLY, e);

	a->inbound = inbound;
	a->conn = conn;
	a->keep_ike = conn && conn_users(r->c, conn, NULL);
}

static void accept_hold(struct run *r, struct core_entry *e, const struct core_hold *h)
{
	struct core_conn *conn = h->conn ? core_conn(r->c, h->conn) : NULL;
	struct core_action *a;

	if (!core_line(e, h->reqid) || !peer_find(e, h->peer) ||
	    (h->conn && (!conn || conn->state == CONN_CLOSING))) {
		refuse(r, e, h->inbound, h->conn);
		return;
	}
	if (!conn) {
		conn = conn_new(r->c, h->remote, &h->local, &h->from);
		conn->answered = conn->theirs = true;
	}
	a = emit(r, ACT_INBOUND_REPLY, e);
	a->accept = a->keep_ike = true;
	a->inbound = h->inbound;
	a->conn = conn->id;
	a->child = ++r->c->last_child;
	a->reqid = h->reqid;
	a->sel = h->sel;
	core_child_add(e, a->child, conn->id, h->reqid, CHILD_ACCEPTED, h->peer);
	entry_watch_childless(r, e);
}

static void tell(struct run *r, struct core_entry *e, const struct core_hold *h, const char *what)
{
	const struct cause why = {.reason = REASON_INBOUND, .text = what};

	entry_note(r, e, NTF_NOTE, 0, h->peer, &why);
}

void inbound_release(struct run *r, struct core_entry *e, const char *refusal)
{
	while (e->n_holds) {
		const struct core_hold h = e->holds[--e->n_holds];

		if (!refusal) {
			accept_hold(r, e, &h);
			continue;
		}
		tell(r, e, &h, refusal);
		refuse(r, e, h.inbound, h.conn);
	}
}

void inbound_timeout(struct run *r, struct core_entry *e)
{
	for (unsigned i = e->n_holds; i-- > 0;) {
		const struct core_hold h = e->holds[i];

		if (mono_before(r->env->now, h.at))
			continue;
		e->holds[i] = e->holds[--e->n_holds];
		tell(r, e, &h, "refused, no verdict about the current peer in time");
		refuse(r, e, h.inbound, h.conn);
	}
}

enum verdict { VERDICT_ACCEPT, VERDICT_HOLD };

static enum verdict judge_up(const struct core_entry *e, const struct core_hold *h, bool idle)
{
	bool guarded = mono_is_set(e->moved_until);

	if (h->peer == e->c || h->conn == e->conn)
		return VERDICT_ACCEPT;
	if (guarded)
		return VERDICT_HOLD; /* only the death of P[c] lets it in */
	if (entry_has_default(e))
		return h->peer == e->peers[0].key ? VERDICT_ACCEPT : VERDICT_HOLD;
	return idle ? VERDICT_ACCEPT : VERDICT_HOLD;
}

static enum verdict judge_walk(const struct core_entry *e, const struct core_hold *h)
{
	int at = walk_index(e, h->peer);

	return at >= 0 && (unsigned)at <= e->pos ? VERDICT_ACCEPT : VERDICT_HOLD;
}

static void hold(struct run *r, struct core_entry *e, struct core_hold *h)
{
	uint32_t ms = HOLD_MAX_MS;

	if (e->n_holds == CORE_HOLDS) {
		tell(r, e, h, "refused, too many are held already");
		refuse(r, e, h->inbound, h->conn);
		return;
	}
	if (e->state == ENTRY_UP) {
		struct core_action *a = emit(r, ACT_PROBE, e);

		a->conn = e->conn;
		if (entry_dpd_budget_ms(e) + VERDICT_LATE_MS < ms)
			ms = entry_dpd_budget_ms(e) + VERDICT_LATE_MS;
	}
	tell(r, e, h,
	     e->state == ENTRY_UP ? "held, the current peer is asked whether it lives" :
				    "held while an earlier peer of the walk is tried");
	h->at = mono_add_ms(r->env->now, ms);
	e->holds[e->n_holds++] = *h;
}

static bool is_asked(const struct core_entry *e, const struct core_line *l, conn_id conn)
{
	for (unsigned i = 0; i < e->n_children; i++) {
		const struct core_child *ch = &e->children[i];

		if (ch->state == CHILD_SETUP && ch->conn == conn && ch->reqid == l->reqid)
			return true;
	}
	return false;
}

bool core_inbound_listed(const struct core *c, const struct core_inbound *in)
{
	struct core_inbound listed = *in;
	struct core_line *l = NULL;
	struct selector sel;

	listed.entry = 0;
	return choose(c, &listed, &l, &sel);
}

void core_branch_line(struct core_entry *e, const struct core_line *line)
{
	e->lines = mem_resize(e->lines, e->n_lines + 1, sizeof(*e->lines));
	e->lines[e->n_lines++] = *line;
}

void core_inbound(struct run *r, const struct core_inbound *in)
{
	struct core_hold h = {.inbound = in->inbound,
			      .conn = in->conn,
			      .remote = in->remote,
			      .local = in->local,
			      .from = in->from};
	struct core_conn *conn = core_conn(r->c, in->conn);
	enum verdict v = VERDICT_ACCEPT;
	struct core_line *l = NULL;
	struct core_entry *e;

	e = in->conn && (!conn || conn->state == CONN_CLOSING) ? NULL
							       : choose(r->c, in, &l, &h.sel);
	/*
	 * Both ask for the line at once. Each would end the older pair, and that is the
	 * other's: so one end alone decides, the one that opened the IKE SA.
	 */
	if (!e || !r->c->ready || (r->c->draining && !conn) || (conn && !conn->theirs && is_asked(e, l, conn->id))) {
		refuse(r, e, in->inbound, in->conn);
		core_settle(r);
		return;
	}
	h.peer = calling_peer(e, in);
	h.reqid = l->reqid;
	if (e->state == ENTRY_UP)
		v = judge_up(e, &h, in->idle(r->env->ctx, e));
	else if (e->state == ENTRY_WALK)
		v = judge_walk(e, &h);
	if (v == VERDICT_ACCEPT)
		accept_hold(r, e, &h);
	else
		hold(r, e, &h);
	core_settle(r);
}

void core_inbound_gone(struct run *r, uint32_t inbound)
{
	for (unsigned i = 0; i < r->c->n_entries; i++) {
		struct core_entry *e = r->c->entries[i];

		for (unsigned j = e->n_holds; j-- > 0;)
			if (e->holds[j].inbound == inbound)
				e->holds[j] = e->holds[--e->n_holds];
	}
}

/* The entry moves to the peer that called: row "inbound accepted … on a new IKE SA". */
static void move_to(struct run *r, struct core_entry *e, uint32_t reqid, peer_key peer,
		    conn_id conn, const struct cause *why)
{
	attempt_abandon(r, e);
	for (unsigned i = 0; i < e->n_lines; i++) {
		struct core_line *l = &e->lines[i];

		l->want |= l->setup || mono_is_set(l->backoff_at);
		l->want &= l->reqid != reqid;
		line_reset(r, e, l);
	}
	peer_find(e, peer)->heard = r->env->now;
	if (e->c != peer)
		e->moved_until = mono_add_ms(r->env->now, MOVE_GUARD_MS);
	entry_up(r, e, peer, conn, why);
}

void inbound_child_up(struct run *r, struct core_entry *e, struct core_child *ch,
		      const struct core_pair *p)
{
	const struct cause why = {
		.reason = REASON_INBOUND, .spi_in = p->spi_in, .spi_out = p->spi_out};
	uint32_t reqid = ch->reqid;
	peer_key peer = ch->peer;
	conn_id conn = ch->conn;

	if (e->state == ENTRY_UP && e->conn == conn) {
		line_up_event(r, e, ch, p);
		return;
	}
	core_child_live(r, e, ch, p);
	move_to(r, e, reqid, peer, conn, &why);
}
