/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of the engine and the kernel, and the operator, brought to the core. */
#include "lib/log.h"
#include "prefpeerd/entry/manual.h"

static struct core_pair pair_of(const struct engine_pair *p)
{
	return (struct core_pair){.local = p->local,
				  .peer = p->peer,
				  .kind = {suite_is_ah(&p->suite), p->transport},
				  .spi_in = p->spi_in,
				  .spi_out = p->spi_out,
				  .sel = p->sel};
}

static uint32_t conn_rtt(struct entries *s, conn_id id)
{
	const struct engine_ops *ops = s->ports.engine->ops;
	struct engine_conn_info info = {0};

	return ops->conn_info(s->ports.engine->impl, id, &info) ? 0 : info.rtt_us;
}

/* The module counts one-way from here on (kernel.md §13); the core resolves holds. */
static void on_heard(struct step *t, const struct engine_event *ev)
{
	const struct kernel_peer_key key = {ev->pair.local, ev->pair.peer, ev->pair.encap_port};
	mono_t when = mono_is_set(ev->when) ? ev->when : t->s->now;

	if (addr_is_set(&key.peer))
		act_heard(t->s, &key, when);
	core_conn_heard(&t->r, ev->conn, when, conn_rtt(t->s, ev->conn));
}

static enum traffic traffic_before(const struct entries *s, mono_t last_use)
{
	return mono_diff_ms(s->now, last_use) < TRAFFIC_RECENT_MS ? TRAFFIC_RECENT : TRAFFIC_NONE;
}

static enum traffic traffic_of(struct entries *s, const struct core_child *ch)
{
	struct kernel_pair_reading p;
	int64_t idle = ch ? act_pair_idle_ms(s, ch, &p) : -1;

	return idle < 0 || idle < TRAFFIC_RECENT_MS ? TRAFFIC_RECENT : TRAFFIC_NONE;
}

static void on_child_down(struct step *t, const struct engine_event *ev)
{
	struct core_child *ch;
	enum traffic traffic;

	core_child_entry(&t->s->core, ev->child, &ch);
	traffic = mono_is_set(ev->last_use) ? traffic_before(t->s, ev->last_use)
					    : traffic_of(t->s, ch);
	core_child_down(&t->r, ev->conn, ev->child, ev->why, traffic);
}

static bool idle_past_dpd(void *ctx, const struct core_entry *e)
{
	const struct core_peer *p = peer_find(e, e->c);
	uint32_t interval = p && p->interval_ms ? p->interval_ms : e->interval_ms;
	struct entries *s = ctx;
	bool any = false;

	for (unsigned i = 0; i < e->n_children; i++) {
		struct kernel_pair_reading reading;
		int64_t idle;

		if (e->children[i].state != CHILD_LIVE)
			continue;
		idle = act_pair_idle_ms(s, &e->children[i], &reading);
		if (idle < 0 || !interval || idle < interval)
			return false;
		any = true;
	}
	return any;
}

static void on_inbound(struct step *t, const struct engine_event *ev)
{
	struct core_inbound in = {
		.inbound = ev->inbound,
		.conn = ev->conn,
		.remote = ev->remote,
		.from = ev->peer.addr,
		.local = ev->local,
		.single_flow = ev->single_flow,
		.offered = ev->offered,
		.n_offered = ev->n_offered,
		.idle = idle_past_dpd,
	};

	if (t->s->conf && t->s->core.ready && !core_inbound_listed(&t->s->core, &in))
		in.entry = branch_call(t, &in, &ev->peer_id);
	core_inbound(&t->r, &in);
}

/* The dead peer's last sign, for the gap and `map show`: its packets count too. */
static void note_last_sign(struct entries *s, conn_id id)
{
	const struct kernel *k = s->ports.kernel;
	const struct core_conn *conn = core_conn(&s->core, id);
	struct kernel_peer_reading r = {0};

	if (!conn)
		return;
	for (unsigned i = 0; i < s->core.n_entries; i++) {
		struct core_entry *e = s->core.entries[i];
		struct core_peer *p = peer_by_remote(e, conn->remote, &conn->peer);
		const struct kernel_peer_key key = {conn->local, conn->peer, 0};

		if (p && conn_used_by(e, id) && !k->ops->peer_read(k->impl, &key, &r))
			p->heard = mono_max(p->heard, r.last_in);
	}
}

