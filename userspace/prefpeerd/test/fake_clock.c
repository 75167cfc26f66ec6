// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/test/fake_clock.h"

#include <stdlib.h>
#include <time.h>

#include <utlist.h>

struct fake_timer {
	struct timer *t;
	struct fake_timer *prev, *next;
};

static void fake_set(void *ctx, struct timer *t, mono_t at)
{
	struct fake_clock *c = ctx;
	struct fake_timer *f = calloc(1, sizeof(*f)), *at_or_before = NULL, *it;

	if (!f)
		abort();
	f->t = t;
	t->impl = f;
	DL_FOREACH(c->armed, it) {
		if (mono_before(at, it->t->at))
			break;
		at_or_before = it;
	}
	if (at_or_before)
		DL_APPEND_ELEM(c->armed, at_or_before, f);
	else
		DL_PREPEND(c->armed, f);
}

static void fake_cancel(void *ctx, struct timer *t)
{
	struct fake_clock *c = ctx;
	struct fake_timer *f = t->impl;

	DL_DELETE(c->armed, f);
	free(f);
	t->impl = NULL;
}

static const struct timer_ops fake_ops = { .set = fake_set, .cancel = fake_cancel };

void fake_clock_init(struct fake_clock *c)
{
	*c = (struct fake_clock){
		.timers = { .ops = &fake_ops, .ctx = c },
		.now = { 1000 * NSEC_PER_SEC },
		.wall_offset = (int64_t)time(NULL) - 1000,
	};
}

void fake_clock_fini(struct fake_clock *c)
{
	struct fake_timer *f, *tmp;

	DL_FOREACH_SAFE(c->armed, f, tmp)
		timer_cancel(&c->timers, f->t);
}

static void fire(struct fake_clock *c, struct timer *t)
{
	c->now = mono_max(c->now, t->at);
	timer_cancel(&c->timers, t);
	t->fn(t, c->now);
}

bool fake_clock_step(struct fake_clock *c)
{
	if (!c->armed)
		return false;
	fire(c, c->armed->t);
	return true;
}

void fake_clock_run_until(struct fake_clock *c, mono_t until)
{
	while (c->armed && !mono_before(until, c->armed->t->at))
		fire(c, c->armed->t);
	c->now = mono_max(c->now, until);
}

void fake_clock_run_ms(struct fake_clock *c, int64_t ms)
{
	fake_clock_run_until(c, mono_add_ms(c->now, ms));
}

void fake_clock_settle(struct fake_clock *c)
{
	fake_clock_run_until(c, c->now);
}

mono_t fake_clock_next(const struct fake_clock *c)
{
	return c->armed ? c->armed->t->at : MONO_NEVER;
}

unsigned fake_clock_count(const struct fake_clock *c)
{
	struct fake_timer *f;
	unsigned n = 0;

	DL_COUNT(c->armed, f, n);
	return n;
}

mono_t fake_clock_now(void *ctx)
{
	return ((struct fake_clock *)ctx)->now;
}

int64_t fake_clock_wall(void *ctx)
{
	const struct fake_clock *c = ctx;

	return c->wall_offset + mono_diff_ms(c->now, (mono_t){ 0 }) / 1000;
}
