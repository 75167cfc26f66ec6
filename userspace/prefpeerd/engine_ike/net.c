// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The engine's sockets: {IPv4, IPv6} × {500, 4500}. One file knows about
 * non-ESP markers, packet info, socket policies and the error queue.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <linux/errqueue.h>
#include <linux/udp.h>
#include <linux/xfrm.h>

#include "lib/log.h"
#include "prefpeerd/engine_ike/engine_ike.h"
#include "prefpeerd/engine_ike/inq.h"
#include "prefpeerd/engine_ike/wire.h"

#define RCVBUF_BYTES (8 << 20)
#define DATAGRAM_MAX 65535
#define MARKER_LEN 4 /* non-ESP marker, RFC 3948 §2.2 */
#define N_SOCKETS 4

struct net;

struct net_socket {
	struct net *net;
	int fd; /* -1: not open */
	sa_family_t family;
	uint16_t port;
	struct event event;
	bool event_added;
};

struct net {
	struct engine *engine;
	struct net_socket sockets[N_SOCKETS];
	struct inq inq;
	struct timers timers;
	struct timer serve_timer;
	uint8_t buf[DATAGRAM_MAX];
};

/* ---- opening ---- */

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

/*
 * IKE is never protected by the policies that it serves. In and out, for each
 * family by itself: a dual-stack socket's policy does not cover mapped traffic.
 */
static int bypass(const struct net_socket *s, uint8_t dir)
{
	struct xfrm_userpolicy_info pol = {
		.action = XFRM_POLICY_ALLOW,
		.sel.family = s->family,
		.dir = dir,
	};
	bool v4 = s->family == AF_INET;

	return setsockopt(s->fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
			  v4 ? IP_XFRM_POLICY : IPV6_XFRM_POLICY, &pol, sizeof(pol))
		       ? -errno
		       : 0;
}

static int set_v4(int fd)
{
	int err = set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);

	if (!err)
		err = set_int(fd, IPPROTO_IP, IP_RECVERR, 1);
	/* IKE_SA_INIT cannot be cut (RFC 7383): rather in fragments of IP than not at all. */
	return err ? err : set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
}

static int set_v6(int fd)
{
	int err = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);

	if (!err)
		err = set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	if (!err)
		err = set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	return err ? err : set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
}

static int set_options(const struct net_socket *s)
{
	int err = s->family == AF_INET ? set_v4(s->fd) : set_v6(s->fd);

	if (!err)
		err = bypass(s, XFRM_POLICY_OUT);
	if (!err)
		err = bypass(s, XFRM_POLICY_IN);
	if (!err && s->port == IKE_NATT_PORT)
		err = set_int(s->fd, IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP);
	/* A burst while we are busy must not cost messages; without the right, what the limit
	 * gives. */
	if (!err && set_int(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF_BYTES))
		set_int(s->fd, SOL_SOCKET, SO_RCVBUF, RCVBUF_BYTES);
	return err;
}

static int bind_any(const struct net_socket *s)
{
	struct endpoint ep = { .addr.family = s->family, .port = s->port };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&ep, &ss);

	return bind(s->fd, (struct sockaddr *)&ss, len) ? -errno : 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg);

