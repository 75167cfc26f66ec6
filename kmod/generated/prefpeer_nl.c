// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	uapi/netlink/specs/prefpeer.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "prefpeer_nl.h"

#include <uapi/linux/prefpeer.h>

/* Common nested types */
const struct nla_policy prefpeer_meta_nl_policy[PREFPEER_A_META_COOKIE + 1] = {
	[PREFPEER_A_META_MAP] = { .type = NLA_NUL_STRING, .len = PREFPEER_MAP_LEN, },
	[PREFPEER_A_META_MAP_SEQ] = { .type = NLA_U32, },
	[PREFPEER_A_META_INDEX] = { .type = NLA_U32, },
	[PREFPEER_A_META_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x3),
	[PREFPEER_A_META_IDLE_TIME] = { .type = NLA_U32, },
	[PREFPEER_A_META_ONE_WAY] = { .type = NLA_U32, },
	[PREFPEER_A_META_COOKIE] = { .type = NLA_U64, },
};

/* PREFPEER_CMD_INFO_GET - do */
const struct nla_policy prefpeer_info_get_nl_policy[PREFPEER_A_PAD + 1] = {
};

/* PREFPEER_CMD_SA_GET - do */
const struct nla_policy prefpeer_sa_get_nl_policy[PREFPEER_A_STATE + 1] = {
	[PREFPEER_A_SRC_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_SRC_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_DST_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_DST_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_LOCAL_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_LOCAL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_REMOTE_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_REMOTE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_LOCAL_LEN] = { .type = NLA_U8, },
	[PREFPEER_A_REMOTE_LEN] = { .type = NLA_U8, },
	[PREFPEER_A_SPI] = { .type = NLA_U32, },
	[PREFPEER_A_PROTO] = { .type = NLA_U8, },
	[PREFPEER_A_MARK] = { .type = NLA_U32, },
	[PREFPEER_A_MARK_MASK] = { .type = NLA_U32, },
	[PREFPEER_A_IF_ID] = { .type = NLA_U32, },
	[PREFPEER_A_REQID] = { .type = NLA_U32, },
	[PREFPEER_A_ENCAP_PORT] = { .type = NLA_U16, },
	[PREFPEER_A_DIR] = NLA_POLICY_MAX(NLA_U8, 2),
	[PREFPEER_A_SA_ID] = { .type = NLA_U32, },
	[PREFPEER_A_PAIR_ID] = { .type = NLA_U32, },
	[PREFPEER_A_PEER_ID] = { .type = NLA_U32, },
	[PREFPEER_A_RULE_ID] = { .type = NLA_U32, },
	[PREFPEER_A_STATE] = NLA_POLICY_MAX(NLA_U8, 1),
};

/* PREFPEER_CMD_SA_SET - do */
const struct nla_policy prefpeer_sa_set_nl_policy[PREFPEER_A_META + 1] = {
	[PREFPEER_A_DST_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_DST_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_SPI] = { .type = NLA_U32, },
	[PREFPEER_A_PROTO] = { .type = NLA_U8, },
	[PREFPEER_A_MARK] = { .type = NLA_U32, },
	[PREFPEER_A_MARK_MASK] = { .type = NLA_U32, },
	[PREFPEER_A_SA_ID] = { .type = NLA_U32, },
	[PREFPEER_A_META] = NLA_POLICY_NESTED(prefpeer_meta_nl_policy),
};

/* PREFPEER_CMD_PAIR_GET - do */
const struct nla_policy prefpeer_pair_get_nl_policy[PREFPEER_A_STATE + 1] = {
	[PREFPEER_A_LOCAL_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_LOCAL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_REMOTE_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_REMOTE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_LOCAL_LEN] = { .type = NLA_U8, },
	[PREFPEER_A_REMOTE_LEN] = { .type = NLA_U8, },
	[PREFPEER_A_REQID] = { .type = NLA_U32, },
	[PREFPEER_A_ENCAP_PORT] = { .type = NLA_U16, },
	[PREFPEER_A_PAIR_ID] = { .type = NLA_U32, },
	[PREFPEER_A_PEER_ID] = { .type = NLA_U32, },
	[PREFPEER_A_RULE_ID] = { .type = NLA_U32, },
	[PREFPEER_A_STATE] = NLA_POLICY_MAX(NLA_U8, 1),
};

/* PREFPEER_CMD_PEER_GET - do */
const struct nla_policy prefpeer_peer_get_nl_policy[PREFPEER_A_STATE + 1] = {
	[PREFPEER_A_LOCAL_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_LOCAL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_REMOTE_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_REMOTE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_LOCAL_LEN] = { .type = NLA_U8, },
	[PREFPEER_A_REMOTE_LEN] = { .type = NLA_U8, },
	[PREFPEER_A_ENCAP_PORT] = { .type = NLA_U16, },
	[PREFPEER_A_PEER_ID] = { .type = NLA_U32, },
	[PREFPEER_A_STATE] = NLA_POLICY_MAX(NLA_U8, 1),
};

/* PREFPEER_CMD_PEER_HEARD - do */
const struct nla_policy prefpeer_peer_heard_nl_policy[PREFPEER_A_PEER_ID + 1] = {
	[PREFPEER_A_STAMP] = { .type = NLA_U64, },
	[PREFPEER_A_LOCAL_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_LOCAL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_REMOTE_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_REMOTE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_ENCAP_PORT] = { .type = NLA_U16, },
	[PREFPEER_A_PEER_ID] = { .type = NLA_U32, },
};

