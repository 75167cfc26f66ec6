// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/proposal.h"

#include <errno.h>
#include <string.h>

#define SUBSTRUCT_PROPOSAL_MORE 2
#define SUBSTRUCT_TRANSFORM_MORE 3

/* ---- reading ---- */

/* False: an attribute that we do not know, so the transform is none of ours (§3.3.6). */
static bool attributes_parse(struct rdr *r, struct transform *t)
{
	bool known = true;

	while (rdr_ok(r) && rdr_left(r)) {
		uint16_t type = rdr_u16(r), value = rdr_u16(r);

		if (!(type & ATTR_FORMAT_TV))
			rdr_bytes(r, value);
		if (type == (ATTR_FORMAT_TV | ATTR_KEY_LENGTH))
			t->key_bits = value;
		else
			known = false;
	}
	return known;
}

static int transform_parse(struct rdr *r, struct proposal *p)
{
	struct transform t = { 0 };
	struct rdr body;
	uint16_t total;
	bool known;

	rdr_u8(r);
	rdr_u8(r);
	total = rdr_u16(r);
	if (!rdr_ok(r) || total < 8)
		return -EINVAL;
	body = rdr_sub(r, total - 4u);
	t.type = rdr_u8(&body);
	rdr_u8(&body);
	t.id = rdr_u16(&body);
	known = attributes_parse(&body, &t);
	if (!rdr_ok(&body))
		return -EINVAL;
	if (known && p->n < TRANSFORMS_MAX)
		p->list[p->n++] = t;
	return 0;
}

static int proposal_parse(struct rdr *r, struct proposal *p)
{
	uint8_t spi_len, n;

	*p = (struct proposal){ 0 };
	p->num = rdr_u8(r);
	p->protocol = rdr_u8(r);
	spi_len = rdr_u8(r);
	n = rdr_u8(r);
	if (spi_len == 4)
		p->spi = rdr_u32(r);
	else if (spi_len == IKE_SPI_LEN)
		rdr_copy(r, p->ike_spi, IKE_SPI_LEN);
	else
		rdr_bytes(r, spi_len);
	for (unsigned i = 0; i < n; i++)
		if (transform_parse(r, p))
			return -EINVAL;
	if ((p->protocol == PROTO_ID_ESP || p->protocol == PROTO_ID_AH) && spi_len != 4)
		return -EINVAL;
	return rdr_done(r) ? 0 : -EINVAL;
}

int proposals_parse(const struct payload *sa, struct proposals *out)
{
	struct rdr r;
	uint8_t more = SUBSTRUCT_PROPOSAL_MORE;

	out->n = 0;
	rdr_init(&r, sa->body, sa->len);
	while (more == SUBSTRUCT_PROPOSAL_MORE) {
		struct rdr body;
		uint16_t total;

		more = rdr_u8(&r);
		rdr_u8(&r);
		total = rdr_u16(&r);
		if (!rdr_ok(&r) || total < 8)
			return -EINVAL;
		body = rdr_sub(&r, total - 4u);
		if (out->n == PROPOSALS_MAX)
			continue;
		if (proposal_parse(&body, &out->list[out->n++]))
			return -EINVAL;
	}
	return more == 0 && rdr_done(&r) ? 0 : -EINVAL;
}

static bool offers(const struct proposal *p, uint8_t type, uint16_t id, uint16_t key_bits)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->list[i].type == type && p->list[i].id == id &&
		    p->list[i].key_bits == key_bits)
			return true;
	return false;
}

static unsigned count(const struct proposal *p, uint8_t type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++)
		n += p->list[i].type == type;
	return n;
}

/* AEAD goes with no integrity transform, or with NONE (RFC 7296 §3.3). */
static bool integ_fits(const struct proposal *p, enum ike_encr encr, enum ike_integ integ)
{
	if (encr_is_aead(encr))
		return !count(p, TRANSFORM_INTEG) || offers(p, TRANSFORM_INTEG, INTEG_NONE, 0);
	return offers(p, TRANSFORM_INTEG, integ, 0);
}