static int socket_open(struct net_socket *s, struct event_base *base)
{
	int err;

	s->fd = socket(s->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	if (s->fd < 0)
		return -errno;
	err = set_options(s);
	if (!err)
		err = bind_any(s);
	if (err)
		return err;
	event_assign(&s->event, base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	if (event_add(&s->event, NULL))
		return -ENOMEM;
	s->event_added = true;
	return 0;
}

/* ---- sending ---- */

/* Ancillary data that fixes the source address. */
union source {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static void set_source(struct msghdr *msg, union source *buf, const struct addr *local)
{
	struct cmsghdr *c;

	memset(buf, 0, sizeof(*buf));
	msg->msg_control = buf;
	msg->msg_controllen = local->family == AF_INET ? CMSG_SPACE(sizeof(struct in_pktinfo))
						       : CMSG_SPACE(sizeof(struct in6_pktinfo));
	c = CMSG_FIRSTHDR(msg);
	if (local->family == AF_INET) {
		struct in_pktinfo info = { .ipi_spec_dst = local->v4 };

		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_addr = local->v6 };

		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
}

static struct net_socket *socket_for(struct net *n, const struct endpoint *local)
{
	for (int i = 0; i < N_SOCKETS; i++)
		if (n->sockets[i].family == local->addr.family &&
		    n->sockets[i].port == local->port && n->sockets[i].fd >= 0)
			return &n->sockets[i];
	return NULL;
}

static int send_iov(struct net *n, const struct endpoint *local, const struct endpoint *peer,
		    struct iovec *iov, size_t n_iov)
{
	struct net_socket *s = socket_for(n, local);
	struct sockaddr_storage ss;
	union source source;
	struct msghdr msg = { .msg_name = &ss, .msg_iov = iov, .msg_iovlen = n_iov };
	ssize_t sent;

	if (!s)
		return -EAFNOSUPPORT;
	msg.msg_namelen = addr_to_sockaddr(peer, &ss);
	set_source(&msg, &source, &local->addr);
	sent = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
	/* An ICMP error of an earlier datagram is reported on this one: that is cleared, so again.
	 */
	if (sent < 0 && (errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH))
		sent = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
	return sent < 0 ? -errno : 0;
}

static int net_send(void *ctx, const struct endpoint *local, const struct endpoint *peer,
		    const uint8_t *bytes, size_t len)
{
	static const uint8_t marker[MARKER_LEN];
	struct iovec iov[2] = { { (void *)marker, sizeof(marker) }, { (void *)bytes, len } };

	if (local->port == IKE_NATT_PORT)
		return send_iov(ctx, local, peer, iov, 2);
	return send_iov(ctx, local, peer, iov + 1, 1);
}

static void net_keepalive(void *ctx, const struct endpoint *local, const struct endpoint *peer)
{
	uint8_t byte = 0xff;
	struct iovec iov = { &byte, 1 };

	send_iov(ctx, local, peer, &iov, 1);
}

static const struct ike_net_ops net_ops = { .send = net_send, .keepalive = net_keepalive };

/* ---- receiving ---- */

static void deliver(void *ctx, const struct inq_message *m)
{
	struct net *n = ctx;

	engine_ike_input(n->engine, &m->local, &m->peer, m->bytes, m->len, m->when);
}

static void serve_fire(struct timer *t, mono_t now)
{
	struct net *n = timer_container(t, struct net, serve_timer);

	if (inq_serve(&n->inq, now, deliver, n))
		timer_set(&n->timers, t, now);
}

/* The address that a datagram came to. */
static bool destination(struct msghdr *msg, struct addr *out)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return !addr_from_bytes(AF_INET, (uint8_t *)&info.ipi_addr, out);
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return !addr_from_bytes(AF_INET6, (uint8_t *)&info.ipi6_addr, out);
		}
	}
	return false;
}

static void received(struct net_socket *s, struct msghdr *msg, size_t len)
{
	struct net *n = s->net;
	struct endpoint local = { .port = s->port }, peer;
	const uint8_t *bytes = n->buf;
	static const uint8_t marker[MARKER_LEN];

	if (msg->msg_flags & MSG_TRUNC || !destination(msg, &local.addr) ||
	    addr_from_sockaddr(msg->msg_name, &peer))
		return;
	if (s->port == IKE_NATT_PORT) {
		/* Keepalives, and ESP for which the kernel has no SA. */
		if (len < MARKER_LEN || memcmp(bytes, marker, MARKER_LEN))
			return;
		bytes += MARKER_LEN;
		len -= MARKER_LEN;
	}
	inq_push(&n->inq, &local, &peer, bytes, len, mono_now());
}

union ancillary {
	struct cmsghdr align;
	char bytes[512];
};

static void note_error(struct net_socket *s, struct msghdr *msg)
{
	struct cmsghdr *c;
	struct endpoint peer;

	if (addr_from_sockaddr(msg->msg_name, &peer))
		return;
	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
		bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
		struct sock_extended_err ee;

		if ((!v4 && !v6) || c->cmsg_len < CMSG_LEN(sizeof(ee)))
			continue;
		memcpy(&ee, CMSG_DATA(c), sizeof(ee));
		engine_ike_unreachable(s->net->engine, &peer, (int)ee.ee_errno, mono_now());
	}
}

