// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An IKE SA takes another's place (RFC 7296 §1.3.2, §2.8, §2.18): CREATE_CHILD_SA
 * with an SA of the protocol IKE and a Diffie-Hellman exchange. The new one gets
 * the children, what is queued, the caller's name and all that is known of the
 * peer; both directions count messages from 0. Who asked for it deletes the old.
 *
 * Both ends at once (§2.8.2): each answers as usual and waits; the one of the two
 * with the lowest of the four nonces is deleted by who asked for it. What else may
 * cross it: §2.25.2. Fragmentation goes on (RFC 7383 §2.3), tokens of crash detection
 * are made anew (RFC 6290).
 */
#include "prefpeerd/engine_ike/ike.h"

#include <errno.h>
#include <string.h>

#include "lib/log.h"

/* ---- the heir gets it all ---- */

static void move_children(struct session *old, struct session *new)
{
	struct child *c, *tmp;

	DL_FOREACH_SAFE(old->children, c, tmp) {
		DL_DELETE(old->children, c);
		c->s = new;
		DL_APPEND(new->children, c);
	}
}

/* What has not been sent yet is sent under the new keys. */
static void move_tasks(struct session *old, struct session *new)
{
	struct task *t, *tmp;

	DL_FOREACH_SAFE(old->tasks, t, tmp) {
		DL_DELETE(old->tasks, t);
		DL_APPEND(new->tasks, t);
	}
}

static void move_knowledge(const struct session *old, struct session *new)
{
	const struct remote *r = remote_find(old->e, old->remote);

	new->local = old->local;
	new->peer = old->peer;
	new->natt = old->natt;
	new->natt_ms = old->natt_ms;
	new->dpd = old->dpd;
	new->peer_id = old->peer_id;
	new->counted = old->counted;
	new->created = old->created;
	new->since = old->since;
	new->heard = old->heard;
	new->last_sent = old->last_sent;
	new->srtt_us = old->srtt_us;
	new->srtt_rough = old->srtt_rough;
	new->lifetime_s = r ? r->r.lifetime_s : old->lifetime_s;
	new->certs_end = old->certs_end;
	new->tx += old->tx;
	new->rx += old->rx;
	new->retransmits += old->retransmits;
	memcpy(new->low_nonce, old->low_nonce, sizeof(new->low_nonce));
}

/* From here on @old is between us and the peer only, and waits for DELETE, ours or the peer's. */
static void inherit(struct session *old, struct session *new, const char *how)
{
	move_children(old, new);
	move_tasks(old, new);
	move_knowledge(old, new);
	session_rename(old, new);
	old->heir = NULL;
	old->rival = NULL;
	new->old = NULL;
	session_retire(old);
	session_take_up(new, how);
}

/* Nothing hangs on it: the peer is told that it goes. */
static void delete_bare(struct session *s, const char *reason)
{
	session_set_state(s, SES_CLOSING, reason);
	task_push(s, TASK_DEL_IKE, NULL);
	exchange_next(s);
}

static void wait_for_delete(struct session *s, const char *reason)
{
	session_set_state(s, SES_REKEYED, reason);
	timer_set(&s->e->env.timers, &s->expiry_timer, mono_add_ms(ike_now(s->e), REKEYED_MS));
}

/* The peer's won, or is the only one: the old one is the peer's to delete. */
static void inherit_to_peers(struct session *old, struct session *new, const char *how)
{
	inherit(old, new, how);
	wait_for_delete(old, "rekeyed by the peer, who deletes it");
	exchange_next(new);
}

static void inherit_to_ours(struct session *old, struct session *new)
{
	inherit(old, new, "rekeyed by us");
	if (new->e->qcd_maker)
		task_push(new, TASK_TOKEN, NULL);
	delete_bare(old, "rekeyed by us");
	exchange_next(new);
}

/* ---- ours ---- */

bool rekey_ike_under_way(const struct session *s)
{
	return s->rival || (s->rq.task && s->rq.task->kind == TASK_REKEY);
}

void rekey_ike_start(struct session *s)
{
	if (s->state != SES_UP || s->heir || s->rival)
		return;
	s->heir = session_new_heir(s, true);
	if (!s->heir || !task_push(s, TASK_REKEY, NULL)) {
		rekey_ike_failed(s, "no memory");
		return;
	}
	exchange_next(s);
}

