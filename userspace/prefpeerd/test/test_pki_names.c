// SPDX-License-Identifier: GPL-2.0-or-later
/* Whose certificate it is, what a rule matches, and signature schemes on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "lib/dn.h"
#include "prefpeerd/pki/pki.h"
#include "prefpeerd/test/pki_make.h"

#define ELEMS(a) (sizeof(a) / sizeof((a)[0]))

static struct ike_id id_of(const char *kind, const char *text)
{
	struct ike_id id = { 0 };
	struct addr a;

	if (!strcmp(kind, "address") && !addr_parse(text, &a))
		return ike_id_from_addr(&a);
	assert_int_equal(ike_id_from_text(!strcmp(kind, "fqdn")	   ? IKE_ID_FQDN :
					  !strcmp(kind, "email")   ? IKE_ID_RFC822_ADDR :
					  !strcmp(kind, "dn")	   ? IKE_ID_DER_ASN1_DN :
								     IKE_ID_KEY_ID,
					  text, &id),
			 0);
	return id;
}

static void rules(void **state)
{
	static const struct {
		const char *kind, *rule;
		bool domain;
		const char *id_kind, *id;
		bool want;
	} rows[] = {
		{ "address", "10.1.1.1", false, "address", "10.1.1.1", true },
		{ "address", "10.1.1.1", false, "address", "10.1.1.2", false },
		{ "address", "10.1.1.1", false, "fqdn", "10.1.1.1", false },
		{ "address", "2001:db8::1", false, "address", "2001:db8:0::1", true },
		{ "fqdn", "hub1.example", false, "fqdn", "HUB1.Example", true },
		{ "fqdn", "hub1.example", false, "fqdn", "hub1.example.", false },
		{ "fqdn", "hub1.example", false, "fqdn", "xhub1.example", false },
		{ "fqdn", "hub1.example", false, "fqdn", "hub1.example.evil", false },
		{ "fqdn", "*.example", false, "fqdn", "hub1.example", false },
		{ "fqdn", "hub1.example", false, "email", "hub1.example", false },
		{ "fqdn", "hub1.example", false, "key-id", "hub1.example", false },
		{ "fqdn", "example", true, "fqdn", "hub1.example", true },
		{ "fqdn", "example", true, "fqdn", "a.b.EXAMPLE", true },
		{ "fqdn", "example", true, "fqdn", "example", false },
		{ "fqdn", "example", true, "fqdn", ".example", false },
		{ "fqdn", "example", true, "fqdn", "badexample", false },
		{ "fqdn", "example", true, "email", "a@x.example", false },
		{ "email", "example.com", true, "email", "ops@example.com", true },
		{ "email", "example.com", true, "email", "ops@sub.example.com", false },
		{ "email", "example.com", true, "email", "@example.com", false },
		{ "email", "ops@example.com", false, "email", "OPS@example.com", true },
		{ "key-id", "branch7", false, "key-id", "branch7", true },
		{ "key-id", "branch7", false, "key-id", "Branch7", false },
		{ "dn", "C=US, O=Example, CN=hub1", false, "dn", "C=US,O=Example,CN=hub1", true },
		{ "dn", "C=US, O=Example, CN=hub1", false, "dn", "C=US,O=EXAMPLE,CN=HUB1", true },
		{ "dn", "cn=hub1, o=Example, c=US", false, "dn", "C=US,O=Example,CN=hub1", true },
		{ "dn", "C=US, O=Example, CN=hub1", false, "dn", "C=US,O=Example,CN=hub2", false },
		{ "dn", "O=Example, CN=hub1", false, "dn", "C=US,O=Example,CN=hub1", false },
		{ "dn", "C=US, O=Example, CN=hub1", false, "dn", "O=Example,CN=hub1", false },
		{ "dn", "CN=hub1, OU=a, O=b", false, "dn", "CN=hub1, O=b, OU=a", false },
		{ "dn", "CN=a\\, b", false, "dn", "CN=a\\, b", true },
		{ "dn", "CN=a\\, b", false, "dn", "CN=a", false },
	};

	for (size_t i = 0; i < ELEMS(rows); i++) {
		struct ike_id_rule r = { id_of(rows[i].kind, rows[i].rule), rows[i].domain };
		struct ike_id id = id_of(rows[i].id_kind, rows[i].id);

		if (ike_id_rule_matches(&r, &id) != rows[i].want)
			fail_msg("row %zu: %s %s against %s %s", i, rows[i].kind, rows[i].rule,
				 rows[i].id_kind, rows[i].id);
	}
}

static void dn_texts(void **state)
{
	static const char *const bad[] = { "",	     "hub1",   "CN=",	  "CN=a,",	"=a",
					   "XX=a",   "CN=a,,O=b", "CN=a+O=b", "CN=a\\",	"C=USA" };
	uint8_t der[IKE_ID_MAX];
	char text[200], longest[300];
	size_t len;

	for (size_t i = 0; i < ELEMS(bad); i++)
		if (!dn_from_text(bad[i], der, sizeof(der), &len))
			fail_msg("taken: %s", bad[i]);
	snprintf(longest, sizeof(longest), "CN=%060d,O=%060d,OU=%060d,L=%060d,ST=%010d", 1, 2, 3, 4, 5);
	assert_int_not_equal(dn_from_text(longest, der, sizeof(der), &len), 0);
	assert_int_equal(dn_from_text(" cn = hub 1 ,o=Ex\\,ample , e=a@b.example", der, sizeof(der), &len), 0);
	assert_string_equal(dn_to_text(der, len, text, sizeof(text)),
			    "CN=hub 1, O=Ex\\,ample, emailAddress=a@b.example");
	assert_string_equal(dn_to_text(der, len - 1, text, sizeof(text)), "(malformed)");
	assert_false(dn_equal(der, len - 1, der, len - 1));
	/* Control characters of a certificate do not reach a terminal. */
	assert_int_equal(dn_from_text("CN=a\033[31mb", der, sizeof(der), &len), 0);
	assert_null(strchr(dn_to_text(der, len, text, sizeof(text)), '\033'));
}

