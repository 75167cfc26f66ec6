// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Acquires, on a socket of their own: nothing else may fill it, and its overflow is
 * reported to the packet that wanted an SA, so that no larval blocks the line.
 */
#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "prefpeerd/kernel_impl.h"

/* Matched by reqid alone (design.md §4); another daemon's are not even looked at. */
static void on_acquire(void *ctx, const struct xfrm_notice *n)
{
	struct kernel_linux *k = ctx;
	struct kernel_event ev = {
		.type = KEV_ACQUIRE,
		.reqid = n->reqid,
		.flow = n->flow,
		.tmpl_src = n->tmpl_src,
		.tmpl_dst = n->tmpl_dst,
	};

	if (n->type == XFRM_NOTICE_ACQUIRE && kernel_reqid_is_ours(n->reqid))
		kernel_tell(k, &ev, mono_now());
}

static void readable(evutil_socket_t fd, short what, void *ctx)
{
	struct kernel_linux *k = ctx;
	int err = xfrm_monitor_read(k->acquires, on_acquire, k);
	struct kernel_event ev = { .type = KEV_OVERRUN };

	if (err == -ENOBUFS) {
		log_warn("kernel", "acquires were lost because their queue was full; looking for larvals");
		kernel_tell(k, &ev, mono_now());
	} else if (err) {
		log_err("kernel", "the socket for acquires cannot be read: %s", strerror(-err));
	}
}

int kernel_acquire_open(struct kernel_linux *k)
{
	int err = xfrm_monitor_open(XFRM_GROUP_ACQUIRE, &k->acquires);

	if (err)
		return err;
	k->acquire_ev = event_new(k->base, xfrm_monitor_fd(k->acquires), EV_READ | EV_PERSIST,
				  readable, k);
	return k->acquire_ev && !event_add(k->acquire_ev, NULL) ? 0 : -ENOMEM;
}

void kernel_acquire_close(struct kernel_linux *k)
{
	if (k->acquire_ev)
		event_free(k->acquire_ev);
	xfrm_monitor_close(k->acquires);
}
