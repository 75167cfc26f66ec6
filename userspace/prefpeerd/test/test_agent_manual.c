// SPDX-License-Identifier: GPL-2.0-or-later
/* Manual entries from the configuration to the SAD: what is there when, and what is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "prefpeerd/test/entry_branch.h"

#define KEY_A "00112233445566778899aabbccddeeff"
#define KEY_B "ffeeddccbbaa99887766554433221100"
#define AUTH_A KEY_A KEY_A
#define AUTH_B KEY_B KEY_B

struct keys {
	unsigned in, out;
	const char *encr; /* outbound */
	const char *peer, *net;
};

static const struct keys usual = { 300, 301, KEY_A, "10.1.1.1", "192.168.2.0" };

static const char *text_of(const struct keys *k)
{
	static char buf[2048];

	snprintf(buf, sizeof(buf),
		 "crypto ipsec transform-set T esp-aes 128 esp-sha256-hmac\n"
		 "access-list 101 permit ip 192.168.1.0 0.0.0.255 %s 0.0.0.255\n"
		 "crypto map m 1 ipsec-manual\n set peer %s\n set transform-set T\n"
		 " set session-key inbound esp %u cipher " KEY_B " authenticator " AUTH_B "\n"
		 " set session-key outbound esp %u cipher %s authenticator " AUTH_A "\n"
		 " match address 101\ninterface wan\n crypto map m\n",
		 k->net, k->peer, k->in, k->out, k->encr);
	return buf;
}

static const char *state(struct branch *b)
{
	static char buf[ENTRY_TEXT_MAX + 64];
	struct entry_view v = branch_view(b);

	snprintf(buf, sizeof(buf), "%s %s", entry_state_name(v.state), v.sentence);
	entry_view_free(&v);
	return buf;
}

static void expect_pair(const struct branch *b, uint32_t in, uint32_t out)
{
	assert_int_equal(b->sas.n_sas, 2);
	assert_non_null(fake_kernel_sa(&b->sas, in));
	assert_non_null(fake_kernel_sa(&b->sas, out));
}

/* The engine tries its suites at start: only what comes after that is counted. */
static struct branch *usual_branch(void)
{
	struct branch *b = branch_new(text_of(&usual), 2);

	b->sas.n_added = b->sas.n_removed = 0;
	return b;
}

static void deleted(struct branch *b, uint32_t spi)
{
	struct kernel_event ev = { .type = KEV_SA_GONE, .when = b->clock.now };
	const struct kernel_sa *sa = fake_kernel_sa(&b->sas, spi);

	ev.sa = sa->id;
	ev.reqid = sa->reqid;
	b->kernel.ops->sa_del(b->kernel.impl, &ev.sa);
	entries_kernel_event(b->entries, &ev, b->clock.now);
}

static void installed_as_configured(void **unused)
{
	struct branch *b = usual_branch();
	const struct kernel_sa *in = fake_kernel_sa(&b->sas, 300);
	const struct kernel_sa *out = fake_kernel_sa(&b->sas, 301);

	expect_pair(b, 300, 301);
	assert_int_equal(in->dir, SA_DIR_IN);
	assert_true(in->no_replay && out->no_replay);
	assert_true(out->may_wrap && !in->may_wrap);
	assert_int_equal(in->lifetime_s + out->lifetime_s, 0);
	assert_int_equal(in->lifetime_bytes + out->lifetime_bytes, 0);
	assert_int_equal(in->encr_key[0], 0xff);
	assert_int_equal(out->encr_key[1], 0x11);
	assert_int_equal(out->integ_key_len, 32);
	assert_string_equal(state(b), "UP its SAs are installed");
	assert_true(branch_send(b, 0) || b->n_larvals == 0);
	branch_free(b);
}

static void untouched_by_a_reload(void **unused)
{
	struct branch *b = usual_branch();
	unsigned told = b->n_log;

	branch_reload(b, text_of(&usual));
	assert_int_equal(b->sas.n_added, 0);
	assert_int_equal(b->sas.n_removed, 0);
	assert_int_equal(b->n_log, told);
	branch_free(b);
}

/* Another SPI: the new pair is there before the old one goes. */
static void new_before_old(void **unused)
{
	struct keys k = usual;
	struct branch *b = usual_branch();

	k.in = 400;
	k.out = 401;
	b->most_sas = 0;
	branch_reload(b, text_of(&k));
	expect_pair(b, 400, 401);
	assert_int_equal(b->most_sas, 4);
	assert_int_equal(b->least_sas, 2);
	branch_free(b);
}

