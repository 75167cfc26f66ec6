// SPDX-License-Identifier: GPL-2.0-or-later
/* IKE_AUTH by certificate between two engines: every kind of key, and every way to be refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "prefpeerd/engine_ike/auth.h"
#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_certs.h"

static struct made root, other_root, mid;
static struct made branch, hub1, hub2; /* of one CA, by way of mid */

#define DAY_S INT64_C(86400)

static const char branch_san[] = "DNS:branch.example,IP:10.0.0.1";

static struct made host(const char *subject, const char *san, const char *key)
{
	return pki_make(&(struct make){ .subject = subject, .san = san, .key = key, .issuer = &mid });
}

static int setup(void **state)
{
	root = pki_make(&(struct make){ .subject = "CN=Root", .ca = true });
	other_root = pki_make(&(struct make){ .subject = "CN=Other Root", .ca = true });
	mid = pki_make(&(struct make){ .subject = "CN=Issuing", .ca = true, .issuer = &root });
	branch = host("O=Example, CN=branch", branch_san, NULL);
	hub1 = host("O=Example, CN=hub1", "DNS:hub1.example,IP:10.0.0.2", NULL);
	hub2 = host("O=Example, CN=hub2", "DNS:hub2.example,IP:10.0.0.3", NULL);
	return 0;
}

static int teardown(void **state)
{
	struct made *all[] = { &root, &other_root, &mid, &branch, &hub1, &hub2 };

	for (unsigned i = 0; i < 6; i++)
		pki_made_free(all[i]);
	return 0;
}

/* ---- two sides with certificates ---- */

struct world {
	struct fixture *f;
	struct credentials left, right;
	struct ike_id_rule rule;
};

static struct ike_id fqdn(const char *name)
{
	struct ike_id id;

	ike_id_from_text(IKE_ID_FQDN, name, &id);
	return id;
}

static void by_certificate(struct engine_remote *r, struct credentials *c, const char *local,
			   const char *remote)
{
	r->psk = NULL;
	r->psk_len = 0;
	r->own = c->own;
	r->trust[0] = c->trust;
	r->n_trust = 1;
	r->remote_auth = ENGINE_AUTH_RSA | ENGINE_AUTH_ECDSA | ENGINE_AUTH_EDDSA;
	r->local_id = fqdn(local);
	r->remote_id = fqdn(remote);
}

static void put_remotes(struct world *w)
{
	w->f->left.engine->ops->remote_set(w->f->left.engine->impl, &w->f->to_right);
	w->f->right.engine->ops->remote_set(w->f->right.engine->impl, &w->f->to_left);
}

/* left is the branch, right a hub with @hub. */
static struct world *world_with(const struct made *left, const struct made *hub, const struct made *hub_ca,
				const char *crl)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct made *l[] = { left, &mid }, *r[] = { hub, &mid };

	w->f = fixture_new(AF_INET);
	credentials_open(&w->left, &w->f->left, l, 2, &root, crl);
	credentials_open(&w->right, &w->f->right, r, 2, hub_ca, NULL);
	by_certificate(&w->f->to_right, &w->left, "branch.example", "hub1.example");
	by_certificate(&w->f->to_left, &w->right, "hub1.example", "branch.example");
	put_remotes(w);
	return w;
}

static struct world *world_new(void)
{
	return world_with(&branch, &hub1, &root, NULL);
}

static void world_free(struct world *w)
{
	credentials_close(&w->left);
	credentials_close(&w->right);
	fixture_free(w->f);
	free(w);
}

static void open_left(struct world *w)
{
	struct engine_child c = fixture_child(1, 1);
	struct engine_budget b = { 12000, 12000 };

	assert_int_equal(w->f->left.engine->ops->open(w->f->left.engine->impl, 1, 1,
						      &w->f->left.addr, &c, &b), 0);
}

/* left gives up at once, and says so. */
static void refused_by_left(struct world *w, const char *text)
{
	const struct recorded *down;

	open_left(w);
	fixture_run_ms(w->f, 1000);
	down = side_last(&w->f->left, ENG_DOWN);
	assert_non_null(down);
	if (down->ev.why != WHY_AUTH || !strstr(down->text, text))
		fail_msg("why %s: \"%s\", not \"%s\"", engine_why_name(down->ev.why), down->text, text);
	assert_null(side_last(&w->f->left, ENG_UP));
	assert_int_equal(w->f->left.kernel.n_sas, 0);
	/* The hub believed it up, and was told. */
	fixture_run_ms(w->f, 20000);
	assert_int_equal(w->f->right.kernel.n_sas, 0);
	world_free(w);
}

static void refused_by_right(struct world *w)
{
	const struct recorded *down;

	open_left(w);
	fixture_run_ms(w->f, 1000);
	down = side_last(&w->f->left, ENG_DOWN);
	assert_non_null(down);
	assert_int_equal(down->ev.why, WHY_AUTH);
	assert_string_equal(down->text, "IKE_AUTH answered with AUTHENTICATION_FAILED");
	assert_null(side_last(&w->f->right, ENG_INBOUND));
	assert_null(side_last(&w->f->right, ENG_UP));
	assert_int_equal(w->f->right.kernel.n_sas, 0);
	world_free(w);
}

