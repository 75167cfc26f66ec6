// SPDX-License-Identifier: GPL-2.0
/* One way to fill in an object, for answers, dumps and events alike. */

#include "prefpeer.h"

static int pp_put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, PREFPEER_A_PAD);
}

/* An instant that never was is left out. */
static int pp_put_when(struct sk_buff *skb, int attr, u64 when)
{
	return when ? pp_put_u64(skb, attr, when) : 0;
}

static int pp_put_use(struct sk_buff *skb, struct pp_use use)
{
	return pp_put_u64(skb, PREFPEER_A_LAST_USE, use.last) ||
	       nla_put_u32(skb, PREFPEER_A_SLACK, pp_slack_ms(use.slack));
}

/* The IPv6 attribute follows that for IPv4. */
static int pp_put_addr(struct sk_buff *skb, int attr4,
		       const xfrm_address_t *addr, u16 family)
{
	if (family == AF_INET)
		return nla_put_in_addr(skb, attr4, addr->a4);
	return nla_put_in6_addr(skb, attr4 + 1, &addr->in6);
}

static int pp_put_ends(struct sk_buff *skb, const xfrm_address_t *low,
		       const xfrm_address_t *high, u16 family, u8 local)
{
	return pp_put_addr(skb, PREFPEER_A_LOCAL_IPV4,
			   pp_addr_local(low, high, local), family) ||
	       pp_put_addr(skb, PREFPEER_A_REMOTE_IPV4,
			   pp_addr_remote(low, high, local), family);
}

static int pp_put_source(struct sk_buff *skb, const struct pp_rule *rule,
			 const struct pp_meta *own)
{
	u8 source = PREFPEER_SOURCE_NONE;

	if (own)
		source = PREFPEER_SOURCE_SA;
	else if (rule)
		source = PREFPEER_SOURCE_RULE;
	return (source == PREFPEER_SOURCE_RULE &&
		nla_put_u32(skb, PREFPEER_A_RULE_ID, rule->id)) ||
	       nla_put_u8(skb, PREFPEER_A_SOURCE, source);
}

static int pp_put_mark(struct sk_buff *skb, const struct xfrm_mark *mark)
{
	return nla_put_u32(skb, PREFPEER_A_MARK, mark->v) ||
	       nla_put_u32(skb, PREFPEER_A_MARK_MASK, mark->m);
}

/* What the core knows of an SA. */
static int pp_fill_x(struct sk_buff *skb, const struct pp_sa *sa)
{
	struct xfrm_state *x = sa->x;
	u16 family = x->props.family;
	u32 if_id = READ_ONCE(x->if_id);

	return pp_put_addr(skb, PREFPEER_A_SRC_IPV4, &x->props.saddr,
			   family) ||
	       pp_put_addr(skb, PREFPEER_A_DST_IPV4, &x->id.daddr, family) ||
	       nla_put_be32(skb, PREFPEER_A_SPI, x->id.spi) ||
	       nla_put_u8(skb, PREFPEER_A_PROTO, x->id.proto) ||
	       (x->mark.m && pp_put_mark(skb, &x->mark)) ||
	       (if_id && nla_put_u32(skb, PREFPEER_A_IF_ID, if_id)) ||
	       nla_put_u32(skb, PREFPEER_A_REQID, x->props.reqid) ||
	       (x->encap && nla_put_be16(skb, PREFPEER_A_ENCAP_PORT,
					 pp_sa_remote_port(sa))) ||
	       nla_put_u8(skb, PREFPEER_A_MODE, x->props.mode) ||
	       pp_put_u64(skb, PREFPEER_A_PACKETS,
			  READ_ONCE(x->curlft.packets)) ||
	       pp_put_u64(skb, PREFPEER_A_BYTES, READ_ONCE(x->curlft.bytes));
}

static u32 pp_sa_flags(const struct pp_sa *sa)
{
	return sa->flags | (sa->pair->fine ? PREFPEER_FLAG_FINE : 0);
}

/**
 * pp_fill_sa() - add an SA to a message
 * @skb: the message
 * @pn: its namespace
 * @sa: the SA, in a pair
 * @stamp: boottime, ns, of what is told
 *
 * Return: 0 or -EMSGSIZE.
 */