/* ---- writing ---- */

struct sa_writer {
	struct msg_out *m;
	size_t proposal_off, count_off, transform_off;
	uint8_t transforms;
};

static void sa_proposal(struct sa_writer *s, bool last, uint8_t num, uint8_t protocol,
			struct chunk spi)
{
	struct wtr *w = &s->m->w;

	s->proposal_off = w->len;
	wtr_u8(w, last ? 0 : SUBSTRUCT_PROPOSAL_MORE);
	wtr_u8(w, 0);
	wtr_u16(w, 0);
	wtr_u8(w, num);
	wtr_u8(w, protocol);
	wtr_u8(w, (uint8_t)spi.len);
	s->count_off = w->len;
	wtr_u8(w, 0);
	wtr_bytes(w, spi.p, spi.len);
	s->transforms = 0;
}

static void sa_transform(struct sa_writer *s, uint8_t type, uint16_t id, uint16_t key_bits)
{
	struct wtr *w = &s->m->w;

	s->transform_off = w->len;
	wtr_u8(w, SUBSTRUCT_TRANSFORM_MORE);
	wtr_u8(w, 0);
	wtr_u16(w, key_bits ? 12 : 8);
	wtr_u8(w, type);
	wtr_u8(w, 0);
	wtr_u16(w, id);
	if (key_bits) {
		wtr_u16(w, ATTR_FORMAT_TV | ATTR_KEY_LENGTH);
		wtr_u16(w, key_bits);
	}
	s->transforms++;
}

static void sa_proposal_end(struct sa_writer *s)
{
	struct wtr *w = &s->m->w;

	wtr_patch_u8(w, s->transform_off, 0);
	wtr_patch_u8(w, s->count_off, s->transforms);
	wtr_patch_u16(w, s->proposal_off + 2, (uint16_t)(w->len - s->proposal_off));
}

/* ---- IKE ---- */

#define CBC(bits) \
	{ ENCR_AES_CBC, bits, INTEG_HMAC_SHA2_256_128 }, \
	{ ENCR_AES_CBC, bits, INTEG_HMAC_SHA2_384_192 }, \
	{ ENCR_AES_CBC, bits, INTEG_HMAC_SHA2_512_256 }

const struct ike_offer ike_offer_all = {
	.ciphers = {
		{ ENCR_AES_GCM_16, 256, INTEG_NONE },
		{ ENCR_AES_GCM_16, 128, INTEG_NONE },
		{ ENCR_AES_GCM_16, 192, INTEG_NONE },
		{ ENCR_CHACHA20_POLY1305, 0, INTEG_NONE },
		CBC(256), CBC(128), CBC(192),
	},
	.prfs = { PRF_HMAC_SHA2_256, PRF_HMAC_SHA2_384, PRF_HMAC_SHA2_512 },
	.groups = { DH_X25519, DH_ECP_256, DH_ECP_384, DH_MODP_2048, DH_X448, DH_ECP_521,
		    DH_MODP_3072, DH_MODP_4096 },
};

#define EACH_OFFER(it, o) for (const struct ike_offer *it = (o); it; it = it->next)
#define EACH_CIPHER(c, o) \
	for (const struct ike_cipher *c = (o)->ciphers; \
	     c < (o)->ciphers + IKE_CIPHERS_MAX && c->encr; c++)
#define EACH_PRF(p, o) \
	for (const enum ike_prf *p = (o)->prfs; p < (o)->prfs + IKE_PRFS_MAX && *p; p++)
#define EACH_GROUP(g, o) \
	for (const enum ike_dh *g = (o)->groups; g < (o)->groups + IKE_GROUPS_MAX && *g; g++)

static bool has_group(const struct ike_offer *o, uint16_t group)
{
	EACH_GROUP(g, o)
		if (*g == group)
			return true;
	return false;
}

bool ike_group_offered(const struct ike_offer *o, uint16_t group)
{
	EACH_OFFER(it, o)
		if (has_group(it, group))
			return true;
	return false;
}

