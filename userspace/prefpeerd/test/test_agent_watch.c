// SPDX-License-Identifier: GPL-2.0-or-later
/* What the agent says of packets that XFRM only counts: which ones, and how often. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/log.h"
#include "prefpeerd/test/conf_help.h"
#include "prefpeerd/test/fake_clock.h"
#include "prefpeerd/test/fake_spd.h"
#include "prefpeerd/watch.h"

#define CONF \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto ipsec transform-set T esp-gcm 128\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"access-list 102 permit ip 192.168.1.0 0.0.0.255 192.168.3.0 0.0.0.255\n" \
	"crypto map M 10 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n" \
	" match address 101\n" \
	"crypto map M 20 ipsec-isakmp\n set transform-set T\n match address 102\n" \
	"access-list 103 permit ip 192.168.7.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"crypto map N 30 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n" \
	" match address 103\n" \
	"access-list 104 permit ip 192.168.1.0 0.0.0.255 192.168.4.0 0.0.0.255\n" \
	"access-list 105 permit ip 192.168.5.0 0.0.0.255 192.168.4.0 0.0.0.255\n" \
	"access-list 105 permit ip 192.168.6.0 0.0.0.255 192.168.4.0 0.0.0.255\n" \
	"access-list 106 permit ip 192.168.7.0 0.0.0.255 192.168.4.128 0.0.0.127\n" \
	"access-list 107 permit ip 192.168.1.0 0.0.0.255 192.168.9.128 0.0.0.127\n" \
	"access-list 108 permit ip 192.168.5.0 0.0.0.255 192.168.9.0 0.0.0.255\n" \
	"crypto map M 40 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n" \
	" match address 104\n" \
	"crypto map M 50 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n" \
	" match address 105\n" \
	"crypto map M 60 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n" \
	" match address 106\n" \
	"crypto map M 70 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n" \
	" match address 107\n" \
	"crypto map M 80 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n" \
	" match address 108\n" \
	"interface wan\n crypto map M\n" \
	"interface wan1\n crypto map N\n"

#define WAN "10.9.9.2"
#define WAN1 "10.8.8.2"

struct fixture {
	struct fake_clock clock;
	struct fake_spd f;
	struct kernel_ops ops;
	struct kernel kernel;
	struct parsed x;
	struct spd *spd;
	struct watch *watch;
	int real_stderr;
	FILE *said;
	struct watch_note told; /* the last one */
	unsigned n_told;
	int64_t wall_ms; /* at the clock's zero */
};

/* Of the one test that runs. */
static struct {
	const char *name;
	uint64_t value;
} counter;

static int stat_read(void *impl, const char *name, uint64_t *out)
{
	if (!counter.name || strcmp(counter.name, name))
		return -ENOENT;
	*out = counter.value;
	return 0;
}

static uint32_t one_reqid(void *ctx, const char *map, unsigned seq, const struct selector *sel)
{
	return REQID_FIRST + seq;
}

static const struct spd *in_force(void *ctx)
{
	return ((struct fixture *)ctx)->spd;
}

static void told(void *ctx, const struct watch_note *n)
{
	struct fixture *fx = ctx;

	fx->told = *n;
	fx->n_told++;
}

static int64_t wall(void *ctx)
{
	const struct fixture *fx = ctx;

	return fx->wall_ms + mono_diff_ms(fx->clock.now, (mono_t){ 0 });
}

