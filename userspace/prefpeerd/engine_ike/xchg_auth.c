// SPDX-License-Identifier: GPL-2.0-or-later
/* IKE_AUTH and the first child, both roles (RFC 7296 §1.2, §2.15); by certificate: auth_cert.c. */
#include "prefpeerd/engine_ike/ike.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "prefpeerd/engine_ike/auth.h"

static struct ike_id our_id(const struct session *s, const struct remote *r)
{
	return r->r.local_id.type == IKE_ID_NONE ? ike_id_from_addr(&s->local.addr) : r->r.local_id;
}

/* §14.5: what the peer must call itself, where that is one name. */
static struct ike_id expected_id(const struct remote *r)
{
	return r->r.remote_id.type == IKE_ID_NONE ? ike_id_from_addr(&r->r.peer) : r->r.remote_id;
}

static bool by_map_alone(const struct remote *r)
{
	return r->r.cert_map && !r->r.n_ids && r->r.remote_id.type == IKE_ID_NONE;
}

static bool is_expected(const struct remote *r, const struct ike_id *id)
{
	struct ike_id_rule one = { .id = expected_id(r) };

	/* Whatever its certificate proves: the map says whose will do. */
	if (by_map_alone(r))
		return true;
	if (r->r.any && !r->r.n_ids && r->r.remote_id.type == IKE_ID_NONE)
		return true;
	if (!r->r.n_ids)
		return ike_id_rule_matches(&one, id);
	for (unsigned i = 0; i < r->r.n_ids; i++)
		if (ike_id_rule_matches(&r->r.ids[i], id))
			return true;
	return false;
}

/* Of two keys, while one takes the other's place, the new one; the peer's choice is ours, too. */
static struct chunk own_psk(const struct session *s, const struct remote *r)
{
	return r->r.psk_next.p && !s->setup->old_key ? r->r.psk_next :
						       (struct chunk){ r->r.psk, r->r.psk_len };
}

/* What AUTH of one side covers; @initiator: of the original initiator's. */
static struct auth_in auth_input(const struct session *s, const struct remote *r, bool initiator,
				 struct chunk id)
{
	const struct setup *su = s->setup;

	return (struct auth_in){
		.prf = s->suite.prf,
		.psk = own_psk(s, r),
		.message = initiator ? (struct chunk){ su->msg_i, su->msg_i_len }
				     : (struct chunk){ su->msg_r, su->msg_r_len },
		.nonce = initiator ? (struct chunk){ su->nr, su->nr_len }
				   : (struct chunk){ su->ni, su->ni_len },
		.id_body = id,
		.sk_p = initiator ? s->keys.i.p : s->keys.r.p,
	};
}

static int put_own_auth(struct session *s, const struct remote *r, struct msg_out *m)
{
	uint8_t body[4 + IKE_ID_MAX], auth[CRYPTO_PRF_MAX];
	struct chunk id_chunk = { body, id_body(&s->setup->id, body) };
	struct auth_in in = auth_input(s, r, s->initiator, id_chunk);
	int err;

	if (s->setup->own)
		return put_signature(m, s->setup);
	if (!r->r.psk)
		return -ENOKEY;
	err = auth_psk(&in, auth);
	if (!err)
		put_auth(m, AUTH_SHARED_KEY, auth, prf_len(s->suite.prf));
	crypto_wipe(auth, sizeof(auth));
	return err;
}

static bool is_made_with(const struct session *s, struct auth_in in, struct chunk key,
			 const struct pld_auth *auth)
{
	uint8_t want[CRYPTO_PRF_MAX];
	size_t len = prf_len(s->suite.prf);
	bool ok;

	in.psk = key;
	if (!key.p || auth->data.len != len || auth_psk(&in, want))
		return false;
	ok = crypto_equal(want, auth->data.p, len);
	crypto_wipe(want, sizeof(want));
	return ok;
}

