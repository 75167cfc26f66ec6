// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel port on a real kernel: states, policies, larvals, acquires, what it says by itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "prefpeerd/spd/reqid.h"
#include "prefpeerd/spd/spd.h"
#include "prefpeerd/test/real_kernel.h"

#define A "10.1.1.1"
#define B "10.1.1.2"
#define LOCAL "10.9.9.1"
#define LAN "192.168.1.1"
#define FAR "192.168.2.1"
#define REQID (REQID_FIRST + 3)

static int setup(void **state)
{
	struct real *w = calloc(1, sizeof(*w));

	real_enter(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	real_leave(*state);
	free(*state);
	return 0;
}

static void put_policy(struct real *w, const struct kernel_policy *p)
{
	assert_int_equal(w->k.ops->policy_put(w->k.impl, p), 0);
}

/* In virtual time the kernel's minute for loading a cipher may pass while the disk is read. */
static void add_sa(struct real *w, const struct kernel_sa *sa)
{
	int err = -ETIMEDOUT;

	for (unsigned i = 0; i < 5 && err == -ETIMEDOUT; i++)
		err = w->k.ops->sa_add(w->k.impl, sa);
	assert_int_equal(err, 0);
}

/* ---- states ------------------------------------------------------------------ */

struct suite_case {
	struct esp_suite suite;
	size_t encr_len, integ_len; /* bytes of key */
	const char *shows[2];
};

static const struct suite_case suites[] = {
	{ { ENCR_AES_GCM_16, 128, INTEG_NONE, false }, 20, 0, { "aead rfc4106(gcm(aes)) 0x", " 128\n" } },
	{ { ENCR_AES_GCM_16, 256, INTEG_NONE, true }, 36, 0, { "aead rfc4106(gcm(aes)) 0x", "flag esn" } },
	{ { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128, true }, 16, 32,
	  { "auth-trunc hmac(sha256) 0x", "enc cbc(aes) 0x" } },
	{ { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128, false }, 32, 32,
	  { "auth-trunc hmac(sha256) 0x", "enc cbc(aes) 0x" } },
};

static void expect_text(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("`%s` is not in:\n%s", what, text);
}

static void check_suite(struct real *w, const struct suite_case *c, enum sa_dir dir, bool v6)
{
	struct kernel_sa sa = real_sa(v6 ? "2001:db8:9::1" : LOCAL, v6 ? "2001:db8:1::1" : A, 0x1234,
				       REQID, dir);
	struct kernel_sa_reading r;
	char *text;

	sa.suite = c->suite;
	sa.encr_key_len = c->encr_len;
	sa.integ_key_len = c->integ_len;
	memset(sa.encr_key, 0xa5, sizeof(sa.encr_key));
	memset(sa.integ_key, 0xb6, sizeof(sa.integ_key));
	sa.lifetime_s = 3600;
	sa.soft_lifetime_s = 3000;
	add_sa(w, &sa);
	text = shell_text("ip -d -s xfrm state");
	expect_text(text, "mode tunnel");
	expect_text(text, "0x00001234");
	expect_text(text, c->shows[0]);
	expect_text(text, c->shows[1]);
	expect_text(text, "expire add: soft 3000(sec), hard 3600(sec)");
	if (c->integ_len)
		expect_text(text, "b6b6 (256 bits) 128\n");
	free(text);
	assert_int_equal(w->k.ops->sa_read(w->k.impl, &sa.id, &r), 0);
	assert_int_equal(r.reqid, REQID);
	assert_false(r.larval);
	assert_int_equal(w->k.ops->sa_del(w->k.impl, &sa.id), 0);
	assert_int_equal(w->k.ops->sa_del(w->k.impl, &sa.id), -ESRCH);
}

static void test_suites(void **state)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		check_suite(*state, &suites[i], SA_DIR_IN, false);
		check_suite(*state, &suites[i], SA_DIR_OUT, false);
		check_suite(*state, &suites[i], SA_DIR_OUT, true);
		check_suite(*state, &suites[i], SA_DIR_IN, true);
	}
}

