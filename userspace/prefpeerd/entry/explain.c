/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which peer would the next packet use, and why: a paragraph out of an entry's view
 * and nothing else, so that every state can stand in a table (test_entry_explain.c).
 * It restates the rows of semantics.md §10 for people; it decides nothing.
 */
#include <stdarg.h>
#include <string.h>

#include "prefpeerd/entry/shell.h"

struct saying {
	const struct entry_view *v;
	mono_t now;
	struct entry_explanation *out;
};

static void say(struct saying *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct saying *s, const char *fmt, ...)
{
	size_t n = strlen(s->out->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->out->text + n, sizeof(s->out->text) - n, fmt, ap);
	va_end(ap);
}

static void say_time(struct saying *s, const char *before, int64_t ms, const char *after)
{
	char t[32];

	say(s, "%s%s%s", before, say_seconds((uint32_t)(ms < 0 ? 0 : ms), t, sizeof(t)), after);
}

static void goes(struct saying *s, enum entry_way way, const char *peer)
{
	s->out->way = way;
	s->out->peer = peer;
}

/* ---- peers --------------------------------------------------------------- */

static const struct entry_peer_view *home(const struct entry_view *v)
{
	return v->n_peers && v->peers[0].is_default ? &v->peers[0] : NULL;
}

static int place(const struct entry_view *v, const char *name)
{
	for (unsigned i = 0; name && i < v->n_peers; i++)
		if (!strcmp(v->peers[i].text, name))
			return (int)i;
	return -1;
}

/* Of the current peer's death: who comes then (§10). */
static const struct entry_peer_view *after_death(const struct entry_view *v)
{
	int i = place(v, v->current);

	if (home(v))
		return home(v);
	return v->n_peers ? &v->peers[(unsigned)(i + 1) % v->n_peers] : NULL;
}

static void say_answer_time(struct saying *s, const struct entry_peer_view *p)
{
	bool died = s->v->dead && !strcmp(s->v->dead, p->text);

	say_time(s, ", for at most ", p->answer_ms, "");
	if (died)
		say(s, " because it has just been found dead");
}

/* The peers that a walk comes to after its start: the default if it is another, then in order. */
static void say_rest(struct saying *s, int start)
{
	const struct entry_view *v = s->v;
	const struct entry_peer_view *first = home(v);
	const char *before = " If it does not answer, ";
	unsigned n = v->n_peers;

	if (start < 0)
		return;
	if (first && start) {
		say(s, "%s%s", before, first->text);
		before = ", then ";
	}
	for (unsigned i = 1; i < n; i++) {
		const struct entry_peer_view *p = &v->peers[((unsigned)start + i) % n];

		if (p == first)
			continue;
		say(s, "%s%s", before, p->text);
		before = ", then ";
	}
	say(s, n > 1 ? "." : " There is no other peer.");
}

/* Why the walk begins where it begins. */
static void say_why_next(struct saying *s)
{
	const struct entry_view *v = s->v;
	int i = place(v, v->next_peer), c = place(v, v->current);

	if (v->next == NEXT_HOME)
		say(s, ", the default peer, since after what happened last the list begins anew");
	else if (v->next == NEXT_AFTER)
		say(s, ", which follows %s in the list; that one was lost, and there is no default",
		    v->current ? v->current : "the last one");
	else if (i == 0 && v->peers[0].last == REASON_NONE)
		say(s, ", the %s", v->peers[0].is_default ? "default peer" : "first of the list");
	else
		say(s, ", which is still the current peer%s",
		    i == c && i > 0 && home(v) ? ": what ended last does not lead home" : "");
}

/* ---- the states ---------------------------------------------------------- */

static void explain_template(struct saying *s)
{
	goes(s, WAY_BLOCK, NULL);
	say(s, "Nothing is ever called from here: this is a dynamic map. A packet for a branch "
	       "that has called goes by the entry of that branch; for one that has not, it is "
	       "dropped.");
}

