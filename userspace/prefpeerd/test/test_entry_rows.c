/* SPDX-License-Identifier: GPL-2.0-or-later */
/* semantics.md §10 row by row, and the cases of §13 that need neither kernel nor wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "entry_steps.h"

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

/* A packet of the line from another host of it. */
static void other_host_acquires(void)
{
	const struct core_line *l = &E0->lines[0];
	struct core_acquire a = { .has_flow = true, .flow = world_flow(l), .src = l->local,
				  .dst = l->peer };

	a.flow.src.addr.v4.s_addr |= htonl(64);
	world_step(&w);
	core_acquire(&w.r, E0, &E0->lines[0], &a);
}

/* The pair of the set-up that is under way, for what was asked. */
static void hosts_up(const struct selector *asked)
{
	const struct core_line *l = &E0->lines[0];
	struct core_pair p = { .local = l->local, .peer = l->peer, .spi_in = 0x5000 + l->setup,
			       .spi_out = 0x6000 + l->setup, .sel = *asked };
	child_id id = l->setup;

	world_step(&w);
	core_child_up(&w.r, core_child(E0, id)->conn, id, &p);
}

static void per_host(void **state)
{
	struct selector first, second;

	world(2, true, true, 1);
	E0->lines[0].per_host = true;
	assert_int_equal(core_connect(&w.r, E0), -ENOENT); /* whose packets, nobody says */
	world_acquire(&w, 0, 0);
	first = world_action(&w, ACT_OPEN)->sel;
	assert_int_equal(first.src.len, 32);
	assert_int_equal(first.dst.len, 32);
	hosts_up(&first);
	assert_int_equal(E0->state, ENTRY_UP);
	other_host_acquires();
	second = world_action(&w, ACT_CHILD_OPEN)->sel;
	assert_int_equal(second.src.len, 32);
	assert_false(prefix_equal(&second.src, &first.src));
	hosts_up(&second);
	assert_int_equal(entry_live(E0), 2);
	line_idles(0);
	assert_int_equal(entry_live(E0), 0);
	assert_int_equal(E0->state, ENTRY_DOWN);
}

/* A larval of an earlier run says of no hosts: it goes, and the next packet asks. */
static void per_host_without_packet(void **state)
{
	struct core_acquire a = { .has_flow = false };

	world(2, true, true, 1);
	E0->lines[0].per_host = true;
	a.src = E0->lines[0].local;
	a.dst = E0->lines[0].peer;
	world_step(&w);
	core_acquire(&w.r, E0, &E0->lines[0], &a);
	assert_int_equal(world_count(&w, ACT_LARVAL_KILL), 1);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_false(E0->lines[0].want);
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
	assert_non_null(strstr(E0->why_text, " lost: no route to peer 1"));
	world_acquire(&w, 0, 0);
	assert_int_equal(E0->state, ENTRY_DOWN);
	w.local_mask = 0xff;
	world_step(&w);
	core_local_changed(&w.r);
	assert_int_equal(trying(), 1);
	assert_int_equal(E0->why.reason, REASON_LOCAL_USABLE);
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
		assert_int_equal(attempt_finish_ms(E0, NULL), t[i].finish);
	}
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

#define ROW(name, fn) { name, fn, NULL, steps_end, NULL }

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
		ROW("per host: a pair for each two hosts, one unit of idleness", per_host),
		ROW("per host: an acquire without its packet", per_host_without_packet),
		ROW("case 27: name without address: next peer", case_27),
		ROW("case 35: every larval is removed", case_35),
		ROW("case 45: a packet for line 2 during the set-up is not forgotten", case_45),
		ROW("case 46: no default, P0 dies, comes back inbound, idles: P0", case_46),
		ROW("case 47: on P1, idle end, P1 silent: P0 before P2", case_47),
		ROW("case 48: a walk without answer changes no current peer", case_48),
		ROW("a walk without answer ends at home with a default", walked_out_goes_home),
		ROW("a peer that came back has its full Answer budget", death_is_forgotten),
		ROW("case 51: local address gone and back: same peer", case_51),
		ROW("clear sa keeps the peer, clear session and reset go home", clears),
		ROW("back-off doubles to 60 s, and is forgotten after 10 min", back_off),
		ROW("operator connect", connects),
		ROW("an unauthenticated error halves the Answer budget, no more", remark_halves_answer),
		ROW("budgets", budgets),
		ROW("orphans end after the first child is up (A19)", orphans),
		ROW("orphans of an entry that is removed while DOWN end with it", orphans_of_removed),
	};

	return cmocka_run_group_tests_name("entry: rows of §10", tests, NULL, NULL);
}
