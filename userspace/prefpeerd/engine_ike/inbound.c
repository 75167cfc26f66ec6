// SPDX-License-Identifier: GPL-2.0-or-later
/* A child SA that the peer asks for: held for the caller's verdict, then answered. */
#include "prefpeerd/engine_ike/ike.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- taking it down ---- */

static int take_sa(struct inbound *in, const struct payloads *p)
{
	const struct payload *sa = payloads_find(p, PLD_SA);
	struct proposals all;

	if (!sa || proposals_parse(sa, &all))
		return -EINVAL;
	in->sa = bytes_dup(sa->body, sa->len);
	in->sa_len = sa->len;
	return in->sa ? 0 : -ENOMEM;
}

static int take_ts(struct inbound *in, const struct payloads *p)
{
	const struct payload *tsi = payloads_find(p, PLD_TSI), *tsr = payloads_find(p, PLD_TSR);

	return tsi && tsr && !ts_list_parse(tsi, &in->tsi) && !ts_list_parse(tsr, &in->tsr)
		       ? 0
		       : -EINVAL;
}

static int take_nonce(struct inbound *in, const struct payloads *p)
{
	const struct payload *pld = payloads_find(p, PLD_NONCE);
	struct chunk nonce;

	if (in->exchange == XCHG_IKE_AUTH)
		return 0;
	if (!pld || nonce_parse(pld, &nonce))
		return -EINVAL;
	memcpy(in->nonce, nonce.p, nonce.len);
	in->nonce_len = nonce.len;
	return 0;
}

static int take_ke(struct inbound *in, const struct payloads *p)
{
	const struct payload *pld = payloads_find(p, PLD_KE);
	struct pld_ke ke;

	if (!pld || in->exchange == XCHG_IKE_AUTH)
		return 0;
	if (ke_parse(pld, &ke) || !ke.group)
		return -EINVAL;
	in->ke_group = ke.group;
	/* A value too long for any group of ours: never used, since the group is none of ours. */
	if (ke.data.len > sizeof(in->ke))
		return 0;
	memcpy(in->ke, ke.data.p, ke.data.len);
	in->ke_len = ke.data.len;
	return 0;
}

struct inbound *inbound_new(struct session *s, uint8_t exchange, const struct payloads *p)
{
	struct inbound *in = calloc(1, sizeof(*in));
	struct pld_notify n;

	if (!in)
		return NULL;
	in->s = s;
	in->exchange = exchange;
	in->transport = payloads_notify(p, N_USE_TRANSPORT_MODE, &n);
	timer_init(&in->timer, NULL);
	DL_APPEND(s->e->inbounds, in);
	if (take_sa(in, p) || take_ts(in, p) || take_nonce(in, p) || take_ke(in, p)) {
		inbound_free(in);
		return NULL;
	}
	return in;
}

void inbound_free(struct inbound *in)
{
	struct ike *e = in->s->e;

	timer_cancel(&e->env.timers, &in->timer);
	if (in->s->held == in)
		in->s->held = NULL;
	DL_DELETE(e->inbounds, in);
	free(in->sa);
	free(in);
}

struct inbound *inbound_find(struct ike *e, uint32_t id)
{
	struct inbound *in;

	DL_FOREACH(e->inbounds, in)
		if (in->id == id && id)
			return in;
	return NULL;
}

/* ---- holding it ---- */

static bool is_single(const struct ts *t)
{
	return t->proto && addr_equal(&t->lo, &t->hi);
}

/* Every TSr × TSi that is a pair of prefixes, seen from our side; the first ones first. */
static void fill_offered(const struct inbound *in, struct engine_event *ev)
{
	for (unsigned r = 0; r < in->tsr.n; r++)
		for (unsigned i = 0; i < in->tsi.n; i++)
			if (ev->n_offered < ARRAY_SIZE(ev->offered) &&
			    !selector_from_ts(&in->tsr.list[r], &in->tsi.list[i],
					      &ev->offered[ev->n_offered]))
				ev->n_offered++;
	ev->single_flow = is_single(&in->tsi.list[0]) && is_single(&in->tsr.list[0]);
}

static void give_verdict(struct inbound *in, const struct engine_verdict *v)
{
	if (in->exchange == XCHG_IKE_AUTH)
		auth_verdict(in->s, in, v);
	else
		child_verdict(in->s, in, v);
}

