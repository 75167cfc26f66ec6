// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/nameser.h>
#include <string.h>

#include "prefpeerd/resolve.h"

static const char *rcode_text(int rcode)
{
	switch (rcode) {
	case ns_r_servfail:
		return "the name servers cannot tell (SERVFAIL)";
	case ns_r_refused:
		return "the name servers refuse to answer";
	default:
		return "the name servers answer with an error";
	}
}

static bool rr_addr(const ns_rr *rr, sa_family_t family, struct addr *out)
{
	bool v4 = family == AF_INET;

	return ns_rr_class(*rr) == ns_c_in && ns_rr_type(*rr) == (v4 ? ns_t_a : ns_t_aaaa) &&
	       ns_rr_rdlen(*rr) == (v4 ? NS_INADDRSZ : NS_IN6ADDRSZ) &&
	       !addr_from_bytes(family, ns_rr_rdata(*rr), out) && !addr_unusable(out);
}

/* The TTL of the whole chain, aliases too: the least. */
static void read_section(ns_msg *m, sa_family_t family, struct name_answer *out)
{
	uint32_t ttl = INT32_MAX;
	ns_rr rr;

	for (int i = 0; i < ns_msg_count(*m, ns_s_an); i++) {
		if (ns_parserr(m, ns_s_an, i, &rr)) {
			*out = (struct name_answer){.result = NAME_SILENT,
						    .text = "the answer is malformed"};
			return;
		}
		if (ns_rr_type(rr) != ns_t_rrsig && ns_rr_ttl(rr) < ttl)
			ttl = ns_rr_ttl(rr);
		if (out->result != NAME_ADDR && rr_addr(&rr, family, &out->addr))
			out->result = NAME_ADDR;
	}
	out->ttl_s = ttl;
}

void resolve_read(const uint8_t *msg, size_t len, sa_family_t family, struct name_answer *out)
{
	ns_msg m;
	int rcode;

	*out = (struct name_answer){.result = NAME_SILENT, .text = "the answer is malformed"};
	if (len > NS_MAXMSG || ns_initparse(msg, (int)len, &m))
		return;
	rcode = ns_msg_getflag(m, ns_f_rcode);
	if (rcode != ns_r_noerror && rcode != ns_r_nxdomain) {
		out->text = rcode_text(rcode);
		return;
	}
	out->result = NAME_DENIED;
	out->text = rcode == ns_r_nxdomain  ? "there is no such name (NXDOMAIN)"
		    : family == AF_INET ? "the name has no IPv4 address that a peer can have"
					: "the name has no IPv6 address that a peer can have";
	if (rcode == ns_r_noerror)
		read_section(&m, family, out);
}
