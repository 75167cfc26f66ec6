/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `prefpeer drain`: nothing new by either side; what is there ends one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "entry_steps.h"

static void drain(bool on)
{
	world_step(&w);
	core_drain(&w.r, on);
}

/* What is up stays up, and goes on: another line may still be asked for on it. */
static void up_stays(void **state)
{
	world(2, true, false, 2);
	up_on(0);
	drain(true);
	assert_int_equal(E0->state, ENTRY_UP);
	assert_int_equal(world_count(&w, ACT_CLOSE), 0);
	world_acquire(&w, 0, 1);
	assert_non_null(world_action(&w, ACT_CHILD_OPEN));
}

static void walk_ends(void **state)
{
	world(2, true, false, 1);
	world_acquire(&w, 0, 0);
	drain(true);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(E0->why.reason, REASON_DRAIN);
	assert_int_equal(world_action(&w, ACT_CLOSE)->how, CLOSE_DELETE);
}

/* A packet waits, and asks for its tunnel once the drain is over. */
static void nobody_is_called(void **state)
{
	world(2, true, false, 1);
	drain(true);
	world_acquire(&w, 0, 0);
	assert_int_equal(E0->state, ENTRY_DOWN);
	assert_int_equal(world_count(&w, ACT_OPEN), 0);
	assert_int_equal(core_connect(&w.r, E0), -ENETUNREACH);
	assert_int_equal(core_switch(&w.r, E0, P(1)), -ENETUNREACH);
	assert_int_equal(E0->state, ENTRY_DOWN);
	drain(false);
	assert_int_equal(trying(), 0);
}

/* On a new IKE SA: refused; on one that is there: its line. */
static void nobody_is_let_in(void **state)
{
	world(2, true, false, 2);
	up_on(0);
	drain(true);
	world_step(&w);
	world_inbound(&w, 1, 0, &E0->lines[0]);
	assert_false(world_action(&w, ACT_INBOUND_REPLY)->accept);
	assert_int_equal(E0->n_holds, 0);
	world_step(&w);
	world_inbound(&w, 0, E0->conn, &E0->lines[1]);
	assert_true(world_action(&w, ACT_INBOUND_REPLY)->accept);
	drain(false);
	world_step(&w);
	world_inbound(&w, 0, 0, &E0->lines[0]);
	assert_true(world_action(&w, ACT_INBOUND_REPLY)->accept);
}

static void held_is_refused(void **state)
{
	world(2, true, false, 1);
	up_on(0);
	world_inbound(&w, 1, 0, &E0->lines[0]);
	assert_int_equal(E0->n_holds, 1);
	drain(true);
	assert_int_equal(E0->n_holds, 0);
	assert_false(world_action(&w, ACT_INBOUND_REPLY)->accept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(up_stays, steps_end),
		cmocka_unit_test_teardown(walk_ends, steps_end),
		cmocka_unit_test_teardown(nobody_is_called, steps_end),
		cmocka_unit_test_teardown(nobody_is_let_in, steps_end),
		cmocka_unit_test_teardown(held_is_refused, steps_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
