// SPDX-License-Identifier: GPL-2.0-or-later
/* Keyrings of IKEv2; semantics.md §14.5. */
#include "prefpeerd/conf/table.h"

const struct node keyring_commands[] = {
	KW("peer", "a peer and its key",
	   NEXT(ARG(ARG_NAME, "NAME", "any name", .slot = SLOT_NAME, .enters = MODE_KEYRING_PEER,
		    .run = cmd_keyring_peer, .undo = cmd_no_keyring_peer))),
	{ 0 },
};
static const struct node identity[] = {
	KW("address", "an address", NEXT(ARG(ARG_ADDR, "A", "the address", .slot = SLOT_SRC,
					     BOTH(cmd_peer_identity)))),
	KW("fqdn", "a domain name", .flag = F_FQDN,
	   NEXT(ARG(ARG_WORD, "NAME", "the name", .slot = SLOT_TEXT, BOTH(cmd_peer_identity)))),
	KW("email", "a mail address", .flag = F_EMAIL,
	   NEXT(ARG(ARG_WORD, "NAME", "the mail address", .slot = SLOT_TEXT,
		    BOTH(cmd_peer_identity)))),
	KW("key-id", "an opaque identity", .flag = F_KEY_ID,
	   NEXT(ARG(ARG_WORD, "ID", "the identity", .slot = SLOT_TEXT, BOTH(cmd_peer_identity)))),
	KW("dn", "a distinguished name", .flag = F_DN,
	   NEXT(ARG(ARG_REST, "DN", "C=US, O=Example, CN=hub1", .slot = SLOT_TEXT,
		    BOTH(cmd_peer_identity)))),
	{ 0 },
};
static const struct node pre_shared_key[] = {
	KW("0", "the key is not encrypted",
	   NEXT(ARG(ARG_SECRET, "KEY", "the key", .slot = SLOT_TEXT, BOTH(cmd_peer_key)))),
	TYPE6_REFUSED,
	REFUSE("local", "different keys for the two directions are not supported yet", NULL),
	REFUSE("remote", "different keys for the two directions are not supported yet", NULL),
	REFUSE("hex", "a key in hexadecimal is not supported yet", NULL),
	ARG(ARG_SECRET, "KEY", "the key", .slot = SLOT_TEXT, BOTH(cmd_peer_key)),
	{ 0 },
};
const struct node keyring_peer_commands[] = {
	KW("address", "dialled, or that the peer comes from", .undo = cmd_peer_address,
	   NEXT(ARG(ARG_PREFIX, "A/LEN", "a prefix", .slot = SLOT_SRC, BOTH(cmd_peer_address)),
		ARG(ARG_ADDR, "A", "an address", .slot = SLOT_SRC, BOTH(cmd_peer_address),
		    NEXT(ARG(ARG_IPV4, "MASK", "of the network", .slot = SLOT_SRC_WILD,
			     BOTH(cmd_peer_address)))))),
	KW("identity", "that the peer proves (IDr, or IDi inbound)", .undo = cmd_peer_identity,
	   .next = identity),
	KW("pre-shared-key", "the key", .undo = cmd_peer_key, .next = pre_shared_key),
	{ 0 },
};
