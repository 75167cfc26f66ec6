// SPDX-License-Identifier: GPL-2.0-or-later
/* Asking the module: one request, one answer; or a dump. */
#include "lib/pp_nl.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/pp_nl_priv.h"

struct pp_nl {
	struct nl_sock *sk;
	int family;
	char error[256];
	const char *bad_attr;
};

/* One request on its way. */
struct exchange {
	struct pp_nl *nl;
	const struct nl_msg *request;
	struct pp_attrs *reply;
	pp_nl_fn fn;
	void *ctx;
	uint32_t seq;
	int result; /* 0, or -errno */
	bool done;
};

int pp_nl_errno(int nle)
{
	static const struct {
		int nle, err;
	} map[] = {
		{ NLE_INTR, EINTR },	      { NLE_AGAIN, EAGAIN },
		{ NLE_EXIST, EEXIST },	      { NLE_NOMEM, ENOMEM },
		{ NLE_PERM, EPERM },	      { NLE_NOACCESS, EACCES },
		{ NLE_OBJ_NOTFOUND, ENOENT }, { NLE_INVAL, EINVAL },
		{ NLE_DUMP_INTR, EINTR },     { NLE_AF_NOSUPPORT, EAFNOSUPPORT },
	};

	if (nle < 0)
		nle = -nle;
	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].nle == nle)
			return -map[i].err;
	return nle ? -EIO : 0;
}

/* ---- what the kernel says of a refusal ----------------------------------- */

/* Name of the attribute of the request that lies at @offset, the innermost one. */
static const char *attr_at(const struct nl_msg *request, uint32_t offset)
{
	struct nlmsghdr *h = nlmsg_hdr((struct nl_msg *)request);
	const struct pp_attr_desc *table = pp_attr_table;
	struct nlattr *nla = genlmsg_attrdata(nlmsg_data(h), 0);
	int rem = genlmsg_attrlen(nlmsg_data(h), 0), max = PREFPEER_A_MAX;

	while (nla_ok(nla, rem)) {
		uint32_t at = (uint32_t)((char *)nla - (char *)h);

		if (at == offset)
			return nla_type(nla) <= max ? table[nla_type(nla)].name : NULL;
		if (offset > at && offset < at + (uint32_t)nla->nla_len) {
			if (table != pp_attr_table || nla_type(nla) != PREFPEER_A_META)
				return NULL;
			table = pp_meta_table;
			max = PREFPEER_A_META_MAX;
			rem = nla_len(nla);
			nla = nla_data(nla);
			continue;
		}
		nla = nla_next(nla, &rem);
	}
	return NULL;
}

static void note_missing(struct pp_nl *nl, uint32_t type)
{
	if (type > PREFPEER_A_MAX || !pp_attr_table[type].name)
		return;
	nl->bad_attr = pp_attr_table[type].name;
	snprintf(nl->error, sizeof(nl->error), "%s is missing", nl->bad_attr);
}

/* The TLVs after an error or the end of a dump. */
static void take_extack(struct exchange *x, struct nlattr *head, int len)
{
	struct pp_nl *nl = x->nl;
	struct nlattr *nla;
	int rem;

	nla_for_each_attr(nla, head, len, rem)
	{
		if (nla_type(nla) == NLMSGERR_ATTR_MSG)
			snprintf(nl->error, sizeof(nl->error), "%.*s", nla_len(nla),
				 (const char *)nla_data(nla));
		else if (nla_type(nla) == NLMSGERR_ATTR_OFFS && nla_len(nla) >= 4)
			nl->bad_attr = attr_at(x->request, nla_get_u32(nla));
		else if (nla_type(nla) == NLMSGERR_ATTR_MISS_TYPE && nla_len(nla) >= 4)
			note_missing(nl, nla_get_u32(nla));
	}
}

static void note_errno(struct pp_nl *nl, int err)
{
	if (nl->error[0])
		return;
	if (err == -EPERM)
		snprintf(nl->error, sizeof(nl->error),
			 "not permitted: CAP_NET_ADMIN in this network namespace is needed");
	else
		snprintf(nl->error, sizeof(nl->error), "%s", strerror(-err));
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct nlmsghdr *h = (struct nlmsghdr *)((char *)e - NLMSG_HDRLEN);
	struct exchange *x = arg;
	uint32_t skip = sizeof(*e);

	x->done = true;
	x->result = e->error;
	/* Without NETLINK_CAP_ACK the whole request comes back first. */
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - NLMSG_HDRLEN;
	if (h->nlmsg_flags & NLM_F_ACK_TLVS && h->nlmsg_len > NLMSG_HDRLEN + skip)
		take_extack(x, (struct nlattr *)((char *)e + NLMSG_ALIGN(skip)),
			    (int)(h->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(skip)));
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	x->done = true;
	return NL_STOP;
}

/* A dump that fails on its way says so in NLMSG_DONE. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct exchange *x = arg;
	int err = 0;

	x->done = true;
	if (nlmsg_datalen(h) >= (int)sizeof(err))
		memcpy(&err, nlmsg_data(h), sizeof(err));
	if (!x->result)
		x->result = err;
	if (err < 0 && h->nlmsg_flags & NLM_F_ACK_TLVS)
		take_extack(x, (struct nlattr *)((char *)nlmsg_data(h) + NLMSG_ALIGN(sizeof(err))),
			    nlmsg_datalen(h) - (int)NLMSG_ALIGN(sizeof(err)));
	return NL_STOP;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *g = nlmsg_data(nlmsg_hdr(msg));
	struct exchange *x = arg;
	struct pp_attrs a;
	int rc;

	rc = pp_attrs_decode((uint8_t *)genlmsg_attrdata(g, 0), (size_t)genlmsg_attrlen(g, 0), &a);
	if (rc) {
		x->result = rc;
		snprintf(x->nl->error, sizeof(x->nl->error),
			 "the kernel sent an attribute that is too short");
	} else if (x->fn) {
		if (!x->result)
			x->result = x->fn(x->ctx, &a);
	} else if (x->reply) {
		*x->reply = a;
		x->done = true; /* no ACK was asked for */
		return NL_STOP;
	}
	return NL_OK;
}

