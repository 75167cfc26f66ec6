// SPDX-License-Identifier: GPL-2.0-or-later
/* parse(print(c)) is c, but for secrets, over configurations made at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/test/conf_help.h"

#define ELEMS(a) (sizeof(a) / sizeof((a)[0]))

#define ROUNDS 3000

/* ---- making one ---- */

struct gen {
	FILE *out;
	uint64_t seed;
};

static unsigned pick(struct gen *g, unsigned n)
{
	g->seed = g->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(g->seed >> 33) % n;
}

#define maybe(g) (pick(g, 2) == 0)
#define say(g, ...) fprintf((g)->out, __VA_ARGS__)

static void gen_replay(struct gen *g, const char *command)
{
	if (pick(g, 3) == 0)
		say(g, "%s replay disable\n", command);
	else if (maybe(g))
		say(g, "%s replay window-size %u\n", command, 64u << pick(g, 5));
}

static void gen_timers(struct gen *g)
{
	static const char *const modes[] = {"periodic", "on-demand"};

	if (maybe(g))
		say(g, "crypto isakmp keepalive %u %u %s\n", 10 + pick(g, 3591), 2 + pick(g, 59),
		    modes[pick(g, 2)]);
	if (pick(g, 3) == 0)
		say(g, "crypto ikev2 dpd %u %u %s%s%s\n", 10 + pick(g, 3591), 2 + pick(g, 59),
		    modes[pick(g, 2)], maybe(g) ? " strict" : "", maybe(g) ? " spacing fixed" : "");
	else if (pick(g, 3) == 0)
		say(g, "crypto ikev2 dpd milliseconds %u %u %s\n", 50 + pick(g, 9999),
		    20 + pick(g, 999), modes[pick(g, 2)]);
	if (maybe(g))
		say(g, "crypto ikev2 proposal P%u\n encryption aes-cbc-%u aes-gcm-256\n integrity sha512 sha256\n"
		    "%s group %u 31\ncrypto ikev2 policy O\n%s proposal P%u\n", 1, 128 + 64 * pick(g, 3),
		    maybe(g) ? " prf sha384\n" : "", 14 + pick(g, 3),
		    maybe(g) ? " match address local 10.9.9.9\n" : "", 1);
	if (maybe(g))
		say(g, "crypto logging %s\n", maybe(g) ? "session" : "ikev2");
	if (pick(g, 3) == 0)
		say(g, "crypto ikev2 fragmentation mtu %u\n", 68 + pick(g, 1433));
	else if (pick(g, 3) == 0)
		say(g, "%scrypto ikev2 fragmentation\n", maybe(g) ? "no " : "");
	if (maybe(g))
		say(g, "crypto ipsec security-association idle-time %u\n", 60 + pick(g, 3));
	if (maybe(g))
		say(g, "crypto ipsec security-association lifetime seconds %u\n",
		    120 + pick(g, 86281));
	if (pick(g, 3) == 0)
		say(g, "crypto ipsec security-association lifetime kilobytes disable\n");
	else if (maybe(g))
		say(g, "crypto ipsec security-association lifetime kilobytes %u\n",
		    2560 + pick(g, 86281));
	gen_replay(g, "crypto ipsec security-association");
}

static void gen_names(struct gen *g)
{
	for (unsigned i = 0; i < 3; i++)
		if (maybe(g))
			say(g, "ip host hub%u.example 10.%u.1.1%s\n", pick(g, 2), i,
			    maybe(g) ? " 2001:db8::1" : "");
	for (unsigned i = 0; i < 3; i++)
		if (maybe(g))
			say(g, "ip name-server 10.53.0.%u%s\n", i, maybe(g) ? " 2001:db8::53" : "");
	if (maybe(g))
		say(g, "ip dnssec trust-anchor /etc/anchor%u\n", pick(g, 2));
}

static void gen_identity(struct gen *g, unsigned i)
{
	static const char *const kinds[] = {"fqdn h%u.example", "email a@h%u.example", "key-id k%u",
					    "address 10.66.0.%u"};
	char text[64];

	/* The formats are ours, each with one %u. */
	snprintf(text, sizeof(text), kinds[pick(g, 4)], i);
	if (maybe(g))
		say(g, "  identity %s\n", text);
}

