// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int addr_parse(const char *text, struct addr *out)
{
	struct addr a = { 0 };

	if (inet_pton(AF_INET, text, &a.v4) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a.v6) == 1)
		a.family = AF_INET6;
	else
		return -EINVAL;
	*out = a;
	return 0;
}

const char *addr_print(const struct addr *a, char *buf, size_t size)
{
	if (!addr_is_set(a) || !inet_ntop(a->family, a->bytes, buf, size))
		snprintf(buf, size, "-");
	return buf;
}

size_t addr_len(const struct addr *a)
{
	switch (a->family) {
	case AF_INET:
		return 4;
	case AF_INET6:
		return 16;
	default:
		return 0;
	}
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, addr_len(a));
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_cmp(a, b) == 0;
}

bool addr_is_set(const struct addr *a)
{
	return addr_len(a) != 0;
}

bool addr_is_unspecified(const struct addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->bytes, zero, addr_len(a)) == 0;
}

int addr_from_bytes(sa_family_t family, const uint8_t *bytes, struct addr *out)
{
	struct addr a = { .family = family };

	if (!addr_len(&a))
		return -EAFNOSUPPORT;
	memcpy(a.bytes, bytes, addr_len(&a));
	*out = a;
	return 0;
}

socklen_t addr_to_sockaddr(const struct endpoint *ep, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = ep->addr.family;
	switch (ep->addr.family) {
	case AF_INET:
		sin->sin_addr = ep->addr.v4;
		sin->sin_port = htons(ep->port);
		return sizeof(*sin);
	case AF_INET6:
		sin6->sin6_addr = ep->addr.v6;
		sin6->sin6_port = htons(ep->port);
		return sizeof(*sin6);
	default:
		return 0;
	}
}

int addr_from_sockaddr(const struct sockaddr *sa, struct endpoint *out)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)sa;
	struct endpoint ep = { .addr.family = sa->sa_family };

	switch (sa->sa_family) {
	case AF_INET:
		ep.addr.v4 = sin->sin_addr;
		ep.port = ntohs(sin->sin_port);
		break;
	case AF_INET6:
		ep.addr.v6 = sin6->sin6_addr;
		ep.port = ntohs(sin6->sin6_port);
		break;
	default:
		return -EAFNOSUPPORT;
	}
	*out = ep;
	return 0;
}

/* ---- prefixes ---------------------------------------------------------------- */

/* The bits of byte @i that belong to a prefix of @len. */
static uint8_t byte_mask(size_t i, uint8_t len)
{
	size_t bits = len > i * 8 ? len - i * 8 : 0;

	return bits >= 8 ? 0xff : (uint8_t)(0xff00 >> bits);
}

static bool has_host_bits(const struct prefix *p)
{
	for (size_t i = 0; i < addr_len(&p->addr); i++)
		if (p->addr.bytes[i] & (uint8_t)~byte_mask(i, p->len))
			return true;
	return false;
}

static int parse_len(const char *text, const struct addr *a, uint8_t *out)
{
	unsigned long v;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	v = strtoul(text, &end, 10);
	if (*end || v > addr_len(a) * 8)
		return -EINVAL;
	*out = (uint8_t)v;
	return 0;
}

int prefix_parse(const char *text, struct prefix *out)
{
	const char *slash = strchr(text, '/');
	char host[ADDR_STRLEN];
	struct prefix p = { 0 };
	size_t n = slash ? (size_t)(slash - text) : strlen(text);

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (addr_parse(host, &p.addr))
		return -EINVAL;
	p.len = (uint8_t)(addr_len(&p.addr) * 8);
	if (slash && parse_len(slash + 1, &p.addr, &p.len))
		return -EINVAL;
	if (has_host_bits(&p))
		return -ERANGE;
	*out = p;
	return 0;
}

