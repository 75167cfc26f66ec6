#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# prefpeer(8) and the agent: what a person and a script see of one tunnel.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 11

# Virtual time runs ahead while a program is paged in; nothing here is about time.
patience=600

# p ARGUMENTS…: the command line, in the branch. Both streams in $tmp/out.log, $tmp/err.log
p()
{
	pp "$@" >"$tmp/out.log" 2>"$tmp/err.log"
}

prints()
{
	grep -qE -- "$1" "$tmp/out.log" || fail "no line is like $1: $(cat "$tmp/out.log" "$tmp/err.log")"
}

# said STATUS TEXT COMMAND…: refuses with that status, and a sentence that has TEXT.
said()
{
	local want=$1 text=$2 status

	shift 2
	"$@"
	status=$?
	[ $status -eq "$want" ] || fail "status $status, not $want: $*: $(cat "$tmp/err.log")" || return
	grep -qF -- "$text" "$tmp/err.log" || fail "$* says: $(cat "$tmp/err.log")"
}

# is PYTHON: an expression over d, the JSON that p printed.
is()
{
	json_is "$1" "$(<"$tmp/out.log")" || fail "not so: $1: $(cat "$tmp/out.log" "$tmp/err.log")"
}

absent_agent_is_said()
{
	e2e_up 1 || return
	said 1 "no agent listens on /run/prefpeer/control" p map show &&
	said 1 "no agent listens on $tmp/other" p -S "$tmp/other" session show
}

down_is_shown()
{
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idletime 86400 default" && e2e_agent || return
	p map show || return
	prints '^tohub 1   DOWN for ' && prints "next attempt $h1, with the next packet\$" &&
	prints "^  peers   10\.1\.1\.1  default .*not tried yet" && prints '^          10\.2\.2\.2 ' &&
	prints '^  idle    86400 s, then home to 10\.1\.1\.1' &&
	prints '^  dpd     10 s, retry 2 s, periodic .*worst failover 24' &&
	prints '^  line 1  permit 192\.168\.1\.0/24 → 192\.168\.2\.0/24   down$'
}

connect_brings_it_up()
{
	p map connect tohub 1 || fail "$(cat "$tmp/err.log")" || return
	wait_for $patience is_up_with $h1 || fail "not up" || return
	p map show tohub 1 || return
	prints "^tohub 1   UP 10\.1\.1\.1 for 00:00:" && prints '10\.1\.1\.1  default current .*heard [0-9.]+ m?s ago' &&
	prints '^  line 1 .* in [0-9a-f]{8}  out [0-9a-f]{8} '
}

json_names_the_same_sas()
{
	local out

	out=$(sa_spis "$branch" "$branch_addr" $h1)
	p -j map show && is "d[0]['lines'][0]['spi_out'] == '0x$out'" &&
	is "d[0]['peer'] == '$h1' and d[0]['state'] == 'UP' and d[0]['seq'] == 1" || return
	p -j sa show dst $h1 && is "[s['spi'] for s in d] == ['0x$out'] and d[0]['meta']['map'] == 'tohub'" &&
	is "d[0]['meta']['index'] == 0 and d[0]['meta']['default'] is True"
}

sessions_are_shown()
{
	p session show && prints "^10\.0\.0\.2 +10\.1\.1\.1 .*established .*initiator" &&
	p -j session show remote $h1 && is "len(d) == 1 and d[0]['children'] == 1" &&
	p -j session show remote $h2 && is "d == []"
}

unknown_entries_are_refused()
{
	said 1 "there is no crypto map entry nowhere" p map show nowhere &&
	said 1 "" p map connect tohub 7 && [ -s "$tmp/err.log" ] &&
	said 2 "name the entry" p map reset tohub &&
	said 2 "is 1..131071, not \"0\"" p map show tohub 0
}

both_sources_in_one_stream()
{
	wait_for $patience monitor_has '"event":"map-state".*"to":"UP"' || fail "$(cat "$tmp/monitor.log")" || return
	monitor_has '"event":"sa-new".*"dst":"10\.1\.1\.1"' || fail "no sa-new" || return
	[ "$(json_log 'all(e.event and e.time for e in l)' "$tmp/monitor.log")" = true ] || fail "not one object with event and time per line"
}

reset_and_clear()
{
	p map reset tohub 1 || fail "$(cat "$tmp/err.log")" || return
	wait_for $patience peer_is_gone $h1 && wait_for $patience is_down || fail "not down after reset" || return
	p map connect tohub 1 && wait_for $patience is_up_with $h1 || fail "not up again" || return
	p session clear remote $h1 || fail "$(cat "$tmp/err.log")" || return
	wait_for $patience is_down || fail "not down after clear"
}

history_tells_afterwards()
{
	local past

	p map history tohub 1 || return
	prints 'map   tohub 1 +DOWN → WALK 10\.1\.1\.1' && prints 'WALK → UP 10\.1\.1\.1' &&
	prints 'UP 10\.1\.1\.1 → DOWN' || return
	p -j map history tohub last 2 && is "len(d) == 2 and all(e['map'] == 'tohub' for e in d)" || return
	bg "$tmp/past.log" ip netns exec "$branch" "$prefpeer" -j monitor map history
	wait_for $patience grep -q '"to":"UP"' "$tmp/past.log" || fail "monitor history: $(cat "$tmp/past.log")" || return
	past=$(pp -j map history) || return
	expect "what monitor history begins with" \
		"json_log '[(e.stamp, e.event) for e in l if not e.source][:$(json_value 'len(d)' "$past")]' $tmp/past.log" \
		"$(json_value '[(e.stamp, e.event) for e in d]' "$past")"
}

reload_tells_the_errors()
{
	cp "$tmp/prefpeer.conf" "$tmp/good.conf"
	echo "crypto ipsec security-association idle-time 59" >>"$tmp/prefpeer.conf"
	said 1 "59" p reload && grep -qE 'prefpeer\.conf:[0-9]+:[0-9]+' "$tmp/err.log" ||
		fail "$(cat "$tmp/err.log")" || return
	p map show tohub 1 || fail "the running configuration is gone" || return
	cat "$tmp/good.conf" >"$tmp/prefpeer.conf"
	p reload || fail "$(cat "$tmp/err.log")"
}

# Its crash costs nothing of it: what it told is on disk.
history_outlives_the_agent()
{
	local before after agent_remembers=yes

	before=$(pp -j map history tohub 1) || return
	agent_kill && e2e_agent || return
	after=$(pp -j map history tohub 1) || return
	expect "what was told before" \
		"json_value '[(e.stamp, e.event) for e in d if e.earlier_run]' '$after'" \
		"$(json_value '[(e.stamp, e.event) for e in d]' "$before")" &&
	json_is "all(e.earlier_run for e in d)" "$after" || fail "not all of an earlier run: $after"
}

test_case "without the agent a sentence says so" absent_agent_is_said
test_case "an entry that is down is shown, with its timers" down_is_shown
test_case "map connect brings it up, and it is shown" connect_brings_it_up
test_case "map and sa name the same SAs, as JSON" json_names_the_same_sas
test_case "sessions are shown and filtered" sessions_are_shown
test_case "what does not exist is refused" unknown_entries_are_refused
test_case "monitor has module and agent in one stream" both_sources_in_one_stream
test_case "map reset and session clear take it down" reset_and_clear
test_case "history tells it afterwards" history_tells_afterwards
test_case "history outlives the agent" history_outlives_the_agent
test_case "reload tells a file's errors, and keeps what runs" reload_tells_the_errors
finish
