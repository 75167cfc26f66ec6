/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state machine on the real engine and a kernel in memory:
 *
 *   192.168.1.0/24 ── branch 10.0.0.2 ──┬── hub 10.1.1.1 (default)
 *                                       ├── hub 10.2.2.2
 *                                       └── hub 10.3.3.3
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeerd/test/entry_branch.h"

#define CONF(dpd, peers, idle) \
	"crypto isakmp key secret address 10.1.1.1\n" \
	"crypto isakmp key secret address 10.2.2.2\n" \
	"crypto isakmp key secret address 10.3.3.3\n" \
	"crypto ikev2 dpd " dpd "\n" \
	"crypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.3.0 0.0.0.255\n" \
	"crypto map tohub 1 ipsec-isakmp\n" peers idle " set transform-set T\n" \
	" match address 101\n" \
	"interface wan\n crypto map tohub\n"
#define HOME " set peer 10.1.1.1 default\n set peer 10.2.2.2\n"
#define PLAIN " set peer 10.1.1.1\n set peer 10.2.2.2\n"
#define THREE " set peer 10.1.1.1 default\n set peer 10.2.2.2\n set peer 10.3.3.3\n"
#define IDLE120 " set security-association idle-time 120 default\n"

static enum entry_next next_rule(struct branch *b)
{
	struct entry_view v = branch_view(b);

	entry_view_free(&v);
	return v.next;
}

static int64_t ms_since(const struct branch *b, mono_t t)
{
	return mono_diff_ms(b->clock.now, t);
}

/* The founding document's second example, second by second as `prefpeer demo` plays it. */
static void founding_example(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, IDLE120), 2);
	mono_t cut;

	branch_traffic_ms(b, 0, 20000, 100);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	assert_true(b->delivered > 195);

	b->hubs[0].cut = true;
	cut = b->clock.now;
	while (!strcmp(branch_state(b), "UP 10.1.1.1"))
		branch_traffic_ms(b, 0, 100, 100);
	assert_in_range(ms_since(b, cut), 21800, 22200); /* INTERVAL + 6R */
	assert_string_equal(branch_last(b, ENTRY_DOWN)->sentence,
			    "dead: 6 requests unanswered in 12.0 s; next attempt 10.1.1.1");
	while (strcmp(branch_state(b), "UP 10.2.2.2"))
		branch_traffic_ms(b, 0, 100, 100);
	assert_in_range(ms_since(b, cut), 23800, 24500); /* the dead default was tried for R */
	assert_non_null(strstr(branch_last(b, ENTRY_UP)->sentence, ", gap 24."));
	branch_traffic_ms(b, 0, 1000, 100);
	assert_true(branch_send(b, 0));

	b->hubs[0].cut = false;
	branch_traffic_ms(b, 0, 30000, 100);
	assert_string_equal(branch_state(b), "UP 10.2.2.2"); /* nothing pulls it home under traffic */
	assert_int_equal(fake_kernel_count(&b->sas, SA_DIR_OUT), 1);

	cut = b->clock.now;
	branch_run_ms(b, 119000);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	branch_run_ms(b, 2000);
	assert_string_equal(branch_state(b), "DOWN 10.2.2.2");
	assert_string_equal(branch_last(b, ENTRY_DOWN)->sentence,
			    "idle for 120 s; next attempt 10.1.1.1");
	assert_int_equal(b->sas.n_sas, 0);
	assert_int_equal(b->hubs[1].kernel.n_sas, 0); /* it was told */
	branch_run_ms(b, 60000);
	assert_string_equal(branch_state(b), "DOWN 10.2.2.2"); /* until a packet asks */

	branch_send(b, 0);
	branch_run_ms(b, 200);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	assert_true(branch_send(b, 0));
	branch_free(b);
}

