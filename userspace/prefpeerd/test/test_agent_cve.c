// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The classes of CVEs that IKE daemons have had, and the tests that would notice
 * them here. The table is checked: a test that it names is there. What no other file
 * tests is below.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/x509v3.h>
#include <seccomp.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/pki/pki.h"
#include "prefpeerd/test/ike_fixture.h"
#include "prefpeerd/test/pki_make.h"

static const struct {
	const char *class, *cve, *test;
} classes[] = {
	/* class, seen in, test_FILE:test */
	{ "malformed before authentication: crash", "CVE-2023-23009", "ike_malformed:truncations" },
	{ "malformed before authentication: crash", "CVE-2023-30570", "ike_malformed:flips" },
	{ "malformed before authentication: crash", "CVE-2026-12413", "ike_flood:rubbish" },
	{ "malformed before authentication: out of bounds, NULL", "OpenBSD 2026-04", "ike_malformed:rubbish_in_auth" },
	{ "malformed before authentication: proposals", "OpenBSD 2026-04", "ike_flood:thousand_proposals" },
	{ "malformed after authentication: REKEY_SA's protocol", "CVE-2023-38710", "ike_malformed:rekey_notify_malformed" },
	{ "malformed after authentication: DELETE, then more", "CVE-2023-38712", "ike_malformed:delete_twice" },
	{ "malformed after authentication: crash", "CVE-2022-23094", "ike_malformed:rubbish_inside" },
	{ "malformed after authentication: crash", "CVE-2022-23094", "ike_malformed:odd_payloads" },
	{ "state that should have been deleted", "CVE-2024-2357", "ike_malformed:refused_and_still_talking" },
	{ "authentication: name constraints", "CVE-2026-35331", "pki_chain:constraints_and_criticals" },
	{ "authentication: name constraints", "CVE-2026-35331", "pki_attacks:names_beyond_constraints" },
	{ "authentication: EAP-Success out of turn", "CVE-2021-45079", "agent_cve:early_eap_success" },
	{ "authentication: none at all", "CVE-2021-45079", "agent_cve:answer_without_auth" },
	{ "authentication: anything instead", "CVE-2021-45079", "ike_unproven:to_the_initiator" },
	{ "authentication: anything instead", "CVE-2021-45079", "ike_unproven:to_the_responder" },
	{ "authentication: padding of RSA", "CVE-2026-50721", "ike_auth:auth_is_exact" },
	{ "authentication: padding of RSA", "CVE-2026-50721", "pki_attacks:rsa_padding" },
	{ "authentication: DER", "CVE-2026-50722", "pki_names:mangled_identifiers" },
	{ "authentication: DER", "CVE-2026-50722", "pki_chain:flipped" },
	{ "crypto glue: lengths of Diffie-Hellman values", "CVE-2023-41913", "ike_malformed:key_exchange_of_any_length" },
	{ "crypto glue: values on no curve", "CVE-2018-17540", "ike_parts:bad_public_values" },
	{ "crypto glue: sums that overflow", "CVE-2021-41991", "ike_auth:certificates_by_count" },
	{ "crypto glue: sums that overflow", "CVE-2021-41991", "ike_frag:bounds" },
	{ "fetching what a stranger's certificate says", "CVE-2022-40617", "agent_cve:nothing_is_fetched" },
	{ "control socket: lengths", "CVE-2018-5388", "lib_ctl:endless_requests_are_ended" },
	{ "control socket: rubbish", "CVE-2018-5388", "lib_ctl:bad_requests_get_a_sentence" },
};

/* ---- the table ---- */

/* It is written there, and run: by its name twice. */
static bool file_runs(const char *path, const char *test)
{
	FILE *f = fopen(path, "r");
	char line[256];
	unsigned n = 0;

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		n += strstr(line, test) != NULL;
	fclose(f);
	return n >= 2;
}

/* Run where the sources are, as `make check` does. */
static void each_class_has_its_test(void **state)
{
	char path[128];

	if (access("prefpeerd/test", R_OK))
		skip();
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		const char *colon = strchr(classes[i].test, ':');

		snprintf(path, sizeof(path), "prefpeerd/test/test_%.*s.c",
			 (int)(colon - classes[i].test), classes[i].test);
		if (!file_runs(path, colon + 1))
			fail_msg("%s (%s): %s does not run %s", classes[i].class, classes[i].cve, path, colon + 1);
	}
}

/* ---- an answer to IKE_AUTH that proves nothing ---- */

static enum mock_fate no_auth_answer(void *ctx, struct datagram *d)
{
	return datagram_exchange(d) == XCHG_IKE_AUTH && datagram_is_response(d) ? MOCK_DROP : MOCK_PASS;
}

static struct session *session_of(const struct side *s)
{
	return ((struct ike *)s->engine->impl)->sessions;
}

/* left waits for the answer to its IKE_AUTH; right's keys are at hand. */
static struct fixture *at_auth(struct msg_out *m)
{
	struct fixture *f = fixture_new(AF_INET);
	struct engine_child c = fixture_child(1, 1);
	struct ike_header h = { .exchange = XCHG_IKE_AUTH, .flags = IKE_FLAG_RESPONSE, .id = 1 };
	struct msg_cipher cipher;

