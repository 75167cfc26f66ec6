// SPDX-License-Identifier: GPL-2.0-or-later
/* The control protocol: a server turned by hand, and clients that misbehave. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/ctl.h"

struct rig {
	char dir[64], path[96];
	struct event_base *base;
	struct ctl_server *server;
	unsigned asked;
};

/* What stands in the file that came with the request. */
static void add_lent(struct rig *r, json_t *reply)
{
	int fd = ctl_server_take_fd(r->server);
	char text[32] = "";
	uid_t uid = 12345;

	assert_int_equal(ctl_server_take_fd(r->server), -1);
	assert_int_equal(ctl_server_peer(r->server, &uid), 0);
	assert_int_equal(uid, geteuid());
	if (fd < 0)
		return;
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) >= 0);
	json_object_set_new(reply, "lent", json_string(text));
	close(fd);
}

static json_t *on_request(void *ctx, const char *cmd, const json_t *request)
{
	struct rig *r = ctx;
	json_t *reply;

	r->asked++;
	if (!strcmp(cmd, "fail"))
		return ctl_error("no such map: %s", "tohub");
	if (!strcmp(cmd, "none"))
		return NULL;
	reply = ctl_ok();
	json_object_set(reply, "cmd", json_object_get(request, "cmd"));
	if (!strcmp(cmd, "topic1") || !strcmp(cmd, "topic2"))
		ctl_server_subscribe(r->server, cmd[5] - '0');
	if (!strcmp(cmd, "lend"))
		add_lent(r, reply);
	if (!strcmp(cmd, "big")) {
		char *big = malloc(1 << 20);

		memset(big, 'x', 1 << 20);
		json_object_set_new(reply, "big", json_stringn(big, 1 << 20));
		free(big);
	}
	return reply;
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	int fd;

	signal(SIGPIPE, SIG_IGN);
	strcpy(r->dir, "/tmp/ctl.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/run/control", r->dir);
	r->base = event_base_new();
	fd = ctl_listen(r->path, (uid_t)-1, (gid_t)-1);
	assert_true(fd >= 0);
	assert_int_equal(ctl_server_new(r->base, fd, on_request, r, &r->server), 0);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;
	char run[80];

	ctl_server_free(r->server);
	event_base_free(r->base);
	unlink(r->path);
	snprintf(run, sizeof(run), "%s/run", r->dir);
	rmdir(run);
	rmdir(r->dir);
	free(r);
	return 0;
}

static void turn(struct rig *r)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(r->base, EVLOOP_NONBLOCK);
}

static struct ctl_client *client(struct rig *r)
{
	struct ctl_client *c;

	assert_int_equal(ctl_client_open(r->path, &c), 0);
	turn(r);
	return c;
}

static void say(struct rig *r, struct ctl_client *c, const char *text)
{
	assert_int_equal(write(ctl_client_fd(c), text, strlen(text)), strlen(text));
	turn(r);
}

struct heard {
	unsigned n;
	char last[512];
};

static void on_line(void *ctx, const json_t *o)
{
	struct heard *h = ctx;
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);

	h->n++;
	snprintf(h->last, sizeof(h->last), "%s", text);
	free(text);
}

static struct heard listen_to(struct ctl_client *c, int want)
{
	struct heard h = { 0 };

	assert_int_equal(ctl_client_read(c, on_line, &h), want);
	return h;
}

static void requests_are_answered_in_order(void **state)
{
	struct rig *r = *state;
	struct ctl_client *c = client(r);
	struct heard h;

	say(r, c, "{\"cmd\":\"a\"}\n{\"cmd\":\"b\"}\n{\"cm");
	h = listen_to(c, 0);
	assert_int_equal(h.n, 2);
	assert_string_equal(h.last, "{\"cmd\":\"b\",\"ok\":true}");
	say(r, c, "d\":\"fail\"}\n");
	h = listen_to(c, 0);
	assert_int_equal(h.n, 1);
	assert_string_equal(h.last, "{\"error\":\"no such map: tohub\",\"ok\":false}");
	ctl_client_close(c);
}

static void bad_requests_get_a_sentence(void **state)
{
	static const char *const bad[] = { "nonsense\n", "[]\n",
					   "{}\n",	 "{\"cmd\":7}\n",
					   "\n",	 "{\"cmd\":\"a\",\"cmd\":\"b\"}\n" };
	struct rig *r = *state;
	struct ctl_client *c = client(r);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct heard h;

		say(r, c, bad[i]);
		h = listen_to(c, 0);
		assert_int_equal(h.n, 1);
		assert_non_null(strstr(h.last, "\"error\":\"request "));
	}
	assert_int_equal(r->asked, 0);
	say(r, c, "{\"cmd\":\"none\"}\n");
	assert_string_equal(listen_to(c, 0).last, "{\"error\":\"out of memory\",\"ok\":false}");
	ctl_client_close(c);
}

