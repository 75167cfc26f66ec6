// SPDX-License-Identifier: GPL-2.0
/*
 * Requests. What they read and change is under the namespace's mutex, which
 * the worker gives back between two looks; genl_mutex is never taken.
 */

#include "prefpeer.h"

static struct pp_net *pp_net_of(const struct sk_buff *skb)
{
	return pp_net_get(sock_net(skb->sk));
}

/* Shares that what the worker has been told to do may take, 0 = nothing. */
static u32 pp_pending(struct pp_net *pn)
{
	u32 shares = 0, all;
	bool sweep;

	mutex_lock(&pn->mutex);
	spin_lock_bh(&pn->lock);
	all = 1 + pn->n_tracked / (PP_SHARE / 8);
	if (pn->n_waiting)
		shares = 1 + pn->n_waiting / (PP_SHARE / PP_COST_SA);
	sweep = pn->owed || pn->sweep || pn->updated;
	spin_unlock_bh(&pn->lock);
	sweep |= pn->rule_sweep.next || pn->sa_sweep.next;
	if (sweep || !list_empty(&pn->dirty_pairs) ||
	    !list_empty(&pn->dirty_peers))
		shares += all;
	mutex_unlock(&pn->mutex);
	return shares;
}

/*
 * Who adds an SA or a rule and then asks finds it: what the worker has been
 * told to do, it does first. What comes meanwhile is not waited for.
 */
static void pp_settle(struct pp_net *pn)
{
	u32 turns = pp_pending(pn);

	while (turns--) {
		flush_delayed_work(&pn->work);
		if (!pp_pending(pn))
			break;
	}
}

static struct pp_req pp_req_of(struct genl_info *info, u32 max)
{
	return (struct pp_req){
		.tb = info->attrs,
		.max = max,
		.extack = info->extack,
	};
}

static int pp_missing(const struct pp_req *req, u32 attr)
{
	NL_SET_ERR_ATTR_MISS(req->extack, NULL, attr);
	return -EINVAL;
}

static int pp_need(const struct pp_req *req, const struct pp_filter *f,
		   u32 attr)
{
	return f->has & BIT_ULL(attr) ? 0 : pp_missing(req, attr);
}

static struct pp_sa *pp_sa_named(struct pp_net *pn, const struct pp_req *req,
				 const struct pp_filter *f)
{
	struct pp_sa *sa = ERR_PTR(-ESRCH);

	if (f->has & PP_F(SA_ID))
		sa = xa_load(&pn->sas_all.xa, f->sa_id) ? : sa;
	else if (pp_need(req, f, PREFPEER_A_DST_IPV4) ||
		 pp_need(req, f, PREFPEER_A_SPI) ||
		 pp_need(req, f, PREFPEER_A_PROTO))
		return ERR_PTR(-EINVAL);
	else if (pn->tab)
		sa = pp_sa_find(pn, f);

	/* what else is said of it has to be true */
	if (!IS_ERR(sa) && !pp_filter_sa(f, sa))
		sa = ERR_PTR(-ESRCH);
	if (sa == ERR_PTR(-ESRCH))
		NL_SET_ERR_MSG(req->extack, "SA is not tracked");
	if (sa == ERR_PTR(-ENOTUNIQ))
		NL_SET_ERR_MSG(req->extack,
			       "several SAs match, give mark and mark-mask");
	return sa;
}

/* Both ends of a pair or peer, as whole addresses. */
static int pp_ends_named(const struct pp_req *req, const struct pp_filter *f)
{
	u8 whole = f->family == AF_INET ? 32 : 128;
	int err;

	err = pp_need(req, f, PREFPEER_A_LOCAL_IPV4);
	if (!err)
		err = pp_need(req, f, PREFPEER_A_REMOTE_IPV4);
	if (err)
		return err;
	if (f->local.len == whole && f->remote.len == whole)
		return 0;
	NL_SET_ERR_MSG(req->extack, "one object is named by whole addresses");
	return -EINVAL;
}

