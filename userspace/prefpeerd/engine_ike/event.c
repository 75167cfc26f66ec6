// SPDX-License-Identifier: GPL-2.0-or-later
/* Events are queued, and delivered from a later turn: never from within a call of the port. */
#include "prefpeerd/engine_ike/ike.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/log.h"

void ike_schedule(struct ike *e)
{
	if (!timer_armed(&e->turn_timer))
		timer_set(&e->env.timers, &e->turn_timer, ike_now(e));
}

/* Where the fields of an event go for which there was no memory. */
static struct queued_event lost;

struct engine_event *ike_event(struct ike *e, struct session *s, enum engine_event_type type)
{
	struct queued_event *q = calloc(1, sizeof(*q));

	if (!q) {
		log_err("ike", "no memory: event %s is lost", engine_event_name(type));
		lost = (struct queued_event){ 0 };
		return &lost.ev;
	}
	q->ev.type = type;
	q->ev.when = ike_now(e);
	q->ev.text = q->text;
	if (s) {
		q->ev.conn = s->conn;
		q->ev.remote = s->remote;
		q->ev.peer = s->peer;
		q->ev.local = s->local.addr;
	}
	DL_APPEND(e->events, q);
	ike_schedule(e);
	return &q->ev;
}

void ike_event_text(struct engine_event *ev, const char *fmt, ...)
{
	struct queued_event *q =
		(struct queued_event *)((char *)ev - offsetof(struct queued_event, ev));
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(q->text, sizeof(q->text), fmt, ap);
	va_end(ap);
}

/* Those queued while this runs wait for the next turn: a caller cannot be kept busy for ever. */
void events_turn(struct ike *e)
{
	struct queued_event *batch = e->events, *q, *tmp;

	e->events = NULL;
	DL_FOREACH_SAFE(batch, q, tmp) {
		DL_DELETE(batch, q);
		if (e->fn)
			e->fn(e->fn_ctx, &q->ev, ike_now(e));
		free(q);
	}
}

void events_free(struct ike *e)
{
	struct queued_event *q, *tmp;

	DL_FOREACH_SAFE(e->events, q, tmp) {
		DL_DELETE(e->events, q);
		free(q);
	}
}
