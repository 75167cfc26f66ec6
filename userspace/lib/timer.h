/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port through which pure code asks to be called later. The agent's loop
 * implements it with libevent, the tests with a clock that is moved by hand.
 * One timer per purpose per object, embedded in the object.
 */
#ifndef LIB_TIMER_H
#define LIB_TIMER_H

#include "lib/mono.h"

struct timer;

/* Called once, after the timer was disarmed; may arm it again or free the object. */
typedef void (*timer_fn)(struct timer *t, mono_t now);

struct timer_ops {
	void (*set)(void *ctx, struct timer *t, mono_t at);
	void (*cancel)(void *ctx, struct timer *t);
};

struct timers {
	const struct timer_ops *ops;
	void *ctx;
};

struct timer {
	timer_fn fn;
	mono_t at;   /* MONO_UNSET while not armed */
	void *impl;  /* the implementation's; freed by cancel or firing */
};

#define timer_container(t, type, member) ((type *)((char *)(t)-offsetof(type, member)))

static inline void timer_init(struct timer *t, timer_fn fn)
{
	*t = (struct timer){ .fn = fn };
}

/* Arm, or move: fires at the first turn of the loop not before @at. NEVER cancels. */
static inline void timer_cancel(const struct timers *ts, struct timer *t)
{
	if (mono_is_set(t->at))
		ts->ops->cancel(ts->ctx, t);
	t->at = MONO_UNSET;
}

static inline void timer_set(const struct timers *ts, struct timer *t, mono_t at)
{
	timer_cancel(ts, t);
	if (mono_is_never(at))
		return;
	t->at = at;
	ts->ops->set(ts->ctx, t, at);
}

static inline bool timer_armed(const struct timer *t)
{
	return mono_is_set(t->at);
}

#endif