static void hold_fire(struct timer *t, mono_t now)
{
	struct inbound *in = timer_container(t, struct inbound, timer);
	struct engine_verdict refuse = { .accept = false };

	log_warn("ike", "inbound %u: no verdict in time, refused", in->id);
	if (in->id)
		ike_event(in->s->e, in->s, ENG_INBOUND_GONE)->inbound = in->id;
	give_verdict(in, &refuse);
}

void inbound_park(struct session *s, struct inbound *in)
{
	s->held = in;
	in->timer.fn = hold_fire;
	timer_set(&s->e->env.timers, &in->timer, mono_add_ms(ike_now(s->e), HOLD_MS));
}

void inbound_hold(struct session *s, struct inbound *in)
{
	struct ike *e = s->e;
	struct engine_event *ev;

	inbound_park(s, in);
	in->id = ++e->last_inbound ? e->last_inbound : ++e->last_inbound;
	ev = ike_event(e, s, ENG_INBOUND);
	ev->inbound = in->id;
	ev->peer_id = s->peer_id;
	fill_offered(in, ev);
}

void inbound_gone(struct inbound *in)
{
	struct engine_event *ev;

	if (in->id) {
		ev = ike_event(in->s->e, in->s, ENG_INBOUND_GONE);
		ev->inbound = in->id;
	}
	inbound_free(in);
}

/* ---- answering it ---- */

/* Key material that the exchange adds: nonces, and g^ir with PFS. */
struct inbound_secret {
	uint8_t nr[IKE_NONCE_OURS];
	uint8_t pub[CRYPTO_DH_PUB_MAX];
	uint8_t shared[CRYPTO_DH_SHARED_MAX];
	size_t shared_len;
	struct chunk ni, nr_used;
};

static uint16_t make_pfs(const struct inbound *in, enum ike_dh group, struct inbound_secret *x)
{
	struct crypto_dh *dh = crypto_dh_new(group);
	int err = -ENOMEM;

	if (dh)
		err = crypto_dh_public(dh, x->pub);
	if (!err)
		err = crypto_dh_derive(dh, in->ke, in->ke_len, x->shared, &x->shared_len);
	crypto_dh_free(dh);
	return err ? N_INVALID_SYNTAX : 0;
}

static uint16_t make_secret(const struct inbound *in, enum ike_dh group, struct inbound_secret *x)
{
	const struct setup *su = in->s->setup;

	x->shared_len = 0;
	if (in->exchange == XCHG_IKE_AUTH) {
		x->ni = (struct chunk){ su->ni, su->ni_len };
		x->nr_used = (struct chunk){ su->nr, su->nr_len };
		return 0;
	}
	if (crypto_random(x->nr, sizeof(x->nr)))
		return N_TEMPORARY_FAILURE;
	x->ni = (struct chunk){ in->nonce, in->nonce_len };
	x->nr_used = (struct chunk){ x->nr, sizeof(x->nr) };
	return group ? make_pfs(in, group, x) : 0;
}

static uint16_t install_in(struct inbound *in, struct child *c, const struct inbound_secret *x,
			   struct inbound_answer *out)
{
	const struct session *s = in->s;
	struct chunk shared = { x->shared, x->shared_len };
	struct esp_keys i2r, r2i;
	struct kernel_sa sa;
	int err;

	err = esp_keys_derive(s->suite.prf, s->keys.d, &c->pair.suite, shared, x->ni, x->nr_used,
			      &i2r, &r2i);
	if (!err) {
		child_fill_sa(c, SA_DIR_IN, &i2r, &sa);
		child_fill_sa(c, SA_DIR_OUT, &r2i, &out->out);
		err = child_install(c, &sa);
		crypto_wipe(&sa, sizeof(sa));
	}
	crypto_wipe(&i2r, sizeof(i2r));
	crypto_wipe(&r2i, sizeof(r2i));
	return err ? N_NO_ADDITIONAL_SAS : 0;
}

static void put_answer(const struct inbound *in, const struct child *c, struct msg_out *m,
		       const struct esp_choice *choice, const struct inbound_secret *x)
{
	struct ts ours, theirs;

	if (c->pair.transport)
		put_notify(m, N_USE_TRANSPORT_MODE, NULL, 0);
	put_sa_esp_choice(m, choice->num, &choice->suite, choice->dh, c->pair.spi_in);
	if (in->exchange != XCHG_IKE_AUTH)
		put_nonce(m, x->nr, sizeof(x->nr));
	if (choice->dh)
		put_ke(m, choice->dh, x->pub, dh_pub_len(choice->dh));
	selector_to_ts(&c->pair.sel, &ours, &theirs);
	put_ts(m, PLD_TSI, &theirs);
	put_ts(m, PLD_TSR, &ours);
}

