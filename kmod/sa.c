// SPDX-License-Identifier: GPL-2.0
/*
 * The table of tracked SAs, and their life.
 *
 * fresh -> (busy) -> member -> gone -> freed. The core's events only move an
 * SA to fresh or gone; the worker does what sleeps, allocates or sends. Every
 * SA is pinned, so that it is recognised by its address and its counters stay
 * readable after its death.
 */

#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/route.h>

#include "trace.h"

const struct rhashtable_params pp_by_x_params = {
	.key_len		= sizeof(struct xfrm_state *),
	.key_offset		= offsetof(struct pp_sa, x),
	.head_offset		= offsetof(struct pp_sa, node),
	.automatic_shrinking	= true,
};

const struct rhashtable_params pp_by_spi_params = {
	.key_len		= sizeof(__be32),
	.key_offset		= offsetof(struct pp_sa, spi),
	.head_offset		= offsetof(struct pp_sa, spi_node),
	.automatic_shrinking	= true,
};

/**
 * pp_sa_wanted() - is this an SA that we track?
 * @x: any state of the SAD
 */
bool pp_sa_wanted(const struct xfrm_state *x)
{
	return (x->id.proto == IPPROTO_ESP || x->id.proto == IPPROTO_AH) &&
	       READ_ONCE(x->km.state) == XFRM_STATE_VALID;
}

/* An SA exists that is not tracked: no verdict until a walk has found it. */
static void pp_sa_owe(struct pp_net *pn)
{
	spin_lock_bh(&pn->lock);
	if (!pn->owed) {
		pn->owed = true;
		pp_kick(pn);
	}
	spin_unlock_bh(&pn->lock);
}

static struct pp_sa *pp_sa_alloc(struct xfrm_state *x)
{
	struct pp_sa *sa;

	sa = kmem_cache_zalloc(pp_sa_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!sa)
		return NULL;
	sa->x = x;
	sa->spi = x->id.spi;
	sa->read = ktime_get_boottime_ns();
	sa->use.last = sa->read;
	sa->packets = READ_ONCE(x->curlft.packets);
	if (sa->packets)
		sa->use.slack = sa->read;
	if (READ_ONCE(x->xso.dev))
		sa->flags |= PREFPEER_FLAG_OFFLOAD;
	INIT_LIST_HEAD(&sa->list);
	return sa;
}

static void pp_sa_refuse(struct pp_net *pn, struct xfrm_state *x)
{
	struct pp_pair_key key;

	pp_pair_key_of(&key, x);
	pn->untracked++;
	pn->overflow = true;
	__set_bit(pp_pair_refused_bit(&key), pn->tab->refused);
	__set_bit(pp_addrs_refused_bit(&key), pn->tab->refused);
	trace_prefpeer_untrack(pn, x, PREFPEER_REASON_LIMIT);
}

static void pp_sa_queue(struct pp_net *pn, struct list_head *list,
			struct pp_sa *sa, enum pp_sa_where where)
{
	bool first = list_empty(list);

	sa->where = where;
	list_add_tail(&sa->list, list);
	pn->n_waiting++;
	if (first)
		pp_kick(pn);
}

/*
 * Events still come for a dying namespace, and its table may be gone by then:
 * look at @dying first.
 */
static struct pp_sa *pp_sa_by_x(struct pp_net *pn, struct xfrm_state *x)
{
	lockdep_assert_held(&pn->lock);
	if (pn->dying)
		return NULL;
	return rhashtable_lookup_fast(&pn->tab->by_x, &x, pp_by_x_params);
}

/* The SA is no more; the worker buries it. */
static void pp_sa_doom(struct pp_net *pn, struct pp_sa *sa, u8 reason)
{
	lockdep_assert_held(&pn->lock);
	rhashtable_remove_fast(&pn->tab->by_x, &sa->node, pp_by_x_params);
	pn->n_tracked--;
	if (sa->flags & PREFPEER_FLAG_OFFLOAD)
		pn->n_offload--;
	sa->reason = reason;
	trace_prefpeer_untrack(pn, sa->x, reason);
	if (sa->where == PP_SA_BUSY) {
		sa->where = PP_SA_DOOMED;
		return;
	}
	if (sa->where == PP_SA_MEMBER)
		sa->pair->n_gone++;
	else
		pn->n_waiting--;
	list_del(&sa->list);
	pp_sa_queue(pn, &pn->gone, sa, PP_SA_GONE);
}

