// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: bytes to every parser of IKE payloads (RFC 7296 §3), and to the
 * judges of what they found. First byte: type of the first payload.
 */
#include <stdlib.h>

#include "prefpeerd/engine_ike/frag.h"
#include "prefpeerd/engine_ike/natt.h"
#include "prefpeerd/engine_ike/proposal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* AH never with a cipher, nor by ESP's proposals. */
static void judge_ah(const struct proposals *all)
{
	static const struct esp_suite ah = { .integ = INTEG_HMAC_SHA2_256_128, .esn = true };
	struct esp_choice choice;

	if (!esp_choose(all, &ah, 1, true, DH_NONE, DH_X25519, &choice) &&
	    (!choice.spi || !suite_is_ah(&choice.suite)))
		abort();
	if (!esp_accept(all, &ah, 1, DH_NONE, &choice) &&
	    (choice.spi < 256 || all->list[0].protocol != PROTO_ID_AH))
		abort();
}

static void judge_sa(const struct payload *p)
{
	struct esp_suite suites[SUITE_MAX];
	unsigned n = esp_suites_default(suites);
	struct esp_choice choice;
	struct ike_suite suite;
	struct proposals all;
	uint8_t num;

	if (proposals_parse(p, &all))
		return;
	if (!ike_accept(&ike_offer_all, &all, &suite) && (!suite.encr || !suite.dh))
		abort();
	if (!ike_choose(&ike_offer_all, &all, DH_X25519, &num, &suite) &&
	    !encr_is_aead(suite.encr) && !suite.integ)
		abort();
	/* Never a child without integrity, nor without an SPI. */
	if (!esp_choose(&all, suites, n, true, DH_NONE, DH_X25519, &choice) &&
	    (!choice.spi || (!encr_is_aead(choice.suite.encr) && !choice.suite.integ)))
		abort();
	if (!esp_accept(&all, suites, n, DH_NONE, &choice) && choice.spi < 256)
		abort();
	judge_ah(&all);
}

static void judge_ts(const struct payload *p)
{
	struct selector sel, block;
	struct ts_list list;
	struct ts a, b;

	if (ts_list_parse(p, &list))
		return;
	for (unsigned i = 0; i < list.n; i++) {
		if (selector_from_ts(&list.list[i], &list.list[list.n - 1 - i], &sel))
			continue;
		selector_to_ts(&sel, &a, &b);
		block = selector_block(&sel, NULL);
		if (!selector_contains(&sel, &block))
			abort();
	}
}

static void judge(const struct payload *p)
{
	struct pld_delete del;
	struct pld_notify notify;
	struct pld_auth auth;
	struct pld_ke ke;
	struct chunk nonce;
	struct ike_id id;
	char text[IKE_ID_STRLEN];

	judge_sa(p);
	judge_ts(p);
	ke_parse(p, &ke);
	nonce_parse(p, &nonce);
	notify_parse(p, &notify);
	delete_parse(p, &del);
	auth_parse(p, &auth);
	if (!id_parse(p, &id))
		ike_id_print(&id, text, sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t spi[IKE_SPI_LEN] = { 1 };
	struct endpoint ep = { .addr = { .family = AF_INET }, .port = IKE_PORT };
	struct pld_notify n;
	struct payloads p;
	struct fragment f;
	struct ike_header h;

	ike_header_parse(data, size, &h);
	msg_peek_fragment(data, size, &f);
	if (!size || payloads_parse(data[0], data + 1, size - 1, &p))
		return 0;
	for (unsigned i = 0; i < p.n; i++)
		judge(&p.list[i]);
	payloads_error(&p);
	payloads_notify(&p, N_COOKIE, &n);
	natt_judge(&p, spi, spi, &ep, &ep);
	return 0;
}