static bool has_kind(const struct ike_offer *o, bool aead)
{
	EACH_CIPHER(c, o)
		if (encr_is_aead(c->encr) == aead)
			return true;
	return false;
}

static bool is_first_of(const struct ike_offer *o, const struct ike_cipher *c, bool integ)
{
	EACH_CIPHER(b, o) {
		if (b == c)
			return true;
		if (encr_is_aead(b->encr) != encr_is_aead(c->encr))
			continue;
		if (integ ? b->integ == c->integ : b->encr == c->encr && b->key_bits == c->key_bits)
			return false;
	}
	return true;
}

/* Each once, though a cipher stands in the list with each integrity that goes with it. */
static void offer_kind(struct sa_writer *s, const struct ike_offer *o, bool aead)
{
	EACH_CIPHER(c, o)
		if (encr_is_aead(c->encr) == aead && is_first_of(o, c, false))
			sa_transform(s, TRANSFORM_ENCR, c->encr, c->key_bits);
	EACH_CIPHER(c, o)
		if (!aead && !encr_is_aead(c->encr) && is_first_of(o, c, true))
			sa_transform(s, TRANSFORM_INTEG, c->integ, 0);
	EACH_PRF(p, o)
		sa_transform(s, TRANSFORM_PRF, *p, 0);
	EACH_GROUP(g, o)
		sa_transform(s, TRANSFORM_DH, *g, 0);
	sa_proposal_end(s);
}

static unsigned count_proposals(const struct ike_offer *o)
{
	unsigned n = 0;

	EACH_OFFER(it, o)
		n += has_kind(it, true) + has_kind(it, false);
	return n;
}

static struct chunk ike_spi(const uint8_t *spi)
{
	return (struct chunk){ spi, spi ? IKE_SPI_LEN : 0 };
}

void put_sa_ike_offer(struct msg_out *m, const struct ike_offer *o, const uint8_t *spi)
{
	struct sa_writer s = { .m = m };
	unsigned total = count_proposals(o), n = 0;

	msg_payload_begin(m, PLD_SA);
	EACH_OFFER(it, o)
		for (int aead = 1; aead >= 0; aead--) {
			if (!has_kind(it, aead))
				continue;
			n++;
			sa_proposal(&s, n == total, (uint8_t)n, PROTO_ID_IKE, ike_spi(spi));
			offer_kind(&s, it, aead);
		}
	msg_payload_end(m);
}

void put_sa_ike_choice(struct msg_out *m, uint8_t num, const struct ike_suite *suite,
		       const uint8_t *spi)
{
	struct sa_writer s = { .m = m };

	msg_payload_begin(m, PLD_SA);
	sa_proposal(&s, true, num, PROTO_ID_IKE, ike_spi(spi));
	sa_transform(&s, TRANSFORM_ENCR, suite->encr, suite->key_bits);
	if (suite->integ)
		sa_transform(&s, TRANSFORM_INTEG, suite->integ, 0);
	sa_transform(&s, TRANSFORM_PRF, suite->prf, 0);
	sa_transform(&s, TRANSFORM_DH, suite->dh, 0);
	sa_proposal_end(&s);
	msg_payload_end(m);
}

static bool choose_cipher(const struct ike_offer *o, const struct proposal *p,
			  struct ike_suite *out)
{
	EACH_CIPHER(c, o) {
		if (!offers(p, TRANSFORM_ENCR, c->encr, c->key_bits) ||
		    !integ_fits(p, c->encr, c->integ))
			continue;
		out->encr = c->encr;
		out->key_bits = c->key_bits;
		out->integ = c->integ;
		return true;
	}
	return false;
}

static bool choose_prf(const struct ike_offer *o, const struct proposal *p, struct ike_suite *out)
{
	EACH_PRF(prf, o) {
		if (offers(p, TRANSFORM_PRF, *prf, 0)) {
			out->prf = *prf;
			return true;
		}
	}
	return false;
}

