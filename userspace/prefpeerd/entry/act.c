/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever changes something through the ports of engine and kernel: the actions
 * of the core first of all. The other files only read there (takeover.c the SAD,
 * events.c and view.c clocks and counters).
 */
#include "lib/log.h"
#include "prefpeerd/entry/mem.h"
#include "prefpeerd/entry/shell.h"

#define KERNEL(s) ((s)->ports.kernel->ops)
#define KIMPL(s) ((s)->ports.kernel->impl)
#define ENGINE(s) ((s)->ports.engine->ops)
#define EIMPL(s) ((s)->ports.engine->impl)

int act_local(struct entries *s, const struct map_entry *m, const struct addr *peer,
	      struct addr *out, char *why)
{
	char text[CORE_TEXT_MAX] = "";
	int err = s->ports.local_addr(s->ports.ctx, m, peer, out, text, sizeof(text));

	if (err && s->ports.local_failed)
		s->ports.local_failed(s->ports.ctx, m, text);
	if (err && why)
		strcpy(why, text);
	return err;
}

static int env_local(void *ctx, const struct core_entry *e, const struct core_peer *p,
		     struct addr *out, char *why)
{
	struct entries *s = ctx;
	const struct shell_entry *se = shell_entry(s, e->id);

	return se ? act_local(s, se->conf, &p->addr, out, why) : -ENOENT;
}

static uint32_t env_random(void *ctx)
{
	struct entries *s = ctx;

	return s->ports.random(s->ports.ctx);
}

struct core_env shell_env(struct entries *s)
{
	return (struct core_env){.now = s->now, .local = env_local, .random = env_random, .ctx = s};
}

void step_begin(struct step *t, struct entries *s, mono_t now)
{
	s->now = now;
	t->s = s;
	t->env = shell_env(s);
	t->r = (struct run){&s->core, &t->env, &s->out};
}

static void failed(struct entries *s, conn_id conn, child_id child, int err)
{
	if (err >= 0)
		return;
	MEM_ROOM(s->failed, s->n_failed, s->cap_failed);
	s->failed[s->n_failed++] = (struct shell_failure){.conn = conn, .child = child, .err = err};
}

/* What the configuration says of an entry's SAs. */
static void fill_settings(const struct entries *s, const struct map_entry *m,
			  struct engine_child *out)
{
	out->pfs = m->pfs;
	out->lifetime_s = m->lifetime_s ? m->lifetime_s : s->conf->child_lifetime_s;
	out->lifetime_kb = conf_entry_lifetime_kb(s->conf, m);
	out->replay = conf_entry_replay(s->conf, m);
	out->clear_df = conf_entry_df(s->conf, m) == DF_CLEAR;
	out->no_ecn = conf_entry_ecn(s->conf, m) == ECN_DISCARD;
	out->mode = m->n_sets ? m->sets[0]->mode : SA_MODE_TUNNEL;
	for (unsigned i = 0; i < m->n_sets && i < SUITE_MAX; i++)
		out->suites[out->n_suites++] = m->sets[i]->suite;
}

/* Of pairs that are there: for those that take their place. */
void act_children_change(struct entries *s, const struct core_entry *e, const struct map_entry *m)
{
	struct engine_child want = {0};

	if (!ENGINE(s)->child_change)
		return;
	fill_settings(s, m, &want);
	for (unsigned i = 0; i < e->n_children; i++)
		ENGINE(s)->child_change(EIMPL(s), e->children[i].conn, e->children[i].id, &want);
}

/* False: the line is gone (a reload), nothing can be asked for. */
static bool fill_child(struct entries *s, const struct core_action *a, struct engine_child *out)
{
	const struct shell_entry *se = shell_entry(s, a->entry);
	const struct core_entry *e = core_entry(&s->core, a->entry);
	const struct core_line *l = e ? core_line(e, a->reqid) : NULL;

	if (!se || !l)
		return false;
	*out = (struct engine_child){
		.id = a->child,
		.reqid = a->reqid,
		.sel = a->sel,
		.line_sel = l->sel,
		.has_flow = l->has_flow,
		.flow = l->flow,
	};
	fill_settings(s, se->conf, out);
	return true;
}

