/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `show crypto ipsec sa`, `session`, `ikev2 sa`, `isakmp sa`, `ikev2 stats` of a branch before,
 * up, on the backup, idle: public parsers of IOS's output read all of it (case 31).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeer/crypto.h"
#include "prefpeer/facts.h"
#include "prefpeerd/test/view_help.h"
#include "prefpeerd/test/view_parsers.h"

#define CONF(more) \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto isakmp key secret address 10.2.2.2\n" \
	"crypto ikev2 dpd 10 2 periodic\n" \
	"crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"crypto map tohub 1 ipsec-isakmp\n set peer 10.1.1.1 default\n set peer 10.2.2.2\n" \
	" set security-association idle-time 120 default\n set transform-set T\n" more \
	" match address 101\ninterface wan\n crypto map tohub\n"

enum what { IPSEC_SA, IPSEC_SA_DETAIL, SESSION, SESSION_BRIEFLY, SESSION_DETAILS, IKEV2_SA,
	    IKEV2_SA_DETAIL, ISAKMP_SA, ISAKMP_SA_DETAIL, ISAKMP_PEERS };

static char text[32768];

static void print(struct crypto_facts *f, enum what what)
{
	json_t *sessions = crypto_sessions(f);

	switch (what) {
	case IPSEC_SA:
	case IPSEC_SA_DETAIL:
		text_crypto_ipsec_sa(f, &(struct crypto_sa_choice){
						.detail = what == IPSEC_SA_DETAIL });
		break;
	case SESSION:
		text_crypto_sessions(sessions, SESSION_PLAIN);
		break;
	case SESSION_BRIEFLY:
		text_crypto_sessions(sessions, SESSION_BRIEF);
		break;
	case SESSION_DETAILS:
		text_crypto_sessions(sessions, SESSION_DETAIL);
		break;
	case IKEV2_SA:
	case IKEV2_SA_DETAIL:
		text_crypto_ikev2_sa(f->sessions, what == IKEV2_SA_DETAIL);
		break;
	case ISAKMP_SA:
	case ISAKMP_SA_DETAIL:
		text_crypto_isakmp_sa(f->sessions, what == ISAKMP_SA_DETAIL);
		break;
	case ISAKMP_PEERS:
		text_crypto_isakmp_peers(f->sessions);
		break;
	}
	json_decref(sessions);
}

static const char *shown(struct branch *b, enum what what)
{
	struct crypto_facts f = { view_maps(b), view_sessions(b), NULL, NULL };

	view_capture();
	print(&f, what);
	view_captured(text, sizeof(text));
	crypto_facts_free(&f);
	if (getenv("VIEW_PRINT"))
		printf("---\n%s", text);
	return text;
}

static void has(const char *line)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	if (!strstr(text, whole))
		fail_msg("\"%s\" is no line of:\n%s", line, text);
}

static void has_not(const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in:\n%s", part, text);
}

/* All parsers, over what they are for. */
static void parsers_read(struct branch *b, bool up)
{
	parser_finds(shown(b, IPSEC_SA), parser_ipsec_sa);
	if (up)
		parser_finds(text, parser_ipsec_sa_sas);
	shown(b, IPSEC_SA_DETAIL);
	parser_knows_all(text, parser_ipsec_sa_detail);
	parser_finds(text, parser_ipsec_sa);
	parser_knows_all(shown(b, SESSION_DETAILS), parser_session_all);
	if (!up)
		return;
	parser_finds(text, parser_session_detail);
	parser_finds(shown(b, IKEV2_SA_DETAIL), parser_ikev2_sa_detail);
	parser_finds(shown(b, ISAKMP_SA), parser_isakmp_sa);
	parser_finds(shown(b, ISAKMP_SA_DETAIL), parser_isakmp_sa_detail);
}

static void before(void **state)
{
	struct branch *b = view_branch(CONF(""), 2);

	parsers_read(b, false);
	shown(b, IPSEC_SA);
	has("interface: wan");
	has("   local  ident (addr/mask/prot/port): (192.168.1.0/255.255.255.0/0/0)");
	has("   current_peer 10.1.1.1 port 500");
	has("     current outbound spi: 0x0(0)");
	has_not("Status:");
	has_not("idle time");
	shown(b, SESSION);
	has("Session status: DOWN     ");
	has("Peer: 10.1.1.1 port 500 ");
	has("        Active SAs: 0, origin: crypto map");
	shown(b, ISAKMP_SA);
	has_not("QM_IDLE");
	branch_free(b);
}

