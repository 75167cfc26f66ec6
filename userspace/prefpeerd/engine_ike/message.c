// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/message.h"

#include <errno.h>
#include <string.h>

#define OFF_NEXT 16
#define OFF_LENGTH 24

void ike_header_read(struct rdr *r, struct ike_header *h)
{
	rdr_copy(r, h->spi_i, sizeof(h->spi_i));
	rdr_copy(r, h->spi_r, sizeof(h->spi_r));
	h->next = rdr_u8(r);
	h->version = rdr_u8(r);
	h->exchange = rdr_u8(r);
	h->flags = rdr_u8(r);
	h->id = rdr_u32(r);
}

int ike_header_parse(const uint8_t *bytes, size_t len, struct ike_header *out)
{
	struct ike_header h;
	struct rdr r;
	uint32_t total;

	rdr_init(&r, bytes, len);
	ike_header_read(&r, &h);
	total = rdr_u32(&r);
	if (!rdr_ok(&r) || total != len)
		return -EINVAL;
	*out = h;
	return 0;
}

/* ---- in ---- */

static bool is_known(uint8_t type)
{
	return type >= PLD_SA && type <= PLD_EAP;
}

static void add_payload(struct payloads *out, uint8_t type, bool critical, struct rdr *body)
{
	if (!is_known(type)) {
		if (critical && !out->unknown_critical)
			out->unknown_critical = type;
		return;
	}
	if (type == PLD_VENDOR)
		return;
	out->list[out->n++] = (struct payload){ type, body->p, rdr_left(body) };
}

int payloads_parse(uint8_t first, const uint8_t *bytes, size_t len, struct payloads *out)
{
	uint8_t type = first;
	struct rdr r;

	out->n = 0;
	out->unknown_critical = 0;
	rdr_init(&r, bytes, len);
	while (type != PLD_NONE) {
		uint8_t next = rdr_u8(&r);
		bool critical = rdr_u8(&r) & PLD_CRITICAL;
		uint16_t total = rdr_u16(&r);
		struct rdr body;

		if (!rdr_ok(&r) || total < IKE_PAYLOAD_HEADER_LEN)
			return -EINVAL;
		body = rdr_sub(&r, total - IKE_PAYLOAD_HEADER_LEN);
		if (!rdr_ok(&body))
			return -EINVAL;
		if (out->n == PAYLOADS_MAX)
			return -E2BIG;
		add_payload(out, type, critical, &body);
		type = next;
	}
	return rdr_done(&r) ? 0 : -EINVAL;
}

const struct payload *payloads_find(const struct payloads *p, uint8_t type)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->list[i].type == type)
			return &p->list[i];
	return NULL;
}

static size_t cipher_icv_len(const struct msg_cipher *c)
{
	return encr_is_aead(c->encr) ? encr_icv_len(c->encr) : integ_icv_len(c->integ);
}

#define SK_HEAD (IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN)
#define SKF_HEAD (SK_HEAD + 4) /* and the fragment's number, and how many there are */

/* Where the parts of an SK or SKF payload that fills the rest of the message lie. */
struct sk_layout {
	uint8_t first; /* type of the first inner payload */
	size_t head;   /* what is authenticated, and not encrypted */
	uint8_t *iv, *text, *icv;
	size_t text_len;
};

static int sk_locate(const struct msg_cipher *c, uint8_t type, uint8_t *bytes, size_t len,
		     struct sk_layout *out)
{
	size_t iv_len = encr_iv_len(c->encr), icv_len = cipher_icv_len(c);
	size_t head = type == PLD_SK ? SK_HEAD : SKF_HEAD;
	uint8_t *sk = bytes + IKE_HEADER_LEN;

	if (len < head + iv_len + icv_len + 1 || bytes[OFF_NEXT] != type)
		return -EBADMSG;
	if ((size_t)(sk[2] << 8 | sk[3]) != len - IKE_HEADER_LEN)
		return -EBADMSG;
	out->first = sk[0];
	out->head = head;
	out->iv = bytes + head;
	out->text = out->iv + iv_len;
	out->text_len = len - head - iv_len - icv_len;
	out->icv = bytes + len - icv_len;
	return out->text_len % encr_block_len(c->encr) ? -EBADMSG : 0;
}

