// SPDX-License-Identifier: GPL-2.0-or-later
/* What XFRM says by itself. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "lib/xfrm_msg.h"

static int parse_acquire(const struct nlmsghdr *nlh, struct xfrm_notice *out)
{
	const struct xfrm_user_acquire *a = mnl_nlmsg_get_payload(nlh);
	const struct xfrm_user_tmpl *t;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*a))
		return -EBADMSG;
	t = xfrm_attr(nlh, sizeof(*a), XFRMA_TMPL, sizeof(*t));
	if (!t)
		return -EBADMSG;
	out->type = XFRM_NOTICE_ACQUIRE;
	out->reqid = t->reqid;
	/* The template may leave its ends open; the larval has them. */
	out->tmpl_src = xfrm_get_addr(&a->saddr, t->family);
	out->tmpl_dst = xfrm_get_addr(&a->id.daddr, t->family);
	return xfrm_get_selector(&a->sel, &out->flow) ? -EBADMSG : 0;
}

static void sa_of_notice(const struct xfrm_usersa_info *info, const struct xfrm_mark *mark,
			 struct xfrm_notice *out)
{
	xfrm_sa_from_info(info, &out->sa);
	if (mark) {
		out->sa.e.id.mark = mark->v;
		out->sa.e.id.mark_mask = mark->m;
	}
	out->id = out->sa.e.id;
	out->reqid = info->reqid;
}

static int parse_expire(const struct nlmsghdr *nlh, struct xfrm_notice *out)
{
	const struct xfrm_user_expire *e = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
		return -EBADMSG;
	out->type = XFRM_NOTICE_EXPIRE;
	out->hard = e->hard;
	sa_of_notice(&e->state,
		     xfrm_attr(nlh, sizeof(*e), XFRMA_MARK, sizeof(struct xfrm_mark)), out);
	return 0;
}

static int parse_delsa(const struct nlmsghdr *nlh, struct xfrm_notice *out)
{
	const struct xfrm_usersa_id *id = mnl_nlmsg_get_payload(nlh);
	const struct xfrm_usersa_info *info;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*id))
		return -EBADMSG;
	info = xfrm_attr(nlh, sizeof(*id), XFRMA_SA, sizeof(*info));
	if (!info)
		return -EBADMSG;
	out->type = XFRM_NOTICE_SA_GONE;
	sa_of_notice(info, xfrm_attr(nlh, sizeof(*id), XFRMA_MARK, sizeof(struct xfrm_mark)), out);
	return 0;
}

static int parse_mapping(const struct nlmsghdr *nlh, struct xfrm_notice *out)
{
	const struct xfrm_user_mapping *m = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return -EBADMSG;
	out->type = XFRM_NOTICE_MAPPING;
	out->reqid = m->reqid;
	out->id.dst = xfrm_get_addr(&m->id.daddr, m->id.family);
	out->id.spi = ntohl(m->id.spi);
	out->id.proto = m->id.proto;
	out->mapping.addr = xfrm_get_addr(&m->new_saddr, m->id.family);
	out->mapping.port = ntohs(m->new_sport);
	return 0;
}

int xfrm_parse_notice(const struct nlmsghdr *nlh, struct xfrm_notice *out)
{
	memset(out, 0, sizeof(*out));
	out->portid = nlh->nlmsg_pid;
	switch (nlh->nlmsg_type) {
	case XFRM_MSG_ACQUIRE:
		return parse_acquire(nlh, out);
	case XFRM_MSG_EXPIRE:
		return parse_expire(nlh, out);
	case XFRM_MSG_DELSA:
		return parse_delsa(nlh, out);
	case XFRM_MSG_FLUSHSA:
		out->type = XFRM_NOTICE_SA_FLUSH;
		return 0;
	case XFRM_MSG_MAPPING:
		return parse_mapping(nlh, out);
	default:
		return -ENOENT;
	}
}
