// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was wrong with signatures and certificates in IKE daemons: padding of RSA
 * that is parsed rather than compared (CVE-2026-50721, CVE-2026-50722), and names
 * that a CA may not give (CVE-2026-35331).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "prefpeerd/pki/pki.h"
#include "prefpeerd/test/pki_make.h"

#define ELEMS(a) (sizeof(a) / sizeof((a)[0]))
#define RSA_LEN 256

static struct made root;

static int verify(const struct made *const *list, unsigned n, struct pki_peer **peer, char *why, size_t size)
{
	const struct made *ca = &root;
	struct chunk ders[PKI_CHAIN_MAX];
	struct pki_trust *t;
	int err;

	assert_int_equal(pki_trust_load(pki_write_certs("ca.pem", &ca, 1), NULL, &t, why, size), 0);
	for (unsigned i = 0; i < n; i++)
		ders[i] = pki_made_der(list[i]);
	err = pki_verify(&t, 1, ders, n, time(NULL), peer, why, size);
	pki_trust_put(t);
	return err;
}

/* ---- RSA: the padding is compared, not parsed ---- */

static const struct chunk signed_data = { "what was signed", 15 };

#define DIGEST_INFO 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01
#define DIGEST_INFO_END 0x04, 0x20

/* 00 01 ff… 00, @info, the hash, and @tail bytes that nobody looks at in a parser that is lazy. */
static void encode(uint8_t em[RSA_LEN], const uint8_t *info, size_t len, size_t tail)
{
	size_t at = RSA_LEN - tail - SHA256_DIGEST_LENGTH - len;

	memset(em, 0xff, RSA_LEN);
	em[0] = 0;
	em[1] = 1;
	em[at - 1] = 0;
	memcpy(em + at, info, len);
	SHA256(signed_data.p, signed_data.len, em + at + len);
	memset(em + RSA_LEN - tail, 0xa5, tail);
}

/* The private operation alone, without any padding of libcrypto's. */
static void raw_rsa(EVP_PKEY *key, const uint8_t em[RSA_LEN], uint8_t sig[RSA_LEN])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t len = RSA_LEN;

	assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
	assert_int_equal(EVP_PKEY_decrypt(ctx, sig, &len, em, RSA_LEN), 1);
	assert_int_equal(len, RSA_LEN);
	EVP_PKEY_CTX_free(ctx);
}

static bool taken(const struct pki_peer *peer, EVP_PKEY *key, const uint8_t em[RSA_LEN])
{
	struct chunk sig = { NULL, RSA_LEN };
	uint8_t bytes[RSA_LEN];

	raw_rsa(key, em, bytes);
	sig.p = bytes;
	return !pki_peer_check(peer, PKI_RSA_PKCS1_SHA256, &signed_data, 1, sig);
}

/*
 * PKCS #1 v1.5 with bytes behind the hash (Bleichenbacher 2006), with parameters
 * that hide some, with BER for DER, with short or broken filling: each is what a
 * small exponent can be made to sign without the key.
 */