/* False: nothing is left. An error that is pending on the socket is consumed by the call. */
static bool receive_one(struct net_socket *s, int flags)
{
	struct sockaddr_storage ss;
	union ancillary control;
	struct iovec iov = { s->net->buf, sizeof(s->net->buf) };
	struct msghdr msg = { .msg_name = &ss,
			      .msg_namelen = sizeof(ss),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(s->fd, &msg, flags);

	if (len < 0)
		return errno != EAGAIN && errno != EWOULDBLOCK && !(flags & MSG_ERRQUEUE);
	if (flags & MSG_ERRQUEUE)
		note_error(s, &msg);
	else
		received(s, &msg, (size_t)len);
	return true;
}

/* Bounds one turn where datagrams come in faster than they are read: the event fires again. */
#define READ_BATCH 4096

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct net_socket *s = arg;

	for (int i = 0; i < READ_BATCH && receive_one(s, MSG_ERRQUEUE); i++)
		;
	for (int i = 0; i < READ_BATCH && receive_one(s, 0); i++)
		;
	if (!timer_armed(&s->net->serve_timer))
		timer_set(&s->net->timers, &s->net->serve_timer, mono_now());
}

uint64_t engine_ike_queue_dropped(const struct engine *engine)
{
	const struct net *n = engine_ike_net(engine);

	return n->inq.dropped;
}

/* ---- life ---- */

static void net_free(struct net *n)
{
	for (int i = 0; i < N_SOCKETS; i++) {
		struct net_socket *s = &n->sockets[i];

		if (s->event_added)
			event_del(&s->event);
		if (s->fd >= 0)
			close(s->fd);
	}
	timer_cancel(&n->timers, &n->serve_timer);
	inq_free(&n->inq);
	free(n);
}

static struct net *net_new(const struct timers *timers)
{
	static const sa_family_t families[] = { AF_INET, AF_INET6 };
	static const uint16_t ports[] = { IKE_PORT, IKE_NATT_PORT };
	struct net *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->timers = *timers;
	timer_init(&n->serve_timer, serve_fire);
	for (int i = 0; i < N_SOCKETS; i++)
		n->sockets[i] = (struct net_socket){
			.net = n, .fd = -1, .family = families[i / 2], .port = ports[i % 2]
		};
	return n;
}

/* A machine without IPv6 has IPv4 all the same. */
static int open_all(struct net *n, struct event_base *base)
{
	for (int i = 0; i < N_SOCKETS; i++) {
		struct net_socket *s = &n->sockets[i];
		int err = socket_open(s, base);

		if (err == -EAFNOSUPPORT && s->family == AF_INET6) {
			log_notice("ike", "no IPv6 here: UDP port %u is open for IPv4 only",
				   s->port);
			continue;
		}
		if (err) {
			log_err("ike", "UDP port %u, %s: %s", s->port,
				s->family == AF_INET ? "IPv4" : "IPv6", strerror(-err));
			return err;
		}
	}
	return 0;
}

static mono_t real_now(void *ctx)
{
	return mono_now();
}

/* The engine owns its net from here on: engine_ike_close() finds it there. */
int engine_ike_open(struct event_base *base, const struct timers *timers,
		    const struct kernel *kernel, struct engine *out)
{
	struct net *n = net_new(timers);
	struct ike_env env = {
		.timers = *timers, .kernel = *kernel, .net = &net_ops, .net_ctx = n, .now = real_now
	};
	int err;

	if (!n)
		return -ENOMEM;
	err = open_all(n, base);
	if (!err) {
		n->engine = engine_ike_new(&env);
		err = n->engine ? 0 : -ENOMEM;
	}
	if (err) {
		net_free(n);
		return err;
	}
	*out = *n->engine;
	return 0;
}

void engine_ike_close(struct engine *engine)
{
	struct net *n;

	if (!engine->impl)
		return;
	n = engine_ike_net(engine);
	engine_ike_free(n->engine);
	net_free(n);
	*engine = (struct engine){ 0 };
}
