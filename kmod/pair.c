// SPDX-License-Identifier: GPL-2.0
/*
 * Pairs: all SAs between two addresses with one reqid. Idleness is judged
 * here, in one look over all of them: adding up what each SA says by itself
 * would be early, since each is known only to within its sampling.
 */

#include <linux/jhash.h>
#include <linux/random.h>
#include <net/ipv6.h>

#include "trace.h"

const struct rhashtable_params pp_pairs_params = {
	.key_len		= sizeof(struct pp_pair_key),
	.key_offset		= offsetof(struct pp_pair, key),
	.head_offset		= offsetof(struct pp_pair, node),
	.automatic_shrinking	= true,
};

/* Neither names a peer: it takes no part in anyone else's clock. */
static bool pp_x_alone(const struct xfrm_state *x)
{
	if (x->props.family == AF_INET)
		return !x->props.saddr.a4 ||
		       ipv4_is_multicast(x->id.daddr.a4);
	return ipv6_addr_any(&x->props.saddr.in6) ||
	       ipv6_addr_is_multicast(&x->id.daddr.in6);
}

static void pp_addr_copy(xfrm_address_t *to, const xfrm_address_t *from,
			 u16 family)
{
	/* beside an IPv4 address the union holds whatever it was given */
	memset(to, 0, sizeof(*to));
	if (family == AF_INET)
		to->a4 = from->a4;
	else
		to->in6 = from->in6;
}

static int pp_addr_cmp(const xfrm_address_t *a, const xfrm_address_t *b,
		       u16 family)
{
	if (family == AF_INET)
		return memcmp(&a->a4, &b->a4, sizeof(a->a4));
	return memcmp(&a->in6, &b->in6, sizeof(a->in6));
}

/* 0: from the low address to the high one. */
static int pp_x_way(const struct xfrm_state *x)
{
	return pp_addr_cmp(&x->props.saddr, &x->id.daddr, x->props.family) > 0;
}

/**
 * pp_addrs_sort() - order two addresses
 * @low: result
 * @high: result
 * @a: one
 * @b: the other
 * @family: of both
 */
void pp_addrs_sort(xfrm_address_t *low, xfrm_address_t *high,
		   const xfrm_address_t *a, const xfrm_address_t *b, u16 family)
{
	if (pp_addr_cmp(a, b, family) > 0)
		swap(a, b);
	pp_addr_copy(low, a, family);
	pp_addr_copy(high, b, family);
}

/**
 * pp_pair_key_set() - name a pair
 * @key: result
 * @a: one address
 * @b: the other
 * @family: of both
 * @reqid: its reqid
 */
void pp_pair_key_set(struct pp_pair_key *key, const xfrm_address_t *a,
		     const xfrm_address_t *b, u16 family, u32 reqid)
{
	memset(key, 0, sizeof(*key));
	pp_addrs_sort(&key->low, &key->high, a, b, family);
	key->family = family;
	key->reqid = reqid;
}

/**
 * pp_pair_key_of() - the pair that an SA belongs to
 * @key: result
 * @x: the SA
 */
void pp_pair_key_of(struct pp_pair_key *key, struct xfrm_state *x)
{
	pp_pair_key_set(key, &x->props.saddr, &x->id.daddr, x->props.family,
			x->props.reqid);
	if (pp_x_alone(x))
		key->alone = x;
}

/**
 * pp_pair_refused_bit() - the place of a pair in pp_table.refused
 * @key: the pair
 *
 * Pairs that share one get no verdict either: late, never early.
 */
u32 pp_pair_refused_bit(const struct pp_pair_key *key)
{
	return jhash(key, sizeof(*key), 0) % PP_REFUSED;
}

/**
 * pp_addrs_refused_bit() - the bit that stands for all pairs of two addresses
 * @key: the key of one of them
 */
u32 pp_addrs_refused_bit(const struct pp_pair_key *key)
{
	struct pp_pair_key addrs = *key;

	addrs.reqid = 0;
	/* not the bit of the pair with reqid 0 */
	return jhash(&addrs, sizeof(addrs), 1) % PP_REFUSED;
}

/**
 * pp_pair_find() - the pair of a key
 * @pn: the namespace
 * @key: the key
 */
struct pp_pair *pp_pair_find(struct pp_net *pn, const struct pp_pair_key *key)
{
	lockdep_assert_held(&pn->mutex);
	return rhashtable_lookup_fast(&pn->tab->pairs, key, pp_pairs_params);
}

