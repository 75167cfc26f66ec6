/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IKE message as bytes: header, chain of payloads, and the SK payload around
 * it, or the SKF payload around a fragment of it (RFC 7296 §3.1, §3.2, §3.14;
 * RFC 5282; RFC 7383 §2.5). Checks lengths and ICV; what payloads mean is
 * payload.h's. Pure but for random IVs.
 */
#ifndef ENGINE_IKE_MESSAGE_H
#define ENGINE_IKE_MESSAGE_H

#include "lib/rdr.h"
#include "lib/wtr.h"
#include "prefpeerd/engine_ike/keymat.h"
#include "prefpeerd/engine_ike/wire.h"

#define MSG_IN_MAX 65535
#define MSG_OUT_MAX 16384 /* a chain of certificates may be long */
#define PAYLOADS_MAX 48

struct ike_header {
	uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
	uint8_t next, version, exchange, flags;
	uint32_t id;
};

/* All fields but the length; the reader is then before that. */
void ike_header_read(struct rdr *r, struct ike_header *h);
/* 0; -EINVAL: shorter than a header, or its length is not @len. */
int ike_header_parse(const uint8_t *bytes, size_t len, struct ike_header *out);

/* ---- in ------------------------------------------------------------------ */

struct payload {
	uint8_t type;
	const uint8_t *body; /* without the generic header; borrowed */
	size_t len;
};

struct payloads {
	struct payload list[PAYLOADS_MAX];
	unsigned n;
	uint8_t unknown_critical; /* type of the first one; 0 = none (§2.5) */
};

/* -EINVAL: a length runs out of bounds, the chain does not end with the bytes; -E2BIG. */
int payloads_parse(uint8_t first, const uint8_t *bytes, size_t len, struct payloads *out);
/* The first of that type, or NULL. */
const struct payload *payloads_find(const struct payloads *p, uint8_t type);

/* How one direction of an IKE SA is protected. */
struct msg_cipher {
	enum ike_encr encr;
	unsigned key_bits;
	enum ike_integ integ;
	const struct ike_dir_keys *keys;
};

/*
 * Verify, decrypt in place and parse a message whose only outer payload is SK.
 * -EBADMSG: no SK, or the ICV does not match: nothing of it may be believed.
 * -EINVAL, -E2BIG: authentic, but its payloads are malformed.
 */
int msg_open(const struct msg_cipher *c, uint8_t *bytes, size_t len, struct payloads *out);

/* A part of a message, RFC 7383 §2.5. */
struct fragment {
	uint16_t number, total; /* from 1 */
	uint8_t first;		/* type of the message's first payload; in fragment 1 only */
	const uint8_t *text;	/* decrypted, borrowed */
	size_t len;
};

/* What the header of a message with an SKF payload claims; -EBADMSG: nothing sensible. */
int msg_peek_fragment(const uint8_t *bytes, size_t len, struct fragment *out);
/* Verify and decrypt in place. -EBADMSG: nothing of it may be believed. */
int msg_open_fragment(const struct msg_cipher *c, uint8_t *bytes, size_t len, struct fragment *out);

/* ---- out ----------------------------------------------------------------- */

struct msg_out {
	struct wtr w;
	size_t next_off;    /* of the "next payload" byte that the next payload fills */
	size_t payload_off; /* of the payload being written */
	size_t sk_off;	    /* of the SK or SKF payload; 0 = in clear */
	size_t iv_off;	    /* what follows the associated data */
	uint8_t buf[MSG_OUT_MAX];
};

void msg_begin(struct msg_out *m, const struct ike_header *h);
/* Payloads that follow go into an SK payload of this cipher. */
void msg_begin_sk(struct msg_out *m, const struct ike_header *h, const struct msg_cipher *c);
/* The same for a fragment of a message; its text is written to m->w. */
void msg_begin_skf(struct msg_out *m, const struct ike_header *h, const struct msg_cipher *c,
		   const struct fragment *f);
void msg_payload_begin(struct msg_out *m, uint8_t type);
void msg_payload_end(struct msg_out *m);
/* Fill in the lengths. -EMSGSIZE: it does not fit in MSG_OUT_MAX. */
int msg_end(struct msg_out *m);
/* Pad, encrypt, authenticate. @iv_counter numbers the messages under these keys. */
int msg_seal(struct msg_out *m, const struct msg_cipher *c, uint64_t *iv_counter);
/* How long a message with @text bytes after @head bytes of header becomes. */
size_t msg_sealed_len(const struct msg_cipher *c, size_t head, size_t text);
/* How much text fits in @max bytes. */
size_t msg_text_room(const struct msg_cipher *c, size_t head, size_t max);

#endif