/* A moved mapping changes the SA in place; a wrong key length changes nothing. */
static void test_sa_options(void **state)
{
	struct real *w = *state;
	struct kernel_sa sa = real_sa(LOCAL, A, 0x77, REQID, SA_DIR_OUT);
	char *text;

	sa.encap_sport = 4500;
	sa.encap_dport = 4500;
	sa.has_sel = true;
	sa.sel = real_selector("192.168.1.0/25", "192.168.2.0/24");
	add_sa(w, &sa);
	assert_int_equal(w->k.ops->sa_add(w->k.impl, &sa), -EEXIST);
	text = shell_text("ip -d xfrm state");
	expect_text(text, "encap type espinudp sport 4500 dport 4500");
	expect_text(text, "sel src 192.168.1.0/25 dst 192.168.2.0/24");
	free(text);
	sa.replace = true;
	sa.encap_dport = 61001;
	add_sa(w, &sa);
	text = shell_text("ip -d xfrm state");
	expect_text(text, "encap type espinudp sport 4500 dport 61001");
	free(text);
	sa.encr_key_len = 16;
	assert_int_equal(w->k.ops->sa_add(w->k.impl, &sa), -EINVAL);
}

/* ---- acquires and larvals ------------------------------------------------------ */

static void expect_acquire(struct real *w, const char *peer)
{
	struct addr a = real_addr(peer), lan = real_addr(LAN);
	unsigned i;

	real_forget(w);
	real_send(LAN, FAR);
	i = real_wait(w, KEV_ACQUIRE, 0, 2000);
	assert_true(i);
	assert_int_equal(w->events[i - 1].reqid, REQID);
	assert_true(addr_equal(&w->events[i - 1].tmpl_dst, &a));
	assert_true(addr_equal(&w->events[i - 1].flow.src.addr, &lan));
	assert_int_equal(w->events[i - 1].flow.src.len, 32);
	assert_int_equal(w->events[i - 1].flow.proto, IPPROTO_UDP);
	assert_int_equal(w->events[i - 1].flow.dport.lo, 5001);
}

static void expect_no_acquire(struct real *w)
{
	real_forget(w);
	real_send(LAN, FAR);
	real_run(w, 300);
	assert_int_equal(real_count(w, KEV_ACQUIRE), 0);
}

static int kill_larval(struct real *w, const char *peer)
{
	struct addr local = real_addr(LOCAL), a = real_addr(peer);

	return w->k.ops->larval_kill(w->k.impl, &local, &a, REQID);
}

/* case 35: A, B and A again within the 30 s of a larval. */
static void test_larval_kill(void **state)
{
	struct real *w = *state;
	struct kernel_policy to_a = real_policy(POLICY_OUT, "192.168.1.0/24", "192.168.2.0/24",
						 REQID, LOCAL, A);
	struct kernel_policy to_b = to_a;
	mono_t begin = mono_now();

	to_b.tmpl_dst = real_addr(B);
	put_policy(w, &to_a);
	expect_acquire(w, A);
	expect_no_acquire(w);
	put_policy(w, &to_b);
	expect_acquire(w, B);
	/* The trap: back at A, whose larval lives on, nothing is asked. */
	put_policy(w, &to_a);
	expect_no_acquire(w);
	assert_int_equal(real_larvals(w), 2);
	assert_int_equal(kill_larval(w, A), 0);
	assert_int_equal(real_larvals(w), 1);
	expect_acquire(w, A);
	assert_int_equal(kill_larval(w, A), 0);
	assert_int_equal(kill_larval(w, B), 0);
	assert_int_equal(real_larvals(w), 0);
	assert_int_equal(kill_larval(w, A), 0);
	expect_acquire(w, A);
	assert_true(mono_diff_ms(mono_now(), begin) < 30000);
}

/* Another line's larval, and an SA to the same peer, are left alone. */
static void test_larval_kill_spares(void **state)
{
	struct real *w = *state;
	struct kernel_policy p = real_policy(POLICY_OUT, "192.168.1.0/24", "192.168.3.0/24",
					      REQID + 1, LOCAL, A);
	struct kernel_sa sa = real_sa(LOCAL, A, 0x99, REQID, SA_DIR_OUT);
	struct kernel_sa_reading r;

	put_policy(w, &p);
	real_send(LAN, "192.168.3.1");
	assert_true(real_wait(w, KEV_ACQUIRE, 0, 2000));
	add_sa(w, &sa);
	assert_int_equal(kill_larval(w, A), 0);
	assert_int_equal(real_larvals(w), 1);
	assert_int_equal(w->k.ops->sa_read(w->k.impl, &sa.id, &r), 0);
}

