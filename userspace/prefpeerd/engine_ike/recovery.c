// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * After a crash: what is said in clear, since there are no keys (RFC 7296 §1.5,
 * §2.5, §2.21.4), and Quick Crash Detection (RFC 6290), both roles. Of what is in
 * clear only a token that the peer gave us under the IKE SA's protection ends
 * anything; all else is a hint that asks for a liveness check. Nothing that we
 * send in clear is longer than what it answers.
 */
#include "prefpeerd/engine_ike/ike.h"

#include <string.h>

#include "lib/log.h"

#define CLEAR_HEADER (IKE_HEADER_LEN + 8) /* and a notify without data */

/* ---- how often ---- */

static bool may(struct ike *e, struct budget *b, unsigned per_second)
{
	mono_t now = ike_now(e);

	if (!mono_is_set(b->since) || mono_diff_ms(now, b->since) >= 1000)
		*b = (struct budget){ .since = now };
	return b->n++ < per_second;
}

/* ---- the token's maker ---- */

/*
 * The same after a restart, since the secret is kept. Our address goes into it:
 * agents that share the secret must not answer for each other's IKE SAs.
 */
static bool make_token(const struct ike *e, const struct addr *local, const uint8_t *spi_i,
		       const uint8_t *spi_r, uint8_t out[QCD_TOKEN_LEN])
{
	struct chunk key = { e->qcd_secret, sizeof(e->qcd_secret) };
	struct chunk data[] = { { local->bytes, addr_len(local) },
				{ spi_i, IKE_SPI_LEN },
				{ spi_r, IKE_SPI_LEN } };
	uint8_t full[CRYPTO_SHA256_LEN];
	bool ok = e->qcd_maker && !crypto_prf(PRF_HMAC_SHA2_256, key, data, 3, full);

	if (ok)
		memcpy(out, full, QCD_TOKEN_LEN);
	crypto_wipe(full, sizeof(full));
	return ok;
}

static void put_token(struct msg_out *m, const uint8_t token[QCD_TOKEN_LEN])
{
	msg_payload_begin(m, PLD_NOTIFY);
	wtr_u8(&m->w, PROTO_ID_IKE);
	wtr_u8(&m->w, 0);
	wtr_u16(&m->w, N_QCD_TOKEN);
	wtr_bytes(&m->w, token, QCD_TOKEN_LEN);
	msg_payload_end(m);
}

void put_qcd_token(struct msg_out *m, const struct session *s)
{
	uint8_t token[QCD_TOKEN_LEN];

	if (make_token(s->e, &s->local.addr, s->spi_i, s->spi_r, token))
		put_token(m, token);
	crypto_wipe(token, sizeof(token));
}

/* SPIs, exchange and message ID are the request's. */
static void reply_clear(struct ike *e, const struct ike_header *to, const struct endpoint *local,
			const struct endpoint *peer, uint16_t notify, const uint8_t *token)
{
	struct ike_header h = *to;
	struct msg_out m;

	h.flags = IKE_FLAG_RESPONSE | (to->flags & IKE_FLAG_INITIATOR ? 0 : IKE_FLAG_INITIATOR);
	msg_begin(&m, &h);
	put_notify(&m, notify, NULL, 0);
	if (token)
		put_token(&m, token);
	if (msg_end(&m))
		return;
	e->counters.sent++;
	e->counters.clear_sent++;
	ike_net_send(e, local, peer, m.buf, m.w.len);
}

static bool is_protected_request(const struct ike_header *h)
{
	return !(h->flags & IKE_FLAG_RESPONSE) && (h->next == PLD_SK || h->next == PLD_SKF);
}

void recovery_unknown(struct ike *e, const struct ike_header *h, const struct endpoint *local,
		      const struct endpoint *peer, size_t len)
{
	static const uint8_t zero[IKE_SPI_LEN];
	uint8_t token[QCD_TOKEN_LEN];
	bool has_token;

	/*
	 * A token of an IKE SA that lives would be the means to end it, so both SPIs
	 * must be unknown, whichever side the flag says that it comes from.
	 */
	if (!is_protected_request(h) || session_by_spi(e, h->spi_i) || session_by_spi(e, h->spi_r) ||
	    !memcmp(h->spi_i, zero, IKE_SPI_LEN) || !memcmp(h->spi_r, zero, IKE_SPI_LEN) ||
	    len < CLEAR_HEADER || !may(e, &e->clear_out, CLEAR_PER_SECOND))
		return;
	has_token = len >= CLEAR_HEADER + 8 + QCD_TOKEN_LEN &&
		    make_token(e, &local->addr, h->spi_i, h->spi_r, token);
	reply_clear(e, h, local, peer, N_INVALID_IKE_SPI, has_token ? token : NULL);
	crypto_wipe(token, sizeof(token));
}

