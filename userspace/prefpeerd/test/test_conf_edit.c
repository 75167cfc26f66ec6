// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines given to a configuration that is in force: all of them or none; what is said of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/test/conf_help.h"

#define BASE                                                                                       \
	"crypto ikev2 dpd 10 2 periodic\n"                                                         \
	"crypto isakmp key SeCrEt1 address 10.1.1.1\n"                                             \
	"crypto isakmp key 0 0 address 10.2.2.2\n"                                                 \
	"crypto ikev2 keyring K\n peer p\n  address 10.3.3.3\n  pre-shared-key ring\n"             \
	"crypto ipsec transform-set T esp-gcm 256\n"                                               \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"                  \
	"crypto map tohub 1 ipsec-isakmp\n set peer 10.1.1.1 default\n set peer 10.2.2.2\n"        \
	" set transform-set T\n match address 101\n"                                               \
	"interface wan0\n crypto map tohub\n"

struct edited {
	struct config *present, *next;
	struct conf_diags d;
};

static struct edited edit(const char *base, const char *lines)
{
	struct parsed x = conf_help_parse(base);
	struct edited e = { .present = x.c };

	conf_help_valid(&x);
	conf_diags_free(&x.d);
	e.next = config_edit(e.present, lines, strlen(lines), &e.d);
	return e;
}

static void edited_free(struct edited *e)
{
	config_free(e->present);
	config_free(e->next);
	conf_diags_free(&e->d);
}

static void want(const struct edited *e, const char *const *diags)
{
	struct parsed x = { e->next, e->d, "(typed)" };

	conf_help_expect(&x, diags);
}

static bool prints(const struct config *c, const char *line)
{
	char *text = conf_help_print(c);
	bool found = strstr(text, line) != NULL;

	free(text);
	return found;
}

static void same_text(const struct config *a, const struct config *b)
{
	struct conf_text x, y;

	assert_int_equal(config_text(a, true, &x), 0);
	assert_int_equal(config_text(b, true, &y), 0);
	assert_string_equal(x.s, y.s);
	conf_text_free(x.s);
	conf_text_free(y.s);
}

static void written_text_keeps_the_keys(void **state)
{
	struct parsed a = conf_help_parse(BASE), b;
	struct conf_text t;

	conf_help_valid(&a);
	assert_int_equal(config_text(a.c, true, &t), 0);
	b = conf_help_parse(t.s);
	conf_help_valid(&b);
	assert_int_equal(b.c->n_psks, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(a.c->psks[i].key.len, b.c->psks[i].key.len);
		assert_memory_equal(a.c->psks[i].key.bytes, b.c->psks[i].key.bytes,
				    a.c->psks[i].key.len);
	}
	conf_text_free(t.s);
	conf_help_free(&a);
	conf_help_free(&b);
}

static void nothing_typed_changes_nothing(void **state)
{
	static const char *const none[] = { NULL };
	struct edited e = edit(BASE, "");

	want(&e, none);
	same_text(e.present, e.next);
	edited_free(&e);
}

static void lines_change_what_they_name(void **state)
{
	static const char *const none[] = { NULL };
	struct edited e = edit(BASE, "crypto map tohub 1\n no set peer 10.2.2.2\n"
				     " set peer 10.3.3.3\nhostname gw\n");

	want(&e, none);
	assert_non_null(e.next);
	assert_true(prints(e.next, " set peer 10.1.1.1 default\n set peer 10.3.3.3\n set "));
	assert_true(prints(e.next, "hostname gw\n"));
	assert_memory_equal(conf_psk(e.next, NULL, &e.next->maps[0]->entries[0]->peers[0].addr)->key.bytes,
			    "SeCrEt1", 7);
	edited_free(&e);
}

/* One that is wrong, and none is taken; its place is the typed line's. */
static void all_or_none(void **state)
{
	static const char *const wrong[] = { "3:38 error: idle time 59 is below 60 (60..86400 s)",
					     NULL };
	struct edited e = edit(BASE, "hostname gw\ncrypto map tohub 1\n"
				     " set security-association idle-time  59\n");

	want(&e, wrong);
	assert_null(e.next);
	assert_string_equal(e.present->hostname, "");
	edited_free(&e);
}