/* A caller is answered with the key that it has. */
static bool psk_matches(struct session *s, const struct remote *r, const struct auth_in *in,
			const struct pld_auth *auth, char *why, size_t size)
{
	struct chunk own = { r->r.psk, r->r.psk_len };

	snprintf(why, size, "the peer's AUTH is not made with our pre-shared key");
	if (is_made_with(s, *in, r->r.psk_next, auth))
		return true;
	if (!is_made_with(s, *in, r->r.psk_theirs.p ? r->r.psk_theirs : own, auth))
		return false;
	s->setup->old_key |= !s->initiator;
	return true;
}

/* As the configuration asks; never by what the peer would rather have. */
static bool peer_auth_matches(struct session *s, const struct remote *r, const struct payloads *p,
			      const struct payload *id, const struct pld_auth *auth, char *why,
			      size_t size)
{
	struct auth_in in =
		auth_input(s, r, !s->initiator, (struct chunk){ id->body, id->len });
	unsigned may = r->r.remote_auth ? r->r.remote_auth : ENGINE_AUTH_PSK;
	bool by_psk = auth->method == AUTH_SHARED_KEY;

	if (by_psk && may & ENGINE_AUTH_PSK && !r->r.cert_map)
		return psk_matches(s, r, &in, auth, why, size);
	if (!by_psk && may & ~(unsigned)ENGINE_AUTH_PSK)
		return auth_verify_signature(s, r, p, auth, &in, &s->peer_id, why, size);
	snprintf(why, size, "the peer proves itself by %s, and is to do so by %s",
		 by_psk ? "a pre-shared key" : "a signature",
		 by_psk ? "a certificate" : "our pre-shared key");
	return false;
}

/* ---- our AUTH, both roles ---- */

/* Nothing leaves before it is signed. -EINPROGRESS: auth_signed() follows. */
static int sign_own(struct session *s, const struct remote *r, char *why, size_t size)
{
	uint8_t body[4 + IKE_ID_MAX];
	struct auth_in in;
	int err;

	s->setup->id = our_id(s, r);
	if (r->r.broken) {
		snprintf(why, size, "%s", r->r.broken);
		return -EKEYREJECTED;
	}
	if (!r->r.own)
		return 0;
	in = auth_input(s, r, s->initiator, (struct chunk){ body, id_body(&s->setup->id, body) });
	err = auth_sign(s, r, &in, why, size);
	return err ? err : -EINPROGRESS;
}

static void send_auth(struct session *s)
{
	task_push(s, TASK_AUTH, s->setup->first);
	exchange_next(s);
}

void auth_start(struct session *s)
{
	const struct remote *r = remote_find(s->e, s->remote);
	const struct child *first = s->setup->first;
	const char *cannot = first ? child_cannot(first) : NULL;
	char why[EVENT_TEXT_MAX] = "the peer is no longer configured";
	int err;

	/* Where NAT is is known now, and only now. */
	if (cannot) {
		session_end(s, WHY_PROPOSAL, "%s", cannot);
		return;
	}
	err = r ? sign_own(s, r, why, sizeof(why)) : -ENOENT;
	if (!err)
		send_auth(s);
	else if (err != -EINPROGRESS)
		session_end(s, WHY_LOCAL, "%s", why);
}

/* ---- initiator ---- */

/* §10: sent to a peer to which no other IKE SA is held. */
static bool is_first_contact(const struct session *s, const struct remote *r)
{
	const struct session *it;

	DL_FOREACH(s->e->sessions, it)
		if (it != s && it->state == SES_UP &&
		    (by_map_alone(r) ? it->remote == s->remote : is_expected(r, &it->peer_id)))
			return false;
	return true;
}

