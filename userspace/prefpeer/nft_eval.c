// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "prefpeer/nft_eval.h"

#define DEPTH_MAX 16 /* as the kernel: chains that jump to chains */

enum match { NO, YES, MAYBE };

/* Where a rule ends; the order is of no meaning. */
enum end { END_NONE, END_ACCEPT, END_DROP, END_NAT, END_RETURN };

struct eval {
	const json_t *list; /* .nftables */
	const struct nft_packet *p;
	const char *family, *table;
	int depth;
	enum end foreign; /* what a rule of iptables may say, against what the chain does */
	enum end maybe;	  /* of the first rule that might match */
	const json_t *maybe_rule, *rule;
};

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static enum match both(enum match a, enum match b)
{
	if (a == NO || b == NO)
		return NO;
	return a == YES && b == YES ? YES : MAYBE;
}

static enum match either(enum match a, enum match b)
{
	if (a == YES || b == YES)
		return YES;
	return a == NO && b == NO ? NO : MAYBE;
}

static enum match known(bool is)
{
	return is ? YES : NO;
}

/* ---- values -------------------------------------------------------------- */

static enum match in_prefix(const struct prefix *what, const struct prefix *in)
{
	if (!addr_is_set(&what->addr))
		return MAYBE;
	if (what->addr.family != in->addr.family)
		return NO;
	if (prefix_contains(in, what))
		return YES;
	return prefix_contains(what, in) ? MAYBE : NO;
}

static enum match match_addr(const struct prefix *what, const json_t *v)
{
	const json_t *prefix = json_object_get(v, "prefix"), *range = json_object_get(v, "range");
	struct prefix in, end;
	char text[PREFIX_STRLEN + 8];

	if (prefix) {
		snprintf(text, sizeof(text), "%s/%lld", str(prefix, "addr"),
			 (long long)json_integer_value(json_object_get(prefix, "len")));
		return prefix_parse(text, &in) ? MAYBE : in_prefix(what, &in);
	}
	if (range) {
		const char *from = json_string_value(json_array_get(range, 0));
		const char *to = json_string_value(json_array_get(range, 1));

		if (!from || !to || prefix_parse(from, &in) || prefix_parse(to, &end))
			return MAYBE;
		/* Of a whole network only its first address is looked at: good enough to ask. */
		return addr_cmp(&what->addr, &in.addr) >= 0 && addr_cmp(&what->addr, &end.addr) <= 0
			       ? MAYBE
			       : NO;
	}
	if (!json_is_string(v) || prefix_parse(json_string_value(v), &in))
		return MAYBE;
	return in_prefix(what, &in);
}

static enum match match_port(unsigned port, const json_t *v)
{
	const json_t *range = json_object_get(v, "range");

	if (!port)
		return MAYBE;
	if (range)
		return known(port >= json_integer_value(json_array_get(range, 0)) &&
			     port <= json_integer_value(json_array_get(range, 1)));
	if (json_is_integer(v))
		return known(port == json_integer_value(v));
	return MAYBE;
}

static enum match match_proto(uint8_t proto, const json_t *v)
{
	const char *name = json_string_value(v);

	if (!proto)
		return MAYBE;
	if (json_is_integer(v))
		return known(proto == json_integer_value(v));
	if (!name)
		return MAYBE;
	return known(!strcmp(name, proto == IPPROTO_UDP	  ? "udp"
				   : proto == IPPROTO_ESP ? "esp"
							  : "?"));
}

/* "lan*" is every name that begins so. */
static enum match match_name(const char *name, const json_t *v)
{
	const char *want = json_string_value(v);
	size_t n = want ? strlen(want) : 0;

	if (!want)
		return MAYBE;
	if (!name)
		return NO;
	if (n && want[n - 1] == '*')
		return known(!strncmp(name, want, n - 1));
	return known(!strcmp(name, want));
}

static enum match match_family(const struct nft_packet *p, const json_t *v)
{
	const char *name = json_string_value(v);
	bool six = p->dst.addr.family == AF_INET6;

	if (!name || !addr_is_set(&p->dst.addr))
		return MAYBE;
	return known(!strcmp(name, six ? "ipv6" : "ipv4") || !strcmp(name, six ? "ip6" : "ip"));
}

static enum match match_ct_state(const struct nft_packet *p, const json_t *v)
{
	const char *name = json_string_value(v);

	return name ? known(!strcmp(name, p->answer ? "established" : "new")) : MAYBE;
}

static enum match match_payload(const struct nft_packet *p, const json_t *left, const json_t *v)
{
	const char *proto = str(left, "protocol"), *field = str(left, "field");
	bool ip = !strcmp(proto, "ip"), ip6 = !strcmp(proto, "ip6");

