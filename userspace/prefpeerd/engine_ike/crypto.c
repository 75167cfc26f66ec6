// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/crypto.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/dh.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>

/* ---- sizes ---- */

size_t prf_len(enum ike_prf prf)
{
	switch (prf) {
	case PRF_HMAC_SHA2_256:
		return 32;
	case PRF_HMAC_SHA2_384:
		return 48;
	case PRF_HMAC_SHA2_512:
		return 64;
	default:
		return 0;
	}
}

/* A group as libcrypto calls it. */
struct group {
	enum ike_dh id;
	size_t pub_len;
	const char *type, *name; /* name: of the curve or of the prime */
};

static const struct group groups[] = {
	{ DH_X25519, 32, "X25519", NULL },
	{ DH_X448, 56, "X448", NULL },
	{ DH_ECP_256, 64, "EC", "P-256" },
	{ DH_ECP_384, 96, "EC", "P-384" },
	{ DH_ECP_521, 132, "EC", "P-521" },
	{ DH_MODP_2048, 256, "DH", "modp_2048" },
	{ DH_MODP_3072, 384, "DH", "modp_3072" },
	{ DH_MODP_4096, 512, "DH", "modp_4096" },
};

static const struct group *group_find(enum ike_dh id)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i].id == id)
			return &groups[i];
	return NULL;
}

size_t dh_pub_len(enum ike_dh dh)
{
	const struct group *g = group_find(dh);

	return g ? g->pub_len : 0;
}

/* RFC 4868 §2.1.1: as long as the hash. */
size_t integ_key_len(enum ike_integ integ)
{
	switch (integ) {
	case INTEG_HMAC_SHA2_256_128:
		return 32;
	case INTEG_HMAC_SHA2_384_192:
		return 48;
	case INTEG_HMAC_SHA2_512_256:
		return 64;
	default:
		return 0;
	}
}

/* RFC 4868 §2.1.2: half of the hash. */
size_t integ_icv_len(enum ike_integ integ)
{
	return integ_key_len(integ) / 2;
}

bool encr_is_aead(enum ike_encr encr)
{
	return encr == ENCR_AES_GCM_16 || encr == ENCR_CHACHA20_POLY1305 ||
	       encr == ENCR_NULL_AUTH_AES_GMAC;
}

static size_t key_len(enum ike_encr encr, unsigned key_bits)
{
	return encr == ENCR_CHACHA20_POLY1305 ? 32 : key_bits / 8;
}

/* AES-CTR has a nonce behind its key as the AEADs have their salt (RFC 3686 §5.1). */
size_t encr_keymat_len(enum ike_encr encr, unsigned key_bits)
{
	bool salted = encr_is_aead(encr) || encr == ENCR_AES_CTR;

	return key_len(encr, key_bits) + (salted ? CRYPTO_SALT_LEN : 0);
}

size_t encr_iv_len(enum ike_encr encr)
{
	return encr_is_aead(encr) ? 8 : 16;
}

size_t encr_block_len(enum ike_encr encr)
{
	return encr_is_aead(encr) ? 1 : 16;
}

size_t encr_icv_len(enum ike_encr encr)
{
	return encr_is_aead(encr) ? 16 : 0;
}

/* ---- randomness, comparison, wiping ---- */

int crypto_random(void *out, size_t len)
{
	return len <= INT_MAX && RAND_bytes(out, (int)len) == 1 ? 0 : -EIO;
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *p, size_t len)
{
	if (p && len)
		OPENSSL_cleanse(p, len);
}

/* ---- hashes ---- */

/*
 * HMAC with a hash of SHA-2, which its length names. Fetched and set up once, with an empty key,
 * to be copied: both cost more than the HMAC of a message.
 */
static struct hmac {
	const char *digest;
	size_t len;
	EVP_MAC_CTX *blank;
} hmacs[] = {
	{ "SHA256", 32, NULL },
	{ "SHA384", 48, NULL },
	{ "SHA512", 64, NULL },
};

static EVP_MAC_CTX *hmac_blank(const struct hmac *h)
{
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)h->digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	if (ctx && EVP_MAC_init(ctx, (const uint8_t *)"", 0, params) == 1)
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

