/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `show crypto map` of real entries, byte by byte as semantics.md §6.1 has it: what parsers
 * of IOS read, and where the lines that are ours stand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeer/crypto.h"
#include "prefpeerd/test/view_help.h"

#define KEYS \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto isakmp key secret address 10.2.2.2\n"
#define SET "crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n"
#define LIST "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"
#define MAP "crypto map tohub 1 ipsec-isakmp\n"
#define PEERS " set peer 10.1.1.1 default\n set peer 10.2.2.2\n"
#define IDLE120 " set security-association idle-time 120 default\n"
#define WHOLE " set transform-set T\n match address 101\n"
#define WAN "interface wan\n crypto map tohub\n"

#define HEAD "Crypto Map IPv4 \"tohub\" 1 ipsec-isakmp\n"
#define INCOMPLETE \
	"\tWARNING: This crypto map is in an incomplete state!\n" \
	"\t\t(missing peer or access-list definitions)\n"
#define TWO_PEERS "\tPeer = 10.1.1.1\n\tPeer = 10.2.2.2\n"
#define SS "\tAccess-List SS dynamic: False\n"
#define LIST_SHOWN \
	"\tExtended IP access list 101\n" \
	"\t    access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"
#define LIFE "\tSecurity association lifetime: 4608000 kilobytes/3600 seconds\n"
#define SHORT_LIFE "\tSecurity association lifetime: 4608000 kilobytes/300 seconds\n"
#define DUAL "\tDualstack (Y/N): N\n\n\tResponder-Only (Y/N): N\n"
#define NO_PFS "\tPFS (Y/N): N\n"
#define SETS \
	"\tMixed-mode : Disabled\n\tTransform sets={\n" \
	"\t\tT:  { esp-256-aes esp-sha256-hmac  } ,\n\t}\n"
#define NO_SETS "\tMixed-mode : Disabled\n\tTransform sets={\n\t}\n"
#define USING "\tInterfaces using crypto map tohub:\n"
#define ON_WAN USING "\t\twan\n\n"

static void shows(struct branch *b, const char *interface, const char *tag, const char *want)
{
	json_t *maps = view_maps(b);
	char text[16384];

	view_capture();
	text_crypto_map(maps, interface, tag);
	view_captured(text, sizeof(text));
	json_decref(maps);
	if (strcmp(text, want))
		fail_msg("shown:\n%sinstead of:\n%s", text, want);
}

static void conf_shows(const char *conf, const char *want)
{
	struct branch *b = view_branch(conf, 2);

	shows(b, NULL, NULL, want);
	branch_free(b);
}

static void of_configurations(void **state)
{
	/* The whole entry, on its interface. */
	conf_shows(KEYS SET LIST MAP PEERS IDLE120 WHOLE WAN,
		   HEAD TWO_PEERS SS LIST_SHOWN "\tCurrent peer: 10.1.1.1\n"
		   "\tDefault peer: 10.1.1.1\n" LIFE
		   "\tSecurity association idletime: 120 seconds\n"
		   "\tIdle action: reset to default peer\n" DUAL NO_PFS SETS ON_WAN);
	/* Not on an interface: no current peer, and nothing is missing. */
	conf_shows(KEYS SET LIST MAP PEERS WHOLE,
		   HEAD TWO_PEERS SS LIST_SHOWN "\tDefault peer: 10.1.1.1\n" LIFE DUAL NO_PFS SETS
		   USING "\n");
	conf_shows(KEYS SET LIST MAP " set peer 10.1.1.1\n set pfs group19\n"
		   " set security-association lifetime seconds 300\n" WHOLE WAN,
		   HEAD "\tPeer = 10.1.1.1\n" SS LIST_SHOWN "\tCurrent peer: 10.1.1.1\n" SHORT_LIFE
		   DUAL "\tPFS (Y/N): Y\n\tDH group:  group19\n" SETS ON_WAN);
}

/* case 4: the WARNING of an entry that is not complete. */
static void incomplete(void **state)
{
	conf_shows(KEYS SET MAP PEERS " set transform-set T\n" WAN,
		   HEAD INCOMPLETE TWO_PEERS SS "\tNo matching address list set.\n"
		   "\tCurrent peer: 10.1.1.1\n\tDefault peer: 10.1.1.1\n" LIFE DUAL NO_PFS SETS
		   ON_WAN);
	conf_shows(KEYS SET LIST MAP WHOLE WAN,
		   HEAD INCOMPLETE SS LIST_SHOWN LIFE DUAL NO_PFS SETS ON_WAN);
	/* What IOS has no words for is ours. */
	conf_shows(KEYS LIST MAP PEERS " match address 101\n" WAN,
		   HEAD "\tWARNING: This crypto map is in an incomplete state!\n"
		   "\t\t(it has no transform set)\n" TWO_PEERS SS LIST_SHOWN
		   "\tCurrent peer: 10.1.1.1\n\tDefault peer: 10.1.1.1\n" LIFE DUAL NO_PFS NO_SETS
		   ON_WAN);
}

