// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink family of prefpeer.ko under libFuzzer, guided by what KCOV says the
 * kernel ran. Needs a kernel with KCOV (tools/vm/debug-kernel), the module, and a
 * network namespace of its own: kmod_fuzz.sh.
 *
 * An input is a sequence of requests: a byte of operation, one of flags, one of
 * length, and so many bytes of attributes. The highest operations change the SAD, so
 * that there is something to ask for, and something to lose meanwhile.
 *
 * KCOV follows the task that asks, not the worker; the worker's share is found out by
 * KASAN and lockdep, which see it as well.
 */
#include <endian.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/kcov.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../uapi/linux/prefpeer.h"

#define PCS (256 << 10)
#define EDGES (64 << 10)
#define REQUESTS_MAX 16
#define MESSAGE_MAX 8192

enum { OP_SA_ADD = 0xfd, OP_SA_DEL = 0xfe, OP_SA_FLUSH = 0xff };
enum { F_DUMP = 1, F_NO_HEADER = 2 };

/* libFuzzer counts what changes here as coverage. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t edges[EDGES];

static uint64_t *pcs;
static int kcov = -1;
static struct mnl_socket *genl, *xfrm;
static uint16_t family;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- coverage ------------------------------------------------------------ */

static void kcov_open(void)
{
	kcov = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (kcov < 0 || ioctl(kcov, KCOV_INIT_TRACE, PCS))
		die("/sys/kernel/debug/kcov");
	pcs = mmap(NULL, PCS * sizeof(*pcs), PROT_READ | PROT_WRITE, MAP_SHARED, kcov, 0);
	if (pcs == MAP_FAILED || ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC))
		die("kcov");
}

/* An edge is two program counters in a row, as AFL has it. */
static void kcov_take(void)
{
	uint64_t n = __atomic_load_n(&pcs[0], __ATOMIC_RELAXED);
	uint32_t before = 0;

	for (uint64_t i = 1; i <= n && i < PCS; i++) {
		uint32_t at = (uint32_t)(pcs[i] * 0x9e3779b97f4a7c15u >> 40);
		uint8_t *edge = &edges[(at ^ before) % EDGES];

		if (*edge < UINT8_MAX)
			++*edge;
		before = at >> 1;
	}
	__atomic_store_n(&pcs[0], 0, __ATOMIC_RELAXED);
}

/* ---- netlink ------------------------------------------------------------- */

static struct mnl_socket *nl_open(int protocol)
{
	struct timeval patience = { .tv_sec = 5 };
	struct mnl_socket *nl = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	int one = 1;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_setsockopt(nl, NETLINK_EXT_ACK, &one, sizeof(one)) ||
	    setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		die("netlink");
	return nl;
}

/* To the end of what was asked for. What is answered is not judged: nothing may break. */
static void nl_drain(struct mnl_socket *nl)
{
	static uint8_t reply[64 << 10];
	ssize_t got;

	while ((got = mnl_socket_recvfrom(nl, reply, sizeof(reply))) > 0) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)reply;
		int len = (int)got;

		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE)
				return;
	}
}

static struct nlmsghdr *nl_begin(uint16_t type, uint16_t flags)
{
	static uint8_t buf[MESSAGE_MAX];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags | NLM_F_REQUEST | NLM_F_ACK;
	return nlh;
}

static void nl_ask(struct mnl_socket *nl, const struct nlmsghdr *nlh)
{
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) > 0)
		nl_drain(nl);
}

static int family_attr(const struct nlattr *attr, void *ctx)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int family_reply(const struct nlmsghdr *nlh, void *ctx)
{
	return mnl_attr_parse(nlh, GENL_HDRLEN, family_attr, NULL);
}

static void family_find(void)
{
	struct nlmsghdr *nlh = nl_begin(GENL_ID_CTRL, 0);
	struct genlmsghdr *head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	uint8_t reply[8192];
	ssize_t got;

	nlh->nlmsg_flags = NLM_F_REQUEST;
	head->cmd = CTRL_CMD_GETFAMILY;
	head->version = 1;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, "prefpeer");
	if (mnl_socket_sendto(genl, nlh, nlh->nlmsg_len) < 0)
		die("nlctrl");
	got = mnl_socket_recvfrom(genl, reply, sizeof(reply));
	if (got > 0)
		mnl_cb_run(reply, (size_t)got, 0, mnl_socket_get_portid(genl), family_reply, NULL);
	if (!family) {
		fprintf(stderr, "kmod_fuzz: there is no family prefpeer: load the module\n");
		exit(1);
	}
}

