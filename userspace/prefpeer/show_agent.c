// SPDX-License-Identifier: GPL-2.0-or-later
/* The agent's entries and sessions as text. Absent and unknown keys are passed over. */
#include <stdio.h>
#include <string.h>

#include "prefpeer/cli.h"

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static bool is(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* Whether there is a number of 0 or more; null stands for "never". */
static bool num(const json_t *o, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

/* "0x5b20e1aa" → "5b20e1aa", as `ip xfrm` and the logs abbreviate it in a line. */
static const char *bare_hex(const char *spi)
{
	return !strncmp(spi, "0x", 2) ? spi + 2 : spi;
}

/* With -o an entry is one line, and each of its lines ends with a backslash, as of ip(8). */
static void eol(const struct cli *cli)
{
	putchar(cli->opts & OPT_ONELINE ? '\\' : '\n');
}

/* ---- the head of an entry ------------------------------------------------ */

static enum tone state_tone(const char *state)
{
	if (!strcmp(state, "UP"))
		return TONE_GOOD;
	return !strcmp(state, "DOWN") ? TONE_PLAIN : TONE_WARN;
}

/* What the entry cannot see itself, until it is over. */
static void print_warnings(const struct cli *cli, const json_t *warnings)
{
	char dur[DUR_STRLEN];
	uint64_t ms;
	json_t *w;
	size_t i;

	json_array_foreach(warnings, i, w)
	{
		printf("  WARNING: %s", str(w, "text"));
		if (num(w, "ago_ms", &ms))
			printf(", %s ago", dur_print(ms, dur));
		eol(cli);
	}
}

/* A peer that is not up is not called for its own sake. */
static const char *next_when(const json_t *m)
{
	json_t *l;
	size_t i;

	if (strcmp(str(m, "state"), "DOWN") || *str(m, "incomplete"))
		return "";
	json_array_foreach(json_object_get(m, "lines"), i, l)
		if (is(l, "wanted"))
			return "";
	return ", with the next packet";
}

static void print_words(const struct cli *cli, const char *head, const char *words)
{
	if (!*words)
		return;
	printf("  %-7s %s", head, words);
	eol(cli);
}

static void print_head(const struct cli *cli, const json_t *m)
{
	const char *state = str(m, "state"), *peer = str(m, "peer");
	char text[64], dur[DUR_STRLEN];
	uint64_t ms;

	if (!strcmp(state, "WALK"))
		peer = str(m, "trying");
	else if (strcmp(state, "UP"))
		peer = "";
	printf("%s %lld   %s%s%s", str(m, "map"),
	       (long long)json_integer_value(json_object_get(m, "seq")),
	       toned(cli, state_tone(state), state, text, sizeof(text)), *peer ? " " : "", peer);
	if (num(m, "state_since_ms", &ms))
		printf(" for %s", clock_print(ms, dur));
	if (num(m, "backoff_ms", &ms))
		printf(", %s left", dur_print(ms, dur));
	if (*str(m, "next"))
		printf("   next attempt %s%s", str(m, "next"), next_when(m));
	eol(cli);
	if (*str(m, "incomplete")) {
		printf("  WARNING: incomplete, %s: %s",
		       is(m, "blocks") ? "what its access list permits is blocked" : "protects nothing",
		       str(m, "incomplete"));
		eol(cli);
	}
	print_warnings(cli, json_object_get(m, "warnings"));
	print_words(cli, "branch", str(m, "branch"));
	print_words(cli, "why", str(m, "why"));
	if (cli->opts & OPT_DETAILS) {
		print_words(cli, "local", str(m, "local"));
		printf("  keys    reason %s, next %s", str(m, "reason"), str(m, "next_rule"));
		eol(cli);
	}
}

/* ---- peers --------------------------------------------------------------- */

static void peer_heard(const json_t *p, char *buf, size_t size)
{
	char heard[DUR_STRLEN];
	uint64_t ms, us;
	int n = 0;

	if (num(p, "heard_ago_ms", &ms))
		n = snprintf(buf, size, "heard %s ago", dur_print(ms, heard));
	if (num(p, "rtt_us", &us) && n >= 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, "%sround trip %llu.%llu ms", n ? ", " : "",
			 (unsigned long long)(us / 1000), (unsigned long long)(us % 1000 / 100));
}

/* How it stands with this peer, in words. */
static void peer_status(const json_t *p, char *buf, size_t size)
{
	const char *status = str(p, "status"), *text = str(p, "status_text");
	char dur[DUR_STRLEN];
	uint64_t ms;

	*buf = '\0';
	if (!strcmp(status, "trying") && is(p, "resolving"))
		snprintf(buf, size, "its name is being resolved");
	else if (!strcmp(status, "up"))
		peer_heard(p, buf, size);
	else if (!strcmp(status, "trying") && num(p, "answer_ms", &ms))
		snprintf(buf, size, "being tried, for at most %s", dur_print(ms, dur));
	else if (!strcmp(status, "untried"))
		snprintf(buf, size, "not tried yet");
	else if (num(p, "status_ago_ms", &ms))
		snprintf(buf, size, "%s ago: %s", dur_print(ms, dur), *text ? text : status);
	else
		snprintf(buf, size, "%s", *text ? text : status);
}

static const char *peer_marks(const json_t *p, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", is(p, "default") ? "default" : "",
		 is(p, "default") && is(p, "current") ? " " : "",
		 is(p, "current") ? "current" : "");
	return buf;
}

static void peer_name(const json_t *p, char *buf, size_t size)
{
	const char *name = str(p, "peer"), *addr = str(p, "address"), *dnssec = str(p, "dnssec");
	char dur[DUR_STRLEN], ttl[DUR_STRLEN + 16] = "";
	uint64_t ms;

	if (num(p, "ttl_ms", &ms))
		snprintf(ttl, sizeof(ttl), ", TTL %s", dur_print(ms, dur));
	if (!*name || !strcmp(name, addr))
		snprintf(buf, size, "%s", addr);
	else
		snprintf(buf, size, "%s (%s%s%s%s%s)", name, *addr ? addr : "not resolved",
			 is(p, "dynamic") ? ", dynamic" : "", ttl, *dnssec ? ", " : "", dnssec);
}

/* -d: how long it may take to answer, and what is known beside what is said of it. */
static void print_peer_details(const json_t *p)
{
	char answer[DUR_STRLEN], finish[DUR_STRLEN], ago[DUR_STRLEN];
	uint64_t a, f, ms;

	if (num(p, "answer_ms", &a) && num(p, "finish_ms", &f))
		printf("   answers in %s or not, finishes in %s", dur_print(a, answer),
		       dur_print(f, finish));
	printf(", status %s", str(p, "status"));
	if (num(p, "status_ago_ms", &ms))
		printf(" for %s", dur_print(ms, ago));
}

static void print_peers(const struct cli *cli, const json_t *peers)
{
	char name[320], marks[32], status[320];
	int wide = 0;
	json_t *p;
	size_t i;

	json_array_foreach(peers, i, p)
	{
		peer_name(p, name, sizeof(name));
		if ((int)strlen(name) > wide)
			wide = (int)strlen(name);
	}
	json_array_foreach(peers, i, p)
	{
		peer_name(p, name, sizeof(name));
		peer_status(p, status, sizeof(status));
		printf("  %-7s %-*s  %-16s%s", i ? "" : "peers", wide, name,
		       peer_marks(p, marks, sizeof(marks)), status);
		if (cli->opts & OPT_DETAILS)
			print_peer_details(p);
		eol(cli);
	}
}

/* ---- timers -------------------------------------------------------------- */

/* The timer as it was typed, and from the agent what it does: ", then home to …". */
static void print_idle(const struct cli *cli, const json_t *idle)
{
	const char *action = str(idle, "action"), *then = strchr(action, ',');
	char dur[DUR_STRLEN];
	uint64_t ms;

	if (!idle)
		return;
	if (num(idle, "ms", &ms) && ms && then)
		printf("  idle    %s%s", setting_print((uint32_t)ms, dur), then);
	else
		printf("  idle    %s", action);
	if (num(idle, "now_ms", &ms))
		printf("   idle now %s", dur_print(ms, dur));
	eol(cli);
}

static void print_dpd(const struct cli *cli, const json_t *dpd)
{
	uint64_t interval = 0, retry = 0;
	char every[DUR_STRLEN], again[DUR_STRLEN];

	if (!dpd)
		return;
	num(dpd, "interval_ms", &interval);
	num(dpd, "retry_ms", &retry);
	if (!strcmp(str(dpd, "mode"), "off"))
		printf("  dpd     off   %s", str(dpd, "worst_text"));
	else
		printf("  dpd     %s, retry %s, %s%s%s   worst failover %s",
		       setting_print((uint32_t)interval, every),
		       setting_print((uint32_t)retry, again), str(dpd, "mode"),
		       is(dpd, "strict") ? ", strict" : "",
		       is(dpd, "fixed") ? ", spacing fixed" : "", str(dpd, "worst_text"));
	eol(cli);
}

/* ---- lines --------------------------------------------------------------- */

static void print_line_state(const struct cli *cli, const json_t *l)
{
	char dur[DUR_STRLEN], text[64];
	uint64_t ms;

	if (is(l, "blocked"))
		printf("   %s", toned(cli, TONE_BAD, "blocked", text, sizeof(text)));
	else if (is(l, "in_setup"))
		printf("   in set-up");
	else if (num(l, "backoff_ms", &ms))
		printf("   backs off, %s left: %s", dur_print(ms, dur), str(l, "backoff_text"));
	else
		printf("   down%s", is(l, "wanted") ? ", wanted" : "");
}

/* -s: its counters and clocks; -d: whose SAs these are. */
static void print_line_more(const struct cli *cli, const json_t *l)
{
	char dur[DUR_STRLEN];
	uint64_t in, out, ms;

	if (cli->opts & OPT_DETAILS)
		printf("   reqid %s, %s → %s, pairs %lld", str(l, "reqid"), str(l, "local"),
		       str(l, "remote"), (long long)json_integer_value(json_object_get(l, "pairs")));
	if (!(cli->opts & OPT_STATS))
		return;
	if (num(l, "packets_in", &in) && num(l, "packets_out", &out))
		printf("   packets %llu in  %llu out", (unsigned long long)in,
		       (unsigned long long)out);
	if (num(l, "up_ms", &ms))
		printf("   up for %s", clock_print(ms, dur));
	if (num(l, "idle_now_ms", &ms))
		printf("   idle now %s", dur_print(ms, dur));
}

static void print_line_sas(const struct cli *cli, const json_t *l)
{
	char dur[DUR_STRLEN];
	uint64_t in, out;

	printf("   in %s  out %s", bare_hex(str(l, "spi_in")), bare_hex(str(l, "spi_out")));
	if (num(l, "bytes_in", &in) && num(l, "bytes_out", &out)) {
		printf("   %s in", bytes_print(in, dur));
		printf("  %s out", bytes_print(out, dur));
	}
	if (is(l, "narrowed"))
		printf("   narrowed by the peer");
	print_line_more(cli, l);
}

static void print_line(const struct cli *cli, const json_t *l)
{
	printf("  line %-2lld %s", (long long)json_integer_value(json_object_get(l, "no")),
	       str(l, "text"));
	if (!*str(l, "spi_in") && !*str(l, "spi_out"))
		print_line_state(cli, l);
	else
		print_line_sas(cli, l);
	eol(cli);
}

void text_maps(const struct cli *cli, const json_t *maps)
{
	json_t *m, *l;
	size_t i, j;

	if (!json_array_size(maps))
		printf("no crypto map is configured\n");
	json_array_foreach(maps, i, m)
	{
		if (i && !(cli->opts & OPT_ONELINE))
			putchar('\n');
		print_head(cli, m);
		print_peers(cli, json_object_get(m, "peers"));
		print_idle(cli, json_object_get(m, "idle"));
		print_dpd(cli, json_object_get(m, "dpd"));
		json_array_foreach(json_object_get(m, "lines"), j, l) print_line(cli, l);
		if (cli->opts & OPT_ONELINE)
			putchar('\n');
	}
}

/* ---- sessions ------------------------------------------------------------ */

/* A number, nothing for none. */
static void count_cell(struct table *t, const json_t *o, const char *key)
{
	uint64_t v;

	if (num(o, key, &v) && v)
		table_cell(t, TONE_PLAIN, "%llu", (unsigned long long)v);
	else
		table_cell(t, TONE_PLAIN, "%s", "");
}

/* -s and -d: columns that are empty, and so not there, without. */
static void session_more(struct table *t, const struct cli *cli, const json_t *s)
{
	char dur[DUR_STRLEN];
	uint64_t v;

	count_cell(t, cli->opts & OPT_STATS ? s : NULL, "tx");
	count_cell(t, cli->opts & OPT_STATS ? s : NULL, "rx");
	count_cell(t, cli->opts & OPT_DETAILS ? s : NULL, "conn");
	count_cell(t, cli->opts & OPT_DETAILS ? s : NULL, "entries");
	table_cell(t, TONE_PLAIN, "%s",
		   cli->opts & OPT_DETAILS && num(s, "rtt_us", &v) ?
			   setting_print((uint32_t)(v / 1000 ? v / 1000 : 1), dur) :
			   "");
}

static void session_row(struct table *t, const struct cli *cli, const json_t *s)
{
	const char *state = str(s, "state");
	bool manual = !strcmp(str(s, "origin"), "manual");
	char dur[DUR_STRLEN];
	uint64_t v;

	table_cell(t, TONE_ADDR, "%s", str(s, "local"));
	table_cell(t, TONE_ADDR, "%s", str(s, "remote"));
	count_cell(t, s, "remote_port");
	table_cell(t, manual || !strcmp(state, "established") ? TONE_GOOD : TONE_WARN, "%s", state);
	table_cell(t, TONE_PLAIN, "%s", num(s, "up_ms", &v) ? clock_print(v, dur) : "");
	table_cell(t, TONE_PLAIN, "%s", manual ? "" : is(s, "initiator") ? "initiator" : "responder");
	table_cell(t, TONE_PLAIN, "%s", num(s, "heard_ago_ms", &v) ? dur_print(v, dur) : "");
	table_cell(t, TONE_PLAIN, "%lld",
		   (long long)json_integer_value(json_object_get(s, "children")));
	if (manual) {
		table_cell(t, TONE_PLAIN, "%s", "");
		table_cell(t, TONE_PLAIN, "%s", "");
	} else {
		table_cell(t, TONE_PLAIN, "%s %s %s", str(s, "encr"), str(s, "prf"), str(s, "dh"));
		table_cell(t, TONE_PLAIN, "%s_i %s_r", str(s, "spi_i"), str(s, "spi_r"));
	}
	table_cell(t, TONE_PLAIN, "%s%s%s", is(s, "nat_local") ? "here" : "",
		   is(s, "nat_local") && is(s, "nat_peer") ? ", " : "",
		   is(s, "nat_peer") ? "peer" : "");
	count_cell(t, s, "retransmits");
	session_more(t, cli, s);
}

void text_sessions(const struct cli *cli, const json_t *sessions)
{
	static const char *const heads[] = { "LOCAL",	   "REMOTE",   "PORT",	    "STATE",
					     "UP FOR",	   "ROLE",     "HEARD AGO", "CHILDREN",
					     "ALGORITHMS", "IKE SPIS", "NAT",	    "RETRANSMITS",
					     "SENT",	   "RECEIVED", "CONN",	    "ENTRIES",
					     "ROUND TRIP", NULL };
	struct table *t = table_new(heads);
	json_t *s;
	size_t i;

	json_array_foreach(sessions, i, s) session_row(t, cli, s);
	table_print(cli, t);
}
