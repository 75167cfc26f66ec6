// SPDX-License-Identifier: GPL-2.0-or-later
/* Sessions of a branch, and the records that are made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prefpeerd/acct/acct.h"
#include "prefpeerd/acct/writer.h"
#include "prefpeerd/test/conf_help.h"
#include "prefpeerd/test/entry_branch.h"

#define CONF(lists) \
	"crypto isakmp key secret address 10.1.1.1\ncrypto isakmp key secret address 10.2.2.2\n" \
	"crypto ikev2 dpd 10 2 periodic\ncrypto ipsec transform-set T esp-gcm 128\n" \
	"access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255\n" lists \
	"crypto map m 1 ipsec-isakmp\n set peer 10.1.1.1 default\n set peer 10.2.2.2\n" \
	" set transform-set T\n match address 101\ninterface wan\n crypto map m\n"
#define LISTS "aaa accounting network L start-stop syslog\ncrypto map m client accounting list L\n"
#define UPDATE "aaa accounting update periodic 2\n"

static struct {
	struct branch *b;
	struct acct *acct;
	json_t *records; /* array */
	json_t *kept;
} w;

static int64_t wall(void *ctx)
{
	return 1000000000000 + w.b->clock.now.ns / 1000000;
}

static void record(void *ctx, const char *list, const json_t *r)
{
	assert_string_equal(list, "L");
	json_array_append(w.records, (json_t *)(uintptr_t)r);
}

static void keep(void *ctx, const json_t *sessions)
{
	json_decref(w.kept);
	w.kept = json_deep_copy(sessions);
}

static void tell(void *ctx, const struct entry_ntf *n)
{
	if (w.acct)
		acct_notify(w.acct, n);
}

/* What the kernel's notices say. */
static void sa_gone(void *ctx, const struct kernel_sa *sa, uint64_t packets)
{
	struct kernel_sa_entry e = { .id = sa->id };

	e.r.src = sa->src;
	e.r.reqid = sa->reqid;
	e.r.packets = packets;
	e.r.bytes = 100 * packets;
	if (w.acct)
		acct_sa_ended(w.acct, &e);
}

static void agent_comes(void)
{
	struct acct_ports ports = { .timers = &w.b->clock.timers, .kernel = &w.b->kernel,
				    .entries = w.b->entries, .wall_ms = wall, .record = record,
				    .keep = keep };

	w.acct = acct_new(&ports);
	acct_configure(w.acct, w.b->conf, w.b->clock.now);
}

static void begin(const char *conf)
{
	w.records = json_array();
	w.kept = json_array();
	w.b = branch_new(conf, 2);
	w.b->tell = tell;
	w.b->sa_gone = sa_gone;
	agent_comes();
}

static void finish(void)
{
	acct_free(w.acct);
	w.acct = NULL;
	branch_free(w.b);
	json_decref(w.records);
	json_decref(w.kept);
}

static const char *text(size_t i, const char *key)
{
	const char *s = json_string_value(json_object_get(json_array_get(w.records, i), key));

	return s ? s : "";
}

static int64_t number(size_t i, const char *key)
{
	return json_integer_value(json_object_get(json_array_get(w.records, i), key));
}

static const char *types(void)
{
	static char buf[400];

	*buf = '\0';
	for (size_t i = 0; i < json_array_size(w.records); i++)
		snprintf(buf + strlen(buf), sizeof(buf) - strlen(buf), "%s%s", i ? " " : "",
			 text(i, "record"));
	return buf;
}

static void up(void)
{
	branch_send(w.b, 0);
	branch_run_ms(w.b, 500);
}

/* Of the outbound SA, and of the inbound one. */
static void carries(unsigned out, unsigned in)
{
	for (unsigned i = 0; i < w.b->sas.n_sas; i++) {
		const struct kernel_sa *sa = &w.b->sas.sas[i];
		unsigned n = sa->dir == SA_DIR_OUT ? out : in;

		for (; sa->reqid >= REQID_FIRST && n; n--)
			fake_kernel_carry(&w.b->sas, sa->id.spi);
	}
}

