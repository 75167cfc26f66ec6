/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One set-up, and its two budgets (semantics.md §10): Answer, until the first
 * message with our SPI; Finish, from there until the child is accepted.
 */
#include "prefpeerd/entry/core.h"

#define R_WITHOUT_DPD_MS 2000u

/* R towards that peer; @p NULL: of the entry. */
static uint32_t retry_ms(const struct core_entry *e, const struct core_peer *p)
{
	if (p && p->retry_ms)
		return p->retry_ms;
	return e->retry_ms ? e->retry_ms : R_WITHOUT_DPD_MS;
}

static uint32_t clamp_ms(uint64_t v, uint32_t lo, uint32_t hi)
{
	return v < lo ? lo : v > hi ? hi : (uint32_t)v;
}

static uint32_t at_least(uint32_t ms, uint32_t least)
{
	return ms < least ? least : ms;
}

/* Four smoothed round trips, rounded up. */
static uint32_t round_trips_ms(const struct core_peer *p)
{
	return (uint32_t)((4ull * p->rtt_us + 999) / 1000);
}

uint32_t attempt_dead_ms(const struct core_entry *e, const struct core_peer *p)
{
	if (e->answer_ms)
		return e->answer_ms;
	return at_least(clamp_ms(retry_ms(e, p), 250, 3000), round_trips_ms(p));
}

uint32_t attempt_answer_ms(const struct core_entry *e, const struct core_peer *p)
{
	if (p->key == e->dead)
		return attempt_dead_ms(e, p);
	if (e->answer_ms)
		return e->answer_ms;
	return at_least(clamp_ms(6ull * retry_ms(e, p), 250, 30000),
			p->rtt_us ? round_trips_ms(p) : 1000);
}

uint32_t attempt_finish_ms(const struct core_entry *e, const struct core_peer *p)
{
	return clamp_ms(6ull * retry_ms(e, p), 2000, 30000);
}

uint32_t entry_dpd_budget_ms(const struct core_entry *e)
{
	const struct core_peer *p = peer_find(e, e->c);

	return at_least(6 * retry_ms(e, p), p ? round_trips_ms(p) : 0);
}

static struct core_line *first_wanted(struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_lines; i++)
		if (e->lines[i].want && !e->lines[i].blocked)
			return &e->lines[i];
	return NULL;
}

static struct core_action *emit_child(struct run *r, struct core_entry *e,
				      enum core_action_type type)
{
	const struct core_line *l = core_line(e, e->at.reqid);
	struct core_action *a = emit(r, type, e);

	a->conn = e->at.conn;
	a->child = e->at.child;
	a->reqid = l->reqid;
	a->sel = line_ask(l);
	return a;
}

static void add_child(struct run *r, struct core_entry *e)
{
	struct core_line *l = core_line(e, e->at.reqid);

	e->at.child = ++r->c->last_child;
	l->setup = e->at.child;
	core_child_add(e, e->at.child, e->at.conn, l->reqid, CHILD_SETUP, walk_peer(e));
}

static void ask_child(struct run *r, struct core_entry *e)
{
	e->at.kind = AT_ASK;
	add_child(r, e);
	emit_child(r, e, ACT_CHILD_OPEN);
}

static void run_budget(struct run *r, struct core_entry *e, bool answered)
{
	e->at.answered = answered;
	e->at.budget_ms = answered ? attempt_finish_ms(e, peer_find(e, walk_peer(e))) :
				      e->at.answer_ms;
	e->at.at = mono_add_ms(r->env->now, e->at.budget_ms);
}

static void emit_open(struct run *r, struct core_entry *e, const struct core_conn *conn)
{
	struct core_action *a = emit_child(r, e, ACT_OPEN);

	a->remote = conn->remote;
	a->local = conn->local;
	a->peer = conn->peer;
	a->answer_ms = e->at.answer_ms;
	a->finish_ms = attempt_finish_ms(e, peer_find(e, walk_peer(e)));
}

static void open_new(struct run *r, struct core_entry *e, const struct core_peer *p,
		     const struct addr *local)
{
	const struct core_conn *conn = conn_new(r->c, p->remote, local, &p->addr);

	e->at.kind = AT_OPEN;
	e->at.conn = conn->id;
	add_child(r, e);
	emit_open(r, e, conn);
}

static void wait_for_room(struct run *r, struct core_entry *e)
{
	e->at.at = mono_add_ms(r->env->now, OPEN_AGAIN_MS);
}

void core_conn_busy(struct run *r, conn_id id)
{
	struct core_conn *conn = core_conn(r->c, id);

	if (!conn || conn->state != CONN_SETUP)
		return;
	conn->waiting = true;
	for (unsigned i = 0; i < r->c->n_entries; i++)
		if (r->c->entries[i]->at.kind && r->c->entries[i]->at.conn == id)
			wait_for_room(r, r->c->entries[i]);
}

static bool has_opener(const struct core *c, conn_id id)
{
	for (unsigned i = 0; i < c->n_entries; i++)
		if (c->entries[i]->at.kind == AT_OPEN && c->entries[i]->at.conn == id)
			return true;
	return false;
}

