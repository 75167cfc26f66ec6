// SPDX-License-Identifier: GPL-2.0-or-later
/* States, and what the kernel says of them by itself: expiry, deletion, a moved mapping. */
#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "prefpeerd/kernel_impl.h"
#include "prefpeerd/kernel_linux.h"

int kernel_sa_add(void *impl, const struct kernel_sa *sa)
{
	struct kernel_linux *k = impl;

	return xfrm_sa_put(k->xfrm, sa);
}

int kernel_sa_del(void *impl, const struct kernel_sa_id *id)
{
	struct kernel_linux *k = impl;

	return xfrm_sa_del(k->xfrm, id);
}

int kernel_sa_read(void *impl, const struct kernel_sa_id *id, struct kernel_sa_reading *out)
{
	struct kernel_linux *k = impl;
	struct xfrm_sa_info sa = { 0 };
	int err = xfrm_sa_get(k->xfrm, id, &sa);

	if (!err)
		*out = sa.e.r;
	return err;
}

int kernel_sa_same(void *impl, const struct kernel_sa *sa)
{
	struct kernel_linux *k = impl;

	return xfrm_sa_same(k->xfrm, sa);
}

struct dump {
	kernel_sa_fn fn;
	void *ctx;
};

static int dump_one(void *ctx, const struct xfrm_sa_info *sa)
{
	struct dump *d = ctx;

	return d->fn(d->ctx, &sa->e);
}

int kernel_sa_dump(void *impl, kernel_sa_fn fn, void *ctx)
{
	struct kernel_linux *k = impl;
	struct dump d = { fn, ctx };

	return xfrm_sa_dump(k->xfrm, dump_one, &d);
}

int kernel_larval_kill(void *impl, const struct addr *src, const struct addr *dst, uint32_t reqid)
{
	struct kernel_linux *k = impl;

	return xfrm_larval_kill(k->xfrm, src, dst, reqid);
}

void kernel_linux_on_sa_end(struct kernel *k, kernel_sa_end_fn fn, void *ctx)
{
	struct kernel_linux *l = k->impl;

	l->sa_end = fn;
	l->sa_end_ctx = ctx;
}

static void sa_ended(const struct kernel_linux *k, const struct xfrm_notice *n)
{
	if (k->sa_end && n->id.spi && kernel_reqid_is_ours(n->reqid))
		k->sa_end(k->sa_end_ctx, &n->sa.e);
}

static void on_gone(struct kernel_linux *k, const struct xfrm_notice *n, struct kernel_event *ev)
{
	poll_gone(k->poll, &n->sa, mono_now());
	sa_ended(k, n);
	/* Our own DELSA comes back to us too. */
	if (n->portid == xfrm_portid(k->xfrm) || !kernel_reqid_is_ours(n->reqid) || !n->id.spi)
		return;
	ev->type = KEV_SA_GONE;
	kernel_tell(k, ev, mono_now());
}

static void on_expire(struct kernel_linux *k, const struct xfrm_notice *n, struct kernel_event *ev)
{
	if (n->hard) {
		poll_gone(k->poll, &n->sa, mono_now());
		sa_ended(k, n);
	}
	/* A larval's end is no event of an SA. */
	if (!kernel_reqid_is_ours(n->reqid) || !n->id.spi)
		return;
	ev->type = KEV_EXPIRE;
	ev->hard = n->hard;
	kernel_tell(k, ev, mono_now());
}

static void on_notice(void *ctx, const struct xfrm_notice *n)
{
	struct kernel_linux *k = ctx;
	struct kernel_event ev = { .sa = n->id, .reqid = n->reqid };

	switch (n->type) {
	case XFRM_NOTICE_SA_GONE:
		on_gone(k, n, &ev);
		break;
	case XFRM_NOTICE_EXPIRE:
		on_expire(k, n, &ev);
		break;
	case XFRM_NOTICE_SA_FLUSH:
		log_warn("kernel", "somebody flushed the SAs of this namespace");
		ev.type = KEV_OVERRUN;
		kernel_tell(k, &ev, mono_now());
		break;
	case XFRM_NOTICE_MAPPING:
		ev.type = KEV_MAPPING;
		ev.mapping = n->mapping;
		if (kernel_reqid_is_ours(n->reqid))
			kernel_tell(k, &ev, mono_now());
		break;
	case XFRM_NOTICE_ACQUIRE:
		break;
	}
}

static void readable(evutil_socket_t fd, short what, void *ctx)
{
	struct kernel_linux *k = ctx;
	int err = xfrm_monitor_read(k->notices, on_notice, k);
	struct kernel_event ev = { .type = KEV_OVERRUN };

	if (err == -ENOBUFS) {
		log_warn("kernel", "notices about SAs were lost because their queue was full");
		kernel_tell(k, &ev, mono_now());
	} else if (err) {
		log_err("kernel", "the socket for notices about SAs cannot be read: %s",
			strerror(-err));
	}
}

int kernel_sa_open(struct kernel_linux *k)
{
	int err = xfrm_monitor_open(XFRM_GROUP_EXPIRE | XFRM_GROUP_SA | XFRM_GROUP_MAPPING,
				    &k->notices);

	if (err)
		return err;
	k->notice_ev = event_new(k->base, xfrm_monitor_fd(k->notices), EV_READ | EV_PERSIST,
				 readable, k);
	return k->notice_ev && !event_add(k->notice_ev, NULL) ? 0 : -ENOMEM;
}

void kernel_sa_close(struct kernel_linux *k)
{
	if (k->notice_ev)
		event_free(k->notice_ev);
	xfrm_monitor_close(k->notices);
}
