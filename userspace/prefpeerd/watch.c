// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "prefpeerd/watch.h"

#define AREA "xfrm"
#define PERIOD_MS 60000 /* IOS: one per minute (semantics.md §7) */
#define SOON_MS 1000    /* after a change, and then twice as long each time */

/* Wall clock against boottime from one look to the next: more is no drift, it was set. */
#define STEP_MS 500

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
static void say_replay(struct watch *w, const struct growth *g);

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
	{ "XfrmInStateSeqError", say_replay },
};

#define N_WATCHED (sizeof(watched) / sizeof(*watched))

struct watch {
	const struct timers *timers;
	struct kernel kernel;
	struct watch_ports ports;
	struct timer timer;
	uint64_t last[N_WATCHED];
	mono_t looked;
	int64_t offset_ms; /* wall clock minus boottime, at the last look */
	/* Of a use since the last look, wall clock as the policies' times of use. */
	uint64_t since_s, until_s;
	bool set_back; /* since then: a later use cannot be told from an old one */
	/* As they were used before it was set back, at times that come again. */
	struct kernel_policy *old;
	unsigned n_old, old_room;
	mono_t said;      /* a look that found something */
	uint32_t wait_ms; /* until the next one */
	struct watch_note kept[KEPT_MAX];
	unsigned n_kept;
};

/* ---- saying ------------------------------------------------------------------------ */