static struct made root;

static struct pki_peer *peer_of(const struct made *m)
{
	const struct made *ca = &root;
	struct chunk der = pki_made_der(m);
	struct pki_trust *t;
	struct pki_peer *peer;
	char why[PKI_WHY_MAX];

	assert_int_equal(pki_trust_load(pki_write_certs("ca.pem", &ca, 1), NULL, &t, why, sizeof(why)), 0);
	if (pki_verify(&t, 1, &der, 1, time(NULL), &peer, why, sizeof(why)))
		fail_msg("%s", why);
	pki_trust_put(t);
	return peer;
}

static void certificate_is_of(void **state)
{
	static const struct {
		const char *kind, *id;
		bool want;
	} rows[] = {
		{ "fqdn", "hub1.example", true },
		{ "fqdn", "HUB1.EXAMPLE", true },
		{ "fqdn", "hub2.example", false },
		/* The CN is no identity (RFC 4945 §3.1.9), a wildcard matches nothing but itself. */
		{ "fqdn", "cn.example", false },
		{ "fqdn", "x.wild.example", false },
		{ "fqdn", "ops@example.com", false },
		{ "email", "ops@example.com", true },
		{ "email", "hub1.example", false },
		{ "address", "10.1.1.1", true },
		{ "address", "10.1.1.2", false },
		{ "address", "2001:db8::1", true },
		{ "dn", "O=Example, CN=cn.example", true },
		{ "dn", "O=Example", false },
		{ "dn", "CN=cn.example", false },
		{ "key-id", "hub1.example", false },
	};
	struct made m = pki_make(&(struct make){
		.subject = "O=Example, CN=cn.example", .issuer = &root,
		.san = "DNS:hub1.example,DNS:*.wild.example,IP:10.1.1.1,IP:2001:db8::1,email:ops@example.com" });
	struct pki_peer *peer = peer_of(&m);
	const ASN1_OCTET_STRING *skid = X509_get0_subject_key_id(m.cert);
	struct ike_id id = { .type = IKE_ID_KEY_ID, .len = (uint16_t)ASN1_STRING_length(skid) };

	for (size_t i = 0; i < ELEMS(rows); i++) {
		struct ike_id want = id_of(rows[i].kind, rows[i].id);

		if (pki_peer_has_id(peer, &want) != rows[i].want)
			fail_msg("row %zu: %s %s", i, rows[i].kind, rows[i].id);
	}
	memcpy(id.data, ASN1_STRING_get0_data(skid), id.len);
	assert_true(pki_peer_has_id(peer, &id));
	id.data[0] ^= 1;
	assert_false(pki_peer_has_id(peer, &id));
	pki_peer_free(peer);
	pki_made_free(&m);
}

