/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "entry_steps.h"

struct world w;

void world(unsigned n_peers, bool has_default, bool idle_home, unsigned n_lines)
{
	const struct world_spec s = { 0, n_peers, has_default, idle_home, n_lines };

	world_init(&w, &s, 1);
}

int steps_end(void **state)
{
	world_fini(&w);
	return 0;
}

int trying(void)
{
	return walk_peer(E0) ? (int)walk_peer(E0) - 1 : -1;
}

void step_times_out(void)
{
	world_fire(&w, E0, &E0->at.at);
}

void step_succeeds(void)
{
	world_child_up(&w, E0->at.child, false);
}

void up_on(int peer)
{
	world_acquire(&w, 0, 0);
	while (trying() != peer)
		step_times_out();
	step_succeeds();
	assert_int_equal(E0->state, ENTRY_UP);
	assert_int_equal(E0->c, P(peer));
}

void peer_dies(void)
{
	world_conn_down(&w, E0->conn, WHY_DEAD);
	assert_int_equal(E0->state, ENTRY_DOWN);
}

void line_idles(unsigned line)
{
	world_step(&w);
	core_pair_idle(&w.r, E0, &E0->lines[line], 60000);
}

int next(void)
{
	return (int)peer_next(E0) - 1;
}

int template(void)
{
	return (int)(ntohl(E0->lines[0].peer.v4.s_addr) % 256) - 1;
}

void two_lines_up(void)
{
	up_on(1);
	world_acquire(&w, 0, 1);
	world_child_up(&w, E0->lines[1].setup, false);
	assert_int_equal(entry_live(E0), 2);
}