static void compile(struct fixture *fx)
{
	struct prefix nets[] = { { .len = 24 }, { .len = 24 } };
	const struct spd_iface ifaces[] = {
		{ .name = "wan", .nets = &nets[0], .n_nets = 1 },
		{ .name = "wan1", .nets = &nets[1], .n_nets = 1 },
	};
	const struct spd_env env = { .ifaces = ifaces, .n_ifaces = 2, .reqid_for = one_reqid };

	assert_int_equal(addr_parse(WAN, &nets[0].addr), 0);
	assert_int_equal(addr_parse(WAN1, &nets[1].addr), 0);
	fx->x = conf_help_parse(CONF);
	fx->spd = spd_compile(fx->x.c, &env);
	assert_non_null(fx->spd);
	assert_int_equal(spd_apply(fx->spd, NULL, &fx->f.kernel), 0);
}

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	log_init(LOG_LVL_INFO);
	fake_clock_init(&fx->clock);
	fake_spd_init(&fx->f);
	compile(fx);
	fx->ops = *fx->f.kernel.ops;
	fx->ops.stat_read = stat_read;
	fx->kernel = (struct kernel){ &fx->ops, fx->f.kernel.impl };
	counter.name = NULL;
	counter.value = 0;
	fx->wall_ms = INT64_C(1700000000000);
	assert_int_equal(watch_open(&fx->clock.timers, &fx->kernel,
				    &(struct watch_ports){ in_force, told, wall, fx },
				    fx->clock.now, &fx->watch),
			 0);
	fx->said = tmpfile();
	fx->real_stderr = dup(STDERR_FILENO);
	dup2(fileno(fx->said), STDERR_FILENO);
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	dup2(fx->real_stderr, STDERR_FILENO);
	close(fx->real_stderr);
	fclose(fx->said);
	watch_close(fx->watch);
	spd_free(fx->spd);
	conf_help_free(&fx->x);
	fake_spd_fini(&fx->f);
	fake_clock_fini(&fx->clock);
	free(fx);
	return 0;
}

/* The next look, and all that was said by it. Caller frees. */
static char *look(struct fixture *fx)
{
	char *text = calloc(1, 4096);

	assert_int_equal(ftruncate(fileno(fx->said), 0), 0);
	lseek(fileno(fx->said), 0, SEEK_SET);
	assert_true(fake_clock_step(&fx->clock));
	assert_true(pread(fileno(fx->said), text, 4095, 0) >= 0);
	return text;
}

static void says(struct fixture *fx, const char *what)
{
	char *text = look(fx);

	if (what && !strstr(text, what))
		fail_msg("said: %s", text);
	if (!what && *text)
		fail_msg("nothing was to be said, not: %s", text);
	free(text);
}

static void grows(const char *name)
{
	counter.name = name;
	counter.value += 7;
}

/* The out policy from @src to @dst. */
static struct kernel_policy *policy(struct fixture *fx, const char *src, const char *dst)
{
	struct addr s, d;

	assert_int_equal(addr_parse(src, &s), 0);
	assert_int_equal(addr_parse(dst, &d), 0);
	for (unsigned i = 0; i < fx->f.n; i++) {
		struct kernel_policy *p = &fx->f.list[i].p;

		if (p->dir == POLICY_OUT && addr_equal(&p->sel.src.addr, &s) &&
		    addr_equal(&p->sel.dst.addr, &d))
			return p;
	}
	fail_msg("no policy from %s to %s", src, dst);
	return NULL;
}

/* As if a packet had met it @after_s seconds from now. */
static void meets_after(struct fixture *fx, const char *src, const char *dst, int after_s)
{
	policy(fx, src, dst)->used_s = (uint64_t)(wall(fx) / 1000 + after_s);
}

static void meets(struct fixture *fx, const char *src, const char *dst)
{
	meets_after(fx, src, dst, 0);
}

static void sets_clock(struct fixture *fx, int by_s)
{
	fx->wall_ms += by_s * INT64_C(1000);
}

/* The same to the monitor, under the entry's name if it has one. */
static void tells(struct fixture *fx, const char *reason, const char *map, unsigned seq)
{
	assert_int_equal(fx->n_told, 1);
	assert_string_equal(fx->told.reason, reason);
	assert_string_equal(fx->told.map, map);
	assert_int_equal(fx->told.seq, seq);
	fx->n_told = 0;
}

static void count_note(void *ctx, const struct watch_note *n, mono_t at)
{
	unsigned *count = ctx;

	assert_non_null(strstr(n->text, "exempt them from NAT"));
	assert_true(mono_is_set(at));
	(*count)++;
}

