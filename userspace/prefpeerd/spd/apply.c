// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "lib/log.h"
#include "prefpeerd/spd/apply_impl.h"

#define AREA "spd"

/* ---- what the kernel has ------------------------------------------------------ */

static int keep(void *ctx, const struct kernel_policy *p)
{
	struct kernel_spd *have = ctx;
	unsigned room = have->room ? have->room * 2 : 64;
	struct kernel_policy *list;

	if (have->n == have->room) {
		list = reallocarray(have->list, room, sizeof(*list));
		if (!list)
			return -ENOMEM;
		have->list = list;
		have->room = room;
	}
	have->list[have->n++] = *p;
	return 0;
}

/* The list moves while it grows. */
static int kernel_spd_read(struct kernel_spd *have, const struct kernel *k)
{
	int err = k->ops->policy_dump(k->impl, keep, have);

	for (unsigned i = 0; !err && i < have->n; i++)
		err = spd_index_put(&have->index, have->list[i].dir, &have->list[i].sel,
				    &have->list[i]);
	return err;
}

static void kernel_spd_free(struct kernel_spd *have)
{
	spd_index_clear(&have->index);
	free(have->list);
}

struct kernel_policy *kernel_spd_find(const struct kernel_spd *have, const struct kernel_policy *p)
{
	return spd_index_get(&have->index, p->dir, &p->sel);
}

bool kernel_spd_has_ours(const struct kernel_spd *have)
{
	for (unsigned i = 0; i < have->n; i++) {
		if (spd_policy_is_ours(&have->list[i]))
			return true;
	}
	return false;
}

static int index_of(const struct spd *s, struct spd_index *x)
{
	int err = 0;

	for (unsigned i = 0; s && !err && i < s->n_policies; i++)
		err = spd_index_put(x, s->policies[i].p.dir, &s->policies[i].p.sel,
				    &s->policies[i]);
	return err;
}

static bool stands_in(const struct spd_index *x, const struct kernel_policy *p)
{
	return spd_index_get(x, p->dir, &p->sel);
}

/* ---- putting ------------------------------------------------------------------ */

static bool same_end(const struct addr *a, const struct addr *b)
{
	return addr_is_unspecified(a) ? addr_is_unspecified(b) : addr_equal(a, b);
}

static bool same_policy(const struct kernel_policy *a, const struct kernel_policy *b)
{
	if (a->action != b->action || a->priority != b->priority)
		return false;
	return a->action != POLICY_PROTECT ||
	       (a->reqid == b->reqid && a->tmpl_family == b->tmpl_family &&
		sa_kind_equal(a->kind, b->kind) &&
		same_end(&a->tmpl_src, &b->tmpl_src) && same_end(&a->tmpl_dst, &b->tmpl_dst));
}

/* XFRM has one policy per direction and selector; the configuration wants ours. */
static void warn_foreign(const struct kernel_policy *was)
{
	static const char *const dirs[] = { "in", "out", "fwd" };
	char sel[SELECTOR_STRLEN];

	if (!spd_policy_is_ours(was))
		log_warn(AREA, "another program's %s policy for %s (priority %u) is replaced",
			 dirs[was->dir], selector_print(&was->sel, sel, sizeof(sel)),
			 was->priority);
}

static int put_all(struct spd *s, const struct kernel_spd *have, const struct kernel *k)
{
	int first = 0;

	for (unsigned i = 0; i < s->n_policies; i++) {
		struct kernel_policy *p = &s->policies[i].p;
		const struct kernel_policy *was = kernel_spd_find(have, p);
		int err;

		if (was && same_policy(was, p))
			continue;
		if (was)
			warn_foreign(was);
		err = k->ops->policy_put(k->impl, p);
		if (err && !first)
			first = err;
	}
	return first;
}

static int last_first(const void *a, const void *b)
{
	const struct kernel_policy *p = a, *q = b;

	return p->priority > q->priority ? -1 : p->priority < q->priority;
}

/* Nothing can be found after that. */
static void sort_last_first(struct kernel_spd *have)
{
	spd_index_clear(&have->index);
	if (have->n)
		qsort(have->list, have->n, sizeof(*have->list), last_first);
}

/* A surplus `allow` goes before the surplus `protect` that stands ahead of it. */
static int delete_surplus(const struct spd_index *s, const struct spd_index *prev,
			  struct kernel_spd *have, const struct kernel *k)
{
	int first = 0;

