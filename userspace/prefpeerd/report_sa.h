/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `show crypto …` needs of IKE SAs and of pairs beyond `map show` and `session show`. */
#ifndef PREFPEERD_REPORT_SA_H
#define PREFPEERD_REPORT_SA_H

#include <jansson.h>

#include "prefpeerd/entry/entries.h"

/* All that return one: a new reference, or NULL on -ENOMEM. */
json_t *report_pair(const struct entry_pair_view *p, mono_t now);
/* One side of a selector. */
json_t *report_ident(const struct prefix *net, uint8_t proto, const struct port_range *port);
/* Keys that `session show` had not from the beginning. */
void report_conn_more(json_t *session, const struct engine_conn_info *i);

#endif
