// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * As IOS names them in access lists. Not getservbyname(): what a configuration means must
 * not depend on the machine that reads it.
 */
#include "prefpeerd/conf/services.h"

#include <netinet/in.h>

struct service {
	const char *name;
	uint16_t port;
};

static const struct service tcp[] = {
	{ "bgp", 179 }, { "chargen", 19 }, { "cmd", 514 }, { "daytime", 13 }, { "discard", 9 },
	{ "domain", 53 }, { "drip", 3949 }, { "echo", 7 }, { "exec", 512 }, { "finger", 79 },
	{ "ftp", 21 }, { "ftp-data", 20 }, { "gopher", 70 }, { "hostname", 101 },
	{ "ident", 113 }, { "irc", 194 }, { "klogin", 543 }, { "kshell", 544 }, { "login", 513 },
	{ "lpd", 515 }, { "msrpc", 135 }, { "nntp", 119 }, { "pim-auto-rp", 496 },
	{ "pop2", 109 }, { "pop3", 110 }, { "smtp", 25 }, { "sunrpc", 111 }, { "tacacs", 49 },
	{ "talk", 517 }, { "telnet", 23 }, { "time", 37 }, { "uucp", 540 }, { "whois", 43 },
	{ "www", 80 },
	{ NULL, 0 },
};
static const struct service udp[] = {
	{ "biff", 512 }, { "bootpc", 68 }, { "bootps", 67 }, { "discard", 9 }, { "dnsix", 195 },
	{ "domain", 53 }, { "echo", 7 }, { "isakmp", 500 }, { "mobile-ip", 434 },
	{ "nameserver", 42 }, { "netbios-dgm", 138 }, { "netbios-ns", 137 },
	{ "netbios-ss", 139 }, { "non500-isakmp", 4500 }, { "ntp", 123 }, { "pim-auto-rp", 496 },
	{ "rip", 520 }, { "snmp", 161 }, { "snmptrap", 162 }, { "sunrpc", 111 },
	{ "syslog", 514 }, { "tacacs", 49 }, { "talk", 517 }, { "tftp", 69 }, { "time", 37 },
	{ "who", 513 }, { "xdmcp", 177 },
	{ NULL, 0 },
};

static const struct service *services(uint8_t proto)
{
	static const struct service none[] = { { NULL, 0 } };

	return proto == IPPROTO_TCP ? tcp : proto == IPPROTO_UDP ? udp : none;
}

int port_by_name(uint8_t proto, const struct word *w)
{
	for (const struct service *s = services(proto); s->name; s++)
		if (word_is(w, s->name))
			return s->port;
	return -1;
}

const char *port_name(uint8_t proto, uint16_t port)
{
	for (const struct service *s = services(proto); s->name; s++)
		if (s->port == port)
			return s->name;
	return NULL;
}

/* ---- ICMP ---- */

struct message {
	const char *name;
	int16_t type, code; /* -1: all */
};

