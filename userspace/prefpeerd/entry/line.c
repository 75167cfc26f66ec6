/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines and their child SAs: want, set-up, back-off, the ends of pairs. No line
 * ever moves the peer of another (semantics.md §10).
 */
#include "prefpeerd/entry/core.h"

struct core_line *core_line(const struct core_entry *e, uint32_t reqid)
{
	for (unsigned i = 0; i < e->n_lines; i++)
		if (e->lines[i].reqid == reqid)
			return &e->lines[i];
	return NULL;
}

struct core_child *line_covering(const struct core_entry *e, const struct core_line *l,
				 const struct selector *flow)
{
	for (unsigned i = e->n_children; i-- > 0;) {
		struct core_child *ch = &e->children[i];

		if (ch->reqid == l->reqid && ch->state == CHILD_LIVE &&
		    (!flow || selector_contains(&ch->sel, flow)))
			return ch;
	}
	return NULL;
}

static void line_note(struct run *r, struct core_entry *e, uint32_t reqid, const struct cause *why)
{
	const struct core_line *l = core_line(e, reqid);

	entry_note(r, e, NTF_LINE, l ? l->no : 0, e->c, why);
}

struct selector line_ask(const struct core_line *l)
{
	struct selector s = l->sel;

	if (l->per_host && l->has_flow) {
		s.src = l->flow.src;
		s.dst = l->flow.dst;
	}
	return s;
}

void line_open(struct run *r, struct core_entry *e, struct core_line *l)
{
	struct core_action *a;

	if (l->blocked || l->setup || mono_is_set(l->backoff_at))
		return;
	/* Whose packets it should be, the next of them says. */
	if (l->per_host && !l->has_flow) {
		l->want = false;
		return;
	}
	l->setup = ++r->c->last_child;
	core_child_add(e, l->setup, e->conn, l->reqid, CHILD_SETUP, e->c);
	a = emit(r, ACT_CHILD_OPEN, e);
	a->conn = e->conn;
	a->child = l->setup;
	a->reqid = l->reqid;
	a->sel = line_ask(l);
}

void line_open_wanted(struct run *r, struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_lines; i++)
		if (e->lines[i].want)
			line_open(r, e, &e->lines[i]);
}

static uint32_t backoff_ms(unsigned m)
{
	return m < 6 ? 1000u << m : 60000;
}

void line_back_off(struct run *r, struct core_entry *e, struct core_line *l,
		   const struct cause *why)
{
	struct cause c = *why;

	c.backoff_ms = backoff_ms(l->m);
	l->backoff_at = mono_add_ms(r->env->now, c.backoff_ms);
	l->m += l->m < 16;
	l->want = false;
	l->has_flow = false;
	snprintf(l->backoff_text, sizeof(l->backoff_text), "%s",
		 c.text ? c.text : entry_reason_text(c.reason));
	entry_note(r, e, NTF_LINE, l->no, e->c, &c);
	entry_watch_childless(r, e);
}

void line_backoff_over(struct run *r, struct core_entry *e, struct core_line *l)
{
	l->backoff_at = MONO_UNSET;
	if (l->larval) {
		struct core_action *a = emit(r, ACT_LARVAL_KILL, e);

		a->reqid = l->reqid;
		a->local = l->larval_src;
		a->peer = l->larval_dst;
		l->larval = false;
	}
	if (l->want && e->state == ENTRY_UP)
		line_open(r, e, l);
	entry_watch_childless(r, e);
}

void line_reset(struct run *r, struct core_entry *e, struct core_line *l)
{
	const struct core_child *ch = core_child(e, l->setup);
	const struct core_conn *conn = ch ? core_conn(r->c, ch->conn) : NULL;

	if (conn && conn->state == CONN_UP)
		core_child_end(r, e, l->setup, CLOSE_DELETE);
	else if (ch)
		core_child_forget(e, l->setup);
	l->setup = 0;
	l->m = 0;
	l->backoff_at = MONO_UNSET;
	l->backoff_text[0] = '\0';
}

/* Older pairs of the line that the new one covers end; narrower ones beside it stay. */
static void retire_covered(struct run *r, struct core_entry *e, child_id newer)
{
	const struct core_child new = *core_child(e, newer);

	for (unsigned i = 0; i < e->n_children; i++) {
		struct core_child *ch = &e->children[i];

		if (ch->id != newer && ch->reqid == new.reqid &&
		    ch->state == CHILD_LIVE &&selector_contains(&new.sel, &ch->sel))
			core_child_retire(r, e, ch);
	}
}