static void on_demand(void **state)
{
	struct branch *b = branch_new(CONF("10 2 on-demand", HOME, ""), 2);
	unsigned before;

	branch_traffic_ms(b, 0, 1000, 100);
	before = b->net.n_log;
	branch_run_ms(b, 100000);
	assert_int_equal(b->net.n_log, before); /* case 22: no traffic, no probe */
	b->hubs[0].cut = true;
	branch_traffic_ms(b, 0, 21000, 100);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_traffic_ms(b, 0, 4000, 100);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	branch_free(b);
}

static void milliseconds(void **state)
{
	struct branch *b = branch_new(CONF("milliseconds 100 20 periodic", HOME, ""), 2);
	mono_t cut;

	b->net.latency_ms = 10;
	branch_traffic_ms(b, 0, 2000, 10);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	b->hubs[0].cut = true;
	cut = b->clock.now;
	while (strcmp(branch_state(b), "UP 10.2.2.2"))
		branch_traffic_ms(b, 0, 10, 10);
	assert_in_range(ms_since(b, cut), 300, 800);
	branch_free(b);
}

static void slow_path(void **state)
{
	struct branch *b = branch_new(CONF("milliseconds 100 20 periodic", HOME, ""), 2);

	b->net.latency_ms = 75;
	branch_traffic_ms(b, 0, 1500, 10);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_run_ms(b, 60000);
	branch_traffic_ms(b, 0, 60000, 500);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	assert_null(branch_last(b, ENTRY_DOWN));
	branch_free(b);
}

static void nobody_answers(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", THREE, ""), 3);

	b->hubs[0].cut = b->hubs[1].cut = b->hubs[2].cut = true;
	branch_traffic_ms(b, 0, 35900, 100);
	assert_string_equal(branch_state(b), "WALK 10.3.3.3");
	branch_traffic_ms(b, 0, 200, 100);
	assert_string_equal(branch_state(b), "BACKOFF 10.1.1.1"); /* case 48 */
	assert_int_equal(b->n_larvals, 1); /* the next packet has asked again */
	b->hubs[2].cut = false;
	branch_traffic_ms(b, 0, 26000, 100);
	assert_string_equal(branch_state(b), "UP 10.3.3.3");
	assert_true(branch_send(b, 0));
	branch_free(b);
}

static void second_line_waits(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, ""), 2);

	b->net.latency_ms = 20;
	branch_send(b, 0);
	branch_send(b, 1);
	branch_run_ms(b, 500);
	assert_true(branch_send(b, 0));
	assert_true(branch_send(b, 1));
	assert_int_equal(b->sas.n_sas, 4);
	assert_int_equal(fake_kernel_count(&b->hubs[0].kernel, SA_DIR_IN), 2);
	branch_free(b);
}

/* Each switch raises its acquire although the last larval of that template is younger than 30 s. */
static void quick_switches(void **state)
{
	struct branch *b = branch_new(CONF("milliseconds 500 50 periodic", HOME, ""), 2);

	for (int i = 0; i < 4; i++) {
		b->hubs[0].cut = i % 2;
		b->hubs[1].cut = !b->hubs[0].cut;
		branch_traffic_ms(b, 0, 5000, 50);
		assert_string_equal(branch_state(b), i % 2 ? "UP 10.2.2.2" : "UP 10.1.1.1");
		assert_true(branch_send(b, 0));
	}
	branch_free(b);
}

static void hub_deletes(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, ""), 2);
	struct hub *h = &b->hubs[0];

	branch_send(b, 0);
	branch_run_ms(b, 200);
	branch_send(b, 0);
	h->engine->ops->close(h->engine->impl, h->last_conn, CLOSE_DELETE);
	branch_run_ms(b, 200);
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1");
	assert_int_equal(branch_last(b, ENTRY_DOWN)->reason, REASON_PEER_DELETE);
	assert_int_equal(b->sas.n_sas, 0);
	branch_free(b);
}