/**
 * pp_pair_n() - SAs of a pair, gone ones included
 * @pair: the pair
 */
u32 pp_pair_n(const struct pp_pair *pair)
{
	return pair->n[PP_SIDE_IN] + pair->n[PP_SIDE_OUT];
}

/**
 * pp_pair_n_in() - SAs of a pair that are known to be inbound
 * @pair: the pair
 */
u32 pp_pair_n_in(const struct pp_pair *pair)
{
	return pair->n[PP_SIDE_IN] - pair->n_unknown;
}

/**
 * pp_pair_time() - idle time of a pair
 * @pair: the pair
 *
 * Return: ns, 0 for none.
 */
u64 pp_pair_time(const struct pp_pair *pair)
{
	return pair->meta ? pp_ms_to_ns(pair->meta->idle_time) : 0;
}

/* The smallest time that anything in it has to be judged by. */
static u64 pp_pair_time_min(const struct pp_pair *pair)
{
	u64 t = pp_pair_time(pair);

	return t ? min_not_zero(t, pair->sa_time) : pair->sa_time;
}

static bool pp_pair_one_sided(const struct pp_pair *pair)
{
	return !pair->n_way[0] || !pair->n_way[1];
}

/**
 * pp_pair_flags() - what is to be told of a pair
 * @pair: the pair
 *
 * Return: enum prefpeer_flag.
 */
u32 pp_pair_flags(const struct pp_pair *pair)
{
	u32 flags = pair->flags;

	if (pp_pair_one_sided(pair))
		flags |= PREFPEER_FLAG_ONE_SIDED;
	if (pair->fine)
		flags |= PREFPEER_FLAG_FINE;
	return flags;
}

/* Put its next look into the wheel that its times are for. */
static void pp_pair_arm(struct pp_net *pn, struct pp_pair *pair, u64 when)
{
	u64 t = pp_pair_time_min(pair);
	bool fine = t && t < NSEC_PER_SEC;

	if (fine && !pair->fine && pn->n_fine >= pp_limit_fine()) {
		fine = false;
		/* from its last look on, lest what comes often puts it off */
		when = max(when, pair->read + NSEC_PER_SEC);
	}
	if (fine != pair->fine) {
		pair->fine = fine;
		pn->n_fine += fine ? 1 : -1;
	}
	pp_timer_set(pn, &pair->timer, fine, when);
}

static u64 pp_pair_due(const struct pp_pair *pair)
{
	u64 t = pp_pair_time(pair);

	if (!t || pair->state != PREFPEER_STATE_ACTIVE ||
	    (pair->flags & PREFPEER_FLAG_UNJUDGEABLE))
		return PP_NEVER;
	return pair->use.last + t;
}

/* It has changed: look at it within a sampling period, not all at once. */
static void pp_pair_arm_new(struct pp_net *pn, struct pp_pair *pair)
{
	u64 now = ktime_get_boottime_ns();
	u64 next = pp_judge_next(now, pp_pair_due(pair),
				 pp_pair_time_min(pair), false);
	u32 ms;

	if (!hlist_unhashed(&pair->timer.node) &&
	    pp_timer_when(pn, &pair->timer) <= next)
		return;
	ms = div_u64(next - now, NSEC_PER_MSEC);
	if (ms)
		next = now + pp_ms_to_ns(get_random_u32_below(ms) + 1);
	pp_pair_arm(pn, pair, next);
}

/*
 * Its times may have changed. From its last look on: changes that come often
 * must not put off the next.
 */
static void pp_pair_arm_again(struct pp_net *pn, struct pp_pair *pair)
{
	u64 next = pp_judge_next(pair->read, pp_pair_due(pair),
				 pp_pair_time_min(pair), false);

	pp_pair_arm(pn, pair, next);
}

/**
 * pp_pair_direction() - which way an SA goes, by which end of its pair is ours
 * @pair: the pair, its local end known
 * @x: the SA
 *
 * Return: enum prefpeer_dir.
 */
u8 pp_pair_direction(const struct pp_pair *pair, const struct xfrm_state *x)
{
	bool upward = !pp_x_way(x), low = pair->local == PP_LOCAL_LOW;

	return upward == low ? PREFPEER_DIR_OUT : PREFPEER_DIR_IN;
}

