// SPDX-License-Identifier: GPL-2.0-or-later
/* IKE_SA_INIT and IKE_AUTH between two engines: each suite, both families, and what goes wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/proposal.h"
#include "prefpeerd/test/ike_fixture.h"

/* Both ends hold mirrored SAs with the same keys. */
static void assert_mirrored(const struct fixture *f, const struct engine_pair *l,
			    const struct engine_pair *r)
{
	const struct kernel_sa *out = fake_kernel_sa(&f->left.kernel, l->spi_out);
	const struct kernel_sa *in = fake_kernel_sa(&f->right.kernel, r->spi_in);
	const struct kernel_sa *back = fake_kernel_sa(&f->left.kernel, l->spi_in);

	assert_int_equal(l->spi_in, r->spi_out);
	assert_int_equal(l->spi_out, r->spi_in);
	assert_non_null(out);
	assert_non_null(in);
	assert_non_null(back);
	assert_int_equal(out->dir, SA_DIR_OUT);
	assert_int_equal(in->dir, SA_DIR_IN);
	assert_true(addr_equal(&out->id.dst, &f->right.addr));
	assert_true(addr_equal(&back->id.dst, &f->left.addr));
	assert_int_equal(out->encr_key_len, in->encr_key_len);
	assert_memory_equal(out->encr_key, in->encr_key, out->encr_key_len);
	assert_int_equal(out->integ_key_len, in->integ_key_len);
	assert_memory_equal(out->integ_key, in->integ_key, out->integ_key_len);
	if (out->encr_key_len)
		assert_memory_not_equal(out->encr_key, back->encr_key, out->encr_key_len);
	else
		assert_memory_not_equal(out->integ_key, back->integ_key, out->integ_key_len);
	assert_true(l->spi_in >= 256 && l->spi_out >= 256);
}

static void assert_up(struct fixture *f)
{
	const struct recorded *l = side_last(&f->left, ENG_CHILD_UP);
	const struct recorded *r = side_last(&f->right, ENG_CHILD_UP);

	assert_non_null(l);
	assert_non_null(r);
	assert_int_equal(l->ev.conn, 1);
	assert_int_equal(l->ev.child, 1);
	assert_int_equal(side_count(&f->left, ENG_UP), 1);
	assert_int_equal(side_count(&f->right, ENG_UP), 1);
	assert_int_equal(side_count(&f->left, ENG_ANSWERED), 1);
	assert_mirrored(f, &l->ev.pair, &r->ev.pair);
	assert_int_equal(f->left.kernel.n_sas, 2);
	assert_int_equal(f->right.kernel.n_sas, 2);
}

static int open_from_left(struct fixture *f, uint32_t answer_ms, uint32_t finish_ms)
{
	struct engine_child c = fixture_child(1, 1);
	struct engine_budget b = { answer_ms, finish_ms };

	return f->left.engine->ops->open(f->left.engine->impl, 1, 1, &f->left.addr, &c, &b);
}

/* ---- what works ---- */

static void both_families(void **state)
{
	static const sa_family_t families[] = { AF_INET, AF_INET6 };

	for (unsigned i = 0; i < 2; i++) {
		struct fixture *f = fixture_new(families[i]);

		assert_true(fixture_up(f));
		assert_up(f);
		fixture_free(f);
	}
}

static struct ike_offer one_suite(struct ike_cipher cipher, enum ike_prf prf, enum ike_dh dh)
{
	return (struct ike_offer){ .ciphers = { cipher }, .prfs = { prf }, .groups = { dh } };
}

static void every_ike_suite(void **state)
{
	const struct ike_offer *all = &ike_offer_all;

	for (unsigned c = 0; all->ciphers[c].encr; c++)
		for (unsigned p = 0; all->prfs[p]; p++)
			for (unsigned g = 0; all->groups[g]; g++) {
				/* Each with the first of the others: they do not depend on each other. */
				if (!!c + !!p + !!g > 1)
					continue;
				struct ike_offer o =
					one_suite(all->ciphers[c], all->prfs[p], all->groups[g]);
				const struct ike_suite *got;
				struct fixture *f;

				fixture_right_offer = &o;
				f = fixture_new(AF_INET);
				assert_true(fixture_up(f));
				assert_up(f);
				got = &side_last(&f->left, ENG_UP)->ev.info.suite;
				assert_int_equal(got->encr, o.ciphers[0].encr);
				assert_int_equal(got->key_bits, o.ciphers[0].key_bits);
				assert_int_equal(got->prf, o.prfs[0]);
				assert_int_equal(got->dh, o.groups[0]);
				/* X25519 is sent first: any other group takes one more round trip.
				 */
				assert_int_equal(net_count(f, &f->left, XCHG_IKE_SA_INIT, false, 0),
						 g == 0 ? 1 : 2);
				fixture_free(f);
			}
	fixture_right_offer = NULL;
}

