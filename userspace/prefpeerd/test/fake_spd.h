/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy half of a kernel, in memory: one policy per direction and selector,
 * first match by priority, the older first among equals. Everything else of the
 * port answers -ENOSYS, dumps of SAs are empty.
 */
#ifndef TEST_FAKE_SPD_H
#define TEST_FAKE_SPD_H

#include "prefpeerd/kernel.h"

struct fake_policy {
	struct kernel_policy p;
	uint64_t pos;
};

struct fake_spd {
	struct kernel kernel; /* hand its address to the code under test */
	struct fake_policy *list;
	unsigned n, room;
	uint64_t next_pos;
	unsigned puts, dels;
	unsigned fail_put; /* the nth put from now fails with -EINVAL; 0 = none */
	/* After each change; may be NULL. */
	void (*changed)(void *ctx, struct fake_spd *f);
	void *ctx;
};

struct packet {
	struct addr src, dst;
	uint8_t proto;
	uint16_t sport, dport;
};

void fake_spd_init(struct fake_spd *f);
void fake_spd_fini(struct fake_spd *f);
bool packet_matches(const struct packet *p, const struct selector *s);
/* What a packet meets; NULL: no policy, it goes in clear. */
const struct kernel_policy *fake_spd_lookup(const struct fake_spd *f, enum policy_dir dir,
					    const struct packet *p);

#endif
