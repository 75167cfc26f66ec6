// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A crash of either end, noticed in one round trip (RFC 6290), and notifies in
 * clear: hints that bring about a liveness check, and never an end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_fixture.h"

static const uint8_t secret_l[QCD_SECRET_LEN] = "left's", secret_r[QCD_SECRET_LEN] = "right's";

static struct fixture *up(bool recoverable)
{
	struct fixture *f = fixture_new(AF_INET);

	if (recoverable) {
		engine_ike_recoverable(f->left.engine, secret_l);
		engine_ike_recoverable(f->right.engine, secret_r);
	}
	fixture_dpd(f, DPD_ON_DEMAND, 10000, 2000);
	assert_true(fixture_up(f));
	return f;
}

static struct session *session_of(const struct side *s)
{
	return ((struct ike *)s->engine->impl)->sessions;
}

static const struct ike_counters *counters(const struct side *s)
{
	return engine_ike_counters(s->engine);
}

static void probe(struct side *s, conn_id conn)
{
	assert_int_equal(s->engine->ops->probe(s->engine->impl, conn), 0);
}

/* ---- tokens ---- */

static void assert_noticed(struct fixture *f, struct side *taker, unsigned since)
{
	const struct recorded *down;

	/* Not a millisecond more than there and back, */
	fixture_run_ms(f, 20);
	down = side_last(taker, ENG_DOWN);
	assert_non_null(down);
	assert_int_equal(down->ev.why, WHY_PEER_DELETE);
	/* two messages, the answer no longer than the question. */
	assert_int_equal(f->net.n_log - since, 2);
	assert_true(f->net.log[since + 1]->len <= f->net.log[since]->len);
	assert_int_equal(taker->kernel.n_sas, 0);
}

static void the_responder_restarts(void **state)
{
	struct fixture *f = up(true);
	unsigned since;

	fixture_restart(f, &f->right, secret_r);
	since = f->net.n_log;
	probe(&f->left, 1);
	assert_noticed(f, &f->left, since);
	fixture_free(f);
}

static void the_initiator_restarts(void **state)
{
	struct fixture *f = up(true);
	unsigned since;

	fixture_restart(f, &f->left, secret_l);
	since = f->net.n_log;
	probe(&f->right, side_last(&f->right, ENG_UP)->ev.conn);
	assert_noticed(f, &f->right, since);
	fixture_free(f);
}

/* Any request will do: here a child SA that traffic asks for. */
static void a_request_finds_out(void **state)
{
	struct fixture *f = up(true);
	struct engine_child c = fixture_child(2, 2);

	fixture_restart(f, &f->right, secret_r);
	assert_int_equal(f->left.engine->ops->child_open(f->left.engine->impl, 1, &c), 0);
	fixture_run_ms(f, 20);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_PEER_DELETE);
	fixture_free(f);
}

/* Another secret, or none: what the peer says then is no proof, and DPD's budget decides. */
static void check_no_proof(const uint8_t *secret, bool recoverable)
{
	struct fixture *f = up(recoverable);

	fixture_restart(f, &f->right, secret);
	probe(&f->left, 1);
	fixture_run_ms(f, 11000);
	assert_null(side_last(&f->left, ENG_DOWN));
	assert_int_equal(f->left.kernel.n_sas, 2);
	fixture_run_ms(f, 2000);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_DEAD);
	fixture_free(f);
}

static void no_proof(void **state)
{
	check_no_proof(secret_l, true);
	check_no_proof(NULL, true);
	check_no_proof(secret_r, false);
}

/* ---- what a forger may do ---- */

/* A message in clear to @to, as if from the other end, about the IKE SA of @of. */
static void forge(struct fixture *f, const struct side *to, struct session *of, uint8_t flags,
		  uint16_t type, const void *data, size_t len)
{
	struct side *from = to == &f->left ? &f->right : &f->left;
	struct datagram d = { .src = { from->addr, IKE_PORT }, .dst = { to->addr, IKE_PORT } };
	struct ike_header h = { .exchange = XCHG_INFORMATIONAL, .flags = flags, .id = 0 };
	struct msg_out m;

	memcpy(h.spi_i, of->spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, of->spi_r, IKE_SPI_LEN);
	msg_begin(&m, &h);
	put_notify(&m, type, data, len);
	assert_int_equal(msg_end(&m), 0);
	d.len = m.w.len;
	memcpy(d.bytes, m.buf, d.len);
	mocknet_inject(&f->net, &d);
}

