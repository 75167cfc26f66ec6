// SPDX-License-Identifier: GPL-2.0-or-later
/* IKE SAs: their table, the one door of their states, and their death. */
#include "prefpeerd/engine_ike/ike.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

static const char *const state_names[] = {
	[SES_INIT] = "INIT",	       [SES_AUTH] = "AUTH",	[SES_HALF_OPEN] = "HALF_OPEN",
	[SES_HELD] = "HELD",	       [SES_UP] = "UP",		[SES_CLOSING] = "CLOSING",
	[SES_ABANDONED] = "ABANDONED", [SES_ZOMBIE] = "ZOMBIE", [SES_DEAD] = "DEAD",
	[SES_REKEYING] = "REKEYING",   [SES_RIVAL] = "RIVAL",	[SES_REKEYED] = "REKEYED",
};

const char *session_state_name(enum session_state state)
{
	return state_names[state];
}

static bool is_setup(enum session_state state)
{
	return state == SES_INIT || state == SES_AUTH;
}

void session_set_state(struct session *s, enum session_state to, const char *reason)
{
	/* Anybody can make half-open ones end, as often as they like. */
	bool cheap = s->state == SES_HALF_OPEN && (to == SES_DEAD || to == SES_ZOMBIE);
	char peer[ENDPOINT_STRLEN];

	if (s->state == to)
		return;
	log_line(cheap ? LOG_LVL_DEBUG : LOG_LVL_INFO, "ike", "conn %u to %s: %s -> %s: %s",
		 s->conn, endpoint_print(&s->peer, peer, sizeof(peer)), state_names[s->state],
		 state_names[to], reason);
	if (is_setup(s->state) && !is_setup(to)) {
		s->e->n_setups--;
		ike_schedule(s->e); /* for crossing_turn() */
	}
	s->state = to;
}

/* ---- the table ---- */

const uint8_t *session_our_spi(const struct session *s)
{
	return s->initiator ? s->spi_i : s->spi_r;
}

struct session *session_by_spi(struct ike *e, const uint8_t spi[IKE_SPI_LEN])
{
	struct session *s;

	HASH_FIND(hh_spi, e->by_spi, spi, IKE_SPI_LEN, s);
	return s;
}

struct session *session_by_conn(struct ike *e, conn_id conn)
{
	struct session *s;

	HASH_FIND(hh_conn, e->by_conn, &conn, sizeof(conn), s);
	return s;
}

void session_name(struct session *s, conn_id conn)
{
	s->conn = conn;
	HASH_ADD(hh_conn, s->e->by_conn, conn, sizeof(s->conn), s);
}

static void session_unname(struct session *s)
{
	if (!s->conn)
		return;
	HASH_DELETE(hh_conn, s->e->by_conn, s);
	s->conn = 0;
}

void session_rename(struct session *from, struct session *to)
{
	conn_id conn = from->conn;

	session_unname(from);
	if (conn)
		session_name(to, conn);
}

bool session_add_half_open(struct session *s)
{
	if (!half_open_add(&s->e->half_open, &s->counted_from))
		return false;
	HASH_ADD(hh_init, s->e->by_init, init_key, sizeof(s->init_key), s);
	s->half_open_counted = true;
	return true;
}

static void session_del_half_open(struct session *s)
{
	if (!s->half_open_counted)
		return;
	HASH_DELETE(hh_init, s->e->by_init, s);
	s->half_open_counted = false;
	half_open_del(&s->e->half_open, &s->counted_from);
}

/* Zero is no SPI (§3.1), and two sessions never share one. */
static bool draw_spi(struct ike *e, uint8_t spi[IKE_SPI_LEN])
{
	static const uint8_t zero[IKE_SPI_LEN];

	do {
		if (crypto_random(spi, IKE_SPI_LEN))
			return false;
	} while (!memcmp(spi, zero, IKE_SPI_LEN) || session_by_spi(e, spi));
	return true;
}

/* ---- timers ---- */

static struct timers *timers_of(struct session *s)
{
	return &s->e->env.timers;
}

