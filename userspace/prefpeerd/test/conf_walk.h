/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random lines of configuration, taken from the tables of commands themselves: what a
 * table gains is in them at once.
 */
#ifndef TEST_CONF_WALK_H
#define TEST_CONF_WALK_H

#include "prefpeerd/conf/grammar.h"

#define WALK_LINE_MAX 256
#define WALK_DEPTH_MAX 40 /* words of a line */

/* A command, as the words of the tables that lead to where a line may end. */
struct walk_cmd {
	enum conf_mode mode;
	const struct node *path[WALK_DEPTH_MAX];
	unsigned n;
};

typedef void (*walk_fn)(void *ctx, const struct walk_cmd *cmd);
/* Each place of each table where a line may end, by the first way that leads there. */
void walk_all(walk_fn fn, void *ctx);
/* By any way, of any mode; false: into a word that is refused. */
bool walk_any(uint64_t *seed, struct walk_cmd *cmd);
/* "config-crypto-map: set pfs group14" */
void walk_name(const struct walk_cmd *cmd, char *buf, size_t size);
/* A line that says it, with values drawn by @seed. */
void walk_line(const struct walk_cmd *cmd, uint64_t *seed, char *buf, size_t size);
/* `no`, and as much of that line as its table takes back with it; false: nothing of it. */
bool walk_undo(const struct walk_cmd *cmd, const char *line, char *buf, size_t size);
unsigned walk_pick(uint64_t *seed, unsigned n);

#endif
