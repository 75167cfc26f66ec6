// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/control.h"
#include "prefpeerd/debug.h"
#include "prefpeerd/engine_ike/half_open.h"
#include "prefpeerd/drain.h"
#include "prefpeerd/entry/entries.h"
#include "prefpeerd/history.h"
#include "prefpeerd/report.h"
#include "prefpeerd/report_conf.h"
#include "prefpeerd/tally.h"

struct control {
	struct agent *agent;
	struct ctl_server *server;
};

/* What a request may name; absent words select everything. */
struct selection {
	const char *map;
	unsigned seq;
	struct addr peer;
	struct addr local;
	uint32_t spi;
	conn_id conn;
};

typedef json_t *(*verb_fn)(struct agent *a, const json_t *req, const struct selection *sel);

static json_t *out_of_range(const char *word, const char *range)
{
	return ctl_error("`%s` must be %s", word, range);
}

/* NULL, or the refusal. */
static json_t *parse_selection(const json_t *req, struct selection *sel)
{
	const json_t *seq = json_object_get(req, "seq"), *peer = json_object_get(req, "remote");
	const json_t *map = json_object_get(req, "map"), *spi = json_object_get(req, "spi");
	const json_t *local = json_object_get(req, "local"), *conn = json_object_get(req, "conn");

	*sel = (struct selection){ 0 };
	if (map && !json_is_string(map))
		return out_of_range("map", "the name of a crypto map");
	sel->map = json_string_value(map);
	if (seq && (!json_is_integer(seq) || json_integer_value(seq) < 1 ||
		    json_integer_value(seq) > 131071))
		return out_of_range("seq", "a number from 1 to 131071");
	sel->seq = (unsigned)json_integer_value(seq);
	if (peer && (!json_is_string(peer) || addr_parse(json_string_value(peer), &sel->peer)))
		return out_of_range("remote", "an IP address");
	if (local && (!json_is_string(local) || addr_parse(json_string_value(local), &sel->local)))
		return out_of_range("local", "an IP address");
	if (conn && (!json_is_integer(conn) || json_integer_value(conn) < 1 ||
		     json_integer_value(conn) > UINT32_MAX))
		return out_of_range("conn", "a number from 1 to 4294967295");
	sel->conn = (conn_id)json_integer_value(conn);
	if (spi && (!json_is_integer(spi) || json_integer_value(spi) < 1 ||
		    json_integer_value(spi) > UINT32_MAX))
		return out_of_range("spi", "a number from 1 to 4294967295");
	sel->spi = (uint32_t)json_integer_value(spi);
	return NULL;
}

static const struct addr *peer_of(const struct selection *sel)
{
	return addr_is_set(&sel->peer) ? &sel->peer : NULL;
}

static json_t *outcome(int err, const char *why)
{
	if (!err || err == -EALREADY || err == -EINPROGRESS) {
		json_t *ok = ctl_ok();

		if (ok && why)
			json_object_set_new(ok, "note", json_string(why));
		return ok;
	}
	return ctl_error("%s", why ? why : strerror(-err));
}

static json_t *need_entry(const struct selection *sel)
{
	if (sel->map && sel->seq)
		return NULL;
	return ctl_error("name an entry: `map` and `seq` are both needed");
}

static bool selects(const struct selection *sel, const struct entry_view *v)
{
	return (!sel->map || !strcmp(sel->map, v->map)) && (!sel->seq || sel->seq == v->seq);
}

/* Where it would speak from, were it up: the first address of that family. */
static json_t *address_of(const struct agent *a, const char *ifname, sa_family_t family)
{
	char text[ADDR_STRLEN];

	for (unsigned i = 0; i < a->n_ifaces; i++)
		for (unsigned k = 0; k < a->ifaces[i].n_nets; k++)
			if (!strcmp(a->ifaces[i].name, ifname) &&
			    a->ifaces[i].nets[k].addr.family == family)
				return json_string(addr_print(&a->ifaces[i].nets[k].addr, text,
							      sizeof(text)));
	return json_null();
}

