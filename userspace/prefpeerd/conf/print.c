// SPDX-License-Identifier: GPL-2.0-or-later
/* The running configuration: what differs from the defaults, as one would type it. */
#include "prefpeerd/conf/parser.h"

#include <ctype.h>
#include <string.h>

#include "lib/dn.h"

#define SECRET_SHOWN "<hidden>"
#define SEQ_STEP 10

static void print_options(const struct dpd *d, FILE *out)
{
	fprintf(out, " %s", d->mode == DPD_PERIODIC ? "periodic" : "on-demand");
	if (d->strict)
		fputs(" strict", out);
	if (d->fixed)
		fputs(" spacing fixed", out);
	fputc('\n', out);
}

static void print_dpd(const struct dpd *d, FILE *out)
{
	uint32_t unit = d->millis ? 1 : 1000;

	if (d->mode == DPD_OFF)
		return;
	fprintf(out, "crypto %s%s %u %u", d->keepalive ? "isakmp keepalive" : "ikev2 dpd",
		d->millis ? " milliseconds" : "", d->interval_ms / unit, d->retry_ms / unit);
	print_options(d, out);
}

static void print_dn(const struct ike_id *id, FILE *out)
{
	char text[1024];

	fprintf(out, "dn %s\n", dn_to_text(id->data, id->len, text, sizeof(text)));
}

/* "fqdn hub1.example", or with @domain "fqdn domain example". */
static void print_identity(const struct ike_id *id, bool domain, FILE *out)
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

static void print_keyring_peer(const struct psk *k, FILE *out)
{
	fprintf(out, " peer %s\n  address ", k->name);
	print_peer_prefix(&k->peer, out);
	fputc('\n', out);
	if (k->identity.type != IKE_ID_NONE) {
		fputs("  identity ", out);
		print_identity(&k->identity, false, out);
	}
	if (k->secret)
		fputs("  pre-shared-key " SECRET_SHOWN "\n", out);
}

static bool keyring_seen(const struct config *c, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (!strcmp(c->psks[k].keyring, c->psks[i].keyring))
			return true;
	return false;
}

/* Keys are kept most specific first; each keyring is printed where its first peer stands. */
static void print_keys(const struct config *c, FILE *out)
{
	for (unsigned i = 0; i < c->n_psks; i++) {
		const struct psk *k = &c->psks[i];

		if (!*k->keyring) {
			fprintf(out, "crypto isakmp key " SECRET_SHOWN " address %s",
				k->peer.addr.family == AF_INET6 ? "ipv6 " : "");
			print_peer_prefix(&k->peer, out);
			fputc('\n', out);
			continue;
		}
		if (keyring_seen(c, i))
			continue;
		fprintf(out, "crypto ikev2 keyring %s\n", k->keyring);
		for (unsigned j = i; j < c->n_psks; j++)
			if (!strcmp(c->psks[j].keyring, k->keyring))
				print_keyring_peer(&c->psks[j], out);
	}
}

/* ---- certificates and profiles ---- */

static void print_file(const char *what, const struct conf_file *f, FILE *out)
{
	if (f->path)
		fprintf(out, " %s file %s\n", what, f->path);
}

static void print_trustpoint(const struct trustpoint *t, FILE *out)
{
	fprintf(out, "crypto pki trustpoint %s\n", t->name);
	print_file("ca", &t->ca, out);
	print_file("certificate", &t->cert, out);
	print_file("key", &t->key, out);
	print_file("crl", &t->crl, out);
	if (t->revocation)
		fprintf(out, " revocation-check %s\n",
			t->revocation == REVOCATION_CRL ? "crl" : "none");
}

static void print_auth(const struct ikev2_profile *f, FILE *out)
{
	static const struct {
		unsigned bit;
		const char *word;
	} methods[] = { { AUTH_BY_PSK, "pre-share" },
			{ PKI_RSA, "rsa-sig" },
			{ PKI_ECDSA, "ecdsa-sig" },
			{ PKI_EDDSA, "eddsa-sig" } };

	for (unsigned i = 0; i < 4; i++)
		if (f->auth_local == methods[i].bit)
			fprintf(out, " authentication local %s%s\n", methods[i].word,
				f->pkcs1 ? " pkcs1" : "");
	for (unsigned i = 0; i < 4; i++)
		if (f->auth_remote & methods[i].bit)
			fprintf(out, " authentication remote %s\n", methods[i].word);
}

