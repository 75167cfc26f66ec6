// SPDX-License-Identifier: GPL-2.0-or-later
/* Sessions begin and end with the entries; when their records are made. */
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "prefpeerd/acct/session.h"
#include "prefpeerd/entry/mem.h"

struct acct_map {
	char name[CONF_NAME_MAX + 1], list[CONF_NAME_MAX + 1];
};

struct acct {
	struct acct_ports ports;
	struct acct_map *maps;
	unsigned n_maps;
	uint32_t interim_ms;
	struct acct_session **sessions;
	unsigned n_sessions, cap_sessions;
	int64_t started_ms;
	unsigned last_id;
	struct timer timer;
	bool announced;
};

/* ---- records ------------------------------------------------------------------ */

static int64_t wall_ms(const struct acct *a)
{
	return a->ports.wall_ms(a->ports.ctx);
}

static void give(struct acct *a, const char *list, json_t *record)
{
	if (record)
		a->ports.record(a->ports.ctx, list, record);
	json_decref(record);
}

static void tell(struct acct *a, const struct acct_session *s, const char *type, mono_t now)
{
	give(a, s->list, record_of(s, type, wall_ms(a), now));
}

static void keep(struct acct *a, mono_t now)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < a->n_sessions; i++)
		if (a->sessions[i]->told)
			json_array_append_new(all, record_of(a->sessions[i], "open", wall_ms(a), now));
	a->ports.keep(a->ports.ctx, all);
	json_decref(all);
}

/* ---- looking at the kernel ---------------------------------------------------------- */

static struct acct_session *session_of(const struct acct *a, const struct kernel_sa_entry *sa)
{
	struct acct_session *fits = NULL;

	for (unsigned i = 0; i < a->n_sessions; i++)
		if (acct_session_sa(a->sessions[i], &sa->id))
			return a->sessions[i];
	for (unsigned i = 0; i < a->n_sessions; i++)
		if (acct_session_fits(a->sessions[i], sa) &&
		    (!fits || !acct_session_is_open(a->sessions[i])))
			fits = a->sessions[i];
	return fits;
}

/* What is in the kernel and of nobody yet is of the session that is open. */
static int look_at(void *ctx, const struct kernel_sa_entry *sa)
{
	struct acct *a = ctx;

	if (sa->r.larval || sa->r.reqid < REQID_FIRST || sa->r.reqid > REQID_LAST)
		return 0;
	for (unsigned i = 0; i < a->n_sessions; i++)
		if (acct_session_sa(a->sessions[i], &sa->id)) {
			acct_session_read(a->sessions[i], sa);
			return 0;
		}
	for (unsigned i = 0; i < a->n_sessions; i++)
		if (acct_session_is_open(a->sessions[i]) && acct_session_fits(a->sessions[i], sa)) {
			acct_session_read(a->sessions[i], sa);
			return 0;
		}
	return 0;
}

static void look(struct acct *a)
{
	const struct kernel *k = a->ports.kernel;
	int err = a->n_sessions ? k->ops->sa_dump(k->impl, look_at, a) : 0;

	if (err)
		log_warn("acct", "the SAs cannot be counted: %s", strerror(-err));
}

void acct_sa_ended(struct acct *a, const struct kernel_sa_entry *sa)
{
	struct acct_session *s = session_of(a, sa);

	if (s)
		acct_session_sa_ended(s, sa);
}

/* ---- begin and end --------------------------------------------------------------------- */

static const struct acct_map *map_of(const struct acct *a, const char *name)
{
	for (unsigned i = 0; i < a->n_maps; i++)
		if (!strcmp(a->maps[i].name, name))
			return &a->maps[i];
	return NULL;
}

static struct acct_session *find_open(const struct acct *a, const char *map, uint32_t seq)
{
	for (unsigned i = 0; i < a->n_sessions; i++)
		if (acct_session_is_open(a->sessions[i]) && a->sessions[i]->seq == seq &&
		    !strcmp(a->sessions[i]->map, map))
			return a->sessions[i];
	return NULL;
}

static void soon(struct acct *a, mono_t at)
{
	if (!timer_armed(&a->timer) || mono_before(at, a->timer.at))
		timer_set(a->ports.timers, &a->timer, at);
}

