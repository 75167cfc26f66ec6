/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cases of semantics.md §13 as a person reads them in `prefpeer monitor` and
 * `prefpeer map show`: what happened, why, what comes next, in one line each.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeerd/test/view_help.h"

#define KEYS \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto isakmp key secret address 10.2.2.2\n" \
	"crypto isakmp key secret address 10.3.3.3\n"
#define SET "crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n"
#define WHOLE(acl) " set transform-set T\n match address " acl "\n"
#define TWO_LINES \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.3.0 0.0.0.255\n"
#define WAN "interface wan\n crypto map tohub\n"
#define CONF(dpd, peers, idle) \
	KEYS "crypto ikev2 dpd " dpd "\n" SET TWO_LINES \
	"crypto map tohub 1 ipsec-isakmp\n" peers idle WHOLE("101") WAN
#define SHARED \
	KEYS "crypto ikev2 dpd 10 2 periodic\n" SET \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"access-list 102 permit ip 192.168.1.0 0.0.0.255 192.168.3.0 0.0.0.255\n" \
	"crypto map tohub 1 ipsec-isakmp\n" HOME IDLE120 WHOLE("101") \
	"crypto map tohub 2 ipsec-isakmp\n" HOME IDLE120 WHOLE("102") WAN
#define HOME " set peer 10.1.1.1 default\n set peer 10.2.2.2\n"
#define PLAIN " set peer 10.1.1.1\n set peer 10.2.2.2\n"
#define THREE HOME " set peer 10.3.3.3\n"
#define NAMED " set peer hub.example dynamic default\n set peer 10.2.2.2\n"
#define IDLE120 " set security-association idle-time 120 default\n"
#define PERIODIC "10 2 periodic"

#define ASKED "packet 192.168.1.10 → 192.168.2.10"
#define DEAD "dead: 6 requests unanswered in 12.0 s"
#define FIRST_UP \
	"tohub 1 DOWN → WALK 10.1.1.1 " ASKED "\n" \
	"tohub 1 WALK → UP 10.1.1.1 in SPI out SPI\n"
#define SECOND_UP \
	"tohub 1 DOWN → WALK 10.1.1.1 " ASKED "\n" \
	"tohub 1 WALK 10.1.1.1 → 10.2.2.2 no answer in 12.0 s\n" \
	"tohub 1 WALK → UP 10.2.2.2 in SPI out SPI\n" \
	"tohub 1 current peer 10.1.1.1 → 10.2.2.2 no answer in 12.0 s\n"

static struct branch *up_on_second(const char *conf)
{
	struct branch *b = view_branch(conf, 2);

	b->hubs[0].cut = true;
	branch_send(b, 0);
	branch_run_ms(b, 13000);
	b->hubs[0].cut = false;
	view_monitor(b, SECOND_UP);
	return b;
}

static struct branch *up_on_first(const char *conf)
{
	struct branch *b = view_branch(conf, 2);

	branch_traffic_ms(b, 0, 1000, 100);
	view_monitor(b, FIRST_UP);
	return b;
}

static void until_down(struct branch *b)
{
	while (strncmp(branch_state(b), "DOWN", 4))
		branch_run_ms(b, 100);
}

/* ---- failover and the way home ------------------------------------------------ */