static json_t *config_shown(const struct agent *a, const struct entry_view *v)
{
	const struct map *m = v->conf->map;
	json_t *conf = report_map_entry(a->conf, v);

	if (m->n_interfaces)
		json_object_set_new(conf, "interface_address",
				    address_of(a, m->interfaces[0], m->family));
	return conf;
}

static json_t *entry_shown(const struct agent *a, const struct entry_view *v, mono_t now)
{
	json_t *entry = report_entry(v, now);

	report_entry_more(entry, v);
	json_object_set_new(entry, "config", config_shown(a, v));
	json_object_set_new(entry, "warnings", report_warnings(a->watch, v, now));
	return entry;
}

/* What applies to all entries. */
static json_t *global_shown(const struct config *c)
{
	return json_pack("{sI sI sI}", "idle_ms", (json_int_t)c->idle_ms, "lifetime_s",
			 (json_int_t)c->child_lifetime_s, "lifetime_kb",
			 (json_int_t)c->child_lifetime_kb);
}

static json_t *map_show(struct agent *a, const json_t *req, const struct selection *sel)
{
	json_t *ok = ctl_ok(), *maps = json_array();
	mono_t now = mono_now();

	for (unsigned i = 0; i < entries_count(a->entries); i++) {
		struct entry_view v;

		if (entries_view(a->entries, i, now, &v))
			continue;
		if (selects(sel, &v))
			json_array_append_new(maps, entry_shown(a, &v, now));
		entry_view_free(&v);
	}
	if (sel->map && !json_array_size(maps)) {
		json_decref(ok);
		json_decref(maps);
		return ctl_error("there is no crypto map entry %s%s", sel->map,
				 sel->seq ? " with that sequence number" : "");
	}
	json_object_set_new(ok, "module", json_boolean(a->kernel.ops->has_module(a->kernel.impl)));
	json_object_set_new(ok, "maps", maps);
	json_object_set_new(ok, "global", global_shown(a->conf));
	json_object_set_new(ok, "dynamic_maps", report_templates(a->conf));
	return ok;
}

static json_t *map_connect(struct agent *a, const json_t *req, const struct selection *sel)
{
	const char *why = NULL;
	json_t *refusal = need_entry(sel);
	int err;

	if (refusal)
		return refusal;
	err = entries_connect(a->entries, sel->map, sel->seq, mono_now(), &why);
	return outcome(err, why);
}

static json_t *map_reset(struct agent *a, const json_t *req, const struct selection *sel)
{
	const char *why = NULL;
	json_t *refusal = need_entry(sel);
	int err;

	if (refusal)
		return refusal;
	err = entries_map_reset(a->entries, sel->map, sel->seq, mono_now(), &why);
	return outcome(err, why);
}

static json_t *map_switch(struct agent *a, const json_t *req, const struct selection *sel)
{
	const char *peer = json_string_value(json_object_get(req, "peer")), *why = NULL;
	json_t *refusal = need_entry(sel);
	int err;

	if (refusal)
		return refusal;
	if (!peer)
		return out_of_range("peer", "an address or a name of the entry's list");
	err = entries_switch(a->entries, sel->map, sel->seq, peer, mono_now(), &why);
	/* Not begun, and not waiting for an address either. */
	if (err == -ENETUNREACH)
		return ctl_error("%s", why);
	return outcome(err, why);
}

static json_t *map_explain(struct agent *a, const json_t *req, const struct selection *sel)
{
	json_t *refusal = need_entry(sel), *ok;
	mono_t now = mono_now();
	struct entry_view v;
	int i;

	if (refusal)
		return refusal;
	i = entries_find(a->entries, sel->map, sel->seq);
	if (i < 0 || entries_view(a->entries, (unsigned)i, now, &v))
		return ctl_error("there is no crypto map entry %s %u", sel->map, sel->seq);
	ok = ctl_ok();
	json_object_set_new(ok, "explain", report_explain(&v, now));
	entry_view_free(&v);
	return ok;
}