static void pp_pair_orient(struct pp_pair *pair, const struct pp_sa *sa)
{
	int way = pp_x_way(sa->x);

	if (sa->dir == PREFPEER_DIR_UNKNOWN)
		return;
	/* outbound upward, or inbound downward: the low end is ours */
	pair->local = (sa->dir == PREFPEER_DIR_OUT) == !way ? PP_LOCAL_LOW :
							      PP_LOCAL_HIGH;
	if (pair->peer)
		pair->peer->local = pair->local;
}

static void pp_pair_count(struct pp_pair *pair, const struct pp_sa *sa, int n)
{
	pair->n[pp_sa_side(sa)] += n;
	pair->n_way[pp_x_way(sa->x)] += n;
	if (sa->dir == PREFPEER_DIR_UNKNOWN)
		pair->n_unknown += n;
}

/**
 * pp_pair_set_dir() - the direction of a member has become known
 * @pn: the namespace
 * @sa: the SA
 * @dir: enum prefpeer_dir
 */
void pp_pair_set_dir(struct pp_net *pn, struct pp_sa *sa, u8 dir)
{
	struct pp_pair *pair = sa->pair;

	if (dir == sa->dir)
		return;
	pp_pair_count(pair, sa, -1);
	sa->dir = dir;
	pp_pair_count(pair, sa, 1);

	spin_lock_bh(&pn->lock);
	if (sa->where == PP_SA_MEMBER)
		list_move_tail(&sa->list, &pair->members[pp_sa_side(sa)]);
	spin_unlock_bh(&pn->lock);

	pp_pair_orient(pair, sa);
	pp_pair_dirty(pn, pair);
}

static bool pp_pair_set_rule(struct pp_pair *pair, struct pp_rule *rule)
{
	struct pp_meta *meta = rule ? rule->meta : NULL;
	struct pp_rule *old_rule = pair->rule;
	struct pp_meta *old_meta = pair->meta;

	if (rule == old_rule && meta == old_meta)
		return false;
	if (rule)
		refcount_inc(&rule->ref);
	pair->rule = rule;
	pair->meta = pp_meta_get(meta);
	pp_rule_put(old_rule);
	pp_meta_put(old_meta);
	return true;
}

static struct pp_pair *pp_pair_alloc(const struct pp_pair_key *key)
{
	struct pp_pair *pair = kmem_cache_zalloc(pp_pair_cache, GFP_KERNEL);

	if (!pair)
		return NULL;
	pair->key = *key;
	INIT_LIST_HEAD(&pair->members[PP_SIDE_IN]);
	INIT_LIST_HEAD(&pair->members[PP_SIDE_OUT]);
	INIT_LIST_HEAD(&pair->in_peer);
	INIT_LIST_HEAD(&pair->dirty);
	pair->timer.kind = PP_TIMER_PAIR;
	return pair;
}

/* The pair of its first SA: its clock starts at that one's insertion. */
static struct pp_pair *pp_pair_new(struct pp_net *pn,
				   const struct pp_pair_key *key,
				   struct pp_sa *sa)
{
	struct pp_pair *pair = pp_pair_alloc(key);
	int err = -ENOMEM;

	if (!pair)
		return ERR_PTR(err);
	pair->use.last = sa->read;
	pair->read = sa->read;
	pair->verdict = sa->read;
	pair->newest = sa->x->curlft.add_time;
	pp_pair_orient(pair, sa);

	err = pp_id_new(&pn->pairs_all, pair, &pair->id);
	if (err)
		goto free;
	err = rhashtable_insert_fast(&pn->tab->pairs, &pair->node,
				     pp_pairs_params);
	if (err)
		goto id;
	if (!key->alone)
		err = pp_peer_join(pn, pair, pp_sa_remote_port(sa));
	if (err)
		goto table;
	return pair;

table:
	rhashtable_remove_fast(&pn->tab->pairs, &pair->node, pp_pairs_params);
id:
	pp_id_del(&pn->pairs_all, pair->id);
free:
	kmem_cache_free(pp_pair_cache, pair);
	return ERR_PTR(err);
}

static void pp_pair_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(pp_pair_cache, container_of(rcu, struct pp_pair, rcu));
}

static void pp_pair_free(struct pp_net *pn, struct pp_pair *pair)
{
	pp_timer_del(pn, &pair->timer);
	list_del(&pair->dirty);
	if (pair->peer)
		pp_peer_leave(pn, pair);
	if (pair->fine)
		pn->n_fine--;
	pp_pair_set_rule(pair, NULL);
	rhashtable_remove_fast(&pn->tab->pairs, &pair->node, pp_pairs_params);
	pp_id_del(&pn->pairs_all, pair->id);
	call_rcu(&pair->rcu, pp_pair_free_rcu);
}

