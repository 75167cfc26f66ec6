// SPDX-License-Identifier: GPL-2.0-or-later
/* Which reverse routes an entry wants (semantics.md §4.7), on the real engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeerd/test/entry_branch.h"

#define CONF(rri) \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto isakmp key secret address 10.2.2.2\n" \
	"crypto ikev2 dpd 10 2 periodic\n" \
	"crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.3.0 0.0.0.255\n" \
	"crypto map tohub 1 ipsec-isakmp\n" rri \
	" set peer 10.1.1.1 default\n set peer 10.2.2.2\n set transform-set T\n" \
	" match address 101\n" \
	"interface wan\n crypto map tohub\n"

/* "192.168.2.0/24 10.1.1.1", one after the other */
static const char *wanted(const struct branch *b)
{
	static char text[512];
	char dst[PREFIX_STRLEN], peer[ADDR_STRLEN];

	*text = '\0';
	for (unsigned i = 0; i < b->n_routes; i++) {
		size_t at = strlen(text);

		snprintf(text + at, sizeof(text) - at, "%s%s %s", at ? ", " : "",
			 prefix_print(&b->routes[i].dst, dst, sizeof(dst)),
			 addr_print(&b->routes[i].peer, peer, sizeof(peer)));
	}
	return text;
}

static void until(struct branch *b, const char *state)
{
	for (unsigned i = 0; i < 600 && strcmp(branch_state(b), state); i++)
		branch_traffic_ms(b, 0, 100, 100);
	assert_string_equal(branch_state(b), state);
}

static void plain_while_there_are_sas(void **state)
{
	struct branch *b = branch_new(CONF(" reverse-route\n"), 2);

	assert_int_equal(b->n_routes_told, 1); /* so that those of an earlier run go */
	assert_string_equal(wanted(b), "");
	until(b, "UP 10.1.1.1");
	assert_string_equal(wanted(b), "192.168.2.0/24 10.1.1.1");
	branch_traffic_ms(b, 1, 1000, 100);
	assert_string_equal(wanted(b), "192.168.3.0/24 10.1.1.1, 192.168.2.0/24 10.1.1.1");
	b->hubs[0].cut = true;
	until(b, "DOWN 10.1.1.1");
	assert_string_equal(wanted(b), "");
	until(b, "UP 10.2.2.2");
	assert_string_equal(wanted(b), "192.168.2.0/24 10.2.2.2");
	branch_free(b);
}

static void static_at_any_time(void **state)
{
	struct branch *b = branch_new(CONF(" reverse-route static\n"), 2);
	unsigned told;

	assert_string_equal(wanted(b), "192.168.2.0/24 10.1.1.1, 192.168.3.0/24 10.1.1.1");
	b->fewest_routes = 99;
	until(b, "UP 10.1.1.1");
	told = b->n_routes_told;
	b->hubs[0].cut = true;
	until(b, "DOWN 10.1.1.1");
	assert_int_equal(b->n_routes_told, told); /* as before */
	until(b, "UP 10.2.2.2");
	assert_string_equal(wanted(b), "192.168.2.0/24 10.2.2.2, 192.168.3.0/24 10.2.2.2");
	assert_int_equal(b->fewest_routes, 2);
	branch_reload(b, CONF(""));
	assert_string_equal(wanted(b), "");
	branch_free(b);
}

/* The hub comes back by itself: its pair is there before the other's goes. */
static void plain_on_a_move(void **state)
{
	struct branch *b = branch_new(CONF(" reverse-route\n"), 2);

	b->hubs[0].cut = true;
	until(b, "UP 10.2.2.2");
	b->hubs[0].cut = false;
	b->fewest_routes = 99;
	branch_called(b, 0, 0);
	until(b, "UP 10.1.1.1");
	assert_string_equal(wanted(b), "192.168.2.0/24 10.1.1.1");
	assert_int_equal(b->fewest_routes, 1);
	branch_free(b);
}

static void restart_keeps_the_route(void **state)
{
	struct branch *b = branch_new(CONF(" reverse-route\n"), 2);

	until(b, "UP 10.1.1.1");
	b->fewest_routes = 99;
	branch_restart(b, CONF(" reverse-route\n"));
	branch_traffic_ms(b, 0, 3000, 100);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	assert_string_equal(wanted(b), "192.168.2.0/24 10.1.1.1");
	assert_int_equal(b->fewest_routes, 1);
	branch_free(b);
}

static void next_hop_and_the_peer_itself(void **state)
{
	struct branch *b = branch_new(CONF(" reverse-route remote-peer 10.0.0.9 gateway static\n"
					   " set reverse-route distance 7\n"), 2);
	char via[ADDR_STRLEN];

	assert_string_equal(wanted(b), "192.168.2.0/24 10.1.1.1, 10.1.1.1 10.1.1.1, "
				       "192.168.3.0/24 10.1.1.1");
	assert_string_equal(addr_print(&b->routes[1].via, via, sizeof(via)), "10.0.0.9");
	assert_int_equal(b->routes[0].metric, 7);
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_while_there_are_sas),
		cmocka_unit_test(static_at_any_time),
		cmocka_unit_test(plain_on_a_move),
		cmocka_unit_test(restart_keeps_the_route),
		cmocka_unit_test(next_hop_and_the_peer_itself),
	};

	return cmocka_run_group_tests_name("reverse routes", tests, NULL, NULL);
}
