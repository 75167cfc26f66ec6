// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Crypto maps into one ordered list (semantics.md §4.1). IOS asks the entries one
 * after the other, and a deny sends the packet on to the next entry; XFRM takes
 * the first policy that matches. So what later entries say of a deny's packets is
 * written ahead of it, and what is left of the deny goes in clear.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/spd/spd_impl.h"
#include "prefpeerd/spd/taken.h"

/* A line of an access list as used by one entry. */
struct use {
	const struct acl_line *acl;
	const struct map_entry *entry;
	unsigned entry_no;     /* index over all active entries */
	struct spd_line *line; /* permits; owned by the spd in the end */
	unsigned n_policies;   /* selectors that stand for the line */
};

/* Who put what goes ahead of all lines. */
static const struct use nobody;

struct builder {
	const struct spd_env *env;
	struct spd *s;
	struct use *uses;
	unsigned n_uses;
	struct spd_taken taken; /* selectors already in the list, and the struct use */
	struct addr *peers; /* of all entries, ascending */
	unsigned n_peers;
	unsigned room_policies, room_notes;
	bool failed; /* out of memory; everything after is skipped */
};

/* Room for one more; the array may move. NULL, and failed, without memory. */
static void *grow(struct builder *b, void **array, unsigned n, unsigned *room, size_t size)
{
	unsigned more = *room ? *room * 2 : 32;
	void *at = *array;

	if (b->failed)
		return NULL;
	if (n == *room) {
		at = reallocarray(*array, more, size);
		if (!at) {
			b->failed = true;
			return NULL;
		}
		*array = at;
		*room = more;
	}
	return (char *)at + n * size;
}

static struct spd_note *add_note(struct builder *b, const struct conf_pos *pos,
				 const struct conf_pos *other)
{
	struct spd_note *n = grow(b, (void **)&b->s->notes, b->s->n_notes, &b->room_notes,
				  sizeof(*n));

	if (!n)
		return NULL;
	*n = (struct spd_note){ .pos = *pos, .other = *other };
	b->s->n_notes++;
	return n;
}

/* ---- selectors into the list ------------------------------------------------ */

static const struct use *find_taken(const struct builder *b, const struct selector *sel)
{
	return spd_taken_by(&b->taken, sel);
}

/* Nothing would ever reach it. */
static bool is_covered(const struct builder *b, const struct selector *sel)
{
	return spd_taken_covers(&b->taken, sel);
}

/* Priorities count selectors here; spread_priorities() makes room between them. */
static void add_policy(struct builder *b, enum policy_dir dir, enum policy_action action,
		       const struct selector *sel, struct spd_line *line)
{
	struct spd_policy *p = grow(b, (void **)&b->s->policies, b->s->n_policies,
				    &b->room_policies, sizeof(*p));

	if (!p)
		return;
	*p = (struct spd_policy){
		.p = { .dir = dir, .action = action, .sel = *sel, .priority = b->taken.n },
		.line = line,
	};
	spd_policy_fill(p);
	b->s->n_policies++;
}

#define DIRS_ALL ((1u << POLICY_OUT) | (1u << POLICY_IN) | (1u << POLICY_FWD))

/* False when the selector was there already: XFRM has one policy per direction and selector. */
static bool emit(struct builder *b, unsigned dirs, enum policy_action action,
		 const struct selector *sel, const struct use *by)
{
	struct selector in = spd_inbound(sel);
	struct spd_line *line = action == POLICY_PROTECT ? by->line : NULL;

	if (find_taken(b, sel))
		return false;
	if (dirs & (1u << POLICY_OUT))
		add_policy(b, POLICY_OUT, action, sel, line);
	if (dirs & (1u << POLICY_IN))
		add_policy(b, POLICY_IN, action, &in, line);
	if (dirs & (1u << POLICY_FWD))
		add_policy(b, POLICY_FWD, action, &in, line);
	if (spd_taken_put(&b->taken, sel, by ? by : &nobody))
		b->failed = true;
	return !b->failed;
}

/* `permit ip LAN any` must leave the LAN its own router: S → S stays in clear. */
static void emit_own_network(struct builder *b, struct use *u, const struct selector *part)
{
	const struct selector *line = &u->acl->sel;
	struct selector own = selector_any(line->src.addr.family);
	struct selector sel;

	own.src = own.dst = line->src;
	if (prefix_contains(&line->dst, &line->src) && selector_intersect(part, &own, &sel))
		emit(b, DIRS_ALL, POLICY_ALLOW, &sel, u);
}

