/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The selectors that a list of policies has already, while it is made. */
#ifndef SPD_TAKEN_H
#define SPD_TAKEN_H

#include "prefpeerd/spd/index.h"

struct spd_shape;

/* All zero: none. */
struct spd_taken {
	struct spd_index index;
	unsigned n;
	/* What the selectors have but the bits of their addresses; few, as people write lists. */
	struct spd_shape *shapes;
	unsigned n_shapes;
};

/* 0 or -ENOMEM. */
int spd_taken_put(struct spd_taken *t, const struct selector *sel, const void *by);
/* Who put that very selector; NULL. */
const void *spd_taken_by(const struct spd_taken *t, const struct selector *sel);
/* One of them contains @sel: no packet of it would get past. */
bool spd_taken_covers(const struct spd_taken *t, const struct selector *sel);
void spd_taken_clear(struct spd_taken *t);

#endif
