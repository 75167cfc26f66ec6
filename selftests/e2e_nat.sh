#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.1
#
# NATs between branch and hub whose mappings move (semantics.md 14.4; RFC 7296
# 2.23). The NAT is one of nft without state, so that a mapping moves when the
# test says so: what conntrack does when an entry was lost, at a known moment.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 7

outside1=172.20.0.1 outside2=172.20.0.2 public=172.30.0.1

# ESP in UDP has no checksum, and nft's `set` makes a wrong one of that: 0 again.

# branch_nat OUTSIDE PORT: what the branch sends from 10.0.0.2:4500 comes from there.
branch_nat()
{
	in_ns "$transit" nft -f - <<-NFT
	table ip natb
	delete table ip natb
	table ip natb {
		chain out {
			type filter hook postrouting priority 100;
			ip saddr $branch_addr udp sport 4500 udp checksum 0 udp sport set $2 ip saddr set $1 udp checksum set 0
			ip saddr $branch_addr udp sport 4500 udp sport set $2 ip saddr set $1
			ip saddr $branch_addr ip saddr set $1
		}
		chain back {
			type filter hook prerouting priority -200;
			ip daddr $1 udp dport $2 udp checksum 0 udp dport set 4500 ip daddr set $branch_addr udp checksum set 0
			ip daddr $1 udp dport $2 udp dport set 4500 ip daddr set $branch_addr
			ip daddr $1 udp dport 500 ip daddr set $branch_addr
		}
	}
	NFT
}

# hub_nat PORT: hub 1 is known as $public, its port 4500 as PORT when it speaks first.
hub_nat()
{
	in_ns "$transit" nft -f - <<-NFT
	table ip nath
	delete table ip nath
	table ip nath {
		chain out {
			type filter hook postrouting priority 100;
			ip saddr $h1 udp sport 4500 udp checksum 0 udp sport set $1 ip saddr set $public udp checksum set 0
			ip saddr $h1 udp sport 4500 udp sport set $1 ip saddr set $public
			ip saddr $h1 ip saddr set $public
		}
		chain back {
			type filter hook prerouting priority -200;
			ip daddr $public udp dport $1 udp checksum 0 udp dport set 4500 ip daddr set $h1 udp checksum set 0
			ip daddr $public udp dport $1 udp dport set 4500 ip daddr set $h1
			ip daddr $public udp dport 500 ip daddr set $h1
		}
	}
	NFT
}

answers() { wc -l 2>/dev/null <"$tmp/nat.answers" || echo 0; }
answers_more() { [ "$(answers)" -gt "$1" ]; }

# flows_again: packets go to the site and answers come back, from now on
flows_again()
{
	local before

	before=$(answers)
	wait_for 30 answers_more $((before + 5)) || fail "no answers any more"
}

encap() { ip -n "$1" xfrm state list src "$2" dst "$3" | sed -n 's/.*\(sport [0-9]* dport [0-9]*\).*/\1/p'; }

start()
{
	e2e_up 1 || return
	flow_listen sink "$site_host" "$flow_port" echo || return
	peer_stop hub1
	hub_start 1 "conn=remote_addrs = %any" || return
	branch_nat $outside1 5500
	e2e_conf "10 2 periodic" "set peer $h1" && e2e_agent || return
	flow_packet
	up_with $h1 30 || return
	expect "ports of the branch's outbound SA" "encap $branch $branch_addr $h1" "sport 4500 dport 4500" &&
	expect "ports of the hub's inbound SA" "encap $hub1 $outside1 $h1" "sport 5500 dport 4500" || return
	flow_start nat 200000
	flows_again && return
	for n in $branch $hub1; do in_ns $n ip -s xfrm state; in_ns $n cat /proc/net/xfrm_stat | grep -v " 0$"; done
	in_ns $site ip route; in_ns $hub1 ip xfrm policy
	wire_log | tail -20
	return 1
}

# The hub (strongSwan) follows by what it hears from us; our SAs stay as they are.
hub_follows()
{
	local spis

	spis=$(sa_spis "$branch" $branch_addr $h1)
	branch_nat "$@"
	flows_again || return
	expect "ports of the hub's inbound SA" "encap $hub1 $1 $h1" "sport $2 dport 4500" &&
	expect "SPIs" "sa_spis $branch $branch_addr $h1" "$spis"
}

hub_behind_nat()
{
	flow_stop
	agent_stop || return
	wait_for 30 sa_none "$hub1" $h1 $outside2 || fail "SAs are left at the hub" || return
	in_ns "$transit" nft delete table ip natb
	hub_nat 4500
	e2e_globals="crypto ikev2 keyring hubs
 peer one
  address $public
  identity address $h1
  pre-shared-key $psk"
	e2e_conf "10 2 periodic" "set peer $public" && e2e_agent || return
	rm -f "$tmp/nat.answers"
	flow_packet
	state_await 30 UP $public || fail "not up through the NAT before the hub" || return
	expect "ports of the outbound SA" "encap $branch $branch_addr $public" "sport 4500 dport 4500" || return
	flow_start nat 200000
	flows_again
}

# The port moves: our agent follows, with the SAs that are there (UPDSA).
we_follow()
{
	local spis

	spis=$(sa_spis "$branch" $branch_addr $public)
	hub_nat 7500
	# The hub speaks first: ESP from the site, and MAPPING says so.
	flow_start_site there 200000 20
	flows_again || return
	expect "ports of the outbound SA" "encap $branch $branch_addr $public" "sport 4500 dport 7500" &&
	expect "ports of the inbound SA" "encap $branch $public $branch_addr" "sport 7500 dport 4500" &&
	expect "SPIs" "sa_spis $branch $branch_addr $public" "$spis" || return
	grep -q "port moved from 4500 to 7500" "$tmp/agent.log" || fail "the log does not say so"
}

# DPD goes to the new port too: three INTERVALs later nothing has died.
still_alive()
{
	flow_stop
	sleep 35
	expect "state" map_state UP || return
	[ "$(grep -c dpd-timeout "$tmp/monitor.log")" = 0 ] || fail "a death"
}

test_case "branch behind a NAT: up, packets both ways" start || { finish; exit; }
test_case "the mapping's port moves: the hub follows" hub_follows $outside1 6500
test_case "the mapping's address moves: the hub follows" hub_follows $outside2 6500
test_case "hub behind a 1:1 NAT, its identity the address inside" hub_behind_nat
test_case "the hub's port moves: the agent follows, the SAs stay" we_follow
test_case "and liveness goes there too" still_alive
test_case "nothing in clear" nothing_in_clear
finish
