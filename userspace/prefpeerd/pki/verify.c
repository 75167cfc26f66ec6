// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A peer's chain (RFC 5280 §6 as libcrypto does it, RFC 4945 §5.1), and signatures
 * by its key. The purposes that RFC 4945 asks for are checked here, everything
 * else by X509_verify_cert(): validity, path lengths, name constraints,
 * critical extensions, revocation, and the strength of every key and hash.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include "prefpeerd/pki/impl.h"

#define AUTH_LEVEL 2 /* 112 bits: RSA from 2048, SHA-2; SSL_CTX_set_security_level(3) has the table */

struct pki_peer {
	X509 *cert;
	EVP_PKEY *pkey; /* the certificate's */
	struct pki_key key;
	int64_t end; /* the first of its chain expires */
};

struct refusal {
	char *why;
	size_t size;
};

/* ---- sentences ---- */

static const char *what_is_wrong(int err)
{
	switch (err) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return "is of no CA in `ca file`, nor of one that was sent along";
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return "is not signed by the CA that it names";
	case X509_V_ERR_CERT_REVOKED:
		return "is revoked";
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
		return "is no CA, and signed a certificate";
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
		return "may have no CA below it as deep as that (path length)";
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
		return "is at the end of a chain that is too long";
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		return "has a key that is too short; RSA of 2048 bits or P-256 would do";
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return "is signed with a hash that is too weak, as SHA-1 is; SHA2-256 would do";
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		return "has an issuer whose revocation list is not in `crl file`";
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return "cannot be judged: the revocation list of its issuer is out of date";
	case X509_V_ERR_CRL_NOT_YET_VALID:
		return "cannot be judged: the revocation list of its issuer is of the future";
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
		return "cannot be judged: the revocation list of its issuer is not signed by that";
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
		return "has a name that a CA above it may not give (name constraints)";
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
		return "has a critical extension that is not known here";
	default:
		return NULL;
	}
}

static void explain(X509_STORE_CTX *ctx, const struct refusal *out)
{
	X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
	int err = X509_STORE_CTX_get_error(ctx);
	const char *what = what_is_wrong(err);
	char name[80] = "?", date[16];

	if (cert)
		pki_cert_text(cert, name, sizeof(name));
	if (err == X509_V_ERR_CERT_HAS_EXPIRED && cert)
		snprintf(out->why, out->size, "the certificate of %s expired on %s", name,
			 pki_date(X509_get0_notAfter(cert), date));
	else if (err == X509_V_ERR_CERT_NOT_YET_VALID && cert)
		snprintf(out->why, out->size, "the certificate of %s is not valid before %s", name,
			 pki_date(X509_get0_notBefore(cert), date));
	else if (what)
		snprintf(out->why, out->size, "the certificate of %s %s", name, what);
	else
		snprintf(out->why, out->size, "the certificate of %s is refused: %s", name,
			 X509_verify_cert_error_string(err));
}

/* ---- the chain ---- */

/* An anchor is trusted because the configuration says so: no CRL need say that it is good. */
static int on_verify(int ok, X509_STORE_CTX *ctx)
{
	int depth = X509_STORE_CTX_get_error_depth(ctx);

	if (!ok && X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL &&
	    depth == sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	return ok;
}

static bool set_rules(X509_STORE_CTX *ctx, const struct pki_trust *trust, int64_t now)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST;

	if (trust->crls)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	X509_VERIFY_PARAM_set_time(param, (time_t)now);
	X509_VERIFY_PARAM_set_depth(param, PKI_CHAIN_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_STORE_CTX_set_verify_cb(ctx, on_verify);
	return X509_VERIFY_PARAM_set_flags(param, flags) == 1;
}

/* RFC 4945 §5.1.3.9: basicConstraints, of all but an anchor, which may be of version 1. */
static bool cas_are_cas(X509_STORE_CTX *ctx, const struct refusal *out)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	char name[80];

	for (int i = 1; i < sk_X509_num(chain); i++) {
		X509 *ca = sk_X509_value(chain, i);
		uint32_t flags = X509_get_extension_flags(ca);
		bool anchor = i == sk_X509_num(chain) - 1;

		if (flags & EXFLAG_CA || (anchor && X509_get_version(ca) == X509_VERSION_1))
			continue;
		snprintf(out->why, out->size, "the certificate of %s %s",
			 pki_cert_text(ca, name, sizeof(name)), what_is_wrong(X509_V_ERR_INVALID_CA));
		return false;
	}
	return true;
}

