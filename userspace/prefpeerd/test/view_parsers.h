/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What parsers of IOS's output look for, restated as extended regular expressions over lines
 * without leading and trailing blanks: those of genieparser (iosxe/show_crypto.py), and of
 * ntc-templates (cisco_ios_show_crypto_*), which take no line that they do not know.
 */
#ifndef TEST_VIEW_PARSERS_H
#define TEST_VIEW_PARSERS_H

#include <stdbool.h>

/* Each of the NULL-terminated list @res has a line of @text. */
void parser_finds(const char *text, const char *const *res);
/* Each line of @text matches one of @res. */
void parser_knows_all(const char *text, const char *const *res);
/* How many lines match. */
unsigned parser_count(const char *text, const char *re);

extern const char *const parser_ipsec_sa[];	   /* genieparser */
extern const char *const parser_ipsec_sa_sas[];	   /* … of a pair that is up */
extern const char *const parser_ipsec_sa_detail[]; /* ntc-templates: every line */
extern const char *const parser_session_detail[];  /* genieparser, up */
extern const char *const parser_session_all[];	   /* ntc-templates: every line */
extern const char *const parser_ikev2_sa_detail[];
extern const char *const parser_isakmp_sa[];
extern const char *const parser_isakmp_sa_detail[];
extern const char *const parser_ikev2_stats[];
extern const char *const parser_ikev2_timeouts[];

#endif