/* XFRM has one place for an SPI. */
static void another_key_in_the_same_place(void **unused)
{
	struct keys k = usual;
	struct branch *b = usual_branch();

	k.encr = KEY_B;
	branch_reload(b, text_of(&k));
	expect_pair(b, 300, 301);
	assert_int_equal(fake_kernel_sa(&b->sas, 301)->encr_key[0], 0xff);
	assert_int_equal(b->sas.n_added, 1);
	assert_int_equal(b->sas.n_removed, 1);
	branch_free(b);
}

static void another_peer(void **unused)
{
	struct keys k = usual;
	struct branch *b = usual_branch();
	struct addr want;

	k.peer = "10.2.2.2";
	branch_reload(b, text_of(&k));
	expect_pair(b, 300, 301);
	assert_int_equal(addr_parse("10.2.2.2", &want), 0);
	assert_true(addr_equal(&fake_kernel_sa(&b->sas, 301)->id.dst, &want));
	assert_true(addr_equal(&b->spd->lines[0]->peer, &want));
	branch_free(b);
}

static void another_network(void **unused)
{
	struct keys k = usual;
	struct branch *b = usual_branch();

	k.net = "192.168.3.0";
	branch_reload(b, text_of(&k));
	expect_pair(b, 300, 301);
	assert_int_equal(fake_kernel_sa(&b->sas, 300)->reqid, b->spd->lines[0]->reqid);
	branch_free(b);
}

static void removed_with_the_entry(void **unused)
{
	struct branch *b = usual_branch();

	branch_reload(b, "hostname h\n");
	assert_int_equal(b->sas.n_sas, 0);
	assert_int_equal(entries_count(b->entries), 0);
	assert_string_equal(b->log[b->n_log - 1].sentence, "removed from the configuration");
	branch_free(b);
}

/* A new agent finds them as they should be: their counters go on. */
static void taken_over(void **unused)
{
	struct branch *b = usual_branch();
	struct kernel_sa_reading r;

	fake_kernel_carry(&b->sas, 300);
	branch_restart(b, text_of(&usual));
	expect_pair(b, 300, 301);
	b->kernel.ops->sa_read(b->kernel.impl, &fake_kernel_sa(&b->sas, 300)->id, &r);
	assert_int_equal(r.packets, 1);
	assert_string_equal(state(b), "UP its SAs are installed");
	branch_free(b);
}

/* The file changed while no agent ran. */
static void taken_over_as_another(void **unused)
{
	struct keys k = usual;
	struct branch *b = usual_branch();

	k.in = 400;
	k.encr = KEY_B;
	branch_restart(b, text_of(&k));
	expect_pair(b, 400, 301);
	assert_int_equal(fake_kernel_sa(&b->sas, 301)->encr_key[0], 0xff);
	branch_free(b);
}

static void deleted_by_another(void **unused)
{
	struct branch *b = usual_branch();

	for (unsigned i = 0; i < 2; i++) {
		unsigned told = b->n_log;

		deleted(b, 301);
		expect_pair(b, 300, 301);
		assert_int_equal(b->n_log, told + 1);
		assert_string_equal(b->log[told].sentence,
				    "another program deleted the SA with SPI 301; its SAs are installed again");
	}
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_free(b);
}

static void flushed_by_another(void **unused)
{
	struct branch *b = usual_branch();
	const struct kernel_event lost = { .type = KEV_OVERRUN };

	b->sas.n_sas = 0;
	entries_kernel_event(b->entries, &lost, b->clock.now);
	expect_pair(b, 300, 301);
	branch_free(b);
}

/* Somebody else's SA is not touched; the entry says so, blocks, and comes up when it is gone. */
static void the_place_is_taken(void **unused)
{
	struct branch *b = branch_new("hostname h\n", 1);
	struct kernel_sa theirs = { .id = { .spi = 301, .proto = IPPROTO_ESP }, .reqid = 7 };
	unsigned told;

	assert_int_equal(addr_parse("10.1.1.1", &theirs.id.dst), 0);
	b->kernel.ops->sa_add(b->kernel.impl, &theirs);
	branch_reload(b, text_of(&usual));
	assert_int_equal(b->sas.n_sas, 1);
	assert_int_equal(fake_kernel_sa(&b->sas, 301)->reqid, 7);
	assert_string_equal(state(b),
			    "DOWN another program's SA to 10.1.1.1 has SPI 301: its packets are blocked until that is gone");
	told = b->n_log;
	branch_run_ms(b, 60000);
	assert_int_equal(b->n_log, told);
	b->kernel.ops->sa_del(b->kernel.impl, &theirs.id);
	branch_run_ms(b, 10000);
	expect_pair(b, 300, 301);
	assert_string_equal(state(b), "UP its SAs are installed");
	branch_free(b);
}