int auth_build(struct session *s, struct task *t, struct msg_out *m)
{
	struct remote *r = remote_find(s->e, s->remote);
	struct ike_id peer;
	int err;

	if (!r || !t->child)
		return -ECANCELED;
	err = child_draw_spi(t->child);
	if (err)
		return err;
	peer = expected_id(r);
	put_id(m, PLD_IDI, &s->setup->id);
	put_own_certs(m, s->setup);
	if (is_first_contact(s, r))
		put_notify(m, N_INITIAL_CONTACT, NULL, 0);
	put_certreq(m, s->e, r);
	/* A DN is written either way round: only its certificate knows which. */
	if (r->r.remote_id.type != IKE_ID_NONE && r->r.remote_id.type != IKE_ID_DER_ASN1_DN)
		put_id(m, PLD_IDR, &peer);
	err = put_own_auth(s, r, m);
	if (err)
		return err;
	put_qcd_token(m, s);
	err = put_child_offer(m, t->child, NULL);
	if (err)
		return err;
	t->child->state = CHILD_OPENING;
	return 0;
}

/* The peer believes that it is up: it is told otherwise, the caller that it failed. */
static void fail_and_delete(struct session *s, enum engine_why why, const char *text)
{
	struct child *c, *tmp;

	DL_FOREACH_SAFE(s->children, c, tmp)
		child_free(c);
	session_setup_done(s);
	session_close(s, why, text);
}

static const char *expected_text(const struct remote *r, char *buf, size_t size)
{
	struct ike_id want = expected_id(r);

	if (!r->r.n_ids)
		return ike_id_print(&want, buf, size);
	ike_id_rule_print(&r->r.ids[0], buf, size);
	if (r->r.n_ids > 1)
		snprintf(buf + strlen(buf), size - strlen(buf), " or %u more", r->r.n_ids - 1);
	return buf;
}

static bool id_matches(const struct remote *r, const struct ike_id *id, char *text, size_t size)
{
	char got_text[IKE_ID_STRLEN], want_text[IKE_ID_STRLEN];

	if (is_expected(r, id))
		return true;
	snprintf(text, size, "the peer identifies itself as %.100s, expected is %.100s",
		 ike_id_print(id, got_text, sizeof(got_text)),
		 expected_text(r, want_text, sizeof(want_text)));
	return false;
}

/* False: the session is over. */
static bool verify_response(struct session *s, const struct payloads *p)
{
	const struct payload *idr = payloads_find(p, PLD_IDR), *pa = payloads_find(p, PLD_AUTH);
	struct remote *r = remote_find(s->e, s->remote);
	uint16_t error = payloads_error(p);
	struct pld_auth auth;
	char text[EVENT_TEXT_MAX];

	if (error == N_AUTHENTICATION_FAILED && r && r->r.psk_next.p && !r->r.own &&
	    !s->setup->old_key && setup_again(s)) {
		log_notice("ike", "the peer refuses the next pre-shared key: once more with the other");
		session_end(s, WHY_AUTH, "refused with the next pre-shared key");
		return false;
	}
	if (!idr || !pa) {
		session_end(s, error ? notify_why(error) : WHY_UNKNOWN, "IKE_AUTH answered with %s",
			    error ? notify_name(error) : "neither IDr nor AUTH");
		return false;
	}
	if (!r) {
		fail_and_delete(s, WHY_LOCAL, "the peer is no longer configured");
		return false;
	}
	if (id_parse(idr, &s->peer_id) || auth_parse(pa, &auth)) {
		fail_and_delete(s, WHY_AUTH, "IDr or AUTH of the peer is malformed, or too long");
		return false;
	}
	if (!peer_auth_matches(s, r, p, idr, &auth, text, sizeof(text))) {
		fail_and_delete(s, WHY_AUTH, text);
		return false;
	}
	if (!id_matches(r, &s->peer_id, text, sizeof(text))) {
		fail_and_delete(s, WHY_AUTH, text);
		return false;
	}
	return true;
}