static const struct message icmp4[] = {
	{ "administratively-prohibited", 3, 13 }, { "alternate-address", 6, -1 },
	{ "conversion-error", 31, -1 }, { "dod-host-prohibited", 3, 10 },
	{ "dod-net-prohibited", 3, 9 }, { "echo", 8, -1 }, { "echo-reply", 0, -1 },
	{ "general-parameter-problem", 12, 0 }, { "host-isolated", 3, 8 },
	{ "host-precedence-unreachable", 3, 14 }, { "host-redirect", 5, 1 },
	{ "host-tos-redirect", 5, 3 }, { "host-tos-unreachable", 3, 12 },
	{ "host-unknown", 3, 7 }, { "host-unreachable", 3, 1 }, { "information-reply", 16, -1 },
	{ "information-request", 15, -1 }, { "mask-reply", 18, -1 }, { "mask-request", 17, -1 },
	{ "mobile-redirect", 32, -1 }, { "net-redirect", 5, 0 }, { "net-tos-redirect", 5, 2 },
	{ "net-tos-unreachable", 3, 11 }, { "net-unreachable", 3, 0 },
	{ "network-unknown", 3, 6 }, { "no-room-for-option", 12, 2 },
	{ "option-missing", 12, 1 }, { "packet-too-big", 3, 4 }, { "parameter-problem", 12, -1 },
	{ "port-unreachable", 3, 3 }, { "precedence-unreachable", 3, 15 },
	{ "protocol-unreachable", 3, 2 }, { "reassembly-timeout", 11, 1 }, { "redirect", 5, -1 },
	{ "router-advertisement", 9, -1 }, { "router-solicitation", 10, -1 },
	{ "source-quench", 4, -1 }, { "source-route-failed", 3, 5 }, { "time-exceeded", 11, -1 },
	{ "timestamp-reply", 14, -1 }, { "timestamp-request", 13, -1 }, { "traceroute", 30, -1 },
	{ "ttl-exceeded", 11, 0 }, { "unreachable", 3, -1 },
	{ NULL, 0, 0 },
};
static const struct message icmp6[] = {
	{ "beyond-scope", 1, 2 }, { "destination-unreachable", 1, 3 }, { "echo-reply", 129, -1 },
	{ "echo-request", 128, -1 }, { "header", 4, 0 }, { "hop-limit", 3, 0 },
	{ "mld-query", 130, -1 }, { "mld-reduction", 132, -1 }, { "mld-report", 131, -1 },
	{ "nd-na", 136, -1 }, { "nd-ns", 135, -1 }, { "next-header", 4, 1 },
	{ "no-admin", 1, 1 }, { "no-route", 1, 0 }, { "packet-too-big", 2, -1 },
	{ "parameter-option", 4, 2 }, { "parameter-problem", 4, -1 },
	{ "port-unreachable", 1, 4 }, { "reassembly-timeout", 3, 1 },
	{ "renum-command", 138, 0 }, { "renum-result", 138, 1 },
	{ "renum-seq-number", 138, 255 }, { "router-advertisement", 134, -1 },
	{ "router-renumbering", 138, -1 }, { "router-solicitation", 133, -1 },
	{ "time-exceeded", 3, -1 }, { "unreachable", 1, -1 },
	{ NULL, 0, 0 },
};

static const struct message *messages(uint8_t proto)
{
	return proto == IPPROTO_ICMPV6 ? icmp6 : icmp4;
}

static struct port_range code_range(const struct message *m)
{
	uint16_t code = (uint16_t)m->code;

	return m->code < 0 ? (struct port_range){ 0, UINT16_MAX } : (struct port_range){ code, code };
}

bool icmp_by_name(uint8_t proto, const struct word *w, struct port_range *type,
		  struct port_range *code)
{
	for (const struct message *m = messages(proto); m->name; m++) {
		if (!word_is(w, m->name))
			continue;
		*type = (struct port_range){ (uint16_t)m->type, (uint16_t)m->type };
		*code = code_range(m);
		return true;
	}
	return false;
}

const char *icmp_name(uint8_t proto, const struct port_range *type, const struct port_range *code)
{
	for (const struct message *m = messages(proto); m->name; m++) {
		struct port_range c = code_range(m);

		if (type->lo == m->type && type->hi == m->type && c.lo == code->lo &&
		    c.hi == code->hi)
			return m->name;
	}
	return NULL;
}

/* ---- protocols ---- */

const char *protocol_name(sa_family_t family, uint8_t proto)
{
	static const struct {
		uint8_t proto;
		sa_family_t family; /* AF_UNSPEC: both */
		const char *name;
	} names[] = {
		{ 0, AF_INET, "ip" },
		{ 0, AF_INET6, "ipv6" },
		{ IPPROTO_TCP, AF_UNSPEC, "tcp" },
		{ IPPROTO_UDP, AF_UNSPEC, "udp" },
		{ IPPROTO_SCTP, AF_UNSPEC, "sctp" },
		{ IPPROTO_ICMP, AF_INET, "icmp" },
		{ IPPROTO_ICMPV6, AF_INET6, "icmp" },
		{ IPPROTO_AH, AF_UNSPEC, "ahp" },
		{ IPPROTO_ESP, AF_UNSPEC, "esp" },
		{ IPPROTO_COMP, AF_UNSPEC, "pcp" },
		{ IPPROTO_GRE, AF_INET, "gre" },
		{ IPPROTO_IGMP, AF_INET, "igmp" },
		{ IPPROTO_IPIP, AF_INET, "ipinip" },
		{ 88, AF_INET, "eigrp" },
		{ 89, AF_INET, "ospf" },
		{ 94, AF_INET, "nos" },
		{ IPPROTO_PIM, AF_INET, "pim" },
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].proto == proto &&
		    (names[i].family == family || names[i].family == AF_UNSPEC))
			return names[i].name;
	return NULL;
}
