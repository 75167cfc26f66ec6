// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * soak_tap IFACE: what is on the wire, for as long as anyone likes.
 *
 * Each frame is judged as it comes and then forgotten, but for the last
 * RING_FRAMES, so that memory does not grow. Commands on standard input, a line
 * each, one line of answer each, given after all that was on the wire before:
 *
 *   stats       JSON: frames by kind, clear text, what the socket lost
 *   dump FILE   the last frames as a capture (selftests/wire.c reads it)
 *
 * Clear is a frame with an address of either LAN outside ESP, an ICMP error
 * that quotes one, and whatever is neither ESP, IKE, ARP, ICMP nor a mark.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RING_FRAMES 4096
#define RING_BYTES 192
#define PCAP_NSEC 0xa1b23c4du
#define MARK_ETHERTYPE 0x88b5

enum kind { ESP, IKE, KEEPALIVE, ARP, ICMP, MARK, CLEAR, KINDS };

static const char *const kind_names[KINDS] = {
	"esp", "ike", "keepalive", "arp", "icmp", "mark", "clear",
};

struct kept {
	struct timespec at;
	uint32_t len;
	uint8_t data[RING_BYTES];
};

static struct kept ring[RING_FRAMES];
static uint64_t n_frames, counts[KINDS], lost;
static char first_clear[256];

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* 192.168.1.0/24, 192.168.2.0/24, 172.16.0.0/16: lib_topology.sh and soak/world.py */
static bool inner4(const uint8_t *a)
{
	return (a[0] == 192 && a[1] == 168 && (a[2] == 1 || a[2] == 2)) ||
	       (a[0] == 172 && a[1] == 16);
}

/* fd00:1::/64, fd00:2::/64 */
static bool inner6(const uint8_t *a)
{
	return a[0] == 0xfd && !a[1] && !a[2] && (a[3] == 1 || a[3] == 2);
}

static enum kind udp_kind(const uint8_t *p, size_t len)
{
	uint16_t sport, dport;

	if (len < 8)
		return CLEAR;
	sport = get16(p);
	dport = get16(p + 2);
	if (sport == 500 || dport == 500)
		return IKE;
	if (sport != 4500 && dport != 4500)
		return CLEAR;
	if (len == 9 && p[8] == 0xff)
		return KEEPALIVE;
	return len >= 12 && !p[8] && !p[9] && !p[10] && !p[11] ? IKE : ESP;
}

/* An error quotes the packet that it is about, after eight bytes. */
static enum kind icmp_kind(const uint8_t *p, size_t len)
{
	bool error = len && (p[0] == 3 || p[0] == 4 || p[0] == 5 || p[0] == 11 || p[0] == 12);

	if (error && len >= 28 && (inner4(p + 20) || inner4(p + 24)))
		return CLEAR;
	return ICMP;
}

static enum kind ip4_kind(const uint8_t *p, size_t len)
{
	size_t header = len ? (size_t)(p[0] & 0x0f) * 4 : 0;

	if (len < 20 || header < 20 || len < header || inner4(p + 12) || inner4(p + 16))
		return CLEAR;
	switch (p[9]) {
	case IPPROTO_ESP: return ESP;
	case IPPROTO_UDP: return get16(p + 6) & 0x1fff ? CLEAR : udp_kind(p + header, len - header);
	case IPPROTO_ICMP: return icmp_kind(p + header, len - header);
	default: return CLEAR;
	}
}

static enum kind ip6_kind(const uint8_t *p, size_t len)
{
	if (len < 40 || inner6(p + 8) || inner6(p + 24))
		return CLEAR;
	switch (p[6]) {
	case IPPROTO_ESP: return ESP;
	case IPPROTO_UDP: return udp_kind(p + 40, len - 40);
	case IPPROTO_HOPOPTS: /* MLD */
	case IPPROTO_ICMPV6: return ICMP;
	default: return CLEAR;
	}
}

