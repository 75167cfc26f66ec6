/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences for people (ux.md "Events"). Words may change, the keys of the JSON may not. */
#include <stdarg.h>
#include <string.h>

#include "prefpeerd/entry/shell.h"

static const char *seconds(uint32_t ms, char *buf, size_t size)
{
	if (ms < 1000)
		snprintf(buf, size, "%u ms", ms);
	else if (ms < 100000)
		snprintf(buf, size, "%u.%u s", ms / 1000, ms % 1000 / 100);
	else
		snprintf(buf, size, "%u s", ms / 1000);
	return buf;
}

static const char *plain(enum entry_reason r)
{
	static const char *const words[REASON_MAX] = {
		[REASON_START] = "nothing happened yet",
		[REASON_TIMEOUT] = "no answer",
		[REASON_ORPHANS] = "SAs of an earlier run found",
		[REASON_CONNECT] = "operator: connect",
		[REASON_LOCAL_USABLE] = "a local address is usable",
		[REASON_LOCAL_GONE] = "local address gone",
		[REASON_NO_LOCAL] = "no route to it through an interface that carries the map",
		[REASON_DNS] = "its name is not resolved",
		[REASON_AUTH] = "authentication failed",
		[REASON_PROPOSAL] = "no proposal chosen",
		[REASON_TS] = "traffic selectors refused",
		[REASON_BUSY] = "peer is busy",
		[REASON_PEER_DELETE] = "deleted by the peer",
		[REASON_LIFETIME] = "lifetime ended",
		[REASON_LOST] = "the kernel has the SA no more",
		[REASON_NO_CHILD] = "30 s without a child SA or a request for one",
		[REASON_ENGINE] = "the engine could not",
		[REASON_SHARED] = "the IKE SA that it shares with another entry was closed",
		[REASON_INBOUND] = "the peer called",
		[REASON_BACKOFF_OVER] = "back-off over",
		[REASON_WALKED_OUT] = "no peer of the list answered",
		[REASON_CLEAR_SESSION] = "operator: clear session",
		[REASON_CLEAR_SA] = "operator: clear sa",
		[REASON_RESET] = "operator: reset",
		[REASON_CONFIG] = "removed from the configuration",
	};

	return (unsigned)r < REASON_MAX && words[r] ? words[r] : entry_reason_name(r);
}

const char *say_cause(const struct cause *c, const char *text, char *buf, size_t size)
{
	char t[32], flow[SELECTOR_STRLEN];

	if (c->reason == REASON_DEAD && c->unanswered)
		snprintf(buf, size, "dead: %u requests unanswered in %s", c->unanswered,
			 seconds(c->silent_ms, t, sizeof(t)));
	else if (c->reason == REASON_DEAD)
		snprintf(buf, size, "dead: %s", text && *text ? text : "a request was given up");
	else if (c->budget_ms)
		snprintf(buf, size, "no answer in %s%s%s", seconds(c->budget_ms, t, sizeof(t)),
			 text && *text ? "; " : "", text && *text ? text : "");
	else if ((c->reason == REASON_IDLE || c->reason == REASON_IDLE_HOME) && !text)
		snprintf(buf, size, "idle for %s", seconds(c->idle_ms, t, sizeof(t)));
	else if (c->reason == REASON_ACQUIRE && c->has_flow)
		snprintf(buf, size, "packet %s", selector_print(&c->flow, flow, sizeof(flow)));
	else if (c->reason == REASON_ACQUIRE)
		snprintf(buf, size, "a packet asks for it");
	else if (c->spi_in)
		snprintf(buf, size, "%s%sin %08x out %08x",
			 text && *text		       ? text
			 : c->reason == REASON_INBOUND ? "the peer called"
						       : "",
			 (text && *text) || c->reason == REASON_INBOUND ? ": " : "", c->spi_in,
			 c->spi_out);
	else if (text && *text)
		snprintf(buf, size, "%s", text);
	else
		snprintf(buf, size, "%s", plain(c->reason));
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

void say_note(const struct shell_entry *se, const struct core_note *n, char *buf, size_t size)
{
	const char *next = shell_peer_name(se, n->next);
	const char *peer = shell_peer_name(se, n->peer);
	const char *from = shell_peer_name(se, n->from_peer);
	char t[32];

	*buf = '\0';
	if (n->type == NTF_NOTE && n->cause.reason == REASON_INBOUND)
		add(buf, size, "%s called: ", peer ? peer : "-");
	else if (n->type == NTF_NOTE && n->cause.reason != REASON_ACQUIRE && n->to == ENTRY_WALK)
		add(buf, size, "%s: ", peer ? peer : "-");
	/* A step that failed is told by what follows it: it was about the peer that is left. */
	if (n->type == NTF_STATE && n->cause.reason == REASON_NO_LOCAL && from)
		add(buf, size, "no route to %s through an interface that carries map %s", from,
		    se->map);
	else
		say_cause(&n->cause, n->cause.text, buf + strlen(buf), size - strlen(buf));
	if (n->cause.backoff_ms)
		add(buf, size, "; again in %s", seconds(n->cause.backoff_ms, t, sizeof(t)));
	if (n->type == NTF_STATE && n->to == ENTRY_UP && n->gap_ms >= 0)
		add(buf, size, ", gap %s", seconds((uint32_t)n->gap_ms, t, sizeof(t)));
	if ((n->type == NTF_STATE && (n->to == ENTRY_DOWN || n->to == ENTRY_BACKOFF)) ||
	    n->type == NTF_NEXT)
		add(buf, size, "; next attempt %s", next ? next : "-");
}