/* PREFPEER_CMD_RULE_GET - do */
const struct nla_policy prefpeer_rule_get_nl_policy[PREFPEER_A_RULE_ID + 1] = {
	[PREFPEER_A_RULE_ID] = { .type = NLA_U32, },
};

/* PREFPEER_CMD_RULE_NEW - do */
const struct nla_policy prefpeer_rule_new_nl_policy[PREFPEER_A_META + 1] = {
	[PREFPEER_A_LOCAL_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_LOCAL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_REMOTE_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_REMOTE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_LOCAL_LEN] = { .type = NLA_U8, },
	[PREFPEER_A_REMOTE_LEN] = { .type = NLA_U8, },
	[PREFPEER_A_PROTO] = { .type = NLA_U8, },
	[PREFPEER_A_MARK] = { .type = NLA_U32, },
	[PREFPEER_A_MARK_MASK] = { .type = NLA_U32, },
	[PREFPEER_A_IF_ID] = { .type = NLA_U32, },
	[PREFPEER_A_REQID] = { .type = NLA_U32, },
	[PREFPEER_A_META] = NLA_POLICY_NESTED(prefpeer_meta_nl_policy),
};

/* PREFPEER_CMD_RULE_SET - do */
const struct nla_policy prefpeer_rule_set_nl_policy[PREFPEER_A_META + 1] = {
	[PREFPEER_A_RULE_ID] = { .type = NLA_U32, },
	[PREFPEER_A_META] = NLA_POLICY_NESTED(prefpeer_meta_nl_policy),
};

/* PREFPEER_CMD_RULE_DEL - do */
const struct nla_policy prefpeer_rule_del_nl_policy[PREFPEER_A_RULE_ID + 1] = {
	[PREFPEER_A_LOCAL_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_LOCAL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_REMOTE_IPV4] = { .type = NLA_U32, },
	[PREFPEER_A_REMOTE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[PREFPEER_A_LOCAL_LEN] = { .type = NLA_U8, },
	[PREFPEER_A_REMOTE_LEN] = { .type = NLA_U8, },
	[PREFPEER_A_PROTO] = { .type = NLA_U8, },
	[PREFPEER_A_MARK] = { .type = NLA_U32, },
	[PREFPEER_A_MARK_MASK] = { .type = NLA_U32, },
	[PREFPEER_A_IF_ID] = { .type = NLA_U32, },
	[PREFPEER_A_REQID] = { .type = NLA_U32, },
	[PREFPEER_A_RULE_ID] = { .type = NLA_U32, },
};

/* Ops table for prefpeer */
const struct genl_ops prefpeer_nl_ops[10] = {
	{
		.cmd		= PREFPEER_CMD_INFO_GET,
		.doit		= prefpeer_nl_info_get_doit,
		.policy		= prefpeer_info_get_nl_policy,
		.maxattr	= PREFPEER_A_PAD,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= PREFPEER_CMD_SA_GET,
		.doit		= prefpeer_nl_sa_get_doit,
		.dumpit		= prefpeer_nl_sa_get_dumpit,
		.policy		= prefpeer_sa_get_nl_policy,
		.maxattr	= PREFPEER_A_STATE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= PREFPEER_CMD_SA_SET,
		.doit		= prefpeer_nl_sa_set_doit,
		.policy		= prefpeer_sa_set_nl_policy,
		.maxattr	= PREFPEER_A_META,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= PREFPEER_CMD_PAIR_GET,
		.doit		= prefpeer_nl_pair_get_doit,
		.dumpit		= prefpeer_nl_pair_get_dumpit,
		.policy		= prefpeer_pair_get_nl_policy,
		.maxattr	= PREFPEER_A_STATE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= PREFPEER_CMD_PEER_GET,
		.doit		= prefpeer_nl_peer_get_doit,
		.dumpit		= prefpeer_nl_peer_get_dumpit,
		.policy		= prefpeer_peer_get_nl_policy,
		.maxattr	= PREFPEER_A_STATE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= PREFPEER_CMD_PEER_HEARD,
		.doit		= prefpeer_nl_peer_heard_doit,
		.policy		= prefpeer_peer_heard_nl_policy,
		.maxattr	= PREFPEER_A_PEER_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= PREFPEER_CMD_RULE_GET,
		.doit		= prefpeer_nl_rule_get_doit,
		.dumpit		= prefpeer_nl_rule_get_dumpit,
		.policy		= prefpeer_rule_get_nl_policy,
		.maxattr	= PREFPEER_A_RULE_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= PREFPEER_CMD_RULE_NEW,
		.doit		= prefpeer_nl_rule_new_doit,
		.policy		= prefpeer_rule_new_nl_policy,
		.maxattr	= PREFPEER_A_META,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= PREFPEER_CMD_RULE_SET,
		.doit		= prefpeer_nl_rule_set_doit,
		.policy		= prefpeer_rule_set_nl_policy,
		.maxattr	= PREFPEER_A_META,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= PREFPEER_CMD_RULE_DEL,
		.doit		= prefpeer_nl_rule_del_doit,
		.policy		= prefpeer_rule_del_nl_policy,
		.maxattr	= PREFPEER_A_RULE_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};

static const struct genl_multicast_group prefpeer_nl_mcgrps[] = {
	[PREFPEER_NLGRP_SA] = { "sa", },
	[PREFPEER_NLGRP_PEER] = { "peer", },
	[PREFPEER_NLGRP_RULE] = { "rule", },
};