/* ---- the SAD ------------------------------------------------------------- */

/* Few SPIs, peers and reqids, so that requests meet them. */
static void sa_fill(struct xfrm_usersa_info *sa, uint8_t pick)
{
	sa->family = AF_INET;
	sa->mode = pick & 1 ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT;
	sa->reqid = pick >> 1 & 3;
	sa->id.proto = IPPROTO_ESP;
	sa->id.spi = htobe32(0x100u + (pick >> 3));
	sa->id.daddr.a4 = htobe32(0x0a000001u + (pick & 1));
	sa->saddr.a4 = htobe32(0x0a000002u - (pick & 1));
	sa->lft.soft_byte_limit = sa->lft.hard_byte_limit = XFRM_INF;
	sa->lft.soft_packet_limit = sa->lft.hard_packet_limit = XFRM_INF;
	/* some of them end by themselves */
	sa->lft.hard_add_expires_seconds = pick & 4 ? 1 : 0;
}

static void put_algorithm(struct nlmsghdr *nlh, uint16_t type, const char *name, unsigned key_bytes)
{
	uint8_t text[sizeof(struct xfrm_algo) + 32] = { 0 };
	struct xfrm_algo *alg = (struct xfrm_algo *)text;

	snprintf(alg->alg_name, sizeof(alg->alg_name), "%s", name);
	alg->alg_key_len = 8 * key_bytes;
	mnl_attr_put(nlh, type, sizeof(*alg) + key_bytes, alg);
}

static void sa_add(uint8_t pick)
{
	struct nlmsghdr *nlh = nl_begin(XFRM_MSG_NEWSA, NLM_F_CREATE);

	sa_fill(mnl_nlmsg_put_extra_header(nlh, sizeof(struct xfrm_usersa_info)), pick);
	put_algorithm(nlh, XFRMA_ALG_AUTH, "hmac(sha1)", 20);
	put_algorithm(nlh, XFRMA_ALG_CRYPT, "ecb(cipher_null)", 0);
	nl_ask(xfrm, nlh);
}

static void sa_del(uint8_t pick)
{
	struct nlmsghdr *nlh = nl_begin(XFRM_MSG_DELSA, 0);
	struct xfrm_usersa_id *id = mnl_nlmsg_put_extra_header(nlh, sizeof(*id));
	struct xfrm_usersa_info sa = { 0 };

	sa_fill(&sa, pick);
	id->daddr = sa.id.daddr;
	id->spi = sa.id.spi;
	id->family = sa.family;
	id->proto = sa.id.proto;
	nl_ask(xfrm, nlh);
}

static void sad_flush(void)
{
	struct nlmsghdr *nlh = nl_begin(XFRM_MSG_FLUSHSA, 0);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct xfrm_usersa_flush));
	nl_ask(xfrm, nlh);
}

/* ---- an input ------------------------------------------------------------ */

/* The attributes are the fuzzer's, byte by byte; so may be a header that is cut short. */
static void family_request(uint8_t op, uint8_t flags, const uint8_t *body, size_t len)
{
	struct nlmsghdr *nlh = nl_begin(family, flags & F_DUMP ? NLM_F_DUMP : 0);
	struct genlmsghdr *head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));

	head->cmd = op;
	head->version = 1;
	memcpy(mnl_nlmsg_get_payload_tail(nlh), body, len);
	nlh->nlmsg_len += (uint32_t)len;
	if (flags & F_NO_HEADER)
		nlh->nlmsg_len = NLMSG_HDRLEN + 1;
	nl_ask(genl, nlh);
}

static void request(uint8_t op, uint8_t flags, const uint8_t *body, size_t len)
{
	if (op == OP_SA_ADD || op == OP_SA_DEL) {
		for (size_t i = 0; i < len && i < 8; i++)
			op == OP_SA_ADD ? sa_add(body[i]) : sa_del(body[i]);
	} else if (op == OP_SA_FLUSH) {
		sad_flush();
	} else {
		family_request(op, flags, body, len);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	genl = nl_open(NETLINK_GENERIC);
	xfrm = nl_open(NETLINK_XFRM);
	family_find();
	kcov_open();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	__atomic_store_n(&pcs[0], 0, __ATOMIC_RELAXED);
	for (int i = 0; i < REQUESTS_MAX && size >= 3; i++) {
		size_t len = data[2] < size - 3 ? data[2] : size - 3;

		request(data[0], data[1], data + 3, len);
		kcov_take();
		data += 3 + len;
		size -= 3 + len;
	}
	return 0;
}
