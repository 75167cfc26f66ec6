// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/test/ike_peer.h"

#include <stdlib.h>
#include <string.h>

static void open_from_right(struct fixture *f)
{
	struct engine_child c = fixture_child(1, 1);
	struct selector swap = selector_reverse(&c.sel);

	c.sel = c.line_sel = swap;
	if (f->right.engine->ops->open(f->right.engine->impl, 1, 1, &f->right.addr, &c, NULL))
		abort();
	fixture_run_ms(f, 200);
	if (!side_last(&f->left, ENG_CHILD_UP) || !side_last(&f->right, ENG_CHILD_UP))
		abort();
}

struct ike_peer *ike_peer_up(void)
{
	struct ike_peer *p = calloc(1, sizeof(*p));
	const struct engine_event *up;

	p->f = fixture_new(AF_INET);
	open_from_right(p->f);
	p->s = ((struct ike *)p->f->right.engine->impl)->sessions;
	up = &side_last(&p->f->left, ENG_CHILD_UP)->ev;
	p->conn = up->conn;
	p->child = up->child;
	p->child_spi_in = up->pair.spi_out;
	return p;
}

void ike_peer_free(struct ike_peer *p)
{
	fixture_free(p->f);
	free(p);
}

void ike_peer_begin(struct ike_peer *p, uint8_t exchange)
{
	struct msg_cipher c = session_cipher(p->s, true);
	struct ike_header h = { .exchange = exchange,
				.flags = IKE_FLAG_INITIATOR,
				.id = p->s->next_out };

	memcpy(h.spi_i, p->s->spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, p->s->spi_r, IKE_SPI_LEN);
	msg_begin_sk(&p->m, &h, &c);
}

static void carry(struct ike_peer *p)
{
	struct datagram d = { .src = p->s->local, .dst = p->s->peer, .len = p->m.w.len };

	memcpy(d.bytes, p->m.buf, p->m.w.len);
	mocknet_carry(&p->f->net, &d);
	fixture_run_ms(p->f, 30);
}

static void open_reply(struct ike_peer *p, const struct datagram *d)
{
	struct msg_cipher c = session_cipher(p->s, false);
	struct pld_notify n;

	memcpy(p->reply.bytes, d->bytes, d->len);
	if (msg_open(&c, p->reply.bytes, d->len, &p->reply.p))
		abort();
	p->reply.error = payloads_error(&p->reply.p);
	if (!p->reply.error || !payloads_notify(&p->reply.p, p->reply.error, &n))
		return;
	p->reply.data_len = n.data.len;
	memcpy(p->reply.data, n.data.p, n.data.len);
}

void ike_peer_send(struct ike_peer *p)
{
	struct msg_cipher c = session_cipher(p->s, true);
	unsigned since = p->f->net.n_log;

	if (msg_seal(&p->m, &c, &p->s->iv_counter))
		abort();
	p->s->next_out++;
	p->reply.error = UINT16_MAX;
	carry(p);
	for (unsigned i = since; i < p->f->net.n_log; i++)
		if (addr_equal(&p->f->net.log[i]->src.addr, &p->f->left.addr) &&
		    datagram_is_response(p->f->net.log[i]))
			open_reply(p, p->f->net.log[i]);
}

void ike_peer_repeat(struct ike_peer *p)
{
	carry(p);
}

void ike_peer_probe(struct ike_peer *p)
{
	ike_peer_begin(p, XCHG_INFORMATIONAL);
	ike_peer_send(p);
}

void ike_peer_put_child(struct ike_peer *p, uint32_t spi)
{
	static const uint8_t nonce[32] = "a nonce that nobody could guess";
	struct engine_child c = fixture_child(1, 1);
	struct esp_suite suites[SUITE_MAX];
	unsigned n = esp_suites_default(suites);
	struct ts left, right;

	put_sa_esp_offer(&p->m, suites, n, spi, DH_NONE);
	put_nonce(&p->m, nonce, sizeof(nonce));
	selector_to_ts(&c.sel, &left, &right);
	put_ts(&p->m, PLD_TSI, &right);
	put_ts(&p->m, PLD_TSR, &left);
}

void ike_peer_open_child(struct ike_peer *p)
{
	ike_peer_begin(p, XCHG_CREATE_CHILD_SA);
	ike_peer_put_child(p, 0xabcdef02);
	ike_peer_send(p);
}

void ike_peer_rekey_child(struct ike_peer *p, uint32_t spi)
{
	ike_peer_begin(p, XCHG_CREATE_CHILD_SA);
	put_notify_child(&p->m, N_REKEY_SA, PROTO_ID_ESP, spi);
	ike_peer_put_child(p, 0xabcdef01);
	ike_peer_send(p);
}

void ike_peer_rekey_ike(struct ike_peer *p)
{
	static const uint8_t nonce[32] = "a nonce that nobody could guess", pub[32] = { 9 };
	static const uint8_t spi[IKE_SPI_LEN] = "new spi";

	ike_peer_begin(p, XCHG_CREATE_CHILD_SA);
	put_sa_ike_offer(&p->m, &ike_offer_all, spi);
	put_nonce(&p->m, nonce, sizeof(nonce));
	put_ke(&p->m, DH_X25519, pub, sizeof(pub));
	ike_peer_send(p);
}

void ike_peer_delete_child(struct ike_peer *p, uint32_t spi)
{
	ike_peer_begin(p, XCHG_INFORMATIONAL);
	put_delete_child(&p->m, PROTO_ID_ESP, &spi, 1);
	ike_peer_send(p);
}

void ike_peer_critical(struct ike_peer *p, uint8_t type)
{
	ike_peer_begin(p, XCHG_INFORMATIONAL);
	msg_payload_begin(&p->m, type);
	wtr_patch_u8(&p->m.w, p->m.payload_off + 1, PLD_CRITICAL);
	msg_payload_end(&p->m);
	ike_peer_send(p);
}
