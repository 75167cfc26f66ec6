/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PREFPEER_H
#define PREFPEER_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/genetlink.h>
#include <net/xfrm.h>
#include <uapi/linux/prefpeer.h>

#include "generated/prefpeer_nl.h"
#include "idle_judge.h"
#include "turn.h"

#define PP_BATCH		32	/* SAs per hold of a lock */
#define PP_SLOTS		2048
#define PP_SLOTS_FINE		64
#define PP_RULE_HASH_BITS	8
#define PP_GROUPS		3
#define PP_REFUSED		4096	/* bits */

/**
 * struct pp_meta - what a rule or sa-set says; never changed, shared
 * @ref: references
 * @has: which attributes are set, BIT(PREFPEER_A_META_*)
 * @cookie: returned as given
 * @map_seq: sequence number of the crypto map's entry
 * @index: place of the peer in its list
 * @flags: enum prefpeer_meta_flag
 * @idle_time: ms, 0 = off
 * @one_way: ms, 0 = off
 * @map: name of the crypto map
 */
struct pp_meta {
	refcount_t ref;
	u32 has;
	u64 cookie;
	u32 map_seq;
	u32 index;
	u32 flags;
	u32 idle_time;
	u32 one_way;
	char map[PREFPEER_MAP_LEN + 1];
};

/**
 * struct pp_prefix - addresses that share their first bits
 * @addr: the bits, the others 0
 * @len: how many
 */
struct pp_prefix {
	xfrm_address_t addr;
	u8 len;
};

/* Which selectors of a struct pp_selector count. */
enum {
	PP_SEL_LOCAL	= BIT(0),
	PP_SEL_REQID	= BIT(1),
	PP_SEL_IF_ID	= BIT(2),
	PP_SEL_MARK	= BIT(3),
	PP_SEL_PROTO	= BIT(4),
};

/**
 * struct pp_selector - the SAs that a rule is for
 * @remote: always counts
 * @local: with PP_SEL_LOCAL
 * @family: of both
 * @has: PP_SEL_*
 * @proto: with PP_SEL_PROTO
 * @reqid: with PP_SEL_REQID
 * @if_id: with PP_SEL_IF_ID
 * @mark: with PP_SEL_MARK
 *
 * Built zeroed, so that equal selectors are equal memory.
 */
struct pp_selector {
	struct pp_prefix remote;
	struct pp_prefix local;
	u16 family;
	u8 has;
	u8 proto;
	u32 reqid;
	u32 if_id;
	struct xfrm_mark mark;
};

/**
 * struct pp_rule - metadata for the SAs that a selector matches
 * @node: in pp_table.rules, best first within one remote prefix
 * @ref: the table's, and one per pair that it is applied to
 * @id: rule-id
 * @sel: for whom
 * @meta: what, replaced by rule-set
 *
 * All under pp_net.mutex.
 */
struct pp_rule {
	struct hlist_node node;
	refcount_t ref;
	u32 id;
	struct pp_selector sel;
	struct pp_meta *meta;
};

enum pp_timer_kind {
	PP_TIMER_PAIR,
	PP_TIMER_PEER,
};

/**
 * struct pp_timer - a place in a wheel, embedded in what is to be looked at
 * @node: in a slot, unhashed = not waiting
 * @slot: number of that slot
 * @kind: what it is embedded in
 * @fine: on the fine wheel
 */
struct pp_timer {
	struct hlist_node node;
	u64 slot;
	u8 kind;
	bool fine;
};

/**
 * struct pp_wheel - timers by the slot of their deadline
 * @tick: length of a slot, ns
 * @done: number of the last slot that is empty for good
 * @mask: slots in a revolution - 1; nothing waits longer than one
 * @used: which slots hold something
 * @slot: the slots
 */
struct pp_wheel {
	u64 tick;
	u64 done;
	unsigned int mask;
	unsigned long *used;
	struct hlist_head *slot;
};

/* Where an SA's @list is; changes under pp_net.lock. */
enum pp_sa_where {
	PP_SA_FRESH,	/* pp_net.fresh: tracked, not yet in a pair */
	PP_SA_BUSY,	/* nowhere: the worker is putting it into its pair */
	PP_SA_MEMBER,	/* pp_pair.members[] */
	PP_SA_DOOMED,	/* nowhere: gone while it was BUSY */
	PP_SA_GONE,	/* pp_net.gone: the worker has yet to bury it */
};

