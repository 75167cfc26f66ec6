// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: the body of CREATE_CHILD_SA, under the keys of an IKE SA that is
 * up with one pair. First byte: bit 0, a response to our own request rather than a
 * request; bit 1, behind what a proper one begins with (SA, nonce, selectors), so that
 * what follows it is reached; bit 2, as the rekey of the pair; bit 3, as that of the
 * IKE SA; bit 4, in fragments; bit 5, what is asked for here and there is AH; bit 6, it
 * is in transport mode, of a line between the gateways. Second byte: type of the first payload.
 * Whatever it says: it is answered, and each SA in the kernel belongs to a child.
 *
 * reaches: child_request child_verdict inbound_finish rekey_child_answered child_keep_out
 * reaches: child_take_mode child_choose_mode child_take_answer rekey_child_refusal rekey_ike_request
 */
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_speak.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RESPONSE = 1, PROPER = 2, REKEYS = 4, REKEYS_IKE = 8, CUT = 16, AH = 32, TRANSPORT = 64 };

/* What left asks for, and may accept. */
static void fill_child(const struct fixture *f, uint8_t how, struct engine_child *c)
{
	if (how & AH) {
		c->suites[0] = (struct esp_suite){ .integ = INTEG_HMAC_SHA2_256_128 };
		c->n_suites = 1;
	} else {
		c->n_suites = esp_suites_default(c->suites);
	}
	if (!(how & TRANSPORT))
		return;
	c->mode = SA_MODE_TRANSPORT;
	c->sel.src = prefix_host(&f->left.addr);
	c->sel.dst = prefix_host(&f->right.addr);
	c->line_sel = c->sel;
}

/* Our own request gets no answer but the fuzzer's. */
static enum mock_fate no_child_answer(void *ctx, struct datagram *d)
{
	return datagram_exchange(d) == XCHG_CREATE_CHILD_SA && datagram_is_response(d) ? MOCK_DROP :
											MOCK_PASS;
}

static struct session *session_of(const struct side *s)
{
	return ((struct ike *)s->engine->impl)->sessions;
}

static void put_proper(const struct fixture *f, struct msg_out *m, const struct session *s,
		       uint8_t how)
{
	static const uint8_t bytes[32] = { 9, 8, 7 };
	static const uint8_t spi[IKE_SPI_LEN] = "new spi";
	unsigned net = how & REKEYS ? 1 : 2;
	struct engine_child c = fixture_child(2, net);
	struct ts left, right;

	fill_child(f, how, &c);
	if (how & REKEYS && s->children)
		put_notify_child(m, N_REKEY_SA, PROTO_ID_ESP, s->children->pair.spi_in);
	if (how & TRANSPORT)
		put_notify(m, N_USE_TRANSPORT_MODE, NULL, 0);
	if (how & REKEYS_IKE)
		put_sa_ike_offer(m, &ike_offer_all, spi);
	else
		put_sa_esp_offer(m, c.suites, how & RESPONSE ? 1 : c.n_suites, 0xabcdef01, DH_NONE);
	put_nonce(m, bytes, sizeof(bytes));
	if (how & REKEYS_IKE) {
		put_ke(m, DH_X25519, bytes, sizeof(bytes));
		return;
	}
	selector_to_ts(&c.sel, &left, &right);
	/* Of who asks, and of who answers. */
	put_ts(m, PLD_TSI, how & RESPONSE ? &left : &right);
	put_ts(m, PLD_TSR, how & RESPONSE ? &right : &left);
}

/* The peer, right, answers left's request for a second child, or asks left for something. */
static void speak(struct fixture *f, const uint8_t *data, size_t size)
{
	struct session *s = session_of(&f->right);
	struct engine_child c = fixture_child(2, 2);
	struct ike_header h = { .exchange = XCHG_CREATE_CHILD_SA };
	uint8_t how = data[0];
	struct msg_cipher cipher;
	struct msg_out m;

	fill_child(f, how, &c);
	memcpy(f->left.inbound_child.suites, c.suites, sizeof(c.suites));
	f->left.inbound_child.n_suites = c.n_suites;
	f->left.inbound_child.mode = c.mode;
	if (how & RESPONSE) {
		h.id = s->next_in;
		h.flags = IKE_FLAG_RESPONSE;
		f->left.engine->ops->child_open(f->left.engine->impl, 1, &c);
	} else {
		h.id = s->next_out;
	}
	memcpy(h.spi_i, s->spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, s->spi_r, IKE_SPI_LEN);
	cipher = session_cipher(s, true);
	msg_begin_sk(&m, &h, &cipher);
	if (how & PROPER)
		put_proper(f, &m, s, how);
	wtr_patch_u8(&m.w, m.next_off, data[1]);
	wtr_bytes(&m.w, data + 2, size - 2);
	ike_speak(f, s, &m, how & CUT ? 120 : 4000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture *f;
	unsigned since;

	if (size < 2 || size > 3000)
		return 0;
	f = fixture_new(AF_INET);
	if (!fixture_up(f))
		abort();
	f->net.filter = no_child_answer;
	since = f->net.n_log;
	speak(f, data, size);
	fixture_run_ms(f, 50);
	if (!(data[0] & (RESPONSE | CUT)) &&
	    net_count(f, &f->left, XCHG_CREATE_CHILD_SA, true, since) != 1)
		abort();
	ike_check_owned(&f->left);
	fixture_run_ms(f, 20000);
	ike_check_owned(&f->left);
	fixture_free(f);
	return 0;
}
