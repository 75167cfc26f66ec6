// SPDX-License-Identifier: GPL-2.0-or-later
/* Proposals as strongSwan writes them, "aes256gcm16-prfsha384-ecp384", → ours. */
#include <string.h>

#include "prefpeer/import.h"

enum kind { ENCR, AEAD, INTEG, PRF, GROUP, ESN, NOESN, WEAK };

static const struct {
	const char *name;
	enum kind kind;
	const char *esp, *ike; /* NULL: not there */
} words[] = {
	{ "aes128gcm16", AEAD, "esp-gcm 128", "aes-gcm-128" },
	{ "aes192gcm16", AEAD, "esp-gcm 192", "aes-gcm-192" },
	{ "aes256gcm16", AEAD, "esp-gcm 256", "aes-gcm-256" },
	{ "aes128gcm128", AEAD, "esp-gcm 128", "aes-gcm-128" },
	{ "aes192gcm128", AEAD, "esp-gcm 192", "aes-gcm-192" },
	{ "aes256gcm128", AEAD, "esp-gcm 256", "aes-gcm-256" },
	{ "aes128gcm", AEAD, "esp-gcm 128", "aes-gcm-128" },
	{ "aes192gcm", AEAD, "esp-gcm 192", "aes-gcm-192" },
	{ "aes256gcm", AEAD, "esp-gcm 256", "aes-gcm-256" },
	{ "aes_gcm128", AEAD, "esp-gcm 128", "aes-gcm-128" },
	{ "aes_gcm256", AEAD, "esp-gcm 256", "aes-gcm-256" },
	{ "chacha20poly1305", AEAD, "esp-chacha20-poly1305", "chacha20-poly1305" },
	{ "aes128gmac", AEAD, "esp-gmac 128", NULL },
	{ "aes192gmac", AEAD, "esp-gmac 192", NULL },
	{ "aes256gmac", AEAD, "esp-gmac 256", NULL },
	{ "aes", ENCR, "esp-aes 128", "aes-cbc-128" },
	{ "aes128", ENCR, "esp-aes 128", "aes-cbc-128" },
	{ "aes192", ENCR, "esp-aes 192", "aes-cbc-192" },
	{ "aes256", ENCR, "esp-aes 256", "aes-cbc-256" },
	{ "aes128ctr", ENCR, "esp-aes-ctr 128", NULL },
	{ "aes192ctr", ENCR, "esp-aes-ctr 192", NULL },
	{ "aes256ctr", ENCR, "esp-aes-ctr 256", NULL },
	{ "null", ENCR, "esp-null", NULL },
	{ "sha256", INTEG, "esp-sha256-hmac", "sha256" },
	{ "sha2_256", INTEG, "esp-sha256-hmac", "sha256" },
	{ "sha2", INTEG, "esp-sha256-hmac", "sha256" },
	{ "sha384", INTEG, "esp-sha384-hmac", "sha384" },
	{ "sha512", INTEG, "esp-sha512-hmac", "sha512" },
	{ "sha2_512", INTEG, "esp-sha512-hmac", "sha512" },
	{ "prfsha256", PRF, NULL, "sha256" },
	{ "prfsha384", PRF, NULL, "sha384" },
	{ "prfsha512", PRF, NULL, "sha512" },
	{ "modp2048", GROUP, "group14", "14" },
	{ "dh14", GROUP, "group14", "14" },
	{ "modp3072", GROUP, "group15", "15" },
	{ "modp4096", GROUP, "group16", "16" },
	{ "ecp256", GROUP, "group19", "19" },
	{ "dh19", GROUP, "group19", "19" },
	{ "ecp384", GROUP, "group20", "20" },
	{ "dh20", GROUP, "group20", "20" },
	{ "ecp521", GROUP, "group21", "21" },
	{ "curve25519", GROUP, "group31", "31" },
	{ "x25519", GROUP, "group31", "31" },
	{ "dh31", GROUP, "group31", "31" },
	{ "curve448", GROUP, "group32", "32" },
	{ "x448", GROUP, "group32", "32" },
	{ "esn", ESN, "", NULL },
	{ "noesn", NOESN, "", NULL },
	{ "des", WEAK, NULL, NULL },
	{ "3des", WEAK, NULL, NULL },
	{ "md5", WEAK, NULL, NULL },
	{ "sha1", WEAK, NULL, NULL },
	{ "sha", WEAK, NULL, NULL },
	{ "modp768", WEAK, NULL, NULL },
	{ "modp1024", WEAK, NULL, NULL },
	{ "modp1536", WEAK, NULL, NULL },
	{ "prfsha1", WEAK, NULL, NULL },
	{ "prfmd5", WEAK, NULL, NULL },
	{ "dh2", WEAK, NULL, NULL },
	{ "dh5", WEAK, NULL, NULL },
};

#define PARTS 8

/* One proposal, taken apart. */
struct parts {
	const char *of[NOESN + 1][PARTS];
	unsigned n[NOESN + 1];
};

