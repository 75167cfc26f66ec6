// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IKE_SA_INIT, both roles (RFC 7296 §1.2, §2.6, §2.7; RFC 7383 §2.3). Nothing in it is
 * authenticated, so nothing in it decides but a complete, proper answer
 * (semantics.md §10).
 */
#include "prefpeerd/engine_ike/ike.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

/* ---- initiator ---- */

static void answered(struct session *s, mono_t when)
{
	struct setup *su = s->setup;
	mono_t end = mono_add_ms(when, su->budget.finish_ms);

	if (su->answered)
		return;
	su->answered = true;
	su->deadline = end;
	timer_set(&s->e->env.timers, &s->expiry_timer, mono_add_ms(end, SETUP_GRACE_MS));
	ike_event(s->e, s, ENG_ANSWERED)->when = when;
}

static void remark(struct session *s, enum engine_why why, const char *text)
{
	struct engine_event *ev = ike_event(s->e, s, ENG_REMARK);

	ev->why = why;
	ike_event_text(ev, "%s (unauthenticated)", text);
}

static int build_request(struct session *s, struct msg_out *m)
{
	struct ike_header h = { .exchange = XCHG_IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR };
	struct setup *su = s->setup;
	uint8_t pub[CRYPTO_DH_PUB_MAX];
	enum ike_dh group = crypto_dh_group(su->dh);
	int err = crypto_dh_public(su->dh, pub);

	if (err)
		return err;
	memcpy(h.spi_i, s->spi_i, IKE_SPI_LEN);
	msg_begin(m, &h);
	if (su->cookie_len)
		put_notify(m, N_COOKIE, su->cookie, su->cookie_len);
	put_sa_ike_offer(m, ike_offer_at(s->e, &s->local.addr), NULL);
	put_ke(m, group, pub, dh_pub_len(group));
	put_nonce(m, su->ni, su->ni_len);
	if (!s->e->env.old_signatures)
		put_hash_algorithms(m);
	if (!s->e->settings.frag.off)
		put_notify(m, N_FRAGMENTATION_SUPPORTED, NULL, 0);
	err = put_natt(m, s->spi_i, s->spi_r, &s->local, &s->peer);
	return err ? err : msg_end(m);
}

/* What both ends have announced holds for the IKE SA. */
static void take_options(struct session *s, const struct payloads *p)
{
	const struct engine_settings *set = &s->e->settings;
	struct pld_notify n;

	s->frag.on = !set->frag.off && payloads_notify(p, N_FRAGMENTATION_SUPPORTED, &n);
	s->frag.mtu = set->frag.mtu;
}

static int prepare(struct session *s)
{
	struct setup *su = s->setup;

	if (!su->dh)
		su->dh = crypto_dh_new(ike_offer_at(s->e, &s->local.addr)->groups[0]);
	if (!su->dh)
		return -ENOMEM;
	if (su->ni_len)
		return 0;
	su->ni_len = IKE_NONCE_OURS;
	return crypto_random(su->ni, su->ni_len);
}

int init_start(struct session *s, struct task *t)
{
	struct setup *su = s->setup;
	int64_t left = mono_diff_ms(su->deadline, ike_now(s->e));
	struct curve curve = curve_budget(left > 1 ? (uint32_t)left : 1, s->srtt_us, s->dpd.fixed);
	struct msg_out m;
	int err = prepare(s);

	if (!err)
		err = build_request(s, &m);
	if (err)
		return err;
	free(su->msg_i);
	su->msg_i = bytes_dup(m.buf, m.w.len);
	su->msg_i_len = m.w.len;
	return su->msg_i ? request_start(s, t, &m, &curve) : -ENOMEM;
}

/* The same exchange once more, with a cookie or another group: still message 0. */
static void again(struct session *s, mono_t when)
{
	answered(s, when);
	request_done(s);
	task_push(s, TASK_INIT, NULL);
	exchange_next(s);
}

static void take_cookie(struct session *s, const struct pld_notify *n, mono_t when)
{
	struct setup *su = s->setup;

	if (!n->data.len || n->data.len > sizeof(su->cookie) || su->n_cookies == COOKIES_MAX) {
		remark(s, WHY_UNKNOWN, "COOKIE refused: malformed, or one too many");
		return;
	}
	su->n_cookies++;
	memcpy(su->cookie, n->data.p, n->data.len);
	su->cookie_len = n->data.len;
	again(s, when);
}

