#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.1
#
# Over IPv6 outside: what e2e_walk.sh and e2e_idle.sh see over IPv4. Then both
# mixes, IPv4 within IPv6 and IPv6 within IPv4.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 10

g1=2001:db8:1::1 g2=2001:db8:2::2 g3=2001:db8:3::3

# conf6 KIND ACL LINE…: KIND is "ipv6 " or nothing, ACL tosite6 or 101
conf6()
{
	local kind=$1 acl=$2 line n

	shift 2
	{
		agent_conf_keys
		echo "crypto ikev2 keyring hubs"
		for n in 1 2 3; do
			echo " peer hub$n"
			echo "  address $(hub_addr6 $n)"
			echo "  pre-shared-key $psk"
		done
		echo "crypto ikev2 dpd 10 2 periodic"
		echo "crypto ipsec transform-set ts esp-gcm 128"
		echo "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255"
		echo "ipv6 access-list tosite6"
		echo " permit ipv6 $lan_net6 $site_net6"
		echo "crypto map ${kind}tohub 1 ipsec-isakmp"
		for line in "$@"; do
			echo " $line"
		done
		echo " set transform-set ts"
		echo " match address $acl"
		echo "interface wan0"
		echo " crypto map tohub"
	} >"$tmp/prefpeer.conf"
	agent_conf_mode
	e2e_agent
}

up6() { state_await "$2" UP "$1" && wait_for 10 sa_up "$branch" $branch_addr6 "$1"; }
order6() { init_order "$1" "" $branch_addr6; }
packet6() { flow_packet $site_host6; }

start()
{
	e2e_up 3 && quiet_listeners && flow_listen quiet66 $site_host6
}

two_dead()
{
	local t

	hub_cut 1
	conf6 "ipv6 " tosite6 "set peer $g1 default" "set peer $g2" "set peer $g3" || return
	flow_start six 20000 0 $site_host6
	up6 $g2 40 || fail "not on $g2" || return
	t=$(now_ns)
	hub_cut 2
	up6 $g3 120 || fail "not on $g3" || return
	flow_stop
	capture_sync
	expect "tried" "order6 $t" "$g1 $g2 $g3" || return
	hub_restore 1; hub_restore 2
}

no_default_goes_on()
{
	local t

	conf6 "ipv6 " tosite6 "set peer $g1" "set peer $g2" "set peer $g3" || return
	packet6
	up6 $g1 20 || fail "not on $g1" || return
	t=$(now_ns)
	hub_cut 1
	state_await 40 DOWN || fail "the death was not noticed" || return
	expect "current peer" current_peer $g1 && expect "next attempt" next_peer $g2 || return
	packet6
	up6 $g2 20 || fail "not on $g2" || return
	capture_sync
	expect "tried" "order6 $t" $g2 || return
	hub_restore 1
}

# on_second LINE…: up with the second, the first is back
on_second()
{
	hub_cut 1
	conf6 "ipv6 " tosite6 "$@" || return
	packet6
	up6 $g2 40 || fail "not on $g2" || return
	hub_restore 1
}

# idle_end: one packet, then silence: not before 60 s, and not long after
idle_end()
{
	local last

	packet6
	last=$(last_esp_ns)
	state_await 100 DOWN || fail "not idle" || return
	within "ms from the last packet to the verdict" "$(ms_between "$last" "$(state_ns DOWN)")" 60000 70000
}

idle_goes_home()
{
	local t

	on_second "set peer $g1 default" "set peer $g2" "set security-association idle-time 60 default" &&
	idle_end || return
	capture_sync
	[ "$(ike_count $g2 INFORMATIONAL "$(state_ns DOWN)")" -ge 1 ] || fail "no DELETE" || return
	expect "current peer" current_peer $g2 && expect "next attempt" next_peer $g1 &&
	expect "reason" "state_event DOWN reason" idle-default || return
	t=$(now_ns)
	sleep 60
	capture_sync
	[ "$(wire_count ' ike ' "$t")" -eq 0 ] || fail "IKE messages while nothing is needed" || return
	packet6
	up6 $g1 20 || fail "not home" || return
	capture_sync
	expect "tried" "order6 $t" $g1
}

# idle_stays LINE…: the next attempt is to the second, and gets there
idle_stays()
{
	local t

	on_second "$@" && idle_end || return
	expect "next attempt" next_peer $g2 || return
	t=$(now_ns)
	packet6
	up6 $g2 20 || fail "not on $g2 again" || return
	capture_sync
	expect "tried" "order6 $t" $g2
}

# passes NAME: from now on
passes() { wait_for 10 flow_more "$1" "$(flow_received "$1")"; }

four_in_six()
{
	local t

	conf6 "ipv6 " 101 "set peer $g1 default" "set peer $g2" || return
	flow_listen four46 $site_host 5004 && flow_start four46 10000 0 $site_host 5004
	up6 $g1 20 && passes four46 || fail "nothing passes through $g1" || return
	t=$(now_ns)
	hub_cut 1
	up6 $g2 40 && passes four46 || fail "nothing passes through $g2" || return
	flow_stop
	capture_sync
	expect "tried" "order6 $t" "$g1 $g2" || return
	[ "$(wire_count " esp $branch_addr6 $g2 " "$t")" -gt 0 ] || fail "no ESP over IPv6" || return
	hub_restore 1
}

six_in_four()
{
	local t

	conf6 "" tosite6 "set peer $h1 default" "set peer $h2" || return
	flow_listen six64 $site_host6 5006 && flow_start six64 10000 0 $site_host6 5006
	up_with $h1 20 && passes six64 || fail "nothing passes through $h1" || return
	t=$(now_ns)
	hub_cut 1
	up_with $h2 40 && passes six64 || fail "nothing passes through $h2" || return
	flow_stop
	capture_sync
	expect "tried" "init_order $t" "$h1 $h2" || return
	[ "$(wire_count " esp $branch_addr $h2 " "$t")" -gt 0 ] || fail "no ESP over IPv4" || return
	hub_restore 1
}

# Idle in a mix: the clock is the pair's, whatever family it carries.
six_in_four_idles()
{
	hub_cut 1
	conf6 "" tosite6 "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default" || return
	packet6
	up_with $h2 40 || fail "not on $h2" || return
	hub_restore 1
	idle_end && expect "next attempt" next_peer $h1
}

test_case "IPv6 branch and three hubs" start || { finish; exit; }
test_case "case 33: IPv6, case 8: second and default dead: default, second, third" two_dead
test_case "case 33: IPv6, case 9: no default: shown peer stays, next attempt is the next" no_default_goes_on
test_case "case 33: IPv6, case 10: idle 60 s with default: home with the next packet" idle_goes_home
test_case "case 33: IPv6, case 11: plain timer: the peer stays" idle_stays \
	"set peer $g1 default" "set peer $g2" "set security-association idle-time 60"
test_case "case 33: IPv6, case 12: default timer without a default peer: the peer stays" idle_stays \
	"set peer $g1" "set peer $g2" "set security-association idle-time 60 default"
test_case "IPv4 within IPv6: up, and over to the second" four_in_six
test_case "IPv6 within IPv4: up, and over to the second" six_in_four
test_case "IPv6 within IPv4: idle end goes home" six_in_four_idles
test_case "case 30: nothing in clear in any of it" nothing_in_clear
finish
