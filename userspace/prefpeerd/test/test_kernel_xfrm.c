// SPDX-License-Identifier: GPL-2.0-or-later
/* XFRM messages as bytes, without a kernel. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/xfrm_msg.h"

/* The build helper of a message under test; a fresh, dirty buffer each time. */
static uint8_t buf[XFRM_BUF_SIZE];

static struct addr ip(const char *text)
{
	struct addr a = { 0 };

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct selector sel(const char *src, const char *dst)
{
	struct selector s = { .sport = { 0, UINT16_MAX }, .dport = { 0, UINT16_MAX } };

	assert_int_equal(prefix_parse(src, &s.src), 0);
	assert_int_equal(prefix_parse(dst, &s.dst), 0);
	return s;
}

static struct kernel_sa sa_of(const struct esp_suite *suite, size_t encr, size_t integ)
{
	struct kernel_sa sa = {
		.id = { .dst = ip("10.1.1.1"), .spi = 0x12345678, .proto = IPPROTO_ESP },
		.src = ip("10.9.9.1"),
		.reqid = 0x50500001,
		.suite = *suite,
		.encr_key_len = encr,
		.integ_key_len = integ,
		.replay_window = 64,
	};

	memset(sa.encr_key, 0x11, encr);
	memset(sa.integ_key, 0x22, integ);
	return sa;
}

static const struct esp_suite gcm = { ENCR_AES_GCM_16, 256, INTEG_NONE, false };
static const struct esp_suite cbc = { ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128, false };

static const struct esp_suite ctr = { ENCR_AES_CTR, 256, INTEG_HMAC_SHA2_256_128, false };

static struct nlmsghdr *build(const struct kernel_sa *sa, bool has_dir)
{
	struct nlmsghdr *nlh;

	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(xfrm_build_sa(buf, sa, has_dir, &nlh), 0);
	return nlh;
}

static const void *attr(const struct nlmsghdr *nlh, uint16_t type)
{
	return xfrm_attr(nlh, sizeof(struct xfrm_usersa_info), type, 1);
}

static void test_aead(void **state)
{
	struct kernel_sa sa = sa_of(&gcm, 36, 0);
	struct nlmsghdr *nlh = build(&sa, false);
	const struct xfrm_usersa_info *info = mnl_nlmsg_get_payload(nlh);
	const struct xfrm_algo_aead *a = attr(nlh, XFRMA_ALG_AEAD);

	assert_int_equal(nlh->nlmsg_type, XFRM_MSG_NEWSA);
	assert_int_equal(ntohl(info->id.spi), 0x12345678);
	assert_int_equal(info->mode, XFRM_MODE_TUNNEL);
	assert_int_equal(info->sel.family, AF_INET);
	assert_int_equal(info->sel.prefixlen_d, 0);
	assert_string_equal(a->alg_name, "rfc4106(gcm(aes))");
	assert_int_equal(a->alg_key_len, 288);
	assert_int_equal(a->alg_icv_len, 128);
	assert_memory_equal(a->alg_key, sa.encr_key, 36);
	assert_null(attr(nlh, XFRMA_ALG_AUTH_TRUNC));
	assert_null(attr(nlh, XFRMA_ENCAP));
	assert_true(info->lft.hard_byte_limit == XFRM_INF);
}

/* HMAC-SHA2-256 at 128 bits, never by the attribute whose default is 96. */
static void test_auth_trunc(void **state)
{
	struct kernel_sa sa = sa_of(&cbc, 16, 32);
	struct nlmsghdr *nlh = build(&sa, false);
	const struct xfrm_algo_auth *a = attr(nlh, XFRMA_ALG_AUTH_TRUNC);
	const struct xfrm_algo *e = attr(nlh, XFRMA_ALG_CRYPT);

	assert_string_equal(a->alg_name, "hmac(sha256)");
	assert_int_equal(a->alg_trunc_len, 128);
	assert_int_equal(a->alg_key_len, 256);
	assert_memory_equal(a->alg_key, sa.integ_key, 32);
	assert_string_equal(e->alg_name, "cbc(aes)");
	assert_int_equal(e->alg_key_len, 128);
	assert_null(attr(nlh, XFRMA_ALG_AUTH));
}

/* The nonce stands behind the key (RFC 3686 §5.1). */
static void test_counter_mode(void **state)
{
	struct kernel_sa sa = sa_of(&ctr, 36, 32);
	struct nlmsghdr *nlh = build(&sa, false);
	const struct xfrm_algo *e = attr(nlh, XFRMA_ALG_CRYPT);

	assert_string_equal(e->alg_name, "rfc3686(ctr(aes))");
	assert_int_equal(e->alg_key_len, 288);
	assert_memory_equal(e->alg_key, sa.encr_key, 36);
	assert_non_null(attr(nlh, XFRMA_ALG_AUTH_TRUNC));
}

static const struct esp_suite ah = { .integ = INTEG_HMAC_SHA2_384_192 };

static const struct xfrm_usersa_info *info_of(const struct nlmsghdr *nlh)
{
	return mnl_nlmsg_get_payload(nlh);
}

/* Integrity alone: the kernel refuses AH with a cipher, and NAT breaks it. */
static void test_ah(void **state)
{
	struct kernel_sa sa = sa_of(&ah, 0, 48);
	const struct xfrm_algo_auth *a;
	struct xfrm_sa_info got;
	struct nlmsghdr *nlh;

	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EINVAL);
	sa.id.proto = IPPROTO_AH;
	nlh = build(&sa, false);
	a = attr(nlh, XFRMA_ALG_AUTH_TRUNC);
	assert_string_equal(a->alg_name, "hmac(sha384)");
	assert_int_equal(a->alg_trunc_len, 192);
	assert_null(attr(nlh, XFRMA_ALG_CRYPT));
	assert_null(attr(nlh, XFRMA_ALG_AEAD));
	assert_int_equal(xfrm_parse_sa(nlh, &got), 0);
	assert_int_equal(got.e.id.proto, IPPROTO_AH);
	assert_true(got.e.kind.ah);
	assert_false(got.e.kind.transport);
	assert_int_equal(info_of(nlh)->flags, XFRM_STATE_ALIGN4);
	sa.suite.esn = true;
	assert_int_equal(info_of(build(&sa, false))->flags, XFRM_STATE_ALIGN4 | XFRM_STATE_ESN);
	sa.id.dst = ip("2001:db8::1");
	sa.src = ip("2001:db8::2");
	assert_int_equal(info_of(build(&sa, false))->flags, XFRM_STATE_ESN);

