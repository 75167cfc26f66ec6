/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of pki/ share; the one header of it that shows libcrypto's types. */
#ifndef PREFPEERD_PKI_IMPL_H
#define PREFPEERD_PKI_IMPL_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "prefpeerd/pki/pki.h"

#define PKI_RSA_MIN 2048
#define PKI_RSA_MAX 8192 /* a verification of a larger one takes long */

/* 0; -EINVAL and @why for a kind or size that is not accepted, naming one that is. */
int pki_key_describe(EVP_PKEY *pkey, struct pki_key *out, char *why, size_t size);
/* With its id too, which costs as much as to verify a chain: for keys of ours. */
int pki_key_identify(EVP_PKEY *pkey, struct pki_key *out, char *why, size_t size);
const EVP_MD *pki_scheme_md(enum pki_scheme scheme); /* NULL: Ed25519 */
bool pki_scheme_is_pss(enum pki_scheme scheme);
/* For EVP_DigestSignInit and …VerifyInit: padding and salt. */
int pki_scheme_setup(enum pki_scheme scheme, EVP_PKEY_CTX *ctx);

/* One certificate, all of the bytes; NULL when it is none, or over PKI_CERT_MAX. */
X509 *pki_cert_parse(struct chunk der);
/* Its subject for people; never empty. */
const char *pki_cert_text(const X509 *cert, char *buf, size_t size);
bool pki_cert_has_id(X509 *cert, const struct ike_id *id);
/* "2027-01-31": of notBefore, notAfter, nextUpdate. */
const char *pki_date(const ASN1_TIME *t, char buf[16]);
/* -1, 0, 1: @t against @now. */
int pki_time_cmp(const ASN1_TIME *t, int64_t now);

/* As seconds since 1970; INT64_MAX: unreadable, which the verification refuses. */
int64_t pki_time_s(const ASN1_TIME *t);

/* A regular file of at most @max bytes, with a sentence when not; free() it. */
int pki_file_read(const char *path, size_t max, bool secret, uint8_t **out, size_t *len, char *why,
		  size_t size);

struct pki_trust {
	unsigned refs;
	X509_STORE *store;
	STACK_OF(X509) *anchors;
	STACK_OF(X509_CRL) *crls; /* NULL: revocation is not looked at */
};

#endif
