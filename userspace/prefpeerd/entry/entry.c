/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one door through which an entry changes state, and the rows that are not of one phase only. */
#include "prefpeerd/entry/core.h"
#include "prefpeerd/entry/mem.h"

struct core_action *emit(struct run *r, enum core_action_type type, const struct core_entry *e)
{
	struct core_out *o = r->out;

	MEM_ROOM(o->list, o->n, o->cap);
	o->list[o->n] = (struct core_action){ .type = type, .entry = e ? e->id : 0 };
	return &o->list[o->n++];
}

enum entry_reason reason_of(enum engine_why why)
{
	static const enum entry_reason map[] = {
		[WHY_NONE] = REASON_ENGINE,	[WHY_TIMEOUT] = REASON_TIMEOUT,
		[WHY_DEAD] = REASON_DEAD,	[WHY_AUTH] = REASON_AUTH,
		[WHY_PROPOSAL] = REASON_PROPOSAL, [WHY_TS] = REASON_TS,
		[WHY_PEER_DELETE] = REASON_PEER_DELETE, [WHY_LIFETIME] = REASON_LIFETIME,
		[WHY_LOCAL] = REASON_ENGINE,	[WHY_LOST] = REASON_LOST,
		[WHY_BUSY] = REASON_BUSY,	[WHY_UNKNOWN] = REASON_ENGINE,
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
	struct addr a;

	if (!r->c->ready)
		return false;
	for (unsigned i = 0; i < e->n_peers; i++)
		if (addr_is_set(&e->peers[i].addr) &&
		    !r->env->local(r->env->ctx, e, &e->peers[i], &a))
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
	bool bare = e->state == ENTRY_UP && !entry_live(e) && !entry_in_setup(e) &&
		    !entry_wanted(e);

	if (!bare)
		e->childless_at = MONO_UNSET;
	else if (!mono_is_set(e->childless_at))
		e->childless_at = mono_add_ms(r->env->now, CHILDLESS_MS);
}

void entry_note(struct run *r, struct core_entry *e, enum entry_ntf_type type, unsigned line,
		peer_key peer, const struct cause *why)
{
	struct core_action *a = emit(r, ACT_NOTIFY, e);

	a->note = (struct core_note){
		.type = type, .line = line, .from = e->state, .to = e->state,
		.from_peer = e->shown, .peer = peer, .next = peer_next(e),
		.cause = *why, .gap_ms = -1,
	};
}

void entry_set_next(struct run *r, struct core_entry *e, enum entry_next next)
{
	const struct cause why = { .reason = e->why.reason };

	if (e->next == next)
		return;
	e->next = next;
	entry_note(r, e, NTF_NEXT, 0, e->c, &why);
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
		.type = NTF_STATE, .from = e->state, .to = to, .from_peer = e->shown,
		.peer = peer, .next = peer_next(e), .cause = *why, .gap_ms = -1,
	};
	if (to == ENTRY_UP && mono_is_set(e->gap_from))
		a->note.gap_ms = mono_diff_ms(r->env->now, e->gap_from);
	leave_state(r, e, to);
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
			child_end(r, e, ch->id, how);
			continue;
		}
		if (conn && how == CLOSE_QUIET)
			conn->quiet = true;
		child_forget(e, ch->id);
	}
}

void entry_end_accepted(struct run *r, struct core_entry *e)
{
	for (unsigned i = e->n_children; i-- > 0;)
		if (e->children[i].state == CHILD_ACCEPTED)
			child_end(r, e, e->children[i].id, CLOSE_DELETE);
}

void entry_down(struct run *r, struct core_entry *e, enum entry_next next, enum engine_close how,
		const struct cause *why)
{
	struct core_conn *conn = core_conn(r->c, e->conn ? e->conn : e->at.conn);

	if (conn && how == CLOSE_QUIET && !conn_stays(r->c, e, conn->id, how))
		conn->quiet = true;
	/* First, so that an IKE SA which lives on with the accepted one is known to. */
	inbound_release(r, e, how == CLOSE_DELETE);
	attempt_abandon(r, e);
	end_children(r, e, how);
	e->next = next;
	if (e->state == ENTRY_UP)
		e->gap_from = r->env->now;
	entry_move(r, e, ENTRY_DOWN, e->c, why);
	entry_point(r, e);
	/* Now: what was left here must not be found by another entry's next step. */
	core_settle(r);
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
		return -ENOENT;
	*peer = to->addr;
	err = env->local(env->ctx, e, to, local);
	for (unsigned i = 0; err && i < e->n_peers; i++)
		if (addr_is_set(&e->peers[i].addr))
			err = env->local(env->ctx, e, &e->peers[i], local);
	return err;
}

