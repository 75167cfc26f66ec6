/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel port: XFRM states, policies, acquires, and the prefpeer module
 * (or, without it, polling). Requests are synchronous netlink exchanges and
 * return 0 or -errno; what the kernel says by itself arrives as kernel_event,
 * from the loop. Tests put a fake kernel behind the same struct.
 */
#ifndef PREFPEERD_KERNEL_H
#define PREFPEERD_KERNEL_H

#include "lib/addr.h"
#include "lib/mono.h"
#include "lib/selector.h"
#include "lib/suite.h"

#define SA_KEY_MAX 64

/* ---- states -------------------------------------------------------------- */

struct kernel_sa_id {
	struct addr dst;
	uint32_t spi;  /* host order */
	uint8_t proto; /* IPPROTO_ESP, IPPROTO_AH */
	uint32_t mark, mark_mask;
};

enum sa_dir { SA_DIR_UNKNOWN, SA_DIR_IN, SA_DIR_OUT };

/* One SA of ESP or AH, to be installed. The caller wipes keys afterwards. */
struct kernel_sa {
	struct kernel_sa_id id;
	struct addr src;
	uint32_t reqid;
	enum sa_dir dir;
	bool transport;
	struct esp_suite suite; /* esn: as negotiated */
	uint8_t encr_key[SA_KEY_MAX]; /* GCM: key then 4 bytes of salt */
	size_t encr_key_len;
	uint8_t integ_key[SA_KEY_MAX];
	size_t integ_key_len;
	uint16_t encap_sport, encap_dport; /* host order; 0 = none */
	uint32_t replay_window; /* packets; 32.. */
	bool no_replay;         /* none at all; never with ESN */
	bool may_wrap;          /* numbers begin again after 2^32 packets; only without anti-replay */
	bool has_sel;           /* a narrowed child: x->sel is set (§14.1) */
	struct selector sel;    /* as the SA's packets have it: src → dst */
	sa_family_t inner_family;
	uint32_t lifetime_s, soft_lifetime_s; /* 0 = none */
	uint64_t lifetime_bytes, soft_lifetime_bytes;
	bool clear_df; /* outbound: the outer header has no DF bit; else the packet's own */
	bool no_ecn;   /* outbound: … and no ECN; else the packet's own (RFC 4301 §5.1.2) */
	bool soft_next_packet; /* the soft end is the next packet that it takes */
	uint32_t if_id;
	bool replace; /* XFRM_MSG_UPDSA of an existing one (NAT mapping moved) */
};

struct kernel_sa_reading {
	uint64_t packets, bytes;
	struct addr src;
	uint32_t reqid;
	uint32_t replayed, not_authentic; /* packets that were dropped */
	bool larval; /* SPI 0, or no algorithms yet */
};

struct kernel_sa_entry {
	struct kernel_sa_id id;
	struct kernel_sa_reading r;
	struct sa_kind kind;
	struct selector sel;
	uint64_t add_time; /* wall clock s, for "newest" only */
};

/* ---- policies ------------------------------------------------------------ */

enum policy_dir { POLICY_IN = 0, POLICY_OUT = 1, POLICY_FWD = 2 };
enum policy_action { POLICY_ALLOW, POLICY_BLOCK, POLICY_PROTECT };

struct kernel_policy {
	enum policy_dir dir;
	enum policy_action action;
	struct selector sel;
	uint32_t priority; /* lower = earlier */
	uint32_t reqid;    /* PROTECT: of the template. ALLOW, BLOCK: 0 */
	struct addr tmpl_src, tmpl_dst; /* out: local, peer; in, fwd: saddr 0, daddr 0 or local (§12) */
	sa_family_t tmpl_family;
	struct sa_kind kind; /* PROTECT: of the template */
	uint32_t index;  /* from a dump */
	uint64_t used_s; /* from a dump: wall clock of the last packet that met it; 0 = none did */
};

/* ---- what the module, or polling, knows ----------------------------------- */

struct kernel_pair_key {
	struct addr local, peer;
	uint32_t reqid;
};

struct kernel_pair_reading {
	mono_t last_use;   /* of the pair */
	uint64_t packets_in, packets_out, bytes_in, bytes_out; /* 0 where not known */
	uint32_t idle_ms;  /* T in force; 0 = none */
};

