/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The crypto map entries at run time: semantics.md §10 behind the agent's ports.
 * This is the only header of entry/ that the rest of the agent includes. What is
 * decided is decided in core.h (pure: events in, actions out); act.c carries the
 * actions out through the ports below and is their only caller.
 *
 * Order at start and at a reload, so that no untouched line loses a packet:
 *   spd = spd_compile(new)          nothing in the kernel yet
 *   entries_prepare(e, new, spd)    names local and peer of every line that goes on
 *   spd_apply(spd, old, kernel)     in place
 *   entries_configure(e, new, spd)  the difference takes effect
 *   then free the old config and the old spd.
 * At start, entries_prepare() also looks for orphan SAs (A19); walks begin when
 * the engine says ENG_READY.
 */
#ifndef ENTRY_ENTRIES_H
#define ENTRY_ENTRIES_H

#include "lib/mono.h"
#include "lib/timer.h"
#include "prefpeerd/conf/config.h"
#include "prefpeerd/engine.h"
#include "prefpeerd/kernel.h"
#include "prefpeerd/name.h"
#include "prefpeerd/spd/spd.h"

struct entries;

enum entry_state { ENTRY_DOWN, ENTRY_WALK, ENTRY_UP, ENTRY_BACKOFF };
enum entry_next { NEXT_SAME, NEXT_AFTER, NEXT_HOME };

/* Why something changed. Names: entry_reason_name(); they are keys of the JSON and do not change. */
enum entry_reason {
	REASON_NONE,
	REASON_START,        /* "start": first state, nothing happened yet */
	REASON_ORPHANS,      /* "orphans": SAs of an earlier run were found (A19) */
	REASON_ACQUIRE,      /* "acquire" */
	REASON_CONNECT,      /* "connect": operator */
	REASON_LOCAL_USABLE, /* "local-usable": an address appeared and a line was wanted */
	REASON_LOCAL_GONE,   /* "local-gone" */
	REASON_NO_LOCAL,     /* "no-local": no address towards that peer; a step fails */
	REASON_CHILD_UP,     /* "child-up" */
	REASON_TIMEOUT,      /* "ike-timeout": a budget ended */
	REASON_DNS,          /* "dns": what a name resolved to, or that it did not */
	REASON_AUTH,         /* "auth" */
	REASON_PROPOSAL,     /* "no-proposal" */
	REASON_TS,           /* "ts-refused": child refused, or narrowed beside the packet */
	REASON_BUSY,         /* "busy": TEMPORARY_FAILURE and the like */
	REASON_DEAD,         /* "dpd-timeout": DPD, or any request given up */
	REASON_PEER_DELETE,  /* "peer-delete" */
	REASON_IDLE,         /* "idle": next=same */
	REASON_IDLE_HOME,    /* "idle-default": next=home */
	REASON_LIFETIME,     /* "lifetime" */
	REASON_LOST,         /* "sa-lost": the kernel had it no more */
	REASON_NO_CHILD,     /* "no-child": 30 s without a child or a request for one */
	REASON_ENGINE,       /* "engine": it refused, or is gone */
	REASON_SHARED,       /* "shared-closed": closed by us for another entry's sake */
	REASON_INBOUND,      /* "inbound" */
	REASON_BACKOFF_OVER, /* "backoff-over" */
	REASON_WALKED_OUT,   /* "walked-out": no peer of the list answered */
	REASON_CLEAR_SESSION,/* "clear-session" */
	REASON_CLEAR_SA,     /* "clear-sa" */
	REASON_SWITCH,       /* "operator": map switch */
	REASON_DRAIN,        /* "drain": the operator drains this gateway */
	REASON_RESET,        /* "reset": map reset, clear crypto map NAME SEQ peer */
	REASON_CONFIG,       /* "config": peer, line or entry was removed */
	REASON_MANUAL,       /* "manual": SAs with keys of the configuration were installed */
	REASON_SPI_TAKEN,    /* "spi-taken": another program's SA has the place of one of them */
	REASON_IKE_REKEYED,  /* "ike-rekeyed": an event without a row */
	REASON_MAX
};

