/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to rt_nl.c and rt_route.c. */
#ifndef LIB_RT_NL_IMPL_H
#define LIB_RT_NL_IMPL_H

#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "lib/rt_nl.h"

/* A request and its answers, each to @fn; the kernel's -errno, or -EIO and the like. */
int rt_nl_ask(struct rt_nl *rt, struct nl_msg *msg, nl_recvmsg_msg_cb_t fn, void *arg);

#endif
