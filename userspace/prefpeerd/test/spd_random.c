// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "prefpeerd/test/spd_random.h"

#define BASE 0x0a000000u /* 10.0.0.0/28 is the world */
#define WAN_ADDR 13      /* 10.0.0.13/30 */
#define PEER_ADDR 3

static const struct port_range any_port = { 0, UINT16_MAX };

uint32_t random_next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33);
}

static struct addr host(unsigned n)
{
	return (struct addr){ .family = AF_INET, .v4.s_addr = htonl(BASE + n) };
}

static struct prefix random_prefix(uint64_t *seed)
{
	unsigned bits = random_next(seed) % 5; /* of 16 addresses */
	unsigned n = (random_next(seed) % 16) >> bits << bits;

	return (struct prefix){ host(n), (uint8_t)(32 - bits) };
}

/* Of 1..12: mostly no power of two, nor aligned. */
static struct port_range random_ports(uint64_t *seed)
{
	uint16_t lo = 1 + random_next(seed) % 9;

	return (struct port_range){ lo, lo + random_next(seed) % 4 };
}

/* Ports matter of UDP only. */
static struct selector random_selector(uint64_t *seed)
{
	struct selector s = { .sport = any_port, .dport = any_port };

	s.src = random_prefix(seed);
	s.dst = random_prefix(seed);
	if (random_next(seed) % 2)
		return s;
	s.proto = IPPROTO_UDP;
	if (random_next(seed) % 4)
		s.dport = random_ports(seed);
	if (!(random_next(seed) % 4))
		s.sport = random_ports(seed);
	return s;
}

static void make_entry(struct random_conf *r, unsigned m, unsigned e, uint64_t *seed)
{
	struct map_entry *entry = &r->entries[m][e];
	struct acl *acl = &r->acls[m][e];

	acl->family = AF_INET;
	acl->lines = r->lines[m][e];
	acl->n_lines = 1 + random_next(seed) % 4;
	for (unsigned i = 0; i < acl->n_lines; i++) {
		acl->lines[i].permit = random_next(seed) % 3;
		acl->lines[i].sel = random_selector(seed);
		acl->lines[i].pos.line = m * 100 + e * 10 + i + 1;
	}
	entry->map = &r->maps[m];
	entry->seq = (uint16_t)(10 * (e + 1));
	entry->acl = acl;
	entry->peers = &r->peer;
	entry->n_peers = 1;
	entry->sets[0] = &r->set;
	entry->n_sets = random_next(seed) % 6 ? 1 : 0; /* else incomplete */
	r->entry_ptrs[m][e] = entry;
}

void random_conf_make(struct random_conf *r, uint64_t *seed)
{
	static uint8_t secret[] = "s";

	memset(r, 0, sizeof(*r));
	r->wan = "wan";
	r->peer.addr = host(PEER_ADDR);
	r->psk.peer = prefix_any(AF_INET);
	r->psk.key.bytes = secret;
	r->psk.key.len = 1;
	r->c.psks = &r->psk;
	r->c.n_psks = 1;
	r->c.maps = r->map_ptrs;
	r->c.n_maps = 1 + random_next(seed) % 2;
	for (unsigned m = 0; m < r->c.n_maps; m++) {
		snprintf(r->maps[m].name, sizeof(r->maps[m].name), "%c", 'M' + m);
		r->maps[m].family = AF_INET;
		r->maps[m].entries = r->entry_ptrs[m];
		r->maps[m].n_entries = 1 + random_next(seed) % 3;
		r->maps[m].interfaces = &r->wan;
		r->maps[m].n_interfaces = 1;
		r->map_ptrs[m] = &r->maps[m];
		for (unsigned e = 0; e < r->maps[m].n_entries; e++)
			make_entry(r, m, e, seed);
	}
}

static uint32_t line_reqid(void *ctx, const char *map, unsigned seq, const struct selector *sel)
{
	return reqid_get(ctx, map, seq, sel);
}

struct spd *random_compile(const struct random_conf *r, struct reqid_table *t)
{
	struct prefix net = { host(WAN_ADDR), 30 };
	const struct spd_iface wan = { "wan", &net, 1 };
	const struct spd_env env = {
		.ifaces = &wan, .n_ifaces = 1, .reqid_for = line_reqid, .ctx = t };
	struct spd *s = spd_compile(&r->c, &env);

	for (unsigned i = 0; s && i < s->n_lines; i++) {
		s->lines[i]->local = host(WAN_ADDR);
		s->lines[i]->peer = host(PEER_ADDR);
	}
	return s;
}

