// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hub that restarts under 1,000 branches (design.md §4): each calls, in any order, and is
 * let in with what its own line takes and no more. Nothing is compiled again or dumped for
 * it, no policy or rule of another branch is touched, and each call is answered once.
 */
#include <errno.h>
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
#include "prefpeerd/test/fake_spd.h"

#define BRANCHES 1000

static const char hub_conf[] =
	"crypto isakmp key secret address 0.0.0.0 0.0.0.0\n"
	"crypto ikev2 dpd 10 2 on-demand\n"
	"crypto ipsec transform-set T esp-gcm 128\n"
	"access-list 110 permit ip 192.168.1.0 0.0.0.255 172.16.0.0 0.15.255.255\n"
	"crypto dynamic-map D 10\n set transform-set T\n match address 110\n"
	"crypto map m 65000 ipsec-isakmp dynamic D\n"
	"interface wan\n crypto map m\n";

struct thousand {
	struct fake_clock clock;
	struct fake_spd policies;
	struct kernel_ops ops;
	struct kernel kernel;
	struct engine engine;
	struct reqid_table *reqids;
	struct entries *entries;
	struct config *conf;
	struct spd *spd;
	remote_id remote; /* for whoever calls */
	struct engine_verdict last;
	unsigned answers[BRANCHES + 1], dumps, rule_puts, rule_dels, opens, closes;
};

/* ---- ports ---- */

static struct thousand *world;

static int policy_put(void *k, const struct kernel_policy *p)
{
	return world->policies.kernel.ops->policy_put(&world->policies, p);
}

static int policy_del(void *k, const struct kernel_policy *p)
{
	return world->policies.kernel.ops->policy_del(&world->policies, p);
}

static int policy_dump(void *k, kernel_policy_fn fn, void *ctx)
{
	world->dumps++;
	return world->policies.kernel.ops->policy_dump(&world->policies, fn, ctx);
}

static int no_sas(void *k, kernel_sa_fn fn, void *ctx)
{
	return 0;
}

static int no_sa(void *k, const struct kernel_sa_id *id, struct kernel_sa_reading *out)
{
	return -ENOENT;
}

static int no_pair(void *k, const struct kernel_pair_key *key, struct kernel_pair_reading *out)
{
	return -ENOENT;
}

static int no_peer(void *k, const struct kernel_peer_key *key, struct kernel_peer_reading *out)
{
	return -ENOENT;
}

static int rule_put(void *k, const struct kernel_rule *r)
{
	world->rule_puts++;
	return 0;
}

static int rule_del(void *k, const struct kernel_rule *r)
{
	world->rule_dels++;
	return 0;
}

static int remote_set(void *e, const struct engine_remote *r)
{
	world->remote = r->id;
	return 0;
}

static int remote_del(void *e, remote_id id)
{
	return 0;
}

static int opened(void *e, conn_id conn, remote_id remote, const struct addr *local,
		  const struct engine_child *child, const struct engine_budget *b)
{
	world->opens++;
	return 0;
}

static int closed(void *e, conn_id conn, enum engine_close how)
{
	world->closes++;
	return 0;
}

static int child_closed(void *e, conn_id conn, child_id child, enum engine_close how)
{
	return 0;
}

static int inbound_reply(void *e, uint32_t inbound, const struct engine_verdict *v)
{
	world->answers[inbound]++;
	world->last = *v;
	return 0;
}

static int no_info(void *e, conn_id conn, struct engine_conn_info *out)
{
	return -ENOENT;
}

static const struct engine_ops engine_ops = {
	.remote_set = remote_set, .remote_del = remote_del, .open = opened, .close = closed,
	.child_close = child_closed, .inbound_reply = inbound_reply, .conn_info = no_info,
};

static int local_addr(void *ctx, const struct map_entry *e, const struct addr *peer,
		      struct addr *out, char *why, size_t size)
{
	return addr_parse("10.0.0.2", out);
}

static void notify(void *ctx, const struct entry_ntf *n)
{
}

static uint32_t draw(void *ctx)
{
	return reqid_draw(((struct thousand *)ctx)->reqids);
}

static void release(void *ctx, uint32_t reqid)
{
	reqid_release(((struct thousand *)ctx)->reqids, reqid);
}

static uint32_t reqid_for(void *ctx, const char *map, unsigned seq, const struct selector *sel)
{
	return reqid_get(ctx, map, seq, sel);
}

/* ---- the hub ---- */

static void event(struct thousand *x, struct engine_event *ev)
{
	ev->when = x->clock.now;
	entries_engine_event(x->entries, ev, x->clock.now);
}

static void hub_starts(struct thousand *x)
{
	const struct spd_env env = { .reqid_for = reqid_for, .ctx = x->reqids };
	struct parsed p = conf_help_parse(hub_conf);

	conf_help_valid(&p);
	x->conf = p.c;
	p.c = NULL;
	conf_help_free(&p);
	x->spd = spd_compile(x->conf, &env);
	assert_int_equal(entries_prepare(x->entries, x->conf, x->spd, x->clock.now), 0);
	assert_int_equal(spd_apply(x->spd, NULL, &x->kernel), 0);
	assert_int_equal(entries_configure(x->entries, x->conf, x->spd, x->clock.now), 0);
	event(x, &(struct engine_event){ .type = ENG_READY });
}

static struct thousand *thousand_new(void)
{
	struct thousand *x = world = calloc(1, sizeof(*x));
	struct entry_ports ports;