/* The SPIs are as `show` and the peer's log have them. */
static void on_rekeyed(struct step *t, const struct engine_event *ev)
{
	const uint8_t *i = ev->info.spi_i, *r = ev->info.spi_r;
	char text[CORE_TEXT_MAX];

	snprintf(text, sizeof(text),
		 "IKE SA %s: SPI %02x%02x%02x%02x%02x%02x%02x%02x / %02x%02x%02x%02x%02x%02x%02x%02x",
		 ev->text, i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], r[0], r[1], r[2], r[3],
		 r[4], r[5], r[6], r[7]);
	core_conn_rekeyed(&t->r, ev->conn, text);
}

static void on_down(struct step *t, const struct engine_event *ev)
{
	const struct cause c = {
		.text = ev->text, .unanswered = ev->unanswered, .silent_ms = ev->silent_ms};

	note_last_sign(t->s, ev->conn);
	core_conn_down(&t->r, ev->conn, ev->why, &c);
}

void entries_engine_event(void *ctx, const struct engine_event *ev, mono_t now)
{
	struct core_pair pair = pair_of(&ev->pair);
	struct entries *s = ctx;
	struct step t;

	step_begin(&t, s, now);
	switch (ev->type) {
	case ENG_READY:
		if (s->conf)
			act_settings_put(s);
		act_remotes_put(s);
		core_ready(&t.r, true);
		break;
	case ENG_LOST:
		core_ready(&t.r, false);
		break;
	case ENG_ANSWERED:
		core_conn_answered(&t.r, ev->conn, conn_rtt(s, ev->conn));
		break;
	case ENG_REMARK:
		core_conn_remark(&t.r, ev->conn, ev->why, ev->text);
		break;
	case ENG_UP:
		core_conn_up(&t.r, ev->conn, ev->info.rtt_us);
		break;
	case ENG_REKEYED:
		on_rekeyed(&t, ev);
		break;
	case ENG_CHILD_UP:
		core_child_up(&t.r, ev->conn, ev->child, &pair);
		act_line_kind(s, ev->child);
		verdict_ask(s, ev->child);
		break;
	case ENG_CHILD_FAILED:
		core_child_failed(&t.r, ev->conn, ev->child, ev->why, ev->text);
		break;
	case ENG_CHILD_REKEYED:
		core_child_rekeyed(&t.r, ev->conn, ev->child, &pair);
		act_line_kind(s, ev->child);
		break;
	case ENG_CHILD_DOWN:
		on_child_down(&t, ev);
		break;
	case ENG_DOWN:
		on_down(&t, ev);
		break;
	case ENG_HEARD:
		on_heard(&t, ev);
		break;
	case ENG_INBOUND:
		on_inbound(&t, ev);
		break;
	case ENG_INBOUND_GONE:
		core_inbound_gone(&t.r, ev->inbound);
		break;
	}
	verdicts_release(&t);
	act_all(s);
}

/* Those of the line, where the packet is a fragment and has none. */
static void lend_ports(struct selector *flow, const struct selector *line)
{
	struct selector hosts = *line;

	hosts.src = flow->src;
	hosts.dst = flow->dst;
	if (!selector_contains(line, flow) && selector_contains(line, &hosts))
		*flow = hosts;
}

static void on_acquire(struct step *t, const struct kernel_event *ev)
{
	struct core_acquire a = {.flow = ev->flow, .src = ev->tmpl_src, .dst = ev->tmpl_dst};
	struct core_entry *e;
	struct core_line *l = shell_line(t->s, ev->reqid, &e);
	const struct core_child *ch;

	if (manual_acquire(t->s, ev->reqid))
		return;
	if (!l || l->blocked) {
		log_info("entry", "acquire for reqid 0x%08x, which no line has", ev->reqid);
		return;
	}
	if (l->per_host)
		lend_ports(&a.flow, &l->sel);
	/* A fragment has no ports, and its line may have some: then any child of it will do. */
	a.has_flow = addr_is_set(&ev->flow.dst.addr) && selector_contains(&l->sel, &a.flow);
	ch = line_covering(e, l, a.has_flow ? &a.flow : NULL);
	a.sa_there = ch && act_sa_there(t->s, ch);
	core_acquire(&t->r, e, l, &a);
}

