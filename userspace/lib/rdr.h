/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded reader of network bytes with a sticky error: after the first read
 * beyond the end every read gives zero or NULL and rdr_ok() is false, so that a
 * parser checks once, at its end. Borrows its bytes.
 */
#ifndef LIB_RDR_H
#define LIB_RDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rdr {
	const uint8_t *p, *end;
	bool err;
};

void rdr_init(struct rdr *r, const void *bytes, size_t len);
/* Integers in network order. */
uint8_t rdr_u8(struct rdr *r);
uint16_t rdr_u16(struct rdr *r);
uint32_t rdr_u32(struct rdr *r);
/* @n bytes in place, NULL beyond the end. A valid empty read is not NULL. */
const uint8_t *rdr_bytes(struct rdr *r, size_t n);
/* Copies @n bytes to @out; beyond the end @out is zeroed. */
void rdr_copy(struct rdr *r, void *out, size_t n);
/* A reader of the next @n bytes, which this one skips; born broken beyond the end. */
struct rdr rdr_sub(struct rdr *r, size_t n);
size_t rdr_left(const struct rdr *r);
bool rdr_ok(const struct rdr *r);
/* Everything was read, and nothing beyond. */
bool rdr_done(const struct rdr *r);
/* The parser's own verdict: what was read makes no sense. */
void rdr_fail(struct rdr *r);

#endif
