// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The commands of the configuration. Sources: semantics.md §1..§4, §10, §14.5;
 * ranges are Cisco's, but for `milliseconds` and connect-timeout, which are ours.
 */
#include "prefpeerd/conf/parser.h"

/* A designated initialiser per word; NEXT is the table of what may follow. */
#define NEXT(...) .next = (const struct node[]){ __VA_ARGS__, { 0 } }
#define KW(w, h, ...) { .word = w, .help = h, __VA_ARGS__ }
#define ARG(k, w, h, ...) { .kind = k, .word = w, .help = h, __VA_ARGS__ }
#define NUM(w, h, s, about, lo, hi, u, ...) \
	{ .kind = ARG_NUMBER, .word = w, .help = h, .slot = s, .what = about, .min = lo, \
	  .max = hi, .unit = u, __VA_ARGS__ }
#define REFUSE(w, sentence, instead) \
	{ .word = w, .help = "(refused)", .refuse = sentence, .hint = instead }
#define NOT_YET(w) REFUSE(w, "`" w "` is not supported yet", NULL)
#define BOTH(fn) .run = fn, .undo = fn

/* ---- access lists ---- */

#define PROTO_NOT_YET(w) \
	REFUSE(w, "protocol " w " in an access list is not supported yet", \
	       "only whole addresses: `permit ip` or `permit ipv6`")
#define PROTOS_NOT_YET \
	PROTO_NOT_YET("tcp"), PROTO_NOT_YET("udp"), PROTO_NOT_YET("sctp"), PROTO_NOT_YET("icmp"), \
	PROTO_NOT_YET("gre"), PROTO_NOT_YET("esp"), PROTO_NOT_YET("ahp"), PROTO_NOT_YET("ospf"), \
	PROTO_NOT_YET("eigrp"), PROTO_NOT_YET("igmp"), PROTO_NOT_YET("pim"), \
	PROTO_NOT_YET("ipinip"), PROTO_NOT_YET("object-group")

/* Source and destination are written alike; what follows differs. */
#define SIDE4(addr_slot, wild_slot, ...) \
	KW("any", "any address", __VA_ARGS__), \
	KW("host", "a single address", \
	   NEXT(ARG(ARG_IPV4, "A.B.C.D", "the address", .slot = addr_slot, __VA_ARGS__))), \
	ARG(ARG_PREFIX4, "A.B.C.D/LEN", "a prefix", .slot = addr_slot, __VA_ARGS__), \
	ARG(ARG_IPV4, "A.B.C.D", "an address, with a wildcard", .slot = addr_slot, \
	    NEXT(ARG(ARG_IPV4, "WILDCARD", "bits that do not matter, as 0.0.0.255", \
		     .slot = wild_slot, __VA_ARGS__)))
#define SIDE6(addr_slot, ...) \
	KW("any", "any address", __VA_ARGS__), \
	KW("host", "a single address", \
	   NEXT(ARG(ARG_IPV6, "X:X::X", "the address", .slot = addr_slot, __VA_ARGS__))), \
	ARG(ARG_PREFIX6, "X:X::X/LEN", "a prefix", .slot = addr_slot, __VA_ARGS__)

static const struct node acl4_dst[] = { SIDE4(SLOT_DST, SLOT_DST_WILD, .run = cmd_acl_line),
					{ 0 } };
static const struct node acl4_src[] = { SIDE4(SLOT_SRC, SLOT_SRC_WILD, .next = acl4_dst), { 0 } };
static const struct node acl4_proto[] = {
	KW("ip", "any IP protocol", .next = acl4_src),
	REFUSE("ipv6", "`ipv6` does not belong in an IPv4 access list",
	       "`ipv6 access-list NAME` holds such lines"),
	PROTOS_NOT_YET,
	{ 0 },
};
static const struct node acl6_dst[] = { SIDE6(SLOT_DST, .run = cmd_acl_line), { 0 } };
static const struct node acl6_src[] = { SIDE6(SLOT_SRC, .next = acl6_dst), { 0 } };
static const struct node acl6_proto[] = {
	KW("ipv6", "any IP protocol", .next = acl6_src),
	REFUSE("ip", "`ip` does not belong in an IPv6 access list",
	       "`ip access-list extended NAME` holds such lines"),
	PROTOS_NOT_YET,
	{ 0 },
};

