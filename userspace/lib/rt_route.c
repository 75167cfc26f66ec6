// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <string.h>

#include "lib/rt_nl_impl.h"
#include "lib/rt_route.h"

struct via {
	uint16_t family;
	uint8_t addr[16];
};

/* ---- which way --------------------------------------------------------------- */

struct hop {
	struct addr via;
	int oif;
};

static void parse_via(struct nlattr *const *tb, sa_family_t family, struct addr *out)
{
	if (tb[RTA_GATEWAY] && nla_len(tb[RTA_GATEWAY]) >= (family == AF_INET ? 4 : 16))
		addr_from_bytes(family, nla_data(tb[RTA_GATEWAY]), out);
	else if (tb[RTA_VIA] && nla_len(tb[RTA_VIA]) >= 2 + 16)
		addr_from_bytes(AF_INET6, (const uint8_t *)nla_data(tb[RTA_VIA]) + 2, out);
}

static int parse_hop(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[RTA_MAX + 1];
	struct rtmsg *rtm;
	struct hop *hop = arg;

	if (h->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(h, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
		return NL_SKIP;
	rtm = nlmsg_data(h);
	if (rtm->rtm_type != RTN_UNICAST || !tb[RTA_OIF])
		return NL_SKIP;
	hop->oif = (int)nla_get_u32(tb[RTA_OIF]);
	parse_via(tb, rtm->rtm_family, &hop->via);
	return NL_OK;
}

int rt_route_hop(struct rt_nl *rt, const struct addr *dst, struct addr *via, int *oif)
{
	struct rtmsg rtm = { .rtm_family = dst->family, .rtm_dst_len = 8 * addr_len(dst) };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);
	struct hop hop = { .via.family = AF_UNSPEC };
	int err;

	if (!msg)
		return -ENOMEM;
	err = nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO);
	if (!err)
		err = nla_put(msg, RTA_DST, (int)addr_len(dst), dst->bytes);
	err = err ? -ENOMEM : rt_nl_ask(rt, msg, parse_hop, &hop);
	nlmsg_free(msg);
	if (!err && !hop.oif)
		err = -ENETUNREACH;
	if (err)
		return err;
	*via = hop.via;
	*oif = hop.oif;
	return 0;
}

/* ---- putting ------------------------------------------------------------------ */

static int put_via(struct nl_msg *msg, const struct rt_route *r)
{
	struct via via = { .family = AF_INET6 };

	if (!addr_is_set(&r->via))
		return 0;
	if (r->via.family == r->dst.addr.family)
		return nla_put(msg, RTA_GATEWAY, (int)addr_len(&r->via), r->via.bytes);
	memcpy(via.addr, r->via.bytes, sizeof(via.addr));
	return nla_put(msg, RTA_VIA, sizeof(via), &via);
}

static int put_route(struct nl_msg *msg, const struct rt_route *r)
{
	struct rtmsg rtm = {
		.rtm_family = r->dst.addr.family,
		.rtm_dst_len = r->dst.len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RT_PROTO_PREFPEER,
		.rtm_scope = addr_is_set(&r->via) ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST,
	};
	const struct addr *dst = &r->dst.addr;
	int err = nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO);

	if (!err)
		err = nla_put(msg, RTA_DST, (int)addr_len(dst), dst->bytes);
	if (!err && r->metric)
		err = nla_put_u32(msg, RTA_PRIORITY, r->metric);
	if (!err)
		err = nla_put_u32(msg, RTA_OIF, (uint32_t)r->oif);
	return err ? err : put_via(msg, r);
}

static int nothing(struct nl_msg *msg, void *arg)
{
	return NL_OK;
}

static int request(struct rt_nl *rt, int type, int flags, const struct rt_route *r)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags);
	int err;

	if (!msg)
		return -ENOMEM;
	err = put_route(msg, r) ? -ENOMEM : rt_nl_ask(rt, msg, nothing, NULL);
	nlmsg_free(msg);
	return err;
}

int rt_route_put(struct rt_nl *rt, const struct rt_route *r, bool replace)
{
	return request(rt, RTM_NEWROUTE, NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL), r);
}

int rt_route_del(struct rt_nl *rt, const struct rt_route *r)
{
	return request(rt, RTM_DELROUTE, 0, r);
}

/* ---- those that are there ------------------------------------------------------- */

struct walk {
	rt_route_fn fn;
	void *ctx;
	int err;
};

static int parse_route(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[RTA_MAX + 1];
	struct rt_route r = { .via.family = AF_UNSPEC };
	struct walk *w = arg;
	struct rtmsg *rtm;

	if (h->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(h, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
		return NL_SKIP;
	rtm = nlmsg_data(h);
	if (rtm->rtm_protocol != RT_PROTO_PREFPEER || rtm->rtm_table != RT_TABLE_MAIN ||
	    !tb[RTA_DST] || nla_len(tb[RTA_DST]) < (rtm->rtm_family == AF_INET ? 4 : 16) ||
	    addr_from_bytes(rtm->rtm_family, nla_data(tb[RTA_DST]), &r.dst.addr))
		return NL_SKIP;
	r.dst.len = rtm->rtm_dst_len;
	r.metric = tb[RTA_PRIORITY] ? nla_get_u32(tb[RTA_PRIORITY]) : 0;
	r.oif = tb[RTA_OIF] ? (int)nla_get_u32(tb[RTA_OIF]) : 0;
	parse_via(tb, rtm->rtm_family, &r.via);
	if (!w->err)
		w->err = w->fn(w->ctx, &r);
	return NL_OK;
}

static int dump_family(struct rt_nl *rt, sa_family_t family, struct walk *w)
{
	struct rtmsg rtm = { .rtm_family = family };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP);
	int err;

	if (!msg)
		return -ENOMEM;
	err = nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO) ? -ENOMEM :
		      rt_nl_ask(rt, msg, parse_route, w);
	nlmsg_free(msg);
	return err ? err : w->err;
}

int rt_route_dump(struct rt_nl *rt, rt_route_fn fn, void *ctx)
{
	struct walk w = { .fn = fn, .ctx = ctx };
	int err = dump_family(rt, AF_INET, &w);

	return err ? err : dump_family(rt, AF_INET6, &w);
}
