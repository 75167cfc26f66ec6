#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# A hub that lives, but is cut off towards the branch. Its SAs attract the
# return traffic until its own DPD fires; its route goes with them.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 6

# The site prefers hub 1 as long as that has an SA. charon asks after 10 s of
# silence, and gives up after six further seconds.
hub()
{
	hub_start "$1" dpd=10s metric=$(($1 * 10)) charon="retransmit_timeout = 1
		retransmit_base = 1
		retransmit_tries = 5"
}

start()
{
	e2e_hub=hub
	e2e_up 2 || return
	# The branch notices long before the hub does.
	e2e_conf "milliseconds 1000 200 periodic" "set peer $h1 default" "set peer $h2"
	e2e_agent || return
	flow_listen out && flow_listen_lan back || return
	flow_start out 20000
	up_with $h1 30 || fail "not up with $h1" || return
	wait_for 10 route_by 192.168.2.1 || fail "hub 1 set no route" || return
	flow_start_site back 20000
	wait_for 10 flow_more back 50 || fail "nothing comes back"
}

route_by() { [[ $(ip -n "$site" route get $lan_host) == *" via $1 "* ]]; }

cut_off()
{
	cut_ns=$(now_ns)
	hub_cut 1
	up_with $h2 60 || fail "not on $h2" || return
	up_ns=$(now_ns)
	says DOWN $h1 "dead: [0-9]+ requests unanswered in [0-9.]+ s; next attempt $h1" &&
		says UP $h2 "in [0-9a-f]{8} out [0-9a-f]{8}, gap [0-9.]+ s" || return
	wait_for 10 flow_more out "$(($(flow_received out) + 50))" || fail "nothing goes out by $h2"
}

# Control: this is what attracts the traffic, so DPD and the route are what helps.
attracted_until_dpd()
{
	route_by 192.168.2.1 || fail "the route by hub 1 is gone before its DPD can have fired" || return
	[ -n "$(sa_spis "$hub1" $h1 $branch_addr)" ] || fail "hub 1 has no SA any more" || return
	flow_report back "$up_ns"
	expect "packets that came back by the wrong hub" "echo $received" 0
}

reached_by_the_second()
{
	wait_for 60 route_by 192.168.2.2 || fail "hub 1's route did not go with its SA" || return
	wait_for 10 flow_more back "$(($(flow_received back) + 50))" || fail "nothing comes back by hub 2" || return
	flow_report back "$cut_ns"
	# 10 s until it asks, and six seconds more.
	within "ms without return traffic" $((gap_ns / 1000000)) 10000 20000
}

# The other way round.
goes_home()
{
	hub_restore 1
	sleep 1
	hub_cut 2
	up_with $h1 60 || fail "not home" || return
	wait_for 60 route_by 192.168.2.1 || fail "no route by hub 1" || return
	wait_for 10 flow_more back "$(($(flow_received back) + 50))" || fail "nothing comes back by hub 1" || return
	hub_restore 2
}

test_case "two hubs with DPD, and routes that go with their SAs" start || { finish; exit; }
test_case "case 54: the hub is cut off towards the branch: the branch is on the second" cut_off
test_case "case 54: positive control: until its DPD fires, the hub attracts what goes back" attracted_until_dpd
test_case "case 54: once it fires, its LAN reaches the branch by the second hub" reached_by_the_second
test_case "case 54: and the other way round" goes_home
test_case "nothing in clear" nothing_in_clear
finish
