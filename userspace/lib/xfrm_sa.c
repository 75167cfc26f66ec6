// SPDX-License-Identifier: GPL-2.0-or-later
/* XFRM states as messages. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ipsec.h>
#include <linux/udp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xfrm_msg.h"

#define SALT 4      /* bytes of key material after an AEAD's key, or that of AES-CTR */
#define AEAD_ICV 128 /* bits: RFC 4106 §6, RFC 4543 §3.4, RFC 7634 §2 */
#define REPLAY_LEGACY 32  /* packets that the fixed part can say */
#define REPLAY_MAX 4096   /* XFRMA_REPLAY_ESN_MAX */

/* An algorithm as XFRM calls it, and its key in bytes without salt; 0 = as the suite says. */
struct alg {
	int id;
	const char *name;
	unsigned key, icv_bits;
};

static const struct alg aeads[] = {
	{ ENCR_AES_GCM_16, "rfc4106(gcm(aes))", 0, AEAD_ICV },
	{ ENCR_NULL_AUTH_AES_GMAC, "rfc4543(gcm(aes))", 0, AEAD_ICV },
	{ ENCR_CHACHA20_POLY1305, "rfc7539esp(chacha20,poly1305)", 32, AEAD_ICV },
};

static const struct {
	int id;
	const char *name;
	unsigned salt;
} ciphers[] = {
	{ ENCR_NULL, "ecb(cipher_null)", 0 },
	{ ENCR_AES_CBC, "cbc(aes)", 0 },
	{ ENCR_AES_CTR, "rfc3686(ctr(aes))", SALT }, /* its nonce, RFC 3686 §5.1 */
};

static const struct alg auths[] = { /* RFC 4868 §2.1.1, §2.3 */
	{ INTEG_HMAC_SHA2_256_128, "hmac(sha256)", 32, 128 },
	{ INTEG_HMAC_SHA2_384_192, "hmac(sha384)", 48, 192 },
	{ INTEG_HMAC_SHA2_512_256, "hmac(sha512)", 64, 256 },
};

#define FIND(tab, id) find(tab, sizeof(tab) / sizeof((tab)[0]), id)

static const struct alg *find(const struct alg *tab, size_t n, int id)
{
	for (size_t i = 0; i < n; i++)
		if (tab[i].id == id)
			return &tab[i];
	return NULL;
}

static bool key_bits_ok(unsigned bits)
{
	return bits == 128 || bits == 192 || bits == 256;
}

static int put_aead(struct nlmsghdr *nlh, const struct kernel_sa *sa, const struct alg *aead)
{
	union {
		struct xfrm_algo_aead a;
		uint8_t raw[sizeof(struct xfrm_algo_aead) + SA_KEY_MAX];
	} alg = { .a = { .alg_icv_len = aead->icv_bits } };
	unsigned key = aead->key;

	if (!key && key_bits_ok(sa->suite.key_bits))
		key = sa->suite.key_bits / 8u;
	if (!key || sa->encr_key_len != key + SALT || sa->integ_key_len)
		return -EINVAL;
	strcpy(alg.a.alg_name, aead->name);
	alg.a.alg_key_len = (unsigned)sa->encr_key_len * 8;
	memcpy(alg.raw + sizeof(alg.a), sa->encr_key, sa->encr_key_len);
	mnl_attr_put(nlh, XFRMA_ALG_AEAD, sizeof(alg.a) + sa->encr_key_len, &alg);
	xfrm_wipe(&alg, sizeof(alg));
	return 0;
}

/* The name of a cipher whose keys fit; NULL: none does. */
static const char *cipher_of(const struct kernel_sa *sa)
{
	bool null = sa->suite.encr == ENCR_NULL;

	if (!null && !key_bits_ok(sa->suite.key_bits))
		return NULL;
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (ciphers[i].id == (int)sa->suite.encr &&
		    sa->encr_key_len ==
			    (null ? 0 : sa->suite.key_bits / 8u + ciphers[i].salt))
			return ciphers[i].name;
	return NULL;
}

