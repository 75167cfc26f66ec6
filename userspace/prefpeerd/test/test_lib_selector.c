// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/selector.h"

static struct selector S(const char *src, const char *dst) {
	struct selector s = selector_any(AF_INET);

	assert_int_equal(prefix_parse(src, &s.src), 0);
	assert_int_equal(prefix_parse(dst, &s.dst), 0);
	return s;
}

static struct selector
udp(struct selector s, uint16_t sport, uint16_t dport)
{
	s.proto = IPPROTO_UDP;
	if (sport)
		s.sport = (struct port_range){ sport, sport };
	if (dport)
		s.dport = (struct port_range){ dport, dport };
	return s;
}

static void prints(const struct selector s, const char *want)
{
	char buf[SELECTOR_STRLEN];

	assert_string_equal(selector_print(&s, buf, sizeof(buf)), want);
}

static void printing(void **state)
{
	struct selector s = S("192.168.1.0/24", "10.0.0.1");

	prints(s, "192.168.1.0/24 → 10.0.0.1");
	prints(udp(s, 500, 0), "192.168.1.0/24 udp 500 → 10.0.0.1");
	prints(udp(s, 0, 53), "192.168.1.0/24 udp → 10.0.0.1 53");
	s.proto = 89;
	prints(s, "192.168.1.0/24 89 → 10.0.0.1");
	s.proto = IPPROTO_TCP;
	s.dport = (struct port_range){ 80, 90 };
	prints(s, "192.168.1.0/24 tcp → 10.0.0.1 80-90");
	s.dport = (struct port_range){ 65535, 0 };
	prints(s, "192.168.1.0/24 tcp → 10.0.0.1 opaque");
	prints(selector_any(AF_INET6), "::/0 → ::/0");
}

static void containing(void **state)
{
	struct selector wide = S("192.168.0.0/16", "10.0.0.0/8"),
			in = S("192.168.1.0/24", "10.1.0.0/16");
	struct selector any = selector_any(AF_INET), one = udp(in, 500, 53), tcp = one;

	tcp.proto = IPPROTO_TCP;
	assert_true(selector_contains(&any, &wide));
	assert_true(selector_contains(&wide, &in));
	assert_false(selector_contains(&in, &wide));
	assert_true(selector_contains(&in, &one));
	assert_false(selector_contains(&one, &in));
	assert_false(selector_contains(&one, &tcp));
}

static void intersecting(void **state)
{
	struct selector a = S("192.168.0.0/16", "10.1.0.0/16"),
			b = S("192.168.1.0/24", "10.0.0.0/8");
	struct selector other = S("172.16.0.0/12", "10.0.0.0/8"), got,
			want = S("192.168.1.0/24", "10.1.0.0/16");
	struct selector u = udp(a, 0, 53), t = u;

	assert_true(selector_intersect(&a, &b, &got));
	assert_true(selector_equal(&got, &want));
	assert_true(selector_intersect(&b, &a, &got));
	assert_true(selector_equal(&got, &want));
	assert_false(selector_intersect(&a, &other, &got));
	assert_true(selector_intersect(&u, &b, &got));
	assert_int_equal(got.proto, IPPROTO_UDP);
	assert_int_equal(got.dport.lo, 53);
	t.proto = IPPROTO_TCP;
	assert_false(selector_intersect(&u, &t, &got));
}

static void port_ranges_overlap(void **state)
{
	struct selector a = udp(S("10.0.0.1", "10.0.0.2"), 0, 0), b = a, got;

	a.dport = (struct port_range){ 10, 20 };
	b.dport = (struct port_range){ 15, 30 };
	assert_true(selector_intersect(&a, &b, &got));
	assert_int_equal(got.dport.lo, 15);
	assert_int_equal(got.dport.hi, 20);
	b.dport = (struct port_range){ 21, 30 };
	assert_false(selector_intersect(&a, &b, &got));
}

static void opaque_is_in_any_only(void **state)
{
	struct selector a = udp(S("10.0.0.1", "10.0.0.2"), 0, 0), opaque = a, low = a, got;

	opaque.dport = (struct port_range){ 65535, 0 };
	low.dport = (struct port_range){ 0, 1023 };
	assert_true(selector_contains(&a, &opaque));
	assert_false(selector_contains(&low, &opaque));
	assert_false(selector_contains(&opaque, &low));
	assert_true(selector_intersect(&opaque, &a, &got));
	assert_true(selector_equal(&got, &opaque));
	assert_false(selector_intersect(&opaque, &low, &got));
}

static void reversing(void **state)
{
	struct selector s = udp(S("192.168.1.0/24", "10.0.0.1"), 500, 53), r = selector_reverse(&s),
			rr;

	prints(r, "10.0.0.1 udp 53 → 192.168.1.0/24 500");
	rr = selector_reverse(&r);
	assert_true(selector_equal(&s, &rr));
}

