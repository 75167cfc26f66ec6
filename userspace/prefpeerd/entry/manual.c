/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manual entries: what brings their SAs, takes them away, and tells of it. */
#include <stdarg.h>

#include "lib/log.h"
#include "prefpeerd/entry/manual.h"
#include "prefpeerd/entry/mem.h"

/* ---- who is who --------------------------------------------------------------- */

int manual_compare(const struct manual *m, const char *map, unsigned seq)
{
	int c = strcmp(m->map, map);

	return c ? c : (int)m->seq - (int)seq;
}

struct manual *manual_find(const struct entries *s, const char *map, unsigned seq)
{
	for (unsigned i = 0; i < s->n_manuals; i++)
		if (!manual_compare(s->manuals[i], map, seq))
			return s->manuals[i];
	return NULL;
}

static struct manual *by_reqid(const struct entries *s, uint32_t reqid)
{
	for (unsigned i = 0; i < s->n_manuals; i++)
		if (s->manuals[i]->line && s->manuals[i]->line->reqid == reqid)
			return s->manuals[i];
	return NULL;
}

/* ---- telling ------------------------------------------------------------------- */

static void tell(struct manual *m, enum entry_ntf_type type, enum entry_state from)
{
	bool up = m->state == ENTRY_UP;
	const struct entry_ntf n = {
		.type = type,
		.map = m->map,
		.seq = m->seq,
		.from = from,
		.to = m->state,
		.from_peer = from == ENTRY_UP ? m->peer : NULL,
		.peer = m->peer,
		.reason = m->reason,
		.sentence = m->sentence,
		.when = m->owner->now,
		.spi_in = up ? m->sas.in.id.spi : 0,
		.spi_out = up ? m->sas.out.id.spi : 0,
		.gap_ms = -1,
	};

	m->owner->ports.notify(m->owner->ports.ctx, &n);
}

/* Said once, however often it is tried again. */
static void become(struct manual *m, enum entry_state to, enum entry_reason reason,
		   const char *sentence)
{
	enum entry_state from = m->state;
	bool news = from != to || m->reason != reason || strcmp(m->sentence, sentence);

	if (!news)
		return;
	if (from != to || !mono_is_set(m->since))
		m->since = m->owner->now;
	m->state = to;
	m->reason = reason;
	snprintf(m->sentence, sizeof(m->sentence), "%s", sentence);
	if (from != to)
		tell(m, NTF_STATE, from);
	else if (reason != REASON_START)
		tell(m, NTF_NOTE, from);
}

/* ---- its SAs ---------------------------------------------------------------------- */

static void drop(struct manual *m)
{
	manual_sas_del(m->owner->ports.kernel, &m->sas, NULL);
	manual_sas_wipe(&m->sas);
}

static bool is_negotiated(const struct entries *s, const struct kernel_sa_id *id)
{
	for (unsigned i = 0; i < s->core.n_entries; i++)
		for (unsigned j = 0; j < s->core.entries[i]->n_children; j++) {
			const struct core_child *ch = &s->core.entries[i]->children[j];

			if ((ch->spi_in == id->spi && addr_equal(&ch->local, &id->dst)) ||
			    (ch->spi_out == id->spi && addr_equal(&ch->remote, &id->dst)))
				return true;
		}
	return false;
}

/* One with a reqid of ours that nobody uses is of an earlier run. */
static bool is_foreign(void *ctx, const struct kernel_sa_id *id, uint32_t reqid)
{
	return reqid < REQID_FIRST || reqid > REQID_LAST || is_negotiated(ctx, id);
}

static void refused(struct manual *m, const struct kernel_sa *sa, int err)
{
	char dst[ADDR_STRLEN], text[ENTRY_TEXT_MAX];

	addr_print(&sa->id.dst, dst, sizeof(dst));
	if (err == -EEXIST)
		snprintf(text, sizeof(text),
			 "another program's SA to %s has SPI %u: its packets are blocked until that is gone",
			 dst, sa->id.spi);
	else
		snprintf(text, sizeof(text), "the kernel refused the SA to %s with SPI %u: %s", dst,
			 sa->id.spi, strerror(-err));
	become(m, ENTRY_DOWN, err == -EEXIST ? REASON_SPI_TAKEN : REASON_LOST, text);
	timer_set(m->owner->ports.timers, &m->retry, mono_add_ms(m->owner->now, MANUAL_RETRY_MS));
}

static void point(struct manual *m, const struct addr *local, const struct addr *peer)
{
	struct entries *s = m->owner;
	struct spd_line *l = spd_line_by_reqid(s->spd, m->line->reqid);

	if (l && (!addr_equal(&l->local, local) || !addr_equal(&l->peer, peer)))
		s->ports.point(s->spd, l, local, peer, s->ports.kernel);
}

