// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/keylog.h"

#include <errno.h>
#include <stdio.h>

#include "prefpeerd/engine_ike/ike.h"

/* Wireshark's names, epan/dissectors/packet-isakmp.c, are looked up to the letter. */
static const char *encr_text(const struct ike_suite *suite)
{
	switch (suite->encr) {
	case ENCR_AES_GCM_16:
		return suite->key_bits == 256 ? "AES-GCM-256 with 16 octet ICV [RFC5282]" :
		       suite->key_bits == 192 ? "AES-GCM-192 with 16 octet ICV [RFC5282]" :
						"AES-GCM-128 with 16 octet ICV [RFC5282]";
	case ENCR_AES_CBC:
		return suite->key_bits == 256 ? "AES-CBC-256 [RFC3602]" :
		       suite->key_bits == 192 ? "AES-CBC-192 [RFC3602]" :
						"AES-CBC-128 [RFC3602]";
	default:
		return NULL;
	}
}

static const char *integ_text(enum ike_integ integ)
{
	switch (integ) {
	case INTEG_NONE: return "NONE [RFC4306]";
	case INTEG_HMAC_SHA2_256_128: return "HMAC_SHA2_256_128 [RFC4868]";
	case INTEG_HMAC_SHA2_384_192: return "HMAC_SHA2_384_192 [RFC4868]";
	case INTEG_HMAC_SHA2_512_256: return "HMAC_SHA2_512_256 [RFC4868]";
	default: return NULL;
	}
}

static char *put_hex(char *at, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 15];
	}
	*at++ = ',';
	return at;
}

int keylog_line(const struct ike_suite *suite, const struct ike_keys *keys, const uint8_t spi_i[8],
		const uint8_t spi_r[8], char out[KEYLOG_LINE_MAX])
{
	const char *encr = encr_text(suite), *integ = integ_text(suite->integ);
	size_t e = encr_keymat_len(suite->encr, suite->key_bits);
	size_t a = integ_key_len(suite->integ);
	char *end = out + KEYLOG_LINE_MAX;

	if (!encr || !integ)
		out += sprintf(out, "# ");
	out = put_hex(out, spi_i, 8);
	out = put_hex(out, spi_r, 8);
	if (!encr || !integ) {
		snprintf(out, (size_t)(end - out), " Wireshark has no name for its %s",
			 encr ? "integrity algorithm" : "cipher");
		return -ENOTSUP;
	}
	/* With AEAD the salt is the last of SK_e, and SK_a is empty. */
	out = put_hex(out, keys->i.e, e);
	out = put_hex(out, keys->r.e, e);
	out += snprintf(out, (size_t)(end - out), "\"%s\",", encr);
	out = put_hex(out, keys->i.a, a);
	out = put_hex(out, keys->r.a, a);
	snprintf(out, (size_t)(end - out), "\"%s\"", integ);
	return 0;
}

void session_export_keys(const struct session *s)
{
	char line[KEYLOG_LINE_MAX];

	if (!s->e->keys_fn || !s->has_keys)
		return;
	keylog_line(&s->suite, &s->keys, s->spi_i, s->spi_r, line);
	s->e->keys_fn(s->e->keys_ctx, line);
	crypto_wipe(line, sizeof(line));
}
