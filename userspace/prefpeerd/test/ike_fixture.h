/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two engines in one process over a mock network: "left" at 10.0.0.1 and
 * "right" at 10.0.0.2 (or fd00::1, fd00::2), each with its own fake kernel, one
 * clock for all. The callers' part is played by the fixture: it records events
 * and, unless told otherwise, accepts what comes in.
 */
#ifndef TEST_IKE_FIXTURE_H
#define TEST_IKE_FIXTURE_H

#include "prefpeerd/test/fake_kernel.h"
#include "prefpeerd/test/mocknet.h"

#define SIDE_EVENTS 512
#define INBOUND_CONN 1000 /* names given to inbound IKE SAs and children count from here */

enum inbound_policy { INBOUND_ACCEPT, INBOUND_REFUSE, INBOUND_WAIT };

struct recorded {
	struct engine_event ev;
	char text[256];
};

struct side {
	struct engine *engine;
	struct fake_kernel kernel;
	struct fake_clock *clock;
	struct addr addr;
	struct recorded log[SIDE_EVENTS];
	unsigned n;
	enum inbound_policy policy;
	bool keep_ike;
	bool yields; /* accepting gives up conn 1 unless that is up: as entry/ does in WALK */
	struct engine_child inbound_child; /* suites and reqid for what is accepted */
	uint32_t next_id;
};

struct fixture {
	struct fake_clock clock;
	struct mocknet net;
	struct side left, right;
	struct engine_remote to_right, to_left; /* as set on left, on right */
	sa_family_t family;
};

/* What right may negotiate; set before fixture_new, NULL = all. */
extern const struct ike_offer *fixture_right_offer;

/* Engines started, each knowing the other as remote 1 with the same key. DPD off. */
struct fixture *fixture_new(sa_family_t family);
void fixture_free(struct fixture *f);
void fixture_run_ms(struct fixture *f, int64_t ms);
/* A child from 192.168.@net.0/24 to 172.16.@net.0/24, seen from the left. */
struct engine_child fixture_child(child_id id, unsigned net);
/* left opens conn 1 with child 1; runs until both are up, or 30 s. */
bool fixture_up(struct fixture *f);
/* Its engine dies and begins anew with nothing, but for the secret if that is not NULL. */
void fixture_restart(struct fixture *f, struct side *s, const uint8_t *secret);
/* Of both ends. */
void fixture_settings(struct fixture *f, const struct engine_settings *s);
void fixture_dpd(struct fixture *f, enum dpd_mode mode, uint32_t interval_ms, uint32_t retry_ms);

/* Of the events recorded so far. NULL: none. */
const struct recorded *side_last(const struct side *s, enum engine_event_type type);
unsigned side_count(const struct side *s, enum engine_event_type type);
void side_forget(struct side *s);

/* Captured messages: requests of that exchange sent by @from since log index @since. */
unsigned net_count(const struct fixture *f, const struct side *from, uint8_t exchange,
		   bool response, unsigned since);

#endif
