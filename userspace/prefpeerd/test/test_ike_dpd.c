// SPDX-License-Identifier: GPL-2.0-or-later
/* Dead peer detection (semantics.md §3): its tables, and two engines with one of them silenced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/dpd.h"
#include "prefpeerd/engine_ike/wire.h"
#include "prefpeerd/test/ike_fixture.h"

#define DPD_WITH(m, interval, retry, ...) \
	{ \
		.mode = (m), .interval_ms = (interval), .retry_ms = (retry), __VA_ARGS__ \
	}
#define DPD(m, interval, retry) DPD_WITH(m, interval, retry, .strict = false)

/* ---- pure ---- */

static mono_t at(int64_t ms)
{
	return mono_add_ms((mono_t){ 1 }, ms);
}

static void when_a_probe_is_due(void **state)
{
	static const struct {
		const char *what;
		struct dpd d;
		int64_t heard, last_in;
		int64_t due; /* -1: never */
	} rows[] = {
		{ "off", DPD(DPD_OFF, 10000, 2000), 100, 0, -1 },
		{ "on demand: the caller probes", DPD(DPD_ON_DEMAND, 10000, 2000), 100, 0, -1 },
		{ "periodic, IKE only", DPD(DPD_PERIODIC, 10000, 2000), 100, 0, 10100 },
		{ "periodic, ESP came later", DPD(DPD_PERIODIC, 10000, 2000), 100, 7000, 17000 },
		{ "periodic, ESP came earlier", DPD(DPD_PERIODIC, 10000, 2000), 7000, 100, 17000 },
		{ "strict: ESP does not count", DPD_WITH(DPD_PERIODIC, 10000, 2000, .strict = true),
		  100, 7000, 10100 },
		{ "sub-second", DPD_WITH(DPD_PERIODIC, 100, 20, .millis = true), 1000, 1050, 1150 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mono_t due = dpd_due(&rows[i].d, at(rows[i].heard), at(rows[i].last_in));

		if (rows[i].due < 0)
			assert_true(mono_is_never(due));
		else if (due.ns != at(rows[i].due).ns)
			fail_msg("%s: due at %lld", rows[i].what, (long long)due.ns / 1000000);
	}
}

static void curves(void **state)
{
	struct dpd d = DPD(DPD_PERIODIC, 10000, 2000);
	struct curve c = dpd_curve(&d, 0, true);

	/* Six waits that sum to 6R, each 1.5 times the one before. */
	assert_int_equal(c.n, 6);
	assert_int_equal(c.at[5], 12000000);
	assert_in_range(c.at[0], 577000, 578000); /* 0.289 R */
	for (unsigned i = 2; i < 6; i++) {
		uint64_t wait = c.at[i] - c.at[i - 1], before = c.at[i - 1] - c.at[i - 2];

		assert_in_range(wait * 1000 / before, 1499, 1501);
	}
	d.fixed = true;
	c = dpd_curve(&d, 0, true);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(c.at[i], (i + 1) * 2000000);
	/* No wait under 1.5 round trips, no budget under 4 (case 53). */
	d = (struct dpd)DPD_WITH(DPD_PERIODIC, 100, 20, .millis = true);
	c = dpd_curve(&d, 150000, true);
	assert_int_equal(c.at[c.n - 1], 600000);
	assert_true(c.at[0] >= 225000);
	assert_int_equal(c.n, 2);
	/* Requests other than the probe get at least 2 s. */
	assert_int_equal(dpd_budget_ms(&d, 1000, true), 120);
	assert_int_equal(dpd_budget_ms(&d, 1000, false), 2000);
	/* Without DPD: 4 s × 1.8, five retries: 165 s. */
	d.mode = DPD_OFF;
	c = dpd_curve(&d, 0, true);
	assert_int_equal(c.n, 6);
	assert_int_equal(c.at[0], 4000000);
	assert_in_range(c.at[5], 165000000, 165100000);
	/* A round trip longer than the budget: one sending, the budget stands. */
	c = curve_budget(100, 90000, false);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.at[0], 100000);
}

