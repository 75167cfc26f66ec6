// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Branches that call by a dynamic map (semantics.md §4.2), on the real engine and a kernel
 * in memory. The world of entry_branch.h is turned round: the agent at 10.0.0.2 is the hub
 * of 192.168.1.0/24, and 10.1.1.1 … 10.3.3.3 are branches that call it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/test/entry_branch.h"

#define KEY "crypto isakmp key secret address 0.0.0.0 0.0.0.0\n"
#define HEAD KEY "crypto ikev2 dpd 10 2 periodic\n" \
	"crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n"
#define ACL "access-list 110 permit ip 192.168.1.0 0.0.0.255 192.168.16.0 0.0.15.255\n"
#define TEMPLATE "crypto dynamic-map D 10\n set transform-set T\n"
#define REFERENCE "crypto map tohub 65000 ipsec-isakmp dynamic D\ninterface wan\n crypto map tohub\n"
#define WITH_ACL HEAD ACL TEMPLATE " match address 110\n" REFERENCE
#define WITHOUT_ACL HEAD TEMPLATE REFERENCE
/* A static entry ahead, for a part of what the template has. */
#define STATIC \
	"access-list 101 deny ip 192.168.1.0 0.0.0.255 192.168.30.0 0.0.0.255\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.31.0 0.0.0.255\n" \
	"crypto map tohub 1 ipsec-isakmp\n set peer 10.3.3.3\n set transform-set T\n" \
	" match address 101\n"

static struct selector its(const char *net, unsigned len)
{
	struct selector s = { .sport = { 0, UINT16_MAX }, .dport = { 0, UINT16_MAX } };

	addr_parse(net, &s.src.addr);
	s.src.len = (uint8_t)len;
	addr_parse("192.168.1.0", &s.dst.addr);
	s.dst.len = 24;
	return s;
}

static void call(struct branch *b, unsigned who, const char *net, unsigned len)
{
	const struct selector s = its(net, len);

	branch_called_for(b, who, &s);
}

/* What becomes of a packet to that host: "clear", "block", or the address that it goes to. */
static const char *fate(struct branch *b, const char *host)
{
	struct packet p = { .proto = 17, .sport = 5000, .dport = 5000 };
	const struct kernel_policy *pol;
	static char text[ADDR_STRLEN];

	addr_parse("192.168.1.10", &p.src);
	addr_parse(host, &p.dst);
	pol = fake_spd_lookup(&b->policies, POLICY_OUT, &p);
	if (!pol || pol->action == POLICY_ALLOW)
		return "clear";
	return pol->action == POLICY_BLOCK ? "block" : addr_print(&pol->tmpl_dst, text, sizeof(text));
}

/* "10.1.1.1 10.2.2.2": the branches that are up, in the order in which they came. */
static const char *up(struct branch *b)
{
	static char text[256];

	text[0] = '\0';
	for (unsigned i = 0; i < entries_count(b->entries); i++) {
		struct entry_view v;

		assert_int_equal(entries_view(b->entries, i, b->clock.now, &v), 0);
		if (v.branch_of && v.state == ENTRY_UP)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 *text ? " " : "", v.current);
		entry_view_free(&v);
	}
	return text;
}

static unsigned refused(struct branch *b)
{
	return (unsigned)entries_branch_counters(b->entries)->refused;
}

static void comes_and_goes(void **state)
{
	struct branch *b = branch_new(WITH_ACL, 2);

	assert_string_equal(fate(b, "192.168.21.1"), "block");
	assert_string_equal(fate(b, "192.168.99.1"), "clear");
	call(b, 0, "192.168.21.0", 24);
	call(b, 1, "192.168.22.0", 24);
	assert_string_equal(up(b), "10.1.1.1 10.2.2.2");
	assert_string_equal(fate(b, "192.168.21.1"), "10.1.1.1");
	assert_string_equal(fate(b, "192.168.22.1"), "10.2.2.2");
	assert_string_equal(fate(b, "192.168.23.1"), "block");
	b->hubs[0].cut = true;
	branch_run_ms(b, 23000);
	assert_string_equal(up(b), "10.2.2.2");
	assert_string_equal(fate(b, "192.168.21.1"), "block");
	assert_string_equal(fate(b, "192.168.22.1"), "10.2.2.2");
	assert_int_equal(b->reqids_drawn - b->reqids_released, 1);
	assert_int_equal(entries_count(b->entries), 2);
	branch_free(b);
}

