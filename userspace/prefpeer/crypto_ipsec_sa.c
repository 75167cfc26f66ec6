// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show crypto ipsec sa [peer A | interface IF | map NAME] [detail]: semantics.md §6.2.
 * Parsers of `detail` know no other lines than IOS's: those that are ours stand in the
 * form without it.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "prefpeer/crypto.h"
#include "prefpeer/facts.h"

#define ENCR_AES_CBC 12
#define MTU_DEFAULT 1500

struct printing {
	struct crypto_facts *facts;
	const struct crypto_sa_choice *choice;
	const char *interface; /* of the block */
};

/* ---- how much fits ---------------------------------------------------------- */

static unsigned interface_mtu(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { 0 };
	unsigned mtu = MTU_DEFAULT;

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	if (fd >= 0 && !ioctl(fd, SIOCGIFMTU, &req))
		mtu = (unsigned)req.ifr_mtu;
	if (fd >= 0)
		close(fd);
	return mtu;
}

/* RFC 4303 §2: of a packet of @mtu bytes what ESP in tunnel mode leaves. */
static unsigned plaintext_mtu(unsigned mtu, const struct crypto_flow *flow)
{
	const json_t *info = fact_get(flow->sa, "info");
	bool cbc = fact_u64(info, "encr") == ENCR_AES_CBC;
	unsigned block = cbc ? 16 : 4, over = cbc ? 8 + 16 + 16 : 8 + 8 + 16;

	over += strchr(fact_str(flow->sa, "local"), ':') ? 40 : 20;
	over += fact_u64(info, "encap_port") ? 8 : 0;
	return mtu > over + 2 ? (mtu - over) / block * block - 2 : 0;
}

/* ---- one SA ------------------------------------------------------------------ */

static void print_lifetime(const json_t *info, const char *kb_key)
{
	uint64_t ms = 0, kb = 0;
	bool timed = fact_num(info, "left_ms", &ms), counted = fact_num(info, kb_key, &kb);

	if (!timed && !counted)
		return;
	printf("        sa timing: remaining key lifetime (k/sec): (%llu/%llu)\n",
	       (unsigned long long)kb, (unsigned long long)ms / 1000);
}

/* `detail` has the window in the same line, for those who read it there. */
static void print_replay(const json_t *info, bool detail)
{
	printf("        replay detection support: %c", fact_is(info, "replay") ? 'Y' : 'N');
	if (detail)
		printf("  replay window size: %llu",
		       fact_is(info, "replay") ?
			       (unsigned long long)fact_u64(info, "replay_window") :
			       0ULL);
	putchar('\n');
}

static void print_spi(const char *spi)
{
	unsigned long v = strtoul(spi, NULL, 16);

	printf("0x%lX(%lu)\n", v, v);
}

static void print_sa(const struct crypto_flow *flow, bool in, bool detail)
{
	const json_t *info = fact_get(flow->sa, "info");
	unsigned long reqid = strtoul(fact_str(flow->line, "reqid"), NULL, 16);

	printf("      spi: ");
	print_spi(fact_str(flow->sa, in ? "spi_in" : "spi_out"));
	printf("        transform: %s ,\n",
	       *fact_str(info, "transforms") ? fact_str(info, "transforms") : "esp");
	printf("        in use settings ={%s%s, %s}\n",
	       strcmp(fact_str(info, "mode"), "transport") ? "Tunnel" : "Transport",
	       fact_u64(info, "encap_port") ? " UDP-Encaps" : "", fact_is(info, "esn") ? "esn, " : "");
	printf("        conn id: %llu, flow_id: XFRM:%lu, sibling_flags %08X, crypto map: %s\n",
	       (unsigned long long)fact_u64(flow->sa, "conn"), reqid, 0u,
	       fact_str(flow->entry, "map"));
	print_lifetime(info, in ? "left_kb_in" : "left_kb_out");
	printf("        IV size: %d bytes\n", fact_u64(info, "encr") == ENCR_AES_CBC ? 16 : 8);
	print_replay(info, detail);
	printf("        Status: ACTIVE(ACTIVE)\n");
}

