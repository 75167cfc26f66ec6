// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/keymat.h"

#include <errno.h>
#include <string.h>

#include "lib/rdr.h"

static void deal(const struct ike_suite *suite, const uint8_t *stream, size_t len,
		 struct ike_keys *out)
{
	size_t p = prf_len(suite->prf), a = integ_key_len(suite->integ);
	size_t e = encr_keymat_len(suite->encr, suite->key_bits);
	struct rdr r;

	rdr_init(&r, stream, len);
	rdr_copy(&r, out->d, p);
	rdr_copy(&r, out->i.a, a);
	rdr_copy(&r, out->r.a, a);
	rdr_copy(&r, out->i.e, e);
	rdr_copy(&r, out->r.e, e);
	rdr_copy(&r, out->i.p, p);
	rdr_copy(&r, out->r.p, p);
}

/* prf+(SKEYSEED, Ni | Nr | SPIi | SPIr), dealt. */
static int expand(const struct ike_suite *suite, struct chunk seed, struct chunk ni,
		  struct chunk nr, const uint8_t spi_i[8], const uint8_t spi_r[8],
		  struct ike_keys *out)
{
	struct chunk parts[] = { ni, nr, { spi_i, 8 }, { spi_r, 8 } };
	uint8_t stream[7 * CRYPTO_KEY_MAX];
	size_t p = prf_len(suite->prf);
	size_t len = 3 * p + 2 * integ_key_len(suite->integ) +
		     2 * encr_keymat_len(suite->encr, suite->key_bits);
	int err;

	if (!p || len > sizeof(stream))
		return -EINVAL;
	err = crypto_prf_plus(suite->prf, seed, parts, 4, stream, len);
	if (!err)
		deal(suite, stream, len, out);
	crypto_wipe(stream, sizeof(stream));
	return err;
}

int ike_keys_derive(const struct ike_suite *suite, struct chunk ni, struct chunk nr,
		    struct chunk shared, const uint8_t spi_i[8], const uint8_t spi_r[8],
		    struct ike_keys *out)
{
	uint8_t nonces[512], seed[CRYPTO_PRF_MAX];
	int err;

	if (!prf_len(suite->prf) || ni.len + nr.len > sizeof(nonces))
		return -EINVAL;
	memcpy(nonces, ni.p, ni.len);
	memcpy(nonces + ni.len, nr.p, nr.len);
	err = crypto_prf(suite->prf, (struct chunk){ nonces, ni.len + nr.len }, &shared, 1, seed);
	if (!err)
		err = expand(suite, (struct chunk){ seed, prf_len(suite->prf) }, ni, nr, spi_i,
			     spi_r, out);
	crypto_wipe(seed, sizeof(seed));
	return err;
}

int ike_keys_rekey(enum ike_prf old_prf, const uint8_t *old_sk_d, const struct ike_suite *suite,
		   struct chunk ni, struct chunk nr, struct chunk shared, const uint8_t spi_i[8],
		   const uint8_t spi_r[8], struct ike_keys *out)
{
	struct chunk parts[] = { shared, ni, nr };
	uint8_t seed[CRYPTO_PRF_MAX];
	size_t len = prf_len(old_prf);
	int err = -EINVAL;

	if (len)
		err = crypto_prf(old_prf, (struct chunk){ old_sk_d, len }, parts, 3, seed);
	if (!err)
		err = expand(suite, (struct chunk){ seed, len }, ni, nr, spi_i, spi_r, out);
	crypto_wipe(seed, sizeof(seed));
	return err;
}

static void deal_esp(struct rdr *r, const struct esp_suite *suite, struct esp_keys *out)
{
	out->encr_len = encr_keymat_len(suite->encr, suite->key_bits);
	out->integ_len = integ_key_len(suite->integ);
	rdr_copy(r, out->encr, out->encr_len);
	rdr_copy(r, out->integ, out->integ_len);
}

int esp_keys_derive(enum ike_prf prf, const uint8_t *sk_d, const struct esp_suite *suite,
		    struct chunk shared, struct chunk ni, struct chunk nr, struct esp_keys *i2r,
		    struct esp_keys *r2i)
{
	struct chunk parts[] = { shared, ni, nr };
	uint8_t stream[4 * CRYPTO_KEY_MAX];
	size_t len =
		2 * (encr_keymat_len(suite->encr, suite->key_bits) + integ_key_len(suite->integ));
	struct rdr r;
	int err;

	if (len > sizeof(stream))
		return -EINVAL;
	err = crypto_prf_plus(prf, (struct chunk){ sk_d, prf_len(prf) }, parts, 3, stream, len);
	if (!err) {
		rdr_init(&r, stream, len);
		deal_esp(&r, suite, i2r);
		deal_esp(&r, suite, r2i);
	}
	/* Of a derivation that failed half way too: what it has written is keys. */
	crypto_wipe(stream, sizeof(stream));
	return err;
}
