/* SPDX-License-Identifier: GPL-2.0-or-later */
/* semantics.md §10 row by row, and the cases of §13 that need neither kernel nor wire. */
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

static void world(unsigned n_peers, bool has_default, bool idle_home, unsigned n_lines)
{
	const struct world_spec s = { 0, n_peers, has_default, idle_home, n_lines };

	world_init(&w, &s, 1);
}

static int end(void **state)
{
	world_fini(&w);
	return 0;
}

/* The peer being tried, by its number; -1 outside WALK. */
static int trying(void)
{
	return walk_peer(E0) ? (int)walk_peer(E0) - 1 : -1;
}

static void step_times_out(void)
{
	world_fire(&w, E0, &E0->at.at);
}

static void step_succeeds(void)
{
	world_child_up(&w, E0->at.child, false);
}

/* Up on that peer by a packet; those before it in the walk stay silent. */
static void up_on(int peer)
{
	world_acquire(&w, 0, 0);
	while (trying() != peer)
		step_times_out();
	step_succeeds();
	assert_int_equal(E0->state, ENTRY_UP);
	assert_int_equal(E0->c, P(peer));
}

static void peer_dies(void)
{
	world_conn_down(&w, E0->conn, WHY_DEAD);
	assert_int_equal(E0->state, ENTRY_DOWN);
}

static void line_idles(unsigned line)
{
	world_step(&w);
	core_pair_idle(&w.r, E0, &E0->lines[line], 60000);
}

static int next(void)
{
	return (int)peer_next(E0) - 1;
}

/* Whom the out template of line 0 names. */
static int template(void)
{
	return (int)(ntohl(E0->lines[0].peer.v4.s_addr) % 256) - 1;
}

static void case_5(void **state)
{
	world(2, true, false, 1);
	assert_int_equal(template(), 0);
	world_acquire(&w, 0, 0);
	assert_int_equal(trying(), 0);
	assert_non_null(world_action(&w, ACT_OPEN));
	assert_int_equal(world_action(&w, ACT_OPEN)->answer_ms, 12000);
	assert_int_equal(world_action(&w, ACT_OPEN)->finish_ms, 12000);
	step_succeeds();
	assert_int_equal(E0->c, P(0));
	assert_int_equal(E0->next, NEXT_SAME);
	assert_int_equal(world_count(&w, ACT_LARVAL_KILL), 0); /* the SA took its place */
}

static void case_6(void **state)
{
	world(2, true, false, 2);
	world_acquire(&w, 0, 0);
	step_times_out();
	assert_int_equal(trying(), 1);
	assert_int_equal(E0->c, P(0)); /* an attempt moves nothing */
	step_succeeds();
	assert_int_equal(E0->c, P(1));
	assert_int_equal(template(), 1);
	/* larval of P0's template goes, or the way back raises no acquire for 30 s (case 35) */
	assert_int_equal(world_count(&w, ACT_LARVAL_KILL), 1);
	world_acquire(&w, 0, 1);
	assert_int_equal(world_action(&w, ACT_CHILD_OPEN)->conn, E0->conn);
}

static void case_7(void **state)
{
	world(2, true, false, 1);
	up_on(1);
	peer_dies();
	assert_int_equal(E0->c, P(1)); /* shown until another is up [S0] */
	assert_int_equal(next(), 0);
	world_acquire(&w, 0, 0);
	assert_int_equal(trying(), 0);
}

static void case_8(void **state)
{
	world(3, true, false, 1);
	up_on(1);
	peer_dies();
	world_acquire(&w, 0, 0);
	assert_int_equal(trying(), 0);
	step_times_out();
	assert_int_equal(trying(), 1);
	assert_int_equal(world_action(&w, ACT_OPEN)->answer_ms, 2000); /* its death was just seen */
	step_times_out();
	assert_int_equal(trying(), 2);
	step_times_out();
	assert_int_equal(E0->state, ENTRY_BACKOFF);
	assert_int_equal(next(), 0);
}

static void case_9(void **state)
{
	world(3, false, false, 1);
	up_on(0);
	peer_dies();
	assert_int_equal(E0->c, P(0));
	assert_int_equal(next(), 1);
	world_acquire(&w, 0, 0);
	assert_int_equal(trying(), 1);
	step_times_out();
	assert_int_equal(trying(), 2);
	step_times_out();
	assert_int_equal(trying(), 0);
}

