// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/selector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct port_range any_port = { 0, UINT16_MAX };

/* ---- ports, protocols ---------------------------------------------------------- */

static bool port_equal(const struct port_range *a, const struct port_range *b)
{
	return a->lo == b->lo && a->hi == b->hi;
}

static bool port_is_any(const struct port_range *p)
{
	return port_equal(p, &any_port);
}

/* RFC 7296 §3.13.1: 65535..0 is OPAQUE, part of nothing but ANY and itself. */
static bool port_is_opaque(const struct port_range *p)
{
	return p->lo > p->hi;
}

static bool port_contains(const struct port_range *outer, const struct port_range *inner)
{
	if (port_is_opaque(outer) || port_is_opaque(inner))
		return port_is_any(outer) || port_equal(outer, inner);
	return outer->lo <= inner->lo && inner->hi <= outer->hi;
}

static bool port_intersect(const struct port_range *a, const struct port_range *b,
			   struct port_range *out)
{
	struct port_range r;

	if (port_contains(a, b)) {
		*out = *b;
		return true;
	}
	if (port_contains(b, a)) {
		*out = *a;
		return true;
	}
	if (port_is_opaque(a) || port_is_opaque(b))
		return false;
	r.lo = a->lo > b->lo ? a->lo : b->lo;
	r.hi = a->hi < b->hi ? a->hi : b->hi;
	if (r.lo > r.hi)
		return false;
	*out = r;
	return true;
}

static bool proto_contains(uint8_t outer, uint8_t inner)
{
	return !outer || outer == inner;
}

static bool proto_intersect(uint8_t a, uint8_t b, uint8_t *out)
{
	if (a && b && a != b)
		return false;
	*out = a ? a : b;
	return true;
}

/* ---- printing ------------------------------------------------------------------ */

/* "", " 500", " 500-600", " opaque" */
static const char *port_print(const struct port_range *p, char *buf, size_t size)
{
	if (port_is_any(p))
		snprintf(buf, size, "%s", "");
	else if (port_is_opaque(p))
		snprintf(buf, size, " opaque");
	else if (p->lo == p->hi)
		snprintf(buf, size, " %u", p->lo);
	else
		snprintf(buf, size, " %u-%u", p->lo, p->hi);
	return buf;
}

/* "" for any, else " udp", " 89" */
static const char *proto_print(uint8_t proto, char *buf, size_t size)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} names[] = {
		{ IPPROTO_ICMP, "icmp" }, { IPPROTO_TCP, "tcp" },	{ IPPROTO_UDP, "udp" },
		{ IPPROTO_GRE, "gre" },	  { IPPROTO_ICMPV6, "icmpv6" }, { IPPROTO_SCTP, "sctp" },
	};

	if (!proto) {
		snprintf(buf, size, "%s", "");
		return buf;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].proto == proto) {
			snprintf(buf, size, " %s", names[i].name);
			return buf;
		}
	}
	snprintf(buf, size, " %u", proto);
	return buf;
}

const char *selector_print(const struct selector *s, char *buf, size_t size)
{
	char src[PREFIX_STRLEN], dst[PREFIX_STRLEN], proto[16], sport[16], dport[16];

	snprintf(buf, size, "%s%s%s → %s%s", prefix_print(&s->src, src, sizeof(src)),
		 proto_print(s->proto, proto, sizeof(proto)),
		 port_print(&s->sport, sport, sizeof(sport)),
		 prefix_print(&s->dst, dst, sizeof(dst)),
		 port_print(&s->dport, dport, sizeof(dport)));
	return buf;
}

const char *ts_print(const struct ts *t, char *buf, size_t size)
{
	char lo[PREFIX_STRLEN], hi[ADDR_STRLEN], proto[16], port[16];
	struct prefix p;

	proto_print(t->proto, proto, sizeof(proto));
	port_print(&t->port, port, sizeof(port));
	if (!prefix_from_range(&t->lo, &t->hi, &p))
		snprintf(buf, size, "%s%s%s", prefix_print(&p, lo, sizeof(lo)), proto, port);
	else
		snprintf(buf, size, "%s-%s%s%s", addr_print(&t->lo, lo, sizeof(lo)),
			 addr_print(&t->hi, hi, sizeof(hi)), proto, port);
	return buf;
}

