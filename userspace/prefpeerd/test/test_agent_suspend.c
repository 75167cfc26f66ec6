/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine that sleeps (semantics.md §14.6): the loop's clocks, and what the agent does on waking. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "prefpeerd/engine_ike/wire.h"
#include "prefpeerd/loop.h"
#include "prefpeerd/test/entry_branch.h"

#define CONF(dpd) \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto isakmp key secret address 10.2.2.2\n" \
	dpd \
	"crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"crypto map tohub 1 ipsec-isakmp\n" \
	" set peer 10.1.1.1 default\n" \
	" set peer 10.2.2.2\n" \
	" set security-association idle-time 120 default\n" \
	" set transform-set T\n" \
	" match address 101\n" \
	"interface wan\n crypto map tohub\n"

#define HOUR_MS 3600000LL

/* ---- the agent ------------------------------------------------------------------ */

/* Up on the second peer, so that the way home shows. */
static struct branch *up(const char *conf)
{
	struct branch *b = branch_new(conf, 2);

	b->hubs[0].cut = true;
	while (strcmp(branch_state(b), "UP 10.2.2.2"))
		branch_traffic_ms(b, 0, 100, 100);
	b->hubs[0].cut = false;
	assert_true(branch_send(b, 0));
	branch_run_ms(b, 1000);
	return b;
}

/* Boottime went on, nothing ran; the loop says so before it fires a timer. */
static void sleep_ms(struct branch *b, int64_t ms)
{
	b->clock.now = mono_add_ms(b->clock.now, ms);
	entries_resumed(b->entries, b->clock.now);
}

/* Requests of the branch since then, with or without payloads: a probe is empty. */
static unsigned requests(const struct branch *b, unsigned since)
{
	unsigned n = 0;

	for (unsigned i = since; i < b->net.n_log; i++) {
		const struct datagram *d = b->net.log[i];

		n += !d->keepalive && !datagram_is_response(d) && d->dst.addr.bytes[0] == 10 &&
		     d->dst.addr.bytes[1] && datagram_exchange(d) == XCHG_INFORMATIONAL;
	}
	return n;
}

static void idle_waits_for_the_answer(void **state)
{
	struct branch *b = up(CONF("crypto ikev2 dpd 10 2 on-demand\n"));
	unsigned since = b->net.n_log;

	sleep_ms(b, HOUR_MS);
	assert_int_equal(requests(b, since), 1);
	/* The verdict falls at once; the round trip is 20 ms. */
	branch_run_ms(b, 10);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	assert_int_equal(requests(b, since), 1);
	branch_run_ms(b, 20);
	assert_string_equal(branch_state(b), "DOWN 10.2.2.2");
	assert_int_equal(branch_last(b, ENTRY_DOWN)->reason, REASON_IDLE_HOME);
	assert_string_equal(branch_last(b, ENTRY_DOWN)->next, "10.1.1.1");
	branch_run_ms(b, 1000);
	assert_int_equal(requests(b, since), 3); /* and DELETE, of the pair and of the IKE SA */
	branch_free(b);
}

/* A packet while the probe is out: the verdict is void, not late. */
static void used_before_the_answer(void **state)
{
	struct branch *b = up(CONF("crypto ikev2 dpd 10 2 on-demand\n"));

	sleep_ms(b, HOUR_MS);
	branch_run_ms(b, 10);
	assert_true(branch_send(b, 0));
	branch_run_ms(b, 60000);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	branch_run_ms(b, 60100);
	assert_string_equal(branch_state(b), "DOWN 10.2.2.2");
	branch_free(b);
}

static void dead_while_asleep(void **state)
{
	struct branch *b = up(CONF("crypto ikev2 dpd 10 2 on-demand\n"));
	unsigned since = b->net.n_log;

	b->hubs[1].cut = true;
	sleep_ms(b, HOUR_MS);
	branch_run_ms(b, 11900);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	branch_run_ms(b, 200);
	assert_string_equal(branch_state(b), "DOWN 10.2.2.2");
	assert_int_equal(branch_last(b, ENTRY_DOWN)->reason, REASON_DEAD);
	assert_int_equal(requests(b, since), 6);
	assert_non_null(strstr(branch_last(b, ENTRY_DOWN)->sentence, "12.0 s"));
	branch_free(b);
}

/* Silence while asleep is nobody's: the outstanding request has its whole curve again. */
static void asleep_within_a_probe(void **state)
{
	struct branch *b = up(CONF("crypto ikev2 dpd 10 2 periodic\n"));
	unsigned since;

	b->hubs[1].cut = true;
	branch_run_ms(b, 10000);
	since = b->net.n_log;
	sleep_ms(b, HOUR_MS);
	b->hubs[1].cut = false;
	branch_run_ms(b, 10);
	assert_int_equal(b->net.n_log - since, 1);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	branch_run_ms(b, 1000);
	assert_int_equal(branch_last(b, ENTRY_DOWN)->reason, REASON_IDLE_HOME);
	branch_free(b);
}

static int no_probe(void *e, conn_id conn)
{
	return -ENOMEM;
}