static int put_crypt(struct nlmsghdr *nlh, const struct kernel_sa *sa)
{
	union {
		struct xfrm_algo a;
		uint8_t raw[sizeof(struct xfrm_algo) + SA_KEY_MAX];
	} alg = { .raw = { 0 } };
	const char *name = cipher_of(sa);

	if (!name)
		return -EINVAL;
	strcpy(alg.a.alg_name, name);
	alg.a.alg_key_len = (unsigned)sa->encr_key_len * 8;
	memcpy(alg.raw + sizeof(alg.a), sa->encr_key, sa->encr_key_len);
	mnl_attr_put(nlh, XFRMA_ALG_CRYPT, sizeof(alg.a) + sa->encr_key_len, &alg);
	xfrm_wipe(&alg, sizeof(alg));
	return 0;
}

/* AH has no cipher, and the kernel refuses one. */
static int no_crypt(const struct kernel_sa *sa)
{
	return sa->encr_key_len || sa->encap_sport || sa->encap_dport ? -EINVAL : 0;
}

/* XFRMA_ALG_AUTH would truncate HMAC-SHA2-256 to the 96 bits of a draft (semantics.md §12). */
static void put_auth(struct nlmsghdr *nlh, const struct kernel_sa *sa, const struct alg *auth)
{
	union {
		struct xfrm_algo_auth a;
		uint8_t raw[sizeof(struct xfrm_algo_auth) + SA_KEY_MAX];
	} alg = { .a = { .alg_trunc_len = auth->icv_bits } };

	strcpy(alg.a.alg_name, auth->name);
	alg.a.alg_key_len = (unsigned)sa->integ_key_len * 8;
	memcpy(alg.raw + sizeof(alg.a), sa->integ_key, sa->integ_key_len);
	mnl_attr_put(nlh, XFRMA_ALG_AUTH_TRUNC, sizeof(alg.a) + sa->integ_key_len, &alg);
	xfrm_wipe(&alg, sizeof(alg));
}

/* Never a cipher, nor none, without integrity. */
static int put_suite(struct nlmsghdr *nlh, const struct kernel_sa *sa)
{
	const struct alg *aead = FIND(aeads, sa->suite.encr);
	const struct alg *auth = FIND(auths, sa->suite.integ);
	int err;

	if ((sa->id.proto == IPPROTO_AH) != suite_is_ah(&sa->suite))
		return -EINVAL;
	if (aead)
		return put_aead(nlh, sa, aead);
	if (!auth || sa->integ_key_len != auth->key)
		return -EINVAL;
	err = suite_is_ah(&sa->suite) ? no_crypt(sa) : put_crypt(nlh, sa);
	if (!err)
		put_auth(nlh, sa, auth);
	return err;
}

/*
 * An outbound SA has no window. With XFRMA_SA_DIR the kernel insists on 0; without
 * it (6.1) it insists on more than 0 where ESN is on, and never uses it.
 */
static uint32_t window_of(const struct kernel_sa *sa, bool has_sa_dir)
{
	if (sa->dir != SA_DIR_OUT && sa->no_replay)
		return 0;
	if (sa->dir != SA_DIR_OUT)
		return sa->replay_window ? sa->replay_window : REPLAY_LEGACY;
	return sa->suite.esn && !has_sa_dir ? REPLAY_LEGACY : 0;
}

static int put_replay(struct nlmsghdr *nlh, struct xfrm_usersa_info *info,
		      const struct kernel_sa *sa, bool has_sa_dir)
{
	union {
		struct xfrm_replay_state_esn r;
		uint8_t raw[sizeof(struct xfrm_replay_state_esn) + REPLAY_MAX / 8];
	} esn = { .raw = { 0 } };
	uint32_t window = window_of(sa, has_sa_dir);

	if (window > REPLAY_MAX || (sa->no_replay && sa->suite.esn))
		return -EINVAL;
	if (!sa->suite.esn && window <= REPLAY_LEGACY) {
		info->replay_window = (uint8_t)window;
		return 0;
	}
	if (sa->suite.esn)
		info->flags |= XFRM_STATE_ESN;
	esn.r.replay_window = window;
	esn.r.bmp_len = (window + 31) / 32;
	mnl_attr_put(nlh, XFRMA_REPLAY_ESN_VAL, sizeof(esn.r) + esn.r.bmp_len * 4, &esn);
	return 0;
}

