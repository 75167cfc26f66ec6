// SPDX-License-Identifier: GPL-2.0-or-later
/* The engine port: calls in, and the way of a datagram to its session. */
#include "prefpeerd/engine_ike/ike.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define BUDGET_DEFAULT_MS 12000 /* 6R of R = 2 s, semantics.md §10 */

static void turn_fire(struct timer *t, mono_t now)
{
	struct ike *e = timer_container(t, struct ike, turn_timer);

	sessions_bury(e);
	crossing_turn(e);
	events_turn(e);
}

/* ---- remotes ---- */

struct remote *remote_find(struct ike *e, remote_id id)
{
	struct remote *r;

	HASH_FIND(hh, e->remotes, &id, sizeof(id), r);
	return r;
}

static void remote_empty(struct engine_remote *r)
{
	if (r->psk)
		free_wiped((void *)r->psk, r->psk_len);
	if (r->psk_theirs.p)
		free_wiped((void *)r->psk_theirs.p, r->psk_theirs.len);
	if (r->psk_next.p)
		free_wiped((void *)r->psk_next.p, r->psk_next.len);
	free((void *)r->ids);
	free((void *)r->broken);
	pki_own_put(r->own);
	pki_map_put(r->cert_map);
	for (unsigned i = 0; i < r->n_trust; i++)
		pki_trust_put(r->trust[i]);
	*r = (struct engine_remote){ 0 };
}

/* A copy of what @from points to, or a share in it. */
static int remote_fill(struct remote *r, const struct engine_remote *from)
{
	struct engine_remote c = *from;

	if (c.n_trust > PKI_TRUST_MAX)
		return -EINVAL;
	c.psk = from->psk ? bytes_dup(from->psk, from->psk_len) : NULL;
	c.psk_theirs.p = from->psk_theirs.p ? bytes_dup(from->psk_theirs.p, from->psk_theirs.len) :
					      NULL;
	c.psk_next.p = from->psk_next.p ? bytes_dup(from->psk_next.p, from->psk_next.len) : NULL;
	c.ids = from->n_ids ? (void *)bytes_dup(from->ids, from->n_ids * sizeof(*from->ids)) : NULL;
	c.broken = from->broken ? strdup(from->broken) : NULL;
	pki_own_get(c.own);
	pki_map_get(c.cert_map);
	for (unsigned i = 0; i < c.n_trust; i++)
		pki_trust_get(c.trust[i]);
	if (!c.psk != !from->psk || !c.psk_theirs.p != !from->psk_theirs.p ||
	    !c.psk_next.p != !from->psk_next.p || !c.ids != !from->n_ids || !c.broken != !from->broken) {
		remote_empty(&c);
		return -ENOMEM;
	}
	remote_empty(&r->r);
	r->r = c;
	return 0;
}

static int op_remote_set(void *impl, const struct engine_remote *from)
{
	struct ike *e = impl;
	struct remote *r = remote_find(e, from->id);
	int err;

	if (!from->id || (!from->any && !addr_is_set(&from->peer)))
		return -EINVAL;
	if (r)
		return remote_fill(r, from);
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->id = from->id;
	err = remote_fill(r, from);
	if (err) {
		free(r);
		return err;
	}
	HASH_ADD(hh, e->remotes, id, sizeof(r->id), r);
	return 0;
}

static void remote_free(struct ike *e, struct remote *r)
{
	HASH_DELETE(hh, e->remotes, r);
	remote_empty(&r->r);
	free_wiped(r, sizeof(*r));
}

static int op_remote_del(void *impl, remote_id id)
{
	struct ike *e = impl;
	struct remote *r = remote_find(e, id);

	if (!r)
		return -ENOENT;
	remote_free(e, r);
	return 0;
}

const struct ike_offer *ike_offer_at(const struct ike *e, const struct addr *local)
{
	const struct engine_settings *set = &e->settings;

	for (unsigned i = 0; i < set->n_local_offers; i++)
		if (addr_equal(&set->local_offers[i].local, local))
			return set->local_offers[i].offer;
	return e->env.offer;
}

static void op_configure(void *impl, const struct engine_settings *s)
{
	struct ike *e = impl;

	e->settings = *s;
	e->env.offer = s->offer ? s->offer : e->default_offer;
}

/* ---- start and stop ---- */

