/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `set peer A shutdown`: listed, printed, and not counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeerd/conf/config.h"

#define HEAD                                                                                   \
	"crypto isakmp key k address 10.1.1.1\ncrypto isakmp key k address 10.2.2.2\n"          \
	"crypto ikev2 dpd 10 2 periodic\ncrypto ipsec transform-set ts esp-gcm 128\n"           \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"               \
	"crypto map m 1 ipsec-isakmp\n set peer 10.1.1.1 default\n set peer 10.2.2.2\n"
#define TAIL " set transform-set ts\n match address 101\ninterface wan0\n crypto map m\n"

static struct config *parse(const char *text, unsigned errors)
{
	struct conf_diags diags = { 0 };
	struct config *c = config_parse("test.conf", text, strlen(text), &diags);

	assert_int_equal(diags.n_errors, errors);
	conf_diags_free(&diags);
	return c;
}

static const struct map_entry *entry(const struct config *c)
{
	return c->maps[0]->entries[0];
}

static void is_listed_and_not_used(void **state)
{
	struct config *c = parse(HEAD " set peer 10.1.1.1 shutdown\n" TAIL, 0);
	const struct map_entry *e = entry(c);

	assert_int_equal(e->n_peers, 2);
	assert_true(e->peers[0].is_shut && e->peers[0].is_default);
	assert_int_equal(conf_peers_live(e), 1);
	assert_string_equal(conf_peer_live(e, 0)->text, "10.2.2.2");
	assert_null(conf_peer_live(e, 1));
	assert_null(conf_entry_incomplete(c, e));
	config_free(c);
}

static void taken_back(void **state)
{
	struct config *c = parse(HEAD " set peer 10.1.1.1 shutdown\n no set peer 10.1.1.1 shutdown\n" TAIL, 0);

	assert_int_equal(entry(c)->n_peers, 2);
	assert_int_equal(conf_peers_live(entry(c)), 2);
	assert_true(entry(c)->has_default);
	config_free(c);
}

/* What else is said of it later does not bring it back. */
static void stays_when_entered_again(void **state)
{
	struct config *c = parse(HEAD " set peer 10.1.1.1 shutdown\n set peer 10.1.1.1\n" TAIL, 0);

	assert_true(entry(c)->peers[0].is_shut);
	assert_false(entry(c)->peers[0].is_default);
	config_free(c);
}

static void all_of_them_block(void **state)
{
	struct config *c = parse(HEAD " set peer 10.1.1.1 shutdown\n set peer 10.2.2.2 shutdown\n" TAIL, 0);

	assert_string_equal(conf_entry_incomplete(c, entry(c)), "all of its peers are shut down");
	config_free(c);
}

static void prints_to_itself(void **state)
{
	struct config *c = parse(HEAD " set peer 10.1.1.1 shutdown\n" TAIL, 0), *again;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	config_print(c, f);
	fclose(f);
	assert_non_null(strstr(text, " set peer 10.1.1.1 default\n set peer 10.1.1.1 shutdown\n set peer 10.2.2.2\n"));
	again = parse(text, 0);
	assert_true(entry(again)->peers[0].is_shut);
	config_free(again);
	config_free(c);
	free(text);
}

static void refused(void **state)
{
	config_free(parse(HEAD " set peer 10.9.9.9 shutdown\n" TAIL, 1));
	config_free(parse("crypto dynamic-map d 1\n set peer 10.1.1.1 shutdown\n", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_listed_and_not_used), cmocka_unit_test(taken_back),
		cmocka_unit_test(stays_when_entered_again), cmocka_unit_test(all_of_them_block),
		cmocka_unit_test(prints_to_itself), cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
