// SPDX-License-Identifier: GPL-2.0-or-later
/* The list brought into a kernel: what is touched, what is left alone, what is taken over. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/spd/reqid.h"
#include "prefpeerd/spd/spd.h"
#include "prefpeerd/test/conf_help.h"
#include "prefpeerd/test/fake_spd.h"

#define HEAD \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n"
#define TAIL \
	"crypto map M 10 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n" \
	" match address 101\ninterface wan\n crypto map M\n"
#define PERMIT(a, b) \
	"access-list 101 permit ip 192.168." #a ".0 0.0.0.255 192.168." #b ".0 0.0.0.255\n"

struct fixture {
	struct fake_spd f;
	struct reqid_table *t;
	struct parsed x, old_x;
	struct spd *s, *prev;
};

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	fake_spd_init(&fx->f);
	fx->t = reqid_table_new();
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	spd_free(fx->s);
	spd_free(fx->prev);
	if (fx->x.c)
		conf_help_free(&fx->x);
	if (fx->old_x.c)
		conf_help_free(&fx->old_x);
	reqid_table_free(fx->t);
	fake_spd_fini(&fx->f);
	free(fx);
	return 0;
}

static uint32_t line_reqid(void *ctx, const char *map, unsigned seq, const struct selector *sel)
{
	return reqid_get(ctx, map, seq, sel);
}

static void load(struct fixture *fx, const char *conf)
{
	const struct spd_env env = { .reqid_for = line_reqid, .ctx = fx->t };

	spd_free(fx->prev);
	if (fx->old_x.c)
		conf_help_free(&fx->old_x);
	fx->prev = fx->s;
	fx->old_x = fx->x;
	fx->x = conf_help_parse(conf);
	conf_help_valid(&fx->x);
	fx->s = spd_compile(fx->x.c, &env);
	assert_non_null(fx->s);
}

static void apply(struct fixture *fx)
{
	fx->f.puts = fx->f.dels = 0;
	assert_int_equal(spd_apply(fx->s, fx->prev, &fx->f.kernel), 0);
}

static struct addr ip(const char *text)
{
	struct addr a = { 0 };

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct packet packet(const char *src, const char *dst)
{
	return (struct packet){ .src = ip(src), .dst = ip(dst), .proto = IPPROTO_UDP };
}

static const struct kernel_policy *out_for(struct fixture *fx, const char *src, const char *dst)
{
	struct packet p = packet(src, dst);

	return fake_spd_lookup(&fx->f, POLICY_OUT, &p);
}

/* §4.8: a line that is inserted touches no other. */
static void test_insert_touches_nothing(void **state)
{
	struct fixture *fx = *state;

	load(fx, HEAD PERMIT(1, 2) PERMIT(1, 4) TAIL);
	apply(fx);
	assert_int_equal(fx->f.puts, 6);
	apply(fx);
	assert_int_equal(fx->f.puts + fx->f.dels, 0);
	load(fx, HEAD PERMIT(1, 2) PERMIT(1, 3) PERMIT(1, 4) PERMIT(1, 5) TAIL);
	apply(fx);
	assert_int_equal(fx->f.puts, 6);
	assert_int_equal(fx->f.dels, 0);
	load(fx, HEAD PERMIT(1, 0) PERMIT(1, 2) PERMIT(1, 4) TAIL);
	apply(fx);
	assert_int_equal(fx->f.puts, 3);
	assert_int_equal(fx->f.dels, 6);
	assert_int_equal(fx->f.n, 9);
}

#define GATEWAYS "access-list 101 permit ip host 10.0.0.2 host 10.1.1.1\n"
#define WITH(acl, set) \
	"crypto isakmp key secret address 10.1.1.1\n" acl "crypto ipsec transform-set T " set "\n" TAIL

static void has_kind(struct fixture *fx, struct sa_kind kind)
{
	for (unsigned i = 0; i < fx->f.n; i++) {
		const struct kernel_policy *p = &fx->f.list[i].p;

		if (p->action == POLICY_PROTECT)
			assert_true(sa_kind_equal(p->kind, kind));
	}
}

