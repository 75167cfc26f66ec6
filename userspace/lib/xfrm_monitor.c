// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets in XFRM's multicast groups. */
#include <errno.h>
#include <stdlib.h>

#include "lib/log.h"
#include "lib/xfrm_msg.h"

#define RCVBUF (8 << 20) /* bytes, semantics.md §12 */
#define NOTICE_BUF 16384 /* bytes; a notice with algorithms and a replay bitmap is below 2 KiB */

struct xfrm_monitor {
	struct mnl_socket *nl;
	_Alignas(8) uint8_t buf[NOTICE_BUF]; /* NEWSA notices carry keys: wiped after each */
};

static int join(struct xfrm_monitor *m, unsigned groups)
{
	static const struct {
		enum xfrm_group bit;
		int group;
	} names[] = {
		{ XFRM_GROUP_ACQUIRE, XFRMNLGRP_ACQUIRE },
		{ XFRM_GROUP_EXPIRE, XFRMNLGRP_EXPIRE },
		{ XFRM_GROUP_SA, XFRMNLGRP_SA },
		{ XFRM_GROUP_MAPPING, XFRMNLGRP_MAPPING },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int group = names[i].group;

		if ((groups & names[i].bit) &&
		    mnl_socket_setsockopt(m->nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
			return -errno;
	}
	return 0;
}

static void enlarge(struct xfrm_monitor *m)
{
	int size = RCVBUF;
	int fd = mnl_socket_get_fd(m->nl);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int xfrm_monitor_open(unsigned groups, struct xfrm_monitor **out)
{
	struct xfrm_monitor *m = calloc(1, sizeof(*m));
	int one = 1;
	int err;

	if (!m)
		return -ENOMEM;
	m->nl = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC | SOCK_NONBLOCK);
	err = !m->nl || mnl_socket_bind(m->nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (!err)
		enlarge(m);
	/* Before joining: no acquire may come under the other rule. */
	if (!err && (groups & XFRM_GROUP_ACQUIRE) &&
	    mnl_socket_setsockopt(m->nl, NETLINK_BROADCAST_ERROR, &one, sizeof(one)) < 0)
		err = -errno;
	if (!err)
		err = join(m, groups);
	if (err)
		xfrm_monitor_close(m);
	else
		*out = m;
	return err;
}

void xfrm_monitor_close(struct xfrm_monitor *m)
{
	if (!m)
		return;
	if (m->nl)
		mnl_socket_close(m->nl);
	free(m);
}

int xfrm_monitor_fd(const struct xfrm_monitor *m)
{
	return mnl_socket_get_fd(m->nl);
}

static void tell(const struct nlmsghdr *nlh, xfrm_notice_fn fn, void *ctx)
{
	struct xfrm_notice n;
	int err = xfrm_parse_notice(nlh, &n);

	if (!err)
		fn(ctx, &n);
	else if (err != -ENOENT)
		log_warn("xfrm", "a notice of type %u cannot be read", nlh->nlmsg_type);
}

int xfrm_monitor_read(struct xfrm_monitor *m, xfrm_notice_fn fn, void *ctx)
{
	bool lost = false;

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(m->nl, m->buf, sizeof(m->buf));
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)m->buf;
		int left = (int)n;

		if (n < 0 && errno == ENOBUFS) {
			lost = true;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno != EAGAIN ? -errno : lost ? -ENOBUFS : 0;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			tell(nlh, fn, ctx);
		xfrm_wipe(m->buf, (size_t)n);
	}
}