/**
 * struct pp_sa - a tracked SA
 * @node: in pp_table.by_x, until it is gone
 * @spi_node: in pp_table.by_spi, while it has a pair
 * @x: the SA, pinned
 * @list: see @where
 * @rcu: for freeing, when @list is over
 * @pair: its pair, NULL before it has one
 * @meta: from sa-set, or NULL
 * @packets: counter as read last
 * @read: instant before that read
 * @use: last use
 * @look: number of the look that read it
 * @id: sa-id
 * @spi: of @x, key of by_spi
 * @where: enum pp_sa_where
 * @dir: enum prefpeer_dir
 * @state: enum prefpeer_state
 * @reason: enum prefpeer_reason, once it is gone
 * @flags: enum prefpeer_flag
 * @lastused_no: it moved without a trace in lastused
 * @recheck: an update may have changed what its rules and peer depend on
 *
 * @list, @where and @reason are under pp_net.lock, the rest under
 * pp_net.mutex. Only the worker, or the end of the namespace, frees one.
 */
struct pp_sa {
	struct rhash_head node;
	struct rhlist_head spi_node;
	struct xfrm_state *x;
	union {
		struct list_head list;
		struct rcu_head rcu;
	};
	struct pp_pair *pair;
	struct pp_meta *meta;
	u64 packets;
	u64 read;
	struct pp_use use;
	u32 look;
	u32 id;
	__be32 spi;
	u8 where;
	u8 dir;
	u8 state;
	u8 reason;
	u8 flags;
	bool lastused_no;
	bool recheck;
};

/* Which end of a pair or peer is ours. */
enum pp_local {
	PP_LOCAL_UNKNOWN,
	PP_LOCAL_LOW,
	PP_LOCAL_HIGH,
};

/**
 * struct pp_pair_key - what makes SAs a pair
 * @low: one outer address
 * @high: the other, not below @low as bytes
 * @reqid: its reqid
 * @family: of both addresses
 * @alone: the SA itself, if its addresses name no peer
 */
struct pp_pair_key {
	xfrm_address_t low;
	xfrm_address_t high;
	u32 reqid;
	u32 family;
	struct xfrm_state *alone;
};

/**
 * struct pp_peer_key - what makes pairs a peer
 * @low: as in struct pp_pair_key
 * @high: as in struct pp_pair_key
 * @family: of both addresses
 * @port: UDP port of the remote end, 0 = no encapsulation
 */
struct pp_peer_key {
	xfrm_address_t low;
	xfrm_address_t high;
	u16 family;
	__be16 port;
};

/* Sides of a pair. Inbound first: pp_oneway_out() depends on it. */
enum pp_side {
	PP_SIDE_IN,	/* and those whose direction is not known */
	PP_SIDE_OUT,
	PP_SIDES,
};

/**
 * struct pp_pair - all SAs between two addresses with one reqid
 * @node: in pp_table.pairs
 * @key: what makes it
 * @members: its SAs by side; under pp_net.lock
 * @n_gone: members waiting in pp_net.gone; under pp_net.lock
 * @n: its SAs by side, gone ones included
 * @n_way: the same, from low to high and from high to low
 * @n_unknown: of n[PP_SIDE_IN], those without a known direction
 * @peer: its peer, NULL without one
 * @in_peer: in pp_peer.pairs
 * @dirty: in pp_net.dirty_pairs
 * @timer: its next look
 * @rule: the best of the rules that its SAs match, or NULL
 * @meta: of @rule when it was applied, or NULL
 * @sa_time: smallest idle-time that sa-set gave one of its SAs, ns, 0 = none
 * @use: last use
 * @in: last inbound use
 * @out: last outbound use
 * @read: the last look
 * @verdict: instant of the last change of @state
 * @id: pair-id
 * @local: enum pp_local
 * @state: enum prefpeer_state
 * @flags: enum prefpeer_flag
 * @newest: add_time of the SA that @peer is taken from
 * @fine: counted in pp_net.n_fine
 * @rcu: for freeing
 *
 * But where it says otherwise, under pp_net.mutex.
 */
