/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration comes into force: at a reload as a difference (semantics.md §4.8). */
#include "prefpeerd/entry/manual.h"
#include "prefpeerd/entry/mem.h"
#include "prefpeerd/entry/shell.h"

static peer_key key_of(const struct shell_entry *se, const struct core_entry *e, const char *text)
{
	for (unsigned i = 0; i < e->n_peers; i++) {
		const char *name = shell_peer_name(se, e->peers[i].key);

		if (name && !strcmp(name, text))
			return e->peers[i].key;
	}
	return 0;
}

/* Only what differs from the entry's, which is the global one. */
void shell_set_dpd(struct core_peer *p, const struct ikev2_profile *f)
{
	if (!f || f->dpd.mode == DPD_OFF)
		return;
	p->retry_ms = f->dpd.retry_ms;
	p->interval_ms = f->dpd.interval_ms;
}

/* One that is shut down is none here: as if it had been removed (§4.8). */
static struct core_peer *make_peers(const struct entries *s, const struct shell_entry *se,
				    const struct core_entry *e, const struct map_entry *m)
{
	struct core_peer *list = mem_zero(m->n_peers, sizeof(*list));
	const struct conf_peer *p;

	for (unsigned i = 0; (p = conf_peer_live(m, i)); i++) {
		const struct core_peer *old;

		list[i].key = key_of(se, e, p->text);
		list[i].is_name = p->is_name;
		list[i].dynamic = p->is_dynamic;
		list[i].addr = p->addr;
		old = peer_find(e, list[i].key);
		/* A name that was resolved since keeps its address until it is resolved anew (A21).
		 */
		if (old && !addr_is_set(&list[i].addr))
			list[i].addr = old->addr;
		list[i].remote = shell_remote_id(s, &list[i].addr, p->profile);
		list[i].is_default = p->is_default;
		shell_set_dpd(&list[i], p->profile);
	}
	return list;
}

static const char *line_lacks(const struct config *c, const struct spd_line *l)
{
	const char *why = l->blocked ? conf_entry_incomplete(c, l->entry) : NULL;

	return l->blocked && !why ? "it has no reqid" : why;
}

/* From *at on, where those of the entry begin if it has any (spd.h); *at moves behind them. */
static struct core_line *make_lines(const struct entries *s, const struct map_entry *m, unsigned *at,
				    unsigned *n)
{
	const struct spd *spd = s->spd;
	struct core_line *list = NULL;
	unsigned cap = 0;

	*n = 0;
	while (*at < spd->n_lines && spd->lines[*at]->of_branch)
		++*at;
	for (; *at < spd->n_lines && spd->lines[*at]->entry == m; ++*at) {
		const struct spd_line *l = spd->lines[*at];

		MEM_ROOM(list, *n, cap);
		list[(*n)++] = (struct core_line){
			.reqid = l->reqid,
			.no = l->no,
			.order = *at,
			.sel = l->sel,
			.blocked = line_lacks(s->conf, l),
			.per_host = m->per_host,
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
		se->names[key - 1] = strdup(conf_peer_live(m, i)->text);
	}
}

void shell_set_values(const struct config *c, const struct map_entry *m, struct core_entry *e)
{
	e->family = m->map->family;
	e->idle_home = conf_entry_idle(c, m).home;
	e->answer_ms = m->answer_ms;
	e->retry_ms = c->dpd.mode == DPD_OFF ? 0 : c->dpd.retry_ms;
	e->interval_ms = c->dpd.mode == DPD_OFF ? 0 : c->dpd.interval_ms;
}

static void configure_ike(struct entries *s, const struct map_entry *m, unsigned *line)
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
		se = shell_entry_add(s, m);
	se->conf = m;
	e = core_entry(&s->core, se->id);
	shell_set_values(s->conf, m, e);
	peers = make_peers(s, se, e, m);
	lines = make_lines(s, m, line, &n_lines);
	if (is_new)
		core_entry_init(&r, e, peers, conf_peers_live(m), lines, n_lines);
	else
		core_edit(&r, e, peers, conf_peers_live(m), lines, n_lines);
	act_children_change(s, e, m);
	remember_names(se, e, m);
	free(peers);
	free(lines);
}

