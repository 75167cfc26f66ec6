// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes as JSON. Keys are the names of prefpeer.yaml with '_', the unit
 * appended where there is one; they are a contract, unlike the text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeer/cli.h"

const char *group_name(unsigned group)
{
	switch (group) {
	case PP_GROUP_SA:
		return PREFPEER_MCGRP_SA;
	case PP_GROUP_PEER:
		return PREFPEER_MCGRP_PEER;
	case PP_GROUP_RULE:
		return PREFPEER_MCGRP_RULE;
	default:
		return "unknown";
	}
}

/* "last-use" + "_ns" → "last_use_ns" */
static void put(json_t *o, const char *name, const char *unit, json_t *value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s%s", name, unit);
	for (char *p = key; *p; p++)
		if (*p == '-')
			*p = '_';
	json_object_set_new(o, key, value);
}

static json_t *number(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *hex32(uint32_t v)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%08x", v);
	return json_string(text);
}

/* A number of JSON is signed, and many readers keep 53 bits of it. */
static json_t *hex64(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%016" PRIx64, v);
	return json_string(text);
}

/* What has a word is a word; what has none stays a number. */
static json_t *word_or_number(const char *word, uint64_t v)
{
	return word && (*word < '0' || *word > '9') ? json_string(word) : number(v);
}

static json_t *flag_names(uint32_t flags, const char *(*name)(unsigned bit))
{
	json_t *list = json_array();
	char text[16];

	for (unsigned bit = 0; bit < 32; bit++) {
		if (!(flags & 1u << bit))
			continue;
		snprintf(text, sizeof(text), "0x%x", 1u << bit);
		json_array_append_new(list, json_string(name(bit) ? name(bit) : text));
	}
	return list;
}

/* ---- addresses ----------------------------------------------------------- */

static void put_addr(json_t *o, const char *key, const struct addr *a)
{
	char text[ADDR_STRLEN];

	if (addr_is_set(a))
		put(o, key, "", json_string(addr_print(a, text, sizeof(text))));
}

static void put_prefix(json_t *o, const char *key, const struct addr *a, bool has_len, uint8_t len)
{
	char text[PREFIX_STRLEN];
	struct prefix p = { .addr = *a, .len = len };

	if (has_len && addr_is_set(a))
		put(o, key, "", json_string(prefix_print(&p, text, sizeof(text))));
	else
		put_addr(o, key, a);
}

static void put_addrs(json_t *o, const struct pp_attrs *a)
{
	put_addr(o, "src", &a->src);
	put_addr(o, "dst", &a->dst);
	put_prefix(o, "local", &a->local, PP_HAS(a, PREFPEER_A_LOCAL_LEN), a->local_len);
	put_prefix(o, "remote", &a->remote, PP_HAS(a, PREFPEER_A_REMOTE_LEN), a->remote_len);
}

/* ---- single attributes --------------------------------------------------- */

static json_t *json_of_meta(const struct pp_meta *m)
{
	json_t *o = json_object();

	for (int t = 1; t <= PREFPEER_A_META_MAX; t++) {
		const struct pp_attr_desc *d = &pp_meta_table[t];

		if (!d->name || !PP_HAS(m, t))
			continue;
		if (t == PREFPEER_A_META_MAP)
			json_object_set_new(o, "map", json_string(m->map));
		else if (t == PREFPEER_A_META_COOKIE)
			json_object_set_new(o, "cookie", hex64(m->cookie));
		else if (t == PREFPEER_A_META_FLAGS)
			json_object_set_new(o, "flags", flag_names(m->flags, meta_flag_name));
		else if (t == PREFPEER_A_META_IDLE_TIME || t == PREFPEER_A_META_ONE_WAY)
			put(o, d->name, "_ms", number(pp_number(m, d)));
		else
			put(o, d->name, "", number(pp_number(m, d)));
	}
	/* Always there, so that a script need not search a list. */
	json_object_set_new(o, "default", json_boolean(m->flags & PREFPEER_META_FLAG_DEFAULT));
	return o;
}

static json_t *json_of_stats(const struct pp_stats *s)
{
	json_t *o = json_object();

	for (int t = 1; t <= PREFPEER_A_STATS_MAX; t++) {
		const struct pp_attr_desc *d = &pp_stats_table[t];
		bool ms = t == PREFPEER_A_STATS_TICK || t == PREFPEER_A_STATS_TICK_FINE;

		if (d->name && PP_HAS(s, t))
			put(o, d->name, ms ? "_ms" : "", number(pp_number(s, d)));
	}
	return o;
}

