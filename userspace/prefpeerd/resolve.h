/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of names (semantics.md §1.2), by libunbound within the agent's loop:
 * no thread, no process. What `ip host` says comes first, then /etc/hosts, then
 * the name servers: those of `ip name-server`, else those of /etc/resolv.conf.
 *
 * Every round of questions has a context of its own. So a change of a name is
 * seen at the next question whatever its TTL was, a name server that was silent
 * is asked like any other, and a new resolv.conf is in force at once. With a
 * trust anchor each round fetches the keys on the way to the name too.
 */
#ifndef PREFPEERD_RESOLVE_H
#define PREFPEERD_RESOLVE_H

#include <event2/event.h>

#include "lib/timer.h"
#include "prefpeerd/conf/config.h"
#include "prefpeerd/name.h"

struct resolve;
/* From the loop, once for each question. @a lives during the call. */
typedef void (*resolve_fn)(void *ctx, uint32_t query, const struct name_answer *a, mono_t now);

/* What is asked, and where; strings are the caller's. */
struct resolve_sources {
	const char *hosts;       /* as /etc/hosts; NULL = none */
	const char *resolv_conf; /* as /etc/resolv.conf */
	unsigned port;           /* of `ip name-server`; 53 unless it is a test */
};

/* @src NULL: this machine's. 0 or -ENOMEM. */
int resolve_open(struct event_base *base, const struct timers *timers,
		 const struct resolve_sources *src, resolve_fn fn, void *ctx, struct resolve **out);
/* Nothing is answered any more. NULL is fine. */
void resolve_close(struct resolve *r);
/* @c says whom to ask from now on; it must live until the next call. */
void resolve_config(struct resolve *r, const struct config *c);
/* Answered later, never from within, by fn: at the latest after some 6 s for each name server. */
void resolve_ask(struct resolve *r, const char *name, sa_family_t family, uint32_t query);

/*
 * Pure: reads the answer of a name server, a whole DNS message as it comes from
 * the wire, for the first address of @family that a peer can have. What DNSSEC
 * says of it is the caller's. Anything that is not a DNS message: NAME_SILENT.
 */
void resolve_read(const uint8_t *msg, size_t len, sa_family_t family, struct name_answer *out);

#endif