static void hub_deletes_pair(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, ""), 2);
	struct hub *h = &b->hubs[0];

	branch_send(b, 0);
	branch_run_ms(b, 200);
	branch_send(b, 0);
	h->engine->ops->child_close(h->engine->impl, h->last_conn, h->last_child, CLOSE_DELETE);
	branch_run_ms(b, 200);
	assert_string_equal(branch_state(b), "UP 10.1.1.1"); /* under traffic */
	branch_send(b, 0);
	branch_run_ms(b, 200);
	assert_true(branch_send(b, 0)); /* made again on this IKE SA */
	assert_int_equal(branch_tried(b, "10.1.1.1", 0), 1);
	branch_run_ms(b, 15000);
	h->engine->ops->child_close(h->engine->impl, h->last_conn, h->last_child, CLOSE_DELETE);
	branch_run_ms(b, 200);
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1"); /* A17: without traffic */
	branch_free(b);
}

static void verdict_void(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, IDLE120), 2);
	struct kernel_event ev = { .type = KEV_PAIR_IDLE };
	const struct kernel_sa *sa;

	branch_send(b, 0);
	branch_run_ms(b, 1000);
	branch_send(b, 0);
	sa = b->sas.sas[0].dir == SA_DIR_OUT ? &b->sas.sas[0] : &b->sas.sas[1];
	ev.pair = (struct kernel_pair_key){ sa->src, sa->id.dst, sa->reqid };
	ev.last_use = mono_add_ms(b->clock.now, -1); /* a packet came after the verdict's look */
	entries_kernel_event(b->entries, &ev, b->clock.now);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	ev.last_use = b->last_use;
	entries_kernel_event(b->entries, &ev, b->clock.now);
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1");
	branch_free(b);
}

static void reloads(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, IDLE120), 2);
	unsigned puts, said;

	branch_send(b, 0);
	branch_run_ms(b, 200);
	puts = b->n_rule_puts;
	said = b->n_log;
	branch_reload(b, CONF("10 2 periodic", HOME, IDLE120));
	assert_int_equal(b->n_log, said);
	assert_int_equal(b->n_rule_puts, puts);
	assert_true(branch_send(b, 0));
	branch_reload(b, CONF("10 2 periodic", THREE, ""));
	assert_int_equal(b->n_log, said);
	assert_true(branch_send(b, 0));
	assert_int_equal(b->n_rules, 6);
	branch_reload(b, CONF("10 2 periodic", " set peer 10.2.2.2\n", ""));
	assert_string_equal(branch_state(b), "DOWN 10.2.2.2");
	branch_send(b, 0);
	branch_run_ms(b, 200);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	assert_int_equal(b->n_rules, 2);
	branch_reload(b, "crypto ikev2 dpd 10 2 periodic\n");
	assert_int_equal(entries_count(b->entries), 0);
	branch_run_ms(b, 200);
	assert_int_equal(b->sas.n_sas, 0);
	assert_int_equal(b->hubs[1].kernel.n_sas, 0);
	branch_free(b);
}

/* The configuration without the first line that begins so. */
static char *without(const char *conf, const char *from)
{
	char *text = strdup(conf);
	char *at = strstr(text, from);
	char *end = strchr(at, '\n') + 1;

	memmove(at, end, strlen(end) + 1);
	return text;
}

/* The pair in use lives as long as it was to; the one that takes its place as it is now. */
static void reload_reaches_rekeys(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, ""), 2);
	const struct kernel_sa *sa;
	uint32_t reqid;

	branch_send(b, 0);
	branch_run_ms(b, 200);
	reqid = b->sas.sas[0].reqid;
	branch_reload(b, CONF("10 2 periodic", HOME, " set security-association lifetime seconds 600\n"));
	sa = fake_kernel_out(&b->sas, reqid);
	assert_int_equal(sa->lifetime_s, 3600);
	fake_kernel_carry(&b->sas, sa->id.spi);
	engine_ike_expire(b->engine->impl, &sa->id, false);
	branch_run_ms(b, 2000);
	assert_int_equal(fake_kernel_out(&b->sas, reqid)->lifetime_s, 600);
	branch_free(b);
}

