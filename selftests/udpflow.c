// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Traffic of known rate and number, and what came of it.
 *
 * All times are CLOCK_BOOTTIME in nanoseconds, as the module's events have
 * them, so that stamps of sender, receiver and kernel may be compared.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NSEC UINT64_C(1000000000)
#define FLOW_MAGIC 0x70706631u /* "ppf1" */
#define MARK_ETHERTYPE 0x88b5 /* IEEE 802, local experiments */

struct flow_packet {
	uint32_t magic;
	uint32_t pad;
	uint64_t seq;
	uint64_t sent_ns;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NSEC + (uint64_t)t.tv_nsec;
}

static int die(const char *what)
{
	fprintf(stderr, "udpflow: %s: %s\n", what, strerror(errno));
	return 1;
}

static int udp_socket(const char *host, const char *port, bool bound, struct addrinfo **out)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	int one = 1, size = 4 << 20, fd, rc;

	rc = getaddrinfo(host, port, &hints, out);
	if (rc) {
		fprintf(stderr, "udpflow: %s port %s: %s\n", host, port, gai_strerror(rc));
		return -1;
	}
	fd = socket((*out)->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bound && bind(fd, (*out)->ai_addr, (*out)->ai_addrlen)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Logs the answers of an echoing receiver: when, which, when it was sent. */
static void read_answers(int fd, FILE *log)
{
	struct flow_packet p;

	while (recv(fd, &p, sizeof(p), MSG_DONTWAIT) == (ssize_t)sizeof(p)) {
		if (p.magic == FLOW_MAGIC && log)
			fprintf(log, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
				clock_ns(CLOCK_BOOTTIME), p.seq, p.sent_ns);
	}
}

/* Waits until the time comes; answers are read meanwhile. */
static void wait_until(uint64_t when_ns, int fd, FILE *log)
{
	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_ns(CLOCK_BOOTTIME);
		struct timespec left;

		if (stop || now >= when_ns)
			return;
		left.tv_sec = (time_t)((when_ns - now) / NSEC);
		left.tv_nsec = (long)((when_ns - now) % NSEC);
		if (ppoll(&pfd, 1, &left, NULL) > 0)
			read_answers(fd, log);
	}
}

/* send HOST PORT INTERVAL_US COUNT [ANSWERS]; COUNT 0 until a signal. */
static int cmd_send(int argc, char **argv)
{
	struct flow_packet p = { .magic = FLOW_MAGIC };
	uint64_t interval, count, next, refused = 0;
	struct addrinfo *to;
	FILE *log = NULL;
	int fd;

	if (argc < 4)
		return 2;
	interval = strtoull(argv[2], NULL, 10) * 1000;
	count = strtoull(argv[3], NULL, 10);
	fd = udp_socket(argv[0], argv[1], false, &to);
	if (fd < 0)
		return die("socket");
	if (argc > 4) {
		log = fopen(argv[4], "we");
		if (!log)
			return die(argv[4]);
		setvbuf(log, NULL, _IOLBF, 0);
	}
	next = clock_ns(CLOCK_BOOTTIME);
	printf("first=%" PRIu64 "\n", next);
	fflush(stdout);
	for (p.seq = 0; !stop && (!count || p.seq < count); p.seq++) {
		wait_until(next, fd, log);
		if (stop)
			break;
		p.sent_ns = clock_ns(CLOCK_BOOTTIME);
		if (sendto(fd, &p, sizeof(p), 0, to->ai_addr, to->ai_addrlen) < 0)
			refused++; /* no SA yet is an error here, and a lost packet there */
		next += interval;
	}
	if (log)
		wait_until(clock_ns(CLOCK_BOOTTIME) + NSEC / 2, fd, log);
	printf("last=%" PRIu64 "\nsent=%" PRIu64 "\nrefused=%" PRIu64 "\n", p.sent_ns, p.seq,
	       refused);
	freeaddrinfo(to);
	return 0;
}

