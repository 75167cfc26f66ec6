// SPDX-License-Identifier: GPL-2.0-or-later
/* What each line is told, and where: one row per refusal, warning and note. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/test/conf_help.h"

#define ELEMS(a) (sizeof(a) / sizeof((a)[0]))
#define WANT_MAX 6

struct row {
	const char *desc, *text;
	const char *want[WANT_MAX + 1]; /* "LINE:COLUMN severity: sentence", all there are */
};

#define DPD "crypto ikev2 dpd 10 2 periodic\n"
#define MAP "crypto map tohub 1 ipsec-isakmp\n"
#define DISABLED(place) \
	place " note: % NOTE: This new crypto map will remain disabled until a peer\n" \
	      "        and a valid access list have been configured."
#define IDLE(n) "crypto map m 1\n set peer 10.1.1.1\n set security-association " n "\n"
#define SET(t) "crypto ipsec transform-set T " t "\n"
#define LINE(l) "access-list 101 " l "\n"

#define MANUAL "crypto map m 1 ipsec-manual\n"
#define H16 "00112233445566778899aabbccddeeff"
#define H32 H16 H16
#define KEYED(t, keys) \
	MANUAL " set peer 10.1.1.1\n set transform-set T\n" keys \
	"crypto ipsec transform-set T " t "\n"
#define CBC "esp-aes 128 esp-sha256-hmac"
#define KEYS(way, keys) " set session-key " way " esp 300 " keys "\n"