/* Who it is, and by which reqids its SAs are known. */
static void learn(struct acct *a, struct acct_session *s)
{
	int i = entries_find(a->ports.entries, s->map, s->seq);
	struct entry_view v;

	if (i < 0 || entries_view(a->ports.entries, (unsigned)i, s->since, &v))
		return;
	s->manual = v.manual;
	s->local = v.local;
	if (v.identity)
		ike_id_print(v.identity, s->identity, sizeof(s->identity));
	for (unsigned k = 0; k < v.n_lines; k++) {
		acct_session_add_reqid(s, v.lines[k].reqid);
		if (addr_is_set(&v.lines[k].peer))
			s->remote = v.lines[k].peer;
	}
	for (unsigned k = 0; k < v.n_peers; k++)
		if (v.peers[k].is_current && !addr_is_set(&s->remote))
			s->remote = v.peers[k].addr;
	entry_view_free(&v);
}

static void begin(struct acct *a, const char *list, const char *map, uint32_t seq,
		  const char *peer, mono_t now)
{
	struct acct_session *s = mem_zero(1, sizeof(*s));

	s->since = now;
	s->since_ms = wall_ms(a);
	s->seq = seq;
	snprintf(s->id, sizeof(s->id), "%08llx-%08x", (unsigned long long)(a->started_ms / 1000),
		 ++a->last_id);
	snprintf(s->list, sizeof(s->list), "%s", list);
	snprintf(s->map, sizeof(s->map), "%s", map);
	snprintf(s->peer, sizeof(s->peer), "%s", peer ? peer : "");
	MEM_ROOM(a->sessions, a->n_sessions, a->cap_sessions);
	a->sessions[a->n_sessions++] = s;
	soon(a, mono_add_ms(now, ACCT_SETTLE_MS));
}

static void start_is_told(struct acct *a, struct acct_session *s, mono_t now)
{
	if (!s->told)
		learn(a, s);
	if (!s->told)
		tell(a, s, "start", now);
	s->told = true;
	s->next_interim = mono_add_ms(s->since, a->interim_ms);
}

static void end(struct acct *a, struct acct_session *s, enum entry_reason reason, unsigned cause,
		const char *text, mono_t now)
{
	/* One that was over before its start was told has both. */
	start_is_told(a, s, now);
	look(a);
	s->ended = now;
	s->ended_ms = wall_ms(a);
	s->reason = reason;
	s->cause = cause;
	snprintf(s->text, sizeof(s->text), "%s", text ? text : "");
	soon(a, mono_add_ms(now, ACCT_SETTLE_MS));
}

void acct_notify(struct acct *a, const struct entry_ntf *n)
{
	const struct acct_map *m = map_of(a, n->map);
	struct acct_session *s = find_open(a, n->map, n->seq);
	bool up = n->to == ENTRY_UP;

	if (n->type != NTF_STATE)
		return;
	if (s && (!up || (n->peer && strcmp(n->peer, s->peer)))) {
		end(a, s, n->reason, 0, n->sentence, n->when);
		s = NULL;
	}
	if (up && !s && m)
		begin(a, m->list, n->map, n->seq, n->peer, n->when);
}

/* ---- time --------------------------------------------------------------------------------- */

/* All its SAs are gone and counted, or long enough ago. */
static bool is_complete(const struct acct_session *s, mono_t now)
{
	return !s->n_sas || mono_diff_ms(now, s->ended) >= ACCT_CLOSE_MS;
}

static void forget(struct acct *a, unsigned i)
{
	acct_session_free(a->sessions[i]);
	a->sessions[i] = a->sessions[--a->n_sessions];
}

static mono_t turn_session(struct acct *a, struct acct_session *s, mono_t now)
{
	if (!s->told)
		start_is_told(a, s, now);
	if (a->interim_ms && !mono_before(now, s->next_interim)) {
		tell(a, s, "interim", now);
		s->next_interim = mono_add_ms(now, a->interim_ms);
	}
	return a->interim_ms ? s->next_interim : mono_add_ms(now, ACCT_SAMPLE_MS);
}