/* Without a way there is nothing to send: the SAs, and what they counted, stay for its return. */
static void the_way_is_gone_and_back(void **unused)
{
	struct branch *b = usual_branch();

	b->no_route = true;
	entries_local_changed(b->entries, b->clock.now);
	assert_string_equal(state(b), "DOWN no route to 10.1.1.1");
	b->no_route = false;
	entries_local_changed(b->entries, b->clock.now);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	assert_int_equal(b->sas.n_added, 0);
	b->local = "10.0.0.3";
	entries_local_changed(b->entries, b->clock.now);
	expect_pair(b, 300, 301);
	assert_true(addr_equal(&fake_kernel_sa(&b->sas, 300)->id.dst, &b->spd->lines[0]->local));
	branch_free(b);
}

static void no_way_at_start(void **unused)
{
	struct branch *b = branch_new("hostname h\n", 1);

	b->no_route = true;
	branch_reload(b, text_of(&usual));
	assert_int_equal(b->sas.n_sas, 0);
	assert_false(addr_is_set(&b->spd->lines[0]->peer));
	b->no_route = false;
	entries_local_changed(b->entries, b->clock.now);
	expect_pair(b, 300, 301);
	assert_true(addr_is_set(&b->spd->lines[0]->peer));
	branch_free(b);
}

static void cleared(void **unused)
{
	struct branch *b = usual_branch();
	const char *why;

	assert_int_equal(entries_clear_sa(b->entries, "m", 0, NULL, 999, b->clock.now, &why),
			 -ENOENT);
	assert_int_equal(b->sas.n_removed, 0);
	assert_int_equal(entries_clear_sa(b->entries, "m", 1, NULL, 0, b->clock.now, &why), 0);
	expect_pair(b, 300, 301);
	assert_int_equal(b->sas.n_removed, 2);
	assert_int_equal(entries_connect(b->entries, "m", 1, b->clock.now, &why), -EOPNOTSUPP);
	assert_int_equal(entries_map_reset(b->entries, "m", 1, b->clock.now, &why), -EOPNOTSUPP);
	branch_free(b);
}

/* One after the other by map and number, whichever kind they are of. */
static void shown_among_the_others(void **unused)
{
	static const unsigned seqs[] = { 1, 2, 3 };
	char text[4096];
	struct branch *b;

	snprintf(text, sizeof(text),
		 "%s"
		 "crypto map m 2 ipsec-isakmp\n set peer 10.1.1.1\n"
		 "crypto map m 3 ipsec-manual\n set peer 10.1.1.1\n",
		 text_of(&usual));
	b = branch_new(text, 1);
	assert_int_equal(entries_count(b->entries), 3);
	for (unsigned i = 0; i < 3; i++) {
		struct entry_view v;

		assert_int_equal(entries_view(b->entries, i, b->clock.now, &v), 0);
		assert_int_equal(v.seq, seqs[i]);
		assert_int_equal(v.manual, i != 1);
		assert_int_equal(entries_find(b->entries, "m", seqs[i]), i);
		entry_view_free(&v);
	}
	assert_int_equal(entries_find(b->entries, "m", 4), -ENOENT);
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(installed_as_configured),
		cmocka_unit_test(untouched_by_a_reload),
		cmocka_unit_test(new_before_old),
		cmocka_unit_test(another_key_in_the_same_place),
		cmocka_unit_test(another_peer),
		cmocka_unit_test(another_network),
		cmocka_unit_test(removed_with_the_entry),
		cmocka_unit_test(taken_over),
		cmocka_unit_test(taken_over_as_another),
		cmocka_unit_test(deleted_by_another),
		cmocka_unit_test(flushed_by_another),
		cmocka_unit_test(the_place_is_taken),
		cmocka_unit_test(the_way_is_gone_and_back),
		cmocka_unit_test(no_way_at_start),
		cmocka_unit_test(cleared),
		cmocka_unit_test(shown_among_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
