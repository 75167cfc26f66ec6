// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Authentication by certificate: CERT and CERTREQ (RFC 7296 §3.6, §3.7; RFC 4945
 * §4), digital signatures with their hash algorithms (RFC 7427, RFC 8420), and
 * the older methods 1 and 9 to 11 (RFC 7296 §2.15, RFC 4754): taken from anybody,
 * but never with SHA-1; used towards a peer that has no RFC 7427. The private
 * key is elsewhere: a signature is asked for at the signing port, and comes later.
 */
#include "prefpeerd/engine_ike/ike.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "prefpeerd/engine_ike/auth.h"

#define CERT_CHAIN_BYTES (4 * PKI_CERT_MAX) /* of all certificates of one peer */

static const uint16_t our_hashes[] = { PKI_HASH_SHA2_256, PKI_HASH_SHA2_384, PKI_HASH_SHA2_512,
				       PKI_HASH_IDENTITY };

/* ---- IKE_SA_INIT ---- */

/* RFC 7427 §4. SHA-1 is not among them. */
void put_hash_algorithms(struct msg_out *m)
{
	uint8_t data[sizeof(our_hashes)];
	struct wtr w;

	wtr_init(&w, data, sizeof(data));
	for (size_t i = 0; i < sizeof(our_hashes) / sizeof(*our_hashes); i++)
		wtr_u16(&w, our_hashes[i]);
	put_notify(m, N_SIGNATURE_HASH_ALGORITHMS, data, w.len);
}

void auth_take_hash_algorithms(struct setup *su, const struct payloads *p)
{
	struct pld_notify n;
	struct rdr r;

	su->peer_hashes = 0;
	if (!payloads_notify(p, N_SIGNATURE_HASH_ALGORITHMS, &n))
		return;
	rdr_init(&r, n.data.p, n.data.len);
	while (rdr_left(&r) >= 2) {
		uint16_t hash = rdr_u16(&r);

		if (hash >= PKI_HASH_SHA1 && hash <= PKI_HASH_IDENTITY)
			su->peer_hashes |= 1u << hash;
	}
}

void auth_take_certreq(struct setup *su, const struct payloads *p)
{
	struct pld_cert c;

	for (unsigned i = 0; i < p->n; i++)
		if (p->list[i].type == PLD_CERTREQ && !cert_parse(&p->list[i], &c) &&
		    c.encoding == CERT_X509_SIGNATURE)
			su->cert_wanted = true;
}

static bool wants_signature(const struct remote *r)
{
	return r->r.remote_auth & ~(unsigned)ENGINE_AUTH_PSK && r->r.n_trust;
}

static size_t hashes_of(const struct remote *r, uint8_t *out, size_t size)
{
	size_t at = 0;

	for (unsigned i = 0; i < r->r.n_trust; i++)
		at += pki_trust_hashes(r->r.trust[i], out + at, size - at);
	return at;
}

static void put_certreq_hashes(struct msg_out *m, const uint8_t *hashes, size_t len)
{
	msg_payload_begin(m, PLD_CERTREQ);
	wtr_u8(&m->w, CERT_X509_SIGNATURE);
	wtr_bytes(&m->w, hashes, len);
	msg_payload_end(m);
}

void put_certreq(struct msg_out *m, const struct ike *e, const struct remote *r)
{
	uint8_t hashes[PKI_TRUST_MAX * PKI_ANCHORS_MAX * PKI_CA_HASH_LEN];

	if (wants_signature(r) && !e->env.no_certreq)
		put_certreq_hashes(m, hashes, hashes_of(r, hashes, sizeof(hashes)));
}

/*
 * Who it is will be known with its IDi. Those configured for that address first;
 * more than fit are left out, and an empty list means any (RFC 4945 §3.2.7.2).
 */
void put_certreq_for(struct msg_out *m, const struct ike *e, const struct addr *peer, size_t room)
{
	uint8_t hashes[PKI_ANCHORS_MAX * PKI_CA_HASH_LEN];
	const struct remote *r, *tmp, *any = NULL, *here = NULL;
	size_t head = IKE_PAYLOAD_HEADER_LEN + 1, len;

	HASH_ITER(hh, e->remotes, r, tmp) {
		if (!wants_signature(r))
			continue;
		any = any ? any : r;
		if (addr_equal(&r->r.peer, peer))
			here = here ? here : r;
	}
	if (!any || room < head || e->env.no_certreq)
		return;
	len = here ? hashes_of(here, hashes, sizeof(hashes)) : 0;
	put_certreq_hashes(m, hashes, len <= room - head ? len : 0);
}

