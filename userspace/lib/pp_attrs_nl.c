// SPDX-License-Identifier: GPL-2.0-or-later
/* The family's attributes: one table each for encoding, decoding and printing. */
#include "lib/pp_nl_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netlink/attr.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define A(TYPE, name, kind, member)                                                                \
	[PREFPEER_A_##TYPE] = { name, kind, offsetof(struct pp_attrs, member) }

const struct pp_attr_desc pp_attr_table[PREFPEER_A_MAX + 1] = {
	A(SEQ, "seq", PP_U32, seq),
	A(STAMP, "stamp", PP_U64, stamp),
	A(LAST_USE, "last-use", PP_U64, last_use),
	A(SLACK, "slack", PP_U32, slack),
	A(LAST_IN, "last-in", PP_U64, last_in),
	A(LAST_OUT, "last-out", PP_U64, last_out),
	A(HEARD, "heard", PP_U64, heard),
	A(SRC_IPV4, "src-ipv4", PP_IPV4, src),
	A(SRC_IPV6, "src-ipv6", PP_IPV6, src),
	A(DST_IPV4, "dst-ipv4", PP_IPV4, dst),
	A(DST_IPV6, "dst-ipv6", PP_IPV6, dst),
	A(LOCAL_IPV4, "local-ipv4", PP_IPV4, local),
	A(LOCAL_IPV6, "local-ipv6", PP_IPV6, local),
	A(REMOTE_IPV4, "remote-ipv4", PP_IPV4, remote),
	A(REMOTE_IPV6, "remote-ipv6", PP_IPV6, remote),
	A(LOCAL_LEN, "local-len", PP_U8, local_len),
	A(REMOTE_LEN, "remote-len", PP_U8, remote_len),
	A(SPI, "spi", PP_U32BE, spi),
	A(PROTO, "proto", PP_U8, proto),
	A(MARK, "mark", PP_U32, mark),
	A(MARK_MASK, "mark-mask", PP_U32, mark_mask),
	A(IF_ID, "if-id", PP_U32, if_id),
	A(REQID, "reqid", PP_U32, reqid),
	A(ENCAP_PORT, "encap-port", PP_U16BE, encap_port),
	A(DIR, "dir", PP_U8, dir),
	A(MODE, "mode", PP_U8, mode),
	A(SA_ID, "sa-id", PP_U32, sa_id),
	A(PAIR_ID, "pair-id", PP_U32, pair_id),
	A(PEER_ID, "peer-id", PP_U32, peer_id),
	A(RULE_ID, "rule-id", PP_U32, rule_id),
	A(STATE, "state", PP_U8, state),
	A(REASON, "reason", PP_U8, reason),
	A(SOURCE, "source", PP_U8, source),
	A(PACKETS, "packets", PP_U64, packets),
	A(BYTES, "bytes", PP_U64, bytes),
	A(SAS_IN, "sas-in", PP_U32, sas_in),
	A(SAS_OUT, "sas-out", PP_U32, sas_out),
	A(PAIRS, "pairs", PP_U32, pairs),
	A(REPEAT, "repeat", PP_U32, repeat),
	A(FLAGS, "flags", PP_U32, flags),
	A(META, "meta", PP_META, meta),
	A(STATS, "stats", PP_STATS, stats),
};

#define M(TYPE, name, kind, member)                                                                \
	[PREFPEER_A_META_##TYPE] = { name, kind, offsetof(struct pp_meta, member) }

const struct pp_attr_desc pp_meta_table[PREFPEER_A_META_MAX + 1] = {
	M(MAP, "map", PP_STRING, map),
	M(MAP_SEQ, "map-seq", PP_U32, map_seq),
	M(INDEX, "index", PP_U32, index),
	M(FLAGS, "flags", PP_U32, flags),
	M(IDLE_TIME, "idle-time", PP_U32, idle_time),
	M(ONE_WAY, "one-way", PP_U32, one_way),
	M(COOKIE, "cookie", PP_U64, cookie),
};

#define S(TYPE, name, kind, member)                                                                \
	[PREFPEER_A_STATS_##TYPE] = { name, kind, offsetof(struct pp_stats, member) }

const struct pp_attr_desc pp_stats_table[PREFPEER_A_STATS_MAX + 1] = {
	S(SAS, "sas", PP_U32, sas),
	S(PAIRS, "pairs", PP_U32, pairs),
	S(PEERS, "peers", PP_U32, peers),
	S(RULES, "rules", PP_U32, rules),
	S(UNTRACKED, "untracked", PP_U64, untracked),
	S(LOOKS, "looks", PP_U64, looks),
	S(READS, "reads", PP_U64, reads),
	S(VERDICTS, "verdicts", PP_U64, verdicts),
	S(EVENTS, "events", PP_U64, events),
	S(EVENTS_LOST, "events-lost", PP_U64, events_lost),
	S(RESCANS, "rescans", PP_U64, rescans),
	S(MEMORY, "memory", PP_U64, memory),
	S(LIMIT_SAS, "limit-sas", PP_U32, limit_sas),
	S(LIMIT_FINE, "limit-fine", PP_U32, limit_fine),
	S(LIMIT_RULES, "limit-rules", PP_U32, limit_rules),
	S(TICK, "tick", PP_U32, tick),
	S(TICK_FINE, "tick-fine", PP_U32, tick_fine),
	S(SEQ_SA, "seq-sa", PP_U32, seq_sa),
	S(SEQ_PEER, "seq-peer", PP_U32, seq_peer),
	S(SEQ_RULE, "seq-rule", PP_U32, seq_rule),
};

static const char *const cmd_names[] = {
	[PREFPEER_CMD_INFO_GET] = "info-get",
	[PREFPEER_CMD_SA_GET] = "sa-get",
	[PREFPEER_CMD_SA_SET] = "sa-set",
	[PREFPEER_CMD_PAIR_GET] = "pair-get",
	[PREFPEER_CMD_PEER_GET] = "peer-get",
	[PREFPEER_CMD_PEER_HEARD] = "peer-heard",
	[PREFPEER_CMD_RULE_GET] = "rule-get",
	[PREFPEER_CMD_RULE_NEW] = "rule-new",
	[PREFPEER_CMD_RULE_SET] = "rule-set",
	[PREFPEER_CMD_RULE_DEL] = "rule-del",
	[PREFPEER_CMD_SA_NEW_NTF] = "sa-new",
	[PREFPEER_CMD_SA_IDLE_NTF] = "sa-idle",
	[PREFPEER_CMD_SA_ACTIVE_NTF] = "sa-active",
	[PREFPEER_CMD_SA_GONE_NTF] = "sa-gone",
	[PREFPEER_CMD_PAIR_IDLE_NTF] = "pair-idle",
	[PREFPEER_CMD_PAIR_ACTIVE_NTF] = "pair-active",
	[PREFPEER_CMD_PAIR_GONE_NTF] = "pair-gone",
	[PREFPEER_CMD_PEER_IDLE_NTF] = "peer-idle",
	[PREFPEER_CMD_PEER_ONE_WAY_NTF] = "peer-one-way",
	[PREFPEER_CMD_PEER_HEARD_NTF] = "peer-heard",
	[PREFPEER_CMD_RULE_NEW_NTF] = "rule-new",
	[PREFPEER_CMD_RULE_DEL_NTF] = "rule-del",
};

const char *pp_cmd_name(int cmd)
{
	if (cmd < 0 || cmd > PREFPEER_CMD_MAX)
		return NULL;
	return cmd_names[cmd];
}

static const void *member(const void *set, const struct pp_attr_desc *d)
{
	return (const uint8_t *)set + d->offset;
}

uint64_t pp_number(const void *set, const struct pp_attr_desc *d)
{
	const void *p = member(set, d);

	switch (d->kind) {
	case PP_U8:
		return *(const uint8_t *)p;
	case PP_U16BE:
		return *(const uint16_t *)p;
	case PP_U32:
	case PP_U32BE:
		return *(const uint32_t *)p;
	case PP_U64:
		return *(const uint64_t *)p;
	default:
		return 0;
	}
}

/* ---- setting ------------------------------------------------------------- */

void pp_set_addr(struct pp_attrs *a, enum pp_addr which, const struct addr *addr)
{
	static const struct {
		int v4, v6;
	} types[] = {
		[PP_SRC] = { PREFPEER_A_SRC_IPV4, PREFPEER_A_SRC_IPV6 },
		[PP_DST] = { PREFPEER_A_DST_IPV4, PREFPEER_A_DST_IPV6 },
		[PP_LOCAL] = { PREFPEER_A_LOCAL_IPV4, PREFPEER_A_LOCAL_IPV6 },
		[PP_REMOTE] = { PREFPEER_A_REMOTE_IPV4, PREFPEER_A_REMOTE_IPV6 },
	};
	struct addr *const at[] = { &a->src, &a->dst, &a->local, &a->remote };

	*at[which] = *addr;
	a->has &= ~(PP_BIT(types[which].v4) | PP_BIT(types[which].v6));
	if (addr->family == AF_INET)
		a->has |= PP_BIT(types[which].v4);
	else if (addr->family == AF_INET6)
		a->has |= PP_BIT(types[which].v6);
}

void pp_set_prefix(struct pp_attrs *a, enum pp_addr which, const struct prefix *p)
{
	pp_set_addr(a, which, &p->addr);
	if (p->len == addr_len(&p->addr) * 8)
		return;
	if (which == PP_LOCAL)
		PP_SET(a, LOCAL_LEN, local_len, p->len);
	else if (which == PP_REMOTE)
		PP_SET(a, REMOTE_LEN, remote_len, p->len);
}

int pp_set_map(struct pp_attrs *a, const char *name)
{
	size_t n = strlen(name);

	if (n > PREFPEER_MAP_LEN)
		return -E2BIG;
	memcpy(a->meta.map, name, n + 1);
	a->meta.has |= PP_BIT(PREFPEER_A_META_MAP);
	a->has |= PP_BIT(PREFPEER_A_META);
	return 0;
}

/* ---- encoding ------------------------------------------------------------ */

static int put_set(struct nl_msg *msg, const void *set, uint64_t has,
		   const struct pp_attr_desc *table, int max);

static int put_nest(struct nl_msg *msg, int type, const void *set, uint64_t has,
		    const struct pp_attr_desc *table, int max)
{
	struct nlattr *nest = nla_nest_start(msg, type | NLA_F_NESTED);
	int rc;

	if (!nest)
		return -EMSGSIZE;
	rc = put_set(msg, set, has, table, max);
	if (!rc)
		nla_nest_end_keep_empty(msg, nest);
	return rc;
}

static int put_attr(struct nl_msg *msg, int type, const void *set, const struct pp_attr_desc *d)
{
	const void *p = member(set, d);
	const struct pp_meta *meta = p;
	const struct pp_stats *stats = p;

	switch (d->kind) {
	case PP_U8:
		return nla_put_u8(msg, type, *(const uint8_t *)p);
	case PP_U16BE:
		return nla_put_u16(msg, type, htons(*(const uint16_t *)p));
	case PP_U32:
		return nla_put_u32(msg, type, *(const uint32_t *)p);
	case PP_U32BE:
		return nla_put_u32(msg, type, htonl(*(const uint32_t *)p));
	case PP_U64:
		return nla_put_u64(msg, type, *(const uint64_t *)p);
	case PP_IPV4:
		return nla_put(msg, type, 4, ((const struct addr *)p)->bytes);
	case PP_IPV6:
		return nla_put(msg, type, 16, ((const struct addr *)p)->bytes);
	case PP_STRING:
		return nla_put_string(msg, type, p);
	case PP_META:
		return put_nest(msg, type, meta, meta->has, pp_meta_table, PREFPEER_A_META_MAX);
	case PP_STATS:
		return put_nest(msg, type, stats, stats->has, pp_stats_table, PREFPEER_A_STATS_MAX);
	}
	return 0;
}

static int put_set(struct nl_msg *msg, const void *set, uint64_t has,
		   const struct pp_attr_desc *table, int max)
{
	for (int type = 1; type <= max; type++) {
		if (!table[type].name || !(has & PP_BIT(type)))
			continue;
		if (put_attr(msg, type, set, &table[type]))
			return -EMSGSIZE;
	}
	return 0;
}

int pp_attrs_put(struct nl_msg *msg, const struct pp_attrs *a)
{
	return put_set(msg, a, a->has, pp_attr_table, PREFPEER_A_MAX);
}

int pp_attrs_encode(const struct pp_attrs *a, uint8_t *buf, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc();
	int rc;

	if (!msg)
		return -ENOMEM;
	nlmsg_put(msg, 0, 0, 0, 0, 0);
	rc = pp_attrs_put(msg, a);
	if (!rc) {
		rc = nlmsg_datalen(nlmsg_hdr(msg));
		if ((size_t)rc > size)
			rc = -EMSGSIZE;
		else
			memcpy(buf, nlmsg_data(nlmsg_hdr(msg)), (size_t)rc);
	}
	nlmsg_free(msg);
	return rc;
}

/* ---- decoding ------------------------------------------------------------ */

static int wire_size(enum pp_kind kind)
{
	static const int sizes[] = {
		[PP_U8] = 1,  [PP_U16BE] = 2, [PP_U32] = 4,   [PP_U32BE] = 4,
		[PP_U64] = 8, [PP_IPV4] = 4,  [PP_IPV6] = 16,
	};

	return kind <= PP_IPV6 ? sizes[kind] : 0;
}

static void remember_unknown(struct pp_attrs *a, const struct nlattr *nla)
{
	struct pp_unknown *u;
	size_t n = (size_t)nla_len(nla);

	if (a->n_unknown++ >= PP_UNKNOWN_MAX)
		return;
	u = &a->unknown[a->n_unknown - 1];
	u->type = (uint16_t)nla_type(nla);
	u->len = (uint16_t)n;
	memcpy(u->data, nla_data(nla), n < sizeof(u->data) ? n : sizeof(u->data));
}

static int get_set(const struct nlattr *head, int len, void *set, uint64_t *has,
		   const struct pp_attr_desc *table, int max, struct pp_attrs *unknown);

static void get_string(const struct nlattr *nla, char *to)
{
	size_t n = strnlen(nla_data(nla), (size_t)nla_len(nla));

	if (n > PREFPEER_MAP_LEN)
		n = PREFPEER_MAP_LEN;
	memcpy(to, nla_data(nla), n);
	to[n] = '\0';
}

static int get_attr(const struct nlattr *nla, void *set, const struct pp_attr_desc *d)
{
	void *p = (uint8_t *)set + d->offset;
	struct pp_stats *stats = p;
	struct pp_meta *meta = p;

	if (nla_len(nla) < wire_size(d->kind))
		return -EBADMSG;
	switch (d->kind) {
	case PP_U8:
		*(uint8_t *)p = nla_get_u8(nla);
		return 0;
	case PP_U16BE:
		*(uint16_t *)p = ntohs(nla_get_u16(nla));
		return 0;
	case PP_U32:
		*(uint32_t *)p = nla_get_u32(nla);
		return 0;
	case PP_U32BE:
		*(uint32_t *)p = ntohl(nla_get_u32(nla));
		return 0;
	case PP_U64:
		*(uint64_t *)p = nla_get_u64(nla);
		return 0;
	case PP_IPV4:
		return addr_from_bytes(AF_INET, nla_data(nla), p);
	case PP_IPV6:
		return addr_from_bytes(AF_INET6, nla_data(nla), p);
	case PP_STRING:
		get_string(nla, p);
		return 0;
	case PP_META:
		return get_set(nla_data(nla), nla_len(nla), meta, &meta->has, pp_meta_table,
			       PREFPEER_A_META_MAX, NULL);
	case PP_STATS:
		return get_set(nla_data(nla), nla_len(nla), stats, &stats->has, pp_stats_table,
			       PREFPEER_A_STATS_MAX, NULL);
	}
	return 0;
}

static int get_set(const struct nlattr *head, int len, void *set, uint64_t *has,
		   const struct pp_attr_desc *table, int max, struct pp_attrs *unknown)
{
	const struct nlattr *nla;
	int rem, rc;

	nla_for_each_attr(nla, head, len, rem)
	{
		int type = nla_type(nla);

		if (type == 1) /* pad, in every set */
			continue;
		if (type > max || !table[type].name) {
			if (unknown)
				remember_unknown(unknown, nla);
			continue;
		}
		rc = get_attr(nla, set, &table[type]);
		if (rc)
			return rc;
		*has |= PP_BIT(type);
	}
	return 0;
}

int pp_attrs_decode(const uint8_t *bytes, size_t len, struct pp_attrs *out)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = get_set((const struct nlattr *)bytes, (int)len, out, &out->has, pp_attr_table,
		     PREFPEER_A_MAX, out);
	if (rc)
		memset(out, 0, sizeof(*out));
	return rc;
}