static void traffic_selectors_round_trip(void **state)
{
	struct selector s = udp(S("192.168.1.0/24", "10.0.0.1"), 500, 53), back;
	struct ts i, r;
	char buf[TS_STRLEN];

	selector_to_ts(&s, &i, &r);
	assert_string_equal(ts_print(&i, buf, sizeof(buf)), "192.168.1.0/24 udp 500");
	assert_string_equal(ts_print(&r, buf, sizeof(buf)), "10.0.0.1 udp 53");
	assert_int_equal(selector_from_ts(&i, &r, &back), 0);
	assert_true(selector_equal(&s, &back));
}

static void traffic_selectors_that_no_selector_holds(void **state)
{
	struct selector s = S("192.168.1.0/24", "10.0.0.0/8"), six = selector_any(AF_INET6), out;
	struct ts i, r, i6, r6, odd;
	char buf[TS_STRLEN];

	selector_to_ts(&s, &i, &r);
	selector_to_ts(&six, &i6, &r6);
	assert_int_equal(selector_from_ts(&i, &r6, &out), -EAFNOSUPPORT);
	odd = i;
	odd.lo.bytes[3] = 1;
	assert_int_equal(selector_from_ts(&odd, &r, &out), -ERANGE);
	assert_string_equal(ts_print(&odd, buf, sizeof(buf)), "192.168.1.1-192.168.1.255");
	i.proto = IPPROTO_UDP;
	r.proto = IPPROTO_TCP;
	assert_int_equal(selector_from_ts(&i, &r, &out), -ERANGE);
}

static void traffic_selectors_compare_as_ranges(void **state)
{
	struct ts a, b, got, unused;
	struct selector sa = S("10.0.0.0/24", "0.0.0.0/0"), sb = S("10.0.0.128/25", "0.0.0.0/0");

	selector_to_ts(&sa, &a, &unused);
	selector_to_ts(&sb, &b, &unused);
	assert_true(ts_contains(&a, &b));
	assert_false(ts_contains(&b, &a));
	a.hi.bytes[3] = 200;
	assert_false(ts_contains(&a, &b));
	assert_true(ts_intersect(&a, &b, &got));
	assert_int_equal(got.lo.bytes[3], 128);
	assert_int_equal(got.hi.bytes[3], 200);
	assert_false(ts_equal(&a, &b));
	assert_true(ts_equal(&a, &a));
	b.lo.bytes[3] = 201;
	assert_false(ts_intersect(&a, &b, &got));
}

/* ---- ICMP: type · 256 + code in a traffic selector, type and code in XFRM ---- */

static struct selector icmp(uint16_t type_lo, uint16_t type_hi, uint16_t code_lo, uint16_t code_hi)
{
	struct selector s = selector_any(AF_INET);

	s.proto = IPPROTO_ICMP;
	s.sport = (struct port_range){ type_lo, type_hi };
	s.dport = (struct port_range){ code_lo, code_hi };
	return s;
}