static void every_esp_suite(void **state)
{
	static const struct {
		struct esp_suite suite;
		size_t encr, integ; /* bytes of key material: RFC 4106 §8.1, RFC 7634 §2, RFC 4868 §2.1 */
	} rows[] = {
		{ { .encr = ENCR_AES_GCM_16, .key_bits = 128 }, 20, 0 },
		{ { .encr = ENCR_AES_GCM_16, .key_bits = 192 }, 28, 0 },
		{ { .encr = ENCR_AES_GCM_16, .key_bits = 256, .esn = true }, 36, 0 },
		{ { .encr = ENCR_CHACHA20_POLY1305 }, 36, 0 },
		{ { .encr = ENCR_NULL_AUTH_AES_GMAC, .key_bits = 128 }, 20, 0 },
		{ { .encr = ENCR_NULL_AUTH_AES_GMAC, .key_bits = 256 }, 36, 0 },
		{ { .encr = ENCR_NULL, .integ = INTEG_HMAC_SHA2_256_128 }, 0, 32 },
		{ { .encr = ENCR_NULL, .integ = INTEG_HMAC_SHA2_512_256, .esn = true }, 0, 64 },
		{ { ENCR_AES_CTR, 128, INTEG_HMAC_SHA2_256_128, false }, 20, 32 },
		{ { ENCR_AES_CTR, 256, INTEG_HMAC_SHA2_384_192, true }, 36, 48 },
		{ { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128, false }, 16, 32 },
		{ { ENCR_AES_CBC, 192, INTEG_HMAC_SHA2_384_192, true }, 24, 48 },
		{ { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256, false }, 32, 64 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = fixture_new(AF_INET);
		struct engine_child c = fixture_child(1, 1);
		const struct kernel_sa *sa;

		/* Behind one that the other end has not. */
		c.suites[0] = (struct esp_suite){ ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_512_256, false };
		c.suites[1] = rows[i].suite;
		c.n_suites = 2;
		f->right.inbound_child.suites[0] = rows[i].suite;
		f->right.inbound_child.n_suites = 1;
		assert_int_equal(f->left.engine->ops->open(f->left.engine->impl, 1, 1,
							   &f->left.addr, &c, NULL), 0);
		fixture_run_ms(f, 500);
		assert_up(f);
		sa = fake_kernel_sa(&f->left.kernel,
				    side_last(&f->left, ENG_CHILD_UP)->ev.pair.spi_in);
		assert_int_equal(sa->suite.encr, rows[i].suite.encr);
		assert_int_equal(sa->suite.integ, rows[i].suite.integ);
		assert_int_equal(sa->suite.esn, rows[i].suite.esn);
		assert_int_equal(sa->encr_key_len, rows[i].encr);
		assert_int_equal(sa->integ_key_len, rows[i].integ);
		assert_int_equal(sa->reqid, 0x50500001);
		assert_int_equal(sa->lifetime_s, 3600);
		assert_false(sa->has_sel);
		fixture_free(f);
	}
}

/* ---- IDs of messages and a lossy network ---- */

struct nth {
	unsigned at, seen;
	enum mock_fate fate;
};

static enum mock_fate nth_filter(void *ctx, struct datagram *d)
{
	struct nth *n = ctx;

	return n->seen++ == n->at ? n->fate : MOCK_PASS;
}

/* The four messages of a set-up, each lost, doubled or late. */
static void any_message_lost_doubled_or_late(void **state)
{
	static const enum mock_fate fates[] = { MOCK_DROP, MOCK_TWICE, MOCK_LATE };

	for (unsigned fate = 0; fate < 3; fate++)
		for (unsigned at = 0; at < 4; at++) {
			struct nth n = { .at = at, .fate = fates[fate] };
			struct fixture *f = fixture_new(AF_INET);

			f->net.late_ms = 1500;
			f->net.filter = nth_filter;
			f->net.filter_ctx = &n;
			assert_true(fixture_up(f));
			fixture_run_ms(f, 5000);
			assert_up(f);
			assert_int_equal(side_count(&f->right, ENG_INBOUND), 1);
			fixture_free(f);
		}
}

static enum mock_fate drop_all(void *ctx, struct datagram *d)
{
	return MOCK_DROP;
}

/* Six IKE_SA_INITs over the Answer budget, gaps × 1.5, then nothing: the caller closes. */
static void init_is_spread_over_the_budget(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	int64_t gap = 0;

	f->net.filter = drop_all;
	assert_int_equal(open_from_left(f, 6000, 6000), 0);
	fixture_run_ms(f, 5999);
	assert_int_equal(f->net.n_log, 6);
	for (unsigned i = 1; i < 6; i++) {
		int64_t now = f->net.log[i]->at.ns - f->net.log[i - 1]->at.ns;

		assert_memory_equal(f->net.log[i]->bytes, f->net.log[0]->bytes, f->net.log[0]->len);
		if (gap)
			assert_in_range(now * 1000 / gap, 1490, 1510);
		gap = now;
	}
	assert_null(side_last(&f->left, ENG_DOWN));
	/* A caller that forgets: we give up by ourselves. */
	fixture_run_ms(f, 1100);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_TIMEOUT);
	assert_int_equal(f->net.n_log, 6);
	fixture_free(f);
}

