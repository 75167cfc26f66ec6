// SPDX-License-Identifier: GPL-2.0-or-later
/* Trustpoints and IKEv2 profiles of the running configuration. */
#include "prefpeerd/conf/print.h"

static void print_file(const char *what, const struct conf_file *f, FILE *out)
{
	if (f->path)
		fprintf(out, " %s file %s\n", what, f->path);
}

void print_trustpoint(const struct trustpoint *t, FILE *out)
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

void print_profile(const struct ikev2_profile *f, FILE *out)
{
	fprintf(out, "crypto ikev2 profile %s\n", f->name);
	if (f->description)
		fprintf(out, " description %s\n", f->description);
	for (unsigned i = 0; i < f->n_remotes; i++) {
		fputs(" match identity remote ", out);
		print_identity(&f->remotes[i].id, f->remotes[i].domain, out);
	}
	if (*f->cert_map_name)
		fprintf(out, " match certificate %s\n", f->cert_map_name);
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
	if (f->cert_if_asked)
		fputs(" pki send-certificate on-request\n", out);
	if (f->lifetime_s)
		fprintf(out, " lifetime %u\n", f->lifetime_s);
	print_dpd(" dpd", &f->dpd, out);
	if (f->nat_keepalive_s)
		fprintf(out, " nat keepalive %u\n", f->nat_keepalive_s);
	if (f->contact_forced)
		fputs(" initial-contact force\n", out);
}
