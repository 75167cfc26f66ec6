// SPDX-License-Identifier: GPL-2.0-or-later
/* What a session has carried: its SAs as they were last seen, and those that are gone. */
#include <stdlib.h>

#include "prefpeerd/acct/session.h"
#include "prefpeerd/entry/mem.h"

#define OLDER_MS 3000 /* the kernel's times are in seconds */

void acct_session_free(struct acct_session *s)
{
	free(s->reqids);
	free(s->sas);
	free(s);
}

bool acct_session_is_open(const struct acct_session *s)
{
	return !mono_is_set(s->ended);
}

bool acct_session_has_reqid(const struct acct_session *s, uint32_t reqid)
{
	for (unsigned i = 0; i < s->n_reqids; i++)
		if (s->reqids[i] == reqid)
			return true;
	return false;
}

void acct_session_add_reqid(struct acct_session *s, uint32_t reqid)
{
	if (acct_session_has_reqid(s, reqid))
		return;
	MEM_ROOM(s->reqids, s->n_reqids, s->cap_reqids);
	s->reqids[s->n_reqids++] = reqid;
}

struct acct_sa *acct_session_sa(const struct acct_session *s, const struct kernel_sa_id *id)
{
	for (unsigned i = 0; i < s->n_sas; i++)
		if (s->sas[i].spi == id->spi && addr_equal(&s->sas[i].dst, &id->dst))
			return &s->sas[i];
	return NULL;
}

bool acct_session_fits(const struct acct_session *s, const struct kernel_sa_entry *sa)
{
	return acct_session_has_reqid(s, sa->r.reqid) &&
	       (addr_equal(&sa->id.dst, &s->remote) || addr_equal(&sa->r.src, &s->remote));
}

/* Manual SAs are older than an agent that was started anew, others than a list of a reload. */
static bool is_older(const struct acct_session *s, const struct kernel_sa_entry *sa)
{
	return sa->add_time && (int64_t)sa->add_time * 1000 + OLDER_MS < s->since_ms;
}

void acct_session_read(struct acct_session *s, const struct kernel_sa_entry *sa)
{
	struct acct_sa *known = acct_session_sa(s, &sa->id);

	if (!known) {
		MEM_ROOM(s->sas, s->n_sas, s->cap_sas);
		known = &s->sas[s->n_sas++];
		*known = (struct acct_sa){ .dst = sa->id.dst, .spi = sa->id.spi,
					   .in = addr_equal(&sa->r.src, &s->remote) };
		if (is_older(s, sa)) {
			known->old_bytes = sa->r.bytes;
			known->old_packets = sa->r.packets;
		}
	}
	known->bytes = sa->r.bytes;
	known->packets = sa->r.packets;
}

static void add(struct acct_count *c, const struct acct_sa *sa)
{
	if (sa->in) {
		c->bytes_in += sa->bytes - sa->old_bytes;
		c->packets_in += sa->packets - sa->old_packets;
	} else {
		c->bytes_out += sa->bytes - sa->old_bytes;
		c->packets_out += sa->packets - sa->old_packets;
	}
}

void acct_session_sa_ended(struct acct_session *s, const struct kernel_sa_entry *sa)
{
	struct acct_sa *known;

	acct_session_read(s, sa);
	known = acct_session_sa(s, &sa->id);
	add(&s->gone, known);
	*known = s->sas[--s->n_sas];
}

struct acct_count acct_session_count(const struct acct_session *s)
{
	struct acct_count c = s->gone;

	for (unsigned i = 0; i < s->n_sas; i++)
		add(&c, &s->sas[i]);
	return c;
}