/* The line that is hurt is not a typed one: it is named, without keys. */
static void hurt_elsewhere_is_named(void **state)
{
	static const char *const wrong[] = {
		"0:0 error: access list 101 does not exist: "
		"`match address 101` of the running configuration",
		NULL
	};
	static const char *const key[] = {
		"0:0 warning: no pre-shared key for peer 10.1.1.1: it can never come up", NULL
	};
	struct edited e = edit(BASE, "no access-list 101\n");

	want(&e, wrong);
	assert_null(e.next);
	edited_free(&e);
	e = edit(BASE, "no crypto isakmp key SeCrEt1 address 10.1.1.1\n");
	want(&e, key);
	assert_non_null(e.next);
	edited_free(&e);
}

/* What was to be said before is not said again with every line. */
static void old_news_are_not_told(void **state)
{
	static const char *const none[] = { NULL };
	static const char *const note[] = {
		"1:1 note: % NOTE: This new crypto map will remain disabled until a peer\n"
		"        and a valid access list have been configured.",
		NULL
	};
	struct edited e = edit(BASE "crypto map other 5 ipsec-isakmp\n", "hostname x\n"), f;

	want(&e, none);
	edited_free(&e);
	f = edit(BASE, "crypto map tohub 7 ipsec-isakmp\n");
	want(&f, note);
	edited_free(&f);
}

static void hidden_is_the_present_key(void **state)
{
	static const char *const unknown[] = {
		"2:36 error: <hidden> stands for a key that is in force, and there is none", NULL
	};
	struct parsed x = conf_help_parse(BASE);
	struct conf_diags d;
	struct config *next;
	char *shown;

	conf_help_valid(&x);
	shown = conf_help_print(x.c);
	assert_null(strstr(shown, "SeCrEt1"));
	next = config_replacement(x.c, shown, strlen(shown), &d);
	assert_int_equal(d.n_errors, 0);
	same_text(x.c, next);
	config_free(next);
	conf_diags_free(&d);
	free(shown);
	{
		struct edited e = edit(BASE, "hostname gw\n"
					     "crypto isakmp key <hidden> address 10.9.9.9\n");

		want(&e, unknown);
		assert_null(e.next);
		edited_free(&e);
	}
	conf_help_free(&x);
}

/* §2.2: dropped when it is typed equal; kept when the global value becomes equal later. */
static void idle_that_becomes_equal_stays(void **state)
{
	struct edited e = edit(BASE "crypto map tohub 1\n set security-association idle-time 120 default\n",
			       "crypto ipsec security-association idle-time 120\n"),
		      back, typed;
	struct conf_diags d;
	struct config *again;

	assert_non_null(e.next);
	assert_true(prints(e.next, " ! equals the global value: inactive until they differ\n"
				   " set security-association idle-time 120 default\n"));
	assert_false(conf_entry_idle(e.next, e.next->maps[0]->entries[0]).home);
	back = (struct edited){ .present = NULL };
	again = config_edit(e.next, "no crypto ipsec security-association idle-time\n", 47, &d);
	assert_non_null(again);
	assert_true(conf_entry_idle(again, again->maps[0]->entries[0]).home);
	conf_diags_free(&d);
	config_free(again);
	edited_free(&back);
	edited_free(&e);
	typed = edit(BASE "crypto ipsec security-association idle-time 120\n",
		     "crypto map tohub 1\n set security-association idle-time 120 default\n");
	assert_non_null(typed.next);
	assert_int_equal(typed.d.n_warnings, 1);
	assert_false(prints(typed.next, " set security-association idle-time 120"));
	edited_free(&typed);
}

static void what_is_not_whole_yet_is_said_so(void **state)
{
	struct edited e = edit(BASE, "crypto ikev2 keyring K\n peer q\n");

	assert_null(e.next);
	assert_int_equal(e.d.n_errors, 2);
	for (unsigned i = 0; i < e.d.n; i++)
		assert_true(e.d.list[i].severity != CONF_ERROR || e.d.list[i].incomplete);
	edited_free(&e);
	e = edit(BASE, "crypto map tohub 1\n match address 102\n");
	assert_null(e.next);
	assert_false(e.d.list[0].incomplete);
	edited_free(&e);
}

