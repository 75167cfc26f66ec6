/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has happened since the start, counted: IKE SAs by who began them and how they ended
 * (`show crypto ikev2 stats`), and what each switch to another peer has cost (`show crypto
 * peer history`). Told by the agent; nothing is decided by it.
 */
#ifndef PREFPEERD_TALLY_H
#define PREFPEERD_TALLY_H

#include <jansson.h>

#include "prefpeerd/entry/entries.h"
#include "prefpeerd/kernel.h"

struct tally;

/* Copies *k. NULL on -ENOMEM; NULL is fine in all others. */
struct tally *tally_new(const struct kernel *k);
void tally_free(struct tally *t);

void tally_engine(struct tally *t, const struct engine_event *ev);
/*
 * Before @event, its JSON, is published: a change of peer gets the gap that it closed
 * ("gap_ms") and the packets that found no SA meanwhile ("packets_held"; of all entries,
 * XFRM does not count by entry).
 */
void tally_notify(struct tally *t, const struct entry_ntf *n, json_t *event);
/* How often a set-up has failed so. */
uint64_t tally_failures(const struct tally *t, enum engine_why why);
/* New reference, or NULL on -ENOMEM. */
json_t *tally_report(const struct tally *t);

#endif