static void a_false_token(void **state)
{
	struct fixture *f = up(true);
	struct session *s = session_of(&f->left);
	uint8_t token[QCD_TOKEN_LEN + 1];

	assert_int_equal(s->qcd_len, QCD_TOKEN_LEN);
	memcpy(token, s->qcd_token, QCD_TOKEN_LEN);
	token[QCD_TOKEN_LEN] = 0;
	token[QCD_TOKEN_LEN - 1] ^= 1;
	forge(f, &f->left, s, IKE_FLAG_RESPONSE, N_QCD_TOKEN, token, QCD_TOKEN_LEN);
	token[QCD_TOKEN_LEN - 1] ^= 1;
	forge(f, &f->left, s, IKE_FLAG_RESPONSE, N_QCD_TOKEN, token, QCD_TOKEN_LEN - 1);
	forge(f, &f->left, s, IKE_FLAG_RESPONSE, N_QCD_TOKEN, token, QCD_TOKEN_LEN + 1);
	forge(f, &f->left, s, IKE_FLAG_RESPONSE, N_QCD_TOKEN, NULL, 0);
	fixture_run_ms(f, 100);
	assert_null(side_last(&f->left, ENG_DOWN));
	/* The true one, as a control. */
	forge(f, &f->left, s, IKE_FLAG_RESPONSE, N_QCD_TOKEN, token, QCD_TOKEN_LEN);
	fixture_run_ms(f, 100);
	assert_non_null(side_last(&f->left, ENG_DOWN));
	fixture_free(f);
}

/* No token is made for an IKE SA that lives, whatever the header claims. */
static void no_token_of_a_living_one(void **state)
{
	static const uint8_t flags[] = { 0, IKE_FLAG_INITIATOR };
	struct fixture *f = up(true);
	struct session *s = session_of(&f->right);

	for (unsigned i = 0; i < 4; i++) {
		struct datagram d = { .src = { f->left.addr, IKE_PORT },
				      .dst = { f->right.addr, IKE_PORT },
				      .len = 100 };

		memcpy(d.bytes, s->spi_i, IKE_SPI_LEN);
		memcpy(d.bytes + 8, s->spi_r, IKE_SPI_LEN);
		d.bytes[0] ^= i & 1; /* ours is enough to know it by */
		d.bytes[16] = PLD_SK;
		d.bytes[17] = IKE_VERSION;
		d.bytes[18] = XCHG_INFORMATIONAL;
		d.bytes[19] = flags[i / 2];
		d.bytes[27] = 100;
		mocknet_inject(&f->net, &d);
	}
	assert_int_equal(counters(&f->right)->clear_sent, 0);
	fixture_free(f);
}

static void hints_are_only_hints(void **state)
{
	struct fixture *f = up(true);
	struct session *s = session_of(&f->left);
	unsigned since = f->net.n_log;

	for (unsigned i = 0; i < 30; i++)
		forge(f, &f->left, s, IKE_FLAG_RESPONSE, N_INVALID_IKE_SPI, NULL, 0);
	fixture_run_ms(f, 100);
	for (unsigned i = 0; i < 30; i++)
		forge(f, &f->left, s, IKE_FLAG_RESPONSE, N_INVALID_IKE_SPI, NULL, 0);
	fixture_run_ms(f, 2000);
	/* One liveness check, answered. */
	assert_int_equal(net_count(f, &f->left, XCHG_INFORMATIONAL, false, since), 1);
	assert_int_equal(net_count(f, &f->right, XCHG_INFORMATIONAL, true, since), 1);
	assert_null(side_last(&f->left, ENG_DOWN));
	fixture_run_ms(f, HINT_EACH_MS);
	forge(f, &f->left, s, IKE_FLAG_RESPONSE, N_INVALID_IKE_SPI, NULL, 0);
	fixture_run_ms(f, 100);
	assert_int_equal(net_count(f, &f->left, XCHG_INFORMATIONAL, false, since), 2);
	fixture_free(f);
}

static void invalid_spi(void **state)
{
	struct fixture *f = up(true);
	struct session none = { .spi_i = { 1 }, .spi_r = { 2 } };
	uint32_t out = side_last(&f->left, ENG_CHILD_UP)->ev.pair.spi_out;
	uint8_t spi[4] = { (uint8_t)(out >> 24), (uint8_t)(out >> 16), (uint8_t)(out >> 8),
			   (uint8_t)out };
	unsigned since = f->net.n_log;

	/* Not one that we use, nor from somewhere else. */
	spi[3] ^= 1;
	forge(f, &f->left, &none, 0, N_INVALID_SPI, spi, 4);
	spi[3] ^= 1;
	forge(f, &f->left, &none, 0, N_INVALID_SPI, spi, 3);
	f->right.addr.bytes[3] ^= 1;
	forge(f, &f->left, &none, 0, N_INVALID_SPI, spi, 4);
	f->right.addr.bytes[3] ^= 1;
	fixture_run_ms(f, 100);
	assert_int_equal(f->net.n_log, since);
	for (unsigned i = 0; i < 20; i++)
		forge(f, &f->left, &none, 0, N_INVALID_SPI, spi, 4);
	fixture_run_ms(f, 100);
	assert_int_equal(net_count(f, &f->left, XCHG_INFORMATIONAL, false, since), 1);
	assert_null(side_last(&f->left, ENG_DOWN));
	assert_null(side_last(&f->left, ENG_CHILD_DOWN));
	assert_int_equal(f->left.kernel.n_sas, 2);
	fixture_free(f);
}

