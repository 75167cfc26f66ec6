/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What XFRM only counts (semantics.md §4.1, §7, §12), said at most once a
 * minute: packets caught by a `block`, clear packets that should have been
 * protected, ESP for an SPI that nobody has.
 */
#ifndef PREFPEERD_WATCH_H
#define PREFPEERD_WATCH_H

#include "lib/timer.h"
#include "prefpeerd/kernel.h"
#include "prefpeerd/spd/spd.h"

struct watch;

/* The policies in force, to say which of them caught a packet; NULL: none yet. */
typedef const struct spd *(*watch_spd_fn)(void *ctx);

/* 0 or -ENOMEM. Copies *k. The first look is a period after @now. */
int watch_open(const struct timers *timers, const struct kernel *k, watch_spd_fn spd, void *ctx,
	       mono_t now, struct watch **out);
void watch_close(struct watch *w); /* NULL is fine */

#endif
