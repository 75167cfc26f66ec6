/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of peers that the configuration names (semantics.md §1.2, A21):
 * asked for once, asynchronously, when the configuration comes into force, and
 * again every 30 s while there is no answer. `dynamic` names are not built yet.
 */
#ifndef PREFPEERD_RESOLVE_H
#define PREFPEERD_RESOLVE_H

#include <event2/event.h>

#include "lib/timer.h"
#include "prefpeerd/conf/config.h"

struct resolve;
/* From the loop. @name lives during the call. */
typedef void (*resolved_fn)(void *ctx, const char *name, const struct addr *addr, mono_t now);

/* Reads resolv.conf and hosts. 0 or -ENOMEM. */
int resolve_open(struct event_base *base, const struct timers *timers, resolved_fn fn, void *ctx,
		 struct resolve **out);
void resolve_close(struct resolve *r); /* NULL is fine */
/* The names of @c are the ones wanted now; those that have an address already are left alone. */
void resolve_config(struct resolve *r, const struct config *c, mono_t now);

#endif