static void take_group(struct session *s, const struct pld_notify *n, mono_t when)
{
	struct setup *su = s->setup;
	struct crypto_dh *dh = NULL;
	uint16_t group;
	struct rdr r;

	rdr_init(&r, n->data.p, n->data.len);
	group = rdr_u16(&r);
	if (!rdr_done(&r) || !ike_group_offered(ike_offer_at(s->e, &s->local.addr), group) ||
	    group == crypto_dh_group(su->dh) || su->n_invalid_ke == INVALID_KE_MAX) {
		remark(s, WHY_PROPOSAL, "INVALID_KE_PAYLOAD for a group that was not offered");
		return;
	}
	dh = crypto_dh_new(group);
	if (!dh)
		return;
	su->n_invalid_ke++;
	crypto_dh_free(su->dh);
	su->dh = dh;
	again(s, when);
}

/* True: @p was one of the notifies that an IKE_SA_INIT may be answered with. */
static bool take_notify(struct session *s, const struct payloads *p, mono_t when)
{
	struct pld_notify n;
	uint16_t error;

	if (payloads_notify(p, N_COOKIE, &n)) {
		take_cookie(s, &n, when);
		return true;
	}
	if (payloads_notify(p, N_INVALID_KE_PAYLOAD, &n)) {
		take_group(s, &n, when);
		return true;
	}
	error = payloads_error(p);
	if (error)
		remark(s, notify_why(error), notify_name(error));
	return error;
}

/* NULL, or what is wrong with the peer's answer. */
static const char *take_keys(struct session *s, const struct ike_header *h,
			     const struct payloads *p)
{
	const struct payload *sa = payloads_find(p, PLD_SA), *ke = payloads_find(p, PLD_KE);
	const struct payload *no = payloads_find(p, PLD_NONCE);
	uint8_t shared[CRYPTO_DH_SHARED_MAX];
	struct setup *su = s->setup;
	struct ike_suite suite;
	struct proposals all;
	struct pld_ke kx;
	struct chunk nr;
	size_t len;
	int err;

	if (!sa || !ke || !no || proposals_parse(sa, &all) || ke_parse(ke, &kx) ||
	    nonce_parse(no, &nr))
		return "malformed IKE_SA_INIT response";
	if (ike_accept(ike_offer_at(s->e, &s->local.addr), &all, &suite))
		return "IKE_SA_INIT response chooses none of our proposals";
	if (suite.dh != crypto_dh_group(su->dh) || kx.group != suite.dh ||
	    crypto_dh_derive(su->dh, kx.data.p, kx.data.len, shared, &len))
		return "IKE_SA_INIT response has no usable KE payload";
	err = ike_keys_derive(&suite, (struct chunk){ su->ni, su->ni_len }, nr,
			      (struct chunk){ shared, len }, s->spi_i, h->spi_r, &s->keys);
	crypto_wipe(shared, sizeof(shared));
	if (err)
		return "keys cannot be derived";
	memcpy(su->nr, nr.p, nr.len);
	su->nr_len = nr.len;
	s->suite = suite;
	s->has_keys = true;
	return NULL;
}

static void float_ports(struct session *s)
{
	if (!session_encap(s))
		return;
	s->local.port = IKE_NATT_PORT;
	s->peer.port = IKE_NATT_PORT;
}

static void go_on(struct session *s, const struct ike_header *h, const struct payloads *p,
		  const uint8_t *bytes, size_t len, mono_t when)
{
	struct setup *su = s->setup;

	su->msg_r = bytes_dup(bytes, len);
	su->msg_r_len = len;
	if (!su->msg_r)
		return;
	memcpy(s->spi_r, h->spi_r, IKE_SPI_LEN);
	session_export_keys(s);
	take_options(s, p);
	s->natt = natt_judge(p, s->spi_i, s->spi_r, &s->peer, &s->local);
	float_ports(s);
	answered(s, when);
	session_rtt(s, (when.ns - s->rq.first_sent.ns) / 1000, s->rq.total == 1);
	request_done(s);
	crypto_dh_free(su->dh);
	su->dh = NULL;
	s->next_out = 1;
	crossing_note(s);
	auth_take_hash_algorithms(su, p);
	auth_take_certreq(su, p);
	session_set_state(s, SES_AUTH, "IKE_SA_INIT answered");
	auth_start(s);
}