/* ---- what works ---- */

static void every_key(void **state)
{
	static const struct {
		const char *key;
		bool pkcs1, old;
		enum pki_scheme want;
	} rows[] = {
		{ "RSA:2048", false, false, PKI_RSA_PSS_SHA256 },
		{ "RSA:2048", true, false, PKI_RSA_PKCS1_SHA256 },
		{ "RSA-PSS:2048", true, false, PKI_RSA_PSS_SHA256 },
		{ "P-256", false, false, PKI_ECDSA_SHA256 },
		{ "P-384", false, false, PKI_ECDSA_SHA384 },
		{ "P-521", false, false, PKI_ECDSA_SHA512 },
		{ "ED25519", false, false, PKI_ED25519 },
		/* A peer without RFC 7427: methods 1, 9, 10, 11. */
		{ "RSA:2048", false, true, PKI_RSA_PKCS1_SHA256 },
		{ "P-256", false, true, PKI_ECDSA_SHA256 },
		{ "P-384", false, true, PKI_ECDSA_SHA384 },
		{ "P-521", false, true, PKI_ECDSA_SHA512 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct made b = host("CN=branch", branch_san, rows[i].key);
		struct made h = host("CN=hub1", "DNS:hub1.example", rows[i].key);
		struct world *w = world_with(&b, &h, &root, NULL);

		w->f->to_right.pkcs1 = w->f->to_left.pkcs1 = rows[i].pkcs1;
		put_remotes(w);
		((struct ike *)w->f->left.engine->impl)->env.old_signatures = rows[i].old;
		if (!fixture_up(w->f))
			fail_msg("row %zu: %s", i, side_last(&w->f->left, ENG_DOWN) ?
					 side_last(&w->f->left, ENG_DOWN)->text : "not up");
		assert_int_equal(w->left.signer.n_jobs, 1);
		assert_int_equal(w->right.signer.n_jobs, 1);
		assert_int_equal(w->left.signer.jobs[0].scheme, rows[i].want);
		assert_int_equal(w->right.signer.jobs[0].scheme, rows[i].want);
		assert_memory_equal(w->left.signer.jobs[0].key, pki_own_key(w->left.own)->id, PKI_KEY_ID_LEN);
		world_free(w);
		pki_made_free(&b);
		pki_made_free(&h);
	}
}

/* Ed25519 came with RFC 7427: the sentence says so, and nothing is sent. */
static void ed25519_without_rfc7427(void **state)
{
	struct made b = host("CN=branch", branch_san, "ED25519");
	struct world *w = world_with(&b, &hub1, &root, NULL);

	((struct ike *)w->f->left.engine->impl)->env.old_signatures = true;
	open_left(w);
	fixture_run_ms(w->f, 1000);
	assert_string_equal(side_last(&w->f->left, ENG_DOWN)->text,
			    "our key is Ed25519, which the peer cannot verify: it has no RFC 7427");
	assert_int_equal(net_count(w->f, &w->f->left, XCHG_IKE_AUTH, false, 0), 0);
	world_free(w);
	pki_made_free(&b);
}

/* ---- certificate maps ---- */

static struct pki_map *map_of(const char *text)
{
	static const char *const fields[] = { "", "subject", "issuer", "alt", "name", "serial" };
	static const char *const ops[] = { "", "eq", "ne", "co", "nc" };
	struct pki_map *m = pki_map_new("M");
	struct pki_map_seq *s;
	char field[16], op[8];
	int n;

	m->seqs = calloc(1, sizeof(*m->seqs));
	m->n = 1;
	s = m->seqs;
	s->rules = calloc(4, sizeof(*s->rules));
	while (*text) {
		struct pki_rule *r = &s->rules[s->n++];
		const char *end = strchr(text, '|');

		sscanf(text, "%15s %7s %n", field, op, &n);
		for (unsigned i = 1; i < 6; i++)
			r->field = !strcmp(field, fields[i]) ? (enum pki_field)i : r->field;
		for (unsigned i = 1; i < 5; i++)
			r->op = !strcmp(op, ops[i]) ? (enum pki_op)i : r->op;
		text += n;
		r->text = end ? strndup(text, (size_t)(end - text)) : strdup(text);
		text = end ? end + 1 : text + strlen(text);
	}
	return m;
}

static void maps_match(void **state)
{
	static const struct {
		const char *rules;
		bool want;
	} rows[] = {
		{ "subject co cn=HUB1", true },	      { "subject co cn = hub2", false },
		{ "subject eq O=Example,CN=hub1", true }, { "subject eq CN=hub1, O=Example", true },
		{ "subject eq CN=hub1", false },      { "subject ne CN=hub1", true },
		{ "subject nc hub2", true },	      { "subject nc hub1", false },
		{ "issuer eq CN=Issuing", true },     { "issuer co root", false },
		{ "alt eq hub1.example", true },      { "alt co .example", true },
		{ "alt eq 10.0.0.2", true },	      { "alt eq 10.0.0.20", false },
		{ "alt nc .example", false },	      { "alt ne hub2.example", true },
		{ "name co hub1.example", true },     { "name co o=example", true },
		{ "name co nobody", false },	      { "serial ne 0", true },
		{ "subject co hub1|issuer co issuing", true },
		{ "subject co hub1|issuer co root", false },
		{ "", false },
	};
	struct chunk der;
	unsigned char *bytes = NULL;

	der.len = (size_t)i2d_X509(hub1.cert, &bytes);
	der.p = bytes;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pki_map *m = map_of(rows[i].rules);

		if (pki_map_matches(m, der) != rows[i].want)
			fail_msg("\"%s\"", rows[i].rules);
		pki_map_put(m);
	}
	OPENSSL_free(bytes);
}

