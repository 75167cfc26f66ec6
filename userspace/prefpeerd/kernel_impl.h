/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to kernel_*.c: one struct behind the port, a part per file. */
#ifndef PREFPEERD_KERNEL_IMPL_H
#define PREFPEERD_KERNEL_IMPL_H

#include <event2/event.h>
#include <uthash.h>

#include "lib/timer.h"
#include "lib/xfrm.h"
#include "prefpeerd/kernel.h"

struct pp_nl;
struct pp_listener;
struct poll;

struct rule_key {
	struct addr peer;
	uint32_t reqid;
};

/* What rule_put() was told: installed in the module, or looked up by the poller. */
struct rule {
	struct rule_key key;
	struct kernel_rule r;
	uint32_t id; /* in the module; 0 = not there */
	UT_hash_handle hh;
};

/* kernel_events.c */
struct module {
	struct pp_nl *nl; /* NULL: not there */
	struct pp_listener *listener;
	struct event *ev;
	bool lost;   /* events are missing since the last drain */
	bool purged; /* rules of an earlier run are gone */
};

struct kernel_linux {
	struct event_base *base;
	const struct timers *timers;
	kernel_event_fn fn;
	void *ctx;
	struct xfrm *xfrm;
	struct xfrm_monitor *acquires, *notices;
	struct event *acquire_ev, *notice_ev;
	struct module module;
	struct rule *rules; /* hash by key; owned */
	struct poll *poll;
	void (*sa_end)(void *ctx, const struct kernel_sa_entry *sa);
	void *sa_end_ctx;
	struct timer poll_timer;
};

static inline void kernel_tell(struct kernel_linux *k, struct kernel_event *ev, mono_t now)
{
	if (!mono_is_set(ev->when))
		ev->when = now;
	k->fn(k->ctx, ev, now);
}

/* Reqids that can be ours (semantics.md §12). */
bool kernel_reqid_is_ours(uint32_t reqid);

/* kernel_sa.c */
int kernel_sa_open(struct kernel_linux *k);
void kernel_sa_close(struct kernel_linux *k);
int kernel_sa_add(void *impl, const struct kernel_sa *sa);
int kernel_sa_del(void *impl, const struct kernel_sa_id *id);
int kernel_sa_read(void *impl, const struct kernel_sa_id *id, struct kernel_sa_reading *out);
int kernel_sa_same(void *impl, const struct kernel_sa *sa);
int kernel_sa_dump(void *impl, kernel_sa_fn fn, void *ctx);
int kernel_larval_kill(void *impl, const struct addr *src, const struct addr *dst, uint32_t reqid);

/* kernel_policy.c */
int kernel_policy_put(void *impl, const struct kernel_policy *p);
int kernel_policy_del(void *impl, const struct kernel_policy *p);
int kernel_policy_dump(void *impl, kernel_policy_fn fn, void *ctx);
int kernel_stat_read(void *impl, const char *name, uint64_t *out);

/* kernel_acquire.c */
int kernel_acquire_open(struct kernel_linux *k);
void kernel_acquire_close(struct kernel_linux *k);

/* kernel_events.c */
int kernel_events_open(struct kernel_linux *k);
void kernel_events_close(struct kernel_linux *k);
bool kernel_has_module(void *impl);
int kernel_pair_read(void *impl, const struct kernel_pair_key *key, struct kernel_pair_reading *out);
int kernel_peer_read(void *impl, const struct kernel_peer_key *key, struct kernel_peer_reading *out);
int kernel_peer_heard(void *impl, const struct kernel_peer_key *key, mono_t when);

/* kernel_rules.c */
int kernel_rule_put(void *impl, const struct kernel_rule *r);
int kernel_rule_del(void *impl, const struct kernel_rule *r);
/* The module is new: those of an earlier run go, all of the table come. */
void kernel_rules_install(struct kernel_linux *k);
void kernel_rules_free(struct kernel_linux *k);

/* kernel_poll.c: the glue */
int kernel_poll_open(struct kernel_linux *k);
void kernel_poll_close(struct kernel_linux *k);
/* Begin, go on with another period, or stop: after a rule or the module came or went. */
void kernel_poll_adjust(struct kernel_linux *k);
/* Read all states now, so that what is asked next is of this moment. */
int kernel_poll_look(struct kernel_linux *k);

/*
 * poll*.c: what the module knows, from readings alone. Pure. A look is begin, see for each
 * SA, end; packets between two looks count as of the end of the later one, so a
 * verdict may be late, never early (kernel.md §3.1).
 */
struct poll *poll_new(void);
void poll_free(struct poll *p);
typedef const struct rule *(*poll_rule_fn)(void *ctx, const struct addr *peer, uint32_t reqid);
/* @before: the clock, read before the first state was. */
void poll_begin(struct poll *p, mono_t before);
/* 0 or -ENOMEM: the look is incomplete then. */
int poll_see(struct poll *p, const struct xfrm_sa_info *sa, poll_rule_fn rule_of, void *ctx);
/* @after: read after the last one. Not @complete: no verdicts from this look. */
void poll_end(struct poll *p, mono_t after, bool complete);
/* An SA's last counters, from the notice of its death. */
void poll_gone(struct poll *p, const struct xfrm_sa_info *sa, mono_t now);
typedef void (*poll_event_fn)(void *ctx, struct kernel_event *ev);
/* Verdicts of the last look. Each episode of a pair is told once, one-way every W. */
void poll_judge(struct poll *p, poll_rule_fn rule_of, void *ctx, poll_event_fn fn);
int poll_pair(struct poll *p, const struct kernel_pair_key *key, struct kernel_pair_reading *out);
int poll_peer(struct poll *p, const struct kernel_peer_key *key, struct kernel_peer_reading *out);
/* -ENOENT: no SA to that peer. */
int poll_heard(struct poll *p, const struct kernel_peer_key *key, mono_t when);
void poll_forget(struct poll *p);
/* ms between looks for one rule: an eighth of its timer, 100..10000; 0 = none. */
uint32_t poll_period_ms(const struct kernel_rule *r);

#endif
