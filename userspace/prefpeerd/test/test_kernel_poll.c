// SPDX-License-Identifier: GPL-2.0-or-later
/* The poller: verdicts from readings, never early whatever lies between two looks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/kernel_impl.h"

#define REQID 0x50500001u
#define T_MS 60000
#define W_MS 10000

enum { OUT, IN, REKEYED_OUT, N_SAS };

/* Up to three SAs between the same two ends, seen by one poller. */
struct bench {
	struct poll *p;
	struct rule rule;
	struct xfrm_sa_info sas[N_SAS];
	bool there[N_SAS];
	mono_t now;
	struct kernel_event events[64];
	unsigned n;
};

static struct addr ip(const char *text)
{
	struct addr a = { 0 };

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct addr local = ip("10.9.9.1"), peer = ip("10.1.1.1");

	b->p = poll_new();
	b->now = (mono_t){ 1000 * NSEC_PER_SEC };
	b->rule.r = (struct kernel_rule){ .peer = peer, .reqid = REQID, .idle_ms = T_MS };
	for (unsigned i = 0; i < N_SAS; i++) {
		struct kernel_sa_entry *e = &b->sas[i].e;

		e->id = (struct kernel_sa_id){ i == IN ? local : peer, i + 1, IPPROTO_ESP, 0, 0 };
		e->r.src = i == IN ? peer : local;
		e->r.reqid = REQID;
	}
	b->there[OUT] = b->there[IN] = true;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	poll_free(b->p);
	free(b);
	return 0;
}

static const struct rule *rule_of(void *ctx, const struct addr *peer, uint32_t reqid)
{
	struct bench *b = ctx;

	return addr_equal(peer, &b->rule.r.peer) && reqid == REQID ? &b->rule : NULL;
}

static void keep(void *ctx, struct kernel_event *ev)
{
	struct bench *b = ctx;

	b->events[b->n++] = *ev;
}

static void look(struct bench *b)
{
	poll_begin(b->p, b->now);
	for (unsigned i = 0; i < N_SAS; i++) {
		if (b->there[i])
			assert_int_equal(poll_see(b->p, &b->sas[i], rule_of, b), 0);
	}
	poll_end(b->p, mono_add_ms(b->now, 1), true);
	poll_judge(b->p, rule_of, b, keep);
}

/* Time passes, with a look at the end of each period. */
static void pass(struct bench *b, int64_t ms)
{
	uint32_t period = poll_period_ms(&b->rule.r);

	for (; ms > 0; ms -= period) {
		b->now = mono_add_ms(b->now, period);
		look(b);
	}
}

static void packet(struct bench *b, unsigned sa)
{
	b->sas[sa].e.r.packets++;
	b->sas[sa].e.r.bytes += 100;
}

static unsigned count(const struct bench *b, enum kernel_event_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->n; i++)
		n += b->events[i].type == type;
	return n;
}

static void test_period(void **state)
{
	assert_int_equal(poll_period_ms(&(struct kernel_rule){ 0 }), 0);
	assert_int_equal(poll_period_ms(&(struct kernel_rule){ .idle_ms = 60000 }), 7500);
	assert_int_equal(poll_period_ms(&(struct kernel_rule){ .idle_ms = 86400000 }), 10000);
	assert_int_equal(poll_period_ms(&(struct kernel_rule){ .idle_ms = 100 }), 100);
	assert_int_equal(poll_period_ms(&(struct kernel_rule){ .idle_ms = 60000, .one_way_ms = 2000 }),
			 250);
}

/* Cases 16, 17 and 41: each direction keeps the pair, alternating too. */
static void test_either_direction_keeps(void **state)
{
	struct bench *b = *state;

	look(b);
	for (unsigned i = 0; i < 20; i++) {
		pass(b, T_MS * 3 / 4);
		packet(b, i % 2 ? IN : OUT);
	}
	assert_int_equal(count(b, KEV_PAIR_IDLE), 0);
	pass(b, 2 * T_MS);
	assert_int_equal(count(b, KEV_PAIR_IDLE), 1);
}