enum entry_ntf_type {
	NTF_STATE, /* from → to; also WALK a → WALK b */
	NTF_LINE,  /* a line came up, went, was refused, backs off */
	NTF_PEER,  /* `Current peer` changed: from_peer → peer; log %CRYPTO-5-PEER_CHANGE */
	NTF_NEXT,  /* `Next attempt` changed without a change of state */
	NTF_NOTE,  /* an event without a row, a refusal: changes nothing */
};

/* One thing that happened, for the log, `monitor` and the history. Lives during the call. */
struct entry_ntf {
	enum entry_ntf_type type;
	const char *map;
	uint32_t seq;
	unsigned line;               /* 1.. of the entry; 0 = the entry itself */
	enum entry_state from, to;   /* the same where the state did not change */
	const char *from_peer;       /* as configured; NULL = none */
	const char *peer;            /* the one walked to, up with, or meant; NULL = none */
	struct addr peer_addr;       /* its address; AF_UNSPEC = not known */
	const char *next;            /* `Next attempt` after this */
	enum entry_reason reason;
	const char *sentence;        /* ux.md "Events": "dead: 6 requests unanswered in 12.0 s; next attempt …" */
	mono_t when;
	uint32_t unanswered, silent_ms; /* REASON_DEAD */
	uint32_t budget_ms;          /* REASON_TIMEOUT: the budget that ended */
	uint32_t idle_ms;            /* REASON_IDLE*: how long nothing went */
	uint32_t backoff_ms;         /* BACKOFF, line back-off: how long */
	uint32_t spi_in, spi_out;    /* NTF_LINE and → UP; 0 = none */
	int64_t gap_ms;              /* → UP: since the last sign of the former peer; -1 = none */
	bool has_flow;
	struct selector flow;        /* REASON_ACQUIRE: the packet, where known */
};

/* A route that is wanted (§4.7): to what the peer protects, by the way to the peer. */
struct reverse_route {
	struct prefix dst;
	struct addr peer;
	struct addr via;   /* the next hop, where one was named */
	uint32_t metric;   /* `distance`; 0 = the system's */
};

struct entry_ports {
	const struct timers *timers;
	const struct engine *engine;
	const struct kernel *kernel;
	/* spd_point, or a test's. Called with the spd of the last prepare/configure. */
	int (*point)(struct spd *s, struct spd_line *line, const struct addr *local,
		     const struct addr *peer, const struct kernel *k);
	/* For branches (§4.2): spd_branch_add() and …_del(), or a test's. NULL: nobody comes so. */
	struct spd_line *(*branch_add)(struct spd *s, const struct spd_branch *b,
				       const struct kernel *k, int *err);
	void (*branch_del)(struct spd *s, uint32_t reqid, const struct kernel *k);
	/* A reqid for a line of theirs (0: all are in use), and back. */
	uint32_t (*reqid_draw)(void *ctx);
	void (*reqid_release)(void *ctx, uint32_t reqid);
	/*
	 * The address to speak to @peer from (§4.1): `local-address`, else the
	 * preferred source of the route, if that interface carries the map. 0,
	 * -ENETUNREACH (no route), -ENONET (the interface does not carry the map),
	 * -EADDRNOTAVAIL (no address of that family). @peer without an address: a name
	 * that is not resolved yet; any address of an interface that carries the map.
	 * @why (@size bytes) gets a sentence on failure. Says nothing itself.
	 */
	int (*local_addr)(void *ctx, const struct map_entry *e, const struct addr *peer,
			  struct addr *out, char *why, size_t size);
	/* The same sentence, where a step or a template needed the address; may be NULL. */
	void (*local_failed)(void *ctx, const struct map_entry *e, const char *why);
	/*
	 * Ask for the address of a peer (§1.2). The answer comes through
	 * entries_answered() with @query, from the loop, never from within the call;
	 * it may be late, or not come at all.
	 */
	void (*resolve)(void *ctx, const char *name, sa_family_t family, uint32_t query);
	/* All reverse routes that are wanted from now on; NULL: nobody brings them in. */
	void (*routes)(void *ctx, const struct reverse_route *list, unsigned n);
	uint32_t (*random)(void *ctx); /* uniform over 32 bits */
	void (*notify)(void *ctx, const struct entry_ntf *n);
	void *ctx; /* of local_addr, resolve, random and notify */
};

