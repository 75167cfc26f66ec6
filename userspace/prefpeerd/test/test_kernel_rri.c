// SPDX-License-Identifier: GPL-2.0-or-later
/* Reverse routes in a routing table of their own: a network namespace of the test. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/rt_route.h"
#include "prefpeerd/rri.h"
#include "prefpeerd/test/real_kernel.h"

#define ROUTERS \
	"ip link set lo up && ip link add d0 type veth peer name d1 && ip link set d1 up && ip link set d0 up &&" \
	" ip addr add 10.0.0.2/24 dev d0 && ip route add default via 10.0.0.1 &&" \
	" ip route add 10.2.2.2 via 10.0.0.3 &&" \
	" ip addr add 2001:db8::2/64 dev d0 nodad && ip -6 route add default via 2001:db8::1"

static struct rt_nl *rt;
static struct rri *rri;

static int enter(void **state)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	shell(ROUTERS);
	assert_int_equal(rt_nl_open(&rt), 0);
	rri = rri_new(rt);
	return rri ? 0 : -1;
}

static int leave(void **state)
{
	rri_free(rri);
	rt_nl_close(rt);
	return 0;
}

static struct reverse_route route(const char *dst, const char *peer, const char *via,
				  uint32_t metric)
{
	return (struct reverse_route){ .dst = real_prefix(dst),
				       .peer = real_addr(peer),
				       .via = real_addr(via),
				       .metric = metric };
}

/* What `ip` shows of them, without trailing blanks. */
static void expect(const char *want)
{
	char *text = shell_text("{ ip route show proto 80; ip -6 route show proto 80; } |"
				" sed 's/ pref medium//; s/ *$//'");

	assert_string_equal(text, want);
	free(text);
}

static void as_the_route_to_the_peer(void **state)
{
	struct reverse_route list[] = { route("192.168.2.0/24", "10.1.1.1", NULL, 0),
					route("192.168.3.0/24", "10.0.0.77", NULL, 0),
					route("fd00:2::/64", "2001:db8:1::1", NULL, 0),
					route("192.168.4.0/24", "10.1.1.1", "10.0.0.9", 7) };

	rri_set(rri, list, 4);
	expect("192.168.2.0/24 via 10.0.0.1 dev d0\n192.168.3.0/24 via 10.0.0.77 dev d0\n"
	       "192.168.4.0/24 via 10.0.0.9 dev d0 metric 7\n"
	       "fd00:2::/64 via 2001:db8::1 dev d0 metric 1024\n");
	rri_set(rri, list + 3, 1);
	expect("192.168.4.0/24 via 10.0.0.9 dev d0 metric 7\n");
	rri_set(rri, NULL, 0);
	expect("");
}

/* Replaced where it is: no message says that it went. */
static void swapped(void **state)
{
	struct reverse_route a = route("192.168.2.0/24", "10.1.1.1", NULL, 0);
	struct reverse_route b = route("192.168.2.0/24", "10.2.2.2", NULL, 0);
	char *deleted;

	rri_set(rri, &a, 1);
	expect("192.168.2.0/24 via 10.0.0.1 dev d0\n");
	shell("ip monitor route >/tmp/rri.%d 2>&1 & echo $! >/tmp/rri.%d.pid;"
	      " for i in $(seq 3000); do grep -q 203.0.113.0 /tmp/rri.%d && break;"
	      " ip route add 203.0.113.0/24 dev lo; ip route del 203.0.113.0/24; done", getpid(), getpid(), getpid());
	rri_set(rri, &b, 1);
	expect("192.168.2.0/24 via 10.0.0.3 dev d0\n");
	shell("for i in $(seq 3000); do grep -q 198.51.100.0 /tmp/rri.%d && break;"
	      " ip route add 198.51.100.0/24 dev lo; ip route del 198.51.100.0/24; done; kill $(cat /tmp/rri.%d.pid)",
	      getpid(), getpid());
	deleted = shell_text("grep -c '^Deleted 192' /tmp/rri.%d; grep -c 'via 10.0.0.3' /tmp/rri.%d;"
			     " rm /tmp/rri.%d /tmp/rri.%d.pid", getpid(), getpid(), getpid(),
			     getpid());
	assert_string_equal(deleted, "0\n1\n");
	free(deleted);
}

/* What an earlier run left: kept where it is wanted, as it is, and removed where not. */
static void of_an_earlier_run(void **state)
{
	struct reverse_route a = route("192.168.2.0/24", "10.1.1.1", NULL, 0);

	shell("ip route add 192.168.2.0/24 via 10.0.0.1 proto 80 &&"
	      " ip route add 192.168.9.0/24 via 10.0.0.1 proto 80 &&"
	      " ip route add 192.168.8.0/24 via 10.0.0.1");
	rri_set(rri, &a, 1);
	expect("192.168.2.0/24 via 10.0.0.1 dev d0\n");
	shell("ip route show 192.168.8.0/24 | grep -q .");
	assert_int_equal(rri_flush(rt), 1);
	expect("");
	shell("ip route show 192.168.8.0/24 | grep -q .");
}

/* The operator's stays what it is. */
static void of_somebody_else(void **state)
{
	struct reverse_route a = route("192.168.2.0/24", "10.1.1.1", NULL, 0);

	shell("ip route add 192.168.2.0/24 via 10.0.0.5");
	rri_set(rri, &a, 1);
	expect("");
	shell("ip route show 192.168.2.0/24 | grep -q 'via 10.0.0.5'");
	rri_set(rri, NULL, 0);
	shell("ip route show 192.168.2.0/24 | grep -q 'via 10.0.0.5'");
}

static void followed(void **state)
{
	struct reverse_route a = route("192.168.2.0/24", "10.1.1.1", NULL, 0);

	rri_set(rri, &a, 1);
	shell("ip route replace default via 10.0.0.4");
	rri_refresh(rri);
	expect("192.168.2.0/24 via 10.0.0.4 dev d0\n");
	/* Without a way to the peer the old one is better than none. */
	shell("ip route del default");
	rri_refresh(rri);
	expect("192.168.2.0/24 via 10.0.0.4 dev d0\n");
	/* Somebody took it away. */
	shell("ip route add default via 10.0.0.4 && ip route del 192.168.2.0/24");
	rri_refresh(rri);
	expect("192.168.2.0/24 via 10.0.0.4 dev d0\n");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(as_the_route_to_the_peer), CASE(swapped), CASE(of_an_earlier_run),
		CASE(of_somebody_else),		CASE(followed),
	};

	if (geteuid() || system("unshare -n ip link add d0 type veth peer name d1 2>/dev/null")) {
		puts("1..0 # SKIP needs root, network namespaces and veth");
		return 0;
	}
	return cmocka_run_group_tests_name("reverse routes in the kernel", tests, NULL, NULL);
}