static void explain_incomplete(struct saying *s)
{
	const struct entry_view *v = s->v;

	goes(s, v->blocks ? WAY_BLOCK : WAY_CLEAR, NULL);
	if (v->blocks)
		say(s,
		    "The packet is dropped: the entry is incomplete (%s), and what its access "
		    "list permits must not leave in clear.",
		    v->incomplete);
	else
		say(s, "The entry protects nothing (%s), so it has no say about any packet.",
		    v->incomplete);
}

static void say_leaving(struct saying *s)
{
	const struct entry_view *v = s->v;
	const struct entry_peer_view *then = after_death(v), *first = home(v);
	bool alone = v->n_peers < 2;

	if (v->branch_of) {
		say(s, " When its SAs end, packets for it are dropped until it calls again.");
		return;
	}
	if (v->dpd.mode == DPD_OFF)
		say(s, " Without dead peer detection its death is noticed only when an exchange "
		       "fails");
	else
		say_time(s, " If it dies, that is noticed within ", v->notice_ms, "");
	if (then)
		say(s, "; the attempt after that %s %s%s.", alone ? "goes again to" : "begins at",
		    then->text, then == first && !alone ? ", the default peer" : "");
	if (!v->idle.ms)
		return;
	say_time(s, " After ", v->idle.ms, " without traffic");
	if (v->idle_now_ms >= 0)
		say_time(s, " (", v->idle_now_ms, " now)");
	say(s, " the tunnel ends, and the next packet goes to %s.",
	    v->idle.home && first ? first->text : v->current);
}

static void say_line_off(struct saying *s, const struct entry_line_view *l)
{
	char sel[SELECTOR_STRLEN];

	say(s, " Line %u, %s, ", l->no, selector_print(&l->sel, sel, sizeof(sel)));
	if (l->blocked)
		say(s, "is blocked.");
	else if (mono_is_set(l->backoff_until))
		say_time(s, "was refused and is asked for again in ",
			 mono_diff_ms(l->backoff_until, s->now), "");
	else
		say(s, "%s.",
		    l->in_setup ? "is being asked for on the same IKE SA; its packet waits"
				: "has no SAs: its first packet asks for them on the same IKE SA");
	if (!l->blocked && mono_is_set(l->backoff_until))
		say(s, " (%s).", *l->backoff_text ? l->backoff_text : "no reason was given");
}

static unsigned lines_up(const struct entry_view *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < v->n_lines; i++)
		n += v->lines[i].n_pairs > 0;
	return n;
}

static void explain_up(struct saying *s)
{
	const struct entry_view *v = s->v;
	unsigned up = lines_up(v);

	goes(s, up ? WAY_TUNNEL : WAY_CHILD, v->current);
	say(s, "The packet goes to %s", v->current);
	say(s, up ? ", by SAs that are there"
		  : ", once its SAs are negotiated on the IKE SA that is there");
	say(s, ": %s.", *v->sentence ? v->sentence : "it answered");
	for (unsigned i = 0; up && up < v->n_lines && i < v->n_lines; i++)
		if (!v->lines[i].n_pairs)
			say_line_off(s, &v->lines[i]);
	say_leaving(s);
}

static void say_queue(struct saying *s)
{
	const char *before = " After it: ";

	for (int turn = 1; turn < (int)s->v->n_peers; turn++)
		for (unsigned i = 0; i < s->v->n_peers; i++)
			if (s->v->peers[i].walk_at == turn) {
				say(s, "%s%s", before, s->v->peers[i].text);
				before = ", ";
			}
	say(s, *before == ',' ? "." : " Nobody is left to ask after it.");
}

static void explain_walk(struct saying *s)
{
	const struct entry_view *v = s->v;
	int i = place(v, v->trying);

	goes(s, WAY_WALK, v->trying);
	say(s, "The packet waits for the attempt that is under way (%s). %s is being tried",
	    *v->sentence ? v->sentence : "it was asked for", v->trying ? v->trying : "A peer");
	if (i >= 0 && v->peers[i].resolving)
		say(s, ", and its name is being resolved");
	else if (i >= 0)
		say_answer_time(s, &v->peers[i]);
	say(s, ".");
	say_queue(s);
	if (v->n_held)
		say(s, " %u that called us meanwhile will be let in if the walk does not succeed.",
		    v->n_held);
}