/* -EEXIST if it is tracked, -ENOSPC beyond max_sas. */
static int pp_sa_insert(struct pp_net *pn, struct pp_sa *sa)
{
	u32 limit = pp_limit_sas(pn);

	if (pn->dying || pp_sa_by_x(pn, sa->x))
		return -EEXIST;
	if (limit && pn->n_tracked >= limit)
		return -ENOSPC;
	return rhashtable_insert_fast(&pn->tab->by_x, &sa->node,
				      pp_by_x_params);
}

static int pp_sa_enter(struct pp_net *pn, struct pp_sa *sa)
{
	int err;

	spin_lock_bh(&pn->lock);
	err = pp_sa_insert(pn, sa);
	if (err == -ENOSPC)
		pp_sa_refuse(pn, sa->x);
	if (err)
		goto out;

	xfrm_state_hold(sa->x);
	pn->n_tracked++;
	if (sa->flags & PREFPEER_FLAG_OFFLOAD)
		pn->n_offload++;
	trace_prefpeer_track(pn, sa->x, PREFPEER_REASON_NONE);
	pp_sa_queue(pn, &pn->fresh, sa, PP_SA_FRESH);
	/* it may have died, unheard, since it was seen to be valid */
	if (READ_ONCE(sa->x->km.state) == XFRM_STATE_DEAD)
		pp_sa_doom(pn, sa, PREFPEER_REASON_DELETED);
out:
	spin_unlock_bh(&pn->lock);
	return err;
}

/**
 * pp_sa_track() - track an SA
 * @pn: its namespace
 * @x: the SA, held by the caller and kept held here; x->lock may be held
 *
 * Return: whether it is new to us.
 */
bool pp_sa_track(struct pp_net *pn, struct xfrm_state *x)
{
	struct pp_sa *sa;
	int err;

	if (!READ_ONCE(pn->tab)) {
		/* setting up sleeps; the worker finds the SA by its walk */
		pp_sa_owe(pn);
		return false;
	}
	sa = pp_sa_alloc(x);
	err = sa ? pp_sa_enter(pn, sa) : -ENOMEM;
	if (!err)
		return true;
	if (sa)
		kmem_cache_free(pp_sa_cache, sa);
	if (err != -EEXIST && err != -ENOSPC)
		pp_sa_owe(pn);
	return false;
}

/**
 * pp_sa_updated() - an SA has been changed in place
 * @pn: its namespace
 * @x: the SA
 */
void pp_sa_updated(struct pp_net *pn, struct xfrm_state *x)
{
	struct pp_sa *sa;

	if (!READ_ONCE(pn->tab)) {
		pp_sa_owe(pn);
		return;
	}
	spin_lock_bh(&pn->lock);
	sa = pp_sa_by_x(pn, x);
	if (sa && sa->where != PP_SA_FRESH) {
		sa->recheck = true;
		pn->updated = true;
		pp_kick(pn);
	}
	spin_unlock_bh(&pn->lock);
}

/**
 * pp_sa_lost() - the core says that an SA is no more
 * @pn: its namespace
 * @x: the SA; x->lock may be held
 * @reason: enum prefpeer_reason
 */
void pp_sa_lost(struct pp_net *pn, struct xfrm_state *x, u8 reason)
{
	struct pp_sa *sa;

	if (!READ_ONCE(pn->tab))
		return;
	spin_lock_bh(&pn->lock);
	sa = pp_sa_by_x(pn, x);
	if (sa)
		pp_sa_doom(pn, sa, reason);
	spin_unlock_bh(&pn->lock);
}

/**
 * pp_sa_vanished() - an SA was found to be dead
 * @pn: its namespace
 * @sa: the SA
 * @reason: enum prefpeer_reason
 */
void pp_sa_vanished(struct pp_net *pn, struct pp_sa *sa, u8 reason)
{
	spin_lock_bh(&pn->lock);
	if (sa->where == PP_SA_MEMBER)
		pp_sa_doom(pn, sa, reason);
	spin_unlock_bh(&pn->lock);
}

/**
 * pp_sa_meta() - the metadata that holds for an SA
 * @sa: the SA
 *
 * Return: NULL for none, without a reference.
 */
struct pp_meta *pp_sa_meta(const struct pp_sa *sa)
{
	return sa->meta ? sa->meta : sa->pair->meta;
}

/**
 * pp_sa_time() - idle time of an SA
 * @sa: the SA
 *
 * Return: ns, 0 for none.
 */
u64 pp_sa_time(const struct pp_sa *sa)
{
	const struct pp_meta *meta = pp_sa_meta(sa);

	return meta ? pp_ms_to_ns(meta->idle_time) : 0;
}

/**
 * pp_sa_remote_port() - UDP port of the other end
 * @sa: the SA
 *
 * Return: 0 without encapsulation.
 */
