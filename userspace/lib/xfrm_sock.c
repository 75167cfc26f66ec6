// SPDX-License-Identifier: GPL-2.0-or-later
/* The request socket: one message out, its answer in, the kernel's reasons logged. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/xfrm_msg.h"

#define DUMP_BUF 65536 /* bytes; the kernel fills up to 32 KiB at a time */

struct xfrm {
	struct mnl_socket *nl;
	uint32_t portid;
	uint32_t seq;
	bool has_sa_dir;
	_Alignas(8) uint8_t req[XFRM_BUF_SIZE]; /* may hold keys: wiped after each request */
	_Alignas(8) uint8_t ans[DUMP_BUF];     /* likewise */
};

typedef int (*answer_fn)(void *ctx, const struct nlmsghdr *nlh);

/* The kernel's sentence in an error message, or "". */
static const char *ext_text(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return "";
	mnl_attr_for_each(attr, nlh, sizeof(struct nlmsgerr)) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
			return mnl_attr_get_str(attr);
	}
	return "";
}

static void log_refusal(const char *what, int err, const char *ext)
{
	if (!what)
		return;
	log_err("xfrm", "the kernel refused to %s: %s%s%s", what, strerror(-err),
		*ext ? ": " : "", ext);
}

/* 1 = the answer is complete, 0 = more follows, or -errno. */
static int take(struct xfrm *x, const struct nlmsghdr *nlh, const char *what, answer_fn fn,
		void *ctx)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	int err;

	if (nlh->nlmsg_seq != x->seq)
		return 0; /* left over from a request that was given up */
	if (nlh->nlmsg_type == NLMSG_DONE)
		return 1;
	if (nlh->nlmsg_type != NLMSG_ERROR)
		return fn ? fn(ctx, nlh) : 0;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(e->error))
		return -EBADMSG;
	if (!e->error)
		return 1;
	err = e->error;
	if (err != -ESRCH && err != -ENOENT)
		log_refusal(what, err, ext_text(nlh));
	return err;
}

static int take_all(struct xfrm *x, ssize_t n, const char *what, answer_fn fn, void *ctx)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)x->ans;
	int left = (int)n;
	int ret = 0;

	while (!ret && mnl_nlmsg_ok(nlh, left)) {
		ret = take(x, nlh, what, fn, ctx);
		nlh = mnl_nlmsg_next(nlh, &left);
	}
	return ret;
}

/* @what: "add SA …", for the log; NULL: refusals are expected and stay unlogged. */
static int exchange(struct xfrm *x, struct nlmsghdr *nlh, const char *what, answer_fn fn,
		    void *ctx)
{
	size_t len;
	ssize_t n;
	int ret = 0;

	nlh->nlmsg_flags |= NLM_F_REQUEST | (nlh->nlmsg_flags & NLM_F_DUMP ? 0 : NLM_F_ACK);
	nlh->nlmsg_seq = ++x->seq;
	/* The notices that this request causes carry it: that is how ours are known. */
	nlh->nlmsg_pid = x->portid;
	len = nlh->nlmsg_len;
	if (mnl_socket_sendto(x->nl, nlh, len) < 0)
		ret = -errno;
	xfrm_wipe(x->req, len);
	while (!ret) {
		n = mnl_socket_recvfrom(x->nl, x->ans, sizeof(x->ans));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			ret = -errno;
			break;
		}
		ret = take_all(x, n, what, fn, ctx);
		xfrm_wipe(x->ans, (size_t)n);
	}
	return ret > 0 ? 0 : ret;
}

/* A GETSA for nothing: with the attribute, 6.10 and later refuse before they look. */
static bool ask_sa_dir(struct xfrm *x)
{
	struct kernel_sa_id id = { .dst.family = AF_INET, .spi = 1, .proto = IPPROTO_ESP };
	struct nlmsghdr *nlh = xfrm_build_sa_id(x->req, XFRM_MSG_GETSA, &id);

	mnl_attr_put_u8(nlh, XFRMA_SA_DIR_, XFRM_SA_DIR_IN_);
	return exchange(x, nlh, NULL, NULL, NULL) == -EINVAL;
}

