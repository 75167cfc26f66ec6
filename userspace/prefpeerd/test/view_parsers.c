/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prefpeerd/test/view_parsers.h"

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define IP "[0-9.]+"
#define N "[0-9]+"
#define W "[A-Za-z0-9_]+"
#define S "[^[:space:]]+"

/* ---- show crypto ipsec sa ---------------------------------------------------- */

const char *const parser_ipsec_sa[] = {
	"^interface: [A-Za-z0-9]+$",
	"^Crypto map tag: [A-Za-z0-9-]+, +local addr +" IP "$",
	"^protected vrf: " S "$",
	"^local.*: +\\(" IP "/" IP "/" N "/" N "\\)$",
	"^remote.*: +\\(" IP "/" IP "/" N "/" N "\\)$",
	"^current_peer +" IP " +port +" N "$",
	"^" W ", +flags=\\{[A-Za-z0-9_,-]+\\}$",
	"^#pkts encaps: +" N ".*: +" N ".*: +" N "$",
	"^#pkts decaps: +" N ".*: +" N ".*: +" N "$",
	"^#pkts compressed: +" N ".*: +" N "$",
	"^#pkts not compressed: +" N ".*: +" N "$",
	"^#pkts not decompressed: +" N ".*: +" N "$",
	"^local crypto endpt.: +" IP ".* +" IP "$",
	"^plaintext mtu +" N ",.* +" N ", ip mtu +" N ",.*idb +" S "$",
	"^current outbound spi: +" S "$",
	"^PFS.*: +[YN]+.*: +" W "$",
	"^inbound esp sas:$",
	"^inbound ah sas:$",
	"^inbound pcp sas:$",
	"^outbound esp sas:$",
	"^outbound ah sas:$",
	"^outbound pcp sas:$",
	NULL,
};

const char *const parser_ipsec_sa_sas[] = {
	"^spi: +" S "$",
	"^transform: +.+,$",
	"^in use settings =+\\{[A-Za-z0-9_, -]+\\}$",
	"^conn id: +" N ", +flow_id: +" W ":" N ", +sibling_flags +" W
	", +crypto map: +[A-Za-z0-9_-]+$",
	"^sa timing.* +" S "$",
	"^IV size: +[A-Za-z0-9 ]+$",
	"^Status: +" S "$",
	NULL,
};

const char *const parser_ipsec_sa_detail[] = {
	"^$",
	"^interface: +" S "$",
	"^Crypto +map +tag: +" S ", +local +addr +" S "$",
	"^protected +vrf: +" S "$",
	"^(local|remote) +ident +\\(addr/mask/prot/port\\): +\\(" S "/" S "/" N "/" N "\\)$",
	"^current_peer +" S " +port +" N "$",
	"^" S ", +flags=\\{.*\\}$",
	"^#pkts +encaps: +" N ", +#pkts +encrypt: +" N ", +#pkts +digest: +" N "$",
	"^#pkts +decaps: +" N ", +#pkts +decrypt: +" N ", +#pkts +verify: +" N "$",
	"^#pkts +compressed: +" N ", +#pkts +decompressed: +" N "$",
	"^#pkts +not +compressed: +" N ", +#pkts +compr. +failed: +" N "$",
	"^#pkts +not +decompressed: +" N ", +#pkts +decompress +failed: +" N "$",
	"^#pkts +no +sa +\\(send\\) +" N ", +#pkts +invalid +sa \\(rcv\\) +" N "$",
	"^#pkts encaps +failed \\(send\\) +" N ", +#pkts +decaps +failed +\\(rcv\\) +" N "$",
	"^#pkts +invalid +prot +\\(recv\\) +" N ", +#pkts +verify +failed: +" N "$",
	"^#pkts +invalid +identity +\\(recv\\) +" N ", +#pkts +invalid +len +\\(rcv\\) +" N "$",
	"^#pkts +replay +rollover \\(send\\): +" N ", +#pkts +replay +rollover +\\(rcv\\) +" N "$",
	"^##pkts +replay +failed +\\(rcv\\): +" N "$",
	"^#pkts +tagged +\\(send\\): +" N ", +#pkts +untagged \\(rcv\\): +" N "$",
	"^#pkts +not +tagged \\(send\\): +" N ", +#pkts +not +untagged +\\(rcv\\): +" N "$",
	"^#pkts +internal +err +\\(send\\): +" N ", +#pkts +internal +err +\\(recv\\) +" N "$",
	"^local +crypto +endpt.: +" S ", +remote +crypto +endpt.: +" S "$",
	"^plaintext +mtu +" N ", +path +mtu +" N ", +ip +mtu +" N ", +ip +mtu +idb +" S "$",
	"^current +outbound +spi: +" S "\\(" N "\\)$",
	"^PFS +\\(Y/N\\): +" S ", +DH +group: +" S "$",
	"^" S " +" S " +sas:$",
	"^spi: +" S "\\(" N "\\)$",
	"^transform: +.+ +,$",
	"^in +use +settings +=\\{.+,* +\\}$",
	"^conn +id: +" N ", +flow_id: +.+, +sibling_flags +" W ", +crypto +map: +" S "$",
	"^sa +timing: +remaining +key +lifetime +\\(k/sec\\): +\\(" N "/" N "\\)$",
	"^IV +size: +" N " +bytes$",
	"^replay +detection +support: +" S " +replay +window +size: +" N "$",
	"^Status: +" S "$",
	NULL,
};

