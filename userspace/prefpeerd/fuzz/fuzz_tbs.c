// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: what a CA may have signed without reading it. The CA's key is
 * known here, so that inputs get behind the signature. First byte, modulo 5:
 *   0  a certificate as it came
 *   1  a TBSCertificate (RFC 5280 §4.1.1.1), which the CA signs
 *   2  one that a CA below it signs; that one is sent along
 *   3  one of a CA, which gets a key of ours and signs a good certificate
 *   4  content of AUTH (RFC 7427 §3), against a certificate of each kind of key
 * The CA may name only what CONSTRAINTS says. No name beyond it is ever believed,
 * no CA that is none, and no signature at all.
 *
 * reaches: pki_cert_has_id pki_peer_check pki_peer_check_raw_ecdsa on_verify
 */
#include <stdlib.h>
#include <string.h>

#include "lib/wtr.h"
#include "prefpeerd/pki/impl.h"
#include "prefpeerd/test/pki_make.h"

#define CONSTRAINTS \
	"critical,permitted;DNS:.example,permitted;email:example,permitted;IP:10.0.0.0/255.0.0.0"
#define NOW 1796000000	/* the seeds are valid then; the inputs' verdicts stay what they are */
#define LONG_DAYS 7300	/* and so are the CAs */
#define HEADERS_MAX 160 /* bytes around a TBSCertificate */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct {
	struct made root, mid, leaf;
	struct pki_trust *trust;
	struct pki_peer *peers[3]; /* RSA, ECDSA, EdDSA */
} known;

/* ---- what is known ---- */

static struct made ca(const char *subject, const struct made *issuer, const char *constraints)
{
	return pki_make(&(struct make){ .subject = subject,
					.issuer = issuer,
					.ca = true,
					.constraints = constraints,
					.from_day = -LONG_DAYS,
					.to_day = LONG_DAYS });
}

static struct pki_peer *peer_of(const char *key)
{
	struct made m = pki_make(&(struct make){ .subject = "CN=hub",
						 .san = "DNS:hub.example",
						 .issuer = &known.root,
						 .key = key,
						 .from_day = -LONG_DAYS,
						 .to_day = LONG_DAYS });
	struct chunk der = pki_made_der(&m);
	char why[PKI_WHY_MAX];
	struct pki_peer *peer;

	if (pki_verify(&known.trust, 1, &der, 1, NOW, &peer, why, sizeof(why)))
		abort();
	pki_made_free(&m);
	return peer;
}

/* Before the first input: what keys take to make is not that input's time. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const keys[] = { "RSA:2048", "P-256", "ED25519" };
	const struct made *root = &known.root;
	char why[PKI_WHY_MAX];

	known.root = ca("CN=Root", NULL, CONSTRAINTS);
	known.mid = ca("CN=Issuing", &known.root, NULL);
	known.leaf = pki_make(&(struct make){ .subject = "CN=hub",
					      .san = "DNS:hub.example",
					      .from_day = -LONG_DAYS,
					      .to_day = LONG_DAYS });
	if (pki_trust_load(pki_write_certs("ca.pem", &root, 1), NULL, &known.trust, why,
			   sizeof(why)))
		abort();
	for (unsigned i = 0; i < 3; i++)
		known.peers[i] = peer_of(keys[i]);
	return 0;
}

/* ---- a TBSCertificate, signed: its bytes stay as they are ---- */

static void put_header(struct wtr *w, uint8_t tag, size_t len)
{
	wtr_u8(w, tag);
	if (len > 0xff)
		wtr_u8(w, 0x82);
	else if (len > 0x7f)
		wtr_u8(w, 0x81);
	if (len > 0xff)
		wtr_u8(w, (uint8_t)(len >> 8));
	wtr_u8(w, (uint8_t)len);
}

static size_t sign_by(const struct made *issuer, const uint8_t *tbs, size_t len, uint8_t sig[128])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = 128;

	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, issuer->key) != 1 ||
	    EVP_DigestSign(ctx, sig, &n, tbs, len) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	return n;
}

/* To @out, which has HEADERS_MAX bytes more than @tbs. */
static size_t wrap(const struct made *issuer, const uint8_t *tbs, size_t len, uint8_t *out)
{
	static const uint8_t ecdsa_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
						0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	uint8_t sig[128];
	size_t n = sign_by(issuer, tbs, len, sig);
	struct wtr w;

	wtr_init(&w, out, len + HEADERS_MAX);
	put_header(&w, 0x30, len + sizeof(ecdsa_sha256) + 3 + n);
	wtr_bytes(&w, tbs, len);
	wtr_bytes(&w, ecdsa_sha256, sizeof(ecdsa_sha256));
	put_header(&w, 0x03, n + 1);
	wtr_u8(&w, 0);
	wtr_bytes(&w, sig, n);
	if (!wtr_ok(&w))
		abort();
	return w.len;
}

