// SPDX-License-Identifier: GPL-2.0
/*
 * Unit test of kmod/idle_judge.h and kmod/turn.h: the same lines as in the
 * kernel, under a model that knows when each packet really passed. TAP on
 * standard output.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../kmod/idle_judge.h"
#include "../kmod/turn.h"
#include "../kmod/test/tables.h"

static int n_tests, n_failed;

static void result(bool ok, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", ok ? "" : "not ", ++n_tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	n_failed += !ok;
}

static void test_use(void)
{
	struct pp_use use;
	size_t i;

	for (i = 0; i < sizeof(pp_use_cases) / sizeof(pp_use_cases[0]); i++) {
		use = pp_judge_use(&pp_use_cases[i].mv);
		result(use.last == pp_use_cases[i].expect.last && use.slack == pp_use_cases[i].expect.slack,
		       "use: %s (%" PRIu64 " - %" PRIu64 ")", pp_use_cases[i].desc,
		       (uint64_t)use.last, (uint64_t)use.slack);
	}
}

static void test_periods(void)
{
	size_t i;

	for (i = 0; i < sizeof(pp_period_cases) / sizeof(pp_period_cases[0]); i++)
		result(pp_judge_period(pp_period_cases[i].t) == pp_period_cases[i].period &&
		       pp_judge_oneway_period(pp_period_cases[i].t) == pp_period_cases[i].one_way,
		       "periods of %" PRIu64 " ms", (uint64_t)(pp_period_cases[i].t / MS));
	result(pp_judge_period(0) == PP_LOOK_MAX_NS, "without a timeout a look every 300 s");
	result(pp_judge_next(SEC, PP_NEVER, 0, false) == 301 * SEC, "next: nothing due");
	result(pp_judge_next(SEC, 4000 * SEC, 3600 * SEC, true) == 301 * SEC,
	       "next: exact, far away: 300 s");
	result(pp_judge_next(SEC, 50 * SEC, 60 * SEC, true) == 50 * SEC, "next: exact: when due");
	result(pp_judge_next(SEC, 50 * SEC, 60 * SEC, false) == 8500 * MS, "next: sampled: a period");
	result(pp_judge_next(9 * SEC, 3 * SEC, 60 * SEC, true) == 9 * SEC, "next: overdue: now");
	result(pp_slack_ms(1) == 1 && pp_slack_ms(0) == 0 && pp_slack_ms(PP_NEVER / 2) == U32_MAX,
	       "slack is rounded up and does not wrap");
	result(!pp_judge_idle(PP_NEVER, 0, 0), "no timeout is never idle");
	result(!pp_judge_idle(5, 6, 1), "a use after t0 is not idle");
	result(pp_judge_idle(100 * (u64)86400 * SEC, 0, 86400 * SEC), "ms of 49 days do not wrap");
}

/*
 * The model: packets at random instants, looks when pp_judge_next() says plus
 * up to a tick, a core that keeps lastused or not, a wall clock that is set
 * now and then. Whatever comes, no verdict may be early, and while nobody sets
 * the clock none may be later than what is promised.
 */
struct model {
	u64 t, tick, read, last_packet;
	bool lastused, steps, changed;
	s64 off, off_read;
	u64 off_since;
	u64 early, late_max, verdicts;
};

static u64 rnd(u64 below)
{
	return (((u64)random() << 31) ^ (u64)random()) % below;
}

static void model_verdict(struct model *m, u64 now)
{
	u64 silent = now - m->last_packet;

	m->verdicts++;
	if (silent < m->t)
		m->early++;
	else if (silent - m->t > m->late_max)
		m->late_max = silent - m->t;
}

static struct pp_use model_moved(struct model *m, u64 now)
{
	struct pp_move mv = { .since = m->read, .now = now + rnd(10000), .off = m->off };

	mv.off_valid = m->read >= m->off_since;
	if (m->lastused)
		mv.lastused = ((s64)m->last_packet + m->off - (s64)rnd(6400000)) / (s64)SEC;
	return pp_judge_use(&mv);
}

