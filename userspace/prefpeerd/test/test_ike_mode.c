// SPDX-License-Identifier: GPL-2.0-or-later
/* AH (RFC 4302) and transport mode (RFC 7296 §1.3.1) between two agents, and each of their failures. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/wire.h"
#include "prefpeerd/test/ike_flow.h"
#include "prefpeerd/test/ike_peer.h"

static const struct esp_suite ah256 = { .integ = INTEG_HMAC_SHA2_256_128 };
static const struct esp_suite ah384 = { .integ = INTEG_HMAC_SHA2_384_192, .esn = true };
static const struct esp_suite ah512 = { .integ = INTEG_HMAC_SHA2_512_256 };
static const struct esp_suite gcm = { .encr = ENCR_AES_GCM_16, .key_bits = 128 };

/* Of both ends; right answers with @theirs. */
static struct fixture *with(const struct esp_suite *theirs, enum sa_mode mode)
{
	struct fixture *f = fixture_new(AF_INET);

	f->right.inbound_child.suites[0] = *theirs;
	f->right.inbound_child.n_suites = 1;
	f->right.inbound_child.mode = mode;
	return f;
}

static struct engine_child child_of(child_id id, const struct esp_suite *suite, enum sa_mode mode)
{
	struct engine_child c = fixture_child(id, id);

	c.suites[0] = *suite;
	c.n_suites = 1;
	c.mode = mode;
	return c;
}

/* Between the gateways themselves. */
static struct engine_child own_child(const struct fixture *f, child_id id,
				     const struct esp_suite *suite, enum sa_mode mode)
{
	struct engine_child c = child_of(id, suite, mode);

	c.sel.src = prefix_host(&f->left.addr);
	c.sel.dst = prefix_host(&f->right.addr);
	c.line_sel = c.sel;
	return c;
}

static void run_set_up(struct fixture *f, const struct engine_child *c)
{
	struct engine_budget b = { 12000, 12000 };

	assert_int_equal(
		f->left.engine->ops->open(f->left.engine->impl, 1, 1, &f->left.addr, c, &b), 0);
	fixture_run_ms(f, 2000);
}

static void open_child(struct fixture *f, const struct engine_child *c)
{
	assert_int_equal(f->left.engine->ops->child_open(f->left.engine->impl, 1, c), 0);
	fixture_run_ms(f, 500);
}

/* What one end sends with, the other receives with; @kind is what both kernels have. */
static void same_pair(const struct fixture *f, struct sa_kind kind)
{
	const struct engine_pair *l = &side_last(&f->left, ENG_CHILD_UP)->ev.pair;
	const struct engine_pair *r = &side_last(&f->right, ENG_CHILD_UP)->ev.pair;
	const struct kernel_sa *out = fake_kernel_sa(&f->left.kernel, l->spi_out);
	const struct kernel_sa *in = fake_kernel_sa(&f->right.kernel, r->spi_in);
	uint8_t proto = kind.ah ? IPPROTO_AH : IPPROTO_ESP;

	assert_int_equal(l->spi_out, r->spi_in);
	assert_int_equal(r->spi_out, l->spi_in);
	assert_int_equal(suite_is_ah(&l->suite), kind.ah);
	assert_int_equal(l->transport, kind.transport);
	assert_int_equal(r->transport, kind.transport);
	assert_non_null(out);
	assert_non_null(in);
	assert_int_equal(out->id.proto, proto);
	assert_int_equal(in->id.proto, proto);
	assert_int_equal(out->transport, kind.transport);
	assert_int_equal(in->transport, kind.transport);
	assert_int_equal(out->encr_key_len, in->encr_key_len);
	assert_int_equal(out->integ_key_len, in->integ_key_len);
	assert_memory_equal(out->encr_key, in->encr_key, out->encr_key_len);
	assert_memory_equal(out->integ_key, in->integ_key, out->integ_key_len);
}

static const struct sa_kind ah = { .ah = true }, esp = { 0 }, esp_transport = { .transport = true };

