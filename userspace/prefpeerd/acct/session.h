/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One session and its SAs; private to acct/. */
#ifndef ACCT_SESSION_H
#define ACCT_SESSION_H

#include "prefpeerd/acct/acct.h"

struct acct_count {
	uint64_t bytes_in, bytes_out, packets_in, packets_out;
};

/* An SA that is known to be of the session, as it was last seen. */
struct acct_sa {
	struct addr dst;
	uint32_t spi;
	bool in;
	uint64_t bytes, packets;
	uint64_t old_bytes, old_packets; /* what it had carried before the session */
};

struct acct_session {
	char id[40];
	char list[CONF_NAME_MAX + 1], map[CONF_NAME_MAX + 1];
	uint32_t seq;
	char peer[256], identity[IKE_ID_STRLEN];
	bool manual;
	struct addr local, remote;
	mono_t since, ended; /* ended UNSET: it is open */
	int64_t since_ms, ended_ms; /* wall clock */
	mono_t next_interim;
	bool told;           /* its start is in the records */
	enum entry_reason reason;
	unsigned cause;      /* 0: by the reason */
	char text[ENTRY_TEXT_MAX];
	uint32_t *reqids;
	unsigned n_reqids, cap_reqids;
	struct acct_sa *sas;
	unsigned n_sas, cap_sas;
	struct acct_count gone; /* of SAs that ended */
};

void acct_session_free(struct acct_session *s);
bool acct_session_is_open(const struct acct_session *s);
void acct_session_add_reqid(struct acct_session *s, uint32_t reqid);
bool acct_session_has_reqid(const struct acct_session *s, uint32_t reqid);
struct acct_sa *acct_session_sa(const struct acct_session *s, const struct kernel_sa_id *id);
/* By reqid and the peer's address. */
bool acct_session_fits(const struct acct_session *s, const struct kernel_sa_entry *sa);
/* Seen in the kernel, or for the last time. */
void acct_session_read(struct acct_session *s, const struct kernel_sa_entry *sa);
void acct_session_sa_ended(struct acct_session *s, const struct kernel_sa_entry *sa);
struct acct_count acct_session_count(const struct acct_session *s);

/* record.c; @type: "start", "interim", "stop". The caller's. */
json_t *record_of(const struct acct_session *s, const char *type, int64_t wall_ms, mono_t now);
/* "on", "off": of the agent itself. */
json_t *record_of_agent(const char *type, int64_t wall_ms);
/* What is kept becomes the stop of a session that died with its agent. NULL: it is none. */
json_t *record_of_orphan(const json_t *kept, int64_t wall_ms);

#endif