	fake_clock_init(&x->clock);
	fake_spd_init(&x->policies);
	x->ops = (struct kernel_ops){ .policy_put = policy_put, .policy_del = policy_del,
				      .policy_dump = policy_dump, .sa_dump = no_sas, .sa_read = no_sa,
				      .pair_read = no_pair, .peer_read = no_peer,
				      .rule_put = rule_put, .rule_del = rule_del };
	x->kernel = (struct kernel){ .ops = &x->ops, .impl = x };
	x->engine = (struct engine){ .ops = &engine_ops, .impl = x };
	x->reqids = reqid_table_new();
	ports = (struct entry_ports){ .timers = &x->clock.timers, .engine = &x->engine,
				      .kernel = &x->kernel, .point = spd_point,
				      .branch_add = spd_branch_add, .branch_del = spd_branch_del,
				      .reqid_draw = draw, .reqid_release = release,
				      .local_addr = local_addr, .notify = notify, .ctx = x };
	x->entries = entries_new(&ports);
	hub_starts(x);
	return x;
}

static void thousand_free(struct thousand *x)
{
	entries_free(x->entries);
	config_free(x->conf);
	spd_free(x->spd);
	reqid_table_free(x->reqids);
	fake_spd_fini(&x->policies);
	fake_clock_fini(&x->clock);
	free(x);
}

/* ---- branches ---- */

static struct addr v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	struct addr x = { .family = AF_INET };

	x.bytes[0] = (uint8_t)a;
	x.bytes[1] = (uint8_t)b;
	x.bytes[2] = (uint8_t)c;
	x.bytes[3] = (uint8_t)d;
	return x;
}

static conn_id calls(struct thousand *x, unsigned i)
{
	struct engine_event in = { .type = ENG_INBOUND, .inbound = i, .remote = x->remote };
	struct engine_event up = { .type = ENG_CHILD_UP };

	in.peer.addr = v4(10, 1, i / 250, i % 250 + 1);
	in.local = v4(10, 0, 0, 2);
	in.peer_id = ike_id_from_addr(&in.peer.addr);
	in.offered[0] = selector_any(AF_INET);
	in.offered[0].src = (struct prefix){ v4(192, 168, 1, 0), 24 };
	in.offered[0].dst = (struct prefix){ v4(172, 16 + i / 250, i % 250, 0), 24 };
	in.n_offered = 1;
	event(x, &in);
	assert_true(x->last.accept);
	up.conn = x->last.conn;
	up.child = x->last.child.id;
	up.pair = (struct engine_pair){ .local = in.local, .peer = in.peer.addr, .spi_in = 1000 + i,
					.spi_out = 2000 + i, .reqid = x->last.child.reqid,
					.sel = x->last.child.sel };
	event(x, &(struct engine_event){ .type = ENG_UP, .conn = up.conn });
	event(x, &up);
	return up.conn;
}

static void all_come_and_go(void **state)
{
	struct thousand *x = thousand_new();
	unsigned puts = x->policies.puts, dumps = x->dumps;
	static conn_id conns[BRANCHES + 1];

	/* In an order that is none: 377 has no factor of 1,000. */
	for (unsigned k = 0; k < BRANCHES; k++) {
		unsigned i = k * 377 % BRANCHES + 1;

		conns[i] = calls(x, i);
	}
	assert_int_equal(entries_count(x->entries), BRANCHES + 1);
	for (unsigned i = 1; i <= BRANCHES; i++)
		assert_int_equal(x->answers[i], 1);
	/* out, in, fwd of its own; the engine's call is no one's. */
	assert_int_equal(x->policies.puts - puts, 3 * BRANCHES);
	assert_int_equal(x->dumps, dumps);
	assert_int_equal(x->rule_puts, BRANCHES);
	assert_int_equal(x->rule_dels, 0);
	assert_int_equal(x->opens + x->closes, 0);

	for (unsigned i = 1; i <= BRANCHES; i++)
		event(x, &(struct engine_event){ .type = ENG_DOWN, .conn = conns[i],
						 .why = WHY_PEER_DELETE, .text = "DELETE" });
	assert_int_equal(entries_count(x->entries), 1);
	assert_int_equal(x->rule_dels, BRANCHES);
	assert_int_equal(x->policies.puts - puts, 3 * BRANCHES);
	assert_int_equal(x->opens, 0);
	thousand_free(x);
}

/* As strongSwan asks by a trap: the packet, what is mixed of it and the networks, these. */
static void packet_that_asks(void **state)
{
	struct thousand *x = thousand_new();
	struct engine_event in = { .type = ENG_INBOUND, .inbound = 1, .remote = x->remote,
				   .single_flow = true, .n_offered = 4 };
	struct selector whole = selector_any(AF_INET), packet;

	whole.src = (struct prefix){ v4(192, 168, 1, 0), 24 };
	whole.dst = (struct prefix){ v4(172, 16, 5, 0), 24 };
	packet = (struct selector){ .src = { v4(192, 168, 1, 10), 32 }, .dst = { v4(172, 16, 5, 1), 32 },
				    .proto = 17, .sport = { 4000, 4000 }, .dport = { 7777, 7777 } };
	in.peer.addr = v4(10, 1, 0, 1);
	in.local = v4(10, 0, 0, 2);
	in.peer_id = ike_id_from_addr(&in.peer.addr);
	for (unsigned i = 0; i < 3; i++)
		in.offered[i] = packet;
	in.offered[1].dst = whole.dst;
	in.offered[2].src = whole.src;
	in.offered[3] = whole;
	event(x, &in);
	assert_true(x->last.accept);
	assert_true(selector_equal(&x->last.child.sel, &whole));
	thousand_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_come_and_go),
		cmocka_unit_test(packet_that_asks),
	};

	return cmocka_run_group_tests_name("a thousand branches", tests, NULL, NULL);
}
