// SPDX-License-Identifier: GPL-2.0-or-later
/* Chains that are good, and each way in which one is not: what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "prefpeerd/pki/pki.h"
#include "prefpeerd/test/pki_make.h"

static struct made root, other_root, mid, leaf;

static int make_all(void **state)
{
	root = pki_make(&(struct make){ .subject = "O=Example, CN=Root", .ca = true });
	other_root = pki_make(&(struct make){ .subject = "O=Example, CN=Root", .ca = true });
	mid = pki_make(&(struct make){
		.subject = "O=Example, CN=Issuing", .ca = true, .issuer = &root });
	leaf = pki_make(&(struct make){
		.subject = "O=Example, CN=hub1",
		.san = "DNS:hub1.example,IP:10.1.1.1,email:ops@example.com,IP:2001:db8::1",
		.issuer = &mid });
	return 0;
}

static int free_all(void **state)
{
	pki_made_free(&root);
	pki_made_free(&other_root);
	pki_made_free(&mid);
	pki_made_free(&leaf);
	return 0;
}

static struct pki_trust *trust_of(const struct made *ca, const char *crl)
{
	struct pki_trust *t;
	char why[PKI_WHY_MAX];

	if (pki_trust_load(pki_write_certs("ca.pem", &ca, 1), crl, &t, why, sizeof(why)))
		fail_msg("%s", why);
	return t;
}

/* NULL: it passes; otherwise the sentence. */
static const char *verdict(const struct made *ca, const char *crl, const struct made *const *list,
			   unsigned n)
{
	static char why[PKI_WHY_MAX];
	struct chunk ders[PKI_CHAIN_MAX + 2];
	struct pki_trust *t = trust_of(ca, crl);
	struct pki_peer *peer;
	int err;

	for (unsigned i = 0; i < n; i++)
		ders[i] = pki_made_der(list[i]);
	err = pki_verify(&t, 1, ders, n, time(NULL), &peer, why, sizeof(why));
	assert_true(!err == !!peer);
	pki_peer_free(peer);
	pki_trust_put(t);
	return err ? why : NULL;
}

#define VERDICT(ca, crl, ...) \
	verdict(ca, crl, (const struct made *const[]){ __VA_ARGS__ }, \
		sizeof((const struct made *const[]){ __VA_ARGS__ }) / sizeof(void *))

static void refused(const char *got, const char *want)
{
	if (!got || !strstr(got, want))
		fail_msg("said \"%s\", not \"%s\"", got ? got : "(accepted)", want);
}

static void accepted(const char *got)
{
	if (got)
		fail_msg("refused: %s", got);
}

static void good_chains(void **state)
{
	accepted(VERDICT(&root, NULL, &leaf, &mid));
	/* In whatever order those above come, more than once, and with one that has no place. */
	accepted(VERDICT(&root, NULL, &leaf, &other_root, &mid, &mid, &root));
	/* An issuing CA is as good an anchor as a root, if the operator says so. */
	accepted(VERDICT(&mid, NULL, &leaf));
}

static void without_an_anchor(void **state)
{
	struct made self = pki_make(&(struct make){ .subject = "CN=hub1", .san = "DNS:hub1.example" });

	refused(VERDICT(&root, NULL, &leaf), "CN=hub1 is of no CA in `ca file`");
	/* The name of the root, and another key. */
	refused(VERDICT(&other_root, NULL, &leaf, &mid), "the certificate of ");
	/* The root that was sent along is nobody's. */
	refused(VERDICT(&other_root, NULL, &leaf, &mid, &root), "the certificate of ");
	refused(VERDICT(&root, NULL, &self), "CN=hub1 is of no CA in `ca file`");
	/* But for one that the operator lists: that one, and nothing below it. */
	accepted(VERDICT(&self, NULL, &self));
	pki_made_free(&self);
}

/* A peer must not become a CA by signing. */
static void not_a_ca(void **state)
{
	struct made evil = pki_make(&(struct make){
		.subject = "CN=hub1", .san = "DNS:hub1.example", .issuer = &leaf });
	struct made half = pki_make(&(struct make){
		.subject = "CN=half", .no_bc = true, .issuer = &root });
	struct made below = pki_make(&(struct make){ .subject = "CN=below", .issuer = &half });
	struct made no_sign = pki_make(&(struct make){
		.subject = "CN=nosign", .ca = true, .ku = "digitalSignature", .issuer = &root });
	struct made below2 = pki_make(&(struct make){ .subject = "CN=below", .issuer = &no_sign });

	refused(VERDICT(&root, NULL, &evil, &leaf, &mid), "CN=hub1 is no CA, and signed a certificate");
	/* Key usage alone makes no CA (RFC 4945 §5.1.3.9); of an anchor libcrypto lets it pass. */
	refused(VERDICT(&root, NULL, &below, &half), "CN=half is no CA, and signed");
	refused(VERDICT(&half, NULL, &below), "CN=half is no CA, and signed");
	refused(VERDICT(&root, NULL, &below2, &no_sign), "CN=nosign is");
	/* Nor does being an anchor. */
	refused(VERDICT(&leaf, NULL, &evil), "the certificate of ");
	pki_made_free(&evil);
	pki_made_free(&half);
	pki_made_free(&below);
	pki_made_free(&no_sign);
	pki_made_free(&below2);
}

