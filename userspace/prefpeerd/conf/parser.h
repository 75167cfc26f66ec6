/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration while it is being read; private to conf/. */
#ifndef CONF_PARSER_H
#define CONF_PARSER_H

#include "prefpeerd/conf/config.h"
#include "prefpeerd/conf/diag.h"
#include "prefpeerd/conf/grammar.h"

#define MODE_DEPTH_MAX 3 /* global, keyring, its peer */

/* An open mode and the object that its commands are about. */
struct frame {
	enum conf_mode mode;
	bool dead; /* its opening line was refused: commands are read, but not obeyed */
	struct map_entry *entry;
	struct acl *acl;
	struct transform_set *set;
	struct ike_proposal *proposal;
	struct ike_policy *policy;
	struct trustpoint *trustpoint;
	struct ikev2_profile *profile;
	struct radius_server *radius;
	struct pki_map *cert_map; /* with its number in @psk */
	char name[CONF_NAME_MAX + 1]; /* keyring or interface */
	unsigned psk;		      /* index, or number; any global command closes the mode */
};

/* `crypto map NAME` below `interface X`. */
struct map_use {
	char iface[16];
	char map[CONF_NAME_MAX + 1];
	bool ipv6; /* `ipv6 crypto map` */
	struct conf_pos pos;
};

struct parser {
	struct config *c;
	struct conf_diags *d;
	struct frame stack[MODE_DEPTH_MAX];
	unsigned depth; /* frames in use; stack[0] is global */
	struct map_use *uses;
	unsigned n_uses;
	struct dpd ikev2, keepalive;
	bool failed[MODE_COUNT]; /* a line that opens it was refused: its name is missing */
	bool oom;
};

static inline struct frame *parser_frame(struct parser *p)
{
	return &p->stack[p->depth - 1];
}

/* Opens a mode on top; the frame is zeroed. */
struct frame *parser_enter(struct parser *p, enum conf_mode mode);
/*
 * Room for one more item at the end of an array of n: zeroed, counted by the
 * caller. NULL: out of memory, and the parse will fail.
 */
void *parser_grow(struct parser *p, void *array, unsigned n, size_t size);
#define PARSER_GROW(p, array, n) (__typeof__(array))parser_grow(p, &(array), n, sizeof(*(array)))
void *parser_alloc(struct parser *p, size_t size);
char *parser_strdup(struct parser *p, const char *s, size_t len);

/* Diagnostics of handlers; text and hint as conf_diag() has them. */
void parser_error(struct parser *p, struct conf_pos pos, char *text, char *hint);
/* An error of something that is not whole yet: who types line by line goes on. */
void parser_incomplete(struct parser *p, struct conf_pos pos, char *text, char *hint);
void parser_warn(struct parser *p, struct conf_pos pos, char *text, char *hint);
/* `no` of something that is not there. */
void parser_nothing_to_remove(struct parser *p, const struct cmd *cmd);

/* What a keyword of `crypto map NAME SEQ` makes of an entry. */
enum entry_kind { ENTRY_ISAKMP = 1, ENTRY_MANUAL };

