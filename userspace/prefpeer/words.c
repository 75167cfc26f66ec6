// SPDX-License-Identifier: GPL-2.0-or-later
/* The keywords of every command about the module's objects, each defined once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "prefpeer/cli.h"

/* ---- values -------------------------------------------------------------- */

static const char *const not_address = "is not an IP address";
static const char *const not_number = "is not a number of 0..4294967295";

static const char *take_addr(struct pp_attrs *a, enum pp_addr which, const char *value)
{
	struct addr addr;

	if (addr_parse(value, &addr))
		return not_address;
	pp_set_addr(a, which, &addr);
	return NULL;
}

static const char *take_prefix(struct pp_attrs *a, enum pp_addr which, const char *value)
{
	struct prefix p;
	int rc = prefix_parse(value, &p);

	if (rc == -ERANGE)
		return "has bits set beyond its prefix length";
	if (rc)
		return "is not an address or ADDRESS/LENGTH";
	pp_set_prefix(a, which, &p);
	return NULL;
}

static const char *take_src(struct pp_attrs *a, const char *value)
{
	return take_addr(a, PP_SRC, value);
}

static const char *take_dst(struct pp_attrs *a, const char *value)
{
	return take_addr(a, PP_DST, value);
}

static const char *take_local(struct pp_attrs *a, const char *value)
{
	return take_prefix(a, PP_LOCAL, value);
}

static const char *take_remote(struct pp_attrs *a, const char *value)
{
	return take_prefix(a, PP_REMOTE, value);
}

static const char *take_proto(struct pp_attrs *a, const char *value)
{
	uint8_t proto;

	if (parse_proto(value, &proto))
		return "is neither esp nor ah";
	PP_SET(a, PROTO, proto, proto);
	return NULL;
}

static const char *take_mark(struct pp_attrs *a, const char *value)
{
	uint32_t v, mask;
	bool has_mask;

	if (parse_mark(value, &v, &mask, &has_mask))
		return "is not VALUE or VALUE/MASK of 32-bit numbers";
	PP_SET(a, MARK, mark, v);
	if (has_mask)
		PP_SET(a, MARK_MASK, mark_mask, mask);
	return NULL;
}

/* Of two words, the @n-th. */
static const char *take_choice(const char *value, const char *zero, const char *one,
			       const char *two, uint8_t *out)
{
	const char *const names[] = { zero, one, two };

	for (uint8_t i = 0; i < 3; i++) {
		if (names[i] && !strcmp(value, names[i])) {
			*out = i;
			return NULL;
		}
	}
	return two ? "is neither unknown, in nor out" : "is neither active nor idle";
}

static const char *take_dir(struct pp_attrs *a, const char *value)
{
	a->has |= PP_BIT(PREFPEER_A_DIR);
	return take_choice(value, "unknown", "in", "out", &a->dir);
}

static const char *take_state(struct pp_attrs *a, const char *value)
{
	a->has |= PP_BIT(PREFPEER_A_STATE);
	return take_choice(value, "active", "idle", NULL, &a->state);
}

static const char *take_port(struct pp_attrs *a, const char *value)
{
	uint32_t v;

	if (parse_u32(value, &v) || v > UINT16_MAX)
		return "is not a port of 0..65535";
	PP_SET(a, ENCAP_PORT, encap_port, (uint16_t)v);
	return NULL;
}

