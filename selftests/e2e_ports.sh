#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# Access lists with protocols and ports: what a line names goes through its tunnel, all
# else elsewhere or in clear, and no fragment of it leaks.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 6

# 443 is hub 1's; a range of UDP that no single mask can say is hub 2's.
start()
{
	e2e_up 2 || return
	e2e_acl="access-list 101 permit tcp 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255 eq 443
access-list 102 permit udp 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255 range 8000 8010"
	e2e_more="crypto map tohub 2 ipsec-isakmp
 set peer $h2
 set transform-set ts
 match address 102"
	e2e_conf "10 2 periodic" "set peer $h1"
	peer_stop hub1 && peer_stop hub2 || return
	hub_start 1 "local_ts=${site_net}[tcp/443]" "remote_ts=${lan_net}[tcp]" &&
	hub_start 2 "local_ts=${site_net}[udp/8000-8010]" "remote_ts=${lan_net}[udp]" && e2e_agent
}

# tcp_answers PORT: nobody listens, so a RST says that both ways are open.
tcp_answers()
{
	in_ns "$lan" timeout 20 bash -c ": </dev/tcp/$site_host/$1" 2>&1 | grep -q refused
}

clear_to() { capture_sync && wire_clear "$1" | grep -cE "dport=$2( |$)"; }

tcp_443_through_hub1()
{
	local t

	t=$(now_ns)
	tcp_answers 443 || tcp_answers 443 || fail "no answer from port 443 through the tunnel" || return
	is_up_with $h1 || fail "entry 1 is not up with hub 1" || return
	nothing_in_clear "$t"
}

other_ports_in_clear()
{
	local t

	t=$(now_ns)
	in_ns "$lan" timeout 2 bash -c ": </dev/tcp/$site_host/80" 2>/dev/null
	flow_packet $site_host 443
	flow_packet $site_host 7999
	flow_packet $site_host 8011
	[ "$(clear_to "$t" 80)" -ge 1 ] || fail "TCP port 80 is not in clear" || return
	expect "UDP 443 in clear" "clear_to $t 443" 1 &&
	expect "UDP 7999 in clear" "clear_to $t 7999" 1 &&
	expect "UDP 8011 in clear" "clear_to $t 8011" 1 &&
	peer_is_gone $h2 || fail "something of that brought up entry 2"
}

range_through_hub2()
{
	local t port spi before

	t=$(now_ns)
	flow_packet $site_host 8003
	wait_for 20 peer_is_up $h2 || fail "the range did not bring up entry 2" || return
	expect "pairs with hub 2" "sa_pairs $h2" 1 || return
	spi=$(sa_spis "$branch" $branch_addr $h2 | head -n 1)
	before=$(sa_packets "$branch" "$spi")
	for port in 8000 8007 8008 8009 8010; do
		flow_packet $site_host $port
	done
	within "packets of the range through the one SA" $(($(sa_packets "$branch" "$spi") - before)) 5 5 &&
	nothing_in_clear "$t"
}

sa_pairs() { sa_spis "$branch" $branch_addr "$1" | wc -l; }

# The LAN's host makes three fragments of it, none of which has a port for XFRM.
fragments_do_not_leak()
{
	local t spi before

	t=$(now_ns)
	spi=$(sa_spis "$branch" $branch_addr $h2 | head -n 1)
	before=$(sa_packets "$branch" "$spi")
	in_ns "$lan" bash -c "head -c 3000 /dev/zero >/dev/udp/$site_host/8005"
	wait_for 10 eval "[ \$(sa_packets \$branch $spi) -ge $((before + 3)) ]" ||
		fail "$(($(sa_packets "$branch" "$spi") - before)) of 3 fragments through the tunnel" || return
	nothing_in_clear "$t" && peer_is_up $h1
}

# Lines keep their reqids, and so their SAs, by policies that are parts of them.
restart_keeps_the_lines()
{
	local t before

	before=$(reqids)
	t=$(now_ns)
	agent_kill
	e2e_agent || return
	wait_for 30 both_lines_are_up || fail "not both lines are up after the restart" || return
	[ "$(reqids)" = "$before" ] || fail "reqids were $before, are $(reqids)" || return
	flow_packet $site_host 8010
	nothing_in_clear "$t"
}

both_lines_are_up() { [ "$(lines_up tohub 1) $(lines_up tohub 2)" = "1 1" ]; }
reqids() { ip -n "$branch" xfrm policy | grep -o 'reqid [0-9]*' | sort -u | tr '\n' ' '; }

test_case "two entries, of a port and of a range of ports" start || { finish; exit; }
test_case "TCP port 443 goes through entry 1, and its answer comes back" tcp_443_through_hub1
test_case "other ports and protocols go in clear" other_ports_in_clear
test_case "a range of UDP goes through entry 2, by one pair of SAs" range_through_hub2
test_case "fragments of a line with ports do not leave in clear" fragments_do_not_leak
test_case "kill -9 and restart: each line has its reqid" restart_keeps_the_lines
finish
