// SPDX-License-Identifier: GPL-2.0-or-later
/* Crypto maps as text, the policies they become as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/spd/spd.h"
#include "prefpeerd/test/conf_help.h"

#define PEER \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n"
#define PEER6 \
	"crypto ikev2 keyring K\n peer hub\n  address 2001:db8:1::1\n  pre-shared-key secret\n" \
	"crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n"
#define ENTRY(seq, acl) \
	"crypto map M " #seq " ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n" \
	" match address " #acl "\n"
#define WAN "interface wan\n crypto map M\n"

struct compile_case {
	const char *desc;
	const char *conf;
	const char *want; /* `out` policies, then "/", then notes, all in order */
};

static const struct compile_case cases[] = {
	{ "one line; nothing for it from the WAN address, which a NAT would give it",
	  PEER "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"
	  ENTRY(10, 101) WAN,
	  "M 10.1 192.168.1.0/24 → 192.168.2.0/24\n"
	  "block 10.9.9.2 → 192.168.2.0/24\n" },
	{ "case 38: a deny of one entry is protected by a later one, the rest is clear",
	  PEER "access-list 101 deny ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"
	  "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.0.0 0.0.255.255\n"
	  "access-list 102 permit ip 192.168.1.0 0.0.0.127 192.168.2.0 0.0.0.255\n"
	  ENTRY(10, 101) ENTRY(20, 102) WAN,
	  "M 20.1 192.168.1.0/25 → 192.168.2.0/24\n"
	  "allow 192.168.1.0/24 → 192.168.2.0/24\n"
	  "allow 192.168.1.0/24 → 192.168.1.0/24\n"
	  "M 10.1 192.168.1.0/24 → 192.168.0.0/16\n"
	  "block 10.9.9.2 → 192.168.0.0/16\n" },
	{ "case 32: a deny falls through two entries, each with a deny of its own",
	  PEER "access-list 101 deny ip 192.168.1.0 0.0.0.255 172.16.0.0 0.0.255.255\n"
	  "access-list 101 permit ip 192.168.1.0 0.0.0.255 172.0.0.0 0.255.255.255\n"
	  "access-list 102 deny ip 192.168.1.0 0.0.0.255 172.16.1.0 0.0.0.255\n"
	  "access-list 102 permit ip 192.168.1.0 0.0.0.255 172.16.0.0 0.0.127.255\n"
	  "access-list 103 permit ip host 192.168.1.9 172.16.1.0 0.0.0.255\n"
	  ENTRY(10, 101) ENTRY(20, 102) ENTRY(30, 103) WAN,
	  "M 30.1 192.168.1.9 → 172.16.1.0/24\n"
	  "allow 192.168.1.0/24 → 172.16.1.0/24\n"
	  "M 20.1 192.168.1.0/24 → 172.16.0.0/17\n"
	  "allow 192.168.1.0/24 → 172.16.0.0/16\n"
	  "M 10.1 192.168.1.0/24 → 172.0.0.0/8\n"
	  "block 10.9.9.2 → 172.0.0.0/8\n" },
	{ "case 39: the LAN reaches its own router; no block where D is everything",
	  PEER "access-list 101 permit ip 192.168.1.0 0.0.0.255 any\n" ENTRY(10, 101) WAN,
	  "allow 192.168.1.0/24 → 192.168.1.0/24\n"
	  "M 10.1 192.168.1.0/24 → 0.0.0.0/0\n" },
	{ "no block where D covers the WAN's network or a peer",
	  PEER "access-list 101 permit ip 192.168.1.0 0.0.0.255 10.9.0.0 0.0.255.255\n"
	  "access-list 101 permit ip 192.168.1.0 0.0.0.255 10.1.1.0 0.0.0.255\n"
	  "access-list 101 permit ip 192.168.1.0 0.0.0.255 10.9.9.128 0.0.0.127\n"
	  ENTRY(10, 101) WAN,
	  "M 10.1 192.168.1.0/24 → 10.9.0.0/16\n"
	  "M 10.2 192.168.1.0/24 → 10.1.1.0/24\n"
	  "M 10.3 192.168.1.0/24 → 10.9.9.128/25\n"
	  "block 10.9.9.2 → 10.9.9.128/25\n" },
	{ "a selector is used once; the note names both lines",
	  PEER "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"
	  "access-list 102 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"
	  ENTRY(10, 101) ENTRY(20, 102) WAN,
	  "M 10.1 192.168.1.0/24 → 192.168.2.0/24\n"
	  "block 10.9.9.2 → 192.168.2.0/24\n"
	  "/ 4 3 line 4 (M 20), 192.168.1.0/24 → 192.168.2.0/24, is never used: "
	  "line 3 (M 10) says the same earlier\n" },
	{ "an entry without a key blocks its lines",
	  "crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n"
	  "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"
	  ENTRY(10, 101) WAN,
	  "M 10.1 blocked 192.168.1.0/24 → 192.168.2.0/24\n"
	  "block 10.9.9.2 → 192.168.2.0/24\n" },
	{ "a map that stands on no interface is not in force",
	  PEER "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"
	  ENTRY(10, 101),
	  "" },
	{ "two maps are one list: a deny of the first is protected by the second",
	  PEER "access-list 101 deny ip 192.168.1.0 0.0.0.255 192.168.3.0 0.0.0.255\n"
	  "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.1.255\n"
	  "access-list 102 permit ip 192.168.1.0 0.0.0.255 192.168.3.0 0.0.0.127\n"
	  ENTRY(10, 101)
	  "crypto map N 10 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set T\n"
	  " match address 102\n" WAN "interface wan2\n crypto map N\n",
	  "N 10.1 192.168.1.0/24 → 192.168.3.0/25\n"
	  "allow 192.168.1.0/24 → 192.168.3.0/24\n"
	  "M 10.1 192.168.1.0/24 → 192.168.2.0/23\n"
	  "block 10.9.9.2 → 192.168.2.0/23\n"
	  "block 10.8.8.2 → 192.168.3.0/25\n" },
	{ "a range of ports is one line, and as many policies as masks say it; fragments go along",
	  PEER "access-list 101 permit tcp 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255 range 8000 8010\n"
	  ENTRY(10, 101) WAN,
	  "M 10.1 192.168.1.0/24 tcp → 192.168.2.0/24 8000-8007\n"
	  "M 10.1 192.168.1.0/24 tcp → 192.168.2.0/24 8008-8009\n"
	  "M 10.1 192.168.1.0/24 tcp → 192.168.2.0/24 8010\n"
	  "M 10.1 192.168.1.0/24 tcp 0 → 192.168.2.0/24 0\n"
	  "block 10.9.9.2 tcp → 192.168.2.0/24 8000-8007\n"
	  "block 10.9.9.2 tcp → 192.168.2.0/24 8008-8009\n"
	  "block 10.9.9.2 tcp → 192.168.2.0/24 8010\n" },
	{ "a deny meets a later entry's ports, and its fragments",
	  PEER "access-list 101 deny tcp 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"
	  "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n"
	  "access-list 102 permit tcp 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255 eq www\n"
	  ENTRY(10, 101) ENTRY(20, 102) WAN,
	  "M 20.1 192.168.1.0/24 tcp → 192.168.2.0/24 80\n"
	  "M 20.1 192.168.1.0/24 tcp 0 → 192.168.2.0/24 0\n"
	  "allow 192.168.1.0/24 tcp → 192.168.2.0/24\n"
	  "M 10.1 192.168.1.0/24 → 192.168.2.0/24\n"
	  "block 10.9.9.2 → 192.168.2.0/24\n" },
	{ "of two ranges that overlap, each port is the earlier's; a line without any is told of",
	  PEER "access-list 101 permit udp 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255 range 8 11\n"
	  "access-list 101 permit udp 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255 range 8 12\n"
	  "access-list 102 permit udp 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255 range 8 11\n"
	  ENTRY(10, 101) ENTRY(20, 102) WAN,
	  "M 10.1 192.168.1.0/24 udp → 192.168.2.0/24 8-11\n"
	  "M 10.1 192.168.1.0/24 udp 0 → 192.168.2.0/24 0\n"
	  "M 10.2 192.168.1.0/24 udp → 192.168.2.0/24 12\n"
	  "block 10.9.9.2 udp → 192.168.2.0/24 8-11\n"
	  "block 10.9.9.2 udp → 192.168.2.0/24 12\n"
	  "/ 5 3 line 5 (M 20), 192.168.1.0/24 udp → 192.168.2.0/24 8-11, is never used: "
	  "line 3 (M 10) says the same earlier\n" },
	{ "the type of ICMP, and no fragments, which for XFRM are of type 0",
	  PEER "access-list 101 permit icmp 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255 echo\n"
	  ENTRY(10, 101) WAN,
	  "M 10.1 192.168.1.0/24 icmp 8 → 192.168.2.0/24\n"
	  "block 10.9.9.2 icmp 8 → 192.168.2.0/24\n" },
	{ "IPv6: discovery goes ahead of everything",
	  PEER6 "ipv6 access-list A6\n permit ipv6 2001:db8:a::/64 any\n"
	  "crypto map ipv6 M 10 ipsec-isakmp\n set peer 2001:db8:1::1\n set transform-set T\n"
	  " match address A6\ninterface wan\n ipv6 crypto map M\n",
	  "allow ::/0 icmpv6 133 → ::/0\n"
	  "allow ::/0 icmpv6 134-135 → ::/0\n"
	  "allow ::/0 icmpv6 136-137 → ::/0\n"
	  "allow 2001:db8:a::/64 → 2001:db8:a::/64\n"
	  "M 10.1 2001:db8:a::/64 → ::/0\n" },
};

