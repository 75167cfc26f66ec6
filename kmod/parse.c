// SPDX-License-Identifier: GPL-2.0
/* Requests: from attributes to filters and selectors, refusing what is wrong. */

#include "prefpeer.h"

/**
 * pp_attr() - an attribute of a request
 * @req: the request
 * @attr: PREFPEER_A_*
 *
 * Return: NULL if it is absent, or its command does not know it.
 */
struct nlattr *pp_attr(const struct pp_req *req, u32 attr)
{
	return attr <= req->max ? req->tb[attr] : NULL;
}

/* One address under its two names; f->has counts it under that for IPv4. */
static int pp_addr_parse(struct pp_filter *f, const struct pp_req *req,
			 u32 attr4, xfrm_address_t *addr)
{
	struct nlattr *a4 = pp_attr(req, attr4);
	struct nlattr *a6 = pp_attr(req, attr4 + 1);
	u16 family = a4 ? AF_INET : AF_INET6;

	if (!a4 && !a6)
		return 0;
	if ((a4 && a6) || (f->family && f->family != family)) {
		NL_SET_ERR_MSG_ATTR(req->extack, a6 ? a6 : a4,
				    "addresses are of different families");
		return -EINVAL;
	}
	f->family = family;
	f->has |= BIT_ULL(attr4);
	if (a4)
		addr->a4 = nla_get_in_addr(a4);
	else
		addr->in6 = nla_get_in6_addr(a6);
	return 0;
}

static int pp_len_parse(struct pp_filter *f, const struct pp_req *req,
			u32 attr4, u32 attr_len, struct pp_prefix *p)
{
	struct nlattr *len = pp_attr(req, attr_len);
	struct nlattr *addr = pp_attr(req, attr4);
	struct pp_prefix masked;

	p->len = f->family == AF_INET ? 32 : 128;
	if (!len)
		return 0;
	if (!(f->has & BIT_ULL(attr4))) {
		NL_SET_ERR_ATTR_MISS(req->extack, NULL, attr4);
		return -EINVAL;
	}
	if (nla_get_u8(len) > p->len) {
		NL_SET_ERR_MSG_ATTR(req->extack, len,
				    "prefix longer than the address");
		return -EINVAL;
	}
	p->len = nla_get_u8(len);
	pp_prefix_set(&masked, &p->addr, p->len);
	if (!memcmp(&masked, p, sizeof(masked)))
		return 0;
	NL_SET_ERR_MSG_ATTR(req->extack, addr ? addr : pp_attr(req, attr4 + 1),
			    "address has bits beyond its prefix");
	return -EINVAL;
}

static int pp_addrs_parse(struct pp_filter *f, const struct pp_req *req)
{
	int err;

	err = pp_addr_parse(f, req, PREFPEER_A_SRC_IPV4, &f->src);
	if (!err)
		err = pp_addr_parse(f, req, PREFPEER_A_DST_IPV4, &f->dst);
	if (!err)
		err = pp_addr_parse(f, req, PREFPEER_A_LOCAL_IPV4,
				    &f->local.addr);
	if (!err)
		err = pp_addr_parse(f, req, PREFPEER_A_REMOTE_IPV4,
				    &f->remote.addr);
	if (!err)
		err = pp_len_parse(f, req, PREFPEER_A_LOCAL_IPV4,
				   PREFPEER_A_LOCAL_LEN, &f->local);
	if (!err)
		err = pp_len_parse(f, req, PREFPEER_A_REMOTE_IPV4,
				   PREFPEER_A_REMOTE_LEN, &f->remote);
	return err;
}

static int pp_mark_parse(struct pp_filter *f, const struct pp_req *req)
{
	struct nlattr *mask = pp_attr(req, PREFPEER_A_MARK_MASK);

	if (mask && !pp_attr(req, PREFPEER_A_MARK)) {
		NL_SET_ERR_ATTR_MISS(req->extack, NULL, PREFPEER_A_MARK);
		return -EINVAL;
	}
	f->mark.m = mask ? nla_get_u32(mask) : U32_MAX;
	if (pp_attr(req, PREFPEER_A_MARK)) {
		/* as it is: an SA may have bits that its mask does not */
		f->mark.v = nla_get_u32(pp_attr(req, PREFPEER_A_MARK));
		f->has |= PP_F(MARK);
	}
	return 0;
}

static int pp_proto_parse(struct pp_filter *f, const struct pp_req *req)
{
	struct nlattr *attr = pp_attr(req, PREFPEER_A_PROTO);

	if (!attr)
		return 0;
	f->proto = nla_get_u8(attr);
	f->has |= PP_F(PROTO);
	if (f->proto == IPPROTO_ESP || f->proto == IPPROTO_AH)
		return 0;
	NL_SET_ERR_MSG_ATTR(req->extack, attr, "proto must be esp or ah");
	return -EINVAL;
}

