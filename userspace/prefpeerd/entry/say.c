/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences for people (ux.md "Events"). Words may change, the keys of the JSON may not. */
#include <stdarg.h>
#include <string.h>

#include "prefpeerd/entry/shell.h"

const char *say_seconds(uint32_t ms, char *buf, size_t size)
{
	if (ms < 1000)
		snprintf(buf, size, "%u ms", ms);
	else if (ms < 100000)
		snprintf(buf, size, "%u.%u s", ms / 1000, ms % 1000 / 100);
	else
		snprintf(buf, size, "%u s", ms / 1000);
	return buf;
}

static void add(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void add(char *buf, size_t size, const char *fmt, ...)
{
	size_t n = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + n, size - n, fmt, ap);
	va_end(ap);
}

/* Of what ended a step, a connection or a pair. */
static void add_end(const struct cause *c, const char *text, char *buf, size_t size)
{
	char t[32];

	if (c->reason == REASON_DEAD && c->unanswered)
		add(buf, size, "dead: %u requests unanswered in %s", c->unanswered,
		    say_seconds(c->silent_ms, t, sizeof(t)));
	else if (c->reason == REASON_DEAD && text)
		add(buf, size, "dead: %s", text);
	else if (c->budget_ms)
		add(buf, size, "no answer in %s%s%s", say_seconds(c->budget_ms, t, sizeof(t)),
		    text ? "; " : "", text ? text : "");
	else if ((c->reason == REASON_IDLE || c->reason == REASON_IDLE_HOME) && !text)
		add(buf, size, "idle for %s", say_seconds(c->idle_ms, t, sizeof(t)));
	else
		add(buf, size, "%s", text ? text : entry_reason_text(c->reason));
}

static void add_packet(const struct cause *c, const char *text, char *buf, size_t size)
{
	char flow[SELECTOR_STRLEN];

	if (c->has_flow)
		add(buf, size, "packet %s", selector_print(&c->flow, flow, sizeof(flow)));
	else
		add(buf, size, "%s", entry_reason_text(REASON_ACQUIRE));
	if (text)
		add(buf, size, "; %s", text);
}

/* A walk that led nowhere: who was last, and what became of it. */
static void add_walked_out(const struct cause *c, const char *text, const char *peer, char *buf,
			   size_t size)
{
	struct cause last = *c;

	last.reason = c->last;
	add(buf, size, "%s", entry_reason_text(REASON_WALKED_OUT));
	if (last.reason == REASON_NONE)
		return;
	add(buf, size, "; the last%s%s: ", peer ? ", " : "", peer ? peer : "");
	add_end(&last, text, buf, size);
}

const char *say_cause(const struct cause *c, const char *text, const char *peer, char *buf,
		      size_t size)
{
	bool up = c->spi_in;

	*buf = '\0';
	text = text && *text ? text : NULL;
	if (c->reason == REASON_ACQUIRE) {
		add_packet(c, text, buf, size);
	} else if (c->reason == REASON_WALKED_OUT) {
		add_walked_out(c, text, peer, buf, size);
	} else if (up) {
		if (text || c->reason == REASON_INBOUND)
			add(buf, size, "%s: ", text ? text : entry_reason_text(c->reason));
		add(buf, size, "in %08x out %08x", c->spi_in, c->spi_out);
	} else {
		if (peer)
			add(buf, size, "%s: ", peer);
		add_end(c, text, buf, size);
	}
	return buf;
}

/* A note says itself whom it is about; what changes the state is told with its peers. */
static const char *note_about(const struct core_note *n, const char *peer)
{
	if (n->type != NTF_NOTE || !peer)
		return NULL;
	switch (n->cause.reason) {
	case REASON_ACQUIRE:
	case REASON_IDLE:
		return NULL;
	default:
		return n->to == ENTRY_WALK || n->cause.reason == REASON_DNS ? peer : NULL;
	}
}

/* "up: in …", "down: idle for …", "not set up: …": a line has no column for its state. */
static void add_line_state(const struct core_note *n, char *buf, size_t size)
{
	if (n->cause.backoff_ms)
		add(buf, size, "not set up: ");
	else if (!n->cause.spi_in)
		add(buf, size, "down: ");
	else if (!*n->text)
		add(buf, size, "up: ");
}

/* What comes next, where the change of state does not say it. */
static void add_next(const struct core_note *n, const char *next, char *buf, size_t size)
{
	bool ends = n->to == ENTRY_DOWN || n->to == ENTRY_BACKOFF;
	char t[32];

	if (n->cause.backoff_ms)
		add(buf, size, "; again in %s", say_seconds(n->cause.backoff_ms, t, sizeof(t)));
	else if (n->type == NTF_LINE && n->cause.reason == REASON_LOST)
		add(buf, size, "; asked for anew");
	else if (n->type == NTF_LINE && !n->cause.spi_in && n->cause.reason != REASON_CONFIG)
		add(buf, size, "; up again with the next packet");
	if (n->cause.ends_ms)
		add(buf, size, "; given up in %s unless it answers",
		    say_seconds(n->cause.ends_ms, t, sizeof(t)));
	if (next && ((n->type == NTF_STATE && ends) || n->type == NTF_NEXT))
		add(buf, size, "; next attempt %s", next);
}

void say_note(const struct shell_entry *se, const struct core_note *n, char *buf, size_t size)
{
	const char *next = shell_peer_name(se, n->next);
	const char *peer = shell_peer_name(se, n->peer);
	const char *from = shell_peer_name(se, n->from_peer);
	struct cause c = n->cause;
	size_t at;
	char t[32];

	*buf = '\0';
	if (n->type == NTF_LINE)
		add_line_state(n, buf, size);
	else if (n->type == NTF_PEER)
		c.spi_in = 0; /* said by the change of state */
	at = strlen(buf);
	if (n->type == NTF_NOTE && c.reason == REASON_INBOUND)
		add(buf, size, "%s called%s%s", peer ? peer : "a peer", *n->text ? ": " : "", n->text);
	else
		say_cause(&c, n->text, c.reason == REASON_WALKED_OUT ? from : note_about(n, peer),
			  buf + at, size - at);
	if (n->type == NTF_STATE && n->to == ENTRY_UP && n->gap_ms >= 0)
		add(buf, size, ", gap %s", say_seconds((uint32_t)n->gap_ms, t, sizeof(t)));
	add_next(n, next, buf, size);
}
