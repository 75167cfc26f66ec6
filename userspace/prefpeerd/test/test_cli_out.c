// SPDX-License-Identifier: GPL-2.0-or-later
/* What prefpeer prints: text for people, JSON for scripts, of the same facts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "prefpeer/cells.h"
#include "prefpeer/cli.h"

static const struct cli plain = { 0 };

/* ---- capturing ------------------------------------------------------------------------- */

static char printed[8192];
static int saved = -1;
static FILE *sink;

static void capture(void)
{
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	sink = tmpfile();
	dup2(fileno(sink), STDOUT_FILENO);
}

static void captured(void)
{
	size_t n;

	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(sink);
	n = fread(printed, 1, sizeof(printed) - 1, sink);
	printed[n] = '\0';
	fclose(sink);
}

static void has(const char *part)
{
	if (!strstr(printed, part))
		fail_msg("\"%s\" is not in:\n%s", part, printed);
}

static void has_not(const char *part)
{
	if (strstr(printed, part))
		fail_msg("\"%s\" is in:\n%s", part, printed);
}

static json_t *json(const char *text)
{
	json_error_t e;
	json_t *o = json_loads(text, 0, &e);

	if (!o)
		fail_msg("fixture: %s", e.text);
	return o;
}

static struct addr A(const char *text) {
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* ---- small texts -------------------------------------------------------------------------- */

static void
durations_and_sizes(void **state)
{
	char b[DUR_STRLEN];

	assert_string_equal(dur_print(0, b), "0.0 s");
	assert_string_equal(dur_print(240, b), "0.2 s");
	assert_string_equal(dur_print(9999, b), "9.9 s");
	assert_string_equal(dur_print(34000, b), "34 s");
	assert_string_equal(dur_print(299999, b), "299 s");
	assert_string_equal(dur_print(18 * 60000, b), "18 min");
	assert_string_equal(dur_print(3 * 3600000, b), "3 h");
	assert_string_equal(dur_print(72ull * 3600000, b), "3 d");
	assert_string_equal(setting_print(120000, b), "120 s");
	assert_string_equal(setting_print(1500, b), "1500 ms");
	assert_string_equal(setting_print(0, b), "off");
	assert_string_equal(clock_print(1078000, b), "00:17:58");
	assert_string_equal(clock_print(3 * 86400000ull + 7800000, b), "3d 02:10:00");
	assert_string_equal(bytes_print(812, b), "812 B");
	assert_string_equal(bytes_print(999, b), "999 B");
	assert_string_equal(bytes_print(1000, b), "1.0 kB");
	assert_string_equal(bytes_print(41234567, b), "41 MB");
	assert_string_equal(bytes_print(UINT64_MAX, b), "18 EB");
}

static void times_of_day_follow_the_stamp(void **state)
{
	char a[DUR_STRLEN], b[DUR_STRLEN], iso[64];

	setenv("TZ", "UTC", 1);
	tzset();
	time_of_day(boot_now_ns(), a);
	assert_int_equal(strlen(a), 12);
	assert_true(a[2] == ':' && a[5] == ':' && a[8] == '.');
	/* Of this very boot: an hour earlier is an hour earlier, to the minute. */
	if (boot_now_ns() > 3700 * 1000000000ull) {
		time_of_day(boot_now_ns() - 3600 * 1000000000ull, b);
		assert_int_equal((atoi(a) + 23) % 24, atoi(b));
	}
	assert_int_equal(strlen(time_iso(0, iso, sizeof(iso))), 28);
	assert_string_equal(iso + 23, "+0000");
}

static void newer_values_show_as_numbers(void **state)
{
	char b[WORD_STRLEN], f[128];

	assert_string_equal(state_text(9, b), "9");
	assert_string_equal(reason_text(200, b), "200");
	assert_string_equal(proto_text(50, b), "esp");
	assert_string_equal(proto_text(6, b), "6");
	assert_string_equal(flags_text(1u | 4u | 0x80u, f, sizeof(f)), "lastused fine 0x80");
	assert_string_equal(flags_text(0, f, sizeof(f)), "");
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void tables_align_and_drop_empty_columns(void **state)
{
	static const char *const heads[] = { "A", "EMPTY", "LONG", "Z", NULL };
	struct table *t = table_new(heads);

	capture();
	table_cell(t, TONE_GOOD, "wide → 1");
	table_cell(t, TONE_PLAIN, "%s", "");
	table_cell(t, TONE_PLAIN, "x");
	table_cell(t, TONE_PLAIN, "end");
	table_cell(t, TONE_PLAIN, "2");
	table_cell(t, TONE_PLAIN, "%s", "");
	table_cell(t, TONE_PLAIN, "%s", "");
	table_cell(t, TONE_PLAIN, "%s", "");
	table_print(&plain, t);
	captured();
	assert_string_equal(printed, "A         LONG  Z\n"
				     "wide → 1  x     end\n"
				     "2\n");
}

static void colour_is_around_the_text_only(void **state)
{
	static const char *const heads[] = { "A", "B", NULL };
	const struct cli color = { .color = true };
	struct table *t = table_new(heads);

	capture();
	table_cell(t, TONE_GOOD, "up");
	table_cell(t, TONE_PLAIN, "x");
	table_print(&color, t);
	captured();
	has("\033[32mup\033[0m  x\n");
}

/* ---- attributes as JSON ------------------------------------------------------------------------
 */

static struct pp_attrs sa(void)
{
	struct addr src = A("10.0.0.2"), dst = A("10.1.1.1");
	struct pp_attrs a = { 0 };

	pp_set_addr(&a, PP_SRC, &src);
	pp_set_addr(&a, PP_DST, &dst);
	PP_SET(&a, SEQ, seq, 41);
	PP_SET(&a, STAMP, stamp, 500000000000ull);
	PP_SET(&a, LAST_USE, last_use, 380000000000ull);
	PP_SET(&a, SLACK, slack, 4);
	PP_SET(&a, SPI, spi, 0xa1f00d);
	PP_SET(&a, PROTO, proto, IPPROTO_ESP);
	PP_SET(&a, REQID, reqid, 7);
	PP_SET(&a, DIR, dir, PREFPEER_DIR_OUT);
	PP_SET(&a, STATE, state, PREFPEER_STATE_IDLE);
	PP_SET(&a, PACKETS, packets, 1ull << 40);
	PP_SET(&a, FLAGS, flags, PREFPEER_FLAG_FINE | 0x100);
	PP_SET_META(&a, IDLE_TIME, idle_time, 120000);
	PP_SET_META(&a, FLAGS, flags, PREFPEER_META_FLAG_DEFAULT);
	assert_int_equal(pp_set_map(&a, "tohub"), 0);
	return a;
}

static void json_has_units_words_and_all_facts(void **state)
{
	struct pp_event ev = { .cmd = PREFPEER_CMD_SA_IDLE_NTF, .group = PP_GROUP_SA, .a = sa() };
	json_t *o = json_of_event(&ev);
	json_t *want =
		json("{\"event\":\"sa-idle\", \"src\":\"10.0.0.2\", \"dst\":\"10.1.1.1\","
		     "\"seq\":41, \"stamp_ns\":500000000000, \"last_use_ns\":380000000000,"
		     "\"slack_ms\":4, \"spi\":\"0x00a1f00d\", \"proto\":\"esp\", \"reqid\":7,"
		     "\"dir\":\"out\", \"state\":\"idle\", \"packets\":1099511627776,"
		     "\"flags\":[\"fine\",\"0x100\"], \"idle_ms\":120000,"
		     "\"meta\":{\"map\":\"tohub\", \"flags\":[\"default\"], \"default\":true,"
		     "\"idle_time_ms\":120000}}");

	assert_non_null(json_object_get(o, "time"));
	json_object_del(o, "time");
	if (!json_equal(o, want))
		fail_msg("%s", json_dumps(o, JSON_SORT_KEYS));
	json_decref(o);
	json_decref(want);
}

static void json_shows_what_is_newer(void **state)
{
	struct pp_event ev = { .cmd = 77 };
	json_t *o, *u;

	ev.a.n_unknown = 1;
	ev.a.unknown[0] = (struct pp_unknown){ .type = 60, .len = 2, .data = { 0xab, 1 } };
	PP_SET(&ev.a, STATE, state, 7);
	o = json_of_event(&ev);
	assert_string_equal(json_string_value(json_object_get(o, "event")), "event-77");
	assert_int_equal(json_integer_value(json_object_get(o, "state")), 7);
	u = json_array_get(json_object_get(o, "unknown"), 0);
	assert_string_equal(json_string_value(json_object_get(u, "data")), "ab01");
	json_decref(o);
}

static void json_of_prefixes_and_losses(void **state)
{
	struct pp_event lost = { .cmd = PP_EV_LOST, .group = PP_GROUP_PEER, .lost = 9 };
	struct pp_attrs a = { 0 };
	struct prefix net;
	json_t *o;

	assert_int_equal(prefix_parse("10.0.0.0/8", &net), 0);
	pp_set_prefix(&a, PP_REMOTE, &net);
	o = json_of_attrs(&a, 0);
	assert_string_equal(json_string_value(json_object_get(o, "remote")), "10.0.0.0/8");
	json_decref(o);
	o = json_of_event(&lost);
	assert_string_equal(json_string_value(json_object_get(o, "event")), "lost");
	assert_string_equal(json_string_value(json_object_get(o, "group")), "peer");
	assert_int_equal(json_integer_value(json_object_get(o, "count")), 9);
	json_decref(o);
}

static void text_shows_a_cookie_unless_it_is_the_agents(void **state)
{
	struct pp_attrs a = { 0 };
	char buf[80];

	PP_SET_META(&a, MAP_SEQ, map_seq, 1);
	PP_SET_META(&a, COOKIE, cookie, 0x10);
	assert_string_equal(meta_text(&a.meta, buf, sizeof(buf)), "1 cookie 0x10");
	a.meta.cookie = PP_COOKIE_AGENT;
	assert_string_equal(meta_text(&a.meta, buf, sizeof(buf)), "1");
}

static void json_keeps_all_bits_of_a_cookie(void **state)
{
	struct pp_attrs a = { 0 };
	json_t *o;

	PP_SET_META(&a, COOKIE, cookie, UINT64_MAX - 1);
	o = json_of_attrs(&a, 0);
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "meta"), "cookie")),
			    "0xfffffffffffffffe");
	json_decref(o);
}

