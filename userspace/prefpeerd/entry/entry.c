/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one door through which an entry changes state, and the rows that are not of one phase only.
 */
#include "prefpeerd/entry/core.h"
#include "prefpeerd/entry/mem.h"

struct core_action *emit(struct run *r, enum core_action_type type, const struct core_entry *e)
{
	struct core_out *o = r->out;

	MEM_ROOM(o->list, o->n, o->cap);
	o->list[o->n] = (struct core_action){.type = type, .entry = e ? e->id : 0};
	return &o->list[o->n++];
}

enum entry_reason reason_of(enum engine_why why)
{
	static const enum entry_reason map[] = {
		[WHY_NONE] = REASON_ENGINE,
		[WHY_TIMEOUT] = REASON_TIMEOUT,
		[WHY_DEAD] = REASON_DEAD,
		[WHY_AUTH] = REASON_AUTH,
		[WHY_PROPOSAL] = REASON_PROPOSAL,
		[WHY_TS] = REASON_TS,
		[WHY_PEER_DELETE] = REASON_PEER_DELETE,
		[WHY_LIFETIME] = REASON_LIFETIME,
		[WHY_LOCAL] = REASON_ENGINE,
		[WHY_LOST] = REASON_LOST,
		[WHY_BUSY] = REASON_BUSY,
		[WHY_UNKNOWN] = REASON_ENGINE,
	};

	return (unsigned)why < sizeof(map) / sizeof(map[0]) ? map[why] : REASON_ENGINE;
}

bool entry_has_default(const struct core_entry *e)
{
	return e->n_peers && e->peers[0].is_default;
}

enum entry_next entry_home_or(const struct core_entry *e, enum entry_next other)
{
	return entry_has_default(e) ? NEXT_HOME : other;
}

bool entry_wanted(const struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_lines; i++)
		if (e->lines[i].want)
			return true;
	return false;
}

bool entry_usable(struct run *r, const struct core_entry *e)
{
	if (e->temporary || r->c->draining)
		return false;
	for (unsigned i = 0; r->c->ready && i < e->n_peers; i++)
		if (lookup_usable(r, e, &e->peers[i]))
			return true;
	return false;
}

unsigned entry_live(const struct core_entry *e)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->n_children; i++)
		n += e->children[i].state == CHILD_LIVE;
	return n;
}

bool entry_in_setup(const struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_children; i++)
		if (e->children[i].state == CHILD_SETUP || e->children[i].state == CHILD_ACCEPTED)
			return true;
	return false;
}

void entry_watch_childless(struct run *r, struct core_entry *e)
{
	bool bare =
		e->state == ENTRY_UP && !entry_live(e) && !entry_in_setup(e) && !entry_wanted(e);

	if (!bare)
		e->childless_at = MONO_UNSET;
	else if (!mono_is_set(e->childless_at))
		e->childless_at = mono_add_ms(r->env->now, CHILDLESS_MS);
}

/* The text of a cause lives in the entry or the event, and may be another when it is told. */
static void note_cause(struct core_note *n, const struct cause *why)
{
	n->cause = *why;
	n->cause.text = NULL;
	snprintf(n->text, sizeof(n->text), "%s", why->text ? why->text : "");
}

void entry_note(struct run *r, struct core_entry *e, enum entry_ntf_type type, unsigned line,
		peer_key peer, const struct cause *why)
{
	struct core_action *a = emit(r, ACT_NOTIFY, e);

	a->note = (struct core_note){
		.type = type,
		.line = line,
		.from = e->state,
		.to = e->state,
		.from_peer = e->shown,
		.peer = peer,
		.next = peer_next(e),
		.gap_ms = -1,
	};
	note_cause(&a->note, why);
}

/* A cause that is kept does not own the text of the event that brought it. */
static void keep_cause(struct cause *kept, const struct cause *why)
{
	*kept = *why;
	kept->text = NULL;
}

static void entry_left(struct core_entry *e, const struct cause *why)
{
	keep_cause(&e->left, why);
}

void entry_step_failed(struct core_entry *e, const struct cause *why)
{
	if (e->failed.reason == REASON_NONE)
		keep_cause(&e->failed, why);
}

void entry_operated(struct core_entry *e, const struct cause *why)
{
	entry_left(e, why);
	e->failed = (struct cause){0};
}

/*
 * Why `Current peer` moves (§7): a death before what a walk met on its way, that before
 * the end which only said where the walk begins.
 */
static struct cause moved_by(const struct core_entry *e, const struct cause *up)
{
	if (up->reason == REASON_INBOUND)
		return *up;
	if (e->left.reason == REASON_DEAD)
		return e->left;
	if (e->failed.reason != REASON_NONE)
		return e->failed;
	return e->left.reason != REASON_NONE ? e->left : *up;
}

void entry_set_next(struct run *r, struct core_entry *e, enum entry_next next,
		    const struct cause *why)
{
	if (e->next == next)
		return;
	e->next = next;
	entry_left(e, why);
	entry_note(r, e, NTF_NEXT, 0, e->c, why);
}

