/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	uapi/netlink/specs/prefpeer.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_PREFPEER_GEN_H
#define _LINUX_PREFPEER_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/prefpeer.h>

/* Common nested types */
extern const struct nla_policy prefpeer_meta_nl_policy[PREFPEER_A_META_COOKIE + 1];

extern const struct nla_policy prefpeer_info_get_nl_policy[PREFPEER_A_PAD + 1];

extern const struct nla_policy prefpeer_sa_get_nl_policy[PREFPEER_A_STATE + 1];

extern const struct nla_policy prefpeer_sa_set_nl_policy[PREFPEER_A_META + 1];

extern const struct nla_policy prefpeer_pair_get_nl_policy[PREFPEER_A_STATE + 1];

extern const struct nla_policy prefpeer_peer_get_nl_policy[PREFPEER_A_STATE + 1];

extern const struct nla_policy prefpeer_peer_heard_nl_policy[PREFPEER_A_PEER_ID + 1];

extern const struct nla_policy prefpeer_rule_get_nl_policy[PREFPEER_A_RULE_ID + 1];

extern const struct nla_policy prefpeer_rule_new_nl_policy[PREFPEER_A_META + 1];

extern const struct nla_policy prefpeer_rule_set_nl_policy[PREFPEER_A_META + 1];

extern const struct nla_policy prefpeer_rule_del_nl_policy[PREFPEER_A_RULE_ID + 1];

/* Ops table for prefpeer */
extern const struct genl_ops prefpeer_nl_ops[10];

int prefpeer_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info);
int prefpeer_nl_sa_get_doit(struct sk_buff *skb, struct genl_info *info);
int prefpeer_nl_sa_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int prefpeer_nl_sa_set_doit(struct sk_buff *skb, struct genl_info *info);
int prefpeer_nl_pair_get_doit(struct sk_buff *skb, struct genl_info *info);
int prefpeer_nl_pair_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int prefpeer_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info);
int prefpeer_nl_peer_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int prefpeer_nl_peer_heard_doit(struct sk_buff *skb, struct genl_info *info);
int prefpeer_nl_rule_get_doit(struct sk_buff *skb, struct genl_info *info);
int prefpeer_nl_rule_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int prefpeer_nl_rule_new_doit(struct sk_buff *skb, struct genl_info *info);
int prefpeer_nl_rule_set_doit(struct sk_buff *skb, struct genl_info *info);
int prefpeer_nl_rule_del_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	PREFPEER_NLGRP_SA,
	PREFPEER_NLGRP_PEER,
	PREFPEER_NLGRP_RULE,
};

#endif /* _LINUX_PREFPEER_GEN_H */
