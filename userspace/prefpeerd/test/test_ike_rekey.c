// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rekeying, both roles, and whatever may cross it (RFC 7296 §2.8, §2.25). Tests of
 * what two engines do run a flow in each direction: not one packet of it may be lost.
 *
 * A request comes in …           … while we                the test
 *  §2.8.1 rekey of a child        rekey it                  simultaneous_child_rekey, and
 *                                                           simultaneous_and_a_message_lost,
 *                                                           request_overtaken_by_a_whole_rekey
 *  §2.25.1 rekey of a child       close it                  rekey_of_a_closing_child
 *                                 have rekeyed it           rekey_of_a_replaced_child
 *                                 do not know it            rekey_of_a_deleted_child; and
 *                                                           in test_ike_child rekey_of_an_unknown_child
 *          DELETE of a child      rekey it                  delete_of_a_child_in_rekey
 *                                 close it                  in test_ike_child crossing_deletes,
 *                                                           crossing_delete_is_answered_empty
 *                                 do not know it            delete_of_an_unknown_child
 *  §2.8.2 rekey of the IKE SA     rekey it                  simultaneous_ike_rekey, and
 *                                                           simultaneous_ike_and_a_message_lost,
 *                                                           ike_request_overtaken_by_a_whole_rekey
 *  §2.25.2 rekey of the IKE SA    open, rekey, close child  ike_rekey_while_a_child_changes,
 *                                                           ike_rekey_beside_child_rekey
 *                                 close it                  rekey_of_a_closing_ike_sa
 *          DELETE of the IKE SA   rekey it                  delete_of_an_ike_sa_in_rekey
 *                                 close it                  in test_ike_child crossing_ike_deletes
 *          open, rekey, DELETE    rekey the IKE SA          child_requests_while_ike_in_rekey
 *          of a child
 *  §2.25 our request is answered with TEMPORARY_FAILURE     temporary_failure
 *                                with CHILD_SA_NOT_FOUND    child_sa_not_found
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_flow.h"
#include "prefpeerd/test/ike_peer.h"

#define LEFT_REQID 0x50500001u
#define RIGHT_REQID 77u
#define LATE_MS 40 /* ESP against IKE */

struct world {
	struct fixture *f;
	struct flow out, in;
};

static void up_with(struct world *w, struct engine_child *c)
{
	struct engine_budget b = { 12000, 12000 };

	w->f = fixture_new(AF_INET);
	assert_int_equal(w->f->left.engine->ops->open(w->f->left.engine->impl, 1, 1,
						      &w->f->left.addr, c, &b), 0);
	fixture_run_ms(w->f, 300);
	assert_non_null(side_last(&w->f->right, ENG_CHILD_UP));
	flow_start(&w->out, w->f, true, LEFT_REQID, LATE_MS);
	flow_start(&w->in, w->f, false, RIGHT_REQID, LATE_MS);
	fixture_run_ms(w->f, 500);
}

static void up(struct world *w)
{
	struct engine_child c = fixture_child(1, 1);

	up_with(w, &c);
}

/* The pair that the caller of that side knows now. */
static struct engine_pair pair_of(const struct side *s)
{
	const struct recorded *r = side_last(s, ENG_CHILD_REKEYED);

	r = r ? r : side_last(s, ENG_CHILD_UP);
	return r->ev.pair;
}

static void soft_end(struct side *s)
{
	struct engine_pair p = pair_of(s);
	struct kernel_sa_id id = { .dst = p.local, .spi = p.spi_in, .proto = IPPROTO_ESP };

	engine_ike_expire(s->engine->impl, &id, false);
}

static void expect_one_pair(struct world *w)
{
	struct engine_pair l = pair_of(&w->f->left), r = pair_of(&w->f->right);

	assert_int_equal(l.spi_in, r.spi_out);
	assert_int_equal(l.spi_out, r.spi_in);
	assert_int_equal(w->f->left.kernel.n_sas, 2);
	assert_int_equal(w->f->right.kernel.n_sas, 2);
	assert_non_null(fake_kernel_sa(&w->f->left.kernel, l.spi_in));
	assert_non_null(fake_kernel_sa(&w->f->left.kernel, l.spi_out));
	assert_non_null(fake_kernel_sa(&w->f->right.kernel, r.spi_in));
	assert_non_null(fake_kernel_sa(&w->f->right.kernel, r.spi_out));
}

static void expect_none_lost(struct world *w)
{
	assert_true(w->out.arrived > 100 && w->in.arrived > 100);
	assert_int_equal(w->out.lost, 0);
	assert_int_equal(w->in.lost, 0);
}

/* Until nothing of a rekey is left: no lingering SA, nothing that waits for a DELETE. */
static void settle(struct world *w)
{
	fixture_run_ms(w->f, 400000);
}

static void down(struct world *w)
{
	flow_stop(&w->out);
	flow_stop(&w->in);
	fixture_free(w->f);
}

/* One rekeyed pair everywhere, nobody heard of an end, and no packet was lost. */
static void expect_rekeyed(struct world *w, unsigned times)
{
	settle(w);
	assert_int_equal(side_count(&w->f->left, ENG_CHILD_REKEYED), times);
	assert_int_equal(side_count(&w->f->right, ENG_CHILD_REKEYED), times);
	assert_null(side_last(&w->f->left, ENG_CHILD_DOWN));
	assert_null(side_last(&w->f->right, ENG_CHILD_DOWN));
	expect_one_pair(w);
	expect_none_lost(w);
}

static struct session *session_of(const struct side *s, conn_id conn)
{
	return session_by_conn(s->engine->impl, conn);
}

static struct session *left_session(const struct world *w)
{
	return session_of(&w->f->left, 1);
}

static struct session *right_session(const struct world *w)
{
	return session_of(&w->f->right, INBOUND_CONN);
}

static const struct child *child_in_state(const struct session *s, enum child_state state)
{
	const struct child *c;

	DL_FOREACH(s->children, c)
		if (c->state == state)
			return c;
	return NULL;
}

/* ---- a network that misbehaves at the right moment ---- */

struct trick {
	struct world *w;
	struct side *from;
	uint8_t exchange;
	bool response;
	unsigned skip, n; /* leave alone so many, then do it to so many */
	enum mock_fate fate;
};

static enum mock_fate tricked(void *ctx, struct datagram *d)
{
	struct trick *t = ctx;

	if (!addr_equal(&d->src.addr, &t->from->addr) || datagram_exchange(d) != t->exchange ||
	    datagram_is_response(d) != t->response)
		return MOCK_PASS;
	if (t->skip) {
		t->skip--;
		return MOCK_PASS;
	}
	if (!t->n)
		return MOCK_PASS;
	t->n--;
	return t->fate;
}

static void play(struct world *w, struct trick *t)
{
	w->f->net.filter = tricked;
	w->f->net.filter_ctx = t;
}

