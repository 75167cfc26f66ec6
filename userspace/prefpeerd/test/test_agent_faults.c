/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports that lose, fail or have no room: what the agent makes of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeerd/test/entry_branch.h"

#define CONF \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto isakmp key secret address 10.2.2.2\n" \
	"crypto ikev2 dpd 10 2 periodic\n" \
	"crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.3.0 0.0.0.255\n" \
	"crypto map tohub 1 ipsec-isakmp\n" \
	" set peer 10.1.1.1 default\n" \
	" set peer 10.2.2.2\n" \
	" set security-association idle-time 120 default\n" \
	" set transform-set T\n" \
	" match address 101\n" \
	"interface wan\n crypto map tohub\n"

/* ---- the module's verdicts --------------------------------------------------- */

static uint32_t idle_in_force_ms;
static unsigned failing;
static uint64_t counted;

static int read_pair(void *impl, const struct kernel_pair_key *key, struct kernel_pair_reading *out)
{
	struct branch *b = impl;

	if (failing) {
		failing--;
		return -ENOBUFS;
	}
	out->last_use = b->last_use;
	out->idle_ms = idle_in_force_ms;
	return 0;
}

static int read_sa(void *impl, const struct kernel_sa_id *id, struct kernel_sa_reading *out)
{
	if (!fake_kernel_sa(&((struct branch *)impl)->sas, id->spi))
		return -ESRCH;
	out->packets = counted;
	return 0;
}

/* Up on the default, one line; verdicts come from the test alone. */
static struct branch *up(void)
{
	struct branch *b = branch_new(CONF, 2);

	b->ops.pair_read = read_pair;
	b->ops.sa_read = read_sa;
	idle_in_force_ms = 120000;
	failing = 0;
	counted = 10;
	branch_send(b, 0);
	branch_run_ms(b, 1000);
	assert_true(branch_send(b, 0));
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	b->n_rules = 0;
	return b;
}

static void tell(struct branch *b, enum kernel_event_type type)
{
	const struct kernel_sa *sa = &b->sas.sas[b->sas.sas[0].dir != SA_DIR_OUT];
	const struct kernel_event ev = {
		.type = type,
		.when = b->clock.now,
		.last_use = b->last_use,
		.pair = {sa->src, sa->id.dst, sa->reqid},
	};

	entries_kernel_event(b->entries, &ev, b->clock.now);
}

static void verdict_lost(void **state)
{
	struct branch *b = up();

	branch_run_ms(b, 119000);
	tell(b, KEV_OVERRUN);
	assert_string_equal(branch_state(b), "UP 10.1.1.1"); /* never before T */
	branch_run_ms(b, 1000);
	idle_in_force_ms = 0;
	tell(b, KEV_OVERRUN);
	assert_string_equal(branch_state(b), "UP 10.1.1.1"); /* no timer, no verdict */
	idle_in_force_ms = 120000;
	tell(b, KEV_OVERRUN);
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1");
	assert_string_equal(branch_last(b, ENTRY_DOWN)->sentence,
			    "idle for 120 s; next attempt 10.1.1.1");
	branch_free(b);
}

static void verdict_lost_and_unread(void **state)
{
	struct branch *b = up();

	branch_run_ms(b, 121000);
	failing = 2;
	tell(b, KEV_OVERRUN);
	branch_run_ms(b, 1500);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_run_ms(b, 1000);
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1");
	branch_free(b);
}

/* Of an agent that is no more: the pair's verdict fell while nobody listened. */
static int read_idle_pair(void *impl, const struct kernel_pair_key *key,
			  struct kernel_pair_reading *out)
{
	struct branch *b = impl;

	(void)key;
	out->last_use = mono_add_ms(b->clock.now, -150000);
	out->idle_ms = 120000;
	return 0;
}

static void idle_pair_joined(void **state)
{
	struct branch *b = branch_new(CONF, 2);

	(void)state;
	b->ops.pair_read = read_idle_pair;
	branch_send(b, 0);
	branch_run_ms(b, 900);
	assert_string_equal(branch_state(b), "UP 10.1.1.1"); /* what waits may pass */
	branch_run_ms(b, 1000);
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1");
	assert_string_equal(branch_last(b, ENTRY_DOWN)->sentence,
			    "idle for 150 s; next attempt 10.1.1.1");
	branch_free(b);
}

static void verdict_unread(void **state)
{
	struct branch *b = up();

	branch_run_ms(b, 121000);
	failing = 1;
	tell(b, KEV_PAIR_IDLE);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_run_ms(b, 1100);
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1");
	assert_string_equal(branch_last(b, ENTRY_DOWN)->sentence,
			    "idle for 122 s; next attempt 10.1.1.1");
	branch_free(b);
}

