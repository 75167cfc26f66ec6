// SPDX-License-Identifier: GPL-2.0-or-later
/* Child SAs: the pair in the kernel, and how it goes. */
#include "prefpeerd/engine_ike/ike.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define SPI_MIN 256 /* below are reserved, RFC 4303 §2.1 */

static void out_timer_fire(struct timer *t, mono_t now)
{
	struct child *c = timer_container(t, struct child, out_timer);

	if (child_is_proven(c))
		child_install_pending(c);
	else
		timer_set(&c->s->e->env.timers, t, mono_add_ms(now, REKEY_SETTLE_MS));
}

/* What the peer did not know it may know by now. */
static void child_delete_again(struct child *c)
{
	if (mono_diff_ms(ike_now(c->s->e), c->answered) >= REKEY_SETTLE_MAX_MS)
		c->unproven = false;
	task_push(c->s, TASK_DEL_CHILD, c);
	exchange_next(c->s);
}

static void late_timer_fire(struct timer *t, mono_t now)
{
	struct child *c = timer_container(t, struct child, late_timer);

	if (c->state == CHILD_LINGER)
		child_free(c);
	else if (c->state == CHILD_DELETING)
		child_delete_again(c);
	else
		rekey_child_start(c);
}

struct child *child_new(struct session *s, const struct engine_child *want)
{
	struct child *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->s = s;
	c->id = want->id;
	c->want = *want;
	if (!c->want.n_suites)
		c->want.n_suites = esp_suites_default(c->want.suites);
	timer_init(&c->out_timer, out_timer_fire);
	timer_init(&c->late_timer, late_timer_fire);
	DL_APPEND(s->children, c);
	return c;
}

/* A replaced one keeps its id, so that closing the id takes it along. */
struct child *child_find(struct session *s, child_id id)
{
	struct child *c;

	DL_FOREACH(s->children, c)
		if (c->id == id && id && !c->replaced)
			return c;
	return NULL;
}

struct child *child_by_spi_out(struct session *s, uint8_t protocol, uint32_t spi)
{
	struct child *c;

	DL_FOREACH(s->children, c)
		if (c->pair.spi_out == spi && spi &&
		    (protocol == PROTO_ID_NONE || protocol == child_protocol(c)))
			return c;
	return NULL;
}

static bool spi_taken(struct ike *e, uint32_t spi)
{
	struct session *s;
	struct child *c;

	DL_FOREACH(e->sessions, s)
		DL_FOREACH(s->children, c)
			if (c->pair.spi_in == spi)
				return true;
	return false;
}

int child_draw_spi(struct child *c)
{
	uint32_t spi;

	do {
		if (crypto_random(&spi, sizeof(spi)))
			return -EIO;
	} while (spi < SPI_MIN || spi_taken(c->s->e, spi));
	c->pair.spi_in = spi;
	return 0;
}

void child_set_pair(struct child *c, const struct esp_choice *choice, const struct selector *sel)
{
	struct session *s = c->s;

	c->pair.local = s->local.addr;
	c->pair.peer = s->peer.addr;
	c->pair.encap_port = session_encap(s) ? s->peer.port : 0;
	c->pair.spi_out = choice->spi;
	c->pair.reqid = c->want.reqid;
	c->pair.sel = *sel;
	c->pair.suite = choice->suite;
	c->made = ike_now(s->e);
	lifetime_draw(c);
}

/* ---- the kernel ---- */

struct kernel_sa_id child_sa_id(const struct child *c, enum sa_dir dir)
{
	return (struct kernel_sa_id){
		.dst = dir == SA_DIR_IN ? c->pair.local : c->pair.peer,
		.spi = dir == SA_DIR_IN ? c->pair.spi_in : c->pair.spi_out,
		.proto = child_protocol(c) == PROTO_ID_AH ? IPPROTO_AH : IPPROTO_ESP,
		.mark = c->want.mark,
		.mark_mask = c->want.mark_mask,
	};
}

static void fill_keys(struct kernel_sa *sa, const struct esp_keys *keys)
{
	memcpy(sa->encr_key, keys->encr, keys->encr_len);
	sa->encr_key_len = keys->encr_len;
	memcpy(sa->integ_key, keys->integ, keys->integ_len);
	sa->integ_key_len = keys->integ_len;
}

void child_fill_sa(const struct child *c, enum sa_dir dir, const struct esp_keys *keys,
		   struct kernel_sa *sa)
{
	const struct replay *replay = &c->want.replay;
	bool in = dir == SA_DIR_IN;

