// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/cookie.h"

#include <errno.h>

static int new_secret(struct cookie_jar *jar, uint8_t version)
{
	int err = crypto_random(jar->secret[version & 1], sizeof(jar->secret[0]));

	if (!err)
		jar->version = version;
	return err;
}

/* After a pause of two lives both secrets are renewed, or an old cookie would come alive. */
static int rotate(struct cookie_jar *jar, mono_t now)
{
	int64_t age = mono_diff_ms(now, jar->since);
	int err = 0;

	if (mono_is_set(jar->since) && age < COOKIE_SECRET_MS)
		return 0;
	if (!mono_is_set(jar->since) || age >= 2 * COOKIE_SECRET_MS)
		err = new_secret(jar, (uint8_t)(jar->version + 1));
	if (!err)
		err = new_secret(jar, (uint8_t)(jar->version + 1));
	if (!err)
		jar->since = now;
	return err;
}

static int compute(const struct cookie_jar *jar, uint8_t version, struct chunk ni,
		   const struct endpoint *from, const uint8_t spi_i[8], uint8_t out[COOKIE_LEN])
{
	uint8_t port[2] = { (uint8_t)(from->port >> 8), (uint8_t)from->port };
	struct chunk key = { jar->secret[version & 1], CRYPTO_SHA256_LEN };
	struct chunk data[] = {
		ni,
		{ from->addr.bytes, addr_len(&from->addr) },
		{ port, 2 },
		{ spi_i, 8 },
	};

	out[0] = version;
	return crypto_prf(PRF_HMAC_SHA2_256, key, data, 4, out + 1);
}

int cookie_make(struct cookie_jar *jar, mono_t now, struct chunk ni, const struct endpoint *from,
		const uint8_t spi_i[8], uint8_t out[COOKIE_LEN])
{
	int err = rotate(jar, now);

	return err ? err : compute(jar, jar->version, ni, from, spi_i, out);
}

bool cookie_valid(struct cookie_jar *jar, mono_t now, struct chunk cookie, struct chunk ni,
		  const struct endpoint *from, const uint8_t spi_i[8])
{
	uint8_t want[COOKIE_LEN], version;

	if (cookie.len != COOKIE_LEN || rotate(jar, now))
		return false;
	version = ((const uint8_t *)cookie.p)[0];
	if (version != jar->version && version != (uint8_t)(jar->version - 1))
		return false;
	return !compute(jar, version, ni, from, spi_i, want) &&
	       crypto_equal(want, cookie.p, COOKIE_LEN);
}
