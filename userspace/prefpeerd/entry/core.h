/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state machine of semantics.md §10, pure: events in, actions out, time and
 * local addresses as arguments. The state is plain data without pointers to the
 * outside: core_copy() makes another world, which is how test_entry_every.c
 * walks through every sequence of events.
 *
 * Invariants, checked after every step there (test/entry_check.c):
 *  I1  at most one attempt per entry, and only in WALK
 *  I2  a walk never tries a peer twice; its list holds each peer once
 *  I3  UP: the entry has an IKE SA in the table that is established
 *  I4  next=home only with a default peer
 *  I5  DOWN, BACKOFF after the step that entered them: nothing wanted, no larval,
 *      no line in set-up or backing off
 *  I6  every IKE SA in the table is used, holds a child, or is being closed
 *  I7  every child belongs to an IKE SA in the table that is not being closed
 *  I8  c names a peer of the list (or the list is empty); it moves only together
 *      with a child that came up, or with a peer that was removed, or by orphans
 *  I9  the out template moves in no step that begins and ends in WALK
 *  I10 a line in set-up has exactly one child in set-up; no other has one
 *  I11 deadlines are armed exactly where their state has one
 *  I12 no inbound request is answered twice, none is forgotten
 *  I13 an IKE SA that another entry uses is closed by a clear of a session on it only; a
 *      lifetime, a death and the peer's DELETE are events, not ours
 *  I14 no line has two live pairs of one selector on one IKE SA
 *  I15 a wanted line stays wanted until its child comes up, it is refused, or its entry
 *      enters DOWN or BACKOFF
 *  I16 next moves only on the way to UP, DOWN or BACKOFF, by a clear or by an edit
 *  I17 a step waits for a name only while its question is under way
 *  I18 the address of the peer in use does not change while it is (§1.2)
 *  I19 no pair ends for being idle while its IKE SA is unproven after a suspend
 */
#ifndef ENTRY_CORE_H
#define ENTRY_CORE_H

#include <errno.h>

#include "prefpeerd/entry/entries.h"

#define CORE_TEXT_MAX 192 /* a route's sentence names an address, a map and an interface */
#define CORE_HOLDS 4
#define OLD_INBOUND_MS 5000   /* semantics.md §12: packets of the old peer in flight (case 37) */
#define CHILDLESS_MS 30000    /* §10: UP without a child and without a request for one */
#define MOVE_GUARD_MS 30000   /* §1.5: one inbound move in 30 s */
#define HOLD_MAX_MS 10000     /* §1.5 */
#define VERDICT_LATE_MS 250   /* a probe that begins with the hold is judged at the budget's very end */
#define K_RESET_MS 600000     /* §10: k=0 after 10 min without a walk */
#define TRAFFIC_RECENT_MS 10000
#define POINT_AGAIN_MS 1000
#define OPEN_AGAIN_MS 50      /* the engine has room for so many set-ups only */
#define NAME_WAIT_MS 5000     /* §1.2: for the answer of the name servers, beside the budgets */

typedef uint32_t peer_key; /* names a peer within its entry, never reused; 0 = none */

struct cause {
	enum entry_reason reason;
	const char *text; /* the engine's words; lives during the step; NULL = none */
	enum entry_reason last; /* WALKED_OUT: how its last step failed */
	uint32_t unanswered, silent_ms, budget_ms, idle_ms, backoff_ms;
	uint32_t ends_ms; /* a remark: the step is given up then */
	bool final;       /* of an entry that goes: there is no next attempt */
	uint32_t spi_in, spi_out;
	bool has_flow;
	struct selector flow;
};

enum name_state {
	NAME_UNKNOWN, /* a literal address; or a name that was not asked for yet */
	NAME_ASKED,
	NAME_KNOWN,
	NAME_FAILED,  /* and no earlier answer holds */
};

struct core_peer {
	peer_key key;
	struct addr addr; /* AF_UNSPEC: a name without an address */
	bool is_name, dynamic;
	enum name_state name;
	uint32_t query;       /* the last question; 0 = none, or it is answered */
	mono_t ask_until;     /* NAME_ASKED, by a walk */
	mono_t valid_until;   /* addr may be used without an answer (TTL); UNSET = may not */
	enum name_trust trust;
	char name_text[CORE_TEXT_MAX]; /* what the last answer said */
	struct addr tried;    /* where the step of this walk went; AF_UNSPEC = nowhere */
	remote_id remote;
	bool is_default;
	uint32_t retry_ms, interval_ms; /* of DPD, where its profile says; 0 = the entry's */
	uint32_t rtt_us; /* 0 = not known */
	/* For `map show` only; nothing is decided by these. */
	enum entry_reason last;
	char last_text[CORE_TEXT_MAX];
	struct cause last_cause;
	mono_t last_at, heard;
};

