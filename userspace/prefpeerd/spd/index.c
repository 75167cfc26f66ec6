// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "prefpeerd/spd/index.h"

/* Hashed and compared as bytes: without padding, and without what a family does not use. */
struct prefix_key {
	uint8_t bytes[16];
	uint8_t family, len;
};

struct key {
	struct prefix_key src, dst;
	struct port_range sport, dport;
	uint8_t proto, dir;
};

_Static_assert(sizeof(struct key) == 46, "a key has no padding");

struct spd_index_node {
	struct key key;
	void *at;
	UT_hash_handle hh;
};

static struct prefix_key prefix_key(const struct prefix *p)
{
	struct prefix_key k = { .family = (uint8_t)p->addr.family, .len = p->len };

	memcpy(k.bytes, p->addr.bytes, addr_len(&p->addr));
	return k;
}

static struct key make_key(enum policy_dir dir, const struct selector *sel)
{
	return (struct key){
		.src = prefix_key(&sel->src),
		.dst = prefix_key(&sel->dst),
		.sport = sel->sport,
		.dport = sel->dport,
		.proto = sel->proto,
		.dir = (uint8_t)dir,
	};
}

static struct spd_index_node *find(const struct spd_index *x, const struct key *key)
{
	struct spd_index_node *n;

	HASH_FIND(hh, x->nodes, key, sizeof(*key), n);
	return n;
}

void *spd_index_get(const struct spd_index *x, enum policy_dir dir, const struct selector *sel)
{
	struct key key = make_key(dir, sel);
	struct spd_index_node *n = find(x, &key);

	return n ? n->at : NULL;
}

int spd_index_put(struct spd_index *x, enum policy_dir dir, const struct selector *sel, void *at)
{
	struct key key = make_key(dir, sel);
	struct spd_index_node *n;

	if (find(x, &key))
		return 0;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->key = key;
	n->at = at;
	HASH_ADD(hh, x->nodes, key, sizeof(n->key), n);
	return 0;
}

void spd_index_clear(struct spd_index *x)
{
	struct spd_index_node *n, *next;

	HASH_ITER(hh, x->nodes, n, next) {
		HASH_DEL(x->nodes, n);
		free(n);
	}
}
