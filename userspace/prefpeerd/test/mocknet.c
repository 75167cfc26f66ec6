// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/test/mocknet.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

struct mock_flight {
	struct mocknet *net;
	struct datagram d;
	struct timer timer;
	struct mock_flight *prev, *next;
};

static bool has_nat(const struct mocknet *n)
{
	return addr_is_set(&n->nat.inside);
}

/* Out: inside → outside. Back: outside → inside. */
static void translate(const struct mocknet *n, struct datagram *d)
{
	if (!has_nat(n))
		return;
	if (addr_equal(&d->src.addr, &n->nat.inside)) {
		d->src.addr = n->nat.outside;
		d->src.port = (uint16_t)(d->src.port + n->nat.port_offset);
	} else if (addr_equal(&d->dst.addr, &n->nat.outside)) {
		d->dst.addr = n->nat.inside;
		d->dst.port = (uint16_t)(d->dst.port - n->nat.port_offset);
	}
}

void mocknet_inject(struct mocknet *n, const struct datagram *sent)
{
	struct datagram d = *sent;

	translate(n, &d);
	for (unsigned i = 0; i < n->n_hosts; i++)
		if (addr_equal(&n->hosts[i].addr, &d.dst.addr))
			engine_ike_input(n->hosts[i].engine, &d.dst, &d.src, d.bytes, d.len,
					 n->clock->now);
}

static void land(struct timer *t, mono_t now)
{
	struct mock_flight *f = timer_container(t, struct mock_flight, timer);
	struct mocknet *n = f->net;

	DL_DELETE(n->flights, f);
	mocknet_inject(n, &f->d);
	free(f);
}

static void take_off(struct mocknet *n, const struct datagram *d, int64_t ms)
{
	struct mock_flight *f = calloc(1, sizeof(*f));

	f->net = n;
	f->d = *d;
	timer_init(&f->timer, land);
	DL_APPEND(n->flights, f);
	timer_set(&n->clock->timers, &f->timer, mono_add_ms(n->clock->now, ms));
}

void mocknet_carry(struct mocknet *n, const struct datagram *d)
{
	take_off(n, d, n->latency_ms);
}

static struct datagram *keep(struct mocknet *n, const struct datagram *d)
{
	struct datagram *copy = malloc(sizeof(*copy));

	*copy = *d;
	if (n->n_log == MOCKNET_LOG)
		abort();
	return n->log[n->n_log++] = copy;
}

static int mock_send(void *ctx, const struct endpoint *local, const struct endpoint *peer,
		     const uint8_t *bytes, size_t len)
{
	struct mocknet *n = ctx;
	struct datagram d = { .src = *local, .dst = *peer, .at = n->clock->now, .len = len };
	struct datagram *kept;
	enum mock_fate fate;

	if (n->send_error)
		return n->send_error;
	memcpy(d.bytes, bytes, len);
	kept = keep(n, &d);
	fate = n->filter ? n->filter(n->filter_ctx, &d) : MOCK_PASS;
	kept->dropped = fate == MOCK_DROP;
	if (fate == MOCK_DROP)
		return 0;
	take_off(n, &d, fate == MOCK_LATE ? n->late_ms : n->latency_ms);
	if (fate == MOCK_TWICE)
		take_off(n, &d, n->latency_ms);
	return 0;
}

static void mock_keepalive(void *ctx, const struct endpoint *local, const struct endpoint *peer)
{
	struct mocknet *n = ctx;
	struct datagram d = { .src = *local,
			      .dst = *peer,
			      .at = n->clock->now,
			      .keepalive = true,
			      .len = 1,
			      .bytes = { 0xff } };

	keep(n, &d);
}

const struct ike_net_ops mocknet_ops = { .send = mock_send, .keepalive = mock_keepalive };

void mocknet_init(struct mocknet *n, struct fake_clock *clock)
{
	*n = (struct mocknet){ .clock = clock, .latency_ms = 10, .late_ms = 300 };
}

void mocknet_fini(struct mocknet *n)
{
	struct mock_flight *f, *tmp;

	DL_FOREACH_SAFE(n->flights, f, tmp) {
		timer_cancel(&n->clock->timers, &f->timer);
		free(f);
	}
	for (unsigned i = 0; i < n->n_log; i++)
		free(n->log[i]);
}

void mocknet_attach(struct mocknet *n, const char *addr, struct engine *engine)
{
	struct mock_host *h = &n->hosts[n->n_hosts++];

	if (addr_parse(addr, &h->addr))
		abort();
	h->engine = engine;
}

uint8_t datagram_exchange(const struct datagram *d)
{
	return d->bytes[18];
}

bool datagram_is_response(const struct datagram *d)
{
	return d->bytes[19] & 0x20;
}

uint32_t datagram_id(const struct datagram *d)
{
	return (uint32_t)d->bytes[20] << 24 | d->bytes[21] << 16 | d->bytes[22] << 8 | d->bytes[23];
}
