// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/test/pki_make.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "lib/dn.h"

#define DAY 86400

static char dir[64];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "pki_make: %s\n", what);
	abort();
}

static EVP_PKEY *make_key(const char *name)
{
	EVP_PKEY *key;

	if (!strncmp(name, "RSA:", 4) || !strncmp(name, "RSA-PSS:", 8)) {
		const char *colon = strchr(name, ':');
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(
			name[3] == '-' ? EVP_PKEY_RSA_PSS : EVP_PKEY_RSA, NULL);

		key = NULL;
		must(ctx && EVP_PKEY_keygen_init(ctx) == 1 &&
			     EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, atoi(colon + 1)) == 1 &&
			     EVP_PKEY_keygen(ctx, &key) == 1,
		     "RSA key");
		EVP_PKEY_CTX_free(ctx);
		return key;
	}
	key = strcmp(name, "ED25519") ? EVP_EC_gen(name) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	must(key, name);
	return key;
}

static void add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(ext && X509_add_ext(cert, ext, -1) == 1, value);
	X509_EXTENSION_free(ext);
}

static void add_raw_ext(X509 *cert, const char *oid, bool critical, size_t len)
{
	ASN1_OCTET_STRING *os = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	uint8_t *bytes = calloc(1, len + 1);
	X509_EXTENSION *ext;

	ASN1_OCTET_STRING_set(os, bytes, (int)len);
	ext = X509_EXTENSION_create_by_OBJ(NULL, obj, critical, os);
	must(ext && X509_add_ext(cert, ext, -1) == 1, oid);
	X509_EXTENSION_free(ext);
	ASN1_OBJECT_free(obj);
	ASN1_OCTET_STRING_free(os);
	free(bytes);
}

static void add_extensions(X509 *cert, const struct make *w, X509 *issuer)
{
	char bc[64] = "critical,CA:TRUE";

	if (w->ca && w->pathlen)
		snprintf(bc, sizeof(bc), "critical,CA:TRUE,pathlen:%d", w->pathlen - 1);
	if (!w->no_bc)
		add_ext(cert, issuer, NID_basic_constraints, w->ca ? bc : "CA:FALSE");
	add_ext(cert, issuer, NID_subject_key_identifier, "hash");
	if (w->ku || w->ca || w->no_bc)
		add_ext(cert, issuer, NID_key_usage, w->ku ? w->ku : "critical,keyCertSign,cRLSign");
	if (w->eku)
		add_ext(cert, issuer, NID_ext_key_usage, w->eku);
	if (w->san)
		add_ext(cert, issuer, NID_subject_alt_name, w->san);
	if (w->constraints)
		add_ext(cert, issuer, NID_name_constraints, w->constraints);
	if (w->critical_oid)
		add_raw_ext(cert, w->critical_oid, true, 2);
	if (w->pad)
		add_raw_ext(cert, "1.2.3.4.5", false, w->pad);
}

static void set_subject(X509 *cert, const char *text)
{
	const unsigned char *p;
	uint8_t der[1024];
	X509_NAME *name;
	size_t len;

	must(!dn_from_text(text, der, sizeof(der), &len), text);
	p = der;
	name = d2i_X509_NAME(NULL, &p, (long)len);
	X509_set_subject_name(cert, name);
	X509_NAME_free(name);
}

struct made pki_make(const struct make *w)
{
	struct made m = { .cert = X509_new() };
	X509 *issuer = w->issuer ? w->issuer->cert : m.cert;
	EVP_PKEY *signer;
	const EVP_MD *md;
	int64_t serial;
	int len;

