// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What differs between two configurations, by section. Within a section order counts
 * (peers, lines of an access list); sections themselves may stand in any.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/conf/config.h"

/* A line, and how many of those that follow stand below it. */
struct item {
	const char *text; /* with keys, to be compared */
	unsigned len;
	const char *shown; /* without */
	unsigned shown_len;
	unsigned indent;
	unsigned below;
};

struct side {
	struct conf_text text, shown;
	struct item *list;
	unsigned n;
};

/* The items of one list: those of a section, or the sections. */
struct list {
	const struct item **v;
	unsigned n;
	unsigned *mate; /* index in the other list, or NONE */
};

#define NONE (~0u)

struct diff {
	FILE *out;
	int differ;
	bool oom;
};

/* ---- reading ---- */

static unsigned line_len(const char *s)
{
	return (unsigned)strcspn(s, "\n");
}

static void count_below(struct side *s)
{
	for (unsigned i = 0; i < s->n; i++)
		for (unsigned k = i + 1; k < s->n && s->list[k].indent > s->list[i].indent; k++)
			s->list[i].below++;
}

static int side_read(const struct config *c, struct side *s)
{
	int err = config_text(c, true, &s->text);
	const char *t, *h;
	unsigned lines = 1;

	if (!err)
		err = config_text(c, false, &s->shown);
	if (err)
		return err;
	for (t = s->text.s; *t; t++)
		lines += *t == '\n';
	s->list = calloc(lines, sizeof(*s->list));
	if (!s->list)
		return -ENOMEM;
	for (t = s->text.s, h = s->shown.s; *t && *h; t += line_len(t) + 1, h += line_len(h) + 1) {
		unsigned indent = (unsigned)strspn(t, " ");

		if (t[indent] != '!')
			s->list[s->n++] = (struct item){ t + indent, line_len(t) - indent,
							 h + indent, line_len(h) - indent,
							 indent, 0 };
	}
	count_below(s);
	return 0;
}

static void side_free(struct side *s)
{
	conf_text_free(s->text.s);
	conf_text_free(s->shown.s);
	free(s->list);
}

/* ---- who is whose mate ---- */

static int item_cmp(const struct item *a, const struct item *b)
{
	unsigned min = a->len < b->len ? a->len : b->len;
	int by = memcmp(a->text, b->text, min);

	return by ? by : (a->len > b->len) - (a->len < b->len);
}

static int by_text(const void *a, const void *b)
{
	const struct item *x = *(const struct item *const *)a, *y = *(const struct item *const *)b;
	int by = item_cmp(x, y);

	return by ? by : (x > y) - (x < y); /* they lie in one array */
}

/* @sorted: a copy of the list by text. Its items know their place by @first. */
static const struct item **sorted_copy(const struct list *l)
{
	const struct item **copy = malloc((l->n + 1) * sizeof(*copy));

	if (!copy)
		return NULL;
	memcpy(copy, l->v, l->n * sizeof(*copy));
	qsort(copy, l->n, sizeof(*copy), by_text);
	return copy;
}

