/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every sequence of events, breadth first, up to the depth at which the number
 * of different states has been used up or the budget of states is: each step is
 * checked against the invariants of entry/core.h. Deadlines may fire in any
 * order, so what is explored contains everything that can really happen.
 * States that differ only in times and counts are one (entry_signature()).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "entry_world.h"
#include "prefpeerd/entry/mem.h"

enum kind {
	E_ACQUIRE, E_ACQUIRE_THERE, E_CONNECT, E_SWITCH, E_CLEAR_SESSION, E_CLEAR_SA, E_IDLE,
	E_FIRE_ATTEMPT, E_FIRE_BACKOFF, E_FIRE_K, E_FIRE_CHILDLESS, E_FIRE_MOVED, E_FIRE_ORPHANS,
	E_FIRE_LINE, E_FIRE_OLD, E_FIRE_HOLD,
	E_ANSWERED, E_REMARK, E_BUSY, E_UP, E_AUTH, E_DEAD, E_DELETE, E_LIFETIME, E_CLOSED, E_HEARD, E_STRAY,
	E_CHILD_UP, E_CHILD_NARROW, E_CHILD_FAILED, E_CHILD_DELETE_IDLE, E_CHILD_DELETE_BUSY,
	E_EXPIRED_IDLE, E_EXPIRED_BUSY, E_LOST,
	E_INBOUND, E_INBOUND_IDLE, E_INBOUND_GONE,
	E_NAME_HOME, E_NAME_MOVED, E_NAME_TWIN, E_NAME_DENIED, E_NAME_SILENT,
	E_LOCAL_ALL, E_LOCAL_FIRST, E_UNMAPPED, E_RESUMED, E_DRAIN, E_ENGINE, E_STOP,
	E_DROP_PEER, E_DROP_DEFAULT, E_DROP_LINE, E_ADD_PEER,
	E_MAX
};

static const char *const kind_names[E_MAX] = {
	"acquire", "acquire (SA there)", "connect", "switch", "clear session", "clear sa", "pair idle",
	"budget over", "back-off over", "10 min over", "30 s childless", "move guard over",
	"orphans' 5 s over", "line back-off over", "old inbound 5 s over", "hold over",
	"answered", "remark", "no room to open", "IKE up", "AUTH failed", "dead", "peer deletes IKE", "IKE lifetime",
	"closed", "heard", "stray child up",
	"child up", "child up narrow", "child failed", "child deleted, idle", "child deleted, busy",
	"child expired, idle", "child expired, busy", "SA lost",
	"inbound", "inbound (c idle)", "inbound gone",
	"name answered", "name answered, moved", "name answered, P0's address", "name denied",
	"name servers silent",
	"all addresses toggle", "address to P0 toggles", "map leaves its interfaces", "woke", "drain toggles", "engine toggles", "stop",
	"peer removed", "default removed", "line removed", "peer added",
};

#define BIT(kind) (1ull << (kind))

struct event {
	uint8_t kind, a, b, c;
};

struct node {
	struct world w;
	uint8_t edits, lost, sleeps; /* how often each may still happen */
	uint32_t trace;
};

struct step_record {
	uint32_t parent;
	struct event ev;
};

struct search {
	struct node *queue;
	size_t head, tail, cap;
	uint64_t *seen;
	size_t n_seen, cap_seen;
	struct step_record *trace;
	size_t n_trace, cap_trace;
	struct event list[512];
	unsigned n_list;
	size_t steps;
	unsigned depth, n_kinds[E_MAX];
	bool calls;
	uint64_t without; /* kinds that are left out */
};

static bool seen_before(struct search *x, uint64_t h)
{
	size_t i;

	h |= !h;
	for (i = h & (x->cap_seen - 1); x->seen[i]; i = (i + 1) & (x->cap_seen - 1))
		if (x->seen[i] == h)
			return true;
	x->seen[i] = h;
	x->n_seen++;
	return false;
}

static void can(struct search *x, enum kind k, unsigned a, unsigned b, unsigned c)
{
	if (x->n_list < 512 && !(x->without & BIT(k)))
		x->list[x->n_list++] = (struct event){ k, (uint8_t)a, (uint8_t)b, (uint8_t)c };
}

