/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prefpeerd/test/entry_branch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/log.h"
#include "prefpeerd/test/conf_help.h"

#define LARVAL_MS 30000

static const uint8_t secret[] = "secret";
static const char *const hub_addrs[] = { "10.1.1.1", "10.2.2.2", "10.3.3.3" };

static struct addr parsed(const char *text)
{
	struct addr a = { 0 };

	addr_parse(text, &a);
	return a;
}

static struct hub *hub_of(struct branch *b, const struct addr *a)
{
	for (unsigned i = 0; i < b->n_hubs; i++)
		if (addr_equal(&b->hubs[i].addr, a))
			return &b->hubs[i];
	return NULL;
}

/* ---- the branch's kernel --------------------------------------------------- */

static int count_sas(struct branch *b, int err)
{
	if (!b->most_sas || b->sas.n_sas < b->least_sas)
		b->least_sas = b->sas.n_sas;
	if (b->sas.n_sas > b->most_sas)
		b->most_sas = b->sas.n_sas;
	return err;
}

static int k_sa_add(void *impl, const struct kernel_sa *sa)
{
	struct branch *b = impl;

	/* An outbound SA takes the place of the larval with its addresses. */
	for (unsigned i = b->n_larvals; i-- > 0;)
		if (b->larvals[i].reqid == sa->reqid && addr_equal(&b->larvals[i].dst, &sa->id.dst))
			b->larvals[i] = b->larvals[--b->n_larvals];
	if (!b->sas.n_sas)
		b->last_use = b->clock.now;
	return count_sas(b, b->sas.port.ops->sa_add(&b->sas, sa));
}

static int k_sa_del(void *impl, const struct kernel_sa_id *id)
{
	struct branch *b = impl;

	for (unsigned i = 0; i < b->sas.n_sas && b->sa_gone; i++)
		if (b->sas.sas[i].id.spi == id->spi &&
		    addr_equal(&b->sas.sas[i].id.dst, &id->dst)) {
			const struct kernel_sa gone = b->sas.sas[i];
			uint64_t packets = b->sas.packets[i];
			int err = count_sas(b, b->sas.port.ops->sa_del(&b->sas, id));

			b->sa_gone(b->tell_ctx, &gone, packets);
			return err;
		}
	return count_sas(b, b->sas.port.ops->sa_del(&b->sas, id));
}

static int k_sa_read(void *impl, const struct kernel_sa_id *id, struct kernel_sa_reading *out)
{
	struct kernel *sas = &((struct branch *)impl)->sas.port;

	return sas->ops->sa_read(sas->impl, id, out);
}

static int k_sa_same(void *impl, const struct kernel_sa *sa)
{
	struct kernel *sas = &((struct branch *)impl)->sas.port;

	return sas->ops->sa_same(sas->impl, sa);
}

static int k_sa_dump(void *impl, kernel_sa_fn fn, void *ctx)
{
	struct branch *b = impl;

	for (unsigned i = 0; i < b->sas.n_sas; i++) {
		struct kernel_sa_entry e = { .id = b->sas.sas[i].id, .add_time = 1 };

		e.kind.ah = e.id.proto == IPPROTO_AH;
		e.kind.transport = b->sas.sas[i].transport;
		e.r.src = b->sas.sas[i].src;
		e.r.reqid = b->sas.sas[i].reqid;
		e.r.packets = b->sas.packets[i];
		e.r.bytes = 100 * b->sas.packets[i];
		fn(ctx, &e);
	}
	for (unsigned i = 0; i < b->n_larvals; i++) {
		struct kernel_sa_entry e = { .id.dst = b->larvals[i].dst };

		e.r.src = b->larvals[i].src;
		e.r.reqid = b->larvals[i].reqid;
		e.r.larval = true;
		fn(ctx, &e);
	}
	return 0;
}

static int k_larval_kill(void *impl, const struct addr *src, const struct addr *dst, uint32_t reqid)
{
	struct branch *b = impl;

	for (unsigned i = b->n_larvals; i-- > 0;)
		if (b->larvals[i].reqid == reqid && addr_equal(&b->larvals[i].dst, dst) &&
		    addr_equal(&b->larvals[i].src, src))
			b->larvals[i] = b->larvals[--b->n_larvals];
	return 0;
}

static int k_policy_put(void *impl, const struct kernel_policy *p)
{
	struct fake_spd *f = &((struct branch *)impl)->policies;

	return f->kernel.ops->policy_put(f, p);
}

