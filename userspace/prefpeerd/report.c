// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "prefpeerd/report.h"
#include "prefpeerd/report_sa.h"

const char *report_duration(int64_t ms, char *buf, size_t size)
{
	if (ms < 1000)
		snprintf(buf, size, "%" PRId64 " ms", ms);
	else if (ms < 600000 && ms % 1000 >= 100)
		snprintf(buf, size, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
	else if (ms < 600000)
		snprintf(buf, size, "%" PRId64 " s", ms / 1000);
	else if (ms < 7200000)
		snprintf(buf, size, "%" PRId64 " min", ms / 60000);
	else
		snprintf(buf, size, "%" PRId64 " h", ms / 3600000);
	return buf;
}

/* null where unset, so that a reader tells "never" from "now". */
static json_t *ago(mono_t t, mono_t now)
{
	return mono_is_set(t) ? json_integer(mono_diff_ms(now, t)) : json_null();
}

static json_t *known(int64_t v, bool is_known)
{
	return is_known ? json_integer(v) : json_null();
}

static json_t *address(const struct addr *a)
{
	char text[ADDR_STRLEN];

	return addr_is_set(a) ? json_string(addr_print(a, text, sizeof(text))) : json_null();
}

static json_t *spi(uint32_t v)
{
	char text[16];

	if (!v)
		return json_null();
	snprintf(text, sizeof(text), "0x%08" PRIx32, v);
	return json_string(text);
}

static const char *peer_status(const struct entry_peer_view *p, const struct entry_view *v)
{
	if (p->is_trying)
		return "trying";
	if (p->is_current && v->state == ENTRY_UP)
		return "up";
	if (p->last == REASON_NONE)
		return "untried";
	return entry_reason_name(p->last);
}

/* null for an address that was typed. */
static json_t *dnssec(const struct entry_peer_view *p)
{
	return p->is_name && (addr_is_set(&p->addr) || p->trust == TRUST_BOGUS) ?
		       json_string(name_trust_text(p->trust)) :
		       json_null();
}

static json_t *report_peer(const struct entry_peer_view *p, const struct entry_view *v, mono_t now)
{
	return json_pack("{ss so sb sb so so sb sb sb sb ss ss so so so sI sI}", "peer", p->text,
			 "address", address(&p->addr), "dynamic", p->is_dynamic, "resolving",
			 p->resolving, "ttl_ms", known(p->ttl_ms, p->ttl_ms >= 0), "dnssec",
			 dnssec(p), "default", p->is_default, "current", p->is_current,
			 "trying", p->is_trying, "next", p->is_next, "status", peer_status(p, v),
			 "status_text", p->last_text, "status_ago_ms", ago(p->last_at, now),
			 "heard_ago_ms", ago(p->heard, now), "rtt_us",
			 known(p->rtt_us, p->rtt_us != 0), "answer_ms", (json_int_t)p->answer_ms,
			 "finish_ms", (json_int_t)p->finish_ms);
}

static json_t *report_line(const struct entry_line_view *l, mono_t now)
{
	char text[SELECTOR_STRLEN + 16] = "permit ";
	char reqid[16];

	selector_print(&l->sel, text + 7, sizeof(text) - 7);
	snprintf(reqid, sizeof(reqid), "0x%08" PRIx32, l->reqid);
	return json_pack("{si ss ss sb sb sb sb so ss si so so so so sI sI sI sI so so so so}", "no",
			 (int)l->no, "text", text, "reqid", reqid, "blocked", l->blocked, "wanted",
			 l->wanted, "in_setup", l->in_setup, "narrowed", l->narrowed, "backoff_ms",
			 mono_is_set(l->backoff_until) ?
				 json_integer(mono_diff_ms(l->backoff_until, now)) :
				 json_null(),
			 "backoff_text", l->backoff_text, "pairs", (int)l->n_pairs, "local",
			 address(&l->local), "remote", address(&l->peer), "spi_in", spi(l->spi_in),
			 "spi_out", spi(l->spi_out), "bytes_in", (json_int_t)l->bytes_in,
			 "bytes_out", (json_int_t)l->bytes_out, "packets_in",
			 (json_int_t)l->packets_in, "packets_out", (json_int_t)l->packets_out,
			 "up_ms", ago(l->since, now), "idle_now_ms",
			 known(l->idle_now_ms, l->idle_now_ms >= 0), "local_ident",
			 report_ident(&l->sel.src, l->sel.proto, &l->sel.sport), "remote_ident",
			 report_ident(&l->sel.dst, l->sel.proto, &l->sel.dport));
}

static json_t *report_idle(const struct entry_view *v)
{
	const char *home = v->n_peers && v->peers[0].is_default ? v->peers[0].text : NULL;
	char action[300] = "off", t[32];

	if (v->idle.ms && v->idle.home && home)
		snprintf(action, sizeof(action), "%s, then home to %s",
			 report_duration(v->idle.ms, t, sizeof(t)), home);
	else if (v->idle.ms)
		snprintf(action, sizeof(action), "%s, then down; the peer stays",
			 report_duration(v->idle.ms, t, sizeof(t)));
	return json_pack("{sI sb so ss}", "ms", (json_int_t)v->idle.ms, "home", v->idle.home,
			 "now_ms", known(v->idle_now_ms, v->idle_now_ms >= 0), "action", action);
}

static const char *dpd_mode_text(enum dpd_mode m)
{
	switch (m) {
	case DPD_PERIODIC:
		return "periodic";
	case DPD_ON_DEMAND:
		return "on-demand";
	default:
		return "off";
	}
}

static json_t *report_dpd(const struct entry_view *v)
{
	char all[32], notice[32], again[32], text[200] = "a dead peer is noticed only when an exchange fails";
	size_t n;

	if (v->manual)
		snprintf(text, sizeof(text), "manual SAs: nobody asks whether the peer is there");
	else if (v->dpd.mode != DPD_OFF && v->n_peers < 2)
		snprintf(text, sizeof(text), "none: there is no second peer; notice %s",
			 report_duration(v->notice_ms, notice, sizeof(notice)));
	else if (v->dpd.mode != DPD_OFF && v->retry_default_ms)
		snprintf(text, sizeof(text), "%s = notice %s + retry default %s + set-up",
			 report_duration(v->failover_ms, all, sizeof(all)),
			 report_duration(v->notice_ms, notice, sizeof(notice)),
			 report_duration(v->retry_default_ms, again, sizeof(again)));
	else if (v->dpd.mode != DPD_OFF)
		snprintf(text, sizeof(text), "%s = notice %s + set-up",
			 report_duration(v->failover_ms, all, sizeof(all)),
			 report_duration(v->notice_ms, notice, sizeof(notice)));
	n = strlen(text);
	if (v->dpd.mode != DPD_OFF && v->further_ms)
		snprintf(text + n, sizeof(text) - n, "; each further silent peer %s",
			 report_duration(v->further_ms, again, sizeof(again)));
	return json_pack("{ss sI sI sI sb sb sI ss}", "mode", dpd_mode_text(v->dpd.mode),
			 "interval_ms", (json_int_t)v->dpd.interval_ms, "retry_ms",
			 (json_int_t)v->dpd.retry_ms, "budget_ms", (json_int_t)v->dpd_budget_ms,
			 "strict", v->dpd.strict, "fixed", v->dpd.fixed, "worst_ms",
			 (json_int_t)v->failover_ms, "worst_text", text);
}

static json_t *report_peers(const struct entry_view *v, mono_t now)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < v->n_peers; i++)
		json_array_append_new(list, report_peer(&v->peers[i], v, now));
	return list;
}

