// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CVE classes of this field (shared/field.md): every truncation and every
 * flipped byte of every message of a set-up, before it and inside the
 * encryption. No crash, and what is not authentic changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/wire.h"
#include "prefpeerd/test/ike_fixture.h"
#include "prefpeerd/test/ike_peer.h"

/*
 * The nth message of a set-up is replaced by a mangled one first; the true one
 * follows. Whatever the mangled one did, the set-up must still succeed.
 */
struct mangle {
	struct fixture *f;
	unsigned at, seen;
	size_t cut;  /* new length */
	size_t flip; /* index of the byte to flip; SIZE_MAX: none */
	uint8_t mask;
	bool applied;
};

static enum mock_fate mangle_filter(void *ctx, struct datagram *d)
{
	struct mangle *m = ctx;
	struct datagram bad = *d;

	if (m->seen++ != m->at)
		return MOCK_PASS;
	if (m->flip != SIZE_MAX) {
		if (m->flip >= d->len)
			return MOCK_PASS;
		bad.bytes[m->flip] ^= m->mask;
	} else {
		if (m->cut >= d->len)
			return MOCK_PASS;
		bad.len = m->cut;
		/* A header that admits to the new length: deeper than the first check. */
		if (bad.len >= 28) {
			bad.bytes[26] = (uint8_t)(bad.len >> 8);
			bad.bytes[27] = (uint8_t)bad.len;
		}
	}
	m->applied = true;
	mocknet_carry(&m->f->net, &bad);
	return MOCK_PASS;
}

/* Encrypted messages: the mangled one must not have done anything at all. */
static bool is_encrypted(unsigned at)
{
	return at >= 2;
}

static bool survives(unsigned at, size_t cut, size_t flip, uint8_t mask, bool *applied)
{
	struct fixture *f = fixture_new(AF_INET);
	struct mangle m = { .f = f, .at = at, .cut = cut, .flip = flip, .mask = mask };
	struct engine_child c = fixture_child(1, 1);
	struct engine_budget b = { 12000, 12000 };
	bool up;

	f->net.filter = mangle_filter;
	f->net.filter_ctx = &m;
	f->left.engine->ops->open(f->left.engine->impl, 1, 1, &f->left.addr, &c, &b);
	fixture_run_ms(f, 60);
	up = side_last(&f->left, ENG_CHILD_UP) && side_last(&f->right, ENG_CHILD_UP) &&
	     !side_last(&f->left, ENG_DOWN) && f->left.kernel.n_sas == 2 &&
	     f->right.kernel.n_sas == 2;
	*applied = m.applied;
	fixture_free(f);
	return up;
}

/* A forged IKE_SA_INIT response may cost the attempt (it cannot be told apart), never more. */
static void check(unsigned at, size_t cut, size_t flip, uint8_t mask, bool *applied)
{
	bool up = survives(at, cut, flip, mask, applied);

	if (!up && is_encrypted(at))
		fail_msg("message %u, cut %zu, flip %zu: the set-up was disturbed", at, cut, flip);
}

static void truncations(void **state)
{
	for (unsigned at = 0; at < 4; at++) {
		bool applied = true;

		for (size_t cut = 0; applied; cut++)
			check(at, cut, SIZE_MAX, 0, &applied);
	}
}

static void flips(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x80, 0xff };

	for (unsigned at = 0; at < 4; at++)
		for (unsigned i = 0; i < sizeof(masks); i++) {
			bool applied = true;

			for (size_t flip = 0; applied; flip++)
				check(at, 0, flip, masks[i], &applied);
		}
}

/*
 * Inside the encryption: an authentic peer that sends rubbish. The plain text of
 * a rekey and of a delete, with every byte flipped and every length cut, sealed
 * again. It is answered, or refused with a notify; the IKE SA stays, or goes if
 * the rubbish happens to say so.
 */
