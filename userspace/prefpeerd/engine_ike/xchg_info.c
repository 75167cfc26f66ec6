// SPDX-License-Identifier: GPL-2.0-or-later
/* INFORMATIONAL: liveness and deletion (RFC 7296 §1.4; semantics.md §14.3). */
#include "prefpeerd/engine_ike/ike.h"

#include <errno.h>

#include "lib/log.h"

/* ---- ours ---- */

int probe_build(struct session *s, struct task *t, struct msg_out *m)
{
	return 0;
}

/* Where the initiator of a rekey makes tokens, only now both SPIs are known (RFC 6290). */
int token_build(struct session *s, struct task *t, struct msg_out *m)
{
	put_qcd_token(m, s);
	return 0;
}

/* That it is authentic is all that matters, and was noted. */
void probe_response(struct session *s, struct task *t, const struct payloads *p)
{
}

int del_child_build(struct session *s, struct task *t, struct msg_out *m)
{
	uint8_t protocol = t->child ? child_protocol(t->child) : t->protocol;
	uint32_t spi = t->child ? t->child->pair.spi_in : t->spi;

	if (t->child)
		t->child->delete_blind = t->child->unproven;
	if (!spi)
		return -ECANCELED;
	put_delete_child(m, protocol, &spi, 1);
	return 0;
}

void del_child_response(struct session *s, struct task *t, const struct payloads *p)
{
	struct child *c = t->child;

	if (!c)
		return;
	if (c->delete_blind && !payloads_find(p, PLD_DELETE)) {
		/* When it has our answer, it has a pair that nobody else has. */
		child_remove_in(c);
		timer_set(&s->e->env.timers, &c->late_timer,
			  mono_add_ms(ike_now(s->e), lifetime_retry_ms(c->rekey_tries++)));
	} else if (c->replaced) {
		child_linger(c);
	} else {
		child_free(c);
	}
}

int del_ike_build(struct session *s, struct task *t, struct msg_out *m)
{
	/* From here on the request's own curve ends the session. */
	timer_cancel(&s->e->env.timers, &s->expiry_timer);
	put_delete_ike(m);
	return 0;
}

void del_ike_response(struct session *s, struct task *t, const struct payloads *p)
{
	session_end(s, WHY_LOCAL, "the peer answered DELETE");
}

/* ---- the peer's ---- */

/* Our DELETE for it is on its way: theirs crossed it, and the answer names no SPI (§1.4.1). */
static bool delete_is_sent(const struct child *c)
{
	const struct task *t = c->s->rq.task;

	return t && t->kind == TASK_DEL_CHILD && t->child == c;
}

/* Our SPI of the pair, for the answer; 0 = none. */
static uint32_t peer_deletes(struct session *s, uint8_t protocol, uint32_t spi)
{
	struct child *c = child_by_spi_out(s, protocol, spi);
	uint32_t ours;

	if (!c)
		return 0;
	ours = delete_is_sent(c) ? 0 : c->pair.spi_in;
	if (rekey_child_peer_deletes(c))
		return ours;
	ike_event_child(c, ENG_CHILD_DOWN, WHY_PEER_DELETE, "the peer deleted it");
	child_free(c);
	return ours;
}

#define DELETE_SPIS_MAX 64

/* Ours of the pairs that the peer deletes. */
struct deleted {
	uint8_t protocol;
	uint32_t ours[DELETE_SPIS_MAX];
	unsigned n;
};

static void peer_deletes_all(struct session *s, const struct pld_delete *d, struct deleted *out)
{
	struct rdr r;

	rdr_init(&r, d->spis.p, d->spis.len);
	for (unsigned i = 0; i < d->n; i++) {
		uint32_t spi = peer_deletes(s, out->protocol, rdr_u32(&r));

		if (spi && out->n < DELETE_SPIS_MAX)
			out->ours[out->n++] = spi;
	}
}

/* And the answer's payload, of one protocol (§3.11). */
static void answer_deletes(struct session *s, const struct payloads *p, uint8_t protocol,
			   struct msg_out *m)
{
	struct deleted gone = { .protocol = protocol };
	struct pld_delete d;

	for (unsigned i = 0; i < p->n; i++)
		if (p->list[i].type == PLD_DELETE && !delete_parse(&p->list[i], &d) &&
		    d.protocol == protocol)
			peer_deletes_all(s, &d, &gone);
	if (gone.n && s->state == SES_UP)
		put_delete_child(m, protocol, gone.ours, gone.n);
}

bool deletes_ike_sa(const struct payloads *p)
{
	struct pld_delete d;

	for (unsigned i = 0; i < p->n; i++)
		if (p->list[i].type == PLD_DELETE && !delete_parse(&p->list[i], &d) &&
		    d.protocol == PROTO_ID_IKE)
			return true;
	return false;
}

static bool deletes_are_sound(const struct payloads *p)
{
	struct pld_delete d;

	for (unsigned i = 0; i < p->n; i++)
		if (p->list[i].type == PLD_DELETE && delete_parse(&p->list[i], &d))
			return false;
	return true;
}

static void log_errors(const struct session *s, const struct payloads *p)
{
	uint16_t type = payloads_error(p);

	if (type)
		log_notice("ike", "conn %u: the peer reports %s", s->conn, notify_name(type));
}

void info_request(struct session *s, const struct payloads *p)
{
	struct pld_notify notify;
	struct msg_out m;

	if (!deletes_are_sound(p)) {
		reply_notify(s, XCHG_INFORMATIONAL, N_INVALID_SYNTAX);
		return;
	}
	log_errors(s, p);
	if (payloads_notify(p, N_QCD_TOKEN, &notify))
		qcd_take(s, p);
	reply_begin(s, XCHG_INFORMATIONAL, &m);
	/* Authentic, and the peer's last word on it (§2.21.2). */
	if (deletes_ike_sa(p) || payloads_notify(p, N_AUTHENTICATION_FAILED, &notify)) {
		reply_send(s, &m);
		rekey_ike_peer_deletes(s);
		session_end(s, WHY_PEER_DELETE, "the peer deleted the IKE SA");
		return;
	}
	answer_deletes(s, p, PROTO_ID_ESP, &m);
	answer_deletes(s, p, PROTO_ID_AH, &m);
	reply_send(s, &m);
	exchange_next(s);
}
