#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# A hub with prefpeerd loses everything: its agent is killed, its SAs are gone. The
# branch learns so from the answer to its first liveness check (RFC 6290), in one
# round trip; and, where the hub's secret is lost too, from DPD as ever.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 4

# In place of charon.
hub_agent()
{
	other_conf hub "" "192.168.2.0 0.0.0.255 192.168.1.0 0.0.0.255" && other_start hub "$hub1"
}

start()
{
	e2e_hub=hub_agent
	e2e_up 1 || return
	ip -n "$site" route replace "$lan_net" via 192.168.2.1 || return
	flow_listen flow || return
	e2e_conf "10 2 periodic" "set peer $h1"
	e2e_agent && flow_start flow 50000 || return
	up_with $h1 20 || fail "not up"
}

hub_is_gone() { ! kill -0 "$other_pid" 2>/dev/null; }

# hub_crashes [forgetting]: and comes back at once, with its policies and no SA
hub_crashes()
{
	kill -KILL "$other_pid"
	wait_for 10 hub_is_gone || fail "the hub's agent lives" || return
	ip -n "$hub1" xfrm state flush || return
	[ "$1" != forgetting ] || rm -rf "$tmp/hub.state"
	hub_agent
}

up_since() { [ "$(state_ns UP $h1)" -gt "$1" ] && peer_is_up $h1; }

# probes FROM_NS TO_NS: how many times the branch asked
probes() { ike_count $h1 INFORMATIONAL "$1" "$2"; }

noticed_in_one_round_trip()
{
	local t init

	t=$(now_ns)
	hub_crashes || return
	wait_for 60 up_since "$t" || fail "not up again" || return
	capture_sync
	init=$(wire_first "ike $branch_addr $h1 .*exch=IKE_SA_INIT.* resp=0" "$t") ||
		fail "no IKE_SA_INIT" || return
	expect "liveness checks before the new IKE SA" "probes $t $init" 1 || return
	expect "answers in clear" "wire_count 'ike $h1 $branch_addr .*exch=INFORMATIONAL.* resp=1' $t $init" 1 ||
		return
	monitor_has '"event":"map-state".*restarted and lost the IKE SA' || fail "the monitor does not say why"
}

flow_goes_on() { wait_for 20 flow_more flow 50 || fail "no more than $(flow_received flow) arrived"; }

# A hub that has forgotten its secret has no proof, and nobody believes it.
no_secret()
{
	local t init

	t=$(now_ns)
	hub_crashes forgetting || return
	wait_for 90 up_since "$t" || fail "not up again" || return
	capture_sync
	init=$(wire_first "ike $branch_addr $h1 .*exch=IKE_SA_INIT.* resp=0" "$t") ||
		fail "no IKE_SA_INIT" || return
	expect "liveness checks before the new IKE SA" "probes $t $init" 6
}

test_case "branch and hub, both prefpeerd" start || { finish; exit; }
test_case "a crash of the hub is noticed by its answer to one liveness check" noticed_in_one_round_trip
test_case "the flow goes on" flow_goes_on
test_case "without its secret: DPD's six requests" no_secret
finish