void init_response(struct session *s, const struct ike_header *h, const struct endpoint *peer,
		   const uint8_t *bytes, size_t len, mono_t when)
{
	static const uint8_t zero[IKE_SPI_LEN];
	struct payloads p;
	const char *wrong;

	if (s->state != SES_INIT || !s->rq.task || h->id != 0 || h->flags & IKE_FLAG_INITIATOR ||
	    !endpoint_equal(peer, &s->peer)) {
		s->e->counters.out_of_window++;
		return;
	}
	s->rx++;
	if (payloads_parse(h->next, bytes + IKE_HEADER_LEN, len - IKE_HEADER_LEN, &p) ||
	    p.unknown_critical) {
		s->e->counters.malformed++;
		return;
	}
	if (take_notify(s, &p, when))
		return;
	wrong = memcmp(h->spi_r, zero, IKE_SPI_LEN) ? take_keys(s, h, &p)
						    : "IKE_SA_INIT response without SPI";
	if (wrong)
		remark(s, WHY_PROPOSAL, wrong);
	else
		go_on(s, h, &p, bytes, len, when);
}

/* ---- responder ---- */

/* What a request has to have. Borrows from it. */
struct init_in {
	struct ike *e;
	const struct ike_header *h;
	const struct endpoint *local, *peer;
	struct chunk whole;
	mono_t when;
	struct payloads p;
	struct proposals all;
	struct pld_ke ke;
	struct chunk ni;
	uint8_t num; /* of the chosen proposal */
	struct ike_suite suite;
};

/* Without any state, SPIr 0: errors, COOKIE, INVALID_KE_PAYLOAD. */
static void reply_bare(struct init_in *in, uint16_t type, const void *data, size_t len)
{
	struct ike_header h = { .exchange = XCHG_IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE };
	struct msg_out m;

	memcpy(h.spi_i, in->h->spi_i, IKE_SPI_LEN);
	msg_begin(&m, &h);
	put_notify(&m, type, data, len);
	/* Rather no answer than one that is longer than what was asked. */
	if (msg_end(&m) || m.w.len > in->whole.len)
		return;
	in->e->counters.sent++;
	ike_net_send(in->e, in->local, in->peer, m.buf, m.w.len);
}

static bool init_key_of(const struct init_in *in, struct init_key *key)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->addr, in->peer->addr.bytes, addr_len(&in->peer->addr));
	key->port = in->peer->port;
	key->family = in->peer->addr.family;
	return !crypto_sha256(&in->whole, 1, key->hash);
}

static unsigned or_else(uint32_t configured, unsigned otherwise)
{
	return configured ? configured : otherwise;
}

/* One more of those that peers begin? A refusal is counted by its reason, and not answered. */
static bool has_room(struct ike *e, const struct addr *from)
{
	const struct ike_limits *l = &e->settings.limits;

	if (l->sas && e->n_theirs >= l->sas) {
		e->counters.refused_sas++;
		return false;
	}
	switch (half_open_judge(&e->half_open, or_else(l->half_open, HALF_OPEN_MAX), from)) {
	case HALF_OPEN_TOTAL:
		e->counters.refused_total++;
		break;
	case HALF_OPEN_NETWORK:
		e->counters.refused_network++;
		break;
	case HALF_OPEN_SOURCE:
		e->counters.refused_source++;
		break;
	case HALF_OPEN_ADMIT:
		return true;
	}
	return false;
}

/* It came back with our cookie: something is at the address that it says it is from. */
static bool has_cookie(const struct init_in *in)
{
	struct pld_notify n;

	return payloads_notify(&in->p, N_COOKIE, &n) &&
	       cookie_valid(&in->e->jar, in->when, n.data, in->ni, in->peer, in->h->spi_i);
}

static void ask_cookie(struct init_in *in)
{
	uint8_t cookie[COOKIE_LEN];

	if (!cookie_make(&in->e->jar, in->when, in->ni, in->peer, in->h->spi_i, cookie))
		reply_bare(in, N_COOKIE, cookie, sizeof(cookie));
	in->e->counters.cookies++;
}