/* Its selector is the template's own: XFRM has one policy for the two of them. */
static void all_of_the_template(void **state)
{
	struct branch *b = branch_new(WITH_ACL, 1);

	call(b, 0, "192.168.16.0", 20);
	assert_string_equal(fate(b, "192.168.21.1"), "10.1.1.1");
	branch_reload(b, WITH_ACL);
	assert_string_equal(up(b), "10.1.1.1");
	assert_string_equal(fate(b, "192.168.21.1"), "10.1.1.1");
	b->hubs[0].cut = true;
	branch_run_ms(b, 23000);
	assert_string_equal(up(b), "");
	assert_string_equal(fate(b, "192.168.21.1"), "block");
	branch_free(b);
}

static void narrowed(void **state)
{
	struct branch *b = branch_new(WITH_ACL, 1);

	call(b, 0, "192.168.0.0", 16);
	assert_string_equal(up(b), "10.1.1.1");
	assert_string_equal(fate(b, "192.168.31.1"), "10.1.1.1");
	assert_string_equal(fate(b, "192.168.32.1"), "clear");
	branch_free(b);
}

static void another_ones(void **state)
{
	struct branch *b = branch_new(WITH_ACL, 2);
	unsigned before;

	call(b, 0, "192.168.20.0", 23);
	before = b->net.n_log;
	call(b, 1, "192.168.21.0", 24);
	assert_string_equal(up(b), "10.1.1.1");
	assert_int_equal(refused(b), 1);
	assert_true(b->net.n_log > before + 4); /* and the holder was asked whether it lives */
	call(b, 1, "192.168.22.0", 24);
	assert_string_equal(up(b), "10.1.1.1 10.2.2.2");
	branch_free(b);
}

/* The same identity, on an IKE SA beside the first: the newest wins, and it is one entry. */
static void calls_again(void **state)
{
	struct branch *b = branch_new(WITH_ACL, 1);

	call(b, 0, "192.168.21.0", 24);
	call(b, 0, "192.168.21.0", 24);
	assert_string_equal(up(b), "10.1.1.1");
	assert_int_equal(entries_count(b->entries), 2);
	assert_int_equal(entries_branch_counters(b->entries)->came, 1);
	branch_run_ms(b, 6000);
	assert_int_equal(fake_kernel_count(&b->sas, SA_DIR_IN), 1);
	assert_string_equal(fate(b, "192.168.21.1"), "10.1.1.1");
	branch_free(b);
}

/* Its list of networks was changed: it gets what it asks for now, not what it had. */
static void asks_for_more(void **state)
{
	struct branch *b = branch_new(WITH_ACL, 1);

	call(b, 0, "192.168.20.0", 24);
	call(b, 0, "192.168.20.0", 23);
	branch_run_ms(b, 1000);
	assert_string_equal(up(b), "10.1.1.1");
	assert_string_equal(fate(b, "192.168.20.1"), "10.1.1.1");
	assert_string_equal(fate(b, "192.168.21.1"), "10.1.1.1");
	branch_run_ms(b, 6000);
	assert_int_equal(fake_kernel_count(&b->sas, SA_DIR_IN), 1);
	assert_int_equal(fake_kernel_count(&b->sas, SA_DIR_OUT), 1);
	assert_int_equal(b->reqids_drawn - b->reqids_released, 1);
	assert_int_equal(entries_count(b->entries), 2);
	call(b, 0, "192.168.20.0", 24); /* within it: as it is */
	branch_run_ms(b, 6000);
	assert_string_equal(up(b), "10.1.1.1");
	assert_string_equal(fate(b, "192.168.20.1"), "10.1.1.1");
	assert_int_equal(fake_kernel_count(&b->sas, SA_DIR_IN), 1);
	branch_free(b);
}

