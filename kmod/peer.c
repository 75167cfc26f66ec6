// SPDX-License-Identifier: GPL-2.0
/*
 * Peers: all pairs of two addresses and one remote port. Whether somebody
 * answers at all is judged here.
 */

#include "trace.h"

const struct rhashtable_params pp_peers_params = {
	.key_len		= sizeof(struct pp_peer_key),
	.key_offset		= offsetof(struct pp_peer, key),
	.head_offset		= offsetof(struct pp_peer, node),
	.automatic_shrinking	= true,
};

/**
 * pp_peer_key_set() - name a peer
 * @key: result
 * @a: one address
 * @b: the other
 * @family: of both
 * @port: remote UDP port, 0 = none
 */
void pp_peer_key_set(struct pp_peer_key *key, const xfrm_address_t *a,
		     const xfrm_address_t *b, u16 family, __be16 port)
{
	memset(key, 0, sizeof(*key));
	pp_addrs_sort(&key->low, &key->high, a, b, family);
	key->family = family;
	key->port = port;
}

/**
 * pp_peer_find() - the peer of a key
 * @pn: the namespace
 * @key: the key
 */
struct pp_peer *pp_peer_find(struct pp_net *pn, const struct pp_peer_key *key)
{
	lockdep_assert_held(&pn->mutex);
	return rhashtable_lookup_fast(&pn->tab->peers, key, pp_peers_params);
}

static struct pp_peer *pp_peer_new(struct pp_net *pn,
				   const struct pp_peer_key *key)
{
	struct pp_peer *peer = kmem_cache_zalloc(pp_peer_cache, GFP_KERNEL);
	int err = -ENOMEM;

	if (!peer)
		return ERR_PTR(err);
	peer->key = *key;
	INIT_LIST_HEAD(&peer->pairs);
	INIT_LIST_HEAD(&peer->dirty);
	peer->timer.kind = PP_TIMER_PEER;

	err = pp_id_new(&pn->peers_all, peer, &peer->id);
	if (err)
		goto free;
	err = rhashtable_insert_fast(&pn->tab->peers, &peer->node,
				     pp_peers_params);
	if (err)
		goto id;
	return peer;

id:
	pp_id_del(&pn->peers_all, peer->id);
free:
	kmem_cache_free(pp_peer_cache, peer);
	return ERR_PTR(err);
}

static void pp_peer_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(pp_peer_cache, container_of(rcu, struct pp_peer, rcu));
}

static void pp_peer_free(struct pp_net *pn, struct pp_peer *peer)
{
	pp_timer_del(pn, &peer->timer);
	if (peer->timer.fine)
		pn->n_fine_peers--;
	list_del(&peer->dirty);
	rhashtable_remove_fast(&pn->tab->peers, &peer->node, pp_peers_params);
	pp_id_del(&pn->peers_all, peer->id);
	call_rcu(&peer->rcu, pp_peer_free_rcu);
}

/**
 * pp_peer_join() - put a pair into its peer, which may be new
 * @pn: the namespace
 * @pair: the pair, without a peer
 * @port: remote UDP port
 *
 * No clock moves: the peer's are the latest of its pairs.
 *
 * Return: 0 or -errno.
 */
int pp_peer_join(struct pp_net *pn, struct pp_pair *pair, __be16 port)
{
	struct pp_peer_key key;
	struct pp_peer *peer;

	pp_peer_key_set(&key, &pair->key.low, &pair->key.high,
			pair->key.family, port);
	peer = pp_peer_find(pn, &key);
	if (!peer)
		peer = pp_peer_new(pn, &key);
	if (IS_ERR(peer))
		return PTR_ERR(peer);

	pair->peer = peer;
	list_add_tail(&pair->in_peer, &peer->pairs);
	peer->n_pairs++;
	if (pair->local != PP_LOCAL_UNKNOWN)
		peer->local = pair->local;
	pp_use_max(&peer->use, pair->use);
	pp_use_max(&peer->in, pair->in);
	pp_use_max(&peer->out, pair->out);
	pp_peer_dirty(pn, peer);
	return 0;
}

/**
 * pp_peer_leave() - take a pair out of its peer, which may end with it
 * @pn: the namespace
 * @pair: the pair
 */
void pp_peer_leave(struct pp_net *pn, struct pp_pair *pair)
{
	struct pp_peer *peer = pair->peer;

	pair->peer = NULL;
	list_del_init(&pair->in_peer);
	if (--peer->n_pairs)
		pp_peer_dirty(pn, peer);
	else
		pp_peer_free(pn, peer);
}

static void pp_peer_answered(struct pp_net *pn, struct pp_peer *peer, u64 stamp)
{
	if (pp_oneway_end(&peer->oneway))
		pp_event_peer(pn, PREFPEER_CMD_PEER_HEARD_NTF, peer, stamp);
}

