// SPDX-License-Identifier: GPL-2.0-or-later
/* The running configuration: what differs from the defaults, as one would type it. */
#include "prefpeerd/conf/print.h"

static void print_options(const struct dpd *d, FILE *out)
{
	fprintf(out, " %s", d->mode == DPD_PERIODIC ? "periodic" : "on-demand");
	if (d->strict)
		fputs(" strict", out);
	if (d->fixed)
		fputs(" spacing fixed", out);
	fputc('\n', out);
}

void print_dpd(const char *word, const struct dpd *d, FILE *out)
{
	uint32_t unit = d->millis ? 1 : 1000;

	if (d->mode == DPD_OFF)
		return;
	fprintf(out, "%s%s %u %u", word, d->millis ? " milliseconds" : "", d->interval_ms / unit,
		d->retry_ms / unit);
	print_options(d, out);
}

static void print_encr(const struct esp_suite *e, FILE *out)
{
	switch (e->encr) {
	case ENCR_AES_GCM_16:
		fprintf(out, " esp-gcm %u", e->key_bits);
		break;
	case ENCR_CHACHA20_POLY1305:
		fputs(" esp-chacha20-poly1305", out);
		break;
	case ENCR_NULL_AUTH_AES_GMAC:
		fprintf(out, " esp-gmac %u", e->key_bits);
		break;
	case ENCR_AES_CTR:
		fprintf(out, " esp-aes-ctr %u", e->key_bits);
		break;
	case ENCR_NULL:
		fputs(" esp-null", out);
		break;
	case ENCR_NONE:
		break;
	default:
		fprintf(out, " esp-aes %u", e->key_bits);
	}
}

static void print_set(const struct transform_set *s, FILE *out)
{
	static const char *const modes[] = {
		[SA_MODE_TUNNEL] = "tunnel",
		[SA_MODE_TRANSPORT] = "transport",
		[SA_MODE_TRANSPORT_REQUIRED] = "transport require",
	};
	static const char *const bits[] = {
		[INTEG_HMAC_SHA2_256_128] = "256",
		[INTEG_HMAC_SHA2_384_192] = "384",
		[INTEG_HMAC_SHA2_512_256] = "512",
	};
	const struct esp_suite *e = &s->suite;

	fprintf(out, "crypto ipsec transform-set %s", s->name);
	print_encr(e, out);
	if (e->integ != INTEG_NONE)
		fprintf(out, " %s-sha%s-hmac", suite_is_ah(e) ? "ah" : "esp", bits[e->integ]);
	fprintf(out, "\n mode %s\n", modes[s->mode]);
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

static void print_limits(const struct ike_limits *l, FILE *out)
{
	if (l->half_open)
		fprintf(out, "crypto ikev2 limit max-in-negotiation-sa %u\n", l->half_open);
	if (l->sas)
		fprintf(out, "crypto ikev2 limit max-sa %u\n", l->sas);
	if (l->cookies)
		fprintf(out, "crypto ikev2 cookie-challenge %u\n", l->cookies);
}

static void print_all(const struct config *c, bool secrets, FILE *out)
{
	if (*c->hostname)
		fprintf(out, "hostname %s\n", c->hostname);
	if (*c->enable_secret)
		fprintf(out, "enable secret %s\n", secrets ? c->enable_secret : CONF_HIDDEN);
	print_names(c, out);
	print_dpd(c->dpd.keepalive ? "crypto isakmp keepalive" : "crypto ikev2 dpd", &c->dpd, out);
	if (c->nat_keepalive_s)
		fprintf(out, "crypto ikev2 nat keepalive %u\n", c->nat_keepalive_s);
	print_fragmentation(&c->frag, out);
	print_limits(&c->limits, out);
	if (c->logging & LOGGING_SESSION)
		fputs("crypto logging session\n", out);
	if (c->logging & LOGGING_IKEV2)
		fputs("crypto logging ikev2\n", out);
	print_ikev2(c, out);
	print_keys(c, secrets, out);
	for (unsigned i = 0; i < c->n_trustpoints; i++)
		print_trustpoint(c->trustpoints[i], out);
	for (unsigned i = 0; i < c->n_cert_maps; i++)
		print_cert_map(c->cert_maps[i], out);
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
	print_df_ecn("crypto ipsec security-association", c->df == DF_COPY ? DF_UNSET : c->df,
		     c->ecn == ECN_DISCARD ? ECN_UNSET : c->ecn, out);
	for (unsigned i = 0; i < c->n_sets; i++)
		print_set(c->sets[i], out);
	for (unsigned i = 0; i < c->n_acls; i++)
		print_acl(c->acls[i], out);
	print_accounting(c, secrets, out);
	for (unsigned i = 0; i < c->n_dynamics; i++)
		print_map(c->dynamics[i], secrets, out);
	for (unsigned i = 0; i < c->n_maps; i++)
		print_map(c->maps[i], secrets, out);
	for (unsigned i = 0; i < c->n_maps; i++)
		print_interfaces(c->maps[i], out);
}

void config_print(const struct config *c, FILE *out)
{
	print_all(c, false, out);
}

void config_write(const struct config *c, FILE *out)
{
	print_all(c, true, out);
}