/* ---- our side of IKE_AUTH ---- */

static unsigned legacy_method(enum pki_scheme scheme)
{
	switch (scheme) {
	case PKI_RSA_PKCS1_SHA256:
		return AUTH_RSA;
	case PKI_ECDSA_SHA256:
		return AUTH_ECDSA_256;
	case PKI_ECDSA_SHA384:
		return AUTH_ECDSA_384;
	case PKI_ECDSA_SHA512:
		return AUTH_ECDSA_521;
	default:
		return 0;
	}
}

static enum pki_scheme own_scheme(const struct setup *su, const struct remote *r, char *why,
				  size_t size)
{
	const unsigned sha2 = 1u << PKI_HASH_SHA2_256 | 1u << PKI_HASH_SHA2_384 |
			      1u << PKI_HASH_SHA2_512;
	const struct pki_key *key = pki_own_key(r->r.own);
	enum pki_scheme s;

	if (su->peer_hashes) {
		s = pki_scheme_for(key, su->peer_hashes, r->r.pkcs1);
		if (!s)
			snprintf(why, size,
				 "our key is %s, and the peer takes no hash that goes with it (SIGNATURE_HASH_ALGORITHMS)",
				 pki_kind_name(key->kind));
		return s;
	}
	/* The curve gives the hash in the older methods: the first that fits is it. */
	s = pki_scheme_for(key, sha2, true);
	if (!s || !legacy_method(s)) {
		snprintf(why, size, "our key is %s%s, which the peer cannot verify: it has no RFC 7427",
			 pki_kind_name(key->kind), key->pss_only ? "-PSS" : "");
		return PKI_SCHEME_NONE;
	}
	return s;
}

int auth_sign(struct session *s, const struct remote *r, const struct auth_in *in, char *why,
	      size_t size)
{
	struct ike *e = s->e;
	struct setup *su = s->setup;
	uint8_t maced_id[CRYPTO_PRF_MAX];
	struct chunk parts[3];
	struct msg_out octets;
	int err;

	su->scheme = own_scheme(su, r, why, size);
	if (!su->scheme)
		return -EPROTONOSUPPORT;
	snprintf(why, size, "the signature cannot be made");
	if (!e->signer.sign || auth_octets(in, maced_id, parts))
		return -EIO;
	wtr_init(&octets.w, octets.buf, sizeof(octets.buf));
	for (unsigned i = 0; i < 3; i++)
		wtr_bytes(&octets.w, parts[i].p, parts[i].len);
	crypto_wipe(maced_id, sizeof(maced_id));
	if (!wtr_ok(&octets.w))
		return -EMSGSIZE;
	su->own = pki_own_get(r->r.own);
	/* CERTREQ is a hint (RFC 7296 §3.7): a peer may need what it does not ask for. */
	su->cert_wanted |= !r->r.cert_if_asked;
	lifetime_certs(s, pki_own_end(su->own));
	su->job = ++e->last_job ? e->last_job : ++e->last_job;
	err = e->signer.sign(e->signer.ctx, su->job, pki_own_key(su->own)->id, su->scheme,
			     octets.buf, octets.w.len);
	crypto_wipe(octets.buf, octets.w.len);
	if (err) {
		su->job = 0;
		snprintf(why, size, "the process that holds the private keys does not sign: %s",
			 strerror(-err));
	}
	return err;
}

static struct session *session_of_job(struct ike *e, uint32_t job)
{
	struct session *s;

	DL_FOREACH(e->sessions, s)
		if (s->setup && s->setup->job == job)
			return s;
	return NULL;
}

void engine_ike_signed(struct engine *engine, uint32_t job, int err, const uint8_t *sig, size_t len)
{
	struct session *s = job ? session_of_job(engine->impl, job) : NULL;
	struct setup *su = s ? s->setup : NULL;

	if (!s)
		return;
	su->job = 0;
	if (!err) {
		su->sig = bytes_dup(sig, len);
		su->sig_len = len;
		err = su->sig ? 0 : -ENOMEM;
	}
	if (!err && !su->peer_hashes && pki_own_key(su->own)->kind == PKI_ECDSA)
		err = pki_ecdsa_to_raw(pki_own_key(su->own)->bits, su->sig, &su->sig_len);
	auth_signed(s, err);
}

void engine_ike_set_signer(struct engine *engine, const struct ike_signer *signer)
{
	((struct ike *)engine->impl)->signer = *signer;
}