static unsigned warnings(struct fixture *fx, unsigned seq)
{
	unsigned n = 0;

	watch_each(fx->watch, "M", seq, count_note, &n);
	return n;
}

#define NAT_HOLE \
	"packets for 192.168.2.0/24 leave with the WAN address; exempt them from NAT (nft: rt ipsec exists accept) (XfrmOutPolBlock +7)"

/* §4.1, case 50 */
static void test_case_50_nat(void **state)
{
	struct fixture *fx = *state;

	says(fx, NULL);
	grows("XfrmOutPolBlock");
	meets(fx, WAN, "192.168.2.0");
	says(fx, NAT_HOLE);
	tells(fx, "nat", "M", 10);
	assert_string_equal(fx->told.text, NAT_HOLE);
	says(fx, NULL);
	assert_int_equal(fx->n_told, 0);
}

/* `map show` warns of it, of this entry only, until a look finds it over. */
static void test_nat_is_shown(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(warnings(fx, 10), 0);
	for (int i = 0; i < 2; i++) {
		grows("XfrmOutPolBlock");
		meets(fx, WAN, "192.168.2.0");
		says(fx, NAT_HOLE);
		assert_int_equal(warnings(fx, 10), 1);
		assert_int_equal(warnings(fx, 20), 0);
	}
	says(fx, NULL);
	assert_int_equal(warnings(fx, 10), 0);
}

/* A line that nothing can protect blocks too: NAT is not to blame. */
static void test_blocked_line(void **state)
{
	struct fixture *fx = *state;

	grows("XfrmOutPolBlock");
	meets(fx, "192.168.1.0", "192.168.3.0");
	says(fx, "packets for 192.168.3.0/24 were blocked: crypto map M 20 cannot protect them now");
	tells(fx, "blocked", "M", 20);
	assert_int_equal(warnings(fx, 20), 0); /* the entry says it */
}

/* Two maps lead to one destination, each by an interface of its own. */
static void test_nat_of_which_map(void **state)
{
	struct fixture *fx = *state;

	grows("XfrmOutPolBlock");
	meets(fx, WAN1, "192.168.2.0");
	says(fx, NAT_HOLE);
	tells(fx, "nat", "N", 30);
	assert_int_equal(warnings(fx, 10), 0);
}

static void test_somebody_elses(void **state)
{
	struct fixture *fx = *state;
	struct kernel_policy p = *policy(fx, WAN, "192.168.2.0");

	assert_int_equal(addr_parse("10.77.7.7", &p.sel.src.addr), 0);
	p.used_s = (uint64_t)wall(fx) / 1000;
	assert_int_equal(fx->kernel.ops->policy_put(fx->kernel.impl, &p), 0);
	policy(fx, "10.77.7.7", "192.168.2.0")->used_s = p.used_s;
	grows("XfrmOutPolBlock");
	says(fx, "a policy that is not prefpeerd's");
	tells(fx, "foreign-block", "", 0);
}

/* Blocked two seconds, and complete again before the next look: nobody else did it. */
static void test_no_block_any_more(void **state)
{
	struct fixture *fx = *state;

	grows("XfrmOutPolBlock");
	meets(fx, "192.168.1.0", "192.168.3.0");
	policy(fx, "192.168.1.0", "192.168.3.0")->action = POLICY_PROTECT;
	says(fx, "a policy that is gone or another by now");
	tells(fx, "blocked", "", 0);
}

#define LINE_20 "packets for 192.168.3.0/24 were blocked: crypto map M 20 cannot protect them now"
#define NOBODY_KNOWS "packets were blocked; the clock was set back, so nobody knows by which policy"