static void put_limits(struct xfrm_lifetime_cfg *lft, const struct kernel_sa *sa)
{
	*lft = (struct xfrm_lifetime_cfg){
		.soft_byte_limit = sa->soft_lifetime_bytes ? sa->soft_lifetime_bytes : XFRM_INF,
		.hard_byte_limit = sa->lifetime_bytes ? sa->lifetime_bytes : XFRM_INF,
		/* Compared before the packet is counted: 0 is met by the next one. */
		.soft_packet_limit = sa->soft_next_packet ? 0 : XFRM_INF,
		.hard_packet_limit = XFRM_INF,
		.soft_add_expires_seconds = sa->soft_lifetime_s,
		.hard_add_expires_seconds = sa->lifetime_s,
	};
}

static void put_mark(struct nlmsghdr *nlh, const struct kernel_sa_id *id)
{
	struct xfrm_mark m = { .v = id->mark, .m = id->mark_mask };

	if (id->mark_mask)
		mnl_attr_put(nlh, XFRMA_MARK, sizeof(m), &m);
}

static void put_options(struct nlmsghdr *nlh, const struct kernel_sa *sa, bool has_sa_dir)
{
	struct xfrm_encap_tmpl encap = {
		.encap_type = UDP_ENCAP_ESPINUDP,
		.encap_sport = htons(sa->encap_sport),
		.encap_dport = htons(sa->encap_dport),
	};

	put_mark(nlh, &sa->id);
	if (sa->encap_sport || sa->encap_dport)
		mnl_attr_put(nlh, XFRMA_ENCAP, sizeof(encap), &encap);
	if (sa->if_id)
		mnl_attr_put_u32(nlh, XFRMA_IF_ID, sa->if_id);
	if (sa->may_wrap)
		mnl_attr_put_u32(nlh, XFRMA_SA_EXTRA_FLAGS, XFRM_SA_XFLAG_OSEQ_MAY_WRAP);
	if (has_sa_dir && sa->dir != SA_DIR_UNKNOWN)
		mnl_attr_put_u8(nlh, XFRMA_SA_DIR_,
				sa->dir == SA_DIR_IN ? XFRM_SA_DIR_IN_ : XFRM_SA_DIR_OUT_);
}

static int put_info(struct xfrm_usersa_info *info, const struct kernel_sa *sa)
{
	int err = 0;

	if (sa->has_sel)
		err = xfrm_put_selector(&sa->sel, &info->sel);
	else
		info->sel.family = sa->inner_family ? sa->inner_family : sa->id.dst.family;
	xfrm_put_addr(&sa->id.dst, &info->id.daddr);
	xfrm_put_addr(&sa->src, &info->saddr);
	info->id.spi = htonl(sa->id.spi);
	info->id.proto = sa->id.proto;
	info->family = sa->id.dst.family;
	info->reqid = sa->reqid;
	info->mode = sa->transport ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
	info->flags = (sa->clear_df ? XFRM_STATE_NOPMTUDISC : 0) |
		      (sa->no_ecn ? XFRM_STATE_NOECN : 0);
	/*
	 * The ICV of AH over IPv4 is padded to 32 bits, and no further (RFC 4302 §3.3.3.2.1); by
	 * itself the kernel pads it to IPv6's 64, and drops what is not.
	 */
	if (sa->id.proto == IPPROTO_AH && sa->id.dst.family == AF_INET)
		info->flags |= XFRM_STATE_ALIGN4;
	put_limits(&info->lft, sa);
	return err;
}

int xfrm_build_sa(void *buf, const struct kernel_sa *sa, bool has_sa_dir, struct nlmsghdr **out)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct xfrm_usersa_info *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	int err;

	if (!addr_is_set(&sa->src) || sa->src.family != sa->id.dst.family)
		return -EAFNOSUPPORT;
	nlh->nlmsg_type = sa->replace ? XFRM_MSG_UPDSA : XFRM_MSG_NEWSA;
	err = put_info(info, sa);
	if (!err)
		err = put_suite(nlh, sa);
	if (!err)
		err = put_replay(nlh, info, sa, has_sa_dir);
	if (err)
		return err;
	put_options(nlh, sa, has_sa_dir);
	*out = nlh;
	return 0;
}

