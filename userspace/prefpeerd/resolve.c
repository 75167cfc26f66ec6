// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/nameser.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>
#include <utlist.h>

#include "lib/log.h"
#include "prefpeerd/resolve.h"

#define AREA "resolve"
#define ROUND_MS 100 /* questions that come within it are of one round */
#define TEXT_MAX 160
#define HOST_TTL_S 3600

/* A context of libunbound; lives until the last of its questions is answered. */
struct round {
	struct resolve *owner;
	struct ub_ctx *ub;
	mono_t made;
	unsigned open;
	struct timer bury; /* libunbound cannot be taken down from its own callback */
	struct round *next;
};

struct question {
	struct resolve *owner;
	struct round *round; /* NULL: answered, or never asked on the network */
	uint32_t query;
	sa_family_t family;
	struct name_answer answer;
	char text[TEXT_MAX];
	struct timer deliver;
	struct question *next;
};

struct resolve {
	struct event_base *base;
	const struct timers *timers;
	struct resolve_sources src;
	const struct config *conf;
	struct round *rounds; /* the newest first */
	struct question *questions;
	resolve_fn fn;
	void *ctx;
	bool closing;
};

/* ---- a round ------------------------------------------------------------------ */

static void round_free(struct round *o)
{
	timer_cancel(o->owner->timers, &o->bury);
	LL_DELETE(o->owner->rounds, o);
	ub_ctx_delete(o->ub);
	free(o);
}

static void bury(struct timer *t, mono_t now)
{
	struct round *o = timer_container(t, struct round, bury);

	if (!o->open)
		round_free(o);
}

/* RFC 6761, RFC 8375: libunbound would deny these itself; here the name servers say. */
static int unblock(struct ub_ctx *ub)
{
	int err = ub_ctx_zone_remove(ub, "test.");

	return err ? err : ub_ctx_zone_remove(ub, "home.arpa.");
}

static int set_servers(const struct resolve *r, struct ub_ctx *ub)
{
	const struct config *c = r->conf;
	char addr[ADDR_STRLEN], text[ADDR_STRLEN + 8];
	int err = 0;

	for (unsigned i = 0; !err && i < c->n_name_servers; i++) {
		snprintf(text, sizeof(text), "%s@%u",
			 addr_print(&c->name_servers[i], addr, sizeof(addr)), r->src.port);
		err = ub_ctx_set_fwd(ub, text);
	}
	if (c->n_name_servers)
		return err;
	/* resolv.conf(5): without one, or without a server in it, the local machine is asked. */
	return ub_ctx_resolvconf(ub, r->src.resolv_conf) ? ub_ctx_set_fwd(ub, "127.0.0.1") : 0;
}

static int set_options(const struct resolve *r, struct ub_ctx *ub)
{
	static const char *const options[][2] = {
		{ "do-not-query-localhost:", "no" },
		/* The first address of several is the one to use (§1.2). */
		{ "rrset-roundrobin:", "no" },
		/* A silent server is given up after 5.3 s: nobody waits for longer than 5. */
		{ "outbound-msg-retry:", "3" },
		/* Who we are is not the root's business (RFC 8145). */
		{ "trust-anchor-signaling:", "no" },
	};
	int err = 0;

	/* What goes wrong is in the answers; nothing of it belongs on standard error. */
	ub_ctx_debugout(ub, NULL);
	for (unsigned i = 0; !err && i < sizeof(options) / sizeof(*options); i++)
		err = ub_ctx_set_option(ub, options[i][0], options[i][1]);
	/* A file that is not there is one without a host. */
	if (!err && r->src.hosts)
		ub_ctx_hosts(ub, r->src.hosts);
	if (!err)
		err = set_servers(r, ub);
	if (!err && r->conf->trust_anchor)
		err = ub_ctx_add_ta_file(ub, r->conf->trust_anchor);
	return err ? err : unblock(ub);
}

/* NULL: *err is libunbound's. */
static struct round *round_new(struct resolve *r, mono_t now, int *err)
{
	struct round *o = calloc(1, sizeof(*o));

	*err = UB_NOMEM;
	if (!o)
		return NULL;
	o->ub = ub_ctx_create_event(r->base);
	if (o->ub)
		*err = set_options(r, o->ub);
	if (*err) {
		ub_ctx_delete(o->ub);
		free(o);
		return NULL;
	}
	o->owner = r;
	o->made = now;
	timer_init(&o->bury, bury);
	LL_PREPEND(r->rounds, o);
	return o;
}

static struct round *round_get(struct resolve *r, mono_t now, int *err)
{
	struct round *o = r->rounds;

	return o && mono_diff_ms(now, o->made) < ROUND_MS ? o : round_new(r, now, err);
}

/* ---- a question --------------------------------------------------------------- */

static void question_free(struct question *q)
{
	timer_cancel(q->owner->timers, &q->deliver);
	LL_DELETE(q->owner->questions, q);
	free(q);
}

