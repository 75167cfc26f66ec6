// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which keys and signature algorithms are good enough, and what they are called on
 * the wire: AlgorithmIdentifiers of RFC 7427 §3 and its appendix A, RFC 8420.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "prefpeerd/pki/impl.h"

#define DER(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

#define RSA_PKCS1(last) \
	DER(0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last, 0x05, 0)
#define SHA2_ID(last) 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 3, 4, 2, last, 5, 0
#define RSA_PSS(hash, salt) \
	DER(0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, \
	    0x34, 0xa0, 0x0f, SHA2_ID(hash), 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, \
	    0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, SHA2_ID(hash), 0xa2, 0x03, 0x02, 0x01, salt)
#define ECDSA(last) DER(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last)

static const struct scheme {
	const char *name;
	enum pki_kind kind;
	enum pki_hash hash;
	bool pss;
	const uint8_t *der;
	size_t der_len;
} schemes[PKI_SCHEMES] = {
	[PKI_RSA_PKCS1_SHA256] = { "RSA with SHA2-256", PKI_RSA, PKI_HASH_SHA2_256, false,
				   RSA_PKCS1(0x0b) },
	[PKI_RSA_PKCS1_SHA384] = { "RSA with SHA2-384", PKI_RSA, PKI_HASH_SHA2_384, false,
				   RSA_PKCS1(0x0c) },
	[PKI_RSA_PKCS1_SHA512] = { "RSA with SHA2-512", PKI_RSA, PKI_HASH_SHA2_512, false,
				   RSA_PKCS1(0x0d) },
	[PKI_RSA_PSS_SHA256] = { "RSA-PSS with SHA2-256", PKI_RSA, PKI_HASH_SHA2_256, true,
				 RSA_PSS(1, 32) },
	[PKI_RSA_PSS_SHA384] = { "RSA-PSS with SHA2-384", PKI_RSA, PKI_HASH_SHA2_384, true,
				 RSA_PSS(2, 48) },
	[PKI_RSA_PSS_SHA512] = { "RSA-PSS with SHA2-512", PKI_RSA, PKI_HASH_SHA2_512, true,
				 RSA_PSS(3, 64) },
	[PKI_ECDSA_SHA256] = { "ECDSA with SHA2-256", PKI_ECDSA, PKI_HASH_SHA2_256, false,
			       ECDSA(2) },
	[PKI_ECDSA_SHA384] = { "ECDSA with SHA2-384", PKI_ECDSA, PKI_HASH_SHA2_384, false,
			       ECDSA(3) },
	[PKI_ECDSA_SHA512] = { "ECDSA with SHA2-512", PKI_ECDSA, PKI_HASH_SHA2_512, false,
			       ECDSA(4) },
	[PKI_ED25519] = { "Ed25519", PKI_EDDSA, PKI_HASH_IDENTITY, false,
			  DER(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70) },
};

const char *pki_kind_name(enum pki_kind kind)
{
	switch (kind) {
	case PKI_RSA:
		return "RSA";
	case PKI_ECDSA:
		return "ECDSA";
	case PKI_EDDSA:
		return "Ed25519";
	}
	return "?";
}

const char *pki_scheme_name(enum pki_scheme s)
{
	return s > PKI_SCHEME_NONE && s < PKI_SCHEMES ? schemes[s].name : "none";
}

enum pki_kind pki_scheme_kind(enum pki_scheme s)
{
	return schemes[s].kind;
}

enum pki_hash pki_scheme_hash(enum pki_scheme s)
{
	return schemes[s].hash;
}

bool pki_scheme_is_pss(enum pki_scheme s)
{
	return schemes[s].pss;
}

struct chunk pki_scheme_der(enum pki_scheme s)
{
	return (struct chunk){ schemes[s].der, schemes[s].der_len };
}