static void failover(void **state)
{
	struct branch *b = view_branch(CONF(PERIODIC, HOME, IDLE120), 2);

	view_shows(b, "tohub 1 DOWN for 00:00:00 next attempt 10.1.1.1, with the next packet\n"
		      "why no packet has asked for it yet\n"
		      "peers 10.1.1.1 default current not tried yet\n");
	branch_traffic_ms(b, 0, 5000, 100);
	view_monitor(b, FIRST_UP);
	view_shows(b, "tohub 1 UP 10.1.1.1 for 00:00:04 next attempt 10.1.1.1\n"
		      "why the default peer answered\n"
		      "peers 10.1.1.1 default current heard 4.9 s ago, round trip 20.0 ms\n");
	b->hubs[0].cut = true;
	until_down(b);
	branch_send(b, 0);
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN " DEAD "; next attempt 10.1.1.1\n"
			"tohub 1 DOWN → WALK 10.1.1.1 " ASKED "\n");
	view_shows(b, "tohub 1 WALK 10.1.1.1 for 00:00:00 next attempt 10.1.1.1\n"
		      "why " ASKED " asked for it\n"
		      "peers 10.1.1.1 default current being tried, for at most 2.0 s\n");
	branch_traffic_ms(b, 0, 3000, 100);
	view_monitor(b, "tohub 1 WALK 10.1.1.1 → 10.2.2.2 no answer in 2.0 s\n"
			"tohub 1 WALK → UP 10.2.2.2 in SPI out SPI, gap 24.0 s\n"
			"tohub 1 current peer 10.1.1.1 → 10.2.2.2 " DEAD "\n");
	view_shows(b, "why it answered; 10.1.1.1: no answer in 2.0 s\n"
		      "peers 10.1.1.1 default 1.0 s ago: no answer in 2.0 s\n");
	b->hubs[0].cut = false;
	until_down(b);
	view_monitor(b, "tohub 1 UP 10.2.2.2 → DOWN idle for 120 s; next attempt 10.1.1.1\n");
	view_shows(b, "tohub 1 DOWN for 00:00:00 next attempt 10.1.1.1, with the next packet\n"
		      "why idle for 120 s\n");
	branch_run_ms(b, 3600000);
	branch_send(b, 0);
	branch_run_ms(b, 200);
	/* An hour without a packet is no gap. */
	view_monitor(b, FIRST_UP "tohub 1 current peer 10.2.2.2 → 10.1.1.1 idle for 120 s\n");
	branch_free(b);
}

static void without_default(void **state)
{
	struct branch *b = up_on_first(
		CONF(PERIODIC, PLAIN, " set security-association idle-time 120\n"));

	b->hubs[0].cut = true;
	until_down(b);
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN " DEAD "; next attempt 10.2.2.2\n");
	view_shows(b, "tohub 1 DOWN for 00:00:00 next attempt 10.2.2.2, with the next packet\n"
		      "why " DEAD "\n"
		      "peers 10.1.1.1 current 0.0 s ago: " DEAD "\n");
	branch_send(b, 0);
	branch_run_ms(b, 200);
	view_skip(b);
	view_shows(b, "why it answered; 10.1.1.1: " DEAD "\n");
	until_down(b);
	view_monitor(b, "tohub 1 UP 10.2.2.2 → DOWN idle for 120 s; next attempt 10.2.2.2\n");
	branch_free(b);
}

static void nobody_answers(void **state)
{
	struct branch *b = view_branch(CONF(PERIODIC, THREE, ""), 3);

	b->hubs[0].cut = b->hubs[1].cut = b->hubs[2].cut = true;
	branch_traffic_ms(b, 0, 13000, 100);
	/* Of whom it is said, for another is being tried by now. */
	view_shows(b, "tohub 1 WALK 10.2.2.2 for 00:00:01 next attempt 10.1.1.1\n"
		      "why 10.1.1.1: no answer in 12.0 s\n");
	branch_traffic_ms(b, 0, 23100, 100);
	view_monitor(b, "tohub 1 DOWN → WALK 10.1.1.1 " ASKED "\n"
			"tohub 1 WALK 10.1.1.1 → 10.2.2.2 no answer in 12.0 s\n"
			"tohub 1 WALK 10.2.2.2 → 10.3.3.3 no answer in 12.0 s\n"
			"tohub 1 line 1 " ASKED "; waits for the walk\n"
			"tohub 1 WALK → BACKOFF no peer of the list came up; the last, 10.3.3.3: no answer in 12.0 s; again in 749 ms; next attempt 10.1.1.1\n"
			"tohub 1 line 1 " ASKED "; waits for the end of the back-off\n");
	view_shows(b, "why no peer of the list came up; the last, 10.3.3.3: no answer in 12.0 s\n"
		      "line 1 permit 192.168.1.0/24 → 192.168.2.0/24 down, wanted\n");
	b->hubs[0].cut = false;
	branch_run_ms(b, 1000);
	view_monitor(b, "tohub 1 BACKOFF → WALK 10.1.1.1 back-off over, packets ask for it\n"
			"tohub 1 WALK → UP 10.1.1.1 in SPI out SPI\n");
	branch_free(b);
}

