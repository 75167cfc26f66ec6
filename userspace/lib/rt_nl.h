/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink, as far as choosing a local address needs it (semantics.md §4.1). */
#ifndef LIB_RT_NL_H
#define LIB_RT_NL_H

#include "lib/addr.h"

struct rt_nl;

/* An interface's address: net.addr keeps its host bits, net.len is its network's. */
struct rt_addr {
	int ifindex;
	char ifname[16];
	struct prefix net;
	bool usable; /* link up; IPv6: not tentative, not failed DAD, not link-local */
};

typedef void (*rt_addr_fn)(void *ctx, const struct rt_addr *a);

/* Two sockets: one asks, one listens. 0 or -errno. */
int rt_nl_open(struct rt_nl **out);
void rt_nl_close(struct rt_nl *rt);
/* The listening socket, non-blocking: addresses, links, routes and rules of both families. */
int rt_nl_fd(const struct rt_nl *rt);
/* What was heard; an overrun of the socket may hide any change, and counts as all of them. */
#define RT_CHANGED_ADDRESSES 1u
#define RT_CHANGED_OTHER 2u /* links, routes, rules */
/* Empties the listening socket; RT_CHANGED_… of what was in it, 0 for nothing. */
unsigned rt_nl_drain(struct rt_nl *rt);
/*
 * The route to @dst: its preferred source and interface. -EADDRNOTAVAIL: the interface has
 * no address to speak from; -ENETUNREACH and what else the kernel says of a route
 * (-EHOSTUNREACH, -EACCES, -EINVAL for the types unreachable, prohibit, blackhole).
 */
int rt_nl_route(struct rt_nl *rt, const struct addr *dst, struct addr *src, char ifname[16]);
/* Every address of every interface, both families. -EINTR: they changed meanwhile, ask again. */
int rt_nl_addrs(struct rt_nl *rt, rt_addr_fn fn, void *ctx);

#endif
