// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One life of an IKE SA, with every exchange that there is; and then once more for
 * each of its messages and each thing that a network can do to it: drop it, deliver
 * it twice, deliver it after those that follow, damage it in some place. Each step
 * must come to the same end (RFC 7296 §2.1: requests are repeated, answers kept).
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefpeerd/engine_ike/ike.h"
#include "prefpeerd/test/ike_fixture.h"

#define LATE_MS 5000   /* after the first repeats, and what these bring about */
#define STEP_MS 400000 /* a patient request is given up after less (curve.c) */

enum place { NOWHERE, FIRST_BYTE, SPI, LENGTH, BODY, LAST_BYTE, N_PLACES };

static const struct fate {
	const char *name;
	enum mock_fate fate;
	enum place damaged;
} fates[] = {
	{ "dropped", MOCK_DROP, NOWHERE },
	{ "delivered twice", MOCK_TWICE, NOWHERE },
	{ "late", MOCK_LATE, NOWHERE },
	{ "damaged in its first byte", MOCK_PASS, FIRST_BYTE },
	{ "damaged in an SPI", MOCK_PASS, SPI },
	{ "damaged in its length", MOCK_PASS, LENGTH },
	{ "damaged in its body", MOCK_PASS, BODY },
	{ "damaged in its last byte", MOCK_PASS, LAST_BYTE },
};

struct life {
	struct fixture *f;
	const struct fate *fate;
	unsigned n, nth; /* messages so far; what befalls that one */
	conn_id left, right;
};

static void damage(struct datagram *d, enum place place)
{
	const size_t at[N_PLACES] = { [SPI] = 11, [LENGTH] = 27, [BODY] = d->len / 2,
				      [LAST_BYTE] = d->len - 1 };

	if (place != NOWHERE)
		d->bytes[at[place]] ^= 0x41;
}

static enum mock_fate fate_of(void *ctx, struct datagram *d)
{
	struct life *l = ctx;

	if (l->n++ != l->nth)
		return MOCK_PASS;
	damage(d, l->fate->damaged);
	return l->fate->fate;
}

/* ---- the steps; what each has come to is NULL when it is right ---- */

static struct session *left_session(const struct life *l)
{
	return session_by_conn(l->f->left.engine->impl, l->left);
}

static struct session *right_session(const struct life *l)
{
	return session_by_conn(l->f->right.engine->impl, l->right);
}

static bool call(struct life *l)
{
	struct engine_child c = fixture_child(1, 1);
	struct engine_budget b = { 12000, 12000 };
	struct engine *left = l->f->left.engine;

	left->ops->open(left->impl, ++l->left, 1, &l->f->left.addr, &c, &b);
	fixture_run_ms(l->f, STEP_MS);
	if (!side_last(&l->f->left, ENG_CHILD_UP) || !side_last(&l->f->right, ENG_CHILD_UP))
		return false;
	l->right = side_last(&l->f->right, ENG_CHILD_UP)->ev.conn;
	return true;
}

/* IKE_SA_INIT is in clear: damaged, it may end an attempt, of which there are others. */
static const char *open_ike(struct life *l)
{
	return call(l) || (l->fate->damaged != NOWHERE && call(l)) ? NULL : "it is not up";
}

static const char *open_child(struct life *l)
{
	struct engine_child c = fixture_child(20, 2);
	struct engine *left = l->f->left.engine;

	left->ops->child_open(left->impl, l->left, &c);
	fixture_run_ms(l->f, STEP_MS);
	return l->f->left.kernel.n_sas == 4 ? NULL : "there is no second child";
}

static const char *rekey_child(struct life *l)
{
	const struct child *c = child_find(left_session(l), 20);
	struct kernel_sa_id id = child_sa_id(c, SA_DIR_OUT);

	fake_kernel_carry(&l->f->left.kernel, c->pair.spi_out);
	engine_ike_expire(l->f->left.engine->impl, &id, false);
	fixture_run_ms(l->f, STEP_MS);
	return side_count(&l->f->left, ENG_CHILD_REKEYED) == 1 &&
			       side_count(&l->f->right, ENG_CHILD_REKEYED) == 1
		       ? NULL
		       : "the child is not rekeyed once";
}

