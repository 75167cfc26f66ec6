/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of semantics.md §10 that begin outside the IKE SA: a packet, the operator,
 * the local address, the engine, orphans, and time.
 */
#include <stdlib.h>

#include "prefpeerd/entry/core.h"
#include "prefpeerd/entry/mem.h"

/* Why a packet that asks has to wait. */
static const char *why_it_waits(struct run *r, struct core_entry *e)
{
	const struct core_peer *p = peer_find(e, peer_next(e));
	struct addr local;

	if (e->state == ENTRY_WALK)
		return "waits for the walk";
	if (e->state == ENTRY_BACKOFF)
		return "waits for the end of the back-off";
	if (!r->c->ready)
		return "waits for the IKE engine";
	if (r->c->draining)
		return "waits for the end of the drain";
	if (p && r->env->local(r->env->ctx, e, p, &local, e->local_text))
		return e->local_text;
	return NULL;
}

/* The larval of a packet that is not known: without it, the next one asks. */
static void ask_again(struct run *r, struct core_entry *e, const struct core_line *l,
		      const struct core_acquire *a)
{
	struct core_action *kill = emit(r, ACT_LARVAL_KILL, e);

	kill->reqid = l->reqid;
	kill->local = a->src;
	kill->peer = a->dst;
}

void core_acquire(struct run *r, struct core_entry *e, struct core_line *l,
		  const struct core_acquire *a)
{
	struct cause why = {.reason = REASON_ACQUIRE, .has_flow = a->has_flow, .flow = a->flow};
	const struct core_child *ch = line_covering(e, l, a->has_flow ? &a->flow : NULL);

	if (l->per_host && !a->has_flow) {
		ask_again(r, e, l, a);
		return;
	}
	l->larval = true;
	l->larval_src = a->src;
	l->larval_dst = a->dst;
	if (e->state == ENTRY_UP && ch && a->sa_there) {
		why.text = "its SAs are there already";
		entry_note(r, e, NTF_NOTE, l->no, e->c, &why);
		return;
	}
	if (!l->want || !l->has_flow) {
		l->has_flow = a->has_flow;
		l->flow = a->flow;
	}
	if (e->state == ENTRY_UP && ch) {
		core_child_lost(r, e, ch->id);
		return;
	}
	l->want = true;
	if (e->state == ENTRY_UP)
		line_open(r, e, l);
	else if (e->state == ENTRY_DOWN && entry_usable(r, e))
		walk_begin(r, e, &why);
	else {
		why.text = why_it_waits(r, e);
		entry_note(r, e, NTF_NOTE, l->no, walk_peer(e), &why);
	}
	entry_watch_childless(r, e);
	core_settle(r);
}

int core_connect(struct run *r, struct core_entry *e)
{
	const struct cause why = {.reason = REASON_CONNECT};
	bool usable = entry_usable(r, e);
	unsigned first = 0;

	if (e->state == ENTRY_UP)
		return -EALREADY;
	if (e->state == ENTRY_WALK)
		return -EINPROGRESS;
	while (first < e->n_lines && (e->lines[first].blocked || e->lines[first].per_host))
		first++;
	if (first == e->n_lines || !e->n_peers)
		return -ENOENT;
	e->lines[first].want = true;
	e->k = e->state == ENTRY_BACKOFF ? 0 : e->k;
	if (usable)
		walk_begin(r, e, &why);
	else if (e->state == ENTRY_BACKOFF)
		entry_down(r, e, e->next, CLOSE_DELETE, &why);
	core_settle(r);
	return usable ? 0 : -ENETUNREACH;
}

/* What the walk is for: what was up or asked for, and where that is nothing, the first line. */
static bool want_again(struct core_entry *e, bool *want)
{
	bool any = false;
	unsigned first = 0;

	for (unsigned i = 0; i < e->n_lines; i++) {
		want[i] = !e->lines[i].blocked &&
			  (e->lines[i].want || e->lines[i].setup ||
			   (e->state == ENTRY_UP && line_child(e, e->lines[i].reqid)));
		any |= want[i];
	}
	while (!any && first < e->n_lines && e->lines[first].blocked)
		first++;
	if (!any && first < e->n_lines)
		want[first] = any = true;
	return any;
}