static void nobody_asks_again(void **state)
{
	struct branch *b = view_branch(CONF(PERIODIC, HOME, ""), 2);

	b->hubs[0].cut = b->hubs[1].cut = true;
	branch_send(b, 0);
	branch_run_ms(b, 24500);
	view_skip(b);
	branch_run_ms(b, 1000);
	view_monitor(b, "tohub 1 BACKOFF → DOWN back-off over, and no packet asked for it since; next attempt 10.1.1.1\n");
	branch_free(b);
}

static void wrong_key(void **state)
{
	struct branch *b = view_branch(
		"crypto isakmp key wrong address 10.1.1.1\n" SET TWO_LINES
		"crypto map tohub 1 ipsec-isakmp\n set peer 10.1.1.1\n" WHOLE("101") WAN, 1);

	branch_send(b, 0);
	branch_run_ms(b, 200);
	view_monitor(b, "tohub 1 DOWN → WALK 10.1.1.1 " ASKED "\n"
			"tohub 1 WALK → BACKOFF no peer of the list came up; the last, 10.1.1.1: IKE_AUTH answered with AUTHENTICATION_FAILED; again in 749 ms; next attempt 10.1.1.1\n");
	view_shows(b, "peers 10.1.1.1 current 0.1 s ago: IKE_AUTH answered with AUTHENTICATION_FAILED\n"
		      "dpd off a dead peer is noticed only when an exchange fails\n");
	branch_free(b);
}

/* ---- names ---------------------------------------------------------------------- */

static void names(void **state)
{
	struct branch *b = view_branch(CONF(PERIODIC, NAMED, ""), 2);
	const char *why;

	branch_send(b, 0);
	view_shows(b, "peers hub.example (not resolved, dynamic) default current its name is being resolved\n");
	branch_answer(b, NULL);
	view_monitor(b, "tohub 1 DOWN → WALK hub.example " ASKED "\n"
			"tohub 1 hub.example: there is no such name (NXDOMAIN)\n"
			"tohub 1 WALK hub.example → 10.2.2.2 there is no such name (NXDOMAIN)\n"
			"tohub 1 WALK → UP 10.2.2.2 in SPI out SPI\n"
			"tohub 1 current peer hub.example → 10.2.2.2 its name is not resolved\n");
	view_shows(b, "why it answered; hub.example: there is no such name (NXDOMAIN)\n");
	entries_map_reset(b->entries, "tohub", 1, b->clock.now, &why);
	view_monitor(b, "tohub 1 UP 10.2.2.2 → DOWN operator: reset; next attempt hub.example\n");
	branch_send(b, 0);
	branch_run_ms(b, 5500);
	view_monitor(b, "tohub 1 DOWN → WALK hub.example " ASKED "\n"
			"tohub 1 hub.example: no answer from the name servers in 5 s\n"
			"tohub 1 WALK hub.example → 10.2.2.2 no answer from the name servers in 5 s\n"
			"tohub 1 WALK → UP 10.2.2.2 in SPI out SPI, gap 5.0 s\n");
	entries_clear_session(b->entries, "tohub", 1, NULL, b->clock.now, &why);
	branch_send(b, 0);
	branch_answer(b, "10.1.1.1");
	view_monitor(b, "tohub 1 UP 10.2.2.2 → DOWN operator: clear session; next attempt hub.example\n"
			"tohub 1 DOWN → WALK hub.example " ASKED "\n"
			"tohub 1 hub.example: address 10.1.1.1, TTL 60 s, DNSSEC secure\n"
			"tohub 1 WALK → UP hub.example in SPI out SPI, gap 40 ms\n"
			"tohub 1 current peer 10.2.2.2 → hub.example operator: clear session\n");
	view_shows(b, "peers hub.example (10.1.1.1, dynamic, TTL 59 s, secure) default current heard 0.0 s ago, round trip 20.0 ms\n");
	branch_free(b);
}