/* ---- AH ---- */

static void ah_by_ike_auth(void **state)
{
	static const struct {
		const struct esp_suite *suite;
		size_t key;
	} each[] = { { &ah256, 32 }, { &ah384, 48 }, { &ah512, 64 } };

	for (unsigned i = 0; i < 3; i++) {
		struct fixture *f = with(each[i].suite, SA_MODE_TUNNEL);
		struct engine_child c = child_of(1, each[i].suite, SA_MODE_TUNNEL);
		const struct kernel_sa *sa;

		run_set_up(f, &c);
		same_pair(f, ah);
		sa = &f->left.kernel.sas[0];
		assert_int_equal(sa->encr_key_len, 0);
		assert_int_equal(sa->integ_key_len, each[i].key);
		assert_int_equal(sa->suite.esn, each[i].suite->esn);
		fixture_free(f);
	}
}

static void ah_by_create_child_sa_with_pfs(void **state)
{
	struct fixture *f = with(&ah512, SA_MODE_TUNNEL);
	struct engine_child first = child_of(1, &ah512, SA_MODE_TUNNEL);
	struct engine_child c = child_of(2, &ah512, SA_MODE_TUNNEL);

	c.pfs = DH_ECP_256;
	run_set_up(f, &first);
	open_child(f, &c);
	assert_int_equal(side_last(&f->left, ENG_CHILD_UP)->ev.child, 2);
	same_pair(f, ah);
	assert_int_equal(f->left.kernel.n_sas, 4);
	fixture_free(f);
}

static void ah_and_esp_have_nothing_in_common(void **state)
{
	struct fixture *f = with(&gcm, SA_MODE_TUNNEL);
	struct engine_child c = child_of(1, &ah256, SA_MODE_TUNNEL);

	run_set_up(f, &c);
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.why, WHY_PROPOSAL);
	assert_int_equal(f->left.kernel.n_sas, 0);
	assert_int_equal(f->right.kernel.n_sas, 0);
	fixture_free(f);
}

static void nat(struct fixture *f)
{
	addr_parse("10.0.0.1", &f->net.nat.inside);
	addr_parse("192.0.2.9", &f->net.nat.outside);
	f->net.nat.port_offset = 1000;
}

/* Said before anybody has proved anything, and nothing is asked for that cannot work. */
static void ah_does_not_pass_nat(void **state)
{
	struct fixture *f = with(&ah256, SA_MODE_TUNNEL);
	struct engine_child c = child_of(1, &ah256, SA_MODE_TUNNEL);

	nat(f);
	run_set_up(f, &c);
	assert_null(side_last(&f->left, ENG_CHILD_UP));
	assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_PROPOSAL);
	assert_non_null(strstr(side_last(&f->left, ENG_DOWN)->text, "AH cannot pass the NAT"));
	assert_int_equal(net_count(f, &f->left, XCHG_IKE_AUTH, false, 0), 0);
	fixture_free(f);
}

static void ah_beside_esp_does_not_pass_nat(void **state)
{
	struct fixture *f = with(&gcm, SA_MODE_TUNNEL);
	struct engine_child first = child_of(1, &gcm, SA_MODE_TUNNEL);
	struct engine_child c = child_of(2, &ah256, SA_MODE_TUNNEL);
	unsigned since;

	f->to_left.remote_id = ike_id_from_addr(&f->left.addr);
	f->right.engine->ops->remote_set(f->right.engine->impl, &f->to_left);
	nat(f);
	run_set_up(f, &first);
	assert_non_null(side_last(&f->left, ENG_CHILD_UP));
	since = f->net.n_log;
	open_child(f, &c);
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.child, 2);
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.why, WHY_PROPOSAL);
	assert_non_null(strstr(side_last(&f->left, ENG_CHILD_FAILED)->text, "AH cannot pass"));
	assert_int_equal(net_count(f, &f->left, XCHG_CREATE_CHILD_SA, false, since), 0);
	assert_null(side_last(&f->left, ENG_DOWN));
	fixture_free(f);
}

