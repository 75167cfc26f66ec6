/* SPDX-License-Identifier: GPL-2.0-or-later */
/* semantics.md §10, "Shared IKE SA": two entries, one peer (case 49). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "entry_world.h"

#define E0 world_entry(&w, 0)
#define E1 world_entry(&w, 1)
#define P(i) ((peer_key)((i) + 1))

static struct world w;

static int end(void **state)
{
	world_fini(&w);
	return 0;
}

static void idles(struct core_entry *e)
{
	world_step(&w);
	core_pair_idle(&w.r, e, &e->lines[0], 60000);
}

static void share(bool both_up)
{
	const struct world_spec s[] = { { 0, 2, true, true, 1 }, { 1, 2, true, true, 1 } };

	world_init(&w, s, 2);
	world_acquire(&w, 0, 0);
	world_fire(&w, E0, &E0->at.at); /* its default is silent */
	world_child_up(&w, E0->at.child, false);
	world_acquire(&w, 1, 0); /* its default is the same peer: asked by CREATE_CHILD_SA */
	assert_int_equal(E1->at.kind, AT_ASK);
	assert_int_equal(E1->at.conn, E0->conn);
	if (both_up)
		world_child_up(&w, E1->at.child, false);
}

static void case_49_idle(void **state)
{
	share(true);
	idles(E0);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(world_count(&w, ACT_CHILD_CLOSE), 1);
	assert_int_equal(world_count(&w, ACT_CLOSE), 0); /* A12 */
	assert_int_equal(peer_next(E0), P(0));
	idles(E1);
	assert_int_equal(world_count(&w, ACT_CLOSE), 1);
}

static void case_49_clear(void **state)
{
	share(true);
	world_step(&w);
	core_clear_session(&w.r, E0, REASON_CLEAR_SESSION);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(E0->next, NEXT_HOME);
	assert_int_equal(E1->state, ENTRY_DOWN);
	assert_int_equal(E1->why.reason, REASON_SHARED);
	assert_int_equal(E1->next, NEXT_SAME);
	assert_int_equal(world_count(&w, ACT_CLOSE), 1);
}

static void case_49_clear_while_asked(void **state)
{
	share(false);
	world_step(&w);
	core_clear_session(&w.r, E0, REASON_CLEAR_SESSION);
	assert_int_equal(E1->state, ENTRY_WALK); /* the step begins again, on a new one */
	assert_int_equal(E1->at.kind, AT_OPEN);
	assert_int_equal(walk_peer(E1), P(0));
}

static void case_49_death(void **state)
{
	share(true);
	world_conn_down(&w, E0->conn, WHY_DEAD);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(E1->state, ENTRY_DOWN);
	assert_int_equal(E0->next, NEXT_HOME);
	assert_int_equal(E1->next, NEXT_HOME);
}

static void set_up_taken_over(void **state)
{
	const struct world_spec s[] = { { 0, 2, false, true, 1 }, { 0, 2, false, true, 1 } };
	conn_id conn;

	world_init(&w, s, 2);
	world_acquire(&w, 0, 0);
	conn = E0->at.conn;
	world_acquire(&w, 1, 0);
	assert_int_equal(E1->at.kind, AT_JOIN);
	assert_int_equal(world_count(&w, ACT_OPEN), 0);
	world_step(&w);
	core_clear_session(&w.r, E0, REASON_CLEAR_SESSION);
	assert_int_equal(world_count(&w, ACT_CLOSE), 0);
	world_step(&w);
	core_conn_up(&w.r, conn, 0);
	assert_int_equal(E1->at.kind, AT_ASK);
	assert_int_equal(world_action(&w, ACT_CHILD_OPEN)->conn, conn);
	world_child_up(&w, E1->at.child, false);
	assert_int_equal(E1->state, ENTRY_UP);
}

