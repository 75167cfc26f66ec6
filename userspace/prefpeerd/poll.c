// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/kernel_impl.h"

#define PERIOD_MIN_MS 100
#define PERIOD_MAX_MS 10000

/* Keys are hashed as bytes: made by the *_key functions, which leave no stray ones. */
struct sa_key {
	struct addr dst;
	uint32_t spi, proto, mark, mark_mask;
};

struct pair_key {
	struct addr local, peer;
	uint32_t reqid;
};

struct peer_key {
	struct addr local, peer;
	uint32_t port;
};

struct poll_peer {
	struct peer_key key;
	mono_t last_in, last_out, heard;
	mono_t out_since; /* first outbound that nothing answered; UNSET: no episode */
	mono_t fired;
	uint32_t repeat;
	bool out_again; /* outbound moved since `fired` */
	bool in_moved, out_moved;
	uint32_t one_way_ms; /* smallest W of its pairs, during a judgement */
	unsigned n_sas;
	UT_hash_handle hh;
};

struct poll_pair {
	struct pair_key key;
	mono_t last;
	bool told;   /* this episode's verdict is out */
	bool moved;
	bool unsure; /* an SA vanished and its last counters are not known yet */
	unsigned n_in, n_out;
	uint64_t packets_in, packets_out, bytes_in, bytes_out;
	uint32_t idle_ms;
	UT_hash_handle hh;
};

struct poll_sa {
	struct sa_key key;
	struct poll_pair *pair;
	struct poll_peer *peer;
	bool in, seen, missing;
	uint64_t packets, bytes;
	uint32_t reqid;
	UT_hash_handle hh;
};

struct poll {
	struct poll_sa *sas;
	struct poll_pair *pairs;
	struct poll_peer *peers;
	mono_t before;      /* of this look */
	mono_t prev_before; /* of the one before it */
	bool complete;
};

static void key_addr(struct addr *out, const struct addr *in)
{
	out->family = in->family;
	memcpy(out->bytes, in->bytes, addr_len(in));
}

static void sa_key(const struct kernel_sa_id *id, struct sa_key *key)
{
	memset(key, 0, sizeof(*key));
	key_addr(&key->dst, &id->dst);
	key->spi = id->spi;
	key->proto = id->proto;
	key->mark = id->mark;
	key->mark_mask = id->mark_mask;
}

static struct poll_pair *pair_find(struct poll *p, const struct addr *local,
				   const struct addr *peer, uint32_t reqid, struct pair_key *key)
{
	struct poll_pair *pair;

	memset(key, 0, sizeof(*key));
	key_addr(&key->local, local);
	key_addr(&key->peer, peer);
	key->reqid = reqid;
	HASH_FIND(hh, p->pairs, key, sizeof(*key), pair);
	return pair;
}

static struct poll_peer *peer_find(struct poll *p, const struct addr *local,
				   const struct addr *peer, uint16_t port, struct peer_key *key)
{
	struct poll_peer *found;

	memset(key, 0, sizeof(*key));
	key_addr(&key->local, local);
	key_addr(&key->peer, peer);
	key->port = port;
	HASH_FIND(hh, p->peers, key, sizeof(*key), found);
	return found;
}

static struct poll_sa *sa_find(struct poll *p, const struct kernel_sa_id *id)
{
	struct sa_key key;
	struct poll_sa *sa;

	sa_key(id, &key);
	HASH_FIND(hh, p->sas, &key, sizeof(key), sa);
	return sa;
}

/* ---- objects come and go ----------------------------------------------------- */

/* A pair exists exactly while it has an SA: make-before-break inherits its clock. */
static void sa_drop(struct poll *p, struct poll_sa *sa)
{
	struct poll_pair *pair = sa->pair;

	if (sa->in)
		pair->n_in--;
	else
		pair->n_out--;
	if (!pair->n_in && !pair->n_out) {
		HASH_DEL(p->pairs, pair);
		free(pair);
	}
	if (!--sa->peer->n_sas) {
		HASH_DEL(p->peers, sa->peer);
		free(sa->peer);
	}
	HASH_DEL(p->sas, sa);
	free(sa);
}

