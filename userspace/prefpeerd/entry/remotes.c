/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine must know of the peers, and the module: one remote per address and profile, rules per line. */
#include "prefpeerd/entry/mem.h"
#include "prefpeerd/entry/shell.h"

static struct shell_remote *find_remote(const struct entries *s, const struct addr *peer,
					const struct ikev2_profile *profile)
{
	const char *name = profile ? profile->name : "";

	for (unsigned i = 0; addr_is_set(peer) && i < s->n_remotes; i++)
		if (!s->remotes[i].r.any && addr_equal(&s->remotes[i].r.peer, peer) && !strcmp(s->remotes[i].profile, name))
			return &s->remotes[i];
	return NULL;
}

remote_id shell_remote_id(const struct entries *s, const struct addr *peer,
			  const struct ikev2_profile *profile)
{
	const struct shell_remote *r = find_remote(s, peer, profile);

	return r ? r->r.id : 0;
}

/* Without a profile key and identity follow from the address (§14.5). */
static bool set_by_address(struct engine_remote *r, const struct psk *psk)
{
	if (!psk)
		return false;
	r->remote_id = psk->identity;
	r->psk = psk->key.bytes;
	r->psk_len = psk->key.len;
	r->psk_theirs = (struct chunk){ psk->theirs.bytes, psk->theirs.len };
	r->psk_next = (struct chunk){ psk->next.bytes, psk->next.len };
	r->broken = psk->key.broken	? psk->key.broken :
		    psk->theirs.broken ? psk->theirs.broken :
					 psk->next.broken;
	/* While somebody types: ours is not to do for the peer's. */
	if (psk->one_way && !conf_secret_is_set(&psk->theirs))
		r->broken = "its pre-shared key of one direction is missing";
	return true;
}

static void set_own(struct engine_remote *r, const struct ikev2_profile *f)
{
	const struct trustpoint *t = conf_profile_signer(f);

	r->local_id = f->local;
	if (!(f->auth_local & ~AUTH_BY_PSK))
		return;
	r->pkcs1 = f->pkcs1;
	r->cert_if_asked = f->cert_if_asked;
	r->own = t ? t->own : NULL;
	if (!r->broken)
		r->broken = t ? t->broken : "it has no certificate of ours";
	/* As IOS: with a certificate, its subject is who we are, unless something else is said. */
	if (r->own && r->local_id.type == IKE_ID_NONE)
		pki_own_subject(r->own, &r->local_id);
}

static void set_trust(struct engine_remote *r, const struct ikev2_profile *f)
{
	r->remote_auth = f->auth_remote;
	r->cert_map = f->cert_map;
	/* Typed, and not there (yet): nobody passes. */
	if (*f->cert_map_name && !f->cert_map && !r->broken)
		r->broken = "its certificate map does not exist";
	if (!(f->auth_remote & ~AUTH_BY_PSK))
		return;
	for (unsigned i = 0; i < f->n_uses; i++) {
		const struct trustpoint *t = f->uses[i].trustpoint;

		if (!f->uses[i].verify || !t->ca.path)
			continue;
		if (t->trust)
			r->trust[r->n_trust++] = t->trust;
		else if (!r->broken)
			r->broken = t->broken;
	}
}

/* The keyring's identity is this very peer's, the profile's are those of all that it is for. */
static bool set_by_profile(struct engine_remote *r, const struct ikev2_profile *f,
			   const struct psk *psk)
{
	if ((f->auth_local | f->auth_remote) & AUTH_BY_PSK && (!psk || !conf_secret_is_set(&psk->key)))
		return false;
	if (psk)
		set_by_address(r, psk);
	if (r->remote_id.type == IKE_ID_NONE && f->n_remotes == 1 && !f->remotes[0].domain) {
		r->remote_id = f->remotes[0].id;
	} else if (r->remote_id.type == IKE_ID_NONE) {
		r->ids = f->remotes;
		r->n_ids = f->n_remotes;
	}
	set_own(r, f);
	set_trust(r, f);
	return true;
}

void remote_want(struct entries *s, const struct config *c, const char *name,
		 const struct addr *peer, const struct ikev2_profile *profile)
{
	struct engine_remote fresh = {
		.peer = *peer,
		.dpd = *conf_dpd(c, profile),
		.nat_keepalive_s = conf_nat_keepalive(c, profile),
		.contact_forced = profile && profile->contact_forced,
		.lifetime_s = profile && profile->lifetime_s ? profile->lifetime_s :
							       c->ike_lifetime_s,
	};
	struct shell_remote *r = find_remote(s, peer, profile);

	if (!addr_is_set(peer) ||
	    !(profile ? set_by_profile(&fresh, profile, conf_profile_psk(c, profile, name, peer)) :
			set_by_address(&fresh, conf_psk(c, name, peer))))
		return;
	if (!r) {
		MEM_ROOM(s->remotes, s->n_remotes, s->cap_remotes);
		r = &s->remotes[s->n_remotes++];
		*r = (struct shell_remote){.r.id = ++s->last_remote};
		snprintf(r->profile, sizeof(r->profile), "%s", profile ? profile->name : "");
	}
	fresh.id = r->r.id;
	r->r = fresh;
	r->wanted = true;
}

