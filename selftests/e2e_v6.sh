#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The failover of e2e_failover.sh over IPv6, outside and inside.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 5

g1=2001:db8:1::1 g2=2001:db8:2::2

conf6()
{
	cat >"$tmp/prefpeer.conf" <<-CONF
	crypto ikev2 keyring hubs
	 peer one
	  address $g1
	  pre-shared-key $psk
	 peer two
	  address $g2
	  pre-shared-key $psk
	crypto ikev2 dpd 10 2 periodic
	crypto ipsec transform-set ts esp-gcm 128
	ipv6 access-list tosite
	 permit ipv6 $lan_net6 $site_net6
	crypto map ipv6 tohub 1 ipsec-isakmp
	 set peer $g1 default
	 set peer $g2
	 set transform-set ts
	 match address tosite
	interface wan0
	 crypto map tohub
	CONF
	agent_conf_mode
}

up6() { state_await "$2" UP "$1" && wait_for 10 sa_up "$branch" $branch_addr6 "$1"; }

start()
{
	e2e_up 2 && conf6 && e2e_agent
}

default_first()
{
	local t

	t=$(now_ns)
	flow_listen six $site_host6 && flow_start six 10000 0 $site_host6
	up6 $g1 30 || fail "not up with $g1" || return
	wait_for 10 flow_more six 100 || fail "no traffic through $g1" || return
	capture_sync
	expect "tried" "init_order $t 0 $branch_addr6" $g1
}

failover()
{
	cut_ns=$(now_ns)
	hub_cut 1
	up6 $g2 40 || fail "not on $g2" || return
	capture_sync
	expect "tried" "init_order $cut_ns 0 $branch_addr6" "$g1 $g2" || return
	within "ms from cut to the second peer" "$(ms_between "$cut_ns" "$(now_ns)")" 10000 27500
}

home()
{
	local t

	hub_restore 1
	t=$(now_ns)
	hub_cut 2
	up6 $g1 40 || fail "not home" || return
	capture_sync
	expect "tried" "init_order $t 0 $branch_addr6" $g1 || return
	hub_restore 2
}

silent_at_first()
{
	local t

	agent_stop && hub_cut 1 && t=$(now_ns) && e2e_agent || return
	up6 $g2 40 || fail "not on $g2" || return
	capture_sync
	expect "tried" "init_order $t 0 $branch_addr6" "$g1 $g2" && nothing_in_clear
}

test_case "IPv6 branch and hubs" start || { finish; exit; }
test_case "case 33: IPv6, case 5: the default peer first" default_first
test_case "case 33: IPv6, case 7: its death: default tried, then the second" failover
test_case "case 33: IPv6, case 7: the second dies: home" home
test_case "case 33: IPv6, case 6: default silent at first; case 30: nothing in clear" silent_at_first
finish
