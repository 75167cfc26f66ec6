// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeer/cells.h"

#include <stdio.h>
#include <string.h>

static void empty(struct table *t)
{
	table_cell(t, TONE_PLAIN, "%s", "");
}

void cell_u32(struct table *t, const struct pp_attrs *a, int type)
{
	if (PP_HAS(a, type))
		table_cell(t, TONE_PLAIN, "%llu",
			   (unsigned long long)pp_number(a, &pp_attr_table[type]));
	else
		empty(t);
}

void cell_nonzero(struct table *t, const struct pp_attrs *a, int type)
{
	if (pp_number(a, &pp_attr_table[type]))
		cell_u32(t, a, type);
	else
		empty(t);
}

void cell_addr(struct table *t, const struct addr *addr)
{
	char text[ADDR_STRLEN];

	table_cell(t, TONE_ADDR, "%s", addr_print(addr, text, sizeof(text)));
}

void cell_prefix(struct table *t, const struct pp_attrs *a, enum pp_addr which)
{
	bool local = which == PP_LOCAL;
	struct prefix p = prefix_host(local ? &a->local : &a->remote);
	char text[PREFIX_STRLEN];

	if (PP_HAS(a, local ? PREFPEER_A_LOCAL_LEN : PREFPEER_A_REMOTE_LEN))
		p.len = local ? a->local_len : a->remote_len;
	if (addr_is_set(&p.addr))
		table_cell(t, TONE_ADDR, "%s", prefix_print(&p, text, sizeof(text)));
	else
		empty(t);
}

void cell_proto(struct table *t, const struct pp_attrs *a)
{
	char w[WORD_STRLEN];

	table_cell(t, TONE_PLAIN, "%s", PP_HAS(a, PREFPEER_A_PROTO) ? proto_text(a->proto, w) : "");
}

void cell_spi(struct table *t, const struct pp_attrs *a)
{
	table_cell(t, TONE_PLAIN, "0x%08x", a->spi);
}

void cell_dir(struct table *t, const struct pp_attrs *a)
{
	char w[WORD_STRLEN];

	table_cell(t, TONE_PLAIN, "%s",
		   PP_HAS(a, PREFPEER_A_DIR) && a->dir ? dir_text(a->dir, w) : "");
}

void cell_mark(struct table *t, const struct pp_attrs *a)
{
	if (!PP_HAS(a, PREFPEER_A_MARK) || (!a->mark && !a->mark_mask))
		empty(t);
	else if (PP_HAS(a, PREFPEER_A_MARK_MASK) && a->mark_mask != UINT32_MAX)
		table_cell(t, TONE_PLAIN, "0x%x/0x%x", a->mark, a->mark_mask);
	else
		table_cell(t, TONE_PLAIN, "0x%x", a->mark);
}

void cell_state(struct table *t, const struct pp_attrs *a)
{
	char w[WORD_STRLEN];

	if (PP_HAS(a, PREFPEER_A_STATE))
		table_cell(t, a->state == PREFPEER_STATE_ACTIVE ? TONE_GOOD : TONE_WARN, "%s",
			   state_text(a->state, w));
	else
		empty(t);
}

void cell_source(struct table *t, const struct pp_attrs *a)
{
	char w[WORD_STRLEN];

	if (a->source == PREFPEER_SOURCE_RULE && PP_HAS(a, PREFPEER_A_RULE_ID))
		table_cell(t, TONE_PLAIN, "rule %u", a->rule_id);
	else if (PP_HAS(a, PREFPEER_A_SOURCE) && a->source)
		table_cell(t, TONE_PLAIN, "%s", source_text(a->source, w));
	else
		empty(t);
}

void cell_ago(struct table *t, const struct pp_attrs *a, int type, uint64_t now_ns)
{
	uint64_t then = pp_number(a, &pp_attr_table[type]);
	char text[DUR_STRLEN];

	if (!PP_HAS(a, type) || !then)
		empty(t);
	else
		table_cell(t, TONE_PLAIN, "%s",
			   dur_print(now_ns > then ? (now_ns - then) / 1000000 : 0, text));
}

void cell_setting(struct table *t, const struct pp_attrs *a, int meta_type)
{
	char text[DUR_STRLEN];

	if (PP_HAS(&a->meta, meta_type))
		table_cell(t, TONE_PLAIN, "%s",
			   setting_print((uint32_t)pp_number(&a->meta, &pp_meta_table[meta_type]),
					 text));
	else
		empty(t);
}

void cell_bytes(struct table *t, const struct pp_attrs *a)
{
	char text[DUR_STRLEN];

	table_cell(t, TONE_PLAIN, "%s",
		   PP_HAS(a, PREFPEER_A_BYTES) ? bytes_print(a->bytes, text) : "");
}

void cell_meta(struct table *t, const struct pp_attrs *a)
{
	char text[160];

	table_cell(t, TONE_PLAIN, "%s", meta_text(&a->meta, text, sizeof(text)));
}

void cell_flags(struct table *t, const struct pp_attrs *a)
{
	char text[128];

	table_cell(t, TONE_PLAIN, "%s", flags_text(a->flags, text, sizeof(text)));
}

void cell_unknown(struct table *t, const struct pp_attrs *a)
{
	char text[256];

	table_cell(t, TONE_WARN, "%s", unknown_text(a, text, sizeof(text)));
}

void json_list_out(const struct cli *cli, const struct attr_list *l)
{
	json_t *list = json_array();
	uint64_t now = boot_now_ns();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(list, json_of_attrs(&l->v[i], now));
	json_out(cli, list);
}

int done_out(const struct cli *cli, json_t *reply)
{
	const char *text = json_string_value(json_object_get(reply, "note"));

	if (!text) /* that a reload gave up what was typed and not saved */
		text = json_string_value(json_object_get(reply, "unsaved"));
	if (!text) /* what a reload has to say of a file that it took */
		text = json_string_value(json_object_get(reply, "report"));

	if (cli->json) {
		json_out(cli, reply);
		return CLI_OK;
	}
	if (text)
		printf("%s\n", text);
	json_decref(reply);
	return CLI_OK;
}
