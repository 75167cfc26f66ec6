#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The idle timer and the way home, with Cisco's values. Traffic is the test's
# own UDP only, so that the largest gap in it is known.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 17

# Lateness: 6.12 keeps `lastused` (1.25 s + 2 ticks, and our own), 6.1 samples every T/8 (kernel.md 3.1).
late_ms()
{
	if [ "$(uname -r | cut -d . -f 2)" -gt 1 ]; then
		echo 2000
	else
		echo $(($1 * 1000 / 8 + 700))
	fi
}

up_on_second()
{
	hub_cut 1 && e2e_agent || return
	flow_packet
	up_with $h2 40 || fail "not on $h2" || return
	hub_restore 1
}

start()
{
	e2e_up 2 && quiet_listeners || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default"
	up_on_second
}

# idle_end PEER SECONDS: one packet, then silence: gone after T, never before.
idle_end()
{
	local last end

	flow_packet
	last=$(last_esp_ns)
	state_await $(($2 + 30)) DOWN || fail "still up $(($2 + 30)) s after the last packet" || return
	end=$(state_ns DOWN)
	within "ms from the last packet to the verdict" "$(ms_between "$last" "$end")" \
		$(($2 * 1000)) $(($2 * 1000 + $(late_ms "$2")))
}

# requests_since_down PEER COUNT
requests_since_down()
{
	capture_sync
	[ "$(ike_count "$1" INFORMATIONAL "$(state_ns DOWN)")" -ge "$2" ]
}

idles_out_home()
{
	t=$(now_ns)
	idle_end $h2 60 || return
	capture_sync
	# DELETE for the child, and once that is answered for the IKE SA.
	wait_for 5 requests_since_down $h2 2 || fail "not two DELETEs on the wire" || return
	expect "current peer" current_peer $h2 &&
	expect "next attempt" next_peer $h1 &&
	expect "reason" "state_event DOWN reason" idle-default || return
	wait_for 5 peer_is_gone $h2 || fail "SAs with $h2 are left"
}

silent_until_a_packet()
{
	t=$(now_ns)
	sleep 120
	capture_sync
	[ "$(wire_count ' ike ' "$t")" -eq 0 ] || fail "IKE messages while nothing is needed" || return
	expect "state" map_state DOWN || return
	flow_packet
	up_with $h1 20 || fail "not home" || return
	capture_sync
	expect "tried" "init_order $t" $h1
}

stays_with_plain_timer()
{
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60"
	up_on_second && idle_end $h2 60 || return
	expect "next attempt" next_peer $h2 || return
	t=$(now_ns)
	flow_packet
	up_with $h2 20 || fail "not on $h2 again" || return
	capture_sync
	expect "tried" "init_order $t" $h2
}

stays_without_default_peer()
{
	e2e_conf "10 2 periodic" "set peer $h1" "set peer $h2" \
		"set security-association idle-time 60 default"
	up_on_second && idle_end $h2 60 || return
	expect "next attempt" next_peer $h2
}

map_longer_than_global()
{
	e2e_globals="crypto ipsec security-association idle-time 60"
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 120 default"
	up_on_second && idle_end $h2 120 && expect "next attempt" next_peer $h1
}

map_shorter_than_global()
{
	e2e_globals="crypto ipsec security-association idle-time 120"
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default"
	up_on_second && idle_end $h2 60 && expect "next attempt" next_peer $h1
}

map_equal_to_global()
{
	e2e_globals="crypto ipsec security-association idle-time 60"
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default"
	up_on_second || return
	grep -q "equals the global value" "$tmp/agent.log" || fail "no warning" || return
	idle_end $h2 60 && expect "next attempt" next_peer $h2 || return
	e2e_globals=
}

default_on_first()
{
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default"
	e2e_agent || return
	flow_packet
	up_with $h1 20
}

