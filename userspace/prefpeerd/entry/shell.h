/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands around the core: its ports, the names of what the core knows by
 * number, and the tables that only the outside needs. act.c alone changes anything
 * in the engine or the kernel, but for manual entries (manual.h); takeover.c, events.c
 * and view.c read there.
 */
#ifndef ENTRY_SHELL_H
#define ENTRY_SHELL_H

#include <uthash.h>

#include "prefpeerd/entry/core.h"

/*
 * A branch that called by a dynamic map (semantics.md §4.2). Its entry is as one of the
 * file, of values that its template has; two of them, for a new configuration and the
 * one in force live side by side until the new one is.
 */
struct branch {
	const struct map_entry *of; /* the dynamic entry by which it came */
	uint32_t of_seq, template_seq;
	struct map_entry conf[2];
	const struct map_entry *next_of;
	unsigned now; /* conf[now] is in force */
	bool goes_on; /* the next configuration has a place for it: conf[!now], next_of */
	struct ike_id id; /* as authenticated */
};

/* The companion of a core_entry. */
struct shell_entry {
	struct branch *branch; /* NULL: an entry of the file */
	struct entries *owner;
	uint32_t id;
	const struct map_entry *conf; /* of the configuration in force */
	char map[CONF_NAME_MAX + 1];
	uint32_t seq;
	char **names; /* by peer_key - 1: as configured; never shrinks, so that notes name the removed */
	unsigned n_names;
	struct timer timer; /* the earliest deadline of the core_entry */
	mono_t armed;
	UT_hash_handle hh; /* by id */
};

/* A peer as the engine knows it: one per address and IKEv2 profile. */
struct shell_remote {
	struct engine_remote r;
	char profile[CONF_NAME_MAX + 1]; /* "": none */
	const struct ike_id *key_id; /* of one for whoever calls: whose key it is; NULL: anybody's */
	bool wanted;
};

/* SAs of an earlier run (A19). */
struct shell_orphan {
	struct kernel_sa_id id;
	struct addr src;
	uint32_t reqid;
	struct sa_kind kind;
	uint64_t add_time;
	uint32_t entry; /* 0 until it is known whose */
	bool outbound;
};

/* A verdict "idle" whose pair could not be read yet. */
struct shell_verdict {
	struct kernel_pair_key pair;
	child_id child;  /* a pair that was made anew has verdicts of its own */
	mono_t last_use; /* by the verdict; UNSET: none was given */
	unsigned tries;
	uint32_t spi_in, spi_out; /* whose packets were counted at the first try */
	bool counted;
	uint64_t packets;
	bool held; /* not by the timer: until its IKE SA is proven alive, or gone (§14.6) */
};

/* What a port answered, to be fed back to the core after its actions. */
struct shell_failure {
	conn_id conn;
	child_id child; /* 0: the conn itself */
	bool busy;      /* no room for that set-up now */
	bool probe;     /* the conn cannot be probed */
	uint32_t entry, reqid; /* reqid not 0: the template of that line */
	int err;
};

struct manual;

struct entries {
	struct entry_ports ports;
	struct core core;
	struct core_out out;
	mono_t now; /* of the step */
	const struct config *conf;
	struct spd *spd;
	struct shell_entry **list; /* by map name and seq, ascending */
	unsigned n_list;
	struct shell_entry *by_id;
	struct manual **manuals; /* by map name and seq likewise; manual.h */
	unsigned n_manuals;
	struct shell_remote *remotes;
	unsigned n_remotes, cap_remotes;
	uint32_t last_remote;
	struct kernel_rule *rules; /* in force; by peer and reqid, ascending */
	unsigned n_rules;
	struct shell_orphan *orphans;
	unsigned n_orphans, cap_orphans;
	uint32_t *larvals; /* reqids found at start with a larval: the line is wanted */
	unsigned n_larvals, cap_larvals;
	struct shell_failure *failed;
	unsigned n_failed, cap_failed;
	struct shell_verdict *verdicts;
	unsigned n_verdicts, cap_verdicts;
	struct timer verdict_timer;
	struct reverse_route *routes; /* wanted, as the port was told last */
	unsigned n_routes;
	bool routes_told, routes_known; /* known: nothing happened since they were worked out */
	bool scanned; /* the SAD was read for orphans */
	bool configuring; /* the list of entries is being walked: branches are let go afterwards */
	uint32_t branch_seq; /* the last one given out */
	struct entry_branch_counters branches;
	char sentence[ENTRY_TEXT_MAX];
};

/* One event on its way through the core: begin, core_…(&t.r, …), act_all(). */
struct step {
	struct entries *s;
	struct core_env env;
	struct run r;
};

/* act.c */
void step_begin(struct step *t, struct entries *s, mono_t now);
struct core_env shell_env(struct entries *s);
/* Carry out what the step emitted, feed failures back, arm timers. */
void act_all(struct entries *s);
/* The port's local_addr; a failure is told. @why: CORE_TEXT_MAX bytes, or NULL. */
int act_local(struct entries *s, const struct map_entry *m, const struct addr *peer,
	      struct addr *out, char *why);