/* Copies *ports. NULL on -ENOMEM. */
struct entries *entries_new(const struct entry_ports *ports);
/* Cancels timers; neither closes nor deletes anything at the peers or in the kernel. */
void entries_free(struct entries *e);

/*
 * Set local and peer of each line of @s that the entries know already, or will
 * begin with: after this spd_apply() puts every policy in place in one go. At
 * the first call dumps the SAD for orphans (A19). Changes no state. 0, -ENOMEM,
 * or the dump's -errno.
 */
int entries_prepare(struct entries *e, const struct config *c, struct spd *s, mono_t now);
/*
 * Start, and reload (§4.8): entries, peers and lines are compared by name; what
 * is not touched keeps its SAs, c, next and walk. Both @c and @s must live until
 * the next entries_configure() has returned, or entries_free(). 0 or -ENOMEM
 * (then nothing changed).
 */
int entries_configure(struct entries *e, const struct config *c, struct spd *s, mono_t now);
/*
 * The lines of branches that have a place in @c, for spd_env of its compilation (§4.2);
 * before entries_prepare(). The caller frees it. -ENOMEM.
 */
int entries_branches(struct entries *e, const struct config *c, struct spd_branch **list,
		     unsigned *n);
/* From now on no set-up begins (SIGTERM): call before the engine's stop. */
void entries_stop(struct entries *e, mono_t now);

/* The engine's and the kernel's event functions: ctx is struct entries. */
void entries_engine_event(void *ctx, const struct engine_event *ev, mono_t now);
void entries_kernel_event(void *ctx, const struct kernel_event *ev, mono_t now);
/* Addresses, routes or links changed: every entry asks local_addr() again. */
void entries_local_changed(struct entries *e, mono_t now);
/* The same after a map has left an interface (§4.8), whose addresses still are: peers are told. */
void entries_interfaces_left(struct entries *e, mono_t now);
/* The machine slept (§14.6): probes first; idle verdicts wait for them, and are judged anew then. */
void entries_resumed(struct entries *e, mono_t now);
/* What ports.resolve() asked for; a question that nobody waits for any more is passed over. */
void entries_answered(struct entries *e, uint32_t query, const struct name_answer *a, mono_t now);

/*
 * Operator commands. 0 or -errno; where there is more to say, *why is a sentence that
 * lives until the next call (never NULL after an error). -ENOENT: no such entry, or nothing to clear.
 */
/* Want the first line. -EALREADY: it is up; -EINPROGRESS; -ENETUNREACH: no local address, it waits. */
int entries_connect(struct entries *e, const char *map, unsigned seq, mono_t now, const char **why);
/* IKE and IPsec SAs; with a default peer the next attempt goes home. map NULL = all, seq 0 = all of
 * the map; peer NULL = any, else only entries that hold SAs to it, or walk to it. */
int entries_clear_session(struct entries *e, const char *map, unsigned seq,
			  const struct addr *peer, mono_t now, const char **why);
/* The same of those that are chosen. */
struct entry_choice {
	const char *map;  /* NULL: any */
	unsigned seq;     /* 0: any */
	struct addr peer, local; /* AF_UNSPEC: any */
	conn_id conn;     /* 0: any */
	bool established; /* only those that are up */
	bool quiet;       /* the peers are not told */
};
int entries_clear_chosen(struct entries *e, const struct entry_choice *c, mono_t now,
			 const char **why);
/* What `show` counts begins at 0 again; lifetimes by volume go on. */
void entries_clear_counters(struct entries *e, mono_t now);
/* IPsec SAs only; the peer is kept (A13). spi (either direction, host order) 0 = all of the selection. */
int entries_clear_sa(struct entries *e, const char *map, unsigned seq, const struct addr *peer,
		     uint32_t spi, mono_t now, const char **why);
/*
 * A walk that begins at @peer (address, or name as configured) whatever is next, and goes on
 * as any walk does. -ENOENT: it is none of the entry's; -EALREADY: up with it; -EINPROGRESS:
 * it is being tried; -ENETUNREACH: no local address towards it. On an error nothing changed.
 */
