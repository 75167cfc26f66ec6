// SPDX-License-Identifier: GPL-2.0
/*
 * The look: reading the counters of SAs, and what their movement says.
 *
 * (1) the time t0, (2) the counters, (3) the time t1. What moved did so after
 * the read before this one and not after t1. If nothing did and a verdict is
 * due, each counter is read again under its x->lock: then nothing passed up to
 * t0, and "idle at t0" is true whatever happens next.
 */

#include <linux/ktime.h>

#include "trace.h"

struct pp_read {
	struct pp_sa *sa;
	u64 packets;
	s64 lastused;
	bool judgeable;
};

static s64 pp_clock_off(void)
{
	return ktime_to_ns(ktime_sub(ktime_mono_to_any(0, TK_OFFS_REAL),
				     ktime_mono_to_any(0, TK_OFFS_BOOT)));
}

/*
 * Notice that the wall clock was set: lastused of before means nothing. Set
 * and set back since the last look it differs by how long that took; only one
 * that is back to the nanosecond, which no clock is set to, goes unnoticed.
 */
static void pp_clock_check(struct pp_net *pn)
{
	s64 off = pp_clock_off();

	if (off == pn->off)
		return;
	pn->off = off;
	pn->off_since = ktime_get_boottime_ns();
}

/**
 * pp_look_begin() - begin a look
 * @lk: the look
 * @pn: its namespace
 * @worker: the worker looks
 */
void pp_look_begin(struct pp_look *lk, struct pp_net *pn, bool worker)
{
	lockdep_assert_held(&pn->mutex);
	pp_clock_check(pn);
	*lk = (struct pp_look){
		.pn = pn,
		.nr = ++pn->look,
		.t0 = ktime_get_boottime_ns(),
		.due = PP_NEVER,
		.worker = worker,
	};
	pn->stats.looks++;
}

/**
 * pp_look_members() - the next SAs of a pair that a look has not seen
 * @pn: the namespace
 * @pair: the pair
 * @side: which of its SAs
 * @nr: number of the look
 * @sas: room for PP_BATCH
 *
 * A pair may have a million: a few at a time go to the end, marked. None is
 * freed while the caller keeps the mutex, or is the worker.
 *
 * Return: how many.
 */
unsigned int pp_look_members(struct pp_net *pn, struct pp_pair *pair,
			     enum pp_side side, u32 nr, struct pp_sa **sas)
{
	struct list_head *members = &pair->members[side];
	unsigned int n = 0;
	struct pp_sa *sa;

	spin_lock_bh(&pn->lock);
	while (n < PP_BATCH) {
		sa = list_first_entry_or_null(members, struct pp_sa, list);
		if (!sa || sa->look == nr)
			break;
		sa->look = nr;
		list_move_tail(&sa->list, members);
		sas[n++] = sa;
	}
	spin_unlock_bh(&pn->lock);
	return n;
}

/* All of the counting is under x->lock, lastused after the counter. */
static void pp_read_locked(struct pp_read *r)
{
	struct xfrm_state *x = r->sa->x;

	spin_lock_bh(&x->lock);
	if (pp_x_packet_offload(x))
		r->judgeable = x->km.state == XFRM_STATE_VALID &&
			       pp_x_update_stats(x);
	else
		r->lastused = x->lastused;
	r->packets = x->curlft.packets;
	spin_unlock_bh(&x->lock);
}

/*
 * Without the lock lastused may be that of the packet before the one counted.
 * It is worth the lock only where it says more than the time of this read.
 */
static void pp_read_sa(const struct pp_look *lk, struct pp_read *r)
{
	struct pp_sa *sa = r->sa;
	struct xfrm_state *x = sa->x;
	bool judge;

	r->judgeable = true;
	r->lastused = 0;
	if (pp_x_packet_offload(x)) {
		pp_read_locked(r);
		return;
	}
	r->packets = READ_ONCE(x->curlft.packets);
	if (r->packets != sa->packets) {
		if (lk->narrow && READ_ONCE(x->lastused))
			pp_read_locked(r);
		return;
	}
	judge = lk->confirm || (sa->state == PREFPEER_STATE_ACTIVE &&
				pp_judge_idle(lk->t0, sa->use.last,
					      pp_sa_time(sa)));
	if (judge)
		pp_read_locked(r);
}

static void pp_flag(u8 *flags, u8 flag, bool on)
{
	*flags = on ? *flags | flag : *flags & ~flag;
}

/* What can be known about it, as far as this read tells. */
static void pp_look_kind(struct pp_look *lk, const struct pp_read *r,
			 bool moved)
{
	struct xfrm_state *x = r->sa->x;
	struct pp_sa *sa = r->sa;
	bool lastused = r->packets && READ_ONCE(x->lastused) &&
			!pp_x_packet_offload(x);

	if (lastused)
		sa->lastused_no = false;
	else if (moved)
		sa->lastused_no = true;
	pp_flag(&sa->flags, PREFPEER_FLAG_LASTUSED, lastused);
	pp_flag(&sa->flags, PREFPEER_FLAG_UNJUDGEABLE, !r->judgeable);

	lk->lastused |= lastused;
	lk->lastused_no |= sa->lastused_no || pp_x_packet_offload(x);
	lk->unjudgeable |= !r->judgeable;
	lk->offload |= sa->flags & PREFPEER_FLAG_OFFLOAD;
}

