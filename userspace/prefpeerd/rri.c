// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/rt_route.h"
#include "prefpeerd/rri.h"

#define AREA "rri"
#define METRIC6_DEFAULT 1024 /* what IPv6 makes of no metric */

struct routes {
	struct rt_route *list;
	unsigned n, room;
};

struct want {
	struct reverse_route w;
	struct rt_route way;
	bool known; /* its way was asked for, and there was one */
};

struct rri {
	struct rt_nl *rt;
	struct want *want;
	unsigned n_want;
	struct routes there; /* of ours, as the kernel told, or took them */
	bool read;	     /* the kernel was asked */
};

static int keep(void *ctx, const struct rt_route *r)
{
	struct routes *x = ctx;
	unsigned room = x->room ? 2 * x->room : 16;
	struct rt_route *list = x->list;

	if (x->n == x->room) {
		list = reallocarray(x->list, room, sizeof(*list));
		if (!list)
			return -ENOMEM;
		x->list = list;
		x->room = room;
	}
	list[x->n++] = *r;
	return 0;
}

/* By what the kernel tells routes apart. */
static struct rt_route *find(const struct routes *x, const struct rt_route *r)
{
	for (unsigned i = 0; i < x->n; i++)
		if (x->list[i].metric == r->metric && prefix_equal(&x->list[i].dst, &r->dst))
			return &x->list[i];
	return NULL;
}

static bool same_way(const struct rt_route *a, const struct rt_route *b)
{
	bool via = addr_is_set(&a->via);

	return a->oif == b->oif && via == addr_is_set(&b->via) &&
	       (!via || addr_equal(&a->via, &b->via));
}

static void say(const struct rt_route *r, const char *what, int err)
{
	char dst[PREFIX_STRLEN], via[ADDR_STRLEN];
	bool has_via = addr_is_set(&r->via);

	prefix_print(&r->dst, dst, sizeof(dst));
	if (has_via)
		addr_print(&r->via, via, sizeof(via));
	if (err == -EEXIST)
		log_warn(AREA, "no reverse route to %s: another program's is there, with that distance",
			 dst);
	else if (err)
		log_warn(AREA, "reverse route to %s %s%s cannot be %s: %s", dst,
			 has_via ? "via " : "on the link", has_via ? via : "", what,
			 strerror(-err));
	else
		log_info(AREA, "reverse route to %s %s%s: %s", dst, has_via ? "via " : "on the link",
			 has_via ? via : "", what);
}

/* As the route to the peer, unless a next hop was named. */
static int way_of(const struct rri *r, const struct reverse_route *w, struct rt_route *out)
{
	const struct addr *to = addr_is_set(&w->via) ? &w->via : &w->peer;
	int err;

	*out = (struct rt_route){ .dst = w->dst, .metric = w->metric };
	if (!w->metric && w->dst.addr.family == AF_INET6)
		out->metric = METRIC6_DEFAULT;
	err = rt_route_hop(r->rt, to, &out->via, &out->oif);
	if (!err && !addr_is_set(&out->via))
		out->via = *to;
	/* IPv4 inside of IPv6 can name a next hop of IPv6, not the other way round: there the
	 * policy takes the packet before a neighbour is asked for. */
	if (out->dst.addr.family == AF_INET6 && out->via.family == AF_INET)
		out->via = (struct addr){ .family = AF_UNSPEC };
	return err;
}

/* A way that is not known now leaves what is there: better than none for a moment. */
static int ways(struct rri *r, struct routes *out)
{
	int err = 0;

	for (unsigned i = 0; i < r->n_want && !err; i++) {
		struct want *w = &r->want[i];
		const struct rt_route *was;

		if (!w->known)
			w->known = !way_of(r, &w->w, &w->way);
		was = w->known ? &w->way : find(&r->there, &w->way);
		if (was && !find(out, was))
			err = keep(out, was);
	}
	return err;
}

static void put(struct rri *r, const struct rt_route *way)
{
	struct rt_route *was = find(&r->there, way);
	int err;

	if (was && same_way(was, way))
		return;
	err = rt_route_put(r->rt, way, was);
	say(way, was ? "moved" : "added", err);
	if (err)
		return;
	if (was)
		*was = *way;
	else
		keep(&r->there, way);
}

static void remove_others(struct rri *r, const struct routes *wanted)
{
	for (unsigned i = r->there.n; i-- > 0;) {
		struct rt_route gone = r->there.list[i];
		int err;

		if (find(wanted, &gone))
			continue;
		err = rt_route_del(r->rt, &gone);
		if (err != -ESRCH)
			say(&gone, "removed", err);
		r->there.list[i] = r->there.list[--r->there.n];
	}
}

static int read_there(struct rri *r)
{
	int err;

	r->there.n = 0;
	err = rt_route_dump(r->rt, keep, &r->there);
	r->read = !err;
	if (err)
		log_warn(AREA, "the routing table cannot be read: %s", strerror(-err));
	return err;
}

static void bring_in(struct rri *r)
{
	struct routes wanted = { 0 };

	if (!r->read && read_there(r))
		return;
	if (!ways(r, &wanted)) {
		for (unsigned i = 0; i < wanted.n; i++)
			put(r, &wanted.list[i]);
		remove_others(r, &wanted);
	}
	free(wanted.list);
}

struct rri *rri_new(struct rt_nl *rt)
{
	struct rri *r = calloc(1, sizeof(*r));

	if (r)
		r->rt = rt;
	return r;
}

void rri_free(struct rri *r)
{
	if (!r)
		return;
	free(r->want);
	free(r->there.list);
	free(r);
}

static bool same_want(const struct reverse_route *a, const struct reverse_route *b)
{
	bool via = addr_is_set(&a->via);

	return a->metric == b->metric && prefix_equal(&a->dst, &b->dst) &&
	       addr_equal(&a->peer, &b->peer) && via == addr_is_set(&b->via) &&
	       (!via || addr_equal(&a->via, &b->via));
}

/* What stays wanted keeps its way: a hub does not ask for a thousand when one branch calls. */
static struct want make_want(const struct rri *r, const struct reverse_route *w, unsigned at)
{
	for (unsigned i = 0; i < r->n_want; i++) {
		const struct want *old = &r->want[(at + i) % r->n_want];

		if (same_want(&old->w, w))
			return *old;
	}
	return (struct want){ .w = *w };
}

void rri_set(struct rri *r, const struct reverse_route *list, unsigned n)
{
	struct want *copy = reallocarray(NULL, n + 1, sizeof(*copy));

	if (!copy) {
		log_err(AREA, "no memory: reverse routes stay as they were");
		return;
	}
	for (unsigned i = 0; i < n; i++)
		copy[i] = make_want(r, &list[i], i);
	free(r->want);
	r->want = copy;
	r->n_want = n;
	bring_in(r);
}

void rri_refresh(struct rri *r)
{
	if (!r->n_want)
		return;
	r->read = false;
	for (unsigned i = 0; i < r->n_want; i++)
		r->want[i].known = false;
	bring_in(r);
}

int rri_flush(struct rt_nl *rt)
{
	struct rri r = { .rt = rt };
	struct routes none = { 0 };
	int n;

	if (read_there(&r))
		return -EIO;
	n = (int)r.there.n;
	remove_others(&r, &none);
	free(r.there.list);
	return n;
}
