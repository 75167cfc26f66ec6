// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show crypto isakmp sa [detail], show crypto isakmp peers, show crypto ikev2 sa [detail |
 * local A | remote A]: semantics.md §6.3, §6.4, §6.6. All IKE SAs are IKEv2's here; `isakmp`
 * shows the same ones in the words of IKEv1.
 */
#include <stdio.h>
#include <string.h>

#include "prefpeer/crypto.h"
#include "prefpeer/facts.h"

static bool is_ipv6(const json_t *s)
{
	return strchr(fact_str(s, "remote"), ':');
}

static bool is_state(const json_t *s, const char *state)
{
	return !strcmp(fact_str(s, "state"), state);
}

/* ---- isakmp ---------------------------------------------------------------------- */

static void isakmp_row(const json_t *s)
{
	bool up = is_state(s, "established");

	printf("%-15s %-15s %-14s %7llu ACTIVE%s\n", fact_str(s, "remote"), fact_str(s, "local"),
	       up ? "QM_IDLE" : "MM_NO_STATE", (unsigned long long)fact_u64(s, "conn"),
	       is_state(s, "closing") ? " (deleted)" : "");
}

/* "aes" and "sha256"; the letters of `show crypto session`. */
static void isakmp_detail_row(const json_t *s)
{
	uint64_t up = fact_u64(s, "up_ms"), life = fact_u64(s, "lifetime_s") * 1000;
	unsigned long long left = (life > up ? life - up : 0) / 1000;
	const char *hash = fact_str(s, "hash");

	printf("%-5llu %-15s %-15s        %s %-4s %-6s %-4s %2llu %02llu:%02llu:%02llu %s%s\n",
	       (unsigned long long)fact_u64(s, "conn"), fact_str(s, "local"), fact_str(s, "remote"),
	       is_state(s, "established") ? "ACTIVE" : "NEGOTIATING",
	       strcmp(fact_str(s, "cipher"), "AES-GCM") ? "aes" : "gcm",
	       strcmp(hash, "None") ? hash : "none", fact_str(s, "auth_local"),
	       (unsigned long long)fact_u64(s, "dh_group"), left / 3600, left / 60 % 60, left % 60,
	       fact_is(fact_get(s, "dpd"), "on") ? "D" : "-",
	       fact_is(s, "nat_local") || fact_is(s, "nat_peer") ? "N" : "");
	printf("       Engine-id:Conn-id =  SW:%llu\n\n", (unsigned long long)fact_u64(s, "conn"));
}

static void isakmp_part(const json_t *sessions, bool ipv6, bool detail)
{
	const json_t *s;
	size_t i;

	printf("IPv%d Crypto ISAKMP SA\n\n", ipv6 ? 6 : 4);
	if (detail)
		printf("C-id  Local           Remote          I-VRF  Status Encr Hash   Auth DH Lifetime Cap.\n\n");
	else
		printf("dst             src             state          conn-id status\n");
	json_array_foreach(sessions, i, s)
		if (is_ipv6(s) == ipv6)
			detail ? isakmp_detail_row(s) : isakmp_row(s);
	putchar('\n');
}

void text_crypto_isakmp_sa(const json_t *sessions, bool detail)
{
	if (detail)
		printf("Codes: C - IKE configuration mode, D - Dead Peer Detection\n"
		       "       K - Keepalives, N - NAT-traversal\n"
		       "       T - cTCP encapsulation, X - IKE Extended Authentication\n"
		       "       psk - Preshared key, rsig - RSA signature\n"
		       "       renc - RSA encryption\n");
	isakmp_part(sessions, false, detail);
	isakmp_part(sessions, true, detail);
}

void text_crypto_isakmp_peers(const json_t *sessions)
{
	const json_t *s;
	size_t i;

	json_array_foreach(sessions, i, s) {
		printf("Peer: %s Port: %llu Local: %s\n", fact_str(s, "remote"),
		       (unsigned long long)fact_u64(s, "remote_port"), fact_str(s, "local"));
		if (fact_has(s, "remote_id"))
			printf(" Phase1 id: %s\n", crypto_id(fact_str(s, "remote_id")));
	}
}

/* ---- ikev2 ----------------------------------------------------------------------- */

static const char *ikev2_state(const json_t *s)
{
	if (is_state(s, "established"))
		return "READY";
	return is_state(s, "closing") ? "DELETE" : "IN-NEG";
}

static void print_spis(const json_t *s)
{
	const char *ours = fact_str(s, fact_is(s, "initiator") ? "spi_i" : "spi_r");
	const char *theirs = fact_str(s, fact_is(s, "initiator") ? "spi_r" : "spi_i");

	fputs("      Local spi: ", stdout);
	for (; *ours; ours++)
		putchar(*ours >= 'a' ? *ours - 'a' + 'A' : *ours);
	fputs("       Remote spi: ", stdout);
	for (; *theirs; theirs++)
		putchar(*theirs >= 'a' ? *theirs - 'a' + 'A' : *theirs);
	putchar('\n');
}

static void print_messages(const json_t *s)
{
	unsigned long long out = fact_u64(s, "next_out"), in = fact_u64(s, "next_in");

	printf("      Local req msg id:  %-15lluRemote req msg id:  %llu\n", out, in);
	printf("      Local next msg id: %-15lluRemote next msg id: %llu\n", out, in);
	printf("      Local req queued:  %-15lluRemote req queued:  %llu\n", out, in);
	/* RFC 7296 §2.3: one request at a time. */
	printf("      Local window:      1              Remote window:      1\n");
}