/* Asked at start, when nothing is tried: whose address it is has to be said. */
static void fixed_name(void **state)
{
	struct branch *b = view_branch(CONF(PERIODIC, " set peer hub.example default\n", ""), 2);

	branch_answer(b, "10.1.1.1");
	view_monitor(b, "tohub 1 hub.example: address 10.1.1.1, TTL 60 s, DNSSEC secure\n");
	view_shows(b, "dpd 10 s, retry 2 s, periodic worst failover none: there is no second peer; notice 22 s\n");
	branch_free(b);
}

/* ---- the peer calls ---------------------------------------------------------------- */

static void default_calls(void **state)
{
	struct branch *b = up_on_second(CONF(PERIODIC, HOME, ""));

	branch_traffic_ms(b, 0, 1000, 100);
	branch_called(b, 0, 0);
	view_monitor(b, "tohub 1 UP 10.2.2.2 → 10.1.1.1 it called: in SPI out SPI\n"
			"tohub 1 current peer 10.2.2.2 → 10.1.1.1 it called\n");
	view_shows(b, "why it called us; it is the default peer\n"
		      "peers 10.1.1.1 default current heard 0.2 s ago\n"
		      "10.2.2.2 0.2 s ago: left, another peer of the list called\n");
	branch_free(b);
}

static void backup_calls(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, HOME, ""));

	branch_called(b, 1, 0);
	view_monitor(b, "tohub 1 10.2.2.2 called: held, the current peer is asked whether it lives\n"
			"tohub 1 10.2.2.2 called: refused, the current peer answers\n");
	b->hubs[0].cut = true;
	branch_traffic_ms(b, 0, 8000, 100);
	branch_called(b, 1, 0);
	branch_traffic_ms(b, 0, 15000, 100);
	view_monitor(b, "tohub 1 10.2.2.2 called: held, the current peer is asked whether it lives\n"
			"tohub 1 10.2.2.2 called: refused, no verdict about the current peer in time\n"
			"tohub 1 UP 10.1.1.1 → DOWN " DEAD "; next attempt 10.1.1.1\n"
			"tohub 1 DOWN → WALK 10.1.1.1 " ASKED "\n"
			"tohub 1 WALK 10.1.1.1 → 10.2.2.2 no answer in 2.0 s\n"
			"tohub 1 WALK → UP 10.2.2.2 in SPI out SPI, gap 22.3 s\n"
			"tohub 1 current peer 10.1.1.1 → 10.2.2.2 " DEAD "\n");
	branch_free(b);
}

static void calls_during_a_walk(void **state)
{
	struct branch *b = view_branch(CONF(PERIODIC, HOME, ""), 2);

	b->hubs[0].cut = true;
	branch_send(b, 0);
	branch_run_ms(b, 3000);
	branch_called(b, 1, 0);
	branch_run_ms(b, 10000);
	view_monitor(b, "tohub 1 DOWN → WALK 10.1.1.1 " ASKED "\n"
			"tohub 1 10.2.2.2 called: held while an earlier peer of the walk is tried\n"
			"tohub 1 WALK 10.1.1.1 → 10.2.2.2 no answer in 12.0 s\n"
			"tohub 1 WALK → UP 10.2.2.2 it called: in SPI out SPI\n"
			"tohub 1 current peer 10.1.1.1 → 10.2.2.2 it called\n");
	branch_free(b);
}

static void dead_one_calls(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, PLAIN, IDLE120));

	b->hubs[0].cut = true;
	until_down(b);
	b->hubs[0].cut = false;
	view_skip(b);
	branch_called(b, 0, 0);
	view_monitor(b, "tohub 1 DOWN → UP 10.1.1.1 it called: in SPI out SPI, gap 22.0 s\n");
	view_shows(b, "why it called us\npeers 10.1.1.1 current heard 0.2 s ago, round trip 20.0 ms\n");
	branch_free(b);
}

/* ---- edits ------------------------------------------------------------------------- */