static void turn(struct timer *t, mono_t now)
{
	struct acct *a = timer_container(t, struct acct, timer);
	mono_t next = mono_add_ms(now, ACCT_SAMPLE_MS);

	for (unsigned i = 0; i < a->n_sessions; i++)
		if (!a->sessions[i]->told)
			learn(a, a->sessions[i]);
	look(a);
	for (unsigned i = a->n_sessions; i-- > 0;) {
		struct acct_session *s = a->sessions[i];
		mono_t at;

		if (acct_session_is_open(s)) {
			at = turn_session(a, s, now);
		} else if (is_complete(s, now)) {
			tell(a, s, "stop", now);
			forget(a, i);
			continue;
		} else {
			at = mono_add_ms(now, ACCT_SETTLE_MS);
		}
		if (mono_before(at, next))
			next = at;
	}
	keep(a, now);
	if (a->n_sessions)
		soon(a, next);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct acct *acct_new(const struct acct_ports *ports)
{
	struct acct *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->ports = *ports;
	a->started_ms = wall_ms(a);
	timer_init(&a->timer, turn);
	return a;
}

void acct_free(struct acct *a)
{
	if (!a)
		return;
	timer_cancel(a->ports.timers, &a->timer);
	while (a->n_sessions)
		forget(a, 0);
	free(a->sessions);
	free(a->maps);
	free(a);
}

/* For each list once: what it has of before is over. */
static void announce(struct acct *a, const char *type)
{
	for (unsigned i = 0; i < a->n_maps; i++) {
		bool done = false;

		for (unsigned k = 0; k < i; k++)
			done |= !strcmp(a->maps[k].list, a->maps[i].list);
		if (!done)
			give(a, a->maps[i].list, record_of_agent(type, wall_ms(a)));
	}
}

static void take_maps(struct acct *a, const struct config *c)
{
	free(a->maps);
	a->maps = mem_zero(c->n_maps, sizeof(*a->maps));
	a->n_maps = 0;
	for (unsigned i = 0; i < c->n_maps; i++) {
		if (!c->maps[i]->acct)
			continue;
		strcpy(a->maps[a->n_maps].name, c->maps[i]->name);
		strcpy(a->maps[a->n_maps++].list, c->maps[i]->acct->name);
	}
	a->interim_ms = c->acct_update_min * 60000;
}

/* What came up before its map had a list, with this configuration or an earlier one. */
static void begin_all(struct acct *a, mono_t now)
{
	for (unsigned i = 0; i < entries_count(a->ports.entries); i++) {
		const struct acct_map *m;
		struct entry_view v;

		if (entries_view(a->ports.entries, i, now, &v))
			continue;
		m = map_of(a, v.map);
		if (m && v.state == ENTRY_UP && !find_open(a, v.map, v.seq))
			begin(a, m->list, v.map, v.seq, v.current, now);
		entry_view_free(&v);
	}
}

void acct_configure(struct acct *a, const struct config *c, mono_t now)
{
	take_maps(a, c);
	if (!a->announced && a->n_maps)
		announce(a, "on");
	a->announced |= a->n_maps != 0;
	for (unsigned i = 0; i < a->n_sessions; i++) {
		struct acct_session *s = a->sessions[i];
		const struct acct_map *m = map_of(a, s->map);

		if (acct_session_is_open(s) && (!m || strcmp(m->list, s->list)))
			end(a, s, REASON_CONFIG, 0, "its map has another accounting list, or none",
			    now);
		if (acct_session_is_open(s))
			s->next_interim = mono_add_ms(now, a->interim_ms);
	}
	begin_all(a, now);
	if (a->n_sessions)
		soon(a, mono_add_ms(now, ACCT_SETTLE_MS));
}

void acct_orphans(struct acct *a, const json_t *sessions)
{
	json_t *kept;
	size_t i;

	json_array_foreach(sessions, i, kept) {
		json_t *r = record_of_orphan(kept, wall_ms(a));

		if (r)
			give(a, json_string_value(json_object_get(r, "list")), r);
	}
}

void acct_stop(struct acct *a, mono_t now)
{
	for (unsigned i = 0; i < a->n_sessions; i++)
		if (acct_session_is_open(a->sessions[i]))
			end(a, a->sessions[i], REASON_NONE, ACCT_ADMIN_REBOOT, "the agent was stopped",
			    now);
	while (a->n_sessions) {
		tell(a, a->sessions[0], "stop", now);
		forget(a, 0);
	}
	if (a->announced)
		announce(a, "off");
	keep(a, now);
	timer_cancel(a->ports.timers, &a->timer);
}
