#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vm: --real-time --smp 2
#
# Ends of SAs at full speed on both CPUs while dumps run; limits that every packet
# meets; a listener that does not read while the family goes and another comes; the
# module coming and going, as often as KMOD_LOADS says. The test machine sees that the
# kernel complains of nothing.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

plan 6

many=${KMOD_MANY:-1000}

setup()
{
	kmod_hosts && module_load && pair_add 1
}

stats_say() { [ "$(field_of "$a" "$1" stats)" = "$2" ]; }
xfrm_objects() { awk '$1 == "xfrm_state" { print $2 }' /proc/slabinfo; }

# sas_of RANGE_START COUNT: lines for ip -batch, all in one pair
sas_of()
{
	local i

	for ((i = $1; i < $1 + $2; i++)); do
		printf 'xfrm state add src %s dst %s proto esp spi 0x%x reqid 5 mode transport auth hmac(sha1) %s enc cipher_null ""\n' \
			$addr_a $addr_b "$i" $auth_key
	done
}

# A hard EXPIRE of user space tells the managers under x->lock, before the delete.
expired_on_both_cpus()
{
	local pids=() half=$((many / 2)) dump

	bg "$tmp/heard.log" ip netns exec "$a" "$prefpeer" -j monitor sa
	dump=$bg_pid
	sas_of 0x10000 "$many" >"$tmp/batch"
	ip -n "$a" -batch "$tmp/batch" || return
	wait_for 60 stats_say 'o["sas"]' $((many + 2))
	rm -f "$tmp/stop"
	while [ ! -e "$tmp/stop" ]; do pp_a -j sa show >/dev/null; done &
	pids+=($!)
	in_ns "$a" taskset -c 0 $python "$selftests_dir/xfrm_expire.py" --hard $addr_b 10000 $half &
	pids+=($!)
	in_ns "$a" taskset -c 1 $python "$selftests_dir/xfrm_expire.py" --hard $addr_b \
		"$(printf %x $((0x10000 + half)))" $((many - half)) || { touch "$tmp/stop"; return 1; }
	wait "${pids[1]}" || { touch "$tmp/stop"; return 1; }
	touch "$tmp/stop"
	wait "${pids[0]}"
	wait_for 60 stats_say 'o["sas"]' 2
	expect "SAs left" "$(field_of "$a" 'o["sas"]' stats)" 2 || return
	wait_for 60 heard_gone "$many"
	kill "$dump"
	expect "ends that were told of" \
		"$(events_of heard "e.event == 'sa-gone' and e.reason == 'expired'" spi | sort -u | wc -l)" "$many"
}

heard_gone() { [ "$(grep -c '"sa-gone"' "$tmp/heard.log")" -ge "$1" ]; }

# Each packet ends its SA; what pins it must let go of every one.
limits_of_one_packet()
{
	local i before after

	before=$(xfrm_objects)
	for ((i = 0; i < 100; i++)); do
		sa_del "$a" $addr_a $addr_b 0x1001 2>/dev/null
		sa_add "$a" $addr_a $addr_b 0x1001 1 limit packet-hard 1 || return
		in_ns "$a" "$udpflow" send $addr_b 5001 1000 3 >/dev/null 2>&1
	done
	sa_del "$a" $addr_a $addr_b 0x1001 2>/dev/null
	wait_for 60 stats_say 'o["sas"]' 1
	expect "SAs that are tracked" "$(field_of "$a" 'o["sas"]' stats)" 1 || return
	[ -n "$before" ] || return 0
	wait_for 60 objects_back "$before"
	after=$(xfrm_objects)
	[ "$after" -le "$((before + 8))" ] || fail "xfrm_state in use: $before before, $after after"
}

# The last ones wait for RCU, and the slab for its turn.
objects_back() { [ "$(xfrm_objects)" -le $(($1 + 8)) ]; }

# Whoever does not read keeps what was sent; the family goes, another comes, which may
# get its groups: that one's events are not for those who listened to ours.
another_family_meanwhile()
{
	bg "$tmp/other.log" ip netns exec "$a" $python "$selftests_dir/kmod_other.py"
	wait_for 20 grep -q joined "$tmp/other.log" || fail "$(cat "$tmp/other.log")" || return
	sas_of 0x20000 50 >"$tmp/batch"
	ip -n "$a" -batch "$tmp/batch" && ip -n "$a" xfrm state flush || return
	wait_for 20 unread || fail "nothing waits to be read" || return
	module_unload 60 || return
	modprobe team 2>/dev/null || modprobe l2tp_netlink || return
	ip -n "$a" link add name team7 type team 2>/dev/null && ip -n "$a" link del team7
	echo read >"$tmp/go"
	kill -USR1 "$bg_pid"
	wait "$bg_pid" || fail "$(cat "$tmp/other.log")" || return
	diag "$(tail -n 1 "$tmp/other.log")"
	modprobe -r team l2tp_netlink 2>/dev/null
	module_load
}

# bytes that wait in a socket of generic netlink
unread() { in_ns "$a" awk '$2 == 16 && $5 > 0 { found = 1 } END { exit !found }' /proc/net/netlink; }

# With SAs, a rule, a listener, work pending.
namespaces_end_with_all_they_have()
{
	local i n listeners=()

	for i in $(seq 1 20); do
		n=ending-$$-$i
		ip netns add "$n" && sa_add "$n" $addr_a $addr_b 0x77 1 && sa_add "$n" $addr_b $addr_a 0x78 1 || return
		in_ns "$n" "$prefpeer" rule add remote 10.0.0.0/8 idle-time 100ms one-way 50ms >/dev/null || return
		in_ns "$n" timeout 2 "$prefpeer" -j monitor sa pair >/dev/null 2>&1 &
		listeners+=($!)
		sleep 0.$((i % 3))
		ip netns del "$n"
	done
	wait "${listeners[@]}"
	expect "SAs of the namespace that stays" "$(field_of "$a" 'o["sas"]' stats)" "$(ip -n "$a" xfrm state list | grep -c '^src')"
}

loads()
{
	local n=0 total=${KMOD_LOADS:-10} pids=()

	rm -f "$tmp/stop"
	while [ ! -e "$tmp/stop" ]; do in_ns "$a" "$udpflow" send $addr_b 5001 500 500 >/dev/null 2>&1; done &
	pids+=($!)
	while [ ! -e "$tmp/stop" ]; do
		ip -n "$a" -force -batch "$tmp/batch" >/dev/null 2>&1
		ip -n "$a" xfrm state flush
		pair_sas 1
	done >/dev/null 2>&1 &
	pids+=($!)
	while [ $n -lt "$total" ]; do
		module_unload 120 && insmod "$module_ko" || { touch "$tmp/stop"; return 1; }
		n=$((n + 1))
	done
	touch "$tmp/stop"
	wait "${pids[@]}"
	diag "$n times"
}

test_case "hosts, module and a pair" setup || { finish; exit; }
test_case "$many hard EXPIREs of user space on both CPUs, dumps meanwhile" expired_on_both_cpus
test_case "hard_packet_limit 1, over and over" limits_of_one_packet
test_case "events unread, the family gone, another come" another_family_meanwhile
test_case "namespaces end with all they have" namespaces_end_with_all_they_have
test_case "the module comes and goes under traffic and churn" loads
finish