static void tried_peer_removed(void **state)
{
	struct branch *b = view_branch(CONF(PERIODIC, HOME, ""), 2);

	b->hubs[0].cut = true;
	branch_send(b, 0);
	branch_run_ms(b, 2000);
	branch_reload(b, CONF(PERIODIC, " set peer 10.2.2.2\n", ""));
	branch_run_ms(b, 200);
	view_monitor(b, "tohub 1 DOWN → WALK 10.1.1.1 " ASKED "\n"
			"tohub 1 current peer 10.1.1.1 → 10.2.2.2 removed from the configuration\n"
			"tohub 1 WALK 10.1.1.1 → 10.2.2.2 peer removed from the configuration\n"
			"tohub 1 WALK → UP 10.2.2.2 in SPI out SPI\n");
	branch_free(b);
}

static void current_peer_removed(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, HOME, ""));

	branch_reload(b, CONF(PERIODIC, " set peer 10.2.2.2\n", ""));
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN current peer removed from the configuration; next attempt 10.2.2.2\n"
			"tohub 1 current peer 10.1.1.1 → 10.2.2.2 removed from the configuration\n");
	/* That is not how it stands with the one that is left. */
	view_shows(b, "why current peer removed from the configuration\npeers 10.2.2.2 current not tried yet\n");
	branch_reload(b, "crypto ikev2 dpd 10 2 periodic\n");
	view_monitor(b, "");
	branch_free(b);
}

/* Nothing is left that could be attempted. */
static void last_peer_removed(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, HOME, ""));

	branch_reload(b, CONF(PERIODIC, "", ""));
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN incomplete now, its lines block: it has no peer\n"
			"tohub 1 current peer 10.1.1.1 → none removed from the configuration\n");
	view_shows(b, "tohub 1 DOWN for 00:00:00\n"
		      "WARNING: incomplete, what its access list permits is blocked: it has no peer\n"
		      "why incomplete now, its lines block: it has no peer\n");
	branch_reload(b, CONF(PERIODIC, HOME, ""));
	view_monitor(b, "tohub 1 current peer none → 10.1.1.1 added to the configuration\n");
	branch_free(b);
}

static void entry_removed(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, HOME, ""));

	branch_reload(b, "crypto ikev2 dpd 10 2 periodic\n");
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN entry removed from the configuration\n");
	branch_free(b);
}

static void interface_removed(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, HOME, ""));

	branch_reload(b, KEYS "crypto ikev2 dpd 10 2 periodic\n" SET TWO_LINES
			 "crypto map tohub 1 ipsec-isakmp\n" HOME WHOLE("101"));
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN no line is left: access list empty, or its map on no interface; next attempt 10.1.1.1\n");
	view_shows(b, "WARNING: incomplete, protects nothing: its map stands on no interface\n");
	branch_free(b);
}

/* ---- two entries, one IKE SA ---------------------------------------------------------- */

static void shared(void **state)
{
	struct branch *b = view_branch(SHARED, 2);
	const char *why;

	branch_send(b, 0);
	branch_send(b, 1);
	branch_run_ms(b, 200);
	view_monitor(b, "tohub 1 DOWN → WALK 10.1.1.1 " ASKED "\n"
			"tohub 2 DOWN → WALK 10.1.1.1 packet 192.168.1.10 → 192.168.3.10\n"
			"tohub 1 WALK → UP 10.1.1.1 in SPI out SPI\n"
			"tohub 2 WALK → UP 10.1.1.1 in SPI out SPI\n");
	entries_clear_sa(b->entries, "tohub", 1, NULL, 0, b->clock.now, &why);
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN operator: clear sa; next attempt 10.1.1.1\n");
	branch_send(b, 0);
	branch_run_ms(b, 200);
	view_skip(b);
	entries_clear_session(b->entries, "tohub", 1, NULL, b->clock.now, &why);
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN operator: clear session; next attempt 10.1.1.1\n"
			"tohub 2 UP 10.1.1.1 → DOWN operator: clear session of another entry, on the same IKE SA; next attempt 10.1.1.1\n");
	view_shows(b, "tohub 2 DOWN for 00:00:00 next attempt 10.1.1.1, with the next packet\n"
		      "why operator: clear session of another entry, on the same IKE SA\n");
	branch_send(b, 0);
	branch_send(b, 1);
	branch_run_ms(b, 200);
	view_skip(b);
	b->hubs[0].cut = true;
	until_down(b);
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN " DEAD "; next attempt 10.1.1.1\n"
			"tohub 2 UP 10.1.1.1 → DOWN " DEAD "; next attempt 10.1.1.1\n");
	branch_free(b);
}