static void can_timers(struct search *x, const struct core_entry *e, unsigned i)
{
	if (e->at.kind)
		can(x, E_FIRE_ATTEMPT, i, 0, 0);
	if (mono_is_set(e->backoff_at))
		can(x, E_FIRE_BACKOFF, i, 0, 0);
	if (mono_is_set(e->k_reset_at))
		can(x, E_FIRE_K, i, 0, 0);
	if (mono_is_set(e->childless_at))
		can(x, E_FIRE_CHILDLESS, i, 0, 0);
	if (mono_is_set(e->moved_until))
		can(x, E_FIRE_MOVED, i, 0, 0);
	if (mono_is_set(e->orphans_at))
		can(x, E_FIRE_ORPHANS, i, 0, 0);
	for (unsigned l = 0; l < e->n_lines; l++)
		if (mono_is_set(e->lines[l].backoff_at))
			can(x, E_FIRE_LINE, i, l, 0);
	for (unsigned h = 0; h < e->n_holds; h++)
		can(x, E_FIRE_HOLD, i, h, 0);
}

static void can_children(struct search *x, const struct core_entry *e, unsigned i)
{
	for (unsigned c = 0; c < e->n_children; c++) {
		const struct core_child *ch = &e->children[c];
		const struct core_line *l = core_line(e, ch->reqid);

		if (ch->state == CHILD_SETUP || ch->state == CHILD_ACCEPTED) {
			can(x, E_CHILD_UP, i, c, 0);
			can(x, E_CHILD_FAILED, i, c, 0);
			if (ch->state == CHILD_SETUP && l && l->has_flow)
				can(x, E_CHILD_NARROW, i, c, 0);
		} else if (ch->state == CHILD_LIVE) {
			can(x, E_CHILD_DELETE_IDLE, i, c, 0);
			can(x, E_CHILD_DELETE_BUSY, i, c, 0);
			can(x, E_EXPIRED_IDLE, i, c, 0);
			can(x, E_EXPIRED_BUSY, i, c, 0);
			can(x, E_LOST, i, c, 0);
		} else {
			can(x, E_FIRE_OLD, i, c, 0);
			can(x, E_CHILD_DELETE_IDLE, i, c, 0);
		}
	}
}

static void can_names(struct search *x, const struct core_entry *e, unsigned i)
{
	for (unsigned p = 0; p < e->n_peers; p++) {
		if (!e->peers[p].query)
			continue;
		can(x, E_NAME_HOME, i, p, 0);
		can(x, E_NAME_MOVED, i, p, 0);
		can(x, E_NAME_DENIED, i, p, 0);
		can(x, E_NAME_SILENT, i, p, 0);
		if (p)
			can(x, E_NAME_TWIN, i, p, 0);
	}
}

static void can_lines(struct search *x, const struct core_entry *e, unsigned i)
{
	for (unsigned l = 0; l < e->n_lines; l++) {
		can(x, E_ACQUIRE, i, l, 0);
		if (!line_child(e, e->lines[l].reqid))
			continue;
		can(x, E_ACQUIRE_THERE, i, l, 0);
		can(x, E_IDLE, i, l, 0);
	}
}

static void can_edit(struct search *x, const struct node *n, const struct core_entry *e, unsigned i)
{
	if (!n->edits)
		return;
	for (unsigned p = 0; e->n_peers > 1 && p < e->n_peers; p++)
		can(x, E_DROP_PEER, i, p, 0);
	if (entry_has_default(e))
		can(x, E_DROP_DEFAULT, i, 0, 0);
	for (unsigned l = 0; l < e->n_lines; l++)
		can(x, E_DROP_LINE, i, l, 0);
	can(x, E_ADD_PEER, i, 0, 0);
}

static unsigned pending_inbound(const struct core *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_entries; i++) {
		n += c->entries[i]->n_holds;
		for (unsigned j = 0; j < c->entries[i]->n_children; j++)
			n += c->entries[i]->children[j].state == CHILD_ACCEPTED;
	}
	return n;
}