/* ---- refusals ---- */

static void no_common_proposal(void **state)
{
	/* A group that left offers, and a cipher that it does not. */
	static const struct ike_offer odd = { .ciphers = { { 13, 128,
							     INTEG_HMAC_SHA2_256_128 } },
					      .prfs = { PRF_HMAC_SHA2_256 },
					      .groups = { DH_X25519 } };
	struct fixture *f;

	fixture_right_offer = &odd;
	f = fixture_new(AF_INET);
	fixture_right_offer = NULL;
	assert_int_equal(open_from_left(f, 2000, 2000), 0);
	fixture_run_ms(f, 1000);
	/* Unauthenticated: remarked upon, and the requests go on. */
	assert_int_equal(side_last(&f->left, ENG_REMARK)->ev.why, WHY_PROPOSAL);
	assert_null(side_last(&f->left, ENG_DOWN));
	assert_null(side_last(&f->left, ENG_ANSWERED));
	assert_true(net_count(f, &f->left, XCHG_IKE_SA_INIT, false, 0) > 2);
	fixture_free(f);
}

static void wrong_key(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	f->to_right.psk = (const uint8_t *)"another";
	f->to_right.psk_len = 7;
	f->left.engine->ops->remote_set(f->left.engine->impl, &f->to_right);
	assert_int_equal(open_from_left(f, 2000, 2000), 0);
	fixture_run_ms(f, 1000);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_AUTH);
	assert_null(side_last(&f->left, ENG_UP));
	assert_null(side_last(&f->right, ENG_INBOUND));
	assert_int_equal(f->left.kernel.n_sas + f->right.kernel.n_sas, 0);
	fixture_free(f);
}

/* The responder's AUTH is right, its name is not: both names in the text, DELETE to the peer. */
static void wrong_idr(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	ike_id_from_text(IKE_ID_FQDN, "hub.example", &f->to_right.remote_id);
	f->left.engine->ops->remote_set(f->left.engine->impl, &f->to_right);
	assert_int_equal(open_from_left(f, 2000, 2000), 0);
	fixture_run_ms(f, 1000);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_AUTH);
	assert_non_null(strstr(side_last(&f->left, ENG_DOWN)->text, "10.0.0.2"));
	assert_non_null(strstr(side_last(&f->left, ENG_DOWN)->text, "hub.example"));
	assert_int_equal(side_last(&f->right, ENG_DOWN)->ev.why, WHY_PEER_DELETE);
	assert_int_equal(f->left.kernel.n_sas + f->right.kernel.n_sas, 0);
	fixture_free(f);
}

static void configured_identities(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	ike_id_from_text(IKE_ID_FQDN, "hub.example", &f->to_right.remote_id);
	ike_id_from_text(IKE_ID_RFC822_ADDR, "branch@example", &f->to_right.local_id);
	f->to_left.local_id = f->to_right.remote_id;
	f->to_left.remote_id = f->to_right.local_id;
	f->left.engine->ops->remote_set(f->left.engine->impl, &f->to_right);
	f->right.engine->ops->remote_set(f->right.engine->impl, &f->to_left);
	assert_true(fixture_up(f));
	assert_up(f);
	fixture_free(f);
}

/* IDi is none that the responder knows. */
static void wrong_idi(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	ike_id_from_text(IKE_ID_FQDN, "stranger", &f->to_right.local_id);
	f->left.engine->ops->remote_set(f->left.engine->impl, &f->to_right);
	assert_int_equal(open_from_left(f, 2000, 2000), 0);
	fixture_run_ms(f, 1000);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_AUTH);
	assert_null(side_last(&f->right, ENG_INBOUND));
	fixture_free(f);
}

