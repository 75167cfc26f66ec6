/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries as a whole, and who is who among them. */
#include "prefpeerd/entry/manual.h"
#include "prefpeerd/entry/mem.h"
#include "prefpeerd/entry/shell.h"

struct entries *entries_new(const struct entry_ports *ports)
{
	struct entries *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ports = *ports;
	verdicts_init(s);
	return s;
}

static void shell_entry_free(struct shell_entry *se)
{
	HASH_DEL(se->owner->by_id, se);
	timer_cancel(se->owner->ports.timers, &se->timer);
	for (unsigned i = 0; i < se->n_names; i++)
		free(se->names[i]);
	free(se->names);
	free(se->branch);
	free(se);
}

void entries_free(struct entries *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n_list; i++)
		shell_entry_free(s->list[i]);
	core_fini(&s->core);
	free(s->list);
	free(s->remotes);
	free(s->rules);
	free(s->orphans);
	free(s->larvals);
	free(s->failed);
	free(s->routes);
	verdicts_fini(s);
	manuals_free(s);
	free(s->out.list);
	free(s);
}

struct shell_entry *shell_entry(const struct entries *s, uint32_t id)
{
	struct shell_entry *se;

	HASH_FIND(hh, s->by_id, &id, sizeof(id), se);
	return se;
}

static int compare(const struct shell_entry *se, const char *map, unsigned seq)
{
	int c = strcmp(se->map, map);

	return c ? c : (int)se->seq - (int)seq;
}

unsigned shell_place(const struct entries *s, const char *map, unsigned seq)
{
	unsigned lo = 0, hi = s->n_list;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (compare(s->list[mid], map, seq) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct shell_entry *shell_find(const struct entries *s, const char *map, unsigned seq)
{
	unsigned at = shell_place(s, map, seq);

	return at < s->n_list && !compare(s->list[at], map, seq) ? s->list[at] : NULL;
}

const char *shell_peer_name(const struct shell_entry *se, peer_key key)
{
	return key && key <= se->n_names ? se->names[key - 1] : NULL;
}

struct core_line *shell_line(const struct entries *s, uint32_t reqid, struct core_entry **e)
{
	for (unsigned i = 0; i < s->core.n_entries; i++) {
		struct core_line *l = core_line(s->core.entries[i], reqid);

		if (l) {
			*e = s->core.entries[i];
			return l;
		}
	}
	return NULL;
}

struct shell_entry *shell_entry_add(struct entries *s, const struct map_entry *m)
{
	struct shell_entry *se = mem_zero(1, sizeof(*se));
	unsigned at = shell_place(s, m->map->name, m->seq);

	se->owner = s;
	snprintf(se->map, sizeof(se->map), "%s", m->map->name);
	se->seq = m->seq;
	se->id = core_entry_new(&s->core)->id;
	HASH_ADD(hh, s->by_id, id, sizeof(se->id), se);
	s->list = mem_resize(s->list, s->n_list + 1, sizeof(*s->list));
	memmove(&s->list[at + 1], &s->list[at], (s->n_list++ - at) * sizeof(*s->list));
	s->list[at] = se;
	return se;
}

void shell_entry_remove(struct entries *s, unsigned i)
{
	shell_entry_free(s->list[i]);
	memmove(&s->list[i], &s->list[i + 1], (--s->n_list - i) * sizeof(*s->list));
}

const struct entry_branch_counters *entries_branch_counters(const struct entries *s)
{
	return &s->branches;
}

unsigned entries_count(const struct entries *s)
{
	return s->n_list + s->n_manuals;
}

int entries_find(struct entries *s, const char *map, unsigned seq)
{
	unsigned at = shell_place(s, map, seq), before = 0;
	bool manual = manual_find(s, map, seq);

	while (before < s->n_manuals && manual_compare(s->manuals[before], map, seq) < 0)
		before++;
	if (!manual && (at == s->n_list || compare(s->list[at], map, seq)))
		return -ENOENT;
	return (int)(at + before);
}
