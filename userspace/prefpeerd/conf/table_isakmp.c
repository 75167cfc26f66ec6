// SPDX-License-Identifier: GPL-2.0-or-later
/* `crypto isakmp`: pre-shared keys by address, keepalives; semantics.md §3.1. */
#include "prefpeerd/conf/table.h"

static const struct node isakmp_key_address[] = {
	KW("address", "of the peer",
	   NEXT(KW("ipv6", "an IPv6 peer", .flag = F_IPV6,
		   NEXT(ARG(ARG_IPV6, "X:X::X", "the peer", .slot = SLOT_SRC,
			    .run = cmd_isakmp_key, .undo = cmd_no_isakmp_key),
			ARG(ARG_PREFIX6, "X:X::X/LEN", "the peers", .slot = SLOT_SRC,
			    .run = cmd_isakmp_key, .undo = cmd_no_isakmp_key))),
		ARG(ARG_PREFIX, "A/LEN", "the peers", .slot = SLOT_SRC, .run = cmd_isakmp_key,
		    .undo = cmd_no_isakmp_key),
		ARG(ARG_ADDR, "A", "the peer", .slot = SLOT_SRC, .run = cmd_isakmp_key,
		    .undo = cmd_no_isakmp_key,
		    NEXT(ARG(ARG_IPV4, "MASK", "of the peers' network", .slot = SLOT_SRC_WILD,
			     .run = cmd_isakmp_key, .undo = cmd_no_isakmp_key),
			 REFUSE("no-xauth", "`no-xauth` belongs to IKEv1", NULL))))),
	KW("hostname", "of the peer that `set peer NAME` names",
	   NEXT(ARG(ARG_WORD, "NAME", "its name", .slot = SLOT_NAME, .run = cmd_isakmp_key,
		    .undo = cmd_no_isakmp_key))),
	{ 0 },
};
static const struct node isakmp_key[] = {
	KW("0", "the key is not encrypted",
	   NEXT(ARG(ARG_SECRET, "KEY", "the key", .slot = SLOT_TEXT, .next = isakmp_key_address))),
	KW("6", "the key is encrypted with the master key", .flag = F_SEALED,
	   NEXT(ARG(ARG_SECRET, "SEALED", "as `prefpeerd --seal-key` gives it", .slot = SLOT_TEXT,
		    .next = isakmp_key_address))),
	ARG(ARG_SECRET, "KEY", "the key", .slot = SLOT_TEXT, .next = isakmp_key_address),
	{ 0 },
};

static const struct node keepalive_mode[] = {
	KW("periodic", "whenever nothing came in for SECONDS", .flag = F_PERIODIC,
	   BOTH(cmd_keepalive)),
	KW("on-demand", "when traffic goes out and none comes in", .flag = F_ON_DEMAND,
	   BOTH(cmd_keepalive)),
	{ 0 },
};
static const struct node isakmp_keepalive[] = {
	NUM("SECONDS", "wait before a probe", SLOT_NUM, "keepalive interval", 10, 3600, "s",
	    BOTH(cmd_keepalive),
	    NEXT(NUM("RETRY", "wait between probes", SLOT_NUM2, "keepalive retry", 2, 60, "s",
		     BOTH(cmd_keepalive), .next = keepalive_mode),
		 KW("periodic", "whenever nothing came in for SECONDS", .flag = F_PERIODIC,
		    BOTH(cmd_keepalive)),
		 KW("on-demand", "when traffic goes out and none comes in", .flag = F_ON_DEMAND,
		    BOTH(cmd_keepalive)))),
	{ 0 },
};

const struct node crypto_isakmp[] = {
	KW("key", "a pre-shared key", .next = isakmp_key),
	KW("keepalive", "dead peer detection", .undo = cmd_keepalive,
	   .next = isakmp_keepalive),
	REFUSE("policy", "`crypto isakmp policy` belongs to IKEv1; here is only IKEv2",
	       "leave it out: all strong suites are offered"),
	REFUSE("invalid-spi-recovery",
	       "`crypto isakmp invalid-spi-recovery` cannot be done: XFRM does not tell which packet met no SA",
	       "leave it out: INVALID_SPI of a peer is followed by a liveness check in any case"),
	REFUSE("identity", "`crypto isakmp identity` belongs to IKEv1; here is only IKEv2",
	       "`identity local` in an IKEv2 profile says who this gateway is"),
	NOT_YET("profile"),
	{ 0 },
};
