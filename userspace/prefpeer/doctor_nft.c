// SPDX-License-Identifier: GPL-2.0-or-later
/* The judges that ask what nftables would do with our packets. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "prefpeer/doctor.h"
#include "prefpeer/nft_eval.h"

#define UNKNOWN "a rule that cannot be judged here"

static bool not_read(const struct doctor_facts *f, const char *check, struct doctor_finding *out)
{
	if (f->ruleset)
		return false;
	doctor_say(out, check, DOCTOR_WARN, "the ruleset of nftables cannot be read: %s",
		   f->nft_error);
	doctor_cure(out, "run it as root, with nft installed");
	return true;
}

/* The i-th interface that carries a map; where none is known, one without a name. */
static const struct doctor_iface *carrier(const struct doctor_facts *f, unsigned i)
{
	static const struct doctor_iface nowhere;

	for (unsigned j = 0; j < f->n_ifaces; j++)
		if (f->ifaces[j].carries && !i--)
			return &f->ifaces[j];
	return i ? NULL : &nowhere;
}

static const char *or_null(const char *name)
{
	return *name ? name : NULL;
}

static bool none_carries(const struct doctor_facts *f)
{
	return !*carrier(f, 0)->name;
}

/* ---- NAT ----------------------------------------------------------------- */

static bool judge_nat(const struct doctor_line *l, const struct doctor_iface *d,
		      const json_t *ruleset, struct doctor_finding *out)
{
	const struct nft_packet p = {
		.oif = or_null(d->name), .src = l->src, .dst = l->dst, .to_ipsec = true
	};
	struct nft_result r = nft_ask(ruleset, "nat", "postrouting", &p);
	char place[200], base[160];

	if (r.verdict != NFT_NAT && r.certain)
		return false;
	nft_place(&r, place, sizeof(place));
	if (r.certain)
		doctor_say(out, "nat", DOCTOR_FAIL,
			   "packets of %s are translated on their way out (%s): they match "
			   "no policy then, and leave in clear",
			   l->name, place);
	else
		doctor_say(out, "nat", DOCTOR_WARN,
			   "packets of %s meet " UNKNOWN " (%s) and may be translated, "
			   "then they leave in clear",
			   l->name, place);
	doctor_cure(out,
		    "nft insert rule %s rt ipsec exists accept, ahead of what translates (README, "
		    "Masquerading)",
		    nft_base(&r, base, sizeof(base)));
	return true;
}

void doctor_nat(const struct doctor_facts *f, struct doctor_finding *out)
{
	struct doctor_finding worst = { 0 };
	const struct doctor_iface *d;

	if (not_read(f, "nat", out))
		return;
	for (unsigned i = 0; i < f->n_lines; i++)
		for (unsigned j = 0; (d = carrier(f, j)); j++) {
			if (judge_nat(&f->lines[i], d, f->ruleset, out) && out->level > worst.level)
				worst = *out;
			if (!*d->name)
				break;
		}
	if (worst.level)
		*out = worst;
	else
		doctor_say(out, "nat", DOCTOR_OK,
			   f->n_lines ? "no NAT touches what is to be protected"
				      : "nothing is to be protected");
}

/* ---- IKE and ESP come in ------------------------------------------------- */

static const struct {
	const char *what, *match;
	uint8_t proto;
	uint16_t port;
} inward[] = {
	{ "UDP 500 (IKE)", "udp dport { 500,4500 }", IPPROTO_UDP, 500 },
	{ "UDP 4500 (IKE and ESP through NAT)", "udp dport { 500,4500 }", IPPROTO_UDP, 4500 },
	{ "ESP", "meta l4proto esp", IPPROTO_ESP, 0 },
};

static enum doctor_level judge_inward(const struct doctor_facts *f, unsigned i,
				      struct doctor_finding *out)
{
	struct nft_packet p = { .iif = or_null(carrier(f, 0)->name),
				.proto = inward[i].proto,
				.port = inward[i].port };
	struct nft_result r = nft_ask(f->ruleset, "filter", "input", &p), later;
	char place[200], base[160];

