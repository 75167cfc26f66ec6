// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Below PIPE_BUF: a pipe that polls writable takes such a line whole, at once. */
#define LINE_MAX_BYTES 2048
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* The log is the process's standard error, hence one per process. */
static struct {
	enum log_level threshold;
	bool journal; /* the journal reads: it has the time, and wants the level */
	uint64_t dropped;
	int fields; /* socket to the journal; -1: lines it is */
} logger = { .threshold = LOG_LVL_NOTICE, .fields = -1 };

void log_init(enum log_level threshold)
{
	logger.threshold = threshold;
	logger.journal = getenv("JOURNAL_STREAM") != NULL;
	if (logger.journal && logger.fields < 0)
		log_journal_open(JOURNAL_SOCKET);
}

uint64_t log_dropped(void)
{
	return logger.dropped;
}

/* sd-daemon(3) levels: 3 err, 4 warning, 5 notice, 6 info, 7 debug. */
static int print_head(enum log_level level, const char *area, char *buf, size_t size)
{
	static const char *const words[] = { "error: ", "warning: ", "", "", "" };
	struct timespec ts;
	struct tm tm;

	if (logger.journal)
		return snprintf(buf, size, "<%d>%s: ", 3 + (int)level, area);
	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	return snprintf(buf, size, "%02d:%02d:%02d.%03ld %s: %s", tm.tm_hour, tm.tm_min, tm.tm_sec,
			ts.tv_nsec / 1000000, area, words[level]);
}

/* What came from the wire may hold anything: one entry stays one line. */
static void blank_controls(char *p, size_t n)
{
	for (; n; n--, p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
}

/* Standard error is shared with other processes, so O_NONBLOCK is not ours to set. */
static bool write_now(const char *p, size_t n)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t r;

	r = send(STDERR_FILENO, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (r < 0 && errno == ENOTSOCK) {
		if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT))
			return false;
		r = write(STDERR_FILENO, p, n);
	}
	return r == (ssize_t)n;
}

void log_line(enum log_level level, const char *area, const char *fmt, ...)
{
	char buf[LINE_MAX_BYTES];
	int saved = errno;
	va_list ap;
	int n, m;

	if (level > logger.threshold)
		return;
	n = print_head(level, area, buf, sizeof(buf));
	if (n < 0 || n >= LINE_MAX_BYTES)
		n = 0;
	va_start(ap, fmt);
	m = vsnprintf(buf + n, sizeof(buf) - (size_t)n, fmt, ap);
	va_end(ap);
	n = m < 0 ? n : n + m;
	if (n > LINE_MAX_BYTES - 1)
		n = LINE_MAX_BYTES - 1;
	blank_controls(buf, (size_t)n);
	buf[n] = '\n'; /* in place of the final zero */
	if (!write_now(buf, (size_t)n + 1))
		logger.dropped++;
	errno = saved;
}

/* ---- fields ------------------------------------------------------------------ */

/*
 * systemd's native protocol (journal-native-protocol(7)), "NAME=value" lines in a datagram.
 * sd_journal_send(3) would wait for a journal that does not read.
 */
int log_journal_open(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	strcpy(un.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&un, sizeof(un))) {
		int err = -errno;

		close(fd);
		return err;
	}
	if (logger.fields >= 0)
		close(logger.fields);
	logger.fields = fd;
	return 0;
}

/* False: it did not fit. */
static bool put_field(char *buf, size_t size, size_t *at, const char *name, const char *value)
{
	int n = snprintf(buf + *at, size - *at, "%s=%s\n", name, value);

	if (n < 0 || (size_t)n >= size - *at)
		return false;
	blank_controls(buf + *at, (size_t)n - 1);
	*at += (size_t)n;
	return true;
}

/* A journal that was started anew has another socket of that name. */
static bool send_fields(const char *buf, size_t len)
{
	if (send(logger.fields, buf, len, MSG_NOSIGNAL) == (ssize_t)len)
		return true;
	return (errno == ECONNREFUSED || errno == ENOTCONN) && !log_journal_open(JOURNAL_SOCKET) &&
	       send(logger.fields, buf, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool journal_takes(enum log_level level, const char *area, const struct log_field *fields,
			  const char *text)
{
	char buf[3 * LINE_MAX_BYTES], message[2 * LINE_MAX_BYTES], priority[4];
	size_t at = 0;
	bool fits;

	if (logger.fields < 0)
		return false;
	snprintf(message, sizeof(message), "%s: %s", area, text);
	snprintf(priority, sizeof(priority), "%d", 3 + (int)level);
	fits = put_field(buf, sizeof(buf), &at, "MESSAGE", message) &&
	       put_field(buf, sizeof(buf), &at, "PRIORITY", priority) &&
	       put_field(buf, sizeof(buf), &at, "SYSLOG_IDENTIFIER", program_invocation_short_name);
	for (; fits && fields->name; fields++)
		fits = !fields->value ||
		       put_field(buf, sizeof(buf), &at, fields->name, fields->value);
	return fits && send_fields(buf, at);
}

void log_fields(enum log_level level, const char *area, const struct log_field *fields,
		const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;
	va_list ap;

	if (level > logger.threshold)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!journal_takes(level, area, fields, text))
		log_line(level, area, "%s", text);
	errno = saved;
}
