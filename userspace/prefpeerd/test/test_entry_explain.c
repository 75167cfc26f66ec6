/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `prefpeer explain`, a row for each state and what changes the answer in it: which
 * way, by whom, and the words that carry the reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "prefpeerd/entry/entries.h"

#define NOW mono_add_ms(MONO_UNSET, 100000)

static struct entry_peer_view peers[3];
static struct entry_line_view lines[2];
static struct entry_view view;

/* Three peers, the first the default, dpd 10 2, nothing happened yet. */
static void fresh(void)
{
	static const char *const names[] = { "10.0.0.1", "10.0.0.2", "10.0.0.3" };

	for (unsigned i = 0; i < 3; i++)
		peers[i] = (struct entry_peer_view){
			.text = names[i], .walk_at = -1, .answer_ms = 12000, .is_default = !i
		};
	for (unsigned i = 0; i < 2; i++)
		lines[i] = (struct entry_line_view){ .no = i + 1 };
	view = (struct entry_view){
		.map = "m",
		.seq = 1,
		.state = ENTRY_DOWN,
		.reason = REASON_START,
		.current = names[0],
		.next = NEXT_SAME,
		.next_peer = names[0],
		.dpd = { .mode = DPD_PERIODIC, .interval_ms = 10000, .retry_ms = 2000 },
		.notice_ms = 22000,
		.idle_now_ms = -1,
		.engine_ready = true,
		.reachable = true,
		.peers = peers,
		.n_peers = 3,
		.lines = lines,
		.n_lines = 1,
	};
	strcpy(view.sentence, "no packet has asked for it yet");
}

static void as_fresh(void)
{
}

static void no_default(void)
{
	peers[0].is_default = false;
}

static void alone(void)
{
	view.n_peers = 1;
}

static void on_second(void)
{
	view.current = view.next_peer = peers[1].text;
	peers[0].last = REASON_DEAD;
	peers[1].last = REASON_CHILD_UP;
}

static void after_loss(void)
{
	no_default();
	view.next = NEXT_AFTER;
	view.next_peer = peers[1].text;
	view.dead = peers[0].text;
	peers[0].last = REASON_DEAD;
}

static void home_again(void)
{
	on_second();
	view.next = NEXT_HOME;
	view.next_peer = peers[0].text;
	view.dead = peers[0].text;
	peers[0].answer_ms = 2000;
	strcpy(view.sentence, "idle for 120 s");
}

static void not_ready(void)
{
	view.engine_ready = false;
	lines[0].wanted = true;
}

static void drained(void)
{
	view.draining = true;
}

static void no_address(void)
{
	view.reachable = false;
	strcpy(view.no_way, "no route to 10.0.0.1 through an interface that carries map m");
}

static void incomplete_blocks(void)
{
	view.incomplete = "no transform set";
	view.blocks = true;
}

static void incomplete_inert(void)
{
	view.incomplete = "no access list";
}

static void template(void)
{
	view.is_template = true;
}

static void up(void)
{
	view.state = ENTRY_UP;
	lines[0].n_pairs = 1;
	strcpy(view.sentence, "the default peer answered");
}

static void up_second(void)
{
	up();
	on_second();
	view.idle = (struct idle_time){ .ms = 120000, .home = true };
	view.idle_now_ms = 34000;
	strcpy(view.sentence, "it answered; 10.0.0.1: dead: 6 requests unanswered in 12.0 s");
}

static void up_no_default(void)
{
	up();
	no_default();
	view.idle = (struct idle_time){ .ms = 120000 };
}

static void up_no_dpd(void)
{
	up();
	alone();
	view.dpd.mode = DPD_OFF;
}

static void up_childless(void)
{
	up();
	lines[0].n_pairs = 0;
}

static void up_line_refused(void)
{
	up();
	view.n_lines = 2;
	lines[1].backoff_until = mono_add_ms(NOW, 8000);
	strcpy(lines[1].backoff_text, "TS_UNACCEPTABLE");
}

static void up_line_asked(void)
{
	up();
	view.n_lines = 2;
	lines[1].in_setup = true;
}

static void up_branch(void)
{
	up();
	alone();
	view.branch_of = 10;
}

static void walk(void)
{
	view.state = ENTRY_WALK;
	view.trying = peers[1].text;
	peers[1].is_trying = true;
	peers[1].walk_at = 0;
	peers[2].walk_at = 1;
	strcpy(view.sentence, "10.0.0.1: no answer in 12.0 s");
}

static void walk_last(void)
{
	walk();
	peers[2].walk_at = -1;
	view.n_held = 1;
}

static void walk_name(void)
{
	walk();
	peers[1].resolving = true;
}

static void backoff(void)
{
	view.state = ENTRY_BACKOFF;
	view.next = NEXT_HOME;
	view.backoff_until = mono_add_ms(NOW, 3500);
	strcpy(view.sentence, "no peer of the list came up");
}

static void backoff_wanted(void)
{
	backoff();
	lines[0].wanted = true;
}

