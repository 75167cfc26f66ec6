/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two processes say to each other; one packet each, as long as it has to be. */
#ifndef ACCT_WRITER_IMPL_H
#define ACCT_WRITER_IMPL_H

#include <limits.h>
#include <stddef.h>

#include "prefpeerd/acct/writer.h"

#define WRITER_RECORD_MAX 8192

enum writer_op { WRITER_RESET = 1, WRITER_SERVER, WRITER_LIST, WRITER_RECORD };

struct writer_server {
	char name[CONF_NAME_MAX + 1], address[ADDR_STRLEN];
	uint32_t port, timeout_s, retransmit;
	char secret[RADIUS_SECRET_MAX + 1];
};

struct writer_list {
	char name[CONF_NAME_MAX + 1];
	bool radius, syslog;
	char file[PATH_MAX];
};

struct writer_msg {
	uint32_t op;
	union {
		char nas[CONF_NAME_MAX + 1]; /* RESET: how this gateway calls itself */
		struct writer_server server;
		struct writer_list list;
		struct {
			char list[CONF_NAME_MAX + 1];
			char json[WRITER_RECORD_MAX];
		} record;
	};
};

#define WRITER_SIZE(member) (offsetof(struct writer_msg, member) + \
			     sizeof(((struct writer_msg *)0)->member))

/* The other process; returns when the first one is gone. 0: it went well. */
int writer_process(int fd, const char *user);

/* radius.c: a server, asked once and waited for. */
struct radius;
struct radius *radius_new(const struct writer_server *s, const char *nas);
void radius_free(struct radius *r);
enum radius_answer { RADIUS_OK, RADIUS_SILENT, RADIUS_BAD, RADIUS_FAILED };
/* @delay_s: how long the record waits already (Acct-Delay-Time). */
enum radius_answer radius_send(struct radius *r, const json_t *record, uint32_t delay_s);
const char *radius_name(const struct radius *r);
uint32_t radius_timeout_s(const struct radius *r);
uint32_t radius_retransmit(const struct radius *r);

#endif