	if ((ip || ip6) && addr_is_set(&p->dst.addr) && (p->dst.addr.family == AF_INET6) != ip6)
		return NO;
	if ((ip || ip6) && !strcmp(field, "saddr"))
		return match_addr(&p->src, v);
	if ((ip || ip6) && !strcmp(field, "daddr"))
		return match_addr(&p->dst, v);
	if (!strcmp(field, "protocol") || !strcmp(field, "nexthdr"))
		return match_proto(p->proto, v);
	if (strcmp(field, "dport") && strcmp(field, "sport"))
		return MAYBE;
	if (p->proto && p->proto != IPPROTO_UDP)
		return NO;
	if (p->proto && strcmp(proto, "udp") && strcmp(proto, "th"))
		return NO;
	return match_port(p->port, v);
}

static enum match match_meta(const struct nft_packet *p, const char *key, const json_t *v)
{
	if (!strcmp(key, "iif") || !strcmp(key, "iifname"))
		return match_name(p->iif, v);
	if (!strcmp(key, "oif") || !strcmp(key, "oifname"))
		return match_name(p->oif, v);
	if (!strcmp(key, "l4proto"))
		return match_proto(p->proto, v);
	if (!strcmp(key, "nfproto") || !strcmp(key, "protocol"))
		return match_family(p, v);
	if (!strcmp(key, "ipsec") || !strcmp(key, "secpath"))
		return known(p->from_ipsec == json_is_true(v));
	return MAYBE;
}

static enum match match_one(const struct nft_packet *p, const json_t *left, const json_t *v)
{
	const json_t *elem = json_object_get(v, "elem"), *inner;

	if (elem)
		v = json_object_get(elem, "val");
	if ((inner = json_object_get(left, "payload")))
		return match_payload(p, inner, v);
	if ((inner = json_object_get(left, "meta")))
		return match_meta(p, str(inner, "key"), v);
	if ((inner = json_object_get(left, "rt")))
		return strcmp(str(inner, "key"), "ipsec") ? MAYBE
							  : known(p->to_ipsec == json_is_true(v));
	if ((inner = json_object_get(left, "ct")) && !strcmp(str(inner, "key"), "state"))
		return match_ct_state(p, v);
	return MAYBE;
}

static enum match match_any(const struct nft_packet *p, const json_t *left, const json_t *list)
{
	enum match m = NO;
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v) m = either(m, match_one(p, left, v));
	return m;
}

/* A set of the table, whole; NULL: it is not listed. */
static const json_t *named_set(const struct eval *e, const char *name)
{
	json_t *o;
	size_t i;

	json_array_foreach(e->list, i, o)
	{
		const json_t *set = json_object_get(o, "set");

		if (set && !strcmp(str(set, "name"), name) &&
		    !strcmp(str(set, "table"), e->table) && !strcmp(str(set, "family"), e->family))
			return set;
	}
	return NULL;
}

static enum match match_expr(const struct eval *e, const json_t *m)
{
	const json_t *left = json_object_get(m, "left"), *right = json_object_get(m, "right");
	const json_t *set = json_object_get(right, "set");
	const char *name = json_string_value(right);
	enum match is;

	if (name && *name == '@')
		is = (set = named_set(e, name + 1))
			     ? match_any(e->p, left, json_object_get(set, "elem"))
			     : MAYBE;
	else if (set || json_is_array(right))
		is = match_any(e->p, left, set ? set : right);
	else
		is = match_one(e->p, left, right);
	if (strcmp(str(m, "op"), "!="))
		return !strcmp(str(m, "op"), "==") || !strcmp(str(m, "op"), "in") ? is : MAYBE;
	return is == MAYBE ? MAYBE : known(is == NO);
}

/* ---- rules and chains ---------------------------------------------------- */

static enum end run_chain(struct eval *e, const char *chain);

static void might(struct eval *e, enum end end, const json_t *rule)
{
	if (e->maybe != END_NONE || end == END_NONE || end == END_RETURN)
		return;
	e->maybe = end;
	e->maybe_rule = rule;
}

static enum end run_verdict(struct eval *e, const json_t *x)
{
	const json_t *to = json_object_get(x, "jump");
	enum end end;

	if (json_object_get(x, "accept"))
		return END_ACCEPT;
	if (json_object_get(x, "drop") || json_object_get(x, "reject"))
		return END_DROP;
	if (json_object_get(x, "masquerade") || json_object_get(x, "snat"))
		return END_NAT;
	if (json_object_get(x, "return"))
		return END_RETURN;
	if (!to && !(to = json_object_get(x, "goto")))
		return END_NONE;
	end = run_chain(e, str(to, "target"));
	if (end == END_NONE && json_object_get(x, "goto"))
		return END_RETURN;
	return end == END_RETURN ? END_NONE : end;
}

static enum end run_vmap(struct eval *e, const json_t *vmap, const json_t *rule, enum match m)
{
	const json_t *set = json_object_get(json_object_get(vmap, "data"), "set");
	json_t *pair;
	size_t i;

	json_array_foreach(set, i, pair)
	{
		enum match is = both(
			m, match_one(e->p, json_object_get(vmap, "key"), json_array_get(pair, 0)));
		enum end end = is == NO ? END_NONE : run_verdict(e, json_array_get(pair, 1));

		if (is == MAYBE)
			might(e, end, rule);
		else if (is == YES)
			return end;
	}
	return END_NONE;
}

