/* SPDX-License-Identifier: GPL-2.0 */
/* What net/genetlink.h of the kernel that we build for may lack. */
#ifndef PP_COMPAT_NET_GENETLINK_H
#define PP_COMPAT_NET_GENETLINK_H

#include_next <net/genetlink.h>

#ifdef PP_HAVE_GENL_INFO_DUMP
static inline struct nlattr **pp_genl_dump_attrs(struct netlink_callback *cb)
{
	return genl_info_dump(cb)->attrs;
}
#else
static inline struct nlattr **pp_genl_dump_attrs(struct netlink_callback *cb)
{
	return genl_dumpit_info(cb)->attrs;
}
#endif

#endif /* PP_COMPAT_NET_GENETLINK_H */
