// SPDX-License-Identifier: GPL-2.0-or-later
/* The hole that source NAT would be (semantics.md §4.1), closed behind all lines. */
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/spd/compile.h"

static int by_addr(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

void spd_collect_peers(struct builder *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->n_uses; i++)
		n += b->uses[i].branch ? 1 : b->uses[i].entry->n_peers;
	b->peers = calloc(n + 1, sizeof(*b->peers));
	if (!b->peers) {
		b->failed = true;
		return;
	}
	for (unsigned i = 0; i < b->n_uses; i++) {
		const struct map_entry *e = b->uses[i].entry;

		if (b->uses[i].branch) {
			b->peers[b->n_peers++] = b->uses[i].branch->peer;
			continue;
		}
		for (unsigned j = 0; j < e->n_peers; j++)
			b->peers[b->n_peers++] = e->peers[j].addr;
	}
	qsort(b->peers, b->n_peers, sizeof(*b->peers), by_addr);
}

static bool carries(const struct spd_iface *f, const struct map *m)
{
	for (unsigned i = 0; i < m->n_interfaces; i++) {
		if (!strcmp(m->interfaces[i], f->name))
			return true;
	}
	return false;
}

static bool covers_network(const struct builder *b, const struct map *m, const struct prefix *d)
{
	for (unsigned i = 0; i < b->env->n_ifaces; i++) {
		const struct spd_iface *f = &b->env->ifaces[i];

		for (unsigned j = 0; carries(f, m) && j < f->n_nets; j++) {
			if (f->nets[j].addr.family == d->addr.family && f->nets[j].len >= d->len &&
			    prefix_has_addr(d, &f->nets[j].addr))
				return true;
		}
	}
	return false;
}

static bool covers_peer(const struct builder *b, const struct prefix *d)
{
	struct addr first, last;
	unsigned lo = 0, hi = b->n_peers;

	prefix_range(d, &first, &last);
	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (addr_cmp(&b->peers[mid], &first) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->n_peers && addr_cmp(&b->peers[lo], &last) <= 0;
}

static bool is_link_local(const struct addr *a)
{
	return a->family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a->v6);
}

/*
 * Source NAT runs before the SPD: a packet for D that was masqueraded matches no
 * line any more. So nothing leaves for D from the interface's own address.
 */
void spd_nat_hole(struct builder *b, const struct use *u)
{
	const struct selector *line = &u->acl->sel;
	const struct map *m = u->entry->map;
	struct selector sel = *line;

	if (!line->dst.len || covers_network(b, m, &line->dst) || covers_peer(b, &line->dst))
		return;
	if (sel.proto != IPPROTO_ICMP && sel.proto != IPPROTO_ICMPV6)
		sel.sport = (struct port_range){ 0, UINT16_MAX }; /* NAT chooses it */
	for (unsigned i = 0; i < b->env->n_ifaces; i++) {
		const struct spd_iface *f = &b->env->ifaces[i];

		for (unsigned j = 0; carries(f, m) && j < f->n_nets; j++) {
			unsigned from = b->s->n_policies;

			sel.src = prefix_host(&f->nets[j].addr);
			if (sel.src.addr.family == line->dst.addr.family &&
			    !is_link_local(&sel.src.addr) && !spd_is_covered(b, &sel))
				spd_emit(b, 1u << POLICY_OUT, POLICY_BLOCK, &sel, u);
			for (; from < b->s->n_policies; from++)
				b->s->policies[from].behind = u->line;
		}
	}
}