struct core_line {
	uint32_t reqid;
	unsigned no;    /* 1.. within the entry */
	unsigned order; /* of all lines, as compiled: decides about inbound (§10) */
	struct selector sel;
	const char *blocked; /* what its entry lacks, static; NULL = nothing */
	bool per_host;  /* a pair of SAs for each two hosts; all of them are one unit (§2.3) */
	bool want;
	bool has_flow;  /* the packet of the last acquire; one per host is wanted with it only */
	struct selector flow;
	bool larval;    /* the kernel holds one: */
	struct addr larval_src, larval_dst;
	child_id setup; /* CREATE_CHILD_SA under way (UP), or the attempt's (WALK); 0 = none */
	mono_t backoff_at; /* UNSET = not backing off */
	unsigned m;
	char backoff_text[CORE_TEXT_MAX];
	struct addr local, peer; /* what the out template names; AF_UNSPEC = nothing yet */
};

enum child_state {
	CHILD_SETUP,    /* asked for by us */
	CHILD_ACCEPTED, /* asked for by the peer, verdict given */
	CHILD_LIVE,
	CHILD_OLD,      /* outbound gone, inbound until close_at */
};

struct core_child {
	child_id id;
	conn_id conn;
	uint32_t reqid;
	enum child_state state;
	peer_key peer;
	struct addr local, remote;
	struct sa_kind kind;
	uint32_t spi_in, spi_out;
	struct selector sel; /* as negotiated */
	mono_t since, close_at;
	/* For show only: what the counters stood at when they were cleared, of these SPIs. */
	struct core_cleared { uint32_t spi; uint64_t bytes, packets; } cleared_in, cleared_out;
};

enum conn_state { CONN_SETUP, CONN_UP, CONN_CLOSING };

/* An IKE SA, or its set-up; of no entry: it is shared (§10). */
struct core_conn {
	conn_id id;
	remote_id remote;
	struct addr local, peer;
	enum conn_state state;
	bool theirs;   /* the peer opened it */
	bool answered; /* something with our SPI was heard */
	bool waiting;  /* SETUP: the engine had no room, it is opened again */
	bool quiet;    /* close without an exchange */
	bool needed;   /* within core_settle() only */
	bool unproven; /* UP: probed since the machine woke, and nothing authentic came yet (§14.6) */
	uint32_t rtt_us;
};

enum attempt_kind {
	AT_NONE,
	AT_OPEN, /* a set-up of our own; the child rides on IKE_AUTH */
	AT_JOIN, /* another entry's set-up; the child is asked for once it is up */
	AT_ASK,  /* CREATE_CHILD_SA on an established IKE SA */
	AT_NAME, /* nothing yet: the address of the peer is not known (§1.2) */
};

struct core_attempt {
	enum attempt_kind kind;
	conn_id conn;
	child_id child; /* 0 while joining */
	uint32_t reqid;
	bool answered;
	uint32_t answer_ms, budget_ms; /* budget_ms: the one that runs now */
	mono_t started, at;
	enum entry_reason remark; /* unauthenticated: recorded only */
	char remark_text[CORE_TEXT_MAX];
};

/* An inbound negotiation that waits for a verdict (§1.5). */
struct core_hold {
	uint32_t inbound;
	conn_id conn; /* 0 = on a new IKE SA */
	remote_id remote;
	peer_key peer;
	uint32_t reqid;
	struct selector sel;
	struct addr local, from;
	mono_t at;
};

struct core_entry {
	uint32_t id; /* never reused */
	sa_family_t family; /* of the peers */
	bool temporary; /* of a branch that called (§4.2): never begins, and is over when DOWN */
	bool idle_home;
	uint32_t answer_ms;   /* set ikev2 connect-timeout; 0 = not set */
	uint32_t retry_ms;    /* R of the DPD in force; 0 = none in force */
	uint32_t interval_ms;
	struct core_peer *peers;
	unsigned n_peers;
	peer_key last_key;
	struct core_line *lines;
	unsigned n_lines;
	struct core_child *children;
	unsigned n_children, cap_children;