void rekey_ike_failed(struct session *s, const char *text)
{
	struct session *heir = s->heir;

	s->heir = NULL;
	if (heir)
		session_end(heir, WHY_LOCAL, "its rekey came to nothing");
	if (s->rival) {
		inherit_to_peers(s, s->rival, "rekeyed by the peer");
		return;
	}
	log_notice("ike", "conn %u: rekey of the IKE SA: %s", s->conn, text);
	lifetime_again(s);
}

static int draw_secrets(struct session *heir, enum ike_dh group)
{
	struct setup *su = heir->setup;

	if (!su->dh)
		su->dh = crypto_dh_new(group);
	if (!su->dh)
		return -ENOMEM;
	if (su->ni_len)
		return 0;
	su->ni_len = IKE_NONCE_OURS;
	return crypto_random(su->ni, su->ni_len);
}

int rekey_ike_build(struct session *s, struct task *t, struct msg_out *m)
{
	const struct ike_offer *offer = ike_offer_at(s->e, &s->local.addr);
	enum ike_dh group = ike_group_offered(offer, s->suite.dh) ? s->suite.dh : offer->groups[0];
	uint8_t pub[CRYPTO_DH_PUB_MAX];
	struct setup *su;
	int err;

	if (!s->heir)
		return -ECANCELED;
	su = s->heir->setup;
	err = draw_secrets(s->heir, group);
	if (!err)
		err = crypto_dh_public(su->dh, pub);
	if (err)
		return err;
	put_sa_ike_offer(m, offer, s->heir->spi_i);
	put_nonce(m, su->ni, su->ni_len);
	put_ke(m, crypto_dh_group(su->dh), pub, dh_pub_len(crypto_dh_group(su->dh)));
	return 0;
}

static int derive(struct session *s, struct session *heir, struct chunk ni, struct chunk nr,
		  const struct pld_ke *ke)
{
	uint8_t shared[CRYPTO_DH_SHARED_MAX];
	size_t len;
	int err = crypto_dh_derive(heir->setup->dh, ke->data.p, ke->data.len, shared, &len);

	if (!err)
		err = ike_keys_rekey(s->suite.prf, s->keys.d, &heir->suite, ni, nr,
				     (struct chunk){ shared, len }, heir->spi_i, heir->spi_r,
				     &heir->keys);
	crypto_wipe(shared, sizeof(shared));
	heir->has_keys = !err;
	session_export_keys(heir);
	nonce_lower(heir->rekey_nonce, ni, nr);
	return err;
}

static bool is_zero(const uint8_t spi[IKE_SPI_LEN])
{
	static const uint8_t zero[IKE_SPI_LEN];

	return !memcmp(spi, zero, IKE_SPI_LEN);
}

/* NULL, or what is wrong with the peer's answer. */
static const char *take_answer(struct session *s, struct session *heir, const struct payloads *p)
{
	const struct payload *sa = payloads_find(p, PLD_SA), *kx = payloads_find(p, PLD_KE);
	const struct payload *no = payloads_find(p, PLD_NONCE);
	struct setup *su = heir->setup;
	struct proposals all;
	struct pld_ke ke;
	struct chunk nr;

	if (!sa || !kx || !no || proposals_parse(sa, &all) || ke_parse(kx, &ke) ||
	    nonce_parse(no, &nr))
		return "the peer's answer is malformed";
	if (ike_accept(ike_offer_at(s->e, &s->local.addr), &all, &heir->suite) || is_zero(all.list[0].ike_spi))
		return "the peer's answer is none of our proposals";
	if (heir->suite.dh != crypto_dh_group(su->dh) || ke.group != heir->suite.dh)
		return "the peer's answer has no usable KE payload";
	memcpy(heir->spi_r, all.list[0].ike_spi, IKE_SPI_LEN);
	qcd_take(heir, p);
	return derive(s, heir, (struct chunk){ su->ni, su->ni_len }, nr, &ke)
		       ? "the peer's answer has no usable KE payload"
		       : NULL;
}

