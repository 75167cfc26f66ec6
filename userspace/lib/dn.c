// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/dn.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#define TYPE_MAX 32
#define VALUE_MAX 256

/* NULL unless all of it is one name. */
static X509_NAME *parse(const uint8_t *der, size_t len)
{
	const unsigned char *p = der;
	X509_NAME *name = len <= INT_MAX ? d2i_X509_NAME(NULL, &p, (long)len) : NULL;

	ERR_clear_error();
	if (name && p == der + len)
		return name;
	X509_NAME_free(name);
	return NULL;
}

/* ---- from text ---- */

/* One "TYPE=VALUE" from *at, which moves behind it and its comma. */
static bool next_attribute(const char **at, char *type, char *value)
{
	const char *s = *at + strspn(*at, " ");
	size_t n = 0, used = 0; /* used: without blanks at the end */

	while (isalnum((unsigned char)*s) || *s == '.') {
		if (n == TYPE_MAX - 1)
			return false;
		type[n++] = *s++;
	}
	type[n] = '\0';
	s += strspn(s, " ");
	if (!n || *s++ != '=')
		return false;
	s += strspn(s, " ");
	for (n = 0; *s && *s != ','; s++) {
		if (*s == '\\' && !*++s)
			return false;
		if (*s == '+' && s[-1] != '\\')
			return false;
		if (n == VALUE_MAX - 1)
			return false;
		value[n++] = *s;
		used = *s == ' ' && s[-1] != '\\' ? used : n;
	}
	value[used] = '\0';
	if (*s && !*++s) /* nothing behind the comma */
		return false;
	*at = s;
	return used > 0;
}

/* libcrypto knows CN and emailAddress, people write cn and email. */
static int type_nid(const char *type)
{
	char upper[TYPE_MAX];
	size_t i;
	int nid = OBJ_txt2nid(type);

	if (nid != NID_undef)
		return nid;
	if (!strcasecmp(type, "e") || !strcasecmp(type, "email") ||
	    !strcasecmp(type, "emailaddress"))
		return NID_pkcs9_emailAddress;
	for (i = 0; type[i]; i++)
		upper[i] = (char)toupper((unsigned char)type[i]);
	upper[i] = '\0';
	return OBJ_txt2nid(upper);
}

static bool add_all(X509_NAME *name, const char *text)
{
	char type[TYPE_MAX], value[VALUE_MAX];

	do {
		int nid;

		if (!next_attribute(&text, type, value))
			return false;
		nid = type_nid(type);
		if (nid == NID_undef ||
		    X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
					       (const unsigned char *)value, -1, -1, 0) != 1)
			return false;
	} while (*text);
	return true;
}

static int to_der(X509_NAME *name, uint8_t *der, size_t size, size_t *len)
{
	int n = i2d_X509_NAME(name, NULL);

	if (n <= 0)
		return -EINVAL;
	if ((size_t)n > size)
		return -E2BIG;
	*len = (size_t)n;
	i2d_X509_NAME(name, &der);
	return 0;
}

int dn_from_text(const char *text, uint8_t *der, size_t size, size_t *len)
{
	X509_NAME *name = X509_NAME_new();
	int err = name && add_all(name, text) ? to_der(name, der, size, len) : -EINVAL;

	ERR_clear_error();
	X509_NAME_free(name);
	return err;
}

/* ---- to text ---- */

const char *dn_to_text(const uint8_t *der, size_t len, char *buf, size_t size)
{
	X509_NAME *name = parse(der, len);
	BIO *out = BIO_new(BIO_s_mem());
	int n = 0;

	if (!size)
		goto end;
	if (name && out &&
	    X509_NAME_print_ex(out, name, 0, XN_FLAG_SEP_CPLUS_SPC | ASN1_STRFLGS_RFC2253) >= 0)
		n = BIO_read(out, buf, (int)(size > INT_MAX ? INT_MAX : size) - 1);
	buf[n > 0 ? n : 0] = '\0';
	if (n <= 0)
		snprintf(buf, size, name ? "(empty)" : "(malformed)");
end:
	BIO_free(out);
	X509_NAME_free(name);
	return buf;
}

/* ---- comparing ---- */

bool dn_equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	X509_NAME *x = parse(a, a_len), *y = parse(b, b_len);
	bool same = x && y && X509_NAME_cmp(x, y) == 0;

	X509_NAME_free(x);
	X509_NAME_free(y);
	return same;
}

static X509_NAME *reversed(const X509_NAME *name)
{
	X509_NAME *out = X509_NAME_new();

	for (int i = X509_NAME_entry_count(name) - 1; out && i >= 0; i--) {
		const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);

		if (X509_NAME_add_entry(out, e, -1, 0) != 1) {
			X509_NAME_free(out);
			out = NULL;
		}
	}
	return out;
}

bool dn_means(const uint8_t *written, size_t w_len, const uint8_t *name, size_t n_len)
{
	X509_NAME *w = parse(written, w_len), *n = parse(name, n_len);
	X509_NAME *back = w ? reversed(w) : NULL;
	bool same = n && ((w && X509_NAME_cmp(w, n) == 0) || (back && X509_NAME_cmp(back, n) == 0));

	X509_NAME_free(w);
	X509_NAME_free(n);
	X509_NAME_free(back);
	return same;
}