static void reloads_say_why(void **state)
{
	const char *conf = CONF("10 2 periodic", HOME, "");
	struct branch *b = branch_new(conf, 2);
	char *one_line = without(conf, "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.3");
	char *no_set = without(conf, " set transform-set T");
	const struct branch_note *last;

	branch_send(b, 0);
	branch_send(b, 1);
	branch_run_ms(b, 200);
	branch_reload(b, one_line);
	last = &b->log[b->n_log - 1];
	assert_int_equal(last->type, NTF_LINE);
	assert_string_equal(last->sentence, "down: removed from the configuration");
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_reload(b, conf);
	branch_reload(b, no_set);
	assert_string_equal(branch_last(b, ENTRY_DOWN)->sentence,
			    "incomplete now, its lines block: it has no transform set; next attempt 10.1.1.1");
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1");
	free(one_line);
	free(no_set);
	branch_free(b);
}

/* A19: the agent was killed; its SAs are in use until the new ones are up. */
static void orphans(void **state)
{
	const char *conf = CONF("10 2 periodic", HOME, "");
	struct branch *b = branch_new(conf, 2);
	struct kernel_sa old[2];

	b->hubs[0].cut = true;
	branch_send(b, 0);
	branch_run_ms(b, 13000);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	b->hubs[0].cut = false;
	memcpy(old, b->sas.sas, sizeof(old));
	branch_restart(b, conf);
	branch_run_ms(b, 300);
	assert_string_equal(branch_state(b), "UP 10.2.2.2"); /* its peer, not the default */
	assert_int_equal(fake_kernel_count(&b->sas, SA_DIR_OUT), 1);
	assert_null(fake_kernel_sa(&b->sas, old[old[1].dir == SA_DIR_OUT].id.spi));
	assert_true(branch_send(b, 0));
	branch_run_ms(b, 5000);
	assert_int_equal(b->sas.n_sas, 2);
	branch_free(b);
}

static void lost_events(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, ""), 2);
	const struct kernel_event overrun = { .type = KEV_OVERRUN };

	branch_send(b, 0);
	branch_run_ms(b, 200);
	b->sas.n_sas = 0; /* `ip xfrm state flush`, and nobody heard of it */
	entries_kernel_event(b->entries, &overrun, b->clock.now);
	branch_run_ms(b, 200);
	assert_true(branch_send(b, 0));
	b->larvals[0] = (struct branch_larval){ b->spd->lines[1]->local, b->spd->lines[1]->peer,
						b->spd->lines[1]->reqid, MONO_NEVER };
	b->n_larvals = 1;
	entries_kernel_event(b->entries, &overrun, b->clock.now);
	branch_run_ms(b, 200);
	assert_true(branch_send(b, 1));
	branch_free(b);
}

static void no_route_then_one(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, ""), 2);

	branch_send(b, 0);
	branch_run_ms(b, 200);
	b->no_route = true;
	entries_local_changed(b->entries, b->clock.now);
	branch_run_ms(b, 100);
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1");
	assert_int_equal(b->sas.n_sas, 0);
	branch_send(b, 0);
	branch_run_ms(b, 1000);
	b->no_route = false;
	entries_local_changed(b->entries, b->clock.now);
	branch_run_ms(b, 200);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_free(b);
}

/*
 * The map leaves the interface: the hub is told, as the address is still there. Where the
 * address itself went, nothing can be told.
 */
