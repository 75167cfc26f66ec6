// SPDX-License-Identifier: GPL-2.0-or-later
/* Text: aligned tables, colour on a terminal only, words for numbers. */
#include <netinet/in.h>
#include <linux/xfrm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "prefpeer/cli.h"

/* ---- words --------------------------------------------------------------- */

static const char *word_of(uint8_t v, const char *const *names, size_t n, char *buf)
{
	if (v < n && names[v])
		return names[v];
	snprintf(buf, WORD_STRLEN, "%u", v);
	return buf;
}

#define WORD_OF(v, names, buf) word_of(v, names, sizeof(names) / sizeof((names)[0]), buf)

const char *proto_text(uint8_t proto, char *buf)
{
	static const char *const names[] = { [IPPROTO_ESP] = "esp", [IPPROTO_AH] = "ah" };

	return WORD_OF(proto, names, buf);
}

const char *dir_text(uint8_t dir, char *buf)
{
	static const char *const names[] = { "unknown", "in", "out" };

	return WORD_OF(dir, names, buf);
}

const char *state_text(uint8_t state, char *buf)
{
	static const char *const names[] = { "active", "idle" };

	return WORD_OF(state, names, buf);
}

const char *reason_text(uint8_t reason, char *buf)
{
	static const char *const names[] = { "none",	"deleted",  "expired",
					     "flushed", "vanished", "limit" };

	return WORD_OF(reason, names, buf);
}

const char *source_text(uint8_t source, char *buf)
{
	static const char *const names[] = { "none", "rule", "sa" };

	return WORD_OF(source, names, buf);
}

const char *mode_text(uint8_t mode, char *buf)
{
	static const char *const names[] = {
		[XFRM_MODE_TRANSPORT] = "transport",
		[XFRM_MODE_TUNNEL] = "tunnel",
		[XFRM_MODE_BEET] = "beet",
	};

	return WORD_OF(mode, names, buf);
}

const char *flag_name(unsigned bit)
{
	static const char *const names[] = { "lastused", "offload", "fine", "one-sided",
					     "unjudgeable" };

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}

const char *meta_flag_name(unsigned bit)
{
	static const char *const names[] = { "default", "expire" };

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}

/* ---- short texts, appended ----------------------------------------------- */