/* What XFRM compares: of all three directions, and changed where the pair is another kind. */
static void test_kind(void **state)
{
	struct fixture *fx = *state;
	struct addr us = ip("10.0.0.2"), hub = ip("10.1.1.1"), other = ip("10.2.2.2");

	load(fx, WITH(GATEWAYS, "ah-sha256-hmac\n mode transport"));
	assert_int_equal(spd_point(fx->s, fx->s->lines[0], &us, &hub, &fx->f.kernel), 0);
	apply(fx);
	has_kind(fx, (struct sa_kind){ .ah = true, .transport = true });
	/* A peer that is no end of the line: a tunnel, in every direction. */
	fx->f.puts = 0;
	assert_int_equal(spd_point(fx->s, fx->s->lines[0], &us, &other, &fx->f.kernel), 0);
	assert_int_equal(fx->f.puts, 3);
	has_kind(fx, (struct sa_kind){ .ah = true });
	assert_int_equal(spd_point(fx->s, fx->s->lines[0], &us, &hub, &fx->f.kernel), 0);
	has_kind(fx, (struct sa_kind){ .ah = true, .transport = true });
	assert_int_equal(spd_line_kind(fx->s, fx->s->lines[0], (struct sa_kind){ 0 }, &fx->f.kernel), 0);
	has_kind(fx, (struct sa_kind){ 0 });
	/* The kernel has another kind than the list: put, and nothing else. */
	fx->s->lines[0]->kind.ah = true;
	apply(fx);
	assert_int_equal(fx->f.puts, 3);
	assert_int_equal(fx->f.dels, 0);
	has_kind(fx, (struct sa_kind){ .ah = true });
	fx->s->lines[0]->blocked = true;
	assert_int_equal(spd_line_kind(fx->s, fx->s->lines[0], (struct sa_kind){ 0 }, &fx->f.kernel), -EPERM);
}

static void fresh_run(struct fixture *fx)
{
	spd_free(fx->s);
	fx->s = NULL;
	reqid_table_free(fx->t);
	fx->t = reqid_table_new();
}

static enum policy_action met(struct fixture *fx, enum policy_dir dir, const char *src,
			      const char *dst)
{
	struct packet p = packet(src, dst);
	const struct kernel_policy *q = fake_spd_lookup(&fx->f, dir, &p);

	assert_non_null(q);
	return q->action;
}

/* A19, case 55: closed before the agent, which then takes each over where it stands. */
static void test_case_55_lock(void **state)
{
	struct fixture *fx = *state;
	uint32_t priority;

	load(fx, HEAD "access-list 101 deny ip host 192.168.1.9 192.168.2.0 0.0.0.255\n"
		 PERMIT(1, 2) PERMIT(1, 3) TAIL);
	assert_int_equal(spd_lock(fx->s, &fx->f.kernel), 0);
	assert_int_equal(met(fx, POLICY_OUT, "192.168.1.1", "192.168.2.1"), POLICY_BLOCK);
	assert_int_equal(met(fx, POLICY_FWD, "192.168.2.1", "192.168.1.1"), POLICY_BLOCK);
	assert_int_equal(met(fx, POLICY_IN, "192.168.3.1", "192.168.1.1"), POLICY_BLOCK);
	assert_int_equal(met(fx, POLICY_OUT, "192.168.1.9", "192.168.2.1"), POLICY_ALLOW);
	priority = out_for(fx, "192.168.1.1", "192.168.2.1")->priority;

	fresh_run(fx);
	load(fx, HEAD PERMIT(1, 2) PERMIT(1, 3) TAIL);
	apply(fx);
	assert_int_equal(met(fx, POLICY_FWD, "192.168.2.1", "192.168.1.1"), POLICY_PROTECT);
	assert_int_equal(out_for(fx, "192.168.1.1", "192.168.2.1")->priority, priority);
	assert_int_equal(fx->f.n, 6);
}

/* An agent may be running: what it protects goes on, what it does not know yet is closed. */
static void test_lock_beside_an_agent(void **state)
{
	struct fixture *fx = *state;
	struct addr local = ip("10.9.9.2"), peer = ip("10.1.1.1");

	load(fx, HEAD PERMIT(1, 2) PERMIT(1, 3) TAIL);
	apply(fx);
	assert_int_equal(spd_point(fx->s, fx->s->lines[0], &local, &peer, &fx->f.kernel), 0);
	fresh_run(fx);
	load(fx, HEAD PERMIT(1, 2) PERMIT(1, 4) TAIL);
	assert_int_equal(spd_lock(fx->s, &fx->f.kernel), 0);
	assert_int_equal(met(fx, POLICY_OUT, "192.168.1.1", "192.168.2.1"), POLICY_PROTECT);
	assert_true(addr_equal(&out_for(fx, "192.168.1.1", "192.168.2.1")->tmpl_dst, &peer));
	assert_int_equal(met(fx, POLICY_FWD, "192.168.2.1", "192.168.1.1"), POLICY_PROTECT);
	assert_int_equal(met(fx, POLICY_OUT, "192.168.1.1", "192.168.4.1"), POLICY_BLOCK);
	assert_int_equal(met(fx, POLICY_FWD, "192.168.3.1", "192.168.1.1"), POLICY_PROTECT);
}