static void expiry_fire(struct timer *t, mono_t now)
{
	struct session *s = timer_container(t, struct session, expiry_timer);

	switch (s->state) {
	case SES_INIT:
	case SES_AUTH:
		session_end(s, WHY_TIMEOUT, "no answer within the budget");
		break;
	case SES_CLOSING:
		session_end(s, WHY_TIMEOUT, "DELETE was not answered in time");
		break;
	case SES_REKEYED:
		session_set_state(s, SES_CLOSING, "the peer did not delete it");
		task_push(s, TASK_DEL_IKE, NULL);
		exchange_next(s);
		break;
	default:
		session_end(s, WHY_TIMEOUT, "%s timed out", state_names[s->state]);
	}
}

/* What the kernel knows of the peer; all UNSET where it knows nothing. */
static struct kernel_peer_reading peer_reading(const struct session *s)
{
	const struct kernel *k = &s->e->env.kernel;
	struct kernel_peer_key key = { .local = s->local.addr,
				       .peer = s->peer.addr,
				       .encap_port = session_encap(s) ? s->peer.port : 0 };
	struct kernel_peer_reading r = { 0 };

	if (k->ops->peer_read(k->impl, &key, &r))
		return (struct kernel_peer_reading){ .counted = true };
	return r;
}

mono_t session_last_in(const struct session *s)
{
	return peer_reading(s).last_in;
}

static mono_t session_last_out(const struct session *s)
{
	return peer_reading(s).last_out;
}

void session_arm_dpd(struct session *s)
{
	mono_t due = dpd_due(&s->dpd, s->heard, MONO_UNSET);

	if (s->state == SES_UP)
		timer_set(timers_of(s), &s->dpd_timer,
			  dpd_look(&s->dpd, due, s->counted, ike_now(s->e)));
}

static void dpd_fire(struct timer *t, mono_t now)
{
	struct session *s = timer_container(t, struct session, dpd_timer);
	struct kernel_peer_reading r = { 0 };
	mono_t due;

	/* Not asked where the answer does not matter. */
	if (!s->dpd.strict) {
		r = peer_reading(s);
		s->counted = r.counted;
	}
	due = dpd_due(&s->dpd, s->heard, r.last_in);
	if (mono_before(now, due)) {
		timer_set(timers_of(s), t, dpd_look(&s->dpd, due, s->counted, now));
		return;
	}
	/* An outstanding request counts as the probe; its end arms this timer again. */
	if (s->rq.task || s->tasks)
		return;
	task_push(s, TASK_PROBE, NULL);
	exchange_next(s);
}

static void arm_natt(struct session *s)
{
	if (s->natt.local)
		timer_set(timers_of(s), &s->natt_timer,
			  mono_add_ms(s->last_sent, s->natt_ms));
}

static void natt_fire(struct timer *t, mono_t now)
{
	struct session *s = timer_container(t, struct session, natt_timer);
	mono_t due = mono_add_ms(mono_max(s->last_sent, session_last_out(s)), s->natt_ms);

	if (!mono_before(now, due)) {
		s->e->env.net->keepalive(s->e->env.net_ctx, &s->local, &s->peer);
		s->last_sent = now;
		due = mono_add_ms(now, s->natt_ms);
	}
	timer_set(timers_of(s), t, due);
}

/* ---- life ---- */

static struct session *new_session(struct ike *e, bool initiator, enum session_state state)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->setup = calloc(1, sizeof(*s->setup));
	if (!s->setup || !draw_spi(e, initiator ? s->spi_i : s->spi_r)) {
		free(s->setup);
		free(s);
		return NULL;
	}
	s->e = e;
	s->initiator = initiator;
	s->state = state;
	s->created = ike_now(e);
	s->natt_ms = NATT_KEEPALIVE_MS;
	s->counted = true; /* until a reading says better */
	timer_init(&s->retry_timer, NULL);
	timer_init(&s->dpd_timer, dpd_fire);
	timer_init(&s->natt_timer, natt_fire);
	timer_init(&s->expiry_timer, expiry_fire);
	timer_init(&s->life_timer, lifetime_fire);
	timer_init(&s->cert_timer, lifetime_certs_fire);
	if (is_setup(state))
		e->n_setups++;
	DL_APPEND(e->sessions, s);
	HASH_ADD_KEYPTR(hh_spi, e->by_spi, session_our_spi(s), IKE_SPI_LEN, s);
	return s;
}