static void can_inbound(struct search *x, const struct node *n, const struct core_entry *e,
			unsigned i)
{
	bool room = pending_inbound(&n->w.core) < 1;

	for (unsigned p = 0; room && p < e->n_peers; p++) {
		can(x, E_INBOUND, i, p, 0);
		if (e->state == ENTRY_UP && !entry_has_default(e))
			can(x, E_INBOUND_IDLE, i, p, 0);
		for (unsigned k = 0; k < n->w.core.n_conns; k++)
			if (n->w.core.conns[k].state == CONN_UP &&
			    n->w.core.conns[k].remote == e->peers[p].remote)
				can(x, E_INBOUND, i, p, k + 1);
	}
	for (unsigned h = 0; h < e->n_holds; h++)
		can(x, E_INBOUND_GONE, i, h, 0);
}

static void can_conns(struct search *x, const struct core *c)
{
	for (unsigned k = 0; k < c->n_conns; k++) {
		const struct core_conn *conn = &c->conns[k];

		if (conn->state == CONN_CLOSING) {
			can(x, E_CLOSED, k, 0, 0);
			continue;
		}
		can(x, E_DELETE, k, 0, 0);
		if (conn->state == CONN_UP) {
			can(x, E_DEAD, k, 0, 0);
			can(x, E_LIFETIME, k, 0, 0);
			can(x, E_HEARD, k, 0, 0);
			continue;
		}
		if (conn->waiting)
			continue;
		can(x, E_UP, k, 0, 0);
		can(x, E_AUTH, k, 0, 0);
		can(x, E_STRAY, k, 0, 0);
		if (!conn->answered) {
			can(x, E_ANSWERED, k, 0, 0);
			can(x, E_REMARK, k, 0, 0);
			can(x, E_BUSY, k, 0, 0);
		}
	}
}

static void enumerate(struct search *x, const struct node *n)
{
	const struct core *c = &n->w.core;

	x->n_list = 0;
	can_conns(x, c);
	for (unsigned i = 0; i < c->n_entries; i++) {
		const struct core_entry *e = c->entries[i];

		can_lines(x, e, i);
		can(x, E_CONNECT, i, 0, 0);
		for (unsigned p = 0; p < e->n_peers; p++)
			can(x, E_SWITCH, i, p, 0);
		can(x, E_CLEAR_SESSION, i, 0, 0);
		can(x, E_CLEAR_SA, i, 0, 0);
		can_timers(x, e, i);
		can_children(x, e, i);
		can_names(x, e, i);
		can_edit(x, n, e, i);
		if (x->calls)
			can_inbound(x, n, e, i);
	}
	can(x, E_LOCAL_ALL, 0, 0, 0);
	can(x, E_LOCAL_FIRST, 0, 0, 0);
	if (n->w.local_mask)
		can(x, E_UNMAPPED, 0, 0, 0);
	if (n->sleeps)
		can(x, E_RESUMED, 0, 0, 0);
	if (n->lost || c->draining)
		can(x, E_DRAIN, 0, 0, 0);
	if (n->lost) {
		can(x, E_ENGINE, 0, 0, 0);
		can(x, E_STOP, 0, 0, 0);
	}
}

static void edit(struct world *w, struct core_entry *e, const struct event *ev)
{
	struct core_peer peers[8];
	struct core_line lines[8];
	unsigned n_peers = 0, n_lines = 0;

	for (unsigned i = 0; i < e->n_peers; i++)
		if (ev->kind != E_DROP_PEER || i != ev->b)
			peers[n_peers++] = e->peers[i];
	for (unsigned i = 0; i < e->n_lines; i++)
		if (ev->kind != E_DROP_LINE || i != ev->b)
			lines[n_lines++] = e->lines[i];
	for (unsigned i = 0; i < n_peers; i++)
		peers[i].is_default &= ev->kind != E_DROP_DEFAULT;
	if (ev->kind == E_ADD_PEER)
		peers[n_peers++] = (struct core_peer){ .addr = world_peer(7), .remote = 8 };
	core_edit(&w->r, e, peers, n_peers, lines, n_lines);
}

