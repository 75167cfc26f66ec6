#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name, it takes minutes
#
# Hubs that begin: the default that comes back, a second hub that calls while the
# first works, both at once, again and again, and crossed initiations.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 11

# hub_calls N: the hub initiates; output in $tmp/callN.log. Waits for the end of it.
# charon does not initiate what it has, or believes to have: hub_forgets N.
hub_calls()
{
	swanctl_of "hub$1" --initiate --child branch4-net4 --timeout 30 >"$tmp/call$1.log" 2>&1
}

# auth_of N FROM_NS REQUEST|RESPONSE: time and number of the IKE_AUTH messages: a hub's
# request, or our response to it. "FIRST_NS COUNT"
auth_of()
{
	local resp=0 from to

	from=$(hub_addr "$1") to=$branch_addr
	[ "$3" = REQUEST ] || { resp=1 to=$from from=$branch_addr; }
	wire_log "$2" | awk -v from="$from" -v to="$to" -v resp="resp=$resp" '
		$2 == "ike" && $3 == from && $4 == to && /exch=IKE_AUTH/ && index($0, resp) {
			if (!n++) first = $1 }
		END { printf "%s %d\n", first, n }'
}

moves() { grep -c '"event":"map-peer"' "$tmp/monitor.log"; }
hub_forgets() { swanctl_of "hub$1" --terminate --ike branch4 --force >/dev/null 2>&1; true; }
last_reason() { last_state | jq -r .reason; }
# What is not cut cannot be restored: nft says so, and does not matter.
all_back() { hub_restore 1; hub_restore 2; hub_forgets 1; hub_forgets 2; } 2>/dev/null
hub_has_nothing() { [ -z "$(swanctl_of "hub$1" --list-sas)" ]; }

start()
{
	e2e_up 2 && quiet_listeners && flow_listen flow || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	hub_cut 1
	e2e_agent && flow_start flow 10000 || return
	up_with $h2 40 && hub_restore 1
}

default_is_back()
{
	local first delete

	t=$(now_ns)
	hub_calls 1
	up_with $h1 20 || fail "not on $h1" || return
	expect "current peer" current_peer $h1 && expect "next attempt" next_peer $h1 &&
	expect "reason" last_reason inbound || return
	monitor_has '"event":"map-peer".*"reason":"inbound"' || fail "no change of peer told" || return
	wait_for 15 peer_is_gone $h2 || fail "SAs with $h2 are left" || return
	wait_for 5 hub_has_nothing 2 || fail "$h2 was not told: $(swanctl_of hub2 --list-sas)" || return
	capture_sync
	first=$(wire_first "esp $branch_addr $h1 " "$t") || fail "no ESP to $h1" || return
	delete=$(ike_to $h2 INFORMATIONAL "$first" | tail -n 1 | cut -d ' ' -f 1)
	[ -n "$delete" ] || fail "no DELETE to $h2 after the first ESP to $h1" || return
	within "ms from the first packet on the new pair to the last DELETE of the old" \
		"$(ms_between "$first" "$delete")" 4000 7000
}

# We have the new pair when we answer, the hub when it has read that: what is sent in
# between meets no SA there. The flow is 100 packets/s, charon takes milliseconds.
nearly_nothing_lost()
{
	flow_report flow "$t"
	[ "$lost" -le 3 ] || fail "$lost packets of the branch were lost at the move"
}

second_is_refused()
{
	local before probe request answer n

	before=$(sa_spis "$branch" $branch_addr $h1)
	t=$(now_ns)
	hub_calls 2
	capture_sync
	read -r request n < <(auth_of 2 "$t" REQUEST)
	read -r answer n < <(auth_of 2 "$t" RESPONSE)
	probe=$(ike_to $h1 INFORMATIONAL "$request" | head -n 1 | cut -d ' ' -f 1)
	[ -n "$probe" ] || fail "$h1 was not asked whether it lives" || return
	[ -n "$answer" ] && [ "$answer" -gt "$probe" ] ||
		fail "$h2 was answered before $h1 was asked" || return
	grep -q "received TS_UNACCEPTABLE" "$tmp/hub2.log" || fail "no TS_UNACCEPTABLE at $h2" || return
	wait_for 5 hub_has_nothing 2 || fail "its IKE SA stays: $(swanctl_of hub2 --list-sas)" || return
	expect "current peer" current_peer $h1 &&
	expect "SPIs with $h1" 'sa_spis "$branch" $branch_addr $h1' "$before"
}

# The hub that is current is cut, and the other calls at once: 10 s, whatever it repeats.
hold_is_ten_seconds()
{
	local request answer n

	flow_stop
	hub_cut 1
	t=$(now_ns)
	hub_calls 2
	capture_sync
	read -r request n < <(auth_of 2 "$t" REQUEST)
	within "times that $h2 asked" "$n" 2 4 || return
	read -r answer n < <(auth_of 2 "$t" RESPONSE)
	within "answers to it" "$n" 1 1 || return
	within "ms that it was held" "$(ms_between "$request" "$answer")" 9900 10400 || return
	expect "current peer" current_peer $h1
}

