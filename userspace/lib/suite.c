// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/suite.h"

#include <stddef.h>
#include <stdio.h>

struct name {
	int id;
	const char *text;
};

static const struct name encr_names[] = {
	{ ENCR_NONE, "none" },
	{ ENCR_NULL, "null" },
	{ ENCR_AES_CBC, "aes-cbc" },
	{ ENCR_AES_CTR, "aes-ctr" },
	{ ENCR_AES_GCM_16, "aes-gcm-16" },
	{ ENCR_NULL_AUTH_AES_GMAC, "aes-gmac" },
	{ ENCR_CHACHA20_POLY1305, "chacha20-poly1305" },
};

static const struct name prf_names[] = {
	{ PRF_NONE, "none" },
	{ PRF_HMAC_SHA2_256, "hmac-sha2-256" },
	{ PRF_HMAC_SHA2_384, "hmac-sha2-384" },
	{ PRF_HMAC_SHA2_512, "hmac-sha2-512" },
};

static const struct name integ_names[] = {
	{ INTEG_NONE, "none" },
	{ INTEG_HMAC_SHA2_256_128, "hmac-sha2-256-128" },
	{ INTEG_HMAC_SHA2_384_192, "hmac-sha2-384-192" },
	{ INTEG_HMAC_SHA2_512_256, "hmac-sha2-512-256" },
};

static const struct name dh_names[] = {
	{ DH_NONE, "none" },		{ DH_MODP_2048, "modp-2048" },
	{ DH_MODP_3072, "modp-3072" },	{ DH_MODP_4096, "modp-4096" },
	{ DH_ECP_256, "ecp-256" },	{ DH_ECP_384, "ecp-384" },
	{ DH_ECP_521, "ecp-521" },	{ DH_X25519, "x25519" },
	{ DH_X448, "x448" },
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CHACHA20_KEY_LEN 32

unsigned esp_encr_key_len(const struct esp_suite *s)
{
	return s->encr == ENCR_CHACHA20_POLY1305 ? CHACHA20_KEY_LEN : s->key_bits / 8u;
}

/* As long as the hash (RFC 4868 §2.1.1). */
unsigned esp_integ_key_len(const struct esp_suite *s)
{
	switch (s->integ) {
	case INTEG_HMAC_SHA2_256_128:
		return 32;
	case INTEG_HMAC_SHA2_384_192:
		return 48;
	case INTEG_HMAC_SHA2_512_256:
		return 64;
	default:
		return 0;
	}
}

static const char *lookup(const struct name *tab, size_t n, int id)
{
	for (size_t i = 0; i < n; i++)
		if (tab[i].id == id)
			return tab[i].text;
	return NULL;
}

/* A number without a name is shown, in one of a few buffers so that a log line may hold several. */
static const char *unknown(const char *kind, int id)
{
	static char bufs[4][24];
	static unsigned turn;
	char *buf = bufs[turn++ % ARRAY_SIZE(bufs)];

	snprintf(buf, sizeof(bufs[0]), "%s %d", kind, id);
	return buf;
}

const char *encr_name(int id, int key_bits, char *buf, int size)
{
	const char *text = lookup(encr_names, ARRAY_SIZE(encr_names), id);

	if (!text)
		snprintf(buf, (size_t)size, "encr %d", id);
	else if (key_bits)
		snprintf(buf, (size_t)size, "%s-%d", text, key_bits);
	else
		snprintf(buf, (size_t)size, "%s", text);
	return buf;
}

const char *prf_name(int id)
{
	const char *text = lookup(prf_names, ARRAY_SIZE(prf_names), id);

	return text ? text : unknown("prf", id);
}

const char *integ_name(int id)
{
	const char *text = lookup(integ_names, ARRAY_SIZE(integ_names), id);

	return text ? text : unknown("integ", id);
}

const char *dh_name(int id)
{
	const char *text = lookup(dh_names, ARRAY_SIZE(dh_names), id);

	return text ? text : unknown("group", id);
}

const char *sa_kind_name(struct sa_kind k)
{
	static const char *const names[2][2] = {
		{ "ESP", "ESP in transport mode" },
		{ "AH", "AH in transport mode" },
	};

	return names[k.ah][k.transport];
}
