// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/messages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/log.h"

#define AREA "crypto"
#define NAMED "CRYPTO_MNEMONIC"

/* Who is at the other end of an IKE SA, as its last one has shown. */
struct known_peer {
	char addr[ADDR_STRLEN]; /* key */
	uint16_t port;
	char id[IKE_ID_STRLEN];
	UT_hash_handle hh;
};

/* A tunnel that was said to be up. */
struct tunnel {
	char key[CONF_NAME_MAX + 16]; /* "tohub 1" */
	char peer[ENDPOINT_STRLEN];
	char id[IKE_ID_STRLEN];
	UT_hash_handle hh;
};

struct messages {
	bool on; /* a map stands on an interface */
	struct known_peer *peers;
	struct tunnel *tunnels;
};

struct messages *messages_new(void)
{
	return calloc(1, sizeof(struct messages));
}

void messages_free(struct messages *m)
{
	struct known_peer *p, *ptmp;
	struct tunnel *t, *ttmp;

	if (!m)
		return;
	HASH_ITER(hh, m->peers, p, ptmp) {
		HASH_DEL(m->peers, p);
		free(p);
	}
	HASH_ITER(hh, m->tunnels, t, ttmp) {
		HASH_DEL(m->tunnels, t);
		free(t);
	}
	free(m);
}

/* IOS pads what stands before the address. */
#define STATUS_UP "UP  "
#define STATUS_DOWN "DOWN"

/* ---- the configuration -------------------------------------------------------- */

static bool stands_somewhere(const struct config *c)
{
	for (unsigned i = 0; i < c->n_maps; i++)
		if (c->maps[i]->n_interfaces)
			return true;
	return false;
}

void messages_configured(struct messages *m, const struct config *c)
{
	static const struct log_field fields[] = { { NAMED, "CRYPTO-6-ISAKMP_ON_OFF" }, { 0 } };
	bool on = stands_somewhere(c);

	if (!m || on == m->on)
		return;
	m->on = on;
	log_fields(LOG_LVL_INFO, AREA, fields, "%%CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is %s",
		   on ? "ON" : "OFF");
}

/* ---- IKE SAs -------------------------------------------------------------------- */

static struct known_peer *known(const struct messages *m, const struct addr *a)
{
	char text[ADDR_STRLEN];
	struct known_peer *p;

	addr_print(a, text, sizeof(text));
	HASH_FIND_STR(m->peers, text, p);
	return p;
}

/* Without the word that says what kind of identity it is. */
static const char *bare_id(const struct ike_id *id, char *buf, size_t size)
{
	const char *space;

	if (!id->type)
		return "(none)";
	ike_id_print(id, buf, size);
	space = strchr(buf, ' ');
	return space ? space + 1 : buf;
}

static void remember(struct messages *m, const struct engine_event *ev)
{
	struct known_peer *p = known(m, &ev->info.peer.addr);
	char id[IKE_ID_STRLEN];

	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return;
		addr_print(&ev->info.peer.addr, p->addr, sizeof(p->addr));
		HASH_ADD_STR(m->peers, addr, p);
	}
	p->port = ev->info.peer.port;
	snprintf(p->id, sizeof(p->id), "%s", bare_id(&ev->info.peer_id, id, sizeof(id)));
}

static void say_ikev2(const struct engine_event *ev, bool up)
{
	char peer[ADDR_STRLEN], buf[IKE_ID_STRLEN];
	const char *id = bare_id(&ev->info.peer_id, buf, sizeof(buf));
	const struct log_field fields[] = { { NAMED, "CRYPTO-5-IKEV2_SESSION_STATUS" },
					    { "CRYPTO_PEER", peer },
					    { "CRYPTO_ID", id },
					    { "CRYPTO_STATUS", up ? "UP" : "DOWN" },
					    { "CRYPTO_REASON",
					      up ? NULL : engine_why_name(ev->why) },
					    { 0 } };

	addr_print(&ev->info.peer.addr, peer, sizeof(peer));
	log_fields(LOG_LVL_NOTICE, AREA, fields,
		   "%%CRYPTO-5-IKEV2_SESSION_STATUS: Crypto tunnel v2 is %s.  Peer %s:%u       Id: %s",
		   up ? "UP" : "DOWN", peer, ev->info.peer.port, id);
}

/* ---- set-ups that failed ---------------------------------------------------------- */

static const char *profile_of(const struct config *c, const struct addr *peer)
{
	for (unsigned i = 0; i < c->n_maps; i++)
		for (unsigned k = 0; k < c->maps[i]->n_entries; k++) {
			const struct map_entry *e = c->maps[i]->entries[k];

			for (unsigned j = 0; j < e->n_peers; j++)
				if (addr_equal(&e->peers[j].addr, peer) && e->peers[j].profile)
					return e->peers[j].profile->name;
		}
	return "None";
}

/* Causes of IOS XE's own events ([S3]); NULL: nobody has refused anything. */
static const char *fail_reason(enum engine_why why)
{
	switch (why) {
	case WHY_AUTH:
		return "Authentication failure";
	case WHY_PROPOSAL:
		return "IPSec Proposal failure";
	case WHY_TS:
		return "Traffic selector mismatch";
	default:
		return NULL;
	}
}