void act_rules_put(struct entries *s);
void act_rules_replace(struct entries *s, struct kernel_rule *rules, unsigned n);
/* What the configuration says for all peers. */
void act_settings_put(struct entries *s);
void act_children_change(struct entries *s, const struct core_entry *e, const struct map_entry *m);
void act_remotes_put(struct entries *s);
void act_remotes_drop(struct entries *s);
/* The module counts one-way from @when on (kernel.md §13). */
void act_heard(struct entries *s, const struct kernel_peer_key *key, mono_t when);
void act_probe(struct entries *s, conn_id id);
bool act_sa_there(struct entries *s, const struct core_child *ch);
/* What the SAs of a pair are called in the kernel. */
struct kernel_sa_id act_sa_id(const struct core_child *ch, enum sa_dir dir);
/* The templates of the line ask for what the pair that came up is. */
void act_line_kind(struct entries *s, child_id id);
/* ms since the last packet; -1 = not known */
int64_t act_pair_idle_ms(struct entries *s, const struct core_child *ch,
			 struct kernel_pair_reading *out);
/* Of both SAs together; false: one of them cannot be read. */
bool act_pair_packets(struct entries *s, const struct core_child *ch, uint64_t *out);
void act_orphan_del(struct entries *s, const struct shell_orphan *o);

/* branch.c */
/*
 * Who called, when no entry of the file takes it: the branch's entry, made if it is new
 * and may have what it asks for. 0: refused, and said why.
 */
uint32_t branch_call(struct step *t, const struct core_inbound *in, const struct ike_id *id);
/* Those that are over: their policies, and they themselves. */
void branches_reap(struct entries *s);
/* At a reload the policies of one that has no place in it are gone already. */
void branch_lines_gone(struct entries *s, const struct core_entry *e);
/* The new configuration is in force for one that goes on; false: it has no place for it. */
bool branch_moved_on(struct shell_entry *se);

/* reverse.c */
/* What the entries want now; told only if it is other than before. */
void reverse_routes(struct entries *s);

/* takeover.c */
int takeover_scan(struct entries *s);
/* The peer of the newest outbound orphan of the lines of @e; false: none. */
bool takeover_peer(struct entries *s, const struct map_entry *conf, const struct spd *spd,
		   struct addr *local, struct addr *peer);
/* What the newest orphan of that line is; false: there is none. */
bool takeover_kind(const struct entries *s, uint32_t reqid, struct sa_kind *out);
void takeover_adopt(struct entries *s);
void takeover_drop(struct entries *s, uint32_t entry, bool outbound_only);
/* After lost events: the SAD and the pairs' clocks against what we believe (§12). */
void takeover_resync(struct entries *s);

/* verdict.c */
/* The pair is idle since @last_use, says the module; UNSET: is it? (after lost events) */
void verdict_take(struct step *t, const struct kernel_pair_key *pair, mono_t last_use);
/*
 * A pair came up; the kernel's may be an older one, which an agent before us or a
 * child before this one had been told of (make-before-break, kernel.md §13). It is
 * looked at in a second: packets that wait for it pass first.
 */
void verdict_ask(struct entries *s, child_id id);
/* Those that waited for an IKE SA which has answered, or went, are judged again. */
void verdicts_release(struct step *t);
void verdicts_init(struct entries *s);
void verdicts_fini(struct entries *s);

/* entries.c */
struct shell_entry *shell_entry(const struct entries *s, uint32_t id);
struct shell_entry *shell_find(const struct entries *s, const char *map, unsigned seq);
/* Where it stands in the list, or would. */
unsigned shell_place(const struct entries *s, const char *map, unsigned seq);
const char *shell_peer_name(const struct shell_entry *se, peer_key key);
struct core_line *shell_line(const struct entries *s, uint32_t reqid, struct core_entry **e);
struct shell_entry *shell_entry_add(struct entries *s, const struct map_entry *m);
void shell_entry_remove(struct entries *s, unsigned i);

/* configure.c */
/* What an entry has from its configuration @m, peers and lines left out. */
void shell_set_values(const struct config *c, const struct map_entry *m, struct core_entry *e);

/* Of its profile; NULL: none. */
void shell_set_dpd(struct core_peer *p, const struct ikev2_profile *f);

/* remotes.c */
/* @profile: NULL, none. */
/* @name: as the peer is listed. */
void remote_want(struct entries *s, const struct config *c, const char *name,
		 const struct addr *peer, const struct ikev2_profile *profile);
remote_id shell_remote_id(const struct entries *s, const struct addr *peer,
			  const struct ikev2_profile *profile);
void remotes_want(struct entries *s, const struct config *c);
void remotes_keep_resolved(struct entries *s);
void rules_replace(struct entries *s);
/* Of that peer; NULL: none. */
const struct ikev2_profile *shell_peer_profile(const struct entries *s, const struct core_entry *e,
					       peer_key key);

/* view_pair.c: the pairs of an entry into @v, which has room for all of its children. */
void view_pairs(struct entries *s, const struct core_entry *e, struct entry_view *v);

/* say.c: ux.md "Events" */
void say_note(const struct shell_entry *se, const struct core_note *n, char *buf, size_t size);
/* "350 ms", "2.5 s", "120 s" */
const char *say_seconds(uint32_t ms, char *buf, size_t size);
/* @peer: whom it is about, where the words before do not say so; or NULL. */
const char *say_cause(const struct cause *c, const char *text, const char *peer, char *buf,
		      size_t size);

#endif
