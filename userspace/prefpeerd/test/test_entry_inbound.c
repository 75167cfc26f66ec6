/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers that call (semantics.md §1.5): accepted, held, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "entry_steps.h"

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
	assert_string_equal(note_of(NTF_NOTE)->text,
			    "held, the current peer is asked whether it lives");
	assert_int_equal(note_of(NTF_NOTE)->peer, P(1));
	world_step(&w);
	core_conn_heard(&w.r, E0->conn, w.env.now, 0);
	assert_string_equal(note_of(NTF_NOTE)->text, "refused, the current peer answers");
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
	steps_end(state);
	world(2, true, false, 1);
	E0->retry_ms = 20;
	up_on(0);
	E0->peers[0].rtt_us = 150000; /* no budget is under four round trips */
	world_inbound(&w, 1, 0, &E0->lines[0]);
	assert_int_equal(mono_diff_ms(E0->holds[0].at, w.env.now), 600 + VERDICT_LATE_MS);
	steps_end(state);
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

/* What was asked for is there by the peer's own request: a line that is up backs off from nothing. */
static void refused_since_theirs_made_it(void **state)
{
	struct core_line *l;
	child_id ours;

	world(2, true, true, 2);
	world_inbound(&w, 0, 0, &E0->lines[0]);
	world_child_up(&w, world_action(&w, ACT_INBOUND_REPLY)->child, false);
	l = &E0->lines[1];
	for (unsigned narrow = 0; narrow < 2; narrow++) {
		child_id theirs;

		world_acquire(&w, 0, 1);
		ours = l->setup;
		world_inbound(&w, 0, E0->conn, l);
		theirs = world_action(&w, ACT_INBOUND_REPLY)->child;
		world_child_up(&w, theirs, narrow);
		world_step(&w);
		core_child_failed(&w.r, E0->conn, ours, WHY_TS, "TS_UNACCEPTABLE");
		assert_int_equal(mono_is_set(l->backoff_at), narrow);
		assert_int_equal(l->m, narrow);
		assert_int_equal(world_count(&w, ACT_NOTIFY), narrow);
		core_child_down(&w.r, E0->conn, theirs, WHY_LIFETIME, TRAFFIC_RECENT);
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

static struct selector between(const char *src, unsigned src_len, const char *dst,
			       unsigned dst_len)
{
	struct selector s = selector_any(AF_INET);

	addr_parse(src, &s.src.addr);
	s.src.len = (uint8_t)src_len;
	addr_parse(dst, &s.dst.addr);
	s.dst.len = (uint8_t)dst_len;
	return s;
}

static struct selector udp(struct selector s, uint16_t dport)
{
	s.proto = 17;
	s.sport = (struct port_range){ 4000, 4000 };
	s.dport = (struct port_range){ dport, dport };
	return s;
}

/* As strongSwan asks by a trap: TSi and TSr have the packet, then the network (§2.9). */
static void packet_that_asks(void **state)
{
	const struct selector line = between("192.168.1.0", 24, "172.16.0.0", 12);
	struct selector offered[] = {
		udp(between("192.168.1.10", 32, "172.16.5.1", 32), 7777),
		udp(between("192.168.1.10", 32, "172.16.5.0", 24), 7777),
		udp(between("192.168.0.0", 16, "172.16.5.1", 32), 7777),
		between("192.168.0.0", 16, "172.16.5.0", 24),
	};
	const struct selector whole = between("192.168.1.0", 24, "172.16.5.0", 24);
	struct core_inbound in = { .inbound = 77, .remote = 1, .local = world_local(), .offered = offered,
				   .n_offered = sizeof(offered) / sizeof(*offered), .single_flow = true };

	world(1, false, false, 1);
	in.from = world_peer(0);
	E0->lines[0].sel = line;
	world_step(&w);
	core_inbound(&w.r, &in);
	assert_true(world_action(&w, ACT_INBOUND_REPLY)->accept);
	assert_true(selector_equal(&world_action(&w, ACT_INBOUND_REPLY)->sel, &whole));

	/* A line without that packet is no answer, though it has a part of the network. */
	offered[0].src.addr.bytes[2] = 9;
	world_step(&w);
	core_inbound(&w.r, &in);
	assert_false(world_action(&w, ACT_INBOUND_REPLY)->accept);
}

#define ROW(name, fn) { name, fn, NULL, steps_end, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW("case 28, case 37: P0 calls while on P1", case_28),
		ROW("case 34: two hubs that initiate: no flapping", case_34),
		ROW("moves, holds and refusals are explained", moves_are_explained),
		ROW("a hold lasts as long as its probe, 10 s at most", hold_outlasts_budget),
		ROW("held request is accepted when the current peer is dead", held_until_dead),
		ROW("held request is accepted when the step fails, and joined", held_until_step_ends),
		ROW("an inbound move asks for every other line again", inbound_move_asks_again),
		ROW("both ends ask for a line at once: who opened the IKE SA refuses", both_ask_for_a_line),
		ROW("ours is refused, theirs is up: no back-off but for what theirs does not cover",
		    refused_since_theirs_made_it),
		ROW("an inbound child goes to the first line that intersects", inbound_line_choice),
		ROW("a packet that asks gets its network, not a tunnel of its own", packet_that_asks),
	};

	return cmocka_run_group_tests_name("entry: inbound", tests, NULL, NULL);
}