/*
 * The kernel loads its algorithms at the first SA that uses them: here, and not
 * in the first failover (design.md §4).
 */
static int warm_up(struct ike *e, const struct esp_suite *suite, uint32_t spi)
{
	const struct kernel *k = &e->env.kernel;
	struct kernel_sa sa = {
		.id = { .spi = spi, .proto = suite_is_ah(suite) ? IPPROTO_AH : IPPROTO_ESP },
		.dir = SA_DIR_OUT,
		.suite = *suite,
		.encr_key_len = encr_keymat_len(suite->encr, suite->key_bits),
		.integ_key_len = integ_key_len(suite->integ),
		.replay_window = REPLAY_WINDOW,
		.inner_family = AF_INET,
	};
	int err;

	addr_parse("127.0.0.1", &sa.src);
	addr_parse("127.0.0.1", &sa.id.dst);
	crypto_random(sa.encr_key, sa.encr_key_len);
	crypto_random(sa.integ_key, sa.integ_key_len);
	err = k->ops->sa_add(k->impl, &sa);
	if (!err)
		k->ops->sa_del(k->impl, &sa.id);
	crypto_wipe(&sa, sizeof(sa));
	return err;
}

#define WARM_UP_SPI 0x50500001u

static void warm_up_all(struct ike *e)
{
	struct esp_suite suites[SUITE_MAX];
	unsigned n = esp_suites_default(suites);
	char name[32];

	for (unsigned i = 0; i < n; i++) {
		struct esp_suite esn = suites[i];
		int err = warm_up(e, &suites[i], WARM_UP_SPI + 2 * i);

		/* With extended sequence numbers it is another algorithm to the kernel. */
		esn.esn = !esn.esn;
		if (!err)
			err = warm_up(e, &esn, WARM_UP_SPI + 2 * i + 1);
		if (err)
			log_warn("ike", "the kernel has no %s: %s",
				 encr_name(suites[i].encr, suites[i].key_bits, name, sizeof(name)),
				 strerror(-err));
	}
}

static int op_start(void *impl, engine_event_fn fn, void *ctx)
{
	struct ike *e = impl;

	if (e->fn)
		return -EALREADY;
	e->fn = fn;
	e->fn_ctx = ctx;
	warm_up_all(e);
	ike_event(e, NULL, ENG_READY);
	return 0;
}

static bool is_lingering(enum session_state state)
{
	return state == SES_UP || state == SES_CLOSING;
}

static void finish_stop(struct ike *e)
{
	struct session *s, *tmp;

	timer_cancel(&e->env.timers, &e->stop_timer);
	e->stopping = false;
	DL_FOREACH_SAFE(e->sessions, s, tmp)
		session_end(s, WHY_LOCAL, "stopped");
	ike_event(e, NULL, ENG_LOST);
}

static void stop_fire(struct timer *t, mono_t now)
{
	finish_stop(timer_container(t, struct ike, stop_timer));
}

/* The last answer ends the wait; from a timer, since this is called from within deaths. */
void engine_session_ended(struct ike *e)
{
	struct session *s;

	if (!e->stopping)
		return;
	DL_FOREACH(e->sessions, s)
		if (is_lingering(s->state))
			return;
	timer_set(&e->env.timers, &e->stop_timer, ike_now(e));
}

static void op_stop(void *impl, uint32_t grace_ms)
{
	struct ike *e = impl;
	struct session *s, *tmp;

	if (e->stopping)
		return;
	timer_set(&e->env.timers, &e->stop_timer, mono_add_ms(ike_now(e), grace_ms));
	e->stopping = true;
	DL_FOREACH_SAFE(e->sessions, s, tmp) {
		if (s->state == SES_UP)
			session_close(s, WHY_LOCAL, "the agent stops");
		else if (s->state == SES_INIT || s->state == SES_AUTH || s->state == SES_HELD)
			session_end(s, WHY_LOCAL, "the agent stops");
	}
	engine_session_ended(e);
}

/* ---- IKE SAs ---- */

