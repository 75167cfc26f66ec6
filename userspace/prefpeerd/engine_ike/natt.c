// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/natt.h"

#include <string.h>

static int natt_hash(const uint8_t spi_i[8], const uint8_t spi_r[8], const struct endpoint *ep,
		     uint8_t out[CRYPTO_SHA1_LEN])
{
	uint8_t port[2] = { (uint8_t)(ep->port >> 8), (uint8_t)ep->port };
	struct chunk data[] = {
		{ spi_i, 8 },
		{ spi_r, 8 },
		{ ep->addr.bytes, addr_len(&ep->addr) },
		{ port, 2 },
	};

	return crypto_sha1(data, 4, out);
}

int put_natt(struct msg_out *m, const uint8_t spi_i[8], const uint8_t spi_r[8],
	     const struct endpoint *from, const struct endpoint *to)
{
	uint8_t src[CRYPTO_SHA1_LEN], dst[CRYPTO_SHA1_LEN];
	int err = natt_hash(spi_i, spi_r, from, src);

	if (!err)
		err = natt_hash(spi_i, spi_r, to, dst);
	if (err)
		return err;
	put_notify(m, N_NAT_DETECTION_SOURCE_IP, src, sizeof(src));
	put_notify(m, N_NAT_DETECTION_DESTINATION_IP, dst, sizeof(dst));
	return 0;
}

/* Several source hashes may come: a host may not know which address it will use. */
static bool any_matches(const struct payloads *p, uint16_t type, const uint8_t *hash, bool *seen)
{
	struct pld_notify n;
	bool match = false;

	*seen = false;
	for (unsigned i = 0; i < p->n; i++) {
		if (p->list[i].type != PLD_NOTIFY || notify_parse(&p->list[i], &n) ||
		    n.type != type)
			continue;
		*seen = true;
		match |= n.data.len == CRYPTO_SHA1_LEN && !memcmp(n.data.p, hash, CRYPTO_SHA1_LEN);
	}
	return match;
}

struct natt natt_judge(const struct payloads *p, const uint8_t spi_i[8], const uint8_t spi_r[8],
		       const struct endpoint *peer, const struct endpoint *local)
{
	uint8_t from[CRYPTO_SHA1_LEN], to[CRYPTO_SHA1_LEN];
	bool src_seen, dst_seen, src_match, dst_match;

	if (natt_hash(spi_i, spi_r, peer, from) || natt_hash(spi_i, spi_r, local, to))
		return (struct natt){ 0 };
	src_match = any_matches(p, N_NAT_DETECTION_SOURCE_IP, from, &src_seen);
	dst_match = any_matches(p, N_NAT_DETECTION_DESTINATION_IP, to, &dst_seen);
	if (!src_seen || !dst_seen)
		return (struct natt){ 0 };
	return (struct natt){ .seen = true, .local = !dst_match, .peer = !src_match };
}
