// SPDX-License-Identifier: GPL-2.0-or-later
/* What begins with `ip`: access lists, names and their servers; semantics.md §1.2. */
#include "prefpeerd/conf/table.h"

static const struct node host_addresses[] = {
	ARG(ARG_ADDR, "A", "its address, of either family", .slot = SLOT_NAME,
	    .repeat = HOST_ADDRS_MAX, BOTH(cmd_host)),
	{ 0 },
};
const struct node ip_commands[] = {
	KW("access-list", "a named access list", .next = ip_access_list),
	KW("name-server", "who is asked for names, instead of /etc/resolv.conf",
	   .undo = cmd_name_server,
	   NEXT(ARG(ARG_ADDR, "A", "address of a name server", .slot = SLOT_NAME,
		    .repeat = NAME_SERVERS_MAX, BOTH(cmd_name_server)))),
	KW("host", "a name and its addresses, which no name server is asked for",
	   NEXT(ARG(ARG_WORD, "NAME", "the host's name", .slot = SLOT_TEXT, .undo = cmd_host,
		    .next = host_addresses))),
	KW("dnssec", "which answers of name servers are proved",
	   NEXT(KW("trust-anchor", "a file of DS or DNSKEY records to begin with",
		   .undo = cmd_trust_anchor,
		   NEXT(ARG(ARG_WORD, "FILE", "its absolute path", .slot = SLOT_TEXT,
			    BOTH(cmd_trust_anchor)))))),
	{ 0 },
};
