// SPDX-License-Identifier: GPL-2.0-or-later
/* The files that trustpoints name: read, judged, and put with the configuration. */
#include "prefpeerd/conf/parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a look in this process, for `prefpeerd -t` ---- */

static int load_here(void *ctx, const char *path, struct pki_key *key, char *why, size_t size)
{
	struct pki_private *p;
	int err = pki_private_load(path, &p, why, size);

	if (!err)
		*key = *pki_private_key(p);
	pki_private_free(p);
	return err;
}

static int secret_here(void *ctx, const char *path, const char *sealed, uint8_t out[PSK_MAX],
		       size_t *len, char *why, size_t size)
{
	return pki_secret_load(path, sealed, out, PSK_MAX, len, why, size);
}

const struct conf_keys conf_keys_here = { load_here, secret_here, NULL };

/* ---- one trustpoint ---- */

struct reading {
	struct trustpoint *t;
	const struct conf_keys *keys;
	int64_t now;
	struct conf_diags *d;
	unsigned errors;
};

/* The first reason is the one that a peer's failure names later. */
static void broken(struct reading *r, const struct conf_file *f, const char *what, const char *why)
{
	r->errors++;
	if (!r->t->broken)
		r->t->broken = conf_text("trustpoint %s: %s %s: %s", r->t->name, what, f->path, why);
	conf_diag(r->d, CONF_ERROR, f->pos, conf_text("%s %s: %s", what, f->path, why), NULL);
}

static void read_trust(struct reading *r)
{
	struct trustpoint *t = r->t;
	const char *crl = t->revocation == REVOCATION_NONE ? NULL : t->crl.path;
	char why[PKI_WHY_MAX], text[PKI_WHY_MAX];
	const char *old;

	if (!t->ca.path)
		return;
	/* Which of the two files it is shows when the CAs are read alone. */
	if (pki_trust_load(t->ca.path, NULL, &t->trust, why, sizeof(why))) {
		broken(r, &t->ca, "ca file", why);
		return;
	}
	if (crl) {
		pki_trust_put(t->trust);
		if (pki_trust_load(t->ca.path, crl, &t->trust, why, sizeof(why))) {
			broken(r, &t->crl, "crl file", why);
			return;
		}
	}
	old = pki_trust_unusable(t->trust, r->now, text, sizeof(text));
	if (old)
		conf_diag(r->d, CONF_WARNING, crl ? t->crl.pos : t->ca.pos, conf_text("%s", old),
			  conf_text("peers below it are refused until the file is renewed, and `prefpeer reload`"));
}

/* Whoever may not read it cannot say whose it is; the agent can. */
static void check_key(struct reading *r)
{
	struct trustpoint *t = r->t;
	char why[PKI_WHY_MAX];
	struct pki_key key;
	int err = r->keys->load(r->keys->ctx, t->key.path, &key, why, sizeof(why));

	if (err == -EACCES && r->keys == &conf_keys_here && geteuid()) {
		conf_diag(r->d, CONF_NOTE, t->key.pos,
			  conf_text("key file %s cannot be looked at by this user: %s", t->key.path, why),
			  NULL);
		return;
	}
	if (err)
		broken(r, &t->key, "key file", why);
	else if (memcmp(key.id, pki_own_key(t->own)->id, sizeof(key.id)))
		broken(r, &t->key, "key file", "it does not belong to the certificate");
}

static void read_own(struct reading *r)
{
	struct trustpoint *t = r->t;
	char why[PKI_WHY_MAX];
	const char *old;

	if (!t->cert.path || !t->key.path)
		return;
	if (pki_own_load(t->cert.path, &t->own, why, sizeof(why))) {
		broken(r, &t->cert, "certificate file", why);
		return;
	}
	old = pki_own_unusable(t->own, r->now, why, sizeof(why));
	if (old)
		broken(r, &t->cert, "certificate file", old);
	check_key(r);
}

/* ---- pre-shared keys that are elsewhere ---- */

static void read_secret(struct reading *r, const struct config *c, struct psk_secret *k)
{
	const char *path = k->path ? k->path : c->master.path;
	uint8_t bytes[PSK_MAX];
	char why[PKI_WHY_MAX];
	size_t len = 0;
	int err;

	if (!k->path && !k->sealed)
		return;
	err = r->keys->secret(r->keys->ctx, path, k->sealed, bytes, &len, why, sizeof(why));
	k->bytes = err ? NULL : malloc(len);
	if (k->bytes)
		memcpy(k->bytes, bytes, k->len = len);
	explicit_bzero(bytes, sizeof(bytes));
	if (err == -EACCES && r->keys == &conf_keys_here && geteuid()) {
		conf_diag(r->d, CONF_NOTE, k->pos,
			  conf_text("%s cannot be looked at by this user: %s", path, why), NULL);
	} else if (!k->bytes) {
		r->errors++;
		k->broken = conf_text("pre-shared key, %s %s: %s", k->path ? "file" : "master key",
				      path, err ? why : strerror(ENOMEM));
		conf_diag(r->d, CONF_ERROR, k->pos, conf_text("%s", k->broken), NULL);
	}
}

static void read_secrets(struct reading *r, const struct config *c)
{
	for (unsigned i = 0; i < c->n_psks; i++) {
		read_secret(r, c, &c->psks[i].key);
		read_secret(r, c, &c->psks[i].theirs);
		read_secret(r, c, &c->psks[i].next);
	}
}

/* ---- profiles against what was read ---- */

static void check_signer(const struct ikev2_profile *f, struct conf_diags *d, unsigned *errors)
{
	const struct trustpoint *t = conf_profile_signer(f);
	char text[IKE_ID_STRLEN];
	unsigned kind;

	if (!(f->auth_local & ~AUTH_BY_PSK) || !t || !t->own)
		return;
	kind = pki_own_key(t->own)->kind;
	if (kind != f->auth_local) {
		(*errors)++;
		conf_diag(d, CONF_ERROR, f->auth_local_pos,
			  conf_text("the key of trustpoint %s is %s", t->name, pki_kind_name(kind)),
			  conf_text("authentication local %s",
				    kind == PKI_RSA   ? "rsa-sig" :
				    kind == PKI_ECDSA ? "ecdsa-sig" :
							"eddsa-sig"));
	}
	if (f->local.type != IKE_ID_NONE && !pki_own_has_id(t->own, &f->local))
		conf_diag(d, CONF_WARNING, f->local_pos,
			  conf_text("the certificate of trustpoint %s does not name %s: peers will refuse it",
				    t->name, ike_id_print(&f->local, text, sizeof(text))),
			  conf_text("an address, domain or mail name must be a subjectAltName of it"));
}

unsigned config_credentials(struct config *c, const struct conf_keys *keys, int64_t now,
			    struct conf_diags *d)
{
	struct reading secrets = { NULL, keys, now, d, 0 };
	unsigned errors;

	read_secrets(&secrets, c);
	errors = secrets.errors;
	for (unsigned i = 0; i < c->n_trustpoints; i++) {
		struct reading r = { c->trustpoints[i], keys, now, d, 0 };

		read_trust(&r);
		read_own(&r);
		errors += r.errors;
	}
	for (unsigned i = 0; i < c->n_profiles; i++)
		check_signer(c->profiles[i], d, &errors);
	conf_diags_sort(d);
	return errors;
}