/* recv HOST PORT LOG [echo]: a line per packet: arrival, number, sending. */
static int cmd_recv(int argc, char **argv)
{
	struct addrinfo *at;
	bool echo;
	FILE *log;
	int fd;

	if (argc < 3)
		return 2;
	echo = argc > 3 && !strcmp(argv[3], "echo");
	fd = udp_socket(argv[0], argv[1], true, &at);
	if (fd < 0)
		return die("socket");
	log = fopen(argv[2], "we");
	if (!log)
		return die(argv[2]);
	setvbuf(log, NULL, _IOLBF, 0);
	while (!stop) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		struct flow_packet p;

		if (recvfrom(fd, &p, sizeof(p), 0, (void *)&from, &len) != (ssize_t)sizeof(p) ||
		    p.magic != FLOW_MAGIC)
			continue;
		fprintf(log, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", clock_ns(CLOCK_BOOTTIME),
			p.seq, p.sent_ns);
		if (echo)
			sendto(fd, &p, sizeof(p), MSG_DONTWAIT, (void *)&from, len);
	}
	freeaddrinfo(at);
	return 0;
}

struct flow_report {
	uint64_t received, first_seq, last_seq, seen_max, gap_ns, gap_from, gap_to, late;
	uint64_t last_ns, delay_max;
	bool has_before;
	uint8_t *seen; /* by number: a late packet is none lost, a doubled one none gained */
	uint64_t n_seen, distinct;
};

static void report_mark(struct flow_report *r, uint64_t seq)
{
	if (seq >= r->n_seen) {
		uint64_t n = seq * 2 + 1024;

		r->seen = realloc(r->seen, n);
		if (!r->seen)
			exit(die("report"));
		memset(r->seen + r->n_seen, 0, n - r->n_seen);
		r->n_seen = n;
	}
	if (!r->seen[seq] && seq >= r->first_seq)
		r->distinct++;
	r->seen[seq] = 1;
}

static void report_add(struct flow_report *r, uint64_t at, uint64_t seq, uint64_t sent)
{
	bool follows = r->received || r->has_before;

	if (!follows) {
		r->first_seq = seq;
	} else if (at - r->last_ns > r->gap_ns) {
		r->gap_ns = at - r->last_ns;
		r->gap_from = r->last_ns;
		r->gap_to = at;
	}
	if (follows && seq <= r->seen_max)
		r->late++;
	else
		r->seen_max = seq;
	report_mark(r, seq);
	if (at - sent > r->delay_max)
		r->delay_max = at - sent;
	r->last_ns = at;
	r->received++;
}

/* The last packet before the window: a silence and a loss may begin with it. */
static void report_before(struct flow_report *r, uint64_t at, uint64_t seq)
{
	r->last_ns = at;
	r->first_seq = seq + 1;
	r->seen_max = seq;
	r->has_before = true;
}

/* report LOG [FROM_NS [TO_NS]]: the longest silence and what is missing. */
static int cmd_report(int argc, char **argv)
{
	uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t to = argc > 2 ? strtoull(argv[2], NULL, 10) : UINT64_MAX;
	struct flow_report r = { 0 };
	uint64_t at, seq, sent;
	FILE *log;

	if (argc < 1)
		return 2;
	log = fopen(argv[0], "re");
	if (!log)
		return die(argv[0]);
	while (fscanf(log, "%" SCNu64 " %" SCNu64 " %" SCNu64, &at, &seq, &sent) == 3)
		if (at < from)
			report_before(&r, at, seq);
		else if (at <= to)
			report_add(&r, at, seq, sent);
	fclose(log);
	printf("received=%" PRIu64 "\nfirst_seq=%" PRIu64 "\nlast_seq=%" PRIu64 "\n", r.received,
	       r.first_seq, r.seen_max);
	printf("lost=%" PRIu64 "\nlate=%" PRIu64 "\n",
	       r.received ? r.seen_max - r.first_seq + 1 - r.distinct : 0, r.late);
	printf("gap_ns=%" PRIu64 "\ngap_from=%" PRIu64 "\ngap_to=%" PRIu64 "\nlast_ns=%" PRIu64
	       "\ndelay_max=%" PRIu64 "\n",
	       r.gap_ns, r.gap_from, r.gap_to, r.last_ns, r.delay_max);
	return 0;
}

