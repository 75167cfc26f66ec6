/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that writes accounting records: to files, to the system's log, to RADIUS
 * servers. Each of them may block, so none is touched by the process with the loop: it
 * hands over packets, and keeps what does not fit at the moment, up to a bound. The other
 * one is the agent's user without a capability, behind a filter of its own.
 */
#ifndef ACCT_WRITER_H
#define ACCT_WRITER_H

#include <jansson.h>

#include "prefpeerd/conf/config.h"
#include "prefpeerd/sandbox.h"

struct event_base;
struct writer;

#define WRITER_QUEUE 4096 /* records that wait, on either side */

/* Forks, as root and before anything is read; @user NULL: stays who it is. 0 or -errno. */
int writer_open(const char *user, struct writer **out);
/* What waits is sent from @base's loop. 0 or -errno. */
int writer_attach(struct writer *w, struct event_base *base);
/* Lists and servers from now on. */
void writer_configure(struct writer *w, const struct config *c);
void writer_record(struct writer *w, const char *list, const json_t *record);
/* It still writes what it has, for some seconds, and ends by itself. NULL is fine. */
void writer_close(struct writer *w);

#endif