/* With that key, to be copied for each message; NULL: no such hash, no memory. */
static EVP_MAC_CTX *hmac_keyed(size_t len, struct chunk key)
{
	/* A NULL key would keep the empty one: an empty key still needs an address. */
	const uint8_t *k = key.len ? key.p : (const uint8_t *)"";
	EVP_MAC_CTX *ctx = NULL;

	for (size_t i = 0; i < sizeof(hmacs) / sizeof(hmacs[0]); i++) {
		if (hmacs[i].len != len)
			continue;
		if (!hmacs[i].blank)
			hmacs[i].blank = hmac_blank(&hmacs[i]);
		ctx = hmacs[i].blank ? EVP_MAC_CTX_dup(hmacs[i].blank) : NULL;
	}
	if (ctx && EVP_MAC_init(ctx, k, key.len, NULL) == 1)
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

/* Uses up @ctx. */
static int hmac_run(EVP_MAC_CTX *ctx, const struct chunk *data, size_t n, uint8_t *out, size_t len)
{
	bool ok = ctx;
	size_t out_len = 0;

	for (size_t i = 0; ok && i < n; i++)
		ok = !data[i].len || EVP_MAC_update(ctx, data[i].p, data[i].len) == 1;
	ok = ok && EVP_MAC_final(ctx, out, &out_len, len) == 1 && out_len == len;
	EVP_MAC_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

int crypto_prf(enum ike_prf prf, struct chunk key, const struct chunk *data, size_t n, uint8_t *out)
{
	size_t len = prf_len(prf);

	return len ? hmac_run(hmac_keyed(len, key), data, n, out, len) : -EINVAL;
}

#define PRF_PLUS_SEEDS 6

/* T1 | T2 | …, Tn = prf(K, Tn-1 | S | n); the key is set up once for all of them. */
static int prf_plus(EVP_MAC_CTX *keyed, size_t block_len, const struct chunk *seed, size_t n,
		    uint8_t *out, size_t out_len)
{
	struct chunk in[PRF_PLUS_SEEDS + 2];
	uint8_t block[CRYPTO_PRF_MAX];
	uint8_t count = 1;
	int err = 0;

	in[0] = (struct chunk){ block, 0 };
	memcpy(&in[1], seed, n * sizeof(*seed));
	in[n + 1] = (struct chunk){ &count, 1 };
	for (size_t done = 0; done < out_len && !err; count++) {
		size_t take = out_len - done < block_len ? out_len - done : block_len;

		err = hmac_run(EVP_MAC_CTX_dup(keyed), in, n + 2, block, block_len);
		if (!err)
			memcpy(out + done, block, take);
		in[0].len = block_len;
		done += take;
	}
	crypto_wipe(block, sizeof(block));
	return err;
}

int crypto_prf_plus(enum ike_prf prf, struct chunk key, const struct chunk *seed, size_t n,
		    uint8_t *out, size_t out_len)
{
	size_t block_len = prf_len(prf);
	EVP_MAC_CTX *keyed;
	int err;

	if (!block_len || n > PRF_PLUS_SEEDS || out_len > 255 * block_len)
		return -EINVAL;
	keyed = hmac_keyed(block_len, key);
	err = keyed ? prf_plus(keyed, block_len, seed, n, out, out_len) : -EIO;
	EVP_MAC_CTX_free(keyed);
	return err;
}

static int digest(const EVP_MD *md, const struct chunk *data, size_t n, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx && EVP_DigestInit_ex(ctx, md, NULL) == 1;

	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, data[i].p, data[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

int crypto_sha1(const struct chunk *data, size_t n, uint8_t out[CRYPTO_SHA1_LEN])
{
	return digest(EVP_sha1(), data, n, out);
}

int crypto_sha256(const struct chunk *data, size_t n, uint8_t out[CRYPTO_SHA256_LEN])
{
	return digest(EVP_sha256(), data, n, out);
}

int crypto_integ(enum ike_integ integ, const uint8_t *key, const struct chunk *data, size_t n,
		 uint8_t *out)
{
	size_t len = integ_key_len(integ);
	uint8_t full[CRYPTO_PRF_MAX];
	int err;

	if (!len)
		return -EINVAL;
	err = hmac_run(hmac_keyed(len, (struct chunk){ key, len }), data, n, full, len);
	if (!err)
		memcpy(out, full, integ_icv_len(integ));
	crypto_wipe(full, sizeof(full));
	return err;
}

/* ---- ciphers ---- */

static const EVP_CIPHER *gcm_cipher(unsigned key_bits)
{
	switch (key_bits) {
	case 128:
		return EVP_aes_128_gcm();
	case 192:
		return EVP_aes_192_gcm();
	case 256:
		return EVP_aes_256_gcm();
	default:
		return NULL;
	}
}

static const EVP_CIPHER *cbc_cipher(unsigned key_bits)
{
	switch (key_bits) {
	case 128:
		return EVP_aes_128_cbc();
	case 192:
		return EVP_aes_192_cbc();
	case 256:
		return EVP_aes_256_cbc();
	default:
		return NULL;
	}
}

/* GMAC is for ESP only (RFC 4543): an IKE SA is always encrypted. */
static const EVP_CIPHER *aead_cipher(enum ike_encr encr, unsigned key_bits)
{
	switch (encr) {
	case ENCR_AES_GCM_16:
		return gcm_cipher(key_bits);
	case ENCR_CHACHA20_POLY1305:
		return EVP_chacha20_poly1305();
	default:
		return NULL;
	}
}

#define AEAD_NONCE_LEN 12
#define AEAD_ICV_LEN 16

/* Begin with nonce = salt | iv (RFC 5282 §4, RFC 7634 §2), and pass the associated data. */
static bool aead_begin(EVP_CIPHER_CTX *ctx, bool encrypt, enum ike_encr encr, unsigned key_bits,
		       const uint8_t *key, const uint8_t *iv, struct chunk aad)
{
	const EVP_CIPHER *cipher = aead_cipher(encr, key_bits);
	uint8_t nonce[AEAD_NONCE_LEN];
	bool ok;
	int n;

	if (!ctx || !cipher || aad.len > INT_MAX)
		return false;
	memcpy(nonce, key + key_len(encr, key_bits), CRYPTO_SALT_LEN);
	memcpy(nonce + CRYPTO_SALT_LEN, iv, sizeof(nonce) - CRYPTO_SALT_LEN);
	ok = EVP_CipherInit_ex(ctx, cipher, NULL, key, nonce, encrypt) == 1 &&
	     EVP_CipherUpdate(ctx, NULL, &n, aad.p, (int)aad.len) == 1;
	crypto_wipe(nonce, sizeof(nonce)); /* the salt is keying material */
	return ok;
}

int crypto_seal(enum ike_encr encr, unsigned key_bits, const uint8_t *key, const uint8_t *iv,
		struct chunk aad, uint8_t *buf, size_t len, uint8_t *icv)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, ok;

	ok = len <= INT_MAX && aead_begin(ctx, true, encr, key_bits, key, iv, aad) &&
	     EVP_CipherUpdate(ctx, buf, &n, buf, (int)len) == 1 &&
	     EVP_CipherFinal_ex(ctx, buf + len, &n) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_ICV_LEN, icv) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

int crypto_open(enum ike_encr encr, unsigned key_bits, const uint8_t *key, const uint8_t *iv,
		struct chunk aad, uint8_t *buf, size_t len, const uint8_t *icv)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t tag[AEAD_ICV_LEN], none[AEAD_ICV_LEN];
	int n, ok;

	memcpy(tag, icv, sizeof(tag));
	ok = len <= INT_MAX && aead_begin(ctx, false, encr, key_bits, key, iv, aad) &&
	     EVP_CipherUpdate(ctx, buf, &n, buf, (int)len) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) == 1 &&
	     EVP_CipherFinal_ex(ctx, none, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : -EBADMSG;
}

int crypto_cbc(bool encrypt, unsigned key_bits, const uint8_t *key, const uint8_t *iv, uint8_t *buf,
	       size_t len)
{
	const EVP_CIPHER *cipher = cbc_cipher(key_bits);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t tail[16];
	int n, ok;

	ok = ctx && cipher && len <= INT_MAX && len % 16 == 0 &&
	     EVP_CipherInit_ex(ctx, cipher, NULL, key, iv, encrypt) == 1 &&
	     EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	     EVP_CipherUpdate(ctx, buf, &n, buf, (int)len) == 1 &&
	     EVP_CipherFinal_ex(ctx, tail, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

/* ---- Diffie-Hellman ---- */

struct crypto_dh {
	enum ike_dh group;
	EVP_PKEY *key;
};

static bool is_ecp(enum ike_dh group)
{
	return group == DH_ECP_256 || group == DH_ECP_384 || group == DH_ECP_521;
}

static bool is_modp(enum ike_dh group)
{
	return group == DH_MODP_2048 || group == DH_MODP_3072 || group == DH_MODP_4096;
}

#define EC_UNCOMPRESSED 0x04

static EVP_PKEY *generate(const struct group *g)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, g->type, NULL);
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end() };
	EVP_PKEY *key = NULL;

	if (g->name)
		params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
							     (char *)g->name, 0);
	if (ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_CTX_set_params(ctx, params) == 1)
		EVP_PKEY_generate(ctx, &key);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

struct crypto_dh *crypto_dh_new(enum ike_dh group)
{
	const struct group *g = group_find(group);
	struct crypto_dh *dh = g ? calloc(1, sizeof(*dh)) : NULL;

	if (!dh)
		return NULL;
	dh->group = group;
	dh->key = generate(g);
	if (!dh->key) {
		free(dh);
		return NULL;
	}
	return dh;
}

static EVP_PKEY *import_ec(const struct group *g, const uint8_t *priv, size_t priv_len,
			   const uint8_t *pub)
{
	uint8_t point[1 + CRYPTO_DH_PUB_MAX] = { EC_UNCOMPRESSED }, native[CRYPTO_KEY_MAX + 2];
	OSSL_PARAM params[4] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)g->name, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, g->pub_len + 1),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, priv_len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, g->type, NULL);
	BIGNUM *n = priv_len <= sizeof(native) ? BN_bin2bn(priv, (int)priv_len, NULL) : NULL;
	EVP_PKEY *key = NULL;

	memcpy(point + 1, pub, g->pub_len);
	if (ctx && n && BN_bn2nativepad(n, native, (int)priv_len) > 0 &&
	    EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	BN_clear_free(n);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *import_modp(const struct group *g, const uint8_t *priv, size_t priv_len,
			     const uint8_t *pub)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *x = BN_bin2bn(priv, (int)priv_len, NULL);
	BIGNUM *y = BN_bin2bn(pub, (int)g->pub_len, NULL);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, g->type, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (build && x && y &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, g->name, 0) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, x) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PUB_KEY, y) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_clear_free(x);
	BN_free(y);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *import(const struct group *g, const uint8_t *priv, size_t len, const uint8_t *pub)
{
	if (is_modp(g->id))
		return import_modp(g, priv, len, pub);
	if (is_ecp(g->id))
		return import_ec(g, priv, len, pub);
	return EVP_PKEY_new_raw_private_key_ex(NULL, g->type, NULL, priv, len);
}