/* §14.2's limits. Cookies first: a flood with forged sources must not reach the others. */
static bool admitted(struct init_in *in)
{
	struct ike *e = in->e;

	if (e->half_open.n >= or_else(e->settings.limits.cookies, HALF_OPEN_COOKIES) &&
	    !has_cookie(in)) {
		ask_cookie(in);
		return false;
	}
	return has_room(e, &in->peer->addr);
}

#define NOTIFY_LEN(data) (IKE_PAYLOAD_HEADER_LEN + 4 + (data))

/* Of our response, at most; what is put only where there is room (CERTREQ) left out. */
static size_t response_len(const struct init_in *in)
{
	const size_t proposal = 8 + 12 + 3 * 8; /* of four transforms, one with a key length */

	return IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + proposal +
	       IKE_PAYLOAD_HEADER_LEN + 4 + dh_pub_len(in->suite.dh) +
	       IKE_PAYLOAD_HEADER_LEN + IKE_NONCE_OURS +
	       NOTIFY_LEN(8) + NOTIFY_LEN(0) + 2 * NOTIFY_LEN(CRYPTO_SHA1_LEN);
}

/*
 * Never more bytes to an address that nobody has proven to be at than came from it:
 * a bare request is shorter than the answer to it, so that has to bring a cookie.
 */
static bool proven(struct init_in *in)
{
	if (in->whole.len >= response_len(in) || has_cookie(in))
		return true;
	ask_cookie(in);
	return false;
}

static bool parse_request(struct init_in *in)
{
	const struct payload *sa, *ke, *no;

	if (payloads_parse(in->h->next, (const uint8_t *)in->whole.p + IKE_HEADER_LEN,
			   in->whole.len - IKE_HEADER_LEN, &in->p))
		return false;
	if (in->p.unknown_critical) {
		reply_bare(in, N_UNSUPPORTED_CRITICAL_PAYLOAD, &in->p.unknown_critical, 1);
		return false;
	}
	sa = payloads_find(&in->p, PLD_SA);
	ke = payloads_find(&in->p, PLD_KE);
	no = payloads_find(&in->p, PLD_NONCE);
	return sa && ke && no && !proposals_parse(sa, &in->all) && !ke_parse(ke, &in->ke) &&
	       !nonce_parse(no, &in->ni);
}

static bool choose_suite(struct init_in *in)
{
	uint8_t group[2];

	if (ike_choose(ike_offer_at(in->e, &in->local->addr), &in->all, in->ke.group, &in->num, &in->suite)) {
		reply_bare(in, N_NO_PROPOSAL_CHOSEN, NULL, 0);
		return false;
	}
	if (in->suite.dh == in->ke.group)
		return true;
	group[0] = (uint8_t)(in->suite.dh >> 8);
	group[1] = (uint8_t)in->suite.dh;
	reply_bare(in, N_INVALID_KE_PAYLOAD, group, sizeof(group));
	return false;
}

static int derive_responder(struct session *s, const struct init_in *in, struct crypto_dh *dh)
{
	uint8_t shared[CRYPTO_DH_SHARED_MAX];
	struct setup *su = s->setup;
	size_t len;
	int err = crypto_dh_derive(dh, in->ke.data.p, in->ke.data.len, shared, &len);

	if (!err)
		err = ike_keys_derive(&s->suite, in->ni, (struct chunk){ su->nr, su->nr_len },
				      (struct chunk){ shared, len }, s->spi_i, s->spi_r, &s->keys);
	crypto_wipe(shared, sizeof(shared));
	s->has_keys = !err;
	session_export_keys(s);
	return err;
}

static int build_response(struct session *s, struct init_in *in, const uint8_t *pub,
			  struct msg_out *m)
{
	struct ike_header h = { .exchange = XCHG_IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE };
	struct setup *su = s->setup;
	int err;

	memcpy(h.spi_i, s->spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, s->spi_r, IKE_SPI_LEN);
	msg_begin(m, &h);
	put_sa_ike_choice(m, in->num, &s->suite, NULL);
	put_ke(m, s->suite.dh, pub, dh_pub_len(s->suite.dh));
	put_nonce(m, su->nr, su->nr_len);
	if (su->peer_hashes)
		put_hash_algorithms(m);
	if (s->frag.on)
		put_notify(m, N_FRAGMENTATION_SUPPORTED, NULL, 0);
	err = put_natt(m, s->spi_i, s->spi_r, &s->local, &s->peer);
	/* Never more than came in: the address is not proven yet. */
	if (in->whole.len > m->w.len)
		put_certreq_for(m, s->e, &s->peer.addr, in->whole.len - m->w.len);
	return err ? err : msg_end(m);
}

