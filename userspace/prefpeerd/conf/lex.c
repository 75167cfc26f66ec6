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

/* RFC 3629 §4: bytes of the character at s, 0 where none begins. */
static unsigned utf8_len(const unsigned char *s, size_t room)
{
	unsigned char low = 0x80, high = 0xbf;
	unsigned n;

	if (*s < 0x80)
		return 1;
	if (*s < 0xc2 || *s > 0xf4)
		return 0;
	n = *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
	if (n > room)
		return 0;
	/* Neither longer than need be, nor a surrogate, nor above U+10FFFF. */
	if (*s == 0xe0)
		low = 0xa0;
	else if (*s == 0xed)
		high = 0x9f;
	else if (*s == 0xf0)
		low = 0x90;
	else if (*s == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (unsigned i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Names go into JSON, which holds UTF-8 only. A comment may be written as it likes. */
static unsigned find_not_utf8(const struct line *ln)
{
	for (unsigned w = 0; w < ln->n; w++) {
		const unsigned char *s = (const unsigned char *)ln->w[w].s;

		for (unsigned i = 0, n; i < ln->w[w].len; i += n) {
			n = utf8_len(s + i, ln->w[w].len - i);
			if (!n)
				return ln->w[w].col + i;
		}
	}
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
	if (!out->bad_col)
		out->bad_col = find_not_utf8(out);
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