	enum entry_state state;
	mono_t since;
	struct cause why; /* of the last change of state; text: why_text */
	peer_key why_peer; /* it is about the step to that one, which failed; 0 = about no step */
	char why_text[CORE_TEXT_MAX];
	/* Why c may be left: what ended the last connection or set next, and the first step that
	 * failed since; both without text, over when a peer is up. */
	struct cause left, failed;
	peer_key c;
	enum entry_next next;
	unsigned k;
	peer_key dead;  /* whose death ended the last connection; 0 = none */
	mono_t gap_from; /* last sign of the former peer; UNSET = none */

	peer_key shown; /* the peer of the last note of state */
	peer_key *walk; /* names, fixed at the start of the walk */
	unsigned n_walk, pos;
	struct core_attempt at;
	conn_id conn; /* UP */
	struct addr local; /* what env.local() said when the IKE SA was chosen */
	char local_text[CORE_TEXT_MAX]; /* how that changed, or why there is none, the last time */
	struct core_hold holds[CORE_HOLDS];
	unsigned n_holds;
	bool orphans;
	mono_t orphans_at; /* inbound ones go */
	mono_t backoff_at, k_reset_at, childless_at, moved_until;
	mono_t point_at; /* a template that the kernel refused is put once more */
};

struct core {
	struct core_entry **entries;
	unsigned n_entries, cap_entries;
	struct core_conn *conns;
	unsigned n_conns, cap_conns;
	uint32_t last_entry, last_conn, last_child, last_query;
	bool ready; /* the engine takes orders */
	bool draining; /* what is there goes on; nothing new is set up, by either side */
};

struct core_env {
	mono_t now;
	/*
	 * 0, or -errno as entry_ports.local_addr; also for a peer without an address yet.
	 * @why (CORE_TEXT_MAX bytes, or NULL) gets the sentence.
	 */
	int (*local)(void *ctx, const struct core_entry *e, const struct core_peer *p,
		     struct addr *out, char *why);
	uint32_t (*random)(void *ctx);
	void *ctx;
};

enum core_action_type {
	ACT_OPEN,
	ACT_CHILD_OPEN,
	ACT_CHILD_CLOSE,
	ACT_CLOSE,
	ACT_PROBE,
	ACT_INBOUND_REPLY,
	ACT_POINT,       /* reqid, local, peer */
	ACT_LARVAL_KILL, /* reqid, local, peer */
	ACT_ORPHANS_OUT, /* the entry's outbound orphans go */
	ACT_ORPHANS_ALL, /* all of them */
	ACT_RESOLVE,     /* peer_key, query */
	ACT_NOTIFY,
};

struct core_note {
	enum entry_ntf_type type;
	unsigned line;
	enum entry_state from, to;
	peer_key from_peer, peer, next;
	struct cause cause;       /* its text is the one below: */
	char text[CORE_TEXT_MAX]; /* it is told after the step; "" = none */
	int64_t gap_ms; /* -1 = none */
};

struct core_action {
	enum core_action_type type;
	uint32_t entry;
	conn_id conn;
	remote_id remote;
	child_id child;
	uint32_t reqid;
	enum engine_close how;
	struct addr local, peer;
	struct selector sel; /* of the child; INBOUND_REPLY: narrowed */
	uint32_t answer_ms, finish_ms;
	uint32_t inbound;
	bool accept, keep_ike;
	peer_key key;
	uint32_t query;
	struct core_note note;
};

struct core_out {
	struct core_action *list;
	unsigned n, cap;
};

/* One step: the state, what it may ask, where its actions go. */
struct run {
	struct core *c;
	const struct core_env *env;
	struct core_out *out;
};

/* What is known of the traffic of a pair that ends. Unknown counts as RECENT: the 30 s without a
 * child (CHILDLESS_MS) then decide. */
enum traffic { TRAFFIC_NONE, TRAFFIC_RECENT };

/* ---- the world ------------------------------------------------------------ */
void core_fini(struct core *c);
void core_copy(struct core *to, const struct core *from);
struct core_entry *core_entry_new(struct core *c);
/* Copies both arrays; keys of peers that are new (key 0) are given out. First configuration only. */
/* State: DOWN, c = P[0]. */
void core_entry_init(struct run *r, struct core_entry *e, const struct core_peer *peers,
		     unsigned n_peers, const struct core_line *lines, unsigned n_lines);
