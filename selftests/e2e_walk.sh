#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Three hubs: in which order peers are tried, and what the list remembers.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 9

three="set peer $h1 default
set peer $h2
set peer $h3"
three_plain="set peer $h1
set peer $h2
set peer $h3"

# with LIST [LINE…]: agent afresh with that list of peers
with()
{
	local peers

	mapfile -t peers <<<"$1"
	shift
	e2e_conf "10 2 periodic" "${peers[@]}" "$@"
	e2e_agent
}

start()
{
	e2e_up 3 && hub_cut 1 && with "$three" || return
	flow_listen flow && flow_start flow 20000
	up_with $h2 40
}

two_dead()
{
	local t

	t=$(now_ns)
	hub_cut 2
	up_with $h3 120 || fail "not on $h3" || return
	capture_sync
	expect "tried" "init_order $t" "$h1 $h2 $h3" || return
	hub_restore 1; hub_restore 2
}

no_default_goes_on()
{
	local t

	with "$three_plain" || return
	up_with $h1 20 || fail "not on $h1" || return
	flow_stop
	t=$(now_ns)
	hub_cut 1
	state_await 40 DOWN || fail "the death was not noticed" || return
	expect "current peer" current_peer $h1 && expect "next attempt" next_peer $h2 || return
	flow_packet
	up_with $h2 20 || fail "not on $h2" || return
	capture_sync
	expect "tried" "init_order $t" "$h2" || return
	hub_restore 1
}

inbound_return_is_remembered()
{
	local t

	with "$three_plain" "set security-association idle-time 60" || return
	flow_packet
	up_with $h1 20 || fail "not on $h1" || return
	hub_cut 1
	state_await 40 DOWN || fail "the death was not noticed" || return
	expect "next attempt" next_peer $h2 || return
	hub_restore 1
	swanctl_of hub1 --terminate --ike branch4 --force >/dev/null 2>&1
	swanctl_of hub1 --initiate --child branch4-net4 >/dev/null 2>&1
	up_with $h1 20 || fail "the inbound negotiation was not accepted" || return
	state_await 100 DOWN || fail "not idle" || return
	expect "current peer" current_peer $h1 && expect "next attempt" next_peer $h1 || return
	t=$(now_ns)
	flow_packet
	up_with $h1 20 || fail "not on $h1" || return
	capture_sync
	expect "tried" "init_order $t" $h1
}

default_before_third()
{
	local t

	hub_cut 1
	with "$three" "set security-association idle-time 60" || return
	flow_packet
	up_with $h2 40 || fail "not on $h2" || return
	state_await 100 DOWN || fail "not idle" || return
	expect "next attempt" next_peer $h2 || return
	hub_cut 2
	hub_restore 1
	t=$(now_ns)
	flow_packet
	up_with $h1 40 || fail "not on $h1" || return
	capture_sync
	expect "tried" "init_order $t" "$h2 $h1" || return
	hub_restore 2
}

walk_without_answer()
{
	local t

	flow_packet
	up_with $h1 20 || return
	t=$(now_ns)
	cut_address $h1 $h2 $h3
	flow_start probe 500000
	state_await 90 BACKOFF || fail "no BACKOFF" || return
	expect "current peer" current_peer $h1 && expect "next attempt" next_peer $h1 || return
	capture_sync
	expect "tried" "init_order $t" "$h1 $h2 $h3" || return
	restore_address $h1 $h2 $h3
	up_with $h1 60 || fail "not up again" || return
	flow_stop
}

second_line_is_not_forgotten()
{
	e2e_acl="access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255
access-list 101 permit ip host 172.16.1.1 192.168.2.0 0.0.0.255"
	ip -n "$lan" addr add 172.16.1.1/32 dev lo
	ip -n "$branch" route add 172.16.1.1/32 via 192.168.1.10
	peer_stop hub1
	hub_start 1 remote_ts="$lan_net,172.16.1.1/32" || return
	hub_delay 1 400
	with "$three" || return
	flow_packet
	in_ns "$lan" ping -c 1 -W 1 -I 172.16.1.1 $site_host >/dev/null
	wait_for 30 lines_are_up 2 || fail "the second line did not come up" || return
	capture_sync
	expect "IKE SAs" "swanctl_of hub1 --list-sas | grep -c ESTABLISHED" 1 || return
	hub_delay_off 1
	e2e_acl=
	peer_stop hub1; hub_start 1
}


# The default comes back by itself while the second works: what the second has
# under way arrives still.
old_packets_arrive()
{
	local t

	hub_cut 1
	with "$three" || return
	flow_listen_lan down && flow_packet
	up_with $h2 40 || fail "not on $h2" || return
	hub_delay 2 1000
	flow_start_site down 10000
	wait_for 10 flow_more down 200 || fail "no traffic from the site" || return
	hub_restore 1
	t=$(now_ns)
	swanctl_of hub1 --initiate --child branch4-net4 >/dev/null 2>&1
	up_with $h1 20 || fail "the default was not accepted" || return
	sleep 3
	flow_stop
	sleep 2
	flow_report down "$t"
	[ "$lost" -eq 0 ] || fail "$lost packets under way at the switch were lost" || return
	hub_delay_off 2
}

test_case "on the second of three hubs" start || { finish; exit; }
test_case "case 8: second and default dead: default, second, third are tried" two_dead
test_case "case 9: no default: shown peer stays, next attempt is the next peer" no_default_goes_on
test_case "case 46: a peer that comes back inbound is where the next attempt goes" inbound_return_is_remembered
test_case "case 47: idle end on the second, second silent: default before third" default_before_third
test_case "case 48: a walk without answer leaves the current peer" walk_without_answer
test_case "case 45: a packet for the second line during set-up is not forgotten" second_line_is_not_forgotten
test_case "case 37: packets of the old peer in flight at a switch are delivered" old_packets_arrive
test_case "case 30: nothing in clear in any of it" nothing_in_clear
finish