static bool is_wanted(const struct entry_view *v)
{
	for (unsigned i = 0; i < v->n_lines; i++)
		if (v->lines[i].wanted)
			return true;
	return false;
}

static void explain_backoff(struct saying *s)
{
	const struct entry_view *v = s->v;

	goes(s, WAY_WAIT, v->next_peer);
	say(s, "The packet waits: %s. ", *v->sentence ? v->sentence : "no peer answered");
	say_time(s, "The next attempt is made in ", mono_diff_ms(v->backoff_until, s->now), "");
	say(s,
	    is_wanted(v) ? ", since a packet has asked for it" : ", if a packet asks until then");
	say(s, ", and begins at %s", v->next_peer ? v->next_peer : "the first peer");
	say_why_next(s);
	say(s, ".");
	say_rest(s, place(v, v->next_peer));
}

static void explain_waiting(struct saying *s, const char *what)
{
	goes(s, WAY_WAIT, s->v->next_peer);
	say(s, "No tunnel is up, and none can be set up now: %s. ", what);
	say(s, "A packet %s; when that is over, the attempt begins at %s",
	    is_wanted(s->v) ? "has asked already" : "is dropped",
	    s->v->next_peer ? s->v->next_peer : "the first peer");
	say_why_next(s);
	say(s, ".");
}

static void explain_down(struct saying *s)
{
	const struct entry_view *v = s->v;
	int i = place(v, v->next_peer);

	if (!v->engine_ready) {
		explain_waiting(s, "the IKE engine is not ready");
		return;
	}
	if (v->draining) {
		explain_waiting(s, "this gateway is drained (prefpeer drain stop ends that)");
		return;
	}
	if (!v->reachable) {
		explain_waiting(s, *v->no_way ? v->no_way : "no peer can be reached from here");
		return;
	}
	goes(s, WAY_ATTEMPT, v->next_peer);
	say(s, "No tunnel is up (%s). The next packet begins an attempt at %s",
	    *v->sentence ? v->sentence : "no packet has asked for it yet",
	    v->next_peer ? v->next_peer : "nobody");
	say_why_next(s);
	if (i >= 0)
		say_answer_time(s, &v->peers[i]);
	say(s, ".");
	say_rest(s, i);
}

/* There is nobody to choose from, and nothing to ask for. */
static void explain_manual(struct saying *s)
{
	if (s->v->state == ENTRY_UP) {
		goes(s, WAY_TUNNEL, s->v->current);
		say(s, "A packet goes to %s, by SAs with keys of the configuration: nobody asks whether the peer is there.",
		    s->v->current);
	} else {
		say(s, "A packet is dropped: %s.", s->v->sentence);
	}
}

void entry_explain(const struct entry_view *v, mono_t now, struct entry_explanation *out)
{
	struct saying s = { v, now, out };

	*out = (struct entry_explanation){ .way = WAY_BLOCK };
	if (v->is_template)
		explain_template(&s);
	else if (v->incomplete)
		explain_incomplete(&s);
	else if (v->manual)
		explain_manual(&s);
	else if (v->state == ENTRY_UP)
		explain_up(&s);
	else if (v->state == ENTRY_WALK)
		explain_walk(&s);
	else if (v->state == ENTRY_BACKOFF)
		explain_backoff(&s);
	else
		explain_down(&s);
}

const char *entry_way_name(enum entry_way w)
{
	static const char *const names[] = {
		[WAY_TUNNEL] = "tunnel",   [WAY_CHILD] = "child", [WAY_WALK] = "walk",
		[WAY_ATTEMPT] = "attempt", [WAY_WAIT] = "wait",	  [WAY_BLOCK] = "block",
		[WAY_CLEAR] = "clear",
	};

	return (unsigned)w <= WAY_CLEAR ? names[w] : "?";
}