	sa.encap_sport = sa.encap_dport = 4500;
	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EINVAL);
	sa = sa_of(&ah, 16, 48);
	sa.id.proto = IPPROTO_AH;
	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EINVAL);
	sa = sa_of(&gcm, 36, 0);
	sa.id.proto = IPPROTO_AH;
	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EINVAL);
}

static void test_transport(void **state)
{
	struct kernel_sa sa = sa_of(&gcm, 36, 0);
	const struct xfrm_usersa_info *info;
	struct xfrm_sa_info got;

	sa.transport = true;
	info = mnl_nlmsg_get_payload(build(&sa, false));
	assert_int_equal(info->mode, XFRM_MODE_TRANSPORT);
	assert_int_equal(xfrm_parse_sa((struct nlmsghdr *)buf, &got), 0);
	assert_true(got.e.kind.transport);
	assert_false(got.e.kind.ah);
}

#define NO_REPLAY UINT32_MAX

struct replay_case {
	enum sa_dir dir;
	bool esn, has_dir;
	uint32_t window; /* NO_REPLAY: none at all */
	int legacy;  /* of the fixed part */
	int window_attr, bmp; /* -1: no attribute */
};

static void test_replay(void **state)
{
	static const struct replay_case cases[] = {
		{ SA_DIR_IN, false, false, 32, 32, -1, -1 },
		{ SA_DIR_IN, false, true, 0, 32, -1, -1 },
		{ SA_DIR_IN, false, true, NO_REPLAY, 0, -1, -1 },
		{ SA_DIR_IN, false, true, 64, 0, 64, 2 },
		{ SA_DIR_IN, true, true, 1024, 0, 1024, 32 },
		{ SA_DIR_OUT, false, false, 64, 0, -1, -1 },
		{ SA_DIR_OUT, false, true, 64, 0, -1, -1 },
		{ SA_DIR_OUT, true, false, 64, 0, 32, 1 }, /* 6.1: "ESN replay window must be > 0" */
		{ SA_DIR_OUT, true, true, 64, 0, 0, 0 },   /* 6.12: "should be 0 for output SA" */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct replay_case *c = &cases[i];
		struct kernel_sa sa = sa_of(&gcm, 36, 0);
		const struct xfrm_usersa_info *info;
		const struct xfrm_replay_state_esn *esn;
		struct nlmsghdr *nlh;
		const uint8_t *dir;

		sa.dir = c->dir;
		sa.suite.esn = c->esn;
		sa.replay_window = c->window;
		sa.no_replay = c->window == NO_REPLAY;
		nlh = build(&sa, c->has_dir);
		info = mnl_nlmsg_get_payload(nlh);
		esn = attr(nlh, XFRMA_REPLAY_ESN_VAL);
		dir = attr(nlh, XFRMA_SA_DIR_);
		assert_int_equal(info->replay_window, c->legacy);
		assert_int_equal(!!(info->flags & XFRM_STATE_ESN), c->esn);
		assert_int_equal(esn ? (int)esn->replay_window : -1, c->window_attr);
		assert_int_equal(esn ? (int)esn->bmp_len : -1, c->bmp);
		assert_int_equal(dir ? *dir : 0, !c->has_dir ? 0 : c->dir == SA_DIR_IN ? 1 : 2);
	}
}