/* ---- overflow of the acquire socket --------------------------------------------- */

#define MANY 40

struct seen {
	unsigned n;
};

static void see(void *ctx, const struct xfrm_notice *n)
{
	struct seen *s = ctx;

	s->n += n->type == XFRM_NOTICE_ACQUIRE;
}

static void send_to_many(void)
{
	char dst[32];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(dst, sizeof(dst), "192.168.2.%u", i + 1);
		real_send(LAN, dst);
	}
}

/*
 * Acquires that a full socket lost while another took them (the port's own, of 8 MB): how
 * many lines are black for it?
 */
static unsigned black_lines(struct real *w, bool broadcast_error)
{
	struct xfrm_monitor *m;
	struct seen first = { 0 }, again = { 0 };
	int size = 4096, on = broadcast_error;
	unsigned larvals;
	int fd;

	assert_int_equal(xfrm_monitor_open(XFRM_GROUP_ACQUIRE, &m), 0);
	fd = xfrm_monitor_fd(m);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	if (!broadcast_error)
		assert_int_equal(setsockopt(fd, SOL_NETLINK, NETLINK_BROADCAST_ERROR, &on,
					    sizeof(on)), 0);
	send_to_many();
	larvals = real_larvals(w);
	assert_int_equal(xfrm_monitor_read(m, see, &first), -ENOBUFS);
	assert_in_range(first.n, 1, MANY - 1);
	assert_true(larvals >= first.n);
	/* Those that were lost ask again at their next packet, if they are not black. */
	send_to_many();
	xfrm_monitor_read(m, see, &again);
	assert_int_equal(again.n > 0, broadcast_error);
	xfrm_monitor_close(m);
	return larvals - first.n;
}

static void put_many(struct real *w)
{
	char dst[32];

	for (unsigned i = 0; i < MANY; i++) {
		struct kernel_policy p;

		snprintf(dst, sizeof(dst), "192.168.2.%u", i + 1);
		p = real_policy(POLICY_OUT, "192.168.1.0/24", dst, REQID + i, LOCAL, A);
		put_policy(w, &p);
	}
}

static void test_overflow(void **state)
{
	struct real *w = *state;

	put_many(w);
	assert_int_equal(black_lines(w, true), 0);
	shell("ip xfrm state flush");
	assert_true(black_lines(w, false) > 0);
}

/* ---- templates ------------------------------------------------------------------ */

/* In-place: one policy, the same index, and no moment without it. */
static void test_switch_in_place(void **state)
{
	struct real *w = *state;
	struct kernel_policy p = real_policy(POLICY_OUT, "192.168.1.0/24", "192.168.2.0/24", REQID,
					      LOCAL, A);
	struct kernel_sa a = real_sa(LOCAL, A, 0xa, REQID, SA_DIR_OUT);
	struct kernel_sa b = real_sa(LOCAL, B, 0xb, REQID, SA_DIR_OUT);
	struct kernel_sa_reading ra, rb;
	char *before, *after;

	add_sa(w, &a);
	add_sa(w, &b);
	put_policy(w, &p);
	before = shell_text("ip -d xfrm policy | grep -o 'index [0-9]*'");
	for (unsigned i = 0; i < 40; i++) {
		p.tmpl_dst = real_addr(i % 2 ? A : B);
		put_policy(w, &p);
		for (unsigned j = 0; j < 5; j++)
			assert_int_equal(real_send(LAN, FAR), 0);
	}
	after = shell_text("ip -d xfrm policy | grep -o 'index [0-9]*'");
	assert_string_equal(before, after);
	free(before);
	free(after);
	assert_int_equal(w->k.ops->sa_read(w->k.impl, &a.id, &ra), 0);
	assert_int_equal(w->k.ops->sa_read(w->k.impl, &b.id, &rb), 0);
	assert_int_equal(ra.packets, 100);
	assert_int_equal(rb.packets, 100);
	real_run(w, 100);
	assert_int_equal(real_count(w, KEV_ACQUIRE), 0);
}

