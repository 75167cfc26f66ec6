/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes of ours in the main table (semantics.md §4.7). */
#ifndef LIB_RT_ROUTE_H
#define LIB_RT_ROUTE_H

#include "lib/rt_nl.h"

/* By it routes of ours are known, and found again by the next run; `ip route … proto 80`. */
#define RT_PROTO_PREFPEER 80

struct rt_route {
	struct prefix dst;
	uint32_t metric;   /* 0: the lowest; IPv6 takes it for 1024 */
	struct addr via;   /* AF_UNSPEC: on the link itself */
	int oif;
};

/* Which way packets to @dst go: *via (AF_UNSPEC: it is on the link) and *oif. As rt_nl_route(). */
int rt_route_hop(struct rt_nl *rt, const struct addr *dst, struct addr *via, int *oif);
/*
 * New (-EEXIST: somebody has a route to that network with that metric), or in the place of
 * ours, at no moment without one.
 */
int rt_route_put(struct rt_nl *rt, const struct rt_route *r, bool replace);
/* -ESRCH: there was none of ours. */
int rt_route_del(struct rt_nl *rt, const struct rt_route *r);
typedef int (*rt_route_fn)(void *ctx, const struct rt_route *r);
/* Those of ours, both families; @fn: 0, or why the walk ends. */
int rt_route_dump(struct rt_nl *rt, rt_route_fn fn, void *ctx);

#endif
