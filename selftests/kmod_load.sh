#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vm: --real-time --smp 2
#
# Races: the module comes and goes while SAs, rules, namespaces and dumps do.
# Nothing about time is asserted. That the kernel complains of nothing is
# asserted by the test machine.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

plan 6

seconds=${KMOD_LOAD_SECONDS:-8} loads=${KMOD_LOADS:-5} many=${KMOD_MANY:-5000}

setup()
{
	kmod_hosts && pair_add 1 || return
	sa_batch 0 200 add >"$tmp/add"
	sa_batch 0 200 delete >"$tmp/delete"
}

# sa_batch FIRST COUNT add|delete: lines for ip -batch
sa_batch()
{
	local i

	for ((i = $1; i < $1 + $2; i++)); do
		printf 'xfrm state %s src %s dst 10.1.%d.%d proto esp spi 0x%x' "$3" $addr_a \
			$((i / 200)) $((i % 200 + 1)) $((0x10000 + i))
		[ "$3" = delete ] || printf ' reqid %d mode transport auth hmac(sha1) %s enc cipher_null ""' \
			$((i * 7 % 31)) $auth_key
		echo
	done
}

# until $tmp/stop exists
until_stopped()
{
	while [ ! -e "$tmp/stop" ]; do
		"$@" >/dev/null 2>&1
	done
}

add_and_delete()
{
	ip -n "$a" -force -batch "$tmp/add"
	ip -n "$a" -force -batch "$tmp/delete"
}

add_and_flush()
{
	ip -n "$b" -force -batch "$tmp/add"
	ip -n "$b" xfrm state flush
}

namespaces_with_sas()
{
	local ns=load-$BASHPID-$RANDOM

	ip netns add "$ns"
	ip -n "$ns" xfrm state add src $addr_a dst $addr_b proto esp spi 0x77 reqid 1 mode transport \
		auth 'hmac(sha1)' $auth_key enc cipher_null '' limit time-hard 1
	in_ns "$ns" "$prefpeer" rule add remote 10.0.0.0/8 idle-time 200ms
	ip netns del "$ns"
}

rules_come_and_go()
{
	pp_a rule add remote 10.1.0.0/16 idle-time 100ms one-way 50ms
	pp_a rule add remote 10.1.0.0/24 idle-time 1s
	pp_a sa show
	pp_a pair show
	pp_a peer show
	pp_a rule del remote 10.1.0.0/16
	pp_a rule del remote 10.1.0.0/24
}

traffic()
{
	in_ns "$a" "$udpflow" send $addr_b 5001 500 2000
}

load_start()
{
	local f

	rm -f "$tmp/stop"
	for f in add_and_delete add_and_flush namespaces_with_sas rules_come_and_go traffic; do
		until_stopped $f &
		load_pids+=($!)
	done
	bg "$tmp/monitor.log" ip netns exec "$a" "$prefpeer" -j monitor sa pair peer rule
}

load_stop()
{
	touch "$tmp/stop"
	wait "${load_pids[@]}"
	load_pids=()
}

load_pids=()
on_exit 'touch "$tmp/stop"'

unload_under_load()
{
	local n=0

	load_start
	# So many, however long a busy machine takes for them.
	while [ $n -lt $loads ]; do
		insmod "$module_ko" || fail "load $n: $(dmesg | tail -n 3)" || return
		sleep 0.$((RANDOM % 10))
		module_unload 120 || return
		n=$((n + 1))
	done
	load_stop
	diag "$n loads under load"
}

stays_under_load()
{
	module_load && load_start || return
	sleep "$seconds"
	load_stop
	ip -n "$a" xfrm state flush
	ip -n "$b" xfrm state flush
	wait_for 120 stats_say "$a" 'o["sas"], o["pairs"]' "(0, 0)"
	wait_for 120 stats_say "$b" 'o["sas"]' 0
	expect "SAs in the end" "$(field_of "$a" 'o["sas"]' stats)" 0 &&
	expect "SAs in b" "$(field_of "$b" 'o["sas"]' stats)" 0 &&
	expect "pairs in the end" "$(field_of "$a" 'o["pairs"], o["peers"]' stats)" "(0, 0)"
}

# stats_say NS FIELDS VALUE
stats_say()
{
	[ "$(field_of "$1" "$2" stats)" = "$3" ]
}

# What lives throughout appears in a dump exactly once.
dump_under_churn()
{
	local i

	sa_batch 1000 3000 add >"$tmp/stay"
	ip -n "$a" -batch "$tmp/stay" || return
	rm -f "$tmp/stop"
	until_stopped add_and_delete &
	load_pids=($!)
	for i in 1 2 3 4 5; do
		expect "SAs that stay, in dump $i" \
			"$(field_of "$a" '1 if int(o["spi"], 16) >= 0x10000 + 1000 else ""' sa show | grep -c 1)" 3000 || return
	done
	load_stop
	ip -n "$a" xfrm state flush
}

# One pair of many members: reqid 0, two addresses.
many_in_one_pair()
{
	local i

	for ((i = 0; i < many; i++)); do
		printf 'xfrm state add src %s dst %s proto esp spi 0x%x reqid 0 mode transport auth hmac(sha1) %s enc cipher_null ""\n' \
			$addr_a $addr_b $((0x100000 + i)) $auth_key
	done >"$tmp/many"
	pp_a rule add remote $addr_b idle-time 2s >/dev/null
	ip -n "$a" -batch "$tmp/many" || return
	wait_for 120 pair_of_many_idle
	expect "pairs" "$(field_of "$a" 'o["sas_out"], o["state"]' pair show reqid 0)" "($many, 'idle')" || return
	ip -n "$a" xfrm state flush
	wait_for 120 stats_say "$a" 'o["pairs"]' 0
	expect "pairs after the flush" "$(field_of "$a" 'o["pairs"]' stats)" 0
}

pair_of_many_idle()
{
	[ "$(field_of "$a" 'o["sas_out"], o["state"]' pair show reqid 0)" = "($many, 'idle')" ]
}

# A listener that does not read is told of the loss, and numbers show the gap.
loss_is_visible()
{
	in_ns "$a" $python "$selftests_dir/kmod_loss.py" ip -batch "$tmp/many" >"$tmp/loss" 2>&1 ||
		fail "$(cat "$tmp/loss")"
	diag "$(cat "$tmp/loss")"
	ip -n "$a" xfrm state flush
}

test_case "hosts" setup || { finish; exit; }
test_case "unload under load" unload_under_load
test_case "under load, and nothing is left behind" stays_under_load
test_case "a dump under churn shows what stays exactly once" dump_under_churn
test_case "$many SAs in one pair" many_in_one_pair
test_case "a lost event is a gap and ENOBUFS" loss_is_visible
finish
