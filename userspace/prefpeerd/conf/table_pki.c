// SPDX-License-Identifier: GPL-2.0-or-later
/* Trustpoints. */
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
