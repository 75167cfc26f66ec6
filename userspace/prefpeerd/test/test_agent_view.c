/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `map show` promises and warns of, on the real configuration and engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "prefpeerd/test/entry_branch.h"

#define KEYS \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto isakmp key secret address 10.2.2.2\n" \
	"crypto isakmp key secret address 10.3.3.3\n"
#define DPD "crypto ikev2 dpd 10 2 periodic\n"
#define SET "crypto ipsec transform-set T esp-gcm 256\n"
#define ACL "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"
#define MAP "crypto map tohub 1 ipsec-isakmp\n"
#define TWO " set peer 10.1.1.1 default\n set peer 10.2.2.2\n"
#define THREE TWO " set peer 10.3.3.3\n"
#define WHOLE " set transform-set T\n match address 101\n"
#define WAN "interface wan\n crypto map tohub\n"

struct promise {
	uint32_t notice, retry, further;
};

static void promises(struct branch *b, struct promise want)
{
	struct entry_view v = branch_view(b);

	assert_int_equal(v.notice_ms, want.notice);
	assert_int_equal(v.retry_default_ms, want.retry);
	assert_int_equal(v.further_ms, want.further);
	assert_int_equal(v.failover_ms, want.notice + want.retry);
	entry_view_free(&v);
}

/* The default is asked briefly only where it is the one that has just died. */
static void default_or_not(void **state)
{
	struct branch *b = branch_new(KEYS DPD SET ACL MAP THREE WHOLE WAN, 3);

	promises(b, (struct promise){ 22000, 2000, 12000 });
	b->hubs[0].cut = true;
	branch_traffic_ms(b, 0, 20000, 100);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	promises(b, (struct promise){ 22000, 12000, 12000 });
	branch_free(b);
}

static void two_peers(void **state)
{
	struct branch *b = branch_new(KEYS DPD SET ACL MAP TWO WHOLE WAN, 2);

	promises(b, (struct promise){ 22000, 2000, 0 });
	branch_free(b);
}

/* Two looks, INTERVAL/8 apart, find the first unanswered packet; a third is the verdict. */
static void on_demand(void **state)
{
	struct branch *b = branch_new(
		KEYS "crypto ikev2 dpd 10 2 on-demand\n" SET ACL MAP TWO WHOLE WAN, 2);

	promises(b, (struct promise){ 22000 + 3250, 2000, 0 });
	branch_free(b);
	b = branch_new(KEYS "crypto ikev2 dpd milliseconds 500 50 on-demand\n" SET ACL MAP TWO
			       WHOLE WAN, 2);
	promises(b, (struct promise){ 800 + 230, 250, 0 });
	branch_free(b);
}

static void connect_timeout(void **state)
{
	struct branch *b = branch_new(
		KEYS DPD SET ACL MAP THREE " set ikev2 connect-timeout 30\n" WHOLE WAN, 3);

	promises(b, (struct promise){ 22000, 30000, 30000 });
	branch_free(b);
}

/* What it says it does is what the policies do. */
static void warns(const char *conf, const char *why, bool blocks)
{
	struct branch *b = branch_new(conf, 2);
	struct entry_view v = branch_view(b);

	if (why)
		assert_string_equal(v.incomplete, why);
	else
		assert_null(v.incomplete);
	assert_int_equal(v.blocks, blocks);
	assert_int_equal(v.n_lines && v.lines[0].blocked, blocks);
	entry_view_free(&v);
	branch_free(b);
}

static void incomplete(void **state)
{
	warns(KEYS SET ACL MAP TWO WHOLE WAN, NULL, false);
	warns(KEYS SET MAP TWO " set transform-set T\n" WAN, "it has no access list", false);
	warns(KEYS SET ACL MAP TWO WHOLE, "its map stands on no interface", false);
	warns(KEYS SET "access-list 101 deny ip any any\n" MAP TWO WHOLE WAN,
	      "its access list permits nothing", false);
	warns(SET ACL MAP TWO WHOLE WAN, "none of its peers has a pre-shared key", true);
	warns(KEYS ACL MAP TWO " match address 101\n" WAN, "it has no transform set", true);
	warns(KEYS SET ACL MAP WHOLE WAN, "it has no peer", true);
}

static void why(struct branch *b, const char *sentence)
{
	struct entry_view v = branch_view(b);

	assert_string_equal(v.sentence, sentence);
	entry_view_free(&v);
}

/* Nothing asks for a tunnel then, so nothing else would say it. */
static void no_address(void **state)
{
	struct branch *b = branch_new(KEYS DPD SET ACL MAP TWO WHOLE WAN, 2);

	why(b, "no packet has asked for it yet");
	b->no_route = true;
	why(b, "no peer can be reached from here: no route to 10.1.1.1");
	b->no_route = false;
	branch_traffic_ms(b, 0, 2000, 100);
	why(b, "the default peer answered");
	b->no_route = true;
	entries_local_changed(b->entries, b->clock.now);
	why(b, "local address 10.0.0.2 lost: no route to 10.1.1.1");
	branch_free(b);
}

static void several_interfaces(void **state)
{
	struct branch *b = branch_new(
		KEYS DPD SET ACL MAP TWO WHOLE WAN "interface wan1\n crypto map tohub\n", 2);

	branch_traffic_ms(b, 0, 2000, 100);
	why(b, "the default peer answered; local address 10.0.0.2");
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the default's budget is short only when it died itself", default_or_not, NULL,
		  NULL, NULL },
		{ "two peers have no further one", two_peers, NULL, NULL, NULL },
		{ "on-demand DPD: its looks are in the promise", on_demand, NULL, NULL, NULL },
		{ "connect-timeout is in the promise", connect_timeout, NULL, NULL, NULL },
		{ "case 4: what is missing, and whether it blocks", incomplete, NULL, NULL, NULL },
		{ "no local address: why it is down", no_address, NULL, NULL, NULL },
		{ "a map on several interfaces: by which it is up", several_interfaces, NULL, NULL,
		  NULL },
	};

	return cmocka_run_group_tests_name("agent: what map show promises", tests, NULL, NULL);
}
