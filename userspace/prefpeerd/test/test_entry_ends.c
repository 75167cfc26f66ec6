/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How connections, pairs and lines end, and narrowed ones (semantics.md §10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "entry_steps.h"

static void peer_deletes_ike(void **state)
{
	world(2, true, false, 1);
	up_on(1);
	world_conn_down(&w, E0->conn, WHY_PEER_DELETE);
	assert_int_equal(E0->next, NEXT_HOME);
	steps_end(state);
	world(2, false, false, 1);
	up_on(1);
	world_conn_down(&w, E0->conn, WHY_PEER_DELETE);
	assert_int_equal(next(), 1);
}

static void pair_deleted(enum traffic t)
{
	const struct core_child ch = E0->children[0];

	world_step(&w);
	core_child_down(&w.r, ch.conn, ch.id, WHY_PEER_DELETE, t);
}

static void last_pair_deleted_by_peer(void **state)
{
	world(2, true, false, 1);
	up_on(1);
	pair_deleted(TRAFFIC_NONE);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(next(), 0); /* A17 */
	assert_non_null(world_action(&w, ACT_CLOSE));
}

static void pair_deleted_under_traffic(void **state)
{
	world(2, true, true, 1);
	up_on(1);
	pair_deleted(TRAFFIC_RECENT);
	assert_int_equal(E0->state, ENTRY_UP);
	world_acquire(&w, 0, 0);
	assert_int_equal(world_action(&w, ACT_CHILD_OPEN)->conn, E0->conn);
	world_child_up(&w, E0->lines[0].setup, false);
	pair_deleted(TRAFFIC_RECENT);
	world_fire(&w, E0, &E0->childless_at);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(next(), 0);
}

static void lifetime_ends(void **state)
{
	world(2, true, true, 1);
	up_on(1);
	world_step(&w);
	core_child_expired(&w.r, E0, E0->children[0].id, TRAFFIC_NONE);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(next(), 0);
	steps_end(state);
	world(2, true, true, 1);
	up_on(1);
	world_conn_down(&w, E0->conn, WHY_LIFETIME);
	assert_int_equal(E0->next, NEXT_SAME);
}

static void sa_lost(void **state)
{
	world(2, true, true, 1);
	up_on(1);
	world_step(&w);
	core_child_lost(&w.r, E0, E0->children[0].id);
	assert_int_equal(E0->state, ENTRY_UP);
	assert_int_equal(world_action(&w, ACT_CHILD_CLOSE)->how, CLOSE_DELETE);
	assert_non_null(world_action(&w, ACT_CHILD_OPEN));
	world_child_up(&w, E0->lines[0].setup, false);
	world_acquire(&w, 0, 0); /* covered by its child, and the SA is not there: lost as well */
	assert_non_null(world_action(&w, ACT_CHILD_CLOSE));
	assert_non_null(world_action(&w, ACT_CHILD_OPEN));
}

/* Two narrowed pairs of one line: it is the one with the packet that is gone. */
static void narrow_sa_lost(void **state)
{
	struct core_acquire a = { .has_flow = true, .src = world_local(), .dst = world_peer(0) };
	struct core_pair p = { .local = world_local(), .peer = world_peer(0) };
	child_id first;

	world(2, true, true, 1);
	world_acquire(&w, 0, 0);
	p.sel = E0->lines[0].sel;
	p.sel.dst.len = 25;
	first = E0->at.child;
	core_child_up(&w.r, E0->at.conn, first, &p);
	a.flow = world_flow(&E0->lines[0]);
	a.flow.dst.addr.v4.s_addr |= htonl(128);
	core_acquire(&w.r, E0, &E0->lines[0], &a);
	world_child_up(&w, E0->lines[0].setup, true);
	assert_int_equal(entry_live(E0), 2);
	assert_false(mono_is_set(E0->lines[0].backoff_at));
	world_acquire(&w, 0, 0);
	assert_int_equal(world_action(&w, ACT_CHILD_CLOSE)->child, first);
	assert_int_equal(world_count(&w, ACT_CHILD_OPEN), 1);
	/* The packet is known, so an answer beside it is noticed. */
	world_child_up(&w, E0->lines[0].setup, true);
	assert_true(mono_is_set(E0->lines[0].backoff_at));
}

static void line_refused(void **state)
{
	struct core_line *l;
	static const unsigned want[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };

	world(2, true, true, 2);
	up_on(1);
	l = &E0->lines[1];
	for (unsigned i = 0; i < 8; i++) {
		world_acquire(&w, 0, 1);
		assert_int_equal(world_count(&w, ACT_CHILD_OPEN), 1);
		world_step(&w);
		core_child_failed(&w.r, E0->conn, l->setup, WHY_BUSY, "TEMPORARY_FAILURE");
		assert_int_equal(mono_diff_ms(l->backoff_at, w.env.now), want[i]);
		assert_int_equal(E0->state, ENTRY_UP); /* never the others */
		assert_int_equal(E0->c, P(1));
		world_fire(&w, E0, &l->backoff_at);
		assert_int_equal(world_count(&w, ACT_LARVAL_KILL), 1);
		assert_int_equal(world_count(&w, ACT_CHILD_OPEN), 0);
	}
	world_acquire(&w, 0, 1);
	world_step(&w);
	core_child_failed(&w.r, E0->conn, l->setup, WHY_TS, NULL);
	world_acquire(&w, 0, 1); /* wanted meanwhile */
	world_fire(&w, E0, &l->backoff_at);
	assert_int_equal(world_count(&w, ACT_CHILD_OPEN), 1);
	world_child_up(&w, l->setup, false);
	assert_int_equal(l->m, 0);
}

static void narrow_in_walk(void **state)
{
	world(2, true, true, 1);
	world_acquire(&w, 0, 0);
	world_child_up(&w, E0->at.child, true);
	assert_int_equal(trying(), 1);
	assert_int_equal(E0->peers[0].last, REASON_TS);
	assert_non_null(world_action(&w, ACT_CLOSE));
}

static void narrow_beside(void **state)
{
	struct core_acquire a = { .has_flow = true, .src = world_local(), .dst = world_peer(1) };
	child_id narrow;

	world(2, true, true, 2);
	up_on(1);
	world_acquire(&w, 0, 1);
	world_child_up(&w, E0->lines[1].setup, true);
	narrow = line_child(E0, E0->lines[1].reqid)->id; /* the first of its line: kept */
	world_fire(&w, E0, &E0->lines[1].backoff_at);
	a.flow = world_flow(&E0->lines[1]);
	world_step(&w);
	core_acquire(&w.r, E0, &E0->lines[1], &a);
	assert_int_equal(world_count(&w, ACT_CHILD_OPEN), 1);
	world_child_up(&w, E0->lines[1].setup, true); /* does not cover the packet either */
	assert_int_equal(line_child(E0, E0->lines[1].reqid)->id, narrow);
	assert_true(mono_is_set(E0->lines[1].backoff_at));
}

#define ROW(name, fn) { name, fn, NULL, steps_end, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW("peer deletes the IKE SA", peer_deletes_ike),
		ROW("peer deletes the last pair without traffic (case 44)", last_pair_deleted_by_peer),
		ROW("a pair ends under traffic: UP stays, 30 s at most", pair_deleted_under_traffic),
		ROW("lifetimes end", lifetime_ends),
		ROW("the kernel lost an SA", sa_lost),
		ROW("the kernel lost one of two narrowed pairs", narrow_sa_lost),
		ROW("a refused line backs off alone", line_refused),
		ROW("narrowed beside the packet in a walk: the step fails", narrow_in_walk),
		ROW("a narrow pair stays beside the next one", narrow_beside),
	};

	return cmocka_run_group_tests_name("entry: ends", tests, NULL, NULL);
}