/* RFC 4945 §5.1.3.12. */
static bool usage_is_ike(X509 *cert)
{
	EXTENDED_KEY_USAGE *all = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	bool ok = false;

	if (!(X509_get_extension_flags(cert) & EXFLAG_XKUSAGE))
		return true;
	for (int i = 0; all && !ok && i < sk_ASN1_OBJECT_num(all); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(all, i));

		ok = nid == NID_ipsec_IKE || nid == NID_anyExtendedKeyUsage;
	}
	EXTENDED_KEY_USAGE_free(all);
	return ok;
}

static bool may_sign_ike(X509 *cert, const struct refusal *out)
{
	uint32_t flags = X509_get_extension_flags(cert);
	char name[80];

	pki_cert_text(cert, name, sizeof(name));
	if (flags & EXFLAG_INVALID)
		snprintf(out->why, out->size, "the certificate of %s is malformed", name);
	else if (flags & EXFLAG_KUSAGE &&
		 !(X509_get_key_usage(cert) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		snprintf(out->why, out->size,
			 "the certificate of %s is not for signatures: its key usage lacks digitalSignature",
			 name);
	else if (!usage_is_ike(cert))
		snprintf(out->why, out->size,
			 "the certificate of %s is for other uses: its extended key usage lacks ipsecIKE",
			 name);
	else
		return true;
	return false;
}

static int64_t chain_end(X509_STORE_CTX *ctx)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	int64_t end = INT64_MAX;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		int64_t one = pki_time_s(X509_get0_notAfter(sk_X509_value(chain, i)));

		end = one < end ? one : end;
	}
	return end;
}

static bool chain_ok(const struct pki_trust *trust, X509 *leaf, STACK_OF(X509) *rest, int64_t now,
		     int64_t *end, const struct refusal *out)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool ok = false;

	if (!ctx || X509_STORE_CTX_init(ctx, trust->store, leaf, rest) != 1 ||
	    !set_rules(ctx, trust, now))
		snprintf(out->why, out->size, "no memory");
	else if (X509_verify_cert(ctx) != 1)
		explain(ctx, out);
	else
		ok = cas_are_cas(ctx, out);
	if (ok)
		*end = chain_end(ctx);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

/* The trustpoints' sentences differ; that of the one that came furthest would be best, the first is told. */
static bool any_trust(struct pki_trust *const *trust, unsigned n, X509 *leaf, STACK_OF(X509) *rest,
		      int64_t now, int64_t *end, const struct refusal *out)
{
	char later[PKI_WHY_MAX];
	struct refusal ignored = { later, sizeof(later) };

	for (unsigned i = 0; i < n; i++)
		if (chain_ok(trust[i], leaf, rest, now, end, i ? &ignored : out))
			return true;
	return false;
}

static STACK_OF(X509) *parse_all(const struct chunk *ders, unsigned n, const struct refusal *out)
{
	STACK_OF(X509) *all = sk_X509_new_null();

	for (unsigned i = 0; all && i < n; i++) {
		X509 *cert = pki_cert_parse(ders[i]);

		if (cert && sk_X509_push(all, cert))
			continue;
		X509_free(cert);
		snprintf(out->why, out->size, "certificate %u of %u that it sent is malformed",
			 i + 1, n);
		sk_X509_pop_free(all, X509_free);
		return NULL;
	}
	return all;
}

static int peer_new(X509 *leaf, int64_t end, struct pki_peer **out, const struct refusal *no)
{
	struct pki_peer *peer = calloc(1, sizeof(*peer));
	char weak[PKI_WHY_MAX], name[80];

	if (!peer)
		return -ENOMEM;
	peer->pkey = X509_get0_pubkey(leaf);
	if (pki_key_describe(peer->pkey, &peer->key, weak, sizeof(weak))) {
		snprintf(no->why, no->size, "the certificate of %s: %s",
			 pki_cert_text(leaf, name, sizeof(name)), weak);
		free(peer);
		return -EACCES;
	}
	X509_up_ref(leaf);
	peer->cert = leaf;
	peer->end = end;
	*out = peer;
	return 0;
}

