/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `map show` and `session show` read. Nothing here changes anything. */
#include "prefpeerd/entry/manual.h"
#include "prefpeerd/entry/mem.h"
#include "prefpeerd/entry/shell.h"

static int walk_steps_to(const struct core_entry *e, peer_key key)
{
	int at = e->state == ENTRY_WALK ? walk_index(e, key) : -1;

	return at >= (int)e->pos ? at - (int)e->pos : -1;
}

static struct entry_peer_view view_peer(const struct shell_entry *se, const struct core_entry *e,
					const struct core_peer *p, mono_t now)
{
	struct entry_peer_view v = {
		.text = shell_peer_name(se, p->key),
		.addr = p->addr,
		.is_name = p->is_name,
		.is_dynamic = p->dynamic,
		.resolving = p->name == NAME_ASKED,
		.ttl_ms = lookup_ttl_ms(p, now),
		.trust = p->trust,
		.is_default = p->is_default,
		.is_current = p->key == e->c,
		.is_trying = p->key == walk_peer(e),
		.is_next = p->key == peer_next(e),
		.walk_at = walk_steps_to(e, p->key),
		.last = p->last,
		.last_at = p->last_at,
		.heard = p->heard,
		.rtt_us = p->rtt_us,
		.answer_ms = attempt_answer_ms(e, p),
		.finish_ms = attempt_finish_ms(e, p),
	};

	if (p->last != REASON_NONE)
		say_cause(&p->last_cause, p->last_text, NULL, v.last_text, sizeof(v.last_text));
	return v;
}

static void add_pair(const struct entry_pair_view *p, struct entry_line_view *v)
{
	v->n_pairs++;
	v->local = p->local;
	v->peer = p->peer;
	v->spi_in = p->spi_in;
	v->spi_out = p->spi_out;
	v->since = p->since;
	v->narrowed |= !selector_equal(&p->sel, &v->sel);
	v->idle_now_ms = p->idle_now_ms;
	v->bytes_in += p->bytes_in;
	v->bytes_out += p->bytes_out;
	v->packets_in += p->packets_in;
	v->packets_out += p->packets_out;
}

static struct entry_line_view view_line(const struct core_line *l, const struct entry_view *of)
{
	struct entry_line_view v = {
		.no = l->no,
		.reqid = l->reqid,
		.sel = l->sel,
		.blocked = l->blocked,
		.wanted = l->want,
		.in_setup = l->setup != 0,
		.backoff_until = l->backoff_at,
		.idle_now_ms = -1,
	};

	snprintf(v.backoff_text, sizeof(v.backoff_text), "%s", l->backoff_text);
	for (unsigned i = 0; i < of->n_pairs; i++)
		if (of->pairs[i].line == l->no)
			add_pair(&of->pairs[i], &v);
	return v;
}

/* The longest Answer of those who are asked after the current peer and the default. */
static uint32_t view_further_ms(const struct core_entry *e)
{
	uint32_t most = 0;

	for (unsigned i = entry_has_default(e); i < e->n_peers; i++) {
		uint32_t ms = attempt_answer_ms(e, &e->peers[i]);

		if (e->peers[i].key != e->c && ms > most)
			most = ms;
	}
	return most;
}

/*
 * End of §10: INTERVAL + 6R (and looks) to notice, the default silent, set-up left out. The
 * default has the short budget only where its own death is what ends the connection.
 */
static void view_failover(const struct core_entry *e, struct entry_view *v)
{
	if (v->dpd.mode == DPD_OFF)
		return;
	v->dpd_budget_ms = entry_dpd_budget_ms(e);
	v->notice_ms = conf_dpd_notice_ms(&v->dpd, v->dpd_budget_ms);
	if (entry_has_default(e))
		v->retry_default_ms = e->c == e->peers[0].key ? attempt_dead_ms(e, &e->peers[0]) :
								attempt_answer_ms(e, &e->peers[0]);
	v->further_ms = e->n_peers > 2 ? view_further_ms(e) : 0;
	v->failover_ms = v->notice_ms + v->retry_default_ms;
}