static void apply_conn(struct world *w, const struct event *ev, struct check_event *ck)
{
	static const enum engine_why why[E_MAX] = {
		[E_AUTH] = WHY_AUTH, [E_DEAD] = WHY_DEAD, [E_DELETE] = WHY_PEER_DELETE,
		[E_LIFETIME] = WHY_LIFETIME, [E_CLOSED] = WHY_LOCAL,
	};
	conn_id id = w->core.conns[ev->a].id;
	const struct core_pair p = { .spi_in = 1 };

	world_step(w);
	if (ev->kind == E_ANSWERED)
		core_conn_answered(&w->r, id, 0);
	else if (ev->kind == E_REMARK)
		core_conn_remark(&w->r, id, WHY_PROPOSAL, "said without proof");
	else if (ev->kind == E_BUSY)
		core_conn_busy(&w->r, id);
	else if (ev->kind == E_UP)
		core_conn_up(&w->r, id, 0);
	else if (ev->kind == E_HEARD)
		core_conn_heard(&w->r, id, w->env.now, 0);
	else if (ev->kind == E_STRAY)
		core_child_up(&w->r, id, 0xffffff, &p);
	else {
		ck->conn_gone = id;
		world_conn_down(w, id, why[ev->kind]);
	}
}

static void apply_child(struct world *w, struct core_entry *e, const struct event *ev,
			struct check_event *ck)
{
	const struct core_child ch = e->children[ev->b];

	world_step(w);
	ck->child_up = ev->kind == E_CHILD_UP || ev->kind == E_CHILD_NARROW;
	ck->gone = ck->child_up ? 0 : ch.id;
	if (ck->child_up)
		world_child_up(w, ch.id, ev->kind == E_CHILD_NARROW);
	else if (ev->kind == E_CHILD_FAILED)
		core_child_failed(&w->r, ch.conn, ch.id, WHY_TS, "TS_UNACCEPTABLE");
	else if (ev->kind == E_CHILD_DELETE_IDLE || ev->kind == E_CHILD_DELETE_BUSY)
		core_child_down(&w->r, ch.conn, ch.id, WHY_PEER_DELETE,
				ev->kind == E_CHILD_DELETE_IDLE ? TRAFFIC_NONE : TRAFFIC_RECENT);
	else if (ev->kind == E_LOST)
		core_child_lost(&w->r, e, ch.id);
	else
		core_child_expired(&w->r, e, ch.id,
				   ev->kind == E_EXPIRED_IDLE ? TRAFFIC_NONE : TRAFFIC_RECENT);
}

static void apply_fire(struct world *w, struct core_entry *e, const struct event *ev)
{
	mono_t *const at[E_MAX] = {
		[E_FIRE_ATTEMPT] = &e->at.at, [E_FIRE_BACKOFF] = &e->backoff_at,
		[E_FIRE_K] = &e->k_reset_at, [E_FIRE_CHILDLESS] = &e->childless_at,
		[E_FIRE_MOVED] = &e->moved_until, [E_FIRE_ORPHANS] = &e->orphans_at,
		[E_FIRE_LINE] = ev->b < e->n_lines ? &e->lines[ev->b].backoff_at : NULL,
		[E_FIRE_OLD] = ev->b < e->n_children ? &e->children[ev->b].close_at : NULL,
		[E_FIRE_HOLD] = ev->b < e->n_holds ? &e->holds[ev->b].at : NULL,
	};

	world_fire(w, e, at[ev->kind]);
}

static void apply_world(struct node *n, const struct event *ev, struct check_event *ck)
{
	struct world *w = &n->w;

	world_step(w);
	if (ev->kind == E_LOCAL_ALL)
		w->local_mask = w->local_mask ? 0 : 0xff;
	else if (ev->kind == E_LOCAL_FIRST)
		w->local_mask ^= 1;
	if (ev->kind == E_UNMAPPED) {
		w->local_mask = 0;
		core_interfaces_left(&w->r);
		return;
	}
	if (ev->kind == E_LOCAL_ALL || ev->kind == E_LOCAL_FIRST) {
		core_local_changed(&w->r);
		return;
	}
	if (ev->kind == E_RESUMED) {
		ck->resumed = true;
		n->sleeps--;
		core_resumed(&w->r);
		return;
	}
	if (ev->kind == E_DRAIN) {
		n->lost -= !w->core.draining;
		core_drain(&w->r, !w->core.draining);
		return;
	}
	if (ev->kind == E_STOP || w->core.ready)
		n->lost--;
	ck->engine_lost = ev->kind == E_ENGINE && w->core.ready;
	if (ev->kind == E_STOP)
		core_stop(&w->r);
	else
		core_ready(&w->r, !w->core.ready);
}

