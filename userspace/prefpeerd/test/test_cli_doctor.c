/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `prefpeer doctor`: facts → findings. Each fault is made, and then is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "prefpeer/doctor.h"

static struct doctor_facts f;

/* A branch in good health. */
static void healthy(void)
{
	doctor_forget(&f);
	f = (struct doctor_facts){
		.agent = true,
		.module = true,
		.told = true,
		.n_lines = 1,
		.n_ifaces = 2,
		.lowest_priority = 0x50500000,
		.forward4 = 1,
		.policies_read = true,
		.clock_read = true,
		.clock_synced = true,
		.year = 2026,
		.conf_mode = 0640,
		.conf_path = "/etc/prefpeer/prefpeer.conf",
		.n_sockets = 2,
		.sockets = { { 500, "prefpeerd" }, { 4500, "prefpeerd" } },
		.ifaces = { { .name = "wan0", .carries = true }, { .name = "lan0" } },
		.lines = { { .name = "tohub 1 line 1" } },
	};
	prefix_parse("192.168.1.0/24", &f.lines[0].src);
	prefix_parse("192.168.2.0/24", &f.lines[0].dst);
	f.ruleset = json_loads(
		"{\"nftables\":[{\"rule\":{\"family\":\"inet\",\"table\":\"m\",\"chain\":\"forward\",\"expr\":"
		"[{\"mangle\":{\"key\":{\"tcp option\":{\"name\":\"maxseg\"}},\"value\":1}}]}}]}",
		0, NULL);
}

static void ruleset(const char *text)
{
	json_decref(f.ruleset);
	f.ruleset = json_loads(text, 0, NULL);
	assert_non_null(f.ruleset);
}

static void no_agent(void)
{
	f.agent = false;
}
static void no_module(void)
{
	f.module = false;
}
static void old_module(void)
{
	strcpy(f.module_version, "0.0.1");
}
static void unused_module(void)
{
	f.told = false;
}
static void no_file(void)
{
	f.conf_errno = ENOENT;
}
static void errors(void)
{
	f.conf_status = 1;
	strcpy(f.conf_said, "3:20: error: default");
}
static void open_file(void)
{
	f.conf_mode = 0644;
}
static void not_checked(void)
{
	f.conf_status = -1;
}
static void charon(void)
{
	strcpy(f.sockets[1].program, "charon");
}
static void elsewhere(void)
{
	f.n_sockets = 0;
}
static void no_forward(void)
{
	f.forward4 = 0;
}

static void no_forward6(void)
{
	prefix_parse("fd00:1::/64", &f.lines[0].src);
	prefix_parse("fd00:2::/64", &f.lines[0].dst);
	f.forward6 = 0;
}

static void strict_two_wans(void)
{
	f.rp_all = 1;
	f.ifaces[1].carries = true;
}

static void strict_one_wan(void)
{
	f.rp_all = 1;
}
static void loose_two_wans(void)
{
	f.rp_all = 1;
	f.ifaces[0].rp_filter = f.ifaces[1].rp_filter = 2;
	f.ifaces[1].carries = true;
}
static void xfrm_off(void)
{
	f.ifaces[0].disable_xfrm = 1;
}
static void xfrm_off_lan(void)
{
	f.ifaces[1].disable_xfrm = 1;
}
static void xfrm_off_all(void)
{
	f.xfrm_all = 1;
}
static void policy_off(void)
{
	f.ifaces[1].disable_policy = 1;
}
static void never_set(void)
{
	f.year = 1970;
}
static void drifts(void)
{
	f.clock_synced = false;
}

static void foreign(void)
{
	f.n_policies = 1;
	f.policies[0] = (struct doctor_policy){ .out = true, .priority = 375423, .reqid = 1 };
	f.policies[0].sel.src = f.lines[0].src;
	f.policies[0].sel.dst = f.lines[0].dst;
}

static void foreign_inward(void)
{
	foreign();
	f.policies[0].out = false;
	f.policies[0].sel.src = f.lines[0].dst;
	f.policies[0].sel.dst = f.lines[0].src;
}

static void foreign_behind(void)
{
	foreign();
	f.policies[0].priority = 0x50600000;
}

