/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arithmetic of idleness, without a kernel: all instants are ns of
 * CLOCK_BOOTTIME and arguments, so that user space tests the same lines.
 *
 * What is promised: no verdict before the timeout has passed since the last
 * packet, and a bound on how long after. A counter only says that at least one
 * packet came since it was read before, so its movement is taken to have
 * happened at the latest instant at which it can have, and nothing else is.
 */
#ifndef PP_IDLE_JUDGE_H
#define PP_IDLE_JUDGE_H

#ifdef __KERNEL__
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>
#include <linux/types.h>
#else
#include "kmod_judge_user.h"
#endif

#define PP_TICK_NS		(250 * (u64)NSEC_PER_MSEC)
#define PP_TICK_FINE_NS		(10 * (u64)NSEC_PER_MSEC)
/* Nothing goes longer without a look: dead SAs are noticed by looks too. */
#define PP_LOOK_MAX_NS		(300 * (u64)NSEC_PER_SEC)
/* lastused is a whole second, of a clock that lags by up to one jiffy. */
#define PP_LASTUSED_NS		((u64)NSEC_PER_SEC + 250 * NSEC_PER_MSEC)
/* Below this, lastused says less than sampling does. */
#define PP_LASTUSED_MIN_NS	(2 * (u64)NSEC_PER_SEC)
#define PP_NEVER		((u64)-1)

/**
 * struct pp_use - when something was used last
 * @last: upper bound of the instant of the last packet seen
 * @slack: that packet lies in [@last - @slack, @last], ns
 */
struct pp_use {
	u64 last;
	u64 slack;
};

/**
 * struct pp_move - one counter that was found to have moved
 * @since: not after the read before this one
 * @now: not before this read
 * @lastused: wall clock second of the last packet as the core tells, 0 = unknown
 * @off: real time minus boottime, ns
 * @off_valid: @off has been the same ever since the read before this one
 */
struct pp_move {
	u64 since;
	u64 now;
	s64 lastused;
	s64 off;
	bool off_valid;
};

static inline u64 pp_ms_to_ns(u32 ms)
{
	return (u64)ms * NSEC_PER_MSEC;
}

/* A slack as it is told: u32 ms, rounded up, as large as can be said. */
static inline u32 pp_slack_ms(u64 ns)
{
	u64 ms = div_u64(ns + NSEC_PER_MSEC - 1, NSEC_PER_MSEC);

	return ms > U32_MAX ? U32_MAX : ms;
}

/**
 * pp_judge_use() - when the last packet behind a moved counter can have passed
 * @mv: the movement
 *
 * lastused narrows it where the core keeps it, but is wall clock: it is
 * believed only if the clock was not set meanwhile and it does not contradict
 * the counter.
 *
 * Return: the interval in which that packet passed.
 */
static inline struct pp_use pp_judge_use(const struct pp_move *mv)
{
	struct pp_use use = { mv->now, mv->now - mv->since };
	s64 low;

	if (mv->lastused <= 0 || !mv->off_valid)
		return use;
	low = mv->lastused * (s64)NSEC_PER_SEC - mv->off;
	if (low + (s64)PP_LASTUSED_NS < (s64)mv->since || low > (s64)mv->now)
		return use;

	use.last = min_t(u64, mv->now, low + PP_LASTUSED_NS);
	use.slack = use.last - max_t(s64, low, mv->since);
	return use;
}

/* Keep the later of two uses. */
static inline void pp_use_max(struct pp_use *use, struct pp_use other)
{
	if (other.last > use->last)
		*use = other;
}

/**
 * pp_judge_idle() - has a timeout passed?
 * @t0: instant before the first counter was read
 * @last: latest instant at which the last packet can have passed
 * @t: timeout, ns, 0 = none
 */
static inline bool pp_judge_idle(u64 t0, u64 last, u64 t)
{
	return t && t0 >= last && t0 - last >= t;
}

