/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XFRM messages, built into and parsed from memory; no socket. Private to
 * lib/xfrm*.c and their tests.
 */
#ifndef LIB_XFRM_MSG_H
#define LIB_XFRM_MSG_H

#include <libmnl/libmnl.h>
#include <linux/xfrm.h>

#include "lib/xfrm.h"

#define XFRM_BUF_SIZE 4096 /* bytes; the largest request is a NEWSA with a replay bitmap */

/* Debian 12's header is that of 6.1. Values: Linux 6.12 include/uapi/linux/xfrm.h. */
#define XFRMA_SA_DIR_ 33
#define XFRM_SA_DIR_IN_ 1
#define XFRM_SA_DIR_OUT_ 2

void xfrm_put_addr(const struct addr *a, xfrm_address_t *out);
struct addr xfrm_get_addr(const xfrm_address_t *a, sa_family_t family);
/* -ERANGE: a port range that no mask can say. */
int xfrm_put_selector(const struct selector *s, struct xfrm_selector *out);
int xfrm_get_selector(const struct xfrm_selector *s, struct selector *out);

/* buf: XFRM_BUF_SIZE bytes. 0 or -errno; *out is the message's header in buf. */
int xfrm_build_sa(void *buf, const struct kernel_sa *sa, bool has_sa_dir, struct nlmsghdr **out);
/* Is the state of the answer the one that this NEWSA would make? */
bool xfrm_is_same_sa(const struct nlmsghdr *have, const struct nlmsghdr *want);
struct nlmsghdr *xfrm_build_sa_id(void *buf, uint16_t type, const struct kernel_sa_id *id);
struct nlmsghdr *xfrm_build_sa_dump(void *buf);
/* ALLOCSPI for the larval with these properties: tunnel mode, ESP. */
struct nlmsghdr *xfrm_build_allocspi(void *buf, const struct xfrm_sa_info *larval);
int xfrm_build_policy(void *buf, const struct kernel_policy *p, struct nlmsghdr **out);
int xfrm_build_policy_id(void *buf, const struct kernel_policy *p, struct nlmsghdr **out);
struct nlmsghdr *xfrm_build_policy_dump(void *buf);

/* -EBADMSG on a message too short for its type. */
int xfrm_parse_sa(const struct nlmsghdr *nlh, struct xfrm_sa_info *out);
/* Also -ENOENT: not one that the port speaks of (socket, sub-policy, mark, if_id, odd mask). */
int xfrm_parse_policy(const struct nlmsghdr *nlh, struct kernel_policy *out);
/* Also -ENOENT: a type that is no notice. */
int xfrm_parse_notice(const struct nlmsghdr *nlh, struct xfrm_notice *out);

/* For the parsers: a state's fixed part, and its attributes from *attr on. */
void xfrm_sa_from_info(const struct xfrm_usersa_info *i, struct xfrm_sa_info *out);
/* Attribute of that type after a fixed part of hdrlen bytes, at least min bytes long; or NULL. */
const void *xfrm_attr(const struct nlmsghdr *nlh, size_t hdrlen, uint16_t type, size_t min);
/* The key of a request or answer must not stay in memory. */
void xfrm_wipe(void *buf, size_t len);

#endif
