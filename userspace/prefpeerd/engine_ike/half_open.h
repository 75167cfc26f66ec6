/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many IKE SAs are in negotiation that peers began, by where they come from, and
 * whether one more may be (semantics.md §14.2, RFC 7296 §2.6, RFC 8019 §4). Pure.
 *
 * Three bounds, the narrower within the wider:
 *  - a source has HALF_OPEN_PER_SOURCE. That is an address of IPv4, for behind a NAT it is
 *    all that is known of a site; and a /64 of IPv6, within which any host has as many
 *    addresses as it likes (RFC 8019 §4.5 counts so too);
 *  - a network has a quarter of all: a /24 of IPv4, the least that is routed on its own,
 *    and a /48 of IPv6, the usual site. Whoever has one leaves room for the others, and a
 *    hub whose branches are all of one provider still comes up at once;
 *  - all together have the total.
 */
#ifndef ENGINE_IKE_HALF_OPEN_H
#define ENGINE_IKE_HALF_OPEN_H

#include <stdbool.h>

#include "lib/addr.h"

#define HALF_OPEN_MAX 1000 /* §14.2; what the configuration does not say */
#define HALF_OPEN_PER_SOURCE 8
#define HALF_OPEN_COOKIES 100 /* from here on cookies are asked for */

struct half_open_count;

struct half_open {
	struct half_open_count *counts; /* by prefix; each at least one */
	unsigned n;
};

enum half_open_verdict {
	HALF_OPEN_ADMIT,
	HALF_OPEN_TOTAL,
	HALF_OPEN_NETWORK,
	HALF_OPEN_SOURCE,
};

/* @max: of all. */
enum half_open_verdict half_open_judge(const struct half_open *t, unsigned max,
				       const struct addr *from);
/* False: no memory, and nothing is counted. */
bool half_open_add(struct half_open *t, const struct addr *from);
/* Of one that was added. */
void half_open_del(struct half_open *t, const struct addr *from);

#endif