struct nlmsghdr *xfrm_build_sa_id(void *buf, uint16_t type, const struct kernel_sa_id *id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct xfrm_usersa_id *i = mnl_nlmsg_put_extra_header(nlh, sizeof(*i));

	nlh->nlmsg_type = type;
	xfrm_put_addr(&id->dst, &i->daddr);
	i->spi = htonl(id->spi);
	i->family = id->dst.family;
	i->proto = id->proto;
	put_mark(nlh, id);
	return nlh;
}

struct nlmsghdr *xfrm_build_sa_dump(void *buf)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = XFRM_MSG_GETSA;
	nlh->nlmsg_flags = NLM_F_DUMP;
	/* The attributes of a dump follow the header at once: xfrm_dump_sa() parses from 0. */
	mnl_attr_put_u8(nlh, XFRMA_PROTO, IPSEC_PROTO_ANY);
	return nlh;
}

struct nlmsghdr *xfrm_build_allocspi(void *buf, const struct xfrm_sa_info *larval)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct xfrm_userspi_info *s = mnl_nlmsg_put_extra_header(nlh, sizeof(*s));

	nlh->nlmsg_type = XFRM_MSG_ALLOCSPI;
	xfrm_put_addr(&larval->e.id.dst, &s->info.id.daddr);
	xfrm_put_addr(&larval->e.r.src, &s->info.saddr);
	s->info.id.proto = larval->e.id.proto;
	s->info.family = larval->family;
	s->info.mode = larval->mode;
	s->info.reqid = larval->e.r.reqid;
	s->min = 0xc0000000;
	s->max = 0xcfffffff;
	return nlh;
}

void xfrm_sa_from_info(const struct xfrm_usersa_info *i, struct xfrm_sa_info *out)
{
	memset(out, 0, sizeof(*out));
	out->family = i->family;
	out->mode = i->mode;
	out->e.kind.ah = i->id.proto == IPPROTO_AH;
	out->e.kind.transport = i->mode == XFRM_MODE_TRANSPORT;
	out->e.id.dst = xfrm_get_addr(&i->id.daddr, i->family);
	out->e.id.spi = ntohl(i->id.spi);
	out->e.id.proto = i->id.proto;
	out->e.r.src = xfrm_get_addr(&i->saddr, i->family);
	out->e.r.reqid = i->reqid;
	out->e.r.packets = i->curlft.packets;
	out->e.r.bytes = i->curlft.bytes;
	out->e.r.replayed = i->stats.replay + i->stats.replay_window;
	out->e.r.not_authentic = i->stats.integrity_failed;
	out->e.add_time = i->curlft.add_time;
	/* One with odd masks is not ours; its selector then reads as "any". */
	if (xfrm_get_selector(&i->sel, &out->e.sel))
		out->e.sel = selector_any(i->sel.family);
}

int xfrm_parse_sa(const struct nlmsghdr *nlh, struct xfrm_sa_info *out)
{
	const struct xfrm_usersa_info *info = mnl_nlmsg_get_payload(nlh);
	const struct xfrm_encap_tmpl *encap;
	const struct xfrm_mark *mark;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*info))
		return -EBADMSG;
	xfrm_sa_from_info(info, out);
	encap = xfrm_attr(nlh, sizeof(*info), XFRMA_ENCAP, sizeof(*encap));
	if (encap) {
		out->encap_sport = ntohs(encap->encap_sport);
		out->encap_dport = ntohs(encap->encap_dport);
	}
	mark = xfrm_attr(nlh, sizeof(*info), XFRMA_MARK, sizeof(*mark));
	if (mark) {
		out->e.id.mark = mark->v;
		out->e.id.mark_mask = mark->m;
	}
	out->e.r.larval = !out->e.id.spi ||
			  (!xfrm_attr(nlh, sizeof(*info), XFRMA_ALG_AEAD, 1) &&
			   !xfrm_attr(nlh, sizeof(*info), XFRMA_ALG_CRYPT, 1) &&
			   !xfrm_attr(nlh, sizeof(*info), XFRMA_ALG_AUTH, 1));
	return 0;
}
