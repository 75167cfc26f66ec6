/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The module says once per episode that a pair is idle. So a verdict whose second
 * look fails is kept and asked again, after lost events every pair is asked, and
 * so is a pair that new SAs may have joined.
 */
#include "prefpeerd/entry/mem.h"
#include "prefpeerd/entry/shell.h"

#define VERDICT_RETRY_MS 1000
#define VERDICT_TRIES 4 /* second looks before the verdict's own evidence has to do */

static const struct core_child *child_of_pair(const struct core_entry *e,
					      const struct kernel_pair_key *key)
{
	for (unsigned i = 0; i < e->n_children; i++) {
		const struct core_child *ch = &e->children[i];

		if (ch->state == CHILD_LIVE && ch->reqid == key->reqid &&
		    addr_equal(&ch->local, &key->local) && addr_equal(&ch->remote, &key->peer))
			return ch;
	}
	return NULL;
}

static struct shell_verdict *waiting(struct entries *s, const struct kernel_pair_key *key)
{
	for (unsigned i = 0; i < s->n_verdicts; i++) {
		struct shell_verdict *v = &s->verdicts[i];

		if (v->pair.reqid == key->reqid && addr_equal(&v->pair.local, &key->local) &&
		    addr_equal(&v->pair.peer, &key->peer))
			return v;
	}
	return NULL;
}

static void keep(struct entries *s, const struct shell_verdict *v)
{
	struct shell_verdict *old = waiting(s, &v->pair);

	if (old && mono_is_set(old->last_use) && !mono_is_set(v->last_use))
		return;
	if (!old) {
		MEM_ROOM(s->verdicts, s->n_verdicts, s->cap_verdicts);
		old = &s->verdicts[s->n_verdicts++];
	}
	*old = *v;
	if (!v->held && !timer_armed(&s->verdict_timer))
		timer_set(s->ports.timers, &s->verdict_timer,
			  mono_add_ms(s->now, VERDICT_RETRY_MS));
}

static void is_void(struct step *t, struct core_entry *e, unsigned line)
{
	const struct cause moved = {.reason = REASON_IDLE,
				    .text = "idle verdict void: a packet came meanwhile"};

	entry_note(&t->r, e, NTF_NOTE, line, e->c, &moved);
}

/* A pair that was rekeyed meanwhile counts anew. */
static void count(struct entries *s, const struct core_child *ch, struct shell_verdict *v)
{
	if (v->tries && v->spi_in == ch->spi_in && v->spi_out == ch->spi_out)
		return;
	v->tries = 0;
	v->spi_in = ch->spi_in;
	v->spi_out = ch->spi_out;
	v->counted = act_pair_packets(s, ch, &v->packets);
}

/*
 * The pair cannot be read: later, or in the end how long it is idle by the verdict
 * alone; -1: not now. What came between the verdict and the first count is not
 * seen: milliseconds, against SAs that nobody would ever end.
 */
static int64_t unread(struct step *t, struct core_entry *e, unsigned line,
		      const struct core_child *ch, struct shell_verdict *v)
{
	uint64_t packets;

	count(t->s, ch, v);
	if (v->tries++ < VERDICT_TRIES) {
		v->held = false;
		keep(t->s, v);
		return -1;
	}
	if (!mono_is_set(v->last_use) || !v->counted || !act_pair_packets(t->s, ch, &packets))
		return -1;
	if (packets == v->packets)
		return mono_diff_ms(t->s->now, v->last_use);
	is_void(t, e, line);
	return -1;
}

/* §2.3: read the pair once more; if it moved, the verdict is void. */
static void judge(struct step *t, struct shell_verdict *v)
{
	struct core_entry *e = NULL;
	struct core_line *l = shell_line(t->s, v->pair.reqid, &e);
	const struct core_child *ch = l ? child_of_pair(e, &v->pair) : NULL;
	struct kernel_pair_reading now;
	int64_t ms;

	if (!ch || (v->child && v->child != ch->id))
		return;
	v->child = ch->id;
	ms = act_pair_idle_ms(t->s, ch, &now);
	if (ms >= 0 && !mono_is_set(v->last_use)) {
		/* Nobody gave a verdict yet: this look is it, and the next the second. */
		if (!now.idle_ms || ms < now.idle_ms)
			return;
		v->last_use = now.last_use;
		ms = act_pair_idle_ms(t->s, ch, &now);
	}
	if (ms >= 0 && mono_before(v->last_use, now.last_use)) {
		is_void(t, e, l->no);
		return;
	}
	if (ms < 0)
		ms = unread(t, e, l->no, ch, v);
	if (ms >= 0 && !core_pair_idle(&t->r, e, l, (uint32_t)ms)) {
		v->held = true;
		keep(t->s, v);
	}
}

void verdict_take(struct step *t, const struct kernel_pair_key *pair, mono_t last_use)
{
	struct shell_verdict v = {.pair = *pair, .last_use = last_use};

	judge(t, &v);
}

void verdict_ask(struct entries *s, child_id id)
{
	struct shell_verdict v = {0}, *old;
	struct core_child *ch;

	if (!core_child_entry(&s->core, id, &ch) || ch->state != CHILD_LIVE)
		return;
	v.pair = (struct kernel_pair_key){ch->local, ch->remote, ch->reqid};
	old = waiting(s, &v.pair);
	if (old)
		*old = v; /* that was of the SAs before */
	keep(s, &v);
}

/* Is its IKE SA still to be proven alive? One that is gone took its pairs along. */
static bool still_held(const struct entries *s, const struct shell_verdict *v)
{
	struct core_child *ch;

	return v->held && core_child_entry(&s->core, v->child, &ch) &&
	       core_conn_unproven(&s->core, ch->conn);
}

/* Each that waits is judged, and put back if that says so. */
static void judge_waiting(struct step *t, bool held)
{
	struct entries *s = t->s;
	struct shell_verdict *list = s->verdicts;
	unsigned n = s->n_verdicts;

	s->verdicts = NULL;
	s->n_verdicts = s->cap_verdicts = 0;
	for (unsigned i = 0; i < n; i++)
		if (list[i].held != held || still_held(s, &list[i]))
			keep(s, &list[i]);
		else
			judge(t, &list[i]);
	free(list);
}

void verdicts_release(struct step *t)
{
	bool any = false;

	for (unsigned i = 0; i < t->s->n_verdicts; i++)
		any |= t->s->verdicts[i].held && !still_held(t->s, &t->s->verdicts[i]);
	if (any)
		judge_waiting(t, true);
}

static void on_timer(struct timer *timer, mono_t now)
{
	struct entries *s = timer_container(timer, struct entries, verdict_timer);
	struct step t;

	step_begin(&t, s, now);
	judge_waiting(&t, false);
	act_all(s);
}

void verdicts_init(struct entries *s)
{
	timer_init(&s->verdict_timer, on_timer);
}

void verdicts_fini(struct entries *s)
{
	timer_cancel(s->ports.timers, &s->verdict_timer);
	free(s->verdicts);
}
