// SPDX-License-Identifier: GPL-2.0-or-later
/* Access lists; semantics.md §4.1. */
#include "prefpeerd/conf/table.h"

#include <netinet/in.h>

/* ---- what may stand behind the addresses ---- */

#define NO_LINE_OPTION(w) \
	REFUSE(w, "`" w "` in an access list: what is protected follows from addresses, protocol and ports", \
	       "leave it out")
#define NO_LINE_OPTIONS \
	NO_LINE_OPTION("established"), NO_LINE_OPTION("fragments"), NO_LINE_OPTION("dscp"), \
	NO_LINE_OPTION("precedence"), NO_LINE_OPTION("tos"), NO_LINE_OPTION("ttl"), \
	NO_LINE_OPTION("option"), NO_LINE_OPTION("time-range"), NO_LINE_OPTION("reflect"), \
	NO_LINE_OPTION("match-all"), NO_LINE_OPTION("match-any"), \
	REFUSE("log", "`log`: packets that an access list matches are not logged", \
	       "leave it out; `prefpeer map` counts them"), \
	REFUSE("log-input", "`log-input`: packets that an access list matches are not logged", \
	       "leave it out; `prefpeer map` counts them")

/* A number or, judged by the handler, a name. */
#define PORT(port_slot, ...) \
	NUM("PORT", "0..65535", port_slot, "port", 0, 65535, "", __VA_ARGS__), \
	ARG(ARG_WORD, "NAME", "or a name as www, domain, ntp", .slot = port_slot, __VA_ARGS__)
#define PORTS(lo, hi, lt, gt, ...) \
	KW("eq", "this port", NEXT(PORT(lo, __VA_ARGS__))), \
	KW("range", "from one to another", NEXT(PORT(lo, NEXT(PORT(hi, __VA_ARGS__))))), \
	KW("lt", "ports below", .flag = lt, NEXT(PORT(lo, __VA_ARGS__))), \
	KW("gt", "ports above", .flag = gt, NEXT(PORT(lo, __VA_ARGS__))), \
	REFUSE("neq", "`neq`: a line has one range of ports", \
	       "write two lines, with `lt PORT` and `gt PORT`")

static const struct node line_end[] = { NO_LINE_OPTIONS, { 0 } };

static const struct node dst_ports[] = {
	PORTS(SLOT_DPORT, SLOT_DPORT2, F_DPORT_LT, F_DPORT_GT, .run = cmd_acl_line,
	      .undo = cmd_acl_no_match, .next = line_end),
	NO_LINE_OPTIONS,
	{ 0 },
};
static const struct node icmp_code[] = {
	NUM("CODE", "0..255", SLOT_DPORT, "ICMP code", 0, 255, "", .run = cmd_acl_line,
	    .undo = cmd_acl_no_match, .next = line_end),
	NO_LINE_OPTIONS,
	{ 0 },
};
static const struct node icmp_type[] = {
	NUM("TYPE", "0..255", SLOT_SPORT, "ICMP type", 0, 255, "", .run = cmd_acl_line,
	    .undo = cmd_acl_no_match, .next = icmp_code),
	NO_LINE_OPTIONS,
	ARG(ARG_WORD, "NAME", "or a name as echo, unreachable", .slot = SLOT_SPORT,
	    .run = cmd_acl_line, .undo = cmd_acl_no_match, .next = line_end),
	{ 0 },
};

/* ---- addresses ---- */

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
#define DST4(after) \
	SIDE4(SLOT_DST, SLOT_DST_WILD, .run = cmd_acl_line, .undo = cmd_acl_no_match, .next = after)
#define DST6(after) \
	SIDE6(SLOT_DST, .run = cmd_acl_line, .undo = cmd_acl_no_match, .next = after)

static const struct node acl4_dst[] = { DST4(line_end), { 0 } };
static const struct node acl4_src[] = { SIDE4(SLOT_SRC, SLOT_SRC_WILD, .next = acl4_dst), { 0 } };
static const struct node acl6_dst[] = { DST6(line_end), { 0 } };
static const struct node acl6_src[] = { SIDE6(SLOT_SRC, .next = acl6_dst), { 0 } };