/* Only the clock comes again; a policy that was used before that was not used again. */
static void test_clock_set_back(void **state)
{
	struct fixture *fx = *state;

	grows("XfrmOutPolBlock");
	meets_after(fx, WAN, "192.168.2.0", 50);
	says(fx, NAT_HOLE);
	tells(fx, "nat", "M", 10);
	sets_clock(fx, -90);
	says(fx, NULL);
	for (int i = 0; i < 3; i++) { /* in the first of these the old time of use is there again */
		grows("XfrmOutPolBlock");
		meets(fx, "192.168.1.0", "192.168.3.0");
		says(fx, LINE_20);
		tells(fx, "blocked", "M", 20);
		assert_int_equal(warnings(fx, 10), 0);
	}
	grows("XfrmOutPolBlock");
	meets(fx, WAN, "192.168.2.0"); /* and then it is used again */
	says(fx, NAT_HOLE);
	tells(fx, "nat", "M", 10);
}

/* In the look that finds it set back: what was used before it was is known, no more. */
static void test_clock_set_back_meanwhile(void **state)
{
	struct fixture *fx = *state;

	grows("XfrmOutPolBlock");
	meets_after(fx, "192.168.1.0", "192.168.3.0", 10);
	sets_clock(fx, -3600);
	says(fx, LINE_20);
	tells(fx, "blocked", "M", 20);
	sets_clock(fx, -3600);
	grows("XfrmOutPolBlock");
	meets_after(fx, WAN, "192.168.2.0", 10);
	says(fx, NOBODY_KNOWS);
	tells(fx, "blocked", "", 0);
	says(fx, NULL);
	grows("XfrmOutPolBlock"); /* that was then */
	says(fx, "a policy that is gone or another by now");
}

static void test_clock_set_forward(void **state)
{
	struct fixture *fx = *state;

	meets_after(fx, WAN, "192.168.2.0", -5);
	for (int before = 0; before < 2; before++) {
		grows("XfrmOutPolBlock");
		if (before)
			meets_after(fx, "192.168.1.0", "192.168.3.0", 10);
		sets_clock(fx, 7200);
		if (!before)
			meets_after(fx, "192.168.1.0", "192.168.3.0", 10);
		says(fx, LINE_20);
		tells(fx, "blocked", "M", 20);
	}
	grows("XfrmOutPolBlock");
	meets(fx, WAN, "192.168.2.0");
	says(fx, NAT_HOLE);
	tells(fx, "nat", "M", 10);
}

/* However it came to that, no packet of tomorrow was blocked today. */
static void test_used_later_than_now(void **state)
{
	struct fixture *fx = *state;

	grows("XfrmOutPolBlock");
	meets_after(fx, WAN, "192.168.2.0", 86400);
	meets_after(fx, "192.168.1.0", "192.168.3.0", 10);
	says(fx, LINE_20);
	tells(fx, "blocked", "M", 20);
	assert_int_equal(warnings(fx, 10), 0);
}

/* NAT hides which of them it is: each is told, once, also one that leads to a part of it. */
static void test_nat_of_several_entries(void **state)
{
	struct fixture *fx = *state;

	grows("XfrmOutPolBlock");
	meets(fx, WAN, "192.168.4.0");
	says(fx, "packets for 192.168.4.0/24 leave with the WAN address");
	assert_int_equal(fx->n_told, 3);
	for (unsigned seq = 10; seq <= 80; seq += 10)
		assert_int_equal(warnings(fx, seq), seq == 40 || seq == 50 || seq == 60);
}

/* Two blocks, the narrow one ahead: what the wide one met is not the narrow line's. */
static void test_nat_narrow_ahead(void **state)
{
	struct fixture *fx = *state;

	grows("XfrmOutPolBlock");
	meets(fx, WAN, "192.168.9.0");
	free(look(fx));
	assert_int_equal(fx->n_told, 1);
	assert_int_equal(warnings(fx, 80), 1);
	fx->n_told = 0;
	grows("XfrmOutPolBlock");
	meets(fx, WAN, "192.168.9.128");
	free(look(fx));
	assert_int_equal(fx->n_told, 2);
	assert_int_equal(warnings(fx, 70), 1);
	assert_int_equal(warnings(fx, 80), 1);
}

