/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol between prefpeer and prefpeerd: a Unix stream socket,
 * one JSON object per line each way.
 *
 *   → {"cmd":"map-show", …}        ← {"ok":true, …} or {"ok":false,"error":"sentence"}
 *   → {"cmd":"monitor"}            ← {"ok":true}, then one event per line until either closes
 *   → {"cmd":"debug","topics":[…]} ← {"ok":true}, then likewise
 *
 * A request may carry one descriptor (SCM_RIGHTS), for a text too long or too secret for
 * a line. Requests of one connection are answered in their order. Nobody waits for a
 * slow reader: one with more than CTL_BACKLOG_MAX unread bytes gets a last
 * {"event":"lost"} and is closed.
 */
#ifndef LIB_CTL_H
#define LIB_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CTL_PATH_DEFAULT "/run/prefpeer/control"
#define CTL_PATH_ENV "PREFPEER_CONTROL"
#define CTL_REQUEST_MAX (64 * 1024)  /* bytes of one request line */
#define CTL_BACKLOG_MAX (256 * 1024) /* unread bytes of one client, before what is being added */
#define CTL_CLIENTS_MAX 32

/* @option when given, else the environment's, else the default. */
const char *ctl_path(const char *option);

/* {"ok":true}, to be extended; NULL without memory. */
json_t *ctl_ok(void);
/* {"ok":false,"error":"…"}. */
json_t *ctl_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- server, on libevent; the process ignores SIGPIPE -------------------- */

struct event_base;
struct ctl_server;

/*
 * A bound and listening, non-blocking, close-on-exec socket of mode 0660 and
 * that owner ((uid_t)-1, (gid_t)-1: unchanged). Makes the directory (0750, same
 * owner) if it is missing, and replaces a socket that nobody listens on.
 * The descriptor, or -EADDRINUSE: a server lives there; other -errno.
 */
int ctl_listen(const char *path, uid_t uid, gid_t gid);

/*
 * Answer one request. Returns a new reference, the server's; NULL stands for
 * "out of memory". Never called for "monitor", which the server does itself.
 */
typedef json_t *(*ctl_request_fn)(void *ctx, const char *cmd, const json_t *request);

/* Owns @fd, also on failure. 0 or -ENOMEM. */
int ctl_server_new(struct event_base *base, int fd, ctl_request_fn fn, void *ctx,
		   struct ctl_server **out);
/* Closes every client; what is unread is lost. NULL is fine. Not from within a request. */
void ctl_server_free(struct ctl_server *s);
/* To every client that monitors. @event stays the caller's. */
void ctl_server_event(struct ctl_server *s, const json_t *event);
/* Whether anyone monitors: if not, events need not be made. */
bool ctl_server_has_monitors(const struct ctl_server *s);
/*
 * From within a request only. The descriptor that came with it (SCM_RIGHTS), now the
 * caller's to close; -1: none. Large texts travel so, and all that holds keys, which
 * are in no JSON.
 */
int ctl_server_take_fd(struct ctl_server *s);
/* Who asks: the user id at connect(2). 0 or -errno. */
int ctl_server_peer(const struct ctl_server *s, uid_t *uid);

/*
 * From now on the client whose request is being answered gets what is told of any of
 * @topics, until it closes; 0: no more. Not outside of an answer.
 */
void ctl_server_subscribe(struct ctl_server *s, unsigned topics);
/* What anybody has subscribed to: of nothing else an event need be made. */
unsigned ctl_server_topics(const struct ctl_server *s);
/* To whoever has subscribed to @topic. @event stays the caller's. */
void ctl_server_topic(struct ctl_server *s, unsigned topic, const json_t *event);

/* ---- client -------------------------------------------------------------- */

struct ctl_client;

/* -ENOENT, -ECONNREFUSED: no agent; -EACCES: not allowed; -ENAMETOOLONG. */
int ctl_client_open(const char *path, struct ctl_client **out);
void ctl_client_close(struct ctl_client *c); /* NULL is fine */
int ctl_client_fd(const struct ctl_client *c);
/*
 * Send @request and wait for its reply, at most @timeout_ms. *reply is the
 * caller's to release. -ETIMEDOUT, -ECONNRESET (closed), -EPROTO (no JSON
 * object): close the client then, a late reply would answer the wrong request.
 * A reply that says ok:false is a success here.
 */
int ctl_client_request(struct ctl_client *c, const json_t *request, int timeout_ms, json_t **reply);

/* The same, and lend the agent @fd (ctl_server_take_fd()), which stays the caller's; -1: none. */
int ctl_client_request_fd(struct ctl_client *c, const json_t *request, int fd, int timeout_ms,
			  json_t **reply);

/* Send @request without waiting for its reply, which ctl_client_read() then delivers. */
int ctl_client_send(struct ctl_client *c, const json_t *request, int timeout_ms);

/* @object stays the client's. */
typedef void (*ctl_line_fn)(void *ctx, const json_t *object);

/* What has arrived, without waiting: 0, or -ECONNRESET when the server is gone, -EPROTO. */
int ctl_client_read(struct ctl_client *c, ctl_line_fn fn, void *ctx);

#endif
