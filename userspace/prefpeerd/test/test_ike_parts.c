// SPDX-License-Identifier: GPL-2.0-or-later
/* The pure parts of the engine: published vectors, groups, messages, proposals, cookies, queues. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rdr.h"
#include "lib/wtr.h"
#include "prefpeerd/engine_ike/cookie.h"
#include "prefpeerd/engine_ike/inq.h"
#include "prefpeerd/engine_ike/natt.h"
#include "prefpeerd/engine_ike/proposal.h"

static size_t unhex(const char *text, uint8_t *out)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++) {
		char byte[3] = { text[2 * i], text[2 * i + 1], 0 };

		out[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return n;
}

/* ---- reader and writer ---- */

static void reader_is_sticky(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7 };
	uint8_t copy[4] = { 9, 9, 9, 9 };
	struct rdr r, sub;

	rdr_init(&r, bytes, sizeof(bytes));
	assert_int_equal(rdr_u16(&r), 0x0102);
	sub = rdr_sub(&r, 4);
	assert_int_equal(rdr_u32(&sub), 0x03040506);
	assert_true(rdr_done(&sub));
	assert_int_equal(rdr_u8(&sub), 0);
	assert_false(rdr_ok(&sub));
	assert_false(rdr_done(&r));
	rdr_copy(&r, copy, 2);
	assert_int_equal(copy[0] | copy[1], 0);
	assert_int_equal(copy[2], 9);
	assert_false(rdr_ok(&r));
	/* What was left cannot be read after the failure. */
	assert_int_equal(rdr_u8(&r), 0);
	rdr_init(&r, NULL, 0);
	assert_non_null(rdr_bytes(&r, 0));
	assert_true(rdr_done(&r));
}

static void writer_is_bounded(void **state)
{
	uint8_t buf[8] = { 0 };
	struct wtr w;

	wtr_init(&w, buf, 6);
	wtr_u32(&w, 0x01020304);
	wtr_patch_u16(&w, 1, 0xaabb);
	assert_memory_equal(buf, "\x01\xaa\xbb\x04", 4);
	wtr_u32(&w, 5);
	assert_false(wtr_ok(&w));
	assert_int_equal(w.len, 4);
	wtr_u8(&w, 6);
	assert_int_equal(buf[4], 0);
	wtr_init(&w, buf, 6);
	wtr_patch_u8(&w, 0, 1);
	assert_false(wtr_ok(&w));
}

/* ---- crypto ---- */