/* Whoever joined opens it, if the one who wanted to has left. */
bool attempt_open_again(struct run *r, struct core_entry *e)
{
	struct core_conn *conn = core_conn(r->c, e->at.conn);

	if (!conn || !conn->waiting)
		return false;
	if (e->at.kind == AT_JOIN && has_opener(r->c, conn->id)) {
		wait_for_room(r, e);
		return true;
	}
	if (e->at.kind == AT_JOIN) {
		e->at.kind = AT_OPEN;
		add_child(r, e);
	}
	conn->waiting = false;
	for (unsigned i = 0; i < r->c->n_entries; i++) {
		struct core_entry *user = r->c->entries[i];

		if (!user->at.kind || user->at.conn != conn->id)
			continue;
		user->at.started = r->env->now;
		run_budget(r, user, false);
	}
	emit_open(r, e, conn);
	return true;
}

bool attempt_begin(struct run *r, struct core_entry *e, struct core_peer *p, struct cause *why)
{
	struct core_line *l = first_wanted(e);
	struct core_conn *conn;
	struct addr local;

	if (p->name == NAME_ASKED) {
		lookup_wait(e, p);
		return true;
	}
	*why = (struct cause){.reason = REASON_DNS,
			      .text = p->name == NAME_FAILED ? p->name_text : NULL};
	if (p->name == NAME_FAILED || !addr_is_set(&p->addr))
		return false;
	p->tried = p->addr;
	*why = (struct cause){.reason = REASON_NO_LOCAL, .text = e->local_text};
	if (r->env->local(r->env->ctx, e, p, &local, e->local_text))
		return false;
	*why = (struct cause){.reason = REASON_ENGINE,
			      .text = r->c->ready ? NULL : "the IKE engine is not ready"};
	if (!r->c->ready || !l)
		return false;
	e->at = (struct core_attempt){
		.reqid = l->reqid, .started = r->env->now, .answer_ms = attempt_answer_ms(e, p)};
	e->local = local;
	conn = conn_find(r->c, p->remote, &local, &p->addr);
	if (!conn) {
		open_new(r, e, p, &local);
		run_budget(r, e, false);
	} else if (conn->state == CONN_UP) {
		e->at.conn = conn->id;
		ask_child(r, e);
		run_budget(r, e, true);
	} else {
		e->at.kind = AT_JOIN;
		e->at.conn = conn->id;
		run_budget(r, e, conn->answered);
		if (conn->waiting)
			wait_for_room(r, e);
	}
	return true;
}

/* The set-up that this entry joined, or took over, is an IKE SA now. */
void attempt_conn_up(struct run *r, struct core_entry *e)
{
	if (e->at.kind != AT_JOIN)
		return;
	if (!e->at.answered)
		run_budget(r, e, true);
	ask_child(r, e);
}

/*
 * The entry leaves the set-up. Whoever joined takes it over; else core_settle()
 * closes it. A child that rides on its IKE_AUTH may still come up: then it
 * belongs to nobody, and core_child_up() ends it.
 */
void attempt_abandon(struct run *r, struct core_entry *e)
{
	struct core_line *l = core_line(e, e->at.reqid);
	const struct core_conn *conn = core_conn(r->c, e->at.conn);

	if (!e->at.kind)
		return;
	if (l)
		l->setup = 0;
	if (core_child(e, e->at.child)) {
		if (conn && conn->state == CONN_UP)
			core_child_end(r, e, e->at.child, CLOSE_DELETE);
		else
			core_child_forget(e, e->at.child);
	}
	e->at = (struct core_attempt){0};
}

static void answered(struct run *r, struct core_entry *e)
{
	if (e->at.kind && !e->at.answered) {
		e->at.remark =
			REASON_NONE; /* a proper answer: whatever was said before does not count */
		run_budget(r, e, true);
	}
}

void core_conn_answered(struct run *r, conn_id id, uint32_t rtt_us)
{
	struct core_conn *conn = core_conn(r->c, id);

	if (!conn || conn->state == CONN_CLOSING)
		return;
	conn->answered = true;
	conn->waiting = false;
	conn->rtt_us = rtt_us ? rtt_us : conn->rtt_us;
	for (unsigned i = 0; i < r->c->n_entries; i++)
		if (r->c->entries[i]->at.conn == id)
			answered(r, r->c->entries[i]);
}

/* Nothing unauthenticated decides: the step ends at half its Answer budget unless an answer comes.
 */
void core_conn_remark(struct run *r, conn_id id, enum engine_why why, const char *text)
{
	struct cause c = {.reason = reason_of(why), .text = text};

	for (unsigned i = 0; i < r->c->n_entries; i++) {
		struct core_entry *e = r->c->entries[i];

		if (!e->at.kind || e->at.conn != id || e->at.answered ||
		    e->at.remark == c.reason)
			continue;
		e->at.remark = c.reason;
		snprintf(e->at.remark_text, sizeof(e->at.remark_text), "%s", text ? text : "");
		e->at.at = mono_max(r->env->now, mono_add_ms(e->at.started, e->at.answer_ms / 2));
		c.ends_ms = (uint32_t)mono_diff_ms(e->at.at, r->env->now);
		entry_note(r, e, NTF_NOTE, 0, walk_peer(e), &c);
	}
}
