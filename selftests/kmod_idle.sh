#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Idle clocks: never early, and not later than kernel.md §3.1 allows. Time is
# virtual, so the bounds are exact and a day costs nothing.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

plan $((21 + ${KMOD_MANY:-0}))

times="100 250 500 999 1000 1500 2000 10000 60000 3600000 86400000"

setup()
{
	kmod_hosts && module_load && watch
}

# Pair R = place in $times, so that all of them run beside each other.
all_timeouts_start()
{
	local t r=0

	for t in $times; do
		r=$((r + 1))
		pp_a rule add remote $addr_b reqid $r idle-time "${t}ms" >/dev/null &&
		pair_add $r || return
	done
	sleep 1
	r=0
	: >"$tmp/sent"
	for t in $times; do
		r=$((r + 1))
		if [ $((r % 2)) = 0 ]; then outbound $r; else inbound $r; fi
		echo "$r $t $sent_ns" >>"$tmp/sent"
	done
	sleep 75
	# the short ones have spoken: let the wheels rest for the day to come
	for r in 1 2 3 4 5 6 7 8 9; do
		pp_a rule del remote $addr_b reqid $r || return
	done
	some_never_idle=$(now_ns)
	sleep 87100
	pp_a rule add remote $addr_b reqid 8 idle-time 10s >/dev/null &&
	pp_a rule add remote $addr_b reqid 9 idle-time 60s >/dev/null
}

# Stamp and last use of the verdict that followed a packet.
verdict_after()
{
	events "e.event == 'pair-idle' and e.reqid == $1 and e.stamp_ns > $2" \
		stamp_ns last_use_ns slack_ms | head -n 1
}

all_verdicts_in_time()
{
	local r t sent stamp last slack

	while read -r r t sent; do
		read -r stamp last slack <<<"$(verdict_after "$r" "$sent")"
		[ -n "$stamp" ] || fail "T=$t ms: no verdict" || return
		between "T=$t ms: verdict" $((stamp - sent)) $((t * 1000000)) \
			$((t * 1000000 + $(lateness "$t"))) || return
		between "T=$t ms: last use" $((last - sent)) 0 $((slack * 1000000 + 5000000)) || return
	done <"$tmp/sent"
}

one_verdict_per_episode()
{
	local r

	for r in 10 11; do
		expect "verdicts of pair $r" \
			"$(event_count "e.event == 'pair-idle' and e.reqid == $r and e.stamp_ns > $(awk -v r=$r '$1 == r { print $3 }' "$tmp/sent")")" 1 || return
	done
}

active_again()
{
	local before stamp

	sleep 15
	outbound 8
	before=$sent_ns
	sleep 3
	stamp=$(events "e.event == 'pair-active' and e.reqid == 8 and e.stamp_ns > $before" stamp_ns)
	[ -n "$stamp" ] || fail "no pair-active" || return
	between "pair-active after the packet" $((stamp - before)) 0 1800000000 || return
	sleep 14
	read -r stamp _ _ <<<"$(verdict_after 8 "$before")"
	[ -n "$stamp" ] || fail "no second verdict" || return
	between "second verdict" $((stamp - before)) 10000000000 $((10000000000 + $(lateness 10000)))
}

# keeps R T COUNT GAP DIRECTION…: packets in turn, GAP seconds apart, keep pair R
# with its timeout of T seconds from idling, up to T after the last of them.
keeps()
{
	local r=$1 t=$2 n=$3 gap=$4 i before

	shift 4
	before=$(now_ns)
	for ((i = 0; i < n; i++)); do
		"$1" "$r"
		set -- "${@:2}" "$1"
		sleep "$gap"
	done
	expect "verdicts of pair $r under traffic" \
		"$(event_count "e.event == 'pair-idle' and e.reqid == $r and $before < e.stamp_ns < $sent_ns + $t * 10 ** 9")" 0 || return
	# nothing else kept it: it idles when that ends
	sleep $((t + t / 8 + 2))
	idled_after "$r" "$sent_ns" || fail "pair $r does not idle at all"
}

idled_after()
{
	grep "\"pair-idle\".*\"reqid\":$1," "$tmp/events.log" | grep -o 'stamp_ns":[0-9]*' | tail -n 1 |
		awk -F: -v after="$2" '{ exit !($2 > after) }'
}