const char *prefix_print(const struct prefix *p, char *buf, size_t size)
{
	char a[ADDR_STRLEN];

	addr_print(&p->addr, a, sizeof(a));
	if (p->len == addr_len(&p->addr) * 8)
		snprintf(buf, size, "%s", a);
	else
		snprintf(buf, size, "%s/%u", a, p->len);
	return buf;
}

struct prefix prefix_host(const struct addr *a)
{
	return (struct prefix){ .addr = *a, .len = (uint8_t)(addr_len(a) * 8) };
}

struct prefix prefix_any(sa_family_t family)
{
	return (struct prefix){ .addr.family = family };
}

struct prefix prefix_around(const struct addr *a, uint8_t len)
{
	struct prefix p = { .addr = *a, .len = len };

	for (size_t i = 0; i < addr_len(a); i++)
		p.addr.bytes[i] &= byte_mask(i, len);
	return p;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_equal(&a->addr, &b->addr);
}

bool prefix_has_addr(const struct prefix *p, const struct addr *a)
{
	if (p->addr.family != a->family || !addr_is_set(a))
		return false;
	for (size_t i = 0; i < addr_len(a); i++)
		if ((p->addr.bytes[i] ^ a->bytes[i]) & byte_mask(i, p->len))
			return false;
	return true;
}

bool prefix_contains(const struct prefix *outer, const struct prefix *inner)
{
	return outer->len <= inner->len && prefix_has_addr(outer, &inner->addr);
}

bool prefix_intersect(const struct prefix *a, const struct prefix *b, struct prefix *out)
{
	if (prefix_contains(a, b))
		*out = *b;
	else if (prefix_contains(b, a))
		*out = *a;
	else
		return false;
	return true;
}

void prefix_range(const struct prefix *p, struct addr *lo, struct addr *hi)
{
	struct addr first = p->addr, last = p->addr;

	for (size_t i = 0; i < addr_len(&p->addr); i++) {
		first.bytes[i] &= byte_mask(i, p->len);
		last.bytes[i] |= (uint8_t)~byte_mask(i, p->len);
	}
	*lo = first;
	*hi = last;
}

/* How many leading bits two addresses of one family share. */
static uint8_t common_bits(const struct addr *a, const struct addr *b)
{
	uint8_t n = 0;

	for (size_t i = 0; i < addr_len(a); i++) {
		uint8_t x = a->bytes[i] ^ b->bytes[i];

		if (!x) {
			n += 8;
			continue;
		}
		for (; !(x & 0x80); x <<= 1)
			n++;
		break;
	}
	return n;
}

int prefix_from_range(const struct addr *lo, const struct addr *hi, struct prefix *out)
{
	struct prefix p = { .addr = *lo };
	struct addr first, last;

	if (!addr_is_set(lo) || lo->family != hi->family)
		return -ERANGE;
	p.len = common_bits(lo, hi);
	prefix_range(&p, &first, &last);
	if (!addr_equal(&first, lo) || !addr_equal(&last, hi))
		return -ERANGE;
	*out = p;
	return 0;
}

/* ---- endpoints --------------------------------------------------------------- */

const char *endpoint_print(const struct endpoint *e, char *buf, size_t size)
{
	char a[ADDR_STRLEN];

	addr_print(&e->addr, a, sizeof(a));
	snprintf(buf, size, e->addr.family == AF_INET6 ? "[%s]:%u" : "%s:%u", a, e->port);
	return buf;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

const char *addr_unusable(const struct addr *a)
{
	if (addr_is_unspecified(a))
		return "is the unspecified address";
	if (a->family == AF_INET && IN_MULTICAST(ntohl(a->v4.s_addr)))
		return "is a multicast address";
	if (a->family == AF_INET && a->v4.s_addr == INADDR_BROADCAST)
		return "is the broadcast address";
	if (a->family == AF_INET6 && IN6_IS_ADDR_MULTICAST(&a->v6))
		return "is a multicast address";
	if (a->family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6))
		return "is an IPv4 address in IPv6 form";
	if (a->family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a->v6))
		return "is valid on one link only";
	return NULL;
}