static int k_policy_dump(void *impl, kernel_policy_fn fn, void *ctx)
{
	struct fake_spd *f = &((struct branch *)impl)->policies;

	return f->kernel.ops->policy_dump(f, fn, ctx);
}

static int k_policy_del(void *impl, const struct kernel_policy *p)
{
	struct fake_spd *f = &((struct branch *)impl)->policies;

	return f->kernel.ops->policy_del(f, p);
}

static int k_pair_read(void *impl, const struct kernel_pair_key *key,
		       struct kernel_pair_reading *out)
{
	struct branch *b = impl;

	if (!b->sas.n_sas)
		return -ENOENT;
	out->last_use = b->last_use;
	return 0;
}

static int k_peer_read(void *impl, const struct kernel_peer_key *key,
		       struct kernel_peer_reading *out)
{
	out->last_in = ((struct branch *)impl)->last_in;
	return 0;
}

static int k_peer_heard(void *impl, const struct kernel_peer_key *key, mono_t when)
{
	((struct branch *)impl)->first_unanswered = MONO_UNSET;
	return 0;
}

static int k_rule_put(void *impl, const struct kernel_rule *r)
{
	struct branch *b = impl;
	unsigned i = 0;

	while (i < b->n_rules && (b->rules[i].r.reqid != r->reqid ||
				  !addr_equal(&b->rules[i].r.peer, &r->peer)))
		i++;
	if (i == sizeof(b->rules) / sizeof(*b->rules))
		abort();
	b->n_rules += i == b->n_rules;
	b->rules[i].r = *r;
	b->n_rule_puts++;
	return 0;
}

static int k_rule_del(void *impl, const struct kernel_rule *r)
{
	struct branch *b = impl;

	for (unsigned i = b->n_rules; i-- > 0;)
		if (b->rules[i].r.reqid == r->reqid && addr_equal(&b->rules[i].r.peer, &r->peer))
			b->rules[i] = b->rules[--b->n_rules];
	return 0;
}

static bool has_module(void *impl)
{
	return true;
}

static const struct kernel_ops branch_ops = {
	.sa_add = k_sa_add, .sa_del = k_sa_del, .sa_read = k_sa_read,
	.sa_same = k_sa_same, .sa_dump = k_sa_dump,
	.larval_kill = k_larval_kill, .policy_put = k_policy_put, .policy_del = k_policy_del,
	.policy_dump = k_policy_dump, .has_module = has_module,
	.pair_read = k_pair_read, .peer_read = k_peer_read, .peer_heard = k_peer_heard,
	.rule_put = k_rule_put, .rule_del = k_rule_del,
};

/* ---- packets --------------------------------------------------------------- */

static const struct kernel_sa *out_sa(const struct branch *b, const struct spd_line *l)
{
	const struct kernel_sa *found = NULL;

	for (unsigned i = 0; i < b->sas.n_sas; i++)
		if (b->sas.sas[i].reqid == l->reqid &&
		    addr_equal(&b->sas.sas[i].id.dst, &l->peer) &&
		    addr_equal(&b->sas.sas[i].src, &l->local))
			found = &b->sas.sas[i];
	return found;
}

static void raise_acquire(struct branch *b, const struct spd_line *l)
{
	struct kernel_event ev = { .type = KEV_ACQUIRE, .when = b->clock.now, .reqid = l->reqid,
				   .flow = l->sel, .tmpl_src = l->local, .tmpl_dst = l->peer };
	struct addr src = l->sel.src.addr, dst = l->sel.dst.addr;

	for (unsigned i = b->n_larvals; i-- > 0;) {
		if (!mono_before(b->clock.now, b->larvals[i].until))
			b->larvals[i] = b->larvals[--b->n_larvals];
		else if (b->larvals[i].reqid == l->reqid &&
			 addr_equal(&b->larvals[i].dst, &l->peer))
			return;
	}
	b->larvals[b->n_larvals++] = (struct branch_larval){ l->local, l->peer, l->reqid,
							     mono_add_ms(b->clock.now, LARVAL_MS) };
	/* The host .10 of either network. */
	src.v4.s_addr |= l->sel.src.len < 32 ? htonl(10) : 0;
	dst.v4.s_addr |= l->sel.dst.len < 32 ? htonl(10) : 0;
	ev.flow.src = prefix_host(&src);
	ev.flow.dst = prefix_host(&dst);
	entries_kernel_event(b->entries, &ev, b->clock.now);
}

