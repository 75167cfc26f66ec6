// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be judged only when the whole file was read. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

static void note(struct parser *p, struct conf_pos pos, char *text)
{
	conf_diag(p->d, CONF_NOTE, pos, text, NULL);
}

/* ---- names ---- */

static void resolve_acl(struct parser *p, struct map_entry *e)
{
	if (!*e->acl_name)
		return;
	e->acl = conf_find_acl(p->c, e->acl_name);
	if (!e->acl && !p->failed[MODE_ACL4] && !p->failed[MODE_ACL6])
		parser_error(p, e->acl_pos, conf_text("access list %s does not exist", e->acl_name),
			     NULL);
}

static void resolve_sets(struct parser *p, struct map_entry *e)
{
	for (unsigned i = 0; i < e->n_sets; i++) {
		e->sets[i] = conf_find_set(p->c, e->set_names[i]);
		if (!e->sets[i] && !p->failed[MODE_SET])
			parser_error(p, e->set_pos[i],
				     conf_text("transform set %s does not exist", e->set_names[i]),
				     NULL);
	}
}

/* Of an inbound SA with ESN the window says which half of the numbers a packet has (RFC 4303 §3.4.3). */
static void check_replay(struct parser *p, const struct map_entry *e)
{
	if (!conf_entry_replay(p->c, e).off)
		return;
	for (unsigned i = 0; i < e->n_sets; i++)
		if (e->sets[i] && e->sets[i]->suite.esn)
			parser_error(p, e->set_pos[i],
				     conf_text("transform set %s has extended sequence numbers, "
					       "which need the anti-replay window that is disabled",
					       e->set_names[i]),
				     conf_text("`set security-association replay window-size 64`"));
}

static void add_interface(struct parser *p, struct map *m, const char *iface)
{
	char **slot;

	for (unsigned i = 0; i < m->n_interfaces; i++)
		if (!strcmp(m->interfaces[i], iface))
			return;
	slot = PARSER_GROW(p, m->interfaces, m->n_interfaces);
	if (!slot)
		return;
	*slot = parser_strdup(p, iface, strlen(iface));
	m->n_interfaces += *slot != NULL;
}

static void resolve_use(struct parser *p, const struct map_use *u)
{
	struct map *m = conf_find_map(p->c, u->map);

	if (!m) {
		if (!p->failed[MODE_MAP] && !p->failed[MODE_MAP_MANUAL])
			parser_error(p, u->pos, conf_text("crypto map %s does not exist", u->map),
				     NULL);
		return;
	}
	if (u->ipv6 && m->family != AF_INET6) {
		parser_error(p, u->pos, conf_text("crypto map %s is an IPv4 map", u->map),
			     conf_text("write `crypto map %s`", u->map));
		return;
	}
	add_interface(p, m, u->iface);
}

/* One set per interface (§4.1), one of each kind. */
static void check_one_set(struct parser *p, unsigned i)
{
	const struct map *m = conf_find_map(p->c, p->uses[i].map), *other;

	for (unsigned k = 0; m && k < p->n_uses; k++) {
		other = conf_find_map(p->c, p->uses[k].map);
		if (k == i || strcmp(p->uses[k].iface, p->uses[i].iface) || !other || other == m ||
		    other->family != m->family || p->uses[k].pos.line > p->uses[i].pos.line)
			continue;
		parser_error(
			p, p->uses[i].pos,
			conf_text("interface %s carries crypto map %s already (line %u)",
				  p->uses[i].iface, other->name, p->uses[k].pos.line),
			conf_text(
				"one set per interface: give its entries other sequence numbers"));
		return;
	}
}

/* ---- keys ---- */

static void check_keyring_peer(struct parser *p, const struct psk *k)
{
	if (!*k->keyring || p->failed[MODE_KEYRING_PEER])
		return;
	if (!addr_is_set(&k->peer.addr))
		parser_incomplete(
			p, k->pos,
			conf_text("peer %s of keyring %s has no address", k->name, k->keyring),
			conf_text(
				"`address A`: dialled, or that the peer comes from; 0.0.0.0/0 for any"));
	if (!conf_secret_is_set(&k->key) && !conf_secret_is_set(&k->theirs) &&
	    k->identity.type == IKE_ID_NONE)
		parser_incomplete(p, k->pos,
			     conf_text("peer %s of keyring %s has no pre-shared-key", k->name,
				       k->keyring),
			     conf_text("nor an identity, which would do for a peer with a certificate"));
}