static void path_length(void **state)
{
	struct made top = pki_make(&(struct make){ .subject = "CN=Top", .ca = true, .pathlen = 1 });
	struct made ca = pki_make(&(struct make){ .subject = "CN=Mid", .ca = true, .issuer = &top });
	struct made deep = pki_make(&(struct make){ .subject = "CN=deep", .issuer = &ca });
	struct made flat = pki_make(&(struct make){ .subject = "CN=flat", .issuer = &top });

	accepted(VERDICT(&top, NULL, &flat));
	refused(VERDICT(&top, NULL, &deep, &ca), "(path length)");
	pki_made_free(&top);
	pki_made_free(&ca);
	pki_made_free(&deep);
	pki_made_free(&flat);
}

static void out_of_time(void **state)
{
	struct made past = pki_make(&(struct make){
		.subject = "CN=past", .issuer = &mid, .from_day = -30, .to_day = -2 });
	struct made next = pki_make(&(struct make){ .subject = "CN=next", .issuer = &mid, .from_day = 2 });
	struct made old = pki_make(&(struct make){ .subject = "CN=Old CA", .ca = true, .issuer = &root,
						   .from_day = -30, .to_day = -2 });
	struct made below = pki_make(&(struct make){ .subject = "CN=below", .issuer = &old });

	refused(VERDICT(&root, NULL, &past, &mid), "the certificate of CN=past expired on 2");
	refused(VERDICT(&root, NULL, &next, &mid), "the certificate of CN=next is not valid before 2");
	refused(VERDICT(&root, NULL, &below, &old), "the certificate of CN=Old CA expired on 2");
	pki_made_free(&past);
	pki_made_free(&next);
	pki_made_free(&old);
	pki_made_free(&below);
}

static void revoked(void **state)
{
	const struct made *both[] = { &mid, &root }, *mids[] = { &mid }, *roots[] = { &root };

	accepted(VERDICT(&root, pki_write_crls("a.crl", both, 2, NULL, 7), &leaf, &mid));
	refused(VERDICT(&root, pki_write_crls("b.crl", both, 2, &leaf, 7), &leaf, &mid),
		"CN=hub1 is revoked");
	/* The issuing CA itself. */
	both[0] = &root;
	both[1] = &mid;
	refused(VERDICT(&root, pki_write_crls("c.crl", both, 2, &mid, 7), &leaf, &mid),
		"CN=Issuing is revoked");
	/* A list that is missing, or old, says nothing: refused. */
	refused(VERDICT(&root, pki_write_crls("d.crl", roots, 1, NULL, 7), &leaf, &mid),
		"CN=hub1 has an issuer whose revocation list is not in `crl file`");
	refused(VERDICT(&root, pki_write_crls("e.crl", mids, 1, NULL, 7), &leaf, &mid),
		"CN=Issuing has an issuer whose revocation list is not in `crl file`");
	refused(VERDICT(&root, pki_write_crls("f.crl", both, 2, NULL, -1), &leaf, &mid),
		"the revocation list of its issuer is out of date");
	/* An anchor needs none. */
	accepted(VERDICT(&mid, pki_write_crls("g.crl", mids, 1, NULL, 7), &leaf));
}

/* A list in the name of the CA, by another key, must not clear anybody. */
static void forged_crl(void **state)
{
	struct made forger = pki_make(&(struct make){ .subject = "O=Example, CN=Issuing", .ca = true });
	const struct made *both[] = { &forger, &root };

	assert_non_null(VERDICT(&root, pki_write_crls("h.crl", both, 2, NULL, 7), &leaf, &mid));
	pki_made_free(&forger);
}

