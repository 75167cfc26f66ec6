// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utlist.h>

#include "prefpeerd/loop.h"

#define MAX_SIGNALS 8
#define SUSPEND_MS 1000
#define FAR_S 0x7fffffff /* an instant that does not come, wall clock */

/* libevent's side of an armed timer; on the loop's list, so that a resume can re-arm it. */
struct armed {
	struct event ev;
	struct timer *t;
	struct loop *loop;
	struct armed *prev, *next;
};

struct signal_watch {
	struct event *ev;
	loop_signal_fn fn;
	void *ctx;
};

struct loop {
	struct event_base *base;
	struct timers timers;
	struct armed *armed;
	struct signal_watch signals[MAX_SIGNALS];
	unsigned n_signals;
	int64_t offset_ns; /* boottime - monotonic, when last looked at */
	int clock_fd;      /* readable when the wall clock was set, as a resume does; -1 = none */
	struct event *clock_ev;
	loop_resume_fn resume;
	void *resume_ctx;
};

static int64_t boot_offset(void)
{
	struct timespec m;

	clock_gettime(CLOCK_MONOTONIC, &m);
	return mono_now().ns - ((int64_t)m.tv_sec * NSEC_PER_SEC + m.tv_nsec);
}

static void armed_add(struct armed *a, mono_t now)
{
	int64_t left = a->t->at.ns - now.ns;
	struct timeval tv = { 0, 0 };

	/* Rounded up: a timer is never early. */
	if (left > 0) {
		left = (left + 999) / 1000;
		tv.tv_sec = left / 1000000;
		tv.tv_usec = left % 1000000;
	}
	evtimer_add(&a->ev, &tv);
}

/* True: it slept. All timers are armed anew then, and any of them may have gone. */
static bool check_suspend(struct loop *l, mono_t now)
{
	int64_t off = boot_offset(), ms = (off - l->offset_ns) / NSEC_PER_MSEC;
	struct armed *a;

	if (ms < SUSPEND_MS)
		return false;
	l->offset_ns = off;
	DL_FOREACH(l->armed, a)
		armed_add(a, now);
	if (l->resume)
		l->resume(l->resume_ctx, ms, now);
	return true;
}

void loop_check_resume(struct loop *l)
{
	check_suspend(l, mono_now());
}

static void clock_set(evutil_socket_t fd, short what, void *arg)
{
	uint64_t n;

	/* ECANCELED: that is the message, and this takes it away. */
	if (read(fd, &n, sizeof(n)) < 0 && errno != ECANCELED && errno != EAGAIN)
		return;
	loop_check_resume(arg);
}

/*
 * libevent sleeps by the monotonic clock, and deadlines are boottime: without this
 * they would be late by the whole sleep. Where it cannot be had they are, no worse.
 */
static void watch_clock(struct loop *l)
{
	const struct itimerspec far = { .it_value.tv_sec = FAR_S };

	l->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->clock_fd < 0 ||
	    timerfd_settime(l->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL))
		return;
	l->clock_ev = event_new(l->base, l->clock_fd, EV_READ | EV_PERSIST, clock_set, l);
	if (!l->clock_ev)
		return;
	event_priority_set(l->clock_ev, 0);
	event_add(l->clock_ev, NULL);
}

static void armed_free(struct armed *a)
{
	evtimer_del(&a->ev);
	DL_DELETE(a->loop->armed, a);
	free(a);
}

static void armed_fire(evutil_socket_t fd, short what, void *arg)
{
	struct armed *a = arg;
	struct timer *t = a->t;
	mono_t now = mono_now();

	if (check_suspend(a->loop, now))
		return;
	if (mono_before(now, t->at)) {
		armed_add(a, now);
		return;
	}
	armed_free(a);
	t->at = MONO_UNSET;
	t->impl = NULL;
	t->fn(t, now);
}

static void loop_timer_set(void *ctx, struct timer *t, mono_t at)
{
	struct loop *l = ctx;
	struct armed *a = calloc(1, sizeof(*a));

	if (!a)
		abort(); /* a lost deadline would be a tunnel that never recovers */
	a->t = t;
	a->loop = l;
	evtimer_assign(&a->ev, l->base, armed_fire, a);
	DL_APPEND(l->armed, a);
	t->impl = a;
	armed_add(a, mono_now());
}

static void loop_timer_cancel(void *ctx, struct timer *t)
{
	armed_free(t->impl);
	t->impl = NULL;
}

static const struct timer_ops loop_timer_ops = {
	.set = loop_timer_set,
	.cancel = loop_timer_cancel,
};

struct loop *loop_new(void)
{
	struct event_config *cfg = event_config_new();
	struct loop *l = calloc(1, sizeof(*l));

	if (!l || !cfg)
		goto fail;
	event_config_set_flag(cfg, EVENT_BASE_FLAG_PRECISE_TIMER);
	l->base = event_base_new_with_config(cfg);
	if (!l->base)
		goto fail;
	event_config_free(cfg);
	/* A resume is looked at before whatever else woke us. */
	event_base_priority_init(l->base, 2);
	l->timers = (struct timers){ .ops = &loop_timer_ops, .ctx = l };
	l->offset_ns = boot_offset();
	watch_clock(l);
	return l;
fail:
	if (cfg)
		event_config_free(cfg);
	free(l);
	return NULL;
}

void loop_free(struct loop *l)
{
	struct armed *a, *tmp;

	if (!l)
		return;
	DL_FOREACH_SAFE(l->armed, a, tmp)
		armed_free(a);
	for (unsigned i = 0; i < l->n_signals; i++)
		event_free(l->signals[i].ev);
	if (l->clock_ev)
		event_free(l->clock_ev);
	if (l->clock_fd >= 0)
		close(l->clock_fd);
	event_base_free(l->base);
	free(l);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

const struct timers *loop_timers(struct loop *l)
{
	return &l->timers;
}

static void signal_fire(evutil_socket_t signo, short what, void *arg)
{
	struct signal_watch *w = arg;

	w->fn(w->ctx, (int)signo);
}

int loop_on_signal(struct loop *l, int signo, loop_signal_fn fn, void *ctx)
{
	struct signal_watch *w;

	if (l->n_signals == MAX_SIGNALS)
		return -ENOSPC;
	w = &l->signals[l->n_signals];
	w->fn = fn;
	w->ctx = ctx;
	w->ev = evsignal_new(l->base, signo, signal_fire, w);
	if (!w->ev || event_add(w->ev, NULL))
		return -ENOMEM;
	l->n_signals++;
	return 0;
}

void loop_on_resume(struct loop *l, loop_resume_fn fn, void *ctx)
{
	l->resume = fn;
	l->resume_ctx = ctx;
}

int loop_run(struct loop *l)
{
	return event_base_dispatch(l->base) < 0 ? -EIO : 0;
}

void loop_stop(struct loop *l)
{
	event_base_loopbreak(l->base);
}