static void do_open(struct entries *s, const struct core_action *a)
{
	const struct engine_budget b = {a->answer_ms, a->finish_ms};
	struct engine_child child;
	int err = -ENOENT;

	if (fill_child(s, a, &child))
		err = ENGINE(s)->open(EIMPL(s), a->conn, a->remote, &a->local, &child, &b);
	failed(s, a->conn, 0, err);
	if (err == -EAGAIN)
		s->failed[s->n_failed - 1].busy = true;
}

static void do_child_open(struct entries *s, const struct core_action *a)
{
	struct engine_child child;
	int err = -ENOENT;

	if (fill_child(s, a, &child))
		err = ENGINE(s)->child_open(EIMPL(s), a->conn, &child);
	failed(s, a->conn, a->child, err);
}

/* -ENOENT, -EBUSY: it is going, and its end will be told. */
static void do_probe(struct entries *s, conn_id id)
{
	int err = ENGINE(s)->probe(EIMPL(s), id);

	if (!err || err == -ENOENT || err == -EBUSY)
		return;
	log_warn("entry", "conn %u cannot be probed: %s", id, strerror(-err));
	failed(s, id, 0, err);
	s->failed[s->n_failed - 1].probe = true;
}

static void do_inbound_reply(struct entries *s, const struct core_action *a)
{
	struct engine_verdict v = {.accept = a->accept, .keep_ike = a->keep_ike, .conn = a->conn};
	int err;

	if (v.accept && !fill_child(s, a, &v.child))
		v = (struct engine_verdict){.conn = a->conn};
	err = ENGINE(s)->inbound_reply(EIMPL(s), a->inbound, &v);
	if (a->accept && !v.accept)
		err = -ENOENT;
	if (a->accept)
		failed(s, a->conn, a->child, err);
}

static void do_point(struct entries *s, const struct core_action *a)
{
	struct spd_line *l = s->spd ? spd_line_by_reqid(s->spd, a->reqid) : NULL;
	char local[ADDR_STRLEN], peer[ADDR_STRLEN];
	int err;

	if (!l)
		return;
	err = s->ports.point(s->spd, l, &a->local, &a->peer, s->ports.kernel);
	if (!err)
		return;
	log_err("entry", "%s %u line %u: policy cannot name %s → %s: %s", l->map, l->seq,
		l->no, addr_print(&a->local, local, sizeof(local)),
		addr_print(&a->peer, peer, sizeof(peer)), strerror(-err));
	MEM_ROOM(s->failed, s->n_failed, s->cap_failed);
	s->failed[s->n_failed++] = (struct shell_failure){
		.entry = a->entry, .reqid = a->reqid, .err = err};
}

static void do_larval_kill(struct entries *s, const struct core_action *a)
{
	int err = KERNEL(s)->larval_kill(KIMPL(s), &a->local, &a->peer, a->reqid);

	if (err)
		log_warn("entry", "larval of reqid 0x%08x stays up to 30 s: %s", a->reqid,
			 strerror(-err));
}

static void do_resolve(struct entries *s, const struct core_action *a)
{
	const struct shell_entry *se = shell_entry(s, a->entry);
	const char *name = se ? shell_peer_name(se, a->key) : NULL;

	if (name)
		s->ports.resolve(s->ports.ctx, name, se->conf->map->family, a->query);
}

static struct addr peer_address(const struct core_entry *e, peer_key key)
{
	const struct core_peer *p = e ? peer_find(e, key) : NULL;

	return p ? p->addr : (struct addr){0};
}