/* What cannot be probed holds nothing up. */
static void probe_refused(void **state)
{
	struct branch *b = up(CONF(""));
	struct engine_ops ops = *b->engine->ops;
	const struct engine_ops *real = b->engine->ops;

	ops.probe = no_probe;
	b->engine->ops = &ops;
	sleep_ms(b, HOUR_MS);
	branch_run_ms(b, 10);
	assert_int_equal(branch_last(b, ENTRY_DOWN)->reason, REASON_IDLE_HOME);
	b->engine->ops = real;
	branch_free(b);
}

/* Cleared while its verdict waits: the pair that comes after is none of its business. */
static void cleared_before_the_answer(void **state)
{
	struct branch *b = up(CONF("crypto ikev2 dpd 10 2 on-demand\n"));
	const char *why;

	sleep_ms(b, HOUR_MS);
	branch_run_ms(b, 10);
	assert_int_equal(entries_clear_sa(b->entries, NULL, 0, NULL, 0, b->clock.now, &why), 0);
	branch_send(b, 0);
	branch_run_ms(b, 5000);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	branch_free(b);
}

/* ---- the loop -------------------------------------------------------------------- */

static int64_t slept_ns; /* what boottime has more than the machine's own */

/* Before libc's: for the loop, and for libevent. */
int clock_gettime(clockid_t which, struct timespec *ts)
{
	int64_t ns;

	if (syscall(SYS_clock_gettime, which, ts))
		return -1;
	if (which != CLOCK_BOOTTIME)
		return 0;
	ns = ts->tv_nsec + slept_ns;
	ts->tv_sec += ns / NSEC_PER_SEC;
	ts->tv_nsec = ns % NSEC_PER_SEC;
	return 0;
}

struct sleeper {
	struct loop *loop;
	struct timer wakes, due, other;
	int64_t told_ms;
	unsigned n_told, n_due, n_other;
};

static void on_wakes(struct timer *t, mono_t now)
{
	struct sleeper *s = timer_container(t, struct sleeper, wakes);

	slept_ns += HOUR_MS * NSEC_PER_MSEC;
	timer_set(loop_timers(s->loop), &s->other, mono_add_ms(now, 1));
}

static void on_other(struct timer *t, mono_t now)
{
	timer_container(t, struct sleeper, other)->n_other++;
}

static void on_due(struct timer *t, mono_t now)
{
	struct sleeper *s = timer_container(t, struct sleeper, due);

	s->n_due++;
	assert_int_equal(s->n_told, 1); /* first */
	loop_stop(s->loop);
}

/* May arm and cancel what the loop is about to fire. */
static void on_resume(void *ctx, int64_t ms, mono_t now)
{
	struct sleeper *s = ctx;

	s->told_ms = ms;
	s->n_told++;
	timer_set(loop_timers(s->loop), &s->other, mono_add_ms(now, 5));
}

static void arm(struct sleeper *s, struct timer *t, timer_fn fn, int64_t ms)
{
	timer_init(t, fn);
	timer_set(loop_timers(s->loop), t, mono_add_ms(mono_now(), ms));
}

static void loop_sees_the_jump(void **state)
{
	struct sleeper s = { .loop = loop_new() };

	assert_non_null(s.loop);
	loop_on_resume(s.loop, on_resume, &s);
	timer_init(&s.other, on_other);
	arm(&s, &s.wakes, on_wakes, 1);
	/* In half an hour of boottime: due when it wakes, though monotonic says not yet. */
	arm(&s, &s.due, on_due, HOUR_MS / 2);
	assert_int_equal(loop_run(s.loop), 0);
	assert_int_equal(s.n_due, 1);
	assert_in_range(s.told_ms, HOUR_MS - 1, HOUR_MS + 1000);
	timer_cancel(loop_timers(s.loop), &s.other);
	loop_free(s.loop);
}

static void short_jumps_add_up(void **state)
{
	struct sleeper s = { .loop = loop_new() };

	loop_on_resume(s.loop, on_resume, &s);
	timer_init(&s.other, on_other);
	slept_ns += 600 * NSEC_PER_MSEC;
	loop_check_resume(s.loop);
	assert_int_equal(s.n_told, 0);
	slept_ns += 600 * NSEC_PER_MSEC;
	loop_check_resume(s.loop);
	assert_int_equal(s.n_told, 1);
	assert_in_range(s.told_ms, 1199, 1300);
	loop_check_resume(s.loop);
	assert_int_equal(s.n_told, 1);
	timer_cancel(loop_timers(s.loop), &s.other);
	loop_free(s.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_waits_for_the_answer),
		cmocka_unit_test(used_before_the_answer),
		cmocka_unit_test(dead_while_asleep),
		cmocka_unit_test(asleep_within_a_probe),
		cmocka_unit_test(probe_refused),
		cmocka_unit_test(cleared_before_the_answer),
		cmocka_unit_test(loop_sees_the_jump),
		cmocka_unit_test(short_jumps_add_up),
	};

	return cmocka_run_group_tests_name("agent: suspend", tests, NULL, NULL);
}
