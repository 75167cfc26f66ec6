/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of the module's generic netlink family (uapi/linux/prefpeer.h,
 * kernel.md §12). All objects share one flat set of attributes, so one struct
 * holds any request, reply or event. Addresses are struct addr, ports, SPIs and
 * marks in host order, durations ms, instants ns of CLOCK_BOOTTIME.
 *
 * Two kinds of client: one asks and waits for the kernel's answer (at once, it
 * is the kernel), one listens. Neither is shared between threads.
 */
#ifndef LIB_PP_NL_H
#define LIB_PP_NL_H

#include <linux/prefpeer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

/* One bit per attribute, for struct pp_attrs.has, pp_meta.has and pp_stats.has. */
#define PP_BIT(type) (1ULL << (type))
#define PP_HAS(s, type) (((s)->has & PP_BIT(type)) != 0)

/* "prefpeer": the cookie of rules that the agent made. */
#define PP_COOKIE_AGENT 0x7072656670656572ULL

/* A presence bit in has says which members count: absent is not zero. */
struct pp_meta {
	uint64_t has; /* PP_BIT(PREFPEER_A_META_*) */
	char map[PREFPEER_MAP_LEN + 1];
	uint32_t map_seq;
	uint32_t index;	    /* place in the peer list, from 0 */
	uint32_t flags;	    /* PREFPEER_META_FLAG_* */
	uint32_t idle_time; /* ms: 0 = off, 100..86400000 */
	uint32_t one_way;   /* ms: 0 = off, 50..3600000 */
	uint64_t cookie;
};

struct pp_stats {
	uint64_t has; /* PP_BIT(PREFPEER_A_STATS_*) */
	uint32_t sas, pairs, peers, rules;
	uint64_t untracked, looks, reads, verdicts, events, events_lost, rescans, memory;
	uint32_t limit_sas, limit_fine, limit_rules;
	uint32_t tick, tick_fine; /* ms */
	uint32_t seq_sa, seq_peer, seq_rule;
};

/* An attribute newer than this program: shown, not hidden. */
struct pp_unknown {
	uint16_t type;
	uint16_t len;	  /* bytes on the wire */
	uint8_t data[16]; /* the first of them */
};

#define PP_UNKNOWN_MAX 8

struct pp_attrs {
	uint64_t has; /* PP_BIT(PREFPEER_A_*); an address has the bit of its family */
	uint32_t seq;
	uint64_t stamp, last_use; /* ns */
	uint32_t slack;		  /* ms */
	uint64_t last_in, last_out, heard;
	struct addr src, dst, local, remote;
	uint8_t local_len, remote_len;
	uint32_t spi;
	uint8_t proto;
	uint32_t mark, mark_mask, if_id, reqid;
	uint16_t encap_port;
	uint8_t dir;  /* enum prefpeer_dir, or newer */
	uint8_t mode; /* XFRM_MODE_* */
	uint32_t sa_id, pair_id, peer_id, rule_id;
	uint8_t state, reason, source;
	uint64_t packets, bytes;
	uint32_t sas_in, sas_out, pairs, repeat;
	uint32_t flags; /* PREFPEER_FLAG_* */
	struct pp_meta meta;
	struct pp_stats stats;
	unsigned n_unknown; /* may exceed PP_UNKNOWN_MAX: so many were seen */
	struct pp_unknown unknown[PP_UNKNOWN_MAX];
};

enum pp_addr { PP_SRC, PP_DST, PP_LOCAL, PP_REMOTE };

/* Set one member and its bit; an unset address clears it. */
void pp_set_addr(struct pp_attrs *a, enum pp_addr which, const struct addr *addr);
/* PP_LOCAL or PP_REMOTE; a host gets no length attribute. */
void pp_set_prefix(struct pp_attrs *a, enum pp_addr which, const struct prefix *p);