static void foreign_aside(void)
{
	foreign();
	prefix_parse("172.16.0.0/12", &f.policies[0].sel.dst);
}

static void blind_policies(void)
{
	f.policies_read = false;
}

#define CHAIN(type, hook, policy)                                                                  \
	"{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"" hook "\",\"type\":\"" type   \
	"\",\"hook\":\"" hook "\",\"prio\":0,\"policy\":\"" policy "\"}}"
#define RULE(chain, expr)                                                                          \
	",{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"" chain                       \
	"\",\"handle\":9,\"expr\":[" expr "]}}"
#define MASQ "{\"masquerade\":null}"
#define ESTABLISHED                                                                                      \
	"{\"match\":{\"op\":\"in\",\"left\":{\"ct\":{\"key\":\"state\"}},\"right\":[\"established\"]}}," \
	"{\"accept\":null}"
#define MARKED "{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"mark\"}},\"right\":5}},"

static void masquerades(void)
{
	ruleset("{\"nftables\":[" CHAIN("nat", "postrouting", "accept")
			RULE("postrouting", MASQ) "]}");
}
static void may_masquerade(void)
{
	ruleset("{\"nftables\":[" CHAIN("nat", "postrouting", "accept")
			RULE("postrouting", MARKED MASQ) "]}");
}
static void closed(void)
{
	ruleset("{\"nftables\":[" CHAIN("filter", "input", "drop") "]}");
}
static void answers_only(void)
{
	ruleset("{\"nftables\":[" CHAIN("filter", "input", "drop") RULE("input", ESTABLISHED) "]}");
}
static void not_through(void)
{
	ruleset("{\"nftables\":[" CHAIN("filter", "forward", "drop") "]}");
}
static void no_nft(void)
{
	doctor_forget(&f);
	strcpy(f.nft_error, "nft cannot be run");
}

