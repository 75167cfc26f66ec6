// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module: its events, its rules, its readings. The rules table is kept here too,
 * since the module may go and come back, and the poller needs the same timers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/pp_nl.h"
#include "prefpeerd/kernel_impl.h"

#define AREA "kernel"
#define RULE_COOKIE 0x7072656670656572ull /* "prefpeer": marks the agent's rules */
#define RCVBUF (8 << 20)                  /* bytes */

/* ---- rules ---------------------------------------------------------------- */

static void rule_request(const struct kernel_rule *r, struct pp_attrs *q)
{
	memset(q, 0, sizeof(*q));
	pp_set_addr(q, PP_REMOTE, &r->peer);
	PP_SET(q, REQID, reqid, r->reqid);
}

static void rule_meta(const struct kernel_rule *r, struct pp_attrs *q)
{
	pp_set_map(q, r->map);
	PP_SET_META(q, MAP_SEQ, map_seq, r->seq);
	PP_SET_META(q, INDEX, index, r->index);
	PP_SET_META(q, FLAGS, flags, r->is_default ? PREFPEER_META_FLAG_DEFAULT : 0);
	PP_SET_META(q, IDLE_TIME, idle_time, r->idle_ms);
	PP_SET_META(q, ONE_WAY, one_way, r->one_way_ms);
	PP_SET_META(q, COOKIE, cookie, RULE_COOKIE);
}

static int rule_new(struct module *m, struct rule *rule)
{
	struct pp_attrs q, answer;
	int err;

	rule_request(&rule->r, &q);
	rule_meta(&rule->r, &q);
	err = pp_nl_do(m->nl, PREFPEER_CMD_RULE_NEW, &q, &answer);
	if (!err)
		rule->id = answer.rule_id;
	return err;
}

/* A rule of an earlier run, or of an operator, with the same selectors gives way. */
static int rule_replace(struct module *m, struct rule *rule)
{
	struct pp_attrs q;
	int err = rule_new(m, rule);

	if (err != -EEXIST)
		return err;
	rule_request(&rule->r, &q);
	err = pp_nl_do(m->nl, PREFPEER_CMD_RULE_DEL, &q, NULL);
	return err && err != -ENOENT ? err : rule_new(m, rule);
}

static int rule_set(struct module *m, struct rule *rule)
{
	struct pp_attrs q = { 0 };

	PP_SET(&q, RULE_ID, rule_id, rule->id);
	rule_meta(&rule->r, &q);
	return pp_nl_do(m->nl, PREFPEER_CMD_RULE_SET, &q, NULL);
}

static int rule_install(struct module *m, struct rule *rule)
{
	char a[ADDR_STRLEN];
	int err = rule->id ? rule_set(m, rule) : -ENOENT;

	if (err == -ENOENT)
		err = rule_replace(m, rule);
	if (err)
		log_err(AREA, "the module refused the rule for %s, reqid %u: %s",
			addr_print(&rule->r.peer, a, sizeof(a)), rule->r.reqid,
			pp_nl_error(m->nl));
	return err;
}

struct stale {
	uint32_t *ids;
	size_t n, room;
};

static int note_stale(void *ctx, const struct pp_attrs *a)
{
	struct stale *s = ctx;
	uint32_t *ids;

	if (!PP_HAS(&a->meta, PREFPEER_A_META_COOKIE) || a->meta.cookie != RULE_COOKIE)
		return 0;
	if (s->n == s->room) {
		ids = reallocarray(s->ids, s->room ? s->room * 2 : 16, sizeof(*ids));
		if (!ids)
			return -ENOMEM;
		s->ids = ids;
		s->room = s->room ? s->room * 2 : 16;
	}
	s->ids[s->n++] = a->rule_id;
	return 0;
}

/*
 * Rules of an agent that was killed. Before the first rule of this run and not at open,
 * so that `prefpeerd --flush` leaves a running agent's alone.
 */
static void purge_rules(struct module *m)
{
	struct stale s = { 0 };
	struct pp_attrs q = { 0 };
	int err;

	do {
		s.n = 0;
		err = pp_nl_dump(m->nl, PREFPEER_CMD_RULE_GET, NULL, note_stale, &s);
	} while (err == -EINTR);
	for (size_t i = 0; !err && i < s.n; i++) {
		PP_SET(&q, RULE_ID, rule_id, s.ids[i]);
		pp_nl_do(m->nl, PREFPEER_CMD_RULE_DEL, &q, NULL);
	}
	if (err)
		log_warn(AREA, "rules of an earlier run cannot be listed: %s", strerror(-err));
	free(s.ids);
	m->purged = true;
}

static void rule_key(const struct kernel_rule *r, struct rule_key *key)
{
	memset(key, 0, sizeof(*key));
	key->peer.family = r->peer.family;
	memcpy(key->peer.bytes, r->peer.bytes, addr_len(&r->peer));
	key->reqid = r->reqid;
}

static struct rule *rule_find(struct kernel_linux *k, const struct kernel_rule *r)
{
	struct rule_key key;
	struct rule *rule;

