/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to poll*.c: what is known of SAs, pairs and peers between two looks. */
#ifndef PREFPEERD_POLL_IMPL_H
#define PREFPEERD_POLL_IMPL_H

#include "prefpeerd/kernel_impl.h"

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

/* poll_table.c. The finders leave the key that they looked for in *key. */
struct poll_pair *poll_pair_find(struct poll *p, const struct addr *local, const struct addr *peer,
				 uint32_t reqid, struct pair_key *key);
struct poll_peer *poll_peer_find(struct poll *p, const struct addr *local, const struct addr *peer,
				 uint16_t port, struct peer_key *key);
struct poll_sa *poll_sa_find(struct poll *p, const struct kernel_sa_id *id);
struct poll_sa *poll_sa_new(struct poll *p, const struct xfrm_sa_info *i, bool in);
void poll_sa_drop(struct poll *p, struct poll_sa *sa);

/* poll.c: what went out was answered. */
void poll_end_episode(struct poll_peer *peer);

#endif
