/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instants of CLOCK_BOOTTIME, as a type of their own, so that they cannot be
 * mixed with wall clock time (semantics.md §14.6: every deadline is boottime).
 */
#ifndef LIB_MONO_H
#define LIB_MONO_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

typedef struct {
	int64_t ns; /* since boot, suspend included; 0 = unset */
} mono_t;

#define MONO_UNSET ((mono_t){ 0 })
#define MONO_NEVER ((mono_t){ INT64_MAX })
#define NSEC_PER_MSEC 1000000LL
#define NSEC_PER_SEC 1000000000LL

/* Only the edges (loop, main, tests of the edges) read the clock. */
static inline mono_t mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (mono_t){ (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec };
}

static inline bool mono_is_set(mono_t t)
{
	return t.ns != 0;
}

static inline bool mono_is_never(mono_t t)
{
	return t.ns == INT64_MAX;
}

static inline bool mono_before(mono_t a, mono_t b)
{
	return a.ns < b.ns;
}

static inline mono_t mono_min(mono_t a, mono_t b)
{
	return a.ns < b.ns ? a : b;
}

static inline mono_t mono_max(mono_t a, mono_t b)
{
	return a.ns > b.ns ? a : b;
}

/* NEVER plus anything is NEVER. */
static inline mono_t mono_add_ns(mono_t t, int64_t ns)
{
	return mono_is_never(t) ? t : (mono_t){ t.ns + ns };
}

static inline mono_t mono_add_ms(mono_t t, int64_t ms)
{
	return mono_add_ns(t, ms * NSEC_PER_MSEC);
}

/* a - b in ms, rounded towards zero. */
static inline int64_t mono_diff_ms(mono_t a, mono_t b)
{
	return (a.ns - b.ns) / NSEC_PER_MSEC;
}

#endif