static void test_outer_header(void **state)
{
	struct kernel_sa sa = sa_of(&gcm, 36, 0);
	const struct xfrm_usersa_info *info = mnl_nlmsg_get_payload(build(&sa, true));

	assert_int_equal(info->flags, 0);
	sa.clear_df = true;
	info = mnl_nlmsg_get_payload(build(&sa, true));
	assert_int_equal(info->flags, XFRM_STATE_NOPMTUDISC);
	sa.no_ecn = true;
	info = mnl_nlmsg_get_payload(build(&sa, true));
	assert_int_equal(info->flags, XFRM_STATE_NOPMTUDISC | XFRM_STATE_NOECN);
}

static void test_options(void **state)
{
	struct kernel_sa sa = sa_of(&gcm, 36, 0);
	const struct xfrm_encap_tmpl *encap;
	const struct xfrm_usersa_info *info;
	struct xfrm_sa_info back;
	struct nlmsghdr *nlh;

	sa.encap_sport = 4500;
	sa.encap_dport = 61001;
	sa.id.mark = 7;
	sa.id.mark_mask = 0xff;
	sa.if_id = 9;
	sa.has_sel = true;
	sa.sel = sel("192.168.1.0/25", "192.168.2.0/24");
	sa.sel.proto = IPPROTO_UDP;
	sa.sel.dport = (struct port_range){ 4096, 8191 };
	sa.replace = true;
	nlh = build(&sa, true);
	info = mnl_nlmsg_get_payload(nlh);
	encap = attr(nlh, XFRMA_ENCAP);
	assert_int_equal(nlh->nlmsg_type, XFRM_MSG_UPDSA);
	assert_int_equal(ntohs(encap->encap_sport), 4500);
	assert_int_equal(ntohs(encap->encap_dport), 61001);
	assert_int_equal(*(const uint32_t *)attr(nlh, XFRMA_IF_ID), 9);
	assert_int_equal(ntohs(info->sel.dport), 4096);
	assert_int_equal(ntohs(info->sel.dport_mask), 0xf000);
	/* What we build is what we read. */
	assert_int_equal(xfrm_parse_sa(nlh, &back), 0);
	assert_true(selector_equal(&back.e.sel, &sa.sel));
	assert_int_equal(back.e.id.spi, sa.id.spi);
	assert_int_equal(back.e.id.mark_mask, 0xff);
	assert_int_equal(back.encap_dport, 61001);
	assert_true(addr_equal(&back.e.r.src, &sa.src));
	assert_false(back.e.r.larval);
}

