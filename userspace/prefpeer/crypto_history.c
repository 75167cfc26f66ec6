// SPDX-License-Identifier: GPL-2.0-or-later
/* show crypto peer history [map NAME [SEQ]] [last N]: ours. Every switch to another peer, and its cost. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/crypto.h"
#include "prefpeer/facts.h"

static bool is_switch(const json_t *e)
{
	return !strcmp(fact_str(e, "event"), "map-peer");
}

/* New list of at most @last (0: all) of the latest ones. */
static json_t *switches(const json_t *events, size_t last)
{
	json_t *out = json_array(), *e;
	size_t i;

	json_array_foreach(events, i, e)
		if (is_switch(e))
			json_array_append(out, e);
	while (last && json_array_size(out) > last)
		json_array_remove(out, 0);
	return out;
}

/* "2026-11-27 14:02:51.330" of an ISO time. */
static void time_cell(struct table *t, const char *iso)
{
	if (strlen(iso) >= 23)
		table_cell(t, TONE_PLAIN, "%.10s %.12s", iso, iso + 11);
	else
		table_cell(t, TONE_PLAIN, "%s", iso);
}

static void switch_row(struct table *t, const json_t *e)
{
	const json_t *detail = fact_get(e, "detail");
	char gap[DUR_STRLEN];
	uint64_t ms;

	time_cell(t, fact_str(e, "time"));
	table_cell(t, TONE_PLAIN, "%s %llu", fact_str(e, "map"),
		   (unsigned long long)fact_u64(e, "seq"));
	table_cell(t, TONE_ADDR, "%s", *fact_str(e, "from_peer") ? fact_str(e, "from_peer") : "-");
	table_cell(t, TONE_ADDR, "%s", *fact_str(e, "peer") ? fact_str(e, "peer") : "-");
	table_cell(t, TONE_PLAIN, "%s", fact_str(e, "reason"));
	if (fact_num(detail, "gap_ms", &ms))
		table_cell(t, TONE_PLAIN, "%s", dur_print(ms, gap));
	else
		table_cell(t, TONE_PLAIN, "-");
	table_cell(t, TONE_PLAIN, "%llu", (unsigned long long)fact_u64(detail, "packets_held"));
}

void text_crypto_peer_history(const struct cli *cli, const json_t *events)
{
	static const char *const heads[] = { "TIME", "CRYPTO MAP", "FROM", "TO", "REASON",
					     "GAP",  "PACKETS HELD", NULL };
	struct table *t;
	json_t *e;
	size_t i;

	if (!json_array_size(events)) {
		printf("No peer has changed since the agent remembers\n");
		return;
	}
	t = table_new(heads);
	json_array_foreach(events, i, e)
		switch_row(t, e);
	table_print(cli, t);
}

int show_crypto_peer_history(const struct exec_line *line)
{
	const char *map = exec_has(line, "map") ? exec_after(line, "map") : NULL;
	uint32_t seq = exec_number_at(line, "SEQ");
	json_t *request = json_pack("{s:s, s:s*, s:o*}", "cmd", "history", "map", map, "seq",
				    seq ? json_integer(seq) : NULL);
	json_t *reply, *list;

	if (ask_agent(line->cli, request, &reply))
		return CLI_FAIL;
	list = switches(json_object_get(reply, "events"), exec_number_after(line, "last"));
	json_decref(reply);
	if (line->cli->json) {
		json_out(line->cli, list);
		return CLI_OK;
	}
	text_crypto_peer_history(line->cli, list);
	json_decref(list);
	return CLI_OK;
}
