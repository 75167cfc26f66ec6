/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Certificates for the two engines of ike_fixture.h, and a signing port in the same process. */
#ifndef TEST_IKE_CERTS_H
#define TEST_IKE_CERTS_H

#include "prefpeerd/engine_ike/engine_ike.h"
#include "prefpeerd/pki/pki.h"
#include "prefpeerd/test/ike_fixture.h"
#include "prefpeerd/test/pki_make.h"

#define SIGN_JOBS 64

/* Answers when its timer fires: at once, unless it is told otherwise. */
struct test_signer {
	struct side *side;
	struct pki_private *key;
	struct timer timer;
	bool mute;  /* never answers */
	bool fails; /* answers with an error */
	bool refuses; /* takes no job */
	unsigned n_jobs;
	struct {
		uint32_t job;
		enum pki_scheme scheme;
		uint8_t key[PKI_KEY_ID_LEN];
		uint8_t data[8192];
		size_t len;
		bool done;
	} jobs[SIGN_JOBS];
};

/* What one side has: a certificate with those above it, its key, and whom it trusts. */
struct credentials {
	struct pki_own *own;
	struct pki_trust *trust;
	struct test_signer signer;
};

void test_signer_open(struct test_signer *t, struct side *side, const char *key_path);
void test_signer_close(struct test_signer *t);

/* @list: the certificate first. @crl: NULL. */
void credentials_open(struct credentials *c, struct side *side, const struct made *const *list,
		      unsigned n, const struct made *ca, const char *crl);
void credentials_close(struct credentials *c);

#endif
