#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# A branch that masquerades what leaves by its WAN. Source NAT runs before XFRM
# looks for a policy: with an SA up, a packet for the other side would get the
# WAN's address, match no line and leave in clear.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 13

masquerade() { in_ns "$branch" nft -f - <<<"table ip nat { chain postrouting { type nat hook postrouting priority srcnat; oifname wan0 masquerade; }; }"; }

exempt() { in_ns "$branch" nft insert rule ip nat postrouting rt ipsec exists accept; }

# for_site FROM_NS: frames in clear at the tap for the site, whatever their source
for_site() { capture_sync; wire_clear "$1" | grep " $site_host"; }

no_clear()
{
	local frames

	frames=$(for_site "$1")
	[ -z "$frames" ] || fail "in clear: $(head -n 1 <<<"$frames")"
}

nat_says="packets for $site_net leave with the WAN address; exempt them from NAT (nft: rt ipsec exists accept)"

blocked() { in_ns "$branch" awk '$1 == "XfrmOutPolBlock" { print $2 }' /proc/net/xfrm_stat; }

blocked_more() { [ "$(blocked)" -gt "$1" ]; }

blocks_for() { ip -n "$branch" xfrm policy list dir out src "$1" | grep -c 'action block'; }

start()
{
	e2e_up 2 && masquerade || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	e2e_agent && text_monitor_start || return
	ip -n "$site" route add default via 192.168.2.1
}

block_is_there() { expect "policies that block the WAN address" "blocks_for $branch_addr" 1; }

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

# Without the exemption the packets are caught, and nothing but the block shows it:
# the tunnel is up, and stays empty.
caught_while_up()
{
	local t grew

	t=$(now_ns)
	flow_listen caught && flow_start caught 40000 || return
	up_with $h1 30 || fail "not up" || return
	wait_for 30 blocked_more $(($(blocked) + 100))
	grew=$?
	no_clear "$t" || return
	[ $grew = 0 ] || fail "XfrmOutPolBlock does not grow" || return
	# The tunnel has just come up: the agent looks soon, not in a minute.
	wait_for 20 grep -qF "$nat_says" "$tmp/agent.log" || fail "not said within 20 s" || return
	expect "packets at the site" "flow_received caught" 0
}

operator_reads_it()
{
	"$udpflow" await "$tmp/agent.log" 90 " xfrm: " "leave with the WAN address" ||
		fail "the log does not say so: $(grep xfrm: "$tmp/agent.log")" || return
	reads "the log" "$tmp/agent.log" "$nat_says" &&
	reads "monitor" "$tmp/text.log" "map   tohub 1 $nat_says (XfrmOutPolBlock +" || return
	map_show_reads " WARNING: $nat_says (XfrmOutPolBlock +"
}

# However many packets: two looks more.
once_in_a_minute()
{
	sleep 121
	once_a_minute "$nat_says" 3 || return
	expect "lines of the monitor" "grep -cF '$nat_says' $tmp/text.log" "$(grep -cF "$nat_says" "$tmp/agent.log")"
}

# Control: it is that policy, and nothing else, that keeps them from leaving.
without_the_block()
{
	local t

	ip -n "$branch" xfrm policy delete src $branch_addr dst $site_net dir out || return
	t=$(now_ns)
	wait_for 20 leaks_since "$t" ||
		fail "no packet in clear even without the block: the test proves nothing" || return
	pp reload || return
	expect "policies that block the WAN address after reload" "blocks_for $branch_addr" 1 || return
	t=$(now_ns)
	wait_for 20 blocked_more $(($(blocked) + 100)) || fail "nothing is caught any more" || return
	no_clear "$t"
}

leaks_since() { for_site "$1" | grep -q "$branch_addr $site_host"; }

# The WAN's new address is blocked as soon as it can be masqueraded to.
new_address()
{
	local t

	ip -n "$branch" addr add 10.0.0.77/24 dev wan0
	wait_for 5 is_blocked 10.0.0.77 || fail "10.0.0.77 came and is not blocked" || return
	ip -n "$branch" addr del 10.0.0.77/24 dev wan0
	wait_for 5 is_not_blocked 10.0.0.77 || fail "10.0.0.77 went and is still blocked" || return
	expect "current state" map_state UP
}

is_blocked() { [ "$(blocks_for "$1")" = 1 ]; }
is_not_blocked() { [ "$(blocks_for "$1")" = 0 ]; }

# Whoever does what the log says needs nothing else: a flow that was caught goes on. (One
# that got out in clear, NAT knows, and keeps to it.)
exempted()
{
	local t before

	flow_stop
	t=$(now_ns)
	before=$(blocked)
	flow_listen free $site_host 5001 && flow_start free 40000 0 $site_host 5001 || return
	wait_for 20 blocked_more $((before + 100)) || fail "it was not caught before" || return
	expect "packets at the site before" "flow_received free" 0 || return
	exempt || return
	wait_for 20 flow_more free 100 || fail "no traffic with the exemption" || return
	before=$(blocked)
	wait_for 20 flow_more free 400 || fail "no more traffic" || return
	expect "growth of XfrmOutPolBlock" "echo \$((\$(blocked) - $before))" 0 &&
	no_clear "$t" && nothing_in_clear "$t" && internet
}

# One look finds the last packets that were caught, the next one none.
warned_no_more()
{
	sleep 121
	map_show_reads " why the default peer answered" || return
	! grep -q WARNING "$tmp/map.log" || fail "map show still warns: $(head -n 3 "$tmp/map.log")"
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

# The flow is known to NAT from before: DOWN, and UP again by its next packet.
down_and_up_exempted()
{
	local t

	t=$(now_ns)
	pp map reset tohub 1 || return
	up_with $h1 30 || fail "not up again under traffic" || return
	expect "reason of DOWN" "state_event DOWN reason" reset || return
	[ "$(state_ns DOWN)" -gt "$t" ] && [ "$(state_ns UP $h1)" -gt "$(state_ns DOWN)" ] ||
		fail "it was not down in between" || return
	wait_for 10 flow_more free "$(($(flow_received free) + 100))" || fail "no traffic" || return
	nothing_in_clear "$t"
}

test_case "a branch that masquerades" start || { finish; exit; }
test_case "the LAN reaches hosts outside" internet
test_case "case 50: a policy blocks the WAN address towards the site" block_is_there
test_case "case 50: no exemption, DOWN and WALK: nothing in clear" nothing_while_walking
test_case "case 50: no exemption, UP: caught, nothing in clear" caught_while_up
test_case "case 50: log, monitor and map show say which packets, and what to do" operator_reads_it
test_case "case 50: they say it once a minute" once_in_a_minute
test_case "case 50: positive control: without the block they leave in clear; reload puts it back" without_the_block
test_case "case 50: the block follows the WAN's addresses" new_address
test_case "case 50: with the exemption: what was caught goes through the tunnel, nothing in clear" exempted
test_case "case 50: with the exemption: map show warns no more" warned_no_more
test_case "case 50: with the exemption: failover, nothing in clear" failover_exempted
test_case "case 50: with the exemption: DOWN and UP, nothing in clear" down_and_up_exempted
finish
