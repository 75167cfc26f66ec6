/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration, read and checked: what the file says, cross references
 * resolved. Immutable once built; the agent holds one, a reload makes another.
 * All strings and arrays are owned by struct config and live as long as it.
 */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include <stdio.h>

#include <uthash.h>

#include "lib/addr.h"
#include "lib/id.h"
#include "lib/selector.h"
#include "lib/suite.h"
#include "prefpeerd/pki/pki.h"

#define CONF_NAME_MAX 63
#define CONF_PATH_DEFAULT "/etc/prefpeer/prefpeer.conf"

struct conf_pos {
	unsigned line; /* 1.. ; 0 = not from the file */
	unsigned col;  /* 1.. ; start of the word that is meant */
	unsigned len;  /* bytes of that word */
};

/* Of the header that a tunnel puts around a packet; UNSET: as the global line says. */
enum conf_df { DF_UNSET, DF_COPY, DF_CLEAR };
enum conf_ecn { ECN_UNSET, ECN_DISCARD, ECN_PROPAGATE };

enum dpd_mode { DPD_OFF, DPD_ON_DEMAND, DPD_PERIODIC };

/* semantics.md §3; interval and retry in ms whatever the unit typed. */
struct dpd {
	enum dpd_mode mode;
	uint32_t interval_ms; /* 10000..3600000, or 50.. with `milliseconds` */
	uint32_t retry_ms;    /* 2000..60000, or 20.. with `milliseconds` */
	bool strict;          /* probe in spite of inbound traffic */
	bool fixed;           /* spacing fixed: Cisco's, instead of ×1.5 */
	bool millis;          /* typed in milliseconds */
	bool keepalive;       /* from `crypto isakmp keepalive` (A15) */
	struct conf_pos pos;
};

/* `crypto ikev2 fragmentation` (RFC 7383). */
struct fragmentation {
	bool off;
	uint16_t mtu; /* of IP datagrams; 0 = 576 with IPv4, 1280 with IPv6 */
};

struct idle_time {
	uint32_t ms;     /* 0 = not set */
	bool home;       /* `default`: all SAs idle out → next attempt at the default peer */
	bool millis;
	bool not_added;  /* equals the global value (§2.2): inactive */
	bool kept;       /* … which came later: the line stays, for when they differ again */
	struct conf_pos pos;
};

struct acl_line {
	bool permit;
	uint32_t seq; /* 1..; 10, 20, … where none was typed; lines are in this order */
	struct selector sel;
	struct conf_pos pos;
};

struct acl {
	char name[CONF_NAME_MAX + 1]; /* "101" for numbered ones */
	sa_family_t family;           /* of its lines: the inner family */
	struct acl_line *lines;
	unsigned n_lines;
	struct conf_pos pos;
	UT_hash_handle hh; /* of config.acl_by_name */
};

struct transform_set {
	char name[CONF_NAME_MAX + 1];
	struct esp_suite suite;
	enum sa_mode mode;
	struct conf_pos pos;
};

#define IKE_WORDS_MAX 10
#define POLICY_PROPOSALS_MAX 8
#define POLICY_LOCALS_MAX 8

struct ike_word {
	int id;
	uint16_t key_bits;
};

/* `crypto ikev2 proposal`: lists in order of preference. */
struct ike_proposal {
	char name[CONF_NAME_MAX + 1];
	struct ike_word encr[IKE_WORDS_MAX], integ[IKE_WORDS_MAX], prf[IKE_WORDS_MAX],
		group[IKE_WORDS_MAX];
	unsigned n_encr, n_integ, n_prf, n_group;
	bool used, refused;
	struct conf_pos pos;
};

/* `crypto ikev2 policy`. */
struct ike_policy {
	char name[CONF_NAME_MAX + 1];
	struct addr locals[POLICY_LOCALS_MAX]; /* match address local; none: all others */
	unsigned n_locals;
	char proposals[POLICY_PROPOSALS_MAX][CONF_NAME_MAX + 1];
	struct conf_pos proposal_pos[POLICY_PROPOSALS_MAX];
	unsigned n_proposals;
	struct conf_pos pos;
};

