/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Certificates and signatures for IKE, all by libcrypto: own certificates and
 * keys, trust anchors and CRLs, the chain and identity of a peer (RFC 5280, RFC
 * 4945), and signatures as RFC 7296 §2.15 and RFC 7427 have them.
 *
 * Texts of refusals are sentences for an operator, without full stop.
 * Objects are counted or owned as their functions say; one thread.
 */
#ifndef PREFPEERD_PKI_H
#define PREFPEERD_PKI_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/chunk.h"
#include "lib/id.h"

#define PKI_CHAIN_MAX 8	   /* certificates that one side may send, and that a chain may have */
#define PKI_CERT_MAX 16384 /* bytes of one certificate */
#define PKI_ANCHORS_MAX 64 /* of one trustpoint */
#define PKI_TRUST_MAX 4	   /* trustpoints that one peer may be verified by */
#define PKI_SIG_MAX 1024   /* bytes: RSA of 8192 bits */
#define PKI_KEY_ID_LEN 32
#define PKI_WHY_MAX 200
#define PKI_CA_HASH_LEN 20 /* RFC 7296 §3.7: SHA-1 of a CA's public key */

/* ---- keys and schemes ---- */

enum pki_kind { /* bits, so that they make sets */
	PKI_RSA = 1,
	PKI_ECDSA = 2,
	PKI_EDDSA = 4,
};

enum pki_hash { /* IANA "IKEv2 Hash Algorithms" (RFC 7427 §7, RFC 8420) */
	PKI_HASH_SHA1 = 1,
	PKI_HASH_SHA2_256 = 2,
	PKI_HASH_SHA2_384 = 3,
	PKI_HASH_SHA2_512 = 4,
	PKI_HASH_IDENTITY = 5,
};

enum pki_scheme {
	PKI_SCHEME_NONE,
	PKI_RSA_PKCS1_SHA256,
	PKI_RSA_PKCS1_SHA384,
	PKI_RSA_PKCS1_SHA512,
	PKI_RSA_PSS_SHA256, /* salt as long as the hash, MGF1 with the same */
	PKI_RSA_PSS_SHA384,
	PKI_RSA_PSS_SHA512,
	PKI_ECDSA_SHA256,
	PKI_ECDSA_SHA384,
	PKI_ECDSA_SHA512,
	PKI_ED25519,
	PKI_SCHEMES,
};

struct pki_key {
	enum pki_kind kind;
	unsigned bits;
	bool pss_only;		    /* its certificate says id-RSASSA-PSS (RFC 4055) */
	uint8_t id[PKI_KEY_ID_LEN]; /* SHA-256 of the SubjectPublicKeyInfo; of ours only */
};

const char *pki_kind_name(enum pki_kind kind);	     /* "RSA" */
const char *pki_scheme_name(enum pki_scheme scheme); /* "RSA-PSS with SHA2-256" */
enum pki_kind pki_scheme_kind(enum pki_scheme scheme);
enum pki_hash pki_scheme_hash(enum pki_scheme scheme);
/* RFC 7427 §3: the AlgorithmIdentifier. */
struct chunk pki_scheme_der(enum pki_scheme scheme);
/* PKI_SCHEME_NONE: @why says what it is, and what would be right. */
enum pki_scheme pki_scheme_from_der(struct chunk der, char *why, size_t size);
/*
 * How a key signs to somebody who takes the hashes of the set @hashes (bits, 1 <<
 * enum pki_hash). @pkcs1: RSA by PKCS #1 v1.5 rather than PSS. PKI_SCHEME_NONE:
 * they have no hash in common.
 */
enum pki_scheme pki_scheme_for(const struct pki_key *key, unsigned hashes, bool pkcs1);

/* ---- our own certificate ---- */

struct pki_own; /* counted */

/* The certificate first, then those above it as far as the peers need them. PEM. 0, -errno and @why. */
int pki_own_load(const char *path, struct pki_own **out, char *why, size_t size);
struct pki_own *pki_own_get(struct pki_own *own); /* NULL is fine, in both */
void pki_own_put(struct pki_own *own);
const struct pki_key *pki_own_key(const struct pki_own *own);
unsigned pki_own_count(const struct pki_own *own);
struct chunk pki_own_der(const struct pki_own *own, unsigned i);
/* -E2BIG: longer than an identity may be here, -ENOENT: empty. */
int pki_own_subject(const struct pki_own *own, struct ike_id *out);
bool pki_own_has_id(const struct pki_own *own, const struct ike_id *id);
/* NULL, or why no peer will take it at @now: a sentence in @buf. */
const char *pki_own_unusable(const struct pki_own *own, int64_t now, char *buf, size_t size);

/* When the first of them expires: seconds since 1970. */
int64_t pki_own_end(const struct pki_own *own);

/* ---- trust anchors and CRLs ---- */

struct pki_trust; /* counted */

/* @crl_path: NULL, none is looked at. With one, every CA below an anchor needs its CRL in it. */
int pki_trust_load(const char *ca_path, const char *crl_path, struct pki_trust **out, char *why,
		   size_t size);