static void apply_entry(struct node *n, struct core_entry *e, const struct event *ev,
			struct check_event *ck)
{
	struct world *w = &n->w;
	const struct core_acquire there = { .has_flow = true, .sa_there = true,
					    .flow = world_flow(&e->lines[ev->b < e->n_lines ? ev->b : 0]),
					    .src = world_local(), .dst = world_peer(0) };

	world_step(w);
	switch (ev->kind) {
	case E_ACQUIRE:
		world_acquire(w, ev->a, ev->b);
		break;
	case E_ACQUIRE_THERE:
		core_acquire(&w->r, e, &e->lines[ev->b], &there);
		break;
	case E_CONNECT:
		core_connect(&w->r, e);
		break;
	case E_SWITCH:
		core_switch(&w->r, e, e->peers[ev->b].key);
		break;
	case E_CLEAR_SESSION:
		core_clear_session(&w->r, e, REASON_CLEAR_SESSION);
		break;
	case E_CLEAR_SA:
		core_clear_sa(&w->r, e, NULL, 0);
		break;
	case E_IDLE:
		ck->idle = e->id;
		ck->idle_kept = !core_pair_idle(&w->r, e, &e->lines[ev->b], 60000);
		break;
	case E_INBOUND:
	case E_INBOUND_IDLE:
		w->idle_all = ev->kind == E_INBOUND_IDLE;
		ck->inbound = world_inbound(w, e->peers[ev->b].remote - 1,
					    ev->c ? w->core.conns[ev->c - 1].id : 0, &e->lines[0]);
		break;
	case E_INBOUND_GONE:
		ck->inbound_gone = e->holds[ev->b].inbound;
		core_inbound_gone(&w->r, ck->inbound_gone);
		break;
	default:
		ck->edit = true;
		n->edits--;
		edit(w, e, ev);
	}
}

/* A name lives at the address of its place in the list, moves to that and four, or is P0's twin. */
static void apply_name(struct world *w, const struct event *ev)
{
	static const enum name_result results[E_MAX] = {
		[E_NAME_HOME] = NAME_ADDR,	[E_NAME_MOVED] = NAME_ADDR,
		[E_NAME_TWIN] = NAME_ADDR,	[E_NAME_DENIED] = NAME_DENIED,
		[E_NAME_SILENT] = NAME_SILENT,
	};
	unsigned at = ev->kind == E_NAME_TWIN ? 0 : ev->kind == E_NAME_MOVED ? ev->b + 4 : ev->b;

	world_name(w, ev->a, ev->b, results[ev->kind], at, 60);
}

static void apply(struct node *n, const struct event *ev, struct check_event *ck)
{
	struct core_entry *e = ev->a < n->w.core.n_entries ? n->w.core.entries[ev->a] : NULL;

	*ck = (struct check_event){ .clear = ev->kind == E_CLEAR_SESSION };
	if (ev->kind >= E_LOCAL_ALL && ev->kind <= E_STOP)
		ck->entry = CHECK_ALL;
	else if (ev->kind < E_ANSWERED || ev->kind > E_STRAY)
		ck->entry = e->id;
	if (ev->kind >= E_ANSWERED && ev->kind <= E_STRAY)
		apply_conn(&n->w, ev, ck);
	else if (ev->kind >= E_CHILD_UP && ev->kind <= E_LOST)
		apply_child(&n->w, e, ev, ck);
	else if (ev->kind >= E_FIRE_ATTEMPT && ev->kind <= E_FIRE_HOLD)
		apply_fire(&n->w, e, ev);
	else if (ev->kind >= E_NAME_HOME && ev->kind <= E_NAME_SILENT)
		apply_name(&n->w, ev);
	else if (ev->kind >= E_LOCAL_ALL && ev->kind <= E_STOP)
		apply_world(n, ev, ck);
	else
		apply_entry(n, e, ev, ck);
}

static void print_trace(const struct search *x, uint32_t at)
{
	if (!at)
		return;
	print_trace(x, x->trace[at].parent);
	print_error("  %s %u %u %u\n", kind_names[x->trace[at].ev.kind], x->trace[at].ev.a,
		    x->trace[at].ev.b, x->trace[at].ev.c);
}

