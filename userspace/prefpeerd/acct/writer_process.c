// SPDX-License-Identifier: GPL-2.0-or-later
/* The process that writes: files and the log at once, RADIUS as the servers answer. */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>
#include <utlist.h>

#include "lib/log.h"
#include "lib/mono.h"
#include "prefpeerd/acct/writer_impl.h"
#include "prefpeerd/door.h"

#define AREA "acct"
#define SERVERS_MAX 16
#define LISTS_MAX 64
#define DEAD_MS 60000 /* a server that is silent is left alone for so long */
#define GRACE_MS 5000 /* at the end of the agent */

struct record {
	struct record *prev, *next;
	json_t *json;
	mono_t since;
};

struct server {
	struct radius *radius;
	bool dead; /* said */
	mono_t again; /* not before */
};

struct process {
	int fd;
	char nas[CONF_NAME_MAX + 1];
	struct server servers[SERVERS_MAX];
	unsigned n_servers;
	struct writer_list lists[LISTS_MAX];
	unsigned n_lists;
	struct record *queue;
	unsigned n_queue;
	unsigned tries, at; /* of the first of the queue: how often, and which server */
	bool overflow, file_said;
	bool ended;
	mono_t end;
};

/* ---- the walls ---- */

static const int allowed[] = {
	/* its socket, those of RADIUS and of the log, files */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
	SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(stat), SCMP_SYS(lseek),
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(fcntl), SCMP_SYS(bind), SCMP_SYS(connect),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(access), SCMP_SYS(readlink), SCMP_SYS(uname),
	/* memory */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise),
	/* libc */
	SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
	SCMP_SYS(getcwd),
	/* the end */
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction), SCMP_SYS(tgkill),
};

static int families(scmp_filter_ctx f)
{
	static const int all[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(all) / sizeof(*all); i++)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)all[i], 0));
	return err;
}

static const struct door door = {
	.allowed = allowed,
	.n_allowed = sizeof(allowed) / sizeof(*allowed),
	.limited = families,
};

static int become(const char *name)
{
	struct sandbox_user user;
	int err;

	if (!name || geteuid())
		return 0;
	err = sandbox_find_user(name, &user);
	if (err)
		return err;
	capng_clear(CAPNG_SELECT_BOTH);
	return capng_change_id((int)user.uid, (int)user.gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) ?
		       -EPERM : 0;
}

/* A terminal's or a unit's signals are the other process's: its end is ours. */
static int enter(const char *user)
{
	int err;

	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "prefpeerd-acct");
	/* The library's own words come with every request; ours once. */
	setlogmask(LOG_MASK(LOG_EMERG));
	openlog("prefpeerd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	getservbyname("radius", "udp"); /* libc's plugins come in before the door shuts */
	err = become(user);
	if (err)
		return err;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return door_shut(&door);
}

/* ---- lists and servers ---- */

static void reset(struct process *x, const struct writer_msg *m)
{
	snprintf(x->nas, sizeof(x->nas), "%.*s", (int)sizeof(m->nas) - 1,
		 *m->nas ? m->nas : "prefpeerd");
	for (unsigned i = 0; i < x->n_servers; i++)
		radius_free(x->servers[i].radius);
	x->n_servers = x->n_lists = 0;
	x->tries = x->at = 0;
}

static void add_server(struct process *x, struct writer_msg *m)
{
	struct radius *r;

	m->server.name[sizeof(m->server.name) - 1] = '\0';
	m->server.address[sizeof(m->server.address) - 1] = '\0';
	m->server.secret[sizeof(m->server.secret) - 1] = '\0';
	r = x->n_servers < SERVERS_MAX ? radius_new(&m->server, x->nas) : NULL;
	if (r)
		x->servers[x->n_servers++] = (struct server){ .radius = r };
	else
		log_err(AREA, "RADIUS server %s cannot be used", m->server.name);
}

static const struct writer_list *find_list(const struct process *x, const char *name)
{
	for (unsigned i = 0; i < x->n_lists; i++)
		if (!strcmp(x->lists[i].name, name))
			return &x->lists[i];
	return NULL;
}

/* ---- files and the log ---- */

static void write_file(struct process *x, const char *path, const char *json)
{
	char line[WRITER_RECORD_MAX + 1];
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	int n = snprintf(line, sizeof(line), "%s\n", json);
	int err = fd < 0 || write(fd, line, (size_t)n) != n ? errno : 0;

	if (err && !x->file_said)
		log_err(AREA, "%s: accounting records cannot be written: %s", path, strerror(err));
	x->file_said = err;
	if (fd >= 0)
		close(fd);
}

static void write_log(const char *json)
{
	setlogmask(LOG_UPTO(LOG_DEBUG));
	syslog(LOG_INFO, "accounting: %s", json);
	setlogmask(LOG_MASK(LOG_EMERG));
}

/* ---- RADIUS ---- */

static void pop(struct process *x, struct record *r)
{
	if (r == x->queue)
		x->tries = 0;
	DL_DELETE(x->queue, r);
	x->n_queue--;
	json_decref(r->json);
	free(r);
}