#define PSK_MAX 128 /* bytes, as IOS */

/* One key, in the file or elsewhere; until config_credentials() has read it, @bytes is NULL. */
struct psk_secret {
	uint8_t *bytes; /* wiped by config_free() */
	size_t len;
	char *path;   /* `file` */
	char *sealed; /* `6`: under the master key */
	char *broken; /* NULL, or why it cannot be had: a sentence */
	struct conf_pos pos;
};

/* A pre-shared key: `crypto isakmp key K address A` or a keyring's peer. */
struct psk {
	struct prefix peer;     /* the dialled (or source) address; /0../32: mask of isakmp key */
	char *host;		/* in its place: `crypto isakmp key K hostname NAME` */
	struct ike_id identity; /* expected IDr, IKE_ID_NONE = the address itself (§14.5) */
	struct psk_secret key;  /* of both directions, or with @theirs our own */
	struct psk_secret theirs; /* the peer's */
	bool one_way;		/* `local` and `remote` */
	struct psk_secret next; /* takes the place of @key: used first, and both are accepted */
	char keyring[CONF_NAME_MAX + 1]; /* and its peer's name; both "" for an isakmp key */
	char name[CONF_NAME_MAX + 1];
	struct conf_pos pos;
};

#define AUTH_BY_PSK 8u /* beside the bits of enum pki_kind */

struct conf_file {
	char *path; /* absolute; NULL: none */
	struct conf_pos pos;
};

enum revocation { REVOCATION_UNSET, REVOCATION_NONE, REVOCATION_CRL };

/* `crypto pki trustpoint`. Unset, revocation is looked at when there is a crl file. */
struct trustpoint {
	char name[CONF_NAME_MAX + 1];
	struct conf_file ca, cert, key, crl;
	enum revocation revocation;
	struct conf_pos pos, revocation_pos;
	/* Of config_credentials(). */
	struct pki_own *own;
	struct pki_trust *trust;
	char *broken; /* NULL, or why it is of no use: a sentence */
};

struct trust_use {
	char name[CONF_NAME_MAX + 1];
	bool sign, verify;
	const struct trustpoint *trustpoint;
	struct conf_pos pos;
};

/* `crypto ikev2 profile`. */
struct ikev2_profile {
	char name[CONF_NAME_MAX + 1];
	struct ike_id_rule *remotes; /* match identity remote; none: the keyring's, or the address */
	unsigned n_remotes;
	struct ike_id local; /* NONE: the address, or with a certificate its subject */
	bool local_dn;
	unsigned auth_local;  /* one of AUTH_BY_PSK, enum pki_kind */
	unsigned auth_remote; /* a set of them */
	bool pkcs1;
	bool cert_if_asked; /* pki send-certificate on-request */
	char cert_map_name[CONF_NAME_MAX + 1]; /* match certificate; "": none */
	struct pki_map *cert_map;
	struct conf_pos cert_map_pos;
	struct dpd dpd;     /* in place of the global one; mode OFF: that one */
	uint16_t nat_keepalive_s; /* likewise; 0 = the global one */
	bool contact_forced; /* initial-contact force */
	char *description;
	char keyring[CONF_NAME_MAX + 1]; /* "": all keys of the file */
	struct trust_use uses[PKI_TRUST_MAX];
	unsigned n_uses;
	uint32_t lifetime_s; /* of IKE SAs; 0 = the default */
	struct conf_pos pos, local_pos, auth_local_pos, keyring_pos;
};

struct conf_peer {
	char *text;        /* as typed: address or host name */
	struct addr addr;  /* AF_UNSPEC for a name that is not resolved yet (A21) */
	bool is_name;
	bool is_default;
	bool is_shut;    /* `set peer A shutdown`: listed, and not used */
	bool is_dynamic; /* a name whose address is asked for before each IKE SA (§1.2) */
	char profile_name[CONF_NAME_MAX + 1]; /* "": the entry's */
	const struct ikev2_profile *profile;  /* in force: its own, or the entry's; NULL: none */
	struct conf_pos profile_pos;
	struct conf_pos pos;
};