static bool keyring_in_use(const struct config *c, const struct psk *k)
{
	for (unsigned i = 0; *k->keyring && i < c->n_profiles; i++)
		if (!strcmp(c->profiles[i]->keyring, k->keyring))
			return true;
	return false;
}

/* Without a profile the key follows from the address alone: a second one could never be used. */
static void check_key_unique(struct parser *p, unsigned i)
{
	const struct psk *k = &p->c->psks[i], *o;
	char buf[PREFIX_STRLEN];

	for (unsigned j = 0; j < i; j++) {
		o = &p->c->psks[j];
		if (k->host || o->host || !addr_is_set(&k->peer.addr) ||
		    !prefix_equal(&o->peer, &k->peer))
			continue;
		if (strcmp(o->keyring, k->keyring) &&
		    (keyring_in_use(p->c, k) || keyring_in_use(p->c, o)))
			continue;
		parser_error(p, k->pos,
			     conf_text("%s has a key already (line %u)",
				       prefix_print(&k->peer, buf, sizeof(buf)), o->pos.line),
			     NULL);
		return;
	}
}

/* Most specific first; a total order, so that the file's does not matter. */
static int key_cmp(const struct psk *a, const struct psk *b)
{
	int by;

	if (!a->host != !b->host)
		return a->host ? -1 : 1;
	if (a->host)
		return strcasecmp(a->host, b->host);
	if (a->peer.len != b->peer.len)
		return a->peer.len > b->peer.len ? -1 : 1;
	by = addr_cmp(&a->peer.addr, &b->peer.addr);
	if (by)
		return by;
	if (a->identity.type != b->identity.type)
		return a->identity.type < b->identity.type ? -1 : 1;
	if (a->identity.len != b->identity.len)
		return a->identity.len < b->identity.len ? -1 : 1;
	return memcmp(a->identity.data, b->identity.data, a->identity.len);
}

static void sort_keys(struct config *c)
{
	for (unsigned i = 1; i < c->n_psks; i++) {
		struct psk x = c->psks[i];
		unsigned j = i;

		for (; j && key_cmp(&c->psks[j - 1], &x) > 0; j--)
			c->psks[j] = c->psks[j - 1];
		c->psks[j] = x;
	}
}

/* ---- timers ---- */

static void put_dpd_in_force(struct parser *p)
{
	p->c->dpd = p->ikev2.mode != DPD_OFF ? p->ikev2 : p->keepalive;
	if (p->keepalive.mode == DPD_OFF)
		return;
	if (p->ikev2.mode != DPD_OFF)
		parser_warn(
			p, p->keepalive.pos,
			conf_text(
				"`crypto isakmp keepalive` has no effect beside `crypto ikev2 dpd` (line %u)",
				p->ikev2.pos.line),
			NULL);
	else
		note(p, p->keepalive.pos,
		     conf_text(
			     "`crypto isakmp keepalive` is taken as `crypto ikev2 dpd`: here is only IKEv2"));
}

/* Equal to the global value: not added (§2.2, A4). */
static void check_idle(struct parser *p, struct map_entry *e)
{
	struct idle_time *t = &e->idle;

	if (!t->ms)
		return;
	t->not_added = t->ms == p->c->idle_ms;
	if (t->not_added)
		parser_warn(
			p, t->pos,
			conf_text(
				"%% Idle time %u%s equals the global value; not added to crypto map",
				t->millis ? t->ms : t->ms / 1000, t->millis ? " milliseconds" : ""),
			NULL);
	else if (t->home && e->n_peers && !e->has_default)
		parser_warn(
			p, t->pos,
			conf_text(
				"`default` of the idle timer without a default peer: the next attempt stays with the current peer"),
			conf_text("mark the first peer: `set peer %s default`", e->peers[0].text));
}

/* ---- entries ---- */