static void start_setup(struct session *s, conn_id conn, const struct remote *r,
			const struct addr *local, const struct engine_budget *b)
{
	struct setup *su = s->setup;

	s->remote = r->id;
	s->dpd = r->r.dpd;
	s->srtt_us = r->srtt_us;
	s->local = (struct endpoint){ *local, IKE_PORT };
	s->peer = (struct endpoint){ r->r.peer, IKE_PORT };
	su->budget = b ? *b : (struct engine_budget){ BUDGET_DEFAULT_MS, BUDGET_DEFAULT_MS };
	su->deadline = mono_add_ms(ike_now(s->e), su->budget.answer_ms);
	timer_set(&s->e->env.timers, &s->expiry_timer, mono_add_ms(su->deadline, SETUP_GRACE_MS));
	session_name(s, conn);
}

bool setup_again(struct session *s)
{
	struct session *new = session_new(s->e, true);
	struct setup *su = s->setup;
	struct child *c = su->first;
	struct remote *r = remote_find(s->e, s->remote);

	if (!new || !r || !c || !task_push(new, TASK_INIT, NULL)) {
		if (new)
			session_end(new, WHY_LOCAL, "no memory");
		return false;
	}
	new->remote = s->remote;
	new->dpd = s->dpd;
	new->srtt_us = s->srtt_us;
	new->local = (struct endpoint){ s->local.addr, IKE_PORT };
	new->peer = (struct endpoint){ r->r.peer, IKE_PORT };
	new->setup->budget = su->budget;
	new->setup->deadline = su->deadline;
	new->setup->answered = true;
	new->setup->first = c;
	timer_set(&s->e->env.timers, &new->expiry_timer, mono_add_ms(su->deadline, SETUP_GRACE_MS));
	DL_DELETE(s->children, c);
	c->s = new;
	c->state = CHILD_QUEUED;
	DL_APPEND(new->children, c);
	su->first = NULL;
	session_rename(s, new);
	new->setup->old_key = true;
	exchange_next(new);
	return true;
}

static int op_open(void *impl, conn_id conn, remote_id remote, const struct addr *local,
		   const struct engine_child *child, const struct engine_budget *b)
{
	struct ike *e = impl;
	struct remote *r = remote_find(e, remote);
	struct session *s;

	if (!r)
		return -ENOENT;
	if (!conn || !child || local->family != r->r.peer.family)
		return -EINVAL;
	if (session_by_conn(e, conn))
		return -EEXIST;
	if (e->n_setups >= SETUPS_MAX || e->stopping)
		return -EAGAIN;
	s = session_new(e, true);
	if (!s)
		return -ENOMEM;
	start_setup(s, conn, r, local, b);
	s->setup->first = child_new(s, child);
	if (!s->setup->first || !task_push(s, TASK_INIT, NULL)) {
		session_end(s, WHY_LOCAL, "no memory");
		return 0;
	}
	exchange_next(s);
	return 0;
}

static int op_close(void *impl, conn_id conn, enum engine_close how)
{
	struct session *s = session_by_conn(impl, conn);

	if (!s)
		return -ENOENT;
	if (s->state != SES_UP)
		session_abandon(s);
	else if (how == CLOSE_DELETE)
		session_close(s, WHY_LOCAL, "closed by us");
	else
		session_end(s, WHY_LOCAL, "closed by us without an exchange");
	return 0;
}

static int op_probe(void *impl, conn_id conn)
{
	struct session *s = session_by_conn(impl, conn);

	if (!s)
		return -ENOENT;
	if (s->state != SES_UP)
		return -EBUSY;
	if (s->rq.task)
		return 0;
	if (!task_push(s, TASK_PROBE, NULL))
		return -ENOMEM;
	exchange_next(s);
	return 0;
}

static void op_resumed(void *impl)
{
	struct session *s, *tmp;

	DL_FOREACH_SAFE(((struct ike *)impl)->sessions, s, tmp)
		if (s->state == SES_UP && s->rq.task) {
			s->rq.first_sent = ike_now(s->e);
			request_again(s);
		}
}

static int op_conn_info(void *impl, conn_id conn, struct engine_conn_info *out)
{
	struct session *s = session_by_conn(impl, conn);

	if (!s)
		return -ENOENT;
	session_fill_info(s, out);
	return 0;
}

static int op_child_info(void *impl, conn_id conn, child_id child, struct engine_child_info *out)
{
	struct session *s = session_by_conn(impl, conn);
	const struct child *c = s ? child_find(s, child) : NULL;

	if (!c || !c->in_installed)
		return -ENOENT;
	*out = (struct engine_child_info){
		.pair = c->pair,
		.local_port = c->pair.encap_port ? s->local.port : 0,
		.pfs = c->want.pfs,
		.replay = c->want.replay,
		.lifetime_s = c->want.lifetime_s,
		.lifetime_kb = c->want.lifetime_kb,
		.made = c->made,
	};
	return 0;
}