static void do_notify(struct entries *s, const struct core_action *a)
{
	const struct shell_entry *se = shell_entry(s, a->entry);
	const struct core_note *n = &a->note;
	const struct cause *c = &n->cause;
	struct entry_ntf ntf;

	if (!se)
		return;
	say_note(se, n, s->sentence, sizeof(s->sentence));
	ntf = (struct entry_ntf){
		.type = n->type,
		.map = se->map,
		.seq = se->seq,
		.line = n->line,
		.from = n->from,
		.to = n->to,
		.from_peer = shell_peer_name(se, n->from_peer),
		.peer = shell_peer_name(se, n->peer),
		.peer_addr = peer_address(core_entry(&s->core, se->id), n->peer),
		.next = shell_peer_name(se, n->next),
		.reason = c->reason,
		.sentence = s->sentence,
		.when = s->now,
		.unanswered = c->unanswered,
		.silent_ms = c->silent_ms,
		.budget_ms = c->budget_ms,
		.idle_ms = c->idle_ms,
		.backoff_ms = c->backoff_ms,
		.spi_in = c->spi_in,
		.spi_out = c->spi_out,
		.gap_ms = n->gap_ms,
		.has_flow = c->has_flow,
		.flow = c->flow,
	};
	s->ports.notify(s->ports.ctx, &ntf);
}

static void act(struct entries *s, const struct core_action *a)
{
	switch (a->type) {
	case ACT_OPEN:
		do_open(s, a);
		break;
	case ACT_CHILD_OPEN:
		do_child_open(s, a);
		break;
	case ACT_CHILD_CLOSE:
		ENGINE(s)->child_close(EIMPL(s), a->conn, a->child, a->how);
		break;
	case ACT_CLOSE:
		failed(s, a->conn, 0, ENGINE(s)->close(EIMPL(s), a->conn, a->how));
		break;
	case ACT_PROBE:
		do_probe(s, a->conn);
		break;
	case ACT_INBOUND_REPLY:
		do_inbound_reply(s, a);
		break;
	case ACT_POINT:
		do_point(s, a);
		break;
	case ACT_LARVAL_KILL:
		do_larval_kill(s, a);
		break;
	case ACT_ORPHANS_OUT:
	case ACT_ORPHANS_ALL:
		takeover_drop(s, a->entry, a->type == ACT_ORPHANS_OUT);
		break;
	case ACT_RESOLVE:
		do_resolve(s, a);
		break;
	case ACT_NOTIFY:
		do_notify(s, a);
		break;
	}
}

static void feed_back(struct entries *s, const struct shell_failure *f)
{
	const struct cause c = {.text = strerror(-f->err)};
	struct step t;

	step_begin(&t, s, s->now);
	if (f->reqid)
		core_point_failed(&t.r, core_entry(&s->core, f->entry), f->reqid);
	else if (f->probe)
		core_probe_failed(&t.r, f->conn);
	else if (f->busy)
		core_conn_busy(&t.r, f->conn);
	else if (f->child)
		core_child_failed(&t.r, f->conn, f->child, WHY_LOCAL, c.text);
	else
		core_conn_down(&t.r, f->conn, WHY_LOCAL, &c);
	verdicts_release(&t);
}

static void on_timer(struct timer *t, mono_t now)
{
	struct shell_entry *se = timer_container(t, struct shell_entry, timer);
	struct entries *s = se->owner;
	struct core_entry *e = core_entry(&s->core, se->id);
	struct core_env env;
	struct run r = {&s->core, &env, &s->out};

	s->now = now;
	env = shell_env(s);
	if (e)
		core_tick(&r, e);
	act_all(s);
}

static void arm(struct entries *s)
{
	for (unsigned i = 0; i < s->n_list; i++) {
		struct shell_entry *se = s->list[i];
		const struct core_entry *e = core_entry(&s->core, se->id);
		mono_t at = e ? core_deadline(e) : MONO_NEVER;

		if (!se->timer.fn)
			timer_init(&se->timer, on_timer);
		if (timer_armed(&se->timer) ? se->timer.at.ns != at.ns : !mono_is_never(at))
			timer_set(s->ports.timers, &se->timer, at);
	}
}