/* What is left of a request that nobody waited for (pp_nl_tell) is no answer to this one. */
static int on_seq(struct nl_msg *msg, void *arg)
{
	const struct exchange *x = arg;

	return nlmsg_hdr(msg)->nlmsg_seq == x->seq ? NL_OK : NL_SKIP;
}

/* ---- exchanges ----------------------------------------------------------- */

/* To the end of the answer, even after the caller had enough: the socket stays usable. */
static int run(struct exchange *x)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	bool interrupted = false;
	int rc = 0;

	if (!cb)
		return -ENOMEM;
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_seq, x);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, x);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, x);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, x);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, x);
	while (!x->done) {
		rc = nl_recvmsgs(x->nl->sk, cb);
		if (rc == -NLE_DUMP_INTR)
			interrupted = true;
		else if (rc < 0 && !x->done)
			break;
	}
	nl_cb_put(cb);
	if (!x->done)
		return pp_nl_errno(rc);
	if (!x->result && interrupted)
		return -EINTR;
	return x->result;
}

/* 0, -EMSGSIZE, or what sending it gave. */
static int ask(struct exchange *x, struct nl_msg *msg, int cmd, int flags,
	       const struct pp_attrs *req)
{
	struct pp_nl *nl = x->nl;
	int rc;

	x->request = msg;
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0, flags, (uint8_t)cmd,
			 PREFPEER_FAMILY_VERSION) ||
	    (req && pp_attrs_put(msg, req)))
		return -EMSGSIZE;
	rc = nl_send_auto(nl->sk, msg);
	x->seq = nlmsg_hdr(msg)->nlmsg_seq;
	return rc < 0 ? pp_nl_errno(rc) : 0;
}

static int transact(struct exchange *x, int cmd, int flags, const struct pp_attrs *req)
{
	struct pp_nl *nl = x->nl;
	struct nl_msg *msg = nlmsg_alloc();
	int rc = msg ? 0 : -ENOMEM;

	nl->error[0] = '\0';
	nl->bad_attr = NULL;
	if (!rc)
		rc = ask(x, msg, cmd, flags, req);
	if (!rc)
		rc = run(x);
	nlmsg_free(msg);
	if (rc)
		note_errno(nl, rc);
	return rc;
}

int pp_nl_do(struct pp_nl *nl, int cmd, const struct pp_attrs *req, struct pp_attrs *reply)
{
	struct exchange x = { .nl = nl, .reply = reply };

	if (reply)
		memset(reply, 0, sizeof(*reply));
	/* The reply says that it is done, an error says so unasked. */
	return transact(&x, cmd, reply ? 0 : NLM_F_ACK, req);
}

/* Refusals that nobody waited for, so that they do not fill the socket. */
static void drain(struct pp_nl *nl)
{
	char byte;

	while (recv(nl_socket_get_fd(nl->sk), &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
}

int pp_nl_tell(struct pp_nl *nl, int cmd, const struct pp_attrs *req)
{
	struct exchange x = { .nl = nl };
	struct nl_msg *msg = nlmsg_alloc();
	int rc = msg ? 0 : -ENOMEM;

	drain(nl);
	if (!rc)
		rc = ask(&x, msg, cmd, 0, req);
	nlmsg_free(msg);
	return rc;
}

int pp_nl_dump(struct pp_nl *nl, int cmd, const struct pp_attrs *filter, pp_nl_fn fn, void *ctx)
{
	struct exchange x = { .nl = nl, .fn = fn, .ctx = ctx };

	return transact(&x, cmd, NLM_F_DUMP, filter);
}

const char *pp_nl_error(const struct pp_nl *nl)
{
	return nl->error;
}

const char *pp_nl_bad_attr(const struct pp_nl *nl)
{
	return nl->bad_attr;
}

/* ---- the socket ---------------------------------------------------------- */

int pp_nl_open(struct pp_nl **out)
{
	struct pp_nl *nl = calloc(1, sizeof(*nl));
	int one = 1, rc;

	if (!nl)
		return -ENOMEM;
	nl->sk = nl_socket_alloc();
	rc = nl->sk ? genl_connect(nl->sk) : -NLE_NOMEM;
	if (!rc) {
		nl->family = genl_ctrl_resolve(nl->sk, PREFPEER_FAMILY_NAME);
		rc = nl->family < 0 ? nl->family : 0;
	}
	if (rc) {
		pp_nl_close(nl);
		return pp_nl_errno(rc);
	}
	/* ACKs where they are of use, and answers told apart by on_seq(). */
	nl_socket_disable_auto_ack(nl->sk);
	/* Each only makes errors say more; a kernel without them still answers. */
	setsockopt(nl_socket_get_fd(nl->sk), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl_socket_get_fd(nl->sk), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	*out = nl;
	return 0;
}

void pp_nl_close(struct pp_nl *nl)
{
	if (!nl)
		return;
	if (nl->sk)
		nl_socket_free(nl->sk);
	free(nl);
}