static void test_refused(void **state)
{
	struct kernel_sa sa = sa_of(&gcm, 32, 0);
	struct nlmsghdr *nlh;

	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EINVAL); /* no salt */
	sa = sa_of(&cbc, 16, 20);
	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EINVAL); /* SHA-1's length */
	sa = sa_of(&cbc, 16, 32);
	sa.suite.integ = INTEG_NONE;
	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EINVAL);
	sa = sa_of(&gcm, 36, 0);
	sa.src = ip("2001:db8::1");
	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EAFNOSUPPORT);
	sa = sa_of(&gcm, 36, 0);
	sa.has_sel = true;
	sa.sel = sel("192.168.1.0/25", "192.168.2.0/24");
	sa.sel.sport = (struct port_range){ 1000, 1999 }; /* no mask says that */
	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -ERANGE);
	sa = sa_of(&gcm, 36, 0);
	sa.replay_window = 5000;
	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EINVAL);
	sa = sa_of(&gcm, 36, 0);
	sa.suite.esn = sa.no_replay = true;
	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EINVAL);
	sa = sa_of(&ctr, 32, 32);
	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EINVAL); /* no nonce */
	sa = sa_of(&ctr, 36, 0);
	sa.suite.integ = INTEG_NONE;
	assert_int_equal(xfrm_build_sa(buf, &sa, false, &nlh), -EINVAL);
}

static void test_policy(void **state)
{
	struct kernel_policy p = {
		.dir = POLICY_FWD,
		.action = POLICY_PROTECT,
		.sel = sel("192.168.2.0/24", "2.0.0.0/7"),
		.priority = 0x50500123,
		.reqid = 0x50500007,
		.tmpl_family = AF_INET,
	};
	struct kernel_policy back;
	struct nlmsghdr *nlh;
	const struct xfrm_user_tmpl *t;

	assert_int_equal(xfrm_build_policy(buf, &p, &nlh), 0);
	assert_int_equal(nlh->nlmsg_type, XFRM_MSG_UPDPOLICY);
	t = xfrm_attr(nlh, sizeof(struct xfrm_userpolicy_info), XFRMA_TMPL, sizeof(*t));
	assert_int_equal(t->optional, 0);
	assert_int_equal(t->saddr.a4, 0);
	assert_int_equal(t->aalgos & t->ealgos & t->calgos, ~0u);
	assert_int_equal(xfrm_parse_policy(nlh, &back), 0);
	assert_int_equal(back.dir, POLICY_FWD);
	assert_int_equal(back.action, POLICY_PROTECT);
	assert_int_equal(back.reqid, p.reqid);
	assert_int_equal(back.priority, p.priority);
	assert_true(selector_equal(&back.sel, &p.sel));
	assert_int_equal(t->id.proto, IPPROTO_ESP);
	assert_int_equal(t->mode, XFRM_MODE_TUNNEL);
	for (unsigned i = 0; i < 4; i++) {
		p.kind = (struct sa_kind){ i & 1, i & 2 };
		assert_int_equal(xfrm_build_policy(buf, &p, &nlh), 0);
		assert_int_equal(t->id.proto, i & 1 ? IPPROTO_AH : IPPROTO_ESP);
		assert_int_equal(t->mode, i & 2 ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL);
		assert_int_equal(xfrm_parse_policy(nlh, &back), 0);
		assert_true(sa_kind_equal(back.kind, p.kind));
	}
	/* An outbound template needs both ends, any template a reqid. */
	p.dir = POLICY_OUT;
	assert_int_equal(xfrm_build_policy(buf, &p, &nlh), -EINVAL);
	p.tmpl_src = ip("10.9.9.1");
	p.tmpl_dst = ip("10.1.1.1");
	assert_int_equal(xfrm_build_policy(buf, &p, &nlh), 0);
	p.reqid = 0;
	assert_int_equal(xfrm_build_policy(buf, &p, &nlh), -EINVAL);
	p.action = POLICY_BLOCK;
	assert_int_equal(xfrm_build_policy(buf, &p, &nlh), 0);
	assert_int_equal(xfrm_parse_policy(nlh, &back), 0);
	assert_int_equal(back.action, POLICY_BLOCK);
	/* Another program's marks and interfaces are another policy. */
	mnl_attr_put_u32(nlh, XFRMA_IF_ID, 5);
	assert_int_equal(xfrm_parse_policy(nlh, &back), -ENOENT);
}

