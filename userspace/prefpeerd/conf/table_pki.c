// SPDX-License-Identifier: GPL-2.0-or-later
/* Trustpoints, and certificate maps. */
#include "prefpeerd/conf/table.h"

#define FILE_AT(w, h, fn) \
	KW(w, h, NEXT(KW("file", "of PEM", .undo = fn, \
			 NEXT(ARG(ARG_WORD, "PATH", "its absolute path", .slot = SLOT_TEXT, \
				  BOTH(fn))))))

const struct node trustpoint_commands[] = {
	FILE_AT("ca", "certificates of the CAs that are trusted", cmd_ca_file),
	FILE_AT("certificate", "our certificate, and those between it and the CA", cmd_cert_file),
	FILE_AT("key", "the private key of our certificate", cmd_key_file),
	FILE_AT("crl", "revocation lists of the CAs", cmd_crl_file),
	KW("revocation-check", "whether a certificate may have been revoked", .undo = cmd_revocation,
	   NEXT(KW("crl", "by the crl file", BOTH(cmd_revocation)),
		KW("none", "not looked at", .flag = F_DEFAULT, BOTH(cmd_revocation)),
		NOT_YET("ocsp"))),
	REFUSE("enrollment", "certificates are read from files, not enrolled for",
	       "`ca file`, `certificate file` and `key file` name them"),
	REFUSE("auto-enroll", "certificates are read from files, not enrolled for",
	       "`prefpeer reload` reads them anew"),
	REFUSE("rsakeypair", "keys are read from files", "`key file PATH`"),
	REFUSE("eckeypair", "keys are read from files", "`key file PATH`"),
	NOT_YET("subject-name"), NOT_YET("subject-alt-name"), NOT_YET("fqdn"),
	NOT_YET("ip-address"), NOT_YET("serial-number"), NOT_YET("usage"),
	NOT_YET("chain-validation"), NOT_YET("hash"), NOT_YET("source"), NOT_YET("vrf"),
	{ 0 },
};

/* The last keyword says which field, and how. */
#define RULE(w, h, f, o) \
	KW(w, h, .min = (f) * 8 + (o), .undo = cmd_cert_rule, \
	   NEXT(ARG(ARG_REST, "TEXT", "without regard to case", .slot = SLOT_TEXT, \
		    BOTH(cmd_cert_rule))))
#define FIELD(w, h, f) \
	KW(w, h, NEXT(RULE("co", "contains", f, PKI_OP_CO), RULE("nc", "does not contain", f, PKI_OP_NC), \
		      RULE("eq", "is", f, PKI_OP_EQ), RULE("ne", "is not", f, PKI_OP_NE)))

const struct node cert_map_commands[] = {
	FIELD("subject-name", "its subject", PKI_FIELD_SUBJECT),
	FIELD("issuer-name", "who issued it", PKI_FIELD_ISSUER),
	FIELD("alt-subject-name", "one of its alternative names", PKI_FIELD_ALT_NAME),
	FIELD("name", "its subject, or one of its alternative names", PKI_FIELD_NAME),
	FIELD("serial-number", "in hexadecimal", PKI_FIELD_SERIAL),
	NOT_YET("unstructured-subject-name"),
	REFUSE("expires-on", "a certificate that is out of date is refused in any case",
	       "leave it out"),
	REFUSE("valid-start", "a certificate that is not valid yet is refused in any case",
	       "leave it out"),
	{ 0 },
};
