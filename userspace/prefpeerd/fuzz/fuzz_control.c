// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: a client of the control socket. The bytes come as they are,
 * in two pieces; each line is one request, and is answered.
 */
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
	struct event_base *base;
	struct ctl_server *server;
	struct sockaddr_un name;
	socklen_t name_len;
};

/* As the agent's handlers do: take members of whatever type they are. */
static json_t *on_request(void *ctx, const char *cmd, const json_t *request)
{
	json_t *reply = ctl_ok();

	json_object_set_new(reply, "seq", json_integer(json_integer_value(json_object_get(request, "seq"))));
	if (json_string_value(json_object_get(request, "map")))
		json_object_set(reply, "map", json_object_get(request, "map"));
	return strcmp(cmd, "none") ? reply : (json_decref(reply), NULL);
}

/* A name in the abstract namespace, which the kernel draws. */
static struct rig *rig(void)
{
	static struct rig r;
	int fd;

	if (r.base)
		return &r;
	signal(SIGPIPE, SIG_IGN);
	r.base = event_base_new();
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	r.name.sun_family = AF_UNIX;
	r.name_len = sizeof(r.name);
	if (bind(fd, (struct sockaddr *)&r.name, sizeof(sa_family_t)) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)&r.name, &r.name_len) ||
	    ctl_server_new(r.base, fd, on_request, NULL, &r.server))
		abort();
	return &r;
}

static void turn(struct rig *r)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(r->base, EVLOOP_NONBLOCK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig *r = rig();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	uint8_t answer[4096];

	if (connect(fd, (struct sockaddr *)&r->name, r->name_len))
		abort();
	if (write(fd, data, size / 2) < 0)
		abort();
	turn(r);
	if (write(fd, data + size / 2, size - size / 2) < 0 && size > CTL_REQUEST_MAX)
		abort();
	turn(r);
	while (read(fd, answer, sizeof(answer)) > 0)
		;
	close(fd);
	turn(r);
	return 0;
}
