// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/inq.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "prefpeerd/engine_ike/message.h"

enum inq_class inq_classify(const uint8_t *bytes, size_t len)
{
	struct ike_header h;

	if (ike_header_parse(bytes, len, &h))
		return INQ_CLASSES;
	if (h.flags & IKE_FLAG_RESPONSE)
		return INQ_ESTABLISHED;
	if (h.exchange == XCHG_IKE_SA_INIT)
		return INQ_INIT;
	return h.exchange == XCHG_IKE_AUTH ? INQ_AUTH : INQ_ESTABLISHED;
}

static size_t cost(size_t len)
{
	return sizeof(struct inq_message) + len;
}

static bool has_room(const struct inq *q, enum inq_class class, size_t len)
{
	return class < INQ_CLASSES && q->n[class] < INQ_MAX && len <= INQ_BYTES_MAX &&
	       q->bytes[class] + cost(len) <= INQ_BYTES_MAX;
}

void inq_push(struct inq *q, const struct endpoint *local, const struct endpoint *peer,
	      const uint8_t *bytes, size_t len, mono_t when)
{
	enum inq_class class = inq_classify(bytes, len);
	struct inq_message *m = NULL;

	if (has_room(q, class, len))
		m = malloc(cost(len));
	if (!m) {
		q->dropped++;
		return;
	}
	m->local = *local;
	m->peer = *peer;
	m->when = when;
	m->len = len;
	memcpy(m->bytes, bytes, len);
	DL_APPEND(q->queues[class], m);
	q->n[class]++;
	q->bytes[class] += cost(len);
}

static struct inq_message *pop(struct inq *q, enum inq_class class)
{
	struct inq_message *m = q->queues[class];

	if (m) {
		DL_DELETE(q->queues[class], m);
		q->n[class]--;
		q->bytes[class] -= cost(m->len);
	}
	return m;
}

static void drop_stale(struct inq *q, mono_t now)
{
	while (q->queues[INQ_INIT] &&
	       mono_diff_ms(now, q->queues[INQ_INIT]->when) > INQ_INIT_WAIT_MS) {
		free(pop(q, INQ_INIT));
		q->dropped++;
	}
}

static bool serve_one(struct inq *q, enum inq_class class, inq_fn fn, void *ctx)
{
	struct inq_message *m = pop(q, class);

	if (!m)
		return false;
	fn(ctx, m);
	free(m);
	return true;
}

bool inq_serve(struct inq *q, mono_t now, inq_fn fn, void *ctx)
{
	while (serve_one(q, INQ_ESTABLISHED, fn, ctx))
		;
	while (serve_one(q, INQ_AUTH, fn, ctx))
		;
	drop_stale(q, now);
	serve_one(q, INQ_INIT, fn, ctx);
	return q->n[INQ_INIT] > 0;
}

void inq_free(struct inq *q)
{
	for (int class = 0; class < INQ_CLASSES; class ++) {
		struct inq_message *m;

		while ((m = pop(q, class)))
			free(m);
	}
}