/* A child that is refused leaves the IKE SA: up, then failed. */
static void child_refused(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	f->right.policy = INBOUND_REFUSE;
	f->right.keep_ike = true;
	assert_int_equal(open_from_left(f, 2000, 2000), 0);
	fixture_run_ms(f, 1000);
	assert_non_null(side_last(&f->left, ENG_UP));
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.why, WHY_TS);
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.child, 1);
	assert_null(side_last(&f->left, ENG_DOWN));
	assert_int_equal(f->left.kernel.n_sas + f->right.kernel.n_sas, 0);
	fixture_free(f);
}

/* Refused without keep_ike: the responder deletes the new IKE SA. */
static void inbound_refused(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	f->right.policy = INBOUND_REFUSE;
	assert_int_equal(open_from_left(f, 2000, 2000), 0);
	fixture_run_ms(f, 1000);
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.why, WHY_TS);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_PEER_DELETE);
	assert_null(side_last(&f->right, ENG_UP));
	fixture_free(f);
}

static void no_common_esp_suite(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	f->right.inbound_child.suites[0] =
		(struct esp_suite){ ENCR_AES_CBC, 192, INTEG_HMAC_SHA2_256_128, false };
	f->right.inbound_child.n_suites = 1;
	assert_int_equal(open_from_left(f, 2000, 2000), 0);
	fixture_run_ms(f, 1000);
	assert_non_null(side_last(&f->left, ENG_UP));
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.why, WHY_PROPOSAL);
	assert_int_equal(side_last(&f->right, ENG_CHILD_FAILED)->ev.why, WHY_PROPOSAL);
	fixture_free(f);
}

/* The kernel refuses the initiator's SA: it fails here, and goes at the peer by DELETE. */
static void kernel_refuses(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	f->left.kernel.add_error = -ENOBUFS;
	assert_int_equal(open_from_left(f, 2000, 2000), 0);
	fixture_run_ms(f, 1000);
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.why, WHY_LOCAL);
	assert_int_equal(side_last(&f->right, ENG_CHILD_DOWN)->ev.why, WHY_PEER_DELETE);
	assert_int_equal(f->left.kernel.n_sas + f->right.kernel.n_sas, 0);
	fixture_free(f);
}

/* ---- holding and abandoning ---- */

static enum mock_fate drop_auth_responses(void *ctx, struct datagram *d)
{
	return datagram_exchange(d) == XCHG_IKE_AUTH && datagram_is_response(d) && *(bool *)ctx
		       ? MOCK_DROP
		       : MOCK_PASS;
}

/* Repeats of a held request are dropped; then it is answered. */
static void held_for_a_verdict(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	const struct engine_event *in;
	struct engine_verdict v = { .accept = true, .conn = 9 };

	f->right.policy = INBOUND_WAIT;
	assert_int_equal(open_from_left(f, 6000, 6000), 0);
	fixture_run_ms(f, 3000);
	assert_int_equal(side_count(&f->right, ENG_INBOUND), 1);
	assert_true(net_count(f, &f->left, XCHG_IKE_AUTH, false, 0) > 2);
	assert_int_equal(net_count(f, &f->right, XCHG_IKE_AUTH, true, 0), 0);
	in = &side_last(&f->right, ENG_INBOUND)->ev;
	assert_int_equal(in->remote, 1);
	assert_int_equal(in->conn, 0);
	assert_int_equal(in->n_offered, 1);
	assert_false(in->single_flow);
	v.child = f->right.inbound_child;
	v.child.id = 5;
	v.child.sel = v.child.line_sel = in->offered[0];
	assert_int_equal(
		f->right.engine->ops->inbound_reply(f->right.engine->impl, in->inbound, &v), 0);
	assert_int_equal(
		f->right.engine->ops->inbound_reply(f->right.engine->impl, in->inbound, &v),
		-ENOENT);
	fixture_run_ms(f, 100);
	assert_up(f);
	assert_int_equal(side_last(&f->right, ENG_CHILD_UP)->ev.conn, 9);
	fixture_free(f);
}

/* The peer went from the configuration meanwhile: the name that the verdict gave ends again. */
static void peer_gone_at_the_verdict(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	struct engine_verdict v = { .accept = true, .conn = 9 };
	const struct engine_event *in;

	f->right.policy = INBOUND_WAIT;
	assert_int_equal(open_from_left(f, 6000, 6000), 0);
	fixture_run_ms(f, 100);
	in = &side_last(&f->right, ENG_INBOUND)->ev;
	v.child = f->right.inbound_child;
	v.child.id = 5;
	v.child.sel = v.child.line_sel = in->offered[0];
	assert_int_equal(f->right.engine->ops->remote_del(f->right.engine->impl, 1), 0);
	assert_int_equal(
		f->right.engine->ops->inbound_reply(f->right.engine->impl, in->inbound, &v), 0);
	fixture_run_ms(f, 100);
	assert_non_null(side_last(&f->right, ENG_DOWN));
	assert_int_equal(side_last(&f->right, ENG_DOWN)->ev.conn, 9);
	assert_null(side_last(&f->right, ENG_UP));
	fixture_free(f);
}