/* ---- child SAs ---- */

static int op_child_open(void *impl, conn_id conn, const struct engine_child *child)
{
	struct session *s = session_by_conn(impl, conn);
	struct child *c;

	if (!s)
		return -ENOENT;
	if (s->state != SES_UP)
		return -EBUSY;
	if (child_find(s, child->id))
		return -EEXIST;
	c = child_new(s, child);
	if (!c)
		return -ENOMEM;
	if (!task_push(s, TASK_CHILD, c)) {
		child_free(c);
		return -ENOMEM;
	}
	exchange_next(s);
	return 0;
}

static int op_child_close(void *impl, conn_id conn, child_id child, enum engine_close how)
{
	struct session *s = session_by_conn(impl, conn);
	struct child *c = s ? child_find(s, child) : NULL;

	return c ? child_close(c, how) : -ENOENT;
}

/* All of that name: the pair in use, and one that is being made in its place. */
static void op_child_change(void *impl, conn_id conn, child_id child,
			    const struct engine_child *want)
{
	struct session *s = session_by_conn(impl, conn);
	struct child *c;

	if (!s)
		return;
	DL_FOREACH(s->children, c)
		if (c->id == child)
			child_change(c, want);
}

static int op_inbound_reply(void *impl, uint32_t inbound, const struct engine_verdict *v)
{
	struct ike *e = impl;
	struct inbound *in = inbound_find(e, inbound);

	if (!in)
		return -ENOENT;
	if (in->exchange != XCHG_IKE_AUTH) {
		child_verdict(in->s, in, v);
		return 0;
	}
	if (v->accept && !v->conn)
		return -EINVAL;
	if ((v->accept || v->keep_ike) && session_by_conn(e, v->conn))
		return -EEXIST;
	auth_verdict(in->s, in, v);
	return 0;
}

static const struct engine_ops ike_ops = {
	.name = "ike",
	.start = op_start,
	.stop = op_stop,
	.configure = op_configure,
	.remote_set = op_remote_set,
	.remote_del = op_remote_del,
	.open = op_open,
	.child_open = op_child_open,
	.child_close = op_child_close,
	.child_change = op_child_change,
	.close = op_close,
	.probe = op_probe,
	.resumed = op_resumed,
	.inbound_reply = op_inbound_reply,
	.conn_info = op_conn_info,
	.child_info = op_child_info,
};

/* ---- what comes in ---- */

static bool is_init_request(const struct ike_header *h)
{
	static const uint8_t zero[IKE_SPI_LEN];

	return h->exchange == XCHG_IKE_SA_INIT && !(h->flags & IKE_FLAG_RESPONSE) &&
	       h->flags & IKE_FLAG_INITIATOR && h->id == 0 &&
	       !memcmp(h->spi_r, zero, IKE_SPI_LEN) && memcmp(h->spi_i, zero, IKE_SPI_LEN);
}

static void to_session(struct ike *e, const struct ike_header *h, const struct endpoint *local,
		       const struct endpoint *peer, size_t len, mono_t when)
{
	bool from_initiator = h->flags & IKE_FLAG_INITIATOR;
	struct session *s = session_by_spi(e, from_initiator ? h->spi_r : h->spi_i);

	if (recovery_clear(e, h, peer, e->scratch, len))
		return;
	if (!s || s->initiator == from_initiator) {
		e->counters.malformed++;
		recovery_unknown(e, h, local, peer, len);
	} else if (h->exchange == XCHG_IKE_SA_INIT && h->flags & IKE_FLAG_RESPONSE)
		init_response(s, h, peer, e->scratch, len, when);
	else
		exchange_input(s, h, local, peer, e->scratch, len, when);
}

void engine_ike_input(struct engine *engine, const struct endpoint *local,
		      const struct endpoint *peer, const uint8_t *bytes, size_t len, mono_t when)
{
	struct ike *e = engine->impl;
	struct ike_header h;

	e->counters.received++;
	trace_message(e, false, local, peer, bytes, len);
	if (len > sizeof(e->scratch) || ike_header_parse(bytes, len, &h) ||
	    (h.version & 0xf0) != IKE_VERSION) {
		e->counters.malformed++;
		if (len <= sizeof(e->scratch) && !ike_header_parse(bytes, len, &h))
			recovery_version(e, &h, local, peer, len);
		return;
	}
	memcpy(e->scratch, bytes, len);
	if (!is_init_request(&h))
		to_session(e, &h, local, peer, len, when);
	else if (!e->stopping)
		init_request(e, &h, local, peer, e->scratch, len, when);
}

