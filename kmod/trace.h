/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints prefpeer:*, for bpftrace and perf: what is tracked, looked at,
 * decided and told. None is on a packet's path.
 *
 * Addresses are 16 bytes each, IPv4 ones mapped (::ffff:10.0.0.1), so that one
 * script reads both families; instants are ns of CLOCK_BOOTTIME; netns is the
 * inode number of the namespace, as lsns(8) shows it.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM prefpeer

#if !defined(PREFPEER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define PREFPEER_TRACE_H

#include <linux/tracepoint.h>
#include <net/ipv6.h>

#include "prefpeer.h"

#ifndef PP_TRACE_ONCE
#define PP_TRACE_ONCE
static inline void pp_trace_addr(struct in6_addr *to,
				 const xfrm_address_t *from, u16 family)
{
	if (family == AF_INET)
		ipv6_addr_set_v4mapped(from->a4, to);
	else
		*to = from->in6;
}
#endif

TRACE_DEFINE_ENUM(PREFPEER_REASON_NONE);
TRACE_DEFINE_ENUM(PREFPEER_REASON_DELETED);
TRACE_DEFINE_ENUM(PREFPEER_REASON_EXPIRED);
TRACE_DEFINE_ENUM(PREFPEER_REASON_FLUSHED);
TRACE_DEFINE_ENUM(PREFPEER_REASON_VANISHED);
TRACE_DEFINE_ENUM(PREFPEER_REASON_LIMIT);

#define pp_show_reason(reason)					\
	__print_symbolic(reason,				\
			 { PREFPEER_REASON_NONE, "none" },	\
			 { PREFPEER_REASON_DELETED, "deleted" },	\
			 { PREFPEER_REASON_EXPIRED, "expired" },	\
			 { PREFPEER_REASON_FLUSHED, "flushed" },	\
			 { PREFPEER_REASON_VANISHED, "vanished" },	\
			 { PREFPEER_REASON_LIMIT, "limit" })

DECLARE_EVENT_CLASS(prefpeer_sa,
	TP_PROTO(const struct pp_net *pn, const struct xfrm_state *x, u8 reason),
	TP_ARGS(pn, x, reason),
	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, spi)
		__field(u32, reqid)
		__field(u8, proto)
		__field(u8, reason)
		__array(u8, src, sizeof(struct in6_addr))
		__array(u8, dst, sizeof(struct in6_addr))
	),
	TP_fast_assign(
		__entry->netns = pn->net->ns.inum;
		__entry->spi = ntohl(x->id.spi);
		__entry->reqid = x->props.reqid;
		__entry->proto = x->id.proto;
		__entry->reason = reason;
		pp_trace_addr((struct in6_addr *)__entry->src, &x->props.saddr,
			      x->props.family);
		pp_trace_addr((struct in6_addr *)__entry->dst, &x->id.daddr,
			      x->props.family);
	),
	TP_printk("netns %u src %pI6c dst %pI6c proto %u spi 0x%08x reqid %u reason %s",
		  __entry->netns, __entry->src, __entry->dst, __entry->proto,
		  __entry->spi, __entry->reqid, pp_show_reason(__entry->reason))
);

/* An SA is tracked from now on. */
DEFINE_EVENT(prefpeer_sa, prefpeer_track,
	TP_PROTO(const struct pp_net *pn, const struct xfrm_state *x, u8 reason),
	TP_ARGS(pn, x, reason));

/* It is not any more; or, with reason limit, never was. */
DEFINE_EVENT(prefpeer_sa, prefpeer_untrack,
	TP_PROTO(const struct pp_net *pn, const struct xfrm_state *x, u8 reason),
	TP_ARGS(pn, x, reason));

/* A pair has been looked at by the worker: its counters are read. */
TRACE_EVENT(prefpeer_look,
	TP_PROTO(const struct pp_net *pn, const struct pp_pair *pair, u64 at,
		 bool moved),
	TP_ARGS(pn, pair, at, moved),
	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, pair_id)
		__field(u32, reqid)
		__field(u32, sas)
		__field(u64, at)
		__field(u64, last_use)
		__field(bool, moved)
	),
	TP_fast_assign(
		__entry->netns = pn->net->ns.inum;
		__entry->pair_id = pair->id;
		__entry->reqid = pair->key.reqid;
		__entry->sas = pair->n[PP_SIDE_IN] + pair->n[PP_SIDE_OUT];
		__entry->at = at;
		__entry->last_use = pair->use.last;
		__entry->moved = moved;
	),
	TP_printk("netns %u pair %u reqid %u sas %u at %llu last-use %llu%s",
		  __entry->netns, __entry->pair_id, __entry->reqid,
		  __entry->sas, __entry->at, __entry->last_use,
		  __entry->moved ? " moved" : "")
);

/* Something is judged idle, or a peer one-way; @what: the event's command. */
TRACE_EVENT(prefpeer_verdict,
	TP_PROTO(const struct pp_net *pn, u8 what, u32 id, u64 at, u64 last_use),
	TP_ARGS(pn, what, id, at, last_use),
	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, id)
		__field(u64, at)
		__field(u64, last_use)
		__field(u8, what)
	),
	TP_fast_assign(
		__entry->netns = pn->net->ns.inum;
		__entry->id = id;
		__entry->at = at;
		__entry->last_use = last_use;
		__entry->what = what;
	),
	TP_printk("netns %u %s id %u at %llu last-use %llu", __entry->netns,
		  __print_symbolic(__entry->what,
				   { PREFPEER_CMD_SA_IDLE_NTF, "sa-idle" },
				   { PREFPEER_CMD_PAIR_IDLE_NTF, "pair-idle" },
				   { PREFPEER_CMD_PEER_IDLE_NTF, "peer-idle" },
				   { PREFPEER_CMD_PEER_ONE_WAY_NTF, "peer-one-way" }),
		  __entry->id, __entry->at, __entry->last_use)
);

/* An event has its number; lost: who should have heard it is told so. */
TRACE_EVENT(prefpeer_event,
	TP_PROTO(const struct pp_net *pn, u8 group, u8 cmd, u32 seq, bool lost),
	TP_ARGS(pn, group, cmd, seq, lost),
	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, seq)
		__field(u8, group)
		__field(u8, cmd)
		__field(bool, lost)
	),
	TP_fast_assign(
		__entry->netns = pn->net->ns.inum;
		__entry->seq = seq;
		__entry->group = group;
		__entry->cmd = cmd;
		__entry->lost = lost;
	),
	TP_printk("netns %u group %u cmd %u seq %u%s", __entry->netns,
		  __entry->group, __entry->cmd, __entry->seq,
		  __entry->lost ? " lost" : "")
);

#endif /* PREFPEER_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
