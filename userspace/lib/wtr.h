/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded writer of network bytes into the caller's buffer, with a sticky
 * error: what does not fit is not written, and wtr_ok() is false ever after.
 */
#ifndef LIB_WTR_H
#define LIB_WTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wtr {
	uint8_t *buf;
	size_t len, cap;
	bool err;
};

void wtr_init(struct wtr *w, void *buf, size_t cap);
/* Integers in network order. */
void wtr_u8(struct wtr *w, uint8_t v);
void wtr_u16(struct wtr *w, uint16_t v);
void wtr_u32(struct wtr *w, uint32_t v);
void wtr_bytes(struct wtr *w, const void *bytes, size_t n);
/* Room for @n bytes, zeroed, to be filled by the caller; NULL when it does not fit. */
uint8_t *wtr_room(struct wtr *w, size_t n);
/* Overwrite what was written at @off; an @off beyond the end is an error. */
void wtr_patch_u8(struct wtr *w, size_t off, uint8_t v);
void wtr_patch_u16(struct wtr *w, size_t off, uint16_t v);
void wtr_patch_u32(struct wtr *w, size_t off, uint32_t v);
bool wtr_ok(const struct wtr *w);

#endif
