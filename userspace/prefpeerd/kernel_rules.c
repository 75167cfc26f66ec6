// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules: T and W of each line's SAs, in the module and in a table of our own, since
 * the module may go and come back, and the poller needs the same timers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/pp_nl.h"
#include "prefpeerd/kernel_impl.h"

#define AREA "kernel"

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
	PP_SET_META(q, COOKIE, cookie, PP_COOKIE_AGENT);
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

	if (!PP_HAS(&a->meta, PREFPEER_A_META_COOKIE) || a->meta.cookie != PP_COOKIE_AGENT)
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

void kernel_rules_install(struct kernel_linux *k)
{
	struct rule *rule, *next;

	if (k->rules)
		purge_rules(&k->module);
	HASH_ITER(hh, k->rules, rule, next) {
		rule->id = 0;
		rule_install(&k->module, rule);
	}
}

void kernel_rules_free(struct kernel_linux *k)
{
	struct rule *rule, *next;

	HASH_ITER(hh, k->rules, rule, next) {
		HASH_DEL(k->rules, rule);
		free(rule);
	}
}
