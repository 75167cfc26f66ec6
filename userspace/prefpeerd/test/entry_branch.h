/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A branch and its hubs in one process: on the branch the entries, the embedded
 * engine and a kernel in memory that behaves like XFRM where it matters here
 * (one acquire per template, the larval blocks repeats for 30 s, packets follow
 * the out template), and like the module (pair-idle, peer-one-way). Each hub is
 * an engine that accepts what comes. A clock that is moved by hand.
 */
#ifndef TEST_ENTRY_BRANCH_H
#define TEST_ENTRY_BRANCH_H

#include "prefpeerd/entry/entries.h"
#include "prefpeerd/test/fake_kernel.h"
#include "prefpeerd/test/fake_spd.h"
#include "prefpeerd/test/mocknet.h"

#define BRANCH_HUBS 3
#define BRANCH_LOG 8192

struct hub {
	struct engine *engine;
	struct fake_kernel kernel;
	struct addr addr;
	bool cut;
	uint32_t next_id;
	uint32_t last_conn;
	uint32_t last_child;
	struct esp_suite suite; /* zeros: all of ESP */
	enum sa_mode mode;
};

struct branch_larval {
	struct addr src, dst;
	uint32_t reqid;
	mono_t until;
};

struct branch_rule {
	struct kernel_rule r;
	bool told; /* of this episode */
};

struct branch_note {
	mono_t at;
	enum entry_ntf_type type;
	enum entry_state from, to;
	char peer[32], next[32], sentence[ENTRY_TEXT_MAX];
	enum entry_reason reason;
};

struct branch {
	struct fake_clock clock;
	struct mocknet net;
	struct engine *engine;
	struct kernel kernel; /* the port, over sas and the model below */
	struct fake_kernel sas;
	unsigned most_sas, least_sas; /* at any moment since most_sas was set to 0 */
	struct fake_spd policies; /* those put since the start, with or without spd_apply() */
	unsigned reqids_drawn, reqids_released; /* of branches that called (§4.2) */
	struct kernel_ops ops;
	struct entries *entries;
	struct config *conf;
	struct spd *spd;
	struct hub hubs[BRANCH_HUBS];
	unsigned n_hubs;
	bool no_route; /* local_addr says so, or */
	const char *no_route_to; /* of this peer alone */
	const char *local; /* NULL: 10.0.0.2 */
	char asked[64];       /* the name that was asked for last, and by which question */
	uint32_t query;
	unsigned n_asked;
	mono_t last_use, first_unanswered, last_in;
	struct branch_larval larvals[8];
	unsigned n_larvals;
	struct branch_rule rules[1100];
	unsigned n_rules, n_rule_puts;
	struct reverse_route routes[8]; /* that were asked for last, */
	unsigned n_routes, n_routes_told;
	unsigned fewest_routes; /* and how few they ever were; set it first */
	struct branch_note log[BRANCH_LOG];
	unsigned n_log;
	unsigned sent, delivered, clear;
	/* Whoever wants what is told as a whole. */
	void (*tell)(void *ctx, const struct entry_ntf *n);
	/* An SA was deleted; its last count. */
	void (*sa_gone)(void *ctx, const struct kernel_sa *sa, uint64_t packets);
	void *tell_ctx;
};

/* conf: peers 10.1.1.1, 10.2.2.2, 10.3.3.3; the WAN is "wan", the branch 10.0.0.2. */
struct branch *branch_new(const char *conf, unsigned n_hubs);
void branch_free(struct branch *b);
/* kill -9 and a new agent: SAs, larvals and hubs stay as they are. */
void branch_restart(struct branch *b, const char *conf);
/* Another configuration into force, in the agent's order. */
void branch_reload(struct branch *b, const char *conf);
/* Moves time in steps of at most 10 ms; the module's verdicts fall on their way. */
void branch_run_ms(struct branch *b, int64_t ms);
/* The same with a packet of that line every @every_ms. */
void branch_traffic_ms(struct branch *b, unsigned line, int64_t ms, int64_t every_ms);
/* One packet of a line; true when a hub got and answered it. */
bool branch_send(struct branch *b, unsigned line);
/* What the name servers say to the last question; @addr NULL: that there is no such name. */
void branch_answer(struct branch *b, const char *addr);
struct entry_view branch_view(struct branch *b);
/* The hub begins; its side of that line. */
void branch_called(struct branch *b, unsigned hub, unsigned line);
/* The same for any selector, src its own side. */
void branch_called_for(struct branch *b, unsigned hub, const struct selector *sel);
/* The state of the first entry, and who is current, as "UP 10.1.1.1". */
const char *branch_state(struct branch *b);
const struct branch_note *branch_last(const struct branch *b, enum entry_state to);
unsigned branch_tried(const struct branch *b, const char *peer, unsigned since);

#endif