/* An IPv4 address is 4 bytes, whatever else begins alike; without SAN there is only the DN. */
static void certificate_without_names(void **state)
{
	struct made m = pki_make(&(struct make){ .subject = "CN=hub1.example", .issuer = &root });
	struct pki_peer *peer = peer_of(&m);
	struct ike_id id = id_of("fqdn", "hub1.example");

	assert_false(pki_peer_has_id(peer, &id));
	id = id_of("dn", "CN=hub1.example");
	assert_true(pki_peer_has_id(peer, &id));
	pki_peer_free(peer);
	pki_made_free(&m);
	m = pki_make(&(struct make){ .issuer = &root, .san = "critical,DNS:hub1.example" });
	peer = peer_of(&m);
	id = (struct ike_id){ .type = IKE_ID_DER_ASN1_DN, .len = 2, .data = { 0x30, 0 } };
	assert_false(pki_peer_has_id(peer, &id));
	pki_peer_free(peer);
	pki_made_free(&m);
}

/* ---- schemes ---- */

static const struct {
	enum pki_scheme scheme;
	const char *key;
	const char *md;
	bool pss;
} schemes[] = {
	{ PKI_RSA_PKCS1_SHA256, "RSA:2048", "SHA256", false },
	{ PKI_RSA_PKCS1_SHA384, "RSA:2048", "SHA384", false },
	{ PKI_RSA_PKCS1_SHA512, "RSA:2048", "SHA512", false },
	{ PKI_RSA_PSS_SHA256, "RSA:2048", "SHA256", true },
	{ PKI_RSA_PSS_SHA384, "RSA:2048", "SHA384", true },
	{ PKI_RSA_PSS_SHA512, "RSA:2048", "SHA512", true },
	{ PKI_ECDSA_SHA256, "P-256", "SHA256", false },
	{ PKI_ECDSA_SHA384, "P-384", "SHA384", false },
	{ PKI_ECDSA_SHA512, "P-521", "SHA512", false },
	{ PKI_ED25519, "ED25519", NULL, false },
};

/* What libcrypto writes as AlgorithmIdentifier, for itself. */
static size_t reference(EVP_PKEY *key, const char *md, bool pss, uint8_t *out, size_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, out, size),
		OSSL_PARAM_END,
	};

	assert_int_equal(EVP_DigestSignInit_ex(ctx, &pctx, md, NULL, NULL, key, NULL), 1);
	if (pss) {
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST);
	}
	assert_int_equal(EVP_PKEY_CTX_get_params(pctx, params), 1);
	EVP_MD_CTX_free(ctx);
	return params[0].return_size;
}

static void algorithm_identifiers(void **state)
{
	char why[PKI_WHY_MAX];
	uint8_t der[128];

	for (size_t i = 0; i < ELEMS(schemes); i++) {
		struct made m = pki_make(&(struct make){ .subject = "CN=x", .key = schemes[i].key });
		struct chunk ours = pki_scheme_der(schemes[i].scheme);
		size_t len = reference(m.key, schemes[i].md, schemes[i].pss, der, sizeof(der));

		assert_int_equal(ours.len, len);
		assert_memory_equal(ours.p, der, len);
		assert_int_equal(pki_scheme_from_der(ours, why, sizeof(why)), schemes[i].scheme);
		pki_made_free(&m);
	}
}