static json_t *drained(struct agent *a)
{
	json_t *ok = ctl_ok();

	json_object_set_new(ok, "drain", drain_report(a->drain, mono_now()));
	return ok;
}

static json_t *drain_start_asked(struct agent *a, const json_t *req, const struct selection *sel)
{
	json_t *s = json_object_get(req, "seconds");
	json_int_t seconds = s ? json_integer_value(s) : 60;

	if ((s && !json_is_integer(s)) || seconds < 0 || seconds > DRAIN_MAX_S)
		return out_of_range("seconds", "a number from 0 to 86400");
	drain_start(a->drain, (unsigned)seconds, mono_now());
	return drained(a);
}

static json_t *drain_stop_asked(struct agent *a, const json_t *req, const struct selection *sel)
{
	return drain_stop(a->drain, mono_now()) ? drained(a) :
						  ctl_error("this gateway is not drained");
}

static json_t *drain_show(struct agent *a, const json_t *req, const struct selection *sel)
{
	return drained(a);
}

static json_t *session_clear(struct agent *a, const json_t *req, const struct selection *sel)
{
	const struct entry_choice c = {
		.map = sel->map,
		.seq = sel->seq,
		.peer = sel->peer,
		.local = sel->local,
		.conn = sel->conn,
		.established = json_is_true(json_object_get(req, "active")),
		.quiet = json_is_true(json_object_get(req, "quiet")),
	};
	const char *why = NULL;
	int err = entries_clear_chosen(a->entries, &c, mono_now(), &why);

	return outcome(err, why);
}

static json_t *counters_clear(struct agent *a, const json_t *req, const struct selection *sel)
{
	entries_clear_counters(a->entries, mono_now());
	return ctl_ok();
}

static json_t *sa_clear(struct agent *a, const json_t *req, const struct selection *sel)
{
	const char *why = NULL;
	int err = entries_clear_sa(a->entries, sel->map, sel->seq, peer_of(sel), sel->spi,
				   mono_now(), &why);

	return outcome(err, why);
}

struct session_list {
	json_t *list;
	mono_t now;
	const struct selection *sel;
};

static void add_session(void *ctx, const struct entry_session *s)
{
	struct session_list *l = ctx;

	if (!peer_of(l->sel) || addr_equal(peer_of(l->sel), &s->peer))
		json_array_append_new(l->list, report_session(s, l->now));
}

static json_t *session_show(struct agent *a, const json_t *req, const struct selection *sel)
{
	struct session_list l = { json_array(), mono_now(), sel };
	json_t *ok = ctl_ok();

	entries_each_session(a->entries, add_session, &l);
	json_object_set_new(ok, "sessions", l.list);
	return ok;
}

static json_t *stats_show(struct agent *a, const json_t *req, const struct selection *sel)
{
	json_t *ok = ctl_ok();

	json_object_set_new(ok, "stats",
			    report_stats(engine_ike_counters(&a->engine),
					 engine_ike_queue_dropped(&a->engine),
					 entries_branch_counters(a->entries)));
	json_object_set_new(json_object_get(ok, "stats"), "totals", tally_report(a->tally));
	json_object_set_new(json_object_get(ok, "stats"), "debug_events",
			    json_integer((json_int_t)a->debug_events));
	json_object_set_new(json_object_get(ok, "stats"), "debug_topics",
			    json_integer(control_topics(a->control)));
	json_object_set_new(json_object_get(ok, "stats"), "limit_sas",
			    json_integer(a->conf->limits.sas));
	json_object_set_new(json_object_get(ok, "stats"), "limit_half_open",
			    json_integer(a->conf->limits.half_open ? a->conf->limits.half_open :
								     HALF_OPEN_MAX));
	return ok;
}