static const struct {
	doctor_judge judge;
	void (*make)(void);
	enum doctor_level level;
	const char *check, *text, *cure;
} rows[] = {
	{ doctor_agent, no_agent, DOCTOR_FAIL, "agent", "does not answer", "systemctl" },
	{ doctor_module, no_module, DOCTOR_WARN, "module", "not loaded", "modprobe" },
	{ doctor_module, old_module, DOCTOR_WARN, "module", "version 0.0.1", "modules_install" },
	{ doctor_module, unused_module, DOCTOR_WARN, "module", "does not use it", "log" },
	{ doctor_config, no_file, DOCTOR_FAIL, "config", "No such file", "prefpeer.conf(5)" },
	{ doctor_config, errors, DOCTOR_FAIL, "config", "3:20: error: default", "prefpeerd -t" },
	{ doctor_config, open_file, DOCTOR_FAIL, "config", "mode 0644", "chmod 0640" },
	{ doctor_config, not_checked, DOCTOR_WARN, "config", "could not be run", "install" },
	{ doctor_ports, charon, DOCTOR_FAIL, "ike-ports", "charon holds UDP port 4500", "stop it" },
	{ doctor_ports, elsewhere, DOCTOR_WARN, "ike-ports", "not both", "-n NETNS" },
	{ doctor_forwarding, no_forward, DOCTOR_FAIL, "forwarding", "net.ipv4.ip_forward is 0",
	  "sysctl -w net.ipv4.ip_forward=1" },
	{ doctor_forwarding, no_forward6, DOCTOR_FAIL, "forwarding", "net.ipv6.conf.all.forwarding",
	  "sysctl" },
	{ doctor_rp_filter, strict_two_wans, DOCTOR_WARN, "rp_filter", "strict on wan0",
	  "wan0.rp_filter=2" },
	{ doctor_rp_filter, strict_one_wan, DOCTOR_OK, "rp_filter", "", "" },
	{ doctor_rp_filter, loose_two_wans, DOCTOR_OK, "rp_filter", "", "" },
	{ doctor_no_xfrm, xfrm_off, DOCTOR_FAIL, "disable_xfrm", "on wan0",
	  "conf.wan0.disable_xfrm=0" },
	{ doctor_no_xfrm, xfrm_off_lan, DOCTOR_OK, "disable_xfrm", "", "" },
	{ doctor_no_xfrm, xfrm_off_all, DOCTOR_FAIL, "disable_xfrm", "on all",
	  "conf.all.disable_xfrm=0" },
	{ doctor_no_policy, policy_off, DOCTOR_FAIL, "disable_policy", "on lan0",
	  "conf.lan0.disable_policy=0" },
	{ doctor_clock, never_set, DOCTOR_FAIL, "clock", "1970", "chrony" },
	{ doctor_clock, drifts, DOCTOR_WARN, "clock", "nothing keeps", "chrony" },
	{ doctor_policies, foreign, DOCTOR_FAIL, "policies",
	  "priority 375423, reqid 1), is about packets of tohub 1 line 1, and takes them first",
	  "swanctl" },
	{ doctor_policies, foreign_inward, DOCTOR_FAIL, "policies", "takes them first", "swanctl" },
	{ doctor_policies, foreign_behind, DOCTOR_WARN, "policies", "tohub 1 line 1", "swanctl" },
	{ doctor_policies, foreign_aside, DOCTOR_OK, "policies", "1 policies of others", "" },
	{ doctor_policies, blind_policies, DOCTOR_WARN, "policies", "may not be read", "root" },
	{ doctor_nat, masquerades, DOCTOR_FAIL, "nat",
	  "inet t postrouting, handle 9): they match no policy then, and leave in clear",
	  "nft insert rule inet t postrouting rt ipsec exists accept" },
	{ doctor_nat, may_masquerade, DOCTOR_WARN, "nat", "may be translated",
	  "rt ipsec exists accept" },
	{ doctor_input, closed, DOCTOR_FAIL, "input",
	  "UDP 500 (IKE) is dropped (the policy of inet t input)",
	  "nft insert rule inet t input udp dport { 500,4500 } accept" },
	{ doctor_input, answers_only, DOCTOR_WARN, "input", "only as an answer", "udp dport" },
	{ doctor_forward, not_through, DOCTOR_FAIL, "forward",
	  "packets of tohub 1 line 1 are dropped",
	  "nft insert rule inet t forward rt ipsec exists accept" },
	{ doctor_mss, closed, DOCTOR_WARN, "mss", "not clamped",
	  "oifname \"wan0\" tcp flags syn tcp option maxseg size set rt mtu" },
	{ doctor_nat, no_nft, DOCTOR_WARN, "nat", "cannot be read: nft cannot be run",
	  "nft installed" },
	{ doctor_input, no_nft, DOCTOR_WARN, "input", "cannot be read", "nft installed" },
	{ doctor_forward, no_nft, DOCTOR_WARN, "forward", "cannot be read", "nft installed" },
	{ doctor_mss, no_nft, DOCTOR_WARN, "mss", "cannot be read", "nft installed" },
};

static void each_fault(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct doctor_finding d;

		healthy();
		rows[i].make();
		rows[i].judge(&f, &d);
		if (d.level != rows[i].level || strcmp(d.check, rows[i].check) ||
		    !strstr(d.text, rows[i].text) || !strstr(d.cure, rows[i].cure))
			fail_msg("row %zu: %s %s: %s → %s", i, d.check, doctor_level_name(d.level),
				 d.text, d.cure);
		assert_int_equal(d.level != DOCTOR_OK, *d.cure != 0);
	}
}

/* Without a fault no judge finds one; and each has a row above. */
static void health(void **state)
{
	for (const doctor_judge *judge = doctor_judges; *judge; judge++) {
		struct doctor_finding d;
		bool has_row = false;

		healthy();
		(*judge)(&f, &d);
		if (d.level != DOCTOR_OK || *d.cure)
			fail_msg("%s %s: %s", d.check, doctor_level_name(d.level), d.text);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			has_row |= rows[i].judge == *judge && rows[i].level != DOCTOR_OK;
		if (!has_row)
			fail_msg("no fault of %s", d.check);
	}
}

static int forget(void **state)
{
	doctor_forget(&f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_fault, forget),
		cmocka_unit_test_teardown(health, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
