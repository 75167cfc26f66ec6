/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine port (design.md §4): what entry/ asks of an IKEv2 implementation,
 * and what it hears. The embedded engine is engine_ike/; one that drives
 * strongSwan through vici is to follow, so nothing here is ours alone.
 *
 * Calls return 0 or -errno at once and never call back; results are events,
 * delivered from a later turn of the loop. The engine owns its sockets and SAs;
 * policies and templates are the caller's. No SA key crosses the port.
 * conn and child ids are the caller's, unique while the engine knows them, but
 * for inbound ones, which the caller names in its verdict.
 */
#ifndef PREFPEERD_ENGINE_H
#define PREFPEERD_ENGINE_H

#include "lib/addr.h"
#include "lib/id.h"
#include "lib/mono.h"
#include "lib/selector.h"
#include "lib/suite.h"
#include "prefpeerd/conf/config.h"
#include "prefpeerd/pki/pki.h"

typedef uint32_t conn_id;   /* an IKE SA, or the attempt to get one; 0 = none */
typedef uint32_t child_id;  /* a child SA (pair of SAs); 0 = none */
typedef uint32_t remote_id; /* a peer as configured; 0 = none */

/* How a side may prove who it is; a set of these. */
enum engine_auth {
	ENGINE_AUTH_RSA = PKI_RSA,
	ENGINE_AUTH_ECDSA = PKI_ECDSA,
	ENGINE_AUTH_EDDSA = PKI_EDDSA,
	ENGINE_AUTH_PSK = 8,
};

/* What applies to all peers. Copied; holds for the IKE SAs that begin from then on. */
struct engine_settings {
	struct fragmentation frag;
	/* IKE suites; NULL: all. Lives until the next call, and so do these: */
	const struct ike_offer *offer;
	const struct ike_local_offer *local_offers; /* in its place, for that local address */
	unsigned n_local_offers;
	struct ike_limits limits;
};

/* A peer that may be dialled, and that may call us. Copied by remote_set. */
struct engine_remote {
	remote_id id;
	struct addr peer;
	bool any; /* no peer to dial: whoever calls from @source, with that identity or, without one, any */
	struct prefix source;
	struct ike_id local_id;  /* IKE_ID_NONE: the local address (A20) */
	struct ike_id remote_id; /* expected; IKE_ID_NONE: the peer's address (§14.5) */
	const struct ike_id_rule *ids; /* in place of remote_id: any of these */
	unsigned n_ids;
	const uint8_t *psk; /* NULL: none */
	size_t psk_len;
	struct chunk psk_theirs; /* what the peer proves itself with; none: the same */
	struct chunk psk_next;	 /* takes the place of psk: used first, and both are accepted */
	unsigned remote_auth;  /* set of enum engine_auth; 0: by the pre-shared key */
	struct pki_own *own;   /* we prove ourselves by it; NULL: by the pre-shared key */
	bool pkcs1;	       /* RSA signatures of ours by PKCS #1 v1.5, not PSS */
	bool cert_if_asked;    /* ours is sent only to a peer that asks for one */
	struct pki_trust *trust[PKI_TRUST_MAX]; /* who may certify the peer */
	unsigned n_trust;
	struct pki_map *cert_map; /* which certificates of it will do; NULL: any that verifies */
	const char *broken; /* why it cannot be used at all: a sentence; NULL: it can */
	struct dpd dpd;
	uint16_t nat_keepalive_s; /* 0 = 20 (RFC 3948 §4) */
	bool contact_forced; /* its new IKE SA ends the ones that it had, said or not */
	uint32_t lifetime_s; /* of IKE SAs from now on, rekeyed ones too; 0 = none */
};

/* What a child SA is to be. Copied by open, child_open, inbound_reply. */
struct engine_child {
	child_id id;
	uint32_t reqid;
	struct selector sel; /* src = our side. Outgoing: one TSi, one TSr (§14.1); verdict: as narrowed */
	struct selector line_sel; /* the whole line; sel narrower than it → x->sel is set */
	/*
	 * Outgoing: the packet that asked, never sent to the peer; of an answer with several
	 * selectors the pair is to be the one that has it.
	 */
	bool has_flow;
	struct selector flow;
	struct esp_suite suites[SUITE_MAX]; /* all of ESP, or all of AH */
	unsigned n_suites;
	enum sa_mode mode;
	enum ike_dh pfs;       /* set pfs: of CREATE_CHILD_SA; NONE = not asked for */
	uint32_t lifetime_s;   /* hard limit in the kernel; 0 = none */
	uint64_t lifetime_kb;
	struct replay replay;  /* window 0: that of the engine, 64 */
	bool clear_df, no_ecn; /* of the outer header, as kernel.h has it */
	uint32_t if_id, mark, mark_mask; /* 0 = none */
};