/**
 * pp_judge_period() - how often counters without lastused are sampled
 * @t: smallest timeout in force, ns, 0 = none
 *
 * Return: T/8 between 1 s and 300 s; below one second T/5 between 10 ms and
 * 200 ms, which only the fine wheel keeps.
 */
static inline u64 pp_judge_period(u64 t)
{
	if (!t)
		return PP_LOOK_MAX_NS;
	if (t < NSEC_PER_SEC)
		return clamp_t(u64, div_u64(t, 5), 10 * NSEC_PER_MSEC,
			       200 * NSEC_PER_MSEC);
	return clamp_t(u64, div_u64(t, 8), NSEC_PER_SEC, PP_LOOK_MAX_NS);
}

/**
 * pp_judge_oneway_period() - how often a peer with a one-way limit is looked at
 * @w: the limit, ns, above 0
 */
static inline u64 pp_judge_oneway_period(u64 w)
{
	if (w < NSEC_PER_SEC)
		return pp_judge_period(w);
	return clamp_t(u64, div_u64(w, 8), PP_TICK_NS, 10 * (u64)NSEC_PER_SEC);
}

/**
 * pp_judge_next() - when to look again
 * @now: this look
 * @due: earliest instant at which a verdict can be due, PP_NEVER = none
 * @t: smallest timeout in force, ns, 0 = none
 * @exact: the last use will be known whenever it is asked for, so sampling
 *         between now and @due would tell nothing
 */
static inline u64 pp_judge_next(u64 now, u64 due, u64 t, bool exact)
{
	u64 next = now + PP_LOOK_MAX_NS;

	if (t && !(exact && t >= PP_LASTUSED_MIN_NS))
		next = now + pp_judge_period(t);
	return min(next, max(due, now));
}

/**
 * struct pp_oneway - what goes out and is not answered
 * @since: upper bound of the first unanswered packet's instant, 0 = none
 * @from: lower bound of it
 * @fired: instant of the last verdict, 0 = none in this episode
 * @repeat: verdicts in this episode
 * @again: something went out after @fired
 */
struct pp_oneway {
	u64 since;
	u64 from;
	u64 fired;
	u32 repeat;
	bool again;
};

/**
 * pp_oneway_end() - the peer was heard
 * @ow: its state
 *
 * Return: whether that ended an episode in which there was a verdict.
 */
static inline bool pp_oneway_end(struct pp_oneway *ow)
{
	bool open = ow->repeat;

	*ow = (struct pp_oneway){};
	return open;
}

/**
 * pp_oneway_out() - an outbound counter moved
 * @ow: state of its peer
 * @from: not after the read before this one, nor after that of any inbound
 *        counter whose movement @ref stands for
 * @ref: the latest instant at which the peer was heard
 * @now: not before this read
 *
 * Only a packet that certainly left after @ref is unanswered.
 */
static inline void pp_oneway_out(struct pp_oneway *ow, u64 from, u64 ref,
				 u64 now)
{
	if (from < ref)
		return;
	ow->again = true;
	if (ow->since)
		return;
	ow->since = now;
	ow->from = from;
}

/* When the next one-way verdict can be due, PP_NEVER = nothing unanswered. */
static inline u64 pp_oneway_due(const struct pp_oneway *ow, u64 w)
{
	if (!w || !ow->since || (ow->fired && !ow->again))
		return PP_NEVER;
	return (ow->fired ? ow->fired : ow->since) + w;
}

/**
 * pp_oneway_judge() - is the peer one-way?
 * @ow: its state
 * @t0: instant before the first inbound counter was read
 * @w: limit, ns, 0 = none
 *
 * Return: true for a verdict, which is then counted.
 */
static inline bool pp_oneway_judge(struct pp_oneway *ow, u64 t0, u64 w)
{
	if (t0 < pp_oneway_due(ow, w))
		return false;
	ow->fired = t0;
	ow->repeat++;
	ow->again = false;
	return true;
}

#endif /* PP_IDLE_JUDGE_H */