/* Short messages of every type are refused, not read past. */
static void test_short(void **state)
{
	static const uint16_t types[] = { XFRM_MSG_ACQUIRE, XFRM_MSG_EXPIRE, XFRM_MSG_DELSA,
					  XFRM_MSG_MAPPING };
	struct xfrm_notice n;
	struct xfrm_sa_info sa;
	struct kernel_policy p;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (size_t len = 0; len < 400; len += 4) {
			uint8_t *tight = calloc(1, MNL_NLMSG_HDRLEN + len);
			struct nlmsghdr *nlh = (struct nlmsghdr *)tight;

			nlh->nlmsg_len = (uint32_t)(MNL_NLMSG_HDRLEN + len);
			nlh->nlmsg_type = types[i];
			xfrm_parse_notice(nlh, &n);
			xfrm_parse_sa(nlh, &sa);
			xfrm_parse_policy(nlh, &p);
			if (len < 16)
				assert_int_equal(xfrm_parse_notice(nlh, &n), -EBADMSG);
			free(tight);
		}
	}
}

static void test_allocspi(void **state)
{
	struct addr src = ip("10.9.9.1"), dst = ip("10.1.1.1");
	struct xfrm_sa_info larval = {
		.e = { .id = { .dst = dst, .proto = IPPROTO_AH }, .r = { .src = src, .reqid = 77 } },
		.family = AF_INET,
		.mode = XFRM_MODE_TRANSPORT,
	};
	struct nlmsghdr *nlh = xfrm_build_allocspi(buf, &larval);
	const struct xfrm_userspi_info *s = mnl_nlmsg_get_payload(nlh);

	assert_int_equal(nlh->nlmsg_type, XFRM_MSG_ALLOCSPI);
	assert_int_equal(s->info.reqid, 77);
	assert_int_equal(s->info.mode, XFRM_MODE_TRANSPORT);
	assert_int_equal(s->info.id.proto, IPPROTO_AH);
	assert_int_equal(s->info.saddr.a4, src.v4.s_addr);
	assert_int_equal(s->info.id.daddr.a4, dst.v4.s_addr);
	assert_true(s->min >= 256 && s->min <= s->max);
}

/* Where the kernel looks for it: xfrm_dump_sa() parses from the header's end. */
static void test_sa_dump(void **state)
{
	const struct nlmsghdr *nlh = xfrm_build_sa_dump(buf);
	const struct nlattr *attr = mnl_nlmsg_get_payload(nlh);

	(void)state;
	assert_int_equal(mnl_nlmsg_get_payload_len(nlh), MNL_ALIGN(MNL_ATTR_HDRLEN + 1));
	assert_int_equal(mnl_attr_get_type(attr), XFRMA_PROTO);
	assert_int_equal(mnl_attr_get_u8(attr), 255); /* IPSEC_PROTO_ANY */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aead),	cmocka_unit_test(test_auth_trunc),
		cmocka_unit_test(test_counter_mode),
		cmocka_unit_test(test_ah), cmocka_unit_test(test_transport),
		cmocka_unit_test(test_replay),	cmocka_unit_test(test_outer_header),
	cmocka_unit_test(test_options),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_policy),
		cmocka_unit_test(test_short),	cmocka_unit_test(test_allocspi),
		cmocka_unit_test(test_sa_dump),
	};

	return cmocka_run_group_tests_name("XFRM messages", tests, NULL, NULL);
}