int pki_verify(struct pki_trust *const *trust, unsigned n_trust, const struct chunk *ders,
	       unsigned n_ders, int64_t now, struct pki_peer **out, char *why, size_t size)
{
	const struct refusal no = { why, size };
	STACK_OF(X509) *all;
	int64_t end;
	X509 *leaf;
	int err = -EACCES;

	*out = NULL;
	if (!n_ders || n_ders > PKI_CHAIN_MAX || !n_trust) {
		snprintf(why, size, !n_trust ? "no trustpoint says which CAs are trusted" :
				    n_ders   ? "too many certificates" :
					       "no certificate came");
		return -EACCES;
	}
	snprintf(why, size, "no memory");
	all = parse_all(ders, n_ders, &no);
	if (!all)
		return -EACCES;
	leaf = sk_X509_value(all, 0);
	if (any_trust(trust, n_trust, leaf, all, now, &end, &no) && may_sign_ike(leaf, &no))
		err = peer_new(leaf, end, out, &no);
	sk_X509_pop_free(all, X509_free);
	return err;
}

void pki_peer_free(struct pki_peer *peer)
{
	if (!peer)
		return;
	X509_free(peer->cert);
	free(peer);
}

const struct pki_key *pki_peer_key(const struct pki_peer *peer)
{
	return &peer->key;
}

bool pki_peer_has_id(const struct pki_peer *peer, const struct ike_id *id)
{
	return pki_cert_has_id(peer->cert, id);
}

const char *pki_peer_names(const struct pki_peer *peer, char *buf, size_t size)
{
	return pki_cert_text(peer->cert, buf, size);
}

int64_t pki_peer_end(const struct pki_peer *peer)
{
	return peer->end;
}

/* ---- signatures ---- */

static uint8_t *join(const struct chunk *data, unsigned n, size_t *len)
{
	uint8_t *all;
	size_t at = 0;

	for (unsigned i = 0; i < n; i++)
		at += data[i].len;
	all = malloc(at ? at : 1);
	*len = at;
	at = 0;
	for (unsigned i = 0; all && i < n; i++) {
		if (data[i].len)
			memcpy(all + at, data[i].p, data[i].len);
		at += data[i].len;
	}
	return all;
}

/* @setup: PKI_SCHEME_NONE for PKCS #1 v1.5. */
static int check(EVP_PKEY *pkey, const EVP_MD *md, enum pki_scheme setup, const struct chunk *data,
		 unsigned n, struct chunk sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	size_t len;
	uint8_t *all = join(data, n, &len);
	int err = -EBADMSG;

	if (!ctx || !all)
		err = -ENOMEM;
	else if (EVP_DigestVerifyInit(ctx, &pctx, md, NULL, pkey) == 1 &&
		 (!setup || !pki_scheme_setup(setup, pctx)) &&
		 EVP_DigestVerify(ctx, sig.p, sig.len, all, len) == 1)
		err = 0;
	free(all);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return err;
}

int pki_peer_check(const struct pki_peer *peer, enum pki_scheme scheme, const struct chunk *data,
		   unsigned n, struct chunk sig)
{
	if (scheme <= PKI_SCHEME_NONE || scheme >= PKI_SCHEMES || sig.len > PKI_SIG_MAX ||
	    pki_scheme_kind(scheme) != peer->key.kind)
		return -EBADMSG;
	return check(peer->pkey, pki_scheme_md(scheme), scheme, data, n, sig);
}

int pki_peer_check_raw_ecdsa(const struct pki_peer *peer, enum pki_scheme scheme,
			     const struct chunk *data, unsigned n, struct chunk sig)
{
	size_t half = (peer->key.bits + 7) / 8;
	ECDSA_SIG *s = ECDSA_SIG_new();
	unsigned char *der = NULL;
	BIGNUM *r, *v;
	int len, err = -EBADMSG;

	if (s && peer->key.kind == PKI_ECDSA && sig.len == 2 * half) {
		r = BN_bin2bn(sig.p, (int)half, NULL);
		v = BN_bin2bn((const uint8_t *)sig.p + half, (int)half, NULL);
		if (!r || !v || ECDSA_SIG_set0(s, r, v) != 1) {
			BN_free(r);
			BN_free(v);
		} else {
			len = i2d_ECDSA_SIG(s, &der);
			if (len > 0)
				err = pki_peer_check(peer, scheme, data, n,
						     (struct chunk){ der, (size_t)len });
		}
	}
	OPENSSL_free(der);
	ECDSA_SIG_free(s);
	return err;
}

bool pki_peer_signed_sha1(const struct pki_peer *peer, const struct chunk *data, unsigned n,
			  struct chunk sig)
{
	return peer->key.kind == PKI_RSA && sig.len <= PKI_SIG_MAX &&
	       !check(peer->pkey, EVP_sha1(), PKI_RSA_PKCS1_SHA256, data, n, sig);
}