/* Once more with the group that the peer wants (§1.3), if that is one of ours. */
static bool take_group(struct session *s, const struct payloads *p)
{
	struct setup *su = s->heir->setup;
	struct crypto_dh *dh;
	struct pld_notify n;
	uint16_t group;
	struct rdr r;

	if (!payloads_notify(p, N_INVALID_KE_PAYLOAD, &n))
		return false;
	rdr_init(&r, n.data.p, n.data.len);
	group = rdr_u16(&r);
	if (!rdr_done(&r) || !ike_group_offered(ike_offer_at(s->e, &s->local.addr), group) ||
	    group == crypto_dh_group(su->dh) || su->n_invalid_ke == INVALID_KE_MAX)
		return false;
	dh = crypto_dh_new(group);
	if (!dh || !task_push(s, TASK_REKEY, NULL)) {
		crypto_dh_free(dh);
		return false;
	}
	su->n_invalid_ke++;
	crypto_dh_free(su->dh);
	su->dh = dh;
	return true;
}

/* With both there: whose exchange had the lowest nonce? */
static void decide(struct session *s)
{
	struct session *ours = s->heir, *theirs = s->rival;

	if (theirs && memcmp(ours->rekey_nonce, theirs->rekey_nonce, CROSSING_NONCE) < 0) {
		inherit_to_peers(s, theirs, "rekeyed by both ends, the peer's stays");
		session_setup_done(ours);
		ours->old = NULL;
		delete_bare(ours, "rekeyed by both ends, ours goes");
		return;
	}
	if (theirs) {
		theirs->old = NULL;
		wait_for_delete(theirs, "rekeyed by both ends, ours stays");
	}
	inherit_to_ours(s, ours);
}

void rekey_ike_response(struct session *s, struct task *t, const struct payloads *p)
{
	uint16_t error = payloads_error(p);
	const char *wrong;

	if (!s->heir || (error && s->state == SES_UP && take_group(s, p)))
		return;
	wrong = error ? notify_name(error) : take_answer(s, s->heir, p);
	if (s->state == SES_UP) {
		if (wrong)
			rekey_ike_failed(s, wrong);
		else
			decide(s);
		lifetime_busy(s, error);
	} else if (!wrong) {
		/* We are closing it meanwhile: the peer has the children on the new one now. */
		struct session *heir = s->heir;

		s->heir = NULL;
		heir->old = NULL;
		session_setup_done(heir);
		delete_bare(heir, "closed while it was rekeyed");
	}
}

/* ---- the peer's ---- */

/* §2.25.2: not beside a child that we create, rekey or delete; nor while it ends. */
static bool is_busy(const struct session *s)
{
	const struct task *t = s->rq.task;

	return s->state != SES_UP || s->rival ||
	       (t && (t->kind == TASK_CHILD || t->kind == TASK_DEL_CHILD));
}

struct rekey_in {
	struct proposals all;
	struct pld_ke ke;
	struct chunk ni;
	uint8_t num;
	struct ike_suite suite;
};

static const uint8_t *spi_of_choice(const struct rekey_in *in)
{
	for (unsigned i = 0; i < in->all.n; i++)
		if (in->all.list[i].num == in->num)
			return in->all.list[i].ike_spi;
	return NULL;
}

static uint16_t parse_request(const struct session *s, const struct payloads *p,
			      struct rekey_in *in)
{
	const struct payload *sa = payloads_find(p, PLD_SA), *ke = payloads_find(p, PLD_KE);
	const struct payload *no = payloads_find(p, PLD_NONCE);
	const uint8_t *spi;

	if (!sa || !ke || !no || proposals_parse(sa, &in->all) || ke_parse(ke, &in->ke) ||
	    nonce_parse(no, &in->ni))
		return N_INVALID_SYNTAX;
	if (ike_choose(ike_offer_at(s->e, &s->local.addr), &in->all, in->ke.group, &in->num, &in->suite))
		return N_NO_PROPOSAL_CHOSEN;
	spi = spi_of_choice(in);
	if (!spi || is_zero(spi))
		return N_INVALID_SYNTAX;
	return in->suite.dh == in->ke.group ? 0 : N_INVALID_KE_PAYLOAD;
}

/* NULL: could not be made. Its answer is in @m. */
static struct session *answer(struct session *s, const struct rekey_in *in, struct msg_out *m)
{
	struct session *new = session_new_heir(s, false);
	uint8_t pub[CRYPTO_DH_PUB_MAX];
	struct setup *su = new ? new->setup : NULL;
	int err = -ENOMEM;

