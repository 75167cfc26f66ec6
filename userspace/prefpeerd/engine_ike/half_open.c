// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/half_open.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

struct half_open_key {
	uint8_t bytes[16];
	uint8_t family, len;
};

struct half_open_count {
	struct half_open_key key;
	unsigned n;
	UT_hash_handle hh;
};

enum width { SOURCE, NETWORK };

static struct half_open_key key_of(const struct addr *a, enum width width)
{
	static const uint8_t v4[] = { [SOURCE] = 32, [NETWORK] = 24 };
	static const uint8_t v6[] = { [SOURCE] = 64, [NETWORK] = 48 };
	struct half_open_key key = { .family = (uint8_t)a->family };
	struct prefix p;

	key.len = a->family == AF_INET ? v4[width] : v6[width];
	p = prefix_around(a, key.len);
	memcpy(key.bytes, p.addr.bytes, addr_len(&p.addr));
	return key;
}

static struct half_open_count *find(const struct half_open *t, const struct addr *a,
				    enum width width)
{
	struct half_open_key key = key_of(a, width);
	struct half_open_count *c;

	HASH_FIND(hh, t->counts, &key, sizeof(key), c);
	return c;
}

static unsigned count(const struct half_open *t, const struct addr *a, enum width width)
{
	const struct half_open_count *c = find(t, a, width);

	return c ? c->n : 0;
}

enum half_open_verdict half_open_judge(const struct half_open *t, unsigned max,
				       const struct addr *from)
{
	unsigned network = max / 4 > HALF_OPEN_PER_SOURCE ? max / 4 : HALF_OPEN_PER_SOURCE;

	if (t->n >= max)
		return HALF_OPEN_TOTAL;
	if (count(t, from, SOURCE) >= HALF_OPEN_PER_SOURCE)
		return HALF_OPEN_SOURCE;
	return count(t, from, NETWORK) >= network ? HALF_OPEN_NETWORK : HALF_OPEN_ADMIT;
}

static bool count_up(struct half_open *t, const struct addr *a, enum width width)
{
	struct half_open_count *c = find(t, a, width);

	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return false;
		c->key = key_of(a, width);
		HASH_ADD(hh, t->counts, key, sizeof(c->key), c);
	}
	c->n++;
	return true;
}

static void count_down(struct half_open *t, const struct addr *a, enum width width)
{
	struct half_open_count *c = find(t, a, width);

	if (--c->n)
		return;
	HASH_DEL(t->counts, c);
	free(c);
}

bool half_open_add(struct half_open *t, const struct addr *from)
{
	if (!count_up(t, from, SOURCE))
		return false;
	if (!count_up(t, from, NETWORK)) {
		count_down(t, from, SOURCE);
		return false;
	}
	t->n++;
	return true;
}

void half_open_del(struct half_open *t, const struct addr *from)
{
	count_down(t, from, SOURCE);
	count_down(t, from, NETWORK);
	t->n--;
}
