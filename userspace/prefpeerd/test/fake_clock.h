/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A clock that tests move by hand, behind the timer port. Timers due at the
 * same instant fire in the order in which they were armed. Starts at 1000 s.
 */
#ifndef TEST_FAKE_CLOCK_H
#define TEST_FAKE_CLOCK_H

#include "lib/timer.h"

struct fake_timer;

struct fake_clock {
	struct timers timers; /* hand its address, or a copy, to the code under test */
	mono_t now;
	int64_t wall_offset; /* s: wall clock less @now; to be changed, as a person sets a clock */
	struct fake_timer *armed; /* by time, then by arming */
};

void fake_clock_init(struct fake_clock *c);
/* Forgets whatever is armed, without calling it. */
void fake_clock_fini(struct fake_clock *c);
/* Moves to the next armed timer and fires it. False when there is none. */
bool fake_clock_step(struct fake_clock *c);
/* Fires all that fall due up to and at @until, those armed meanwhile included; now = until. */
void fake_clock_run_until(struct fake_clock *c, mono_t until);
void fake_clock_run_ms(struct fake_clock *c, int64_t ms);
/* Fires what is due now and nothing else (zero timers: the later turns of the loop). */
void fake_clock_settle(struct fake_clock *c);
/* Of the earliest armed timer; NEVER when there is none. */
mono_t fake_clock_next(const struct fake_clock *c);
unsigned fake_clock_count(const struct fake_clock *c);
/* mono_t (*)(void *ctx) with ctx = the fake_clock, for code that asks the time. */
mono_t fake_clock_now(void *ctx);
/* int64_t (*)(void *ctx), likewise: seconds since 1970. Today's, at its start, and as fast as it. */
int64_t fake_clock_wall(void *ctx);

#endif