/* ---- one end ---- */

static void by_us(void **state)
{
	struct world w;
	unsigned since;

	up(&w);
	since = w.f->net.n_log;
	soft_end(&w.f->left);
	expect_rekeyed(&w, 1);
	assert_int_equal(side_last(&w.f->left, ENG_CHILD_REKEYED)->ev.child, 1);
	/* One exchange, and DELETE of the old pair by who asked. */
	assert_int_equal(net_count(w.f, &w.f->left, XCHG_CREATE_CHILD_SA, false, since), 1);
	assert_int_equal(net_count(w.f, &w.f->left, XCHG_INFORMATIONAL, false, since), 1);
	assert_int_equal(net_count(w.f, &w.f->right, XCHG_INFORMATIONAL, false, since), 0);
	down(&w);
}

/* Both SAs of a pair say their soft end, and the kernel may say it twice. */
static void soft_end_said_often(void **state)
{
	struct world w;
	struct engine_pair p;
	unsigned since;

	up(&w);
	since = w.f->net.n_log;
	p = pair_of(&w.f->left);
	for (int i = 0; i < 3; i++) {
		struct kernel_sa_id out = { .dst = p.peer, .spi = p.spi_out, .proto = IPPROTO_ESP };
		struct kernel_sa_id in = { .dst = p.local, .spi = p.spi_in, .proto = IPPROTO_ESP };

		engine_ike_expire(w.f->left.engine->impl, &in, false);
		engine_ike_expire(w.f->left.engine->impl, &out, false);
		fixture_run_ms(w.f, 15);
	}
	expect_rekeyed(&w, 1);
	assert_int_equal(net_count(w.f, &w.f->left, XCHG_CREATE_CHILD_SA, false, since), 1);
	down(&w);
}

static void again_and_again(void **state)
{
	struct world w;

	up(&w);
	for (unsigned i = 1; i <= 5; i++) {
		soft_end(i % 2 ? &w.f->left : &w.f->right);
		fixture_run_ms(w.f, 20000);
	}
	expect_rekeyed(&w, 5);
	down(&w);
}

static void with_pfs(void **state)
{
	static const enum ike_dh groups[] = { DH_X25519,    DH_ECP_256,	  DH_ECP_384,	DH_ECP_521,
					      DH_MODP_2048, DH_MODP_3072, DH_MODP_4096, DH_X448 };

	for (unsigned i = 0; i < 8; i++) {
		struct engine_child c = fixture_child(1, 1);
		struct world w;
		unsigned since;
		size_t bytes = 0;

		c.pfs = groups[i];
		up_with(&w, &c);
		since = w.f->net.n_log;
		soft_end(&w.f->left);
		expect_rekeyed(&w, 1);
		/* Two public values are in there. */
		for (unsigned n = since; n < w.f->net.n_log; n++)
			bytes += w.f->net.log[n]->len;
		assert_true(bytes > 400 + 2 * dh_pub_len(groups[i]));
		down(&w);
	}
}

/* Who insists on a group does so in both roles; refused, the old pair stays and is tried again. */
static void pfs_that_the_peer_insists_on(void **state)
{
	struct world w;
	unsigned since;

	up(&w);
	w.f->right.inbound_child.pfs = DH_ECP_256;
	soft_end(&w.f->left);
	fixture_run_ms(w.f, 20000);
	/* The first child came without; its rekey by right asks for what right wanted then: nothing. */
	assert_int_equal(side_count(&w.f->left, ENG_CHILD_REKEYED), 1);
	down(&w);

	w.f = fixture_new(AF_INET);
	w.f->right.inbound_child.pfs = DH_ECP_256;
	assert_true(fixture_up(w.f));
	flow_start(&w.out, w.f, true, LEFT_REQID, LATE_MS);
	flow_start(&w.in, w.f, false, RIGHT_REQID, LATE_MS);
	fixture_run_ms(w.f, 500);
	since = w.f->net.n_log;
	soft_end(&w.f->left);
	fixture_run_ms(w.f, 20000);
	assert_int_equal(side_count(&w.f->left, ENG_CHILD_REKEYED), 0);
	assert_in_range(net_count(w.f, &w.f->left, XCHG_CREATE_CHILD_SA, false, since), 3, 6);
	expect_one_pair(&w);
	soft_end(&w.f->right);
	expect_rekeyed(&w, 1);
	down(&w);
}

/* What changed meanwhile holds for the successor, whoever asks for it; the pair stays. */
static void changed_settings(void **state)
{
	struct engine_child want = fixture_child(1, 1);
	struct engine *left;
	struct world w;

	want.lifetime_s = 7200;
	want.lifetime_kb = 5000;
	want.replay = (struct replay){ .window = 1024 };
	want.suites[0] = (struct esp_suite){ .encr = ENCR_AES_GCM_16, .key_bits = 128 };
	want.n_suites = 1;
	up(&w);
	left = w.f->left.engine;
	left->ops->child_change(left->impl, 1, 1, &want);
	assert_int_equal(fake_kernel_out(&w.f->left.kernel, LEFT_REQID)->lifetime_s, 3600);
	assert_int_equal(fake_kernel_out(&w.f->left.kernel, LEFT_REQID)->replay_window, 64);
	soft_end(&w.f->left);
	expect_rekeyed(&w, 1);
	assert_int_equal(fake_kernel_out(&w.f->left.kernel, LEFT_REQID)->lifetime_s, 7200);
	assert_int_equal(fake_kernel_out(&w.f->left.kernel, LEFT_REQID)->lifetime_bytes, 5000 * 1024);
	assert_int_equal(fake_kernel_out(&w.f->left.kernel, LEFT_REQID)->suite.key_bits, 128);
	assert_int_equal(fake_kernel_out(&w.f->left.kernel, LEFT_REQID)->replay_window, 1024);
	want.lifetime_s = 600;
	want.replay = (struct replay){ .off = true };
	left->ops->child_change(left->impl, 1, 1, &want);
	soft_end(&w.f->right);
	expect_rekeyed(&w, 2);
	assert_int_equal(fake_kernel_out(&w.f->left.kernel, LEFT_REQID)->lifetime_s, 600);
	assert_true(fake_kernel_out(&w.f->left.kernel, LEFT_REQID)->no_replay);
	left->ops->child_change(left->impl, 1, 99, &want);
	left->ops->child_change(left->impl, 99, 1, &want);
	down(&w);
}