/* Beside the identity; without one whatever the certificate proves; never by a key. */
static void certificate_by_map(void **state)
{
	static const uint8_t key[] = "a key of theirs";
	struct pki_map *good = map_of("subject co cn=hub1"), *other = map_of("subject co cn=hub2");
	struct world *w = world_new();

	w->f->to_right.cert_map = good;
	put_remotes(w);
	assert_true(fixture_up(w->f));
	world_free(w);
	w = world_new();
	w->f->to_right.cert_map = other;
	put_remotes(w);
	refused_by_left(w, "the peer's certificate is none of certificate map M");
	w = world_new();
	w->f->to_right.cert_map = good;
	w->f->to_right.remote_id = (struct ike_id){ 0 };
	put_remotes(w);
	assert_true(fixture_up(w->f));
	world_free(w);
	w = world_with(&branch, &hub2, &root, NULL);
	w->f->to_right.cert_map = good;
	w->f->to_right.remote_id = (struct ike_id){ 0 };
	w->f->to_left.local_id = fqdn("hub2.example");
	put_remotes(w);
	refused_by_left(w, "the peer's certificate is none of certificate map M");
	/* The hub chooses by it, and refuses. */
	w = world_new();
	w->f->to_left.cert_map = other;
	put_remotes(w);
	refused_by_right(w);
	w = world_new();
	w->f->to_right.cert_map = good;
	w->f->to_right.remote_auth |= ENGINE_AUTH_PSK;
	w->f->to_left.own = NULL;
	w->f->to_left.psk = w->f->to_right.psk = key;
	w->f->to_left.psk_len = w->f->to_right.psk_len = sizeof(key) - 1;
	put_remotes(w);
	refused_by_left(w, "the peer proves itself by a pre-shared key, and is to do so by a certificate");
	pki_map_put(good);
	pki_map_put(other);
}

/* CERTREQ is a hint (RFC 7296 §3.7): ours goes unasked, unless the profile says otherwise. */
static void certificate_unasked(void **state)
{
	struct world *w;

	for (int mute = 0; mute < 2; mute++) {
		w = world_new();
		/* By either: the hub's in its answer, the branch's in its request. */
		((struct ike *)(mute ? w->f->left : w->f->right).engine->impl)->env.no_certreq = true;
		assert_true(fixture_up(w->f));
		world_free(w);
	}
	w = world_new();
	((struct ike *)w->f->right.engine->impl)->env.no_certreq = true;
	w->f->to_right.cert_if_asked = true;
	put_remotes(w);
	refused_by_right(w);
	w = world_new();
	((struct ike *)w->f->left.engine->impl)->env.no_certreq = true;
	w->f->to_left.cert_if_asked = true;
	put_remotes(w);
	refused_by_left(w, "the peer sent no certificate");
	/* Asked, both do as ever. */
	w = world_new();
	w->f->to_left.cert_if_asked = w->f->to_right.cert_if_asked = true;
	put_remotes(w);
	assert_true(fixture_up(w->f));
	world_free(w);
}

/* Each side by its own means: the hub by certificate, the branch by the key. */
static void mixed(void **state)
{
	static const uint8_t key[] = "a key of theirs";
	struct world *w = world_new();

	w->f->to_right.own = NULL;
	w->f->to_right.psk = w->f->to_left.psk = key;
	w->f->to_right.psk_len = w->f->to_left.psk_len = sizeof(key) - 1;
	w->f->to_left.remote_auth = ENGINE_AUTH_PSK;
	put_remotes(w);
	assert_true(fixture_up(w->f));
	assert_int_equal(w->left.signer.n_jobs, 0);
	assert_int_equal(w->right.signer.n_jobs, 1);
	world_free(w);
}

static void each_identity(void **state)
{
	struct world *w;

	/* A DN, in either order. */
	w = world_new();
	assert_int_equal(ike_id_from_text(IKE_ID_DER_ASN1_DN, "CN=hub1, O=Example", &w->f->to_right.remote_id), 0);
	assert_int_equal(pki_own_subject(w->right.own, &w->f->to_left.local_id), 0);
	put_remotes(w);
	assert_true(fixture_up(w->f));
	world_free(w);
	/* The address that was dialled. */
	w = world_new();
	w->f->to_right.remote_id = w->f->to_left.local_id = (struct ike_id){ 0 };
	put_remotes(w);
	assert_true(fixture_up(w->f));
	world_free(w);
	/* Any of a domain, or of two. */
	w = world_new();
	w->rule = (struct ike_id_rule){ fqdn("example"), true };
	w->f->to_right.remote_id = (struct ike_id){ 0 };
	w->f->to_right.ids = &w->rule;
	w->f->to_right.n_ids = 1;
	put_remotes(w);
	assert_true(fixture_up(w->f));
	world_free(w);
}

