/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last events, for those who ask afterwards, across restarts where they can be kept. */
#ifndef PREFPEERD_HISTORY_H
#define PREFPEERD_HISTORY_H

#include <jansson.h>
#include <stdbool.h>

#define HISTORY_LEN 1000

struct history;

struct history *history_new(void);
void history_free(struct history *h);
/*
 * From now on they are kept on disk too (history_file.h), and what earlier runs kept comes
 * first, each with "earlier_run": its "stamp" may be of another boot. 0 or -errno: it is in
 * memory alone. *unreadable: how many lines were passed over.
 */
int history_keep(struct history *h, int dir, const char *name, unsigned *unreadable);
/* Takes a reference of its own; the oldest goes. */
void history_add(struct history *h, json_t *event);
/* The last @n (0 = all) in order, of @map (NULL = all) and @seq (0 = all). New reference or NULL. */
json_t *history_list(const struct history *h, const char *map, unsigned seq, unsigned n);

#endif
