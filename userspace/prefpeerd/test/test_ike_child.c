// SPDX-License-Identifier: GPL-2.0-or-later
/* Children beyond the first, rekey by the peer, and every way in which SAs go. */
#include <errno.h>
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

static struct fixture *up(void)
{
	struct fixture *f = fixture_new(AF_INET);

	assert_true(fixture_up(f));
	return f;
}

static int open_child(struct side *s, conn_id conn, const struct engine_child *c)
{
	return s->engine->ops->child_open(s->engine->impl, conn, c);
}

static int close_child(struct side *s, conn_id conn, child_id child, enum engine_close how)
{
	return s->engine->ops->child_close(s->engine->impl, conn, child, how);
}

static conn_id right_conn(const struct fixture *f)
{
	return side_last(&f->right, ENG_UP)->ev.conn;
}

static child_id right_child(const struct fixture *f)
{
	return side_last(&f->right, ENG_CHILD_UP)->ev.child;
}

static enum mock_fate drop_all(void *ctx, struct datagram *d)
{
	return MOCK_DROP;
}

static enum mock_fate drop_requests_of_left(void *ctx, struct datagram *d)
{
	const struct fixture *f = ctx;

	return addr_equal(&d->src.addr, &f->left.addr) && !datagram_is_response(d) ? MOCK_DROP
										   : MOCK_PASS;
}

/* ---- more children ---- */

static void second_child_both_roles(void **state)
{
	struct fixture *f = up();
	struct engine_child c = fixture_child(2, 2), back = fixture_child(3, 3);
	struct selector swap;

	assert_int_equal(open_child(&f->left, 1, &c), 0);
	assert_int_equal(open_child(&f->left, 1, &c), -EEXIST);
	fixture_run_ms(f, 100);
	assert_int_equal(side_last(&f->left, ENG_CHILD_UP)->ev.child, 2);
	assert_int_equal(f->left.kernel.n_sas, 4);

	/* The original responder's own request 0, from its point of view. */
	swap = selector_reverse(&back.sel);
	back.sel = back.line_sel = swap;
	assert_int_equal(open_child(&f->right, right_conn(f), &back), 0);
	fixture_run_ms(f, 100);
	assert_int_equal(side_last(&f->right, ENG_CHILD_UP)->ev.child, 3);
	assert_int_equal(side_last(&f->left, ENG_INBOUND)->ev.conn, 1);
	assert_int_equal(f->left.kernel.n_sas, 6);
	assert_int_equal(f->right.kernel.n_sas, 6);
	assert_int_equal(side_last(&f->left, ENG_CHILD_UP)->ev.pair.spi_in,
			 side_last(&f->right, ENG_CHILD_UP)->ev.pair.spi_out);
	fixture_free(f);
}

/* Three at once: one request outstanding, the others behind it. */
static void window_is_one(void **state)
{
	struct fixture *f = up();
	unsigned since = f->net.n_log;

	for (unsigned i = 2; i < 5; i++) {
		struct engine_child c = fixture_child(i, i);

		assert_int_equal(open_child(&f->left, 1, &c), 0);
	}
	assert_int_equal(net_count(f, &f->left, XCHG_CREATE_CHILD_SA, false, since), 1);
	fixture_run_ms(f, 500);
	assert_int_equal(net_count(f, &f->left, XCHG_CREATE_CHILD_SA, false, since), 3);
	assert_int_equal(side_count(&f->left, ENG_CHILD_UP), 4);
	fixture_free(f);
}

static void refused_child_leaves_the_rest(void **state)
{
	struct fixture *f = up();
	struct engine_child c = fixture_child(2, 2);

	f->right.policy = INBOUND_REFUSE;
	assert_int_equal(open_child(&f->left, 1, &c), 0);
	fixture_run_ms(f, 100);
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.child, 2);
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.why, WHY_TS);
	assert_null(side_last(&f->left, ENG_DOWN));
	assert_null(side_last(&f->right, ENG_DOWN));
	assert_int_equal(f->left.kernel.n_sas, 2);
	/* The id may be used again. */
	f->right.policy = INBOUND_ACCEPT;
	assert_int_equal(open_child(&f->left, 1, &c), 0);
	fixture_run_ms(f, 100);
	assert_int_equal(side_last(&f->left, ENG_CHILD_UP)->ev.child, 2);
	fixture_free(f);
}

