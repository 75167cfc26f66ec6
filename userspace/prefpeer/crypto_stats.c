// SPDX-License-Identifier: GPL-2.0-or-later
/* show crypto ikev2 stats [timeout]: IOS's counters, as far as the agent has what they count. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/crypto.h"
#include "prefpeer/facts.h"

typedef unsigned long long count_t;

static void rule(void)
{
	for (int i = 0; i < 80; i++)
		putchar('-');
	putchar('\n');
}

/* IKE SAs there are, by who began them; with @up those that are up. */
static count_t count(const json_t *sessions, bool ours, bool up)
{
	const json_t *s;
	count_t n = 0;
	size_t i;

	json_array_foreach(sessions, i, s)
		if (fact_is(s, "initiator") == ours)
			n += strcmp(fact_str(s, "state"), "established") ? !up : up;
	return n;
}

static void print_sas(const char *which, const json_t *sessions, bool ours)
{
	count_t up = count(sessions, ours, true), not_yet = count(sessions, ours, false);

	printf("Total %s IKEv2 SA Count:    %-8llu active:        %-8llu negotiating: %-6llu\n",
	       which, up + not_yet, up, not_yet);
}

static void print_requests(const char *which, count_t accepted, count_t rejected)
{
	printf("%s IKEv2 Requests: %-8llu accepted:      %-8llu rejected:    %-8llu\n", which,
	       accepted + rejected, accepted, rejected);
}

static count_t failures(const json_t *totals)
{
	const json_t *v;
	const char *why;
	count_t n = 0;

	json_object_foreach((json_t *)fact_get(totals, "failed"), why, v)
		n += (count_t)json_integer_value(v);
	return n;
}

void text_crypto_ikev2_stats(const json_t *stats, const json_t *sessions)
{
	const json_t *totals = fact_get(stats, "totals");
	count_t source = fact_u64(stats, "refused_source") + fact_u64(stats, "refused_network");
	count_t full = fact_u64(stats, "refused_in_negotiation");
	count_t sas = fact_u64(stats, "refused_max_sa");

	rule();
	printf("                          Crypto IKEv2 SA Statistics\n");
	rule();
	printf("System Resource Limit:   0        Max IKEv2 SAs: %llu        Max in nego(in/out): %llu/%llu\n",
	       (count_t)fact_u64(stats, "limit_sas"), (count_t)fact_u64(stats, "limit_half_open"),
	       (count_t)fact_u64(stats, "limit_half_open"));
	print_sas("incoming", sessions, false);
	print_sas("outgoing", sessions, true);
	print_requests("Incoming", fact_u64(totals, "up_in"), source + full + sas);
	print_requests("Outgoing", fact_u64(totals, "up_out"), failures(totals));
	printf("Rejected IKEv2 Requests: %-8llu rsrc low:      %-8llu SA limit:    %-8llu\n",
	       source + full + sas, source + full, sas);
	printf("IKEv2 packets dropped at dispatch: %-8llu\n",
	       (count_t)fact_u64(stats, "malformed") + (count_t)fact_u64(stats, "not_authentic"));
	printf("Incoming Requests dropped as LOW Q limit reached : %-8llu\n",
	       (count_t)fact_u64(stats, "queue_dropped"));
	printf("Incoming IKEV2 Cookie Challenged Requests: %-8llu\n",
	       (count_t)fact_u64(stats, "cookies"));
}

void text_crypto_ikev2_timeouts(const json_t *stats)
{
	const json_t *totals = fact_get(stats, "totals");

	printf("%-40s%10d\n%-40s%10llu\n%-40s%10llu\n%-40s%10llu\n", "EXT SERVICE TIMER", 0,
	       "AUTH TIMER", (count_t)fact_u64(fact_get(totals, "failed"), "timeout"),
	       "PACKET MAXIMUM RETRANS TIMER", (count_t)fact_u64(totals, "timeouts"),
	       "DPD MAX RETRANS TIMER", (count_t)fact_u64(totals, "dead"));
}

int show_crypto_ikev2_stats(const struct exec_line *line)
{
	json_t *stats = crypto_ask(line, "stats-show", "stats"), *sessions;

	if (!stats)
		return CLI_FAIL;
	if (line->cli->json) {
		json_out(line->cli, stats);
		return CLI_OK;
	}
	sessions = exec_has(line, "timeout") ? NULL : crypto_ask(line, "session-show", "sessions");
	if (exec_has(line, "timeout"))
		text_crypto_ikev2_timeouts(stats);
	else if (sessions)
		text_crypto_ikev2_stats(stats, sessions);
	json_decref(stats);
	json_decref(sessions);
	return sessions || exec_has(line, "timeout") ? CLI_OK : CLI_FAIL;
}
