/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a changed configuration does to an entry in use (semantics.md §4.8, §10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "entry_steps.h"

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
	steps_end(state);
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

#define ROW(name, fn) { name, fn, NULL, steps_end, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW("case 43: the peer being tried is removed", case_43),
		ROW("case 3: the current default is removed", case_3_and_current_removed),
		ROW("the interface is removed: DOWN, first peer", interface_removed),
		ROW("the interface is removed while P0 is current: next=same", interface_removed_from_first),
		ROW("P[c] is removed in a walk: c=P0, the walk goes on", current_removed_in_walk),
		ROW("a line is removed while UP has no child", line_removed_while_childless),
		ROW("default lost: next=home becomes same", default_lost),
		ROW("a reload leaves alone what it does not touch", untouched_by_reload),
	};

	return cmocka_run_group_tests_name("entry: edits", tests, NULL, NULL);
}