#define ACTIONS(proto) \
	KW("permit", "protect what matches with this entry", .next = proto), \
	KW("deny", "leave what matches to the next entry", .flag = F_DENY, .next = proto)
#define REMARK \
	KW("remark", "a comment", NEXT(ARG(ARG_REST, "TEXT", "the comment", .run = cmd_acl_remark)))

static const struct node acl4_actions[] = { ACTIONS(acl4_proto), { 0 } };
static const struct node acl6_actions[] = { ACTIONS(acl6_proto), { 0 } };

#define SEQ_NUMBER(actions) \
	NUM("SEQ", "place in the list", SLOT_NUM, "line number", 1, 2147483647, "", \
	    .undo = cmd_acl_no_line, .next = actions)

static const struct node acl4_commands[] = {
	SEQ_NUMBER(acl4_actions), ACTIONS(acl4_proto), REMARK, { 0 },
};
static const struct node acl6_commands[] = {
	KW("sequence", "place in the list", NEXT(SEQ_NUMBER(acl6_actions))),
	SEQ_NUMBER(acl6_actions), ACTIONS(acl6_proto), REMARK, { 0 },
};

static const struct node access_list[] = {
	NUM("NUMBER", "100..199 or 2000..2699: extended", SLOT_NAME, "access list", 100, 2699, "",
	    .flag = F_NUMBERED, .undo = cmd_acl_remove,
	    NEXT(ACTIONS(acl4_proto), REMARK)),
	{ 0 },
};
/* ---- names ---- */

static const struct node host_addresses[] = {
	ARG(ARG_ADDR, "A", "its address, of either family", .slot = SLOT_NAME,
	    .repeat = HOST_ADDRS_MAX, BOTH(cmd_host)),
	{ 0 },
};
static const struct node ip_commands[] = {
	KW("access-list", "a named access list",
	   NEXT(KW("extended", "source and destination",
		   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME, .enters = MODE_ACL4,
			    .run = cmd_acl_named, .undo = cmd_acl_remove))),
		REFUSE("standard", "a standard access list names no destination",
		       "use `ip access-list extended NAME`"))),
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
static const struct node ipv6_access_list[] = {
	KW("access-list", "a named access list",
	   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME, .flag = F_IPV6,
		    .enters = MODE_ACL6, .run = cmd_acl_named, .undo = cmd_acl_remove))),
	{ 0 },
};

/* ---- dead peer detection ---- */

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
static const struct node ikev2_dpd[] = {
	KW("milliseconds", "INTERVAL and RETRY in milliseconds", .flag = F_MILLIS,
	   NEXT(NUM("INTERVAL", "wait before a probe", SLOT_NUM, "dpd interval", 50, 3600000, "ms",
		    NEXT(NUM("RETRY", "wait between probes", SLOT_NUM2, "dpd retry", 20, 60000,
			     "ms", .next = dpd_mode))))),
	NUM("INTERVAL", "wait before a probe", SLOT_NUM, "dpd interval", 10, 3600, "s",
	    NEXT(NUM("RETRY", "wait between probes", SLOT_NUM2, "dpd retry", 2, 60, "s",
		     .next = dpd_mode))),
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

/* ---- keys ---- */

#define TYPE6_REFUSED \
	REFUSE("6", "a key of type 6 is encrypted with a master key that this machine does not have", \
	       "write the key itself, with type 0 or without a type")

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
	REFUSE("hostname", "a key by host name is not supported yet",
	       "use `address A`, or a keyring with `identity fqdn NAME`"),
	{ 0 },
};
static const struct node isakmp_key[] = {
	KW("0", "the key is not encrypted",
	   NEXT(ARG(ARG_SECRET, "KEY", "the key", .slot = SLOT_TEXT, .next = isakmp_key_address))),
	TYPE6_REFUSED,
	ARG(ARG_SECRET, "KEY", "the key", .slot = SLOT_TEXT, .next = isakmp_key_address),
	{ 0 },
};

