/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rulesets of nftables do with a packet, as `nft -j list ruleset` of 1.0.6 prints them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "prefpeer/nft_eval.h"

#define RULE(family, table, chain, expr)                                                       \
	"{\"rule\":{\"family\":\"" family "\",\"table\":\"" table "\",\"chain\":\"" chain         \
	"\",\"handle\":7,\"expr\":[" expr "]}}"
#define BASE(family, table, name, type, policy)                                                \
	"{\"chain\":{\"family\":\"" family "\",\"table\":\"" table "\",\"name\":\"" name          \
	"\",\"type\":\"" type "\",\"hook\":\"" name "\",\"prio\":0,\"policy\":\"" policy "\"}}"
#define NAT BASE("ip", "nat", "postrouting", "nat", "accept")
#define INPUT BASE("inet", "filter", "input", "filter", "drop")
#define N(expr) RULE("ip", "nat", "postrouting", expr)
#define I(expr) RULE("inet", "filter", "input", expr)
#define MATCH(op, left, right) "{\"match\":{\"op\":\"" op "\",\"left\":" left ",\"right\":" right "}}"
#define META(key) "{\"meta\":{\"key\":\"" key "\"}}"
#define PAYLOAD(proto, field) "{\"payload\":{\"protocol\":\"" proto "\",\"field\":\"" field "\"}}"
#define PREFIX(addr, len) "{\"prefix\":{\"addr\":\"" addr "\",\"len\":" len "}}"
#define RT_IPSEC "{\"rt\":{\"key\":\"ipsec\"}}"
#define MASQ "{\"masquerade\":null}"
#define ACCEPT "{\"accept\":null}"
#define WAN MATCH("==", META("oifname"), "\"wan0\"")

static const struct {
	const char *type, *hook, *list;
	enum nft_verdict verdict;
	bool certain;
} rows[] = {
	/* NAT of 192.168.1.0/24 → 192.168.2.0/24 by wan0, which a policy takes */
	{ "nat", "postrouting", "", NFT_PASS, true },
	{ "nat", "postrouting", NAT, NFT_PASS, true },
	{ "nat", "postrouting", NAT "," N(MASQ), NFT_NAT, true },
	{ "nat", "postrouting", NAT "," N(WAN "," MASQ), NFT_NAT, true },
	{ "nat", "postrouting", NAT "," N(MATCH("==", META("oifname"), "\"eth7\"") "," MASQ), NFT_PASS, true },
	{ "nat", "postrouting", NAT "," N(MATCH("==", META("oifname"), "{\"set\":[\"eth7\",\"wan*\"]}") "," MASQ), NFT_NAT, true },
	{ "nat", "postrouting", NAT "," N(MATCH("==", RT_IPSEC, "true") "," ACCEPT) "," N(MASQ), NFT_PASS, true },
	{ "nat", "postrouting", NAT "," N(MASQ) "," N(MATCH("==", RT_IPSEC, "true") "," ACCEPT), NFT_NAT, true },
	{ "nat", "postrouting", NAT "," N(MATCH("==", RT_IPSEC, "false") "," MASQ), NFT_PASS, true },
	{ "nat", "postrouting", NAT "," N(MATCH("==", PAYLOAD("ip", "daddr"), PREFIX("192.168.0.0", "16")) ",{\"return\":null}") "," N(MASQ), NFT_PASS, true },
	{ "nat", "postrouting", NAT "," N(MATCH("!=", PAYLOAD("ip", "daddr"), PREFIX("192.168.2.0", "24")) "," MASQ), NFT_PASS, true },
	{ "nat", "postrouting", NAT "," N(MATCH("==", PAYLOAD("ip", "saddr"), PREFIX("10.0.0.0", "8")) ",{\"snat\":{\"addr\":\"10.0.0.2\"}}"), NFT_PASS, true },
	{ "nat", "postrouting", NAT "," N(MATCH("==", PAYLOAD("ip", "saddr"), PREFIX("192.168.1.0", "24")) ",{\"counter\":{}},{\"snat\":{\"addr\":\"10.0.0.2\"}}"), NFT_NAT, true },
	/* a part of what is to be protected */
	{ "nat", "postrouting", NAT "," N(MATCH("==", PAYLOAD("ip", "saddr"), "\"192.168.1.9\"") "," MASQ), NFT_PASS, false },
	/* what is not understood, before and instead */
	{ "nat", "postrouting", NAT "," N(MATCH("==", META("mark"), "5") "," MASQ), NFT_PASS, false },
	{ "nat", "postrouting", NAT "," N("{\"xt\":null}"), NFT_PASS, false },
	{ "nat", "postrouting", NAT "," N(MATCH("==", META("mark"), "5") "," ACCEPT) "," N(MASQ), NFT_NAT, false },
	/* a chain that is jumped to, one of another family, one by goto */
	{ "nat", "postrouting", NAT "," N("{\"jump\":{\"target\":\"wan\"}}") "," RULE("ip", "nat", "wan", MASQ), NFT_NAT, true },
	{ "nat", "postrouting", NAT "," N("{\"goto\":{\"target\":\"wan\"}}") "," N(MASQ) "," RULE("ip", "nat", "wan", "{\"counter\":{}}"), NFT_PASS, true },
	{ "nat", "postrouting", BASE("ip6", "nat", "postrouting", "nat", "accept") "," RULE("ip6", "nat", "postrouting", MASQ), NFT_PASS, true },
	{ "nat", "postrouting", NAT "," N("{\"jump\":{\"target\":\"loop\"}}") "," RULE("ip", "nat", "loop", "{\"jump\":{\"target\":\"loop\"}}"), NFT_PASS, true },
	/* UDP 500 comes in by wan0, and nobody knows it yet */
	{ "filter", "input", INPUT, NFT_DROP, true },
	{ "filter", "input", BASE("inet", "filter", "input", "filter", "accept"), NFT_PASS, true },
	{ "filter", "input", INPUT "," I(MATCH("in", "{\"ct\":{\"key\":\"state\"}}", "[\"established\",\"related\"]") "," ACCEPT), NFT_DROP, true },
	{ "filter", "input", INPUT "," I(MATCH("==", PAYLOAD("udp", "dport"), "{\"set\":[500,4500]}") "," ACCEPT), NFT_PASS, true },
	{ "filter", "input", INPUT "," I(MATCH("==", PAYLOAD("udp", "dport"), "{\"range\":[400,499]}") "," ACCEPT), NFT_DROP, true },
	{ "filter", "input", INPUT "," I(MATCH("==", PAYLOAD("tcp", "dport"), "500") "," ACCEPT), NFT_DROP, true },
	{ "filter", "input", INPUT "," I(MATCH("==", PAYLOAD("th", "dport"), "500") "," ACCEPT), NFT_PASS, true },
	{ "filter", "input", INPUT "," I(MATCH("==", META("l4proto"), "{\"set\":[\"esp\",\"udp\"]}") "," ACCEPT), NFT_PASS, true },
	{ "filter", "input", INPUT "," I(MATCH("==", META("iif"), "\"lo\"") "," ACCEPT), NFT_DROP, true },
	{ "filter", "input", INPUT "," I(MATCH("==", PAYLOAD("ip", "saddr"), "\"@vpn\"") "," ACCEPT), NFT_DROP, false },
	{ "filter", "input", INPUT ",{\"set\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"ports\",\"elem\":[4500,{\"elem\":{\"val\":500}}]}},"
	  I(MATCH("==", PAYLOAD("udp", "dport"), "\"@ports\"") "," ACCEPT), NFT_PASS, true },
	{ "filter", "input", INPUT "," I("{\"vmap\":{\"key\":{\"ct\":{\"key\":\"state\"}},\"data\":{\"set\":[[\"new\",{\"accept\":null}]]}}}"), NFT_PASS, true },
	{ "filter", "input", INPUT "," I(MATCH("==", PAYLOAD("udp", "dport"), "500") "," ACCEPT) ","
	  BASE("ip", "second", "input", "filter", "drop"), NFT_DROP, true },
	{ "filter", "input", BASE("inet", "filter", "input", "filter", "accept") "," I("{\"reject\":{}}"), NFT_DROP, true },
};