struct kernel_peer_key {
	struct addr local, peer;
	uint16_t encap_port;
};

struct kernel_peer_reading {
	mono_t last_in, last_out, heard; /* UNSET where never */
	/*
	 * Only counters are there: a packet is dated at the reading that saw it,
	 * and how late that is depends on how often one reads (kernel.md §3.1).
	 */
	bool counted;
};

/* A metadata rule for the module: T and W of one line's SAs. */
struct kernel_rule {
	struct addr peer;
	uint32_t reqid;
	char map[64];
	uint32_t seq, index;
	bool is_default;
	uint32_t idle_ms, one_way_ms; /* 0 = off */
};

/* ---- events ---------------------------------------------------------------- */

enum kernel_event_type {
	KEV_ACQUIRE,      /* reqid, flow, tmpl src/dst: a packet found no SA */
	KEV_EXPIRE,       /* sa, hard: a lifetime ended */
	KEV_SA_GONE,      /* sa, reqid: deleted by someone else, or vanished */
	KEV_PAIR_IDLE,    /* pair, last_use, when */
	KEV_PEER_ONE_WAY, /* peer, when: outbound unanswered for W */
	KEV_MAPPING,      /* sa, new_port, new_addr: ESP-in-UDP from elsewhere (§14.4) */
	KEV_OVERRUN,      /* events were lost: the owner resynchronises by dumps */
	KEV_MODULE_UP,    /* the module answers: rules have to be (re)installed */
	KEV_MODULE_DOWN,  /* it went: polling takes over */
};

struct kernel_event {
	enum kernel_event_type type;
	mono_t when;
	uint32_t reqid;
	struct kernel_sa_id sa;
	bool hard;
	struct selector flow;       /* acquire: the packet */
	struct addr tmpl_src, tmpl_dst;
	struct kernel_pair_key pair;
	struct kernel_peer_key peer;
	mono_t last_use;
	uint32_t repeat;
	struct endpoint mapping;
};

typedef void (*kernel_event_fn)(void *ctx, const struct kernel_event *ev, mono_t now);
typedef int (*kernel_sa_fn)(void *ctx, const struct kernel_sa_entry *e);
typedef int (*kernel_policy_fn)(void *ctx, const struct kernel_policy *p);

struct kernel_ops {
	int (*sa_add)(void *k, const struct kernel_sa *sa);
	int (*sa_del)(void *k, const struct kernel_sa_id *id); /* -ESRCH: was not there */
	int (*sa_read)(void *k, const struct kernel_sa_id *id, struct kernel_sa_reading *out);
	/* 1: that very SA, keys included; 0: another one has its place; -ESRCH: none has. */
	int (*sa_same)(void *k, const struct kernel_sa *sa);
	int (*sa_dump)(void *k, kernel_sa_fn fn, void *ctx); /* larvals included */
	/* Turn the larval into an SA with an SPI, then delete that (semantics.md §12). 0 also when none. */
	int (*larval_kill)(void *k, const struct addr *src, const struct addr *dst, uint32_t reqid);

	/* NEWPOLICY, or UPDPOLICY in place when one with that dir and selector exists. */
	int (*policy_put)(void *k, const struct kernel_policy *p);
	int (*policy_del)(void *k, const struct kernel_policy *p); /* by dir and selector */
	int (*policy_dump)(void *k, kernel_policy_fn fn, void *ctx);
	/* XfrmOutPolBlock of /proc/net/xfrm_stat and the like; -ENOENT unknown name. */
	int (*stat_read)(void *k, const char *name, uint64_t *out);

	bool (*has_module)(void *k);
	int (*pair_read)(void *k, const struct kernel_pair_key *key, struct kernel_pair_reading *out);
	int (*peer_read)(void *k, const struct kernel_peer_key *key, struct kernel_peer_reading *out);
	int (*peer_heard)(void *k, const struct kernel_peer_key *key, mono_t when);
	/* Upsert by (peer, reqid). With the module a rule; without it the poller's table. */
	int (*rule_put)(void *k, const struct kernel_rule *r);
	int (*rule_del)(void *k, const struct kernel_rule *r);
};

struct kernel {
	const struct kernel_ops *ops;
	void *impl;
};

#endif
