#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Liveness: when it asks, when it does not, and what it makes of silence.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 10

with_dpd()
{
	e2e_conf "$1" "set peer $h1 default" "set peer $h2"
	e2e_agent || return
	flow_packet
	up_with $h1 30 || fail "not up with $h1"
}

start()
{
	e2e_up 2 && quiet_listeners && with_dpd "10 2 on-demand"
}

probes() { capture_sync; ike_count $h1 INFORMATIONAL "$1"; }

on_demand_quiet()
{
	local t

	# The packet that made the tunnel was not answered: let that episode pass.
	sleep 30
	t=$(now_ns)
	sleep 100
	expect "probes in ten intervals without traffic" "probes $t" 0
}

on_demand_asks()
{
	local t

	t=$(now_ns)
	flow_packet
	sleep 15
	within "probes after an unanswered packet (positive control)" "$(probes "$t")" 1 2
}

# Send-only traffic: the first probe is answered, the hub dies later.
on_demand_later_death()
{
	local t

	flow_start only 1000000 0
	t=$(now_ns)
	sleep 25
	[ "$(probes "$t")" -ge 1 ] || fail "no first probe" || return
	is_up_with $h1 || fail "a probe that was answered ended the tunnel" || return
	t=$(now_ns)
	hub_cut 1
	up_with $h2 60 || fail "the later death was not noticed" || return
	# Two intervals at most (one may have just begun), 6R, the dead default, set-up.
	within "ms from cut to the second peer" "$(ms_between "$t" "$(now_ns)")" 10000 40000 || return
	flow_stop
	hub_restore 1
}

periodic_cadence()
{
	local t

	with_dpd "10 2 periodic" || return
	sleep 5
	t=$(now_ns)
	sleep 100
	within "probes in ten intervals of silence" "$(probes "$t")" 9 10
}

periodic_suppressed()
{
	local t

	flow_start_site inbound 1000000 0
	sleep 5
	t=$(now_ns)
	sleep 100
	expect "probes in ten intervals under inbound traffic" "probes $t" 0 || return
	flow_stop
}

periodic_strict()
{
	local t

	with_dpd "10 2 periodic strict" || return
	flow_start_site inbound 1000000 0
	sleep 5
	t=$(now_ns)
	sleep 100
	within "probes in ten intervals, strict, under inbound traffic" "$(probes "$t")" 9 10 || return
	flow_stop
}

long_round_trip()
{
	local t

	hub_delay 1 150 && with_dpd "milliseconds 100 20 periodic" || return
	t=$(now_ns)
	sleep 300
	is_up_with $h1 || fail "false death" || return
	[ "$(state_ns UP $h1)" -lt "$t" ] || fail "it was down in between" || return
	[ "$(probes "$t")" -gt 300 ] || fail "hardly a probe, so that proves nothing" || return
	flow_start wanted 100000
	t=$(now_ns)
	hub_cut 1
	up_with $h2 20 || fail "a real death was not noticed" || return
	flow_stop
	within "ms from cut to the second peer" "$(ms_between "$t" "$(now_ns)")" 300 4000 || return
	hub_restore 1
	hub_delay_off 1
}

sub_second()
{
	local t

	hub_delay 1 20 && hub_delay 2 20 && with_dpd "milliseconds 100 20 periodic" || return
	flow_listen fast "$site_host" 5003 && flow_start fast 2000 0 "$site_host" 5003
	wait_for 10 flow_more fast 500 || return
	t=$(now_ns)
	hub_cut 1
	up_with $h2 10 || fail "not on $h2" || return
	flow_passes_fast || return
	flow_stop
	flow_report fast "$t"
	within "gap in ms" $((gap_ns / 1000000)) 100 1500
}

flow_passes_fast()
{
	local n

	n=$(flow_received fast)
	wait_for 5 flow_more fast $((n + 100)) || fail "nothing passes through $h2"
}

test_case "branch up with on-demand liveness" start || { finish; exit; }
test_case "case 22: on-demand: no traffic, no probe in ten intervals" on_demand_quiet
test_case "case 22: positive control: an unanswered packet is probed" on_demand_asks
test_case "case 36: send-only flow, first probe answered, hub dies later: noticed" on_demand_later_death
test_case "case 23: periodic: probe cadence in silence" periodic_cadence
test_case "case 23: periodic: inbound traffic suppresses probes" periodic_suppressed
test_case "case 23: periodic strict: inbound traffic does not" periodic_strict
test_case "case 53: round trip 150 ms with millisecond DPD: no false death" long_round_trip
test_case "failover below two seconds with millisecond DPD" sub_second
test_case "case 30: nothing in clear in any of it" nothing_in_clear
finish