/* An SA that comes with a count has moved, at an instant that nobody saw. */
static void pp_pair_baseline(struct pp_net *pn, struct pp_sa *sa)
{
	struct pp_move mv = { .now = sa->read };

	if (sa->packets)
		pp_pair_moved(pn, sa, &mv);
}

/**
 * pp_pair_join() - put an SA into its pair, which may be new
 * @pn: the namespace
 * @sa: the SA
 *
 * The clock of a pair that exists is not touched: a rekeyed SA inherits it.
 *
 * Return: 0 or -errno.
 */
int pp_pair_join(struct pp_net *pn, struct pp_sa *sa)
{
	struct pp_pair_key key;
	struct pp_pair *pair;
	struct pp_rule *rule;

	pp_pair_key_of(&key, sa->x);
	pair = pp_pair_find(pn, &key);
	sa->dir = pp_sa_direction(sa, pair, false);
	if (!pair)
		pair = pp_pair_new(pn, &key, sa);
	else
		pp_pair_orient(pair, sa);
	if (IS_ERR(pair))
		return PTR_ERR(pair);

	sa->pair = pair;
	pp_pair_count(pair, sa, 1);
	rule = pp_rule_best(pn, sa->x, sa->dir);
	if (pp_rule_better(rule, pair->rule) &&
	    pp_pair_set_rule(pair, rule) && pair->peer)
		pp_peer_dirty(pn, pair->peer);
	if (pair->peer && pair->peer->key.port != pp_sa_remote_port(sa))
		pp_pair_dirty(pn, pair);
	else
		pair->newest = max_t(u64, pair->newest,
				     sa->x->curlft.add_time);
	pp_pair_baseline(pn, sa);
	pp_pair_arm_new(pn, pair);
	return 0;
}

/* Did it decide anything that the others of its pair now decide? */
static bool pp_pair_depended(const struct pp_pair *pair,
			     const struct pp_sa *sa)
{
	const u8 own = PP_SEL_IF_ID | PP_SEL_MARK | PP_SEL_PROTO;

	return sa->meta || sa->x->curlft.add_time >= pair->newest ||
	       (pair->rule && (pair->rule->sel.has & own));
}

/**
 * pp_pair_leave() - take an SA out of its pair, which may end with it
 * @pn: the namespace
 * @sa: the SA, on no list any more
 */
void pp_pair_leave(struct pp_net *pn, struct pp_sa *sa)
{
	struct pp_pair *pair = sa->pair;

	sa->pair = NULL;
	pp_pair_count(pair, sa, -1);
	if (!pp_pair_n(pair)) {
		pp_event_pair(pn, PREFPEER_CMD_PAIR_GONE_NTF, pair, sa->reason,
			      ktime_get_boottime_ns());
		pp_pair_free(pn, pair);
		return;
	}
	if (pp_pair_depended(pair, sa))
		pp_pair_dirty(pn, pair);
}

static void pp_pair_set_state(struct pp_net *pn, struct pp_pair *pair,
			      u8 state, u64 stamp)
{
	u8 cmd = state == PREFPEER_STATE_IDLE ? PREFPEER_CMD_PAIR_IDLE_NTF :
						PREFPEER_CMD_PAIR_ACTIVE_NTF;

	pair->state = state;
	pair->verdict = stamp;
	pp_event_pair(pn, cmd, pair, PREFPEER_REASON_NONE, stamp);
}

/**
 * pp_pair_moved() - an SA of a pair has moved
 * @pn: the namespace
 * @sa: the SA, its use up to date
 * @mv: how
 */
void pp_pair_moved(struct pp_net *pn, struct pp_sa *sa,
		   const struct pp_move *mv)
{
	struct pp_pair *pair = sa->pair;

	pp_use_max(&pair->use, sa->use);
	if (sa->dir == PREFPEER_DIR_IN)
		pp_use_max(&pair->in, sa->use);
	else if (sa->dir == PREFPEER_DIR_OUT)
		pp_use_max(&pair->out, sa->use);
	if (pair->state == PREFPEER_STATE_IDLE)
		pp_pair_set_state(pn, pair, PREFPEER_STATE_ACTIVE, mv->now);
	if (pair->peer)
		pp_peer_moved(pn, sa, mv);
}

/*
 * Under x->lock nothing is counted: what has not moved since the verdict does
 * not move any more. False if it has.
 */