/* case 13: equal to the global value it is not added; the global one is not the entry's. */
static void equal_to_global(void **state)
{
	conf_shows("crypto ipsec security-association idle-time 120\n" KEYS SET LIST MAP PEERS
		   IDLE120 WHOLE WAN,
		   HEAD TWO_PEERS SS LIST_SHOWN "\tCurrent peer: 10.1.1.1\n"
		   "\tDefault peer: 10.1.1.1\n" LIFE DUAL NO_PFS SETS ON_WAN);
}

static void ipv6(void **state)
{
	conf_shows("crypto isakmp key secret address ipv6 2001:db8::1\n" SET
		   "ipv6 access-list L\n permit ipv6 2001:db8:1::/64 any\n"
		   "crypto map ipv6 six 3 ipsec-isakmp\n set peer 2001:db8::1\n"
		   " set transform-set T\n match address L\n",
		   "Crypto Map IPv6 \"six\" 3 ipsec-isakmp\n\tPeer = 2001:db8::1\n" SS
		   "\tIPv6 access list L\n"
		   "\t    access-list L permit ipv6 2001:db8:1::/64 any\n" LIFE DUAL NO_PFS SETS
		   "\tInterfaces using crypto map six:\n\n");
}

#define SECOND_MAP \
	"crypto map tohub 2 ipsec-isakmp\n set peer 10.2.2.2\n" \
	"crypto map other 7 ipsec-isakmp\n set peer 10.2.2.2\n"
#define SECOND_SHOWN \
	"Crypto Map IPv4 \"tohub\" 2 ipsec-isakmp\n" INCOMPLETE "\tPeer = 10.2.2.2\n" SS \
	"\tNo matching address list set.\n\tCurrent peer: 10.2.2.2\n" LIFE DUAL NO_PFS NO_SETS
#define OTHER_SHOWN \
	"Crypto Map IPv4 \"other\" 7 ipsec-isakmp\n" INCOMPLETE "\tPeer = 10.2.2.2\n" SS \
	"\tNo matching address list set.\n" LIFE DUAL NO_PFS NO_SETS \
	"\tInterfaces using crypto map other:\n\n"
#define FIRST_SHOWN \
	HEAD TWO_PEERS SS LIST_SHOWN "\tCurrent peer: 10.1.1.1\n\tDefault peer: 10.1.1.1\n" LIFE \
	DUAL NO_PFS SETS

static void several(void **state)
{
	struct branch *b = view_branch(KEYS SET LIST MAP PEERS WHOLE SECOND_MAP WAN, 2);

	shows(b, NULL, NULL, OTHER_SHOWN FIRST_SHOWN SECOND_SHOWN ON_WAN);
	shows(b, NULL, "other", OTHER_SHOWN);
	shows(b, "wan", NULL, FIRST_SHOWN SECOND_SHOWN ON_WAN);
	shows(b, "lan", NULL, "No crypto maps found.\n");
	branch_free(b);
}

/* On the backup, and then back home with the next packet. */
static void on_the_backup(void **state)
{
	struct branch *b = view_branch("crypto ikev2 dpd 10 2 periodic\n" KEYS SET LIST MAP PEERS
				       IDLE120 WHOLE WAN, 2);
	static const char fixed[] = LIFE "\tSecurity association idletime: 120 seconds\n"
					 "\tIdle action: reset to default peer\n" DUAL NO_PFS SETS
					 ON_WAN;
	char want[2048];

	b->hubs[0].cut = true;
	branch_send(b, 0);
	branch_run_ms(b, 13000);
	snprintf(want, sizeof(want), "%s%s",
		 HEAD TWO_PEERS SS LIST_SHOWN
		 "\tCurrent peer: 10.2.2.2\n\tDefault peer: 10.1.1.1\n", fixed);
	shows(b, NULL, NULL, want);
	branch_run_ms(b, 125000);
	assert_int_equal(strncmp(branch_state(b), "DOWN", 4), 0);
	snprintf(want, sizeof(want), "%s%s",
		 HEAD TWO_PEERS SS LIST_SHOWN
		 "\tCurrent peer: 10.2.2.2\n\tNext attempt: 10.1.1.1\n\tDefault peer: 10.1.1.1\n",
		 fixed);
	shows(b, NULL, NULL, want);
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_configurations),
		{ "case 4: an incomplete map is shown with IOS's WARNING", incomplete, NULL, NULL, NULL },
		{ "case 13: equal to the global value: no idletime is shown", equal_to_global, NULL,
		  NULL, NULL },
		cmocka_unit_test(ipv6),
		cmocka_unit_test(several),
		cmocka_unit_test(on_the_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
