/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control socket says about entries, sessions and events: JSON made of their views. */
#ifndef PREFPEERD_REPORT_H
#define PREFPEERD_REPORT_H

#include <jansson.h>

#include "prefpeerd/engine_ike/engine_ike.h"
#include "prefpeerd/entry/entries.h"
#include "prefpeerd/watch.h"

/* All return a new reference, or NULL on -ENOMEM. */
json_t *report_entry(const struct entry_view *v, mono_t now);
/* To the entry as report_entry() has it: whether it could be up, and what it is. */
void report_entry_more(json_t *entry, const struct entry_view *v);
/* Which peer the next packet would use, and why (entry_explain()). */
json_t *report_explain(const struct entry_view *v, mono_t now);
/* What the agent has let in and what it has refused, by reason (design.md §4). */
json_t *report_stats(const struct ike_counters *ike, uint64_t queue_dropped,
		     const struct entry_branch_counters *branches);
json_t *report_session(const struct entry_session *s, mono_t now);
/* One line of `prefpeer monitor`: "time" is wall clock, for people; "stamp" is boottime in ns. */
json_t *report_event(const struct entry_ntf *n);
/* The same of what the kernel counts. */
json_t *report_note(const struct watch_note *n);
/* What `map show` warns of: a list, empty where all is well. */
json_t *report_warnings(const struct watch *w, const struct entry_view *v, mono_t now);
/* The wall clock as events have it: ISO 8601 with milliseconds and zone. */
void report_wall_clock(char *buf, size_t size);
/* Milliseconds as people read them: "350 ms", "2.5 s", "120 s", "12 min", "18 h"; buf is returned. */
const char *report_duration(int64_t ms, char *buf, size_t size);

#endif
