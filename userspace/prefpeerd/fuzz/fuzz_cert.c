// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: what a peer that nobody knows yet sends as its chain, and as its
 * AUTH. Trusted is one CA whose key was made for this process alone and is gone, so
 * whatever verifies is wrong: but for the seed chain itself, which stands in for the
 * first certificates when bit 0 of the first byte is set. The input is a list: length
 * in two bytes, and so many bytes, up to PKI_CHAIN_MAX certificates; what is left over
 * is an AlgorithmIdentifier of RFC 7427 and a signature.
 *
 * reaches: pki_verify pki_cert_parse pki_key_describe pki_peer_names pki_peer_has_id
 * reaches: pki_peer_check pki_peer_check_raw_ecdsa pki_scheme_from_der
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/rdr.h"
#include "prefpeerd/pki/pki.h"
#include "prefpeerd/test/pki_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { KNOWN = 1, MANGLED = 2 };

static struct pki_trust *trust;
static struct made leaf, mid;
static int64_t now;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct made root = pki_make(&(struct make){ .subject = "CN=Root", .ca = true });
	const struct made *ca = &root;
	char why[PKI_WHY_MAX];

	mid = pki_make(&(struct make){ .subject = "CN=Issuing", .ca = true, .issuer = &root,
				       .constraints = "critical,permitted;DNS:.example" });
	leaf = pki_make(&(struct make){ .subject = "CN=hub1", .san = "DNS:hub1.example,IP:10.1.1.1", .issuer = &mid });
	if (pki_trust_load(pki_write_certs("ca.pem", &ca, 1), NULL, &trust, why, sizeof(why)))
		abort();
	now = (int64_t)time(NULL);
	pki_made_free(&root);
	pki_dir_remove();
	return 0;
}

/* Everything that is asked of a peer's certificate before it may be believed, and after. */
static void look_at(const struct pki_peer *peer, struct chunk rest)
{
	struct ike_id id = { .type = IKE_ID_FQDN, .len = 4, .data = "evil" };
	uint8_t alg_len = rest.len ? *(const uint8_t *)rest.p : 0;
	const struct chunk octets = { "signed", 6 };
	enum pki_scheme scheme;
	struct chunk alg, sig;
	char text[PKI_WHY_MAX];

	pki_peer_names(peer, text, sizeof(text));
	if (pki_peer_has_id(peer, &id))
		abort();
	if (rest.len < 1u + alg_len)
		return;
	alg = (struct chunk){ (const uint8_t *)rest.p + 1, alg_len };
	sig = (struct chunk){ (const uint8_t *)alg.p + alg_len, rest.len - 1 - alg_len };
	scheme = pki_scheme_from_der(alg, text, sizeof(text));
	/* Nobody here has its key. */
	if (scheme && !pki_peer_check(peer, scheme, &octets, 1, sig))
		abort();
	for (scheme = PKI_RSA_PKCS1_SHA256; scheme < PKI_SCHEMES; scheme++)
		if (!pki_peer_check(peer, scheme, &octets, 1, sig) ||
		    !pki_peer_check_raw_ecdsa(peer, scheme, &octets, 1, sig))
			abort();
}

/* The known leaf with some of its bytes as the input has them: it is not the CA's any more. */
static void mangle(struct rdr *r, uint8_t *copy, size_t len)
{
	for (uint8_t n = rdr_u8(r); n && rdr_ok(r); n--) {
		uint16_t at = rdr_u16(r);

		copy[at % len] = rdr_u8(r);
	}
}

static unsigned take_known(uint8_t how, struct rdr *r, uint8_t *copy, struct chunk *ders)
{
	if (!(how & KNOWN))
		return 0;
	memcpy(copy, leaf.der, leaf.len);
	if (how & MANGLED)
		mangle(r, copy, leaf.len);
	ders[0] = (struct chunk){ copy, leaf.len };
	ders[1] = pki_made_der(&mid);
	return 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chunk ders[PKI_CHAIN_MAX], rest;
	uint8_t *copy = malloc(leaf.len);
	struct pki_peer *peer = NULL;
	char why[PKI_WHY_MAX];
	struct rdr r;
	uint8_t how;
	unsigned n;

	rdr_init(&r, data, size);
	how = rdr_u8(&r);
	n = take_known(how, &r, copy, ders);
	while (n < PKI_CHAIN_MAX && rdr_left(&r) > 2) {
		uint16_t len = rdr_u16(&r);

		if (len > rdr_left(&r))
			break;
		ders[n].len = len;
		ders[n++].p = rdr_bytes(&r, len);
	}
	rest = (struct chunk){ NULL, rdr_ok(&r) ? rdr_left(&r) : 0 };
	rest.p = rdr_bytes(&r, rest.len);
	if (n && !pki_verify(&trust, 1, ders, n, now, &peer, why, sizeof(why))) {
		/* Nobody but the CA makes one that passes. */
		if (!(how & KNOWN) || memcmp(copy, leaf.der, leaf.len))
			abort();
		look_at(peer, rest);
	}
	pki_peer_free(peer);
	free(copy);
	return 0;
}
