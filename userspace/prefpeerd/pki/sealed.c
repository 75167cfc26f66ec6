// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secrets that are not in the configuration: in a file of their own, or in the
 * configuration under a master key that is in one. Sealed is nonce | AES-256-GCM of the
 * secret | ICV, in base64; the cipher's key is SHA-256 of the master key, of whatever form.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "prefpeerd/pki/impl.h"

#define SECRET_FILE_MAX 4096
#define MASTER_LEN_MIN 16 /* bytes: shorter ones can be tried out */
#define NONCE_LEN 12
#define ICV_LEN 16
#define SECRET_MAX 128

/* The first line; an editor ends it. */
static size_t first_line(const uint8_t *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] != '\n' && text[n] != '\r')
		n++;
	return n;
}

static int read_file(const char *path, uint8_t *out, size_t max, size_t *len, char *why, size_t size)
{
	uint8_t *text = NULL;
	size_t n = 0;
	int err = pki_file_read(path, SECRET_FILE_MAX, true, &text, &n, why, size);

	if (err)
		return err;
	*len = first_line(text, n);
	if (!*len || *len > max) {
		snprintf(why, size, "its first line is %zu bytes long (1..%zu)", *len, max);
		err = -EINVAL;
	} else {
		memcpy(out, text, *len);
	}
	OPENSSL_cleanse(text, n);
	free(text);
	return err;
}

static int master_key(const char *path, uint8_t key[32], char *why, size_t size)
{
	uint8_t *text = NULL;
	size_t n = 0;
	int err = pki_file_read(path, SECRET_FILE_MAX, true, &text, &n, why, size);

	if (err)
		return err;
	if (n < MASTER_LEN_MIN) {
		snprintf(why, size, "a master key of %zu bytes is too short (%u at least)", n,
			 MASTER_LEN_MIN);
		err = -EINVAL;
	} else if (EVP_Digest(text, n, key, NULL, EVP_sha256(), NULL) != 1) {
		snprintf(why, size, "SHA-256 cannot be had");
		err = -EIO;
	}
	OPENSSL_cleanse(text, n);
	free(text);
	return err;
}

static bool crypt(bool seal, const uint8_t key[32], const uint8_t *nonce, uint8_t *text, size_t len,
		  uint8_t *icv)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t rest[ICV_LEN];
	int n;
	bool ok = ctx && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce, seal) == 1 &&
		  EVP_CipherUpdate(ctx, text, &n, text, (int)len) == 1 &&
		  (seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, ICV_LEN, icv) == 1) &&
		  EVP_CipherFinal_ex(ctx, rest, &n) == 1 &&
		  (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, ICV_LEN, icv) == 1);

	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* -1: not base64 of that form. */
static int decode(const char *sealed, uint8_t out[PKI_SEALED_MAX])
{
	size_t len = strlen(sealed), pad = 0;
	int n;

	if (!len || len > PKI_SEALED_MAX || len % 4)
		return -1;
	while (pad < 2 && sealed[len - 1 - pad] == '=')
		pad++;
	n = EVP_DecodeBlock(out, (const uint8_t *)sealed, (int)len);
	return n < 0 ? -1 : n - (int)pad;
}

static int unseal(const char *path, const char *sealed, uint8_t *out, size_t max, size_t *len,
		  char *why, size_t size)
{
	uint8_t raw[PKI_SEALED_MAX], key[32];
	int n = decode(sealed, raw), err;

	if (n <= NONCE_LEN + ICV_LEN || (size_t)n - NONCE_LEN - ICV_LEN > max) {
		snprintf(why, size, "what follows the 6 is no sealed key");
		return -EINVAL;
	}
	err = master_key(path, key, why, size);
	if (err)
		return err;
	*len = (size_t)n - NONCE_LEN - ICV_LEN;
	if (crypt(false, key, raw, raw + NONCE_LEN, *len, raw + n - ICV_LEN)) {
		memcpy(out, raw + NONCE_LEN, *len);
	} else {
		snprintf(why, size, "the key was sealed with another master key, or changed since");
		err = -EBADMSG;
	}
	OPENSSL_cleanse(raw, sizeof(raw));
	OPENSSL_cleanse(key, sizeof(key));
	return err;
}

int pki_secret_load(const char *path, const char *sealed, uint8_t *out, size_t max, size_t *len,
		    char *why, size_t size)
{
	return sealed ? unseal(path, sealed, out, max, len, why, size) :
			read_file(path, out, max, len, why, size);
}

int pki_secret_seal(const char *path, const uint8_t *secret, size_t len, char out[PKI_SEALED_MAX + 1],
		    char *why, size_t size)
{
	uint8_t raw[NONCE_LEN + SECRET_MAX + ICV_LEN], key[32];
	int err;

	if (!len || len > SECRET_MAX) {
		snprintf(why, size, "a key of %zu bytes is none (1..%u)", len, SECRET_MAX);
		return -EINVAL;
	}
	err = master_key(path, key, why, size);
	if (err)
		return err;
	memcpy(raw + NONCE_LEN, secret, len);
	if (RAND_bytes(raw, NONCE_LEN) == 1 &&
	    crypt(true, key, raw, raw + NONCE_LEN, len, raw + NONCE_LEN + len)) {
		EVP_EncodeBlock((uint8_t *)out, raw, (int)(NONCE_LEN + len + ICV_LEN));
	} else {
		snprintf(why, size, "it cannot be sealed");
		err = -EIO;
	}
	OPENSSL_cleanse(raw, sizeof(raw));
	OPENSSL_cleanse(key, sizeof(key));
	return err;
}