static void gen_secrets(struct gen *g, unsigned i)
{
	static const char *const forms[] = { "x%u", "0 x%u", "hex 0%u", "file /etc/psk%u", "6 QUJD%u" };
	char text[64];

	snprintf(text, sizeof(text), forms[pick(g, 5)], i);
	if (maybe(g)) {
		say(g, "  pre-shared-key local %s\n  pre-shared-key remote y\n", text);
		return;
	}
	say(g, "  pre-shared-key %s\n", text);
	if (maybe(g))
		say(g, "  pre-shared-key next %s\n", text);
}

static void gen_keys(struct gen *g)
{
	for (unsigned i = 0; i < 4; i++)
		if (maybe(g))
			say(g, "crypto isakmp key s%u address 10.%u.0.0 255.%u.0.0\n", i, i,
			    maybe(g) ? 255 : 254 + (i & 1));
	for (unsigned i = 0; i < 6; i++) {
		if (maybe(g))
			continue;
		say(g, "crypto ikev2 keyring K%u\n peer p%u\n", pick(g, 2), i);
		if (maybe(g))
			say(g, "  address 172.16.%u.%u\n", i, pick(g, 256));
		else
			say(g, "  address 2001:db8:%x::/%u\n", i + 1, 48 + pick(g, 80));
		gen_identity(g, i);
		gen_secrets(g, i);
	}
	if (maybe(g))
		say(g, "crypto isakmp key s hostname hub%u.example\n", pick(g, 3));
	say(g, "key config-key password-encrypt file /etc/master\n");
}

static void gen_trustpoints(struct gen *g)
{
	static const char *const checks[] = { "", " revocation-check none\n" };

	for (unsigned i = 0; i < 2; i++) {
		say(g, "crypto pki trustpoint TP%u\n ca file /etc/ca%u.pem\n", i, i);
		say(g, " certificate file /etc/c%u.pem\n key file /etc/k%u.pem\n", i, i);
		if (maybe(g))
			say(g, " crl file /etc/crl%u.pem\n%s", i, maybe(g) ? " revocation-check crl\n" : "");
		else
			say(g, "%s", checks[pick(g, 2)]);
	}
}

static void gen_matches(struct gen *g, unsigned i)
{
	static const char *const kinds[] = { "fqdn h%u.example",	 "fqdn domain d%u.example",
					     "email domain e%u.example", "email a@e%u.example",
					     "key-id k%u",		 "address 10.66.1.%u",
					     "dn C=US, O=A\\, B, CN=h%u" };
	char text[64];

	for (unsigned k = 0; k < pick(g, 4); k++) {
		/* The formats are ours, each with one %u. */
		snprintf(text, sizeof(text), kinds[pick(g, 7)], i);
		say(g, " match identity remote %s\n", text);
	}
}

static void gen_profile_sa(struct gen *g, unsigned i)
{
	if (maybe(g))
		say(g, " description of  profile %u\n", i);
	if (maybe(g))
		say(g, " dpd %s%u %u %s%s\n", maybe(g) ? "milliseconds " : "", 50 + pick(g, 3000),
		    20 + pick(g, 40), maybe(g) ? "periodic" : "on-demand",
		    maybe(g) ? " strict spacing fixed" : "");
	if (maybe(g))
		say(g, " nat keepalive %u\n", 5 + pick(g, 3596));
	if (maybe(g))
		say(g, " initial-contact force\n");
	if (maybe(g))
		say(g, " pki send-certificate %s\n", maybe(g) ? "always" : "on-request");
}

static void gen_cert_maps(struct gen *g)
{
	static const char *const rules[] = { "subject-name co  o=Example", "issuer-name eq CN=Root",
					     "alt-subject-name nc .evil", "serial-number ne 0a:1B",
					     "name co hub" };

	for (unsigned i = 0; i < 4; i++) {
		say(g, "crypto pki certificate map M%u %u\n", i & 1, 1 + pick(g, 30));
		for (unsigned k = pick(g, 4); k; k--)
			say(g, " %s\n", rules[pick(g, 5)]);
	}
}