static void count_theirs(struct session *s, bool theirs)
{
	s->theirs = theirs;
	s->e->n_theirs += theirs;
}

struct session *session_new(struct ike *e, bool initiator)
{
	struct session *s = new_session(e, initiator, initiator ? SES_INIT : SES_HALF_OPEN);

	if (s)
		count_theirs(s, !initiator);
	return s;
}

struct session *session_new_heir(struct session *old, bool initiator)
{
	struct session *s = new_session(old->e, initiator, SES_REKEYING);

	if (!s)
		return NULL;
	count_theirs(s, old->theirs);
	s->old = old;
	s->remote = old->remote;
	s->local = old->local;
	s->peer = old->peer;
	s->dpd = old->dpd;
	s->srtt_us = old->srtt_us;
	/* Negotiated once, for all that follow it (RFC 7383 §2.3). */
	s->frag.on = old->frag.on;
	s->frag.mtu = old->frag.mtu;
	return s;
}

void session_setup_done(struct session *s)
{
	struct setup *su = s->setup;

	session_del_half_open(s);
	if (!su)
		return;
	crypto_dh_free(su->dh);
	free(su->msg_i);
	free(su->msg_r);
	auth_forget(su);
	free_wiped(su, sizeof(*su));
	s->setup = NULL;
}

void session_established(struct session *s)
{
	struct remote *r = remote_find(s->e, s->remote);
	struct engine_event *ev;

	session_set_state(s, SES_UP, "authenticated");
	session_setup_done(s);
	s->since = ike_now(s->e);
	timer_cancel(timers_of(s), &s->expiry_timer);
	if (r) {
		r->srtt_us = s->srtt_us;
		s->lifetime_s = r->r.lifetime_s;
		s->natt_ms = r->r.nat_keepalive_s ? r->r.nat_keepalive_s * 1000u : NATT_KEEPALIVE_MS;
	}
	session_arm_dpd(s);
	arm_natt(s);
	lifetime_begin(s);
	if (!s->conn)
		return;
	ev = ike_event(s->e, s, ENG_UP);
	ev->peer_id = s->peer_id;
	session_fill_info(s, &ev->info);
}

void session_retire(struct session *s)
{
	timer_cancel(timers_of(s), &s->dpd_timer);
	timer_cancel(timers_of(s), &s->natt_timer);
	timer_cancel(timers_of(s), &s->life_timer);
	timer_cancel(timers_of(s), &s->cert_timer);
}

void session_take_up(struct session *s, const char *how)
{
	struct engine_event *ev;

	session_set_state(s, SES_UP, how);
	session_setup_done(s);
	session_arm_dpd(s);
	arm_natt(s);
	lifetime_begin(s);
	if (!s->conn)
		return;
	ev = ike_event(s->e, s, ENG_REKEYED);
	ike_event_text(ev, "%s", how);
	session_fill_info(s, &ev->info);
}

void session_follow(struct session *s, const struct endpoint *peer)
{
	struct child *c, *tmp;

	if (!s->natt.peer || peer->port == s->peer.port || !addr_equal(&peer->addr, &s->peer.addr))
		return;
	log_info("ike", "conn %u: the peer's port moved from %u to %u", s->conn, s->peer.port,
		 peer->port);
	s->peer = *peer;
	DL_FOREACH_SAFE(s->children, c, tmp)
		child_move_port(c, peer->port);
}

/* Where the peer is now. Until IKE_AUTH the initiator may still move to port 4500. */
static void note_source(struct session *s, const struct endpoint *local,
			const struct endpoint *peer)
{
	if (s->state == SES_HALF_OPEN) {
		s->local = *local;
		s->peer = *peer;
	} else if (local->port == s->local.port) {
		session_follow(s, peer);
	}
}

void session_heard(struct session *s, const struct endpoint *local, const struct endpoint *peer,
		   mono_t when)
{
	struct engine_event *ev;

	s->heard = when;
	s->rx++;
	note_source(s, local, peer);
	session_arm_dpd(s);
	if (!s->conn)
		return;
	ev = ike_event(s->e, s, ENG_HEARD);
	ev->when = when;
	ev->pair.local = s->local.addr;
	ev->pair.peer = s->peer.addr;
	ev->pair.encap_port = session_encap(s) ? s->peer.port : 0;
}