__be16 pp_sa_remote_port(const struct pp_sa *sa)
{
	const struct xfrm_encap_tmpl *encap = READ_ONCE(sa->x->encap);

	if (!encap)
		return 0;
	return sa->dir == PREFPEER_DIR_IN ? READ_ONCE(encap->encap_sport) :
					    READ_ONCE(encap->encap_dport);
}

static bool pp_addr_is_local(struct net *net, const xfrm_address_t *addr,
			     u16 family)
{
	if (family == AF_INET)
		return inet_addr_type(net, addr->a4) == RTN_LOCAL;
	return ipv6_chk_addr(net, &addr->in6, NULL, 0);
}

static u8 pp_dir_by_address(struct xfrm_state *x)
{
	u16 family = x->props.family;
	bool src = pp_addr_is_local(xs_net(x), &x->props.saddr, family);
	bool dst = pp_addr_is_local(xs_net(x), &x->id.daddr, family);

	if (src == dst)
		return PREFPEER_DIR_UNKNOWN;
	return dst ? PREFPEER_DIR_IN : PREFPEER_DIR_OUT;
}

static bool pp_x_oseq(const struct xfrm_state *x)
{
	const struct xfrm_replay_state_esn *esn = READ_ONCE(x->replay_esn);

	if (esn)
		return READ_ONCE(esn->oseq) || READ_ONCE(esn->oseq_hi);
	return READ_ONCE(x->replay.oseq);
}

/**
 * pp_sa_direction() - which way an SA goes, as far as can be told
 * @sa: the SA
 * @pair: its pair, NULL before it has one
 * @moved: it has been seen to move
 *
 * Only output counts oseq up. An address that is not local may become so: on
 * a standby host the virtual one comes later, and in a VRF it never looks so.
 *
 * Return: enum prefpeer_dir.
 */
u8 pp_sa_direction(const struct pp_sa *sa, const struct pp_pair *pair,
		   bool moved)
{
	struct xfrm_state *x = sa->x;

	if (pp_x_sa_dir(x))
		return pp_x_sa_dir(x);
	if (x->xso.dir == XFRM_DEV_OFFLOAD_IN)
		return PREFPEER_DIR_IN;
	if (x->xso.dir == XFRM_DEV_OFFLOAD_OUT)
		return PREFPEER_DIR_OUT;
	if (pp_x_oseq(x))
		return PREFPEER_DIR_OUT;
	if (moved && !pp_x_packet_offload(x))
		return PREFPEER_DIR_IN;
	/* the route is not asked again for what another SA has shown */
	if (pair && pair->local != PP_LOCAL_UNKNOWN)
		return pp_pair_direction(pair, x);
	return pp_dir_by_address(x);
}

static void pp_sa_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(pp_sa_cache, container_of(rcu, struct pp_sa, rcu));
}

/* It is on no list and has no pair. */
static void pp_sa_free(struct pp_sa *sa)
{
	pp_meta_put(sa->meta);
	xfrm_state_put(sa->x);
	call_rcu(&sa->rcu, pp_sa_free_rcu);
}

/* Give it id and pair, and tell. */
static int pp_sa_attach(struct pp_net *pn, struct pp_sa *sa)
{
	int err;

	err = pp_id_new(&pn->sas_all, sa, &sa->id);
	if (err)
		return err;
	err = rhltable_insert(&pn->tab->by_spi, &sa->spi_node,
			      pp_by_spi_params);
	if (err)
		goto id;
	err = pp_pair_join(pn, sa);
	if (err)
		goto spi;
	pp_event_sa(pn, PREFPEER_CMD_SA_NEW_NTF, sa, sa->read);
	return 0;

spi:
	rhltable_remove(&pn->tab->by_spi, &sa->spi_node, pp_by_spi_params);
id:
	pp_id_del(&pn->sas_all, sa->id);
	return err;
}

static void pp_sa_detach(struct pp_net *pn, struct pp_sa *sa)
{
	rhltable_remove(&pn->tab->by_spi, &sa->spi_node, pp_by_spi_params);
	pp_id_del(&pn->sas_all, sa->id);
	pp_pair_leave(pn, sa);
}

/* One that died before it had a pair is told of all the same: it counted. */
static void pp_sa_bury(struct pp_net *pn, struct pp_sa *sa)
{
	struct pp_pair *pair = sa->pair;

	if (pair) {
		spin_lock_bh(&pn->lock);
		pair->n_gone--;
		spin_unlock_bh(&pn->lock);
	} else if (pp_sa_attach(pn, sa)) {
		pp_sa_free(sa);
		return;
	}
	pp_look_final(pn, sa);
	pp_event_sa(pn, PREFPEER_CMD_SA_GONE_NTF, sa, ktime_get_boottime_ns());
	pp_sa_detach(pn, sa);
	pp_sa_free(sa);
}

