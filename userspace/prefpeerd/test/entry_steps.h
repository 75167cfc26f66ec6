/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that many tests of one entry, or two, begin with. One world per program. */
#ifndef TEST_ENTRY_STEPS_H
#define TEST_ENTRY_STEPS_H

#include "entry_world.h"

#define E0 world_entry(&w, 0)
#define E1 world_entry(&w, 1)
#define P(i) ((peer_key)((i) + 1))

extern struct world w;

void world(unsigned n_peers, bool has_default, bool idle_home, unsigned n_lines);
int steps_end(void **state);
/* The peer being tried, by its number; -1 outside WALK. */
int trying(void);
void step_times_out(void);
void step_succeeds(void);
/* Up on that peer by a packet; those before it in the walk stay silent. */
void up_on(int peer);
void peer_dies(void);
void line_idles(unsigned line);
int next(void);
/* Whom the out template of line 0 names. */
int template(void);
void two_lines_up(void);

#endif
