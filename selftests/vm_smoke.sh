#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The machine, the topology and the tap, without anything of ours: strongSwan
# at branch and hub, so that a failure of another test is not one of these.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

plan 8

machine_up()
{
	topology 2 && capture_start && hub_start 1 && branch_charon_start 1
}

first_packet_makes_sas()
{
	flow_listen flow && flow_start flow 10000 0 &&
	wait_for 10 sa_up "$branch" "$branch_addr" "$(hub_addr 1)" || fail "no SAs"
}

traffic_passes_as_esp()
{
	wait_for 10 flow_more flow 100 || fail "only $(flow_received flow) packets arrived" || return
	capture_sync || return
	[ "$(wire_count ' ike .* exch=IKE_AUTH ')" -eq 2 ] || fail "not two IKE_AUTH messages" || return
	[ "$(wire_count " esp $branch_addr ")" -ge 100 ] || fail "not 100 ESP packets"
}

answers_come_back()
{
	flow_stop
	flow_listen echo "$site_host" 5001 echo && flow_start echo 10000 20 "$site_host" 5001 &&
	wait "$flow_pid"
	[ "$(wc -l <"$tmp/echo.answers")" -eq 20 ] ||
		fail "$(wc -l <"$tmp/echo.answers") of 20 answers through the route of the SA"
}

leak_is_noticed()
{
	local before

	before=$(now_ns)
	nothing_in_clear || return
	# The positive control: a packet past the SPD, beside ESP.
	ip -n "$branch" xfrm policy deleteall
	flow_packet
	capture_sync
	[ "$(wire_clear "$before" | grep -c " udp $lan_host $site_host ")" -eq 1 ] ||
		fail "the leaked packet was not seen" || return
	! nothing_in_clear >/dev/null || fail "a capture with a leak passes"
}

no_esp_proves_nothing()
{
	! nothing_in_clear "$(now_ns)" >/dev/null || fail "a capture without ESP passes"
}

cut_is_silent_and_timed()
{
	local from before after

	hub_delay 1 100 && flow_listen gap "$site_host" 5002 || return
	branch_policies_back || return
	flow_start gap 10000 0 "$site_host" 5002
	wait_for 10 flow_more gap 50 || fail "no traffic before the cut" || return
	from=$(now_ns)
	hub_cut 1 from && sleep 3 && hub_restore 1 from
	before=$(now_ns)
	hub_cut 1 to && sleep 5 && hub_restore 1 to
	after=$(now_ns)
	wait_for 10 flow_more gap 600 || return
	flow_stop
	flow_report gap "$from"
	# Only the packets to the hub vanish, thus only the second cut is a gap.
	[ "$gap_ns" -ge 5000000000 ] && [ "$gap_ns" -le $((after - before + 20000000)) ] ||
		fail "gap $(seconds_ns "$gap_ns") s instead of 5 to $(seconds_ns $((after - before)))" ||
		return
	[ $((lost * 10000000 - gap_ns)) -le 20000000 ] && [ $((gap_ns - lost * 10000000)) -le 20000000 ] ||
		fail "$lost packets of 10 ms lost in $(seconds_ns "$gap_ns") s" || return
	[ "$delay_max" -ge 50000000 ] || fail "delay $(seconds_ns "$delay_max") s instead of 0.05" || return
	[ "$(wire_count ' icmp ' "$from")" -eq 0 ] || fail "something sent an error"
}

branch_policies_back()
{
	peer_stop branch && peer_start branch "$branch" &&
	swanctl_of branch --initiate --child net >/dev/null
}

sleep_is_exact()
{
	local before after

	before=$(now_ns)
	sleep 3600
	after=$(now_ns)
	[ $((after - before)) -ge 3600000000000 ] && [ $((after - before)) -lt 3602000000000 ] ||
		fail "an hour took $(seconds_ns $((after - before))) s"
}

test_case "topology, tap and two strongSwans come up" machine_up || { finish; exit; }
test_case "the first packet raises an acquire and makes SAs" first_packet_makes_sas
test_case "traffic passes as ESP" traffic_passes_as_esp
test_case "answers come back by the route that goes with the SA" answers_come_back
test_case "a packet in clear is noticed" leak_is_noticed
test_case "a capture without ESP proves nothing" no_esp_proves_nothing
test_case "a cut hub is silent, and the gap is measured" cut_is_silent_and_timed
test_case "an hour of waiting is exact" sleep_is_exact
finish
