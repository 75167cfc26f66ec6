/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Distinguished names: DER as a certificate and an ID payload have them, and
 * the text that people write. Compared as RFC 5280 §7.1 says, by libcrypto.
 */
#ifndef LIB_DN_H
#define LIB_DN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * "C=US, O=Example, CN=hub1": attributes in the order in which they are written,
 * a comma in a value as `\,`. 0 and @len; -EINVAL: no such text or attribute,
 * -E2BIG: over @size bytes.
 */
int dn_from_text(const char *text, uint8_t *der, size_t size, size_t *len);
/* "C=US, O=Example, CN=hub1", control and other unprintable characters escaped; never fails. */
const char *dn_to_text(const uint8_t *der, size_t len, char *buf, size_t size);
/* Case and runs of spaces do not matter. False also when one of them is no DN. */
bool dn_equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);
/*
 * The same, or the other way round: people write the most specific attribute
 * first (RFC 4514) or last (as it is encoded), and mean the same name.
 */
bool dn_means(const uint8_t *written, size_t w_len, const uint8_t *name, size_t n_len);

#endif