static void verdicts(void **state)
{
	struct dpd d = DPD(DPD_PERIODIC, 10000, 2000);

	assert_true(dpd_is_dead(&d, at(100), MONO_UNSET, 0));
	assert_true(dpd_is_dead(&d, at(100), at(50), 0));
	assert_true(dpd_is_dead(&d, at(100), at(100), 0));
	assert_false(dpd_is_dead(&d, at(100), at(101), 0));
	assert_false(dpd_is_dead(&d, at(100), at(101), 2));
	assert_true(dpd_is_dead(&d, at(100), at(101), 3));
	d.strict = true;
	assert_true(dpd_is_dead(&d, at(100), at(101), 0));
}

/* ---- two engines ---- */

static enum mock_fate drop_all(void *ctx, struct datagram *d)
{
	return MOCK_DROP;
}

static unsigned probes(const struct fixture *f, unsigned since)
{
	return net_count(f, &f->left, XCHG_INFORMATIONAL, false, since);
}

/* Six requests, one message ID, one content, gaps × 1.5, then death; SAs go without an exchange. */
static void death(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	const struct recorded *down;
	unsigned first;
	int64_t gap = 0;

	fixture_dpd(f, DPD_PERIODIC, 10000, 2000);
	assert_true(fixture_up(f));
	first = f->net.n_log;
	f->net.filter = drop_all;
	fixture_run_ms(f, 9900);
	assert_int_equal(f->net.n_log, first);
	fixture_run_ms(f, 12000);
	assert_int_equal(f->net.n_log, first + 6);
	assert_null(side_last(&f->left, ENG_DOWN));
	for (unsigned i = first + 1; i < first + 6; i++) {
		int64_t now = f->net.log[i]->at.ns - f->net.log[i - 1]->at.ns;

		assert_int_equal(f->net.log[i]->len, f->net.log[first]->len);
		assert_memory_equal(f->net.log[i]->bytes, f->net.log[first]->bytes,
				    f->net.log[first]->len);
		if (gap)
			assert_in_range(now * 1000 / gap, 1490, 1510);
		gap = now;
	}
	fixture_run_ms(f, 200);
	down = side_last(&f->left, ENG_DOWN);
	assert_non_null(down);
	assert_int_equal(down->ev.why, WHY_DEAD);
	assert_int_equal(down->ev.unanswered, 6);
	assert_int_equal(down->ev.silent_ms, 12000);
	assert_int_equal(f->left.kernel.n_sas, 0);
	assert_int_equal(f->net.n_log, first + 6);
	fixture_free(f);
}

/* N or N-1 probes in N intervals; ESP from the peer suppresses them, strict mode does not mind it.
 */
static void cadence(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	unsigned since;

	fixture_dpd(f, DPD_PERIODIC, 10000, 2000);
	assert_true(fixture_up(f));
	since = f->net.n_log;
	fixture_run_ms(f, 100 * 1000);
	assert_in_range(probes(f, since), 9, 10);

	since = f->net.n_log;
	for (int i = 0; i < 100; i++) {
		f->left.kernel.peer.last_in = f->clock.now;
		fixture_run_ms(f, 1000);
	}
	assert_int_equal(probes(f, since), 0);
	/* It stops: the next one comes INTERVAL after the last packet. */
	since = f->net.n_log;
	fixture_run_ms(f, 8900);
	assert_int_equal(probes(f, since), 0);
	fixture_run_ms(f, 200);
	assert_int_equal(probes(f, since), 1);
	fixture_free(f);
}

/*
 * ESP comes in all the time, then nothing any more, at any point of an INTERVAL
 * (@cut_ms from its first look): the first probe is sent within INTERVAL + INTERVAL/8
 * of the last packet. Never before INTERVAL.
 */
