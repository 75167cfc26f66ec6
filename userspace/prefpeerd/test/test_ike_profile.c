// SPDX-License-Identifier: GPL-2.0-or-later
/* What a profile says of an IKE SA: NAT keepalives, initial contact, the keys of both ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

/* ---- policies by local address ---- */

/* What is offered, accepted and rekeyed with follows from our address of that IKE SA. */
static void suites_by_local_address(void **state)
{
	static struct ike_offer one = { .ciphers = { { ENCR_AES_GCM_16, 128, INTEG_NONE } },
					.prfs = { PRF_HMAC_SHA2_384 },
					.groups = { DH_ECP_384 } };

	for (int side = 0; side < 3; side++) {
		struct fixture *f = fixture_new(AF_INET);
		struct ike_local_offer at = { .offer = &one };
		struct engine_settings s = { .local_offers = &at, .n_local_offers = 1 };

		at.local = side == 0 ? f->left.addr : f->right.addr;
		if (side == 2)
			addr_parse("10.7.7.7", &at.local);
		fixture_settings(f, &s);
		assert_true(fixture_up(f));
		assert_int_equal(side_last(&f->left, ENG_UP)->ev.info.suite.dh,
				 side == 2 ? DH_X25519 : DH_ECP_384);
		rekey_ike_start(session_by_conn(f->left.engine->impl, 1));
		fixture_run_ms(f, 1000);
		assert_int_equal(side_count(&f->left, ENG_REKEYED), 1);
		assert_int_equal(side_last(&f->left, ENG_REKEYED)->ev.info.suite.dh,
				 side == 2 ? DH_X25519 : DH_ECP_384);
		fixture_free(f);
	}
}

/* ---- pre-shared keys ---- */

struct keys {
	const char *key, *theirs, *next;
};

static struct chunk text(const char *s)
{
	return (struct chunk){ (const uint8_t *)s, s ? strlen(s) : 0 };
}

static void put_keys(struct engine_remote *r, const struct keys *k)
{
	r->psk = (const uint8_t *)k->key;
	r->psk_len = strlen(k->key);
	r->psk_theirs = text(k->theirs);
	r->psk_next = text(k->next);
}

static bool comes_up(const struct keys *left, const struct keys *right, unsigned *inits)
{
	struct fixture *f = fixture_new(AF_INET);
	bool up;

	put_keys(&f->to_right, left);
	put_keys(&f->to_left, right);
	put_remotes(f);
	up = fixture_up(f);
	*inits = net_count(f, &f->left, XCHG_IKE_SA_INIT, false, 0);
	if (up) {
		assert_int_equal(f->left.kernel.n_sas, 2);
		assert_int_equal(f->right.kernel.n_sas, 2);
		assert_null(side_last(&f->left, ENG_DOWN));
		assert_int_equal(side_count(&f->left, ENG_ANSWERED), 1);
	} else {
		assert_int_equal(side_count(&f->left, ENG_DOWN), 1);
		assert_int_equal(side_last(&f->left, ENG_DOWN)->ev.why, WHY_AUTH);
	}
	fixture_run_ms(f, 60000);
	if (!up)
		assert_int_equal(f->left.kernel.n_sas + f->right.kernel.n_sas, 0);
	fixture_free(f);
	return up;
}

/* One takes the other's place, at whichever end first: the caller tries the new, then the old. */
static void key_rolls_over(void **state)
{
	static const struct keys old = { "old", NULL, NULL }, both = { "old", NULL, "new" },
				 new = { "new", NULL, NULL }, other = { "x", NULL, NULL },
				 wrong = { "x", NULL, "y" };
	static const struct {
		const struct keys *left, *right;
		bool up;
		unsigned inits;
	} rows[] = {
		{ &old, &both, true, 1 },  { &both, &old, true, 2 },  { &both, &both, true, 1 },
		{ &both, &new, true, 1 },  { &new, &both, true, 1 },  { &new, &old, false, 1 },
		{ &both, &other, false, 2 }, { &other, &both, false, 1 }, { &wrong, &both, false, 2 },
	};
	unsigned inits;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (comes_up(rows[i].left, rows[i].right, &inits) != rows[i].up)
			fail_msg("row %u", i);
		assert_int_equal(inits, rows[i].inits);
	}
}

/* One of each direction: neither does for the other. */
static void keys_of_directions(void **state)
{
	static const struct keys left = { "l", "r", NULL }, right = { "r", "l", NULL };
	static const struct keys same = { "l", NULL, NULL }, swapped = { "l", "r", NULL };
	unsigned inits;

	assert_true(comes_up(&left, &right, &inits));
	assert_false(comes_up(&left, &same, &inits));
	assert_false(comes_up(&same, &right, &inits));
	assert_false(comes_up(&left, &swapped, &inits));
}

/* The budget of the attempt is one, and whoever gives it up meanwhile leaves nothing behind. */
static void rolled_over_and_closed(void **state)
{
	static const struct keys both = { "old", NULL, "new" }, old = { "old", NULL, NULL };

	for (int64_t ms = 0; ms < 120; ms += 5) {
		struct fixture *f = fixture_new(AF_INET);
		struct engine_child c = fixture_child(1, 1);
		struct engine_budget b = { 12000, 12000 };

		put_keys(&f->to_right, &both);
		put_keys(&f->to_left, &old);
		put_remotes(f);
		f->left.engine->ops->open(f->left.engine->impl, 1, 1, &f->left.addr, &c, &b);
		fixture_run_ms(f, ms);
		f->left.engine->ops->close(f->left.engine->impl, 1, CLOSE_DELETE);
		fixture_run_ms(f, 60000);
		assert_int_equal(side_count(&f->left, ENG_DOWN), 1);
		assert_int_equal(f->left.kernel.n_sas + f->right.kernel.n_sas, 0);
		assert_int_equal(((struct ike *)f->left.engine->impl)->n_setups, 0);
		assert_null(((struct ike *)f->left.engine->impl)->sessions);
		fixture_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nat_keepalive),
		cmocka_unit_test(initial_contact_forced),
		cmocka_unit_test(suites_by_local_address),
		cmocka_unit_test(key_rolls_over),
		cmocka_unit_test(keys_of_directions),
		cmocka_unit_test(rolled_over_and_closed),
	};

	return cmocka_run_group_tests_name("ike: profile", tests, NULL, NULL);
}
