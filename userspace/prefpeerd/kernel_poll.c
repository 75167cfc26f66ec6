// SPDX-License-Identifier: GPL-2.0-or-later
/* Without the module: look at every SA now and then, and judge as it would (poll.c). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "prefpeerd/kernel_impl.h"

static const struct rule *rule_of(void *ctx, const struct addr *peer, uint32_t reqid)
{
	struct kernel_linux *k = ctx;
	struct rule_key key;
	struct rule *rule;

	memset(&key, 0, sizeof(key));
	key.peer.family = peer->family;
	memcpy(key.peer.bytes, peer->bytes, addr_len(peer));
	key.reqid = reqid;
	HASH_FIND(hh, k->rules, &key, sizeof(key), rule);
	return rule;
}

static int see(void *ctx, const struct xfrm_sa_info *sa)
{
	struct kernel_linux *k = ctx;

	return poll_see(k->poll, sa, rule_of, k);
}

int kernel_poll_look(struct kernel_linux *k)
{
	int err;

	poll_begin(k->poll, mono_now());
	err = xfrm_sa_dump(k->xfrm, see, k);
	poll_end(k->poll, mono_now(), !err);
	return err;
}

/* Told after the judgement: an event's receiver may ask for a look, or drop a rule. */
struct verdicts {
	struct kernel_linux *k;
	struct kernel_event *list;
	size_t n, room;
};

static const struct rule *rule_of_verdict(void *ctx, const struct addr *peer, uint32_t reqid)
{
	struct verdicts *v = ctx;

	return rule_of(v->k, peer, reqid);
}

static void keep(void *ctx, struct kernel_event *ev)
{
	struct verdicts *v = ctx;
	struct kernel_event *list;

	if (v->n == v->room) {
		list = reallocarray(v->list, v->room ? v->room * 2 : 8, sizeof(*list));
		if (!list) {
			log_err("kernel", "no memory for a verdict");
			return;
		}
		v->list = list;
		v->room = v->room ? v->room * 2 : 8;
	}
	v->list[v->n++] = *ev;
}

static uint32_t period_ms(struct kernel_linux *k)
{
	uint32_t min = 0;

	for (struct rule *r = k->rules; r; r = r->hh.next) {
		uint32_t p = poll_period_ms(&r->r);

		if (p && (!min || p < min))
			min = p;
	}
	return min;
}

static void on_timer(struct timer *t, mono_t now)
{
	struct kernel_linux *k = timer_container(t, struct kernel_linux, poll_timer);
	struct verdicts v = { .k = k };
	int err = kernel_poll_look(k);

	if (err)
		log_warn("kernel", "the SAs cannot be listed: %s", strerror(-err));
	poll_judge(k->poll, rule_of_verdict, &v, keep);
	kernel_poll_adjust(k);
	for (size_t i = 0; i < v.n; i++)
		kernel_tell(k, &v.list[i], mono_now());
	free(v.list);
}

void kernel_poll_adjust(struct kernel_linux *k)
{
	uint32_t period = k->module.nl ? 0 : period_ms(k);
	mono_t at = mono_add_ms(mono_now(), period);

	if (k->module.nl || !k->rules)
		poll_forget(k->poll);
	if (!period)
		timer_cancel(k->timers, &k->poll_timer);
	else if (!timer_armed(&k->poll_timer) || mono_before(at, k->poll_timer.at))
		timer_set(k->timers, &k->poll_timer, at);
}

int kernel_poll_open(struct kernel_linux *k)
{
	timer_init(&k->poll_timer, on_timer);
	k->poll = poll_new();
	return k->poll ? 0 : -ENOMEM;
}

void kernel_poll_close(struct kernel_linux *k)
{
	if (k->poll)
		timer_cancel(k->timers, &k->poll_timer);
	poll_free(k->poll);
	k->poll = NULL;
}
