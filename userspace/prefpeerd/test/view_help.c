/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prefpeerd/test/view_help.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "prefpeer/cli.h"
#include "prefpeerd/report.h"
#include "prefpeerd/report_conf.h"

#define KEPT 16384

static const struct cli plain = { 0 };
static char told[KEPT]; /* of the branch that was made last */

/* ---- what is printed ------------------------------------------------------- */

static int saved = -1;
static FILE *sink;

void view_capture(void)
{
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	sink = tmpfile();
	dup2(fileno(sink), STDOUT_FILENO);
}

void view_captured(char *buf, size_t size)
{
	size_t n;

	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(sink);
	n = fread(buf, 1, size - 1, sink);
	buf[n] = '\0';
	fclose(sink);
}

/* "in 0a1b2c3d" → "in SPI" */
static bool is_spi(const char *at, const char *from)
{
	bool named = (at - from >= 3 && !strncmp(at - 3, "in ", 3)) ||
		     (at - from >= 4 && !strncmp(at - 4, "out ", 4));

	return named && strspn(at, "0123456789abcdef") == 8;
}

/* One space for many, none at the end of a line. */
static void simplify(char *text)
{
	char *to = text;

	for (const char *c = text; *c; c++) {
		if (*c == ' ' && (to == text || to[-1] == ' ' || to[-1] == '\n'))
			continue;
		if (*c == '\n' && to > text && to[-1] == ' ')
			to--;
		*to++ = *c;
	}
	*to = '\0';
	for (char *c = text; *c; c++)
		if (is_spi(c, text)) {
			memcpy(c, "SPI", 3);
			memmove(c + 3, c + 8, strlen(c + 8) + 1);
		}
}

/* ---- events ---------------------------------------------------------------- */

static void tell(void *ctx, const struct entry_ntf *n)
{
	json_t *e = report_event(n);
	size_t at = strlen(told);
	char line[1024], *text;

	view_capture();
	text_agent_event(&plain, e);
	view_captured(line, sizeof(line));
	json_decref(e);
	text = strstr(line, "map ");
	assert_non_null(text);
	simplify(text);
	snprintf(told + at, sizeof(told) - at, "%s", text + strlen("map "));
}

struct branch *view_branch(const char *conf, unsigned n_hubs)
{
	struct branch *b = branch_new(conf, n_hubs);

	told[0] = '\0';
	b->tell = tell;
	return b;
}

void view_monitor(struct branch *b, const char *lines)
{
	if (getenv("VIEW_PRINT"))
		printf("--- monitor\n%s", told);
	if (strcmp(told, lines))
		fail_msg("read:\n%sinstead of:\n%s", told, lines);
	told[0] = '\0';
}

void view_skip(struct branch *b)
{
	told[0] = '\0';
}

/* ---- map show ---------------------------------------------------------------- */

json_t *view_maps(struct branch *b)
{
	json_t *maps = json_array(), *entry;
	struct entry_view v = { 0 };

	for (unsigned i = 0; !entries_view(b->entries, i, b->clock.now, &v); i++) {
		entry = report_entry(&v, b->clock.now);
		json_object_set_new(entry, "config", report_map_entry(b->conf, &v));
		json_array_append_new(maps, entry);
		entry_view_free(&v);
	}
	return maps;
}

struct listing {
	json_t *list;
	mono_t now;
};

static void add_session(void *ctx, const struct entry_session *s)
{
	struct listing *l = ctx;

	json_array_append_new(l->list, report_session(s, l->now));
}

json_t *view_sessions(struct branch *b)
{
	struct listing l = { json_array(), b->clock.now };

	entries_each_session(b->entries, add_session, &l);
	return l.list;
}

static void show(struct branch *b, char *buf, size_t size)
{
	json_t *maps = view_maps(b);

	view_capture();
	text_maps(&plain, maps);
	view_captured(buf, size);
	json_decref(maps);
	simplify(buf);
}

void view_shows(struct branch *b, const char *lines)
{
	char all[8192] = "\n", line[512];
	const char *at = all;

	show(b, all + 1, sizeof(all) - 1);
	if (getenv("VIEW_PRINT"))
		printf("--- map show%s", all);
	for (const char *l = lines; *l; l = strchr(l, '\n') + 1) {
		snprintf(line, sizeof(line), "\n%.*s\n", (int)strcspn(l, "\n"), l);
		at = strstr(at, line);
		if (!at)
			fail_msg("\"%.*s\" is not in:%s", (int)strcspn(l, "\n"), l, all);
	}
}
