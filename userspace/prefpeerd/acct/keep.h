/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sessions that are open, in the state directory: an agent that is killed cannot say so. */
#ifndef ACCT_KEEP_H
#define ACCT_KEEP_H

#include <jansson.h>

struct lastgood;

/* Not synced: it is for the death of a process, not of the machine. */
int keep_sessions(struct lastgood *l, const json_t *sessions);
/* NULL: none, or not readable. */
json_t *kept_sessions(struct lastgood *l);

#endif
