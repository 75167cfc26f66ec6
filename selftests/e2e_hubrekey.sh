#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A hub that rekeys at strongSwan's defaults: CHILD_SA hourly, IKE_SA every four
# hours. Our own lifetimes are longer, so that it is the hub that asks.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 4

start()
{
	e2e_up 2 || return
	peer_stop hub1
	hub_start 1 ike_rekey=4h rekey=1h dpd=30s || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 600 default" \
		"set security-association lifetime seconds 86400"
	e2e_agent || return
	flow_listen flow && flow_packet
	up_with $h1 20 || return
	flow_start flow 1000000 0
}

child_rekeys()
{
	local t n

	t=$(now_ns)
	sleep 7800
	flow_report flow "$t"
	capture_sync
	n=$(wire_log "$t" | grep -c " ike $h1 $branch_addr .*exch=CREATE_CHILD_SA.* resp=0 ")
	[ "$n" -ge 2 ] || fail "only $n rekeys asked by the hub" || return
	[ "$lost" -eq 0 ] || fail "$lost packets lost over $n rekeys of the CHILD_SA" || return
	expect "current peer" current_peer $h1
}

ike_rekey()
{
	local t n

	t=$(now_ns)
	sleep 9000
	flow_report flow "$t"
	[ "$lost" -eq 0 ] || fail "$lost packets lost across the hub's IKE_SA rekey time" || return
	capture_sync
	# Of the IKE SA: a CREATE_CHILD_SA, and DELETE of the old one by who asked.
	n=$(wire_log "$t" | grep -c " ike $branch_addr $h1 .*exch=IKE_SA_INIT.* resp=0 ")
	[ "$n" -eq 0 ] || fail "$n IKE SAs were made from scratch" || return
	n=$(grep -c '"event":"map-state".*"to":"DOWN"' "$tmp/monitor.log")
	[ "$n" -eq 0 ] || fail "the tunnel was down in between"
}

test_case "a hub with strongSwan's default rekey times" start || { finish; exit; }
test_case "the hub's CHILD_SA rekeys lose no packet" child_rekeys
test_case "the hub's IKE_SA rekey loses no packet and no tunnel" ike_rekey
test_case "case 30: nothing in clear" nothing_in_clear
finish