const EVP_MD *pki_scheme_md(enum pki_scheme s)
{
	switch (schemes[s].hash) {
	case PKI_HASH_SHA2_256:
		return EVP_sha256();
	case PKI_HASH_SHA2_384:
		return EVP_sha384();
	case PKI_HASH_SHA2_512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

int pki_scheme_setup(enum pki_scheme s, EVP_PKEY_CTX *ctx)
{
	if (schemes[s].kind != PKI_RSA)
		return 0;
	if (!schemes[s].pss)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 ? 0 : -EINVAL;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
			       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0 ?
		       0 :
		       -EINVAL;
}

/* ---- from the wire ---- */

static enum pki_scheme pss_of(int hash, long salt)
{
	if (hash == NID_sha256 && salt == 32)
		return PKI_RSA_PSS_SHA256;
	if (hash == NID_sha384 && salt == 48)
		return PKI_RSA_PSS_SHA384;
	if (hash == NID_sha512 && salt == 64)
		return PKI_RSA_PSS_SHA512;
	return PKI_SCHEME_NONE;
}

/* SHA-2 has NULL for parameters, or none (RFC 4055 §2.1). */
static int hash_nid(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid;
	int type;

	X509_ALGOR_get0(&oid, &type, NULL, alg);
	return type == V_ASN1_NULL || type == V_ASN1_UNDEF ? OBJ_obj2nid(oid) : NID_undef;
}

/* The hash of `maskGenAlgorithm`; absent it is SHA-1 (RFC 4055 §3.1). */
static int mgf_hash(const RSA_PSS_PARAMS *p)
{
	const ASN1_OBJECT *oid;
	const void *value;
	int type, nid = NID_undef;
	X509_ALGOR *hash;

	if (!p->maskGenAlgorithm)
		return NID_sha1;
	X509_ALGOR_get0(&oid, &type, &value, p->maskGenAlgorithm);
	if (OBJ_obj2nid(oid) != NID_mgf1 || type != V_ASN1_SEQUENCE)
		return NID_undef;
	hash = ASN1_item_unpack(value, ASN1_ITEM_rptr(X509_ALGOR));
	if (hash)
		nid = hash_nid(hash);
	X509_ALGOR_free(hash);
	return nid;
}

static enum pki_scheme pss_read(const X509_ALGOR *alg, char *why, size_t size)
{
	enum pki_scheme s = PKI_SCHEME_NONE;
	RSA_PSS_PARAMS *p = NULL;
	int type, hash = NID_sha1;
	const ASN1_OBJECT *oid;
	const void *value;
	long salt = 20;

	X509_ALGOR_get0(&oid, &type, &value, alg);
	if (type == V_ASN1_SEQUENCE)
		p = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
	if (p && p->hashAlgorithm)
		hash = hash_nid(p->hashAlgorithm);
	if (p && p->saltLength)
		salt = ASN1_INTEGER_get(p->saltLength);
	if (p && mgf_hash(p) == hash &&
	    (!p->trailerField || ASN1_INTEGER_get(p->trailerField) == 1))
		s = pss_of(hash, salt);
	if (!s)
		snprintf(why, size,
			 "RSA-PSS with %s is not accepted; SHA2-256 in hash and MGF1 and a salt of 32 bytes would be",
			 hash == NID_sha1 ? "SHA-1" : "these parameters");
	RSA_PSS_PARAMS_free(p);
	return s;
}

static enum pki_scheme scheme_of(const X509_ALGOR *alg, char *why, size_t size)
{
	const ASN1_OBJECT *oid;
	int nid, type;

	X509_ALGOR_get0(&oid, &type, NULL, alg);
	nid = OBJ_obj2nid(oid);
	if (nid != NID_rsassaPss && type != V_ASN1_NULL && type != V_ASN1_UNDEF) {
		snprintf(why, size, "the signature's AlgorithmIdentifier has parameters that do not belong to it");
		return PKI_SCHEME_NONE;
	}
	switch (nid) {
	case NID_sha256WithRSAEncryption:
		return PKI_RSA_PKCS1_SHA256;
	case NID_sha384WithRSAEncryption:
		return PKI_RSA_PKCS1_SHA384;
	case NID_sha512WithRSAEncryption:
		return PKI_RSA_PKCS1_SHA512;
	case NID_ecdsa_with_SHA256:
		return PKI_ECDSA_SHA256;
	case NID_ecdsa_with_SHA384:
		return PKI_ECDSA_SHA384;
	case NID_ecdsa_with_SHA512:
		return PKI_ECDSA_SHA512;
	case NID_ED25519:
		return PKI_ED25519;
	case NID_rsassaPss:
		return pss_read(alg, why, size);
	case NID_sha1WithRSAEncryption:
	case NID_ecdsa_with_SHA1:
		snprintf(why, size, "a signature with SHA-1 is not accepted; SHA2-256 would be");
		return PKI_SCHEME_NONE;
	default:
		snprintf(why, size,
			 "the signature algorithm %.40s is not known here; RSA, ECDSA with SHA-2 and Ed25519 are",
			 nid == NID_undef ? "" : OBJ_nid2sn(nid));
		return PKI_SCHEME_NONE;
	}
}

enum pki_scheme pki_scheme_from_der(struct chunk der, char *why, size_t size)
{
	const unsigned char *p = der.p;
	enum pki_scheme s = PKI_SCHEME_NONE;
	X509_ALGOR *alg;

	for (unsigned i = 1; i < PKI_SCHEMES; i++)
		if (schemes[i].der_len == der.len && !memcmp(schemes[i].der, der.p, der.len))
			return (enum pki_scheme)i;
	alg = d2i_X509_ALGOR(NULL, &p, (long)der.len);
	if (alg && p == (const unsigned char *)der.p + der.len)
		s = scheme_of(alg, why, size);
	else
		snprintf(why, size, "the signature's AlgorithmIdentifier is malformed");
	X509_ALGOR_free(alg);
	ERR_clear_error();
	return s;
}

/* ---- to the wire ---- */

/* The hash that is as strong as the key first, then any that the peer takes. */
static enum pki_hash hash_for(const struct pki_key *key, unsigned hashes)
{
	static const enum pki_hash up[] = { PKI_HASH_SHA2_256, PKI_HASH_SHA2_384,
					    PKI_HASH_SHA2_512 };
	unsigned first = key->kind == PKI_ECDSA ? (key->bits > 384) + (key->bits > 256) : 0;

	if (key->kind == PKI_EDDSA)
		return hashes & 1u << PKI_HASH_IDENTITY ? PKI_HASH_IDENTITY : 0;
	for (unsigned i = 0; i < 3; i++)
		if (hashes & 1u << up[(first + i) % 3])
			return up[(first + i) % 3];
	return 0;
}

enum pki_scheme pki_scheme_for(const struct pki_key *key, unsigned hashes, bool pkcs1)
{
	enum pki_hash hash = hash_for(key, hashes);
	bool pss = key->kind == PKI_RSA && (key->pss_only || !pkcs1);

	for (unsigned i = 1; hash && i < PKI_SCHEMES; i++)
		if (schemes[i].kind == key->kind && schemes[i].hash == hash &&
		    schemes[i].pss == pss)
			return (enum pki_scheme)i;
	return PKI_SCHEME_NONE;
}

/* ---- keys ---- */

static int curve_bits(EVP_PKEY *pkey)
{
	char name[64];

	if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) != 1)
		return 0;
	switch (OBJ_txt2nid(name)) {
	case NID_X9_62_prime256v1:
		return 256;
	case NID_secp384r1:
		return 384;
	case NID_secp521r1:
		return 521;
	default:
		return 0;
	}
}