struct pp_pair {
	struct rhash_head node;
	struct pp_pair_key key;
	struct list_head members[PP_SIDES];
	u32 n_gone;
	u32 n[PP_SIDES];
	u32 n_way[2];
	u32 n_unknown;
	struct pp_peer *peer;
	struct list_head in_peer;
	struct list_head dirty;
	struct pp_timer timer;
	struct pp_rule *rule;
	struct pp_meta *meta;
	u64 sa_time;
	struct pp_use use;
	struct pp_use in;
	struct pp_use out;
	u64 read;
	u64 verdict;
	u32 id;
	u8 local;
	u8 state;
	u8 flags;
	bool fine;
	u64 newest;
	struct rcu_head rcu;
};

/**
 * struct pp_peer - all pairs of two addresses and one remote port
 * @node: in pp_table.peers
 * @key: what makes it
 * @pairs: its pairs
 * @n_pairs: how many
 * @dirty: in pp_net.dirty_peers
 * @timer: its next look
 * @t: largest idle time of its pairs, ns, 0 = one has none
 * @w: smallest one-way limit of its pairs, ns, 0 = none has one
 * @use: last use
 * @in: last inbound use
 * @out: last outbound use
 * @heard: latest stamp of peer-heard
 * @oneway: what is unanswered
 * @read: the last look
 * @verdict: instant of the last change of @state
 * @id: peer-id
 * @local: enum pp_local
 * @state: enum prefpeer_state
 * @rcu: for freeing
 *
 * Under pp_net.mutex.
 */
struct pp_peer {
	struct rhash_head node;
	struct pp_peer_key key;
	struct list_head pairs;
	u32 n_pairs;
	struct list_head dirty;
	struct pp_timer timer;
	u64 t;
	u64 w;
	struct pp_use use;
	struct pp_use in;
	struct pp_use out;
	u64 heard;
	struct pp_oneway oneway;
	u64 read;
	u64 verdict;
	u32 id;
	u8 local;
	u8 state;
	struct rcu_head rcu;
};

/**
 * struct pp_table - what a namespace needs once it has an SA or a rule
 * @by_x: SAs by address of their struct xfrm_state; under pp_net.lock
 * @by_spi: SAs in a pair, by SPI
 * @pairs: by struct pp_pair_key
 * @peers: by struct pp_peer_key
 * @wheel: coarse
 * @wheel_fine: for timeouts below one second
 * @rules: by family, length and bits of the remote prefix
 * @lens: rules per length of the remote prefix, IPv4 and IPv6
 * @refused: hashes of the keys of pairs that lack an SA because of max_sas, and
 *           of their addresses; under pp_net.lock
 */
struct pp_table {
	struct rhashtable by_x;
	struct rhltable by_spi;
	struct rhashtable pairs;
	struct rhashtable peers;
	struct pp_wheel wheel;
	struct pp_wheel wheel_fine;
	struct hlist_head rules[1 << PP_RULE_HASH_BITS];
	u32 lens[2][129];
	DECLARE_BITMAP(refused, PP_REFUSED);
};

/**
 * struct pp_ids - objects by id
 * @xa: id to object
 * @next: where the search for a free one starts
 * @top: highest id given so far; a dump ends at the one of its start
 * @n: objects
 */
struct pp_ids {
	struct xarray xa;
	u32 next;
	u32 top;
	u32 n;
};

/**
 * struct pp_group - one multicast group of a namespace
 * @skb: message being filled
 * @full: messages to send
 * @n_skb: events in @skb
 * @seq: number of the newest event
 */
struct pp_group {
	struct sk_buff *skb;
	struct sk_buff_head full;
	u32 n_skb;
	u32 seq;
};

/**
 * struct pp_stats - what info-get tells and nothing else knows
 */
struct pp_stats {
	u64 looks;
	u64 reads;
	u64 verdicts;
	u64 events;
	u64 events_lost;
	u64 rescans;
};

