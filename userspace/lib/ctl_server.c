// SPDX-License-Identifier: GPL-2.0-or-later
/* Control protocol: the server. One struct conn per client, freed in conn_free() only. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/ctl.h"

#define DRAIN_S 10 /* how long a client that was cut may take for its last bytes */

/*
 * The bufferevent writes; reading is done here, since what comes beside the bytes is
 * lost to it: a descriptor.
 */
struct conn {
	LIST_ENTRY(conn) link;
	struct ctl_server *server;
	struct bufferevent *bev;
	struct event *readable;
	struct evbuffer *in;
	int fd;	     /* the socket, the bufferevent's */
	int lent;    /* a descriptor that came, and that no request has taken; -1 */
	bool monitor;
	unsigned topics; /* subscribed to */
	bool closing; /* nothing is added any more; goes when it has been written */
};

struct ctl_server {
	struct event_base *base;
	struct evconnlistener *listener;
	ctl_request_fn fn;
	void *ctx;
	LIST_HEAD(, conn) conns;
	unsigned n_conns;
	struct conn *asking; /* whose request is being answered */
	unsigned topics;     /* of all of them: looked at for every message */
};

static void count_topics(struct ctl_server *s)
{
	struct conn *c;

	s->topics = 0;
	LIST_FOREACH(c, &s->conns, link)
	if (!c->closing)
		s->topics |= c->topics;
}

static void conn_free(struct conn *c)
{
	LIST_REMOVE(c, link);
	c->server->n_conns--;
	count_topics(c->server);
	if (c->lent >= 0)
		close(c->lent);
	event_free(c->readable);
	bufferevent_free(c->bev);
	evbuffer_free(c->in);
	free(c);
}

static size_t backlog(const struct conn *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

/* ---- writing ------------------------------------------------------------- */

static void put_line(struct conn *c, const json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	if (text) {
		text[len] = '\n'; /* in place of the final zero */
		bufferevent_write(c->bev, text, len + 1);
	}
	free(text);
}

/* Let it have what is queued, then close; on_written() does. */
static void conn_end(struct conn *c)
{
	struct timeval drain = { .tv_sec = DRAIN_S };

	c->closing = true;
	count_topics(c->server);
	event_del(c->readable);
	bufferevent_set_timeouts(c->bev, NULL, &drain);
}

static void conn_cut(struct conn *c)
{
	static const char lost[] = "{\"event\":\"lost\"}\n";

	bufferevent_write(c->bev, lost, sizeof(lost) - 1);
	conn_end(c);
}

static void conn_send(struct conn *c, const json_t *o)
{
	if (c->closing)
		return;
	if (backlog(c) > CTL_BACKLOG_MAX)
		conn_cut(c);
	else
		put_line(c, o);
}

/* Takes over @reply. */
static void conn_reply(struct conn *c, json_t *reply)
{
	static const char oom[] = "{\"ok\":false,\"error\":\"out of memory\"}\n";

	if (reply)
		conn_send(c, reply);
	else if (!c->closing)
		bufferevent_write(c->bev, oom, sizeof(oom) - 1);
	json_decref(reply);
}

/* ---- requests ------------------------------------------------------------ */

static json_t *answer(struct conn *c, const char *line, size_t len)
{
	json_error_t error;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error), *reply;
	const char *cmd = json_string_value(json_object_get(request, "cmd"));

	if (!request) {
		reply = ctl_error("request is not JSON: %s", error.text);
	} else if (!cmd) {
		reply = ctl_error("request must be an object with a string \"cmd\"");
	} else if (!strcmp(cmd, "monitor")) {
		c->monitor = true;
		reply = ctl_ok();
	} else {
		c->server->asking = c;
		reply = c->server->fn(c->server->ctx, cmd, request);
		c->server->asking = NULL;
	}
	json_decref(request);
	return reply;
}

int ctl_server_take_fd(struct ctl_server *s)
{
	int fd = s->asking ? s->asking->lent : -1;

	if (fd >= 0)
		s->asking->lent = -1;
	return fd;
}

int ctl_server_peer(const struct ctl_server *s, uid_t *uid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (!s->asking)
		return -EINVAL;
	if (getsockopt(s->asking->fd, SOL_SOCKET, SO_PEERCRED, &who, &len))
		return -errno;
	*uid = who.uid;
	return 0;
}

static void answer_all(struct conn *c)
{
	size_t len;
	char *line;

	while (!c->closing && (line = evbuffer_readln(c->in, &len, EVBUFFER_EOL_LF))) {
		conn_reply(c, answer(c, line, len));
		free(line);
	}
	if (!c->closing && evbuffer_get_length(c->in) >= CTL_REQUEST_MAX) {
		conn_reply(c, ctl_error("request is longer than %d bytes", CTL_REQUEST_MAX));
		conn_end(c);
	}
}

/* The last one counts; none is left open that nobody asked for. */
static void keep_lent(struct conn *c, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= h->cmsg_len; i++) {
			if (c->lent >= 0)
				close(c->lent);
			memcpy(&c->lent, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
		}
	}
}

#define READ_SIZE 16384
#define LENT_MAX 4 /* the kernel closes what does not fit */