static void check_peers(struct parser *p, const struct map_entry *e)
{
	if (e->has_default && conf_dpd(p->c, e->peers[0].profile)->mode == DPD_OFF)
		parser_warn(
			p, e->peers[0].pos,
			conf_text(
				"%% Default peer needs dead peer detection; a dead peer is noticed only when an exchange fails"),
			conf_text("for example: crypto ikev2 dpd 10 2 periodic"));
	for (unsigned i = 0; i < e->n_peers; i++)
		if (e->peers[i].is_name)
			note(p, e->peers[i].pos,
			     conf_text("%s is not looked up here; it is when the agent needs it",
				       e->peers[i].text));
}

static bool acl_permits(const struct acl *a)
{
	for (unsigned i = 0; i < a->n_lines; i++)
		if (a->lines[i].permit)
			return true;
	return false;
}

static void check_keys_of(struct parser *p, const struct map_entry *e)
{
	for (unsigned i = 0; i < e->n_peers; i++) {
		const struct conf_peer *q = &e->peers[i];

		if (conf_peer_has_key(p->c, q) || q->is_name || q->is_shut)
			continue;
		parser_warn(
			p, q->pos,
			conf_text("no pre-shared key for peer %s: it can never come up", q->text),
			conf_text("crypto isakmp key KEY address %s", q->text));
	}
}

/*
 * What is missing; asked only of a file without errors, which would be the reason.
 * IOS's note is true of an entry without access list; with one, we block (§1.1).
 */
static void check_complete(struct parser *p, const struct map_entry *e)
{
	const char *why;

	if (e->dynamic)
		return;
	if (!e->acl)
		note(p, e->pos,
		     conf_text("%% NOTE: This new crypto map will remain disabled until a peer\n"
			       "        and a valid access list have been configured."));
	if (!e->acl)
		return;
	if (!acl_permits(e->acl))
		parser_warn(p, e->acl_pos,
			    conf_text("access list %s permits nothing: the entry protects nothing",
				      e->acl_name),
			    NULL);
	if (!e->manual)
		check_keys_of(p, e);
	why = conf_entry_incomplete(p->c, e);
	if (why)
		parser_warn(
			p, e->pos,
			conf_text("%s: what access list %s permits is blocked, not sent in clear",
				  why, e->acl_name),
			NULL);
}

static void check_map_complete(struct parser *p, const struct map *m)
{
	bool any = false;

	for (unsigned i = 0; i < m->n_entries; i++) {
		check_complete(p, m->entries[i]);
		any |= m->entries[i]->acl || m->entries[i]->dynamic;
	}
	if (any && !m->n_interfaces)
		parser_warn(
			p, m->pos,
			conf_text("crypto map %s stands on no interface: it does nothing", m->name),
			conf_text("`interface NAME`, and below it `crypto map %s`", m->name));
}

static const struct ikev2_profile *resolve_profile(struct parser *p, const char *name,
						   struct conf_pos pos)
{
	const struct ikev2_profile *f = *name ? conf_find_profile(p->c, name) : NULL;

	if (*name && !f && !p->failed[MODE_PROFILE])
		parser_error(p, pos, conf_text("IKEv2 profile %s does not exist", name), NULL);
	return f;
}

/* Two peers, and either may call itself what only the other should. */
static void check_shared_profile(struct parser *p, const struct map_entry *e, unsigned i)
{
	const struct ikev2_profile *f = e->peers[i].profile;
	bool several = f && (f->n_remotes > 1 || (f->n_remotes && f->remotes[0].domain));

	for (unsigned k = 0; several && k < i; k++) {
		if (e->peers[k].profile != f)
			continue;
		parser_warn(p, e->peers[i].pos,
			    conf_text("with IKEv2 profile %s, %s and %s may each prove to be the other",
				      f->name, e->peers[k].text, e->peers[i].text),
			    conf_text("give each its own: `set peer %s ikev2-profile NAME`",
				      e->peers[i].text));
		return;
	}
}

static void resolve_profiles(struct parser *p, struct map_entry *e)
{
	const struct ikev2_profile *f = resolve_profile(p, e->profile_name, e->profile_pos);

	e->profile = f;
	for (unsigned i = 0; i < e->n_peers; i++) {
		struct conf_peer *q = &e->peers[i];

		q->profile = *q->profile_name ? resolve_profile(p, q->profile_name, q->profile_pos) : f;
		check_shared_profile(p, e, i);
	}
}

/* ---- dynamic maps (§4.2) ---- */

