// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One certificate: reading, naming, and whose it is. Identities are bound as RFC
 * 4945 §3.1 says: an address, a domain name and a mail address by an exact
 * subjectAltName (no wildcards, never the CN), a DN by the whole subject. A
 * key-id, which RFC 4945 leaves open, by the subject key identifier.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>

#include "lib/dn.h"
#include "prefpeerd/pki/impl.h"

/* ---- files ---- */

static int read_all(int fd, size_t max, uint8_t **out, size_t *len)
{
	uint8_t *buf = malloc(max + 1);
	size_t n = 0;
	ssize_t got;

	if (!buf)
		return -ENOMEM;
	do {
		got = read(fd, buf + n, max + 1 - n);
		if (got > 0)
			n += (size_t)got;
	} while ((got > 0 && n <= max) || (got < 0 && errno == EINTR));
	if (got < 0 || n > max) {
		int err = got < 0 ? -errno : -EFBIG;

		OPENSSL_cleanse(buf, n);
		free(buf);
		return err;
	}
	*out = buf;
	*len = n;
	return 0;
}

/* Whoever else may write there, or read a secret, may be anybody. */
static int judge_file(const struct stat *st, bool secret, char *why, size_t size)
{
	if (!S_ISREG(st->st_mode)) {
		snprintf(why, size, "it is no regular file");
		return -EINVAL;
	}
	if (st->st_uid && st->st_uid != geteuid() && secret) {
		snprintf(why, size, "it belongs to user %u; a private key is root's",
			 (unsigned)st->st_uid);
		return -EACCES;
	}
	if (st->st_mode & (secret ? 0037 : 0002)) {
		snprintf(why, size, "its mode 0%03o lets %s at it; chmod %s",
			 (unsigned)st->st_mode & 0777,
			 st->st_mode & 0007 ? "everyone" : "a group", secret ? "0600" : "0644");
		return -EACCES;
	}
	return 0;
}

int pki_file_read(const char *path, size_t max, bool secret, uint8_t **out, size_t *len, char *why,
		  size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err;
	struct stat st;

	if (fd < 0) {
		err = -errno;
		snprintf(why, size, "it cannot be read: %s", strerror(-err));
		return err;
	}
	err = fstat(fd, &st) ? -errno : judge_file(&st, secret, why, size);
	if (!err) {
		err = read_all(fd, max, out, len);
		if (err == -EFBIG)
			snprintf(why, size, "it is larger than %zu bytes", max);
		else if (err)
			snprintf(why, size, "it cannot be read: %s", strerror(-err));
	}
	close(fd);
	return err;
}

/* ---- reading ---- */

X509 *pki_cert_parse(struct chunk der)
{
	const unsigned char *p = der.p;
	X509 *cert;

	if (!der.len || der.len > PKI_CERT_MAX)
		return NULL;
	cert = d2i_X509(NULL, &p, (long)der.len);
	ERR_clear_error();
	if (cert && p == (const unsigned char *)der.p + der.len)
		return cert;
	X509_free(cert);
	return NULL;
}

/* ---- naming ---- */

const char *pki_cert_text(const X509 *cert, char *buf, size_t size)
{
	unsigned char *der = NULL;
	int len = i2d_X509_NAME(X509_get_subject_name(cert), &der);

	dn_to_text(der, len > 0 ? (size_t)len : 0, buf, size);
	OPENSSL_free(der);
	return buf;
}

const char *pki_date(const ASN1_TIME *t, char buf[16])
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		snprintf(buf, 16, "?");
	else
		strftime(buf, 16, "%F", &tm);
	return buf;
}

int pki_time_cmp(const ASN1_TIME *t, int64_t now)
{
	time_t at = (time_t)now;

	/* libcrypto never says "equal": 0 is a time that cannot be read, past and to come at once. */
	return X509_cmp_time(t, &at);
}

int64_t pki_time_s(const ASN1_TIME *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : INT64_MAX;
}

/* ---- whose it is ---- */

static bool string_is(const ASN1_IA5STRING *s, const struct ike_id *id)
{
	struct ike_id other = { .type = id->type };
	int len = ASN1_STRING_length(s);

	if (len <= 0 || len > IKE_ID_MAX || memchr(ASN1_STRING_get0_data(s), 0, (size_t)len))
		return false;
	other.len = (uint16_t)len;
	memcpy(other.data, ASN1_STRING_get0_data(s), (size_t)len);
	return ike_id_equal(&other, id);
}

static bool name_is(const GENERAL_NAME *name, const struct ike_id *id)
{
	int type;
	const ASN1_STRING *s = GENERAL_NAME_get0_value(name, &type);

	switch (id->type) {
	case IKE_ID_FQDN:
		return type == GEN_DNS && string_is(s, id);
	case IKE_ID_RFC822_ADDR:
		return type == GEN_EMAIL && string_is(s, id);
	case IKE_ID_IPV4_ADDR:
	case IKE_ID_IPV6_ADDR:
		return type == GEN_IPADD && ASN1_STRING_length(s) == id->len &&
		       !memcmp(ASN1_STRING_get0_data(s), id->data, id->len);
	default:
		return false;
	}
}

static bool san_has(X509 *cert, const struct ike_id *id)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; names && !found && i < sk_GENERAL_NAME_num(names); i++)
		found = name_is(sk_GENERAL_NAME_value(names, i), id);
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return found;
}

static bool subject_is(const X509 *cert, const struct ike_id *id)
{
	X509_NAME *name = X509_get_subject_name(cert);
	unsigned char *der = NULL;
	int len = i2d_X509_NAME(name, &der);
	bool same = len > 0 && X509_NAME_entry_count(name) > 0 &&
		    dn_equal(der, (size_t)len, id->data, id->len);

	OPENSSL_free(der);
	return same;
}

bool pki_cert_has_id(X509 *cert, const struct ike_id *id)
{
	const ASN1_OCTET_STRING *skid;

	switch (id->type) {
	case IKE_ID_DER_ASN1_DN:
		return subject_is(cert, id);
	case IKE_ID_KEY_ID:
		skid = X509_get0_subject_key_id(cert);
		return skid && ASN1_STRING_length(skid) == id->len &&
		       !memcmp(ASN1_STRING_get0_data(skid), id->data, id->len);
	default:
		return san_has(cert, id);
	}
}
