/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP addresses, prefixes and UDP endpoints of either family. */
#ifndef LIB_ADDR_H
#define LIB_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	sa_family_t family; /* AF_INET, AF_INET6, or AF_UNSPEC = no address */
	union {
		struct in_addr v4;
		struct in6_addr v6;
		uint8_t bytes[16];
	};
};

struct prefix {
	struct addr addr; /* bits beyond len are zero */
	uint8_t len;      /* 0..32 or 0..128 */
};

struct endpoint {
	struct addr addr;
	uint16_t port; /* host order */
};

#define ADDR_STRLEN 46
#define PREFIX_STRLEN (ADDR_STRLEN + 4)
#define ENDPOINT_STRLEN (ADDR_STRLEN + 8)

/* Numeric form only. 0, or -EINVAL with *out untouched. */
int addr_parse(const char *text, struct addr *out);
/* Returns buf (ADDR_STRLEN bytes at least); AF_UNSPEC prints "-". */
const char *addr_print(const struct addr *a, char *buf, size_t size);
bool addr_equal(const struct addr *a, const struct addr *b);
/* Family first, then bytes: <0, 0, >0. */
int addr_cmp(const struct addr *a, const struct addr *b);
bool addr_is_set(const struct addr *a);
/* 0.0.0.0 or ::, or no address. */
bool addr_is_unspecified(const struct addr *a);
/* 4 or 16 bytes; 0 for AF_UNSPEC. */
size_t addr_len(const struct addr *a);
int addr_from_bytes(sa_family_t family, const uint8_t *bytes, struct addr *out);
socklen_t addr_to_sockaddr(const struct endpoint *ep, struct sockaddr_storage *ss);
int addr_from_sockaddr(const struct sockaddr *sa, struct endpoint *out);

/* "A" (a host) or "A/len". 0, -EINVAL (not an address or length), -ERANGE (bits beyond len). */
int prefix_parse(const char *text, struct prefix *out);
/* Hosts print without a length. */
const char *prefix_print(const struct prefix *p, char *buf, size_t size);
struct prefix prefix_host(const struct addr *a);
struct prefix prefix_any(sa_family_t family);
/* The prefix of that length with @a in it. */
struct prefix prefix_around(const struct addr *a, uint8_t len);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
bool prefix_contains(const struct prefix *outer, const struct prefix *inner);
bool prefix_has_addr(const struct prefix *p, const struct addr *a);
/* Prefixes intersect when one contains the other: then *out is the smaller. */
bool prefix_intersect(const struct prefix *a, const struct prefix *b, struct prefix *out);
/* First and last address. */
void prefix_range(const struct prefix *p, struct addr *lo, struct addr *hi);
/* -ERANGE when lo..hi is no single prefix. */
int prefix_from_range(const struct addr *lo, const struct addr *hi, struct prefix *out);

/* "A:port" or "[A]:port". */
const char *endpoint_print(const struct endpoint *e, char *buf, size_t size);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* Why no peer can have this address ("is a multicast address"), or NULL. */
const char *addr_unusable(const struct addr *a);

#endif