	if (w->same_key)
		EVP_PKEY_up_ref(m.key = w->same_key->key);
	else
		m.key = make_key(w->key ? w->key : "P-256");
	RAND_bytes((uint8_t *)&serial, sizeof(serial));
	X509_set_version(m.cert, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(m.cert), (uint64_t)serial >> 1);
	if (w->subject)
		set_subject(m.cert, w->subject);
	X509_set_issuer_name(m.cert, X509_get_subject_name(issuer));
	X509_gmtime_adj(X509_getm_notBefore(m.cert), (w->from_day ? w->from_day : -1) * (long)DAY);
	X509_gmtime_adj(X509_getm_notAfter(m.cert), (w->to_day ? w->to_day : 365) * (long)DAY);
	X509_set_pubkey(m.cert, m.key);
	add_extensions(m.cert, w, issuer);
	signer = w->issuer ? w->issuer->key : m.key;
	md = EVP_PKEY_is_a(signer, "ED25519") ? NULL : w->sha1 ? EVP_sha1() : EVP_sha256();
	must(X509_sign(m.cert, signer, md) > 0, "signature");
	len = i2d_X509(m.cert, &m.der);
	must(len > 0, "DER");
	m.len = (size_t)len;
	return m;
}

void pki_made_free(struct made *m)
{
	X509_free(m->cert);
	EVP_PKEY_free(m->key);
	OPENSSL_free(m->der);
	*m = (struct made){ 0 };
}

struct chunk pki_made_der(const struct made *m)
{
	return (struct chunk){ m->der, m->len };
}

/* ---- files ---- */

const char *pki_dir(void)
{
	if (!*dir) {
		strcpy(dir, "/tmp/prefpeer-pki-XXXXXX");
		must(mkdtemp(dir), dir);
		atexit(pki_dir_remove);
	}
	return dir;
}

void pki_dir_remove(void)
{
	DIR *d = *dir ? opendir(dir) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	if (*dir)
		rmdir(dir);
	*dir = '\0';
}

const char *pki_path(const char *name)
{
	static char paths[4][160];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", pki_dir(), name);
	return path;
}

static FILE *open_new(const char *path, mode_t mode)
{
	FILE *f = fopen(path, "w");

	must(f && !fchmod(fileno(f), mode), path);
	return f;
}

const char *pki_write_certs(const char *name, const struct made *const *list, unsigned n)
{
	const char *path = pki_path(name);
	FILE *f = open_new(path, 0644);

	for (unsigned i = 0; i < n; i++)
		must(PEM_write_X509(f, list[i]->cert) == 1, path);
	fclose(f);
	return path;
}

const char *pki_write_key(const char *name, const struct made *m)
{
	const char *path = pki_path(name);
	FILE *f = open_new(path, 0600);

	must(PEM_write_PrivateKey(f, m->key, NULL, NULL, 0, NULL, NULL) == 1, path);
	fclose(f);
	return path;
}

static void add_revoked(X509_CRL *crl, const struct made *m)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *when = X509_gmtime_adj(NULL, -DAY / 2);

	X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(m->cert));
	X509_REVOKED_set_revocationDate(r, when);
	must(X509_CRL_add0_revoked(crl, r) == 1, "revocation");
	ASN1_TIME_free(when);
}

const char *pki_write_crls(const char *name, const struct made *const *issuers, unsigned n,
			   const struct made *revoked, int to_day)
{
	const char *path = pki_path(name);
	FILE *f = open_new(path, 0644);

	for (unsigned i = 0; i < n; i++) {
		X509_CRL *crl = X509_CRL_new();
		ASN1_TIME *from = X509_gmtime_adj(NULL, -2 * DAY);
		ASN1_TIME *to = X509_gmtime_adj(NULL, to_day * (long)DAY);

		X509_CRL_set_version(crl, X509_CRL_VERSION_2);
		X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuers[i]->cert));
		X509_CRL_set1_lastUpdate(crl, from);
		X509_CRL_set1_nextUpdate(crl, to);
		if (!i && revoked)
			add_revoked(crl, revoked);
		X509_CRL_sort(crl);
		must(X509_CRL_sign(crl, issuers[i]->key, EVP_sha256()) > 0, "CRL");
		must(PEM_write_X509_CRL(f, crl) == 1, path);
		X509_CRL_free(crl);
		ASN1_TIME_free(from);
		ASN1_TIME_free(to);
	}
	fclose(f);
	return path;
}