/* The verdict was yes and the engine cannot: the caller, who counts the child in, hears of it. */
static void accepted_and_then_refused(void **state)
{
	struct fixture *f = up();
	struct engine_child c = fixture_child(2, 2), d = fixture_child(3, 3);

	f->right.inbound_child.suites[0] =
		(struct esp_suite){ ENCR_AES_CBC, 192, INTEG_HMAC_SHA2_256_128, false };
	f->right.inbound_child.n_suites = 1;
	assert_int_equal(open_child(&f->left, 1, &c), 0);
	fixture_run_ms(f, 100);
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.why, WHY_PROPOSAL);
	assert_int_equal(side_count(&f->right, ENG_CHILD_FAILED), 1);
	assert_int_equal(side_last(&f->right, ENG_CHILD_FAILED)->ev.why, WHY_PROPOSAL);
	assert_int_equal(side_last(&f->right, ENG_CHILD_FAILED)->ev.child, f->right.next_id - 1);
	assert_int_equal(side_last(&f->right, ENG_CHILD_FAILED)->ev.conn, right_conn(f));

	f->right.inbound_child.n_suites = 0;
	f->right.kernel.add_error = -ENOBUFS;
	assert_int_equal(open_child(&f->left, 1, &d), 0);
	fixture_run_ms(f, 100);
	assert_int_equal(side_count(&f->right, ENG_CHILD_FAILED), 2);
	assert_int_equal(side_last(&f->right, ENG_CHILD_FAILED)->ev.child, f->right.next_id - 1);
	assert_int_equal(side_count(&f->right, ENG_CHILD_UP), 1);
	assert_int_equal(f->right.kernel.n_sas, 2);
	fixture_free(f);
}

/* A pair that the kernel refused leaves no key behind. */
static void refused_pair_leaves_no_key(void **state)
{
	static const uint8_t zero[SA_KEY_MAX];
	struct fixture *f = up();
	struct engine_child c = fixture_child(2, 2), want;
	struct inbound_answer a;
	struct inbound *in;
	struct msg_out m;

	f->right.policy = INBOUND_WAIT;
	assert_int_equal(open_child(&f->left, 1, &c), 0);
	fixture_run_ms(f, 100);
	in = ((struct ike *)f->right.engine->impl)->inbounds;
	want = f->right.inbound_child;
	want.sel = want.line_sel = side_last(&f->right, ENG_INBOUND)->ev.offered[0];
	reply_begin(in->s, XCHG_CREATE_CHILD_SA, &m);
	f->right.kernel.add_error = -ENOBUFS;
	inbound_answer(in, &want, &m, &a);
	assert_int_equal(a.notify, N_NO_ADDITIONAL_SAS);
	assert_memory_equal(a.out.encr_key, zero, sizeof(a.out.encr_key));
	assert_memory_equal(a.out.integ_key, zero, sizeof(a.out.integ_key));
	fixture_free(f);
}

/* The responder narrows: both install a selector, so that XFRM asks for the rest (§14.1). */
static void narrowed(void **state)
{
	struct fixture *f = up();
	struct engine_child c = fixture_child(2, 2);
	const struct engine_event *in;
	struct engine_verdict v = { .accept = true };
	const struct kernel_sa *sa;

	f->right.policy = INBOUND_WAIT;
	assert_int_equal(open_child(&f->left, 1, &c), 0);
	fixture_run_ms(f, 100);
	in = &side_last(&f->right, ENG_INBOUND)->ev;
	v.child = f->right.inbound_child;
	v.child.id = 50;
	v.child.line_sel = v.child.sel = in->offered[0];
	prefix_parse("192.168.2.128/25", &v.child.sel.dst);
	assert_int_equal(
		f->right.engine->ops->inbound_reply(f->right.engine->impl, in->inbound, &v), 0);
	fixture_run_ms(f, 100);
	sa = fake_kernel_sa(&f->left.kernel, side_last(&f->left, ENG_CHILD_UP)->ev.pair.spi_in);
	assert_true(sa->has_sel);
	assert_int_equal(sa->sel.dst.len, 25);
	sa = fake_kernel_sa(&f->left.kernel, side_last(&f->left, ENG_CHILD_UP)->ev.pair.spi_out);
	assert_int_equal(sa->sel.src.len, 25);
	assert_int_equal(side_last(&f->left, ENG_CHILD_UP)->ev.pair.sel.src.len, 25);
	fixture_free(f);
}

