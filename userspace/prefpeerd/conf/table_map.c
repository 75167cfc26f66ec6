// SPDX-License-Identifier: GPL-2.0-or-later
/* Crypto maps, static and dynamic; semantics.md §1, §2, §4. */
#include "prefpeerd/conf/table.h"

#define PEER_PROFILE \
	KW("ikev2-profile", "its own, in place of the entry's", \
	   NEXT(ARG(ARG_NAME, "NAME", "a profile", .slot = SLOT_TEXT, .run = cmd_set_peer, \
		    .undo = cmd_no_peer)))
#define PEER_DEFAULT(...) \
	KW("default", "tried first after a failure; the first peer of the list", \
	   .flag = F_DEFAULT, .run = cmd_set_peer, .undo = cmd_no_peer, NEXT(__VA_ARGS__))

static const struct node peer_options[] = {
	KW("dynamic", "its address is asked for anew before each IKE SA", .flag = F_DYNAMIC,
	   .run = cmd_set_peer, .undo = cmd_no_peer, NEXT(PEER_DEFAULT(PEER_PROFILE), PEER_PROFILE)),
	PEER_DEFAULT(PEER_PROFILE, REFUSE("dynamic", "`dynamic` stands before `default`",
					  "set peer NAME dynamic default")),
	PEER_PROFILE,
	KW("shutdown", "for maintenance: neither called nor let in, and skipped", BOTH(cmd_peer_shutdown)),
	{ 0 },
};
static const struct node idle_default[] = {
	KW("default", "when all SAs are idle, the next attempt is at the default peer",
	   .flag = F_DEFAULT, BOTH(cmd_set_idle)),
	{ 0 },
};
static const struct node map_idle[] = {
	NUM("SECONDS", "60..86400", SLOT_NUM, "idle time", 60, 86400, "s", BOTH(cmd_set_idle),
	    .next = idle_default),
	KW("milliseconds", "in milliseconds", .flag = F_MILLIS,
	   NEXT(NUM("N", "100..86400000", SLOT_NUM, "idle time", 100, 86400000, "ms",
		    BOTH(cmd_set_idle), .next = idle_default))),
	{ 0 },
};
static const struct node map_lifetime[] = {
	KW("seconds", "in seconds", .undo = cmd_set_lifetime,
	   NEXT(NUM("N", "120..2592000", SLOT_NUM, "lifetime", 120, 2592000, "s",
		    BOTH(cmd_set_lifetime)))),
	KW("kilobytes", "in kilobytes that an SA has carried", .undo = cmd_set_lifetime_kb,
	   NEXT(NUM("N", "2560..4294967295", SLOT_NUM, "lifetime", 2560, 4294967295, "KB",
		    BOTH(cmd_set_lifetime_kb)),
		KW("disable", "any volume", .flag = F_DISABLE, BOTH(cmd_set_lifetime_kb)))),
	LIFETIME_DAYS(cmd_set_lifetime),
	{ 0 },
};
static const struct node set_sa[] = {
	KW("idle-time", "delete SAs that carry nothing", .undo = cmd_set_idle, .next = map_idle),
	KW("idletime", "delete SAs that carry nothing", .undo = cmd_set_idle, .next = map_idle),
	KW("lifetime", "of SAs", .undo = cmd_set_lifetime, .next = map_lifetime),
	REPLAY(cmd_set_replay),
	KW("level", "how much one pair of SAs carries", .undo = cmd_set_per_host,
	   NEXT(KW("per-host", "the packets of two hosts, not all of its line",
		   BOTH(cmd_set_per_host)))),
	DF_BIT("dfbit", cmd_set_df), ECN(cmd_set_ecn), NO_DUMMY,
	{ 0 },
};
#define PFS_GROUP(n, h) \
	KW("group" #n, h, .min = (n), BOTH(cmd_set_pfs))
#define PFS_WEAK(n) \
	REFUSE("group" #n, "Diffie-Hellman group " #n " is too weak", \
	       "`set pfs group19` (or 14, 20, 31)")

static const struct node pfs_groups[] = {
	PFS_GROUP(14, "2048-bit MODP"), PFS_GROUP(15, "3072-bit MODP"),
	PFS_GROUP(16, "4096-bit MODP"), PFS_GROUP(21, "ECP, P-521"),
	PFS_GROUP(32, "Curve448"), PFS_GROUP(19, "ECP, P-256"), PFS_GROUP(20, "ECP, P-384"),
	PFS_GROUP(31, "Curve25519"),
	PFS_WEAK(1), PFS_WEAK(2), PFS_WEAK(5), PFS_WEAK(22), PFS_WEAK(23), PFS_WEAK(24),
	{ 0 },
};
static const struct node reverse_route_via[] = {
	KW("gateway", "the peer itself, too, by that next hop", .flag = F_GATEWAY,
	   BOTH(cmd_reverse_route),
	   NEXT(KW("static", "always", .flag = F_STATIC, BOTH(cmd_reverse_route)))),
	KW("static", "always", .flag = F_STATIC, BOTH(cmd_reverse_route)),
	{ 0 },
};
static const struct node reverse_route[] = {
	KW("static", "always, not only while there are SAs", .flag = F_STATIC,
	   BOTH(cmd_reverse_route)),
	KW("remote-peer", "by a next hop that is named",
	   NEXT(ARG(ARG_ADDR, "A", "the next hop", .slot = SLOT_SRC, BOTH(cmd_reverse_route),
		    .next = reverse_route_via))),
	{ 0 },
};
static const struct node set_reverse_route[] = {
	KW("distance", "of the routes: their metric", .undo = cmd_rri_distance,
	   NEXT(NUM("N", "1..255", SLOT_NUM, "distance", 1, 255, "", BOTH(cmd_rri_distance)))),
	KW("gateway", "their next hop", .undo = cmd_rri_gateway,
	   NEXT(ARG(ARG_ADDR, "A", "the next hop", .slot = SLOT_SRC, BOTH(cmd_rri_gateway)))),
	REFUSE("tag", "routes of Linux have no tag",
	       "a routing daemon knows them by their protocol, 80"),
	{ 0 },
};
static const struct node map_set[] = {
	KW("peer", "a peer, in the order in which they are tried",
	   NEXT(ARG(ARG_WORD, "{A|NAME}", "address or host name", .slot = SLOT_NAME,
		    .run = cmd_set_peer, .undo = cmd_no_peer, .next = peer_options))),
	KW("security-association", "SAs of this entry", .next = set_sa),
	KW("transform-set", "up to six, best first", .undo = cmd_set_transform,
	   NEXT(ARG(ARG_NAME, "NAME", "a transform set", .repeat = SUITE_MAX,
		    BOTH(cmd_set_transform)))),
	KW("ikev2", "IKEv2",
	   NEXT(KW("connect-timeout", "how long a peer may take to answer", .undo = cmd_set_timeout,
		   NEXT(NUM("SECONDS", "1..300", SLOT_NUM, "connect timeout", 1, 300, "s",
			    BOTH(cmd_set_timeout)),
			KW("milliseconds", "in milliseconds", .flag = F_MILLIS,
			   NEXT(NUM("N", "250..300000", SLOT_NUM, "connect timeout", 250, 300000,
				    "ms", BOTH(cmd_set_timeout)))))))),
	KW("ikev2-profile", "how its peers and we prove who we are", .undo = cmd_set_profile,
	   NEXT(ARG(ARG_NAME, "NAME", "a profile", .slot = SLOT_NAME, BOTH(cmd_set_profile)))),
	KW("pfs", "a Diffie-Hellman exchange of its own for each SA after the first",
	   .undo = cmd_set_pfs, .next = pfs_groups),
	REFUSE("session-key", "session keys belong to a manual entry",
	       "`crypto map NAME SEQ ipsec-manual`"),
	NOT_YET("isakmp-profile"), NOT_YET("identity"),
	KW("reverse-route", "how reverse routes are made", .next = set_reverse_route),
	NOT_YET("nat"), NOT_YET("ip"),
	{ 0 },
};
const struct node map_commands[] = {
	KW("set", "what the entry uses", .next = map_set),
	KW("match", "what the entry protects",
	   NEXT(KW("address", "an access list", .undo = cmd_match_address,
		   NEXT(ARG(ARG_NAME, "ACL", "name or number", .slot = SLOT_NAME,
			    BOTH(cmd_match_address)))))),
	KW("description", "a text", .undo = cmd_description,
	   NEXT(ARG(ARG_REST, "TEXT", "the text", .slot = SLOT_TEXT, BOTH(cmd_description)))),
	KW("reverse-route", "routes to what is behind the peer, while there are SAs",
	   BOTH(cmd_reverse_route), .next = reverse_route),
	NOT_YET("qos"), NOT_YET("dialer"),
	{ 0 },
};
#define NO_DISCOVERY \
	REFUSE("discover", "tunnel endpoint discovery is not done: its probes are not authenticated", \
	       "leave it out: branches call, or are listed by `set peer`")

static const struct node map_kind[] = {
	KW("ipsec-isakmp", "SAs are made by IKE", .min = ENTRY_ISAKMP, .run = cmd_map_entry, .undo = cmd_map_remove,
	   NEXT(KW("dynamic", "for branches that call, by the templates of a dynamic map",
		   NEXT(ARG(ARG_NAME, "DYNAMIC-MAP", "its name", .slot = SLOT_TEXT,
			    .run = cmd_map_entry, .undo = cmd_map_remove,
			    NEXT(NO_DISCOVERY)))),
		NO_DISCOVERY, NOT_YET("profile"))),
	KW("ipsec-manual", "SAs have the keys that the entry gives them", .min = ENTRY_MANUAL,
	   .enters = MODE_MAP_MANUAL, .run = cmd_map_entry, .undo = cmd_map_remove),
	NOT_YET("gdoi"), NOT_YET("dynamic"), NOT_YET("profile"),
	{ 0 },
};
static const struct node map_what[] = {
	NUM("SEQ", "1..65535, the lower is searched first", SLOT_NUM, "sequence number", 1, 65535,
	    "", .enters = MODE_MAP, .run = cmd_map_entry, .undo = cmd_map_remove,
	    .next = map_kind),
	KW("local-address", "an interface whose address is used",
	   .undo = cmd_map_no_local_address,
	   NEXT(ARG(ARG_WORD, "INTERFACE", "its name", .slot = SLOT_TEXT,
		    .run = cmd_map_local_address, .undo = cmd_map_no_local_address))),
	KW("client", "what is done for its sessions",
	   NEXT(KW("accounting", "records of who was there, how long, and how much",
		   NEXT(KW("list", "where they go", .undo = cmd_map_accounting,
			   NEXT(ARG(ARG_NAME, "LIST", "a list of `aaa accounting network`",
				    .slot = SLOT_TEXT, BOTH(cmd_map_accounting)))))),
		NOT_YET("authentication"), NOT_YET("configuration"))),
	NOT_YET("isakmp"), NOT_YET("isakmp-profile"), NOT_YET("redundancy"),
	{ 0 },
};
const struct node dynamic_map[] = {
	ARG(ARG_NAME, "NAME", "name of the dynamic map", .slot = SLOT_NAME,
	    .undo = cmd_dynamic_remove,
	    NEXT(NUM("SEQ", "1..65535, the lower is asked first", SLOT_NUM, "sequence number", 1,
		     65535, "", .enters = MODE_MAP, .run = cmd_dynamic_entry,
		     .undo = cmd_dynamic_remove))),
	{ 0 },
};
const struct node crypto_map[] = {
	KW("ipv6", "peers have IPv6 addresses", .flag = F_IPV6,
	   NEXT(ARG(ARG_NAME, "NAME", "name of the map", .slot = SLOT_NAME,
		    .undo = cmd_map_remove, .next = map_what))),
	ARG(ARG_NAME, "NAME", "name of the map", .slot = SLOT_NAME, .undo = cmd_map_remove,
	    .next = map_what),
	{ 0 },
};
