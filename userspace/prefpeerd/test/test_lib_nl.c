// SPDX-License-Identifier: GPL-2.0-or-later
/* The module's attributes as bytes; numbering of events. No socket. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/netlink.h>
#include <string.h>

#include "lib/pp_nl.h"

static struct addr A(const char *text) {
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct pp_attrs
sa_like(void)
{
	struct addr src = A("10.0.0.2"), dst = A("2001:db8::1");
	struct pp_attrs a = { 0 };

	pp_set_addr(&a, PP_SRC, &src);
	pp_set_addr(&a, PP_DST, &dst);
	PP_SET(&a, SEQ, seq, 7);
	PP_SET(&a, STAMP, stamp, 0x1122334455667788ull);
	PP_SET(&a, SPI, spi, 0xc3a1f00d);
	PP_SET(&a, ENCAP_PORT, encap_port, 4500);
	PP_SET(&a, PROTO, proto, 50);
	PP_SET(&a, REQID, reqid, 0);
	PP_SET_META(&a, IDLE_TIME, idle_time, 120000);
	PP_SET_META(&a, COOKIE, cookie, 1ull << 63);
	PP_SET_META(&a, FLAGS, flags, PREFPEER_META_FLAG_DEFAULT);
	assert_int_equal(pp_set_map(&a, "tohub"), 0);
	return a;
}

static void everything_set_comes_back(void **state)
{
	struct pp_attrs a = sa_like(), b;
	uint8_t bytes[1024];
	int n = pp_attrs_encode(&a, bytes, sizeof(bytes));

	assert_true(n > 0);
	assert_int_equal(pp_attrs_decode(bytes, (size_t)n, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
}

/* Every row of the three tables, with a value of its own. */
static void every_attribute_comes_back(void **state)
{
	struct pp_attrs a = { 0 }, b;
	uint8_t bytes[2048];
	int n;

	for (int t = 1; t <= PREFPEER_A_STATS_MAX; t++) {
		if (!pp_stats_table[t].name)
			continue;
		((uint8_t *)&a.stats)[pp_stats_table[t].offset] = (uint8_t)(100 + t);
		a.stats.has |= PP_BIT(t);
	}
	for (int t = 1; t <= PREFPEER_A_MAX; t++) {
		const struct pp_attr_desc *d = &pp_attr_table[t];

		assert_true(t == PREFPEER_A_PAD || d->name);
		if (!d->name || d->kind == PP_IPV4 || d->kind == PP_IPV6)
			continue;
		if (d->kind != PP_META && d->kind != PP_STATS)
			((uint8_t *)&a)[d->offset] = (uint8_t)t;
		a.has |= PP_BIT(t);
	}
	n = pp_attrs_encode(&a, bytes, sizeof(bytes));
	assert_true(n > 0);
	assert_int_equal(pp_attrs_decode(bytes, (size_t)n, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(pp_number(&b, &pp_attr_table[PREFPEER_A_REPEAT]), PREFPEER_A_REPEAT);
}

static void wire_order_is_network_order(void **state)
{
	struct pp_attrs a = { 0 };
	uint8_t bytes[64];

	PP_SET(&a, SPI, spi, 0xc3a1f00d);
	assert_int_equal(pp_attrs_encode(&a, bytes, sizeof(bytes)), 8);
	assert_memory_equal(bytes + 4, "\xc3\xa1\xf0\x0d", 4);
}

static void an_address_has_one_family(void **state)
{
	struct addr four = A("10.0.0.1"), six = A("::1"), none = { 0 };
	struct prefix net;
	struct pp_attrs a = { 0 };

	pp_set_addr(&a, PP_REMOTE, &four);
	pp_set_addr(&a, PP_REMOTE, &six);
	assert_int_equal(a.has, PP_BIT(PREFPEER_A_REMOTE_IPV6));
	pp_set_addr(&a, PP_REMOTE, &none);
	assert_int_equal(a.has, 0);
	net = prefix_host(&four);
	pp_set_prefix(&a, PP_REMOTE, &net);
	assert_false(PP_HAS(&a, PREFPEER_A_REMOTE_LEN));
	assert_int_equal(prefix_parse("10.0.0.0/8", &net), 0);
	pp_set_prefix(&a, PP_LOCAL, &net);
	assert_true(PP_HAS(&a, PREFPEER_A_LOCAL_LEN));
	assert_int_equal(a.local_len, 8);
}

static void long_map_names_are_refused(void **state)
{
	char name[PREFPEER_MAP_LEN + 2];
	struct pp_attrs a = { 0 };

	memset(name, 'm', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(pp_set_map(&a, name), -E2BIG);
	assert_int_equal(a.has, 0);
	name[PREFPEER_MAP_LEN] = '\0';
	assert_int_equal(pp_set_map(&a, name), 0);
}

static size_t put(uint8_t *at, uint16_t type, const void *data, uint16_t len)
{
	struct nlattr nla = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type };

	memset(at, 0, (size_t)NLA_ALIGN(nla.nla_len));
	memcpy(at, &nla, sizeof(nla));
	memcpy(at + NLA_HDRLEN, data, len);
	return (size_t)NLA_ALIGN(nla.nla_len);
}

static void newer_attributes_are_kept(void **state)
{
	uint8_t bytes[512];
	struct pp_attrs a;
	size_t n = 0;

	n += put(bytes + n, PREFPEER_A_MAX + 3, "\1\2\3", 3);
	n += put(bytes + n, PREFPEER_A_REQID, "\7\0\0\0", 4);
	n += put(bytes + n, 1000, "0123456789abcdefXYZ", 19);
	assert_int_equal(pp_attrs_decode(bytes, n, &a), 0);
	assert_true(PP_HAS(&a, PREFPEER_A_REQID));
	assert_int_equal(a.n_unknown, 2);
	assert_int_equal(a.unknown[0].type, PREFPEER_A_MAX + 3);
	assert_int_equal(a.unknown[0].len, 3);
	assert_int_equal(a.unknown[1].len, 19);
	assert_memory_equal(a.unknown[1].data, "0123456789abcdef", 16);
	n = 0;
	for (int i = 0; i < 20; i++)
		n += put(bytes + n, (uint16_t)(500 + i), "\1", 1);
	assert_int_equal(pp_attrs_decode(bytes, n, &a), 0);
	assert_int_equal(a.n_unknown, 20);
}

static void short_attributes_are_refused(void **state)
{
	uint8_t bytes[64], zero[sizeof(struct pp_attrs)] = { 0 };
	struct pp_attrs a;
	size_t n = put(bytes, PREFPEER_A_REQID, "\7\0\0\0", 4);

	n += put(bytes + n, PREFPEER_A_STAMP, "\1\2\3\4", 4);
	assert_int_equal(pp_attrs_decode(bytes, n, &a), -EBADMSG);
	assert_memory_equal(&a, zero, sizeof(a));
	n = put(bytes, PREFPEER_A_SRC_IPV6, "\1\2\3\4", 4);
	assert_int_equal(pp_attrs_decode(bytes, n, &a), -EBADMSG);
}

static void strings_need_no_final_zero(void **state)
{
	uint8_t bytes[256], nest[200];
	char longest[150];
	struct pp_attrs a;
	size_t n = put(nest, PREFPEER_A_META_MAP, "hub", 3);

	n = put(bytes, PREFPEER_A_META | NLA_F_NESTED, nest, (uint16_t)n);
	assert_int_equal(pp_attrs_decode(bytes, n, &a), 0);
	assert_string_equal(a.meta.map, "hub");
	memset(longest, 'x', sizeof(longest));
	n = put(nest, PREFPEER_A_META_MAP, longest, sizeof(longest));
	n = put(bytes, PREFPEER_A_META | NLA_F_NESTED, nest, (uint16_t)n);
	assert_int_equal(pp_attrs_decode(bytes, n, &a), 0);
	assert_int_equal(strlen(a.meta.map), PREFPEER_MAP_LEN);
}

static void any_bytes_are_survived(void **state)
{
	uint8_t bytes[256];
	struct pp_attrs a;
	uint32_t x = 1;

	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)round % sizeof(bytes);

		for (size_t i = 0; i < n; i++) {
			x = x * 1103515245 + 12345;
			bytes[i] = (uint8_t)(x >> 24) & (i % 4 == 1 || i % 4 == 3 ? 0 : 0x3f);
		}
		pp_attrs_decode(bytes, n, &a);
	}
}

