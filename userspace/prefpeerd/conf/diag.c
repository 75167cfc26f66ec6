// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/conf/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

char *conf_text(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

static bool diag_room(struct conf_diags *d)
{
	struct conf_diag *list;

	if (d->n >= CONF_DIAGS_MAX)
		return false;
	if (d->n && (d->n & (d->n - 1)))
		return true;
	list = reallocarray(d->list, d->n ? 2 * d->n : 1, sizeof(*list));
	if (!list)
		return false;
	d->list = list;
	return true;
}

void conf_diag(struct conf_diags *d, enum conf_severity severity, struct conf_pos pos, char *text,
	       char *hint)
{
	if (severity == CONF_ERROR)
		d->n_errors++;
	else if (severity == CONF_WARNING)
		d->n_warnings++;
	if (!text || !diag_room(d)) {
		free(text);
		free(hint);
		return;
	}
	d->list[d->n++] = (struct conf_diag){
		.severity = severity, .pos = pos, .text = text, .hint = hint};
}

struct conf_pos conf_pos_word(const struct line *ln, const struct word *w)
{
	return (struct conf_pos){ln->number, w->col, w->len};
}

static bool diag_after(const struct conf_diag *a, const struct conf_diag *b)
{
	if (a->pos.line != b->pos.line)
		return a->pos.line > b->pos.line;
	return a->pos.col > b->pos.col;
}

void conf_diags_sort(struct conf_diags *d)
{
	for (unsigned i = 1; i < d->n; i++) {
		struct conf_diag x = d->list[i];
		unsigned j = i;

		for (; j && diag_after(&d->list[j - 1], &x); j--)
			d->list[j] = d->list[j - 1];
		d->list[j] = x;
	}
}

void conf_diags_free(struct conf_diags *d)
{
	for (unsigned i = 0; i < d->n; i++) {
		free(d->list[i].text);
		free(d->list[i].hint);
	}
	free(d->list);
	*d = (struct conf_diags){0};
}

/* ---- printing ---- */

/* IOS's own messages begin with "% " and may be folded; beside a place neither helps. */
static void print_sentence(const char *s, FILE *out)
{
	if (!strncmp(s, "% NOTE: ", 8))
		s += 8;
	else if (!strncmp(s, "% ", 2))
		s += 2;
	while (*s) {
		if (*s == '\n') {
			fputc(' ', out);
			s += 1 + strspn(s + 1, " ");
		} else {
			fputc(*s++, out);
		}
	}
}

/* The text is walked once: diagnostics are in file order. */
struct source {
	struct lexer lexer;
	struct line line;
};

static bool find_line(struct source *src, unsigned number)
{
	while (src->line.number < number)
		if (!lex_line(&src->lexer, &src->line))
			return false;
	return number && src->line.number == number;
}

/* Words that may be shown of a line with a key; what follows `address` is shown too. */
static bool word_is_harmless(const struct line *ln, unsigned i)
{
	static const char *const harmless[] = {"crypto",  "isakmp", "key",	"pre-shared-key",
					       "address", "ipv6",   "hostname", "no",
					       "0",	  "6",	     "enable",	"secret"};

	for (unsigned k = 0; k < sizeof(harmless) / sizeof(*harmless); k++)
		if (word_is(&ln->w[i], harmless[k]))
			return true;
	for (unsigned k = i > 3 ? i - 3 : 0; k < i; k++)
		if (word_is(&ln->w[k], "address"))
			return true;
	return false;
}

static bool line_has_secret(const struct line *ln)
{
	for (unsigned i = 0; i < ln->n; i++) {
		if (ln->w[i].len >= 6 && !strncasecmp(ln->w[i].s, "pre-sh", 6))
			return true;
		/* Of a trustpoint: a path. */
		if (i <= 1 && word_is(&ln->w[i], "key") && i + 1 < ln->n &&
		    word_is(&ln->w[i + 1], "file"))
			return false;
		if (!i && word_is(&ln->w[i], "enable"))
			return true;
		if (word_is(&ln->w[i], "isakmp") || word_is(&ln->w[i], "key"))
			return !(i + 1 < ln->n && word_is(&ln->w[i + 1], "keepalive"));
	}
	return false;
}

/* The line as it is, but for secrets, which become asterisks. */
static void print_source(const struct line *ln, FILE *out)
{
	bool secret = line_has_secret(ln);
	unsigned at = 0;

	for (unsigned i = 0; i < ln->n && secret; i++) {
		unsigned start = ln->w[i].col - 1;

		if (word_is_harmless(ln, i))
			continue;
		fwrite(ln->s + at, 1, start - at, out);
		for (unsigned k = 0; k < ln->w[i].len; k++)
			fputc('*', out);
		at = start + ln->w[i].len;
	}
	if (secret && ln->total > ln->n)
		return;
	for (; at < ln->len; at++)
		fputc((unsigned char)ln->s[at] < 0x20 && ln->s[at] != '\t' ? '?' : ln->s[at], out);
}

static bool is_utf8_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static void print_caret(const struct line *ln, const struct conf_pos *pos, FILE *out)
{
	unsigned start = pos->col - 1, end = start + (pos->len ? pos->len : 1);

	for (unsigned i = 0; i < start && i < ln->len; i++)
		if (!is_utf8_tail(ln->s[i]))
			fputc(ln->s[i] == '\t' ? '\t' : ' ', out);
	fputc('^', out);
	for (unsigned i = start + 1; i < end && i < ln->len; i++)
		if (!is_utf8_tail(ln->s[i]))
			fputc('~', out);
}

static void print_place(const struct conf_diag *g, struct source *src, FILE *out)
{
	if (!g->pos.col || !find_line(src, g->pos.line))
		return;
	fprintf(out, "%5u | ", g->pos.line);
	print_source(&src->line, out);
	fputs("\n      | ", out);
	print_caret(&src->line, &g->pos, out);
	fputc('\n', out);
}

static void print_one(const struct conf_diag *g, const char *path, struct source *src, FILE *out)
{
	static const char *const names[] = {"error", "warning", "note"};

	fputs(path, out);
	if (g->pos.line)
		fprintf(out, ":%u", g->pos.line);
	if (g->pos.line && g->pos.col)
		fprintf(out, ":%u", g->pos.col);
	fprintf(out, ": %s: ", names[g->severity]);
	print_sentence(g->text, out);
	fputc('\n', out);
	print_place(g, src, out);
	if (g->hint)
		fprintf(out, "      %s\n", g->hint);
}

void conf_diags_print(const struct conf_diags *d, const char *path, const char *text, FILE *out)
{
	struct source src = {0};

	lex_init(&src.lexer, text ? text : "", text ? strlen(text) : 0);
	for (unsigned i = 0; i < d->n; i++)
		print_one(&d->list[i], path, &src, out);
	if (d->n >= CONF_DIAGS_MAX)
		fprintf(out, "%s: further diagnostics are not shown\n", path);
	if (d->n_errors || d->n_warnings)
		fprintf(out, "%u error%s, %u warning%s\n", d->n_errors, d->n_errors == 1 ? "" : "s",
			d->n_warnings, d->n_warnings == 1 ? "" : "s");
}
