// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/curve.h"

static uint64_t ipow(uint64_t base, unsigned n)
{
	uint64_t v = 1;

	while (n--)
		v *= base;
	return v;
}

/* Waits 1, 3/2, 9/4 … as integers: n of them sum to 3^n - 2^n. */
static struct curve spread(uint64_t budget_us, unsigned n, bool fixed)
{
	struct curve c = { .n = n };
	uint64_t sum = 0, whole = fixed ? n : ipow(3, n) - ipow(2, n);

	for (unsigned i = 0; i < n; i++) {
		sum += fixed ? 1 : ipow(3, i) * ipow(2, n - 1 - i);
		c.at[i] = budget_us * sum / whole;
	}
	return c;
}

struct curve curve_budget(uint32_t budget_ms, uint32_t srtt_us, bool fixed)
{
	uint64_t least = (uint64_t)srtt_us * 3 / 2, budget_us = (uint64_t)budget_ms * 1000;
	unsigned n = CURVE_SENDINGS;
	struct curve c = spread(budget_us, n, fixed);

	while (n > 1 && c.at[0] < least)
		c = spread(budget_us, --n, fixed);
	return c;
}

struct curve curve_patient(void)
{
	struct curve c = { .n = CURVE_SENDINGS };
	uint64_t wait = 4000000, at = 0;

	for (unsigned i = 0; i < c.n; i++) {
		at += wait;
		c.at[i] = at;
		wait = wait * 9 / 5;
	}
	return c;
}