static const struct row rows[] = {
	/* accounting: §4.5 */
	{ "accounting: a list that does not exist",
	  "crypto map m 1\ncrypto map m client accounting list L\n",
	  { "2:37 error: accounting list L does not exist" } },
	{ "accounting: RADIUS without a server", "aaa accounting network L start-stop group radius\n",
	  { "1:24 error: accounting list L is for RADIUS servers, and there is none" } },
	{ "accounting: a server without address and key", "radius server R\n",
	  { "1:15 error: RADIUS server R has no address", "1:15 error: RADIUS server R has no key" } },
	{ "accounting: not an absolute path", "aaa accounting network L start-stop file acct\n",
	  { "1:42 error: acct is not an absolute path" } },
	{ "accounting: auth-port", "radius server R\n address ipv4 10.0.0.1 auth-port 1812\n",
	  { "2:24 error: nobody is authenticated by RADIUS here, there is accounting only" } },
	{ "accounting: the interval", "aaa accounting update periodic 71583\n",
	  { "1:32 error: interval 71583 is above 71582 (1..71582 min)" } },
	/* ipsec-manual: §4.1 */
	{ "manual: one peer", MANUAL " set peer 10.1.1.1\n set peer 10.2.2.2\n",
	  { "3:11 error: a manual entry has one peer: here it is 10.1.1.1 (line 2)" } },
	{ "manual: no default", MANUAL " set peer 10.1.1.1 default\n",
	  { "2:20 error: a manual entry has one peer: there is none to come back from" } },
	{ "manual: no dynamic", MANUAL " set peer 10.1.1.1 dynamic\n",
	  { "2:20 error: a manual entry has one peer: it has an address, not a name" } },
	{ "manual: no name", MANUAL " set peer hub.example\n",
	  { "2:11 error: hub.example is a name: a manual entry needs its peer's address" } },
	{ "manual: no idle timer", MANUAL " set security-association idle-time 60\n",
	  { "2:27 error: `idle-time` is nothing to a manual entry: its SAs stay, used or not" } },
	{ "manual: no lifetime", MANUAL " set security-association lifetime seconds 3600\n",
	  { "2:27 error: `lifetime` is nothing to a manual entry: its SAs never end, there is nobody to agree on new ones" } },
	{ "manual: no anti-replay", MANUAL " set security-association replay window-size 64\n",
	  { "2:27 error: `replay` is nothing to a manual entry: there is no anti-replay with manual keys (RFC 4303 §3.3.3)" } },
	{ "manual: no pfs", MANUAL " set pfs group19\n",
	  { "2:6 error: `pfs` is nothing to a manual entry: there is no key exchange" } },
	{ "manual: no profile", MANUAL " set ikev2-profile P\n",
	  { "2:6 error: `ikev2-profile` is nothing to a manual entry: its SAs are made without IKE" } },
	{ "manual: one transform set", MANUAL " set transform-set A B\n",
	  { "2:22 error: at most 1 of NAME are possible" } },
	{ "manual: AH is not there yet", MANUAL " set session-key inbound ah 300 " H16 "\n",
	  { "2:26 error: `ah` is not supported yet" } },
	{ "manual: reserved SPIs", MANUAL " set session-key inbound esp 255 cipher " H16 "\n",
	  { "2:30 error: SPI 255 is below 256 (256..4294967295)" } },
	{ "manual: GCM", KEYED("esp-gcm 128", ""),
	  { "3:20 error: aes-gcm-16-128 must not be used with manual keys: its counter begins again at each start, and two packets under one counter and one key betray what they hold (RFC 8221 §3)" } },
	{ "manual: CTR", KEYED("esp-aes-ctr 128 esp-sha256-hmac", ""),
	  { "3:20 error: aes-ctr-128 must not be used with manual keys: its counter begins again at each start, and two packets under one counter and one key betray what they hold (RFC 8221 §3)" } },
	{ "manual: a transform set of AH", KEYED("ah-sha256-hmac", ""),
	  { "3:20 error: transform set T is of AH, and manual SAs are of ESP in tunnel mode",
	    "4:28 warning: packets of transform set T are not encrypted" } },
	{ "manual: transport mode", KEYED(CBC "\n mode transport", ""),
	  { "3:20 error: transform set T is in transport mode, and manual SAs are of ESP in tunnel mode" } },
	{ "manual: ESN", KEYED(CBC "\n esn", ""),
	  { "3:20 error: transform set T has extended sequence numbers, which need anti-replay; manual SAs have none (RFC 4303 §3.3.3)" } },
	{ "manual: a cipher key too short, an authenticator key too long",
	  KEYED(CBC, KEYS("inbound", "cipher 0011 authenticator " H32 "00")),
	  { "4:41 error: aes-cbc-128 takes a cipher key of 32 hexadecimal digits (16 bytes); this has 4",
	    "4:60 error: hmac-sha2-256-128 takes an authenticator key of 64 hexadecimal digits (32 bytes); this has 66" } },
	{ "manual: no authenticator key", KEYED(CBC, KEYS("outbound", "cipher " H16)),
	  { "4:31 error: hmac-sha2-256-128 needs an authenticator key of 64 hexadecimal digits" } },
	{ "manual: a cipher key for none", KEYED("esp-null esp-sha256-hmac",
						 KEYS("inbound", "cipher " H16 " authenticator " H32)),
	  { "4:41 error: null takes no cipher key",
	    "5:28 warning: packets of transform set T are not encrypted" } },
	{ "manual: not hexadecimal; the key is not repeated", MANUAL KEYS("inbound", "cipher 00zz"),
	  { "2:41 error: a session key is written in hexadecimal digits, 0..9 and a..f" } },
	{ "manual: half a byte", MANUAL KEYS("inbound", "cipher 0x001"),
	  { "2:41 error: a key of 3 hexadecimal digits is no number of bytes" } },
	{ "manual: one key for both ways",
	  KEYED("esp-null esp-sha256-hmac", KEYS("inbound", "authenticator " H32)
		KEYS("outbound", "authenticator " H32)),
	  { DISABLED("1:1"),
	    "5:49 warning: both directions have one authenticator key: whoever sends our packets back to us is believed",
	    "6:28 warning: packets of transform set T are not encrypted" } },
	{ "manual: two permit lines",
	  MANUAL " match address 101\naccess-list 101 permit ip host 10.0.0.1 any\n"
		 "access-list 101 permit ip host 10.0.0.2 any\n",
	  { "2:16 error: access list 101 has 2 permit lines: a manual entry has SAs for one" } },
	{ "manual: an SPI twice",
	  MANUAL " set peer 10.1.1.1\n" KEYS("inbound", "authenticator " H32)
		 KEYS("outbound", "authenticator " H16)
	  "crypto map m 2 ipsec-manual\n set peer 10.1.1.1\n" KEYS("inbound", "authenticator " H32)
		 KEYS("outbound", "authenticator " H16),
	  { "7:30 error: SPI 300 is that of inbound packets of m 1 already (line 3)",
	    "8:31 error: SPI 300 to 10.1.1.1 is that of m 1 already (line 4)" } },
	{ "manual: no key, and the lines are blocked",
	  KEYED(CBC, KEYS("inbound", "cipher " H16 " authenticator " H32) " match address 101\n")
		"access-list 101 permit ip host 10.0.0.1 any\ninterface wan0\n crypto map m\n",
	  { "1:1 warning: it has no session key for outbound packets: what access list 101 permits is blocked, not sent in clear" } },
	{ "manual: an entry of IKE does not become one", MAP "crypto map tohub 1 ipsec-manual\n",
	  { "2:1 error: tohub 1 is an ipsec-isakmp entry since line 1" } },
	{ "manual: nor the other way", MANUAL "crypto map m 1 ipsec-isakmp\n",
	  { "2:1 error: m 1 is an ipsec-manual entry since line 1" } },
	{ "manual: entered again without its kind", MANUAL "crypto map m 1\n set pfs group19\n",
	  { "3:6 error: `pfs` is nothing to a manual entry: there is no key exchange" } },
	{ "session keys are for manual entries", MAP KEYS("inbound", "cipher " H16),
	  { "2:6 error: session keys belong to a manual entry" } },
	/* set peer: §1.1 */
	{ "case 1: default peer second in the list is refused",
	  MAP " set peer 10.1.1.1\n set peer 10.2.2.2 default\n",
	  { "3:20 error: % Default peer must be the first peer in the peer list" } },
	{ "case 2: two default peers are refused",
	  DPD MAP " set peer 10.1.1.1 default\n set peer 10.2.2.2 default\n",
	  { "4:20 error: % Only one default peer is allowed in a crypto map entry" } },
	{ "case 2: a known second peer does not become a second default",
	  MAP " set peer 10.1.1.1 default\n set peer 10.2.2.2\n set peer 10.2.2.2 default\n",
	  { "2:11 warning: % Default peer needs dead peer detection; a dead peer is noticed only when an exchange fails",
	    "4:20 error: % Only one default peer is allowed in a crypto map entry" } },
	{ "case 3: removing the default leaves none, and `default` of the timer says so",
	  DPD MAP " set peer 10.1.1.1 default\n set peer 10.2.2.2\n"
	      " set security-association idle-time 120 default\n no set peer 10.1.1.1\n",
	  { DISABLED("2:1"),
	    "5:37 warning: `default` of the idle timer without a default peer: the next attempt stays with the current peer" } },
	{ "case 4: an entry without access list is disabled, with IOS's note",
	  DPD MAP " set peer 10.1.1.1\n", { DISABLED("2:1") } },
	{ "case 4: an entry with an access list but without peer blocks, and says so",
	  DPD MAP " match address 101\naccess-list 101 permit ip host 10.0.0.1 any\n"
	      "interface wan0\n crypto map tohub\n",
	  { "2:1 warning: it has no peer: what access list 101 permits is blocked, not sent in clear" } },
	{ "§3.3: a default peer without dpd is warned about",
	  MAP " set peer 10.1.1.1 default\n",
	  { DISABLED("1:1"),
	    "2:11 warning: % Default peer needs dead peer detection; a dead peer is noticed only when an exchange fails" } },
	{ "§1.2: dynamic is for names", MAP " set peer 10.1.1.1 dynamic\n",
	  { "2:20 error: `dynamic` is for a host name, and 10.1.1.1 is an address" } },
	{ "set peer: dynamic behind default", MAP " set peer hub.example default dynamic\n",
	  { "2:31 error: `dynamic` stands before `default`" } },
	{ "set peer: dynamic twice", MAP " set peer hub.example dynamic dynamic\n",
	  { "2:31 error: unknown word dynamic" } },
	{ "case 2: a second default, dynamic",
	  DPD MAP " set peer 10.1.1.1 default\n set peer hub.example dynamic default\n",
	  { "4:31 error: % Only one default peer is allowed in a crypto map entry" } },
	{ "ip name-server: at most six", "ip name-server 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5\n"
	  "ip name-server 10.0.0.5 10.0.0.6 10.0.0.7\n",
	  { "2:34 error: at most 6 name servers are possible" } },
	{ "ip name-server: a name", "ip name-server dns.example\n",
	  { "1:16 error: dns.example is not an IP address" } },
	{ "no ip name-server of none", "no ip name-server 10.0.0.1\n",
	  { "1:4 warning: there is nothing that this line could remove" } },
	{ "ip host: not a name", "ip host a/b 10.0.0.1\n", { "1:9 error: a/b is not a host name" } },
	{ "ip host: without address", "ip host a.example\n",
	  { "1:9 error: the command is incomplete" } },
	{ "no ip host of none", "ip host a.example 10.0.0.1\nno ip host b.example\n",
	  { "2:4 warning: there is nothing that this line could remove" } },
	{ "ip dnssec: not an absolute path", "ip dnssec trust-anchor root.key\n",
	  { "1:24 error: root.key is not an absolute path" } },
	{ "no ip dnssec trust-anchor of none", "no ip dnssec trust-anchor\n",
	  { "1:4 warning: there is nothing that this line could remove" } },
	{ "A21: a host name is noted, not looked up", MAP " set peer hub.example\n",
	  { DISABLED("1:1"),
	    "2:11 note: hub.example is not looked up here; it is when the agent needs it" } },
	{ "set peer: a mistyped address is no host name", MAP " set peer 10.1.1.300\n",
	  { "2:11 error: 10.1.1.300 is neither an address nor a host name" } },
	{ "set peer: three numbers are no host name", MAP " set peer 10.1.1\n",
	  { "2:11 error: 10.1.1 is neither an address nor a host name" } },
	{ "set peer: odd characters", MAP " set peer hub/1\n",
	  { "2:11 error: hub/1 is neither an address nor a host name" } },
	{ "set peer: multicast", MAP " set peer 224.0.0.1\n",
	  { "2:11 error: 224.0.0.1 is a multicast address" } },
	{ "set peer: unspecified", MAP " set peer 0.0.0.0\n",
	  { "2:11 error: 0.0.0.0 is the unspecified address" } },
	{ "set peer: broadcast", MAP " set peer 255.255.255.255\n",
	  { "2:11 error: 255.255.255.255 is the broadcast address" } },
	{ "set peer: link-local", "crypto map ipv6 m 1\n set peer fe80::1\n",
	  { "2:11 error: fe80::1 is valid on one link only" } },
	{ "§1.3: a v4 map refuses a v6 peer", MAP " set peer 2001:db8::1\n",
	  { "2:11 error: crypto map tohub is an IPv4 map and 2001:db8::1 an IPv6 address" } },
	{ "§1.3: a v6 map refuses a v4 peer", "crypto map ipv6 six 1\n set peer 10.1.1.1\n",
	  { "2:11 error: crypto map six is an IPv6 map and 10.1.1.1 an IPv4 address" } },
	{ "§1.3: one name is of one kind; its lines are not blamed",
	  "crypto map m 1\ncrypto map ipv6 m 2\n set peer 2001:db8::1\n",
	  { "2:17 error: crypto map m is an IPv4 map since line 1" } },
	{ "no set peer of none", MAP " no set peer 10.9.9.9\n",
	  { DISABLED("1:1"), "2:5 warning: there is nothing that this line could remove" } },

	/* certificates and profiles */
#define TP "crypto pki trustpoint T\n"
#define CERTS TP " ca file /c\n certificate file /d\n key file /k\n"
#define KEYRING "crypto ikev2 keyring K\n peer a\n  address 10.1.1.1\n"
#define PROFILE "crypto ikev2 profile P\n"
#define BOTH_PSK " authentication local pre-share\n authentication remote pre-share\n"
	{ "pki: a trustpoint without files", TP, { "1:23 error: trustpoint T names no file" } },
	{ "pki: a certificate without its key", TP " ca file /c\n certificate file /d\n",
	  { "3:19 error: trustpoint T has a certificate file and no key file" } },
	{ "pki: a key on a token", TP " ca file /c\n certificate file /d\n key file pkcs11:object=k\n",
	  { "3:19 error: trustpoint T has a certificate file and no key file",
	    "4:11 error: keys and certificates on tokens (PKCS #11) are not supported" } },
	{ "pki: a key without its certificate", TP " ca file /c\n key file /d\n",
	  { "3:11 error: trustpoint T has a key file and no certificate file" } },
	{ "pki: a path that depends on where one stands", TP " ca file ca.pem\n",
	  { "1:23 error: trustpoint T names no file", "2:10 error: ca.pem is not an absolute path" } },
	{ "pki: revocation by a list that is not there", TP " ca file /c\n revocation-check crl\n",
	  { "3:2 error: `revocation-check crl` needs a `crl file`: nothing is fetched" } },
	{ "pki: a list that is not looked at", TP " ca file /c\n crl file /d\n revocation-check none\n",
	  { "4:2 warning: `revocation-check none`: the `crl file` is not looked at" } },
	{ "pki: ocsp", TP " ca file /c\n revocation-check ocsp\n",
	  { "3:19 error: `ocsp` is not supported yet" } },
	{ "pki: enrollment", TP " ca file /c\n enrollment url http://ca\n",
	  { "3:2 error: certificates are read from files, not enrolled for" } },
	{ "no crypto pki trustpoint of none", "no crypto pki trustpoint T\n",
	  { "1:4 warning: there is nothing that this line could remove" } },
	{ "profile: without authentication", PROFILE " match identity remote fqdn a.example\n",
	  { "1:22 error: IKEv2 profile P has no `authentication local`" } },
	{ "profile: half of it", PROFILE " authentication local pre-share\n",
	  { "1:22 error: IKEv2 profile P has no `authentication remote`" } },
	{ "profile: signing without a certificate",
	  TP " ca file /c\n" PROFILE " authentication local rsa-sig\n authentication remote rsa-sig\n pki trustpoint T\n",
	  { "4:2 error: we cannot sign: no `pki trustpoint` of this profile has a certificate file" } },
	{ "profile: verifying without a CA",
	  TP " certificate file /d\n key file /k\n" PROFILE " authentication local rsa-sig\n authentication remote rsa-sig\n pki trustpoint T\n",
	  { "4:22 error: IKEv2 profile P cannot verify a peer: no `pki trustpoint` of it has a ca file" } },
	{ "profile: the trustpoint is for the other side",
	  CERTS PROFILE " authentication local pre-share\n authentication remote rsa-sig\n pki trustpoint T sign\n",
	  { "5:22 error: IKEv2 profile P cannot verify a peer: no `pki trustpoint` of it has a ca file" } },
	{ "profile: no such trustpoint",
	  PROFILE " authentication local pre-share\n authentication remote rsa-sig\n pki trustpoint U\n",
	  { "4:17 error: trustpoint U does not exist" } },
	{ "profile: no such keyring", PROFILE BOTH_PSK " keyring local K\n",
	  { "4:16 error: keyring K does not exist" } },
	{ "profile: a subject without certificate", PROFILE BOTH_PSK " identity local dn\n",
	  { "4:2 error: `identity local dn` is the subject of our certificate, and this profile has none" } },
	{ "profile: anybody", PROFILE BOTH_PSK " match identity remote any\n",
	  { "4:24 error: `any`: whoever has a certificate of the CA, or the key, would pass as this peer" } },
	{ "profile: a network of identities", PROFILE BOTH_PSK " match identity remote address 10.0.0.0 255.0.0.0\n",
	  { "4:41 error: an identity is one address: networks are not supported" } },
	{ "profile: no distinguished name", PROFILE BOTH_PSK " match identity remote dn hub1\n",
	  { "4:27 error: hub1 is no distinguished name, or a too long one" } },
	{ "profile: eap", PROFILE BOTH_PSK " authentication remote eap\n",
	  { "4:24 error: EAP is not supported" } },
	{ "profile: five trustpoints",
	  TP " ca file /c\ncrypto pki trustpoint T2\n ca file /c\n" PROFILE BOTH_PSK
	  " pki trustpoint T\n pki trustpoint T2\n pki trustpoint A\n pki trustpoint B\n pki trustpoint C\n"
	  " no pki trustpoint A\n no pki trustpoint B\n",
	  { "12:17 error: at most 4 trustpoints are possible" } },
	{ "set ikev2-profile of none", MAP " set peer 10.1.1.1\n set ikev2-profile P\n",
	  { "3:20 error: IKEv2 profile P does not exist" } },
	{ "set peer ikev2-profile of none", MAP " set peer 10.1.1.1 ikev2-profile P\n",
	  { "2:34 error: IKEv2 profile P does not exist" } },
	{ "profile: two hubs that may pass for each other",
	  PROFILE BOTH_PSK " match identity remote fqdn domain example\n" MAP
	  " set peer 10.1.1.1\n set peer 10.2.2.2\n set ikev2-profile P\n",
	  { DISABLED("5:1"),
	    "7:11 warning: with IKEv2 profile P, 10.1.1.1 and 10.2.2.2 may each prove to be the other" } },
	{ "keyring: a peer with an identity needs no key",
	  "crypto ikev2 keyring K\n peer a\n  address 10.1.1.1\n  identity fqdn a.example\n", { NULL } },
	{ "keyrings of two profiles may have one address",
	  "crypto ikev2 keyring K\n peer a\n  address 10.1.1.1\n  pre-shared-key x\n"
	  "crypto ikev2 keyring L\n peer a\n  address 10.1.1.1\n  pre-shared-key y\n"
	  PROFILE BOTH_PSK " keyring local L\n", { NULL } },

	/* idle time: §2.1, §2.2 */
	{ "case 15: idle time 59 refused", IDLE("idle-time 59"),
	  { "3:37 error: idle time 59 is below 60 (60..86400 s)" } },
	{ "case 15: idle time 86401 refused", IDLE("idletime 86401 default"),
	  { "3:36 error: idle time 86401 is above 86400 (60..86400 s)" } },
	{ "case 15: idle time 60 accepted", IDLE("idle-time 60"), { DISABLED("1:1") } },
	{ "case 15: idle time 86400 accepted", IDLE("idletime 86400"), { DISABLED("1:1") } },
	{ "case 15: global idle time 59 refused",
	  "crypto ipsec security-association idle-time 59\n",
	  { "1:45 error: idle time 59 is below 60 (60..86400 s)" } },
	{ "case 15: global idle time 86401 refused",
	  "crypto ipsec security-association idle-time 86401\n",
	  { "1:45 error: idle time 86401 is above 86400 (60..86400 s)" } },
	{ "idle-time milliseconds 99 refused", IDLE("idle-time milliseconds 99"),
	  { "3:50 error: idle time 99 is below 100 (100..86400000 ms)" } },
	{ "idle-time milliseconds 86400001 refused", IDLE("idle-time milliseconds 86400001"),
	  { "3:50 error: idle time 86400001 is above 86400000 (100..86400000 ms)" } },
	{ "a number beyond 64 bits is above, not wrapped",
	  IDLE("idle-time 184467440737095516160"),
	  { "3:37 error: idle time 184467440737095516160 is above 86400 (60..86400 s)" } },
	{ "idle time is no word", IDLE("idle-time soon"), { "3:37 error: unknown word soon" } },
	{ "case 13: equal to a global value that comes later: not added",
	  IDLE("idle-time 120 default") "crypto ipsec security-association idle-time 120\n",
	  { DISABLED("1:1"),
	    "3:37 warning: % Idle time 120 equals the global value; not added to crypto map" } },
	{ "case 13: equal in milliseconds: not added",
	  "crypto ipsec security-association idle-time 120\n" IDLE("idle-time milliseconds 120000"),
	  { DISABLED("2:1"),
	    "4:50 warning: % Idle time 120000 milliseconds equals the global value; not added to crypto map" } },
	{ "case 14: unequal to the global value: nothing is said",
	  "crypto ipsec security-association idle-time 120\n" IDLE("idle-time 121"),
	  { DISABLED("2:1") } },
	{ "§2.1: the global timer has no default",
	  "crypto ipsec security-association idle-time 120 default\n",
	  { "1:49 error: the global idle timer cannot lead to the default peer" } },

	/* dead peer detection: §3.1, §3.3 */
	{ "case 25: keepalive 9 refused", "crypto isakmp keepalive 9\n",
	  { "1:25 error: keepalive interval 9 is below 10 (10..3600 s)" } },
	{ "case 25: keepalive 3601 refused", "crypto isakmp keepalive 3601 2\n",
	  { "1:25 error: keepalive interval 3601 is above 3600 (10..3600 s)" } },
	{ "case 25: retry 1 refused", "crypto isakmp keepalive 10 1 periodic\n",
	  { "1:28 error: keepalive retry 1 is below 2 (2..60 s)" } },
	{ "case 25: retry 61 refused", "crypto isakmp keepalive 10 61\n",
	  { "1:28 error: keepalive retry 61 is above 60 (2..60 s)" } },
	{ "case 25: dpd 9, 3601, retry 1, 61 refused, each at its place",
	  "crypto ikev2 dpd 9 2 periodic\ncrypto ikev2 dpd 3601 2 periodic\n"
	  "crypto ikev2 dpd 10 1 periodic\ncrypto ikev2 dpd 10 61 on-demand\n",
	  { "1:18 error: dpd interval 9 is below 10 (10..3600 s)",
	    "2:18 error: dpd interval 3601 is above 3600 (10..3600 s)",
	    "3:21 error: dpd retry 1 is below 2 (2..60 s)",
	    "4:21 error: dpd retry 61 is above 60 (2..60 s)" } },
	{ "dpd milliseconds: 49, 19 and 60001 refused",
	  "crypto ikev2 dpd milliseconds 49 20 periodic\n"
	  "crypto ikev2 dpd milliseconds 50 19 periodic\n"
	  "crypto ikev2 dpd milliseconds 3600001 20 periodic\n"
	  "crypto ikev2 dpd milliseconds 50 60001 periodic\n",
	  { "1:31 error: dpd interval 49 is below 50 (50..3600000 ms)",
	    "2:34 error: dpd retry 19 is below 20 (20..60000 ms)",
	    "3:31 error: dpd interval 3600001 is above 3600000 (50..3600000 ms)",
	    "4:34 error: dpd retry 60001 is above 60000 (20..60000 ms)" } },
	{ "dpd needs all three", "crypto ikev2 dpd 10 2\n",
	  { "1:21 error: the command is incomplete" } },
	{ "A15: keepalive is an alias, with a notice", "crypto isakmp keepalive 10\n",
	  { "1:1 note: `crypto isakmp keepalive` is taken as `crypto ikev2 dpd`: here is only IKEv2" } },
	{ "A15: keepalive beside dpd has no effect", "crypto isakmp keepalive 10\n" DPD,
	  { "1:1 warning: `crypto isakmp keepalive` has no effect beside `crypto ikev2 dpd` (line 2)" } },
	{ "isakmp policy belongs to IKEv1", "crypto isakmp policy 10\n",
	  { "1:15 error: `crypto isakmp policy` belongs to IKEv1; here is only IKEv2" } },

	/* crypto map: §4 */
	{ "sequence number 0", "crypto map m 0 ipsec-isakmp\n",
	  { "1:14 error: sequence number 0 is below 1 (1..65535)" } },
	{ "sequence number 65536; its lines are not blamed",
	  "crypto map m 65536\n set peer 10.1.1.1 default\n set peer 10.2.2.2 default\n",
	  { "1:14 error: sequence number 65536 is above 65535 (1..65535)" } },
	{ "syntax below a refused line is still told", "crypto map m 0\n set pear 10.1.1.1\n",
	  { "1:14 error: sequence number 0 is below 1 (1..65535)", "2:6 error: unknown word pear" } },
	{ "§4.2: a dynamic map that is not there", "crypto map m 1 ipsec-isakmp dynamic d\n",
	  { "1:37 error: dynamic map d does not exist" } },
	{ "§4.2: a template calls nobody",
	  "crypto dynamic-map d 10\n set peer 10.1.1.1 default\n set ikev2 connect-timeout 5\n",
	  { "2:2 error: a dynamic map never begins a tunnel: it has no use for a peer list",
	    "3:2 error: a dynamic map never begins a tunnel: it has no use for a connect timeout" } },
	{ "§4.2: discover", "crypto dynamic-map d 10\ncrypto map m 1 ipsec-isakmp dynamic d discover\n",
	  { "2:39 error: tunnel endpoint discovery is not done: its probes are not authenticated" } },
	{ "§4.2: a dynamic entry ahead of a static one",
	  "crypto dynamic-map d 10\ncrypto map m 1 ipsec-isakmp dynamic d\ncrypto map m 2 ipsec-isakmp\n",
	  { "2:1 error: m 1 is dynamic and stands ahead of m 2" } },
	{ "§4.2: what belongs to the template",
	  "crypto dynamic-map d 10\ncrypto map m 1 ipsec-isakmp dynamic d\n set peer 10.1.1.1\n",
	  { "2:1 error: m 1 takes everything from dynamic map d" } },
	{ "§1.3: dynamic maps of IPv6",
	  "crypto dynamic-map d 10\ncrypto map ipv6 m 1 ipsec-isakmp dynamic d\n",
	  { "2:42 error: dynamic maps are for IPv4 peers only, as in IOS" } },
	{ "limits of IKE SAs",
	  "crypto ikev2 limit max-in-negotiation-sa 40001\ncrypto ikev2 limit max-sa 0\n"
	  "crypto ikev2 cookie-challenge 1001\n",
	  { "1:42 error: limit 40001 is above 40000 (1..40000)",
	    "2:27 error: limit 0 is below 1 (1..65535)",
	    "3:31 error: cookie challenge 1001 is above 1000 (1..1000)" } },
	{ "set pfs", "crypto map m 1\n set pfs group2\n set pfs group99\n",
	  { "2:10 error: Diffie-Hellman group 2 is too weak",
	    "3:10 error: unknown word group99" } },
	{ "lifetime kilobytes 2559 and 4294967296",
	  IDLE("lifetime kilobytes 2559") IDLE("lifetime kilobytes 4294967296"),
	  { "3:46 error: lifetime 2559 is below 2560 (2560..4294967295 KB)",
	    "6:46 error: lifetime 4294967296 is above 4294967295 (2560..4294967295 KB)" } },
	{ "global lifetime kilobytes 2559",
	  "crypto ipsec security-association lifetime kilobytes 2559\n",
	  { "1:54 error: lifetime 2559 is below 2560 (2560..4294967295 KB)" } },
	{ "lifetime 119 and 2592001", IDLE("lifetime seconds 119") IDLE("lifetime seconds 2592001"),
	  { "3:44 error: lifetime 119 is below 120 (120..2592000 s)",
	    "6:44 error: lifetime 2592001 is above 2592000 (120..2592000 s)" } },
	{ "global lifetime 86401", "crypto ipsec security-association lifetime seconds 86401\n",
	  { "1:52 error: lifetime 86401 is above 86400 (120..86400 s)" } },
	{ "connect-timeout 0, 301, 249 ms and 300001 ms",
	  "crypto map m 1\n set ikev2 connect-timeout 0\n set ikev2 connect-timeout 301\n"
	  " set ikev2 connect-timeout milliseconds 249\n"
	  " set ikev2 connect-timeout milliseconds 300001\n",
	  { "2:28 error: connect timeout 0 is below 1 (1..300 s)",
	    "3:28 error: connect timeout 301 is above 300 (1..300 s)",
	    "4:41 error: connect timeout 249 is below 250 (250..300000 ms)",
	    "5:41 error: connect timeout 300001 is above 300000 (250..300000 ms)" } },
	{ "a seventh transform set", "crypto map m 1\n set transform-set A B C D E F G\n",
	  { "2:32 error: at most 6 of NAME are possible" } },
	{ "a transform set twice", "crypto map m 1\n set transform-set A A\n" SET("esp-gcm"),
	  { "2:20 error: transform set A does not exist",
	    "2:22 error: transform set A is named twice" } },
	{ "a transform set that is not there", "crypto map m 1\n set transform-set NONE\n",
	  { "2:20 error: transform set NONE does not exist" } },
	{ "a transform set whose definition was refused is not missed as well",
	  "crypto map m 1\n set transform-set T\n" SET("esp-des"),
	  { "3:30 error: esp-des is too weak to be used" } },
	{ "an access list that is not there", "crypto map m 1\n match address LAN\n",
	  { "2:16 error: access list LAN does not exist" } },
	{ "an access list that was removed",
	  "access-list 101 permit ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255\n"
	  "no access-list 101\n"
	  "crypto map m 1 ipsec-isakmp\n match address 101\n",
	  { "4:16 error: access list 101 does not exist" } },
	{ "an access list whose line was refused is not missed as well",
	  "crypto map m 1\n match address 101\n" LINE("permit udp any any"),
	  { "3:1 error: a permit from any to any does not say which end is behind this gateway" } },
	{ "no map to remove", "no crypto map m 1\n",
	  { "1:4 warning: there is nothing that this line could remove" } },

	/* reverse routes: §4.7 */
	{ "plain reverse routes and an idle timer",
	  "crypto map m 1\n reverse-route\n set security-association idle-time 60\n",
	  { "1:1 note: % NOTE: This new crypto map will remain disabled until a peer\n"
	    "        and a valid access list have been configured.",
	    "2:2 warning: `reverse-route` with an idle timer: when its SAs are idle the route goes, and packets that would make them again may not come here any more" } },
	{ "a next hop of the other family", "crypto map m 1\n reverse-route remote-peer 2001:db8::1\n",
	  { "2:28 error: the next hop is of the other family than the peers of map m" } },
	{ "two next hops",
	  "crypto map m 1\n set reverse-route gateway 10.0.0.1\n reverse-route remote-peer 10.0.0.2\n",
	  { "3:28 error: the entry has a next hop by `set reverse-route gateway`" } },
	{ "a reverse route for any",
	  "crypto map m 1\n reverse-route static\n match address 101\n" LINE("permit ip host 10.0.0.1 any"),
	  { "1:1 warning: it has no peer: what access list 101 permits is blocked, not sent in clear",
	    "1:12 warning: crypto map m stands on no interface: it does nothing",
	    "2:2 warning: no reverse route is made for `any`: it would take the place of the default route" } },
	{ "a tag", "crypto map m 1\n set reverse-route tag 7\n",
	  { "2:20 error: routes of Linux have no tag" } },

	/* interface: §4.1 */
	{ "a map that is not there", "interface wan0\n crypto map m\n",
	  { "2:13 error: crypto map m does not exist" } },
	{ "an interface's name is too long", "interface a-name-of-16-byt\n",
	  { "1:11 error: a-name-of-16-byt is no name of an interface (1..15 bytes, no `/`)" } },
	{ "an address is the system's", "interface wan0\n ip address 10.0.0.1 255.255.255.0\n",
	  { "2:5 error: what an interface is like is the system's to say, not this file's" } },
	{ "a second set on one interface",
	  "crypto map a 1\ncrypto map b 1\ninterface wan0\n crypto map a\n crypto map b\n",
	  { "5:13 error: interface wan0 carries crypto map a already (line 4)" } },
	{ "one set of each kind on one interface",
	  "crypto map a 1\ncrypto map ipv6 b 1\ninterface wan0\n crypto map a\n crypto map b\n",
	  { DISABLED("1:1"), DISABLED("2:1") } },
	{ "a v4 map is no ipv6 crypto map",
	  "crypto map m 1\ninterface wan0\n ipv6 crypto map m\n",
	  { "3:18 error: crypto map m is an IPv4 map" } },
	{ "a map that stands nowhere",
	  MAP " match address 101\n set peer 10.1.1.1\n set transform-set T\n" LINE(
		  "permit ip host 10.0.0.1 any") SET("esp-gcm 256")
		  "crypto isakmp key k address 10.1.1.1\n",
	  { "1:12 warning: crypto map tohub stands on no interface: it does nothing" } },

	/* access lists: §4.1 */
	{ "permit ip any any", LINE("permit ip any any"),
	  { "1:1 error: `permit ip any any` would protect the tunnel's own packets and cut this machine off" } },
	{ "permit ip any any in other words", LINE("permit ip 0.0.0.0 255.255.255.255 0.0.0.0/0"),
	  { "1:1 error: `permit ip any any` would protect the tunnel's own packets and cut this machine off" } },
	{ "permit ipv6 any any", "ipv6 access-list L\n permit ipv6 any any\n",
	  { "2:2 error: `permit ipv6 any any` would protect the tunnel's own packets and cut this machine off" } },
	{ "deny ip any any is fine", LINE("deny ip any any"), { NULL } },
	{ "a wildcard with a hole", LINE("permit ip 10.0.0.0 0.0.255.0 any"),
	  { "1:36 error: wildcard 0.0.255.0 is not contiguous: only prefixes can be protected" } },
	{ "a mask for a wildcard, at the destination",
	  LINE("permit ip host 10.0.0.1 10.0.0.0 255.255.255.0"),
	  { "1:50 error: wildcard 255.255.255.0 is not contiguous: only prefixes can be protected" } },
	{ "bits beyond the prefix", LINE("permit ip 10.0.0.1/8 any"),
	  { "1:27 error: 10.0.0.1/8 has bits beyond its prefix length" } },
	{ "a prefix of 33 bits", LINE("permit ip 10.0.0.0/33 any"),
	  { "1:27 error: 10.0.0.0/33 is not an IPv4 prefix" } },
	{ "tcp from any to any", LINE("permit tcp any any eq 80"),
	  { "1:1 error: a permit from any to any does not say which end is behind this gateway" } },
	{ "neq", LINE("permit tcp host 10.0.0.1 any neq 80"),
	  { "1:46 error: `neq`: a line has one range of ports" } },
	{ "a range that is empty", LINE("permit tcp host 10.0.0.1 any range 80 79"),
	  { "1:52 error: the range 80 79 is empty" } },
	{ "below the first port", LINE("permit udp host 10.0.0.1 lt 0 any"),
	  { "1:45 error: there is no such port" } },
	{ "above the last port", LINE("permit udp host 10.0.0.1 any gt 65535"),
	  { "1:49 error: there is no such port" } },
	{ "port 65536", LINE("permit sctp host 10.0.0.1 any eq 65536"),
	  { "1:50 error: port 65536 is above 65535 (0..65535)" } },
	{ "a name that is of the other protocol", LINE("permit tcp host 10.0.0.1 any eq ntp"),
	  { "1:49 error: ntp is no port of this protocol that IOS has a name for" } },
	{ "no message of ICMP", LINE("permit icmp host 10.0.0.1 any eco"),
	  { "1:47 error: eco is no message of ICMP that IOS has a name for" } },
	{ "fragments have no ICMP type", LINE("permit icmp host 10.0.0.1 any echo"),
	  { "1:47 warning: fragments have no ICMP type: messages larger than the MTU are not protected by this line" } },
	{ "protocol 0", LINE("permit 0 host 10.0.0.1 any"),
	  { "1:24 error: protocol 0 is below 1 (1..255)" } },
	{ "established", LINE("permit tcp host 10.0.0.1 any eq 80 established"),
	  { "1:52 error: `established` in an access list: what is protected follows from addresses, protocol and ports" } },
	{ "no line that says so", "ip access-list extended L\n permit tcp host 10.0.0.1 any eq 80\n"
	  " no permit tcp host 10.0.0.1 any eq 81\n",
	  { "3:5 warning: there is nothing that this line could remove" } },
	{ "a port after ip", LINE("permit ip host 10.0.0.1 any eq 80"),
	  { "1:45 error: unknown word eq" } },
	{ "ipv6 in an IPv4 list", "ip access-list extended L\n permit ipv6 any any\n",
	  { "2:9 error: `ipv6` does not belong in an IPv4 access list" } },
	{ "ip in an IPv6 list", "ipv6 access-list L\n permit ip any any\n",
	  { "2:9 error: `ip` does not belong in an IPv6 access list" } },
	{ "a v6 address in an IPv4 list", LINE("permit ip host 2001:db8::1 any"),
	  { "1:32 error: 2001:db8::1 is not an IPv4 address" } },
	{ "standard numbers", "access-list 99 permit 10.0.0.0 0.0.0.255\n",
	  { "1:13 error: access list 99 is below 100 (100..2699)" } },
	{ "the gap between the ranges", "access-list 200 permit ip host 10.0.0.1 any\n",
	  { "1:13 error: access list 200 is not an extended one (100..199, 2000..2699)" } },
	{ "a name that is a number", "ip access-list extended 99\n",
	  { "1:25 error: 99 is not the number of an extended access list (100..199, 2000..2699)" } },
	{ "one name for both families",
	  "ip access-list extended L\n deny ip any any\nipv6 access-list L\n deny ipv6 any any\n",
	  { "3:18 error: access list L is of the other family since line 1" } },
	{ "a line number twice",
	  "ip access-list extended L\n 5 deny ip any any\n 5 deny ip host 10.0.0.1 any\n",
	  { "3:2 error: access list L has a line 5 already (line 2 of the file)" } },
	{ "a line twice", LINE("deny ip any any") LINE("deny ip any any"),
	  { "2:1 warning: the same as line 1; not added" } },
	{ "an access list that permits nothing",
	  MAP " match address 101\n set peer 10.1.1.1\n set transform-set T\n" LINE("deny ip any any")
	  SET("esp-gcm") "crypto isakmp key k address 10.1.1.1\ninterface w\n crypto map tohub\n",
	  { "2:16 warning: access list 101 permits nothing: the entry protects nothing" } },

	/* transform sets */
	{ "esp-des", SET("esp-des esp-sha-hmac"), { "1:30 error: esp-des is too weak to be used" } },
	{ "esp-3des", SET("esp-3des"), { "1:30 error: esp-3des is too weak to be used" } },
	{ "md5", SET("esp-aes 256 esp-md5-hmac"),
	  { "1:42 error: esp-md5-hmac is too weak to be used" } },
	{ "sha1", SET("esp-aes esp-sha-hmac"), { "1:38 error: esp-sha-hmac is too weak to be used" } },
	{ "aes without integrity", SET("esp-aes 256"), { "1:38 error: the command is incomplete" } },
	{ "aes 200", SET("esp-gcm 200"), { "1:38 error: AES has no keys of 200 bits" } },
	{ "null", SET("esp-null esp-sha256-hmac"),
	  { "1:28 warning: packets of transform set T are not encrypted" } },
	{ "gmac", SET("esp-gmac 256"),
	  { "1:28 warning: packets of transform set T are not encrypted" } },
	{ "null without integrity", SET("esp-null"), { "1:30 error: the command is incomplete" } },
	{ "null and sha1", SET("esp-null esp-sha-hmac"),
	  { "1:39 error: esp-sha-hmac is too weak to be used" } },
	{ "ctr without integrity", SET("esp-aes-ctr 256"),
	  { "1:42 error: the command is incomplete" } },
	{ "no anti-replay with extended sequence numbers",
	  SET("esp-gcm") " esn\n" MAP " set transform-set T\n"
	  " set security-association replay disable\n",
	  { "4:20 error: transform set T has extended sequence numbers, which need the "
	    "anti-replay window that is disabled" } },
	{ "a window of 63 packets", MAP " set security-association replay window-size 63\n",
	  { "2:46 error: unknown word 63" } },
	{ "ah and esp", SET("ah-sha256-hmac esp-aes 256"), { "1:45 error: "
	    "AH and ESP in one transform set are a bundle, which IKEv2 does not negotiate "
	    "(RFC 7296 section 3.3.1: a proposal is of one protocol)" } },
	{ "esp and ah", SET("esp-aes 256 esp-sha256-hmac ah-sha256-hmac"),
	  { "1:58 error: "
	    "AH and ESP in one transform set are a bundle, which IKEv2 does not negotiate "
	    "(RFC 7296 section 3.3.1: a proposal is of one protocol)" } },
	{ "gcm and ah", SET("esp-gcm 256 ah-sha256-hmac"), { "1:42 error: "
	    "AH and ESP in one transform set are a bundle, which IKEv2 does not negotiate "
	    "(RFC 7296 section 3.3.1: a proposal is of one protocol)" } },
	{ "ah sha1", SET("ah-sha-hmac"), { "1:30 error: ah-sha-hmac is too weak to be used" } },
	{ "ah", SET("ah-sha256-hmac"),
	  { "1:28 warning: packets of transform set T are not encrypted" } },
	{ "sets of AH and of ESP in one entry",
	  SET("esp-gcm") "crypto ipsec transform-set A ah-sha512-hmac\n" MAP
	  " set peer 10.1.1.1\n set transform-set T A\n",
	  { "2:28 warning: packets of transform set A are not encrypted",
	    "5:22 error: transform set A is of AH, and T of ESP: the packets of an entry have one protocol" } },
	{ "sets of two modes in one entry",
	  SET("esp-gcm") "crypto ipsec transform-set R esp-aes esp-sha256-hmac\n mode transport\n" MAP
	  " set peer 10.1.1.1\n set transform-set T R\n",
	  { "6:22 error: transform set R is in transport mode, and T in tunnel mode: the mode is "
	    "agreed for all of them at once (RFC 7296 section 1.3.1)" } },
	{ "transport mode for networks",
	  SET("esp-gcm") " mode transport\n" MAP
	  " set peer 10.1.1.1\n set transform-set T\n match address 101\n"
	  LINE("permit ip 192.168.1.0/24 192.168.2.0/24") "crypto isakmp key k address 10.1.1.1\n"
	  "interface w\n crypto map tohub\n",
	  { "7:1 warning: 192.168.1.0/24 → 192.168.2.0/24 is not between this gateway and a peer of "
	    "tohub 1: it is in tunnel mode, whatever its transform set says" } },
	{ "required transport mode towards who is no peer",
	  SET("esp-gcm") " mode transport require\n" MAP
	  " set peer 10.1.1.1\n set transform-set T\n match address 101\n"
	  LINE("permit ip host 10.0.0.2 host 10.1.1.9") "crypto isakmp key k address 10.1.1.1\n"
	  "interface w\n crypto map tohub\n",
	  { "7:1 warning: 10.0.0.2 → 10.1.1.9 is not between this gateway and a peer of tohub 1: "
	    "with `mode transport require` it never comes up" } },
	{ "transport mode between the gateways",
	  SET("esp-gcm") " mode transport\n" MAP
	  " set peer 10.1.1.1\n set transform-set T\n match address 101\n"
	  LINE("permit ip host 10.0.0.2 host 10.1.1.1") "crypto isakmp key k address 10.1.1.1\n"
	  "interface w\n crypto map tohub\n",
	  { NULL } },

	/* IKEv2 proposals */
	{ "ikev2: 3des", "crypto ikev2 proposal P\n encryption 3des\n",
	  { "2:13 error: cipher 3des is too weak to be used" } },
	{ "ikev2: sha1", "crypto ikev2 proposal P\n integrity sha256 sha1\n",
	  { "2:19 error: hash sha1 is too weak to be used" } },
	{ "ikev2: prf md5", "crypto ikev2 proposal P\n prf md5\n",
	  { "2:6 error: hash md5 is too weak to be used" } },
	{ "ikev2: group 2", "crypto ikev2 proposal P\n group 31 2\n",
	  { "2:11 error: group 2 is too weak to be used" } },
	{ "ikev2: group 77", "crypto ikev2 proposal P\n group 77\n", { "2:8 error: 77 is no group" } },
	{ "ikev2: twice", "crypto ikev2 proposal P\n encryption aes-gcm-256 aes-gcm-256\n",
	  { "2:25 error: cipher aes-gcm-256 is named twice" } },
	{ "ikev2: cbc without integrity",
	  "crypto ikev2 proposal P\n encryption aes-cbc-256\n prf sha256\n group 31\n",
	  { "1:23 error: proposal P has aes-cbc and no integrity" } },
	{ "ikev2: gcm without prf", "crypto ikev2 proposal P\n encryption aes-gcm-256\n group 31\n",
	  { "1:23 error: proposal P has no prf" } },
	{ "ikev2: no group", "crypto ikev2 proposal P\n encryption aes-gcm-256\n prf sha256\n",
	  { "1:23 error: proposal P has no group" } },
	{ "ikev2: no encryption", "crypto ikev2 proposal P\n group 31\n",
	  { "1:23 error: proposal P has no encryption" } },
	{ "ikev2: unused",
	  "crypto ikev2 proposal P\n encryption aes-gcm-256\n prf sha256\n group 31\n",
	  { "1:23 warning: proposal P is in no policy: it is not offered" } },
	{ "ikev2: policy without its proposal", "crypto ikev2 policy O\n proposal P\n",
	  { "2:11 error: there is no proposal P" } },
	{ "ikev2: empty policy", "crypto ikev2 policy O\n", { "1:21 error: policy O has no proposal" } },
	{ "ikev2: policy by address", "crypto ikev2 policy O\n match address local 10.0.0.1\n",
	  { "1:21 error: policy O has no proposal" } },

	/* keys: the words of a key are never said */
	{ "key type 6", "crypto isakmp key 6 AAAA address 10.1.1.1\n",
	  { "1:34 error: a key of type 6 is encrypted with a master key, and there is none" } },
	{ "key type 6 in a keyring",
	  KEYRING "  pre-shared-key 6 AAAA\n",
	  { "2:7 error: a key of type 6 is encrypted with a master key, and there is none" } },
	{ "a key of one direction", KEYRING "  pre-shared-key local a\n",
	  { "2:7 error: peer a of keyring K has a key of one direction only" } },
	{ "a key of the other direction", KEYRING "  pre-shared-key remote a\n",
	  { "2:7 error: peer a of keyring K has a key of one direction only" } },
	{ "a next key that follows none", KEYRING "  pre-shared-key next a\n",
	  { "2:7 error: peer a of keyring K has no pre-shared-key",
	    "2:7 error: the next key of peer a of keyring K has none to follow: it takes the place of one of both directions" } },
	{ "a next key beside one of each direction",
	  KEYRING "  pre-shared-key local a\n  pre-shared-key remote b\n  pre-shared-key next c\n",
	  { "2:7 error: the next key of peer a of keyring K has none to follow: it takes the place of one of both directions" } },
	{ "half a byte", KEYRING "  pre-shared-key hex 0x123\n",
	  { "4:22 error: that is no key in hexadecimal" } },
	{ "a digit that is none", KEYRING "  pre-shared-key hex 0g\n",
	  { "4:22 error: that is no key in hexadecimal" } },
	{ "a key in a file by a path that depends", KEYRING "  pre-shared-key file psk\n",
	  { "4:23 error: psk is no absolute path" } },
	{ "a certificate map that is not there", PROFILE " authentication local pre-share\n"
	  " authentication remote pre-share\n match certificate M\n",
	  { "4:20 error: certificate map M does not exist",
	    "4:20 error: `match certificate` is about certificates, and IKEv2 profile P lets peers prove themselves by a pre-shared key" } },
	{ "the date of a certificate map", "crypto pki certificate map M 1\n expires-on lt x\n",
	  { "2:2 error: a certificate that is out of date is refused in any case" } },
	{ "IKEv1's identity", "crypto isakmp identity hostname\n",
	  { "1:15 error: `crypto isakmp identity` belongs to IKEv1; here is only IKEv2" } },
	{ "what XFRM does not tell", "crypto isakmp invalid-spi-recovery\n",
	  { "1:15 error: `crypto isakmp invalid-spi-recovery` cannot be done: XFRM does not tell which packet met no SA" } },
	{ "the master key in the file", "key config-key password-encrypt 0 abc\n",
	  { "1:33 error: the master key does not belong into the file that it protects" } },
	{ "a key of two words", "crypto isakmp key two words address 10.1.1.1\n",
	  { "1:23 error: a word after the key that is not expected" } },
	{ "a mask with a hole", "crypto isakmp key k address 10.0.0.0 255.0.255.0\n",
	  { "1:38 error: 255.0.255.0 is no network mask of 10.0.0.0" } },
	{ "a keyring's peer without key and address", "crypto ikev2 keyring K\n peer a\n",
	  { "2:7 error: peer a of keyring K has no address",
	    "2:7 error: peer a of keyring K has no pre-shared-key" } },
	{ "one address, two keys",
	  "crypto isakmp key k address 10.1.1.1\n"
	  "crypto ikev2 keyring K\n peer a\n  address 10.1.1.1\n  pre-shared-key k\n",
	  { "3:7 error: 10.1.1.1 has a key already (line 1)" } },
	{ "one address, two keys with identities",
	  "crypto ikev2 keyring K\n peer a\n  address 10.1.1.1\n  identity fqdn a.example\n"
	  "  pre-shared-key k\n peer b\n  address 10.1.1.1\n  identity fqdn b.example\n"
	  "  pre-shared-key l\n",
	  { "6:7 error: 10.1.1.1 has a key already (line 2)" } },
	{ "a peer without key",
	  MAP " match address 101\n set peer 10.1.1.1\n set peer 10.2.2.2\n set transform-set T\n"
	  LINE("permit ip host 10.0.0.1 any") SET("esp-gcm")
	  "crypto isakmp key k address 10.1.1.1\ninterface w\n crypto map tohub\n",
	  { "4:11 warning: no pre-shared key for peer 10.2.2.2: it can never come up" } },

	/* words and lines */
	{ "an unknown command", "fnord 1\n", { "1:1 error: unknown word fnord" } },
	{ "every error is told, not the first only", "fnord\nip fnord\ncrypto fnord\n",
	  { "1:1 error: unknown word fnord", "2:4 error: unknown word fnord",
	    "3:8 error: unknown word fnord" } },
	{ "a control byte", "hostname a\n host\x07name b\n",
	  { "2:6 error: a byte 0x07, which no line can hold" } },
	{ "a name that is not UTF-8", "hostname k\xf6ln\n! k\xf6ln\nhostname k\xc3\xb6ln\n",
	  { "1:11 error: a byte 0xf6, which no line can hold" } },
	{ "UTF-8 cut off, too long, a surrogate, too high",
	  "hostname a\xe2\x82\nhostname \xc0\xaf\nhostname \xed\xa0\x80\nhostname \xf4\x90\x80\x80\n",
	  { "1:11 error: a byte 0xe2, which no line can hold",
	    "2:10 error: a byte 0xc0, which no line can hold",
	    "3:10 error: a byte 0xed, which no line can hold",
	    "4:10 error: a byte 0xf4, which no line can hold" } },
	{ "an incomplete command", "crypto\n", { "1:1 error: the command is incomplete" } },
	{ "`no` alone", "no\n", { "1:1 error: unknown word no" } },
	{ "a line that `no` does not take", "no crypto map m local-address\n",
	  { "1:4 warning: there is nothing that this line could remove" } },
	{ "a map's word on the interface is not the map's entry",
	  "interface wan0\n crypto map m 70000\n",
	  { "2:15 error: sequence number 70000 is above 65535 (1..65535)" } },
};

static void one_row(void **state)
{
	const struct row *r = *state;
	struct parsed x = conf_help_parse(r->text);
	unsigned errors = 0;

	conf_help_expect(&x, r->want);
	for (unsigned i = 0; r->want[i]; i++)
		errors += strstr(r->want[i], " error: ") != NULL;
	assert_int_equal(x.d.n_errors, errors);
	assert_true(errors ? !x.c : !!x.c);
	conf_help_free(&x);
}

int main(void)
{
	struct CMUnitTest tests[ELEMS(rows)];

	for (size_t i = 0; i < ELEMS(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].desc,
						.test_func = one_row,
						.initial_state = (void *)&rows[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