static void case_10(void **state)
{
	world(2, true, true, 1);
	up_on(1);
	line_idles(0);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(E0->why.reason, REASON_IDLE_HOME);
	assert_int_equal(world_action(&w, ACT_CHILD_CLOSE)->how, CLOSE_DELETE);
	assert_int_equal(world_action(&w, ACT_CLOSE)->how, CLOSE_DELETE);
	assert_true(world_action(&w, ACT_CHILD_CLOSE) < world_action(&w, ACT_CLOSE));
	assert_int_equal(world_count(&w, ACT_OPEN), 0);
	assert_int_equal(E0->c, P(1));
	assert_int_equal(template(), 1);
	assert_int_equal(next(), 0);
	world_acquire(&w, 0, 0);
	assert_int_equal(trying(), 0);
}

static void case_11(void **state)
{
	world(2, true, false, 1);
	up_on(1);
	line_idles(0);
	assert_int_equal(E0->why.reason, REASON_IDLE);
	assert_int_equal(next(), 1);
}

static void case_12(void **state)
{
	world(2, false, true, 1);
	up_on(1);
	line_idles(0);
	assert_int_equal(E0->next, NEXT_SAME);
	assert_int_equal(next(), 1);
}

static void two_lines_up(void)
{
	up_on(1);
	world_acquire(&w, 0, 1);
	world_child_up(&w, E0->lines[1].setup, false);
	assert_int_equal(entry_live(E0), 2);
}

static void case_20(void **state)
{
	world(2, true, true, 2);
	two_lines_up();
	line_idles(1);
	assert_int_equal(E0->state, ENTRY_UP);
	assert_int_equal(world_count(&w, ACT_CHILD_CLOSE), 1);
	assert_int_equal(world_count(&w, ACT_CLOSE), 0);
	assert_int_equal(E0->next, NEXT_SAME);
}

static void case_21(void **state)
{
	world(2, true, true, 2);
	two_lines_up();
	line_idles(1);
	line_idles(0);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(world_count(&w, ACT_CLOSE), 1);
	assert_int_equal(next(), 0);
}

static void case_27(void **state)
{
	world(2, true, false, 1);
	E0->peers[0].addr = (struct addr){ 0 };
	world_acquire(&w, 0, 0);
	assert_int_equal(trying(), 1);
	assert_int_equal(E0->peers[0].last, REASON_DNS);
}

static void case_28(void **state)
{
	conn_id old;

	world(2, true, false, 1);
	up_on(1);
	old = E0->conn;
	world_inbound(&w, 0, 0, &E0->lines[0]);
	assert_true(world_action(&w, ACT_INBOUND_REPLY)->accept); /* the preferred peer is back */
	world_child_up(&w, E0->children[1].id, false);
	assert_int_equal(E0->state, ENTRY_UP);
	assert_int_equal(E0->c, P(0));
	assert_int_equal(template(), 0);
	assert_int_not_equal(E0->conn, old);
	assert_int_equal(world_action(&w, ACT_CHILD_CLOSE)->how, CLOSE_OUT);
	assert_true(world_action(&w, ACT_POINT) < world_action(&w, ACT_CHILD_CLOSE));
	world_fire(&w, E0, &E0->children[0].close_at); /* case 37: the inbound SA 5 s later */
	assert_int_equal(world_action(&w, ACT_CHILD_CLOSE)->how, CLOSE_DELETE);
	assert_int_equal(world_action(&w, ACT_CLOSE)->conn, old);
}

static void case_34(void **state)
{
	world(2, false, false, 1);
	up_on(0);
	world_inbound(&w, 1, 0, &E0->lines[0]);
	assert_int_equal(E0->n_holds, 1); /* P[c] may be alive: asked first */
	assert_int_equal(world_action(&w, ACT_PROBE)->conn, E0->conn);
	world_step(&w);
	core_conn_heard(&w.r, E0->conn, w.env.now, 0);
	assert_false(world_action(&w, ACT_INBOUND_REPLY)->accept);
	assert_false(world_action(&w, ACT_INBOUND_REPLY)->keep_ike);
	assert_int_equal(E0->c, P(0));

	w.idle_all = true; /* no default, P[c] idle past its DPD interval: it may */
	world_inbound(&w, 1, 0, &E0->lines[0]);
	world_child_up(&w, E0->children[1].id, false);
	assert_int_equal(E0->c, P(1));
	world_inbound(&w, 0, 0, &E0->lines[0]); /* back within 30 s: only if P1 is dead */
	assert_int_equal(E0->n_holds, 1);
	world_fire(&w, E0, &E0->holds[0].at);
	assert_false(world_action(&w, ACT_INBOUND_REPLY)->accept);
	assert_int_equal(E0->c, P(1));
}