static void gen_profiles(struct gen *g)
{
	static const char *const methods[] = { "pre-share", "rsa-sig", "ecdsa-sig", "eddsa-sig" };
	static const char *const locals[] = { "fqdn me.example", "address 10.7.7.7", "dn",
					      "email me@example", "key-id me" };
	static const char *const uses[] = { "", " sign", " verify" };

	gen_cert_maps(g);
	for (unsigned i = 0; i < 3; i++) {
		unsigned local = pick(g, 4);

		say(g, "crypto ikev2 profile P%u\n", i);
		gen_matches(g, i);
		if (maybe(g))
			say(g, " identity local %s\n", locals[local ? pick(g, 5) : pick(g, 2)]);
		say(g, " authentication local %s%s\n", methods[local],
		    local == 1 && maybe(g) ? " pkcs1" : "");
		if (maybe(g))
			say(g, " match certificate M%u\n authentication remote %s\n", pick(g, 2),
			    methods[1 + pick(g, 3)]);
		else
			say(g, " authentication remote %s\n authentication remote %s\n",
			    methods[pick(g, 4)], methods[pick(g, 4)]);
		say(g, " pki trustpoint TP0\n");
		if (maybe(g))
			say(g, " pki trustpoint TP1%s\n", uses[pick(g, 3)]);
		if (i == 2 && maybe(g))
			say(g, " keyring local KP\n");
		if (maybe(g))
			say(g, " lifetime %u\n", maybe(g) ? 86400 : 120 + pick(g, 9999));
		gen_profile_sa(g, i);
	}
	say(g, "crypto ikev2 keyring KP\n peer p\n  address 172.31.0.1\n");
	say(g, "  identity dn O=Example, CN=hub\n%s", maybe(g) ? "  pre-shared-key x\n" : "");
}

static void gen_side4(struct gen *g, unsigned i)
{
	switch (pick(g, 4)) {
	case 0:
		say(g, " host 10.%u.%u.%u", i, pick(g, 256), pick(g, 256));
		break;
	case 1:
		say(g, " 192.168.%u.0 0.0.0.255", pick(g, 256));
		break;
	case 2:
		say(g, " 10.%u.0.0/16", i);
		break;
	default:
		say(g, " 10.%u.%u.77 0.0.%u.255", i, pick(g, 256), (1u << pick(g, 8)) - 1);
		break;
	}
}

static void gen_ports(struct gen *g)
{
	static const char *const ops[] = { "eq", "lt", "gt" };
	unsigned lo = 1 + pick(g, 9000);

	if (maybe(g))
		return;
	if (pick(g, 3))
		say(g, " %s %u", ops[pick(g, 3)], maybe(g) ? lo % 100 + 1 : lo);
	else
		say(g, " range %u %u", lo, lo + pick(g, 900));
}

static void gen_line4(struct gen *g, unsigned i)
{
	static const char *const protos[] = { "ip", "tcp", "udp", "sctp", "icmp", "gre", "200" };
	unsigned proto = maybe(g) ? 0 : pick(g, ELEMS(protos));
	bool ports = proto >= 1 && proto <= 3, icmp = proto == 4;

	say(g, " %s %s", maybe(g) ? "permit" : "deny", protos[proto]);
	gen_side4(g, i);
	if (ports)
		gen_ports(g);
	if (pick(g, 4) == 0)
		say(g, " any");
	else
		gen_side4(g, i + 100);
	if (ports)
		gen_ports(g);
	if (icmp && maybe(g))
		say(g, " %u%s", pick(g, 14), maybe(g) ? " 1" : "");
	say(g, "\n");
}

static void gen_acls(struct gen *g)
{
	for (unsigned i = 0; i < 1 + pick(g, 5); i++) {
		say(g, "access-list 101");
		gen_line4(g, i);
	}
	say(g, "ip access-list extended LAN\n");
	for (unsigned i = 0; i < pick(g, 5); i++) {
		if (maybe(g))
			say(g, " %u", 1000 * (i + 1) + pick(g, 900));
		gen_line4(g, i);
	}
	say(g, "ip access-list extended 2000\n %u permit ip host 10.0.0.1 any\n", 1 + pick(g, 20));
	say(g, "ipv6 access-list SIX\n");
	for (unsigned i = 0; i < pick(g, 4); i++) {
		if (maybe(g))
			say(g, " sequence %u", 1000 * (i + 1));
		say(g, " %s ipv6 host 2001:db8::%x 2001:db8:%x::/%u\n",
		    maybe(g) ? "permit" : "deny", i + 1, i + 1, 48 + pick(g, 80));
	}
}