static void soft_end(struct side *s)
{
	const struct engine_event *ev = &side_last(s, ENG_CHILD_UP)->ev;
	struct kernel_sa_id id = { .dst = ev->pair.peer, .spi = ev->pair.spi_out,
				   .proto = suite_is_ah(&ev->pair.suite) ? IPPROTO_AH : IPPROTO_ESP };

	fake_kernel_carry(&s->kernel, id.spi);
	fake_kernel_carry(&s->kernel, ev->pair.spi_in);
	engine_ike_expire(s->engine->impl, &id, false);
}

/* A rekey by @by loses nothing, and the new pair is of the kind that the old one was. */
static void rekeys(struct fixture *f, struct side *by, struct sa_kind kind)
{
	unsigned rekeyed = side_count(&f->left, ENG_CHILD_REKEYED);
	struct flow there, back;
	const struct engine_pair *p;

	flow_start(&there, f, true, 0x50500001, 0);
	flow_start(&back, f, false, 77, 0);
	fixture_run_ms(f, 100);
	soft_end(by);
	fixture_run_ms(f, 20000);
	assert_int_equal(there.lost, 0);
	assert_int_equal(back.lost, 0);
	assert_true(there.arrived > 1000 && back.arrived > 1000);
	flow_stop(&there);
	flow_stop(&back);
	assert_int_equal(side_count(&f->left, ENG_CHILD_REKEYED), rekeyed + 1);
	p = &side_last(&f->left, ENG_CHILD_REKEYED)->ev.pair;
	assert_int_equal(suite_is_ah(&p->suite), kind.ah);
	assert_int_equal(p->transport, kind.transport);
	assert_int_equal(f->left.kernel.n_sas, 2);
	assert_int_equal(f->right.kernel.n_sas, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(f->left.kernel.sas[i].id.proto, kind.ah ? IPPROTO_AH : IPPROTO_ESP);
		assert_int_equal(f->right.kernel.sas[i].transport, kind.transport);
	}
}

static void ah_is_rekeyed(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct fixture *f = with(&ah256, SA_MODE_TUNNEL);
		struct engine_child c = child_of(1, &ah256, SA_MODE_TUNNEL);

		run_set_up(f, &c);
		rekeys(f, i ? &f->right : &f->left, ah);
		fixture_free(f);
	}
}

/* §4.8: its policies name AH until the pair is gone; the suites of ESP are for the next set-up. */
static void ah_outlives_a_change_to_esp(void **state)
{
	struct fixture *f = with(&ah256, SA_MODE_TUNNEL);
	struct engine_child c = child_of(1, &ah256, SA_MODE_TUNNEL);
	struct engine_child later = child_of(1, &gcm, SA_MODE_TUNNEL);

	run_set_up(f, &c);
	f->left.engine->ops->child_change(f->left.engine->impl, 1, 1, &later);
	rekeys(f, &f->left, ah);
	fixture_free(f);
}

static void ah_is_deleted(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct fixture *f = with(&ah256, SA_MODE_TUNNEL);
		struct engine_child c = child_of(1, &ah256, SA_MODE_TUNNEL);
		struct side *s = i ? &f->right : &f->left;
		const struct engine_event *ev;

		run_set_up(f, &c);
		ev = &side_last(s, ENG_CHILD_UP)->ev;
		assert_int_equal(s->engine->ops->child_close(s->engine->impl, ev->conn, ev->child,
							     CLOSE_DELETE), 0);
		fixture_run_ms(f, 1000);
		assert_int_equal(f->left.kernel.n_sas, 0);
		assert_int_equal(f->right.kernel.n_sas, 0);
		assert_int_equal(side_last(i ? &f->left : &f->right, ENG_CHILD_DOWN)->ev.why,
				 WHY_PEER_DELETE);
		fixture_free(f);
	}
}