static void icmp_types_and_codes(void **state)
{
	static const struct {
		struct port_range type, code, ts;
	} rows[] = {
		{ { 0, 65535 }, { 0, 65535 }, { 0, 65535 } },
		{ { 8, 8 }, { 0, 0 }, { 0x0800, 0x0800 } },
		{ { 3, 3 }, { 4, 4 }, { 0x0304, 0x0304 } },
		{ { 3, 3 }, { 1, 4 }, { 0x0301, 0x0304 } },
		{ { 3, 3 }, { 0, 65535 }, { 0x0300, 0x03ff } },
		{ { 8, 9 }, { 0, 65535 }, { 0x0800, 0x09ff } },
		{ { 0, 0 }, { 0, 65535 }, { 0x0000, 0x00ff } },
		{ { 255, 255 }, { 255, 255 }, { 0xffff, 0xffff } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct selector s = icmp(rows[i].type.lo, rows[i].type.hi, rows[i].code.lo,
					 rows[i].code.hi);
		struct selector back, turned;
		struct ts tsi, tsr;

		selector_to_ts(&s, &tsi, &tsr);
		assert_int_equal(tsi.port.lo, rows[i].ts.lo);
		assert_int_equal(tsi.port.hi, rows[i].ts.hi);
		assert_int_equal(tsr.port.lo, rows[i].ts.lo);
		assert_int_equal(selector_from_ts(&tsi, &tsr, &back), 0);
		assert_true(selector_equal(&back, &s));
		/* One side alone says it. */
		tsr.port = (struct port_range){ 0, 65535 };
		assert_int_equal(selector_from_ts(&tsi, &tsr, &back), 0);
		assert_true(selector_equal(&back, &s));
		turned = selector_reverse(&s);
		assert_int_equal(turned.sport.lo, s.sport.lo);
		assert_int_equal(turned.dport.hi, s.dport.hi);
	}
}

static void icmp_that_xfrm_cannot_say(void **state)
{
	struct selector s = icmp(8, 8, 0, 0), got;
	struct ts tsi, tsr;

	selector_to_ts(&s, &tsi, &tsr);
	tsr.port = (struct port_range){ 0, 0 }; /* another type */
	assert_int_equal(selector_from_ts(&tsi, &tsr, &got), -ERANGE);
	tsi.port = tsr.port = (struct port_range){ 0x0304, 0x0803 }; /* across types */
	assert_int_equal(selector_from_ts(&tsi, &tsr, &got), -ERANGE);
	tsi.port = (struct port_range){ 65535, 0 }; /* OPAQUE */
	assert_int_equal(selector_from_ts(&tsi, &tsr, &got), -ERANGE);
	/* UDP's are ports, and 0x0304 to 0x0803 a range of them. */
	tsi.proto = tsr.proto = IPPROTO_UDP;
	tsi.port = tsr.port;
	assert_int_equal(selector_from_ts(&tsi, &tsr, &got), 0);
	assert_int_equal(got.sport.lo, 0x0304);
	assert_int_equal(got.dport.hi, 0x0803);
}

/* ---- port ranges as masks ---- */

static bool is_block(const struct port_range *r)
{
	uint32_t size = (uint32_t)r->hi - r->lo + 1;

	return r->hi >= r->lo && !(size & (size - 1)) && !(r->lo & (size - 1));
}

static void split_covers(uint16_t lo, uint16_t hi)
{
	struct port_range r = { lo, hi }, out[PORT_BLOCKS_MAX];
	unsigned n = ports_split(&r, out);
	uint32_t next = lo;

	assert_in_range(n, 1, PORT_BLOCKS_MAX);
	for (unsigned i = 0; i < n; i++) {
		assert_true(is_block(&out[i]));
		assert_int_equal(out[i].lo, next);
		next = (uint32_t)out[i].hi + 1;
	}
	assert_int_equal(next, (uint32_t)hi + 1);
}

static void ranges_split_into_masks(void **state)
{
	struct port_range r = { 1, 65534 }, out[PORT_BLOCKS_MAX], all = { 0, 65535 };

	assert_int_equal(ports_split(&r, out), PORT_BLOCKS_MAX);
	assert_int_equal(ports_split(&all, out), 1);
	r = (struct port_range){ 1000, 1999 };
	assert_int_equal(ports_split(&r, out), 7);
	assert_int_equal(out[0].hi, 1007);
	for (uint32_t lo = 0; lo < 65536; lo += 251)
		for (uint32_t hi = lo; hi < 65536; hi += 509)
			split_covers((uint16_t)lo, (uint16_t)hi);
	split_covers(65535, 65535);
}

static void block_of_the_packet(void **state)
{
	struct port_range r = { 1000, 2999 }, got;
	struct selector s, flow;
	uint16_t want = 2999;

	got = ports_block(&r, NULL);
	assert_int_equal(got.lo, 1024);
	assert_int_equal(got.hi, 2047);
	got = ports_block(&r, &want);
	assert_true(is_block(&got) && got.lo <= 2999 && got.hi == 2999);
	want = 80;
	got = ports_block(&r, &want);
	assert_int_equal(got.lo, 1024);

	s = udp(selector_any(AF_INET), 0, 0);
	s.dport = r;
	flow = udp(selector_any(AF_INET), 5000, 1001);
	got = selector_block(&s, &flow).dport;
	assert_int_equal(got.lo, 1000);
	assert_int_equal(got.hi, 1007);
	flow = udp(selector_any(AF_INET), 5000, 99);
	got = selector_block(&s, &flow).dport;
	assert_int_equal(got.lo, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printing),
		cmocka_unit_test(containing),
		cmocka_unit_test(intersecting),
		cmocka_unit_test(port_ranges_overlap),
		cmocka_unit_test(opaque_is_in_any_only),
		cmocka_unit_test(reversing),
		cmocka_unit_test(icmp_types_and_codes),
		cmocka_unit_test(icmp_that_xfrm_cannot_say),
		cmocka_unit_test(ranges_split_into_masks),
		cmocka_unit_test(block_of_the_packet),
		cmocka_unit_test(traffic_selectors_round_trip),
		cmocka_unit_test(traffic_selectors_that_no_selector_holds),
		cmocka_unit_test(traffic_selectors_compare_as_ranges),
	};

	return cmocka_run_group_tests_name("lib selector", tests, NULL, NULL);
}
