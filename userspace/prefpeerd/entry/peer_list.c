/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The peers of an entry: they are named by key, never by index (semantics.md §4.8). */
#include "prefpeerd/entry/core.h"

int peer_index(const struct core_entry *e, peer_key key)
{
	for (unsigned i = 0; key && i < e->n_peers; i++)
		if (e->peers[i].key == key)
			return (int)i;
	return -1;
}

struct core_peer *peer_find(const struct core_entry *e, peer_key key)
{
	int i = peer_index(e, key);

	return i < 0 ? NULL : &e->peers[i];
}

struct core_peer *peer_by_remote(const struct core_entry *e, remote_id remote,
				 const struct addr *from)
{
	/* All branches of a template may be one remote. */
	if (e->temporary)
		return e->n_peers && addr_equal(&e->peers[0].addr, from) ? &e->peers[0] : NULL;
	for (unsigned i = 0; i < e->n_peers; i++)
		if (remote && e->peers[i].remote == remote)
			return &e->peers[i];
	for (unsigned i = 0; !remote && i < e->n_peers; i++)
		if (addr_is_set(from) && addr_equal(&e->peers[i].addr, from))
			return &e->peers[i];
	return NULL;
}

peer_key peer_next(const struct core_entry *e)
{
	int i = peer_index(e, e->c);

	if (!e->n_peers)
		return 0;
	if (i < 0 || e->next == NEXT_HOME)
		return e->peers[0].key;
	return e->peers[e->next == NEXT_AFTER ? (unsigned)(i + 1) % e->n_peers : (unsigned)i].key;
}

void peer_record(struct run *r, struct core_entry *e, peer_key key, const struct cause *why)
{
	struct core_peer *p = peer_find(e, key);

	if (!p)
		return;
	p->last = why->reason;
	p->last_cause = *why;
	p->last_cause.text = NULL;
	snprintf(p->last_text, sizeof(p->last_text), "%s", why->text ? why->text : "");
	p->last_at = r->env->now;
}