static const struct node acl4_icmp_dst[] = { DST4(icmp_type), { 0 } };
static const struct node acl4_icmp[] = {
	SIDE4(SLOT_SRC, SLOT_SRC_WILD, .next = acl4_icmp_dst),
	{ 0 },
};
static const struct node acl6_icmp_dst[] = { DST6(icmp_type), { 0 } };
static const struct node acl6_icmp[] = { SIDE6(SLOT_SRC, .next = acl6_icmp_dst), { 0 } };

static const struct node acl4_port_dst[] = { DST4(dst_ports), { 0 } };
static const struct node acl4_src_ports[] = {
	PORTS(SLOT_SPORT, SLOT_SPORT2, F_SPORT_LT, F_SPORT_GT, .next = acl4_port_dst),
	DST4(dst_ports),
	{ 0 },
};
static const struct node acl4_port_src[] = {
	SIDE4(SLOT_SRC, SLOT_SRC_WILD, .next = acl4_src_ports),
	{ 0 },
};
static const struct node acl6_port_dst[] = { DST6(dst_ports), { 0 } };
static const struct node acl6_src_ports[] = {
	PORTS(SLOT_SPORT, SLOT_SPORT2, F_SPORT_LT, F_SPORT_GT, .next = acl6_port_dst),
	DST6(dst_ports),
	{ 0 },
};
static const struct node acl6_port_src[] = { SIDE6(SLOT_SRC, .next = acl6_src_ports), { 0 } };

/* ---- protocols ---- */

#define PROTO(w, h, number, after) KW(w, h, .min = (number), .next = after)
#define BARE_PROTOS(after) \
	PROTO("ahp", "AH", IPPROTO_AH, after), PROTO("esp", "ESP", IPPROTO_ESP, after), \
	PROTO("pcp", "IPComp", IPPROTO_COMP, after), \
	NUM("PROTOCOL", "1..255, as IANA has it", SLOT_PROTO, "protocol", 1, 255, "", \
	    .next = after), \
	REFUSE("object-group", "object groups are not supported", "write a line for each")
#define PORT_PROTOS(after) \
	PROTO("tcp", "TCP", IPPROTO_TCP, after), PROTO("udp", "UDP", IPPROTO_UDP, after), \
	PROTO("sctp", "SCTP", IPPROTO_SCTP, after)

static const struct node acl4_proto[] = {
	KW("ip", "any IP protocol", .next = acl4_src),
	REFUSE("ipv6", "`ipv6` does not belong in an IPv4 access list",
	       "`ipv6 access-list NAME` holds such lines"),
	PORT_PROTOS(acl4_port_src),
	PROTO("icmp", "ICMP", IPPROTO_ICMP, acl4_icmp),
	PROTO("gre", "GRE", IPPROTO_GRE, acl4_src),
	PROTO("igmp", "IGMP", IPPROTO_IGMP, acl4_src),
	PROTO("ipinip", "IP in IP", IPPROTO_IPIP, acl4_src),
	PROTO("eigrp", "EIGRP", 88, acl4_src), PROTO("ospf", "OSPF", 89, acl4_src),
	PROTO("nos", "KA9Q NOS IP over IP", 94, acl4_src),
	PROTO("pim", "PIM", IPPROTO_PIM, acl4_src),
	BARE_PROTOS(acl4_src),
	{ 0 },
};
static const struct node acl6_proto[] = {
	KW("ipv6", "any IP protocol", .next = acl6_src),
	REFUSE("ip", "`ip` does not belong in an IPv6 access list",
	       "`ip access-list extended NAME` holds such lines"),
	PORT_PROTOS(acl6_port_src),
	PROTO("icmp", "ICMPv6", IPPROTO_ICMPV6, acl6_icmp),
	BARE_PROTOS(acl6_src),
	{ 0 },
};

/* ---- lines ---- */

#define ACTIONS(proto) \
	KW("permit", "protect what matches with this entry", .next = proto), \
	KW("deny", "leave what matches to the next entry", .flag = F_DENY, .next = proto)
#define REMARK \
	KW("remark", "a comment", .undo = cmd_acl_remark, \
	   NEXT(ARG(ARG_REST, "TEXT", "the comment", BOTH(cmd_acl_remark))))

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
