/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `prefpeer drain`: a gateway is emptied before it is taken down. Nothing new is set up; what
 * is there is ended by DELETE, one entry after another over the time that was given, so that
 * the peers do not all call the other gateway in one moment.
 */
#ifndef PREFPEERD_DRAIN_H
#define PREFPEERD_DRAIN_H

#include <jansson.h>

#include "lib/timer.h"
#include "prefpeerd/entry/entries.h"

#define DRAIN_MAX_S 86400

struct drain;

struct drain *drain_new(struct entries *entries, const struct timers *timers);
void drain_free(struct drain *d); /* NULL is fine */
/* Begins, or goes on with another time: all are gone after @seconds (0: at once). */
void drain_start(struct drain *d, unsigned seconds, mono_t now);
/* New IKE SAs are set up and accepted again. False: it was not draining. */
bool drain_stop(struct drain *d, mono_t now);
/* {"draining", "left", "began_with", "since_ms", "ends_in_ms"} */
json_t *drain_report(const struct drain *d, mono_t now);

#endif
