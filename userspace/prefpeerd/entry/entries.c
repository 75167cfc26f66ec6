/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries as a whole: their making, their configuration and its changes. */
#include "lib/log.h"
#include "prefpeerd/entry/mem.h"
#include "prefpeerd/entry/shell.h"

struct entries *entries_new(const struct entry_ports *ports)
{
	struct entries *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ports = *ports;
	verdicts_init(s);
	return s;
}

static void shell_entry_free(struct shell_entry *se)
{
	HASH_DEL(se->owner->by_id, se);
	timer_cancel(se->owner->ports.timers, &se->timer);
	for (unsigned i = 0; i < se->n_names; i++)
		free(se->names[i]);
	free(se->names);
	free(se);
}

void entries_free(struct entries *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n_list; i++)
		shell_entry_free(s->list[i]);
	core_fini(&s->core);
	free(s->list);
	free(s->remotes);
	free(s->rules);
	free(s->orphans);
	free(s->larvals);
	free(s->failed);
	verdicts_fini(s);
	free(s->out.list);
	free(s);
}

struct shell_entry *shell_entry(const struct entries *s, uint32_t id)
{
	struct shell_entry *se;

	HASH_FIND(hh, s->by_id, &id, sizeof(id), se);
	return se;
}

static int compare(const struct shell_entry *se, const char *map, unsigned seq)
{
	int c = strcmp(se->map, map);

	return c ? c : (int)se->seq - (int)seq;
}

