/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "entry_world.h"

#include <string.h>

#include "prefpeerd/entry/mem.h"

#define NOW 1000000

static struct addr v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return (struct addr){ .family = AF_INET,
			      .v4.s_addr = htonl(a << 24 | b << 16 | c << 8 | d) };
}

struct addr world_peer(unsigned i)
{
	return v4(10, 0, 0, i + 1);
}

struct addr world_local(void)
{
	return v4(192, 0, 2, 1);
}

static int local(void *ctx, const struct core_entry *e, const struct core_peer *p,
		 struct addr *out, char *why)
{
	const struct world *w = ctx;
	unsigned i = ntohl(p->addr.v4.s_addr) % 256 - 1;

	if (!addr_is_set(&p->addr) ? !w->local_mask : !(w->local_mask & 1u << i)) {
		if (why)
			snprintf(why, CORE_TEXT_MAX, "no route to peer %u", i);
		return -ENETUNREACH;
	}
	*out = world_local();
	return 0;
}

static uint32_t half(void *ctx)
{
	return UINT32_MAX / 2;
}

static struct selector line_sel(unsigned entry, unsigned line)
{
	struct selector s = selector_any(AF_INET);

	s.src = (struct prefix){ v4(10, 1 + 10 * entry, line, 0), 24 };
	s.dst = (struct prefix){ v4(10, 2 + 10 * entry, line, 0), 24 };
	return s;
}

struct selector world_flow(const struct core_line *l)
{
	struct selector f = l->sel;
	struct addr src = l->sel.src.addr, dst = l->sel.dst.addr;

	src.v4.s_addr |= htonl(10);
	dst.v4.s_addr |= htonl(10);
	f.src = prefix_host(&src);
	f.dst = prefix_host(&dst);
	return f;
}

static void bind_world(struct world *w)
{
	w->env = (struct core_env){ .now = { NOW * NSEC_PER_SEC }, .local = local, .random = half,
				    .ctx = w };
	w->r = (struct run){ &w->core, &w->env, &w->out };
}

static void add_entry(struct world *w, unsigned index, const struct world_spec *s, unsigned names,
		      unsigned dynamic)
{
	struct core_entry *e = core_entry_new(&w->core);
	struct core_peer peers[8] = { 0 };
	struct core_line lines[8] = { 0 };

	for (unsigned i = 0; i < s->n_peers; i++) {
		peers[i].is_name = names >> i & 1;
		peers[i].dynamic = dynamic >> i & 1;
		peers[i].is_default = !i && s->has_default;
		if (peers[i].is_name)
			continue;
		peers[i].addr = world_peer(s->first_peer + i);
		peers[i].remote = s->first_peer + i + 1;
	}
	for (unsigned i = 0; i < s->n_lines; i++) {
		lines[i].reqid = REQID_FIRST + 16 * index + i;
		lines[i].no = i + 1;
		lines[i].order = 16 * index + i;
		lines[i].sel = line_sel(index, i);
	}
	e->family = AF_INET;
	e->idle_home = s->idle_home;
	e->retry_ms = 2000;
	e->interval_ms = 10000;
	core_entry_init(&w->r, e, peers, s->n_peers, lines, s->n_lines);
}

void world_init(struct world *w, const struct world_spec *specs, unsigned n)
{
	world_init_named(w, specs, n, 0, 0);
}

void world_init_named(struct world *w, const struct world_spec *specs, unsigned n, unsigned names,
		      unsigned dynamic)
{
	*w = (struct world){ .local_mask = 0xff };
	bind_world(w);
	w->core.ready = true;
	for (unsigned i = 0; i < n; i++)
		add_entry(w, i, &specs[i], names, dynamic);
	world_step(w);
}

void world_fini(struct world *w)
{
	core_fini(&w->core);
	free(w->out.list);
	w->out = (struct core_out){ 0 };
}

void world_copy(struct world *to, const struct world *from)
{
	*to = *from;
	to->out = (struct core_out){ 0 };
	core_copy(&to->core, &from->core);
	bind_world(to);
}

void world_step(struct world *w)
{
	w->out.n = 0;
}

struct core_entry *world_entry(const struct world *w, unsigned i)
{
	return w->core.entries[i];
}

void world_acquire(struct world *w, unsigned entry, unsigned line)
{
	struct core_entry *e = world_entry(w, entry);
	struct core_line *l = &e->lines[line];
	const struct core_acquire a = { .has_flow = true, .flow = world_flow(l), .src = l->local,
					.dst = l->peer };

	world_step(w);
	core_acquire(&w->r, e, l, &a);
}

/* Narrow: the half of the line in which the packet is not. */
void world_child_up(struct world *w, child_id id, bool narrow)
{
	struct core_child *ch;
	struct core_entry *e = core_child_entry(&w->core, id, &ch);
	const struct core_conn *k = e ? core_conn(&w->core, ch->conn) : NULL;
	struct core_pair p = { .spi_in = 0x1000 + id, .spi_out = 0x2000 + id };

	world_step(w);
	if (!k)
		return;
	p.local = k->local;
	p.peer = k->peer;
	p.sel = core_line(e, ch->reqid) ? core_line(e, ch->reqid)->sel : selector_any(AF_INET);
	if (narrow) {
		p.sel.dst.len = 25;
		p.sel.dst.addr.v4.s_addr |= htonl(128);
	}
	core_child_up(&w->r, ch->conn, id, &p);
}

void world_conn_down(struct world *w, conn_id id, enum engine_why why)
{
	const struct cause c = { .unanswered = 6, .silent_ms = 12000 };

	world_step(w);
	core_conn_down(&w->r, id, why, &c);
}

static bool is_idle(void *ctx, const struct core_entry *e)
{
	return ((struct world *)ctx)->idle_all;
}

uint32_t world_inbound(struct world *w, unsigned peer, conn_id conn, const struct core_line *l)
{
	const struct selector sel = l->sel;
	const struct core_inbound in = {
		.inbound = ++w->last_inbound, .conn = conn, .remote = peer + 1,
		.from = world_peer(peer), .local = world_local(), .offered = &sel, .n_offered = 1,
		.idle = is_idle,
	};

	world_step(w);
	core_inbound(&w->r, &in);
	return w->last_inbound;
}

void world_name(struct world *w, unsigned entry, unsigned peer, enum name_result result,
		unsigned at, uint32_t ttl_s)
{
	const struct name_answer a = { .result = result, .addr = world_peer(at), .ttl_s = ttl_s,
				       .trust = TRUST_SECURE, .text = "the servers say no" };

	world_step(w);
	core_name_answered(&w->r, world_entry(w, entry)->peers[peer].query, &a, at + 1);
}

void world_fire(struct world *w, struct core_entry *e, mono_t *at)
{
	world_step(w);
	*at = w->env.now;
	core_tick(&w->r, e);
}

const struct core_action *world_action(const struct world *w, enum core_action_type type)
{
	for (unsigned i = 0; i < w->out.n; i++)
		if (w->out.list[i].type == type)
			return &w->out.list[i];
	return NULL;
}

unsigned world_count(const struct world *w, enum core_action_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->out.n; i++)
		n += w->out.list[i].type == type;
	return n;
}
