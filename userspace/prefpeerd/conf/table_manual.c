// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The commands of a manual entry. Whatever is about choosing, asking or agreeing has no
 * place in it: such words are known, and refused with the reason.
 */
#include "prefpeerd/conf/table.h"

#define NO_OTHER "a manual entry has one peer: "
#define NO_IKE(w, why) REFUSE(w, "`" w "` is nothing to a manual entry: " why, NULL)

static const struct node no_choice[] = {
	REFUSE("default", NO_OTHER "there is none to come back from", "leave `default` out"),
	REFUSE("dynamic", NO_OTHER "it has an address, not a name", "leave `dynamic` out"),
	REFUSE("ikev2-profile", NO_OTHER "it proves what it is by the session keys alone", NULL),
	{ 0 },
};
static const struct node authenticator[] = {
	KW("authenticator", "for the integrity transform",
	   NEXT(ARG(ARG_SECRET, "HEX", "the key, two hexadecimal digits for each byte",
		    .slot = SLOT_NAME, .run = cmd_session_key))),
	{ 0 },
};
static const struct node esp_keys[] = {
	KW("cipher", "for the encryption transform",
	   NEXT(ARG(ARG_SECRET, "HEX", "the key, two hexadecimal digits for each byte",
		    .slot = SLOT_TEXT, .run = cmd_session_key, .next = authenticator))),
	KW("authenticator", "for the integrity transform of esp-null",
	   NEXT(ARG(ARG_SECRET, "HEX", "the key, two hexadecimal digits for each byte",
		    .slot = SLOT_NAME, .run = cmd_session_key))),
	{ 0 },
};
static const struct node session_protocol[] = {
	KW("esp", "of ESP", .undo = cmd_no_session_key,
	   NEXT(NUM("SPI", "256..4294967295", SLOT_NUM, "SPI", SESSION_SPI_MIN, 4294967295, "",
		    .undo = cmd_no_session_key, .next = esp_keys))),
	NOT_YET("ah"),
	{ 0 },
};
static const struct node session_key[] = {
	KW("inbound", "of packets from the peer", .min = SESSION_IN, .undo = cmd_no_session_key,
	   .next = session_protocol),
	KW("outbound", "of packets to the peer", .min = SESSION_OUT, .undo = cmd_no_session_key,
	   .next = session_protocol),
	{ 0 },
};
static const struct node no_timers[] = {
	NO_IKE("idle-time", "its SAs stay, used or not"),
	NO_IKE("idletime", "its SAs stay, used or not"),
	NO_IKE("lifetime", "its SAs never end, there is nobody to agree on new ones"),
	NO_IKE("replay", "there is no anti-replay with manual keys (RFC 4303 §3.3.3)"),
	NO_IKE("level", "it has one pair of SAs"),
	{ 0 },
};
static const struct node manual_set[] = {
	KW("peer", "the other end",
	   NEXT(ARG(ARG_WORD, "A", "its address", .slot = SLOT_NAME, .run = cmd_manual_peer,
		    .undo = cmd_no_peer, .next = no_choice))),
	KW("transform-set", "the algorithms", .undo = cmd_set_transform,
	   NEXT(ARG(ARG_NAME, "NAME", "a transform set", .repeat = 1, BOTH(cmd_set_transform)))),
	KW("session-key", "SPI and keys of one direction", .next = session_key),
	KW("security-association", "(refused)", .next = no_timers),
	NO_IKE("pfs", "there is no key exchange"),
	NO_IKE("ikev2", "its SAs are made without IKE"),
	NO_IKE("ikev2-profile", "its SAs are made without IKE"),
	NO_IKE("isakmp-profile", "its SAs are made without IKE"),
	NO_IKE("identity", "its SAs are made without IKE"),
	{ 0 },
};
const struct node map_manual_commands[] = {
	KW("set", "what the entry uses", .next = manual_set),
	KW("match", "what the entry protects",
	   NEXT(KW("address", "an access list of one permit line", .undo = cmd_match_address,
		   NEXT(ARG(ARG_NAME, "ACL", "name or number", .slot = SLOT_NAME,
			    BOTH(cmd_match_address)))))),
	KW("description", "a text", .undo = cmd_description,
	   NEXT(ARG(ARG_REST, "TEXT", "the text", .slot = SLOT_TEXT, BOTH(cmd_description)))),
	NOT_YET("reverse-route"), NOT_YET("qos"), NOT_YET("dialer"),
	{ 0 },
};
