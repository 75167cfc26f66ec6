// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One request outstanding in each direction, numbered, retransmitted, answered
 * from a cache when repeated (RFC 7296 §2.1 to §2.3; semantics.md §14.2).
 */
#include "prefpeerd/engine_ike/ike.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

uint8_t *bytes_dup(const void *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (copy && len)
		memcpy(copy, p, len);
	return copy;
}

void free_wiped(void *p, size_t len)
{
	crypto_wipe(p, len);
	free(p);
}

/* ---- tasks ---- */

struct task_ops {
	uint8_t exchange;
	/* Payloads into an SK payload. -ECANCELED: nothing is left to ask for. */
	int (*build)(struct session *s, struct task *t, struct msg_out *m);
	/* @p is empty where the peer's answer was malformed. May end the session. */
	void (*process)(struct session *s, struct task *t, const struct payloads *p);
};

static const struct task_ops task_ops[] = {
	[TASK_INIT] = { XCHG_IKE_SA_INIT, NULL, NULL }, /* in clear: xchg_init.c */
	[TASK_AUTH] = { XCHG_IKE_AUTH, auth_build, auth_response },
	[TASK_CHILD] = { XCHG_CREATE_CHILD_SA, child_build, child_response },
	[TASK_DEL_CHILD] = { XCHG_INFORMATIONAL, del_child_build, del_child_response },
	[TASK_DEL_IKE] = { XCHG_INFORMATIONAL, del_ike_build, del_ike_response },
	[TASK_PROBE] = { XCHG_INFORMATIONAL, probe_build, probe_response },
};

struct task *task_push(struct session *s, enum task_kind kind, struct child *c)
{
	struct task *t = calloc(1, sizeof(*t));

	if (!t) {
		log_err("ike", "conn %u: no memory for a request", s->conn);
		return NULL;
	}
	t->kind = kind;
	t->child = c;
	DL_APPEND(s->tasks, t);
	return t;
}

void tasks_forget_child(struct session *s, struct child *c)
{
	struct task *t, *tmp;

	DL_FOREACH_SAFE(s->tasks, t, tmp) {
		if (t->child != c)
			continue;
		DL_DELETE(s->tasks, t);
		free(t);
	}
	if (s->rq.task && s->rq.task->child == c)
		s->rq.task->child = NULL;
}

void tasks_free(struct session *s)
{
	struct task *t, *tmp;

	DL_FOREACH_SAFE(s->tasks, t, tmp) {
		DL_DELETE(s->tasks, t);
		free(t);
	}
	free(s->rq.task);
	s->rq.task = NULL;
	request_done(s);
}

/* ---- requests ---- */

/* Takes the task out of it first, if it is still wanted. */
void request_done(struct session *s)
{
	timer_cancel(&s->e->env.timers, &s->retry_timer);
	free(s->rq.bytes);
	free(s->rq.task);
	s->rq.bytes = NULL;
	s->rq.task = NULL;
}

static void arm_retry(struct session *s)
{
	struct request *rq = &s->rq;

	timer_set(&s->e->env.timers, &s->retry_timer,
		  mono_add_ns(rq->curve_start, (int64_t)rq->curve.at[rq->sent - 1] * 1000));
}

static void transmit(struct session *s)
{
	s->rq.sent++;
	s->rq.total++;
	session_send(s, s->rq.bytes, s->rq.len);
	arm_retry(s);
}

/*
 * Where there are only counters, a packet is dated when it is read of (kernel.md §3.1): what
 * came before the curve began has to be read by then, or it would count as come since.
 */
static void curve_begin(struct session *s)
{
	s->rq.curve_start = s->rq.known_in = ike_now(s->e);
	if (s->state == SES_UP && !s->dpd.strict)
		s->rq.known_in = mono_max(s->rq.known_in, session_last_in(s));
}