static void append(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* With a blank before, unless it is the first. */
static void append(char *buf, size_t size, const char *fmt, ...)
{
	size_t at = strlen(buf);
	va_list ap;

	if (at && at + 1 < size) {
		buf[at++] = ' ';
		buf[at] = '\0';
	}
	va_start(ap, fmt);
	vsnprintf(buf + at, size - at, fmt, ap);
	va_end(ap);
}

static void append_flags(char *buf, size_t size, uint32_t flags, const char *(*name)(unsigned))
{
	for (unsigned bit = 0; bit < 32; bit++) {
		if (!(flags & 1u << bit))
			continue;
		if (name(bit))
			append(buf, size, "%s", name(bit));
		else
			append(buf, size, "0x%x", 1u << bit);
	}
}

const char *flags_text(uint32_t flags, char *buf, size_t size)
{
	*buf = '\0';
	append_flags(buf, size, flags, flag_name);
	return buf;
}

const char *meta_text(const struct pp_meta *m, char *buf, size_t size)
{
	*buf = '\0';
	if (PP_HAS(m, PREFPEER_A_META_MAP))
		append(buf, size, "%s", m->map);
	if (PP_HAS(m, PREFPEER_A_META_MAP_SEQ))
		append(buf, size, "%u", m->map_seq);
	if (PP_HAS(m, PREFPEER_A_META_INDEX))
		append(buf, size, "#%u", m->index);
	append_flags(buf, size, m->flags, meta_flag_name);
	/* The agent's own is nothing that a person needs to compare. */
	if (PP_HAS(m, PREFPEER_A_META_COOKIE) && m->cookie != PP_COOKIE_AGENT)
		append(buf, size, "cookie 0x%llx", (unsigned long long)m->cookie);
	return buf;
}

const char *unknown_text(const struct pp_attrs *a, char *buf, size_t size)
{
	*buf = '\0';
	for (unsigned i = 0; i < a->n_unknown && i < PP_UNKNOWN_MAX; i++) {
		const struct pp_unknown *u = &a->unknown[i];
		char hex[2 * sizeof(u->data) + 1] = "";

		for (unsigned b = 0; b < u->len && b < sizeof(u->data); b++)
			snprintf(hex + 2 * b, 3, "%02x", u->data[b]);
		append(buf, size, "attr%u=%s", u->type, hex);
	}
	return buf;
}

/* ---- time and size ------------------------------------------------------- */

const char *dur_print(uint64_t ms, char *buf)
{
	if (ms < 10000)
		snprintf(buf, DUR_STRLEN, "%u.%u s", (unsigned)(ms / 1000),
			 (unsigned)(ms % 1000 / 100));
	else if (ms < 300 * 1000)
		snprintf(buf, DUR_STRLEN, "%u s", (unsigned)(ms / 1000));
	else if (ms < 120 * 60000)
		snprintf(buf, DUR_STRLEN, "%u min", (unsigned)(ms / 60000));
	else if (ms < 48ull * 3600000)
		snprintf(buf, DUR_STRLEN, "%u h", (unsigned)(ms / 3600000));
	else
		snprintf(buf, DUR_STRLEN, "%llu d", (unsigned long long)(ms / 86400000));
	return buf;
}

const char *setting_print(uint32_t ms, char *buf)
{
	if (!ms)
		snprintf(buf, DUR_STRLEN, "off");
	else if (ms % 1000)
		snprintf(buf, DUR_STRLEN, "%u ms", ms);
	else
		snprintf(buf, DUR_STRLEN, "%u s", ms / 1000);
	return buf;
}

const char *clock_print(uint64_t ms, char *buf)
{
	unsigned long long s = ms / 1000;
	char days[12] = "";

	if (s >= 86400)
		snprintf(days, sizeof(days), "%ud ", (unsigned)(s / 86400));
	snprintf(buf, DUR_STRLEN, "%s%02u:%02u:%02u", days, (unsigned)(s / 3600 % 24),
		 (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	return buf;
}

const char *bytes_print(uint64_t n, char *buf)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	uint64_t tenths = 0;
	unsigned u = 0;

	while (n >= 1000 && u < 6) {
		tenths = n % 1000 / 100;
		n /= 1000;
		u++;
	}
	if (u && n < 10)
		snprintf(buf, DUR_STRLEN, "%u.%u %s", (unsigned)n, (unsigned)tenths, units[u]);
	else
		snprintf(buf, DUR_STRLEN, "%u %s", (unsigned)n, units[u]);
	return buf;
}

uint64_t boot_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Boottime has no date: what has passed since then is taken off the wall clock. */
static struct tm wall(uint64_t boot_ns, unsigned *ms)
{
	uint64_t now = boot_now_ns(), ago = boot_ns && boot_ns < now ? now - boot_ns : 0, ns;
	struct timespec ts;
	struct tm tm;
	time_t s;

	clock_gettime(CLOCK_REALTIME, &ts);
	ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	ns = ago < ns ? ns - ago : 0;
	s = (time_t)(ns / 1000000000u);
	*ms = (unsigned)(ns % 1000000000u / 1000000);
	localtime_r(&s, &tm);
	return tm;
}

const char *time_of_day(uint64_t boot_ns, char *buf)
{
	unsigned ms;
	struct tm tm = wall(boot_ns, &ms);

	snprintf(buf, DUR_STRLEN, "%02u:%02u:%02u.%03u", (unsigned)tm.tm_hour % 24,
		 (unsigned)tm.tm_min % 60, (unsigned)tm.tm_sec % 61, ms % 1000);
	return buf;
}

const char *time_iso(uint64_t boot_ns, char *buf, size_t size)
{
	char date[40], zone[16];
	unsigned ms;
	struct tm tm = wall(boot_ns, &ms);

	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(buf, size, "%s.%03u%s", date, ms % 1000, zone);
	return buf;
}

const char *event_time(const struct cli *cli, uint64_t boot_ns, char *buf, size_t size)
{
	char tod[DUR_STRLEN];

	if (cli->opts & OPT_TIMESTAMP)
		return time_iso(boot_ns, buf, size);
	snprintf(buf, size, "%s", time_of_day(boot_ns, tod));
	return buf;
}

/* ---- colour -------------------------------------------------------------- */

static const char *tone_code(enum tone tone)
{
	static const char *const codes[] = {
		[TONE_PLAIN] = "",	 [TONE_HEAD] = "\033[1m",  [TONE_GOOD] = "\033[32m",
		[TONE_BAD] = "\033[31m", [TONE_WARN] = "\033[33m", [TONE_ADDR] = "\033[36m",
	};

	return codes[tone];
}

const char *toned(const struct cli *cli, enum tone tone, const char *text, char *buf, size_t size)
{
	bool on = cli->color && tone != TONE_PLAIN;

	snprintf(buf, size, "%s%s%s", on ? tone_code(tone) : "", text, on ? "\033[0m" : "");
	return buf;
}

/* ---- tables -------------------------------------------------------------- */

#define TABLE_COLS 20

struct cell {
	char *text;
	enum tone tone;
};

struct table {
	const char *const *heads;
	unsigned cols;
	struct cell *cells;
	size_t n, room;
};

struct table *table_new(const char *const *heads)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->heads = heads;
	while (heads[t->cols] && t->cols < TABLE_COLS)
		t->cols++;
	return t;
}

void table_cell(struct table *t, enum tone tone, const char *fmt, ...)
{
	struct cell c = { .tone = tone };
	va_list ap;
	int n;

	if (!t)
		return;
	if (t->n == t->room) {
		size_t room = t->room ? t->room * 2 : 128;
		struct cell *cells = realloc(t->cells, room * sizeof(*cells));

		if (!cells)
			return;
		t->cells = cells;
		t->room = room;
	}
	va_start(ap, fmt);
	n = vasprintf(&c.text, fmt, ap);
	va_end(ap);
	if (n < 0)
		c.text = NULL;
	t->cells[t->n++] = c;
}

/* Characters, not bytes: UTF-8 continuation bytes take no room. */
static unsigned width(const char *text)
{
	unsigned n = 0;

	for (; text && *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

/* 0 for a column without a single entry. */
static void measure(const struct table *t, unsigned *widths)
{
	for (size_t i = 0; i < t->n; i++) {
		unsigned w = width(t->cells[i].text), *to = &widths[i % t->cols];

		if (w > *to)
			*to = w;
	}
	for (unsigned c = 0; c < t->cols; c++)
		if (widths[c] && width(t->heads[c]) > widths[c])
			widths[c] = width(t->heads[c]);
}

/* No blanks at the end of a line. */
static void print_row(const struct cli *cli, const struct cell *cells, const unsigned *widths,
		      unsigned cols)
{
	char text[512];
	unsigned gap = 0;

	for (unsigned c = 0; c < cols; c++) {
		const char *raw = cells[c].text ? cells[c].text : "";

		if (!widths[c])
			continue;
		if (*raw)
			printf("%*s%s", (int)gap, "",
			       toned(cli, cells[c].tone, raw, text, sizeof(text)));
		gap = (*raw ? 0 : gap) + widths[c] - width(raw) + 2;
	}
	putchar('\n');
}

void table_print(const struct cli *cli, struct table *t)
{
	struct cell heads[TABLE_COLS];
	unsigned widths[TABLE_COLS] = { 0 };

	if (!t)
		return;
	measure(t, widths);
	for (unsigned c = 0; c < t->cols; c++)
		heads[c] = (struct cell){ (char *)t->heads[c], TONE_HEAD };
	if (t->n)
		print_row(cli, heads, widths, t->cols);
	for (size_t i = 0; i + t->cols <= t->n; i += t->cols)
		print_row(cli, &t->cells[i], widths, t->cols);
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}
