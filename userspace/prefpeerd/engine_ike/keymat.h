/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Key derivation of RFC 7296 §2.14, §2.17 and §2.18. Pure. */
#ifndef ENGINE_IKE_KEYMAT_H
#define ENGINE_IKE_KEYMAT_H

#include "prefpeerd/engine_ike/crypto.h"

/* Keys of one direction of an IKE SA. */
struct ike_dir_keys {
	uint8_t a[CRYPTO_KEY_MAX]; /* SK_a, empty with AEAD */
	uint8_t e[CRYPTO_KEY_MAX]; /* SK_e, with the salt of AEAD */
	uint8_t p[CRYPTO_PRF_MAX]; /* SK_p */
};

struct ike_keys {
	uint8_t d[CRYPTO_PRF_MAX]; /* SK_d */
	struct ike_dir_keys i, r;
};

/* Keys of one ESP SA; encr as the kernel wants it (GCM: key | salt). */
struct esp_keys {
	uint8_t encr[CRYPTO_KEY_MAX], integ[CRYPTO_KEY_MAX];
	size_t encr_len, integ_len;
};

/* SKEYSEED = prf(Ni | Nr, g^ir); {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr}. */
int ike_keys_derive(const struct ike_suite *suite, struct chunk ni, struct chunk nr,
		    struct chunk shared, const uint8_t spi_i[8], const uint8_t spi_r[8],
		    struct ike_keys *out);

/*
 * The same when an IKE SA is rekeyed (§2.18): SKEYSEED = prf(SK_d of the old one, g^ir | Ni | Nr),
 * with the old one's prf.
 */
int ike_keys_rekey(enum ike_prf old_prf, const uint8_t *old_sk_d, const struct ike_suite *suite,
		   struct chunk ni, struct chunk nr, struct chunk shared, const uint8_t spi_i[8],
		   const uint8_t spi_r[8], struct ike_keys *out);

/* KEYMAT = prf+(SK_d, [g^ir |] Ni | Nr): first initiator → responder, then the other way. */
int esp_keys_derive(enum ike_prf prf, const uint8_t *sk_d, const struct esp_suite *suite,
		    struct chunk shared, struct chunk ni, struct chunk nr, struct esp_keys *i2r,
		    struct esp_keys *r2i);

#endif