/* Outside a walk the out template names P[c] (§12). */
void entry_point(struct run *r, struct core_entry *e)
{
	const struct core_conn *conn = core_conn(r->c, e->conn);
	struct addr local, peer;

	if (conn) {
		local = conn->local;
		peer = conn->peer;
	} else if (entry_template(r->env, e, &local, &peer)) {
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

/* The pairs of the last peer end after the switch, not before it (case 37). */
static void retire_others(struct run *r, struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_children; i++)
		if (e->children[i].state == CHILD_LIVE && e->children[i].conn != e->conn)
			child_retire(r, e, &e->children[i]);
	if (e->orphans && !mono_is_set(e->orphans_at)) {
		emit(r, ACT_ORPHANS_OUT, e);
		e->orphans_at = mono_add_ms(r->env->now, OLD_INBOUND_MS);
	}
}

void entry_up(struct run *r, struct core_entry *e, peer_key peer, conn_id conn,
	      const struct cause *why)
{
	bool moved = e->c != peer;
	peer_key was = e->c;

	e->c = peer;
	e->next = NEXT_SAME;
	e->k = 0;
	e->dead = 0;
	entry_move(r, e, ENTRY_UP, peer, why);
	e->conn = conn;
	e->gap_from = MONO_UNSET;
	if (moved) {
		entry_note(r, e, NTF_PEER, 0, peer, why);
		r->out->list[r->out->n - 1].note.from_peer = was;
	}
	peer_record(r, e, peer, why);
	entry_mark_local(r, e, peer);
	entry_point(r, e);
	retire_others(r, e);
	entry_kill_larvals(r, e, false);
	inbound_release(r, e, false);
	line_open_wanted(r, e);
	entry_watch_childless(r, e);
}

void core_acquire(struct run *r, struct core_entry *e, struct core_line *l,
		  const struct core_acquire *a)
{
	const struct cause why = { .reason = REASON_ACQUIRE, .has_flow = a->has_flow,
				   .flow = a->flow };

	l->larval = true;
	l->larval_src = a->src;
	l->larval_dst = a->dst;
	if (e->state == ENTRY_UP && line_covers(e, l, a->has_flow ? &a->flow : NULL)) {
		struct core_child *ch = line_child(e, l->reqid);

		if (a->sa_there) {
			entry_note(r, e, NTF_NOTE, l->no, e->c, &why);
			return;
		}
		core_child_lost(r, e, ch->id);
		return;
	}
	if (!l->want || !l->has_flow) {
		l->has_flow = a->has_flow;
		l->flow = a->flow;
	}
	l->want = true;
	if (e->state == ENTRY_UP)
		line_open(r, e, l);
	else if (e->state == ENTRY_DOWN && entry_usable(r, e))
		walk_begin(r, e, &why);
	else
		entry_note(r, e, NTF_NOTE, l->no, walk_peer(e), &why);
	entry_watch_childless(r, e);
	core_settle(r);
}

int core_connect(struct run *r, struct core_entry *e)
{
	const struct cause why = { .reason = REASON_CONNECT };
	bool usable = entry_usable(r, e);

	if (e->state == ENTRY_UP)
		return -EALREADY;
	if (e->state == ENTRY_WALK)
		return -EINPROGRESS;
	if (!e->n_lines || !e->n_peers)
		return -ENOENT;
	e->lines[0].want = true;
	e->k = e->state == ENTRY_BACKOFF ? 0 : e->k;
	if (usable)
		walk_begin(r, e, &why);
	else if (e->state == ENTRY_BACKOFF)
		entry_down(r, e, e->next, CLOSE_DELETE, &why);
	core_settle(r);
	return usable ? 0 : -ENETUNREACH;
}

/* A peer may have called at another of our addresses: what counts is whether the answer changed. */
static bool local_moved(struct run *r, const struct core_entry *e, peer_key key)
{
	const struct core_peer *p = peer_find(e, key);
	struct addr a;

	return p && addr_is_set(&e->local) &&
	       (r->env->local(r->env->ctx, e, p, &a) || !addr_equal(&a, &e->local));
}

void entry_mark_local(struct run *r, struct core_entry *e, peer_key key)
{
	const struct core_peer *p = peer_find(e, key);

	if (!p || r->env->local(r->env->ctx, e, p, &e->local))
		e->local = (struct addr){ 0 };
}

static void local_changed(struct run *r, struct core_entry *e)
{
	const struct cause gone = { .reason = REASON_LOCAL_GONE };
	const struct cause usable = { .reason = e->orphans ? REASON_ORPHANS : REASON_LOCAL_USABLE };

	if ((e->state == ENTRY_UP && local_moved(r, e, e->c)) ||
	    (e->state == ENTRY_WALK && local_moved(r, e, walk_peer(e))))
		entry_down(r, e, e->next, CLOSE_QUIET, &gone);
	if (e->state == ENTRY_DOWN || e->state == ENTRY_BACKOFF)
		entry_point(r, e);
	if (e->state == ENTRY_DOWN && entry_wanted(e) && entry_usable(r, e))
		walk_begin(r, e, &usable);
}

void core_local_changed(struct run *r)
{
	for (unsigned i = 0; i < r->c->n_entries; i++)
		local_changed(r, r->c->entries[i]);
	core_settle(r);
}

void core_ready(struct run *r, bool ready)
{
	const struct cause why = { .reason = REASON_ENGINE };

	r->c->ready = ready;
	if (ready) {
		core_local_changed(r);
		return;
	}
	/* ENG_LOST: every IKE SA went with the engine. */
	r->c->n_conns = 0;
	for (unsigned i = 0; i < r->c->n_entries; i++) {
		struct core_entry *e = r->c->entries[i];

		e->n_holds = 0;
		if (e->state == ENTRY_UP || e->state == ENTRY_WALK)
			entry_down(r, e, e->next, CLOSE_QUIET, &why);
		while (e->n_children)
			child_forget(e, e->children[0].id);
	}
}

void core_stop(struct run *r)
{
	const struct cause why = { .reason = REASON_ENGINE };

	r->c->ready = false;
	for (unsigned i = 0; i < r->c->n_entries; i++) {
		struct core_entry *e = r->c->entries[i];

		inbound_release(r, e, false);
		if (e->state == ENTRY_WALK || e->state == ENTRY_BACKOFF)
			entry_down(r, e, e->next, CLOSE_DELETE, &why);
	}
	core_settle(r);
}

void core_orphans(struct run *r, struct core_entry *e, peer_key peer, const uint32_t *reqids,
		  unsigned n)
{
	const struct cause why = { .reason = REASON_ORPHANS };

	if (e->state != ENTRY_DOWN)
		return;
	e->c = peer;
	e->next = NEXT_SAME;
	e->orphans = true;
	for (unsigned i = 0; i < n; i++) {
		struct core_line *l = core_line(e, reqids[i]);

		if (l && !l->blocked)
			l->want = true;
	}
	entry_point(r, e);
	if (entry_wanted(e) && entry_usable(r, e))
		walk_begin(r, e, &why);
	core_settle(r);
}

void core_clear_session(struct run *r, struct core_entry *e, enum entry_reason reason)
{
	const struct cause why = { .reason = reason };
	enum entry_next next = entry_home_or(e, NEXT_SAME);
	conn_id conn = e->state == ENTRY_UP ? e->conn : 0;

	entry_end_accepted(r, e);
	if (e->state == ENTRY_DOWN)
		entry_set_next(r, e, next);
	else
		entry_down(r, e, next, CLOSE_DELETE, &why);
	e->k = 0;
	e->k_reset_at = MONO_UNSET;
	if (conn)
		conn_close_for_all(r, conn, e);
	core_settle(r);
}

static bool selected(const struct core_child *ch, const struct addr *peer, uint32_t spi)
{
	return ch->state == CHILD_LIVE &&
	       (!peer || !addr_is_set(peer) || addr_equal(peer, &ch->remote)) &&
	       (!spi || spi == ch->spi_in || spi == ch->spi_out);
}

unsigned core_clear_sa(struct run *r, struct core_entry *e, const struct addr *peer, uint32_t spi)
{
	const struct cause why = { .reason = REASON_CLEAR_SA };
	bool all = !spi && (!peer || !addr_is_set(peer));
	unsigned n = 0;

	for (unsigned i = e->n_children; i-- > 0;)
		if (selected(&e->children[i], peer, spi)) {
			child_end(r, e, e->children[i].id, CLOSE_DELETE);
			n++;
		}
	if (e->state != ENTRY_DOWN && (n || all) && !entry_live(e)) {
		e->k = 0;
		entry_down(r, e, e->state == ENTRY_UP ? NEXT_SAME : e->next, CLOSE_DELETE, &why);
		e->k_reset_at = MONO_UNSET;
	}
	core_settle(r);
	return n;
}

static bool due(const struct run *r, mono_t at)
{
	return mono_is_set(at) && !mono_before(r->env->now, at);
}

static void backoff_over(struct run *r, struct core_entry *e)
{
	const struct cause why = { .reason = REASON_BACKOFF_OVER };

	e->k++;
	if (entry_wanted(e) && entry_usable(r, e))
		walk_begin(r, e, &why);
	else
		entry_down(r, e, e->next, CLOSE_DELETE, &why);
}

static void tick_children(struct run *r, struct core_entry *e)
{
	for (unsigned i = e->n_children; i-- > 0;)
		if (e->children[i].state == CHILD_OLD && due(r, e->children[i].close_at))
			child_end(r, e, e->children[i].id, CLOSE_DELETE);
	if (e->orphans && due(r, e->orphans_at)) {
		emit(r, ACT_ORPHANS_ALL, e);
		e->orphans = false;
		e->orphans_at = MONO_UNSET;
	}
}

void core_tick(struct run *r, struct core_entry *e)
{
	const struct cause no_child = { .reason = REASON_NO_CHILD };

	tick_children(r, e);
	inbound_timeout(r, e);
	if (due(r, e->moved_until))
		e->moved_until = MONO_UNSET;
	if (due(r, e->k_reset_at)) {
		e->k = 0;
		e->k_reset_at = MONO_UNSET;
	}
	for (unsigned i = 0; i < e->n_lines; i++)
		if (due(r, e->lines[i].backoff_at))
			line_backoff_over(r, e, &e->lines[i]);
	if (e->at.kind && due(r, e->at.at)) {
		const struct cause why = {
			.reason = e->at.remark ? e->at.remark : REASON_TIMEOUT,
			.text = e->at.remark ? e->at.remark_text : NULL,
			.budget_ms = (uint32_t)mono_diff_ms(r->env->now, e->at.started),
		};

		walk_step_failed(r, e, &why);
	}
	if (due(r, e->backoff_at))
		backoff_over(r, e);
	if (due(r, e->childless_at))
		entry_down(r, e, e->idle_home ? entry_home_or(e, NEXT_SAME) : NEXT_SAME,
			   CLOSE_DELETE, &no_child);
	core_settle(r);
}

mono_t core_deadline(const struct core_entry *e)
{
	const mono_t own[] = { e->at.kind ? e->at.at : MONO_UNSET, e->backoff_at, e->k_reset_at,
			       e->childless_at, e->moved_until, e->orphans_at };
	mono_t at = MONO_NEVER;

	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (mono_is_set(own[i]))
			at = mono_min(at, own[i]);
	for (unsigned i = 0; i < e->n_lines; i++)
		if (mono_is_set(e->lines[i].backoff_at))
			at = mono_min(at, e->lines[i].backoff_at);
	for (unsigned i = 0; i < e->n_children; i++)
		if (mono_is_set(e->children[i].close_at))
			at = mono_min(at, e->children[i].close_at);
	for (unsigned i = 0; i < e->n_holds; i++)
		at = mono_min(at, e->holds[i].at);
	return at;
}
