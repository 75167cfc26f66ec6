// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both ends set up an IKE SA at once (semantics.md §1.5): the one with the
 * lowest of the four nonces loses. As its initiator the caller drops it when it
 * accepts the other; as its responder we do not offer it to the caller while the
 * other one is still on its way, or both ends would drop their own and have none.
 */
#include "prefpeerd/engine_ike/ike.h"

#include <string.h>

#include "lib/log.h"

/* Compared as octet strings, zeros behind the shorter one. */
static void take_lower(uint8_t low[CROSSING_NONCE], const uint8_t *nonce, size_t len)
{
	uint8_t n[CROSSING_NONCE] = { 0 };

	memcpy(n, nonce, len < sizeof(n) ? len : sizeof(n));
	if (memcmp(n, low, sizeof(n)) < 0)
		memcpy(low, n, sizeof(n));
}

void nonce_lower(uint8_t low[CROSSING_NONCE], struct chunk a, struct chunk b)
{
	memset(low, 0xff, CROSSING_NONCE);
	take_lower(low, a.p, a.len);
	take_lower(low, b.p, b.len);
}

void crossing_note(struct session *s)
{
	nonce_lower(s->low_nonce, (struct chunk){ s->setup->ni, s->setup->ni_len },
		    (struct chunk){ s->setup->nr, s->setup->nr_len });
}

/* @own was on its way when @s began. Before IKE_AUTH it is dropped without a trace: no crossing. */
static bool crosses(const struct session *s, const struct session *own)
{
	if (!own->initiator || !addr_equal(&own->peer.addr, &s->peer.addr))
		return false;
	return own->state == SES_AUTH ||
	       (own->state == SES_UP && !mono_before(own->since, s->created) &&
		!mono_before(s->created, own->created));
}

enum crossing crossing_judge(const struct session *s)
{
	const struct session *own;

	DL_FOREACH(s->e->sessions, own)
		if (crosses(s, own) &&
		    memcmp(s->low_nonce, own->low_nonce, sizeof(s->low_nonce)) < 0)
			return own->state == SES_UP ? CROSSING_LOST : CROSSING_WAIT;
	return CROSSING_NONE;
}

void crossing_turn(struct ike *e)
{
	struct engine_verdict refuse = { .accept = false };
	struct inbound *in, *tmp;

	DL_FOREACH_SAFE(e->inbounds, in, tmp) {
		enum crossing c = in->parked ? crossing_judge(in->s) : CROSSING_WAIT;

		if (c == CROSSING_WAIT)
			continue;
		in->parked = false;
		if (c == CROSSING_NONE) {
			inbound_hold(in->s, in);
			continue;
		}
		log_info("ike", "an IKE SA of the peer crossed ours and lost: refused");
		auth_verdict(in->s, in, &refuse);
	}
}