/* The first is of TCP, the last a fragment, which has no ports: 0 for XFRM. */
struct packet random_packet(unsigned n)
{
	static const struct {
		uint8_t proto;
		uint16_t sport, dport;
	} kinds[RANDOM_KINDS] = {
		{ IPPROTO_TCP, 7, 1 }, { IPPROTO_UDP, 7, 1 }, { IPPROTO_UDP, 7, 4 },
		{ IPPROTO_UDP, 2, 6 }, { IPPROTO_UDP, 9, 9 }, { IPPROTO_UDP, 0, 0 },
	};
	unsigned kind = n / 256;

	return (struct packet){ .src = host(n % 16),
				.dst = host(n / 16 % 16),
				.proto = kinds[kind].proto,
				.sport = kinds[kind].sport,
				.dport = kinds[kind].dport };
}

struct packet packet_reverse(const struct packet *p)
{
	return (struct packet){ p->dst, p->src, p->proto, p->dport, p->sport };
}

uint32_t kernel_decides(const struct fake_spd *f, enum policy_dir dir, const struct packet *p)
{
	const struct kernel_policy *q = fake_spd_lookup(f, dir, p);

	if (!q || q->action == POLICY_ALLOW)
		return CLEAR;
	return q->action == POLICY_BLOCK ? BLOCKED : q->reqid;
}

static uint32_t line_decides(const struct random_conf *r, const struct map_entry *e,
			     const struct acl_line *l, const struct spd *s, const struct packet *p)
{
	/* Both ends in S, and D covers it: the LAN's own traffic. */
	if (prefix_contains(&l->sel.dst, &l->sel.src) && prefix_has_addr(&l->sel.src, &p->dst))
		return CLEAR;
	if (!e->n_sets)
		return BLOCKED;
	for (unsigned i = 0; i < s->n_lines; i++) {
		if (s->lines[i]->entry == e && selector_equal(&s->lines[i]->sel, &l->sel))
			return s->lines[i]->reqid;
	}
	return UINT32_MAX; /* a line that decides must be there */
}

/* Whether D lies open to a packet that source NAT gave the interface's address. */
static bool is_hole(const struct spd_line *l, const struct packet *p)
{
	struct prefix net = { host(WAN_ADDR & ~3u), 30 };
	struct addr wan = host(WAN_ADDR), peer = host(PEER_ADDR);
	struct selector sel = l->sel;
	struct packet q = *p;

	q.src = sel.src.addr;
	sel.sport = any_port; /* NAT chooses it */
	return addr_equal(&p->src, &wan) && packet_matches(&q, &sel) &&
	       !prefix_contains(&l->sel.dst, &net) && !prefix_has_addr(&l->sel.dst, &peer);
}

/* A fragment matches a permit by its addresses and protocol, and no deny with ports. */
static bool line_matches(const struct acl_line *l, const struct packet *p)
{
	struct selector sel = l->sel;

	if (l->permit && !p->sport && !p->dport)
		sel.sport = sel.dport = any_port;
	return packet_matches(p, &sel);
}

/* The entry's verdict: its first line that matches. False: ask the next entry. */
static bool entry_decides(const struct random_conf *r, const struct map_entry *e,
			  const struct spd *s, const struct packet *p, uint32_t *out)
{
	for (unsigned i = 0; i < e->acl->n_lines; i++) {
		const struct acl_line *l = &e->acl->lines[i];

		if (!line_matches(l, p))
			continue;
		if (l->permit)
			*out = line_decides(r, e, l, s, p);
		return l->permit;
	}
	return false;
}

static bool is_denied(const struct random_conf *r, const struct packet *p)
{
	for (unsigned m = 0; m < r->c.n_maps; m++) {
		for (unsigned e = 0; e < r->maps[m].n_entries; e++) {
			const struct acl *acl = r->entries[m][e].acl;

			for (unsigned i = 0; i < acl->n_lines; i++) {
				if (!acl->lines[i].permit && packet_matches(p, &acl->lines[i].sel))
					return true;
			}
		}
	}
	return false;
}

uint32_t ios_decides(const struct random_conf *r, const struct spd *s, const struct packet *p,
		     bool nat)
{
	uint32_t out;

	for (unsigned m = 0; m < r->c.n_maps; m++) {
		for (unsigned e = 0; e < r->maps[m].n_entries; e++) {
			if (entry_decides(r, &r->entries[m][e], s, p, &out))
				return out;
		}
	}
	/* What a deny names stays clear; the block is last in order. */
	if (!nat || is_denied(r, p))
		return CLEAR;
	for (unsigned i = 0; i < s->n_lines; i++) {
		if (is_hole(s->lines[i], p))
			return BLOCKED;
	}
	return CLEAR;
}