static int sk_decrypt_cbc(const struct msg_cipher *c, const uint8_t *bytes,
			  const struct sk_layout *sk)
{
	struct chunk covered = { bytes, (size_t)(sk->icv - bytes) };
	uint8_t icv[CRYPTO_ICV_MAX];

	if (crypto_integ(c->integ, c->keys->a, &covered, 1, icv) ||
	    !crypto_equal(icv, sk->icv, integ_icv_len(c->integ)))
		return -EBADMSG;
	return crypto_cbc(false, c->key_bits, c->keys->e, sk->iv, sk->text, sk->text_len);
}

static int sk_decrypt(const struct msg_cipher *c, uint8_t *bytes, const struct sk_layout *sk)
{
	struct chunk aad = { bytes, sk->head };

	if (!encr_is_aead(c->encr))
		return sk_decrypt_cbc(c, bytes, sk);
	return crypto_open(c->encr, c->key_bits, c->keys->e, sk->iv, aad, sk->text, sk->text_len,
			   sk->icv);
}

/* Decrypted; and its length without the padding. -EINVAL: authentic, padded too much. */
static int sk_open(const struct msg_cipher *c, uint8_t type, uint8_t *bytes, size_t len,
		   struct sk_layout *sk)
{
	size_t pad;

	if (sk_locate(c, type, bytes, len, sk) || sk_decrypt(c, bytes, sk))
		return -EBADMSG;
	pad = (size_t)sk->text[sk->text_len - 1] + 1;
	if (pad > sk->text_len)
		return -EINVAL;
	sk->text_len -= pad;
	return 0;
}

int msg_open(const struct msg_cipher *c, uint8_t *bytes, size_t len, struct payloads *out)
{
	struct sk_layout sk;
	int err = sk_open(c, PLD_SK, bytes, len, &sk);

	return err ? err : payloads_parse(sk.first, sk.text, sk.text_len, out);
}

int msg_peek_fragment(const uint8_t *bytes, size_t len, struct fragment *out)
{
	struct rdr r;

	*out = (struct fragment){ 0 };
	if (len < SKF_HEAD || bytes[OFF_NEXT] != PLD_SKF)
		return -EBADMSG;
	rdr_init(&r, bytes + SK_HEAD, SKF_HEAD - SK_HEAD);
	out->number = rdr_u16(&r);
	out->total = rdr_u16(&r);
	return out->number && out->number <= out->total ? 0 : -EBADMSG;
}

int msg_open_fragment(const struct msg_cipher *c, uint8_t *bytes, size_t len, struct fragment *out)
{
	struct sk_layout sk;

	if (msg_peek_fragment(bytes, len, out) || sk_open(c, PLD_SKF, bytes, len, &sk))
		return -EBADMSG;
	out->first = sk.first;
	out->text = sk.text;
	out->len = sk.text_len;
	return 0;
}

/* ---- out ---- */

void msg_begin(struct msg_out *m, const struct ike_header *h)
{
	wtr_init(&m->w, m->buf, sizeof(m->buf));
	wtr_bytes(&m->w, h->spi_i, IKE_SPI_LEN);
	wtr_bytes(&m->w, h->spi_r, IKE_SPI_LEN);
	wtr_u8(&m->w, PLD_NONE);
	wtr_u8(&m->w, IKE_VERSION);
	wtr_u8(&m->w, h->exchange);
	wtr_u8(&m->w, h->flags);
	wtr_u32(&m->w, h->id);
	wtr_u32(&m->w, 0);
	m->next_off = OFF_NEXT;
	m->payload_off = 0;
	m->sk_off = 0;
}

void msg_payload_begin(struct msg_out *m, uint8_t type)
{
	wtr_patch_u8(&m->w, m->next_off, type);
	m->payload_off = m->next_off = m->w.len;
	wtr_u32(&m->w, 0);
}

void msg_payload_end(struct msg_out *m)
{
	wtr_patch_u16(&m->w, m->payload_off + 2, (uint16_t)(m->w.len - m->payload_off));
}