int pp_fill_sa(struct sk_buff *skb, const struct pp_net *pn,
	       const struct pp_sa *sa, u64 stamp)
{
	const struct pp_pair *pair = sa->pair;

	lockdep_assert_held(&pn->mutex);
	if (nla_put_u32(skb, PREFPEER_A_SEQ,
			pn->group[PREFPEER_NLGRP_SA].seq) ||
	    pp_put_u64(skb, PREFPEER_A_STAMP, stamp) ||
	    pp_put_use(skb, sa->use) ||
	    pp_fill_x(skb, sa) ||
	    nla_put_u8(skb, PREFPEER_A_DIR, sa->dir) ||
	    nla_put_u32(skb, PREFPEER_A_SA_ID, sa->id) ||
	    nla_put_u32(skb, PREFPEER_A_PAIR_ID, pair->id) ||
	    (pair->peer &&
	     nla_put_u32(skb, PREFPEER_A_PEER_ID, pair->peer->id)) ||
	    nla_put_u8(skb, PREFPEER_A_STATE, sa->state) ||
	    (sa->reason && nla_put_u8(skb, PREFPEER_A_REASON, sa->reason)) ||
	    pp_put_source(skb, pair->rule, sa->meta) ||
	    nla_put_u32(skb, PREFPEER_A_FLAGS, pp_sa_flags(sa)) ||
	    pp_meta_fill(skb, pp_sa_meta(sa)))
		return -EMSGSIZE;
	return 0;
}

/**
 * pp_fill_pair() - add a pair to a message
 * @skb: the message
 * @pn: its namespace
 * @pair: the pair
 * @reason: enum prefpeer_reason, if it is gone
 * @stamp: boottime, ns, of what is told
 *
 * Return: 0 or -EMSGSIZE.
 */
int pp_fill_pair(struct sk_buff *skb, const struct pp_net *pn,
		 const struct pp_pair *pair, u8 reason, u64 stamp)
{
	const struct pp_pair_key *key = &pair->key;
	const struct pp_peer *peer = pair->peer;

	lockdep_assert_held(&pn->mutex);
	if (nla_put_u32(skb, PREFPEER_A_SEQ,
			pn->group[PREFPEER_NLGRP_PEER].seq) ||
	    pp_put_u64(skb, PREFPEER_A_STAMP, stamp) ||
	    pp_put_use(skb, pair->use) ||
	    pp_put_when(skb, PREFPEER_A_LAST_IN, pair->in.last) ||
	    pp_put_when(skb, PREFPEER_A_LAST_OUT, pair->out.last) ||
	    pp_put_ends(skb, &key->low, &key->high, key->family,
			pair->local) ||
	    nla_put_u32(skb, PREFPEER_A_REQID, key->reqid) ||
	    (peer && peer->key.port &&
	     nla_put_be16(skb, PREFPEER_A_ENCAP_PORT, peer->key.port)) ||
	    nla_put_u32(skb, PREFPEER_A_PAIR_ID, pair->id) ||
	    (peer && nla_put_u32(skb, PREFPEER_A_PEER_ID, peer->id)) ||
	    nla_put_u8(skb, PREFPEER_A_STATE, pair->state) ||
	    (reason && nla_put_u8(skb, PREFPEER_A_REASON, reason)) ||
	    pp_put_source(skb, pair->rule, NULL) ||
	    nla_put_u32(skb, PREFPEER_A_SAS_IN, pp_pair_n_in(pair)) ||
	    nla_put_u32(skb, PREFPEER_A_SAS_OUT, pair->n[PP_SIDE_OUT]) ||
	    nla_put_u32(skb, PREFPEER_A_FLAGS, pp_pair_flags(pair)) ||
	    pp_meta_fill(skb, pair->meta))
		return -EMSGSIZE;
	return 0;
}

struct pp_peer_sum {
	u32 in;
	u32 out;
	u32 flags;
};

/* lastused only if all have it, the others if any has. */
static struct pp_peer_sum pp_peer_sums(const struct pp_peer *peer)
{
	struct pp_peer_sum sum = { .flags = PREFPEER_FLAG_LASTUSED };
	const struct pp_pair *pair;
	u32 flags;

