/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the operator asks for: connect, switch, clear, reset. */
#include <string.h>

#include "prefpeerd/entry/manual.h"

static int no_entry(const char **why)
{
	*why = "no such crypto map entry";
	return -ENOENT;
}

static int is_manual(const char **why)
{
	*why = "a manual entry has one peer, and SAs that are always there";
	return -EOPNOTSUPP;
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
	if (manual_find(s, map, seq))
		return is_manual(why);
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
		*why = s->core.draining ? "this gateway is drained: prefpeer drain stop" :
		       s->core.ready	? no_way(s, se) :
					  "the IKE engine is not ready";
	else if (err == -ENOENT)
		*why = "the entry has no line or no peer: nothing to connect";
	return err;
}

/* As the operator may call it: an address that is known, or what the configuration says. */
static peer_key peer_named(const struct shell_entry *se, const struct core_entry *e,
			   const char *text)
{
	struct addr a = {0};

	addr_parse(text, &a);
	for (unsigned i = 0; i < e->n_peers; i++) {
		const char *name = shell_peer_name(se, e->peers[i].key);

		if ((name && !strcasecmp(name, text)) ||
		    (addr_is_set(&a) && addr_equal(&a, &e->peers[i].addr)))
			return e->peers[i].key;
	}
	return 0;
}

static const char *no_peer(struct entries *s, const struct shell_entry *se,
			   const struct core_entry *e, const char *text)
{
	size_t n = (size_t)snprintf(s->sentence, sizeof(s->sentence),
				    "%.80s is no peer of %s %u, which has:", text, se->map, se->seq);

	for (unsigned i = 0; i < e->n_peers && n < sizeof(s->sentence); i++)
		n += (size_t)snprintf(s->sentence + n, sizeof(s->sentence) - n, " %s",
				      shell_peer_name(se, e->peers[i].key));
	return s->sentence;
}

static const char *no_way_to(struct entries *s, const struct shell_entry *se,
			     const struct core_peer *p)
{
	struct addr local;

	if (!s->core.ready)
		return "the IKE engine is not ready";
	if (s->core.draining)
		return "this gateway is drained: prefpeer drain stop";
	if (!s->ports.local_addr(s->ports.ctx, se->conf, &p->addr, &local, s->sentence,
				 sizeof(s->sentence)))
		return "no local address towards that peer";
	return s->sentence;
}

int entries_switch(struct entries *s, const char *map, unsigned seq, const char *peer, mono_t now,
		   const char **why)
{
	struct shell_entry *se = shell_find(s, map, seq);
	struct core_entry *e;
	struct step t;
	peer_key to;
	int err;

	*why = "";
	if (manual_find(s, map, seq))
		return is_manual(why);
	if (!se)
		return no_entry(why);
	e = core_entry(&s->core, se->id);
	to = peer_named(se, e, peer);
	if (!to) {
		*why = no_peer(s, se, e, peer);
		return -ENOENT;
	}
	step_begin(&t, s, now);
	err = core_switch(&t.r, e, to);
	if (err == -ENETUNREACH)
		*why = no_way_to(s, se, peer_find(e, to));
	act_all(s);
	if (err == -EALREADY)
		*why = "the entry is up with that peer already";
	else if (err == -EINPROGRESS)
		*why = "that peer is being tried already";
	else if (err == -ENOENT)
		*why = e->temporary ? "a branch calls, it is never called" :
				      "the entry has no line: nothing to set up";
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
	/* They have no IKE SA. */
	if (!c->conn && !addr_is_set(&c->local))
		manuals_clear(s, c->map, c->seq, &c->peer, 0, REASON_CLEAR_SESSION, &n);
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
	went += manuals_clear(s, map, seq, peer, spi, REASON_CLEAR_SA, &n);
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
	if (manual_find(s, map, seq))
		return is_manual(why);
	if (!se)
		return no_entry(why);
	step_begin(&t, s, now);
	core_clear_session(&t.r, core_entry(&s->core, se->id), REASON_RESET);
	act_all(s);
	return 0;
}

void entries_drain(struct entries *s, bool on, mono_t now)
{
	struct step t;

	step_begin(&t, s, now);
	core_drain(&t.r, on);
	act_all(s);
}

bool entries_draining(const struct entries *s)
{
	return s->core.draining;
}

unsigned entries_up(const struct entries *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->core.n_entries; i++)
		n += s->core.entries[i]->state == ENTRY_UP;
	return n;
}

unsigned entries_drain_one(struct entries *s, mono_t now)
{
	struct step t;

	for (unsigned i = 0; i < s->core.n_entries; i++) {
		struct core_entry *e = s->core.entries[i];

		if (e->state != ENTRY_UP)
			continue;
		step_begin(&t, s, now);
		core_clear_session(&t.r, e, REASON_DRAIN);
		act_all(s);
		break;
	}
	return entries_up(s);
}