static struct pp_pair *pp_pair_named(struct pp_net *pn,
				     const struct pp_req *req,
				     const struct pp_filter *f)
{
	struct pp_pair *pair = NULL;
	struct pp_pair_key key;

	if (f->has & PP_F(PAIR_ID)) {
		pair = xa_load(&pn->pairs_all.xa, f->pair_id);
	} else if (pp_ends_named(req, f) ||
		   pp_need(req, f, PREFPEER_A_REQID)) {
		return ERR_PTR(-EINVAL);
	} else if (pn->tab) {
		pp_pair_key_set(&key, &f->local.addr, &f->remote.addr,
				f->family, f->reqid);
		pair = pp_pair_find(pn, &key);
	}
	if (pair && pp_filter_pair(f, pair))
		return pair;
	NL_SET_ERR_MSG(req->extack, "no such pair");
	return ERR_PTR(-ENOENT);
}

static struct pp_peer *pp_peer_named(struct pp_net *pn,
				     const struct pp_req *req,
				     const struct pp_filter *f)
{
	struct pp_peer *peer = NULL;
	struct pp_peer_key key;

	if (f->has & PP_F(PEER_ID)) {
		peer = xa_load(&pn->peers_all.xa, f->peer_id);
	} else if (pp_ends_named(req, f)) {
		return ERR_PTR(-EINVAL);
	} else if (pn->tab) {
		pp_peer_key_set(&key, &f->local.addr, &f->remote.addr,
				f->family, f->port);
		peer = pp_peer_find(pn, &key);
	}
	if (peer && pp_filter_peer(f, peer))
		return peer;
	NL_SET_ERR_MSG(req->extack, "no such peer");
	return ERR_PTR(-ENOENT);
}

static struct pp_rule *pp_rule_named(struct pp_net *pn,
				     const struct pp_req *req, u32 id)
{
	struct pp_rule *rule = xa_load(&pn->rules_all.xa, id);

	if (rule)
		return rule;
	NL_SET_ERR_MSG_ATTR(req->extack, pp_attr(req, PREFPEER_A_RULE_ID),
			    "no such rule");
	return ERR_PTR(-ENOENT);
}

/**
 * struct pp_kind - a kind of object that can be asked for
 * @cmd: PREFPEER_CMD_*_GET
 * @max: highest attribute of the request
 * @ids: offset of its struct pp_ids in struct pp_net
 * @named: the one that a request names
 * @pass: does one pass a filter?
 * @fill: add one to a message
 */
struct pp_kind {
	u8 cmd;
	u32 max;
	size_t ids;
	void *(*named)(struct pp_net *pn, const struct pp_req *req,
		       const struct pp_filter *f);
	bool (*pass)(const struct pp_filter *f, const void *obj);
	int (*fill)(struct sk_buff *skb, struct pp_net *pn, void *obj);
};

static void *pp_sa_kind_named(struct pp_net *pn, const struct pp_req *req,
			      const struct pp_filter *f)
{
	return pp_sa_named(pn, req, f);
}

static int pp_sa_kind_fill(struct sk_buff *skb, struct pp_net *pn, void *obj)
{
	struct pp_sa *sa = obj;

	return pp_fill_sa(skb, pn, sa, sa->read);
}

static const struct pp_kind pp_sa_kind = {
	.cmd	= PREFPEER_CMD_SA_GET,
	.max	= PREFPEER_A_STATE,
	.ids	= offsetof(struct pp_net, sas_all),
	.named	= pp_sa_kind_named,
	.pass	= pp_filter_sa,
	.fill	= pp_sa_kind_fill,
};

static void *pp_pair_kind_named(struct pp_net *pn, const struct pp_req *req,
				const struct pp_filter *f)
{
	return pp_pair_named(pn, req, f);
}

/* Whoever is about to act on a verdict asks once more: has it moved since? */
static int pp_pair_kind_fill(struct sk_buff *skb, struct pp_net *pn, void *obj)
{
	struct pp_pair *pair = obj;

	pp_pair_refresh(pn, pair);
	return pp_fill_pair(skb, pn, pair, PREFPEER_REASON_NONE, pair->read);
}