/* §14.3: abandoned in IKE_AUTH; the response that comes late is answered with DELETE. */
static void abandoned_auth(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	bool drop = true;

	f->net.filter = drop_auth_responses;
	f->net.filter_ctx = &drop;
	f->net.late_ms = 3000;
	assert_int_equal(open_from_left(f, 2000, 2000), 0);
	fixture_run_ms(f, 40);
	assert_non_null(side_last(&f->right, ENG_UP));
	assert_int_equal(f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_DELETE), 0);
	fixture_run_ms(f, 1000);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_LOCAL);
	for (unsigned i = 0; i < f->net.n_log; i++)
		if (datagram_exchange(f->net.log[i]) == XCHG_IKE_AUTH &&
		    datagram_is_response(f->net.log[i])) {
			drop = false;
			mocknet_inject(&f->net, f->net.log[i]);
			break;
		}
	fixture_run_ms(f, 1000);
	assert_int_equal(side_last(&f->right, ENG_DOWN)->ev.why, WHY_PEER_DELETE);
	assert_int_equal(f->left.kernel.n_sas + f->right.kernel.n_sas, 0);
	fixture_free(f);
}

/* ---- cookies and half-open ones ---- */

static void flood(struct fixture *f, const struct datagram *init, unsigned n, unsigned sources)
{
	for (unsigned i = 0; i < n; i++) {
		struct datagram d = *init;

		d.bytes[0] ^= (uint8_t)(i + 1);
		d.bytes[1] ^= (uint8_t)((i + 1) >> 8);
		d.src.addr.bytes[3] = (uint8_t)(100 + i % sources);
		d.src.addr.bytes[2] = (uint8_t)(i % sources >> 8);
		mocknet_inject(&f->net, &d);
	}
}

static const struct datagram *captured_init(struct fixture *f)
{
	f->net.filter = drop_all;
	assert_int_equal(open_from_left(f, 6000, 6000), 0);
	fixture_run_ms(f, 10);
	f->net.filter = NULL;
	return f->net.log[0];
}

static void half_open_per_source(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	const struct ike_counters *n = engine_ike_counters(f->right.engine);

	flood(f, captured_init(f), 20, 1);
	assert_int_equal(n->refused_source, 12);
	/* Ten seconds later they are forgotten. */
	fixture_run_ms(f, 10001);
	flood(f, f->net.log[0], 8, 1);
	assert_int_equal(n->refused_source, 12);
	fixture_free(f);
}

/* From 100 half-open ones on a cookie is asked for; who returns it is served. */
static void cookies(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	const struct ike_counters *n = engine_ike_counters(f->right.engine);
	struct datagram init = *captured_init(f);

	f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_DELETE);
	flood(f, &init, 300, 50);
	assert_int_equal(n->cookies, 200);
	assert_int_equal(n->refused_source, 0);
	side_forget(&f->left);
	assert_true(fixture_up(f));
	assert_int_equal(side_count(&f->left, ENG_ANSWERED), 1);
	assert_int_equal(n->cookies, 201);
	fixture_free(f);
}

/* A KE value that no group has costs a Diffie-Hellman, so it counts like any other; once. */
static void bad_key_exchange_counts(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	const struct ike_counters *n = engine_ike_counters(f->right.engine);
	struct datagram init = *captured_init(f);
	const struct payload *ke;
	struct ike_header h;
	struct payloads p;

	assert_int_equal(ike_header_parse(init.bytes, init.len, &h), 0);
	assert_int_equal(payloads_parse(h.next, init.bytes + IKE_HEADER_LEN,
					init.len - IKE_HEADER_LEN, &p),
			 0);
	ke = payloads_find(&p, PLD_KE);
	memset(init.bytes + (ke->body - init.bytes) + 4, 0, ke->len - 4);
	flood(f, &init, 300, 50);
	assert_int_equal(n->malformed, 100);
	assert_int_equal(n->cookies, 200);
	/* The same bytes again: neither computed nor answered. */
	flood(f, &init, 100, 50);
	assert_int_equal(n->malformed, 100);
	assert_int_equal(n->cookies, 200);
	assert_int_equal(net_count(f, &f->right, XCHG_IKE_SA_INIT, true, 0), 200);
	/* And they are forgotten like any other. */
	fixture_run_ms(f, 10001);
	flood(f, &init, 8, 1);
	assert_int_equal(n->malformed, 108);
	fixture_free(f);
}