/* ---- for whoever calls (§4.2) ---- */

static bool same_key(const struct shell_remote *r, const struct psk *psk)
{
	if (!psk || psk->identity.type == IKE_ID_NONE)
		return !r->key_id;
	return r->key_id && ike_id_equal(r->key_id, &psk->identity);
}

static struct shell_remote *find_any(const struct entries *s, const struct engine_remote *like,
				     const char *profile, const struct psk *psk)
{
	for (unsigned i = 0; i < s->n_remotes; i++) {
		struct shell_remote *r = &s->remotes[i];

		if (r->r.any && prefix_equal(&r->r.source, &like->source) && same_key(r, psk) &&
		    !strcmp(r->profile, profile))
			return r;
	}
	return NULL;
}

/* @psk NULL: by certificates alone, from anywhere. */
static void any_want(struct entries *s, const struct config *c, const struct ikev2_profile *f,
		     const struct psk *psk)
{
	struct engine_remote fresh = {
		.any = true,
		.dpd = *conf_dpd(c, f),
		.nat_keepalive_s = conf_nat_keepalive(c, f),
		.contact_forced = f && f->contact_forced,
		.lifetime_s = f && f->lifetime_s ? f->lifetime_s : c->ike_lifetime_s,
	};
	const char *profile = f ? f->name : "";
	struct shell_remote *r;

	fresh.source = psk ? psk->peer : (struct prefix){.addr.family = AF_INET};
	if (fresh.source.addr.family != AF_INET ||
	    !(f ? set_by_profile(&fresh, f, psk) : set_by_address(&fresh, psk)))
		return;
	/* The key of one address is that address's (A20). */
	if (fresh.source.len == 32 && fresh.remote_id.type == IKE_ID_NONE && !fresh.n_ids)
		fresh.remote_id = ike_id_from_addr(&fresh.source.addr);
	r = find_any(s, &fresh, profile, psk);
	if (!r) {
		MEM_ROOM(s->remotes, s->n_remotes, s->cap_remotes);
		r = &s->remotes[s->n_remotes++];
		*r = (struct shell_remote){.r.id = ++s->last_remote};
		snprintf(r->profile, sizeof(r->profile), "%s", profile);
	}
	fresh.id = r->r.id;
	r->r = fresh;
	r->key_id = psk && psk->identity.type != IKE_ID_NONE ? &psk->identity : NULL;
	r->wanted = true;
}

static void template_want(struct entries *s, const struct config *c, const struct map_entry *t)
{
	const struct ikev2_profile *f = t->profile;
	bool by_key = !f || (f->auth_local | f->auth_remote) & AUTH_BY_PSK;

	if (!by_key)
		any_want(s, c, f, NULL);
	for (unsigned i = 0; by_key && i < c->n_psks; i++)
		if (conf_secret_is_set(&c->psks[i].key) &&
		    (!f || !*f->keyring || !strcmp(f->keyring, c->psks[i].keyring)))
			any_want(s, c, f, &c->psks[i]);
}

static void entry_want(struct entries *s, const struct config *c, const struct map_entry *m)
{
	const struct conf_peer *p;

	for (unsigned k = 0; !m->manual && (p = conf_peer_live(m, k)); k++)
		remote_want(s, c, p->text, &p->addr, p->profile);
	for (unsigned k = 0; m->dynamic && k < m->dynamic->n_entries; k++)
		template_want(s, c, m->dynamic->entries[k]);
}

void remotes_want(struct entries *s, const struct config *c)
{
	for (unsigned i = 0; i < s->n_remotes; i++)
		s->remotes[i].wanted = false;
	for (unsigned i = 0; i < c->n_maps; i++)
		for (unsigned j = 0; j < c->maps[i]->n_entries; j++)
			entry_want(s, c, c->maps[i]->entries[j]);
	act_remotes_put(s);
}

/* Nothing is judged of a manual entry's SAs; the module can say whose they are. */
static void add_manual_rule(const struct spd_line *l, struct kernel_rule **list, unsigned *n,
			    unsigned *cap)
{
	struct kernel_rule rule = { .reqid = l->reqid, .seq = l->seq };

	if (l->blocked)
		return;
	rule.peer = l->entry->peers[0].addr;
	snprintf(rule.map, sizeof(rule.map), "%s", l->map);
	MEM_ROOM(*list, *n, *cap);
	(*list)[(*n)++] = rule;
}

