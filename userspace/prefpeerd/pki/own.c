// SPDX-License-Identifier: GPL-2.0-or-later
/* Our own certificate and what stands above it: what we send in CERT payloads. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "prefpeerd/pki/impl.h"

#define SIGNATURE_BITS_MIN 112 /* of security: SHA2-256 has 128, SHA-1 at best 80 */
#define FILE_MAX (PKI_CHAIN_MAX * PKI_CERT_MAX * 2) /* in PEM */

struct pki_own {
	unsigned refs;
	struct pki_key key;
	unsigned n;
	X509 *certs[PKI_CHAIN_MAX];
	uint8_t *der[PKI_CHAIN_MAX];
	size_t der_len[PKI_CHAIN_MAX];
};

static void own_free(struct pki_own *own)
{
	for (unsigned i = 0; i < own->n; i++) {
		X509_free(own->certs[i]);
		OPENSSL_free(own->der[i]);
	}
	free(own);
}

static int add(struct pki_own *own, X509 *cert, char *why, size_t size)
{
	int len;

	if (own->n == PKI_CHAIN_MAX) {
		X509_free(cert);
		snprintf(why, size, "it holds more than %u certificates", PKI_CHAIN_MAX);
		return -E2BIG;
	}
	own->certs[own->n] = cert;
	len = i2d_X509(cert, &own->der[own->n]);
	own->der_len[own->n++] = len > 0 ? (size_t)len : 0;
	if (len > 0 && len <= PKI_CERT_MAX)
		return 0;
	snprintf(why, size, "a certificate of %d bytes is too long (at most %u)", len, PKI_CERT_MAX);
	return -E2BIG;
}

static int read_certs(struct pki_own *own, const uint8_t *text, size_t len, char *why, size_t size)
{
	BIO *in = BIO_new_mem_buf(text, (int)len);
	X509 *cert;
	int err = in ? 0 : -ENOMEM;

	while (!err && (cert = PEM_read_bio_X509(in, NULL, NULL, NULL)))
		err = add(own, cert, why, size);
	/* The end of the file is "no start line"; anything else is a block that is broken. */
	if (!err && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		snprintf(why, size, "certificate %u in it is malformed", own->n + 1);
		err = -EINVAL;
	} else if (!err && !own->n) {
		snprintf(why, size, "there is no certificate in it (PEM)");
		err = -EINVAL;
	}
	ERR_clear_error();
	BIO_free(in);
	return err;
}

int pki_own_load(const char *path, struct pki_own **out, char *why, size_t size)
{
	struct pki_own *own = calloc(1, sizeof(*own));
	uint8_t *text = NULL;
	size_t len = 0;
	int err;

	*out = NULL;
	snprintf(why, size, "no memory");
	if (!own)
		return -ENOMEM;
	own->refs = 1;
	err = pki_file_read(path, FILE_MAX, false, &text, &len, why, size);
	if (!err)
		err = read_certs(own, text, len, why, size);
	free(text);
	if (!err)
		err = pki_key_identify(X509_get0_pubkey(own->certs[0]), &own->key, why, size);
	if (err)
		own_free(own);
	else
		*out = own;
	return err;
}

struct pki_own *pki_own_get(struct pki_own *own)
{
	if (own)
		own->refs++;
	return own;
}

void pki_own_put(struct pki_own *own)
{
	if (own && !--own->refs)
		own_free(own);
}

const struct pki_key *pki_own_key(const struct pki_own *own)
{
	return &own->key;
}

unsigned pki_own_count(const struct pki_own *own)
{
	return own->n;
}

struct chunk pki_own_der(const struct pki_own *own, unsigned i)
{
	return (struct chunk){ own->der[i], own->der_len[i] };
}

int pki_own_subject(const struct pki_own *own, struct ike_id *out)
{
	X509_NAME *name = X509_get_subject_name(own->certs[0]);
	int len = i2d_X509_NAME(name, NULL);
	unsigned char *p = out->data;

	if (len <= 0 || !X509_NAME_entry_count(name))
		return -ENOENT;
	if (len > IKE_ID_MAX)
		return -E2BIG;
	out->type = IKE_ID_DER_ASN1_DN;
	out->len = (uint16_t)len;
	i2d_X509_NAME(name, &p);
	return 0;
}

bool pki_own_has_id(const struct pki_own *own, const struct ike_id *id)
{
	return pki_cert_has_id(own->certs[0], id);
}

/* Not of one that signs itself: it is trusted because a peer's file has it, not by that signature. */
static bool weakly_signed(X509 *cert)
{
	int bits;

	return !(X509_get_extension_flags(cert) & EXFLAG_SS) &&
	       X509_get_signature_info(cert, NULL, NULL, &bits, NULL) && bits < SIGNATURE_BITS_MIN;
}

static bool cert_unusable(X509 *cert, int64_t now, char *buf, size_t size)
{
	const ASN1_TIME *from = X509_get0_notBefore(cert), *to = X509_get0_notAfter(cert);
	char name[100], date[16];

	pki_cert_text(cert, name, sizeof(name));
	if (pki_time_cmp(to, now) <= 0)
		snprintf(buf, size, "the certificate of %s expired on %s", name,
			 pki_date(to, date));
	else if (pki_time_cmp(from, now) >= 0)
		snprintf(buf, size, "the certificate of %s is not valid before %s", name,
			 pki_date(from, date));
	else if (weakly_signed(cert))
		snprintf(buf, size,
			 "the certificate of %s is signed with a hash that is too weak, as SHA-1 is; "
			 "SHA2-256 would do",
			 name);
	else
		return false;
	return true;
}

const char *pki_own_unusable(const struct pki_own *own, int64_t now, char *buf, size_t size)
{
	for (unsigned i = 0; i < own->n; i++)
		if (cert_unusable(own->certs[i], now, buf, size))
			return buf;
	return NULL;
}

int64_t pki_own_end(const struct pki_own *own)
{
	int64_t end = INT64_MAX;

	for (unsigned i = 0; i < own->n; i++) {
		int64_t one = pki_time_s(X509_get0_notAfter(own->certs[i]));

		end = one < end ? one : end;
	}
	return end;
}
