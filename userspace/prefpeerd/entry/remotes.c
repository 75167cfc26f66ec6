/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine must know of the peers, and the module: one remote per address, rules per line. */
#include "prefpeerd/entry/mem.h"
#include "prefpeerd/entry/shell.h"

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
void remote_want(struct entries *s, const struct config *c, const struct addr *peer)
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

void remotes_want(struct entries *s, const struct config *c)
{
	for (unsigned i = 0; i < s->n_remotes; i++)
		s->remotes[i].wanted = false;
	for (unsigned i = 0; i < c->n_maps; i++)
		for (unsigned j = 0; j < c->maps[i]->n_entries; j++) {
			const struct map_entry *m = c->maps[i]->entries[j];

			for (unsigned k = 0; k < m->n_peers; k++)
				remote_want(s, c, &m->peers[k].addr);
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

void rules_replace(struct entries *s)
{
	struct kernel_rule *list = NULL;
	unsigned n = 0, cap = 0;

	for (unsigned i = 0; i < s->spd->n_lines; i++)
		add_rules(s, s->spd->lines[i], &list, &n, &cap);
	act_rules_replace(s, list, n);
}

/* Names that were resolved are not in the file: their remotes stay too. */
void remotes_keep_resolved(struct entries *s)
{
	for (unsigned i = 0; i < s->core.n_entries; i++)
		for (unsigned j = 0; j < s->core.entries[i]->n_peers; j++)
			remote_want(s, s->conf, &s->core.entries[i]->peers[j].addr);
	act_remotes_put(s);
}

/* Addresses that no peer has any more, and no IKE SA: a dynamic name leaves one behind each time. */
static void remotes_forget(struct entries *s)
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
		remote_want(s, s->conf, &a->addr);
		act_remotes_put(s);
		remote = shell_remote_id(s, &a->addr);
	}
	core_name_answered(&t.r, query, a, remote);
	act_all(s);
	remotes_forget(s);
	rules_replace(s);
}