static void start_and_stop(void **unused)
{
	const char *why;

	begin(CONF(LISTS));
	assert_string_equal(types(), "on");
	up();
	assert_string_equal(types(), "on start");
	assert_string_equal(text(1, "peer"), "10.1.1.1");
	assert_string_equal(text(1, "remote"), "10.1.1.1");
	assert_string_equal(text(1, "local"), "10.0.0.2");
	assert_string_equal(text(1, "origin"), "ike");
	carries(7, 5);
	assert_int_equal(entries_clear_session(w.b->entries, "m", 1, NULL, w.b->clock.now, &why), 0);
	branch_run_ms(w.b, 10000);
	assert_string_equal(types(), "on start stop");
	assert_string_equal(text(2, "session"), text(1, "session"));
	assert_string_equal(text(2, "cause"), "admin-reset");
	assert_string_equal(text(2, "reason"), "clear-session");
	assert_int_equal(number(2, "packets_out"), 7);
	assert_int_equal(number(2, "packets_in"), 5);
	assert_int_equal(number(2, "bytes_out"), 700);
	assert_int_equal(number(2, "bytes_in"), 500);
	finish();
}

/* As a rekey leaves them: an SA of the line that nobody had seen, and is gone. */
static void rekeyed(uint32_t spi, unsigned out, unsigned in)
{
	struct kernel_sa_entry e = { .id = { .spi = spi, .proto = IPPROTO_ESP } };
	const struct spd_line *l = w.b->spd->lines[0];

	e.r.reqid = l->reqid;
	e.id.dst = l->peer;
	e.r.src = l->local;
	e.r.packets = out;
	e.r.bytes = 100 * out;
	acct_sa_ended(w.acct, &e);
	e.id.dst = l->local;
	e.r.src = l->peer;
	e.r.packets = in;
	e.r.bytes = 100 * in;
	acct_sa_ended(w.acct, &e);
}

static void counters_survive_rekeys(void **unused)
{
	const char *why;

	begin(CONF(LISTS));
	up();
	for (unsigned i = 0; i < 3; i++)
		rekeyed(5000 + i, 10, 3);
	carries(10, 3);
	branch_run_ms(w.b, 300000);
	entries_clear_session(w.b->entries, "m", 1, NULL, w.b->clock.now, &why);
	branch_run_ms(w.b, 10000);
	assert_string_equal(types(), "on start stop");
	assert_int_equal(number(2, "packets_out"), 40);
	assert_int_equal(number(2, "bytes_in"), 1200);
	assert_in_range(number(2, "duration_s"), 300, 302);
	finish();
}

static void interim_records(void **unused)
{
	begin(CONF(LISTS UPDATE));
	up();
	carries(1, 1);
	branch_run_ms(w.b, 120000);
	carries(1, 1);
	branch_run_ms(w.b, 120000);
	assert_string_equal(types(), "on start interim interim");
	assert_int_equal(number(2, "packets_out"), 1);
	assert_int_equal(number(3, "packets_out"), 2);
	assert_int_equal(number(3, "duration_s"), 240);
	finish();
}

/* A hub dies: one session ends, and another begins with the next hub. */
static void one_for_each_peer(void **unused)
{
	begin(CONF(LISTS));
	up();
	carries(2, 1);
	w.b->hubs[0].cut = true;
	branch_traffic_ms(w.b, 0, 60000, 1000);
	assert_string_equal(branch_state(w.b), "UP 10.2.2.2");
	branch_run_ms(w.b, 10000);
	assert_int_equal(json_array_size(w.records), 4);
	for (size_t i = 2; i < 4; i++) {
		bool stop = !strcmp(text(i, "record"), "stop");

		assert_string_equal(text(i, "peer"), stop ? "10.1.1.1" : "10.2.2.2");
		if (stop)
			assert_string_equal(text(i, "cause"), "lost-carrier");
		if (stop)
			assert_int_equal(number(i, "packets_out"), 2);
	}
	assert_string_not_equal(text(2, "session"), text(3, "session"));
	finish();
}