/* A block that stands for no line is said to be nobody's, and not passed over. */
static void test_block_of_no_line(void **state)
{
	struct fixture *fx = *state;
	const struct kernel_policy *p = policy(fx, "192.168.1.0", "192.168.3.0");

	for (unsigned i = 0; i < fx->spd->n_policies; i++)
		if (fx->spd->policies[i].p.dir == POLICY_OUT &&
		    selector_equal(&fx->spd->policies[i].p.sel, &p->sel))
			fx->spd->policies[i].line = NULL;
	grows("XfrmOutPolBlock");
	meets(fx, "192.168.1.0", "192.168.3.0");
	says(fx, "a policy that is gone or another by now");
	tells(fx, "blocked", "", 0);
}

static void test_inbound(void **state)
{
	struct fixture *fx = *state;

	grows("XfrmInTmplMismatch");
	says(fx, "%CRYPTO-4-RECVD_PKT_NOT_IPSEC: ");
	tells(fx, "not-ipsec", "", 0);
	grows("XfrmInPolBlock");
	says(fx, "%CRYPTO-4-RECVD_PKT_NOT_IPSEC: ");
	tells(fx, "not-ipsec", "", 0);
	grows("XfrmInNoStates");
	says(fx, "%CRYPTO-4-RECVD_PKT_INV_SPI: ");
	tells(fx, "invalid-spi", "", 0);
	grows("XfrmInNoPols");
	says(fx, "by an SA that no access list permits");
	tells(fx, "no-policy", "", 0);
}

/* IOS: at most once a minute (semantics.md §7). */
static void test_once_a_minute(void **state)
{
	struct fixture *fx = *state;
	mono_t first = fake_clock_next(&fx->clock);

	grows("XfrmInNoStates");
	free(look(fx));
	assert_int_equal(mono_diff_ms(fake_clock_next(&fx->clock), first), 60000);
	assert_int_equal(fake_clock_count(&fx->clock), 1);
}

static int64_t until_look(struct fixture *fx)
{
	return mono_diff_ms(fake_clock_next(&fx->clock), fx->clock.now);
}

/* A change is looked at soon, and again ever more seldom, until it has been said. */
static void test_soon(void **state)
{
	struct fixture *fx = *state;

	watch_soon(fx->watch, fx->clock.now);
	assert_int_equal(until_look(fx), 1000);
	for (int64_t ms = 2000; ms <= 32000; ms *= 2) {
		says(fx, NULL);
		assert_int_equal(until_look(fx), ms);
	}
	says(fx, NULL);
	assert_int_equal(until_look(fx), 60000);
	watch_soon(fx->watch, fx->clock.now);
	grows("XfrmOutPolBlock");
	meets(fx, WAN, "192.168.2.0");
	says(fx, NAT_HOLE);
	assert_int_equal(until_look(fx), 60000);
	assert_int_equal(fake_clock_count(&fx->clock), 1);
}

/* Changes, however many, do not make it say more than one thing a minute. */
static void test_not_too_soon(void **state)
{
	struct fixture *fx = *state;

	grows("XfrmInNoStates");
	free(look(fx));
	fake_clock_run_ms(&fx->clock, 10000);
	watch_soon(fx->watch, fx->clock.now);
	assert_int_equal(until_look(fx), 50000);
	fake_clock_run_ms(&fx->clock, 49500);
	watch_soon(fx->watch, fx->clock.now);
	assert_int_equal(until_look(fx), 500); /* nor does it put off what is due */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_case_50_nat, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nat_is_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_blocked_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nat_of_which_map, setup, teardown),
		cmocka_unit_test_setup_teardown(test_somebody_elses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_block_any_more, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_set_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_set_back_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_set_forward, setup, teardown),
		cmocka_unit_test_setup_teardown(test_used_later_than_now, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nat_of_several_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nat_narrow_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_block_of_no_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inbound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_once_a_minute, setup, teardown),
		cmocka_unit_test_setup_teardown(test_soon, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_too_soon, setup, teardown),
	};

	return cmocka_run_group_tests_name("packets that XFRM only counts", tests, NULL, NULL);
}
