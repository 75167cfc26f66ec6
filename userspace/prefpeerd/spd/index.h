/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands for a direction and a selector, found without looking at all the others. */
#ifndef SPD_INDEX_H
#define SPD_INDEX_H

#include "prefpeerd/kernel.h"

struct spd_index_node;

/* All zero is an empty one. */
struct spd_index {
	struct spd_index_node *nodes; /* hash by direction and selector; owned */
};

/* The first that was put there stays. @at is the caller's. 0 or -ENOMEM. */
int spd_index_put(struct spd_index *x, enum policy_dir dir, const struct selector *sel, void *at);
/* NULL: nothing. */
void *spd_index_get(const struct spd_index *x, enum policy_dir dir, const struct selector *sel);
void spd_index_clear(struct spd_index *x);

#endif
