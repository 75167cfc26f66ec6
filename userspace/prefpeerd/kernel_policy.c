// SPDX-License-Identifier: GPL-2.0-or-later
/* Policies, and the counters that tell of packets they refused. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "prefpeerd/kernel_impl.h"

int kernel_policy_put(void *impl, const struct kernel_policy *p)
{
	struct kernel_linux *k = impl;

	return xfrm_policy_put(k->xfrm, p);
}

int kernel_policy_del(void *impl, const struct kernel_policy *p)
{
	struct kernel_linux *k = impl;

	return xfrm_policy_del(k->xfrm, p);
}

int kernel_policy_dump(void *impl, kernel_policy_fn fn, void *ctx)
{
	struct kernel_linux *k = impl;

	return xfrm_policy_dump(k->xfrm, fn, ctx);
}

int kernel_stat_read(void *impl, const char *name, uint64_t *out)
{
	FILE *f = fopen("/proc/net/xfrm_stat", "re");
	char key[64];
	uint64_t value;
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (err && fscanf(f, "%63s %" SCNu64, key, &value) == 2) {
		if (strcmp(key, name))
			continue;
		*out = value;
		err = 0;
	}
	fclose(f);
	return err;
}
