/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of the core. Its tables are small and grow rarely; without memory for
 * them the process ends: the policies stay (fail closed), the supervisor starts
 * it again, and the next run takes over its SAs (A19). A half-carried-out
 * transition would be worse than that.
 */
#ifndef ENTRY_MEM_H
#define ENTRY_MEM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *mem_resize(void *p, size_t n, size_t size)
{
	void *q = reallocarray(p, n ? n : 1, size);

	if (!q) {
		fputs("prefpeerd: out of memory\n", stderr);
		abort();
	}
	return q;
}

static inline void *mem_zero(size_t n, size_t size)
{
	void *q = mem_resize(NULL, n, size);

	memset(q, 0, (n ? n : 1) * size);
	return q;
}

static inline void *mem_copy(const void *from, size_t n, size_t size)
{
	void *q = mem_resize(NULL, n, size);

	if (n)
		memcpy(q, from, n * size);
	return q;
}

/* Room for one more in an array that doubles. */
#define MEM_ROOM(list, n, cap)                                                         \
	do {                                                                           \
		if ((n) == (cap)) {                                                    \
			(cap) = (cap) ? 2 * (cap) : 4;                                 \
			(list) = mem_resize((list), (cap), sizeof(*(list)));           \
		}                                                                      \
	} while (0)

#endif
