// SPDX-License-Identifier: GPL-2.0-or-later
/* What the last look means: verdicts, and readings for who asks. */
#include <errno.h>

#include "prefpeerd/poll_impl.h"

#define PERIOD_MIN_MS 100
#define PERIOD_MAX_MS 10000

/* ---- verdicts -------------------------------------------------------------------- */

static bool passed(mono_t since, mono_t until, uint32_t ms)
{
	return mono_is_set(since) && until.ns - since.ns >= ms * NSEC_PER_MSEC;
}

static void judge_pair(struct poll *p, struct poll_pair *pair, void *ctx, poll_event_fn fn)
{
	struct kernel_event ev = {
		.type = KEV_PAIR_IDLE,
		.when = p->before,
		.last_use = pair->last,
		.reqid = pair->key.reqid,
		.pair = { pair->key.local, pair->key.peer, pair->key.reqid },
	};

	if (!pair->idle_ms || pair->told || pair->unsure || !pair->n_in || !pair->n_out ||
	    !passed(pair->last, p->before, pair->idle_ms))
		return;
	pair->told = true;
	fn(ctx, &ev);
}

static void judge_peer(struct poll *p, struct poll_peer *peer, void *ctx, poll_event_fn fn)
{
	struct kernel_event ev = {
		.type = KEV_PEER_ONE_WAY,
		.when = p->before,
		.peer = { peer->key.local, peer->key.peer, (uint16_t)peer->key.port },
	};
	bool again = mono_is_set(peer->fired);

	if (!peer->one_way_ms || (again && !peer->out_again) ||
	    !passed(again ? peer->fired : peer->out_since, p->before, peer->one_way_ms))
		return;
	if (again)
		peer->repeat++;
	ev.repeat = peer->repeat;
	peer->fired = p->before;
	peer->out_again = false;
	fn(ctx, &ev);
}

/* The rules' timers: T of each pair, W of a peer the smallest of its pairs. */
static void take_timers(struct poll *p, poll_rule_fn rule_of, void *ctx)
{
	for (struct poll_peer *peer = p->peers; peer; peer = peer->hh.next)
		peer->one_way_ms = 0;
	for (struct poll_sa *sa = p->sas; sa; sa = sa->hh.next) {
		const struct rule *rule = rule_of(ctx, &sa->peer->key.peer, sa->reqid);
		uint32_t w = rule ? rule->r.one_way_ms : 0;

		sa->pair->idle_ms = rule ? rule->r.idle_ms : 0;
		if (w && (!sa->peer->one_way_ms || w < sa->peer->one_way_ms))
			sa->peer->one_way_ms = w;
	}
}

void poll_judge(struct poll *p, poll_rule_fn rule_of, void *ctx, poll_event_fn fn)
{
	take_timers(p, rule_of, ctx);
	if (!p->complete)
		return;
	for (struct poll_pair *pair = p->pairs; pair; pair = pair->hh.next)
		judge_pair(p, pair, ctx, fn);
	for (struct poll_peer *peer = p->peers; peer; peer = peer->hh.next)
		judge_peer(p, peer, ctx, fn);
}

/* ---- readings ---------------------------------------------------------------------- */

int poll_pair(struct poll *p, const struct kernel_pair_key *key, struct kernel_pair_reading *out)
{
	struct pair_key k;
	struct poll_pair *pair = poll_pair_find(p, &key->local, &key->peer, key->reqid, &k);

	if (!pair)
		return -ENOENT;
	*out = (struct kernel_pair_reading){
		.last_use = pair->last,
		.packets_in = pair->packets_in,
		.packets_out = pair->packets_out,
		.bytes_in = pair->bytes_in,
		.bytes_out = pair->bytes_out,
		.idle_ms = pair->idle_ms,
	};
	return 0;
}

int poll_peer(struct poll *p, const struct kernel_peer_key *key, struct kernel_peer_reading *out)
{
	struct peer_key k;
	struct poll_peer *peer = poll_peer_find(p, &key->local, &key->peer, key->encap_port, &k);

	if (!peer)
		return -ENOENT;
	*out = (struct kernel_peer_reading){
		.last_in = peer->last_in,
		.last_out = peer->last_out,
		.heard = peer->heard,
		.counted = true,
	};
	return 0;
}

int poll_heard(struct poll *p, const struct kernel_peer_key *key, mono_t when)
{
	struct peer_key k;
	struct poll_peer *peer = poll_peer_find(p, &key->local, &key->peer, key->encap_port, &k);

	if (!peer)
		return -ENOENT;
	if (!mono_before(peer->heard, when))
		return 0;
	peer->heard = when;
	poll_end_episode(peer);
	return 0;
}

static uint32_t eighth(uint32_t ms)
{
	uint32_t p = ms / 8;

	return p < PERIOD_MIN_MS ? PERIOD_MIN_MS : p > PERIOD_MAX_MS ? PERIOD_MAX_MS : p;
}

uint32_t poll_period_ms(const struct kernel_rule *r)
{
	uint32_t idle = r->idle_ms ? eighth(r->idle_ms) : 0;
	uint32_t one_way = r->one_way_ms ? eighth(r->one_way_ms) : 0;

	if (!idle || !one_way)
		return idle + one_way;
	return idle < one_way ? idle : one_way;
}