#define TAKE_U32(fn, TYPE, member)                                                                 \
	static const char *fn(struct pp_attrs *a, const char *value)                               \
	{                                                                                          \
		if (parse_u32(value, &a->member))                                                  \
			return not_number;                                                         \
		a->has |= PP_BIT(PREFPEER_A_##TYPE);                                               \
		return NULL;                                                                       \
	}

TAKE_U32(take_spi, SPI, spi)
TAKE_U32(take_if_id, IF_ID, if_id)
TAKE_U32(take_reqid, REQID, reqid)
TAKE_U32(take_sa_id, SA_ID, sa_id)
TAKE_U32(take_pair_id, PAIR_ID, pair_id)
TAKE_U32(take_peer_id, PEER_ID, peer_id)
TAKE_U32(take_rule_id, RULE_ID, rule_id)

/* ---- metadata ------------------------------------------------------------ */

static const char *take_map(struct pp_attrs *a, const char *value)
{
	if (!*value)
		return "is no name";
	return pp_set_map(a, value) ? "is longer than 63 bytes" : NULL;
}

static const char *take_meta_u32(struct pp_attrs *a, int type, uint32_t *to, const char *value)
{
	if (parse_u32(value, to))
		return not_number;
	a->meta.has |= PP_BIT(type);
	a->has |= PP_BIT(PREFPEER_A_META);
	return NULL;
}

static const char *take_map_seq(struct pp_attrs *a, const char *value)
{
	return take_meta_u32(a, PREFPEER_A_META_MAP_SEQ, &a->meta.map_seq, value);
}

static const char *take_index(struct pp_attrs *a, const char *value)
{
	return take_meta_u32(a, PREFPEER_A_META_INDEX, &a->meta.index, value);
}

static const char *take_meta_time(struct pp_attrs *a, int type, uint32_t *to, const char *value)
{
	int rc = parse_time_ms(value, to);

	if (rc == -ERANGE)
		return "is too long a time (the longest is 4294967 s)";
	if (rc)
		return "is not a time: 120 and 120s are seconds, 500ms milliseconds, 0 is off";
	a->meta.has |= PP_BIT(type);
	a->has |= PP_BIT(PREFPEER_A_META);
	return NULL;
}

static const char *take_idle_time(struct pp_attrs *a, const char *value)
{
	return take_meta_time(a, PREFPEER_A_META_IDLE_TIME, &a->meta.idle_time, value);
}

static const char *take_one_way(struct pp_attrs *a, const char *value)
{
	return take_meta_time(a, PREFPEER_A_META_ONE_WAY, &a->meta.one_way, value);
}

static const char *take_cookie(struct pp_attrs *a, const char *value)
{
	if (parse_u64(value, &a->meta.cookie))
		return "is not a 64-bit number";
	a->meta.has |= PP_BIT(PREFPEER_A_META_COOKIE);
	a->has |= PP_BIT(PREFPEER_A_META);
	return NULL;
}

static const char *take_default(struct pp_attrs *a, const char *value)
{
	PP_SET_META(a, FLAGS, flags, a->meta.flags | PREFPEER_META_FLAG_DEFAULT);
	return NULL;
}

static const char *take_expire(struct pp_attrs *a, const char *value)
{
	PP_SET_META(a, FLAGS, flags, a->meta.flags | PREFPEER_META_FLAG_EXPIRE);
	return NULL;
}

/* ---- tables -------------------------------------------------------------- */

const struct word words_rule_selector[] = {
	{ "remote", "PREFIX", take_remote },
	{ "local", "PREFIX", take_local },
	{ "proto", "esp|ah", take_proto },
	{ "reqid", "N", take_reqid },
	{ "if_id", "N", take_if_id },
	{ "mark", "V[/M]", take_mark },
	{ 0 },
};

const struct word words_meta[] = {
	{ "map", "NAME", take_map },
	{ "seq", "N", take_map_seq },
	{ "index", "I", take_index },
	{ "default", NULL, take_default },
	{ "idle-time", "T", take_idle_time },
	{ "one-way", "T", take_one_way },
	{ "expire", NULL, take_expire },
	{ "cookie", "N", take_cookie },
	{ 0 },
};

const struct word words_sa_id[] = {
	{ "id", "N", take_sa_id },	   { "dst", "A", take_dst },
	{ "proto", "esp|ah", take_proto }, { "spi", "S", take_spi },
	{ "mark", "V[/M]", take_mark },	   { 0 },
};

const struct word words_sa_filter[] = {
	{ "id", "N", take_sa_id },
	{ "src", "A", take_src },
	{ "dst", "A", take_dst },
	{ "local", "PREFIX", take_local },
	{ "remote", "PREFIX", take_remote },
	{ "proto", "esp|ah", take_proto },
	{ "spi", "S", take_spi },
	{ "mark", "V[/M]", take_mark },
	{ "if_id", "N", take_if_id },
	{ "reqid", "N", take_reqid },
	{ "encap-port", "N", take_port },
	{ "dir", "in|out", take_dir },
	{ "state", "active|idle", take_state },
	{ "pair", "N", take_pair_id },
	{ "peer", "N", take_peer_id },
	{ "rule", "N", take_rule_id },
	{ 0 },
};

const struct word words_pair_filter[] = {
	{ "id", "N", take_pair_id },
	{ "local", "PREFIX", take_local },
	{ "remote", "PREFIX", take_remote },
	{ "reqid", "N", take_reqid },
	{ "encap-port", "N", take_port },
	{ "state", "active|idle", take_state },
	{ "peer", "N", take_peer_id },
	{ "rule", "N", take_rule_id },
	{ 0 },
};

const struct word words_peer_filter[] = {
	{ "id", "N", take_peer_id },
	{ "local", "PREFIX", take_local },
	{ "remote", "PREFIX", take_remote },
	{ "encap-port", "N", take_port },
	{ "state", "active|idle", take_state },
	{ 0 },
};

const struct word words_rule_id[] = {
	{ "id", "N", take_rule_id },
	{ 0 },
};

/* ---- reading them -------------------------------------------------------- */

#define WORDS_MAX 64

static bool same_word(const char *typed, const char *name)
{
	for (; *typed && *name; typed++, name++)
		if (*typed != *name && !(*typed == '_' && *name == '-') &&
		    !(*typed == '-' && *name == '_'))
			return false;
	return !*typed && !*name;
}

/* @place: its number over all tables. */
static const struct word *find_word(const struct word *const *tables, const char *typed,
				    unsigned *place)
{
	*place = 0;
	for (; *tables; tables++)
		for (const struct word *w = *tables; w->name; w++, ++*place)
			if (same_word(typed, w->name))
				return w;
	return NULL;
}

static int unknown_word(const struct word *const *tables, const char *typed)
{
	char list[512];
	size_t at = 0;

	for (; *tables; tables++)
		for (const struct word *w = *tables; w->name && at < sizeof(list); w++)
			at += (size_t)snprintf(list + at, sizeof(list) - at, " %s", w->name);
	return cli_usage("\"%s\" is no word here; these are:%s", typed, list);
}

int words_take(struct args *args, const struct word *const *tables, struct pp_attrs *out)
{
	bool seen[WORDS_MAX] = { false };
	const struct word *w;
	const char *typed, *value, *wrong;
	unsigned place;

	while ((typed = args_next(args))) {
		w = find_word(tables, typed, &place);
		if (!w)
			return unknown_word(tables, typed);
		if (place < WORDS_MAX && seen[place])
			return cli_usage("%s is given twice", w->name);
		if (place < WORDS_MAX)
			seen[place] = true;
		value = w->value ? args_next(args) : NULL;
		if (w->value && !value)
			return cli_usage("%s needs a value: %s %s", w->name, w->name, w->value);
		wrong = w->take(out, value);
		if (wrong)
			return cli_usage("%s: \"%s\" %s", w->name, value, wrong);
	}
	return CLI_OK;
}

void words_help(const struct word *list)
{
	const int wrap = 72;
	int col = wrap; /* what stands before is of unknown length: begin a line */

	for (; list->name; list++) {
		if (col >= wrap)
			col = printf("\n   ");
		col += list->value ? printf(" [%s %s]", list->name, list->value)
				   : printf(" [%s]", list->name);
	}
}
