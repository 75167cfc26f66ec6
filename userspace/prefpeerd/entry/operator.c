/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the operator asks for: connect, clear, reset. */
#include <string.h>

#include "prefpeerd/entry/shell.h"

static int no_entry(const char **why)
{
	*why = "no such crypto map entry";
	return -ENOENT;
}

static const char *no_way(struct entries *s, const struct shell_entry *se)
{
	const struct core_entry *e = core_entry(&s->core, se->id);
	const struct core_peer *p = peer_find(e, peer_next(e));
	char why[CORE_TEXT_MAX] = "";
	struct addr local;

	if (!p || !s->ports.local_addr(s->ports.ctx, se->conf, &p->addr, &local, why, sizeof(why)))
		return "no local address towards any of its peers";
	snprintf(s->sentence, sizeof(s->sentence), "%s", why);
	return s->sentence;
}

int entries_connect(struct entries *s, const char *map, unsigned seq, mono_t now, const char **why)
{
	struct shell_entry *se = shell_find(s, map, seq);
	struct step t;
	int err;

	*why = "";
	if (!se)
		return no_entry(why);
	step_begin(&t, s, now);
	err = core_connect(&t.r, core_entry(&s->core, se->id));
	act_all(s);
	if (err == -EALREADY)
		*why = "the entry is up already";
	else if (err == -EINPROGRESS)
		*why = "a walk is under way already";
	else if (err == -ENETUNREACH)
		*why = s->core.ready ? no_way(s, se) : "the IKE engine is not ready";
	else if (err == -ENOENT)
		*why = "the entry has no line or no peer: nothing to connect";
	return err;
}

static bool chosen(const struct shell_entry *se, const char *map, unsigned seq)
{
	return (!map || !strcmp(se->map, map)) && (!seq || se->seq == seq);
}

static bool conn_fits(const struct entries *s, const struct core_entry *e,
		      const struct entry_choice *c)
{
	const struct core_conn *k = core_conn(&s->core, e->conn ? e->conn : e->at.conn);

	if (c->established && e->state != ENTRY_UP)
		return false;
	return (!addr_is_set(&c->peer) || (k && addr_equal(&k->peer, &c->peer))) &&
	       (!addr_is_set(&c->local) || (k && addr_equal(&k->local, &c->local))) &&
	       (!c->conn || (k && k->id == c->conn));
}

int entries_clear_chosen(struct entries *s, const struct entry_choice *c, mono_t now,
			 const char **why)
{
	enum engine_close how = c->quiet ? CLOSE_QUIET : CLOSE_DELETE;
	unsigned n = 0;
	struct step t;

	*why = "";
	step_begin(&t, s, now);
	for (unsigned i = 0; i < s->n_list; i++) {
		struct core_entry *e = core_entry(&s->core, s->list[i]->id);

		if (!chosen(s->list[i], c->map, c->seq) || !conn_fits(s, e, c))
			continue;
		core_clear_session_by(&t.r, e, REASON_CLEAR_SESSION, how);
		n++;
	}
	act_all(s);
	if (n)
		return 0;
	if (addr_is_set(&c->peer))
		*why = "no entry holds SAs to that peer";
	else if (c->conn)
		*why = "there is no IKE SA of that number";
	else if (addr_is_set(&c->local) || c->established)
		*why = "no entry holds SAs that are meant";
	else
		*why = "no such crypto map entry";
	return -ENOENT;
}

int entries_clear_session(struct entries *s, const char *map, unsigned seq, const struct addr *peer,
			  mono_t now, const char **why)
{
	struct entry_choice c = {.map = map, .seq = seq};

	if (peer)
		c.peer = *peer;
	return entries_clear_chosen(s, &c, now, why);
}

int entries_clear_sa(struct entries *s, const char *map, unsigned seq, const struct addr *peer,
		     uint32_t spi, mono_t now, const char **why)
{
	bool all = !spi && (!peer || !addr_is_set(peer));
	unsigned n = 0, went = 0;
	struct step t;

	*why = "";
	step_begin(&t, s, now);
	for (unsigned i = 0; i < s->n_list; i++) {
		if (!chosen(s->list[i], map, seq))
			continue;
		n++;
		went += core_clear_sa(&t.r, core_entry(&s->core, s->list[i]->id), peer, spi);
	}
	act_all(s);
	if (n && (went || all))
		return 0;
	*why = !n ? "no such crypto map entry" : spi ? "no SA with that SPI" : "no SA to that peer";
	return -ENOENT;
}

int entries_map_reset(struct entries *s, const char *map, unsigned seq, mono_t now,
		      const char **why)
{
	struct shell_entry *se = shell_find(s, map, seq);
	struct step t;

	*why = "";
	if (!se)
		return no_entry(why);
	step_begin(&t, s, now);
	core_clear_session(&t.r, core_entry(&s->core, se->id), REASON_RESET);
	act_all(s);
	return 0;
}