void put_own_certs(struct msg_out *m, const struct setup *su)
{
	for (unsigned i = 0; su->own && su->cert_wanted && i < pki_own_count(su->own); i++) {
		struct chunk der = pki_own_der(su->own, i);

		msg_payload_begin(m, PLD_CERT);
		wtr_u8(&m->w, CERT_X509_SIGNATURE);
		wtr_bytes(&m->w, der.p, der.len);
		msg_payload_end(m);
	}
}

int put_signature(struct msg_out *m, const struct setup *su)
{
	struct chunk alg = pki_scheme_der(su->scheme);
	uint8_t data[1 + 128 + PKI_SIG_MAX + 64];
	struct wtr w;

	if (!su->sig)
		return -EAGAIN;
	if (!su->peer_hashes) {
		put_auth(m, (uint8_t)legacy_method(su->scheme), su->sig, su->sig_len);
		return 0;
	}
	wtr_init(&w, data, sizeof(data));
	wtr_u8(&w, (uint8_t)alg.len);
	wtr_bytes(&w, alg.p, alg.len);
	wtr_bytes(&w, su->sig, su->sig_len);
	if (!wtr_ok(&w))
		return -EMSGSIZE;
	put_auth(m, AUTH_DIGITAL_SIGNATURE, data, w.len);
	return 0;
}

void auth_forget(struct setup *su)
{
	free(su->sig);
	pki_own_put(su->own);
	su->sig = NULL;
	su->own = NULL;
	su->job = 0;
}

/* ---- the peer's side ---- */

/* Counted and measured before any of them is looked into. 0: @why. */
static unsigned collect_certs(const struct payloads *p, struct chunk ders[PKI_CHAIN_MAX], char *why,
			      size_t size)
{
	unsigned n = 0, other = 0;
	size_t total = 0;
	struct pld_cert c;

	for (unsigned i = 0; i < p->n; i++) {
		if (p->list[i].type != PLD_CERT)
			continue;
		if (cert_parse(&p->list[i], &c) || c.encoding != CERT_X509_SIGNATURE) {
			other++; /* a URL among them: nothing is fetched */
			continue;
		}
		total += c.data.len;
		if (n == PKI_CHAIN_MAX || c.data.len > PKI_CERT_MAX || total > CERT_CHAIN_BYTES) {
			snprintf(why, size,
				 "the peer sent more than %u certificates, or one of more than %u bytes, or more than %u bytes of them",
				 PKI_CHAIN_MAX, PKI_CERT_MAX, CERT_CHAIN_BYTES);
			return 0;
		}
		ders[n++] = c.data;
	}
	if (!n)
		snprintf(why, size, "the peer sent no certificate%s",
			 other ? " of the kind \"X.509 Certificate - Signature\"" : "");
	return n;
}

static bool bad_signature(char *why, size_t size)
{
	snprintf(why, size, "the peer's signature is not made with the key of its certificate");
	return false;
}

/* RFC 7427 §3: length of the AlgorithmIdentifier, that, the signature. */
static bool check_digital(const struct pki_peer *peer, struct chunk auth, const struct chunk *octets,
			  char *why, size_t size)
{
	enum pki_scheme scheme;
	struct chunk alg, sig;
	struct rdr r;
	uint8_t len;

	rdr_init(&r, auth.p, auth.len);
	len = rdr_u8(&r);
	alg = (struct chunk){ rdr_bytes(&r, len), len };
	sig.len = rdr_left(&r);
	sig.p = rdr_bytes(&r, sig.len);
	if (!rdr_ok(&r) || !alg.len || !sig.len) {
		snprintf(why, size, "the peer's AUTH is malformed");
		return false;
	}
	scheme = pki_scheme_from_der(alg, why, size);
	if (!scheme)
		return false;
	return !pki_peer_check(peer, scheme, octets, 3, sig) || bad_signature(why, size);
}

/* The hash is in the signature (RFC 7296 §3.8): tried one by one. */
static bool check_rsa(const struct pki_peer *peer, struct chunk sig, const struct chunk *octets,
		      char *why, size_t size)
{
	for (enum pki_scheme s = PKI_RSA_PKCS1_SHA256; s <= PKI_RSA_PKCS1_SHA512; s++)
		if (!pki_peer_check(peer, s, octets, 3, sig))
			return true;
	if (!pki_peer_signed_sha1(peer, octets, 3, sig))
		return bad_signature(why, size);
	snprintf(why, size,
		 "the peer signs with SHA-1, which is not accepted; RFC 7427 with SHA2-256 would be");
	return false;
}

