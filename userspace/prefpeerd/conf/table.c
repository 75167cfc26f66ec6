// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The commands of the configuration, from the first word on; each subject has a table_*.c of
 * its own. Sources: semantics.md §1..§4, §10, §14.5; ranges are Cisco's, but for
 * `milliseconds` and connect-timeout, which are ours.
 */
#include "prefpeerd/conf/table.h"

static const struct node crypto[] = {
	KW("map", "which traffic is protected, and with which peers", .next = crypto_map),
	KW("ipsec", "SAs", .next = crypto_ipsec),
	KW("isakmp", "keys and keepalives", .next = crypto_isakmp),
	KW("ikev2", "IKEv2", .next = crypto_ikev2),
	KW("pki", "certificates",
	   NEXT(KW("trustpoint", "CAs, our certificate and its key",
		   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME,
			    .enters = MODE_TRUSTPOINT, .run = cmd_trustpoint,
			    .undo = cmd_no_trustpoint))),
		KW("certificate", "those of peers",
		   NEXT(KW("map", "which of them will do",
			   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME,
				    NEXT(NUM("SEQ", "1..65535; one of them must hold", SLOT_NUM,
					     "sequence number", 1, 65535, "",
					     .enters = MODE_CERT_MAP, .run = cmd_cert_map,
					     .undo = cmd_no_cert_map))))))))),
	KW("dynamic-map", "templates for branches that call", .next = dynamic_map),
	KW("logging", "system messages besides those that always are",
	   NEXT(KW("session", "tunnels that come up and go down", .min = LOGGING_SESSION,
		   BOTH(cmd_logging)),
		KW("ikev2", "IKE SAs that come up and go down", .min = LOGGING_IKEV2,
		   BOTH(cmd_logging)))),
	NOT_YET("gdoi"),
	{ 0 },
};
static const struct node global_commands[] = {
	KW("hostname", "name of this gateway", .undo = cmd_hostname,
	   NEXT(ARG(ARG_NAME, "NAME", "the name", .slot = SLOT_NAME, BOTH(cmd_hostname)))),
	KW("enable", "who may configure in the shell",
	   NEXT(KW("secret", "asked for by `enable`", .undo = cmd_enable_secret,
		   NEXT(KW("0", "a password, of which the shell makes a hash",
			   NEXT(ARG(ARG_SECRET, "PASSWORD", "the password", .slot = SLOT_TEXT,
				    BOTH(cmd_enable_secret)))),
			ARG(ARG_SECRET, "HASH", "as of crypt(5); in the shell a password",
			    .slot = SLOT_TEXT, BOTH(cmd_enable_secret)))))),
	KW("crypto", "IPsec", .next = crypto),
	KW("aaa", "accounting", .next = aaa_commands),
	KW("radius", "servers that accounting records go to", .next = radius_commands),
	KW("key", "keys that open others", .next = key_commands),
	KW("access-list", "a numbered access list", .next = access_list),
	KW("ip", "IPv4, and names", .next = ip_commands),
	KW("ipv6", "IPv6", .next = ipv6_access_list),
	KW("interface", "where a crypto map is active",
	   NEXT(ARG(ARG_WORD, "NAME", "as the system calls it", .slot = SLOT_TEXT,
		    .enters = MODE_INTERFACE, .run = cmd_interface, .undo = cmd_no_interface))),
	{ 0 },
};

const struct mode_desc conf_modes[MODE_COUNT] = {
	[MODE_GLOBAL] = { "config", global_commands },
	[MODE_MAP] = { "config-crypto-map", map_commands },
	[MODE_MAP_MANUAL] = { "config-crypto-map", map_manual_commands },
	[MODE_ACL4] = { "config-ext-nacl", acl4_commands },
	[MODE_ACL6] = { "config-ipv6-acl", acl6_commands },
	[MODE_SET] = { "cfg-crypto-trans", transform_set_commands },
	[MODE_KEYRING] = { "config-ikev2-keyring", keyring_commands },
	[MODE_KEYRING_PEER] = { "config-ikev2-keyring-peer", keyring_peer_commands },
	[MODE_INTERFACE] = { "config-if", interface_commands },
	[MODE_PROPOSAL] = { "config-ikev2-proposal", proposal_commands },
	[MODE_POLICY] = { "config-ikev2-policy", policy_commands },
	[MODE_TRUSTPOINT] = { "ca-trustpoint", trustpoint_commands },
	[MODE_RADIUS] = { "config-radius-server", radius_server_commands },
	[MODE_CERT_MAP] = { "ca-certificate-map", cert_map_commands },
	[MODE_PROFILE] = { "config-ikev2-profile", profile_commands },
};
