// SPDX-License-Identifier: GPL-2.0-or-later
/* Is an SA of the kernel the one that we would install? */
#include <string.h>

#include "lib/xfrm_msg.h"

/* What decides whether packets of the other side are understood. */
static const uint16_t compared[] = { XFRMA_ALG_AEAD, XFRMA_ALG_CRYPT, XFRMA_ALG_AUTH_TRUNC,
				     XFRMA_ENCAP, XFRMA_MARK, XFRMA_IF_ID };

static const struct nlattr *attr_of(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(struct xfrm_usersa_info))
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

static bool same_attr(const struct nlmsghdr *a, const struct nlmsghdr *b, uint16_t type)
{
	const struct nlattr *x = attr_of(a, type), *y = attr_of(b, type);

	if (!x || !y)
		return x == y;
	return mnl_attr_get_payload_len(x) == mnl_attr_get_payload_len(y) &&
	       !memcmp(mnl_attr_get_payload(x), mnl_attr_get_payload(y),
		       mnl_attr_get_payload_len(x));
}

bool xfrm_is_same_sa(const struct nlmsghdr *have, const struct nlmsghdr *want)
{
	const struct xfrm_usersa_info *h = mnl_nlmsg_get_payload(have);
	const struct xfrm_usersa_info *w = mnl_nlmsg_get_payload(want);

	if (mnl_nlmsg_get_payload_len(have) < sizeof(*h) || h->family != w->family ||
	    h->mode != w->mode || h->reqid != w->reqid || h->replay_window != w->replay_window ||
	    h->id.proto != w->id.proto || h->id.spi != w->id.spi ||
	    h->sel.family != w->sel.family ||
	    memcmp(&h->id.daddr, &w->id.daddr, sizeof(h->id.daddr)) ||
	    memcmp(&h->saddr, &w->saddr, sizeof(h->saddr)))
		return false;
	for (size_t i = 0; i < sizeof(compared) / sizeof(compared[0]); i++)
		if (!same_attr(have, want, compared[i]))
			return false;
	return true;
}
