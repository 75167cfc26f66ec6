// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CREATE_CHILD_SA for child SAs, both roles (RFC 7296 §1.3.1, §1.3.3, §2.17), and what IKE_AUTH's
 * child shares with it.
 */
#include "prefpeerd/engine_ike/ike.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"

/* ---- ours ---- */

/* One TSi and one TSr: the line, never the packet's own (semantics.md §14.1). */
int put_child_offer(struct msg_out *m, const struct child *c, const uint8_t *nonce)
{
	enum ike_dh group = nonce && c->dh ? crypto_dh_group(c->dh) : DH_NONE;
	uint8_t pub[CRYPTO_DH_PUB_MAX];
	struct ts ours, theirs;
	int err = group ? crypto_dh_public(c->dh, pub) : 0;

	if (err)
		return err;
	put_mode(m, c);
	put_sa_esp_offer(m, c->want.suites, c->want.n_suites, c->pair.spi_in, group);
	if (nonce)
		put_nonce(m, nonce, IKE_NONCE_OURS);
	if (group)
		put_ke(m, group, pub, dh_pub_len(group));
	selector_to_ts(&c->want.sel, &ours, &theirs);
	put_ts(m, PLD_TSI, &ours);
	put_ts(m, PLD_TSR, &theirs);
	return 0;
}

static int draw_secrets(struct child *c)
{
	if (child_draw_spi(c) || crypto_random(c->nonce, sizeof(c->nonce)))
		return -EIO;
	if (!c->want.pfs)
		return 0;
	c->dh = crypto_dh_new(c->want.pfs);
	return c->dh ? 0 : -ENOMEM;
}

int child_build(struct session *s, struct task *t, struct msg_out *m)
{
	struct child *c = t->child;
	int err;

	if (!c || c->cancelled)
		return -ECANCELED;
	if (child_cannot(c))
		return -EPROTONOSUPPORT;
	err = draw_secrets(c);
	if (err)
		return err;
	if (c->rekeys)
		put_notify_child(m, N_REKEY_SA, child_protocol(c->rekeys), c->rekeys->pair.spi_in);
	c->state = CHILD_OPENING;
	return put_child_offer(m, c, c->nonce);
}

static void fail(struct child_outcome *out, enum engine_why why, const char *text)
{
	out->why = why;
	snprintf(out->text, sizeof(out->text), "%s", text);
}

/* The packet that asked comes first; then the more addresses, the better. */
static bool serves_better(const struct engine_child *want, const struct selector *a,
			  const struct selector *b)
{
	bool has_a = want->has_flow && selector_contains(a, &want->flow);
	bool has_b = want->has_flow && selector_contains(b, &want->flow);

	if (has_a != has_b)
		return has_a;
	return selector_contains(a, b) || (!selector_contains(b, a) &&
					   a->src.len + a->dst.len < b->src.len + b->dst.len);
}

/*
 * An SA in the kernel has one selector, an answer may have many: of all TSi × TSr
 * within what we offered, the one that serves best.
 */
static bool answered_selector(const struct child *c, const struct payloads *p, struct selector *sel)
{
	const struct payload *pi = payloads_find(p, PLD_TSI), *pr = payloads_find(p, PLD_TSR);
	struct ts_list tsi, tsr;
	struct selector one;
	bool found = false;

	if (!pi || !pr || ts_list_parse(pi, &tsi) || ts_list_parse(pr, &tsr))
		return false;
	for (unsigned i = 0; i < tsi.n; i++)
		for (unsigned r = 0; r < tsr.n; r++) {
			if (selector_from_ts(&tsi.list[i], &tsr.list[r], &one) ||
			    !selector_contains(&c->want.sel, &one))
				continue;
			/* Less than was answered: what the rest needs raises an acquire (§14.1). */
			if (!selector_equal(&one, &c->want.line_sel))
				one = selector_block(&one,
						     c->want.has_flow ? &c->want.flow : NULL);
			if (found && !serves_better(&c->want, &one, sel))
				continue;
			*sel = one;
			found = true;
		}
	return found;
}

/* Inbound first: whatever the peer sends once it may has a place to arrive. */
static int install_pair(struct child *c, struct chunk shared, struct chunk ni, struct chunk nr,
			struct kernel_sa *later)
{
	struct esp_keys i2r, r2i;
	struct kernel_sa sa;
	int err = esp_keys_derive(c->s->suite.prf, c->s->keys.d, &c->pair.suite, shared, ni, nr,
				  &i2r, &r2i);