/* IKE SAs on their way out matter to nobody: more than one at a time only multiplies states. */
static bool too_wide(const struct core *c)
{
	unsigned closing = 0, old = 0;

	for (unsigned i = 0; i < c->n_conns; i++)
		closing += c->conns[i].state == CONN_CLOSING;
	for (unsigned i = 0; i < c->n_entries; i++)
		for (unsigned j = 0; j < c->entries[i]->n_children; j++)
			old += c->entries[i]->children[j].state == CHILD_OLD;
	return closing > 1 || old > 1;
}

static void push(struct search *x, const struct node *n)
{
	MEM_ROOM(x->queue, x->tail, x->cap);
	x->queue[x->tail++] = *n;
}

static void try_one(struct search *x, const struct node *from, const struct event *ev)
{
	struct node n = *from;
	struct check_event ck;
	const char *bad;
	uint64_t sig;

	world_copy(&n.w, &from->w);
	apply(&n, ev, &ck);
	x->steps++;
	x->n_kinds[ev->kind]++;
	MEM_ROOM(x->trace, x->n_trace, x->cap_trace);
	x->trace[x->n_trace] = (struct step_record){ from->trace, *ev };
	n.trace = (uint32_t)x->n_trace;
	bad = entry_check(&from->w.core, &n.w.core, &n.w.out, &ck);
	if (bad) {
		x->n_trace++;
		print_error("violates %s, after:\n", bad);
		print_trace(x, n.trace);
		fail();
	}
	sig = entry_signature(&n.w.core, n.w.local_mask << 8 | n.sleeps << 6 | n.edits << 4 | n.lost);
	free(n.w.out.list);
	n.w.out = (struct core_out){ 0 };
	if (too_wide(&n.w.core) || seen_before(x, sig)) {
		world_fini(&n.w);
		return;
	}
	x->n_trace++;
	push(x, &n);
}

/* The sanitizers make a step ten times as dear: fewer states there, the rest without them. */
#if defined(__SANITIZE_ADDRESS__)
#define SOME_STATES 2500
#else
#define SOME_STATES 0
#endif

struct plan {
	const char *name;
	struct world_spec specs[2];
	unsigned n_specs;
	unsigned edits, lost; /* reloads, and losses of the engine, per sequence */
	unsigned sleeps;      /* suspends per sequence */
	bool calls;           /* peers call too */
	bool orphans;
	uint64_t without;     /* kinds of event that are left out */
	unsigned names, dynamic; /* as world_init_named() */
	size_t max_states;    /* 0 = until there are no more */
};

static void start_node(struct search *x, const struct plan *p)
{
	struct node n = { .edits = (uint8_t)p->edits, .lost = (uint8_t)p->lost,
			  .sleeps = (uint8_t)p->sleeps };

	MEM_ROOM(x->queue, x->tail, x->cap);
	MEM_ROOM(x->trace, x->n_trace, x->cap_trace);
	x->trace[x->n_trace++] = (struct step_record){ 0 };
	world_init_named(&n.w, p->specs, p->n_specs, p->names, p->dynamic);
	if (p->orphans) {
		uint32_t reqid = world_entry(&n.w, 0)->lines[0].reqid;

		n.w.core.ready = false;
		core_orphans(&n.w.r, world_entry(&n.w, 0), 2, &reqid, 1);
		core_ready(&n.w.r, true);
	}
	free(n.w.out.list);
	n.w.out = (struct core_out){ 0 };
	x->queue[x->tail++] = n;
}

static void expand(struct search *x, struct node n)
{
	/* The queue may move while it grows: the node's world is looked at from here. */
	n.w.env.ctx = &n.w;
	n.w.r = (struct run){ &n.w.core, &n.w.env, &n.w.out };
	enumerate(x, &n);
	for (unsigned i = 0; i < x->n_list; i++)
		try_one(x, &n, &x->list[i]);
	world_fini(&n.w);
}

