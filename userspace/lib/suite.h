/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Algorithms by their IANA IKEv2 transform IDs (RFC 7296 §3.3.2), and the
 * suites made of them. One table of names serves configuration, logs, JSON.
 */
#ifndef LIB_SUITE_H
#define LIB_SUITE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

enum ike_encr {
	ENCR_NONE = 0,
	ENCR_NULL = 11,	      /* RFC 2410: integrity only */
	ENCR_AES_CBC = 12,    /* RFC 3602 */
	ENCR_AES_CTR = 13,    /* RFC 3686; of ESP only */
	ENCR_AES_GCM_16 = 20, /* RFC 4106, RFC 5282 */
	ENCR_NULL_AUTH_AES_GMAC = 21, /* RFC 4543: integrity only */
	ENCR_CHACHA20_POLY1305 = 28,  /* RFC 7634 */
};
enum ike_prf { PRF_NONE = 0, PRF_HMAC_SHA2_256 = 5, PRF_HMAC_SHA2_384 = 6, PRF_HMAC_SHA2_512 = 7 };
enum ike_integ { /* RFC 4868 */
	INTEG_NONE = 0,
	INTEG_HMAC_SHA2_256_128 = 12,
	INTEG_HMAC_SHA2_384_192 = 13,
	INTEG_HMAC_SHA2_512_256 = 14,
};
enum ike_dh { /* RFC 3526, RFC 5903, RFC 8031 */
	DH_NONE = 0,
	DH_MODP_2048 = 14,
	DH_MODP_3072 = 15,
	DH_MODP_4096 = 16,
	DH_ECP_256 = 19,
	DH_ECP_384 = 20,
	DH_ECP_521 = 21,
	DH_X25519 = 31,
	DH_X448 = 32,
};

#define SUITE_MAX 6 /* transform sets of an entry, semantics.md §4.6 */

/* A child SA's algorithms. AEAD has integ NONE; AH (RFC 4302) has encr NONE. */
struct esp_suite {
	enum ike_encr encr;
	uint16_t key_bits; /* 128, 192, 256; 0 where the algorithm has keys of one length */
	enum ike_integ integ;
	bool esn; /* offered beside "no ESN", not instead of it */
};

/* Bytes of its keys, salts left out. */
unsigned esp_encr_key_len(const struct esp_suite *s);
unsigned esp_integ_key_len(const struct esp_suite *s);

/* Integrity alone, of the outer header too: nothing is encrypted, and no NAT can be passed. */
static inline bool suite_is_ah(const struct esp_suite *s)
{
	return s->encr == ENCR_NONE && s->integ != INTEG_NONE;
}

/* How an SA wraps packets (RFC 4301 §4.1). */
enum sa_mode {
	SA_MODE_TUNNEL,
	SA_MODE_TRANSPORT,	    /* tunnel where the peer will not, or the ends are others */
	SA_MODE_TRANSPORT_REQUIRED, /* or nothing */
};

/*
 * What XFRM compares of an SA with the template that asks for it, and the reason why a
 * line has one of either at a time. Zeros: ESP in tunnel mode.
 */
struct sa_kind {
	bool ah, transport;
};

static inline bool sa_kind_equal(struct sa_kind a, struct sa_kind b)
{
	return a.ah == b.ah && a.transport == b.transport;
}

/* "ESP", "AH in transport mode", … */
const char *sa_kind_name(struct sa_kind k);

/* Anti-replay of an inbound SA (RFC 4303 §3.4.3). */
struct replay {
	uint32_t window; /* packets; 0: not said */
	bool off;
};

struct ike_suite {
	enum ike_encr encr;
	uint16_t key_bits;
	enum ike_integ integ;
	enum ike_prf prf;
	enum ike_dh dh;
};

struct ike_cipher {
	enum ike_encr encr;
	uint16_t key_bits;
	enum ike_integ integ; /* NONE with AEAD */
};

#define IKE_CIPHERS_MAX 32
#define IKE_PRFS_MAX 4
#define IKE_GROUPS_MAX 10

/*
 * What may be negotiated for an IKE SA, in order of preference; each list ends
 * with zeros. Of several ones, those before are preferred to those after.
 */
struct ike_offer {
	struct ike_cipher ciphers[IKE_CIPHERS_MAX];
	enum ike_prf prfs[IKE_PRFS_MAX];
	enum ike_dh groups[IKE_GROUPS_MAX];
	const struct ike_offer *next;
	const void *of; /* what it was made of; the maker's */
};

/* In the place of all others, from that address of ours. */
struct ike_local_offer {
	struct addr local;
	struct ike_offer *offer;
};

/* "aes-gcm-16-256", "hmac-sha2-256-128", …; never NULL, unknown ones print as "encr 77". */
const char *encr_name(int id, int key_bits, char *buf, int size);
const char *prf_name(int id);
const char *integ_name(int id);
const char *dh_name(int id);

#endif
