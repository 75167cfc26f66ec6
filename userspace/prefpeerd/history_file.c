// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prefpeerd/history_file.h"

struct history_file {
	int dir, fd;
	char now[NAME_MAX + 1], before[NAME_MAX + 1];
	off_t size;
	bool torn; /* its last line has no end */
};

/* No copy's name (lastgood.h), and no other configuration's. */
static int names_for(const char *name, struct history_file *f)
{
	int a = snprintf(f->now, sizeof(f->now), "%%%%history%s", name);
	int b = snprintf(f->before, sizeof(f->before), "%%%%history-before%s", name);

	return (size_t)a < sizeof(f->now) && (size_t)b < sizeof(f->before) ? 0 : -ENAMETOOLONG;
}

/* Where the last run ended in the middle of a line the next one begins anew. */
static bool ends_torn(const struct history_file *f)
{
	char last = '\n';

	return f->size && (pread(f->fd, &last, 1, f->size - 1) != 1 || last != '\n');
}

static int open_now(struct history_file *f)
{
	struct stat st;

	f->fd = openat(f->dir, f->now, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0)
		return -errno;
	if (fstat(f->fd, &st) || !S_ISREG(st.st_mode)) {
		close(f->fd);
		f->fd = -1;
		return -EINVAL;
	}
	f->size = st.st_size;
	f->torn = ends_torn(f);
	return 0;
}

int history_file_open(int dir, const char *name, struct history_file **out)
{
	struct history_file *f = calloc(1, sizeof(*f));
	int err;

	*out = NULL;
	if (!f)
		return -ENOMEM;
	f->dir = dir;
	f->fd = -1;
	err = names_for(name, f);
	if (!err)
		err = open_now(f);
	if (err)
		history_file_close(f);
	else
		*out = f;
	return err;
}

void history_file_close(struct history_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

/* ---- reading ------------------------------------------------------------- */

static unsigned read_line(const char *line, size_t len, history_file_fn fn, void *ctx)
{
	json_t *event = len ? json_loadb(line, len, 0, NULL) : NULL;

	if (!len)
		return 0;
	if (!json_is_object(event)) {
		json_decref(event);
		return 1;
	}
	fn(ctx, event);
	json_decref(event);
	return 0;
}

/* @len bytes; what stands behind the last line feed is no line. */
static unsigned read_lines(const char *text, size_t len, history_file_fn fn, void *ctx)
{
	const char *at = text, *end = text + len, *feed;
	unsigned bad = 0;

	while (at < end && (feed = memchr(at, '\n', (size_t)(end - at)))) {
		bad += read_line(at, (size_t)(feed - at), fn, ctx);
		at = feed + 1;
	}
	return bad + (at < end);
}

static ssize_t read_whole(int fd, char *buf, size_t room)
{
	size_t n = 0;
	ssize_t got;

	while (n < room && (got = pread(fd, buf + n, room - n, (off_t)n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

static unsigned read_file(int fd, history_file_fn fn, void *ctx)
{
	char *buf = malloc(HISTORY_FILE_BYTES + HISTORY_LINE_MAX);
	unsigned bad = 0;
	ssize_t n;

	if (!buf)
		return 0;
	n = read_whole(fd, buf, HISTORY_FILE_BYTES + HISTORY_LINE_MAX);
	if (n > 0)
		bad = read_lines(buf, (size_t)n, fn, ctx);
	free(buf);
	return bad;
}

unsigned history_file_read(struct history_file *f, history_file_fn fn, void *ctx)
{
	int fd = openat(f->dir, f->before, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	unsigned bad = 0;

	if (fd >= 0) {
		bad = read_file(fd, fn, ctx);
		close(fd);
	}
	return bad + read_file(f->fd, fn, ctx);
}

/* ---- writing ------------------------------------------------------------- */

/* What is full is safe on disk before it becomes the older of the two. */
static int turn(struct history_file *f)
{
	int err;

	if (fsync(f->fd) || renameat(f->dir, f->now, f->dir, f->before))
		return -errno;
	close(f->fd);
	f->fd = -1;
	err = open_now(f);
	return err;
}

int history_file_add(struct history_file *f, const json_t *event)
{
	char line[HISTORY_LINE_MAX];
	size_t at = 1, n;
	ssize_t put;
	int err;

	if (f->fd < 0 || f->size >= HISTORY_FILE_BYTES) {
		err = f->fd < 0 ? open_now(f) : turn(f);
		if (err)
			return err;
	}
	line[0] = '\n';
	n = json_dumpb(event, line + 1, sizeof(line) - 2, JSON_COMPACT);
	if (!n || n > sizeof(line) - 2)
		return -E2BIG;
	line[++n] = '\n';
	n++;
	if (f->torn)
		at = 0;
	put = write(f->fd, line + at, n - at);
	if (put < 0)
		return -errno;
	f->size += put;
	f->torn = (size_t)put < n - at;
	return f->torn ? -ENOSPC : 0;
}