static const struct pp_kind pp_pair_kind = {
	.cmd	= PREFPEER_CMD_PAIR_GET,
	.max	= PREFPEER_A_STATE,
	.ids	= offsetof(struct pp_net, pairs_all),
	.named	= pp_pair_kind_named,
	.pass	= pp_filter_pair,
	.fill	= pp_pair_kind_fill,
};

static void *pp_peer_kind_named(struct pp_net *pn, const struct pp_req *req,
				const struct pp_filter *f)
{
	return pp_peer_named(pn, req, f);
}

/* Who asks for a peer wants to know when it was heard, up to now. */
static int pp_peer_kind_fill(struct sk_buff *skb, struct pp_net *pn, void *obj)
{
	struct pp_peer *peer = obj;

	pp_peer_refresh(pn, peer);
	return pp_fill_peer(skb, pn, peer, peer->read);
}

static const struct pp_kind pp_peer_kind = {
	.cmd	= PREFPEER_CMD_PEER_GET,
	.max	= PREFPEER_A_STATE,
	.ids	= offsetof(struct pp_net, peers_all),
	.named	= pp_peer_kind_named,
	.pass	= pp_filter_peer,
	.fill	= pp_peer_kind_fill,
};

static void *pp_rule_kind_named(struct pp_net *pn, const struct pp_req *req,
				const struct pp_filter *f)
{
	if (pp_need(req, f, PREFPEER_A_RULE_ID))
		return ERR_PTR(-EINVAL);
	return pp_rule_named(pn, req, f->rule_id);
}

static int pp_rule_kind_fill(struct sk_buff *skb, struct pp_net *pn, void *obj)
{
	return pp_fill_rule(skb, pn, obj);
}

static const struct pp_kind pp_rule_kind = {
	.cmd	= PREFPEER_CMD_RULE_GET,
	.max	= PREFPEER_A_RULE_ID,
	.ids	= offsetof(struct pp_net, rules_all),
	.named	= pp_rule_kind_named,
	.pass	= pp_filter_rule,
	.fill	= pp_rule_kind_fill,
};

/*
 * Reading counters may have raised events, and changed what pairs and peers
 * depend on; the worker sends the ones and sees to the others.
 */
static void pp_send_soon(struct pp_net *pn)
{
	bool work = !list_empty(&pn->dirty_pairs) ||
		    !list_empty(&pn->dirty_peers);
	int i;

	for (i = 0; i < PP_GROUPS; i++)
		work |= !!pn->group[i].skb;
	if (!work)
		return;
	spin_lock_bh(&pn->lock);
	pp_kick(pn);
	spin_unlock_bh(&pn->lock);
}

static int pp_get_fill(struct sk_buff *skb, struct pp_net *pn,
		       const struct pp_kind *kind, struct genl_info *info)
{
	struct pp_req req = pp_req_of(info, kind->max);
	struct pp_filter f;
	void *hdr, *obj;
	int err;

	err = pp_filter_parse(&f, &req);
	if (err)
		return err;
	obj = kind->named(pn, &req, &f);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	hdr = genlmsg_put_reply(skb, info, &pp_family, 0, kind->cmd);
	if (!hdr)
		return -EMSGSIZE;
	err = kind->fill(skb, pn, obj);
	pp_send_soon(pn);
	if (!err)
		genlmsg_end(skb, hdr);
	return err;
}

static int pp_get_doit(const struct pp_kind *kind, struct genl_info *info)
{
	struct pp_net *pn = pp_net_get(genl_info_net(info));
	struct sk_buff *skb;
	int err;

	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	pp_settle(pn);
	mutex_lock(&pn->mutex);
	err = pp_get_fill(skb, pn, kind, info);
	mutex_unlock(&pn->mutex);
	if (!err)
		return genlmsg_reply(skb, info);
	nlmsg_free(skb);
	return err;
}

/**
 * struct pp_dump - where a dump is, in netlink_callback.ctx
 * @next: the id to go on with
 * @top: the highest id at the start, which ends it
 * @begun: it has begun
 */
struct pp_dump {
	unsigned long next;
	unsigned long top;
	bool begun;
};