static const char *rekey_ike(struct life *l)
{
	uint8_t was[IKE_SPI_LEN];

	memcpy(was, left_session(l)->spi_i, sizeof(was));
	rekey_ike_start(right_session(l));
	fixture_run_ms(l->f, STEP_MS);
	return memcmp(was, left_session(l)->spi_i, sizeof(was)) ? NULL : "the IKE SA is the old one";
}

static const char *probe(struct life *l)
{
	struct engine *right = l->f->right.engine;
	uint32_t was = right_session(l)->next_out;

	right->ops->probe(right->impl, l->right);
	fixture_run_ms(l->f, STEP_MS);
	return right_session(l)->next_out == was + 1 ? NULL : "the probe is not answered";
}

static const char *close_child(struct life *l)
{
	struct engine *left = l->f->left.engine;

	left->ops->child_close(left->impl, l->left, 20, CLOSE_DELETE);
	fixture_run_ms(l->f, STEP_MS);
	return side_count(&l->f->right, ENG_CHILD_DOWN) == 1 ? NULL : "the other end has the child";
}

static const char *close_ike(struct life *l)
{
	struct engine *right = l->f->right.engine;

	right->ops->close(right->impl, l->right, CLOSE_DELETE);
	fixture_run_ms(l->f, STEP_MS);
	return side_last(&l->f->left, ENG_DOWN) &&
			       side_last(&l->f->left, ENG_DOWN)->ev.why == WHY_PEER_DELETE
		       ? NULL
		       : "the other end does not know why";
}

/* ---- what holds after each of them ---- */

static unsigned sessions(const struct side *s)
{
	const struct session *it;
	unsigned n = 0;

	DL_FOREACH(((struct ike *)s->engine->impl)->sessions, it)
		n++;
	return n;
}

static const char *remains(const struct life *l, unsigned ike, unsigned pairs)
{
	const struct side *left = &l->f->left, *right = &l->f->right;

	if (sessions(left) != ike || sessions(right) != ike)
		return "there are other IKE SAs than there should be";
	if (left->kernel.n_sas != 2 * pairs || right->kernel.n_sas != 2 * pairs)
		return "there are other SAs than there should be";
	if (ike && memcmp(&left_session(l)->keys, &right_session(l)->keys, sizeof(struct ike_keys)))
		return "the keys differ";
	return NULL;
}

static const struct step {
	const char *name;
	const char *(*run)(struct life *l);
	unsigned ike, pairs; /* after it */
} steps[] = {
	{ "open", open_ike, 1, 1 },	      { "open a child", open_child, 1, 2 },
	{ "rekey the child", rekey_child, 1, 2 }, { "rekey the IKE SA", rekey_ike, 1, 2 },
	{ "probe", probe, 1, 2 },	      { "close the child", close_child, 1, 1 },
	{ "close the IKE SA", close_ike, 0, 0 },
};

/* How many messages it had; a failure says which of them, and when. */
static unsigned live(const struct fate *fate, unsigned nth)
{
	struct life l = { .fate = fate, .nth = nth };
	unsigned n;

	l.f = fixture_new(AF_INET);
	l.f->net.late_ms = LATE_MS;
	l.f->net.filter = fate_of;
	l.f->net.filter_ctx = &l;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const char *wrong = steps[i].run(&l);

		wrong = wrong ? wrong : remains(&l, steps[i].ike, steps[i].pairs);
		if (wrong)
			fail_msg("message %u %s: %s: %s", nth, fate->name, steps[i].name, wrong);
	}
	n = l.n;
	fixture_free(l.f);
	return n;
}

static void any_message_of_any_exchange(void **state)
{
	unsigned n = live(&fates[0], UINT_MAX);

	/* Seven steps of one exchange or two, both rekeys with the DELETE of what they replaced. */
	assert_in_range(n, 20, 40);
	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++)
		for (unsigned nth = 0; nth < n; nth++)
			live(&fates[i], nth);
	print_message("# %u messages, %zu fates of each\n", n, sizeof(fates) / sizeof(fates[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_message_of_any_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