static void put_ts_of(struct msg_out *m, uint8_t type, const char *const *prefixes, uint8_t n)
{
	struct prefix p;
	struct selector s = selector_any(AF_INET);
	struct ts ts, other;

	msg_payload_begin(m, type);
	wtr_u8(&m->w, n);
	wtr_room(&m->w, 3);
	for (uint8_t i = 0; i < n; i++) {
		assert_int_equal(prefix_parse(prefixes[i], &p), 0);
		s.src = p;
		selector_to_ts(&s, &ts, &other);
		wtr_u8(&m->w, TS_IPV4_ADDR_RANGE);
		wtr_u8(&m->w, 0);
		wtr_u16(&m->w, 16);
		wtr_u16(&m->w, ts.port.lo);
		wtr_u16(&m->w, ts.port.hi);
		wtr_bytes(&m->w, ts.lo.bytes, 4);
		wtr_bytes(&m->w, ts.hi.bytes, 4);
	}
	msg_payload_end(m);
}

static void put_copy(struct msg_out *m, const struct payloads *p, uint8_t type)
{
	const struct payload *pld = payloads_find(p, type);

	msg_payload_begin(m, type);
	wtr_bytes(&m->w, pld->body, pld->len);
	msg_payload_end(m);
}

/* right's answer to CREATE_CHILD_SA with three TSr: the first narrow, the last beside the offer. */
static enum mock_fate answer_in_parts(void *ctx, struct datagram *d)
{
	static const char *const tsi[] = { "192.168.2.0/24" };
	static const char *const tsr[] = { "172.16.2.64/26", "172.16.2.128/25", "10.0.0.0/8" };
	struct fixture *f = ctx;
	struct session *s = ((struct ike *)f->right.engine->impl)->sessions;
	struct msg_cipher c = session_cipher(s, true);
	struct payloads p;
	struct ike_header h;
	struct msg_out m;

	if (datagram_exchange(d) != XCHG_CREATE_CHILD_SA || !datagram_is_response(d))
		return MOCK_PASS;
	assert_int_equal(ike_header_parse(d->bytes, d->len, &h), 0);
	assert_int_equal(msg_open(&c, d->bytes, d->len, &p), 0);
	msg_begin_sk(&m, &h, &c);
	put_copy(&m, &p, PLD_SA);
	put_copy(&m, &p, PLD_NONCE);
	put_ts_of(&m, PLD_TSI, tsi, 1);
	put_ts_of(&m, PLD_TSR, tsr, 3);
	assert_int_equal(msg_seal(&m, &c, &s->iv_counter), 0);
	memcpy(d->bytes, m.buf, m.w.len);
	d->len = m.w.len;
	return MOCK_PASS;
}

/* Which TSr of three the pair has when a packet to @flow asked; NULL: none did. */
static void one_of_many(const char *flow, const char *want)
{
	struct fixture *f = up();
	struct engine_child c = fixture_child(2, 2);
	char text[PREFIX_STRLEN];

	if (flow) {
		c.has_flow = true;
		c.flow = selector_any(AF_INET);
		prefix_parse("192.168.2.7/32", &c.flow.src);
		prefix_parse(flow, &c.flow.dst);
	}
	f->net.filter = answer_in_parts;
	f->net.filter_ctx = f;
	assert_int_equal(open_child(&f->left, 1, &c), 0);
	fixture_run_ms(f, 100);
	assert_int_equal(side_last(&f->left, ENG_CHILD_UP)->ev.child, 2);
	prefix_print(&side_last(&f->left, ENG_CHILD_UP)->ev.pair.sel.dst, text, sizeof(text));
	assert_string_equal(text, want);
	fixture_free(f);
}

