// SPDX-License-Identifier: GPL-2.0-or-later
/* This side of the process that writes: never waits, keeps what does not fit. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "lib/log.h"
#include "prefpeerd/acct/writer_impl.h"

#define AREA "acct"

struct waiting {
	struct waiting *prev, *next;
	bool interim;
	size_t len;
	struct writer_msg msg;
};

struct writer {
	int fd;
	struct event *writable;
	struct waiting *queue;
	unsigned n_queue;
	uint64_t dropped;
	bool gone;
};

/* ---- life ---- */

int writer_open(const char *user, struct writer **out)
{
	struct writer *w = calloc(1, sizeof(*w));
	int fds[2];
	pid_t pid;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds)) {
		free(w);
		return -errno;
	}
	pid = fork();
	if (!pid) {
		close(fds[0]);
		_exit(writer_process(fds[1], user));
	}
	close(fds[1]);
	w->fd = fds[0];
	*out = w;
	if (pid > 0)
		return 0;
	writer_close(w);
	*out = NULL;
	return -EAGAIN;
}

static void wiped_free(struct waiting *x)
{
	explicit_bzero(x, sizeof(*x) - sizeof(x->msg) + x->len);
	free(x);
}

static void drop(struct writer *w, struct waiting *x)
{
	DL_DELETE(w->queue, x);
	w->n_queue--;
	wiped_free(x);
}

/* At the end of the agent what waits goes in one go, as far as the other one takes it. */
void writer_close(struct writer *w)
{
	struct waiting *x, *tmp;

	if (!w)
		return;
	if (w->writable)
		event_free(w->writable);
	DL_FOREACH_SAFE(w->queue, x, tmp) {
		send(w->fd, &x->msg, x->len, MSG_DONTWAIT | MSG_NOSIGNAL);
		drop(w, x);
	}
	close(w->fd);
	free(w);
}

/* ---- sending ---- */

static void is_gone(struct writer *w)
{
	struct waiting *x, *tmp;

	if (!w->gone)
		log_err(AREA, "the process that writes accounting records is gone: there are none until prefpeerd is started anew");
	w->gone = true;
	DL_FOREACH_SAFE(w->queue, x, tmp)
		drop(w, x);
}

/* 1: it has it; 0: it has no room now; -1: it is gone. */
static int hand_over(struct writer *w, const struct writer_msg *m, size_t len)
{
	ssize_t n = send(w->fd, m, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return 1;
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
		return 0;
	is_gone(w);
	return -1;
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct writer *w = ctx;

	while (w->queue) {
		int done = hand_over(w, &w->queue->msg, w->queue->len);

		if (done < 0)
			return;
		if (!done)
			break;
		drop(w, w->queue);
	}
	if (w->queue)
		event_add(w->writable, NULL);
}

int writer_attach(struct writer *w, struct event_base *base)
{
	w->writable = event_new(base, w->fd, EV_WRITE, on_writable, w);
	return w->writable ? 0 : -ENOMEM;
}

/* An interim record is the first that can be missed: the next one says more. */
static void make_room(struct writer *w)
{
	struct waiting *x;

	if (w->n_queue < WRITER_QUEUE)
		return;
	DL_FOREACH(w->queue, x)
		if (x->interim)
			break;
	drop(w, x ? x : w->queue);
	if (!w->dropped++)
		log_warn(AREA, "%u accounting records wait to be written: the oldest are lost",
			 WRITER_QUEUE);
}

static void put(struct writer *w, const struct writer_msg *m, size_t len, bool interim)
{
	struct waiting *x;

	if (w->gone || (!w->queue && hand_over(w, m, len)))
		return;
	make_room(w);
	x = calloc(1, sizeof(*x) - sizeof(x->msg) + len);
	if (!x)
		return;
	x->len = len;
	x->interim = interim;
	memcpy(&x->msg, m, len);
	DL_APPEND(w->queue, x);
	w->n_queue++;
	if (w->writable)
		event_add(w->writable, NULL);
}

/* ---- what is said ---- */

static void put_server(struct writer *w, const struct radius_server *r)
{
	struct writer_msg m = { .op = WRITER_SERVER };

	strcpy(m.server.name, r->name);
	addr_print(&r->addr, m.server.address, sizeof(m.server.address));
	m.server.port = r->port;
	m.server.timeout_s = r->timeout_s;
	m.server.retransmit = r->retransmit;
	snprintf(m.server.secret, sizeof(m.server.secret), "%s", r->secret);
	put(w, &m, WRITER_SIZE(server), false);
	explicit_bzero(&m, sizeof(m));
}

static void put_list(struct writer *w, const struct acct_list *l)
{
	struct writer_msg m = { .op = WRITER_LIST };

	strcpy(m.list.name, l->name);
	m.list.radius = l->radius;
	m.list.syslog = l->syslog;
	snprintf(m.list.file, sizeof(m.list.file), "%s", l->file ? l->file : "");
	put(w, &m, WRITER_SIZE(list), false);
}

void writer_configure(struct writer *w, const struct config *c)
{
	struct writer_msg m = { .op = WRITER_RESET };

	snprintf(m.nas, sizeof(m.nas), "%s", c->hostname);
	put(w, &m, WRITER_SIZE(nas), false);
	for (unsigned i = 0; i < c->n_radius; i++)
		put_server(w, c->radius[i]);
	for (unsigned i = 0; i < c->n_acct_lists; i++)
		put_list(w, c->acct_lists[i]);
}

void writer_record(struct writer *w, const char *list, const json_t *record)
{
	const char *type = json_string_value(json_object_get(record, "record"));
	struct writer_msg m = { .op = WRITER_RECORD };
	size_t n = json_dumpb(record, m.record.json, sizeof(m.record.json) - 1, JSON_COMPACT);

	if (!n || n >= sizeof(m.record.json))
		return;
	m.record.json[n] = '\0';
	snprintf(m.record.list, sizeof(m.record.list), "%s", list);
	put(w, &m, offsetof(struct writer_msg, record.json) + n + 1,
	    type && !strcmp(type, "interim"));
}