/* Nothing carried: no rekey. Then a packet: at once. */
static void unused(void **state)
{
	struct engine_child c = fixture_child(1, 1);
	struct world w;
	struct engine_pair p;
	unsigned since;

	up_with(&w, &c);
	soft_end(&w.f->left);
	fixture_run_ms(w.f, 500);
	flow_stop(&w.out);
	flow_stop(&w.in);
	fixture_run_ms(w.f, 10000);
	/* The successor has carried those packets; the next one nothing. */
	soft_end(&w.f->left);
	fixture_run_ms(w.f, 10000);
	assert_int_equal(side_count(&w.f->left, ENG_CHILD_REKEYED), 2);
	since = w.f->net.n_log;
	p = pair_of(&w.f->left);
	assert_false(fake_kernel_sa(&w.f->left.kernel, p.spi_in)->soft_next_packet);
	soft_end(&w.f->left);
	soft_end(&w.f->left);
	fixture_run_ms(w.f, 10000);
	assert_int_equal(w.f->net.n_log, since);
	assert_true(fake_kernel_sa(&w.f->left.kernel, p.spi_in)->soft_next_packet);
	assert_true(fake_kernel_sa(&w.f->left.kernel, p.spi_out)->soft_next_packet);
	/* Inbound counts as well as outbound. */
	flow_start(&w.in, w.f, false, RIGHT_REQID, LATE_MS);
	fixture_run_ms(w.f, 10000);
	assert_int_equal(side_count(&w.f->left, ENG_CHILD_REKEYED), 3);
	assert_int_equal(w.in.soft, 1);
	assert_int_equal(w.in.lost, 0);
	expect_one_pair(&w);
	flow_stop(&w.in);
	fixture_free(w.f);
}

/* Limits as the kernel gets them: both SAs alike, and drawn anew for each pair. */
static void limits(void **state)
{
	struct engine_child c = fixture_child(1, 1);
	unsigned seconds_differ = 0, bytes_differ = 0;
	const struct kernel_sa *in, *out;
	uint32_t soft_s = 0;
	uint64_t soft_bytes = 0;
	struct world w;

	c.lifetime_kb = 4608000;
	up_with(&w, &c);
	for (int i = 0; i < 8; i++) {
		struct engine_pair p = pair_of(&w.f->left);

		in = fake_kernel_sa(&w.f->left.kernel, p.spi_in);
		out = fake_kernel_sa(&w.f->left.kernel, p.spi_out);
		assert_int_equal(in->lifetime_s, 3600);
		assert_int_equal(in->lifetime_bytes, 4608000ull * 1024);
		assert_in_range(in->soft_lifetime_s, 3600 - 30 - 360, 3600 - 30);
		assert_in_range(in->soft_lifetime_bytes / 1024, 4608000 / 10 * 8 - 1,
				4608000 / 10 * 9);
		assert_int_equal(in->soft_lifetime_s, out->soft_lifetime_s);
		assert_int_equal(in->soft_lifetime_bytes, out->soft_lifetime_bytes);
		seconds_differ += in->soft_lifetime_s != soft_s;
		bytes_differ += in->soft_lifetime_bytes != soft_bytes;
		soft_s = in->soft_lifetime_s;
		soft_bytes = in->soft_lifetime_bytes;
		soft_end(&w.f->left);
		fixture_run_ms(w.f, 10000);
	}
	assert_true(seconds_differ > 4 && bytes_differ > 4);
	down(&w);
	/* The shortest ones: not before half of it. */
	c.lifetime_s = 120;
	c.lifetime_kb = 2560;
	up_with(&w, &c);
	in = fake_kernel_sa(&w.f->left.kernel, pair_of(&w.f->left).spi_in);
	assert_in_range(in->soft_lifetime_s, 78, 90);
	assert_in_range(in->soft_lifetime_bytes / 1024, 2048, 2304);
	down(&w);
}

/* ---- messages lost, doubled and late ---- */

static void messages_lost(void **state)
{
	for (unsigned what = 0; what < 4; what++) {
		struct world w;
		struct trick t = { .exchange = what < 2 ? XCHG_CREATE_CHILD_SA : XCHG_INFORMATIONAL,
				   .response = what & 1,
				   .n = 1,
				   .fate = MOCK_DROP };

		up(&w);
		t.from = t.response ? &w.f->right : &w.f->left;
		play(&w, &t);
		soft_end(&w.f->left);
		expect_rekeyed(&w, 1);
		assert_int_equal(t.n, 0);
		down(&w);
	}
}

static void messages_late_and_twice(void **state)
{
	static const enum mock_fate fates[] = { MOCK_TWICE, MOCK_LATE };

	for (unsigned what = 0; what < 8; what++) {
		struct world w;
		struct trick t = { .exchange = what < 4 ? XCHG_CREATE_CHILD_SA : XCHG_INFORMATIONAL,
				   .response = what & 1,
				   .n = 1,
				   .fate = fates[what >> 1 & 1] };

		up(&w);
		t.from = t.response ? &w.f->right : &w.f->left;
		play(&w, &t);
		soft_end(&w.f->left);
		expect_rekeyed(&w, 1);
		assert_int_equal(t.n, 0);
		down(&w);
	}
}

/* ---- §2.8.1 and §2.25.1: two at once ---- */

/* Whose exchange had the lowest nonce is random: every outcome comes up in so many. */
#define OFTEN 12

static void simultaneous_child_rekey(void **state)
{
	unsigned by_left = 0;

	for (unsigned i = 0; i < OFTEN; i++) {
		unsigned since, left_deletes, right_deletes;
		uint8_t theirs[CROSSING_NONCE];
		const struct child *lost, *won;
		struct world w;

		up(&w);
		since = w.f->net.n_log;
		soft_end(&w.f->left);
		soft_end(&w.f->right);
		fixture_run_ms(w.f, 15);
		lost = child_in_state(left_session(&w), CHILD_RIVAL);
		assert_non_null(lost);
		memcpy(theirs, lost->low_nonce, sizeof(theirs));
		expect_rekeyed(&w, 1);
		won = child_find(left_session(&w), 1);
		/* Theirs, or ours if it has not the lowest of the four. */
		assert_true(memcmp(won->low_nonce, theirs, sizeof(theirs)) >= 0);
		assert_int_equal(net_count(w.f, &w.f->left, XCHG_CREATE_CHILD_SA, false, since), 1);
		assert_int_equal(net_count(w.f, &w.f->right, XCHG_CREATE_CHILD_SA, false, since), 1);
		/* Whoever won deletes the old one, whoever lost its own. */
		left_deletes = net_count(w.f, &w.f->left, XCHG_INFORMATIONAL, false, since);
		right_deletes = net_count(w.f, &w.f->right, XCHG_INFORMATIONAL, false, since);
		assert_int_equal(left_deletes, 1);
		assert_int_equal(right_deletes, 1);
		by_left += strstr(side_last(&w.f->left, ENG_CHILD_REKEYED)->text, "by us") != NULL;
		down(&w);
	}
	assert_in_range(by_left, 1, OFTEN - 1);
}