/*
 * RFC 6298's smoothing, of requests that were sent once (Karn). Where R is below
 * the round trip every request is sent again before its answer, and there would
 * never be a sample: until there is one, the time since the first sending stands
 * in, which is too long rather than too short.
 */
void session_rtt(struct session *s, int64_t us, bool sent_once)
{
	if (us < 1)
		us = 1;
	if (!s->srtt_us || (s->srtt_rough && (sent_once || us < s->srtt_us))) {
		s->srtt_us = (uint32_t)us;
		s->srtt_rough = !sent_once;
	} else if (sent_once) {
		s->srtt_us = (uint32_t)((7 * (int64_t)s->srtt_us + us) / 8);
	}
}

bool session_encap(const struct session *s)
{
	return s->natt.local || s->natt.peer;
}

struct msg_cipher session_cipher(const struct session *s, bool ours)
{
	return (struct msg_cipher){
		.encr = s->suite.encr,
		.key_bits = s->suite.key_bits,
		.integ = s->suite.integ,
		.keys = ours == s->initiator ? &s->keys.i : &s->keys.r,
	};
}

int session_send(struct session *s, const uint8_t *bytes, size_t len)
{
	int err = 0;
	size_t n;

	for (size_t off = 0; (n = frag_next(bytes, len, off)); off += n) {
		int sent = ike_net_send(s->e, &s->local, &s->peer, bytes + off, n);

		err = err ? err : sent;
		s->tx++;
		s->e->counters.sent++;
	}
	s->last_sent = ike_now(s->e);
	if (s->state == SES_UP)
		arm_natt(s);
	if (err && s->conn && is_setup(s->state)) {
		struct engine_event *ev = ike_event(s->e, s, ENG_REMARK);

		ev->why = WHY_LOCAL;
		ike_event_text(ev, "cannot send: %s", strerror(-err));
	}
	return err;
}

static void fill_remote_info(const struct session *s, struct engine_conn_info *out)
{
	const struct remote *r = remote_find(s->e, s->remote);

	if (!r)
		return;
	out->local_id = r->r.local_id.type ? r->r.local_id : ike_id_from_addr(&s->local.addr);
	out->auth_local = r->r.own ? (unsigned)pki_own_key(r->r.own)->kind : ENGINE_AUTH_PSK;
	out->auth_remote = r->r.remote_auth ? r->r.remote_auth : ENGINE_AUTH_PSK;
}

void session_fill_info(const struct session *s, struct engine_conn_info *out)
{
	*out = (struct engine_conn_info){
		.conn = s->conn,
		.remote = s->remote,
		.initiator = s->initiator,
		.established = s->state == SES_UP,
		.local = s->local,
		.peer = s->peer,
		.suite = s->suite,
		.nat_local = s->natt.local,
		.nat_peer = s->natt.peer,
		.rtt_us = s->srtt_us,
		.since = mono_is_set(s->since) ? s->since : s->created,
		.heard = s->heard,
		.tx = s->tx,
		.rx = s->rx,
		.retransmits = s->retransmits,
		.lifetime_s = s->lifetime_s,
		.dpd = s->dpd,
		.fragmentation = s->frag.on,
		.next_out = s->next_out,
		.next_in = s->next_in,
		.peer_id = s->peer_id,
	};
	fill_remote_info(s, out);
	memcpy(out->spi_i, s->spi_i, sizeof(out->spi_i));
	memcpy(out->spi_r, s->spi_r, sizeof(out->spi_r));
}

/* ---- death ---- */

void session_report_down(struct session *s, enum engine_why why, const char *text)
{
	struct engine_event *ev;

	if (!s->conn)
		return;
	ev = ike_event(s->e, s, ENG_DOWN);
	ev->why = why;
	ike_event_text(ev, "%s", text);
	session_fill_info(s, &ev->info);
	if (why == WHY_DEAD) {
		ev->unanswered = s->rq.total;
		ev->silent_ms = (uint32_t)mono_diff_ms(ev->when, s->rq.first_sent);
	}
	session_unname(s);
}