/* Take some from the front of @fresh or @gone. */
static unsigned int pp_sa_pop(struct pp_net *pn, struct list_head *list,
			      struct pp_sa **sas)
{
	unsigned int n = 0;
	struct pp_sa *sa;

	spin_lock_bh(&pn->lock);
	while (n < PP_BATCH) {
		sa = list_first_entry_or_null(list, struct pp_sa, list);
		if (!sa)
			break;
		list_del_init(&sa->list);
		if (sa->where == PP_SA_FRESH)
			sa->where = PP_SA_BUSY;
		sas[n++] = sa;
	}
	pn->n_waiting -= n;
	spin_unlock_bh(&pn->lock);
	return n;
}

/**
 * pp_sa_gone_step() - bury some that are gone
 * @pn: the namespace
 *
 * Return: whether there were any.
 */
bool pp_sa_gone_step(struct pp_net *pn)
{
	int end = pn->budget - PP_SHARE;
	struct pp_sa *sas[PP_BATCH];
	unsigned int i, n;
	bool work = false;

	lockdep_assert_held(&pn->mutex);
	while (pn->budget > end && (n = pp_sa_pop(pn, &pn->gone, sas))) {
		for (i = 0; i < n; i++)
			pp_sa_bury(pn, sas[i]);
		pn->budget -= n * PP_COST_SA;
		work = true;
		pp_pause(pn);
	}
	return work;
}

/* It has its pair: onto its list, or to the gone if it died meanwhile. */
static void pp_sa_settle(struct pp_net *pn, struct pp_sa *sa)
{
	struct pp_pair *pair = sa->pair;

	lockdep_assert_held(&pn->lock);
	if (sa->where == PP_SA_DOOMED) {
		pair->n_gone++;
		pp_sa_queue(pn, &pn->gone, sa, PP_SA_GONE);
		return;
	}
	sa->where = PP_SA_MEMBER;
	list_add(&sa->list, &pair->members[pp_sa_side(sa)]);
	if (READ_ONCE(sa->x->km.state) == XFRM_STATE_DEAD)
		pp_sa_doom(pn, sa, PREFPEER_REASON_VANISHED);
}

/* No memory: it stays in line, and is tried again when that is there. */
static void pp_sa_unsettle(struct pp_net *pn, struct pp_sa *sa)
{
	lockdep_assert_held(&pn->lock);
	pn->n_waiting++;
	if (sa->where == PP_SA_DOOMED) {
		sa->where = PP_SA_GONE;
		list_add_tail(&sa->list, &pn->gone);
	} else {
		sa->where = PP_SA_FRESH;
		list_add(&sa->list, &pn->fresh);
	}
}

/* Some of the fresh into their pairs; false if memory was short. */
static bool pp_sa_enlist(struct pp_net *pn, struct pp_sa **sas, unsigned int n)
{
	unsigned int done, i;

	for (done = 0; done < n; done++)
		if (pp_sa_attach(pn, sas[done]))
			break;

	spin_lock_bh(&pn->lock);
	for (i = 0; i < done; i++)
		pp_sa_settle(pn, sas[i]);
	/* last first, so that they stand in line as they did */
	for (i = n; i > done; i--)
		pp_sa_unsettle(pn, sas[i - 1]);
	spin_unlock_bh(&pn->lock);

	pn->budget -= done * PP_COST_SA;
	if (done == n)
		return true;
	pn->fresh_hold = ktime_get_boottime_ns() + NSEC_PER_SEC;
	return false;
}

/**
 * pp_sa_fresh_step() - put some new ones into their pairs
 * @pn: the namespace
 *
 * Return: whether there were any.
 */
bool pp_sa_fresh_step(struct pp_net *pn)
{
	int end = pn->budget - PP_SHARE;
	struct pp_sa *sas[PP_BATCH];
	bool work = false;
	unsigned int n;

	lockdep_assert_held(&pn->mutex);
	if (pn->fresh_hold && ktime_get_boottime_ns() < pn->fresh_hold)
		return false;
	pn->fresh_hold = 0;

	while (pn->budget > end && (n = pp_sa_pop(pn, &pn->fresh, sas))) {
		work = true;
		if (!pp_sa_enlist(pn, sas, n))
			break;
		pp_pause(pn);
	}
	return work;
}

