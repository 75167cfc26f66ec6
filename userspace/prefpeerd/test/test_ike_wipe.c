// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys do not outlive their use: whatever the engine gives back to malloc is looked
 * through for the pre-shared key, SK_* and the keys of ESP (ld --wrap=free).
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_fixture.h"

#define SECRETS_MAX 256

static struct {
	bool on;
	struct {
		const char *name;
		uint8_t bytes[64];
		size_t len;
	} secrets[SECRETS_MAX];
	unsigned n, n_freed;
	const char *leaked; /* the first that was found */
} watch;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
	size_t size = p && watch.on ? malloc_usable_size(p) : 0;

	watch.n_freed += size > 0;
	for (unsigned i = 0; size && i < watch.n; i++)
		if (memmem(p, size, watch.secrets[i].bytes, watch.secrets[i].len) && !watch.leaked)
			watch.leaked = watch.secrets[i].name;
	__real_free(p);
}

static void secret(const char *name, const void *bytes, size_t len)
{
	assert_true(watch.n < SECRETS_MAX && len <= sizeof(watch.secrets[0].bytes));
	if (!len)
		return;
	watch.secrets[watch.n].name = name;
	memcpy(watch.secrets[watch.n].bytes, bytes, len);
	watch.secrets[watch.n++].len = len;
}

static void secrets_of_session(const struct session *s)
{
	size_t p = prf_len(s->suite.prf), e = encr_keymat_len(s->suite.encr, s->suite.key_bits);

	secret("SK_d", s->keys.d, p);
	secret("SK_pi", s->keys.i.p, p);
	secret("SK_pr", s->keys.r.p, p);
	secret("SK_ei", s->keys.i.e, e);
	secret("SK_er", s->keys.r.e, e);
	secret("SK_ai", s->keys.i.a, integ_key_len(s->suite.integ));
	secret("SK_ar", s->keys.r.a, integ_key_len(s->suite.integ));
}

/* What an answered rekey keeps until its pair is used. */
static bool secrets_waiting(const struct session *s)
{
	const struct child *c;
	bool any = false;

	DL_FOREACH(s->children, c)
		if (c->out_later) {
			secret("key that waits", c->out_later->encr_key, c->out_later->encr_key_len);
			any = true;
		}
	return any;
}

static bool secrets_of(const struct side *side)
{
	const struct session *s;
	bool waiting = false;

	DL_FOREACH(((struct ike *)side->engine->impl)->sessions, s) {
		secrets_of_session(s);
		waiting |= secrets_waiting(s);
	}
	for (unsigned i = 0; i < side->kernel.n_sas; i++) {
		secret("key of ESP", side->kernel.sas[i].encr_key, side->kernel.sas[i].encr_key_len);
		secret("integrity key of ESP", side->kernel.sas[i].integ_key, side->kernel.sas[i].integ_key_len);
	}
	return waiting;
}

static struct fixture *up(void)
{
	struct fixture *f = fixture_new(AF_INET);

	memset(&watch, 0, sizeof(watch));
	secret("pre-shared key", f->to_right.psk, f->to_right.psk_len);
	watch.on = true;
	assert_true(fixture_up(f));
	secrets_of(&f->left);
	secrets_of(&f->right);
	assert_true(watch.n > 10);
	return f;
}

static void nothing_is_left(struct fixture *f)
{
	watch.on = false;
	assert_true(watch.n_freed > 5);
	if (watch.leaked)
		fail_msg("%s was given back unwiped", watch.leaked);
	fixture_free(f);
}

static void at_the_end_of_an_ike_sa(void **state)
{
	struct fixture *f = up();

	f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_DELETE);
	fixture_run_ms(f, 60000);
	assert_null(((struct ike *)f->left.engine->impl)->sessions);
	assert_null(((struct ike *)f->right.engine->impl)->sessions);
	nothing_is_left(f);
}

/* The old pair's keys, and those that a successor waits with. */
static void across_a_rekey(void **state)
{
	struct fixture *f = up();
	const struct engine_pair *p = &side_last(&f->left, ENG_CHILD_UP)->ev.pair;
	const struct kernel_sa_id id = { .dst = p->local, .spi = p->spi_in, .proto = IPPROTO_ESP };

	for (unsigned i = 0; i < f->left.kernel.n_sas; i++)
		f->left.kernel.packets[i] = 1;
	engine_ike_expire(f->left.engine->impl, &id, false);
	/* Answered, and not known to be used yet. */
	fixture_run_ms(f, 15);
	assert_true(secrets_of(&f->right));
	fixture_run_ms(f, 200000);
	assert_non_null(side_last(&f->left, ENG_CHILD_REKEYED));
	nothing_is_left(f);
}

/* A crash of the other end, or our own stop: nobody asks, all of it goes. */
static void with_the_engine(void **state)
{
	struct fixture *f = up();

	fixture_restart(f, &f->left, NULL);
	fixture_restart(f, &f->right, NULL);
	nothing_is_left(f);
}

static void with_the_configuration(void **state)
{
	struct fixture *f = up();
	static const uint8_t other[] = "another key, after a reload";
	struct engine_remote r = f->to_right;

	r.psk = other;
	r.psk_len = sizeof(other);
	f->left.engine->ops->remote_set(f->left.engine->impl, &r);
	f->left.engine->ops->remote_del(f->left.engine->impl, 1);
	nothing_is_left(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_the_end_of_an_ike_sa),
		cmocka_unit_test(across_a_rekey),
		cmocka_unit_test(with_the_engine),
		cmocka_unit_test(with_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