/* UP: a pair of one line is in. */
void line_up_event(struct run *r, struct core_entry *e, struct core_child *ch,
		   const struct core_pair *p)
{
	const struct cause up = {
		.reason = REASON_CHILD_UP, .spi_in = p->spi_in, .spi_out = p->spi_out};
	const struct cause narrow = {.reason = REASON_TS,
				     .text = "the answer does not cover the packet"};
	struct core_line *l = core_line(e, ch->reqid);
	bool asked = ch->state == CHILD_SETUP;
	bool covers = !l->has_flow || selector_contains(&p->sel, &l->flow);
	child_id id = ch->id;

	if (asked && !covers && line_covering(e, l, NULL)) {
		core_child_end(r, e, id, CLOSE_DELETE);
		line_back_off(r, e, l, &narrow);
		return;
	}
	core_child_live(r, e, ch, p);
	line_note(r, e, l->reqid, &up);
	retire_covered(r, e, id);
	if (asked && !covers)
		line_back_off(r, e, l, &narrow);
	/* What our own request is under way for, theirs may not cover. */
	if (asked || covers || !l->setup)
		l->has_flow = false;
	entry_watch_childless(r, e);
}

static void walk_child_up(struct run *r, struct core_entry *e, struct core_child *ch,
			  const struct core_pair *p)
{
	const struct cause up = {
		.reason = REASON_CHILD_UP, .spi_in = p->spi_in, .spi_out = p->spi_out};
	const struct cause narrow = {.reason = REASON_TS,
				     .text = "narrowed to less than the packet that asked"};
	struct core_line *l = core_line(e, ch->reqid);
	peer_key peer = ch->peer;
	conn_id conn = ch->conn;

	if (l->has_flow && !selector_contains(&p->sel, &l->flow)) {
		walk_step_failed(r, e, &narrow);
		return;
	}
	core_child_live(r, e, ch, p);
	l->has_flow = false;
	e->at = (struct core_attempt){0};
	entry_up(r, e, peer, conn, &up);
}

/* Nobody waits for it any more (its set-up was left, §10). */
static void stray_child(struct run *r, conn_id conn, child_id id)
{
	struct core_action *a = emit(r, ACT_CHILD_CLOSE, NULL);

	a->conn = conn;
	a->child = id;
	a->how = CLOSE_DELETE;
}

void core_child_up(struct run *r, conn_id conn, child_id id, const struct core_pair *p)
{
	struct core_conn *k = core_conn(r->c, conn);
	struct core_child *ch;
	struct core_entry *e;

	if (!k || k->state == CONN_CLOSING)
		return;
	core_conn_up(r, conn, 0);
	k = core_conn(r->c, conn);
	e = core_child_entry(r->c, id, &ch);
	if (!e && k && k->state != CONN_CLOSING)
		stray_child(r, conn, id);
	else if (!e)
		return;
	else if (!core_line(e, ch->reqid) || !peer_find(e, ch->peer))
		core_child_end(r, e, id, CLOSE_DELETE);
	else if (ch->state == CHILD_ACCEPTED)
		inbound_child_up(r, e, ch, p);
	else if (ch->state == CHILD_SETUP && e->state == ENTRY_WALK && e->at.child == id)
		walk_child_up(r, e, ch, p);
	else if (ch->state == CHILD_SETUP && e->state == ENTRY_UP && e->conn == conn)
		line_up_event(r, e, ch, p);
	else if (ch->state == CHILD_SETUP)
		core_child_end(r, e, id, CLOSE_DELETE);
	if (e)
		entry_watch_childless(r, e);
	core_settle(r);
}

void core_child_rekeyed(struct run *r, conn_id conn, child_id id, const struct core_pair *p)
{
	struct core_child *ch;
	struct core_entry *e = core_child_entry(r->c, id, &ch);
	const struct cause why = {.reason = REASON_CHILD_UP,
				  .text = "rekeyed",
				  .spi_in = p->spi_in,
				  .spi_out = p->spi_out};

	if (!e || ch->conn != conn)
		return;
	core_child_set_pair(ch, p);
	line_note(r, e, ch->reqid, &why);
}

void core_child_failed(struct run *r, conn_id conn, child_id id, enum engine_why why,
		       const char *text)
{
	const struct cause c = {.reason = reason_of(why), .text = text};
	struct core_child *ch;
	struct core_entry *e = core_child_entry(r->c, id, &ch);
	struct core_line *l;
	bool asked;

	if (!e || ch->conn != conn)
		return;
	if (e->state == ENTRY_WALK && e->at.child == id) {
		core_child_forget(e, id);
		walk_step_failed(r, e, &c);
		core_settle(r);
		return;
	}
	l = core_line(e, ch->reqid);
	asked = ch->state == CHILD_SETUP;
	core_child_forget(e, id);
	/* Both asked at once, and theirs made the pair: ours was refused for that. */
	if (asked && l && e->state == ENTRY_UP &&
	    !line_covering(e, l, l->has_flow ? &l->flow : NULL))
		line_back_off(r, e, l, &c);
	entry_watch_childless(r, e);
	core_settle(r);
}

