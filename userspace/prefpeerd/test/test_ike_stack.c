// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is left of keys on the stack when those who computed with them have
 * returned (RFC 7296 §2.12); test_ike_wipe.c has the heap. Each secret is remembered
 * here, as bytes: shared Diffie-Hellman values, SK_*, keys of ESP. The engines run
 * on a stack of their own, which is looked through for them: below the frames that
 * still are, soon after each secret came, and all of it in the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_fixture.h"

/* Under AddressSanitizer a stack is read by its variables alone: there, the lives are lived and that is it. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if __has_feature(address_sanitizer) || defined(__SANITIZE_ADDRESS__)
#define STACK_IS_OPEN false
#else
#define STACK_IS_OPEN true
#endif

/* ---- what is secret, and where it must not be (ld --wrap) ---- */

#define SECRETS_MAX 256
#define SECRET_LEN 16 /* so many bytes of each: enough to be no chance */

static struct {
	uint8_t bytes[SECRETS_MAX][SECRET_LEN];
	const char *what[SECRETS_MAX];
	unsigned n;
	unsigned fresh; /* so many looks at the stack are still to come */
	bool watching;
	const char *left; /* the first that was found */
} secrets;

#define FRESH 16
#define DEAD_STACK 16384 /* bytes of frames that have returned, of which the last were the deepest */

static void remember(const char *what, const uint8_t *bytes)
{
	if (secrets.n == SECRETS_MAX)
		abort();
	secrets.what[secrets.n] = what;
	memcpy(secrets.bytes[secrets.n++], bytes, SECRET_LEN);
	secrets.fresh = FRESH;
}

static const char *found_in(const void *p, size_t len)
{
	for (unsigned i = 0; i < secrets.n; i++)
		if (memmem(p, len, secrets.bytes[i], SECRET_LEN))
			return secrets.what[i];
	return NULL;
}

void __real_free(void *p);
void __wrap_free(void *p);
int __real_crypto_dh_derive(struct crypto_dh *dh, const uint8_t *peer, size_t peer_len, uint8_t *out,
			    size_t *out_len);
int __wrap_crypto_dh_derive(struct crypto_dh *dh, const uint8_t *peer, size_t peer_len, uint8_t *out,
			    size_t *out_len);
int __real_ike_keys_derive(const struct ike_suite *suite, struct chunk ni, struct chunk nr, struct chunk shared,
			   const uint8_t spi_i[8], const uint8_t spi_r[8], struct ike_keys *out);
int __wrap_ike_keys_derive(const struct ike_suite *suite, struct chunk ni, struct chunk nr, struct chunk shared,
			   const uint8_t spi_i[8], const uint8_t spi_r[8], struct ike_keys *out);
int __real_ike_keys_rekey(enum ike_prf old_prf, const uint8_t *old_sk_d, const struct ike_suite *suite,
			  struct chunk ni, struct chunk nr, struct chunk shared, const uint8_t spi_i[8],
			  const uint8_t spi_r[8], struct ike_keys *out);
int __wrap_ike_keys_rekey(enum ike_prf old_prf, const uint8_t *old_sk_d, const struct ike_suite *suite,
			  struct chunk ni, struct chunk nr, struct chunk shared, const uint8_t spi_i[8],
			  const uint8_t spi_r[8], struct ike_keys *out);
int __real_esp_keys_derive(enum ike_prf prf, const uint8_t *sk_d, const struct esp_suite *suite,
			   struct chunk shared, struct chunk ni, struct chunk nr, struct esp_keys *i2r,
			   struct esp_keys *r2i);
int __wrap_esp_keys_derive(enum ike_prf prf, const uint8_t *sk_d, const struct esp_suite *suite,
			   struct chunk shared, struct chunk ni, struct chunk nr, struct esp_keys *i2r,
			   struct esp_keys *r2i);

/* free() is called often, and deep enough: before other calls have written over what was there. */
static void look_below(const uint8_t *frame)
{
	if (!secrets.fresh || secrets.left)
		return;
	secrets.fresh--;
	secrets.left = found_in(frame - DEAD_STACK, DEAD_STACK);
}

void __wrap_free(void *p)
{
	if (secrets.watching)
		look_below(__builtin_frame_address(0));
	__real_free(p);
}

int __wrap_crypto_dh_derive(struct crypto_dh *dh, const uint8_t *peer, size_t peer_len, uint8_t *out,
			    size_t *out_len)
{
	int err = __real_crypto_dh_derive(dh, peer, peer_len, out, out_len);

	if (!err)
		remember("a shared secret", out);
	return err;
}

static void remember_ike(const struct ike_keys *k)
{
	remember("SK_d", k->d);
	remember("SK_e", k->i.e);
	remember("SK_e", k->r.e);
	remember("SK_p", k->i.p);
	remember("SK_p", k->r.p);
}

