/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collecting diagnostics; private to conf/. */
#ifndef CONF_DIAG_H
#define CONF_DIAG_H

#include "prefpeerd/conf/config.h"
#include "prefpeerd/conf/lex.h"

#define CONF_DIAGS_MAX 1000 /* more are counted, but not kept */

/* A string of its own; NULL when there is no memory. */
char *conf_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Takes text and hint (which may be NULL). */
void conf_diag(struct conf_diags *d, enum conf_severity severity, struct conf_pos pos, char *text,
	       char *hint);
struct conf_pos conf_pos_word(const struct line *ln, const struct word *w);
/* By line, then column; what has the same place stays in order of arrival. */
void conf_diags_sort(struct conf_diags *d);

#endif