bool branch_send(struct branch *b, unsigned line)
{
	const struct spd_line *l = b->spd->lines[line];
	const struct kernel_sa *sa;
	struct hub *h;

	b->sent++;
	if (!addr_is_set(&l->peer))
		return false; /* block */
	sa = out_sa(b, l);
	if (!sa) {
		raise_acquire(b, l);
		return false;
	}
	b->last_use = b->clock.now;
	if (!mono_is_set(b->first_unanswered))
		b->first_unanswered = b->clock.now;
	h = hub_of(b, &l->peer);
	if (!h || h->cut || !fake_kernel_sa(&h->kernel, sa->id.spi))
		return false;
	b->last_in = b->clock.now;
	b->first_unanswered = MONO_UNSET;
	b->delivered++;
	return true;
}

/* ---- the module's verdicts -------------------------------------------------- */

static void judge(struct branch *b, struct branch_rule *rule)
{
	const struct kernel_sa *sa = NULL;
	struct kernel_event ev = { .when = b->clock.now, .last_use = b->last_use };

	for (unsigned i = 0; i < b->sas.n_sas; i++)
		if (b->sas.sas[i].reqid == rule->r.reqid &&
		    addr_equal(&b->sas.sas[i].id.dst, &rule->r.peer))
			sa = &b->sas.sas[i];
	if (!sa)
		return;
	ev.pair = (struct kernel_pair_key){ sa->src, sa->id.dst, rule->r.reqid };
	ev.peer = (struct kernel_peer_key){ sa->src, sa->id.dst, 0 };
	if (rule->r.one_way_ms && mono_is_set(b->first_unanswered) &&
	    mono_diff_ms(b->clock.now, b->first_unanswered) >= rule->r.one_way_ms) {
		ev.type = KEV_PEER_ONE_WAY;
		b->first_unanswered = b->clock.now;
		entries_kernel_event(b->entries, &ev, b->clock.now);
	}
	if (!rule->r.idle_ms || mono_diff_ms(b->clock.now, b->last_use) < rule->r.idle_ms) {
		rule->told = false;
	} else if (!rule->told) {
		rule->told = true;
		ev.type = KEV_PAIR_IDLE;
		entries_kernel_event(b->entries, &ev, b->clock.now);
	}
}

void branch_run_ms(struct branch *b, int64_t ms)
{
	while (ms > 0) {
		int64_t step = ms < 10 ? ms : 10;

		fake_clock_run_ms(&b->clock, step);
		ms -= step;
		for (unsigned i = 0; i < b->n_rules; i++)
			judge(b, &b->rules[i]);
	}
}

void branch_traffic_ms(struct branch *b, unsigned line, int64_t ms, int64_t every_ms)
{
	for (; ms > 0; ms -= every_ms) {
		branch_send(b, line);
		branch_run_ms(b, every_ms);
	}
}

/* ---- ports ------------------------------------------------------------------- */

static int local_addr(void *ctx, const struct map_entry *e, const struct addr *peer,
		      struct addr *out, char *why, size_t size)
{
	const struct branch *b = ctx;
	char text[ADDR_STRLEN];

	addr_print(peer, text, sizeof(text));
	if (b->no_route || (b->no_route_to && !strcmp(b->no_route_to, text))) {
		snprintf(why, size, "no route to %s", text);
		return -ENETUNREACH;
	}
	*out = parsed(b->local ? b->local : "10.0.0.2");
	return 0;
}

static void routes(void *ctx, const struct reverse_route *list, unsigned n)
{
	struct branch *b = ctx;

	b->n_routes_told++;
	b->n_routes = n;
	b->fewest_routes = n < b->fewest_routes ? n : b->fewest_routes;
	for (unsigned i = 0; i < n && i < 8; i++)
		b->routes[i] = list[i];
}

static void resolve(void *ctx, const char *name, sa_family_t family, uint32_t query)
{
	struct branch *b = ctx;

	snprintf(b->asked, sizeof(b->asked), "%s", name);
	b->query = query;
	b->n_asked++;
}

void branch_answer(struct branch *b, const char *addr)
{
	struct name_answer a = { .result = NAME_DENIED, .text = "there is no such name (NXDOMAIN)" };

	if (addr)
		a = (struct name_answer){ .result = NAME_ADDR, .addr = parsed(addr), .ttl_s = 60,
					  .trust = TRUST_SECURE };
	entries_answered(b->entries, b->query, &a, b->clock.now);
	branch_run_ms(b, 100);
}

static uint32_t half(void *ctx)
{
	return UINT32_MAX / 2;
}

