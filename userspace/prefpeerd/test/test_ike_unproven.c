// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IKE_AUTH under the right SK_*, which whoever did IKE_SA_INIT has, without a proof
 * of who that is (RFC 7296 §2.15): EAP that nobody asked for, as in CVE-2021-45079,
 * no AUTH, an empty one, one that a method without keys makes (RFC 7619). To both
 * ends: nothing of it brings an IKE SA up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_fixture.h"

#define AUTH_NULL 13 /* RFC 7619 */

struct means {
	const char *what;
	bool eap;
	uint8_t eap_code; /* RFC 3748 §4: 1 request, 3 success */
	bool auth;
	uint8_t method;
	size_t len; /* of AUTH's data, zeros */
};

static const struct means all_means[] = {
	{ "no AUTH", .auth = false },
	{ "EAP success", .eap = true, .eap_code = 3 },
	{ "EAP request", .eap = true, .eap_code = 1 },
	{ "EAP success and an AUTH", .eap = true, .eap_code = 3, .auth = true, .method = AUTH_SHARED_KEY, .len = 32 },
	{ "an empty AUTH", .auth = true, .method = AUTH_SHARED_KEY },
	{ "a short AUTH", .auth = true, .method = AUTH_SHARED_KEY, .len = 31 },
	{ "a long AUTH", .auth = true, .method = AUTH_SHARED_KEY, .len = 33 },
	{ "an AUTH of zeros", .auth = true, .method = AUTH_SHARED_KEY, .len = 32 },
	{ "NULL authentication", .auth = true, .method = AUTH_NULL, .len = 32 },
	{ "method 0", .auth = true, .method = 0, .len = 32 },
	{ "a signature", .auth = true, .method = AUTH_DIGITAL_SIGNATURE, .len = 64 },
};

/* The engines' own IKE_AUTH gets lost. */
static enum mock_fate no_auth(void *ctx, struct datagram *d)
{
	return datagram_exchange(d) == XCHG_IKE_AUTH && !d->keepalive ? MOCK_DROP : MOCK_PASS;
}

static void put_eap(struct msg_out *m, uint8_t code)
{
	msg_payload_begin(m, PLD_EAP);
	wtr_u8(&m->w, code);
	wtr_u8(&m->w, 1);
	wtr_u16(&m->w, 4);
	msg_payload_end(m);
}

static void put_pair(struct msg_out *m)
{
	struct engine_child c = fixture_child(1, 1);
	struct esp_suite suites[SUITE_MAX];
	unsigned n = esp_suites_default(suites);
	struct ts left, right;

	put_sa_esp_offer(m, suites, n, 0xabcdef01, DH_NONE);
	selector_to_ts(&c.sel, &left, &right);
	put_ts(m, PLD_TSI, &left);
	put_ts(m, PLD_TSR, &right);
}

static void put_means(struct msg_out *m, const struct means *how)
{
	static const uint8_t zeros[64];

	if (how->eap)
		put_eap(m, how->eap_code);
	if (how->auth)
		put_auth(m, how->method, zeros, how->len);
}

static void say(struct fixture *f, const struct side *from, const struct means *how)
{
	struct session *s = ((struct ike *)from->engine->impl)->sessions;
	struct msg_cipher c = session_cipher(s, true);
	struct datagram d = { .src = s->local, .dst = s->peer };
	struct ike_header h = { .exchange = XCHG_IKE_AUTH, .id = 1 };
	struct ike_id id = ike_id_from_addr(&from->addr);
	struct msg_out m;

	h.flags = s->initiator ? IKE_FLAG_INITIATOR : IKE_FLAG_RESPONSE;
	memcpy(h.spi_i, s->spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, s->spi_r, IKE_SPI_LEN);
	msg_begin_sk(&m, &h, &c);
	put_id(&m, s->initiator ? PLD_IDI : PLD_IDR, &id);
	put_means(&m, how);
	put_pair(&m);
	assert_int_equal(msg_seal(&m, &c, &s->iv_counter), 0);
	d.len = m.w.len;
	memcpy(d.bytes, m.buf, d.len);
	mocknet_inject(&f->net, &d);
}

static void expect_stranger(const struct side *s, const char *what)
{
	if (side_last(s, ENG_UP) || side_last(s, ENG_CHILD_UP) || side_last(s, ENG_INBOUND) || s->kernel.n_sas)
		fail_msg("%s: let in", what);
}

static void try_means(const struct means *how, bool to_initiator)
{
	struct fixture *f = fixture_new(AF_INET);
	struct engine_child c = fixture_child(1, 1);
	struct engine_budget b = { 2000, 2000 };

	f->net.filter = no_auth;
	f->left.engine->ops->open(f->left.engine->impl, 1, 1, &f->left.addr, &c, &b);
	fixture_run_ms(f, 30);
	assert_non_null(((struct ike *)f->right.engine->impl)->sessions);
	say(f, to_initiator ? &f->right : &f->left, how);
	fixture_run_ms(f, 300);
	expect_stranger(&f->left, how->what);
	expect_stranger(&f->right, how->what);
	/* The end that it was said to has refused it; nothing waits for more. */
	fixture_run_ms(f, 2 * ZOMBIE_MS + 20000);
	assert_null(((struct ike *)f->left.engine->impl)->sessions);
	assert_null(((struct ike *)f->right.engine->impl)->sessions);
	fixture_free(f);
}

static void to_the_initiator(void **state)
{
	for (size_t i = 0; i < sizeof(all_means) / sizeof(all_means[0]); i++)
		try_means(&all_means[i], true);
}

static void to_the_responder(void **state)
{
	for (size_t i = 0; i < sizeof(all_means) / sizeof(all_means[0]); i++)
		try_means(&all_means[i], false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_the_initiator),
		cmocka_unit_test(to_the_responder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
