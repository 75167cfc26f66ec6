// SPDX-License-Identifier: GPL-2.0-or-later
/* This side of the signing port. */
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "prefpeerd/engine_ike/engine_ike.h"
#include "prefpeerd/signer.h"
#include "prefpeerd/signer_impl.h"

#define AREA "signer"
#define CONTROL_MS 10000 /* for one key to be read */

static const char gone_text[] = "the process that holds the private keys is gone";

struct signer {
	pid_t pid;
	int control, work;
	struct event *readable;
	struct engine *engine;
};

/* ---- life ---- */

static _Noreturn void child(int control[2], int work[2])
{
	close(control[0]);
	close(work[0]);
	signer_process(control[1], work[1]);
	_exit(0);
}

static int start(struct signer *s)
{
	int control[2], work[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control))
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, work)) {
		close(control[0]);
		close(control[1]);
		return -errno;
	}
	s->pid = fork();
	if (!s->pid)
		child(control, work);
	close(control[1]);
	close(work[1]);
	s->control = control[0];
	s->work = work[0];
	return s->pid < 0 ? -errno : 0;
}

int signer_open(struct signer **out)
{
	struct signer *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->control = s->work = -1;
	err = start(s);
	if (err)
		signer_close(s);
	else
		*out = s;
	return err;
}

void signer_close(struct signer *s)
{
	if (!s)
		return;
	if (s->readable)
		event_free(s->readable);
	if (s->control >= 0)
		close(s->control);
	if (s->work >= 0)
		close(s->work);
	if (s->pid > 0)
		while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(s);
}

pid_t signer_pid(const struct signer *s)
{
	return s->pid;
}

/* ---- signatures ---- */

static int sign(void *ctx, uint32_t job, const uint8_t key[PKI_KEY_ID_LEN], enum pki_scheme scheme,
		const uint8_t *data, size_t len)
{
	struct signer *s = ctx;
	struct sign_request r = { .job = job, .scheme = (uint32_t)scheme, .len = (uint32_t)len };
	ssize_t n;

	if (len > sizeof(r.data))
		return -EMSGSIZE;
	memcpy(r.key, key, sizeof(r.key));
	memcpy(r.data, data, len);
	n = send(s->work, &r, offsetof(struct sign_request, data) + len,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	return n < 0 ? -errno : 0;
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct signer *s = ctx;
	struct sign_reply r;
	ssize_t n;

	while ((n = recv(fd, &r, sizeof(r), MSG_DONTWAIT)) > 0)
		if ((size_t)n == sizeof(r) && r.len <= sizeof(r.sig))
			engine_ike_signed(s->engine, r.job, r.err, r.sig, r.len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	log_err(AREA, "%s: no peer that wants our certificate can be reached until prefpeerd is started anew",
		gone_text);
	event_del(s->readable);
}

int signer_attach(struct signer *s, struct event_base *base, struct engine *engine)
{
	const struct ike_signer port = { sign, s };

	s->engine = engine;
	s->readable = event_new(base, s->work, EV_READ | EV_PERSIST, on_readable, s);
	if (!s->readable || event_add(s->readable, NULL))
		return -ENOMEM;
	engine_ike_set_signer(engine, &port);
	return 0;
}

/* ---- keys ---- */

static int ask(struct signer *s, const struct signer_request *r, struct signer_reply *out)
{
	struct pollfd fd = { .fd = s->control, .events = POLLIN };
	int n;

	*out = (struct signer_reply){ .err = -EPIPE };
	snprintf(out->why, sizeof(out->why), "%s", gone_text);
	if (send(s->control, r, sizeof(*r), MSG_NOSIGNAL) < 0)
		return out->err;
	do
		n = poll(&fd, 1, CONTROL_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0 || recv(s->control, out, sizeof(*out), 0) != (ssize_t)sizeof(*out)) {
		*out = (struct signer_reply){ .err = n ? -EPIPE : -ETIMEDOUT };
		snprintf(out->why, sizeof(out->why), "%s", gone_text);
		/* A late answer must not be taken for that to the next question. */
		shutdown(s->control, SHUT_RDWR);
	}
	return out->err;
}

static int load(void *ctx, const char *path, struct pki_key *key, char *why, size_t size)
{
	struct signer_request r = { .op = SIGNER_LOAD };
	struct signer_reply out;

	if (strlen(path) >= sizeof(r.path)) {
		snprintf(why, size, "its path is too long");
		return -ENAMETOOLONG;
	}
	strcpy(r.path, path);
	if (ask(ctx, &r, &out))
		snprintf(why, size, "%.*s", (int)sizeof(out.why) - 1, out.why);
	else
		*key = out.key;
	return out.err;
}

static int secret(void *ctx, const char *path, const char *sealed, uint8_t bytes[PSK_MAX],
		  size_t *len, char *why, size_t size)
{
	struct signer_request r = { .op = SIGNER_SECRET };
	struct signer_reply out;

	_Static_assert(sizeof(out.secret) == PSK_MAX, "one bound for both");
	if (strlen(path) >= sizeof(r.path) || (sealed && strlen(sealed) >= sizeof(r.sealed))) {
		snprintf(why, size, "its path is too long");
		return -ENAMETOOLONG;
	}
	strcpy(r.path, path);
	strcpy(r.sealed, sealed ? sealed : "");
	if (!ask(ctx, &r, &out) && out.len <= PSK_MAX) {
		memcpy(bytes, out.secret, out.len);
		*len = out.len;
	} else {
		snprintf(why, size, "%.*s", (int)sizeof(out.why) - 1, out.why);
		out.err = out.err ? out.err : -EPROTO;
	}
	explicit_bzero(out.secret, sizeof(out.secret));
	return out.err;
}

struct conf_keys signer_keys(struct signer *s)
{
	return (struct conf_keys){ load, secret, s };
}

void signer_retain(struct signer *s, const struct config *c)
{
	struct signer_request r = { .op = SIGNER_RETAIN };
	struct signer_reply out;

	for (unsigned i = 0; i < c->n_trustpoints && r.n < SIGN_KEYS_MAX; i++)
		if (c->trustpoints[i]->own)
			memcpy(r.keys[r.n++], pki_own_key(c->trustpoints[i]->own)->id,
			       PKI_KEY_ID_LEN);
	ask(s, &r, &out);
}