/* The next packet: often soon, sometimes around T, sometimes much later. */
static u64 model_packet(const struct model *m, u64 now)
{
	switch (rnd(4)) {
	case 0: return now + 1 + rnd(m->t / 4);
	case 1: return now + m->t - rnd(m->t / 8 + 1) + rnd(m->t / 8 + 1);
	case 2: return now + 3 * m->t + rnd(m->t);
	default: return now + 1 + rnd(m->t);
	}
}

static void model_run(struct model *m, int looks)
{
	struct pp_use use = { SEC, 0 };
	u64 now = SEC, packet = model_packet(m, now), due;
	bool moved, idle = false, exact;

	m->read = m->last_packet = now;
	while (looks--) {
		moved = false;
		while (packet <= now) {
			m->last_packet = packet;
			packet = model_packet(m, packet);
			moved = true;
		}
		if (moved) {
			use = model_moved(m, now);
			idle = false;
		} else if (!idle && pp_judge_idle(now, use.last, m->t)) {
			model_verdict(m, now);
			idle = true;
		}
		m->read = now;
		exact = m->lastused && !idle;
		due = idle ? PP_NEVER : use.last + m->t;
		now = pp_judge_next(now, due, m->t, exact) + 1 + rnd(m->tick);
		if (m->steps && !rnd(20)) {
			m->off += (s64)rnd(20 * SEC) - (s64)(10 * SEC);
			/* the look notices it, and believes nothing older */
			m->off_since = now;
		}
	}
}

static u64 model_bound(const struct model *m)
{
	if (m->lastused && m->t >= PP_LASTUSED_MIN_NS)
		return PP_LASTUSED_NS + m->tick + 10000000;
	return pp_judge_period(m->t) + 2 * m->tick;
}

static void test_model(void)
{
	static const u64 times[] = { 100, 300, 999, 1000, 2000, 10000, 60000, 3600000, 86400000 };
	struct model m;
	size_t i;
	int kind;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		for (kind = 0; kind < 4; kind++) {
			m = (struct model){ .t = times[i] * MS, .lastused = kind & 1, .steps = kind & 2 };
			m.tick = m.t < SEC ? PP_TICK_FINE_NS : PP_TICK_NS;
			m.off = 1700000000 * (s64)SEC;
			model_run(&m, 200000);
			result(m.verdicts > 150 && !m.early && (m.steps || m.late_max <= model_bound(&m)),
			       "model: T=%" PRIu64 " ms%s%s: %" PRIu64 " verdicts, %" PRIu64
			       " early, at most %" PRIu64 " ms late", (uint64_t)times[i],
			       m.lastused ? ", lastused" : "", m.steps ? ", clock set" : "",
			       (uint64_t)m.verdicts, (uint64_t)m.early, (uint64_t)(m.late_max / MS));
		}
}

static void test_oneway(void)
{
	struct pp_oneway ow = { 0 };
	u64 w = 10 * SEC;

	result(pp_oneway_due(&ow, w) == PP_NEVER && !pp_oneway_judge(&ow, 100 * SEC, w),
	       "one-way: nothing went out, no verdict");
	pp_oneway_out(&ow, 19 * SEC, 20 * SEC, 21 * SEC);
	result(!ow.since, "one-way: what may have left before the peer was heard is answered");
	pp_oneway_out(&ow, 20 * SEC, 20 * SEC, 21 * SEC);
	pp_oneway_out(&ow, 25 * SEC, 20 * SEC, 26 * SEC);
	result(ow.since == 21 * SEC && ow.from == 20 * SEC, "one-way: counted from the first");
	result(!pp_oneway_judge(&ow, 31 * SEC - 1, w), "one-way: not before W");
	result(pp_oneway_judge(&ow, 31 * SEC, w) && ow.repeat == 1, "one-way: at W");
	result(!pp_oneway_judge(&ow, 50 * SEC, w), "one-way: not again without more going out");
	pp_oneway_out(&ow, 33 * SEC, 20 * SEC, 34 * SEC);
	result(!pp_oneway_judge(&ow, 41 * SEC - 1, w) && pp_oneway_judge(&ow, 41 * SEC, w) && ow.repeat == 2,
	       "one-way: again W later while it lasts");
	result(pp_oneway_end(&ow) && !ow.since && !pp_oneway_end(&ow), "one-way: heard, once");
	pp_oneway_out(&ow, 50 * SEC, 49 * SEC, 51 * SEC);
	result(!pp_oneway_end(&ow), "one-way: an end without a verdict says nothing");
	result(pp_oneway_due(&ow, 0) == PP_NEVER, "one-way: no limit, never");
}

