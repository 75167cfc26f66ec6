// SPDX-License-Identifier: GPL-2.0-or-later
/* What a profile says of an IKE SA: NAT keepalives, initial contact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_fixture.h"

static void put_remotes(struct fixture *f)
{
	f->left.engine->ops->remote_set(f->left.engine->impl, &f->to_right);
	f->right.engine->ops->remote_set(f->right.engine->impl, &f->to_left);
}

static unsigned keepalives_in(struct fixture *f, int64_t ms)
{
	unsigned from = f->net.n_log, n = 0;

	fixture_run_ms(f, ms);
	for (unsigned i = from; i < f->net.n_log; i++)
		n += f->net.log[i]->keepalive;
	return n;
}

/* Its own interval, which goes on over a rekey of the IKE SA; RFC 3948's where it says none. */
static void nat_keepalive(void **state)
{
	static const struct {
		uint16_t s;
		unsigned least, most;
	} rows[] = { { 0, 4, 5 }, { 5, 19, 20 }, { 60, 1, 2 } };

	for (unsigned i = 0; i < 3; i++) {
		struct fixture *f = fixture_new(AF_INET);

		addr_parse("10.0.0.1", &f->net.nat.inside);
		addr_parse("192.0.2.9", &f->net.nat.outside);
		f->net.nat.port_offset = 1000;
		f->to_right.nat_keepalive_s = rows[i].s;
		put_remotes(f);
		assert_true(fixture_up(f));
		assert_in_range(keepalives_in(f, 100000), rows[i].least, rows[i].most);
		rekey_ike_start(session_by_conn(f->left.engine->impl, 1));
		fixture_run_ms(f, 1000);
		assert_int_equal(side_count(&f->left, ENG_REKEYED), 1);
		assert_in_range(keepalives_in(f, 100000), rows[i].least, rows[i].most);
		fixture_free(f);
	}
}

/* A second IKE SA beside the first says nothing of the kind, and with `force` ends it even so. */
static void initial_contact_forced(void **state)
{
	for (int force = 0; force < 2; force++) {
		struct fixture *f = fixture_new(AF_INET);
		struct engine_child c = fixture_child(2, 2);

		f->to_left.contact_forced = force;
		put_remotes(f);
		assert_true(fixture_up(f));
		assert_int_equal(f->left.engine->ops->open(f->left.engine->impl, 2, 1, &f->left.addr,
							   &c, NULL), 0);
		fixture_run_ms(f, 500);
		assert_int_equal(side_count(&f->right, ENG_DOWN), force);
		assert_int_equal(f->right.kernel.n_sas, force ? 2 : 4);
		fixture_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nat_keepalive),
		cmocka_unit_test(initial_contact_forced),
	};

	return cmocka_run_group_tests_name("ike: profile", tests, NULL, NULL);
}
