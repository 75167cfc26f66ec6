// SPDX-License-Identifier: GPL-2.0
/* Metadata: parsed once, never changed, shared by reference. */

#include <linux/slab.h>

#include "prefpeer.h"

#define PP_IDLE_MIN_MS		100
#define PP_IDLE_MAX_MS		86400000
#define PP_ONE_WAY_MIN_MS	50
#define PP_ONE_WAY_MAX_MS	3600000

/**
 * pp_meta_get() - take a reference
 * @meta: metadata or NULL
 *
 * Return: @meta.
 */
struct pp_meta *pp_meta_get(struct pp_meta *meta)
{
	if (meta)
		refcount_inc(&meta->ref);
	return meta;
}

/**
 * pp_meta_put() - give a reference back
 * @meta: metadata or NULL
 */
void pp_meta_put(struct pp_meta *meta)
{
	if (meta && refcount_dec_and_test(&meta->ref))
		kfree(meta);
}

static bool pp_range(u32 value, u32 low, u32 high)
{
	return !value || (value >= low && value <= high);
}

static int pp_meta_check(const struct pp_meta *meta, struct nlattr **tb,
			 struct netlink_ext_ack *extack)
{
	if (!pp_range(meta->idle_time, PP_IDLE_MIN_MS, PP_IDLE_MAX_MS)) {
		NL_SET_ERR_MSG_ATTR(extack, tb[PREFPEER_A_META_IDLE_TIME],
				    "idle-time must be 0 or 100..86400000 ms");
		return -EINVAL;
	}
	if (!pp_range(meta->one_way, PP_ONE_WAY_MIN_MS, PP_ONE_WAY_MAX_MS)) {
		NL_SET_ERR_MSG_ATTR(extack, tb[PREFPEER_A_META_ONE_WAY],
				    "one-way must be 0 or 50..3600000 ms");
		return -EINVAL;
	}
	if ((meta->flags & PREFPEER_META_FLAG_EXPIRE) && !meta->idle_time) {
		NL_SET_ERR_MSG_ATTR(extack, tb[PREFPEER_A_META_FLAGS],
				    "expire needs idle-time");
		return -EINVAL;
	}
	return 0;
}

static void pp_meta_u32(struct pp_meta *meta, struct nlattr **tb, int attr,
			u32 *value)
{
	if (!tb[attr])
		return;
	*value = nla_get_u32(tb[attr]);
	meta->has |= BIT(attr);
}

static void pp_meta_read(struct pp_meta *meta, struct nlattr **tb)
{
	if (tb[PREFPEER_A_META_MAP]) {
		nla_strscpy(meta->map, tb[PREFPEER_A_META_MAP],
			    sizeof(meta->map));
		meta->has |= BIT(PREFPEER_A_META_MAP);
	}
	if (tb[PREFPEER_A_META_COOKIE]) {
		meta->cookie = nla_get_u64(tb[PREFPEER_A_META_COOKIE]);
		meta->has |= BIT(PREFPEER_A_META_COOKIE);
	}
	pp_meta_u32(meta, tb, PREFPEER_A_META_MAP_SEQ, &meta->map_seq);
	pp_meta_u32(meta, tb, PREFPEER_A_META_INDEX, &meta->index);
	pp_meta_u32(meta, tb, PREFPEER_A_META_FLAGS, &meta->flags);
	pp_meta_u32(meta, tb, PREFPEER_A_META_IDLE_TIME, &meta->idle_time);
	pp_meta_u32(meta, tb, PREFPEER_A_META_ONE_WAY, &meta->one_way);
}

/**
 * pp_meta_parse() - metadata of a request
 * @attr: PREFPEER_A_META
 * @extack: for what is wrong with it
 *
 * Return: with one reference, or ERR_PTR().
 */
struct pp_meta *pp_meta_parse(struct nlattr *attr,
			      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[PREFPEER_A_META_MAX + 1];
	struct pp_meta *meta;
	int err;

	err = nla_parse_nested(tb, PREFPEER_A_META_COOKIE, attr,
			       prefpeer_meta_nl_policy, extack);
	if (err)
		return ERR_PTR(err);
	meta = kzalloc(sizeof(*meta), GFP_KERNEL_ACCOUNT);
	if (!meta)
		return ERR_PTR(-ENOMEM);
	refcount_set(&meta->ref, 1);
	pp_meta_read(meta, tb);

	err = pp_meta_check(meta, tb, extack);
	if (err) {
		kfree(meta);
		return ERR_PTR(err);
	}
	return meta;
}

static int pp_meta_put_u32(struct sk_buff *skb, const struct pp_meta *meta,
			   int attr, u32 value)
{
	return meta->has & BIT(attr) ? nla_put_u32(skb, attr, value) : 0;
}

/**
 * pp_meta_fill() - add metadata to a message
 * @skb: the message
 * @meta: metadata or NULL
 *
 * Return: 0 or -EMSGSIZE.
 */
int pp_meta_fill(struct sk_buff *skb, const struct pp_meta *meta)
{
	struct nlattr *nest;

	if (!meta)
		return 0;
	nest = nla_nest_start(skb, PREFPEER_A_META);
	if (!nest)
		return -EMSGSIZE;
	if ((meta->has & BIT(PREFPEER_A_META_MAP) &&
	     nla_put_string(skb, PREFPEER_A_META_MAP, meta->map)) ||
	    pp_meta_put_u32(skb, meta, PREFPEER_A_META_MAP_SEQ,
			    meta->map_seq) ||
	    pp_meta_put_u32(skb, meta, PREFPEER_A_META_INDEX, meta->index) ||
	    pp_meta_put_u32(skb, meta, PREFPEER_A_META_FLAGS, meta->flags) ||
	    pp_meta_put_u32(skb, meta, PREFPEER_A_META_IDLE_TIME,
			    meta->idle_time) ||
	    pp_meta_put_u32(skb, meta, PREFPEER_A_META_ONE_WAY,
			    meta->one_way) ||
	    (meta->has & BIT(PREFPEER_A_META_COOKIE) &&
	     nla_put_u64_64bit(skb, PREFPEER_A_META_COOKIE, meta->cookie,
			       PREFPEER_A_META_PAD))) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}
