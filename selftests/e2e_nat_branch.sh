#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name; a draft that nobody has seen to pass yet
#
# A branch that masquerades what leaves by its WAN. Source NAT runs before XFRM
# looks for a policy: with an SA up, a packet for the other side would get the
# WAN's address, match no line and leave in clear.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 11

masquerade() { in_ns "$branch" nft -f - <<<"table ip nat { chain postrouting { type nat hook postrouting priority srcnat; oifname wan0 masquerade; }; }"; }

# Ahead of it; a flow that NAT knows already keeps what was decided for it.
exempt() { in_ns "$branch" nft insert rule ip nat postrouting rt ipsec exists accept; }

# for_site FROM_NS: frames in clear at the tap for the site, whatever their source
for_site() { capture_sync; wire_clear "$1" | grep " $site_host"; }

no_clear()
{
	local frames

	frames=$(for_site "$1")
	[ -z "$frames" ] || fail "in clear: $(head -n 1 <<<"$frames")"
}

blocked() { in_ns "$branch" awk '$1 == "XfrmOutPolBlock" { print $2 }' /proc/net/xfrm_stat; }

blocks_for() { ip -n "$branch" xfrm policy list dir out src "$1" | grep -c 'action block'; }

start()
{
	e2e_up 2 && masquerade || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	e2e_agent || return
	ip -n "$site" route add default via 192.168.2.1
	expect "policies that block the WAN address" "blocks_for $branch_addr" 1
}

# The LAN's way into the Internet is what the masquerade is for.
internet()
{
	in_ns "$lan" ping -c 2 -i 0.2 -W 1 $h2 >/dev/null || fail "the LAN cannot reach hosts outside by NAT"
}

# WALK, both hubs silent, then BACKOFF and DOWN: not one packet.
nothing_while_walking()
{
	local t

	hub_cut 1 && hub_cut 2 || return
	t=$(now_ns)
	flow_start walk 10000
	state_await 30 WALK && state_await 60 BACKOFF || fail "no walk" || return
	flow_stop
	state_await 120 DOWN || fail "not down" || return
	hub_restore 1 && hub_restore 2 || return
	no_clear "$t" || return
	capture_sync
	[ "$(ike_count $h1 IKE_SA_INIT "$t")" -gt 0 ] || fail "nothing was tried, so nothing was proved"
}

# Without the exemption the packets are caught, and the log says what to do.
caught_while_up()
{
	local t before

	t=$(now_ns)
	before=$(blocked)
	flow_listen caught && flow_start caught 10000 || return
	up_with $h1 30 || fail "not up" || return
	sleep 5
	no_clear "$t" || return
	[ "$(($(blocked) - before))" -gt 100 ] || fail "XfrmOutPolBlock grew by $(($(blocked) - before))" || return
	expect "packets at the site" "flow_received caught" 0
}

log_names_it()
{
	wait_for 90 grep -q "packets for $site_net leave with the WAN address; exempt them from NAT (nft: rt ipsec exists accept)" "$tmp/agent.log" ||
		fail "the log does not say so: $(grep xfrm: "$tmp/agent.log")" || return
	sleep 130
	# At most once a minute, however many packets.
	within "lines in the log of four minutes" "$(grep -c 'leave with the WAN address' "$tmp/agent.log")" 1 4
}

# Control: it is that policy, and nothing else, that keeps them from leaving.
without_the_block()
{
	local t

	ip -n "$branch" xfrm policy delete src $branch_addr dst $site_net dir out || return
	t=$(now_ns)
	sleep 1
	[ -n "$(for_site "$t" | grep "$branch_addr $site_host")" ] ||
		fail "no packet in clear even without the block: the test proves nothing" || return
	pp reload || return
	expect "policies that block the WAN address after reload" "blocks_for $branch_addr" 1 || return
	t=$(now_ns)
	sleep 1
	no_clear "$t"
}

# The WAN's new address is blocked as soon as it can be masqueraded to.
new_address()
{
	local t

	ip -n "$branch" addr add 10.0.0.77/24 dev wan0
	wait_for 5 is_blocked 10.0.0.77 || fail "10.0.0.77 came and is not blocked" || return
	ip -n "$branch" addr del 10.0.0.77/24 dev wan0
	wait_for 5 is_not_blocked 10.0.0.77 || fail "10.0.0.77 went and is still blocked" || return
	flow_stop
	sleep 1
	expect "current state" map_state UP
}

is_blocked() { [ "$(blocks_for "$1")" = 1 ]; }
is_not_blocked() { [ "$(blocks_for "$1")" = 0 ]; }

exempted()
{
	local t before

	exempt || return
	t=$(now_ns)
	flow_listen free $site_host 5001 && flow_start free 10000 0 $site_host 5001 || return
	wait_for 20 flow_more free 100 || fail "no traffic with the exemption" || return
	before=$(blocked)
	sleep 3
	expect "growth of XfrmOutPolBlock" "echo \$((\$(blocked) - $before))" 0 &&
	no_clear "$t" && nothing_in_clear "$t" && internet
}

# UP, death, WALK, UP on the other, under traffic, all with NAT in the way.
failover_exempted()
{
	local t

	t=$(now_ns)
	hub_cut 1
	up_with $h2 60 || fail "not on $h2" || return
	wait_for 10 flow_more free "$(($(flow_received free) + 100))" || fail "no traffic through $h2" || return
	hub_restore 1
	nothing_in_clear "$t"
}

# The flow is known to NAT from before: idle, DOWN, UP again.
down_and_up_exempted()
{
	local t

	t=$(now_ns)
	pp map reset tohub 1 || return
	state_await 10 DOWN || fail "not down" || return
	up_with $h1 30 || fail "not up again under traffic" || return
	sleep 1
	nothing_in_clear "$t"
}

test_case "a branch that masquerades" start || { finish; exit; }
test_case "the LAN reaches hosts outside" internet
test_case "case 50: no exemption, DOWN and WALK: nothing in clear" nothing_while_walking
test_case "case 50: no exemption, UP: caught, nothing in clear" caught_while_up
test_case "case 50: the log says which packets, and what to do" log_names_it
test_case "case 50: positive control: without the block they leave in clear; reload puts it back" without_the_block
test_case "case 50: the block follows the WAN's addresses" new_address
test_case "case 50: with the exemption: through the tunnel, nothing in clear" exempted
test_case "case 50: with the exemption: failover, nothing in clear" failover_exempted
test_case "case 50: with the exemption: DOWN and UP, nothing in clear" down_and_up_exempted
test_case "the LAN still reaches hosts outside" internet
finish