	list_for_each_entry(pair, &peer->pairs, in_peer) {
		sum.in += pp_pair_n_in(pair);
		sum.out += pair->n[PP_SIDE_OUT];
		flags = pp_pair_flags(pair);
		if (!(flags & PREFPEER_FLAG_LASTUSED))
			sum.flags &= ~PREFPEER_FLAG_LASTUSED;
		sum.flags |= flags & (PREFPEER_FLAG_OFFLOAD |
				      PREFPEER_FLAG_UNJUDGEABLE);
	}
	if (peer->timer.fine)
		sum.flags |= PREFPEER_FLAG_FINE;
	return sum;
}

/**
 * pp_fill_peer() - add a peer to a message
 * @skb: the message
 * @pn: its namespace
 * @peer: the peer, with at least one pair
 * @stamp: boottime, ns, of what is told
 *
 * Return: 0 or -EMSGSIZE.
 */
int pp_fill_peer(struct sk_buff *skb, const struct pp_net *pn,
		 const struct pp_peer *peer, u64 stamp)
{
	const struct pp_peer_key *key = &peer->key;
	const struct pp_pair *pair = pp_peer_speaker(peer);
	struct pp_peer_sum sum = pp_peer_sums(peer);

	lockdep_assert_held(&pn->mutex);
	if (nla_put_u32(skb, PREFPEER_A_SEQ,
			pn->group[PREFPEER_NLGRP_PEER].seq) ||
	    pp_put_u64(skb, PREFPEER_A_STAMP, stamp) ||
	    pp_put_use(skb, peer->use) ||
	    pp_put_when(skb, PREFPEER_A_LAST_IN, peer->in.last) ||
	    pp_put_when(skb, PREFPEER_A_LAST_OUT, peer->out.last) ||
	    pp_put_when(skb, PREFPEER_A_HEARD, peer->heard) ||
	    pp_put_ends(skb, &key->low, &key->high, key->family,
			peer->local) ||
	    (key->port &&
	     nla_put_be16(skb, PREFPEER_A_ENCAP_PORT, key->port)) ||
	    nla_put_u32(skb, PREFPEER_A_PEER_ID, peer->id) ||
	    nla_put_u8(skb, PREFPEER_A_STATE, peer->state) ||
	    pp_put_source(skb, pair->rule, NULL) ||
	    nla_put_u32(skb, PREFPEER_A_SAS_IN, sum.in) ||
	    nla_put_u32(skb, PREFPEER_A_SAS_OUT, sum.out) ||
	    nla_put_u32(skb, PREFPEER_A_PAIRS, peer->n_pairs) ||
	    nla_put_u32(skb, PREFPEER_A_REPEAT, peer->oneway.repeat) ||
	    nla_put_u32(skb, PREFPEER_A_FLAGS, sum.flags) ||
	    pp_meta_fill(skb, pair->meta))
		return -EMSGSIZE;
	return 0;
}

static int pp_put_prefix(struct sk_buff *skb, int attr4, int attr_len,
			 const struct pp_prefix *p, u16 family)
{
	return pp_put_addr(skb, attr4, &p->addr, family) ||
	       nla_put_u8(skb, attr_len, p->len);
}

/**
 * pp_fill_rule() - add a rule to a message
 * @skb: the message
 * @pn: its namespace
 * @rule: the rule
 *
 * Return: 0 or -EMSGSIZE.
 */
int pp_fill_rule(struct sk_buff *skb, const struct pp_net *pn,
		 const struct pp_rule *rule)
{
	const struct pp_selector *sel = &rule->sel;
	u8 has = sel->has;

	lockdep_assert_held(&pn->mutex);
	if (nla_put_u32(skb, PREFPEER_A_SEQ,
			pn->group[PREFPEER_NLGRP_RULE].seq) ||
	    ((has & PP_SEL_LOCAL) &&
	     pp_put_prefix(skb, PREFPEER_A_LOCAL_IPV4, PREFPEER_A_LOCAL_LEN,
			   &sel->local, sel->family)) ||
	    pp_put_prefix(skb, PREFPEER_A_REMOTE_IPV4, PREFPEER_A_REMOTE_LEN,
			  &sel->remote, sel->family) ||
	    ((has & PP_SEL_PROTO) &&
	     nla_put_u8(skb, PREFPEER_A_PROTO, sel->proto)) ||
	    ((has & PP_SEL_MARK) && pp_put_mark(skb, &sel->mark)) ||
	    ((has & PP_SEL_IF_ID) &&
	     nla_put_u32(skb, PREFPEER_A_IF_ID, sel->if_id)) ||
	    ((has & PP_SEL_REQID) &&
	     nla_put_u32(skb, PREFPEER_A_REQID, sel->reqid)) ||
	    nla_put_u32(skb, PREFPEER_A_RULE_ID, rule->id) ||
	    pp_meta_fill(skb, rule->meta))
		return -EMSGSIZE;
	return 0;
}