void recovery_version(struct ike *e, const struct ike_header *h, const struct endpoint *local,
		      const struct endpoint *peer, size_t len)
{
	/* Lower ones are IKEv1's, and dropped (§2.5). */
	if ((h->version & 0xf0) > IKE_VERSION && !(h->flags & IKE_FLAG_RESPONSE) &&
	    len >= CLEAR_HEADER && may(e, &e->clear_out, CLEAR_PER_SECOND))
		reply_clear(e, h, local, peer, N_INVALID_MAJOR_VERSION, NULL);
}

/* ---- the token's taker ---- */

void qcd_take(struct session *s, const struct payloads *p)
{
	struct pld_notify n;

	s->qcd_len = 0;
	if (!payloads_notify(p, N_QCD_TOKEN, &n) || n.data.len < QCD_TOKEN_LEN ||
	    n.data.len > sizeof(s->qcd_token))
		return;
	memcpy(s->qcd_token, n.data.p, n.data.len);
	s->qcd_len = n.data.len;
}

/* Several may come, of a cluster's members. */
static bool has_token_of(const struct session *s, const struct payloads *p)
{
	struct pld_notify n;

	for (unsigned i = 0; s->qcd_len && i < p->n; i++)
		if (p->list[i].type == PLD_NOTIFY && !notify_parse(&p->list[i], &n) &&
		    n.type == N_QCD_TOKEN && n.data.len == s->qcd_len &&
		    crypto_equal(n.data.p, s->qcd_token, s->qcd_len))
			return true;
	return false;
}

static struct session *named_session(struct ike *e, const struct ike_header *h)
{
	struct session *s = session_by_spi(e, h->spi_i);

	if (!s)
		s = session_by_spi(e, h->spi_r);
	if (!s || memcmp(s->spi_i, h->spi_i, IKE_SPI_LEN) || memcmp(s->spi_r, h->spi_r, IKE_SPI_LEN))
		return NULL;
	return s;
}

/* The request that is outstanding is a liveness check too. */
static void check_liveness(struct session *s, const char *what)
{
	mono_t now = ike_now(s->e);

	if (s->state != SES_UP || s->rq.task || s->tasks ||
	    (mono_is_set(s->hinted) && mono_diff_ms(now, s->hinted) < HINT_EACH_MS))
		return;
	s->hinted = now;
	log_notice("ike", "conn %u: %s (unauthenticated): is the peer alive?", s->conn, what);
	task_push(s, TASK_PROBE, NULL);
	exchange_next(s);
}

static void lost_its_state(struct session *s)
{
	log_notice("ike", "conn %u: the peer has lost its state, its token says so", s->conn);
	session_end(s, WHY_PEER_DELETE, "the peer has restarted and lost the IKE SA (RFC 6290)");
}

/* INVALID_SPI: the child whose packets it does not know (§1.5). */
static struct session *session_of_spi(struct ike *e, const struct pld_notify *n,
				      const struct endpoint *peer)
{
	struct session *s;
	struct rdr r;
	uint32_t spi;

	rdr_init(&r, n->data.p, n->data.len);
	spi = rdr_u32(&r);
	if (!rdr_done(&r) || !spi)
		return NULL;
	DL_FOREACH(e->sessions, s)
		if (addr_equal(&s->peer.addr, &peer->addr) && child_by_spi_out(s, PROTO_ID_NONE, spi))
			return s;
	return NULL;
}

bool recovery_clear(struct ike *e, const struct ike_header *h, const struct endpoint *peer,
		    const uint8_t *bytes, size_t len)
{
	struct session *s = named_session(e, h);
	struct pld_notify n;
	struct payloads p;

	if (h->exchange == XCHG_IKE_SA_INIT || h->next != PLD_NOTIFY)
		return false;
	if (!may(e, &e->clear_in, CLEAR_PER_SECOND) ||
	    payloads_parse(h->next, bytes + IKE_HEADER_LEN, len - IKE_HEADER_LEN, &p)) {
		e->counters.malformed++;
		return true;
	}
	e->counters.hints++;
	if (s && !addr_equal(&s->peer.addr, &peer->addr))
		s = NULL;
	if (s && (s->state == SES_UP || s->state == SES_CLOSING) && has_token_of(s, &p))
		lost_its_state(s);
	else if (s && payloads_notify(&p, N_INVALID_IKE_SPI, &n))
		check_liveness(s, "INVALID_IKE_SPI");
	else if (payloads_notify(&p, N_INVALID_SPI, &n) && (s = session_of_spi(e, &n, peer)))
		check_liveness(s, "INVALID_SPI");
	return true;
}