	if (!new)
		return NULL;
	memcpy(new->spi_i, spi_of_choice(in), IKE_SPI_LEN);
	new->suite = in->suite;
	su->nr_len = IKE_NONCE_OURS;
	su->dh = crypto_dh_new(in->suite.dh);
	if (su->dh)
		err = crypto_random(su->nr, su->nr_len);
	if (!err)
		err = crypto_dh_public(su->dh, pub);
	if (!err)
		err = derive(s, new, in->ni, (struct chunk){ su->nr, su->nr_len }, &in->ke);
	if (err) {
		session_end(new, WHY_LOCAL, "the peer's rekey came to nothing");
		return NULL;
	}
	put_sa_ike_choice(m, in->num, &in->suite, new->spi_r);
	put_nonce(m, su->nr, su->nr_len);
	put_ke(m, in->suite.dh, pub, dh_pub_len(in->suite.dh));
	put_qcd_token(m, new);
	return new;
}

static void refuse(struct session *s, uint16_t notify, enum ike_dh group)
{
	uint8_t data[2] = { (uint8_t)(group >> 8), (uint8_t)group };
	struct msg_out m;

	log_notice("ike", "conn %u: the peer's rekey of the IKE SA is refused: %s", s->conn,
		   notify_name(notify));
	reply_begin(s, XCHG_CREATE_CHILD_SA, &m);
	put_notify(&m, notify, data, notify == N_INVALID_KE_PAYLOAD ? sizeof(data) : 0);
	reply_send(s, &m);
}

/* Ours waits in the queue: nobody knows of it yet. */
static void withdraw_ours(struct session *s)
{
	struct session *heir = s->heir;

	if (!heir || (s->rq.task && s->rq.task->kind == TASK_REKEY))
		return;
	s->heir = NULL;
	session_end(heir, WHY_LOCAL, "the peer's rekey came first");
}

void rekey_ike_request(struct session *s, const struct payloads *p)
{
	struct rekey_in in = { .num = 0 };
	struct session *new;
	struct msg_out m;
	uint16_t notify = is_busy(s) ? N_TEMPORARY_FAILURE : parse_request(s, p, &in);

	if (notify) {
		refuse(s, notify, notify == N_INVALID_KE_PAYLOAD ? in.suite.dh : DH_NONE);
		return;
	}
	reply_begin(s, XCHG_CREATE_CHILD_SA, &m);
	new = answer(s, &in, &m);
	if (!new) {
		refuse(s, N_TEMPORARY_FAILURE, DH_NONE);
		return;
	}
	reply_send(s, &m);
	withdraw_ours(s);
	if (s->heir) {
		session_set_state(new, SES_RIVAL, "both ends rekey: the nonces decide");
		s->rival = new;
		return;
	}
	inherit_to_peers(s, new, "rekeyed by the peer");
}

/* It has not seen our request, or knows already that its own won. */
static void inherit_undecided(struct session *s)
{
	struct session *rival = s->rival;

	if (s->heir)
		session_end(s->heir, WHY_LOCAL, "the peer's rekey came first");
	inherit(s, rival, "rekeyed by the peer");
	exchange_next(rival);
}

void rekey_ike_peer_deletes(struct session *s)
{
	if (s->rival)
		inherit_undecided(s);
}

void rekey_ike_peer_uses(struct session *s, const struct payloads *p)
{
	struct session *old = s->old;

	/* Its own lost: ours is answered, and that answer is on its way. */
	if (!old || deletes_ike_sa(p))
		return;
	inherit_undecided(old);
	wait_for_delete(old, "rekeyed by the peer, who deletes it");
}

/* ---- the old one ends before there is an heir ---- */

/* From a timer: whoever is up the stack may be walking through the sessions. */
static void end_soon(struct session *s)
{
	s->old = NULL;
	timer_set(&s->e->env.timers, &s->expiry_timer, ike_now(s->e));
}

void rekey_ike_forget(struct session *s, bool tell)
{
	struct session *heir = s->heir, *rival = s->rival;

	/* Closing it by DELETE: what comes of our own request is seen when it is answered. */
	if (heir && (!tell || !rekey_ike_under_way(s))) {
		s->heir = NULL;
		end_soon(heir);
	}
	s->rival = NULL;
	if (!rival)
		return;
	if (!tell) {
		end_soon(rival);
		return;
	}
	rival->old = NULL;
	session_setup_done(rival);
	delete_bare(rival, "closed while it was rekeyed");
}