struct crypto_dh *crypto_dh_import(enum ike_dh group, const uint8_t *priv, size_t priv_len,
				   const uint8_t *pub)
{
	const struct group *g = group_find(group);
	struct crypto_dh *dh = g ? calloc(1, sizeof(*dh)) : NULL;

	if (!dh)
		return NULL;
	dh->group = group;
	dh->key = import(g, priv, priv_len, pub);
	if (!dh->key) {
		free(dh);
		return NULL;
	}
	return dh;
}

void crypto_dh_free(struct crypto_dh *dh)
{
	if (!dh)
		return;
	EVP_PKEY_free(dh->key);
	free(dh);
}

enum ike_dh crypto_dh_group(const struct crypto_dh *dh)
{
	return dh->group;
}

/* RFC 5903 §7: x | y, without libcrypto's leading byte for "uncompressed". */
int crypto_dh_public(const struct crypto_dh *dh, uint8_t *out)
{
	size_t want = dh_pub_len(dh->group), skip = is_ecp(dh->group) ? 1 : 0;
	unsigned char *enc = NULL;
	size_t len = EVP_PKEY_get1_encoded_public_key(dh->key, &enc);
	int err = -EIO;

	if (len == want + skip && (!skip || enc[0] == EC_UNCOMPRESSED)) {
		memcpy(out, enc + skip, want);
		err = 0;
	}
	OPENSSL_free(enc);
	return err;
}

