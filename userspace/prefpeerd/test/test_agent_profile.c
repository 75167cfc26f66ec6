// SPDX-License-Identifier: GPL-2.0-or-later
/* Peers of one list, each by a profile of its own, on the real engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeerd/test/entry_branch.h"

#define CONF(global, dpd) \
	"crypto ikev2 keyring K\n peer one\n  address 10.1.1.1\n  pre-shared-key secret\n" \
	"crypto isakmp key secret address 10.2.2.2\n" global \
	"crypto ikev2 profile P\n authentication local pre-share\n" \
	" authentication remote pre-share\n keyring local K\n" dpd \
	"crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"crypto map tohub 1 ipsec-isakmp\n set peer 10.1.1.1 ikev2-profile P\n" \
	" set peer 10.2.2.2\n set transform-set T\n match address 101\n" \
	"interface wan\n crypto map tohub\n"

/* How long a silent hub is thought alive: from 10.1.1.1's death to the next peer's SAs. */
static int64_t noticed_in(struct branch *b)
{
	mono_t cut;

	branch_traffic_ms(b, 0, 15000, 100);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	b->hubs[0].cut = true;
	cut = b->clock.now;
	while (!strcmp(branch_state(b), "UP 10.1.1.1"))
		branch_traffic_ms(b, 0, 100, 100);
	return mono_diff_ms(b->clock.now, cut);
}

/* By its profile 20 s and 3 s, whatever the rest of the file says. */
static void dpd_of_a_profile(void **state)
{
	struct branch *b = branch_new(CONF("crypto ikev2 dpd 10 2 periodic\n", ""), 2);

	assert_in_range(noticed_in(b), 21800, 22200);
	branch_free(b);
	b = branch_new(CONF("crypto ikev2 dpd 10 2 periodic\n", " dpd 20 3 periodic\n"), 2);
	assert_in_range(noticed_in(b), 37800, 38200);
	branch_free(b);
	b = branch_new(CONF("", " dpd 20 3 periodic\n"), 2);
	assert_in_range(noticed_in(b), 37800, 38200);
	branch_free(b);
}

/* On-demand: the module is told of that peer's interval, and of none for the other. */
static void rules_of_a_profile(void **state)
{
	struct branch *b = branch_new(CONF("", " dpd 30 3 on-demand\n"), 2);

	assert_int_equal(b->n_rules, 2);
	assert_int_equal(b->rules[0].r.one_way_ms, 30000);
	assert_int_equal(b->rules[1].r.one_way_ms, 0);
	branch_reload(b, CONF("crypto ikev2 dpd 11 2 on-demand\n", ""));
	assert_int_equal(b->rules[0].r.one_way_ms, 11000);
	assert_int_equal(b->rules[1].r.one_way_ms, 11000);
	branch_free(b);
}

/* What `map show` promises is of the peer in use. */
static void view_of_a_profile(void **state)
{
	struct branch *b = branch_new(CONF("crypto ikev2 dpd 10 2 periodic\n",
					   " dpd 20 3 periodic\n"), 2);
	struct entry_view v = branch_view(b);

	assert_int_equal(v.dpd.interval_ms, 20000);
	assert_int_equal(v.dpd_budget_ms, 18000);
	assert_int_equal(v.notice_ms, 38000);
	entry_view_free(&v);
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dpd_of_a_profile),
		cmocka_unit_test(rules_of_a_profile),
		cmocka_unit_test(view_of_a_profile),
	};

	return cmocka_run_group_tests_name("agent: profile", tests, NULL, NULL);
}