void auth_response(struct session *s, struct task *t, const struct payloads *p)
{
	struct child_outcome out;
	struct child *c = t->child;
	struct setup *su;

	if (!verify_response(s, p))
		return;
	su = s->setup;
	qcd_take(s, p);
	if (c)
		child_take_answer(c, p, (struct chunk){ su->ni, su->ni_len },
				  (struct chunk){ su->nr, su->nr_len }, NULL, &out);
	session_established(s);
	if (c)
		child_settle(c, &out);
}

/* ---- responder ---- */

static bool names_identity(const struct remote *r)
{
	return r->r.n_ids || r->r.remote_id.type != IKE_ID_NONE;
}

/* Of those for whoever calls (§4.2): with that identity, then from the narrowest source. */
static struct remote *choose_any(const struct session *s, const struct ike_id *id,
				 const struct payloads *p)
{
	struct remote *r, *tmp, *best = NULL;

	HASH_ITER(hh, s->e->remotes, r, tmp) {
		bool named = names_identity(r);

		if (!r->r.any || !prefix_has_addr(&r->r.source, &s->peer.addr) ||
		    !is_expected(r, id) || !auth_leaf_passes(r, p))
			continue;
		if (!best || named > names_identity(best) ||
		    (named == names_identity(best) && r->r.source.len > best->r.source.len))
			best = r;
	}
	return best;
}

/* By identity and source, by identity, whoever calls, by source (§14.5). */
static struct remote *choose_remote(const struct session *s, const struct ike_id *id,
				    const struct payloads *p)
{
	struct remote *r, *tmp, *any, *by_id = NULL, *by_source = NULL;

	HASH_ITER(hh, s->e->remotes, r, tmp) {
		bool source = addr_equal(&r->r.peer, &s->peer.addr);

		if (r->r.any)
			continue;
		if (is_expected(r, id) && auth_leaf_passes(r, p)) {
			if (source)
				return r;
			if (!by_map_alone(r))
				by_id = by_id ? by_id : r;
		}
		if (source && !by_source)
			by_source = r;
	}
	any = by_id ? NULL : choose_any(s, id, p);
	return by_id ? by_id : any ? any : by_source;
}

static void refuse_auth(struct session *s, const char *text)
{
	char peer[ENDPOINT_STRLEN];

	log_notice("ike", "IKE_AUTH from %s refused: %s",
		   endpoint_print(&s->peer, peer, sizeof(peer)), text);
	reply_notify(s, XCHG_IKE_AUTH, N_AUTHENTICATION_FAILED);
	session_end(s, WHY_AUTH, "%s", text);
}

/* NULL: refused, and the session is over. */
static struct remote *authenticate(struct session *s, const struct payloads *p)
{
	const struct payload *idi = payloads_find(p, PLD_IDI), *pa = payloads_find(p, PLD_AUTH);
	char text[EVENT_TEXT_MAX], id_text[IKE_ID_STRLEN];
	struct pld_auth auth;
	struct remote *r;

	if (!idi || !pa || id_parse(idi, &s->peer_id) || auth_parse(pa, &auth)) {
		refuse_auth(s, "IDi or AUTH is missing or malformed");
		return NULL;
	}
	r = choose_remote(s, &s->peer_id, p);
	if (!r) {
		snprintf(text, sizeof(text), "no peer is configured for identity %.100s",
			 ike_id_print(&s->peer_id, id_text, sizeof(id_text)));
		refuse_auth(s, text);
		return NULL;
	}
	if (!peer_auth_matches(s, r, p, idi, &auth, text, sizeof(text))) {
		refuse_auth(s, text);
		return NULL;
	}
	if (!id_matches(r, &s->peer_id, text, sizeof(text))) {
		refuse_auth(s, text);
		return NULL;
	}
	return r;
}

/* Only SAs of the same identity, and only those that were up before this one was begun. */
static void initial_contact(struct session *s)
{
	struct session *it, *tmp;

	DL_FOREACH_SAFE(s->e->sessions, it, tmp)
		if (it != s && it->state == SES_UP && ike_id_equal(&it->peer_id, &s->peer_id) &&
		    !mono_before(s->created, it->since))
			session_end(it, WHY_PEER_DELETE,
				    "INITIAL_CONTACT: the peer holds it no more");
}

