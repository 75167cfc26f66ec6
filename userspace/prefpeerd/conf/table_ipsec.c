// SPDX-License-Identifier: GPL-2.0-or-later
/* `crypto ipsec`: transform sets, and what holds for the SAs of all maps; semantics.md §2.1, §8.1. */
#include "prefpeerd/conf/table.h"

#define WEAK(w, strong) \
	REFUSE(w, w " is too weak to be used", "use " strong)
#define INTEGRITY(...) \
	KW("esp-sha256-hmac", "integrity by HMAC-SHA-256", .flag = F_SHA256, __VA_ARGS__), \
	KW("esp-sha384-hmac", "integrity by HMAC-SHA-384", .flag = F_SHA384, __VA_ARGS__), \
	KW("esp-sha512-hmac", "integrity by HMAC-SHA-512", .flag = F_SHA512, __VA_ARGS__), \
	WEAK("esp-md5-hmac", "esp-sha256-hmac"), WEAK("esp-sha-hmac", "esp-sha256-hmac")
#define BUNDLE(w) \
	REFUSE(w, "AH and ESP in one transform set are a bundle, which IKEv2 does not negotiate " \
	       "(RFC 7296 section 3.3.1: a proposal is of one protocol)", \
	       "esp-gcm 256 protects and encrypts all but the outer header")
#define BUNDLES_AH \
	BUNDLE("ah-sha256-hmac"), BUNDLE("ah-sha384-hmac"), BUNDLE("ah-sha512-hmac"), \
	BUNDLE("ah-sha-hmac"), BUNDLE("ah-md5-hmac")
#define BUNDLES_ESP \
	BUNDLE("esp-gcm"), BUNDLE("esp-gmac"), BUNDLE("esp-aes"), BUNDLE("esp-aes-ctr"), \
	BUNDLE("esp-chacha20-poly1305"), BUNDLE("esp-null"), BUNDLE("esp-sha256-hmac"), \
	BUNDLE("esp-sha384-hmac"), BUNDLE("esp-sha512-hmac"), BUNDLE("esp-sha-hmac"), \
	BUNDLE("esp-md5-hmac"), BUNDLE("esp-3des"), BUNDLE("esp-des")
#define AH(w, h, f) \
	KW(w, h, .flag = f, .run = cmd_transform_set, .next = after_ah)
#define KEY_BITS(...) \
	NUM("128|192|256", "bits of the key", SLOT_NUM, "key length", 128, 256, "bits", __VA_ARGS__)

static const struct node after_ah[] = { BUNDLES_ESP, { 0 } };
static const struct node after_esp[] = { BUNDLES_AH, { 0 } };
static const struct node esp_integrity[] = {
	INTEGRITY(.run = cmd_transform_set, .next = after_esp),
	BUNDLES_AH,
	{ 0 },
};
static const struct node esp_aes[] = {
	KEY_BITS(.next = esp_integrity),
	INTEGRITY(.run = cmd_transform_set, .next = after_esp),
	BUNDLES_AH,
	{ 0 },
};
static const struct node esp_aead[] = {
	KEY_BITS(.run = cmd_transform_set, .next = after_esp),
	BUNDLES_AH,
	{ 0 },
};
static const struct node transforms[] = {
	KW("esp-gcm", "AES-GCM, 16 bytes of ICV", .min = ENCR_AES_GCM_16, .run = cmd_transform_set,
	   .next = esp_aead),
	KW("esp-chacha20-poly1305", "ChaCha20 and Poly1305 (RFC 7634)", .min = ENCR_CHACHA20_POLY1305,
	   .run = cmd_transform_set, .next = after_esp),
	KW("esp-aes", "AES-CBC, with an integrity transform", .min = ENCR_AES_CBC, .next = esp_aes),
	KW("esp-aes-ctr", "AES-CTR (RFC 3686), with an integrity transform", .min = ENCR_AES_CTR,
	   .next = esp_aes),
	KW("esp-gmac", "AES-GMAC (RFC 4543): integrity, and no encryption", .min = ENCR_NULL_AUTH_AES_GMAC,
	   .run = cmd_transform_set, .next = esp_aead),
	KW("esp-null", "no encryption, with an integrity transform", .min = ENCR_NULL,
	   .next = esp_integrity),
	WEAK("esp-des", "esp-gcm 256"), WEAK("esp-3des", "esp-gcm 256"),
	WEAK("esp-seal", "esp-gcm 256"), WEAK("esp-192-aes", "esp-gcm 256"),
	WEAK("ah-md5-hmac", "ah-sha256-hmac"), WEAK("ah-sha-hmac", "ah-sha256-hmac"),
	AH("ah-sha256-hmac", "AH (RFC 4302) by HMAC-SHA-256: the outer header too, no encryption",
	   F_SHA256),
	AH("ah-sha384-hmac", "AH by HMAC-SHA-384", F_SHA384),
	AH("ah-sha512-hmac", "AH by HMAC-SHA-512", F_SHA512),
	REFUSE("esp-sha256-hmac", "esp-sha256-hmac follows the encryption that it goes with",
	       "use esp-aes 256 esp-sha256-hmac, esp-null esp-sha256-hmac, or esp-gcm 256"),
	WEAK("esp-md5-hmac", "esp-sha256-hmac"), WEAK("esp-sha-hmac", "esp-sha256-hmac"),
	{ 0 },
};
const struct node transform_set_commands[] = {
	KW("mode", "how packets are wrapped",
	   NEXT(KW("tunnel", "a whole packet in a new one", BOTH(cmd_mode_tunnel)),
		KW("transport", "the packet itself, where both gateways are its ends",
		   BOTH(cmd_mode_transport),
		   NEXT(KW("require", "no tunnel where that cannot be", .flag = F_REQUIRE,
			   BOTH(cmd_mode_transport)))))),
	KW("esn", "offer extended sequence numbers (RFC 4304), 64 bits", BOTH(cmd_set_esn)),
	{ 0 },
};

static const struct node global_idle[] = {
	NUM("SECONDS", "60..86400", SLOT_NUM, "idle time", 60, 86400, "s", BOTH(cmd_global_idle),
	    NEXT(REFUSE("default", "the global idle timer cannot lead to the default peer",
			"`set security-association idle-time SECONDS default` in a crypto map can"))),
	{ 0 },
};
const struct node crypto_ipsec[] = {
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
			LIFETIME_DAYS(cmd_global_lifetime))),
		REPLAY(cmd_global_replay),
		DF_BIT("dfbit", cmd_global_df), ECN(cmd_global_ecn), NO_DUMMY)),
	DF_BIT("df-bit", cmd_global_df),
	NOT_YET("profile"), NOT_YET("fragmentation"), NOT_YET("nat-transparency"),
	{ 0 },
};
