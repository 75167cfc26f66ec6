/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What AUTH covers, and its value with a pre-shared key, RFC 7296 §2.15. Pure. */
#ifndef ENGINE_IKE_AUTH_H
#define ENGINE_IKE_AUTH_H

#include "prefpeerd/engine_ike/crypto.h"

struct auth_in {
	enum ike_prf prf;
	struct chunk psk;
	struct chunk message; /* the signer's IKE_SA_INIT message, whole */
	struct chunk nonce;   /* of the other side */
	struct chunk id_body; /* the signer's ID payload without generic header */
	const uint8_t *sk_p;  /* the signer's */
};

/* <SignedOctets> in three parts; the last one is in @maced_id. */
int auth_octets(const struct auth_in *in, uint8_t maced_id[CRYPTO_PRF_MAX], struct chunk out[3]);
/* prf(prf(psk, "Key Pad for IKEv2"), message | nonce | prf(SK_p, id)): prf_len bytes. */
int auth_psk(const struct auth_in *in, uint8_t out[CRYPTO_PRF_MAX]);

#endif