/* RFC 4231, test cases 1 and 2. */
static void hmac_vectors(void **state)
{
	static const struct {
		enum ike_prf prf;
		const char *key, *data, *out;
	} rows[] = {
		{ PRF_HMAC_SHA2_256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ PRF_HMAC_SHA2_384, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		  "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
		  "faea9ea9076ede7f4af152e8b2fa9cb6" },
		{ PRF_HMAC_SHA2_256, "4a656665",
		  "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t key[64], data[64], want[64], got[CRYPTO_PRF_MAX];
		struct chunk k = { key, unhex(rows[i].key, key) };
		struct chunk d = { data, unhex(rows[i].data, data) };
		/* In two parts: the same as in one. */
		struct chunk parts[] = { { data, 3 }, { data + 3, d.len - 3 } };
		size_t n = unhex(rows[i].out, want);

		assert_int_equal(prf_len(rows[i].prf), n);
		assert_int_equal(crypto_prf(rows[i].prf, k, &d, 1, got), 0);
		assert_memory_equal(got, want, n);
		assert_int_equal(crypto_prf(rows[i].prf, k, parts, 2, got), 0);
		assert_memory_equal(got, want, n);
	}
	assert_int_equal(crypto_prf(PRF_NONE, (struct chunk){ "", 0 }, NULL, 0, (uint8_t[64]){ 0 }),
			 -EINVAL);
}

/* RFC 7296 §2.13: T1 = prf(K, S | 1), Tn = prf(K, Tn-1 | S | n). */
static void prf_plus(void **state)
{
	struct chunk key = { "key", 3 }, seed[] = { { "se", 2 }, { "ed", 2 } };
	uint8_t stream[80], t[32];
	struct chunk in[] = { { t, 0 }, { "seed", 4 }, { "\1", 1 } };

	assert_int_equal(crypto_prf_plus(PRF_HMAC_SHA2_256, key, seed, 2, stream, 80), 0);
	assert_int_equal(crypto_prf(PRF_HMAC_SHA2_256, key, in, 3, t), 0);
	assert_memory_equal(stream, t, 32);
	in[0].len = 32;
	in[2].p = "\2";
	assert_int_equal(crypto_prf(PRF_HMAC_SHA2_256, key, in, 3, t), 0);
	assert_memory_equal(stream + 32, t, 32);
	in[2].p = "\3";
	assert_int_equal(crypto_prf(PRF_HMAC_SHA2_256, key, in, 3, t), 0);
	assert_memory_equal(stream + 64, t, 16);
	assert_int_equal(crypto_prf_plus(PRF_HMAC_SHA2_256, key, seed, 2, stream, 255 * 32 + 1),
			 -EINVAL);
}

/* Test case 4 of the GCM specification: the nonce is salt | iv as in RFC 5282. */
static void gcm_vector(void **state)
{
	uint8_t key[20], iv[8], text[64], plain[64], aad[32], want[64], icv[16], tag[16];
	size_t n, aad_len;

	unhex("feffe9928665731c6d6a8f9467308308cafebabe", key);
	unhex("facedbaddecaf888", iv);
	n = unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		  text);
	memcpy(plain, text, n);
	aad_len = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad);
	unhex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	      "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
	      want);
	unhex("5bc94fbc3221a5db94fae95ae7121a47", tag);
	assert_int_equal(encr_keymat_len(ENCR_AES_GCM_16, 128), sizeof(key));
	assert_int_equal(crypto_seal(ENCR_AES_GCM_16, 128, key, iv, (struct chunk){ aad, aad_len },
				     text, n, icv),
			 0);
	assert_memory_equal(text, want, n);
	assert_memory_equal(icv, tag, 16);
	assert_int_equal(crypto_open(ENCR_AES_GCM_16, 128, key, iv, (struct chunk){ aad, aad_len },
				     text, n, icv),
			 0);
	assert_memory_equal(text, plain, n);
	memcpy(text, want, n);
	aad[0] ^= 1;
	assert_int_equal(crypto_open(ENCR_AES_GCM_16, 128, key, iv, (struct chunk){ aad, aad_len },
				     text, n, icv),
			 -EBADMSG);
}

static void groups_agree(void **state)
{
	static const struct {
		enum ike_dh group;
		unsigned rounds;
		size_t shared;
	} rows[] = {
		{ DH_X25519, 20, 32 },
		{ DH_ECP_256, 20, 32 },
		{ DH_ECP_384, 20, 48 },
		/* One secret in 256 begins with a zero byte, which must not be stripped. */
		{ DH_MODP_2048, 40, 256 },
		{ DH_MODP_3072, 3, 384 },
		{ DH_MODP_4096, 3, 512 },
		{ DH_ECP_521, 20, 66 },
		{ DH_X448, 20, 56 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned n = 0; n < rows[i].rounds; n++) {
			struct crypto_dh *a = crypto_dh_new(rows[i].group);
			struct crypto_dh *b = crypto_dh_new(rows[i].group);
			uint8_t pa[CRYPTO_DH_PUB_MAX], pb[CRYPTO_DH_PUB_MAX];
			uint8_t sa[CRYPTO_DH_SHARED_MAX], sb[CRYPTO_DH_SHARED_MAX];
			size_t len = dh_pub_len(rows[i].group), la, lb;

			assert_int_equal(crypto_dh_public(a, pa), 0);
			assert_int_equal(crypto_dh_public(b, pb), 0);
			assert_int_equal(crypto_dh_derive(a, pb, len, sa, &la), 0);
			assert_int_equal(crypto_dh_derive(b, pa, len, sb, &lb), 0);
			assert_int_equal(la, rows[i].shared);
			assert_int_equal(lb, la);
			assert_memory_equal(sa, sb, la);
			assert_int_equal(crypto_dh_derive(a, pb, len - 1, sa, &la), -EINVAL);
			crypto_dh_free(a);
			crypto_dh_free(b);
		}
	assert_null(crypto_dh_new((enum ike_dh)2));
}

/* Zero, points off the curve, 1 and p-1: never a shared secret (RFC 6989, RFC 7748 §6.1). */
static void bad_public_values(void **state)
{
	static const enum ike_dh groups[] = { DH_X25519,    DH_X448,	  DH_ECP_256,
					      DH_ECP_384,   DH_ECP_521,	  DH_MODP_2048,
					      DH_MODP_3072, DH_MODP_4096 };

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct crypto_dh *dh = crypto_dh_new(groups[i]);
		uint8_t pub[CRYPTO_DH_PUB_MAX] = { 0 }, shared[CRYPTO_DH_SHARED_MAX];
		size_t len = dh_pub_len(groups[i]), n;

		assert_int_not_equal(crypto_dh_derive(dh, pub, len, shared, &n), 0);
		if (groups[i] != DH_X25519 && groups[i] != DH_X448) {
			pub[len - 1] = 1;
			assert_int_not_equal(crypto_dh_derive(dh, pub, len, shared, &n), 0);
			memset(pub, 0xff, len);
			assert_int_not_equal(crypto_dh_derive(dh, pub, len, shared, &n), 0);
		}
		crypto_dh_free(dh);
	}
}

