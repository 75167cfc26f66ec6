// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/addr.h"

#define ELEMS(a) (sizeof(a) / sizeof((a)[0]))

static struct addr A(const char *text) {
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct prefix
P(const char *text) {
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void
addresses_round_trip(void **state)
{
	static const char *const good[] = { "10.1.1.1", "0.0.0.0", "255.255.255.255",
					    "::",	"fe80::1", "2001:db8::ffff" };
	static const char *const bad[] = {
		"",	      "10.1.1",	      "10.1.1.256", " 10.1.1.1", "10.1.1.1/32",
		"01.1.1.1.1", "fe80::1%eth0", ":::",	    "hub"
	};
	char buf[ADDR_STRLEN];

	for (size_t i = 0; i < ELEMS(good); i++) {
		struct addr a = A(good[i]);

		assert_string_equal(addr_print(&a, buf, sizeof(buf)), good[i]);
	}
	for (size_t i = 0; i < ELEMS(bad); i++) {
		struct addr a = A("192.0.2.1"), before = a;

		assert_int_equal(addr_parse(bad[i], &a), -EINVAL);
		assert_memory_equal(&a, &before, sizeof(a));
	}
}

static void no_address_prints_a_dash(void **state)
{
	struct addr none = { 0 };
	char buf[ADDR_STRLEN];

	assert_string_equal(addr_print(&none, buf, sizeof(buf)), "-");
	assert_false(addr_is_set(&none));
	assert_true(addr_is_unspecified(&none));
	assert_int_equal(addr_len(&none), 0);
}

static void order_is_family_then_bytes(void **state)
{
	struct addr a = A("10.1.1.1"), b = A("10.1.1.2"), c = A("::1");

	assert_true(addr_cmp(&a, &b) < 0);
	assert_true(addr_cmp(&b, &a) > 0);
	assert_true(addr_cmp(&b, &c) < 0);
	assert_true(addr_equal(&a, &a));
	assert_false(addr_equal(&a, &b));
}

static void unused_bytes_do_not_count(void **state)
{
	struct addr a = A("10.1.1.1"), b = A("10.1.1.1");

	b.bytes[9] = 7;
	assert_true(addr_equal(&a, &b));
}

static void sockaddrs_round_trip(void **state)
{
	static const char *const texts[] = { "10.1.1.1", "2001:db8::1" };

	for (size_t i = 0; i < ELEMS(texts); i++) {
		struct endpoint e = { .addr = A(texts[i]), .port = 4500 }, back;
		struct sockaddr_storage ss;

		assert_true(addr_to_sockaddr(&e, &ss) > 0);
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &back), 0);
		assert_true(endpoint_equal(&e, &back));
	}
}

static void foreign_families_are_refused(void **state)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNIX };
	struct endpoint none = { 0 }, e;
	struct addr a;

	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &e), -EAFNOSUPPORT);
	assert_int_equal(addr_to_sockaddr(&none, &ss), 0);
	assert_int_equal(addr_from_bytes(AF_UNIX, (const uint8_t *)"0123456789abcdef", &a),
			 -EAFNOSUPPORT);
}

static void prefixes_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint8_t len;
	} cases[] = {
		{ "10.1.1.1", 0, 32 },
		{ "10.0.0.0/8", 0, 8 },
		{ "0.0.0.0/0", 0, 0 },
		{ "10.1.1.1/32", 0, 32 },
		{ "2001:db8::/32", 0, 32 },
		{ "::/0", 0, 0 },
		{ "::1", 0, 128 },
		{ "10.0.0.1/8", -ERANGE, 0 },
		{ "10.128.0.0/8", -ERANGE, 0 },
		{ "10.1.1.3/31", -ERANGE, 0 },
		{ "::1/127", -ERANGE, 0 },
		{ "10.0.0.0/33", -EINVAL, 0 },
		{ "::/129", -EINVAL, 0 },
		{ "10.0.0.0/", -EINVAL, 0 },
		{ "10.0.0.0/-1", -EINVAL, 0 },
		{ "10.0.0.0/8x", -EINVAL, 0 },
		{ "10.0.0.0/ 8", -EINVAL, 0 },
		{ "/8", -EINVAL, 0 },
		{ "10.0.0.0/99999999999999999999", -EINVAL, 0 },
		{ "1111111111111111111111111111111111111111111111111111/8", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ELEMS(cases); i++) {
		struct prefix p = { 0 };

		assert_int_equal(prefix_parse(cases[i].text, &p), cases[i].rc);
		if (!cases[i].rc)
			assert_int_equal(p.len, cases[i].len);
	}
}

