// SPDX-License-Identifier: GPL-2.0-or-later
/* A look at every SA, and what it tells of its pair and its peer. */
#include <errno.h>
#include <stdlib.h>

#include "prefpeerd/poll_impl.h"

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
	sa = poll_sa_find(p, &i->e.id);
	if (!sa)
		sa = poll_sa_new(p, i, in);
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
		poll_sa_drop(p, sa);
	}
}

void poll_end_episode(struct poll_peer *peer)
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
		poll_end_episode(peer);
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
	pair = poll_pair_find(p, &i->e.r.src, &i->e.id.dst, i->e.r.reqid, &key);
	if (!pair)
		pair = poll_pair_find(p, &i->e.id.dst, &i->e.r.src, i->e.r.reqid, &key);
	if (!pair)
		return;
	pair->last = now;
	pair->told = false;
}

void poll_gone(struct poll *p, const struct xfrm_sa_info *i, mono_t now)
{
	struct poll_sa *sa = poll_sa_find(p, &i->e.id);

	if (!sa) {
		gone_unseen(p, i, now);
		return;
	}
	if (sa->packets != i->e.r.packets || sa->bytes != i->e.r.bytes) {
		sa->pair->last = now;
		sa->pair->told = false;
		if (sa->in) {
			sa->peer->last_in = now;
			poll_end_episode(sa->peer);
		} else {
			sa->peer->last_out = now;
		}
	}
	poll_sa_drop(p, sa);
}
