// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#define WHYS (WHY_UNKNOWN + 1)
/* What XFRM counts of packets whose policy had no SA. */
#define HELD_COUNTER "XfrmOutNoStates"

/* An entry on its way from one connection to the next. */
struct between {
	char key[CONF_NAME_MAX + 16]; /* "tohub 1" */
	uint64_t held_from;	      /* the counter when the last connection ended */
	uint64_t held;
	int64_t gap_ms; /* -1: no packet missed it */
	UT_hash_handle hh;
};

struct tally {
	struct kernel kernel;
	uint64_t held_start;
	struct between *entries;
	uint64_t up_in, up_out;	   /* IKE SAs that came up, by who began them */
	uint64_t failed[WHYS];	   /* set-ups and children, by reason */
	uint64_t deaths, timeouts; /* DPD; budgets that ended */
	uint64_t rekeys, switches;
};

static uint64_t held_now(const struct tally *t)
{
	uint64_t v = 0;

	return t->kernel.ops->stat_read(t->kernel.impl, HELD_COUNTER, &v) ? 0 : v;
}

struct tally *tally_new(const struct kernel *k)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->kernel = *k;
	t->held_start = held_now(t);
	return t;
}

void tally_free(struct tally *t)
{
	struct between *b, *tmp;

	if (!t)
		return;
	HASH_ITER(hh, t->entries, b, tmp) {
		HASH_DEL(t->entries, b);
		free(b);
	}
	free(t);
}

/* ---- IKE SAs ----------------------------------------------------------------- */

void tally_engine(struct tally *t, const struct engine_event *ev)
{
	if (!t)
		return;
	switch (ev->type) {
	case ENG_UP:
		*(ev->info.initiator ? &t->up_out : &t->up_in) += 1;
		break;
	case ENG_CHILD_FAILED:
		t->failed[ev->why < WHYS ? ev->why : WHY_UNKNOWN]++;
		break;
	case ENG_CHILD_REKEYED:
		t->rekeys++;
		break;
	case ENG_DOWN:
		t->deaths += ev->why == WHY_DEAD;
		if (!ev->info.established)
			t->failed[ev->why < WHYS ? ev->why : WHY_UNKNOWN]++;
		break;
	default:
		break;
	}
}

uint64_t tally_failures(const struct tally *t, enum engine_why why)
{
	return t ? t->failed[why < WHYS ? why : WHY_UNKNOWN] : 0;
}

/* ---- switches ---------------------------------------------------------------- */

static struct between *between(struct tally *t, const struct entry_ntf *n)
{
	char key[sizeof(((struct between *)0)->key)];
	struct between *b;

	snprintf(key, sizeof(key), "%s %u", n->map, n->seq);
	HASH_FIND_STR(t->entries, key, b);
	if (b)
		return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	strcpy(b->key, key);
	b->held_from = t->held_start;
	b->gap_ms = -1;
	HASH_ADD_STR(t->entries, key, b);
	return b;
}

static void take_state(struct tally *t, struct between *b, const struct entry_ntf *n)
{
	if (n->reason == REASON_TIMEOUT && n->type == NTF_STATE)
		t->timeouts++;
	if (n->from == ENTRY_UP && n->to != ENTRY_UP) {
		b->held_from = held_now(t);
		b->gap_ms = -1;
		b->held = 0;
	} else if (n->from != ENTRY_UP && n->to == ENTRY_UP) {
		b->gap_ms = n->gap_ms;
		b->held = held_now(t) - b->held_from;
	} else if (n->to == ENTRY_UP) { /* called by another peer: nothing was missed */
		b->gap_ms = -1;
		b->held = 0;
	}
}

static void tell_switch(const struct between *b, json_t *event)
{
	json_t *detail = json_object_get(event, "detail");

	if (!detail)
		return;
	if (b->gap_ms >= 0)
		json_object_set_new(detail, "gap_ms", json_integer(b->gap_ms));
	json_object_set_new(detail, "packets_held", json_integer((json_int_t)b->held));
}

void tally_notify(struct tally *t, const struct entry_ntf *n, json_t *event)
{
	struct between *b = t && n->map ? between(t, n) : NULL;

	if (!b)
		return;
	if (n->type == NTF_STATE) {
		take_state(t, b, n);
	} else if (n->type == NTF_PEER) {
		t->switches++;
		tell_switch(b, event);
	}
}

/* ---- the report ---------------------------------------------------------------- */

json_t *tally_report(const struct tally *t)
{
	json_t *failed = json_object();

	if (!t || !failed)
		return failed;
	for (unsigned i = WHY_NONE + 1; i < WHYS; i++)
		json_object_set_new(failed, engine_why_name(i),
				    json_integer((json_int_t)t->failed[i]));
	return json_pack("{sI sI so sI sI sI sI}", "up_in", (json_int_t)t->up_in, "up_out",
			 (json_int_t)t->up_out, "failed", failed, "dead", (json_int_t)t->deaths,
			 "timeouts", (json_int_t)t->timeouts, "child_rekeys",
			 (json_int_t)t->rekeys, "switches", (json_int_t)t->switches);
}