static json_t *history_show(struct agent *a, const json_t *req, const struct selection *sel)
{
	json_int_t n = json_integer_value(json_object_get(req, "last"));
	json_t *ok;

	if (n < 0 || n > HISTORY_LEN)
		return out_of_range("last", "a number from 0 (all) to 1000");
	ok = ctl_ok();
	json_object_set_new(ok, "events",
			    history_list(a->history, sel->map, sel->seq, (unsigned)n));
	return ok;
}

static json_t *reload(struct agent *a, const json_t *req, const struct selection *sel)
{
	bool unsaved = a->unsaved;
	char *report = NULL;
	int err = agent_reload(a, mono_now(), &report);
	json_t *reply;

	if (err)
		reply = ctl_error("%s was not taken, the running configuration stays: %s",
				  a->opt.conf_path,
				  report && *report ? report : strerror(-err));
	else
		reply = ctl_ok();
	if (reply && report && *report)
		json_object_set_new(reply, "report", json_string(report));
	if (reply && !err && unsaved)
		json_object_set_new(reply, "unsaved",
				    json_string("changes that were not saved are gone: the file is in force"));
	free(report);
	return reply;
}

/* {"topics":["ikev2",…]}; without any, all. */
static json_t *debug(struct agent *a, const json_t *req, const struct selection *sel)
{
	const json_t *topics = json_object_get(req, "topics"), *t;
	unsigned set = 0;
	size_t i;

	json_array_foreach(topics, i, t) {
		unsigned topic = json_is_string(t) ? debug_topic(json_string_value(t)) : 0;

		if (!topic)
			return out_of_range("topics", "a list of ikev2, isakmp, ipsec");
		set |= topic;
	}
	ctl_server_subscribe(a->control->server, set ? set : DEBUG_IKEV2 | DEBUG_IPSEC);
	return ctl_ok();
}

static const struct {
	const char *cmd;
	verb_fn fn;
} verbs[] = {
	{ "map-show", map_show },	  { "map-connect", map_connect },
	{ "map-reset", map_reset },
	{ "drain-start", drain_start_asked }, { "drain-stop", drain_stop_asked },
	{ "drain-show", drain_show },	  { "map-switch", map_switch },	  { "map-explain", map_explain },
		  { "session-show", session_show },
	{ "session-clear", session_clear }, { "sa-clear", sa_clear },
	{ "history", history_show },	  { "reload", reload },
	{ "stats-show", stats_show },	  { "counters-clear", counters_clear },
	{ "debug", debug },
};

/* In files of their own: of the whole request, with no selection. */
static json_t *other(struct control *c, const char *cmd, const json_t *req)
{
	json_t *reply = control_config(c->agent, c->server, cmd, req);

	return reply ? reply : ctl_error("this agent does not know the request `%s`", cmd);
}

static json_t *on_request(void *ctx, const char *cmd, const json_t *req)
{
	struct control *c = ctx;
	struct selection sel;
	json_t *refusal;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(verbs[i].cmd, cmd))
			continue;
		refusal = parse_selection(req, &sel);
		return refusal ? refusal : verbs[i].fn(c->agent, req, &sel);
	}
	return other(c, cmd, req);
}

int control_open(struct agent *a, const char *path, const struct sandbox_user *owner,
		 struct control **out)
{
	struct control *c;
	int fd, err;

	fd = ctl_listen(path, owner->uid, owner->gid);
	if (fd < 0)
		return fd;
	c = calloc(1, sizeof(*c));
	if (!c) {
		evutil_closesocket(fd);
		return -ENOMEM;
	}
	c->agent = a;
	err = ctl_server_new(loop_base(a->loop), fd, on_request, c, &c->server);
	if (err) {
		free(c);
		return err;
	}
	*out = c;
	return 0;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	ctl_server_free(c->server);
	free(c);
}

unsigned control_topics(const struct control *c)
{
	return ctl_server_topics(c->server);
}

void control_topic(struct control *c, unsigned topic, json_t *event)
{
	ctl_server_topic(c->server, topic, event);
}

void control_event(struct control *c, json_t *event)
{
	ctl_server_event(c->server, event);
}