#define HOST_NAME_MAX_LEN 253 /* RFC 1035 §2.3.4, written without the root's dot */
#define NAME_SERVERS_MAX 6
#define HOST_ADDRS_MAX 8

/* `ip host`: these addresses, whatever the name servers say. */
struct conf_host {
	char *name;
	struct addr addrs[HOST_ADDRS_MAX];
	unsigned n_addrs;
};

#define SESSION_KEY_MAX 64 /* bytes: of HMAC-SHA-512 */
#define SESSION_SPI_MIN 256 /* RFC 4303 §2.1: those below are reserved */

/* `set session-key`: what IKE would have agreed upon, for one direction. */
struct session_key {
	uint32_t spi; /* 0: not given */
	uint8_t encr[SESSION_KEY_MAX], integ[SESSION_KEY_MAX]; /* wiped with the entry */
	size_t encr_len, integ_len;
	bool encr_hidden, integ_hidden; /* CONF_HIDDEN was typed: that of the configuration in force */
	struct conf_pos pos, encr_pos, integ_pos;
};

/* `ipsec-manual`. */
struct conf_manual {
	struct session_key in, out;
};

enum rri_mode { RRI_NONE, RRI_PLAIN, RRI_STATIC };

/* `reverse-route`, `set reverse-route` (§4.7). */
struct reverse_route_conf {
	enum rri_mode mode;
	struct addr via;     /* remote-peer A, or gateway A; AF_UNSPEC: as the route to the peer */
	bool from_peer;      /* … by `remote-peer` */
	bool to_peer;        /* `remote-peer A gateway`: a route to the peer itself, too */
	uint32_t distance;   /* 0 = the system's */
	struct conf_pos pos;
};

struct map_entry {
	struct map *map;
	uint32_t seq; /* 1..65535; of a branch that called, above (entry/branch.c) */
	char *description;
	struct conf_peer *peers; /* in list order; a default is the first */
	unsigned n_peers;
	const struct acl *acl;   /* NULL: incomplete, inert */
	char acl_name[CONF_NAME_MAX + 1];
	const struct transform_set *sets[SUITE_MAX];
	unsigned n_sets;
	char set_names[SUITE_MAX][CONF_NAME_MAX + 1]; /* as typed, same order as sets */
	struct conf_pos set_pos[SUITE_MAX];
	struct conf_pos acl_pos; /* of the name in `match address` */
	char profile_name[CONF_NAME_MAX + 1]; /* set ikev2-profile; "": none */
	struct conf_pos profile_pos;
	struct idle_time idle;   /* as typed; see conf_entry_idle() */
	uint32_t answer_ms;      /* set ikev2 connect-timeout; 0 = not set */
	bool has_default;        /* peers[0].is_default */
	uint32_t lifetime_s;     /* set security-association lifetime seconds; 0 = the global one */
	uint64_t lifetime_kb;    /* likewise kilobytes; 0 = the global one */
	bool lifetime_kb_off;    /* `kilobytes disable` */
	struct replay replay;    /* set security-association replay; see conf_entry_replay() */
	enum conf_df df;         /* see conf_entry_df() */
	enum conf_ecn ecn;       /* see conf_entry_ecn() */
	struct reverse_route_conf rri;
	bool per_host;           /* set security-association level per-host */
	enum ike_dh pfs;         /* set pfs; NONE = no Diffie-Hellman of its own */
	/* `ipsec-isakmp dynamic NAME` (§4.2): its entries are templates for whoever calls. */
	char dynamic_name[CONF_NAME_MAX + 1];
	struct conf_pos dynamic_pos;
	const struct map *dynamic;
	const struct ikev2_profile *profile; /* of a template; NULL: none */
	struct conf_manual *manual; /* NULL: IKE makes its SAs */
	struct conf_pos pos;
};