/* A19: the next agent knows its own, keeps the reqids, and removes what is surplus. */
static void test_takeover(void **state)
{
	struct fixture *fx = *state;
	struct addr local = ip("10.9.9.2"), peer = ip("10.1.1.1");
	uint32_t reqid2, reqid4;

	load(fx, HEAD PERMIT(1, 2) PERMIT(1, 3) PERMIT(1, 4) TAIL);
	apply(fx);
	assert_int_equal(spd_point(fx->s, fx->s->lines[0], &local, &peer, &fx->f.kernel), 0);
	reqid2 = fx->s->lines[0]->reqid;
	reqid4 = fx->s->lines[2]->reqid;
	spd_free(fx->s);
	fx->s = NULL;
	reqid_table_free(fx->t);
	fx->t = reqid_table_new();
	assert_int_equal(reqid_table_seed(fx->t, &fx->f.kernel), 0);

	load(fx, HEAD PERMIT(1, 5) PERMIT(1, 4) PERMIT(1, 2) TAIL);
	fx->s->lines[2]->local = local;
	fx->s->lines[2]->peer = peer;
	assert_int_equal(fx->s->lines[2]->reqid, reqid2);
	assert_int_equal(fx->s->lines[1]->reqid, reqid4);
	assert_true(fx->s->lines[0]->reqid > reqid4);
	apply(fx);
	assert_int_equal(fx->f.dels, 3);
	assert_int_equal(fx->f.n, 9);
	assert_int_equal(out_for(fx, "192.168.1.1", "192.168.2.1")->action, POLICY_PROTECT);
	assert_int_equal(out_for(fx, "192.168.1.1", "192.168.2.1")->reqid, reqid2);
}

/* Another daemon's policies stay; one with our selector gives way. */
static void test_foreign(void **state)
{
	struct fixture *fx = *state;
	struct kernel_policy theirs = { .dir = POLICY_OUT, .action = POLICY_PROTECT, .reqid = 7,
					.priority = 1000, .sel = selector_any(AF_INET) };

	theirs.sel.src = prefix_host(&(struct addr){ .family = AF_INET });
	assert_int_equal(fx->f.kernel.ops->policy_put(&fx->f, &theirs), 0);
	/* One in our range, with a template that is not ours, is not ours either. */
	theirs.priority = SPD_PRIORITY_FIRST + 5;
	theirs.dir = POLICY_IN;
	assert_int_equal(fx->f.kernel.ops->policy_put(&fx->f, &theirs), 0);
	load(fx, HEAD PERMIT(1, 2) TAIL);
	theirs.dir = POLICY_OUT;
	theirs.action = POLICY_ALLOW;
	theirs.sel = fx->s->lines[0]->sel;
	theirs.priority = 1;
	assert_int_equal(fx->f.kernel.ops->policy_put(&fx->f, &theirs), 0);
	apply(fx);
	assert_int_equal(fx->f.n, 5);
	assert_int_equal(out_for(fx, "192.168.1.1", "192.168.2.1")->action, POLICY_BLOCK);
	assert_int_equal(spd_flush(&fx->f.kernel), 3);
	assert_int_equal(fx->f.n, 2);
}

static void test_point(void **state)
{
	struct fixture *fx = *state;
	struct addr local = ip("10.9.9.2"), peer = ip("10.1.1.1"), other = ip("10.1.1.2"), none = { 0 };
	struct spd_line *line;
	const struct kernel_policy *p;
	uint32_t priority;

	load(fx, HEAD PERMIT(1, 2) PERMIT(1, 3) TAIL);
	apply(fx);
	line = fx->s->lines[0];
	p = out_for(fx, "192.168.1.1", "192.168.2.1");
	assert_int_equal(p->action, POLICY_BLOCK);
	priority = p->priority;
	assert_int_equal(spd_point(fx->s, line, &local, &peer, &fx->f.kernel), 0);
	assert_int_equal(spd_point(fx->s, line, &local, &other, &fx->f.kernel), 0);
	p = out_for(fx, "192.168.1.1", "192.168.2.1");
	assert_int_equal(p->action, POLICY_PROTECT);
	assert_int_equal(p->priority, priority);
	assert_int_equal(p->reqid, line->reqid);
	assert_true(addr_equal(&p->tmpl_dst, &other));
	assert_true(addr_equal(&p->tmpl_src, &local));
	assert_int_equal(out_for(fx, "192.168.1.1", "192.168.3.1")->action, POLICY_BLOCK);
	assert_int_equal(spd_point(fx->s, line, &none, &none, &fx->f.kernel), 0);
	assert_int_equal(out_for(fx, "192.168.1.1", "192.168.2.1")->action, POLICY_BLOCK);
	line->blocked = true;
	assert_int_equal(spd_point(fx->s, line, &local, &peer, &fx->f.kernel), -EPERM);
}