static void json_is_one_line_unless_pretty(void **state)
{
	const struct cli pretty = { .pretty = true };

	capture();
	json_out(&plain, json("{\"a\":[1,2]}"));
	json_out(&pretty, json("{\"a\":1}"));
	captured();
	assert_string_equal(printed, "{\"a\":[1,2]}\n{\n  \"a\": 1\n}\n");
}

/* ---- the module's events as text ----------------------------------------------------------------
 */

static void show(int cmd, const struct pp_attrs *a)
{
	struct pp_event ev = { .cmd = cmd, .a = *a };

	capture();
	text_module_event(&plain, &ev);
	captured();
}

static void module_events_say_why(void **state)
{
	struct addr remote = A("10.1.1.1");
	struct pp_attrs a = sa(), p = { 0 };

	show(PREFPEER_CMD_SA_IDLE_NTF, &a);
	has("  sa    10.0.0.2 → 10.1.1.1  idle");
	has("esp 0x00a1f00d reqid 7 out: nothing for 120 s  tohub default\n");
	PP_SET(&a, REASON, reason, PREFPEER_REASON_EXPIRED);
	show(PREFPEER_CMD_SA_GONE_NTF, &a);
	has("gone ");
	has(": hard lifetime ended, 1099511627776 packets");
	pp_set_addr(&p, PP_REMOTE, &remote);
	PP_SET(&p, STAMP, stamp, 30000000000ull);
	PP_SET(&p, LAST_IN, last_in, 20000000000ull);
	PP_SET(&p, HEARD, heard, 19000000000ull);
	PP_SET(&p, REPEAT, repeat, 3);
	show(PREFPEER_CMD_PEER_ONE_WAY_NTF, &p);
	has("  peer  10.1.1.1      one-way ");
	has("10 s out, nothing in, for the 3. time\n");
	show(77, &p);
	has("  ?     10.1.1.1      event-77");
}

