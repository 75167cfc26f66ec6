/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a request is sent again, and when it is given up (semantics.md §3.3). Pure. */
#ifndef ENGINE_IKE_CURVE_H
#define ENGINE_IKE_CURVE_H

#include <stdbool.h>
#include <stdint.h>

#define CURVE_SENDINGS 6 /* Cisco's request and five retransmissions */

struct curve {
	/* From the first sending, in µs: at[i] is retransmission i+1, at[n-1] the end. */
	uint64_t at[CURVE_SENDINGS];
	unsigned n;
};

/*
 * Spread over @budget_ms: six waits, each 1.5 times the one before, or all
 * alike (@fixed). No wait under 1.5 round trips: then fewer are sent, and the
 * budget stands. @srtt_us 0 = not known.
 */
struct curve curve_budget(uint32_t budget_ms, uint32_t srtt_us, bool fixed);
/* Without DPD: 4 s × 1.8, five retries: 165 s. */
struct curve curve_patient(void);

#endif
