/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a ruleset of nftables (`nft -j list ruleset`) does with one kind of packet. Not
 * every expression is understood: where one that is not decides, the answer says so.
 */
#ifndef PREFPEER_NFT_EVAL_H
#define PREFPEER_NFT_EVAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

/* A packet, or all between two networks. */
struct nft_packet {
	const char *iif, *oif; /* NULL: none */
	struct prefix src, dst; /* family 0: any */
	uint8_t proto;	       /* IPPROTO_*; 0: any */
	uint16_t port;	       /* source and destination; 0: any */
	bool to_ipsec;	       /* `rt ipsec exists`: a policy takes it */
	bool from_ipsec;       /* `meta ipsec exists`: decapsulated here */
	bool answer;	       /* of a connection that conntrack knows */
};

enum nft_verdict { NFT_PASS, NFT_DROP, NFT_NAT };

struct nft_result {
	enum nft_verdict verdict;
	bool certain;	       /* no rule that was not understood could change it */
	const json_t *rule;    /* that decided, or might; NULL: none, or the base chain's policy */
	const json_t *base;    /* by which base chain; NULL: there is none */
};

/* Every base chain of @type at @hook, by priority. */
struct nft_result nft_ask(const json_t *ruleset, const char *type, const char *hook,
			  const struct nft_packet *p);
/* Whether a rule anywhere sets the maximum segment size. */
bool nft_clamps_mss(const json_t *ruleset);
/* "ip nat postrouting, handle 7" */
const char *nft_place(const struct nft_result *r, char *buf, size_t size);
/* "inet filter input": the base chain, for a rule that stands ahead of all of it. */
const char *nft_base(const struct nft_result *r, char *buf, size_t size);

#endif
