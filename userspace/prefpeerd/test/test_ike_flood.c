// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What strangers can make the engine do, counted: allocations and bytes of our own
 * code, Diffie-Hellman operations, messages and bytes sent. A real engine over a net
 * that only counts; nothing about time is asserted, but everything that takes it.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/log.h"
#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/fake_kernel.h"
#include "prefpeerd/test/ike_fixture.h"

/* ---- what is counted (ld --wrap) ---- */

static struct {
	size_t live;	  /* bytes allocated and not freed */
	unsigned n_alloc; /* allocations */
	unsigned n_dh;	  /* private values drawn, each the cost of a handshake */
} cost;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *p);
struct crypto_dh *__real_crypto_dh_new(enum ike_dh group);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *p);
struct crypto_dh *__wrap_crypto_dh_new(enum ike_dh group);

static void *counted(void *p)
{
	cost.n_alloc++;
	cost.live += malloc_usable_size(p);
	return p;
}

void *__wrap_malloc(size_t n)
{
	return counted(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return counted(__real_calloc(n, size));
}

void __wrap_free(void *p)
{
	cost.live -= malloc_usable_size(p);
	__real_free(p);
}

struct crypto_dh *__wrap_crypto_dh_new(enum ike_dh group)
{
	cost.n_dh++;
	return __real_crypto_dh_new(group);
}

/* ---- the victim ---- */

struct victim {
	struct engine *engine;
	struct fake_clock clock;
	struct fake_kernel kernel;
	struct endpoint local;
	unsigned n_sent;
	size_t in, out; /* bytes */
	uint8_t last[MSG_OUT_MAX];
	size_t last_len;
	uint8_t big[MSG_IN_MAX];
};

static int count_sent(void *ctx, const struct endpoint *local, const struct endpoint *peer,
		      const uint8_t *bytes, size_t len)
{
	struct victim *v = ctx;

	v->n_sent++;
	v->out += len;
	memcpy(v->last, bytes, len);
	v->last_len = len;
	return 0;
}

static void no_keepalive(void *ctx, const struct endpoint *local, const struct endpoint *peer) {}

static void no_event(void *ctx, const struct engine_event *ev, mono_t now) {}

static struct ike *ike_of(const struct victim *v)
{
	return v->engine->impl;
}

static struct victim *victim_new(void)
{
	static const struct ike_net_ops net = { count_sent, no_keepalive };
	struct victim *v = calloc(1, sizeof(*v));

	log_init(LOG_LVL_ERR);
	fake_clock_init(&v->clock);
	fake_kernel_init(&v->kernel);
	v->engine = engine_ike_new(&(struct ike_env){ .timers = v->clock.timers,
						      .kernel = v->kernel.port,
						      .net = &net,
						      .net_ctx = v,
						      .now = fake_clock_now,
						      .now_ctx = &v->clock });
	v->engine->ops->start(v->engine->impl, no_event, v);
	addr_parse("10.0.0.2", &v->local.addr);
	v->local.port = IKE_PORT;
	fake_clock_settle(&v->clock);
	memset(&cost, 0, sizeof(cost));
	return v;
}

static void victim_free(struct victim *v)
{
	engine_ike_free(v->engine);
	fake_clock_fini(&v->clock);
	free(v);
}

/* Stranger @n: each in a network of his own, so that limits per source do not hide the others. */
static struct endpoint stranger(unsigned n)
{
	struct endpoint e = { .port = IKE_PORT };

	addr_parse("11.0.0.1", &e.addr);
	e.addr.bytes[1] = (uint8_t)(n >> 8);
	e.addr.bytes[2] = (uint8_t)n;
	return e;
}

static void give(struct victim *v, const struct endpoint *from, const void *bytes, size_t len)
{
	v->last_len = 0;
	v->in += len;
	engine_ike_input(v->engine, &v->local, from, bytes, len, v->clock.now);
}

static void give_message(struct victim *v, const struct endpoint *from, struct msg_out *m)
{
	assert_int_equal(msg_end(m), 0);
	give(v, from, m->buf, m->w.len);
}

/* ---- IKE_SA_INIT by hand ---- */

struct init {
	unsigned n;	     /* SPIi */
	struct chunk cookie; /* to be returned */
	size_t pad;	     /* bytes of a vendor ID */
	size_t nonce;
};

static void init_begin(struct msg_out *m, unsigned n)
{
	struct ike_header h = { .exchange = XCHG_IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR };

	h.spi_i[0] = 1;
	memcpy(h.spi_i + 4, &n, sizeof(n));
	msg_begin(m, &h);
}

static void init_build(struct msg_out *m, const struct init *in)
{
	static const uint8_t bytes[MSG_OUT_MAX] = { 9, 8, 7 };

	init_begin(m, in->n);
	if (in->cookie.len)
		put_notify(m, N_COOKIE, in->cookie.p, in->cookie.len);
	put_sa_ike_choice(m, 1, &(struct ike_suite){ ENCR_AES_GCM_16, 256, INTEG_NONE, PRF_HMAC_SHA2_256, DH_X25519 }, NULL);
	put_ke(m, DH_X25519, bytes, 32);
	put_nonce(m, bytes, in->nonce ? in->nonce : 32);
	if (!in->pad)
		return;
	msg_payload_begin(m, PLD_VENDOR);
	wtr_bytes(&m->w, bytes, in->pad);
	msg_payload_end(m);
}

/* Long enough that it need not be told to come back with a cookie. */
#define AMPLE 200

static void flood(struct victim *v, unsigned n, unsigned from)
{
	for (unsigned i = 0; i < n; i++) {
		struct endpoint e = stranger(from + i);
		struct msg_out m;

		init_build(&m, &(struct init){ .n = from + i, .pad = AMPLE });
		give_message(v, &e, &m);
	}
}

/* The cookie of the last answer. */
static bool cookie_of(const struct victim *v, uint8_t out[COOKIE_LEN])
{
	struct payloads p;
	struct ike_header h;
	struct pld_notify n;

	if (!v->last_len || ike_header_parse(v->last, v->last_len, &h) ||
	    payloads_parse(h.next, v->last + IKE_HEADER_LEN, v->last_len - IKE_HEADER_LEN, &p) ||
	    !payloads_notify(&p, N_COOKIE, &n) || n.data.len != COOKIE_LEN)
		return false;
	memcpy(out, n.data.p, COOKIE_LEN);
	return true;
}

/* ---- floods ---- */

/* Bytes that a half-open IKE SA may take: an IKE_SA_INIT of its peer's and ours in it. */
#define HALF_OPEN_BYTES 8192

static void half_open_flood(void **state)
{
	struct victim *v = victim_new();

	flood(v, 20000, 0);
	assert_int_equal(cost.n_dh, HALF_OPEN_COOKIES);
	assert_int_equal(ike_of(v)->half_open.n, HALF_OPEN_COOKIES);
	assert_int_equal(ike_of(v)->counters.cookies, 20000 - HALF_OPEN_COOKIES);
	assert_true(cost.live < HALF_OPEN_COOKIES * HALF_OPEN_BYTES);
	assert_true(v->out <= v->in);
	/* And all of it is given back. */
	fake_clock_run_ms(&v->clock, HALF_OPEN_MS + 1);
	assert_int_equal(ike_of(v)->half_open.n, 0);
	assert_int_equal(cost.live, 0);
	victim_free(v);
}

/* Whoever is not at the address that he writes gets a cookie, and leaves nothing behind. */
static void cookies_cost_nothing(void **state)
{
	struct victim *v = victim_new();
	size_t live;
	unsigned n_alloc;

	flood(v, HALF_OPEN_COOKIES, 0);
	live = cost.live;
	n_alloc = cost.n_alloc;
	flood(v, 20000, 1000);
	assert_int_equal(cost.live, live);
	assert_int_equal(cost.n_alloc, n_alloc);
	assert_int_equal(cost.n_dh, HALF_OPEN_COOKIES);
	victim_free(v);
}

/* Who has as many addresses as he likes, and returns every cookie. */
static void cookies_exhausted(void **state)
{
	struct victim *v = victim_new();
	unsigned served = 0;

	for (unsigned i = 0; i < 3 * HALF_OPEN_MAX; i++) {
		struct endpoint e = stranger(i);
		uint8_t cookie[COOKIE_LEN];
		struct msg_out m;

		flood(v, 1, i);
		if (!cookie_of(v, cookie)) {
			served++;
			continue;
		}
		init_build(&m, &(struct init){ .n = i, .cookie = { cookie, COOKIE_LEN }, .pad = AMPLE });
		give_message(v, &e, &m);
		served += v->last_len > 0;
	}
	assert_int_equal(served, HALF_OPEN_MAX);
	assert_int_equal(ike_of(v)->half_open.n, HALF_OPEN_MAX);
	assert_int_equal(cost.n_dh, HALF_OPEN_MAX);
	assert_true(cost.live < HALF_OPEN_MAX * HALF_OPEN_BYTES);
	fake_clock_run_ms(&v->clock, HALF_OPEN_MS + 1);
	assert_int_equal(cost.live, 0);
	victim_free(v);
}

/* A cookie is of one address, port, SPI and nonce, and of a time. */
static void cookies_are_of_their_own(void **state)
{
	struct victim *v = victim_new();
	struct endpoint e = stranger(5000), other = stranger(5001);
	struct init in = { .n = 5000, .pad = AMPLE };
	uint8_t cookie[COOKIE_LEN];
	struct msg_out m;

	flood(v, HALF_OPEN_COOKIES, 0);
	flood(v, 1, 5000);
	assert_true(cookie_of(v, cookie));
	in.cookie = (struct chunk){ cookie, COOKIE_LEN };
	init_build(&m, &in);
	give_message(v, &other, &m);
	in.n = 5001;
	init_build(&m, &in);
	give_message(v, &e, &m);
	for (unsigned i = 0; i < COOKIE_LEN; i++) {
		cookie[i] ^= 1;
		in.n = 5000;
		init_build(&m, &in);
		give_message(v, &e, &m);
		cookie[i] ^= 1;
	}
	assert_int_equal(cost.n_dh, HALF_OPEN_COOKIES);
	init_build(&m, &in);
	give_message(v, &e, &m);
	assert_int_equal(cost.n_dh, HALF_OPEN_COOKIES + 1);
	victim_free(v);
}

/* ---- amplification ---- */

/* However short the request is, the answer is not longer; a short one has to bring a cookie. */
static void never_more_than_came(void **state)
{
	struct victim *v = victim_new();
	uint8_t cookie[COOKIE_LEN];
	unsigned asked = 0;

	for (unsigned i = 0; i < 300; i++) {
		struct endpoint e = stranger(i);
		struct msg_out m;

		/* Half-open ones go, so that only the length decides. */
		fake_clock_run_ms(&v->clock, HALF_OPEN_MS + 1);
		init_build(&m, &(struct init){ .n = i, .pad = i, .nonce = 16 });
		give_message(v, &e, &m);
		assert_true(v->last_len > 0);
		assert_true(v->last_len <= m.w.len);
		asked += cookie_of(v, cookie);
		if (!cookie_of(v, cookie))
			continue;
		init_build(&m, &(struct init){ .n = i, .pad = i, .nonce = 16, .cookie = { cookie, COOKIE_LEN } });
		give_message(v, &e, &m);
		/* Now somebody is there. */
		assert_false(cookie_of(v, cookie));
		assert_true(v->last_len > 0);
	}
	assert_in_range(asked, 10, 200);
	victim_free(v);
}

/* Ways to be refused, each in as few bytes as there can be. */
static void refusals_are_short(void **state)
{
	static const uint8_t bytes[64] = { 9 };
	struct victim *v = victim_new();
	struct endpoint e = stranger(1);
	struct msg_out m;

	/* An unknown critical payload and nothing else. */
	init_begin(&m, 1);
	msg_payload_begin(&m, 200);
	wtr_patch_u8(&m.w, m.payload_off + 1, PLD_CRITICAL);
	msg_payload_end(&m);
	give_message(v, &e, &m);
	assert_true(v->last_len <= m.w.len);
	/* No suite of ours. */
	init_begin(&m, 2);
	put_sa_ike_choice(&m, 1, &(struct ike_suite){ 1, 0, 1, 1, 1 }, NULL);
	put_ke(&m, 1, bytes, 1);
	put_nonce(&m, bytes, 16);
	give_message(v, &e, &m);
	assert_in_range(v->last_len, IKE_HEADER_LEN, m.w.len);
	/* A group that is not in what it offers. */
	init_begin(&m, 3);
	put_sa_ike_offer(&m, &ike_offer_all, NULL);
	put_ke(&m, 1, bytes, 1);
	put_nonce(&m, bytes, 16);
	give_message(v, &e, &m);
	assert_in_range(v->last_len, IKE_HEADER_LEN, m.w.len);
	assert_int_equal(cost.n_dh, 0);
	victim_free(v);
}

/* The answer to one request is sent again, but not as often as somebody likes. */
static void repeats_are_seldom(void **state)
{
	struct victim *v = victim_new();
	struct endpoint e = stranger(1);
	struct msg_out m;

	init_build(&m, &(struct init){ .n = 1, .pad = AMPLE });
	give_message(v, &e, &m);
	for (unsigned i = 0; i < 1000; i++) {
		fake_clock_run_ms(&v->clock, 1);
		give(v, &e, m.buf, m.w.len);
	}
	assert_in_range(v->n_sent, 2, 1 + 1000 / RESEND_MIN_MS);
	assert_int_equal(cost.n_dh, 1);
	victim_free(v);
}

/* ---- big ones ---- */

/* Header and SA payload with @n proposals of @transforms each, in v->big; the length. */
static size_t many_proposals(struct victim *v, unsigned n, unsigned transforms)
{
	struct ike_header h = { .spi_i = { 1 }, .next = PLD_SA, .version = IKE_VERSION,
				.exchange = XCHG_IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR };
	struct wtr w;

	wtr_init(&w, v->big, sizeof(v->big));
	wtr_bytes(&w, h.spi_i, 8);
	wtr_bytes(&w, h.spi_r, 8);
	wtr_u8(&w, h.next);
	wtr_u8(&w, h.version);
	wtr_u8(&w, h.exchange);
	wtr_u8(&w, h.flags);
	wtr_u32(&w, 0);
	wtr_u32(&w, 0);
	wtr_u32(&w, (uint32_t)PLD_KE << 24 | (4 + n * (8 + 8 * transforms)));
	for (unsigned i = 0; i < n; i++) {
		wtr_u16(&w, i + 1 < n ? 2 << 8 : 0);
		wtr_u16(&w, (uint16_t)(8 + 8 * transforms));
		wtr_u32(&w, (i & 0xff) << 24 | PROTO_ID_IKE << 16 | transforms);
		for (unsigned t = 0; t < transforms; t++) {
			wtr_u32(&w, (t + 1 < transforms ? 3u << 24 : 0) | 8);
			wtr_u32(&w, (uint32_t)(1 + t % 4) << 24 | (t & 0xff));
		}
	}
	wtr_u32(&w, (uint32_t)PLD_NONCE << 24 | 40);
	wtr_u32(&w, (uint32_t)DH_X25519 << 16);
	memset(wtr_room(&w, 32), 9, 32);
	wtr_u32(&w, 20);
	memset(wtr_room(&w, 16), 8, 16);
	assert_true(wtr_ok(&w));
	wtr_patch_u32(&w, 24, (uint32_t)w.len);
	return w.len;
}

/* As many proposals, or transforms, as a datagram holds: read once, and nothing kept of them. */
static void thousand_proposals(void **state)
{
	static const unsigned shapes[][2] = { { 1000, 1 }, { 1000, 4 }, { 28, 255 }, { 3000, 1 } };
	struct victim *v = victim_new();
	struct endpoint e = stranger(1);

	for (unsigned i = 0; i < 4; i++) {
		size_t len = many_proposals(v, shapes[i][0], shapes[i][1]);

		for (unsigned n = 0; n < 100; n++) {
			v->big[7] = (uint8_t)n;
			give(v, &e, v->big, len);
		}
	}
	assert_int_equal(cost.n_alloc, 0);
	assert_int_equal(cost.n_dh, 0);
	assert_true(v->n_sent <= 400);
	assert_true(v->out <= 400 * (IKE_HEADER_LEN + 8));
	victim_free(v);
}

/* A valid request of the greatest length there is: a constant times that is what it takes. */
static void longest_request(void **state)
{
	struct victim *v = victim_new();
	struct msg_out m;

	for (unsigned i = 0; i < 2 * HALF_OPEN_COOKIES; i++) {
		struct endpoint e = stranger(i);

		init_build(&m, &(struct init){ .n = i, .pad = 15000 });
		give_message(v, &e, &m);
	}
	assert_int_equal(ike_of(v)->half_open.n, HALF_OPEN_COOKIES);
	assert_true(cost.live < HALF_OPEN_COOKIES * (HALF_OPEN_BYTES + 15000));
	victim_free(v);
}

/* Rubbish of every length, under every exchange, as request and response. */
static void rubbish(void **state)
{
	struct victim *v = victim_new();
	struct endpoint e = stranger(1);

	memset(v->big, 0x55, sizeof(v->big));
	for (unsigned i = 0; i < 20000; i++) {
		size_t len = i * 13 % MSG_IN_MAX;

		v->big[17] = i % 7 ? IKE_VERSION : 0x30;
		v->big[18] = (uint8_t)(XCHG_IKE_SA_INIT + i % 5);
		v->big[19] = (uint8_t)(i % 3 ? IKE_FLAG_INITIATOR : IKE_FLAG_RESPONSE);
		v->big[16] = (uint8_t)(PLD_SA + i % 24);
		v->big[24] = v->big[25] = 0;
		v->big[26] = (uint8_t)(len >> 8);
		v->big[27] = (uint8_t)len;
		give(v, &e, v->big, len);
	}
	assert_int_equal(cost.live, 0);
	assert_int_equal(cost.n_dh, 0);
	assert_true(v->n_sent <= CLEAR_PER_SECOND);
	victim_free(v);
}

/* ---- what was heard on the way, said again ---- */

/* Everything that was ever sent, backwards and three times: no SA, no event, no keys move. */
static void replayed_and_reordered(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	const struct ike_counters *n = engine_ike_counters(f->right.engine);
	unsigned added, logged, left_events, right_events;
	uint64_t received;

	assert_true(fixture_up(f));
	for (unsigned i = 0; i < 5; i++) {
		f->left.engine->ops->probe(f->left.engine->impl, 1);
		fixture_run_ms(f, 200);
	}
	added = f->right.kernel.n_added + f->left.kernel.n_added;
	left_events = f->left.n;
	right_events = f->right.n;
	logged = f->net.n_log;
	received = n->received;
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = logged; i-- > 0;) {
			struct datagram d = *f->net.log[i];

			mocknet_inject(&f->net, &d);
		}
	fixture_run_ms(f, 1000);
	assert_true(n->received >= received + 3 * logged / 2);
	assert_int_equal(f->right.kernel.n_added + f->left.kernel.n_added, added);
	assert_int_equal(f->left.n, left_events);
	assert_int_equal(f->right.n, right_events);
	/* The IKE_SA_INIT begins a half-open one, as a stranger's would; the last probe is answered once. */
	assert_in_range(f->net.n_log - logged, 0, 3);
	f->left.engine->ops->probe(f->left.engine->impl, 1);
	fixture_run_ms(f, 200);
	assert_null(side_last(&f->left, ENG_DOWN));
	assert_int_equal(f->left.kernel.n_sas, 2);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_open_flood),
		cmocka_unit_test(cookies_cost_nothing),
		cmocka_unit_test(cookies_exhausted),
		cmocka_unit_test(cookies_are_of_their_own),
		cmocka_unit_test(never_more_than_came),
		cmocka_unit_test(refusals_are_short),
		cmocka_unit_test(repeats_are_seldom),
		cmocka_unit_test(thousand_proposals),
		cmocka_unit_test(longest_request),
		cmocka_unit_test(rubbish),
		cmocka_unit_test(replayed_and_reordered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
