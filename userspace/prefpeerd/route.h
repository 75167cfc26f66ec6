/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which local address speaks to a peer (semantics.md §4.1): `local-address`
 * where set, else the source of the route to it, if the route's interface
 * carries the map. Follows addresses, links and routes by rtnetlink.
 */
#ifndef PREFPEERD_ROUTE_H
#define PREFPEERD_ROUTE_H

#include <event2/event.h>

#include "lib/timer.h"
#include "prefpeerd/conf/config.h"
#include "prefpeerd/spd/spd.h"

struct route;

struct route_events {
	/* At once: an address came or went, and source NAT may use it already. */
	void (*addresses)(void *ctx, mono_t now);
	/* Once a burst of changes is over: local addresses may have changed. */
	void (*settled)(void *ctx, mono_t now);
	void *ctx;
};

/* 0 or -errno. */
int route_open(struct event_base *base, const struct timers *timers, const struct route_events *ev,
	       struct route **out);
void route_close(struct route *r);
struct rt_nl *route_nl(struct route *r);
/*
 * The address for @peer of map @m. 0; -ENETUNREACH and the like: no route; -ENODEV: the
 * route leaves through an interface without the map, or local-address names none;
 * -EADDRNOTAVAIL: no usable address; else netlink failed. @peer without an address (a
 * name that is not resolved yet): any address of the interfaces that carry the map.
 * @why (at least 160 bytes) gets a sentence on failure.
 */
int route_local_addr(struct route *r, const struct map *m, const struct addr *peer,
		     struct addr *out, char *why, size_t size);
/* False for a sentence that was said within the last minute: every look at a route has one. */
bool route_is_news(struct route *r, const char *why);
/* The interfaces that carry a map of @c, with their addresses; free with route_env_free(). */
int route_env(struct route *r, const struct config *c, struct spd_iface **out, unsigned *n);
void route_env_free(struct spd_iface *ifaces, unsigned n);
bool route_env_equal(const struct spd_iface *a, unsigned na, const struct spd_iface *b,
		     unsigned nb);

#endif
