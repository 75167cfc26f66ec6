// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "prefpeerd/kernel_impl.h"
#include "prefpeerd/kernel_linux.h"
#include "prefpeerd/spd/spd.h"

static const struct kernel_ops linux_ops = {
	.sa_add = kernel_sa_add,
	.sa_del = kernel_sa_del,
	.sa_read = kernel_sa_read,
	.sa_same = kernel_sa_same,
	.sa_dump = kernel_sa_dump,
	.larval_kill = kernel_larval_kill,
	.policy_put = kernel_policy_put,
	.policy_del = kernel_policy_del,
	.policy_dump = kernel_policy_dump,
	.stat_read = kernel_stat_read,
	.has_module = kernel_has_module,
	.pair_read = kernel_pair_read,
	.peer_read = kernel_peer_read,
	.peer_heard = kernel_peer_heard,
	.rule_put = kernel_rule_put,
	.rule_del = kernel_rule_del,
};

bool kernel_reqid_is_ours(uint32_t reqid)
{
	return reqid >= REQID_FIRST && reqid <= REQID_LAST;
}

/* The poller before the sockets that tell it of deaths. */
static int open_parts(struct kernel_linux *k)
{
	int err = xfrm_open(&k->xfrm);

	if (!err)
		err = kernel_poll_open(k);
	if (!err)
		err = kernel_acquire_open(k);
	if (!err)
		err = kernel_sa_open(k);
	return err ? err : kernel_events_open(k);
}

int kernel_linux_open(struct event_base *base, const struct timers *timers, kernel_event_fn fn,
		      void *ctx, struct kernel *out)
{
	struct kernel_linux *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	k->base = base;
	k->timers = timers;
	k->fn = fn;
	k->ctx = ctx;
	*out = (struct kernel){ .ops = &linux_ops, .impl = k };
	err = open_parts(k);
	if (err)
		kernel_linux_close(out);
	return err;
}

int kernel_linux_open_xfrm(struct kernel *out)
{
	struct kernel_linux *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	*out = (struct kernel){ .ops = &linux_ops, .impl = k };
	err = xfrm_open(&k->xfrm);
	if (err)
		kernel_linux_close(out);
	return err;
}

void kernel_linux_close(struct kernel *kernel)
{
	struct kernel_linux *k = kernel->impl;

	if (!k)
		return;
	kernel_events_close(k);
	kernel_sa_close(k);
	kernel_acquire_close(k);
	kernel_poll_close(k);
	kernel_rules_free(k);
	xfrm_close(k->xfrm);
	free(k);
	*kernel = (struct kernel){ 0 };
}