static void weak(void **state)
{
	struct made sha1 = pki_make(&(struct make){ .subject = "CN=old", .issuer = &mid, .sha1 = true });
	struct made ca1 = pki_make(&(struct make){ .subject = "CN=SHA CA", .ca = true, .issuer = &root, .sha1 = true });
	struct made below = pki_make(&(struct make){ .subject = "CN=below", .issuer = &ca1 });
	struct made small = pki_make(&(struct make){ .subject = "CN=small", .issuer = &mid, .key = "RSA:1024" });
	struct made p224 = pki_make(&(struct make){ .subject = "CN=p224", .issuer = &mid, .key = "P-224" });
	struct made small_ca = pki_make(&(struct make){ .subject = "CN=Small CA", .ca = true, .issuer = &root, .key = "RSA:1024" });
	struct made below2 = pki_make(&(struct make){ .subject = "CN=below", .issuer = &small_ca });
	struct pki_trust *t;
	char why[PKI_WHY_MAX];
	const struct made *list = &small_ca;

	refused(VERDICT(&root, NULL, &sha1, &mid), "CN=old is signed with a hash that is too weak, as SHA-1 is; SHA2-256 would do");
	refused(VERDICT(&root, NULL, &below, &ca1), "CN=SHA CA is signed with a hash that is too weak");
	refused(VERDICT(&root, NULL, &small, &mid), "CN=small has a key that is too short; RSA of 2048 bits");
	refused(VERDICT(&root, NULL, &p224, &mid), "CN=p224: a key of type EC on this curve is not accepted");
	refused(VERDICT(&root, NULL, &below2, &small_ca), "CN=Small CA has a key that is too short");
	assert_int_not_equal(pki_trust_load(pki_write_certs("weak.pem", &list, 1), NULL, &t, why, sizeof(why)), 0);
	refused(why, "CN=Small CA: an RSA key of 1024 bits is not accepted; one of 2048 to 8192 bits would be");
	pki_made_free(&sha1);
	pki_made_free(&ca1);
	pki_made_free(&below);
	pki_made_free(&small);
	pki_made_free(&p224);
	pki_made_free(&small_ca);
	pki_made_free(&below2);
}

