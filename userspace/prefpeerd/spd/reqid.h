/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which reqid a line has: the same as long as map, sequence number and selector
 * are the same, across reloads, and across restarts by what the kernel still has
 * (semantics.md §12).
 */
#ifndef SPD_REQID_H
#define SPD_REQID_H

#include "prefpeerd/kernel.h"

struct reqid_table;

struct reqid_table *reqid_table_new(void);
void reqid_table_free(struct reqid_table *t); /* NULL is fine */
/*
 * At start: policies of an earlier run give their reqids to lines with their selector;
 * reqids of SAs without a policy are not given to anyone. 0 or -errno of the dumps.
 */
int reqid_table_seed(struct reqid_table *t, const struct kernel *k);
/* REQID_FIRST..REQID_LAST; 0 when all are used up, or without memory. */
uint32_t reqid_get(struct reqid_table *t, const char *map, unsigned seq,
		   const struct selector *sel);
/* For a line that comes and goes (§4.2): reqid_release() gives it back. */
uint32_t reqid_draw(struct reqid_table *t);
void reqid_release(struct reqid_table *t, uint32_t reqid);

#endif