static void negotiating(void **state)
{
	struct branch *b = view_branch(CONF(""), 2);

	b->hubs[0].cut = true;
	branch_send(b, 0);
	branch_run_ms(b, 100);
	parsers_read(b, false);
	shown(b, SESSION);
	has("Session status: DOWN-NEGOTIATING     ");
	has("  IKEv2 SA: local 10.0.0.2/500 remote 10.1.1.1/500 Inactive ");
	shown(b, ISAKMP_SA);
	assert_int_equal(parser_count(text, "^10\\.1\\.1\\.1 +10\\.0\\.0\\.2 +MM_NO_STATE +1 ACTIVE$"), 1);
	shown(b, IKEV2_SA);
	assert_int_equal(parser_count(text, "IN-NEG$"), 1);
	branch_free(b);
}

static void up(void **state)
{
	struct branch *b = view_branch(CONF(" set pfs group19\n description to the hub\n"), 2);

	branch_traffic_ms(b, 0, 5000, 100);
	parsers_read(b, true);
	shown(b, IPSEC_SA);
	has("    Crypto map tag: tohub, local addr 10.0.0.2");
	has("     local crypto endpt.: 10.0.0.2, remote crypto endpt.: 10.1.1.1");
	has("     PFS (Y/N): Y, DH group: group19");
	has("        transform: esp-256-aes esp-sha256-hmac ,");
	has("        in use settings ={Tunnel, }");
	has("        IV size: 16 bytes");
	has("        replay detection support: Y");
	assert_int_equal(parser_count(text, "^Status: ACTIVE\\(ACTIVE\\)$"), 2);
	assert_int_equal(parser_count(text, "^idle time \\(last used/limit\\): [0-9]+/120 sec$"), 1);
	assert_int_equal(parser_count(text, "^sa timing: .*\\(460[78][0-9]{3}/359[0-9]\\)$"), 2);
	/* What stands in `detail` is what parsers know, and no more. */
	shown(b, IPSEC_SA_DETAIL);
	has_not("idle time");
	has("        replay detection support: Y  replay window size: 64");
	shown(b, SESSION_DETAILS);
	has("Session status: UP-ACTIVE     ");
	has("Uptime: 00:00:04");
	has("      Phase1_id: 10.1.1.1");
	has("      Desc: to the hub ");
	has("        Active SAs: 2, origin: crypto map");
	assert_int_equal(parser_count(text, "^Capabilities:DF? connid:1 lifetime:23:59:5[0-9]$"), 1);
	has("  IPSEC FLOW: permit ip 192.168.1.0/255.255.255.0 192.168.2.0/255.255.255.0 ");
	shown(b, SESSION_BRIEFLY);
	assert_int_equal(parser_count(text, "^10\\.1\\.1\\.1 +wan +10\\.1\\.1\\.1 +00:00:04 +UA$"), 1);
	shown(b, IKEV2_SA_DETAIL);
	has("      DPD configured for 10 seconds, retry 2");
	has("      Initiator of SA : Yes");
	has("      Local id: 10.0.0.2");
	has("      Remote id: 10.1.1.1");
	assert_int_equal(parser_count(text, "READY$"), 1);
	shown(b, ISAKMP_PEERS);
	assert_string_equal(text, "Peer: 10.1.1.1 Port: 500 Local: 10.0.0.2\n Phase1 id: 10.1.1.1\n");
	branch_free(b);
}

static void on_the_backup_then_idle(void **state)
{
	struct branch *b = view_branch(CONF(""), 2);

	b->hubs[0].cut = true;
	branch_send(b, 0);
	branch_run_ms(b, 13000);
	branch_traffic_ms(b, 0, 1000, 100);
	parsers_read(b, true);
	shown(b, SESSION);
	has("Peer: 10.2.2.2 port 500 ");
	branch_run_ms(b, 60000);
	shown(b, IPSEC_SA);
	assert_int_equal(parser_count(text, "^idle time \\(last used/limit\\): 6[0-9]/120 sec$"), 1);
	branch_run_ms(b, 65000);
	parsers_read(b, false);
	shown(b, IPSEC_SA);
	has("   current_peer 10.2.2.2 port 500");
	has("     current outbound spi: 0x0(0)");
	shown(b, SESSION);
	has("Session status: DOWN     ");
	branch_free(b);
}