int xfrm_open(struct xfrm **out)
{
	struct xfrm *x = calloc(1, sizeof(*x));
	int one = 1;
	int err;

	if (!x)
		return -ENOMEM;
	x->nl = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC);
	if (!x->nl || mnl_socket_bind(x->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		xfrm_close(x);
		return err;
	}
	mnl_socket_setsockopt(x->nl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(x->nl, NETLINK_CAP_ACK, &one, sizeof(one));
	x->portid = mnl_socket_get_portid(x->nl);
	x->has_sa_dir = ask_sa_dir(x);
	*out = x;
	return 0;
}

void xfrm_close(struct xfrm *x)
{
	if (!x)
		return;
	if (x->nl)
		mnl_socket_close(x->nl);
	free(x);
}

uint32_t xfrm_portid(const struct xfrm *x)
{
	return x->portid;
}

bool xfrm_has_sa_dir(const struct xfrm *x)
{
	return x->has_sa_dir;
}

/* ---- states -------------------------------------------------------------- */

static void sa_text(char *buf, size_t size, const char *verb, const struct kernel_sa_id *id)
{
	char a[ADDR_STRLEN];

	snprintf(buf, size, "%s the SA to %s with SPI 0x%08x", verb,
		 addr_print(&id->dst, a, sizeof(a)), id->spi);
}

int xfrm_sa_put(struct xfrm *x, const struct kernel_sa *sa)
{
	struct nlmsghdr *nlh;
	char what[120];
	int err = xfrm_build_sa(x->req, sa, x->has_sa_dir, &nlh);

	if (err) {
		xfrm_wipe(x->req, sizeof(x->req));
		return err;
	}
	sa_text(what, sizeof(what), sa->replace ? "change" : "add", &sa->id);
	return exchange(x, nlh, what, NULL, NULL);
}

int xfrm_sa_del(struct xfrm *x, const struct kernel_sa_id *id)
{
	char what[120];

	sa_text(what, sizeof(what), "delete", id);
	return exchange(x, xfrm_build_sa_id(x->req, XFRM_MSG_DELSA, id), what, NULL, NULL);
}

static int one_sa(void *ctx, const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_type == XFRM_MSG_NEWSA ? xfrm_parse_sa(nlh, ctx) : 0;
}

int xfrm_sa_get(struct xfrm *x, const struct kernel_sa_id *id, struct xfrm_sa_info *out)
{
	char what[120];

	sa_text(what, sizeof(what), "read", id);
	return exchange(x, xfrm_build_sa_id(x->req, XFRM_MSG_GETSA, id), what, one_sa, out);
}

struct comparison {
	const struct nlmsghdr *want;
	bool same;
};

static int compare_sa(void *ctx, const struct nlmsghdr *nlh)
{
	struct comparison *c = ctx;

	c->same = nlh->nlmsg_type == XFRM_MSG_NEWSA && xfrm_is_same_sa(nlh, c->want);
	return 0;
}

int xfrm_sa_same(struct xfrm *x, const struct kernel_sa *sa)
{
	char buf[XFRM_BUF_SIZE];
	struct nlmsghdr *want;
	struct comparison c = { 0 };
	char what[120];
	int err = xfrm_build_sa(buf, sa, x->has_sa_dir, &want);

	sa_text(what, sizeof(what), "read", &sa->id);
	c.want = want;
	if (!err)
		err = exchange(x, xfrm_build_sa_id(x->req, XFRM_MSG_GETSA, &sa->id), what,
			       compare_sa, &c);
	xfrm_wipe(buf, sizeof(buf));
	return err ? err : c.same;
}

/* A dump, kept until the kernel has said all of it. */
struct pile {
	size_t size; /* of one */
	size_t n, room;
	char *at;
};

static void *pile_next(struct pile *p)
{
	size_t room = p->room ? p->room * 2 : 64;
	char *at;

	if (p->n == p->room) {
		at = reallocarray(p->at, room, p->size);
		if (!at)
			return NULL;
		p->at = at;
		p->room = room;
	}
	return p->at + p->n * p->size;
}

static int pile_sa(void *ctx, const struct nlmsghdr *nlh)
{
	struct pile *p = ctx;
	struct xfrm_sa_info *sa = pile_next(p);
	int err;

	if (!sa)
		return -ENOMEM;
	err = nlh->nlmsg_type == XFRM_MSG_NEWSA ? xfrm_parse_sa(nlh, sa) : -ENOENT;
	if (!err && sa->e.id.proto != IPPROTO_ESP && sa->e.id.proto != IPPROTO_AH)
		return 0;
	if (!err)
		p->n++;
	return err == -ENOENT ? 0 : err;
}

int xfrm_sa_dump(struct xfrm *x, xfrm_sa_fn fn, void *ctx)
{
	struct pile p = { .size = sizeof(struct xfrm_sa_info) };
	int err = exchange(x, xfrm_build_sa_dump(x->req), "list the SAs", pile_sa, &p);

	for (size_t i = 0; !err && i < p.n; i++)
		err = fn(ctx, (struct xfrm_sa_info *)p.at + i);
	free(p.at);
	return err;
}

/* ---- larvals ------------------------------------------------------------- */

struct larvals {
	const struct addr *src, *dst;
	uint32_t reqid;
	struct pile found;
};

static bool is_larval(const struct larvals *l, const struct xfrm_sa_info *sa)
{
	return !sa->e.id.spi && sa->e.r.reqid == l->reqid && addr_equal(&sa->e.r.src, l->src) &&
	       addr_equal(&sa->e.id.dst, l->dst);
}

static int keep_larval(void *ctx, const struct xfrm_sa_info *sa)
{
	struct larvals *l = ctx;
	struct xfrm_sa_info *at;

	if (!is_larval(l, sa))
		return 0;
	at = pile_next(&l->found);
	if (!at)
		return -ENOMEM;
	*at = *sa;
	l->found.n++;
	return 0;
}

static int larval_kill_one(struct xfrm *x, const struct xfrm_sa_info *larval)
{
	struct xfrm_sa_info sa = { 0 };
	int err;

	err = exchange(x, xfrm_build_allocspi(x->req, larval), "give a larval an SPI", one_sa, &sa);
	if (err)
		return err;
	err = xfrm_sa_del(x, &sa.e.id);
	return err == -ESRCH ? 0 : err;
}

int xfrm_larval_kill(struct xfrm *x, const struct addr *src, const struct addr *dst,
		     uint32_t reqid)
{
	struct larvals l = { src, dst, reqid, { .size = sizeof(struct xfrm_sa_info) } };
	int err;

	if (src->family != dst->family || !addr_is_set(src))
		return -EAFNOSUPPORT;
	/* Without the look, ALLOCSPI would make one where there was none. */
	err = xfrm_sa_dump(x, keep_larval, &l);
	for (size_t i = 0; !err && i < l.found.n; i++)
		err = larval_kill_one(x, (struct xfrm_sa_info *)l.found.at + i);
	free(l.found.at);
	return err;
}

/* ---- policies ------------------------------------------------------------ */

static void policy_text(char *buf, size_t size, const char *verb, const struct kernel_policy *p)
{
	static const char *const dirs[] = { "in", "out", "fwd" };
	char s[SELECTOR_STRLEN];

	snprintf(buf, size, "%s the %s policy for %s", verb, dirs[p->dir],
		 selector_print(&p->sel, s, sizeof(s)));
}

int xfrm_policy_put(struct xfrm *x, const struct kernel_policy *p)
{
	struct nlmsghdr *nlh;
	char what[SELECTOR_STRLEN + 40];
	int err = xfrm_build_policy(x->req, p, &nlh);

	if (err)
		return err;
	policy_text(what, sizeof(what), "install", p);
	return exchange(x, nlh, what, NULL, NULL);
}

int xfrm_policy_del(struct xfrm *x, const struct kernel_policy *p)
{
	struct nlmsghdr *nlh;
	char what[SELECTOR_STRLEN + 40];
	int err = xfrm_build_policy_id(x->req, p, &nlh);

	if (err)
		return err;
	policy_text(what, sizeof(what), "delete", p);
	return exchange(x, nlh, what, NULL, NULL);
}

static int pile_policy(void *ctx, const struct nlmsghdr *nlh)
{
	struct pile *p = ctx;
	struct kernel_policy *pol = pile_next(p);
	int err;

	if (!pol)
		return -ENOMEM;
	err = nlh->nlmsg_type == XFRM_MSG_NEWPOLICY ? xfrm_parse_policy(nlh, pol) : -ENOENT;
	if (!err)
		p->n++;
	return err == -ENOENT ? 0 : err;
}

int xfrm_policy_dump(struct xfrm *x, kernel_policy_fn fn, void *ctx)
{
	struct pile p = { .size = sizeof(struct kernel_policy) };
	int err = exchange(x, xfrm_build_policy_dump(x->req), "list the policies", pile_policy, &p);

	for (size_t i = 0; !err && i < p.n; i++)
		err = fn(ctx, (struct kernel_policy *)p.at + i);
	free(p.at);
	return err;
}