/* SPIs of ESP and AH are apart (RFC 4301 §4.1): neither DELETE nor REKEY_SA crosses over, nor the end of an SA. */
static void a_spi_is_of_its_protocol(void **state)
{
	struct ike_peer *p = ike_peer_up();
	struct kernel_sa_id id = { .dst = p->f->left.addr, .proto = IPPROTO_AH };
	struct pld_notify n;
	uint32_t spi = p->child_spi_in;
	unsigned since;

	id.spi = side_last(&p->f->left, ENG_CHILD_UP)->ev.pair.spi_in;
	fake_kernel_carry(&p->f->left.kernel, id.spi);
	since = p->f->net.n_log;
	engine_ike_expire(p->f->left.engine->impl, &id, false);
	fixture_run_ms(p->f, 100);
	assert_int_equal(net_count(p->f, &p->f->left, XCHG_CREATE_CHILD_SA, false, since), 0);
	ike_peer_begin(p, XCHG_INFORMATIONAL);
	put_delete_child(&p->m, PROTO_ID_AH, &spi, 1);
	ike_peer_send(p);
	assert_int_equal(p->f->left.kernel.n_sas, 2);
	assert_null(payloads_find(&p->reply.p, PLD_DELETE));

	ike_peer_begin(p, XCHG_CREATE_CHILD_SA);
	put_notify_child(&p->m, N_REKEY_SA, PROTO_ID_AH, spi);
	ike_peer_send(p);
	assert_int_equal(p->reply.error, N_CHILD_SA_NOT_FOUND);
	assert_true(payloads_notify(&p->reply.p, N_CHILD_SA_NOT_FOUND, &n));
	assert_int_equal(n.protocol, PROTO_ID_AH);

	ike_peer_delete_child(p, spi);
	assert_int_equal(p->f->left.kernel.n_sas, 0);
	ike_peer_free(p);
}

/* ---- transport mode ---- */

static void transport_by_both_exchanges(void **state)
{
	struct fixture *f = with(&gcm, SA_MODE_TRANSPORT);
	struct engine_child c = own_child(f, 1, &gcm, SA_MODE_TRANSPORT);
	struct engine_child d = own_child(f, 2, &gcm, SA_MODE_TRANSPORT_REQUIRED);

	run_set_up(f, &c);
	same_pair(f, esp_transport);
	open_child(f, &d);
	assert_int_equal(side_last(&f->left, ENG_CHILD_UP)->ev.child, 2);
	same_pair(f, esp_transport);
	fixture_free(f);
}

static void transport_of_ah(void **state)
{
	struct fixture *f = with(&ah256, SA_MODE_TRANSPORT);
	struct engine_child c = own_child(f, 1, &ah256, SA_MODE_TRANSPORT);

	run_set_up(f, &c);
	same_pair(f, (struct sa_kind){ .ah = true, .transport = true });
	fixture_free(f);
}

/* The notify is left unanswered: a tunnel (§1.3.1). */
static void tunnel_where_the_peer_will_not(void **state)
{
	struct fixture *f = with(&gcm, SA_MODE_TUNNEL);
	struct engine_child c = own_child(f, 1, &gcm, SA_MODE_TRANSPORT);

	run_set_up(f, &c);
	same_pair(f, esp);
	fixture_free(f);
}

/* The peer believes that it is up: it is told otherwise, of either protocol. */
static void required_transport_is_refused(void **state)
{
	const struct esp_suite *suites[] = { &gcm, &ah256 };

	for (unsigned i = 0; i < 2; i++) {
		struct fixture *f = with(suites[i], SA_MODE_TUNNEL);
		struct engine_child c = own_child(f, 1, suites[i], SA_MODE_TRANSPORT_REQUIRED);

		run_set_up(f, &c);
		assert_null(side_last(&f->left, ENG_CHILD_UP));
		assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.why, WHY_PROPOSAL);
		assert_non_null(strstr(side_last(&f->left, ENG_CHILD_FAILED)->text, "transport mode"));
		assert_int_equal(side_last(&f->right, ENG_CHILD_DOWN)->ev.why, WHY_PEER_DELETE);
		assert_int_equal(f->left.kernel.n_sas, 0);
		assert_int_equal(f->right.kernel.n_sas, 0);
		fixture_free(f);
	}
}