static void static_entries_first(void **state)
{
	struct branch *b = branch_new(HEAD ACL TEMPLATE " match address 110\n" STATIC REFERENCE, 2);

	call(b, 0, "192.168.31.128", 25);
	assert_int_equal(refused(b), 1);
	call(b, 0, "192.168.30.128", 25); /* in clear, says the deny: the policy would not be met */
	assert_int_equal(refused(b), 2);
	assert_string_equal(up(b), "");
	assert_string_equal(fate(b, "192.168.31.1"), "10.3.3.3");
	assert_string_equal(fate(b, "192.168.30.200"), "block");
	call(b, 0, "192.168.21.0", 24);
	assert_string_equal(up(b), "10.1.1.1");
	branch_free(b);
}

static void without_an_access_list(void **state)
{
	struct branch *b = branch_new(WITHOUT_ACL, 2);

	call(b, 0, "172.16.0.0", 12);
	assert_string_equal(up(b), "10.1.1.1");
	assert_string_equal(fate(b, "172.16.1.1"), "10.1.1.1");
	call(b, 1, "0.0.0.0", 0);
	call(b, 1, "10.0.0.0", 24); /* our own address is in it */
	assert_int_equal(refused(b), 2);
	b->hubs[0].cut = true;
	branch_run_ms(b, 23000);
	assert_string_equal(fate(b, "172.16.1.1"), "clear"); /* nothing says that it was a branch's */
	branch_free(b);
}

/* A packet for a branch that is not there asks nobody. */
static void never_begins(void **state)
{
	struct branch *b = branch_new(WITH_ACL, 1);
	struct entry_view v;
	const char *why;

	assert_int_equal(entries_connect(b->entries, "tohub", 65000, b->clock.now, &why), -ENOENT);
	assert_int_equal(entries_view(b->entries, 0, b->clock.now, &v), 0);
	assert_null(v.incomplete);
	assert_true(v.lines[0].blocked);
	assert_int_equal(v.n_peers, 0);
	entry_view_free(&v);
	assert_int_equal(b->net.n_log, 0);
	branch_free(b);
}

static void a_reload_keeps_what_fits(void **state)
{
	struct branch *b = branch_new(WITH_ACL, 2);
	unsigned puts;

	call(b, 0, "192.168.21.0", 24);
	call(b, 1, "192.168.25.0", 24);
	puts = b->policies.puts;
	branch_reload(b, WITH_ACL);
	assert_string_equal(up(b), "10.1.1.1 10.2.2.2");
	assert_int_equal(b->policies.puts, puts); /* not one was touched */
	branch_reload(b, HEAD "access-list 110 permit ip 192.168.1.0 0.0.0.255 192.168.24.0 0.0.7.255\n"
			 TEMPLATE " match address 110\n" REFERENCE);
	branch_run_ms(b, 1000);
	assert_string_equal(up(b), "10.2.2.2");
	assert_string_equal(fate(b, "192.168.21.1"), "clear"); /* no list has it any more */
	assert_string_equal(fate(b, "192.168.25.1"), "10.2.2.2");
	assert_int_equal(b->hubs[0].kernel.n_sas, 0); /* it was told */
	branch_free(b);
}

/* Of a template, as of an entry: what is idle goes, and it is told. */
static void idle(void **state)
{
	struct branch *b = branch_new(HEAD ACL TEMPLATE
		" set security-association idle-time 120\n match address 110\n" REFERENCE, 1);

	call(b, 0, "192.168.21.0", 24);
	branch_run_ms(b, 119000);
	assert_string_equal(up(b), "10.1.1.1");
	branch_run_ms(b, 3000);
	assert_string_equal(up(b), "");
	assert_int_equal(b->hubs[0].kernel.n_sas, 0);
	assert_string_equal(fate(b, "192.168.21.1"), "block");
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_and_goes),
		cmocka_unit_test(all_of_the_template),
		cmocka_unit_test(narrowed),
		cmocka_unit_test(another_ones),
		cmocka_unit_test(calls_again),
		cmocka_unit_test(asks_for_more),
		cmocka_unit_test(static_entries_first),
		cmocka_unit_test(without_an_access_list),
		cmocka_unit_test(never_begins),
		cmocka_unit_test(a_reload_keeps_what_fits),
		cmocka_unit_test(idle),
	};

	return cmocka_run_group_tests_name("branches that call by a dynamic map", tests, NULL, NULL);
}