static void endless_requests_are_ended(void **state)
{
	struct rig *r = *state;
	struct ctl_client *c = client(r);
	char *big = malloc(CTL_REQUEST_MAX + 100);
	struct heard h;

	memset(big, ' ', CTL_REQUEST_MAX + 99);
	big[CTL_REQUEST_MAX + 99] = '\0';
	say(r, c, big);
	h = listen_to(c, -ECONNRESET);
	assert_string_equal(h.last,
			    "{\"error\":\"request is longer than 65536 bytes\",\"ok\":false}");
	free(big);
	ctl_client_close(c);
}

static void events_reach_monitors_only(void **state)
{
	struct rig *r = *state;
	struct ctl_client *a = client(r), *b = client(r);
	json_t *event = json_pack("{s:s}", "event", "map-state");

	assert_false(ctl_server_has_monitors(r->server));
	say(r, a, "{\"cmd\":\"monitor\"}\n");
	assert_true(ctl_server_has_monitors(r->server));
	ctl_server_event(r->server, event);
	turn(r);
	assert_int_equal(listen_to(a, 0).n, 2);
	assert_int_equal(listen_to(b, 0).n, 0);
	ctl_client_close(a);
	turn(r);
	assert_false(ctl_server_has_monitors(r->server));
	ctl_server_event(r->server, event);
	json_decref(event);
	ctl_client_close(b);
}

static void topics_reach_subscribers_only(void **state)
{
	struct rig *r = *state;
	struct ctl_client *a = client(r), *b = client(r);
	json_t *event = json_pack("{s:s}", "event", "debug");

	assert_int_equal(ctl_server_topics(r->server), 0);
	/* Outside of an answer nobody is meant. */
	ctl_server_subscribe(r->server, 1);
	assert_int_equal(ctl_server_topics(r->server), 0);
	say(r, a, "{\"cmd\":\"topic1\"}\n");
	say(r, b, "{\"cmd\":\"topic2\"}\n");
	assert_int_equal(ctl_server_topics(r->server), 3);
	ctl_server_topic(r->server, 1, event);
	turn(r);
	assert_int_equal(listen_to(a, 0).n, 2);
	assert_int_equal(listen_to(b, 0).n, 1);
	ctl_client_close(a);
	turn(r);
	assert_int_equal(ctl_server_topics(r->server), 2);
	ctl_server_topic(r->server, 1, event);
	json_decref(event);
	ctl_client_close(b);
	turn(r);
	assert_int_equal(ctl_server_topics(r->server), 0);
}

static void slow_monitor_is_cut_with_a_last_word(void **state)
{
	struct rig *r = *state;
	struct ctl_client *c = client(r), *other = client(r);
	char pad[1000];
	json_t *event;
	struct heard h;

	memset(pad, 'p', sizeof(pad) - 1);
	pad[sizeof(pad) - 1] = '\0';
	event = json_pack("{s:s, s:s}", "event", "map-state", "pad", pad);
	say(r, c, "{\"cmd\":\"monitor\"}\n");
	for (int i = 0; i < 5000; i++) {
		ctl_server_event(r->server, event);
		event_base_loop(r->base, EVLOOP_NONBLOCK);
	}
	assert_false(ctl_server_has_monitors(r->server));
	say(r, other, "{\"cmd\":\"a\"}\n");
	assert_int_equal(listen_to(other, 0).n, 1);
	h.n = 0;
	for (int rc = 0; !rc; turn(r))
		rc = ctl_client_read(c, on_line, &h);
	assert_string_equal(h.last, "{\"event\":\"lost\"}");
	assert_true(h.n > 200 && h.n < 5000);
	json_decref(event);
	ctl_client_close(c);
	ctl_client_close(other);
}

static void one_big_reply_is_not_cut(void **state)
{
	struct rig *r = *state;
	struct ctl_client *c = client(r);
	struct heard h = { 0 };

	say(r, c, "{\"cmd\":\"big\"}\n");
	while (!h.n) {
		assert_int_equal(ctl_client_read(c, on_line, &h), 0);
		turn(r);
	}
	assert_non_null(strstr(h.last, "xxxx"));
	ctl_client_close(c);
}

static void half_closed_client_gets_its_answer(void **state)
{
	struct rig *r = *state;
	struct ctl_client *c = client(r);
	struct heard h;

	assert_true(write(ctl_client_fd(c), "{\"cmd\":\"a\"}\n", 12) == 12);
	shutdown(ctl_client_fd(c), SHUT_WR);
	turn(r);
	h = listen_to(c, -ECONNRESET);
	assert_int_equal(h.n, 1);
	ctl_client_close(c);
}