/* mark IFACE TEXT: a frame that no IP stack looks at; TEXT is in the capture. */
static int cmd_mark(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	unsigned char frame[128] = { 2, 0, 0, 0, 0xff, 1, 2, 0, 0, 0, 0xff, 2, 0x88, 0xb5 };
	int fd;

	if (argc < 2)
		return 2;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return die("packet socket");
	to.sll_protocol = htons(MARK_ETHERTYPE);
	to.sll_ifindex = (int)if_nametoindex(argv[0]);
	if (!to.sll_ifindex)
		return die(argv[0]);
	snprintf((char *)frame + 14, sizeof(frame) - 14, "%s", argv[1]);
	if (sendto(fd, frame, sizeof(frame), 0, (void *)&to, sizeof(to)) != (ssize_t)sizeof(frame))
		return die("mark");
	return 0;
}

/*
 * In virtual time an idle machine skips to its next timer, so a minute may pass while a
 * program waits for a page of the host's disk. Whoever waits for its start keeps the
 * processor from idling, and takes it from nobody.
 */
static void idle_no_more(void)
{
	struct sched_param none = { 0 };

	sched_setscheduler(0, SCHED_IDLE, &none);
}

/*
 * notify SOCKET SECONDS COMMAND…: runs COMMAND with NOTIFY_SOCKET set in the
 * background, waits for READY=1, prints its pid.
 */
static int cmd_notify(int argc, char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	uint64_t end;
	pid_t pid;
	int fd;

	if (argc < 3)
		return 2;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", argv[0]);
	unlink(argv[0]);
	/* As systemd's: what gave up root before it was ready may write there. */
	if (fd < 0 || bind(fd, (void *)&at, sizeof(at)) || chmod(argv[0], 0777))
		return die(argv[0]);
	setenv("NOTIFY_SOCKET", argv[0], 1);
	end = clock_ns(CLOCK_BOOTTIME) + strtoull(argv[1], NULL, 10) * NSEC;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		setsid();
		execvp(argv[2], argv + 2);
		_exit(die(argv[2]));
	}
	idle_no_more();
	while (clock_ns(CLOCK_BOOTTIME) < end) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		char text[256];
		ssize_t n;

		if (poll(&pfd, 1, 0) <= 0) {
			if (kill(pid, 0))
				break;
			continue;
		}
		n = recv(fd, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = 0;
		if (strstr(text, "READY=1")) {
			printf("%d\n", (int)pid);
			return 0;
		}
	}
	fprintf(stderr, "udpflow: %s did not say READY=1 in %s s\n", argv[2], argv[1]);
	return 1;
}

/* A netlink socket of that protocol that listens to anything. */
static bool listens(int fd, int protocol)
{
	socklen_t len = sizeof(int);
	uint32_t groups[16] = { 0 };
	int domain = 0, proto = -1;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) || domain != AF_NETLINK ||
	    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &proto, &len) || proto != protocol)
		return false;
	len = sizeof(groups);
	if (getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &len))
		return false;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i])
			return true;
	return false;
}

/*
 * rcvbuf PID PROTOCOL BYTES: that much room for the sockets by which the process hears
 * of that netlink protocol's events; prints how many there are.
 */
static int cmd_rcvbuf(int argc, char **argv)
{
	int pidfd, protocol, bytes, found = 0;

	if (argc < 3)
		return 2;
	protocol = atoi(argv[1]);
	bytes = atoi(argv[2]);
	pidfd = (int)syscall(SYS_pidfd_open, atoi(argv[0]), 0);
	if (pidfd < 0)
		return die(argv[0]);
	for (int n = 0; n < 256; n++) {
		int fd = (int)syscall(SYS_pidfd_getfd, pidfd, n, 0);

		if (fd < 0)
			continue;
		if (listens(fd, protocol)) {
			if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
				return die("SO_RCVBUFFORCE");
			found++;
		}
		close(fd);
	}
	printf("%d\n", found);
	return !found;
}