/* ---- show crypto session ----------------------------------------------------- */

const char *const parser_session_detail[] = {
	"^Interface: +.+$",
	"^Uptime: +" S "$",
	"^Session +status: +[A-Z-]+$",
	"^Peer: +[0-9.:]+ +port +" N " +fvrf: +\\(none\\) +ivrf: +\\(none\\)$",
	"^Phase1_id: +" S "$",
	"^Desc: +.*$",
	"^Session +ID: +" N "$",
	"^IKEv2 +SA: +local +[0-9.:]+/" N " +remote +[0-9.:]+/" N " +" W "$",
	"^Capabilities:\\(*" W "\\)* +connid:" N " +lifetime:[0-9:]+$",
	"^IPSEC +FLOW: +.+$",
	"^Active +SAs: +" N ", +origin: +[A-Za-z ]+$",
	"^Inbound: +#pkts +dec'ed +" N " +drop +" N " +life +\\(KB/Sec\\) +[A-Za-z0-9 ]+/" N "$",
	"^Outbound: +#pkts +enc'ed +" N " +drop +" N " +life +\\(KB/Sec\\) +[A-Za-z0-9 ]+/" N "$",
	NULL,
};

const char *const parser_session_all[] = {
	"^$",
	"^Crypto +.*",
	"^Code:",
	"^K +-",
	"^X +-",
	"^R +-",
	"^S +-",
	"^Interface: +" S,
	"^Profile: +" S,
	"^Session +status: +" S,
	"^Uptime: +" S,
	"^Peer: +" S " +port +" N " +fvrf: +" S " +ivrf: +" S,
	"^Desc: +" S,
	"^Phase1_id: +" S,
	"^Session +ID: +" N,
	"^IKEv[12] +SA: +local +" S "/" S " +remote +" S "/" S " +" S,
	"^Capabilities:" S " +connid:" N " +lifetime:" S,
	"^IPSEC +FLOW: +permit +" S " +host +" S " +host +" S,
	"^IPSEC +FLOW: +permit +" S " +" S "/" S " +" S "/" S,
	"^Active +SAs: +" N ", +origin: +.+",
	"^(In|Out)bound: +#.*",
	NULL,
};

/* ---- IKE SAs ----------------------------------------------------------------- */

const char *const parser_ikev2_sa_detail[] = {
	"^" N " +" S " +" S " +" W "/" W " +" W "$",
	"^Encr: +[A-Za-z0-9-]+, keysize: +" N ", PRF: +" W ", +Hash: +" W ", +DH Grp:+" N
	", +Auth sign: +" W ", +Auth verify: +" W "$",
	"^Life/Active Time: +" N "/" N " +sec$",
	"^CE id: " N ", +Session-id: +" N "$",
	"^Status Description: [A-Za-z ]+$",
	"^Local spi: +[A-F0-9]{16} +Remote spi: +[A-F0-9]{16}$",
	"^Local id: +" S "$",
	"^Remote id: +" S "$",
	"^Local req msg id: +" N " +Remote req msg id: +" N "$",
	"^Local next msg id: +" N " +Remote next msg id: +" N "$",
	"^Local req queued: +" N " +Remote req queued: +" N "$",
	"^Local window: +" N " +Remote window: +" N "$",
	"^DPD configured for +" N " +seconds, retry +" N "$",
	"^(Fragmentation not  configured|IETF Std Fragmentation  configured)\\.$",
	"^Dynamic Route Update: +" S "$",
	"^Extended Authentication +.+$",
	"^NAT-T is +(not detected|detected +" W ")$",
	"^Cisco Trust Security SGT is +" W "$",
	"^Initiator of SA : +(Yes|No)$",
	NULL,
};