static void explore(const struct plan *p)
{
	const char *more = getenv("ENTRY_EVERY"); /* so many times the states; the default is quick */
	size_t limit = p->max_states * (more ? strtoul(more, NULL, 10) : 1);
	struct search x = { .cap_seen = 1u << (more ? 23 : 20), .calls = p->calls,
			    .without = p->without };
	size_t layer_end = 1;

	if (SOME_STATES && !more)
		limit = SOME_STATES;
	x.seen = mem_zero(x.cap_seen, sizeof(*x.seen));
	start_node(&x, p);
	for (; x.head < x.tail && x.n_seen < (limit ? limit : x.cap_seen / 2);
	     x.head++) {
		if (x.head == layer_end) {
			layer_end = x.tail;
			x.depth++;
		}
		expand(&x, x.queue[x.head]);
	}
	print_message("# %s: %zu states, %zu steps, depth %u%s\n", p->name, x.n_seen, x.steps,
		      x.depth, x.head == x.tail ? ", all there are" : "");
	assert_true(x.steps > 1000);
	assert_true(limit || x.head == x.tail);
	for (; x.head < x.tail; x.head++)
		world_fini(&x.queue[x.head].w);
	free(x.queue);
	free(x.seen);
	free(x.trace);
}

#define ONE(first, n, def, home, lines) { { first, n, def, home, lines } }, .n_specs = 1

static void all(const struct plan *plans, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		explore(&plans[i]);
}

static void complete(void **state)
{
	static const struct plan plans[] = {
		{ "1 peer", ONE(0, 1, false, true, 1) },
		{ "1 peer, default", ONE(0, 1, true, true, 1) },
		{ "2 peers", ONE(0, 2, false, true, 1) },
		{ "2 peers, default", ONE(0, 2, true, true, 1) },
		{ "2 peers, default, timer without", ONE(0, 2, true, false, 1) },
	};

	all(plans, 5);
}

static void called(void **state)
{
	static const struct plan plans[] = {
		{ "1 peer that calls", ONE(0, 1, true, true, 1), .calls = true,
		  .max_states = 15000 },
		{ "2 peers that call", ONE(0, 2, false, true, 1), .calls = true,
		  .max_states = 15000 },
		{ "2 peers that call, default", ONE(0, 2, true, true, 1), .calls = true,
		  .max_states = 15000 },
		{ "3 peers that call, default", ONE(0, 3, true, true, 1), .calls = true,
		  .max_states = 15000 },
	};

	all(plans, 4);
}

static void many_peers(void **state)
{
	static const struct plan plans[] = {
		{ "3 peers", ONE(0, 3, false, false, 1) },
		{ "3 peers, default", ONE(0, 3, true, true, 1) },
		{ "4 peers", ONE(0, 4, false, false, 1) },
		{ "4 peers, default", ONE(0, 4, true, true, 1) },
	};

	all(plans, 4);
}

static void changed(void **state)
{
	static const struct plan plans[] = {
		{ "2 peers, reloads, lost engines", ONE(0, 2, true, true, 1), .edits = 2,
		  .lost = 2, .max_states = 15000 },
		{ "3 peers that call, reloads", ONE(0, 3, true, true, 1), .edits = 1,
		  .calls = true, .max_states = 15000 },
		{ "2 lines, reloads", ONE(0, 2, false, true, 2), .edits = 1,
		  .max_states = 15000 },
	};

	all(plans, 3);
}

static void two_lines(void **state)
{
	static const struct plan plans[] = {
		{ "2 peers, default, 2 lines", ONE(0, 2, true, true, 2), .max_states = 20000 },
		{ "2 peers that call, 2 lines", ONE(0, 2, true, true, 2), .calls = true,
		  .max_states = 20000 },
	};

	all(plans, 2);
}

static void shared_ike_sa(void **state)
{
	static const struct plan plans[] = {
		{ "2 entries of one peer", { { 0, 1, false, true, 1 }, { 0, 1, false, true, 1 } },
		  .n_specs = 2, .max_states = 20000 },
		{ "2 entries that share the second peer",
		  { { 0, 2, true, true, 1 }, { 1, 2, false, true, 1 } },
		  .n_specs = 2, .max_states = 20000 },
		{ "2 entries of one peer that calls",
		  { { 0, 1, false, true, 1 }, { 0, 1, false, true, 1 } },
		  .n_specs = 2, .calls = true, .max_states = 20000 },
	};

	all(plans, 3);
}