/* Both ends open: any listed peer's SA passes by its reqid, whatever the address. */
static void test_in_template(void **state)
{
	static const char *const peers[] = { "10.9.9.11", "10.9.9.12", "10.9.9.13" };
	static const uint32_t reqids[] = { REQID, REQID, REQID + 1 };
	struct real *w = *state;
	struct kernel_policy in = real_policy(POLICY_IN, "192.168.2.0/24", "192.168.1.0/24", REQID,
					       NULL, NULL);
	struct endpoint ep = { real_addr(LAN), 5001 };
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&ep, &sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct real far;
	uint64_t mismatch;
	char c;

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	shell("ip link del d0 && ip link add v0 type veth peer name v1 &&"
	      " ip addr add 10.9.9.1/24 dev v0 && ip addr add 192.168.1.1/24 dev v0 &&"
	      " ip link set v0 up && ip route add 192.168.2.0/24 via 10.9.9.11");
	put_policy(w, &in);
	for (unsigned i = 0; i < 3; i++) {
		struct kernel_sa s = real_sa(peers[i], LOCAL, 0x100 + i, reqids[i], SA_DIR_IN);

		add_sa(w, &s);
	}
	real_enter(&far);
	shell("ip link del d0");
	shell("nsenter --net=/proc/%d/fd/%d ip link set v1 netns %d", getpid(), here, getpid());
	shell("ip addr add 10.9.9.11/24 dev v1 && ip addr add 10.9.9.12/24 dev v1 &&"
	      " ip addr add 10.9.9.13/24 dev v1 && ip addr add 192.168.2.1/24 dev v1 &&"
	      " ip link set v1 up && ip route add 192.168.1.0/24 via 10.9.9.1");
	/* In clear: dropped. It also resolves the neighbours. */
	real_send(FAR, LAN);
	real_run(&far, 500);
	assert_int_equal(recv(fd, &c, 1, 0), -1);
	for (unsigned i = 0; i < 3; i++) {
		struct kernel_policy out = real_policy(POLICY_OUT, "192.168.2.0/24",
							"192.168.1.0/24", reqids[i], peers[i], LOCAL);
		struct kernel_sa s = real_sa(peers[i], LOCAL, 0x100 + i, reqids[i], SA_DIR_OUT);

		add_sa(&far, &s);
		put_policy(&far, &out);
		assert_int_equal(real_send(FAR, LAN), 0);
		real_run(&far, 500);
		assert_int_equal(recv(fd, &c, 1, 0), i < 2 ? 1 : -1);
	}
	real_leave(&far);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	close(here);
	close(fd);
	assert_int_equal(w->k.ops->stat_read(w->k.impl, "XfrmInTmplMismatch", &mismatch), 0);
	assert_true(mismatch >= 1);
	assert_int_equal(w->k.ops->stat_read(w->k.impl, "XfrmNoSuchThing", &mismatch), -ENOENT);
}

/* ---- an earlier run's policies ----------------------------------------------------- */

static int count_policy(void *ctx, const struct kernel_policy *p)
{
	unsigned *n = ctx;

	(*n)++;
	return 0;
}

/* case 40, the agent's half: nobody but --flush removes them, and reqids are found again. */
static void test_takeover(void **state)
{
	struct real *w = *state;
	struct kernel_policy p = real_policy(POLICY_OUT, "192.168.1.0/24", "192.168.2.0/24",
					      REQID_FIRST + 9, LOCAL, A);
	struct kernel_policy allow = { .dir = POLICY_IN, .action = POLICY_ALLOW,
				       .priority = SPD_PRIORITY_FIRST + 1,
				       .sel = real_selector("192.168.1.0/24", "192.168.1.0/24") };
	struct reqid_table *t = reqid_table_new();
	unsigned n = 0;

	put_policy(w, &p);
	put_policy(w, &allow);
	shell("ip xfrm policy add src 172.16.0.0/24 dst 172.16.1.0/24 dir out action block");
	kernel_linux_close(&w->k);
	assert_int_equal(kernel_linux_open(loop_base(w->loop), loop_timers(w->loop), NULL, NULL, &w->k),
			 0);
	assert_int_equal(reqid_table_seed(t, &w->k), 0);
	assert_int_equal(reqid_get(t, "M", 10, &p.sel), REQID_FIRST + 9);
	reqid_table_free(t);
	assert_int_equal(spd_flush(&w->k), 2);
	assert_int_equal(w->k.ops->policy_dump(w->k.impl, count_policy, &n), 0);
	assert_int_equal(n, 1);
}