static void probe_after(uint32_t interval_ms, bool counted, int cut_ms, int64_t *after_ms)
{
	struct fixture *f = fixture_new(AF_INET);
	mono_t last;
	unsigned since;

	fixture_dpd(f, DPD_PERIODIC, interval_ms, 2000);
	assert_true(fixture_up(f));
	f->left.kernel.counts_now = counted ? fake_clock_now : NULL;
	f->left.kernel.counts_ctx = &f->clock;
	since = f->net.n_log;
	for (int ms = 0; ms < 3 * (int)interval_ms + cut_ms; ms += 10) {
		f->left.kernel.packets_in++;
		f->left.kernel.peer.last_in =
			counted ? f->left.kernel.peer.last_in : f->clock.now;
		last = f->clock.now;
		fixture_run_ms(f, 10);
	}
	assert_int_equal(probes(f, since), 0);
	while (!probes(f, since))
		fixture_run_ms(f, 1);
	*after_ms = mono_diff_ms(f->clock.now, last);
	fixture_free(f);
}

static void silence_is_seen_in_time(void **state)
{
	int64_t after;

	for (int cut = 0; cut < 10000; cut += 490) {
		probe_after(10000, true, cut, &after);
		assert_in_range(after, 10000, 11250 + 10);
		probe_after(10000, false, cut, &after);
		assert_in_range(after, 10000, 10010);
	}
	for (int cut = 0; cut < 400; cut += 30) {
		probe_after(400, true, cut, &after);
		assert_in_range(after, 400, 450 + 10);
	}
}

/* Where the kernel keeps the time of last use, that is one reading per INTERVAL. */
static void readings_are_few(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	unsigned before;

	fixture_dpd(f, DPD_PERIODIC, 10000, 2000);
	assert_true(fixture_up(f));
	fixture_run_ms(f, 20000);
	before = f->left.kernel.n_peer_reads;
	for (int i = 0; i < 100; i++) {
		f->left.kernel.peer.last_in = f->clock.now;
		fixture_run_ms(f, 1000);
	}
	assert_in_range(f->left.kernel.n_peer_reads - before, 9, 13);
	fixture_free(f);
}

static void strict_cadence(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	unsigned since;

	f->to_right.dpd = (struct dpd)DPD_WITH(DPD_PERIODIC, 10000, 2000, .strict = true);
	f->left.engine->ops->remote_set(f->left.engine->impl, &f->to_right);
	assert_true(fixture_up(f));
	since = f->net.n_log;
	for (int i = 0; i < 100; i++) {
		f->left.kernel.peer.last_in = f->clock.now;
		fixture_run_ms(f, 1000);
	}
	assert_in_range(probes(f, since), 9, 10);
	fixture_free(f);
}

/* On demand nothing is sent by itself; probe() sends one, and none beside an outstanding one. */
static void on_demand(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	const struct engine_ops *ops = f->left.engine->ops;
	unsigned since;

	fixture_dpd(f, DPD_ON_DEMAND, 10000, 2000);
	assert_true(fixture_up(f));
	since = f->net.n_log;
	fixture_run_ms(f, 100 * 1000);
	assert_int_equal(probes(f, since), 0);
	assert_int_equal(ops->probe(f->left.engine->impl, 1), 0);
	assert_int_equal(ops->probe(f->left.engine->impl, 1), 0);
	fixture_run_ms(f, 1000);
	assert_int_equal(probes(f, since), 1);
	f->net.filter = drop_all;
	assert_int_equal(ops->probe(f->left.engine->impl, 1), 0);
	fixture_run_ms(f, 12100);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_DEAD);
	fixture_free(f);
}

/* ESP came in since the first sending: the same request again, three times at most. */
static void suppressed_verdict(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	unsigned since;

	fixture_dpd(f, DPD_ON_DEMAND, 10000, 2000);
	assert_true(fixture_up(f));
	since = f->net.n_log;
	f->net.filter = drop_all;
	f->left.engine->ops->probe(f->left.engine->impl, 1);
	for (int i = 0; i < 47; i++) {
		f->left.kernel.peer.last_in = f->clock.now;
		fixture_run_ms(f, 1000);
	}
	assert_null(side_last(&f->left, ENG_DOWN));
	fixture_run_ms(f, 1100);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_DEAD);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.unanswered, 24);
	assert_int_equal(f->net.n_log - since, 24);
	for (unsigned i = since; i < f->net.n_log; i++)
		assert_memory_equal(f->net.log[i]->bytes, f->net.log[since]->bytes,
				    f->net.log[since]->len);
	fixture_free(f);
}

