// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rt_nl_impl.h"
#include "lib/rt_route.h"

struct rt_nl {
	struct nl_sock *ask, *hear;
	unsigned changed; /* RT_CHANGED_… */
};

static int nl_errno(int err)
{
	switch (-err) {
	case 0:
		return 0;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_OBJ_NOTFOUND:
		return -ESRCH;
	case NLE_DUMP_INTR: /* it changed under the dump: what was told is no one state */
		return -EINTR;
	default:
		return -EIO;
	}
}

/* Routes that we made ourselves are no news; that they went is. */
static bool is_ours(struct nlmsghdr *h)
{
	const struct rtmsg *rtm = nlmsg_data(h);

	return nlmsg_datalen(h) >= (int)sizeof(*rtm) && rtm->rtm_protocol == RT_PROTO_PREFPEER;
}

static int heard(struct nl_msg *msg, void *arg)
{
	struct rt_nl *rt = arg;

	switch (nlmsg_hdr(msg)->nlmsg_type) {
	case RTM_NEWADDR:
	case RTM_DELADDR:
		rt->changed |= RT_CHANGED_ADDRESSES;
		break;
	case RTM_NEWROUTE:
		if (is_ours(nlmsg_hdr(msg)))
			break;
		/* fall through */
	default:
		rt->changed |= RT_CHANGED_OTHER;
	}
	return NL_OK;
}

static int hear_open(struct rt_nl *rt)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				      RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,
				      RTNLGRP_IPV6_RULE };
	int err;

	rt->hear = nl_socket_alloc();
	if (!rt->hear)
		return -ENOMEM;
	nl_socket_disable_seq_check(rt->hear);
	nl_socket_modify_cb(rt->hear, NL_CB_VALID, NL_CB_CUSTOM, heard, rt);
	err = nl_connect(rt->hear, NETLINK_ROUTE);
	for (size_t i = 0; !err && i < sizeof(groups) / sizeof(*groups); i++)
		err = nl_socket_add_membership(rt->hear, groups[i]);
	if (!err)
		err = nl_socket_set_nonblocking(rt->hear);
	return nl_errno(err);
}

int rt_nl_open(struct rt_nl **out)
{
	struct rt_nl *rt = calloc(1, sizeof(*rt));
	int err;

	if (!rt)
		return -ENOMEM;
	rt->ask = nl_socket_alloc();
	err = rt->ask ? nl_errno(nl_connect(rt->ask, NETLINK_ROUTE)) : -ENOMEM;
	/* An acknowledgement behind an answer would meet the next request. */
	if (!err)
		nl_socket_disable_auto_ack(rt->ask);
	if (!err)
		err = hear_open(rt);
	if (err) {
		rt_nl_close(rt);
		return err;
	}
	*out = rt;
	return 0;
}

void rt_nl_close(struct rt_nl *rt)
{
	if (!rt)
		return;
	nl_socket_free(rt->ask);
	nl_socket_free(rt->hear);
	free(rt);
}

int rt_nl_fd(const struct rt_nl *rt)
{
	return nl_socket_get_fd(rt->hear);
}

unsigned rt_nl_drain(struct rt_nl *rt)
{
	int err;

	rt->changed = 0;
	do {
		err = nl_recvmsgs_default(rt->hear);
		/* An overrun may hide any change. */
		if (err == -NLE_NOMEM)
			rt->changed = RT_CHANGED_ADDRESSES | RT_CHANGED_OTHER;
	} while (err >= 0 || err == -NLE_NOMEM);
	return rt->changed;
}

struct route_answer {
	struct addr src;
	int oif;
	bool found;
};

