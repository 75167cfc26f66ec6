/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SAs of an earlier run (semantics.md A19): kept in use until the first child of
 * the new walk is up, or the walk fails. And the resynchronisation after lost
 * events (§12): an SA with our reqid and no SPI is an acquire; one that we
 * believe in and the kernel has not is lost.
 */
#include "lib/log.h"
#include "prefpeerd/entry/manual.h"
#include "prefpeerd/entry/mem.h"
#include "prefpeerd/entry/shell.h"

static bool ours(uint32_t reqid)
{
	return reqid >= REQID_FIRST && reqid <= REQID_LAST;
}

static int scan_one(void *ctx, const struct kernel_sa_entry *sa)
{
	struct entries *s = ctx;

	if (!ours(sa->r.reqid))
		return 0;
	if (sa->r.larval) {
		MEM_ROOM(s->larvals, s->n_larvals, s->cap_larvals);
		s->larvals[s->n_larvals++] = sa->r.reqid;
		return 0;
	}
	MEM_ROOM(s->orphans, s->n_orphans, s->cap_orphans);
	s->orphans[s->n_orphans++] = (struct shell_orphan){
		.id = sa->id,
		.src = sa->r.src,
		.reqid = sa->r.reqid,
		.kind = sa->kind,
		.add_time = sa->add_time,
	};
	return 0;
}

int takeover_scan(struct entries *s)
{
	int err;

	if (s->scanned)
		return 0;
	err = s->ports.kernel->ops->sa_dump(s->ports.kernel->impl, scan_one, s);
	s->scanned = !err;
	return err;
}

static bool lists(const struct map_entry *conf, const struct addr *a)
{
	for (unsigned i = 0; i < conf->n_peers; i++)
		if (!conf->peers[i].is_shut && addr_equal(&conf->peers[i].addr, a))
			return true;
	return false;
}

static bool has_name(const struct map_entry *conf)
{
	for (unsigned i = 0; i < conf->n_peers; i++)
		if (!conf->peers[i].is_shut && conf->peers[i].is_name)
			return true;
	return false;
}

/* Ours is the address that we would speak from to the other. */
static bool is_ours(struct entries *s, const struct map_entry *conf, const struct addr *us,
		    const struct addr *peer)
{
	struct addr local;

	return !act_local(s, conf, peer, &local, NULL) && addr_equal(&local, us);
}

/*
 * The peer's end of an orphan, of the two; NULL: it is no peer of that entry. What
 * a name resolved to in the earlier run is not known any more: any address then.
 */
static const struct addr *peer_end(struct entries *s, const struct map_entry *conf,
				   const struct shell_orphan *o)
{
	if (lists(conf, &o->id.dst))
		return &o->id.dst;
	if (lists(conf, &o->src))
		return &o->src;
	if (has_name(conf) && is_ours(s, conf, &o->src, &o->id.dst))
		return &o->id.dst;
	if (has_name(conf) && is_ours(s, conf, &o->id.dst, &o->src))
		return &o->src;
	return NULL;
}

static bool line_of(const struct spd *spd, uint32_t reqid, const struct map_entry *conf)
{
	const struct spd_line *l = spd_line_by_reqid(spd, reqid);

	return l && l->entry == conf && !l->blocked;
}

bool takeover_peer(struct entries *s, const struct map_entry *conf, const struct spd *spd,
		   struct addr *local, struct addr *peer)
{
	const struct shell_orphan *newest = NULL;

	for (unsigned i = 0; i < s->n_orphans; i++) {
		const struct shell_orphan *o = &s->orphans[i];

		if (!line_of(spd, o->reqid, conf) || peer_end(s, conf, o) != &o->id.dst ||
		    (newest && newest->add_time > o->add_time))
			continue;
		newest = o;
	}
	if (!newest)
		return false;
	*local = newest->src;
	*peer = newest->id.dst;
	return true;
}

bool takeover_kind(const struct entries *s, uint32_t reqid, struct sa_kind *out)
{
	const struct shell_orphan *newest = NULL;

	for (unsigned i = 0; i < s->n_orphans; i++)
		if (s->orphans[i].reqid == reqid &&
		    (!newest || newest->add_time < s->orphans[i].add_time))
			newest = &s->orphans[i];
	if (newest)
		*out = newest->kind;
	return newest;
}

/* Those of this entry, whichever listed peer they are of; how many. */
static unsigned claim(struct entries *s, const struct shell_entry *se, uint32_t *reqids)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_orphans; i++) {
		struct shell_orphan *o = &s->orphans[i];
		const struct addr *end = peer_end(s, se->conf, o);

		if (o->entry || !line_of(s->spd, o->reqid, se->conf) || !end)
			continue;
		o->entry = se->id;
		o->outbound = end == &o->id.dst;
		reqids[n++] = o->reqid;
	}
	return n;
}

/* Of an address that no peer has: the first name's, until that is resolved anew. */
static const struct core_peer *peer_of(struct core_entry *e, const struct addr *addr)
{
	const struct core_peer *known = peer_by_remote(e, 0, addr);

	for (unsigned i = 0; !known && i < e->n_peers; i++)
		if (e->peers[i].is_name && !addr_is_set(&e->peers[i].addr)) {
			e->peers[i].addr = *addr;
			known = &e->peers[i];
		}
	return known;
}

