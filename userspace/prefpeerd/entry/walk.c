/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A walk: a list of names fixed at its start, once around (semantics.md §10).
 * The start; then P[0], if there is a default and the start is another; then the
 * rest in list order from the one after the start, wrapping.
 */
#include "prefpeerd/entry/core.h"
#include "prefpeerd/entry/mem.h"

static void walk_add(struct core_entry *e, peer_key key)
{
	for (unsigned i = 0; i < e->n_walk; i++)
		if (e->walk[i] == key)
			return;
	e->walk[e->n_walk++] = key;
}

static void walk_plan(struct core_entry *e, peer_key start)
{
	unsigned at = (unsigned)peer_index(e, start);

	e->walk = mem_resize(e->walk, e->n_peers, sizeof(*e->walk));
	e->n_walk = e->pos = 0;
	for (unsigned i = 0; i < e->n_peers; i++)
		e->peers[i].tried = (struct addr){0};
	walk_add(e, start);
	if (entry_has_default(e))
		walk_add(e, e->peers[0].key);
	for (unsigned i = 1; i < e->n_peers; i++)
		walk_add(e, e->peers[(at + i) % e->n_peers].key);
}

peer_key walk_peer(const struct core_entry *e)
{
	return e->state == ENTRY_WALK && e->pos < e->n_walk ? e->walk[e->pos] : 0;
}

int walk_index(const struct core_entry *e, peer_key key)
{
	for (unsigned i = 0; i < e->n_walk; i++)
		if (e->walk[i] == key)
			return (int)i;
	return -1;
}

/* Two names of one address: the later step is skipped (A20). */
static bool is_twin(const struct core_entry *e, const struct core_peer *p)
{
	bool known = p->is_name ? p->name == NAME_KNOWN : addr_is_set(&p->addr);

	for (unsigned i = 0; known && i < e->pos; i++) {
		const struct core_peer *q = peer_find(e, e->walk[i]);

		if (q && addr_is_set(&q->tried) && addr_equal(&q->tried, &p->addr))
			return true;
	}
	return false;
}

static void walked_out(struct run *r, struct core_entry *e, const struct cause *last)
{
	struct cause why = *last;
	uint64_t ms = e->k < 6 ? 1000u << e->k : 60000;

	ms = ms < 60000 ? ms : 60000;
	ms = ms / 2 + (ms / 2 * (r->env->random(r->env->ctx) >> 1)) / INT32_MAX;
	why.last = last->reason;
	why.reason = REASON_WALKED_OUT;
	why.backoff_ms = (uint32_t)ms;
	e->next = entry_home_or(e, e->next);
	entry_move(r, e, ENTRY_BACKOFF, e->c, &why);
	e->backoff_at = mono_add_ms(r->env->now, (int64_t)ms);
	entry_point(r, e);
	inbound_release(r, e, NULL);
}

/* Begin the step at pos, or the first one after it that can begin. */
static void walk_run(struct run *r, struct core_entry *e, const struct cause *why)
{
	struct cause last = *why;

	for (; e->pos < e->n_walk; e->pos++) {
		struct core_peer *p = peer_find(e, e->walk[e->pos]);

		if (!p || is_twin(e, p))
			continue;
		entry_move(r, e, ENTRY_WALK, p->key, &last);
		last = (struct cause){0};
		if (attempt_begin(r, e, p, &last))
			return;
		entry_step_failed(e, &last);
		peer_record(r, e, p->key, &last);
	}
	walked_out(r, e, &last);
}

void walk_begin_at(struct run *r, struct core_entry *e, peer_key start, const struct cause *why)
{
	walk_plan(e, start);
	lookup_walk(r, e);
	walk_run(r, e, why);
}

void walk_begin(struct run *r, struct core_entry *e, const struct cause *why)
{
	walk_begin_at(r, e, peer_next(e), why);
}

void walk_step_failed(struct run *r, struct core_entry *e, const struct cause *why)
{
	entry_step_failed(e, why);
	peer_record(r, e, walk_peer(e), why);
	attempt_abandon(r, e);
	/* Accepted first: the next step may be to the very peer that is calling, and joins then. */
	inbound_release(r, e, NULL);
	e->pos++;
	walk_run(r, e, why);
}

void walk_again(struct run *r, struct core_entry *e, const char *text)
{
	const struct cause why = {.reason = REASON_SHARED, .text = text};

	attempt_abandon(r, e);
	walk_run(r, e, &why);
}

void walk_resume(struct run *r, struct core_entry *e)
{
	struct cause why = {.reason = REASON_DNS,
			    .text = "its address is that of an earlier step"};
	struct core_peer *p = peer_find(e, walk_peer(e));
	bool twin = is_twin(e, p);

	e->at = (struct core_attempt){0};
	if (!twin && attempt_begin(r, e, p, &why))
		return;
	walk_step_failed(r, e, &why);
}
