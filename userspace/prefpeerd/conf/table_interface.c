// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a crypto map is active. */
#include "prefpeerd/conf/table.h"

#define INTERFACE_MAP(...) \
	KW("crypto", "IPsec", NEXT(KW("map", "activate a crypto map here", __VA_ARGS__, \
		NEXT(ARG(ARG_NAME, "NAME", "the map", .slot = SLOT_NAME, BOTH(cmd_interface_map), \
			 NEXT(NOT_YET("redundancy")))))))
#define SYSTEMS_OWN(w) \
	REFUSE(w, "what an interface is like is the system's to say, not this file's", \
	       "here only `crypto map NAME` is possible")

const struct node interface_commands[] = {
	INTERFACE_MAP(.undo = cmd_interface_map),
	KW("ipv6", "IPv6", .flag = F_IPV6,
	   NEXT(INTERFACE_MAP(.undo = cmd_interface_map), SYSTEMS_OWN("address"),
		SYSTEMS_OWN("enable"))),
	KW("ip", "(refused)", NEXT(SYSTEMS_OWN("address"))),
	SYSTEMS_OWN("shutdown"), SYSTEMS_OWN("description"), SYSTEMS_OWN("tunnel"),
	{ 0 },
};