/* Of the step that failed on the way here; the peer that is tried now is another. */
static const char *why_about(const struct shell_entry *se, const struct core_entry *e)
{
	bool says_itself = e->why.reason == REASON_NO_LOCAL || e->why.reason == REASON_SHARED;

	if (e->state == ENTRY_BACKOFF || (e->state == ENTRY_WALK && !says_itself))
		return shell_peer_name(se, e->why_peer);
	return NULL;
}

static void view_incomplete(const struct entries *s, const struct map_entry *m,
			    struct entry_view *v)
{
	v->incomplete = conf_entry_inert(m);
	if (v->incomplete)
		return;
	v->incomplete = conf_entry_incomplete(s->conf, m);
	v->blocks = v->incomplete;
}

static void view_state(const struct entries *s, const struct shell_entry *se,
		       const struct core_entry *e, struct entry_view *v)
{
	const struct core_conn *conn = core_conn(&s->core, e->conn ? e->conn : e->at.conn);

	v->map = se->map;
	v->conf = se->conf;
	v->seq = se->seq;
	v->state = e->state;
	v->since = e->since;
	v->reason = e->why.reason;
	say_cause(&e->why, e->why_text, why_about(se, e), v->sentence, sizeof(v->sentence));
	v->current = shell_peer_name(se, e->c);
	v->trying = shell_peer_name(se, walk_peer(e));
	v->next = e->next;
	v->next_peer = shell_peer_name(se, peer_next(e));
	v->backoff_until = e->backoff_at;
	v->backoff_k = e->k;
	v->conn = conn ? conn->id : 0;
	if (conn)
		v->local = conn->local;
	v->idle = conf_entry_idle(s->conf, se->conf);
	v->dpd = *conf_dpd(s->conf, shell_peer_profile(s, e, e->c));
	v->is_template = se->conf->dynamic;
	v->engine_ready = s->core.ready;
	v->draining = s->core.draining;
	v->n_held = e->n_holds;
	v->dead = shell_peer_name(se, e->dead);
	v->branch_of = se->branch ? se->branch->of_seq : 0;
	v->template_seq = se->branch ? se->branch->template_seq : 0;
	v->identity = se->branch ? &se->branch->id : NULL;
	if (!se->branch && !se->conf->dynamic)
		view_incomplete(s, se->conf, v);
	if (se->conf->dynamic)
		snprintf(v->sentence, sizeof(v->sentence),
			 "dynamic map %s: branches that call are entries of their own",
			 se->conf->dynamic_name);
}

/* What asked for the tunnel that is being set up. */
static void view_why_asked(struct entry_view *v)
{
	size_t n = strlen(v->sentence);

	if (v->state == ENTRY_WALK && v->reason == REASON_ACQUIRE)
		snprintf(v->sentence + n, sizeof(v->sentence) - n, " asked for it");
}

/* Which peer, and why this one: the SPIs are said by the lines. */
static void view_why_up(struct entry_view *v)
{
	const struct entry_peer_view *first = v->n_peers ? &v->peers[0] : NULL;

	if (v->state != ENTRY_UP || !first)
		return;
	if (v->reason == REASON_INBOUND)
		snprintf(v->sentence, sizeof(v->sentence), "it called us%s",
			 first->is_current && first->is_default ? "; it is the default peer" : "");
	else if (v->reason != REASON_CHILD_UP)
		return;
	else if (first->is_current)
		snprintf(v->sentence, sizeof(v->sentence), "%s answered",
			 first->is_default ? "the default peer" : "the first of the list");
	else if (first->last_text[0])
		snprintf(v->sentence, sizeof(v->sentence), "it answered; %.60s: %.120s", first->text,
			 first->last_text);
	else
		snprintf(v->sentence, sizeof(v->sentence), "it answered");
}

/* @why: of the peer that is next, if it is the same with all others. */
static bool has_local(const struct entries *s, const struct map_entry *conf,
		      const struct core_entry *e, char *why, size_t size)
{
	char other[CORE_TEXT_MAX] = "";
	struct addr local;

	for (unsigned i = 0; i < e->n_peers; i++) {
		const struct core_peer *p = &e->peers[i];
		bool next = p->key == peer_next(e);

		if (!s->ports.local_addr(s->ports.ctx, conf, &p->addr, &local, next ? why : other,
					 next ? size : sizeof(other)))
			return true;
	}
	return false;
}

