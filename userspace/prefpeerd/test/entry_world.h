/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small world for the core: entries with peers 10.0.0.1, .2, … (names 0, 1, …)
 * and lines 10.1.L.0/24 → 10.2.L.0/24, our address 192.0.2.1, and no time but
 * what the test says. Actions of the last step are in out.
 */
#ifndef TEST_ENTRY_WORLD_H
#define TEST_ENTRY_WORLD_H

#include "prefpeerd/entry/core.h"

struct world {
	struct core core;
	struct core_out out;
	struct core_env env;
	struct run r;
	unsigned local_mask; /* bit i: peer 10.0.0.(i+1) can be reached */
	bool idle_all;       /* §1.5: the pairs count as idle past the DPD interval */
	uint32_t last_inbound;
};

struct world_spec {
	unsigned first_peer, n_peers; /* peers first_peer .. */
	bool has_default, idle_home;
	unsigned n_lines;
};

/* Bit i: the i-th peer of each entry is a name, and one that each walk asks for. */
void world_init_named(struct world *w, const struct world_spec *specs, unsigned n, unsigned names,
		      unsigned dynamic);
void world_init(struct world *w, const struct world_spec *specs, unsigned n);
void world_fini(struct world *w);
/* Another world in the same state. */
void world_copy(struct world *to, const struct world *from);
/* Forget the last step's actions. */
void world_step(struct world *w);
struct core_entry *world_entry(const struct world *w, unsigned i);
struct addr world_peer(unsigned i);
struct addr world_local(void);
/* A packet of the line. */
struct selector world_flow(const struct core_line *l);

/* Events, short. Each begins a step. */
void world_acquire(struct world *w, unsigned entry, unsigned line);
void world_child_up(struct world *w, child_id id, bool narrow);
void world_conn_down(struct world *w, conn_id id, enum engine_why why);
/* A peer calls on a new IKE SA (conn 0) or on one; for the line's whole selector. */
uint32_t world_inbound(struct world *w, unsigned peer, conn_id conn, const struct core_line *l);
/* The question under way for that peer is answered: by the address of world_peer(@at), or not. */
void world_name(struct world *w, unsigned entry, unsigned peer, enum name_result result,
		unsigned at, uint32_t ttl_s);
/* Make that deadline due, and tick. */
void world_fire(struct world *w, struct core_entry *e, mono_t *at);

const struct core_action *world_action(const struct world *w, enum core_action_type type);
unsigned world_count(const struct world *w, enum core_action_type type);

#define CHECK_ALL UINT32_MAX

/* entry_check.c: the invariants of core.h over one step; NULL, or which one and why. */
struct check_event {
	bool child_up, edit, orphans, engine_lost;
	bool clear;         /* the operator cleared the session of @entry */
	uint32_t entry;     /* whose event it is; 0 = of an IKE SA; CHECK_ALL = of every entry */
	bool resumed;
	uint32_t idle;      /* the entry whose line was idle; 0 = none */
	bool idle_kept;     /* that verdict is to come again */
	child_id gone;      /* the child that the event itself ended; 0 = none */
	conn_id conn_gone;  /* the IKE SA whose end was the event */
	uint32_t inbound;   /* the request that the event brought */
	uint32_t inbound_gone;
};
const char *entry_check(const struct core *before, const struct core *after,
			const struct core_out *out, const struct check_event *ev);
/* Two worlds with one signature go on alike. */
uint64_t entry_signature(const struct core *c, uint64_t seed);

#endif