static void print_sas(const struct crypto_flow *flow, bool in, bool detail)
{
	const char *direction = in ? "inbound" : "outbound";
	bool ah = flow->sa && !strcmp(fact_str(fact_get(flow->sa, "info"), "protocol"), "ah");

	printf("     %s esp sas:\n", direction);
	if (flow->sa && !ah)
		print_sa(flow, in, detail);
	printf("\n     %s ah sas:\n", direction);
	if (ah)
		print_sa(flow, in, detail);
	printf("\n     %s pcp sas:\n", direction);
}

/* ---- one flow ------------------------------------------------------------------ */

static void print_ident(const char *side, const json_t *ident)
{
	char mask[CRYPTO_MASK_STRLEN];

	printf("   %-6s ident (addr/mask/prot/port): (%s/%s/%llu/%llu)\n", side,
	       fact_str(ident, "address"), crypto_mask(ident, mask),
	       (unsigned long long)fact_u64(ident, "protocol"),
	       (unsigned long long)fact_u64(ident, "port"));
}

/* There is no compression, no tagging: what an SA does not do has not happened to a packet. */
static void print_detail_counts(const json_t *sa)
{
	printf("    #pkts no sa (send) 0, #pkts invalid sa (rcv) 0\n"
	       "    #pkts encaps failed (send) 0, #pkts decaps failed (rcv) 0\n"
	       "    #pkts invalid prot (recv) 0, #pkts verify failed: %llu\n"
	       "    #pkts invalid identity (recv) 0, #pkts invalid len (rcv) 0\n"
	       "    #pkts replay rollover (send): 0, #pkts replay rollover (rcv) 0\n"
	       "    ##pkts replay failed (rcv): %llu\n"
	       "    #pkts tagged (send): 0, #pkts untagged (rcv): 0\n"
	       "    #pkts not tagged (send): 0, #pkts not untagged (rcv): 0\n"
	       "    #pkts internal err (send): 0, #pkts internal err (recv) 0\n",
	       (unsigned long long)fact_u64(sa, "not_authentic"),
	       (unsigned long long)fact_u64(sa, "replayed"));
}

static void print_counts(const json_t *sa, bool detail)
{
	unsigned long long out = fact_u64(sa, "packets_out"), in = fact_u64(sa, "packets_in");

	printf("    #pkts encaps: %llu, #pkts encrypt: %llu, #pkts digest: %llu\n", out, out, out);
	printf("    #pkts decaps: %llu, #pkts decrypt: %llu, #pkts verify: %llu\n", in, in, in);
	printf("    #pkts compressed: 0, #pkts decompressed: 0\n"
	       "    #pkts not compressed: 0, #pkts compr. failed: 0\n"
	       "    #pkts not decompressed: 0, #pkts decompress failed: 0\n");
	if (detail)
		print_detail_counts(sa);
	else
		printf("    #send errors 0, #recv errors %llu\n",
		       (unsigned long long)(fact_u64(sa, "not_authentic") +
					    fact_u64(sa, "replayed")));
}

/* Ours: how long nothing has passed, of how long that may last. */
static void print_idle(const struct crypto_flow *flow)
{
	uint64_t limit = fact_u64(fact_get(flow->entry, "idle"), "ms"), now;

	if (flow->sa && limit && fact_num(flow->sa, "idle_now_ms", &now))
		printf("     idle time (last used/limit): %llu/%llu sec\n",
		       (unsigned long long)now / 1000, (unsigned long long)limit / 1000);
}

static void print_endpoints(const struct printing *p, const struct crypto_flow *flow)
{
	const char *local = fact_str(flow->sa, "local"), *remote = fact_str(flow->sa, "remote");
	const char *group = fact_str(fact_get(flow->sa, "info"), "pfs");
	unsigned mtu = interface_mtu(p->interface);

	printf("\n     local crypto endpt.: %s, remote crypto endpt.: %s\n",
	       *local ? local : crypto_local(flow->entry), *remote ? remote : crypto_peer(flow->entry));
	printf("     plaintext mtu %u, path mtu %u, ip mtu %u, ip mtu idb %s\n",
	       flow->sa ? plaintext_mtu(mtu, flow) : mtu, mtu, mtu, p->interface);
	printf("     current outbound spi: ");
	print_spi(fact_str(flow->sa, "spi_out"));
	printf("     PFS (Y/N): %c, DH group: %s\n", *group ? 'Y' : 'N', *group ? group : "none");
}

