/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history on disk: one JSON object per line, appended. Two files take turns, so
 * that what is kept is bounded; a line that a crash cut off is passed over.
 */
#ifndef PREFPEERD_HISTORY_FILE_H
#define PREFPEERD_HISTORY_FILE_H

#include <jansson.h>
#include <stdbool.h>

#define HISTORY_FILE_BYTES (512 * 1024) /* of each of the two; 1,000 events are some 400 kB */
#define HISTORY_LINE_MAX 4096

struct history_file;

/* In directory @dir (not taken over), for the configuration @name. 0 or -errno. */
int history_file_open(int dir, const char *name, struct history_file **out);
void history_file_close(struct history_file *f); /* NULL is fine */
/* Every event that can be read, the oldest first; it stays ours. How many lines could not be. */
typedef void (*history_file_fn)(void *ctx, json_t *event);
unsigned history_file_read(struct history_file *f, history_file_fn fn, void *ctx);
/* 0, or -errno: it is not kept; what was kept stays readable, and the next one is tried. */
int history_file_add(struct history_file *f, const json_t *event);

#endif