/* Who comes back to a set, to change what is below it, does not lose the rest. */
static void a_set_entered_again_is_the_same(void **state)
{
	struct edited e = edit(BASE "crypto ipsec transform-set T esp-gcm 256\n esn\n",
			       "crypto ipsec transform-set T esp-gcm 256\n mode tunnel\n");

	assert_true(prints(e.next, " esn\n"));
	edited_free(&e);
	e = edit(BASE "crypto ipsec transform-set T esp-gcm 256\n esn\n",
		 "crypto ipsec transform-set T esp-gcm 128\n");
	assert_false(prints(e.next, " esn\n"));
	edited_free(&e);
}

/* ---- differences ------------------------------------------------------------ */

static void differ(const char *from, const char *to, const char *expect)
{
	struct parsed a = conf_help_parse(from), b = conf_help_parse(to);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	conf_help_valid(&a);
	conf_help_valid(&b);
	assert_int_equal(config_diff(a.c, b.c, f) == 0, !*expect);
	fclose(f);
	assert_string_equal(text, expect);
	free(text);
	conf_help_free(&a);
	conf_help_free(&b);
}

static void differences_are_by_section(void **state)
{
	differ(BASE, BASE, "");
	differ(BASE, BASE "hostname gw\n", "+hostname gw\n");
	differ(BASE "hostname gw\n", BASE, "-hostname gw\n");
	differ(BASE, BASE "crypto map tohub 1\n no set peer 10.2.2.2\n set peer 10.3.3.3\n",
	       " crypto map tohub 1 ipsec-isakmp\n -set peer 10.2.2.2\n +set peer 10.3.3.3\n");
	differ(BASE, BASE "crypto map tohub 1\n no set peer 10.1.1.1\n set peer 10.1.1.1\n",
	       " crypto map tohub 1 ipsec-isakmp\n -set peer 10.1.1.1 default\n"
	       " +set peer 10.1.1.1\n");
	differ(BASE, BASE "crypto map tohub 2 ipsec-isakmp\n set peer 10.2.2.2\n",
	       "+crypto map tohub 2 ipsec-isakmp\n +set peer 10.2.2.2\n");
	/* Sections in another order are the same; lines of an access list are not. */
	differ("crypto ipsec transform-set A esp-gcm\ncrypto ipsec transform-set B esp-gcm\n",
	       "crypto ipsec transform-set B esp-gcm\ncrypto ipsec transform-set A esp-gcm\n", "");
	differ("access-list 101 permit ip host 10.0.0.1 any\naccess-list 101 permit ip host 10.0.0.2 any\n",
	       "access-list 101 permit ip host 10.0.0.2 any\naccess-list 101 permit ip host 10.0.0.1 any\n",
	       "-access-list 101 permit ip host 10.0.0.1 any\n"
	       "+access-list 101 permit ip host 10.0.0.1 any\n");
}

static void keys_are_compared_and_not_shown(void **state)
{
	differ(BASE, BASE "crypto isakmp key Other address 10.1.1.1\n",
	       "-crypto isakmp key <hidden> address 10.1.1.1\n"
	       "+crypto isakmp key <hidden> address 10.1.1.1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_text_keeps_the_keys),
		cmocka_unit_test(nothing_typed_changes_nothing),
		cmocka_unit_test(lines_change_what_they_name),
		cmocka_unit_test(all_or_none),
		cmocka_unit_test(hurt_elsewhere_is_named),
		cmocka_unit_test(old_news_are_not_told),
		cmocka_unit_test(hidden_is_the_present_key),
		cmocka_unit_test(idle_that_becomes_equal_stays),
		cmocka_unit_test(what_is_not_whole_yet_is_said_so),
		cmocka_unit_test(a_set_entered_again_is_the_same),
		cmocka_unit_test(differences_are_by_section),
		cmocka_unit_test(keys_are_compared_and_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
