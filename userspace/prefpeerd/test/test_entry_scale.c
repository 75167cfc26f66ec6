// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A reload's cost per entry is the same whether there are many or few. Counted, not
 * timed: comparisons of selectors, addresses, names and bytes (the linker's --wrap).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeerd/entry/entries.h"
#include "prefpeerd/spd/reqid.h"
#include "prefpeerd/spd/spd.h"
#include "prefpeerd/test/conf_help.h"
#include "prefpeerd/test/fake_clock.h"

static unsigned long compared;

#define COUNTED(type, name, params, ...) \
	type __real_##name params; \
	type __wrap_##name params; \
	type __wrap_##name params \
	{ \
		compared++; \
		return __real_##name(__VA_ARGS__); \
	}

COUNTED(bool, selector_equal, (const struct selector *a, const struct selector *b), a, b)
COUNTED(bool, selector_contains, (const struct selector *a, const struct selector *b), a, b)
COUNTED(bool, addr_equal, (const struct addr *a, const struct addr *b), a, b)
COUNTED(int, addr_cmp, (const struct addr *a, const struct addr *b), a, b)
COUNTED(int, memcmp, (const void *a, const void *b, size_t n), a, b, n)
COUNTED(int, strcmp, (const char *a, const char *b), a, b)

/* ---- a kernel that has what was put, and finds it without comparing -------------- */

struct scale_kernel {
	struct kernel_policy *list;
	unsigned n, puts, dels, rules;
};

static int policy_put(void *k, const struct kernel_policy *p)
{
	struct scale_kernel *f = k;

	f->puts++;
	f->list = realloc(f->list, (f->n + 1) * sizeof(*f->list));
	f->list[f->n++] = *p;
	return 0;
}

static int policy_del(void *k, const struct kernel_policy *p)
{
	struct scale_kernel *f = k;

	f->dels++;
	return 0;
}

static int policy_dump(void *k, kernel_policy_fn fn, void *ctx)
{
	struct scale_kernel *f = k;
	int err = 0;

	for (unsigned i = 0; i < f->n && !err; i++)
		err = fn(ctx, &f->list[i]);
	return err;
}

static int no_sas(void *k, kernel_sa_fn fn, void *ctx)
{
	return 0;
}

static int rule(void *k, const struct kernel_rule *r)
{
	((struct scale_kernel *)k)->rules++;
	return 0;
}

static const struct kernel_ops kernel_ops = {
	.policy_put = policy_put,
	.policy_del = policy_del,
	.policy_dump = policy_dump,
	.sa_dump = no_sas,
	.rule_put = rule,
	.rule_del = rule,
};

static int remote_set(void *e, const struct engine_remote *r)
{
	return 0;
}

static int remote_del(void *e, remote_id id)
{
	return 0;
}

static const struct engine_ops engine_ops = { .remote_set = remote_set, .remote_del = remote_del };

static int local_addr(void *ctx, const struct map_entry *e, const struct addr *peer,
		      struct addr *out, char *why, size_t size)
{
	return addr_parse("10.0.0.2", out);
}

static void notify(void *ctx, const struct entry_ntf *n)
{
}

/* ---- a branch with many entries ---------------------------------------------------- */

struct scale {
	struct fake_clock clock;
	struct scale_kernel impl;
	struct kernel kernel;
	struct engine engine;
	struct reqid_table *reqids;
	struct prefix wan;
	struct spd_iface iface;
	struct entries *entries;
	struct config *conf;
	struct spd *spd;
};

static char *text_of(unsigned n, unsigned changed)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs("crypto isakmp key secret address 10.1.1.1\n"
	      "crypto isakmp key secret address 10.2.2.2\n"
	      "crypto ikev2 dpd 10 2 periodic\n"
	      "crypto ipsec transform-set T esp-gcm 128\n", f);
	for (unsigned i = 1; i <= n; i++)
		fprintf(f,
			"ip access-list extended L%u\n permit ip 172.16.0.0 0.0.0.255 100.%u.%u.0 0.0.0.255\n"
			"crypto map big %u ipsec-isakmp\n set peer 10.1.1.1 default\n set peer 10.2.2.2\n"
			" set security-association idle-time 120 default\n set transform-set T\n match address L%u\n",
			i, i / 200 + (i == changed ? 100 : 0), i % 200, i, i);
	fputs("interface wan\n crypto map big\n", f);
	fclose(f);
	return text;
}