struct core_entry *core_entry(const struct core *c, uint32_t id);
struct core_conn *core_conn(const struct core *c, conn_id id);
struct core_line *core_line(const struct core_entry *e, uint32_t reqid);
struct core_child *core_child(const struct core_entry *e, child_id id);
/* Whose child, or NULL. */
struct core_entry *core_child_entry(const struct core *c, child_id id, struct core_child **child);
/* Earliest deadline of an entry; NEVER without one. */
mono_t core_deadline(const struct core_entry *e);

/* ---- events: each is one step --------------------------------------------- */
struct core_acquire {
	bool has_flow;
	struct selector flow;
	struct addr src, dst; /* of the larval */
	bool sa_there; /* the kernel still holds the SA of line_covering(): the acquire is older */
};
void core_acquire(struct run *r, struct core_entry *e, struct core_line *l,
		  const struct core_acquire *a);
int core_connect(struct run *r, struct core_entry *e);
int core_switch(struct run *r, struct core_entry *e, peer_key to);
void core_ready(struct run *r, bool ready);
void core_stop(struct run *r);
void core_local_changed(struct run *r);
/* The same after an edit that took interfaces from maps: what ran by them ends with DELETE. */
void core_interfaces_left(struct run *r);
/* The machine slept (§14.6): every IKE SA is probed, and idle verdicts wait for what comes of it. */
void core_resumed(struct run *r);
/* That probe cannot be sent: nothing waits for it. */
void core_probe_failed(struct run *r, conn_id id);
void core_tick(struct run *r, struct core_entry *e);
/* The kernel refused ACT_POINT: its template is not what the line remembers. @e: NULL = gone. */
void core_point_failed(struct run *r, struct core_entry *e, uint32_t reqid);
void core_orphans(struct run *r, struct core_entry *e, peer_key peer, const uint32_t *reqids,
		  unsigned n);

void core_conn_answered(struct run *r, conn_id id, uint32_t rtt_us);
void core_conn_remark(struct run *r, conn_id id, enum engine_why why, const char *text);
void core_conn_up(struct run *r, conn_id id, uint32_t rtt_us);
/* The engine has no room for the set-up: the step is kept, its budget begins when there is. */
void core_conn_busy(struct run *r, conn_id id);
void core_conn_heard(struct run *r, conn_id id, mono_t when, uint32_t rtt_us);
void core_conn_down(struct run *r, conn_id id, enum engine_why why, const struct cause *detail);
struct core_pair {
	struct addr local, peer;
	struct sa_kind kind;
	uint32_t spi_in, spi_out;
	struct selector sel;
};
void core_child_up(struct run *r, conn_id conn, child_id id, const struct core_pair *p);
/* The IKE SA has been replaced: an event without a row, told to whom it carries. */
void core_conn_rekeyed(struct run *r, conn_id id, const char *text);
void core_child_rekeyed(struct run *r, conn_id conn, child_id id, const struct core_pair *p);
void core_child_failed(struct run *r, conn_id conn, child_id id, enum engine_why why,
		       const char *text);
void core_child_down(struct run *r, conn_id conn, child_id id, enum engine_why why,
		     enum traffic traffic);
/*
 * Read again and not moved (§2.3): all pairs of the line end. False: not now, their IKE SA
 * is unproven; the verdict is to be judged anew once core_conn_unproven() is over.
 */
bool core_pair_idle(struct run *r, struct core_entry *e, struct core_line *l, uint32_t idle_ms);
bool core_conn_unproven(const struct core *c, conn_id id);
void core_child_expired(struct run *r, struct core_entry *e, child_id id, enum traffic traffic);
/* The kernel has it no more, and nobody asked for that. */
void core_child_lost(struct run *r, struct core_entry *e, child_id id);

struct core_inbound {
	uint32_t inbound;
	uint32_t entry; /* of the branch that it is from (§4.2); 0: whoever lists the peer */
	conn_id conn;
	remote_id remote;
	struct addr from, local;
	bool single_flow;
	const struct selector *offered;
	unsigned n_offered;
	/* Per entry: are all of its pairs idle past the DPD interval? (§1.5) */
	bool (*idle)(void *ctx, const struct core_entry *e);
};
void core_inbound(struct run *r, const struct core_inbound *in);
/* Does an entry that lists the peer take it? */
bool core_inbound_listed(const struct core *c, const struct core_inbound *in);
/* A branch's entry (DOWN, or UP for one line more): its request will be for this. */
void core_branch_line(struct core_entry *e, const struct core_line *line);
void core_inbound_gone(struct run *r, uint32_t inbound);

