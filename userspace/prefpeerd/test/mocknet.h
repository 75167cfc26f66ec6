/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network in memory between engines: datagrams take a latency, are shown to
 * a filter that may drop, double, delay or change them, and are all kept for
 * the test to look at. One host may sit behind a NAT.
 */
#ifndef TEST_MOCKNET_H
#define TEST_MOCKNET_H

#include "prefpeerd/engine_ike/engine_ike.h"
#include "prefpeerd/test/fake_clock.h"

#define MOCKNET_HOSTS 1100
#define MOCKNET_LOG 32768
#define MOCKNET_BYTES 4096

struct datagram {
	struct endpoint src, dst; /* as sent, before any NAT */
	mono_t at;		  /* when it was sent */
	size_t len;
	bool keepalive;
	bool dropped;
	uint8_t bytes[MOCKNET_BYTES];
};

enum mock_fate { MOCK_PASS, MOCK_DROP, MOCK_TWICE, MOCK_LATE };

/* May change d->bytes and d->len. */
typedef enum mock_fate (*mock_filter)(void *ctx, struct datagram *d);

struct mock_host {
	struct addr addr;
	struct engine *engine;
};

struct mock_nat {
	struct addr inside, outside;
	uint16_t port_offset; /* outside port = inside port + this */
};

struct mocknet {
	struct fake_clock *clock;
	struct mock_host hosts[MOCKNET_HOSTS];
	unsigned n_hosts;
	int64_t latency_ms, late_ms;
	mock_filter filter;
	void *filter_ctx;
	int send_error;	     /* what send returns, always; 0 = carry it */
	struct mock_nat nat; /* inside unset: none */
	struct datagram *log[MOCKNET_LOG];
	unsigned n_log;
	struct mock_flight *flights;
};

extern const struct ike_net_ops mocknet_ops; /* ctx = the mocknet */

void mocknet_init(struct mocknet *n, struct fake_clock *clock);
void mocknet_fini(struct mocknet *n);
void mocknet_attach(struct mocknet *n, const char *addr, struct engine *engine);
/* Hand a datagram to whoever has its destination, now. */
void mocknet_inject(struct mocknet *n, const struct datagram *d);
/* The same after the latency, past the filter: what a forger on the path does. */
void mocknet_carry(struct mocknet *n, const struct datagram *d);
/* Exchange type, flags and message ID of a captured message. */
uint8_t datagram_exchange(const struct datagram *d);
bool datagram_is_response(const struct datagram *d);
uint32_t datagram_id(const struct datagram *d);

#endif
