/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stateless cookies of the responder, RFC 7296 §2.6. Pure: takes the time. */
#ifndef ENGINE_IKE_COOKIE_H
#define ENGINE_IKE_COOKIE_H

#include "lib/addr.h"
#include "lib/mono.h"
#include "prefpeerd/engine_ike/crypto.h"

#define COOKIE_LEN (1 + CRYPTO_SHA256_LEN) /* version of the secret, then the hash */
#define COOKIE_SECRET_MS 60000		   /* a cookie lives one to two of these */

struct cookie_jar {
	uint8_t secret[2][CRYPTO_SHA256_LEN]; /* by parity of the version */
	uint8_t version;
	mono_t since; /* UNSET: no secret yet */
};

/* Over Ni, the source and SPIi; rotates the secret when it is due. */
int cookie_make(struct cookie_jar *jar, mono_t now, struct chunk ni, const struct endpoint *from,
		const uint8_t spi_i[8], uint8_t out[COOKIE_LEN]);
bool cookie_valid(struct cookie_jar *jar, mono_t now, struct chunk cookie, struct chunk ni,
		  const struct endpoint *from, const uint8_t spi_i[8]);

#endif