static int pp_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
		       struct pp_net *pn, const struct pp_kind *kind,
		       bool filtered, void *obj)
{
	int flags = NLM_F_MULTI | (filtered ? NLM_F_DUMP_FILTERED : 0);
	void *hdr;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &pp_family, flags, kind->cmd);
	if (!hdr)
		return -EMSGSIZE;
	if (kind->cmd == PREFPEER_CMD_RULE_GET)
		genl_dump_check_consistent(cb, hdr);
	if (kind->fill(skb, pn, obj)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/*
 * By id, from the first to what was the last at the start: what lives all the
 * while appears exactly once, however much comes and goes.
 */
static void pp_dump_some(struct sk_buff *skb, struct netlink_callback *cb,
			 struct pp_net *pn, const struct pp_kind *kind,
			 const struct pp_filter *f)
{
	struct pp_dump *dump = (struct pp_dump *)cb->ctx;
	struct pp_ids *ids = (void *)pn + kind->ids;
	unsigned long id;
	void *obj;

	if (!dump->begun) {
		dump->begun = true;
		dump->top = ids->top;
	}
	cb->seq = pn->rule_gen + 1;
	id = dump->next;
	xa_for_each_range(&ids->xa, id, obj, dump->next, dump->top) {
		cond_resched();
		if (!kind->pass(f, obj))
			continue;
		if (pp_dump_one(skb, cb, pn, kind, f->has, obj)) {
			dump->next = id;
			return;
		}
	}
	dump->next = dump->top + 1;
}

static int pp_get_dumpit(const struct pp_kind *kind, struct sk_buff *skb,
			 struct netlink_callback *cb)
{
	struct pp_dump *dump = (struct pp_dump *)cb->ctx;
	struct pp_req req = {
		.tb = pp_genl_dump_attrs(cb),
		.max = kind->max,
		.extack = cb->extack,
	};
	struct pp_net *pn = pp_net_of(skb);
	struct pp_filter f;
	int err;

	BUILD_BUG_ON(sizeof(*dump) > sizeof(cb->ctx));
	err = pp_filter_parse(&f, &req);
	if (err)
		return err;
	if (f.has)
		cb->answer_flags |= NLM_F_DUMP_FILTERED;
	if (!dump->begun)
		pp_settle(pn);

	mutex_lock(&pn->mutex);
	pp_dump_some(skb, cb, pn, kind, &f);
	pp_send_soon(pn);
	mutex_unlock(&pn->mutex);
	return skb->len;
}

int prefpeer_nl_sa_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return pp_get_doit(&pp_sa_kind, info);
}

int prefpeer_nl_sa_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return pp_get_dumpit(&pp_sa_kind, skb, cb);
}

int prefpeer_nl_pair_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return pp_get_doit(&pp_pair_kind, info);
}

int prefpeer_nl_pair_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb)
{
	return pp_get_dumpit(&pp_pair_kind, skb, cb);
}

int prefpeer_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return pp_get_doit(&pp_peer_kind, info);
}

int prefpeer_nl_peer_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb)
{
	return pp_get_dumpit(&pp_peer_kind, skb, cb);
}

int prefpeer_nl_rule_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return pp_get_doit(&pp_rule_kind, info);
}

int prefpeer_nl_rule_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb)
{
	return pp_get_dumpit(&pp_rule_kind, skb, cb);
}

int prefpeer_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pp_net *pn = pp_net_get(genl_info_net(info));
	struct sk_buff *reply;
	void *hdr;
	int err = -EMSGSIZE;

	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	pp_settle(pn);
	hdr = genlmsg_put_reply(reply, info, &pp_family, 0,
				PREFPEER_CMD_INFO_GET);
	if (!hdr)
		goto free;
	mutex_lock(&pn->mutex);
	err = pp_fill_stats(reply, pn);
	mutex_unlock(&pn->mutex);
	if (err)
		goto free;
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);

free:
	nlmsg_free(reply);
	return err;
}

static int pp_sa_set(struct pp_net *pn, const struct pp_req *req,
		     struct pp_meta *meta)
{
	struct pp_filter f;
	struct pp_sa *sa;
	int err;

	err = pp_filter_parse(&f, req);
	if (err)
		return err;
	sa = pp_sa_named(pn, req, &f);
	if (IS_ERR(sa))
		return PTR_ERR(sa);