static void pp_sa_moved(struct pp_net *pn, const struct pp_read *r, u64 since,
			u64 now)
{
	struct pp_sa *sa = r->sa;
	struct pp_move mv = {
		.since = since,
		.now = now,
		.lastused = r->lastused,
		.off = pn->off,
		.off_valid = since >= pn->off_since,
	};

	sa->packets = r->packets;
	sa->use = pp_judge_use(&mv);
	if (sa->dir == PREFPEER_DIR_UNKNOWN)
		pp_pair_set_dir(pn, sa, pp_sa_direction(sa, sa->pair, true));
	pp_pair_moved(pn, sa, &mv);
}

static void pp_sa_judge(struct pp_look *lk, struct pp_sa *sa, bool moved,
			u64 now)
{
	u64 t = pp_sa_time(sa);
	bool idle = pp_judge_idle(lk->t0, sa->use.last, t);

	if (sa->state == PREFPEER_STATE_IDLE && (moved || !idle)) {
		sa->state = PREFPEER_STATE_ACTIVE;
		pp_event_sa(lk->pn, PREFPEER_CMD_SA_ACTIVE_NTF, sa, now);
	} else if (sa->state == PREFPEER_STATE_ACTIVE && !moved && idle &&
		   lk->worker && !(sa->flags & PREFPEER_FLAG_UNJUDGEABLE)) {
		sa->state = PREFPEER_STATE_IDLE;
		lk->pn->stats.verdicts++;
		trace_prefpeer_verdict(lk->pn, PREFPEER_CMD_SA_IDLE_NTF, sa->id,
				       lk->t0, sa->use.last);
		pp_event_sa(lk->pn, PREFPEER_CMD_SA_IDLE_NTF, sa, lk->t0);
	}
	if (sa->state == PREFPEER_STATE_IDLE)
		lk->idle = true;
	else if (t && !(sa->flags & PREFPEER_FLAG_UNJUDGEABLE))
		lk->due = min(lk->due, sa->use.last + t);
}

static void pp_look_apply(struct pp_look *lk, const struct pp_read *r,
			  u64 start, u64 now)
{
	struct pp_sa *sa = r->sa;
	bool moved = r->packets != sa->packets;
	u64 since = sa->read;

	pp_look_kind(lk, r, moved);
	sa->read = start;
	if (moved) {
		lk->moved = true;
		pp_sa_moved(lk->pn, r, since, now);
	} else if (READ_ONCE(sa->x->km.state) == XFRM_STATE_DEAD) {
		pp_sa_vanished(lk->pn, sa, PREFPEER_REASON_VANISHED);
	}
	pp_sa_judge(lk, sa, moved, now);
}

/**
 * pp_look_side() - read the SAs of one side of a pair
 * @lk: the look
 * @pair: the pair
 * @side: PP_SIDE_IN of all that the look is at, before PP_SIDE_OUT of any:
 *        then what went out after a read went out after all that had come in
 */
void pp_look_side(struct pp_look *lk, struct pp_pair *pair, enum pp_side side)
{
	struct pp_net *pn = lk->pn;
	struct pp_read reads[PP_BATCH];
	struct pp_sa *sas[PP_BATCH];
	unsigned int i, n;
	u64 start, now;

	while ((n = pp_look_members(pn, pair, side, lk->nr, sas))) {
		start = ktime_get_boottime_ns();
		/* what passed before start is seen by the reads */
		smp_mb();
		for (i = 0; i < n; i++) {
			reads[i].sa = sas[i];
			pp_read_sa(lk, &reads[i]);
		}
		pp_clock_check(pn);
		now = ktime_get_boottime_ns();
		for (i = 0; i < n; i++)
			pp_look_apply(lk, &reads[i], start, now);

		pn->stats.reads += n;
		if (!lk->worker) {
			cond_resched();
			continue;
		}
		pn->budget -= n;
		pp_pause(pn);
	}
}

/**
 * pp_look_final() - the last read of an SA that is gone
 * @pn: the namespace
 * @sa: the SA, still in its pair
 *
 * A packet between the last look and the end counts for the pair.
 */
void pp_look_final(struct pp_net *pn, struct pp_sa *sa)
{
	struct pp_read r = { .sa = sa };
	u64 since = sa->read;

	pp_clock_check(pn);
	sa->read = ktime_get_boottime_ns();
	pp_read_locked(&r);
	pp_clock_check(pn);
	pn->stats.reads++;
	if (r.packets != sa->packets)
		pp_sa_moved(pn, &r, since, ktime_get_boottime_ns());
}

static bool pp_look_missed(const struct pp_look *lk,
			   const struct pp_pair *pair)
{
	struct pp_net *pn = lk->pn;
	struct pp_sa *sa;

	lockdep_assert_held(&pn->lock);
	if (pair->n_gone || pn->owed)
		return true;
	if (pn->overflow &&
	    test_bit(pp_pair_refused_bit(&pair->key), pn->tab->refused))
		return true;
	sa = list_first_entry_or_null(&pn->fresh, struct pp_sa, list);
	return sa && sa->use.last <= lk->t0;
}

/**
 * pp_look_refused() - may an SA be missing because of max_sas?
 * @pn: the namespace
 * @bit: of pp_table.refused
 */
bool pp_look_refused(struct pp_net *pn, u32 bit)
{
	bool refused;

	spin_lock_bh(&pn->lock);
	refused = pn->overflow && test_bit(bit, pn->tab->refused);
	spin_unlock_bh(&pn->lock);
	return refused;
}

/**
 * pp_look_complete() - has a look seen every SA that a pair had at t0?
 * @lk: the look
 * @pair: the pair
 *
 * Not if some have died since, are not yet in their pairs, or are not known.
 */
bool pp_look_complete(const struct pp_look *lk, const struct pp_pair *pair)
{
	bool missed;

	spin_lock_bh(&lk->pn->lock);
	missed = pp_look_missed(lk, pair);
	spin_unlock_bh(&lk->pn->lock);
	return !missed;
}
