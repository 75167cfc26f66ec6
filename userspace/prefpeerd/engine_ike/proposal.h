/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SA payloads: proposals offered, chosen and checked (RFC 7296 §3.3, RFC 5282
 * §8: AEAD and non-AEAD never share a proposal). Pure.
 */
#ifndef ENGINE_IKE_PROPOSAL_H
#define ENGINE_IKE_PROPOSAL_H

#include "lib/suite.h"
#include "prefpeerd/engine_ike/payload.h"

#define PROPOSALS_MAX 16
#define TRANSFORMS_MAX 64

struct transform {
	uint8_t type;
	uint16_t id, key_bits;
};

struct proposal {
	uint8_t num, protocol;
	uint32_t spi;			       /* ESP, AH; 0 in IKE_SA_INIT */
	uint8_t ike_spi[IKE_SPI_LEN];	       /* of a new IKE SA (§1.3.2); else zeros */
	struct transform list[TRANSFORMS_MAX]; /* those with attributes that we know */
	unsigned n;
};

struct proposals {
	struct proposal list[PROPOSALS_MAX];
	unsigned n;
};

/* -EINVAL: malformed. Proposals beyond PROPOSALS_MAX are left out. */
int proposals_parse(const struct payload *sa, struct proposals *out);

/* ---- IKE ---- */

/* All suites, GCM and X25519 first (semantics.md A20). */
extern const struct ike_offer ike_offer_all;

bool ike_group_offered(const struct ike_offer *o, uint16_t group);
/* @spi: ours of the new IKE SA when one is rekeyed; NULL in IKE_SA_INIT. */
void put_sa_ike_offer(struct msg_out *m, const struct ike_offer *o, const uint8_t *spi);
void put_sa_ike_choice(struct msg_out *m, uint8_t num, const struct ike_suite *suite,
		       const uint8_t *spi);
/*
 * As responder: the first proposal that works, ours preferred within it, the
 * group of the KE payload before others. -ENOENT: none. *num of the proposal.
 */
int ike_choose(const struct ike_offer *o, const struct proposals *p, uint16_t ke_group,
	       uint8_t *num, struct ike_suite *out);
/* As initiator: exactly one suite, and one that we offered. -EINVAL. */
int ike_accept(const struct ike_offer *o, const struct proposals *p, struct ike_suite *out);

/* ---- ESP and AH: a proposal is of one of them (§3.3.1), no bundle can be negotiated ---- */

/* PROTO_ID_ESP, PROTO_ID_AH. */
uint8_t suite_protocol(const struct esp_suite *s);
/* What the caller leaves open: all that we have. Returns the number written, at most SUITE_MAX. */
unsigned esp_suites_default(struct esp_suite out[SUITE_MAX]);
/* @dh: the group of our KE payload, the only one offered; NONE without PFS. */
void put_sa_esp_offer(struct msg_out *m, const struct esp_suite *suites, unsigned n, uint32_t spi,
		      enum ike_dh dh);
void put_sa_esp_choice(struct msg_out *m, uint8_t num, const struct esp_suite *suite,
		       enum ike_dh dh, uint32_t spi);

struct esp_choice {
	uint8_t num;
	uint32_t spi; /* the peer's */
	struct esp_suite suite;
	enum ike_dh dh; /* NONE without PFS */
};

/*
 * As responder: our suites in our order. @with_dh false (IKE_AUTH): groups in
 * the offer are ignored. @pfs: the group that we insist on, NONE = whatever the
 * peer likes. @ke_group: of the KE payload, 0 = none. -ENOENT: none.
 */
int esp_choose(const struct proposals *p, const struct esp_suite *suites, unsigned n, bool with_dh,
	       enum ike_dh pfs, uint16_t ke_group, struct esp_choice *out);
/* As initiator; @dh as it was offered. */
int esp_accept(const struct proposals *p, const struct esp_suite *suites, unsigned n,
	       enum ike_dh dh, struct esp_choice *out);

#endif