static void verdict_unread_then_void(void **state)
{
	struct branch *b = up();

	branch_run_ms(b, 121000);
	failing = 1;
	tell(b, KEV_PAIR_IDLE);
	branch_run_ms(b, 500);
	assert_true(branch_send(b, 0));
	branch_run_ms(b, 10000);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_free(b);
}

static void verdict_never_read(void **state)
{
	struct branch *b = up();

	branch_run_ms(b, 121000);
	failing = UINT32_MAX;
	tell(b, KEV_PAIR_IDLE);
	branch_run_ms(b, 3500);
	counted++; /* a packet after all */
	branch_run_ms(b, 10000);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	tell(b, KEV_PAIR_IDLE);
	branch_run_ms(b, 3500);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_run_ms(b, 1000);
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1"); /* the SAs are where they were */
	branch_free(b);
}

/* The verdict that waits is of the pair that is gone, not of the one that took its place. */
static void verdict_of_another(void **state)
{
	struct branch *b = up();
	const char *why;

	branch_run_ms(b, 121000);
	failing = UINT32_MAX;
	tell(b, KEV_PAIR_IDLE);
	assert_int_equal(entries_clear_sa(b->entries, NULL, 0, NULL, 0, b->clock.now, &why), 0);
	branch_send(b, 0);
	branch_run_ms(b, 10000);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_free(b);
}

/* ---- an engine without room ---------------------------------------------------- */

static unsigned refused;

static int no_room(void *e, conn_id conn, remote_id remote, const struct addr *local,
		   const struct engine_child *child, const struct engine_budget *b)
{
	refused++;
	return -EAGAIN;
}

static void set_ups_are_full(void **state)
{
	struct branch *b = branch_new(CONF, 2);
	const struct engine_ops *real = b->engine->ops;
	struct engine_ops ops = *real;
	mono_t from;

	ops.open = no_room;
	refused = 0;
	b->engine->ops = &ops;
	b->hubs[0].cut = true;
	branch_traffic_ms(b, 0, 20000, 500);
	assert_string_equal(branch_state(b), "WALK 10.1.1.1"); /* no failure of that peer */
	assert_in_range(refused, 300, 401); /* every 50 ms */
	ops.open = real->open;
	from = b->clock.now;
	while (!strcmp(branch_state(b), "WALK 10.1.1.1"))
		branch_run_ms(b, 100);
	assert_in_range(mono_diff_ms(b->clock.now, from), 12000, 12200); /* its whole budget */
	branch_run_ms(b, 300);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	assert_true(branch_send(b, 0));
	b->engine->ops = real;
	branch_free(b);
}

/* ---- policies -------------------------------------------------------------------- */

static bool policies_full;
static unsigned n_puts;
static struct addr named[2]; /* by the out templates of both lines */

static int put_policy(void *impl, const struct kernel_policy *p)
{
	n_puts++;
	if (policies_full)
		return -ENOBUFS;
	if (p->dir == POLICY_OUT && p->action == POLICY_PROTECT)
		named[p->reqid % 256 == 3] = p->tmpl_dst;
	return 0;
}

static void template_refused(void **state)
{
	struct branch *b = up();
	struct addr second;
	unsigned n;

	addr_parse("10.2.2.2", &second);
	b->ops.policy_put = put_policy;
	policies_full = true;
	memset(named, 0, sizeof(named));
	b->hubs[0].cut = true;
	while (strcmp(branch_state(b), "UP 10.2.2.2"))
		branch_traffic_ms(b, 0, 100, 100);
	n = n_puts;
	branch_run_ms(b, 5100);
	assert_in_range(n_puts - n, 10, 12); /* both lines, every second */
	policies_full = false;
	branch_run_ms(b, 1100);
	assert_true(addr_equal(&named[0], &second) && addr_equal(&named[1], &second));
	n = n_puts;
	branch_run_ms(b, 5000);
	assert_int_equal(n_puts, n);
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdict_lost),
		cmocka_unit_test(verdict_lost_and_unread),
		cmocka_unit_test(idle_pair_joined),
		cmocka_unit_test(verdict_unread),
		cmocka_unit_test(verdict_unread_then_void),
		cmocka_unit_test(verdict_never_read),
		cmocka_unit_test(verdict_of_another),
		cmocka_unit_test(set_ups_are_full),
		cmocka_unit_test(template_refused),
	};

	return cmocka_run_group_tests_name("agent: faults", tests, NULL, NULL);
}