static void notify(void *ctx, const struct entry_ntf *n)
{
	struct branch *b = ctx;
	struct branch_note *note;

	if (getenv("ENTRY_TEST_LOG"))
		printf("# %8.3f %s %s → %s %s | %s | next %s\n",
		       (double)(n->when.ns / 1000000 - 1000000) / 1000, entry_ntf_name(n->type),
		       entry_state_name(n->from), entry_state_name(n->to), n->peer ? n->peer : "-",
		       n->sentence, n->next ? n->next : "-");
	if (b->tell)
		b->tell(b->tell_ctx, n);
	if (b->n_log == BRANCH_LOG)
		abort();
	note = &b->log[b->n_log++];
	note->at = n->when;
	note->type = n->type;
	note->from = n->from;
	note->to = n->to;
	note->reason = n->reason;
	snprintf(note->peer, sizeof(note->peer), "%s", n->peer ? n->peer : "-");
	snprintf(note->next, sizeof(note->next), "%s", n->next ? n->next : "-");
	snprintf(note->sentence, sizeof(note->sentence), "%s", n->sentence);
}

/* ---- hubs ------------------------------------------------------------------- */

static void hub_event(void *ctx, const struct engine_event *ev, mono_t now)
{
	struct hub *h = ctx;
	struct engine_verdict v = { .accept = true };

	if (ev->type != ENG_INBOUND)
		return;
	v.conn = h->last_conn = ev->conn ? ev->conn : h->next_id;
	v.child = (struct engine_child){ .id = h->next_id, .reqid = 7, .sel = ev->offered[0],
					 .line_sel = ev->offered[0], .mode = h->mode };
	if (h->suite.integ) {
		v.child.suites[0] = h->suite;
		v.child.n_suites = 1;
	}
	h->last_child = h->next_id++;
	h->engine->ops->inbound_reply(h->engine->impl, ev->inbound, &v);
}

static void hub_start(struct branch *b, unsigned i)
{
	const struct engine_remote r = { .id = 1, .peer = parsed("10.0.0.2"), .psk = secret,
					 .psk_len = sizeof(secret) - 1 };
	struct hub *h = &b->hubs[i];
	struct ike_env env;

	h->addr = parsed(hub_addrs[i]);
	h->next_id = 1;
	fake_kernel_init(&h->kernel);
	env = (struct ike_env){ .timers = b->clock.timers, .kernel = h->kernel.port,
				.net = &mocknet_ops, .net_ctx = &b->net, .now = fake_clock_now,
				.now_ctx = &b->clock };
	h->engine = engine_ike_new(&env);
	mocknet_attach(&b->net, hub_addrs[i], h->engine);
	h->engine->ops->start(h->engine->impl, hub_event, h);
	h->engine->ops->remote_set(h->engine->impl, &r);
}

void branch_called(struct branch *b, unsigned hub, unsigned line)
{
	const struct selector sel = selector_reverse(&b->spd->lines[line]->sel);

	branch_called_for(b, hub, &sel);
}

void branch_called_for(struct branch *b, unsigned hub, const struct selector *sel)
{
	const struct engine_budget budget = { 12000, 12000 };
	struct hub *h = &b->hubs[hub];
	struct engine_child c = { .id = h->next_id++, .reqid = 9, .sel = *sel, .line_sel = *sel };

	h->last_conn = c.id;
	h->engine->ops->open(h->engine->impl, h->last_conn, 1, &h->addr, &c, &budget);
	branch_run_ms(b, 300);
}

static enum mock_fate cable(void *ctx, struct datagram *d)
{
	struct branch *b = ctx;
	const struct hub *from = hub_of(b, &d->src.addr), *to = hub_of(b, &d->dst.addr);

	return (from && from->cut) || (to && to->cut) ? MOCK_DROP : MOCK_PASS;
}

/* ---- configuration ------------------------------------------------------------ */

static uint32_t reqid_for(void *ctx, const char *map, unsigned seq, const struct selector *sel)
{
	return REQID_FIRST + seq * 256 + sel->dst.addr.bytes[2];
}

static uint32_t reqid_draw(void *ctx)
{
	struct branch *b = ctx;

	return REQID_FIRST + 50000 + b->reqids_drawn++;
}

static void reqid_release(void *ctx, uint32_t reqid)
{
	struct branch *b = ctx;

	b->reqids_released++;
}