/* New ones are there before old ones go (§4.8). */
static void install(struct manual *m, const struct addr *local, enum entry_reason reason,
		    const char *sentence)
{
	const struct kernel *k = m->owner->ports.kernel;
	const struct kernel_sa *bad;
	struct manual_sas want;
	int err;

	manual_sas_build(m->conf, m->line, local, &want);
	err = manual_sas_put(k, &want, is_foreign, m->owner, &bad);
	if (err) {
		/* Neither old keys nor half of the new: what is configured, or nothing. */
		if (bad == &want.out)
			k->ops->sa_del(k->impl, &want.in.id);
		drop(m);
		refused(m, bad, err);
	} else {
		point(m, local, &m->conf->peers[0].addr);
		manual_sas_del(k, &m->sas, &want);
		m->sas = want;
		become(m, ENTRY_UP, reason, sentence);
	}
	manual_sas_wipe(&want);
}

/* Everything is as it should be, or is made so. */
static void look(struct manual *m, enum entry_reason reason, const char *sentence)
{
	char why[CORE_TEXT_MAX] = "";
	struct addr local;

	timer_cancel(m->owner->ports.timers, &m->retry);
	/* What its packets would take is gone too: its SAs stay, and count on, until there is
	 * an address again. */
	if (act_local(m->owner, m->conf, &m->conf->peers[0].addr, &local, why))
		become(m, ENTRY_DOWN,
		       m->state == ENTRY_UP ? REASON_LOCAL_GONE : REASON_NO_LOCAL, why);
	else
		install(m, &local, reason, sentence);
}

static bool is_active(const struct manual *m)
{
	return m->line && !m->line->blocked;
}

static void look_again(struct manual *m, enum entry_reason reason, const char *sentence)
{
	bool was_up = m->state == ENTRY_UP;

	if (is_active(m))
		look(m, was_up ? m->reason : reason, was_up ? m->sentence : sentence);
}

static void retry(struct timer *t, mono_t now)
{
	struct manual *m = timer_container(t, struct manual, retry);

	m->owner->now = now;
	look_again(m, REASON_MANUAL, "its SAs are installed");
}

/* ---- the configuration ----------------------------------------------------------------- */

void manual_prepare(struct entries *s, struct spd_line *l)
{
	const struct manual *m = manual_find(s, l->map, l->seq);

	if (m && m->sas.out.id.spi && m->line && m->line->reqid == l->reqid) {
		l->local = m->sas.out.src;
		l->peer = m->sas.out.id.dst;
	} else if (!act_local(s, l->entry, &l->entry->peers[0].addr, &l->local, NULL)) {
		l->peer = l->entry->peers[0].addr;
	} else {
		l->local = l->peer = (struct addr){ 0 };
	}
}

static void manual_free(struct manual *m)
{
	timer_cancel(m->owner->ports.timers, &m->retry);
	manual_sas_wipe(&m->sas);
	free(m);
}

void manuals_free(struct entries *s)
{
	for (unsigned i = 0; i < s->n_manuals; i++)
		manual_free(s->manuals[i]);
	free(s->manuals);
}

void manuals_remove(struct entries *s, const struct config *c)
{
	for (unsigned i = s->n_manuals; i-- > 0;) {
		struct manual *m = s->manuals[i];
		const struct map_entry *now = conf_find_entry(c, m->map, m->seq);

		if (now && now->manual)
			continue;
		drop(m);
		become(m, ENTRY_DOWN, REASON_CONFIG, "removed from the configuration");
		manual_free(m);
		memmove(&s->manuals[i], &s->manuals[i + 1],
			(--s->n_manuals - i) * sizeof(*s->manuals));
	}
}

static struct manual *manual_add(struct entries *s, const struct map_entry *conf)
{
	struct manual *m = mem_zero(1, sizeof(*m));
	unsigned at = 0;

	m->owner = s;
	m->seq = conf->seq;
	m->reason = REASON_START;
	m->since = s->now;
	snprintf(m->map, sizeof(m->map), "%s", conf->map->name);
	timer_init(&m->retry, retry);
	s->manuals = mem_resize(s->manuals, s->n_manuals + 1, sizeof(*s->manuals));
	while (at < s->n_manuals && manual_compare(s->manuals[at], m->map, m->seq) < 0)
		at++;
	memmove(&s->manuals[at + 1], &s->manuals[at],
		(s->n_manuals++ - at) * sizeof(*s->manuals));
	s->manuals[at] = m;
	return m;
}

