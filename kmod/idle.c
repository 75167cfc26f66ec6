// SPDX-License-Identifier: GPL-2.0
/*
 * The clock: two wheels of deadlines per namespace, and the worker.
 *
 * Pairs and peers wait in the wheels, not SAs. Nothing waits longer than a
 * revolution, so a deadline is never passed over, and the worker sleeps until
 * the earliest one: a namespace with one SA wakes no CPU every tick.
 */

#include <linux/bitmap.h>

#include "prefpeer.h"

/**
 * pp_wheel_init() - make a wheel
 * @w: the wheel
 * @tick: length of a slot, ns
 * @slots: how many, a power of two
 *
 * Return: 0 or -ENOMEM.
 */
int pp_wheel_init(struct pp_wheel *w, u64 tick, unsigned int slots)
{
	w->slot = kvcalloc(slots, sizeof(*w->slot), GFP_KERNEL_ACCOUNT);
	if (!w->slot)
		return -ENOMEM;
	w->used = bitmap_zalloc(slots, GFP_KERNEL_ACCOUNT);
	if (!w->used) {
		kvfree(w->slot);
		return -ENOMEM;
	}
	w->tick = tick;
	w->mask = slots - 1;
	w->done = div64_u64(ktime_get_boottime_ns(), tick);
	return 0;
}

/**
 * pp_wheel_fini() - free a wheel
 * @w: the wheel, empty
 */
void pp_wheel_fini(struct pp_wheel *w)
{
	bitmap_free(w->used);
	kvfree(w->slot);
}

/* The first slot after @done that holds something, PP_NEVER = none. */
static u64 pp_wheel_next(const struct pp_wheel *w)
{
	unsigned int slots = w->mask + 1;
	unsigned int from = (w->done + 1) & w->mask;
	unsigned int at = find_next_bit(w->used, slots, from);

	if (at == slots)
		at = find_first_bit(w->used, slots);
	if (at == slots)
		return PP_NEVER;
	return w->done + 1 + ((at - from) & w->mask);
}

static void pp_wheel_unlink(struct pp_wheel *w, struct pp_timer *tm)
{
	unsigned int at = tm->slot & w->mask;

	hlist_del_init(&tm->node);
	if (hlist_empty(&w->slot[at]))
		__clear_bit(at, w->used);
}

static struct pp_wheel *pp_timer_wheel(struct pp_net *pn,
				       const struct pp_timer *tm)
{
	return tm->fine ? &pn->tab->wheel_fine : &pn->tab->wheel;
}

/**
 * pp_timer_when() - the instant that a timer waits for
 * @pn: the namespace
 * @tm: the timer, waiting
 */
u64 pp_timer_when(struct pp_net *pn, const struct pp_timer *tm)
{
	return tm->slot * pp_timer_wheel(pn, tm)->tick;
}

/**
 * pp_timer_del() - a timer waits no longer
 * @pn: the namespace
 * @tm: the timer
 */
void pp_timer_del(struct pp_net *pn, struct pp_timer *tm)
{
	lockdep_assert_held(&pn->mutex);
	if (!hlist_unhashed(&tm->node))
		pp_wheel_unlink(pp_timer_wheel(pn, tm), tm);
}

/**
 * pp_timer_set() - have a timer wait
 * @pn: the namespace
 * @tm: the timer
 * @fine: in the fine wheel
 * @when: boottime, ns; never met early, and not before the next tick
 */
void pp_timer_set(struct pp_net *pn, struct pp_timer *tm, bool fine, u64 when)
{
	u64 now = ktime_get_boottime_ns(), first, last;
	struct pp_wheel *w;

	pp_timer_del(pn, tm);
	tm->fine = fine;
	w = pp_timer_wheel(pn, tm);

	/* an empty wheel has not turned since it was used last */
	if (bitmap_empty(w->used, w->mask + 1))
		w->done = div64_u64(now, w->tick);
	first = max(w->done, div64_u64(now, w->tick)) + 1;
	last = w->done + w->mask + 1;
	tm->slot = clamp(div64_u64(when + w->tick - 1, w->tick),
			 min(first, last), last);
	hlist_add_head(&tm->node, &w->slot[tm->slot & w->mask]);
	__set_bit(tm->slot & w->mask, w->used);
}

/* Take one timer that is due, NULL = none. */
static struct pp_timer *pp_wheel_pop(struct pp_wheel *w, u64 now)
{
	u64 end = div64_u64(now, w->tick), at = pp_wheel_next(w);
	struct pp_timer *tm;

