/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Certificates, keys and CRLs made at test time, in a directory of their own:
 * everything that a CA may do, also what it should not.
 */
#ifndef TEST_PKI_MAKE_H
#define TEST_PKI_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/chunk.h"

struct made {
	X509 *cert;
	EVP_PKEY *key;
	uint8_t *der;
	size_t len;
};

/* What is 0 or NULL is as a good certificate has it: P-256, SHA2-256, valid from yesterday for a year. */
struct make {
	const char *subject;	   /* "CN=hub1" */
	const char *san;	   /* "DNS:hub1.example,IP:10.1.1.1" */
	const struct made *issuer; /* NULL: itself */
	const char *key;	   /* "P-256", "P-384", "P-521", "RSA:2048", "RSA-PSS:2048", "ED25519", "P-224" */
	const char *ku, *eku;	   /* values of the extensions */
	const char *constraints;   /* "critical,permitted;DNS:.example" */
	bool ca;
	int pathlen; /* of a CA: 1 more than it says, 0: none */
	bool no_bc;  /* a CA by its key usage alone */
	int from_day, to_day;
	bool sha1;
	const struct made *same_key; /* as that one has */
	const char *critical_oid;    /* an extension that nobody knows */
	unsigned pad;		     /* bytes more, in an extension */
};

struct made pki_make(const struct make *what);
void pki_made_free(struct made *m);
struct chunk pki_made_der(const struct made *m);

/* A directory under /tmp; files in it are overwritten, and go with it. */
const char *pki_dir(void);
void pki_dir_remove(void);
/* Path of NAME in it, written as PEM; valid until the fourth next call. */
const char *pki_write_certs(const char *name, const struct made *const *list, unsigned n);
const char *pki_write_key(const char *name, const struct made *m);
/* One CRL of each of @issuers; @revoked (of the first of them) may be NULL. To @to_day. */
const char *pki_write_crls(const char *name, const struct made *const *issuers, unsigned n,
			   const struct made *revoked, int to_day);
const char *pki_path(const char *name);

#endif
