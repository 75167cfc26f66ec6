// SPDX-License-Identifier: GPL-2.0-or-later
/* Words of prefpeer's command line → attributes of a request. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "prefpeer/cli.h"

#define ELEMS(a) (sizeof(a) / sizeof((a)[0]))

static void times(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint32_t ms;
	} cases[] = {
		{ "120", 0, 120000 },
		{ "120s", 0, 120000 },
		{ "500ms", 0, 500 },
		{ "0", 0, 0 },
		{ "0ms", 0, 0 },
		{ "86400", 0, 86400000 },
		{ "010", 0, 10000 },
		{ "4294967", 0, 4294967000u },
		{ "4294967295ms", 0, UINT32_MAX },
		{ "4294968", -ERANGE, 0 },
		{ "4294967296ms", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1.5s", -EINVAL, 0 },
		{ "120 s", -EINVAL, 0 },
		{ "120sec", -EINVAL, 0 },
		{ "2m", -EINVAL, 0 },
		{ " 5", -EINVAL, 0 },
		{ "+5", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ELEMS(cases); i++) {
		uint32_t ms = 77;

		assert_int_equal(parse_time_ms(cases[i].text, &ms), cases[i].rc);
		assert_int_equal(ms, cases[i].rc ? 77 : cases[i].ms);
	}
}

static void numbers(void **state)
{
	uint32_t v = 7;
	uint64_t w = 7;

	assert_int_equal(parse_u32("4294967295", &v), 0);
	assert_int_equal(v, UINT32_MAX);
	assert_int_equal(parse_u32("0xC3a1f00d", &v), 0);
	assert_int_equal(v, 0xc3a1f00d);
	assert_int_equal(parse_u32("4294967296", &v), -ERANGE);
	assert_int_equal(parse_u32("12x", &v), -EINVAL);
	assert_int_equal(parse_u32("0x", &v), -EINVAL);
	assert_int_equal(parse_u64("18446744073709551615", &w), 0);
	assert_true(w == UINT64_MAX);
	assert_int_equal(parse_u64("18446744073709551616", &w), -ERANGE);
}

static void marks(void **state)
{
	uint32_t v, mask;
	bool has;

	assert_int_equal(parse_mark("0x10/0xff", &v, &mask, &has), 0);
	assert_true(v == 0x10 && mask == 0xff && has);
	assert_int_equal(parse_mark("7", &v, &mask, &has), 0);
	assert_true(v == 7 && mask == UINT32_MAX && !has);
	assert_int_equal(parse_mark("7/", &v, &mask, &has), -EINVAL);
	assert_int_equal(parse_mark("/7", &v, &mask, &has), -EINVAL);
	assert_int_equal(parse_mark("1/2/3", &v, &mask, &has), -EINVAL);
}

/* Standard error of the call lands in said[]. */
static char said[1024];

