// SPDX-License-Identifier: GPL-2.0-or-later
/* show crypto map [interface IF | tag NAME]: semantics.md §6.1. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/crypto.h"
#include "prefpeer/facts.h"

/* ---- what it lacks ------------------------------------------------------- */

static bool permits(const json_t *acl)
{
	const json_t *l;
	size_t i;

	json_array_foreach(fact_get(acl, "lines"), i, l)
		if (!strncmp(json_string_value(l), "permit", 6))
			return true;
	return false;
}

/* IOS's words where IOS has the case; a map that only stands nowhere is not incomplete. */
static void print_warning(const json_t *m, const json_t *conf)
{
	bool listed = json_array_size(fact_get(m, "peers")) && permits(fact_get(conf, "acl"));

	if (fact_has(conf, "dynamic_map") || !fact_has(m, "incomplete"))
		return;
	if (listed && !json_array_size(fact_get(conf, "interfaces")))
		return;
	printf("\tWARNING: This crypto map is in an incomplete state!\n");
	if (listed)
		printf("\t\t(%s)\n", fact_str(m, "incomplete"));
	else
		printf("\t\t(missing peer or access-list definitions)\n");
}

/* ---- peers --------------------------------------------------------------- */

static void print_peers(const json_t *m)
{
	const json_t *p;
	size_t i;

	json_array_foreach(fact_get(m, "peers"), i, p)
		printf("\tPeer = %s\n", fact_str(p, "peer"));
}

/* Ours: behind what parsers read of the peers. */
static void print_about_peers(const json_t *m)
{
	const json_t *p;
	uint64_t ttl;
	size_t i;

	json_array_foreach(fact_get(m, "peers"), i, p) {
		const char *peer = fact_str(p, "peer"), *address = fact_str(p, "address");

		if (fact_is(p, "default"))
			printf("\tDefault peer: %s\n", peer);
		if (strcmp(peer, address)) {
			printf("\tResolved peer: %s = %s", peer, *address ? address : "(not yet)");
			if (fact_is(p, "dynamic"))
				printf(", dynamic");
			if (fact_num(p, "ttl_ms", &ttl))
				printf(", valid for %llu seconds", (unsigned long long)ttl / 1000);
			if (fact_has(p, "dnssec"))
				printf(", DNSSEC %s", fact_str(p, "dnssec"));
			putchar('\n');
		}
	}
}

static void print_current(const json_t *m, const json_t *conf)
{
	if (!json_array_size(fact_get(conf, "interfaces")) || !*fact_str(m, "peer"))
		return;
	printf("\tCurrent peer: %s\n", fact_str(m, "peer"));
	if (*fact_str(m, "next") && strcmp(fact_str(m, "next"), fact_str(m, "peer")))
		printf("\tNext attempt: %s\n", fact_str(m, "next"));
}

/* ---- access list --------------------------------------------------------- */

static void print_lines(const json_t *acl)
{
	const json_t *l;
	size_t i;

	json_array_foreach(fact_get(acl, "lines"), i, l)
		printf("\t    access-list %s %s\n", fact_str(acl, "name"), json_string_value(l));
}

/* A branch has what it claimed, in place of a list of ours. */
static void print_claimed(const json_t *m, const json_t *conf)
{
	const json_t *l;
	size_t i;

	printf("\tExtended IP access list\n");
	json_array_foreach(fact_get(m, "lines"), i, l)
		printf("\t    access-list %s\n", fact_str(l, "text"));
	printf("\t    dynamic (created from dynamic map %s)\n", fact_str(conf, "origin"));
}

static void print_list(const json_t *acl)
{
	if (!json_is_object(acl)) {
		printf("\tNo matching address list set.\n");
		return;
	}
	printf("\t%s access list %s\n",
	       strcmp(fact_str(acl, "family"), "ipv6") ? "Extended IP" : "IPv6",
	       fact_str(acl, "name"));
	print_lines(acl);
}

static void print_acl(const json_t *m, const json_t *conf)
{
	printf("\tAccess-List SS dynamic: False\n");
	if (fact_has(conf, "origin"))
		print_claimed(m, conf);
	else
		print_list(fact_get(conf, "acl"));
}

/* ---- timers and algorithms ------------------------------------------------ */

/* Of the entry alone, as IOS; milliseconds are ours. */
static void print_idle(const json_t *idle)
{
	uint64_t ms = fact_u64(idle, "ms");

	if (!ms)
		return;
	if (ms % 1000)
		printf("\tSecurity association idletime: %llu milliseconds\n",
		       (unsigned long long)ms);
	else
		printf("\tSecurity association idletime: %llu seconds\n",
		       (unsigned long long)ms / 1000);
	if (fact_is(idle, "home"))
		printf("\tIdle action: reset to default peer\n");
}

static void print_pfs(const json_t *conf)
{
	printf("\tPFS (Y/N): %c\n", fact_has(conf, "pfs") ? 'Y' : 'N');
	if (fact_has(conf, "pfs"))
		printf("\tDH group:  %s\n", fact_str(conf, "pfs"));
}