/* ---- what the branch refuses ---- */

/* A hub of the same CA, with a certificate that is good for another name. */
static void other_hub(void **state)
{
	struct world *w = world_with(&branch, &hub2, &root, NULL);

	w->f->to_left.local_id = fqdn("hub2.example");
	put_remotes(w);
	refused_by_left(w, "the peer identifies itself as fqdn hub2.example, expected is fqdn hub1.example");
	/* It says that it is the one it is not. */
	w = world_with(&branch, &hub2, &root, NULL);
	refused_by_left(w, "the peer identifies itself as fqdn hub1.example, and its certificate, of O=Example, CN=hub2, does not name that");
	/* By its address: it answers at hub1's. */
	w = world_with(&branch, &hub2, &root, NULL);
	w->f->to_right.remote_id = w->f->to_left.local_id = (struct ike_id){ 0 };
	put_remotes(w);
	refused_by_left(w, "the peer identifies itself as 10.0.0.2, and its certificate");
}

static void outside_the_domain(void **state)
{
	struct world *w = world_new();

	w->rule = (struct ike_id_rule){ fqdn("other.example"), true };
	w->f->to_right.remote_id = (struct ike_id){ 0 };
	w->f->to_right.ids = &w->rule;
	w->f->to_right.n_ids = 1;
	put_remotes(w);
	refused_by_left(w, "the peer identifies itself as fqdn hub1.example, expected is fqdn of domain other.example");
}

static void of_another_ca(void **state)
{
	struct made evil_mid = pki_make(&(struct make){ .subject = "CN=Issuing", .ca = true, .issuer = &other_root });
	struct made evil = pki_make(&(struct make){ .subject = "CN=hub1", .san = "DNS:hub1.example", .issuer = &evil_mid });

	refused_by_left(world_with(&branch, &evil, &root, NULL), "the certificate of CN=hub1 is ");
	pki_made_free(&evil_mid);
	pki_made_free(&evil);
}

static void expired_or_revoked(void **state)
{
	struct made old = pki_make(&(struct make){ .subject = "CN=hub1", .san = "DNS:hub1.example", .issuer = &mid,
						   .from_day = -30, .to_day = -1 });
	const struct made *cas[] = { &mid, &root };

	refused_by_left(world_with(&branch, &old, &root, NULL), "the certificate of CN=hub1 expired on ");
	refused_by_left(world_with(&branch, &hub1, &root, pki_write_crls("r.crl", cas, 2, &hub1, 7)),
			"the certificate of O=Example, CN=hub1 is revoked");
	pki_made_free(&old);
}

/* A certificate is public: who has it has not the key. */
static void certificate_without_key(void **state)
{
	struct world *w = world_new();
	struct pki_private *own = w->right.signer.key;
	char why[PKI_WHY_MAX];

	assert_int_equal(pki_private_load(pki_write_key("thief.key", &hub2), &w->right.signer.key, why, sizeof(why)), 0);
	pki_private_free(own);
	refused_by_left(w, "the peer's signature is not made with the key of its certificate");
}

static void other_means(void **state)
{
	static const uint8_t key[] = "a key of theirs";
	struct world *w = world_new();

	/* The hub by pre-shared key, where a certificate is asked for; whatever the key. */
	w->f->to_left.own = NULL;
	w->f->to_left.psk = w->f->to_right.psk = key;
	w->f->to_left.psk_len = w->f->to_right.psk_len = sizeof(key) - 1;
	put_remotes(w);
	refused_by_left(w, "the peer proves itself by a pre-shared key, and is to do so by a certificate");
	w = world_new();
	w->f->to_right.remote_auth = ENGINE_AUTH_PSK;
	w->f->to_right.psk = key;
	w->f->to_right.psk_len = sizeof(key) - 1;
	put_remotes(w);
	refused_by_left(w, "the peer proves itself by a signature, and is to do so by our pre-shared key");
	w = world_new();
	w->f->to_right.remote_auth = ENGINE_AUTH_RSA;
	put_remotes(w);
	refused_by_left(w, "the peer's key is ECDSA, which `authentication remote` does not name");
}

/* ---- what the hub refuses ---- */

static void branches_refused(void **state)
{
	struct made evil = pki_make(&(struct make){ .subject = "CN=branch", .san = branch_san });
	struct world *w = world_with(&evil, &hub1, &root, NULL);

	refused_by_right(w);
	pki_made_free(&evil);
	/* Another branch of the same CA, in the place of ours. */
	w = world_with(&hub2, &hub1, &root, NULL);
	w->f->to_right.local_id = fqdn("hub2.example");
	put_remotes(w);
	refused_by_right(w);
	w = world_with(&hub2, &hub1, &root, NULL);
	refused_by_right(w);
}

/* ---- the signing port ---- */