/* The same, and each message in turn is lost, late or doubled. */
static void simultaneous_and_a_message_lost(void **state)
{
	static const enum mock_fate fates[] = { MOCK_DROP, MOCK_LATE, MOCK_TWICE };

	for (unsigned i = 0; i < 3 * 4 * 6; i++) {
		struct world w;
		struct trick t = { .exchange = i & 1 ? XCHG_INFORMATIONAL : XCHG_CREATE_CHILD_SA,
				   .response = i >> 1 & 1,
				   .n = 1,
				   .fate = fates[i / 4 % 3] };

		up(&w);
		t.from = i & 4 ? &w.f->left : &w.f->right;
		play(&w, &t);
		soft_end(&w.f->left);
		fixture_run_ms(w.f, i % 5 * 4);
		soft_end(&w.f->right);
		settle(&w);
		expect_one_pair(&w);
		expect_none_lost(&w);
		assert_null(side_last(&w.f->left, ENG_CHILD_DOWN));
		assert_null(side_last(&w.f->right, ENG_CHILD_DOWN));
		down(&w);
	}
}

/* Ours is on its way and lost; the peer's overtakes it, and its DELETE of the old pair comes first. */
static void request_overtaken_by_a_whole_rekey(void **state)
{
	struct world w;
	struct trick t = { .exchange = XCHG_CREATE_CHILD_SA, .n = 1, .fate = MOCK_DROP };

	up(&w);
	t.from = &w.f->left;
	play(&w, &t);
	soft_end(&w.f->left);
	soft_end(&w.f->right);
	fixture_run_ms(w.f, 100);
	/* Taken over at the DELETE: ours was never seen. */
	assert_int_equal(side_count(&w.f->left, ENG_CHILD_REKEYED), 1);
	assert_int_equal(pair_of(&w.f->left).spi_in, pair_of(&w.f->right).spi_out);
	expect_rekeyed(&w, 1);
	down(&w);
}

/* The peer rekeys what we are just deleting. */
static void rekey_of_a_closing_child(void **state)
{
	struct ike_peer *p = ike_peer_up();
	struct trick t = { .from = &p->f->right, .exchange = XCHG_INFORMATIONAL,
			   .response = true, .n = 99, .fate = MOCK_DROP };

	p->f->net.filter = tricked;
	p->f->net.filter_ctx = &t;
	p->f->left.engine->ops->child_close(p->f->left.engine->impl, p->conn, p->child,
					    CLOSE_DELETE);
	ike_peer_rekey_child(p, p->child_spi_in);
	assert_int_equal(p->reply.error, N_TEMPORARY_FAILURE);
	ike_peer_free(p);
}

/* And what we have rekeyed ourselves a moment ago. */
static void rekey_of_a_replaced_child(void **state)
{
	struct ike_peer *p = ike_peer_up();
	struct trick t = { .from = &p->f->left, .exchange = XCHG_INFORMATIONAL, .n = 99,
			   .fate = MOCK_DROP };

	p->f->net.filter = tricked;
	p->f->net.filter_ctx = &t;
	fake_kernel_carry(&p->f->left.kernel, pair_of(&p->f->left).spi_in);
	soft_end(&p->f->left);
	fixture_run_ms(p->f, 60);
	assert_int_equal(side_count(&p->f->left, ENG_CHILD_REKEYED), 1);
	ike_peer_rekey_child(p, p->child_spi_in);
	assert_int_equal(p->reply.error, N_TEMPORARY_FAILURE);
	ike_peer_free(p);
}

/* The answer names the SPI that REKEY_SA named. */
static void rekey_of_a_deleted_child(void **state)
{
	struct ike_peer *p = ike_peer_up();
	uint32_t spi = htonl(p->child_spi_in);
	struct pld_notify n;

	ike_peer_delete_child(p, p->child_spi_in);
	ike_peer_rekey_child(p, p->child_spi_in);
	assert_int_equal(p->reply.error, N_CHILD_SA_NOT_FOUND);
	assert_true(payloads_notify(&p->reply.p, N_CHILD_SA_NOT_FOUND, &n));
	assert_int_equal(n.spi.len, sizeof(spi));
	assert_memory_equal(n.spi.p, &spi, sizeof(spi));
	ike_peer_free(p);
}

/* Answered without a DELETE: there is none of ours to name; and nothing else is touched. */
static void delete_of_an_unknown_child(void **state)
{
	struct ike_peer *p = ike_peer_up();

	ike_peer_delete_child(p, 0x12345678);
	assert_int_equal(p->reply.error, 0);
	assert_null(payloads_find(&p->reply.p, PLD_DELETE));
	assert_int_equal(p->f->left.kernel.n_sas, 2);
	assert_null(side_last(&p->f->left, ENG_CHILD_DOWN));
	ike_peer_free(p);
}

/* The peer deletes what we are rekeying: answered as usual, and ours comes to nothing. */
static void delete_of_a_child_in_rekey(void **state)
{
	struct world w;
	struct trick t = { .exchange = XCHG_CREATE_CHILD_SA, .n = 1, .fate = MOCK_LATE };

	up(&w);
	flow_stop(&w.out);
	flow_stop(&w.in);
	t.from = &w.f->left;
	play(&w, &t);
	soft_end(&w.f->left);
	w.f->right.engine->ops->child_close(w.f->right.engine->impl,
					    side_last(&w.f->right, ENG_CHILD_UP)->ev.conn,
					    side_last(&w.f->right, ENG_CHILD_UP)->ev.child,
					    CLOSE_DELETE);
	settle(&w);
	assert_int_equal(side_last(&w.f->left, ENG_CHILD_DOWN)->ev.why, WHY_PEER_DELETE);
	assert_int_equal(w.f->left.kernel.n_sas, 0);
	assert_int_equal(w.f->right.kernel.n_sas, 0);
	assert_null(side_last(&w.f->left, ENG_CHILD_REKEYED));
	assert_null(side_last(&w.f->right, ENG_CHILD_REKEYED));
	fixture_free(w.f);
}

/* We close what we are rekeying: the successor must not outlive it at either end. */
static void closed_while_in_rekey(void **state)
{
	for (int64_t ms = 0; ms < 50; ms += 5) {
		struct world w;

		up(&w);
		flow_stop(&w.out);
		flow_stop(&w.in);
		soft_end(&w.f->left);
		soft_end(&w.f->right);
		fixture_run_ms(w.f, ms);
		w.f->left.engine->ops->child_close(w.f->left.engine->impl, 1, 1, CLOSE_DELETE);
		settle(&w);
		assert_int_equal(w.f->left.kernel.n_sas, 0);
		assert_int_equal(w.f->right.kernel.n_sas, 0);
		assert_int_equal(side_count(&w.f->right, ENG_CHILD_DOWN), 1);
		fixture_free(w.f);
	}
}

