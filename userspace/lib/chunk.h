/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes that belong to somebody else. */
#ifndef LIB_CHUNK_H
#define LIB_CHUNK_H

#include <stddef.h>

struct chunk {
	const void *p;
	size_t len;
};

#endif
