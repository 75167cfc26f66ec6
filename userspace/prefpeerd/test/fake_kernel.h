/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XFRM states in an array, behind the kernel port. Readings of peers are what
 * the test sets; calls can be made to fail. Policies are not kept.
 */
#ifndef TEST_FAKE_KERNEL_H
#define TEST_FAKE_KERNEL_H

#include "prefpeerd/kernel.h"

#define FAKE_SAS_MAX 2560 /* pairs of a thousand branches, and some that go */

struct fake_kernel {
	struct kernel port;
	struct kernel_sa sas[FAKE_SAS_MAX];
	uint64_t packets[FAKE_SAS_MAX];
	unsigned born[FAKE_SAS_MAX]; /* the order in which they came */
	unsigned n_sas;
	unsigned n_added, n_removed, n_replaced;
	int add_error;			 /* what the next sa_add returns, once; 0 = succeed */
	struct kernel_peer_reading peer; /* of every peer */
	struct kernel_pair_reading pair; /* of every pair */
	unsigned n_peer_reads;
	/*
	 * As 6.1 has it: packets_in moved since the reading before is all there is to
	 * see, and peer.last_in becomes the instant of the reading, by counts_now.
	 */
	mono_t (*counts_now)(void *ctx); /* NULL: peer is exact */
	void *counts_ctx;
	unsigned packets_in, packets_in_seen;
};

void fake_kernel_init(struct fake_kernel *k);
/* NULL when there is none. */
const struct kernel_sa *fake_kernel_sa(const struct fake_kernel *k, uint32_t spi);
/* A packet goes through that SA. True: it is its soft end, which is said once. */
bool fake_kernel_carry(struct fake_kernel *k, uint32_t spi);
/* The SA that the next packet of that reqid takes: the newest. NULL: none. */
const struct kernel_sa *fake_kernel_out(const struct fake_kernel *k, uint32_t reqid);
unsigned fake_kernel_count(const struct fake_kernel *k, enum sa_dir dir);

#endif
