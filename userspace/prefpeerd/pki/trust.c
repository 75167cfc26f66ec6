// SPDX-License-Identifier: GPL-2.0-or-later
/* Trust anchors and revocation lists, from files. Nothing is ever fetched. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "lib/dn.h"
#include "prefpeerd/pki/impl.h"

#define CA_FILE_MAX (1u << 20)
#define CRL_FILE_MAX (16u << 20)
#define CRLS_MAX 256

static void trust_free(struct pki_trust *t)
{
	X509_STORE_free(t->store);
	sk_X509_pop_free(t->anchors, X509_free);
	sk_X509_CRL_pop_free(t->crls, X509_CRL_free);
	free(t);
}

/* ---- anchors ---- */

static int add_anchor(struct pki_trust *t, X509 *cert, char *why, size_t size)
{
	char name[100];
	struct pki_key key;
	char weak[PKI_WHY_MAX];

	pki_cert_text(cert, name, sizeof(name));
	if (sk_X509_num(t->anchors) == PKI_ANCHORS_MAX) {
		snprintf(why, size, "it holds more than %u certificates", PKI_ANCHORS_MAX);
		return -E2BIG;
	}
	if (pki_key_describe(X509_get0_pubkey(cert), &key, weak, sizeof(weak))) {
		snprintf(why, size, "%s: %s", name, weak);
		return -EINVAL;
	}
	if (X509_STORE_add_cert(t->store, cert) != 1 || !X509_up_ref(cert))
		return -ENOMEM;
	if (!sk_X509_push(t->anchors, cert)) {
		X509_free(cert);
		return -ENOMEM;
	}
	return 0;
}

static int ended(int count, const char *what, char *why, size_t size)
{
	int err = 0;

	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		snprintf(why, size, "%s %d in it is malformed", what, count + 1);
		err = -EINVAL;
	} else if (!count) {
		snprintf(why, size, "there is no %s in it (PEM)", what);
		err = -EINVAL;
	}
	ERR_clear_error();
	return err;
}

static int load_anchors(struct pki_trust *t, const char *path, char *why, size_t size)
{
	uint8_t *text = NULL;
	size_t len = 0;
	int err = pki_file_read(path, CA_FILE_MAX, false, &text, &len, why, size), n = 0;
	BIO *in = err ? NULL : BIO_new_mem_buf(text, (int)len);
	X509 *cert;

	while (!err && in && (cert = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		err = add_anchor(t, cert, why, size);
		X509_free(cert);
		n++;
	}
	if (!err)
		err = in ? ended(n, "certificate", why, size) : -ENOMEM;
	BIO_free(in);
	free(text);
	return err;
}

/* ---- CRLs ---- */

static int add_crl(struct pki_trust *t, X509_CRL *crl, char *why, size_t size)
{
	if (sk_X509_CRL_num(t->crls) == CRLS_MAX) {
		snprintf(why, size, "it holds more than %u revocation lists", CRLS_MAX);
		return -E2BIG;
	}
	if (X509_STORE_add_crl(t->store, crl) != 1 || !X509_CRL_up_ref(crl))
		return -ENOMEM;
	if (!sk_X509_CRL_push(t->crls, crl)) {
		X509_CRL_free(crl);
		return -ENOMEM;
	}
	return 0;
}

static int load_crls(struct pki_trust *t, const char *path, char *why, size_t size)
{
	uint8_t *text = NULL;
	size_t len = 0;
	int err = pki_file_read(path, CRL_FILE_MAX, false, &text, &len, why, size), n = 0;
	BIO *in = err ? NULL : BIO_new_mem_buf(text, (int)len);
	X509_CRL *crl;

	t->crls = sk_X509_CRL_new_null();
	if (!t->crls)
		err = -ENOMEM;
	while (!err && in && (crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL))) {
		err = add_crl(t, crl, why, size);
		X509_CRL_free(crl);
		n++;
	}
	if (!err)
		err = in ? ended(n, "revocation list", why, size) : -ENOMEM;
	BIO_free(in);
	free(text);
	return err;
}

int pki_trust_load(const char *ca_path, const char *crl_path, struct pki_trust **out, char *why,
		   size_t size)
{
	struct pki_trust *t = calloc(1, sizeof(*t));
	int err;

	*out = NULL;
	snprintf(why, size, "no memory");
	if (!t)
		return -ENOMEM;
	t->refs = 1;
	t->store = X509_STORE_new();
	t->anchors = sk_X509_new_null();
	err = t->store && t->anchors ? load_anchors(t, ca_path, why, size) : -ENOMEM;
	if (!err && crl_path)
		err = load_crls(t, crl_path, why, size);
	if (err)
		trust_free(t);
	else
		*out = t;
	return err;
}

struct pki_trust *pki_trust_get(struct pki_trust *t)
{
	if (t)
		t->refs++;
	return t;
}

void pki_trust_put(struct pki_trust *t)
{
	if (t && !--t->refs)
		trust_free(t);
}

/* A name for a key, not a signature: the RFC has no other hash here. */
size_t pki_trust_hashes(const struct pki_trust *t, uint8_t *out, size_t size)
{
	size_t at = 0;

	for (int i = 0; i < sk_X509_num(t->anchors) && at + PKI_CA_HASH_LEN <= size; i++) {
		EVP_PKEY *pkey = X509_get0_pubkey(sk_X509_value(t->anchors, i));
		unsigned char *spki = NULL;
		int len = i2d_PUBKEY(pkey, &spki);

		if (len > 0 && SHA1(spki, (size_t)len, out + at))
			at += PKI_CA_HASH_LEN;
		OPENSSL_free(spki);
	}
	return at;
}

static bool crl_unusable(const X509_CRL *crl, int64_t now, char *buf, size_t size)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	unsigned char *der = NULL;
	char date[16], name[100];
	int len;

	if (!next || pki_time_cmp(next, now) > 0)
		return false;
	len = i2d_X509_NAME(X509_CRL_get_issuer(crl), &der);
	snprintf(buf, size, "the revocation list of %s is out of date since %s",
		 len > 0 ? dn_to_text(der, (size_t)len, name, sizeof(name)) : "?",
		 pki_date(next, date));
	OPENSSL_free(der);
	return true;
}

const char *pki_trust_unusable(const struct pki_trust *t, int64_t now, char *buf, size_t size)
{
	char name[100], date[16];

	for (int i = 0; i < sk_X509_num(t->anchors); i++) {
		const X509 *cert = sk_X509_value(t->anchors, i);
		const ASN1_TIME *to = X509_get0_notAfter(cert);

		if (pki_time_cmp(to, now) > 0)
			continue;
		snprintf(buf, size, "the certificate of %s expired on %s",
			 pki_cert_text(cert, name, sizeof(name)), pki_date(to, date));
		return buf;
	}
	for (int i = 0; t->crls && i < sk_X509_CRL_num(t->crls); i++)
		if (crl_unusable(sk_X509_CRL_value(t->crls, i), now, buf, size))
			return buf;
	return NULL;
}
