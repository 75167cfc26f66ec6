// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys for Wireshark: the line to the letter, and one per IKE SA, the same at both ends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/engine_ike/keylog.h"
#include "prefpeerd/test/ike_fixture.h"

#define LINES 4

struct told {
	char line[LINES][KEYLOG_LINE_MAX];
	unsigned n;
};

static void take(void *ctx, const char *line)
{
	struct told *t = ctx;

	assert_in_range(t->n, 0, LINES - 1);
	snprintf(t->line[t->n++], KEYLOG_LINE_MAX, "%s", line);
}

static const uint8_t spi_i[8] = { 0x01, 2, 3, 4, 5, 6, 7, 0x08 };
static const uint8_t spi_r[8] = { 0xf1, 2, 3, 4, 5, 6, 7, 0xf8 };

/* The keys' bytes say whose they are. */
static struct ike_keys some_keys(void)
{
	struct ike_keys k;

	memset(&k, 0xdd, sizeof(k));
	memset(k.i.e, 0x1e, sizeof(k.i.e));
	memset(k.r.e, 0x2e, sizeof(k.r.e));
	memset(k.i.a, 0x1a, sizeof(k.i.a));
	memset(k.r.a, 0x2a, sizeof(k.r.a));
	return k;
}

static void gcm_line(void **state)
{
	const struct ike_suite suite = { ENCR_AES_GCM_16, 128, INTEG_NONE, PRF_HMAC_SHA2_256, 31 };
	const struct ike_keys k = some_keys();
	char line[KEYLOG_LINE_MAX];

	assert_int_equal(keylog_line(&suite, &k, spi_i, spi_r, line), 0);
	assert_string_equal(line,
			    "0102030405060708,f1020304050607f8,"
			    "1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e,"
			    "2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e,"
			    "\"AES-GCM-128 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\"");
}

static void cbc_line(void **state)
{
	const struct ike_suite suite = { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128,
					 PRF_HMAC_SHA2_256, 19 };
	const struct ike_keys k = some_keys();
	char line[KEYLOG_LINE_MAX];

	assert_int_equal(keylog_line(&suite, &k, spi_i, spi_r, line), 0);
	assert_string_equal(line,
			    "0102030405060708,f1020304050607f8,"
			    "1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e,2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e,"
			    "\"AES-CBC-128 [RFC3602]\","
			    "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a,"
			    "2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a,"
			    "\"HMAC_SHA2_256_128 [RFC4868]\"");
}

static void longest_fits(void **state)
{
	const struct ike_suite suite = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256,
					 PRF_HMAC_SHA2_512, 21 };
	const struct ike_keys k = some_keys();
	char line[KEYLOG_LINE_MAX];

	assert_int_equal(keylog_line(&suite, &k, spi_i, spi_r, line), 0);
	assert_string_equal(line + strlen(line) - 2, "]\"");
}

/* Nothing of the keys where Wireshark could make nothing of them. */
static void unknown_is_a_comment(void **state)
{
	const struct ike_suite suite = { ENCR_CHACHA20_POLY1305, 0, INTEG_NONE, PRF_HMAC_SHA2_256,
					 31 };
	const struct ike_keys k = some_keys();
	char line[KEYLOG_LINE_MAX];

	assert_int_equal(keylog_line(&suite, &k, spi_i, spi_r, line), -ENOTSUP);
	assert_int_equal(line[0], '#');
	assert_non_null(strstr(line, "0102030405060708,f1020304050607f8"));
	assert_null(strstr(line, "1e1e"));
}

static void both_ends_tell_the_same(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	struct told left = { 0 }, right = { 0 };

	engine_ike_export_keys(f->left.engine, take, &left);
	engine_ike_export_keys(f->right.engine, take, &right);
	assert_true(fixture_up(f));
	assert_int_equal(left.n, 1);
	assert_int_equal(right.n, 1);
	assert_string_equal(left.line[0], right.line[0]);
	assert_null(strstr(left.line[0], ",0000000000000000,"));
	fixture_free(f);
}

/* The new IKE SA of a rekey has keys of its own (§2.18). */
static void rekeyed_ike_sa_too(void **state)
{
	struct fixture *f = fixture_new(AF_INET);
	struct told left = { 0 }, right = { 0 };

	engine_ike_export_keys(f->left.engine, take, &left);
	engine_ike_export_keys(f->right.engine, take, &right);
	f->to_right.lifetime_s = 600;
	assert_int_equal(f->left.engine->ops->remote_set(f->left.engine->impl, &f->to_right), 0);
	assert_true(fixture_up(f));
	fixture_run_ms(f, 590000);
	assert_int_equal(left.n, 2);
	assert_int_equal(right.n, 2);
	assert_string_equal(left.line[1], right.line[1]);
	assert_string_not_equal(left.line[0], left.line[1]);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gcm_line),
		cmocka_unit_test(cbc_line),
		cmocka_unit_test(longest_fits),
		cmocka_unit_test(unknown_is_a_comment),
		cmocka_unit_test(both_ends_tell_the_same),
		cmocka_unit_test(rekeyed_ike_sa_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