static const struct node keyring_commands[] = {
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
static const struct node keyring_peer_commands[] = {
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

/* ---- certificates and profiles ---- */

#define FILE_AT(w, h, fn) \
	KW(w, h, NEXT(KW("file", "of PEM", .undo = fn, \
			 NEXT(ARG(ARG_WORD, "PATH", "its absolute path", .slot = SLOT_TEXT, \
				  BOTH(fn))))))

static const struct node trustpoint_commands[] = {
	FILE_AT("ca", "certificates of the CAs that are trusted", cmd_ca_file),
	FILE_AT("certificate", "our certificate, and those between it and the CA", cmd_cert_file),
	FILE_AT("key", "the private key of our certificate", cmd_key_file),
	FILE_AT("crl", "revocation lists of the CAs", cmd_crl_file),
	KW("revocation-check", "whether a certificate may have been revoked", .undo = cmd_revocation,
	   NEXT(KW("crl", "by the crl file", BOTH(cmd_revocation)),
		KW("none", "not looked at", .flag = F_DEFAULT, BOTH(cmd_revocation)),
		NOT_YET("ocsp"))),
	REFUSE("enrollment", "certificates are read from files, not enrolled for",
	       "`ca file`, `certificate file` and `key file` name them"),
	REFUSE("auto-enroll", "certificates are read from files, not enrolled for",
	       "`prefpeer reload` reads them anew"),
	REFUSE("rsakeypair", "keys are read from files", "`key file PATH`"),
	REFUSE("eckeypair", "keys are read from files", "`key file PATH`"),
	NOT_YET("subject-name"), NOT_YET("subject-alt-name"), NOT_YET("fqdn"),
	NOT_YET("ip-address"), NOT_YET("serial-number"), NOT_YET("usage"),
	NOT_YET("chain-validation"), NOT_YET("hash"), NOT_YET("source"), NOT_YET("vrf"),
	{ 0 },
};

static const struct node match_identity[] = {
	KW("address", "an address",
	   NEXT(ARG(ARG_ADDR, "A", "the address", .slot = SLOT_SRC, BOTH(cmd_match_identity),
		    NEXT(ARG(ARG_IPV4, "MASK", "255.255.255.255", .slot = SLOT_SRC_WILD,
			     BOTH(cmd_match_identity)))))),
	KW("fqdn", "a domain name", .flag = F_FQDN,
	   NEXT(KW("domain", "all names in a domain", .flag = F_DOMAIN,
		   NEXT(ARG(ARG_WORD, "DOMAIN", "example.com", .slot = SLOT_TEXT,
			    BOTH(cmd_match_identity)))),
		ARG(ARG_WORD, "NAME", "the name", .slot = SLOT_TEXT, BOTH(cmd_match_identity)))),
	KW("email", "a mail address", .flag = F_EMAIL,
	   NEXT(KW("domain", "all mail addresses in a domain", .flag = F_DOMAIN,
		   NEXT(ARG(ARG_WORD, "DOMAIN", "example.com", .slot = SLOT_TEXT,
			    BOTH(cmd_match_identity)))),
		ARG(ARG_WORD, "NAME", "the mail address", .slot = SLOT_TEXT,
		    BOTH(cmd_match_identity)))),
	KW("key-id", "an opaque identity", .flag = F_KEY_ID,
	   NEXT(ARG(ARG_WORD, "ID", "the identity", .slot = SLOT_TEXT, BOTH(cmd_match_identity)))),
	KW("dn", "the subject of the peer's certificate", .flag = F_DN,
	   NEXT(ARG(ARG_REST, "DN", "C=US, O=Example, CN=hub1", .slot = SLOT_TEXT,
		    BOTH(cmd_match_identity)))),
	REFUSE("any", "`any`: whoever has a certificate of the CA, or the key, would pass as this peer",
	       "name it, or a domain: `match identity remote fqdn domain example.com`"),
	{ 0 },
};

static const struct node identity_local[] = {
	KW("address", "an address", NEXT(ARG(ARG_ADDR, "A", "the address", .slot = SLOT_SRC,
					     BOTH(cmd_identity_local)))),
	KW("fqdn", "a domain name", .flag = F_FQDN,
	   NEXT(ARG(ARG_WORD, "NAME", "the name", .slot = SLOT_TEXT, BOTH(cmd_identity_local)))),
	KW("email", "a mail address", .flag = F_EMAIL,
	   NEXT(ARG(ARG_WORD, "NAME", "the mail address", .slot = SLOT_TEXT,
		    BOTH(cmd_identity_local)))),
	KW("key-id", "an opaque identity", .flag = F_KEY_ID,
	   NEXT(ARG(ARG_WORD, "ID", "the identity", .slot = SLOT_TEXT, BOTH(cmd_identity_local)))),
	KW("dn", "the subject of our certificate", .flag = F_DN, BOTH(cmd_identity_local)),
	{ 0 },
};

#define EAP_REFUSED REFUSE("eap", "EAP is not supported", "rsa-sig, ecdsa-sig or pre-share")

static const struct node auth_local[] = {
	KW("pre-share", "by the pre-shared key", .flag = F_PSK, BOTH(cmd_auth_local)),
	KW("rsa-sig", "by our RSA key, with PSS where the peer has RFC 7427", .flag = F_RSA,
	   BOTH(cmd_auth_local),
	   NEXT(KW("pkcs1", "with PKCS #1 v1.5, for peers that do not verify PSS", .flag = F_PKCS1,
		   BOTH(cmd_auth_local)))),
	KW("ecdsa-sig", "by our ECDSA key", .flag = F_ECDSA, BOTH(cmd_auth_local)),
	KW("eddsa-sig", "by our Ed25519 key", .flag = F_EDDSA, BOTH(cmd_auth_local)),
	EAP_REFUSED,
	{ 0 },
};
static const struct node auth_remote[] = {
	KW("pre-share", "by the pre-shared key", .flag = F_PSK, BOTH(cmd_auth_remote)),
	KW("rsa-sig", "by an RSA key", .flag = F_RSA, BOTH(cmd_auth_remote)),
	KW("ecdsa-sig", "by an ECDSA key", .flag = F_ECDSA, BOTH(cmd_auth_remote)),
	KW("eddsa-sig", "by an Ed25519 key", .flag = F_EDDSA, BOTH(cmd_auth_remote)),
	EAP_REFUSED,
	{ 0 },
};
static const struct node profile_commands[] = {
	KW("match", "which peers it is for",
	   NEXT(KW("identity", "what the peer proves to be",
		   NEXT(KW("remote", "the peer's", .next = match_identity))),
		NOT_YET("address"), NOT_YET("certificate"), NOT_YET("fvrf"))),
	KW("identity", "what we say we are",
	   NEXT(KW("local", "ours", .undo = cmd_identity_local, .next = identity_local))),
	KW("authentication", "how a side proves who it is",
	   NEXT(KW("local", "ours", .undo = cmd_auth_local, .next = auth_local),
		KW("remote", "the peer's; several are possible", .undo = cmd_auth_remote,
		   .next = auth_remote))),
	KW("keyring", "pre-shared keys, and identities of single peers",
	   NEXT(KW("local", "of this file", .undo = cmd_profile_keyring,
		   NEXT(ARG(ARG_NAME, "NAME", "a keyring", .slot = SLOT_NAME,
			    BOTH(cmd_profile_keyring)))),
		NOT_YET("aaa"))),
	KW("pki", "certificates",
	   NEXT(KW("trustpoint", "whose files",
		   NEXT(ARG(ARG_NAME, "NAME", "a trustpoint", .slot = SLOT_NAME,
			    BOTH(cmd_profile_trustpoint),
			    NEXT(KW("sign", "for our signature only", .flag = F_SIGN,
				    BOTH(cmd_profile_trustpoint)),
				 KW("verify", "for the peer's only", .flag = F_VERIFY,
				    BOTH(cmd_profile_trustpoint)))))))),
	KW("lifetime", "of IKE SAs", .undo = cmd_profile_lifetime,
	   NEXT(NUM("N", "120..86400", SLOT_NUM, "lifetime", 120, 86400, "s",
		    BOTH(cmd_profile_lifetime)))),
	NOT_YET("dpd"), NOT_YET("nat"), NOT_YET("description"),
	NOT_YET("ivrf"), NOT_YET("virtual-template"), NOT_YET("aaa"), NOT_YET("config-exchange"),
	NOT_YET("initial-contact"), NOT_YET("redirect"), NOT_YET("reconnect"), NOT_YET("shutdown"),
	{ 0 },
};

/* ---- transform sets ---- */

#define WEAK(w, strong) \
	REFUSE(w, w " is too weak to be used", "use " strong)
#define INTEGRITY(run_fn, ...) \
	KW("esp-sha256-hmac", "integrity by HMAC-SHA-256", .flag = F_SHA256, run_fn), \
	KW("esp-sha384-hmac", "integrity by HMAC-SHA-384", .flag = F_SHA384, run_fn), \
	KW("esp-sha512-hmac", "integrity by HMAC-SHA-512", .flag = F_SHA512, run_fn), \
	WEAK("esp-md5-hmac", "esp-sha256-hmac"), WEAK("esp-sha-hmac", "esp-sha256-hmac")
#define KEY_BITS(...) \
	NUM("128|192|256", "bits of the key", SLOT_NUM, "key length", 128, 256, "bits", __VA_ARGS__)

static const struct node esp_integrity[] = {
	INTEGRITY(.run = cmd_transform_set),
	{ 0 },
};
static const struct node esp_aes[] = {
	KEY_BITS(.next = esp_integrity),
	INTEGRITY(.run = cmd_transform_set),
	{ 0 },
};
static const struct node esp_aead[] = {
	KEY_BITS(.run = cmd_transform_set),
	{ 0 },
};
static const struct node transforms[] = {
	KW("esp-gcm", "AES-GCM, 16 bytes of ICV", .min = ENCR_AES_GCM_16, .run = cmd_transform_set,
	   .next = esp_aead),
	KW("esp-chacha20-poly1305", "ChaCha20 and Poly1305 (RFC 7634)", .min = ENCR_CHACHA20_POLY1305,
	   .run = cmd_transform_set),
	KW("esp-aes", "AES-CBC, with an integrity transform", .min = ENCR_AES_CBC, .next = esp_aes),
	KW("esp-aes-ctr", "AES-CTR (RFC 3686), with an integrity transform", .min = ENCR_AES_CTR,
	   .next = esp_aes),
	KW("esp-gmac", "AES-GMAC (RFC 4543): integrity, and no encryption", .min = ENCR_NULL_AUTH_AES_GMAC,
	   .run = cmd_transform_set, .next = esp_aead),
	KW("esp-null", "no encryption, with an integrity transform", .min = ENCR_NULL,
	   .next = esp_integrity),
	WEAK("esp-des", "esp-gcm 256"), WEAK("esp-3des", "esp-gcm 256"),
	WEAK("esp-seal", "esp-gcm 256"), WEAK("esp-192-aes", "esp-gcm 256"),
	WEAK("ah-md5-hmac", "esp-gcm 256"), WEAK("ah-sha-hmac", "esp-gcm 256"),
	NOT_YET("ah-sha256-hmac"), NOT_YET("ah-sha384-hmac"), NOT_YET("ah-sha512-hmac"),
	REFUSE("esp-sha256-hmac", "esp-sha256-hmac follows the encryption that it goes with",
	       "use esp-aes 256 esp-sha256-hmac, esp-null esp-sha256-hmac, or esp-gcm 256"),
	WEAK("esp-md5-hmac", "esp-sha256-hmac"), WEAK("esp-sha-hmac", "esp-sha256-hmac"),
	{ 0 },
};
static const struct node transform_set_commands[] = {
	KW("mode", "how packets are wrapped",
	   NEXT(KW("tunnel", "a whole packet in a new one", BOTH(cmd_mode_tunnel)),
		REFUSE("transport", "transport mode is not supported", "use `mode tunnel`"))),
	KW("esn", "offer extended sequence numbers (RFC 4304), 64 bits", BOTH(cmd_set_esn)),
	{ 0 },
};

/* ---- IKEv2 proposals ---- */

#define WORDS(w, h, fn) \
	ARG(ARG_WORD, w, h, .slot = SLOT_NAME, .repeat = IKE_WORDS_MAX, BOTH(fn))

static const struct node proposal_commands[] = {
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
static const struct node policy_commands[] = {
	KW("proposal", "those that are offered, best first", .undo = cmd_policy_proposal,
	   NEXT(ARG(ARG_NAME, "NAME", "a proposal", .slot = SLOT_NAME,
		    .repeat = POLICY_PROPOSALS_MAX, BOTH(cmd_policy_proposal)))),
	KW("match", "(refused)",
	   NEXT(REFUSE("address", "a policy for some local addresses is not supported yet",
		       "leave it out: a policy is for all of them"),
		REFUSE("fvrf", "a VRF is a network namespace here", "leave it out"))),
	{ 0 },
};

/* ---- crypto map ---- */

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
	NOT_YET("days"),
	{ 0 },
};
#define REPLAY_WINDOW(n, fn) KW(#n, #n " packets", .min = (n), BOTH(fn))
#define REPLAY(fn) \
	KW("replay", "of packets: how late one may come", .undo = fn, \
	   NEXT(KW("window-size", "in packets", .undo = fn, \
		   NEXT(REPLAY_WINDOW(64, fn), REPLAY_WINDOW(128, fn), \
			REPLAY_WINDOW(256, fn), REPLAY_WINDOW(512, fn), \
			REPLAY_WINDOW(1024, fn))), \
		KW("disable", "is not looked for", .flag = F_DISABLE, BOTH(fn))))

static const struct node set_sa[] = {
	KW("idle-time", "delete SAs that carry nothing", .undo = cmd_set_idle, .next = map_idle),
	KW("idletime", "delete SAs that carry nothing", .undo = cmd_set_idle, .next = map_idle),
	KW("lifetime", "of SAs", .undo = cmd_set_lifetime, .next = map_lifetime),
	REPLAY(cmd_set_replay),
	NOT_YET("level"), NOT_YET("dfbit"), NOT_YET("ecn"), NOT_YET("dummy"),
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
	NOT_YET("isakmp-profile"), NOT_YET("identity"),
	NOT_YET("reverse-route"), NOT_YET("nat"), NOT_YET("ip"),
	{ 0 },
};
static const struct node map_commands[] = {
	KW("set", "what the entry uses", .next = map_set),
	KW("match", "what the entry protects",
	   NEXT(KW("address", "an access list", .undo = cmd_match_address,
		   NEXT(ARG(ARG_NAME, "ACL", "name or number", .slot = SLOT_NAME,
			    BOTH(cmd_match_address)))))),
	KW("description", "a text", .undo = cmd_description,
	   NEXT(ARG(ARG_REST, "TEXT", "the text", .slot = SLOT_TEXT, BOTH(cmd_description)))),
	NOT_YET("reverse-route"), NOT_YET("qos"), NOT_YET("dialer"),
	{ 0 },
};
#define NO_DISCOVERY \
	REFUSE("discover", "tunnel endpoint discovery is not done: its probes are not authenticated", \
	       "leave it out: branches call, or are listed by `set peer`")

static const struct node map_kind[] = {
	KW("ipsec-isakmp", "SAs are made by IKE", .run = cmd_map_entry, .undo = cmd_map_remove,
	   NEXT(KW("dynamic", "for branches that call, by the templates of a dynamic map",
		   NEXT(ARG(ARG_NAME, "DYNAMIC-MAP", "its name", .slot = SLOT_TEXT,
			    .run = cmd_map_entry, .undo = cmd_map_remove,
			    NEXT(NO_DISCOVERY)))),
		NO_DISCOVERY, NOT_YET("profile"))),
	NOT_YET("ipsec-manual"), NOT_YET("gdoi"), NOT_YET("dynamic"), NOT_YET("profile"),
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
	NOT_YET("client"), NOT_YET("isakmp"), NOT_YET("isakmp-profile"), NOT_YET("redundancy"),
	{ 0 },
};
static const struct node dynamic_map[] = {
	ARG(ARG_NAME, "NAME", "name of the dynamic map", .slot = SLOT_NAME,
	    .undo = cmd_dynamic_remove,
	    NEXT(NUM("SEQ", "1..65535, the lower is asked first", SLOT_NUM, "sequence number", 1,
		     65535, "", .enters = MODE_MAP, .run = cmd_dynamic_entry,
		     .undo = cmd_dynamic_remove))),
	{ 0 },
};
static const struct node crypto_map[] = {
	KW("ipv6", "peers have IPv6 addresses", .flag = F_IPV6,
	   NEXT(ARG(ARG_NAME, "NAME", "name of the map", .slot = SLOT_NAME,
		    .undo = cmd_map_remove, .next = map_what))),
	ARG(ARG_NAME, "NAME", "name of the map", .slot = SLOT_NAME, .undo = cmd_map_remove,
	    .next = map_what),
	{ 0 },
};

/* ---- interface ---- */

#define INTERFACE_MAP(...) \
	KW("crypto", "IPsec", NEXT(KW("map", "activate a crypto map here", __VA_ARGS__, \
		NEXT(ARG(ARG_NAME, "NAME", "the map", .slot = SLOT_NAME, BOTH(cmd_interface_map), \
			 NEXT(NOT_YET("redundancy")))))))
#define SYSTEMS_OWN(w) \
	REFUSE(w, "what an interface is like is the system's to say, not this file's", \
	       "here only `crypto map NAME` is possible")

static const struct node interface_commands[] = {
	INTERFACE_MAP(.undo = cmd_interface_map),
	KW("ipv6", "IPv6", .flag = F_IPV6,
	   NEXT(INTERFACE_MAP(.undo = cmd_interface_map), SYSTEMS_OWN("address"),
		SYSTEMS_OWN("enable"))),
	KW("ip", "(refused)", NEXT(SYSTEMS_OWN("address"))),
	SYSTEMS_OWN("shutdown"), SYSTEMS_OWN("description"), SYSTEMS_OWN("tunnel"),
	{ 0 },
};

/* ---- global ---- */

static const struct node global_idle[] = {
	NUM("SECONDS", "60..86400", SLOT_NUM, "idle time", 60, 86400, "s", BOTH(cmd_global_idle),
	    NEXT(REFUSE("default", "the global idle timer cannot lead to the default peer",
			"`set security-association idle-time SECONDS default` in a crypto map can"))),
	{ 0 },
};
static const struct node crypto_ipsec[] = {
	KW("transform-set", "algorithms of SAs",
	   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME, .enters = MODE_SET,
		    .undo = cmd_no_transform_set, .next = transforms))),
	KW("security-association", "SAs of all maps",
	   NEXT(KW("idle-time", "delete SAs that carry nothing", .undo = cmd_global_idle,
		   .next = global_idle),
		KW("idletime", "delete SAs that carry nothing", .undo = cmd_global_idle,
		   .next = global_idle),
		KW("lifetime", "of SAs", .undo = cmd_global_lifetime,
		   NEXT(KW("seconds", "in seconds", .undo = cmd_global_lifetime,
			   NEXT(NUM("N", "120..86400", SLOT_NUM, "lifetime", 120, 86400, "s",
				    BOTH(cmd_global_lifetime)))),
			KW("kilobytes", "in kilobytes that an SA has carried",
			   .undo = cmd_global_lifetime_kb,
			   NEXT(NUM("N", "2560..4294967295", SLOT_NUM, "lifetime", 2560, 4294967295,
				    "KB", BOTH(cmd_global_lifetime_kb)),
				KW("disable", "any volume", .flag = F_DISABLE,
				   BOTH(cmd_global_lifetime_kb)))),
			NOT_YET("days"))),
		REPLAY(cmd_global_replay),
		NOT_YET("dfbit"), NOT_YET("ecn"), NOT_YET("dummy"))),
	NOT_YET("profile"), NOT_YET("fragmentation"), NOT_YET("df-bit"), NOT_YET("nat-transparency"),
	{ 0 },
};
#define MAX_IN_NEGOTIATION(w) \
	KW(w, "in negotiation at a time", .undo = cmd_limit_half_open, \
	   NEXT(NUM("N", "1..40000", SLOT_NUM, "limit", 1, 40000, "", BOTH(cmd_limit_half_open))))