static bool choose_group(const struct ike_offer *o, const struct proposal *p, uint16_t ke_group,
			 enum ike_dh *out)
{
	if (has_group(o, ke_group) && offers(p, TRANSFORM_DH, ke_group, 0)) {
		*out = ke_group;
		return true;
	}
	EACH_GROUP(g, o) {
		if (offers(p, TRANSFORM_DH, *g, 0)) {
			*out = *g;
			return true;
		}
	}
	return false;
}

static bool choose_of(const struct ike_offer *o, const struct proposal *p, uint16_t ke_group,
		      struct ike_suite *out)
{
	return p->protocol == PROTO_ID_IKE && choose_cipher(o, p, out) && choose_prf(o, p, out) &&
	       choose_group(o, p, ke_group, &out->dh);
}

int ike_choose(const struct ike_offer *o, const struct proposals *p, uint16_t ke_group,
	       uint8_t *num, struct ike_suite *out)
{
	for (unsigned i = 0; i < p->n; i++)
		EACH_OFFER(it, o)
			if (choose_of(it, &p->list[i], ke_group, out)) {
				*num = p->list[i].num;
				return 0;
			}
	return -ENOENT;
}

int ike_accept(const struct ike_offer *o, const struct proposals *p, struct ike_suite *out)
{
	const struct proposal *got = &p->list[0];
	unsigned n = 0;

	if (p->n != 1 || count(got, TRANSFORM_ENCR) != 1 || count(got, TRANSFORM_PRF) != 1 ||
	    count(got, TRANSFORM_DH) != 1 || count(got, TRANSFORM_INTEG) > 1)
		return -EINVAL;
	/* Its number says under which of ours it stands. */
	EACH_OFFER(it, o)
		for (int aead = 1; aead >= 0; aead--) {
			if (!has_kind(it, aead) || ++n != got->num)
				continue;
			return choose_of(it, got, 0, out) && encr_is_aead(out->encr) == aead ?
				       0 :
				       -EINVAL;
		}
	return -EINVAL;
}

/* ---- ESP and AH ---- */

