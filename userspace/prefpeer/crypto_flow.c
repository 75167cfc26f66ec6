// SPDX-License-Identifier: GPL-2.0-or-later
/* A flow is a line of an access list, once for each pair of SAs that protects it. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "prefpeer/crypto.h"
#include "prefpeer/facts.h"

const char *crypto_interface(const json_t *entry)
{
	const json_t *list = fact_get(fact_get(entry, "config"), "interfaces");
	const char *name = json_string_value(json_array_get(list, 0));

	return name ? name : "none";
}

const char *crypto_local(const json_t *entry)
{
	const char *local = fact_str(entry, "local");
	const json_t *conf = fact_get(entry, "config");

	if (!*local)
		local = fact_str(conf, "interface_address");
	if (!*local)
		local = strcmp(fact_str(conf, "family"), "ipv6") ? "0.0.0.0" : "::";
	return local;
}

const char *crypto_peer(const json_t *entry)
{
	const char *family = fact_str(fact_get(entry, "config"), "family");
	const json_t *p;
	size_t i;

	json_array_foreach(fact_get(entry, "peers"), i, p)
		if (fact_is(p, "current") && fact_has(p, "address"))
			return fact_str(p, "address");
	return strcmp(family, "ipv6") ? "0.0.0.0" : "::";
}

static void index_sessions(struct crypto_facts *f)
{
	char number[24];
	json_t *s;
	size_t i;

	f->by_conn = json_object();
	json_array_foreach(f->sessions, i, s) {
		snprintf(number, sizeof(number), "%llu",
			 (unsigned long long)fact_u64(s, "conn"));
		json_object_set(f->by_conn, number, s);
	}
}

const json_t *crypto_session_of(struct crypto_facts *f, uint64_t conn)
{
	char number[24];

	if (!f->by_conn)
		index_sessions(f);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)conn);
	return json_object_get(f->by_conn, number);
}

void crypto_each_flow(struct crypto_facts *f, const json_t *entry, crypto_flow_fn fn,
		      void *ctx)
{
	const json_t *l, *sa;
	size_t i, j;

	json_array_foreach(fact_get(entry, "lines"), i, l) {
		struct crypto_flow flow = { .entry = entry, .line = l };

		json_array_foreach(fact_get(entry, "sas"), j, sa) {
			if (fact_u64(sa, "line") != fact_u64(l, "no"))
				continue;
			flow.sa = sa;
			flow.session = crypto_session_of(f, fact_u64(sa, "conn"));
			flow.local_ident = fact_get(sa, "local_ident");
			flow.remote_ident = fact_get(sa, "remote_ident");
			fn(ctx, &flow);
		}
		if (flow.sa)
			continue;
		flow.session = crypto_session_of(f, fact_u64(entry, "conn"));
		flow.local_ident = fact_get(l, "local_ident");
		flow.remote_ident = fact_get(l, "remote_ident");
		fn(ctx, &flow);
	}
}

static bool is_ipv6(const json_t *ident)
{
	return strchr(fact_str(ident, "address"), ':');
}

const char *crypto_mask(const json_t *ident, char *buf)
{
	unsigned len = (unsigned)fact_u64(ident, "length");
	struct in_addr mask = { .s_addr = len ? htonl(0xffffffffu << (32 - len)) : 0 };

	if (is_ipv6(ident))
		snprintf(buf, CRYPTO_MASK_STRLEN, "%u", len);
	else
		inet_ntop(AF_INET, &mask, buf, CRYPTO_MASK_STRLEN);
	return buf;
}

static void print_side(const json_t *ident, char *buf, size_t size)
{
	char mask[CRYPTO_MASK_STRLEN];
	size_t at = strlen(buf);

	if (fact_u64(ident, "length") == (is_ipv6(ident) ? 128 : 32))
		snprintf(buf + at, size - at, " host %s", fact_str(ident, "address"));
	else
		snprintf(buf + at, size - at, " %s/%s", fact_str(ident, "address"),
			 crypto_mask(ident, mask));
	at = strlen(buf);
	if (fact_u64(ident, "port"))
		snprintf(buf + at, size - at, " port %u", (unsigned)fact_u64(ident, "port"));
}

void crypto_flow_print(const struct crypto_flow *flow, char *buf, size_t size)
{
	unsigned proto = (unsigned)fact_u64(flow->local_ident, "protocol");

	if (proto)
		snprintf(buf, size, "permit %u", proto);
	else
		snprintf(buf, size, "permit %s", is_ipv6(flow->local_ident) ? "ipv6" : "ip");
	print_side(flow->local_ident, buf, size);
	print_side(flow->remote_ident, buf, size);
}

/* ---- values as IOS writes them ---------------------------------------------- */

void crypto_lifetime_out(const char *head, const json_t *o, const char *kb, const char *seconds)
{
	fputs(head, stdout);
	if (fact_u64(o, kb))
		printf("%llu kilobytes", (unsigned long long)fact_u64(o, kb));
	else
		printf("kilobytes disabled");
	printf("/%llu seconds\n", (unsigned long long)fact_u64(o, seconds));
}

const char *crypto_clock(uint64_t ms, char *buf)
{
	unsigned long long s = ms / 1000, days = s / 86400;

	if (!days)
		snprintf(buf, CRYPTO_CLOCK_STRLEN, "%02llu:%02llu:%02llu", s / 3600, s / 60 % 60,
			 s % 60);
	else if (days < 7)
		snprintf(buf, CRYPTO_CLOCK_STRLEN, "%llud%02lluh", days, s / 3600 % 24);
	else
		snprintf(buf, CRYPTO_CLOCK_STRLEN, "%lluw%llud", days / 7, days % 7);
	return buf;
}

const char *crypto_id(const char *identity)
{
	const char *space = strchr(identity, ' ');

	return space ? space + 1 : identity;
}
