// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One request outstanding in each direction, numbered, retransmitted, answered
 * from a cache when repeated (RFC 7296 §2.1 to §2.3; semantics.md §14.2), in
 * fragments where both ends know them (RFC 7383).
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
	[TASK_REKEY] = { XCHG_CREATE_CHILD_SA, rekey_ike_build, rekey_ike_response },
	[TASK_DEL_CHILD] = { XCHG_INFORMATIONAL, del_child_build, del_child_response },
	[TASK_DEL_IKE] = { XCHG_INFORMATIONAL, del_ike_build, del_ike_response },
	[TASK_PROBE] = { XCHG_INFORMATIONAL, probe_build, probe_response },
	[TASK_TOKEN] = { XCHG_INFORMATIONAL, token_build, probe_response },
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

/* ---- messages of ours as datagrams ---- */

static int seal(struct session *s, const struct msg_out *m, uint8_t **bytes, size_t *len)
{
	struct msg_cipher cipher = session_cipher(s, true);
	size_t max = s->frag.on ? frag_room(&s->local, s->frag.mtu) : SIZE_MAX;

	return frag_seal(m, &cipher, &s->iv_counter, max, bytes, len);
}

static void plain_free(struct msg_out **plain)
{
	if (*plain)
		free_wiped(*plain, sizeof(**plain));
	*plain = NULL;
}

/* A copy where smaller fragments are possible, should these not arrive. */
static struct msg_out *plain_of(const struct session *s, const struct msg_out *m,
				const uint8_t *bytes, size_t len)
{
	struct msg_out *copy = NULL;

	if (s->frag.on && frag_longest(bytes, len) > frag_room(&s->local, 0))
		copy = malloc(sizeof(*copy));
	if (copy) {
		*copy = *m;
		copy->w.buf = copy->buf;
	}
	return copy;
}

/*
 * What has been sent in vain so often may be too long for the path: from here on,
 * datagrams that every path carries (RFC 7383 §2.5.2). Sent without the don't
 * fragment bit in any case, since IKE_SA_INIT cannot be cut.
 */
static void cut_finer(struct session *s, struct msg_out **plain, uint8_t **bytes, size_t *len)
{
	uint8_t *smaller;
	size_t n;

	if (!*plain || !s->has_keys)
		return;
	s->frag.mtu = 0;
	if (!seal(s, *plain, &smaller, &n)) {
		log_info("ike", "conn %u: unanswered: smaller fragments from here on", s->conn);
		free(*bytes);
		*bytes = smaller;
		*len = n;
	}
	plain_free(plain);
}

/* ---- requests ---- */

/* Takes the task out of it first, if it is still wanted. */
void request_done(struct session *s)
{
	timer_cancel(&s->e->env.timers, &s->retry_timer);
	free(s->rq.bytes);
	free(s->rq.task);
	plain_free(&s->rq.plain);
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
	if (s->rq.total >= FRAG_FALLBACK)
		cut_finer(s, &s->rq.plain, &s->rq.bytes, &s->rq.len);
	transmit(s);
}

/* Takes over @bytes and @plain. */
static void start(struct session *s, struct task *t, uint8_t *bytes, size_t len,
		  struct msg_out *plain, const struct curve *curve)
{
	s->rq = (struct request){ .task = t,
				  .id = s->next_out,
				  .bytes = bytes,
				  .len = len,
				  .plain = plain,
				  .curve = *curve,
				  .first_sent = ike_now(s->e) };
	curve_begin(s);
	s->retry_timer.fn = retry_fire;
	transmit(s);
}

int request_start(struct session *s, struct task *t, struct msg_out *m, const struct curve *curve)
{
	uint8_t *bytes = bytes_dup(m->buf, m->w.len);

	if (!bytes)
		return -ENOMEM;
	start(s, t, bytes, m->w.len, NULL, curve);
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
	uint8_t *bytes;
	size_t len;
	int err;

	msg_begin_sk(&m, &h, &cipher);
	err = ops->build(s, t, &m);
	if (!err)
		err = seal(s, &m, &bytes, &len);
	if (!err)
		start(s, t, bytes, len, plain_of(s, &m, bytes, len), &curve);
	return err;
}

