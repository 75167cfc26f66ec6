// SPDX-License-Identifier: GPL-2.0-or-later
/* What is taken, and what covers a selector: as a look at all of them says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeerd/spd/taken.h"
#include "prefpeerd/test/spd_random.h"

#define MANY 60
#define ROUNDS 300

static struct prefix random_prefix(uint64_t *seed, sa_family_t family)
{
	static const uint8_t lens[] = { 0, 1, 7, 8, 12, 24, 31, 32 };
	struct addr a = { .family = family };

	/* Few bits differ, or nothing would ever contain anything. */
	a.bytes[0] = (uint8_t)(random_next(seed) & 0x81);
	a.bytes[1] = (uint8_t)(random_next(seed) & 0x10);
	a.bytes[3] = (uint8_t)(random_next(seed) & 0x01);
	return prefix_around(&a, lens[random_next(seed) % 8]);
}

static struct selector random_selector(uint64_t *seed)
{
	static const struct port_range ports[] = { { 0, 65535 }, { 500, 500 }, { 0, 1023 } };
	sa_family_t family = random_next(seed) % 4 ? AF_INET : AF_INET6;
	struct selector s = selector_any(family);

	s.src = random_prefix(seed, family);
	s.dst = random_prefix(seed, family);
	s.proto = random_next(seed) % 3 ? 0 : IPPROTO_UDP;
	if (s.proto)
		s.dport = ports[random_next(seed) % 3];
	return s;
}

static bool one_contains(const struct selector *all, unsigned n, const struct selector *s)
{
	for (unsigned i = 0; i < n; i++)
		if (selector_contains(&all[i], s))
			return true;
	return false;
}

static const struct selector *first_equal(const struct selector *all, unsigned n,
					  const struct selector *s)
{
	for (unsigned i = 0; i < n; i++)
		if (selector_equal(&all[i], s))
			return &all[i];
	return NULL;
}

static void as_a_look_at_all(void **state)
{
	unsigned covered = 0, uncovered = 0, equal = 0;
	uint64_t seed = 7;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct selector all[MANY];
		struct spd_taken t = { 0 };

		for (unsigned n = 0; n < MANY; n++) {
			struct selector s = random_selector(&seed);
			bool want = one_contains(all, n, &s);

			assert_int_equal(spd_taken_covers(&t, &s), want);
			assert_ptr_equal(spd_taken_by(&t, &s), first_equal(all, n, &s));
			covered += want;
			uncovered += !want;
			equal += first_equal(all, n, &s) != NULL;
			all[n] = s;
			assert_int_equal(spd_taken_put(&t, &s, &all[n]), 0);
		}
		assert_int_equal(t.n, MANY);
		spd_taken_clear(&t);
	}
	/* Each was asked often enough to prove something. */
	assert_true(covered > 1000 && uncovered > 1000 && equal > 100);
}

/* Bits that a selector's bytes may have, but its meaning has not. */
static void a_key_is_its_meaning(void **state)
{
	struct selector a, b;
	struct spd_index x = { 0 };
	int at;

	memset(&a, 0, sizeof(a));
	memset(&b, 0xff, sizeof(b));
	a.src.addr.family = a.dst.addr.family = b.src.addr.family = b.dst.addr.family = AF_INET;
	b.src.addr.v4 = b.dst.addr.v4 = a.src.addr.v4;
	b.src.len = b.dst.len = a.src.len;
	b.proto = a.proto;
	b.sport = b.dport = a.sport;
	assert_true(selector_equal(&a, &b));
	assert_int_equal(spd_index_put(&x, POLICY_IN, &a, &at), 0);
	assert_ptr_equal(spd_index_get(&x, POLICY_IN, &b), &at);
	assert_null(spd_index_get(&x, POLICY_OUT, &b));
	spd_index_clear(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "as a look at all selectors says", as_a_look_at_all, NULL, NULL, NULL },
		{ "a key is what the selector means", a_key_is_its_meaning, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("spd: taken selectors", tests, NULL, NULL);
}