static void module_says_when_it_goes(void **state)
{
	struct pp_event lost = { .cmd = PP_EV_LOST, .group = PP_GROUP_SA, .lost = 7 };
	struct pp_event down = { .cmd = PP_EV_MODULE_DOWN };

	capture();
	text_module_event(&plain, &lost);
	text_module_event(&plain, &down);
	captured();
	has("note  module");
	has("7 sa events lost\n");
	has("the module is gone");
}

/* ---- the agent's events as text
 * -------------------------------------------------------------------- */

static void agent_event(const char *text)
{
	const char *time;
	char now[64];
	json_t *e = json(text);

	/* At that hour of today: of another day the date is said too. */
	time = json_string_value(json_object_get(e, "time"));
	if (time) {
		time_iso(0, now, sizeof(now));
		snprintf(now + 10, sizeof(now) - 10, "%s", time + 10);
		json_object_set_new(e, "time", json_string(now));
	}
	capture();
	text_agent_event(&plain, e);
	captured();
	json_decref(e);
}

static void agent_events_read_as_in_ux(void **state)
{
	agent_event(
		"{\"time\":\"2026-11-24T14:02:51.330+0000\",\"event\":\"map-state\","
		"\"map\":\"tohub\",\"seq\":1,\"line\":0,\"from\":\"UP\",\"to\":\"DOWN\","
		"\"from_peer\":\"10.1.1.1\",\"peer\":\"10.1.1.1\",\"next\":\"10.1.1.1\","
		"\"reason\":\"dpd-timeout\",\"text\":\"dead: 6 requests unanswered\",\"new\":1}");
	assert_string_equal(printed, "14:02:51.330  map   tohub 1       UP 10.1.1.1 → DOWN"
				     "          dead: 6 requests unanswered\n");
	agent_event("{\"time\":\"2026-11-24T14:02:53.343+0000\",\"event\":\"map-state\","
		    "\"map\":\"tohub\",\"seq\":1,\"from\":\"WALK\",\"to\":\"WALK\","
		    "\"from_peer\":\"10.1.1.1\",\"peer\":\"10.2.2.2\",\"text\":\"no answer\"}");
	has("WALK 10.1.1.1 → 10.2.2.2 ");
	agent_event(
		"{\"event\":\"map-state\",\"map\":\"tohub\",\"seq\":1,\"from\":\"WALK\","
		"\"to\":\"UP\",\"from_peer\":\"10.1.1.1\",\"peer\":\"10.2.2.2\",\"text\":\"\"}");
	has("WALK → UP 10.2.2.2\n");
	agent_event("{\"event\":\"map-line\",\"map\":\"tohub\",\"seq\":1,\"line\":2,\"text\":"
		    "\"refused\"}");
	has("map   tohub 1 line 2  refused\n");
	agent_event("{\"event\":\"map-next\",\"map\":\"tohub\",\"seq\":1,\"next\":\"10.1.1.1\","
		    "\"text\":\"operator: reset; next attempt 10.1.1.1\"}");
	has("map   tohub 1       operator: reset; next attempt 10.1.1.1\n");
	agent_event("{\"event\":\"note\",\"source\":\"kernel\",\"map\":\"tohub\",\"seq\":1,"
		    "\"reason\":\"nat\",\"text\":\"packets for D\"}");
	has("map   tohub 1       packets for D\n");
	agent_event("{\"event\":\"note\",\"source\":\"kernel\",\"reason\":\"invalid-spi\","
		    "\"text\":\"%CRYPTO-4\"}");
	has("note  kernel        %CRYPTO-4\n");
	agent_event("{\"event\":\"brand-new\",\"map\":\"tohub\",\"seq\":1}");
	has("brand-new");
	agent_event("{}");
	has("note ");
}

