// SPDX-License-Identifier: GPL-2.0-or-later
/* IKE_SA_INIT and IKE_AUTH between two engines: each suite, both families, and what goes wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/wire.h"
#include "prefpeerd/test/ike_fixture.h"

/* Both ends hold mirrored SAs with the same keys. */
static void assert_mirrored(const struct fixture *f, const struct engine_pair *l,
			    const struct engine_pair *r)
{
	const struct kernel_sa *out = fake_kernel_sa(&f->left.kernel, l->spi_out);
	const struct kernel_sa *in = fake_kernel_sa(&f->right.kernel, r->spi_in);
	const struct kernel_sa *back = fake_kernel_sa(&f->left.kernel, l->spi_in);

	assert_int_equal(l->spi_in, r->spi_out);
	assert_int_equal(l->spi_out, r->spi_in);
	assert_non_null(out);
	assert_non_null(in);
	assert_non_null(back);
	assert_int_equal(out->dir, SA_DIR_OUT);
	assert_int_equal(in->dir, SA_DIR_IN);
	assert_true(addr_equal(&out->id.dst, &f->right.addr));
	assert_true(addr_equal(&back->id.dst, &f->left.addr));
	assert_int_equal(out->encr_key_len, in->encr_key_len);
	assert_memory_equal(out->encr_key, in->encr_key, out->encr_key_len);
	assert_int_equal(out->integ_key_len, in->integ_key_len);
	assert_memory_equal(out->integ_key, in->integ_key, out->integ_key_len);
	assert_memory_not_equal(out->encr_key, back->encr_key, out->encr_key_len);
	assert_true(l->spi_in >= 256 && l->spi_out >= 256);
}

static void check_up(struct fixture *f)
{
	const struct recorded *l = side_last(&f->left, ENG_CHILD_UP);
	const struct recorded *r = side_last(&f->right, ENG_CHILD_UP);

	assert_non_null(l);
	assert_non_null(r);
	assert_int_equal(l->ev.conn, 1);
	assert_int_equal(l->ev.child, 1);
	assert_int_equal(side_count(&f->left, ENG_UP), 1);
	assert_int_equal(side_count(&f->right, ENG_UP), 1);
	assert_int_equal(side_count(&f->left, ENG_ANSWERED), 1);
	assert_mirrored(f, &l->ev.pair, &r->ev.pair);
}

static void family(sa_family_t af)
{
	struct fixture *f = fixture_new(af);

	assert_true(fixture_up(f));
	check_up(f);
	assert_int_equal(f->left.kernel.n_sas, 2);
	fixture_free(f);
}

static void ipv4(void **state)
{
	family(AF_INET);
}

static void ipv6(void **state)
{
	family(AF_INET6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4),
		cmocka_unit_test(ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