static void required_transport_is_not_asked_for(void **state)
{
	struct fixture *f = with(&gcm, SA_MODE_TRANSPORT_REQUIRED);
	struct engine_child c = own_child(f, 1, &gcm, SA_MODE_TUNNEL);

	run_set_up(f, &c);
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.why, WHY_PROPOSAL);
	assert_int_equal(side_last(&f->right, ENG_CHILD_FAILED)->ev.why, WHY_PROPOSAL);
	assert_int_equal(f->right.kernel.n_sas, 0);
	fixture_free(f);
}

static unsigned asked_for_transport(const struct fixture *f)
{
	return side_last(&f->left, ENG_CHILD_UP)->ev.pair.transport;
}

/* As IOS: packets of others are in a tunnel, whatever the transform set says. */
static void networks_are_in_a_tunnel(void **state)
{
	struct fixture *f = with(&gcm, SA_MODE_TRANSPORT);
	struct engine_child c = child_of(1, &gcm, SA_MODE_TRANSPORT);
	struct engine_child d = child_of(2, &gcm, SA_MODE_TRANSPORT_REQUIRED);
	unsigned since;

	run_set_up(f, &c);
	assert_false(asked_for_transport(f));
	same_pair(f, esp);
	since = f->net.n_log;
	open_child(f, &d);
	assert_int_equal(side_last(&f->left, ENG_CHILD_FAILED)->ev.child, 2);
	assert_non_null(strstr(side_last(&f->left, ENG_CHILD_FAILED)->text, "not the two gateways"));
	assert_int_equal(net_count(f, &f->left, XCHG_CREATE_CHILD_SA, false, since), 0);
	fixture_free(f);
}

/* §2.23.1: the addresses of the selectors would be the NAT's. */
static void nat_means_a_tunnel(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct fixture *f = with(&gcm, SA_MODE_TRANSPORT);
		struct engine_child c = own_child(f, 1, &gcm, i ? SA_MODE_TRANSPORT_REQUIRED :
								  SA_MODE_TRANSPORT);

		f->to_left.remote_id = ike_id_from_addr(&f->left.addr);
		f->right.engine->ops->remote_set(f->right.engine->impl, &f->to_left);
		nat(f);
		run_set_up(f, &c);
		if (i) {
			assert_null(side_last(&f->left, ENG_CHILD_UP));
			assert_non_null(strstr(side_last(&f->left, ENG_DOWN)->text, "NAT"));
		} else {
			same_pair(f, esp);
		}
		fixture_free(f);
	}
}

static void transport_is_rekeyed(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct fixture *f = with(&gcm, SA_MODE_TRANSPORT);
		struct engine_child c = own_child(f, 1, &gcm, SA_MODE_TRANSPORT);

		run_set_up(f, &c);
		rekeys(f, i ? &f->right : &f->left, esp_transport);
		fixture_free(f);
	}
}

/* What fell back stays a tunnel: the rekey does not ask again. */
static void a_tunnel_is_rekeyed_as_one(void **state)
{
	struct fixture *f = with(&gcm, SA_MODE_TUNNEL);
	struct engine_child c = own_child(f, 1, &gcm, SA_MODE_TRANSPORT);

	run_set_up(f, &c);
	rekeys(f, &f->left, esp);
	fixture_free(f);
}

/* ---- a peer that keeps to none of it ---- */