static void signer_fails(void **state)
{
	struct world *w = world_new();

	w->left.signer.fails = true;
	open_left(w);
	fixture_run_ms(w->f, 1000);
	assert_string_equal(side_last(&w->f->left, ENG_DOWN)->text, "our key does not sign: Input/output error");
	assert_int_equal(side_last(&w->f->left, ENG_DOWN)->ev.why, WHY_LOCAL);
	assert_int_equal(net_count(w->f, &w->f->left, XCHG_IKE_AUTH, false, 0), 0);
	world_free(w);
	w = world_new();
	w->left.signer.refuses = true;
	open_left(w);
	fixture_run_ms(w->f, 1000);
	assert_string_equal(side_last(&w->f->left, ENG_DOWN)->text,
			    "the process that holds the private keys does not sign: Broken pipe");
	world_free(w);
	w = world_new();
	w->right.signer.fails = true;
	refused_by_right(w);
	w = world_new();
	w->right.signer.refuses = true;
	refused_by_right(w);
}

/* Nobody waits for it: a signature that comes late is nobody's. */
static void signer_is_late(void **state)
{
	struct world *w = world_new();
	struct test_signer *l = &w->left.signer, *r = &w->right.signer;

	l->mute = true;
	open_left(w);
	fixture_run_ms(w->f, 60000);
	assert_null(side_last(&w->f->left, ENG_UP));
	assert_non_null(side_last(&w->f->left, ENG_DOWN));
	l->mute = false;
	timer_set(&w->f->clock.timers, &l->timer, w->f->clock.now);
	fixture_run_ms(w->f, 1000);
	assert_null(side_last(&w->f->left, ENG_UP));
	world_free(w);
	/* As responder: repeats of the request are not answered meanwhile, and one request is one signature. */
	w = world_new();
	r = &w->right.signer;
	r->mute = true;
	open_left(w);
	fixture_run_ms(w->f, 6000);
	assert_true(net_count(w->f, &w->f->left, XCHG_IKE_AUTH, false, 0) > 1);
	assert_int_equal(net_count(w->f, &w->f->right, XCHG_IKE_AUTH, true, 0), 0);
	assert_int_equal(r->n_jobs, 1);
	assert_null(side_last(&w->f->right, ENG_INBOUND));
	r->mute = false;
	timer_set(&w->f->clock.timers, &r->timer, w->f->clock.now);
	fixture_run_ms(w->f, 6000);
	assert_non_null(side_last(&w->f->left, ENG_CHILD_UP));
	assert_non_null(side_last(&w->f->right, ENG_CHILD_UP));
	world_free(w);
}

static void gone_while_signing(void **state)
{
	struct world *w = world_new();

	w->left.signer.mute = true;
	open_left(w);
	fixture_run_ms(w->f, 100);
	assert_int_equal(w->left.signer.n_jobs, 1);
	w->f->left.engine->ops->close(w->f->left.engine->impl, 1, CLOSE_DELETE);
	w->left.signer.mute = false;
	timer_set(&w->f->clock.timers, &w->left.signer.timer, w->f->clock.now);
	fixture_run_ms(w->f, 30000);
	assert_null(side_last(&w->f->left, ENG_UP));
	world_free(w);
	/* The peer is taken out of the configuration meanwhile. */
	w = world_new();
	w->right.signer.mute = true;
	open_left(w);
	fixture_run_ms(w->f, 100);
	w->f->right.engine->ops->remote_del(w->f->right.engine->impl, 1);
	w->right.signer.mute = false;
	timer_set(&w->f->clock.timers, &w->right.signer.timer, w->f->clock.now);
	fixture_run_ms(w->f, 1000);
	assert_null(side_last(&w->f->right, ENG_UP));
	world_free(w);
}

/* A reload between signature and message: what is sent goes together. */
static void reload_while_signing(void **state)
{
	struct world *w = world_new();
	struct made anew = host("CN=branch", "DNS:new.example", NULL);
	const struct made *list[] = { &anew };
	struct pki_own *own;
	char why[PKI_WHY_MAX];

	w->left.signer.mute = true;
	open_left(w);
	fixture_run_ms(w->f, 100);
	assert_int_equal(pki_own_load(pki_write_certs("new.pem", list, 1), &own, why, sizeof(why)), 0);
	w->f->to_right.own = own;
	w->f->to_right.local_id = fqdn("new.example");
	put_remotes(w);
	pki_own_put(own);
	w->left.signer.mute = false;
	timer_set(&w->f->clock.timers, &w->left.signer.timer, w->f->clock.now);
	fixture_run_ms(w->f, 1000);
	assert_non_null(side_last(&w->f->left, ENG_CHILD_UP));
	world_free(w);
	pki_made_free(&anew);
}

/* Its owner knows as well as who verified it. */
static void assert_knows(const struct side *s)
{
	const struct session *ses = ((struct ike *)s->engine->impl)->sessions;
	int64_t left = ses->certs_end - fake_clock_wall(s->clock);

	assert_in_range(left, 10 * DAY_S - 60, 10 * DAY_S);
}

/* A certificate with 10 days left, of @left or of the hub. */
static struct world *world_for_10_days(struct made *made, bool left)
{
	struct world *w;