static void deliver(struct timer *t, mono_t now)
{
	struct question *q = timer_container(t, struct question, deliver);

	q->owner->fn(q->owner->ctx, q->query, &q->answer, now);
	question_free(q);
}

static void answer_later(struct question *q)
{
	timer_set(q->owner->timers, &q->deliver, mono_now());
}

static void refuse(struct question *q, enum name_result result, const char *text, const char *why)
{
	snprintf(q->text, sizeof(q->text), "%s%s%s", text, why ? ": " : "", why ? why : "");
	q->answer = (struct name_answer){.result = result, .text = q->text};
	answer_later(q);
}

static void leave_round(struct question *q)
{
	struct round *o = q->round;

	q->round = NULL;
	if (!--o->open)
		timer_set(o->owner->timers, &o->bury, mono_now());
}

/* @sec: 0 not proved, 1 bogus, 2 secure (unbound-event.h). */
static void answered(void *arg, int rcode, void *msg, int len, int sec, char *why_bogus,
		     int ratelimited)
{
	struct question *q = arg;

	/* libunbound answers what is open when it is taken down. */
	if (q->owner->closing)
		return;
	leave_round(q);
	if (sec == 1) {
		refuse(q, NAME_BOGUS, "the answer is not what the zone's owner signed (DNSSEC)",
		       why_bogus);
		return;
	}
	/* What libunbound gave up has an @rcode, and a message that does not mean anything. */
	if ((rcode != ns_r_noerror && rcode != ns_r_nxdomain) || !msg || len <= 0) {
		refuse(q, NAME_SILENT, "no answer from the name servers", NULL);
		return;
	}
	resolve_read(msg, (size_t)len, q->family, &q->answer);
	if (sec == 2)
		q->answer.trust = TRUST_SECURE;
	else if (q->owner->conf->trust_anchor)
		q->answer.trust = TRUST_INSECURE;
	answer_later(q);
}

static void ask_network(struct question *q, const char *name, mono_t now)
{
	struct resolve *r = q->owner;
	int err = 0;

	if (r->conf->trust_anchor && access(r->conf->trust_anchor, R_OK)) {
		refuse(q, NAME_BOGUS, "the trust anchor cannot be read", strerror(errno));
		return;
	}
	q->round = round_get(r, now, &err);
	if (q->round) {
		q->round->open++;
		err = ub_resolve_event(q->round->ub, name,
				       q->family == AF_INET ? ns_t_a : ns_t_aaaa, ns_c_in, q,
				       answered, NULL);
		if (err)
			leave_round(q);
	}
	if (err)
		refuse(q, NAME_SILENT, "the resolver does not work", ub_strerror(err));
}

/* The addresses of `ip host`: of a host without one of that family there is none. */
static bool ask_hosts(struct question *q, const char *name)
{
	const struct config *c = q->owner->conf;
	const struct conf_host *h = NULL;

	for (unsigned i = 0; !h && i < c->n_hosts; i++)
		if (!strcasecmp(c->hosts[i].name, name))
			h = &c->hosts[i];
	for (unsigned i = 0; h && i < h->n_addrs; i++) {
		if (h->addrs[i].family != q->family)
			continue;
		q->answer = (struct name_answer){.result = NAME_ADDR,
						 .addr = h->addrs[i],
						 .ttl_s = HOST_TTL_S,
						 .trust = TRUST_LOCAL};
		answer_later(q);
		return true;
	}
	if (h)
		refuse(q, NAME_DENIED, "`ip host` has no address of that family for it", NULL);
	return h;
}

void resolve_ask(struct resolve *r, const char *name, sa_family_t family, uint32_t query)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q || !r->conf) {
		log_err(AREA, "%s cannot be asked for: %s", name, q ? "no configuration" : "no memory");
		free(q);
		return;
	}
	q->owner = r;
	q->query = query;
	q->family = family;
	timer_init(&q->deliver, deliver);
	LL_PREPEND(r->questions, q);
	if (!ask_hosts(q, name))
		ask_network(q, name, mono_now());
}

/* ---- the whole ---------------------------------------------------------------- */

int resolve_open(struct event_base *base, const struct timers *timers,
		 const struct resolve_sources *src, resolve_fn fn, void *ctx, struct resolve **out)
{
	static const struct resolve_sources machine = {
		.hosts = "/etc/hosts", .resolv_conf = "/etc/resolv.conf", .port = NS_DEFAULTPORT };
	struct resolve *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->base = base;
	r->timers = timers;
	r->src = src ? *src : machine;
	r->fn = fn;
	r->ctx = ctx;
	*out = r;
	return 0;
}

void resolve_close(struct resolve *r)
{
	if (!r)
		return;
	r->closing = true;
	while (r->rounds)
		round_free(r->rounds);
	while (r->questions)
		question_free(r->questions);
	free(r);
}

void resolve_config(struct resolve *r, const struct config *c)
{
	r->conf = c;
	/* What is asked from now on does not go to the servers of before. */
	for (struct round *o = r->rounds; o; o = o->next)
		o->made = MONO_UNSET;
}
