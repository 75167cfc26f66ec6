#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name, it takes minutes
#
# Two entries, each with a default of its own that is silent, share their second
# peer and one IKE SA to it. Line of entry 1: lan; of entry 2: host 172.16.1.1.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 15

host2=172.16.1.1

packet()
{
	if [ "$1" = 1 ]; then
		flow_packet
	else
		in_ns "$lan" ping -q -c 1 -W 0.1 -I $host2 $site_host >/dev/null
		return 0
	fi
}

entry_is() { [ "$(map_state tohub "$1")" = "$2" ]; }
pair_of() { map_value '"%s %s" % (o.lines[0].spi_in, o.lines[0].spi_out) if o.lines[0].spi_out else ""' tohub "$1"; }
reason_of()
{
	json_log "last(e for e in l if e.event == 'map-state' and e.seq == $1 and e.to == 'DOWN').reason" "$tmp/monitor.log"
}
hub_ike() { swanctl_of hub2 --list-sas | grep -c ESTABLISHED; }
hub_pairs() { swanctl_of hub2 --list-sas | grep -c INSTALLED; }
hub_is() { [ "$(hub_ike) $(hub_pairs)" = "$1 $2" ]; }
hub_set_ups() { grep -c 'IKE_SA branch4\[[0-9]*\] established' "$tmp/hub2.log"; }

start()
{
	e2e_up 3 && quiet_listeners || return
	ip -n "$lan" addr add $host2/32 dev lo
	ip -n "$branch" route add $host2/32 via $lan_host
	# What an echo would be answered with is traffic, too.
	sysctl_ns "$site" net.ipv4.icmp_echo_ignore_all=1
	peer_stop hub2 && hub_start 2 remote_ts="$lan_net,$host2/32" || return
	e2e_more="access-list 102 permit ip host $host2 192.168.2.0 0.0.0.255
crypto map tohub 2 ipsec-isakmp
 set peer $h3 default
 set peer $h2
 set security-association idle-time 60 default
 set transform-set ts
 match address 102"
	e2e_conf "milliseconds 2000 500 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default"
	hub_cut 1 && hub_cut 3
}

# both_up ORDER: "1 2": entry 1 first and alone; "joined": one in the other's set-up
both_up()
{
	local first=${1% *} set_ups

	e2e_agent || return
	set_ups=$(hub_set_ups)
	if [ "$1" = joined ]; then
		hub_delay 2 500
		packet 1
		packet 2
	else
		packet "$first"
		wait_for 30 entry_is "$first" UP || fail "entry $first is not up" || return
		packet "${1#* }"
	fi
	wait_for 30 entry_is 1 UP && wait_for 30 entry_is 2 UP || fail "not both are up" || return
	[ "$1" != joined ] || hub_delay_off 2
	hub_is 1 2 || fail "not one IKE SA and two pairs: $(swanctl_of hub2 --list-sas)" || return
	expect "IKE SAs set up" hub_set_ups $((set_ups + 1))
}

# busy SEQ SECONDS: a packet every 20 s
busy()
{
	local i

	for ((i = 0; i < $2; i += 20)); do
		packet "$1"
		sleep 20
	done
}

# idles ONE OTHER ONE'S_DEFAULT: ONE idles out, OTHER notices nothing
idles()
{
	local pair set_ups

	pair=$(pair_of "$2")
	set_ups=$(hub_set_ups)
	busy "$2" 80
	entry_is "$1" DOWN || fail "entry $1 did not idle out" || return
	expect "next attempt of entry $1" "next_peer tohub $1" "$3" &&
	expect "its current peer" "current_peer tohub $1" $h2 &&
	expect "pair of entry $2" "pair_of $2" "$pair" || return
	wait_for 5 hub_is 1 1 || fail "the IKE SA of entry $2: $(swanctl_of hub2 --list-sas)" || return
	packet "$1"
	wait_for 30 entry_is "$1" UP || fail "entry $1 is not up again" || return
	hub_is 1 2 || fail "after that: $(swanctl_of hub2 --list-sas)" || return
	expect "IKE SAs set up for it" hub_set_ups "$set_ups" &&
	expect "pair of entry $2" "pair_of $2" "$pair"
}

idle_of_each_and_of_both()
{
	both_up "$1" && idles 1 2 $h1 && idles 2 1 $h3 || return
	sleep 70
	entry_is 1 DOWN && entry_is 2 DOWN || fail "not both idled out" || return
	wait_for 5 hub_is 0 0 || fail "the IKE SA is left: $(swanctl_of hub2 --list-sas)"
}