static void print_profile(const struct ikev2_profile *f, FILE *out)
{
	fprintf(out, "crypto ikev2 profile %s\n", f->name);
	for (unsigned i = 0; i < f->n_remotes; i++) {
		fputs(" match identity remote ", out);
		print_identity(&f->remotes[i].id, f->remotes[i].domain, out);
	}
	if (f->local_dn)
		fputs(" identity local dn\n", out);
	if (f->local.type != IKE_ID_NONE) {
		fputs(" identity local ", out);
		print_identity(&f->local, false, out);
	}
	print_auth(f, out);
	if (*f->keyring)
		fprintf(out, " keyring local %s\n", f->keyring);
	for (unsigned i = 0; i < f->n_uses; i++)
		fprintf(out, " pki trustpoint %s%s\n", f->uses[i].name,
			!f->uses[i].verify ? " sign" : !f->uses[i].sign ? " verify" : "");
	if (f->lifetime_s)
		fprintf(out, " lifetime %u\n", f->lifetime_s);
}

static void print_set(const struct transform_set *s, FILE *out)
{
	const struct esp_suite *e = &s->suite;

	fprintf(out, "crypto ipsec transform-set %s ", s->name);
	switch (e->encr) {
	case ENCR_AES_GCM_16:
		fprintf(out, "esp-gcm %u", e->key_bits);
		break;
	case ENCR_CHACHA20_POLY1305:
		fputs("esp-chacha20-poly1305", out);
		break;
	case ENCR_NULL_AUTH_AES_GMAC:
		fprintf(out, "esp-gmac %u", e->key_bits);
		break;
	case ENCR_AES_CTR:
		fprintf(out, "esp-aes-ctr %u", e->key_bits);
		break;
	case ENCR_NULL:
		fputs("esp-null", out);
		break;
	default:
		fprintf(out, "esp-aes %u", e->key_bits);
	}
	switch (e->integ) {
	case INTEG_HMAC_SHA2_256_128:
		fputs(" esp-sha256-hmac", out);
		break;
	case INTEG_HMAC_SHA2_384_192:
		fputs(" esp-sha384-hmac", out);
		break;
	case INTEG_HMAC_SHA2_512_256:
		fputs(" esp-sha512-hmac", out);
		break;
	default:
		break;
	}
	fputs("\n mode tunnel\n", out);
	if (e->esn)
		fputs(" esn\n", out);
}

static void print_fragmentation(const struct fragmentation *f, FILE *out)
{
	if (f->off)
		fputs("no crypto ikev2 fragmentation\n", out);
	else if (f->mtu)
		fprintf(out, "crypto ikev2 fragmentation mtu %u\n", f->mtu);
}

/* ---- names ---- */

static void print_addrs(const struct addr *list, unsigned n, FILE *out)
{
	char buf[ADDR_STRLEN];

	for (unsigned i = 0; i < n; i++)
		fprintf(out, " %s", addr_print(&list[i], buf, sizeof(buf)));
	fputc('\n', out);
}

static void print_names(const struct config *c, FILE *out)
{
	for (unsigned i = 0; i < c->n_hosts; i++) {
		fprintf(out, "ip host %s", c->hosts[i].name);
		print_addrs(c->hosts[i].addrs, c->hosts[i].n_addrs, out);
	}
	if (c->n_name_servers) {
		fputs("ip name-server", out);
		print_addrs(c->name_servers, c->n_name_servers, out);
	}
	if (c->trust_anchor)
		fprintf(out, "ip dnssec trust-anchor %s\n", c->trust_anchor);
}

/* ---- access lists ---- */