#define RADIUS_SECRET_MAX 48 /* bytes; the client library's */
#define RADIUS_ACCT_PORT 1813 /* RFC 2866 §3 */
#define RADIUS_TIMEOUT_S 5
#define RADIUS_RETRANSMIT 3

/* `radius server NAME`. */
struct radius_server {
	char name[CONF_NAME_MAX + 1];
	struct addr addr;
	uint16_t port;
	char *secret; /* wiped by config_free() */
	uint32_t timeout_s, retransmit;
	struct conf_pos pos;
};

/* `aaa accounting network LIST`: where its records go; to all of them. */
struct acct_list {
	char name[CONF_NAME_MAX + 1];
	bool radius, syslog;
	char *file; /* absolute; NULL: to none */
	struct conf_pos pos;
};

struct map {
	char name[CONF_NAME_MAX + 1];
	sa_family_t family; /* of the peers: `crypto map [ipv6]` */
	struct map_entry **entries; /* by seq, ascending */
	unsigned n_entries;
	char **interfaces; /* those it stands on */
	unsigned n_interfaces;
	char local_address[16]; /* interface name, or "" */
	char acct_name[CONF_NAME_MAX + 1]; /* client accounting list; "": none */
	struct conf_pos acct_pos;
	const struct acct_list *acct;
	bool is_dynamic;        /* `crypto dynamic-map`: its entries are templates */
	struct conf_pos pos;    /* of the first line that names it */
};

/* `crypto ikev2 limit`, `crypto ikev2 cookie-challenge`; 0 = as engine_ike has it. */
struct ike_limits {
	uint32_t half_open; /* max-in-negotiation-sa: that peers began */
	uint32_t sas;       /* max-sa: that peers began, established ones too; 0 = any number */
	uint32_t cookies;   /* half-open ones from which on cookies are asked for */
};

/* `crypto logging`: what is said of besides. */
enum conf_logging { LOGGING_SESSION = 1, LOGGING_IKEV2 = 2 };

struct config {
	char *path;
	char *text; /* as config_load() read it; NULL of config_parse() */
	size_t text_len;
	char hostname[CONF_NAME_MAX + 1]; /* "" = not set */
	char enable_secret[128]; /* a hash, as of crypt(5); "" = not set */
	struct conf_pos enable_pos;
	uint32_t idle_ms; /* crypto ipsec security-association idle-time; 0 = off */
	struct dpd dpd;   /* what is in force (crypto ikev2 dpd, else isakmp keepalive) */
	struct fragmentation frag;
	unsigned logging; /* set of enum conf_logging */
	uint16_t nat_keepalive_s; /* crypto ikev2 nat keepalive; 0 = 20 s */
	uint32_t ike_lifetime_s;   /* of IKE SAs, unless a profile has its own; 86400 */
	uint32_t child_lifetime_s; /* crypto ipsec security-association lifetime seconds; 3600 */
	uint64_t child_lifetime_kb; /* 4608000; 0 = disabled */
	struct replay replay; /* crypto ipsec security-association replay */
	enum conf_df df;   /* crypto ipsec df-bit; UNSET = COPY */
	enum conf_ecn ecn; /* crypto ipsec security-association ecn; UNSET = DISCARD */
	struct addr name_servers[NAME_SERVERS_MAX]; /* none: those of /etc/resolv.conf */
	unsigned n_name_servers;
	struct conf_host *hosts;
	unsigned n_hosts;
	char *trust_anchor; /* path; NULL: answers are not validated */
	struct map **maps;
	unsigned n_maps;
	struct map **dynamics;
	unsigned n_dynamics;
	struct ike_limits limits;
	struct acl **acls;
	unsigned n_acls;
	struct acl *acl_by_name;
	struct transform_set **sets;
	unsigned n_sets;
	struct ike_proposal **proposals;
	unsigned n_proposals;
	struct ike_policy **policies;
	unsigned n_policies;
	struct ike_offer *offer; /* what the policies say; NULL: all strong suites */
	struct ike_local_offer *local_offers; /* of policies for a local address, in its place */
	unsigned n_local_offers;
	struct psk *psks; /* most specific first */
	unsigned n_psks;
	struct conf_file master; /* key config-key password-encrypt file: opens keys of type 6 */
	struct trustpoint **trustpoints;
	unsigned n_trustpoints;
	struct pki_map **cert_maps;
	unsigned n_cert_maps;
	struct ikev2_profile **profiles;
	unsigned n_profiles;
	struct radius_server **radius; /* in the order in which they are asked */
	unsigned n_radius;
	struct acct_list **acct_lists;
	unsigned n_acct_lists;
	uint32_t acct_update_min; /* aaa accounting update periodic; 0: no interim records */
};

