/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `show crypto …`, `clear crypto …`, `debug crypto …`: what IOS shows, line by line, of the
 * agent's facts (semantics.md §6), so that parsers of IOS accept it. Lines that are ours
 * stand where no parser reads. One file per command; each is told its line as matched.
 */
#ifndef PREFPEER_CRYPTO_H
#define PREFPEER_CRYPTO_H

#include "prefpeer/exec.h"

/* What the agent says of entries and IKE SAs. */
struct crypto_facts {
	json_t *maps, *sessions, *global;
	json_t *by_conn; /* the IKE SAs by their numbers, once one is looked for */
};

/* ---- crypto_map.c -------------------------------------------------------- */

int show_crypto_map(const struct exec_line *line);
/* @maps as the agent lists them; @interface, @tag: only those, or NULL. */
void text_crypto_map(const json_t *maps, const char *interface, const char *tag);

int show_crypto_dynamic_map(const struct exec_line *line);
void text_crypto_dynamic_maps(const json_t *maps, const char *tag);

/* ---- crypto_clear.c ------------------------------------------------------ */

int clear_crypto_sa(const struct exec_line *line);
int clear_crypto_counters(const struct exec_line *line);
int clear_crypto_session(const struct exec_line *line);
int clear_crypto_map_peer(const struct exec_line *line);

/* ---- crypto_debug.c ------------------------------------------------------ */

int debug_crypto(const struct exec_line *line);
int undebug_all(const struct exec_line *line);
void text_crypto_debug(const json_t *event);

/* ---- crypto_ipsec_sa.c --------------------------------------------------- */

int show_crypto_ipsec_sa(const struct exec_line *line);
int show_crypto_sa_defaults(const struct exec_line *line);
/* What `show crypto ipsec sa` is to be about; NULL: all. */
struct crypto_sa_choice {
	const char *peer, *interface, *map;
	bool detail;
};
void text_crypto_ipsec_sa(struct crypto_facts *f, const struct crypto_sa_choice *c);

/* ---- crypto_session.c ---------------------------------------------------- */

int show_crypto_session(const struct exec_line *line);
/* A session is what two addresses have between them: an IKE SA, and the flows under it. */
json_t *crypto_sessions(struct crypto_facts *f);
enum session_form { SESSION_PLAIN, SESSION_BRIEF, SESSION_DETAIL };
void text_crypto_sessions(const json_t *sessions, enum session_form form);

/* ---- crypto_ike.c -------------------------------------------------------- */

int show_crypto_isakmp_sa(const struct exec_line *line);
int show_crypto_isakmp_peers(const struct exec_line *line);
int show_crypto_ikev2_sa(const struct exec_line *line);
void text_crypto_isakmp_sa(const json_t *sessions, bool detail);
void text_crypto_isakmp_peers(const json_t *sessions);
void text_crypto_ikev2_sa(const json_t *sessions, bool detail);

/* ---- crypto_stats.c ------------------------------------------------------ */

int show_crypto_ikev2_stats(const struct exec_line *line);
void text_crypto_ikev2_stats(const json_t *stats, const json_t *sessions);
void text_crypto_ikev2_timeouts(const json_t *stats);

/* ---- crypto_history.c ---------------------------------------------------- */

int show_crypto_peer_history(const struct exec_line *line);
void text_crypto_peer_history(const struct cli *cli, const json_t *events);

/* ---- crypto_flow.c: one flow of an entry, with its pair of SAs or without ---- */

struct crypto_flow {
	const json_t *entry, *line, *sa, *session; /* sa, session: NULL, there is none */
	const json_t *local_ident, *remote_ident;
};

typedef void (*crypto_flow_fn)(void *ctx, const struct crypto_flow *flow);
void crypto_each_flow(struct crypto_facts *f, const json_t *entry, crypto_flow_fn fn,
		      void *ctx);
/* The entry's interface, "none" without; its own address, that of the peer: 0.0.0.0 for none. */
const char *crypto_interface(const json_t *entry);
const char *crypto_local(const json_t *entry);
const char *crypto_peer(const json_t *entry);
/* The IKE SA of that number, or NULL. */
const json_t *crypto_session_of(struct crypto_facts *f, uint64_t conn);
#define CRYPTO_MASK_STRLEN 48
/* "255.255.255.0"; of IPv6 the length. */
const char *crypto_mask(const json_t *ident, char *buf);
/* @head, "4608000 kilobytes/3600 seconds" */
void crypto_lifetime_out(const char *head, const json_t *o, const char *kb, const char *seconds);
#define CRYPTO_CLOCK_STRLEN 24
/* As IOS says how long: "00:27:42", "3d18h", "1w2d". */
const char *crypto_clock(uint64_t ms, char *buf);
/* An identity without its kind: "hub.example" of "fqdn hub.example". */
const char *crypto_id(const char *identity);
/* "permit ip 192.168.1.0/255.255.255.0 host 192.168.2.1" */
void crypto_flow_print(const struct crypto_flow *flow, char *buf, size_t size);

/* ---- crypto_ask.c -------------------------------------------------------- */

/* The member of the agent's reply to @cmd, a new reference; NULL: said why. */
json_t *crypto_ask(const struct exec_line *line, const char *cmd, const char *member);
/* CLI_OK, or said why. */
int crypto_facts_ask(const struct exec_line *line, struct crypto_facts *out);
void crypto_facts_free(struct crypto_facts *f);
/* Those of @maps, as a new list. */
json_t *crypto_chosen(const json_t *maps, const char *interface, const char *tag);
/* Whether the entry's map stands on @interface and is called @tag; NULL: any. */
bool crypto_map_chosen(const json_t *entry, const char *interface, const char *tag);

#endif
