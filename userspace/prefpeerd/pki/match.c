// SPDX-License-Identifier: GPL-2.0-or-later
/* Certificate maps (`crypto pki certificate map`): which of those that verify will do. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "lib/addr.h"
#include "lib/dn.h"
#include "prefpeerd/pki/impl.h"

#define TEXT_MAX 1024

struct pki_map *pki_map_new(const char *name)
{
	struct pki_map *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->refs = 1;
	snprintf(m->name, sizeof(m->name), "%s", name);
	return m;
}

struct pki_map *pki_map_get(struct pki_map *m)
{
	if (m)
		m->refs++;
	return m;
}

void pki_map_seq_free(struct pki_map_seq *s)
{
	for (unsigned i = 0; i < s->n; i++)
		free(s->rules[i].text);
	free(s->rules);
	*s = (struct pki_map_seq){ 0 };
}

void pki_map_put(struct pki_map *m)
{
	if (!m || --m->refs)
		return;
	for (unsigned i = 0; i < m->n; i++)
		pki_map_seq_free(&m->seqs[i]);
	free(m->seqs);
	free(m);
}

/* ---- one text against another ---- */

/* Without case, and without blanks beside commas and equals signs: names are written either way. */
static void plain(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text && n + 1 < size; text++) {
		bool blank = *text == ' ' || *text == '\t';

		if (blank && (!n || strchr(",= ", out[n - 1])))
			continue;
		if ((*text == ',' || *text == '=') && n && out[n - 1] == ' ')
			n--;
		out[n++] = blank ? ' ' : (char)tolower((unsigned char)*text);
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

/* @whole: the same; else contained. */
static bool is_in(const char *want, const char *text, bool whole)
{
	char a[TEXT_MAX], b[TEXT_MAX];

	plain(want, a, sizeof(a));
	plain(text, b, sizeof(b));
	return whole ? !strcmp(a, b) : strstr(b, a) != NULL;
}

/* ---- the fields ---- */

static bool dn_is(const X509_NAME *name, const char *want, bool whole)
{
	unsigned char *der = NULL;
	int len = i2d_X509_NAME(name, &der);
	uint8_t written[TEXT_MAX];
	char text[TEXT_MAX];
	size_t n = 0;
	bool found;

	if (len <= 0)
		return false;
	found = whole && !dn_from_text(want, written, sizeof(written), &n) ?
			dn_means(written, n, der, (size_t)len) :
			is_in(want, dn_to_text(der, (size_t)len, text, sizeof(text)), whole);
	OPENSSL_free(der);
	return found;
}

static bool alt_text(const GENERAL_NAME *name, char *buf, size_t size)
{
	int type;
	const ASN1_STRING *s = GENERAL_NAME_get0_value(name, &type);
	struct addr a;
	int len;

	if (type == GEN_IPADD) {
		len = ASN1_STRING_length(s);
		return (len == 4 || len == 16) &&
		       !addr_from_bytes(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), &a) &&
		       addr_print(&a, buf, size);
	}
	if (type != GEN_DNS && type != GEN_EMAIL && type != GEN_URI)
		return false;
	len = ASN1_STRING_length(s);
	/* A NUL would end it for us, and not for who issued it. */
	if (len < 0 || (size_t)len >= size || memchr(ASN1_STRING_get0_data(s), 0, (size_t)len))
		return false;
	memcpy(buf, ASN1_STRING_get0_data(s), (size_t)len);
	buf[len] = '\0';
	return true;
}

static bool alt_is(X509 *cert, const char *want, bool whole)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	char text[TEXT_MAX];
	bool found = false;

	for (int i = 0; names && !found && i < sk_GENERAL_NAME_num(names); i++)
		found = alt_text(sk_GENERAL_NAME_value(names, i), text, sizeof(text)) &&
			is_in(want, text, whole);
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return found;
}

/* As digits: colons, a 0x and leading zeros say nothing. */
static void digits(const char *text, char *out, size_t size)
{
	size_t n = 0;

	if (text[0] == '0' && (text[1] | 0x20) == 'x')
		text += 2;
	for (; *text && n + 1 < size; text++)
		if (*text != ':' && *text != ' ' && (n || *text != '0'))
			out[n++] = (char)tolower((unsigned char)*text);
	out[n] = '\0';
}

static bool serial_is(const X509 *cert, const char *want, bool whole)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = n ? BN_bn2hex(n) : NULL, a[128], b[128];
	bool found = false;

	if (hex) {
		digits(want, a, sizeof(a));
		digits(hex, b, sizeof(b));
		found = whole ? !strcmp(a, b) : strstr(b, a) != NULL;
	}
	OPENSSL_free(hex);
	BN_free(n);
	return found;
}

static bool field_is(X509 *cert, enum pki_field field, const char *want, bool whole)
{
	switch (field) {
	case PKI_FIELD_SUBJECT:
		return dn_is(X509_get_subject_name(cert), want, whole);
	case PKI_FIELD_ISSUER:
		return dn_is(X509_get_issuer_name(cert), want, whole);
	case PKI_FIELD_ALT_NAME:
		return alt_is(cert, want, whole);
	case PKI_FIELD_NAME:
		return dn_is(X509_get_subject_name(cert), want, whole) || alt_is(cert, want, whole);
	case PKI_FIELD_SERIAL:
		return serial_is(cert, want, whole);
	}
	return false;
}

static bool rule_holds(X509 *cert, const struct pki_rule *r)
{
	bool whole = r->op == PKI_OP_EQ || r->op == PKI_OP_NE;
	bool wanted = r->op == PKI_OP_EQ || r->op == PKI_OP_CO;

	return field_is(cert, r->field, r->text, whole) == wanted;
}

/* All rules of one of its numbers; one without a rule holds for nobody. */
static bool cert_matches(X509 *cert, const struct pki_map *m)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct pki_map_seq *s = &m->seqs[i];
		bool all = s->n;

		for (unsigned k = 0; all && k < s->n; k++)
			all = rule_holds(cert, &s->rules[k]);
		if (all)
			return true;
	}
	return false;
}

bool pki_map_matches(const struct pki_map *m, struct chunk der)
{
	X509 *cert = pki_cert_parse(der);
	bool matches = cert && cert_matches(cert, m);

	X509_free(cert);
	return matches;
}
