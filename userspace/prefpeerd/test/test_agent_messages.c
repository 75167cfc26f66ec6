/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is logged with IOS's mnemonics (semantics.md §7): the lines, and when there are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/log.h"
#include "prefpeerd/messages.h"
#include "prefpeerd/test/conf_help.h"

#define ENTRY \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto ipsec transform-set T esp-gcm 256\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"crypto map tohub 1 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n" \
	" match address 101\n"
#define WAN "interface wan\n crypto map tohub\n"

static struct config *conf(const char *text)
{
	struct conf_diags diags = { 0 };
	struct config *c = config_parse("test.conf", text, strlen(text), &diags);

	assert_non_null(c);
	conf_diags_free(&diags);
	return c;
}

/* ---- what standard error gets -------------------------------------------------- */

static int saved, pipe_in;
static char said[4096];

static void listen_in(void)
{
	int fds[2];

	log_init(LOG_LVL_INFO);
	assert_int_equal(pipe(fds), 0);
	saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	pipe_in = fds[0];
}

static void listened(void)
{
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(pipe_in, said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	close(pipe_in);
}

static void one_line(const char *text)
{
	const char *at = strstr(said, "%CRYPTO");

	if (!at || strcmp(at, text))
		fail_msg("said \"%s\" instead of \"%s\"", said, text);
}

/* ---- events ---------------------------------------------------------------------- */

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct engine_event event(enum engine_event_type type, enum engine_why why, bool was_up)
{
	struct engine_event ev = { .type = type, .why = why, .text = "because" };

	ev.local = address("10.0.0.2");
	ev.peer.addr = ev.info.peer.addr = address("10.1.1.1");
	ev.info.peer.port = 4500;
	ev.info.established = was_up;
	ev.info.peer_id = ike_id_from_addr(&ev.peer.addr);
	return ev;
}

static struct entry_ntf state_ntf(enum entry_state from, enum entry_state to)
{
	return (struct entry_ntf){ .type = NTF_STATE, .map = "tohub", .seq = 1, .from = from, .to = to,
				   .peer = "10.1.1.1", .peer_addr = address("10.1.1.1"),
				   .reason = REASON_DEAD };
}

static void tell(struct messages *m, const char *text, const struct engine_event *ev,
		 const struct entry_ntf *n)
{
	struct config *c = conf(text);

	listen_in();
	if (ev)
		messages_engine(m, c, NULL, ev);
	if (n)
		messages_notify(m, c, n);
	listened();
	config_free(c);
}

static void status_of_ike_sas(void **state)
{
	struct messages *m = messages_new();
	struct engine_event up = event(ENG_UP, WHY_NONE, true);
	struct engine_event down = event(ENG_DOWN, WHY_DEAD, true);

	tell(m, ENTRY WAN, &up, NULL);
	assert_string_equal(said, "");
	tell(m, "crypto logging ikev2\n" ENTRY WAN, &up, NULL);
	one_line("%CRYPTO-5-IKEV2_SESSION_STATUS: Crypto tunnel v2 is UP.  Peer 10.1.1.1:4500       Id: 10.1.1.1\n");
	tell(m, "crypto logging ikev2\n" ENTRY WAN, &down, NULL);
	one_line("%CRYPTO-5-IKEV2_SESSION_STATUS: Crypto tunnel v2 is DOWN.  Peer 10.1.1.1:4500       Id: 10.1.1.1\n");
	tell(m, "crypto logging ikev2\nno crypto logging ikev2\n" ENTRY WAN, &down, NULL);
	assert_string_equal(said, "");
	messages_free(m);
}

#define SESSION "crypto logging session\n"

static void status_of_tunnels(void **state)
{
	struct messages *m = messages_new();
	struct engine_event ike = event(ENG_UP, WHY_NONE, true);
	struct entry_ntf up = state_ntf(ENTRY_WALK, ENTRY_UP), down = state_ntf(ENTRY_UP, ENTRY_DOWN);

	tell(m, ENTRY WAN, &ike, &up);
	assert_string_equal(said, "");
	tell(m, SESSION ENTRY WAN, NULL, &up);
	one_line("%CRYPTO-5-SESSION_STATUS: Crypto tunnel is UP  .  Peer 10.1.1.1:4500       Id: 10.1.1.1\n");
	tell(m, SESSION ENTRY WAN, NULL, &down);
	one_line("%CRYPTO-5-SESSION_STATUS: Crypto tunnel is DOWN.  Peer 10.1.1.1:4500       Id: 10.1.1.1\n");
	/* What was not said to be up is not said to be down. */
	tell(m, SESSION ENTRY WAN, NULL, &down);
	assert_string_equal(said, "");
	messages_free(m);
}

static void switches(void **state)
{
	static const struct {
		enum entry_reason reason;
		const char *word;
	} cases[] = {
		{ REASON_DEAD, "dpd-timeout" },	   { REASON_IDLE_HOME, "idle-default" },
		{ REASON_TIMEOUT, "ike-timeout" }, { REASON_INBOUND, "inbound" },
		{ REASON_CLEAR_SESSION, "operator" },
	};
	struct messages *m = messages_new();
	char line[160];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct entry_ntf n = state_ntf(ENTRY_UP, ENTRY_UP);

		n.type = NTF_PEER;
		n.from_peer = "10.2.2.2";
		n.reason = cases[i].reason;
		tell(m, ENTRY WAN, NULL, &n);
		snprintf(line, sizeof(line),
			 "%%CRYPTO-5-PEER_CHANGE: map tohub seq 1 peer 10.2.2.2 -> 10.1.1.1 reason %s\n",
			 cases[i].word);
		one_line(line);
	}
	messages_free(m);
}

