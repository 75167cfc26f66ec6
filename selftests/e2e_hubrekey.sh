#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A hub that rekeys at strongSwan's defaults: CHILD_SA hourly, IKE_SA every four
# hours. The first is answered; the second is refused until rekeying is built,
# so this records what happens then.

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
		"set security-association idle-time 600 default"
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
	local t

	t=$(now_ns)
	sleep 9000
	flow_report flow "$t"
	diag "across the hub's IKE_SA rekey time: $lost packets lost, longest gap $(seconds_ns "$gap_ns") s, reason of the last end: $(state_event DOWN reason)"
	up_with $h1 60 || fail "not up after the hub's IKE_SA rekey time" || return
	[ "$gap_ns" -le 40000000000 ] || fail "gap $(seconds_ns "$gap_ns") s"
}

test_case "a hub with strongSwan's default rekey times" start || { finish; exit; }
test_case "the hub's CHILD_SA rekeys lose no packet" child_rekeys
test_case "the hub's IKE_SA rekey: refused, the tunnel is made anew" ike_rekey
test_case "case 30: nothing in clear" nothing_in_clear
finish