# A DPD budget below 10 s: the death is seen within the hold, and lets the other in.
hold_ends_with_death()
{
	all_back
	e2e_conf "milliseconds 2000 500 periodic" "set peer $h1 default" "set peer $h2"
	e2e_agent || return
	flow_packet
	up_with $h1 20 || fail "not on $h1" || return
	hub_cut 1
	hub_calls 2
	up_with $h2 20 || fail "not on $h2, which called while $h1 was dead" || return
	expect "reason" last_reason inbound || return
	expect "tried to the dead default" "ike_count $h1 IKE_SA_INIT $(state_ns DOWN)" 0 || return
	all_back
}

# No default: an idle peer gives way; within 30 s the way back is closed, idle or not.
guard()
{
	local moved

	all_back
	e2e_conf "10 2 periodic" "set peer $h1" "set peer $h2"
	e2e_agent || return
	flow_packet
	up_with $h1 20 || fail "not on $h1" || return
	sleep 11
	hub_calls 2
	up_with $h2 20 || fail "an idle peer did not give way" || return
	moved=$(last_state | jq -r .stamp)
	sleep 12
	hub_calls 1
	expect "current peer, 12 s after a move" current_peer $h2 || return
	sleep 20
	within "ms since the move" "$(ms_between "$moved" "$(now_ns)")" 30000 60000 || return
	hub_calls 1
	up_with $h1 20 || fail "the way is closed for more than 30 s" || return
}

# restless N…: charon's own ways to come back by itself, all of them.
restless()
{
	local n again="start_action = start
				close_action = start
				dpd_action = restart"

	for n in "$@"; do
		peer_stop "hub$n"
		hub_start "$n" dpd=10s child="$again" || return
	done
}

# both_call SECONDS: each of them, every 5 s, besides what charon does by itself
both_call()
{
	local end=$(($(now_ns) + $1 * 1000000000))

	while [ "$(now_ns)" -lt "$end" ]; do
		hub_calls 1
		hub_calls 2
		sleep 5
	done
}

# most_moves: of any 30 s, the one with the most changes of peer
most_moves()
{
	grep '"event":"map-peer"' "$tmp/monitor.log" | jq -r .stamp | awk '
		{ t[NR] = $1; for (i = NR; i && $1 - t[i] < 30e9; i--); n = NR - i; if (n > most) most = n }
		END { print most + 0 }'
}

restless_hubs_under_traffic()
{
	local was

	all_back
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	e2e_agent && flow_start flow 20000 && up_with $h1 20 || fail "not on $h1" || return
	restless 1 2 || return
	was=$(moves)
	t=$(now_ns)
	both_call 60
	expect "changes of peer with a default" moves "$was" || return
	expect "current peer" current_peer $h1 || return
	e2e_conf "10 2 periodic" "set peer $h1" "set peer $h2"
	e2e_agent && up_with $h1 20 || fail "not on $h1 without a default" || return
	was=$(moves)
	both_call 60
	flow_stop
	expect "changes of peer without a default" moves "$was"
}

restless_hubs_idle()
{
	local was

	flow_stop
	was=$(moves)
	both_call 150
	within "moves of an idle branch in 150 s" $(($(moves) - was)) 2 5 || return
	within "moves of an idle branch in any 30 s" "$(most_moves)" 1 1 || return
	flow_packet
	wait_for 10 test "$(map_state)" = UP || fail "not up with any of them"
}

# Both IKE_SA_INITs are under way at once; several times, since the nonces decide.
crossed()
{
	local i ours theirs call

	all_back
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	peer_stop hub2; peer_stop hub1
	hub_start 1 && hub_delay 1 1000 || return
	for i in 1 2 3 4 5 6; do
		e2e_agent || return
		hub_forgets 1
		t=$(now_ns)
		hub_calls 1 & call=$!
		flow_packet
		up_with $h1 20 || fail "$i: not up" || return
		wait "$call"
		sleep 15
		flow_packet
		capture_sync
		ours=$(wire_first "ike $branch_addr $h1 .*exch=IKE_SA_INIT.* resp=0" "$t") &&
		theirs=$(wire_first "ike $h1 $branch_addr .*exch=IKE_SA_INIT.* resp=0" "$t") ||
			fail "$i: one of them did not initiate" || return
		within "$i: ms between the two IKE_SA_INITs" \
			"$(ms_between "$ours" "$theirs" | tr -d -)" 0 990 || return
		expect "$i: IKE SAs at the branch" "pp -j session show | jq length" 1 &&
		expect "$i: IKE SAs at the hub" "swanctl_of hub1 --list-sas | grep -c ESTABLISHED" 1 &&
		expect "$i: pairs at the hub" "swanctl_of hub1 --list-sas | grep -c INSTALLED" 1 || return
	done
	hub_delay_off 1
}

test_case "on the second hub, the default is back" start || { finish; exit; }
test_case "case 28: the default calls: current peer, old SAs go after the new pair is in" default_is_back
test_case "case 28: the move loses what is under way to the answer, no more" nearly_nothing_lost
test_case "case 34: while the current peer answers, another is refused and its IKE SA deleted" second_is_refused
test_case "a held request waits 10 s, its repeats are dropped" hold_is_ten_seconds
test_case "a held request is accepted when the current peer is dead" hold_ends_with_death
test_case "case 34: one inbound move in 30 s" guard
test_case "case 34: two hubs that initiate by themselves, under traffic: no move" restless_hubs_under_traffic
test_case "case 34: the same, idle and without a default: one move in 30 s at most" restless_hubs_idle
test_case "crossed initiations end with one IKE SA and one pair" crossed
test_case "case 30: nothing in clear in any of it" nothing_in_clear
finish
