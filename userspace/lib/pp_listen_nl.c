// SPDX-License-Identifier: GPL-2.0-or-later
/* Hearing the module: its three groups, and its coming and going. */
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/pp_nl.h"
#include "lib/pp_nl_priv.h"

#define N_GROUPS 3

static const char *const group_names[N_GROUPS] = {
	PREFPEER_MCGRP_SA,
	PREFPEER_MCGRP_PEER,
	PREFPEER_MCGRP_RULE,
};

struct pp_listener {
	struct nl_sock *sk;
	struct nl_cb *cb;
	unsigned groups;
	int family;		     /* 0 while the module is absent */
	uint32_t next_seq[N_GROUPS]; /* 0 = whatever comes first */
	pp_event_fn fn;		     /* during pp_listen_read */
	void *ctx;
};

unsigned pp_event_group(int cmd)
{
	if (cmd >= PREFPEER_CMD_SA_NEW_NTF && cmd <= PREFPEER_CMD_SA_GONE_NTF)
		return PP_GROUP_SA;
	if (cmd >= PREFPEER_CMD_PAIR_IDLE_NTF && cmd <= PREFPEER_CMD_PEER_HEARD_NTF)
		return PP_GROUP_PEER;
	if (cmd == PREFPEER_CMD_RULE_NEW_NTF || cmd == PREFPEER_CMD_RULE_DEL_NTF)
		return PP_GROUP_RULE;
	return 0;
}

static void tell(struct pp_listener *l, int cmd, unsigned group, uint32_t lost)
{
	struct pp_event ev = { .cmd = cmd, .group = group, .lost = lost };

	l->fn(l->ctx, &ev);
}

static unsigned group_index(unsigned group)
{
	return group == PP_GROUP_SA ? 0 : group == PP_GROUP_PEER ? 1 : 2;
}

uint32_t pp_seq_gap(uint32_t *next, uint32_t seq)
{
	uint32_t lost = *next && seq > *next ? seq - *next : 0;

	*next = seq + 1 ? seq + 1 : 1;
	return lost;
}

static void check_seq(struct pp_listener *l, unsigned group, uint32_t seq)
{
	uint32_t lost = pp_seq_gap(&l->next_seq[group_index(group)], seq);

	if (lost)
		tell(l, PP_EV_LOST, group, lost);
}

/* ---- joining ------------------------------------------------------------- */

/*
 * On a socket of its own: events that arrive meanwhile must not be eaten by
 * the wait for an answer.
 */
static int join(struct pp_listener *l)
{
	struct nl_sock *ask = nl_socket_alloc();
	int rc = ask ? genl_connect(ask) : -NLE_NOMEM;

	if (!rc)
		rc = genl_ctrl_resolve(ask, PREFPEER_FAMILY_NAME);
	if (rc >= 0) {
		l->family = rc;
		memset(l->next_seq, 0, sizeof(l->next_seq));
	}
	for (unsigned i = 0; rc >= 0 && i < N_GROUPS; i++) {
		if (!(l->groups & 1u << i))
			continue;
		rc = genl_ctrl_resolve_grp(ask, PREFPEER_FAMILY_NAME, group_names[i]);
		if (rc >= 0)
			rc = nl_socket_add_membership(l->sk, rc);
	}
	if (rc < 0)
		l->family = 0;
	nl_socket_free(ask);
	return rc < 0 ? pp_nl_errno(rc) : 0;
}

static int join_notify(struct pp_listener *l)
{
	struct nl_sock *ask = nl_socket_alloc();
	int rc = ask ? genl_connect(ask) : -NLE_NOMEM;

	if (!rc)
		rc = genl_ctrl_resolve_grp(ask, "nlctrl", "notify");
	if (rc >= 0)
		rc = nl_socket_add_membership(l->sk, rc);
	nl_socket_free(ask);
	return rc < 0 ? pp_nl_errno(rc) : 0;
}

/* ---- receiving ----------------------------------------------------------- */

static void on_ctrl(struct pp_listener *l, struct nlmsghdr *h)
{
	struct genlmsghdr *g = nlmsg_data(h);
	struct nlattr *name =
		nla_find(genlmsg_attrdata(g, 0), genlmsg_attrlen(g, 0), CTRL_ATTR_FAMILY_NAME);

	if (!name || nla_strcmp(name, PREFPEER_FAMILY_NAME))
		return;
	if (g->cmd == CTRL_CMD_DELFAMILY && l->family) {
		l->family = 0;
		tell(l, PP_EV_MODULE_DOWN, 0, 0);
	} else if (g->cmd == CTRL_CMD_NEWFAMILY && !l->family && !join(l)) {
		tell(l, PP_EV_MODULE_UP, 0, 0);
	}
}

