/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IKEv2 identities, RFC 7296 §3.5. */
#ifndef LIB_ID_H
#define LIB_ID_H

#include "lib/addr.h"

enum ike_id_type { /* IANA values */
	IKE_ID_NONE = 0,
	IKE_ID_IPV4_ADDR = 1,
	IKE_ID_FQDN = 2,
	IKE_ID_RFC822_ADDR = 3,
	IKE_ID_IPV6_ADDR = 5,
	IKE_ID_DER_ASN1_DN = 9,
	IKE_ID_KEY_ID = 11,
};

#define IKE_ID_MAX 255
#define IKE_ID_STRLEN 300

struct ike_id {
	enum ike_id_type type;
	uint16_t len; /* 0..IKE_ID_MAX */
	uint8_t data[IKE_ID_MAX];
};

struct ike_id ike_id_from_addr(const struct addr *a);
/* FQDN, email, key-id or DN from text; -E2BIG over IKE_ID_MAX, -EINVAL when empty, or no DN (dn.h). */
int ike_id_from_text(enum ike_id_type type, const char *text, struct ike_id *out);
/* FQDN and email compare without case, DNs as dn_equal() does, all else byte for byte. */
bool ike_id_equal(const struct ike_id *a, const struct ike_id *b);
/*
 * What a person may say of an identity: this one, or any of a domain ("example.com" holds
 * "hub.example.com", not itself; of an email what stands behind the @ is meant).
 */
struct ike_id_rule {
	struct ike_id id; /* of a domain: its name, with the type of the identities */
	bool domain;
};

bool ike_id_rule_matches(const struct ike_id_rule *rule, const struct ike_id *id);
/* "fqdn hub.example", "fqdn of domain example.com" */
const char *ike_id_rule_print(const struct ike_id_rule *rule, char *buf, size_t size);
/* "10.1.1.1", "fqdn hub.example", "dn CN=hub", …; unprintable bytes as \xNN. */
const char *ike_id_print(const struct ike_id *id, char *buf, size_t size);

#endif