/* TEMPORARY_FAILURE: not at once, but again. The right end is closing its pair at first. */
static void temporary_failure(void **state)
{
	struct world w;
	struct session *r;
	struct child *c;
	unsigned since;

	up(&w);
	since = w.f->net.n_log;
	r = ((struct ike *)w.f->right.engine->impl)->sessions;
	c = r->children;
	c->replaced = true; /* as if it were being closed */
	soft_end(&w.f->left);
	fixture_run_ms(w.f, 900);
	assert_int_equal(net_count(w.f, &w.f->left, XCHG_CREATE_CHILD_SA, false, since), 1);
	c->replaced = false;
	fixture_run_ms(w.f, 1500);
	assert_int_equal(net_count(w.f, &w.f->left, XCHG_CREATE_CHILD_SA, false, since), 2);
	expect_rekeyed(&w, 1);
	down(&w);
}

/* §2.25: minutes of nothing else are a peer out of step: the IKE SA is closed, and not before. */
static void temporary_failure_for_minutes(void **state)
{
	struct world w;
	struct child *c;

	up(&w);
	flow_stop(&w.out);
	flow_stop(&w.in);
	c = ((struct ike *)w.f->right.engine->impl)->sessions->children;
	c->replaced = true; /* as if it were being closed */
	soft_end(&w.f->left);
	fixture_run_ms(w.f, 170000);
	assert_null(side_last(&w.f->left, ENG_DOWN));
	/* One other answer, and it counts from there. */
	lifetime_busy(((struct ike *)w.f->left.engine->impl)->sessions, 0);
	fixture_run_ms(w.f, 170000);
	assert_null(side_last(&w.f->left, ENG_DOWN));
	fixture_run_ms(w.f, 60000);
	assert_non_null(side_last(&w.f->left, ENG_DOWN));
	assert_int_equal(side_last(&w.f->left, ENG_DOWN)->ev.why, WHY_BUSY);
	assert_int_equal(w.f->left.kernel.n_sas, 0);
	assert_int_equal(w.f->right.kernel.n_sas, 0);
	fixture_free(w.f);
}

/* CHILD_SA_NOT_FOUND: it is gone at the peer; silently here too, and the caller makes a new one. */
static void child_sa_not_found(void **state)
{
	struct world w;
	struct session *r;
	unsigned since;

	up(&w);
	flow_stop(&w.out);
	flow_stop(&w.in);
	r = ((struct ike *)w.f->right.engine->impl)->sessions;
	child_free(r->children);
	since = w.f->net.n_log;
	soft_end(&w.f->left);
	fixture_run_ms(w.f, 5000);
	assert_int_equal(side_last(&w.f->left, ENG_CHILD_DOWN)->ev.why, WHY_LOST);
	assert_int_equal(w.f->left.kernel.n_sas, 0);
	assert_int_equal(net_count(w.f, &w.f->left, XCHG_INFORMATIONAL, false, since), 0);
	fixture_free(w.f);
}

/* The kernel has no room for the new outbound SA: the old pair goes on, and it is tried again. */
static void kernel_refuses_the_successor(void **state)
{
	struct world w;

	up(&w);
	w.f->left.kernel.add_error = -ENOBUFS;
	soft_end(&w.f->left);
	fixture_run_ms(w.f, 500);
	assert_int_equal(side_count(&w.f->left, ENG_CHILD_REKEYED), 0);
	fixture_run_ms(w.f, 3000);
	assert_int_equal(side_count(&w.f->left, ENG_CHILD_REKEYED), 1);
	settle(&w);
	expect_one_pair(&w);
	expect_none_lost(&w);
	down(&w);
}


/* ---- the IKE SA ---- */

static unsigned sessions(const struct side *s)
{
	const struct ike *e = s->engine->impl;
	const struct session *it;
	unsigned n = 0;

	DL_FOREACH(e->sessions, it)
		n++;
	return n;
}

/*
 * One IKE SA at each end, under the names that the callers know, with the same keys; it and its
 * pair are rekeyed again, by each end: whatever was moved is whole.
 */
static void expect_one_ike_sa(struct world *w)
{
	struct session *l, *r;

	settle(w);
	assert_int_equal(sessions(&w->f->left), 1);
	assert_int_equal(sessions(&w->f->right), 1);
	l = left_session(w);
	r = right_session(w);
	assert_non_null(l);
	assert_non_null(r);
	assert_memory_equal(l->spi_i, r->spi_i, IKE_SPI_LEN);
	assert_memory_equal(l->spi_r, r->spi_r, IKE_SPI_LEN);
	assert_memory_equal(&l->keys, &r->keys, sizeof(l->keys));
	assert_int_equal(l->state, SES_UP);
	assert_int_equal(r->state, SES_UP);
	assert_null(side_last(&w->f->left, ENG_DOWN));
	assert_null(side_last(&w->f->right, ENG_DOWN));
	assert_null(side_last(&w->f->left, ENG_CHILD_DOWN));
	assert_null(side_last(&w->f->right, ENG_CHILD_DOWN));
	expect_one_pair(w);
	expect_none_lost(w);
}

static void expect_both_can_go_on(struct world *w)
{
	unsigned n = side_count(&w->f->left, ENG_CHILD_REKEYED);

	expect_one_ike_sa(w);
	soft_end(&w->f->left);
	fixture_run_ms(w->f, 10000);
	soft_end(&w->f->right);
	expect_rekeyed(w, n + 2);
	rekey_ike_start(right_session(w));
	expect_one_ike_sa(w);
}

static void ike_by_us(void **state)
{
	struct engine_conn_info was, is;
	struct world w;
	struct ike_keys keys;
	unsigned since;

	up(&w);
	w.f->left.engine->ops->conn_info(w.f->left.engine->impl, 1, &was);
	keys = left_session(&w)->keys;
	since = w.f->net.n_log;
	rekey_ike_start(left_session(&w));
	fixture_run_ms(w.f, 1000);
	w.f->left.engine->ops->conn_info(w.f->left.engine->impl, 1, &is);
	assert_memory_not_equal(was.spi_i, is.spi_i, IKE_SPI_LEN);
	assert_memory_not_equal(was.spi_r, is.spi_r, IKE_SPI_LEN);
	assert_memory_not_equal(&keys, &left_session(&w)->keys, sizeof(keys));
	/* Whatever was known of the peer still is. */
	assert_true(was.rtt_us == is.rtt_us || is.rtt_us);
	assert_int_equal(was.since.ns, is.since.ns);
	assert_true(endpoint_equal(&was.peer, &is.peer));
	assert_int_equal(is.remote, 1);
	/* Both callers are told, with the new SPIs. */
	assert_int_equal(side_count(&w.f->left, ENG_REKEYED), 1);
	assert_int_equal(side_count(&w.f->right, ENG_REKEYED), 1);
	assert_string_equal(side_last(&w.f->left, ENG_REKEYED)->text, "rekeyed by us");
	assert_string_equal(side_last(&w.f->right, ENG_REKEYED)->text, "rekeyed by the peer");
	assert_memory_equal(side_last(&w.f->left, ENG_REKEYED)->ev.info.spi_i, is.spi_i, IKE_SPI_LEN);
	assert_memory_equal(side_last(&w.f->right, ENG_REKEYED)->ev.info.spi_r, is.spi_r, IKE_SPI_LEN);
	assert_true(is.tx > was.tx && is.rx > was.rx);
	/* One exchange, and DELETE of the old one by who asked. */
	assert_int_equal(net_count(w.f, &w.f->left, XCHG_CREATE_CHILD_SA, false, since), 1);
	assert_int_equal(net_count(w.f, &w.f->left, XCHG_INFORMATIONAL, false, since), 1);
	assert_int_equal(net_count(w.f, &w.f->right, XCHG_INFORMATIONAL, false, since), 0);
	/* Both count from 0 again. */
	assert_int_equal(left_session(&w)->next_out, 0);
	assert_int_equal(right_session(&w)->next_in, 0);
	expect_both_can_go_on(&w);
	down(&w);
}