static bool pp_sa_expire(struct pp_sa *sa)
{
	struct xfrm_state *x = sa->x;
	bool still;

	spin_lock_bh(&x->lock);
	still = x->curlft.packets == sa->packets;
	if (still && x->km.state == XFRM_STATE_VALID) {
		km_state_expired(x, 1, 0);
		__xfrm_state_delete(x);
	}
	spin_unlock_bh(&x->lock);
	return still;
}

static bool pp_pair_expire_side(struct pp_net *pn, struct pp_pair *pair,
				enum pp_side side, u32 nr)
{
	struct pp_sa *sas[PP_BATCH];
	unsigned int i, n;

	while ((n = pp_look_members(pn, pair, side, nr, sas))) {
		for (i = 0; i < n; i++)
			if (!pp_sa_expire(sas[i]))
				return false;
		cond_resched();
	}
	return true;
}

/* Outbound first: then what comes meanwhile is still understood. */
static void pp_pair_expire(struct pp_net *pn, struct pp_pair *pair)
{
	u32 nr = ++pn->look;

	if (!(pair->meta->flags & PREFPEER_META_FLAG_EXPIRE) ||
	    pp_pair_one_sided(pair))
		return;
	if (pp_pair_expire_side(pn, pair, PP_SIDE_OUT, nr))
		pp_pair_expire_side(pn, pair, PP_SIDE_IN, nr);
}

static void pp_pair_judge(struct pp_look *lk, struct pp_pair *pair)
{
	struct pp_net *pn = lk->pn;
	bool idle = pp_judge_idle(lk->t0, pair->use.last, pp_pair_time(pair));

	if (pair->state == PREFPEER_STATE_IDLE) {
		/* it has not moved, so the time was changed */
		if (!idle)
			pp_pair_set_state(pn, pair, PREFPEER_STATE_ACTIVE,
					  lk->t0);
		return;
	}
	if (!idle || !lk->confirm || lk->moved || lk->unjudgeable ||
	    !pp_look_complete(lk, pair))
		return;
	pn->stats.verdicts++;
	trace_prefpeer_verdict(pn, PREFPEER_CMD_PAIR_IDLE_NTF, pair->id,
			       lk->t0, pair->use.last);
	pp_pair_set_state(pn, pair, PREFPEER_STATE_IDLE, lk->t0);
	pp_pair_expire(pn, pair);
}

static void pp_pair_note(const struct pp_look *lk, struct pp_pair *pair)
{
	u8 flags = 0;

	if (lk->lastused && !lk->lastused_no)
		flags |= PREFPEER_FLAG_LASTUSED;
	if (lk->offload)
		flags |= PREFPEER_FLAG_OFFLOAD;
	if (lk->unjudgeable ||
	    pp_look_refused(lk->pn, pp_pair_refused_bit(&pair->key)))
		flags |= PREFPEER_FLAG_UNJUDGEABLE;
	pair->flags = flags;
	pair->read = lk->t0;
}

/**
 * pp_pair_narrow() - is lastused worth its lock?
 * @pair: the pair
 *
 * Return: true unless something in it is judged by less than lastused tells.
 */
bool pp_pair_narrow(const struct pp_pair *pair)
{
	u64 t = pp_pair_time_min(pair);

	return !t || t >= PP_LASTUSED_MIN_NS;
}

static void pp_pair_read(struct pp_look *lk, struct pp_pair *pair)
{
	lk->narrow = pp_pair_narrow(pair);
	pp_look_side(lk, pair, PP_SIDE_IN);
	pp_look_side(lk, pair, PP_SIDE_OUT);
	pp_pair_note(lk, pair);
}

/**
 * pp_pair_refresh() - read the counters of a pair now, for a request
 * @pn: the namespace
 * @pair: the pair
 *
 * Verdicts are the worker's; what has moved is told of all the same.
 */
void pp_pair_refresh(struct pp_net *pn, struct pp_pair *pair)
{
	struct pp_look lk;

	pp_look_begin(&lk, pn, false);
	pp_pair_read(&lk, pair);
}

/**
 * pp_pair_look() - look at a pair, say what is to be said, and when again
 * @pn: the namespace; the caller is its worker
 * @pair: the pair
 */