static uint16_t choose(struct inbound *in, const struct child *c, struct esp_choice *choice,
		       struct inbound_answer *out)
{
	struct payload sa = { PLD_SA, in->sa, in->sa_len };
	bool with_dh = in->exchange != XCHG_IKE_AUTH;
	struct proposals all;

	if (proposals_parse(&sa, &all) ||
	    esp_choose(&all, c->want.suites, c->want.n_suites, with_dh, c->want.pfs, in->ke_group,
		       choice))
		return N_NO_PROPOSAL_CHOSEN;
	if (choice->dh && choice->dh != in->ke_group) {
		out->notify_group = choice->dh;
		return N_INVALID_KE_PAYLOAD;
	}
	return 0;
}

/*
 * The verdict's selectors: the whole line, whose policies say which packets it has, or as
 * far as the one selector of an SA says them, the packet that asks first.
 */
static struct selector answered(const struct inbound *in, const struct child *c)
{
	struct selector flow;
	bool asked = is_single(&in->tsi.list[0]) && is_single(&in->tsr.list[0]) &&
		     !selector_from_ts(&in->tsr.list[0], &in->tsi.list[0], &flow);

	if (selector_equal(&c->want.sel, &c->want.line_sel))
		return c->want.sel;
	return selector_block(&c->want.sel, asked ? &flow : NULL);
}

static uint16_t take_pair(const struct inbound *in, struct child *c,
			  const struct esp_choice *choice)
{
	struct selector sel = answered(in, c);
	const char *refused;

	child_set_pair(c, choice, &sel);
	refused = child_choose_mode(c, in->transport, in->rekeys);
	if (!refused)
		return 0;
	log_notice("ike", "conn %u: the peer's child is refused: %s", in->s->conn, refused);
	return N_NO_PROPOSAL_CHOSEN;
}

static uint16_t answer(struct inbound *in, struct child *c, struct msg_out *m,
		       struct inbound_answer *out)
{
	struct inbound_secret x;
	struct esp_choice choice;
	uint16_t notify = choose(in, c, &choice, out);

	if (!notify)
		notify = take_pair(in, c, &choice);
	if (!notify)
		notify = make_secret(in, choice.dh, &x);
	if (!notify && child_draw_spi(c))
		notify = N_TEMPORARY_FAILURE;
	if (!notify) {
		nonce_lower(c->low_nonce, x.ni, x.nr_used);
		notify = install_in(in, c, &x, out);
	}
	if (!notify)
		put_answer(in, c, m, &choice, &x);
	crypto_wipe(&x, sizeof(x));
	return notify;
}

void inbound_answer(struct inbound *in, const struct engine_child *want, struct msg_out *m,
		    struct inbound_answer *out)
{
	struct child *c = child_new(in->s, want);

	*out = (struct inbound_answer){ .notify = N_TEMPORARY_FAILURE };
	if (!c)
		return;
	out->notify = answer(in, c, m, out);
	if (out->notify) {
		crypto_wipe(&out->out, sizeof(out->out));
		child_free(c);
		return;
	}
	c->state = CHILD_UP;
	c->unproven = true;
	c->answered = ike_now(c->s->e);
	out->child = c;
}

void inbound_finish(struct inbound *in, struct inbound_answer *a)
{
	struct child *c = a->child;

	if (in->rekeys) {
		c->rekeys = in->rekeys;
		rekey_child_answered(c, &a->out);
	} else if (child_install(c, &a->out)) {
		ike_event_child(c, ENG_CHILD_FAILED, WHY_LOCAL,
				"the kernel refused the outbound SA");
		c->id = 0;
		c->state = CHILD_DELETING;
		task_push(c->s, TASK_DEL_CHILD, c);
	} else {
		ike_event_child(c, ENG_CHILD_UP, WHY_NONE, "accepted");
	}
	crypto_wipe(&a->out, sizeof(a->out));
}

void inbound_refused(struct session *s, const struct engine_verdict *v, uint16_t notify)
{
	struct engine_event *ev;

	if (!v->accept || !s->conn)
		return;
	ev = ike_event(s->e, s, ENG_CHILD_FAILED);
	ev->child = v->child.id;
	ev->why = notify_why(notify);
	ike_event_text(ev, "we answered %s", notify_name(notify));
}