static void put_request(struct ike_peer *p, uint8_t exchange)
{
	static const uint8_t nonce[32] = "a nonce that nobody could guess";
	struct esp_suite suites[SUITE_MAX];
	struct engine_child c = fixture_child(1, 1);
	unsigned n = esp_suites_default(suites);
	struct ts left, right;

	ike_peer_begin(p, exchange);
	put_notify_child(&p->m, N_REKEY_SA, PROTO_ID_ESP, p->child_spi_in);
	put_delete_child(&p->m, PROTO_ID_ESP, &p->child_spi_in, 1);
	put_sa_esp_offer(&p->m, suites, n, 0xabcdef01, DH_NONE);
	put_nonce(&p->m, nonce, sizeof(nonce));
	put_ke(&p->m, 31, nonce, 32);
	selector_to_ts(&c.sel, &left, &right);
	put_ts(&p->m, PLD_TSI, &right);
	put_ts(&p->m, PLD_TSR, &left);
}

static size_t text_offset(const struct ike_peer *p)
{
	return p->m.sk_off + IKE_PAYLOAD_HEADER_LEN + encr_iv_len(p->s->suite.encr);
}

static void rubbish_inside(void **state)
{
	static const uint8_t exchanges[] = { XCHG_CREATE_CHILD_SA, XCHG_INFORMATIONAL };

	for (unsigned e = 0; e < 2; e++) {
		struct ike_peer *p = ike_peer_up();
		size_t len;

		put_request(p, exchanges[e]);
		len = p->m.w.len - text_offset(p);
		for (size_t i = 0; i < 2 * len; i++) {
			put_request(p, exchanges[e]);
			if (i < len)
				p->m.buf[text_offset(p) + i] ^= (uint8_t)(1 << i % 8);
			else
				p->m.w.len -= i - len;
			/* A fresh pair for each: what was deleted would hide the rest. */
			ike_peer_send(p);
			if (p->reply.error == UINT16_MAX)
				fail_msg("exchange %u, %zu: no answer", exchanges[e], i);
			if (side_last(&p->f->left, ENG_DOWN) ||
			    !side_last(&p->f->left, ENG_CHILD_UP) || p->f->net.n_log > 3000 ||
			    p->f->left.n > 300 || i % 16 == 15) {
				ike_peer_free(p);
				p = ike_peer_up();
			}
		}
		ike_peer_free(p);
	}
}

/*
 * IKE_AUTH is sealed with keys that anyone gets who did IKE_SA_INIT: its text,
 * mangled and sealed again, is what an attacker without any credential can send.
 */
struct mangle_auth {
	struct fixture *f;
	bool response;
	size_t flip;
	uint8_t mask;
	bool applied;
};

static void reseal(struct datagram *d, const struct session *s, const struct mangle_auth *m,
		   bool *applied)
{
	struct msg_cipher c = session_cipher(s, true);
	size_t head = IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN, iv_len = encr_iv_len(c.encr);
	struct chunk aad = { d->bytes, head };
	uint8_t *iv = d->bytes + head, *text = iv + iv_len, *icv = d->bytes + d->len - 16;
	size_t len = (size_t)(icv - text);

	if (m->flip >= len)
		return;
	if (crypto_open(c.encr, c.key_bits, c.keys->e, iv, aad, text, len, icv))
		abort();
	text[m->flip] ^= m->mask;
	if (crypto_seal(c.encr, c.key_bits, c.keys->e, iv, aad, text, len, icv))
		abort();
	*applied = true;
}

static enum mock_fate mangle_auth_filter(void *ctx, struct datagram *d)
{
	struct mangle_auth *m = ctx;
	const struct side *from = m->response ? &m->f->right : &m->f->left;
	const struct session *s = ((struct ike *)from->engine->impl)->sessions;

	if (datagram_exchange(d) == XCHG_IKE_AUTH && datagram_is_response(d) == m->response)
		reseal(d, s, m, &m->applied);
	return MOCK_PASS;
}