/* A MODP secret with a leading zero byte is found and compared, rather than hoped for. */
static void modp_keeps_leading_zeros(void **state)
{
	struct crypto_dh *a = crypto_dh_new(DH_MODP_2048);
	bool seen = false;

	for (unsigned n = 0; n < 3000 && !seen; n++) {
		struct crypto_dh *b = crypto_dh_new(DH_MODP_2048);
		uint8_t pub[256], shared[256];
		size_t len;

		assert_int_equal(crypto_dh_public(b, pub), 0);
		assert_int_equal(crypto_dh_derive(a, pub, 256, shared, &len), 0);
		assert_int_equal(len, 256);
		seen = shared[0] == 0;
		crypto_dh_free(b);
	}
	assert_true(seen);
	crypto_dh_free(a);
}

/* ---- messages ---- */

static const struct msg_cipher *ciphers(unsigned i)
{
	static struct ike_dir_keys keys;
	static struct msg_cipher c[] = {
		{ ENCR_AES_GCM_16, 128, INTEG_NONE, &keys },
		{ ENCR_AES_GCM_16, 256, INTEG_NONE, &keys },
		{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128, &keys },
		{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128, &keys },
		{ ENCR_CHACHA20_POLY1305, 0, INTEG_NONE, &keys },
		{ ENCR_AES_GCM_16, 192, INTEG_NONE, &keys },
		{ ENCR_AES_CBC, 192, INTEG_HMAC_SHA2_384_192, &keys },
		{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256, &keys },
	};

	memset(&keys, 0x5a, sizeof(keys));
	return i < sizeof(c) / sizeof(c[0]) ? &c[i] : NULL;
}

/* Sealed, opened, and with any byte flipped not opened: all ciphers, all lengths of padding. */
static void seal_and_open(void **state)
{
	const struct msg_cipher *c;

	for (unsigned i = 0; (c = ciphers(i)); i++)
		for (unsigned len = 0; len < 40; len++) {
			struct ike_header h = { .exchange = XCHG_INFORMATIONAL, .id = len };
			static const uint8_t data[40] = "some text that is not a secret at all";
			uint8_t copy[MSG_OUT_MAX];
			struct payloads p;
			struct msg_out m;
			uint64_t iv = 0;

			msg_begin_sk(&m, &h, c);
			put_notify(&m, N_COOKIE, data, len);
			put_delete_ike(&m);
			assert_int_equal(msg_seal(&m, c, &iv), 0);
			memcpy(copy, m.buf, m.w.len);
			assert_int_equal(msg_open(c, copy, m.w.len, &p), 0);
			assert_int_equal(p.n, 2);
			assert_int_equal(p.list[0].len, 4 + len);
			assert_memory_equal(p.list[0].body + 4, data, len);
			assert_int_equal(p.list[1].type, PLD_DELETE);
			for (size_t flip = 0; flip < m.w.len; flip++) {
				memcpy(copy, m.buf, m.w.len);
				copy[flip] ^= 0x40;
				assert_int_equal(msg_open(c, copy, m.w.len, &p), -EBADMSG);
			}
		}
}