static void gen_sets(struct gen *g)
{
	static const char *const kinds[] = {"esp-gcm", "esp-gcm 256", "esp-aes esp-sha256-hmac",
					    "esp-aes 256 esp-sha512-hmac", "esp-chacha20-poly1305",
					    "esp-gmac 192", "esp-null esp-sha384-hmac",
					    "esp-aes-ctr 192 esp-sha384-hmac"};
	static const char *const ah[] = {"ah-sha256-hmac", "ah-sha384-hmac", "ah-sha512-hmac"};
	static const char *const modes[] = {"", " mode tunnel\n", " mode transport\n",
					    " mode transport require\n"};
	const char *mode = modes[pick(g, ELEMS(modes))];
	bool is_ah = pick(g, 4) == 0;

	/* An entry has sets of one protocol and of one mode. */
	for (unsigned i = 0; i < 6; i++)
		say(g, "crypto ipsec transform-set T%u %s\n%s", i,
		    is_ah ? ah[pick(g, ELEMS(ah))] : kinds[pick(g, ELEMS(kinds))], mode);
}

static void gen_entry_body(struct gen *g, bool ipv6)
{
	static const char *const acls[] = {"101", "LAN", "2000", "SIX"};
	unsigned n = pick(g, 5);

	for (unsigned i = 0; i < n; i++) {
		if (pick(g, 5) == 0)
			say(g, " set peer hub%u.example%s", i, maybe(g) ? " dynamic" : "");
		else
			say(g, ipv6 ? " set peer 2001:db8:ffff::%x" : " set peer 10.1.1.%u", i + 1);
		say(g, "%s", i == 0 && maybe(g) ? " default" : "");
		if (pick(g, 4) == 0)
			say(g, " ikev2-profile P%u", pick(g, 3));
		say(g, "\n");
	}
	if (pick(g, 3) == 0)
		say(g, " set ikev2-profile P%u\n", pick(g, 3));
	if (maybe(g))
		say(g, " set security-association %s %u%s\n", maybe(g) ? "idletime" : "idle-time",
		    60 + pick(g, 3), maybe(g) ? " default" : "");
	else if (maybe(g))
		say(g, " set security-association idle-time milliseconds %u\n",
		    100 + pick(g, 9999));
	if (maybe(g))
		say(g, " set security-association lifetime seconds %u\n", 120 + pick(g, 9999));
	if (pick(g, 3) == 0)
		say(g, " set security-association lifetime kilobytes disable\n");
	else if (maybe(g))
		say(g, " set security-association lifetime kilobytes %u\n", 2560 + pick(g, 9999));
	gen_replay(g, " set security-association");
	if (maybe(g))
		say(g, " set pfs group%u\n", maybe(g) ? 14 : 31);
	if (maybe(g))
		say(g, " set ikev2 connect-timeout milliseconds %u\n", 250 * (1 + pick(g, 100)));
	if (maybe(g))
		say(g, " match address %s\n", acls[pick(g, 4)]);
	if (maybe(g))
		say(g, " description entry %u  of many\n", pick(g, 100));
	n = pick(g, 7);
	for (unsigned i = 0; i < n; i++)
		say(g, "%s T%u%s", i ? "" : " set transform-set", (i * 5 + 1) % 6,
		    i + 1 == n ? "\n" : "");
}

static char *generate(uint64_t seed)
{
	char *text = NULL;
	size_t size;
	struct gen g = {open_memstream(&text, &size), seed};

	assert_non_null(g.out);
	gen_names(&g);
	gen_timers(&g);
	gen_keys(&g);
	gen_trustpoints(&g);
	gen_profiles(&g);
	for (unsigned i = 0; i < 1 + pick(&g, 4); i++) {
		bool ipv6 = i & 1;

		say(&g, "crypto map %sm%u %u ipsec-isakmp\n", ipv6 ? "ipv6 " : "", ipv6,
		    1 + pick(&g, 65535));
		gen_entry_body(&g, ipv6);
		if (maybe(&g))
			say(&g, "crypto map %sm%u local-address lo%u\n", ipv6 ? "ipv6 " : "", ipv6,
			    i);
		if (maybe(&g))
			say(&g, "interface wan%u\n crypto map m%u\n", pick(&g, 3), ipv6);
	}
	gen_acls(&g);
	gen_sets(&g);
	if (maybe(&g))
		say(&g, "hostname gw%u\n", pick(&g, 10));
	fclose(g.out);
	return text;
}

/* ---- comparing two ---- */

static void same_dpd(const struct dpd *a, const struct dpd *b)
{
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->interval_ms, b->interval_ms);
	assert_int_equal(a->retry_ms, b->retry_ms);
	assert_int_equal(a->strict, b->strict);
	assert_int_equal(a->fixed, b->fixed);
	assert_int_equal(a->millis, b->millis);
	assert_int_equal(a->keepalive, b->keepalive);
}