static const struct core_note *note_of(enum entry_ntf_type type)
{
	for (unsigned i = 0; i < w.out.n; i++)
		if (w.out.list[i].type == ACT_NOTIFY && w.out.list[i].note.type == type)
			return &w.out.list[i].note;
	return NULL;
}

/* PEER_CHANGE says how the former peer ended, a held call is told with its verdict. */
static void moves_are_explained(void **state)
{
	world(2, true, true, 1);
	up_on(1);
	assert_int_equal(note_of(NTF_PEER)->cause.reason, REASON_TIMEOUT);
	assert_int_equal(note_of(NTF_PEER)->from_peer, P(0));
	line_idles(0);
	up_on(0);
	assert_int_equal(note_of(NTF_PEER)->cause.reason, REASON_IDLE_HOME);
	world_inbound(&w, 1, 0, &E0->lines[0]);
	assert_string_equal(note_of(NTF_NOTE)->cause.text,
			    "held, the current peer is asked whether it lives");
	assert_int_equal(note_of(NTF_NOTE)->peer, P(1));
	world_step(&w);
	core_conn_heard(&w.r, E0->conn, w.env.now, 0);
	assert_string_equal(note_of(NTF_NOTE)->cause.text, "refused, the current peer answers");
	peer_dies();
	world_acquire(&w, 0, 0);
	step_times_out();
	step_succeeds();
	assert_int_equal(note_of(NTF_PEER)->cause.reason, REASON_DEAD);
	world_inbound(&w, 0, 0, &E0->lines[0]);
	world_child_up(&w, E0->children[1].id, false);
	assert_int_equal(note_of(NTF_PEER)->cause.reason, REASON_INBOUND);
	assert_int_equal(E0->peers[1].last, REASON_INBOUND); /* and not "up" for ever */
}

/* The probe of a hold is judged at the very end of its budget: the hold has to be there yet. */
static void hold_outlasts_budget(void **state)
{
	world(2, true, false, 1);
	E0->retry_ms = 500;
	up_on(0);
	world_inbound(&w, 1, 0, &E0->lines[0]);
	assert_int_equal(mono_diff_ms(E0->holds[0].at, w.env.now), 3000 + VERDICT_LATE_MS);
	end(state);
	world(2, true, false, 1);
	E0->retry_ms = 20;
	up_on(0);
	E0->peers[0].rtt_us = 150000; /* no budget is under four round trips */
	world_inbound(&w, 1, 0, &E0->lines[0]);
	assert_int_equal(mono_diff_ms(E0->holds[0].at, w.env.now), 600 + VERDICT_LATE_MS);
	end(state);
	world(2, true, false, 1);
	up_on(0);
	world_inbound(&w, 1, 0, &E0->lines[0]);
	assert_int_equal(mono_diff_ms(E0->holds[0].at, w.env.now), 10000);
}

static void held_until_dead(void **state)
{
	world(2, true, false, 1);
	up_on(0);
	world_inbound(&w, 1, 0, &E0->lines[0]);
	peer_dies();
	assert_true(world_action(&w, ACT_INBOUND_REPLY)->accept);
	world_child_up(&w, E0->children[0].id, false);
	assert_int_equal(E0->state, ENTRY_UP);
	assert_int_equal(E0->c, P(1));
}

static void held_until_step_ends(void **state)
{
	conn_id called;

	world(2, true, false, 1);
	world_acquire(&w, 0, 0);
	world_inbound(&w, 1, 0, &E0->lines[0]);
	assert_int_equal(E0->n_holds, 1); /* a later one of the walk */
	step_times_out();
	assert_true(world_action(&w, ACT_INBOUND_REPLY)->accept);
	called = world_action(&w, ACT_INBOUND_REPLY)->conn;
	assert_int_equal(E0->at.kind, AT_JOIN); /* no second IKE SA to the peer that calls */
	assert_int_equal(E0->at.conn, called);
	world_child_up(&w, E0->children[0].id, false);
	assert_int_equal(E0->c, P(1));
	assert_int_equal(E0->conn, called);
}

