// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/test/ike_speak.h"

#include <stdlib.h>
#include <string.h>

void ike_speak(struct fixture *f, struct session *as, const struct msg_out *m, size_t max)
{
	struct datagram d = { .src = as->local, .dst = as->peer };
	struct msg_cipher c = session_cipher(as, true);
	uint8_t *bytes;
	size_t len;

	if (frag_seal(m, &c, &as->iv_counter, max, &bytes, &len))
		return;
	for (size_t off = 0; (d.len = frag_next(bytes, len, off)); off += d.len) {
		memcpy(d.bytes, bytes + off, d.len);
		mocknet_inject(&f->net, &d);
	}
	free(bytes);
}

void ike_check_owned(const struct side *side)
{
	struct session *s;
	struct child *c;
	unsigned n = 0;

	DL_FOREACH(((struct ike *)side->engine->impl)->sessions, s)
		DL_FOREACH(s->children, c)
			n += c->in_installed + c->out_installed;
	if (n != side->kernel.n_sas)
		abort();
}
