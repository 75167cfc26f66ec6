// SPDX-License-Identifier: GPL-2.0-or-later
/* The process with the private keys, as it is: forked, shut off, asked, killed. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "prefpeerd/signer.h"
#include "prefpeerd/test/ike_certs.h"
#include "prefpeerd/test/pki_make.h"

static struct made root, branch, hub;

static int setup(void **state)
{
	root = pki_make(&(struct make){ .subject = "CN=Root", .ca = true });
	branch = pki_make(&(struct make){ .subject = "CN=branch", .san = "IP:10.0.0.1", .issuer = &root });
	hub = pki_make(&(struct make){ .subject = "CN=hub", .san = "IP:10.0.0.2", .issuer = &root });
	return 0;
}

static int teardown(void **state)
{
	pki_made_free(&root);
	pki_made_free(&branch);
	pki_made_free(&hub);
	return 0;
}

static void loads_and_refuses(void **state)
{
	struct signer *s;
	struct conf_keys keys;
	struct pki_key key;
	struct pki_own *own;
	char why[PKI_WHY_MAX];
	const struct made *list[] = { &branch };

	assert_int_equal(signer_open(&s), 0);
	keys = signer_keys(s);
	assert_int_equal(pki_own_load(pki_write_certs("c.pem", list, 1), &own, why, sizeof(why)), 0);
	assert_int_equal(keys.load(keys.ctx, pki_write_key("k.pem", &branch), &key, why, sizeof(why)), 0);
	assert_memory_equal(key.id, pki_own_key(own)->id, PKI_KEY_ID_LEN);
	assert_int_not_equal(keys.load(keys.ctx, "/nonexistent", &key, why, sizeof(why)), 0);
	assert_string_equal(why, "it cannot be read: No such file or directory");
	chmod(pki_path("k.pem"), 0644);
	assert_int_not_equal(keys.load(keys.ctx, pki_path("k.pem"), &key, why, sizeof(why)), 0);
	assert_string_equal(why, "its mode 0644 lets everyone at it; chmod 0600");
	pki_own_put(own);
	signer_close(s);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

/* Pre-shared keys in a file of their own, and sealed with the master key in one. */
static void opens_secrets(void **state)
{
	char sealed[PKI_SEALED_MAX + 1], why[PKI_WHY_MAX], psk[200], master[200], was;
	uint8_t out[PSK_MAX];
	struct conf_keys keys;
	struct signer *s;
	size_t len = 0;

	snprintf(psk, sizeof(psk), "%s", pki_path("psk"));
	snprintf(master, sizeof(master), "%s", pki_path("master"));
	write_file(psk, "a key of words\nand no more\n", 0600);
	write_file(master, "0123456789abcdef0123456789abcdef\n", 0600);
	assert_int_equal(signer_open(&s), 0);
	keys = signer_keys(s);
	assert_int_equal(keys.secret(keys.ctx, psk, NULL, out, &len, why, sizeof(why)), 0);
	assert_int_equal(len, 14);
	assert_memory_equal(out, "a key of words", 14);
	assert_int_equal(pki_secret_seal(master, (const uint8_t *)"sealed", 6, sealed, why, sizeof(why)), 0);
	assert_null(strstr(sealed, "sealed"));
	assert_int_equal(keys.secret(keys.ctx, master, sealed, out, &len, why, sizeof(why)), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(out, "sealed", 6);
	/* Changed, of another master key, no such thing, too short a one, open to all. */
	was = sealed[20];
	sealed[20] = was == 'A' ? 'B' : 'A';
	assert_int_not_equal(keys.secret(keys.ctx, master, sealed, out, &len, why, sizeof(why)), 0);
	assert_string_equal(why, "the key was sealed with another master key, or changed since");
	sealed[20] = was;
	write_file(master, "another one of some length", 0600);
	assert_int_not_equal(keys.secret(keys.ctx, master, sealed, out, &len, why, sizeof(why)), 0);
	assert_string_equal(why, "the key was sealed with another master key, or changed since");
	assert_int_not_equal(keys.secret(keys.ctx, master, "AAAA", out, &len, why, sizeof(why)), 0);
	assert_string_equal(why, "what follows the 6 is no sealed key");
	write_file(master, "short", 0600);
	assert_int_not_equal(keys.secret(keys.ctx, master, sealed, out, &len, why, sizeof(why)), 0);
	assert_string_equal(why, "a master key of 5 bytes is too short (16 at least)");
	chmod(psk, 0644);
	assert_int_not_equal(keys.secret(keys.ctx, psk, NULL, out, &len, why, sizeof(why)), 0);
	assert_string_equal(why, "its mode 0644 lets everyone at it; chmod 0600");
	signer_close(s);
}

static void read_status(pid_t pid, char *buf, size_t size)
{
	char path[64];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
}

/* No capability, a filter, no new privileges: as the kernel has it. */
static void is_shut_off(void **state)
{
	struct signer *s;
	struct conf_keys keys;
	struct pki_key key;
	char status[8192], why[PKI_WHY_MAX];

	assert_int_equal(signer_open(&s), 0);
	keys = signer_keys(s);
	/* An answer says that it is through with it. */
	keys.load(keys.ctx, "/nonexistent", &key, why, sizeof(why));
	read_status(signer_pid(s), status, sizeof(status));
	assert_non_null(strstr(status, "CapEff:\t0000000000000000"));
	assert_non_null(strstr(status, "CapPrm:\t0000000000000000"));
	assert_non_null(strstr(status, "Seccomp:\t2"));
	assert_non_null(strstr(status, "NoNewPrivs:\t1"));
	signer_close(s);
}

/* ---- in its place between two engines ---- */

struct world {
	struct fixture *f;
	struct credentials left, right;
	struct signer *signer;
	struct event_base *base;
};

static void by_certificate(struct engine_remote *r, struct credentials *c)
{
	r->psk = NULL;
	r->own = c->own;
	r->trust[0] = c->trust;
	r->n_trust = 1;
	r->remote_auth = ENGINE_AUTH_ECDSA;
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct made *l[] = { &branch }, *r[] = { &hub };
	struct conf_keys keys;
	struct pki_key key;
	char why[PKI_WHY_MAX];

	w->f = fixture_new(AF_INET);
	credentials_open(&w->left, &w->f->left, l, 1, &root, NULL);
	credentials_open(&w->right, &w->f->right, r, 1, &root, NULL);
	by_certificate(&w->f->to_right, &w->left);
	by_certificate(&w->f->to_left, &w->right);
	w->f->left.engine->ops->remote_set(w->f->left.engine->impl, &w->f->to_right);
	w->f->right.engine->ops->remote_set(w->f->right.engine->impl, &w->f->to_left);
	assert_int_equal(signer_open(&w->signer), 0);
	keys = signer_keys(w->signer);
	assert_int_equal(keys.load(keys.ctx, pki_write_key("left.key", &branch), &key, why, sizeof(why)), 0);
	w->base = event_base_new();
	assert_int_equal(signer_attach(w->signer, w->base, w->f->left.engine), 0);
	return w;
}

static void world_free(struct world *w)
{
	signer_close(w->signer);
	event_base_free(w->base);
	credentials_close(&w->left);
	credentials_close(&w->right);
	fixture_free(w->f);
	free(w);
}

static void open_left(struct world *w)
{
	struct engine_child c = fixture_child(1, 1);

	assert_int_equal(w->f->left.engine->ops->open(w->f->left.engine->impl, 1, 1, &w->f->left.addr, &c, NULL), 0);
	fixture_run_ms(w->f, 100);
}

static void signs(void **state)
{
	struct world *w = world_new();

	open_left(w);
	assert_null(side_last(&w->f->left, ENG_UP));
	event_base_loop(w->base, EVLOOP_ONCE);
	fixture_run_ms(w->f, 100);
	assert_non_null(side_last(&w->f->left, ENG_CHILD_UP));
	assert_non_null(side_last(&w->f->right, ENG_CHILD_UP));
	world_free(w);
}

/* Keys that the configuration does not name any more are forgotten. */
static void forgets(void **state)
{
	struct world *w = world_new();
	const struct config none = { 0 };

	signer_retain(w->signer, &none);
	open_left(w);
	event_base_loop(w->base, EVLOOP_ONCE);
	fixture_run_ms(w->f, 100);
	assert_string_equal(side_last(&w->f->left, ENG_DOWN)->text, "our key does not sign: Required key not available");
	world_free(w);
}

static void keeps_what_is_named(void **state)
{
	struct world *w = world_new();
	struct trustpoint t = { .own = w->left.own }, *list[] = { &t };
	const struct config one = { .trustpoints = list, .n_trustpoints = 1 };

	signer_retain(w->signer, &one);
	open_left(w);
	event_base_loop(w->base, EVLOOP_ONCE);
	fixture_run_ms(w->f, 100);
	assert_non_null(side_last(&w->f->left, ENG_CHILD_UP));
	world_free(w);
}

static void is_gone(void **state)
{
	struct world *w = world_new();
	struct conf_keys keys = signer_keys(w->signer);
	struct pki_key key;
	char why[PKI_WHY_MAX];

	assert_int_equal(kill(signer_pid(w->signer), SIGKILL), 0);
	assert_int_not_equal(keys.load(keys.ctx, "/x", &key, why, sizeof(why)), 0);
	assert_string_equal(why, "the process that holds the private keys is gone");
	event_base_loop(w->base, EVLOOP_ONCE);
	open_left(w);
	assert_string_equal(side_last(&w->f->left, ENG_DOWN)->text,
			    "the process that holds the private keys does not sign: Broken pipe");
	world_free(w);
}

/* A stop of the whole unit reaches it too; it ends with the one that asks, not before. */
static void signals_are_not_its_own(void **state)
{
	struct world *w = world_new();

	kill(signer_pid(w->signer), SIGTERM);
	kill(signer_pid(w->signer), SIGHUP);
	kill(signer_pid(w->signer), SIGINT);
	open_left(w);
	event_base_loop(w->base, EVLOOP_ONCE);
	fixture_run_ms(w->f, 100);
	assert_non_null(side_last(&w->f->left, ENG_CHILD_UP));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_and_refuses), cmocka_unit_test(opens_secrets), cmocka_unit_test(is_shut_off),
		cmocka_unit_test(signs),	     cmocka_unit_test(forgets),
		cmocka_unit_test(keeps_what_is_named), cmocka_unit_test(is_gone),
		cmocka_unit_test(signals_are_not_its_own),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
