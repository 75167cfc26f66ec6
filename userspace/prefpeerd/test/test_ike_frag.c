// SPDX-License-Identifier: GPL-2.0-or-later
/* IKE fragmentation (RFC 7383): by itself, and between two engines over a bad network. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_fixture.h"

#define SMALL_MTU 220
#define SMALL_MAX (SMALL_MTU - 28)

static const struct engine_settings small = { .frag = { .mtu = SMALL_MTU } };
static const struct engine_settings large = { .frag = { .mtu = 1400 } };
static const struct engine_settings off = { .frag = { .off = true } };

/* ---- cutting, and putting together ---- */

static struct ike_dir_keys keys = { .a = "integrity", .e = "encryption", .p = "pad" };

static const struct msg_cipher gcm = { ENCR_AES_GCM_16, 256, INTEG_NONE, &keys };
static const struct msg_cipher cbc = { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128, &keys };

struct cut {
	uint8_t *bytes;
	size_t len;
	unsigned n;
};

/* A message of one nonce payload with @text bytes, in datagrams of at most @max. */
static struct cut cut(const struct msg_cipher *c, size_t text, size_t max)
{
	struct ike_header h = { .exchange = XCHG_IKE_AUTH, .id = 1 };
	uint64_t counter = 0;
	struct msg_out m;
	struct cut out = { 0 };
	size_t n;

	msg_begin_sk(&m, &h, c);
	msg_payload_begin(&m, PLD_NONCE);
	for (size_t i = 0; i < text; i++)
		wtr_u8(&m.w, (uint8_t)(i * 7));
	msg_payload_end(&m);
	assert_int_equal(frag_seal(&m, c, &counter, max, &out.bytes, &out.len), 0);
	for (size_t off_ = 0; (n = frag_next(out.bytes, out.len, off_)); off_ += n) {
		assert_true(n <= max);
		out.n++;
	}
	return out;
}

/* The i-th datagram, in a buffer of its own: opening decrypts in place. */
static size_t datagram_of(const struct cut *c, unsigned i, uint8_t *out)
{
	size_t off_ = 0;

	while (i--)
		off_ += frag_next(c->bytes, c->len, off_);
	memcpy(out, c->bytes + off_, frag_next(c->bytes, c->len, off_));
	return frag_next(c->bytes, c->len, off_);
}

static enum frag_fate take(struct reassembly **r, const struct msg_cipher *c, const struct cut *from,
			   unsigned i)
{
	uint8_t buf[MSG_OUT_MAX];
	size_t len = datagram_of(from, i, buf);

	return frag_take(r, c, 1, buf, len);
}

static void assert_message(const struct reassembly *r, size_t text)
{
	static uint8_t buf[MSG_IN_MAX];
	struct payloads p;

	assert_int_equal(frag_message(r, buf, &p), 0);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.list[0].type, PLD_NONCE);
	assert_int_equal(p.list[0].len, text);
	for (size_t i = 0; i < text; i++)
		assert_int_equal(p.list[0].body[i], (uint8_t)(i * 7));
}

static void check_any_order(const struct msg_cipher *c, size_t text, size_t max)
{
	struct cut x = cut(c, text, max);
	struct reassembly *r = NULL;

	assert_true(x.n > 1);
	for (unsigned i = x.n; i-- > 1;) {
		assert_int_equal(take(&r, c, &x, i), FRAG_KEPT);
		assert_int_equal(take(&r, c, &x, i), FRAG_REPLAY);
	}
	assert_int_equal(take(&r, c, &x, 0), FRAG_WHOLE);
	assert_message(r, text);
	frag_drop(&r);
	free(x.bytes);
}

static void every_length_in_any_order(void **state)
{
	for (size_t text = 200; text < 300; text++) {
		check_any_order(&gcm, text, 160);
		check_any_order(&cbc, text, 160);
	}
	check_any_order(&gcm, 3000, 110);
}

static void short_ones_stay_whole(void **state)
{
	struct cut x = cut(&gcm, 64, 548);

	assert_int_equal(x.n, 1);
	assert_int_equal(x.bytes[16], PLD_SK);
	free(x.bytes);
}

static void no_room_is_no_reason_for_dust(void **state)
{
	struct ike_header h = { .exchange = XCHG_IKE_AUTH, .id = 1 };
	uint64_t counter = 0;
	struct msg_out m;
	uint8_t *bytes;
	size_t len;

	msg_begin_sk(&m, &h, &gcm);
	put_nonce(&m, keys.e, 60);
	assert_int_equal(frag_seal(&m, &gcm, &counter, 40, &bytes, &len), 0);
	assert_int_equal(counter, 3);
	free(bytes);
}

