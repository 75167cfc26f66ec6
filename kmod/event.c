// SPDX-License-Identifier: GPL-2.0
/*
 * Events: numbered and built where something is decided, under the mutex;
 * sent by the worker alone, without it, several to a message.
 */

#include "trace.h"

/*
 * Unregistering the family takes its group numbers back while workers may
 * still send, and before registering they are somebody else's.
 */
static DECLARE_RWSEM(pp_send_sem);
static bool pp_send_open;

/**
 * struct pp_event - one event to be built
 * @group: PREFPEER_NLGRP_*
 * @cmd: which
 * @reason: of pair-gone
 * @stamp: boottime, ns
 * @sa: the object, in group sa
 * @pair: the object, of a pair's event
 * @peer: the object, of a peer's event
 * @rule: the object, in group rule
 */
struct pp_event {
	u8 group;
	u8 cmd;
	u8 reason;
	u64 stamp;
	const struct pp_sa *sa;
	const struct pp_pair *pair;
	const struct pp_peer *peer;
	const struct pp_rule *rule;
};

/**
 * pp_event_init() - set the groups of a namespace up
 * @pn: the namespace
 */
void pp_event_init(struct pp_net *pn)
{
	int i;

	for (i = 0; i < PP_GROUPS; i++)
		__skb_queue_head_init(&pn->group[i].full);
}

/**
 * pp_event_purge() - forget what has not been sent
 * @pn: the namespace
 */
void pp_event_purge(struct pp_net *pn)
{
	int i;

	for (i = 0; i < PP_GROUPS; i++) {
		__skb_queue_purge(&pn->group[i].full);
		kfree_skb(pn->group[i].skb);
		pn->group[i].skb = NULL;
	}
}

/**
 * pp_event_open() - the family is registered
 */
void pp_event_open(void)
{
	down_write(&pp_send_sem);
	pp_send_open = true;
	up_write(&pp_send_sem);
}

/**
 * pp_event_close() - the family is about to be unregistered
 */
void pp_event_close(void)
{
	down_write(&pp_send_sem);
	pp_send_open = false;
	up_write(&pp_send_sem);
}

static int pp_event_fill(struct sk_buff *skb, const struct pp_net *pn,
			 const struct pp_event *ev)
{
	if (ev->sa)
		return pp_fill_sa(skb, pn, ev->sa, ev->stamp);
	if (ev->pair)
		return pp_fill_pair(skb, pn, ev->pair, ev->reason, ev->stamp);
	if (ev->peer)
		return pp_fill_peer(skb, pn, ev->peer, ev->stamp);
	return pp_fill_rule(skb, pn, ev->rule);
}