static void rubbish_in_auth(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x10, 0xff };

	for (unsigned response = 0; response < 2; response++)
		for (unsigned i = 0; i < sizeof(masks); i++) {
			struct mangle_auth m = { .response = response,
						 .mask = masks[i],
						 .applied = true };

			for (m.flip = 0; m.applied; m.flip++) {
				struct fixture *f = fixture_new(AF_INET);
				struct engine_child c = fixture_child(1, 1);
				struct engine_budget b = { 2000, 2000 };

				m.f = f;
				m.applied = false;
				f->net.filter = mangle_auth_filter;
				f->net.filter_ctx = &m;
				f->left.engine->ops->open(f->left.engine->impl, 1, 1, &f->left.addr,
							  &c, &b);
				fixture_run_ms(f, 20000);
				/* All of a pair or nothing of it, and no IKE SA in between. */
				assert_true(f->left.kernel.n_sas == 0 || f->left.kernel.n_sas == 2);
				assert_true(f->right.kernel.n_sas == 0 ||
					    f->right.kernel.n_sas == 2);
				assert_true(side_last(&f->left, ENG_UP) ||
					    side_last(&f->left, ENG_DOWN));
				fixture_free(f);
			}
		}
}

/* Every payload type with every small body, each alone in an authentic INFORMATIONAL. */
static void odd_payloads(void **state)
{
	struct ike_peer *p = ike_peer_up();

	for (unsigned type = PLD_SA; type <= PLD_EAP; type++)
		for (unsigned len = 0; len < 12; len++)
			for (unsigned exchange = XCHG_CREATE_CHILD_SA;
			     exchange <= XCHG_INFORMATIONAL; exchange++) {
				uint8_t *body;

				ike_peer_begin(p, (uint8_t)exchange);
				msg_payload_begin(&p->m, (uint8_t)type);
				body = wtr_room(&p->m.w, len);
				memset(body, type == PLD_DELETE ? 3 : 0xff, len);
				msg_payload_end(&p->m);
				ike_peer_send(p);
				assert_int_not_equal(p->reply.error, UINT16_MAX);
				if (p->f->net.n_log > 3000 || p->f->left.n > 400) {
					ike_peer_free(p);
					p = ike_peer_up();
				}
			}
	assert_int_equal(p->f->left.kernel.n_sas, 2);
	assert_null(side_last(&p->f->left, ENG_DOWN));
	ike_peer_free(p);
}

/* DELETE, then more in the same message, about the same pair twice (CVE-2023-38712). */
static void delete_twice(void **state)
{
	struct ike_peer *p = ike_peer_up();
	uint32_t spis[] = { p->child_spi_in, p->child_spi_in, 0, 1 };

	ike_peer_begin(p, XCHG_INFORMATIONAL);
	put_delete_child(&p->m, PROTO_ID_ESP, spis, 4);
	put_delete_child(&p->m, PROTO_ID_ESP, spis, 4);
	put_notify_child(&p->m, N_REKEY_SA, PROTO_ID_ESP, p->child_spi_in);
	put_notify(&p->m, N_INVALID_SPI, spis, sizeof(spis));
	ike_peer_send(p);
	assert_int_equal(p->reply.error, 0);
	assert_int_equal(side_count(&p->f->left, ENG_CHILD_DOWN), 1);
	assert_int_equal(p->f->left.kernel.n_sas, 0);
	ike_peer_probe(p);
	assert_int_equal(p->reply.error, 0);
	ike_peer_free(p);
}

/* REKEY_SA with a protocol or SPI size that makes no sense (CVE-2023-38710). */
static void rekey_notify_malformed(void **state)
{
	struct ike_peer *p = ike_peer_up();

	for (unsigned proto = 0; proto < 6; proto++)
		for (unsigned spi_len = 0; spi_len < 10; spi_len++) {
			ike_peer_begin(p, XCHG_CREATE_CHILD_SA);
			msg_payload_begin(&p->m, PLD_NOTIFY);
			wtr_u8(&p->m.w, (uint8_t)proto);
			wtr_u8(&p->m.w, (uint8_t)spi_len);
			wtr_u16(&p->m.w, N_REKEY_SA);
			wtr_room(&p->m.w, spi_len);
			msg_payload_end(&p->m);
			ike_peer_send(p);
			assert_int_equal(p->reply.error, N_CHILD_SA_NOT_FOUND);
		}
	assert_int_equal(p->f->left.kernel.n_sas, 2);
	ike_peer_free(p);
}

