// SPDX-License-Identifier: GPL-2.0-or-later
/* The file itself: who may read it, how its errors are shown, what -t says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prefpeerd/test/conf_help.h"

struct tmp {
	char path[64];
};

static int make_tmp(void **state)
{
	struct tmp *t = calloc(1, sizeof(*t));
	int fd;

	strcpy(t->path, "/tmp/test_conf_file.XXXXXX");
	fd = mkstemp(t->path);
	if (fd < 0)
		return -1;
	close(fd);
	*state = t;
	return 0;
}

static int drop_tmp(void **state)
{
	struct tmp *t = *state;

	unlink(t->path);
	free(t);
	return 0;
}

static void put(const struct tmp *t, const char *text, mode_t mode)
{
	FILE *f = fopen(t->path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(t->path, mode), 0);
}

static int load(const char *path, char **said)
{
	struct conf_diags d;
	struct config *c;
	size_t size;
	FILE *f;
	int err = config_load(path, &c, &d);

	assert_int_equal(!c, err != 0);
	*said = NULL;
	f = open_memstream(said, &size);
	conf_diags_print(&d, "f", NULL, f);
	fclose(f);
	conf_diags_free(&d);
	config_free(c);
	return err;
}

#define KEY "crypto isakmp key TOPSECRET address 10.1.1.1\n"

static void keys_for_everyone_are_refused(void **state)
{
	static const mode_t bad[] = {0644, 0604, 0641, 0602, 0777};
	char *said;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put(*state, KEY, bad[i]);
		assert_int_equal(load(((struct tmp *)*state)->path, &said), -EACCES);
		assert_non_null(strstr(said, "f: error: the file holds keys and its mode 0"));
		assert_non_null(strstr(said, "chmod 0640"));
		free(said);
	}
}

static void keys_for_a_group_are_fine(void **state)
{
	char *said;

	put(*state, KEY, 0640);
	assert_int_equal(load(((struct tmp *)*state)->path, &said), 0);
	assert_string_equal(said, "");
	free(said);
}

static void no_keys_for_everyone_are_fine(void **state)
{
	char *said;

	put(*state, "hostname gw\n", 0644);
	assert_int_equal(load(((struct tmp *)*state)->path, &said), 0);
	free(said);
}

static void what_is_no_file(void **state)
{
	const struct tmp *t = *state;
	char *said, *big;

	assert_int_equal(load("/nonexistent/prefpeer.conf", &said), -ENOENT);
	assert_string_equal(said, "f: error: cannot be read: No such file or directory\n"
				  "1 error, 0 warnings\n");
	free(said);
	assert_int_equal(load("/tmp", &said), -EINVAL);
	assert_non_null(strstr(said, "not a regular file"));
	free(said);

	big = malloc(1100000);
	memset(big, '!', 1099999);
	big[1099999] = '\0';
	put(t, big, 0640);
	free(big);
	assert_int_equal(load(t->path, &said), -EFBIG);
	assert_non_null(strstr(said, "larger than 1048576 bytes"));
	free(said);
}

/* ---- how errors look ---- */

static char *shown(const char *text)
{
	struct parsed x = conf_help_parse(text);
	char *buf = NULL;
	size_t size;
	FILE *f = open_memstream(&buf, &size);

	conf_diags_print(&x.d, "prefpeer.conf", text, f);
	fclose(f);
	conf_help_free(&x);
	return buf;
}

static void errors_show_place_and_cure(void **state)
{
	char *s = shown("crypto map tohub 1 ipsec-isakmp\n set peer 10.1.1.1\n"
			" set peer 10.2.2.2 default\n\tset security-association idle-time 59\n");

	assert_string_equal(
		s,
		"prefpeer.conf:3:20: error: Default peer must be the first peer in the peer list\n"
		"    3 |  set peer 10.2.2.2 default\n"
		"      |                    ^~~~~~~\n"
		"      the first is 10.1.1.1 (line 2): put `default` there, or move line 3 up\n"
		"prefpeer.conf:4:37: error: idle time 59 is below 60 (60..86400 s)\n"
		"    4 | \tset security-association idle-time 59\n"
		"      | \t                                   ^~\n"
		"2 errors, 0 warnings\n");
	free(s);
}