static void same_text(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void same_secret(const struct psk_secret *a, const struct psk_secret *b)
{
	assert_int_equal(!a->bytes, !b->bytes);
	if (b->bytes)
		assert_memory_equal(b->bytes, "<hidden>", b->len);
	same_text(a->path, b->path);
	same_text(a->sealed, b->sealed);
}

static void same_key(const struct psk *a, const struct psk *b)
{
	assert_true(prefix_equal(&a->peer, &b->peer));
	assert_int_equal(a->identity.type, b->identity.type);
	assert_true(ike_id_equal(&a->identity, &b->identity));
	assert_string_equal(a->keyring, b->keyring);
	assert_string_equal(a->name, b->name);
	assert_int_equal(!a->host, !b->host);
	if (a->host)
		assert_string_equal(a->host, b->host);
	assert_int_equal(a->one_way, b->one_way);
	same_secret(&a->key, &b->key);
	same_secret(&a->theirs, &b->theirs);
	same_secret(&a->next, &b->next);
}

static void same_cert_map(const struct pki_map *a, const struct pki_map *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->n, b->n);
	for (unsigned i = 0; i < a->n; i++) {
		assert_int_equal(a->seqs[i].seq, b->seqs[i].seq);
		assert_int_equal(a->seqs[i].n, b->seqs[i].n);
		for (unsigned k = 0; k < a->seqs[i].n; k++) {
			assert_int_equal(a->seqs[i].rules[k].field, b->seqs[i].rules[k].field);
			assert_int_equal(a->seqs[i].rules[k].op, b->seqs[i].rules[k].op);
			assert_string_equal(a->seqs[i].rules[k].text, b->seqs[i].rules[k].text);
		}
	}
}

static void same_profile(const struct ikev2_profile *a, const struct ikev2_profile *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->n_remotes, b->n_remotes);
	for (unsigned i = 0; i < a->n_remotes; i++) {
		assert_int_equal(a->remotes[i].domain, b->remotes[i].domain);
		assert_true(ike_id_equal(&a->remotes[i].id, &b->remotes[i].id));
	}
	assert_int_equal(a->local_dn, b->local_dn);
	assert_true(ike_id_equal(&a->local, &b->local));
	assert_int_equal(a->auth_local, b->auth_local);
	assert_int_equal(a->auth_remote, b->auth_remote);
	assert_int_equal(a->pkcs1, b->pkcs1);
	assert_int_equal(a->lifetime_s, b->lifetime_s);
	assert_string_equal(a->cert_map_name, b->cert_map_name);
	assert_int_equal(!a->description, !b->description);
	if (a->description)
		assert_string_equal(a->description, b->description);
	assert_int_equal(a->dpd.mode, b->dpd.mode);
	assert_int_equal(a->dpd.interval_ms, b->dpd.interval_ms);
	assert_int_equal(a->dpd.retry_ms, b->dpd.retry_ms);
	assert_int_equal(a->dpd.strict, b->dpd.strict);
	assert_int_equal(a->dpd.fixed, b->dpd.fixed);
	assert_int_equal(a->nat_keepalive_s, b->nat_keepalive_s);
	assert_int_equal(a->contact_forced, b->contact_forced);
	assert_int_equal(a->cert_if_asked, b->cert_if_asked);
	assert_string_equal(a->keyring, b->keyring);
	assert_int_equal(a->n_uses, b->n_uses);
	for (unsigned i = 0; i < a->n_uses; i++) {
		assert_string_equal(a->uses[i].trustpoint->name, b->uses[i].trustpoint->name);
		assert_int_equal(a->uses[i].sign, b->uses[i].sign);
		assert_int_equal(a->uses[i].verify, b->uses[i].verify);
	}
}

static void same_text(const char *a, const char *b);

static void same_trustpoint(const struct trustpoint *a, const struct trustpoint *b)
{
	assert_string_equal(a->name, b->name);
	same_text(a->ca.path, b->ca.path);
	same_text(a->cert.path, b->cert.path);
	same_text(a->key.path, b->key.path);
	same_text(a->crl.path, b->crl.path);
	assert_int_equal(a->revocation, b->revocation);
}

static void same_acl(const struct acl *a, const struct acl *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->family, b->family);
	assert_int_equal(a->n_lines, b->n_lines);
	for (unsigned i = 0; i < a->n_lines; i++) {
		assert_int_equal(a->lines[i].permit, b->lines[i].permit);
		assert_int_equal(a->lines[i].seq, b->lines[i].seq);
		assert_true(selector_equal(&a->lines[i].sel, &b->lines[i].sel));
	}
}

