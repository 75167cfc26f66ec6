/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reverse-route injection (semantics.md §4.7): routes that entries want, brought into the
 * main table. Known by their protocol, so that what an earlier run left behind is found.
 */
#ifndef PREFPEERD_RRI_H
#define PREFPEERD_RRI_H

#include "lib/rt_nl.h"
#include "prefpeerd/entry/entries.h"

struct rri;

/* NULL without memory. @rt is the caller's. */
struct rri *rri_new(struct rt_nl *rt);
/* Routes stay where they are. NULL is fine. */
void rri_free(struct rri *r);
/* All that are wanted from now on. What is there and not wanted goes. */
void rri_set(struct rri *r, const struct reverse_route *list, unsigned n);
/* Routes or links changed: the ways to the peers may have, and ours may be gone. */
void rri_refresh(struct rri *r);
/* prefpeerd --flush. How many, or -errno. */
int rri_flush(struct rt_nl *rt);

#endif