/* Two COOKIEs are followed, a third is not (§10). */
static enum mock_fate always_cookie(void *ctx, struct datagram *d)
{
	struct fixture *f = ctx;
	struct ike_header h;
	struct msg_out m;
	struct datagram reply = { .src = d->dst, .dst = d->src };

	if (ike_header_parse(d->bytes, d->len, &h) || h.flags & IKE_FLAG_RESPONSE)
		return MOCK_PASS;
	h.flags = IKE_FLAG_RESPONSE;
	msg_begin(&m, &h);
	put_notify(&m, N_COOKIE, "cookie", 6);
	msg_end(&m);
	memcpy(reply.bytes, m.buf, m.w.len);
	reply.len = m.w.len;
	mocknet_carry(&f->net, &reply);
	return MOCK_DROP;
}

static void too_many_cookies(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	f->net.filter = always_cookie;
	f->net.filter_ctx = f;
	assert_int_equal(open_from_left(f, 2000, 2000), 0);
	fixture_run_ms(f, 1900);
	assert_int_equal(side_count(&f->left, ENG_ANSWERED), 1);
	assert_non_null(side_last(&f->left, ENG_REMARK));
	assert_null(side_last(&f->left, ENG_DOWN));
	/* Retransmissions of the third request, and no fourth. */
	assert_true(f->net.n_log <= 3 + 6);
	fixture_free(f);
}

/* INVALID_KE_PAYLOAD names a group that was not offered: remarked upon, not followed. */
static enum mock_fate bogus_group(void *ctx, struct datagram *d)
{
	struct fixture *f = ctx;
	struct ike_header h;
	struct msg_out m;
	struct datagram reply = { .src = d->dst, .dst = d->src };

	if (ike_header_parse(d->bytes, d->len, &h) || h.flags & IKE_FLAG_RESPONSE)
		return MOCK_PASS;
	h.flags = IKE_FLAG_RESPONSE;
	msg_begin(&m, &h);
	put_notify(&m, N_INVALID_KE_PAYLOAD, "\0\2", 2);
	msg_end(&m);
	memcpy(reply.bytes, m.buf, m.w.len);
	reply.len = m.w.len;
	mocknet_carry(&f->net, &reply);
	return MOCK_PASS;
}

static void group_not_offered(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	f->net.filter = bogus_group;
	f->net.filter_ctx = f;
	assert_true(fixture_up(f));
	assert_int_equal(side_last(&f->left, ENG_REMARK)->ev.why, WHY_PROPOSAL);
	assert_up(f);
	fixture_free(f);
}

/* The kernel's algorithms are loaded at start, with and without extended sequence numbers. */
static struct esp_suite warmed[2 * SUITE_MAX];
static unsigned n_warmed;

static int note_sa(void *impl, const struct kernel_sa *sa)
{
	if (n_warmed < 2 * SUITE_MAX)
		warmed[n_warmed] = sa->suite;
	n_warmed++;
	return 0;
}

static int drop_sa(void *impl, const struct kernel_sa_id *id)
{
	return 0;
}

static void ready(void *ctx, const struct engine_event *ev, mono_t now)
{
	*(bool *)ctx |= ev->type == ENG_READY;
}

static void algorithms_are_loaded_at_start(void **state)
{
	static const struct kernel_ops ops = { .sa_add = note_sa, .sa_del = drop_sa };
	struct esp_suite all[SUITE_MAX];
	struct fake_clock clock;
	struct ike_env env = { .net = &mocknet_ops, .now = fake_clock_now, .now_ctx = &clock };
	unsigned n = esp_suites_default(all);
	struct engine *engine;
	bool up = false;

	fake_clock_init(&clock);
	env.timers = clock.timers;
	env.kernel = (struct kernel){ .ops = &ops };
	engine = engine_ike_new(&env);
	assert_int_equal(engine->ops->start(engine->impl, ready, &up), 0);
	fake_clock_settle(&clock);
	assert_true(up);
	assert_int_equal(n_warmed, 2 * n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(warmed[2 * i].encr, all[i].encr);
		assert_int_equal(warmed[2 * i + 1].encr, all[i].encr);
		assert_int_not_equal(warmed[2 * i].esn, warmed[2 * i + 1].esn);
	}
	engine_ike_free(engine);
	fake_clock_fini(&clock);
}

/* ---- NAT ---- */