/* What equals the global value is not in the running configuration: gone in b. */
static void same_idle(const struct idle_time *a, const struct idle_time *b)
{
	static const struct idle_time none;
	const struct idle_time *want = a->not_added ? &none : a;

	assert_int_equal(want->ms, b->ms);
	assert_int_equal(want->home, b->home);
	assert_int_equal(want->millis, b->millis);
	assert_false(b->not_added);
}

static void same_entry(const struct map_entry *a, const struct map_entry *b)
{
	assert_int_equal(a->seq, b->seq);

	assert_int_equal(a->n_peers, b->n_peers);
	for (unsigned i = 0; i < a->n_peers; i++) {
		assert_string_equal(a->peers[i].text, b->peers[i].text);
		assert_int_equal(a->peers[i].is_default, b->peers[i].is_default);
		assert_int_equal(a->peers[i].is_name, b->peers[i].is_name);
		assert_int_equal(a->peers[i].is_dynamic, b->peers[i].is_dynamic);
		assert_true(addr_equal(&a->peers[i].addr, &b->peers[i].addr));
		assert_int_equal(!a->peers[i].profile, !b->peers[i].profile);
		if (a->peers[i].profile)
			assert_string_equal(a->peers[i].profile->name, b->peers[i].profile->name);
	}
	assert_int_equal(a->has_default, b->has_default);
	same_text(a->acl ? a->acl->name : NULL, b->acl ? b->acl->name : NULL);
	assert_int_equal(a->n_sets, b->n_sets);
	for (unsigned i = 0; i < a->n_sets; i++)
		assert_string_equal(a->sets[i]->name, b->sets[i]->name);
	same_idle(&a->idle, &b->idle);
	assert_int_equal(a->answer_ms, b->answer_ms);
	assert_int_equal(a->lifetime_s, b->lifetime_s);
	assert_int_equal(a->lifetime_kb, b->lifetime_kb);
	assert_int_equal(a->lifetime_kb_off, b->lifetime_kb_off);
	assert_int_equal(a->pfs, b->pfs);
	assert_int_equal(a->replay.window, b->replay.window);
	assert_int_equal(a->replay.off, b->replay.off);
}

static void same_addrs(const struct addr *a, unsigned n, const struct addr *b, unsigned m)
{
	assert_int_equal(n, m);
	for (unsigned i = 0; i < n; i++)
		assert_true(addr_equal(&a[i], &b[i]));
}

static void same_names(const struct config *a, const struct config *b)
{
	same_addrs(a->name_servers, a->n_name_servers, b->name_servers, b->n_name_servers);
	same_text(a->trust_anchor, b->trust_anchor);
	assert_int_equal(a->n_hosts, b->n_hosts);
	for (unsigned i = 0; i < a->n_hosts; i++) {
		same_text(a->hosts[i].name, b->hosts[i].name);
		same_addrs(a->hosts[i].addrs, a->hosts[i].n_addrs, b->hosts[i].addrs,
			   b->hosts[i].n_addrs);
	}
}

static void same_map(const struct map *a, const struct map *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->family, b->family);
	assert_string_equal(a->local_address, b->local_address);
	assert_int_equal(a->n_interfaces, b->n_interfaces);
	for (unsigned i = 0; i < a->n_interfaces; i++)
		assert_string_equal(a->interfaces[i], b->interfaces[i]);
	assert_int_equal(a->n_entries, b->n_entries);
	for (unsigned i = 0; i < a->n_entries; i++)
		same_entry(a->entries[i], b->entries[i]);
}