static const struct node crypto[] = {
	KW("map", "which traffic is protected, and with which peers", .next = crypto_map),
	KW("ipsec", "SAs", .next = crypto_ipsec),
	KW("isakmp", "keys and keepalives",
	   NEXT(KW("key", "a pre-shared key", .next = isakmp_key),
		KW("keepalive", "dead peer detection", .undo = cmd_keepalive,
		   .next = isakmp_keepalive),
		REFUSE("policy", "`crypto isakmp policy` belongs to IKEv1; here is only IKEv2",
		       "leave it out: all strong suites are offered"),
		NOT_YET("profile"), NOT_YET("invalid-spi-recovery"), NOT_YET("identity"))),
	KW("ikev2", "IKEv2",
	   NEXT(KW("keyring", "pre-shared keys by peer",
		   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME,
			    .enters = MODE_KEYRING, .run = cmd_keyring, .undo = cmd_no_keyring))),
		KW("dpd", "dead peer detection", .undo = cmd_dpd, .next = ikev2_dpd),
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
				    BOTH(cmd_limit_sas)))))))),
	KW("pki", "certificates",
	   NEXT(KW("trustpoint", "CAs, our certificate and its key",
		   NEXT(ARG(ARG_NAME, "NAME", "its name", .slot = SLOT_NAME,
			    .enters = MODE_TRUSTPOINT, .run = cmd_trustpoint,
			    .undo = cmd_no_trustpoint))))),
	KW("dynamic-map", "templates for branches that call", .next = dynamic_map),
	NOT_YET("logging"), NOT_YET("gdoi"),
	{ 0 },
};
static const struct node global_commands[] = {
	KW("hostname", "name of this gateway", .undo = cmd_hostname,
	   NEXT(ARG(ARG_NAME, "NAME", "the name", .slot = SLOT_NAME, BOTH(cmd_hostname)))),
	KW("crypto", "IPsec", .next = crypto),
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
	[MODE_ACL4] = { "config-ext-nacl", acl4_commands },
	[MODE_ACL6] = { "config-ipv6-acl", acl6_commands },
	[MODE_SET] = { "cfg-crypto-trans", transform_set_commands },
	[MODE_KEYRING] = { "config-ikev2-keyring", keyring_commands },
	[MODE_KEYRING_PEER] = { "config-ikev2-keyring-peer", keyring_peer_commands },
	[MODE_INTERFACE] = { "config-if", interface_commands },
	[MODE_PROPOSAL] = { "config-ikev2-proposal", proposal_commands },
	[MODE_POLICY] = { "config-ikev2-policy", policy_commands },
	[MODE_TRUSTPOINT] = { "ca-trustpoint", trustpoint_commands },
	[MODE_PROFILE] = { "config-ikev2-profile", profile_commands },
};