void pp_pair_look(struct pp_net *pn, struct pp_pair *pair)
{
	u64 t = pp_pair_time(pair);
	struct pp_look lk;
	bool exact;
	u8 known;
	u64 now;

	pp_look_begin(&lk, pn, true);
	lk.confirm = pair->state == PREFPEER_STATE_ACTIVE &&
		     pp_judge_idle(lk.t0, pair->use.last, t);
	pp_pair_read(&lk, pair);
	trace_prefpeer_look(pn, pair, lk.t0, lk.moved);
	pp_pair_judge(&lk, pair);

	/* what is idle is sampled, to tell when it moves */
	known = pair->flags & (PREFPEER_FLAG_LASTUSED |
			       PREFPEER_FLAG_UNJUDGEABLE);
	exact = known == PREFPEER_FLAG_LASTUSED && !lk.idle &&
		pair->state == PREFPEER_STATE_ACTIVE;
	now = ktime_get_boottime_ns();
	pp_pair_arm(pn, pair,
		    pp_judge_next(now, min(lk.due, pp_pair_due(pair)),
				  pp_pair_time_min(pair), exact));
}

/**
 * pp_pair_dirty() - a pair depends on something that has changed
 * @pn: the namespace
 * @pair: the pair
 */
void pp_pair_dirty(struct pp_net *pn, struct pp_pair *pair)
{
	lockdep_assert_held(&pn->mutex);
	if (list_empty(&pair->dirty))
		list_add_tail(&pair->dirty, &pn->dirty_pairs);
}

/**
 * struct pp_again - what a pair takes from its members
 * @rule: the best rule of any
 * @sa_time: the smallest idle time that sa-set gave, ns
 * @newest: add_time of the newest
 * @port: its remote port
 * @n: members seen
 */
struct pp_again {
	struct pp_rule *rule;
	u64 sa_time;
	u64 newest;
	__be16 port;
	unsigned int n;
};

static void pp_pair_again_sa(struct pp_net *pn, struct pp_again *again,
			     struct pp_sa *sa)
{
	struct pp_rule *rule;
	u64 t;

	if (sa->dir == PREFPEER_DIR_UNKNOWN)
		pp_pair_set_dir(pn, sa, pp_sa_direction(sa, sa->pair, false));
	rule = pp_rule_best(pn, sa->x, sa->dir);
	if (pp_rule_better(rule, again->rule))
		again->rule = rule;
	t = sa->meta ? pp_ms_to_ns(sa->meta->idle_time) : 0;
	again->sa_time = min_not_zero(again->sa_time, t);
	if (!again->n || sa->x->curlft.add_time >= again->newest) {
		again->newest = sa->x->curlft.add_time;
		again->port = pp_sa_remote_port(sa);
	}
	again->n++;
}

/**
 * pp_pair_match_again() - take anew what a pair takes from rules and members
 * @pn: the namespace; the caller is its worker
 * @pair: the pair
 */
void pp_pair_match_again(struct pp_net *pn, struct pp_pair *pair)
{
	struct pp_sa *sas[PP_BATCH];
	struct pp_again again = {};
	u32 nr = ++pn->look;
	unsigned int i, n;
	int side;

	for (side = PP_SIDE_IN; side < PP_SIDES; side++) {
		while ((n = pp_look_members(pn, pair, side, nr, sas))) {
			for (i = 0; i < n; i++)
				pp_pair_again_sa(pn, &again, sas[i]);
			cond_resched();
		}
	}
	pn->budget -= again.n + 1;
	list_del_init(&pair->dirty);
	if (!again.n)
		return;

	pair->newest = again.newest;
	pair->sa_time = again.sa_time;
	if (pp_pair_set_rule(pair, again.rule) && pair->peer)
		pp_peer_dirty(pn, pair->peer);
	if (!pair->key.alone &&
	    (!pair->peer || pair->peer->key.port != again.port)) {
		if (pair->peer)
			pp_peer_leave(pn, pair);
		if (pp_peer_join(pn, pair, again.port))
			pp_pair_dirty(pn, pair);
	}
	pp_pair_arm_again(pn, pair);
}

/**
 * pp_pair_dirty_step() - bring some pairs up to date
 * @pn: the namespace; the caller is its worker
 *
 * Return: whether there were any.
 */
bool pp_pair_dirty_step(struct pp_net *pn)
{
	int end = pn->budget - PP_SHARE;
	struct pp_pair *pair;
	bool work = false;

	while (pn->budget > end && !list_empty(&pn->dirty_pairs)) {
		pair = list_first_entry(&pn->dirty_pairs, struct pp_pair,
					dirty);
		pp_pair_match_again(pn, pair);
		work = true;
		pp_pause(pn);
	}
	return work;
}