static void left_lives_for(struct world *w, uint32_t s)
{
	struct engine *left = w->f->left.engine;

	w->f->to_right.lifetime_s = s;
	assert_int_equal(left->ops->remote_set(left->impl, &w->f->to_right), 0);
	left_session(w)->lifetime_s = s;
	lifetime_begin(left_session(w));
}

/* With a lifetime: before its end, at a time of its own each time, for ever. */
static void ike_lifetime(void **state)
{
	mono_t first = MONO_UNSET;
	unsigned differ = 0;
	struct world w;

	up(&w);
	flow_stop(&w.out);
	flow_stop(&w.in);
	left_lives_for(&w, 86400);
	for (int i = 0; i < 6; i++) {
		uint8_t spi[IKE_SPI_LEN];
		mono_t begin = w.f->clock.now;
		int64_t s = 0;

		memcpy(spi, left_session(&w)->spi_i, sizeof(spi));
		while (!memcmp(spi, left_session(&w)->spi_i, sizeof(spi)) && s < 90000) {
			fixture_run_ms(w.f, 10000);
			s = mono_diff_ms(w.f->clock.now, begin) / 1000;
		}
		assert_in_range(s, 86400 - 30 - 8640, 86400 - 20);
		differ += mono_is_set(first) && first.ns != s;
		first.ns = s;
	}
	assert_true(differ > 2);
	assert_null(side_last(&w.f->left, ENG_DOWN));
	fixture_free(w.f);
}

/* Changed by a reload: from the next rekey on, whoever asks for it. */
static void ike_lifetime_changed(void **state)
{
	struct engine_remote *r;
	struct world w;

	up(&w);
	r = &w.f->to_right;
	r->lifetime_s = 600;
	w.f->left.engine->ops->remote_set(w.f->left.engine->impl, r);
	assert_int_equal(left_session(&w)->lifetime_s, 0);
	rekey_ike_start(left_session(&w));
	settle(&w);
	assert_int_equal(left_session(&w)->lifetime_s, 600);
	r->lifetime_s = 1200;
	w.f->left.engine->ops->remote_set(w.f->left.engine->impl, r);
	rekey_ike_start(right_session(&w));
	settle(&w);
	assert_int_equal(left_session(&w)->lifetime_s, 1200);
	assert_true(mono_diff_ms(left_session(&w)->life_end, w.f->clock.now) < 1200000);
	down(&w);
}

/* Refused for ever: it ends with its lifetime, and DELETE says so. */
static void ike_lifetime_ends(void **state)
{
	struct world w;
	unsigned since;

	up(&w);
	flow_stop(&w.out);
	flow_stop(&w.in);
	right_session(&w)->rival = right_session(&w); /* it refuses whatever comes */
	left_session(&w)->lifetime_s = 120;
	lifetime_begin(left_session(&w));
	since = w.f->net.n_log;
	fixture_run_ms(w.f, 119000);
	assert_null(side_last(&w.f->left, ENG_DOWN));
	assert_in_range(net_count(w.f, &w.f->left, XCHG_CREATE_CHILD_SA, false, since), 3, 7);
	fixture_run_ms(w.f, 990);
	right_session(&w)->rival = NULL;
	fixture_run_ms(w.f, 400);
	assert_int_equal(side_last(&w.f->left, ENG_DOWN)->ev.why, WHY_LIFETIME);
	assert_int_equal(side_last(&w.f->right, ENG_DOWN)->ev.why, WHY_PEER_DELETE);
	fixture_free(w.f);
}

static void ike_with_another_group(void **state)
{
	static const struct ike_offer p256 = {
		.ciphers = { { ENCR_AES_GCM_16, 128, INTEG_NONE } },
		.prfs = { PRF_HMAC_SHA2_384 },
		.groups = { DH_ECP_256 },
	};
	struct world w;
	unsigned since;

	up(&w);
	/* The peer's configuration has changed meanwhile: INVALID_KE_PAYLOAD, once more. */
	((struct ike *)w.f->right.engine->impl)->env.offer = &p256;
	since = w.f->net.n_log;
	rekey_ike_start(left_session(&w));
	fixture_run_ms(w.f, 1000);
	assert_int_equal(net_count(w.f, &w.f->left, XCHG_CREATE_CHILD_SA, false, since), 2);
	assert_int_equal(left_session(&w)->suite.dh, DH_ECP_256);
	assert_int_equal(left_session(&w)->suite.prf, PRF_HMAC_SHA2_384);
	expect_both_can_go_on(&w);
	down(&w);
}

/* What waited behind the request goes on under the new keys, on the new one. */
static void queue_moves(void **state)
{
	struct engine_child c = fixture_child(2, 2);
	struct world w;

	up(&w);
	rekey_ike_start(left_session(&w));
	assert_int_equal(w.f->left.engine->ops->child_open(w.f->left.engine->impl, 1, &c), 0);
	soft_end(&w.f->left);
	fixture_run_ms(w.f, 3000);
	assert_int_equal(side_count(&w.f->left, ENG_CHILD_UP), 2);
	assert_int_equal(side_count(&w.f->left, ENG_CHILD_REKEYED), 1);
	settle(&w);
	expect_none_lost(&w);
	assert_int_equal(w.f->left.kernel.n_sas, 4);
	assert_int_equal(sessions(&w.f->left), 1);
	down(&w);
}

/* DPD goes on, and still sees a death. */
static void dpd_crosses_it(void **state)
{
	struct world w;

	w.f = fixture_new(AF_INET);
	fixture_dpd(w.f, DPD_PERIODIC, 10000, 2000);
	assert_true(fixture_up(w.f));
	rekey_ike_start(left_session(&w));
	fixture_run_ms(w.f, 60000);
	assert_null(side_last(&w.f->left, ENG_DOWN));
	assert_true(net_count(w.f, &w.f->left, XCHG_INFORMATIONAL, false, 0) >= 5);
	w.f->net.send_error = -ENETDOWN;
	fixture_run_ms(w.f, 23000);
	assert_int_equal(side_last(&w.f->left, ENG_DOWN)->ev.why, WHY_DEAD);
	fixture_free(w.f);
}

