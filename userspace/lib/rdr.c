// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/rdr.h"

#include <string.h>

static const uint8_t nothing[1];

void rdr_init(struct rdr *r, const void *bytes, size_t len)
{
	const uint8_t *p = bytes && len ? bytes : nothing;

	*r = (struct rdr){ .p = p, .end = p + (bytes ? len : 0) };
}

void rdr_fail(struct rdr *r)
{
	r->err = true;
	r->p = r->end;
}

const uint8_t *rdr_bytes(struct rdr *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->err || n > (size_t)(r->end - r->p)) {
		rdr_fail(r);
		return NULL;
	}
	r->p += n;
	return p;
}

uint8_t rdr_u8(struct rdr *r)
{
	const uint8_t *p = rdr_bytes(r, 1);

	return p ? p[0] : 0;
}

uint16_t rdr_u16(struct rdr *r)
{
	const uint8_t *p = rdr_bytes(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

uint32_t rdr_u32(struct rdr *r)
{
	const uint8_t *p = rdr_bytes(r, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

void rdr_copy(struct rdr *r, void *out, size_t n)
{
	const uint8_t *p = rdr_bytes(r, n);

	if (p)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}

struct rdr rdr_sub(struct rdr *r, size_t n)
{
	struct rdr sub;
	const uint8_t *p = rdr_bytes(r, n);

	rdr_init(&sub, p, p ? n : 0);
	sub.err = !p;
	return sub;
}

size_t rdr_left(const struct rdr *r)
{
	return (size_t)(r->end - r->p);
}

bool rdr_ok(const struct rdr *r)
{
	return !r->err;
}

bool rdr_done(const struct rdr *r)
{
	return !r->err && r->p == r->end;
}
