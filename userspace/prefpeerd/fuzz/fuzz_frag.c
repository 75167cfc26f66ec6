// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: fragments of a peer that has the keys (RFC 7383 §2.6), in any
 * order, with any number and total; four bytes of header each. What comes of them
 * is bounded, and is parsed.
 */
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/engine_ike/frag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ike_dir_keys keys;
	static uint8_t whole[MSG_IN_MAX];
	const struct msg_cipher c = { ENCR_AES_GCM_16, 128, INTEG_NONE, &keys };
	struct ike_header h = { .exchange = XCHG_IKE_AUTH, .id = 1 };
	struct reassembly *r = NULL;
	uint64_t counter = 0;

	while (size >= 5) {
		struct fragment f = { .number = data[0], .total = data[1], .first = data[2] };
		size_t len = data[3] * (data[4] & 1 ? 8u : 1u);
		struct msg_out m;
		struct payloads p;

		h.id = data[4] >> 7;
		data += 5;
		size -= 5;
		len = len < size ? len : size;
		msg_begin_skf(&m, &h, &c, &f);
		wtr_bytes(&m.w, data, len);
		data += len;
		size -= len;
		if (msg_seal(&m, &c, &counter))
			abort();
		if (len && counter % 7 == 0)
			m.buf[m.w.len - 1] ^= 1;
		if (frag_take(&r, &c, h.id, m.buf, m.w.len) != FRAG_WHOLE)
			continue;
		frag_message(r, whole, &p);
		frag_drop(&r);
	}
	frag_drop(&r);
	return 0;
}