enum conf_severity { CONF_ERROR, CONF_WARNING, CONF_NOTE };

struct conf_diag {
	enum conf_severity severity;
	struct conf_pos pos;
	bool incomplete; /* an error that lines which are still to come may mend */
	char *text; /* a sentence, IOS's own where semantics.md has it */
	char *hint; /* what would be right, or NULL */
};

struct conf_diags {
	struct conf_diag *list; /* in file order */
	unsigned n, n_errors, n_warnings;
};

/*
 * Read a whole configuration text. Pure: no file, network or name service.
 * Returns NULL when there is an error; diags always says what was found, all of
 * it, not only the first. Free both.
 */
struct config *config_parse(const char *path, const char *text, size_t len,
			    struct conf_diags *diags);
/* Reads the file; -errno (also -EACCES-like refusals with a diag: keys that the world may read). */
int config_load(const char *path, struct config **out, struct conf_diags *diags);
/* How it is found out which key a file holds: here, or where the keys are kept (signer.h). */
struct conf_keys {
	int (*load)(void *ctx, const char *path, struct pki_key *key, char *why, size_t size);
	/* A pre-shared key: with @sealed what that is under the master key in @path, else @path's. */
	int (*secret)(void *ctx, const char *path, const char *sealed, uint8_t out[PSK_MAX],
		      size_t *len, char *why, size_t size);
	void *ctx;
};

/* In this process, for one look. */
extern const struct conf_keys conf_keys_here;
/*
 * Reads the files of the trustpoints. What is wrong with one is said, with its place, and the
 * trustpoint is broken; the rest of the configuration is as good as before. Returns the number
 * of errors. @now: wall clock, seconds.
 */
unsigned config_credentials(struct config *c, const struct conf_keys *keys, int64_t now,
			    struct conf_diags *diags);
/* Wipes secrets. NULL is fine. */
void config_free(struct config *c);
void conf_text_free(char *text); /* likewise */
void conf_diags_free(struct conf_diags *d);
/* ux.md "Errors": FILE:LINE:COL: severity: text, the line, ^~~~, the hint; then the totals. */
void conf_diags_print(const struct conf_diags *d, const char *path, const char *text, FILE *out);

/* The idle timer in force for an entry (§2.2): its own where active, else the global one. ms 0 = off. */
/*
 * From the last contact to the death, R and round trips of that peer left out: on-demand
 * DPD finds the first unanswered packet by two looks at the counters, and a third is
 * the verdict (kernel.md §13).
 */
uint32_t conf_dpd_notice_ms(const struct dpd *d, uint32_t budget_ms);
/* Dead peer detection of a peer: its profile's, else the global one. */
const struct dpd *conf_dpd(const struct config *c, const struct ikev2_profile *profile);
/* Seconds between NAT keepalives, likewise; 0 = as the engine has it. */
uint16_t conf_nat_keepalive(const struct config *c, const struct ikev2_profile *profile);
struct idle_time conf_entry_idle(const struct config *c, const struct map_entry *e);
/* The volume after which an entry's SAs end: its own, else the global one. 0 = any. */
uint64_t conf_entry_lifetime_kb(const struct config *c, const struct map_entry *e);
/* Anti-replay of an entry's SAs: its own, else the global one, else 64 packets. */
struct replay conf_entry_replay(const struct config *c, const struct map_entry *e);
/* An entry's own, else the global one, else what IOS does: copy, and discard. */
enum conf_df conf_entry_df(const struct config *c, const struct map_entry *e);
enum conf_ecn conf_entry_ecn(const struct config *c, const struct map_entry *e);
/* There is such a key; its bytes may yet have to be read. */
bool conf_secret_is_set(const struct psk_secret *k);
/* The key for a dialled or source address, or by @name of the peer (NULL: it has none). NULL = none. */
const struct psk *conf_psk(const struct config *c, const char *name, const struct addr *peer);
/* What the keyring of @profile says of that address: key, identity or both; of all keys without one. */
const struct psk *conf_profile_psk(const struct config *c, const struct ikev2_profile *profile,
				   const char *name, const struct addr *peer);
