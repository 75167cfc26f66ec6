#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
# check: by name; a draft that nobody has seen to pass yet
#
# The expire action beside daemons of others: on idle the kernel itself ends both
# directions as a hard lifetime does, and tells the key managers. What each makes of
# it, seen at a hub of that make with our agent as the branch: prefpeer-netlink(7)
# says which setting goes with which daemon.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$selftests_dir/lib_hubs.sh"
module_need
agent_need

plan 3

# as_hub MAKE: a tunnel, silence, the end of the hub's SAs by its kernel
as_hub()
{
	local make=$1

	hub_make "$make" 1 || return
	in_ns "$hub1" "$prefpeer" rule add remote "$branch_addr" idle-time 30 expire >/dev/null || return
	bg "$tmp/hubmon-$make.log" ip netns exec "$hub1" "$prefpeer" -j monitor sa pair
	in_ns "$lan" ping -c 3 -i 0.2 -W 1 "$site_host" >/dev/null
	state_await 60 UP $h1 || fail "not up" || return
	pair=$(sa_spis "$hub1" "$branch_addr" $h1)
	wait_for 90 grep -q '"event":"sa-gone".*expired' "$tmp/hubmon-$make.log" ||
		fail "no end by expiry: $(tail -n 3 "$tmp/hubmon-$make.log")" || return
	sleep 20
	diag "$make: SAs at the hub 20 s later: $(sa_spis "$hub1" "$branch_addr" $h1 | wc -w); before: $pair"
	diag "$make: at the branch: $(map_state) $(sa_spis "$branch" $h1 "$branch_addr")"
	diag "$(grep -aiE 'expire|recreat|delet|CREATE_CHILD' "$tmp/hub1.log" | tail -n 8)"
}

setup()
{
	topology 2 && capture_start && module_load && quiet_listeners && e2e_agent
}

test_case "topology, module, agent" setup || { finish; exit; }
test_case "strongSwan" as_hub strongswan
test_case "libreswan" as_hub libreswan
finish