void act_all(struct entries *s)
{
	while (s->out.n || s->n_failed) {
		struct core_out todo = s->out;

		s->out = (struct core_out){0};
		s->routes_known = false;
		for (unsigned i = 0; i < todo.n; i++)
			act(s, &todo.list[i]);
		free(todo.list);
		for (unsigned i = 0; i < s->n_failed; i++)
			feed_back(s, &s->failed[i]);
		s->n_failed = 0;
	}
	if (!s->configuring)
		branches_reap(s);
	if (!s->configuring)
		reverse_routes(s);
	arm(s);
}

static int by_key(const void *a, const void *b)
{
	const struct kernel_rule *x = a, *y = b;
	int c = addr_cmp(&x->peer, &y->peer);

	return c ? c : x->reqid < y->reqid ? -1 : x->reqid > y->reqid;
}

static int by_key_and_index(const void *a, const void *b)
{
	const struct kernel_rule *x = a, *y = b;
	int c = by_key(a, b);

	return c ? c : x->index < y->index ? -1 : x->index > y->index;
}

static bool equal_rule(const struct kernel_rule *a, const struct kernel_rule *b)
{
	return !strcmp(a->map, b->map) && a->seq == b->seq && a->index == b->index &&
	       a->is_default == b->is_default && a->idle_ms == b->idle_ms &&
	       a->one_way_ms == b->one_way_ms;
}

static const struct kernel_rule *find_rule(const struct kernel_rule *rules, unsigned n,
					   const struct kernel_rule *like)
{
	return n ? bsearch(like, rules, n, sizeof(*rules), by_key) : NULL;
}

/* Two names of one list that resolve alike: the earlier step is the one that counts (A20). */
static unsigned sort_rules(struct kernel_rule *rules, unsigned n)
{
	unsigned kept = 0;

	if (n)
		qsort(rules, n, sizeof(*rules), by_key_and_index);
	for (unsigned i = 0; i < n; i++)
		if (!kept || by_key(&rules[kept - 1], &rules[i]))
			rules[kept++] = rules[i];
	return kept;
}

static void put_rule(struct entries *s, const struct kernel_rule *rule)
{
	char peer[ADDR_STRLEN];
	int err = KERNEL(s)->rule_put(KIMPL(s), rule);

	if (err)
		log_err("entry", "%s %u: no idle timer or probe trigger for %s: rule refused: %s",
			rule->map, rule->seq, addr_print(&rule->peer, peer, sizeof(peer)),
			strerror(-err));
}

void act_rules_put(struct entries *s)
{
	for (unsigned i = 0; i < s->n_rules; i++)
		put_rule(s, &s->rules[i]);
}

void act_rules_replace(struct entries *s, struct kernel_rule *rules, unsigned n)
{
	n = sort_rules(rules, n);
	for (unsigned i = 0; i < n; i++) {
		const struct kernel_rule *old = find_rule(s->rules, s->n_rules, &rules[i]);

		if (!old || !equal_rule(old, &rules[i]))
			put_rule(s, &rules[i]);
	}
	for (unsigned i = 0; i < s->n_rules; i++)
		if (!find_rule(rules, n, &s->rules[i]))
			KERNEL(s)->rule_del(KIMPL(s), &s->rules[i]);
	free(s->rules);
	s->rules = rules;
	s->n_rules = n;
}

void act_settings_put(struct entries *s)
{
	struct engine_settings set = { .frag = s->conf->frag, .offer = s->conf->offer, .limits = s->conf->limits,
				       .local_offers = s->conf->local_offers,
				       .n_local_offers = s->conf->n_local_offers };

	if (ENGINE(s)->configure)
		ENGINE(s)->configure(EIMPL(s), &set);
}

