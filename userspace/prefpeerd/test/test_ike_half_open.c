// SPDX-License-Identifier: GPL-2.0-or-later
/* IKE SAs in negotiation that peers began: how many, from where (half_open.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/half_open.h"

static struct addr at(const char *fmt, unsigned n)
{
	char text[64];
	struct addr a;

	snprintf(text, sizeof(text), fmt, n);
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static enum half_open_verdict ask(const struct half_open *t, const char *fmt, unsigned n)
{
	struct addr a = at(fmt, n);

	return half_open_judge(t, HALF_OPEN_MAX, &a);
}

/* Those of one source, then of its neighbour. */
static void fill(struct half_open *t, const char *fmt, unsigned first, unsigned count,
		 unsigned each)
{
	for (unsigned i = first; i < first + count; i++)
		for (unsigned k = 0; k < each; k++) {
			struct addr a = at(fmt, i);

			assert_true(half_open_add(t, &a));
		}
}

static void empty(struct half_open *t, const char *fmt, unsigned first, unsigned count,
		  unsigned each)
{
	for (unsigned i = first; i < first + count; i++)
		for (unsigned k = 0; k < each; k++) {
			struct addr a = at(fmt, i);

			half_open_del(t, &a);
		}
}

static void a_source_is_an_address(void **state)
{
	struct half_open t = { 0 };

	fill(&t, "10.1.1.%u", 1, 1, HALF_OPEN_PER_SOURCE);
	assert_int_equal(ask(&t, "10.1.1.%u", 1), HALF_OPEN_SOURCE);
	assert_int_equal(ask(&t, "10.1.1.%u", 2), HALF_OPEN_ADMIT);
	empty(&t, "10.1.1.%u", 1, 1, 1);
	assert_int_equal(ask(&t, "10.1.1.%u", 1), HALF_OPEN_ADMIT);
	empty(&t, "10.1.1.%u", 1, 1, HALF_OPEN_PER_SOURCE - 1);
	assert_int_equal(t.n, 0);
	assert_null(t.counts);
}

static void a_source_is_a_64(void **state)
{
	struct half_open t = { 0 };

	fill(&t, "2001:db8:0:1::%x", 1, HALF_OPEN_PER_SOURCE, 1);
	assert_int_equal(ask(&t, "2001:db8:0:1::%x", 0xffff), HALF_OPEN_SOURCE);
	assert_int_equal(ask(&t, "2001:db8:0:2::%x", 1), HALF_OPEN_ADMIT);
	empty(&t, "2001:db8:0:1::%x", 1, HALF_OPEN_PER_SOURCE, 1);
	assert_null(t.counts);
}

/* 32 addresses of a /24 fill a quarter of 1,000 at eight each; the next /24 has its own. */
static void a_network_has_a_quarter(void **state)
{
	struct half_open t = { 0 };

	fill(&t, "10.1.1.%u", 0, 31, 8);
	fill(&t, "10.1.1.%u", 100, 2, 1);
	assert_int_equal(ask(&t, "10.1.1.%u", 200), HALF_OPEN_NETWORK);
	assert_int_equal(ask(&t, "10.1.2.%u", 200), HALF_OPEN_ADMIT);
	empty(&t, "10.1.1.%u", 100, 1, 1);
	assert_int_equal(ask(&t, "10.1.1.%u", 200), HALF_OPEN_ADMIT);
	empty(&t, "10.1.1.%u", 101, 1, 1);
	empty(&t, "10.1.1.%u", 0, 31, 8);
	assert_null(t.counts);
}

static void a_network_is_a_48(void **state)
{
	struct half_open t = { 0 };

	fill(&t, "2001:db8:0:%x::1", 0, HALF_OPEN_MAX / 4, 1);
	assert_int_equal(ask(&t, "2001:db8:0:%x::1", 0xffff), HALF_OPEN_NETWORK);
	assert_int_equal(ask(&t, "2001:db8:1:%x::1", 0), HALF_OPEN_ADMIT);
	empty(&t, "2001:db8:0:%x::1", 0, HALF_OPEN_MAX / 4, 1);
	assert_null(t.counts);
}

static void all_together(void **state)
{
	struct half_open t = { 0 };

	for (unsigned net = 1; net <= 4; net++) {
		char fmt[] = "10.1.0.%u";

		fmt[5] = (char)('0' + net);
		fill(&t, fmt, 1, HALF_OPEN_MAX / 4, 1);
	}
	assert_int_equal(t.n, HALF_OPEN_MAX);
	assert_int_equal(ask(&t, "10.9.9.%u", 1), HALF_OPEN_TOTAL);
	for (unsigned net = 1; net <= 4; net++) {
		char fmt[] = "10.1.0.%u";

		fmt[5] = (char)('0' + net);
		empty(&t, fmt, 1, HALF_OPEN_MAX / 4, 1);
	}
	assert_null(t.counts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_is_an_address),
		cmocka_unit_test(a_source_is_a_64),
		cmocka_unit_test(a_network_has_a_quarter),
		cmocka_unit_test(a_network_is_a_48),
		cmocka_unit_test(all_together),
	};

	return cmocka_run_group_tests_name("IKE SAs in negotiation, by where they come from",
					   tests, NULL, NULL);
}