static void failures(void **state)
{
	static const struct {
		enum engine_event_type type;
		enum engine_why why;
		const char *reason;
	} cases[] = {
		{ ENG_CHILD_FAILED, WHY_PROPOSAL, "IPSec Proposal failure" },
		{ ENG_CHILD_FAILED, WHY_TS, "Traffic selector mismatch" },
		{ ENG_DOWN, WHY_AUTH, "Authentication failure" },
		/* Nobody has refused anything. */
		{ ENG_DOWN, WHY_TIMEOUT, NULL },
		{ ENG_DOWN, WHY_LOCAL, NULL },
	};
	struct messages *m = messages_new();
	char line[320];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct engine_event ev = event(cases[i].type, cases[i].why, false);

		tell(m, ENTRY WAN, &ev, NULL);
		snprintf(line, sizeof(line),
			 "%%CRYPTO-5-IPSEC_SETUP_FAILURE: IPSEC SETUP FAILED for local:10.0.0.2 local_id:10.0.0.2 remote:10.1.1.1 remote_id:10.1.1.1 IKE profile:None fvrf:None fail_reason:%s fail_class_cnt:0\n",
			 cases[i].reason ? cases[i].reason : "");
		if (cases[i].reason)
			one_line(line);
		else
			assert_string_equal(said, "");
	}
	messages_free(m);
}

static void on_and_off(void **state)
{
	static const struct {
		const char *conf, *says;
	} steps[] = {
		{ ENTRY, NULL },
		{ ENTRY WAN, "%CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is ON\n" },
		{ ENTRY WAN "hostname here\n", NULL },
		{ ENTRY, "%CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is OFF\n" },
	};
	struct messages *m = messages_new();

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct config *c = conf(steps[i].conf);

		listen_in();
		messages_configured(m, c);
		listened();
		if (steps[i].says)
			one_line(steps[i].says);
		else
			assert_string_equal(said, "");
		config_free(c);
	}
	messages_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_of_ike_sas),
		cmocka_unit_test(status_of_tunnels),
		cmocka_unit_test(switches),
		cmocka_unit_test(failures),
		cmocka_unit_test(on_and_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