static void print_side(const struct prefix *p, FILE *out)
{
	char buf[ADDR_STRLEN];
	struct addr wild = {.family = AF_INET};

	addr_print(&p->addr, buf, sizeof(buf));
	if (!p->len) {
		fputs(" any", out);
	} else if (p->len == 8 * addr_len(&p->addr)) {
		fprintf(out, " host %s", buf);
	} else if (p->addr.family == AF_INET6) {
		fprintf(out, " %s/%u", buf, p->len);
	} else {
		fprintf(out, " %s", buf);
		wild.v4.s_addr = htonl(0xffffffffu >> p->len);
		fprintf(out, " %s", addr_print(&wild, buf, sizeof(buf)));
	}
}

static void print_line(const struct acl_line *l, sa_family_t family, FILE *out)
{
	fprintf(out, "%s %s", l->permit ? "permit" : "deny", family == AF_INET ? "ip" : "ipv6");
	print_side(&l->sel.src, out);
	print_side(&l->sel.dst, out);
	fputc('\n', out);
}

static bool numbering_regular(const struct acl *a)
{
	for (unsigned i = 0; i < a->n_lines; i++)
		if (a->lines[i].seq != (i + 1) * SEQ_STEP)
			return false;
	return true;
}

static void print_acl(const struct acl *a, FILE *out)
{
	bool regular = numbering_regular(a), ipv6 = a->family == AF_INET6;
	bool numbered = isdigit((unsigned char)a->name[0]) && a->n_lines &&
			!a->name[strspn(a->name, "0123456789")];

	if (numbered && regular) {
		for (unsigned i = 0; i < a->n_lines; i++) {
			fprintf(out, "access-list %s ", a->name);
			print_line(&a->lines[i], a->family, out);
		}
		return;
	}
	fprintf(out, "%s %s\n", ipv6 ? "ipv6 access-list" : "ip access-list extended", a->name);
	for (unsigned i = 0; i < a->n_lines; i++) {
		fputc(' ', out);
		if (!regular)
			fprintf(out, "%s%u ", ipv6 ? "sequence " : "", a->lines[i].seq);
		print_line(&a->lines[i], a->family, out);
	}
}

/* ---- maps ---- */

/* One that equals the global value is not in the running configuration (§2.2). */
static void print_idle(const struct idle_time *t, FILE *out)
{
	if (!t->ms || t->not_added)
		return;
	fprintf(out, " set security-association idle-time %s%u%s\n",
		t->millis ? "milliseconds " : "", t->millis ? t->ms : t->ms / 1000,
		t->home ? " default" : "");
}

static void print_timeout(uint32_t ms, FILE *out)
{
	if (ms && ms % 1000 == 0)
		fprintf(out, " set ikev2 connect-timeout %u\n", ms / 1000);
	else if (ms)
		fprintf(out, " set ikev2 connect-timeout milliseconds %u\n", ms);
}

static void print_limits(const struct ike_limits *l, FILE *out)
{
	if (l->half_open)
		fprintf(out, "crypto ikev2 limit max-in-negotiation-sa %u\n", l->half_open);
	if (l->sas)
		fprintf(out, "crypto ikev2 limit max-sa %u\n", l->sas);
	if (l->cookies)
		fprintf(out, "crypto ikev2 cookie-challenge %u\n", l->cookies);
}

static void print_sets(const struct map_entry *e, FILE *out)
{
	if (!e->n_sets)
		return;
	fputs(" set transform-set", out);
	for (unsigned i = 0; i < e->n_sets; i++)
		fprintf(out, " %s", e->set_names[i]);
	fputc('\n', out);
}

static void print_peer(const struct conf_peer *q, FILE *out)
{
	fprintf(out, " set peer %s%s%s", q->text, q->is_dynamic ? " dynamic" : "",
		q->is_default ? " default" : "");
	if (*q->profile_name)
		fprintf(out, " ikev2-profile %s", q->profile_name);
	fputc('\n', out);
}

static void print_replay(const char *command, const struct replay *r, FILE *out)
{
	if (r->off)
		fprintf(out, "%s replay disable\n", command);
	else if (r->window)
		fprintf(out, "%s replay window-size %u\n", command, r->window);
}