static unsigned place_of(const struct list *l, const struct item *it)
{
	unsigned lo = 0, hi = l->n;

	while (lo + 1 < hi) {
		unsigned mid = (lo + hi) / 2;

		if (l->v[mid] <= it)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* Equal lines, the first with the first. */
static bool pair_up(struct list *a, struct list *b)
{
	const struct item **x = sorted_copy(a), **y = sorted_copy(b);
	unsigned i = 0, k = 0;

	while (x && y && i < a->n && k < b->n) {
		int by = item_cmp(x[i], y[k]);

		if (!by) {
			a->mate[place_of(a, x[i])] = place_of(b, y[k]);
			b->mate[place_of(b, y[k])] = place_of(a, x[i]);
		}
		i += by <= 0;
		k += by >= 0;
	}
	free(x);
	free(y);
	return x && y;
}

static void part(struct list *a, struct list *b, unsigned i)
{
	b->mate[a->mate[i]] = NONE;
	a->mate[i] = NONE;
}

static bool order_counts(const struct item *it)
{
	return it->indent || (it->len > 12 && !memcmp(it->text, "access-list ", 12));
}

/* The longest run of mates that stand in the same order in both stays; the others parted. */
static bool keep_order(struct list *a, struct list *b)
{
	unsigned *tail = malloc((a->n + 1) * sizeof(*tail)), *prev = malloc((a->n + 1) * sizeof(*prev));
	bool *stays = calloc(a->n + 1, sizeof(*stays));
	unsigned len = 0;

	for (unsigned i = 0; tail && prev && stays && i < a->n; i++) {
		unsigned lo = 0, hi = len;

		if (a->mate[i] == NONE)
			continue;
		while (lo < hi) {
			unsigned mid = (lo + hi) / 2;

			if (a->mate[tail[mid]] < a->mate[i])
				lo = mid + 1;
			else
				hi = mid;
		}
		prev[i] = lo ? tail[lo - 1] : NONE;
		tail[lo] = i;
		len += lo == len;
	}
	if (tail && prev && stays)
		for (unsigned i = len ? tail[len - 1] : NONE; i != NONE; i = prev[i])
			stays[i] = true;
	for (unsigned i = 0; stays && i < a->n; i++)
		if (a->mate[i] != NONE && !stays[i] && order_counts(a->v[i]))
			part(a, b, i);
	free(tail);
	free(prev);
	free(stays);
	return tail && prev && stays;
}

/* ---- lists of a section ---- */

static bool list_make(struct list *l, const struct item *first, unsigned n)
{
	*l = (struct list){ .v = malloc((n + 1) * sizeof(*l->v)),
			    .mate = malloc((n + 1) * sizeof(*l->mate)) };
	for (unsigned i = 0; l->v && l->mate && i < n; i += 1 + first[i].below) {
		l->mate[l->n] = NONE;
		l->v[l->n++] = &first[i];
	}
	return l->v && l->mate;
}

static void list_free(struct list *l)
{
	free(l->v);
	free(l->mate);
}

/* ---- showing ---- */

static void show(struct diff *d, char sign, const struct item *it)
{
	fprintf(d->out, "%*s%c%.*s\n", (int)it->indent, "", sign, (int)it->shown_len, it->shown);
	d->differ += sign != ' ';
}

static void show_all(struct diff *d, char sign, const struct item *it)
{
	for (unsigned i = 0; i <= it->below; i++)
		show(d, sign, &it[i]);
}

static void compare(struct diff *d, const struct item *a, unsigned n, const struct item *b,
		    unsigned m);

static bool same_below(const struct item *a, const struct item *b)
{
	bool same = a->below == b->below;

	for (unsigned i = 1; same && i <= a->below; i++)
		same = a[i].indent == b[i].indent && !item_cmp(&a[i], &b[i]);
	return same;
}

static void show_mates(struct diff *d, const struct item *a, const struct item *b)
{
	if (same_below(a, b))
		return;
	show(d, ' ', a);
	compare(d, a + 1, a->below, b + 1, b->below);
}

/* What is new in b from its @i-th item on, up to the next that a has too. */
static void show_new(struct diff *d, const struct list *b, unsigned i)
{
	for (; i < b->n && b->mate[i] == NONE; i++)
		show_all(d, '+', b->v[i]);
}

static void show_lists(struct diff *d, const struct list *a, const struct list *b)
{
	for (unsigned i = 0; i < a->n && a->mate[i] == NONE; i++)
		show_all(d, '-', a->v[i]);
	show_new(d, b, 0);
	for (unsigned i = 0; i < a->n; i++) {
		if (a->mate[i] == NONE)
			continue;
		show_mates(d, a->v[i], b->v[a->mate[i]]);
		for (unsigned k = i + 1; k < a->n && a->mate[k] == NONE; k++)
			show_all(d, '-', a->v[k]);
		show_new(d, b, a->mate[i] + 1);
	}
}

static void compare(struct diff *d, const struct item *a, unsigned n, const struct item *b,
		    unsigned m)
{
	struct list x = { 0 }, y = { 0 };
	bool ok = list_make(&x, a, n);

	ok = list_make(&y, b, m) && ok && pair_up(&x, &y) && keep_order(&x, &y);
	if (ok)
		show_lists(d, &x, &y);
	d->oom |= !ok;
	list_free(&x);
	list_free(&y);
}

int config_diff(const struct config *from, const struct config *to, FILE *out)
{
	struct side a = { 0 }, b = { 0 };
	struct diff d = { .out = out };

	if (side_read(from, &a) || side_read(to, &b))
		d.oom = true;
	else
		compare(&d, a.list, a.n, b.list, b.n);
	side_free(&a);
	side_free(&b);
	return d.oom ? -ENOMEM : d.differ;
}
