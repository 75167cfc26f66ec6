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

struct watch;

/* 0 or -ENOMEM. Copies *k. */
int watch_open(const struct timers *timers, const struct kernel *k, struct watch **out);
void watch_close(struct watch *w); /* NULL is fine */

#endif
