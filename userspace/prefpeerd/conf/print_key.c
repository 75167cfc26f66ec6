// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys and keyrings of the running configuration; what a key is, is written to files only. */
#include "prefpeerd/conf/print.h"

#include <string.h>

#include "lib/dn.h"

static void print_dn(const struct ike_id *id, FILE *out)
{
	char text[1024];

	fprintf(out, "dn %s\n", dn_to_text(id->data, id->len, text, sizeof(text)));
}

/* "fqdn hub1.example", or with @domain "fqdn domain example". */
void print_identity(const struct ike_id *id, bool domain, FILE *out)
{
	const char *of = domain ? "domain " : "";
	struct addr a;

	switch (id->type) {
	case IKE_ID_IPV4_ADDR:
	case IKE_ID_IPV6_ADDR: {
		char buf[ADDR_STRLEN];

		if (!addr_from_bytes(id->type == IKE_ID_IPV4_ADDR ? AF_INET : AF_INET6, id->data,
				     &a))
			fprintf(out, "address %s\n", addr_print(&a, buf, sizeof(buf)));
		break;
	}
	case IKE_ID_FQDN:
		fprintf(out, "fqdn %s%.*s\n", of, id->len, (const char *)id->data);
		break;
	case IKE_ID_RFC822_ADDR:
		fprintf(out, "email %s%.*s\n", of, id->len, (const char *)id->data);
		break;
	case IKE_ID_KEY_ID:
		fprintf(out, "key-id %.*s\n", id->len, (const char *)id->data);
		break;
	case IKE_ID_DER_ASN1_DN:
		print_dn(id, out);
		break;
	default:
		break;
	}
}

/* "10.1.1.1", or with a length where it is no host; 0.0.0.0/0 keeps its own. */
static void print_peer_prefix(const struct prefix *p, FILE *out)
{
	char buf[PREFIX_STRLEN];

	fputs(prefix_print(p, buf, sizeof(buf)), out);
}

static bool is_plain(const struct psk_secret *k)
{
	for (size_t i = 0; i < k->len; i++)
		if (k->bytes[i] <= ' ' || k->bytes[i] > '~')
			return false;
	return true;
}

/* What a line cannot hold was written in hexadecimal. */
static void print_hex(const struct psk_secret *k, FILE *out)
{
	fputs("hex ", out);
	for (size_t i = 0; i < k->len; i++)
		fprintf(out, "%02x", k->bytes[i]);
}

/* A path and a sealed key are no secrets. With `0`, since a key may look like a type. */
static void print_secret(const struct psk_secret *k, bool secrets, FILE *out)
{
	if (k->path)
		fprintf(out, "file %s", k->path);
	else if (k->sealed)
		fprintf(out, "6 %s", k->sealed);
	else if (!secrets)
		fputs(CONF_HIDDEN, out);
	else if (is_plain(k))
		fprintf(out, "0 %.*s", (int)k->len, (const char *)k->bytes);
	else
		print_hex(k, out);
}

static void print_peer_key(const char *what, const struct psk_secret *k, bool secrets, FILE *out)
{
	if (!conf_secret_is_set(k))
		return;
	fprintf(out, "  pre-shared-key %s", what);
	print_secret(k, secrets, out);
	fputc('\n', out);
}

static void print_keyring_peer(const struct psk *k, bool secrets, FILE *out)
{
	fprintf(out, " peer %s\n  address ", k->name);
	print_peer_prefix(&k->peer, out);
	fputc('\n', out);
	if (k->identity.type != IKE_ID_NONE) {
		fputs("  identity ", out);
		print_identity(&k->identity, false, out);
	}
	print_peer_key(k->one_way ? "local " : "", &k->key, secrets, out);
	print_peer_key("remote ", &k->theirs, secrets, out);
	print_peer_key("next ", &k->next, secrets, out);
}

static bool keyring_seen(const struct config *c, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (!strcmp(c->psks[k].keyring, c->psks[i].keyring))
			return true;
	return false;
}

static void print_isakmp_key(const struct psk *k, bool secrets, FILE *out)
{
	fputs("crypto isakmp key ", out);
	print_secret(&k->key, secrets, out);
	if (k->host) {
		fprintf(out, " hostname %s\n", k->host);
		return;
	}
	fprintf(out, " address %s", k->peer.addr.family == AF_INET6 ? "ipv6 " : "");
	print_peer_prefix(&k->peer, out);
	fputc('\n', out);
}

/* Keys are kept most specific first; each keyring is printed where its first peer stands. */
void print_keys(const struct config *c, bool secrets, FILE *out)
{
	if (c->master.path)
		fprintf(out, "key config-key password-encrypt file %s\n", c->master.path);
	for (unsigned i = 0; i < c->n_psks; i++) {
		const struct psk *k = &c->psks[i];

		if (!*k->keyring) {
			print_isakmp_key(k, secrets, out);
			continue;
		}
		if (keyring_seen(c, i))
			continue;
		fprintf(out, "crypto ikev2 keyring %s\n", k->keyring);
		for (unsigned j = i; j < c->n_psks; j++)
			if (!strcmp(c->psks[j].keyring, k->keyring))
				print_keyring_peer(&c->psks[j], secrets, out);
	}
}