/* Where it stands in the list, or would. */
static unsigned place_of(const struct entries *s, const char *map, unsigned seq)
{
	unsigned lo = 0, hi = s->n_list;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (compare(s->list[mid], map, seq) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct shell_entry *shell_find(const struct entries *s, const char *map, unsigned seq)
{
	unsigned at = place_of(s, map, seq);

	return at < s->n_list && !compare(s->list[at], map, seq) ? s->list[at] : NULL;
}

const char *shell_peer_name(const struct shell_entry *se, peer_key key)
{
	return key && key <= se->n_names ? se->names[key - 1] : NULL;
}

struct core_line *shell_line(const struct entries *s, uint32_t reqid, struct core_entry **e)
{
	for (unsigned i = 0; i < s->core.n_entries; i++) {
		struct core_line *l = core_line(s->core.entries[i], reqid);

		if (l) {
			*e = s->core.entries[i];
			return l;
		}
	}
	return NULL;
}

static struct shell_remote *find_remote(const struct entries *s, const struct addr *peer)
{
	for (unsigned i = 0; addr_is_set(peer) && i < s->n_remotes; i++)
		if (addr_equal(&s->remotes[i].r.peer, peer))
			return &s->remotes[i];
	return NULL;
}

remote_id shell_remote_id(const struct entries *s, const struct addr *peer)
{
	const struct shell_remote *r = find_remote(s, peer);

	return r ? r->r.id : 0;
}

/* One remote per address: key, identity and DPD follow from the address (§14.5). */
static void want_remote(struct entries *s, const struct config *c, const struct addr *peer)
{
	const struct psk *psk = addr_is_set(peer) ? conf_psk(c, peer) : NULL;
	struct shell_remote *r = find_remote(s, peer);

	if (!psk)
		return;
	if (!r) {
		MEM_ROOM(s->remotes, s->n_remotes, s->cap_remotes);
		r = &s->remotes[s->n_remotes++];
		*r = (struct shell_remote){.r.id = ++s->last_remote, .r.peer = *peer};
	}
	r->wanted = true;
	r->r.remote_id = psk->identity;
	r->r.psk = psk->secret;
	r->r.psk_len = psk->secret_len;
	r->r.dpd = c->dpd;
}

static void want_remotes(struct entries *s, const struct config *c)
{
	for (unsigned i = 0; i < s->n_remotes; i++)
		s->remotes[i].wanted = false;
	for (unsigned i = 0; i < c->n_maps; i++)
		for (unsigned j = 0; j < c->maps[i]->n_entries; j++) {
			const struct map_entry *m = c->maps[i]->entries[j];

			for (unsigned k = 0; k < m->n_peers; k++)
				want_remote(s, c, &m->peers[k].addr);
		}
	act_remotes_put(s);
}

/* T of the entry; W is on-demand DPD's trigger, periodic DPD reads the clocks itself (§3.2). */
static void add_rules(const struct entries *s, const struct spd_line *l, struct kernel_rule **list,
		      unsigned *n, unsigned *cap)
{
	const struct map_entry *m = l->entry;
	const struct shell_entry *se = shell_find(s, l->map, l->seq);
	const struct core_entry *e = se ? core_entry(&s->core, se->id) : NULL;

	for (unsigned i = 0; e && !l->blocked && i < e->n_peers; i++) {
		struct kernel_rule rule = {
			.peer = e->peers[i].addr,
			.reqid = l->reqid,
			.seq = l->seq,
			.index = i,
			.is_default = e->peers[i].is_default,
			.idle_ms = conf_entry_idle(s->conf, m).ms,
			.one_way_ms =
				s->conf->dpd.mode == DPD_ON_DEMAND ? s->conf->dpd.interval_ms : 0,
		};

		if (!addr_is_set(&rule.peer))
			continue;
		snprintf(rule.map, sizeof(rule.map), "%s", l->map);
		MEM_ROOM(*list, *n, *cap);
		(*list)[(*n)++] = rule;
	}
}

static void replace_rules(struct entries *s)
{
	struct kernel_rule *list = NULL;
	unsigned n = 0, cap = 0;

	for (unsigned i = 0; i < s->spd->n_lines; i++)
		add_rules(s, s->spd->lines[i], &list, &n, &cap);
	act_rules_replace(s, list, n);
}

static peer_key key_of(const struct shell_entry *se, const struct core_entry *e, const char *text)
{
	for (unsigned i = 0; i < e->n_peers; i++) {
		const char *name = shell_peer_name(se, e->peers[i].key);

		if (name && !strcmp(name, text))
			return e->peers[i].key;
	}
	return 0;
}

static struct core_peer *make_peers(const struct entries *s, const struct shell_entry *se,
				    const struct core_entry *e, const struct map_entry *m)
{
	struct core_peer *list = mem_zero(m->n_peers, sizeof(*list));

	for (unsigned i = 0; i < m->n_peers; i++) {
		const struct core_peer *old;

		list[i].key = key_of(se, e, m->peers[i].text);
		list[i].is_name = m->peers[i].is_name;
		list[i].dynamic = m->peers[i].is_dynamic;
		list[i].addr = m->peers[i].addr;
		old = peer_find(e, list[i].key);
		/* A name that was resolved since keeps its address until it is resolved anew (A21).
		 */
		if (old && !addr_is_set(&list[i].addr))
			list[i].addr = old->addr;
		list[i].remote = shell_remote_id(s, &list[i].addr);
		list[i].is_default = m->peers[i].is_default;
	}
	return list;
}

/* From *at on, where those of the entry begin if it has any (spd.h); *at moves behind them. */
static struct core_line *make_lines(const struct spd *spd, const struct map_entry *m, unsigned *at,
				    unsigned *n)
{
	struct core_line *list = NULL;
	unsigned cap = 0;

	*n = 0;
	for (; *at < spd->n_lines && spd->lines[*at]->entry == m; ++*at) {
		const struct spd_line *l = spd->lines[*at];

		MEM_ROOM(list, *n, cap);
		list[(*n)++] = (struct core_line){
			.reqid = l->reqid,
			.no = l->no,
			.order = *at,
			.sel = l->sel,
			.blocked = l->blocked,
			.local = l->local,
			.peer = l->peer,
		};
	}
	return list;
}

static void remember_names(struct shell_entry *se, const struct core_entry *e,
			   const struct map_entry *m)
{
	for (unsigned i = 0; i < e->n_peers; i++) {
		peer_key key = e->peers[i].key;

		if (key <= se->n_names)
			continue;
		se->names = mem_resize(se->names, key, sizeof(*se->names));
		while (se->n_names < key)
			se->names[se->n_names++] = NULL;
		se->names[key - 1] = strdup(m->peers[i].text);
	}
}

static void set_values(const struct config *c, const struct map_entry *m, struct core_entry *e)
{
	e->family = m->map->family;
	e->idle_home = conf_entry_idle(c, m).home;
	e->answer_ms = m->answer_ms;
	e->retry_ms = c->dpd.mode == DPD_OFF ? 0 : c->dpd.retry_ms;
	e->interval_ms = c->dpd.mode == DPD_OFF ? 0 : c->dpd.interval_ms;
}

static struct shell_entry *add_entry(struct entries *s, const struct map_entry *m)
{
	struct shell_entry *se = mem_zero(1, sizeof(*se));
	unsigned at = place_of(s, m->map->name, m->seq);

	se->owner = s;
	snprintf(se->map, sizeof(se->map), "%s", m->map->name);
	se->seq = m->seq;
	se->id = core_entry_new(&s->core)->id;
	HASH_ADD(hh, s->by_id, id, sizeof(se->id), se);
	s->list = mem_resize(s->list, s->n_list + 1, sizeof(*s->list));
	memmove(&s->list[at + 1], &s->list[at], (s->n_list++ - at) * sizeof(*s->list));
	s->list[at] = se;
	return se;
}

static void configure_entry(struct entries *s, const struct map_entry *m, unsigned *line)
{
	struct shell_entry *se = shell_find(s, m->map->name, m->seq);
	const struct core_env env = shell_env(s);
	struct run r = {&s->core, &env, &s->out};
	bool is_new = !se;
	struct core_entry *e;
	struct core_peer *peers;
	struct core_line *lines;
	unsigned n_lines;

	if (is_new)
		se = add_entry(s, m);
	se->conf = m;
	e = core_entry(&s->core, se->id);
	set_values(s->conf, m, e);
	peers = make_peers(s, se, e, m);
	lines = make_lines(s->spd, m, line, &n_lines);
	if (is_new)
		core_entry_init(&r, e, peers, m->n_peers, lines, n_lines);
	else
		core_edit(&r, e, peers, m->n_peers, lines, n_lines);
	remember_names(se, e, m);
	free(peers);
	free(lines);
}

/* While their configuration still exists, for the notes name it. */
static void remove_entries(struct entries *s, const struct config *c)
{
	const struct core_env env = shell_env(s);
	struct run r = {&s->core, &env, &s->out};

	for (unsigned i = s->n_list; i-- > 0;) {
		struct shell_entry *se = s->list[i];
		struct core_entry *e = core_entry(&s->core, se->id);

		if (conf_find_entry(c, se->map, se->seq))
			continue;
		core_remove(&r, e);
		act_all(s);
		core_drop(&s->core, e);
		shell_entry_free(se);
		memmove(&s->list[i], &s->list[i + 1], (--s->n_list - i) * sizeof(*s->list));
	}
}

/* Names that were resolved are not in the file: their remotes stay too. */
static void keep_resolved(struct entries *s)
{
	for (unsigned i = 0; i < s->core.n_entries; i++)
		for (unsigned j = 0; j < s->core.entries[i]->n_peers; j++)
			want_remote(s, s->conf, &s->core.entries[i]->peers[j].addr);
	act_remotes_put(s);
}

int entries_configure(struct entries *s, const struct config *c, struct spd *spd, mono_t now)
{
	bool first = !s->conf;
	unsigned line = 0;

	s->now = now;
	s->spd = spd;
	if (!first)
		remove_entries(s, c);
	s->conf = c;
	act_settings_put(s);
	want_remotes(s, c);
	for (unsigned i = 0; i < c->n_maps; i++)
		for (unsigned j = 0; j < c->maps[i]->n_entries; j++)
			configure_entry(s, c->maps[i]->entries[j], &line);
	replace_rules(s);
	if (first)
		takeover_adopt(s);
	keep_resolved(s);
	act_all(s);
	act_remotes_drop(s);
	return 0;
}

/* Where a line that is not known yet begins: P[0], or the first that can be reached. */
static void prepare_new(struct entries *s, const struct map_entry *m, struct spd_line *l)
{
	const struct addr *to = NULL, unknown = {0};
	bool named = false;

	for (unsigned i = 0; i < m->n_peers; i++) {
		named |= m->peers[i].is_name;
		if (!addr_is_set(&m->peers[i].addr))
			continue;
		to = to ? to : &m->peers[i].addr;
		if (!act_local(s, m, &m->peers[i].addr, &l->local, NULL)) {
			l->peer = *to;
			return;
		}
	}
	l->peer = lookup_nowhere(m->map->family);
	if (!named || act_local(s, m, &unknown, &l->local, NULL))
		l->local = l->peer = (struct addr){0};
}

static void prepare_line(struct entries *s, const struct core_env *env, const struct spd *spd,
			 struct spd_line *l)
{
	const struct shell_entry *se = shell_find(s, l->map, l->seq);
	const struct core_entry *e = se ? core_entry(&s->core, se->id) : NULL;
	const struct core_line *known = e ? core_line(e, l->reqid) : NULL;

	if (l->blocked)
		return;
	if (!known && e && e->n_lines)
		known = &e->lines[0];
	if (known && addr_is_set(&known->peer)) {
		l->local = known->local;
		l->peer = known->peer;
	} else if (e && e->n_peers && !entry_template(env, e, &l->local, &l->peer)) {
		return;
	} else if (!takeover_peer(s, l->entry, spd, &l->local, &l->peer)) {
		prepare_new(s, l->entry, l);
	}
}

int entries_prepare(struct entries *s, const struct config *c, struct spd *spd, mono_t now)
{
	struct core_env env;
	int err;

	s->now = now;
	env = shell_env(s);
	err = takeover_scan(s);
	if (err)
		return err;
	for (unsigned i = 0; i < spd->n_lines; i++)
		prepare_line(s, &env, spd, spd->lines[i]);
	return 0;
}

/* Addresses that no peer has any more, and no IKE SA: a dynamic name leaves one behind each time. */
static void forget_remotes(struct entries *s)
{
	for (unsigned i = 0; i < s->n_remotes; i++) {
		struct shell_remote *r = &s->remotes[i];

		r->wanted = false;
		for (unsigned j = 0; j < s->core.n_entries; j++)
			for (unsigned k = 0; k < s->core.entries[j]->n_peers; k++)
				r->wanted |= s->core.entries[j]->peers[k].remote == r->r.id;
		for (unsigned j = 0; j < s->core.n_conns; j++)
			r->wanted |= s->core.conns[j].remote == r->r.id;
	}
	act_remotes_drop(s);
}

void entries_answered(struct entries *s, uint32_t query, const struct name_answer *a, mono_t now)
{
	remote_id remote = 0;
	struct step t;

	if (!s->conf)
		return;
	step_begin(&t, s, now);
	if (a->result == NAME_ADDR) {
		want_remote(s, s->conf, &a->addr);
		act_remotes_put(s);
		remote = shell_remote_id(s, &a->addr);
	}
	core_name_answered(&t.r, query, a, remote);
	act_all(s);
	forget_remotes(s);
	replace_rules(s);
}
