// SPDX-License-Identifier: GPL-2.0-or-later
/* The poller's SAs, pairs and peers: how they are found, come and go. */
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/poll_impl.h"

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

struct poll_pair *poll_pair_find(struct poll *p, const struct addr *local, const struct addr *peer,
				 uint32_t reqid, struct pair_key *key)
{
	struct poll_pair *pair;

	memset(key, 0, sizeof(*key));
	key_addr(&key->local, local);
	key_addr(&key->peer, peer);
	key->reqid = reqid;
	HASH_FIND(hh, p->pairs, key, sizeof(*key), pair);
	return pair;
}

struct poll_peer *poll_peer_find(struct poll *p, const struct addr *local, const struct addr *peer,
				 uint16_t port, struct peer_key *key)
{
	struct poll_peer *found;

	memset(key, 0, sizeof(*key));
	key_addr(&key->local, local);
	key_addr(&key->peer, peer);
	key->port = port;
	HASH_FIND(hh, p->peers, key, sizeof(*key), found);
	return found;
}

struct poll_sa *poll_sa_find(struct poll *p, const struct kernel_sa_id *id)
{
	struct sa_key key;
	struct poll_sa *sa;

	sa_key(id, &key);
	HASH_FIND(hh, p->sas, &key, sizeof(key), sa);
	return sa;
}

/* ---- objects come and go ----------------------------------------------------- */

/* A pair exists exactly while it has an SA: make-before-break inherits its clock. */
void poll_sa_drop(struct poll *p, struct poll_sa *sa)
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
	struct poll_pair *pair = poll_pair_find(p, local, peer, reqid, &key);

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
	struct poll_peer *peer = poll_peer_find(p, local, addr, port, &key);

	if (peer)
		return peer;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->key = key;
	HASH_ADD(hh, p->peers, key, sizeof(peer->key), peer);
	return peer;
}

struct poll_sa *poll_sa_new(struct poll *p, const struct xfrm_sa_info *i, bool in)
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
