// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/rt_nl.h"
#include "prefpeerd/route.h"

#define AREA "route"
/* Several changes come together (link, address, routes): told once, when they are over. */
#define SETTLE_MS 20
/* A dump that addresses change under is asked for again, so often. */
#define ENV_TRIES 5

/* Sentences said lately. */
#define SAID_MAX 16
#define SAID_AGAIN_MS 60000

struct said {
	char text[160];
	mono_t at;
};

struct route {
	struct rt_nl *nl;
	struct event *ev;
	const struct timers *timers;
	struct timer settle;
	struct route_events events;
	struct said said[SAID_MAX];
	unsigned next_said;
};

static void settled(struct timer *t, mono_t now)
{
	struct route *r = timer_container(t, struct route, settle);

	r->events.settled(r->events.ctx, now);
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	struct route *r = arg;
	unsigned changed = rt_nl_drain(r->nl);

	if (changed & RT_CHANGED_ADDRESSES)
		r->events.addresses(r->events.ctx, mono_now());
	if (changed && !timer_armed(&r->settle))
		timer_set(r->timers, &r->settle, mono_add_ms(mono_now(), SETTLE_MS));
}

int route_open(struct event_base *base, const struct timers *timers, const struct route_events *ev,
	       struct route **out)
{
	struct route *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->timers = timers;
	r->events = *ev;
	timer_init(&r->settle, settled);
	err = rt_nl_open(&r->nl);
	if (err)
		goto fail;
	r->ev = event_new(base, rt_nl_fd(r->nl), EV_READ | EV_PERSIST, readable, r);
	if (!r->ev || event_add(r->ev, NULL)) {
		err = -ENOMEM;
		goto fail;
	}
	*out = r;
	return 0;
fail:
	route_close(r);
	return err;
}

void route_close(struct route *r)
{
	if (!r)
		return;
	timer_cancel(r->timers, &r->settle);
	if (r->ev)
		event_free(r->ev);
	rt_nl_close(r->nl);
	free(r);
}

struct rt_nl *route_nl(struct route *r)
{
	return r->nl;
}

static bool carries(const struct map *m, const char *ifname)
{
	for (unsigned i = 0; i < m->n_interfaces; i++)
		if (!strcmp(m->interfaces[i], ifname))
			return true;
	return false;
}

struct pick {
	const struct map *map;
	const char *ifname;
	sa_family_t family;
	struct addr got;
};

static void pick_addr(void *ctx, const struct rt_addr *a)
{
	struct pick *p = ctx;

	if (a->usable && !addr_is_set(&p->got) && a->net.addr.family == p->family &&
	    !strcmp(a->ifname, p->ifname))
		p->got = a->net.addr;
}

static int ip_version(const struct map *m)
{
	return m->family == AF_INET ? 4 : 6;
}

static int iface_addr(struct route *r, const struct map *m, struct addr *out, char *why,
		      size_t size)
{
	struct pick p = { .ifname = m->local_address, .family = m->family };
	int err = rt_nl_addrs(r->nl, pick_addr, &p);

	if (!err && !addr_is_set(&p.got))
		err = if_nametoindex(m->local_address) ? -EADDRNOTAVAIL : -ENODEV;
	if (err == -ENODEV)
		snprintf(why, size, "local-address %s of map %s: there is no such interface",
			 m->local_address, m->name);
	else if (err == -EADDRNOTAVAIL)
		snprintf(why, size, "local-address %s of map %s has no usable IPv%d address",
			 m->local_address, m->name, ip_version(m));
	else if (err)
		snprintf(why, size, "the addresses of %s cannot be read: %s", m->local_address,
			 strerror(-err));
	else
		*out = p.got;
	return err;
}

static void pick_any(void *ctx, const struct rt_addr *a)
{
	struct pick *p = ctx;

	if (a->usable && !addr_is_set(&p->got) && a->net.addr.family == p->family &&
	    carries(p->map, a->ifname))
		p->got = a->net.addr;
}

/* The peer's address is not known yet: could any be reached? */
static int any_addr(struct route *r, const struct map *m, struct addr *out, char *why, size_t size)
{
	struct pick p = { .map = m, .family = m->family };
	int err = rt_nl_addrs(r->nl, pick_any, &p);

	if (!err && !addr_is_set(&p.got))
		err = -EADDRNOTAVAIL;
	if (err == -EADDRNOTAVAIL)
		snprintf(why, size, "no interface that carries map %s has a usable IPv%d address",
			 m->name, ip_version(m));
	else if (err)
		snprintf(why, size, "the addresses of the interfaces cannot be read: %s",
			 strerror(-err));
	else
		*out = p.got;
	return err;
}

