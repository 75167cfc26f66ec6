// SPDX-License-Identifier: GPL-2.0-or-later
/* `aaa accounting`, `radius server`: IOS's words, and two places for records that are ours. */
#include "prefpeerd/conf/table.h"

static const struct node acct_methods[] = {
	KW("group", "servers",
	   NEXT(KW("radius", "all RADIUS servers, the first that answers", .min = ACCT_RADIUS,
		   .run = cmd_acct_list),
		NOT_YET("tacacs+"))),
	KW("file", "a file, a line of JSON for each record", .min = ACCT_FILE,
	   NEXT(ARG(ARG_WORD, "PATH", "its absolute path", .slot = SLOT_TEXT,
		    .run = cmd_acct_list))),
	KW("syslog", "the system's log", .min = ACCT_SYSLOG, .run = cmd_acct_list),
	{ 0 },
};
static const struct node acct_when[] = {
	KW("start-stop", "a record at the start and at the end of a session", .next = acct_methods),
	NOT_YET("stop-only"), NOT_YET("wait-start"), NOT_YET("none"),
	{ 0 },
};
const struct node aaa_commands[] = {
	KW("accounting", "records of sessions",
	   NEXT(KW("network", "of tunnels",
		   NEXT(ARG(ARG_NAME, "LIST", "its name", .slot = SLOT_NAME,
			    .undo = cmd_no_acct_list, .next = acct_when))),
		KW("update", "records while a session lasts", .undo = cmd_acct_update,
		   NEXT(KW("periodic", "every so often",
			   NEXT(NUM("MINUTES", "1..71582", SLOT_NUM, "interval", 1, 71582, "min",
				    BOTH(cmd_acct_update)))),
			NOT_YET("newinfo"))),
		NOT_YET("exec"), NOT_YET("commands"), NOT_YET("connection"), NOT_YET("system"))),
	REFUSE("new-model", "there is no other model here", "leave it out"),
	NOT_YET("authentication"), NOT_YET("authorization"), NOT_YET("group"),
	{ 0 },
};

const struct node radius_commands[] = {
	KW("server", "a RADIUS server",
	   NEXT(ARG(ARG_NAME, "NAME", "any name", .slot = SLOT_NAME, .enters = MODE_RADIUS,
		    .run = cmd_radius_server, .undo = cmd_no_radius_server))),
	{ 0 },
};

#define NO_AUTH_PORT \
	REFUSE("auth-port", "nobody is authenticated by RADIUS here, there is accounting only", \
	       "leave `auth-port N` out")
static const struct node acct_port[] = {
	KW("acct-port", "its UDP port; 1813 unless said",
	   NEXT(NUM("PORT", "1..65535", SLOT_NUM, "port", 1, 65535, "", BOTH(cmd_radius_address)))),
	NO_AUTH_PORT,
	{ 0 },
};
const struct node radius_server_commands[] = {
	KW("address", "where it is", .undo = cmd_radius_address,
	   NEXT(KW("ipv4", "by IPv4",
		   NEXT(ARG(ARG_IPV4, "A.B.C.D", "its address", .slot = SLOT_SRC,
			    BOTH(cmd_radius_address), .next = acct_port))),
		KW("ipv6", "by IPv6",
		   NEXT(ARG(ARG_IPV6, "X:X::X", "its address", .slot = SLOT_SRC,
			    BOTH(cmd_radius_address), .next = acct_port))))),
	KW("key", "that it shares with us", .undo = cmd_radius_key,
	   NEXT(KW("0", "the key is not encrypted",
		   NEXT(ARG(ARG_SECRET, "KEY", "the key", .slot = SLOT_TEXT,
			    BOTH(cmd_radius_key)))),
		REFUSE("6", "an encrypted key of a RADIUS server is not supported yet",
		       "write the key itself, with type 0 or without a type"),
		REFUSE("7", "a key of type 7 is hidden from a glance only", "write the key itself"),
		ARG(ARG_SECRET, "KEY", "the key", .slot = SLOT_TEXT, BOTH(cmd_radius_key)))),
	KW("timeout", "how long it may take to answer", .undo = cmd_radius_timeout,
	   NEXT(NUM("SECONDS", "1..1000", SLOT_NUM, "timeout", 1, 1000, "s",
		    BOTH(cmd_radius_timeout)))),
	KW("retransmit", "how often it is asked again", .undo = cmd_radius_retransmit,
	   NEXT(NUM("N", "0..100", SLOT_NUM, "retransmit", 0, 100, "", BOTH(cmd_radius_retransmit)))),
	NOT_YET("automate-tester"), NOT_YET("non-standard"), NOT_YET("backoff"), NOT_YET("pac"),
	{ 0 },
};