/*
 * The last whole line behind where @f stands that @of matches, into @line; the next
 * call goes on from there: a log may have thousands. False: none, @line is as it was.
 */
static bool next_match(FILE *f, const regex_t *of, char *line, size_t size)
{
	long at = ftell(f);
	char *text = NULL;
	size_t room = 0;
	bool any = false;
	ssize_t n;

	clearerr(f);
	while ((n = getline(&text, &room, f)) > 0 && text[n - 1] == '\n') {
		at += n;
		if (regexec(of, text, 0, NULL, 0))
			continue;
		snprintf(line, size, "%s", text);
		any = true;
	}
	free(text);
	fseek(f, at, SEEK_SET);
	return any;
}

/*
 * await FILE SECONDS OF WANTED: until the last line of FILE that matches the
 * regular expression OF matches WANTED too. One process for the whole wait:
 * in virtual time waiting is free, starting programs is not.
 */
static int cmd_await(int argc, char **argv)
{
	static char line[65536], told[4096];
	regex_t of, wanted;
	uint64_t end, now;
	int changes;
	FILE *f;

	if (argc < 4 || regcomp(&of, argv[2], REG_EXTENDED | REG_NOSUB) ||
	    regcomp(&wanted, argv[3], REG_EXTENDED | REG_NOSUB))
		return 2;
	f = fopen(argv[0], "r");
	changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!f || changes < 0 || inotify_add_watch(changes, argv[0], IN_MODIFY) < 0)
		return die(argv[0]);
	end = clock_ns(CLOCK_BOOTTIME) + strtoull(argv[1], NULL, 10) * NSEC;
	do {
		/* What changes from here on is told. */
		while (read(changes, told, sizeof(told)) > 0)
			;
		if (next_match(f, &of, line, sizeof(line)) && !regexec(&wanted, line, 0, NULL, 0))
			return 0;
		now = clock_ns(CLOCK_BOOTTIME);
		poll(&(struct pollfd){ .fd = changes, .events = POLLIN }, 1,
		     now < end ? (int)((end - now + 999999) / 1000000) : 0);
	} while (clock_ns(CLOCK_BOOTTIME) < end);
	return 1;
}

static int cmd_clock(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("boottime=%" PRIu64 "\nrealtime=%" PRIu64 "\n", clock_ns(CLOCK_BOOTTIME),
	       clock_ns(CLOCK_REALTIME));
	return 0;
}

static int cmd_now(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("%" PRIu64 "\n", clock_ns(CLOCK_BOOTTIME));
	return 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
} commands[] = {
	{ "send", cmd_send, "HOST PORT INTERVAL_US COUNT [ANSWERS]" },
	{ "recv", cmd_recv, "HOST PORT LOG [echo]" },
	{ "report", cmd_report, "LOG [FROM_NS [TO_NS]]" },
	{ "mark", cmd_mark, "IFACE TEXT" },
	{ "await", cmd_await, "FILE SECONDS OF WANTED" },
	{ "notify", cmd_notify, "SOCKET SECONDS COMMAND…" },
	{ "rcvbuf", cmd_rcvbuf, "PID PROTOCOL BYTES" },
	{ "clock", cmd_clock, "" },
	{ "now", cmd_now, "" },
};

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_signal };
	size_t i;
	int rc = 2;

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	signal(SIGCHLD, SIG_IGN);
	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			rc = commands[i].run(argc - 2, argv + 2);
	if (rc == 2)
		for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			fprintf(stderr, "usage: udpflow %s %s\n", commands[i].name,
				commands[i].usage);
	return rc;
}