static void configure(struct branch *b, const char *text)
{
	struct spd_env env = { .reqid_for = reqid_for };
	struct spd_branch *branches;
	struct parsed p = conf_help_parse(text);
	struct config *old = b->conf;
	struct spd *old_spd = b->spd;

	conf_help_valid(&p);
	b->conf = p.c;
	p.c = NULL;
	conf_help_free(&p);
	assert_int_equal(entries_branches(b->entries, b->conf, &branches, &env.n_branches), 0);
	env.branches = branches;
	b->spd = spd_compile(b->conf, &env);
	free(branches);
	entries_prepare(b->entries, b->conf, b->spd, b->clock.now);
	assert_int_equal(spd_apply(b->spd, old_spd, &b->kernel), 0);
	entries_configure(b->entries, b->conf, b->spd, b->clock.now);
	config_free(old);
	spd_free(old_spd);
}

void branch_reload(struct branch *b, const char *conf)
{
	configure(b, conf);
}

static void agent_start(struct branch *b, const char *conf)
{
	const struct ike_env env = { .timers = b->clock.timers, .kernel = b->kernel,
				     .net = &mocknet_ops, .net_ctx = &b->net,
				     .now = fake_clock_now, .now_ctx = &b->clock };
	struct entry_ports ports;

	b->engine = engine_ike_new(&env);
	mocknet_attach(&b->net, "10.0.0.2", b->engine);
	ports = (struct entry_ports){ .timers = &b->clock.timers, .engine = b->engine,
				      .kernel = &b->kernel, .point = spd_point,
				      .local_addr = local_addr, .resolve = resolve, .random = half,
				      .notify = notify,
				      .routes = routes, .branch_add = spd_branch_add, .branch_del = spd_branch_del,
				      .reqid_draw = reqid_draw, .reqid_release = reqid_release,
				      .ctx = b };
	b->entries = entries_new(&ports);
	configure(b, conf);
	b->engine->ops->start(b->engine->impl, entries_engine_event, b->entries);
	branch_run_ms(b, 10);
}

void branch_restart(struct branch *b, const char *conf)
{
	entries_free(b->entries);
	engine_ike_free(b->engine);
	b->net.n_hosts--; /* the branch was attached last */
	b->n_rules = 0; /* the port's first rule takes those of an earlier run away */
	agent_start(b, conf);
}

struct branch *branch_new(const char *conf, unsigned n_hubs)
{
	struct branch *b = calloc(1, sizeof(*b));

	log_init(getenv("ENTRY_TEST_LOG") ? LOG_LVL_DEBUG : LOG_LVL_ERR);
	b->n_hubs = n_hubs;
	fake_clock_init(&b->clock);
	fake_spd_init(&b->policies);
	mocknet_init(&b->net, &b->clock);
	b->net.filter = cable;
	b->net.filter_ctx = b;
	fake_kernel_init(&b->sas);
	b->ops = branch_ops;
	b->kernel = (struct kernel){ .ops = &b->ops, .impl = b };
	for (unsigned i = 0; i < n_hubs; i++)
		hub_start(b, i);
	agent_start(b, conf);
	return b;
}

void branch_free(struct branch *b)
{
	entries_free(b->entries);
	engine_ike_free(b->engine);
	for (unsigned i = 0; i < b->n_hubs; i++)
		engine_ike_free(b->hubs[i].engine);
	mocknet_fini(&b->net);
	fake_spd_fini(&b->policies);
	fake_clock_fini(&b->clock);
	config_free(b->conf);
	spd_free(b->spd);
	free(b);
}

struct entry_view branch_view(struct branch *b)
{
	struct entry_view v = { 0 };

	entries_view(b->entries, 0, b->clock.now, &v);
	return v;
}

const char *branch_state(struct branch *b)
{
	static char text[64];
	struct entry_view v = branch_view(b);

	snprintf(text, sizeof(text), "%s %s", entry_state_name(v.state),
		 v.trying ? v.trying : v.current);
	entry_view_free(&v);
	return text;
}

const struct branch_note *branch_last(const struct branch *b, enum entry_state to)
{
	for (unsigned i = b->n_log; i-- > 0;)
		if (b->log[i].type == NTF_STATE && b->log[i].to == to)
			return &b->log[i];
	return NULL;
}

unsigned branch_tried(const struct branch *b, const char *peer, unsigned since)
{
	unsigned n = 0;

	for (unsigned i = since; i < b->n_log; i++)
		n += b->log[i].type == NTF_STATE && b->log[i].to == ENTRY_WALK &&
		     !strcmp(b->log[i].peer, peer);
	return n;
}