inbound_only_keeps()  { keeps 8 10 8 5 inbound && keeps 9 60 6 50 inbound; }
outbound_only_keeps() { keeps 8 10 8 5 outbound && keeps 9 60 6 50 outbound; }

# T = 10 s; each direction is quiet for 14 s, the pair for 7.
alternating_keeps()
{
	local before n

	before=$(now_ns)
	keeps 8 10 10 7 inbound outbound || return
	n=$(event_count "e.event == 'sa-idle' and e.reqid == 8 and e.stamp_ns > $before")
	[ "$n" -ge 4 ] || fail "only $n sa-idle: each SA should have been quiet for T"
}

rekey_inherits()
{
	local before stamp

	outbound 8
	before=$sent_ns
	sleep 6
	pair_sas 8 1 && sleep 1 && pair_sas_del 8 0 || return
	sleep 10
	read -r stamp _ _ <<<"$(verdict_after 8 "$before")"
	[ -n "$stamp" ] || fail "no verdict" || return
	between "verdict, from the packet before the rekey" $((stamp - before)) 10000000000 \
		$((10000000000 + $(lateness 10000)))
}

# The packet passes the old SA, which goes before anyone has looked at it.
delete_between_looks_counts()
{
	local stamp

	pair_sas 8 2 && sleep 5 || return
	outbound 8 && pair_sas_del 8 1 || return
	sleep 14
	read -r stamp _ _ <<<"$(verdict_after 8 "$sent_ns")"
	[ -n "$stamp" ] || fail "no verdict" || return
	between "verdict" $((stamp - sent_ns)) 10000000000 $((10000000000 + $(lateness 10000) + 1000000000)) &&
	expect "verdicts before it" \
		"$(event_count "e.event == 'pair-idle' and e.reqid == 8 and $sent_ns < e.stamp_ns < $sent_ns + 10 ** 10")" 0
}

rebuilt_starts_fresh()
{
	local before stamp

	pair_sas_del 8 2 && sleep 1
	pair_sas 8 3
	before=$(now_ns)
	sleep 13
	read -r stamp _ _ <<<"$(verdict_after 8 $((before - 1000000000)))"
	[ -n "$stamp" ] || fail "no verdict" || return
	between "verdict, from the new SAs" $((stamp - before)) $((9990000000 - 500000000)) \
		$((10000000000 + $(lateness 10000)))
}

clock_steps_are_harmless()
{
	local step before stamp

	pp_a rule set id "$(rule_id 8)" idle-time 600s || return
	for step in "+1 hour" "-1 hour" "-2 days" "+2 days"; do
		outbound 8
		before=$sent_ns
		sleep 100
		date -s "$step" >/dev/null
		outbound 8
		before=$sent_ns
		sleep 1000
		read -r stamp _ _ <<<"$(verdict_after 8 "$before")"
		[ -n "$stamp" ] || fail "step $step: no verdict" || return
		between "step $step: verdict" $((stamp - before)) 600000000000 \
			$((600000000000 + 300000000000 + $(lateness 600000))) || return
	done
}

# Between two looks, which are 300 s apart where lastused is kept: the packet is
# stamped 20 s too early, and nothing of it is left but a trace in the offset.
clock_there_and_back()
{
	local stamp

	outbound 8
	sleep 310
	date -s "-20 seconds" >/dev/null
	outbound 8
	date -s "+20 seconds" >/dev/null
	sleep 1000
	read -r stamp _ _ <<<"$(verdict_after 8 "$sent_ns")"
	[ -n "$stamp" ] || fail "no verdict" || return
	between "verdict" $((stamp - sent_ns)) 600000000000 \
		$((600000000000 + 300000000000 + $(lateness 600000)))
}

# Every change sweeps all pairs; T = 60 s is sampled every 7.5 s on 6.1.
rule_changes_put_nothing_off()
{
	local i stamp

	outbound 9
	for ((i = 0; i < 16; i++)); do
		sleep 5
		pp_a rule add remote 10.55.0.$i map m$i >/dev/null || return
	done
	read -r stamp _ _ <<<"$(verdict_after 9 "$sent_ns")"
	[ -n "$stamp" ] || fail "no verdict" || return
	between "verdict" $((stamp - sent_ns)) 60000000000 $((60000000000 + $(lateness 60000)))
}