/* The caller may be asked: what we will answer with is there. */
static void offer(struct session *s)
{
	s->held->parked = true;
	crossing_turn(s->e);
}

static void refuse_held(struct session *s, const char *text)
{
	inbound_gone(s->held);
	refuse_auth(s, text);
}

void auth_signed(struct session *s, int err)
{
	char text[EVENT_TEXT_MAX];

	if (err)
		snprintf(text, sizeof(text), "our key does not sign: %s", strerror(-err));
	if (s->initiator && s->state == SES_AUTH) {
		if (err)
			session_end(s, WHY_LOCAL, "%s", text);
		else
			send_auth(s);
	} else if (!s->initiator && s->held && s->state == SES_HELD) {
		if (err)
			refuse_held(s, text);
		else
			offer(s);
	}
}

void auth_request(struct session *s, const struct payloads *p)
{
	struct remote *r = authenticate(s, p);
	char why[EVENT_TEXT_MAX];
	struct pld_notify notify;
	struct inbound *in;
	int err;

	if (!r)
		return;
	auth_take_certreq(s->setup, p);
	s->remote = r->id;
	s->dpd = r->r.dpd;
	qcd_take(s, p);
	if (r->r.contact_forced || payloads_notify(p, N_INITIAL_CONTACT, &notify))
		initial_contact(s);
	in = inbound_new(s, XCHG_IKE_AUTH, p);
	if (!in) {
		/* Childless initiation (RFC 6023) is not offered either. */
		reply_notify(s, XCHG_IKE_AUTH, N_INVALID_SYNTAX);
		session_end(s, WHY_UNKNOWN, "IKE_AUTH without a well-formed child");
		return;
	}
	timer_cancel(&s->e->env.timers, &s->expiry_timer);
	session_set_state(s, SES_HELD, "authentic, waits for the verdict");
	inbound_park(s, in);
	err = sign_own(s, r, why, sizeof(why));
	if (!err)
		offer(s);
	else if (err != -EINPROGRESS)
		refuse_held(s, why);
}

/* The peer authenticated; what of its child? @a->notify says. */
static int reply_auth(struct session *s, struct inbound *in, const struct engine_verdict *v,
		      struct remote *r, struct inbound_answer *a)
{
	struct msg_out m;
	int err;

	reply_begin(s, XCHG_IKE_AUTH, &m);
	put_id(&m, PLD_IDR, &s->setup->id);
	put_own_certs(&m, s->setup);
	err = put_own_auth(s, r, &m);
	if (err)
		return err;
	put_qcd_token(&m, s);
	*a = (struct inbound_answer){ .notify = N_TS_UNACCEPTABLE };
	if (v->accept)
		inbound_answer(in, &v->child, &m, a);
	if (a->notify)
		put_notify(&m, a->notify, NULL, 0);
	reply_send(s, &m);
	return 0;
}

void auth_verdict(struct session *s, struct inbound *in, const struct engine_verdict *v)
{
	struct remote *r = remote_find(s->e, s->remote);
	struct inbound_answer a;

	s->held = NULL;
	/* Named first: the caller has the conn in its books, and hears of every end of it. */
	if ((v->accept || v->keep_ike) && v->conn)
		session_name(s, v->conn);
	if (!r) {
		inbound_free(in);
		refuse_auth(s, "the peer is no longer configured");
		return;
	}
	if (reply_auth(s, in, v, r, &a)) {
		inbound_free(in);
		refuse_auth(s, "our AUTH cannot be made");
		return;
	}
	session_established(s);
	if (a.notify)
		inbound_refused(s, v, a.notify);
	else
		inbound_finish(in, &a);
	inbound_free(in);
	if (!v->accept && !v->keep_ike)
		session_close(s, WHY_LOCAL, "its child was refused");
	else
		exchange_next(s);
}