static int route_parse(struct nl_msg *msg, void *arg)
{
	struct route_answer *ans = arg;
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[RTA_MAX + 1];
	struct rtmsg *rtm;

	if (h->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(h, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
		return NL_SKIP;
	rtm = nlmsg_data(h);
	if (rtm->rtm_type != RTN_UNICAST && rtm->rtm_type != RTN_LOCAL)
		return NL_SKIP;
	if (!tb[RTA_OIF])
		return NL_SKIP;
	ans->oif = (int)nla_get_u32(tb[RTA_OIF]);
	if (tb[RTA_PREFSRC] && nla_len(tb[RTA_PREFSRC]) >= (rtm->rtm_family == AF_INET ? 4 : 16))
		ans->found = !addr_from_bytes(rtm->rtm_family, nla_data(tb[RTA_PREFSRC]), &ans->src);
	return NL_OK;
}

/* The kernel's errno itself: libnl has one number for most of them. */
static int refused(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	*(int *)arg = e->error;
	return NL_STOP;
}

int rt_nl_ask(struct rt_nl *rt, struct nl_msg *msg, nl_recvmsg_msg_cb_t fn, void *arg)
{
	struct nl_cb *own = nl_socket_get_cb(rt->ask), *cb = nl_cb_clone(own);
	int err, refusal = 0;

	nl_cb_put(own);
	if (!cb)
		return -ENOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, fn, arg);
	nl_cb_err(cb, NL_CB_CUSTOM, refused, &refusal);
	err = nl_send_auto(rt->ask, msg);
	if (err >= 0)
		err = nl_recvmsgs(rt->ask, cb);
	nl_cb_put(cb);
	if (refusal)
		return refusal;
	return err < 0 ? nl_errno(err) : 0;
}

int rt_nl_route(struct rt_nl *rt, const struct addr *dst, struct addr *src, char ifname[16])
{
	struct rtmsg rtm = { .rtm_family = dst->family, .rtm_dst_len = 8 * addr_len(dst) };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);
	struct route_answer ans = { 0 };
	int err;

	if (!msg)
		return -ENOMEM;
	err = nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO);
	if (!err)
		err = nla_put(msg, RTA_DST, (int)addr_len(dst), dst->bytes);
	err = err ? -ENOMEM : rt_nl_ask(rt, msg, route_parse, &ans);
	nlmsg_free(msg);
	if (err)
		return err;
	if (!ans.oif || !if_indextoname((unsigned)ans.oif, ifname))
		return -ENETUNREACH;
	if (!ans.found)
		return -EADDRNOTAVAIL;
	*src = ans.src;
	return 0;
}

struct addr_walk {
	rt_addr_fn fn;
	void *ctx;
};

static bool addr_usable(const struct rt_addr *a, uint32_t flags)
{
	if (a->net.addr.family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a->net.addr.v6))
		return false;
	return !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) || (flags & IFA_F_OPTIMISTIC);
}

static int addr_parse_msg(struct nl_msg *msg, void *arg)
{
	struct addr_walk *w = arg;
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[IFA_MAX + 1], *at;
	struct rt_addr a = { 0 };
	struct ifaddrmsg *ifa;
	uint32_t flags;

	if (h->nlmsg_type != RTM_NEWADDR || nlmsg_parse(h, sizeof(*ifa), tb, IFA_MAX, NULL) < 0)
		return NL_SKIP;
	ifa = nlmsg_data(h);
	at = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if (!at || nla_len(at) < (ifa->ifa_family == AF_INET ? 4 : 16) ||
	    addr_from_bytes(ifa->ifa_family, nla_data(at), &a.net.addr))
		return NL_SKIP;
	a.net.len = ifa->ifa_prefixlen;
	a.ifindex = (int)ifa->ifa_index;
	if (!if_indextoname(ifa->ifa_index, a.ifname))
		return NL_SKIP;
	flags = tb[IFA_FLAGS] ? nla_get_u32(tb[IFA_FLAGS]) : ifa->ifa_flags;
	a.usable = addr_usable(&a, flags);
	w->fn(w->ctx, &a);
	return NL_OK;
}

int rt_nl_addrs(struct rt_nl *rt, rt_addr_fn fn, void *ctx)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_UNSPEC };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP);
	struct addr_walk w = { fn, ctx };
	int err;

	if (!msg)
		return -ENOMEM;
	err = nlmsg_append(msg, &ifa, sizeof(ifa), NLMSG_ALIGNTO);
	err = err ? -ENOMEM : rt_nl_ask(rt, msg, addr_parse_msg, &w);
	nlmsg_free(msg);
	return err;
}
