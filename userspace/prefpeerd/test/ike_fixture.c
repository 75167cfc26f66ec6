// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/test/ike_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "prefpeerd/engine_ike/wire.h"

const struct ike_offer *fixture_right_offer;

static const uint8_t key[] = "correct horse battery staple";

/* What was offered first, as the whole line. */
static void accept_inbound(struct side *s, const struct engine_event *ev)
{
	struct engine_conn_info info;
	struct engine_verdict v = { .accept = s->policy == INBOUND_ACCEPT,
				    .keep_ike = s->keep_ike };

	v.conn = ev->conn ? ev->conn : s->next_id;
	v.child = s->inbound_child;
	v.child.id = s->next_id++;
	if (ev->n_offered) {
		v.child.sel = ev->offered[0];
		v.child.line_sel = ev->offered[0];
	}
	s->engine->ops->inbound_reply(s->engine->impl, ev->inbound, &v);
	if (s->yields && !s->engine->ops->conn_info(s->engine->impl, 1, &info) && !info.established)
		s->engine->ops->close(s->engine->impl, 1, CLOSE_DELETE);
}

static void on_event(void *ctx, const struct engine_event *ev, mono_t now)
{
	struct side *s = ctx;
	struct recorded *r;

	if (ev->type != ENG_HEARD) {
		if (s->n == SIDE_EVENTS)
			abort();
		r = &s->log[s->n++];
		r->ev = *ev;
		snprintf(r->text, sizeof(r->text), "%s", ev->text);
		r->ev.text = r->text;
	}
	if (ev->type == ENG_INBOUND && s->policy != INBOUND_WAIT)
		accept_inbound(s, ev);
}

static void side_engine(struct fixture *f, struct side *s)
{
	struct ike_env env;

	fake_kernel_init(&s->kernel);
	env = (struct ike_env){
		.timers = f->clock.timers,
		.kernel = s->kernel.port,
		.net = &mocknet_ops,
		.net_ctx = &f->net,
		.now = fake_clock_now,
		.now_ctx = &f->clock,
		.wall = fake_clock_wall,
	};
	if (s == &f->right)
		env.offer = fixture_right_offer;
	s->engine = engine_ike_new(&env);
	s->engine->ops->start(s->engine->impl, on_event, s);
}

static void side_init(struct fixture *f, struct side *s, const char *addr)
{
	s->clock = &f->clock;
	s->next_id = INBOUND_CONN;
	s->inbound_child.reqid = 77;
	addr_parse(addr, &s->addr);
	side_engine(f, s);
	mocknet_attach(&f->net, addr, s->engine);
}

void fixture_restart(struct fixture *f, struct side *s, const uint8_t *secret)
{
	engine_ike_free(s->engine);
	side_engine(f, s);
	if (secret)
		engine_ike_recoverable(s->engine, secret);
	s->engine->ops->remote_set(s->engine->impl, s == &f->left ? &f->to_right : &f->to_left);
	for (unsigned i = 0; i < f->net.n_hosts; i++)
		if (addr_equal(&f->net.hosts[i].addr, &s->addr))
			f->net.hosts[i].engine = s->engine;
	fake_clock_settle(&f->clock);
}

static void meet(struct side *s, struct engine_remote *r, const struct addr *peer)
{
	*r = (struct engine_remote){
		.id = 1, .peer = *peer, .psk = key, .psk_len = sizeof(key) - 1
	};
	s->engine->ops->remote_set(s->engine->impl, r);
}

struct fixture *fixture_new(sa_family_t family)
{
	struct fixture *f = calloc(1, sizeof(*f));
	bool v4 = family == AF_INET;

	log_init(getenv("IKE_TEST_LOG") ? LOG_LVL_DEBUG : LOG_LVL_ERR);
	f->family = family;
	fake_clock_init(&f->clock);
	mocknet_init(&f->net, &f->clock);
	side_init(f, &f->left, v4 ? "10.0.0.1" : "fd00::1");
	side_init(f, &f->right, v4 ? "10.0.0.2" : "fd00::2");
	meet(&f->left, &f->to_right, &f->right.addr);
	meet(&f->right, &f->to_left, &f->left.addr);
	fake_clock_settle(&f->clock);
	return f;
}

void fixture_free(struct fixture *f)
{
	engine_ike_free(f->left.engine);
	engine_ike_free(f->right.engine);
	mocknet_fini(&f->net);
	fake_clock_fini(&f->clock);
	free(f);
}

void fixture_run_ms(struct fixture *f, int64_t ms)
{
	fake_clock_run_ms(&f->clock, ms);
}

struct engine_child fixture_child(child_id id, unsigned net)
{
	struct engine_child c = { .id = id, .reqid = 0x50500000u + id, .lifetime_s = 3600 };
	char text[PREFIX_STRLEN];

	c.sel = selector_any(AF_INET);
	snprintf(text, sizeof(text), "192.168.%u.0/24", net);
	prefix_parse(text, &c.sel.src);
	snprintf(text, sizeof(text), "172.16.%u.0/24", net);
	prefix_parse(text, &c.sel.dst);
	c.line_sel = c.sel;
	return c;
}

bool fixture_up(struct fixture *f)
{
	struct engine_child c = fixture_child(1, 1);
	struct engine_budget b = { 12000, 12000 };
	mono_t end = mono_add_ms(f->clock.now, 30000);

	if (f->left.engine->ops->open(f->left.engine->impl, 1, 1, &f->left.addr, &c, &b))
		return false;
	while (mono_before(f->clock.now, end)) {
		if (side_last(&f->left, ENG_CHILD_UP) && side_last(&f->right, ENG_CHILD_UP))
			return true;
		fixture_run_ms(f, 10);
	}
	return false;
}

void fixture_settings(struct fixture *f, const struct engine_settings *s)
{
	f->left.engine->ops->configure(f->left.engine->impl, s);
	f->right.engine->ops->configure(f->right.engine->impl, s);
}

void fixture_dpd(struct fixture *f, enum dpd_mode mode, uint32_t interval_ms, uint32_t retry_ms)
{
	struct dpd d = { .mode = mode, .interval_ms = interval_ms, .retry_ms = retry_ms };

	f->to_right.dpd = d;
	f->left.engine->ops->remote_set(f->left.engine->impl, &f->to_right);
}

const struct recorded *side_last(const struct side *s, enum engine_event_type type)
{
	for (unsigned i = s->n; i > 0; i--)
		if (s->log[i - 1].ev.type == type)
			return &s->log[i - 1];
	return NULL;
}

unsigned side_count(const struct side *s, enum engine_event_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		n += s->log[i].ev.type == type;
	return n;
}

void side_forget(struct side *s)
{
	s->n = 0;
}

unsigned net_count(const struct fixture *f, const struct side *from, uint8_t exchange,
		   bool response, unsigned since)
{
	unsigned n = 0;

	for (unsigned i = since; i < f->net.n_log; i++) {
		const struct datagram *d = f->net.log[i];

		n += addr_equal(&d->src.addr, &from->addr) && !d->keepalive &&
		     datagram_exchange(d) == exchange && datagram_is_response(d) == response;
	}
	return n;
}