static void answered_with_several_selectors(void **state)
{
	one_of_many("172.16.2.70/32", "172.16.2.64/26");
	one_of_many("172.16.2.200/32", "172.16.2.128/25");
	one_of_many("172.16.2.1/32", "172.16.2.128/25");
	one_of_many(NULL, "172.16.2.128/25");
}

/* Left asks for a line; right answers @narrow of it. What left made of that, after a look at its SA. */
static struct selector narrowed_by_right(const struct selector *narrow, const struct selector *flow)
{
	struct fixture *f = up();
	struct engine_child c = fixture_child(2, 2);
	struct engine_verdict v = { .accept = true };
	const struct engine_event *in;
	const struct kernel_sa *sa;
	struct engine_pair pair;

	c.has_flow = flow;
	if (flow)
		c.flow = *flow;
	f->right.policy = INBOUND_WAIT;
	assert_int_equal(open_child(&f->left, 1, &c), 0);
	fixture_run_ms(f, 100);
	in = &side_last(&f->right, ENG_INBOUND)->ev;
	v.child = f->right.inbound_child;
	v.child.id = 50;
	v.child.sel = *narrow;
	v.child.line_sel = in->offered[0];
	assert_int_equal(
		f->right.engine->ops->inbound_reply(f->right.engine->impl, in->inbound, &v), 0);
	fixture_run_ms(f, 100);
	assert_int_equal(side_last(&f->left, ENG_CHILD_UP)->ev.child, 2);
	pair = side_last(&f->left, ENG_CHILD_UP)->ev.pair;
	sa = fake_kernel_sa(&f->left.kernel, pair.spi_out);
	assert_true(sa->has_sel);
	assert_true(selector_equal(&sa->sel, &pair.sel));
	/* Both ends have the same one, and right what it answered. */
	sa = fake_kernel_sa(&f->right.kernel, pair.spi_out);
	assert_true(sa->has_sel && selector_equal(&sa->sel, &pair.sel));
	fixture_free(f);
	return pair.sel;
}

static void narrowed_to_ports(void **state)
{
	struct engine_child c = fixture_child(2, 2);
	struct selector narrow = selector_reverse(&c.sel), got;

	/* ICMP: type and code, the same at both ends. */
	narrow.proto = IPPROTO_ICMP;
	narrow.sport = (struct port_range){ 8, 8 };
	narrow.dport = (struct port_range){ 0, 0 };
	got = narrowed_by_right(&narrow, NULL);
	assert_int_equal(got.proto, IPPROTO_ICMP);
	assert_int_equal(got.sport.lo, 8);
	assert_int_equal(got.sport.hi, 8);
	assert_int_equal(got.dport.lo, 0);
	assert_int_equal(got.dport.hi, 0);

	/* A range of ports that no mask says: the responder answers with a block of it. */
	narrow.proto = IPPROTO_UDP;
	narrow.sport = (struct port_range){ 1000, 2999 };
	narrow.dport = (struct port_range){ 0, UINT16_MAX };
	got = narrowed_by_right(&narrow, NULL);
	assert_int_equal(got.sport.lo, 0);
	assert_int_equal(got.sport.hi, UINT16_MAX);
	assert_int_equal(got.dport.lo, 1024);
	assert_int_equal(got.dport.hi, 2047);
}

/* ---- children that go ---- */

