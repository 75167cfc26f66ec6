/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a person reads: the agent's facts as report.c gives them, in the words of
 * prefpeer. Times of day are left out, spaces are one, SPIs are "SPI".
 */
#ifndef TEST_VIEW_HELP_H
#define TEST_VIEW_HELP_H

#include <jansson.h>

#include "prefpeerd/test/entry_branch.h"

/* branch_new(), and from now on every event is kept as a line of the monitor. */
struct branch *view_branch(const char *conf, unsigned n_hubs);
/* The monitor's lines since the last question are these; VIEW_PRINT=1 prints them. */
void view_monitor(struct branch *b, const char *lines);
/* All that was told until now does not matter here. */
void view_skip(struct branch *b);
/* `map show` of all entries has these lines, in this order, perhaps others between them. */
void view_shows(struct branch *b, const char *lines);
/* What the agent answers to map-show; a new reference. */
json_t *view_maps(struct branch *b);
/* … and to session-show. */
json_t *view_sessions(struct branch *b);
/* Standard output from here to there, as it is. */
void view_capture(void);
void view_captured(char *buf, size_t size);

#endif