const struct ikev2_profile *shell_peer_profile(const struct entries *s, const struct core_entry *e,
					       peer_key key)
{
	const struct shell_entry *se = shell_entry(s, e->id);
	const char *name = se ? shell_peer_name(se, key) : NULL;

	if (se && se->branch)
		return se->conf ? se->conf->profile : NULL;
	for (unsigned i = 0; name && se->conf && i < se->conf->n_peers; i++)
		if (!strcmp(se->conf->peers[i].text, name))
			return se->conf->peers[i].profile;
	return NULL;
}

/* T of the entry; W is on-demand DPD's trigger, periodic DPD reads the clocks itself (§3.2). */
static void add_rules(const struct entries *s, const struct spd_line *l, struct kernel_rule **list,
		      unsigned *n, unsigned *cap)
{
	const struct map_entry *m = l->entry;
	const struct shell_entry *se = shell_find(s, l->map, l->seq);
	const struct core_entry *e = se ? core_entry(&s->core, se->id) : NULL;

	for (unsigned i = 0; e && !l->blocked && i < e->n_peers; i++) {
		const struct dpd *d = conf_dpd(s->conf, shell_peer_profile(s, e, e->peers[i].key));
		struct kernel_rule rule = {
			.peer = e->peers[i].addr,
			.reqid = l->reqid,
			.seq = l->seq,
			.index = i,
			.is_default = e->peers[i].is_default,
			.idle_ms = conf_entry_idle(s->conf, m).ms,
			.one_way_ms = d->mode == DPD_ON_DEMAND ? d->interval_ms : 0,
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
		if (s->spd->lines[i]->entry->manual)
			add_manual_rule(s->spd->lines[i], &list, &n, &cap);
		else
			add_rules(s, s->spd->lines[i], &list, &n, &cap);
	act_rules_replace(s, list, n);
}

/* Names that were resolved are not in the file: their remotes stay too. */
void remotes_keep_resolved(struct entries *s)
{
	for (unsigned i = 0; i < s->core.n_entries; i++) {
		const struct core_entry *e = s->core.entries[i];

		for (unsigned j = 0; !e->temporary && j < e->n_peers; j++)
			remote_want(s, s->conf,
				    shell_peer_name(shell_entry(s, e->id), e->peers[j].key),
				    &e->peers[j].addr,
				    shell_peer_profile(s, e, e->peers[j].key));
	}
	act_remotes_put(s);
}

/* Addresses that no peer has any more, and no IKE SA: a dynamic name leaves one behind each time. */
static void remotes_forget(struct entries *s)
{
	for (unsigned i = 0; i < s->n_remotes; i++) {
		struct shell_remote *r = &s->remotes[i];

		r->wanted = r->r.any;
		for (unsigned j = 0; j < s->core.n_entries; j++)
			for (unsigned k = 0; k < s->core.entries[j]->n_peers; k++)
				r->wanted |= s->core.entries[j]->peers[k].remote == r->r.id;
		for (unsigned j = 0; j < s->core.n_conns; j++)
			r->wanted |= s->core.conns[j].remote == r->r.id;
	}
	act_remotes_drop(s);
}

/* The peer that asked: its profile, and its name. */
static const struct ikev2_profile *profile_of_query(const struct entries *s, uint32_t query,
						    const char **name)
{
	*name = NULL;
	for (unsigned i = 0; query && i < s->core.n_entries; i++) {
		const struct core_entry *e = s->core.entries[i];

		for (unsigned j = 0; j < e->n_peers; j++)
			if (e->peers[j].query == query) {
				*name = shell_peer_name(shell_entry(s, e->id), e->peers[j].key);
				return shell_peer_profile(s, e, e->peers[j].key);
			}
	}
	return NULL;
}

void entries_answered(struct entries *s, uint32_t query, const struct name_answer *a, mono_t now)
{
	remote_id remote = 0;
	struct step t;

	if (!s->conf)
		return;
	step_begin(&t, s, now);
	if (a->result == NAME_ADDR) {
		const struct ikev2_profile *profile;
		const char *name;

		profile = profile_of_query(s, query, &name);
		remote_want(s, s->conf, name, &a->addr, profile);
		act_remotes_put(s);
		remote = shell_remote_id(s, &a->addr, profile);
	}
	core_name_answered(&t.r, query, a, remote);
	act_all(s);
	remotes_forget(s);
	rules_replace(s);
}
