// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show crypto session [brief | detail | remote A | local A]: semantics.md §6.5. An IKE SA
 * and the flows under it are one session; entries that share the IKE SA share the session.
 */
#include <stdio.h>
#include <string.h>

#include "prefpeer/crypto.h"
#include "prefpeer/facts.h"

/* ---- the list, as JSON ------------------------------------------------------- */

static const char *entry_status(const json_t *m)
{
	const char *state = fact_str(m, "state");
	bool pairs = json_array_size(fact_get(m, "sas"));

	if (!strcmp(state, "UP"))
		return pairs ? "UP-ACTIVE" : "UP-IDLE";
	if (pairs)
		return "UP-NO-IKE";
	return strcmp(state, "WALK") ? "DOWN" : "DOWN-NEGOTIATING";
}

/* The address of the peer that is being tried, in a walk; else of the current one. */
static const char *entry_peer(const json_t *m)
{
	const json_t *p;
	size_t i;

	json_array_foreach(fact_get(m, "peers"), i, p)
		if (fact_is(p, "trying") && *fact_str(p, "address"))
			return fact_str(p, "address");
	return crypto_peer(m);
}

/* D: dead peer detection; N: NAT; F: fragments. */
static json_t *capabilities(const json_t *ike)
{
	return json_sprintf("%s%s%s", fact_is(fact_get(ike, "dpd"), "on") ? "D" : "",
			    fact_is(ike, "nat_local") || fact_is(ike, "nat_peer") ? "N" : "",
			    fact_is(ike, "fragmentation") ? "F" : "");
}

static json_t *ike_part(const json_t *s)
{
	uint64_t up = fact_u64(s, "up_ms"), life = fact_u64(s, "lifetime_s") * 1000;

	return json_pack("{ss sI ss sI sb so sI sI}", "local", fact_str(s, "local"), "local_port",
			 (json_int_t)fact_u64(s, "local_port"), "remote", fact_str(s, "remote"),
			 "remote_port", (json_int_t)fact_u64(s, "remote_port"), "active",
			 !strcmp(fact_str(s, "state"), "established"), "capabilities",
			 capabilities(s), "conn", (json_int_t)fact_u64(s, "conn"), "left_ms",
			 (json_int_t)(life > up ? life - up : 0));
}

static json_t *session_new(const json_t *m, const json_t *ike, const char *peer)
{
	const json_t *conf = fact_get(m, "config");
	uint64_t port = fact_u64(ike, "remote_port");

	return json_pack("{ss ss* ss* ss sI ss* ss sI so* so}", "interface", m ? crypto_interface(m) : "none",
			 "profile", json_string_value(fact_get(conf, "profile")), "description",
			 json_string_value(fact_get(conf, "description")), "peer", peer, "port",
			 (json_int_t)(port ? port : 500), "phase1_id",
			 json_string_value(fact_get(ike, "remote_id")), "status",
			 m ? entry_status(m) : "UP-IDLE", "up_ms",
			 (json_int_t)fact_u64(ike, "up_ms"), "ike", ike ? ike_part(ike) : NULL,
			 "flows", json_array());
}

/* What makes a session one: key of @index. */
static void session_key(const char *interface, const char *peer, uint64_t conn, char *buf,
			size_t size)
{
	snprintf(buf, size, "%s %s %llu", interface, peer, (unsigned long long)conn);
}

static void add_flow(void *ctx, const struct crypto_flow *flow)
{
	const json_t *sa = flow->sa, *info = fact_get(sa, "info");
	char text[256];
	json_t *o;

	crypto_flow_print(flow, text, sizeof(text));
	o = json_pack("{ss sI sI sI sI sI}", "flow", text, "active_sas", (json_int_t)(sa ? 2 : 0),
		      "packets_in", (json_int_t)fact_u64(sa, "packets_in"), "packets_out",
		      (json_int_t)fact_u64(sa, "packets_out"), "dropped_in",
		      (json_int_t)(fact_u64(sa, "replayed") + fact_u64(sa, "not_authentic")),
		      "left_ms", (json_int_t)fact_u64(info, "left_ms"));
	if (fact_has(info, "left_kb_in"))
		json_object_set(o, "left_kb_in", json_object_get(info, "left_kb_in"));
	if (fact_has(info, "left_kb_out"))
		json_object_set(o, "left_kb_out", json_object_get(info, "left_kb_out"));
	json_array_append_new(ctx, o);
}