static void case_35(void **state)
{
	world(2, true, true, 1);
	up_on(0);
	peer_dies();
	assert_false(E0->lines[0].larval);
	for (int i = 0; i < 2; i++) {
		world_acquire(&w, 0, 0);
		while (trying() != (i ? 0 : 1))
			step_times_out();
		step_succeeds();
		assert_false(E0->lines[0].larval);
		line_idles(0);
		assert_false(E0->lines[0].larval);
	}
	world_acquire(&w, 0, 0);
	step_times_out();
	step_times_out();
	assert_int_equal(E0->state, ENTRY_BACKOFF);
	assert_int_equal(world_count(&w, ACT_LARVAL_KILL), 1);
}

static void remove_peer(unsigned i)
{
	struct core_peer peers[8];
	struct core_line lines[8];
	unsigned n = 0;

	for (unsigned j = 0; j < E0->n_peers; j++)
		if (j != i)
			peers[n++] = E0->peers[j];
	for (unsigned j = 0; j < E0->n_lines; j++)
		lines[j] = E0->lines[j];
	world_step(&w);
	core_edit(&w.r, E0, peers, n, lines, E0->n_lines);
}

static void case_43(void **state)
{
	world(3, true, false, 1);
	world_acquire(&w, 0, 0);
	step_times_out();
	assert_int_equal(trying(), 1);
	remove_peer(1);
	assert_int_equal(E0->state, ENTRY_WALK);
	assert_int_equal(trying(), 2);
	assert_int_equal(E0->c, P(0));
	assert_non_null(world_action(&w, ACT_CLOSE));
}

static void case_3_and_current_removed(void **state)
{
	world(3, true, true, 1);
	up_on(0);
	remove_peer(0);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(E0->c, P(1)); /* the new first is current */
	assert_int_equal(E0->next, NEXT_SAME);
	assert_false(entry_has_default(E0)); /* and not promoted to default */
	assert_int_equal(template(), 1);
	assert_int_equal(world_action(&w, ACT_CLOSE)->how, CLOSE_DELETE);
}

static void interface_removed(void **state)
{
	struct core_peer peers[2];

	world(2, true, true, 2);
	two_lines_up();
	peers[0] = E0->peers[0];
	peers[1] = E0->peers[1];
	world_step(&w);
	core_edit(&w.r, E0, peers, 2, NULL, 0);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(E0->c, P(0));
	assert_int_equal(E0->next, NEXT_SAME);
	assert_non_null(world_action(&w, ACT_CLOSE));
	assert_int_equal(core_connect(&w.r, E0), -ENOENT);
}

static void no_interface(void)
{
	const struct core_peer peers[] = { E0->peers[0], E0->peers[1] };

	world_step(&w);
	core_edit(&w.r, E0, peers, 2, NULL, 0);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(E0->c, P(0));
	assert_int_equal(E0->next, NEXT_SAME);
}

static void interface_removed_from_first(void **state)
{
	world(2, true, true, 1);
	up_on(0);
	peer_dies();
	assert_int_equal(E0->next, NEXT_HOME);
	no_interface();
	end(state);
	world(2, false, true, 1);
	up_on(0);
	peer_dies();
	world_acquire(&w, 0, 0);
	assert_int_equal(E0->next, NEXT_AFTER);
	no_interface(); /* in WALK, too */
}

static void current_removed_in_walk(void **state)
{
	world(3, false, true, 1);
	up_on(1);
	peer_dies();
	world_acquire(&w, 0, 0);
	assert_int_equal(trying(), 2);
	remove_peer(1);
	assert_int_equal(E0->state, ENTRY_WALK); /* it goes on */
	assert_int_equal(trying(), 2);
	assert_int_equal(E0->c, P(0));
	assert_int_equal(E0->next, NEXT_AFTER);
	step_succeeds();
	assert_int_equal(E0->c, P(2));
}

/* Childless for less than 30 s: a line without a pair may go. */
static void line_removed_while_childless(void **state)
{
	struct core_line line;
	const struct core_peer *p;
	struct core_peer peers[2];

	world(2, true, true, 2);
	up_on(1);
	world_step(&w);
	core_child_expired(&w.r, E0, E0->children[0].id, TRAFFIC_RECENT);
	line = E0->lines[0];
	p = E0->peers;
	peers[0] = p[0];
	peers[1] = p[1];
	core_edit(&w.r, E0, peers, 2, &line, 1);
	assert_int_equal(E0->state, ENTRY_UP);
	assert_true(mono_is_set(E0->childless_at));
}