/* Behind a NAT the new one goes on through the same ports. */
static void ike_through_a_nat(void **state)
{
	struct world w;

	w.f = fixture_new(AF_INET);
	w.f->net.nat.inside = w.f->left.addr;
	addr_parse("10.9.9.9", &w.f->net.nat.outside);
	w.f->net.nat.port_offset = 1000;
	w.f->to_left.peer = w.f->net.nat.outside;
	w.f->to_left.remote_id = ike_id_from_addr(&w.f->left.addr);
	w.f->right.engine->ops->remote_set(w.f->right.engine->impl, &w.f->to_left);
	assert_true(fixture_up(w.f));
	flow_start(&w.out, w.f, true, LEFT_REQID, LATE_MS);
	flow_start(&w.in, w.f, false, RIGHT_REQID, LATE_MS);
	fixture_run_ms(w.f, 500);
	rekey_ike_start(left_session(&w));
	expect_both_can_go_on(&w);
	assert_true(left_session(&w)->natt.local);
	assert_int_equal(right_session(&w)->peer.port, 5500);
	down(&w);
}

static void ike_messages_lost_late_and_twice(void **state)
{
	static const enum mock_fate fates[] = { MOCK_DROP, MOCK_TWICE, MOCK_LATE };

	for (unsigned i = 0; i < 12; i++) {
		struct world w;
		struct trick t = { .exchange = i & 1 ? XCHG_CREATE_CHILD_SA : XCHG_INFORMATIONAL,
				   .response = i >> 1 & 1,
				   .n = 1,
				   .fate = fates[i / 4] };

		up(&w);
		t.from = t.response ? &w.f->right : &w.f->left;
		play(&w, &t);
		rekey_ike_start(left_session(&w));
		expect_one_ike_sa(&w);
		assert_int_equal(t.n, 0);
		down(&w);
	}
}

/* §2.8.2 */
static void simultaneous_ike_rekey(void **state)
{
	unsigned by_left = 0;

	for (unsigned i = 0; i < OFTEN; i++) {
		uint8_t theirs[CROSSING_NONCE];
		struct world w;
		unsigned since;

		up(&w);
		since = w.f->net.n_log;
		rekey_ike_start(left_session(&w));
		rekey_ike_start(right_session(&w));
		fixture_run_ms(w.f, 15);
		assert_non_null(left_session(&w)->rival);
		memcpy(theirs, left_session(&w)->rival->rekey_nonce, sizeof(theirs));
		expect_one_ike_sa(&w);
		/* Ours stays only if it has not the lowest of the four. */
		assert_int_equal(left_session(&w)->initiator,
				 memcmp(left_session(&w)->rekey_nonce, theirs, sizeof(theirs)) > 0);
		assert_int_equal(net_count(w.f, &w.f->left, XCHG_CREATE_CHILD_SA, false, since), 1);
		assert_int_equal(net_count(w.f, &w.f->right, XCHG_CREATE_CHILD_SA, false, since), 1);
		/* Whoever won deletes the old one, whoever lost its own. */
		assert_int_equal(net_count(w.f, &w.f->left, XCHG_INFORMATIONAL, false, since), 1);
		assert_int_equal(net_count(w.f, &w.f->right, XCHG_INFORMATIONAL, false, since), 1);
		by_left += left_session(&w)->initiator;
		expect_both_can_go_on(&w);
		down(&w);
	}
	assert_in_range(by_left, 1, OFTEN - 1);
}

static void simultaneous_ike_and_a_message_lost(void **state)
{
	static const enum mock_fate fates[] = { MOCK_DROP, MOCK_LATE, MOCK_TWICE };

	for (unsigned i = 0; i < 72; i++) {
		struct world w;
		struct trick t = { .exchange = i & 1 ? XCHG_INFORMATIONAL : XCHG_CREATE_CHILD_SA,
				   .response = i >> 1 & 1,
				   .n = 1 + i % 2,
				   .fate = fates[i / 4 % 3] };

		up(&w);
		t.from = i & 4 ? &w.f->left : &w.f->right;
		play(&w, &t);
		rekey_ike_start(left_session(&w));
		fixture_run_ms(w.f, i % 5 * 4);
		rekey_ike_start(right_session(&w));
		expect_one_ike_sa(&w);
		down(&w);
	}
}

/* The peer's overtakes ours as a whole: its DELETE of the old one is answered, ours forgotten. */
static void ike_request_overtaken_by_a_whole_rekey(void **state)
{
	struct world w;
	struct trick t = { .exchange = XCHG_CREATE_CHILD_SA, .n = 1, .fate = MOCK_DROP };

	up(&w);
	t.from = &w.f->left;
	play(&w, &t);
	rekey_ike_start(left_session(&w));
	rekey_ike_start(right_session(&w));
	fixture_run_ms(w.f, 100);
	assert_false(left_session(&w)->initiator);
	expect_both_can_go_on(&w);
	down(&w);
}

/* §2.25.2: child and IKE SA rekeyed at once, by an end each: both are refused, and come again. */
static void ike_rekey_beside_child_rekey(void **state)
{
	struct world w;

	up(&w);
	soft_end(&w.f->left);
	rekey_ike_start(right_session(&w));
	expect_rekeyed(&w, 1);
	expect_one_ike_sa(&w);
	assert_memory_not_equal(&left_session(&w)->keys.d, &(uint8_t[CRYPTO_PRF_MAX]){ 0 }, 8);
	assert_false(left_session(&w)->initiator);
	down(&w);
}

/* A request of ours for a child, whose answer never comes. */
static void open_one(struct ike_peer *p)
{
	struct engine_child c = fixture_child(2, 2);

	p->f->left.engine->ops->child_open(p->f->left.engine->impl, p->conn, &c);
}

static void rekey_the_one(struct ike_peer *p)
{
	fake_kernel_carry(&p->f->left.kernel, pair_of(&p->f->left).spi_in);
	soft_end(&p->f->left);
}

static void close_the_one(struct ike_peer *p)
{
	p->f->left.engine->ops->child_close(p->f->left.engine->impl, p->conn, p->child,
					    CLOSE_DELETE);
}

/* §2.25.2: the children that it would inherit are changing: TEMPORARY_FAILURE, one IKE SA. */
static void ike_rekey_while_a_child_changes(void **state)
{
	static void (*const changes[])(struct ike_peer *p) = { open_one, rekey_the_one,
								close_the_one };

	for (unsigned i = 0; i < 3; i++) {
		struct ike_peer *p = ike_peer_up();
		struct trick t = { .from = &p->f->left, .n = 99, .fate = MOCK_DROP,
				   .exchange = changes[i] == close_the_one ? XCHG_INFORMATIONAL :
									     XCHG_CREATE_CHILD_SA };

		p->f->net.filter = tricked;
		p->f->net.filter_ctx = &t;
		changes[i](p);
		fixture_run_ms(p->f, 1);
		assert_int_equal(t.n, 98); /* it is on its way */
		ike_peer_rekey_ike(p);
		assert_int_equal(p->reply.error, N_TEMPORARY_FAILURE);
		assert_int_equal(sessions(&p->f->left), 1);
		ike_peer_free(p);
	}
}