static void a_finer_cut_replaces_and_a_coarser_is_passed_over(void **state)
{
	struct cut coarse = cut(&gcm, 600, 400), fine = cut(&gcm, 600, 200);
	struct reassembly *r = NULL;

	assert_true(fine.n > coarse.n);
	assert_int_equal(take(&r, &gcm, &coarse, 0), FRAG_KEPT);
	assert_int_equal(take(&r, &gcm, &fine, 1), FRAG_KEPT);
	assert_int_equal(frag_total(r), fine.n);
	assert_int_equal(take(&r, &gcm, &coarse, 1), FRAG_REPLAY);
	assert_int_equal(take(&r, &gcm, &fine, 0), FRAG_KEPT);
	for (unsigned i = 2; i < fine.n; i++)
		assert_int_equal(take(&r, &gcm, &fine, i),
				 i + 1 == fine.n ? FRAG_WHOLE : FRAG_KEPT);
	assert_message(r, 600);
	frag_drop(&r);
	free(coarse.bytes);
	free(fine.bytes);
}

static void what_is_not_authentic_changes_nothing(void **state)
{
	struct cut x = cut(&gcm, 600, 200);
	struct reassembly *r = NULL;
	uint8_t buf[MSG_OUT_MAX];
	size_t len;

	/* Nothing is kept for a forger, */
	for (size_t at = 0; at < datagram_of(&x, 1, buf); at++) {
		len = datagram_of(&x, 1, buf);
		buf[at] ^= 1;
		if (frag_take(&r, &gcm, 1, buf, len) == FRAG_KEPT)
			fail_msg("byte %zu is not protected", at);
		assert_null(r);
	}
	/* and he does not throw away what is there: a greater total that nobody signed. */
	assert_int_equal(take(&r, &gcm, &x, 0), FRAG_KEPT);
	len = datagram_of(&x, 1, buf);
	buf[35] = 200;
	assert_int_equal(frag_take(&r, &gcm, 1, buf, len), FRAG_BAD_ICV);
	for (unsigned i = 1; i < x.n; i++)
		assert_int_equal(take(&r, &gcm, &x, i), i + 1 == x.n ? FRAG_WHOLE : FRAG_KEPT);
	frag_drop(&r);
	free(x.bytes);
}

/* Signed by a peer that has the keys, and senseless all the same. */
static enum frag_fate take_claim(struct reassembly **r, uint16_t number, uint16_t total, size_t text)
{
	static const uint8_t bytes[4000];
	struct ike_header h = { .exchange = XCHG_IKE_AUTH, .id = 1 };
	struct fragment f = { .number = number, .total = total, .first = PLD_NONCE };
	static uint64_t counter;
	struct msg_out m;

	msg_begin_skf(&m, &h, &gcm, &f);
	wtr_bytes(&m.w, bytes, text);
	assert_int_equal(msg_seal(&m, &gcm, &counter), 0);
	return frag_take(r, &gcm, 1, m.buf, m.w.len);
}

static void bounds(void **state)
{
	struct reassembly *r = NULL;
	unsigned n = 0;

	assert_int_equal(take_claim(&r, 0, 3, 10), FRAG_BAD_ICV);
	assert_int_equal(take_claim(&r, 1, 0, 10), FRAG_BAD_ICV);
	assert_int_equal(take_claim(&r, 4, 3, 10), FRAG_BAD_ICV);
	assert_int_equal(take_claim(&r, 1, FRAGS_MAX + 1, 10), FRAG_TOO_MANY);
	assert_int_equal(take_claim(&r, 65535, 65535, 10), FRAG_TOO_MANY);
	assert_null(r);
	while (take_claim(&r, (uint16_t)(n + 1), FRAGS_MAX, 4000) == FRAG_KEPT)
		n++;
	assert_int_equal(n, MSG_IN_MAX / 4000);
	frag_drop(&r);
}

static void empty_fragments_are_a_malformed_message(void **state)
{
	static uint8_t buf[MSG_IN_MAX];
	struct reassembly *r = NULL;
	struct payloads p;

	assert_int_equal(take_claim(&r, 2, 2, 0), FRAG_KEPT);
	assert_int_equal(take_claim(&r, 1, 2, 0), FRAG_WHOLE);
	assert_int_equal(frag_message(r, buf, &p), -EINVAL);
	frag_drop(&r);
}

/* ---- between two engines ---- */