static void other_uses(void **state)
{
	static const struct {
		const char *ku, *eku, *want;
	} rows[] = {
		{ NULL, NULL, NULL },
		{ "digitalSignature", "ipsecIKE", NULL },
		{ "nonRepudiation", "anyExtendedKeyUsage", NULL },
		{ NULL, "serverAuth,ipsecIKE", NULL },
		{ "keyEncipherment", NULL, "lacks digitalSignature" },
		{ NULL, "serverAuth,clientAuth", "lacks ipsecIKE" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct made m = pki_make(&(struct make){
			.subject = "CN=x", .issuer = &mid, .ku = rows[i].ku, .eku = rows[i].eku });

		if (rows[i].want)
			refused(VERDICT(&root, NULL, &m, &mid), rows[i].want);
		else
			accepted(VERDICT(&root, NULL, &m, &mid));
		pki_made_free(&m);
	}
}

static void constraints_and_criticals(void **state)
{
	struct made ca = pki_make(&(struct make){ .subject = "CN=Branches", .ca = true, .issuer = &root,
						  .constraints = "critical,permitted;DNS:branch.example" });
	struct made in = pki_make(&(struct make){ .subject = "CN=b", .san = "DNS:b.branch.example", .issuer = &ca });
	struct made out = pki_make(&(struct make){ .subject = "CN=b", .san = "DNS:hub1.example", .issuer = &ca });
	struct made odd = pki_make(&(struct make){ .subject = "CN=odd", .issuer = &mid, .critical_oid = "1.2.3.4" });

	accepted(VERDICT(&root, NULL, &in, &ca));
	refused(VERDICT(&root, NULL, &out, &ca), "(name constraints)");
	refused(VERDICT(&root, NULL, &odd, &mid), "has a critical extension that is not known here");
	pki_made_free(&ca);
	pki_made_free(&in);
	pki_made_free(&out);
	pki_made_free(&odd);
}

static void malformed(void **state)
{
	struct made big = pki_make(&(struct make){ .subject = "CN=big", .issuer = &mid, .pad = PKI_CERT_MAX });
	struct pki_trust *t = trust_of(&root, NULL);
	struct chunk ders[PKI_CHAIN_MAX + 1];
	struct pki_peer *peer;
	char why[PKI_WHY_MAX];
	uint8_t *cut = malloc(leaf.len + 1);

	refused(VERDICT(&root, NULL, &big, &mid), "certificate 1 of 2 that it sent is malformed");
	/* Every prefix, and a byte too many. */
	for (size_t len = 0; len <= leaf.len + 1; len++) {
		if (len == leaf.len)
			continue;
		memcpy(cut, leaf.der, len < leaf.len ? len : leaf.len);
		ders[0] = (struct chunk){ cut, len };
		ders[1] = pki_made_der(&mid);
		assert_int_not_equal(pki_verify(&t, 1, ders, 2, time(NULL), &peer, why, sizeof(why)), 0);
		assert_null(peer);
	}
	for (unsigned i = 0; i <= PKI_CHAIN_MAX; i++)
		ders[i] = pki_made_der(&leaf);
	assert_int_not_equal(pki_verify(&t, 1, ders, PKI_CHAIN_MAX + 1, time(NULL), &peer, why, sizeof(why)), 0);
	refused(why, "too many certificates");
	assert_int_not_equal(pki_verify(&t, 1, ders, 0, time(NULL), &peer, why, sizeof(why)), 0);
	assert_int_not_equal(pki_verify(&t, 0, ders, 1, time(NULL), &peer, why, sizeof(why)), 0);
	free(cut);
	pki_trust_put(t);
	pki_made_free(&big);
}

/* One bit of the certificate, wherever it is: nothing of it is believed. */
static void flipped(void **state)
{
	struct pki_trust *t = trust_of(&root, NULL);
	struct pki_peer *peer;
	char why[PKI_WHY_MAX];
	uint8_t *copy = malloc(leaf.len);
	struct chunk ders[2] = { { copy, leaf.len }, pki_made_der(&mid) };

	for (size_t i = 0; i < leaf.len; i += 7) {
		memcpy(copy, leaf.der, leaf.len);
		copy[i] ^= (uint8_t)(1u << i % 8);
		if (!pki_verify(&t, 1, ders, 2, time(NULL), &peer, why, sizeof(why)))
			fail_msg("accepted with byte %zu changed", i);
	}
	free(copy);
	pki_trust_put(t);
}

/* ---- files ---- */

static void write_text(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

static void bad_files(void **state)
{
	const struct made *list[PKI_CHAIN_MAX + 1];
	const char *path = pki_path("x.pem");
	struct pki_private *key;
	struct pki_trust *t;
	struct pki_own *own;
	char why[PKI_WHY_MAX];

	assert_int_not_equal(pki_own_load("/nonexistent", &own, why, sizeof(why)), 0);
	refused(why, "it cannot be read: No such file");
	assert_int_not_equal(pki_own_load(pki_dir(), &own, why, sizeof(why)), 0);
	refused(why, "it is no regular file");
	write_text(path, "nothing", 0644);
	assert_int_not_equal(pki_own_load(path, &own, why, sizeof(why)), 0);
	refused(why, "there is no certificate in it (PEM)");
	assert_int_not_equal(pki_trust_load(path, NULL, &t, why, sizeof(why)), 0);
	refused(why, "there is no certificate in it (PEM)");
	write_text(path, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", 0644);
	assert_int_not_equal(pki_own_load(path, &own, why, sizeof(why)), 0);
	refused(why, "certificate 1 in it is malformed");
	for (unsigned i = 0; i <= PKI_CHAIN_MAX; i++)
		list[i] = &leaf;
	assert_int_not_equal(pki_own_load(pki_write_certs("many.pem", list, PKI_CHAIN_MAX + 1), &own, why, sizeof(why)), 0);
	refused(why, "it holds more than 8 certificates");
	path = pki_write_certs("open.pem", list, 1);
	chmod(path, 0666);
	assert_int_not_equal(pki_own_load(path, &own, why, sizeof(why)), 0);
	refused(why, "its mode 0666 lets everyone at it; chmod 0644");
	path = pki_write_key("k.key", &leaf);
	chmod(path, 0644);
	assert_int_not_equal(pki_private_load(path, &key, why, sizeof(why)), 0);
	refused(why, "its mode 0644 lets everyone at it; chmod 0600");
	chmod(path, 0660);
	assert_int_not_equal(pki_private_load(path, &key, why, sizeof(why)), 0);
	refused(why, "lets a group at it");
	assert_int_not_equal(pki_private_load(pki_write_certs("no.key", list, 1), &key, why, sizeof(why)), 0);
	chmod(pki_path("no.key"), 0600);
	assert_int_not_equal(pki_private_load(pki_path("no.key"), &key, why, sizeof(why)), 0);
	refused(why, "there is no private key in it");
}

static void encrypted_key(void **state)
{
	const char *path = pki_path("enc.key");
	struct pki_private *key;
	char why[PKI_WHY_MAX];
	FILE *f = fopen(path, "w");

	chmod(path, 0600);
	assert_int_equal(PEM_write_PKCS8PrivateKey(f, leaf.key, EVP_aes_256_cbc(), "secret", 6, NULL, NULL), 1);
	fclose(f);
	assert_int_not_equal(pki_private_load(path, &key, why, sizeof(why)), 0);
	refused(why, "it is encrypted, and nobody is there to be asked");
}

static void own_certificate(void **state)
{
	const struct made *list[] = { &leaf, &mid };
	struct made past = pki_make(&(struct make){ .subject = "CN=past", .from_day = -9, .to_day = -2 });
	const struct made *old[] = { &past };
	struct pki_private *key;
	struct ike_id subject, san;
	struct pki_own *own;
	char why[PKI_WHY_MAX], text[IKE_ID_STRLEN];

	assert_int_equal(pki_own_load(pki_write_certs("own.pem", list, 2), &own, why, sizeof(why)), 0);
	assert_int_equal(pki_own_count(own), 2);
	assert_int_equal(pki_own_der(own, 1).len, mid.len);
	assert_memory_equal(pki_own_der(own, 1).p, mid.der, mid.len);
	assert_int_equal(pki_own_subject(own, &subject), 0);
	assert_string_equal(ike_id_print(&subject, text, sizeof(text)), "dn O=Example, CN=hub1");
	assert_true(pki_own_has_id(own, &subject));
	ike_id_from_text(IKE_ID_FQDN, "hub1.example", &san);
	assert_true(pki_own_has_id(own, &san));
	assert_null(pki_own_unusable(own, time(NULL), why, sizeof(why)));
	assert_int_equal(pki_private_load(pki_write_key("own.key", &leaf), &key, why, sizeof(why)), 0);
	assert_memory_equal(pki_private_key(key)->id, pki_own_key(own)->id, PKI_KEY_ID_LEN);
	pki_private_free(key);
	assert_int_equal(pki_private_load(pki_write_key("other.key", &mid), &key, why, sizeof(why)), 0);
	assert_memory_not_equal(pki_private_key(key)->id, pki_own_key(own)->id, PKI_KEY_ID_LEN);
	pki_private_free(key);
	pki_own_put(own);
	assert_int_equal(pki_own_load(pki_write_certs("old.pem", old, 1), &own, why, sizeof(why)), 0);
	refused(pki_own_unusable(own, time(NULL), why, sizeof(why)), "the certificate of CN=past expired on 2");
	pki_own_put(own);
	pki_made_free(&past);
}

static void expect_own(const struct made *const *list, unsigned n, const char *refusal)
{
	struct pki_own *own;
	char why[PKI_WHY_MAX];
	const char *said;

	assert_int_equal(pki_own_load(pki_write_certs("own.pem", list, n), &own, why, sizeof(why)), 0);
	said = pki_own_unusable(own, time(NULL), why, sizeof(why));
	if (refusal)
		refused(said, refusal);
	else
		assert_null(said);
	pki_own_put(own);
}

/* What peers would refuse, ours or one above it; a root's own signature says nothing. */
static void own_signed_with_sha1(void **state)
{
	struct made old = pki_make(&(struct make){ .subject = "CN=old", .issuer = &mid, .sha1 = true });
	struct made ca1 = pki_make(&(struct make){ .subject = "CN=SHA CA", .ca = true, .issuer = &root, .sha1 = true });
	struct made root1 = pki_make(&(struct make){ .subject = "CN=SHA root", .ca = true, .sha1 = true });

	expect_own((const struct made *[]){ &old, &mid }, 2,
		   "the certificate of CN=old is signed with a hash that is too weak, as SHA-1 is; SHA2-256 would do");
	expect_own((const struct made *[]){ &leaf, &ca1 }, 2, "the certificate of CN=SHA CA is signed");
	expect_own((const struct made *[]){ &leaf, &mid, &root1 }, 3, NULL);
	pki_made_free(&old);
	pki_made_free(&ca1);
	pki_made_free(&root1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_chains),	  cmocka_unit_test(without_an_anchor),
		cmocka_unit_test(not_a_ca),	  cmocka_unit_test(path_length),
		cmocka_unit_test(out_of_time),	  cmocka_unit_test(revoked),
		cmocka_unit_test(forged_crl),	  cmocka_unit_test(weak),
		cmocka_unit_test(other_uses),	  cmocka_unit_test(constraints_and_criticals),
		cmocka_unit_test(malformed),	  cmocka_unit_test(flipped),
		cmocka_unit_test(bad_files),	  cmocka_unit_test(encrypted_key),
		cmocka_unit_test(own_certificate), cmocka_unit_test(own_signed_with_sha1),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
