/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IKE messages in fragments (RFC 7383): cut before they are encrypted, each
 * fragment protected by itself (§2.5), and put together again from fragments
 * that were authenticated one by one (§2.6). One message at a time for each
 * direction, bounded in fragments and bytes; nothing is kept of what is not
 * authentic. Pure.
 */
#ifndef ENGINE_IKE_FRAG_H
#define ENGINE_IKE_FRAG_H

#include "lib/addr.h"
#include "prefpeerd/engine_ike/message.h"

#define FRAGS_MAX 256
/* IP datagrams that every path carries whole (§2.5.1; RFC 791, RFC 8200 §5). */
#define FRAG_MTU_IPV4 576
#define FRAG_MTU_IPV6 1280

/* ---- in ---- */

struct reassembly; /* of one message */

enum frag_fate {
	FRAG_KEPT,     /* others are still missing */
	FRAG_WHOLE,    /* the message is complete: frag_message() */
	FRAG_REPLAY,   /* we have that one, or ones of a finer cut */
	FRAG_BAD_ICV,  /* or no fragment at all */
	FRAG_TOO_MANY, /* beyond our bounds */
};

/*
 * A datagram of message @id with an SKF payload; decrypted in place. *@r belongs
 * to the caller, NULL at first. One of another message replaces what was there;
 * so does one of the same that is cut into more fragments (§2.6).
 */
enum frag_fate frag_take(struct reassembly **r, const struct msg_cipher *c, uint32_t id,
			 uint8_t *bytes, size_t len);
/* The whole message's payloads, written to @out (MSG_IN_MAX bytes), which they borrow. */
int frag_message(const struct reassembly *r, uint8_t *out, struct payloads *p);
unsigned frag_total(const struct reassembly *r);
/* Of fragment 1 as it came. */
const uint8_t *frag_first_hash(const struct reassembly *r);
void frag_drop(struct reassembly **r);

/* ---- out ---- */

/* The longest IKE message whose IP datagram has at most @mtu bytes; 0 = as §2.5.1 recommends. */
size_t frag_room(const struct endpoint *local, uint16_t mtu);
/*
 * Seal @m, which stays as it is, in one datagram or in fragments of at most @max
 * bytes, one after the other: each begins with its IKE header, which says how
 * long it is. *@bytes is the caller's. -EMSGSIZE, -ENOMEM.
 */
int frag_seal(const struct msg_out *m, const struct msg_cipher *c, uint64_t *iv_counter, size_t max,
	      uint8_t **bytes, size_t *len);
/* The next datagram of such a row; its length, 0 at the end. */
size_t frag_next(const uint8_t *bytes, size_t len, size_t off);
/* The longest of them. */
size_t frag_longest(const uint8_t *bytes, size_t len);

#endif