	*made = pki_make(&(struct make){ .subject = left ? "CN=branch" : "CN=hub1", .issuer = &mid,
					 .san = left ? branch_san : "DNS:hub1.example,IP:10.0.0.2",
					 .to_day = 10 });
	w = world_with(left ? made : &branch, left ? &hub1 : made, &root, NULL);
	w->f->to_right.lifetime_s = DAY_S;
	w->f->to_left.lifetime_s = 0;
	put_remotes(w);
	open_left(w);
	fixture_run_ms(w->f, 1000);
	assert_non_null(side_last(&w->f->left, ENG_UP));
	assert_knows(&w->f->left);
	assert_knows(&w->f->right);
	return w;
}

static void ends_with_certificate(const struct world *w)
{
	const struct recorded *l = side_last(&w->f->left, ENG_DOWN);
	const struct recorded *r = side_last(&w->f->right, ENG_DOWN);

	assert_non_null(l);
	assert_non_null(r);
	/* Both see it coming; one of them is the first to say so. */
	assert_true(l->ev.why == WHY_LIFETIME || r->ev.why == WHY_LIFETIME);
	assert_string_equal(l->ev.why == WHY_LIFETIME ? l->text : r->text,
			    "a certificate that it was proved by has expired");
}

/* Whosever it is. Ten rekeys meanwhile prove nothing anew. */
static void certificate_expires(void **state)
{
	for (unsigned left = 0; left < 2; left++) {
		struct made made;
		struct world *w = world_for_10_days(&made, left);

		fixture_run_ms(w->f, (10 * DAY_S - 60) * 1000);
		assert_null(side_last(&w->f->left, ENG_DOWN));
		assert_true(net_count(w->f, &w->f->left, XCHG_CREATE_CHILD_SA, false, 0) >= 9);
		fixture_run_ms(w->f, 120 * 1000);
		ends_with_certificate(w);
		world_free(w);
		pki_made_free(&made);
	}
}

/* A clock that is set forward is noticed within the hour. */
static void clock_is_set(void **state)
{
	struct made made;
	struct world *w = world_for_10_days(&made, true);

	w->f->clock.wall_offset += 11 * DAY_S;
	fixture_run_ms(w->f, 3600 * 1000 + 1000);
	ends_with_certificate(w);
	world_free(w);
	pki_made_free(&made);
}

static void broken_credentials(void **state)
{
	struct world *w = world_new();

	w->f->to_right.broken = "trustpoint CORP: it cannot be read";
	put_remotes(w);
	open_left(w);
	fixture_run_ms(w->f, 1000);
	assert_string_equal(side_last(&w->f->left, ENG_DOWN)->text, "trustpoint CORP: it cannot be read");
	world_free(w);
	w = world_new();
	w->f->to_left.broken = "trustpoint CORP: it cannot be read";
	put_remotes(w);
	refused_by_right(w);
}

/* Whom the hub trusts, and @n that have nothing to do with it. */
static void trust_many(struct world *w, unsigned n)
{
	const struct made *list[PKI_ANCHORS_MAX] = { &root };
	struct made others[PKI_ANCHORS_MAX];
	char why[PKI_WHY_MAX];

	for (unsigned i = 1; i <= n; i++) {
		others[i] = pki_make(&(struct make){ .subject = "CN=CA", .ca = true });
		list[i] = &others[i];
	}
	pki_trust_put(w->right.trust);
	assert_int_equal(pki_trust_load(pki_write_certs("many.pem", list, n + 1), NULL,
					&w->right.trust, why, sizeof(why)), 0);
	w->f->to_left.trust[0] = w->right.trust;
	put_remotes(w);
	for (unsigned i = 1; i <= n; i++)
		pki_made_free(&others[i]);
}

/* The answer to an unproven address is no longer than what came from it. */
static void amplifies_not(struct world *w)
{
	const struct datagram *asked = NULL, *answer = NULL;

	assert_true(fixture_up(w->f));
	for (unsigned i = 0; i < w->f->net.n_log; i++) {
		const struct datagram *d = w->f->net.log[i];

		if (datagram_exchange(d) != XCHG_IKE_SA_INIT)
			continue;
		if (datagram_is_response(d))
			answer = d;
		else
			asked = d;
	}
	assert_non_null(asked);
	assert_non_null(answer);
	assert_true(answer->len <= asked->len);
	world_free(w);
}

static void no_amplification(void **state)
{
	struct world *w = world_new();

	amplifies_not(w);
	/* More CAs than fit: asked for as "any", and up all the same. */
	w = world_new();
	trust_many(w, PKI_ANCHORS_MAX - 1);
	amplifies_not(w);
}

/* ---- AUTH and CERT that no engine of ours sends ---- */

struct bench {
	struct ike e;
	struct session s;
	struct remote r;
	struct payloads p;
	struct auth_in in;
	struct ike_id id;
	struct chunk octets[3];
	uint8_t maced[CRYPTO_PRF_MAX], joined[256];
	size_t joined_len;
	struct pki_private *key;
	uint8_t cert[PKI_CHAIN_MAX + 2][1 + 70000];
	char why[EVENT_TEXT_MAX];
};

static void put_cert(struct bench *b, uint8_t encoding, const void *der, size_t len)
{
	unsigned i = b->p.n++;

	b->cert[i][0] = encoding;
	memcpy(b->cert[i] + 1, der, len);
	b->p.list[i] = (struct payload){ PLD_CERT, b->cert[i], len + 1 };
}