void msg_begin_sk(struct msg_out *m, const struct ike_header *h, const struct msg_cipher *c)
{
	msg_begin(m, h);
	m->sk_off = m->w.len;
	msg_payload_begin(m, PLD_SK);
	m->iv_off = m->w.len;
	wtr_room(&m->w, encr_iv_len(c->encr));
}

void msg_begin_skf(struct msg_out *m, const struct ike_header *h, const struct msg_cipher *c,
		   const struct fragment *f)
{
	msg_begin(m, h);
	m->sk_off = m->w.len;
	msg_payload_begin(m, PLD_SKF);
	wtr_patch_u8(&m->w, m->sk_off, f->first);
	wtr_u16(&m->w, f->number);
	wtr_u16(&m->w, f->total);
	m->iv_off = m->w.len;
	wtr_room(&m->w, encr_iv_len(c->encr));
}

int msg_end(struct msg_out *m)
{
	wtr_patch_u32(&m->w, OFF_LENGTH, (uint32_t)m->w.len);
	return wtr_ok(&m->w) ? 0 : -EMSGSIZE;
}

static void put_counter(uint8_t *iv, uint64_t n)
{
	for (int i = 7; i >= 0; i--, n >>= 8)
		iv[i] = (uint8_t)n;
}

static int seal_cbc(struct msg_out *m, const struct msg_cipher *c, const struct sk_layout *sk)
{
	struct chunk covered = { m->buf, (size_t)(sk->icv - m->buf) };
	uint8_t icv[CRYPTO_ICV_MAX];
	int err = crypto_random(sk->iv, encr_iv_len(c->encr));

	if (!err)
		err = crypto_cbc(true, c->key_bits, c->keys->e, sk->iv, sk->text, sk->text_len);
	if (!err)
		err = crypto_integ(c->integ, c->keys->a, &covered, 1, icv);
	if (!err)
		memcpy(sk->icv, icv, integ_icv_len(c->integ));
	return err;
}

/*
 * An AEAD needs no padding. Lengths say less with it; and a liveness check is then
 * long enough to be answered with a token that is no longer (recovery.c).
 */
#define PAD_BLOCK 16

static size_t padding(size_t text)
{
	return (PAD_BLOCK - (text + 1) % PAD_BLOCK) % PAD_BLOCK;
}

size_t msg_sealed_len(const struct msg_cipher *c, size_t head, size_t text)
{
	return head + encr_iv_len(c->encr) + text + padding(text) + 1 + cipher_icv_len(c);
}

size_t msg_text_room(const struct msg_cipher *c, size_t head, size_t max)
{
	size_t around = head + encr_iv_len(c->encr) + cipher_icv_len(c);

	return max < around + PAD_BLOCK ? 0 : (max - around) / PAD_BLOCK * PAD_BLOCK - 1;
}

/* Room for padding, its length and the ICV. */
static void close_sk(struct msg_out *m, const struct msg_cipher *c, size_t text_off)
{
	size_t pad = padding(m->w.len - text_off);

	wtr_room(&m->w, pad);
	wtr_u8(&m->w, (uint8_t)pad);
	wtr_room(&m->w, cipher_icv_len(c));
	wtr_patch_u16(&m->w, m->sk_off + 2, (uint16_t)(m->w.len - m->sk_off));
}

int msg_seal(struct msg_out *m, const struct msg_cipher *c, uint64_t *iv_counter)
{
	size_t text_off = m->iv_off + encr_iv_len(c->encr);
	struct chunk aad = { m->buf, m->iv_off };
	struct sk_layout sk;
	int err;

	close_sk(m, c, text_off);
	err = msg_end(m);
	if (err)
		return err;
	sk.iv = m->buf + m->iv_off;
	sk.text = m->buf + text_off;
	sk.icv = m->buf + m->w.len - cipher_icv_len(c);
	sk.text_len = (size_t)(sk.icv - sk.text);
	if (!encr_is_aead(c->encr))
		return seal_cbc(m, c, &sk);
	put_counter(sk.iv, ++*iv_counter);
	return crypto_seal(c->encr, c->key_bits, c->keys->e, sk.iv, aad, sk.text, sk.text_len,
			   sk.icv);
}
