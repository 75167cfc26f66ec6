// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: the body of IKE_AUTH, under the keys of an IKE_SA_INIT that
 * was done. First byte: bit 0, to the initiator, as its response, rather than to
 * the responder; bit 1, behind an ID and an AUTH that are right, so that what
 * follows authentication is reached; bit 2, in fragments. Second byte: type of the
 * first payload. Without a right AUTH nobody is ever let in.
 *
 * reaches: auth_request auth_response auth_verdict inbound_finish
 */
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/engine_ike/auth.h"
#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_speak.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The engines' own IKE_AUTH gets lost. */
static enum mock_fate no_auth(void *ctx, struct datagram *d)
{
	return datagram_exchange(d) == XCHG_IKE_AUTH ? MOCK_DROP : MOCK_PASS;
}

static struct session *session_of(const struct side *s)
{
	return ((struct ike *)s->engine->impl)->sessions;
}

static void put_right_auth(struct msg_out *m, const struct session *s, const struct side *self,
			   const struct engine_remote *r)
{
	const struct setup *su = s->setup;
	struct ike_id id = ike_id_from_addr(&self->addr);
	uint8_t body[4 + IKE_ID_MAX], auth[CRYPTO_PRF_MAX];
	struct auth_in in = {
		.prf = s->suite.prf,
		.psk = { r->psk, r->psk_len },
		.message = s->initiator ? (struct chunk){ su->msg_i, su->msg_i_len }
					: (struct chunk){ su->msg_r, su->msg_r_len },
		.nonce = s->initiator ? (struct chunk){ su->nr, su->nr_len }
				      : (struct chunk){ su->ni, su->ni_len },
		.id_body = { body, id_body(&id, body) },
		.sk_p = s->initiator ? s->keys.i.p : s->keys.r.p,
	};

	if (auth_psk(&in, auth))
		abort();
	put_id(m, s->initiator ? PLD_IDI : PLD_IDR, &id);
	put_auth(m, AUTH_SHARED_KEY, auth, prf_len(s->suite.prf));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct engine_child child = fixture_child(1, 1);
	struct ike_header h = { .exchange = XCHG_IKE_AUTH, .id = 1 };
	struct fixture *f;
	struct side *from, *to;
	struct msg_cipher c;
	struct session *s;
	struct msg_out m;

	if (size < 2 || size > 3000)
		return 0;
	f = fixture_new(AF_INET);
	from = data[0] & 1 ? &f->right : &f->left;
	to = data[0] & 1 ? &f->left : &f->right;
	f->net.filter = no_auth;
	f->left.engine->ops->open(f->left.engine->impl, 1, 1, &f->left.addr, &child, NULL);
	fixture_run_ms(f, 30);
	s = session_of(from);
	if (!s || !s->has_keys || !s->setup)
		abort();
	h.flags = s->initiator ? IKE_FLAG_INITIATOR : IKE_FLAG_RESPONSE;
	memcpy(h.spi_i, s->spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, s->spi_r, IKE_SPI_LEN);
	c = session_cipher(s, true);
	msg_begin_sk(&m, &h, &c);
	if (data[0] & 2)
		put_right_auth(&m, s, from, data[0] & 1 ? &f->to_left : &f->to_right);
	wtr_patch_u8(&m.w, m.next_off, data[1]);
	wtr_bytes(&m.w, data + 2, size - 2);
	ike_speak(f, s, &m, data[0] & 4 ? 120 : 4000);
	fixture_run_ms(f, 200);
	if (!(data[0] & 2) && (side_last(to, ENG_UP) || to->kernel.n_sas))
		abort();
	fixture_free(f);
	return 0;
}