struct path {
	struct fixture *f;
	size_t max;		/* longer datagrams are lost; 0 = none */
	unsigned drop, corrupt; /* the n-th fragment on the path, 1..; 0 = none */
	bool only_right;	/* count those of right only */
	enum mock_fate fate;	/* of all fragments */
	enum mock_fate first;	/* of fragments number 1 */
	unsigned seen;
};

static bool is_fragment(const struct datagram *d)
{
	return d->len > 36 && d->bytes[16] == PLD_SKF;
}

static enum mock_fate on_path(void *ctx, struct datagram *d)
{
	struct path *p = ctx;

	if (p->max && d->len > p->max)
		return MOCK_DROP;
	if (!is_fragment(d) || (p->only_right && !addr_equal(&d->src.addr, &p->f->right.addr)))
		return MOCK_PASS;
	p->seen++;
	if (p->seen == p->drop)
		return MOCK_DROP;
	if (p->seen == p->corrupt)
		d->bytes[d->len - 1] ^= 1;
	if (p->first != MOCK_PASS && d->bytes[33] == 1)
		return p->first;
	return p->fate;
}

static struct path new_path(const struct engine_settings *left, const struct engine_settings *right)
{
	struct path p = { .f = fixture_new(AF_INET) };

	p.f->left.engine->ops->configure(p.f->left.engine->impl, left);
	p.f->right.engine->ops->configure(p.f->right.engine->impl, right);
	return p;
}

static bool come_up(struct path *p)
{
	p->f->net.filter = on_path;
	p->f->net.filter_ctx = p;
	return fixture_up(p->f);
}

static unsigned fragments(const struct fixture *f, const struct side *from, unsigned since)
{
	unsigned n = 0;

	for (unsigned i = since; i < f->net.n_log; i++) {
		const struct datagram *d = f->net.log[i];

		n += addr_equal(&d->src.addr, &from->addr) && is_fragment(d);
	}
	return n;
}

static const struct ike_counters *counters(const struct side *s)
{
	return engine_ike_counters(s->engine);
}

static void assert_one_each(const struct fixture *f)
{
	assert_int_equal(side_count(&f->left, ENG_CHILD_UP), 1);
	assert_int_equal(side_count(&f->right, ENG_CHILD_UP), 1);
	assert_int_equal(side_count(&f->right, ENG_INBOUND), 1);
	assert_int_equal(f->left.kernel.n_sas, 2);
	assert_int_equal(f->right.kernel.n_sas, 2);
}

static void both_directions(void **state)
{
	struct path p = new_path(&small, &small);

	assert_true(come_up(&p));
	assert_one_each(p.f);
	assert_true(fragments(p.f, &p.f->left, 0) >= 2);
	assert_true(fragments(p.f, &p.f->right, 0) >= 2);
	for (unsigned i = 0; i < p.f->net.n_log; i++)
		if (is_fragment(p.f->net.log[i]))
			assert_true(p.f->net.log[i]->len <= SMALL_MAX);
	assert_int_equal(counters(&p.f->left)->fragments, fragments(p.f, &p.f->right, 0));
	assert_int_equal(counters(&p.f->right)->fragments, fragments(p.f, &p.f->left, 0));
	assert_int_equal(counters(&p.f->right)->bad_icv, 0);
	fixture_free(p.f);
}

static void each_suite(void **state)
{
	for (unsigned i = 0; i < IKE_CIPHERS_MAX && ike_offer_all.ciphers[i].encr; i++) {
		struct ike_offer o = { .ciphers = { ike_offer_all.ciphers[i] },
				       .prfs = { PRF_HMAC_SHA2_256 },
				       .groups = { DH_X25519 } };
		struct path p;

		fixture_right_offer = &o;
		p = new_path(&small, &small);
		assert_true(come_up(&p));
		assert_true(fragments(p.f, &p.f->left, 0) >= 2);
		fixture_free(p.f);
	}
	fixture_right_offer = NULL;
}

static void only_where_both_know_it(void **state)
{
	struct path p = new_path(&small, &off);

	assert_true(come_up(&p));
	assert_int_equal(fragments(p.f, &p.f->left, 0), 0);
	fixture_free(p.f);
	p = new_path(&off, &small);
	assert_true(come_up(&p));
	assert_int_equal(fragments(p.f, &p.f->left, 0), 0);
	assert_int_equal(fragments(p.f, &p.f->right, 0), 0);
	fixture_free(p.f);
}

