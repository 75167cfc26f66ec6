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

struct selector selector_reverse(const struct selector *s)
{
	return (struct selector){
		.src = s->dst,
		.dst = s->src,
		.proto = s->proto,
		.sport = s->dport,
		.dport = s->sport,
	};
}

void selector_to_ts(const struct selector *s, struct ts *tsi, struct ts *tsr)
{
	struct ts i = { .proto = s->proto, .port = s->sport };
	struct ts r = { .proto = s->proto, .port = s->dport };

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
	*out = s;
	return 0;
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
