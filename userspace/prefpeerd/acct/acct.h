/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounting (semantics.md §4.5): a session is the time for which an entry is UP with
 * one peer. A record says when it began, how it goes on, and how it ended, with what
 * went each way: the sum over all SAs that it had, so a rekey changes nothing.
 *
 * The counters are the kernel's. Of an SA that ends, the kernel says the last ones when
 * it is gone, which is after the entry has left UP: the record of a stop waits for them.
 */
#ifndef ACCT_ACCT_H
#define ACCT_ACCT_H

#include <jansson.h>

#include "prefpeerd/entry/entries.h"

#define ACCT_SETTLE_MS 200   /* a start waits so long: its SAs are there then */
#define ACCT_CLOSE_MS 6000   /* a stop at most so long: an inbound SA stays for 5 s */
#define ACCT_SAMPLE_MS 60000 /* counters are looked at so often, for an agent that is killed */

struct acct;

struct acct_ports {
	const struct timers *timers;
	const struct kernel *kernel;
	struct entries *entries;
	const struct spd *(*spd)(void *ctx);
	int64_t (*wall_ms)(void *ctx);
	/* For a list; borrows the record. */
	void (*record)(void *ctx, const char *list, const json_t *record);
	/* What is open now, to be found by the next agent if this one is killed. */
	void (*keep)(void *ctx, const json_t *sessions);
	void *ctx;
};

/* Copies *ports. NULL without memory. */
struct acct *acct_new(const struct acct_ports *ports);
void acct_free(struct acct *a);
/*
 * Which maps have a list. After the entries have taken it: sessions that are open go on,
 * those of maps without a list end.
 */
void acct_configure(struct acct *a, const struct config *c, mono_t now);
/* Of an agent that was killed: what it kept. They ended with it. */
void acct_orphans(struct acct *a, const json_t *sessions);
/* Of the entries: changes of state. */
void acct_notify(struct acct *a, const struct entry_ntf *n);
/* An SA is gone, with these counters. */
void acct_sa_ended(struct acct *a, const struct kernel_sa_entry *sa);
/* The agent ends: all sessions do. */
void acct_stop(struct acct *a, mono_t now);

/* ---- cause.c ---- */
/* RFC 2866 §5.10 */
struct acct_cause {
	unsigned number;
	const char *name; /* "idle-timeout" */
};
#define ACCT_ADMIN_REBOOT 7
#define ACCT_NAS_REBOOT 11
struct acct_cause acct_cause_of(enum entry_reason reason);
const char *acct_cause_name(unsigned number);
unsigned acct_cause_number(const char *name); /* 0: no such */

#endif