/**
 * struct pp_net - a network namespace
 * @net: the namespace
 * @lock: leaf: x->lock, xfrm_state_lock, lock. Protects @tab (pointer, its
 *        by_x), @fresh, @gone, lists of members, @n_tracked, @n_waiting, @untracked,
 *        @dying, @sweep, @sweep_why, @owed, @overflow, @updated, @armed. BH.
 * @mutex: all else. Taken before @lock. The worker holds it but while it sends
 *         and between two looks, so requests see whole looks.
 * @work: the worker
 * @tab: tables, NULL before the first SA or rule
 * @fresh: SAs to be put into their pairs, oldest first
 * @gone: SAs to be buried
 * @n_tracked: SAs in by_x
 * @n_waiting: SAs in @fresh and @gone
 * @untracked: SAs refused for max_sas since the last rescan began
 * @dying: no more events from the core
 * @sweep: SAs may have died without a word
 * @sweep_why: enum prefpeer_reason of those
 * @owed: SAs may exist that are not known: rescan, and no verdict before
 * @overflow: SAs exist that are not tracked because of max_sas
 * @updated: some SA has recheck set
 * @armed: when @work is to run at the latest, PP_NEVER = not at all
 * @n_offload: SAs in by_x that a device helps with
 * @pairs_all: pair-ids
 * @sas_all: sa-ids
 * @peers_all: peer-ids
 * @rules_all: rule-ids
 * @rule_gen: changes of rules
 * @rule_sweep: by pair-id: pairs are to be matched with the rules again
 * @dirty_pairs: pairs to match again
 * @dirty_peers: peers to sum up again
 * @group: multicast groups, by PREFPEER_NLGRP_*
 * @n_fine: pairs on the fine wheel
 * @n_fine_peers: peers on it
 * @look: number of the last look
 * @off: real time minus boottime, as last seen
 * @off_since: when it was seen to change
 * @others: larval SAs, IPcomp and the like in the SAD, at the last rescan
 * @rescan_at: when a mismatch of counts is looked into, 0 = none
 * @rescan_next: not before this
 * @rescan_wait: grows while rescans find nothing, ns
 * @rescan_hold: no rescan at all before this, for want of memory
 * @fresh_hold: no attempt to put a fresh SA into its pair before this, likewise
 * @sa_sweep: by sa-id: SAs may have died, or have recheck set
 * @sweep_reason: enum prefpeer_reason of those that it finds dead
 * @step: the kind of work whose turn it is
 * @coarse_first: of the two wheels, as to the next look
 * @budget: what is left of this turn, below 0 if it took more than it had
 * @breath: the budget at which the mutex is given back next
 * @stats: counts
 */
struct pp_net {
	struct net *net;

	/* what the core's events touch */
	spinlock_t lock;
	struct list_head fresh;
	struct list_head gone;
	u32 n_tracked;
	u32 n_waiting;
	u32 untracked;
	u8 sweep_why;
	bool dying;
	bool sweep;
	bool owed;
	bool overflow;
	bool updated;
	u64 armed;
	u32 n_offload;

	/* what requests and the worker touch */
	struct mutex mutex;
	struct delayed_work work;
	struct pp_table *tab;
	struct pp_ids sas_all;
	struct pp_ids pairs_all;
	struct pp_ids peers_all;
	struct pp_ids rules_all;
	u32 rule_gen;
	struct pp_sweep rule_sweep;
	struct list_head dirty_pairs;
	struct list_head dirty_peers;
	struct pp_group group[PP_GROUPS];
	u32 n_fine;
	u32 n_fine_peers;
	u32 look;
	s64 off;
	u64 off_since;
	u32 others;
	u64 rescan_at;
	u64 rescan_next;
	u64 rescan_wait;
	u64 rescan_hold;
	u64 fresh_hold;
	struct pp_sweep sa_sweep;
	u8 sweep_reason;
	u8 step;
	bool coarse_first;
	int budget;
	int breath;
	struct pp_stats stats;
};

/**
 * struct pp_look - one look at a pair or a peer
 * @pn: its namespace
 * @nr: number
 * @t0: before its first read
 * @due: earliest verdict that may follow, over its SAs
 * @confirm: a verdict is due if nothing moved: read under x->lock
 * @worker: it may let others run between batches, and make verdicts
 * @narrow: lastused is worth its lock
 * @moved: something did
 * @idle: at least one SA is idle
 * @lastused: at least one SA has it
 * @lastused_no: at least one SA lacks it
 * @unjudgeable: at least one SA cannot be read
 * @offload: at least one SA is offloaded
 */