/* Two messages never share a GCM nonce; one that does not fit is refused. */
static void seal_limits(void **state)
{
	struct ike_header h = { .exchange = XCHG_INFORMATIONAL };
	const struct msg_cipher *c = ciphers(0);
	static const uint8_t big[MSG_OUT_MAX];
	struct msg_out a, b;
	uint64_t iv = 0;

	msg_begin_sk(&a, &h, c);
	assert_int_equal(msg_seal(&a, c, &iv), 0);
	msg_begin_sk(&b, &h, c);
	assert_int_equal(msg_seal(&b, c, &iv), 0);
	assert_memory_not_equal(a.buf + 32, b.buf + 32, 8);
	msg_begin_sk(&a, &h, c);
	put_notify(&a, N_COOKIE, big, sizeof(big));
	assert_int_equal(msg_seal(&a, c, &iv), -EMSGSIZE);
}

/* ---- proposals ---- */

static struct payload sa_payload(const struct msg_out *m)
{
	return (struct payload){ PLD_SA, m->buf + IKE_HEADER_LEN + 4,
				 m->w.len - IKE_HEADER_LEN - 4 };
}

static void parse_offer(struct proposals *out, const struct ike_offer *o)
{
	struct ike_header h = { 0 };
	struct payload p;
	struct msg_out m;

	msg_begin(&m, &h);
	put_sa_ike_offer(&m, o, NULL);
	p = sa_payload(&m);
	assert_int_equal(proposals_parse(&p, out), 0);
}

/* AEAD and non-AEAD never share a proposal (RFC 5282 §8); GCM and X25519 come first (A20). */
static void default_offer(void **state)
{
	struct proposals p;

	parse_offer(&p, &ike_offer_all);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.list[0].list[0].id, ENCR_AES_GCM_16);
	for (unsigned i = 0; i < 2; i++) {
		bool integ = false, dh = false;

		for (unsigned t = 0; t < p.list[i].n; t++) {
			const struct transform *tr = &p.list[i].list[t];

			integ |= tr->type == TRANSFORM_INTEG;
			if (tr->type == TRANSFORM_ENCR)
				assert_int_equal(encr_is_aead(tr->id), i == 0);
			if (tr->type == TRANSFORM_DH && !dh) {
				assert_int_equal(tr->id, DH_X25519);
				dh = true;
			}
		}
		assert_int_equal(integ, i == 1);
	}
}

static void chosen_suites(void **state)
{
	static const struct ike_offer cbc = { .ciphers = { { ENCR_AES_CBC, 128,
							     INTEG_HMAC_SHA2_256_128 } },
					      .prfs = { PRF_HMAC_SHA2_384 },
					      .groups = { DH_ECP_384, DH_MODP_2048 } };
	struct ike_suite s;
	struct proposals p;
	uint8_t num;

	parse_offer(&p, &ike_offer_all);
	assert_int_equal(ike_choose(&ike_offer_all, &p, DH_ECP_256, &num, &s), 0);
	assert_int_equal(num, 1);
	assert_int_equal(s.encr, ENCR_AES_GCM_16);
	assert_int_equal(s.dh, DH_ECP_256); /* the KE payload's: no further round trip */
	assert_int_equal(ike_choose(&cbc, &p, DH_X25519, &num, &s), 0);
	assert_int_equal(num, 2);
	assert_int_equal(s.dh, DH_ECP_384);
	parse_offer(&p, &cbc);
	p.list[0].list[0].key_bits = 0; /* no key length: no transform of ours */
	assert_int_equal(ike_choose(&ike_offer_all, &p, DH_X25519, &num, &s), -ENOENT);
}

/* An answer: one proposal, one transform of each kind, one that was offered, under its number. */
static void accepted_answers(void **state)
{
	static const struct ike_suite ok = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128,
					     PRF_HMAC_SHA2_256, DH_X25519 };
	static const struct ike_suite odd = { ENCR_AES_CBC, 512, INTEG_HMAC_SHA2_256_128,
					      PRF_HMAC_SHA2_256, DH_X25519 };
	const struct {
		const struct ike_suite *s;
		uint8_t num;
		int want;
	} rows[] = {
		{ &ok, 2, 0 },
		{ &ok, 1, -EINVAL },
		{ &ok, 3, -EINVAL },
		{ &odd, 2, -EINVAL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ike_header h = { 0 };
		struct proposals p;
		struct payload sa;
		struct ike_suite got;
		struct msg_out m;

		msg_begin(&m, &h);
		put_sa_ike_choice(&m, rows[i].num, rows[i].s, NULL);
		sa = sa_payload(&m);
		assert_int_equal(proposals_parse(&sa, &p), 0);
		assert_int_equal(ike_accept(&ike_offer_all, &p, &got), rows[i].want);
		p.list[0].list[p.list[0].n++] =
			(struct transform){ TRANSFORM_PRF, PRF_HMAC_SHA2_384, 0 };
		assert_int_equal(ike_accept(&ike_offer_all, &p, &got), -EINVAL);
	}
}