static void enqueue(struct process *x, const char *text)
{
	struct record *r = calloc(1, sizeof(*r));

	if (r)
		r->json = json_loads(text, 0, NULL);
	if (!r || !r->json) {
		free(r);
		return;
	}
	r->since = mono_now();
	if (x->n_queue == WRITER_QUEUE) {
		if (!x->overflow)
			log_warn(AREA, "no RADIUS server answers, and %u records wait: the oldest are lost",
				 WRITER_QUEUE);
		x->overflow = true;
		pop(x, x->queue);
	}
	DL_APPEND(x->queue, r);
	x->n_queue++;
}

static void is_silent(struct process *x, struct server *s, enum radius_answer how)
{
	s->again = mono_add_ms(mono_now(), DEAD_MS);
	if (!s->dead)
		log_warn(AREA, "RADIUS server %s %s: accounting records wait, %u now",
			 radius_name(s->radius),
			 how == RADIUS_BAD    ? "answers with another key" :
			 how == RADIUS_FAILED ? "cannot be reached" :
						"does not answer",
			 x->n_queue);
	s->dead = true;
	x->tries = 0;
	x->at = (unsigned)(s - x->servers + 1) % x->n_servers;
}

static void answered(struct process *x, struct server *s)
{
	if (s->dead)
		log_notice(AREA, "RADIUS server %s answers again", radius_name(s->radius));
	s->dead = x->overflow = false;
	pop(x, x->queue);
}

/* The one whose turn it is, or the next that may be asked; NULL: none now. */
static struct server *who(struct process *x, mono_t now)
{
	for (unsigned i = 0; i < x->n_servers; i++) {
		struct server *s = &x->servers[(x->at + i) % x->n_servers];

		if (s->dead && mono_before(now, s->again))
			continue;
		if (i)
			x->tries = 0;
		x->at = (unsigned)(s - x->servers);
		return s;
	}
	return NULL;
}

/* One request, and its answer is waited for. */
static void ask(struct process *x, struct server *s)
{
	mono_t now = mono_now();
	enum radius_answer how = radius_send(
		s->radius, x->queue->json,
		(uint32_t)(mono_diff_ms(now, x->queue->since) / 1000));

	if (how == RADIUS_OK)
		answered(x, s);
	else if (how != RADIUS_SILENT || s->dead || ++x->tries > radius_retransmit(s->radius))
		is_silent(x, s, how);
}

/* ms until a server may be asked again; -1: nothing waits. */
static int wait_ms(const struct process *x, mono_t now)
{
	int64_t least = DEAD_MS;

	if (!x->queue || !x->n_servers)
		return -1;
	for (unsigned i = 0; i < x->n_servers; i++) {
		int64_t ms = x->servers[i].dead ? mono_diff_ms(x->servers[i].again, now) : 0;

		if (ms < least)
			least = ms;
	}
	return least < 0 ? 0 : (int)least;
}

/* ---- the other process ---- */

static void take_record(struct process *x, struct writer_msg *m)
{
	const struct writer_list *l;

	m->record.list[sizeof(m->record.list) - 1] = '\0';
	m->record.json[sizeof(m->record.json) - 1] = '\0';
	l = find_list(x, m->record.list);
	if (!l)
		return;
	if (*l->file)
		write_file(x, l->file, m->record.json);
	if (l->syslog)
		write_log(m->record.json);
	if (l->radius)
		enqueue(x, m->record.json);
}

static void take(struct process *x, struct writer_msg *m)
{
	switch (m->op) {
	case WRITER_RESET:
		reset(x, m);
		break;
	case WRITER_SERVER:
		add_server(x, m);
		break;
	case WRITER_LIST:
		if (x->n_lists < LISTS_MAX)
			x->lists[x->n_lists++] = m->list;
		break;
	case WRITER_RECORD:
		take_record(x, m);
		break;
	}
}

static void drain(struct process *x)
{
	static struct writer_msg m;
	ssize_t n;

	do {
		memset(&m, 0, sizeof(m));
		n = recv(x->fd, &m, sizeof(m), MSG_DONTWAIT);
		if (n > 0)
			take(x, &m);
	} while (n > 0);
	explicit_bzero(&m, sizeof(m));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	x->ended = true;
	x->end = mono_add_ms(mono_now(), GRACE_MS);
}

static bool goes_on(const struct process *x)
{
	return !x->ended || (x->queue && mono_before(mono_now(), x->end));
}

int writer_process(int fd, const char *user)
{
	struct process x = { .fd = fd };
	int err = enter(user);

	if (err) {
		log_err(AREA, "the process for accounting cannot be shut off: %s", strerror(-err));
		return 1;
	}
	while (goes_on(&x)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		struct server *s;
		int ms = wait_ms(&x, mono_now());

		if (!x.ended && poll(&p, 1, ms) < 0 && errno != EINTR)
			break;
		if (!x.ended && p.revents)
			drain(&x);
		s = x.queue ? who(&x, mono_now()) : NULL;
		if (s)
			ask(&x, s);
		else if (x.ended)
			break;
	}
	while (x.queue)
		pop(&x, x.queue);
	reset(&x, &(struct writer_msg){ 0 });
	return 0;
}