static void closed_by_delete(void **state)
{
	struct fixture *f = up();
	uint32_t out = side_last(&f->left, ENG_CHILD_UP)->ev.pair.spi_out;
	uint32_t in = side_last(&f->left, ENG_CHILD_UP)->ev.pair.spi_in;

	f->right.kernel.pair.last_use = f->clock.now;
	assert_int_equal(close_child(&f->left, 1, 1, CLOSE_DELETE), 0);
	/* Outbound at once, inbound at the answer. */
	assert_null(fake_kernel_sa(&f->left.kernel, out));
	assert_non_null(fake_kernel_sa(&f->left.kernel, in));
	fixture_run_ms(f, 100);
	assert_null(fake_kernel_sa(&f->left.kernel, in));
	assert_int_equal(side_last(&f->left, ENG_CHILD_DOWN)->ev.why, WHY_LOCAL);
	assert_int_equal(side_last(&f->right, ENG_CHILD_DOWN)->ev.why, WHY_PEER_DELETE);
	/* Whether it went under traffic is told from a reading before it went. */
	assert_int_equal(side_last(&f->right, ENG_CHILD_DOWN)->ev.last_use.ns,
			 f->right.kernel.pair.last_use.ns);
	assert_int_equal(f->right.kernel.n_sas, 0);
	assert_null(side_last(&f->left, ENG_DOWN));
	assert_int_equal(close_child(&f->left, 1, 1, CLOSE_DELETE), -ENOENT);
	fixture_free(f);
}

static void closed_quietly_and_in_two_steps(void **state)
{
	struct fixture *f = up();
	struct engine_child c = fixture_child(2, 2);
	unsigned since;

	assert_int_equal(open_child(&f->left, 1, &c), 0);
	fixture_run_ms(f, 100);
	since = f->net.n_log;
	assert_int_equal(close_child(&f->left, 1, 1, CLOSE_OUT), 0);
	assert_int_equal(f->left.kernel.n_sas, 3);
	assert_int_equal(close_child(&f->left, 1, 1, CLOSE_OUT), -EBUSY);
	assert_int_equal(close_child(&f->left, 1, 1, CLOSE_QUIET), 0);
	assert_int_equal(f->left.kernel.n_sas, 2);
	assert_int_equal(close_child(&f->left, 1, 2, CLOSE_QUIET), 0);
	assert_int_equal(f->left.kernel.n_sas, 0);
	fixture_run_ms(f, 1000);
	assert_int_equal(f->net.n_log, since);
	assert_int_equal(side_count(&f->left, ENG_CHILD_DOWN), 2);
	fixture_free(f);
}

/* §1.4.1: both ends delete the pair at once; neither answer names an SPI, nothing is left. */
static void crossing_deletes(void **state)
{
	struct fixture *f = up();
	conn_id conn = right_conn(f);
	child_id child = right_child(f);

	assert_int_equal(close_child(&f->left, 1, 1, CLOSE_DELETE), 0);
	assert_int_equal(close_child(&f->right, conn, child, CLOSE_DELETE), 0);
	fixture_run_ms(f, 1000);
	assert_int_equal(f->left.kernel.n_sas, 0);
	assert_int_equal(f->right.kernel.n_sas, 0);
	assert_int_equal(side_last(&f->left, ENG_CHILD_DOWN)->ev.why, WHY_LOCAL);
	assert_int_equal(side_last(&f->right, ENG_CHILD_DOWN)->ev.why, WHY_LOCAL);
	assert_int_equal(side_count(&f->left, ENG_CHILD_DOWN), 1);
	assert_null(side_last(&f->left, ENG_DOWN));
	/* The IKE SA still works. */
	f->left.engine->ops->probe(f->left.engine->impl, 1);
	fixture_run_ms(f, 1000);
	assert_null(side_last(&f->left, ENG_DOWN));
	fixture_free(f);
}

/* Ours is on its way when the peer's comes: our answer names no SPI of that pair. */
static void crossing_delete_is_answered_empty(void **state)
{
	struct ike_peer *p = ike_peer_up();

	p->f->net.filter = drop_requests_of_left;
	p->f->net.filter_ctx = p->f;
	assert_int_equal(close_child(&p->f->left, p->conn, p->child, CLOSE_DELETE), 0);
	ike_peer_delete_child(p, p->child_spi_in);
	assert_int_equal(p->reply.error, 0);
	assert_null(payloads_find(&p->reply.p, PLD_DELETE));
	assert_int_equal(p->f->left.kernel.n_sas, 0);
	ike_peer_free(p);
	/* And where nothing crossed, it names ours. */
	p = ike_peer_up();
	ike_peer_delete_child(p, p->child_spi_in);
	assert_non_null(payloads_find(&p->reply.p, PLD_DELETE));
	ike_peer_free(p);
}

