// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * wire FILE [OFFSET [FROM [TO]]]: the tap's capture as one line per frame, for
 * grep and awk: those from FROM to TO, 0 = until the end.
 *
 *   TIME ike SRC DST sport=N dport=N ispi=X rspi=X exch=NAME init=0|1 resp=0|1 mid=N len=N
 *   TIME esp SRC DST spi=X seq=N len=N [udp]
 *   TIME ah SRC DST spi=X seq=N next=N len=N
 *   TIME keepalive SRC DST
 *   TIME icmp|icmp6|udp|tcp|ip-N SRC DST [sport=N dport=N] len=N
 *   TIME mark TEXT
 *   TIME arp / TIME other type=X
 *
 * TIME is the capture's, CLOCK_REALTIME, minus OFFSET, in nanoseconds, as are
 * OFFSET, FROM and TO. Reads pcap of Ethernet
 * frames, micro- or nanoseconds, of this machine's byte order. A frame that is
 * still being written ends the file.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCAP_USEC 0xa1b2c3d4u
#define PCAP_NSEC 0xa1b23c4du
#define DLT_EN10MB 1

struct frame {
	const uint8_t *at;
	size_t len;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

/* RFC 7296 section 3.1 */
static const char *exchange(uint8_t type)
{
	switch (type) {
	case 34: return "IKE_SA_INIT";
	case 35: return "IKE_AUTH";
	case 36: return "CREATE_CHILD_SA";
	case 37: return "INFORMATIONAL";
	default: return "unknown";
	}
}

static void print_ike(const struct frame *f, const uint8_t *p, size_t len, uint16_t sport,
		      uint16_t dport)
{
	if (len < 28) {
		printf("ike-short %s %s len=%zu\n", f->src, f->dst, len);
		return;
	}
	printf("ike %s %s sport=%u dport=%u ispi=%016" PRIx64 " rspi=%016" PRIx64
	       " exch=%s init=%d resp=%d mid=%u len=%zu",
	       f->src, f->dst, sport, dport, get64(p), get64(p + 8), exchange(p[18]),
	       !!(p[19] & 0x08), !!(p[19] & 0x20), get32(p + 20), len);
	if (p[16] == 53 && len >= 36) /* SKF, RFC 7383 section 2.5 */
		printf(" frag=%u/%u", get16(p + 32), get16(p + 34));
	putchar('\n');
}

static void print_esp(const struct frame *f, const uint8_t *p, size_t len, const char *note)
{
	if (len < 8) {
		printf("esp-short %s %s len=%zu\n", f->src, f->dst, len);
		return;
	}
	printf("esp %s %s spi=%08x seq=%u len=%zu%s\n", f->src, f->dst, get32(p), get32(p + 4),
	       len, note);
}

/* RFC 4302 section 2; next: 4 and 41 of a tunnel, else what is inside. */
static void print_ah(const struct frame *f, const uint8_t *p, size_t len)
{
	if (len < 12) {
		printf("ah-short %s %s len=%zu\n", f->src, f->dst, len);
		return;
	}
	printf("ah %s %s spi=%08x seq=%u next=%u len=%zu\n", f->src, f->dst, get32(p + 4),
	       get32(p + 8), p[0], len);
}

static void print_udp(const struct frame *f, const uint8_t *p, size_t len)
{
	uint16_t sport, dport;

	if (len < 8) {
		printf("udp %s %s len=%zu\n", f->src, f->dst, len);
		return;
	}
	sport = get16(p);
	dport = get16(p + 2);
	p += 8;
	len -= 8;
	if (sport == 500 || dport == 500)
		print_ike(f, p, len, sport, dport);
	else if (sport != 4500 && dport != 4500)
		printf("udp %s %s sport=%u dport=%u len=%zu\n", f->src, f->dst, sport, dport, len);
	else if (len == 1 && p[0] == 0xff) /* RFC 3948 section 2.3 */
		printf("keepalive %s %s sport=%u dport=%u\n", f->src, f->dst, sport, dport);
	else if (len >= 4 && !get32(p))
		print_ike(f, p + 4, len - 4, sport, dport);
	else
		print_esp(f, p, len, " udp");
}

static void print_tcp(const struct frame *f, const uint8_t *p, size_t len)
{
	if (len < 4)
		printf("tcp %s %s len=%zu\n", f->src, f->dst, len);
	else
		printf("tcp %s %s sport=%u dport=%u len=%zu\n", f->src, f->dst, get16(p),
		       get16(p + 2), len);
}

static void print_l4(const struct frame *f, uint8_t proto, const uint8_t *p, size_t len)
{
	switch (proto) {
	case 50: print_esp(f, p, len, ""); break;
	case 51: print_ah(f, p, len); break;
	case 17: print_udp(f, p, len); break;
	case 6: print_tcp(f, p, len); break;
	case 1: printf("icmp %s %s type=%d len=%zu\n", f->src, f->dst, len ? p[0] : -1, len); break;
	case 58: printf("icmp6 %s %s type=%d len=%zu\n", f->src, f->dst, len ? p[0] : -1, len); break;
	default: printf("ip-%u %s %s len=%zu\n", proto, f->src, f->dst, len);
	}
}

static void print_ip4(struct frame *f, const uint8_t *p, size_t len)
{
	size_t header, total;

	if (len < 20 || (p[0] & 0x0f) < 5) {
		printf("other type=0800\n");
		return;
	}
	header = (size_t)(p[0] & 0x0f) * 4;
	total = get16(p + 2);
	if (total < len)
		len = total; /* Ethernet padding */
	inet_ntop(AF_INET, p + 12, f->src, sizeof(f->src));
	inet_ntop(AF_INET, p + 16, f->dst, sizeof(f->dst));
	if (len < header)
		printf("other type=0800\n");
	else if (get16(p + 6) & 0x1fff)
		printf("fragment %s %s proto=%u len=%zu\n", f->src, f->dst, p[9], len - header);
	else
		print_l4(f, p[9], p + header, len - header);
}

static void print_ip6(struct frame *f, const uint8_t *p, size_t len)
{
	uint8_t next;

	if (len < 40) {
		printf("other type=86dd\n");
		return;
	}
	inet_ntop(AF_INET6, p + 8, f->src, sizeof(f->src));
	inet_ntop(AF_INET6, p + 24, f->dst, sizeof(f->dst));
	next = p[6];
	p += 40;
	len -= 40;
	if (next == 0 && len >= 8) { /* hop-by-hop: MLD */
		size_t ext = ((size_t)p[1] + 1) * 8;

		if (ext <= len) {
			next = p[0];
			p += ext;
			len -= ext;
		}
	}
	if (next == 44 && len >= 8)
		printf("fragment %s %s proto=%u len=%zu\n", f->src, f->dst, p[0], len - 8);
	else
		print_l4(f, next, p, len);
}

static void print_frame(struct frame *f)
{
	const uint8_t *p = f->at + 14;
	size_t len = f->len - 14;

	switch (get16(f->at + 12)) {
	case 0x0800: print_ip4(f, p, len); break;
	case 0x86dd: print_ip6(f, p, len); break;
	case 0x0806: printf("arp\n"); break;
	case 0x88b5: printf("mark %.*s\n", (int)strnlen((const char *)p, len), (const char *)p); break;
	default: printf("other type=%04x\n", get16(f->at + 12));
	}
}

static int64_t argument(int argc, char **argv, int n)
{
	return n < argc ? strtoll(argv[n], NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	static uint8_t data[262144];
	int64_t offset = argument(argc, argv, 2);
	int64_t from = argument(argc, argv, 3), to = argument(argc, argv, 4);
	uint32_t head[6], rec[4];
	FILE *in;

	if (argc < 2 || argc > 5) {
		fprintf(stderr, "usage: wire FILE [OFFSET [FROM [TO]]]\n");
		return 1;
	}
	in = fopen(argv[1], "re");
	if (!in) {
		fprintf(stderr, "wire: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	if (fread(head, sizeof(head), 1, in) != 1 ||
	    (head[0] != PCAP_USEC && head[0] != PCAP_NSEC) || head[5] != DLT_EN10MB) {
		fprintf(stderr, "wire: %s: not a capture of Ethernet frames\n", argv[1]);
		return 1;
	}
	while (fread(rec, sizeof(rec), 1, in) == 1) {
		struct frame f = { .at = data, .len = rec[2] };
		int64_t at = rec[0] * 1000000000LL - offset +
			     (head[0] == PCAP_NSEC ? rec[1] : rec[1] * 1000);

		if (rec[2] > sizeof(data)) {
			fprintf(stderr, "wire: %s: frame of %u bytes\n", argv[1], rec[2]);
			return 1;
		}
		if (fread(data, 1, rec[2], in) != rec[2])
			break;
		if (at < from || (to && at > to))
			continue;
		printf("%" PRId64 " ", at);
		if (f.len < 14)
			printf("other type=short\n");
		else
			print_frame(&f);
	}
	fclose(in);
	return 0;
}