/* ---- selectors ----------------------------------------------------------------- */

struct selector selector_any(sa_family_t family)
{
	return (struct selector){
		.src = prefix_any(family),
		.dst = prefix_any(family),
		.sport = any_port,
		.dport = any_port,
	};
}

bool selector_equal(const struct selector *a, const struct selector *b)
{
	return a->proto == b->proto && prefix_equal(&a->src, &b->src) &&
	       prefix_equal(&a->dst, &b->dst) && port_equal(&a->sport, &b->sport) &&
	       port_equal(&a->dport, &b->dport);
}

bool selector_contains(const struct selector *outer, const struct selector *inner)
{
	return proto_contains(outer->proto, inner->proto) &&
	       prefix_contains(&outer->src, &inner->src) &&
	       prefix_contains(&outer->dst, &inner->dst) &&
	       port_contains(&outer->sport, &inner->sport) &&
	       port_contains(&outer->dport, &inner->dport);
}

bool selector_intersect(const struct selector *a, const struct selector *b, struct selector *out)
{
	struct selector s;

	if (!proto_intersect(a->proto, b->proto, &s.proto) ||
	    !prefix_intersect(&a->src, &b->src, &s.src) ||
	    !prefix_intersect(&a->dst, &b->dst, &s.dst) ||
	    !port_intersect(&a->sport, &b->sport, &s.sport) ||
	    !port_intersect(&a->dport, &b->dport, &s.dport))
		return false;
	*out = s;
	return true;
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

struct selector selector_reverse(const struct selector *s)
{
	return (struct selector){
		.src = s->dst,
		.dst = s->src,
		.proto = s->proto,
		.sport = is_icmp(s->proto) ? s->sport : s->dport,
		.dport = is_icmp(s->proto) ? s->dport : s->sport,
	};
}

/* ---- ICMP: type · 256 + code, or type and code ------------------------------------- */

static struct port_range icmp_to_ts(const struct port_range *type, const struct port_range *code)
{
	if (port_is_any(type) && port_is_any(code))
		return any_port;
	/* Codes of several types are no range: all codes of them then. */
	if (port_is_any(code) || type->lo != type->hi)
		return (struct port_range){ (uint16_t)(type->lo << 8), (uint16_t)(type->hi << 8 | 0xff) };
	return (struct port_range){ (uint16_t)(type->lo << 8 | code->lo),
				    (uint16_t)(type->lo << 8 | code->hi) };
}

static int icmp_from_ts(const struct port_range *ts, struct port_range *type,
			struct port_range *code)
{
	*type = (struct port_range){ ts->lo >> 8, ts->hi >> 8 };
	*code = (struct port_range){ ts->lo & 0xff, ts->hi & 0xff };
	if (port_is_any(ts)) {
		*type = *code = any_port;
		return 0;
	}
	if (code->lo == 0 && code->hi == 0xff)
		*code = any_port;
	else if (type->lo != type->hi)
		return -ERANGE;
	return 0;
}

/* Both selectors say it, or one of them says "any". */
static int icmp_ports(const struct ts *tsi, const struct ts *tsr, struct selector *s)
{
	struct port_range both;

	if (port_is_opaque(&tsi->port) || port_is_opaque(&tsr->port) ||
	    !port_intersect(&tsi->port, &tsr->port, &both))
		return -ERANGE;
	return icmp_from_ts(&both, &s->sport, &s->dport);
}

void selector_to_ts(const struct selector *s, struct ts *tsi, struct ts *tsr)
{
	struct ts i = { .proto = s->proto, .port = s->sport };
	struct ts r = { .proto = s->proto, .port = s->dport };

	if (is_icmp(s->proto))
		i.port = r.port = icmp_to_ts(&s->sport, &s->dport);

	prefix_range(&s->src, &i.lo, &i.hi);
	prefix_range(&s->dst, &r.lo, &r.hi);
	*tsi = i;
	*tsr = r;
}

int selector_from_ts(const struct ts *tsi, const struct ts *tsr, struct selector *out)
{
	struct selector s = { .sport = tsi->port, .dport = tsr->port };

	if (tsi->lo.family != tsr->lo.family)
		return -EAFNOSUPPORT;
	if (!proto_intersect(tsi->proto, tsr->proto, &s.proto))
		return -ERANGE;
	if (prefix_from_range(&tsi->lo, &tsi->hi, &s.src) ||
	    prefix_from_range(&tsr->lo, &tsr->hi, &s.dst))
		return -ERANGE;
	if (is_icmp(s.proto) && icmp_ports(tsi, tsr, &s))
		return -ERANGE;
	*out = s;
	return 0;
}

/* ---- ports by mask ------------------------------------------------------------------ */

/* The largest block that begins at @lo and ends by @hi. */
static struct port_range block_at(uint32_t lo, uint32_t hi)
{
	uint32_t size = 1;

	while (size <= UINT16_MAX && !(lo & (2 * size - 1)) && lo + 2 * size - 1 <= hi)
		size *= 2;
	return (struct port_range){ (uint16_t)lo, (uint16_t)(lo + size - 1) };
}

unsigned ports_split(const struct port_range *r, struct port_range out[PORT_BLOCKS_MAX])
{
	unsigned n = 0;

	for (uint32_t lo = r->lo; lo <= r->hi; lo = (uint32_t)out[n++].hi + 1)
		out[n] = block_at(lo, r->hi);
	return n;
}

struct port_range ports_block(const struct port_range *r, const uint16_t *want)
{
	struct port_range list[PORT_BLOCKS_MAX], best = *r;
	unsigned n = ports_split(r, list);

	for (unsigned i = 0; i < n; i++) {
		if (want && list[i].lo <= *want && *want <= list[i].hi)
			return list[i];
		if (!i || list[i].hi - list[i].lo > best.hi - best.lo)
			best = list[i];
	}
	return best;
}

struct selector selector_block(const struct selector *s, const struct selector *flow)
{
	bool inside = flow && selector_contains(s, flow);
	struct selector out = *s;

	if (!port_is_opaque(&s->sport))
		out.sport = ports_block(&s->sport, inside ? &flow->sport.lo : NULL);
	if (!port_is_opaque(&s->dport))
		out.dport = ports_block(&s->dport, inside ? &flow->dport.lo : NULL);
	return out;
}

struct selector_blocks selector_blocks(const struct selector *s)
{
	struct selector_blocks x = { .sel = *s };

	x.n_sport = ports_split(&s->sport, x.sport);
	x.n_dport = ports_split(&s->dport, x.dport);
	return x;
}

bool selector_next_block(struct selector_blocks *x, struct selector *out)
{
	if (x->at == x->n_sport * x->n_dport)
		return false;
	*out = x->sel;
	out->sport = x->sport[x->at / x->n_dport];
	out->dport = x->dport[x->at % x->n_dport];
	x->at++;
	return true;
}

/* ---- single traffic selectors -------------------------------------------------- */

bool ts_equal(const struct ts *a, const struct ts *b)
{
	return a->proto == b->proto && port_equal(&a->port, &b->port) &&
	       addr_equal(&a->lo, &b->lo) && addr_equal(&a->hi, &b->hi);
}

bool ts_contains(const struct ts *outer, const struct ts *inner)
{
	return outer->lo.family == inner->lo.family && proto_contains(outer->proto, inner->proto) &&
	       port_contains(&outer->port, &inner->port) && addr_cmp(&outer->lo, &inner->lo) <= 0 &&
	       addr_cmp(&inner->hi, &outer->hi) <= 0;
}

bool ts_intersect(const struct ts *a, const struct ts *b, struct ts *out)
{
	struct ts t;

	if (a->lo.family != b->lo.family || !proto_intersect(a->proto, b->proto, &t.proto) ||
	    !port_intersect(&a->port, &b->port, &t.port))
		return false;
	t.lo = addr_cmp(&a->lo, &b->lo) > 0 ? a->lo : b->lo;
	t.hi = addr_cmp(&a->hi, &b->hi) < 0 ? a->hi : b->hi;
	if (addr_cmp(&t.lo, &t.hi) > 0)
		return false;
	*out = t;
	return true;
}