static json_t *report_lines(const struct entry_view *v, mono_t now)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < v->n_lines; i++)
		json_array_append_new(list, report_line(&v->lines[i], now));
	return list;
}

static json_t *report_pairs(const struct entry_view *v, mono_t now)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < v->n_pairs; i++)
		json_array_append_new(list, report_pair(&v->pairs[i], now));
	return list;
}

static json_t *report_identity(const struct ike_id *id)
{
	char text[IKE_ID_STRLEN];

	return id ? json_string(ike_id_print(id, text, sizeof(text))) : json_null();
}

json_t *report_entry(const struct entry_view *v, mono_t now)
{
	return json_pack("{ss si ss sI ss? ss ss ss? ss? ss so so so so so so ss? sb so so si ss}",
			 "map", v->map, "seq",
			 (int)v->seq, "state", entry_state_name(v->state), "state_since_ms",
			 (json_int_t)mono_diff_ms(now, v->since), "peer", v->current, "reason",
			 entry_reason_name(v->reason), "why", v->sentence, "trying", v->trying,
			 "next", v->next_peer, "next_rule", entry_next_name(v->next), "backoff_ms",
			 mono_is_set(v->backoff_until) && v->state == ENTRY_BACKOFF ?
				 json_integer(mono_diff_ms(v->backoff_until, now)) :
				 json_null(),
			 "local", address(&v->local), "peers", report_peers(v, now), "idle",
			 report_idle(v), "dpd", report_dpd(v), "lines", report_lines(v, now),
			 "incomplete", v->incomplete, "blocks", v->blocks,
			 "branch", report_identity(v->identity), "sas", report_pairs(v, now), "conn",
			 (int)v->conn, "origin", v->manual ? "manual" : "ike");
}

static json_t *report_spi(const uint8_t s[8])
{
	char text[17];

	for (int i = 0; i < 8; i++)
		snprintf(text + 2 * i, 3, "%02x", s[i]);
	return json_string(text);
}