/**
 * pp_peer_moved() - an SA of a peer has moved
 * @pn: the namespace
 * @sa: the SA, its use up to date
 * @mv: how
 *
 * What may be inbound ends an episode; only what is outbound begins one.
 */
void pp_peer_moved(struct pp_net *pn, const struct pp_sa *sa,
		   const struct pp_move *mv)
{
	struct pp_peer *peer = sa->pair->peer;

	pp_use_max(&peer->use, sa->use);
	if (peer->state == PREFPEER_STATE_IDLE) {
		/* nothing may be waiting to look at it: have it armed */
		peer->state = PREFPEER_STATE_ACTIVE;
		pp_peer_dirty(pn, peer);
	}
	if (sa->dir == PREFPEER_DIR_OUT) {
		pp_use_max(&peer->out, sa->use);
		pp_oneway_out(&peer->oneway, mv->since,
			      max(peer->in.last, peer->heard), mv->now);
		return;
	}
	if (sa->dir == PREFPEER_DIR_IN)
		pp_use_max(&peer->in, sa->use);
	pp_peer_answered(pn, peer, mv->now);
}

/**
 * pp_peer_heard() - a peer was heard otherwise
 * @pn: the namespace
 * @peer: the peer
 * @stamp: when, boottime, not in the future
 */
void pp_peer_heard(struct pp_net *pn, struct pp_peer *peer, u64 stamp)
{
	lockdep_assert_held(&pn->mutex);
	peer->heard = max(peer->heard, stamp);
	/* not by what was received before the first unanswered packet */
	if (peer->oneway.since && stamp >= peer->oneway.from)
		pp_peer_answered(pn, peer, stamp);
}

/* Does it belong, and may it go, into the fine wheel? */
static bool pp_peer_is_fine(struct pp_net *pn, const struct pp_peer *peer)
{
	u64 t = min_not_zero(peer->t, peer->w);
	bool fine = t && t < NSEC_PER_SEC;

	if (fine && !peer->timer.fine &&
	    pn->n_fine_peers >= pp_limit_fine())
		fine = false;
	if (fine != peer->timer.fine)
		pn->n_fine_peers += fine ? 1 : -1;
	return fine;
}

/*
 * From its last look on: changes that come often must not put off the next.
 * What may get no verdict is not looked at for being due.
 */
static void pp_peer_arm(struct pp_net *pn, struct pp_peer *peer,
			bool judgeable)
{
	bool active = peer->t && peer->state == PREFPEER_STATE_ACTIVE;
	u64 when = PP_NEVER;

	if (peer->w)
		when = peer->read + pp_judge_oneway_period(peer->w);
	if (judgeable)
		when = min(when, pp_oneway_due(&peer->oneway, peer->w));
	if (active && judgeable)
		when = min(when, peer->use.last + peer->t);
	else if (active)
		when = min(when, peer->read + PP_LOOK_MAX_NS);
	if (when == PP_NEVER)
		pp_timer_del(pn, &peer->timer);
	else
		pp_timer_set(pn, &peer->timer, pp_peer_is_fine(pn, peer), when);
}

/* An SA that was refused may be the only one of its pair, and reqid. */
static bool pp_peer_refused(struct pp_net *pn, const struct pp_peer *peer)
{
	const struct pp_pair *pair;

	pair = list_first_entry(&peer->pairs, struct pp_pair, in_peer);
	return pp_look_refused(pn, pp_addrs_refused_bit(&pair->key));
}

static bool pp_peer_complete(const struct pp_look *lk,
			     const struct pp_peer *peer)
{
	const struct pp_pair *pair;

	list_for_each_entry(pair, &peer->pairs, in_peer)
		if (!pp_look_complete(lk, pair))
			return false;
	return true;
}

static void pp_peer_judge(struct pp_look *lk, struct pp_peer *peer)
{
	bool oneway = lk->t0 >= pp_oneway_due(&peer->oneway, peer->w);
	bool idle = lk->confirm && !lk->moved &&
		    pp_judge_idle(lk->t0, peer->use.last, peer->t);
	struct pp_net *pn = lk->pn;

	if (lk->unjudgeable || (!oneway && !idle) ||
	    !pp_peer_complete(lk, peer))
		return;
	if (pp_oneway_judge(&peer->oneway, lk->t0, peer->w)) {
		pn->stats.verdicts++;
		trace_prefpeer_verdict(pn, PREFPEER_CMD_PEER_ONE_WAY_NTF,
				       peer->id, lk->t0, peer->in.last);
		pp_event_peer(pn, PREFPEER_CMD_PEER_ONE_WAY_NTF, peer, lk->t0);
	}
	if (!idle)
		return;
	peer->state = PREFPEER_STATE_IDLE;
	peer->verdict = lk->t0;
	pn->stats.verdicts++;
	trace_prefpeer_verdict(pn, PREFPEER_CMD_PEER_IDLE_NTF, peer->id,
			       lk->t0, peer->use.last);
	pp_event_peer(pn, PREFPEER_CMD_PEER_IDLE_NTF, peer, lk->t0);
}