one_sided_is_flagged()
{
	pp_a rule add remote $addr_b reqid 30 idle-time 5s >/dev/null || return
	sa_add "$a" $addr_a $addr_b 0x1030 30 || return
	sleep 8
	expect "flags" "$(events "e.event == 'pair-idle' and e.reqid == 30" flags)" \
		"$(events "e.event == 'pair-idle' and e.reqid == 30 and 'one-sided' in e.flags" flags)" || return
	expect "verdicts" "$(event_count "e.event == 'pair-idle' and e.reqid == 30 and 'one-sided' in e.flags")" 1 || return
	sa_add "$a" $addr_b $addr_a 0x2030 30 || return
	expect "flags with both sides" "$(field_of "$a" '"one-sided" in o["flags"]' pair show reqid 30)" False
}

no_timeout_no_verdict()
{
	pair_add 31 || return
	sleep 7200
	expect "verdicts without a rule" "$(event_count "e.event == 'pair-idle' and e.reqid == 31")" 0
}

sa_set_is_for_that_sa()
{
	local before

	pp_a sa set dst $addr_b proto esp spi $((0x1000 + 31)) idle-time 3s map own || return
	outbound 31
	before=$sent_ns
	sleep 8
	expect "sa-idle of it" \
		"$(events "e.event == 'sa-idle' and e.reqid == 31 and e.stamp_ns > $before" dir source)" "out sa" || return
	expect "verdicts on the pair" "$(event_count "e.event == 'pair-idle' and e.reqid == 31")" 0 || return
	pp_a sa set dst $addr_b proto esp spi $((0x1000 + 31)) none &&
	expect "source when cleared" "$(field_of "$a" 'o["source"]' sa show spi $((0x1000 + 31)))" none
}

expire_expires()
{
	pp_a rule add remote $addr_b reqid 32 idle-time 5s expire >/dev/null && pair_add 32 || return
	outbound 32
	sleep 10
	expect "how they went" "$(events "e.event == 'sa-gone' and e.reqid == 32" reason | sort -u)" expired &&
	expect "SAs left" "$(ip -n "$a" xfrm state list reqid 32 | wc -l)" 0 || return
	pp_a rule add remote $addr_b reqid 33 idle-time 5s expire >/dev/null &&
	sa_add "$a" $addr_a $addr_b 0x1033 33 || return
	sleep 10
	expect "verdicts on a one-sided pair" "$(event_count "e.event == 'pair-idle' and e.reqid == 33")" 1 &&
	expect "its SAs" "$(ip -n "$a" xfrm state list reqid 33 | grep -c '^src')" 1
}

peer_idle_is_all_pairs()
{
	local last

	expect "peer-idle so far, with pairs that never idle" \
		"$(event_count "e.event == 'peer-idle' and e.stamp_ns > $some_never_idle")" 0 || return
	ip -n "$a" xfrm state flush
	sleep 1
	pp_a rule add remote $addr_b idle-time 20s >/dev/null && pair_sas 40 && pair_sas 41 &&
	pair_policy 40 && pair_policy 41 || return
	sleep 5
	outbound 40
	sleep 7
	inbound 41
	last=$sent_ns
	sleep 30
	expect "peer-idle" "$(event_count "e.event == 'peer-idle' and e.stamp_ns > $last")" 1 || return
	between "peer-idle after the last packet of any pair" \
		$(($(events "e.event == 'peer-idle' and e.stamp_ns > $last" stamp_ns) - last)) 20000000000 \
		$((20000000000 + $(lateness 20000)))
}

# Nothing but the idle time has the peer looked at once it is idle.
peer_idles_again()
{
	local last

	outbound 40
	last=$sent_ns
	sleep 30
	expect "peer-idle of the second episode" "$(event_count "e.event == 'peer-idle' and e.stamp_ns > $last")" 1 || return
	between "peer-idle after the last packet" \
		$(($(events "e.event == 'peer-idle' and e.stamp_ns > $last" stamp_ns) - last)) 20000000000 \
		$((20000000000 + $(lateness 20000)))
}

# Semantics 2.3: who acts on a verdict asks once more.
pair_get_reads_now()
{
	local last

	outbound 40
	last=$(field_of "$a" 'o["last_use_ns"]' pair show reqid 40) || return
	[ "$last" -ge "$sent_ns" ] || fail "last use $last is before the packet $sent_ns"
}

