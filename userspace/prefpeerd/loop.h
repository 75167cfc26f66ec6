/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's one thread: a libevent base and the timer port over it. */
#ifndef PREFPEERD_LOOP_H
#define PREFPEERD_LOOP_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "lib/timer.h"

struct loop;
typedef void (*loop_signal_fn)(void *ctx, int signo);
/* Boottime ran ahead of the monotonic clock by @ms: the machine slept (semantics.md §14.6). */
typedef void (*loop_resume_fn)(void *ctx, int64_t ms, mono_t now);

/* NULL on failure. Precise timers: libevent's default clock is coarse (§14.6). */
struct loop *loop_new(void);
void loop_free(struct loop *l);
struct event_base *loop_base(struct loop *l);
const struct timers *loop_timers(struct loop *l);
/* SIGTERM, SIGINT, SIGHUP, … each reported from the loop. 0 or -errno. */
int loop_on_signal(struct loop *l, int signo, loop_signal_fn fn, void *ctx);
void loop_on_resume(struct loop *l, loop_resume_fn fn, void *ctx);
/*
 * Did the machine sleep? The loop asks before each timer, and is woken when it did; to be
 * called where other events come in that must not be taken before that is known.
 */
void loop_check_resume(struct loop *l);
/* Until loop_stop(). 0 or -errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