	if (r.verdict == NFT_PASS && r.certain)
		return DOCTOR_OK;
	p.answer = true;
	later = nft_ask(f->ruleset, "filter", "input", &p);
	nft_place(&r, place, sizeof(place));
	if (!r.certain)
		doctor_say(out, "input", DOCTOR_WARN, "%s meets " UNKNOWN " (%s)", inward[i].what,
			   place);
	else if (later.verdict == NFT_PASS)
		doctor_say(out, "input", DOCTOR_WARN,
			   "%s is let in only as an answer (%s): a peer that calls, rekeys "
			   "or probes after a silence is not heard",
			   inward[i].what, place);
	else
		doctor_say(out, "input", DOCTOR_FAIL, "%s is dropped (%s)", inward[i].what, place);
	doctor_cure(out, "nft insert rule %s %s accept", nft_base(&r, base, sizeof(base)),
		    inward[i].match);
	return out->level;
}

void doctor_input(const struct doctor_facts *f, struct doctor_finding *out)
{
	struct doctor_finding worst = { 0 };

	if (not_read(f, "input", out))
		return;
	for (unsigned i = 0; i < sizeof(inward) / sizeof(inward[0]); i++)
		if (judge_inward(f, i, out) > worst.level)
			worst = *out;
	if (worst.level)
		*out = worst;
	else
		doctor_say(out, "input", DOCTOR_OK, "IKE and ESP are let in");
}

/* ---- through ------------------------------------------------------------- */

static bool judge_forward(const struct doctor_line *l, const struct doctor_facts *f, bool back,
			  struct doctor_finding *out)
{
	const char *wan = or_null(carrier(f, 0)->name);
	const struct nft_packet to = { .oif = wan, .src = l->src, .dst = l->dst, .to_ipsec = true };
	const struct nft_packet from = {
		.iif = wan, .src = l->dst, .dst = l->src, .from_ipsec = true
	};
	struct nft_result r = nft_ask(f->ruleset, "filter", "forward", back ? &from : &to);
	char place[200], base[160];

	/* The names of the LAN's interfaces are not known: what asks for them is not held against
	 * it. */
	if (r.verdict == NFT_PASS || !r.certain)
		return false;
	doctor_say(out, "forward", DOCTOR_FAIL,
		   "packets %s %s are dropped on their way through (%s)",
		   back ? "that come by the tunnel of" : "of", l->name,
		   nft_place(&r, place, sizeof(place)));
	doctor_cure(out, "nft insert rule %s %s accept", nft_base(&r, base, sizeof(base)),
		    back ? "meta ipsec exists" : "rt ipsec exists");
	return true;
}

void doctor_forward(const struct doctor_facts *f, struct doctor_finding *out)
{
	if (not_read(f, "forward", out))
		return;
	for (unsigned i = 0; i < f->n_lines; i++)
		if (judge_forward(&f->lines[i], f, false, out) ||
		    judge_forward(&f->lines[i], f, true, out))
			return;
	doctor_say(out, "forward", DOCTOR_OK,
		   "nothing drops protected packets on their way through");
}

void doctor_mss(const struct doctor_facts *f, struct doctor_finding *out)
{
	const struct doctor_iface *d = carrier(f, 0);

	if (not_read(f, "mss", out))
		return;
	if (nft_clamps_mss(f->ruleset)) {
		doctor_say(out, "mss", DOCTOR_OK, "the segment size of TCP is clamped");
		return;
	}
	doctor_say(out, "mss", DOCTOR_WARN,
		   "the segment size of TCP is not clamped: where ICMP is filtered on the way, "
		   "connections through the tunnel hang with their first full packet");
	doctor_cure(
		out,
		"nft 'add table inet prefpeer; add chain inet prefpeer forward { type filter hook forward "
		"priority mangle; }; add rule inet prefpeer forward %s%s%stcp flags syn tcp option maxseg "
		"size set rt mtu'",
		none_carries(f) ? "" : "oifname \"", d->name, none_carries(f) ? "" : "\" ");
}