/* A live pair of an UP entry has ended; what its end means for the peer (§10). */
static void pair_ended(struct run *r, struct core_entry *e, uint32_t reqid, enum traffic traffic,
		       enum entry_next next, const struct cause *why)
{
	if (traffic == TRAFFIC_RECENT || entry_live(e) || entry_in_setup(e)) {
		line_note(r, e, reqid, why);
		entry_watch_childless(r, e);
		return;
	}
	entry_down(r, e, next, CLOSE_DELETE, why);
}

static enum entry_next idle_next(const struct core_entry *e)
{
	return e->idle_home ? entry_home_or(e, NEXT_SAME) : NEXT_SAME;
}

bool core_pair_idle(struct run *r, struct core_entry *e, struct core_line *l, uint32_t idle_ms)
{
	struct cause why = {.reason = REASON_IDLE, .idle_ms = idle_ms};
	bool any = false;

	if (e->state == ENTRY_UP && core_conn_unproven(r->c, e->conn))
		return false;
	for (unsigned i = e->n_children; e->state == ENTRY_UP && i-- > 0;) {
		const struct core_child *ch = &e->children[i];

		if (ch->reqid != l->reqid || ch->state != CHILD_LIVE)
			continue;
		core_child_end(r, e, ch->id, CLOSE_DELETE);
		any = true;
	}
	if (!any)
		return true;
	if (idle_next(e) == NEXT_HOME && !entry_live(e) && !entry_in_setup(e))
		why.reason = REASON_IDLE_HOME;
	pair_ended(r, e, l->reqid, TRAFFIC_NONE, idle_next(e), &why);
	core_settle(r);
	return true;
}

void core_child_expired(struct run *r, struct core_entry *e, child_id id, enum traffic traffic)
{
	const struct cause why = {.reason = REASON_LIFETIME};
	const struct core_child *ch = core_child(e, id);
	uint32_t reqid = ch ? ch->reqid : 0;
	bool live = ch && ch->state == CHILD_LIVE && e->state == ENTRY_UP;

	if (!ch || (ch->state != CHILD_LIVE && ch->state != CHILD_OLD))
		return;
	core_child_end(r, e, id, CLOSE_DELETE);
	if (live)
		pair_ended(r, e, reqid, traffic, idle_next(e), &why);
	core_settle(r);
}

void core_child_lost(struct run *r, struct core_entry *e, child_id id)
{
	const struct cause why = {.reason = REASON_LOST};
	struct core_child *ch = core_child(e, id);
	struct core_line *l = ch ? core_line(e, ch->reqid) : NULL;
	bool live = ch && ch->state == CHILD_LIVE && e->state == ENTRY_UP;

	if (!ch || (ch->state != CHILD_LIVE && ch->state != CHILD_OLD))
		return;
	core_child_end(r, e, id, CLOSE_DELETE);
	if (live && l) {
		line_note(r, e, l->reqid, &why);
		l->want = true;
		line_open(r, e, l);
	}
	entry_watch_childless(r, e);
	core_settle(r);
}

void core_child_down(struct run *r, conn_id conn, child_id id, enum engine_why why,
		     enum traffic traffic)
{
	const struct cause c = {.reason = reason_of(why)};
	struct core_child *ch;
	struct core_entry *e = core_child_entry(r->c, id, &ch);
	uint32_t reqid;

	if (!e || ch->conn != conn)
		return;
	if (ch->state == CHILD_SETUP || ch->state == CHILD_ACCEPTED) {
		core_child_failed(r, conn, id, why, NULL);
		return;
	}
	if (ch->state == CHILD_LIVE && e->state == ENTRY_UP && why == WHY_LOST) {
		core_child_lost(r, e, id);
		return;
	}
	reqid = ch->reqid;
	if (ch->state == CHILD_LIVE && e->state == ENTRY_UP) {
		core_child_forget(e, id);
		pair_ended(r, e, reqid, traffic,
			   why == WHY_PEER_DELETE ? entry_home_or(e, NEXT_SAME) : idle_next(e), &c);
	} else {
		core_child_forget(e, id);
	}
	core_settle(r);
}