	*sa = (struct kernel_sa){
		.id = child_sa_id(c, dir),
		.src = in ? c->pair.peer : c->pair.local,
		.reqid = c->want.reqid,
		.dir = dir,
		.transport = c->pair.transport,
		.suite = c->pair.suite,
		.replay_window = replay->window ? replay->window : REPLAY_WINDOW,
		.no_replay = replay->off,
		.has_sel = !selector_equal(&c->pair.sel, &c->want.line_sel),
		.sel = in ? selector_reverse(&c->pair.sel) : c->pair.sel,
		.inner_family = c->pair.sel.src.addr.family,
		.lifetime_s = c->want.lifetime_s,
		.soft_lifetime_s = c->watched ? 0 : c->soft_s,
		.lifetime_bytes = c->want.lifetime_kb * 1024,
		.soft_lifetime_bytes = c->watched ? 0 : c->soft_bytes,
		.clear_df = !in && c->want.clear_df,
		/* What a router marked on the way in is never dropped (RFC 7296 §2.24). */
		.no_ecn = !in && c->want.no_ecn,
		.soft_next_packet = c->watched,
		.if_id = c->want.if_id,
	};
	if (c->pair.encap_port) {
		sa->encap_sport = in ? c->pair.encap_port : c->s->local.port;
		sa->encap_dport = in ? c->s->local.port : c->pair.encap_port;
	}
	fill_keys(sa, keys);
}

int child_install(struct child *c, const struct kernel_sa *sa)
{
	const struct kernel *k = &c->s->e->env.kernel;
	int err = k->ops->sa_add(k->impl, sa);

	if (err) {
		log_err("ike", "conn %u child %u: the kernel refused SA %08x: %s", c->s->conn,
			c->id, sa->id.spi, strerror(-err));
		return err;
	}
	if (sa->dir == SA_DIR_IN)
		c->in_installed = true;
	else
		c->out_installed = true;
	return 0;
}

static void drop_pending(struct child *c)
{
	timer_cancel(&c->s->e->env.timers, &c->out_timer);
	if (c->out_later)
		free_wiped(c->out_later, sizeof(*c->out_later));
	c->out_later = NULL;
}

void child_keep_out(struct child *c, const struct kernel_sa *sa)
{
	c->out_later = malloc(sizeof(*sa));
	if (c->out_later)
		*c->out_later = *sa;
	else
		child_install(c, sa);
}

void child_install_soon(struct child *c)
{
	mono_t now = ike_now(c->s->e);

	if (!c->out_later)
		return;
	timer_set(&c->s->e->env.timers, &c->out_timer, mono_add_ms(now, REKEY_SETTLE_MS));
}

void child_install_pending(struct child *c)
{
	if (!c->out_later)
		return;
	child_install(c, c->out_later);
	drop_pending(c);
}

static void remove_sa(struct child *c, enum sa_dir dir, bool *installed)
{
	const struct kernel *k = &c->s->e->env.kernel;
	struct kernel_sa_id id = child_sa_id(c, dir);
	int err;

	if (!*installed)
		return;
	*installed = false;
	err = k->ops->sa_del(k->impl, &id);
	if (err && err != -ESRCH)
		log_err("ike", "conn %u: cannot remove SA %08x: %s", c->s->conn, id.spi,
			strerror(-err));
}

void child_remove_out(struct child *c)
{
	drop_pending(c);
	remove_sa(c, SA_DIR_OUT, &c->out_installed);
}

void child_remove_in(struct child *c)
{
	remove_sa(c, SA_DIR_IN, &c->in_installed);
}

static void inbounds_forget_child(struct ike *e, struct child *c)
{
	struct inbound *in;

	DL_FOREACH(e->inbounds, in)
		if (in->rekeys == c)
			in->rekeys = NULL;
}

void child_free(struct child *c)
{
	struct session *s = c->s;

	child_remove_out(c);
	child_remove_in(c);
	timer_cancel(&s->e->env.timers, &c->late_timer);
	crypto_dh_free(c->dh);
	free(c->later);
	rekey_child_forget(c);
	tasks_forget_child(s, c);
	inbounds_forget_child(s->e, c);
	if (s->setup && s->setup->first == c)
		s->setup->first = NULL;
	DL_DELETE(s->children, c);
	free(c);
}

/* Its policies go on to name the protocol: of another one, no rekey (§4.8) but a new set-up. */
struct engine_child child_successor(const struct child *c)
{
	const struct engine_child *from = c->later ? c->later : &c->want;
	struct engine_child want = c->want;

	if (suite_is_ah(&from->suites[0]) == suite_is_ah(&want.suites[0])) {
		memcpy(want.suites, from->suites, sizeof(want.suites));
		want.n_suites = from->n_suites;
	}
	want.pfs = from->pfs;
	want.lifetime_s = from->lifetime_s;
	want.lifetime_kb = from->lifetime_kb;
	want.replay = from->replay;
	want.clear_df = from->clear_df;
	want.no_ecn = from->no_ecn;
	return want;
}

/* Without memory the successor is as it would have been. */
void child_change(struct child *c, const struct engine_child *want)
{
	if (!c->later)
		c->later = malloc(sizeof(*c->later));
	if (!c->later)
		return;
	*c->later = *want;
	if (!want->n_suites)
		c->later->n_suites = esp_suites_default(c->later->suites);
}

/*
 * UPDSA changes only encapsulation and limits of an existing SA (and says its
 * soft end again): the keys in it must be well formed, and are not used. So none
 * are kept for this.
 */
