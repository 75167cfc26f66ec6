// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Load for the benchmark, and the clock it is measured with.
 *
 * In virtual time of one instruction per nanosecond CLOCK_MONOTONIC_RAW counts
 * instructions, as long as nobody waits: so nothing here waits while the clock
 * runs, and sender and receiver of a packet are one process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NSEC UINT64_C(1000000000)
#define ADD_BATCH 64
#define ADD_MSG_MAX 512
#define PAYLOAD_MAX 1400
#define PAIR_PACKETS 3

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NSEC + (uint64_t)t.tv_nsec;
}

static int die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	return 1;
}

/* xorshift64*: the same numbers in every run. */
static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

/* A socket of namespace NS, which "ip netns" made; this process stays where it is. */
static int socket_in(const char *ns)
{
	char path[256];
	int here, there, fd = -1;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (here >= 0 && there >= 0 && !setns(there, CLONE_NEWNET)) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (setns(here, CLONE_NEWNET))
			exit(die("setns"));
	}
	close(here);
	close(there);
	return fd;
}

/* packets NS ADDRESS PORT COUNT SIZE: to ADDRESS, which is NS's; taken there each. */
static int cmd_packets(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint64_t begin, end, got = 0, count, i;
	static char buf[PAYLOAD_MAX];
	size_t size;
	int out, in;

	if (argc < 5)
		return 2;
	count = strtoull(argv[3], NULL, 10);
	size = strtoul(argv[4], NULL, 10);
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	if (size > sizeof(buf) || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	in = socket_in(argv[0]);
	out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (in < 0 || out < 0 || bind(in, (void *)&to, sizeof(to)) ||
	    connect(out, (void *)&to, sizeof(to)))
		return die("sockets");
	for (i = 0; i < 64; i++) { /* caches of routes and bundles */
		send(out, buf, size, 0);
		recv(in, buf, sizeof(buf), MSG_DONTWAIT);
	}
	begin = clock_ns(CLOCK_MONOTONIC_RAW);
	for (i = 0; i < count; i++) {
		send(out, buf, size, 0);
		got += recv(in, buf, sizeof(buf), MSG_DONTWAIT) == (ssize_t)size;
	}
	end = clock_ns(CLOCK_MONOTONIC_RAW);
	printf("%" PRIu64 " %" PRIu64 "\n", end - begin, got);
	return got == count ? 0 : 1;
}

/*
 * One NEWSA. Addresses, SPI and reqid have nothing to do with each other: the
 * kernel's hash is daddr + saddr ^ reqid, and if they run together its chains
 * grow and it is them that is measured.
 */
static struct nlmsghdr *newsa(char *buf, unsigned int per_pair)
{
	static uint32_t low, high, reqid, n;
	static const char alg[] = "rfc4106(gcm(aes))";
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct xfrm_usersa_info *sa;
	struct xfrm_algo_aead *aead;
	char attr[sizeof(*aead) + 20] = { 0 };

	nlh->nlmsg_type = XFRM_MSG_NEWSA;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
	sa = mnl_nlmsg_put_extra_header(nlh, sizeof(*sa));
	sa->family = AF_INET;
	if (!(n % per_pair)) {
		low = 0x0a000000 | (uint32_t)(random_next() >> 40);
		high = 0x0b000000 | (uint32_t)(random_next() >> 40);
		reqid = (uint32_t)(random_next() >> 34);
	}
	sa->id.daddr.a4 = htonl(n % 2 ? high : low);
	sa->saddr.a4 = htonl(n % 2 ? low : high);
	n++;
	sa->id.spi = htonl(0x1000 + (uint32_t)(random_next() >> 33));
	sa->id.proto = IPPROTO_ESP;
	sa->reqid = reqid;
	sa->mode = XFRM_MODE_TUNNEL;
	sa->lft.soft_byte_limit = sa->lft.hard_byte_limit = XFRM_INF;
	sa->lft.soft_packet_limit = sa->lft.hard_packet_limit = XFRM_INF;
	aead = (void *)attr;
	memcpy(aead->alg_name, alg, sizeof(alg));
	aead->alg_key_len = 20 * 8;
	aead->alg_icv_len = 128;
	memset(aead->alg_key, 0x5a, 20);
	mnl_attr_put(nlh, XFRMA_ALG_AEAD, sizeof(attr), attr);
	return nlh;
}

/* Sends one batch with an ACK asked for on its last, and takes the answer. */
static int add_batch(struct mnl_socket *nl, unsigned int n, unsigned int per_pair)
{
	static char buf[ADD_BATCH * ADD_MSG_MAX] __attribute__((aligned(8)));
	char answer[8192];
	struct nlmsghdr *nlh = NULL;
	size_t len = 0;
	ssize_t got;

	for (unsigned int i = 0; i < n; i++) {
		nlh = newsa(buf + len, per_pair);
		len += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	nlh->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(nl, buf, len) < 0)
		return -errno;
	got = mnl_socket_recvfrom(nl, answer, sizeof(answer));
	if (got < 0)
		return -errno;
	/* The first answer is the ACK, or the first refusal of the batch. */
	if (mnl_cb_run(answer, (size_t)got, 0, mnl_socket_get_portid(nl), NULL, NULL) < 0)
		return -errno;
	return 0;
}

/* Time that tasks had on the CPU, without the idle one: kernel.org's sched-stats. */
static uint64_t busy_ns(void)
{
	uint64_t v[8] = { 0 };
	char line[512];
	FILE *f = fopen("/proc/schedstat", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "cpu0 %*u %*u %*u %*u %*u %*u %" SCNu64, &v[6]) == 1)
			break;
	if (f)
		fclose(f);
	return v[6];
}

