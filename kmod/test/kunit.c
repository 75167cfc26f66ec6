// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the arithmetic, the wheel, the table of SAs, pairs and peers, and what
 * messages say of them, on a namespace of the test's own.
 *
 * SAs are made up: what the module reads of them is set, and nothing of them is
 * in the SAD. The worker never runs for such a namespace; its steps are called.
 */

#include <kunit/test.h>
#include <linux/netdevice.h>

#include "../prefpeer.h"
#include "tables.h"

/* ---- arithmetic ---- */

static void use_of_a_moved_counter(struct kunit *test)
{
	const struct pp_use_case *c;
	struct pp_use use;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pp_use_cases); i++) {
		c = &pp_use_cases[i];
		use = pp_judge_use(&c->mv);
		KUNIT_EXPECT_EQ_MSG(test, use.last, c->expect.last, "%s",
				    c->desc);
		KUNIT_EXPECT_EQ_MSG(test, use.slack, c->expect.slack, "%s",
				    c->desc);
	}
}

static void periods(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pp_period_cases); i++) {
		KUNIT_EXPECT_EQ(test, pp_judge_period(pp_period_cases[i].t),
				pp_period_cases[i].period);
		KUNIT_EXPECT_EQ(test,
				pp_judge_oneway_period(pp_period_cases[i].t),
				pp_period_cases[i].one_way);
	}
}

static void turns(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pp_turn_cases); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    pp_turn_begin(pp_turn_cases[i].left),
				    pp_turn_cases[i].turn, "%s",
				    pp_turn_cases[i].desc);
}

static struct kunit_case pp_judge_cases[] = {
	KUNIT_CASE(use_of_a_moved_counter),
	KUNIT_CASE(periods),
	KUNIT_CASE(turns),
	{}
};

static struct kunit_suite pp_judge_suite = {
	.name = "prefpeer-judge",
	.test_cases = pp_judge_cases,
};

/* ---- a namespace of its own ---- */

/* Held by the test throughout, as the worker would hold it. */
static int pp_test_init(struct kunit *test)
{
	struct pp_net *pn = kunit_kzalloc(test, sizeof(*pn), GFP_KERNEL);

	if (!pn)
		return -ENOMEM;
	pp_net_setup(pn, &init_net);
	pn->armed = 0; /* never earlier than that: never kicked */
	pn->budget = INT_MAX;
	pn->breath = INT_MIN;
	test->priv = pn;
	mutex_lock(&pn->mutex);
	return pp_table_init(pn);
}

static void pp_test_exit(struct kunit *test)
{
	struct pp_net *pn = test->priv;

	if (!pn)
		return;
	mutex_unlock(&pn->mutex);
	pp_net_empty(pn);
	/* SAs and pairs are freed by RCU */
	rcu_barrier();
	pp_net_free(pn);
}

/* An SA from 10.0.0.@src to 10.0.0.@dst, which the test keeps held. */
static struct xfrm_state *sa_of(struct kunit *test, u8 src, u8 dst, u32 spi,
				u32 reqid)
{
	struct xfrm_state *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, x);
	write_pnet(&x->xs_net, &init_net);
	refcount_set(&x->refcnt, 1);
	spin_lock_init(&x->lock);
	x->props.saddr.a4 = htonl(0x0a000000 | src);
	x->id.daddr.a4 = htonl(0x0a000000 | dst);
	x->props.family = AF_INET;
	x->props.reqid = reqid;
	x->props.mode = XFRM_MODE_TUNNEL;
	x->id.spi = htonl(spi);
	x->id.proto = IPPROTO_ESP;
	x->km.state = XFRM_STATE_VALID;
	return x;
}

static struct pp_sa *find(struct pp_net *pn, u8 dst, u32 spi)
{
	struct pp_filter f = {
		.family = AF_INET,
		.dst.a4 = htonl(0x0a000000 | dst),
		.spi = htonl(spi),
		.proto = IPPROTO_ESP,
	};

	return pp_sa_find(pn, &f);
}

/* Tracked, and in its pair. */
static struct pp_sa *member(struct kunit *test, struct xfrm_state *x)
{
	struct pp_net *pn = test->priv;
	struct pp_sa *sa;

	KUNIT_ASSERT_TRUE(test, pp_sa_track(pn, x));
	KUNIT_ASSERT_TRUE(test, pp_sa_fresh_step(pn));
	sa = find(pn, ntohl(x->id.daddr.a4) & 0xff, ntohl(x->id.spi));
	KUNIT_ASSERT_FALSE(test, IS_ERR(sa));
	return sa;
}