/* cmd_map.c */
void cmd_map_entry(struct parser *p, const struct cmd *cmd);
void cmd_map_remove(struct parser *p, const struct cmd *cmd);
void cmd_dynamic_entry(struct parser *p, const struct cmd *cmd);
void cmd_dynamic_remove(struct parser *p, const struct cmd *cmd);
void cmd_map_local_address(struct parser *p, const struct cmd *cmd);
void cmd_map_no_local_address(struct parser *p, const struct cmd *cmd);
void cmd_description(struct parser *p, const struct cmd *cmd);
void cmd_match_address(struct parser *p, const struct cmd *cmd);
void cmd_set_idle(struct parser *p, const struct cmd *cmd);
void cmd_set_lifetime(struct parser *p, const struct cmd *cmd);
void cmd_set_lifetime_kb(struct parser *p, const struct cmd *cmd);
void cmd_set_df(struct parser *p, const struct cmd *cmd);
void cmd_set_ecn(struct parser *p, const struct cmd *cmd);
void cmd_reverse_route(struct parser *p, const struct cmd *cmd);
void cmd_rri_distance(struct parser *p, const struct cmd *cmd);
void cmd_rri_gateway(struct parser *p, const struct cmd *cmd);
/* What can be said of them when all is read. */
void check_reverse_route(struct parser *p, const struct map_entry *e);
void cmd_set_per_host(struct parser *p, const struct cmd *cmd);
void cmd_set_replay(struct parser *p, const struct cmd *cmd);
void cmd_set_pfs(struct parser *p, const struct cmd *cmd);
void cmd_set_transform(struct parser *p, const struct cmd *cmd);
void cmd_set_timeout(struct parser *p, const struct cmd *cmd);
/* True, with an error: the command is about calling, and the entry is a template. */
bool conf_template_refuses(struct parser *p, const struct cmd *cmd, const char *what);
void cmd_set_profile(struct parser *p, const struct cmd *cmd);
void cmd_interface(struct parser *p, const struct cmd *cmd);
void cmd_no_interface(struct parser *p, const struct cmd *cmd);
void cmd_interface_map(struct parser *p, const struct cmd *cmd);

/* The map of that name, made if need be; NULL: it is of the other kind, or no memory. */
struct map *conf_map_get(struct parser *p, const struct cmd *cmd);

/* cmd_aaa.c */
void cmd_radius_server(struct parser *p, const struct cmd *cmd);
void cmd_no_radius_server(struct parser *p, const struct cmd *cmd);
void cmd_radius_address(struct parser *p, const struct cmd *cmd);
void cmd_radius_key(struct parser *p, const struct cmd *cmd);
void cmd_radius_timeout(struct parser *p, const struct cmd *cmd);
void cmd_radius_retransmit(struct parser *p, const struct cmd *cmd);
enum acct_method { ACCT_RADIUS = 1, ACCT_FILE, ACCT_SYSLOG };
void cmd_acct_list(struct parser *p, const struct cmd *cmd);
void cmd_no_acct_list(struct parser *p, const struct cmd *cmd);
void cmd_acct_update(struct parser *p, const struct cmd *cmd);
void cmd_map_accounting(struct parser *p, const struct cmd *cmd);
void conf_check_accounting(struct parser *p);
void conf_accounting_free(struct config *c);
/* Keys that are CONF_HIDDEN, from the configuration in force; false: said which there are not. */
bool conf_radius_known(struct radius_server *r, const struct config *present, struct conf_diags *diags);

/* cmd_manual.c */
enum session_way { SESSION_IN = 1, SESSION_OUT };
void cmd_manual_peer(struct parser *p, const struct cmd *cmd);
void cmd_session_key(struct parser *p, const struct cmd *cmd);
void cmd_no_session_key(struct parser *p, const struct cmd *cmd);
void conf_manual_free(struct conf_manual *m);
/* check_manual.c */
void conf_check_manual(struct parser *p, const struct map_entry *e);
const char *conf_manual_lacks(const struct map_entry *e);
/* Keys that are CONF_HIDDEN, from the configuration in force; false: said which there are not. */
bool conf_manual_known(struct map_entry *e, const struct config *present, struct conf_diags *diags);

/* cmd_peer.c */
void cmd_set_peer(struct parser *p, const struct cmd *cmd);
void cmd_no_peer(struct parser *p, const struct cmd *cmd);
void cmd_peer_shutdown(struct parser *p, const struct cmd *cmd);
/* Letters, digits and hyphens (RFC 1123 §2.1), and underscores; not a mistyped address. */
bool conf_is_host_name(const char *s);

/* cmd_dns.c */
void cmd_name_server(struct parser *p, const struct cmd *cmd);
void cmd_host(struct parser *p, const struct cmd *cmd);
void cmd_trust_anchor(struct parser *p, const struct cmd *cmd);
void conf_host_free(struct conf_host *h);