static void agent_stops(void **unused)
{
	begin(CONF(LISTS));
	up();
	carries(3, 4);
	acct_stop(w.acct, w.b->clock.now);
	assert_string_equal(types(), "on start stop off");
	assert_string_equal(text(2, "cause"), "admin-reboot");
	assert_int_equal(number(2, "packets_in"), 4);
	assert_int_equal(json_array_size(w.kept), 0);
	finish();
}

/* Killed: the next one says the stop, with what was last counted. */
static void agent_dies(void **unused)
{
	json_t *kept;

	begin(CONF(LISTS));
	up();
	carries(3, 4);
	branch_run_ms(w.b, 70000);
	kept = json_incref(w.kept);
	assert_int_equal(json_array_size(kept), 1);
	acct_free(w.acct);
	w.acct = NULL;
	json_array_clear(w.records);
	branch_restart(w.b, CONF(LISTS));
	agent_comes();
	acct_orphans(w.acct, kept);
	assert_string_equal(types(), "on stop");
	assert_string_equal(text(1, "cause"), "nas-reboot");
	assert_string_equal(text(1, "reason"), "agent-died");
	assert_int_equal(number(1, "packets_out"), 3);
	json_decref(kept);
	finish();
}

static void lists_come_and_go(void **unused)
{
	begin(CONF(""));
	up();
	assert_string_equal(types(), "");
	branch_reload(w.b, CONF(LISTS));
	acct_configure(w.acct, w.b->conf, w.b->clock.now);
	branch_run_ms(w.b, 500);
	assert_string_equal(types(), "on start");
	branch_reload(w.b, CONF(""));
	acct_configure(w.acct, w.b->conf, w.b->clock.now);
	branch_run_ms(w.b, 10000);
	assert_string_equal(types(), "on start stop");
	assert_string_equal(text(2, "cause"), "nas-request");
	assert_string_equal(branch_state(w.b), "UP 10.1.1.1");
	finish();
}

/* ---- the process that writes ---- */

static unsigned lines_of(const char *path)
{
	unsigned n = 0;
	FILE *f = fopen(path, "r");
	int c;

	while (f && (c = fgetc(f)) != EOF)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

static bool lines_come(const char *path, unsigned n)
{
	for (unsigned i = 0; i < 1000 && lines_of(path) < n; i++)
		poll(NULL, 0, 10);
	return lines_of(path) == n;
}

/* A server that never answers: the file has every record at once, and nobody waited. */
static void a_dead_server_delays_nothing(void **unused)
{
	char dir[] = "/tmp/test_agent_acct.XXXXXX", path[64], conf[512];
	struct event_base *base = event_base_new();
	json_t *r = json_pack("{ss}", "record", "start");
	struct writer *wr;
	struct parsed p;
	mono_t t;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/records", dir);
	snprintf(conf, sizeof(conf),
		 "aaa accounting network L start-stop file %s\n"
		 "aaa accounting network L start-stop group radius\n"
		 "radius server R\n address ipv4 127.0.0.1 acct-port 9\n key k\n timeout 1\n"
		 " retransmit 0\n",
		 path);
	p = conf_help_parse(conf);
	conf_help_valid(&p);
	assert_int_equal(writer_open(NULL, &wr), 0);
	assert_int_equal(writer_attach(wr, base), 0);
	t = mono_now();
	writer_configure(wr, p.c);
	for (unsigned i = 0; i < 3000; i++)
		writer_record(wr, "L", r);
	assert_true(mono_diff_ms(mono_now(), t) < 1000);
	for (unsigned i = 0; i < 1000 && lines_of(path) < 3000; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		poll(NULL, 0, 10);
	}
	assert_true(lines_come(path, 3000));
	writer_close(wr);
	json_decref(r);
	conf_help_free(&p);
	event_base_free(base);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_and_stop),
		cmocka_unit_test(counters_survive_rekeys),
		cmocka_unit_test(interim_records),
		cmocka_unit_test(one_for_each_peer),
		cmocka_unit_test(agent_stops),
		cmocka_unit_test(agent_dies),
		cmocka_unit_test(lists_come_and_go),
		cmocka_unit_test(a_dead_server_delays_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
