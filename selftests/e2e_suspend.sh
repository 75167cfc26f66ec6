#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A machine that slept (semantics.md 14.6): every IKE SA is probed first, and
# idle verdicts wait for it. The clocks jump as after a suspend; see
# mod_asleep/asleep.c for why it is not a real one.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

asleep_ko=$build_dir/testmod-$(uname -r)/asleep.ko
[ -e "$asleep_ko" ] || skip_all "no $asleep_ko: make modules-all"
asleep_s=600

plan 4

# fall_asleep: $asleep_s seconds; the moment of waking in $woke
fall_asleep()
{
	insmod "$asleep_ko" seconds=$asleep_s || fail "the clocks do not jump" || return
	woke=$(now_ns)
	rmmod asleep
}

start()
{
	e2e_up 2 && quiet_listeners || return
	e2e_conf "10 2 on-demand" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default"
	hub_cut 1 && e2e_agent || return
	flow_packet
	up_with $h2 60 || fail "not on $h2" || return
	hub_restore 1
}

answer_ns()
{
	wire_log "$1" | awk -v src="$2" '
		$2 == "ike" && $3 == src && /exch=INFORMATIONAL/ && / resp=1 / { print $1; exit }'
}

probe_then_idle()
{
	local probe answer down

	flow_packet
	sleep 5
	fall_asleep && state_await 30 DOWN || return
	down=$(state_ns DOWN)
	capture_sync
	grep -q "slept for $asleep_s s" "$tmp/agent.log" || fail "the sleep was not noticed" || return
	probe=$(ike_to $h2 INFORMATIONAL "$((woke - 1000000000))" | awk '{ print $1; exit }')
	answer=$(answer_ns "$((woke - 1000000000))" $h2)
	[ -n "$probe" ] && [ -n "$answer" ] || fail "no probe, or no answer" || return
	# At once, and not with whatever timer comes next.
	within "ms from waking to the probe" "$(ms_between "$woke" "$probe")" -1000 500 &&
	# The module's timers stood still; it looks when what it was told makes it, for
	# the one-way limit of 10 s within an eighth of that and two ticks (kernel.md 3.1).
	within "ms from the answer to the verdict" "$(ms_between "$answer" "$down")" 0 1750 || return
	expect "reason" "state_event DOWN reason" idle-default &&
	expect "next attempt" next_peer $h1 || return
	wait_for 5 peer_is_gone $h2 || fail "SAs with $h2 are left"
}

# The hub went meanwhile: that is a death, and not the end of a pair that was idle.
dead_while_asleep()
{
	flow_packet
	up_with $h1 20 || fail "not home" || return
	flow_packet
	sleep 5
	hub_cut 1
	fall_asleep && state_await 60 DOWN || return
	capture_sync
	expect "reason" "state_event DOWN reason" dpd-timeout &&
	within "ms from waking to death" "$(ms_between "$woke" "$(state_ns DOWN)")" 11000 13000 &&
	expect "requests" "ike_count $h1 INFORMATIONAL $((woke - 1000000000))" 6 || return
	hub_restore 1
}

still_well()
{
	flow_packet
	up_with $h1 60 || fail "not up again"
}

test_case "topology, hubs, agent on the second" start || { finish; exit; }
test_case "14.6 the probe first, then the idle verdict, home" probe_then_idle
test_case "14.6 dead while asleep: by DPD, after six requests" dead_while_asleep
test_case "and up again" still_well
finish
