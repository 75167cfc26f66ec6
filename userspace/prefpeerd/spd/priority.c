// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "prefpeerd/spd/apply_impl.h"

/*
 * Policies of one selector share a priority; a run is one selector's. Where the
 * kernel has a run already, `old` is its priority there.
 */
struct run {
	struct spd_policy *first;
	unsigned n;
	uint32_t old; /* 0 = none */
};

static uint32_t old_priority(const struct run *r, const struct kernel_spd *have, bool *odd)
{
	uint32_t prio = 0;

	for (unsigned i = 0; i < r->n; i++) {
		const struct kernel_policy *p = kernel_spd_find(have, &r->first[i].p);

		if (!p || !spd_policy_is_ours(p))
			continue;
		if (prio && p->priority != prio)
			*odd = true; /* an apply was cut short */
		prio = p->priority;
	}
	return prio;
}

static struct run *make_runs(struct spd *s, const struct kernel_spd *have, unsigned *n, bool *odd)
{
	struct run *runs = calloc(s->n_policies + 1, sizeof(*runs));

	*n = 0;
	for (unsigned i = 0; runs && i < s->n_policies; i++) {
		struct spd_policy *p = &s->policies[i];

		if (!i || p->p.priority != p[-1].p.priority)
			runs[(*n)++] = (struct run){ .first = p };
		runs[*n - 1].n++;
	}
	for (unsigned i = 0; runs && i < *n; i++)
		runs[i].old = old_priority(&runs[i], have, odd);
	return runs;
}

static void set_run(struct run *r, uint32_t priority)
{
	for (unsigned i = 0; i < r->n; i++)
		r->first[i].p.priority = priority;
}

/* New runs between two that stay: evenly. False when there is no room. */
static bool fill_gap(struct run *first, unsigned n, uint32_t lo, uint32_t hi)
{
	uint32_t step = (hi - lo) / (n + 1);

	if (n && !step)
		return false;
	if (step > SPD_PRIORITY_STEP)
		step = SPD_PRIORITY_STEP;
	/* Ahead of all that stay, they lie next to those, behind all likewise. */
	for (unsigned i = 0; i < n; i++)
		set_run(&first[i], lo == SPD_PRIORITY_FIRST ? hi - step * (n - i) :
							      lo + step * (i + 1));
	return true;
}

/* Keep what is in the kernel where it is. False: the order changed, or a gap is too small. */
static bool keep_places(struct run *runs, unsigned n)
{
	uint32_t lo = SPD_PRIORITY_FIRST;
	unsigned from = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!runs[i].old)
			continue;
		if (runs[i].old <= lo || !fill_gap(runs + from, i - from, lo, runs[i].old))
			return false;
		set_run(&runs[i], runs[i].old);
		lo = runs[i].old;
		from = i + 1;
	}
	return fill_gap(runs + from, n - from, lo, SPD_PRIORITY_LAST);
}

static bool any_old(const struct run *runs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (runs[i].old)
			return true;
	}
	return false;
}

static int by_priority(const void *a, const void *b)
{
	const struct kernel_policy *p = *(const struct kernel_policy *const *)a;
	const struct kernel_policy *q = *(const struct kernel_policy *const *)b;

	return p->priority < q->priority ? -1 : p->priority > q->priority;
}

/* Moved from the last on, each to a place behind its old one: the order never changes. */
static int push_back(struct kernel_policy **ours, unsigned n, const struct kernel *k)
{
	uint32_t at = SPD_PRIORITY_LAST;
	int err = 0;

	for (unsigned i = n; i-- && !err;) {
		uint32_t old = ours[i]->priority;

		ours[i]->priority = at;
		err = k->ops->policy_put(k->impl, ours[i]);
		if (i && ours[i - 1]->priority != old)
			at--;
	}
	return err;
}

/* Room for n runs ahead of everything of ours. */
static int make_room(struct kernel_spd *have, unsigned n, const struct kernel *k, uint32_t *first)
{
	struct kernel_policy **ours = calloc(have->n + 1, sizeof(*ours));
	unsigned count = 0;
	int err = 0;

	if (!ours)
		return -ENOMEM;
	for (unsigned i = 0; i < have->n; i++) {
		if (spd_policy_is_ours(&have->list[i]))
			ours[count++] = &have->list[i];
	}
	qsort(ours, count, sizeof(*ours), by_priority);
	if (count && ours[0]->priority - SPD_PRIORITY_FIRST <= n)
		err = push_back(ours, count, k);
	*first = count ? ours[0]->priority : SPD_PRIORITY_LAST;
	free(ours);
	return !err && *first - SPD_PRIORITY_FIRST <= n ? -ENOSPC : err;
}

/*
 * The order changed: all runs get places ahead of everything that is there, and are
 * put there first to last. A packet then meets either what it met before or what it
 * shall meet, whichever runs have been moved already.
 */
static int move_ahead(struct run *runs, unsigned n, struct kernel_spd *have,
		      const struct kernel *k)
{
	uint32_t first;
	uint32_t step;
	int err = make_room(have, n, k, &first);

	if (err)
		return err;
	/* At most half of what is left, so that the next times have room too. */
	step = (first - SPD_PRIORITY_FIRST) / 2 / (n + 1);
	step = step > SPD_PRIORITY_STEP ? SPD_PRIORITY_STEP : step ? step : 1;
	for (unsigned i = 0; i < n; i++)
		set_run(&runs[i], first - step * (n - i));
	return 0;
}

int spd_place(struct spd *s, struct kernel_spd *have, const struct kernel *k)
{
	bool odd = false;
	unsigned n;
	struct run *runs = make_runs(s, have, &n, &odd);
	int err = 0;

	if (!runs)
		return -ENOMEM;
	/* Nothing of ours is there: spd_compile()'s own spacing. Else only surplus: ahead of it. */
	if (kernel_spd_has_ours(have) && (odd || !any_old(runs, n) || !keep_places(runs, n)))
		err = move_ahead(runs, n, have, k);
	free(runs);
	return err;
}