	pp_meta_put(sa->meta);
	sa->meta = pp_meta_get(meta);
	pp_pair_dirty(pn, sa->pair);
	spin_lock_bh(&pn->lock);
	pp_kick(pn);
	spin_unlock_bh(&pn->lock);
	return 0;
}

int prefpeer_nl_sa_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pp_req req = pp_req_of(info, PREFPEER_A_META);
	struct pp_net *pn = pp_net_get(genl_info_net(info));
	struct nlattr *attr = pp_attr(&req, PREFPEER_A_META);
	struct pp_meta *meta = NULL;
	int err;

	if (attr)
		meta = pp_meta_parse(attr, info->extack);
	if (IS_ERR(meta))
		return PTR_ERR(meta);
	pp_settle(pn);
	mutex_lock(&pn->mutex);
	err = pp_sa_set(pn, &req, meta);
	mutex_unlock(&pn->mutex);
	pp_meta_put(meta);
	return err;
}

int prefpeer_nl_peer_heard_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pp_req req = pp_req_of(info, PREFPEER_A_PEER_ID);
	struct pp_net *pn = pp_net_get(genl_info_net(info));
	struct pp_filter f;
	struct pp_peer *peer;
	u64 stamp;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, PREFPEER_A_STAMP))
		return -EINVAL;
	stamp = nla_get_u64(info->attrs[PREFPEER_A_STAMP]);
	if (stamp > ktime_get_boottime_ns()) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[PREFPEER_A_STAMP],
				    "stamp lies in the future");
		return -EINVAL;
	}
	err = pp_filter_parse(&f, &req);
	if (err)
		return err;

	pp_settle(pn);
	mutex_lock(&pn->mutex);
	peer = pp_peer_named(pn, &req, &f);
	if (!IS_ERR(peer)) {
		pp_peer_heard(pn, peer, stamp);
		pp_send_soon(pn);
	}
	mutex_unlock(&pn->mutex);
	return PTR_ERR_OR_ZERO(peer);
}

static struct pp_meta *pp_rule_meta(const struct pp_req *req)
{
	struct nlattr *attr = pp_attr(req, PREFPEER_A_META);

	if (!attr)
		return ERR_PTR(pp_missing(req, PREFPEER_A_META));
	return pp_meta_parse(attr, req->extack);
}

static int pp_rule_new_checked(struct pp_net *pn, const struct pp_req *req,
			       const struct pp_selector *sel,
			       struct pp_meta *meta, u32 *id)
{
	int err = pp_table_init(pn);

	if (err)
		return err;
	if (pp_rule_find(pn, sel)) {
		NL_SET_ERR_MSG(req->extack,
			       "a rule with these selectors exists");
		return -EEXIST;
	}
	if (pn->rules_all.n >= pp_limit_rules()) {
		NL_SET_ERR_MSG(req->extack,
			       "rule limit of this namespace reached");
		return -ENOSPC;
	}
	return pp_rule_new(pn, sel, meta, id);
}

static int pp_rule_reply(struct genl_info *info, struct sk_buff *skb, u32 id)
{
	void *hdr;

	hdr = genlmsg_put_reply(skb, info, &pp_family, 0,
				PREFPEER_CMD_RULE_NEW);
	if (!hdr || nla_put_u32(skb, PREFPEER_A_RULE_ID, id)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

int prefpeer_nl_rule_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pp_req req = pp_req_of(info, PREFPEER_A_META);
	struct pp_net *pn = pp_net_get(genl_info_net(info));
	struct pp_selector sel;
	struct pp_meta *meta;
	struct sk_buff *reply;
	u32 id;
	int err;

	err = pp_selector_parse(&sel, &req);
	if (err)
		return err;
	meta = pp_rule_meta(&req);
	if (IS_ERR(meta))
		return PTR_ERR(meta);
	/* before anything is changed: who is told of a failure may rely on it */
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply) {
		pp_meta_put(meta);
		return -ENOMEM;
	}
	mutex_lock(&pn->mutex);
	err = pp_rule_new_checked(pn, &req, &sel, meta, &id);
	mutex_unlock(&pn->mutex);
	pp_meta_put(meta);
	if (!err)
		return pp_rule_reply(info, reply, id);
	nlmsg_free(reply);
	return err;
}

