/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who has a turn, and for how long, without a kernel: however much of one kind
 * of work comes, the others get their share, and nothing that changes often
 * keeps itself from ever being done.
 */
#ifndef PP_TURN_H
#define PP_TURN_H

#ifdef __KERNEL__
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>
#else
#include "kmod_judge_user.h"
#endif

/* Work is counted in counters read, or what takes about as long. */
#define PP_TURN			16384	/* before other namespaces get theirs */
#define PP_SHARE		4096	/* before other kinds of work get theirs */
#define PP_COST_SA		16	/* of an SA that comes or goes */

/**
 * pp_turn_begin() - what a turn may cost
 * @left: what the last one left; below 0 if it took more than it had
 *
 * A look is never torn apart, and a pair may have a million SAs: what it took
 * beyond its turn is paid for by turns not taken.
 *
 * Return: 0 or less if this one is not to be taken.
 */
static inline int pp_turn_begin(int left)
{
	return min(left, 0) + PP_TURN;
}

/**
 * struct pp_sweep - once past all objects of a kind, by id
 * @next: the id to go on with, 0 = there is no sweep
 * @end: once it has come round, it ends before this id
 * @round: it has come round
 */
struct pp_sweep {
	u32 next;
	u32 end;
	bool round;
};

/**
 * pp_sweep_start() - have every object be passed from now on
 * @sw: the sweep, which may be under way
 *
 * One that is under way goes on, and then once around up to here: if it began
 * again, changes that come often would keep it from ever reaching the last.
 */
static inline void pp_sweep_start(struct pp_sweep *sw)
{
	if (!sw->next)
		sw->next = 1;
	sw->end = sw->next;
	sw->round = false;
}

/**
 * pp_sweep_last() - how far it goes before pp_sweep_turn()
 * @sw: a sweep under way
 */
static inline u32 pp_sweep_last(const struct pp_sweep *sw)
{
	return sw->round ? sw->end - 1 : U32_MAX;
}

/**
 * pp_sweep_turn() - all ids from next up to pp_sweep_last() have been passed
 * @sw: the sweep
 *
 * Return: whether it goes on, at @sw->next.
 */
static inline bool pp_sweep_turn(struct pp_sweep *sw)
{
	sw->round = !sw->round && sw->end > 1;
	sw->next = sw->round;
	return sw->round;
}

#endif /* PP_TURN_H */