/* One entry that is up makes the session so. */
static void take_status(json_t *s, const char *status)
{
	if (!strcmp(status, "UP-ACTIVE") || !strncmp(fact_str(s, "status"), "DOWN", 4))
		json_object_set_new(s, "status", json_string(status));
}

static void add_entry(struct crypto_facts *f, const json_t *m, json_t *list, json_t *index)
{
	const json_t *ike = crypto_session_of(f, fact_u64(m, "conn"));
	const char *peer = entry_peer(m);
	char key[256];
	json_t *s;

	/* A branch that may call, and has not: IOS shows no session of it either. */
	if (!json_array_size(fact_get(m, "peers")))
		return;
	session_key(crypto_interface(m), peer, fact_u64(ike, "conn"), key, sizeof(key));
	s = json_object_get(index, key);
	if (!s) {
		s = session_new(m, ike, peer);
		json_array_append_new(list, s);
		json_object_set(index, key, s);
	}
	take_status(s, entry_status(m));
	crypto_each_flow(f, m, add_flow, json_object_get(s, "flows"));
}

json_t *crypto_sessions(struct crypto_facts *f)
{
	json_t *list = json_array(), *index = json_object(), *o;
	size_t i;

	json_array_foreach(f->maps, i, o)
		add_entry(f, o, list, index);
	json_decref(index);
	/* Of no entry any more, or not yet. */
	json_array_foreach(f->sessions, i, o)
		if (!fact_u64(o, "entries") && !strcmp(fact_str(o, "state"), "established"))
			json_array_append_new(list, session_new(NULL, o, fact_str(o, "remote")));
	return list;
}

/* ---- text --------------------------------------------------------------------- */

static void print_ike(const json_t *ike, bool detail)
{
	char left[CRYPTO_CLOCK_STRLEN];
	const char *caps = fact_str(ike, "capabilities");

	printf("  Session ID: %llu \n", (unsigned long long)fact_u64(ike, "conn"));
	printf("  IKEv2 SA: local %s/%llu remote %s/%llu %s \n", fact_str(ike, "local"),
	       (unsigned long long)fact_u64(ike, "local_port"), fact_str(ike, "remote"),
	       (unsigned long long)fact_u64(ike, "remote_port"),
	       fact_is(ike, "active") ? "Active" : "Inactive");
	if (!detail)
		return;
	/* Hours beyond a day, as IOS has it here. */
	snprintf(left, sizeof(left), "%02llu:%02llu:%02llu",
		 (unsigned long long)fact_u64(ike, "left_ms") / 3600000,
		 (unsigned long long)fact_u64(ike, "left_ms") / 60000 % 60,
		 (unsigned long long)fact_u64(ike, "left_ms") / 1000 % 60);
	printf("          Capabilities:%s connid:%llu lifetime:%s\n", *caps ? caps : "(none)",
	       (unsigned long long)fact_u64(ike, "conn"), left);
}

static void print_life(const json_t *flow, const char *key)
{
	if (fact_has(flow, key))
		printf("life (KB/Sec) %llu", (unsigned long long)fact_u64(flow, key));
	else
		printf("life (KB/Sec) KB Vol Rekey Disabled");
	printf("/%llu\n", (unsigned long long)fact_u64(flow, "left_ms") / 1000);
}

static void print_no_life(void)
{
	printf("life (KB/Sec) 0/0\n");
}

static void print_flow(const json_t *flow, bool detail)
{
	bool up = fact_u64(flow, "active_sas");

	printf("  IPSEC FLOW: %s \n        Active SAs: %llu, origin: crypto map\n",
	       fact_str(flow, "flow"), (unsigned long long)fact_u64(flow, "active_sas"));
	if (!detail)
		return;
	printf("        Inbound:  #pkts dec'ed %llu drop %llu ",
	       (unsigned long long)fact_u64(flow, "packets_in"),
	       (unsigned long long)fact_u64(flow, "dropped_in"));
	up ? print_life(flow, "left_kb_in") : print_no_life();
	printf("        Outbound: #pkts enc'ed %llu drop 0 ",
	       (unsigned long long)fact_u64(flow, "packets_out"));
	up ? print_life(flow, "left_kb_out") : print_no_life();
}