static void put_attr(json_t *o, const struct pp_attrs *a, int type)
{
	const struct pp_attr_desc *d = &pp_attr_table[type];
	uint64_t v = pp_number(a, d);
	char w[WORD_STRLEN];

	switch (type) {
	case PREFPEER_A_SPI:
		put(o, d->name, "", hex32(a->spi));
		return;
	case PREFPEER_A_PROTO:
		put(o, d->name, "", word_or_number(proto_text(a->proto, w), v));
		return;
	case PREFPEER_A_DIR:
		put(o, d->name, "", word_or_number(dir_text(a->dir, w), v));
		return;
	case PREFPEER_A_MODE:
		put(o, d->name, "", word_or_number(mode_text(a->mode, w), v));
		return;
	case PREFPEER_A_STATE:
		put(o, d->name, "", word_or_number(state_text(a->state, w), v));
		return;
	case PREFPEER_A_REASON:
		put(o, d->name, "", word_or_number(reason_text(a->reason, w), v));
		return;
	case PREFPEER_A_SOURCE:
		put(o, d->name, "", word_or_number(source_text(a->source, w), v));
		return;
	case PREFPEER_A_FLAGS:
		put(o, d->name, "", flag_names(a->flags, flag_name));
		return;
	case PREFPEER_A_META:
		put(o, d->name, "", json_of_meta(&a->meta));
		return;
	case PREFPEER_A_STATS:
		put(o, d->name, "", json_of_stats(&a->stats));
		return;
	case PREFPEER_A_SLACK:
		put(o, d->name, "_ms", number(v));
		return;
	default:
		put(o, d->name, d->kind == PP_U64 && type < PREFPEER_A_PACKETS ? "_ns" : "",
		    number(v));
	}
}

static bool is_addr(int type)
{
	return type >= PREFPEER_A_SRC_IPV4 && type <= PREFPEER_A_REMOTE_LEN;
}

static void put_unknown(json_t *o, const struct pp_attrs *a)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < a->n_unknown && i < PP_UNKNOWN_MAX; i++) {
		const struct pp_unknown *u = &a->unknown[i];
		char hex[2 * sizeof(u->data) + 1] = "";

		for (unsigned b = 0; b < u->len && b < sizeof(u->data); b++)
			snprintf(hex + 2 * b, 3, "%02x", u->data[b]);
		json_array_append_new(list, json_pack("{s:i, s:i, s:s}", "type", u->type, "len",
						      u->len, "data", hex));
	}
	json_object_set_new(o, "unknown", list);
}

static void fill(json_t *o, const struct pp_attrs *a, uint64_t now_ns)
{
	put_addrs(o, a);
	for (int t = 1; t <= PREFPEER_A_MAX; t++)
		if (pp_attr_table[t].name && PP_HAS(a, t) && !is_addr(t))
			put_attr(o, a, t);
	if (PP_HAS(a, PREFPEER_A_LAST_USE) && a->last_use && now_ns >= a->last_use)
		json_object_set_new(o, "idle_ms", number((now_ns - a->last_use) / 1000000));
	if (a->n_unknown)
		put_unknown(o, a);
}

json_t *json_of_attrs(const struct pp_attrs *a, uint64_t now_ns)
{
	json_t *o = json_object();

	fill(o, a, now_ns);
	return o;
}

/* ---- events -------------------------------------------------------------- */

static const char *own_event(int cmd)
{
	switch (cmd) {
	case PP_EV_MODULE_UP:
		return "source-up";
	case PP_EV_MODULE_DOWN:
		return "source-down";
	case PP_EV_LOST:
		return "lost";
	case PP_EV_OVERRUN:
		return "overrun";
	default:
		return pp_cmd_name(cmd);
	}
}

json_t *json_of_event(const struct pp_event *ev)
{
	bool stamped = PP_HAS(&ev->a, PREFPEER_A_STAMP);
	const char *name = own_event(ev->cmd);
	json_t *o = json_object();
	char text[64];

	json_object_set_new(o, "time",
			    json_string(time_iso(stamped ? ev->a.stamp : 0, text, sizeof(text))));
	snprintf(text, sizeof(text), "event-%d", ev->cmd);
	json_object_set_new(o, "event", json_string(name ? name : text));
	if (ev->cmd >= PP_EV_MODULE_UP)
		json_object_set_new(o, "source", json_string("module"));
	if (ev->cmd == PP_EV_LOST) {
		json_object_set_new(o, "group", json_string(group_name(ev->group)));
		json_object_set_new(o, "count", number(ev->lost));
	}
	fill(o, &ev->a, stamped ? ev->a.stamp : boot_now_ns());
	return o;
}

void json_out(const struct cli *cli, json_t *o)
{
	json_dumpf(o, stdout, cli->pretty ? JSON_INDENT(2) : JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}