static void too_many_clients_are_told(void **state)
{
	struct rig *r = *state;
	struct ctl_client *c[CTL_CLIENTS_MAX + 1];
	struct heard h;

	for (int i = 0; i <= CTL_CLIENTS_MAX; i++)
		c[i] = client(r);
	h = listen_to(c[CTL_CLIENTS_MAX], -ECONNRESET);
	assert_non_null(strstr(h.last, "32 control clients"));
	ctl_client_close(c[0]);
	turn(r);
	ctl_client_close(c[CTL_CLIENTS_MAX]);
	c[0] = client(r);
	say(r, c[0], "{\"cmd\":\"a\"}\n");
	assert_int_equal(listen_to(c[0], 0).n, 1);
	for (int i = 0; i < CTL_CLIENTS_MAX; i++)
		ctl_client_close(c[i]);
}

static void request_with_a_deadline(void **state)
{
	struct rig *r = *state;
	struct ctl_client *c;
	json_t *request = json_pack("{s:s}", "cmd", "a"), *reply = NULL;

	assert_int_equal(ctl_listen(r->path, (uid_t)-1, (gid_t)-1), -EADDRINUSE);
	c = client(r);
	assert_int_equal(ctl_client_request(c, request, 1, &reply), -ETIMEDOUT);
	turn(r);
	assert_int_equal(ctl_client_request(c, request, 1000, &reply), 0);
	assert_true(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
	json_decref(request);
	ctl_client_close(c);
}

/* How many descriptors this process has. */
static unsigned open_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void a_descriptor_comes_with_its_request(void **state)
{
	struct rig *r = *state;
	struct ctl_client *c = client(r);
	json_t *request = json_pack("{s:s}", "cmd", "lend"), *reply = NULL;
	FILE *f = tmpfile();
	struct heard h;
	unsigned before;

	fputs("a text", f);
	fflush(f);
	before = open_fds();
	assert_int_equal(ctl_client_request_fd(c, request, fileno(f), 1, &reply), -ETIMEDOUT);
	turn(r);
	h = listen_to(c, 0);
	assert_string_equal(h.last, "{\"cmd\":\"lend\",\"lent\":\"a text\",\"ok\":true}");
	/* Taken once; without one there is none; one that nobody takes is not kept for ever. */
	say(r, c, "{\"cmd\":\"lend\"}\n");
	h = listen_to(c, 0);
	assert_string_equal(h.last, "{\"cmd\":\"lend\",\"ok\":true}");
	assert_int_equal(open_fds(), before);
	json_object_set_new(request, "cmd", json_string("other"));
	for (int i = 0; i < 3; i++)
		assert_int_equal(ctl_client_request_fd(c, request, fileno(f), 1, &reply), -ETIMEDOUT);
	turn(r);
	ctl_client_close(c);
	turn(r);
	assert_int_equal(open_fds(), before - 2);
	json_decref(request);
	fclose(f);
}

static void the_socket_is_private_and_replaced(void **state)
{
	struct rig *r = *state;
	struct stat st;
	char file[96];
	int fd;

	assert_int_equal(stat(r->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	snprintf(file, sizeof(file), "%s/stale", r->dir);
	fd = ctl_listen(file, (uid_t)-1, (gid_t)-1);
	assert_true(fd >= 0);
	close(fd);
	fd = ctl_listen(file, (uid_t)-1, (gid_t)-1);
	assert_true(fd >= 0);
	close(fd);
	unlink(file);
	fd = open(file, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(ctl_listen(file, (uid_t)-1, (gid_t)-1), -EEXIST);
	assert_int_equal(stat(file, &st), 0);
	unlink(file);
}

static void no_server_is_told_apart(void **state)
{
	struct rig *r = *state;
	struct ctl_client *c;
	char path[200];

	snprintf(path, sizeof(path), "%s/nothing", r->dir);
	assert_int_equal(ctl_client_open(path, &c), -ENOENT);
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(ctl_client_open(path, &c), -ENAMETOOLONG);
	assert_int_equal(ctl_listen(path, (uid_t)-1, (gid_t)-1), -ENAMETOOLONG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_are_answered_in_order),
		TEST(bad_requests_get_a_sentence),
		TEST(endless_requests_are_ended),
		TEST(events_reach_monitors_only),
		TEST(topics_reach_subscribers_only),
		TEST(slow_monitor_is_cut_with_a_last_word),
		TEST(one_big_reply_is_not_cut),
		TEST(half_closed_client_gets_its_answer),
		TEST(too_many_clients_are_told),
		TEST(request_with_a_deadline),
		TEST(a_descriptor_comes_with_its_request),
		TEST(the_socket_is_private_and_replaced),
		TEST(no_server_is_told_apart),
	};

	return cmocka_run_group_tests_name("lib ctl", tests, NULL, NULL);
}
