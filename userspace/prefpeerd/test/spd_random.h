/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random crypto maps over sixteen addresses, and what IOS would do with each
 * packet between them, asked entry by entry (semantics.md §4.1).
 */
#ifndef TEST_SPD_RANDOM_H
#define TEST_SPD_RANDOM_H

#include "prefpeerd/spd/reqid.h"
#include "prefpeerd/spd/spd.h"
#include "prefpeerd/test/fake_spd.h"

#define RANDOM_KINDS 6 /* of protocol and ports */
#define RANDOM_PACKETS (16 * 16 * RANDOM_KINDS)

enum { CLEAR = 0, BLOCKED = 1 }; /* else the reqid */

struct random_conf {
	struct config c;
	struct map maps[2], *map_ptrs[2];
	struct map_entry entries[2][3], *entry_ptrs[2][3];
	struct acl acls[2][3];
	struct acl_line lines[2][3][4];
	struct conf_peer peer;
	struct transform_set set;
	struct psk psk;
	char *wan;
};

uint32_t random_next(uint64_t *seed);
void random_conf_make(struct random_conf *r, uint64_t *seed);
/* Compiled, every line that may be pointed at the peer. */
struct spd *random_compile(const struct random_conf *r, struct reqid_table *t);
/* The nth packet, 0..RANDOM_PACKETS-1. */
struct packet random_packet(unsigned n);
struct packet packet_reverse(const struct packet *p);
/* What the kernel at f does. */
uint32_t kernel_decides(const struct fake_spd *f, enum policy_dir dir, const struct packet *p);
/* What IOS does with a packet that leaves; without the block against source NAT if !nat. */
uint32_t ios_decides(const struct random_conf *r, const struct spd *s, const struct packet *p,
		     bool nat);

#endif