/* cmd_acl.c */
void cmd_acl_named(struct parser *p, const struct cmd *cmd);
void cmd_acl_line(struct parser *p, const struct cmd *cmd);
void cmd_acl_remark(struct parser *p, const struct cmd *cmd);
void cmd_acl_remove(struct parser *p, const struct cmd *cmd);
void cmd_acl_no_line(struct parser *p, const struct cmd *cmd);
void cmd_acl_no_match(struct parser *p, const struct cmd *cmd);
/* acl_ports.c: protocol and ports of a line into @out; false: said why not. */
bool conf_acl_ports(struct parser *p, const struct cmd *cmd, sa_family_t family,
		    struct selector *out);
struct acl *conf_find_acl(const struct config *c, const char *name);

/* cmd_crypto.c */
void cmd_transform_set(struct parser *p, const struct cmd *cmd);
void cmd_no_transform_set(struct parser *p, const struct cmd *cmd);
void cmd_set_esn(struct parser *p, const struct cmd *cmd);
void cmd_mode_tunnel(struct parser *p, const struct cmd *cmd);
void cmd_mode_transport(struct parser *p, const struct cmd *cmd);
void cmd_global_idle(struct parser *p, const struct cmd *cmd);
void cmd_global_lifetime(struct parser *p, const struct cmd *cmd);
void cmd_global_lifetime_kb(struct parser *p, const struct cmd *cmd);
void cmd_global_df(struct parser *p, const struct cmd *cmd);
void cmd_global_ecn(struct parser *p, const struct cmd *cmd);
void cmd_global_replay(struct parser *p, const struct cmd *cmd);
uint32_t cmd_lifetime(const struct cmd *cmd); /* in seconds; of `no`: 0 */
struct replay cmd_replay(const struct cmd *cmd); /* what such a line says; of `no`: nothing */
void cmd_keepalive(struct parser *p, const struct cmd *cmd);
void cmd_dpd(struct parser *p, const struct cmd *cmd);
void cmd_fragmentation(struct parser *p, const struct cmd *cmd);
void cmd_logging(struct parser *p, const struct cmd *cmd);
void cmd_limit_half_open(struct parser *p, const struct cmd *cmd);
void cmd_limit_sas(struct parser *p, const struct cmd *cmd);
void cmd_cookie_challenge(struct parser *p, const struct cmd *cmd);
void cmd_hostname(struct parser *p, const struct cmd *cmd);
struct transform_set *conf_find_set(const struct config *c, const char *name);

/* cmd_ikev2.c */
void cmd_proposal(struct parser *p, const struct cmd *cmd);
void cmd_no_proposal(struct parser *p, const struct cmd *cmd);
void cmd_encryption(struct parser *p, const struct cmd *cmd);
void cmd_integrity(struct parser *p, const struct cmd *cmd);
void cmd_prf(struct parser *p, const struct cmd *cmd);
void cmd_group(struct parser *p, const struct cmd *cmd);
void cmd_policy(struct parser *p, const struct cmd *cmd);
void cmd_no_policy(struct parser *p, const struct cmd *cmd);
void cmd_policy_local(struct parser *p, const struct cmd *cmd);
void cmd_policy_proposal(struct parser *p, const struct cmd *cmd);
/* What the policies offer; makes c->offer. */
void check_policies(struct parser *p);
void print_ikev2(const struct config *c, FILE *out);
void conf_offer_free(struct ike_offer *o);

/* cmd_key.c */
void cmd_isakmp_key(struct parser *p, const struct cmd *cmd);
void cmd_no_isakmp_key(struct parser *p, const struct cmd *cmd);
void cmd_keyring(struct parser *p, const struct cmd *cmd);
void cmd_no_keyring(struct parser *p, const struct cmd *cmd);
void cmd_keyring_peer(struct parser *p, const struct cmd *cmd);
void cmd_no_keyring_peer(struct parser *p, const struct cmd *cmd);
void cmd_peer_address(struct parser *p, const struct cmd *cmd);
void cmd_peer_identity(struct parser *p, const struct cmd *cmd);
void cmd_peer_key(struct parser *p, const struct cmd *cmd);

/* How long the text in SLOT_TEXT is that goes on to the end of the line (ARG_REST). */
size_t conf_rest_len(const struct cmd *cmd);
/* A `{address A|fqdn N|email N|key-id K|dn DN}`; false: said why not. */
bool conf_identity(struct parser *p, const struct cmd *cmd, struct ike_id *out);