static void asked(void **state)
{
	struct nft_packet out = { .oif = "wan0", .to_ipsec = true };
	const struct nft_packet in = { .iif = "wan0", .proto = IPPROTO_UDP, .port = 500 };

	assert_int_equal(prefix_parse("192.168.1.0/24", &out.src), 0);
	assert_int_equal(prefix_parse("192.168.2.0/24", &out.dst), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[4096];
		json_error_t e;
		struct nft_result r;
		json_t *ruleset;

		snprintf(text, sizeof(text), "{\"nftables\":[{\"metainfo\":{}}%s%s]}",
			 *rows[i].list ? "," : "", rows[i].list);
		ruleset = json_loads(text, 0, &e);
		if (!ruleset)
			fail_msg("row %zu: %s: %s", i, e.text, text);
		r = nft_ask(ruleset, rows[i].type, rows[i].hook, strcmp(rows[i].type, "nat") ? &in : &out);
		if (r.verdict != rows[i].verdict || r.certain != rows[i].certain)
			fail_msg("row %zu: verdict %d%s: %s", i, r.verdict, r.certain ? "" : ", not certain", text);
		json_decref(ruleset);
	}
}

static void named(void **state)
{
	json_t *ruleset = json_loads("{\"nftables\":[" NAT "," N(MASQ) "," INPUT "]}", 0, NULL);
	const struct nft_packet p = { .oif = "wan0" };
	struct nft_result r = nft_ask(ruleset, "nat", "postrouting", &p);
	char buf[200];

	assert_string_equal(nft_place(&r, buf, sizeof(buf)), "ip nat postrouting, handle 7");
	r = nft_ask(ruleset, "filter", "input", &p);
	assert_string_equal(nft_place(&r, buf, sizeof(buf)), "the policy of inet filter input");
	json_decref(ruleset);
}

static void clamped(void **state)
{
	json_t *with = json_loads("{\"nftables\":[" RULE("inet", "f", "forward",
		"{\"mangle\":{\"key\":{\"tcp option\":{\"name\":\"maxseg\",\"field\":\"size\"}},\"value\":1360}}") "]}", 0, NULL);
	json_t *without = json_loads("{\"nftables\":[" RULE("inet", "f", "forward",
		"{\"mangle\":{\"key\":{\"meta\":{\"key\":\"mark\"}},\"value\":1}}") "]}", 0, NULL);

	assert_true(nft_clamps_mss(with));
	assert_false(nft_clamps_mss(without));
	json_decref(with);
	json_decref(without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked),
		cmocka_unit_test(named),
		cmocka_unit_test(clamped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