void entry_kill_larvals(struct run *r, struct core_entry *e, bool all)
{
	for (unsigned i = 0; i < e->n_lines; i++) {
		struct core_line *l = &e->lines[i];
		struct core_action *a;

		if (!l->larval || (!all && addr_equal(&l->larval_dst, &l->peer) &&
				   addr_equal(&l->larval_src, &l->local)))
			continue;
		a = emit(r, ACT_LARVAL_KILL, e);
		a->reqid = l->reqid;
		a->local = l->larval_src;
		a->peer = l->larval_dst;
		l->larval = false;
	}
}

/* *Entering* DOWN or BACKOFF: the next packet asks again. */
static void quieten(struct run *r, struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_lines; i++) {
		line_reset(r, e, &e->lines[i]);
		e->lines[i].want = false;
		e->lines[i].has_flow = false;
	}
	entry_kill_larvals(r, e, true);
	if (e->orphans) {
		emit(r, ACT_ORPHANS_ALL, e);
		e->orphans = false;
		e->orphans_at = MONO_UNSET;
	}
}

static void leave_state(struct run *r, struct core_entry *e, enum entry_state to)
{
	if (to != ENTRY_WALK)
		e->n_walk = e->pos = 0;
	if (to != ENTRY_UP) {
		e->conn = 0;
		e->childless_at = MONO_UNSET;
	}
	if (to != ENTRY_BACKOFF)
		e->backoff_at = MONO_UNSET;
	if (to == ENTRY_WALK || to == ENTRY_UP)
		e->k_reset_at = MONO_UNSET;
	else if (e->state == ENTRY_WALK)
		e->k_reset_at = mono_add_ms(r->env->now, K_RESET_MS);
}

void entry_move(struct run *r, struct core_entry *e, enum entry_state to, peer_key peer,
		const struct cause *why)
{
	struct core_action *a = emit(r, ACT_NOTIFY, e);
	bool entering = e->state != to;

	a->note = (struct core_note){
		.type = NTF_STATE,
		.from = e->state,
		.to = to,
		.from_peer = e->shown,
		.peer = peer,
		.next = why->final ? 0 : peer_next(e),
		.gap_ms = -1,
	};
	note_cause(&a->note, why);
	if (to == ENTRY_UP && mono_is_set(e->gap_from))
		a->note.gap_ms = mono_diff_ms(r->env->now, e->gap_from);
	leave_state(r, e, to);
	e->why_peer = e->state == ENTRY_WALK ? e->shown : 0;
	e->state = to;
	e->since = r->env->now;
	e->shown = peer;
	e->why = *why;
	snprintf(e->why_text, sizeof(e->why_text), "%s", why->text ? why->text : "");
	e->why.text = NULL;
	if (entering && (to == ENTRY_DOWN || to == ENTRY_BACKOFF))
		quieten(r, e);
}

/* What another peer was just allowed to bring up (§1.5) is not part of what ends. */
static bool outlives(const struct core_entry *e, const struct core_child *ch, enum engine_close how)
{
	return ch->state == CHILD_ACCEPTED && ch->conn != e->conn && how == CLOSE_DELETE;
}

/* Will the IKE SA still be there when this entry has left it? */
static bool conn_stays(const struct core *c, const struct core_entry *e, conn_id id,
		       enum engine_close how)
{
	for (unsigned i = 0; i < c->n_entries; i++)
		for (unsigned j = 0; j < c->entries[i]->n_children; j++) {
			const struct core_child *ch = &c->entries[i]->children[j];

			if (ch->conn == id && (c->entries[i] != e || outlives(e, ch, how)))
				return true;
		}
	return conn_users(c, id, e);
}

/* The children of the entry go; those on an IKE SA that stays, one by one. */
static void end_children(struct run *r, struct core_entry *e, enum engine_close how)
{
	for (unsigned i = e->n_children; i-- > 0;) {
		struct core_child *ch = &e->children[i];
		struct core_conn *conn = core_conn(r->c, ch->conn);

		if (outlives(e, ch, how))
			continue;
		if (conn && conn->state == CONN_UP && conn_stays(r->c, e, conn->id, how)) {
			core_child_end(r, e, ch->id, how);
			continue;
		}
		if (conn && how == CLOSE_QUIET)
			conn->quiet = true;
		core_child_forget(e, ch->id);
	}
}

void entry_end_accepted(struct run *r, struct core_entry *e)
{
	for (unsigned i = e->n_children; i-- > 0;)
		if (e->children[i].state == CHILD_ACCEPTED)
			core_child_end(r, e, e->children[i].id, CLOSE_DELETE);
}

/* Ends that no packet saw: what is up next follows no gap. */
static bool nothing_went(enum entry_reason why)
{
	return why == REASON_IDLE || why == REASON_IDLE_HOME || why == REASON_NO_CHILD;
}