static void interface_left(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, ""), 2);

	branch_send(b, 0);
	branch_run_ms(b, 200);
	assert_int_equal(b->hubs[0].kernel.n_sas, 2);
	b->no_route = true;
	entries_interfaces_left(b->entries, b->clock.now);
	branch_run_ms(b, 200);
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1");
	assert_string_equal(branch_last(b, ENTRY_DOWN)->sentence,
			    "map removed from the interface of 10.0.0.2; next attempt 10.1.1.1");
	assert_int_equal(b->sas.n_sas, 0);
	assert_int_equal(b->hubs[0].kernel.n_sas, 0);
	b->no_route = false;
	branch_send(b, 0);
	branch_run_ms(b, 200);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	entries_interfaces_left(b->entries, b->clock.now); /* it left one that this did not run by */
	branch_run_ms(b, 200);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	b->no_route = true;
	entries_local_changed(b->entries, b->clock.now);
	branch_run_ms(b, 200);
	assert_int_equal(b->sas.n_sas, 0);
	assert_int_equal(b->hubs[0].kernel.n_sas, 2);
	branch_free(b);
}

static void operators(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, ""), 2);
	struct addr hub;
	const char *why;

	addr_parse("10.2.2.2", &hub);
	assert_int_equal(entries_connect(b->entries, "nomap", 1, b->clock.now, &why), -ENOENT);
	assert_string_equal(why, "no such crypto map entry");
	b->hubs[0].cut = true;
	assert_int_equal(entries_connect(b->entries, "tohub", 1, b->clock.now, &why), 0);
	branch_run_ms(b, 12500);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	assert_int_equal(entries_clear_sa(b->entries, NULL, 0, NULL, 0x999, b->clock.now, &why),
			 -ENOENT);
	assert_int_equal(entries_clear_sa(b->entries, "tohub", 1, NULL, 0, b->clock.now, &why), 0);
	assert_int_equal(next_rule(b), NEXT_SAME);
	branch_send(b, 0);
	branch_run_ms(b, 300);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	assert_int_equal(entries_clear_session(b->entries, NULL, 0, &hub, b->clock.now, &why), 0);
	assert_int_equal(next_rule(b), NEXT_HOME);
	assert_int_equal(entries_map_reset(b->entries, "tohub", 2, b->clock.now, &why), -ENOENT);
	branch_free(b);
}

static void views(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, IDLE120), 2);
	struct entry_view v;

	branch_send(b, 0);
	branch_run_ms(b, 34000);
	v = branch_view(b);
	assert_string_equal(v.map, "tohub");
	assert_int_equal(v.notice_ms, 22000);
	assert_int_equal(v.retry_default_ms, 2000);
	assert_int_equal(v.failover_ms, 24000);
	assert_int_equal(v.n_peers, 2);
	assert_true(v.peers[0].is_default && v.peers[0].is_current && !v.peers[1].is_current);
	assert_int_equal(v.peers[1].last, REASON_NONE);
	assert_true(mono_is_set(v.peers[0].heard));
	assert_int_equal(v.n_lines, 2);
	assert_int_equal(v.lines[0].n_pairs, 1);
	assert_int_not_equal(v.lines[0].spi_out, 0);
	assert_int_equal(v.lines[1].n_pairs, 0);
	assert_in_range(v.idle_now_ms, 33000, 34100);
	assert_true(v.idle.home);
	entry_view_free(&v);
	branch_free(b);
}

static void default_calls(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, ""), 2);

	b->hubs[0].cut = true;
	branch_send(b, 0);
	branch_run_ms(b, 13000);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	branch_traffic_ms(b, 0, 1000, 100);
	b->hubs[0].cut = false;
	branch_called(b, 0, 0);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	assert_int_equal(branch_last(b, ENTRY_UP)->reason, REASON_INBOUND);
	assert_true(branch_send(b, 0));
	assert_int_equal(fake_kernel_count(&b->sas, SA_DIR_OUT), 1);
	assert_int_equal(fake_kernel_count(&b->sas, SA_DIR_IN), 2); /* case 37: packets in flight */
	branch_traffic_ms(b, 0, 6000, 100);
	assert_int_equal(b->sas.n_sas, 2);
	assert_int_equal(b->hubs[1].kernel.n_sas, 0); /* P1 was told */
	branch_free(b);
}