void request_again(struct session *s)
{
	curve_begin(s);
	s->rq.sent = 0;
	s->retransmits++;
	transmit(s);
}

/* Something came in on the children since this curve began: not dead, the same request again. */
static void begin_again(struct session *s)
{
	log_info("ike", "conn %u: request %u unanswered, but the peer's ESP comes in: again",
		 s->conn, s->rq.id);
	s->rq.restarts++;
	request_again(s);
}

static void give_up(struct session *s, mono_t now)
{
	switch (s->state) {
	case SES_INIT:
	case SES_AUTH:
		return; /* the caller's budget is over too: it closes, or expiry_timer does */
	case SES_UP:
		if (!dpd_is_dead(&s->dpd, s->rq.known_in, session_last_in(s), s->rq.restarts)) {
			begin_again(s);
			return;
		}
		session_end(s, WHY_DEAD, "%u requests without an answer in %lld ms", s->rq.total,
			    (long long)mono_diff_ms(now, s->rq.first_sent));
		return;
	default:
		session_end(s, WHY_TIMEOUT, "DELETE was not answered");
	}
}

static void retry_fire(struct timer *t, mono_t now)
{
	struct session *s = timer_container(t, struct session, retry_timer);

	if (s->rq.sent >= s->rq.curve.n) {
		give_up(s, now);
		return;
	}
	s->retransmits++;
	transmit(s);
}

int request_start(struct session *s, struct task *t, struct msg_out *m, const struct curve *curve)
{
	mono_t now = ike_now(s->e);
	uint8_t *bytes = bytes_dup(m->buf, m->w.len);

	if (!bytes)
		return -ENOMEM;
	s->rq = (struct request){ .task = t,
				  .id = s->next_out,
				  .bytes = bytes,
				  .len = m->w.len,
				  .curve = *curve,
				  .first_sent = now };
	curve_begin(s);
	s->retry_timer.fn = retry_fire;
	transmit(s);
	return 0;
}

static uint8_t our_flag(const struct session *s)
{
	return s->initiator ? IKE_FLAG_INITIATOR : 0;
}

static struct ike_header header_of(const struct session *s, uint8_t exchange, uint8_t flags,
				   uint32_t id)
{
	struct ike_header h = { .exchange = exchange, .flags = flags | our_flag(s), .id = id };

	memcpy(h.spi_i, s->spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, s->spi_r, IKE_SPI_LEN);
	return h;
}

static struct curve curve_for(const struct session *s, const struct task *t)
{
	int64_t left;

	if (s->state == SES_AUTH) {
		left = mono_diff_ms(s->setup->deadline, ike_now(s->e));
		return curve_budget(left > 1 ? (uint32_t)left : 1, s->srtt_us, s->dpd.fixed);
	}
	if (s->state == SES_CLOSING)
		return curve_budget(dpd_budget_ms(&s->dpd, s->srtt_us, false), s->srtt_us,
				    s->dpd.fixed);
	return dpd_curve(&s->dpd, s->srtt_us, t->kind == TASK_PROBE);
}

static int build_and_send(struct session *s, struct task *t)
{
	const struct task_ops *ops = &task_ops[t->kind];
	struct msg_cipher cipher = session_cipher(s, true);
	struct ike_header h = header_of(s, ops->exchange, 0, s->next_out);
	struct curve curve = curve_for(s, t);
	struct msg_out m;
	int err;

	msg_begin_sk(&m, &h, &cipher);
	err = ops->build(s, t, &m);
	if (!err)
		err = msg_seal(&m, &cipher, &s->iv_counter);
	return err ? err : request_start(s, t, &m, &curve);
}