static const struct {
	void (*make)(void);
	enum entry_way way;
	int peer; /* -1: none */
	const char *says[4];
} rows[] = {
	/* DOWN */
	{ as_fresh,
	  WAY_ATTEMPT,
	  0,
	  { "begins an attempt at 10.0.0.1, the default peer", "for at most 12.0 s",
	    "does not answer, 10.0.0.2, then 10.0.0.3." } },
	{ no_default, WAY_ATTEMPT, 0, { "10.0.0.1, the first of the list" } },
	{ alone, WAY_ATTEMPT, 0, { "There is no other peer" } },
	{ on_second,
	  WAY_ATTEMPT,
	  1,
	  { "10.0.0.2, which is still the current peer: what ended last does not lead home",
	    "does not answer, 10.0.0.1, then 10.0.0.3." } },
	{ after_loss,
	  WAY_ATTEMPT,
	  1,
	  { "10.0.0.2, which follows 10.0.0.1", "no default",
	    "does not answer, 10.0.0.3, then 10.0.0.1." } },
	{ home_again,
	  WAY_ATTEMPT,
	  0,
	  { "idle for 120 s", "at 10.0.0.1, the default peer",
	    "for at most 2.0 s because it has just been found dead" } },
	{ not_ready, WAY_WAIT, 0, { "the IKE engine is not ready", "has asked already" } },
	{ drained, WAY_WAIT, 0, { "this gateway is drained", "is dropped" } },
	{ no_address, WAY_WAIT, 0, { "no route to 10.0.0.1 through an interface", "is dropped" } },
	/* what is never called */
	{ incomplete_blocks,
	  WAY_BLOCK,
	  -1,
	  { "dropped", "no transform set", "must not leave in clear" } },
	{ incomplete_inert, WAY_CLEAR, -1, { "protects nothing (no access list)" } },
	{ template, WAY_BLOCK, -1, { "dynamic map", "for one that has not, it is dropped" } },
	/* UP */
	{ up,
	  WAY_TUNNEL,
	  0,
	  { "goes to 10.0.0.1, by SAs that are there: the default peer answered.",
	    "noticed within 22.0 s", "begins at 10.0.0.1, the default peer" } },
	{ up_second,
	  WAY_TUNNEL,
	  1,
	  { "goes to 10.0.0.2", "10.0.0.1: dead: 6 requests unanswered",
	    "begins at 10.0.0.1, the default peer",
	    "After 120 s without traffic (34.0 s now) the tunnel ends, and the next packet goes to 10.0.0.1." } },
	{ up_no_default,
	  WAY_TUNNEL,
	  0,
	  { "begins at 10.0.0.2.", "the next packet goes to 10.0.0.1." } },
	{ up_no_dpd, WAY_TUNNEL, 0, { "only when an exchange fails", "goes again to 10.0.0.1" } },
	{ up_childless, WAY_CHILD, 0, { "once its SAs are negotiated on the IKE SA" } },
	{ up_line_refused,
	  WAY_TUNNEL,
	  0,
	  { "Line 2", "was refused and is asked for again in 8.0 s (TS_UNACCEPTABLE)" } },
	{ up_line_asked, WAY_TUNNEL, 0, { "Line 2", "is being asked for on the same IKE SA" } },
	{ up_branch, WAY_TUNNEL, 0, { "dropped until it calls again" } },
	/* WALK */
	{ walk,
	  WAY_WALK,
	  1,
	  { "10.0.0.1: no answer in 12.0 s", "10.0.0.2 is being tried, for at most 12.0 s",
	    "After it: 10.0.0.3." } },
	{ walk_last, WAY_WALK, 1, { "Nobody is left to ask", "1 that called us" } },
	{ walk_name, WAY_WALK, 1, { "its name is being resolved" } },
	/* BACKOFF */
	{ backoff,
	  WAY_WAIT,
	  0,
	  { "no peer of the list came up", "in 3.5 s, if a packet asks until then",
	    "begins at 10.0.0.1, the default peer" } },
	{ backoff_wanted, WAY_WAIT, 0, { "in 3.5 s, since a packet has asked for it" } },
};

static void every_state(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct entry_explanation e;

		fresh();
		rows[i].make();
		entry_explain(&view, NOW, &e);
		if (e.way != rows[i].way)
			fail_msg("row %zu: way %s: %s", i, entry_way_name(e.way), e.text);
		if (rows[i].peer < 0 ? e.peer != NULL
				     : !e.peer || strcmp(e.peer, peers[rows[i].peer].text))
			fail_msg("row %zu: peer %s: %s", i, e.peer ? e.peer : "none", e.text);
		for (unsigned j = 0; j < 4 && rows[i].says[j]; j++)
			if (!strstr(e.text, rows[i].says[j]))
				fail_msg("row %zu: no \"%s\" in: %s", i, rows[i].says[j], e.text);
		assert_int_equal(e.text[strlen(e.text) - 1], '.');
		assert_null(strchr(e.text, '\n'));
	}
}

/* Every state, and every way, is in the table. */
static void table_is_whole(void **state)
{
	unsigned states = 0, ways = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fresh();
		rows[i].make();
		states |= 1u << view.state;
		ways |= 1u << rows[i].way;
	}
	assert_int_equal(states, 0xf);
	assert_int_equal(ways, (1u << (WAY_CLEAR + 1)) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state),
		cmocka_unit_test(table_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
