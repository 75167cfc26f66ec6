// SPDX-License-Identifier: GPL-2.0-or-later
/* What `prefpeer status`, `explain` and `doctor` need beside what `map show` prints. */
#include "prefpeerd/report.h"

void report_entry_more(json_t *entry, const struct entry_view *v)
{
	json_object_set_new(entry, "reachable", json_boolean(v->reachable));
	json_object_set_new(entry, "dynamic", json_boolean(v->is_template));
}

json_t *report_explain(const struct entry_view *v, mono_t now)
{
	struct entry_explanation e;

	entry_explain(v, now, &e);
	return json_pack("{ss si ss ss ss? ss}", "map", v->map, "seq", (int)v->seq, "state",
			 entry_state_name(v->state), "way", entry_way_name(e.way), "peer", e.peer,
			 "text", e.text);
}
