/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `prefpeer import`: files as people have them (test/import/). What comes out is read by
 * our own parser without an error, has the lines that matter, and names all the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prefpeer/import.h"
#include "prefpeerd/conf/config.h"

#define HERE "prefpeerd/test/import/"

static char *out, *err;
static size_t out_len, err_len;

static int forget(void **state)
{
	free(out);
	free(err);
	out = err = NULL;
	return 0;
}

static int import(int (*read)(struct import *im), const char *path, bool secrets)
{
	struct import im = { .path = path, .secrets = secrets, .interface = "wan0" };
	int rc;

	forget(NULL);
	im.out = open_memstream(&out, &out_len);
	im.err = open_memstream(&err, &err_len);
	rc = read(&im);
	if (!rc)
		import_print(&im);
	/* Nothing is dropped silently. */
	for (unsigned i = 0; !rc && i < im.n; i++)
		if (!im.list[i].taken) {
			fflush(im.out);
			if (!strstr(out, im.list[i].key))
				fail_msg("%s is neither taken nor named", im.list[i].key);
		}
	import_free(&im);
	fclose(im.out);
	fclose(im.err);
	return rc;
}

static int import_text(int (*read)(struct import *im), const char *text)
{
	char path[] = "/tmp/prefpeer-import-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = import(read, path, true);
	unlink(path);
	return rc;
}

static void has(const char *part)
{
	if (!strstr(out, part))
		fail_msg("\"%s\" is not in:\n%s", part, out);
}

static void has_not(const char *part)
{
	if (strstr(out, part))
		fail_msg("\"%s\" is in:\n%s", part, out);
}

/* By our own parser, with no error. */
static void parses(void)
{
	struct conf_diags diags = { 0 };
	struct config *c = config_parse("imported.conf", out, strlen(out), &diags);

	if (!c || diags.n_errors)
		fail_msg("%u errors in:\n%s", diags.n_errors, out);
	config_free(c);
	conf_diags_free(&diags);
}

static void branch_with_a_backup(void **state)
{
	assert_int_equal(import(import_swanctl, HERE "branch.swanctl", true), 0);
	parses();
	has("\ncrypto ikev2 dpd 30 2 periodic\n");
	has("\n encryption aes-gcm-256\n prf sha384\n group 20\n");
	has("\n encryption aes-cbc-128\n integrity sha256\n group 14\n");
	has("\ncrypto isakmp key first-hub-key address 10.1.1.1\n");
	has("\ncrypto isakmp key second-hub-key address 10.2.2.2\n");
	has("\n permit ip 192.168.1.0/24 192.168.2.0/24\n permit ip 192.168.1.0/24 192.168.3.0/24\n");
	has(" set peer 10.1.1.1 default\n set peer 10.2.2.2\n set transform-set to-hq-lan-1\n set pfs group19\n");
	has(" set security-association lifetime seconds 3300\n set security-association idle-time 600\n");
	has("\ninterface wan0\n crypto map imported\n");
	has("of 2 peers only 10.1.1.1 was ever dialled");
	has("! line 6: to-hq:   10.2.2.2 was never dialled before");
	has("mobike = no: MOBIKE is not spoken");
	/* The same on the other stream, with the file's name. */
	assert_non_null(
		strstr(err, HERE "branch.swanctl:6: to-hq:   10.2.2.2 was never dialled before"));
}

static void keys_stay_where_they_are(void **state)
{
	assert_int_equal(import(import_swanctl, HERE "branch.swanctl", false), 0);
	parses();
	has_not("first-hub-key");
	has_not("second-hub-key");
	assert_null(strstr(err, "hub-key"));
	has("! crypto isakmp key KEY address 10.1.1.1   (secrets.ike-1 of " HERE
	    "branch.swanctl; import --secrets prints it)");
	assert_int_equal(import(import_swanctl, HERE "names.swanctl", false), 0);
	parses();
	has_not("to-vpn");
	has_not("everybody");
	has("! keyring local vpn\n");
	assert_int_equal(import(import_ipsec, HERE "site.ipsec.conf", false), 0);
	parses();
	has_not("site-key");
}

