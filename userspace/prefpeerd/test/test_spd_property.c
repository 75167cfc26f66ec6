// SPDX-License-Identifier: GPL-2.0-or-later
/* Random crypto maps: the policies do what IOS does, and so at each step of a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/test/spd_random.h"

#define CONFIGS 300
#define CHANGES 80

static void expect_like_ios(const struct random_conf *r, const struct spd *s,
			    const struct fake_spd *f)
{
	for (unsigned n = 0; n < RANDOM_PACKETS; n++) {
		struct packet p = random_packet(n);
		struct packet back = packet_reverse(&p);
		uint32_t in = ios_decides(r, s, &p, false);

		assert_int_equal(kernel_decides(f, POLICY_OUT, &p), ios_decides(r, s, &p, true));
		assert_int_equal(kernel_decides(f, POLICY_IN, &back), in);
		assert_int_equal(kernel_decides(f, POLICY_FWD, &back), in);
	}
}

static void test_like_ios(void **state)
{
	uint64_t seed = 1;

	for (unsigned i = 0; i < CONFIGS; i++) {
		struct reqid_table *t = reqid_table_new();
		struct random_conf r;
		struct fake_spd f;
		struct spd *s;

		random_conf_make(&r, &seed);
		fake_spd_init(&f);
		s = random_compile(&r, t);
		assert_int_equal(spd_apply(s, NULL, &f.kernel), 0);
		assert_int_equal(f.n, s->n_policies);
		expect_like_ios(&r, s, &f);
		spd_free(s);
		fake_spd_fini(&f);
		reqid_table_free(t);
	}
}

struct decisions {
	uint32_t out[RANDOM_PACKETS], in[RANDOM_PACKETS];
};

static void decide_all(const struct fake_spd *f, struct decisions *d)
{
	for (unsigned n = 0; n < RANDOM_PACKETS; n++) {
		struct packet p = random_packet(n);
		struct packet back = packet_reverse(&p);

		d->out[n] = kernel_decides(f, POLICY_OUT, &p);
		d->in[n] = kernel_decides(f, POLICY_IN, &back);
	}
}

struct watch {
	struct decisions before, after;
	unsigned steps;
};

/* No packet sees a third thing: neither clear text nor another line's SA. */
static void watch_change(void *ctx, struct fake_spd *f)
{
	struct watch *w = ctx;
	struct decisions now;

	w->steps++;
	decide_all(f, &now);
	for (unsigned n = 0; n < RANDOM_PACKETS; n++) {
		assert_true(now.out[n] == w->before.out[n] || now.out[n] == w->after.out[n]);
		assert_true(now.in[n] == w->before.in[n] || now.in[n] == w->after.in[n]);
	}
}

static void clone(const struct fake_spd *from, struct fake_spd *to)
{
	fake_spd_init(to);
	to->list = malloc(from->room * sizeof(*to->list));
	memcpy(to->list, from->list, from->n * sizeof(*to->list));
	to->n = from->n;
	to->room = from->room;
	to->next_pos = from->next_pos;
}

/* A change of a few lines, or another configuration altogether. */
static void change(struct random_conf *r, uint64_t *seed)
{
	struct random_conf other;
	unsigned m = random_next(seed) % r->c.n_maps;
	unsigned e = random_next(seed) % r->maps[m].n_entries;
	struct acl_line *lines = r->lines[m][e];

	random_conf_make(&other, seed);
	if (random_next(seed) % 4 == 0) {
		random_conf_make(r, seed);
	} else if (random_next(seed) % 2) {
		lines[random_next(seed) % r->acls[m][e].n_lines] = other.lines[0][0][0];
	} else if (r->acls[m][e].n_lines > 1) {
		struct acl_line first = lines[0];

		lines[0] = lines[1];
		lines[1] = first;
	}
}

static unsigned change_watched(struct spd *s, const struct spd *prev, struct fake_spd *f)
{
	static struct watch w;
	struct fake_spd trial;

	w = (struct watch){ 0 };
	decide_all(f, &w.before);
	clone(f, &trial);
	assert_int_equal(spd_apply(s, prev, &trial.kernel), 0);
	decide_all(&trial, &w.after);
	fake_spd_fini(&trial);

	f->changed = watch_change;
	f->ctx = &w;
	assert_int_equal(spd_apply(s, prev, &f->kernel), 0);
	f->changed = NULL;
	return w.steps;
}

static void test_no_third_state(void **state)
{
	struct reqid_table *t = reqid_table_new();
	struct random_conf *r = calloc(1, sizeof(*r));
	struct fake_spd f;
	struct spd *prev, *s;
	uint64_t seed = 7;
	unsigned steps = 0;

	fake_spd_init(&f);
	random_conf_make(r, &seed);
	prev = random_compile(r, t);
	assert_int_equal(spd_apply(prev, NULL, &f.kernel), 0);
	for (unsigned i = 0; i < CHANGES; i++) {
		change(r, &seed);
		s = random_compile(r, t);
		steps += change_watched(s, prev, &f);
		assert_int_equal(f.n, s->n_policies);
		expect_like_ios(r, s, &f);
		spd_free(prev);
		prev = s;
	}
	assert_true(steps > CHANGES);
	spd_free(prev);
	free(r);
	fake_spd_fini(&f);
	reqid_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_ios),
		cmocka_unit_test(test_no_third_state),
	};

	return cmocka_run_group_tests_name("crypto maps against the rules of IOS", tests, NULL, NULL);
}