/* What is being set up ends; off: packets ask anew. */
void core_drain(struct run *r, bool on);
void core_clear_session(struct run *r, struct core_entry *e, enum entry_reason reason);
/* @how CLOSE_QUIET: the peer is not told. */
void core_clear_session_by(struct run *r, struct core_entry *e, enum entry_reason reason,
			   enum engine_close how);
/* Selected children, by peer (0 family = any) and SPI (0 = any). Returns how many went. */
unsigned core_clear_sa(struct run *r, struct core_entry *e, const struct addr *peer, uint32_t spi);

/* Reload (§4.8). Keys: as in the entry, 0 = new. Lines: by reqid; run state is kept. */
void core_edit(struct run *r, struct core_entry *e, const struct core_peer *peers, unsigned n_peers,
	       const struct core_line *lines, unsigned n_lines);
/* Everything of the entry ends (core_remove, one step); then its memory (core_drop). */
void core_remove(struct run *r, struct core_entry *e);
void core_drop(struct core *c, struct core_entry *e);
/* @remote: how the engine knows that address (NAME_ADDR). */
void core_name_answered(struct run *r, uint32_t query, const struct name_answer *a,
			remote_id remote);

/* ---- shared by the files of the core -------------------------------------- */

/* entry.c: the one door of the state, and what every row needs */
void entry_move(struct run *r, struct core_entry *e, enum entry_state to, peer_key peer,
		const struct cause *why);
void entry_note(struct run *r, struct core_entry *e, enum entry_ntf_type type, unsigned line,
		peer_key peer, const struct cause *why);
void entry_down(struct run *r, struct core_entry *e, enum entry_next next, enum engine_close how,
		const struct cause *why);
void entry_up(struct run *r, struct core_entry *e, peer_key peer, conn_id conn,
	      const struct cause *why);
/* The first step that failed since a peer was up may be why another becomes current. */
void entry_step_failed(struct core_entry *e, const struct cause *why);
/* What follows is the operator's doing, whatever ended before. */
void entry_operated(struct core_entry *e, const struct cause *why);
void entry_set_next(struct run *r, struct core_entry *e, enum entry_next next,
		    const struct cause *why);
void entry_point(struct run *r, struct core_entry *e);
/* What the out template should name outside UP; -errno: nothing can yet. */
int entry_template(const struct core_env *env, const struct core_entry *e, struct addr *local,
		   struct addr *peer);
void entry_mark_local(struct run *r, struct core_entry *e, peer_key key);
void entry_end_accepted(struct run *r, struct core_entry *e);
void entry_kill_larvals(struct run *r, struct core_entry *e, bool all);
bool entry_wanted(const struct core_entry *e);
bool entry_has_default(const struct core_entry *e);
enum entry_next entry_home_or(const struct core_entry *e, enum entry_next other);
bool entry_usable(struct run *r, const struct core_entry *e);
/* After a change of children or lines: the 30 s without either. */
void entry_watch_childless(struct run *r, struct core_entry *e);
unsigned entry_live(const struct core_entry *e);
bool entry_in_setup(const struct core_entry *e);
struct core_action *emit(struct run *r, enum core_action_type type, const struct core_entry *e);
/* At the end of each step: IKE SAs that nobody uses are closed (I6). */
void core_settle(struct run *r);
enum entry_reason reason_of(enum engine_why why);

/* peer_list.c */
struct core_peer *peer_find(const struct core_entry *e, peer_key key);
int peer_index(const struct core_entry *e, peer_key key); /* -1 = not listed */
struct core_peer *peer_by_remote(const struct core_entry *e, remote_id remote,
				 const struct addr *from);
/* Where the next walk begins; 0 with an empty list. */
peer_key peer_next(const struct core_entry *e);
void peer_record(struct run *r, struct core_entry *e, peer_key key, const struct cause *why);

/* lookup.c */
/* A walk begins: ask for every name of its list that is dynamic, or not known yet. */
void lookup_walk(struct run *r, struct core_entry *e);
/* Ask for the names without `dynamic` that are not known yet (A21). */
void lookup_fixed(struct run *r, struct core_entry *e);
/* The step waits for the answer. */
void lookup_wait(struct core_entry *e, const struct core_peer *p);
/* It has waited long enough. */
void lookup_overdue(struct run *r, struct core_entry *e);
/* How much longer the address holds without an answer; -1 = not at all. */
int64_t lookup_ttl_ms(const struct core_peer *p, mono_t now);
/* May the entry speak to this peer, as far as it can be known before its name is resolved? */
bool lookup_usable(struct run *r, const struct core_entry *e, const struct core_peer *p);
/* Stands in a template for a peer whose address is not known: a packet can ask, none can leave. */
struct addr lookup_nowhere(sa_family_t family);