static void print_sets(const json_t *conf)
{
	const json_t *s;
	size_t i;

	printf("\tMixed-mode : Disabled\n\tTransform sets={\n");
	json_array_foreach(fact_get(conf, "transform_sets"), i, s)
		printf("\t\t%s:  { %s  } ,\n", fact_str(s, "name"), fact_str(s, "transforms"));
	printf("\t}\n");
}

/* ---- the entry ------------------------------------------------------------ */

static void print_head(const json_t *m, const json_t *conf)
{
	printf("Crypto Map %s \"%s\" %llu %s\n",
	       strcmp(fact_str(conf, "family"), "ipv6") ? "IPv4" : "IPv6", fact_str(m, "map"),
	       (unsigned long long)fact_u64(m, "seq"), fact_str(conf, "kind"));
	if (*fact_str(conf, "description"))
		printf("\tDescription: %s\n", fact_str(conf, "description"));
}

static void print_entry(const json_t *m)
{
	const json_t *conf = fact_get(m, "config");

	print_head(m, conf);
	print_warning(m, conf);
	if (fact_has(conf, "dynamic_map")) {
		printf("\tDynamic map template tag: %s\n", fact_str(conf, "dynamic_map"));
		return;
	}
	print_peers(m);
	if (fact_has(conf, "profile"))
		printf("\tIKEv2 Profile: %s\n", fact_str(conf, "profile"));
	print_acl(m, conf);
	print_current(m, conf);
	print_about_peers(m);
	if (strcmp(fact_str(conf, "kind"), "ipsec-manual"))
		crypto_lifetime_out("\tSecurity association lifetime: ",
				    fact_get(conf, "lifetime"), "kilobytes", "seconds");
	print_idle(fact_get(conf, "idle_time"));
	printf("\tDualstack (Y/N): N\n\n\tResponder-Only (Y/N): N\n");
	print_pfs(conf);
	print_sets(conf);
}

/* Behind the last entry of each map. */
static void print_interfaces(const json_t *m)
{
	const json_t *conf = fact_get(m, "config"), *name;
	size_t i;

	if (fact_has(conf, "local_address"))
		printf("\tLocal address: of interface %s\n", fact_str(conf, "local_address"));
	printf("\tInterfaces using crypto map %s:\n", fact_str(m, "map"));
	json_array_foreach(fact_get(conf, "interfaces"), i, name)
		printf("\t\t%s\n", json_string_value(name));
	putchar('\n');
}

void text_crypto_map(const json_t *maps, const char *interface, const char *tag)
{
	const json_t *m, *last = NULL;
	size_t i;

	json_array_foreach(maps, i, m) {
		if (!crypto_map_chosen(m, interface, tag))
			continue;
		if (last && strcmp(fact_str(last, "map"), fact_str(m, "map")))
			print_interfaces(last);
		print_entry(m);
		last = m;
	}
	if (last)
		print_interfaces(last);
	else
		printf("No crypto maps found.\n");
}

/* ---- templates -------------------------------------------------------------- */

static void print_template(const json_t *m)
{
	const json_t *conf = fact_get(m, "config");

	printf("Crypto Map Template\"%s\" %llu\n", fact_str(m, "map"),
	       (unsigned long long)fact_u64(m, "seq"));
	if (*fact_str(conf, "description"))
		printf("\tDescription: %s\n", fact_str(conf, "description"));
	if (fact_has(conf, "profile"))
		printf("\tIKEv2 Profile: %s\n", fact_str(conf, "profile"));
	print_list(fact_get(conf, "acl"));
	crypto_lifetime_out("\tSecurity association lifetime: ", fact_get(conf, "lifetime"),
			    "kilobytes", "seconds");
	print_idle(fact_get(conf, "idle_time"));
	printf("\tResponder-Only (Y/N): Y\n");
	print_pfs(conf);
	print_sets(conf);
}

void text_crypto_dynamic_maps(const json_t *maps, const char *tag)
{
	unsigned n = 0;
	const json_t *m;
	size_t i;

	json_array_foreach(maps, i, m) {
		if (!crypto_map_chosen(m, NULL, tag))
			continue;
		print_template(m);
		putchar('\n');
		n++;
	}
	if (!n)
		printf("No crypto dynamic-maps found.\n");
}

int show_crypto_dynamic_map(const struct exec_line *line)
{
	json_t *maps = crypto_ask(line, "map-show", "dynamic_maps");

	if (!maps)
		return CLI_FAIL;
	if (line->cli->json)
		json_out(line->cli, crypto_chosen(maps, NULL, exec_after(line, "tag")));
	else
		text_crypto_dynamic_maps(maps, exec_after(line, "tag"));
	json_decref(maps);
	return CLI_OK;
}

/* ---- the command -------------------------------------------------------------- */

int show_crypto_map(const struct exec_line *line)
{
	const char *interface = exec_after(line, "interface"), *tag = exec_after(line, "tag");
	json_t *maps = crypto_ask(line, "map-show", "maps");

	if (!maps)
		return CLI_FAIL;
	if (line->cli->json)
		json_out(line->cli, crypto_chosen(maps, interface, tag));
	else
		text_crypto_map(maps, interface, tag);
	json_decref(maps);
	return CLI_OK;
}
