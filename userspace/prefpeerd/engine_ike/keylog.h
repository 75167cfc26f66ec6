/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SK_e and SK_a of an IKE SA as a line of Wireshark's ikev2_decryption_table, so
 * that what went over the wire can be read by a dissector that nobody here wrote.
 * Only for who asks on the command line: keyexport.h.
 */
#ifndef ENGINE_IKE_KEYLOG_H
#define ENGINE_IKE_KEYLOG_H

#include "prefpeerd/engine_ike/keymat.h"

/* SPIs, four keys of at most CRYPTO_KEY_MAX in hex, two names. */
#define KEYLOG_LINE_MAX (2 * (2 * 8 + 4 * CRYPTO_KEY_MAX) + 160)

/*
 * Without line feed. -ENOTSUP: Wireshark has no name for the suite (4.0 has none for
 * ChaCha20-Poly1305), and the line is a comment without keys that says so.
 */
int keylog_line(const struct ike_suite *suite, const struct ike_keys *keys, const uint8_t spi_i[8],
		const uint8_t spi_r[8], char out[KEYLOG_LINE_MAX]);

#endif
