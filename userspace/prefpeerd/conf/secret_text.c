// SPDX-License-Identifier: GPL-2.0-or-later
/* A configuration as text in memory. What stdio would leave behind as it grows holds keys. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/conf/config.h"

#define FIRST_ROOM 4096

struct sink {
	char *buf;
	size_t len, room;
};

static bool sink_grow(struct sink *s, size_t need)
{
	size_t room = s->room ? s->room : FIRST_ROOM;
	char *buf;

	while (room < need)
		room *= 2;
	if (room == s->room)
		return true;
	buf = malloc(room);
	if (!buf)
		return false;
	if (s->len)
		memcpy(buf, s->buf, s->len);
	if (s->buf)
		explicit_bzero(s->buf, s->room);
	free(s->buf);
	s->buf = buf;
	s->room = room;
	return true;
}

static ssize_t sink_write(void *cookie, const char *data, size_t n)
{
	struct sink *s = cookie;

	if (!sink_grow(s, s->len + n + 1))
		return 0;
	memcpy(s->buf + s->len, data, n);
	s->len += n;
	return (ssize_t)n;
}

int config_text(const struct config *c, bool secrets, struct conf_text *out)
{
	static const cookie_io_functions_t io = { .write = sink_write };
	struct sink s = { 0 };
	char buf[FIRST_ROOM];
	FILE *f = fopencookie(&s, "w", io);
	bool failed;

	*out = (struct conf_text){ 0 };
	if (!f)
		return -ENOMEM;
	setvbuf(f, buf, _IOFBF, sizeof(buf));
	if (secrets)
		config_write(c, f);
	else
		config_print(c, f);
	failed = fflush(f) || ferror(f);
	failed |= fclose(f) != 0;
	explicit_bzero(buf, sizeof(buf));
	if (!failed && sink_grow(&s, s.len + 1)) {
		s.buf[s.len] = '\0';
		*out = (struct conf_text){ s.buf, s.len };
		return 0;
	}
	if (s.buf)
		explicit_bzero(s.buf, s.room);
	free(s.buf);
	return -ENOMEM;
}