static void pp_u32_parse(struct pp_filter *f, const struct pp_req *req,
			 u32 attr, u32 *value)
{
	if (!pp_attr(req, attr))
		return;
	*value = nla_get_u32(req->tb[attr]);
	f->has |= BIT_ULL(attr);
}

static void pp_u8_parse(struct pp_filter *f, const struct pp_req *req,
			u32 attr, u8 *value)
{
	if (!pp_attr(req, attr))
		return;
	*value = nla_get_u8(req->tb[attr]);
	f->has |= BIT_ULL(attr);
}

/**
 * pp_filter_parse() - which objects a request is about
 * @f: result
 * @req: the request
 *
 * Return: 0 or -EINVAL, with a sentence.
 */
int pp_filter_parse(struct pp_filter *f, const struct pp_req *req)
{
	int err;

	memset(f, 0, sizeof(*f));
	err = pp_addrs_parse(f, req);
	if (!err)
		err = pp_mark_parse(f, req);
	if (!err)
		err = pp_proto_parse(f, req);
	if (err)
		return err;

	if (pp_attr(req, PREFPEER_A_SPI)) {
		f->spi = nla_get_be32(req->tb[PREFPEER_A_SPI]);
		f->has |= PP_F(SPI);
	}
	if (pp_attr(req, PREFPEER_A_ENCAP_PORT)) {
		f->port = nla_get_be16(req->tb[PREFPEER_A_ENCAP_PORT]);
		f->has |= PP_F(ENCAP_PORT);
	}
	pp_u32_parse(f, req, PREFPEER_A_IF_ID, &f->if_id);
	pp_u32_parse(f, req, PREFPEER_A_REQID, &f->reqid);
	pp_u32_parse(f, req, PREFPEER_A_SA_ID, &f->sa_id);
	pp_u32_parse(f, req, PREFPEER_A_PAIR_ID, &f->pair_id);
	pp_u32_parse(f, req, PREFPEER_A_PEER_ID, &f->peer_id);
	pp_u32_parse(f, req, PREFPEER_A_RULE_ID, &f->rule_id);
	pp_u8_parse(f, req, PREFPEER_A_DIR, &f->dir);
	pp_u8_parse(f, req, PREFPEER_A_STATE, &f->state);
	return 0;
}

/**
 * pp_selector_parse() - the selectors of a rule
 * @sel: result
 * @req: the request
 *
 * Return: 0 or -EINVAL, with a sentence.
 */
int pp_selector_parse(struct pp_selector *sel, const struct pp_req *req)
{
	struct pp_filter f;
	int err;

	memset(sel, 0, sizeof(*sel));
	err = pp_filter_parse(&f, req);
	if (err)
		return err;
	if (!(f.has & PP_F(REMOTE_IPV4))) {
		NL_SET_ERR_ATTR_MISS(req->extack, NULL,
				     PREFPEER_A_REMOTE_IPV4);
		return -EINVAL;
	}
	sel->family = f.family;
	memcpy(&sel->remote, &f.remote, sizeof(sel->remote));
	if (f.has & PP_F(LOCAL_IPV4)) {
		memcpy(&sel->local, &f.local, sizeof(sel->local));
		sel->has |= PP_SEL_LOCAL;
	}
	if (f.has & PP_F(MARK)) {
		sel->mark = f.mark;
		sel->mark.v &= sel->mark.m;
		sel->has |= PP_SEL_MARK;
	}
	sel->reqid = f.reqid;
	sel->if_id = f.if_id;
	sel->proto = f.proto;
	sel->has |= (f.has & PP_F(REQID) ? PP_SEL_REQID : 0) |
		    (f.has & PP_F(IF_ID) ? PP_SEL_IF_ID : 0) |
		    (f.has & PP_F(PROTO) ? PP_SEL_PROTO : 0);
	return 0;
}

/* Not asked for, or as asked for. */
#define PP_ASK(f, attr, cond)	(!((f)->has & PP_F(attr)) || (cond))

static bool pp_ask_ends(const struct pp_filter *f, const xfrm_address_t *local,
			const xfrm_address_t *remote)
{
	return PP_ASK(f, LOCAL_IPV4, pp_prefix_has(&f->local, local)) &&
	       PP_ASK(f, REMOTE_IPV4, pp_prefix_has(&f->remote, remote));
}

