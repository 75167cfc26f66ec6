// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/wtr.h"

#include <string.h>

void wtr_init(struct wtr *w, void *buf, size_t cap)
{
	*w = (struct wtr){ .buf = buf, .cap = cap };
}

uint8_t *wtr_room(struct wtr *w, size_t n)
{
	uint8_t *p = w->buf + w->len;

	if (w->err || n > w->cap - w->len) {
		w->err = true;
		return NULL;
	}
	w->len += n;
	memset(p, 0, n);
	return p;
}

void wtr_bytes(struct wtr *w, const void *bytes, size_t n)
{
	uint8_t *p = wtr_room(w, n);

	if (p && n)
		memcpy(p, bytes, n);
}

static void put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put_u32(uint8_t *p, uint32_t v)
{
	put_u16(p, (uint16_t)(v >> 16));
	put_u16(p + 2, (uint16_t)v);
}

void wtr_u8(struct wtr *w, uint8_t v)
{
	uint8_t *p = wtr_room(w, 1);

	if (p)
		*p = v;
}

void wtr_u16(struct wtr *w, uint16_t v)
{
	uint8_t *p = wtr_room(w, 2);

	if (p)
		put_u16(p, v);
}

void wtr_u32(struct wtr *w, uint32_t v)
{
	uint8_t *p = wtr_room(w, 4);

	if (p)
		put_u32(p, v);
}

static uint8_t *written(struct wtr *w, size_t off, size_t n)
{
	if (w->err || off > w->len || n > w->len - off) {
		w->err = true;
		return NULL;
	}
	return w->buf + off;
}

void wtr_patch_u8(struct wtr *w, size_t off, uint8_t v)
{
	uint8_t *p = written(w, off, 1);

	if (p)
		*p = v;
}

void wtr_patch_u16(struct wtr *w, size_t off, uint16_t v)
{
	uint8_t *p = written(w, off, 2);

	if (p)
		put_u16(p, v);
}

void wtr_patch_u32(struct wtr *w, size_t off, uint32_t v)
{
	uint8_t *p = written(w, off, 4);

	if (p)
		put_u32(p, v);
}

bool wtr_ok(const struct wtr *w)
{
	return !w->err;
}
