/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Algorithms by their IANA IKEv2 transform IDs (RFC 7296 §3.3.2), and the
 * suites made of them. One table of names serves configuration, logs, JSON.
 */
#ifndef LIB_SUITE_H
#define LIB_SUITE_H

#include <stdbool.h>
#include <stdint.h>

enum ike_encr { ENCR_NONE = 0, ENCR_AES_CBC = 12, ENCR_AES_GCM_16 = 20 };
enum ike_prf { PRF_NONE = 0, PRF_HMAC_SHA2_256 = 5, PRF_HMAC_SHA2_384 = 6 };
enum ike_integ { INTEG_NONE = 0, INTEG_HMAC_SHA2_256_128 = 12 };
enum ike_dh { DH_NONE = 0, DH_MODP_2048 = 14, DH_ECP_256 = 19, DH_ECP_384 = 20, DH_X25519 = 31 };

#define SUITE_MAX 6 /* transform sets of an entry, semantics.md §4.6 */

/* A child SA's algorithms. AEAD has integ NONE. */
struct esp_suite {
	enum ike_encr encr;
	uint16_t key_bits; /* 128, 192, 256 */
	enum ike_integ integ;
	bool esn; /* offered beside "no ESN", not instead of it */
};

struct ike_suite {
	enum ike_encr encr;
	uint16_t key_bits;
	enum ike_integ integ;
	enum ike_prf prf;
	enum ike_dh dh;
};

/* "aes-gcm-16-256", "hmac-sha2-256-128", …; never NULL, unknown ones print as "encr 77". */
const char *encr_name(int id, int key_bits, char *buf, int size);
const char *prf_name(int id);
const char *integ_name(int id);
const char *dh_name(int id);

#endif
