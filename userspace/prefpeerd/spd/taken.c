// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "prefpeerd/spd/taken.h"

struct spd_shape {
	sa_family_t family;
	uint8_t src_len, dst_len, proto;
	struct port_range sport, dport;
};

static struct spd_shape shape_of(const struct selector *sel)
{
	return (struct spd_shape){
		.family = sel->src.addr.family,
		.src_len = sel->src.len,
		.dst_len = sel->dst.len,
		.proto = sel->proto,
		.sport = sel->sport,
		.dport = sel->dport,
	};
}

static bool range_equal(const struct port_range *a, const struct port_range *b)
{
	return a->lo == b->lo && a->hi == b->hi;
}

static bool shape_equal(const struct spd_shape *a, const struct spd_shape *b)
{
	return a->family == b->family && a->src_len == b->src_len && a->dst_len == b->dst_len &&
	       a->proto == b->proto && range_equal(&a->sport, &b->sport) &&
	       range_equal(&a->dport, &b->dport);
}

static int note_shape(struct spd_taken *t, const struct selector *sel)
{
	struct spd_shape shape = shape_of(sel);
	struct spd_shape *more;

	for (unsigned i = 0; i < t->n_shapes; i++) {
		if (shape_equal(&t->shapes[i], &shape))
			return 0;
	}
	more = reallocarray(t->shapes, t->n_shapes + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	more[t->n_shapes++] = shape;
	t->shapes = more;
	return 0;
}

int spd_taken_put(struct spd_taken *t, const struct selector *sel, const void *by)
{
	/* Whoever gets it back knows that it is const. */
	int err = spd_index_put(&t->index, POLICY_OUT, sel, (void *)by);

	if (!err)
		err = note_shape(t, sel);
	if (!err)
		t->n++;
	return err;
}

const void *spd_taken_by(const struct spd_taken *t, const struct selector *sel)
{
	return spd_index_get(&t->index, POLICY_OUT, sel);
}

/* The selector of that shape around the addresses of @sel. */
static struct selector widened(const struct selector *sel, const struct spd_shape *to)
{
	return (struct selector){
		.src = prefix_around(&sel->src.addr, to->src_len),
		.dst = prefix_around(&sel->dst.addr, to->dst_len),
		.proto = to->proto,
		.sport = to->sport,
		.dport = to->dport,
	};
}

bool spd_taken_covers(const struct spd_taken *t, const struct selector *sel)
{
	for (unsigned i = 0; i < t->n_shapes; i++) {
		struct selector wide;

		if (t->shapes[i].family != sel->src.addr.family)
			continue;
		wide = widened(sel, &t->shapes[i]);
		if (selector_contains(&wide, sel) && spd_taken_by(t, &wide))
			return true;
	}
	return false;
}

void spd_taken_clear(struct spd_taken *t)
{
	spd_index_clear(&t->index);
	free(t->shapes);
	*t = (struct spd_taken){ 0 };
}