/*
 * Until there are no more states: what an IKE SA of two entries goes through, in every
 * order of set-up, idle end, clear, refusal, lifetime and death. Left out is what does
 * not tell one entry from two: the operator's second way in, remarks, addresses, engine.
 */
#define APART                                                                          \
	(BIT(E_CONNECT) | BIT(E_ACQUIRE_THERE) | BIT(E_REMARK) | BIT(E_BUSY) |         \
	 BIT(E_ANSWERED) | BIT(E_FIRE_K) | BIT(E_STRAY) | BIT(E_HEARD) |               \
	 BIT(E_LOCAL_ALL) | BIT(E_LOCAL_FIRST) | BIT(E_UNMAPPED) | BIT(E_CHILD_NARROW))

static void shared_to_the_end(void **state)
{
	static const struct plan plans[] = {
		{ "2 entries of one peer, to the end",
		  { { 0, 1, false, true, 1 }, { 0, 1, true, true, 1 } },
		  .n_specs = 2, .without = APART },
		{ "2 entries that share the second peer, to the end",
		  { { 0, 2, true, true, 1 }, { 1, 1, false, true, 1 } },
		  .n_specs = 2, .without = APART },
		{ "2 entries of 2 peers, to the end",
		  { { 0, 2, true, true, 1 }, { 0, 2, false, true, 1 } },
		  .n_specs = 2, .without = APART },
	};

	all(plans, 3);
}

#define NAMED(n, def, lines, name_bits, dynamic_bits) \
	ONE(0, n, def, true, lines), .names = name_bits, .dynamic = dynamic_bits

static void names(void **state)
{
	static const struct plan plans[] = {
		{ "1 dynamic name", NAMED(1, true, 1, 1, 1), .max_states = 15000 },
		{ "1 name", NAMED(1, true, 1, 1, 0), .max_states = 15000 },
		{ "a dynamic default and an address", NAMED(2, true, 1, 1, 1),
		  .max_states = 20000 },
		{ "an address and a dynamic name", NAMED(2, false, 1, 2, 2), .max_states = 20000 },
		{ "a dynamic name and a name", NAMED(2, true, 1, 3, 1), .max_states = 20000 },
		{ "2 dynamic names that call, reloads", NAMED(2, true, 1, 3, 3), .edits = 1,
		  .lost = 1, .calls = true, .max_states = 20000 },
		{ "3 dynamic names", NAMED(3, true, 1, 7, 7), .max_states = 20000 },
		{ "2 entries of one name", { { 0, 1, false, true, 1 }, { 0, 1, false, true, 1 } },
		  .n_specs = 2, .names = 1, .dynamic = 1, .max_states = 20000 },
	};

	all(plans, 8);
}

static void orphans_first(void **state)
{
	static const struct plan plans[] = {
		{ "SAs of an earlier run", ONE(0, 2, true, true, 1), .lost = 1, .calls = true,
		  .orphans = true, .max_states = 15000 },
	};

	all(plans, 1);
}

static void suspended(void **state)
{
	static const struct plan plans[] = {
		{ "1 peer, default, asleep", ONE(0, 1, true, true, 1), .sleeps = 2 },
		{ "2 peers, default, asleep", ONE(0, 2, true, true, 1), .sleeps = 2,
		  .max_states = 15000 },
		{ "2 peers that call, 2 lines, asleep", ONE(0, 2, true, true, 2), .sleeps = 1,
		  .calls = true, .max_states = 15000 },
		{ "2 entries of one peer, asleep",
		  { { 0, 1, false, true, 1 }, { 0, 1, false, true, 1 } },
		  .n_specs = 2, .sleeps = 1, .max_states = 15000 },
	};

	all(plans, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complete),	 cmocka_unit_test(called),
		cmocka_unit_test(many_peers),	 cmocka_unit_test(changed),
		cmocka_unit_test(two_lines),	 cmocka_unit_test(shared_ike_sa),
		cmocka_unit_test(shared_to_the_end), cmocka_unit_test(orphans_first),
		cmocka_unit_test(names), cmocka_unit_test(suspended),
	};

	return cmocka_run_group_tests_name("entry: every sequence of events", tests, NULL, NULL);
}