static ssize_t conn_recv(struct conn *c)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(LENT_MAX * sizeof(int))];
	} control;
	char buf[READ_SIZE];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			    .msg_controllen = sizeof(control.buf) };
	ssize_t n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno;
	keep_lent(c, &m);
	if (n > 0 && evbuffer_add(c->in, buf, (size_t)n))
		return -ENOMEM;
	return n;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	ssize_t n = conn_recv(c);

	if (n > 0)
		answer_all(c);
	else if (!n && backlog(c) && !c->monitor && !c->topics)
		conn_end(c); /* half-closed by `socat`, `nc -N`: the answers still go out */
	else if (n != -EAGAIN)
		conn_free(c);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	if (c->closing && !backlog(c))
		conn_free(c);
}

/* Of writing: the client is gone, or did not take its last bytes in time. */
static void on_event(struct bufferevent *bev, short what, void *arg)
{
	conn_free(arg);
}

/* ---- clients come -------------------------------------------------------- */

/* NULL: no memory, and @fd is as it was. */
static struct conn *conn_new(struct ctl_server *s, evutil_socket_t fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->server = s;
	c->fd = fd;
	c->lent = -1;
	c->in = evbuffer_new();
	c->readable = event_new(s->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	if (c->in && c->readable)
		c->bev = bufferevent_socket_new(s->base, fd,
						BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (c->bev) {
		LIST_INSERT_HEAD(&s->conns, c, link);
		return c;
	}
	if (c->readable)
		event_free(c->readable);
	if (c->in)
		evbuffer_free(c->in);
	free(c);
	return NULL;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
		      int len, void *arg)
{
	struct ctl_server *s = arg;
	struct conn *c = conn_new(s, fd);

	if (!c) {
		close(fd);
		return;
	}
	bufferevent_setcb(c->bev, NULL, on_written, on_event, c);
	bufferevent_enable(c->bev, EV_WRITE);
	if (s->n_conns++ < CTL_CLIENTS_MAX) {
		event_add(c->readable, NULL);
		return;
	}
	conn_reply(c, ctl_error("%d control clients are connected already", CTL_CLIENTS_MAX));
	conn_end(c);
}

/* Only -EMFILE and the like reach this: the client stays in the queue. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
}

int ctl_server_new(struct event_base *base, int fd, ctl_request_fn fn, void *ctx,
		   struct ctl_server **out)
{
	struct ctl_server *s = calloc(1, sizeof(*s));

	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	*s = (struct ctl_server){ .base = base, .fn = fn, .ctx = ctx };
	LIST_INIT(&s->conns);
	s->listener = evconnlistener_new(base, on_accept, s,
					 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!s->listener) {
		close(fd);
		free(s);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	*out = s;
	return 0;
}

void ctl_server_free(struct ctl_server *s)
{
	struct conn *c;

	if (!s)
		return;
	while ((c = LIST_FIRST(&s->conns)))
		conn_free(c);
	evconnlistener_free(s->listener);
	free(s);
}

void ctl_server_event(struct ctl_server *s, const json_t *event)
{
	struct conn *c;

	LIST_FOREACH(c, &s->conns, link)
	if (c->monitor)
		conn_send(c, event);
}

bool ctl_server_has_monitors(const struct ctl_server *s)
{
	struct conn *c;

	LIST_FOREACH(c, &s->conns, link)
	if (c->monitor && !c->closing)
		return true;
	return false;
}

void ctl_server_subscribe(struct ctl_server *s, unsigned topics)
{
	if (!s->asking)
		return;
	s->asking->topics = topics;
	count_topics(s);
}

unsigned ctl_server_topics(const struct ctl_server *s)
{
	return s->topics;
}

void ctl_server_topic(struct ctl_server *s, unsigned topic, const json_t *event)
{
	struct conn *c;

	LIST_FOREACH(c, &s->conns, link)
	if (c->topics & topic)
		conn_send(c, event);
}

/* ---- the socket ---------------------------------------------------------- */

/* Nobody answers on it: what a crash left. Anything but a socket is not ours to remove. */
static int remove_stale(const char *path)
{
	struct ctl_client *c;
	struct stat st;
	int rc;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	rc = ctl_client_open(path, &c);
	if (!rc) {
		ctl_client_close(c);
		return -EADDRINUSE;
	}
	if (rc != -ECONNREFUSED)
		return rc;
	return unlink(path) ? -errno : 0;
}

static int make_dir(const char *path, uid_t uid, gid_t gid)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	strcpy(dir, path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	if (mkdir(dir, 0750))
		return errno == EEXIST ? 0 : -errno;
	return chown(dir, uid, gid) ? -errno : 0;
}

static int bind_there(int fd, const struct sockaddr_un *un, uid_t uid, gid_t gid)
{
	mode_t old = umask(0117); /* never open to others, not for an instant */
	int rc = bind(fd, (const struct sockaddr *)un, sizeof(*un)) ? -errno : 0;

	umask(old);
	if (!rc && chown(un->sun_path, uid, gid))
		rc = -errno;
	if (!rc && listen(fd, 16))
		rc = -errno;
	return rc;
}

int ctl_listen(const char *path, uid_t uid, gid_t gid)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	strcpy(un.sun_path, path);
	rc = make_dir(path, uid, gid);
	if (!rc)
		rc = remove_stale(path);
	if (rc)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = bind_there(fd, &un, uid, gid);
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}