/* An SA that goes on is counted anew from `clear crypto sa counters` on. */
static void pass(struct branch *b, unsigned packets)
{
	for (unsigned i = 0; i < FAKE_SAS_MAX; i++)
		b->sas.packets[i] += packets;
}

static void counters(void **state)
{
	struct branch *b = view_branch(CONF(""), 2);

	branch_traffic_ms(b, 0, 2000, 100);
	pass(b, 7);
	shown(b, IPSEC_SA);
	assert_int_equal(parser_count(text, "^#pkts encaps: 7,"), 1);
	entries_clear_counters(b->entries, b->clock.now);
	shown(b, IPSEC_SA);
	assert_int_equal(parser_count(text, "^#pkts encaps: 0,"), 1);
	pass(b, 1);
	shown(b, IPSEC_SA);
	assert_int_equal(parser_count(text, "^#pkts encaps: 1, #pkts encrypt: 1, #pkts digest: 1$"), 1);
	branch_free(b);
}

static void choices(void **state)
{
	struct branch *b = view_branch(CONF(""), 2);
	struct crypto_facts f;
	static const struct {
		struct crypto_sa_choice c;
		bool shows;
	} cases[] = {
		{ { .peer = "10.1.1.1" }, true }, { { .peer = "10.2.2.2" }, false },
		{ { .interface = "wan" }, true }, { { .interface = "lan" }, false },
		{ { .map = "tohub" }, true },	  { { .map = "other" }, false },
	};

	branch_traffic_ms(b, 0, 1000, 100);
	f = (struct crypto_facts){ view_maps(b), view_sessions(b), NULL, NULL };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		view_capture();
		text_crypto_ipsec_sa(&f, &cases[i].c);
		view_captured(text, sizeof(text));
		assert_int_equal(parser_count(text, "^interface: wan$"), cases[i].shows);
		assert_int_equal(parser_count(text, "^Status"), cases[i].shows ? 2 : 0);
	}
	crypto_facts_free(&f);
	branch_free(b);
}

static void statistics(void **state)
{
	struct branch *b = view_branch(CONF(""), 2);
	json_t *sessions, *stats = json_pack("{s:{s:i, s:i, s:{s:i, s:i}, s:i, s:i}, s:i}", "totals",
					     "up_in", 2, "up_out", 3, "failed", "auth", 4, "timeout",
					     5, "dead", 6, "timeouts", 7, "refused_max_sa", 8);

	branch_traffic_ms(b, 0, 1000, 100);
	sessions = view_sessions(b);
	view_capture();
	text_crypto_ikev2_stats(stats, sessions);
	view_captured(text, sizeof(text));
	parser_finds(text, parser_ikev2_stats);
	assert_int_equal(parser_count(text, "^Total outgoing .* 1 +active: +1 +negotiating: 0$"), 1);
	assert_int_equal(parser_count(text, "^Incoming .* 10 +accepted: +2 +rejected: +8$"), 1);
	view_capture();
	text_crypto_ikev2_timeouts(stats);
	view_captured(text, sizeof(text));
	parser_finds(text, parser_ikev2_timeouts);
	assert_int_equal(parser_count(text, "^DPD MAX RETRANS TIMER +6$"), 1);
	json_decref(stats);
	json_decref(sessions);
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "case 31: parsers read an entry that is down", before, NULL, NULL, NULL },
		{ "case 31: parsers read a set-up under way", negotiating, NULL, NULL, NULL },
		{ "case 31: parsers read an entry that is up", up, NULL, NULL, NULL },
		{ "case 31: parsers read the backup, and idleness", on_the_backup_then_idle, NULL,
		  NULL, NULL },
		cmocka_unit_test(counters),
		cmocka_unit_test(choices),
		cmocka_unit_test(statistics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