/* Closed while its request is outstanding: gone for the caller, deleted once it exists. */
static void closed_while_opening(void **state)
{
	struct fixture *f = up();
	struct engine_child c = fixture_child(2, 2), d = fixture_child(3, 3);

	assert_int_equal(open_child(&f->left, 1, &c), 0);
	assert_int_equal(open_child(&f->left, 1, &d), 0);
	assert_int_equal(close_child(&f->left, 1, 2, CLOSE_DELETE), 0);
	assert_int_equal(close_child(&f->left, 1, 3, CLOSE_DELETE), 0);
	fixture_run_ms(f, 1000);
	assert_int_equal(side_count(&f->left, ENG_CHILD_UP), 1);
	assert_int_equal(side_count(&f->left, ENG_CHILD_DOWN), 2);
	assert_int_equal(side_last(&f->right, ENG_CHILD_DOWN)->ev.why, WHY_PEER_DELETE);
	assert_int_equal(f->left.kernel.n_sas, 2);
	assert_int_equal(f->right.kernel.n_sas, 2);
	fixture_free(f);
}

/* ---- IKE SAs that go ---- */

static void ike_sa_closed(void **state)
{
	struct fixture *f = up();
	unsigned since = f->net.n_log;

	assert_int_equal(f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_DELETE), 0);
	assert_int_equal(fake_kernel_count(&f->left.kernel, SA_DIR_OUT), 0);
	assert_int_equal(fake_kernel_count(&f->left.kernel, SA_DIR_IN), 1);
	fixture_run_ms(f, 100);
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_LOCAL);
	assert_int_equal(side_last(&f->right, ENG_DOWN)->ev.why, WHY_PEER_DELETE);
	assert_int_equal(f->left.kernel.n_sas + f->right.kernel.n_sas, 0);
	/* The DELETE stands alone: no child DELETEs before it. */
	assert_int_equal(net_count(f, &f->left, XCHG_INFORMATIONAL, false, since), 1);
	assert_int_equal(f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_DELETE),
			 -ENOENT);
	fixture_free(f);
}

/* Its answer lost: the DELETE comes again and is answered again, though the SA is gone there. */
static enum mock_fate drop_first_response(void *ctx, struct datagram *d)
{
	bool *done = ctx;

	if (*done || !datagram_is_response(d))
		return MOCK_PASS;
	*done = true;
	return MOCK_DROP;
}

static void delete_answer_lost(void **state)
{
	struct fixture *f = up();
	bool done = false;

	f->net.filter = drop_first_response;
	f->net.filter_ctx = &done;
	assert_int_equal(f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_DELETE), 0);
	fixture_run_ms(f, 5000);
	assert_int_equal(engine_ike_counters(f->right.engine)->repeats, 1);
	assert_int_equal(f->left.kernel.n_sas + f->right.kernel.n_sas, 0);
	fixture_free(f);
}

static void crossing_ike_deletes(void **state)
{
	struct fixture *f = up();
	conn_id conn = right_conn(f);

	f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_DELETE);
	f->right.engine->ops->close(f->right.engine->impl, conn, CLOSE_DELETE);
	fixture_run_ms(f, 1000);
	assert_int_equal(f->left.kernel.n_sas + f->right.kernel.n_sas, 0);
	assert_int_equal(side_count(&f->left, ENG_DOWN), 1);
	assert_int_equal(side_count(&f->right, ENG_DOWN), 1);
	fixture_free(f);
}

/* DELETE waits behind an outstanding request for the DPD budget, then the SA is dropped (§14.3). */
static void close_behind_a_stuck_request(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	struct engine_child c = fixture_child(2, 2);
	unsigned since;

	fixture_dpd(f, DPD_ON_DEMAND, 10000, 2000);
	assert_true(fixture_up(f));
	since = f->net.n_log;
	f->net.filter = drop_all;
	assert_int_equal(open_child(&f->left, 1, &c), 0);
	f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_DELETE);
	assert_int_equal(fake_kernel_count(&f->left.kernel, SA_DIR_OUT), 0);
	fixture_run_ms(f, 11900);
	assert_int_equal(f->left.kernel.n_sas, 1);
	assert_int_equal(net_count(f, &f->left, XCHG_INFORMATIONAL, false, since), 0);
	fixture_run_ms(f, 200);
	assert_int_equal(f->left.kernel.n_sas, 0);
	fixture_free(f);
}

