// SPDX-License-Identifier: GPL-2.0-or-later
/* Crypto maps of the running configuration. */
#include "prefpeerd/conf/print.h"

/*
 * One that equals the global value is not in the running configuration, unless it was
 * there when that value came (§2.2).
 */
static void print_idle(const struct idle_time *t, FILE *out)
{
	if (!t->ms || (t->not_added && !t->kept))
		return;
	if (t->not_added)
		fputs(" ! equals the global value: inactive until they differ\n", out);
	fprintf(out, " set security-association idle-time %s%u%s\n",
		t->millis ? "milliseconds " : "", t->millis ? t->ms : t->ms / 1000,
		t->home ? " default" : "");
}

static void print_timeout(uint32_t ms, FILE *out)
{
	if (ms && ms % 1000 == 0)
		fprintf(out, " set ikev2 connect-timeout %u\n", ms / 1000);
	else if (ms)
		fprintf(out, " set ikev2 connect-timeout milliseconds %u\n", ms);
}

static void print_sets(const struct map_entry *e, FILE *out)
{
	if (!e->n_sets)
		return;
	fputs(" set transform-set", out);
	for (unsigned i = 0; i < e->n_sets; i++)
		fprintf(out, " %s", e->set_names[i]);
	fputc('\n', out);
}

static void print_peer(const struct conf_peer *q, FILE *out)
{
	fprintf(out, " set peer %s%s%s", q->text, q->is_dynamic ? " dynamic" : "",
		q->is_default ? " default" : "");
	if (*q->profile_name)
		fprintf(out, " ikev2-profile %s", q->profile_name);
	fputc('\n', out);
	if (q->is_shut)
		fprintf(out, " set peer %s shutdown\n", q->text);
}

void print_replay(const char *command, const struct replay *r, FILE *out)
{
	if (r->off)
		fprintf(out, "%s replay disable\n", command);
	else if (r->window)
		fprintf(out, "%s replay window-size %u\n", command, r->window);
}

void print_df_ecn(const char *command, enum conf_df df, enum conf_ecn ecn, FILE *out)
{
	if (df)
		fprintf(out, "%s dfbit %s\n", command, df == DF_COPY ? "copy" : "clear");
	if (ecn)
		fprintf(out, "%s ecn %s\n", command, ecn == ECN_DISCARD ? "discard" : "propagate");
}

static void print_reverse_route(const struct reverse_route_conf *c, FILE *out)
{
	char via[ADDR_STRLEN];

	if (addr_is_set(&c->via))
		addr_print(&c->via, via, sizeof(via));
	if (c->mode != RRI_NONE) {
		fputs(" reverse-route", out);
		if (c->from_peer)
			fprintf(out, " remote-peer %s%s", via, c->to_peer ? " gateway" : "");
		fputs(c->mode == RRI_STATIC ? " static\n" : "\n", out);
	}
	if (c->distance)
		fprintf(out, " set reverse-route distance %u\n", c->distance);
	if (addr_is_set(&c->via) && !c->from_peer)
		fprintf(out, " set reverse-route gateway %s\n", via);
}

static void print_entry(const struct map_entry *e, bool secrets, FILE *out)
{
	const struct map *m = e->map;

	if (m->is_dynamic)
		fprintf(out, "crypto dynamic-map %s %u\n", m->name, e->seq);
	else
		fprintf(out, "crypto map %s%s %u %s%s%s\n",
			m->family == AF_INET6 ? "ipv6 " : "", m->name, e->seq,
			e->manual ? "ipsec-manual" : "ipsec-isakmp",
			e->dynamic ? " dynamic " : "", e->dynamic_name);
	if (e->description)
		fprintf(out, " description %s\n", e->description);
	for (unsigned i = 0; i < e->n_peers; i++)
		print_peer(&e->peers[i], out);
	if (*e->profile_name)
		fprintf(out, " set ikev2-profile %s\n", e->profile_name);
	print_idle(&e->idle, out);
	if (e->lifetime_s)
		fprintf(out, " set security-association lifetime seconds %u\n", e->lifetime_s);
	if (e->lifetime_kb_off)
		fputs(" set security-association lifetime kilobytes disable\n", out);
	else if (e->lifetime_kb)
		fprintf(out, " set security-association lifetime kilobytes %llu\n",
			(unsigned long long)e->lifetime_kb);
	print_replay(" set security-association", &e->replay, out);
	if (e->per_host)
		fputs(" set security-association level per-host\n", out);
	print_df_ecn(" set security-association", e->df, e->ecn, out);
	if (e->pfs)
		fprintf(out, " set pfs group%d\n", e->pfs);
	print_sets(e, out);
	print_session_keys(e, secrets, out);
	print_timeout(e->answer_ms, out);
	print_reverse_route(&e->rri, out);
	if (*e->acl_name)
		fprintf(out, " match address %s\n", e->acl_name);
}

void print_map(const struct map *m, bool secrets, FILE *out)
{
	if (*m->local_address)
		fprintf(out, "crypto map %s%s local-address %s\n",
			m->family == AF_INET6 ? "ipv6 " : "", m->name, m->local_address);
	if (*m->acct_name)
		fprintf(out, "crypto map %s%s client accounting list %s\n",
			m->family == AF_INET6 ? "ipv6 " : "", m->name, m->acct_name);
	for (unsigned i = 0; i < m->n_entries; i++)
		print_entry(m->entries[i], secrets, out);
}

void print_interfaces(const struct map *m, FILE *out)
{
	for (unsigned i = 0; i < m->n_interfaces; i++)
		fprintf(out, "interface %s\n %scrypto map %s\n", m->interfaces[i],
			m->family == AF_INET6 ? "ipv6 " : "", m->name);
}
