// SPDX-License-Identifier: GPL-2.0-or-later
/* `crypto ikev2`: proposals, policies, dead peer detection, limits; semantics.md §3.3. */
#include "prefpeerd/conf/table.h"

#define WORDS(w, h, fn) \
	ARG(ARG_WORD, w, h, .slot = SLOT_NAME, .repeat = IKE_WORDS_MAX, BOTH(fn))

const struct node proposal_commands[] = {
	KW("encryption", "ciphers of the IKE SA, best first", .undo = cmd_encryption,
	   NEXT(WORDS("CIPHER", "aes-gcm-256, chacha20-poly1305, aes-cbc-256, …", cmd_encryption))),
	KW("integrity", "with aes-cbc; best first", .undo = cmd_integrity,
	   NEXT(WORDS("HASH", "sha256, sha384 or sha512", cmd_integrity))),
	KW("prf", "what keys are made with; the integrity's hash unless said", .undo = cmd_prf,
	   NEXT(WORDS("HASH", "sha256, sha384 or sha512", cmd_prf))),
	KW("group", "of Diffie-Hellman, best first", .undo = cmd_group,
	   NEXT(WORDS("GROUP", "31 (X25519), 19, 20, 21, 32, 14, 15 or 16", cmd_group))),
	{ 0 },
};
const struct node policy_commands[] = {
	KW("proposal", "those that are offered, best first", .undo = cmd_policy_proposal,
	   NEXT(ARG(ARG_NAME, "NAME", "a proposal", .slot = SLOT_NAME,
		    .repeat = POLICY_PROPOSALS_MAX, BOTH(cmd_policy_proposal)))),
	KW("match", "when it is used",
	   NEXT(KW("address", "of this gateway",
		   NEXT(KW("local", "towards the peer; several are possible",
			   NEXT(ARG(ARG_ADDR, "A", "the address", .slot = SLOT_SRC,
				    BOTH(cmd_policy_local)))))),
		REFUSE("fvrf", "a VRF is a network namespace here", "leave it out"))),
	{ 0 },
};

static const struct node dpd_fixed[] = {
	KW("fixed", "every RETRY, as Cisco; otherwise each wait is half as long again",
	   .flag = F_FIXED, BOTH(cmd_dpd)),
	{ 0 },
};
static const struct node dpd_options[] = {
	KW("strict", "probe in spite of inbound traffic", .flag = F_STRICT, BOTH(cmd_dpd),
	   NEXT(KW("spacing", "of the retransmissions", .next = dpd_fixed))),
	KW("spacing", "of the retransmissions", .next = dpd_fixed),
	{ 0 },
};
static const struct node dpd_mode[] = {
	KW("on-demand", "when traffic goes out and none comes in", .flag = F_ON_DEMAND,
	   BOTH(cmd_dpd), .next = dpd_options),
	KW("periodic", "whenever nothing came in for INTERVAL", .flag = F_PERIODIC,
	   BOTH(cmd_dpd), .next = dpd_options),
	{ 0 },
};
const struct node ikev2_dpd[] = {
	KW("milliseconds", "INTERVAL and RETRY in milliseconds", .flag = F_MILLIS,
	   NEXT(NUM("INTERVAL", "wait before a probe", SLOT_NUM, "dpd interval", 50, 3600000, "ms",
		    NEXT(NUM("RETRY", "wait between probes", SLOT_NUM2, "dpd retry", 20, 60000,
			     "ms", .next = dpd_mode))))),
	NUM("INTERVAL", "wait before a probe", SLOT_NUM, "dpd interval", 10, 3600, "s",
	    NEXT(NUM("RETRY", "wait between probes", SLOT_NUM2, "dpd retry", 2, 60, "s",
		     .next = dpd_mode))),
	{ 0 },
};

const struct node nat_keepalive[] = {
	KW("keepalive", "one byte, where nothing else is sent, for the sake of a NAT before us",
	   .undo = cmd_nat_keepalive,
	   NEXT(NUM("SECONDS", "5..3600, 20 unless said", SLOT_NUM, "NAT keepalive", 5, 3600, "s",
		    BOTH(cmd_nat_keepalive)))),
	{ 0 },
};

#define MAX_IN_NEGOTIATION(w) \
	KW(w, "in negotiation at a time", .undo = cmd_limit_half_open, \
	   NEXT(NUM("N", "1..40000", SLOT_NUM, "limit", 1, 40000, "", BOTH(cmd_limit_half_open))))

const struct node crypto_ikev2[] = {
	KW("keyring", "pre-shared keys by peer",
	   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME,
		    .enters = MODE_KEYRING, .run = cmd_keyring, .undo = cmd_no_keyring))),
	KW("dpd", "dead peer detection", .undo = cmd_dpd, .next = ikev2_dpd),
	KW("nat", "network address translation", .next = nat_keepalive),
	KW("proposal", "algorithms of IKE SAs",
	   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME,
		    .enters = MODE_PROPOSAL, .run = cmd_proposal,
		    .undo = cmd_no_proposal))),
	KW("policy", "which proposals are offered",
	   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME,
		    .enters = MODE_POLICY, .run = cmd_policy, .undo = cmd_no_policy))),
	KW("profile", "how peers and we prove who we are",
	   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME,
		    .enters = MODE_PROFILE, .run = cmd_profile, .undo = cmd_no_profile))),
	KW("cookie-challenge", "callers must show that they receive what is sent to them",
	   .undo = cmd_cookie_challenge,
	   NEXT(NUM("N", "1..1000 IKE SAs in negotiation, from which on", SLOT_NUM,
		    "cookie challenge", 1, 1000, "", BOTH(cmd_cookie_challenge)))),
	KW("fragmentation", "of large IKE messages (RFC 7383): on, unless `no` stands in front",
	   BOTH(cmd_fragmentation),
	   NEXT(KW("mtu", "of the IP packets that carry fragments",
		   NEXT(NUM("BYTES", "68..1500", SLOT_NUM, "fragmentation mtu", 68, 1500,
			    "bytes", BOTH(cmd_fragmentation)))))),
	KW("limit", "of IKE SAs that peers begin",
	   NEXT(MAX_IN_NEGOTIATION("max-in-negotiation-sa"),
		/* IOS's own spelling. */
		MAX_IN_NEGOTIATION("max-in-negotation-sa"),
		KW("max-sa", "in all", .undo = cmd_limit_sas,
		   NEXT(NUM("N", "1..65535", SLOT_NUM, "limit", 1, 65535, "",
			    BOTH(cmd_limit_sas)))))),
	{ 0 },
};