static void configure_entry(struct entries *s, const struct map_entry *m, unsigned *line)
{
	if (m->manual)
		manual_configure(s, m, line);
	else
		configure_ike(s, m, line);
}

/* It goes on in @c, and is still one of IKE. */
static bool goes_on(const struct shell_entry *se, const struct config *c)
{
	const struct map_entry *m = conf_find_entry(c, se->map, se->seq);

	return m && !m->manual;
}

/* While their configuration still exists, for the notes name it. */
static void remove_entries(struct entries *s, const struct config *c)
{
	const struct core_env env = shell_env(s);
	struct run r = {&s->core, &env, &s->out};

	for (unsigned i = s->n_list; i-- > 0;) {
		struct shell_entry *se = s->list[i];
		struct core_entry *e = core_entry(&s->core, se->id);

		if (se->branch ? branch_moved_on(se) : goes_on(se, c))
			continue;
		core_remove(&r, e);
		act_all(s);
		branch_lines_gone(s, e);
		core_drop(&s->core, e);
		shell_entry_remove(s, i);
	}
}

/* Peers and lines are what the branches brought; §4.8: values hold for SAs to come. */
static void configure_branches(struct entries *s)
{
	for (unsigned i = 0; i < s->n_list; i++)
		if (s->list[i]->branch)
			shell_set_values(s->conf, s->list[i]->conf,
					 core_entry(&s->core, s->list[i]->id));
}

int entries_configure(struct entries *s, const struct config *c, struct spd *spd, mono_t now)
{
	bool first = !s->conf;
	unsigned line = 0;

	s->now = now;
	s->spd = spd;
	s->configuring = true;
	if (!first) {
		remove_entries(s, c);
		manuals_remove(s, c);
	}
	s->conf = c;
	act_settings_put(s);
	remotes_want(s, c);
	for (unsigned i = 0; i < c->n_maps; i++)
		for (unsigned j = 0; j < c->maps[i]->n_entries; j++)
			configure_entry(s, c->maps[i]->entries[j], &line);
	configure_branches(s);
	rules_replace(s);
	manuals_claim(s);
	if (first)
		takeover_adopt(s);
	remotes_keep_resolved(s);
	s->configuring = false;
	s->routes_known = false;
	act_all(s);
	act_remotes_drop(s);
	return 0;
}

/* Where a line that is not known yet begins: P[0], or the first that can be reached. */
static void prepare_new(struct entries *s, const struct map_entry *m, struct spd_line *l)
{
	const struct addr *to = NULL, unknown = {0};
	const struct conf_peer *p;
	bool named = false;

	for (unsigned i = 0; (p = conf_peer_live(m, i)); i++) {
		named |= p->is_name;
		if (!addr_is_set(&p->addr))
			continue;
		to = to ? to : &p->addr;
		if (!act_local(s, m, &p->addr, &l->local, NULL)) {
			l->peer = *to;
			return;
		}
	}
	l->peer = lookup_nowhere(m->map->family);
	if (!named || act_local(s, m, &unknown, &l->local, NULL))
		l->local = l->peer = (struct addr){0};
}

/* §4.8: a pair stays what it is, and so do the templates, until another is up. */
static void prepare_kind(const struct entries *s, const struct core_entry *e, struct spd_line *l)
{
	const struct core_child *ch = e ? line_child(e, l->reqid) : NULL;

	if (ch)
		l->kind = ch->kind;
	else
		takeover_kind(s, l->reqid, &l->kind);
}

static void prepare_line(struct entries *s, const struct core_env *env, const struct spd *spd,
			 struct spd_line *l)
{
	const struct shell_entry *se = shell_find(s, l->map, l->seq);
	const struct core_entry *e = se ? core_entry(&s->core, se->id) : NULL;
	const struct core_line *known = e ? core_line(e, l->reqid) : NULL;

	prepare_kind(s, e, l);
	if (l->blocked || l->of_branch)
		return;
	if (l->entry->manual) {
		manual_prepare(s, l);
		return;
	}
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
