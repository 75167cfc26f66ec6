// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One pair of SAs takes another's place (RFC 7296 §1.3.3, §2.8): the new inbound
 * SA first, then the outbound one, then the old pair goes by DELETE, its inbound
 * SA last. Who asks for that at the same time as the peer (§2.8.1) answers as
 * usual and waits: with all four nonces known, the pair of the exchange with the
 * lowest one is deleted by whoever asked for it, and the old pair by the other.
 *
 * Refusals and deletions that cross a rekey: §2.25.1.
 */
#include "prefpeerd/engine_ike/ike.h"

#include <string.h>

#include "lib/log.h"

/* ---- who replaces whom ---- */

static struct child *replacing(const struct child *old, enum child_state state)
{
	struct child *c;

	DL_FOREACH(old->s->children, c)
		if (c->rekeys == old && c->state == state)
			return c;
	return NULL;
}

/* Our request for it is queued or outstanding. */
static bool asked_for(const struct child *old)
{
	return replacing(old, CHILD_QUEUED) || replacing(old, CHILD_OPENING);
}

static bool may_replace(const struct child *old)
{
	return old->s->state == SES_UP && old->state == CHILD_UP && !old->replaced;
}

uint16_t rekey_child_refusal(const struct child *old)
{
	return may_replace(old) && !replacing(old, CHILD_RIVAL) ? 0 : N_TEMPORARY_FAILURE;
}

/* ---- asking ---- */

/* What the pair has, not what its line has: a narrow pair may stand beside others (§2.9.2). */
static struct engine_child wanted(const struct child *old)
{
	struct engine_child want = child_successor(old);

	want.id = 0;
	want.sel = old->pair.sel;
	want.has_flow = false;
	return want;
}

static void again_later(struct child *old)
{
	uint32_t ms = lifetime_retry_ms(old->rekey_tries++);

	timer_set(&old->s->e->env.timers, &old->late_timer, mono_add_ms(ike_now(old->s->e), ms));
}

void rekey_child_start(struct child *old)
{
	struct session *s = old->s;
	struct engine_child want = wanted(old);
	struct child *c;

	if (!may_replace(old) || !old->id || asked_for(old) || replacing(old, CHILD_RIVAL))
		return;
	/* The peer's own rekey made it, and our answer may not be there yet: it would know nothing. */
	if (!child_is_proven(old)) {
		again_later(old);
		return;
	}
	c = child_new(s, &want);
	if (!c || !task_push(s, TASK_CHILD, c)) {
		if (c)
			child_free(c);
		again_later(old);
		return;
	}
	c->rekeys = old;
	exchange_next(s);
}

/* ---- taking its place ---- */

static void take_place(struct child *c, const char *how)
{
	struct child *old = c->rekeys;

	log_info("ike", "conn %u child %u: %s: SA %08x in place of %08x", c->s->conn, old->id, how,
		 c->pair.spi_in, old->pair.spi_in);
	timer_cancel(&c->s->e->env.timers, &old->late_timer);
	old->replaced = true;
	c->id = old->id;
	c->state = CHILD_UP;
	ike_event_child(c, ENG_CHILD_REKEYED, WHY_NONE, how);
}

/* The peer asked for it, and installs its inbound SA only when our answer is there. */
static void take_place_of_peers(struct child *c, const char *how)
{
	take_place(c, how);
	child_install_soon(c);
}

/* Ours: from here on the peer may be sent to, and is told that the old pair goes. */
static void take_place_of_ours(struct child *c, const struct kernel_sa *out_sa)
{
	struct child *old = c->rekeys;

	if (child_install(c, out_sa)) {
		c->rekeys = NULL;
		child_start_delete(c);
		again_later(old);
		return;
	}
	take_place(c, "rekeyed by us");
	c->rekeys = NULL;
	child_start_delete(old);
}

/* ---- what came of our request ---- */

/* It has nothing to replace any more; the peer must know that, if it has it. */
static void give_up_ours(struct child *c)
{
	c->rekeys = NULL;
	child_start_delete(c);
}

