/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two processes say to each other; one packet each. */
#ifndef PREFPEERD_SIGNER_IMPL_H
#define PREFPEERD_SIGNER_IMPL_H

#include <limits.h>

#include "prefpeerd/pki/pki.h"

#define SIGN_DATA_MAX 16384
#define SIGN_KEYS_MAX 64

enum signer_op { SIGNER_LOAD = 1, SIGNER_RETAIN, SIGNER_SECRET };

#define SIGNER_SECRET_MAX 128

struct signer_request { /* control: LOAD a path, RETAIN n keys, SECRET of a path or sealed */
	uint32_t op;
	uint32_t n;
	union {
		char path[PATH_MAX];
		uint8_t keys[SIGN_KEYS_MAX][PKI_KEY_ID_LEN];
	};
	char sealed[PKI_SEALED_MAX + 1]; /* "": the path's */
};

struct signer_reply {
	int32_t err;
	struct pki_key key;
	uint32_t len;
	uint8_t secret[SIGNER_SECRET_MAX];
	char why[PKI_WHY_MAX];
};

struct sign_request {
	uint32_t job;
	uint32_t scheme;
	uint8_t key[PKI_KEY_ID_LEN];
	uint32_t len;
	uint8_t data[SIGN_DATA_MAX]; /* @len of it is sent */
};

struct sign_reply {
	uint32_t job;
	int32_t err;
	uint32_t len;
	uint8_t sig[PKI_SIG_MAX];
};

/* The other process; returns when the first one is gone. */
void signer_process(int control, int work);

#endif