	rule_key(r, &key);
	HASH_FIND(hh, k->rules, &key, sizeof(key), rule);
	return rule;
}

int kernel_rule_put(void *impl, const struct kernel_rule *r)
{
	struct kernel_linux *k = impl;
	struct rule *rule = rule_find(k, r);

	if (!rule) {
		rule = calloc(1, sizeof(*rule));
		if (!rule)
			return -ENOMEM;
		rule_key(r, &rule->key);
		HASH_ADD(hh, k->rules, key, sizeof(rule->key), rule);
	}
	rule->r = *r;
	if (!k->module.nl) {
		kernel_poll_adjust(k);
		return 0;
	}
	if (!k->module.purged)
		purge_rules(&k->module);
	return rule_install(&k->module, rule);
}

int kernel_rule_del(void *impl, const struct kernel_rule *r)
{
	struct kernel_linux *k = impl;
	struct rule *rule = rule_find(k, r);
	struct pp_attrs q = { 0 };
	int err = 0;

	if (!rule)
		return -ENOENT;
	if (k->module.nl && rule->id) {
		PP_SET(&q, RULE_ID, rule_id, rule->id);
		err = pp_nl_do(k->module.nl, PREFPEER_CMD_RULE_DEL, &q, NULL);
	}
	HASH_DEL(k->rules, rule);
	free(rule);
	kernel_poll_adjust(k);
	return err == -ENOENT ? 0 : err;
}

/* ---- readings --------------------------------------------------------------- */

bool kernel_has_module(void *impl)
{
	struct kernel_linux *k = impl;

	return k->module.nl;
}

static mono_t instant(const struct pp_attrs *a, int type, uint64_t ns)
{
	return PP_HAS(a, type) ? (mono_t){ (int64_t)ns } : MONO_UNSET;
}

int kernel_pair_read(void *impl, const struct kernel_pair_key *key, struct kernel_pair_reading *out)
{
	struct kernel_linux *k = impl;
	struct pp_attrs q = { 0 }, a;
	int err;

	if (!k->module.nl) {
		err = kernel_poll_look(k);
		return err ? err : poll_pair(k->poll, key, out);
	}
	pp_set_addr(&q, PP_LOCAL, &key->local);
	pp_set_addr(&q, PP_REMOTE, &key->peer);
	PP_SET(&q, REQID, reqid, key->reqid);
	err = pp_nl_do(k->module.nl, PREFPEER_CMD_PAIR_GET, &q, &a);
	if (err)
		return err;
	*out = (struct kernel_pair_reading){
		.last_use = instant(&a, PREFPEER_A_LAST_USE, a.last_use),
		.idle_ms = PP_HAS(&a.meta, PREFPEER_A_META_IDLE_TIME) ? a.meta.idle_time : 0,
	};
	return 0;
}

static void peer_request(const struct kernel_peer_key *key, struct pp_attrs *q)
{
	memset(q, 0, sizeof(*q));
	pp_set_addr(q, PP_LOCAL, &key->local);
	pp_set_addr(q, PP_REMOTE, &key->peer);
	PP_SET(q, ENCAP_PORT, encap_port, key->encap_port);
}

int kernel_peer_read(void *impl, const struct kernel_peer_key *key, struct kernel_peer_reading *out)
{
	struct kernel_linux *k = impl;
	struct pp_attrs q, a;
	int err;

	if (!k->module.nl) {
		err = kernel_poll_look(k);
		return err ? err : poll_peer(k->poll, key, out);
	}
	peer_request(key, &q);
	err = pp_nl_do(k->module.nl, PREFPEER_CMD_PEER_GET, &q, &a);
	if (err)
		return err;
	*out = (struct kernel_peer_reading){
		.last_in = instant(&a, PREFPEER_A_LAST_IN, a.last_in),
		.last_out = instant(&a, PREFPEER_A_LAST_OUT, a.last_out),
		.heard = instant(&a, PREFPEER_A_HEARD, a.heard),
	};
	return 0;
}

int kernel_peer_heard(void *impl, const struct kernel_peer_key *key, mono_t when)
{
	struct kernel_linux *k = impl;
	struct pp_attrs q;

	if (!k->module.nl)
		return poll_heard(k->poll, key, when);
	peer_request(key, &q);
	PP_SET(&q, STAMP, stamp, (uint64_t)when.ns);
	return pp_nl_do(k->module.nl, PREFPEER_CMD_PEER_HEARD, &q, NULL);
}

/* ---- events ----------------------------------------------------------------- */

static void on_pair_idle(struct kernel_linux *k, const struct pp_attrs *a)
{
	struct kernel_event ev = {
		.type = KEV_PAIR_IDLE,
		.when = instant(a, PREFPEER_A_STAMP, a->stamp),
		.last_use = instant(a, PREFPEER_A_LAST_USE, a->last_use),
		.reqid = a->reqid,
		.pair = { .local = a->local, .peer = a->remote, .reqid = a->reqid },
	};

	/* kernel.md §13: a pair with one direction only is torn down by nobody. */
	if (!(a->flags & PREFPEER_FLAG_ONE_SIDED) && kernel_reqid_is_ours(a->reqid))
		kernel_tell(k, &ev, mono_now());
}

