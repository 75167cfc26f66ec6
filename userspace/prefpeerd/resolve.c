// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/log.h"
#include "prefpeerd/resolve.h"

#define AREA "resolve"
#define RETRY_MS 30000

struct name {
	struct resolve *owner;
	char *text;
	sa_family_t family;
	struct addr addr; /* AF_UNSPEC: not known yet */
	bool wanted;      /* by the configuration in force */
	bool asked;       /* an answer is on its way; the name lives until it came */
	struct name *next;
};

struct resolve {
	struct evdns_base *dns;
	const struct timers *timers;
	struct timer again;
	struct name *names;
	resolved_fn fn;
	void *ctx;
	bool closing;
};

static void name_free(struct name *n)
{
	LL_DELETE(n->owner->names, n);
	free(n->text);
	free(n);
}

static void answered(int result, struct evutil_addrinfo *res, void *arg)
{
	struct name *n = arg;
	struct resolve *r = n->owner;
	struct endpoint ep;

	n->asked = false;
	if (r->closing)
		return;
	if (!n->wanted) {
		name_free(n);
	} else if (!result && res && !addr_from_sockaddr(res->ai_addr, &ep)) {
		char text[ADDR_STRLEN];

		n->addr = ep.addr;
		log_info(AREA, "%s is %s", n->text, addr_print(&n->addr, text, sizeof(text)));
		r->fn(r->ctx, n->text, &n->addr, mono_now());
	} else {
		log_warn(AREA, "peer name %s has no IPv%d address: %s; asked again in %d s", n->text,
			 n->family == AF_INET ? 4 : 6,
			 result ? evutil_gai_strerror(result) : "empty answer", RETRY_MS / 1000);
	}
	if (res)
		evutil_freeaddrinfo(res);
}

static void ask(struct name *n)
{
	const struct evutil_addrinfo hints = {
		.ai_family = n->family,
		.ai_socktype = SOCK_DGRAM,
		.ai_protocol = IPPROTO_UDP,
	};

	if (n->asked || addr_is_set(&n->addr))
		return;
	n->asked = true;
	/* May answer at once (hosts): the name is complete by now. */
	evdns_getaddrinfo(n->owner->dns, n->text, NULL, &hints, answered, n);
}

static void ask_all(struct resolve *r, mono_t now)
{
	struct name *n, *tmp;
	bool missing = false;

	LL_FOREACH_SAFE(r->names, n, tmp)
	{
		missing |= !addr_is_set(&n->addr);
		ask(n);
	}
	if (missing)
		timer_set(r->timers, &r->again, mono_add_ms(now, RETRY_MS));
}

static void retry(struct timer *t, mono_t now)
{
	ask_all(timer_container(t, struct resolve, again), now);
}

int resolve_open(struct event_base *base, const struct timers *timers, resolved_fn fn, void *ctx,
		 struct resolve **out)
{
	struct resolve *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!r->dns) {
		free(r);
		return -ENOMEM;
	}
	/* Without a resolv.conf evdns asks 127.0.0.1, and hosts is read all the same. */
	evdns_base_resolv_conf_parse(r->dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
	evdns_base_set_option(r->dns, "timeout:", "5");
	evdns_base_set_option(r->dns, "attempts:", "1");
	r->timers = timers;
	r->fn = fn;
	r->ctx = ctx;
	timer_init(&r->again, retry);
	*out = r;
	return 0;
}

void resolve_close(struct resolve *r)
{
	struct name *n, *tmp;

	if (!r)
		return;
	r->closing = true;
	timer_cancel(r->timers, &r->again);
	evdns_base_free(r->dns, 0);
	LL_FOREACH_SAFE(r->names, n, tmp)
		name_free(n);
	free(r);
}

static void want(struct resolve *r, const char *text, sa_family_t family)
{
	struct name *n;

	LL_FOREACH(r->names, n)
		if (n->family == family && !strcasecmp(n->text, text)) {
			n->wanted = true;
			return;
		}
	n = calloc(1, sizeof(*n));
	if (n)
		n->text = strdup(text);
	if (!n || !n->text) {
		free(n);
		log_err(AREA, "no memory to resolve %s", text);
		return;
	}
	n->owner = r;
	n->family = family;
	n->wanted = true;
	LL_PREPEND(r->names, n);
}

static void want_entry(struct resolve *r, const struct map *m, const struct map_entry *e)
{
	for (unsigned i = 0; i < e->n_peers; i++)
		if (e->peers[i].is_name && !addr_is_set(&e->peers[i].addr))
			want(r, e->peers[i].text, m->family);
}

void resolve_config(struct resolve *r, const struct config *c, mono_t now)
{
	struct name *n, *tmp;

	LL_FOREACH(r->names, n)
		n->wanted = false;
	for (unsigned m = 0; m < c->n_maps; m++)
		for (unsigned e = 0; e < c->maps[m]->n_entries; e++)
			want_entry(r, c->maps[m], c->maps[m]->entries[e]);
	LL_FOREACH_SAFE(r->names, n, tmp)
		if (!n->wanted && !n->asked)
			name_free(n);
	ask_all(r, now);
}
