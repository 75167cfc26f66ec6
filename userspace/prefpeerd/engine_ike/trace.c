// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages as they pass, for debugging: what stands in clear on the wire, and nothing else. */
#include "prefpeerd/engine_ike/ike.h"

#include <string.h>

void engine_ike_trace(struct engine *engine, ike_trace_fn fn, void *ctx)
{
	struct ike *e = engine->impl;

	e->trace_fn = fn;
	e->trace_ctx = ctx;
}

void trace_message(struct ike *e, bool out, const struct endpoint *local,
		   const struct endpoint *peer, const uint8_t *bytes, size_t len)
{
	struct ike_trace t = { .out = out, .local = local, .peer = peer, .len = len };
	struct ike_header h;

	if (!e->trace_fn || ike_header_parse(bytes, len, &h))
		return;
	memcpy(t.spi_i, h.spi_i, sizeof(t.spi_i));
	memcpy(t.spi_r, h.spi_r, sizeof(t.spi_r));
	t.exchange = exchange_name(h.exchange);
	t.response = h.flags & IKE_FLAG_RESPONSE;
	t.from_initiator = h.flags & IKE_FLAG_INITIATOR;
	t.id = h.id;
	e->trace_fn(e->trace_ctx, &t);
}

int ike_net_send(struct ike *e, const struct endpoint *local, const struct endpoint *peer,
		 const uint8_t *bytes, size_t len)
{
	trace_message(e, true, local, peer, bytes, len);
	return e->env.net->send(e->env.net_ctx, local, peer, bytes, len);
}
