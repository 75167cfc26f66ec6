// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: a schedule. Two engines set up an IKE SA and go on; each byte
 * of the first half says what happens to the next datagram, or what a caller
 * does, each of the second what a peer with the keys says. In the end the clock
 * runs on, and nothing may be left that nobody owns.
 *
 * reaches: exchange_input info_request child_request rekey_ike_request
 */
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_speak.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct schedule {
	const uint8_t *p, *end;
	struct fixture *f;
};

static uint8_t next(struct schedule *s)
{
	return s->p < s->end ? *s->p++ : 0;
}

static enum mock_fate fate(void *ctx, struct datagram *d)
{
	struct schedule *s = ctx;
	uint8_t op = next(s);

	if (op & 0x40 && d->len)
		d->bytes[(size_t)next(s) * d->len / 256] ^= op | 1;
	return (enum mock_fate)(op & 3);
}

static struct session *some_session(struct side *side)
{
	return ((struct ike *)side->engine->impl)->sessions;
}

/* What an authentic peer may say: any payloads, in any exchange, under any ID. */
static void say(struct schedule *s, struct side *from, struct side *to)
{
	static const uint8_t exchanges[] = { XCHG_IKE_AUTH, XCHG_CREATE_CHILD_SA, XCHG_INFORMATIONAL,
					     XCHG_IKE_SA_INIT };
	struct session *as = some_session(from);
	struct datagram d = { .src = { from->addr, IKE_PORT }, .dst = { to->addr, IKE_PORT } };
	uint8_t op = next(s), len = next(s), *bytes;
	struct ike_header h = { .exchange = exchanges[op & 3] };
	struct msg_cipher c;
	struct msg_out m;
	size_t total;

	if (!as || !as->has_keys)
		return;
	c = session_cipher(as, true);
	h.flags = (as->initiator ? IKE_FLAG_INITIATOR : 0) | (op & 4 ? IKE_FLAG_RESPONSE : 0);
	h.id = (op & 4 ? as->next_in : as->next_out) + (op >> 6) - 1;
	memcpy(h.spi_i, as->spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, as->spi_r, IKE_SPI_LEN);
	msg_begin_sk(&m, &h, &c);
	wtr_patch_u8(&m.w, m.next_off, next(s));
	for (; len; len--)
		wtr_u8(&m.w, next(s));
	if (frag_seal(&m, &c, &as->iv_counter, op & 8 ? 110 : 4000, &bytes, &total))
		return;
	for (size_t off = 0; (d.len = frag_next(bytes, total, off)); off += d.len) {
		memcpy(d.bytes, bytes + off, d.len);
		mocknet_carry(&s->f->net, &d);
	}
	free(bytes);
}

static void act(struct schedule *s)
{
	struct side *l = &s->f->left, *r = &s->f->right;
	struct engine_child c = fixture_child(2, 2);
	uint8_t op = next(s);

	switch (op & 7) {
	case 0:
		fixture_run_ms(s->f, 20);
		break;
	case 1:
		fixture_run_ms(s->f, 1000 * (op >> 4));
		break;
	case 2:
		say(s, l, r);
		break;
	case 3:
		say(s, r, l);
		break;
	case 4:
		l->engine->ops->probe(l->engine->impl, 1);
		break;
	case 5:
		l->engine->ops->child_open(l->engine->impl, 1, &c);
		break;
	case 6:
		l->engine->ops->child_close(l->engine->impl, 1, op & 8 ? 2 : 1,
					    (enum engine_close)((op >> 4) % 3));
		break;
	default:
		l->engine->ops->close(l->engine->impl, 1, (enum engine_close)((op >> 4) % 2));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct schedule s = { data, data + size, fixture_new(AF_INET) };
	struct engine_settings set = { .frag = { .mtu = 300 } };
	struct engine_child c = fixture_child(1, 1);

	if (size && data[0] & 1)
		fixture_settings(s.f, &set);
	s.f->net.filter = fate;
	s.f->net.filter_ctx = &s;
	s.f->left.engine->ops->open(s.f->left.engine->impl, 1, 1, &s.f->left.addr, &c, NULL);
	fixture_run_ms(s.f, 100);
	for (unsigned i = 0; i < 32 && s.p < s.end && s.f->net.n_log < 1000 && s.f->left.n < 300 &&
			     s.f->right.n < 300; i++) {
		act(&s);
		ike_check_owned(&s.f->left);
		ike_check_owned(&s.f->right);
	}
	fixture_free(s.f);
	return 0;
}
