// SPDX-License-Identifier: GPL-2.0-or-later
/* The files that trustpoints name, as `prefpeerd -t` and a reload look at them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "prefpeerd/test/conf_help.h"
#include "prefpeerd/test/pki_make.h"

static struct made root, leaf, rsa, old;

static int setup(void **state)
{
	root = pki_make(&(struct make){ .subject = "CN=Root", .ca = true });
	leaf = pki_make(&(struct make){ .subject = "CN=branch", .san = "DNS:branch.example", .issuer = &root });
	rsa = pki_make(&(struct make){ .subject = "CN=rsa", .issuer = &root, .key = "RSA:2048" });
	old = pki_make(&(struct make){ .subject = "CN=old", .issuer = &root, .from_day = -9, .to_day = -2 });
	return 0;
}

static int teardown(void **state)
{
	pki_made_free(&root);
	pki_made_free(&leaf);
	pki_made_free(&rsa);
	pki_made_free(&old);
	return 0;
}

static void write_all(const struct made *cert, const struct made *key)
{
	const struct made *ca = &root;

	pki_write_certs("ca.pem", &ca, 1);
	pki_write_certs("cert.pem", &cert, 1);
	pki_write_key("key.pem", key);
	pki_write_crls("crl.pem", &ca, 1, NULL, 7);
}

static char *text_of(const char *auth, const char *local)
{
	char *text = malloc(2048);

	snprintf(text, 2048,
		 "crypto pki trustpoint T\n ca file %s/ca.pem\n certificate file %s/cert.pem\n"
		 " key file %s/key.pem\n crl file %s/crl.pem\n"
		 "crypto ikev2 profile P\n identity local %s\n authentication local %s\n"
		 " authentication remote rsa-sig\n pki trustpoint T\n",
		 pki_dir(), pki_dir(), pki_dir(), pki_dir(), local, auth);
	return text;
}

/* What is said, one per line; paths without their directory. */
static char *said(const char *auth, const char *local, unsigned *errors, const char **broken)
{
	static char out[2048], keep[512];
	char *text = text_of(auth, local), line[512];
	struct parsed x = conf_help_parse(text);
	size_t dir = strlen(pki_dir()) + 1;

	conf_help_valid(&x);
	*errors = config_credentials(x.c, &conf_keys_here, time(NULL), &x.d);
	*out = '\0';
	for (unsigned i = 0; i < x.d.n; i++) {
		char *at;

		snprintf(line, sizeof(line), "%u:%u %s\n", x.d.list[i].pos.line, x.d.list[i].pos.col, x.d.list[i].text);
		while ((at = strstr(line, pki_dir())))
			memmove(at, at + dir, strlen(at + dir) + 1);
		strncat(out, line, sizeof(out) - strlen(out) - 1);
	}
	snprintf(keep, sizeof(keep), "%s", x.c->trustpoints[0]->broken ? x.c->trustpoints[0]->broken : "");
	*broken = keep;
	conf_help_free(&x);
	free(text);
	return out;
}

static void expect(const char *auth, const char *local, const char *want, unsigned want_errors)
{
	const char *broken;
	unsigned errors;
	char *got = said(auth, local, &errors, &broken);

	if (!strstr(got, want) || (!*want && *got))
		fail_msg("said \"%s\", not \"%s\"", got, want);
	assert_int_equal(errors, want_errors);
	if (*broken)
		assert_memory_equal(broken, "trustpoint T: ", 14);
}

static void good(void **state)
{
	write_all(&leaf, &leaf);
	expect("ecdsa-sig", "fqdn branch.example", "", 0);
	expect("ecdsa-sig", "dn", "", 0);
	write_all(&rsa, &rsa);
	expect("rsa-sig", "dn", "", 0);
}

static void each_file(void **state)
{
	write_all(&leaf, &leaf);
	unlink(pki_path("ca.pem"));
	expect("ecdsa-sig", "dn", "2:10 ca file ca.pem: it cannot be read: No such file or directory\n", 1);
	write_all(&leaf, &leaf);
	unlink(pki_path("crl.pem"));
	expect("ecdsa-sig", "dn", "5:11 crl file crl.pem: it cannot be read: No such file or directory\n", 1);
	write_all(&leaf, &leaf);
	unlink(pki_path("cert.pem"));
	expect("ecdsa-sig", "dn", "3:19 certificate file cert.pem: it cannot be read", 1);
	write_all(&leaf, &leaf);
	chmod(pki_path("key.pem"), 0640 | S_IROTH);
	expect("ecdsa-sig", "dn", "4:11 key file key.pem: its mode 0644 lets everyone at it; chmod 0600\n", 1);
	write_all(&leaf, &rsa);
	expect("ecdsa-sig", "dn", "4:11 key file key.pem: it does not belong to the certificate\n", 1);
	write_all(&old, &old);
	expect("ecdsa-sig", "dn", "3:19 certificate file cert.pem: the certificate of CN=old expired on 2", 1);
	/* All of a trustpoint's troubles at once. */
	unlink(pki_path("ca.pem"));
	chmod(pki_path("key.pem"), 0666);
	expect("ecdsa-sig", "dn", "4:11 key file", 3);
}

static void out_of_date(void **state)
{
	const struct made *ca = &root;

	write_all(&leaf, &leaf);
	pki_write_crls("crl.pem", &ca, 1, NULL, -1);
	expect("ecdsa-sig", "dn", "5:11 the revocation list of CN=Root is out of date since 2", 0);
}

static void against_the_profile(void **state)
{
	write_all(&leaf, &leaf);
	expect("rsa-sig", "dn", "8:2 the key of trustpoint T is ECDSA\n", 1);
	expect("ecdsa-sig", "fqdn other.example",
	       "7:2 the certificate of trustpoint T does not name fqdn other.example: peers will refuse it\n", 0);
}

/* What a private key file holds is in no message, whatever it is. */
static void keys_are_not_shown(void **state)
{
	const char *broken;
	unsigned errors;
	FILE *f;

	write_all(&leaf, &leaf);
	f = fopen(pki_path("key.pem"), "w");
	fputs("TOPSECRET\n-----BEGIN PRIVATE KEY-----\nTOPSECRET\n-----END PRIVATE KEY-----\n", f);
	fclose(f);
	assert_null(strstr(said("ecdsa-sig", "dn", &errors, &broken), "TOPSECRET"));
	assert_int_equal(errors, 1);
	assert_null(strstr(broken, "TOPSECRET"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),		       cmocka_unit_test(each_file),
		cmocka_unit_test(out_of_date),	       cmocka_unit_test(against_the_profile),
		cmocka_unit_test(keys_are_not_shown),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
