// SPDX-License-Identifier: GPL-2.0-or-later
/* A record as JSON; prefpeer.conf(5), ACCOUNTING, has the keys. */
#include <stdio.h>
#include <time.h>

#include "prefpeerd/acct/session.h"

static json_t *time_text(int64_t wall_ms)
{
	time_t s = (time_t)(wall_ms / 1000);
	char text[48], whole[64];
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
	snprintf(whole, sizeof(whole), "%s.%03dZ", text, (int)(wall_ms % 1000));
	return json_string(whole);
}

static json_t *address(const struct addr *a)
{
	char text[ADDR_STRLEN];

	return addr_is_set(a) ? json_string(addr_print(a, text, sizeof(text))) : json_null();
}

json_t *record_of_agent(const char *type, int64_t wall_ms)
{
	return json_pack("{so sI ss}", "time", time_text(wall_ms), "unix_ms", (json_int_t)wall_ms,
			 "record", type);
}

json_t *record_of(const struct acct_session *s, const char *type, int64_t wall_ms, mono_t now)
{
	struct acct_count c = acct_session_count(s);
	bool over = !acct_session_is_open(s);
	const char *cause = s->cause ? acct_cause_name(s->cause) : acct_cause_of(s->reason).name;
	json_t *r;

	if (over)
		wall_ms = s->ended_ms;
	r = json_pack("{so sI ss ss ss ss sI ss ss so so so}", "time", time_text(wall_ms),
		      "unix_ms", (json_int_t)wall_ms, "record", type, "session", s->id, "list",
		      s->list, "map", s->map, "seq", (json_int_t)s->seq, "origin",
		      s->manual ? "manual" : "ike", "peer", s->peer, "remote",
		      address(&s->remote), "local", address(&s->local), "identity",
		      *s->identity ? json_string(s->identity) : json_null());
	if (!r)
		return NULL;
	json_object_set_new(r, "duration_s",
			    json_integer(mono_diff_ms(over ? s->ended : now, s->since) / 1000));
	json_object_set_new(r, "bytes_in", json_integer((json_int_t)c.bytes_in));
	json_object_set_new(r, "bytes_out", json_integer((json_int_t)c.bytes_out));
	json_object_set_new(r, "packets_in", json_integer((json_int_t)c.packets_in));
	json_object_set_new(r, "packets_out", json_integer((json_int_t)c.packets_out));
	if (!over)
		return r;
	json_object_set_new(r, "cause", json_string(cause));
	json_object_set_new(r, "reason",
			    json_string(s->cause ? cause : entry_reason_name(s->reason)));
	json_object_set_new(r, "text", json_string(s->text));
	return r;
}

json_t *record_of_orphan(const json_t *kept, int64_t wall_ms)
{
	json_t *r = json_is_object(kept) ? json_deep_copy(kept) : NULL;

	if (!r || !json_is_string(json_object_get(r, "session")) ||
	    !json_is_string(json_object_get(r, "list"))) {
		json_decref(r);
		return NULL;
	}
	json_object_set_new(r, "record", json_string("stop"));
	json_object_set_new(r, "cause", json_string(acct_cause_name(ACCT_NAS_REBOOT)));
	json_object_set_new(r, "reason", json_string("agent-died"));
	json_object_set_new(r, "text",
			    json_string("the agent was killed; the counters are those of its last look"));
	return r;
}
