/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the agent's JSON: what is absent, or null, is not known. */
#ifndef PREFPEER_FACTS_H
#define PREFPEER_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* "" where there is none. */
static inline const char *fact_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static inline bool fact_is(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* Whether there is a number of 0 or more. */
static inline bool fact_num(const json_t *o, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

/* 0 where there is none. */
static inline uint64_t fact_u64(const json_t *o, const char *key)
{
	uint64_t v = 0;

	fact_num(o, key, &v);
	return v;
}

static inline const json_t *fact_get(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

static inline bool fact_has(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return v && !json_is_null(v);
}

#endif