static uint32_t reqid_for(void *ctx, const char *map, unsigned seq, const struct selector *sel)
{
	return reqid_get(ctx, map, seq, sel);
}

/* What agent_configure() does; the comparisons that it took, but for reading the text. */
static unsigned long bring_into_force(struct scale *x, unsigned n, unsigned changed)
{
	const struct spd_env env = { .reqid_for = reqid_for, .ctx = x->reqids,
				     .ifaces = &x->iface, .n_ifaces = 1 };
	char *text = text_of(n, changed);
	struct parsed p = conf_help_parse(text);
	struct spd *spd;

	conf_help_valid(&p);
	compared = 0;
	spd = spd_compile(p.c, &env);
	assert_non_null(spd);
	assert_int_equal(entries_prepare(x->entries, p.c, spd, x->clock.now), 0);
	assert_int_equal(spd_apply(spd, x->spd, &x->kernel), 0);
	assert_int_equal(entries_configure(x->entries, p.c, spd, x->clock.now), 0);
	config_free(x->conf);
	spd_free(x->spd);
	x->conf = p.c;
	x->spd = spd;
	p.c = NULL;
	conf_help_free(&p);
	free(text);
	return compared;
}

static void scale_init(struct scale *x)
{
	struct entry_ports ports;

	*x = (struct scale){ .kernel = { .ops = &kernel_ops }, .engine = { .ops = &engine_ops } };
	fake_clock_init(&x->clock);
	x->kernel.impl = &x->impl;
	x->reqids = reqid_table_new();
	addr_parse("10.0.0.2", &x->wan.addr);
	x->wan.len = 24;
	x->iface = (struct spd_iface){ .name = "wan", .nets = &x->wan, .n_nets = 1 };
	ports = (struct entry_ports){ .timers = &x->clock.timers, .engine = &x->engine,
				      .kernel = &x->kernel, .point = spd_point,
				      .local_addr = local_addr, .notify = notify };
	x->entries = entries_new(&ports);
}

static void scale_fini(struct scale *x)
{
	entries_free(x->entries);
	config_free(x->conf);
	spd_free(x->spd);
	reqid_table_free(x->reqids);
	free(x->impl.list);
	fake_clock_fini(&x->clock);
}

struct cost {
	unsigned long start, same, edited;
};

static struct cost cost_of(unsigned n)
{
	struct cost c;
	struct scale x;

	scale_init(&x);
	c.start = bring_into_force(&x, n, 0);
	/* in, out and fwd of each line, and its block against the NAT hole. */
	assert_int_equal(x.impl.puts, 4 * n);
	assert_int_equal(x.impl.rules, 2 * n);
	c.same = bring_into_force(&x, n, 0);
	assert_int_equal(x.impl.puts, 4 * n);
	assert_int_equal(x.impl.dels, 0);
	assert_int_equal(x.impl.rules, 2 * n);
	c.edited = bring_into_force(&x, n, 7);
	assert_int_equal(x.impl.puts, 4 * n + 4);
	assert_int_equal(x.impl.dels, 4);
	scale_fini(&x);
	return c;
}

/* Sixteen times the entries: sorting and halving may cost more per entry, looking at all may not. */
static void linear(const char *what, unsigned long few, unsigned long many)
{
	print_message("%s: %lu comparisons for 100 entries, %lu for 1,600\n", what, few, many);
	assert_true(few > 100);
	assert_true(many < few * 16 * 2);
}

static void cost_per_entry_stays(void **state)
{
	struct cost few = cost_of(100), many = cost_of(1600);

	linear("start", few.start, many.start);
	linear("reload, nothing changed", few.same, many.same);
	linear("reload, one line changed", few.edited, many.edited);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cost_per_entry_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