static bool check_ecdsa(const struct pki_peer *peer, unsigned method, struct chunk sig,
			const struct chunk *octets, char *why, size_t size)
{
	static const struct {
		unsigned bits;
		enum pki_scheme scheme;
	} by_method[] = { { 256, PKI_ECDSA_SHA256 },
			  { 384, PKI_ECDSA_SHA384 },
			  { 521, PKI_ECDSA_SHA512 } };
	unsigned i = method - AUTH_ECDSA_256;

	if (pki_peer_key(peer)->bits != by_method[i].bits)
		return bad_signature(why, size);
	return !pki_peer_check_raw_ecdsa(peer, by_method[i].scheme, octets, 3, sig) ||
	       bad_signature(why, size);
}

static bool check_auth(const struct pki_peer *peer, const struct pld_auth *auth,
		       const struct chunk *octets, char *why, size_t size)
{
	switch (auth->method) {
	case AUTH_DIGITAL_SIGNATURE:
		return check_digital(peer, auth->data, octets, why, size);
	case AUTH_RSA:
		return check_rsa(peer, auth->data, octets, why, size);
	case AUTH_ECDSA_256:
	case AUTH_ECDSA_384:
	case AUTH_ECDSA_521:
		return check_ecdsa(peer, auth->method, auth->data, octets, why, size);
	default:
		snprintf(why, size, "the peer's authentication method %u is not known here",
			 auth->method);
		return false;
	}
}

/* The kind of key is the configuration's to choose. */
static bool kind_allowed(const struct pki_peer *peer, const struct remote *r, char *why,
			 size_t size)
{
	enum pki_kind kind = pki_peer_key(peer)->kind;

	if (r->r.remote_auth & kind)
		return true;
	snprintf(why, size, "the peer's key is %s, which `authentication remote` does not name",
		 pki_kind_name(kind));
	return false;
}

static bool is_certified(const struct pki_peer *peer, const struct ike_id *id, char *why,
			 size_t size)
{
	char name[80], text[IKE_ID_STRLEN];

	if (pki_peer_has_id(peer, id))
		return true;
	snprintf(why, size, "the peer identifies itself as %.90s, and its certificate, of %s, does not name that",
		 ike_id_print(id, text, sizeof(text)), pki_peer_names(peer, name, sizeof(name)));
	return false;
}

static bool map_allows(const struct remote *r, struct chunk leaf, char *why, size_t size)
{
	if (!r->r.cert_map || pki_map_matches(r->r.cert_map, leaf))
		return true;
	snprintf(why, size, "the peer's certificate is none of certificate map %s", r->r.cert_map->name);
	return false;
}

bool auth_leaf_passes(const struct remote *r, const struct payloads *p)
{
	struct pld_cert c;

	for (unsigned i = 0; r->r.cert_map && i < p->n; i++)
		if (p->list[i].type == PLD_CERT && !cert_parse(&p->list[i], &c) &&
		    c.encoding == CERT_X509_SIGNATURE)
			return pki_map_matches(r->r.cert_map, c.data);
	return !r->r.cert_map;
}

int64_t ike_wall(const struct ike *e)
{
	return e->env.wall ? e->env.wall(e->env.now_ctx) : (int64_t)time(NULL);
}

bool auth_verify_signature(struct session *s, const struct remote *r, const struct payloads *p,
			   const struct pld_auth *auth, const struct auth_in *in,
			   const struct ike_id *id, char *why, size_t size)
{
	uint8_t maced_id[CRYPTO_PRF_MAX];
	struct chunk ders[PKI_CHAIN_MAX], octets[3];
	struct pki_peer *peer;
	unsigned n = collect_certs(p, ders, why, size);
	bool ok;

	if (!n || pki_verify(r->r.trust, r->r.n_trust, ders, n, ike_wall(s->e), &peer, why, size))
		return false;
	if (auth_octets(in, maced_id, octets)) {
		pki_peer_free(peer);
		return bad_signature(why, size);
	}
	ok = kind_allowed(peer, r, why, size) && check_auth(peer, auth, octets, why, size) &&
	     is_certified(peer, id, why, size) && map_allows(r, ders[0], why, size);
	if (ok)
		lifetime_certs(s, pki_peer_end(peer));
	crypto_wipe(maced_id, sizeof(maced_id));
	pki_peer_free(peer);
	return ok;
}
