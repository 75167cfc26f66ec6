/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NAT detection, RFC 7296 §2.23. Pure. */
#ifndef ENGINE_IKE_NATT_H
#define ENGINE_IKE_NATT_H

#include "prefpeerd/engine_ike/payload.h"

#define NATT_KEEPALIVE_MS 20000 /* RFC 3948 §4 */

struct natt {
	bool seen;  /* the peer does NAT detection at all */
	bool local; /* we are behind one */
	bool peer;  /* the peer is */
};

/* Both notifies of an IKE_SA_INIT from @from to @to. */
int put_natt(struct msg_out *m, const uint8_t spi_i[8], const uint8_t spi_r[8],
	     const struct endpoint *from, const struct endpoint *to);
/* What the notifies of a received message say; @peer and @local as the packet had them. */
struct natt natt_judge(const struct payloads *p, const uint8_t spi_i[8], const uint8_t spi_r[8],
		       const struct endpoint *peer, const struct endpoint *local);

#endif