void exchange_next(struct session *s)
{
	while (!s->rq.task && s->tasks && s->state != SES_DEAD && s->state != SES_ZOMBIE) {
		struct task *t = s->tasks;
		int err;

		DL_DELETE(s->tasks, t);
		err = t->kind == TASK_INIT ? init_start(s, t) : build_and_send(s, t);
		if (!err)
			return;
		if (err != -ECANCELED)
			log_err("ike", "conn %u: cannot build a request: %s", s->conn,
				strerror(-err));
		if (t->child && t->kind == TASK_CHILD) {
			ike_event_child(t->child, ENG_CHILD_FAILED, WHY_LOCAL, strerror(-err));
			child_free(t->child);
		}
		free(t);
	}
}

/* ---- responses of ours ---- */

void reply_begin(struct session *s, uint8_t exchange, struct msg_out *m)
{
	struct msg_cipher cipher = session_cipher(s, true);
	struct ike_header h = header_of(s, exchange, IKE_FLAG_RESPONSE, s->next_in);

	msg_begin_sk(m, &h, &cipher);
}

void response_keep(struct session *s, const uint8_t *bytes, size_t len)
{
	free(s->rs.bytes);
	s->rs.bytes = bytes_dup(bytes, len);
	s->rs.len = len;
	s->rs.sent = ike_now(s->e);
}

void reply_send(struct session *s, struct msg_out *m)
{
	struct msg_cipher cipher = session_cipher(s, true);
	int err = msg_seal(m, &cipher, &s->iv_counter);

	s->next_in++;
	if (err) {
		log_err("ike", "conn %u: cannot build a response: %s", s->conn, strerror(-err));
		return;
	}
	response_keep(s, m->buf, m->w.len);
	session_send(s, m->buf, m->w.len);
}

void reply_notify(struct session *s, uint8_t exchange, uint16_t type)
{
	struct msg_out m;

	reply_begin(s, exchange, &m);
	put_notify(&m, type, NULL, 0);
	reply_send(s, &m);
}

void response_repeat(struct session *s, const uint8_t *request, size_t len, mono_t when)
{
	struct chunk data = { request, len };
	uint8_t hash[CRYPTO_SHA256_LEN];

	if (!s->rs.have_request || !s->rs.bytes || crypto_sha256(&data, 1, hash) ||
	    memcmp(hash, s->rs.request_hash, sizeof(hash))) {
		s->e->counters.out_of_window++;
		return;
	}
	if (mono_diff_ms(when, s->rs.sent) < RESEND_MIN_MS)
		return;
	s->rs.sent = when;
	s->e->counters.repeats++;
	session_send(s, s->rs.bytes, s->rs.len);
}

/* ---- what comes in ---- */

static void reply_unknown_critical(struct session *s, uint8_t exchange, uint8_t type)
{
	struct msg_out m;

	reply_begin(s, exchange, &m);
	put_notify(&m, N_UNSUPPORTED_CRITICAL_PAYLOAD, &type, 1);
	reply_send(s, &m);
}

/* The peer's request is malformed though authentic; an IKE_AUTH is then over (§2.21). */
static void refuse(struct session *s, uint8_t exchange, uint8_t unknown_critical)
{
	if (unknown_critical)
		reply_unknown_critical(s, exchange, unknown_critical);
	else
		reply_notify(s, exchange, N_INVALID_SYNTAX);
	if (s->state == SES_HALF_OPEN)
		session_end(s, WHY_UNKNOWN, "malformed IKE_AUTH");
}

static void dispatch_request(struct session *s, uint8_t exchange, const struct payloads *p)
{
	switch (exchange) {
	case XCHG_IKE_AUTH:
		auth_request(s, p);
		break;
	case XCHG_CREATE_CHILD_SA:
		child_request(s, p);
		break;
	default:
		info_request(s, p);
	}
}

/* Which exchanges a peer may begin, given where we stand. */
static bool may_begin(const struct session *s, uint8_t exchange)
{
	switch (s->state) {
	case SES_HALF_OPEN:
		return exchange == XCHG_IKE_AUTH;
	case SES_UP:
	case SES_CLOSING:
		return exchange == XCHG_CREATE_CHILD_SA || exchange == XCHG_INFORMATIONAL;
	default:
		return false;
	}
}