static int pp_event_put(struct pp_net *pn, struct sk_buff *skb,
			const struct pp_event *ev)
{
	void *hdr = genlmsg_put(skb, 0, 0, &pp_family, 0, ev->cmd);

	if (!hdr)
		return -EMSGSIZE;
	if (pp_event_fill(skb, pn, ev)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static int pp_event_build(struct pp_net *pn, const struct pp_event *ev)
{
	struct pp_group *g = &pn->group[ev->group];

	if (g->skb && !pp_event_put(pn, g->skb, ev))
		return 0;
	if (g->skb)
		__skb_queue_tail(&g->full, g->skb);
	g->skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!g->skb)
		return -ENOMEM;
	if (!pp_event_put(pn, g->skb, ev))
		return 0;
	kfree_skb(g->skb);
	g->skb = NULL;
	return -EMSGSIZE;
}

/*
 * It has its number whether anybody hears it or not, and who should have
 * heard it and cannot is told of the loss.
 */
static void pp_event(struct pp_net *pn, const struct pp_event *ev)
{
	struct pp_group *g = &pn->group[ev->group];
	bool lost;

	lockdep_assert_held(&pn->mutex);
	if (READ_ONCE(pn->dying))
		return;
	g->seq++;
	pn->stats.events++;

	down_read(&pp_send_sem);
	lost = pp_send_open &&
	       genl_has_listeners(&pp_family, pn->net, ev->group) &&
	       pp_event_build(pn, ev);
	trace_prefpeer_event(pn, ev->group, ev->cmd, g->seq, lost);
	if (lost) {
		pn->stats.events_lost++;
		genl_set_err(&pp_family, pn->net, 0, ev->group, -ENOBUFS);
	}
	up_read(&pp_send_sem);
}

/**
 * pp_event_sa() - tell of an SA
 * @pn: the namespace
 * @cmd: which event
 * @sa: the SA, in a pair
 * @stamp: boottime, ns
 */
void pp_event_sa(struct pp_net *pn, u8 cmd, const struct pp_sa *sa, u64 stamp)
{
	struct pp_event ev = {
		.group = PREFPEER_NLGRP_SA,
		.cmd = cmd,
		.stamp = stamp,
		.sa = sa,
	};

	pp_event(pn, &ev);
}

/**
 * pp_event_pair() - tell of a pair
 * @pn: the namespace
 * @cmd: which event
 * @pair: the pair
 * @reason: enum prefpeer_reason, if it is gone
 * @stamp: boottime, ns
 */
void pp_event_pair(struct pp_net *pn, u8 cmd, const struct pp_pair *pair,
		   u8 reason, u64 stamp)
{
	struct pp_event ev = {
		.group = PREFPEER_NLGRP_PEER,
		.cmd = cmd,
		.reason = reason,
		.stamp = stamp,
		.pair = pair,
	};

	pp_event(pn, &ev);
}

/**
 * pp_event_peer() - tell of a peer
 * @pn: the namespace
 * @cmd: which event
 * @peer: the peer
 * @stamp: boottime, ns
 */
void pp_event_peer(struct pp_net *pn, u8 cmd, const struct pp_peer *peer,
		   u64 stamp)
{
	struct pp_event ev = {
		.group = PREFPEER_NLGRP_PEER,
		.cmd = cmd,
		.stamp = stamp,
		.peer = peer,
	};

	pp_event(pn, &ev);
}

/**
 * pp_event_rule() - tell of a rule
 * @pn: the namespace
 * @cmd: which event
 * @rule: the rule
 */
void pp_event_rule(struct pp_net *pn, u8 cmd, const struct pp_rule *rule)
{
	struct pp_event ev = {
		.group = PREFPEER_NLGRP_RULE,
		.cmd = cmd,
		.rule = rule,
	};

	pp_event(pn, &ev);
}

/**
 * pp_event_take() - take what is to be sent
 * @pn: the namespace
 * @out: queue per group, initialised here
 * @all: also a message that has room left
 */
void pp_event_take(struct pp_net *pn, struct sk_buff_head *out, bool all)
{
	struct pp_group *g;
	int i;

	lockdep_assert_held(&pn->mutex);
	for (i = 0; i < PP_GROUPS; i++) {
		g = &pn->group[i];
		__skb_queue_head_init(&out[i]);
		skb_queue_splice_init(&g->full, &out[i]);
		if (!all || !g->skb)
			continue;
		__skb_queue_tail(&out[i], g->skb);
		g->skb = NULL;
	}
}

/**
 * pp_event_send() - send it
 * @pn: the namespace, without its mutex: a congested receiver delays the sender
 * @out: from pp_event_take(), empty afterwards
 */
void pp_event_send(struct pp_net *pn, struct sk_buff_head *out)
{
	struct sk_buff *skb;
	int i;

	down_read(&pp_send_sem);
	for (i = 0; i < PP_GROUPS; i++) {
		while (pp_send_open && (skb = __skb_dequeue(&out[i])))
			genlmsg_multicast_netns(&pp_family, pn->net, skb, 0, i,
						GFP_KERNEL);
		__skb_queue_purge(&out[i]);
	}
	up_read(&pp_send_sem);
}