# The pair of one, then both sessions.
clear_of_each_and_of_both()
{
	local one=${1% *} other=${1#* } pair

	[ "$1" != joined ] || one=1 other=2
	both_up "$1" || return
	pair=$(pair_of "$other")
	pp sa clear map tohub "$one" || fail "sa clear map: $(pp sa clear map tohub "$one" 2>&1)" || return
	wait_for 5 hub_is 1 1 || fail "after sa clear: $(swanctl_of hub2 --list-sas)" || return
	expect "next attempt of entry $one" "next_peer tohub $one" $h2 &&
	expect "pair of entry $other" "pair_of $other" "$pair" || return
	packet "$one"
	wait_for 10 entry_is "$one" UP && hub_is 1 2 || fail "entry $one is not up beside it" || return
	pp map reset tohub "$one" || return
	wait_for 5 entry_is "$other" DOWN || fail "entry $other keeps what was closed" || return
	expect "reason of entry $one" "reason_of $one" reset &&
	expect "reason of entry $other" "reason_of $other" shared-closed &&
	expect "next attempt of entry $other" "next_peer tohub $other" $h2 || return
	wait_for 5 hub_is 0 0 || fail "SAs are left: $(swanctl_of hub2 --list-sas)" || return
	[ "$(next_peer tohub "$one")" != $h2 ] || fail "a cleared session does not go home"
}

death_takes_both()
{
	both_up "$1" || return
	packet 1
	packet 2
	hub_cut 2
	wait_for 30 entry_is 1 DOWN && wait_for 30 entry_is 2 DOWN || fail "not both are down" || return
	expect "reason of entry 1" "reason_of 1" dpd-timeout &&
	expect "reason of entry 2" "reason_of 2" dpd-timeout &&
	expect "next attempt of entry 1" "next_peer tohub 1" $h1 &&
	expect "next attempt of entry 2" "next_peer tohub 2" $h3 || return
	peer_is_gone $h2 || fail "SAs with the dead peer are left" || return
	hub_restore 2
	swanctl_of hub2 --terminate --ike branch4 --force >/dev/null 2>&1
	packet 2
	wait_for 30 entry_is 2 UP || fail "entry 2 is not up again"
}

# A pair is deleted by the peer, without traffic: the other entry keeps the IKE SA.
peer_deletes_one()
{
	local id pair

	both_up "$1" || return
	pair=$(pair_of 1)
	sleep 12
	packet 1
	id=$(hub_child_of $host2)
	[ -n "$id" ] || fail "no pair of entry 2 at the hub: $(swanctl_of hub2 --list-sas)" || return
	swanctl_of hub2 --terminate --child-id "$id" >/dev/null 2>&1
	wait_for 5 entry_is 2 DOWN || fail "entry 2 is not down" || return
	expect "reason of entry 2" "reason_of 2" peer-delete &&
	expect "next attempt of entry 2" "next_peer tohub 2" $h3 &&
	expect "pair of entry 1" "pair_of 1" "$pair" &&
	expect "IKE SAs at the hub" hub_ike 1
}

# hub_child_of HOST: number of the child SA whose remote side is that
hub_child_of()
{
	swanctl_of hub2 --list-sas | awk -v host="$1/32" '
		/INSTALLED/ { match($0, /#[0-9]+/); id = substr($0, RSTART + 1, RLENGTH - 1) }
		/remote/ && index($0, host) { print id; exit }'
}

# In the set-up of the other, when that one is cleared: it takes the set-up over.
set_up_is_taken_over()
{
	local set_ups

	e2e_agent || return
	set_ups=$(hub_set_ups)
	# IKE_AUTH and CREATE_CHILD_SA have to fit into the Finish budget of 3 s.
	hub_delay 2 1200
	packet 1
	packet 2
	wait_for 30 tries_second 1 && wait_for 30 tries_second 2 || fail "they do not try $h2" || return
	pp map reset tohub 1 || return
	wait_for 30 entry_is 2 UP || fail "entry 2 did not take the set-up over" || return
	hub_delay_off 2
	entry_is 1 DOWN || fail "entry 1 is up" || return
	# The pair that came with the set-up was the first entry's: its DELETE waits behind the
	# request for the other's, and what was still under way went with the delay.
	wait_for 10 hub_is 1 1 || fail "at the hub: $(swanctl_of hub2 --list-sas)" || return
	expect "IKE SAs set up" hub_set_ups $((set_ups + 1))
}

tries_second() { [ "$(map_get .trying tohub "$1")" = $h2 ]; }

test_case "two entries, three hubs" start || { finish; exit; }
for order in "1 2" "2 1" joined; do
	test_case "case 49: set up $order: idle-out of each and of both" idle_of_each_and_of_both "$order"
	test_case "case 49: set up $order: clear of each and of both" clear_of_each_and_of_both "$order"
	test_case "case 49: set up $order: death" death_takes_both "$order"
	test_case "case 49: set up $order: the peer deletes the pair of one" peer_deletes_one "$order"
done
test_case "case 49: whoever joined takes the set-up over" set_up_is_taken_over
test_case "case 30: nothing in clear in any of it" nothing_in_clear
finish
