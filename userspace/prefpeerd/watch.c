// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/log.h"
#include "prefpeerd/watch.h"

#define AREA "xfrm"
#define PERIOD_MS 60000 /* IOS: one per minute (semantics.md §7) */

/* More would be more than anybody reads. */
#define KEPT_MAX 16

struct growth {
	const char *counter;
	uint64_t by;
};

static void say_blocked(struct watch *w, const struct growth *g);
static void say_not_ipsec(struct watch *w, const struct growth *g);
static void say_no_policy(struct watch *w, const struct growth *g);
static void say_invalid_spi(struct watch *w, const struct growth *g);

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
	struct watch_ports ports;
	struct timer timer;
	uint64_t last[N_WATCHED];
	uint64_t looked_s; /* wall clock, as the policies' times of use */
	mono_t looked;
	struct watch_note kept[KEPT_MAX];
	unsigned n_kept;
};

/* ---- saying ------------------------------------------------------------------------ */

static void say(struct watch *w, enum log_level level, const struct watch_note *n)
{
	log_line(level, AREA, "%s", n->text);
	w->ports.tell(w->ports.ctx, n);
}

/* Of no entry: XFRM counts without an address (semantics.md §12). */
static void say_counted(struct watch *w, enum log_level level, const char *reason,
			const char *what, const struct growth *g)
{
	struct watch_note n = { .reason = reason };

	snprintf(n.text, sizeof(n.text), "%s (%s +%" PRIu64 ")", what, g->counter, g->by);
	say(w, level, &n);
}

static void say_not_ipsec(struct watch *w, const struct growth *g)
{
	say_counted(w, LOG_LVL_WARN, "not-ipsec",
		    "%CRYPTO-4-RECVD_PKT_NOT_IPSEC: packets arrived in clear, or by an SA that is not theirs, that an access list protects, and were dropped",
		    g);
}

static void say_no_policy(struct watch *w, const struct growth *g)
{
	say_counted(w, LOG_LVL_WARN, "no-policy",
		    "packets arrived by an SA that no access list permits, and were dropped", g);
}

static void say_invalid_spi(struct watch *w, const struct growth *g)
{
	say_counted(w, LOG_LVL_WARN, "invalid-spi",
		    "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packets have an invalid SPI: nobody has it here",
		    g);
}

/* ---- whose packets were blocked -------------------------------------------------- */

struct blocked {
	struct watch *w;
	const struct growth *g;
	unsigned said;
	bool foreign; /* a block of somebody else's was used since the last look */
};

static const struct spd_policy *ours(const struct spd *s, const struct kernel_policy *p)
{
	for (unsigned i = 0; s && i < s->n_policies; i++)
		if (s->policies[i].p.dir == p->dir && selector_equal(&s->policies[i].p.sel, &p->sel))
			return &s->policies[i];
	return NULL;
}

static void say_line(const struct blocked *b, const struct spd_line *line, const char *dst,
		     struct watch_note *n)
{
	n->reason = "blocked";
	snprintf(n->text, sizeof(n->text),
		 "packets for %s were blocked: crypto map %s %u cannot protect them now, prefpeer map show says why (%s +%" PRIu64 ")",
		 dst, line->map, line->seq, b->g->counter, b->g->by);
}

static void name_entry(struct watch_note *n, const struct spd_line *line)
{
	strcpy(n->map, line->map);
	n->seq = line->seq;
}

/* An entry that is up and whose packets do not arrive says nothing of it by itself. */
static void say_nat(const struct blocked *b, const struct spd_line *line, const char *dst)
{
	struct watch_note n = { .reason = "nat" };

	name_entry(&n, line);
	snprintf(n.text, sizeof(n.text),
		 "packets for %s leave with the WAN address; exempt them from NAT (nft: rt ipsec exists accept) (%s +%" PRIu64 ")",
		 dst, b->g->counter, b->g->by);
	if (b->w->n_kept < KEPT_MAX)
		b->w->kept[b->w->n_kept++] = n;
	say(b->w, LOG_LVL_WARN, &n);
}

/* NAT hides the source: it may be any entry of this map that leads there. */
static void say_hole(const struct blocked *b, const struct spd *spd, const struct spd_policy *mine,
		     const char *dst)
{
	const struct spd_line *last = NULL;

	for (unsigned i = 0; i < spd->n_lines; i++) {
		const struct spd_line *l = spd->lines[i];

		if (strcmp(l->map, mine->behind->map) || !prefix_equal(&l->sel.dst, &mine->p.sel.dst) ||
		    (last && last->seq == l->seq))
			continue;
		say_nat(b, l, dst);
		last = l;
	}
}

/* One sentence per policy that caught a packet since the last look. */
static int say_policy(void *ctx, const struct kernel_policy *p)
{
	struct blocked *b = ctx;
	const struct spd *spd = b->w->ports.spd(b->w->ports.ctx);
	const struct spd_policy *mine;
	struct watch_note n = { 0 };
	char dst[PREFIX_STRLEN];

	if (p->dir != POLICY_OUT || p->action != POLICY_BLOCK || p->used_s < b->w->looked_s)
		return 0;
	mine = ours(spd, p);
	if (!mine) {
		b->foreign = true;
		return 0;
	}
	b->said++;
	prefix_print(&p->sel.dst, dst, sizeof(dst));
	if (mine->behind) {
		say_hole(b, spd, mine, dst);
	} else if (mine->line) {
		name_entry(&n, mine->line);
		say_line(b, mine->line, dst, &n);
		say(b->w, LOG_LVL_WARN, &n);
	}
	return 0;
}

/* Which one it was is seen by its time of use: not of one that is another by now. */
static void say_blocked(struct watch *w, const struct growth *g)
{
	struct blocked b = { .w = w, .g = g };

	if (w->kernel.ops->policy_dump(w->kernel.impl, say_policy, &b) || b.said)
		return;
	if (b.foreign)
		say_counted(w, LOG_LVL_INFO, "foreign-block",
			    "packets were blocked by a policy that is not prefpeerd's", g);
	else
		say_counted(w, LOG_LVL_INFO, "blocked",
			    "packets were blocked by a policy that is gone or another by now", g);
}

void watch_each(const struct watch *w, const char *map, unsigned seq, watch_note_fn fn, void *ctx)
{
	for (unsigned i = 0; w && i < w->n_kept; i++)
		if (w->kept[i].seq == seq && !strcmp(w->kept[i].map, map))
			fn(ctx, &w->kept[i], w->looked);
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

	w->looked = now;
	w->n_kept = 0;
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

int watch_open(const struct timers *timers, const struct kernel *k,
	       const struct watch_ports *ports, mono_t now, struct watch **out)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->timers = timers;
	w->kernel = *k;
	w->ports = *ports;
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