/* ---- what must never be ---- */

static void never_of(const struct pki_peer *peer, enum ike_id_type type, const void *bytes, size_t len)
{
	struct ike_id id = { .type = type, .len = (uint16_t)len };

	memcpy(id.data, bytes, len);
	if (pki_peer_has_id(peer, &id))
		abort();
}

static void never_beyond(const struct pki_peer *peer)
{
	static const uint8_t addr[] = { 192, 0, 2, 1 };

	never_of(peer, IKE_ID_FQDN, "hub.forbidden.net", 17);
	never_of(peer, IKE_ID_RFC822_ADDR, "ops@forbidden.net", 17);
	never_of(peer, IKE_ID_IPV4_ADDR, addr, sizeof(addr));
}

static bool accepted(const struct chunk *ders, unsigned n)
{
	char why[PKI_WHY_MAX], names[200];
	struct pki_peer *peer;

	if (pki_verify(&known.trust, 1, ders, n, NOW, &peer, why, sizeof(why)))
		return false;
	pki_peer_names(peer, names, sizeof(names));
	never_beyond(peer);
	pki_peer_free(peer);
	return true;
}

/* ---- inputs ---- */

static void as_it_came(const uint8_t *data, size_t size)
{
	const struct chunk ders[] = { { data, size }, pki_made_der(&known.mid) };

	if (accepted(ders, 2))
		abort();
}

static void signed_leaf(const struct made *issuer, const uint8_t *data, size_t size)
{
	uint8_t *der = malloc(size + HEADERS_MAX);
	const struct chunk ders[] = { { der, wrap(issuer, data, size, der) },
				      pki_made_der(&known.mid) };

	accepted(ders, 2);
	free(der);
}

/* The certificate that is good but for who issued it. */
static size_t leaf_below(X509 *issuer, uint8_t **der)
{
	X509 *leaf = X509_dup(known.leaf.cert);
	int len;

	*der = NULL;
	X509_set_issuer_name(leaf, X509_get_subject_name(issuer));
	if (X509_sign(leaf, known.leaf.key, EVP_sha256()) <= 0)
		abort();
	len = i2d_X509(leaf, der);
	X509_free(leaf);
	return len > 0 ? (size_t)len : 0;
}

static bool is_ca(X509 *cert)
{
	return X509_get_extension_flags(cert) & EXFLAG_CA &&
	       X509_get_key_usage(cert) & KU_KEY_CERT_SIGN;
}

static void signed_ca(const uint8_t *data, size_t size)
{
	uint8_t *der = malloc(size + HEADERS_MAX), *leaf = NULL, *again = NULL;
	X509 *cert = pki_cert_parse((struct chunk){ der, wrap(&known.root, data, size, der) });
	struct chunk ders[2];
	int len;

	if (cert && X509_set_pubkey(cert, known.leaf.key) == 1 &&
	    X509_sign(cert, known.root.key, EVP_sha256()) > 0) {
		size_t leaf_len = leaf_below(cert, &leaf);

		len = i2d_X509(cert, &again);
		ders[0] = (struct chunk){ leaf, leaf_len };
		ders[1] = (struct chunk){ again, len > 0 ? (size_t)len : 0 };
		if (accepted(ders, 2) && !is_ca(cert))
			abort();
	}
	OPENSSL_free(leaf);
	OPENSSL_free(again);
	X509_free(cert);
	free(der);
}

static void signature(const uint8_t *data, size_t size)
{
	static const struct chunk octets = { "what was signed", 15 };
	size_t len = size && data[0] < size ? data[0] : 0;
	char why[PKI_WHY_MAX];
	enum pki_scheme scheme;
	struct chunk sig;

	if (!len)
		return;
	scheme = pki_scheme_from_der((struct chunk){ data + 1, len }, why, sizeof(why));
	sig = (struct chunk){ data + 1 + len, size - 1 - len };
	for (unsigned i = 0; i < 3; i++)
		if (!pki_peer_check(known.peers[i], scheme, &octets, 1, sig) ||
		    !pki_peer_check_raw_ecdsa(known.peers[i], PKI_ECDSA_SHA256, &octets, 1, sig) ||
		    pki_peer_signed_sha1(known.peers[i], &octets, 1, sig))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size > PKI_CERT_MAX)
		return 0;
	switch (data[0] % 5) {
	case 0:
		as_it_came(data + 1, size - 1);
		break;
	case 1:
		signed_leaf(&known.root, data + 1, size - 1);
		break;
	case 2:
		signed_leaf(&known.mid, data + 1, size - 1);
		break;
	case 3:
		signed_ca(data + 1, size - 1);
		break;
	default:
		signature(data + 1, size - 1);
	}
	return 0;
}