static void lose(struct kunit *test, struct xfrm_state *x)
{
	struct pp_net *pn = test->priv;

	pp_sa_lost(pn, x, PREFPEER_REASON_DELETED);
	KUNIT_EXPECT_TRUE(test, pp_sa_gone_step(pn));
}

/* ---- the wheel ---- */

static const struct {
	const char *desc;
	bool fine;
	u64 in; /* ns from now */
	u64 out; /* it comes at the latest, ns from now; 0 = a tick after @in */
} wheel_cases[] = {
	{ "at once: the next tick", false, 0, 2 * PP_TICK_NS },
	{ "within a tick", false, MS, 2 * PP_TICK_NS },
	{ "a minute", false, 60 * SEC, 0 },
	{ "the longest look", false, PP_LOOK_MAX_NS, 0 },
	{ "beyond a revolution: at its end", false, 86400 * SEC,
	  PP_SLOTS * PP_TICK_NS + PP_TICK_NS },
	{ "fine, at once", true, 0, 2 * PP_TICK_FINE_NS },
	{ "fine, 200 ms", true, 200 * MS, 0 },
	{ "fine, beyond a revolution", true, 5 * SEC,
	  PP_SLOTS_FINE * PP_TICK_FINE_NS + PP_TICK_FINE_NS },
};

static void wheel_is_never_early(struct kunit *test)
{
	struct pp_net *pn = test->priv;
	struct pp_timer tm = {};
	u64 now, when, tick, latest;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wheel_cases); i++) {
		tick = wheel_cases[i].fine ? PP_TICK_FINE_NS : PP_TICK_NS;
		now = ktime_get_boottime_ns();
		pp_timer_set(pn, &tm, wheel_cases[i].fine,
			     now + wheel_cases[i].in);
		when = pp_timer_when(pn, &tm);
		latest = wheel_cases[i].out ? : wheel_cases[i].in + tick;
		if (!wheel_cases[i].out)
			KUNIT_EXPECT_GE_MSG(test, when,
					    now + wheel_cases[i].in, "%s",
					    wheel_cases[i].desc);
		KUNIT_EXPECT_GT_MSG(test, when, now, "%s",
				    wheel_cases[i].desc);
		/* the clock went on while it was set */
		KUNIT_EXPECT_LE_MSG(test, when,
				    ktime_get_boottime_ns() + latest, "%s",
				    wheel_cases[i].desc);
		pp_timer_del(pn, &tm);
		KUNIT_EXPECT_TRUE(test, hlist_unhashed(&tm.node));
	}
	KUNIT_EXPECT_TRUE(test, bitmap_empty(pn->tab->wheel.used, PP_SLOTS));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(pn->tab->wheel_fine.used,
					     PP_SLOTS_FINE));
}

static void wheel_moves_a_timer(struct kunit *test)
{
	struct pp_net *pn = test->priv;
	u64 now = ktime_get_boottime_ns();
	struct pp_timer a = {}, b = {};

	pp_timer_set(pn, &a, false, now + 10 * SEC);
	pp_timer_set(pn, &b, false, now + 10 * SEC);
	pp_timer_set(pn, &a, true, now + 100 * MS);
	KUNIT_EXPECT_FALSE(test, bitmap_empty(pn->tab->wheel.used, PP_SLOTS));
	pp_timer_del(pn, &b);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(pn->tab->wheel.used, PP_SLOTS));
	pp_timer_del(pn, &a);
}

/* ---- SAs ---- */

static void table_of_sas(struct kunit *test)
{
	struct xfrm_state *x = sa_of(test, 1, 2, 0x100, 7);
	struct pp_net *pn = test->priv;
	struct pp_sa *sa = member(test, x);

	KUNIT_EXPECT_PTR_EQ(test, sa->x, x);
	KUNIT_EXPECT_EQ(test, refcount_read(&x->refcnt), 2);
	KUNIT_EXPECT_FALSE_MSG(test, pp_sa_track(pn, x), "tracked twice");
	KUNIT_EXPECT_EQ(test, pn->n_tracked, 1);
	lose(test, x);
	KUNIT_EXPECT_EQ(test, pn->n_tracked, 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&x->refcnt), 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(find(pn, 2, 0x100)), -ESRCH);
}