/* ---- addresses, routes --------------------------------------------------------------- */

static void local_address(void **state)
{
	struct branch *b = view_branch(CONF(PERIODIC, HOME, ""), 2);

	b->no_route = true;
	branch_send(b, 0);
	view_monitor(b, "tohub 1 line 1 " ASKED "; no route to 10.1.1.1\n");
	view_shows(b, "tohub 1 DOWN for 00:00:00 next attempt 10.1.1.1\n"
		      "why no peer can be reached from here: no route to 10.1.1.1\n");
	b->no_route = false;
	entries_local_changed(b->entries, b->clock.now);
	branch_run_ms(b, 200);
	view_monitor(b, "tohub 1 DOWN → WALK 10.1.1.1 local address 10.0.0.2 is usable\n"
			"tohub 1 WALK → UP 10.1.1.1 in SPI out SPI\n");
	b->no_route = true;
	entries_local_changed(b->entries, b->clock.now);
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN local address 10.0.0.2 lost: no route to 10.1.1.1; next attempt 10.1.1.1\n");
	branch_free(b);
}

/* Each step has its own reason, though all fail at once. */
static void no_way_to_any(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, THREE, ""));
	const char *why;

	entries_clear_session(b->entries, "tohub", 1, NULL, b->clock.now, &why);
	view_skip(b);
	b->no_route_to = "10.1.1.1";
	branch_send(b, 0);
	branch_run_ms(b, 200);
	view_monitor(b, "tohub 1 DOWN → WALK 10.1.1.1 " ASKED "\n"
			"tohub 1 WALK 10.1.1.1 → 10.2.2.2 no route to 10.1.1.1\n"
			"tohub 1 WALK → UP 10.2.2.2 in SPI out SPI, gap 40 ms\n"
			"tohub 1 current peer 10.1.1.1 → 10.2.2.2 no local address towards it\n");
	view_shows(b, "why it answered; 10.1.1.1: no route to 10.1.1.1\n");
	branch_free(b);
}

/* ---- ends ------------------------------------------------------------------------------- */

static void peer_deletes(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, HOME, ""));
	struct hub *h = &b->hubs[0];

	h->engine->ops->child_close(h->engine->impl, h->last_conn, h->last_child, CLOSE_DELETE);
	branch_run_ms(b, 200);
	view_monitor(b, "tohub 1 line 1 down: the peer deleted the SAs; up again with the next packet\n");
	branch_send(b, 0);
	branch_run_ms(b, 15000);
	view_monitor(b, "tohub 1 line 1 up: in SPI out SPI\n");
	h->engine->ops->child_close(h->engine->impl, h->last_conn, h->last_child, CLOSE_DELETE);
	branch_run_ms(b, 200);
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN the peer deleted the SAs; next attempt 10.1.1.1\n");
	branch_send(b, 0);
	branch_run_ms(b, 200);
	view_skip(b);
	h->engine->ops->close(h->engine->impl, h->last_conn, CLOSE_DELETE);
	branch_run_ms(b, 200);
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN the peer deleted the IKE SA; next attempt 10.1.1.1\n");
	branch_free(b);
}

static void verdict_is_void(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, HOME, IDLE120));
	struct kernel_event ev = { .type = KEV_PAIR_IDLE };
	const struct kernel_sa *sa =
		b->sas.sas[0].dir == SA_DIR_OUT ? &b->sas.sas[0] : &b->sas.sas[1];

	branch_send(b, 0);
	ev.pair = (struct kernel_pair_key){ sa->src, sa->id.dst, sa->reqid };
	ev.last_use = mono_add_ms(b->clock.now, -1);
	entries_kernel_event(b->entries, &ev, b->clock.now);
	view_monitor(b, "tohub 1 line 1 idle verdict void: a packet came meanwhile\n");
	branch_free(b);
}

