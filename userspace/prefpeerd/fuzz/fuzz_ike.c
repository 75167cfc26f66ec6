// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: the first byte says where the rest goes. 0, 1: a datagram to
 * a responder, or to an initiator in the middle of its set-up. 2, 3, 4: payloads
 * inside an authentic CREATE_CHILD_SA, INFORMATIONAL, IKE_AUTH: with keys, since
 * without them encrypted payloads are never reached. It must not crash, and an
 * IKE SA of unauthentic making must not be left.
 *
 * Built by clang with -fsanitize=fuzzer,address,undefined from this file, those of
 * prefpeerd/engine_ike/ and lib/, and prefpeerd/test/{fake_clock,fake_kernel,mocknet,
 * ike_fixture,ike_peer}.c.
 */
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/test/ike_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void to_engine(const uint8_t *data, size_t size, bool initiator)
{
	struct fixture *f = fixture_new(AF_INET);
	struct side *to = initiator ? &f->left : &f->right;
	struct side *from = initiator ? &f->right : &f->left;
	struct datagram d = { .src = { from->addr, IKE_PORT }, .dst = { to->addr, IKE_PORT } };
	struct engine_child c = fixture_child(1, 1);

	if (initiator)
		f->left.engine->ops->open(f->left.engine->impl, 1, 1, &f->left.addr, &c, NULL);
	d.len = size < sizeof(d.bytes) ? size : sizeof(d.bytes);
	memcpy(d.bytes, data, d.len);
	/* The SPI is random: without ours in it, nothing would get past the first look. */
	if (initiator && d.len >= IKE_SPI_LEN)
		memcpy(d.bytes, f->net.log[0]->bytes, IKE_SPI_LEN);
	mocknet_inject(&f->net, &d);
	if (to->kernel.n_sas || side_last(to, ENG_UP))
		abort();
	fixture_free(f);
}

static void inside(const uint8_t *data, size_t size, uint8_t exchange)
{
	struct ike_peer *p = ike_peer_up();

	ike_peer_begin(p, exchange);
	if (size && size < MSG_OUT_MAX - 256) {
		wtr_patch_u8(&p->m.w, p->m.next_off, data[0]);
		wtr_bytes(&p->m.w, data + 1, size - 1);
	}
	ike_peer_send(p);
	if (exchange != XCHG_IKE_AUTH && p->reply.error == UINT16_MAX)
		abort();
	ike_peer_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t exchanges[] = { XCHG_CREATE_CHILD_SA, XCHG_INFORMATIONAL,
					     XCHG_IKE_AUTH };

	if (!size)
		return 0;
	if (data[0] % 5 < 2)
		to_engine(data + 1, size - 1, data[0] % 5);
	else
		inside(data + 1, size - 1, exchanges[data[0] % 5 - 2]);
	return 0;
}