static void print_session(const json_t *s, bool detail)
{
	const json_t *flow;
	char up[CRYPTO_CLOCK_STRLEN];
	size_t i;

	printf("Interface: %s\n", fact_str(s, "interface"));
	if (fact_has(s, "profile"))
		printf("Profile: %s\n", fact_str(s, "profile"));
	if (detail && !strncmp(fact_str(s, "status"), "UP", 2))
		printf("Uptime: %s\n", crypto_clock(fact_u64(s, "up_ms"), up));
	printf("Session status: %s     \nPeer: %s port %llu", fact_str(s, "status"),
	       fact_str(s, "peer"), (unsigned long long)fact_u64(s, "port"));
	if (detail) {
		printf(" fvrf: (none) ivrf: (none)\n");
		if (fact_has(s, "phase1_id"))
			printf("      Phase1_id: %s\n", crypto_id(fact_str(s, "phase1_id")));
		printf("      Desc: %s", *fact_str(s, "description") ? fact_str(s, "description") :
								       "(none)");
	}
	printf(" \n");
	if (fact_has(s, "ike"))
		print_ike(fact_get(s, "ike"), detail);
	json_array_foreach(fact_get(s, "flows"), i, flow)
		print_flow(flow, detail);
	putchar('\n');
}

static const char *brief_status(const char *status)
{
	static const struct {
		const char *status, *letters;
	} words[] = { { "UP-ACTIVE", "UA" },	      { "UP-IDLE", "UI" },
		      { "UP-NO-IKE", "UK" },	      { "DOWN-NEGOTIATING", "DN" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i].status, status))
			return words[i].letters;
	return "D";
}

static void print_brief(const json_t *sessions)
{
	char up[CRYPTO_CLOCK_STRLEN];
	const json_t *s;
	size_t i;

	printf("Status: A- Active, U - Up, D - Down, I - Idle, S - Standby, N - Negotiating\n"
	       "        K - No IKE\nivrf = (none)\n"
	       "           Peer     I/F          Username          Group/Phase1_id      Uptime Status\n");
	json_array_foreach(sessions, i, s)
		printf("%15s %7s %17s %24s %11s %6s\n", fact_str(s, "peer"),
		       fact_str(s, "interface"), "", crypto_id(fact_str(s, "phase1_id")),
		       strncmp(fact_str(s, "status"), "UP", 2) ?
			       "" :
			       crypto_clock(fact_u64(s, "up_ms"), up),
		       brief_status(fact_str(s, "status")));
}

void text_crypto_sessions(const json_t *sessions, enum session_form form)
{
	const json_t *s;
	size_t i;

	if (form == SESSION_BRIEF) {
		print_brief(sessions);
		return;
	}
	printf("Crypto session current status\n\n");
	if (form == SESSION_DETAIL)
		printf("Code: C - IKE Configuration mode, D - Dead Peer Detection     \n"
		       "K - Keepalives, N - NAT-traversal, T - cTCP encapsulation     \n"
		       "X - IKE Extended Authentication, F - IKE Fragmentation\n"
		       "R - IKE Auto Reconnect, U - IKE Dynamic Route Update\n"
		       "S - SIP VPN\n\n");
	json_array_foreach(sessions, i, s)
		print_session(s, form == SESSION_DETAIL);
}

/* ---- the command --------------------------------------------------------------- */

/* Those whose @key is @address; without one, all. Takes over @list. */
static json_t *only(json_t *list, const char *address, bool local)
{
	json_t *out, *s;
	size_t i;

	if (!address)
		return list;
	out = json_array();
	json_array_foreach(list, i, s)
		if (!strcmp(local ? fact_str(fact_get(s, "ike"), "local") : fact_str(s, "peer"),
			    address))
			json_array_append(out, s);
	json_decref(list);
	return out;
}

int show_crypto_session(const struct exec_line *line)
{
	enum session_form form = exec_has(line, "detail") ? SESSION_DETAIL :
				 exec_has(line, "brief")  ? SESSION_BRIEF :
							    SESSION_PLAIN;
	struct crypto_facts f;
	json_t *list;

	if (crypto_facts_ask(line, &f))
		return CLI_FAIL;
	list = only(crypto_sessions(&f), exec_after(line, "remote"), false);
	list = only(list, exec_after(line, "local"), true);
	crypto_facts_free(&f);
	if (line->cli->json) {
		json_out(line->cli, list);
		return CLI_OK;
	}
	text_crypto_sessions(list, form);
	json_decref(list);
	return CLI_OK;
}
