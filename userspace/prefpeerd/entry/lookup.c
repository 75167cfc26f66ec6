/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of peers that are names (semantics.md §1.2, A20, A21). All names of a
 * walk are asked for when it begins, and a step waits for its own only. What an
 * answer says is for the next IKE SA, never for the one in use.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "prefpeerd/entry/core.h"

struct addr lookup_nowhere(sa_family_t family)
{
	struct addr a = {.family = family};

	/* RFC 7600 §6, RFC 6666: nothing is there, and nothing is forwarded to it. */
	if (family == AF_INET)
		a.v4.s_addr = htonl(0xc0000008);
	else
		inet_pton(AF_INET6, "100::1", &a.v6);
	return a;
}

bool lookup_usable(struct run *r, const struct core_entry *e, const struct core_peer *p)
{
	struct core_peer unknown = *p;
	struct addr a;

	if (addr_is_set(&p->addr) && !r->env->local(r->env->ctx, e, p, &a, NULL))
		return true;
	/* Its next address may be reached where the last one is not. */
	unknown.addr = (struct addr){0};
	return p->is_name && (p->dynamic || p->name != NAME_KNOWN) &&
	       !r->env->local(r->env->ctx, e, &unknown, &a, NULL);
}

int64_t lookup_ttl_ms(const struct core_peer *p, mono_t now)
{
	if (!p->dynamic || !addr_is_set(&p->addr) || !mono_is_set(p->valid_until) ||
	    !mono_before(now, p->valid_until))
		return -1;
	return mono_diff_ms(p->valid_until, now);
}

static void ask(struct run *r, struct core_entry *e, struct core_peer *p)
{
	struct core_action *a = emit(r, ACT_RESOLVE, e);

	p->name = NAME_ASKED;
	p->query = ++r->c->last_query;
	p->ask_until = mono_add_ms(r->env->now, NAME_WAIT_MS);
	a->key = p->key;
	a->query = p->query;
}

void lookup_walk(struct run *r, struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_peers; i++)
		if (e->peers[i].is_name && (e->peers[i].dynamic || e->peers[i].name != NAME_KNOWN))
			ask(r, e, &e->peers[i]);
}

void lookup_fixed(struct run *r, struct core_entry *e)
{
	for (unsigned i = 0; i < e->n_peers; i++) {
		struct core_peer *p = &e->peers[i];

		if (p->is_name && !p->dynamic && p->name != NAME_KNOWN && p->name != NAME_ASKED &&
		    e->state != ENTRY_WALK)
			ask(r, e, p);
	}
}

void lookup_wait(struct core_entry *e, const struct core_peer *p)
{
	e->at = (struct core_attempt){.kind = AT_NAME, .at = p->ask_until};
	e->local = (struct addr){0};
}

static void note(struct run *r, struct core_entry *e, struct core_peer *p)
{
	const struct cause why = {.reason = REASON_DNS, .text = p->name_text};

	entry_note(r, e, NTF_NOTE, 0, p->key, &why);
}

static void take_address(struct run *r, struct core_entry *e, struct core_peer *p,
			 const struct name_answer *a, remote_id remote)
{
	bool news = p->name == NAME_FAILED || !addr_equal(&p->addr, &a->addr);
	char text[ADDR_STRLEN];

	p->name = NAME_KNOWN;
	p->addr = a->addr;
	p->remote = remote;
	p->trust = a->trust;
	p->valid_until = mono_add_ms(r->env->now, (int64_t)a->ttl_s * 1000);
	addr_print(&a->addr, text, sizeof(text));
	if (a->trust == TRUST_LOCAL)
		snprintf(p->name_text, sizeof(p->name_text), "address %s, by ip host", text);
	else
		snprintf(p->name_text, sizeof(p->name_text),
			 "address %s, TTL %" PRIu32 " s, DNSSEC %s", text, a->ttl_s,
			 name_trust_text(a->trust));
	if (news)
		note(r, e, p);
}

/* An address that an answer gave for longer than until now does in the place of a new answer. */
static void take_refusal(struct run *r, struct core_entry *e, struct core_peer *p,
			 const struct name_answer *a)
{
	int64_t left = a->result == NAME_SILENT ? lookup_ttl_ms(p, r->env->now) : -1;

	p->name = left > 0 ? NAME_KNOWN : NAME_FAILED;
	if (a->result == NAME_BOGUS)
		p->trust = TRUST_BOGUS;
	if (left > 0)
		snprintf(p->name_text, sizeof(p->name_text),
			 "%.60s; the last answer holds for %" PRId64 " s more", a->text,
			 (left + 999) / 1000);
	else
		snprintf(p->name_text, sizeof(p->name_text), "%s", a->text);
	note(r, e, p);
}

static void take(struct run *r, struct core_entry *e, struct core_peer *p,
		 const struct name_answer *a, remote_id remote)
{
	bool in_use = e->state == ENTRY_UP ? p->key == e->c
					   : walk_peer(e) == p->key && e->at.kind != AT_NAME;

	if (in_use)
		p->name = NAME_KNOWN;
	else if (a->result == NAME_ADDR)
		take_address(r, e, p, a, remote);
	else if (p->name == NAME_ASKED)
		take_refusal(r, e, p, a);
	if (e->at.kind == AT_NAME && walk_peer(e) == p->key)
		walk_resume(r, e);
	else if (e->state == ENTRY_DOWN || e->state == ENTRY_BACKOFF)
		entry_point(r, e);
}

void core_name_answered(struct run *r, uint32_t query, const struct name_answer *a,
			remote_id remote)
{
	for (unsigned i = 0; i < r->c->n_entries; i++)
		for (unsigned j = 0; query && j < r->c->entries[i]->n_peers; j++) {
			struct core_peer *p = &r->c->entries[i]->peers[j];

			if (p->query != query)
				continue;
			p->query = 0;
			take(r, r->c->entries[i], p, a, remote);
			core_settle(r);
			return;
		}
}

/* The question stays: a late answer is of use to the next walk. */
void lookup_overdue(struct run *r, struct core_entry *e)
{
	const struct name_answer silent = {.result = NAME_SILENT,
					   .text = "no answer from the name servers in 5 s"};
	struct core_peer *p = peer_find(e, walk_peer(e));

	take_refusal(r, e, p, &silent);
	walk_resume(r, e);
}
