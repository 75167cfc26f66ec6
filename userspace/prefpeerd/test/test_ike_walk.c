// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random walks of two engines against each other: rekeys of everything by both
 * ends, children opened and closed, probes, over a network that drops, doubles,
 * delays and damages messages. Whatever happens, a flow in each direction loses
 * nothing; and once the network is sound again, both ends have one IKE SA and the
 * same pairs, and nothing else.
 *
 *   IKE_WALK_SEED=N   that walk alone (with IKE_TEST_LOG=1: told in full)
 *   IKE_WALKS=N       so many, from seed 1
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_flow.h"

#define WALKS 1500
#define CHAOS_MS 40000
#define SETTLE_MS 400000 /* a patient request is given up after less (curve.c) */
#define LEFT_REQID 0x50500001u
#define RIGHT_REQID 77u
#define DROPS_MAX 2	 /* of one message: it is not about death here */
#define SEEN_MAX 4096

/* ---- chance: splitmix64 ---- */

static uint64_t chance;

static uint64_t draw(void)
{
	uint64_t z = (chance += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned pick(unsigned n)
{
	return (unsigned)(draw() % n);
}

int __wrap_crypto_random(void *out, size_t len);

int __wrap_crypto_random(void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)draw();
	return 0;
}

/* ---- the walk ---- */

struct walk {
	struct fixture *f;
	struct flow out, in;
	bool calm;
	unsigned drop, late, twice, damage; /* per mille */
	struct {
		uint64_t hash;
		unsigned drops;
	} seen[SEEN_MAX];
	unsigned n_seen;
	child_id last_child;
	struct timer step;
	unsigned n_rekeys, n_ike;
};

static unsigned *drops_of(struct walk *w, const struct datagram *d)
{
	uint64_t h = 1469598103934665603u;

	for (size_t i = 0; i < d->len; i++)
		h = (h ^ d->bytes[i]) * 1099511628211u;
	for (unsigned i = 0; i < w->n_seen; i++)
		if (w->seen[i].hash == h)
			return &w->seen[i].drops;
	if (w->n_seen == SEEN_MAX)
		abort();
	w->seen[w->n_seen].hash = h;
	return &w->seen[w->n_seen++].drops;
}

static enum mock_fate choose_fate(struct walk *w, struct datagram *d)
{
	unsigned *drops = drops_of(w, d), n = pick(1000);

	if (w->calm)
		return MOCK_PASS;
	if (n < w->drop + w->damage && *drops < DROPS_MAX) {
		(*drops)++;
		if (n < w->drop)
			return MOCK_DROP;
		d->bytes[pick((unsigned)d->len)] ^= (uint8_t)(1 + pick(255));
		return MOCK_PASS;
	}
	if (n < w->drop + w->damage + w->late)
		return MOCK_LATE;
	return n < w->drop + w->damage + w->late + w->twice ? MOCK_TWICE : MOCK_PASS;
}

static enum mock_fate fate_of(void *ctx, struct datagram *d)
{
	static const char *const names[] = { "", " dropped", " doubled", " late" };
	struct walk *w = ctx;
	uint8_t was[MOCKNET_BYTES];
	enum mock_fate fate;

	memcpy(was, d->bytes, d->len);
	fate = choose_fate(w, d);
	if (getenv("IKE_TEST_LOG"))
		fprintf(stderr, "# %lld ms: %s sends %s %u %s of %02x%02x%02x%02x%s%s\n",
			(long long)(w->f->clock.now.ns / 1000000),
			addr_equal(&d->src.addr, &w->f->left.addr) ? "left" : "right",
			exchange_name(was[18]), datagram_id(d), was[19] & 0x20 ? "answer" : "request",
			was[0], was[1], was[2], was[3], names[fate],
			memcmp(was, d->bytes, d->len) ? " damaged" : "");
	return fate;
}

static struct session *session_of(struct side *s, conn_id conn)
{
	return session_by_conn(s->engine->impl, conn);
}

static struct session *the_session(struct walk *w, struct side *s)
{
	return session_of(s, s == &w->f->left ? 1 : INBOUND_CONN);
}

static struct child *any_child(struct session *ses)
{
	struct child *c;
	unsigned n = 0;

	DL_FOREACH(ses->children, c)
		n++;
	if (!n)
		return NULL;
	n = pick(n);
	DL_FOREACH(ses->children, c)
		if (!n--)
			return c;
	return NULL;
}

static void expire_any(struct walk *w, struct side *s)
{
	struct session *ses = the_session(w, s);
	struct child *c = ses ? any_child(ses) : NULL;
	struct kernel_sa_id id;

	if (!c)
		return;
	id = child_sa_id(c, pick(2) ? SA_DIR_IN : SA_DIR_OUT);
	fake_kernel_carry(&s->kernel, c->pair.spi_out);
	w->n_rekeys++;
	engine_ike_expire(s->engine->impl, &id, false);
}

static void open_child(struct walk *w, struct side *s)
{
	unsigned net = ++w->last_child;
	struct engine_child c = fixture_child(net, net);
	struct side *other = s == &w->f->left ? &w->f->right : &w->f->left;

	if (net > 9)
		return;
	if (s == &w->f->right) {
		c.id += 5000;
		c.sel = selector_reverse(&c.sel);
		c.line_sel = c.sel;
	}
	if (pick(2))
		c.pfs = DH_X25519;
	other->inbound_child.reqid = 200 + net;
	other->inbound_child.pfs = c.pfs;
	s->engine->ops->child_open(s->engine->impl, s == &w->f->left ? 1 : INBOUND_CONN, &c);
}

/* Never the one with the flow: its end would be no loss of a rekey's. */
static void close_any(struct walk *w, struct side *s)
{
	struct session *ses = the_session(w, s);
	struct child *c = ses ? any_child(ses) : NULL;

	if (!c || !c->id || c->want.reqid == LEFT_REQID || c->want.reqid == RIGHT_REQID)
		return;
	s->engine->ops->child_close(s->engine->impl, ses->conn, c->id,
				    pick(4) ? CLOSE_DELETE : CLOSE_OUT);
}

/* The second child_close, which the caller of CLOSE_OUT owes (engine.h). */
static void close_halves(struct walk *w, struct side *s)
{
	struct session *ses = the_session(w, s);
	child_id left[64];
	struct child *c;
	unsigned n = 0;

	if (!ses)
		return;
	DL_FOREACH(ses->children, c)
		if (c->state == CHILD_OUT_GONE && n < 64)
			left[n++] = c->id;
	while (n)
		s->engine->ops->child_close(s->engine->impl, ses->conn, left[--n], CLOSE_DELETE);
}

static void rekey_ike(struct walk *w, struct side *s)
{
	struct session *ses = the_session(w, s);

	w->n_ike++;
	if (ses)
		rekey_ike_start(ses);
}

static void act(struct walk *w)
{
	struct side *s = pick(2) ? &w->f->left : &w->f->right;
	conn_id conn = s == &w->f->left ? 1 : INBOUND_CONN;

	switch (pick(8)) {
	case 0:
		rekey_ike(w, s);
		break;
	case 1:
		open_child(w, s);
		break;
	case 2:
		close_any(w, s);
		break;
	case 3:
		s->engine->ops->probe(s->engine->impl, conn);
		break;
	case 4: /* both ends at once */
		expire_any(w, &w->f->left);
		expire_any(w, &w->f->right);
		break;
	case 5:
		rekey_ike(w, &w->f->left);
		rekey_ike(w, &w->f->right);
		break;
	default:
		expire_any(w, s);
	}
}

static void step(struct timer *t, mono_t now)
{
	struct walk *w = timer_container(t, struct walk, step);

	act(w);
	/* In the middle of the last one as often as after it. */
	timer_set(&w->f->clock.timers, t, mono_add_ms(now, pick(2) ? pick(40) : pick(4000)));
}

/* ---- what must hold ---- */

static bool has_counterpart(struct session *s, const struct child *of)
{
	struct child *c;

	DL_FOREACH(s->children, c)
		if (c->state == CHILD_UP && c->pair.spi_in == of->pair.spi_out &&
		    c->pair.spi_out == of->pair.spi_in)
			return true;
	return false;
}

static const char *side_wrong(struct walk *w, struct side *s, struct side *other)
{
	struct ike *e = s->engine->impl;
	struct session *ses = the_session(w, s), *theirs = the_session(w, other);
	struct child *c;

	if (!ses || !theirs)
		return "the IKE SA is gone";
	if (ses->state != SES_UP || e->sessions != ses || ses->next)
		return "there is more than one IKE SA";
	if (ses->heir || ses->rival || ses->tasks || ses->rq.task)
		return "something of the IKE SA is still under way";
	if (memcmp(&ses->keys, &theirs->keys, sizeof(ses->keys)))
		return "the keys differ";
	DL_FOREACH(ses->children, c) {
		if (c->state != CHILD_UP || !c->id || c->replaced || c->rekeys)
			return "a child is left over";
		if (!has_counterpart(theirs, c))
			return "a pair has no counterpart";
	}
	if (side_last(s, ENG_DOWN))
		return "the caller heard of an end";
	return NULL;
}

/* The pair of the flow's child as the caller knows it is the one that there is. */
static const char *caller_wrong(struct walk *w, struct side *s, child_id id)
{
	struct child *c = child_find(the_session(w, s), id);
	const struct engine_pair *known = NULL;

	for (unsigned i = 0; i < s->n; i++)
		if (s->log[i].ev.child == id && (s->log[i].ev.type == ENG_CHILD_REKEYED ||
						 s->log[i].ev.type == ENG_CHILD_UP))
			known = &s->log[i].ev.pair;
	if (!c || !known)
		return "the child with the flow is gone";
	return known->spi_in == c->pair.spi_in && known->spi_out == c->pair.spi_out
		       ? NULL
		       : "the caller knows another pair";
}

static const char *kernel_wrong(struct walk *w, struct side *s)
{
	struct session *ses = the_session(w, s);
	struct child *c;
	unsigned n = 0;

	DL_FOREACH(ses->children, c)
		n += (c->in_installed ? 1u : 0u) + (c->out_installed ? 1u : 0u);
	if (n != s->kernel.n_sas)
		return "the kernel has other SAs than the engine thinks";
	DL_FOREACH(ses->children, c)
		if (c->state == CHILD_UP && (!c->in_installed || !c->out_installed))
			return "half a pair is in the kernel";
	return NULL;
}

static const char *wrong(struct walk *w)
{
	struct side *l = &w->f->left, *r = &w->f->right;
	const char *what = side_wrong(w, l, r);

	what = what ? what : side_wrong(w, r, l);
	what = what ? what : caller_wrong(w, l, 1);
	what = what ? what : caller_wrong(w, r, INBOUND_CONN);
	what = what ? what : kernel_wrong(w, l);
	what = what ? what : kernel_wrong(w, r);
	if (!what && (w->out.lost || w->in.lost))
		what = "a packet of the flow was lost";
	if (!what && (w->out.arrived < 1000 || w->in.arrived < 1000))
		what = "there was no flow";
	return what;
}

static void begin(struct walk *w)
{
	w->f = fixture_new(AF_INET);
	w->last_child = 1;
	w->calm = true;
	w->drop = pick(200);
	w->damage = pick(50);
	w->late = pick(200);
	w->twice = pick(200);
	w->f->net.filter = fate_of;
	w->f->net.filter_ctx = w;
	w->f->net.latency_ms = 1 + pick(40);
	w->f->net.late_ms = w->f->net.latency_ms + pick(5000);
	if (!fixture_up(w->f))
		abort();
	flow_start(&w->out, w->f, true, LEFT_REQID, pick(60));
	flow_start(&w->in, w->f, false, RIGHT_REQID, pick(60));
	w->out.every_ms = w->in.every_ms = 7;
	timer_init(&w->step, step);
}

static void tell(struct walk *w, struct side *s)
{
	struct session *ses = the_session(w, s);
	struct child *c;

	if (ses)
		DL_FOREACH(ses->children, c)
			fprintf(stderr, "# %s: child %u reqid %x state %d%s in %08x out %08x\n",
				s == &w->f->left ? "left" : "right", c->id, c->want.reqid, c->state,
				c->replaced ? " replaced" : "", c->pair.spi_in, c->pair.spi_out);
}

static const char *walk(uint64_t seed, unsigned *rekeys, unsigned *ike)
{
	static struct walk w;
	const char *what;

	w = (struct walk){ 0 };
	chance = seed;
	begin(&w);
	w.calm = false;
	timer_set(&w.f->clock.timers, &w.step, w.f->clock.now);
	fixture_run_ms(w.f, CHAOS_MS);
	timer_cancel(&w.f->clock.timers, &w.step);
	w.calm = true;
	close_halves(&w, &w.f->left);
	close_halves(&w, &w.f->right);
	w.out.every_ms = w.in.every_ms = 200; /* most of it has been seen by then */
	fixture_run_ms(w.f, SETTLE_MS);
	what = wrong(&w);
	if (getenv("IKE_TEST_LOG")) {
		tell(&w, &w.f->left);
		tell(&w, &w.f->right);
	}
	*rekeys += w.n_rekeys;
	*ike += w.n_ike;
	flow_stop(&w.out);
	flow_stop(&w.in);
	fixture_free(w.f);
	return what;
}

static void random_walks(void **state)
{
	const char *one = getenv("IKE_WALK_SEED"), *many = getenv("IKE_WALKS");
	uint64_t first = one ? strtoull(one, NULL, 0) : 1;
	uint64_t n = one ? 1 : many ? strtoull(many, NULL, 0) : WALKS;
	unsigned rekeys = 0, ike = 0, bad = 0;

	for (uint64_t seed = first; seed < first + n; seed++) {
		const char *what = walk(seed, &rekeys, &ike);

		if (!what)
			continue;
		print_error("seed %llu: %s (IKE_WALK_SEED=%llu to see it alone)\n",
			    (unsigned long long)seed, what, (unsigned long long)seed);
		bad++;
	}
	print_message("# %llu walks, %u child and %u IKE rekeys asked for\n", (unsigned long long)n,
		      rekeys, ike);
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_walks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