static void same_config(const struct config *a, const struct config *b)
{
	assert_string_equal(a->hostname, b->hostname);
	assert_int_equal(a->idle_ms, b->idle_ms);
	same_dpd(&a->dpd, &b->dpd);
	same_names(a, b);
	assert_int_equal(a->child_lifetime_s, b->child_lifetime_s);
	assert_int_equal(a->child_lifetime_kb, b->child_lifetime_kb);
	assert_int_equal(a->replay.window, b->replay.window);
	assert_int_equal(a->replay.off, b->replay.off);
	assert_int_equal(a->n_psks, b->n_psks);
	for (unsigned i = 0; i < a->n_psks; i++)
		same_key(&a->psks[i], &b->psks[i]);
	assert_int_equal(a->n_trustpoints, b->n_trustpoints);
	for (unsigned i = 0; i < a->n_trustpoints; i++)
		same_trustpoint(a->trustpoints[i], b->trustpoints[i]);
	assert_int_equal(a->n_cert_maps, b->n_cert_maps);
	for (unsigned i = 0; i < a->n_cert_maps; i++)
		same_cert_map(a->cert_maps[i], b->cert_maps[i]);
	assert_int_equal(a->n_profiles, b->n_profiles);
	for (unsigned i = 0; i < a->n_profiles; i++)
		same_profile(a->profiles[i], b->profiles[i]);
	assert_int_equal(a->n_sets, b->n_sets);
	for (unsigned i = 0; i < a->n_sets; i++) {
		assert_string_equal(a->sets[i]->name, b->sets[i]->name);
		assert_memory_equal(&a->sets[i]->suite, &b->sets[i]->suite,
				    sizeof(a->sets[i]->suite));
	}
	assert_int_equal(a->n_acls, b->n_acls);
	for (unsigned i = 0; i < a->n_acls; i++)
		same_acl(a->acls[i], b->acls[i]);
	assert_int_equal(a->n_maps, b->n_maps);
	for (unsigned i = 0; i < a->n_maps; i++)
		same_map(a->maps[i], b->maps[i]);
}

/* ---- the property ---- */

static void round_trip(const char *text)
{
	struct parsed a = conf_help_parse(text), b;
	char *first, *second;

	conf_help_valid(&a);
	first = conf_help_print(a.c);
	b = conf_help_parse(first);
	conf_help_valid(&b);
	same_config(a.c, b.c);
	second = conf_help_print(b.c);
	assert_string_equal(first, second);
	free(first);
	free(second);
	conf_help_free(&a);
	conf_help_free(&b);
}

static void parse_of_print_is_the_same(void **state)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		char *text = generate(seed);

		round_trip(text);
		free(text);
	}
}

/* Otherwise the property could hold over nothing. */
static void generated_texts_have_everything(void **state)
{
	static const char *const words[] = {"keepalive",
					    "strict",
					    "spacing fixed",
					    "milliseconds",
					    "keyring",
					    "identity email",
					    "sequence",
					    "2000",
					    "ipv6 access-list SIX",
					    " default\n",
					    "connect-timeout",
					    "local-address",
					    "description",
					    "hub0.example",
					    "ipv6 crypto map",
					    "revocation-check crl",
					    "fqdn domain d1.example",
					    "email domain",
					    "identity local dn",
					    "identity dn O=Example, CN=hub",
					    "dn C=US, O=A\\, B, CN=h1",
					    "rsa-sig pkcs1",
					    "eddsa-sig",
					    "keyring local KP",
					    "pki trustpoint TP1 verify",
					    " lifetime ",
					    " ikev2-profile P1",
					    "set ikev2-profile P2"};
	bool seen[sizeof(words) / sizeof(*words)] = {false};

	for (uint64_t seed = 1; seed <= ROUNDS / 10; seed++) {
		char *text = generate(seed), *printed;
		struct parsed x = conf_help_parse(text);

		conf_help_valid(&x);
		printed = conf_help_print(x.c);
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
			seen[i] |= strstr(printed, words[i]) != NULL;
		free(printed);
		free(text);
		conf_help_free(&x);
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!seen[i])
			fail_msg("never printed: %s", words[i]);
}

static void secrets_are_not_printed(void **state)
{
	struct parsed x = conf_help_parse("crypto isakmp key TOPSECRET address 10.1.1.1\n"
					  "crypto ikev2 keyring K\n peer a\n  address 10.2.2.2\n"
					  "  pre-shared-key TOPSECRET\n");
	char *text;

	conf_help_valid(&x);
	text = conf_help_print(x.c);
	assert_null(strstr(text, "TOPSECRET"));
	assert_non_null(strstr(text, "crypto isakmp key <hidden> address 10.1.1.1\n"));
	free(text);
	conf_help_free(&x);
}

/* ---- line by line ---- */

/* As somebody types: a line, below those that open its mode; what is not whole yet waits. */
struct typist {
	struct config *c;
	char open[3][256]; /* by depth of the mode */
	char held[4096];
};