static void say_failure(const struct config *c, const struct tally *t,
			const struct engine_event *ev)
{
	const char *why = fail_reason(ev->why), *profile = profile_of(c, &ev->peer.addr);
	char local[ADDR_STRLEN], remote[ADDR_STRLEN], ours[IKE_ID_STRLEN], theirs[IKE_ID_STRLEN];
	const char *our_id = bare_id(&ev->info.local_id, ours, sizeof(ours));
	const char *their_id = bare_id(&ev->info.peer_id, theirs, sizeof(theirs));
	const struct log_field fields[] = { { NAMED, "CRYPTO-5-IPSEC_SETUP_FAILURE" },
					    { "CRYPTO_LOCAL", local },
					    { "CRYPTO_PEER", remote },
					    { "CRYPTO_REASON", engine_why_name(ev->why) },
					    { "CRYPTO_TEXT", ev->text },
					    { 0 } };

	if (!why)
		return;
	addr_print(&ev->local, local, sizeof(local));
	addr_print(&ev->peer.addr, remote, sizeof(remote));
	log_fields(LOG_LVL_NOTICE, AREA, fields,
		   "%%CRYPTO-5-IPSEC_SETUP_FAILURE: IPSEC SETUP FAILED for local:%s local_id:%s remote:%s remote_id:%s IKE profile:%s fvrf:None fail_reason:%s fail_class_cnt:%" PRIu64,
		   local, ev->info.local_id.type ? our_id : local, remote,
		   ev->info.peer_id.type ? their_id : remote, profile, why,
		   tally_failures(t, ev->why));
}

void messages_engine(struct messages *m, const struct config *c, const struct tally *t,
		     const struct engine_event *ev)
{
	if (!m || !c)
		return;
	switch (ev->type) {
	case ENG_UP:
		remember(m, ev);
		if (c->logging & LOGGING_IKEV2)
			say_ikev2(ev, true);
		break;
	case ENG_CHILD_FAILED:
		say_failure(c, t, ev);
		break;
	case ENG_DOWN:
		if (!ev->info.established)
			say_failure(c, t, ev);
		else if (c->logging & LOGGING_IKEV2)
			say_ikev2(ev, false);
		break;
	default:
		break;
	}
}

/* ---- entries ------------------------------------------------------------------------ */

static void say_switch(const struct entry_ntf *n)
{
	const char *from = n->from_peer ? n->from_peer : "-", *to = n->peer ? n->peer : "-";
	char seq[12];
	const struct log_field fields[] = { { NAMED, "CRYPTO-5-PEER_CHANGE" },
					    { "CRYPTO_MAP", n->map },
					    { "CRYPTO_SEQ", seq },
					    { "CRYPTO_PEER_FROM", from },
					    { "CRYPTO_PEER", to },
					    { "CRYPTO_REASON", entry_ntf_reason(n) },
					    { 0 } };

	snprintf(seq, sizeof(seq), "%u", n->seq);
	log_fields(LOG_LVL_NOTICE, "map", fields,
		   "%%CRYPTO-5-PEER_CHANGE: map %s seq %u peer %s -> %s reason %s", n->map, n->seq,
		   from, to, entry_ntf_reason(n));
}

static void say_tunnel(const struct entry_ntf *n, const struct tunnel *t, bool up)
{
	char seq[12];
	const struct log_field fields[] = { { NAMED, "CRYPTO-5-SESSION_STATUS" },
					    { "CRYPTO_MAP", n->map },
					    { "CRYPTO_SEQ", seq },
					    { "CRYPTO_PEER", t->peer },
					    { "CRYPTO_ID", t->id },
					    { "CRYPTO_STATUS", up ? "UP" : "DOWN" },
					    { "CRYPTO_REASON",
					      up ? NULL : entry_reason_name(n->reason) },
					    { 0 } };

	snprintf(seq, sizeof(seq), "%u", n->seq);
	log_fields(LOG_LVL_NOTICE, AREA, fields,
		   "%%CRYPTO-5-SESSION_STATUS: Crypto tunnel is %s.  Peer %s       Id: %s",
		   up ? STATUS_UP : STATUS_DOWN, t->peer, t->id);
}

static void tunnel_down(struct messages *m, const struct entry_ntf *n, const char *key)
{
	struct tunnel *t;

	HASH_FIND_STR(m->tunnels, key, t);
	if (!t)
		return;
	HASH_DEL(m->tunnels, t);
	say_tunnel(n, t, false);
	free(t);
}

static void tunnel_up(struct messages *m, const struct entry_ntf *n, const char *key)
{
	const struct known_peer *p = known(m, &n->peer_addr);
	struct tunnel *t = calloc(1, sizeof(*t));
	char addr[ADDR_STRLEN];

	if (!t)
		return;
	snprintf(t->key, sizeof(t->key), "%s", key);
	addr_print(&n->peer_addr, addr, sizeof(addr));
	snprintf(t->peer, sizeof(t->peer), "%s:%u", addr, p ? p->port : 500);
	snprintf(t->id, sizeof(t->id), "%s", p ? p->id : addr);
	HASH_ADD_STR(m->tunnels, key, t);
	say_tunnel(n, t, true);
}

static void say_session(struct messages *m, const struct config *c, const struct entry_ntf *n)
{
	char key[sizeof(((struct tunnel *)0)->key)];

	snprintf(key, sizeof(key), "%s %u", n->map, n->seq);
	if (n->from == ENTRY_UP)
		tunnel_down(m, n, key);
	if (n->to == ENTRY_UP && c->logging & LOGGING_SESSION)
		tunnel_up(m, n, key);
}

void messages_notify(struct messages *m, const struct config *c, const struct entry_ntf *n)
{
	if (n->type == NTF_PEER)
		say_switch(n);
	else if (m && c && n->type == NTF_STATE)
		say_session(m, c, n);
}
