// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/id.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/dn.h"

struct ike_id ike_id_from_addr(const struct addr *a)
{
	struct ike_id id = { .len = (uint16_t)addr_len(a) };

	if (a->family == AF_INET)
		id.type = IKE_ID_IPV4_ADDR;
	else if (a->family == AF_INET6)
		id.type = IKE_ID_IPV6_ADDR;
	memcpy(id.data, a->bytes, id.len);
	return id;
}

int ike_id_from_text(enum ike_id_type type, const char *text, struct ike_id *out)
{
	struct ike_id id = { .type = type };
	size_t n = strlen(text);

	if (type == IKE_ID_DER_ASN1_DN) {
		int err = dn_from_text(text, id.data, sizeof(id.data), &n);

		id.len = (uint16_t)(err ? 0 : n);
		if (!err)
			*out = id;
		return err;
	}
	if (type != IKE_ID_FQDN && type != IKE_ID_RFC822_ADDR && type != IKE_ID_KEY_ID)
		return -EINVAL;
	if (!n)
		return -EINVAL;
	if (n > IKE_ID_MAX)
		return -E2BIG;
	id.len = (uint16_t)n;
	memcpy(id.data, text, n);
	*out = id;
	return 0;
}

/* ASCII only: names on the wire are (RFC 5280 §7.2). */
static bool equal_without_case(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (tolower(a[i]) != tolower(b[i]))
			return false;
	return true;
}

bool ike_id_equal(const struct ike_id *a, const struct ike_id *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == IKE_ID_DER_ASN1_DN)
		return dn_equal(a->data, a->len, b->data, b->len);
	if (a->len != b->len)
		return false;
	if (a->type != IKE_ID_FQDN && a->type != IKE_ID_RFC822_ADDR)
		return memcmp(a->data, b->data, a->len) == 0;
	return equal_without_case(a->data, b->data, a->len);
}

/* Something, a dot (or an @), and the domain. */
static bool in_domain(const struct ike_id *domain, const struct ike_id *id)
{
	size_t before;

	if (id->type != domain->type || id->len < domain->len + 2u)
		return false;
	before = id->len - domain->len - 1u;
	return id->data[before] == (id->type == IKE_ID_FQDN ? '.' : '@') &&
	       equal_without_case(id->data + before + 1, domain->data, domain->len);
}

bool ike_id_rule_matches(const struct ike_id_rule *rule, const struct ike_id *id)
{
	if (rule->domain)
		return in_domain(&rule->id, id);
	if (rule->id.type == IKE_ID_DER_ASN1_DN && id->type == IKE_ID_DER_ASN1_DN)
		return dn_means(rule->id.data, rule->id.len, id->data, id->len);
	return ike_id_equal(&rule->id, id);
}

static const char *type_word(enum ike_id_type type)
{
	switch (type) {
	case IKE_ID_FQDN:
		return "fqdn";
	case IKE_ID_RFC822_ADDR:
		return "email";
	case IKE_ID_DER_ASN1_DN:
		return "dn";
	case IKE_ID_KEY_ID:
		return "key-id";
	default:
		return NULL;
	}
}

/* Appends at most what fits; never half an escape. */
static void print_bytes(const uint8_t *data, size_t len, char *buf, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < len && at + 5 <= size; i++) {
		bool plain = data[i] > 0x20 && data[i] < 0x7f && data[i] != '\\';

		at += (size_t)snprintf(buf + at, size - at, plain ? "%c" : "\\x%02x", data[i]);
	}
}

const char *ike_id_print(const struct ike_id *id, char *buf, size_t size)
{
	sa_family_t family = id->type == IKE_ID_IPV4_ADDR ? AF_INET : AF_INET6;
	const char *word = type_word(id->type);
	struct addr a = { .family = family };
	int n;

	if (!size)
		return buf;
	if (id->type == IKE_ID_NONE) {
		snprintf(buf, size, "-");
		return buf;
	}
	if ((id->type == IKE_ID_IPV4_ADDR || id->type == IKE_ID_IPV6_ADDR) &&
	    id->len == addr_len(&a)) {
		addr_from_bytes(family, id->data, &a);
		return addr_print(&a, buf, size);
	}
	if (word)
		n = snprintf(buf, size, "%s ", word);
	else
		n = snprintf(buf, size, "id-type %d ", (int)id->type);
	if (n > 0 && (size_t)n < size && id->type == IKE_ID_DER_ASN1_DN)
		dn_to_text(id->data, id->len, buf + n, size - (size_t)n);
	else if (n > 0 && (size_t)n < size)
		print_bytes(id->data, id->len, buf + n, size - (size_t)n);
	return buf;
}

const char *ike_id_rule_print(const struct ike_id_rule *rule, char *buf, size_t size)
{
	const char *word = type_word(rule->id.type);
	int n;

	if (!rule->domain || !word)
		return ike_id_print(&rule->id, buf, size);
	n = snprintf(buf, size, "%s of domain ", word);
	if (n > 0 && (size_t)n < size)
		print_bytes(rule->id.data, rule->id.len, buf + n, size - (size_t)n);
	return buf;
}