static void errors_list_the_valid_words(void **state)
{
	char *s = shown("crypto map tohub 1\n set fnord\n");

	assert_non_null(strstr(
		s, "      valid here: peer, security-association, transform-set, ikev2, ikev2-profile, "
		   "pfs or reverse-route\n"));
	free(s);
	s = shown("crypto ikev2 dpd 10 2 periodic fnord\n");
	assert_non_null(strstr(s, "      valid here: strict, spacing or end of line\n"));
	free(s);
	s = shown("crypto ikev2 dpd 10 2\n");
	assert_non_null(strstr(s, "      next: on-demand or periodic\n"));
	free(s);
}

/* However the line is wrong, the key is neither quoted nor shown. */
static void errors_never_show_a_key(void **state)
{
	static const char *const texts[] = {
		"crypto isakmp key TOPSECRET address 10.1.1.300\n",
		"crypto isakmp key TOPSECRET fnord\n",
		"crypto isakmp key TOPSECRET TOPSECRET address 10.1.1.1\n",
		"crypto isakmp key 0 TOPSECRET\n",
		"crypto isakmp key 6 TOPSECRET address 10.1.1.1\n",
		"crypto isakmp kee TOPSECRET address 10.1.1.1\n",
		"crypto isakmp key TOPSECRET hostname\n",
		"crypto ikev2 keyring K\n peer a\n  pre-shared-key hex TOPSECRET\n",
		"crypto ikev2 keyring K\n peer a\n  pre-shared-key next TOPSECRET\n",
		"crypto ikev2 keyring K\n peer a\n  pre-shared-key TOPSECRET TOPSECRET\n",
		"crypto ikev2 keyring K\n peer a\n  pre-shared-key local TOPSECRET\n",
		"crypto ikev2 keyring K\n peer a\n  pre-shared-kee TOPSECRET\n",
		"pre-shared-key TOPSECRET\n",
		"pre-shared-key 0 TOPSECRET\n",
	};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char *s = shown(texts[i]);

		assert_non_null(strstr(s, " error: "));
		if (strstr(s, "TOPSECRET"))
			fail_msg("the key is shown:\n%s", s);
		free(s);
	}
}

/* ---- prefpeerd -t ---- */

static int check(const char *path, char **said)
{
	size_t size;
	FILE *f = open_memstream(said, &size);
	int status = conf_main_check(path, f);

	fclose(f);
	return status;
}

#define FULL                                                                                       \
	"crypto ikev2 dpd 10 2 periodic\n" KEY "crypto isakmp key b address 10.2.2.2\n"            \
	"crypto ipsec transform-set T esp-gcm 256\n"                                               \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"                  \
	"crypto map tohub 1 ipsec-isakmp\n set peer 10.1.1.1 default\n"                            \
	" set peer 10.2.2.2\n set security-association idletime 120 default\n"                     \
	" set transform-set T\n match address 101\ninterface wan0\n crypto map tohub\n"

static void check_says_what_is_in_force(void **state)
{
	const struct tmp *t = *state;
	char *said;

	put(t, FULL, 0640);
	assert_int_equal(check(t->path, &said), 0);
	assert_non_null(strstr(said, "tohub 1   complete\n"));
	assert_non_null(strstr(said, "idle    120 s, then home to 10.1.1.1\n"));
	assert_non_null(strstr(said, "dpd     10 s, retry 2 s, periodic: 6 requests in 12 s"));
	assert_non_null(strstr(said, "answer  12 s, 2 s for the peer that just died"));
	assert_non_null(strstr(said, "worst failover  24 s = notice 22 s + retry default 2 s"));
	assert_null(strstr(said, "TOPSECRET"));
	free(said);
}

/* §10 "What it gives": 0.55 s at 20 ms round trip, of which 0.1 + 0.12 s notice and 0.25 s retry.
 */