/* ---- what the kernel says by itself ------------------------------------------------- */

static void test_notices(void **state)
{
	struct real *w = *state;
	struct kernel_sa sa = real_sa(LOCAL, A, 0x500, REQID, SA_DIR_OUT);
	unsigned i;

	add_sa(w, &sa);
	assert_int_equal(w->k.ops->sa_del(w->k.impl, &sa.id), 0);
	real_run(w, 200);
	assert_int_equal(w->n_events, 0);

	add_sa(w, &sa);
	shell("ip xfrm state del src %s dst %s proto esp spi 0x500", LOCAL, A);
	i = real_wait(w, KEV_SA_GONE, 0, 2000);
	assert_true(i);
	assert_int_equal(w->events[i - 1].sa.spi, 0x500);
	assert_int_equal(w->events[i - 1].reqid, REQID);

	sa.soft_lifetime_s = 2;
	sa.lifetime_s = 4;
	add_sa(w, &sa);
	i = real_wait(w, KEV_EXPIRE, i, 10000);
	assert_true(i);
	assert_false(w->events[i - 1].hard);
	i = real_wait(w, KEV_EXPIRE, i, 10000);
	assert_true(i);
	assert_true(w->events[i - 1].hard);

	add_sa(w, &sa);
	shell("ip xfrm state flush");
	assert_true(real_wait(w, KEV_OVERRUN, i, 2000));
}

/* Never early, and not late by more than an eighth of T, module or not. */
static void test_pair_idle(void **state)
{
	struct real *w = *state;
	struct kernel_policy p = real_policy(POLICY_OUT, "192.168.1.0/24", "192.168.2.0/24", REQID,
					      LOCAL, A);
	struct kernel_sa out = real_sa(LOCAL, A, 0x1, REQID, SA_DIR_OUT);
	struct kernel_sa in = real_sa(A, LOCAL, 0x2, REQID, SA_DIR_IN);
	struct kernel_rule r = { .peer = real_addr(A), .reqid = REQID, .map = "M", .seq = 10,
				 .idle_ms = 60000 };
	struct kernel_pair_key key = { real_addr(LOCAL), real_addr(A), REQID };
	struct kernel_pair_reading reading;
	mono_t last;
	unsigned i;

	print_message("module: %s\n", w->k.ops->has_module(w->k.impl) ? "yes" : "no");
	assert_int_equal(w->k.ops->rule_put(w->k.impl, &r), 0);
	assert_int_equal(w->k.ops->rule_put(w->k.impl, &r), 0);
	add_sa(w, &out);
	add_sa(w, &in);
	put_policy(w, &p);
	for (i = 0; i < 10; i++) {
		real_run(w, 20000);
		last = mono_now();
		assert_int_equal(real_send(LAN, FAR), 0);
	}
	assert_int_equal(real_count(w, KEV_PAIR_IDLE), 0);
	i = real_wait(w, KEV_PAIR_IDLE, 0, 120000);
	assert_true(i);
	assert_true(addr_equal(&w->events[i - 1].pair.local, &key.local));
	assert_true(addr_equal(&w->events[i - 1].pair.peer, &key.peer));
	assert_int_equal(w->events[i - 1].reqid, REQID);
	assert_in_range(mono_diff_ms(w->events[i - 1].when, last), 60000, 60000 + 16000);
	assert_in_range(mono_diff_ms(w->events[i - 1].when, w->events[i - 1].last_use), 60000,
			60000 + 16000);
	assert_false(mono_before(w->events[i - 1].last_use, last));
	assert_int_equal(w->k.ops->pair_read(w->k.impl, &key, &reading), 0);
	assert_int_equal(reading.idle_ms, 60000);
	/* Once an episode. */
	real_run(w, 150000);
	assert_int_equal(real_count(w, KEV_PAIR_IDLE), 1);
	assert_int_equal(w->k.ops->rule_del(w->k.impl, &r), 0);
}