static struct bench *bench_new(const char *key)
{
	static const uint8_t sk_p[CRYPTO_PRF_MAX] = { 1 };
	struct bench *b = calloc(1, sizeof(*b));
	struct made h = host("CN=hub1", "DNS:hub1.example", key);
	const struct made *ca = &root;

	b->s.e = &b->e;
	b->id = fqdn("hub1.example");
	b->in = (struct auth_in){ .prf = PRF_HMAC_SHA2_256, .message = { "message", 7 }, .nonce = { "nonce", 5 },
				  .id_body = { "id", 2 }, .sk_p = sk_p };
	assert_int_equal(auth_octets(&b->in, b->maced, b->octets), 0);
	for (unsigned i = 0; i < 3; i++) {
		memcpy(b->joined + b->joined_len, b->octets[i].p, b->octets[i].len);
		b->joined_len += b->octets[i].len;
	}
	b->r.r.remote_auth = ENGINE_AUTH_RSA | ENGINE_AUTH_ECDSA | ENGINE_AUTH_EDDSA;
	b->r.r.n_trust = 1;
	assert_int_equal(pki_trust_load(pki_write_certs("ca.pem", &ca, 1), NULL, &b->r.r.trust[0], b->why, sizeof(b->why)), 0);
	assert_int_equal(pki_private_load(pki_write_key("k.key", &h), &b->key, b->why, sizeof(b->why)), 0);
	put_cert(b, CERT_X509_SIGNATURE, h.der, h.len);
	put_cert(b, CERT_X509_SIGNATURE, mid.der, mid.len);
	pki_made_free(&h);
	return b;
}

static void bench_free(struct bench *b)
{
	pki_trust_put(b->r.r.trust[0]);
	pki_private_free(b->key);
	free(b);
}

static bool judge(struct bench *b, uint8_t method, const void *data, size_t len)
{
	struct pld_auth auth = { method, { data, len } };

	return auth_verify_signature(&b->s, &b->r, &b->p, &auth, &b->in, &b->id, b->why, sizeof(b->why));
}

/* Method 14 with that scheme: at most 2048 bytes. */
static size_t digital(struct bench *b, enum pki_scheme scheme, uint8_t *out)
{
	struct chunk alg = pki_scheme_der(scheme);
	size_t len;

	out[0] = (uint8_t)alg.len;
	memcpy(out + 1, alg.p, alg.len);
	assert_int_equal(pki_private_sign(b->key, scheme, (struct chunk){ b->joined, b->joined_len },
					  out + 1 + alg.len, &len), 0);
	return 1 + alg.len + len;
}

#define REFUSED(b, text) \
	do { \
		if (!strstr((b)->why, text)) \
			fail_msg("said \"%s\", not \"%s\"", (b)->why, text); \
	} while (0)

static void certificates_by_count(void **state)
{
	struct bench *b = bench_new("P-256");
	uint8_t auth[2048], *big = calloc(1, 65535);
	size_t len = digital(b, PKI_ECDSA_SHA256, auth);

	assert_true(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len));
	/* 64 KiB, and whatever is in it: not looked into. */
	put_cert(b, CERT_X509_SIGNATURE, big, 65000);
	assert_false(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len));
	REFUSED(b, "the peer sent more than 8 certificates, or one of more than 16384 bytes");
	b->p.n = 2;
	/* Longer than any that is taken, and alone within the bytes of all. */
	b->p.n = 2;
	put_cert(b, CERT_X509_SIGNATURE, big, PKI_CERT_MAX + 1);
	assert_false(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len));
	REFUSED(b, "or one of more than 16384 bytes");
	b->p.n = 2;
	/* Of the longest that are taken, only so many. */
	for (unsigned i = 0; i < 5; i++)
		put_cert(b, CERT_X509_SIGNATURE, big, PKI_CERT_MAX);
	assert_false(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len));
	REFUSED(b, "the peer sent more than 8 certificates");
	b->p.n = 2;
	for (unsigned i = 0; i < 6; i++)
		put_cert(b, CERT_X509_SIGNATURE, mid.der, mid.len);
	assert_true(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len));
	put_cert(b, CERT_X509_SIGNATURE, mid.der, mid.len);
	assert_false(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len));
	REFUSED(b, "the peer sent more than 8 certificates");
	/* A URL is never fetched; an empty payload is none. */
	b->p.n = 0;
	put_cert(b, 12, "0123456789012345678901http://evil/", 34);
	put_cert(b, CERT_X509_SIGNATURE, "", 0);
	b->p.list[1].len = 0;
	assert_false(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len));
	REFUSED(b, "the peer sent no certificate of the kind \"X.509 Certificate - Signature\"");
	b->p.n = 0;
	assert_false(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len));
	REFUSED(b, "the peer sent no certificate");
	free(big);
	bench_free(b);
}

/* The first CERT is the one that signs (RFC 7296 §3.6). */
static void order_of_certificates(void **state)
{
	struct bench *b = bench_new("P-256");
	uint8_t auth[2048];
	size_t len = digital(b, PKI_ECDSA_SHA256, auth);
	struct payload first = b->p.list[0];

	b->p.list[0] = b->p.list[1];
	b->p.list[1] = first;
	assert_false(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len));
	bench_free(b);
}

