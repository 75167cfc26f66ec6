// SPDX-License-Identifier: GPL-2.0-or-later
/* What `prefpeer status`, `explain` and `doctor` need beside what `map show` prints. */
#include "prefpeerd/report.h"

static json_t *network(const struct prefix *p)
{
	char text[PREFIX_STRLEN];

	return json_string(prefix_print(p, text, sizeof(text)));
}

static json_t *interfaces(const struct entry_view *v)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && v->conf && i < v->conf->map->n_interfaces; i++)
		json_array_append_new(list, json_string(v->conf->map->interfaces[i]));
	return list;
}

/* Behind those in use: what is at the first place is home (status.c, and the words of idle). */
static void add_shut(json_t *peers, const struct map_entry *m)
{
	json_t *p;
	size_t i;

	json_array_foreach(peers, i, p)
		json_object_set_new(p, "shutdown", json_false());
	for (unsigned k = 0; m && k < m->n_peers; k++)
		if (m->peers[k].is_shut)
			json_array_append_new(
				peers, json_pack("{ss ss* sb sb sb sb ss ss}", "peer", m->peers[k].text,
						 "address", m->peers[k].is_name ? NULL : m->peers[k].text,
						 "shutdown", true, "default", m->peers[k].is_default,
						 "current", false, "dynamic", m->peers[k].is_dynamic,
						 "status", "shutdown", "status_text",
						 "shut down: neither called nor let in"));
}

void report_entry_more(json_t *entry, const struct entry_view *v)
{
	json_t *lines = json_object_get(entry, "lines");

	for (unsigned i = 0; i < v->n_lines; i++) {
		json_t *l = json_array_get(lines, i);

		json_object_set_new(l, "source", network(&v->lines[i].sel.src));
		json_object_set_new(l, "destination", network(&v->lines[i].sel.dst));
	}
	json_object_set_new(entry, "interfaces", interfaces(v));
	add_shut(json_object_get(entry, "peers"), v->branch_of ? NULL : v->conf);
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