	if (!err) {
		child_fill_sa(c, SA_DIR_IN, &r2i, &sa);
		err = child_install(c, &sa);
	}
	if (!err && later) {
		child_fill_sa(c, SA_DIR_OUT, &i2r, later);
	} else if (!err) {
		child_fill_sa(c, SA_DIR_OUT, &i2r, &sa);
		err = child_install(c, &sa);
	}
	crypto_wipe(&sa, sizeof(sa));
	crypto_wipe(&i2r, sizeof(i2r));
	crypto_wipe(&r2i, sizeof(r2i));
	return err;
}

/* g^ir of an answer with PFS; empty without. False: no usable KE payload. */
static bool take_ke(struct child *c, const struct payloads *p, uint8_t *shared, size_t *len)
{
	const struct payload *pld = payloads_find(p, PLD_KE);
	struct pld_ke ke;

	*len = 0;
	if (!c->dh)
		return true;
	return pld && !ke_parse(pld, &ke) && ke.group == crypto_dh_group(c->dh) &&
	       !crypto_dh_derive(c->dh, ke.data.p, ke.data.len, shared, len);
}

void child_take_answer(struct child *c, const struct payloads *p, struct chunk ni, struct chunk nr,
		       struct kernel_sa *later, struct child_outcome *out)
{
	enum ike_dh group = c->dh ? crypto_dh_group(c->dh) : DH_NONE;
	uint8_t shared[CRYPTO_DH_SHARED_MAX];
	size_t shared_len;
	const struct payload *sa = payloads_find(p, PLD_SA);
	uint16_t error = payloads_error(p);
	struct proposals all;
	struct esp_choice choice;
	struct selector sel;
	const char *wrong;
	int err;

	*out = (struct child_outcome){ .why = WHY_NONE };
	if (error) {
		c->pair.spi_in = 0;
		fail(out, notify_why(error), notify_name(error));
		return;
	}
	if (!sa || proposals_parse(sa, &all) ||
	    esp_accept(&all, c->want.suites, c->want.n_suites, group, &choice)) {
		fail(out, WHY_PROPOSAL, "the peer's answer is none of our proposals");
		return;
	}
	if (!answered_selector(c, p, &sel)) {
		fail(out, WHY_TS, "the peer's traffic selectors are not within ours");
		return;
	}
	wrong = child_take_mode(c, p);
	if (wrong) {
		fail(out, WHY_PROPOSAL, wrong);
		return;
	}
	if (!take_ke(c, p, shared, &shared_len)) {
		fail(out, WHY_PROPOSAL, "the peer's answer has no usable KE payload");
		return;
	}
	child_set_pair(c, &choice, &sel);
	err = install_pair(c, (struct chunk){ shared, shared_len }, ni, nr, later);
	crypto_wipe(shared, sizeof(shared));
	if (err)
		fail(out, WHY_LOCAL, strerror(-err));
}

void child_delete_orphan(struct child *c)
{
	struct session *s = c->s;
	uint8_t protocol = child_protocol(c);
	uint32_t spi = c->pair.spi_in;
	struct task *t;

	child_free(c);
	if (!spi)
		return;
	t = task_push(s, TASK_DEL_CHILD, NULL);
	if (!t)
		return;
	t->spi = spi;
	t->protocol = protocol;
}

void child_settle(struct child *c, const struct child_outcome *out)
{
	if (out->why) {
		ike_event_child(c, ENG_CHILD_FAILED, out->why, out->text);
		child_delete_orphan(c);
		return;
	}
	c->state = CHILD_UP;
	ike_event_child(c, ENG_CHILD_UP, WHY_NONE, "accepted by the peer");
}

void child_response(struct session *s, struct task *t, const struct payloads *p)
{
	const struct payload *pld = payloads_find(p, PLD_NONCE);
	struct chunk ni, nr = { NULL, 0 };
	struct child_outcome out = { .why = WHY_NONE };
	struct child *c = t->child;
	struct kernel_sa out_sa = { 0 };
	bool rekey;

	if (!c)
		return;
	/* Nobody waits for it any more: no SA of it may ever take a packet. */
	if (c->cancelled) {
		if (payloads_error(p))
			child_free(c);
		else
			child_delete_orphan(c);
		return;
	}
	rekey = c->rekeys;
	ni = (struct chunk){ c->nonce, sizeof(c->nonce) };
	if (!payloads_error(p) && (!pld || nonce_parse(pld, &nr)))
		fail(&out, WHY_UNKNOWN, "the peer's answer is malformed");
	else
		child_take_answer(c, p, ni, nr, rekey ? &out_sa : NULL, &out);
	if (nr.p)
		nonce_lower(c->low_nonce, ni, nr);
	if (rekey)
		rekey_child_settle(c, &out_sa, &out);
	else
		child_settle(c, &out);
	crypto_wipe(&out_sa, sizeof(out_sa));
	lifetime_busy(s, payloads_error(p));
}

