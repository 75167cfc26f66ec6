// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "prefpeerd/test/real_kernel.h"

const char *real_missing(void)
{
	struct xfrm *x;

	if (!getenv("PREFPEER_VM"))
		return "needs a machine of its own: tools/check spd_kernel";
	if (geteuid())
		return "needs root";
	if (xfrm_open(&x))
		return "this kernel has no XFRM";
	xfrm_close(x);
	return NULL;
}

static char *run_shell(const char *fmt, va_list ap, int *status)
{
	char cmd[1024], buf[512], *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	FILE *p;

	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	p = popen(cmd, "r");
	assert_non_null(p);
	while (fgets(buf, sizeof(buf), p))
		fputs(buf, out);
	*status = pclose(p);
	fclose(out);
	return text;
}

void shell(const char *fmt, ...)
{
	va_list ap;
	int status;

	va_start(ap, fmt);
	free(run_shell(fmt, ap, &status));
	va_end(ap);
	if (status)
		fail_msg("%s: status %d", fmt, status);
}

char *shell_text(const char *fmt, ...)
{
	va_list ap;
	int status;
	char *text;

	va_start(ap, fmt);
	text = run_shell(fmt, ap, &status);
	va_end(ap);
	return text;
}

static void keep_event(void *ctx, const struct kernel_event *ev, mono_t now)
{
	struct real *w = ctx;

	assert_true(w->n_events < REAL_EVENTS);
	w->events[w->n_events++] = *ev;
}

void real_enter(struct real *w)
{
	memset(w, 0, sizeof(*w));
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	shell("ip link set lo up && ip link add d0 type dummy && ip link set d0 up &&"
	      " ip addr add 10.9.9.1/24 dev d0 && ip addr add 192.168.1.1/24 dev d0 &&"
	      " ip addr add 2001:db8:9::1/64 dev d0 nodad && ip route add default dev d0 &&"
	      " ip -6 route add default dev d0");
	w->loop = loop_new();
	assert_non_null(w->loop);
	assert_int_equal(kernel_linux_open(loop_base(w->loop), loop_timers(w->loop), keep_event, w,
					   &w->k), 0);
}

void real_leave(struct real *w)
{
	kernel_linux_close(&w->k);
	loop_free(w->loop);
}

struct addr real_addr(const char *text)
{
	struct addr a = { 0 };

	if (text)
		assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

struct prefix real_prefix(const char *text)
{
	struct prefix p = { 0 };

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

struct selector real_selector(const char *src, const char *dst)
{
	struct selector s = { .src = real_prefix(src), .dst = real_prefix(dst) };

	s.sport = s.dport = (struct port_range){ 0, UINT16_MAX };
	return s;
}

int real_send(const char *src, const char *dst)
{
	struct endpoint from = { real_addr(src), 5000 }, to = { real_addr(dst), 5001 };
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&from, &sa);
	int fd = socket(from.addr.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = 0;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	len = addr_to_sockaddr(&to, &sa);
	if (sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, len) < 0)
		err = -errno;
	close(fd);
	return err;
}

struct waiting {
	struct timer t;
	struct real *w;
};

static void time_over(struct timer *t, mono_t now)
{
	struct waiting *wait = timer_container(t, struct waiting, t);

	loop_stop(wait->w->loop);
}

void real_run(struct real *w, unsigned ms)
{
	struct waiting wait = { .w = w };

	timer_init(&wait.t, time_over);
	timer_set(loop_timers(w->loop), &wait.t, mono_add_ms(mono_now(), ms));
	loop_run(w->loop);
}

unsigned real_wait(struct real *w, enum kernel_event_type type, unsigned from, unsigned ms)
{
	mono_t end = mono_add_ms(mono_now(), ms);

	for (;;) {
		for (unsigned i = from; i < w->n_events; i++) {
			if (w->events[i].type == type)
				return i + 1;
		}
		if (mono_before(end, mono_now()))
			return 0;
		real_run(w, 20);
	}
}

unsigned real_count(const struct real *w, enum kernel_event_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_events; i++)
		n += w->events[i].type == type;
	return n;
}

void real_forget(struct real *w)
{
	w->n_events = 0;
}

static int count_larval(void *ctx, const struct kernel_sa_entry *e)
{
	unsigned *n = ctx;

	*n += e->r.larval && !e->id.spi;
	return 0;
}

unsigned real_larvals(struct real *w)
{
	unsigned n = 0;

	assert_int_equal(w->k.ops->sa_dump(w->k.impl, count_larval, &n), 0);
	return n;
}

struct kernel_policy real_policy(enum policy_dir dir, const char *src, const char *dst,
				  uint32_t reqid, const char *local, const char *peer)
{
	struct kernel_policy p = {
		.dir = dir,
		.action = POLICY_PROTECT,
		.sel = real_selector(src, dst),
		.priority = 0x50500100,
		.reqid = reqid,
		.tmpl_src = real_addr(local),
		.tmpl_dst = real_addr(peer),
		.tmpl_family = AF_INET,
	};

	return p;
}

struct kernel_sa real_sa(const char *src, const char *dst, uint32_t spi, uint32_t reqid,
			  enum sa_dir dir)
{
	struct kernel_sa sa = {
		.id = { .dst = real_addr(dst), .spi = spi, .proto = IPPROTO_ESP },
		.src = real_addr(src),
		.reqid = reqid,
		.dir = dir,
		.suite = { .encr = ENCR_AES_GCM_16, .key_bits = 128 },
		.encr_key_len = 20,
		.replay_window = 64,
		.inner_family = AF_INET,
	};

	memset(sa.encr_key, 0x5a, sa.encr_key_len);
	return sa;
}