static void type_line(struct typist *t, const char *line)
{
	unsigned depth = (unsigned)strspn(line, " ");
	struct conf_diags d;
	struct config *next;
	char text[8192] = "";

	snprintf(t->open[depth], sizeof(t->open[depth]), "%s\n", line);
	if (!depth)
		*t->held = '\0';
	strcat(text, t->held);
	for (unsigned i = 0; !*t->held && i < depth; i++)
		strcat(text, t->open[i]);
	strcat(text, t->open[depth]);
	next = config_edit(t->c, text, strlen(text), &d);
	*t->held = '\0';
	if (next) {
		config_free(t->c);
		t->c = next;
	} else {
		for (unsigned i = 0; i < d.n; i++)
			if (d.list[i].severity == CONF_ERROR && !d.list[i].incomplete)
				fail_msg("%s: %s", line, d.list[i].text);
		strcpy(t->held, text);
	}
	conf_diags_free(&d);
}

static void typed_line_by_line_is_the_whole(void **state)
{
	for (uint64_t seed = 1; seed <= ROUNDS / 30; seed++) {
		char *text = generate(seed), *line;
		struct parsed whole = conf_help_parse(text), none = conf_help_parse("");
		struct typist t = { .c = none.c };
		struct conf_text written, typed;

		conf_help_valid(&whole);
		assert_int_equal(config_text(whole.c, true, &written), 0);
		free(text);
		text = strdup(written.s);
		for (char *at = text; (line = strsep(&at, "\n"));)
			if (*line)
				type_line(&t, line);
		assert_string_equal(t.held, "");
		assert_int_equal(config_text(t.c, true, &typed), 0);
		assert_string_equal(typed.s, written.s);
		conf_text_free(written.s);
		conf_text_free(typed.s);
		config_free(t.c);
		conf_diags_free(&none.d);
		conf_help_free(&whole);
		free(text);
	}
}

#define H16 "00112233445566778899aabbccddeeff"

static bool same_session_key(const struct session_key *a, const struct session_key *b)
{
	return a->spi == b->spi && a->encr_len == b->encr_len && a->integ_len == b->integ_len &&
	       !memcmp(a->encr, b->encr, a->encr_len) && !memcmp(a->integ, b->integ, a->integ_len);
}

/* With the keys it parses to itself; without, they are those in force. */
static void expect_kept(const struct config *c)
{
	const struct conf_manual *was = c->maps[0]->entries[0]->manual, *is;

	for (unsigned secrets = 0; secrets < 2; secrets++) {
		struct conf_diags d;
		struct conf_text t;
		struct config *again;

		assert_int_equal(config_text(c, secrets, &t), 0);
		again = config_replacement(c, t.s, t.len, &d);
		assert_non_null(again);
		is = again->maps[0]->entries[0]->manual;
		assert_true(same_session_key(&was->in, &is->in));
		assert_true(same_session_key(&was->out, &is->out));
		config_free(again);
		conf_diags_free(&d);
		conf_text_free(t.s);
	}
}

/* As one would type it again, but for the keys. */
static void manual_entries_are_printed(void **state)
{
	static const char text[] =
		"crypto ipsec transform-set T esp-aes 128 esp-sha256-hmac\n"
		"access-list 101 permit ip host 10.0.0.1 any\n"
		"crypto map m 1 ipsec-manual\n"
		" set peer 10.1.1.1\n"
		" set transform-set T\n"
		" set session-key inbound esp 256 cipher " H16 " authenticator " H16 H16 "\n"
		" set session-key outbound esp 4294967295 cipher " H16 " authenticator " H16 "0x" H16 "\n"
		" match address 101\n";
	struct parsed x;
	char *shown, *typed = strdup(text), *at;

	/* The last key: 0x in front, and not the other's. */
	at = strstr(typed, H16 "0x" H16);
	memcpy(at, "0x" H16 "ff112233445566778899aabbccddee00", 66);
	x = conf_help_parse(typed);
	conf_help_valid(&x);
	shown = conf_help_print(x.c);
	assert_null(strstr(shown, "112233"));
	assert_non_null(strstr(shown,
			       "crypto map m 1 ipsec-manual\n set peer 10.1.1.1\n set transform-set T\n"
			       " set session-key inbound esp 256 cipher <hidden> authenticator <hidden>\n"
			       " set session-key outbound esp 4294967295 cipher <hidden> authenticator <hidden>\n"
			       " match address 101\n"));
	free(shown);
	expect_kept(x.c);
	free(typed);
	conf_help_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typed_line_by_line_is_the_whole),
		cmocka_unit_test(manual_entries_are_printed),
		cmocka_unit_test(parse_of_print_is_the_same),
		cmocka_unit_test(generated_texts_have_everything),
		cmocka_unit_test(secrets_are_not_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