	sort_last_first(have);
	for (unsigned i = 0; i < have->n; i++) {
		const struct kernel_policy *p = &have->list[i];
		int err;

		if (stands_in(s, p) || !(spd_policy_is_ours(p) || stands_in(prev, p)))
			continue;
		err = k->ops->policy_del(k->impl, p);
		if (err && err != -ENOENT && !first)
			first = err;
	}
	return first;
}

int spd_apply(struct spd *s, const struct spd *prev, const struct kernel *k)
{
	struct spd_index is = { 0 }, was = { 0 };
	struct kernel_spd have = { 0 };
	int err = kernel_spd_read(&have, k);

	for (unsigned i = 0; i < s->n_policies; i++)
		spd_policy_fill(&s->policies[i]);
	if (!err)
		err = index_of(s, &is);
	if (!err)
		err = index_of(prev, &was);
	if (!err)
		err = spd_place(s, &have, k);
	if (!err)
		err = put_all(s, &have, k);
	/* With a hole in the new list, the old one may be what still protects. */
	if (!err)
		err = delete_surplus(&is, &was, &have, k);
	spd_index_clear(&is);
	spd_index_clear(&was);
	kernel_spd_free(&have);
	return err;
}

/* ---- before the agent runs ------------------------------------------------------- */

/* A template that an agent put there is no less closed than a block, and may be in use. */
static void keep_protected(struct kernel_policy *p, const struct kernel_spd *have)
{
	const struct kernel_policy *was = kernel_spd_find(have, p);
	uint32_t priority = p->priority;

	if (!was || was->action != POLICY_PROTECT || !spd_policy_is_ours(was))
		return;
	*p = *was;
	p->priority = priority;
}

int spd_lock(struct spd *s, const struct kernel *k)
{
	struct kernel_spd have = { 0 };
	int err = kernel_spd_read(&have, k);

	for (unsigned i = 0; i < s->n_lines; i++)
		s->lines[i]->blocked = true;
	for (unsigned i = 0; i < s->n_policies; i++) {
		spd_policy_fill(&s->policies[i]);
		if (s->policies[i].line)
			keep_protected(&s->policies[i].p, &have);
	}
	if (!err)
		err = spd_place(s, &have, k);
	if (!err)
		err = put_all(s, &have, k);
	kernel_spd_free(&have);
	return err;
}

/* ---- one line, and none --------------------------------------------------------- */

/* @dirs: of the directions; always, for somebody may have removed it. */
static int put_again(struct spd *s, const struct spd_line *line, unsigned dirs,
		     const struct kernel *k)
{
	int first = 0;

	for (unsigned i = 0; i < s->n_policies; i++) {
		struct spd_policy *p = &s->policies[i];
		struct kernel_policy was = p->p;
		int err;

		if (p->line != line || !(dirs & 1u << p->p.dir))
			continue;
		spd_policy_fill(p);
		err = k->ops->policy_put(k->impl, &p->p);
		if (err) {
			p->p = was;
			first = first ? first : err;
		}
	}
	return first;
}

/* In transport mode towards one peer and in tunnel mode towards others: `in` and `fwd` follow. */
static bool kind_follows_peer(const struct spd_line *line)
{
	return line->kind.transport;
}

#define DIR_OUT (1u << POLICY_OUT)
#define DIRS_ALL (1u << POLICY_IN | 1u << POLICY_OUT | 1u << POLICY_FWD)

int spd_point(struct spd *s, struct spd_line *line, const struct addr *local,
	      const struct addr *peer, const struct kernel *k)
{
	if (line->blocked)
		return -EPERM;
	line->local = *local;
	line->peer = *peer;
	return put_again(s, line, kind_follows_peer(line) ? DIRS_ALL : DIR_OUT, k);
}

int spd_line_kind(struct spd *s, struct spd_line *line, struct sa_kind kind,
		  const struct kernel *k)
{
	if (line->blocked)
		return -EPERM;
	line->kind = kind;
	return put_again(s, line, DIRS_ALL, k);
}

int spd_flush(const struct kernel *k)
{
	struct kernel_spd have = { 0 };
	int n = 0;
	int err = k->ops->policy_dump(k->impl, keep, &have);

	sort_last_first(&have);
	for (unsigned i = 0; i < have.n; i++) {
		int e = spd_policy_is_ours(&have.list[i]) ?
				k->ops->policy_del(k->impl, &have.list[i]) : -ENOENT;

		if (!e)
			n++;
		else if (e != -ENOENT && !err)
			err = e;
	}
	kernel_spd_free(&have);
	return err ? err : n;
}