static int fill_setup(struct session *s, const struct init_in *in)
{
	struct setup *su = s->setup;

	memcpy(s->spi_i, in->h->spi_i, IKE_SPI_LEN);
	s->local = *in->local;
	s->peer = *in->peer;
	s->suite = in->suite;
	s->next_in = 1;
	take_options(s, &in->p);
	s->natt = natt_judge(&in->p, s->spi_i, in->h->spi_r, &s->peer, &s->local);
	memcpy(su->ni, in->ni.p, in->ni.len);
	su->ni_len = in->ni.len;
	su->nr_len = IKE_NONCE_OURS;
	auth_take_hash_algorithms(su, &in->p);
	su->msg_i = bytes_dup(in->whole.p, in->whole.len);
	su->msg_i_len = in->whole.len;
	return su->msg_i ? crypto_random(su->nr, su->nr_len) : -ENOMEM;
}

static int respond(struct session *s, struct init_in *in)
{
	struct crypto_dh *dh = crypto_dh_new(in->suite.dh);
	uint8_t pub[CRYPTO_DH_PUB_MAX];
	struct setup *su = s->setup;
	struct msg_out m;
	uint8_t *bytes;
	int err = dh ? fill_setup(s, in) : -ENOMEM;

	if (!err)
		err = crypto_dh_public(dh, pub);
	if (!err)
		err = derive_responder(s, in, dh);
	crypto_dh_free(dh);
	if (!err)
		err = build_response(s, in, pub, &m);
	if (err)
		return err;
	su->msg_r = bytes_dup(m.buf, m.w.len);
	su->msg_r_len = m.w.len;
	if (!su->msg_r)
		return -ENOMEM;
	crossing_note(s);
	bytes = bytes_dup(m.buf, m.w.len);
	if (!bytes)
		return -ENOMEM;
	response_keep(s, bytes, m.w.len);
	session_send(s, bytes, m.w.len);
	return 0;
}

static void new_half_open(struct init_in *in, const struct init_key *key)
{
	struct ike *e = in->e;
	struct session *s = session_new(e, false);
	int err;

	if (!s)
		return;
	s->init_key = *key;
	memcpy(s->rs.request_hash, key->hash, sizeof(key->hash));
	s->rs.have_request = true;
	/*
	 * Counted before the Diffie-Hellman, and for as long as any other when that
	 * comes to nothing: a flood of values that are on no curve meets the cookie too.
	 */
	s->counted_from = in->peer->addr;
	if (!session_add_half_open(s)) {
		session_end(s, WHY_LOCAL, "no memory");
		return;
	}
	timer_set(&e->env.timers, &s->expiry_timer, mono_add_ms(ike_now(e), HALF_OPEN_MS));
	err = respond(s, in);
	if (!err)
		return;
	e->counters.malformed++;
	log_debug("ike", "IKE_SA_INIT refused: %s", strerror(-err));
	/* A failure of our own: it may ask again. */
	if (err != -EINVAL)
		session_end(s, WHY_UNKNOWN, "IKE_SA_INIT refused: %s", strerror(-err));
}

void init_request(struct ike *e, const struct ike_header *h, const struct endpoint *local,
		  const struct endpoint *peer, const uint8_t *bytes, size_t len, mono_t when)
{
	struct init_in in = {
		.e = e, .h = h, .local = local, .peer = peer, .when = when, .whole = { bytes, len }
	};
	struct init_key key;
	struct session *s;

	if (!init_key_of(&in, &key))
		return;
	HASH_FIND(hh_init, e->by_init, &key, sizeof(key), s);
	if (s) {
		response_repeat(s, bytes, len, when);
		return;
	}
	if (!parse_request(&in)) {
		e->counters.malformed++;
		return;
	}
	if (admitted(&in) && choose_suite(&in) && proven(&in))
		new_half_open(&in, &key);
}