int entries_switch(struct entries *e, const char *map, unsigned seq, const char *peer, mono_t now,
		   const char **why);
/* `clear crypto map NAME SEQ peer`, `prefpeer map reset`. */
int entries_map_reset(struct entries *e, const char *map, unsigned seq, mono_t now,
		      const char **why);

/*
 * `prefpeer drain`: from now on (until @on is false) no new IKE SA, by either side; those that
 * are there stay until entries_drain_one() ends one, by DELETE. It returns how many entries
 * are up then.
 */
void entries_drain(struct entries *e, bool on, mono_t now);
unsigned entries_drain_one(struct entries *e, mono_t now);
bool entries_draining(const struct entries *e);
unsigned entries_up(const struct entries *e);

/* ---- what `map show` and `session show` read ------------------------------- */

#define ENTRY_TEXT_MAX 320

struct entry_peer_view {
	const char *text;          /* as configured */
	struct addr addr;          /* AF_UNSPEC: not resolved */
	bool is_name, is_dynamic, resolving;
	int64_t ttl_ms;            /* dynamic: usable so long without an answer; -1 = not */
	enum name_trust trust;     /* of addr */
	bool is_default, is_current, is_trying, is_next;
	int walk_at;               /* WALK: how many steps until its turn, 0 = being tried; -1: none */
	enum entry_reason last;    /* how the last attempt or connection ended; NONE = never tried */
	char last_text[ENTRY_TEXT_MAX];
	mono_t last_at;            /* UNSET = never */
	mono_t heard;              /* last authenticated message or decapsulated packet; UNSET = never */
	uint32_t rtt_us;           /* smoothed; 0 = not known */
	uint32_t answer_ms, finish_ms; /* budgets of a step to it now */
};

struct entry_line_view {
	unsigned no;               /* 1.. */
	uint32_t reqid;
	struct selector sel;
	bool blocked, wanted, in_setup, narrowed;
	mono_t backoff_until;      /* UNSET = not backing off */
	char backoff_text[ENTRY_TEXT_MAX]; /* what the peer said */
	unsigned n_pairs;
	struct addr local, peer;   /* of the newest pair; AF_UNSPEC = none */
	uint32_t spi_in, spi_out;  /* host order; 0 = none */
	uint64_t bytes_in, bytes_out, packets_in, packets_out;
	mono_t since;              /* of the newest pair */
	int64_t idle_now_ms;       /* -1 = not known */
};

/* A pair of SAs that is up. */
struct entry_pair_view {
	unsigned line;             /* 1.. */
	conn_id conn;
	bool has_info;             /* zero otherwise */
	struct engine_child_info info;
	struct addr local, peer;
	uint32_t spi_in, spi_out;  /* host order */
	struct selector sel;       /* as negotiated */
	uint64_t bytes_in, bytes_out, packets_in, packets_out; /* since it was made, or cleared */
	uint32_t replayed, not_authentic; /* inbound packets that were dropped */
	uint64_t used_in, used_out; /* bytes, of its lifetime by volume */
	mono_t since;
	int64_t idle_now_ms;       /* -1 = not known */
};