static void backup_calls(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, ""), 2);

	branch_traffic_ms(b, 0, 1000, 100);
	branch_called(b, 1, 0);
	assert_string_equal(branch_state(b), "UP 10.1.1.1"); /* it answered: P1 is refused */
	branch_traffic_ms(b, 0, 20000, 100);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	assert_int_equal(b->hubs[1].kernel.n_sas, 0);
	b->hubs[0].cut = true;
	branch_traffic_ms(b, 0, 15000, 100);
	branch_called(b, 1, 0); /* held while the check of P0 runs */
	branch_traffic_ms(b, 0, 10000, 100);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	assert_true(branch_send(b, 0));
	branch_free(b);
}

/* Two hubs with a start action: whoever is not current calls every second. */
static void both_call(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", PLAIN, ""), 2);
	unsigned moves = 0;

	branch_traffic_ms(b, 0, 1000, 100);
	for (int i = 0; i < 60; i++) {
		branch_called(b, strcmp(branch_state(b), "UP 10.1.1.1") ? 0 : 1, 0);
		branch_traffic_ms(b, 0, 700, 100);
	}
	for (unsigned i = 0; i < b->n_log; i++)
		moves += b->log[i].type == NTF_PEER;
	assert_true(moves <= 2);
	assert_true(branch_send(b, 0));
	branch_free(b);
}

static void back_by_inbound(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", PLAIN, IDLE120), 2);

	branch_traffic_ms(b, 0, 1000, 100);
	b->hubs[0].cut = true;
	while (!strcmp(branch_state(b), "UP 10.1.1.1"))
		branch_run_ms(b, 100);
	assert_string_equal(branch_last(b, ENTRY_DOWN)->next, "10.2.2.2");
	b->hubs[0].cut = false;
	branch_called(b, 0, 0);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_run_ms(b, 122000);
	assert_string_equal(branch_state(b), "DOWN 10.1.1.1");
	assert_string_equal(branch_last(b, ENTRY_DOWN)->next, "10.1.1.1");
	branch_free(b);
}

/* A21: resolved when it is entered; else that slot fails, and is retried at the next walk. */
static void names(void **state)
{
	const char *conf = CONF("10 2 periodic", " set peer hub.example default\n set peer 10.2.2.2\n", "");
	struct branch *b = branch_new(conf, 2);
	const char *why;

	assert_string_equal(b->asked, "hub.example");
	branch_answer(b, NULL);
	branch_send(b, 0);
	assert_int_equal(b->n_asked, 2);
	branch_answer(b, NULL);
	assert_string_equal(branch_state(b), "UP 10.2.2.2");
	assert_true(branch_send(b, 0));
	assert_int_equal(entries_map_reset(b->entries, "tohub", 1, b->clock.now, &why), 0);
	branch_send(b, 0);
	assert_int_equal(b->n_asked, 3);
	branch_answer(b, "10.1.1.1");
	assert_string_equal(branch_state(b), "UP hub.example");
	branch_reload(b, conf);
	assert_true(branch_send(b, 0));
	assert_int_equal(entries_map_reset(b->entries, "tohub", 1, b->clock.now, &why), 0);
	branch_send(b, 0);
	branch_run_ms(b, 200);
	assert_int_equal(b->n_asked, 3);
	assert_string_equal(branch_state(b), "UP hub.example");
	branch_free(b);
}

/* A20: the later of two that resolve alike is skipped, and its rule with it. */
static void alike(void **state)
{
	struct branch *b = branch_new(
		CONF("10 2 periodic", " set peer hub.example default\n set peer 10.1.1.1\n", ""), 2);

	branch_answer(b, "10.1.1.1");
	assert_int_equal(b->n_rules, 2); /* one per line */
	for (unsigned i = 0; i < b->n_rules; i++) {
		assert_int_equal(b->rules[i].r.index, 0);
		assert_true(b->rules[i].r.is_default);
	}
	branch_free(b);
}

