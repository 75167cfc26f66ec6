/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers that are names: semantics.md §1.2, A20, A21, and §10's "step fails: DNS". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "entry_world.h"

#define E0 world_entry(&w, 0)
#define E1 world_entry(&w, 1)
#define P(i) ((peer_key)((i) + 1))
#define TTL 60

static struct world w;

static void world(unsigned n_peers, bool has_default, unsigned names, unsigned dynamic)
{
	const struct world_spec s = { 0, n_peers, has_default, false, 1 };

	world_init_named(&w, &s, 1, names, dynamic);
}

static int end(void **state)
{
	world_fini(&w);
	return 0;
}

static int trying(void)
{
	return walk_peer(E0) ? (int)walk_peer(E0) - 1 : -1;
}

static void step_times_out(void)
{
	world_fire(&w, E0, &E0->at.at);
}

static void later_ms(int64_t ms)
{
	w.env.now = mono_add_ms(w.env.now, ms);
}

/* The last step opened an IKE SA to world_peer(@at). */
static void expect_open(unsigned at)
{
	const struct core_action *a = world_action(&w, ACT_OPEN);
	struct addr want = world_peer(at);

	assert_non_null(a);
	assert_true(addr_equal(&a->peer, &want));
	assert_int_equal(a->remote, at + 1);
}

static void expect_backoff(enum entry_reason last, unsigned peer)
{
	assert_int_equal(E0->state, ENTRY_BACKOFF);
	assert_int_equal(E0->peers[peer].last, last);
}

/* Up on a dynamic P0 whose address is world_peer(at). */
static void up_at(unsigned at)
{
	world_acquire(&w, 0, 0);
	world_name(&w, 0, 0, NAME_ADDR, at, TTL);
	expect_open(at);
	world_child_up(&w, E0->at.child, false);
	assert_int_equal(E0->state, ENTRY_UP);
}

static void down(void)
{
	world_step(&w);
	core_clear_session(&w.r, E0, REASON_CLEAR_SESSION);
	assert_int_equal(E0->state, ENTRY_DOWN);
}

static void all_asked_at_once(void **state)
{
	world(4, true, 0xd, 0xd);
	world_acquire(&w, 0, 0);
	assert_int_equal(world_count(&w, ACT_RESOLVE), 3);
	assert_int_equal(world_count(&w, ACT_OPEN), 0);
	assert_int_equal(E0->state, ENTRY_WALK);
	assert_int_equal(E0->at.kind, AT_NAME);
	assert_int_equal(mono_diff_ms(core_deadline(E0), w.env.now), 5000);
	world_name(&w, 0, 0, NAME_ADDR, 0, TTL);
	expect_open(0);
	assert_int_equal(world_count(&w, ACT_RESOLVE), 0);
}

static void waits_for_its_own_only(void **state)
{
	world(3, false, 6, 6);
	world_acquire(&w, 0, 0);
	expect_open(0);
	assert_int_equal(world_count(&w, ACT_RESOLVE), 2);
	world_name(&w, 0, 2, NAME_ADDR, 2, TTL); /* the third's changes nothing yet */
	assert_int_equal(trying(), 0);
	later_ms(4000);
	step_times_out();
	assert_int_equal(trying(), 1);
	assert_int_equal(E0->at.kind, AT_NAME);
	assert_int_equal(mono_diff_ms(core_deadline(E0), w.env.now), 1000); /* 5 s since it was asked */
	later_ms(1000);
	world_step(&w);
	core_tick(&w.r, E0);
	assert_int_equal(trying(), 2);
	expect_open(2);
}

/* The budgets begin with the step's own set-up (§1.2: 5 s outside of them). */
static void outside_the_budgets(void **state)
{
	world(1, false, 1, 1);
	world_acquire(&w, 0, 0);
	later_ms(4900);
	world_name(&w, 0, 0, NAME_ADDR, 0, TTL);
	assert_int_equal(mono_diff_ms(E0->at.at, w.env.now), 12000);
}

