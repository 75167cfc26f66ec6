/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `map switch`: the operator says where the walk begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "entry_steps.h"

static int switch_to(int peer)
{
	world_step(&w);
	return core_switch(&w.r, E0, P(peer));
}

static void last_is_operator(enum entry_state to)
{
	assert_int_equal(E0->state, to);
	assert_int_equal(E0->why.reason, REASON_SWITCH);
}

/* Up: the SAs end with a DELETE, and what they carried is wanted on the other one. */
static void from_up(void **state)
{
	world(3, true, false, 2);
	two_lines_up(); /* on peer 1 */
	assert_int_equal(switch_to(2), 0);
	last_is_operator(ENTRY_WALK);
	assert_int_equal(trying(), 2);
	assert_int_equal(world_action(&w, ACT_CLOSE)->how, CLOSE_DELETE);
	assert_true(E0->lines[0].want && E0->lines[1].want);
	assert_int_equal(E0->c, P(1)); /* until another is up */
	step_succeeds();
	assert_int_equal(E0->c, P(2));
	assert_true(E0->lines[1].setup != 0);
}

/* Whatever ended the last connection: that it is the second now is the operator's doing. */
static void told_as_operators(bool died)
{
	const struct core_action *a = NULL;

	world(2, true, false, 1);
	up_on(0);
	if (died)
		peer_dies();
	assert_int_equal(switch_to(1), 0);
	step_succeeds();
	for (unsigned i = 0; i < w.out.n; i++)
		if (w.out.list[i].type == ACT_NOTIFY && w.out.list[i].note.type == NTF_PEER)
			a = &w.out.list[i];
	assert_non_null(a);
	assert_int_equal(a->note.cause.reason, REASON_SWITCH);
	assert_int_equal(a->note.from_peer, P(0));
	assert_int_equal(a->note.peer, P(1));
}

static void told_from_up(void **state)
{
	told_as_operators(false);
}

static void told_after_a_death(void **state)
{
	told_as_operators(true);
}

/* A silent one: the walk goes on, to the default first. */
static void goes_on_as_any_walk(void **state)
{
	world(3, true, false, 1);
	up_on(1);
	assert_int_equal(switch_to(2), 0);
	step_times_out();
	assert_int_equal(trying(), 0);
	step_times_out();
	assert_int_equal(trying(), 1);
	step_times_out();
	assert_int_equal(E0->state, ENTRY_BACKOFF);
	assert_int_equal(next(), 0);
}

/* The attempt under way ends, and the template stays where it is (I9). */
static void from_walk(void **state)
{
	world(3, true, false, 1);
	world_acquire(&w, 0, 0);
	assert_int_equal(trying(), 0);
	assert_int_equal(switch_to(0), -EINPROGRESS);
	assert_int_equal(trying(), 0);
	assert_int_equal(switch_to(2), 0);
	assert_int_equal(trying(), 2);
	assert_int_equal(world_count(&w, ACT_POINT), 0);
	assert_int_equal(world_count(&w, ACT_OPEN), 1);
	step_succeeds();
	assert_int_equal(E0->c, P(2));
}

static void from_backoff(void **state)
{
	world(2, true, false, 1);
	world_acquire(&w, 0, 0);
	step_times_out();
	step_times_out();
	assert_int_equal(E0->state, ENTRY_BACKOFF);
	E0->k = 5;
	assert_int_equal(switch_to(1), 0);
	assert_int_equal(trying(), 1);
	assert_int_equal(E0->k, 0);
	assert_false(mono_is_set(E0->backoff_at));
}

/* Down and asked for by nobody: the first line that can be is what it is for. */
static void from_down(void **state)
{
	world(2, true, false, 2);
	E0->lines[0].blocked = "no transform set";
	assert_int_equal(switch_to(1), 0);
	assert_int_equal(trying(), 1);
	assert_false(E0->lines[0].want);
	step_succeeds();
	assert_int_equal(E0->c, P(1));
	assert_non_null(line_child(E0, E0->lines[1].reqid));
}

/* Nothing that runs ends for what cannot begin. */
static void refused(void **state)
{
	world(2, true, false, 1);
	up_on(0);
	assert_int_equal(switch_to(0), -EALREADY);
	assert_int_equal(switch_to(6), -ENOENT);
	w.local_mask = 1;
	assert_int_equal(switch_to(1), -ENETUNREACH);
	w.local_mask = 0xff;
	w.core.ready = false;
	assert_int_equal(switch_to(1), -ENETUNREACH);
	w.core.ready = true;
	E0->temporary = true;
	assert_int_equal(switch_to(1), -ENOENT);
	assert_int_equal(E0->state, ENTRY_UP);
	assert_int_equal(E0->c, P(0));
	assert_int_equal(w.out.n, 0);
	E0->temporary = false;
	world_step(&w);
	world_conn_down(&w, E0->conn, WHY_PEER_DELETE);
	E0->lines[0].blocked = "no transform set";
	assert_int_equal(switch_to(1), -ENOENT);
	assert_int_equal(E0->state, ENTRY_DOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(from_up, steps_end),
		cmocka_unit_test_teardown(told_from_up, steps_end),
		cmocka_unit_test_teardown(told_after_a_death, steps_end),
		cmocka_unit_test_teardown(goes_on_as_any_walk, steps_end),
		cmocka_unit_test_teardown(from_walk, steps_end),
		cmocka_unit_test_teardown(from_backoff, steps_end),
		cmocka_unit_test_teardown(from_down, steps_end),
		cmocka_unit_test_teardown(refused, steps_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