/* The child of an SA by address and SPI. An OLD one's outbound SA is gone on purpose. */
static struct core_entry *child_of_sa(struct entries *s, const struct kernel_sa_id *id,
				      struct core_child **out)
{
	for (unsigned i = 0; i < s->core.n_entries; i++) {
		struct core_entry *e = s->core.entries[i];

		for (unsigned j = 0; j < e->n_children; j++) {
			struct core_child *ch = &e->children[j];
			bool proto = id->proto == (ch->kind.ah ? IPPROTO_AH : IPPROTO_ESP);
			bool in = ch->spi_in == id->spi && addr_equal(&ch->local, &id->dst);
			bool outbound = ch->spi_out == id->spi && addr_equal(&ch->remote, &id->dst);

			if (proto && (in || (outbound && ch->state != CHILD_OLD))) {
				*out = ch;
				return e;
			}
		}
	}
	return NULL;
}

static void on_expire(struct step *t, const struct kernel_event *ev)
{
	struct core_child *ch = NULL;
	struct core_entry *e = ev->hard && ev->sa.spi ? child_of_sa(t->s, &ev->sa, &ch) : NULL;

	if (e)
		core_child_expired(&t->r, e, ch->id, traffic_of(t->s, ch));
}

static void on_sa_gone(struct step *t, const struct kernel_event *ev)
{
	struct core_child *ch = NULL;
	struct core_entry *e = ev->sa.spi ? child_of_sa(t->s, &ev->sa, &ch) : NULL;

	if (manual_sa_gone(t->s, &ev->sa))
		return;
	if (e && ch->state == CHILD_LIVE)
		core_child_lost(&t->r, e, ch->id);
}

/* On-demand DPD: traffic went unanswered for W (§3.2). */
static void on_one_way(struct step *t, const struct kernel_event *ev)
{
	for (unsigned i = 0; i < t->s->core.n_conns; i++) {
		const struct core_conn *k = &t->s->core.conns[i];

		if (k->state == CONN_UP && addr_equal(&k->local, &ev->peer.local) &&
		    addr_equal(&k->peer, &ev->peer.peer))
			act_probe(t->s, k->id);
	}
}

void entries_kernel_event(void *ctx, const struct kernel_event *ev, mono_t now)
{
	struct entries *s = ctx;
	struct step t;

	step_begin(&t, s, now);
	switch (ev->type) {
	case KEV_ACQUIRE:
		on_acquire(&t, ev);
		break;
	case KEV_EXPIRE:
		on_expire(&t, ev);
		break;
	case KEV_SA_GONE:
		on_sa_gone(&t, ev);
		break;
	case KEV_PAIR_IDLE:
		verdict_take(&t, &ev->pair, ev->last_use);
		break;
	case KEV_PEER_ONE_WAY:
		on_one_way(&t, ev);
		break;
	case KEV_OVERRUN:
		takeover_resync(s);
		break;
	case KEV_MODULE_UP:
	case KEV_MODULE_DOWN:
		act_rules_put(s);
		break;
	case KEV_MAPPING: /* the engine's */
		break;
	}
	act_all(s);
}

void entries_local_changed(struct entries *s, mono_t now)
{
	struct step t;

	step_begin(&t, s, now);
	core_local_changed(&t.r);
	manuals_local_changed(s);
	act_all(s);
}

void entries_interfaces_left(struct entries *s, mono_t now)
{
	struct step t;

	step_begin(&t, s, now);
	core_interfaces_left(&t.r);
	manuals_local_changed(s);
	act_all(s);
}

void entries_resumed(struct entries *s, mono_t now)
{
	const struct engine *engine = s->ports.engine;
	struct step t;

	if (!(engine->caps & ENGINE_CAP_PROBE))
		return;
	step_begin(&t, s, now);
	if (engine->ops->resumed)
		engine->ops->resumed(engine->impl);
	core_resumed(&t.r);
	act_all(s);
}

void entries_stop(struct entries *s, mono_t now)
{
	struct step t;

	step_begin(&t, s, now);
	core_stop(&t.r);
	act_all(s);
}