/* ---- map show
 * ---------------------------------------------------------------------------------------- */

static const char *const up_map =
	"[{\"map\":\"tohub\",\"seq\":1,\"state\":\"UP\",\"state_since_ms\":1078000,"
	"\"peer\":\"10.2.2.2\",\"why\":\"no answer from 10.1.1.1 in 2.0 s\",\"next\":\"10.2.2.2\","
	"\"backoff_ms\":null,\"peers\":["
	"{\"peer\":\"10.1.1.1\",\"address\":\"10.1.1.1\",\"default\":true,\"current\":false,"
	"\"status\":\"dpd-timeout\",\"status_text\":\"dead: 6 requests unanswered in 12.0 s\","
	"\"status_ago_ms\":1080000,\"heard_ago_ms\":null,\"rtt_us\":null},"
	"{\"peer\":\"10.2.2.2\",\"address\":\"10.2.2.2\",\"default\":false,\"current\":true,"
	"\"status\":\"up\",\"status_text\":\"\",\"heard_ago_ms\":240,\"rtt_us\":21300},"
	"{\"peer\":\"hub.example\",\"address\":null,\"default\":false,\"current\":false,"
	"\"status\":\"untried\"}],"
	"\"idle\":{\"ms\":120000,\"home\":true,\"now_ms\":34000,"
	"\"action\":\"2 min, then home to 10.1.1.1\"},"
	"\"dpd\":{\"mode\":\"periodic\",\"interval_ms\":10000,\"retry_ms\":2000,\"worst_ms\":24000,"
	"\"worst_text\":\"24 s = notice 22 s + retry default 2 s + set-up\"},"
	"\"lines\":[{\"no\":1,\"text\":\"permit 192.168.1.0/24 → 192.168.2.0/24\","
	"\"spi_in\":\"0xc3a1f00d\",\"spi_out\":\"0x5b20e1aa\",\"bytes_in\":41234567,"
	"\"bytes_out\":3100000,\"narrowed\":true},"
	"{\"no\":2,\"text\":\"permit 192.168.1.0/24 → 10.9.0.0/16\",\"spi_in\":null,"
	"\"spi_out\":null,\"backoff_ms\":2500,\"backoff_text\":\"TS_UNACCEPTABLE\"},"
	"{\"no\":3,\"text\":\"permit a → b\",\"wanted\":true}]}]";