int __wrap_ike_keys_derive(const struct ike_suite *suite, struct chunk ni, struct chunk nr, struct chunk shared,
			   const uint8_t spi_i[8], const uint8_t spi_r[8], struct ike_keys *out)
{
	int err = __real_ike_keys_derive(suite, ni, nr, shared, spi_i, spi_r, out);

	if (!err)
		remember_ike(out);
	return err;
}

int __wrap_ike_keys_rekey(enum ike_prf old_prf, const uint8_t *old_sk_d, const struct ike_suite *suite,
			  struct chunk ni, struct chunk nr, struct chunk shared, const uint8_t spi_i[8],
			  const uint8_t spi_r[8], struct ike_keys *out)
{
	int err = __real_ike_keys_rekey(old_prf, old_sk_d, suite, ni, nr, shared, spi_i, spi_r, out);

	if (!err)
		remember_ike(out);
	return err;
}

int __wrap_esp_keys_derive(enum ike_prf prf, const uint8_t *sk_d, const struct esp_suite *suite,
			   struct chunk shared, struct chunk ni, struct chunk nr, struct esp_keys *i2r,
			   struct esp_keys *r2i)
{
	int err = __real_esp_keys_derive(prf, sk_d, suite, shared, ni, nr, i2r, r2i);

	if (!err) {
		remember("a key of ESP", i2r->encr);
		remember("a key of ESP", r2i->encr);
	}
	return err;
}

/* ---- lives ---- */

static void soft_end(struct fixture *f)
{
	const struct recorded *r = side_last(&f->left, ENG_CHILD_REKEYED);
	struct kernel_sa_id id = { .proto = IPPROTO_ESP };

	r = r ? r : side_last(&f->left, ENG_CHILD_UP);
	id.dst = r->ev.pair.local;
	id.spi = r->ev.pair.spi_in;
	/* A pair that carried nothing is not rekeyed. */
	fake_kernel_carry(&f->left.kernel, id.spi);
	engine_ike_expire(f->left.engine->impl, &id, false);
	fixture_run_ms(f, 10000);
}

static void rekeyed(struct fixture *f)
{
	if (!fixture_up(f))
		abort();
	soft_end(f);
	rekey_ike_start(((struct ike *)f->left.engine->impl)->sessions);
	fixture_run_ms(f, 60000);
	soft_end(f);
	if (side_count(&f->left, ENG_CHILD_REKEYED) != 2)
		abort();
	f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_DELETE);
	fixture_run_ms(f, 60000);
}

/* The kernel refuses at each end in turn; the keys were made for nothing. */
static void refused(struct fixture *f)
{
	f->right.kernel.add_error = -12;
	fixture_up(f);
	f->left.kernel.add_error = -12;
	fixture_up(f);
}

static enum mock_fate no_auth(void *ctx, struct datagram *d)
{
	return datagram_exchange(d) == XCHG_IKE_AUTH ? MOCK_DROP : MOCK_PASS;
}

static void given_up_on(struct fixture *f)
{
	f->net.filter = no_auth;
	fixture_up(f);
	fixture_run_ms(f, 60000);
}

/* ---- each on a stack of its own ---- */

#define STACK_SIZE (1 << 20)

static struct {
	ucontext_t here, there;
	struct fixture *f;
	void (*life)(struct fixture *f);
} run;

static void trampoline(void)
{
	run.life(run.f);
	engine_ike_free(run.f->left.engine);
	engine_ike_free(run.f->right.engine);
}

static void on_stack(uint8_t *stack)
{
	getcontext(&run.there);
	run.there.uc_stack.ss_sp = stack;
	run.there.uc_stack.ss_size = STACK_SIZE;
	run.there.uc_link = &run.here;
	makecontext(&run.there, trampoline, 0);
	secrets.watching = true;
	swapcontext(&run.here, &run.there);
	secrets.watching = false;
	if (!secrets.left)
		secrets.left = found_in(stack, STACK_SIZE);
}

/* The engines end within; what a fixture and its kernels know is none of theirs. */
static void live(void (*life)(struct fixture *f))
{
	uint8_t *stack = calloc(1, STACK_SIZE);

	memset(&secrets, 0, sizeof(secrets));
	run.f = fixture_new(AF_INET);
	run.life = life;
	if (STACK_IS_OPEN)
		on_stack(stack);
	else
		trampoline();
	assert_true(secrets.n > 5);
	if (secrets.left)
		fail_msg("%s is left on the stack", secrets.left);
	free(stack);
	mocknet_fini(&run.f->net);
	fake_clock_fini(&run.f->clock);
	free(run.f);
}

static void after_rekeys_and_the_end(void **state)
{
	live(rekeyed);
}

static void after_a_refusal(void **state)
{
	live(refused);
}

static void after_half_a_setup(void **state)
{
	live(given_up_on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_rekeys_and_the_end),
		cmocka_unit_test(after_a_refusal),
		cmocka_unit_test(after_half_a_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