struct entry_view {
	const char *map;
	const struct map_entry *conf; /* of the configuration in force, or of a branch */
	uint32_t seq;
	enum entry_state state;
	mono_t since;
	enum entry_reason reason;  /* of the last change of state */
	char sentence[ENTRY_TEXT_MAX];
	const char *current, *trying; /* conf_peer.text; NULL = none */
	enum entry_next next;
	const char *next_peer;     /* `Next attempt` */
	mono_t backoff_until;      /* BACKOFF */
	unsigned backoff_k;
	struct addr local;         /* UP, WALK */
	conn_id conn;              /* UP, WALK: the IKE SA; 0 = none */
	struct idle_time idle;     /* in force; ms 0 = off */
	int64_t idle_now_ms;       /* least idle pair; -1 = none */
	struct dpd dpd;            /* in force */
	uint32_t dpd_budget_ms;    /* 6R; 0 without DPD */
	/* Worst case from death to traffic (end of §10), set-up itself left out; 0 without DPD. */
	uint32_t notice_ms;        /* INTERVAL + 6R; on-demand: and its looks */
	uint32_t retry_default_ms; /* the default asked in vain; 0 without a default */
	uint32_t failover_ms;      /* their sum */
	uint32_t further_ms;       /* for each further peer that is silent; 0 = there is none */
	bool manual;               /* its SAs have keys of the configuration: no IKE, no timers */
	uint32_t branch_of;        /* of a branch that called: the dynamic entry's number; 0: of the file */
	uint32_t template_seq;     /* … by that template of its dynamic map */
	const struct ike_id *identity; /* … and who it proved to be; NULL */
	const char *incomplete;    /* why it cannot protect (conf_entry_inert, conf_entry_incomplete), or NULL */
	bool is_template;          /* a dynamic map stands here: only branches that call are up */
	bool engine_ready, draining;
	bool reachable;            /* a local address towards a peer of the list; UP: always */
	char no_way[ENTRY_TEXT_MAX]; /* … or why there is none */
	unsigned n_held;           /* peers that called and wait for the end of a walk */
	const char *dead;          /* the peer whose death ended the last connection, or NULL */
	bool blocks;               /* then: its lines are dropped, not sent in clear */
	struct entry_peer_view *peers; /* in list order */
	unsigned n_peers;
	struct entry_line_view *lines;
	unsigned n_lines;
	struct entry_pair_view *pairs; /* oldest first */
	unsigned n_pairs;
};

/* Branches by dynamic maps (§4.2), since the start but for the first. */
struct entry_branch_counters {
	unsigned now;
	uint64_t came, refused; /* refused: no template, or not what it claimed */
};
const struct entry_branch_counters *entries_branch_counters(const struct entries *e);

unsigned entries_count(const struct entries *e);
/* The i-th entry, maps by name and entries by seq. Strings live until the next call into entry/.
 * 0, -ENOENT, -ENOMEM. */
int entries_view(struct entries *e, unsigned i, mono_t now, struct entry_view *out);
int entries_find(struct entries *e, const char *map, unsigned seq); /* its i, or -ENOENT */
void entry_view_free(struct entry_view *v);

struct entry_session {
	struct engine_conn_info info; /* from the engine; zero where it knows nothing */
	conn_id conn;
	struct addr local, peer;
	bool established, closing;
	bool manual;                  /* no IKE SA: conn 0, info has its times only */
	unsigned n_entries;           /* that use it */
	unsigned n_children;
};
typedef void (*entry_session_fn)(void *ctx, const struct entry_session *s);
void entries_each_session(struct entries *e, entry_session_fn fn, void *ctx);

/*
 * What becomes of the next packet of an entry, from nothing but its view. Names:
 * entry_way_name(), keys of the JSON.
 */
enum entry_way {
	WAY_TUNNEL,  /* "tunnel": by SAs that are there */
	WAY_CHILD,   /* "child": an IKE SA is there, its line's SAs are asked for on it */
	WAY_WALK,    /* "walk": waits for the attempt that is under way */
	WAY_ATTEMPT, /* "attempt": begins one */
	WAY_WAIT,    /* "wait": for the end of a back-off, an address, the engine */
	WAY_BLOCK,   /* "block": is dropped */
	WAY_CLEAR,   /* "clear": the entry protects nothing */
};

struct entry_explanation {
	enum entry_way way;
	const char *peer; /* that it would use, or wait for; NULL = none. Lives as the view's */
	char text[1600];  /* one paragraph */
};

void entry_explain(const struct entry_view *v, mono_t now, struct entry_explanation *out);
const char *entry_way_name(enum entry_way w);

const char *entry_state_name(enum entry_state s);   /* "UP" */
const char *entry_next_name(enum entry_next n);     /* "home" */
const char *entry_reason_name(enum entry_reason r); /* "dpd-timeout" */
const char *entry_reason_text(enum entry_reason r); /* the same for people, where no more is known */
const char *entry_ntf_name(enum entry_ntf_type t);  /* "map-state" … "map-note" */
/* The reason in a notification: as above; of NTF_PEER a word of semantics.md §7 where it has one. */
const char *entry_ntf_reason(const struct entry_ntf *n);

#endif