# kept_by COMMAND: SECONDS seconds with a packet every 45 s; the same SPIs all along.
kept_by()
{
	local i before

	before=$(sa_spis "$branch" $branch_addr $h1)
	for ((i = 0; i < 8; i++)); do
		"$@" || return
		sleep 45
	done
	[ -n "$before" ] && [ "$(sa_spis "$branch" $branch_addr $h1)" = "$before" ] ||
		fail "the pair went in spite of $*"
}

packet_in() { in_ns "$site" "$udpflow" send $lan_host 6000 1000 1 >/dev/null; }

alternate()
{
	alternate_n=$((${alternate_n:-0} + 1))
	if [ $((alternate_n % 2)) -eq 0 ]; then packet_in; else flow_packet; fi
}

keepalives_do_not_count()
{
	local t

	t=$(now_ns)
	# DPD has been probing all the time; a positive control for the cases above, too.
	idle_end $h1 60 || return
	capture_sync
	[ "$(ike_count $h1 INFORMATIONAL "$t")" -ge 4 ] || fail "no liveness checks meanwhile"
}

two_lines()
{
	e2e_acl="access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255
access-list 101 permit ip host 172.16.1.1 192.168.2.0 0.0.0.255"
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default"
	ip -n "$lan" addr add 172.16.1.1/32 dev lo
	ip -n "$branch" route add 172.16.1.1/32 via 192.168.1.10
	hub_start_two_lines 1 || return
	e2e_agent || return
	flow_packet
	in_ns "$lan" ping -c 1 -W 1 -I 172.16.1.1 $site_host >/dev/null
	wait_for 20 lines_are_up 2 || fail "two lines are not up" || return
	# Line 1 goes on, line 2 falls silent.
	for i in 1 2 3 4; do
		flow_packet
		sleep 30
	done
	expect "lines up" lines_up 1 &&
	expect "state" map_state UP
}


hub_start_two_lines()
{
	peer_stop "hub$1"
	hub_start "$1" remote_ts="$lan_net,172.16.1.1/32"
}

last_pair_closes_ike()
{
	idle_end $h1 60 || return
	wait_for 5 no_session || fail "the IKE SA is still there: $(pp session show)"
}

no_session() { [ -z "$(swanctl_of hub1 --list-sas)" ]; }

both_ends_idle_out()
{
	e2e_acl=
	peer_stop hub1
	hub_start 1 child="inactivity = 60s" charon="inactivity_close_ike = yes" || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default"
	e2e_agent || return
	flow_packet
	up_with $h1 20 || fail "not up" || return
	state_await 90 DOWN || fail "not down" || return
	expect "next attempt" next_peer $h1 || return
	wait_for 10 peer_is_gone $h1 || fail "SAs are left" || return
	flow_packet
	up_with $h1 20 || fail "not up again"
}

test_case "branch on its second peer, the default is back" start || { finish; exit; }
test_case "case 10: idle 60 s with default: SAs go, current peer stays, next attempt goes home" idles_out_home
test_case "case 10: nothing is sent until a packet, then the default peer" silent_until_a_packet
test_case "case 11: plain timer: the next attempt stays with the peer" stays_with_plain_timer
test_case "case 12: default timer without a default peer: the peer stays" stays_without_default_peer
test_case "case 14: map's 120 s over the global 60 s" map_longer_than_global
test_case "case 14: map's 60 s under the global 120 s" map_shorter_than_global
test_case "case 13: equal to the global value: not added, no way home" map_equal_to_global
test_case "default peer up" default_on_first
test_case "case 17: outbound packets alone keep the pair" kept_by flow_packet
test_case "case 16: inbound packets alone keep the pair" kept_by packet_in
test_case "case 41: alternating directions, each SA quiet for T, keep the pair" kept_by alternate
test_case "case 18: liveness checks do not keep the pair" keepalives_do_not_count
test_case "case 20: two lines, one idle: only that pair goes" two_lines
test_case "case 21: the last pair takes the IKE SA with it" last_pair_closes_ike
test_case "case 44: both ends idle out together" both_ends_idle_out
test_case "case 30: nothing in clear in any of it" nothing_in_clear
finish
