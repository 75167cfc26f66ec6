/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic between the two fake kernels of a fixture, as XFRM would carry it: a
 * packet takes the newest outbound SA of its reqid, and arrives if the other end
 * has that SA when it gets there. What ESP is late against IKE is told.
 */
#ifndef TEST_IKE_FLOW_H
#define TEST_IKE_FLOW_H

#include "prefpeerd/test/ike_fixture.h"

struct flow {
	struct fixture *f;
	struct side *from, *to;
	uint32_t reqid; /* at from */
	int64_t every_ms, latency_ms;
	unsigned sent, arrived;
	unsigned lost;	/* no SA to send it with, or none to receive it */
	unsigned soft;	/* packets that were the soft end of a watched SA */
	struct timer timer;
	struct flow_packet *packets;
};

void flow_start(struct flow *w, struct fixture *f, bool from_left, uint32_t reqid, int64_t late_ms);
/* Those on their way may still arrive: run the latency first. */
void flow_stop(struct flow *w);

#endif