static struct poll_pair *pair_get(struct poll *p, const struct addr *local,
				  const struct addr *peer, uint32_t reqid)
{
	struct pair_key key;
	struct poll_pair *pair = pair_find(p, local, peer, reqid, &key);

	if (pair)
		return pair;
	pair = calloc(1, sizeof(*pair));
	if (!pair)
		return NULL;
	pair->key = key;
	pair->moved = true; /* its clock starts with its first SA */
	HASH_ADD(hh, p->pairs, key, sizeof(pair->key), pair);
	return pair;
}

static struct poll_peer *peer_get(struct poll *p, const struct addr *local,
				  const struct addr *addr, uint16_t port)
{
	struct peer_key key;
	struct poll_peer *peer = peer_find(p, local, addr, port, &key);

	if (peer)
		return peer;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->key = key;
	HASH_ADD(hh, p->peers, key, sizeof(peer->key), peer);
	return peer;
}

static struct poll_sa *sa_new(struct poll *p, const struct xfrm_sa_info *i, bool in)
{
	const struct addr *local = in ? &i->e.id.dst : &i->e.r.src;
	const struct addr *peer = in ? &i->e.r.src : &i->e.id.dst;
	struct poll_sa *sa = calloc(1, sizeof(*sa));

	if (!sa)
		return NULL;
	sa->pair = pair_get(p, local, peer, i->e.r.reqid);
	sa->peer = peer_get(p, local, peer, in ? i->encap_sport : i->encap_dport);
	if (!sa->pair || !sa->peer) {
		free(sa); /* an empty pair or peer is found again, or freed at the end */
		return NULL;
	}
	sa_key(&i->e.id, &sa->key);
	sa->in = in;
	sa->reqid = i->e.r.reqid;
	if (in)
		sa->pair->n_in++;
	else
		sa->pair->n_out++;
	sa->peer->n_sas++;
	HASH_ADD(hh, p->sas, key, sizeof(sa->key), sa);
	return sa;
}

struct poll *poll_new(void)
{
	return calloc(1, sizeof(struct poll));
}

void poll_forget(struct poll *p)
{
	struct poll_sa *sa, *next_sa;
	struct poll_pair *pair, *next_pair;
	struct poll_peer *peer, *next_peer;

	HASH_ITER(hh, p->sas, sa, next_sa) {
		HASH_DEL(p->sas, sa);
		free(sa);
	}
	HASH_ITER(hh, p->pairs, pair, next_pair) {
		HASH_DEL(p->pairs, pair);
		free(pair);
	}
	HASH_ITER(hh, p->peers, peer, next_peer) {
		HASH_DEL(p->peers, peer);
		free(peer);
	}
	*p = (struct poll){ 0 };
}

void poll_free(struct poll *p)
{
	if (!p)
		return;
	poll_forget(p);
	free(p);
}

/* ---- a look -------------------------------------------------------------------- */

void poll_begin(struct poll *p, mono_t before)
{
	p->prev_before = p->before;
	p->before = before;
	p->complete = false;
	for (struct poll_sa *sa = p->sas; sa; sa = sa->hh.next)
		sa->seen = false;
	for (struct poll_pair *pair = p->pairs; pair; pair = pair->hh.next) {
		pair->moved = pair->unsure = false;
		pair->packets_in = pair->packets_out = pair->bytes_in = pair->bytes_out = 0;
	}
	for (struct poll_peer *peer = p->peers; peer; peer = peer->hh.next)
		peer->in_moved = peer->out_moved = false;
}

static void sa_moved(struct poll_sa *sa)
{
	sa->pair->moved = true;
	if (sa->in)
		sa->peer->in_moved = true;
	else
		sa->peer->out_moved = true;
}

static void add_up(struct poll_sa *sa)
{
	if (sa->in) {
		sa->pair->packets_in += sa->packets;
		sa->pair->bytes_in += sa->bytes;
	} else {
		sa->pair->packets_out += sa->packets;
		sa->pair->bytes_out += sa->bytes;
	}
}

