// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/conf/lex.h"

#include <string.h>
#include <strings.h>

void lex_init(struct lexer *l, const char *text, size_t len)
{
	*l = (struct lexer){.s = text, .end = text + len};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static void cut_words(struct line *ln)
{
	unsigned i = 0, start;

	while (i < ln->len) {
		if (is_blank(ln->s[i])) {
			i++;
			continue;
		}
		if (!ln->total && ln->s[i] == '!')
			return;
		start = i;
		while (i < ln->len && !is_blank(ln->s[i]))
			i++;
		if (ln->n < LEX_WORDS_MAX)
			ln->w[ln->n++] = (struct word){ln->s + start, i - start, start + 1};
		ln->total++;
	}
}

static unsigned find_control(const struct line *ln)
{
	for (unsigned i = 0; i < ln->len; i++)
		if (is_control(ln->s[i]))
			return i + 1;
	return 0;
}

bool lex_line(struct lexer *l, struct line *out)
{
	const char *nl;
	size_t len;

	if (l->s == l->end)
		return false;
	nl = memchr(l->s, '\n', (size_t)(l->end - l->s));
	len = (size_t)((nl ? nl : l->end) - l->s);
	*out = (struct line){.s = l->s, .len = (unsigned)len, .number = ++l->number};
	l->s = nl ? nl + 1 : l->end;
	if (out->len && out->s[out->len - 1] == '\r')
		out->len--;
	out->bad_col = find_control(out);
	cut_words(out);
	return true;
}

bool word_is(const struct word *w, const char *text)
{
	return strlen(text) == w->len && !strncasecmp(w->s, text, w->len);
}

bool word_equals(const struct word *w, const char *text)
{
	return strlen(text) == w->len && !memcmp(w->s, text, w->len);
}

bool word_copy(const struct word *w, char *buf, size_t size)
{
	size_t n = w->len < size ? w->len : size - 1;

	memcpy(buf, w->s, n);
	buf[n] = '\0';
	return n == w->len;
}
