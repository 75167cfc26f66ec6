/* SPDX-License-Identifier: GPL-2.0 */
/* What kmod/idle_judge.h takes from the kernel, for its unit test. */
#ifndef KMOD_JUDGE_USER_H
#define KMOD_JUDGE_USER_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t u64;
typedef int64_t s64;
typedef uint32_t u32;

#define NSEC_PER_SEC	1000000000L
#define NSEC_PER_MSEC	1000000L
#define U32_MAX		UINT32_MAX

#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp_t(type, v, low, high)	min_t(type, max_t(type, v, low), high)

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

#endif /* KMOD_JUDGE_USER_H */
