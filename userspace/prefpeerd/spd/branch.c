// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Branches that call by a dynamic map (semantics.md §4.2) come and go one by one, a
 * thousand of them: their lines are put beside the compiled list, which has kept a place
 * for them, and a later compilation finds them in struct spd_env.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "prefpeerd/spd/spd_impl.h"

#define DIRS 3

struct spd_line *spd_branch_line(const struct spd_branch *b)
{
	struct spd_line *line = calloc(1, sizeof(*line));

	if (!line)
		return NULL;
	strcpy(line->map, b->entry->map->name);
	line->seq = b->entry->seq;
	line->no = b->no;
	line->sel = b->acl.sel;
	line->entry = b->entry;
	line->kind = spd_entry_kind(b->entry);
	line->reqid = b->reqid;
	line->of_branch = true;
	line->local = b->local;
	line->peer = b->peer;
	return line;
}

static struct spd_slot *find_slot(struct spd *s, const struct map_entry *of)
{
	for (unsigned i = 0; i < s->n_slots; i++)
		if (s->slots[i].entry == of)
			return &s->slots[i];
	return NULL;
}

/* That of the branches that are there, else between its neighbours; 0: there is no room. */
static uint32_t slot_priority(const struct spd *s, const struct spd_slot *slot)
{
	uint32_t before = slot->at ? s->policies[slot->at - 1].p.priority : SPD_PRIORITY_FIRST;
	uint32_t behind = slot->at < s->n_policies ? s->policies[slot->at].p.priority
						   : SPD_PRIORITY_LAST;

	if (slot->n)
		return behind;
	return behind - before < 2 ? 0 : before + (behind - before) / 2;
}

/* The `out` policy with that selector, with `in` and `fwd` behind it; NULL. */
static struct spd_policy *find_same(const struct spd *s, const struct selector *sel)
{
	for (unsigned i = 0; i < s->n_policies; i++)
		if (s->policies[i].p.dir == POLICY_OUT && selector_equal(&s->policies[i].p.sel, sel))
			return &s->policies[i];
	return NULL;
}

static bool is_template(const struct spd_policy *p, const struct map_entry *of)
{
	return p->line && p->line->entry == of && !p->under;
}

static int put_all(struct spd_policy *p, const struct kernel *k)
{
	int err = 0;

	for (unsigned i = 0; i < DIRS && !err; i++) {
		spd_policy_fill(&p[i]);
		err = k->ops->policy_put(k->impl, &p[i].p);
	}
	return err;
}

static void del_all(const struct spd_policy *p, const struct kernel *k)
{
	for (unsigned i = 0; i < DIRS; i++) {
		int err = k->ops->policy_del(k->impl, &p[i].p);

		if (err && err != -ENOENT)
			log_err("spd", "%s %u: a policy of a branch that is gone stays: %s",
				p->line->map, p->line->seq, strerror(-err));
	}
}

/* ---- in the place of the template's own line ---- */

static void give_back(struct spd_policy *p, const struct kernel *k)
{
	int err;

	for (unsigned i = 0; i < DIRS; i++) {
		p[i].line = p[i].under;
		p[i].under = NULL;
	}
	err = put_all(p, k);
	if (err)
		log_err("spd", "%s %u: the block of a template is not back: %s", p->line->map,
			p->line->seq, strerror(-err));
}

static int take_place(struct spd_policy *p, struct spd_line *line, const struct kernel *k)
{
	int err;

	for (unsigned i = 0; i < DIRS; i++) {
		p[i].under = p[i].line;
		p[i].line = line;
	}
	err = put_all(p, k);
	if (err)
		give_back(p, k);
	return err;
}

/* ---- in the slot ---- */