/* That it asks for transport is left unanswered, as of a new pair. */
static void a_tunnel_stays_one_in_the_peers_rekey(void **state)
{
	struct ike_peer *p = ike_peer_up();
	struct pld_notify n;

	ike_peer_begin(p, XCHG_CREATE_CHILD_SA);
	put_notify_child(&p->m, N_REKEY_SA, PROTO_ID_ESP, p->child_spi_in);
	put_notify(&p->m, N_USE_TRANSPORT_MODE, NULL, 0);
	ike_peer_put_child(p, 0xabcdef01);
	ike_peer_send(p);
	assert_int_equal(p->reply.error, 0);
	assert_false(payloads_notify(&p->reply.p, N_USE_TRANSPORT_MODE, &n));
	assert_false(side_last(&p->f->left, ENG_CHILD_REKEYED)->ev.pair.transport);
	ike_peer_free(p);
}

/* Right's engine forgets what it was told: its rekeys ask for a tunnel. */
static void transport_is_not_given_up_by_a_rekey(void **state)
{
	struct fixture *f = with(&gcm, SA_MODE_TRANSPORT);
	struct engine_child c = own_child(f, 1, &gcm, SA_MODE_TRANSPORT);
	struct session *s;

	run_set_up(f, &c);
	s = ((struct ike *)f->right.engine->impl)->sessions;
	s->children->pair.transport = false;
	soft_end(&f->right);
	fixture_run_ms(f, 1000);
	assert_null(side_last(&f->left, ENG_CHILD_REKEYED));
	assert_int_equal(f->left.kernel.n_sas, 2);
	assert_true(f->left.kernel.sas[0].transport);
	fixture_free(f);
}

static void take_answer(struct fixture *f, bool notify, enum sa_mode mode, const char *wrong)
{
	struct engine_child want = own_child(f, 2, &gcm, mode);
	struct session *s = ((struct ike *)f->left.engine->impl)->sessions;
	struct child *c = child_new(s, &want);
	struct ike_header h = { .version = IKE_VERSION };
	const char *text;
	struct payloads p;
	struct msg_out m;

	msg_begin(&m, &h);
	put_notify(&m, notify ? N_USE_TRANSPORT_MODE : N_INITIAL_CONTACT, NULL, 0);
	assert_int_equal(payloads_parse(PLD_NOTIFY, m.buf + IKE_HEADER_LEN,
					m.w.len - IKE_HEADER_LEN, &p), 0);
	text = child_take_mode(c, &p);
	if (wrong) {
		assert_non_null(text);
		assert_non_null(strstr(text, wrong));
	} else {
		assert_null(text);
		assert_int_equal(c->pair.transport, notify);
	}
	child_free(c);
}

static void answers_to_what_was_asked(void **state)
{
	struct fixture *f = with(&gcm, SA_MODE_TUNNEL);
	struct engine_child c = child_of(1, &gcm, SA_MODE_TUNNEL);

	run_set_up(f, &c);
	take_answer(f, false, SA_MODE_TUNNEL, NULL);
	take_answer(f, true, SA_MODE_TUNNEL, "for which we did not ask");
	take_answer(f, true, SA_MODE_TRANSPORT, NULL);
	take_answer(f, false, SA_MODE_TRANSPORT, NULL);
	take_answer(f, true, SA_MODE_TRANSPORT_REQUIRED, NULL);
	take_answer(f, false, SA_MODE_TRANSPORT_REQUIRED, "which is required");
	fixture_free(f);
}

/* ---- proposals ---- */

static struct payload written(struct msg_out *m)
{
	size_t off = m->payload_off + 4;

	return (struct payload){ PLD_SA, m->buf + off, m->w.len - off };
}

static void offer(struct msg_out *m, const struct esp_suite *s, struct proposals *out)
{
	struct ike_header h = { .version = IKE_VERSION };
	struct payload p;

	msg_begin(m, &h);
	put_sa_esp_offer(m, s, 1, 0x11223344, DH_NONE);
	p = written(m);
	assert_int_equal(proposals_parse(&p, out), 0);
}