/* Any one of them gets lost: all are sent again, and it comes up once. */
static void a_lost_fragment(void **state)
{
	struct path p = new_path(&small, &small);
	unsigned all;

	assert_true(come_up(&p));
	all = p.seen;
	fixture_free(p.f);
	for (unsigned n = 1; n <= all; n++) {
		p = new_path(&small, &small);
		p.drop = n;
		assert_true(come_up(&p));
		assert_true(p.seen > all);
		assert_one_each(p.f);
		fixture_free(p.f);
	}
}

static void a_corrupt_fragment(void **state)
{
	struct path p = new_path(&small, &small);

	p.corrupt = 2;
	assert_true(come_up(&p));
	assert_one_each(p.f);
	assert_int_equal(counters(&p.f->right)->bad_icv, 1);
	fixture_free(p.f);
}

static void each_fragment_twice(void **state)
{
	struct path p = new_path(&small, &small);

	p.fate = MOCK_TWICE;
	assert_true(come_up(&p));
	assert_one_each(p.f);
	assert_true(counters(&p.f->right)->fragments_dropped > 0);
	assert_int_equal(counters(&p.f->right)->bad_icv, 0);
	/* Fragment 1 came again before the message was complete: nothing was answered twice. */
	assert_int_equal(counters(&p.f->right)->repeats, 0);
	fixture_free(p.f);
}

static void the_first_one_last(void **state)
{
	struct path p = new_path(&small, &small);

	p.first = MOCK_LATE;
	assert_true(come_up(&p));
	assert_one_each(p.f);
	fixture_free(p.f);
}

/* All fragments of a repeated request are one repetition: answered once. */
static void a_lost_response(void **state)
{
	struct path p = new_path(&small, &small);
	unsigned each;

	assert_true(come_up(&p));
	each = fragments(p.f, &p.f->right, 0);
	fixture_free(p.f);
	p = new_path(&small, &small);
	p.only_right = true;
	p.drop = 1;
	assert_true(come_up(&p));
	assert_one_each(p.f);
	assert_int_equal(counters(&p.f->right)->repeats, 1);
	assert_int_equal(fragments(p.f, &p.f->right, 0), 2 * each);
	fixture_free(p.f);
}

/* A path that carries less than was configured: found out by silence. */
static void long_identities(struct fixture *f)
{
	f->to_right.local_id = (struct ike_id){ .type = IKE_ID_KEY_ID, .len = 200 };
	memset(f->to_right.local_id.data, 'x', 200);
	f->to_right.remote_id = (struct ike_id){ .type = IKE_ID_KEY_ID, .len = 201 };
	memset(f->to_right.remote_id.data, 'y', 201);
	f->to_left.local_id = f->to_right.remote_id;
	f->to_left.remote_id = f->to_right.local_id;
	f->left.engine->ops->remote_set(f->left.engine->impl, &f->to_right);
	f->right.engine->ops->remote_set(f->right.engine->impl, &f->to_left);
}

static void a_path_too_narrow_for_requests(void **state)
{
	struct path p = new_path(&large, &large);

	long_identities(p.f);
	p.max = FRAG_MTU_IPV4 - 28;
	assert_true(come_up(&p));
	assert_one_each(p.f);
	assert_true(fragments(p.f, &p.f->left, 0) >= 2);
	fixture_free(p.f);
}

/* Longer than any answer of ours is without certificates. */
static void answer_at_length(struct session *s, const struct datagram *request)
{
	struct chunk whole = { request->bytes, request->len };
	struct msg_out m;

	reply_begin(s, XCHG_INFORMATIONAL, &m);
	for (int i = 0; i < 20; i++)
		put_notify(&m, 40000, keys.e, 32);
	assert_int_equal(crypto_sha256(&whole, 1, s->rs.request_hash), 0);
	s->rs.request_total = 1;
	reply_send(s, &m);
}

/* A path too narrow for an answer: the request comes again and again. */
static void a_path_too_narrow_for_responses(void **state)
{
	struct path p = new_path(&large, &large);
	struct datagram d = { .len = 60 };
	struct session *s;
	unsigned since;

	assert_true(come_up(&p));
	s = ((struct ike *)p.f->right.engine->impl)->sessions;
	d.src = s->peer;
	d.dst = s->local;
	memcpy(d.bytes, s->spi_i, 8);
	memcpy(d.bytes + 8, s->spi_r, 8);
	d.bytes[16] = PLD_SK;
	d.bytes[17] = IKE_VERSION;
	d.bytes[18] = XCHG_INFORMATIONAL;
	d.bytes[19] = IKE_FLAG_INITIATOR;
	d.bytes[23] = (uint8_t)s->next_in;
	d.bytes[27] = 60;
	since = p.f->net.n_log;
	answer_at_length(s, &d);
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(p.f->net.n_log - since, i < 3 ? i : 2 + 2);
		fixture_run_ms(p.f, 200);
		mocknet_inject(&p.f->net, &d);
	}
	assert_int_equal(fragments(p.f, &p.f->right, since), 4);
	fixture_free(p.f);
}