/* Where our end is not known, either may be it. */
static bool pp_ask_pair_ends(const struct pp_filter *f,
			     const xfrm_address_t *low,
			     const xfrm_address_t *high, u8 local)
{
	return (local != PP_LOCAL_HIGH && pp_ask_ends(f, low, high)) ||
	       (local != PP_LOCAL_LOW && pp_ask_ends(f, high, low));
}

static bool pp_ask_family(const struct pp_filter *f, u16 family)
{
	return !f->family || f->family == family;
}

static bool pp_ask_ids(const struct pp_filter *f, const struct pp_pair *pair)
{
	return PP_ASK(f, PAIR_ID, f->pair_id == pair->id) &&
	       PP_ASK(f, PEER_ID, pair->peer && f->peer_id == pair->peer->id);
}

static bool pp_ask_rule(const struct pp_filter *f, const struct pp_pair *pair)
{
	return pair->rule && f->rule_id == pair->rule->id;
}

static bool pp_ask_port(const struct pp_filter *f, const struct pp_pair *pair)
{
	return pair->peer && f->port == pair->peer->key.port;
}

static bool pp_ask_x(const struct pp_filter *f, const struct xfrm_state *x)
{
	u16 family = x->props.family;

	return PP_ASK(f, SRC_IPV4,
		      xfrm_addr_equal(&f->src, &x->props.saddr, family)) &&
	       PP_ASK(f, DST_IPV4,
		      xfrm_addr_equal(&f->dst, &x->id.daddr, family)) &&
	       PP_ASK(f, SPI, f->spi == x->id.spi) &&
	       PP_ASK(f, PROTO, f->proto == x->id.proto) &&
	       PP_ASK(f, MARK, !((x->mark.v ^ f->mark.v) & f->mark.m)) &&
	       PP_ASK(f, IF_ID, f->if_id == READ_ONCE(x->if_id)) &&
	       PP_ASK(f, REQID, f->reqid == x->props.reqid);
}

/**
 * pp_filter_sa() - does an SA pass?
 * @f: the filter
 * @obj: struct pp_sa, in a pair
 */
bool pp_filter_sa(const struct pp_filter *f, const void *obj)
{
	const struct pp_sa *sa = obj;
	const struct pp_pair *pair = sa->pair;
	const struct pp_pair_key *key = &pair->key;

	return pp_ask_family(f, key->family) &&
	       pp_ask_x(f, sa->x) &&
	       pp_ask_pair_ends(f, &key->low, &key->high, pair->local) &&
	       pp_ask_ids(f, pair) &&
	       PP_ASK(f, ENCAP_PORT, f->port == pp_sa_remote_port(sa)) &&
	       PP_ASK(f, DIR, f->dir == sa->dir) &&
	       PP_ASK(f, SA_ID, f->sa_id == sa->id) &&
	       PP_ASK(f, RULE_ID, !sa->meta && pp_ask_rule(f, pair)) &&
	       PP_ASK(f, STATE, f->state == sa->state);
}

/**
 * pp_filter_pair() - does a pair pass?
 * @f: the filter
 * @obj: struct pp_pair
 */
bool pp_filter_pair(const struct pp_filter *f, const void *obj)
{
	const struct pp_pair *pair = obj;
	const struct pp_pair_key *key = &pair->key;

	return pp_ask_family(f, key->family) &&
	       pp_ask_pair_ends(f, &key->low, &key->high, pair->local) &&
	       pp_ask_ids(f, pair) &&
	       PP_ASK(f, REQID, f->reqid == key->reqid) &&
	       PP_ASK(f, ENCAP_PORT, pp_ask_port(f, pair)) &&
	       PP_ASK(f, RULE_ID, pp_ask_rule(f, pair)) &&
	       PP_ASK(f, STATE, f->state == pair->state);
}

/**
 * pp_filter_peer() - does a peer pass?
 * @f: the filter
 * @obj: struct pp_peer
 */
bool pp_filter_peer(const struct pp_filter *f, const void *obj)
{
	const struct pp_peer *peer = obj;
	const struct pp_peer_key *key = &peer->key;

	return pp_ask_family(f, key->family) &&
	       pp_ask_pair_ends(f, &key->low, &key->high, peer->local) &&
	       PP_ASK(f, ENCAP_PORT, f->port == key->port) &&
	       PP_ASK(f, PEER_ID, f->peer_id == peer->id) &&
	       PP_ASK(f, STATE, f->state == peer->state);
}

/**
 * pp_filter_rule() - does a rule pass?
 * @f: the filter
 * @obj: struct pp_rule
 */
bool pp_filter_rule(const struct pp_filter *f, const void *obj)
{
	const struct pp_rule *rule = obj;

	return PP_ASK(f, RULE_ID, f->rule_id == rule->id);
}
