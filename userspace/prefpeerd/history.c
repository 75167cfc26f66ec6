// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/history.h"

struct history {
	json_t *ring[HISTORY_LEN];
	unsigned next; /* where the next one goes */
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
	free(h);
}

void history_add(struct history *h, json_t *event)
{
	json_decref(h->ring[h->next]);
	h->ring[h->next] = json_incref(event);
	h->next = (h->next + 1) % HISTORY_LEN;
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