/*
 * add COUNT PER_PAIR: SAs, 1 or 2 per pair. Prints the CPU time that the caller had, which
 * is what each NEWSA takes, and that of all tasks until 3 s later.
 */
static int cmd_add(int argc, char **argv)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC);
	uint64_t own, busy;
	unsigned int per_pair;
	unsigned long count;
	int err = 0;

	if (argc < 2)
		return 2;
	count = strtoul(argv[0], NULL, 10);
	per_pair = atoi(argv[1]) == 1 ? 1 : 2;
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID))
		return die("netlink");
	sched_yield();
	usleep(1000); /* a switch, so that the count is up to date */
	busy = busy_ns();
	own = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	for (unsigned long i = 0; !err && i < count; i += ADD_BATCH)
		err = add_batch(nl, count - i < ADD_BATCH ? count - i : ADD_BATCH,
				per_pair);
	own = clock_ns(CLOCK_THREAD_CPUTIME_ID) - own;
	sleep(3);
	busy = busy_ns() - busy;
	mnl_socket_close(nl);
	if (err) {
		errno = -err;
		return die("NEWSA");
	}
	printf("%" PRIu64 " %" PRIu64 "\n", own, busy);
	return 0;
}

struct shot {
	uint64_t at; /* ns after the start */
	unsigned int pair;
};

static int shot_cmp(const void *a, const void *b)
{
	const struct shot *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void wait_until(uint64_t at)
{
	struct timespec t = { .tv_sec = (time_t)(at / NSEC), .tv_nsec = (long)(at % NSEC) };

	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* Packets of pair I (from 1) at moments that have nothing to do with any tick. */
static unsigned int shots_of(struct shot *s, unsigned int pair, uint64_t idle_ms)
{
	uint64_t at = random_next() % (2 * NSEC);

	for (unsigned int i = 0; i < PAIR_PACKETS; i++) {
		s[i] = (struct shot){ .at = at, .pair = pair };
		at += random_next() % (idle_ms * 800000);
	}
	return PAIR_PACKETS;
}

/*
 * pairs ADDRESS BASE <idle times, ms: three packets each to port BASE + I, I from 1;
 * prints I, T, and boottime before and after the last one.
 */
static int cmd_pairs(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	static uint64_t idle[65536], before[65536], after[65536];
	struct shot *shots;
	unsigned int n = 0, m = 0;
	uint64_t start;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc < 2 || inet_pton(AF_INET, argv[0], &to.sin_addr) != 1)
		return 2;
	while (n + 1 < 65536 && scanf("%" SCNu64, &idle[n + 1]) == 1)
		n++;
	shots = calloc(n * PAIR_PACKETS + 1, sizeof(*shots));
	if (!shots || fd < 0)
		return die("pairs");
	for (unsigned int i = 1; i <= n; i++)
		m += shots_of(shots + m, i, idle[i]);
	qsort(shots, m, sizeof(*shots), shot_cmp);
	start = clock_ns(CLOCK_BOOTTIME) + NSEC / 2;
	for (unsigned int i = 0; i < m; i++) {
		unsigned int p = shots[i].pair;

		wait_until(start + shots[i].at);
		to.sin_port = htons((uint16_t)(atoi(argv[1]) + (int)p));
		before[p] = clock_ns(CLOCK_BOOTTIME);
		if (sendto(fd, "idle?", 5, 0, (void *)&to, sizeof(to)) < 0)
			return die("sendto");
		after[p] = clock_ns(CLOCK_BOOTTIME);
	}
	for (unsigned int i = 1; i <= n; i++)
		printf("%u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i, idle[i], before[i],
		       after[i]);
	free(shots);
	return 0;
}

static const struct {
	const char *name, *usage;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "packets", "NS ADDRESS PORT COUNT SIZE", cmd_packets },
	{ "add", "COUNT PER_PAIR", cmd_add },
	{ "pairs", "ADDRESS BASE <TIMES", cmd_pairs },
};

int main(int argc, char **argv)
{
	int rc = 2;

	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			rc = commands[i].run(argc - 2, argv + 2);
	if (rc == 2)
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			fprintf(stderr, "usage: load %s %s\n", commands[i].name,
				commands[i].usage);
	return rc;
}
