#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The main job under traffic, with Cisco's timers: the default peer, its death,
# the second, its death, the way home.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 9

start()
{
	e2e_up 2 || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	e2e_agent
}

default_first()
{
	start_ns=$(now_ns)
	flow_listen flow && flow_start flow 10000 || return
	up_with $h1 20 || fail "no SAs with $h1" || return
	wait_for 10 flow_more flow 100 || fail "no traffic through $h1" || return
	capture_sync
	expect "first IKE_SA_INIT" "init_order $start_ns" $h1 &&
	expect "current peer" current_peer $h1 && expect "next attempt" next_peer $h1
}

death_is_six_requests()
{
	local count span lo hi

	cut_ns=$(now_ns)
	hub_cut 1
	up_with $h2 40 || fail "not on $h2 in time" || return
	up_ns=$(now_ns)
	capture_sync
	read -r count span lo hi < <(curve $h1 "$cut_ns")
	within "number of requests" "$count" 6 6 &&
	# Six waits of ratio 1.5 that sum to 6R; the last is after the sixth request.
	within "ms from the first request to the sixth" "$span" 7400 7900 &&
	within "smallest ratio of gaps, percent" "$lo" 120 180 &&
	within "largest ratio of gaps, percent" "$hi" 120 180 &&
	within "requests the agent says" "$(state_event DOWN detail.unanswered)" 6 6 &&
	within "silent ms the agent says" "$(state_event DOWN detail.silent_ms)" 10000 13000
}

second_after_dead_default()
{
	local tried

	tried=$(init_order "$cut_ns" "$up_ns")
	[ "$tried" = "$h1 $h2" ] || fail "after the death were tried: $tried" || return
	expect "reason" "state_event DOWN reason" dpd-timeout || return
	# 22 s to notice (+ INTERVAL/8 where only counters exist), 2 s for the dead default, set-up.
	within "ms from cut to the second peer" "$(ms_between "$cut_ns" "$up_ns")" 10000 27500
}

gap_is_bounded()
{
	wait_for 10 test "$(flow_received flow)" -gt 0
	wait_for 10 flow_passes || fail "nothing passes through $h2" || return
	flow_report flow "$cut_ns"
	within "gap in ms" $((gap_ns / 1000000)) 10000 27500
}

flow_passes()
{
	local n

	n=$(flow_received flow)
	sleep 1
	[ "$(flow_received flow)" -gt $((n + 50)) ]
}

home_when_second_dies()
{
	hub_restore 1
	cut2_ns=$(now_ns)
	hub_cut 2
	up_with $h1 40 || fail "not back on $h1" || return
	capture_sync
	expect "tried after the death of the second" "init_order $cut2_ns" $h1 || return
	within "ms from cut to home" "$(ms_between "$cut2_ns" "$(now_ns)")" 10000 26000
}

acquires_each_time()
{
	# The way to the second and the way home both within 30 s of the attempt before.
	within "ms between the two deaths" "$(ms_between "$cut_ns" "$cut2_ns")" 1 30000 || return
	[ "$(ip -n "$branch" xfrm state | grep -c 'spi 0x00000000')" -eq 0 ] ||
		fail "larval SAs are left" || return
	wait_for 10 flow_passes || fail "nothing passes through $h1"
}


silent_at_first()
{
	local t

	flow_stop
	hub_restore 2
	agent_stop && hub_cut 1 && t=$(now_ns) && e2e_agent || return
	flow_listen second "$site_host" 5002 && flow_start second 20000 0 "$site_host" 5002
	up_with $h2 30 || fail "not on $h2" || return
	capture_sync
	expect "tried" "init_order $t" "$h1 $h2" || return
	hub_restore 1
	t=$(now_ns)
	sleep 60
	capture_sync
	expect "current peer" current_peer $h2 &&
	expect "IKE_SA_INITs to the default" "ike_count $h1 IKE_SA_INIT $t" 0
}

test_case "branch, two hubs, module and agent come up" start || { finish; exit; }
test_case "case 5: the default peer is dialled first and is current" default_first
test_case "case 24: six requests of one message ID, gaps x 1.5, then dead" death_is_six_requests
test_case "case 7: after a death the default is tried first, then the next" second_after_dead_default
test_case "the gap under traffic is what the timers say" gap_is_bounded
test_case "case 7: the second dies: straight home to the default" home_when_second_dies
test_case "case 35: every attempt within 30 s raises its acquire" acquires_each_time
test_case "case 6: default silent at the first packet: next peer, later packets stay there" silent_at_first
test_case "case 30: nothing in clear in any transition" nothing_in_clear
finish