	f->net.filter = no_auth_answer;
	f->left.engine->ops->open(f->left.engine->impl, 1, 1, &f->left.addr, &c, NULL);
	fixture_run_ms(f, 100);
	assert_int_equal(session_of(&f->left)->state, SES_AUTH);
	memcpy(h.spi_i, session_of(&f->right)->spi_i, IKE_SPI_LEN);
	memcpy(h.spi_r, session_of(&f->right)->spi_r, IKE_SPI_LEN);
	cipher = session_cipher(session_of(&f->right), true);
	msg_begin_sk(m, &h, &cipher);
	return f;
}

/* All that a set-up asks for, but AUTH. */
static void put_child(struct msg_out *m)
{
	struct engine_child c = fixture_child(1, 1);
	struct esp_suite suites[SUITE_MAX];
	struct ts left, right;

	esp_suites_default(suites);
	put_sa_esp_choice(m, 1, &suites[0], DH_NONE, 0xabcdef01);
	selector_to_ts(&c.sel, &left, &right);
	put_ts(m, PLD_TSI, &left);
	put_ts(m, PLD_TSR, &right);
}

static void is_not_let_in(struct fixture *f, struct msg_out *m)
{
	struct session *s = session_of(&f->right);
	struct datagram d = { .src = s->local, .dst = s->peer };
	struct msg_cipher c = session_cipher(s, true);

	assert_int_equal(msg_seal(m, &c, &s->iv_counter), 0);
	d.len = m->w.len;
	memcpy(d.bytes, m->buf, d.len);
	mocknet_inject(&f->net, &d);
	fixture_run_ms(f, 100);
	assert_null(side_last(&f->left, ENG_UP));
	assert_null(side_last(&f->left, ENG_CHILD_UP));
	assert_non_null(side_last(&f->left, ENG_DOWN));
	assert_int_equal(f->left.kernel.n_sas, 0);
	fixture_free(f);
}

static void early_eap_success(void **state)
{
	static const uint8_t success[] = { 3, 1, 0, 4 };
	struct msg_out m;
	struct fixture *f = at_auth(&m);
	struct ike_id id = ike_id_from_addr(&f->right.addr);

	put_id(&m, PLD_IDR, &id);
	msg_payload_begin(&m, PLD_EAP);
	wtr_bytes(&m.w, success, sizeof(success));
	msg_payload_end(&m);
	put_child(&m);
	is_not_let_in(f, &m);
}

static void answer_without_auth(void **state)
{
	struct msg_out m;
	struct fixture *f = at_auth(&m);
	struct ike_id id = ike_id_from_addr(&f->right.addr);

	put_id(&m, PLD_IDR, &id);
	put_child(&m);
	is_not_let_in(f, &m);
}

/* ---- nothing is fetched ---- */

/* From here on a socket ends the process. */
static bool forbid_sockets(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	bool ok = f && !seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, SCMP_SYS(socket), 0) &&
		  !seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, SCMP_SYS(connect), 0) && !seccomp_load(f);

	seccomp_release(f);
	return ok;
}

static void add_url(struct made *m, const struct made *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer->cert, m->cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(m->cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* A certificate that names, by URL, its revocation list, its OCSP responder and its issuer. */
static struct made with_urls(const struct made *ca)
{
	struct made m = pki_make(&(struct make){ .subject = "CN=hub1", .san = "DNS:hub1.example", .issuer = ca });
	int len;

	add_url(&m, ca, NID_crl_distribution_points, "URI:http://127.0.0.1/x.crl");
	add_url(&m, ca, NID_info_access, "OCSP;URI:http://127.0.0.1/,caIssuers;URI:http://127.0.0.1/ca.der");
	assert_true(X509_sign(m.cert, ca->key, EVP_sha256()) > 0);
	OPENSSL_free(m.der);
	m.der = NULL;
	len = i2d_X509(m.cert, &m.der);
	assert_true(len > 0);
	m.len = (size_t)len;
	return m;
}

static int verify_without_sockets(const struct made *m, const char *ca, const char *crl)
{
	struct chunk der = pki_made_der(m);
	struct pki_trust *t;
	struct pki_peer *peer;
	char why[PKI_WHY_MAX];
	int err;

	if (pki_trust_load(ca, crl, &t, why, sizeof(why)) || !forbid_sockets())
		return 1;
	err = pki_verify(&t, 1, &der, 1, time(NULL), &peer, why, sizeof(why));
	return err ? 2 : 0;
}

/* Exit status of a process of its own that verifies @m. */
static int verdict(const struct made *m, const char *ca, const char *crl)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(verify_without_sockets(m, ca, crl));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void nothing_is_fetched(void **state)
{
	struct made root = pki_make(&(struct make){ .subject = "CN=Root", .ca = true });
	struct made other = pki_make(&(struct make){ .subject = "CN=Other", .ca = true });
	struct made hub = with_urls(&root), stray = with_urls(&other);
	const struct made *ca = &root;
	char ca_path[128], crl_path[128];

	snprintf(ca_path, sizeof(ca_path), "%s", pki_write_certs("ca.pem", &ca, 1));
	snprintf(crl_path, sizeof(crl_path), "%s", pki_write_crls("x.crl", &ca, 1, NULL, 30));
	assert_int_equal(verdict(&hub, ca_path, NULL), 0);
	assert_int_equal(verdict(&hub, ca_path, crl_path), 0);
	/* Not even to find the issuer. */
	assert_int_equal(verdict(&stray, ca_path, NULL), 2);
	pki_made_free(&root);
	pki_made_free(&other);
	pki_made_free(&hub);
	pki_made_free(&stray);
	pki_dir_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_class_has_its_test),
		cmocka_unit_test(early_eap_success),
		cmocka_unit_test(answer_without_auth),
		cmocka_unit_test(nothing_is_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