void engine_ike_unreachable(struct engine *engine, const struct endpoint *peer, int err,
			    mono_t when)
{
	struct ike *e = engine->impl;
	struct session *s;

	DL_FOREACH(e->sessions, s) {
		struct engine_event *ev;

		if ((s->state != SES_INIT && s->state != SES_AUTH) || !s->conn ||
		    !addr_equal(&s->peer.addr, &peer->addr))
			continue;
		ev = ike_event(e, s, ENG_REMARK);
		ev->when = when;
		ev->why = WHY_TIMEOUT;
		ike_event_text(ev, "ICMP: %s (unauthenticated)", strerror(err));
	}
}

static struct session *session_of_sa(struct ike *e, const struct kernel_sa_id *sa)
{
	struct session *s;
	struct child *c;

	DL_FOREACH(e->sessions, s)
		DL_FOREACH(s->children, c)
			if (c->pair.spi_in == sa->spi && addr_equal(&c->pair.local, &sa->dst))
				return s;
	return NULL;
}

void engine_ike_mapping(void *impl, const struct kernel_sa_id *sa, const struct endpoint *from,
			mono_t when)
{
	struct session *s = session_of_sa(impl, sa);

	if (s && s->state == SES_UP)
		session_follow(s, from);
}

void engine_ike_recoverable(struct engine *engine, const uint8_t secret[QCD_SECRET_LEN])
{
	struct ike *e = engine->impl;

	memcpy(e->qcd_secret, secret, sizeof(e->qcd_secret));
	e->qcd_maker = true;
}

void engine_ike_export_keys(struct engine *engine, ike_keys_fn fn, void *ctx)
{
	struct ike *e = engine->impl;

	e->keys_fn = fn;
	e->keys_ctx = ctx;
}

void *engine_ike_net(const struct engine *engine)
{
	return ((const struct ike *)engine->impl)->env.net_ctx;
}

const struct ike_counters *engine_ike_counters(const struct engine *engine)
{
	struct ike *e = engine->impl;

	e->counters.half_open = e->half_open.n;
	e->counters.theirs = e->n_theirs;
	return &e->counters;
}

/* ---- life ---- */

struct engine *engine_ike_new(const struct ike_env *env)
{
	struct ike *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->env = *env;
	if (!e->env.offer)
		e->env.offer = &ike_offer_all;
	e->default_offer = e->env.offer;
	e->port = (struct engine){
		.ops = &ike_ops,
		.impl = e,
		.caps = ENGINE_CAP_PROBE | ENGINE_CAP_HOLD_INBOUND | ENGINE_CAP_QUIET_CLOSE |
			ENGINE_CAP_MS_CURVE,
	};
	timer_init(&e->turn_timer, turn_fire);
	timer_init(&e->stop_timer, stop_fire);
	return &e->port;
}

/* Children are forgotten, not removed: the kernel keeps them (semantics.md A19). */
static void forget_children(struct session *s)
{
	struct child *c;

	DL_FOREACH(s->children, c) {
		c->in_installed = false;
		c->out_installed = false;
	}
}

void engine_ike_free(struct engine *engine)
{
	struct ike *e;
	struct session *s, *stmp;
	struct remote *r, *rtmp;

	if (!engine)
		return;
	e = engine->impl;
	e->fn = NULL;
	e->stopping = false;
	DL_FOREACH_SAFE(e->sessions, s, stmp) {
		forget_children(s);
		s->rs.have_request = false;
		session_end(s, WHY_LOCAL, "freed");
	}
	sessions_bury(e);
	HASH_ITER(hh, e->remotes, r, rtmp)
		remote_free(e, r);
	timer_cancel(&e->env.timers, &e->turn_timer);
	timer_cancel(&e->env.timers, &e->stop_timer);
	events_free(e);
	crypto_wipe(&e->jar, sizeof(e->jar));
	crypto_wipe(e->qcd_secret, sizeof(e->qcd_secret));
	free(e);
}