static void child_not_built(struct child *c, int err)
{
	const char *cannot = child_cannot(c);

	if (cannot)
		ike_event_child(c, ENG_CHILD_FAILED, WHY_PROPOSAL, cannot);
	else
		ike_event_child(c, ENG_CHILD_FAILED, WHY_LOCAL, strerror(-err));
	child_free(c);
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
		/* What cannot be at all between these ends is told by its event. */
		if (err != -ECANCELED && err != -EPROTONOSUPPORT)
			log_err("ike", "conn %u: cannot build a request: %s", s->conn,
				strerror(-err));
		if (t->child && t->kind == TASK_CHILD)
			child_not_built(t->child, err);
		if (t->kind == TASK_REKEY && err != -ECANCELED)
			rekey_ike_failed(s, strerror(-err));
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

void response_forget(struct session *s)
{
	free(s->rs.bytes);
	s->rs.bytes = NULL;
	plain_free(&s->rs.plain);
}

void response_keep(struct session *s, uint8_t *bytes, size_t len)
{
	response_forget(s);
	s->rs.bytes = bytes;
	s->rs.len = len;
	s->rs.repeats = 0;
	s->rs.sent = ike_now(s->e);
}

void reply_send(struct session *s, struct msg_out *m)
{
	uint8_t *bytes;
	size_t len;
	int err = seal(s, m, &bytes, &len);

	s->next_in++;
	if (err) {
		log_err("ike", "conn %u: cannot build a response: %s", s->conn, strerror(-err));
		return;
	}
	response_keep(s, bytes, len);
	s->rs.plain = plain_of(s, m, bytes, len);
	session_send(s, bytes, len);
}

void reply_notify(struct session *s, uint8_t exchange, uint16_t type)
{
	struct msg_out m;

	reply_begin(s, exchange, &m);
	put_notify(&m, type, NULL, 0);
	reply_send(s, &m);
}

static void repeat(struct session *s, mono_t when)
{
	if (mono_diff_ms(when, s->rs.sent) < RESEND_MIN_MS)
		return;
	s->rs.sent = when;
	s->e->counters.repeats++;
	if (++s->rs.repeats >= FRAG_FALLBACK)
		cut_finer(s, &s->rs.plain, &s->rs.bytes, &s->rs.len);
	session_send(s, s->rs.bytes, s->rs.len);
}

/* Of a fragmented one only the first fragment has the hash: one answer for all (RFC 7383 §2.6.1). */
void response_repeat(struct session *s, const uint8_t *request, size_t len, mono_t when)
{
	struct chunk data = { request, len };
	uint8_t hash[CRYPTO_SHA256_LEN];

	if (!s->rs.have_request || !s->rs.bytes || crypto_sha256(&data, 1, hash) ||
	    memcmp(hash, s->rs.request_hash, sizeof(hash)))
		s->e->counters.out_of_window++;
	else
		repeat(s, when);
}

/* The peer cuts its last request finer, since it has no answer: those bytes are new. */
static bool is_finer_cut(const struct session *s, uint8_t *bytes, size_t len)
{
	struct msg_cipher cipher = session_cipher(s, false);
	struct fragment f;

	return s->frag.on && s->rs.have_request && s->rs.bytes &&
	       !msg_peek_fragment(bytes, len, &f) && f.number == 1 &&
	       f.total > s->rs.request_total && !msg_open_fragment(&cipher, bytes, len, &f);
}

static void repeat_input(struct session *s, uint8_t *bytes, size_t len, mono_t when)
{
	if (is_finer_cut(s, bytes, len))
		repeat(s, when);
	else
		response_repeat(s, bytes, len, when);
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
	case SES_REKEYED:
	case SES_RIVAL:
		return exchange == XCHG_CREATE_CHILD_SA || exchange == XCHG_INFORMATIONAL;
	default:
		return false;
	}
}

