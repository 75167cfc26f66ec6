/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of IKEv2 on the wire, RFC 7296 §3 and the IANA registry, and their names. */
#ifndef ENGINE_IKE_WIRE_H
#define ENGINE_IKE_WIRE_H

#include <stdint.h>

#define IKE_PORT 500
#define IKE_NATT_PORT 4500
#define IKE_SPI_LEN 8
#define IKE_HEADER_LEN 28
#define IKE_PAYLOAD_HEADER_LEN 4
#define IKE_VERSION 0x20 /* 2.0; the minor version of a received one is ignored */
#define IKE_NONCE_MIN 16 /* §2.10 */
#define IKE_NONCE_MAX 256
#define IKE_NONCE_OURS 32 /* at least half the key of the strongest PRF */
#define IKE_COOKIE_MAX 64 /* §2.6 */

enum ike_flag { /* §3.1 */
	IKE_FLAG_INITIATOR = 0x08,
	IKE_FLAG_VERSION = 0x10,
	IKE_FLAG_RESPONSE = 0x20,
};

enum ike_exchange {
	XCHG_IKE_SA_INIT = 34,
	XCHG_IKE_AUTH = 35,
	XCHG_CREATE_CHILD_SA = 36,
	XCHG_INFORMATIONAL = 37,
};

enum ike_payload {
	PLD_NONE = 0,
	PLD_SA = 33,
	PLD_KE = 34,
	PLD_IDI = 35,
	PLD_IDR = 36,
	PLD_CERT = 37,
	PLD_CERTREQ = 38,
	PLD_AUTH = 39,
	PLD_NONCE = 40,
	PLD_NOTIFY = 41,
	PLD_DELETE = 42,
	PLD_VENDOR = 43,
	PLD_TSI = 44,
	PLD_TSR = 45,
	PLD_SK = 46,
	PLD_CP = 47,
	PLD_EAP = 48,
	PLD_SKF = 53, /* RFC 7383 §2.5 */
};

#define PLD_CRITICAL 0x80

enum ike_protocol { PROTO_ID_NONE = 0, PROTO_ID_IKE = 1, PROTO_ID_AH = 2, PROTO_ID_ESP = 3 };

enum ike_transform { /* §3.3.2 */
	TRANSFORM_ENCR = 1,
	TRANSFORM_PRF = 2,
	TRANSFORM_INTEG = 3,
	TRANSFORM_DH = 4,
	TRANSFORM_ESN = 5,
};

#define ATTR_KEY_LENGTH 14
#define ATTR_FORMAT_TV 0x8000

enum ike_auth_method { /* §3.8, RFC 4754, RFC 7427 */
	AUTH_RSA = 1,
	AUTH_SHARED_KEY = 2,
	AUTH_ECDSA_256 = 9,
	AUTH_ECDSA_384 = 10,
	AUTH_ECDSA_521 = 11,
	AUTH_DIGITAL_SIGNATURE = 14,
};

#define CERT_X509_SIGNATURE 4 /* §3.6 */

enum ike_ts_type { TS_IPV4_ADDR_RANGE = 7, TS_IPV6_ADDR_RANGE = 8 };

enum ike_notify { /* §3.10.1; errors below 16384 */
	N_UNSUPPORTED_CRITICAL_PAYLOAD = 1,
	N_INVALID_IKE_SPI = 4,
	N_INVALID_MAJOR_VERSION = 5,
	N_INVALID_SYNTAX = 7,
	N_INVALID_MESSAGE_ID = 9,
	N_INVALID_SPI = 11,
	N_NO_PROPOSAL_CHOSEN = 14,
	N_INVALID_KE_PAYLOAD = 17,
	N_AUTHENTICATION_FAILED = 24,
	N_SINGLE_PAIR_REQUIRED = 34,
	N_NO_ADDITIONAL_SAS = 35,
	N_INTERNAL_ADDRESS_FAILURE = 36,
	N_FAILED_CP_REQUIRED = 37,
	N_TS_UNACCEPTABLE = 38,
	N_INVALID_SELECTORS = 39,
	N_TEMPORARY_FAILURE = 43,
	N_CHILD_SA_NOT_FOUND = 44,
	N_INITIAL_CONTACT = 16384,
	N_SET_WINDOW_SIZE = 16385,
	N_ADDITIONAL_TS_POSSIBLE = 16386,
	N_IPCOMP_SUPPORTED = 16387,
	N_NAT_DETECTION_SOURCE_IP = 16388,
	N_NAT_DETECTION_DESTINATION_IP = 16389,
	N_COOKIE = 16390,
	N_USE_TRANSPORT_MODE = 16391,
	N_REKEY_SA = 16393,
	N_ESP_TFC_PADDING_NOT_SUPPORTED = 16394,
	N_QCD_TOKEN = 16419,		   /* RFC 6290 */
	N_FRAGMENTATION_SUPPORTED = 16430, /* RFC 7383 §2.3 */
	N_SIGNATURE_HASH_ALGORITHMS = 16431, /* RFC 7427 §4 */
};

static inline int notify_is_error(uint16_t type)
{
	return type != 0 && type < 16384;
}

/* Never NULL; numbers without a name as "notify 41234". Valid until the fourth next call. */
const char *exchange_name(int id);
const char *payload_name(int id);
const char *notify_name(int id);

#endif