static void default_lost(void **state)
{
	struct core_peer peers[2];
	struct core_line line;

	world(2, true, true, 1);
	up_on(1);
	line_idles(0);
	assert_int_equal(E0->next, NEXT_HOME);
	peers[0] = E0->peers[0];
	peers[1] = E0->peers[1];
	peers[0].is_default = false;
	line = E0->lines[0];
	core_edit(&w.r, E0, peers, 2, &line, 1);
	assert_int_equal(E0->next, NEXT_SAME);
}

static void untouched_by_reload(void **state)
{
	struct core_peer peers[3];
	struct core_line line;

	world(2, true, true, 1);
	up_on(1);
	peers[0] = E0->peers[0];
	peers[1] = E0->peers[1];
	peers[2] = (struct core_peer){ .addr = world_peer(5), .remote = 6 };
	line = E0->lines[0];
	world_step(&w);
	core_edit(&w.r, E0, peers, 3, &line, 1);
	assert_int_equal(E0->state, ENTRY_UP);
	assert_int_equal(w.out.n, 0); /* an added peer joins the next walk, nothing else */
}

static void case_45(void **state)
{
	world(2, true, false, 2);
	world_acquire(&w, 0, 0);
	world_acquire(&w, 0, 1);
	assert_int_equal(world_count(&w, ACT_OPEN), 0);
	step_succeeds();
	assert_int_equal(world_count(&w, ACT_CHILD_OPEN), 1);
	assert_int_equal(world_action(&w, ACT_CHILD_OPEN)->reqid, E0->lines[1].reqid);
}

static void case_46(void **state)
{
	world(2, false, true, 1);
	up_on(0);
	peer_dies();
	assert_int_equal(next(), 1);
	world_inbound(&w, 0, 0, &E0->lines[0]);
	world_child_up(&w, E0->children[0].id, false);
	assert_int_equal(E0->state, ENTRY_UP);
	line_idles(0);
	assert_int_equal(next(), 0);
}

static void case_47(void **state)
{
	world(3, true, false, 1);
	up_on(1);
	line_idles(0);
	world_acquire(&w, 0, 0);
	assert_int_equal(trying(), 1);
	step_times_out();
	assert_int_equal(trying(), 0);
	step_times_out();
	assert_int_equal(trying(), 2);
}

static void case_48(void **state)
{
	world(3, true, true, 1);
	up_on(1);
	peer_dies();
	world_acquire(&w, 0, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(E0->c, P(1));
		assert_int_equal(world_count(&w, ACT_POINT), 0);
		step_times_out();
	}
	assert_int_equal(E0->state, ENTRY_BACKOFF);
	assert_int_equal(E0->c, P(1));
	assert_int_equal(template(), 1);
}

static void walked_out_goes_home(void **state)
{
	world(2, true, false, 1);
	up_on(1);
	line_idles(0);
	assert_int_equal(E0->next, NEXT_SAME);
	world_acquire(&w, 0, 0);
	step_times_out();
	step_times_out();
	assert_int_equal(E0->state, ENTRY_BACKOFF);
	assert_int_equal(E0->next, NEXT_HOME);
}

static void death_is_forgotten(void **state)
{
	world(2, true, true, 1);
	up_on(0);
	peer_dies();
	world_acquire(&w, 0, 0);
	assert_int_equal(world_action(&w, ACT_OPEN)->answer_ms, 2000);
	step_succeeds();
	line_idles(0);
	world_acquire(&w, 0, 0);
	assert_int_equal(world_action(&w, ACT_OPEN)->answer_ms, 12000);
}

/* Row "inbound accepted on a new IKE SA": all other lines are asked for on the new one. */
static void inbound_move_asks_again(void **state)
{
	world(2, true, true, 3);
	up_on(1);
	world_acquire(&w, 0, 1); /* in set-up */
	world_acquire(&w, 0, 2);
	world_step(&w);
	core_child_failed(&w.r, E0->conn, E0->lines[2].setup, WHY_BUSY, NULL); /* backs off */
	world_inbound(&w, 0, 0, &E0->lines[0]);
	world_child_up(&w, world_action(&w, ACT_INBOUND_REPLY)->child, false);
	assert_int_equal(E0->c, P(0));
	assert_int_equal(world_count(&w, ACT_CHILD_OPEN), 2);
	assert_true(E0->lines[1].setup && E0->lines[2].setup);
	assert_false(mono_is_set(E0->lines[2].backoff_at));
}