/* Why no address speaks to the peer; @ifname: where the route leads, as far as there is one. */
static void say_no_route(const struct map *m, const struct addr *peer, int err, const char *ifname,
			 char *why, size_t size)
{
	char to[ADDR_STRLEN];

	addr_print(peer, to, sizeof(to));
	switch (err) {
	case -ENODEV:
		snprintf(why, size,
			 "no route to %s through an interface that carries map %s: it leaves by %s",
			 to, m->name, ifname);
		break;
	case -EADDRNOTAVAIL:
		snprintf(why, size, "the route to %s leaves by %s, which has no IPv%d address", to,
			 ifname, ip_version(m));
		break;
	case -ENETUNREACH:
		snprintf(why, size,
			 "no route to %s through an interface that carries map %s: there is none",
			 to, m->name);
		break;
	case -EHOSTUNREACH:
	case -EACCES:
	case -EINVAL:
		snprintf(why, size,
			 "no route to %s through an interface that carries map %s: the routing table refuses it (%s)",
			 to, m->name, strerror(-err));
		break;
	default:
		snprintf(why, size, "the kernel cannot be asked for the route to %s: %s", to,
			 strerror(-err));
	}
}

int route_local_addr(struct route *r, const struct map *m, const struct addr *peer,
		     struct addr *out, char *why, size_t size)
{
	char ifname[IFNAMSIZ] = "";
	struct addr src;
	int err;

	if (m->local_address[0])
		return iface_addr(r, m, out, why, size);
	if (!addr_is_set(peer))
		return any_addr(r, m, out, why, size);
	err = rt_nl_route(r->nl, peer, &src, ifname);
	if (!err && !carries(m, ifname))
		err = -ENODEV;
	if (err)
		say_no_route(m, peer, err, ifname, why, size);
	else
		*out = src;
	return err;
}

bool route_is_news(struct route *r, const char *why)
{
	mono_t now = mono_now();
	struct said *s;

	for (unsigned i = 0; i < SAID_MAX; i++)
		if (!strncmp(r->said[i].text, why, sizeof(r->said[i].text) - 1) &&
		    mono_before(now, mono_add_ms(r->said[i].at, SAID_AGAIN_MS)))
			return false;
	s = &r->said[r->next_said++ % SAID_MAX];
	snprintf(s->text, sizeof(s->text), "%s", why);
	s->at = now;
	return true;
}

struct collect {
	struct spd_iface *list;
	unsigned n;
	int err;
};

static struct spd_iface *collect_find(struct collect *c, const char *ifname)
{
	for (unsigned i = 0; i < c->n; i++)
		if (!strcmp(c->list[i].name, ifname))
			return &c->list[i];
	return NULL;
}

static int collect_name(struct collect *c, const char *ifname)
{
	struct spd_iface *list;

	if (collect_find(c, ifname))
		return 0;
	list = realloc(c->list, (c->n + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	c->list = list;
	c->list[c->n] = (struct spd_iface){ 0 };
	snprintf(c->list[c->n].name, sizeof(c->list[c->n].name), "%s", ifname);
	c->n++;
	return 0;
}

static void collect_addr(void *ctx, const struct rt_addr *a)
{
	struct collect *c = ctx;
	struct spd_iface *f = collect_find(c, a->ifname);
	struct prefix *nets;

	if (!f)
		return;
	nets = realloc(f->nets, (f->n_nets + 1) * sizeof(*nets));
	if (!nets) {
		c->err = -ENOMEM;
		return;
	}
	f->nets = nets;
	f->nets[f->n_nets++] = a->net;
}

static int collect_all(struct route *r, const struct config *c, struct collect *col)
{
	int err = 0;

	for (unsigned m = 0; m < c->n_maps; m++)
		for (unsigned i = 0; !err && i < c->maps[m]->n_interfaces; i++)
			err = collect_name(col, c->maps[m]->interfaces[i]);
	if (!err)
		err = rt_nl_addrs(r->nl, collect_addr, col);
	return err ? err : col->err;
}

int route_env(struct route *r, const struct config *c, struct spd_iface **out, unsigned *n)
{
	struct collect col = { 0 };
	int err = -EINTR;

	for (int tries = 0; err == -EINTR && tries < ENV_TRIES; tries++) {
		route_env_free(col.list, col.n);
		col = (struct collect){ 0 };
		err = collect_all(r, c, &col);
	}
	if (err) {
		route_env_free(col.list, col.n);
		return err;
	}
	*out = col.list;
	*n = col.n;
	return 0;
}

static bool same_iface(const struct spd_iface *a, const struct spd_iface *b)
{
	if (strcmp(a->name, b->name) || a->n_nets != b->n_nets)
		return false;
	for (unsigned i = 0; i < a->n_nets; i++)
		if (!prefix_equal(&a->nets[i], &b->nets[i]))
			return false;
	return true;
}

bool route_env_equal(const struct spd_iface *a, unsigned na, const struct spd_iface *b,
		     unsigned nb)
{
	if (na != nb)
		return false;
	for (unsigned i = 0; i < na; i++)
		if (!same_iface(&a[i], &b[i]))
			return false;
	return true;
}

void route_env_free(struct spd_iface *ifaces, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(ifaces[i].nets);
	free(ifaces);
}
