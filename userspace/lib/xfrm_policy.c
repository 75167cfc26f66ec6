// SPDX-License-Identifier: GPL-2.0-or-later
/* XFRM policies as messages. */
#include <errno.h>
#include <string.h>

#include "lib/xfrm_msg.h"

static void no_limits(struct xfrm_lifetime_cfg *lft)
{
	*lft = (struct xfrm_lifetime_cfg){
		.soft_byte_limit = XFRM_INF,
		.hard_byte_limit = XFRM_INF,
		.soft_packet_limit = XFRM_INF,
		.hard_packet_limit = XFRM_INF,
	};
}

/*
 * The kernel compares a packet's SA with saddr only where that is not 0, and never with
 * daddr: 0 in `in` and `fwd` lets every listed peer's SA pass by its reqid.
 */
static void put_template(struct nlmsghdr *nlh, const struct kernel_policy *p)
{
	struct xfrm_user_tmpl t = {
		.id.proto = p->kind.ah ? IPPROTO_AH : IPPROTO_ESP,
		.family = p->tmpl_family ? p->tmpl_family : p->tmpl_dst.family,
		.reqid = p->reqid,
		.mode = p->kind.transport ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL,
		.aalgos = ~0u,
		.ealgos = ~0u,
		.calgos = ~0u,
	};

	xfrm_put_addr(&p->tmpl_src, &t.saddr);
	xfrm_put_addr(&p->tmpl_dst, &t.id.daddr);
	mnl_attr_put(nlh, XFRMA_TMPL, sizeof(t), &t);
}

/* An `out` template without an end would make the kernel look for an SA to the packet's own. */
static int check_template(const struct kernel_policy *p)
{
	if (!p->reqid || (!p->tmpl_family && !addr_is_set(&p->tmpl_dst)))
		return -EINVAL;
	if (p->dir == POLICY_OUT &&
	    (addr_is_unspecified(&p->tmpl_src) || addr_is_unspecified(&p->tmpl_dst)))
		return -EINVAL;
	return 0;
}

int xfrm_build_policy(void *buf, const struct kernel_policy *p, struct nlmsghdr **out)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct xfrm_userpolicy_info *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	int err = p->action == POLICY_PROTECT ? check_template(p) : 0;

	if (!err)
		err = xfrm_put_selector(&p->sel, &info->sel);
	if (err)
		return err;
	/* UPDPOLICY also inserts; NEWPOLICY would say EEXIST to what is there. */
	nlh->nlmsg_type = XFRM_MSG_UPDPOLICY;
	no_limits(&info->lft);
	info->priority = p->priority;
	info->dir = (uint8_t)p->dir;
	info->action = p->action == POLICY_BLOCK ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
	info->share = XFRM_SHARE_ANY;
	if (p->action == POLICY_PROTECT)
		put_template(nlh, p);
	*out = nlh;
	return 0;
}

int xfrm_build_policy_id(void *buf, const struct kernel_policy *p, struct nlmsghdr **out)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct xfrm_userpolicy_id *id = mnl_nlmsg_put_extra_header(nlh, sizeof(*id));
	int err = xfrm_put_selector(&p->sel, &id->sel);

	if (err)
		return err;
	nlh->nlmsg_type = XFRM_MSG_DELPOLICY;
	id->dir = (uint8_t)p->dir;
	*out = nlh;
	return 0;
}

struct nlmsghdr *xfrm_build_policy_dump(void *buf)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = XFRM_MSG_GETPOLICY;
	nlh->nlmsg_flags = NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct xfrm_userpolicy_id));
	return nlh;
}

static bool is_plain(const struct nlmsghdr *nlh, const struct xfrm_userpolicy_info *info)
{
	const struct xfrm_userpolicy_type *type;

	type = xfrm_attr(nlh, sizeof(*info), XFRMA_POLICY_TYPE, sizeof(*type));
	return info->dir <= XFRM_POLICY_FWD &&
	       (!type || type->type == XFRM_POLICY_TYPE_MAIN) &&
	       !xfrm_attr(nlh, sizeof(*info), XFRMA_MARK, 1) &&
	       !xfrm_attr(nlh, sizeof(*info), XFRMA_IF_ID, 1);
}

static void get_template(const struct xfrm_user_tmpl *t, struct kernel_policy *out)
{
	out->action = POLICY_PROTECT;
	out->reqid = t->reqid;
	out->kind.ah = t->id.proto == IPPROTO_AH;
	out->kind.transport = t->mode == XFRM_MODE_TRANSPORT;
	out->tmpl_family = t->family;
	out->tmpl_src = xfrm_get_addr(&t->saddr, t->family);
	out->tmpl_dst = xfrm_get_addr(&t->id.daddr, t->family);
}

int xfrm_parse_policy(const struct nlmsghdr *nlh, struct kernel_policy *out)
{
	const struct xfrm_userpolicy_info *info = mnl_nlmsg_get_payload(nlh);
	const struct xfrm_user_tmpl *tmpl;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*info))
		return -EBADMSG;
	if (!is_plain(nlh, info))
		return -ENOENT;
	memset(out, 0, sizeof(*out));
	out->dir = (enum policy_dir)info->dir;
	out->priority = info->priority;
	out->index = info->index;
	out->used_s = info->curlft.use_time;
	out->action = info->action == XFRM_POLICY_BLOCK ? POLICY_BLOCK : POLICY_ALLOW;
	if (xfrm_get_selector(&info->sel, &out->sel))
		return -ENOENT;
	tmpl = xfrm_attr(nlh, sizeof(*info), XFRMA_TMPL, sizeof(*tmpl));
	if (tmpl && out->action == POLICY_ALLOW)
		get_template(tmpl, out);
	return 0;
}