static void test_one_way(void **state)
{
	struct real *w = *state;
	struct kernel_policy p = real_policy(POLICY_OUT, "192.168.1.0/24", "192.168.2.0/24", REQID,
					      LOCAL, A);
	struct kernel_sa out = real_sa(LOCAL, A, 0x1, REQID, SA_DIR_OUT);
	struct kernel_sa in = real_sa(A, LOCAL, 0x2, REQID, SA_DIR_IN);
	struct kernel_rule r = { .peer = real_addr(A), .reqid = REQID, .map = "M", .seq = 10,
				 .one_way_ms = 10000 };
	struct kernel_peer_key key = { real_addr(LOCAL), real_addr(A), 0 };
	struct kernel_peer_reading reading;
	mono_t first;
	unsigned i;

	assert_int_equal(w->k.ops->rule_put(w->k.impl, &r), 0);
	add_sa(w, &out);
	add_sa(w, &in);
	put_policy(w, &p);
	real_run(w, 30000);
	assert_int_equal(real_count(w, KEV_PEER_ONE_WAY), 0);
	first = mono_now();
	for (i = 0; i < 12 && !real_count(w, KEV_PEER_ONE_WAY); i++) {
		assert_int_equal(real_send(LAN, FAR), 0);
		real_run(w, 1500);
	}
	i = real_wait(w, KEV_PEER_ONE_WAY, 0, 0);
	assert_true(i);
	assert_true(mono_diff_ms(w->events[i - 1].when, first) >= 10000);
	assert_true(addr_equal(&w->events[i - 1].peer.peer, &key.peer));
	/* The peer answered a probe: the episode is over. */
	assert_int_equal(w->k.ops->peer_heard(w->k.impl, &key, mono_now()), 0);
	assert_int_equal(w->k.ops->peer_read(w->k.impl, &key, &reading), 0);
	assert_true(mono_is_set(reading.heard));
	assert_true(mono_is_set(reading.last_out));
	assert_false(mono_is_set(reading.last_in));
	real_forget(w);
	real_run(w, 30000);
	assert_int_equal(real_count(w, KEV_PEER_ONE_WAY), 0);
}

/* The module goes and comes back: polling meanwhile, and its rules are there again. */
static void test_module_returns(void **state)
{
	const char *ko = getenv("PREFPEER_KO");
	struct real *w = *state;
	struct kernel_sa out = real_sa(LOCAL, A, 0x1, REQID, SA_DIR_OUT);
	struct kernel_rule r = { .peer = real_addr(A), .reqid = REQID, .map = "M", .seq = 10,
				 .idle_ms = 60000 };
	struct kernel_pair_key key = { real_addr(LOCAL), real_addr(A), REQID };
	struct kernel_pair_reading reading;

	if (!ko)
		skip();
	assert_int_equal(w->k.ops->rule_put(w->k.impl, &r), 0);
	add_sa(w, &out);
	shell("rmmod prefpeer");
	assert_true(real_wait(w, KEV_MODULE_DOWN, 0, 5000));
	assert_false(w->k.ops->has_module(w->k.impl));
	real_run(w, 10000);
	assert_int_equal(w->k.ops->pair_read(w->k.impl, &key, &reading), 0);
	shell("insmod %s", ko);
	assert_true(real_wait(w, KEV_MODULE_UP, 0, 5000));
	assert_true(w->k.ops->has_module(w->k.impl));
	real_run(w, 1000);
	assert_int_equal(w->k.ops->pair_read(w->k.impl, &key, &reading), 0);
	assert_int_equal(reading.idle_ms, 60000);
	assert_int_equal(w->k.ops->rule_del(w->k.impl, &r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_suites, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sa_options, setup, teardown),
		cmocka_unit_test_setup_teardown(test_larval_kill, setup, teardown),
		cmocka_unit_test_setup_teardown(test_larval_kill_spares, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_switch_in_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_template, setup, teardown),
		cmocka_unit_test_setup_teardown(test_takeover, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notices, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pair_idle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_module_returns, setup, teardown),
	};
	const char *missing = real_missing();

	if (missing) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests_name("the kernel port", tests, NULL, NULL);
}