static void say(struct watch *w, enum log_level level, const struct watch_note *n)
{
	char seq[12];
	const struct log_field fields[] = { { "CRYPTO_MNEMONIC", n->mnemonic },
					    { "CRYPTO_MAP", n->map[0] ? n->map : NULL },
					    { "CRYPTO_SEQ", n->map[0] ? seq : NULL },
					    { "CRYPTO_REASON", n->reason },
					    { 0 } };

	snprintf(seq, sizeof(seq), "%u", n->seq);
	log_fields(level, AREA, fields, "%s", n->text);
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

/* With IOS's mnemonic (§7). */
static void say_message(struct watch *w, const char *reason, const char *mnemonic,
			const char *what, const struct growth *g)
{
	struct watch_note n = { .reason = reason, .mnemonic = mnemonic };

	snprintf(n.text, sizeof(n.text), "%%%s: %s (%s +%" PRIu64 ")", mnemonic, what, g->counter,
		 g->by);
	say(w, LOG_LVL_WARN, &n);
}

static void say_not_ipsec(struct watch *w, const struct growth *g)
{
	say_message(w, "not-ipsec", "CRYPTO-4-RECVD_PKT_NOT_IPSEC",
		    "Rec'd packet not an IPSEC packet: it came in clear, or by an SA that is not its own, an access list protects it, and it was dropped",
		    g);
}

static void say_no_policy(struct watch *w, const struct growth *g)
{
	say_counted(w, LOG_LVL_WARN, "no-policy",
		    "packets arrived by an SA that no access list permits, and were dropped", g);
}

static void say_invalid_spi(struct watch *w, const struct growth *g)
{
	say_message(w, "invalid-spi", "CRYPTO-4-RECVD_PKT_INV_SPI",
		    "decaps: rec'd IPSEC packet has invalid spi: nobody has it here", g);
}

static void say_replay(struct watch *w, const struct growth *g)
{
	say_message(w, "replay", "CRYPTO-4-PKT_REPLAY_ERR",
		    "decrypt: replay check failed: the packet came a second time, or too late", g);
}

/* ---- whose packets were blocked -------------------------------------------------- */

struct blocked {
	struct watch *w;
	const struct growth *g;
	unsigned said;
	bool foreign; /* a block of somebody else's was used since the last look */
};

static bool is_old(const struct watch *w, const struct kernel_policy *p)
{
	for (unsigned i = 0; i < w->n_old; i++)
		if (w->old[i].used_s == p->used_s && selector_equal(&w->old[i].sel, &p->sel))
			return true;
	return false;
}

static bool blocks(const struct kernel_policy *p)
{
	return p->dir == POLICY_OUT && p->action == POLICY_BLOCK;
}

static bool was_used(const struct watch *w, const struct kernel_policy *p)
{
	return blocks(p) && p->used_s >= w->since_s && p->used_s <= w->until_s && !is_old(w, p);
}

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

/* Is it this block that a packet of the line meets, once NAT has hidden its source? */
static bool may_be_behind(const struct spd *spd, const struct spd_policy *mine,
			  const struct spd_line *l)
{
	struct selector hidden = l->sel;

	if (strcmp(l->map, mine->behind->map))
		return false;
	hidden.src = mine->p.sel.src;
	hidden.sport = mine->p.sel.sport;
	if (!selector_intersect(&hidden, &mine->p.sel, &hidden))
		return false;
	for (const struct spd_policy *p = spd->policies; p != mine; p++)
		if (p->behind && selector_contains(&p->p.sel, &hidden))
			return false; /* that one would have caught it */
	return true;
}

/* It may be any entry of this map that leads there. */
static void say_hole(const struct blocked *b, const struct spd *spd, const struct spd_policy *mine,
		     const char *dst)
{
	const struct spd_line *last = NULL;

	for (unsigned i = 0; i < spd->n_lines; i++) {
		const struct spd_line *l = spd->lines[i];

		if ((last && last->seq == l->seq) || !may_be_behind(spd, mine, l))
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

	if (!was_used(b->w, p))
		return 0;
	mine = ours(spd, p);
	if (!mine) {
		b->foreign = true;
		return 0;
	}
	prefix_print(&p->sel.dst, dst, sizeof(dst));
	if (mine->behind) {
		say_hole(b, spd, mine, dst);
	} else if (mine->line) {
		name_entry(&n, mine->line);
		say_line(b, mine->line, dst, &n);
		say(b->w, LOG_LVL_WARN, &n);
	} else {
		return 0; /* nobody's: what is said of none is said */
	}
	b->said++;
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
	else if (w->set_back)
		say_counted(w, LOG_LVL_INFO, "blocked",
			    "packets were blocked; the clock was set back, so nobody knows by which policy",
			    g);
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

static int64_t mono_ms(mono_t t)
{
	return mono_diff_ms(t, (mono_t){ 0 });
}

/* Where the clock was set back, until when it would have come: those uses are certain. */
static void look_at_clock(struct watch *w, mono_t now, int64_t wall_ms)
{
	int64_t would_be_ms = w->offset_ms + mono_ms(now);

	w->set_back = wall_ms < would_be_ms - STEP_MS;
	w->until_s = (uint64_t)(w->set_back ? would_be_ms : wall_ms) / 1000;
}

static int remember_future(void *ctx, const struct kernel_policy *p)
{
	struct watch *w = ctx;
	unsigned room = w->old_room ? 2 * w->old_room : 16;
	struct kernel_policy *more;

	if (!blocks(p) || p->used_s < w->until_s)
		return 0;
	if (w->n_old == w->old_room) {
		more = realloc(w->old, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		w->old = more;
		w->old_room = room;
	}
	w->old[w->n_old++] = *p;
	return 0;
}

/* What was used later than now was used before the clock was set back. */
static void look_is_over(struct watch *w, mono_t now, int64_t wall_ms)
{
	w->since_s = w->until_s = (uint64_t)wall_ms / 1000;
	w->offset_ms = wall_ms - mono_ms(now);
	if (!w->set_back)
		return;
	w->n_old = 0;
	if (w->kernel.ops->policy_dump(w->kernel.impl, remember_future, w))
		log_line(LOG_LVL_INFO, AREA,
			 "the clock was set back: old uses of policies may pass for new ones");
}

static void look(struct timer *t, mono_t now)
{
	struct watch *w = timer_container(t, struct watch, timer);
	int64_t wall_ms = w->ports.wall_ms(w->ports.ctx);

	w->looked = now;
	w->n_kept = 0;
	look_at_clock(w, now, wall_ms);
	w->wait_ms = 2 * w->wait_ms < PERIOD_MS ? 2 * w->wait_ms : PERIOD_MS;
	for (unsigned i = 0; i < N_WATCHED; i++) {
		uint64_t v = read_counter(w, i);
		const struct growth g = { watched[i].counter, v - w->last[i] };

		if (v > w->last[i]) {
			watched[i].say(w, &g);
			w->said = now;
			w->wait_ms = PERIOD_MS;
		}
		w->last[i] = v;
	}
	look_is_over(w, now, wall_ms);
	timer_set(w->timers, t, mono_add_ms(now, w->wait_ms));
}

void watch_soon(struct watch *w, mono_t now)
{
	mono_t at = mono_add_ms(now, SOON_MS);

	if (!w)
		return;
	if (mono_is_set(w->said))
		at = mono_max(at, mono_add_ms(w->said, PERIOD_MS));
	w->wait_ms = SOON_MS;
	if (!timer_armed(&w->timer) || mono_before(at, w->timer.at))
		timer_set(w->timers, &w->timer, at);
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
	look_is_over(w, now, w->ports.wall_ms(w->ports.ctx));
	w->wait_ms = PERIOD_MS;
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
	free(w->old);
	free(w);
}