static void print_entry(const struct map_entry *e, FILE *out)
{
	const struct map *m = e->map;

	if (m->is_dynamic)
		fprintf(out, "crypto dynamic-map %s %u\n", m->name, e->seq);
	else
		fprintf(out, "crypto map %s%s %u ipsec-isakmp%s%s\n",
			m->family == AF_INET6 ? "ipv6 " : "", m->name, e->seq,
			e->dynamic ? " dynamic " : "", e->dynamic_name);
	if (e->description)
		fprintf(out, " description %s\n", e->description);
	for (unsigned i = 0; i < e->n_peers; i++)
		print_peer(&e->peers[i], out);
	if (*e->profile_name)
		fprintf(out, " set ikev2-profile %s\n", e->profile_name);
	print_idle(&e->idle, out);
	if (e->lifetime_s)
		fprintf(out, " set security-association lifetime seconds %u\n", e->lifetime_s);
	if (e->lifetime_kb_off)
		fputs(" set security-association lifetime kilobytes disable\n", out);
	else if (e->lifetime_kb)
		fprintf(out, " set security-association lifetime kilobytes %llu\n",
			(unsigned long long)e->lifetime_kb);
	print_replay(" set security-association", &e->replay, out);
	if (e->pfs)
		fprintf(out, " set pfs group%d\n", e->pfs);
	print_sets(e, out);
	print_timeout(e->answer_ms, out);
	if (*e->acl_name)
		fprintf(out, " match address %s\n", e->acl_name);
}

static void print_map(const struct map *m, FILE *out)
{
	if (*m->local_address)
		fprintf(out, "crypto map %s%s local-address %s\n",
			m->family == AF_INET6 ? "ipv6 " : "", m->name, m->local_address);
	for (unsigned i = 0; i < m->n_entries; i++)
		print_entry(m->entries[i], out);
}

static void print_interfaces(const struct map *m, FILE *out)
{
	for (unsigned i = 0; i < m->n_interfaces; i++)
		fprintf(out, "interface %s\n %scrypto map %s\n", m->interfaces[i],
			m->family == AF_INET6 ? "ipv6 " : "", m->name);
}

void config_print(const struct config *c, FILE *out)
{
	if (*c->hostname)
		fprintf(out, "hostname %s\n", c->hostname);
	print_names(c, out);
	print_dpd(&c->dpd, out);
	print_fragmentation(&c->frag, out);
	print_limits(&c->limits, out);
	print_ikev2(c, out);
	print_keys(c, out);
	for (unsigned i = 0; i < c->n_trustpoints; i++)
		print_trustpoint(c->trustpoints[i], out);
	for (unsigned i = 0; i < c->n_profiles; i++)
		print_profile(c->profiles[i], out);
	if (c->idle_ms)
		fprintf(out, "crypto ipsec security-association idle-time %u\n", c->idle_ms / 1000);
	if (c->child_lifetime_s != CHILD_LIFETIME_S)
		fprintf(out, "crypto ipsec security-association lifetime seconds %u\n",
			c->child_lifetime_s);
	if (!c->child_lifetime_kb)
		fputs("crypto ipsec security-association lifetime kilobytes disable\n", out);
	else if (c->child_lifetime_kb != CHILD_LIFETIME_KB)
		fprintf(out, "crypto ipsec security-association lifetime kilobytes %llu\n",
			(unsigned long long)c->child_lifetime_kb);
	print_replay("crypto ipsec security-association", &c->replay, out);
	for (unsigned i = 0; i < c->n_sets; i++)
		print_set(c->sets[i], out);
	for (unsigned i = 0; i < c->n_acls; i++)
		print_acl(c->acls[i], out);
	for (unsigned i = 0; i < c->n_dynamics; i++)
		print_map(c->dynamics[i], out);
	for (unsigned i = 0; i < c->n_maps; i++)
		print_map(c->maps[i], out);
	for (unsigned i = 0; i < c->n_maps; i++)
		print_interfaces(c->maps[i], out);
}