static void earlier_run(void **state)
{
	const char *conf = CONF(PERIODIC, HOME, "");
	struct branch *b = up_on_first(conf);

	branch_restart(b, conf);
	branch_run_ms(b, 300);
	view_monitor(b, "tohub 1 DOWN → WALK 10.1.1.1 SAs of an earlier run found, in use until new ones are up\n"
			"tohub 1 WALK → UP 10.1.1.1 in SPI out SPI\n");
	branch_free(b);
}

static void kernel_lost_them(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, HOME, ""));
	const struct kernel_event overrun = { .type = KEV_OVERRUN };

	b->sas.n_sas = 0;
	entries_kernel_event(b->entries, &overrun, b->clock.now);
	branch_run_ms(b, 200);
	view_monitor(b, "tohub 1 line 1 down: the kernel has the SAs no more; asked for anew\n"
			"tohub 1 line 1 up: in SPI out SPI\n");
	branch_free(b);
}

static void agent_stops(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, HOME, ""));

	entries_stop(b->entries, b->clock.now);
	b->engine->ops->stop(b->engine->impl, 1000);
	branch_run_ms(b, 1500);
	view_monitor(b, "tohub 1 UP 10.1.1.1 → DOWN the agent stops; next attempt 10.1.1.1\n");
	branch_free(b);
}

static int refuses_child(void *e, conn_id conn, const struct engine_child *child)
{
	return -ENOBUFS;
}

static void line_is_refused(void **state)
{
	struct branch *b = up_on_first(CONF(PERIODIC, HOME, ""));
	const struct engine_ops *real = b->engine->ops;
	struct engine_ops ops = *real;

	ops.child_open = refuses_child;
	b->engine->ops = &ops;
	branch_send(b, 1);
	view_monitor(b, "tohub 1 line 2 not set up: No buffer space available; again in 1.0 s\n");
	view_shows(b, "line 2 permit 192.168.1.0/24 → 192.168.3.0/24 backs off, 1.0 s left: No buffer space available\n");
	b->engine->ops = real;
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "cases 5, 6, 7, 10, 24: failover, and home when idle", failover, NULL, NULL, NULL },
		{ "cases 9, 11: without a default peer", without_default, NULL, NULL, NULL },
		{ "cases 8, 48: nobody answers", nobody_answers, NULL, NULL, NULL },
		{ "case 48: nobody answers, and nobody asks again", nobody_asks_again, NULL, NULL,
		  NULL },
		{ "a wrong key", wrong_key, NULL, NULL, NULL },
		{ "cases 26, 27: names", names, NULL, NULL, NULL },
		{ "A21: a name that is resolved at start", fixed_name, NULL, NULL, NULL },
		{ "case 28: the default calls", default_calls, NULL, NULL, NULL },
		{ "case 34: the backup calls", backup_calls, NULL, NULL, NULL },
		{ "case 34: a later peer calls during a walk", calls_during_a_walk, NULL, NULL, NULL },
		{ "case 46: the dead one calls", dead_one_calls, NULL, NULL, NULL },
		{ "case 43: the peer being tried is removed", tried_peer_removed, NULL, NULL, NULL },
		{ "case 3: the current peer is removed", current_peer_removed, NULL, NULL, NULL },
		{ "case 4: the last peer is removed", last_peer_removed, NULL, NULL, NULL },
		{ "the entry is removed", entry_removed, NULL, NULL, NULL },
		{ "its interface is removed", interface_removed, NULL, NULL, NULL },
		{ "case 49: two entries on one IKE SA", shared, NULL, NULL, NULL },
		{ "cases 51, 52: no local address, one, none", local_address, NULL, NULL, NULL },
		{ "case 52: no route to one of the peers", no_way_to_any, NULL, NULL, NULL },
		{ "cases 21, 44: the peer deletes", peer_deletes, NULL, NULL, NULL },
		{ "case 42: a packet between verdict and DELETE", verdict_is_void, NULL, NULL, NULL },
		{ "case 40: SAs of an earlier run", earlier_run, NULL, NULL, NULL },
		{ "the kernel lost the SAs", kernel_lost_them, NULL, NULL, NULL },
		{ "the agent stops", agent_stops, NULL, NULL, NULL },
		{ "one line is refused", line_is_refused, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("view: what a person reads of each case", tests, NULL,
					   NULL);
}
