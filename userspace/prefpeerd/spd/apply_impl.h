/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to apply.c and priority.c. */
#ifndef SPD_APPLY_IMPL_H
#define SPD_APPLY_IMPL_H

#include "prefpeerd/spd/index.h"
#include "prefpeerd/spd/spd_impl.h"

/* All plain policies of the namespace, whoever made them. */
struct kernel_spd {
	struct kernel_policy *list;
	unsigned n, room;
	struct spd_index index; /* into the list */
};

/* The one with this direction and selector; NULL. */
struct kernel_policy *kernel_spd_find(const struct kernel_spd *have, const struct kernel_policy *p);
bool kernel_spd_has_ours(const struct kernel_spd *have);

/*
 * Write priorities into @s so that putting its policies first to last, then deleting the
 * surplus last to first, shows each packet its old policy or its new one. May move
 * policies in the kernel, and in @have, without changing their order. -ENOSPC, -ENOMEM,
 * or the kernel's.
 */
int spd_place(struct spd *s, struct kernel_spd *have, const struct kernel *k);

#endif