static int describe_rsa(EVP_PKEY *pkey, struct pki_key *out, char *why, size_t size)
{
	out->kind = PKI_RSA;
	out->pss_only = EVP_PKEY_is_a(pkey, "RSA-PSS");
	out->bits = (unsigned)EVP_PKEY_get_bits(pkey);
	if (out->bits >= PKI_RSA_MIN && out->bits <= PKI_RSA_MAX)
		return 0;
	snprintf(why, size, "an RSA key of %u bits is not accepted; one of %u to %u bits would be",
		 out->bits, PKI_RSA_MIN, PKI_RSA_MAX);
	return -EINVAL;
}

static int describe_kind(EVP_PKEY *pkey, struct pki_key *out, char *why, size_t size)
{
	const char *name;

	if (EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS"))
		return describe_rsa(pkey, out, why, size);
	out->bits = (unsigned)curve_bits(pkey);
	if (EVP_PKEY_is_a(pkey, "EC") && out->bits) {
		out->kind = PKI_ECDSA;
		return 0;
	}
	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		out->kind = PKI_EDDSA;
		out->bits = 256;
		return 0;
	}
	name = EVP_PKEY_get0_type_name(pkey);
	snprintf(why, size,
		 "a key of type %.20s%s is not accepted; RSA of %u bits, ECDSA on P-256, P-384 or P-521, or Ed25519 would be",
		 name ? name : "?", EVP_PKEY_is_a(pkey, "EC") ? " on this curve" : "", PKI_RSA_MIN);
	return -EINVAL;
}

int pki_key_describe(EVP_PKEY *pkey, struct pki_key *out, char *why, size_t size)
{
	*out = (struct pki_key){ 0 };
	if (pkey)
		return describe_kind(pkey, out, why, size);
	snprintf(why, size, "its public key cannot be read");
	return -EINVAL;
}

int pki_key_identify(EVP_PKEY *pkey, struct pki_key *out, char *why, size_t size)
{
	unsigned char *spki = NULL;
	int len, err = pki_key_describe(pkey, out, why, size);

	if (err)
		return err;
	len = i2d_PUBKEY(pkey, &spki);
	if (len <= 0 || EVP_Digest(spki, (size_t)len, out->id, NULL, EVP_sha256(), NULL) != 1)
		err = -EINVAL;
	OPENSSL_free(spki);
	if (err)
		snprintf(why, size, "its public key cannot be read");
	return err;
}