/* Were both pairs accepted, each end would keep its own and end the other's: neither would stay. */
static void both_ask_for_a_line(void **state)
{
	const struct core_action *reply;

	world(2, true, true, 2);
	up_on(1);
	world_acquire(&w, 0, 1);
	world_inbound(&w, 1, E0->conn, &E0->lines[1]);
	reply = world_action(&w, ACT_INBOUND_REPLY);
	assert_false(reply->accept); /* we opened the IKE SA */
	assert_true(reply->keep_ike);
	world_child_up(&w, E0->lines[1].setup, false);
	world_inbound(&w, 1, E0->conn, &E0->lines[1]); /* later, it is a new wish */
	assert_true(world_action(&w, ACT_INBOUND_REPLY)->accept);

	world_fini(&w);
	world(2, true, true, 2);
	world_inbound(&w, 0, 0, &E0->lines[0]);
	world_child_up(&w, world_action(&w, ACT_INBOUND_REPLY)->child, false);
	world_acquire(&w, 0, 1);
	world_inbound(&w, 0, E0->conn, &E0->lines[1]);
	assert_true(world_action(&w, ACT_INBOUND_REPLY)->accept); /* it did: ours will be refused */
}

static void case_51(void **state)
{
	world(2, true, true, 1);
	up_on(1);
	w.local_mask = 0;
	world_step(&w);
	core_local_changed(&w.r);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(world_action(&w, ACT_CLOSE)->how, CLOSE_QUIET);
	assert_int_equal(next(), 1); /* not a failure */
	world_acquire(&w, 0, 0);
	assert_int_equal(E0->state, ENTRY_DOWN);
	w.local_mask = 0xff;
	world_step(&w);
	core_local_changed(&w.r);
	assert_int_equal(trying(), 1);
	assert_int_equal(E0->why.reason, REASON_LOCAL_USABLE);
}