/* ---- the peer's ---- */

static bool asks_for_ike_sa(const struct payloads *p)
{
	const struct payload *sa = payloads_find(p, PLD_SA);
	struct proposals all;

	return sa && !proposals_parse(sa, &all) && all.list[0].protocol == PROTO_ID_IKE;
}

static void reply_error(struct session *s, const struct inbound_answer *a)
{
	uint8_t group[2] = { (uint8_t)(a->notify_group >> 8), (uint8_t)a->notify_group };
	bool has_group = a->notify == N_INVALID_KE_PAYLOAD;
	struct msg_out m;

	reply_begin(s, XCHG_CREATE_CHILD_SA, &m);
	put_notify(&m, a->notify, group, has_group ? sizeof(group) : 0);
	reply_send(s, &m);
}

/* The intersection of what it offers now with what the pair has. */
static bool rekey_selector(const struct inbound *in, struct selector *sel)
{
	struct selector offered;

	for (unsigned r = 0; r < in->tsr.n; r++)
		for (unsigned i = 0; i < in->tsi.n; i++)
			if (!selector_from_ts(&in->tsr.list[r], &in->tsi.list[i], &offered) &&
			    selector_intersect(&offered, &in->rekeys->pair.sel, sel))
				return true;
	return false;
}

/* 0, or the error that it was answered with. */
static uint16_t answer_child(struct session *s, struct inbound *in, const struct engine_child *want)
{
	struct inbound_answer a;
	struct msg_out m;

	reply_begin(s, XCHG_CREATE_CHILD_SA, &m);
	inbound_answer(in, want, &m, &a);
	if (a.notify) {
		log_notice("ike", "conn %u: the peer's child is refused: %s", s->conn,
			   notify_name(a.notify));
		reply_error(s, &a);
		return a.notify;
	}
	reply_send(s, &m);
	inbound_finish(in, &a);
	return 0;
}

/* The new pair takes line and reqid (§14.7); the caller is told, not asked. */
static void rekey(struct session *s, struct inbound *in)
{
	struct engine_child want = child_successor(in->rekeys);

	want.id = in->rekeys->id;
	if (rekey_selector(in, &want.sel))
		answer_child(s, in, &want);
	else
		reply_notify(s, XCHG_CREATE_CHILD_SA, N_TS_UNACCEPTABLE);
	inbound_free(in);
}

static void reply_not_found(struct session *s, const struct pld_notify *n)
{
	struct rdr r;
	struct msg_out m;

	rdr_init(&r, n->spi.p, n->spi.len);
	reply_begin(s, XCHG_CREATE_CHILD_SA, &m);
	put_notify_child(&m, N_CHILD_SA_NOT_FOUND, n->protocol, rdr_u32(&r));
	reply_send(s, &m);
}

static bool rekey_target(struct session *s, const struct pld_notify *n, struct child **out)
{
	struct rdr r;

	rdr_init(&r, n->spi.p, n->spi.len);
	*out = n->protocol == PROTO_ID_ESP || n->protocol == PROTO_ID_AH ?
		       child_by_spi_out(s, n->protocol, rdr_u32(&r)) : NULL;
	return rdr_done(&r) && *out;
}

void child_request(struct session *s, const struct payloads *p)
{
	struct pld_notify notify;
	bool rekeys = payloads_notify(p, N_REKEY_SA, &notify);
	struct child *old = NULL;
	struct inbound *in;

	if (asks_for_ike_sa(p)) {
		rekey_ike_request(s, p);
		return;
	}
	if (rekeys && !rekey_target(s, &notify, &old)) {
		reply_not_found(s, &notify);
		return;
	}
	/* Closing or being rekeyed, or the pair is (§2.25). */
	if (s->state != SES_UP || rekey_ike_under_way(s) || (old && rekey_child_refusal(old))) {
		reply_notify(s, XCHG_CREATE_CHILD_SA, N_TEMPORARY_FAILURE);
		return;
	}
	in = inbound_new(s, XCHG_CREATE_CHILD_SA, p);
	if (!in) {
		reply_notify(s, XCHG_CREATE_CHILD_SA, N_INVALID_SYNTAX);
		return;
	}
	in->rekeys = old;
	if (old)
		rekey(s, in);
	else
		inbound_hold(s, in);
}

void child_verdict(struct session *s, struct inbound *in, const struct engine_verdict *v)
{
	uint16_t notify;

	s->held = NULL;
	if (v->accept) {
		notify = answer_child(s, in, &v->child);
		if (notify)
			inbound_refused(s, v, notify);
	} else {
		reply_notify(s, XCHG_CREATE_CHILD_SA, N_TS_UNACCEPTABLE);
	}
	inbound_free(in);
	exchange_next(s);
}
