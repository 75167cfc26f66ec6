#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The idle timer in milliseconds, and the time that an entry gives its peers to
# answer. A verdict is never early, and late by what the module allows itself.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 9

start()
{
	e2e_up 2 && quiet_listeners
}

# A period of max(T/5, 10 ms), at most 200 ms, two slots of 10 ms (kernel.md 3.1), and ours.
late_ms()
{
	local p=$(($1 / 5))

	[ $p -le 200 ] || p=200
	[ $p -ge 10 ] || p=10
	echo $((p + 20 + 40))
}

# idles T: on the second; a flow keeps the pair, then it ends after T, to the default.
idles()
{
	local last down t

	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time milliseconds $1 default"
	hub_cut 1 && e2e_agent || return
	flow_start keep 10000
	up_with $h2 40 || fail "not on $h2" || return
	hub_restore 1
	sleep 3
	state_is UP $h2 || fail "a packet every 10 ms does not keep it: $(last_state)" || return
	flow_stop
	last=$(last_esp_ns)
	state_await 10 DOWN || fail "not idle" || return
	down=$(state_ns DOWN)
	within "ms from the last packet to the verdict, T = $1 ms" "$(ms_between "$last" "$down")" \
		"$1" $(($1 + $(late_ms "$1"))) &&
	expect "reason" "state_event DOWN reason" idle-default &&
	expect "current peer" current_peer $h2 && expect "next attempt" next_peer $h1 || return
	wait_for 5 peer_is_gone $h2 || fail "SAs with $h2 are left" || return
	capture_sync
	[ "$(ike_count $h2 INFORMATIONAL "$down")" -ge 1 ] || fail "no DELETE on the wire" || return
	t=$(now_ns)
	flow_packet
	state_await 20 UP $h1 || fail "not home" || return
	capture_sync
	expect "tried" "init_order $t" $h1
}

# A packet at 80 % of T, again and again: never down.
slow_packets_keep()
{
	local t

	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time milliseconds 500 default"
	e2e_agent || return
	flow_start slow 400000
	up_with $h1 20 || fail "not up" || return
	t=$(now_ns)
	sleep 60
	flow_stop
	[ "$(state_ns UP $h1)" -lt "$t" ] || fail "it was down in between: $(last_state)" || return
	[ "$(wire_count " esp $branch_addr $h1 " "$t")" -ge 140 ] || fail "hardly a packet, so that proves nothing"
}

init_ns() { wire_first " ike $branch_addr $1 .*exch=IKE_SA_INIT " "$2"; }

# answer_time MS [LINE]: from the first message to a silent default to that to the
# next. The time counts from the step's beginning, before the Diffie-Hellman.
answer_time()
{
	local ms=$1 t

	shift
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" "$@"
	hub_cut 1 && t=$(now_ns) && e2e_agent || return
	flow_packet
	up_with $h2 60 || fail "not on $h2" || return
	hub_restore 1
	capture_sync
	within "ms from the first IKE_SA_INIT to $h1 to that to $h2" \
		"$(ms_between "$(init_ns $h1 "$t")" "$(init_ns $h2 "$t")")" $((ms - 20)) $((ms + 60))
}

test_case "branch and two hubs" start || { finish; exit; }
test_case "case 10: in milliseconds: 100 ms, the least" idles 100
test_case "case 10: in milliseconds: 500 ms" idles 500
test_case "case 10: in milliseconds: 999 ms" idles 999
test_case "case 17: in milliseconds: a packet every 400 ms keeps 500 ms" slow_packets_keep
test_case "a silent peer has 6R to answer" answer_time 12000
test_case "case 6: connect-timeout 3" answer_time 3000 "set ikev2 connect-timeout 3"
test_case "case 6: connect-timeout milliseconds 1500" answer_time 1500 "set ikev2 connect-timeout milliseconds 1500"
test_case "case 30: nothing in clear in any of it" nothing_in_clear
finish
