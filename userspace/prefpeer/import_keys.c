// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys, and what both sides are called: `crypto isakmp key`, or keyring and profile. */
#include <stdlib.h>
#include <string.h>

#include "prefpeer/import_conn.h"

static bool is_address(const char *text, struct addr *out)
{
	return !addr_parse(text, out);
}

/* The secret whose ids have one of these; else one that has none. @where: its section. */
static const char *secret_for(struct conn *c, const char *peer, char where[2 * IMPORT_KEY_MAX])
{
	const char *const want[] = { c->remote_id, peer, c->local_id, "%any" };
	char name[IMPORT_KEY_MAX], key[IMPORT_KEY_MAX], id[IMPORT_KEY_MAX];
	const char *any = NULL;

	for (size_t w = 0; w < sizeof(want) / sizeof(want[0]); w++)
		for (unsigned i = 0; import_child(c->im, "secrets", i, name); i++) {
			bool has_id = false;

			snprintf(key, sizeof(key), "secrets.%.100s", name);
			for (unsigned j = 0; import_child(c->im, key, j, id); j++) {
				const char *v;

				if (strncmp(id, "id", 2))
					continue;
				has_id = true;
				v = import_take(c->im, key, id);
				if (!want[w] || strcmp(v, want[w]))
					continue;
				strcpy(where, key);
				return import_take(c->im, key, "secret");
			}
			if (!has_id && !strncmp(name, "ike", 3) && !any) {
				strcpy(where, key);
				any = import_take(c->im, key, "secret");
			}
		}
	return any;
}

/* One word, and no hexadecimal or base 64 of bytes: that is all our language can say. */
static bool plain_key(struct conn *c, const char *secret, const char *where)
{
	if (!strncmp(secret, "0x", 2) || !strncmp(secret, "0s", 2)) {
		import_remark(c->im, 0, "%s: %s: a key in hexadecimal or base 64 has no equivalent",
			      c->name, where);
		return false;
	}
	if (!*secret || strpbrk(secret, " \t\"!?") != NULL) {
		import_remark(c->im, 0,
			      "%s: %s: a key with blanks, quotes, ! or ? has no equivalent",
			      c->name, where);
		return false;
	}
	return true;
}

/* "  pre-shared-key KEY", or as a comment where it is. */
static void print_key(struct conn *c, const char *before, const char *peer, const char *after)
{
	char where[2 * IMPORT_KEY_MAX] = "";
	const char *secret = secret_for(c, peer, where);
	bool shown = secret && plain_key(c, secret, where) && c->im->secrets;

	if (!secret) {
		import_remark(c->im, 0, "%s: no key for %s is in this file", c->name, peer);
		fprintf(c->im->out, "! %s KEY%s\n", before, after);
	} else if (shown) {
		fprintf(c->im->out, "%s %s%s\n", before, secret, after);
	} else {
		fprintf(c->im->out, "! %s KEY%s   (%s of %s%s)\n", before, after, where,
			c->im->path, c->im->secrets ? "" : "; import --secrets prints it");
	}
}

/* "fqdn hub.example", as our language writes an identity. */
static const char *id_of(const char *id, char *buf, size_t size)
{
	struct addr a;

	if (!strncmp(id, "fqdn:", 5) || !strncmp(id, "email:", 6))
		snprintf(buf, size, "%.*s %s", (int)strcspn(id, ":"), id, strchr(id, ':') + 1);
	else if (!strncmp(id, "keyid:", 6) || !strncmp(id, "@#", 2))
		snprintf(buf, size, "key-id %s", id + (*id == '@' ? 2 : 6));
	else if (*id == '@')
		snprintf(buf, size, "fqdn %s", id + 1 + (id[1] == '@'));
	else if (is_address(id, &a))
		snprintf(buf, size, "address %s", id);
	else if (strchr(id, '='))
		snprintf(buf, size, "dn %s", id);
	else if (strchr(id, '@'))
		snprintf(buf, size, "email %s", id);
	else
		snprintf(buf, size, "fqdn %s", id);
	return buf;
}

static const char *auth_word(const char *auth)
{
	if (import_by_key(auth))
		return "pre-share";
	if (auth && strstr(auth, "ecdsa"))
		return "ecdsa-sig";
	if (auth && strstr(auth, "ed25519"))
		return "eddsa-sig";
	return "rsa-sig";
}

static void print_trustpoint(struct conn *c, const char *name)
{
	const char *cert = import_round(c, "local", "certs"),
		   *ca = import_round(c, "remote", "cacerts");
	const char *dir = "/etc/swanctl/";

	fprintf(c->im->out, "crypto pki trustpoint %s\n", name);
	fprintf(c->im->out, " ca file %s%s%s\n", ca && *ca == '/' ? "" : dir,
		ca && *ca == '/' ? "" : "x509ca/", ca ? ca : "ca.pem");
	if (!import_by_key(c->local_auth)) {
		fprintf(c->im->out, " certificate file %s%s%s\n", cert && *cert == '/' ? "" : dir,
			cert && *cert == '/' ? "" : "x509/", cert ? cert : "cert.pem");
		fprintf(c->im->out, " key file %sprivate/%s\n", dir,
			cert && *cert != '/' ? cert : "key.pem");
	}
	import_remark(
		c->im, 0,
		"%s: see that these files are the right ones, in PEM, the key unencrypted; and whether "
		"the authentication is %s",
		c->name, auth_word(c->local_auth));
}