static enum end run_rule(struct eval *e, const json_t *rule)
{
	enum end end = END_NONE;
	enum match m = YES;
	json_t *x;
	size_t i;

	json_array_foreach(json_object_get(rule, "expr"), i, x)
	{
		const json_t *match = json_object_get(x, "match");

		if (match)
			m = both(m, match_expr(e, match));
		else if (json_object_get(x, "vmap"))
			end = run_vmap(e, json_object_get(x, "vmap"), rule, m);
		else if (json_object_get(x, "xt"))
			m = both(m, MAYBE), end = e->foreign;
		else
			end = run_verdict(e, x);
		if (m == NO)
			return END_NONE;
		if (end != END_NONE && end != e->foreign)
			break;
	}
	if (m == MAYBE) {
		might(e, end, rule);
		return END_NONE;
	}
	if (end != END_NONE && !e->rule)
		e->rule = rule;
	return end;
}

static enum end run_chain(struct eval *e, const char *chain)
{
	enum end end = END_NONE;
	json_t *o;
	size_t i;

	if (++e->depth > DEPTH_MAX)
		end = END_RETURN;
	json_array_foreach(e->list, i, o)
	{
		const json_t *rule = json_object_get(o, "rule");

		if (end != END_NONE || !rule || strcmp(str(rule, "chain"), chain) ||
		    strcmp(str(rule, "table"), e->table) || strcmp(str(rule, "family"), e->family))
			continue;
		end = run_rule(e, rule);
	}
	e->depth--;
	return end;
}

static enum nft_verdict verdict_of(enum end end, const json_t *chain)
{
	if (end == END_NAT)
		return NFT_NAT;
	if (end == END_DROP)
		return NFT_DROP;
	return end != END_ACCEPT && !strcmp(str(chain, "policy"), "drop") ? NFT_DROP : NFT_PASS;
}

static struct nft_result ask_base(const json_t *list, const json_t *chain,
				  const struct nft_packet *p)
{
	struct eval e = { .list = list,
			  .p = p,
			  .family = str(chain, "family"),
			  .table = str(chain, "table"),
			  .foreign = !strcmp(str(chain, "type"), "nat")	     ? END_NAT
				     : !strcmp(str(chain, "policy"), "drop") ? END_ACCEPT
									     : END_DROP };
	enum end end = run_chain(&e, str(chain, "name"));
	struct nft_result r = { verdict_of(end, chain), true, e.rule, chain };

	if (end == END_RETURN)
		r.rule = NULL;
	/* A rule that is not understood stands before: it may have said something else. */
	if (e.maybe != END_NONE && verdict_of(e.maybe, chain) != r.verdict) {
		r.certain = false;
		r.rule = e.maybe_rule;
	}
	return r;
}

static bool sees(const json_t *chain, const char *type, const char *hook,
		 const struct nft_packet *p)
{
	const char *family = str(chain, "family");
	bool six = p->dst.addr.family == AF_INET6;

	return !strcmp(str(chain, "hook"), hook) && !strcmp(str(chain, "type"), type) &&
	       (!strcmp(family, "inet") || !strcmp(family, six ? "ip6" : "ip"));
}

/* What matters more stays: a verdict that is not PASS, and of those the certain one. */
static bool outweighs(const struct nft_result *new, const struct nft_result *old)
{
	if (new->verdict != NFT_PASS)
		return old->verdict == NFT_PASS || (!old->certain && new->certain);
	return old->verdict == NFT_PASS && old->certain;
}

struct nft_result nft_ask(const json_t *ruleset, const char *type, const char *hook,
			  const struct nft_packet *p)
{
	const json_t *list = json_object_get(ruleset, "nftables");
	struct nft_result all = { NFT_PASS, true, NULL, NULL };
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		const json_t *chain = json_object_get(o, "chain");
		struct nft_result r;

		if (!chain || !sees(chain, type, hook, p))
			continue;
		r = ask_base(list, chain, p);
		if (outweighs(&r, &all))
			all = r;
	}
	return all;
}

bool nft_clamps_mss(const json_t *ruleset)
{
	json_t *o, *x;
	size_t i, j;

	json_array_foreach(json_object_get(ruleset, "nftables"), i, o)
		json_array_foreach(json_object_get(json_object_get(o, "rule"), "expr"), j, x)
	{
		const json_t *key = json_object_get(json_object_get(x, "mangle"), "key");

		if (!strcmp(str(json_object_get(key, "tcp option"), "name"), "maxseg"))
			return true;
	}
	return false;
}

const char *nft_place(const struct nft_result *r, char *buf, size_t size)
{
	char base[160];

	if (r->rule)
		snprintf(buf, size, "%s %s %s, handle %lld", str(r->rule, "family"),
			 str(r->rule, "table"), str(r->rule, "chain"),
			 (long long)json_integer_value(json_object_get(r->rule, "handle")));
	else
		snprintf(buf, size, "the policy of %s", nft_base(r, base, sizeof(base)));
	return buf;
}

const char *nft_base(const struct nft_result *r, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s %s", str(r->base, "family"), str(r->base, "table"),
		 str(r->base, "name"));
	return buf;
}
