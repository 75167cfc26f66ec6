// SPDX-License-Identifier: GPL-2.0-or-later
/* Access lists; semantics.md §4.1. */
#include "prefpeerd/conf/table.h"

#define PROTO_NOT_YET(w) \
	REFUSE(w, "protocol " w " in an access list is not supported yet", \
	       "only whole addresses: `permit ip` or `permit ipv6`")
#define PROTOS_NOT_YET \
	PROTO_NOT_YET("tcp"), PROTO_NOT_YET("udp"), PROTO_NOT_YET("sctp"), PROTO_NOT_YET("icmp"), \
	PROTO_NOT_YET("gre"), PROTO_NOT_YET("esp"), PROTO_NOT_YET("ahp"), PROTO_NOT_YET("ospf"), \
	PROTO_NOT_YET("eigrp"), PROTO_NOT_YET("igmp"), PROTO_NOT_YET("pim"), \
	PROTO_NOT_YET("ipinip"), PROTO_NOT_YET("object-group")

/* Source and destination are written alike; what follows differs. */
#define SIDE4(addr_slot, wild_slot, ...) \
	KW("any", "any address", __VA_ARGS__), \
	KW("host", "a single address", \
	   NEXT(ARG(ARG_IPV4, "A.B.C.D", "the address", .slot = addr_slot, __VA_ARGS__))), \
	ARG(ARG_PREFIX4, "A.B.C.D/LEN", "a prefix", .slot = addr_slot, __VA_ARGS__), \
	ARG(ARG_IPV4, "A.B.C.D", "an address, with a wildcard", .slot = addr_slot, \
	    NEXT(ARG(ARG_IPV4, "WILDCARD", "bits that do not matter, as 0.0.0.255", \
		     .slot = wild_slot, __VA_ARGS__)))
#define SIDE6(addr_slot, ...) \
	KW("any", "any address", __VA_ARGS__), \
	KW("host", "a single address", \
	   NEXT(ARG(ARG_IPV6, "X:X::X", "the address", .slot = addr_slot, __VA_ARGS__))), \
	ARG(ARG_PREFIX6, "X:X::X/LEN", "a prefix", .slot = addr_slot, __VA_ARGS__)

static const struct node acl4_dst[] = { SIDE4(SLOT_DST, SLOT_DST_WILD, .run = cmd_acl_line),
					{ 0 } };
static const struct node acl4_src[] = { SIDE4(SLOT_SRC, SLOT_SRC_WILD, .next = acl4_dst), { 0 } };
static const struct node acl4_proto[] = {
	KW("ip", "any IP protocol", .next = acl4_src),
	REFUSE("ipv6", "`ipv6` does not belong in an IPv4 access list",
	       "`ipv6 access-list NAME` holds such lines"),
	PROTOS_NOT_YET,
	{ 0 },
};
static const struct node acl6_dst[] = { SIDE6(SLOT_DST, .run = cmd_acl_line), { 0 } };
static const struct node acl6_src[] = { SIDE6(SLOT_SRC, .next = acl6_dst), { 0 } };
static const struct node acl6_proto[] = {
	KW("ipv6", "any IP protocol", .next = acl6_src),
	REFUSE("ip", "`ip` does not belong in an IPv6 access list",
	       "`ip access-list extended NAME` holds such lines"),
	PROTOS_NOT_YET,
	{ 0 },
};

#define ACTIONS(proto) \
	KW("permit", "protect what matches with this entry", .next = proto), \
	KW("deny", "leave what matches to the next entry", .flag = F_DENY, .next = proto)
#define REMARK \
	KW("remark", "a comment", NEXT(ARG(ARG_REST, "TEXT", "the comment", .run = cmd_acl_remark)))

static const struct node acl4_actions[] = { ACTIONS(acl4_proto), { 0 } };
static const struct node acl6_actions[] = { ACTIONS(acl6_proto), { 0 } };

#define SEQ_NUMBER(actions) \
	NUM("SEQ", "place in the list", SLOT_NUM, "line number", 1, 2147483647, "", \
	    .undo = cmd_acl_no_line, .next = actions)

const struct node acl4_commands[] = {
	SEQ_NUMBER(acl4_actions), ACTIONS(acl4_proto), REMARK, { 0 },
};
const struct node acl6_commands[] = {
	KW("sequence", "place in the list", NEXT(SEQ_NUMBER(acl6_actions))),
	SEQ_NUMBER(acl6_actions), ACTIONS(acl6_proto), REMARK, { 0 },
};

const struct node access_list[] = {
	NUM("NUMBER", "100..199 or 2000..2699: extended", SLOT_NAME, "access list", 100, 2699, "",
	    .flag = F_NUMBERED, .undo = cmd_acl_remove,
	    NEXT(ACTIONS(acl4_proto), REMARK)),
	{ 0 },
};
const struct node ipv6_access_list[] = {
	KW("access-list", "a named access list",
	   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME, .flag = F_IPV6,
		    .enters = MODE_ACL6, .run = cmd_acl_named, .undo = cmd_acl_remove))),
	{ 0 },
};
const struct node ip_access_list[] = {
	KW("extended", "source and destination",
	   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME, .enters = MODE_ACL4,
		    .run = cmd_acl_named, .undo = cmd_acl_remove))),
	REFUSE("standard", "a standard access list names no destination",
	       "use `ip access-list extended NAME`"),
	{ 0 },
};
