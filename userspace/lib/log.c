// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Below PIPE_BUF: a pipe that polls writable takes such a line whole, at once. */
#define LINE_MAX_BYTES 2048

/* The log is the process's standard error, hence one per process. */
static struct {
	enum log_level threshold;
	bool journal; /* the journal reads: it has the time, and wants the level */
	uint64_t dropped;
} logger = { .threshold = LOG_LVL_NOTICE };

void log_init(enum log_level threshold)
{
	logger.threshold = threshold;
	logger.journal = getenv("JOURNAL_STREAM") != NULL;
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
