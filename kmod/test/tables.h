/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the arithmetic of idleness has to give, for its tests in user space
 * (selftests/kmod_judge.c) and in the kernel (kunit.c). After idle_judge.h and
 * turn.h.
 */
#ifndef PP_TEST_TABLES_H
#define PP_TEST_TABLES_H

#define SEC	((u64)NSEC_PER_SEC)
#define MS	((u64)NSEC_PER_MSEC)

struct pp_use_case {
	const char *desc;
	struct pp_move mv;
	struct pp_use expect;
};

static const struct pp_use_case pp_use_cases[] = {
	{ "counters only: the time of the read",
	  { .since = 10 * SEC, .now = 18 * SEC },
	  { 18 * SEC, 8 * SEC } },
	{ "lastused narrows to a second and a quarter",
	  { .since = 10 * SEC, .now = 18 * SEC,
	    .lastused = 1012, .off = 1000 * SEC, .off_valid = true },
	  { 13 * SEC + 250 * MS, 1 * SEC + 250 * MS } },
	{ "but not beyond the time of the read",
	  { .since = 10 * SEC, .now = 12 * SEC + 100 * MS,
	    .lastused = 1012, .off = 1000 * SEC, .off_valid = true },
	  { 12 * SEC + 100 * MS, 100 * MS } },
	{ "nor below the read before",
	  { .since = 12 * SEC + 500 * MS, .now = 18 * SEC,
	    .lastused = 1012, .off = 1000 * SEC, .off_valid = true },
	  { 13 * SEC + 250 * MS, 750 * MS } },
	{ "a stamp that the counter contradicts is not believed",
	  { .since = 14 * SEC, .now = 18 * SEC,
	    .lastused = 1012, .off = 1000 * SEC, .off_valid = true },
	  { 18 * SEC, 4 * SEC } },
	{ "nor one of the future",
	  { .since = 10 * SEC, .now = 18 * SEC,
	    .lastused = 4600, .off = 1000 * SEC, .off_valid = true },
	  { 18 * SEC, 8 * SEC } },
	{ "nor any if the clock was set",
	  { .since = 10 * SEC, .now = 18 * SEC,
	    .lastused = 1012, .off = 1000 * SEC, .off_valid = false },
	  { 18 * SEC, 8 * SEC } },
	{ "a clock before 1970 plus uptime",
	  { .since = 10 * SEC, .now = 18 * SEC,
	    .lastused = 5, .off = -(s64)(7 * SEC), .off_valid = true },
	  { 13 * SEC + 250 * MS, 1 * SEC + 250 * MS } },
};

static const struct {
	u64 t, period, one_way;
} pp_period_cases[] = {
	{ 50 * MS, 10 * MS, 10 * MS }, { 100 * MS, 20 * MS, 20 * MS },
	{ 999 * MS, 999 * MS / 5, 999 * MS / 5 }, { 1 * SEC, 1 * SEC, 250 * MS },
	{ 7 * SEC, 1 * SEC, 875 * MS }, { 60 * SEC, 7500 * MS, 7500 * MS },
	{ 120 * SEC, 15 * SEC, 10 * SEC }, { 86400 * SEC, 300 * SEC, 10 * SEC },
};

static const struct {
	const char *desc;
	int left, turn;
} pp_turn_cases[] = {
	{ "the first one is whole", 0, PP_TURN },
	{ "what was left is not saved", 5000, PP_TURN },
	{ "what was taken too much is taken off", -1000, PP_TURN - 1000 },
	{ "a look at a million SAs: not this time", -1000000, PP_TURN - 1000000 },
	{ "just paid for: not this time either", -PP_TURN, 0 },
};

#endif /* PP_TEST_TABLES_H */
