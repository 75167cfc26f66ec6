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
/* How a key is written, and what follows from that. */
#define KEY_FORMS \
	KW("0", "the key is not encrypted", \
	   NEXT(ARG(ARG_SECRET, "KEY", "the key", .slot = SLOT_TEXT, BOTH(cmd_peer_key)))), \
	KW("6", "the key is encrypted with the master key", .flag = F_SEALED, \
	   NEXT(ARG(ARG_SECRET, "SEALED", "as `prefpeerd --seal-key` gives it", .slot = SLOT_TEXT, \
		    BOTH(cmd_peer_key)))), \
	KW("hex", "the key is in hexadecimal", .flag = F_HEX, \
	   NEXT(ARG(ARG_SECRET, "DIGITS", "two for each byte", .slot = SLOT_TEXT, \
		    BOTH(cmd_peer_key)))), \
	KW("file", "the key is in a file of its own", .flag = F_FILE, \
	   NEXT(ARG(ARG_WORD, "PATH", "its absolute path", .slot = SLOT_TEXT, BOTH(cmd_peer_key)))), \
	ARG(ARG_SECRET, "KEY", "the key", .slot = SLOT_TEXT, BOTH(cmd_peer_key))

static const struct node pre_shared_key[] = {
	KW("local", "what we prove ourselves with", .flag = F_LOCAL, .undo = cmd_peer_key,
	   NEXT(KEY_FORMS)),
	KW("remote", "what the peer proves itself with", .flag = F_REMOTE, .undo = cmd_peer_key,
	   NEXT(KEY_FORMS)),
	KW("next", "takes the place of the other one: used first, and both are accepted",
	   .flag = F_NEXT, .undo = cmd_peer_key, NEXT(KEY_FORMS)),
	KEY_FORMS,
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

/* `key`, a global command. */
const struct node key_commands[] = {
	KW("config-key", "the key that opens those of type 6",
	   NEXT(KW("password-encrypt", "with AES", .undo = cmd_master_key,
		   NEXT(KW("file", "it is in a file of its own",
			   NEXT(ARG(ARG_WORD, "PATH", "its absolute path", .slot = SLOT_TEXT,
				    BOTH(cmd_master_key)))),
			REFUSE("0", "the master key does not belong into the file that it protects",
			       "`file PATH`"))))),
	{ 0 },
};