# So many pairs in steps of 10 ms that the worker never comes to their end. With
# KMOD_MANY=1: it takes minutes, and nobody has seen it end yet.
fine_wheel_leaves_the_coarse_one_its_share()
{
	local n looks stamp

	ip -n "$a" xfrm state flush
	echo 100000 >/sys/module/prefpeer/parameters/max_fine
	pp_a rule add remote $addr_b reqid 60 idle-time 3s >/dev/null && pair_sas 60 && pair_policy 60 || return
	for ((n = 0; n < 10000; n++)); do
		printf 'xfrm state add src %s dst %s proto esp spi 0x%x reqid %d mode transport auth hmac(sha1) %s enc cipher_null ""\n' \
			$addr_a $addr_b $((0x100000 + n)) $((1000 + n)) $auth_key
	done >"$tmp/fine"
	pp_a rule add remote $addr_b/31 idle-time 100ms >/dev/null &&
	ip -n "$a" -batch "$tmp/fine" || return
	outbound 60
	looks=$(field_of "$a" 'o["looks"]' stats)
	sleep 6
	looks=$(($(field_of "$a" 'o["looks"]' stats) - looks))
	echo 1024 >/sys/module/prefpeer/parameters/max_fine
	[ $looks -lt $((10000 * 50 * 6)) ] || fail "the machine is too fast: all $looks looks were in time" || return
	read -r stamp _ _ <<<"$(verdict_after 60 "$sent_ns")"
	ip -n "$a" xfrm state flush
	[ -n "$stamp" ] || fail "no verdict" || return
	diag "$looks looks in 6 s"
	between "verdict of a coarse one" $((stamp - sent_ns)) 3000000000 $((3000000000 + $(lateness 3000) + 500000000))
}

fine_wheel_is_limited()
{
	local n

	echo 2 >/sys/module/prefpeer/parameters/max_fine
	for n in 51 52 53 54; do
		pp_a rule add remote $addr_b reqid $n idle-time 200ms >/dev/null && pair_sas $n || return
	done
	sleep 5
	echo 1024 >/sys/module/prefpeer/parameters/max_fine
	expect "pairs on the fine wheel" \
		"$(field_of "$a" 'o["reqid"] > 50 and "fine" in o["flags"]' pair show | grep -c True)" 2 &&
	expect "verdicts" "$(event_count "e.event == 'pair-idle' and 50 < e.reqid < 60")" 4
}

test_case "hosts, module and monitor" setup || { finish; exit; }
all_timeouts_start
test_case "a verdict from 100 ms to a day: never early, late within bounds" all_verdicts_in_time
test_case "one verdict per episode" one_verdict_per_episode
test_case "a packet makes an idle pair active, and it idles again" active_again
test_case "case 16: inbound traffic alone keeps a pair" inbound_only_keeps
test_case "case 17: outbound traffic alone keeps a pair" outbound_only_keeps
test_case "case 41: alternating directions, each SA quiet for T: no verdict" alternating_keeps
test_case "case 19: a rekeyed SA inherits the clock" rekey_inherits
test_case "a packet through an SA that is deleted before a look counts" delete_between_looks_counts
test_case "a pair built anew starts a new clock" rebuilt_starts_fresh
test_case "steps of the wall clock make no verdict early" clock_steps_are_harmless
test_case "nor does one that is set and set back between two looks" clock_there_and_back
test_case "changes of rules put no verdict off" rule_changes_put_nothing_off
test_case "a one-sided pair is judged, and flagged" one_sided_is_flagged
test_case "no idle time, no verdict" no_timeout_no_verdict
test_case "sa-set is for that SA alone" sa_set_is_for_that_sa
test_case "expire removes a two-sided pair, not a one-sided one" expire_expires
test_case "peer-idle needs all pairs" peer_idle_is_all_pairs
test_case "a second episode: a second peer-idle" peer_idles_again
test_case "pair-get reads the counters now" pair_get_reads_now
test_case "beyond max_fine a pair is timed coarsely" fine_wheel_is_limited
[ -z "$KMOD_MANY" ] || test_case "too many on the fine wheel hold nothing up on the coarse one" fine_wheel_leaves_the_coarse_one_its_share
finish