/* A packet right after a look is the worst: the clock then starts at the next look. */
static void test_never_early(void **state)
{
	struct bench *b = *state;
	mono_t last;

	look(b);
	pass(b, 20000);
	b->now = mono_add_ms(b->now, 1);
	last = b->now;
	packet(b, OUT);
	pass(b, 2 * T_MS);
	assert_int_equal(count(b, KEV_PAIR_IDLE), 1);
	assert_in_range(mono_diff_ms(b->events[0].when, last), T_MS, T_MS + T_MS / 4 + 10);
	assert_false(mono_before(b->events[0].last_use, last));
	/* Once an episode; movement begins the next. */
	pass(b, 4 * T_MS);
	assert_int_equal(count(b, KEV_PAIR_IDLE), 1);
	packet(b, IN);
	pass(b, 2 * T_MS);
	assert_int_equal(count(b, KEV_PAIR_IDLE), 2);
}

/* Case 19: a rekey without traffic is no use of the pair; the old SA's last packet is. */
static void test_rekey(void **state)
{
	struct bench *b = *state;

	look(b);
	pass(b, 30000);
	b->there[REKEYED_OUT] = true;
	pass(b, 7500);
	b->there[OUT] = false;
	poll_gone(b->p, &b->sas[OUT], b->now);
	pass(b, 30000);
	assert_int_equal(count(b, KEV_PAIR_IDLE), 1);

	/* Back again, and this time its end shows a packet that no look had seen. */
	b->there[OUT] = true;
	packet(b, IN);
	pass(b, 15000);
	packet(b, OUT);
	b->there[OUT] = false;
	poll_gone(b->p, &b->sas[OUT], b->now);
	pass(b, T_MS - 7500);
	assert_int_equal(count(b, KEV_PAIR_IDLE), 1);
	pass(b, 15000);
	assert_int_equal(count(b, KEV_PAIR_IDLE), 2);
}

/* An SA whose end nobody told may have carried a packet: the pair's clock starts anew. */
static void test_vanished(void **state)
{
	struct bench *b = *state;

	b->there[REKEYED_OUT] = true;
	look(b);
	pass(b, T_MS - 7500);
	b->there[REKEYED_OUT] = false;
	pass(b, T_MS - 7500);
	assert_int_equal(count(b, KEV_PAIR_IDLE), 0);
	pass(b, 30000);
	assert_int_equal(count(b, KEV_PAIR_IDLE), 1);
}

/* The notice of an SA's death comes after the look that missed it, and tells of a packet. */
static void test_notice_late(void **state)
{
	struct bench *b = *state;

	b->there[REKEYED_OUT] = true;
	look(b);
	pass(b, T_MS); /* the pair's clock began 1 ms into the first look: not due yet */
	assert_int_equal(b->n, 0);
	packet(b, REKEYED_OUT);
	b->there[REKEYED_OUT] = false;
	pass(b, 7500);
	assert_int_equal(b->n, 0);
	poll_gone(b->p, &b->sas[REKEYED_OUT], b->now);
	pass(b, T_MS - 7500);
	assert_int_equal(b->n, 0);
	pass(b, 15000);
	assert_int_equal(b->n, 1);
}

/* Late, but it tells of no packet: the pair's clock goes on. */
static void test_notice_late_idle(void **state)
{
	struct bench *b = *state;

	b->there[REKEYED_OUT] = true;
	look(b);
	pass(b, T_MS);
	b->there[REKEYED_OUT] = false;
	pass(b, 7500);
	poll_gone(b->p, &b->sas[REKEYED_OUT], b->now);
	assert_int_equal(b->n, 0);
	pass(b, 7500);
	assert_int_equal(b->n, 1);
}

