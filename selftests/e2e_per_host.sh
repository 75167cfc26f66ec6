#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# `set security-association level per-host`: each two hosts have a pair of SAs of their
# own, all of a line are one for the idle timer; and what the outer header takes over.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 4

start()
{
	e2e_up 1 || return
	e2e_conf "10 2 periodic" "set peer $h1" "set security-association level per-host" \
		"set security-association dfbit clear" "set security-association ecn discard" \
		"set security-association idle-time 60"
	ip -n "$lan" addr add 192.168.1.20/24 dev lan0
	neighbour "$branch" lan0 192.168.1.20 "$lan" lan0
	steps_run
	e2e_agent
}

# ping_from HOST [COUNT]
ping_from() { in_ns "$lan" ping -c "${2:-1}" -i 0.1 -W 1 -M "${3:-dont}" -I "$1" $site_host >/dev/null; }
pairs() { sa_spis "$branch" $branch_addr $h1 | wc -l; }
pairs_are() { [ "$(pairs)" = "$1" ]; }
answered() { ping_from "$1"; }

each_two_hosts_have_a_pair()
{
	local t

	t=$(now_ns)
	wait_for 20 answered 192.168.1.10 || fail "no answer for the first host" || return
	expect "pairs after the first host" pairs 1 || return
	wait_for 20 answered 192.168.1.20 || fail "no answer for the second host" || return
	expect "pairs after the second host" pairs 2 || return
	ping_from 192.168.1.10 3 && ping_from 192.168.1.20 3 || fail "a host's pair is gone" || return
	expect "pairs after more of both" pairs 2 || return
	ip -n "$branch" xfrm state | grep -q "sel src 192.168.1.20/32 dst $site_host/32" ||
		fail "no SA is for the second host alone" || return
	nothing_in_clear "$t"
}

# Packets with DF inside, none outside; the inbound SA takes the outer ECN in any case.
outer_header()
{
	ping_from 192.168.1.10 3 "do" || fail "no answer" || return
	capture_sync
	tcpdump -nn -v -r "$tmp/wire.pcap" "src $branch_addr and ip proto 50" 2>/dev/null |
		grep -q 'flags \[none\]' || fail "no ESP of ours" || return
	! tcpdump -nn -v -r "$tmp/wire.pcap" "src $branch_addr and ip proto 50" 2>/dev/null |
		grep -q 'flags \[DF\]' || fail "the DF bit of a packet is in the outer header" || return
	ip -n "$branch" xfrm state get src $branch_addr dst $h1 proto esp \
		spi "0x$(sa_spis "$branch" $branch_addr $h1 | head -n 1 | sed 's/^0x//')" |
		grep -q 'noecn' || fail "the outbound SA takes over ECN"
}

# One host stays busy: neither pair is idle; then both are, at once.
one_unit_of_idleness()
{
	in_ns "$lan" ping -c 90 -i 1 -W 1 -I 192.168.1.10 $site_host >/dev/null
	expect "pairs while one of the hosts is busy" pairs 2 || return
	wait_for 90 pairs_are 0 || fail "the pairs are not gone after the idle time"
}

test_case "an entry per host" start || { finish; exit; }
test_case "each two hosts have a pair of SAs, and nothing goes in clear" each_two_hosts_have_a_pair
test_case "dfbit clear, ecn discard: what the outer header has" outer_header
test_case "the pairs of a line are one unit for the idle timer" one_unit_of_idleness
finish