static void names_families_and_hubs(void **state)
{
	assert_int_equal(import(import_swanctl, HERE "names.swanctl", true), 0);
	parses();
	has("crypto ikev2 dpd milliseconds 5000 2000 periodic"); /* inherited */
	has(" match identity remote fqdn vpn.example.net\n identity local email branch@example.net\n");
	has("  identity fqdn vpn.example.net\n  pre-shared-key to-vpn\n");
	has(" set peer vpn.example.net dynamic\n");
	has(" permit ip 10.10.0.0/16 any\n");
	has("proposal 3des-md5: 3des is too weak");
	has("ipv6 access-list vpn-net6-v6\n permit ipv6 2001:db8:1::/48 2001:db8:2::/48\n");
	has("10.10.0.1: no network of its family is at the other end");
	has("10.20.0.5[tcp/443]: protocol and port");
	has("crypto map ipv6 imported6 10 ipsec-isakmp\n set peer 2001:db8::1\n");
	has("crypto isakmp key everybody address ipv6 2001:db8::1/128");
	has("crypto isakmp key everybody address 0.0.0.0 0.0.0.0");
	has("crypto dynamic-map imported-hub 10\n");
	has("crypto map imported 65000 ipsec-isakmp dynamic imported-hub\n");
	has("old: IKEv1 is not spoken");
	has("authentication eap-mschapv2 of the local side has no equivalent");
	has("mode transport has no equivalent");
	has("if_id_in = 42: interfaces of XFRM are not used");
	has("pools.rw_pool.addrs");
	has_not("10.9.9.9\n");
}

static void starters_file(void **state)
{
	assert_int_equal(import(import_ipsec, HERE "site.ipsec.conf", true), 0);
	parses();
	has("\ncrypto ikev2 dpd 15 2 periodic\n");
	has(" encryption aes-cbc-256\n integrity sha256\n group 14\n");
	has("  address 10.1.1.1\n  identity fqdn hub.example.net\n  pre-shared-key site-key\n");
	has(" identity local fqdn branch.example.net\n");
	has(" lifetime 28800\n");
	has(" permit ip 192.168.1.0/24 192.168.2.0/24\n");
	has("esp-gcm 256\n");
	has(" set pfs group14\n");
	has(" set security-association lifetime seconds 7200\n");
	has("config/setup.charondebug = ike 1: has no equivalent");
	has("leftfirewall = yes: filters are not changed");
	has("keyingtries = %forever");
	has_not("connection base");
}

static const struct {
	int (*read)(struct import *im);
	const char *text, *says;
} wrong[] = {
	{ import_swanctl, "connections { a { b = c\n", "1 error" },
	{ import_swanctl, "}\n", "a closing brace without a section" },
	{ import_swanctl, "a = \"b\n", "the string has no end" },
	{ import_swanctl, "= b\n", "a name is missing" },
	{ import_swanctl, "a\n\nb = c\n", "a brace is missing" },
	{ import_ipsec, "conn a\n\tnothing\n", "2: \"nothing\" is no key=value" },
};

static void broken_files(void **state)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(import_text(wrong[i].read, wrong[i].text), -EINVAL);
		if (i && !strstr(err, wrong[i].says))
			fail_msg("row %zu says: %s", i, err);
	}
	assert_int_equal(import(import_swanctl, "/nowhere/at/all", false), -ENOENT);
	assert_int_equal(import(import_ipsec, "/nowhere/at/all", false), -ENOENT);
}

static void odd_values(void **state)
{
	assert_int_equal(
		import_text(
			import_swanctl,
			"connections { a { remote_addrs = 10.1.1.1\n local { auth = psk\n }\n remote { auth = psk\n }\n"
			"children { c { local_ts = 10.0.0.0/8\n remote_ts = 0.0.0.0/0, 10.9.0.0/16\n rekey_time = soon\n"
			" life_bytes = 1073741824\n inactivity = 5s\n esp_proposals = aes256gcm16-kyber3\n } } } }\n"
			"secrets { ike { secret = 0x1234\n } }\n"),
		0);
	parses();
	has("soon is no time");
	has("lifetime kilobytes 1048576");
	has("an idle time is 60 s at least");
	has("kyber3 has no equivalent");
	has("a key in hexadecimal or base 64 has no equivalent");
	assert_int_equal(
		import_text(
			import_swanctl,
			"connections { r { remote_addrs = 10.1.1.1\n local { auth = psk\n }\n"
			"remote { auth = psk\n }\n children { c { local_ts = 0.0.0.0/0\n remote_ts = 0.0.0.0/0\n } } } }\n"),
		0);
	parses();
	has("everything to everywhere, steered by routes, has no equivalent");
	has("nothing was imported");
}

#define TEST(fn) cmocka_unit_test_teardown(fn, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(branch_with_a_backup),
		TEST(keys_stay_where_they_are),
		TEST(names_families_and_hubs),
		TEST(starters_file),
		TEST(broken_files),
		TEST(odd_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