static void lose_peers(struct child *c)
{
	c->rekeys = NULL;
	c->state = CHILD_LOST;
	child_remove_out(c);
}

static void refused(struct child *c, const struct child_outcome *out)
{
	struct child *old = c->rekeys, *rival = replacing(old, CHILD_RIVAL);

	c->rekeys = NULL;
	child_delete_orphan(c);
	if (rival) {
		take_place_of_peers(rival, "rekeyed by the peer");
		return;
	}
	log_notice("ike", "conn %u child %u: rekey refused: %s", old->s->conn, old->id, out->text);
	if (out->why != WHY_LOST) {
		again_later(old);
		return;
	}
	/* §2.25: silently, and from scratch, which is the caller's. */
	ike_event_child(old, ENG_CHILD_DOWN, WHY_LOST, out->text);
	child_free(old);
}

void rekey_child_settle(struct child *c, struct kernel_sa *out_sa, const struct child_outcome *out)
{
	struct child *rival = replacing(c->rekeys, CHILD_RIVAL);

	if (out->why) {
		refused(c, out);
	} else if (rival && memcmp(c->low_nonce, rival->low_nonce, CROSSING_NONCE) < 0) {
		take_place_of_peers(rival, "rekeyed by both ends, the peer's stays");
		give_up_ours(c);
	} else {
		if (rival)
			lose_peers(rival);
		take_place_of_ours(c, out_sa);
	}
}

/* ---- what comes from the peer ---- */

void rekey_child_answered(struct child *c, const struct kernel_sa *out)
{
	struct child *old = c->rekeys, *ours = replacing(old, CHILD_QUEUED);

	child_keep_out(c, out);
	if (ours)
		ours->cancelled = true;
	if (!replacing(old, CHILD_OPENING)) {
		take_place_of_peers(c, "rekeyed by the peer");
		return;
	}
	c->state = CHILD_RIVAL;
	c->id = 0;
}

/* The peer asked for @c and has come to nothing with it: the old pair, which is there yet, stays. */
static bool undone(struct child *c)
{
	struct child *old = c->rekeys;

	if (!old || old->state != CHILD_UP)
		return false;
	/* Half closed by us: what it replaced goes with it. */
	if (c->state == CHILD_OUT_GONE)
		child_start_delete(old);
	if (c->state != CHILD_UP)
		return false;
	old->replaced = false;
	c->rekeys = NULL;
	c->id = 0;
	ike_event_child(old, ENG_CHILD_REKEYED, WHY_NONE, "the peer takes its rekey back");
	child_free(c);
	return true;
}

bool rekey_child_peer_deletes(struct child *c)
{
	struct child *rival = replacing(c, CHILD_RIVAL);

	if (undone(c))
		return true;

	/* It has not seen our request, or it would know of two (§2.8.1). */
	if (rival)
		take_place_of_peers(rival, "rekeyed by the peer");
	if (!c->replaced)
		return false;
	child_linger(c);
	return true;
}

/* ---- the end of the old one ---- */

static void forget_one(struct child *c)
{
	c->rekeys = NULL;
	switch (c->state) {
	case CHILD_QUEUED:
	case CHILD_OPENING:
		c->cancelled = true;
		break;
	case CHILD_RIVAL:
		child_start_delete(c);
		break;
	default:
		child_install_pending(c);
	}
}

void rekey_child_forget(struct child *old)
{
	struct child *c;

	DL_FOREACH(old->s->children, c)
		if (c->rekeys == old)
			forget_one(c);
}

void child_linger(struct child *c)
{
	struct session *s = c->s;

	rekey_child_forget(c);
	tasks_forget_child(s, c);
	child_remove_out(c);
	c->state = CHILD_LINGER;
	c->id = 0;
	c->pair.spi_out = 0;
	timer_set(&s->e->env.timers, &c->late_timer, mono_add_ms(ike_now(s->e), REKEY_LINGER_MS));
}