static void adopt(struct entries *s, const struct shell_entry *se, struct run *r)
{
	uint32_t *reqids = mem_zero(s->n_orphans, sizeof(*reqids));
	struct core_entry *e = core_entry(&s->core, se->id);
	unsigned n = claim(s, se, reqids);
	struct addr local, addr;

	/* Of hosts that nobody here knows; their next packets ask anew. */
	if (n && !se->conf->per_host && takeover_peer(s, se->conf, s->spd, &local, &addr)) {
		const struct core_peer *p = peer_of(e, &addr);

		log_notice("entry",
			   "%s %u: %u SAs of an earlier run found, kept until new ones are up",
			   se->map, se->seq, n);
		if (p)
			core_orphans(r, e, p->key, reqids, n);
	}
	if (!e->orphans)
		takeover_drop(s, se->id, false);
	free(reqids);
}

static void adopt_larvals(struct entries *s, struct run *r)
{
	for (unsigned i = 0; i < s->n_larvals; i++) {
		struct core_entry *e;
		struct core_line *l = shell_line(s, s->larvals[i], &e);
		struct core_acquire a = {0};

		if (!l || l->blocked)
			continue;
		a.src = l->local;
		a.dst = l->peer;
		core_acquire(r, e, l, &a);
	}
	s->n_larvals = 0;
}

void takeover_adopt(struct entries *s)
{
	const struct core_env env = shell_env(s);
	struct run r = {&s->core, &env, &s->out};

	for (unsigned i = 0; i < s->n_list; i++)
		adopt(s, s->list[i], &r);
	adopt_larvals(s, &r);
	/* What nobody claimed has no line any more, or a peer that is not listed. */
	takeover_drop(s, 0, false);
}

void takeover_drop(struct entries *s, uint32_t entry, bool outbound_only)
{
	for (unsigned i = s->n_orphans; i-- > 0;) {
		const struct shell_orphan o = s->orphans[i];

		if (o.entry != entry || (outbound_only && !o.outbound))
			continue;
		act_orphan_del(s, &o);
		s->orphans[i] = s->orphans[--s->n_orphans];
	}
}

struct resync {
	struct entries *s;
	struct kernel_sa_entry *list;
	unsigned n, cap;
};

static int resync_one(void *ctx, const struct kernel_sa_entry *sa)
{
	struct resync *x = ctx;

	if (ours(sa->r.reqid)) {
		MEM_ROOM(x->list, x->n, x->cap);
		x->list[x->n++] = *sa;
	}
	return 0;
}

static bool has_sa(const struct resync *x, const struct kernel_sa_id *id)
{
	for (unsigned i = 0; i < x->n; i++)
		if (x->list[i].id.spi == id->spi && x->list[i].id.proto == id->proto &&
		    addr_equal(&x->list[i].id.dst, &id->dst))
			return true;
	return false;
}

static void resync_entry(const struct resync *x, struct core_entry *e, struct run *r)
{
	for (unsigned i = e->n_children; i-- > 0;) {
		const struct core_child *ch = i < e->n_children ? &e->children[i] : NULL;
		struct kernel_sa_id in, out;

		if (!ch || ch->state != CHILD_LIVE)
			continue;
		in = act_sa_id(ch, SA_DIR_IN);
		out = act_sa_id(ch, SA_DIR_OUT);
		if (!has_sa(x, &out) || !has_sa(x, &in))
			core_child_lost(r, e, ch->id);
	}
}

/* A verdict may have been among what was lost. The poller's are not events: none is. */
static void resync_clocks(struct step *t, struct core_entry *e)
{
	const struct kernel *k = t->s->ports.kernel;

	for (unsigned i = e->n_children; k->ops->has_module(k->impl) && i-- > 0;) {
		const struct core_child *ch = i < e->n_children ? &e->children[i] : NULL;

		if (ch && ch->state == CHILD_LIVE)
			verdict_take(t, &(struct kernel_pair_key){ch->local, ch->remote, ch->reqid},
				     MONO_UNSET);
	}
}

void takeover_resync(struct entries *s)
{
	struct resync x = {.s = s};
	struct step t;
	int err = s->ports.kernel->ops->sa_dump(s->ports.kernel->impl, resync_one, &x);

	if (err)
		log_err("entry", "events were lost and the SAD cannot be read: %s", strerror(-err));
	step_begin(&t, s, s->now);
	for (unsigned i = 0; !err && i < s->core.n_entries; i++)
		resync_entry(&x, s->core.entries[i], &t.r);
	for (unsigned i = 0; i < s->core.n_entries; i++)
		resync_clocks(&t, s->core.entries[i]);
	for (unsigned i = 0; !err && i < x.n; i++) {
		struct core_acquire a = {
			.src = x.list[i].r.src, .dst = x.list[i].id.dst, .sa_there = true};
		struct core_entry *e;
		struct core_line *l = shell_line(s, x.list[i].r.reqid, &e);

		if (l && !l->blocked && x.list[i].r.larval)
			core_acquire(&t.r, e, l, &a);
	}
	free(x.list);
	if (!err)
		manuals_resync(s);
	act_all(s);
}
