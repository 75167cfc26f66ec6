// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/debug.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "prefpeerd/control.h"
#include "prefpeerd/engine_ike/engine_ike.h"
#include "prefpeerd/report.h"

unsigned debug_topic(const char *name)
{
	if (!strcmp(name, "ikev2") || !strcmp(name, "isakmp"))
		return DEBUG_IKEV2;
	return strcmp(name, "ipsec") ? 0 : DEBUG_IPSEC;
}

static bool wanted(const struct agent *a, unsigned topic)
{
	return a->control && control_topics(a->control) & topic;
}

/* Takes over @more, which says what is not common to all. */
static void tell(struct agent *a, unsigned topic, const char *what, const struct addr *peer,
		 json_t *more)
{
	char when[48], address[ADDR_STRLEN];
	json_t *ev;

	report_wall_clock(when, sizeof(when));
	ev = json_pack("{ss sI ss ss ss}", "time", when, "stamp", (json_int_t)mono_now().ns, "event",
		       "debug", "topic", topic == DEBUG_IKEV2 ? "ikev2" : "ipsec", "what", what);
	if (ev && peer && addr_is_set(peer))
		json_object_set_new(ev, "peer",
				    json_string(addr_print(peer, address, sizeof(address))));
	if (ev && more) {
		json_object_update(ev, more);
		a->debug_events++;
		control_topic(a->control, topic, ev);
	}
	json_decref(more);
	json_decref(ev);
}

/* ---- messages on the wire ------------------------------------------------------ */

static json_t *spi8(const uint8_t s[8])
{
	char text[17];

	for (int i = 0; i < 8; i++)
		snprintf(text + 2 * i, 3, "%02x", s[i]);
	return json_string(text);
}

static void on_message(void *ctx, const struct ike_trace *t)
{
	char local[ENDPOINT_STRLEN], peer[ENDPOINT_STRLEN], text[256];
	struct agent *a = ctx;

	if (!wanted(a, DEBUG_IKEV2))
		return;
	endpoint_print(t->local, local, sizeof(local));
	endpoint_print(t->peer, peer, sizeof(peer));
	snprintf(text, sizeof(text), "%s %s %s, message ID %" PRIu32 ", %zu bytes, %s %s",
		 t->out ? "sent" : "received", t->exchange, t->response ? "response" : "request",
		 t->id, t->len, t->out ? "to" : "from", peer);
	tell(a, DEBUG_IKEV2, t->out ? "message-out" : "message-in", &t->peer->addr,
	     json_pack("{ss ss ss sb sI sI so so ss}", "local", local, "remote", peer, "exchange",
		       t->exchange, "response", t->response, "message_id", (json_int_t)t->id,
		       "bytes", (json_int_t)t->len, "spi_i", spi8(t->spi_i), "spi_r",
		       spi8(t->spi_r), "text", text));
}

void debug_attach(struct agent *a)
{
	engine_ike_trace(&a->engine, on_message, a);
}

/* ---- what the engine says --------------------------------------------------------- */

static unsigned topic_of(enum engine_event_type type)
{
	switch (type) {
	case ENG_CHILD_UP:
	case ENG_CHILD_FAILED:
	case ENG_CHILD_REKEYED:
	case ENG_CHILD_DOWN:
		return DEBUG_IPSEC;
	case ENG_HEARD: /* with every message */
		return 0;
	default:
		return DEBUG_IKEV2;
	}
}

void debug_engine(struct agent *a, const struct engine_event *ev)
{
	unsigned topic = topic_of(ev->type);
	const struct addr *peer = addr_is_set(&ev->peer.addr) ? &ev->peer.addr : &ev->pair.peer;
	const char *said = ev->text ? ev->text : "";
	char text[400];
	json_t *more;

	if (!wanted(a, topic))
		return;
	snprintf(text, sizeof(text), "%s, IKE SA %u%s%s%s%s", engine_event_name(ev->type), ev->conn,
		 ev->why ? ": " : "", ev->why ? engine_why_name(ev->why) : "", *said ? ": " : "",
		 said);
	more = json_pack("{sI sI ss ss}", "conn", (json_int_t)ev->conn, "child",
			 (json_int_t)ev->child, "why", engine_why_name(ev->why), "text", text);
	if (more && ev->pair.spi_in)
		json_object_update_new(more, json_pack("{so so}", "spi_in",
						       json_sprintf("0x%08" PRIx32, ev->pair.spi_in),
						       "spi_out",
						       json_sprintf("0x%08" PRIx32,
								    ev->pair.spi_out)));
	tell(a, topic, engine_event_name(ev->type), peer, more);
}