static void on_one_way(struct kernel_linux *k, const struct pp_attrs *a)
{
	struct kernel_event ev = {
		.type = KEV_PEER_ONE_WAY,
		.when = instant(a, PREFPEER_A_STAMP, a->stamp),
		.peer = { .local = a->local, .peer = a->remote, .encap_port = a->encap_port },
		.repeat = a->repeat,
	};

	kernel_tell(k, &ev, mono_now());
}

/* XFRM itself tells of DELSA and hard expiry; the module adds what XFRM does not tell. */
static void on_sa_gone(struct kernel_linux *k, const struct pp_attrs *a)
{
	struct kernel_event ev = {
		.type = KEV_SA_GONE,
		.when = instant(a, PREFPEER_A_STAMP, a->stamp),
		.reqid = a->reqid,
		.sa = { .dst = a->dst, .spi = a->spi, .proto = a->proto,
			.mark = a->mark, .mark_mask = a->mark_mask },
	};

	if ((a->reason == PREFPEER_REASON_FLUSHED || a->reason == PREFPEER_REASON_VANISHED) &&
	    kernel_reqid_is_ours(a->reqid))
		kernel_tell(k, &ev, mono_now());
}

static int attach(struct kernel_linux *k)
{
	struct rule *rule, *next;
	int err;

	if (k->module.nl)
		return 0;
	err = pp_nl_open(&k->module.nl);
	if (err) {
		k->module.nl = NULL;
		return err;
	}
	if (k->rules)
		purge_rules(&k->module);
	HASH_ITER(hh, k->rules, rule, next) {
		rule->id = 0;
		rule_install(&k->module, rule);
	}
	kernel_poll_adjust(k);
	return 0;
}

static void detach(struct kernel_linux *k)
{
	struct rule *rule, *next;

	pp_nl_close(k->module.nl);
	k->module.nl = NULL;
	k->module.purged = false;
	HASH_ITER(hh, k->rules, rule, next)
		rule->id = 0;
	kernel_poll_adjust(k);
}

static void on_module_up(struct kernel_linux *k)
{
	struct kernel_event ev = { .type = KEV_MODULE_UP };

	if (k->module.nl || attach(k))
		return;
	log_notice(AREA, "the module prefpeer is here; XFRM is polled no more");
	kernel_tell(k, &ev, mono_now());
}

static void on_module_down(struct kernel_linux *k)
{
	struct kernel_event ev = { .type = KEV_MODULE_DOWN };

	if (!k->module.nl)
		return;
	detach(k);
	log_warn(AREA, "the module prefpeer went; idleness is polled from XFRM until it is back");
	kernel_tell(k, &ev, mono_now());
}

static void on_event(void *ctx, const struct pp_event *ev)
{
	struct kernel_linux *k = ctx;

	switch (ev->cmd) {
	case PREFPEER_CMD_PAIR_IDLE_NTF:
		on_pair_idle(k, &ev->a);
		break;
	case PREFPEER_CMD_PEER_ONE_WAY_NTF:
		on_one_way(k, &ev->a);
		break;
	case PREFPEER_CMD_SA_GONE_NTF:
		on_sa_gone(k, &ev->a);
		break;
	case PP_EV_MODULE_UP:
		on_module_up(k);
		break;
	case PP_EV_MODULE_DOWN:
		on_module_down(k);
		break;
	case PP_EV_LOST:
	case PP_EV_OVERRUN:
		k->module.lost = true;
		break;
	}
}

static void readable(evutil_socket_t fd, short what, void *ctx)
{
	struct kernel_linux *k = ctx;
	int err = pp_listen_read(k->module.listener, on_event, k);
	struct kernel_event ev = { .type = KEV_OVERRUN };

	if (err)
		log_err(AREA, "the module's events cannot be read: %s", strerror(-err));
	if (!k->module.lost)
		return;
	k->module.lost = false;
	log_warn(AREA, "events of the module were lost");
	kernel_tell(k, &ev, mono_now());
}

int kernel_events_open(struct kernel_linux *k)
{
	struct module *m = &k->module;
	int err = pp_listen(PP_GROUP_SA | PP_GROUP_PEER, RCVBUF, &m->listener);

	if (err)
		return err;
	m->ev = event_new(k->base, pp_listen_fd(m->listener), EV_READ | EV_PERSIST, readable, k);
	if (!m->ev || event_add(m->ev, NULL))
		return -ENOMEM;
	if (!pp_listen_present(m->listener) || attach(k))
		log_notice(AREA, "the module prefpeer is not loaded; idleness is polled from XFRM");
	return 0;
}

void kernel_events_close(struct kernel_linux *k)
{
	struct rule *rule, *next;

	if (k->module.ev)
		event_free(k->module.ev);
	pp_listen_close(k->module.listener);
	pp_nl_close(k->module.nl);
	k->module = (struct module){ 0 };
	HASH_ITER(hh, k->rules, rule, next) {
		HASH_DEL(k->rules, rule);
		free(rule);
	}
}