static void add(struct parts *p, enum kind kind, const char *word)
{
	if (p->n[kind] < PARTS)
		p->of[kind][p->n[kind]++] = word;
}

/* False: a part has no equivalent, which is remarked, and so the proposal has none. */
static bool take_part(struct import *im, unsigned line, const char *proposal, const char *part,
		      bool ike, struct parts *p)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *ours = ike ? words[i].ike : words[i].esp;

		if (strcmp(words[i].name, part))
			continue;
		if (words[i].kind == WEAK) {
			import_remark(im, line, "proposal %s: %s is too weak, and refused here",
				      proposal, part);
			return false;
		}
		if (ours)
			add(p, words[i].kind, ours);
		return true;
	}
	import_remark(im, line, "proposal %s: %s has no equivalent here", proposal, part);
	return false;
}

static bool take_apart(struct import *im, unsigned line, const char *proposal, bool ike,
		       struct parts *p)
{
	char text[256], *save = NULL;

	*p = (struct parts){ 0 };
	snprintf(text, sizeof(text), "%s", proposal);
	for (char *part = strtok_r(text, "-;+!", &save); part; part = strtok_r(NULL, "-;+!", &save))
		if (!take_part(im, line, proposal, part, ike, p))
			return false;
	if (!p->n[ENCR] && !p->n[AEAD]) {
		import_remark(im, line, "proposal %s: nothing in it encrypts", proposal);
		return false;
	}
	if (p->n[ENCR] && !p->n[INTEG]) {
		import_remark(im, line, "proposal %s: it has no integrity algorithm", proposal);
		return false;
	}
	return true;
}

static void add_set(struct import *im, unsigned line, struct import_esp *out, const char *a,
		    const char *b)
{
	char set[64];

	snprintf(set, sizeof(set), "%s%s%s", a, *b ? " " : "", b);
	for (unsigned i = 0; i < out->n; i++)
		if (!strcmp(out->set[i], set))
			return;
	if (out->n == IMPORT_SETS)
		import_remark(im, line, "%s is left out: an entry has six transform sets", set);
	else
		strcpy(out->set[out->n++], set);
}

void import_esp(struct import *im, unsigned line, const char *proposals, struct import_esp *out)
{
	char proposal[256];
	struct parts p;

	*out = (struct import_esp){ 0 };
	while (import_word(&proposals, proposal, sizeof(proposal))) {
		if (!strcmp(proposal, "default")) {
			add_set(im, line, out, "esp-gcm 128", "");
			add_set(im, line, out, "esp-gcm 256", "");
			continue;
		}
		if (!take_apart(im, line, proposal, false, &p))
			continue;
		for (unsigned i = 0; i < p.n[AEAD]; i++)
			add_set(im, line, out, p.of[AEAD][i], "");
		for (unsigned i = 0; i < p.n[ENCR]; i++)
			for (unsigned j = 0; j < p.n[INTEG]; j++)
				add_set(im, line, out, p.of[ENCR][i], p.of[INTEG][j]);
		if (p.n[GROUP] && !out->pfs)
			out->pfs = p.of[GROUP][0];
		else if (p.n[GROUP] && strcmp(out->pfs, p.of[GROUP][0]))
			import_remark(im, line, "proposal %s: an entry has one group, which is %s",
				      proposal, out->pfs);
		if (p.n[GROUP] > 1)
			import_remark(im, line, "proposal %s: of its groups only the first is used",
				      proposal);
		out->esn |= p.n[ESN] > 0;
	}
}

static void print_words(struct import *im, const char *head, const struct parts *p, enum kind kind)
{
	if (!p->n[kind])
		return;
	fprintf(im->out, " %s", head);
	for (unsigned i = 0; i < p->n[kind]; i++)
		fprintf(im->out, " %s", p->of[kind][i]);
	fputc('\n', im->out);
}

unsigned import_ike(struct import *im, unsigned line, const char *proposals, const char *name)
{
	char proposal[256];
	unsigned n = 0;
	struct parts p;

	while (import_word(&proposals, proposal, sizeof(proposal))) {
		if (!strcmp(proposal, "default")) {
			import_remark(
				im, line,
				"proposal default: the proposals that are named are all that is "
				"offered; without any, all strong ones");
			continue;
		}
		if (!take_apart(im, line, proposal, true, &p))
			continue;
		if (!p.n[GROUP]) {
			import_remark(im, line, "proposal %s: it has no group", proposal);
			continue;
		}
		fprintf(im->out, "crypto ikev2 proposal %s-%u\n", name, ++n);
		print_words(im, "encryption", &p, p.n[AEAD] ? AEAD : ENCR);
		if (!p.n[AEAD])
			print_words(im, "integrity", &p, INTEG);
		print_words(im, "prf", &p, p.n[PRF] || !p.n[AEAD] ? PRF : INTEG);
		print_words(im, "group", &p, GROUP);
	}
	return n;
}