static int take(const struct word *const *tables, const char *line, struct pp_attrs *out)
{
	char copy[512], *words[64], *save = NULL;
	struct args args = { 0, words };
	int fds[2], saved = dup(STDERR_FILENO), rc;
	ssize_t n;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		words[args.n++] = w;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	dup2(fds[1], STDERR_FILENO);
	memset(out, 0, sizeof(*out));
	rc = words_take(&args, tables, out);
	dup2(saved, STDERR_FILENO);
	n = read(fds[0], said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	close(saved);
	close(fds[0]);
	close(fds[1]);
	return rc;
}

static const struct word *const rule_words[] = { words_rule_selector, words_meta, NULL };

static void a_whole_rule(void **state)
{
	struct pp_attrs a;

	assert_int_equal(take(rule_words,
			      "remote 10.0.0.0/8 local 192.0.2.1 proto ah reqid 7 if_id 0x20 "
			      "mark 0x1/0xf map tohub seq 1 index 2 default idle-time 120 "
			      "one-way 500ms expire cookie 18446744073709551615",
			      &a),
			 CLI_OK);
	assert_int_equal(a.remote_len, 8);
	assert_true(PP_HAS(&a, PREFPEER_A_REMOTE_LEN) && !PP_HAS(&a, PREFPEER_A_LOCAL_LEN));
	assert_true(PP_HAS(&a, PREFPEER_A_REMOTE_IPV4) && PP_HAS(&a, PREFPEER_A_LOCAL_IPV4));
	assert_int_equal(a.proto, IPPROTO_AH);
	assert_int_equal(a.reqid, 7);
	assert_int_equal(a.if_id, 0x20);
	assert_int_equal(a.mark_mask, 0xf);
	assert_string_equal(a.meta.map, "tohub");
	assert_int_equal(a.meta.map_seq, 1);
	assert_int_equal(a.meta.index, 2);
	assert_int_equal(a.meta.idle_time, 120000);
	assert_int_equal(a.meta.one_way, 500);
	assert_int_equal(a.meta.flags, PREFPEER_META_FLAG_DEFAULT | PREFPEER_META_FLAG_EXPIRE);
	assert_true(a.meta.cookie == UINT64_MAX);
}

static void absent_is_not_zero(void **state)
{
	struct pp_attrs a;

	assert_int_equal(take(rule_words, "remote ::/0 idle-time 0", &a), CLI_OK);
	assert_int_equal(a.has, PP_BIT(PREFPEER_A_REMOTE_IPV6) | PP_BIT(PREFPEER_A_REMOTE_LEN) |
					PP_BIT(PREFPEER_A_META));
	assert_int_equal(a.meta.has, PP_BIT(PREFPEER_A_META_IDLE_TIME));
	assert_int_equal(take(rule_words, "mark 7", &a), CLI_OK);
	assert_int_equal(a.has, PP_BIT(PREFPEER_A_MARK));
	assert_int_equal(take(rule_words, "", &a), CLI_OK);
	assert_int_equal(a.has, 0);
}

static void both_spellings_of_a_word(void **state)
{
	struct pp_attrs a;

	assert_int_equal(take(rule_words, "if-id 3 idle_time 5 one_way 0", &a), CLI_OK);
	assert_int_equal(a.if_id, 3);
	assert_int_equal(a.meta.idle_time, 5000);
}

/* Words are not abbreviated, not repeated, and wrong values are named. */
static void refusals_are_sentences(void **state)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
		{ "remot 10.0.0.1", "\"remot\" is no word here; these are: remote local" },
		{ "rem 10.0.0.1", "\"rem\" is no word" },
		{ "remote", "remote needs a value: remote PREFIX" },
		{ "remote 10.0.0.1/8", "\"10.0.0.1/8\" has bits set beyond its prefix length" },
		{ "remote hub", "\"hub\" is not an address or ADDRESS/LENGTH" },
		{ "remote 10.0.0.0/33", "\"10.0.0.0/33\" is not an address" },
		{ "reqid 1 reqid 2", "reqid is given twice" },
		{ "default default", "default is given twice" },
		{ "proto tcp", "\"tcp\" is neither esp nor ah" },
		{ "idle-time 5m", "\"5m\" is not a time" },
		{ "idle-time 5000000", "\"5000000\" is too long a time" },
		{ "reqid -1", "\"-1\" is not a number of 0..4294967295" },
		{ "mark 1/", "\"1/\" is not VALUE or VALUE/MASK" },
		{ "map 0123456789012345678901234567890123456789012345678901234567890123",
		  "is longer than 63 bytes" },
		{ "cookie x", "\"x\" is not a 64-bit number" },
	};
	struct pp_attrs a;

	for (size_t i = 0; i < ELEMS(cases); i++) {
		assert_int_equal(take(rule_words, cases[i].line, &a), CLI_USAGE);
		if (!strstr(said, cases[i].part))
			fail_msg("\"%s\" got: %s", cases[i].line, said);
	}
}

static void filters_of_sas(void **state)
{
	const struct word *const words[] = { words_sa_filter, NULL };
	struct pp_attrs a;

	assert_int_equal(take(words,
			      "dst 2001:db8::1 spi 0xc3a1f00d proto esp dir out state idle "
			      "encap-port 4500 pair 3 peer 4 rule 5",
			      &a),
			 CLI_OK);
	assert_true(PP_HAS(&a, PREFPEER_A_DST_IPV6));
	assert_int_equal(a.spi, 0xc3a1f00d);
	assert_int_equal(a.dir, PREFPEER_DIR_OUT);
	assert_int_equal(a.state, PREFPEER_STATE_IDLE);
	assert_int_equal(a.encap_port, 4500);
	assert_int_equal(a.pair_id + a.peer_id + a.rule_id, 12);
	assert_int_equal(take(words, "dir sideways", &a), CLI_USAGE);
	assert_int_equal(take(words, "state busy", &a), CLI_USAGE);
	assert_non_null(strstr(said, "is neither active nor idle"));
	assert_int_equal(take(words, "encap-port 65536", &a), CLI_USAGE);
	assert_int_equal(take(words, "map tohub", &a), CLI_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(numbers),
		cmocka_unit_test(marks),
		cmocka_unit_test(a_whole_rule),
		cmocka_unit_test(absent_is_not_zero),
		cmocka_unit_test(both_spellings_of_a_word),
		cmocka_unit_test(refusals_are_sentences),
		cmocka_unit_test(filters_of_sas),
	};

	return cmocka_run_group_tests_name("cli args", tests, NULL, NULL);
}
