/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All cryptography of the engine. crypto.c is the only file that knows
 * libcrypto; sizes and failures are plain C here. Lengths are bytes.
 */
#ifndef ENGINE_IKE_CRYPTO_H
#define ENGINE_IKE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/chunk.h"
#include "lib/suite.h"

#define CRYPTO_KEY_MAX 64
#define CRYPTO_PRF_MAX 64
#define CRYPTO_ICV_MAX 32
#define CRYPTO_DH_PUB_MAX 512
#define CRYPTO_DH_SHARED_MAX 512
#define CRYPTO_SHA1_LEN 20
#define CRYPTO_SHA256_LEN 32
#define CRYPTO_SALT_LEN 4 /* of every AEAD here: RFC 4106 §8.1, RFC 7634 §2 */

/* ---- sizes: 0 for what is not known ---- */
size_t prf_len(enum ike_prf prf); /* of output and of keys */
size_t dh_pub_len(enum ike_dh dh);
size_t integ_key_len(enum ike_integ integ);
size_t integ_icv_len(enum ike_integ integ);
/* Key material of a cipher: the key, plus the salt of AEAD (RFC 4106 §8.1, RFC 7634 §2). */
size_t encr_keymat_len(enum ike_encr encr, unsigned key_bits);
size_t encr_iv_len(enum ike_encr encr);
size_t encr_block_len(enum ike_encr encr);
size_t encr_icv_len(enum ike_encr encr); /* 0 unless AEAD */
bool encr_is_aead(enum ike_encr encr);

/* ---- randomness, comparison, wiping ---- */
int crypto_random(void *out, size_t len);		     /* 0 or -EIO */
bool crypto_equal(const void *a, const void *b, size_t len); /* constant time */
void crypto_wipe(void *p, size_t len);

/* ---- hashes ---- */
/* prf over the concatenation; @out gets prf_len(prf). 0, -EINVAL, -EIO. */
int crypto_prf(enum ike_prf prf, struct chunk key, const struct chunk *data, size_t n,
	       uint8_t *out);
/* prf+ of RFC 7296 §2.13; at most 255 blocks. */
int crypto_prf_plus(enum ike_prf prf, struct chunk key, const struct chunk *seed, size_t n,
		    uint8_t *out, size_t out_len);
/* For NAT detection only (§2.23). */
int crypto_sha1(const struct chunk *data, size_t n, uint8_t out[CRYPTO_SHA1_LEN]);
int crypto_sha256(const struct chunk *data, size_t n, uint8_t out[CRYPTO_SHA256_LEN]);
/* Truncated HMAC; @out gets integ_icv_len(integ). */
int crypto_integ(enum ike_integ integ, const uint8_t *key, const struct chunk *data, size_t n,
		 uint8_t *out);

/* ---- ciphers, in place over buf[0..len) ---- */
/* RFC 5282: nonce = salt | iv. @key is encr_keymat_len bytes, @icv encr_icv_len. */
int crypto_seal(enum ike_encr encr, unsigned key_bits, const uint8_t *key, const uint8_t *iv,
		struct chunk aad, uint8_t *buf, size_t len, uint8_t *icv);
/* -EBADMSG when the ICV does not match; buf is then undefined. */
int crypto_open(enum ike_encr encr, unsigned key_bits, const uint8_t *key, const uint8_t *iv,
		struct chunk aad, uint8_t *buf, size_t len, const uint8_t *icv);
/* CBC without padding of its own; len a multiple of 16. */
int crypto_cbc(bool encrypt, unsigned key_bits, const uint8_t *key, const uint8_t *iv, uint8_t *buf,
	       size_t len);

/* ---- Diffie-Hellman ---- */
struct crypto_dh; /* a private value; never leaves crypto.c */

struct crypto_dh *crypto_dh_new(enum ike_dh group); /* NULL: unknown group, no memory */
/* A private value that is known already: for published vectors. @pub may be NULL with X25519, X448. */
struct crypto_dh *crypto_dh_import(enum ike_dh group, const uint8_t *priv, size_t priv_len,
				   const uint8_t *pub);
void crypto_dh_free(struct crypto_dh *dh);
enum ike_dh crypto_dh_group(const struct crypto_dh *dh);
/* dh_pub_len(group) bytes. */
int crypto_dh_public(const struct crypto_dh *dh, uint8_t *out);
/*
 * g^ir, MODP zero-padded to the modulus (§2.14), at most CRYPTO_DH_SHARED_MAX.
 * -EINVAL: the peer's value has the wrong length or is no valid public value.
 */
int crypto_dh_derive(struct crypto_dh *dh, const uint8_t *peer, size_t peer_len, uint8_t *out,
		     size_t *out_len);

#endif
