/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why `Current peer` moved (semantics.md §7): the reason of map-peer and %CRYPTO-5-PEER_CHANGE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "entry_world.h"

#define E0 world_entry(&w, 0)
#define P(i) ((peer_key)((i) + 1))

static struct world w;

static void world(bool has_default)
{
	const struct world_spec s = { 0, 3, has_default, has_default, 1 };

	world_init(&w, &s, 1);
}

static int end(void **state)
{
	world_fini(&w);
	return 0;
}

static void try_until(int peer)
{
	while (walk_peer(E0) != P(peer))
		world_fire(&w, E0, &E0->at.at);
	world_child_up(&w, E0->at.child, false);
	assert_int_equal(E0->state, ENTRY_UP);
}

static void up_on(int peer)
{
	world_acquire(&w, 0, 0);
	try_until(peer);
}

static void dies(void)
{
	world_conn_down(&w, E0->conn, WHY_DEAD);
	assert_int_equal(E0->state, ENTRY_DOWN);
}

/* The last step moved `Current peer`, for that reason as it is told. */
static void moved(int from, int to, const char *reason)
{
	for (unsigned i = 0; i < w.out.n; i++) {
		const struct core_note *n = &w.out.list[i].note;
		struct entry_ntf told = { .type = n->type, .reason = n->cause.reason };

		if (w.out.list[i].type != ACT_NOTIFY || n->type != NTF_PEER)
			continue;
		assert_int_equal(n->from_peer, P(from));
		assert_int_equal(n->peer, P(to));
		assert_string_equal(entry_ntf_reason(&told), reason);
		assert_string_equal(n->text, "");
		return;
	}
	fail_msg("no change of the current peer is told");
}

static void silent_from_the_start(void **state)
{
	world(true);
	up_on(1);
	moved(0, 1, "ike-timeout");
}

static void death_with_default(void **state)
{
	world(true);
	up_on(0);
	dies();
	up_on(1);
	moved(0, 1, "dpd-timeout");
	dies();
	up_on(0);
	moved(1, 0, "dpd-timeout");
}

static void death_without_default(void **state)
{
	world(false);
	up_on(0);
	dies();
	up_on(1);
	moved(0, 1, "dpd-timeout");
}

static void idle_goes_home(void **state)
{
	world(true);
	up_on(1);
	world_step(&w);
	core_pair_idle(&w.r, E0, &E0->lines[0], 60000);
	assert_int_equal(E0->state, ENTRY_DOWN);
	up_on(0);
	moved(1, 0, "idle-default");
}

/* What ended long ago is not why: the default was silent now. */
static void idle_then_silent(void **state)
{
	world(true);
	up_on(0);
	world_step(&w);
	core_pair_idle(&w.r, E0, &E0->lines[0], 60000);
	up_on(1);
	moved(0, 1, "ike-timeout");
}

static void operator_sends_home(void **state)
{
	world(true);
	up_on(2);
	world_step(&w);
	core_clear_session(&w.r, E0, REASON_CLEAR_SESSION);
	up_on(0);
	moved(2, 0, "operator");
}

static void told_while_down(void **state)
{
	world(true);
	up_on(2);
	world_step(&w);
	core_pair_idle(&w.r, E0, &E0->lines[0], 60000);
	world_step(&w);
	core_clear_session(&w.r, E0, REASON_RESET);
	up_on(0);
	moved(2, 0, "idle-default");
}

static void the_peer_called(void **state)
{
	uint32_t id;

	world(true);
	up_on(1);
	id = world_inbound(&w, 0, 0, &E0->lines[0]);
	assert_true(id);
	world_child_up(&w, world_action(&w, ACT_INBOUND_REPLY)->child, false);
	moved(1, 0, "inbound");
}

#define CHANGE(name, fn) { name, fn, NULL, end, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHANGE("silent at the first packet", silent_from_the_start),
		CHANGE("death, with a default that stays silent or is back", death_with_default),
		CHANGE("death, without a default", death_without_default),
		CHANGE("idle end, home", idle_goes_home),
		CHANGE("idle end, then silence", idle_then_silent),
		CHANGE("operator", operator_sends_home),
		CHANGE("a reset changes no reason that stands", told_while_down),
		CHANGE("inbound", the_peer_called),
	};

	return cmocka_run_group_tests_name("entry: why the current peer moved", tests, NULL, NULL);
}