/* The one line of the entry, if a policy stands for it. */
static const struct spd_line *take_line(const struct entries *s, const struct map_entry *conf,
					unsigned *at)
{
	const struct spd_line *mine = NULL;

	while (*at < s->spd->n_lines && s->spd->lines[*at]->of_branch)
		++*at;
	for (; *at < s->spd->n_lines && s->spd->lines[*at]->entry == conf; ++*at)
		mine = s->spd->lines[*at];
	return mine;
}

static const char *why_inactive(const struct entries *s, const struct manual *m)
{
	const char *why = conf_entry_inert(m->conf);

	if (!why)
		why = conf_entry_incomplete(s->conf, m->conf);
	return why ? why : "what its access list permits is another entry's already";
}

void manual_configure(struct entries *s, const struct map_entry *conf, unsigned *line)
{
	struct manual *m = manual_find(s, conf->map->name, conf->seq);
	bool changed = m && m->sas.out.id.spi;

	if (!m)
		m = manual_add(s, conf);
	m->conf = conf;
	m->line = take_line(s, conf, line);
	snprintf(m->peer, sizeof(m->peer), "%s", conf->n_peers ? conf->peers[0].text : "");
	if (!is_active(m)) {
		timer_cancel(s->ports.timers, &m->retry);
		drop(m);
		become(m, ENTRY_DOWN, m->state == ENTRY_UP ? REASON_CONFIG : REASON_START,
		       why_inactive(s, m));
		return;
	}
	if (changed && m->state == ENTRY_UP)
		look(m, m->reason, m->sentence);
	else
		look(m, REASON_MANUAL, "its SAs are installed");
}

void manuals_claim(struct entries *s)
{
	for (unsigned i = s->n_orphans; i-- > 0;)
		for (unsigned k = 0; k < s->n_manuals; k++)
			if (manual_sas_have(&s->manuals[k]->sas, &s->orphans[i].id)) {
				s->orphans[i] = s->orphans[--s->n_orphans];
				break;
			}
}

/* ---- what happens --------------------------------------------------------------------- */

/* All that is missing comes back; false: nothing was. */
static bool repair(struct manual *m, const char *what)
{
	const struct kernel *k = m->owner->ports.kernel;
	char text[ENTRY_TEXT_MAX];

	if (!is_active(m) || m->state != ENTRY_UP ||
	    (k->ops->sa_same(k->impl, &m->sas.in) == 1 &&
	     k->ops->sa_same(k->impl, &m->sas.out) == 1))
		return false;
	snprintf(text, sizeof(text), "%s; its SAs are installed again", what);
	/* The same may happen twice, and is said twice. */
	m->sentence[0] = '\0';
	look(m, REASON_LOST, text);
	return true;
}

bool manual_sa_gone(struct entries *s, const struct kernel_sa_id *id)
{
	for (unsigned i = 0; i < s->n_manuals; i++) {
		char text[CORE_TEXT_MAX];

		if (!manual_sas_have(&s->manuals[i]->sas, id))
			continue;
		snprintf(text, sizeof(text), "another program deleted the SA with SPI %u", id->spi);
		repair(s->manuals[i], text);
		return true;
	}
	return false;
}

bool manual_acquire(struct entries *s, uint32_t reqid)
{
	struct manual *m = by_reqid(s, reqid);

	if (m)
		repair(m, "a packet found no SA");
	return m;
}

void manuals_resync(struct entries *s)
{
	for (unsigned i = 0; i < s->n_manuals; i++)
		repair(s->manuals[i], "another program flushed the SAs");
}

void manuals_local_changed(struct entries *s)
{
	for (unsigned i = 0; i < s->n_manuals; i++)
		look_again(s->manuals[i], REASON_LOCAL_USABLE, "its SAs are installed");
}

static bool is_chosen(const struct manual *m, const char *map, unsigned seq,
		      const struct addr *peer)
{
	return (!map || !strcmp(m->map, map)) && (!seq || m->seq == seq) &&
	       (!peer || !addr_is_set(peer) ||
		(m->conf->n_peers && addr_equal(&m->conf->peers[0].addr, peer)));
}

unsigned manuals_clear(struct entries *s, const char *map, unsigned seq, const struct addr *peer,
		       uint32_t spi, enum entry_reason reason, unsigned *n_chosen)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_manuals; i++) {
		struct manual *m = s->manuals[i];

		if (!is_chosen(m, map, seq, peer))
			continue;
		++*n_chosen;
		if (!is_active(m) || !m->sas.out.id.spi ||
		    (spi && spi != m->sas.in.id.spi && spi != m->sas.out.id.spi))
			continue;
		drop(m);
		m->sentence[0] = '\0';
		look(m, reason, "cleared; its SAs are installed again");
		n++;
	}
	return n;
}