static int on_message(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct genlmsghdr *g = nlmsg_data(h);
	struct pp_listener *l = arg;
	struct pp_event ev = { 0 };

	if (nlmsg_datalen(h) < (int)GENL_HDRLEN)
		return NL_OK;
	if (h->nlmsg_type == GENL_ID_CTRL) {
		on_ctrl(l, h);
		return NL_OK;
	}
	if (!l->family || h->nlmsg_type != l->family)
		return NL_OK;
	ev.cmd = g->cmd;
	ev.group = pp_event_group(g->cmd);
	/* What cannot be read shows as a gap before the next one. */
	if (pp_attrs_decode((uint8_t *)genlmsg_attrdata(g, 0), (size_t)genlmsg_attrlen(g, 0),
			    &ev.a))
		return NL_OK;
	if (ev.group && PP_HAS(&ev.a, PREFPEER_A_SEQ))
		check_seq(l, ev.group, ev.a.seq);
	l->fn(l->ctx, &ev);
	return NL_OK;
}

/* Its id, which a module that comes again has anew; 0: not there. */
static int family_now(void)
{
	struct nl_sock *ask = nl_socket_alloc();
	int rc = ask ? genl_connect(ask) : -NLE_NOMEM;

	if (!rc)
		rc = genl_ctrl_resolve(ask, PREFPEER_FAMILY_NAME);
	nl_socket_free(ask);
	return rc == -NLE_OBJ_NOTFOUND ? 0 : rc;
}

/* The module's going and coming may be among what was lost. */
static void look_again(struct pp_listener *l)
{
	int id = family_now();

	if (id < 0 || id == l->family)
		return;
	if (l->family) {
		l->family = 0;
		tell(l, PP_EV_MODULE_DOWN, 0, 0);
	}
	if (id && !join(l))
		tell(l, PP_EV_MODULE_UP, 0, 0);
}

int pp_listen_read(struct pp_listener *l, pp_event_fn fn, void *ctx)
{
	bool overrun = false;
	int rc;

	l->fn = fn;
	l->ctx = ctx;
	do {
		rc = nl_recvmsgs(l->sk, l->cb);
		if (rc == -NLE_NOMEM) { /* ENOBUFS: libnl does not tell them apart */
			overrun = true;
			tell(l, PP_EV_OVERRUN, 0, 0);
		}
	} while (rc >= 0 || rc == -NLE_NOMEM || rc == -NLE_INTR);
	if (overrun)
		look_again(l);
	return rc == -NLE_AGAIN ? 0 : pp_nl_errno(rc);
}

/* ---- the socket ---------------------------------------------------------- */

static int no_seq_check(struct nl_msg *msg, void *arg)
{
	return NL_OK;
}

static int set_rcvbuf(struct pp_listener *l, int bytes)
{
	int fd = nl_socket_get_fd(l->sk);

	if (!bytes || !setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) ? -errno : 0;
}

static int set_up(struct pp_listener *l, int rcvbuf)
{
	int rc;

	l->sk = nl_socket_alloc();
	l->cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (!l->sk || !l->cb)
		return -ENOMEM;
	nl_cb_set(l->cb, NL_CB_VALID, NL_CB_CUSTOM, on_message, l);
	nl_cb_set(l->cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, no_seq_check, NULL);
	rc = genl_connect(l->sk);
	if (!rc)
		rc = nl_socket_set_nonblocking(l->sk);
	if (rc)
		return pp_nl_errno(rc);
	rc = set_rcvbuf(l, rcvbuf);
	if (!rc)
		rc = join_notify(l);
	/* Notify first: a module that comes between the two is then not missed. */
	if (!rc)
		rc = join(l);
	return rc == -ENOENT ? 0 : rc;
}

int pp_listen(unsigned groups, int rcvbuf, struct pp_listener **out)
{
	struct pp_listener *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return -ENOMEM;
	l->groups = groups;
	rc = set_up(l, rcvbuf);
	if (rc) {
		pp_listen_close(l);
		return rc;
	}
	*out = l;
	return 0;
}

void pp_listen_close(struct pp_listener *l)
{
	if (!l)
		return;
	if (l->sk)
		nl_socket_free(l->sk);
	if (l->cb)
		nl_cb_put(l->cb);
	free(l);
}

int pp_listen_fd(const struct pp_listener *l)
{
	return nl_socket_get_fd(l->sk);
}

bool pp_listen_present(const struct pp_listener *l)
{
	return l->family != 0;
}
