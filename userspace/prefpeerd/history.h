/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last events, for those who ask afterwards. */
#ifndef PREFPEERD_HISTORY_H
#define PREFPEERD_HISTORY_H

#include <jansson.h>
#include <stdbool.h>

#define HISTORY_LEN 1000

struct history;

struct history *history_new(void);
void history_free(struct history *h);
/* Takes a reference of its own; the oldest goes. */
void history_add(struct history *h, json_t *event);
/* The last @n (0 = all) in order, of @map (NULL = all) and @seq (0 = all). New reference or NULL. */
json_t *history_list(const struct history *h, const char *map, unsigned seq, unsigned n);

#endif
