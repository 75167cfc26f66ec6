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
typedef void (*route_changed_fn)(void *ctx, mono_t now);

int route_open(struct event_base *base, const struct timers *timers, route_changed_fn fn, void *ctx,
	       struct route **out);
void route_close(struct route *r);
/*
 * The address for @peer of map @m. 0; -ENETUNREACH: no route; -ENODEV: the route
 * leaves through an interface without the map; -EADDRNOTAVAIL: no usable address.
 * @peer without an address (a name that is not resolved yet): any address of the
 * interfaces that carry the map.
 * @why (at least 160 bytes) gets a sentence on failure.
 */
int route_local_addr(struct route *r, const struct map *m, const struct addr *peer,
		     struct addr *out, char *why, size_t size);
/* The interfaces that carry a map of @c, with their addresses; free with route_env_free(). */
int route_env(struct route *r, const struct config *c, struct spd_iface **out, unsigned *n);
void route_env_free(struct spd_iface *ifaces, unsigned n);

#endif