const char *const parser_isakmp_sa[] = {
	"^IPv4 Crypto ISAKMP SA$",
	"^IPv6 Crypto ISAKMP SA$",
	"^" S " +" S " +(QM_IDLE|MM_NO_STATE) +" N " +ACTIVE( +\\(deleted\\))?$",
	NULL,
};

const char *const parser_isakmp_sa_detail[] = {
	"^" N " +" S " +" S " +(" S ")? +" W " +" S " +" S " +" S " +" N " +" S " +" S "$",
	"^Engine-id:Conn-id += +" S ":" N "$",
	NULL,
};

const char *const parser_ikev2_stats[] = {
	"^System Resource Limit: +" N " +Max IKEv2 SAs: +" N " +Max in nego\\(in/out\\): +" N "/" N "$",
	"^Total incoming IKEv2 SA Count: +" N " +active: +" N " +negotiating: +" N "$",
	"^Total outgoing IKEv2 SA Count: +" N " +active: +" N " +negotiating: +" N "$",
	"^Incoming IKEv2 Requests: +" N " +accepted: +" N " +rejected: +" N "$",
	"^Outgoing IKEv2 Requests: +" N " +accepted: +" N " +rejected: +" N "$",
	"^Rejected IKEv2 Requests: +" N " +rsrc low: +" N " +SA limit: +" N "$",
	"^IKEv2 packets dropped at dispatch: +" N "$",
	"^Incoming Requests dropped as LOW Q limit reached : +" N "$",
	"^Incoming IKEV2 Cookie Challenged Requests: +" N "$",
	NULL,
};

const char *const parser_ikev2_timeouts[] = {
	"^EXT +SERVICE +TIMER +" N "$",
	"^AUTH +TIMER +" N "$",
	"^PACKET +MAXIMUM +RETRANS +TIMER +" N "$",
	"^DPD +MAX +RETRANS +TIMER +" N "$",
	NULL,
};

/* ---- matching ------------------------------------------------------------------ */

static bool line_matches(const char *line, const char *re)
{
	regex_t r;
	bool is;

	if (regcomp(&r, re, REG_EXTENDED | REG_NOSUB))
		fail_msg("not an expression: %s", re);
	is = !regexec(&r, line, 0, NULL, 0);
	regfree(&r);
	return is;
}

/* The next line without blanks around it; NULL at the end. */
static const char *next_line(const char **at, char *buf, size_t size)
{
	size_t len = strcspn(*at, "\n");

	if (!**at)
		return NULL;
	snprintf(buf, size, "%.*s", (int)len, *at);
	*at += len + ((*at)[len] == '\n');
	for (len = strlen(buf); len && strchr(" \t", buf[len - 1]); len--)
		buf[len - 1] = '\0';
	return buf + strspn(buf, " \t");
}

unsigned parser_count(const char *text, const char *re)
{
	char buf[512];
	unsigned n = 0;

	for (const char *l; (l = next_line(&text, buf, sizeof(buf)));)
		n += line_matches(l, re);
	return n;
}

void parser_finds(const char *text, const char *const *res)
{
	for (; *res; res++)
		if (!parser_count(text, *res))
			fail_msg("no line is like %s:\n%s", *res, text);
}

void parser_knows_all(const char *text, const char *const *res)
{
	const char *at = text;
	char buf[512];

	for (const char *l; (l = next_line(&at, buf, sizeof(buf)));) {
		unsigned i = 0;

		while (res[i] && !line_matches(l, res[i]))
			i++;
		if (!res[i])
			fail_msg("a parser stops at \"%s\":\n%s", l, text);
	}
}
