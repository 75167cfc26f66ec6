#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.1
#
# A branch behind a NAT: what keeps the NAT's mapping keeps no pair.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 3

# The hub sees the branch as the transit's own address, and knows it by its identity.
start()
{
	e2e_up 2 && quiet_listeners || return
	in_ns "$transit" nft -f - <<-NFT || return
	table ip nat {
		chain post {
			type nat hook postrouting priority 100;
			ip saddr $branch_addr masquerade
		}
	}
	NFT
	peer_stop hub1
	hub_start 1 conn="remote_addrs = %any" || return
	e2e_conf "10 2 on-demand" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default"
	e2e_agent || return
	flow_packet
	up_with $h1 20 || fail "not up through the NAT" || return
	flow_packet
	capture_sync
	[ "$(wire_count " esp $branch_addr $h1 .* udp\$")" -ge 1 ] || fail "no ESP in UDP"
}

keepalives_do_not_count()
{
	local last down

	flow_packet
	last=$(last_esp_ns)
	state_await 100 DOWN || fail "keepalives keep the pair" || return
	down=$(state_ns DOWN)
	capture_sync
	[ "$(wire_count " keepalive $branch_addr $h1" "$last" "$down")" -ge 2 ] ||
		fail "hardly a keepalive, so that proves nothing" || return
	# Late: 2 s where the kernel keeps lastused, else T/8 (kernel.md 3.1).
	within "ms from the last packet to the verdict" "$(ms_between "$last" "$down")" 60000 68200 &&
	expect "reason" "state_event DOWN reason" idle-default
}

test_case "a tunnel through a NAT" start || { finish; exit; }
test_case "case 18: NAT-T keepalives do not keep the pair" keepalives_do_not_count
test_case "case 30: nothing in clear" nothing_in_clear
finish