static void update_sa(struct child *c, enum sa_dir dir)
{
	const struct kernel *k = &c->s->e->env.kernel;
	struct esp_keys keys = {
		.encr_len = encr_keymat_len(c->pair.suite.encr, c->pair.suite.key_bits),
		.integ_len = integ_key_len(c->pair.suite.integ),
	};
	struct kernel_sa sa;
	int err;

	child_fill_sa(c, dir, &keys, &sa);
	sa.replace = true;
	err = k->ops->sa_add(k->impl, &sa);
	if (err)
		log_err("ike", "conn %u: cannot update SA %08x (port %u): %s", c->s->conn,
			sa.id.spi, c->pair.encap_port, strerror(-err));
}

void child_update(struct child *c)
{
	if (c->in_installed)
		update_sa(c, SA_DIR_IN);
	if (c->out_installed)
		update_sa(c, SA_DIR_OUT);
}

void child_move_port(struct child *c, uint16_t port)
{
	if (!c->pair.encap_port)
		return;
	c->pair.encap_port = port;
	child_update(c);
	if (c->out_later)
		c->out_later->encap_dport = port;
}

/* ---- closing ---- */

/* Of the pair, and before its SAs go: whether it ends under traffic is the caller's question. */
static mono_t last_use(const struct child *c)
{
	const struct kernel *k = &c->s->e->env.kernel;
	struct kernel_pair_key key = { c->pair.local, c->pair.peer, c->pair.reqid };
	struct kernel_pair_reading r = { 0 };

	if (!c->in_installed || k->ops->pair_read(k->impl, &key, &r))
		return MONO_UNSET;
	return r.last_use;
}

void ike_event_child(struct child *c, enum engine_event_type type, enum engine_why why,
		     const char *text)
{
	struct engine_event *ev;

	if (!c->id || !c->s->conn)
		return;
	ev = ike_event(c->s->e, c->s, type);
	ev->child = c->id;
	ev->why = why;
	ev->pair = c->pair;
	if (type == ENG_CHILD_DOWN)
		ev->last_use = last_use(c);
	ike_event_text(ev, "%s", text);
}

void child_start_delete(struct child *c)
{
	child_remove_out(c);
	timer_cancel(&c->s->e->env.timers, &c->late_timer);
	rekey_child_forget(c);
	c->state = CHILD_DELETING;
	c->id = 0;
	task_push(c->s, TASK_DEL_CHILD, c);
}

/* The caller hears no more of it; what it still is to the peer ends by itself. */
static void close_one(struct child *c, enum engine_close how)
{
	switch (c->state) {
	case CHILD_QUEUED:
		child_free(c);
		break;
	case CHILD_OPENING:
		c->cancelled = true;
		c->id = 0;
		break;
	case CHILD_UP:
	case CHILD_OUT_GONE:
		if (how == CLOSE_QUIET)
			child_free(c);
		else
			child_start_delete(c);
		break;
	case CHILD_DELETING:
	case CHILD_RIVAL:
	case CHILD_LOST:
	case CHILD_LINGER:
		break;
	}
}

int child_close(struct child *c, enum engine_close how)
{
	struct session *s = c->s;
	child_id id = c->id;
	struct child *it, *tmp;

	if (how == CLOSE_OUT) {
		if (c->state != CHILD_UP)
			return -EBUSY;
		rekey_child_forget(c);
		DL_FOREACH(s->children, it)
			if (it->id == id)
				child_remove_out(it);
		c->state = CHILD_OUT_GONE;
		return 0;
	}
	ike_event_child(c, ENG_CHILD_DOWN, WHY_LOCAL, "closed by us");
	DL_FOREACH_SAFE(s->children, it, tmp)
		if (it->id == id)
			close_one(it, how);
	exchange_next(s);
	return 0;
}

bool child_is_proven(const struct child *c)
{
	return !c->unproven || child_packets(c, SA_DIR_IN) ||
	       mono_diff_ms(ike_now(c->s->e), c->answered) >= REKEY_SETTLE_MAX_MS;
}

void children_proven(struct session *s)
{
	struct child *c;

	DL_FOREACH(s->children, c) {
		if (!c->unproven)
			continue;
		c->unproven = false;
		if (c->state == CHILD_UP)
			child_install_pending(c);
	}
}

enum engine_why notify_why(uint16_t type)
{
	switch (type) {
	case N_AUTHENTICATION_FAILED:
		return WHY_AUTH;
	case N_NO_PROPOSAL_CHOSEN:
	case N_INVALID_KE_PAYLOAD:
		return WHY_PROPOSAL;
	case N_TS_UNACCEPTABLE:
	case N_SINGLE_PAIR_REQUIRED:
	case N_INVALID_SELECTORS:
		return WHY_TS;
	case N_TEMPORARY_FAILURE:
	case N_NO_ADDITIONAL_SAS:
		return WHY_BUSY;
	case N_CHILD_SA_NOT_FOUND:
		return WHY_LOST;
	default:
		return WHY_UNKNOWN;
	}
}