static void case_27_denied(void **state)
{
	world(2, true, 1, 1);
	world_acquire(&w, 0, 0);
	assert_int_equal(trying(), 0);
	world_name(&w, 0, 0, NAME_DENIED, 0, 0);
	assert_int_equal(trying(), 1);
	expect_open(1);
	assert_int_equal(E0->peers[0].last, REASON_DNS);
	assert_string_equal(E0->peers[0].last_text, "the servers say no");
	assert_int_equal(E0->c, P(0));
}

static void case_27_silent(void **state)
{
	world(2, true, 1, 1);
	world_acquire(&w, 0, 0);
	later_ms(5000);
	world_step(&w);
	core_tick(&w.r, E0);
	assert_int_equal(trying(), 1);
	expect_open(1);
	assert_string_equal(E0->peers[0].last_text, "no answer from the name servers in 5 s");
}

static void case_27_nobody(void **state)
{
	world(1, true, 1, 1);
	world_acquire(&w, 0, 0);
	world_name(&w, 0, 0, NAME_SILENT, 0, 0);
	expect_backoff(REASON_DNS, 0);
	world_acquire(&w, 0, 0);
	world_fire(&w, E0, &E0->backoff_at);
	assert_int_equal(E0->state, ENTRY_WALK);
	assert_int_equal(world_count(&w, ACT_RESOLVE), 1); /* the next walk asks again */
}

static void case_26(void **state)
{
	uint32_t query;

	world(1, true, 1, 1);
	up_at(0);
	query = E0->peers[0].query;
	assert_int_equal(query, 0);
	down();
	up_at(4);
	later_ms(1000000);
	assert_int_equal(world_count(&w, ACT_RESOLVE), 0);
}

/* An answer that comes while the peer is in use is not for it. */
static void not_during_its_life(void **state)
{
	struct addr want = world_peer(0);

	world(1, true, 1, 1);
	up_at(0);
	down();
	world_acquire(&w, 0, 0);
	world_inbound(&w, 0, 0, &E0->lines[0]);
	assert_non_null(world_action(&w, ACT_INBOUND_REPLY));
	world_child_up(&w, E0->children[0].id, false);
	assert_int_equal(E0->state, ENTRY_UP);
	world_name(&w, 0, 0, NAME_ADDR, 4, TTL);
	assert_true(addr_equal(&E0->peers[0].addr, &want));
	assert_int_equal(E0->state, ENTRY_UP);
}

static void last_answer_holds(void **state)
{
	world(2, true, 1, 1);
	up_at(0);
	down();
	later_ms(50000);
	world_acquire(&w, 0, 0);
	assert_int_equal(E0->at.kind, AT_NAME); /* asked all the same */
	world_fire(&w, E0, &E0->at.at);
	expect_open(0);
	assert_string_equal(E0->peers[0].name_text, "no answer from the name servers in 5 s; the last answer holds for 10 s more");
	down();
	later_ms(11000);
	world_acquire(&w, 0, 0);
	world_fire(&w, E0, &E0->at.at);
	expect_open(1); /* it holds no more */
}

static void silence_is_told_at_once(void **state)
{
	world(2, true, 1, 1);
	up_at(4);
	down();
	world_acquire(&w, 0, 0);
	world_name(&w, 0, 0, NAME_SILENT, 0, 0); /* SERVFAIL */
	expect_open(4);
}

static void no_holds_not(void **state)
{
	static const enum name_result no[] = { NAME_DENIED, NAME_BOGUS };

	for (int i = 0; i < 2; i++) {
		world(2, true, 1, 1);
		up_at(0);
		down();
		world_acquire(&w, 0, 0);
		world_name(&w, 0, 0, no[i], 0, 0);
		expect_open(1);
		assert_int_equal(E0->peers[0].trust, i ? TRUST_BOGUS : TRUST_SECURE);
		world_fini(&w);
	}
	world(1, false, 0, 0);
}

