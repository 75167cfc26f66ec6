/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A real kernel for tests: network namespaces of the test's own, packets, and what was said. */
#ifndef TEST_REAL_KERNEL_H
#define TEST_REAL_KERNEL_H

#include "lib/xfrm.h"
#include "prefpeerd/kernel_linux.h"
#include "prefpeerd/loop.h"

#define REAL_EVENTS 256

/* The port of one namespace, and the events that came. */
struct real {
	struct loop *loop;
	struct kernel k;
	struct kernel_event events[REAL_EVENTS];
	unsigned n_events;
};

/* NULL, or why these tests cannot run here. */
const char *real_missing(void);
/*
 * A fresh namespace becomes the process's own, with a dummy interface that has
 * 10.9.9.1/24, 192.168.1.1/24, 2001:db8:9::1/64 and a default route, and the port opens in it.
 */
void real_enter(struct real *w);
void real_leave(struct real *w);
/* Fails the test unless the shell says 0. */
void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Output of a shell command; free() it. */
char *shell_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct addr real_addr(const char *text);
struct prefix real_prefix(const char *text);
struct selector real_selector(const char *src, const char *dst);
/* One UDP packet; 0 or -errno of sendto. */
int real_send(const char *src, const char *dst);
/* Runs the loop until an event of that type came, at most @ms; the index behind it, or 0. */
unsigned real_wait(struct real *w, enum kernel_event_type type, unsigned from, unsigned ms);
/* Runs the loop for so long. */
void real_run(struct real *w, unsigned ms);
unsigned real_count(const struct real *w, enum kernel_event_type type);
void real_forget(struct real *w);
unsigned real_larvals(struct real *w);

/* A policy that protects, as spd/ makes it; peer NULL for in and fwd. */
struct kernel_policy real_policy(enum policy_dir dir, const char *src, const char *dst,
				  uint32_t reqid, const char *local, const char *peer);
struct kernel_sa real_sa(const char *src, const char *dst, uint32_t spi, uint32_t reqid,
			  enum sa_dir dir);

#endif
