// SPDX-License-Identifier: GPL-2.0-or-later
/* Records as RFC 2866 has them, through libradcli. */
#include <radcli/radcli.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "prefpeerd/acct/acct.h"
#include "prefpeerd/acct/writer_impl.h"

/* Of /etc/radcli/dictionary what is used here, so that no file has to be there. */
static const char dictionary[] =
	"ATTRIBUTE User-Name 1 string\n"
	"ATTRIBUTE NAS-IP-Address 4 ipaddr\n"
	"ATTRIBUTE NAS-Port 5 integer\n"
	"ATTRIBUTE Service-Type 6 integer\n"
	"ATTRIBUTE Called-Station-Id 30 string\n"
	"ATTRIBUTE Calling-Station-Id 31 string\n"
	"ATTRIBUTE NAS-Identifier 32 string\n"
	"ATTRIBUTE Acct-Status-Type 40 integer\n"
	"ATTRIBUTE Acct-Delay-Time 41 integer\n"
	"ATTRIBUTE Acct-Input-Octets 42 integer\n"
	"ATTRIBUTE Acct-Output-Octets 43 integer\n"
	"ATTRIBUTE Acct-Session-Id 44 string\n"
	"ATTRIBUTE Acct-Authentic 45 integer\n"
	"ATTRIBUTE Acct-Session-Time 46 integer\n"
	"ATTRIBUTE Acct-Input-Packets 47 integer\n"
	"ATTRIBUTE Acct-Output-Packets 48 integer\n"
	"ATTRIBUTE Acct-Terminate-Cause 49 integer\n"
	"ATTRIBUTE Acct-Input-Gigawords 52 integer\n"
	"ATTRIBUTE Acct-Output-Gigawords 53 integer\n"
	"ATTRIBUTE Event-Timestamp 55 integer\n"
	"ATTRIBUTE NAS-Port-Type 61 integer\n"
	"ATTRIBUTE NAS-Port-Id 87 string\n"
	"ATTRIBUTE NAS-IPv6-Address 95 ipv6addr\n";

enum { /* RFC 2865, 2866, 2869: the numbers */
	USER_NAME = 1,
	CALLED_STATION = 30,
	CALLING_STATION = 31,
	STATUS_TYPE = 40,
	DELAY_TIME = 41,
	INPUT_OCTETS = 42,
	OUTPUT_OCTETS = 43,
	SESSION_ID = 44,
	AUTHENTIC = 45,
	SESSION_TIME = 46,
	INPUT_PACKETS = 47,
	OUTPUT_PACKETS = 48,
	TERMINATE_CAUSE = 49,
	INPUT_GIGAWORDS = 52,
	OUTPUT_GIGAWORDS = 53,
	EVENT_TIMESTAMP = 55,
	NAS_PORT_TYPE = 61,
	NAS_PORT_ID = 87,
};

#define STRING_MAX 253
#define AUTHENTIC_LOCAL 2
#define PORT_VIRTUAL 5

struct radius {
	rc_handle *rh;
	char name[CONF_NAME_MAX + 1];
	uint32_t timeout_s, retransmit;
};

static bool configure(struct radius *r, const struct writer_server *s, const char *nas)
{
	bool ipv6 = strchr(s->address, ':');
	char server[ADDR_STRLEN + RADIUS_SECRET_MAX + 16], timeout[16];
	bool ok;

	snprintf(server, sizeof(server), "%s%s%s:%u:%s", ipv6 ? "[" : "", s->address,
		 ipv6 ? "]" : "", s->port, s->secret);
	snprintf(timeout, sizeof(timeout), "%u", s->timeout_s);
	/* One request at a time: who asks again is writer_process.c, which looks around between. */
	ok = !rc_add_config(r->rh, "acctserver", server, "prefpeerd", 0) &&
	     !rc_add_config(r->rh, "radius_timeout", timeout, "prefpeerd", 0) &&
	     !rc_add_config(r->rh, "radius_retries", "0", "prefpeerd", 0) &&
	     !rc_add_config(r->rh, "nas-identifier", nas, "prefpeerd", 0) &&
	     !rc_read_dictionary_from_buffer(r->rh, dictionary, sizeof(dictionary) - 1) &&
	     !rc_apply_config(r->rh);
	explicit_bzero(server, sizeof(server));
	return ok;
}

struct radius *radius_new(const struct writer_server *s, const char *nas)
{
	struct radius *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	strcpy(r->name, s->name);
	r->timeout_s = s->timeout_s;
	r->retransmit = s->retransmit;
	r->rh = rc_new();
	if (r->rh && rc_config_init(r->rh) && configure(r, s, nas))
		return r;
	radius_free(r);
	return NULL;
}