/* The peer deletes the IKE SA that we rekey: answered, and ours forgotten. */
static void delete_of_an_ike_sa_in_rekey(void **state)
{
	for (int64_t ms = 0; ms < 40; ms += 5) {
		struct world w;

		up(&w);
		flow_stop(&w.out);
		flow_stop(&w.in);
		rekey_ike_start(left_session(&w));
		fixture_run_ms(w.f, ms);
		w.f->right.engine->ops->close(w.f->right.engine->impl, INBOUND_CONN, CLOSE_DELETE);
		settle(&w);
		assert_int_equal(side_count(&w.f->left, ENG_DOWN), 1);
		assert_int_equal(side_last(&w.f->left, ENG_DOWN)->ev.why, WHY_PEER_DELETE);
		assert_int_equal(sessions(&w.f->left), 0);
		assert_int_equal(sessions(&w.f->right), 0);
		assert_int_equal(w.f->left.kernel.n_sas, 0);
		assert_int_equal(w.f->right.kernel.n_sas, 0);
		fixture_free(w.f);
	}
}

/* And we close what both ends are rekeying. */
static void closed_while_ike_in_rekey(void **state)
{
	for (int64_t ms = 0; ms < 60; ms += 5) {
		struct world w;

		up(&w);
		flow_stop(&w.out);
		flow_stop(&w.in);
		rekey_ike_start(left_session(&w));
		if (ms % 2)
			rekey_ike_start(right_session(&w));
		fixture_run_ms(w.f, ms);
		w.f->left.engine->ops->close(w.f->left.engine->impl, 1, CLOSE_DELETE);
		settle(&w);
		assert_int_equal(side_count(&w.f->right, ENG_DOWN), 1);
		assert_int_equal(sessions(&w.f->left), 0);
		assert_int_equal(sessions(&w.f->right), 0);
		assert_int_equal(w.f->left.kernel.n_sas, 0);
		assert_int_equal(w.f->right.kernel.n_sas, 0);
		fixture_free(w.f);
	}
}

/* Rekey of an IKE SA that is being closed: TEMPORARY_FAILURE. */
static void rekey_of_a_closing_ike_sa(void **state)
{
	struct ike_peer *p = ike_peer_up();
	struct trick t = { .from = &p->f->left, .exchange = XCHG_INFORMATIONAL, .n = 99,
			   .fate = MOCK_DROP };

	p->f->net.filter = tricked;
	p->f->net.filter_ctx = &t;
	p->f->left.engine->ops->close(p->f->left.engine->impl, p->conn, CLOSE_DELETE);
	ike_peer_rekey_ike(p);
	assert_int_equal(p->reply.error, N_TEMPORARY_FAILURE);
	ike_peer_rekey_child(p, p->child_spi_in);
	assert_int_equal(p->reply.error, N_TEMPORARY_FAILURE);
	ike_peer_free(p);
}

/* Children that the peer asks for while we rekey the IKE SA: TEMPORARY_FAILURE; DELETE as usual. */
static void child_requests_while_ike_in_rekey(void **state)
{
	struct ike_peer *p = ike_peer_up();
	struct trick t = { .from = &p->f->left, .exchange = XCHG_CREATE_CHILD_SA, .n = 99,
			   .fate = MOCK_DROP };

	p->f->net.filter = tricked;
	p->f->net.filter_ctx = &t;
	rekey_ike_start(session_of(&p->f->left, p->conn));
	ike_peer_open_child(p);
	assert_int_equal(p->reply.error, N_TEMPORARY_FAILURE);
	ike_peer_rekey_child(p, p->child_spi_in);
	assert_int_equal(p->reply.error, N_TEMPORARY_FAILURE);
	ike_peer_delete_child(p, p->child_spi_in);
	assert_int_equal(p->reply.error, 0);
	assert_non_null(payloads_find(&p->reply.p, PLD_DELETE));
	ike_peer_free(p);
}

/* The peer does not delete what it rekeyed: after a while we do. */
static void old_ike_sa_left_behind(void **state)
{
	struct ike_peer *p = ike_peer_up();
	unsigned since;

	ike_peer_rekey_ike(p);
	assert_int_equal(p->reply.error, 0);
	assert_int_equal(sessions(&p->f->left), 2);
	since = p->f->net.n_log;
	fixture_run_ms(p->f, 179000);
	assert_int_equal(net_count(p->f, &p->f->left, XCHG_INFORMATIONAL, false, since), 0);
	fixture_run_ms(p->f, 2000);
	assert_int_equal(net_count(p->f, &p->f->left, XCHG_INFORMATIONAL, false, since), 1);
	fixture_run_ms(p->f, 1000);
	assert_null(side_last(&p->f->left, ENG_DOWN));
	assert_int_equal(fake_kernel_count(&p->f->left.kernel, SA_DIR_IN), 1);
	ike_peer_free(p);
}

#define T(fn) cmocka_unit_test(fn)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(by_us), T(soft_end_said_often), T(again_and_again), T(with_pfs),
		T(pfs_that_the_peer_insists_on), T(changed_settings), T(unused), T(limits),
		T(messages_lost),
		T(messages_late_and_twice), T(simultaneous_child_rekey),
		T(simultaneous_and_a_message_lost), T(request_overtaken_by_a_whole_rekey),
		T(rekey_of_a_closing_child), T(rekey_of_a_replaced_child),
		T(rekey_of_a_deleted_child), T(delete_of_an_unknown_child),
		T(delete_of_a_child_in_rekey),
		T(closed_while_in_rekey), T(temporary_failure), T(temporary_failure_for_minutes), T(child_sa_not_found),
		T(kernel_refuses_the_successor), T(ike_by_us), T(ike_lifetime),
		T(ike_lifetime_changed), T(ike_lifetime_ends), T(ike_with_another_group),
		T(queue_moves), T(dpd_crosses_it),
		T(ike_through_a_nat), T(ike_messages_lost_late_and_twice),
		T(simultaneous_ike_rekey), T(simultaneous_ike_and_a_message_lost),
		T(ike_request_overtaken_by_a_whole_rekey), T(ike_rekey_beside_child_rekey),
		T(ike_rekey_while_a_child_changes),
		T(delete_of_an_ike_sa_in_rekey), T(closed_while_ike_in_rekey),
		T(rekey_of_a_closing_ike_sa), T(child_requests_while_ike_in_rekey),
		T(old_ike_sa_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