/* A look that was cut short gives no verdict; one direction alone never does. */
static void test_no_verdict(void **state)
{
	struct bench *b = *state;

	look(b);
	b->now = mono_add_ms(b->now, 2 * T_MS);
	poll_begin(b->p, b->now);
	poll_end(b->p, b->now, false);
	poll_judge(b->p, rule_of, b, keep);
	assert_int_equal(b->n, 0);
	b->there[IN] = false;
	poll_gone(b->p, &b->sas[IN], b->now);
	pass(b, 3 * T_MS);
	assert_int_equal(b->n, 0);
}

/* Case 36: answered once, then not any more; told again while it lasts. */
static void test_one_way(void **state)
{
	struct bench *b = *state;
	struct kernel_peer_key key = { ip("10.9.9.1"), ip("10.1.1.1"), 0 };
	struct kernel_peer_reading r;
	mono_t first;

	b->rule.r.idle_ms = 0;
	b->rule.r.one_way_ms = W_MS;
	look(b);
	pass(b, 10 * W_MS);
	assert_int_equal(b->n, 0);
	for (unsigned i = 0; i < 40; i++) {
		packet(b, OUT);
		packet(b, IN);
		pass(b, 1250);
	}
	assert_int_equal(b->n, 0);
	first = b->now;
	while (!b->n) {
		packet(b, OUT);
		pass(b, 1250);
	}
	assert_int_equal(b->events[0].type, KEV_PEER_ONE_WAY);
	assert_in_range(mono_diff_ms(b->events[0].when, first), W_MS, W_MS + 5000);
	/* The probe is answered: an end. The next is not. */
	assert_int_equal(poll_heard(b->p, &key, b->now), 0);
	for (unsigned i = 0; i < 32; i++) {
		packet(b, OUT);
		pass(b, 1250);
	}
	assert_int_equal(b->n, 4);
	assert_int_equal(b->events[3].repeat, 2);
	/* Nothing goes out any more: what went after the last firing is told, then silence. */
	pass(b, 2 * W_MS);
	assert_int_equal(b->n, 5);
	pass(b, 10 * W_MS);
	assert_int_equal(b->n, 5);
	assert_int_equal(poll_peer(b->p, &key, &r), 0);
	assert_true(mono_before(r.last_in, r.last_out));
	key.encap_port = 4500;
	assert_int_equal(poll_heard(b->p, &key, b->now), -ENOENT);
}

/* Which came first in a look's window, inbound or outbound, is not known: not unanswered. */
static void test_one_way_order_unknown(void **state)
{
	struct bench *b = *state;

	b->rule.r.idle_ms = 0;
	b->rule.r.one_way_ms = W_MS;
	look(b);
	pass(b, 5000);
	packet(b, IN);
	packet(b, OUT);
	pass(b, 1250);
	packet(b, OUT);
	pass(b, 5 * W_MS);
	assert_int_equal(b->n, 0);
}

static void test_readings(void **state)
{
	struct bench *b = *state;
	struct kernel_pair_key key = { ip("10.9.9.1"), ip("10.1.1.1"), REQID };
	struct kernel_pair_reading r;

	assert_int_equal(poll_pair(b->p, &key, &r), -ENOENT);
	packet(b, OUT);
	b->there[REKEYED_OUT] = true;
	packet(b, REKEYED_OUT);
	look(b);
	assert_int_equal(poll_pair(b->p, &key, &r), 0);
	assert_int_equal(r.packets_out, 2);
	assert_int_equal(r.packets_in, 0);
	assert_int_equal(r.bytes_out, 200);
	assert_int_equal(r.idle_ms, T_MS);
	poll_forget(b->p);
	assert_int_equal(poll_pair(b->p, &key, &r), -ENOENT);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_period),	   T(test_either_direction_keeps), T(test_never_early), T(test_rekey),
		T(test_vanished),  T(test_no_verdict),		   T(test_one_way),	T(test_readings),
		T(test_notice_late), T(test_notice_late_idle), T(test_one_way_order_unknown),
	};

	return cmocka_run_group_tests_name("idleness by polling", tests, NULL, NULL);
}
