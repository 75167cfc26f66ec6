// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hub that restarts under 1,000 branches (semantics.md §4.2, design.md §4): the agent,
 * and a thousand engines that call it, in one process and in virtual time. What is
 * counted is what each of them had to send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/test/entry_branch.h"

#define BRANCHES 1000u
#define CONF \
	"crypto isakmp key secret address 0.0.0.0 0.0.0.0\n" \
	"crypto ikev2 dpd 10 2 periodic\n" \
	"crypto ipsec transform-set T esp-gcm 128\n" \
	"access-list 110 permit ip 192.168.1.0 0.0.0.255 172.16.0.0 0.15.255.255\n" \
	"crypto dynamic-map D 10\n set transform-set T\n match address 110\n" \
	"crypto map tohub 65000 ipsec-isakmp dynamic D\ninterface wan\n crypto map tohub\n"

static const uint8_t key[] = "secret";

struct caller {
	struct world *w;
	struct engine *engine;
	struct addr addr;
	struct selector sel;
	conn_id conn;
	bool up;
	unsigned set_ups;
};

struct world {
	struct branch *hub;
	struct fake_kernel kernel; /* of all callers */
	struct caller callers[BRANCHES];
	unsigned n_up;
};

static struct addr parsed(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void open_to_hub(struct caller *c)
{
	const struct engine_budget budget = { 12000, 12000 };
	struct engine_child child = { .id = ++c->conn, .reqid = c->conn, .sel = c->sel,
				      .line_sel = c->sel, .n_suites = 1 };

	child.suites[0] = (struct esp_suite){ .encr = ENCR_AES_GCM_16, .key_bits = 128 };
	c->set_ups++;
	assert_int_equal(c->engine->ops->open(c->engine->impl, c->conn, 1, &c->addr, &child,
					      &budget), 0);
}

/* As a branch's agent under traffic: what is down is set up again. */
static void on_event(void *ctx, const struct engine_event *ev, mono_t now)
{
	struct caller *c = ctx;

	if (ev->type == ENG_CHILD_UP) {
		c->up = true;
		c->w->n_up++;
	} else if (ev->type == ENG_DOWN) {
		c->w->n_up -= c->up;
		c->up = false;
		open_to_hub(c);
	}
}

/* Ten /24 with a hundred each, as a provider would have them. */
static void caller_start(struct world *w, unsigned i)
{
	struct engine_remote hub = { .id = 1, .psk = key, .psk_len = sizeof(key) - 1 };
	struct caller *c = &w->callers[i];
	struct ike_env env;
	char text[32];

	snprintf(text, sizeof(text), "10.64.%u.%u", i / 100, 1 + i % 100);
	hub.peer = parsed("10.0.0.2");
	hub.dpd = (struct dpd){ .mode = DPD_PERIODIC, .interval_ms = 10000, .retry_ms = 2000 };
	env = (struct ike_env){ .timers = w->hub->clock.timers, .kernel = w->kernel.port,
				.net = &mocknet_ops, .net_ctx = &w->hub->net,
				.now = fake_clock_now, .now_ctx = &w->hub->clock };
	c->w = w;
	c->addr = parsed(text);
	c->engine = engine_ike_new(&env);
	mocknet_attach(&w->hub->net, text, c->engine);
	snprintf(text, sizeof(text), "172.16.%u.%u", i / 100, i % 100);
	c->sel = (struct selector){ .src = { parsed(text), 32 },
				    .dst = { parsed("192.168.1.0"), 24 },
				    .sport = { 0, UINT16_MAX }, .dport = { 0, UINT16_MAX } };
	c->engine->ops->start(c->engine->impl, on_event, c);
	assert_int_equal(c->engine->ops->remote_set(c->engine->impl, &hub), 0);
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	w->hub = branch_new(CONF, 0);
	fake_kernel_init(&w->kernel);
	for (unsigned i = 0; i < BRANCHES; i++)
		caller_start(w, i);
	return w;
}

static void world_free(struct world *w)
{
	for (unsigned i = 0; i < BRANCHES; i++)
		engine_ike_free(w->callers[i].engine);
	branch_free(w->hub);
	free(w);
}

/* Requests of an exchange since @from, and how many of them were sent before. */
static unsigned requests(const struct branch *b, unsigned from, uint8_t exchange, unsigned *twice)
{
	unsigned n = 0;

	for (unsigned i = from; i < b->net.n_log; i++) {
		const struct datagram *d = b->net.log[i];

		n += datagram_exchange(d) == exchange && !datagram_is_response(d);
		for (unsigned k = from; twice && k < i; k++)
			*twice += b->net.log[k]->len == d->len &&
				  !memcmp(b->net.log[k]->bytes, d->bytes, d->len);
	}
	return n;
}

static void all_call_at_once(struct world *w)
{
	const struct entry_branch_counters *n = entries_branch_counters(w->hub->entries);
	unsigned twice = 0;

	for (unsigned i = 0; i < BRANCHES; i++)
		open_to_hub(&w->callers[i]);
	branch_run_ms(w->hub, 1000);
	assert_int_equal(w->n_up, BRANCHES);
	assert_int_equal(n->now, BRANCHES);
	assert_int_equal(n->refused, 0);
	requests(w->hub, 0, 34, &twice);
	assert_int_equal(twice, 0);
	/* Beyond the threshold a cookie more, and that is all. */
	assert_true(requests(w->hub, 0, 34, NULL) < 2 * BRANCHES);
	assert_int_equal(requests(w->hub, 0, 35, NULL), BRANCHES);
}

/* kill -9, and a new agent: liveness checks find out, and all call again within a second. */
static void the_hub_restarts(void **state)
{
	struct world *w = world_new();
	struct branch *b = w->hub;
	struct mock_host hub = b->net.hosts[0];

	all_call_at_once(w);
	/* branch_restart() takes the last host for the agent. */
	b->net.hosts[0] = b->net.hosts[b->net.n_hosts - 1];
	b->net.hosts[b->net.n_hosts - 1] = hub;
	branch_restart(b, CONF);
	branch_run_ms(b, 24000); /* INTERVAL + 6R, and what a set-up takes */
	assert_int_equal(w->n_up, BRANCHES);
	assert_int_equal(entries_branch_counters(b->entries)->now, BRANCHES);
	for (unsigned i = 0; i < BRANCHES; i++)
		assert_int_equal(w->callers[i].set_ups, 2);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hub_restarts),
	};

	return cmocka_run_group_tests_name("a hub of 1,000 branches", tests, NULL, NULL);
}
