/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of the kernel's XFRM netlink family: states, policies, larvals, and
 * what the kernel says by itself. lib/xfrm*.c are the only users of libmnl. The
 * vocabulary is the agent's kernel port, so nothing is translated twice.
 *
 * Requests block until the kernel's answer, which is there when send returns.
 * Every refusal is logged once, with the kernel's own sentence (extack).
 */
#ifndef LIB_XFRM_H
#define LIB_XFRM_H

#include "prefpeerd/kernel.h"

struct xfrm; /* a request socket */

/* What a dump tells of a state, beyond the port's entry. */
struct xfrm_sa_info {
	struct kernel_sa_entry e;
	sa_family_t family; /* outer */
	uint8_t mode;       /* XFRM_MODE_* */
	uint16_t encap_sport, encap_dport; /* host order; 0 = none */
};

enum xfrm_notice_type {
	XFRM_NOTICE_ACQUIRE,
	XFRM_NOTICE_EXPIRE,
	XFRM_NOTICE_SA_GONE,
	XFRM_NOTICE_SA_FLUSH, /* all of a protocol went, one by one is not told */
	XFRM_NOTICE_MAPPING,
};

/* One message of a multicast group. */
struct xfrm_notice {
	enum xfrm_notice_type type;
	uint32_t portid;           /* whose request caused it; 0 = the kernel's own */
	struct kernel_sa_id id;    /* all but ACQUIRE, SA_FLUSH */
	uint32_t reqid;
	struct xfrm_sa_info sa;    /* EXPIRE, SA_GONE: its last counters */
	bool hard;                 /* EXPIRE */
	struct selector flow;      /* ACQUIRE: the packet */
	struct addr tmpl_src, tmpl_dst; /* ACQUIRE */
	struct endpoint mapping;   /* MAPPING: whence ESP-in-UDP comes now */
};

enum xfrm_group {
	XFRM_GROUP_ACQUIRE = 1 << 0,
	XFRM_GROUP_EXPIRE = 1 << 1,
	XFRM_GROUP_SA = 1 << 2,
	XFRM_GROUP_MAPPING = 1 << 3,
};

/* 0, -EPROTONOSUPPORT (no XFRM in this kernel) or another -errno. */
int xfrm_open(struct xfrm **out);
void xfrm_close(struct xfrm *x);
/* The netlink port of the request socket: notices with it are answers to our own requests. */
uint32_t xfrm_portid(const struct xfrm *x);
/* Whether states carry a direction (XFRMA_SA_DIR, Linux 6.10); asked of the kernel at open. */
bool xfrm_has_sa_dir(const struct xfrm *x);

/* ---- states -------------------------------------------------------------- */

/* Keys are wiped from every buffer. -EEXIST, -EINVAL (key length, suite), -ERANGE (see selector). */
int xfrm_sa_put(struct xfrm *x, const struct kernel_sa *sa);
/* -ESRCH when it is not there, unlogged. */
int xfrm_sa_del(struct xfrm *x, const struct kernel_sa_id *id);
int xfrm_sa_get(struct xfrm *x, const struct kernel_sa_id *id, struct xfrm_sa_info *out);
/*
 * Whether the kernel has that very SA: ends, reqid, algorithms and keys. 1, 0 (another one
 * has its place), -ESRCH (none has), or another -errno. Keys are wiped from every buffer.
 */
int xfrm_sa_same(struct xfrm *x, const struct kernel_sa *sa);

typedef int (*xfrm_sa_fn)(void *ctx, const struct xfrm_sa_info *sa);
/*
 * States of ESP and AH, larvals included. Read whole before the first call of fn, so that
 * fn may make requests. A non-zero return of fn ends the walk and is returned.
 */
int xfrm_sa_dump(struct xfrm *x, xfrm_sa_fn fn, void *ctx);

/*
 * Remove the larvals of src → dst with reqid, of either protocol and mode, so that the next packet
 * raises an acquire (semantics.md §12: SPI 0 cannot be deleted; ALLOCSPI turns the
 * larval into one that can). 0 also when there is none.
 */
int xfrm_larval_kill(struct xfrm *x, const struct addr *src, const struct addr *dst,
		     uint32_t reqid);

/* ---- policies ------------------------------------------------------------ */

/* Insert, or replace the one with this direction and selector in place. */
int xfrm_policy_put(struct xfrm *x, const struct kernel_policy *p);
/* By direction and selector; -ENOENT when it is not there, unlogged. */
int xfrm_policy_del(struct xfrm *x, const struct kernel_policy *p);
/*
 * Main policies of in, out and fwd without mark or if_id; those of sockets, and
 * those whose port masks are no range, are not told. As xfrm_sa_dump().
 */
int xfrm_policy_dump(struct xfrm *x, kernel_policy_fn fn, void *ctx);

/* ---- notices ------------------------------------------------------------- */

struct xfrm_monitor;

/*
 * Non-blocking, receive buffer 8 MB (forced where allowed). With XFRM_GROUP_ACQUIRE an
 * overflow is reported to the sender, so that the kernel keeps no larval for an acquire
 * that nobody read (semantics.md §12).
 */
int xfrm_monitor_open(unsigned groups, struct xfrm_monitor **out);
void xfrm_monitor_close(struct xfrm_monitor *m);
int xfrm_monitor_fd(const struct xfrm_monitor *m);

typedef void (*xfrm_notice_fn)(void *ctx, const struct xfrm_notice *n);
/*
 * Read until the queue is empty. 0; -ENOBUFS: messages were lost, the rest of the
 * queue was read; another -errno of the socket.
 */
int xfrm_monitor_read(struct xfrm_monitor *m, xfrm_notice_fn fn, void *ctx);

/* ---- selectors ------------------------------------------------------------ */

/* Whether XFRM can say the range with one value and mask: an aligned power of two. */
bool xfrm_port_range_ok(const struct port_range *r);

#endif
