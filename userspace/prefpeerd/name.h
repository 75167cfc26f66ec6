/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What name servers say about the name of a peer (semantics.md §1.2). */
#ifndef PREFPEERD_NAME_H
#define PREFPEERD_NAME_H

#include "lib/addr.h"

enum name_result {
	NAME_ADDR,   /* addr is its address */
	NAME_DENIED, /* there is no such name, or none with an address of that family */
	NAME_SILENT, /* nobody answered, or nobody could */
	NAME_BOGUS,  /* DNSSEC: somebody forged it, or the zone is broken */
};

/* Names: name_trust_text(); they are values of the JSON and do not change. */
enum name_trust {
	TRUST_UNCHECKED, /* "unchecked": no trust anchor is configured */
	TRUST_INSECURE,  /* "insecure": the zone is not signed, and that is proved */
	TRUST_SECURE,    /* "secure" */
	TRUST_BOGUS,     /* "bogus" */
	TRUST_LOCAL,     /* "local": `ip host` */
};

struct name_answer {
	enum name_result result;
	struct addr addr;     /* NAME_ADDR */
	uint32_t ttl_s;       /* NAME_ADDR: how long it may be used without asking again */
	enum name_trust trust;
	const char *text;     /* otherwise: a sentence on why; lives during the call */
};

const char *name_trust_text(enum name_trust t);

#endif