static uint32_t count_up(void *ctx, const char *map, unsigned seq, const struct selector *sel)
{
	uint32_t *next = ctx;

	return (*next)++;
}

static struct prefix net(const char *addr, uint8_t len)
{
	struct prefix p = { .len = len };

	assert_int_equal(addr_parse(addr, &p.addr), 0);
	return p;
}

static void print_policies(FILE *f, const struct spd *s)
{
	char sel[SELECTOR_STRLEN];

	for (unsigned i = 0; i < s->n_policies; i++) {
		const struct spd_policy *p = &s->policies[i];

		if (p->p.dir != POLICY_OUT)
			continue;
		selector_print(&p->p.sel, sel, sizeof(sel));
		if (p->line)
			fprintf(f, "%s %u.%u %s%s\n", p->line->map, p->line->seq, p->line->no,
				p->line->blocked ? "blocked " : "", sel);
		else
			fprintf(f, "%s %s\n", p->p.action == POLICY_ALLOW ? "allow" : "block", sel);
	}
	for (unsigned i = 0; i < s->n_notes; i++)
		fprintf(f, "/ %u %u %s\n", s->notes[i].pos.line, s->notes[i].other.line,
			s->notes[i].text);
}

static struct spd *compile(const struct config *c)
{
	static uint32_t next = REQID_FIRST;
	struct prefix wan = net("10.9.9.2", 24), wan2 = net("10.8.8.2", 24);
	const struct spd_iface ifaces[] = { { "wan", &wan, 1 }, { "wan2", &wan2, 1 } };
	const struct spd_env env = {
		.ifaces = ifaces, .n_ifaces = 2, .reqid_for = count_up, .ctx = &next };
	struct spd *s = spd_compile(c, &env);

