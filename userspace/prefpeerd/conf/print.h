/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running configuration, by subject; private to conf/. */
#ifndef CONF_PRINT_H
#define CONF_PRINT_H

#include "prefpeerd/conf/parser.h"

/* print_key.c */
/* "fqdn hub1.example", or with @domain "fqdn domain example". */
void print_identity(const struct ike_id *id, bool domain, FILE *out);
/* With @secrets they are as they are, else CONF_HIDDEN, which stands for itself (edit.c). */
void print_keys(const struct config *c, bool secrets, FILE *out);
/* print_profile.c */
void print_trustpoint(const struct trustpoint *t, FILE *out);
void print_profile(const struct ikev2_profile *f, FILE *out);
/* print_acl.c */
void print_acl(const struct acl *a, FILE *out);
/* print_aaa.c */
void print_accounting(const struct config *c, bool secrets, FILE *out);
/* print_manual.c */
void print_session_keys(const struct map_entry *e, bool secrets, FILE *out);
/* print_map.c */
void print_replay(const char *command, const struct replay *r, FILE *out);
/* What is other than unset. */
void print_df_ecn(const char *command, enum conf_df df, enum conf_ecn ecn, FILE *out);
void print_map(const struct map *m, bool secrets, FILE *out);
void print_interfaces(const struct map *m, FILE *out);

/* "WORD 10 2 periodic"; nothing where it is off. print.c */
void print_dpd(const char *word, const struct dpd *d, FILE *out);

#endif