static bool pp_sa_sweep_begin(struct pp_net *pn)
{
	spin_lock_bh(&pn->lock);
	if (pn->sweep || pn->updated) {
		pp_sweep_start(&pn->sa_sweep);
		pn->sweep_reason = max(pn->sweep_reason, pn->sweep_why);
		pn->sweep = false;
		pn->updated = false;
		pn->sweep_why = PREFPEER_REASON_NONE;
	}
	spin_unlock_bh(&pn->lock);
	return pn->sa_sweep.next;
}

static void pp_sa_sweep_one(struct pp_net *pn, struct pp_sa *sa)
{
	if (READ_ONCE(sa->x->km.state) == XFRM_STATE_DEAD)
		pp_sa_vanished(pn, sa, pn->sweep_reason ? :
				       PREFPEER_REASON_VANISHED);
	if (READ_ONCE(sa->recheck)) {
		WRITE_ONCE(sa->recheck, false);
		pp_pair_dirty(pn, sa->pair);
	}
}

/**
 * pp_sa_sweep_step() - look at some for a death or an update
 * @pn: the namespace
 *
 * Return: whether there was a sweep.
 */
bool pp_sa_sweep_step(struct pp_net *pn)
{
	struct pp_sweep *sw = &pn->sa_sweep;
	int end = pn->budget - PP_SHARE;
	unsigned long id;
	struct pp_sa *sa;

	lockdep_assert_held(&pn->mutex);
	if (!pp_sa_sweep_begin(pn))
		return false;
	xa_for_each_range(&pn->sas_all.xa, id, sa, sw->next,
			  pp_sweep_last(sw)) {
		sw->next = id;
		if (pn->budget <= end)
			return true;
		pp_sa_sweep_one(pn, sa);
		pn->budget--;
		pp_pause(pn);
	}
	if (!pp_sweep_turn(sw))
		pn->sweep_reason = PREFPEER_REASON_NONE;
	return true;
}

/**
 * pp_sa_find() - the SA that a request names
 * @pn: the namespace
 * @f: its dst, spi and proto, and mark if given
 *
 * Return: the SA; ERR_PTR(-ESRCH) for none, ERR_PTR(-ENOTUNIQ) for several.
 */
struct pp_sa *pp_sa_find(struct pp_net *pn, const struct pp_filter *f)
{
	struct pp_sa *found = NULL;
	struct rhlist_head *list, *pos;
	struct xfrm_state *x;
	struct pp_sa *sa;

	lockdep_assert_held(&pn->mutex);
	rcu_read_lock();
	list = rhltable_lookup(&pn->tab->by_spi, &f->spi, pp_by_spi_params);
	rhl_for_each_entry_rcu(sa, pos, list, spi_node) {
		x = sa->x;
		if (x->id.proto != f->proto || x->props.family != f->family ||
		    !xfrm_addr_equal(&x->id.daddr, &f->dst, f->family))
			continue;
		if ((f->has & PP_F(MARK)) &&
		    (x->mark.v != f->mark.v || x->mark.m != f->mark.m))
			continue;
		if (found) {
			found = ERR_PTR(-ENOTUNIQ);
			break;
		}
		found = sa;
	}
	rcu_read_unlock();
	return found ? found : ERR_PTR(-ESRCH);
}

static void pp_sa_drop_fresh(struct pp_net *pn, struct pp_sa **sas,
			     unsigned int n)
{
	unsigned int i;

	/* BUSY: they only leave the table */
	spin_lock_bh(&pn->lock);
	for (i = 0; i < n; i++)
		pp_sa_doom(pn, sas[i], PREFPEER_REASON_NONE);
	spin_unlock_bh(&pn->lock);
	for (i = 0; i < n; i++)
		pp_sa_free(sas[i]);
}

/**
 * pp_sa_drop_all() - forget everything, telling nobody
 * @pn: the namespace, its worker stopped
 */
void pp_sa_drop_all(struct pp_net *pn)
{
	struct pp_sa *sas[PP_BATCH], *sa;
	unsigned long id;
	unsigned int n;

	xa_for_each(&pn->sas_all.xa, id, sa) {
		spin_lock_bh(&pn->lock);
		if (sa->where == PP_SA_MEMBER)
			pp_sa_doom(pn, sa, PREFPEER_REASON_NONE);
		list_del_init(&sa->list);
		spin_unlock_bh(&pn->lock);
		pp_sa_detach(pn, sa);
		pp_sa_free(sa);
		cond_resched();
	}
	while ((n = pp_sa_pop(pn, &pn->fresh, sas)))
		pp_sa_drop_fresh(pn, sas, n);
	while ((n = pp_sa_pop(pn, &pn->gone, sas)))
		while (n)
			pp_sa_free(sas[--n]);
}