void act_remotes_put(struct entries *s)
{
	char peer[ADDR_STRLEN];

	for (unsigned i = 0; i < s->n_remotes; i++) {
		const struct engine_remote *r = &s->remotes[i].r;
		int err = s->remotes[i].wanted ? ENGINE(s)->remote_set(EIMPL(s), r) : 0;

		if (err)
			log_err("entry", "peer %s: the engine refuses it: %s",
				addr_print(&r->peer, peer, sizeof(peer)), strerror(-err));
	}
}

void act_remotes_drop(struct entries *s)
{
	for (unsigned i = s->n_remotes; i-- > 0;) {
		if (s->remotes[i].wanted)
			continue;
		ENGINE(s)->remote_del(EIMPL(s), s->remotes[i].r.id);
		s->remotes[i] = s->remotes[--s->n_remotes];
	}
}

void act_heard(struct entries *s, const struct kernel_peer_key *key, mono_t when)
{
	KERNEL(s)->peer_heard(KIMPL(s), key, when);
}

void act_probe(struct entries *s, conn_id id)
{
	ENGINE(s)->probe(EIMPL(s), id);
}

struct kernel_sa_id act_sa_id(const struct core_child *ch, enum sa_dir dir)
{
	return (struct kernel_sa_id){
		.dst = dir == SA_DIR_IN ? ch->local : ch->remote,
		.spi = dir == SA_DIR_IN ? ch->spi_in : ch->spi_out,
		.proto = ch->kind.ah ? IPPROTO_AH : IPPROTO_ESP,
	};
}

void act_line_kind(struct entries *s, child_id id)
{
	struct core_child *ch;
	struct spd_line *l;
	int err;

	if (!s->spd || !core_child_entry(&s->core, id, &ch) || ch->state != CHILD_LIVE)
		return;
	l = spd_line_by_reqid(s->spd, ch->reqid);
	if (!l || sa_kind_equal(l->kind, ch->kind))
		return;
	log_notice("entry", "%s %u line %u is protected by %s", l->map, l->seq, l->no,
		   sa_kind_name(ch->kind));
	err = spd_line_kind(s->spd, l, ch->kind, s->ports.kernel);
	if (err)
		log_err("entry", "%s %u line %u: policy cannot ask for %s: %s", l->map, l->seq,
			l->no, sa_kind_name(ch->kind), strerror(-err));
}

bool act_sa_there(struct entries *s, const struct core_child *ch)
{
	const struct kernel_sa_id id = act_sa_id(ch, SA_DIR_OUT);
	struct kernel_sa_reading r = {0};

	return !KERNEL(s)->sa_read(KIMPL(s), &id, &r) && !r.larval;
}

int64_t act_pair_idle_ms(struct entries *s, const struct core_child *ch,
			 struct kernel_pair_reading *out)
{
	const struct kernel_pair_key key = {ch->local, ch->remote, ch->reqid};

	*out = (struct kernel_pair_reading){0};
	if (KERNEL(s)->pair_read(KIMPL(s), &key, out) || !mono_is_set(out->last_use))
		return -1;
	return mono_before(s->now, out->last_use) ? 0 : mono_diff_ms(s->now, out->last_use);
}

bool act_pair_packets(struct entries *s, const struct core_child *ch, uint64_t *out)
{
	const struct kernel_sa_id in = act_sa_id(ch, SA_DIR_IN);
	const struct kernel_sa_id outbound = act_sa_id(ch, SA_DIR_OUT);
	struct kernel_sa_reading r = {0};

	if (KERNEL(s)->sa_read(KIMPL(s), &in, &r))
		return false;
	*out = r.packets;
	r = (struct kernel_sa_reading){0};
	if (KERNEL(s)->sa_read(KIMPL(s), &outbound, &r))
		return false;
	*out += r.packets;
	return true;
}

void act_orphan_del(struct entries *s, const struct shell_orphan *o)
{
	int err = KERNEL(s)->sa_del(KIMPL(s), &o->id);

	if (err && err != -ESRCH)
		log_warn("entry", "orphan SA 0x%08x stays: %s", o->id.spi, strerror(-err));
}
