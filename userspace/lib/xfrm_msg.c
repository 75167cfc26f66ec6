// SPDX-License-Identifier: GPL-2.0-or-later
/* What all XFRM messages share: addresses, selectors, attributes. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "lib/xfrm_msg.h"

void xfrm_put_addr(const struct addr *a, xfrm_address_t *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out, a->bytes, addr_len(a));
}

struct addr xfrm_get_addr(const xfrm_address_t *a, sa_family_t family)
{
	struct addr out = { .family = AF_UNSPEC };

	if (family == AF_INET || family == AF_INET6)
		addr_from_bytes(family, (const uint8_t *)a, &out);
	return out;
}

bool xfrm_port_range_ok(const struct port_range *r)
{
	uint32_t size = (uint32_t)r->hi - r->lo + 1;

	return r->hi >= r->lo && !(size & (size - 1)) && !(r->lo & (size - 1));
}

static int put_ports(const struct port_range *r, __be16 *port, __be16 *mask)
{
	if (!xfrm_port_range_ok(r))
		return -ERANGE;
	*port = htons(r->lo);
	*mask = htons((uint16_t)~(uint32_t)(r->hi - r->lo));
	return 0;
}

static int get_ports(__be16 port, __be16 mask, struct port_range *out)
{
	uint16_t m = ntohs(mask);
	uint16_t span = (uint16_t)~m;

	if (span & (span + 1))
		return -ERANGE;
	out->lo = ntohs(port) & m;
	out->hi = out->lo | span;
	return 0;
}

int xfrm_put_selector(const struct selector *s, struct xfrm_selector *out)
{
	int err;

	if (s->src.addr.family != s->dst.addr.family)
		return -EAFNOSUPPORT;
	memset(out, 0, sizeof(*out));
	xfrm_put_addr(&s->src.addr, &out->saddr);
	xfrm_put_addr(&s->dst.addr, &out->daddr);
	out->prefixlen_s = s->src.len;
	out->prefixlen_d = s->dst.len;
	out->family = s->src.addr.family;
	out->proto = s->proto;
	err = put_ports(&s->sport, &out->sport, &out->sport_mask);
	return err ? err : put_ports(&s->dport, &out->dport, &out->dport_mask);
}

/* Bits beyond the length are cleared: our prefixes are canonical, another's may not be. */
static struct prefix get_prefix(const xfrm_address_t *a, uint8_t len, sa_family_t family)
{
	struct prefix p = { .addr = xfrm_get_addr(a, family), .len = len };
	size_t bytes = addr_len(&p.addr);

	if (len > bytes * 8)
		p.len = (uint8_t)(bytes * 8);
	for (size_t i = 0; i < bytes; i++) {
		int keep = (int)p.len - (int)i * 8;

		if (keep < 8)
			p.addr.bytes[i] &= keep <= 0 ? 0 : (uint8_t)(0xff << (8 - keep));
	}
	return p;
}

int xfrm_get_selector(const struct xfrm_selector *s, struct selector *out)
{
	int err;

	if (s->family != AF_INET && s->family != AF_INET6) {
		*out = (struct selector){ .sport = { 0, 0xffff }, .dport = { 0, 0xffff } };
		return 0;
	}
	out->src = get_prefix(&s->saddr, s->prefixlen_s, s->family);
	out->dst = get_prefix(&s->daddr, s->prefixlen_d, s->family);
	out->proto = s->proto;
	err = get_ports(s->sport, s->sport_mask, &out->sport);
	return err ? err : get_ports(s->dport, s->dport_mask, &out->dport);
}

const void *xfrm_attr(const struct nlmsghdr *nlh, size_t hdrlen, uint16_t type, size_t min)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, hdrlen) {
		if (mnl_attr_get_type(attr) == type && mnl_attr_get_payload_len(attr) >= min)
			return mnl_attr_get_payload(attr);
	}
	return NULL;
}

void xfrm_wipe(void *buf, size_t len)
{
	explicit_bzero(buf, len);
}