void entry_down(struct run *r, struct core_entry *e, enum entry_next next, enum engine_close how,
		const struct cause *why)
{
	struct core_conn *conn = core_conn(r->c, e->conn ? e->conn : e->at.conn);

	if (conn && how == CLOSE_QUIET && !conn_stays(r->c, e, conn->id, how))
		conn->quiet = true;
	/* First, so that an IKE SA which lives on with the accepted one is known to. */
	inbound_release(r, e, how == CLOSE_DELETE || why->reason == REASON_CLEAR_SESSION ?
				      NULL :
				      "refused, our address is gone");
	attempt_abandon(r, e);
	end_children(r, e, how);
	if (e->state == ENTRY_UP || e->next != next)
		entry_left(e, why);
	e->next = next;
	if (e->state == ENTRY_UP) {
		e->gap_from = nothing_went(why->reason) ? MONO_UNSET : r->env->now;
		peer_record(r, e, e->shown, why);
	}
	entry_move(r, e, ENTRY_DOWN, e->c, why);
	entry_point(r, e);
	/* Now: what was left here must not be found by another entry's next step. */
	core_settle(r);
}

static int template_nowhere(const struct core_env *env, const struct core_entry *e,
			    struct addr *local, struct addr *peer)
{
	struct core_peer p = {0};

	for (unsigned i = 0; !p.is_name && i < e->n_peers; i++)
		p = e->peers[i];
	if (!p.is_name)
		return -ENOENT;
	p.addr = (struct addr){0};
	*peer = lookup_nowhere(e->family);
	return env->local(env->ctx, e, &p, local, NULL);
}

/*
 * A name without an address cannot stand in a template, nor an address without a
 * route: then the first peer that can does, for a packet has to be able to ask.
 */
int entry_template(const struct core_env *env, const struct core_entry *e, struct addr *local,
		   struct addr *peer)
{
	const struct core_peer *to = peer_find(e, e->c);
	int err;

	for (unsigned i = 0; (!to || !addr_is_set(&to->addr)) && i < e->n_peers; i++)
		to = &e->peers[i];
	if (!to || !addr_is_set(&to->addr))
		return template_nowhere(env, e, local, peer);
	*peer = to->addr;
	err = env->local(env->ctx, e, to, local, NULL);
	for (unsigned i = 0; err && i < e->n_peers; i++)
		if (addr_is_set(&e->peers[i].addr))
			err = env->local(env->ctx, e, &e->peers[i], local, NULL);
	return err ? template_nowhere(env, e, local, peer) : 0;
}

/* Outside a walk the out template names P[c] (§12). */
void entry_point(struct run *r, struct core_entry *e)
{
	const struct core_conn *conn = core_conn(r->c, e->conn);
	struct addr local, peer;

	if (conn) {
		local = conn->local;
		peer = conn->peer;
	} else if (e->temporary || entry_template(r->env, e, &local, &peer)) {
		return;
	}
	for (unsigned i = 0; i < e->n_lines; i++) {
		struct core_line *l = &e->lines[i];
		struct core_action *a;

		if (l->blocked || (addr_equal(&l->local, &local) && addr_equal(&l->peer, &peer)))
			continue;
		l->local = local;
		l->peer = peer;
		a = emit(r, ACT_POINT, e);
		a->reqid = l->reqid;
		a->local = local;
		a->peer = peer;
	}
}

void core_point_failed(struct run *r, struct core_entry *e, uint32_t reqid)
{
	struct core_line *l = e ? core_line(e, reqid) : NULL;

	if (!l)
		return;
	l->local = l->peer = (struct addr){0};
	if (!mono_is_set(e->point_at))
		e->point_at = mono_add_ms(r->env->now, POINT_AGAIN_MS);
}

/* The pairs of the last peer end after the switch, not before it (case 37). */
static void retire_others(struct run *r, struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_children; i++)
		if (e->children[i].state == CHILD_LIVE && e->children[i].conn != e->conn)
			core_child_retire(r, e, &e->children[i]);
	if (e->orphans && !mono_is_set(e->orphans_at)) {
		emit(r, ACT_ORPHANS_OUT, e);
		e->orphans_at = mono_add_ms(r->env->now, OLD_INBOUND_MS);
	}
}

void entry_up(struct run *r, struct core_entry *e, peer_key peer, conn_id conn,
	      const struct cause *why)
{
	const struct cause left = {.reason = REASON_INBOUND,
				   .text = "left, another peer of the list called"};
	const struct cause change = moved_by(e, why);
	bool moved = e->c != peer;
	peer_key was = e->c;

	if (moved && e->state == ENTRY_UP)
		peer_record(r, e, was, &left);

	e->c = peer;
	e->next = NEXT_SAME;
	e->k = 0;
	e->dead = 0;
	e->left = e->failed = (struct cause){0};
	entry_move(r, e, ENTRY_UP, peer, why);
	e->conn = conn;
	e->gap_from = MONO_UNSET;
	if (moved) {
		entry_note(r, e, NTF_PEER, 0, peer, &change);
		r->out->list[r->out->n - 1].note.from_peer = was;
	}
	peer_record(r, e, peer, why);
	entry_mark_local(r, e, peer);
	entry_point(r, e);
	retire_others(r, e);
	entry_kill_larvals(r, e, false);
	inbound_release(r, e, "refused, another peer of the walk answered");
	line_open_wanted(r, e);
	entry_watch_childless(r, e);
}