static void no_room_to_open(void **state)
{
	const struct world_spec s[] = { { 0, 2, false, true, 1 }, { 0, 2, false, true, 1 } };
	child_id child;
	conn_id conn;

	world_init(&w, s, 2);
	world_acquire(&w, 0, 0);
	conn = E0->at.conn;
	child = E0->at.child;
	core_conn_busy(&w.r, conn);
	world_acquire(&w, 1, 0);
	assert_int_equal(E1->at.kind, AT_JOIN);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mono_diff_ms(core_deadline(E0), w.env.now), OPEN_AGAIN_MS);
		assert_int_equal(mono_diff_ms(core_deadline(E1), w.env.now), OPEN_AGAIN_MS);
		world_fire(&w, E1, &E1->at.at);
		assert_int_equal(world_count(&w, ACT_OPEN), 0); /* E0 does that */
		world_fire(&w, E0, &E0->at.at);
		assert_int_equal(world_count(&w, ACT_OPEN), 1);
		assert_int_equal(world_action(&w, ACT_OPEN)->conn, conn);
		assert_int_equal(world_action(&w, ACT_OPEN)->child, child);
		assert_int_equal(world_action(&w, ACT_OPEN)->answer_ms, 12000);
		assert_int_equal(mono_diff_ms(E0->at.at, w.env.now), 12000); /* from here on */
		assert_int_equal(mono_diff_ms(E1->at.at, w.env.now), 12000);
		core_conn_busy(&w.r, conn);
	}
	world_step(&w);
	core_clear_session(&w.r, E0, REASON_CLEAR_SESSION);
	assert_int_equal(world_count(&w, ACT_CLOSE), 0);
	world_fire(&w, E1, &E1->at.at); /* nobody else opens it now */
	assert_int_equal(world_action(&w, ACT_OPEN)->conn, conn);
	assert_int_equal(world_action(&w, ACT_OPEN)->child, E1->at.child);
	world_child_up(&w, E1->at.child, false);
	assert_int_equal(E1->state, ENTRY_UP);
	assert_int_equal(E1->c, P(0));
}

static void joined_fails_alike(void **state)
{
	const struct world_spec s[] = { { 0, 2, false, true, 1 }, { 0, 2, false, true, 1 } };

	world_init(&w, s, 2);
	world_acquire(&w, 0, 0);
	world_acquire(&w, 1, 0);
	world_conn_down(&w, E0->at.conn, WHY_AUTH);
	assert_int_equal(walk_peer(E0), P(1));
	assert_int_equal(walk_peer(E1), P(1));
	assert_int_equal(E1->peers[0].last, REASON_AUTH);
}

/* A lifetime closes it for all, and is nobody's failure. */
static void case_49_lifetime(void **state)
{
	share(true);
	world_conn_down(&w, E0->conn, WHY_LIFETIME);
	assert_int_equal(E0->next, NEXT_SAME);
	assert_int_equal(E1->next, NEXT_SAME);
	end(state);
	share(false);
	world_conn_down(&w, E0->conn, WHY_LIFETIME);
	assert_int_equal(E1->state, ENTRY_WALK);
	assert_int_equal(walk_peer(E1), P(0)); /* the step begins again, on a new one */
	assert_int_equal(E1->at.kind, AT_OPEN);
}

static void case_49_peer_deletes(void **state)
{
	share(false);
	world_conn_down(&w, E0->conn, WHY_PEER_DELETE);
	assert_int_equal(E0->next, NEXT_HOME);
	assert_int_equal(walk_peer(E1), P(1)); /* the step failed */
	assert_int_equal(E1->peers[0].last, REASON_PEER_DELETE);
}

static void case_49_refused(void **state)
{
	share(false);
	world_step(&w);
	core_child_failed(&w.r, E1->at.conn, E1->at.child, WHY_TS, "TS_UNACCEPTABLE");
	assert_int_equal(walk_peer(E1), P(1)); /* a notify fails the step, never that IKE SA */
	assert_int_equal(E0->state, ENTRY_UP);
	assert_int_equal(world_count(&w, ACT_CLOSE), 0);
}

/* Idle, and a packet before the DELETE is answered. */
static void case_49_acquire_after_idle(void **state)
{
	share(true);
	idles(E1);
	world_acquire(&w, 1, 0);
	assert_int_equal(E1->at.kind, AT_ASK); /* E0 uses it: behind the DELETE */
	assert_int_equal(E1->at.conn, E0->conn);
	end(state);
	share(true);
	idles(E1);
	idles(E0);
	world_acquire(&w, 1, 0);
	assert_int_equal(E1->at.kind, AT_OPEN); /* the old one is being deleted */
	assert_int_equal(world_count(&w, ACT_OPEN), 1);
}

#define ROW(name, fn) { name, fn, NULL, end, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW("case 49: shared IKE SA, idle-out of one and of both", case_49_idle),
		ROW("case 49: shared IKE SA, clear", case_49_clear),
		ROW("case 49: shared IKE SA, clear while another asks on it", case_49_clear_while_asked),
		ROW("case 49: shared IKE SA, death", case_49_death),
		ROW("a set-up is taken over by whoever joined", set_up_taken_over),
		ROW("an engine without room keeps the step and its budget", no_room_to_open),
		ROW("what the peer states fails every step that joined", joined_fails_alike),
		ROW("case 49: shared IKE SA, its lifetime ends", case_49_lifetime),
		ROW("case 49: shared IKE SA, the peer deletes it", case_49_peer_deletes),
		ROW("case 49: shared IKE SA, a refusal leaves it alone", case_49_refused),
		ROW("case 49: shared IKE SA, a packet after the idle end", case_49_acquire_after_idle),
	};

	return cmocka_run_group_tests_name("entry: one IKE SA, two entries", tests, NULL, NULL);
}
