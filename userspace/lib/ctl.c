// SPDX-License-Identifier: GPL-2.0-or-later
/* Control protocol: what both sides share, and the client. */
#include "lib/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/mono.h"

#define LINE_MAX_BYTES (64u << 20) /* of one reply: a bound, not a wish */

struct ctl_client {
	int fd;
	char *buf;
	size_t len, room;
	size_t scanned; /* no newline before it */
};

const char *ctl_path(const char *option)
{
	const char *env = getenv(CTL_PATH_ENV);

	if (option)
		return option;
	return env && *env ? env : CTL_PATH_DEFAULT;
}

json_t *ctl_ok(void)
{
	return json_pack("{s:b}", "ok", 1);
}

json_t *ctl_error(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return json_pack("{s:b, s:s+}", "ok", 0, "error", text, "");
}

/* ---- connecting ---------------------------------------------------------- */

int ctl_client_open(const char *path, struct ctl_client **out)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct ctl_client *c;
	int rc;

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	strcpy(un.sun_path, path);
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&un, sizeof(un)) ||
	    fcntl(c->fd, F_SETFL, O_NONBLOCK)) {
		rc = -errno;
		ctl_client_close(c);
		return rc;
	}
	*out = c;
	return 0;
}

void ctl_client_close(struct ctl_client *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c->buf);
	free(c);
}

int ctl_client_fd(const struct ctl_client *c)
{
	return c->fd;
}

/* ---- lines --------------------------------------------------------------- */

static int make_room(struct ctl_client *c)
{
	size_t room = c->room ? c->room * 2 : 16384;
	char *buf;

	if (c->len < c->room)
		return 0;
	if (room > LINE_MAX_BYTES)
		return -EPROTO;
	buf = realloc(c->buf, room);
	if (!buf)
		return -ENOMEM;
	c->buf = buf;
	c->room = room;
	return 0;
}

/* One read: >0 bytes, -EAGAIN, or another -errno; -ECONNRESET at the end. */
static int fill(struct ctl_client *c)
{
	ssize_t n;
	int rc = make_room(c);

	if (rc)
		return rc;
	n = read(c->fd, c->buf + c->len, c->room - c->len);
	if (n < 0)
		return -errno;
	if (!n)
		return -ECONNRESET;
	c->len += (size_t)n;
	return 1;
}

/* The next whole line as an object: 1 and *out, 0 when there is none yet, -EPROTO. */
static int next_object(struct ctl_client *c, json_t **out)
{
	char *nl =
		c->len > c->scanned ? memchr(c->buf + c->scanned, '\n', c->len - c->scanned) : NULL;
	size_t used;

	if (!nl) {
		c->scanned = c->len;
		return 0;
	}
	*out = json_loadb(c->buf, (size_t)(nl - c->buf), JSON_REJECT_DUPLICATES, NULL);
	used = (size_t)(nl - c->buf) + 1;
	memmove(c->buf, c->buf + used, c->len - used);
	c->len -= used;
	c->scanned = 0;
	if (json_is_object(*out))
		return 1;
	json_decref(*out);
	*out = NULL;
	return -EPROTO;
}

int ctl_client_read(struct ctl_client *c, ctl_line_fn fn, void *ctx)
{
	json_t *o;
	int rc, got;

	do {
		rc = fill(c);
		while ((got = next_object(c, &o)) > 0) {
			fn(ctx, o);
			json_decref(o);
		}
		if (got < 0)
			return got;
	} while (rc > 0 || rc == -EINTR);
	return rc == -EAGAIN ? 0 : rc;
}

/* ---- one request --------------------------------------------------------- */

static int wait_for(int fd, short events, mono_t deadline)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int64_t ms = mono_diff_ms(deadline, mono_now());
	int n = ms > 0 ? poll(&pfd, 1, (int)ms) : 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n ? 0 : -ETIMEDOUT;
}

/* Of @fd one copy goes with the first bytes; after that it is -1. */
static ssize_t send_some(struct ctl_client *c, const char *text, size_t len, int *fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (char *)text, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (*fd >= 0) {
		m.msg_control = control.buf;
		m.msg_controllen = sizeof(control.buf);
		CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), fd, sizeof(int));
	}
	n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	if (n > 0)
		*fd = -1;
	return n;
}

static int send_line(struct ctl_client *c, const json_t *request, int fd, mono_t deadline)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len, at = 0;
	int rc = 0;

	if (!text)
		return -ENOMEM;
	len = strlen(text);
	text[len++] = '\n'; /* in place of the final zero */
	while (!rc && at < len) {
		ssize_t n = send_some(c, text + at, len - at, &fd);

		if (n >= 0)
			at += (size_t)n;
		else if (errno == EAGAIN)
			rc = wait_for(c->fd, POLLOUT, deadline);
		else if (errno != EINTR)
			rc = errno == EPIPE ? -ECONNRESET : -errno;
	}
	free(text);
	return rc;
}

int ctl_client_send(struct ctl_client *c, const json_t *request, int timeout_ms)
{
	return send_line(c, request, -1, mono_add_ms(mono_now(), timeout_ms));
}

int ctl_client_request(struct ctl_client *c, const json_t *request, int timeout_ms, json_t **reply)
{
	return ctl_client_request_fd(c, request, -1, timeout_ms, reply);
}

int ctl_client_request_fd(struct ctl_client *c, const json_t *request, int fd, int timeout_ms,
			  json_t **reply)
{
	mono_t deadline = mono_add_ms(mono_now(), timeout_ms);
	int rc = send_line(c, request, fd, deadline);

	/* A server that refuses us answers and closes at once: read what it said. */
	if (rc && rc != -ECONNRESET)
		return rc;
	for (;;) {
		rc = next_object(c, reply);
		if (rc)
			return rc > 0 ? 0 : rc;
		rc = fill(c);
		if (rc == -EAGAIN)
			rc = wait_for(c->fd, POLLIN, deadline);
		if (rc < 0 && rc != -EINTR)
			return rc;
	}
}