static void resolve_dynamic(struct parser *p, struct map_entry *e)
{
	if (!*e->dynamic_name)
		return;
	e->dynamic = conf_find_dynamic(p->c, e->dynamic_name);
	if (!e->dynamic && !p->failed[MODE_MAP])
		parser_error(p, e->dynamic_pos,
			     conf_text("dynamic map %s does not exist", e->dynamic_name),
			     conf_text("`crypto dynamic-map %s 10`", e->dynamic_name));
	if (e->map->family == AF_INET6)
		parser_error(p, e->dynamic_pos,
			     conf_text("dynamic maps are for IPv4 peers only, as in IOS"), NULL);
	if (e->n_peers || e->n_sets || *e->acl_name)
		parser_error(p, e->pos,
			     conf_text("%s %u takes everything from dynamic map %s", e->map->name,
				       e->seq, e->dynamic_name),
			     conf_text("its `set` and `match` belong below `crypto dynamic-map %s`",
				       e->dynamic_name));
}

/*
 * Whom a static entry names must never come by the template, which takes anybody: IOS
 * recommends the highest number, here it is the rule.
 */
static void check_dynamic_last(struct parser *p, const struct map *m)
{
	for (unsigned i = 0; i + 1 < m->n_entries; i++)
		if (m->entries[i]->dynamic && !m->entries[i + 1]->dynamic)
			parser_error(p, m->entries[i]->pos,
				     conf_text("%s %u is dynamic and stands ahead of %s %u", m->name,
					       m->entries[i]->seq, m->name, m->entries[i + 1]->seq),
				     conf_text("give dynamic entries the highest numbers of the map"));
}

static void check_template(struct parser *p, const struct map_entry *t)
{
	if (!t->n_sets)
		parser_warn(p, t->pos,
			    conf_text("dynamic map %s %u has no transform set: nobody comes up by it",
				      t->map->name, t->seq),
			    NULL);
	if (!t->acl)
		parser_warn(p, t->pos,
			    conf_text("dynamic map %s %u has no access list: a branch may claim any network, and what is for a branch that is gone is not blocked",
				      t->map->name, t->seq),
			    conf_text("`match address ACL`, with the networks of all branches"));
}

static void check_entry(struct parser *p, struct map_entry *e)
{
	resolve_acl(p, e);
	resolve_sets(p, e);
	if (e->manual) {
		conf_check_manual(p, e);
		return;
	}
	check_replay(p, e);
	conf_check_sets(p, e);
	resolve_profiles(p, e);
	resolve_dynamic(p, e);
	check_idle(p, e);
	check_reverse_route(p, e);
	check_peers(p, e);
}

void conf_check(struct parser *p)
{
	struct config *c = p->c;

	put_dpd_in_force(p);
	check_policies(p);
	for (unsigned i = 0; i < c->n_trustpoints; i++)
		conf_check_trustpoint(p, c->trustpoints[i]);
	for (unsigned i = 0; i < c->n_profiles; i++)
		conf_check_profile(p, c->profiles[i]);
	for (unsigned i = 0; i < c->n_psks; i++) {
		check_keyring_peer(p, &c->psks[i]);
		conf_check_secrets(p, &c->psks[i]);
		check_key_unique(p, i);
	}
	for (unsigned i = 0; i < c->n_dynamics; i++)
		for (unsigned k = 0; k < c->dynamics[i]->n_entries; k++)
			check_entry(p, c->dynamics[i]->entries[k]);
	for (unsigned i = 0; i < c->n_maps; i++) {
		for (unsigned k = 0; k < c->maps[i]->n_entries; k++)
			check_entry(p, c->maps[i]->entries[k]);
		check_dynamic_last(p, c->maps[i]);
	}
	for (unsigned i = 0; i < p->n_uses; i++) {
		resolve_use(p, &p->uses[i]);
		check_one_set(p, i);
	}
	conf_check_accounting(p);
	sort_keys(c);
	for (unsigned i = 0; i < c->n_dynamics && !p->d->n_errors; i++)
		for (unsigned k = 0; k < c->dynamics[i]->n_entries; k++)
			check_template(p, c->dynamics[i]->entries[k]);
	for (unsigned i = 0; i < c->n_maps && !p->d->n_errors; i++)
		check_map_complete(p, c->maps[i]);
}