/*
 * Diffie-Hellman values of every length but the right one, for every group, before
 * and after authentication (CVE-2023-41913, CVE-2018-17540): no key, no crash.
 */
static void key_exchange_of_any_length(void **state)
{
	static const size_t lengths[] = { 1, 31, 33, 55, 57, 63, 65, 133, 257, 511, 513, 3000 };
	static const uint8_t bytes[3000] = { 9 };
	struct ike_peer *p = ike_peer_up();

	for (unsigned g = 0; ike_offer_all.groups[g]; g++)
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			struct datagram d = { .src = { p->f->right.addr, IKE_PORT },
					      .dst = { p->f->left.addr, IKE_PORT } };
			struct ike_header h = { .exchange = XCHG_IKE_SA_INIT,
						.flags = IKE_FLAG_INITIATOR,
						.spi_i = { 1, (uint8_t)g, (uint8_t)i } };
			unsigned since;
			struct msg_out m;

			msg_begin(&m, &h);
			put_sa_ike_offer(&m, &ike_offer_all, NULL);
			put_ke(&m, ike_offer_all.groups[g], bytes, lengths[i]);
			put_nonce(&m, bytes, 32);
			/* Longer than any answer, or a cookie would be asked for. */
			msg_payload_begin(&m, PLD_VENDOR);
			wtr_bytes(&m.w, bytes, lengths[i] < 800 ? 800 : 0);
			msg_payload_end(&m);
			assert_int_equal(msg_end(&m), 0);
			d.len = m.w.len;
			memcpy(d.bytes, m.buf, d.len);
			fixture_run_ms(p->f, HALF_OPEN_MS);
			since = p->f->net.n_log;
			mocknet_inject(&p->f->net, &d);
			assert_int_equal(net_count(p->f, &p->f->left, XCHG_IKE_SA_INIT, true, since), 0);
			ike_peer_begin(p, XCHG_CREATE_CHILD_SA);
			put_sa_ike_offer(&p->m, &ike_offer_all, NULL);
			put_nonce(&p->m, bytes, 32);
			put_ke(&p->m, ike_offer_all.groups[g], bytes, lengths[i]);
			ike_peer_send(p);
			assert_int_not_equal(p->reply.error, 0);
			assert_int_not_equal(p->reply.error, UINT16_MAX);
		}
	assert_int_equal(p->f->left.kernel.n_sas, 2);
	ike_peer_free(p);
}

/*
 * An IKE_AUTH that was refused leaves nothing that a later message meets
 * (CVE-2024-2357): repeats get the answer that was kept, all else nothing.
 */
static void refused_and_still_talking(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	struct engine_remote other = f->to_left;
	unsigned since;

	other.psk = (const uint8_t *)"another";
	other.psk_len = 7;
	f->right.engine->ops->remote_set(f->right.engine->impl, &other);
	assert_false(fixture_up(f));
	assert_int_equal(side_count(&f->right, ENG_INBOUND), 0);
	since = f->net.n_log;
	for (unsigned i = 0; i < since; i++) {
		struct datagram d = *f->net.log[i];

		if (!addr_equal(&d.src.addr, &f->left.addr))
			continue;
		mocknet_inject(&f->net, &d);
		for (uint8_t exchange = XCHG_IKE_AUTH; exchange <= XCHG_INFORMATIONAL; exchange++) {
			d.bytes[18] = exchange;
			d.bytes[23]++;
			mocknet_inject(&f->net, &d);
			d.bytes[16] = PLD_SKF;
			mocknet_inject(&f->net, &d);
		}
	}
	fixture_run_ms(f, 2 * ZOMBIE_MS);
	assert_null(((struct ike *)f->right.engine->impl)->sessions);
	assert_int_equal(f->right.kernel.n_sas, 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truncations),
		cmocka_unit_test(flips),
		cmocka_unit_test(rubbish_inside),
		cmocka_unit_test(rubbish_in_auth),
		cmocka_unit_test(odd_payloads),
		cmocka_unit_test(delete_twice),
		cmocka_unit_test(rekey_notify_malformed),
		cmocka_unit_test(key_exchange_of_any_length),
		cmocka_unit_test(refused_and_still_talking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