json_t *report_session(const struct entry_session *s, mono_t now)
{
	const struct engine_conn_info *i = &s->info;
	char encr[32];
	json_t *o;

	o = json_pack("{si so so si ss sb si si so so ss ss ss sb sb so so so sI sI sI}", "conn",
			 (int)s->conn, "local", address(&s->local), "remote", address(&s->peer),
			 "remote_port", (int)i->peer.port, "state",
			 s->manual ? "manual" :
			 s->closing	? "closing" :
			 s->established ? "established" :
					  "connecting",
			 "initiator", i->initiator, "entries", (int)s->n_entries, "children",
			 (int)s->n_children, "spi_i", report_spi(i->spi_i), "spi_r",
			 report_spi(i->spi_r), "encr",
			 encr_name(i->suite.encr, i->suite.key_bits, encr, sizeof(encr)), "prf",
			 prf_name(i->suite.prf), "dh", dh_name(i->suite.dh), "nat_local",
			 i->nat_local, "nat_peer", i->nat_peer, "up_ms", ago(i->since, now),
			 "heard_ago_ms", ago(i->heard, now), "rtt_us",
			 known(i->rtt_us, i->rtt_us != 0), "tx", (json_int_t)i->tx, "rx",
			 (json_int_t)i->rx, "retransmits", (json_int_t)i->retransmits);
	report_conn_more(o, i);
	json_object_set_new(o, "origin", json_string(s->manual ? "manual" : "ike"));
	return o;
}

void report_wall_clock(char *buf, size_t size)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, size - n, ".%03ld", ts.tv_nsec / 1000000);
	n = strlen(buf);
	strftime(buf + n, size - n, "%z", &tm);
}

static json_t *event_detail(const struct entry_ntf *n)
{
	json_t *d = json_object();
	char flow[SELECTOR_STRLEN];

	if (!d)
		return NULL;
	if (n->unanswered)
		json_object_set_new(d, "unanswered", json_integer(n->unanswered));
	if (n->silent_ms)
		json_object_set_new(d, "silent_ms", json_integer(n->silent_ms));
	if (n->budget_ms)
		json_object_set_new(d, "budget_ms", json_integer(n->budget_ms));
	if (n->idle_ms)
		json_object_set_new(d, "idle_ms", json_integer(n->idle_ms));
	if (n->backoff_ms)
		json_object_set_new(d, "backoff_ms", json_integer(n->backoff_ms));
	if (n->spi_in)
		json_object_set_new(d, "spi_in", spi(n->spi_in));
	if (n->spi_out)
		json_object_set_new(d, "spi_out", spi(n->spi_out));
	if (n->gap_ms >= 0 && n->to == ENTRY_UP && n->from != ENTRY_UP)
		json_object_set_new(d, "gap_ms", json_integer(n->gap_ms));
	if (n->has_flow)
		json_object_set_new(d, "flow",
				    json_string(selector_print(&n->flow, flow, sizeof(flow))));
	return d;
}

json_t *report_event(const struct entry_ntf *n)
{
	char when[48];

	report_wall_clock(when, sizeof(when));
	return json_pack("{ss sI ss ss si si ss ss ss? ss? ss? ss ss so}", "time", when, "stamp",
			 (json_int_t)n->when.ns, "event", entry_ntf_name(n->type), "map", n->map,
			 "seq", (int)n->seq, "line", (int)n->line, "from",
			 entry_state_name(n->from), "to", entry_state_name(n->to), "from_peer",
			 n->from_peer, "peer", n->peer, "next", n->next, "reason",
			 entry_ntf_reason(n), "text", n->sentence ? n->sentence : "",
			 "detail", event_detail(n));
}

json_t *report_note(const struct watch_note *n)
{
	bool whose = n->map[0];
	char when[48];

	report_wall_clock(when, sizeof(when));
	return json_pack("{ss sI ss ss ss* so* ss ss}", "time", when, "stamp",
			 (json_int_t)mono_now().ns, "event", "note", "source", "kernel", "map",
			 whose ? n->map : NULL, "seq", whose ? json_integer(n->seq) : NULL,
			 "reason", n->reason, "text", n->text);
}

struct warnings {
	json_t *list;
	mono_t now;
};

static void add_warning(void *ctx, const struct watch_note *n, mono_t at)
{
	struct warnings *w = ctx;

	json_array_append_new(w->list, json_pack("{ss ss so}", "reason", n->reason, "text",
						 n->text, "ago_ms", ago(at, w->now)));
}

json_t *report_warnings(const struct watch *w, const struct entry_view *v, mono_t now)
{
	struct warnings all = { json_array(), now };

	watch_each(w, v->map, v->seq, add_warning, &all);
	return all.list;
}

json_t *report_stats(const struct ike_counters *ike, uint64_t queue_dropped,
		     const struct entry_branch_counters *branches)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
			 " s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "received", (json_int_t)ike->received, "sent", (json_int_t)ike->sent,
			 "repeats", (json_int_t)ike->repeats, "malformed",
			 (json_int_t)ike->malformed, "not_authentic", (json_int_t)ike->bad_icv,
			 "begun_by_peers", (json_int_t)ike->theirs, "in_negotiation",
			 (json_int_t)ike->half_open, "cookies", (json_int_t)ike->cookies,
			 "refused_source", (json_int_t)ike->refused_source, "refused_network",
			 (json_int_t)ike->refused_network, "refused_in_negotiation",
			 (json_int_t)ike->refused_total, "refused_max_sa",
			 (json_int_t)ike->refused_sas, "queue_dropped", (json_int_t)queue_dropped,
			 "branches", (json_int_t)branches->now, "branches_refused",
			 (json_int_t)branches->refused);
}