/* One that came in, opened. */
struct opened {
	struct payloads p;
	int err;     /* -EINVAL, -E2BIG: authentic, but malformed */
	unsigned total; /* fragments */
	uint8_t hash[CRYPTO_SHA256_LEN]; /* of a request: of its first datagram */
};

static bool open_whole(struct session *s, uint8_t *bytes, size_t len, struct opened *out)
{
	struct msg_cipher cipher = session_cipher(s, false);
	struct chunk whole = { bytes, len };

	out->total = 1;
	if (crypto_sha256(&whole, 1, out->hash))
		return false;
	out->err = msg_open(&cipher, bytes, len, &out->p);
	if (out->err != -EBADMSG)
		return true;
	s->e->counters.bad_icv++;
	return false;
}

/* True: with this fragment the message is complete. */
static bool open_fragment(struct session *s, struct reassembly **r, uint32_t id, uint8_t *bytes,
			  size_t len, struct opened *out)
{
	struct msg_cipher cipher = session_cipher(s, false);

	switch (frag_take(r, &cipher, id, bytes, len)) {
	case FRAG_KEPT:
		s->e->counters.fragments++;
		return false;
	case FRAG_BAD_ICV:
		s->e->counters.bad_icv++;
		return false;
	case FRAG_REPLAY:
	case FRAG_TOO_MANY:
		s->e->counters.fragments_dropped++;
		return false;
	case FRAG_WHOLE:
		break;
	}
	s->e->counters.fragments++;
	out->total = frag_total(*r);
	memcpy(out->hash, frag_first_hash(*r), sizeof(out->hash));
	out->err = frag_message(*r, s->e->scratch, &out->p);
	return true;
}

/* True: an authentic message is there. */
static bool open_input(struct session *s, struct reassembly **r, const struct ike_header *h,
		       uint8_t *bytes, size_t len, struct opened *out)
{
	bool done = s->frag.on && h->next == PLD_SKF ?
			    open_fragment(s, r, h->id, bytes, len, out) :
			    open_whole(s, bytes, len, out);

	if (done)
		frag_drop(r);
	return done;
}

static void request_input(struct session *s, const struct ike_header *h,
			  const struct endpoint *local, const struct endpoint *peer, uint8_t *bytes,
			  size_t len, mono_t when)
{
	struct opened in;

	if (h->id + 1 == s->next_in) {
		repeat_input(s, bytes, len, when);
		return;
	}
	if (h->id != s->next_in || s->held || !may_begin(s, h->exchange)) {
		s->e->counters.out_of_window++;
		return;
	}
	if (!open_input(s, &s->frag.request, h, bytes, len, &in))
		return;
	memcpy(s->rs.request_hash, in.hash, sizeof(in.hash));
	s->rs.request_total = in.total;
	s->rs.have_request = true;
	response_forget(s);
	session_heard(s, local, peer, when);
	children_proven(s);
	if (!in.err && s->state == SES_RIVAL)
		rekey_ike_peer_uses(s, &in.p);
	if (in.err || in.p.unknown_critical)
		refuse(s, h->exchange, in.err ? 0 : in.p.unknown_critical);
	else
		dispatch_request(s, h->exchange, &in.p);
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
	struct opened in;
	struct task *t;

	if (!s->rq.task || h->id != s->rq.id ||
	    h->exchange != task_ops[s->rq.task->kind].exchange) {
		s->e->counters.out_of_window++;
		return;
	}
	if (!open_input(s, &s->frag.response, h, bytes, len, &in))
		return;
	if (in.err || in.p.unknown_critical)
		in.p.n = 0;
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
	task_ops[t->kind].process(s, t, &in.p);
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
