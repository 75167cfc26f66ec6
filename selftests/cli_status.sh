#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# prefpeer status, explain and map switch beside a tunnel that is idle, at home, on
# the backup by the operator's will, and wanted while nobody answers.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 8

patience=600

# status_is STATUS REGEX…: of the command, and what its lines are like
status_is()
{
	local want=$1 got re

	shift
	pp status >"$tmp/status.log" 2>&1
	got=$?
	[ $got -eq "$want" ] || fail "status $got, not $want: $(<"$tmp/status.log")" || return
	for re in "$@"; do
		grep -qE -- "$re" "$tmp/status.log" || fail "no line is like $re: $(<"$tmp/status.log")" || return
	done
}

# explains TEXT: the paragraph has it, wherever its lines break
explains()
{
	pp explain tohub 1 >"$tmp/explain.log" 2>&1 || fail "$(<"$tmp/explain.log")" || return
	tr '\n' ' ' <"$tmp/explain.log" | grep -qF -- "$1" || fail "no \"$1\" in: $(<"$tmp/explain.log")"
}

no_agent_is_unknown()
{
	e2e_up 2 || return
	status_is 3 '^PREFPEER UNKNOWN - prefpeerd gives no answer$'
}

idle_is_well()
{
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" && e2e_agent || return
	status_is 0 '^PREFPEER OK - 0 home, 0 on a backup, 1 idle, 0 down' '\| home=0 backup=0 idle=1 down=0' &&
	explains "The next packet begins an attempt at $h1, the default peer" &&
	explains "If it does not answer, $h2."
}

home_is_well()
{
	pp map connect tohub 1 && up_with $h1 20 || fail "not up" || return
	status_is 0 '^PREFPEER OK - 1 home' &&
	explains "The packet goes to $h1, by SAs that are there: the default peer answered."
}

switch_goes_to_the_second()
{
	local start_ns

	start_ns=$(now_ns)
	pp map switch tohub 1 $h2 || fail "refused" || return
	up_with $h2 20 || fail "not on $h2" || return
	wait_for $patience peer_is_gone $h1 || fail "SAs with $h1 stay" || return
	capture_sync
	expect "whom it called" "init_order $start_ns" $h2 &&
	expect "current peer" current_peer $h2 &&
	expect "why the peer changed" \
		"json_log \"last(e for e in l if e.event == 'map-peer').reason\" $tmp/monitor.log" operator
}

backup_is_a_warning()
{
	status_is 1 '^PREFPEER WARNING - 0 home, 1 on a backup' "^tohub 1 WARNING: on the backup $h2; $h1: operator: switch$" &&
	explains "The packet goes to $h2" &&
	explains "the attempt after that begins at $h1, the default peer" || return
	pp -j status >"$tmp/status.log"
	json_is "d.code == 1 and [p.problem for p in d.problems] == ['on-backup']" "$(<"$tmp/status.log")" ||
		fail "as JSON: $(<"$tmp/status.log")"
}

switch_is_refused()
{
	pp map switch tohub 1 10.9.9.9 2>"$tmp/err.log" && fail "not refused" && return 1
	grep -qF "10.9.9.9 is no peer of tohub 1, which has: $h1 $h2" "$tmp/err.log" || fail "$(<"$tmp/err.log")" || return
	pp map switch tohub 1 2>"$tmp/err.log"
	[ $? -eq 2 ] || fail "a missing peer: $(<"$tmp/err.log")" || return
	expect "current peer" current_peer $h2
}

nobody_is_critical()
{
	hub_cut 1
	hub_cut 2
	flow_listen flow && flow_start flow 2000 || return
	state_await 60 WALK || fail "no walk" || return
	status_is 2 '^PREFPEER CRITICAL - 0 home, 0 on a backup, 0 idle, 1 down' '^tohub 1 CRITICAL: WALK' &&
	explains "The packet waits for the attempt that is under way"
}

back_again()
{
	hub_restore 1
	up_with $h1 150 || fail "not home" || return
	status_is 0 '^PREFPEER OK - 1 home'
}

test_case "without the agent the status is unknown" no_agent_is_unknown
test_case "an idle entry is well, and explained" idle_is_well
test_case "up with the default peer is well" home_is_well
test_case "map switch goes to the second, as the operator's doing" switch_goes_to_the_second
test_case "on the backup is a warning" backup_is_a_warning
test_case "map switch to a stranger is refused" switch_is_refused
test_case "wanted, and nobody answers: critical" nobody_is_critical
test_case "home again is well again" back_again
finish