/* Several offers: each cipher only with the groups of its own. */
static void offers_in_a_row(void **state)
{
	static const struct ike_offer second = {
		.ciphers = { { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128 } },
		.prfs = { PRF_HMAC_SHA2_256 },
		.groups = { DH_MODP_2048 },
	};
	static const struct ike_offer first = {
		.ciphers = { { ENCR_AES_GCM_16, 256, INTEG_NONE },
			     { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256 } },
		.prfs = { PRF_HMAC_SHA2_512 },
		.groups = { DH_X25519 },
		.next = &second,
	};
	static const struct {
		uint8_t num;
		struct ike_suite s;
		int want;
	} rows[] = {
		{ 1, { ENCR_AES_GCM_16, 256, INTEG_NONE, PRF_HMAC_SHA2_512, DH_X25519 }, 0 },
		{ 2, { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256, PRF_HMAC_SHA2_512, DH_X25519 }, 0 },
		{ 3, { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128, PRF_HMAC_SHA2_256, DH_MODP_2048 }, 0 },
		{ 3, { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128, PRF_HMAC_SHA2_256, DH_X25519 },
		  -EINVAL },
		{ 2, { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128, PRF_HMAC_SHA2_256, DH_MODP_2048 },
		  -EINVAL },
		{ 1, { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256, PRF_HMAC_SHA2_512, DH_X25519 },
		  -EINVAL },
	};
	struct proposals p;
	struct ike_suite s;
	uint8_t num;

	parse_offer(&p, &first);
	assert_int_equal(p.n, 3);
	assert_int_equal(ike_choose(&second, &p, 0, &num, &s), 0);
	assert_int_equal(num, 3);
	assert_int_equal(s.dh, DH_MODP_2048);
	assert_true(ike_group_offered(&first, DH_MODP_2048));
	assert_false(ike_group_offered(&first, DH_ECP_256));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ike_header h = { 0 };
		struct payload sa;
		struct msg_out m;

		msg_begin(&m, &h);
		put_sa_ike_choice(&m, rows[i].num, &rows[i].s, NULL);
		sa = sa_payload(&m);
		assert_int_equal(proposals_parse(&sa, &p), 0);
		assert_int_equal(ike_accept(&first, &p, &s), rows[i].want);
	}
}

/* ---- cookies, NAT, queue ---- */

static void cookie_life(void **state)
{
	struct cookie_jar jar = { .version = 0 };
	struct endpoint from = { .port = 500 }, other;
	struct chunk ni = { "a nonce of 16 by", 16 };
	uint8_t spi[8] = { 1 }, c[COOKIE_LEN];
	mono_t t = { NSEC_PER_SEC };
	struct chunk cookie = { c, sizeof(c) };

	addr_parse("10.0.0.1", &from.addr);
	other = from;
	other.addr.bytes[3] = 9;
	assert_int_equal(cookie_make(&jar, t, ni, &from, spi, c), 0);
	assert_true(cookie_valid(&jar, t, cookie, ni, &from, spi));
	assert_false(cookie_valid(&jar, t, cookie, ni, &other, spi));
	assert_false(cookie_valid(&jar, t, (struct chunk){ c, 5 }, ni, &from, spi));
	assert_false(cookie_valid(&jar, t, cookie, (struct chunk){ "another nonce 16", 16 }, &from,
				  spi));
	assert_true(cookie_valid(&jar, mono_add_ms(t, 61000), cookie, ni, &from, spi));
	assert_false(cookie_valid(&jar, mono_add_ms(t, 122000), cookie, ni, &from, spi));
	assert_int_equal(cookie_make(&jar, t, ni, &from, spi, c), 0);
	/* After a long pause neither of the old secrets is good. */
	assert_false(cookie_valid(&jar, mono_add_ms(t, 100000000), cookie, ni, &from, spi));
}

