// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a child SA wraps packets: AH or ESP, transport or tunnel (RFC 7296 §1.3.1,
 * §2.23.1; RFC 4301 §4.1). Transport is for packets whose ends are the gateways
 * themselves; any other pair is a tunnel, as in IOS. Behind NAT too: the selectors
 * of both ends would differ, and checksums would need the addresses from before.
 * The mode is asked for by a notify, of all proposals at once; a rekey has the mode
 * of the pair that it replaces, since the policies name one.
 */
#include "prefpeerd/engine_ike/ike.h"

#include "lib/log.h"

uint8_t child_protocol(const struct child *c)
{
	return suite_protocol(&c->want.suites[0]);
}

static bool is_host(const struct prefix *p, const struct addr *a)
{
	struct prefix host = prefix_host(a);

	return prefix_equal(p, &host);
}

static bool between_gateways(const struct session *s, const struct selector *sel)
{
	return is_host(&sel->src, &s->local.addr) && is_host(&sel->dst, &s->peer.addr);
}

/* NULL: @sel may be in transport mode. */
static const char *hindrance(const struct session *s, const struct selector *sel)
{
	if (session_encap(s))
		return "transport mode is required, and there is NAT between the ends";
	return between_gateways(s, sel) ? NULL :
		"transport mode is required, and the line's ends are not the two gateways";
}

const char *child_cannot(const struct child *c)
{
	if (child_protocol(c) == PROTO_ID_AH && session_encap(c->s))
		return "AH cannot pass the NAT between the ends: it protects the addresses (RFC 3948 §1); use ESP";
	return c->want.mode == SA_MODE_TRANSPORT_REQUIRED ? hindrance(c->s, &c->want.sel) : NULL;
}

/* Of a rekey: what the pair has. */
static bool asks_for_transport(const struct child *c)
{
	if (c->rekeys)
		return c->rekeys->pair.transport;
	return c->want.mode != SA_MODE_TUNNEL && !hindrance(c->s, &c->want.sel);
}

void put_mode(struct msg_out *m, const struct child *c)
{
	if (asks_for_transport(c))
		put_notify(m, N_USE_TRANSPORT_MODE, NULL, 0);
}

const char *child_take_mode(struct child *c, const struct payloads *p)
{
	struct pld_notify n;
	bool asked = asks_for_transport(c);

	c->pair.transport = payloads_notify(p, N_USE_TRANSPORT_MODE, &n);
	if (c->pair.transport == asked)
		return NULL;
	if (!asked)
		return "the peer answers in transport mode, for which we did not ask";
	if (c->rekeys)
		return "the peer does not keep transport mode";
	return c->want.mode == SA_MODE_TRANSPORT_REQUIRED ?
		       "the peer does not take transport mode, which is required" : NULL;
}

/* Transport that is not taken is answered by silence, and is a tunnel then. */
const char *child_choose_mode(struct child *c, bool asked, const struct child *rekeys)
{
	const char *cannot = child_cannot(c);

	c->pair.transport = asked && c->want.mode != SA_MODE_TUNNEL &&
			    !hindrance(c->s, &c->pair.sel);
	if (cannot)
		return cannot;
	if (rekeys && c->pair.transport != rekeys->pair.transport)
		return "the rekey has another mode than the pair that it replaces";
	if (c->want.mode == SA_MODE_TRANSPORT_REQUIRED && !c->pair.transport)
		return "transport mode is required, and the peer does not ask for it";
	return NULL;
}
