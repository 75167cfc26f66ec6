/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel port over Linux: XFRM netlink, and the module or, without it, polling. */
#ifndef PREFPEERD_KERNEL_LINUX_H
#define PREFPEERD_KERNEL_LINUX_H

#include <event2/event.h>

#include "lib/timer.h"
#include "prefpeerd/kernel.h"

/*
 * Open every socket; needs CAP_NET_ADMIN in this network namespace now and later, and
 * that of the initial one for the large receive buffers. @fn is called from the loop
 * only, never from inside an operation. Whether the module is there is asked at once
 * (has_module()); its coming and going later are events. 0 or -errno.
 */
int kernel_linux_open(struct event_base *base, const struct timers *timers, kernel_event_fn fn,
		      void *ctx, struct kernel *out);
/*
 * XFRM alone, for who only asks and orders: no loop, no timers, nothing is heard and
 * nobody asks for the module. 0 or -errno.
 */
int kernel_linux_open_xfrm(struct kernel *out);
/* An SA of ours is gone, by whomever: its last counters. */
typedef void (*kernel_sa_end_fn)(void *ctx, const struct kernel_sa_entry *sa);
void kernel_linux_on_sa_end(struct kernel *k, kernel_sa_end_fn fn, void *ctx);
/* Leaves states, policies and rules where they are. A zero struct is fine. */
void kernel_linux_close(struct kernel *k);

#endif