/* The walk under way is over, as when its step fails; no peer is to blame. */
static void leave_walk(struct run *r, struct core_entry *e, const struct cause *why)
{
	peer_record(r, e, walk_peer(e), why);
	attempt_abandon(r, e);
	inbound_release(r, e, NULL);
}

/* The machine has one attempt per entry, and that in WALK: it breaks before it makes. */
int core_switch(struct run *r, struct core_entry *e, peer_key to)
{
	const struct cause why = {.reason = REASON_SWITCH};
	const struct core_peer *p = peer_find(e, to);
	bool *want;

	if (e->temporary || !p)
		return -ENOENT;
	if (e->state == ENTRY_UP && e->c == to)
		return -EALREADY;
	if (walk_peer(e) == to)
		return -EINPROGRESS;
	if (!r->c->ready || r->c->draining || !lookup_usable(r, e, p))
		return -ENETUNREACH;
	want = mem_resize(NULL, e->n_lines ? e->n_lines : 1, sizeof(*want));
	if (!want_again(e, want)) {
		free(want);
		return -ENOENT;
	}
	if (e->state == ENTRY_WALK)
		leave_walk(r, e, &why);
	else if (e->state == ENTRY_UP)
		entry_down(r, e, e->next, CLOSE_DELETE, &why);
	entry_operated(e, &why);
	for (unsigned i = 0; i < e->n_lines; i++)
		e->lines[i].want = want[i];
	free(want);
	e->k = 0;
	walk_begin_at(r, e, to, &why);
	core_settle(r);
	return 0;
}

/*
 * A peer may have called at another of our addresses: what counts is whether the answer changed.
 * How it did is said in local_text.
 */
static bool local_moved(struct run *r, struct core_entry *e, peer_key key)
{
	const struct core_peer *p = peer_find(e, key);
	char was[ADDR_STRLEN], now[ADDR_STRLEN], why[CORE_TEXT_MAX] = "";
	struct addr a;

	if (!p || !addr_is_set(&e->local))
		return false;
	addr_print(&e->local, was, sizeof(was));
	if (r->env->local(r->env->ctx, e, p, &a, why)) {
		snprintf(e->local_text, sizeof(e->local_text), "local address %s lost: %.*s", was,
			 (int)(sizeof(e->local_text) - sizeof(was) - 22), why);
		return true;
	}
	snprintf(e->local_text, sizeof(e->local_text), "local address was %s, is %s now", was,
		 addr_print(&a, now, sizeof(now)));
	return !addr_equal(&a, &e->local);
}

void entry_mark_local(struct run *r, struct core_entry *e, peer_key key)
{
	const struct core_peer *p = peer_find(e, key);

	if (!p || r->env->local(r->env->ctx, e, p, &e->local, NULL))
		e->local = (struct addr){0};
}

/* Which one, if it is the way to the peer that is next. */
static const char *usable_text(struct run *r, struct core_entry *e)
{
	const struct core_peer *p = peer_find(e, peer_next(e));
	char text[ADDR_STRLEN];
	struct addr a;

	if (!p || r->env->local(r->env->ctx, e, p, &a, NULL))
		return NULL;
	snprintf(e->local_text, sizeof(e->local_text), "local address %s is usable",
		 addr_print(&a, text, sizeof(text)));
	return e->local_text;
}

static bool left_by_local(struct run *r, struct core_entry *e)
{
	return (e->state == ENTRY_UP && local_moved(r, e, e->c)) ||
	       (e->state == ENTRY_WALK && local_moved(r, e, walk_peer(e)));
}

