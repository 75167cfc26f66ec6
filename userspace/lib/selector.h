/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a crypto access list line, an XFRM policy and a pair of IKEv2 traffic
 * selectors have in common: two prefixes, a protocol and two port ranges.
 */
#ifndef LIB_SELECTOR_H
#define LIB_SELECTOR_H

#include "lib/addr.h"

struct port_range {
	uint16_t lo, hi; /* host order, inclusive; 0..65535 = any */
};

struct selector {
	struct prefix src, dst;
	uint8_t proto; /* 0 = any (permit ip|ipv6) */
	struct port_range sport, dport; /* ICMP, as XFRM has it: type and code */
};

#define SELECTOR_STRLEN (2 * PREFIX_STRLEN + 64)

/*
 * One traffic selector as RFC 7296 §3.13.1 has it: an inclusive address range. The port
 * of ICMP is type · 256 + code.
 */
struct ts {
	uint8_t proto;
	struct port_range port;
	struct addr lo, hi;
};

#define TS_STRLEN (2 * ADDR_STRLEN + 32)

struct selector selector_any(sa_family_t family);
bool selector_equal(const struct selector *a, const struct selector *b);
bool selector_contains(const struct selector *outer, const struct selector *inner);
bool selector_intersect(const struct selector *a, const struct selector *b, struct selector *out);
/* src and dst, sport and dport exchanged: the inbound view. ICMP's type and code stay. */
struct selector selector_reverse(const struct selector *s);
/* "192.168.1.0/24 → 192.168.2.0/24", with "udp 500 →" forms where not any. */
const char *selector_print(const struct selector *s, char *buf, size_t size);
/* src side → *tsi, dst side → *tsr. */
void selector_to_ts(const struct selector *s, struct ts *tsi, struct ts *tsr);
/*
 * -ERANGE when a range is no single prefix, or ICMP's is not of one type, nor of whole
 * types; -EAFNOSUPPORT on mixed families.
 */
int selector_from_ts(const struct ts *tsi, const struct ts *tsr, struct selector *out);

/*
 * XFRM knows ports by mask: ranges of 2^n ports that begin at a multiple of that. Such a
 * block of @r: the largest with @want in it (NULL, or outside of @r: the largest of all,
 * the lowest of those).
 */
struct port_range ports_block(const struct port_range *r, const uint16_t *want);
#define PORT_BLOCKS_MAX 30 /* 1..65534 takes that many */
/* All of @r in blocks, ascending; how many. @r is not OPAQUE. */
unsigned ports_split(const struct port_range *r, struct port_range out[PORT_BLOCKS_MAX]);
/*
 * The part of @s that one selector of XFRM can say, with the packet @flow in it if @s has
 * it (NULL: none asked).
 */
struct selector selector_block(const struct selector *s, const struct selector *flow);

/* All of a selector in such parts. */
struct selector_blocks {
	struct selector sel;
	struct port_range sport[PORT_BLOCKS_MAX], dport[PORT_BLOCKS_MAX];
	unsigned n_sport, n_dport, at;
};

/* Neither range is OPAQUE. */
struct selector_blocks selector_blocks(const struct selector *s);
/* False: there is none left. */
bool selector_next_block(struct selector_blocks *x, struct selector *out);

bool ts_equal(const struct ts *a, const struct ts *b);
bool ts_contains(const struct ts *outer, const struct ts *inner);
bool ts_intersect(const struct ts *a, const struct ts *b, struct ts *out);
const char *ts_print(const struct ts *t, char *buf, size_t size);

#endif