static void nat_verdicts(void **state)
{
	static const struct {
		const char *said_from, *from, *said_to, *to;
		bool local, peer;
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2", false, false },
		{ "10.0.0.1", "192.0.2.1", "10.0.0.2", "10.0.0.2", false, true },
		{ "10.0.0.1", "10.0.0.1", "198.51.100.1", "10.0.0.2", true, false },
		{ "10.0.0.1", "192.0.2.1", "198.51.100.1", "10.0.0.2", true, true },
		{ "fd00::1", "fd00::1", "fd00::2", "fd00::2", false, false },
		{ "fd00::1", "fd00::9", "fd00::2", "fd00::2", false, true },
	};
	uint8_t i8[8] = { 1 }, r8[8] = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct endpoint sf = { .port = 500 }, f = sf, st = sf, t = sf;
		struct ike_header h = { 0 };
		struct payloads p;
		struct msg_out m;
		struct natt n;

		addr_parse(rows[i].said_from, &sf.addr);
		addr_parse(rows[i].from, &f.addr);
		addr_parse(rows[i].said_to, &st.addr);
		addr_parse(rows[i].to, &t.addr);
		msg_begin(&m, &h);
		assert_int_equal(put_natt(&m, i8, r8, &sf, &st), 0);
		assert_int_equal(payloads_parse(m.buf[16], m.buf + IKE_HEADER_LEN,
						m.w.len - IKE_HEADER_LEN, &p),
				 0);
		n = natt_judge(&p, i8, r8, &f, &t);
		assert_true(n.seen);
		assert_int_equal(n.local, rows[i].local);
		assert_int_equal(n.peer, rows[i].peer);
		p.n = 0;
		assert_false(natt_judge(&p, i8, r8, &f, &t).seen);
	}
}

static void record(void *ctx, const struct inq_message *m)
{
	char *order = ctx;

	order[strlen(order)] = m->bytes[18] == XCHG_IKE_SA_INIT ? 'i'
			       : m->bytes[18] == XCHG_IKE_AUTH	? 'a'
								: 'e';
}

static void push(struct inq *q, uint8_t exchange, mono_t when)
{
	struct ike_header h = { .exchange = exchange, .flags = IKE_FLAG_INITIATOR };
	struct endpoint ep = { 0 };
	struct msg_out m;

	msg_begin(&m, &h);
	msg_end(&m);
	inq_push(q, &ep, &ep, m.buf, m.w.len, when);
}

/* Established first, then IKE_AUTH, one IKE_SA_INIT a turn; stale ones go. */
static void queue_order(void **state)
{
	struct inq q = { 0 };
	mono_t t = { NSEC_PER_SEC };
	char order[32] = "";

	for (int i = 0; i < 3; i++)
		push(&q, XCHG_IKE_SA_INIT, t);
	push(&q, XCHG_IKE_AUTH, t);
	push(&q, XCHG_INFORMATIONAL, t);
	assert_true(inq_serve(&q, t, record, order));
	assert_string_equal(order, "eai");
	push(&q, XCHG_CREATE_CHILD_SA, t);
	assert_true(inq_serve(&q, t, record, order));
	assert_string_equal(order, "eaiei");
	push(&q, XCHG_IKE_SA_INIT, mono_add_ms(t, 201));
	assert_false(inq_serve(&q, mono_add_ms(t, 201), record, order));
	assert_string_equal(order, "eaieii");
	assert_int_equal(q.dropped, 1);
	push(&q, XCHG_IKE_SA_INIT, t);
	inq_free(&q);
}

/*
 * A flood of IKE_SA_INIT, each turn as long as one Diffie-Hellman: what established peers
 * send is served in the turn in which it came, of the flood what 200 ms of work are, the
 * oldest goes, and one that comes later is served all the same.
 */
