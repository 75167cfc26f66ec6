/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the three files of the module's client; the only ones that see libnl. */
#ifndef LIB_PP_NL_PRIV_H
#define LIB_PP_NL_PRIV_H

#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "lib/pp_nl.h"

/* 0, -EMSGSIZE: the message is full. */
int pp_attrs_put(struct nl_msg *msg, const struct pp_attrs *a);
/* libnl's error as -errno. */
int pp_nl_errno(int nle);

#endif