static EVP_PKEY *peer_key(const struct crypto_dh *dh, const uint8_t *peer, size_t peer_len)
{
	uint8_t enc[1 + CRYPTO_DH_PUB_MAX] = { EC_UNCOMPRESSED };
	size_t skip = is_ecp(dh->group) ? 1 : 0;
	EVP_PKEY *key;

	if (peer_len != dh_pub_len(dh->group))
		return NULL;
	memcpy(enc + skip, peer, peer_len);
	key = EVP_PKEY_new();
	if (key && EVP_PKEY_copy_parameters(key, dh->key) == 1 &&
	    EVP_PKEY_set1_encoded_public_key(key, enc, peer_len + skip) == 1)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static int derive(EVP_PKEY_CTX *ctx, enum ike_dh group, EVP_PKEY *peer, uint8_t *out,
		  size_t *out_len)
{
	*out_len = CRYPTO_DH_SHARED_MAX;
	if (!ctx || EVP_PKEY_derive_init(ctx) != 1)
		return -EIO;
	/* Otherwise leading zeros are stripped: one MODP handshake in 256 would fail. */
	if (is_modp(group) && EVP_PKEY_CTX_set_dh_pad(ctx, 1) != 1)
		return -EIO;
	/* Validates the peer's value: on the curve, in the subgroup's range (RFC 6989). */
	if (EVP_PKEY_derive_set_peer_ex(ctx, peer, 1) != 1)
		return -EINVAL;
	return EVP_PKEY_derive(ctx, out, out_len) == 1 ? 0 : -EINVAL;
}

int crypto_dh_derive(struct crypto_dh *dh, const uint8_t *peer, size_t peer_len, uint8_t *out,
		     size_t *out_len)
{
	EVP_PKEY *pk = peer_key(dh, peer, peer_len);
	EVP_PKEY_CTX *ctx;
	int err;

	if (!pk)
		return -EINVAL;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, dh->key, NULL);
	err = derive(ctx, dh->group, pk, out, out_len);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pk);
	return err;
}