static void queue_flooded(void **state)
{
	struct inq q = { 0 };
	mono_t t = { NSEC_PER_SEC };
	char order[32];
	unsigned served = 0;

	for (int i = 0; i < 1000; i++)
		push(&q, XCHG_IKE_SA_INIT, t);
	for (int turn = 0; turn < 150; turn++) {
		memset(order, 0, sizeof(order));
		push(&q, XCHG_INFORMATIONAL, t);
		inq_serve(&q, t, record, order);
		assert_int_equal(order[0], 'e');
		served += order[1] == 'i';
		t = mono_add_ms(t, 2);
	}
	assert_int_equal(served, 101); /* at 0, 2, … 200 ms */
	assert_int_equal(q.n[INQ_INIT], 0);
	assert_int_equal(q.dropped, 1000 - 101);
	push(&q, XCHG_IKE_SA_INIT, t);
	memset(order, 0, sizeof(order));
	assert_false(inq_serve(&q, t, record, order));
	assert_string_equal(order, "i");
	/* More than it holds: bounded, and the count is kept. */
	for (int i = 0; i < INQ_MAX + 10; i++)
		push(&q, XCHG_IKE_SA_INIT, t);
	assert_true(q.n[INQ_INIT] <= INQ_MAX && q.bytes[INQ_INIT] <= INQ_BYTES_MAX);
	assert_int_equal(q.dropped, 1000 - 101 + INQ_MAX + 10 - q.n[INQ_INIT]);
	inq_free(&q);
}

static void push_sized(struct inq *q, uint8_t exchange, size_t len, size_t claimed)
{
	static uint8_t bytes[65536];
	struct endpoint ep = { 0 };

	memset(bytes, 0, IKE_HEADER_LEN);
	bytes[17] = IKE_VERSION;
	bytes[18] = exchange;
	bytes[19] = IKE_FLAG_INITIATOR;
	bytes[25] = (uint8_t)(claimed >> 16);
	bytes[26] = (uint8_t)(claimed >> 8);
	bytes[27] = (uint8_t)claimed;
	inq_push(q, &ep, &ep, bytes, len, (mono_t){ NSEC_PER_SEC });
}

static void count_one(void *ctx, const struct inq_message *m)
{
	++*(unsigned *)ctx;
}

/* Large messages fill a queue by their bytes, and no other; served, there is room again. */
static void queue_bytes(void **state)
{
	struct inq q = { 0 };
	unsigned served = 0, fit = 17;

	for (unsigned i = 0; i < 20; i++)
		push_sized(&q, XCHG_INFORMATIONAL, 60000, 60000);
	assert_int_equal(q.n[INQ_ESTABLISHED], fit);
	assert_int_equal(q.dropped, 20 - fit);
	push_sized(&q, XCHG_IKE_SA_INIT, 60000, 60000);
	assert_int_equal(q.n[INQ_INIT], 1);
	inq_serve(&q, (mono_t){ NSEC_PER_SEC }, count_one, &served);
	assert_int_equal(served, fit + 1);
	for (unsigned i = 0; i < 20; i++)
		push_sized(&q, XCHG_INFORMATIONAL, 60000, 60000);
	assert_int_equal(q.n[INQ_ESTABLISHED], fit);
	inq_free(&q);
}

/* What is no IKE message takes no room. */
static void queue_refuses_bad_headers(void **state)
{
	struct inq q = { 0 };

	push_sized(&q, XCHG_INFORMATIONAL, 27, 27);
	push_sized(&q, XCHG_INFORMATIONAL, 100, 101);
	assert_int_equal(q.n[INQ_ESTABLISHED] + q.n[INQ_AUTH] + q.n[INQ_INIT], 0);
	assert_int_equal(q.dropped, 2);
	push_sized(&q, XCHG_INFORMATIONAL, 100, 100);
	assert_int_equal(q.n[INQ_ESTABLISHED], 1);
	inq_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_is_sticky),  cmocka_unit_test(writer_is_bounded),
		cmocka_unit_test(hmac_vectors),	     cmocka_unit_test(prf_plus),
		cmocka_unit_test(gcm_vector),	     cmocka_unit_test(groups_agree),
		cmocka_unit_test(bad_public_values), cmocka_unit_test(modp_keeps_leading_zeros),
		cmocka_unit_test(seal_and_open),     cmocka_unit_test(seal_limits),
		cmocka_unit_test(default_offer),     cmocka_unit_test(chosen_suites),
		cmocka_unit_test(offers_in_a_row),
		cmocka_unit_test(accepted_answers),  cmocka_unit_test(cookie_life),
		cmocka_unit_test(nat_verdicts),	     cmocka_unit_test(queue_order),
		cmocka_unit_test(queue_flooded),
		cmocka_unit_test(queue_bytes),	     cmocka_unit_test(queue_refuses_bad_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