static void proposals_of_ah(void **state)
{
	struct proposals p;
	struct esp_choice got;
	struct msg_out m;

	offer(&m, &ah384, &p);
	assert_int_equal(p.list[0].protocol, PROTO_ID_AH);
	assert_int_equal(p.list[0].spi, 0x11223344);
	assert_int_equal(p.list[0].n, 3); /* integrity, ESN and none */
	assert_int_equal(esp_choose(&p, &ah384, 1, false, DH_NONE, 0, &got), 0);
	assert_true(got.suite.esn);
	assert_int_equal(esp_choose(&p, &ah256, 1, false, DH_NONE, 0, &got), -ENOENT);

	/* The same transforms as ESP's are none of AH, and the other way round. */
	p.list[0].protocol = PROTO_ID_ESP;
	assert_int_equal(esp_choose(&p, &ah384, 1, false, DH_NONE, 0, &got), -ENOENT);
	offer(&m, &gcm, &p);
	p.list[0].protocol = PROTO_ID_AH;
	assert_int_equal(esp_choose(&p, &gcm, 1, false, DH_NONE, 0, &got), -ENOENT);

	/* AH that encrypts is neither chosen nor accepted. */
	offer(&m, &ah256, &p);
	assert_int_equal(esp_accept(&p, &ah256, 1, DH_NONE, &got), 0);
	p.list[0].list[p.list[0].n++] = (struct transform){ TRANSFORM_ENCR, ENCR_NULL, 0 };
	assert_int_equal(esp_choose(&p, &ah256, 1, false, DH_NONE, 0, &got), -ENOENT);
	assert_int_equal(esp_accept(&p, &ah256, 1, DH_NONE, &got), -EINVAL);
}

/* Its SPI is of four bytes, as ESP's (§3.3.1): none is no proposal. */
static void spi_of_ah(void **state)
{
	static const uint8_t with_spi[] = { 0, 0, 0, 20, 1, PROTO_ID_AH, 4, 1, 1, 2, 3, 4,
					    0, 0, 0, 8,	 TRANSFORM_INTEG, 0, 0, 12 };
	static const uint8_t without[] = { 0, 0, 0, 16, 1, PROTO_ID_AH, 0, 1,
					   0, 0, 0, 8,	TRANSFORM_INTEG, 0, 0, 12 };
	struct payload one = { PLD_SA, with_spi, sizeof(with_spi) };
	struct payload none = { PLD_SA, without, sizeof(without) };
	struct proposals all;

	assert_int_equal(proposals_parse(&one, &all), 0);
	assert_int_equal(proposals_parse(&none, &all), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ah_by_ike_auth),
		cmocka_unit_test(ah_by_create_child_sa_with_pfs),
		cmocka_unit_test(ah_and_esp_have_nothing_in_common),
		cmocka_unit_test(ah_does_not_pass_nat),
		cmocka_unit_test(ah_beside_esp_does_not_pass_nat),
		cmocka_unit_test(ah_is_rekeyed),
		cmocka_unit_test(ah_outlives_a_change_to_esp),
		cmocka_unit_test(ah_is_deleted),
		cmocka_unit_test(a_spi_is_of_its_protocol),
		cmocka_unit_test(transport_by_both_exchanges),
		cmocka_unit_test(transport_of_ah),
		cmocka_unit_test(tunnel_where_the_peer_will_not),
		cmocka_unit_test(required_transport_is_refused),
		cmocka_unit_test(required_transport_is_not_asked_for),
		cmocka_unit_test(networks_are_in_a_tunnel),
		cmocka_unit_test(nat_means_a_tunnel),
		cmocka_unit_test(transport_is_rekeyed),
		cmocka_unit_test(a_tunnel_is_rekeyed_as_one),
		cmocka_unit_test(a_tunnel_stays_one_in_the_peers_rekey),
		cmocka_unit_test(transport_is_not_given_up_by_a_rekey),
		cmocka_unit_test(answers_to_what_was_asked),
		cmocka_unit_test(proposals_of_ah),
		cmocka_unit_test(spi_of_ah),
	};

	return cmocka_run_group_tests_name("AH and transport mode", tests, NULL, NULL);
}