static void map_show_reads_as_in_ux(void **state)
{
	json_t *maps = json(up_map);

	capture();
	text_maps(&plain, maps);
	captured();
	json_decref(maps);
	has("tohub 1   UP 10.2.2.2 for 00:17:58   next attempt 10.2.2.2\n");
	has("  why     no answer from 10.1.1.1 in 2.0 s\n");
	has("  peers   10.1.1.1                    default         18 min ago: dead: 6 requests");
	has("          10.2.2.2                    current         heard 0.2 s ago, round trip "
	    "21.3 ms\n");
	has("          hub.example (not resolved)                  not tried yet\n");
	has("  idle    120 s, then home to 10.1.1.1   idle now 34 s\n");
	has("  dpd     10 s, retry 2 s, periodic   worst failover 24 s = notice 22 s + retry");
	has("  line 1  permit 192.168.1.0/24 → 192.168.2.0/24   in c3a1f00d  out 5b20e1aa"
	    "   41 MB in  3.1 MB out   narrowed by the peer\n");
	has("  line 2  permit 192.168.1.0/24 → 10.9.0.0/16   backs off, 2.5 s left: "
	    "TS_UNACCEPTABLE\n");
	has("  line 3  permit a → b   down, wanted\n");
}

static void map_show_of_other_states(void **state)
{
	json_t *maps = json("[{\"map\":\"m\",\"seq\":2,\"state\":\"WALK\",\"state_since_ms\":900,"
			    "\"peer\":\"10.1.1.1\",\"trying\":\"10.2.2.2\",\"next\":\"10.2.2.2\","
			    "\"peers\":[{\"peer\":\"10.2.2.2\",\"address\":\"10.2.2.2\","
			    "\"status\":\"trying\",\"answer_ms\":12000}],"
			    "\"dpd\":{\"mode\":\"off\",\"worst_text\":\"noticed late\"}},"
			    "{\"map\":\"m\",\"seq\":3,\"state\":\"BACKOFF\",\"state_since_ms\":0,"
			    "\"peer\":\"10.1.1.1\",\"backoff_ms\":7000,\"next\":\"10.1.1.1\","
			    "\"incomplete\":\"no access list\","
			    "\"warnings\":[{\"reason\":\"nat\",\"text\":\"packets for D\","
			    "\"ago_ms\":12000}]}]");

	capture();
	text_maps(&plain, maps);
	captured();
	has("m 2   WALK 10.2.2.2 for 00:00:00   next attempt 10.2.2.2\n");
	has("being tried, for at most 12 s\n");
	has("  dpd     off   noticed late\n");
	has("m 3   BACKOFF for 00:00:00, 7.0 s left   next attempt 10.1.1.1\n");
	has("  WARNING: incomplete, protects nothing: no access list\n");
	has("  WARNING: packets for D, 12 s ago\n");
	has_not("idle    \n");
	json_decref(maps);
	capture();
	text_maps(&plain, NULL);
	captured();
	assert_string_equal(printed, "no crypto map is configured\n");
}