	assert_non_null(s);
	return s;
}

static void test_compiled(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed x = conf_help_parse(cases[i].conf);
		char *got = NULL;
		size_t len;
		FILE *f = open_memstream(&got, &len);
		struct spd *s;

		conf_help_valid(&x);
		s = compile(x.c);
		print_policies(f, s);
		fclose(f);
		if (strcmp(got, cases[i].want))
			print_error("%s\n", cases[i].desc);
		assert_string_equal(got, cases[i].want);
		free(got);
		spd_free(s);
		conf_help_free(&x);
	}
}

/* What the other directions and the templates look like. */
static void test_directions(void **state)
{
	struct parsed x = conf_help_parse(cases[0].conf);
	struct spd *s = compile(x.c);
	const struct kernel_policy *out = &s->policies[0].p;
	struct selector back = selector_reverse(&out->sel);

	assert_int_equal(s->n_lines, 1);
	assert_ptr_equal(spd_line_by_reqid(s, s->lines[0]->reqid), s->lines[0]);
	assert_null(spd_line_by_reqid(s, 1));
	/* No peer yet: nothing may leave, and what comes must have come by this reqid. */
	assert_int_equal(out->dir, POLICY_OUT);
	assert_int_equal(out->action, POLICY_BLOCK);
	assert_int_equal(s->policies[1].p.dir, POLICY_IN);
	assert_int_equal(s->policies[2].p.dir, POLICY_FWD);
	for (unsigned i = 1; i < 3; i++) {
		const struct kernel_policy *p = &s->policies[i].p;

		assert_int_equal(p->action, POLICY_PROTECT);
		assert_int_equal(p->reqid, s->lines[0]->reqid);
		assert_int_equal(p->tmpl_family, AF_INET);
		assert_true(addr_is_unspecified(&p->tmpl_src));
		assert_true(selector_equal(&p->sel, &back));
		assert_int_equal(p->priority, out->priority);
	}
	for (unsigned i = 0; i < s->n_policies; i++) {
		assert_in_range(s->policies[i].p.priority, SPD_PRIORITY_FIRST, SPD_PRIORITY_LAST);
		if (i)
			assert_true(s->policies[i].p.priority >= s->policies[i - 1].p.priority);
	}
	spd_free(s);
	conf_help_free(&x);
}

/* A19: without addresses and names the lines are there all the same, and block. */
static void test_boot_lock(void **state)
{
	uint32_t next = REQID_FIRST;
	const struct spd_env env = { .reqid_for = count_up, .ctx = &next };
	struct parsed x = conf_help_parse(cases[0].conf);
	struct spd *s = spd_compile(x.c, &env);

	assert_int_equal(s->n_policies, 3);
	assert_int_equal(s->policies[0].p.dir, POLICY_OUT);
	assert_int_equal(s->policies[0].p.action, POLICY_BLOCK);
	spd_free(s);
	conf_help_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compiled),
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_boot_lock),
	};

	return cmocka_run_group_tests_name("case 32, case 38, case 39: crypto maps compiled", tests,
					   NULL, NULL);
}