static enum mock_fate drop_informational(void *ctx, struct datagram *d)
{
	return datagram_exchange(d) == XCHG_INFORMATIONAL ? MOCK_DROP : MOCK_PASS;
}

/* Its child's answer comes after the close: nothing may be sent on what both ends drop. */
static void closed_before_the_answer(void **state)
{
	struct fixture *f = up();
	struct engine_child c = fixture_child(2, 2);

	f->net.filter = drop_informational;
	assert_int_equal(open_child(&f->left, 1, &c), 0);
	f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_DELETE);
	fixture_run_ms(f, 1000);
	assert_int_equal(f->right.kernel.n_sas, 4);
	assert_int_equal(fake_kernel_count(&f->left.kernel, SA_DIR_OUT), 0);
	f->net.filter = NULL;
	fixture_run_ms(f, 10000);
	assert_int_equal(f->left.kernel.n_sas + f->right.kernel.n_sas, 0);
	fixture_free(f);
}

static void stop_deletes_and_ends(void **state)
{
	struct fixture *f = up();

	f->left.engine->ops->stop(f->left.engine->impl, 2000);
	fixture_run_ms(f, 100);
	assert_int_equal(side_count(&f->left, ENG_LOST), 1);
	assert_int_equal(side_last(&f->right, ENG_DOWN)->ev.why, WHY_PEER_DELETE);
	assert_int_equal(f->left.kernel.n_sas, 0);
	fixture_free(f);
}

static void stop_does_not_wait_for_ever(void **state)
{
	struct fixture *f = up();

	f->net.filter = drop_all;
	f->left.engine->ops->stop(f->left.engine->impl, 2000);
	fixture_run_ms(f, 1900);
	assert_int_equal(side_count(&f->left, ENG_LOST), 0);
	fixture_run_ms(f, 200);
	assert_int_equal(side_count(&f->left, ENG_LOST), 1);
	assert_int_equal(f->left.kernel.n_sas, 0);
	fixture_free(f);
}

/* ---- what only a hand-made peer asks ---- */

/* The peer rekeys: new pair under the same id and reqid, outbound when the old one is deleted. */
static void rekey_by_the_peer(void **state)
{
	struct ike_peer *p = ike_peer_up();
	const struct kernel_sa *sa;
	struct engine_pair pair;

	ike_peer_rekey_child(p, p->child_spi_in);
	assert_int_equal(p->reply.error, 0);
	assert_non_null(side_last(&p->f->left, ENG_CHILD_REKEYED));
	pair = side_last(&p->f->left, ENG_CHILD_REKEYED)->ev.pair;
	assert_int_equal(side_last(&p->f->left, ENG_CHILD_REKEYED)->ev.child, p->child);
	sa = fake_kernel_sa(&p->f->left.kernel, pair.spi_in);
	assert_non_null(sa);
	assert_int_equal(sa->reqid, 77);
	/* The peer has yet to install its inbound SA. */
	assert_null(fake_kernel_sa(&p->f->left.kernel, pair.spi_out));
	assert_int_equal(p->f->left.kernel.n_sas, 3);
	ike_peer_delete_child(p, p->child_spi_in);
	assert_non_null(fake_kernel_sa(&p->f->left.kernel, pair.spi_out));
	/* The old inbound SA, for what is still on its way. */
	assert_int_equal(p->f->left.kernel.n_sas, 3);
	assert_int_equal(fake_kernel_count(&p->f->left.kernel, SA_DIR_OUT), 1);
	fixture_run_ms(p->f, 5000);
	assert_int_equal(p->f->left.kernel.n_sas, 2);
	assert_null(side_last(&p->f->left, ENG_CHILD_DOWN));
	ike_peer_free(p);
}

/*
 * It does not delete the old one: the outbound SA is held back until the peer is
 * seen to have the new pair, or for three minutes.
 */