/* The trustpoint whose certificate we prove ourselves by; NULL = none. */
const struct trustpoint *conf_profile_signer(const struct ikev2_profile *profile);
struct map *conf_find_map(const struct config *c, const char *name); /* NULL: none */
struct map *conf_find_dynamic(const struct config *c, const char *name); /* likewise */
const struct map_entry *conf_find_entry(const struct config *c, const char *map, unsigned seq);
/* Of the peers that are not shut down the @i-th, NULL behind the last: those that there are. */
const struct conf_peer *conf_peer_live(const struct map_entry *e, unsigned i);
unsigned conf_peers_live(const struct map_entry *e);
/* Why an entry has no policy at all (no access list, nothing permitted, no interface): a sentence,
 * or NULL. */
const char *conf_entry_inert(const struct map_entry *e);
/* Why an entry with an access list cannot protect (no peer, key or set): a sentence, or NULL. */
const char *conf_entry_incomplete(const struct config *c, const struct map_entry *e);
#define CONF_HIDDEN "<hidden>"
/* Running configuration, non-defaults only, in input syntax; secrets as CONF_HIDDEN. */
void config_print(const struct config *c, FILE *out);
/* The same, line by line, with the secrets: what config_parse() makes the same of. */
void config_write(const struct config *c, FILE *out);

/* A text that may hold secrets: conf_text_free() it. */
struct conf_text {
	char *s; /* terminated */
	size_t len;
};

/* As config_print(), or with @secrets as config_write(); 0 or -ENOMEM. Nothing of it stays behind. */
int config_text(const struct config *c, bool secrets, struct conf_text *out);

/*
 * What becomes of @present when the lines of @typed are given to it, `no` included: all of
 * them, or on any error none (NULL). Places in @diags are those of @typed; what is found
 * elsewhere has none, and is there only if it is news. A key that is CONF_HIDDEN stands
 * for the one that is in force. Free both.
 */
struct config *config_edit(const struct config *present, const char *typed, size_t len,
			   struct conf_diags *diags);
/* @text in place of all of @present, of which only keys are taken over, as above. */
struct config *config_replacement(const struct config *present, const char *text, size_t len,
				  struct conf_diags *diags);
/* Keys of @c that are CONF_HIDDEN, from @present (NULL: there are none). False: said which are not known. */
bool config_known_secrets(struct config *c, const struct config *present, struct conf_diags *diags);

/* Of a file, whose inactive idle timers are dropped: those of @like that are kept are kept here too. */
void config_keep_idle(struct config *c, const struct config *like);

/*
 * The differences between two configurations by section, in the manner of `show archive
 * config differences`; keys are compared and not shown. Returns how many lines differ, or -ENOMEM.
 */
int config_diff(const struct config *from, const struct config *to, FILE *out);

/* "permit ip 192.168.1.0 0.0.0.255 any" and an end of line. */
void conf_acl_line_print(const struct acl_line *l, sa_family_t family, FILE *out);

/*
 * `prefpeerd -t -f FILE`: every diagnostic, then for a valid file what is in
 * force per entry (timers, budgets, worst failover; semantics.md §3.3, §10).
 * Returns the exit status: 0 valid (warnings allowed), 1 not.
 */
int conf_main_check(const char *path, FILE *out);

#endif
