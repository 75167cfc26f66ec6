// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AH or ESP, transport or tunnel: the policies of a line ask for what its pair is, through
 * reloads, restarts, fallbacks and other peers (semantics.md §4.8, §12).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/test/entry_branch.h"

#define CONF(acl, set) \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto isakmp key secret address 10.2.2.2\n" \
	"crypto ikev2 dpd 10 2 periodic\n" \
	"crypto ipsec transform-set T " set "\n" \
	"access-list 101 permit ip " acl "\n" \
	"crypto map M 10 ipsec-isakmp\n set peer 10.1.1.1\n set peer 10.2.2.2\n" \
	" set transform-set T\n match address 101\ninterface wan\n crypto map M\n"
#define LANS "192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255"
#define GATEWAYS "host 10.0.0.2 host 10.1.1.1"

static const struct esp_suite ah256 = { .integ = INTEG_HMAC_SHA2_256_128 };
static const struct sa_kind esp = { 0 }, ah = { .ah = true }, transport = { .transport = true };

/* Every policy of the line, in the kernel, and the newest pair. */
static void is_protected_by(struct branch *b, struct sa_kind policies, struct sa_kind pair)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->policies.n; i++) {
		const struct kernel_policy *p = &b->policies.list[i].p;

		if (p->action != POLICY_PROTECT)
			continue;
		assert_int_equal(p->kind.ah, policies.ah);
		assert_int_equal(p->kind.transport, policies.transport);
		n++;
	}
	assert_int_equal(n, 3);
	assert_true(b->sas.n_sas >= 2);
	for (unsigned i = 0; i < b->sas.n_sas; i++) {
		assert_int_equal(b->sas.sas[i].id.proto, pair.ah ? IPPROTO_AH : IPPROTO_ESP);
		assert_int_equal(b->sas.sas[i].transport, pair.transport);
	}
}

static void come_up(struct branch *b, const char *state)
{
	branch_send(b, 0);
	branch_run_ms(b, 2000);
	assert_string_equal(branch_state(b), state);
	assert_true(branch_send(b, 0));
}

static void clear(struct branch *b)
{
	const char *why;

	assert_int_equal(entries_clear_session(b->entries, "M", 10, NULL, b->clock.now, &why), 0);
	branch_run_ms(b, 1000);
	assert_int_equal(b->sas.n_sas, 0);
}

static void ah_up(void **state)
{
	struct branch *b = branch_new(CONF(LANS, "ah-sha256-hmac"), 1);

	b->hubs[0].suite = ah256;
	come_up(b, "UP 10.1.1.1");
	is_protected_by(b, ah, ah);
	branch_free(b);
}

/* The pair stays what it is, and its policies too; the next one is what is configured. */
static void reload_changes_the_protocol(void **state)
{
	struct branch *b = branch_new(CONF(LANS, "esp-gcm"), 1);

	come_up(b, "UP 10.1.1.1");
	is_protected_by(b, esp, esp);
	branch_reload(b, CONF(LANS, "ah-sha256-hmac"));
	b->hubs[0].suite = ah256;
	is_protected_by(b, esp, esp);
	assert_true(branch_send(b, 0));
	clear(b);
	come_up(b, "UP 10.1.1.1");
	is_protected_by(b, ah, ah);
	/* Without a pair there is nothing to keep. */
	clear(b);
	branch_reload(b, CONF(LANS, "esp-gcm"));
	b->hubs[0].suite = (struct esp_suite){ 0 };
	come_up(b, "UP 10.1.1.1");
	is_protected_by(b, esp, esp);
	branch_free(b);
}

/* SAs of an earlier run are in use until new ones are up (A19), so they are what is asked for. */
static void restart_changes_the_protocol(void **state)
{
	struct branch *b = branch_new(CONF(LANS, "ah-sha256-hmac"), 1);

	b->hubs[0].suite = ah256;
	come_up(b, "UP 10.1.1.1");
	b->hubs[0].cut = true;
	branch_restart(b, CONF(LANS, "esp-gcm"));
	is_protected_by(b, ah, ah);
	b->hubs[0].cut = false;
	b->hubs[0].suite = (struct esp_suite){ 0 };
	branch_run_ms(b, 30000);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	is_protected_by(b, esp, esp);
	branch_free(b);
}

static void transport_up(void **state)
{
	struct branch *b = branch_new(CONF(GATEWAYS, "esp-gcm\n mode transport"), 1);

	b->hubs[0].mode = SA_MODE_TRANSPORT;
	come_up(b, "UP 10.1.1.1");
	is_protected_by(b, transport, transport);
	branch_free(b);
}

/* The hub says which it is, each time anew. */
static void transport_falls_back(void **state)
{
	struct branch *b = branch_new(CONF(GATEWAYS, "esp-gcm\n mode transport"), 1);

	come_up(b, "UP 10.1.1.1");
	is_protected_by(b, esp, esp);
	/* A reload that changes nothing changes nothing. */
	branch_reload(b, CONF(GATEWAYS, "esp-gcm\n mode transport"));
	is_protected_by(b, esp, esp);
	clear(b);
	b->hubs[0].mode = SA_MODE_TRANSPORT;
	come_up(b, "UP 10.1.1.1");
	is_protected_by(b, transport, transport);
	branch_free(b);
}

static void required_transport_backs_off(void **state)
{
	struct branch *b = branch_new(CONF(GATEWAYS, "esp-gcm\n mode transport require"), 1);
	const struct branch_note *n;

	branch_send(b, 0);
	branch_run_ms(b, 2000);
	assert_int_equal(b->sas.n_sas, 0);
	n = branch_last(b, ENTRY_WALK);
	assert_non_null(n);
	for (unsigned i = 0; i < b->n_log; i++)
		if (strstr(b->log[i].sentence, "does not take transport mode"))
			n = NULL;
	assert_null(n);
	branch_free(b);
}

static void lans_are_in_a_tunnel(void **state)
{
	struct branch *b = branch_new(CONF(LANS, "esp-gcm\n mode transport"), 1);

	b->hubs[0].mode = SA_MODE_TRANSPORT;
	come_up(b, "UP 10.1.1.1");
	is_protected_by(b, esp, esp);
	branch_free(b);
}

/* Of the line's two ends only the first hub is one: towards the second it is a tunnel. */
static void another_peer_of_the_list(void **state)
{
	struct branch *b = branch_new(CONF(GATEWAYS, "esp-gcm\n mode transport"), 2);

	b->hubs[0].mode = b->hubs[1].mode = SA_MODE_TRANSPORT;
	come_up(b, "UP 10.1.1.1");
	is_protected_by(b, transport, transport);
	b->hubs[0].cut = true;
	branch_traffic_ms(b, 0, 60000, 500);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	is_protected_by(b, esp, esp);
	b->hubs[1].cut = true;
	b->hubs[0].cut = false;
	branch_traffic_ms(b, 0, 60000, 500);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	is_protected_by(b, transport, transport);
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ah_up),
		cmocka_unit_test(reload_changes_the_protocol),
		cmocka_unit_test(restart_changes_the_protocol),
		cmocka_unit_test(transport_up),
		cmocka_unit_test(transport_falls_back),
		cmocka_unit_test(required_transport_backs_off),
		cmocka_unit_test(lans_are_in_a_tunnel),
		cmocka_unit_test(another_peer_of_the_list),
	};

	return cmocka_run_group_tests_name("entry: AH, ESP and their modes", tests, NULL, NULL);
}
