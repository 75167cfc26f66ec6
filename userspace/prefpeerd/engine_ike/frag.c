// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/frag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/engine_ike/crypto.h"

#define OFF_LENGTH 24
#define SKF_HEAD (IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + 4)
#define FRAG_TEXT_MIN 31 /* less than that in each would be headers only */

/* ---- in ---- */

struct part {
	uint8_t *text; /* NULL: not here yet */
	size_t len;
};

struct reassembly {
	uint32_t id;
	unsigned total, n;
	size_t bytes;
	uint8_t first; /* type of the first payload */
	uint8_t hash[CRYPTO_SHA256_LEN];
	struct part parts[];
};

void frag_drop(struct reassembly **rp)
{
	struct reassembly *r = *rp;

	if (!r)
		return;
	for (unsigned i = 0; i < r->total; i++)
		free(r->parts[i].text);
	free(r);
	*rp = NULL;
}

unsigned frag_total(const struct reassembly *r)
{
	return r->total;
}

const uint8_t *frag_first_hash(const struct reassembly *r)
{
	return r->hash;
}

/* Of the same message: a known fragment, or a cut coarser than the one that is being collected. */
static bool is_replay(const struct reassembly *r, const struct fragment *f)
{
	return f->total < r->total ||
	       (f->total == r->total && r->parts[f->number - 1].text != NULL);
}

static bool begin(struct reassembly **rp, uint32_t id, unsigned total)
{
	struct reassembly *r = calloc(1, sizeof(*r) + total * sizeof(r->parts[0]));

	if (!r)
		return false;
	r->id = id;
	r->total = total;
	frag_drop(rp);
	*rp = r;
	return true;
}

static enum frag_fate keep(struct reassembly *r, const struct fragment *f, const uint8_t *hash)
{
	struct part *p = &r->parts[f->number - 1];

	if (f->len > MSG_IN_MAX - r->bytes)
		return FRAG_TOO_MANY;
	p->text = malloc(f->len ? f->len : 1);
	if (!p->text)
		return FRAG_TOO_MANY;
	memcpy(p->text, f->text, f->len);
	p->len = f->len;
	r->bytes += f->len;
	if (f->number == 1) {
		r->first = f->first;
		memcpy(r->hash, hash, sizeof(r->hash));
	}
	return ++r->n == r->total ? FRAG_WHOLE : FRAG_KEPT;
}

enum frag_fate frag_take(struct reassembly **rp, const struct msg_cipher *c, uint32_t id,
			 uint8_t *bytes, size_t len)
{
	const struct reassembly *old = *rp && (*rp)->id == id ? *rp : NULL;
	struct chunk whole = { bytes, len };
	uint8_t hash[CRYPTO_SHA256_LEN];
	struct fragment f;

	if (msg_peek_fragment(bytes, len, &f))
		return FRAG_BAD_ICV;
	if (f.total > FRAGS_MAX)
		return FRAG_TOO_MANY;
	if (old && is_replay(old, &f))
		return FRAG_REPLAY;
	if (f.number == 1 && crypto_sha256(&whole, 1, hash))
		return FRAG_BAD_ICV;
	if (msg_open_fragment(c, bytes, len, &f))
		return FRAG_BAD_ICV;
	/* Only now: what is not authentic must not throw away what is. */
	if ((!old || old->total != f.total) && !begin(rp, id, f.total))
		return FRAG_TOO_MANY;
	return keep(*rp, &f, hash);
}

int frag_message(const struct reassembly *r, uint8_t *out, struct payloads *p)
{
	size_t at = 0;

	for (unsigned i = 0; i < r->total; i++) {
		memcpy(out + at, r->parts[i].text, r->parts[i].len);
		at += r->parts[i].len;
	}
	return payloads_parse(r->first, out, at, p);
}

/* ---- out ---- */