static void cancel_timers(struct session *s)
{
	timer_cancel(timers_of(s), &s->retry_timer);
	timer_cancel(timers_of(s), &s->dpd_timer);
	timer_cancel(timers_of(s), &s->natt_timer);
	timer_cancel(timers_of(s), &s->expiry_timer);
	timer_cancel(timers_of(s), &s->life_timer);
	timer_cancel(timers_of(s), &s->cert_timer);
}

/* All that hangs on a session but its last response. */
static void strip(struct session *s)
{
	struct child *c, *tmp;

	cancel_timers(s);
	rekey_ike_forget(s, false);
	if (s->old && s->old->heir == s)
		s->old->heir = NULL;
	if (s->old && s->old->rival == s)
		s->old->rival = NULL;
	s->old = NULL;
	if (s->held)
		inbound_gone(s->held);
	DL_FOREACH_SAFE(s->children, c, tmp)
		child_free(c);
	tasks_free(s);
	session_setup_done(s);
	frag_drop(&s->frag.request);
	frag_drop(&s->frag.response);
	crypto_wipe(&s->keys, sizeof(s->keys));
	s->has_keys = false;
	/* Whoever has it can end the peer's other IKE SAs of that name, should SPIs come again. */
	crypto_wipe(s->qcd_token, sizeof(s->qcd_token));
	s->qcd_len = 0;
}

static void to_graveyard(struct session *s)
{
	HASH_DELETE(hh_spi, s->e->by_spi, s);
	s->e->n_theirs -= s->theirs;
	DL_DELETE(s->e->sessions, s);
	DL_APPEND(s->e->graveyard, s);
	ike_schedule(s->e);
}

void session_end(struct session *s, enum engine_why why, const char *fmt, ...)
{
	/* A half-open one that only answered IKE_SA_INIT leaves nothing behind. */
	bool bare = s->state == SES_HALF_OPEN && s->next_in == 1;
	bool answers = s->state != SES_ZOMBIE && !bare && s->rs.bytes && s->rs.have_request;
	char text[EVENT_TEXT_MAX];
	va_list ap;

	if (s->state == SES_DEAD)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	session_report_down(s, why, text);
	strip(s);
	session_set_state(s, answers ? SES_ZOMBIE : SES_DEAD, text);
	if (answers)
		timer_set(timers_of(s), &s->expiry_timer, mono_add_ms(ike_now(s->e), ZOMBIE_MS));
	else
		to_graveyard(s);
	engine_session_ended(s->e);
}

void session_close(struct session *s, enum engine_why why, const char *reason)
{
	uint32_t budget = dpd_budget_ms(&s->dpd, s->srtt_us, false);
	struct child *c;

	session_report_down(s, why, reason);
	session_set_state(s, SES_CLOSING, reason);
	timer_cancel(timers_of(s), &s->dpd_timer);
	timer_cancel(timers_of(s), &s->life_timer);
	timer_cancel(timers_of(s), &s->cert_timer);
	rekey_ike_forget(s, true);
	DL_FOREACH(s->children, c) {
		child_remove_out(c);
		c->cancelled = c->state == CHILD_OPENING || c->state == CHILD_QUEUED;
		c->id = 0;
	}
	if (s->held)
		inbound_gone(s->held);
	task_push(s, TASK_DEL_IKE, NULL);
	timer_set(timers_of(s), &s->expiry_timer, mono_add_ms(ike_now(s->e), budget));
	exchange_next(s);
}

void session_abandon(struct session *s)
{
	struct child *c, *tmp;

	if (s->state != SES_AUTH) {
		session_end(s, WHY_LOCAL, "abandoned");
		return;
	}
	session_report_down(s, WHY_LOCAL, "abandoned");
	cancel_timers(s);
	DL_FOREACH_SAFE(s->children, c, tmp)
		child_free(c);
	session_setup_done(s);
	session_set_state(s, SES_ABANDONED, "a late response will get DELETE");
	timer_set(timers_of(s), &s->expiry_timer, mono_add_ms(ike_now(s->e), ABANDONED_MS));
}

void session_free(struct session *s)
{
	response_forget(s);
	free_wiped(s, sizeof(*s));
}

void sessions_bury(struct ike *e)
{
	struct session *s, *tmp;

	DL_FOREACH_SAFE(e->graveyard, s, tmp) {
		DL_DELETE(e->graveyard, s);
		session_free(s);
	}
}