static void sessions_are_a_table(void **state)
{
	json_t *s =
		json("[{\"local\":\"10.0.0.2\",\"remote\":\"10.1.1.1\",\"remote_port\":4500,"
		     "\"state\":\"established\",\"initiator\":true,\"children\":2,"
		     "\"spi_i\":\"0011223344556677\",\"spi_r\":\"8899aabbccddeeff\","
		     "\"encr\":\"aes-gcm-16-256\",\"prf\":\"hmac-sha2-256\",\"dh\":\"x25519\","
		     "\"nat_local\":true,\"up_ms\":61000,\"heard_ago_ms\":200,\"retransmits\":0}]");

	capture();
	text_sessions(&plain, s);
	captured();
	json_decref(s);
	has("LOCAL     REMOTE    PORT  STATE        UP FOR    ROLE       HEARD AGO  CHILDREN  ALG");
	has("10.0.0.2  10.1.1.1  4500  established  00:01:01  initiator  0.2 s      2         aes");
	has_not("RETRANSMITS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_and_sizes),
		cmocka_unit_test(times_of_day_follow_the_stamp),
		cmocka_unit_test(newer_values_show_as_numbers),
		cmocka_unit_test(tables_align_and_drop_empty_columns),
		cmocka_unit_test(colour_is_around_the_text_only),
		cmocka_unit_test(json_has_units_words_and_all_facts),
		cmocka_unit_test(json_shows_what_is_newer),
		cmocka_unit_test(json_of_prefixes_and_losses),
		cmocka_unit_test(json_keeps_all_bits_of_a_cookie),
		cmocka_unit_test(text_shows_a_cookie_unless_it_is_the_agents),
		cmocka_unit_test(json_is_one_line_unless_pretty),
		cmocka_unit_test(module_events_say_why),
		cmocka_unit_test(module_says_when_it_goes),
		cmocka_unit_test(agent_events_read_as_in_ux),
		cmocka_unit_test(map_show_reads_as_in_ux),
		cmocka_unit_test(map_show_of_other_states),
		cmocka_unit_test(sessions_are_a_table),
	};

	return cmocka_run_group_tests_name("cli out", tests, NULL, NULL);
}