/* ---- what the kernel says --------------------------------------------------------- */

static const char *kernel_what(enum kernel_event_type type)
{
	static const char *const words[] = {
		[KEV_ACQUIRE] = "acquire",	     [KEV_EXPIRE] = "expire",
		[KEV_SA_GONE] = "sa-gone",	     [KEV_PAIR_IDLE] = "pair-idle",
		[KEV_PEER_ONE_WAY] = "peer-one-way", [KEV_MAPPING] = "mapping",
		[KEV_OVERRUN] = "overrun",	     [KEV_MODULE_UP] = "module-up",
		[KEV_MODULE_DOWN] = "module-down",
	};

	return words[type];
}

static const struct addr *kernel_peer(const struct kernel_event *ev)
{
	switch (ev->type) {
	case KEV_ACQUIRE:
		return &ev->tmpl_dst;
	case KEV_PAIR_IDLE:
		return &ev->pair.peer;
	case KEV_PEER_ONE_WAY:
		return &ev->peer.peer;
	case KEV_EXPIRE:
	case KEV_SA_GONE:
	case KEV_MAPPING:
		return &ev->sa.dst;
	default:
		return NULL;
	}
}

static void kernel_text(const struct kernel_event *ev, char *buf, size_t size)
{
	char flow[SELECTOR_STRLEN];

	if (ev->type == KEV_ACQUIRE)
		snprintf(buf, size, "acquire: packet %s, reqid 0x%08" PRIx32,
			 selector_print(&ev->flow, flow, sizeof(flow)), ev->reqid);
	else if (ev->type == KEV_EXPIRE)
		snprintf(buf, size, "%s lifetime of SA %08" PRIx32 " ended",
			 ev->hard ? "hard" : "soft", ev->sa.spi);
	else if (ev->type == KEV_SA_GONE || ev->type == KEV_MAPPING)
		snprintf(buf, size, "%s: SA %08" PRIx32, kernel_what(ev->type), ev->sa.spi);
	else
		snprintf(buf, size, "%s", kernel_what(ev->type));
}

void debug_kernel(struct agent *a, const struct kernel_event *ev)
{
	char text[SELECTOR_STRLEN + 64];

	if (!wanted(a, DEBUG_IPSEC))
		return;
	kernel_text(ev, text, sizeof(text));
	tell(a, DEBUG_IPSEC, kernel_what(ev->type), kernel_peer(ev),
	     json_pack("{sI ss}", "reqid",
		       (json_int_t)(ev->type == KEV_PAIR_IDLE ? ev->pair.reqid : ev->reqid), "text",
		       text));
}

/* ---- what the entries decide -------------------------------------------------------- */

void debug_entry(struct agent *a, const struct entry_ntf *n)
{
	unsigned topic = n->type == NTF_LINE ? DEBUG_IPSEC : DEBUG_IKEV2;
	char text[ENTRY_TEXT_MAX + 128];

	if (!wanted(a, topic))
		return;
	snprintf(text, sizeof(text), "%s -> %s%s%s: %s", entry_state_name(n->from),
		 entry_state_name(n->to), n->peer ? " " : "", n->peer ? n->peer : "",
		 n->sentence ? n->sentence : "");
	tell(a, topic, entry_ntf_name(n->type), &n->peer_addr,
	     json_pack("{ss si ss ss}", "map", n->map, "seq", (int)n->seq, "reason",
		       entry_reason_name(n->reason), "text", text));
}