static void view_of_name(struct branch *b, const char *addr, int64_t ttl_ms)
{
	struct entry_view v = branch_view(b);
	struct addr want = { 0 };

	addr_parse(addr, &want);
	assert_true(addr_equal(&v.peers[0].addr, &want));
	assert_true(v.peers[0].is_name && v.peers[0].is_dynamic);
	assert_int_equal(v.peers[0].ttl_ms, ttl_ms);
	assert_int_equal(v.peers[0].trust, TRUST_SECURE);
	entry_view_free(&v);
}

/* The only peer is a name: the first packet asks, and the one after the answer is delivered. */
static void dynamic_name(void **state)
{
	struct branch *b = branch_new(
		CONF("10 2 periodic", " set peer hub.example dynamic default\n", ""), 2);
	unsigned hub2_rules = 0;
	const char *why;

	assert_int_equal(b->n_asked, 0);
	assert_false(branch_send(b, 0));
	assert_int_equal(b->n_asked, 1);
	assert_string_equal(branch_state(b), "WALK hub.example");
	branch_answer(b, "10.1.1.1");
	assert_string_equal(branch_state(b), "UP hub.example");
	assert_true(branch_send(b, 0));
	view_of_name(b, "10.1.1.1", 59900);
	branch_traffic_ms(b, 0, 70000, 1000); /* past the TTL, and through probes */
	view_of_name(b, "10.1.1.1", -1);
	assert_int_equal(b->n_asked, 1);
	assert_true(branch_send(b, 0));
	entries_clear_session(b->entries, "tohub", 1, NULL, b->clock.now, &why);
	branch_send(b, 0);
	branch_answer(b, "10.2.2.2");
	assert_string_equal(branch_state(b), "UP hub.example");
	assert_true(branch_send(b, 0));
	assert_true(b->hubs[1].kernel.n_sas >= 2);
	view_of_name(b, "10.2.2.2", 59900);
	for (unsigned i = 0; i < b->n_rules; i++)
		hub2_rules += addr_equal(&b->rules[i].r.peer, &b->hubs[1].addr);
	assert_int_equal(hub2_rules, b->n_rules); /* the old address is forgotten */
	branch_free(b);
}

/* A19: SAs of an earlier run, to an address that the name had then. */
static void dynamic_orphans(void **state)
{
	const char *conf =
		CONF("10 2 periodic", " set peer hub.example dynamic\n set peer 10.2.2.2\n", "");
	struct branch *b = branch_new(conf, 2);

	branch_send(b, 0);
	branch_answer(b, "10.1.1.1");
	assert_true(branch_send(b, 0));
	branch_restart(b, conf);
	assert_true(branch_send(b, 0)); /* they carry on */
	assert_string_equal(branch_state(b), "WALK hub.example");
	branch_run_ms(b, 2000);
	assert_true(branch_send(b, 0));
	branch_answer(b, "10.1.1.1");
	assert_string_equal(branch_state(b), "UP hub.example");
	assert_true(branch_send(b, 0));
	branch_run_ms(b, 6000);
	assert_int_equal(b->sas.n_sas, 2);
	branch_free(b);
}

static bool asked_with_packet; /* the last refused child came with a packet of its own line */

static int refuses_open(void *e, conn_id conn, remote_id remote, const struct addr *local,
			const struct engine_child *child, const struct engine_budget *b)
{
	asked_with_packet = child->has_flow && selector_contains(&child->sel, &child->flow);
	return -ENOBUFS;
}

static int refuses_child(void *e, conn_id conn, const struct engine_child *child)
{
	return -ENOBUFS;
}

static void count_session(void *ctx, const struct entry_session *s)
{
	++*(unsigned *)ctx;
}