struct pki_trust *pki_trust_get(struct pki_trust *trust);
void pki_trust_put(struct pki_trust *trust);
/* RFC 7296 §3.7: one SHA-1 per anchor, as many as fit; bytes written. */
size_t pki_trust_hashes(const struct pki_trust *trust, uint8_t *out, size_t size);
/* NULL, or what of it is no longer or not yet of use at @now. */
const char *pki_trust_unusable(const struct pki_trust *trust, int64_t now, char *buf, size_t size);

/* ---- a peer's certificate ---- */

struct pki_peer;

/*
 * Build and verify the chain of ders[0] from the rest, up to an anchor of any of @trust.
 * -EACCES and @why, or 0: what pki_peer_free() frees. @now: wall clock, seconds.
 */
int pki_verify(struct pki_trust *const *trust, unsigned n_trust, const struct chunk *ders,
	       unsigned n_ders, int64_t now, struct pki_peer **out, char *why, size_t size);
void pki_peer_free(struct pki_peer *peer);
const struct pki_key *pki_peer_key(const struct pki_peer *peer);
/* The certificate is of that identity (RFC 4945 §3.1). */
bool pki_peer_has_id(const struct pki_peer *peer, const struct ike_id *id);
/* What it is of, for people: its names, or its subject. */
const char *pki_peer_names(const struct pki_peer *peer, char *buf, size_t size);
/* When the first certificate of its chain expires, the anchor among them: seconds since 1970. */
int64_t pki_peer_end(const struct pki_peer *peer);
/* 0; -EBADMSG: not its signature over @data. */
int pki_peer_check(const struct pki_peer *peer, enum pki_scheme scheme, const struct chunk *data,
		   unsigned n, struct chunk sig);
/* RFC 4754: r | s, each as long as the curve's order. */
int pki_peer_check_raw_ecdsa(const struct pki_peer *peer, enum pki_scheme scheme,
			     const struct chunk *data, unsigned n, struct chunk sig);
/* It is its signature by PKCS #1 v1.5 with SHA-1: to be told, and refused. */
bool pki_peer_signed_sha1(const struct pki_peer *peer, const struct chunk *data, unsigned n,
			  struct chunk sig);

/* ---- certificate maps: which of those that verify will do ---- */

enum pki_field { PKI_FIELD_SUBJECT = 1, PKI_FIELD_ISSUER, PKI_FIELD_ALT_NAME,
		 PKI_FIELD_NAME, /* subject, or one of the alternative names */
		 PKI_FIELD_SERIAL };
enum pki_op { PKI_OP_EQ = 1, PKI_OP_NE, PKI_OP_CO, PKI_OP_NC };

struct pki_rule {
	enum pki_field field;
	enum pki_op op;
	char *text;
};

struct pki_map_seq { /* all rules must hold */
	unsigned seq;
	struct pki_rule *rules;
	unsigned n;
};

struct pki_map { /* counted; one of the numbers must hold */
	unsigned refs;
	char name[64];
	struct pki_map_seq *seqs; /* ascending */
	unsigned n;
};

struct pki_map *pki_map_new(const char *name); /* NULL: no memory */
struct pki_map *pki_map_get(struct pki_map *m); /* NULL is fine, in both */
void pki_map_put(struct pki_map *m);
void pki_map_seq_free(struct pki_map_seq *s);
/* A certificate, which need not have been verified. Case and blanks around , and = do not matter. */
bool pki_map_matches(const struct pki_map *m, struct chunk der);

/* ---- secrets in files, and under a master key (type 6): for that process, too ---- */

#define PKI_SEALED_MAX 300 /* characters of a sealed secret */

/*
 * @sealed NULL: the first line of @path. Otherwise what that is under the master key in
 * @path (AES-256-GCM). The file is root's or ours, and closed to all others. 0, -errno and @why.
 */
int pki_secret_load(const char *path, const char *sealed, uint8_t *out, size_t max, size_t *len,
		    char *why, size_t size);
/* The other way: text for `6`, under the master key in @path. */
int pki_secret_seal(const char *path, const uint8_t *secret, size_t len, char out[PKI_SEALED_MAX + 1],
		    char *why, size_t size);

/* ---- private keys: for the process that holds them (signer.h) ---- */

struct pki_private;

/* PEM, unencrypted, of root or ourselves, closed to all others. 0, -errno and @why. */
int pki_private_load(const char *path, struct pki_private **out, char *why, size_t size);
void pki_private_free(struct pki_private *key);
const struct pki_key *pki_private_key(const struct pki_private *key);
/* At most PKI_SIG_MAX bytes; 0 or -errno. */
int pki_private_sign(const struct pki_private *key, enum pki_scheme scheme, struct chunk data,
		     uint8_t *sig, size_t *len);
/* The DER of an ECDSA signature as RFC 4754 has it. */
int pki_ecdsa_to_raw(unsigned bits, uint8_t *sig, size_t *len);

#endif