static void print_more(const json_t *s)
{
	const json_t *dpd = fact_get(s, "dpd");
	bool on = fact_is(dpd, "on"), nat = fact_is(s, "nat_local") || fact_is(s, "nat_peer");

	printf("      CE id: %llu, Session-id: %llu\n", (unsigned long long)fact_u64(s, "conn"),
	       (unsigned long long)fact_u64(s, "conn"));
	printf("      Status Description: %s\n",
	       is_state(s, "established") ? "Negotiation done" : "Negotiation in progress");
	print_spis(s);
	if (fact_has(s, "local_id"))
		printf("      Local id: %s\n", crypto_id(fact_str(s, "local_id")));
	if (fact_has(s, "remote_id"))
		printf("      Remote id: %s\n", crypto_id(fact_str(s, "remote_id")));
	print_messages(s);
	printf("      DPD configured for %llu seconds, retry %llu\n",
	       on ? (unsigned long long)fact_u64(dpd, "interval_ms") / 1000 : 0ULL,
	       on ? (unsigned long long)fact_u64(dpd, "retry_ms") / 1000 : 0ULL);
	printf("      %s\n", fact_is(s, "fragmentation") ? "IETF Std Fragmentation  configured." :
							 "Fragmentation not  configured.");
	printf("      Dynamic Route Update: disabled\n"
	       "      Extended Authentication not configured.\n");
	printf("      NAT-T is %s\n", !nat			 ? "not detected" :
				       fact_is(s, "nat_local") ? "detected  inside" :
								 "detected  outside");
	printf("      Cisco Trust Security SGT is disabled\n      Initiator of SA : %s\n\n",
	       fact_is(s, "initiator") ? "Yes" : "No");
}

static void ikev2_row(const json_t *s, bool detail)
{
	char local[64], remote[64];

	snprintf(local, sizeof(local), "%s/%llu", fact_str(s, "local"),
		 (unsigned long long)fact_u64(s, "local_port"));
	snprintf(remote, sizeof(remote), "%s/%llu", fact_str(s, "remote"),
		 (unsigned long long)fact_u64(s, "remote_port"));
	printf("%-9llu %-21s %-21s none/none            %s  \n",
	       (unsigned long long)fact_u64(s, "conn"), local, remote, ikev2_state(s));
	printf("      Encr: %s, keysize: %llu, PRF: %s, Hash: %s, DH Grp:%llu, Auth sign: %s, Auth verify: %s\n",
	       fact_str(s, "cipher"), (unsigned long long)fact_u64(s, "key_bits"),
	       fact_str(s, "prf_name"), fact_str(s, "hash"),
	       (unsigned long long)fact_u64(s, "dh_group"), fact_str(s, "auth_local"),
	       fact_str(s, "auth_remote"));
	printf("      Life/Active Time: %llu/%llu sec\n",
	       (unsigned long long)fact_u64(s, "lifetime_s"),
	       (unsigned long long)fact_u64(s, "up_ms") / 1000);
	if (detail)
		print_more(s);
}

static void ikev2_part(const json_t *sessions, bool ipv6, bool detail)
{
	bool any = false;
	const json_t *s;
	size_t i;

	printf(" IPv%d Crypto IKEv2  SA \n\n", ipv6 ? 6 : 4);
	json_array_foreach(sessions, i, s) {
		if (is_ipv6(s) != ipv6)
			continue;
		if (!any)
			printf("Tunnel-id Local                 Remote                fvrf/ivrf            Status \n");
		any = true;
		ikev2_row(s, detail);
	}
	if (any)
		putchar('\n');
}

void text_crypto_ikev2_sa(const json_t *sessions, bool detail)
{
	ikev2_part(sessions, false, detail);
	ikev2_part(sessions, true, detail);
}

/* ---- the commands ------------------------------------------------------------------ */

/* NULL: said why. */
static json_t *chosen_sessions(const struct exec_line *line)
{
	const char *remote = exec_after(line, "remote"), *local = exec_after(line, "local");
	json_t *all = crypto_ask(line, "session-show", "sessions"), *out, *s;
	size_t i;

	if (!all)
		return NULL;
	out = json_array();
	json_array_foreach(all, i, s)
		if ((!remote || !strcmp(fact_str(s, "remote"), remote)) &&
		    (!local || !strcmp(fact_str(s, "local"), local)))
			json_array_append(out, s);
	json_decref(all);
	return out;
}

static int show(const struct exec_line *line, void (*text)(const json_t *, bool))
{
	json_t *list = chosen_sessions(line);

	if (!list)
		return CLI_FAIL;
	if (line->cli->json) {
		json_out(line->cli, list);
		return CLI_OK;
	}
	text(list, exec_has(line, "detail"));
	json_decref(list);
	return CLI_OK;
}

int show_crypto_isakmp_sa(const struct exec_line *line)
{
	return show(line, text_crypto_isakmp_sa);
}

int show_crypto_ikev2_sa(const struct exec_line *line)
{
	return show(line, text_crypto_ikev2_sa);
}

static void peers(const json_t *sessions, bool detail)
{
	text_crypto_isakmp_peers(sessions);
}

int show_crypto_isakmp_peers(const struct exec_line *line)
{
	return show(line, peers);
}