static void peer_deletes_ike(void **state)
{
	world(2, true, false, 1);
	up_on(1);
	world_conn_down(&w, E0->conn, WHY_PEER_DELETE);
	assert_int_equal(E0->next, NEXT_HOME);
	end(state);
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
	end(state);
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

static void clears(void **state)
{
	world(2, true, true, 2);
	two_lines_up();
	world_step(&w);
	assert_int_equal(core_clear_sa(&w.r, E0, NULL, E0->children[0].spi_out), 1);
	assert_int_equal(E0->state, ENTRY_UP);
	assert_int_equal(core_clear_sa(&w.r, E0, NULL, 0), 1);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(next(), 1); /* A13: the peer is kept */
	core_clear_session(&w.r, E0, REASON_RESET);
	assert_int_equal(next(), 0);
	assert_int_equal(world_action(&w, ACT_NOTIFY)->note.cause.reason, REASON_CLEAR_SA);
	E0->k = 3; /* a walk without answer, not long ago */
	assert_int_equal(core_clear_sa(&w.r, E0, NULL, 0), 0);
	assert_int_equal(E0->k, 0);
	assert_int_equal(next(), 0);
}

static void back_off(void **state)
{
	static const unsigned want[] = { 750, 1500, 3000, 6000, 12000, 24000, 45000, 45000 };

	world(2, true, false, 1);
	world_acquire(&w, 0, 0);
	for (unsigned i = 0; i < 8; i++) {
		step_times_out();
		step_times_out();
		assert_int_equal(E0->state, ENTRY_BACKOFF);
		assert_in_range(mono_diff_ms(E0->backoff_at, w.env.now), want[i] - 2, want[i] + 2);
		assert_int_equal(next(), 0);
		assert_false(entry_wanted(E0));
		world_acquire(&w, 0, 0);
		world_fire(&w, E0, &E0->backoff_at);
		assert_int_equal(E0->state, ENTRY_WALK);
	}
	step_times_out();
	step_times_out();
	world_fire(&w, E0, &E0->backoff_at);
	assert_int_equal(E0->state, ENTRY_DOWN); /* nobody asked */
	assert_int_not_equal(E0->k, 0);
	world_fire(&w, E0, &E0->k_reset_at);
	assert_int_equal(E0->k, 0);
}

static void connects(void **state)
{
	world(2, true, false, 1);
	w.local_mask = 0;
	assert_int_equal(core_connect(&w.r, E0), -ENETUNREACH);
	assert_true(E0->lines[0].want); /* DOWN: it waits */
	w.local_mask = 0xff;
	core_local_changed(&w.r);
	assert_int_equal(trying(), 0);
	assert_int_equal(core_connect(&w.r, E0), -EINPROGRESS);
	step_times_out();
	step_times_out();
	E0->k = 5;
	assert_int_equal(core_connect(&w.r, E0), 0);
	assert_int_equal(E0->k, 0);
	assert_int_equal(E0->state, ENTRY_WALK);
	step_succeeds();
	assert_int_equal(core_connect(&w.r, E0), -EALREADY);
}

static void remark_halves_answer(void **state)
{
	world(2, true, false, 1);
	world_acquire(&w, 0, 0);
	core_conn_remark(&w.r, E0->at.conn, WHY_PROPOSAL, "NO_PROPOSAL_CHOSEN, unauthenticated");
	assert_int_equal(trying(), 0); /* it decides nothing */
	assert_int_equal(mono_diff_ms(E0->at.at, w.env.now), 6000);
	core_conn_answered(&w.r, E0->at.conn, 0);
	assert_int_equal(mono_diff_ms(E0->at.at, w.env.now), 12000); /* Finish */
	assert_int_equal(E0->at.remark, REASON_NONE);
}

static void budgets(void **state)
{
	static const struct {
		uint32_t retry_ms, rtt_us, answer_ms;
		bool dead;
		uint32_t answer, finish;
	} t[] = {
		{ 0, 0, 0, false, 12000, 12000 },     { 2000, 20000, 0, false, 12000, 12000 },
		{ 60000, 0, 0, false, 30000, 30000 }, { 20, 0, 0, false, 1000, 2000 },
		{ 20, 20000, 0, false, 250, 2000 },   { 20, 150000, 0, false, 600, 2000 },
		{ 2000, 0, 0, true, 2000, 12000 },    { 20, 20000, 0, true, 250, 2000 },
		{ 60000, 0, 0, true, 3000, 30000 },   { 20, 150000, 0, true, 600, 2000 },
		{ 2000, 0, 5000, false, 5000, 12000 },
	};

	world(2, true, false, 1);
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		E0->retry_ms = t[i].retry_ms;
		E0->answer_ms = t[i].answer_ms;
		E0->peers[0].rtt_us = t[i].rtt_us;
		E0->dead = t[i].dead ? P(0) : 0;
		assert_int_equal(attempt_answer_ms(E0, &E0->peers[0]), t[i].answer);
		assert_int_equal(attempt_finish_ms(E0), t[i].finish);
	}
}

static void inbound_line_choice(void **state)
{
	const struct world_spec s[] = { { 0, 2, true, true, 2 }, { 0, 2, true, true, 1 } };
	struct selector any = selector_any(AF_INET);
	struct core_line wide = { .sel = any };

	world_init(&w, s, 2);
	world_inbound(&w, 1, 0, &wide); /* the first line in compiled order, narrowed to it */
	assert_int_equal(world_action(&w, ACT_INBOUND_REPLY)->reqid, E0->lines[0].reqid);
	assert_true(selector_equal(&world_action(&w, ACT_INBOUND_REPLY)->sel, &E0->lines[0].sel));
	world_inbound(&w, 1, 0, &E1->lines[0]);
	assert_int_equal(world_action(&w, ACT_INBOUND_REPLY)->reqid, E1->lines[0].reqid);
	world_inbound(&w, 6, 0, &wide); /* nobody lists it */
	assert_false(world_action(&w, ACT_INBOUND_REPLY)->accept);
}

static void orphans(void **state)
{
	uint32_t reqid;

	world(2, true, true, 1);
	reqid = E0->lines[0].reqid;
	core_orphans(&w.r, E0, P(1), &reqid, 1);
	assert_int_equal(trying(), 1);
	assert_int_equal(template(), 1);
	step_succeeds();
	assert_int_equal(world_count(&w, ACT_ORPHANS_OUT), 1);
	assert_int_equal(world_count(&w, ACT_ORPHANS_ALL), 0);
	world_fire(&w, E0, &E0->orphans_at);
	assert_int_equal(world_count(&w, ACT_ORPHANS_ALL), 1);
}