enum engine_why {
	WHY_NONE,
	WHY_TIMEOUT,     /* no answer, or no end, within the budget (the caller closed) */
	WHY_DEAD,        /* DPD, or any request on an established IKE SA given up */
	WHY_AUTH,
	WHY_PROPOSAL,
	WHY_TS,
	WHY_PEER_DELETE,
	WHY_LIFETIME,
	WHY_LOCAL,       /* we closed it, or cannot (no route, no socket, no memory) */
	WHY_LOST,        /* the kernel lost an SA */
	WHY_BUSY,        /* TEMPORARY_FAILURE, NO_ADDITIONAL_SAS */
	WHY_UNKNOWN,
};

enum engine_close {
	CLOSE_DELETE, /* outbound SA goes at once, DELETE is sent, inbound SA goes at its answer or budget end */
	CLOSE_QUIET,  /* both go at once, nothing is sent */
	CLOSE_OUT,    /* child_close only: the outbound SA goes now; a second child_close ends it */
};

/* Where a set-up or an IKE SA stands, for show. */
struct engine_conn_info {
	conn_id conn;
	remote_id remote;
	bool initiator, established;
	struct endpoint local, peer;
	uint8_t spi_i[8], spi_r[8];
	struct ike_suite suite;
	bool nat_local, nat_peer;
	uint32_t rtt_us;  /* smoothed; 0 = not known */
	mono_t since, heard;
	uint64_t tx, rx, retransmits;
	uint32_t lifetime_s; /* 0 = none */
	struct dpd dpd;
	bool fragmentation;  /* both sides do RFC 7383 */
	uint32_t next_out, next_in; /* message IDs of the next request, ours and theirs */
	struct ike_id local_id, peer_id; /* NONE: not known yet */
	unsigned auth_local, auth_remote; /* how each may prove itself: enum engine_auth */
};

/* The pair of SAs behind a child. */
struct engine_pair {
	struct addr local, peer;
	uint16_t encap_port; /* the peer's UDP port; 0 = no encapsulation */
	uint32_t spi_in, spi_out; /* host order */
	uint32_t reqid;
	struct selector sel; /* negotiated */
	struct esp_suite suite;
	bool transport;
};

enum engine_event_type {
	ENG_READY,        /* sockets are open, algorithms loaded */
	ENG_LOST,         /* the engine is gone: every conn and child with it */
	ENG_ANSWERED,     /* conn: first message with our SPI (ends the Answer budget) */
	ENG_REMARK,       /* conn, why, text: unauthenticated reason (ICMP, error notify): decides nothing */
	ENG_UP,           /* conn: IKE SA established; info */
	ENG_REKEYED,      /* conn, info, text: another IKE SA took its place, with its children */
	ENG_CHILD_UP,     /* conn, child, pair: both SAs are in the kernel */
	ENG_CHILD_FAILED, /* conn, child, why, text; the IKE SA lives on */
	ENG_CHILD_REKEYED,/* conn, child, pair, text: the new pair took the child's place */
	ENG_CHILD_DOWN,   /* conn, child, why: SAs are gone from the kernel (or going: outbound gone) */
	ENG_DOWN,         /* conn, why, text: the IKE SA and all its children are gone */
	ENG_HEARD,        /* conn, when, pair.local/peer/encap_port: an authenticated message was received */
	ENG_INBOUND,      /* inbound, conn (0 = on a new IKE SA), remote, ts*: verdict wanted */
	ENG_INBOUND_GONE, /* inbound: the request that waited for a verdict is gone */
};