static void auth_is_exact(void **state)
{
	static const enum pki_scheme schemes[] = { PKI_RSA_PKCS1_SHA256, PKI_RSA_PSS_SHA256 };
	struct bench *b = bench_new("RSA:2048");
	uint8_t auth[2048], copy[2048];

	for (unsigned i = 0; i < 2; i++) {
		size_t len = digital(b, schemes[i], auth);

		assert_true(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len));
		for (size_t n = 0; n < len; n++)
			assert_false(judge(b, AUTH_DIGITAL_SIGNATURE, auth, n));
		for (size_t n = 0; n < len; n++) {
			memcpy(copy, auth, len);
			copy[n] ^= (uint8_t)(1u << n % 8);
			assert_false(judge(b, AUTH_DIGITAL_SIGNATURE, copy, len));
		}
		auth[len] = 0;
		assert_false(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len + 1));
	}
	bench_free(b);
}

/* PKCS #1 v1.5 of SHA-1, as method 1 has it by default (RFC 7296 §3.8). */
static size_t sign_with(const struct bench *b, const EVP_MD *md, uint8_t *sig, size_t size)
{
	FILE *f = fopen(pki_path("k.key"), "r");
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = size;

	fclose(f);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, md, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, b->joined, b->joined_len), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return len;
}

static void old_methods(void **state)
{
	struct bench *b = bench_new("RSA:2048");
	uint8_t sig[1024];
	size_t len;

	assert_true(judge(b, AUTH_RSA, sig, sign_with(b, EVP_sha256(), sig, sizeof(sig))));
	assert_true(judge(b, AUTH_RSA, sig, sign_with(b, EVP_sha512(), sig, sizeof(sig))));
	assert_false(judge(b, AUTH_RSA, sig, sign_with(b, EVP_sha1(), sig, sizeof(sig))));
	REFUSED(b, "the peer signs with SHA-1, which is not accepted; RFC 7427 with SHA2-256 would be");
	assert_false(judge(b, AUTH_ECDSA_256, sig, 64));
	assert_false(judge(b, 13, sig, 64));
	REFUSED(b, "the peer's authentication method 13 is not known here");
	bench_free(b);
	b = bench_new("P-384");
	len = sign_with(b, EVP_sha384(), sig, sizeof(sig));
	/* DER is not what RFC 4754 sends. */
	assert_false(judge(b, AUTH_ECDSA_384, sig, len));
	assert_int_equal(pki_ecdsa_to_raw(384, sig, &len), 0);
	assert_true(judge(b, AUTH_ECDSA_384, sig, len));
	/* The curve goes with the method. */
	assert_false(judge(b, AUTH_ECDSA_256, sig, len));
	assert_false(judge(b, AUTH_ECDSA_521, sig, len));
	assert_false(judge(b, AUTH_RSA, sig, len));
	memset(sig, 0, len);
	assert_false(judge(b, AUTH_ECDSA_384, sig, len));
	memset(sig, 0xff, len);
	assert_false(judge(b, AUTH_ECDSA_384, sig, len));
	bench_free(b);
}

/* RFC 7427 with a hash that we did not list. */
static void sha1_by_rfc7427(void **state)
{
	static const uint8_t alg[] = { 15, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00 };
	struct bench *b = bench_new("RSA:2048");
	uint8_t auth[1024];
	size_t len;

	memcpy(auth, alg, sizeof(alg));
	len = sizeof(alg) + sign_with(b, EVP_sha1(), auth + sizeof(alg), sizeof(auth) - sizeof(alg));
	assert_false(judge(b, AUTH_DIGITAL_SIGNATURE, auth, len));
	REFUSED(b, "a signature with SHA-1 is not accepted; SHA2-256 would be");
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key),
		cmocka_unit_test(ed25519_without_rfc7427),
		cmocka_unit_test(certificate_unasked), cmocka_unit_test(maps_match),
		cmocka_unit_test(certificate_by_map), cmocka_unit_test(mixed),
		cmocka_unit_test(each_identity),
		cmocka_unit_test(other_hub),
		cmocka_unit_test(outside_the_domain),
		cmocka_unit_test(of_another_ca),
		cmocka_unit_test(expired_or_revoked),
		cmocka_unit_test(certificate_without_key),
		cmocka_unit_test(other_means),
		cmocka_unit_test(branches_refused),
		cmocka_unit_test(signer_fails),
		cmocka_unit_test(signer_is_late),
		cmocka_unit_test(gone_while_signing),
		cmocka_unit_test(reload_while_signing),
		cmocka_unit_test(certificate_expires),
		cmocka_unit_test(clock_is_set),
		cmocka_unit_test(broken_credentials),
		cmocka_unit_test(no_amplification),
		cmocka_unit_test(certificates_by_count),
		cmocka_unit_test(order_of_certificates),
		cmocka_unit_test(auth_is_exact),
		cmocka_unit_test(old_methods),
		cmocka_unit_test(sha1_by_rfc7427),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
