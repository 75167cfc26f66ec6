#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module alone, with SAs that two strongSwans made: no agent anywhere.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need

plan 5

machine_up()
{
	topology 2 && capture_start && hub_start 1 && branch_charon_start 1 &&
	module_load && quiet_listeners && flow_listen echo "$site_host" 5001 echo || return
	pp rule add remote 10.0.0.0/8 idle-time 60 one-way 10 >/dev/null || return
	bg "$tmp/monitor.log" ip netns exec "$branch" "$prefpeer" -j monitor sa pair peer
	wait_for 60 grep -q source-up "$tmp/monitor.log"
}

seen() { grep -q "\"event\":\"$1\"" "$tmp/monitor.log"; }

event_member()
{
	grep "\"event\":\"$1\"" "$tmp/monitor.log" | tail -n 1 | jq -r ".$2 // empty"
}

sas_are_tracked()
{
	flow_packet
	wait_for 60 sa_up "$branch" "$branch_addr" $h1 || fail "no SAs" || return
	wait_for 10 seen sa-new || fail "no sa-new" || return
	expect "SAs" "pp -j sa show | jq length" 2 &&
	expect "idle time of the pair" "pp -j pair show | jq '.[0].meta.idle_time_ms'" 60000
}

pair_falls_idle()
{
	local last verdict

	flow_start echo 100000 20 "$site_host" 5001 && wait "$flow_pid"
	last=$(last_esp_ns)
	"$udpflow" await "$tmp/monitor.log" 90 '"event":"pair-(idle|active)"' pair-idle ||
		fail "no pair-idle" || return
	verdict=$(event_member pair-idle stamp_ns)
	within "ms from the last packet to the verdict" "$(ms_between "$last" "$verdict")" 60000 68500 || return
	peer_is_up $h1 || fail "the module tore something down"
}

one_way_is_told()
{
	local from

	hub_cut 1
	from=$(now_ns)
	flow_start only 1000000 0
	wait_for 60 seen peer-one-way || fail "no peer-one-way" || return
	flow_stop
	[ "$(ms_between "$from" "$(event_member peer-one-way stamp_ns)")" -ge 10000 ] || fail "early" || return
	hub_restore 1
	flow_start echo 100000 20 "$site_host" 5001 && wait "$flow_pid"
	wait_for 30 seen peer-heard || fail "the answer did not end the episode"
}

unloads_beside_them()
{
	module_unload 20 && sa_up "$branch" "$branch_addr" $h1
}

test_case "two strongSwans, the module, no agent" machine_up || { finish; exit; }
test_case "their SAs are tracked, a rule's metadata is attached" sas_are_tracked
test_case "the pair falls idle, never early; nothing is torn down" pair_falls_idle
test_case "packets out, nothing in: one-way; an answer ends it" one_way_is_told
test_case "the module unloads, their SAs stay" unloads_beside_them
finish