/* walk.c */
void walk_begin(struct run *r, struct core_entry *e, const struct cause *why);
/* A walk whose start is not what `next` says. */
void walk_begin_at(struct run *r, struct core_entry *e, peer_key start, const struct cause *why);
void walk_step_failed(struct run *r, struct core_entry *e, const struct cause *why);
/* The same step once more, on a new IKE SA. */
void walk_again(struct run *r, struct core_entry *e, const char *text);
/* The name that the step waited for is answered. */
void walk_resume(struct run *r, struct core_entry *e);
peer_key walk_peer(const struct core_entry *e); /* being tried; 0 outside WALK */
/* -1: not in the walk */
int walk_index(const struct core_entry *e, peer_key key);

/* attempt.c */
uint32_t attempt_answer_ms(const struct core_entry *e, const struct core_peer *p);
uint32_t attempt_dead_ms(const struct core_entry *e, const struct core_peer *p);
uint32_t attempt_finish_ms(const struct core_entry *e, const struct core_peer *p);
/* From the first unanswered request to P[c] to its death: 6R, R = 2 s without DPD (§3.3). */
uint32_t entry_dpd_budget_ms(const struct core_entry *e);
/* False: the step failed at once, *why says how. */
bool attempt_begin(struct run *r, struct core_entry *e, struct core_peer *p, struct cause *why);
void attempt_abandon(struct run *r, struct core_entry *e);
void attempt_conn_up(struct run *r, struct core_entry *e);
/* The deadline of the attempt is due: open again what waits for room. False: time is up. */
bool attempt_open_again(struct run *r, struct core_entry *e);

/* conn.c */
struct core_conn *conn_new(struct core *c, remote_id remote, const struct addr *local,
			   const struct addr *peer);
struct core_conn *conn_find(const struct core *c, remote_id remote, const struct addr *local,
			    const struct addr *peer);
bool conn_used_by(const struct core_entry *e, conn_id id);
/* Entries that use it (§10), @but not counted. */
unsigned conn_users(const struct core *c, conn_id id, const struct core_entry *but);
void conn_forget(struct core *c, conn_id id);
/* Closed by us although others use it (a clear): their rows follow. */
void conn_close_for_all(struct run *r, conn_id id, const struct core_entry *but,
			enum engine_close how);

/* child.c */
struct core_child *core_child_add(struct core_entry *e, child_id id, conn_id conn, uint32_t reqid,
			     enum child_state state, peer_key peer);
void core_child_forget(struct core_entry *e, child_id id);
/* Tell the engine, and forget. */
void core_child_end(struct run *r, struct core_entry *e, child_id id, enum engine_close how);
/* Outbound now, inbound in 5 s. */
void core_child_retire(struct run *r, struct core_entry *e, struct core_child *ch);
void core_child_set_pair(struct core_child *ch, const struct core_pair *p);
void core_child_live(struct run *r, struct core_entry *e, struct core_child *ch,
		const struct core_pair *p);
struct core_child *line_child(const struct core_entry *e, uint32_t reqid);
/* line.c */
/* The newest live child that has the packet; NULL @flow: any packet of the line. */
struct core_child *line_covering(const struct core_entry *e, const struct core_line *l,
				 const struct selector *flow);
/* What is asked for: all of the line, or of one per host the two hosts of the packet. */
struct selector line_ask(const struct core_line *l);
void line_open(struct run *r, struct core_entry *e, struct core_line *l);
void line_open_wanted(struct run *r, struct core_entry *e);
void line_back_off(struct run *r, struct core_entry *e, struct core_line *l,
		   const struct cause *why);
void line_backoff_over(struct run *r, struct core_entry *e, struct core_line *l);
/* Forget set-ups and back-offs; the engine is told of set-ups on IKE SAs that live on. */
void line_reset(struct run *r, struct core_entry *e, struct core_line *l);
void line_up_event(struct run *r, struct core_entry *e, struct core_child *ch,
		   const struct core_pair *p);

/* inbound.c */
/* All that are held: accepted (@refusal NULL), or refused with these words. */
void inbound_release(struct run *r, struct core_entry *e, const char *refusal);
void inbound_timeout(struct run *r, struct core_entry *e);
void inbound_child_up(struct run *r, struct core_entry *e, struct core_child *ch,
		      const struct core_pair *p);

#endif