/* cmd_enable.c */
void cmd_enable_secret(struct parser *p, const struct cmd *cmd);

/* cmd_certmap.c */
void cmd_cert_map(struct parser *p, const struct cmd *cmd);
void cmd_no_cert_map(struct parser *p, const struct cmd *cmd);
void cmd_cert_rule(struct parser *p, const struct cmd *cmd);
void cmd_match_certificate(struct parser *p, const struct cmd *cmd);
void conf_check_cert_map(struct parser *p, struct ikev2_profile *f);
void print_cert_map(const struct pki_map *m, FILE *out);

/* cmd_secret.c */
/* As the line has it; false: refused, and said why. */
bool conf_secret_set(struct parser *p, const struct cmd *cmd, struct psk_secret *k);
void cmd_master_key(struct parser *p, const struct cmd *cmd);
void conf_check_secrets(struct parser *p, const struct psk *k);

/* cmd_pki.c */
void cmd_trustpoint(struct parser *p, const struct cmd *cmd);
void cmd_no_trustpoint(struct parser *p, const struct cmd *cmd);
void cmd_ca_file(struct parser *p, const struct cmd *cmd);
void cmd_cert_file(struct parser *p, const struct cmd *cmd);
void cmd_key_file(struct parser *p, const struct cmd *cmd);
void cmd_crl_file(struct parser *p, const struct cmd *cmd);
void cmd_revocation(struct parser *p, const struct cmd *cmd);
struct trustpoint *conf_find_trustpoint(const struct config *c, const char *name);
void conf_trustpoint_free(struct trustpoint *t);
void conf_check_trustpoint(struct parser *p, const struct trustpoint *t);

/* cmd_profile.c */
void cmd_profile(struct parser *p, const struct cmd *cmd);
void cmd_no_profile(struct parser *p, const struct cmd *cmd);
void cmd_match_identity(struct parser *p, const struct cmd *cmd);
void cmd_identity_local(struct parser *p, const struct cmd *cmd);
void cmd_profile_lifetime(struct parser *p, const struct cmd *cmd);
void cmd_auth_local(struct parser *p, const struct cmd *cmd);
void cmd_auth_remote(struct parser *p, const struct cmd *cmd);
void cmd_profile_keyring(struct parser *p, const struct cmd *cmd);
void cmd_profile_trustpoint(struct parser *p, const struct cmd *cmd);
/* cmd_profile_sa.c */
void cmd_profile_description(struct parser *p, const struct cmd *cmd);
void cmd_profile_contact(struct parser *p, const struct cmd *cmd);
void cmd_profile_certificate(struct parser *p, const struct cmd *cmd);
void cmd_nat_keepalive(struct parser *p, const struct cmd *cmd);
struct ikev2_profile *conf_find_profile(const struct config *c, const char *name);
void conf_profile_free(struct ikev2_profile *f);
void conf_check_profile(struct parser *p, struct ikev2_profile *f);

/* config.c */
void conf_entry_free(struct map_entry *e);
void conf_map_free(struct map *m);
void conf_acl_free(struct acl *a);
void conf_psk_wipe(struct psk *k);
void conf_secret_wipe(struct psk_secret *k);
/* It has the pre-shared key that it needs, or needs none. */
bool conf_peer_has_key(const struct config *c, const struct conf_peer *q);
/* config_load(), with the text kept for conf_diags_print(); free it with conf_text_free(). */
int conf_load_text(const char *path, struct config **out, struct conf_diags *diags, char **text);
#define IKE_LIFETIME_S 86400
#define CHILD_LIFETIME_S 3600
#define CHILD_LIFETIME_KB 4608000
#define REPLAY_DEFAULT 64 /* packets, semantics.md §4.6 */

/* check.c: resolves names, puts in force, and judges the whole. */
void conf_check(struct parser *p);

/* check_sets.c: what the sets of an entry are to each other, and to its lines */
void conf_check_sets(struct parser *p, const struct map_entry *e);

#endif