/* ---- what we say in clear ---- */

static struct datagram stranger(struct fixture *f, uint8_t version, uint8_t flags, size_t len)
{
	struct datagram d = { .src = { f->left.addr, IKE_PORT },
			      .dst = { f->right.addr, IKE_PORT },
			      .len = len };

	memset(d.bytes, 0x77, 16);
	d.bytes[16] = PLD_SK;
	d.bytes[17] = version;
	d.bytes[18] = XCHG_INFORMATIONAL;
	d.bytes[19] = flags;
	d.bytes[27] = (uint8_t)len;
	return d;
}

/* The answer's length, 0 = none. */
static size_t answer_to(struct fixture *f, struct datagram d)
{
	unsigned since = f->net.n_log;

	mocknet_inject(&f->net, &d);
	if (f->net.n_log == since)
		return 0;
	assert_int_equal(f->net.n_log, since + 1);
	assert_true(datagram_is_response(f->net.log[since]));
	return f->net.log[since]->len;
}

static void never_longer_than_what_came(void **state)
{
	struct fixture *f = up(true);

	for (size_t len = 28; len < 100; len++) {
		fixture_run_ms(f, 1000);
		assert_true(answer_to(f, stranger(f, IKE_VERSION, IKE_FLAG_INITIATOR, len)) <= len);
	}
	assert_int_equal(answer_to(f, stranger(f, IKE_VERSION, IKE_FLAG_INITIATOR, 99)), 60);
	assert_int_equal(answer_to(f, stranger(f, IKE_VERSION, IKE_FLAG_INITIATOR, 59)), 36);
	assert_int_equal(answer_to(f, stranger(f, IKE_VERSION, IKE_FLAG_INITIATOR, 35)), 0);
	/* Answers are not answered. */
	assert_int_equal(answer_to(f, stranger(f, IKE_VERSION, IKE_FLAG_RESPONSE, 99)), 0);
	fixture_free(f);
}

static void a_flood_is_not_mirrored(void **state)
{
	struct fixture *f = up(true);
	uint64_t before = counters(&f->right)->clear_sent;

	for (unsigned i = 0; i < 1000; i++)
		answer_to(f, stranger(f, IKE_VERSION, IKE_FLAG_INITIATOR, 99));
	assert_int_equal(counters(&f->right)->clear_sent - before, CLEAR_PER_SECOND);
	fixture_free(f);
}

/* RFC 7296 §2.5 */
static void versions(void **state)
{
	struct fixture *f = up(true);
	unsigned at = f->net.n_log;

	assert_int_equal(answer_to(f, stranger(f, 0x30, IKE_FLAG_INITIATOR, 99)), 36);
	assert_int_equal(f->net.log[at]->bytes[17], IKE_VERSION);
	assert_int_equal(f->net.log[at]->bytes[35], N_INVALID_MAJOR_VERSION);
	assert_int_equal(answer_to(f, stranger(f, 0x30, IKE_FLAG_RESPONSE, 99)), 0);
	assert_int_equal(answer_to(f, stranger(f, 0x10, IKE_FLAG_INITIATOR, 99)), 0);
	/* A minor version is nobody's concern. */
	assert_int_equal(answer_to(f, stranger(f, 0x21, IKE_FLAG_INITIATOR, 99)), 60);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_responder_restarts),
		cmocka_unit_test(the_initiator_restarts),
		cmocka_unit_test(a_request_finds_out),
		cmocka_unit_test(no_proof),
		cmocka_unit_test(a_false_token),
		cmocka_unit_test(no_token_of_a_living_one),
		cmocka_unit_test(hints_are_only_hints),
		cmocka_unit_test(invalid_spi),
		cmocka_unit_test(never_longer_than_what_came),
		cmocka_unit_test(a_flood_is_not_mirrored),
		cmocka_unit_test(versions),
	};

	return cmocka_run_group_tests_name("ike recovery", tests, NULL, NULL);
}