static void ttl_0_never_holds(void **state)
{
	world(2, true, 1, 1);
	world_acquire(&w, 0, 0);
	world_name(&w, 0, 0, NAME_ADDR, 0, 0);
	expect_open(0);
	down();
	world_acquire(&w, 0, 0);
	world_name(&w, 0, 0, NAME_SILENT, 0, 0);
	expect_open(1);
}

/* A20: two names of one address; a name and an address. */
static void twins(void **state)
{
	world(3, false, 3, 3);
	world_acquire(&w, 0, 0);
	world_name(&w, 0, 1, NAME_ADDR, 4, TTL);
	world_name(&w, 0, 0, NAME_ADDR, 4, TTL);
	expect_open(4);
	step_times_out();
	assert_int_equal(trying(), 2);
	world_fini(&w);

	world(2, false, 2, 2);
	world_acquire(&w, 0, 0);
	step_times_out();
	assert_int_equal(trying(), 1);
	world_name(&w, 0, 1, NAME_ADDR, 0, TTL); /* what it waited for is P0's */
	assert_int_equal(world_count(&w, ACT_OPEN), 0);
	assert_int_equal(E0->state, ENTRY_BACKOFF);
}

/* Only a step that went somewhere has a twin. */
static void no_twin_of_a_failed_name(void **state)
{
	world(2, false, 1, 1);
	world_acquire(&w, 0, 0);
	world_name(&w, 0, 0, NAME_ADDR, 1, TTL);
	step_times_out(); /* P1 is its twin, the walk is over */
	assert_int_equal(E0->state, ENTRY_BACKOFF);
	world_acquire(&w, 0, 0);
	world_fire(&w, E0, &E0->backoff_at);
	world_name(&w, 0, 0, NAME_DENIED, 0, 0);
	assert_int_equal(trying(), 1);
	expect_open(1);
}

static void fixed_name(void **state)
{
	world(2, true, 1, 0);
	assert_int_equal(E0->peers[0].name, NAME_ASKED); /* when it is entered */
	world_name(&w, 0, 0, NAME_ADDR, 4, 1);
	later_ms(100000);
	world_acquire(&w, 0, 0);
	assert_int_equal(world_count(&w, ACT_RESOLVE), 0); /* and never again */
	expect_open(4);
}

/* A21: that slot fails, and is retried at the next walk. */
static void fixed_name_later(void **state)
{
	world(2, true, 1, 0);
	world_name(&w, 0, 0, NAME_SILENT, 0, 0);
	world_acquire(&w, 0, 0);
	assert_int_equal(world_count(&w, ACT_RESOLVE), 1);
	world_name(&w, 0, 0, NAME_SILENT, 0, 0);
	assert_int_equal(trying(), 1);
	down();
	world_acquire(&w, 0, 0);
	world_name(&w, 0, 0, NAME_ADDR, 4, TTL);
	expect_open(4);
	down();
	world_acquire(&w, 0, 0);
	assert_int_equal(world_count(&w, ACT_RESOLVE), 0);
	expect_open(4);
}

static void late_answer_is_for_the_next(void **state)
{
	world(2, true, 1, 1);
	world_acquire(&w, 0, 0);
	step_times_out();
	assert_int_equal(trying(), 1);
	world_name(&w, 0, 0, NAME_ADDR, 4, TTL);
	assert_int_equal(trying(), 1);
	assert_true(addr_is_set(&E0->peers[0].addr));
	down();
	world_acquire(&w, 0, 0);
	world_name(&w, 0, 0, NAME_SILENT, 0, 0);
	expect_open(4);
}