int prefpeer_nl_rule_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pp_req req = pp_req_of(info, PREFPEER_A_META);
	struct pp_net *pn = pp_net_get(genl_info_net(info));
	struct pp_rule *rule;
	struct pp_meta *meta;

	if (GENL_REQ_ATTR_CHECK(info, PREFPEER_A_RULE_ID))
		return -EINVAL;
	meta = pp_rule_meta(&req);
	if (IS_ERR(meta))
		return PTR_ERR(meta);
	mutex_lock(&pn->mutex);
	rule = pp_rule_named(pn, &req,
			     nla_get_u32(info->attrs[PREFPEER_A_RULE_ID]));
	if (!IS_ERR(rule))
		pp_rule_set(pn, rule, meta);
	mutex_unlock(&pn->mutex);
	pp_meta_put(meta);
	return PTR_ERR_OR_ZERO(rule);
}

static bool pp_req_only_id(const struct pp_req *req)
{
	u32 attr;

	for (attr = 1; attr <= req->max; attr++)
		if (req->tb[attr] && attr != PREFPEER_A_RULE_ID)
			return false;
	return true;
}

/* The rule to be removed; @sel is set if it is named by its selectors. */
static struct pp_rule *pp_rule_doomed(struct pp_net *pn,
				      const struct pp_req *req,
				      const struct pp_selector *sel)
{
	struct nlattr *id = pp_attr(req, PREFPEER_A_RULE_ID);
	struct pp_rule *rule = NULL;

	if (id)
		return pp_rule_named(pn, req, nla_get_u32(id));
	if (pn->tab)
		rule = pp_rule_find(pn, sel);
	if (rule)
		return rule;
	NL_SET_ERR_MSG(req->extack, "no such rule");
	return ERR_PTR(-ENOENT);
}

int prefpeer_nl_rule_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pp_req req = pp_req_of(info, PREFPEER_A_RULE_ID);
	struct pp_net *pn = pp_net_get(genl_info_net(info));
	struct nlattr *id = pp_attr(&req, PREFPEER_A_RULE_ID);
	struct pp_selector sel = {};
	struct pp_rule *rule;
	int err = 0;

	if (id && !pp_req_only_id(&req)) {
		NL_SET_ERR_MSG_ATTR(info->extack, id,
				    "rule-id and selectors exclude each other");
		return -EINVAL;
	}
	if (!id)
		err = pp_selector_parse(&sel, &req);
	if (err)
		return err;
	mutex_lock(&pn->mutex);
	rule = pp_rule_doomed(pn, &req, &sel);
	if (!IS_ERR(rule))
		pp_rule_del(pn, rule);
	mutex_unlock(&pn->mutex);
	return PTR_ERR_OR_ZERO(rule);
}

/* SPIs and addresses are not for everyone in the namespace. */
static const struct genl_multicast_group pp_groups[] = {
	[PREFPEER_NLGRP_SA] = {
		.name	= PREFPEER_MCGRP_SA,
		.flags	= GENL_MCAST_CAP_NET_ADMIN,
	},
	[PREFPEER_NLGRP_PEER] = {
		.name	= PREFPEER_MCGRP_PEER,
		.flags	= GENL_MCAST_CAP_NET_ADMIN,
	},
	[PREFPEER_NLGRP_RULE] = {
		.name	= PREFPEER_MCGRP_RULE,
		.flags	= GENL_MCAST_CAP_NET_ADMIN,
	},
};

/*
 * resv_start_op stays 0: of every command the core refuses reserved header
 * bits, NLM_F_REPLACE and its like, and attributes without a policy.
 */
struct genl_family pp_family __ro_after_init = {
	.name		= PREFPEER_FAMILY_NAME,
	.version	= PREFPEER_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= prefpeer_nl_ops,
	.n_ops		= ARRAY_SIZE(prefpeer_nl_ops),
	.mcgrps		= pp_groups,
	.n_mcgrps	= ARRAY_SIZE(pp_groups),
};