static void engine_refuses(void **state)
{
	struct branch *b = branch_new(CONF("10 2 periodic", HOME, ""), 2);
	const struct engine_ops *real = b->engine->ops;
	struct engine_ops ops = *real;
	unsigned n = 0;

	ops.open = refuses_open;
	b->engine->ops = &ops;
	branch_send(b, 0);
	assert_true(asked_with_packet);
	assert_string_equal(branch_state(b), "BACKOFF 10.1.1.1");
	assert_int_equal(branch_tried(b, "10.2.2.2", 0), 1);
	entries_each_session(b->entries, count_session, &n);
	assert_int_equal(n, 0);
	ops.open = real->open;
	ops.child_open = refuses_child;
	branch_traffic_ms(b, 0, 2000, 100);
	assert_string_equal(branch_state(b), "UP 10.1.1.1");
	branch_send(b, 1);
	branch_run_ms(b, 200);
	assert_false(branch_send(b, 1)); /* that line backs off, the other lives */
	assert_true(branch_send(b, 0));
	ops.child_open = real->child_open;
	branch_traffic_ms(b, 1, 2000, 100);
	assert_true(branch_send(b, 1));
	b->engine->ops = real;
	branch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "case 5, 6, 7, 10, 21, 24: the founding document's second example",
		  founding_example, NULL, NULL, NULL },
		{ "case 22, 36: on-demand DPD", on_demand, NULL, NULL, NULL },
		{ "millisecond DPD: on the next hub in 0.8 s", milliseconds, NULL, NULL, NULL },
		{ "case 53: round trip of 150 ms, millisecond DPD: no false death", slow_path, NULL,
		  NULL, NULL },
		{ "case 48: nobody answers", nobody_answers, NULL, NULL, NULL },
		{ "case 45: a second line while the first is set up", second_line_waits, NULL, NULL,
		  NULL },
		{ "case 35: switches within 30 s raise their acquires", quick_switches, NULL, NULL,
		  NULL },
		{ "the hub deletes the IKE SA", hub_deletes, NULL, NULL, NULL },
		{ "the hub deletes the pair, with and without traffic", hub_deletes_pair, NULL, NULL,
		  NULL },
		{ "case 42: a packet between verdict and DELETE", verdict_void, NULL, NULL, NULL },
		{ "case 43: reloads", reloads, NULL, NULL, NULL },
		{ "a reload reaches what rekeys ask for", reload_reaches_rekeys, NULL, NULL, NULL },
		{ "a reload says which line went, and that an entry is incomplete", reloads_say_why, NULL, NULL,
		  NULL },
		{ "case 40: SAs of an earlier run", orphans, NULL, NULL, NULL },
		{ "events were lost", lost_events, NULL, NULL, NULL },
		{ "case 51: no route, then one", no_route_then_one, NULL, NULL, NULL },
		{ "the map leaves the interface: DELETE to the peer", interface_left, NULL, NULL,
		  NULL },
		{ "operator commands", operators, NULL, NULL, NULL },
		{ "case 28, 37: the default calls while on the backup", default_calls, NULL, NULL,
		  NULL },
		{ "the backup calls: refused while the current peer answers", backup_calls, NULL,
		  NULL, NULL },
		{ "case 34: two hubs that both call: no flapping", both_call, NULL, NULL, NULL },
		{ "case 46: no default, P0 dies, comes back inbound, idles", back_by_inbound, NULL,
		  NULL, NULL },
		{ "case 27: a name without an address, then with one", names, NULL, NULL, NULL },
		{ "A20: two peers that resolve alike: one rule, the earlier's", alike, NULL, NULL, NULL },
		{ "case 26: a dynamic name that moves", dynamic_name, NULL, NULL, NULL },
		{ "A19: SAs of an earlier run to a dynamic name", dynamic_orphans, NULL, NULL, NULL },
		{ "an engine that refuses", engine_refuses, NULL, NULL, NULL },
		{ "views", views, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("agent: peers", tests, NULL, NULL);
}
