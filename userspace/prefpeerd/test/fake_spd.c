// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/test/fake_spd.h"

static struct fake_policy *find(struct fake_spd *f, const struct kernel_policy *p)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->list[i].p.dir == p->dir && selector_equal(&f->list[i].p.sel, &p->sel))
			return &f->list[i];
	}
	return NULL;
}

static void tell(struct fake_spd *f)
{
	if (f->changed)
		f->changed(f->ctx, f);
}

static int put(void *k, const struct kernel_policy *p)
{
	struct fake_spd *f = k;
	struct fake_policy *at = find(f, p);

	if (f->fail_put && !--f->fail_put)
		return -EINVAL;
	if (!at) {
		if (f->n == f->room) {
			f->room = f->room ? f->room * 2 : 64;
			f->list = reallocarray(f->list, f->room, sizeof(*f->list));
		}
		at = &f->list[f->n++];
	}
	*at = (struct fake_policy){ *p, f->next_pos++ };
	f->puts++;
	tell(f);
	return 0;
}

static int del(void *k, const struct kernel_policy *p)
{
	struct fake_spd *f = k;
	struct fake_policy *at = find(f, p);

	if (!at)
		return -ENOENT;
	*at = f->list[--f->n];
	f->dels++;
	tell(f);
	return 0;
}

static int dump(void *k, kernel_policy_fn fn, void *ctx)
{
	struct fake_spd *f = k;
	int err = 0;

	for (unsigned i = 0; i < f->n && !err; i++)
		err = fn(ctx, &f->list[i].p);
	return err;
}

static int no_sas(void *k, kernel_sa_fn fn, void *ctx)
{
	return 0;
}

static const struct kernel_ops ops = {
	.policy_put = put,
	.policy_del = del,
	.policy_dump = dump,
	.sa_dump = no_sas,
};

void fake_spd_init(struct fake_spd *f)
{
	*f = (struct fake_spd){ .kernel = { .ops = &ops, .impl = f } };
}

void fake_spd_fini(struct fake_spd *f)
{
	free(f->list);
}

bool packet_matches(const struct packet *p, const struct selector *s)
{
	return s->src.addr.family == p->src.family && prefix_has_addr(&s->src, &p->src) &&
	       prefix_has_addr(&s->dst, &p->dst) && (!s->proto || s->proto == p->proto) &&
	       p->sport >= s->sport.lo && p->sport <= s->sport.hi && p->dport >= s->dport.lo &&
	       p->dport <= s->dport.hi;
}

const struct kernel_policy *fake_spd_lookup(const struct fake_spd *f, enum policy_dir dir,
					    const struct packet *p)
{
	const struct fake_policy *best = NULL;

	for (unsigned i = 0; i < f->n; i++) {
		const struct fake_policy *q = &f->list[i];

		if (q->p.dir != dir || !packet_matches(p, &q->p.sel))
			continue;
		if (!best || q->p.priority < best->p.priority ||
		    (q->p.priority == best->p.priority && q->pos < best->pos))
			best = q;
	}
	return best ? &best->p : NULL;
}