static void test_turn(void)
{
	int left = PP_TURN - 1000000, n = 1;
	size_t i;

	for (i = 0; i < sizeof(pp_turn_cases) / sizeof(pp_turn_cases[0]); i++)
		result(pp_turn_begin(pp_turn_cases[i].left) == pp_turn_cases[i].turn, "turn: %s", pp_turn_cases[i].desc);
	while ((left = pp_turn_begin(left)) <= 0)
		n++;
	result(n == 1000000 / PP_TURN, "turn: a look at a million SAs costs %d turns", n);
}

/*
 * The model of a sweep: COUNT objects, some of them per step, and a change
 * every so many steps. An object is right if it was passed after the last
 * change.
 */
#define COUNT 1000u
#define PER_STEP 7u

struct sweep_model {
	struct pp_sweep sw;
	unsigned int at, change, passed[COUNT + 1], longest;
};

static void sweep_pass(struct sweep_model *m, u32 id)
{
	if (m->at - m->passed[id] > m->longest)
		m->longest = m->at - m->passed[id];
	m->passed[id] = m->at;
}

static void sweep_step(struct sweep_model *m)
{
	u32 id, last = pp_sweep_last(&m->sw), n = 0;

	m->at++;
	for (id = m->sw.next; id <= last && id <= COUNT; id++) {
		m->sw.next = id;
		if (n++ == PER_STEP)
			return;
		sweep_pass(m, id);
	}
	pp_sweep_turn(&m->sw);
}

static bool sweep_right(const struct sweep_model *m)
{
	for (u32 id = 1; id <= COUNT; id++)
		if (m->passed[id] <= m->change)
			return false;
	return true;
}

/* A change after every EVERY steps, CHANGES of them. */
static void sweep_run(unsigned int every, unsigned int changes)
{
	struct sweep_model m = { 0 };
	unsigned int round = COUNT / PER_STEP + 3, i, steps = 0;

	while (changes--) {
		pp_sweep_start(&m.sw);
		m.change = m.at;
		for (i = 0; i < every && m.sw.next; i++)
			sweep_step(&m);
		m.at += every - i;
	}
	while (m.sw.next && steps++ < 3 * round)
		sweep_step(&m);
	result(sweep_right(&m) && !m.sw.next && steps <= round && m.longest <= round + every,
	       "sweep: a change every %u steps: done %u after the last, no object passed over for more than %u",
	       every, steps, m.longest);
}

static void test_sweep(void)
{
	static const unsigned int every[] = { 1, 3, 100, 142, 143, 144, 150, 400 };
	struct pp_sweep sw = { 0 };
	size_t i;

	pp_sweep_start(&sw);
	result(sw.next == 1 && pp_sweep_last(&sw) == U32_MAX && !pp_sweep_turn(&sw) && !sw.next,
	       "sweep: once from the first to the last");
	for (i = 0; i < sizeof(every) / sizeof(every[0]); i++)
		sweep_run(every[i], 2000);
}

int main(void)
{
	srandom(1);
	test_use();
	test_periods();
	test_model();
	test_oneway();
	test_turn();
	test_sweep();
	printf("1..%d\n", n_tests);
	return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