struct engine_event {
	enum engine_event_type type;
	conn_id conn;
	child_id child;
	enum engine_why why;
	const char *text;   /* a sentence with the RFC's names; lives during the call */
	mono_t when;        /* when it happened (received, sent, verdict) */
	mono_t last_use;    /* ENG_CHILD_DOWN: of the pair, read before its SAs went; UNSET = not known */
	struct engine_pair pair;
	struct engine_conn_info info;
	uint32_t inbound;   /* id of the held request */
	remote_id remote;
	struct endpoint peer;  /* ENG_INBOUND: source of the negotiation */
	struct addr local;
	struct ike_id peer_id;
	bool single_flow;      /* first TSi/TSr of the request is one packet's (§2.9) */
	struct selector offered[8]; /* src = our side; all TSr × TSi combinations, first one first */
	unsigned n_offered;
	uint32_t unanswered;   /* WHY_DEAD: requests sent without an answer */
	uint32_t silent_ms;    /* WHY_DEAD: from the first of them to the verdict */
};

/* Where the pair behind a child stands, for show. */
struct engine_child_info {
	struct engine_pair pair;
	uint16_t local_port; /* of the encapsulation; 0 = none */
	enum ike_dh pfs;
	struct replay replay;
	uint32_t lifetime_s; /* 0 = none */
	uint64_t lifetime_kb;
	mono_t made;         /* when the kernel began to count them */
};

typedef void (*engine_event_fn)(void *ctx, const struct engine_event *ev, mono_t now);

/* The verdict on ENG_INBOUND. */
struct engine_verdict {
	bool accept;          /* false: TS_UNACCEPTABLE; a new IKE SA is then deleted unless keep_ike */
	bool keep_ike;
	conn_id conn;         /* name for a new IKE SA */
	struct engine_child child; /* id, line, narrowed selectors */
};

struct engine_budget {
	uint32_t answer_ms; /* until ENG_ANSWERED: the length over which IKE_SA_INIT is spread */
	uint32_t finish_ms; /* from there until the child: likewise for what follows */
};

struct engine_ops {
	const char *name;
	int (*start)(void *e, engine_event_fn fn, void *ctx);
	/* SIGTERM: DELETE to every peer, wait at most grace_ms for answers, ENG_LOST when done. */
	void (*stop)(void *e, uint32_t grace_ms);
	/* NULL: not needed. Without a call, all defaults. */
	void (*configure)(void *e, const struct engine_settings *s);
	int (*remote_set)(void *e, const struct engine_remote *r);
	int (*remote_del)(void *e, remote_id id);
	/*
	 * Begin a set-up from @local. The first child rides on IKE_AUTH. -EEXIST: conn in use.
	 * -EAGAIN: no room for one more set-up now; nothing has begun, no event follows.
	 */
	int (*open)(void *e, conn_id conn, remote_id remote, const struct addr *local,
		    const struct engine_child *child, const struct engine_budget *b);
	/* CREATE_CHILD_SA on an established IKE SA; queued behind the outstanding request. */
	int (*child_open)(void *e, conn_id conn, const struct engine_child *child);
	int (*child_close)(void *e, conn_id conn, child_id child, enum engine_close how);
	/*
	 * Suites, PFS and lifetimes that its rekeys ask for and accept from now on; the pair
	 * in use stays as it is (§4.8). Copied. NULL: not needed.
	 */
	void (*child_change)(void *e, conn_id conn, child_id child,
			     const struct engine_child *want);
	/* An unestablished one is abandoned (§14.3); ENG_DOWN follows in every case. */
	int (*close)(void *e, conn_id conn, enum engine_close how);
	/* Liveness check now, unless a request is outstanding (that one counts). */
	int (*probe)(void *e, conn_id conn);
	/*
	 * The machine slept (§14.6): silence while it did is nobody's. A request that is
	 * outstanding on an established IKE SA begins its curve again. NULL: not needed.
	 */
	void (*resumed)(void *e);
	int (*inbound_reply)(void *e, uint32_t inbound, const struct engine_verdict *v);
	/* -ENOENT; fills info. */
	int (*conn_info)(void *e, conn_id conn, struct engine_conn_info *out);
	/* Likewise of a child that is up. NULL: not needed. */
	int (*child_info)(void *e, conn_id conn, child_id child, struct engine_child_info *out);
};

struct engine {
	const struct engine_ops *ops;
	void *impl;
	unsigned caps; /* ENGINE_CAP_* */
};

#define ENGINE_CAP_PROBE 0x1u
#define ENGINE_CAP_HOLD_INBOUND 0x2u
#define ENGINE_CAP_QUIET_CLOSE 0x4u
#define ENGINE_CAP_MS_CURVE 0x8u

const char *engine_why_name(enum engine_why why);
const char *engine_event_name(enum engine_event_type type);

#endif
