// SPDX-License-Identifier: GPL-2.0-or-later
/* Private keys: read from their files, used for signatures, wiped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "prefpeerd/pki/impl.h"

#define KEY_FILE_MAX 32768

struct pki_private {
	EVP_PKEY *pkey;
	struct pki_key key;
};

/* Nobody is there to be asked for it. */
static int no_password(char *buf, int size, int writing, void *asked)
{
	*(bool *)asked = true;
	return -1;
}

static EVP_PKEY *read_key(const uint8_t *text, size_t len, char *why, size_t size)
{
	BIO *in = BIO_new_mem_buf(text, (int)len);
	bool asked = false;
	EVP_PKEY *pkey = in ? PEM_read_bio_PrivateKey(in, NULL, no_password, &asked) : NULL;

	if (asked)
		snprintf(why, size,
			 "it is encrypted, and nobody is there to be asked for its pass phrase");
	else if (!pkey)
		snprintf(why, size, "there is no private key in it (PEM)");
	BIO_free(in);
	ERR_clear_error();
	return pkey;
}

int pki_private_load(const char *path, struct pki_private **out, char *why, size_t size)
{
	struct pki_private *key = calloc(1, sizeof(*key));
	uint8_t *text = NULL;
	size_t len = 0;
	int err;

	*out = NULL;
	snprintf(why, size, "no memory");
	if (!key)
		return -ENOMEM;
	err = pki_file_read(path, KEY_FILE_MAX, true, &text, &len, why, size);
	if (!err) {
		key->pkey = read_key(text, len, why, size);
		OPENSSL_cleanse(text, len);
		free(text);
		err = key->pkey ? pki_key_identify(key->pkey, &key->key, why, size) : -EINVAL;
	}
	if (err)
		pki_private_free(key);
	else
		*out = key;
	return err;
}

void pki_private_free(struct pki_private *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

const struct pki_key *pki_private_key(const struct pki_private *key)
{
	return &key->key;
}

int pki_private_sign(const struct pki_private *key, enum pki_scheme scheme, struct chunk data,
		     uint8_t *sig, size_t *len)
{
	EVP_MD_CTX *ctx;
	EVP_PKEY_CTX *pctx;
	int err = -EIO;

	if (scheme <= PKI_SCHEME_NONE || scheme >= PKI_SCHEMES ||
	    pki_scheme_kind(scheme) != key->key.kind ||
	    (key->key.pss_only && !pki_scheme_is_pss(scheme)))
		return -EINVAL;
	ctx = EVP_MD_CTX_new();
	*len = PKI_SIG_MAX;
	if (ctx && EVP_DigestSignInit(ctx, &pctx, pki_scheme_md(scheme), NULL, key->pkey) == 1 &&
	    !pki_scheme_setup(scheme, pctx) &&
	    EVP_DigestSign(ctx, sig, len, data.p, data.len) == 1)
		err = 0;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return err;
}

int pki_ecdsa_to_raw(unsigned bits, uint8_t *sig, size_t *len)
{
	const unsigned char *p = sig;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)*len);
	int half = (int)(bits + 7) / 8, err = -EINVAL;

	if (s && BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, half) == half &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + half, half) == half) {
		*len = 2u * (size_t)half;
		err = 0;
	}
	ECDSA_SIG_free(s);
	return err;
}