static void check_in_milliseconds(void **state)
{
	const struct tmp *t = *state;
	char *said;

	put(t, FULL "crypto ikev2 dpd milliseconds 100 20 periodic\n", 0640);
	assert_int_equal(check(t->path, &said), 0);
	assert_non_null(
		strstr(said, "worst failover  470 ms = notice 220 ms + retry default 250 ms"));
	free(said);
}

static void check_with_connect_timeout(void **state)
{
	const struct tmp *t = *state;
	char *said;

	put(t, FULL "crypto map tohub 1\n set ikev2 connect-timeout 5\n", 0640);
	assert_int_equal(check(t->path, &said), 0);
	assert_non_null(strstr(said, "answer  5 s (connect-timeout); then 12 s to finish\n"));
	assert_non_null(strstr(said, "worst failover  27 s = notice 22 s + retry default 5 s"));
	free(said);
}

static void check_without_dpd(void **state)
{
	const struct tmp *t = *state;
	char *said;

	put(t, FULL "no crypto ikev2 dpd\n", 0640);
	assert_int_equal(check(t->path, &said), 0);
	assert_non_null(strstr(said, "0 errors, 1 warning\n"));
	assert_non_null(
		strstr(said, "dpd     off: a dead peer is noticed only when an exchange fails"));
	free(said);
}

static void check_fails_with_status_1(void **state)
{
	const struct tmp *t = *state;
	char *said;

	put(t, FULL "fnord\n", 0640);
	assert_int_equal(check(t->path, &said), 1);
	assert_non_null(strstr(said, ":14:1: error: unknown word fnord\n"));
	assert_null(strstr(said, "worst failover"));
	free(said);
	put(t, FULL, 0644);
	assert_int_equal(check(t->path, &said), 1);
	free(said);
}

/* ---- the example of the manual ---- */

static FILE *open_example(void)
{
	static const char *const places[] = {"man/example.conf", "userspace/man/example.conf"};
	char exe[512], path[600];
	ssize_t n;
	FILE *f;

	for (unsigned i = 0; i < sizeof(places) / sizeof(*places); i++) {
		f = fopen(places[i], "r");
		if (f)
			return f;
	}
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	assert_true(n > 0);
	exe[n] = '\0';
	*strrchr(exe, '/') = '\0';
	snprintf(path, sizeof(path), "%s/../../userspace/man/example.conf", exe);
	return fopen(path, "r");
}

static void example_is_complete(void **state)
{
	FILE *f = open_example();
	char text[4096];
	struct parsed x;
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	x = conf_help_parse(text);
	conf_help_valid(&x);
	conf_help_expect(&x, (const char *const[]){NULL});
	assert_int_equal(x.c->n_maps, 1);
	assert_null(conf_entry_incomplete(x.c, x.c->maps[0]->entries[0]));
	conf_help_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_for_everyone_are_refused, make_tmp, drop_tmp),
		cmocka_unit_test_setup_teardown(keys_for_a_group_are_fine, make_tmp, drop_tmp),
		cmocka_unit_test_setup_teardown(no_keys_for_everyone_are_fine, make_tmp, drop_tmp),
		cmocka_unit_test_setup_teardown(what_is_no_file, make_tmp, drop_tmp),
		cmocka_unit_test(errors_show_place_and_cure),
		cmocka_unit_test(errors_list_the_valid_words),
		cmocka_unit_test(errors_never_show_a_key),
		cmocka_unit_test_setup_teardown(check_says_what_is_in_force, make_tmp, drop_tmp),
		cmocka_unit_test_setup_teardown(check_in_milliseconds, make_tmp, drop_tmp),
		cmocka_unit_test_setup_teardown(check_with_connect_timeout, make_tmp, drop_tmp),
		cmocka_unit_test_setup_teardown(check_without_dpd, make_tmp, drop_tmp),
		cmocka_unit_test_setup_teardown(check_fails_with_status_1, make_tmp, drop_tmp),
		cmocka_unit_test(example_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