static enum kind frame_kind(const uint8_t *p, size_t len)
{
	if (len < 14)
		return CLEAR;
	switch (get16(p + 12)) {
	case ETHERTYPE_IP: return ip4_kind(p + 14, len - 14);
	case ETHERTYPE_IPV6: return ip6_kind(p + 14, len - 14);
	case ETHERTYPE_ARP: return ARP;
	case MARK_ETHERTYPE: return MARK;
	default: return CLEAR;
	}
}

static void note_clear(const struct kept *k)
{
	size_t at = (size_t)snprintf(first_clear, sizeof(first_clear), "%lld.%09ld ",
				     (long long)k->at.tv_sec, k->at.tv_nsec);

	for (size_t i = 12; i < 50 && i < k->len && at + 3 < sizeof(first_clear); i++)
		at += (size_t)snprintf(first_clear + at, sizeof(first_clear) - at, "%02x",
				       k->data[i]);
}

static void take(const uint8_t *p, size_t len)
{
	enum kind kind = frame_kind(p, len);
	struct kept *k = &ring[n_frames++ % RING_FRAMES];

	clock_gettime(CLOCK_BOOTTIME, &k->at);
	k->len = (uint32_t)len;
	memcpy(k->data, p, len < RING_BYTES ? len : RING_BYTES);
	if (kind == CLEAR && !counts[CLEAR]++)
		note_clear(k);
	else if (kind != CLEAR)
		counts[kind]++;
}

static void drain(int fd)
{
	static uint8_t data[65536];
	struct tpacket_stats st;
	socklen_t len = sizeof(st);
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), MSG_DONTWAIT)) >= 0)
		take(data, (size_t)n);
	if (!getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st, &len))
		lost += st.tp_drops;
}

static void cmd_stats(void)
{
	printf("{\"frames\":%llu,\"lost\":%llu", (unsigned long long)n_frames,
	       (unsigned long long)lost);
	for (int i = 0; i < KINDS; i++)
		printf(",\"%s\":%llu", kind_names[i], (unsigned long long)counts[i]);
	printf(",\"first_clear\":\"%s\"}\n", first_clear);
}

static void cmd_dump(const char *path)
{
	const uint32_t head[6] = { PCAP_NSEC, 2 | 4 << 16, 0, 0, RING_BYTES, 1 };
	uint64_t i = n_frames > RING_FRAMES ? n_frames - RING_FRAMES : 0;
	FILE *out = fopen(path, "we");

	if (!out) {
		printf("{\"error\":\"%s\"}\n", strerror(errno));
		return;
	}
	fwrite(head, sizeof(head), 1, out);
	for (; i < n_frames; i++) {
		const struct kept *k = &ring[i % RING_FRAMES];
		uint32_t kept = k->len < RING_BYTES ? k->len : RING_BYTES;
		const uint32_t rec[4] = { (uint32_t)k->at.tv_sec, (uint32_t)k->at.tv_nsec, kept,
					  k->len };

		fwrite(rec, sizeof(rec), 1, out);
		fwrite(k->data, kept, 1, out);
	}
	fclose(out);
	printf("{}\n");
}

static void command(int fd, char *line)
{
	line[strcspn(line, "\n")] = 0;
	drain(fd);
	if (!strcmp(line, "stats"))
		cmd_stats();
	else if (!strncmp(line, "dump ", 5))
		cmd_dump(line + 5);
	else
		printf("{\"error\":\"stats or dump FILE\"}\n");
	fflush(stdout);
}

static int open_tap(const char *iface)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int size = 16 << 20, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	at.sll_ifindex = (int)if_nametoindex(iface);
	if (fd < 0 || !at.sll_ifindex ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (void *)&at, sizeof(at)))
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	char line[1024];
	int fd = argc == 2 ? open_tap(argv[1]) : -1;

	if (fd < 0) {
		fprintf(stderr, "soak_tap: %s\n", argc == 2 ? strerror(errno) : "usage: soak_tap IFACE");
		return 1;
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	printf("{}\n");
	fflush(stdout);
	for (;;) {
		struct pollfd on[2] = { { .fd = fd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };

		if (poll(on, 2, -1) < 0)
			return 1;
		if (on[0].revents)
			drain(fd);
		if (on[1].revents) {
			if (!fgets(line, sizeof(line), stdin))
				return 0;
			command(fd, line);
		}
	}
}
