/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `debug crypto …`: what happens as events for the terminals that ask, and only while one
 * does: nothing is made otherwise. No key, nor anything that was encrypted on the wire.
 */
#ifndef PREFPEERD_DEBUG_H
#define PREFPEERD_DEBUG_H

#include "prefpeerd/agent.h"
#include "prefpeerd/entry/entries.h"

/* isakmp is another word for ikev2: there is no other IKE here. */
enum debug_topic { DEBUG_IKEV2 = 1, DEBUG_IPSEC = 2 };

/* 0: there is no such topic. */
unsigned debug_topic(const char *name);
/* Messages on the wire from now on; the agent's control need not be open yet. */
void debug_attach(struct agent *a);
void debug_engine(struct agent *a, const struct engine_event *ev);
void debug_kernel(struct agent *a, const struct kernel_event *ev);
void debug_entry(struct agent *a, const struct entry_ntf *n);

#endif