static u64 pp_memory(const struct pp_net *pn)
{
	u64 bytes = 0;

	if (pn->tab)
		bytes += sizeof(*pn->tab) +
			 (PP_SLOTS + PP_SLOTS_FINE) * sizeof(struct hlist_head);
	bytes += (u64)READ_ONCE(pn->n_tracked) * sizeof(struct pp_sa);
	bytes += (u64)pn->pairs_all.n * sizeof(struct pp_pair);
	bytes += (u64)pn->peers_all.n * sizeof(struct pp_peer);
	bytes += (u64)pn->rules_all.n *
		 (sizeof(struct pp_rule) + sizeof(struct pp_meta));
	return bytes;
}

static int pp_put_stat(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, PREFPEER_A_STATS_PAD);
}

static int pp_fill_counts(struct sk_buff *skb, const struct pp_net *pn)
{
	const struct pp_stats *st = &pn->stats;

	return nla_put_u32(skb, PREFPEER_A_STATS_SAS, pn->sas_all.n) ||
	       nla_put_u32(skb, PREFPEER_A_STATS_PAIRS, pn->pairs_all.n) ||
	       nla_put_u32(skb, PREFPEER_A_STATS_PEERS, pn->peers_all.n) ||
	       nla_put_u32(skb, PREFPEER_A_STATS_RULES, pn->rules_all.n) ||
	       pp_put_stat(skb, PREFPEER_A_STATS_UNTRACKED, pn->untracked) ||
	       pp_put_stat(skb, PREFPEER_A_STATS_LOOKS, st->looks) ||
	       pp_put_stat(skb, PREFPEER_A_STATS_READS, st->reads) ||
	       pp_put_stat(skb, PREFPEER_A_STATS_VERDICTS, st->verdicts) ||
	       pp_put_stat(skb, PREFPEER_A_STATS_EVENTS, st->events) ||
	       pp_put_stat(skb, PREFPEER_A_STATS_EVENTS_LOST,
			   st->events_lost) ||
	       pp_put_stat(skb, PREFPEER_A_STATS_RESCANS, st->rescans) ||
	       pp_put_stat(skb, PREFPEER_A_STATS_MEMORY, pp_memory(pn));
}

static int pp_fill_limits(struct sk_buff *skb, const struct pp_net *pn)
{
	const struct pp_group *g = pn->group;

	return nla_put_u32(skb, PREFPEER_A_STATS_LIMIT_SAS,
			   pp_limit_sas(pn)) ||
	       nla_put_u32(skb, PREFPEER_A_STATS_LIMIT_FINE,
			   pp_limit_fine()) ||
	       nla_put_u32(skb, PREFPEER_A_STATS_LIMIT_RULES,
			   pp_limit_rules()) ||
	       nla_put_u32(skb, PREFPEER_A_STATS_TICK,
			   PP_TICK_NS / NSEC_PER_MSEC) ||
	       nla_put_u32(skb, PREFPEER_A_STATS_TICK_FINE,
			   PP_TICK_FINE_NS / NSEC_PER_MSEC) ||
	       nla_put_u32(skb, PREFPEER_A_STATS_SEQ_SA,
			   g[PREFPEER_NLGRP_SA].seq) ||
	       nla_put_u32(skb, PREFPEER_A_STATS_SEQ_PEER,
			   g[PREFPEER_NLGRP_PEER].seq) ||
	       nla_put_u32(skb, PREFPEER_A_STATS_SEQ_RULE,
			   g[PREFPEER_NLGRP_RULE].seq);
}

/**
 * pp_fill_stats() - add the counts of a namespace to a message
 * @skb: the message
 * @pn: the namespace
 *
 * Return: 0 or -EMSGSIZE.
 */
int pp_fill_stats(struct sk_buff *skb, const struct pp_net *pn)
{
	struct nlattr *nest;

	lockdep_assert_held(&pn->mutex);
	nest = nla_nest_start(skb, PREFPEER_A_STATS);
	if (!nest)
		return -EMSGSIZE;
	if (pp_fill_counts(skb, pn) || pp_fill_limits(skb, pn)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}
