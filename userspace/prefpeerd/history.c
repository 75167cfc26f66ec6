// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "prefpeerd/history.h"
#include "prefpeerd/history_file.h"

struct history {
	json_t *ring[HISTORY_LEN];
	unsigned next; /* where the next one goes */
	struct history_file *file; /* NULL: in memory alone */
	bool failed;		   /* that the last one could not be kept is said */
};

struct history *history_new(void)
{
	return calloc(1, sizeof(struct history));
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (unsigned i = 0; i < HISTORY_LEN; i++)
		json_decref(h->ring[i]);
	history_file_close(h->file);
	free(h);
}

static void remember(struct history *h, json_t *event)
{
	json_decref(h->ring[h->next]);
	h->ring[h->next] = json_incref(event);
	h->next = (h->next + 1) % HISTORY_LEN;
}

/* Said once, until it can be again. */
static void keep(struct history *h, const json_t *event)
{
	int err = history_file_add(h->file, event);

	if (err && !h->failed)
		log_warn("history", "events are not kept on disk: %s", strerror(-err));
	h->failed = err;
}

void history_add(struct history *h, json_t *event)
{
	remember(h, event);
	if (h->file)
		keep(h, event);
}

static void recall(void *ctx, json_t *event)
{
	json_object_set_new(event, "earlier_run", json_true());
	remember(ctx, event);
}

int history_keep(struct history *h, int dir, const char *name, unsigned *unreadable)
{
	int err = history_file_open(dir, name, &h->file);

	*unreadable = err ? 0 : history_file_read(h->file, recall, h);
	return err;
}

static bool of_entry(const json_t *ev, const char *map, unsigned seq)
{
	const char *name = json_string_value(json_object_get(ev, "map"));

	if (map && (!name || strcmp(name, map)))
		return false;
	return !seq || json_integer_value(json_object_get(ev, "seq")) == seq;
}

json_t *history_list(const struct history *h, const char *map, unsigned seq, unsigned n)
{
	json_t *out = json_array();

	for (unsigned i = 0; out && i < HISTORY_LEN; i++) {
		json_t *ev = h->ring[(h->next + i) % HISTORY_LEN];

		if (ev && of_entry(ev, map, seq))
			json_array_append(out, ev);
	}
	while (out && n && json_array_size(out) > n)
		json_array_remove(out, 0);
	return out;
}