static void fill(struct spd_policy *p, struct spd_line *line, uint32_t priority)
{
	static const enum policy_dir dirs[DIRS] = { POLICY_OUT, POLICY_IN, POLICY_FWD };
	const struct selector in = spd_inbound(&line->sel);

	for (unsigned i = 0; i < DIRS; i++)
		p[i] = (struct spd_policy){
			.p = { .dir = dirs[i],
			       .sel = dirs[i] == POLICY_OUT ? line->sel : in,
			       .priority = priority },
			.line = line,
		};
}

static void move_slots(struct spd *s, unsigned at, int by)
{
	for (unsigned i = 0; i < s->n_slots; i++)
		if (s->slots[i].at > at)
			s->slots[i].at = (unsigned)((int)s->slots[i].at + by);
}

static int insert(struct spd *s, struct spd_slot *slot, const struct spd_policy *p)
{
	struct spd_policy *more = reallocarray(s->policies, s->n_policies + DIRS, sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->policies = more;
	memmove(&more[slot->at + DIRS], &more[slot->at], (s->n_policies - slot->at) * sizeof(*more));
	memcpy(&more[slot->at], p, DIRS * sizeof(*p));
	s->n_policies += DIRS;
	slot->n += DIRS;
	move_slots(s, slot->at, DIRS);
	return 0;
}

static void cut(struct spd *s, unsigned at)
{
	s->n_policies -= DIRS;
	memmove(&s->policies[at], &s->policies[at + DIRS],
		(s->n_policies - at) * sizeof(*s->policies));
	for (unsigned i = 0; i < s->n_slots; i++)
		if (at >= s->slots[i].at && at < s->slots[i].at + s->slots[i].n)
			s->slots[i].n -= DIRS;
	move_slots(s, at, -DIRS);
}

static int take_slot(struct spd *s, struct spd_slot *slot, struct spd_line *line,
		     const struct kernel *k)
{
	uint32_t priority = slot_priority(s, slot);
	struct spd_policy p[DIRS];
	int err;

	if (!priority)
		return -ENOSPC;
	fill(p, line, priority);
	err = put_all(p, k);
	if (!err)
		err = insert(s, slot, p);
	if (err)
		del_all(p, k);
	return err;
}

/* ---- coming and going ---- */

static int add_line(struct spd *s, struct spd_line *line)
{
	struct spd_line **more = reallocarray(s->lines, s->n_lines + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->lines = more;
	s->lines[s->n_lines++] = line;
	return 0;
}

struct spd_line *spd_branch_add(struct spd *s, const struct spd_branch *b, const struct kernel *k,
				int *err)
{
	struct spd_slot *slot = find_slot(s, b->of);
	struct spd_policy *same = find_same(s, &b->acl.sel);
	struct spd_line *line = spd_branch_line(b);

	*err = !slot ? -ENOENT : same && !is_template(same, b->of) ? -EEXIST : 0;
	if (!*err)
		*err = line ? add_line(s, line) : -ENOMEM;
	if (*err) {
		free(line);
		return NULL;
	}
	*err = same ? take_place(same, line, k) : take_slot(s, slot, line, k);
	if (!*err)
		return line;
	s->n_lines--;
	free(line);
	return NULL;
}

static void drop_line(struct spd *s, const struct spd_line *line)
{
	for (unsigned i = 0; i < s->n_lines; i++)
		if (s->lines[i] == line) {
			memmove(&s->lines[i], &s->lines[i + 1],
				(--s->n_lines - i) * sizeof(*s->lines));
			return;
		}
}

void spd_branch_del(struct spd *s, uint32_t reqid, const struct kernel *k)
{
	struct spd_line *line = spd_line_by_reqid(s, reqid);

	if (!line || !line->of_branch)
		return;
	/* From the last on: a cascade of denies may have cut it into several (compile.c). */
	for (unsigned i = s->n_policies; i-- > 0;) {
		if (s->policies[i].line != line || s->policies[i].p.dir != POLICY_OUT)
			continue;
		if (s->policies[i].under) {
			give_back(&s->policies[i], k);
			continue;
		}
		del_all(&s->policies[i], k);
		cut(s, i);
	}
	drop_line(s, line);
	free(line);
}
