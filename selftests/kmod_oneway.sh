#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One-way: traffic goes out, nothing comes in.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

plan 11

w=10	# seconds

setup()
{
	kmod_hosts && module_load && watch || return
	pp_a rule add remote $addr_b reqid 1 one-way ${w}s >/dev/null && pair_add 1 || return
	sleep 2
}

# one_way FROM [TO]: stamps of the verdicts in between
one_way()
{
	events "e.event == 'peer-one-way' and $1 < e.stamp_ns < ${2:-10 ** 20}" stamp_ns
}

# out_for SECONDS: one packet a second; the first in $first_ns
out_for()
{
	local i

	outbound 1
	first_ns=$sent_ns
	for ((i = 1; i < $1; i++)); do
		sleep 1
		outbound 1
	done
}

# Looks come every W/8, and the counters of 6.1 and 6.12 serve alike.
slack_ns=$((w * 1000000000 / 8 + 530000000))

first_verdict_is_in_time()
{
	local stamp

	out_for 15
	stamp=$(one_way "$first_ns" | head -n 1)
	[ -n "$stamp" ] || fail "no verdict" || return
	between "verdict after the first packet" $((stamp - first_ns)) ${w}000000000 $((w * 1000000000 + slack_ns))
}

repeats_while_it_lasts()
{
	local stamps last=0 s repeat=0

	out_for 31
	stamps=$(one_way "$first_ns")
	[ "$(wc -w <<<"$stamps")" -ge 3 ] || fail "only these verdicts in 31 s: $stamps" || return
	for s in $stamps; do
		[ $last = 0 ] || between "between two verdicts" $((s - last)) ${w}000000000 $((w * 1000000000 + slack_ns)) || return
		last=$s
	done
	for s in $(events "e.event == 'peer-one-way'" repeat); do
		repeat=$((repeat + 1))
		expect "repeat" "$s" $repeat || return
	done
}

no_traffic_no_verdict()
{
	local from

	# at most one more, for what went out after the last verdict
	sleep 15
	from=$(now_ns)
	sleep 100
	expect "verdicts without traffic" "$(one_way "$from" | wc -l)" 0
}

# inbound traffic ends it, and says so
inbound_ends_it()
{
	local from

	from=$(now_ns)
	inbound 1
	sleep 3
	expect "peer-heard" "$(event_count "e.event == 'peer-heard' and e.stamp_ns > $from")" 1 || return
	from=$(now_ns)
	inbound 1
	sleep 3
	expect "peer-heard without an episode" "$(event_count "e.event == 'peer-heard' and e.stamp_ns > $from")" 0
}

# answers within W: never probed
answered_is_not_one_way()
{
	local from i

	from=$(now_ns)
	for ((i = 0; i < 10; i++)); do
		outbound 1
		sleep 3
		inbound 1
		sleep 1
	done
	expect "verdicts on an answered peer" "$(one_way "$from" "$sent_ns" | wc -l)" 0
}

# case 36: the first probe is answered, then the hub dies: noticed again
heard_then_dead()
{
	local from told stamp

	sleep 15
	out_for 14
	[ "$(one_way "$first_ns" | wc -l)" -ge 1 ] || fail "no first verdict" || return
	from=$(now_ns)
	# one more verdict may come while the message is on its way
	heard "$from" || return
	told=$(now_ns)
	sleep 1
	expect "peer-heard" "$(event_count "e.event == 'peer-heard' and e.stamp_ns == $from")" 1 || return
	out_for 16
	stamp=$(one_way "$told" | head -n 1)
	[ -n "$stamp" ] || fail "the later death is not noticed" || return
	# Counted from the first packet after it was heard: telling it takes as long as it takes.
	between "verdict after the first packet since it was heard" $((stamp - first_ns)) \
		${w}000000000 $((w * 1000000000 + 2 * slack_ns))
}

# heard STAMP [PEER_ID]: by the family's client of the tests, like the agent
heard()
{
	in_ns "$a" $python "$selftests_dir/kmod_heard.py" "$1" $addr_a $addr_b
}

stale_heard_changes_nothing()
{
	local first n

	inbound 1
	sleep 12
	first=$(now_ns)
	sleep 3
	out_for 5
	heard "$first" || return
	out_for 12
	n=$(one_way "$((first + 3000000000))" | wc -l)
	[ "$n" -ge 1 ] || fail "a message received before the first packet counts as its answer"
}

several_pairs_are_one_peer()
{
	local from

	inbound 1
	sleep 3
	pp_a rule add remote $addr_b reqid 2 one-way ${w}s >/dev/null && pair_add 2 || return
	sleep 2
	from=$(now_ns)
	for ((i = 0; i < 15; i++)); do
		outbound 1
		inbound 2
		sleep 1
	done
	expect "verdicts, with another pair's traffic coming in" "$(one_way "$from" "$sent_ns" | wc -l)" 0 &&
	expect "pairs of the peer" "$(field_of "$a" 'o["pairs"], o["sas_in"], o["sas_out"]' peer show remote $addr_b)" "(2, 2, 2)"
}

# W of a quarter of a second, on the fine wheel
sub_second()
{
	local stamp

	ip -n "$a" xfrm state flush
	pp_a rule add remote $addr_b reqid 3 one-way 250ms >/dev/null && pair_add 3 || return
	sleep 2
	outbound 3
	first_ns=$sent_ns
	sleep 3
	stamp=$(one_way "$first_ns" | head -n 1)
	[ -n "$stamp" ] || fail "no verdict" || return
	between "verdict" $((stamp - first_ns)) 250000000 $((250000000 + 50000000 + 50000000)) &&
	expect "flags" "$(field_of "$a" '"fine" in o["flags"]' peer show remote $addr_b)" True
}

peer_get_reads_now()
{
	local from age

	inbound 3
	from=$sent_ns
	age=$(field_of "$a" 'o["stamp_ns"] - o["last_in_ns"], o["last_in_ns"]' peer show remote $addr_b | tr -dc '0-9,')
	[ "${age#*,}" -ge "$from" ] || fail "last-in $age is before the packet $from"
}

test_case "hosts, module and monitor" setup || { finish; exit; }
test_case "a verdict W after the first unanswered packet" first_verdict_is_in_time
test_case "again every W while it lasts" repeats_while_it_lasts
test_case "without traffic no verdict" no_traffic_no_verdict
test_case "inbound traffic ends an episode, and says so once" inbound_ends_it
test_case "a peer that answers within W is not one-way" answered_is_not_one_way
test_case "case 36: heard once, dead later: noticed" heard_then_dead
test_case "what was received earlier answers nothing" stale_heard_changes_nothing
test_case "any pair of a peer answers for all" several_pairs_are_one_peer
test_case "a limit below a second" sub_second
test_case "peer-get reads the counters now" peer_get_reads_now
finish