static void hosts_print_without_length(void **state)
{
	struct prefix host = P("10.1.1.1/32"), net = P("10.0.0.0/8"), any = prefix_any(AF_INET6);
	char buf[PREFIX_STRLEN];

	assert_string_equal(prefix_print(&host, buf, sizeof(buf)), "10.1.1.1");
	assert_string_equal(prefix_print(&net, buf, sizeof(buf)), "10.0.0.0/8");
	assert_string_equal(prefix_print(&any, buf, sizeof(buf)), "::/0");
}

static void containment(void **state)
{
	struct prefix ten = P("10.0.0.0/8"), sub = P("10.1.0.0/16"), other = P("11.0.0.0/8"), out;
	struct prefix any4 = prefix_any(AF_INET), any6 = prefix_any(AF_INET6);
	struct prefix odd = P("10.1.128.0/17");
	struct addr in = A("10.1.200.1"), below = A("10.1.127.255"), six = A("::1");

	assert_true(prefix_contains(&ten, &sub));
	assert_false(prefix_contains(&sub, &ten));
	assert_false(prefix_contains(&ten, &other));
	assert_true(prefix_contains(&any4, &ten));
	assert_false(prefix_contains(&any6, &ten));
	assert_true(prefix_has_addr(&odd, &in));
	assert_false(prefix_has_addr(&odd, &below));
	assert_false(prefix_has_addr(&any4, &six));
	assert_true(prefix_intersect(&sub, &ten, &out));
	assert_true(prefix_equal(&out, &sub));
	assert_true(prefix_intersect(&ten, &sub, &out));
	assert_true(prefix_equal(&out, &sub));
	assert_false(prefix_intersect(&ten, &other, &out));
}

static void ranges_round_trip(void **state)
{
	static const char *const texts[] = { "0.0.0.0/0",     "10.0.0.0/8", "10.1.1.1",
					     "10.1.128.0/17", "::/0",	    "2001:db8::/33" };

	for (size_t i = 0; i < ELEMS(texts); i++) {
		struct prefix p = P(texts[i]), back;
		struct addr lo, hi;

		prefix_range(&p, &lo, &hi);
		assert_int_equal(prefix_from_range(&lo, &hi, &back), 0);
		assert_true(prefix_equal(&p, &back));
	}
}

static void odd_ranges_are_no_prefix(void **state)
{
	static const char *const cases[][2] = {
		{ "10.0.0.1", "10.0.0.2" }, { "10.0.0.0", "10.0.0.2" },
		{ "10.0.0.3", "10.0.0.0" }, { "10.0.0.0", "10.0.1.254" },
		{ "::", "ffff::" },
	};
	struct addr four = A("10.0.0.0"), six = A("::");
	struct prefix p;

	for (size_t i = 0; i < ELEMS(cases); i++) {
		struct addr lo = A(cases[i][0]), hi = A(cases[i][1]);

		assert_int_equal(prefix_from_range(&lo, &hi, &p), -ERANGE);
	}
	assert_int_equal(prefix_from_range(&four, &six, &p), -ERANGE);
}

static void endpoints_print(void **state)
{
	struct endpoint four = { A("10.1.1.1"), 500 }, six = { A("2001:db8::1"), 4500 };
	char buf[ENDPOINT_STRLEN];

	assert_string_equal(endpoint_print(&four, buf, sizeof(buf)), "10.1.1.1:500");
	assert_string_equal(endpoint_print(&six, buf, sizeof(buf)), "[2001:db8::1]:4500");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_round_trip),
		cmocka_unit_test(no_address_prints_a_dash),
		cmocka_unit_test(order_is_family_then_bytes),
		cmocka_unit_test(unused_bytes_do_not_count),
		cmocka_unit_test(sockaddrs_round_trip),
		cmocka_unit_test(foreign_families_are_refused),
		cmocka_unit_test(prefixes_are_read_strictly),
		cmocka_unit_test(hosts_print_without_length),
		cmocka_unit_test(containment),
		cmocka_unit_test(ranges_round_trip),
		cmocka_unit_test(odd_ranges_are_no_prefix),
		cmocka_unit_test(endpoints_print),
	};

	return cmocka_run_group_tests_name("lib addr", tests, NULL, NULL);
}