static void sas_that_are_not_wanted(struct kunit *test)
{
	struct xfrm_state *x = sa_of(test, 1, 2, 0x100, 7);

	KUNIT_EXPECT_TRUE(test, pp_sa_wanted(x));
	x->km.state = XFRM_STATE_ACQ;
	KUNIT_EXPECT_FALSE(test, pp_sa_wanted(x));
	x->km.state = XFRM_STATE_DEAD;
	KUNIT_EXPECT_FALSE(test, pp_sa_wanted(x));
	x->km.state = XFRM_STATE_VALID;
	x->id.proto = IPPROTO_COMP;
	KUNIT_EXPECT_FALSE(test, pp_sa_wanted(x));
	x->id.proto = IPPROTO_AH;
	KUNIT_EXPECT_TRUE(test, pp_sa_wanted(x));
}

/* It died unheard between the event and the table. */
static void dead_before_it_was_tracked(struct kunit *test)
{
	struct xfrm_state *x = sa_of(test, 1, 2, 0x100, 7);
	struct pp_net *pn = test->priv;

	x->km.state = XFRM_STATE_DEAD;
	KUNIT_EXPECT_TRUE(test, pp_sa_track(pn, x));
	KUNIT_EXPECT_EQ(test, pn->n_tracked, 0);
	KUNIT_EXPECT_TRUE(test, pp_sa_gone_step(pn));
	KUNIT_EXPECT_EQ(test, refcount_read(&x->refcnt), 1);
	KUNIT_EXPECT_EQ(test, pn->pairs_all.n, 0);
}

static void same_spi_told_apart_by_mark(struct kunit *test)
{
	struct xfrm_state *a = sa_of(test, 1, 2, 0x100, 7);
	struct xfrm_state *b = sa_of(test, 1, 2, 0x100, 8);
	struct pp_net *pn = test->priv;
	struct pp_filter f = {
		.family = AF_INET,
		.dst.a4 = htonl(0x0a000002),
		.spi = htonl(0x100),
		.proto = IPPROTO_ESP,
	};

	b->mark.v = 1;
	b->mark.m = 0xff;
	member(test, a);
	KUNIT_ASSERT_TRUE(test, pp_sa_track(pn, b));
	KUNIT_ASSERT_TRUE(test, pp_sa_fresh_step(pn));
	KUNIT_EXPECT_EQ(test, PTR_ERR(pp_sa_find(pn, &f)), -ENOTUNIQ);
	f.has = PP_F(MARK);
	f.mark = b->mark;
	KUNIT_EXPECT_PTR_EQ(test, pp_sa_find(pn, &f)->x, b);
}

/* ---- pairs and peers ---- */

static const struct {
	const char *desc;
	u8 src[2], dst[2];
	u32 reqid[2];
	bool one_pair, one_peer;
} pair_cases[] = {
	{ "both directions", { 1, 2 }, { 2, 1 }, { 7, 7 }, true, true },
	{ "two in one direction", { 1, 1 }, { 2, 2 }, { 7, 7 }, true, true },
	{ "two reqids", { 1, 2 }, { 2, 1 }, { 7, 8 }, false, true },
	{ "two gateways", { 1, 1 }, { 2, 3 }, { 7, 7 }, false, false },
};

static void who_is_a_pair(struct kunit *test)
{
	struct pp_net *pn = test->priv;
	struct xfrm_state *x[2];
	struct pp_sa *sa[2];
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(pair_cases); i++) {
		for (k = 0; k < 2; k++) {
			x[k] = sa_of(test, pair_cases[i].src[k],
				     pair_cases[i].dst[k], 0x100 + k,
				     pair_cases[i].reqid[k]);
			sa[k] = member(test, x[k]);
		}
		KUNIT_EXPECT_EQ_MSG(test, sa[0]->pair == sa[1]->pair,
				    pair_cases[i].one_pair, "%s",
				    pair_cases[i].desc);
		KUNIT_EXPECT_EQ_MSG(test,
				    sa[0]->pair->peer == sa[1]->pair->peer,
				    pair_cases[i].one_peer, "%s",
				    pair_cases[i].desc);
		lose(test, x[0]);
		lose(test, x[1]);
		KUNIT_EXPECT_EQ_MSG(test, pn->pairs_all.n, 0, "%s",
				    pair_cases[i].desc);
		KUNIT_EXPECT_EQ_MSG(test, pn->peers_all.n, 0, "%s",
				    pair_cases[i].desc);
	}
}

/* A wildcard names no peer. */
static void alone(struct kunit *test)
{
	struct xfrm_state *x = sa_of(test, 1, 2, 0x100, 7);
	struct pp_sa *sa;

	x->props.saddr.a4 = 0;
	sa = member(test, x);
	KUNIT_EXPECT_PTR_EQ(test, sa->pair->key.alone, x);
	KUNIT_EXPECT_NULL(test, sa->pair->peer);
}

