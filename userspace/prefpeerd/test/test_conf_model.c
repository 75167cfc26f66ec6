// SPDX-License-Identifier: GPL-2.0-or-later
/* What a valid text means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/test/conf_help.h"

#define ELEMS(a) (sizeof(a) / sizeof((a)[0]))
#define MAP "crypto map tohub 1 ipsec-isakmp\n"

/* The founding document's, to the byte. */
static const char example_1[] = "crypto map tohub 1 ipsec-isakmp\n"
				" set peer 10.1.1.1 default\n"
				" set peer 10.2.2.2\n";
static const char example_2[] = "crypto map tohub 1 ipsec-isakmp\n"
				" set peer 10.1.1.1 default\n"
				" set peer 10.2.2.2\n"
				" set security-association idletime 120 default\n";

static const struct map_entry *entry(const struct parsed *x, unsigned seq)
{
	const struct map_entry *e = conf_find_entry(x->c, "tohub", seq);

	assert_non_null(e);
	return e;
}

static struct parsed valid(const char *text)
{
	struct parsed x = conf_help_parse(text);

	conf_help_valid(&x);
	return x;
}

static struct addr A(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* "hub.example?* 10.2.2.2": the list in order, `dynamic` and the default marked. */
static void expect_peers(const struct map_entry *e, const char *want)
{
	char got[256] = "";

	for (unsigned i = 0; i < e->n_peers; i++) {
		size_t at = strlen(got);

		snprintf(got + at, sizeof(got) - at, "%s%s%s%s", at ? " " : "", e->peers[i].text,
			 e->peers[i].is_dynamic ? "?" : "", e->peers[i].is_default ? "*" : "");
	}
	assert_string_equal(got, want);
	assert_int_equal(e->has_default, e->n_peers && e->peers[0].is_default);
}

static void founding_example_1(void **state)
{
	struct parsed x = valid(example_1);
	const struct map_entry *e = entry(&x, 1);

	expect_peers(e, "10.1.1.1* 10.2.2.2");
	assert_int_equal(e->map->family, AF_INET);
	assert_int_equal(e->idle.ms, 0);
	assert_null(e->acl);
	conf_help_free(&x);
}

static void founding_example_2(void **state)
{
	struct parsed x = valid(example_2);
	const struct map_entry *e = entry(&x, 1);

	expect_peers(e, "10.1.1.1* 10.2.2.2");
	assert_int_equal(e->idle.ms, 120000);
	assert_true(e->idle.home);
	conf_help_free(&x);
}

static void founding_procedure(void **state)
{
	struct parsed x = valid("crypto map mymap 10 ipsec-isakmp\n"
				"set peer 10.0.0.2 default\n"
				"set security-association idletime 120 default\n"
				"exit\n");
	const struct map_entry *e = conf_find_entry(x.c, "mymap", 10);

	assert_non_null(e);
	expect_peers(e, "10.0.0.2*");
	conf_help_free(&x);
}

struct peers_row {
	const char *desc, *text, *want;
};

static const struct peers_row peers_rows[] = {
	{ "set peer: order of entry", " set peer 10.2.2.2\n set peer 10.1.1.1\n",
	  "10.2.2.2 10.1.1.1" },
	{ "set peer: the same again changes nothing",
	  " set peer 10.1.1.1 default\n set peer 10.2.2.2\n set peer 10.1.1.1 default\n",
	  "10.1.1.1* 10.2.2.2" },
	{ "A14: re-entry without default clears it",
	  " set peer 10.1.1.1 default\n set peer 10.2.2.2\n set peer 10.1.1.1\n",
	  "10.1.1.1 10.2.2.2" },
	{ "set peer: default for the first, entered later",
	  " set peer 10.1.1.1\n set peer 10.2.2.2\n set peer 10.1.1.1 default\n",
	  "10.1.1.1* 10.2.2.2" },
	{ "case 3: removing the default leaves none",
	  " set peer 10.1.1.1 default\n set peer 10.2.2.2\n no set peer 10.1.1.1 default\n",
	  "10.2.2.2" },
	{ "case 3: after that the new first can be made the default",
	  " set peer 10.1.1.1 default\n set peer 10.2.2.2\n no set peer 10.1.1.1\n"
	  " set peer 10.2.2.2 default\n",
	  "10.2.2.2*" },
	{ "set peer: names compare without case", " set peer Hub.example\n set peer hub.EXAMPLE\n",
	  "Hub.example" },
	{ "set peer: dynamic, and dynamic default",
	  " set peer a.example dynamic default\n set peer b.example dynamic\n set peer c.example\n",
	  "a.example?* b.example? c.example" },
	{ "A14: set peer of a dynamic one without its keywords clears both",
	  " set peer a.example dynamic default\n set peer a.example\n", "a.example" },
	{ "set peer: dynamic, entered later", " set peer a.example\n set peer A.example dynamic\n",
	  "a.example?" },
	{ "no set peer of a dynamic one, with and without its keywords",
	  " set peer a.example dynamic\n set peer b.example dynamic\n no set peer a.example\n"
	  " no set peer b.example dynamic\n", "" },
	{ "set peer: removing one from the middle",
	  " set peer 10.1.1.1\n set peer 10.2.2.2\n set peer 10.3.3.3\n no set peer 10.2.2.2\n",
	  "10.1.1.1 10.3.3.3" },
	{ "modes: a global command in between, then back in",
	  " set peer 10.1.1.1\nhostname gw\n" MAP " set peer 10.2.2.2\n", "10.1.1.1 10.2.2.2" },
	{ "modes: exit, and the entry again without its keyword",
	  " set peer 10.1.1.1\n exit\ncrypto map tohub 1\n set peer 10.2.2.2\n",
	  "10.1.1.1 10.2.2.2" },
	{ "lines: CR LF, tabs, comments, no last line end",
	  "\tset  peer\t10.1.1.1\r\n!\n  ! set peer 10.9.9.9\n\n SET Peer 10.2.2.2", "10.1.1.1 10.2.2.2" },
};

static void one_peers_row(void **state)
{
	const struct peers_row *r = *state;
	char text[512];
	struct parsed x;

	snprintf(text, sizeof(text), MAP "%s", r->text);
	x = valid(text);
	expect_peers(entry(&x, 1), r->want);
	conf_help_free(&x);
}

/* ---- idle time ---- */

struct idle_row {
	const char *desc, *text;
	uint32_t ms; /* in force */
	bool home, not_added;
};

#define GLOBAL_120 "crypto ipsec security-association idle-time 120\n"

static const struct idle_row idle_rows[] = {
	{ "idle: none", "", 0, false, false },
	{ "idle: of the map", " set security-association idle-time 60\n", 60000, false, false },
	{ "idle: idletime is the same word", " set security-association idletime 60 default\n",
	  60000, true, false },
	{ "idle: milliseconds", " set security-association idle-time milliseconds 100 default\n",
	  100, true, false },
	{ "idle: the largest in milliseconds",
	  " set security-association idle-time milliseconds 86400000\n", 86400000, false, false },
	{ "idle: global only", GLOBAL_120, 120000, false, false },
	{ "case 13: global = map: the global one, without its way home",
	  " set security-association idle-time 120 default\n" GLOBAL_120, 120000, false, true },
	{ "case 13: global first", GLOBAL_120 MAP " set security-association idle-time 120 default\n",
	  120000, false, true },
	{ "case 14: map above global", GLOBAL_120 MAP " set security-association idle-time 600\n",
	  600000, false, false },
	{ "case 14: map below global",
	  " set security-association idletime 60 default\n" GLOBAL_120, 60000, true, false },
	{ "idle: a global value taken back does not count",
	  GLOBAL_120 "no crypto ipsec security-association idle-time\n" MAP
		     " set security-association idle-time 120 default\n",
	  120000, true, false },
	{ "idle: no set … removes it",
	  " set security-association idle-time 60\n no set security-association idle-time\n", 0,
	  false, false },
};

static void one_idle_row(void **state)
{
	const struct idle_row *r = *state;
	struct idle_time t;
	char text[512];
	struct parsed x;

	snprintf(text, sizeof(text), MAP " set peer 10.1.1.1 default\n%s", r->text);
	x = valid(text);
	t = conf_entry_idle(x.c, entry(&x, 1));
	assert_int_equal(t.ms, r->ms);
	assert_int_equal(t.home, r->home);
	assert_int_equal(entry(&x, 1)->idle.not_added, r->not_added);
	conf_help_free(&x);
}

static void names_are_printed_as_they_hold(void **state)
{
	struct parsed x = valid("ip name-server 10.0.0.1 10.0.0.2\nip name-server 10.0.0.2 2001:db8::1\n"
				"ip host a.example 10.1.1.1\nIP host A.example 10.1.1.1 2001:db8::9\n"
				"ip host b.example 10.1.1.2\nno ip host b.example\n"
				"ip host c.example 10.1.1.3 10.1.1.4\nno ip host c.example 10.1.1.3\n"
				"no ip name-server 10.0.0.1\nip dnssec trust-anchor /etc/root.key\n" MAP
				" set peer a.example dynamic default\n");
	char *s = conf_help_print(x.c);

	assert_non_null(strstr(s, "ip host a.example 10.1.1.1 2001:db8::9\n"
				  "ip host c.example 10.1.1.4\n"
				  "ip name-server 10.0.0.2 2001:db8::1\n"
				  "ip dnssec trust-anchor /etc/root.key\n"));
	assert_non_null(strstr(s, " set peer a.example dynamic default\n"));
	assert_null(strstr(s, "b.example"));
	free(s);
	conf_help_free(&x);
	x = valid("ip name-server 10.0.0.1\nno ip name-server\nip dnssec trust-anchor /a\n"
		  "no ip dnssec trust-anchor\n");
	assert_int_equal(x.c->n_name_servers, 0);
	assert_null(x.c->trust_anchor);
	conf_help_free(&x);
}

static void not_added_is_not_printed(void **state)
{
	struct parsed x = valid(GLOBAL_120 MAP " set security-association idle-time 120 default\n");
	char *text = conf_help_print(x.c);

	assert_non_null(strstr(text, "crypto ipsec security-association idle-time 120\n"));
	assert_null(strstr(text, "set security-association"));
	free(text);
	conf_help_free(&x);
}

/* ---- dead peer detection ---- */

struct dpd_row {
	const char *desc, *text;
	struct dpd want;
};

static const struct dpd_row dpd_rows[] = {
	{ "dpd: off", "", { .mode = DPD_OFF } },
	{ "dpd: periodic", "crypto ikev2 dpd 10 2 periodic\n", { .mode = DPD_PERIODIC, .interval_ms = 10000, .retry_ms = 2000 } },
	{ "dpd: on-demand strict", "crypto ikev2 dpd 3600 60 on-demand strict\n",
	  { DPD_ON_DEMAND, 3600000, 60000, .strict = true } },
	{ "dpd: spacing fixed", "crypto ikev2 dpd 10 2 periodic spacing fixed\n",
	  { DPD_PERIODIC, 10000, 2000, .fixed = true } },
	{ "dpd: strict spacing fixed", "crypto ikev2 dpd 10 2 periodic strict spacing fixed\n",
	  { DPD_PERIODIC, 10000, 2000, .strict = true, .fixed = true } },
	{ "dpd: milliseconds", "crypto ikev2 dpd milliseconds 50 20 periodic strict\n",
	  { DPD_PERIODIC, 50, 20, .strict = true, .millis = true } },
	{ "keepalive: retry 2 and on-demand unless said", "crypto isakmp keepalive 10\n",
	  { DPD_ON_DEMAND, 10000, 2000, .keepalive = true } },
	{ "keepalive: retry", "crypto isakmp keepalive 3600 60\n",
	  { DPD_ON_DEMAND, 3600000, 60000, .keepalive = true } },
	{ "keepalive: periodic without retry", "crypto isakmp keepalive 20 periodic\n",
	  { DPD_PERIODIC, 20000, 2000, .keepalive = true } },
	{ "keepalive: all three", "crypto isakmp keepalive 20 5 periodic\n",
	  { DPD_PERIODIC, 20000, 5000, .keepalive = true } },
	{ "dpd goes before keepalive, whatever the order",
	  "crypto ikev2 dpd 30 3 on-demand\ncrypto isakmp keepalive 20 5 periodic\n",
	  { .mode = DPD_ON_DEMAND, .interval_ms = 30000, .retry_ms = 3000 } },
	{ "no dpd", "crypto ikev2 dpd 30 3 on-demand\nno crypto ikev2 dpd\n", { .mode = DPD_OFF } },
	{ "no keepalive", "crypto isakmp keepalive 20\nno crypto isakmp keepalive\n", { .mode = DPD_OFF } },
};

static void one_dpd_row(void **state)
{
	const struct dpd_row *r = *state;
	struct parsed x = valid(r->text);
	const struct dpd *d = &x.c->dpd, *w = &r->want;

	assert_int_equal(d->mode, w->mode);
	assert_int_equal(d->interval_ms, w->interval_ms);
	assert_int_equal(d->retry_ms, w->retry_ms);
	assert_int_equal(d->strict, w->strict);
	assert_int_equal(d->fixed, w->fixed);
	assert_int_equal(d->millis, w->millis);
	assert_int_equal(d->keepalive, w->keepalive);
	conf_help_free(&x);
}

/* ---- fragments ---- */

struct frag_row {
	const char *desc, *text, *printed;
	struct fragmentation want;
};

static const struct frag_row frag_rows[] = {
	{ "fragmentation: on by itself", "", "", { 0 } },
	{ "fragmentation: said, and still on", "crypto ikev2 fragmentation\n", "", { 0 } },
	{ "fragmentation: mtu", "crypto ikev2 fragmentation mtu 1400\n",
	  "crypto ikev2 fragmentation mtu 1400\n", { .mtu = 1400 } },
	{ "fragmentation: off", "crypto ikev2 fragmentation mtu 1400\nno crypto ikev2 fragmentation\n",
	  "no crypto ikev2 fragmentation\n", { .off = true } },
	{ "fragmentation: no mtu is the mtu of every path",
	  "crypto ikev2 fragmentation mtu 1400\nno crypto ikev2 fragmentation mtu 1400\n", "", { 0 } },
	{ "fragmentation: on again", "no crypto ikev2 fragmentation\ncrypto ikev2 fragmentation\n", "",
	  { 0 } },
};

static void one_frag_row(void **state)
{
	const struct frag_row *r = *state;
	struct parsed x = valid(r->text);
	char *text = conf_help_print(x.c);

	assert_int_equal(x.c->frag.off, r->want.off);
	assert_int_equal(x.c->frag.mtu, r->want.mtu);
	assert_string_equal(text, r->printed);
	free(text);
	conf_help_free(&x);
}

/* ---- access lists ---- */

struct acl_row {
	const char *desc, *text, *want; /* "+src > dst" permit, "-" deny, separated by ", " */
};

static const struct acl_row acl_rows[] = {
	{ "acl: wildcard and host", "access-list 101 permit ip 192.168.1.0 0.0.0.255 host 10.9.9.9\n",
	  "+192.168.1.0/24 > 10.9.9.9" },
	{ "acl: any is a prefix of no bits", "access-list 2699 deny ip any 10.0.0.0 0.255.255.255\n",
	  "-0.0.0.0/0 > 10.0.0.0/8" },
	{ "acl: prefixes", "access-list 199 permit ip 10.0.0.0/8 192.168.2.128/25\n",
	  "+10.0.0.0/8 > 192.168.2.128/25" },
	{ "acl: bits under the wildcard do not matter, as in IOS",
	  "access-list 101 permit ip 192.168.1.77 0.0.0.255 10.1.2.3 0.0.255.255\n",
	  "+192.168.1.0/24 > 10.1.0.0/16" },
	{ "acl: a wildcard of no bits is a host", "access-list 101 permit ip 10.0.0.1 0.0.0.0 any\n",
	  "+10.0.0.1 > 0.0.0.0/0" },
	{ "acl: line numbers put lines in order",
	  "ip access-list extended LAN\n 20 permit ip host 10.0.0.2 any\n"
	  " 10 permit ip host 10.0.0.1 any\n deny ip host 10.0.0.3 any\n",
	  "+10.0.0.1 > 0.0.0.0/0, +10.0.0.2 > 0.0.0.0/0, -10.0.0.3 > 0.0.0.0/0" },
	{ "acl: a line removed by its number",
	  "ip access-list extended LAN\n deny ip host 10.0.0.1 any\n deny ip host 10.0.0.2 any\n"
	  " no 10\n",
	  "-10.0.0.2 > 0.0.0.0/0" },
	{ "acl: a remark is a comment", "access-list 101 remark a b c\naccess-list 101 deny ip any any\n",
	  "-0.0.0.0/0 > 0.0.0.0/0" },
	{ "acl: a numbered list, added to by its number",
	  "access-list 101 deny ip any host 10.0.0.1\nip access-list extended 101\n"
	  " 5 deny ip any host 10.0.0.2\n",
	  "-0.0.0.0/0 > 10.0.0.2, -0.0.0.0/0 > 10.0.0.1" },
	{ "acl: IPv6", "ipv6 access-list SIX\n permit ipv6 2001:db8:1::/48 any\n"
		       " sequence 5 deny ipv6 host 2001:db8:1::1 2001:db8:2::/64\n",
	  "-2001:db8:1::1 > 2001:db8:2::/64, +2001:db8:1::/48 > ::/0" },
	{ "acl: removed and made again",
	  "access-list 101 deny ip any any\nno access-list 101\n"
	  "access-list 101 deny ip any host 10.0.0.1\n",
	  "-0.0.0.0/0 > 10.0.0.1" },
};

static void one_acl_row(void **state)
{
	const struct acl_row *r = *state;
	struct parsed x = valid(r->text);
	char got[512] = "", src[PREFIX_STRLEN], dst[PREFIX_STRLEN];

	assert_int_equal(x.c->n_acls, 1);
	for (unsigned i = 0; i < x.c->acls[0]->n_lines; i++) {
		const struct acl_line *l = &x.c->acls[0]->lines[i];
		size_t at = strlen(got);

		assert_int_equal(l->sel.src.addr.family, x.c->acls[0]->family);
		assert_int_equal(l->sel.dst.addr.family, x.c->acls[0]->family);
		assert_int_equal(l->sel.proto, 0);
		assert_int_equal(l->sel.sport.hi, 65535);
		assert_int_equal(l->sel.dport.hi, 65535);
		snprintf(got + at, sizeof(got) - at, "%s%c%s > %s", at ? ", " : "",
			 l->permit ? '+' : '-', prefix_print(&l->sel.src, src, sizeof(src)),
			 prefix_print(&l->sel.dst, dst, sizeof(dst)));
	}
	assert_string_equal(got, r->want);
	conf_help_free(&x);
}

struct port_row {
	const char *desc, *line, *want, *printed; /* the selector, and the line as it is printed */
};

static const struct port_row port_rows[] = {
	{ "ports: one", "permit tcp host 10.0.0.1 any eq 443", "10.0.0.1 tcp → 0.0.0.0/0 443",
	  "permit tcp host 10.0.0.1 any eq 443" },
	{ "ports: by name", "permit udp host 10.0.0.1 eq ntp any eq domain",
	  "10.0.0.1 udp 123 → 0.0.0.0/0 53", "permit udp host 10.0.0.1 eq ntp any eq domain" },
	{ "ports: a name is what a number is printed as", "permit tcp 10.0.0.0/24 eq 80 any",
	  "10.0.0.0/24 tcp 80 → 0.0.0.0/0", "permit tcp 10.0.0.0 0.0.0.255 eq www any" },
	{ "ports: a range", "permit sctp host 10.0.0.1 any range 8000 8010",
	  "10.0.0.1 sctp → 0.0.0.0/0 8000-8010", "permit sctp host 10.0.0.1 any range 8000 8010" },
	{ "ports: below and above", "permit tcp host 10.0.0.1 gt 1023 any lt 1024",
	  "10.0.0.1 tcp 1024-65535 → 0.0.0.0/0 0-1023",
	  "permit tcp host 10.0.0.1 gt 1023 any lt 1024" },
	{ "ports: all of them are none", "deny tcp any any range 0 65535",
	  "0.0.0.0/0 tcp → 0.0.0.0/0", "deny tcp any any" },
	{ "protocol: by name", "permit ospf host 10.0.0.1 any", "10.0.0.1 89 → 0.0.0.0/0",
	  "permit ospf host 10.0.0.1 any" },
	{ "protocol: by number", "permit 6 host 10.0.0.1 any", "10.0.0.1 tcp → 0.0.0.0/0",
	  "permit tcp host 10.0.0.1 any" },
	{ "protocol: one without a name", "permit 200 host 10.0.0.1 any", "10.0.0.1 200 → 0.0.0.0/0",
	  "permit 200 host 10.0.0.1 any" },
	{ "protocol: esp, ahp, gre", "permit ahp host 10.0.0.1 any", "10.0.0.1 51 → 0.0.0.0/0",
	  "permit ahp host 10.0.0.1 any" },
	{ "icmp: all of it", "permit icmp host 10.0.0.1 any", "10.0.0.1 icmp → 0.0.0.0/0",
	  "permit icmp host 10.0.0.1 any" },
	{ "icmp: a type", "deny icmp any any echo", "0.0.0.0/0 icmp 8 → 0.0.0.0/0",
	  "deny icmp any any echo" },
	{ "icmp: type and code", "deny icmp any any 3 4", "0.0.0.0/0 icmp 3 → 0.0.0.0/0 4",
	  "deny icmp any any packet-too-big" },
	{ "icmp: numbers without a name", "deny icmp any any 200 7",
	  "0.0.0.0/0 icmp 200 → 0.0.0.0/0 7", "deny icmp any any 200 7" },
};

static void one_port_row(void **state)
{
	const struct port_row *r = *state;
	char text[256], sel[SELECTOR_STRLEN], *printed;
	struct parsed x;

	snprintf(text, sizeof(text), "ip access-list extended L\n %s\n", r->line);
	x = valid(text);
	assert_int_equal(x.c->acls[0]->n_lines, 1);
	assert_string_equal(selector_print(&x.c->acls[0]->lines[0].sel, sel, sizeof(sel)), r->want);
	printed = conf_help_print(x.c);
	snprintf(text, sizeof(text), "ip access-list extended L\n %s\n", r->printed);
	assert_string_equal(printed, text);
	free(printed);
	conf_help_free(&x);
	/* `no` before what was typed takes it back. */
	snprintf(text, sizeof(text), "ip access-list extended L\n %s\n no %s\n", r->line, r->line);
	x = valid(text);
	assert_int_equal(x.c->acls[0]->n_lines, 0);
	conf_help_free(&x);
}

static void ports_of_ipv6(void **state)
{
	struct parsed x = valid("ipv6 access-list SIX\n permit tcp host 2001:db8::1 any eq bgp\n"
				" deny icmp any any nd-ns\n sequence 5 permit ahp host 2001:db8::1 any\n");
	char *text = conf_help_print(x.c);

	assert_string_equal(text, "ipv6 access-list SIX\n"
				  " sequence 5 permit ahp host 2001:db8::1 any\n"
				  " sequence 10 permit tcp host 2001:db8::1 any eq bgp\n"
				  " sequence 20 deny icmp any any nd-ns\n");
	assert_int_equal(x.c->acls[0]->lines[2].sel.proto, IPPROTO_ICMPV6);
	assert_int_equal(x.c->acls[0]->lines[2].sel.sport.lo, 135);
	free(text);
	conf_help_free(&x);
}

/* ---- the rest ---- */

static void transform_sets(void **state)
{
	struct parsed x = valid("crypto ipsec transform-set A esp-gcm\n mode tunnel\n"
				"crypto ipsec transform-set B esp-gcm 256\n"
				"crypto ipsec transform-set C esp-aes esp-sha256-hmac\n"
				"crypto ipsec transform-set D esp-aes 256 esp-sha256-hmac\n"
				"crypto ipsec transform-set E esp-gcm 192\n"
				"crypto ipsec transform-set F esp-chacha20-poly1305\n esn\n"
				"crypto ipsec transform-set G esp-aes 192 esp-sha512-hmac\n"
				"crypto ipsec transform-set H esp-aes esp-sha384-hmac\n esn\n no esn\n"
				"crypto ipsec transform-set I esp-null esp-sha256-hmac\n"
				"crypto ipsec transform-set J esp-gmac 256\n"
				"crypto ipsec transform-set K esp-aes-ctr 256 esp-sha512-hmac\n"
				"crypto ipsec transform-set L esp-aes-ctr esp-sha256-hmac\n"
				"crypto ipsec transform-set M ah-sha256-hmac\n esn\n"
				"crypto ipsec transform-set N ah-sha384-hmac\n mode transport\n"
				"crypto ipsec transform-set O ah-sha512-hmac\n mode transport require\n"
				"crypto ipsec transform-set P esp-gcm\n mode transport\n mode tunnel\n"
				"crypto ipsec transform-set Q esp-gcm\n mode transport\n no mode transport\n"
				MAP
				" set transform-set D A\n");
	static const struct esp_suite want[] = {
		{ ENCR_AES_GCM_16, 128, INTEG_NONE, false },
		{ ENCR_AES_GCM_16, 256, INTEG_NONE, false },
		{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128, false },
		{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128, false },
		{ ENCR_AES_GCM_16, 192, INTEG_NONE, false },
		{ ENCR_CHACHA20_POLY1305, 0, INTEG_NONE, true },
		{ ENCR_AES_CBC, 192, INTEG_HMAC_SHA2_512_256, false },
		{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_384_192, false },
		{ ENCR_NULL, 0, INTEG_HMAC_SHA2_256_128, false },
		{ ENCR_NULL_AUTH_AES_GMAC, 256, INTEG_NONE, false },
		{ ENCR_AES_CTR, 256, INTEG_HMAC_SHA2_512_256, false },
		{ ENCR_AES_CTR, 128, INTEG_HMAC_SHA2_256_128, false },
		{ ENCR_NONE, 0, INTEG_HMAC_SHA2_256_128, true },
		{ ENCR_NONE, 0, INTEG_HMAC_SHA2_384_192, false },
		{ ENCR_NONE, 0, INTEG_HMAC_SHA2_512_256, false },
		{ ENCR_AES_GCM_16, 128, INTEG_NONE, false },
		{ ENCR_AES_GCM_16, 128, INTEG_NONE, false },
	};
	const struct map_entry *e = entry(&x, 1);
	char *text;

	assert_int_equal(x.c->n_sets, ELEMS(want));
	for (unsigned i = 0; i < ELEMS(want); i++) {
		const struct esp_suite *s = &x.c->sets[i]->suite;

		assert_int_equal(s->encr, want[i].encr);
		assert_int_equal(s->key_bits, want[i].key_bits);
		assert_int_equal(s->integ, want[i].integ);
		assert_int_equal(s->esn, want[i].esn);
		assert_int_equal(x.c->sets[i]->mode, i == 13 ? SA_MODE_TRANSPORT :
						     i == 14 ? SA_MODE_TRANSPORT_REQUIRED :
							       SA_MODE_TUNNEL);
	}
	text = conf_help_print(x.c);
	assert_non_null(strstr(text, "transform-set M ah-sha256-hmac\n mode tunnel\n esn\n"));
	assert_non_null(strstr(text, "transform-set N ah-sha384-hmac\n mode transport\n"));
	assert_non_null(strstr(text, "transform-set O ah-sha512-hmac\n mode transport require\n"));
	assert_non_null(strstr(text, "transform-set C esp-aes 128 esp-sha256-hmac\n mode tunnel\n"));
	free(text);
	assert_int_equal(e->n_sets, 2);
	assert_ptr_equal(e->sets[0], x.c->sets[3]);
	assert_ptr_equal(e->sets[1], x.c->sets[0]);
	conf_help_free(&x);
}

static void ikev2_policies(void **state)
{
	struct parsed x = valid("crypto ikev2 proposal NEW\n encryption aes-gcm-256 chacha20-poly1305\n"
				" prf sha512 sha256\n group 31 20\n"
				"crypto ikev2 proposal OLD\n encryption aes-cbc-256 aes-cbc-128\n"
				" integrity sha384 sha256\n group 14\n"
				"crypto ikev2 policy A\n proposal OLD\n"
				"crypto ikev2 policy B\n proposal NEW\n proposal OLD\n");
	const struct ike_offer *o = x.c->offer;
	static const struct ike_cipher old[] = {
		{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_384_192 },
		{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128 },
		{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_384_192 },
		{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128 },
		{ ENCR_NONE, 0, INTEG_NONE },
	};

	assert_non_null(o);
	for (unsigned i = 0; i < ELEMS(old); i++) {
		assert_int_equal(o->ciphers[i].encr, old[i].encr);
		assert_int_equal(o->ciphers[i].key_bits, old[i].key_bits);
		assert_int_equal(o->ciphers[i].integ, old[i].integ);
	}
	/* The integrity's hashes, where no prf is said. */
	assert_int_equal(o->prfs[0], PRF_HMAC_SHA2_384);
	assert_int_equal(o->prfs[1], PRF_HMAC_SHA2_256);
	assert_int_equal(o->groups[0], DH_MODP_2048);
	assert_int_equal(o->groups[1], DH_NONE);
	o = o->next;
	assert_non_null(o);
	assert_int_equal(o->ciphers[0].encr, ENCR_AES_GCM_16);
	assert_int_equal(o->ciphers[1].encr, ENCR_CHACHA20_POLY1305);
	assert_int_equal(o->prfs[0], PRF_HMAC_SHA2_512);
	assert_int_equal(o->groups[1], DH_ECP_384);
	assert_null(o->next);
	conf_help_free(&x);
	x = valid("");
	assert_null(x.c->offer);
	conf_help_free(&x);
}

static void expect_key(const struct config *c, const char *peer, const char *secret)
{
	struct addr a = A(peer);
	const struct psk *k = conf_psk(c, NULL, &a);

	if (!secret) {
		assert_null(k);
		return;
	}
	assert_non_null(k);
	assert_int_equal(k->key.len, strlen(secret));
	assert_memory_equal(k->key.bytes, secret, k->key.len);
}

/* No bits beyond the length, or two spellings of one prefix would be two. */
static void expect_peer_prefix(const struct config *c, const char *peer, const char *want)
{
	struct addr a = A(peer);
	char buf[PREFIX_STRLEN];

	assert_string_equal(prefix_print(&conf_psk(c, NULL, &a)->peer, buf, sizeof(buf)), want);
}

static void expect_bytes(const struct psk_secret *k, const char *want)
{
	assert_non_null(k->bytes);
	assert_int_equal(k->len, strlen(want));
	assert_memory_equal(k->bytes, want, k->len);
}

/* Which suites are offered depends on the local address, where a policy says so. */
static void policy_by_local_address(void **state)
{
	struct parsed x = valid("crypto ikev2 proposal A\n encryption aes-gcm-256\n prf sha256\n group 31\n"
				"crypto ikev2 proposal B\n encryption aes-gcm-128\n prf sha256\n group 19\n"
				"crypto ikev2 policy all\n proposal A\n"
				"crypto ikev2 policy one\n match address local 10.0.0.1\n"
				" match address local 2001:db8::1\n match address local 10.0.0.9\n"
				" no match address local 10.0.0.9\n proposal B A B\n");
	struct addr a = A("10.0.0.1");

	assert_int_equal(x.c->offer->groups[0], DH_X25519);
	assert_null(x.c->offer->next);
	assert_int_equal(x.c->n_local_offers, 2);
	assert_true(addr_equal(&x.c->local_offers[0].local, &a));
	for (unsigned i = 0; i < 2; i++) {
		const struct ike_offer *o = x.c->local_offers[i].offer;

		assert_int_equal(o->groups[0], DH_ECP_256);
		assert_int_equal(o->next->groups[0], DH_X25519);
		assert_null(o->next->next);
	}
	conf_help_free(&x);
}

/* Each form of a key, and two of one peer. */
static void forms_of_keys(void **state)
{
	static const char head[] = "key config-key password-encrypt file /etc/master\n"
				   "crypto ikev2 keyring K\n peer a\n  address 10.1.1.1\n  ";
	static const char *const lines[] = {
		"pre-shared-key hex 0x6162C3\n",
		"pre-shared-key file /etc/psk\n  pre-shared-key next 0 next\n",
		"pre-shared-key 6 QUJD\n",
		"pre-shared-key local ours\n  pre-shared-key remote 0 theirs\n",
		"pre-shared-key local a\n  pre-shared-key remote b\n  pre-shared-key both\n",
		"pre-shared-key a\n  pre-shared-key next b\n  no pre-shared-key next\n",
	};
	char text[400];

	for (unsigned i = 0; i < 6; i++) {
		const struct psk *k;
		struct parsed x;

		snprintf(text, sizeof(text), "%s%s", head, lines[i]);
		x = valid(text);
		k = &x.c->psks[0];
		assert_int_equal(k->one_way, i == 3);
		if (i == 0)
			expect_bytes(&k->key, "ab\xc3");
		if (i == 1) {
			assert_null(k->key.bytes);
			assert_string_equal(k->key.path, "/etc/psk");
			expect_bytes(&k->next, "next");
		}
		if (i == 2)
			assert_string_equal(k->key.sealed, "QUJD");
		if (i == 3) {
			expect_bytes(&k->key, "ours");
			expect_bytes(&k->theirs, "theirs");
		}
		if (i == 4) {
			expect_bytes(&k->key, "both");
			assert_false(conf_secret_is_set(&k->theirs));
		}
		if (i == 5)
			assert_false(conf_secret_is_set(&k->next));
		assert_string_equal(x.c->master.path, "/etc/master");
		conf_help_free(&x);
	}
}

/* `hostname`: of the peer that has that name in the list, before one of its address. */
static void key_by_host_name(void **state)
{
	struct parsed x = valid("crypto isakmp key a address 10.1.1.1\n"
				"crypto isakmp key n hostname Hub.example\n"
				"crypto isakmp key o hostname old.example\n"
				"no crypto isakmp key o hostname old.example\n");
	struct addr a = A("10.1.1.1"), b = A("10.2.2.2");

	expect_bytes(&conf_psk(x.c, "hub.example", &a)->key, "n");
	expect_bytes(&conf_psk(x.c, "hub.example", &b)->key, "n");
	expect_bytes(&conf_psk(x.c, "10.1.1.1", &a)->key, "a");
	assert_null(conf_psk(x.c, "10.2.2.2", &b));
	assert_null(conf_psk(x.c, "old.example", &b));
	conf_help_free(&x);
}

static void keys_most_specific_first(void **state)
{
	struct parsed x = valid("crypto isakmp key wide address 10.0.0.0 255.0.0.0\n"
				"crypto isakmp key 0 host address 10.1.1.1\n"
				"crypto isakmp key mid address 10.1.77.77 255.255.0.0\n"
				"crypto isakmp key six address ipv6 2001:db8::/32\n"
				"crypto isakmp key old address 10.7.7.7\n"
				"crypto isakmp key new address 10.7.7.7\n"
				"crypto isakmp key gone address 10.8.8.8\n"
				"no crypto isakmp key gone address 10.8.8.8\n");

	expect_key(x.c, "10.1.1.1", "host");
	expect_key(x.c, "10.1.1.2", "mid");
	expect_key(x.c, "10.2.1.2", "wide");
	expect_key(x.c, "10.7.7.7", "new");
	expect_key(x.c, "10.8.8.8", "wide");
	expect_key(x.c, "11.1.1.1", NULL);
	expect_key(x.c, "2001:db8::7", "six");
	expect_peer_prefix(x.c, "10.1.1.2", "10.1.0.0/16");
	conf_help_free(&x);
}

static void keyring_identities(void **state)
{
	struct parsed x = valid("crypto ikev2 keyring K\n"
				" peer a\n  address 10.1.1.1\n  pre-shared-key one\n"
				" peer b\n  address 10.2.2.2\n  identity fqdn hub.example\n"
				"  pre-shared-key 0 two\n"
				" peer c\n  address 2001:db8::1\n  identity address 192.168.0.9\n"
				"  pre-shared-key three\n"
				" peer d\n  address 10.4.4.4\n  identity key-id x1\n  pre-shared-key four\n"
				" peer e\n  address 10.5.5.0 255.255.255.0\n  identity email a@b.example\n"
				"  pre-shared-key five\n"
				" no peer d\n");
	static const struct {
		const char *peer, *id;
		enum ike_id_type type;
	} want[] = {
		{ "10.1.1.1", "", IKE_ID_NONE },
		{ "10.2.2.2", "hub.example", IKE_ID_FQDN },
		{ "2001:db8::1", "\xc0\xa8\0\x09", IKE_ID_IPV4_ADDR },
		{ "10.5.5.77", "a@b.example", IKE_ID_RFC822_ADDR },
	};

	for (unsigned i = 0; i < ELEMS(want); i++) {
		struct addr a = A(want[i].peer);
		const struct psk *k = conf_psk(x.c, NULL, &a);

		assert_non_null(k);
		assert_int_equal(k->identity.type, want[i].type);
		assert_memory_equal(k->identity.data, want[i].id, k->identity.len);
		if (want[i].type != IKE_ID_IPV4_ADDR)
			assert_int_equal(k->identity.len, strlen(want[i].id));
	}
	expect_key(x.c, "10.4.4.4", NULL);
	conf_help_free(&x);
}

static void maps_by_sequence(void **state)
{
	struct parsed x = valid("crypto map tohub 20\ncrypto map tohub 5\n description to the  hub \n"
				" set ikev2 connect-timeout milliseconds 250\n"
				" set security-association lifetime seconds 300\n"
				"crypto map tohub 10\n set ikev2 connect-timeout 300\n"
				"crypto map ipv6 six 65535\n set peer 2001:db8::1\n"
				"crypto map tohub local-address lo\n"
				"crypto map gone 1\nno crypto map gone\n"
				"crypto map tohub 7\nno crypto map tohub 7\n"
				"interface wan0\n crypto map tohub\n ipv6 crypto map six\n"
				"interface wan1\n crypto map tohub\n"
				"interface wan2\n crypto map tohub\nno interface wan2\n"
				"interface wan3\n crypto map tohub\n no crypto map\n");
	const struct map *m = x.c->maps[0];

	assert_int_equal(x.c->n_maps, 2);
	assert_int_equal(m->n_entries, 3);
	assert_int_equal(m->entries[0]->seq, 5);
	assert_int_equal(m->entries[1]->seq, 10);
	assert_int_equal(m->entries[2]->seq, 20);
	assert_string_equal(m->entries[0]->description, "to the  hub");
	assert_int_equal(m->entries[0]->answer_ms, 250);
	assert_int_equal(m->entries[1]->answer_ms, 300000);
	assert_int_equal(m->entries[2]->answer_ms, 0);
	assert_int_equal(m->entries[0]->lifetime_s, 300);
	assert_string_equal(m->local_address, "lo");
	assert_int_equal(m->n_interfaces, 2);
	assert_string_equal(m->interfaces[1], "wan1");
	assert_int_equal(x.c->maps[1]->family, AF_INET6);
	assert_int_equal(x.c->maps[1]->n_interfaces, 1);
	conf_help_free(&x);
}

static void lifetimes_and_pfs(void **state)
{
	struct parsed x = valid("crypto ipsec security-association lifetime kilobytes 2560\n"
				"crypto map m 1\n set pfs group19\n"
				"crypto map m 2\n set security-association lifetime kilobytes disable\n"
				"crypto map m 3\n set security-association lifetime kilobytes 4294967295\n"
				" set pfs group31\n no set pfs\n"
				"crypto map m 4\n set security-association lifetime kilobytes 3000\n"
				" no set security-association lifetime kilobytes\n");
	struct parsed off = valid("crypto ipsec security-association lifetime kilobytes disable\n");
	struct map_entry **e = x.c->maps[0]->entries;

	assert_int_equal(e[0]->pfs, DH_ECP_256);
	assert_int_equal(e[2]->pfs, DH_NONE);
	assert_int_equal(conf_entry_lifetime_kb(x.c, e[0]), 2560);
	assert_int_equal(conf_entry_lifetime_kb(x.c, e[1]), 0);
	assert_int_equal(conf_entry_lifetime_kb(x.c, e[2]), 4294967295);
	assert_int_equal(conf_entry_lifetime_kb(x.c, e[3]), 2560);
	assert_int_equal(off.c->child_lifetime_kb, 0);
	conf_help_free(&x);
	conf_help_free(&off);
}

static void reverse_routes(void **state)
{
	struct parsed x = valid("crypto map m 1\n reverse-route\n"
				"crypto map m 2\n reverse-route static\n set reverse-route distance 20\n"
				" set reverse-route gateway 10.0.0.9\n"
				"crypto map m 3\n reverse-route remote-peer 10.0.0.8 gateway static\n"
				"crypto map m 4\n reverse-route remote-peer 10.0.0.8\n no reverse-route\n"
				"crypto map m 5\n set reverse-route gateway 10.0.0.9\n"
				" no set reverse-route gateway\n");
	struct map_entry **e = x.c->maps[0]->entries;
	char via[ADDR_STRLEN], *text;

	assert_int_equal(e[0]->rri.mode, RRI_PLAIN);
	assert_false(addr_is_set(&e[0]->rri.via));
	assert_int_equal(e[1]->rri.mode, RRI_STATIC);
	assert_int_equal(e[1]->rri.distance, 20);
	assert_string_equal(addr_print(&e[1]->rri.via, via, sizeof(via)), "10.0.0.9");
	assert_false(e[1]->rri.to_peer);
	assert_int_equal(e[2]->rri.mode, RRI_STATIC);
	assert_true(e[2]->rri.to_peer);
	assert_string_equal(addr_print(&e[2]->rri.via, via, sizeof(via)), "10.0.0.8");
	assert_int_equal(e[3]->rri.mode, RRI_NONE);
	assert_false(addr_is_set(&e[3]->rri.via));
	assert_false(addr_is_set(&e[4]->rri.via));
	text = conf_help_print(x.c);
	assert_non_null(strstr(text, " reverse-route remote-peer 10.0.0.8 gateway static\n"));
	free(text);
	conf_help_free(&x);
}

/* The entry's own, else the global one, else what IOS does. */
static void outer_headers(void **state)
{
	static const char maps[] = "crypto map m 1\n set security-association dfbit copy\n"
				   " set security-association ecn discard\n"
				   "crypto map m 2\n set security-association dfbit clear\n"
				   " set security-association ecn propagate\n"
				   "crypto map m 3\n set security-association level per-host\n"
				   " set security-association lifetime days 1\n";
	struct parsed x = valid(maps), global;
	struct map_entry **e = x.c->maps[0]->entries;
	char text[512];

	assert_int_equal(conf_entry_df(x.c, e[0]), DF_COPY);
	assert_int_equal(conf_entry_df(x.c, e[1]), DF_CLEAR);
	assert_int_equal(conf_entry_df(x.c, e[2]), DF_COPY);
	assert_int_equal(conf_entry_ecn(x.c, e[1]), ECN_PROPAGATE);
	assert_int_equal(conf_entry_ecn(x.c, e[2]), ECN_DISCARD);
	assert_true(e[2]->per_host && !e[0]->per_host);
	assert_int_equal(e[2]->lifetime_s, 86400);
	snprintf(text, sizeof(text),
		 "crypto ipsec df-bit clear\ncrypto ipsec security-association ecn propagate\n%s",
		 maps);
	global = valid(text);
	e = global.c->maps[0]->entries;
	assert_int_equal(conf_entry_df(global.c, e[0]), DF_COPY);
	assert_int_equal(conf_entry_df(global.c, e[2]), DF_CLEAR);
	assert_int_equal(conf_entry_ecn(global.c, e[0]), ECN_DISCARD);
	assert_int_equal(conf_entry_ecn(global.c, e[2]), ECN_PROPAGATE);
	conf_help_free(&global);
	conf_help_free(&x);
}

static void expect_replay(const struct parsed *x, unsigned i, uint32_t window, bool off)
{
	struct replay r = conf_entry_replay(x->c, x->c->maps[0]->entries[i]);

	assert_int_equal(r.window, window);
	assert_int_equal(r.off, off);
}

/* The entry's own, else the global one, else 64. */
static void replay_windows(void **state)
{
	static const char maps[] =
		"crypto map m 1\n set security-association replay window-size 1024\n"
		"crypto map m 2\n set security-association replay disable\n"
		"crypto map m 3\n set security-association replay disable\n"
		" no set security-association replay\n";
	struct parsed x = valid(maps);
	char text[512];
	struct parsed global;

	snprintf(text, sizeof(text),
		 "crypto ipsec security-association replay window-size 512\n%s", maps);
	global = valid(text);
	expect_replay(&x, 0, 1024, false);
	expect_replay(&x, 1, 0, true);
	expect_replay(&x, 2, 64, false);
	expect_replay(&global, 0, 1024, false);
	expect_replay(&global, 1, 0, true);
	expect_replay(&global, 2, 512, false);
	conf_help_free(&global);
	global = valid("crypto ipsec security-association replay disable\ncrypto map m 1\n"
		       "crypto map m 2\n set security-association replay window-size 128\n");
	expect_replay(&global, 0, 0, true);
	expect_replay(&global, 1, 128, false);
	conf_help_free(&global);
	conf_help_free(&x);
}

static void defaults(void **state)
{
	struct parsed x = valid("");

	assert_int_equal(x.c->child_lifetime_s, 3600);
	assert_int_equal(x.c->child_lifetime_kb, 4608000);
	assert_int_equal(x.c->idle_ms, 0);
	assert_int_equal(x.c->n_maps, 0);
	conf_help_free(&x);
}

static void incomplete_says_why(void **state)
{
	struct parsed x = valid("access-list 101 permit ip host 10.0.0.1 any\n"
				"crypto ipsec transform-set T esp-gcm\n"
				"crypto isakmp key k address 10.1.1.1\n"
				"crypto map tohub 1\n match address 101\n"
				"crypto map tohub 2\n match address 101\n set peer 10.1.1.1\n"
				"crypto map tohub 3\n match address 101\n set peer 10.9.9.9\n"
				" set transform-set T\n"
				"crypto map tohub 4\n match address 101\n set peer 10.9.9.9\n"
				" set peer 10.1.1.1\n set transform-set T\n");

	assert_string_equal(conf_entry_incomplete(x.c, entry(&x, 1)), "it has no peer");
	assert_string_equal(conf_entry_incomplete(x.c, entry(&x, 2)), "it has no transform set");
	assert_string_equal(conf_entry_incomplete(x.c, entry(&x, 3)),
			    "none of its peers has a pre-shared key");
	assert_null(conf_entry_incomplete(x.c, entry(&x, 4)));
	conf_help_free(&x);
}

#define ROWS(rows, fn)                                                             \
	for (size_t i = 0; i < ELEMS(rows); i++)                                   \
	tests[n++] = (struct CMUnitTest){ .name = (rows)[i].desc, .test_func = fn, \
					  .initial_state = (void *)&(rows)[i] }

int main(void)
{
	static const struct CMUnitTest fixed[] = {
		cmocka_unit_test(founding_example_1),
		cmocka_unit_test(founding_example_2),
		cmocka_unit_test(founding_procedure),
		cmocka_unit_test(names_are_printed_as_they_hold),
		cmocka_unit_test(not_added_is_not_printed),
		cmocka_unit_test(ports_of_ipv6),
		cmocka_unit_test(transform_sets),
		cmocka_unit_test(ikev2_policies),
		cmocka_unit_test(keys_most_specific_first), cmocka_unit_test(forms_of_keys),
		cmocka_unit_test(policy_by_local_address),
		cmocka_unit_test(key_by_host_name),
		cmocka_unit_test(keyring_identities),
		cmocka_unit_test(maps_by_sequence),
		cmocka_unit_test(lifetimes_and_pfs),
		cmocka_unit_test(replay_windows),
		cmocka_unit_test(reverse_routes),
		cmocka_unit_test(outer_headers),
		cmocka_unit_test(defaults),
		cmocka_unit_test(incomplete_says_why),
	};
	struct CMUnitTest tests[ELEMS(fixed) + ELEMS(peers_rows) + ELEMS(idle_rows) +
				ELEMS(dpd_rows) + ELEMS(frag_rows) + ELEMS(acl_rows) +
				ELEMS(port_rows)];
	size_t n = 0;

	for (; n < ELEMS(fixed); n++)
		tests[n] = fixed[n];
	ROWS(peers_rows, one_peers_row);
	ROWS(idle_rows, one_idle_row);
	ROWS(dpd_rows, one_dpd_row);
	ROWS(frag_rows, one_frag_row);
	ROWS(acl_rows, one_acl_row);
	ROWS(port_rows, one_port_row);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