static void gaps_are_counted(void **state)
{
	uint32_t next = 0;

	assert_int_equal(pp_seq_gap(&next, 100), 0);
	assert_int_equal(pp_seq_gap(&next, 101), 0);
	assert_int_equal(pp_seq_gap(&next, 105), 3);
	assert_int_equal(pp_seq_gap(&next, 1), 0);
	assert_int_equal(next, 2);
	next = UINT32_MAX;
	assert_int_equal(pp_seq_gap(&next, UINT32_MAX), 0);
	assert_int_equal(next, 1);
}

static void events_have_names_and_groups(void **state)
{
	assert_string_equal(pp_cmd_name(PREFPEER_CMD_PEER_ONE_WAY_NTF), "peer-one-way");
	assert_null(pp_cmd_name(PREFPEER_CMD_MAX + 1));
	assert_null(pp_cmd_name(-1));
	for (int cmd = PREFPEER_CMD_SA_NEW_NTF; cmd <= PREFPEER_CMD_MAX; cmd++) {
		assert_non_null(pp_cmd_name(cmd));
		assert_int_not_equal(pp_event_group(cmd), 0);
	}
	assert_int_equal(pp_event_group(PREFPEER_CMD_SA_GONE_NTF), PP_GROUP_SA);
	assert_int_equal(pp_event_group(PREFPEER_CMD_PAIR_IDLE_NTF), PP_GROUP_PEER);
	assert_int_equal(pp_event_group(PREFPEER_CMD_RULE_DEL_NTF), PP_GROUP_RULE);
	assert_int_equal(pp_event_group(PREFPEER_CMD_SA_GET), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_set_comes_back),
		cmocka_unit_test(every_attribute_comes_back),
		cmocka_unit_test(wire_order_is_network_order),
		cmocka_unit_test(an_address_has_one_family),
		cmocka_unit_test(long_map_names_are_refused),
		cmocka_unit_test(newer_attributes_are_kept),
		cmocka_unit_test(short_attributes_are_refused),
		cmocka_unit_test(strings_need_no_final_zero),
		cmocka_unit_test(any_bytes_are_survived),
		cmocka_unit_test(gaps_are_counted),
		cmocka_unit_test(events_have_names_and_groups),
	};

	return cmocka_run_group_tests_name("lib nl", tests, NULL, NULL);
}
