// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "prefpeerd/spd/index.h"
#include "prefpeerd/spd/reqid.h"
#include "prefpeerd/spd/spd_impl.h"

#define KEY_LEN (CONF_NAME_MAX + SELECTOR_STRLEN + 16)

struct line {
	char key[KEY_LEN]; /* map, seq, selector as text */
	uint32_t reqid;
	UT_hash_handle hh;
};

/* A reqid that the kernel had at start. */
struct seed {
	uint32_t reqid;
	bool has_sel;
	struct selector sel; /* of its policies the widest, as `out` has it */
	bool claimed;
	struct seed *same; /* the next one with that selector */
	UT_hash_handle hh;
};

struct reqid_table {
	struct line *lines;
	struct seed *seeds;
	struct spd_index by_sel; /* the first seed of each selector */
	uint32_t next;
	uint32_t *released; /* a ring, the longest unused first: its old SAs are surely gone */
	unsigned first, n_released, room;
};

struct reqid_table *reqid_table_new(void)
{
	struct reqid_table *t = calloc(1, sizeof(*t));

	if (t)
		t->next = REQID_FIRST;
	return t;
}

void reqid_table_free(struct reqid_table *t)
{
	struct line *line, *next_line;
	struct seed *seed, *next_seed;

	if (!t)
		return;
	HASH_ITER(hh, t->lines, line, next_line) {
		HASH_DEL(t->lines, line);
		free(line);
	}
	HASH_ITER(hh, t->seeds, seed, next_seed) {
		HASH_DEL(t->seeds, seed);
		free(seed);
	}
	spd_index_clear(&t->by_sel);
	free(t->released);
	free(t);
}

static struct seed *seed_get(struct reqid_table *t, uint32_t reqid)
{
	struct seed *s;

	HASH_FIND(hh, t->seeds, &reqid, sizeof(reqid), s);
	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->reqid = reqid;
	HASH_ADD(hh, t->seeds, reqid, sizeof(s->reqid), s);
	return s;
}

static uint64_t ports_of(const struct selector *s)
{
	return (uint64_t)(s->sport.hi - s->sport.lo + 1) * (uint64_t)(s->dport.hi - s->dport.lo + 1);
}

static bool is_fragments(const struct selector *s)
{
	return !s->sport.hi && !s->dport.hi;
}

/* A line has several policies: by denies, ports that one mask cannot say, fragments. */
static bool stands_for_line(const struct selector *s, const struct selector *than)
{
	unsigned len = s->src.len + s->dst.len, other = than->src.len + than->dst.len;

	if (len != other)
		return len < other;
	if (!s->proto != !than->proto)
		return !s->proto;
	if (is_fragments(s) != is_fragments(than))
		return is_fragments(than);
	if (ports_of(s) != ports_of(than))
		return ports_of(s) > ports_of(than);
	return s->sport.lo != than->sport.lo ? s->sport.lo < than->sport.lo
					     : s->dport.lo < than->dport.lo;
}

static int seed_policy(void *ctx, const struct kernel_policy *p)
{
	struct selector sel = p->dir == POLICY_OUT ? p->sel : spd_inbound(&p->sel);
	struct seed *s;

	if (p->action != POLICY_PROTECT || !spd_policy_is_ours(p))
		return 0;
	s = seed_get(ctx, p->reqid);
	if (!s)
		return -ENOMEM;
	if (!s->has_sel || stands_for_line(&sel, &s->sel))
		s->sel = sel;
	s->has_sel = true;
	return 0;
}

static int seed_sa(void *ctx, const struct kernel_sa_entry *e)
{
	if (e->r.reqid < REQID_FIRST || e->r.reqid > REQID_LAST)
		return 0;
	return seed_get(ctx, e->r.reqid) ? 0 : -ENOMEM;
}

/* Behind those of its selector that the kernel told of before. */
static int index_seed(struct reqid_table *t, struct seed *s)
{
	struct seed *last = spd_index_get(&t->by_sel, POLICY_OUT, &s->sel);

	if (!last)
		return spd_index_put(&t->by_sel, POLICY_OUT, &s->sel, s);
	while (last->same)
		last = last->same;
	last->same = s;
	return 0;
}

int reqid_table_seed(struct reqid_table *t, const struct kernel *k)
{
	int err = k->ops->policy_dump(k->impl, seed_policy, t);

	/* By now each has its widest selector. */
	for (struct seed *s = t->seeds; !err && s; s = s->hh.next)
		if (s->has_sel)
			err = index_seed(t, s);
	return err ? err : k->ops->sa_dump(k->impl, seed_sa, t);
}

static uint32_t claim_seed(struct reqid_table *t, const struct selector *sel)
{
	/* The largest block of its ports, the lowest of those: stands_for_line(). */
	struct selector block = selector_block(sel, NULL);
	struct seed *s = spd_index_get(&t->by_sel, POLICY_OUT, &block);

	while (s && s->claimed)
		s = s->same;
	if (!s)
		return 0;
	s->claimed = true;
	return s->reqid;
}

static uint32_t used_before(struct reqid_table *t)
{
	uint32_t reqid;

	if (!t->n_released)
		return 0;
	reqid = t->released[t->first];
	t->first = (t->first + 1) % t->room;
	t->n_released--;
	return reqid;
}

static bool ring_grow(struct reqid_table *t)
{
	unsigned room = t->room ? t->room * 2 : 64;
	uint32_t *ring = calloc(room, sizeof(*ring));

	if (!ring)
		return false;
	for (unsigned i = 0; i < t->n_released; i++)
		ring[i] = t->released[(t->first + i) % t->room];
	free(t->released);
	t->released = ring;
	t->first = 0;
	t->room = room;
	return true;
}

void reqid_release(struct reqid_table *t, uint32_t reqid)
{
	/* Without memory it stays used, until the next start. */
	if (t->n_released == t->room && !ring_grow(t))
		return;
	t->released[(t->first + t->n_released++) % t->room] = reqid;
}

static uint32_t fresh(struct reqid_table *t)
{
	struct seed *s;

	for (; t->next <= REQID_LAST; t->next++) {
		HASH_FIND(hh, t->seeds, &t->next, sizeof(t->next), s);
		if (!s)
			return t->next++;
	}
	return used_before(t);
}

uint32_t reqid_draw(struct reqid_table *t)
{
	return fresh(t);
}

uint32_t reqid_get(struct reqid_table *t, const char *map, unsigned seq,
		   const struct selector *sel)
{
	char text[SELECTOR_STRLEN];
	char key[KEY_LEN];
	struct line *line;

	snprintf(key, sizeof(key), "%s %u %s", map, seq, selector_print(sel, text, sizeof(text)));
	HASH_FIND_STR(t->lines, key, line);
	if (line)
		return line->reqid;
	line = calloc(1, sizeof(*line));
	if (!line)
		return 0;
	strcpy(line->key, key);
	line->reqid = claim_seed(t, sel);
	if (!line->reqid)
		line->reqid = fresh(t);
	if (!line->reqid) {
		free(line);
		return 0;
	}
	HASH_ADD_STR(t->lines, key, line);
	return line->reqid;
}