static void emit_permit(struct builder *b, struct use *u, const struct selector *part)
{
	emit_own_network(b, u, part);
	if (emit(b, DIRS_ALL, POLICY_PROTECT, part, u))
		u->n_policies++;
}

/* What the entries from the one after u's say of the packets that u denies; then clear. */
static void emit_deny(struct builder *b, struct use *u, const struct selector *denied)
{
	struct selector part;

	for (struct use *v = u + 1; v < b->uses + b->n_uses; v++) {
		if (v->entry_no == u->entry_no || b->failed ||
		    !selector_intersect(denied, &v->acl->sel, &part) || is_covered(b, &part))
			continue;
		if (v->acl->permit)
			emit_permit(b, v, &part);
		else
			emit_deny(b, v, &part);
	}
	emit(b, DIRS_ALL, POLICY_ALLOW, denied, u);
}

/* ---- what goes ahead and behind ----------------------------------------------- */

/* Neighbour and router discovery, redirects: XFRM has an ICMPv6 type as source port. */
static void emit_discovery(struct builder *b)
{
	static const struct port_range types[] = { { 133, 133 }, { 134, 135 }, { 136, 137 } };
	struct selector sel = selector_any(AF_INET6);
	bool v6 = false;

	for (unsigned i = 0; i < b->n_uses; i++)
		v6 |= b->uses[i].acl->sel.src.addr.family == AF_INET6;
	sel.proto = IPPROTO_ICMPV6;
	for (unsigned i = 0; v6 && i < sizeof(types) / sizeof(types[0]); i++) {
		sel.sport = types[i];
		/* Routers do not forward these. */
		emit(b, (1u << POLICY_OUT) | (1u << POLICY_IN), POLICY_ALLOW, &sel, NULL);
	}
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
static void emit_nat_hole(struct builder *b, const struct use *u)
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
			sel.src = prefix_host(&f->nets[j].addr);
			if (sel.src.addr.family == line->dst.addr.family &&
			    !is_link_local(&sel.src.addr) && !is_covered(b, &sel) &&
			    emit(b, 1u << POLICY_OUT, POLICY_BLOCK, &sel, u))
				b->s->policies[b->s->n_policies - 1].behind = u->line;
		}
	}
}

/* ---- lines -------------------------------------------------------------------- */

static struct spd_line *new_line(struct builder *b, const struct use *u, unsigned no)
{
	const struct map_entry *e = u->entry;
	struct spd_line *line = calloc(1, sizeof(*line));
	struct spd_note *n;

	if (!line) {
		b->failed = true;
		return NULL;
	}
	strcpy(line->map, e->map->name);
	line->seq = e->seq;
	line->no = no;
	line->sel = u->acl->sel;
	line->entry = e;
	line->reqid = b->env->reqid_for(b->env->ctx, e->map->name, e->seq, &line->sel);
	if (!line->reqid) {
		line->blocked = true;
		n = add_note(b, &u->acl->pos, &e->pos);
		if (n)
			snprintf(n->text, sizeof(n->text),
				 "all reqids are used up: the line blocks until the agent is restarted");
	}
	return line;
}

static void add_entry(struct builder *b, const struct config *c, const struct map_entry *e,
		      unsigned entry_no)
{
	bool blocked = conf_entry_incomplete(c, e);
	unsigned no = 0;

	for (unsigned i = 0; i < e->acl->n_lines && !b->failed; i++) {
		struct use *u = &b->uses[b->n_uses++];

		*u = (struct use){ .acl = &e->acl->lines[i], .entry = e, .entry_no = entry_no };
		if (u->acl->permit)
			u->line = new_line(b, u, ++no);
		if (u->line)
			u->line->blocked |= blocked;
	}
}

/* A map that stands on no interface is not in force. */
static bool is_active(const struct map_entry *e)
{
	return e->acl && e->map->n_interfaces;
}

static unsigned count_uses(const struct config *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_maps; i++) {
		for (unsigned j = 0; j < c->maps[i]->n_entries; j++) {
			const struct map_entry *e = c->maps[i]->entries[j];

			n += is_active(e) ? e->acl->n_lines : 0;
		}
	}
	return n;
}