struct pp_look {
	struct pp_net *pn;
	u32 nr;
	u64 t0;
	u64 due;
	bool confirm;
	bool worker;
	bool narrow;
	bool moved;
	bool idle;
	bool lastused;
	bool lastused_no;
	bool unjudgeable;
	bool offload;
};

struct pp_filter;

/* main.c */
extern unsigned int pp_net_id;
extern struct kmem_cache *pp_sa_cache;
extern struct kmem_cache *pp_pair_cache;
extern struct kmem_cache *pp_peer_cache;
struct pp_net *pp_net_get(struct net *net);
void pp_net_setup(struct pp_net *pn, struct net *net);
void pp_net_empty(struct pp_net *pn);
void pp_net_free(struct pp_net *pn);
int pp_table_init(struct pp_net *pn);
u32 pp_limit_sas(const struct pp_net *pn);
u32 pp_limit_fine(void);
u32 pp_limit_rules(void);
void pp_kick(struct pp_net *pn);
void pp_kick_now(struct pp_net *pn);
void pp_kicked(struct pp_net *pn);
void pp_kick_at(struct pp_net *pn, u64 when);
int pp_id_new(struct pp_ids *ids, void *obj, u32 *id);
void pp_id_del(struct pp_ids *ids, u32 id);

/* km.c */
void pp_km_register(void);
void pp_km_unregister(void);
bool pp_rescan_step(struct pp_net *pn);
u64 pp_reconcile(struct pp_net *pn);

/* sa.c */
extern const struct rhashtable_params pp_by_x_params;
extern const struct rhashtable_params pp_by_spi_params;
bool pp_sa_wanted(const struct xfrm_state *x);
bool pp_sa_track(struct pp_net *pn, struct xfrm_state *x);
void pp_sa_updated(struct pp_net *pn, struct xfrm_state *x);
void pp_sa_lost(struct pp_net *pn, struct xfrm_state *x, u8 reason);
void pp_sa_vanished(struct pp_net *pn, struct pp_sa *sa, u8 reason);
bool pp_sa_gone_step(struct pp_net *pn);
bool pp_sa_fresh_step(struct pp_net *pn);
bool pp_sa_sweep_step(struct pp_net *pn);
struct pp_sa *pp_sa_find(struct pp_net *pn, const struct pp_filter *f);
void pp_sa_drop_all(struct pp_net *pn);
struct pp_meta *pp_sa_meta(const struct pp_sa *sa);
u64 pp_sa_time(const struct pp_sa *sa);
__be16 pp_sa_remote_port(const struct pp_sa *sa);
u8 pp_sa_direction(const struct pp_sa *sa, const struct pp_pair *pair,
		   bool moved);

/* look.c */
void pp_look_begin(struct pp_look *lk, struct pp_net *pn, bool worker);
void pp_look_side(struct pp_look *lk, struct pp_pair *pair, enum pp_side side);
void pp_look_final(struct pp_net *pn, struct pp_sa *sa);
bool pp_look_complete(const struct pp_look *lk, const struct pp_pair *pair);
bool pp_look_refused(struct pp_net *pn, u32 bit);
unsigned int pp_look_members(struct pp_net *pn, struct pp_pair *pair,
			     enum pp_side side, u32 nr, struct pp_sa **sas);

/* pair.c */
extern const struct rhashtable_params pp_pairs_params;
void pp_pair_key_of(struct pp_pair_key *key, struct xfrm_state *x);
struct pp_pair *pp_pair_find(struct pp_net *pn, const struct pp_pair_key *key);
int pp_pair_join(struct pp_net *pn, struct pp_sa *sa);
void pp_pair_leave(struct pp_net *pn, struct pp_sa *sa);
u64 pp_pair_time(const struct pp_pair *pair);
u32 pp_pair_flags(const struct pp_pair *pair);
void pp_pair_moved(struct pp_net *pn, struct pp_sa *sa,
		   const struct pp_move *mv);
