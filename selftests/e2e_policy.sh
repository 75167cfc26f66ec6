#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the compiled policies protect, let through, and keep when the agent is gone.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 9

# Entry 1 is hub 1's but for one host, which entry 2 has at hub 2.
start()
{
	e2e_up 2 || return
	e2e_acl="access-list 101 deny ip host 192.168.1.20 192.168.2.0 0.0.0.255
access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255
access-list 102 permit ip host 192.168.1.20 192.168.2.0 0.0.0.255"
	e2e_more="crypto map tohub 2 ipsec-isakmp
 set peer $h2
 set transform-set ts
 match address 102"
	e2e_conf "10 2 periodic" "set peer $h1 default"
	ip -n "$lan" addr add 192.168.1.20/24 dev lan0
	neighbour "$branch" lan0 192.168.1.20 "$lan" lan0
	peer_stop hub2
	hub_start 2 remote_ts=192.168.1.20/32 && e2e_agent
}

from_host() { in_ns "$lan" ping -c "${2:-1}" -i 0.1 -W 1 -I "$1" $site_host >/dev/null; }

deny_falls_through()
{
	from_host 192.168.1.20
	wait_for 20 peer_is_up $h2 || fail "the denied host did not reach entry 2" || return
	peer_is_gone $h1 || fail "the denied host brought up entry 1" || return
	from_host 192.168.1.10
	wait_for 20 peer_is_up $h1 || fail "the other hosts are not protected by entry 1"
}

denied_is_protected_by_the_later()
{
	local t spi before

	t=$(now_ns)
	spi=$(sa_spis "$branch" $branch_addr $h2 | head -n 1)
	before=$(sa_packets "$branch" "$spi")
	from_host 192.168.1.20 10
	within "packets of the denied host through entry 2" $(($(sa_packets "$branch" "$spi") - before)) 10 10 &&
	nothing_in_clear "$t"
}

deny_without_a_later_permit_is_clear()
{
	local t

	e2e_acl="access-list 101 deny ip host 192.168.1.20 192.168.2.0 0.0.0.255
access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255"
	e2e_more=
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	e2e_agent || return
	t=$(now_ns)
	from_host 192.168.1.20
	capture_sync
	[ "$(wire_clear "$t" | grep -c 192.168.1.20)" -ge 1 ] ||
		fail "a denied packet without a later permit is to go in clear, as IOS has it" || return
	ip -n "$lan" addr del 192.168.1.20/24 dev lan0
}

router_reachable()
{
	e2e_acl="access-list 101 permit ip 192.168.1.0 0.0.0.255 any"
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	peer_stop hub1
	hub_start 1 local_ts=0.0.0.0/0 && e2e_agent || return
	in_ns "$lan" ping -c 3 -i 0.2 -W 1 192.168.1.1 >/dev/null ||
		fail "the LAN does not reach its own router" || return
	flow_listen any && flow_start any 10000
	wait_for 20 flow_more any 50 || fail "no traffic through the tunnel" || return
	in_ns "$lan" ping -c 3 -i 0.2 -W 1 192.168.1.1 >/dev/null ||
		fail "the LAN does not reach its own router while the tunnel is up"
}

sigterm_keeps_policies()
{
	local t before

	before=$(our_policies)
	[ "$before" -ge 3 ] || fail "only $before policies" || return
	t=$(now_ns)
	agent_stop || return
	expect "policies after SIGTERM" our_policies "$before" || return
	wait_for 10 peer_is_gone $h1 || fail "SAs are left after SIGTERM" || return
	capture_sync
	[ "$(ike_count $h1 INFORMATIONAL "$t")" -ge 1 ] || fail "no DELETE to the peer" || return
	sleep 10
	no_clear_since "$t"
}

our_policies() { ip -n "$branch" xfrm policy | grep -cE '^[[:space:]]+dir '; }

# The flow goes on, there is no ESP any more: only the clear frames count.
no_clear_since()
{
	capture_sync
	[ -z "$(wire_clear "$1")" ] || fail "in clear: $(wire_clear "$1" | head -n 1)"
}

kill_keeps_policies()
{
	local t before

	e2e_agent || return
	wait_for 20 peer_is_up $h1 || fail "the flow did not bring it up again" || return
	before=$(our_policies)
	t=$(now_ns)
	agent_kill
	expect "policies after kill -9" our_policies "$before" || return
	sleep 5
	no_clear_since "$t"
}

restart_takes_over()
{
	local t before

	before=$(our_policies)
	t=$(now_ns)
	e2e_agent || return
	up_with $h1 30 || fail "the tunnel did not come back" || return
	expect "policies after the restart" our_policies "$before" || return
	wait_for 10 one_pair || fail "SAs of the earlier run are left: $(sa_spis "$branch" $branch_addr $h1)" || return
	no_clear_since "$t"
}

one_pair() { [ "$(sa_spis "$branch" $branch_addr $h1 | wc -l)" -eq 1 ]; }

flush_removes()
{
	local t

	agent_stop || return
	in_ns "$branch" "$prefpeerd" --flush >/dev/null || fail "--flush failed" || return
	expect "policies after --flush" our_policies 0 || return
	t=$(now_ns)
	sleep 1
	capture_sync
	# The positive control of this file: without policies it is clear.
	[ -n "$(wire_clear "$t")" ] || fail "no packet in clear even without policies"
}

test_case "two entries, a deny in the first" start || { finish; exit; }
test_case "case 32: a deny falls through to the next sequence number" deny_falls_through
test_case "case 38: deny in one entry, permit in a later one: protected, nothing in clear" denied_is_protected_by_the_later
test_case "case 32: a deny without a later permit goes in clear" deny_without_a_later_permit_is_clear
test_case "case 39: permit ip LAN any leaves the router reachable from the LAN" router_reachable
test_case "case 40: SIGTERM deletes SAs at the peer, policies stay, nothing in clear" sigterm_keeps_policies
test_case "case 40: kill -9: policies stay, nothing in clear" kill_keeps_policies
test_case "a restart takes policies and orphan SAs over, the tunnel is back" restart_takes_over
test_case "--flush removes every policy" flush_removes
finish
