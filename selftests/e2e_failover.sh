#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The main job under traffic, with Cisco's timers: the default peer, its death,
# the second, its death, the way home.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 11

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

# When the last packet of the pair came in, before a boottime.
last_esp_in_ns()
{
	wire_log 0 "$2" | awk -v src="$1" '$2 == "esp" && $3 == src { t = $1 } END { print t }'
}

# What the module's reading of a packet is late by: lastused is whole seconds, and
# counters are read every INTERVAL/8 (10 s).
resolution_ms()
{
	if [ "$(uname -r | cut -d . -f 2)" -gt 1 ]; then echo 1250; else echo 1500; fi
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
	within "silent ms the agent says" "$(state_event DOWN detail.silent_ms)" 12000 12300
}

second_after_dead_default()
{
	local tried

	tried=$(init_order "$cut_ns" "$up_ns")
	[ "$tried" = "$h1 $h2" ] || fail "after the death were tried: $tried" || return
	expect "reason" "state_event DOWN reason" dpd-timeout || return
	# One-way traffic: the last contact is an answered probe, up to INTERVAL before the cut. So
	# 6R at least, INTERVAL + 6R at most; then 2 s for the dead default, and the set-up.
	within "ms from cut to the verdict" "$(ms_between "$cut_ns" "$(state_ns DOWN)")" 11900 22500 &&
	within "ms from the verdict to the second peer" \
		"$(ms_between "$(state_ns DOWN)" "$(state_ns UP $h2)")" 1900 3500
}

gap_is_bounded()
{
	wait_for 10 flow_passes || fail "nothing passes through $h2" || return
	flow_report flow "$cut_ns"
	within "gap in ms" $((gap_ns / 1000000)) 13900 26500
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
	within "ms from cut to the verdict" "$(ms_between "$cut2_ns" "$(state_ns DOWN)")" 11900 22500 &&
	within "ms from the verdict to home" "$(ms_between "$(state_ns DOWN)" "$(state_ns UP $h1)")" 0 1500
}

acquires_each_time()
{
	# The way to the second and the way home both within 30 s of the attempt before.
	within "ms between the two deaths" "$(ms_between "$cut_ns" "$cut2_ns")" 1 30000 || return
	[ "$(ip -n "$branch" xfrm state | grep -c 'spi 0x00000000')" -eq 0 ] ||
		fail "larval SAs are left" || return
	wait_for 10 flow_passes || fail "nothing passes through $h1"
}


# The flow is answered, so that inbound traffic is there until the cut: INTERVAL
# and 6R from the last packet in, and what the reading of it is late by. The
# death is noticed as late at whatever point of an INTERVAL it comes.
answered_flow()
{
	flow_stop
	hub_restore 2
	e2e_agent || return
	flow_listen answered "$site_host" 5004 echo && flow_start answered 20000 0 "$site_host" 5004
	up_with $h1 20 || fail "not up with $h1" || return
	wait_for 10 flow_more answered 100 || fail "no traffic"
}

# dies_after SECONDS: of traffic; sets cut, last (packet in) and down
dies_after()
{
	sleep "$1"
	cut=$(now_ns)
	hub_cut 1
	up_with $h2 40 || fail "not on $h2" || return
	down=$(state_ns DOWN)
	capture_sync
	last=$(last_esp_in_ns $h1 "$down")
}

home_again()
{
	hub_restore 1
	pp session clear && up_with $h1 20 || fail "not home"
}

answered_death()
{
	local cut last down pause

	answered_flow || return
	for pause in 3 9; do
		dies_after $pause || return
		within "ms from the cut back to the last packet in" "$(ms_between "$last" "$cut")" -200 200 &&
		within "ms from the last packet in to the verdict, cut after $pause s" \
			"$(ms_between "$last" "$down")" 22000 $((22300 + $(resolution_ms))) || return
		home_again || return
	done
}

# The same in fine: INTERVAL/8 is then the resolution of every kernel.
answered_death_sub_second()
{
	local cut last down pause

	flow_stop
	e2e_conf "milliseconds 800 100 periodic" "set peer $h1 default" "set peer $h2"
	answered_flow || return
	for pause in 1.1 2.7; do
		dies_after $pause || return
		within "ms from the last packet in to the verdict" "$(ms_between "$last" "$down")" 1400 1650 || return
		home_again || return
	done
	flow_stop
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
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
test_case "case 24: an answered flow: noticed INTERVAL + 6R after its last packet" answered_death
test_case "the same with milliseconds, on any kernel" answered_death_sub_second
test_case "case 6: default silent at the first packet: next peer, later packets stay there" silent_at_first
test_case "case 30: nothing in clear in any transition" nothing_in_clear
finish