u8 pp_pair_direction(const struct pp_pair *pair, const struct xfrm_state *x);
void pp_pair_set_dir(struct pp_net *pn, struct pp_sa *sa, u8 dir);
u32 pp_pair_refused_bit(const struct pp_pair_key *key);
u32 pp_addrs_refused_bit(const struct pp_pair_key *key);
void pp_addrs_sort(xfrm_address_t *low, xfrm_address_t *high,
		   const xfrm_address_t *a, const xfrm_address_t *b,
		   u16 family);
void pp_pair_key_set(struct pp_pair_key *key, const xfrm_address_t *a,
		     const xfrm_address_t *b, u16 family, u32 reqid);
void pp_pair_match_again(struct pp_net *pn, struct pp_pair *pair);
u32 pp_pair_n(const struct pp_pair *pair);
u32 pp_pair_n_in(const struct pp_pair *pair);
void pp_pair_look(struct pp_net *pn, struct pp_pair *pair);
void pp_pair_refresh(struct pp_net *pn, struct pp_pair *pair);
bool pp_pair_narrow(const struct pp_pair *pair);
void pp_pair_dirty(struct pp_net *pn, struct pp_pair *pair);
bool pp_pair_dirty_step(struct pp_net *pn);

/* peer.c */
extern const struct rhashtable_params pp_peers_params;
struct pp_peer *pp_peer_find(struct pp_net *pn, const struct pp_peer_key *key);
int pp_peer_join(struct pp_net *pn, struct pp_pair *pair, __be16 port);
void pp_peer_leave(struct pp_net *pn, struct pp_pair *pair);
void pp_peer_moved(struct pp_net *pn, const struct pp_sa *sa,
		   const struct pp_move *mv);
void pp_peer_look(struct pp_net *pn, struct pp_peer *peer);
void pp_peer_refresh(struct pp_net *pn, struct pp_peer *peer);
void pp_peer_heard(struct pp_net *pn, struct pp_peer *peer, u64 stamp);
void pp_peer_key_set(struct pp_peer_key *key, const xfrm_address_t *a,
		     const xfrm_address_t *b, u16 family, __be16 port);
void pp_peer_dirty(struct pp_net *pn, struct pp_peer *peer);
bool pp_peer_dirty_step(struct pp_net *pn);
const struct pp_pair *pp_peer_speaker(const struct pp_peer *peer);

/* idle.c */
int pp_wheel_init(struct pp_wheel *w, u64 tick, unsigned int slots);
void pp_wheel_fini(struct pp_wheel *w);
void pp_timer_set(struct pp_net *pn, struct pp_timer *tm, bool fine, u64 when);
u64 pp_timer_when(struct pp_net *pn, const struct pp_timer *tm);
void pp_timer_del(struct pp_net *pn, struct pp_timer *tm);
void pp_breathe(struct pp_net *pn);
void pp_pause(struct pp_net *pn);
void pp_work(struct work_struct *work);

/* rule.c */
struct pp_rule *pp_rule_best(struct pp_net *pn, struct xfrm_state *x, u8 dir);
bool pp_rule_better(const struct pp_rule *a, const struct pp_rule *b);
struct pp_rule *pp_rule_find(struct pp_net *pn, const struct pp_selector *sel);
int pp_rule_new(struct pp_net *pn, const struct pp_selector *sel,
		struct pp_meta *meta, u32 *id);
void pp_rule_set(struct pp_net *pn, struct pp_rule *rule, struct pp_meta *meta);
void pp_rule_del(struct pp_net *pn, struct pp_rule *rule);
void pp_rule_put(struct pp_rule *rule);
void pp_rule_drop_all(struct pp_net *pn);
bool pp_rule_sweep_step(struct pp_net *pn);
void pp_prefix_set(struct pp_prefix *p, const xfrm_address_t *addr, u8 len);
bool pp_prefix_has(const struct pp_prefix *p, const xfrm_address_t *addr);

/* meta.c */
struct pp_meta *pp_meta_get(struct pp_meta *meta);
void pp_meta_put(struct pp_meta *meta);
struct pp_meta *pp_meta_parse(struct nlattr *attr,
			      struct netlink_ext_ack *extack);
int pp_meta_fill(struct sk_buff *skb, const struct pp_meta *meta);

/* parse.c */