static void behind_nat(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	const struct kernel_sa *sa;
	unsigned keepalives = 0, before;

	addr_parse("10.0.0.1", &f->net.nat.inside);
	addr_parse("192.0.2.9", &f->net.nat.outside);
	f->net.nat.port_offset = 1000;
	assert_true(fixture_up(f));
	assert_true(side_last(&f->left, ENG_UP)->ev.info.nat_local);
	assert_false(side_last(&f->left, ENG_UP)->ev.info.nat_peer);
	assert_true(side_last(&f->right, ENG_UP)->ev.info.nat_peer);
	assert_int_equal(side_last(&f->left, ENG_UP)->ev.info.local.port, 4500);
	sa = fake_kernel_sa(&f->left.kernel, side_last(&f->left, ENG_CHILD_UP)->ev.pair.spi_out);
	assert_int_equal(sa->encap_sport, 4500);
	assert_int_equal(sa->encap_dport, 4500);
	sa = fake_kernel_sa(&f->right.kernel, side_last(&f->right, ENG_CHILD_UP)->ev.pair.spi_in);
	assert_int_equal(sa->encap_sport, 5500);
	assert_int_equal(sa->encap_dport, 4500);
	assert_true(addr_equal(&sa->src, &f->net.nat.outside));

	before = f->net.n_log;
	fixture_run_ms(f, 100 * 1000);
	for (unsigned i = before; i < f->net.n_log; i++)
		keepalives += f->net.log[i]->keepalive &&
			      addr_equal(&f->net.log[i]->src.addr, &f->left.addr);
	assert_in_range(keepalives, 4, 5);
	assert_int_equal(f->net.n_log - before, keepalives);

	/* ESP that we send keeps the mapping just as well. */
	before = f->net.n_log;
	f->left.kernel.peer.last_out = mono_add_ms(f->clock.now, 100 * 1000);
	fixture_run_ms(f, 100 * 1000);
	assert_true(f->net.n_log - before <= 1);
	fixture_free(f);
}

/* The NAT gives another port: the next authentic message moves IKE SA and SAs at the right. */
static void nat_moves(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	uint32_t spi;

	addr_parse("10.0.0.1", &f->net.nat.inside);
	addr_parse("192.0.2.9", &f->net.nat.outside);
	f->net.nat.port_offset = 1000;
	assert_true(fixture_up(f));
	f->net.nat.port_offset = 2000;
	assert_int_equal(f->left.engine->ops->probe(f->left.engine->impl, 1), 0);
	fixture_run_ms(f, 100);
	spi = side_last(&f->right, ENG_CHILD_UP)->ev.pair.spi_in;
	assert_int_equal(fake_kernel_sa(&f->right.kernel, spi)->encap_sport, 6500);
	assert_int_equal(f->right.kernel.n_replaced, 2);
	assert_null(side_last(&f->left, ENG_DOWN));
	fixture_free(f);
}

/* ---- INITIAL_CONTACT ---- */

/* The left restarts without a word: its new IKE SA takes the old one's SAs away at the right. */
static void initial_contact(void **state)
{
	struct fixture *f = fixture_new(AF_INET);

	assert_true(fixture_up(f));
	f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_QUIET);
	fixture_run_ms(f, 100);
	assert_int_equal(f->right.kernel.n_sas, 2);
	side_forget(&f->right);
	side_forget(&f->left);
	assert_true(fixture_up(f));
	assert_non_null(side_last(&f->right, ENG_DOWN));
	assert_int_equal(side_last(&f->right, ENG_DOWN)->ev.why, WHY_PEER_DELETE);
	assert_int_equal(f->right.kernel.n_sas, 2);
	fixture_free(f);
}

/* A second IKE SA beside the first says nothing of the kind. */
static void no_initial_contact_beside_another(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	struct engine_child c = fixture_child(2, 2);

	assert_true(fixture_up(f));
	assert_int_equal(
		f->left.engine->ops->open(f->left.engine->impl, 2, 1, &f->left.addr, &c, NULL), 0);
	fixture_run_ms(f, 500);
	assert_null(side_last(&f->right, ENG_DOWN));
	assert_int_equal(f->right.kernel.n_sas, 4);
	fixture_free(f);
}

static enum mock_fate from_another_port(void *ctx, struct datagram *d)
{
	const struct fixture *f = ctx;

	if (addr_equal(&d->src.addr, &f->right.addr))
		d->src.port = 4711;
	return MOCK_PASS;
}

/* Only we are behind a NAT: a moved port of the peer is not followed (§14.4). */
static void peer_without_nat_does_not_move(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	struct engine_conn_info info;

	addr_parse("10.0.0.1", &f->net.nat.inside);
	addr_parse("192.0.2.9", &f->net.nat.outside);
	assert_true(fixture_up(f));
	f->net.filter = from_another_port;
	f->net.filter_ctx = f;
	assert_int_equal(f->left.engine->ops->probe(f->left.engine->impl, 1), 0);
	fixture_run_ms(f, 100);
	assert_int_equal(f->left.engine->ops->conn_info(f->left.engine->impl, 1, &info), 0);
	assert_int_equal(info.peer.port, 4500);
	assert_int_equal(f->left.kernel.n_replaced, 0);
	fixture_free(f);
}