/* A rekeyed SA inherits the clock of its pair. */
static void clock_of_a_pair(struct kunit *test)
{
	struct xfrm_state *x = sa_of(test, 1, 2, 0x100, 7);
	struct pp_sa *sa = member(test, x), *next;
	u64 last = sa->pair->use.last;

	next = member(test, sa_of(test, 1, 2, 0x101, 7));
	KUNIT_EXPECT_PTR_EQ(test, next->pair, sa->pair);
	KUNIT_EXPECT_EQ(test, next->pair->use.last, last);
	lose(test, x);
	KUNIT_EXPECT_EQ(test, next->pair->use.last, last);
}

/* ---- messages ---- */

static void attributes_of_an_sa(struct kunit *test)
{
	struct xfrm_state *x = sa_of(test, 1, 2, 0x12345678, 7);
	struct nlattr *tb[PREFPEER_A_MAX + 1];
	struct pp_net *pn = test->priv;
	struct sk_buff *skb;
	struct pp_sa *sa;

	x->curlft.packets = 3;
	sa = member(test, x);
	skb = nlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, pp_fill_sa(skb, pn, sa, 42), 0);
	KUNIT_ASSERT_EQ(test, nla_parse(tb, PREFPEER_A_MAX,
					(struct nlattr *)skb->data, skb->len,
					NULL, NULL), 0);
	KUNIT_EXPECT_EQ(test, nla_get_be32(tb[PREFPEER_A_SPI]),
			htonl(0x12345678));
	KUNIT_EXPECT_EQ(test, nla_get_in_addr(tb[PREFPEER_A_SRC_IPV4]),
			htonl(0x0a000001));
	KUNIT_EXPECT_EQ(test, nla_get_in_addr(tb[PREFPEER_A_DST_IPV4]),
			htonl(0x0a000002));
	KUNIT_EXPECT_NULL(test, tb[PREFPEER_A_SRC_IPV6]);
	KUNIT_EXPECT_NULL(test, tb[PREFPEER_A_MARK]);
	KUNIT_EXPECT_EQ(test, nla_get_u32(tb[PREFPEER_A_REQID]), 7);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[PREFPEER_A_PACKETS]), 3);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[PREFPEER_A_STAMP]), 42);
	KUNIT_EXPECT_EQ(test, nla_get_u32(tb[PREFPEER_A_SA_ID]), sa->id);
	KUNIT_EXPECT_EQ(test, nla_get_u32(tb[PREFPEER_A_PAIR_ID]),
			sa->pair->id);
	kfree_skb(skb);
}

/* -EMSGSIZE at every length, and never more than there is room for. */
static void attributes_without_room(struct kunit *test)
{
	struct pp_sa *sa = member(test, sa_of(test, 1, 2, 0x100, 7));
	struct pp_net *pn = test->priv;
	struct sk_buff *skb;
	unsigned int room;
	int err = -1;

	for (room = 4; err && room < 1024; room += 4) {
		skb = alloc_skb(room, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, skb);
		/* alloc_skb() rounds up */
		skb_reserve(skb, skb_tailroom(skb) - room);
		err = pp_fill_sa(skb, pn, sa, 42);
		KUNIT_EXPECT_TRUE(test, !err || err == -EMSGSIZE);
		KUNIT_EXPECT_LE(test, skb->len, room);
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_GT(test, room, 100);
}

static struct kunit_case pp_net_cases[] = {
	KUNIT_CASE(wheel_is_never_early),
	KUNIT_CASE(wheel_moves_a_timer),
	KUNIT_CASE(table_of_sas),
	KUNIT_CASE(sas_that_are_not_wanted),
	KUNIT_CASE(dead_before_it_was_tracked),
	KUNIT_CASE(same_spi_told_apart_by_mark),
	KUNIT_CASE(who_is_a_pair),
	KUNIT_CASE(alone),
	KUNIT_CASE(clock_of_a_pair),
	KUNIT_CASE(attributes_of_an_sa),
	KUNIT_CASE(attributes_without_room),
	{}
};

static struct kunit_suite pp_net_suite = {
	.name = "prefpeer-net",
	.init = pp_test_init,
	.exit = pp_test_exit,
	.test_cases = pp_net_cases,
};

kunit_test_suites(&pp_judge_suite, &pp_net_suite);
