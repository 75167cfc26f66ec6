// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When SAs end and when that is seen coming (RFC 7296 §2.8; semantics.md §8.1).
 * The kernel counts the seconds and bytes of child SAs and says when the soft
 * limit is reached. It is drawn at random, so that two ends with one lifetime
 * rarely begin at once.
 *
 * What has carried nothing is not rekeyed (§2.3). Should it carry something
 * between the soft and the hard end, it is: the soft end of such a pair is moved
 * to its next packet.
 */
#include "prefpeerd/engine_ike/ike.h"

#include "lib/log.h"

#define EARLY_S 30	     /* IOS's, before the jitter */
#define EARLY_BYTES 262144
#define CERTS_LOOK_S 3600     /* at the wall clock */
#define JITTER_PART 10	     /* of the lifetime: so much earlier still, at most */

static uint64_t below(uint64_t n)
{
	uint64_t r = 0;

	crypto_random(&r, sizeof(r));
	return n ? r % n : 0;
}

/* Not before half of it: a rekey must never bring about the next one. */
static uint64_t soft_of(uint64_t hard, uint64_t early)
{
	early += below(hard / JITTER_PART + 1);
	return early < hard / 2 ? hard - early : hard - hard / 2;
}

void lifetime_draw(struct child *c)
{
	uint64_t bytes = c->want.lifetime_kb * 1024, early = bytes / JITTER_PART;

	c->soft_s = c->want.lifetime_s ? (uint32_t)soft_of(c->want.lifetime_s, EARLY_S) : 0;
	/* 256 KB pass in 2 ms at 1 Gbit/s, and a round trip takes longer. */
	c->soft_bytes = bytes ? soft_of(bytes, early > EARLY_BYTES ? early : EARLY_BYTES) : 0;
}

uint32_t lifetime_retry_ms(unsigned tries)
{
	uint32_t ms = tries < 4 ? REKEY_RETRY_MS << tries : REKEY_RETRY_MAX_MS;

	return ms + (uint32_t)below(ms);
}

/* ---- certificates: a rekey proves nothing anew, and does not outlive them ---- */

void lifetime_certs(struct session *s, int64_t end)
{
	if (!s->certs_end || end < s->certs_end)
		s->certs_end = end;
}

/* The wall clock may be set at any time, and no timer follows it: it is looked at now and then. */
static void watch_certs(struct session *s)
{
	int64_t left = s->certs_end - ike_wall(s->e);

	if (!s->certs_end)
		return;
	left = left < 0 ? 0 : left > CERTS_LOOK_S ? CERTS_LOOK_S : left;
	timer_set(&s->e->env.timers, &s->cert_timer, mono_add_ms(ike_now(s->e), left * 1000));
}

void lifetime_certs_fire(struct timer *t, mono_t now)
{
	struct session *s = timer_container(t, struct session, cert_timer);

	if (s->state != SES_UP)
		return;
	if (ike_wall(s->e) >= s->certs_end)
		session_close(s, WHY_LIFETIME, "a certificate that it was proved by has expired");
	else
		watch_certs(s);
}

/* ---- IKE SAs ---- */

void lifetime_begin(struct session *s)
{
	mono_t now = ike_now(s->e);

	s->rekey_tries = 0;
	watch_certs(s);
	if (!s->lifetime_s)
		return;
	s->life_end = mono_add_ms(now, (int64_t)s->lifetime_s * 1000);
	timer_set(&s->e->env.timers, &s->life_timer,
		  mono_add_ms(now, (int64_t)soft_of((uint64_t)s->lifetime_s * 1000,
						    EARLY_S * 1000)));
}

static void look_again(struct session *s, uint32_t ms)
{
	mono_t at = mono_add_ms(ike_now(s->e), ms);

	/* No lifetime: somebody else's wish, and nothing ends. */
	if (s->lifetime_s)
		at = mono_min(at, s->life_end);
	timer_set(&s->e->env.timers, &s->life_timer, at);
}

void lifetime_again(struct session *s)
{
	look_again(s, lifetime_retry_ms(s->rekey_tries++));
}

void lifetime_fire(struct timer *t, mono_t now)
{
	struct session *s = timer_container(t, struct session, life_timer);

	if (s->state != SES_UP)
		return;
	if (s->lifetime_s && !mono_before(now, s->life_end)) {
		session_close(s, WHY_LIFETIME, "the lifetime of the IKE SA ended");
		return;
	}
	/* The peer would have to refuse it beside its own request (§2.25.2). */
	if (s->held) {
		look_again(s, REKEY_RETRY_MS);
		return;
	}
	if (s->lifetime_s)
		timer_set(&s->e->env.timers, t, s->life_end);
	rekey_ike_start(s);
}

/* ---- a peer that is busy, and stays so (RFC 7296 §2.25) ---- */

void lifetime_busy(struct session *s, uint16_t error)
{
	mono_t now = ike_now(s->e);

	if (error != N_TEMPORARY_FAILURE)
		s->busy_since = MONO_UNSET;
	else if (!mono_is_set(s->busy_since))
		s->busy_since = now;
	else if (s->state == SES_UP && mono_diff_ms(now, s->busy_since) >= BUSY_MAX_MS)
		session_close(s, WHY_BUSY, "TEMPORARY_FAILURE for 3 minutes: the peer is out of step");
}

/* ---- the kernel's word ---- */

static struct child *child_of(struct ike *e, const struct kernel_sa_id *sa)
{
	struct session *s;
	struct child *c;

	DL_FOREACH(e->sessions, s)
		DL_FOREACH(s->children, c)
			if (sa->proto == child_sa_id(c, SA_DIR_IN).proto &&
			    ((c->pair.spi_in == sa->spi && addr_equal(&c->pair.local, &sa->dst)) ||
			     (c->pair.spi_out == sa->spi && addr_equal(&c->pair.peer, &sa->dst))))
				return c;
	return NULL;
}

uint64_t child_packets(const struct child *c, enum sa_dir dir)
{
	const struct kernel *k = &c->s->e->env.kernel;
	struct kernel_sa_id id = child_sa_id(c, dir);
	struct kernel_sa_reading r = { 0 };

	return k->ops->sa_read(k->impl, &id, &r) ? 0 : r.packets;
}

static bool is_used(const struct child *c)
{
	return child_packets(c, SA_DIR_IN) || child_packets(c, SA_DIR_OUT);
}

static void soft_end(struct child *c)
{
	if (c->state != CHILD_UP || c->replaced || !c->id)
		return;
	if (is_used(c)) {
		rekey_child_start(c);
		return;
	}
	/* Also when it is watched already: the kernel says a soft end once, unless told anew. */
	log_debug("ike", "conn %u child %u: unused, not rekeyed", c->s->conn, c->id);
	c->watched = true;
	child_update(c);
}

/* Of a pair that only we still know: it was replaced, or lost, and the peer never deleted it. */
static void hard_end(struct child *c)
{
	struct session *s = c->s;

	if (c->id && !c->replaced)
		return;
	if (c->state == CHILD_LINGER)
		child_free(c);
	else if (c->state == CHILD_UP || c->state == CHILD_LOST)
		child_start_delete(c);
	exchange_next(s);
}

void engine_ike_expire(void *impl, const struct kernel_sa_id *sa, bool hard)
{
	struct child *c = child_of(impl, sa);

	if (!c)
		return;
	if (hard)
		hard_end(c);
	else
		soft_end(c);
}