/* Of the IKE SA; 0: nothing was said. */
static long ike_life(struct conn *c)
{
	const char *rekey = import_take(c->im, c->path, "rekey_time");
	const char *over = import_take(c->im, c->path, "over_life_time");
	long life = over ? import_seconds(over) : rekey ? import_seconds(rekey) : 0;

	if (life <= 0)
		return 0;
	return life < 120 ? 120 : life > 86400 ? 86400 : life;
}

static void print_profile(struct conn *c, const char *name, bool keyring)
{
	char id[2 * IMPORT_KEY_MAX];
	long life = ike_life(c);

	if (!import_by_key(c->local_auth) || !import_by_key(c->remote_auth))
		print_trustpoint(c, name);
	fprintf(c->im->out, "crypto ikev2 profile %s\n", name);
	if (c->remote_id)
		fprintf(c->im->out, " match identity remote %s\n",
			id_of(c->remote_id, id, sizeof(id)));
	if (c->local_id)
		fprintf(c->im->out, " identity local %s\n",
			strchr(c->local_id, '=') ? "dn" : id_of(c->local_id, id, sizeof(id)));
	fprintf(c->im->out, " authentication local %s\n", auth_word(c->local_auth));
	fprintf(c->im->out, " authentication remote %s\n", auth_word(c->remote_auth));
	if (import_by_key(c->local_auth) || import_by_key(c->remote_auth))
		fprintf(c->im->out, "%s keyring local %s\n", keyring ? "" : "!", name);
	if (life)
		fprintf(c->im->out, " lifetime %ld\n", life);
	if (!import_by_key(c->local_auth) || !import_by_key(c->remote_auth))
		fprintf(c->im->out, " pki trustpoint %s\n", name);
}

/* A peer without a key is no peer of a keyring: it stands as a comment until it has one. */
static bool print_ring_peer(struct conn *c, const char *name, unsigned no, const char *peer,
			    bool begun)
{
	char where[2 * IMPORT_KEY_MAX] = "", id[2 * IMPORT_KEY_MAX];
	const char *secret = secret_for(c, peer, where), *off;
	bool shown = secret && plain_key(c, secret, where) && c->im->secrets;
	struct addr a;

	if (!secret)
		import_remark(c->im, 0, "%s: no key for %s is in this file", c->name, peer);
	off = shown ? "" : "! ";
	if (!begun)
		fprintf(c->im->out, "%scrypto ikev2 keyring %s\n", off, name);
	fprintf(c->im->out, "%s peer %s-%u\n", off, name, no);
	fprintf(c->im->out, "%s  address %s\n", off, is_address(peer, &a) ? peer : "0.0.0.0/0");
	if (c->remote_id)
		fprintf(c->im->out, "%s  identity %s\n", off, id_of(c->remote_id, id, sizeof(id)));
	if (shown)
		fprintf(c->im->out, "  pre-shared-key %s\n", secret);
	else
		fprintf(c->im->out, "!   pre-shared-key KEY   (%s of %s%s)\n",
			secret ? where : "in no section", c->im->path,
			c->im->secrets || !secret ? "" : "; import --secrets prints it");
	return begun || shown;
}

/* Whether there is one. */
static bool print_keyring(struct conn *c, const char *name)
{
	bool begun = false;

	for (unsigned i = 0; i < c->n_peers; i++)
		begun = print_ring_peer(c, name, i + 1, c->peers[i], begun);
	if (c->hub)
		begun = print_ring_peer(c, name, 1, "%any", begun);
	return begun;
}

void import_auth(struct conn *c)
{
	char name[64], where[IMPORT_KEY_MAX + 12];
	bool key = import_by_key(c->local_auth) || import_by_key(c->remote_auth);

	import_name(c->name, name, sizeof(name));
	if (c->profile) {
		bool keyring = key && print_keyring(c, name);

		print_profile(c, name, keyring);
		return;
	}
	for (unsigned i = 0; i < c->n_peers; i++) {
		struct addr a;
		bool v6 = is_address(c->peers[i], &a) && a.family == AF_INET6;

		snprintf(where, sizeof(where), " address %s%s%s", v6 ? "ipv6 " : "", c->peers[i],
			 v6 ? "/128" : "");
		print_key(c, "crypto isakmp key", c->peers[i], where);
	}
	if (c->hub)
		print_key(c, "crypto isakmp key", "%any", " address 0.0.0.0 0.0.0.0");
}