/* Without an address no packet asks for anything: it would be down without a word. */
static void view_why_not(const struct entries *s, const struct map_entry *conf,
			 const struct core_entry *e, struct entry_view *v)
{
	size_t n = v->reason == REASON_START ? 0 : strlen(v->sentence);

	v->reachable = v->state == ENTRY_UP || !e->n_peers ||
		       has_local(s, conf, e, v->no_way, sizeof(v->no_way));
	if (v->reachable || v->state != ENTRY_DOWN || v->reason == REASON_LOCAL_GONE)
		return;
	snprintf(v->sentence + n, sizeof(v->sentence) - n, "%s%s%s", n ? "; " : "",
		 e->n_peers > 1 ? "no peer can be reached from here: " : "", v->no_way);
}

/* A map on several interfaces: by which of them it is up. */
static void view_why_local(const struct map *m, struct entry_view *v)
{
	size_t n = strlen(v->sentence);
	char local[ADDR_STRLEN];

	if (v->state == ENTRY_UP && m->n_interfaces > 1 && addr_is_set(&v->local))
		snprintf(v->sentence + n, sizeof(v->sentence) - n, "; local address %s",
			 addr_print(&v->local, local, sizeof(local)));
}

int entries_view(struct entries *s, unsigned i, mono_t now, struct entry_view *v)
{
	const struct manual *m = manual_at(s, &i);
	const struct core_entry *e;

	s->now = now;
	if (m)
		return manual_view(s, m, v);
	e = i < s->n_list ? core_entry(&s->core, s->list[i]->id) : NULL;
	if (!e)
		return -ENOENT;
	*v = (struct entry_view){.idle_now_ms = -1};
	v->peers = calloc(e->n_peers ? e->n_peers : 1, sizeof(*v->peers));
	v->lines = calloc(e->n_lines ? e->n_lines : 1, sizeof(*v->lines));
	v->pairs = calloc(e->n_children ? e->n_children : 1, sizeof(*v->pairs));
	if (!v->peers || !v->lines || !v->pairs) {
		entry_view_free(v);
		return -ENOMEM;
	}
	view_state(s, s->list[i], e, v);
	view_failover(e, v);
	for (unsigned j = 0; j < e->n_peers; j++)
		v->peers[v->n_peers++] = view_peer(s->list[i], e, &e->peers[j], now);
	view_pairs(s, e, v);
	for (unsigned j = 0; j < e->n_lines; j++) {
		struct entry_line_view *l = &v->lines[v->n_lines++];

		*l = view_line(&e->lines[j], v);
		if (l->idle_now_ms >= 0 && (v->idle_now_ms < 0 || l->idle_now_ms < v->idle_now_ms))
			v->idle_now_ms = l->idle_now_ms;
	}
	view_why_asked(v);
	view_why_up(v);
	view_why_local(s->list[i]->conf->map, v);
	view_why_not(s, s->list[i]->conf, e, v);
	return 0;
}

void entry_view_free(struct entry_view *v)
{
	free(v->peers);
	free(v->lines);
	free(v->pairs);
	v->peers = NULL;
	v->lines = NULL;
	v->pairs = NULL;
	v->n_peers = v->n_lines = v->n_pairs = 0;
}

static unsigned children_on(const struct core *c, conn_id id)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_entries; i++)
		for (unsigned j = 0; j < c->entries[i]->n_children; j++)
			n += c->entries[i]->children[j].conn == id &&
			     c->entries[i]->children[j].state == CHILD_LIVE;
	return n;
}

void entries_each_session(struct entries *s, entry_session_fn fn, void *ctx)
{
	const struct engine *eng = s->ports.engine;

	manuals_each_session(s, fn, ctx);
	for (unsigned i = 0; i < s->core.n_conns; i++) {
		const struct core_conn *k = &s->core.conns[i];
		struct entry_session v = {
			.conn = k->id,
			.local = k->local,
			.peer = k->peer,
			.established = k->state == CONN_UP,
			.closing = k->state == CONN_CLOSING,
			.n_entries = conn_users(&s->core, k->id, NULL),
			.n_children = children_on(&s->core, k->id),
		};

		if (eng->ops->conn_info(eng->impl, k->id, &v.info))
			v.info = (struct engine_conn_info){0};
		fn(ctx, &v);
	}
}
