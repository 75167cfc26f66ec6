// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reverse-route injection (semantics.md §4.7): which routes the entries want, worked out
 * anew from what they hold after each step, so that no event can be forgotten. On a move to
 * another peer the route is wanted before and after: who brings it in swaps its next hop.
 */
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/entry/mem.h"
#include "prefpeerd/entry/shell.h"

struct wanted {
	struct reverse_route *list;
	unsigned n, cap;
	unsigned first; /* of the entry in hand */
};

/* Of the same entry; between entries who brings it in looks. */
static bool is_listed(const struct wanted *w, const struct reverse_route *r)
{
	for (unsigned i = w->first; i < w->n; i++)
		if (w->list[i].metric == r->metric && prefix_equal(&w->list[i].dst, &r->dst))
			return true;
	return false;
}

/* A route to the peer itself by the tunnel to it would be none. */
static bool is_possible(const struct reverse_route *r)
{
	return r->dst.len && !prefix_has_addr(&r->dst, &r->peer) &&
	       !(addr_is_set(&r->via) && prefix_has_addr(&r->dst, &r->via));
}

static void want(struct wanted *w, const struct map_entry *m, const struct prefix *dst,
		 const struct addr *peer)
{
	const struct reverse_route_conf *c = &m->rri;
	struct reverse_route r = { .dst = *dst, .peer = *peer, .via = c->via, .metric = c->distance };

	if (!addr_is_set(peer) || addr_is_unspecified(peer))
		return;
	if (is_possible(&r) && !is_listed(w, &r)) {
		MEM_ROOM(w->list, w->n, w->cap);
		w->list[w->n++] = r;
	}
	if (!c->to_peer)
		return;
	r.dst = prefix_host(peer);
	if (is_listed(w, &r))
		return;
	MEM_ROOM(w->list, w->n, w->cap);
	w->list[w->n++] = r;
}

/* Of pairs in use, the newest first: of two peers during a move it is the new one. */
static void want_of_pairs(struct wanted *w, const struct map_entry *m, const struct core_entry *e)
{
	for (unsigned i = e->n_children; i-- > 0;)
		if (e->children[i].state == CHILD_LIVE)
			want(w, m, &e->children[i].sel.dst, &e->children[i].remote);
}

static void want_of_lines(struct wanted *w, const struct map_entry *m, const struct core_entry *e)
{
	const struct core_peer *c = peer_find(e, e->c);

	for (unsigned i = 0; i < e->n_lines; i++) {
		const struct core_line *l = &e->lines[i];
		bool pointed = addr_is_set(&l->peer) && !addr_is_unspecified(&l->peer);

		if (l->blocked || (!pointed && !c) || (m->rri.mode == RRI_PLAIN && !l->want))
			continue;
		want(w, m, &l->sel.dst, pointed ? &l->peer : &c->addr);
	}
}

static void want_of_entry(struct wanted *w, const struct map_entry *m, const struct core_entry *e)
{
	if (m->rri.mode == RRI_NONE)
		return;
	w->first = w->n;
	want_of_pairs(w, m, e);
	/* SAs of an earlier run are in use until the new ones, which are wanted, are up (A19). */
	if (m->rri.mode == RRI_STATIC || e->orphans)
		want_of_lines(w, m, e);
}

static bool same_route(const struct reverse_route *a, const struct reverse_route *b)
{
	bool via = addr_is_set(&a->via);

	return a->metric == b->metric && prefix_equal(&a->dst, &b->dst) &&
	       addr_equal(&a->peer, &b->peer) && via == addr_is_set(&b->via) &&
	       (!via || addr_equal(&a->via, &b->via));
}

static bool is_as_told(const struct entries *s, const struct wanted *w)
{
	if (!s->routes_told || s->n_routes != w->n)
		return false;
	for (unsigned i = 0; i < w->n; i++)
		if (!same_route(&s->routes[i], &w->list[i]))
			return false;
	return true;
}

void reverse_routes(struct entries *s)
{
	struct wanted w = { 0 };

	if (!s->ports.routes || s->routes_known)
		return;
	s->routes_known = true;
	for (unsigned i = 0; i < s->n_list; i++)
		want_of_entry(&w, s->list[i]->conf, core_entry(&s->core, s->list[i]->id));
	if (is_as_told(s, &w)) {
		free(w.list);
		return;
	}
	free(s->routes);
	s->routes = w.list;
	s->n_routes = w.n;
	s->routes_told = true;
	s->ports.routes(s->ports.ctx, w.list, w.n);
}