unsigned esp_suites_default(struct esp_suite out[SUITE_MAX])
{
	static const struct esp_suite all[] = {
		{ .encr = ENCR_AES_GCM_16, .key_bits = 256 },
		{ .encr = ENCR_AES_GCM_16, .key_bits = 128 },
		{ .encr = ENCR_CHACHA20_POLY1305 },
		{ .encr = ENCR_AES_CBC, .key_bits = 256, .integ = INTEG_HMAC_SHA2_256_128 },
		{ .encr = ENCR_AES_CBC, .key_bits = 128, .integ = INTEG_HMAC_SHA2_256_128 },
	};

	memcpy(out, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

uint8_t suite_protocol(const struct esp_suite *s)
{
	return suite_is_ah(s) ? PROTO_ID_AH : PROTO_ID_ESP;
}

/* Encryption is no transform of AH (§3.3.3). */
static void put_esp(struct sa_writer *s, const struct esp_suite *suite)
{
	if (!suite_is_ah(suite))
		sa_transform(s, TRANSFORM_ENCR, suite->encr, suite->key_bits);
	if (suite->integ)
		sa_transform(s, TRANSFORM_INTEG, suite->integ, 0);
}

struct esp_spi {
	uint8_t b[4];
};

static struct esp_spi esp_spi(uint32_t spi)
{
	return (struct esp_spi){ { (uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8),
				   (uint8_t)spi } };
}

void put_sa_esp_offer(struct msg_out *m, const struct esp_suite *suites, unsigned n, uint32_t spi,
		      enum ike_dh dh)
{
	struct esp_spi ours = esp_spi(spi);
	struct chunk spi_bytes = { ours.b, sizeof(ours.b) };
	struct sa_writer s = { .m = m };

	msg_payload_begin(m, PLD_SA);
	for (unsigned i = 0; i < n; i++) {
		sa_proposal(&s, i + 1 == n, (uint8_t)(i + 1), suite_protocol(&suites[i]),
			    spi_bytes);
		put_esp(&s, &suites[i]);
		if (dh)
			sa_transform(&s, TRANSFORM_DH, dh, 0);
		if (suites[i].esn)
			sa_transform(&s, TRANSFORM_ESN, 1, 0);
		sa_transform(&s, TRANSFORM_ESN, 0, 0);
		sa_proposal_end(&s);
	}
	msg_payload_end(m);
}

void put_sa_esp_choice(struct msg_out *m, uint8_t num, const struct esp_suite *suite,
		       enum ike_dh dh, uint32_t spi)
{
	struct esp_spi ours = esp_spi(spi);
	struct sa_writer s = { .m = m };

	msg_payload_begin(m, PLD_SA);
	sa_proposal(&s, true, num, suite_protocol(suite), (struct chunk){ ours.b, sizeof(ours.b) });
	put_esp(&s, suite);
	if (dh)
		sa_transform(&s, TRANSFORM_DH, dh, 0);
	sa_transform(&s, TRANSFORM_ESN, suite->esn, 0);
	sa_proposal_end(&s);
	msg_payload_end(m);
}

static bool choose_esn(const struct proposal *p, const struct esp_suite *want, bool *esn)
{
	if (want->esn && offers(p, TRANSFORM_ESN, 1, 0)) {
		*esn = true;
		return true;
	}
	*esn = false;
	/* Mandatory by §3.3.3, but some leave it out and mean "no ESN". */
	return offers(p, TRANSFORM_ESN, 0, 0) || !count(p, TRANSFORM_ESN);
}

static bool choose_pfs(const struct proposal *p, bool with_dh, enum ike_dh pfs, uint16_t ke_group,
		       enum ike_dh *out)
{
	*out = DH_NONE;
	if (!with_dh)
		return true;
	if (pfs) {
		*out = pfs;
		return offers(p, TRANSFORM_DH, pfs, 0);
	}
	if (!count(p, TRANSFORM_DH))
		return true;
	if (!ke_group && offers(p, TRANSFORM_DH, DH_NONE, 0))
		return true;
	return choose_group(&ike_offer_all, p, ke_group, out);
}

/* One of AH that encrypts is malformed, and nothing that we could take. */
static bool algorithms_match(const struct proposal *p, const struct esp_suite *want)
{
	if (suite_is_ah(want))
		return !count(p, TRANSFORM_ENCR) && offers(p, TRANSFORM_INTEG, want->integ, 0);
	return offers(p, TRANSFORM_ENCR, want->encr, want->key_bits) &&
	       integ_fits(p, want->encr, want->integ);
}

static bool esp_matches(const struct proposal *p, const struct esp_suite *want, bool with_dh,
			enum ike_dh pfs, uint16_t ke_group, struct esp_choice *out)
{
	if (p->protocol != suite_protocol(want) || !p->spi || !algorithms_match(p, want))
		return false;
	out->suite = *want;
	if (!choose_esn(p, want, &out->suite.esn) ||
	    !choose_pfs(p, with_dh, pfs, ke_group, &out->dh))
		return false;
	out->num = p->num;
	out->spi = p->spi;
	return true;
}

int esp_choose(const struct proposals *p, const struct esp_suite *suites, unsigned n, bool with_dh,
	       enum ike_dh pfs, uint16_t ke_group, struct esp_choice *out)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < p->n; j++)
			if (esp_matches(&p->list[j], &suites[i], with_dh, pfs, ke_group, out))
				return 0;
	return -ENOENT;
}

int esp_accept(const struct proposals *p, const struct esp_suite *suites, unsigned n,
	       enum ike_dh dh, struct esp_choice *out)
{
	const struct proposal *it = &p->list[0];

	if (p->n != 1 || count(it, TRANSFORM_ENCR) != (it->protocol == PROTO_ID_ESP) ||
	    count(it, TRANSFORM_INTEG) > 1 || count(it, TRANSFORM_ESN) > 1 || it->num < 1 || it->num > n ||
	    count(it, TRANSFORM_DH) > 1)
		return -EINVAL;
	if (!esp_matches(it, &suites[it->num - 1], dh != DH_NONE, dh, dh, out) || out->spi < 256)
		return -EINVAL;
	return 0;
}