size_t frag_room(const struct endpoint *local, uint16_t mtu)
{
	bool v4 = local->addr.family == AF_INET;
	size_t around = (v4 ? 20u : 40u) + 8u + (local->port == IKE_NATT_PORT ? 4u : 0u);

	if (!mtu)
		mtu = v4 ? FRAG_MTU_IPV4 : FRAG_MTU_IPV6;
	return mtu > around ? mtu - around : 0;
}

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

size_t frag_next(const uint8_t *bytes, size_t len, size_t off)
{
	return off + IKE_HEADER_LEN <= len ? read_u32(bytes + off + OFF_LENGTH) : 0;
}

size_t frag_longest(const uint8_t *bytes, size_t len)
{
	size_t most = 0, n;

	for (size_t off = 0; (n = frag_next(bytes, len, off)); off += n)
		most = n > most ? n : most;
	return most;
}

static struct ike_header header_of(const struct msg_out *m)
{
	struct ike_header h;
	struct rdr r;

	rdr_init(&r, m->buf, IKE_HEADER_LEN);
	ike_header_read(&r, &h);
	return h;
}

static int append(const struct msg_out *m, uint8_t **bytes, size_t *len)
{
	uint8_t *more = realloc(*bytes, *len + m->w.len);

	if (!more)
		return -ENOMEM;
	memcpy(more + *len, m->buf, m->w.len);
	*bytes = more;
	*len += m->w.len;
	return 0;
}

static int seal_whole(const struct msg_out *m, const struct msg_cipher *c, uint64_t *iv_counter,
		      uint8_t **bytes, size_t *len)
{
	struct msg_out copy = *m;
	int err;

	copy.w.buf = copy.buf;
	err = msg_seal(&copy, c, iv_counter);
	return err ? err : append(&copy, bytes, len);
}

static int seal_part(const struct msg_out *m, const struct msg_cipher *c, uint64_t *iv_counter,
		     const struct fragment *f, uint8_t **bytes, size_t *len)
{
	struct ike_header h = header_of(m);
	struct msg_out part;
	int err;

	msg_begin_skf(&part, &h, c, f);
	wtr_bytes(&part.w, f->text, f->len);
	err = msg_seal(&part, c, iv_counter);
	return err ? err : append(&part, bytes, len);
}

static int seal_parts(const struct msg_out *m, const struct msg_cipher *c, uint64_t *iv_counter,
		      size_t room, struct chunk text, uint8_t **bytes, size_t *len)
{
	size_t total = (text.len + room - 1) / room;
	const uint8_t *at = text.p;
	int err = total > FRAGS_MAX ? -EMSGSIZE : 0;

	for (size_t i = 0; i < total && !err; i++) {
		size_t left = text.len - i * room;
		struct fragment f = {
			.number = (uint16_t)(i + 1),
			.total = (uint16_t)total,
			.first = i ? PLD_NONE : m->buf[m->sk_off],
			.text = at + i * room,
			.len = left < room ? left : room,
		};

		err = seal_part(m, c, iv_counter, &f, bytes, len);
	}
	return err;
}

int frag_seal(const struct msg_out *m, const struct msg_cipher *c, uint64_t *iv_counter, size_t max,
	      uint8_t **bytes, size_t *len)
{
	size_t text_off = m->iv_off + encr_iv_len(c->encr);
	struct chunk text = { m->buf + text_off, m->w.len - text_off };
	size_t room = msg_text_room(c, SKF_HEAD, max);
	int err;

	*bytes = NULL;
	*len = 0;
	if (!wtr_ok(&m->w))
		return -EMSGSIZE;
	if (room < FRAG_TEXT_MIN)
		room = FRAG_TEXT_MIN;
	if (msg_sealed_len(c, m->iv_off, text.len) <= max || text.len <= room)
		err = seal_whole(m, c, iv_counter, bytes, len);
	else
		err = seal_parts(m, c, iv_counter, room, text, bytes, len);
	if (err) {
		free(*bytes);
		*bytes = NULL;
	}
	return err;
}