static void rsa_padding(void **state)
{
	static const uint8_t good[] = { DIGEST_INFO, 0x05, 0x00, DIGEST_INFO_END };
	static const uint8_t no_null[] = { 0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
					   0x03, 0x04, 0x02, 0x01, DIGEST_INFO_END };
	static const uint8_t hidden[] = { 0x30, 0x35, 0x30, 0x11, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
					  0x02, 0x01, 0x04, 0x04, 1, 2, 3, 4, DIGEST_INFO_END };
	static const uint8_t ber[] = { 0x30, 0x81, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
				       0x04, 0x02, 0x01, 0x05, 0x00, DIGEST_INFO_END };
	struct made m = pki_make(&(struct make){ .subject = "CN=hub", .key = "RSA:2048", .issuer = &root });
	const struct made *list[] = { &m };
	uint8_t em[RSA_LEN];
	char why[PKI_WHY_MAX];
	struct pki_peer *peer;

	assert_int_equal(verify(list, 1, &peer, why, sizeof(why)), 0);
	encode(em, good, sizeof(good), 0);
	assert_true(taken(peer, m.key, em));
	encode(em, good, sizeof(good), 100);
	assert_false(taken(peer, m.key, em));
	encode(em, hidden, sizeof(hidden), 0);
	assert_false(taken(peer, m.key, em));
	encode(em, ber, sizeof(ber), 0);
	assert_false(taken(peer, m.key, em));
	/* RFC 8017 §9.2 note 2: without the NULL it may be taken, and must be whole then, too. */
	encode(em, no_null, sizeof(no_null), 1);
	assert_false(taken(peer, m.key, em));
	for (size_t at = 0; at < RSA_LEN - sizeof(good) - SHA256_DIGEST_LENGTH; at++) {
		encode(em, good, sizeof(good), 0);
		em[at] ^= 0x10;
		/* Of the first byte, 10…: larger than the modulus may be, which no key signs. */
		if (at && taken(peer, m.key, em))
			fail_msg("byte %zu of the filling is not looked at", at);
	}
	pki_peer_free(peer);
	pki_made_free(&m);
}

/* ---- names that a CA may not give ---- */

/* Each kind of name, right below the CA that is bound and one below that. */
static void names_beyond_constraints(void **state)
{
	static const struct {
		const char *constraints, *subject, *san;
		bool good;
	} rows[] = {
		{ "critical,permitted;DNS:.example", "CN=b", "DNS:b.example", true },
		{ "critical,permitted;DNS:.example", "CN=b", "DNS:b.example.net", false },
		{ "critical,permitted;DNS:.example", "CN=b", "DNS:b.example,DNS:b.forbidden.net", false },
		{ "critical,excluded;DNS:hub.example", "CN=b", "DNS:b.example", true },
		{ "critical,excluded;DNS:hub.example", "CN=b", "DNS:HUB.example", false },
		{ "critical,excluded;DNS:hub.example", "CN=b", "DNS:x.hub.example", false },
		{ "critical,permitted;IP:10.0.0.0/255.0.0.0", "CN=b", "IP:10.1.1.1", true },
		{ "critical,permitted;IP:10.0.0.0/255.0.0.0", "CN=b", "IP:192.0.2.1", false },
		{ "critical,permitted;IP:10.0.0.0/255.0.0.0", "CN=b", "IP:2001:db8::1", false },
		{ "critical,excluded;IP:2001:db8::/ffff:ffff::", "CN=b", "IP:2001:db8::1", false },
		{ "critical,permitted;email:example", "CN=b", "email:b@example", true },
		{ "critical,permitted;email:example", "CN=b", "email:b@forbidden.net", false },
		/* Known to libcrypto as little as to us: whoever is bound by it signs nothing. */
		{ "critical,permitted;RID:1.2.3.4", "CN=b", "RID:1.2.3.4", false },
	};

	for (size_t i = 0; i < 2 * ELEMS(rows); i++) {
		struct made ca = pki_make(&(struct make){ .subject = "CN=Branches", .ca = true, .issuer = &root,
							  .constraints = rows[i / 2].constraints });
		struct made below = pki_make(&(struct make){ .subject = "CN=Below", .ca = true, .issuer = &ca });
		struct made b = pki_make(&(struct make){ .subject = rows[i / 2].subject, .san = rows[i / 2].san,
							 .issuer = i % 2 ? &below : &ca });
		const struct made *list[] = { &b, &ca, &below };
		char why[PKI_WHY_MAX] = "";
		struct pki_peer *peer;

		if (!verify(list, 3, &peer, why, sizeof(why)) != rows[i / 2].good)
			fail_msg("row %zu: %s", i / 2, why);
		pki_peer_free(peer);
		pki_made_free(&b);
		pki_made_free(&below);
		pki_made_free(&ca);
	}
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
		cmocka_unit_test(rsa_padding),
		cmocka_unit_test(names_beyond_constraints),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