/* What could not be put may be what the surplus still protects. */
static void test_failure_deletes_nothing(void **state)
{
	struct fixture *fx = *state;

	load(fx, HEAD PERMIT(1, 2) TAIL);
	apply(fx);
	load(fx, HEAD PERMIT(1, 3) PERMIT(1, 4) TAIL);
	fx->f.fail_put = 2;
	assert_int_equal(spd_apply(fx->s, fx->prev, &fx->f.kernel), -EINVAL);
	assert_int_equal(fx->f.n, 8);
	assert_int_equal(fx->f.dels, 0);
	apply(fx);
	assert_int_equal(fx->f.n, 6);
}

/* The order turned round again and again: places run out, the order never breaks. */
static void test_places_run_out(void **state)
{
	static const char *const conf[] = {
		HEAD PERMIT(1, 2) PERMIT(1, 3) PERMIT(1, 4) TAIL,
		HEAD PERMIT(1, 4) PERMIT(1, 3) PERMIT(1, 2) TAIL,
	};
	struct fixture *fx = *state;

	for (unsigned i = 0; i < 3000; i++) {
		load(fx, conf[i % 2]);
		apply(fx);
		assert_int_equal(fx->f.n, 9);
		for (unsigned j = 0; j < 3; j++) {
			const char *dst[] = { "192.168.2.1", "192.168.3.1", "192.168.4.1" };
			const struct kernel_policy *p = out_for(fx, "192.168.1.1", dst[j]);
			const struct kernel_policy *first = out_for(fx, "192.168.1.1",
								    dst[i % 2 ? 2 : 0]);

			assert_in_range(p->priority, SPD_PRIORITY_FIRST, SPD_PRIORITY_LAST);
			assert_true(p->priority >= first->priority);
		}
	}
}

/* Lines of one selector in two maps are two lines; a widest selector names a cut-up line. */
static void test_reqids(void **state)
{
	struct fixture *fx = *state;
	struct selector wide = selector_any(AF_INET), narrow = wide;
	struct kernel_policy p = { .dir = POLICY_OUT, .action = POLICY_PROTECT,
				   .priority = SPD_PRIORITY_FIRST, .reqid = REQID_FIRST + 40 };
	uint32_t a = reqid_get(fx->t, "M", 10, &wide);

	narrow.src = (struct prefix){ ip("192.168.1.0"), 24 };
	assert_int_equal(a, REQID_FIRST);
	assert_int_equal(reqid_get(fx->t, "M", 10, &wide), a);
	assert_int_not_equal(reqid_get(fx->t, "M", 20, &wide), a);
	assert_int_not_equal(reqid_get(fx->t, "N", 10, &wide), a);

	p.sel = narrow;
	assert_int_equal(fx->f.kernel.ops->policy_put(&fx->f, &p), 0);
	p.sel = wide;
	assert_int_equal(fx->f.kernel.ops->policy_put(&fx->f, &p), 0);
	reqid_table_free(fx->t);
	fx->t = reqid_table_new();
	assert_int_equal(reqid_table_seed(fx->t, &fx->f.kernel), 0);
	assert_int_equal(reqid_get(fx->t, "M", 10, &narrow), REQID_FIRST);
	assert_int_equal(reqid_get(fx->t, "M", 10, &wide), REQID_FIRST + 40);
}

/* Two of them stand for one selector (an edit was cut short): each is given out once. */
static void test_reqids_of_one_selector(void **state)
{
	struct fixture *fx = *state;
	struct kernel_policy p = { .dir = POLICY_OUT, .action = POLICY_PROTECT,
				   .reqid = REQID_FIRST + 7, .priority = SPD_PRIORITY_FIRST + 1 };
	struct selector sel;

	load(fx, HEAD PERMIT(1, 2) TAIL);
	sel = p.sel = fx->s->lines[0]->sel;
	assert_int_equal(fx->f.kernel.ops->policy_put(&fx->f, &p), 0);
	p.dir = POLICY_IN;
	p.reqid = REQID_FIRST + 8;
	p.sel = selector_reverse(&sel);
	assert_int_equal(fx->f.kernel.ops->policy_put(&fx->f, &p), 0);
	reqid_table_free(fx->t);
	fx->t = reqid_table_new();
	assert_int_equal(reqid_table_seed(fx->t, &fx->f.kernel), 0);
	assert_int_equal(reqid_get(fx->t, "M", 10, &sel), REQID_FIRST + 7);
	assert_int_equal(reqid_get(fx->t, "M", 20, &sel), REQID_FIRST + 8);
	assert_int_equal(reqid_get(fx->t, "M", 30, &sel), REQID_FIRST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_insert_touches_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(test_case_55_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_beside_an_agent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_takeover, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_point, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure_deletes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_places_run_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reqids, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reqids_of_one_selector, setup, teardown),
	};

	return cmocka_run_group_tests_name("policies brought into the kernel", tests, NULL, NULL);
}
