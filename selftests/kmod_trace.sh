#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tracepoints prefpeer:*, as bpftrace(8) and perf(1) would use them: what the module
# tracks, looks at, judges and tells.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

plan 5

tracefs=/sys/kernel/tracing

setup()
{
	mountpoint -q $tracefs || mount -t tracefs tracefs $tracefs || return
	kmod_hosts && module_load || return
	[ -d $tracefs/events/prefpeer ] || fail "no tracepoints: $(ls $tracefs/events | head)" || return
	echo 1 >$tracefs/events/prefpeer/enable && on_exit "echo 0 >$tracefs/events/prefpeer/enable"
}

# traced EVENT REGEX: lines so far
traced()
{
	grep -cE " prefpeer_$1: .*$2" $tracefs/trace
}

traced_some() { [ "$(traced "$@")" -gt 0 ]; }

sas_are_traced()
{
	pair_sas 1 && pair_sas 2 || return
	wait_for 5 traced_some track 'src ::ffff:10.0.0.2 dst ::ffff:10.0.0.1 proto 50 spi 0x00002002 reqid 2 '
	# two pairs at two hosts
	expect "SAs" "$(traced track 'spi 0x0000[12]00[12] ')" 8 &&
	expect "namespaces" "$(grep -o 'prefpeer_track: netns [0-9]*' $tracefs/trace | sort -u | wc -l)" 2
}

ends_are_traced_with_reasons()
{
	sa_del "$a" $addr_a $addr_b 0x1002 && ip -n "$b" xfrm state flush || return
	wait_for 5 traced_some untrack 'spi 0x00001002 .*reason flushed'
	expect "deleted" "$(traced untrack 'spi 0x00001002 .*reason deleted')" 1 &&
	expect "flushed" "$(traced untrack 'reason flushed')" 4
}

verdict_is_traced()
{
	local line at last

	pp_a rule add remote $addr_b reqid 1 idle-time 2s >/dev/null || return
	wait_for 20 traced_some verdict 'pair-idle id '
	line=$(grep -E ' prefpeer_verdict: .*pair-idle' $tracefs/trace | tail -n 1)
	at=$(sed -n 's/.* at \([0-9]*\) .*/\1/p' <<<"$line") last=$(sed -n 's/.* last-use \([0-9]*\)$/\1/p' <<<"$line")
	[ $((at - last)) -ge 2000000000 ] || fail "early: $line" || return
	traced_some look 'reqid 1 ' || fail "a verdict without a look" || return
	traced_some event 'group 1 ' || fail "a verdict without an event"
}

# Off, they say nothing.
off_is_off()
{
	local before

	echo 0 >$tracefs/events/prefpeer/enable
	before=$(traced track '')
	pair_sas 3 || return
	wait_for 5 sas_of_reqid_3
	expect "of pair 3" "$(traced track '')" "$before"
}

sas_of_reqid_3() { [ "$(field_of "$a" 'o["spi"]' sa show reqid 3 | wc -l)" = 2 ]; }

test_case "hosts, module, tracepoints" setup || { finish; exit; }
test_case "each SA as it is tracked" sas_are_traced
test_case "and as it ends, with the reason" ends_are_traced_with_reasons
test_case "looks, verdicts and events" verdict_is_traced
test_case "what is off says nothing" off_is_off
finish