int poll_see(struct poll *p, const struct xfrm_sa_info *i, poll_rule_fn rule_of, void *ctx)
{
	bool out, in;
	struct poll_sa *sa;

	if (i->e.r.larval)
		return 0;
	out = rule_of(ctx, &i->e.id.dst, i->e.r.reqid);
	in = !out && rule_of(ctx, &i->e.r.src, i->e.r.reqid);
	if (!out && !in)
		return 0;
	sa = sa_find(p, &i->e.id);
	if (!sa)
		sa = sa_new(p, i, in);
	if (!sa)
		return -ENOMEM;
	/* A new SA that has counted already moved, too: its base is 0. */
	if (sa->packets != i->e.r.packets || sa->bytes != i->e.r.bytes)
		sa_moved(sa);
	sa->packets = i->e.r.packets;
	sa->bytes = i->e.r.bytes;
	sa->seen = true;
	sa->missing = false;
	add_up(sa);
	return 0;
}

/*
 * The notice of its death, with its last counters, may still be on its way: until the
 * next look the pair gets no verdict; then the SA counts as used to the last.
 */
static void sweep(struct poll *p)
{
	struct poll_sa *sa, *next;

	HASH_ITER(hh, p->sas, sa, next) {
		if (sa->seen)
			continue;
		if (!sa->missing) {
			sa->missing = true;
			sa->pair->unsure = true;
			continue;
		}
		sa_moved(sa);
		sa_drop(p, sa);
	}
}

static void end_episode(struct poll_peer *peer)
{
	peer->out_since = peer->fired = MONO_UNSET;
	peer->out_again = false;
	peer->repeat = 0;
}

/*
 * kernel.md §13: outbound counts as unanswered only if it surely moved after the last
 * inbound, that is, if the look before this one was not before that.
 */
static void peer_clock(struct poll *p, struct poll_peer *peer, mono_t after)
{
	mono_t ref = mono_max(peer->last_in, peer->heard);

	if (peer->out_moved)
		peer->last_out = after;
	if (peer->in_moved) {
		peer->last_in = after;
		end_episode(peer);
		return;
	}
	if (!peer->out_moved || mono_before(p->prev_before, ref))
		return;
	if (!mono_is_set(peer->out_since))
		peer->out_since = after;
	else if (mono_is_set(peer->fired))
		peer->out_again = true;
}

void poll_end(struct poll *p, mono_t after, bool complete)
{
	struct poll_pair *pair, *next_pair;
	struct poll_peer *peer, *next_peer;

	p->complete = complete;
	if (complete)
		sweep(p);
	HASH_ITER(hh, p->pairs, pair, next_pair) {
		if (!pair->n_in && !pair->n_out) {
			HASH_DEL(p->pairs, pair);
			free(pair);
		} else if (pair->moved) {
			pair->last = after;
			pair->told = false;
		}
	}
	HASH_ITER(hh, p->peers, peer, next_peer) {
		if (!peer->n_sas) {
			HASH_DEL(p->peers, peer);
			free(peer);
		} else {
			peer_clock(p, peer, after);
		}
	}
}

/* One that lived between two looks only: its pair may have others. */
static void gone_unseen(struct poll *p, const struct xfrm_sa_info *i, mono_t now)
{
	struct pair_key key;
	struct poll_pair *pair;

	if (!i->e.r.packets)
		return;
	pair = pair_find(p, &i->e.r.src, &i->e.id.dst, i->e.r.reqid, &key);
	if (!pair)
		pair = pair_find(p, &i->e.id.dst, &i->e.r.src, i->e.r.reqid, &key);
	if (!pair)
		return;
	pair->last = now;
	pair->told = false;
}

void poll_gone(struct poll *p, const struct xfrm_sa_info *i, mono_t now)
{
	struct poll_sa *sa = sa_find(p, &i->e.id);

	if (!sa) {
		gone_unseen(p, i, now);
		return;
	}
	if (sa->packets != i->e.r.packets || sa->bytes != i->e.r.bytes) {
		sa->pair->last = now;
		sa->pair->told = false;
		if (sa->in) {
			sa->peer->last_in = now;
			end_episode(sa->peer);
		} else {
			sa->peer->last_out = now;
		}
	}
	sa_drop(p, sa);
}

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
	struct poll_pair *pair = pair_find(p, &key->local, &key->peer, key->reqid, &k);

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
	struct poll_peer *peer = peer_find(p, &key->local, &key->peer, key->encap_port, &k);

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
	struct poll_peer *peer = peer_find(p, &key->local, &key->peer, key->encap_port, &k);

	if (!peer)
		return -ENOENT;
	if (!mono_before(peer->heard, when))
		return 0;
	peer->heard = when;
	end_episode(peer);
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