static void orphans_of_removed(void **state)
{
	uint32_t reqid;

	world(2, true, true, 1);
	reqid = E0->lines[0].reqid;
	w.local_mask = 0; /* DOWN: it waits for an address */
	core_orphans(&w.r, E0, P(1), &reqid, 1);
	assert_int_equal(E0->state, ENTRY_DOWN);
	world_step(&w);
	core_remove(&w.r, E0);
	assert_int_equal(world_count(&w, ACT_ORPHANS_ALL), 1);
}

#define ROW(name, fn) { name, fn, NULL, end, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW("case 5: P0 up, current is P0", case_5),
		ROW("case 6: P0 silent at the first packet, then P1, and it stays", case_6),
		ROW("case 7: on P1, it dies, the next attempt hits P0 first", case_7),
		ROW("case 8: P1 and P0 dead: P0, P1, P2", case_8),
		ROW("case 9: no default, P0 dies: shown still, next attempt P1", case_9),
		ROW("case 10: idle with default: DELETEs, current unchanged, next P0", case_10),
		ROW("case 11: idle without default of the timer: P1 again", case_11),
		ROW("case 12: default timer, no default peer: P1", case_12),
		ROW("case 20: two lines, one idle: only that pair goes", case_20),
		ROW("case 21: last pair: IKE SA goes", case_21),
		ROW("case 27: name without address: next peer", case_27),
		ROW("case 28, case 37: P0 calls while on P1", case_28),
		ROW("case 34: two hubs that initiate: no flapping", case_34),
		ROW("moves, holds and refusals are explained", moves_are_explained),
		ROW("a hold lasts as long as its probe, 10 s at most", hold_outlasts_budget),
		ROW("held request is accepted when the current peer is dead", held_until_dead),
		ROW("held request is accepted when the step fails, and joined", held_until_step_ends),
		ROW("case 35: every larval is removed", case_35),
		ROW("case 43: the peer being tried is removed", case_43),
		ROW("case 3: the current default is removed", case_3_and_current_removed),
		ROW("the interface is removed: DOWN, first peer", interface_removed),
		ROW("the interface is removed while P0 is current: next=same", interface_removed_from_first),
		ROW("P[c] is removed in a walk: c=P0, the walk goes on", current_removed_in_walk),
		ROW("a line is removed while UP has no child", line_removed_while_childless),
		ROW("default lost: next=home becomes same", default_lost),
		ROW("a reload leaves alone what it does not touch", untouched_by_reload),
		ROW("case 45: a packet for line 2 during the set-up is not forgotten", case_45),
		ROW("case 46: no default, P0 dies, comes back inbound, idles: P0", case_46),
		ROW("case 47: on P1, idle end, P1 silent: P0 before P2", case_47),
		ROW("case 48: a walk without answer changes no current peer", case_48),
		ROW("a walk without answer ends at home with a default", walked_out_goes_home),
		ROW("a peer that came back has its full Answer budget", death_is_forgotten),
		ROW("an inbound move asks for every other line again", inbound_move_asks_again),
		ROW("both ends ask for a line at once: who opened the IKE SA refuses", both_ask_for_a_line),
		ROW("case 51: local address gone and back: same peer", case_51),
		ROW("peer deletes the IKE SA", peer_deletes_ike),
		ROW("peer deletes the last pair without traffic (case 44)", last_pair_deleted_by_peer),
		ROW("a pair ends under traffic: UP stays, 30 s at most", pair_deleted_under_traffic),
		ROW("lifetimes end", lifetime_ends),
		ROW("the kernel lost an SA", sa_lost),
		ROW("the kernel lost one of two narrowed pairs", narrow_sa_lost),
		ROW("a refused line backs off alone", line_refused),
		ROW("narrowed beside the packet in a walk: the step fails", narrow_in_walk),
		ROW("a narrow pair stays beside the next one", narrow_beside),
		ROW("clear sa keeps the peer, clear session and reset go home", clears),
		ROW("back-off doubles to 60 s, and is forgotten after 10 min", back_off),
		ROW("operator connect", connects),
		ROW("an unauthenticated error halves the Answer budget, no more", remark_halves_answer),
		ROW("budgets", budgets),
		ROW("an inbound child goes to the first line that intersects", inbound_line_choice),
		ROW("orphans end after the first child is up (A19)", orphans),
		ROW("orphans of an entry that is removed while DOWN end with it", orphans_of_removed),
	};

	return cmocka_run_group_tests_name("entry: rows of §10", tests, NULL, NULL);
}