static bool flow_chosen(const struct crypto_sa_choice *c, const struct crypto_flow *flow)
{
	const char *remote = fact_str(flow->sa, "remote");

	return !c->peer || !strcmp(c->peer, *remote ? remote : crypto_peer(flow->entry)) ||
	       !strcmp(c->peer, fact_str(flow->entry, "peer"));
}

static void print_flow(void *ctx, const struct crypto_flow *flow)
{
	const char *remote = fact_str(flow->sa, "remote");
	const struct printing *p = ctx;
	uint64_t port = 500;

	if (!flow_chosen(p->choice, flow))
		return;
	fact_num(flow->session, "remote_port", &port);
	printf("\n   protected vrf: (none)\n");
	print_ident("local", flow->local_ident);
	print_ident("remote", flow->remote_ident);
	printf("   current_peer %s port %llu\n", *remote ? remote : crypto_peer(flow->entry),
	       (unsigned long long)(port ? port : 500));
	printf("     PERMIT, flags={origin_is_acl,}\n");
	print_counts(flow->sa, p->choice->detail);
	print_endpoints(p, flow);
	if (!p->choice->detail)
		print_idle(flow);
	putchar('\n');
	print_sas(flow, true, p->choice->detail);
	putchar('\n');
	print_sas(flow, false, p->choice->detail);
}

/* ---- blocks: one per interface and map ------------------------------------------ */

static void count_flow(void *ctx, const struct crypto_flow *flow)
{
	struct printing *p = ctx;

	if (flow_chosen(p->choice, flow))
		p->interface = crypto_interface(flow->entry);
}

static bool same_block(const json_t *a, const json_t *b)
{
	return a && !strcmp(fact_str(a, "map"), fact_str(b, "map")) &&
	       !strcmp(crypto_interface(a), crypto_interface(b)) &&
	       !strcmp(crypto_local(a), crypto_local(b));
}

void text_crypto_ipsec_sa(struct crypto_facts *f, const struct crypto_sa_choice *c)
{
	const json_t *m, *last = NULL;
	size_t i;

	json_array_foreach(f->maps, i, m) {
		struct printing p = { f, c, NULL };

		if (!crypto_map_chosen(m, c->interface, c->map))
			continue;
		crypto_each_flow(f, m, count_flow, &p);
		if (!p.interface)
			continue;
		if (!same_block(last, m))
			printf("\ninterface: %s\n    Crypto map tag: %s, local addr %s\n",
			       p.interface, fact_str(m, "map"), crypto_local(m));
		crypto_each_flow(f, m, print_flow, &p);
		last = m;
	}
	if (!last)
		printf("There are no IPsec SAs that are asked for\n");
}

int show_crypto_ipsec_sa(const struct exec_line *line)
{
	struct crypto_sa_choice c = {
		.peer = exec_after(line, "peer"),
		.interface = exec_after(line, "interface"),
		.map = exec_has(line, "map") ? exec_after(line, "map") : NULL,
		.detail = exec_has(line, "detail"),
	};
	struct crypto_facts f;

	if (crypto_facts_ask(line, &f))
		return CLI_FAIL;
	if (line->cli->json)
		json_out(line->cli, crypto_chosen(f.maps, c.interface, c.map));
	else
		text_crypto_ipsec_sa(&f, &c);
	crypto_facts_free(&f);
	return CLI_OK;
}

/* show crypto ipsec security-association idle-time|lifetime: what applies to all. */
int show_crypto_sa_defaults(const struct exec_line *line)
{
	json_t *g = crypto_ask(line, "map-show", "global");
	uint64_t idle = fact_u64(g, "idle_ms");

	if (!g)
		return CLI_FAIL;
	if (line->cli->json) {
		json_out(line->cli, g);
		return CLI_OK;
	}
	if (exec_has(line, "lifetime"))
		crypto_lifetime_out("Security association lifetime: ", g, "lifetime_kb",
				    "lifetime_s");
	else if (idle)
		printf("Security association idletime: %llu seconds\n",
		       (unsigned long long)idle / 1000);
	else
		printf("Security association idletime: disabled\n");
	json_decref(g);
	return CLI_OK;
}