/* RFC 7427 appendix A.4.3, A.3.2, RFC 8420 appendix A.1: as they print it. */
static void known_identifiers(void **state)
{
	static const uint8_t pss[] = { 0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
				       0x0a, 0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
				       0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a,
				       0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30,
				       0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
				       0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x20 };
	static const uint8_t ecdsa[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	static const uint8_t ed[] = { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70 };
	static const uint8_t pss_default[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
					       0x01, 0x0a, 0x30, 0x00 };
	static const uint8_t sha1_rsa[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
					    0x01, 0x05, 0x05, 0x00 };
	static const uint8_t with_null[] = { 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 5, 0 };
	char why[PKI_WHY_MAX] = "";

#define FROM(a) pki_scheme_from_der((struct chunk){ a, sizeof(a) }, why, sizeof(why))
	assert_int_equal(FROM(pss), PKI_RSA_PSS_SHA256);
	assert_int_equal(FROM(ecdsa), PKI_ECDSA_SHA256);
	assert_int_equal(FROM(ed), PKI_ED25519);
	assert_int_equal(FROM(with_null), PKI_ECDSA_SHA256);
	/* The defaults of RSASSA-PSS are SHA-1. */
	assert_int_equal(FROM(pss_default), PKI_SCHEME_NONE);
	assert_string_equal(why, "RSA-PSS with SHA-1 is not accepted; SHA2-256 in hash and MGF1 and a salt of 32 bytes would be");
	assert_int_equal(FROM(sha1_rsa), PKI_SCHEME_NONE);
	assert_string_equal(why, "a signature with SHA-1 is not accepted; SHA2-256 would be");
	/* Bytes behind it are not part of it (RFC 7427 §3 gives its length). */
	assert_int_equal(pki_scheme_from_der((struct chunk){ sha1_rsa, 14 }, why, sizeof(why)), PKI_SCHEME_NONE);
	assert_string_equal(why, "the signature's AlgorithmIdentifier is malformed");
}

/* Every prefix and every changed byte of the most involved one: another scheme, or none. */
static void mangled_identifiers(void **state)
{
	struct chunk good = pki_scheme_der(PKI_RSA_PSS_SHA256);
	char why[PKI_WHY_MAX];
	uint8_t copy[128];

	for (size_t len = 0; len < good.len; len++)
		assert_int_equal(pki_scheme_from_der((struct chunk){ good.p, len }, why, sizeof(why)), PKI_SCHEME_NONE);
	for (size_t i = 0; i < good.len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(copy, good.p, good.len);
			copy[i] ^= (uint8_t)(1u << bit);
			assert_int_not_equal(pki_scheme_from_der((struct chunk){ copy, good.len }, why, sizeof(why)),
					     PKI_RSA_PSS_SHA256);
		}
}

static void signatures(void **state)
{
	static const struct chunk data[] = { { "message", 7 }, { "nonce", 5 }, { "", 0 }, { "mac", 3 } };
	static const struct chunk joined = { "messagenoncemac", 15 };

	for (size_t i = 0; i < ELEMS(schemes); i++) {
		struct made m = pki_make(&(struct make){ .subject = "CN=x", .key = schemes[i].key, .issuer = &root });
		struct pki_peer *peer = peer_of(&m);
		struct pki_private *key;
		uint8_t sig[PKI_SIG_MAX];
		char why[PKI_WHY_MAX];
		size_t len;

		assert_int_equal(pki_private_load(pki_write_key("k.pem", &m), &key, why, sizeof(why)), 0);
		assert_int_equal(pki_private_sign(key, schemes[i].scheme, joined, sig, &len), 0);
		assert_int_equal(pki_peer_check(peer, schemes[i].scheme, data, 4, (struct chunk){ sig, len }), 0);
		assert_int_not_equal(pki_peer_check(peer, schemes[i].scheme, data, 3, (struct chunk){ sig, len }), 0);
		assert_int_not_equal(pki_peer_check(peer, schemes[i].scheme, data, 4, (struct chunk){ sig, len - 1 }), 0);
		sig[len / 2] ^= 1;
		assert_int_not_equal(pki_peer_check(peer, schemes[i].scheme, data, 4, (struct chunk){ sig, len }), 0);
		sig[len / 2] ^= 1;
		/* Under no other scheme. */
		for (unsigned k = 1; k < PKI_SCHEMES; k++)
			if (k != schemes[i].scheme)
				assert_int_not_equal(pki_peer_check(peer, k, data, 4, (struct chunk){ sig, len }), 0);
		if (!strncmp(schemes[i].key, "P-", 2)) {
			assert_int_equal(pki_ecdsa_to_raw(pki_private_key(key)->bits, sig, &len), 0);
			assert_int_equal(pki_peer_check_raw_ecdsa(peer, schemes[i].scheme, data, 4, (struct chunk){ sig, len }), 0);
			assert_int_not_equal(pki_peer_check_raw_ecdsa(peer, schemes[i].scheme, data, 4, (struct chunk){ sig, len - 1 }), 0);
			sig[0] ^= 1;
			assert_int_not_equal(pki_peer_check_raw_ecdsa(peer, schemes[i].scheme, data, 4, (struct chunk){ sig, len }), 0);
		}
		pki_private_free(key);
		pki_peer_free(peer);
		pki_made_free(&m);
	}
}

static void choice_of_scheme(void **state)
{
	const unsigned all = 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5;
	static const struct {
		struct pki_key key;
		unsigned hashes;
		bool pkcs1;
		enum pki_scheme want;
	} rows[] = {
		{ { .kind = PKI_RSA, .bits = 2048 }, 0x3c, false, PKI_RSA_PSS_SHA256 },
		{ { .kind = PKI_RSA, .bits = 2048 }, 0x3c, true, PKI_RSA_PKCS1_SHA256 },
		{ { .kind = PKI_RSA, .bits = 2048, .pss_only = true }, 0x3c, true, PKI_RSA_PSS_SHA256 },
		{ { .kind = PKI_RSA, .bits = 4096 }, 1u << 4, false, PKI_RSA_PSS_SHA512 },
		{ { .kind = PKI_ECDSA, .bits = 256 }, 0x3c, false, PKI_ECDSA_SHA256 },
		{ { .kind = PKI_ECDSA, .bits = 384 }, 0x3c, false, PKI_ECDSA_SHA384 },
		{ { .kind = PKI_ECDSA, .bits = 521 }, 0x3c, false, PKI_ECDSA_SHA512 },
		{ { .kind = PKI_ECDSA, .bits = 521 }, 1u << 2, false, PKI_ECDSA_SHA256 },
		{ { .kind = PKI_EDDSA }, 0x3c, false, PKI_ED25519 },
		{ { .kind = PKI_EDDSA }, 0x1c, false, PKI_SCHEME_NONE },
		{ { .kind = PKI_RSA, .bits = 2048 }, 1u << 1 | 1u << 5, false, PKI_SCHEME_NONE },
	};

	assert_int_equal(all, 0x3c);
	for (size_t i = 0; i < ELEMS(rows); i++)
		if (pki_scheme_for(&rows[i].key, rows[i].hashes, rows[i].pkcs1) != rows[i].want)
			fail_msg("row %zu", i);
}

static int setup(void **state)
{
	root = pki_make(&(struct make){ .subject = "CN=Root", .ca = true });
	return 0;
}

static int teardown(void **state)
{
	pki_made_free(&root);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(dn_texts),
		cmocka_unit_test(certificate_is_of),
		cmocka_unit_test(certificate_without_names),
		cmocka_unit_test(algorithm_identifiers),
		cmocka_unit_test(known_identifiers),
		cmocka_unit_test(mangled_identifiers),
		cmocka_unit_test(signatures),
		cmocka_unit_test(choice_of_scheme),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