/* For numbers: PP_SET(&req, REQID, reqid, 7); PP_SET_META(&req, IDLE_TIME, idle_time, 120000). */
#define PP_SET(a, TYPE, member, value)                                                             \
	((a)->member = (value), (a)->has |= PP_BIT(PREFPEER_A_##TYPE))
#define PP_SET_META(a, TYPE, member, value)                                                        \
	((a)->meta.member = (value), (a)->meta.has |= PP_BIT(PREFPEER_A_META_##TYPE),              \
	 (a)->has |= PP_BIT(PREFPEER_A_META))
/* -E2BIG over PREFPEER_MAP_LEN. */
int pp_set_map(struct pp_attrs *a, const char *name);

/* ---- attributes described, for those who print them ---------------------- */

enum pp_kind {
	PP_U8,
	PP_U16BE,
	PP_U32,
	PP_U32BE,
	PP_U64,
	PP_IPV4,
	PP_IPV6,
	PP_STRING,
	PP_META,
	PP_STATS,
};

struct pp_attr_desc {
	const char *name; /* as in prefpeer.yaml: "last-use" */
	enum pp_kind kind;
	size_t offset; /* in the struct of its set */
};

/* Indexed by attribute type; name is NULL for pad and 0. */
extern const struct pp_attr_desc pp_attr_table[PREFPEER_A_MAX + 1];
extern const struct pp_attr_desc pp_meta_table[PREFPEER_A_META_MAX + 1];
extern const struct pp_attr_desc pp_stats_table[PREFPEER_A_STATS_MAX + 1];

/* Any number kind of a described member; 0 for the others. */
uint64_t pp_number(const void *set, const struct pp_attr_desc *d);

/* "sa-new", "rule-get", …: events as `monitor` prints them, and requests; NULL when unknown. */
const char *pp_cmd_name(int cmd);

/* ---- bytes, without a socket --------------------------------------------- */

/* Attribute bytes of @a into @buf. Number of bytes, or -EMSGSIZE, -ENOMEM. */
int pp_attrs_encode(const struct pp_attrs *a, uint8_t *buf, size_t size);
/* 0, or -EBADMSG (an attribute shorter than its type); *out is complete or zero. */
int pp_attrs_decode(const uint8_t *bytes, size_t len, struct pp_attrs *out);

/* ---- asking -------------------------------------------------------------- */

struct pp_nl;

/* -ENOENT: the module is not loaded. */
int pp_nl_open(struct pp_nl **out);
void pp_nl_close(struct pp_nl *nl); /* NULL is fine */

/*
 * One request, PREFPEER_CMD_*. @req may be NULL; @reply is NULL exactly where the command has
 * none (kernel.md §12). Returns the kernel's -errno; pp_nl_error() has the sentence then.
 */
int pp_nl_do(struct pp_nl *nl, int cmd, const struct pp_attrs *req, struct pp_attrs *reply);
/*
 * The same for a command without reply whose refusal does not matter: the kernel has
 * carried it out when this returns, and sends nothing unless it refused. 0, or -errno of
 * the sending.
 */
int pp_nl_tell(struct pp_nl *nl, int cmd, const struct pp_attrs *req);

/* Return non-zero to stop; that value (negative) is then the dump's result. */
typedef int (*pp_nl_fn)(void *ctx, const struct pp_attrs *a);

/*
 * All objects that pass every filter of @filter (NULL: all), ascending by id.
 * Each item carries the seq of its group at the time it was filled. @fn makes
 * no request on @nl. -EINTR: the rules changed meanwhile, ask again.
 */
int pp_nl_dump(struct pp_nl *nl, int cmd, const struct pp_attrs *filter, pp_nl_fn fn, void *ctx);

/*
 * Why the last pp_nl_do or pp_nl_dump failed: the kernel's extack sentence as
 * it is, or one made of its missing attribute or error number. Lives until the
 * next call.
 */
const char *pp_nl_error(const struct pp_nl *nl);
/* Name of the attribute that was wrong ("remote-len"), or NULL. */
const char *pp_nl_bad_attr(const struct pp_nl *nl);

/* ---- listening ----------------------------------------------------------- */

#define PP_GROUP_SA 0x1u
#define PP_GROUP_PEER 0x2u
#define PP_GROUP_RULE 0x4u
#define PP_GROUP_ALL (PP_GROUP_SA | PP_GROUP_PEER | PP_GROUP_RULE)

/* cmd of an event: PREFPEER_CMD_*_NTF, an unknown newer one, or one of these. */
enum {
	PP_EV_MODULE_UP = 0x10001, /* the family was registered: groups joined, no rules yet */
	PP_EV_MODULE_DOWN,	   /* it went, with every rule and clock */
	PP_EV_LOST,		   /* a gap: lost events of group are missing before the next one */
	PP_EV_OVERRUN,		   /* the socket was full (ENOBUFS): the next gap tells how many */
};

/* Lives during the call. */
struct pp_event {
	int cmd;
	unsigned group;	   /* PP_GROUP_* that the event is numbered in; 0 = none */
	uint32_t lost;	   /* PP_EV_LOST: how many, 1.. */
	struct pp_attrs a; /* of a *_NTF */
};

typedef void (*pp_event_fn)(void *ctx, const struct pp_event *ev);

struct pp_listener;

/*
 * A non-blocking socket in @groups and in nlctrl's notify group. Succeeds
 * without the module too: PP_EV_MODULE_UP follows when it comes. @rcvbuf bytes
 * (0 = the system's default; more than rmem_max needs CAP_NET_ADMIN of init).
 */
int pp_listen(unsigned groups, int rcvbuf, struct pp_listener **out);
void pp_listen_close(struct pp_listener *l);
int pp_listen_fd(const struct pp_listener *l);
/* The module answers, as far as the socket has told. */
bool pp_listen_present(const struct pp_listener *l);
/*
 * Drain to EAGAIN, calling @fn for each event. Gaps in a group's numbers come
 * as PP_EV_LOST before the event that shows them: after one, or an OVERRUN,
 * dump (after this returns). 0, or -errno of a socket that is no more use.
 */
int pp_listen_read(struct pp_listener *l, pp_event_fn fn, void *ctx);
/* The group a *_NTF command is numbered in, PP_GROUP_*; 0 when unknown. */
unsigned pp_event_group(int cmd);
/*
 * How many numbers lie between *next (0 = none seen yet) and @seq; *next then
 * follows @seq. A number that is not newer is a fresh start: no loss.
 */
uint32_t pp_seq_gap(uint32_t *next, uint32_t seq);

#endif