/**
 * struct pp_filter - which objects a request is about
 * @has: which attributes were given, BIT_ULL(PREFPEER_A_*); an address is
 *       under its IPv4 name whatever its family
 * @family: of all addresses, 0 = none given
 * @src: outer source, 0 beside it if IPv4; so are the others
 * @dst: outer destination
 * @local: inside this prefix
 * @remote: inside this prefix
 * @mark: equal to v where m has bits; where an SA is named: v and m equal
 * @spi: as named, like all that follow
 * @if_id: see @spi
 * @reqid: see @spi
 * @sa_id: see @spi
 * @pair_id: see @spi
 * @peer_id: see @spi
 * @rule_id: see @spi
 * @port: encap-port
 * @proto: see @spi
 * @dir: see @spi
 * @state: see @spi
 */
struct pp_filter {
	u64 has;
	u16 family;
	xfrm_address_t src;
	xfrm_address_t dst;
	struct pp_prefix local;
	struct pp_prefix remote;
	struct xfrm_mark mark;
	__be32 spi;
	u32 if_id;
	u32 reqid;
	u32 sa_id;
	u32 pair_id;
	u32 peer_id;
	u32 rule_id;
	__be16 port;
	u8 proto;
	u8 dir;
	u8 state;
};

#define PP_F(attr)	BIT_ULL(PREFPEER_A_##attr)

/**
 * struct pp_req - the attributes of a request
 * @tb: by number
 * @max: the highest that its command knows
 * @extack: for what is wrong with them
 */
struct pp_req {
	struct nlattr **tb;
	u32 max;
	struct netlink_ext_ack *extack;
};

struct nlattr *pp_attr(const struct pp_req *req, u32 attr);
int pp_filter_parse(struct pp_filter *f, const struct pp_req *req);
int pp_selector_parse(struct pp_selector *sel, const struct pp_req *req);
bool pp_filter_sa(const struct pp_filter *f, const void *obj);
bool pp_filter_pair(const struct pp_filter *f, const void *obj);
bool pp_filter_peer(const struct pp_filter *f, const void *obj);
bool pp_filter_rule(const struct pp_filter *f, const void *obj);

/* attrs.c */
int pp_fill_sa(struct sk_buff *skb, const struct pp_net *pn,
	       const struct pp_sa *sa, u64 stamp);
int pp_fill_pair(struct sk_buff *skb, const struct pp_net *pn,
		 const struct pp_pair *pair, u8 reason, u64 stamp);
int pp_fill_peer(struct sk_buff *skb, const struct pp_net *pn,
		 const struct pp_peer *peer, u64 stamp);
int pp_fill_rule(struct sk_buff *skb, const struct pp_net *pn,
		 const struct pp_rule *rule);
int pp_fill_stats(struct sk_buff *skb, const struct pp_net *pn);

/* event.c */
void pp_event_init(struct pp_net *pn);
void pp_event_purge(struct pp_net *pn);
void pp_event_open(void);
void pp_event_close(void);
void pp_event_sa(struct pp_net *pn, u8 cmd, const struct pp_sa *sa, u64 stamp);
void pp_event_pair(struct pp_net *pn, u8 cmd, const struct pp_pair *pair,
		   u8 reason, u64 stamp);
void pp_event_peer(struct pp_net *pn, u8 cmd, const struct pp_peer *peer,
		   u64 stamp);
void pp_event_rule(struct pp_net *pn, u8 cmd, const struct pp_rule *rule);
void pp_event_take(struct pp_net *pn, struct sk_buff_head *out, bool all);
void pp_event_send(struct pp_net *pn, struct sk_buff_head *out);

/* netlink.c */
extern struct genl_family pp_family;

/* Those of an unknown direction may be inbound. */
static inline enum pp_side pp_sa_side(const struct pp_sa *sa)
{
	return sa->dir == PREFPEER_DIR_OUT ? PP_SIDE_OUT : PP_SIDE_IN;
}

static inline const xfrm_address_t *pp_addr_local(const xfrm_address_t *low,
						  const xfrm_address_t *high,
						  u8 local)
{
	return local == PP_LOCAL_HIGH ? high : low;
}

static inline const xfrm_address_t *pp_addr_remote(const xfrm_address_t *low,
						   const xfrm_address_t *high,
						   u8 local)
{
	return local == PP_LOCAL_HIGH ? low : high;
}

#endif /* PREFPEER_H */
