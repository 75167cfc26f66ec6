// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "lib/log.h"
#include "prefpeerd/watch.h"

#define AREA "xfrm"
#define PERIOD_MS 60000 /* IOS: one per minute (semantics.md §7) */

struct growth {
	const char *counter;
	uint64_t by;
};

static void say_blocked(struct watch *w, const struct growth *g);

static void say_not_ipsec(struct watch *w, const struct growth *g)
{
	log_warn(AREA,
		 "%%CRYPTO-4-RECVD_PKT_NOT_IPSEC: packets arrived in clear, or by an SA that is not theirs, that an access list protects, and were dropped (%s +%" PRIu64 ")",
		 g->counter, g->by);
}

static void say_no_policy(struct watch *w, const struct growth *g)
{
	log_warn(AREA,
		 "packets arrived by an SA that no access list permits, and were dropped (%s +%" PRIu64 ")",
		 g->counter, g->by);
}

static void say_invalid_spi(struct watch *w, const struct growth *g)
{
	log_warn(AREA,
		 "%%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packets have an invalid SPI: nobody has it here (%s +%" PRIu64 ")",
		 g->counter, g->by);
}

static const struct {
	const char *counter;
	void (*say)(struct watch *w, const struct growth *g);
} watched[] = {
	{ "XfrmOutPolBlock", say_blocked },
	/* A policy with a template met a packet without its SA; `block` met one. */
	{ "XfrmInTmplMismatch", say_not_ipsec },
	{ "XfrmInPolBlock", say_not_ipsec },
	{ "XfrmInNoPols", say_no_policy },
	{ "XfrmInNoStates", say_invalid_spi },
};

#define N_WATCHED (sizeof(watched) / sizeof(*watched))

struct watch {
	const struct timers *timers;
	struct kernel kernel;
	watch_spd_fn spd;
	void *ctx;
	struct timer timer;
	uint64_t last[N_WATCHED];
	uint64_t looked_s; /* wall clock, as the policies' times of use */
};

/* ---- whose packets were blocked -------------------------------------------------- */

struct blocked {
	struct watch *w;
	const struct growth *g;
	unsigned said;
};

static const struct spd_policy *ours(const struct spd *s, const struct kernel_policy *p)
{
	for (unsigned i = 0; s && i < s->n_policies; i++)
		if (s->policies[i].p.dir == p->dir && selector_equal(&s->policies[i].p.sel, &p->sel))
			return &s->policies[i];
	return NULL;
}

/* One sentence per policy that caught a packet since the last look. */
static int say_policy(void *ctx, const struct kernel_policy *p)
{
	struct blocked *b = ctx;
	const struct spd_policy *mine;
	char dst[PREFIX_STRLEN];

	if (p->dir != POLICY_OUT || p->action != POLICY_BLOCK || p->used_s < b->w->looked_s)
		return 0;
	mine = ours(b->w->spd(b->w->ctx), p);
	if (!mine)
		return 0;
	prefix_print(&p->sel.dst, dst, sizeof(dst));
	b->said++;
	if (mine->line)
		log_warn(AREA,
			 "packets for %s were blocked: crypto map %s %u cannot protect them now, prefpeer map show says why (%s +%" PRIu64 ")",
			 dst, mine->line->map, mine->line->seq, b->g->counter, b->g->by);
	else
		log_warn(AREA,
			 "packets for %s leave with the WAN address; exempt them from NAT (nft: rt ipsec exists accept) (%s +%" PRIu64 ")",
			 dst, b->g->counter, b->g->by);
	return 0;
}

static void say_blocked(struct watch *w, const struct growth *g)
{
	struct blocked b = { .w = w, .g = g };

	if (w->kernel.ops->policy_dump(w->kernel.impl, say_policy, &b) || b.said)
		return;
	log_info(AREA, "packets were blocked by a policy that is not prefpeerd's (%s +%" PRIu64 ")",
		 g->counter, g->by);
}

/* ---- looking ----------------------------------------------------------------------- */

/* 0 where the kernel has no such counter: nothing is said then. */
static uint64_t read_counter(struct watch *w, unsigned i)
{
	uint64_t v = 0;

	if (w->kernel.ops->stat_read(w->kernel.impl, watched[i].counter, &v))
		return 0;
	return v;
}

static void look(struct timer *t, mono_t now)
{
	struct watch *w = timer_container(t, struct watch, timer);
	uint64_t now_s = (uint64_t)time(NULL);

	for (unsigned i = 0; i < N_WATCHED; i++) {
		uint64_t v = read_counter(w, i);
		const struct growth g = { watched[i].counter, v - w->last[i] };

		if (v > w->last[i])
			watched[i].say(w, &g);
		w->last[i] = v;
	}
	w->looked_s = now_s;
	timer_set(w->timers, t, mono_add_ms(now, PERIOD_MS));
}

int watch_open(const struct timers *timers, const struct kernel *k, watch_spd_fn spd, void *ctx,
	       mono_t now, struct watch **out)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->timers = timers;
	w->kernel = *k;
	w->spd = spd;
	w->ctx = ctx;
	w->looked_s = (uint64_t)time(NULL);
	timer_init(&w->timer, look);
	for (unsigned i = 0; i < N_WATCHED; i++)
		w->last[i] = read_counter(w, i);
	timer_set(timers, &w->timer, mono_add_ms(now, PERIOD_MS));
	*out = w;
	return 0;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	timer_cancel(w->timers, &w->timer);
	free(w);
}