static void rekey_settles(void **state)
{
	struct ike_peer *p = ike_peer_up();

	ike_peer_rekey_child(p, p->child_spi_in);
	fixture_run_ms(p->f, 179000);
	assert_int_equal(p->f->left.kernel.n_sas, 3);
	fixture_run_ms(p->f, 2000);
	assert_int_equal(p->f->left.kernel.n_sas, 4);
	ike_peer_free(p);

	p = ike_peer_up();
	ike_peer_rekey_child(p, p->child_spi_in);
	fixture_run_ms(p->f, 3000);
	assert_int_equal(p->f->left.kernel.n_sas, 3);
	fake_kernel_carry(&p->f->left.kernel,
			  side_last(&p->f->left, ENG_CHILD_REKEYED)->ev.pair.spi_in);
	fixture_run_ms(p->f, 1100);
	assert_int_equal(p->f->left.kernel.n_sas, 4);
	/* Closing the child takes both pairs along. */
	close_child(&p->f->left, p->conn, p->child, CLOSE_QUIET);
	assert_int_equal(p->f->left.kernel.n_sas, 0);
	ike_peer_free(p);
}

static void rekey_of_an_unknown_child(void **state)
{
	struct ike_peer *p = ike_peer_up();

	ike_peer_rekey_child(p, 0x12345678);
	assert_int_equal(p->reply.error, N_CHILD_SA_NOT_FOUND);
	assert_int_equal(p->f->left.kernel.n_sas, 2);
	ike_peer_free(p);
}

static void unknown_critical_payload(void **state)
{
	struct ike_peer *p = ike_peer_up();

	ike_peer_critical(p, 200);
	assert_int_equal(p->reply.error, N_UNSUPPORTED_CRITICAL_PAYLOAD);
	assert_int_equal(p->reply.data[0], 200);
	assert_null(side_last(&p->f->left, ENG_DOWN));
	ike_peer_free(p);
}

/* Each request once: a repeat is answered from the cache, byte for byte, at most every 100 ms. */
static void repeats(void **state)
{
	struct ike_peer *p = ike_peer_up();
	unsigned since;

	ike_peer_probe(p);
	since = p->f->net.n_log;
	for (int i = 0; i < 10; i++) {
		ike_peer_repeat(p);
		fixture_run_ms(p->f, 20);
	}
	assert_in_range(p->f->net.n_log - since, 4, 5); /* ten in 500 ms */
	assert_memory_equal(p->f->net.log[since]->bytes, p->f->net.log[since - 1]->bytes,
			    p->f->net.log[since]->len);
	assert_int_equal(engine_ike_counters(p->f->left.engine)->repeats, p->f->net.n_log - since);
	ike_peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_child_both_roles),
		cmocka_unit_test(window_is_one),
		cmocka_unit_test(refused_child_leaves_the_rest),
		cmocka_unit_test(accepted_and_then_refused),
		cmocka_unit_test(refused_pair_leaves_no_key),
		cmocka_unit_test(narrowed),
		cmocka_unit_test(narrowed_to_ports),
		cmocka_unit_test(answered_with_several_selectors),
		cmocka_unit_test(closed_by_delete),
		cmocka_unit_test(closed_quietly_and_in_two_steps),
		cmocka_unit_test(crossing_deletes),
		cmocka_unit_test(crossing_delete_is_answered_empty),
		cmocka_unit_test(closed_while_opening),
		cmocka_unit_test(ike_sa_closed),
		cmocka_unit_test(delete_answer_lost),
		cmocka_unit_test(crossing_ike_deletes),
		cmocka_unit_test(close_behind_a_stuck_request),
		cmocka_unit_test(closed_before_the_answer),
		cmocka_unit_test(stop_deletes_and_ends),
		cmocka_unit_test(stop_does_not_wait_for_ever),
		cmocka_unit_test(rekey_by_the_peer),
		cmocka_unit_test(rekey_settles),
		cmocka_unit_test(rekey_of_an_unknown_child),
		cmocka_unit_test(unknown_critical_payload),
		cmocka_unit_test(repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