void radius_free(struct radius *r)
{
	if (r && r->rh)
		rc_destroy(r->rh);
	free(r);
}

const char *radius_name(const struct radius *r)
{
	return r->name;
}

uint32_t radius_timeout_s(const struct radius *r)
{
	return r->timeout_s;
}

uint32_t radius_retransmit(const struct radius *r)
{
	return r->retransmit;
}

/* ---- attributes ---- */

struct pairs {
	const rc_handle *rh;
	VALUE_PAIR *list;
	bool failed;
};

static void put(struct pairs *p, int attribute, uint32_t v)
{
	p->failed |= !rc_avpair_add(p->rh, &p->list, attribute, &v, 0, 0);
}

static void put_text(struct pairs *p, int attribute, const char *text)
{
	char buf[STRING_MAX + 1];

	if (!text || !*text)
		return;
	snprintf(buf, sizeof(buf), "%s", text);
	p->failed |= !rc_avpair_add(p->rh, &p->list, attribute, buf, -1, 0);
}

static const char *text_of(const json_t *r, const char *key)
{
	return json_string_value(json_object_get(r, key));
}

static uint64_t number_of(const json_t *r, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(r, key));
}

/* RFC 2869 §5.1, §5.2: how often the 32 bits went round. */
static void put_octets(struct pairs *p, const json_t *r, const char *key, int octets, int gigawords)
{
	uint64_t v = number_of(r, key);

	put(p, octets, (uint32_t)v);
	put(p, gigawords, (uint32_t)(v >> 32));
}

static uint32_t status_of(const json_t *r)
{
	static const struct {
		const char *record;
		uint32_t status;
	} all[] = { { "start", 1 }, { "stop", 2 }, { "interim", 3 }, { "on", 7 }, { "off", 8 } };
	const char *record = text_of(r, "record");

	for (size_t i = 0; record && i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i].record, record))
			return all[i].status;
	return 0;
}

/* What comes from the peer is input: RFC 2866 §5.3 "from the port", §5.4 "to the port". */
static void put_session(struct pairs *p, const json_t *r)
{
	const char *cause = text_of(r, "cause");
	char port[2 * CONF_NAME_MAX];

	snprintf(port, sizeof(port), "%s %llu", text_of(r, "map") ? text_of(r, "map") : "",
		 (unsigned long long)number_of(r, "seq"));
	put_text(p, NAS_PORT_ID, port);
	put(p, NAS_PORT_TYPE, PORT_VIRTUAL);
	put(p, AUTHENTIC, AUTHENTIC_LOCAL);
	put_text(p, USER_NAME, text_of(r, "identity") ? text_of(r, "identity") : text_of(r, "peer"));
	put_text(p, CALLING_STATION, text_of(r, "remote"));
	put_text(p, CALLED_STATION, text_of(r, "local"));
	if (status_of(r) == 1)
		return;
	put(p, SESSION_TIME, (uint32_t)number_of(r, "duration_s"));
	put_octets(p, r, "bytes_in", INPUT_OCTETS, INPUT_GIGAWORDS);
	put_octets(p, r, "bytes_out", OUTPUT_OCTETS, OUTPUT_GIGAWORDS);
	put(p, INPUT_PACKETS, (uint32_t)number_of(r, "packets_in"));
	put(p, OUTPUT_PACKETS, (uint32_t)number_of(r, "packets_out"));
	if (cause)
		put(p, TERMINATE_CAUSE, acct_cause_number(cause));
}

static void put_record(struct pairs *p, const json_t *r, uint32_t delay_s)
{
	const char *session = text_of(r, "session");

	put(p, STATUS_TYPE, status_of(r));
	/* RFC 2866 §5.5: every request has one. */
	put_text(p, SESSION_ID, session ? session : "0");
	put(p, EVENT_TIMESTAMP, (uint32_t)(number_of(r, "unix_ms") / 1000));
	put(p, DELAY_TIME, delay_s);
	if (session)
		put_session(p, r);
}

enum radius_answer radius_send(struct radius *r, const json_t *record, uint32_t delay_s)
{
	struct pairs p = { .rh = r->rh };
	int rc = ERROR_RC;

	put_record(&p, record, delay_s);
	if (!p.failed)
		rc = rc_acct_proxy(r->rh, p.list);
	rc_avpair_free(p.list);
	switch (rc) {
	case OK_RC:
		return RADIUS_OK;
	case TIMEOUT_RC:
		return RADIUS_SILENT;
	case BADRESP_RC:
		return RADIUS_BAD;
	default:
		return RADIUS_FAILED;
	}
}