/* The peer cuts finer what was answered already: the answer comes again, finer too. */
static void a_request_cut_finer_is_a_repetition(void **state)
{
	struct path p = new_path(&large, &large);
	struct session *s;
	struct ike_header h = { .exchange = XCHG_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR };
	struct msg_cipher c;
	struct datagram d = { 0 };
	struct msg_out m;
	uint8_t *bytes;
	size_t len, max[] = { 1400, 150, 100 };

	assert_true(come_up(&p));
	s = ((struct ike *)p.f->left.engine->impl)->sessions;
	c = session_cipher(s, true);
	h.id = s->next_out;
	memcpy(h.spi_i, s->spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, s->spi_r, IKE_SPI_LEN);
	msg_begin_sk(&m, &h, &c);
	for (int i = 0; i < 6; i++)
		put_notify(&m, 40000, keys.e, 32);
	for (unsigned i = 0; i < 3; i++) {
		unsigned since = p.f->net.n_log;

		assert_int_equal(frag_seal(&m, &c, &s->iv_counter, max[i], &bytes, &len), 0);
		d.src = s->local;
		d.dst = s->peer;
		for (size_t at = 0; (d.len = frag_next(bytes, len, at)); at += d.len) {
			memcpy(d.bytes, bytes + at, d.len);
			mocknet_carry(&p.f->net, &d);
		}
		free(bytes);
		fixture_run_ms(p.f, 200);
		assert_int_equal(net_count(p.f, &p.f->right, XCHG_INFORMATIONAL, true, since), 1);
	}
	assert_int_equal(counters(&p.f->right)->repeats, 2);
	fixture_free(p.f);
}

/* A stranger's fragments leave nothing behind. */
static void nothing_is_kept_before_it_is_authentic(void **state)
{
	struct path p = new_path(&small, &small);
	struct session *s;
	struct datagram d = { .len = 100 };

	assert_true(come_up(&p));
	s = ((struct ike *)p.f->right.engine->impl)->sessions;
	d.src = s->peer;
	d.dst = s->local;
	memcpy(d.bytes, s->spi_i, 8);
	memcpy(d.bytes + 8, s->spi_r, 8);
	d.bytes[16] = PLD_SKF;
	d.bytes[17] = IKE_VERSION;
	d.bytes[18] = XCHG_INFORMATIONAL;
	d.bytes[19] = IKE_FLAG_INITIATOR;
	d.bytes[23] = (uint8_t)s->next_in;
	d.bytes[27] = 100;
	d.bytes[31] = 72;
	d.bytes[35] = 200;
	for (unsigned i = 1; i <= 200; i++) {
		d.bytes[33] = (uint8_t)i;
		mocknet_inject(&p.f->net, &d);
	}
	assert_null(s->frag.request);
	assert_int_equal(counters(&p.f->right)->bad_icv, 200);
	fixture_free(p.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_in_any_order),
		cmocka_unit_test(short_ones_stay_whole),
		cmocka_unit_test(no_room_is_no_reason_for_dust),
		cmocka_unit_test(a_finer_cut_replaces_and_a_coarser_is_passed_over),
		cmocka_unit_test(what_is_not_authentic_changes_nothing),
		cmocka_unit_test(bounds),
		cmocka_unit_test(empty_fragments_are_a_malformed_message),
		cmocka_unit_test(both_directions),
		cmocka_unit_test(each_suite),
		cmocka_unit_test(only_where_both_know_it),
		cmocka_unit_test(a_lost_fragment),
		cmocka_unit_test(a_corrupt_fragment),
		cmocka_unit_test(each_fragment_twice),
		cmocka_unit_test(the_first_one_last),
		cmocka_unit_test(a_lost_response),
		cmocka_unit_test(a_path_too_narrow_for_requests),
		cmocka_unit_test(a_path_too_narrow_for_responses),
		cmocka_unit_test(a_request_cut_finer_is_a_repetition),
		cmocka_unit_test(nothing_is_kept_before_it_is_authentic),
	};

	return cmocka_run_group_tests_name("ike frag", tests, NULL, NULL);
}