/* The first packet has to be able to ask; it names nobody that anything could be sent to. */
static void template_before_an_address(void **state)
{
	struct addr nowhere = lookup_nowhere(AF_INET), at = world_peer(4), us = world_local();

	world(1, true, 1, 1);
	assert_true(addr_equal(&E0->lines[0].peer, &nowhere));
	assert_true(addr_equal(&E0->lines[0].local, &us));
	world_acquire(&w, 0, 0);
	world_name(&w, 0, 0, NAME_ADDR, 4, TTL);
	assert_true(addr_equal(&E0->lines[0].peer, &nowhere)); /* not within a walk */
	world_child_up(&w, E0->at.child, false);
	assert_true(addr_equal(&E0->lines[0].peer, &at));
	assert_int_equal(world_count(&w, ACT_LARVAL_KILL), 1);
}

static void no_address_of_our_own(void **state)
{
	world(1, true, 1, 1);
	w.local_mask = 0;
	world_acquire(&w, 0, 0);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(world_count(&w, ACT_RESOLVE), 0);
	w.local_mask = 0xff;
	world_step(&w);
	core_local_changed(&w.r);
	assert_int_equal(E0->state, ENTRY_WALK);
	assert_int_equal(world_count(&w, ACT_RESOLVE), 1);
}

static void removed_while_asked(void **state)
{
	struct core_peer second;
	uint32_t query;

	world(2, true, 1, 1);
	world_acquire(&w, 0, 0);
	query = E0->peers[0].query;
	second = E0->peers[1];
	world_step(&w);
	core_edit(&w.r, E0, &second, 1, E0->lines, 1);
	expect_open(1);
	world_step(&w);
	core_name_answered(&w.r, query, &(struct name_answer){ .result = NAME_ADDR }, 1);
	assert_int_equal(w.out.n, 0);
}

/* §1.2: inbound matches by the last resolved address, or what the engine knows it by. */
static void inbound_by_last_address(void **state)
{
	world(2, true, 1, 1);
	world_inbound(&w, 4, 0, &E0->lines[0]);
	assert_false(world_action(&w, ACT_INBOUND_REPLY)->accept);
	up_at(4);
	down();
	world_inbound(&w, 4, 0, &E0->lines[0]);
	assert_true(world_action(&w, ACT_INBOUND_REPLY)->accept);
	world_inbound(&w, 0, 0, &E0->lines[0]);
	assert_false(world_action(&w, ACT_INBOUND_REPLY)->accept);
}

/* Each entry asks for itself; what one has in use the other's answer leaves alone. */
static void two_entries(void **state)
{
	const struct world_spec s[] = { { 0, 1, true, false, 1 }, { 0, 1, true, false, 1 } };
	struct addr was = world_peer(0);

	world_init_named(&w, s, 2, 1, 1);
	up_at(0);
	world_acquire(&w, 1, 0);
	assert_int_equal(world_count(&w, ACT_RESOLVE), 1);
	world_name(&w, 1, 0, NAME_ADDR, 4, TTL);
	expect_open(4);
	assert_true(addr_equal(&E0->peers[0].addr, &was));
	assert_int_equal(E0->state, ENTRY_UP);
}

#define ROW(fn) { #fn, fn, NULL, end, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(all_asked_at_once),	      ROW(waits_for_its_own_only),
		ROW(outside_the_budgets),     ROW(case_27_denied),
		ROW(case_27_silent),	      ROW(case_27_nobody),
		ROW(case_26),		      ROW(not_during_its_life),
		ROW(last_answer_holds),	      ROW(silence_is_told_at_once),
		ROW(no_holds_not),	      ROW(ttl_0_never_holds),
		ROW(twins),		      ROW(no_twin_of_a_failed_name),
		ROW(fixed_name),	      ROW(fixed_name_later),
		ROW(late_answer_is_for_the_next), ROW(template_before_an_address),
		ROW(no_address_of_our_own),   ROW(removed_while_asked),
		ROW(inbound_by_last_address), ROW(two_entries),
	};

	return cmocka_run_group_tests_name("entry: names", tests, NULL, NULL);
}