/* Policies belong to the namespace: several maps are one list, in the order of the file. */
static void collect_uses(struct builder *b, const struct config *c)
{
	unsigned n = count_uses(c);
	unsigned entry_no = 0;

	b->uses = calloc(n + 1, sizeof(*b->uses));
	b->s->lines = calloc(n + 1, sizeof(*b->s->lines));
	b->failed = !b->uses || !b->s->lines;
	for (unsigned i = 0; i < c->n_maps && !b->failed; i++) {
		for (unsigned j = 0; j < c->maps[i]->n_entries; j++) {
			if (is_active(c->maps[i]->entries[j]))
				add_entry(b, c, c->maps[i]->entries[j], entry_no++);
		}
	}
}

static void note_taken(struct builder *b, const struct use *u, const struct use *by)
{
	char sel[SELECTOR_STRLEN];
	struct spd_note *n = add_note(b, &u->acl->pos, &by->acl->pos);

	if (!n)
		return;
	selector_print(&u->acl->sel, sel, sizeof(sel));
	if (u == by)
		snprintf(n->text, sizeof(n->text),
			 "line %u, %s, protects nothing: both ends are its own network",
			 u->acl->pos.line, sel);
	else
		snprintf(n->text, sizeof(n->text),
			 "line %u (%s %u), %s, is never used: line %u (%s %u) says the same earlier",
			 u->acl->pos.line, u->entry->map->name, u->entry->seq, sel,
			 by->acl->pos.line, by->entry->map->name, by->entry->seq);
}

static void emit_use(struct builder *b, struct use *u)
{
	const struct use *by = find_taken(b, &u->acl->sel);

	/* By a later entry's: the cascade of a deny wrote it, which is no duplicate. */
	if (by && by != &nobody && by < u && !u->n_policies)
		note_taken(b, u, by);
	if (u->acl->permit)
		emit_permit(b, u, &u->acl->sel);
	else
		emit_deny(b, u, &u->acl->sel);
	by = find_taken(b, &u->acl->sel);
	if (u->acl->permit && by == u && !u->n_policies)
		note_taken(b, u, u);
}

static int by_addr(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

static void collect_peers(struct builder *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->n_uses; i++)
		n += b->uses[i].entry->n_peers;
	b->peers = calloc(n + 1, sizeof(*b->peers));
	if (!b->peers) {
		b->failed = true;
		return;
	}
	for (unsigned i = 0; i < b->n_uses; i++) {
		const struct map_entry *e = b->uses[i].entry;

		for (unsigned j = 0; j < e->n_peers; j++)
			b->peers[b->n_peers++] = e->peers[j].addr;
	}
	qsort(b->peers, b->n_peers, sizeof(*b->peers), by_addr);
}

/* Lines that nothing stands for are no lines. */
static void keep_lines(struct builder *b)
{
	for (unsigned i = 0; i < b->n_uses; i++) {
		struct use *u = &b->uses[i];

		if (u->n_policies)
			b->s->lines[b->s->n_lines++] = u->line;
		else
			free(u->line);
	}
}

static void spread_priorities(struct builder *b)
{
	uint32_t room = (SPD_PRIORITY_LAST - SPD_PRIORITY_FIRST) / 2;
	uint32_t step = room / (b->taken.n + 1);

	if (step > SPD_PRIORITY_STEP)
		step = SPD_PRIORITY_STEP;
	for (unsigned i = 0; i < b->s->n_policies; i++)
		b->s->policies[i].p.priority =
			SPD_PRIORITY_FIRST + room + b->s->policies[i].p.priority * step;
}

struct spd *spd_compile(const struct config *c, const struct spd_env *env)
{
	struct builder b = { .env = env, .s = calloc(1, sizeof(struct spd)) };

	if (!b.s)
		return NULL;
	collect_uses(&b, c);
	if (!b.failed)
		collect_peers(&b);
	if (!b.failed)
		emit_discovery(&b);
	for (unsigned i = 0; i < b.n_uses && !b.failed; i++)
		emit_use(&b, &b.uses[i]);
	for (unsigned i = 0; i < b.n_uses && !b.failed; i++) {
		if (b.uses[i].n_policies)
			emit_nat_hole(&b, &b.uses[i]);
	}
	spread_priorities(&b);
	keep_lines(&b);
	free(b.uses);
	free(b.peers);
	spd_taken_clear(&b.taken);
	if (!b.failed)
		return b.s;
	spd_free(b.s);
	return NULL;
}