/* A request that is no probe counts as one: its give-up is death (§3.3). */
static void stuck_request_is_death(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	struct engine_child c = fixture_child(2, 2);
	unsigned since;

	fixture_dpd(f, DPD_PERIODIC, 10000, 2000);
	assert_true(fixture_up(f));
	since = f->net.n_log;
	f->net.filter = drop_all;
	assert_int_equal(f->left.engine->ops->child_open(f->left.engine->impl, 1, &c), 0);
	fixture_run_ms(f, 11900);
	assert_int_equal(probes(f, since), 0);
	assert_int_equal(net_count(f, &f->left, XCHG_CREATE_CHILD_SA, false, since), 6);
	fixture_run_ms(f, 200);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_DEAD);
	fixture_free(f);
}

/* Case 53: a round trip of 150 ms with millisecond DPD is no death. */
/*
 * Counters alone, and nobody reads them between the last packet and a request: that packet
 * came before the request, and is no sign of life since.
 */
static void packet_before_the_request(void **state)
{
	struct engine_child c = fixture_child(2, 2);
	struct fixture *f = fixture_new(AF_INET);

	fixture_dpd(f, DPD_PERIODIC, 10000, 2000);
	assert_true(fixture_up(f));
	f->left.kernel.counts_now = fake_clock_now;
	f->left.kernel.counts_ctx = &f->clock;
	fixture_run_ms(f, 100);
	f->left.kernel.packets_in++;
	f->net.filter = drop_all;
	fixture_run_ms(f, 1000);
	assert_int_equal(f->left.engine->ops->child_open(f->left.engine->impl, 1, &c), 0);
	fixture_run_ms(f, 11900);
	assert_null(side_last(&f->left, ENG_DOWN));
	fixture_run_ms(f, 200);
	assert_non_null(side_last(&f->left, ENG_DOWN));
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_DEAD);
	fixture_free(f);
}

static void long_round_trip(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	f->net.latency_ms = 75;
	f->to_right.dpd = (struct dpd)DPD_WITH(DPD_PERIODIC, 100, 20, .millis = true);
	f->left.engine->ops->remote_set(f->left.engine->impl, &f->to_right);
	assert_true(fixture_up(f));
	fixture_run_ms(f, 60 * 1000);
	assert_null(side_last(&f->left, ENG_DOWN));
	assert_int_equal(side_last(&f->left, ENG_UP)->ev.info.rtt_us, 150000);
	/* And it dies within its budget when it does. */
	f->net.filter = drop_all;
	fixture_run_ms(f, 100 + 600 + 150 + 50);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_DEAD);
	fixture_free(f);
}

/* What is not authentic keeps nobody alive, and kills nobody. */
static void forged_answers_do_not_count(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	unsigned since;

	fixture_dpd(f, DPD_ON_DEMAND, 10000, 2000);
	assert_true(fixture_up(f));
	f->left.engine->ops->probe(f->left.engine->impl, 1);
	fixture_run_ms(f, 1000);
	since = f->net.n_log;
	f->net.filter = drop_all;
	f->left.engine->ops->probe(f->left.engine->impl, 1);
	for (int i = 0; i < 12; i++) {
		struct datagram d = *f->net.log[since - 1]; /* the last answer, renumbered */

		d.bytes[23]++;
		mocknet_inject(&f->net, &d);
		fixture_run_ms(f, 1000);
	}
	fixture_run_ms(f, 100);
	assert_int_equal(engine_ike_counters(f->left.engine)->bad_icv, 12);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_DEAD);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_a_probe_is_due),
		cmocka_unit_test(curves),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(death),
		cmocka_unit_test(cadence),
		cmocka_unit_test(silence_is_seen_in_time),
		cmocka_unit_test(readings_are_few),
		cmocka_unit_test(strict_cadence),
		cmocka_unit_test(on_demand),
		cmocka_unit_test(suppressed_verdict),
		cmocka_unit_test(stuck_request_is_death),
		cmocka_unit_test(packet_before_the_request),
		cmocka_unit_test(long_round_trip),
		cmocka_unit_test(forged_answers_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