static void request_input(struct session *s, const struct ike_header *h,
			  const struct endpoint *local, const struct endpoint *peer, uint8_t *bytes,
			  size_t len, mono_t when)
{
	struct msg_cipher cipher = session_cipher(s, false);
	uint8_t hash[CRYPTO_SHA256_LEN];
	struct chunk whole = { bytes, len };
	struct payloads p;
	int err;

	if (h->id + 1 == s->next_in) {
		response_repeat(s, bytes, len, when);
		return;
	}
	if (h->id != s->next_in || s->held || !may_begin(s, h->exchange)) {
		s->e->counters.out_of_window++;
		return;
	}
	if (crypto_sha256(&whole, 1, hash))
		return;
	err = msg_open(&cipher, bytes, len, &p);
	if (err == -EBADMSG) {
		s->e->counters.bad_icv++;
		return;
	}
	memcpy(s->rs.request_hash, hash, sizeof(hash));
	s->rs.have_request = true;
	free(s->rs.bytes);
	s->rs.bytes = NULL;
	session_heard(s, local, peer, when);
	if (err || p.unknown_critical)
		refuse(s, h->exchange, err ? 0 : p.unknown_critical);
	else
		dispatch_request(s, h->exchange, &p);
}

/* IKE_AUTH was abandoned, and now the peer has an IKE SA that we do not want. */
static void late_response(struct session *s)
{
	request_done(s);
	session_set_state(s, SES_CLOSING, "late response");
	timer_cancel(&s->e->env.timers, &s->expiry_timer);
	task_push(s, TASK_DEL_IKE, NULL);
	exchange_next(s);
}

static void response_input(struct session *s, const struct ike_header *h,
			   const struct endpoint *local, const struct endpoint *peer,
			   uint8_t *bytes, size_t len, mono_t when)
{
	struct msg_cipher cipher = session_cipher(s, false);
	struct payloads p;
	struct task *t;
	int err;

	if (!s->rq.task || h->id != s->rq.id ||
	    h->exchange != task_ops[s->rq.task->kind].exchange) {
		s->e->counters.out_of_window++;
		return;
	}
	err = msg_open(&cipher, bytes, len, &p);
	if (err == -EBADMSG) {
		s->e->counters.bad_icv++;
		return;
	}
	if (err || p.unknown_critical)
		p.n = 0;
	session_rtt(s, (when.ns - s->rq.first_sent.ns) / 1000, s->rq.total == 1);
	s->next_out++;
	session_heard(s, local, peer, when);
	if (s->state == SES_ABANDONED) {
		late_response(s);
		return;
	}
	t = s->rq.task;
	s->rq.task = NULL;
	request_done(s);
	task_ops[t->kind].process(s, t, &p);
	free(t);
	exchange_next(s);
}

void exchange_input(struct session *s, const struct ike_header *h, const struct endpoint *local,
		    const struct endpoint *peer, uint8_t *bytes, size_t len, mono_t when)
{
	bool from_initiator = h->flags & IKE_FLAG_INITIATOR;

	if (from_initiator == s->initiator || memcmp(h->spi_i, s->spi_i, IKE_SPI_LEN) ||
	    memcmp(h->spi_r, s->spi_r, IKE_SPI_LEN)) {
		s->e->counters.out_of_window++;
		return;
	}
	if (s->state == SES_ZOMBIE) {
		if (!(h->flags & IKE_FLAG_RESPONSE) && h->id + 1 == s->next_in)
			response_repeat(s, bytes, len, when);
		return;
	}
	if (!s->has_keys) {
		s->e->counters.out_of_window++;
		return;
	}
	if (h->flags & IKE_FLAG_RESPONSE)
		response_input(s, h, local, peer, bytes, len, when);
	else
		request_input(s, h, local, peer, bytes, len, when);
}