/* @begin: why a walk begins for what is wanted already. */
static void local_changed(struct run *r, struct core_entry *e, enum entry_reason begin)
{
	const struct cause gone = {.reason = REASON_LOCAL_GONE, .text = e->local_text};
	struct cause usable = {.reason = e->orphans ? REASON_ORPHANS : begin};

	if (left_by_local(r, e))
		entry_down(r, e, e->next, CLOSE_QUIET, &gone);
	lookup_fixed(r, e);
	if (e->state == ENTRY_DOWN || e->state == ENTRY_BACKOFF)
		entry_point(r, e);
	if (e->state != ENTRY_DOWN || !entry_wanted(e) || !entry_usable(r, e))
		return;
	if (usable.reason == REASON_LOCAL_USABLE)
		usable.text = usable_text(r, e);
	walk_begin(r, e, &usable);
}

/* The address is still there, so the peer is told (RFC 7296 §1.4.1). */
static void interface_left(struct run *r, struct core_entry *e)
{
	const struct cause left = {.reason = REASON_CONFIG, .text = e->local_text};
	char was[ADDR_STRLEN];

	if (!left_by_local(r, e))
		return;
	snprintf(e->local_text, sizeof(e->local_text), "map removed from the interface of %s",
		 addr_print(&e->local, was, sizeof(was)));
	inbound_release(r, e, "refused, the map is removed from its interface");
	entry_end_accepted(r, e);
	entry_down(r, e, e->next, CLOSE_DELETE, &left);
}

void core_interfaces_left(struct run *r)
{
	for (unsigned i = 0; i < r->c->n_entries; i++)
		interface_left(r, r->c->entries[i]);
	core_local_changed(r);
}

void core_local_changed(struct run *r)
{
	for (unsigned i = 0; i < r->c->n_entries; i++)
		local_changed(r, r->c->entries[i], REASON_LOCAL_USABLE);
	core_settle(r);
}

static const char stopping[] = "the agent stops";

void core_ready(struct run *r, bool ready)
{
	/* It was not ready any more: core_stop() was here. */
	const struct cause why = {.reason = REASON_ENGINE,
				  .text = r->c->ready ? "the IKE engine is gone" : stopping};

	r->c->ready = ready;
	if (ready) {
		/* What waited did so for the engine, not for an address. */
		for (unsigned i = 0; i < r->c->n_entries; i++)
			local_changed(r, r->c->entries[i], REASON_ACQUIRE);
		core_settle(r);
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
			core_child_forget(e, e->children[0].id);
	}
}

void core_stop(struct run *r)
{
	const struct cause why = {.reason = REASON_ENGINE, .text = stopping};

	r->c->ready = false;
	for (unsigned i = 0; i < r->c->n_entries; i++) {
		struct core_entry *e = r->c->entries[i];

		inbound_release(r, e, "refused, the agent is stopping");
		if (e->state == ENTRY_WALK || e->state == ENTRY_BACKOFF)
			entry_down(r, e, e->next, CLOSE_DELETE, &why);
	}
	core_settle(r);
}

void core_drain(struct run *r, bool on)
{
	const struct cause why = {.reason = REASON_DRAIN};

	r->c->draining = on;
	for (unsigned i = 0; i < r->c->n_entries; i++) {
		struct core_entry *e = r->c->entries[i];

		if (!on) {
			local_changed(r, e, REASON_ACQUIRE);
			continue;
		}
		inbound_release(r, e, "refused, this gateway is drained");
		if (e->state == ENTRY_WALK || e->state == ENTRY_BACKOFF)
			entry_down(r, e, e->next, CLOSE_DELETE, &why);
	}
	core_settle(r);
}