/* XFRM reports ESP-in-UDP from a new port: SAs and IKE SA follow. */
static void mapping_from_the_kernel(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	struct kernel_sa_id id = { .proto = IPPROTO_ESP };
	struct engine_conn_info info;
	struct endpoint from;

	addr_parse("10.0.0.1", &f->net.nat.inside);
	addr_parse("192.0.2.9", &f->net.nat.outside);
	f->net.nat.port_offset = 1000;
	assert_true(fixture_up(f));
	from = (struct endpoint){ f->net.nat.outside, 9999 };
	id.dst = f->right.addr;
	id.spi = side_last(&f->right, ENG_CHILD_UP)->ev.pair.spi_in;
	engine_ike_mapping(f->right.engine->impl, &id, &from, f->clock.now);
	assert_int_equal(fake_kernel_sa(&f->right.kernel, id.spi)->encap_sport, 9999);
	assert_int_equal(f->right.engine->ops->conn_info(f->right.engine->impl,
							 side_last(&f->right, ENG_UP)->ev.conn,
							 &info),
			 0);
	assert_int_equal(info.peer.port, 9999);
	fixture_free(f);
}

/* ---- both ends at once ---- */

static unsigned live_ike_sas(const struct side *s)
{
	struct engine_conn_info info;
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		n += s->log[i].ev.type == ENG_UP &&
		     !s->engine->ops->conn_info(s->engine->impl, s->log[i].ev.conn, &info);
	return n;
}

/* Whatever the nonces and however far apart: one IKE SA and one pair is left, never none. */
static void crossing_setups(void **state)
{
	for (unsigned i = 0; i < 60; i++) {
		struct fixture *f = fixture_new(AF_INET);
		struct engine_child c = fixture_child(1, 1);
		struct selector swap = selector_reverse(&c.sel);

		f->left.yields = f->right.yields = true;
		assert_int_equal(open_from_left(f, 6000, 6000), 0);
		fixture_run_ms(f, i % 6 * 5);
		c.sel = c.line_sel = swap;
		assert_int_equal(f->right.engine->ops->open(f->right.engine->impl, 1, 1,
							    &f->right.addr, &c, NULL),
				 0);
		fixture_run_ms(f, 5000);
		assert_int_equal(f->left.kernel.n_sas, 2);
		assert_int_equal(f->right.kernel.n_sas, 2);
		assert_int_equal(live_ike_sas(&f->left), 1);
		assert_int_equal(live_ike_sas(&f->right), 1);
		f->left.engine->ops->probe(f->left.engine->impl,
					   side_last(&f->left, ENG_CHILD_UP)->ev.conn);
		fixture_run_ms(f, 200);
		assert_int_equal(f->left.kernel.n_sas, 2);
		fixture_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families),
		cmocka_unit_test(every_ike_suite),
		cmocka_unit_test(every_esp_suite),
		cmocka_unit_test(any_message_lost_doubled_or_late),
		cmocka_unit_test(init_is_spread_over_the_budget),
		cmocka_unit_test(no_common_proposal),
		cmocka_unit_test(wrong_key),
		cmocka_unit_test(wrong_idr),
		cmocka_unit_test(configured_identities),
		cmocka_unit_test(wrong_idi),
		cmocka_unit_test(child_refused),
		cmocka_unit_test(inbound_refused),
		cmocka_unit_test(no_common_esp_suite),
		cmocka_unit_test(kernel_refuses),
		cmocka_unit_test(held_for_a_verdict),
		cmocka_unit_test(peer_gone_at_the_verdict),
		cmocka_unit_test(abandoned_auth),
		cmocka_unit_test(half_open_per_source),
		cmocka_unit_test(cookies),
		cmocka_unit_test(bad_key_exchange_counts),
		cmocka_unit_test(too_many_cookies),
		cmocka_unit_test(group_not_offered),
		cmocka_unit_test(algorithms_are_loaded_at_start),
		cmocka_unit_test(behind_nat),
		cmocka_unit_test(nat_moves),
		cmocka_unit_test(peer_without_nat_does_not_move),
		cmocka_unit_test(mapping_from_the_kernel),
		cmocka_unit_test(crossing_setups),
		cmocka_unit_test(initial_contact),
		cmocka_unit_test(no_initial_contact_beside_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