	if (at > end) {
		w->done = max(w->done, end);
		return NULL;
	}
	w->done = at - 1;
	tm = hlist_entry(w->slot[at & w->mask].first, struct pp_timer, node);
	pp_wheel_unlink(w, tm);
	return tm;
}

static u64 pp_wheel_when(const struct pp_wheel *w)
{
	u64 at = pp_wheel_next(w);

	return at == PP_NEVER ? PP_NEVER : at * w->tick;
}

/* From either wheel in turn: one that is overfull must not hold up the other. */
static struct pp_timer *pp_due_pop(struct pp_net *pn)
{
	struct pp_wheel *first = &pn->tab->wheel_fine;
	struct pp_wheel *second = &pn->tab->wheel;
	u64 now = ktime_get_boottime_ns();
	struct pp_timer *tm;

	if (pn->coarse_first)
		swap(first, second);
	pn->coarse_first = !pn->coarse_first;
	tm = pp_wheel_pop(first, now);
	return tm ? tm : pp_wheel_pop(second, now);
}

static bool pp_due_step(struct pp_net *pn)
{
	int end = pn->budget - PP_SHARE;
	struct pp_timer *tm;
	bool work = false;

	while (pn->budget > end && (tm = pp_due_pop(pn))) {
		work = true;
		pn->budget--;
		if (tm->kind == PP_TIMER_PAIR)
			pp_pair_look(pn, container_of(tm, struct pp_pair,
						      timer));
		else
			pp_peer_look(pn, container_of(tm, struct pp_peer,
						      timer));
		pp_pause(pn);
	}
	return work;
}

/*
 * The kinds of work; each does its share and says whether there was any.
 * Deaths and births first: looks want all members.
 */
static bool (*const pp_steps[])(struct pp_net *pn) = {
	pp_sa_gone_step,
	pp_sa_fresh_step,
	pp_sa_sweep_step,
	pp_rescan_step,
	pp_rule_sweep_step,
	pp_pair_dirty_step,
	pp_peer_dirty_step,
	pp_due_step,
};

static void pp_send(struct pp_net *pn, bool all)
{
	struct sk_buff_head out[PP_GROUPS];

	pp_event_take(pn, out, all);
	mutex_unlock(&pn->mutex);
	pp_event_send(pn, out);
	cond_resched();
	mutex_lock(&pn->mutex);
}

/**
 * pp_breathe() - let others have the mutex and the CPU, and send what is full
 * @pn: the namespace; the caller is its worker
 */
void pp_breathe(struct pp_net *pn)
{
	pp_send(pn, false);
}

/**
 * pp_pause() - pp_breathe() if it has been a while
 * @pn: the namespace; the caller is its worker
 */
void pp_pause(struct pp_net *pn)
{
	if (pn->budget > pn->breath)
		return;
	pn->breath = pn->budget - 4 * PP_BATCH;
	pp_breathe(pn);
}

/* When to run again, all of it being done for now. */
static u64 pp_next_run(struct pp_net *pn)
{
	u64 next = pp_reconcile(pn);

	next = min(next, pp_wheel_when(&pn->tab->wheel));
	next = min(next, pp_wheel_when(&pn->tab->wheel_fine));
	if (pn->fresh_hold)
		next = min(next, pn->fresh_hold);
	if (READ_ONCE(pn->owed))
		next = min(next, pn->rescan_hold);
	return next;
}

static u64 pp_run(struct pp_net *pn)
{
	unsigned int rest = 0;

	if (pp_table_init(pn))
		return ktime_get_boottime_ns() + NSEC_PER_SEC;

	pn->budget = pp_turn_begin(pn->budget);
	pn->breath = pn->budget;
	while (pn->budget > 0) {
		rest = pp_steps[pn->step](pn) ? 0 : rest + 1;
		if (rest == ARRAY_SIZE(pp_steps))
			return pp_next_run(pn);
		pn->step = (pn->step + 1) % ARRAY_SIZE(pp_steps);
	}
	/* a turn for other namespaces: late, never early */
	return 0;
}

/**
 * pp_work() - the worker of a namespace
 * @work: in its struct pp_net
 */
void pp_work(struct work_struct *work)
{
	struct pp_net *pn = container_of(to_delayed_work(work), struct pp_net,
					 work);
	u64 next;

	pp_kicked(pn);
	mutex_lock(&pn->mutex);
	next = pp_run(pn);
	pp_send(pn, true);
	mutex_unlock(&pn->mutex);
	if (next != PP_NEVER)
		pp_kick_at(pn, next);
}