static void pp_peer_read(struct pp_look *lk, struct pp_peer *peer)
{
	struct pp_pair *pair;
	int side;

	for (side = PP_SIDE_IN; side < PP_SIDES; side++) {
		list_for_each_entry(pair, &peer->pairs, in_peer) {
			lk->narrow = pp_pair_narrow(pair);
			pp_look_side(lk, pair, side);
		}
	}
	lk->unjudgeable |= pp_peer_refused(lk->pn, peer);
	peer->read = lk->t0;
}

/**
 * pp_peer_look() - look at a peer, say what is to be said, and when again
 * @pn: the namespace; the caller is its worker
 * @peer: the peer
 */
void pp_peer_look(struct pp_net *pn, struct pp_peer *peer)
{
	struct pp_look lk;

	pp_look_begin(&lk, pn, true);
	lk.confirm = peer->state == PREFPEER_STATE_ACTIVE &&
		     pp_judge_idle(lk.t0, peer->use.last, peer->t);
	pp_peer_read(&lk, peer);
	pp_peer_judge(&lk, peer);
	pp_peer_arm(pn, peer, !lk.unjudgeable);
}

/**
 * pp_peer_refresh() - read the counters of a peer now, for a request
 * @pn: the namespace
 * @peer: the peer
 *
 * Verdicts are the worker's; what has moved is told of all the same.
 */
void pp_peer_refresh(struct pp_net *pn, struct pp_peer *peer)
{
	struct pp_look lk;

	pp_look_begin(&lk, pn, false);
	pp_peer_read(&lk, peer);
}

/**
 * pp_peer_dirty() - the pairs of a peer, or what they want, have changed
 * @pn: the namespace
 * @peer: the peer
 */
void pp_peer_dirty(struct pp_net *pn, struct pp_peer *peer)
{
	lockdep_assert_held(&pn->mutex);
	if (list_empty(&peer->dirty))
		list_add_tail(&peer->dirty, &pn->dirty_peers);
}

static u64 pp_pair_oneway(const struct pp_pair *pair)
{
	return pair->meta ? pp_ms_to_ns(pair->meta->one_way) : 0;
}

static void pp_peer_sum(struct pp_net *pn, struct pp_peer *peer)
{
	u64 now = ktime_get_boottime_ns(), t = 0, w = 0;
	const struct pp_pair *pair;
	bool none = false;

	list_for_each_entry(pair, &peer->pairs, in_peer) {
		none |= !pp_pair_time(pair);
		t = max(t, pp_pair_time(pair));
		w = min_not_zero(w, pp_pair_oneway(pair));
	}
	peer->t = none ? 0 : t;
	peer->w = w;
	if (!pp_judge_idle(now, peer->use.last, peer->t))
		peer->state = PREFPEER_STATE_ACTIVE;
	list_del_init(&peer->dirty);
	pp_peer_arm(pn, peer, true);
}

/**
 * pp_peer_dirty_step() - bring some peers up to date
 * @pn: the namespace; the caller is its worker
 *
 * Return: whether there were any.
 */
bool pp_peer_dirty_step(struct pp_net *pn)
{
	int end = pn->budget - PP_SHARE;
	struct pp_peer *peer;
	bool work = false;

	while (pn->budget > end && !list_empty(&pn->dirty_peers)) {
		peer = list_first_entry(&pn->dirty_peers, struct pp_peer,
					dirty);
		pp_peer_sum(pn, peer);
		pn->budget -= peer->n_pairs;
		work = true;
		pp_pause(pn);
	}
	return work;
}

/**
 * pp_peer_speaker() - the pair whose metadata is told as the peer's
 * @peer: the peer, with at least one pair
 *
 * Return: the one with the smallest one-way limit, else the first.
 */
const struct pp_pair *pp_peer_speaker(const struct pp_peer *peer)
{
	const struct pp_pair *pair, *best;

	best = list_first_entry(&peer->pairs, struct pp_pair, in_peer);
	list_for_each_entry(pair, &peer->pairs, in_peer) {
		u64 w = pp_pair_oneway(pair), b = pp_pair_oneway(best);

		if (w && (!b || w < b))
			best = pair;
	}
	return best;
}