void core_orphans(struct run *r, struct core_entry *e, peer_key peer, const uint32_t *reqids,
		  unsigned n)
{
	const struct cause why = {.reason = REASON_ORPHANS};

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

void core_clear_session_by(struct run *r, struct core_entry *e, enum entry_reason reason,
			   enum engine_close how)
{
	const struct cause why = {.reason = reason};
	enum entry_next next = entry_home_or(e, NEXT_SAME);
	conn_id conn = e->state == ENTRY_UP ? e->conn : 0;

	entry_end_accepted(r, e);
	if (e->state == ENTRY_DOWN)
		entry_set_next(r, e, next, &why);
	else
		entry_down(r, e, next, how, &why);
	e->k = 0;
	e->k_reset_at = MONO_UNSET;
	if (conn)
		conn_close_for_all(r, conn, e, how);
	core_settle(r);
}

void core_clear_session(struct run *r, struct core_entry *e, enum entry_reason reason)
{
	core_clear_session_by(r, e, reason, CLOSE_DELETE);
}

static bool selected(const struct core_child *ch, const struct addr *peer, uint32_t spi)
{
	return ch->state == CHILD_LIVE &&
	       (!peer || !addr_is_set(peer) || addr_equal(peer, &ch->remote)) &&
	       (!spi || spi == ch->spi_in || spi == ch->spi_out);
}

unsigned core_clear_sa(struct run *r, struct core_entry *e, const struct addr *peer, uint32_t spi)
{
	const struct cause why = {.reason = REASON_CLEAR_SA};
	bool all = !spi && (!peer || !addr_is_set(peer));
	unsigned n = 0;

	for (unsigned i = e->n_children; i-- > 0;)
		if (selected(&e->children[i], peer, spi)) {
			core_child_end(r, e, e->children[i].id, CLOSE_DELETE);
			n++;
		}
	if ((n || all) && !entry_live(e)) {
		if (e->state != ENTRY_DOWN)
			entry_down(r, e, e->state == ENTRY_UP ? NEXT_SAME : e->next, CLOSE_DELETE,
				   &why);
		e->k = 0;
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
	struct cause why = {.reason = REASON_BACKOFF_OVER};

	e->k++;
	if (entry_wanted(e) && entry_usable(r, e)) {
		walk_begin(r, e, &why);
	} else {
		why.text = "back-off over, and no packet asked for it since";
		entry_down(r, e, e->next, CLOSE_DELETE, &why);
	}
}

static void tick_children(struct run *r, struct core_entry *e)
{
	for (unsigned i = e->n_children; i-- > 0;)
		if (e->children[i].state == CHILD_OLD && due(r, e->children[i].close_at))
			core_child_end(r, e, e->children[i].id, CLOSE_DELETE);
	if (e->orphans && due(r, e->orphans_at)) {
		emit(r, ACT_ORPHANS_ALL, e);
		e->orphans = false;
		e->orphans_at = MONO_UNSET;
	}
}

void core_tick(struct run *r, struct core_entry *e)
{
	const struct cause no_child = {.reason = REASON_NO_CHILD};

	tick_children(r, e);
	inbound_timeout(r, e);
	if (due(r, e->moved_until))
		e->moved_until = MONO_UNSET;
	if (due(r, e->k_reset_at)) {
		e->k = 0;
		e->k_reset_at = MONO_UNSET;
	}
	if (due(r, e->point_at)) {
		e->point_at = MONO_UNSET;
		/* Not within a walk (I9): its end names a peer in any case. */
		if (e->state != ENTRY_WALK)
			entry_point(r, e);
	}
	for (unsigned i = 0; i < e->n_lines; i++)
		if (due(r, e->lines[i].backoff_at))
			line_backoff_over(r, e, &e->lines[i]);
	if (e->at.kind == AT_NAME && due(r, e->at.at)) {
		lookup_overdue(r, e);
	} else if (e->at.kind && due(r, e->at.at) && !attempt_open_again(r, e)) {
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
	const mono_t own[] = {e->at.kind ? e->at.at : MONO_UNSET,
			      e->backoff_at,
			      e->k_reset_at,
			      e->childless_at,
			      e->moved_until,
			      e->point_at,
			      e->orphans_at};
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
