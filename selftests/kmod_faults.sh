#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: debug
# check: by name; a draft that nobody has seen to pass yet
#
# Allocations that fail, by the kernel's fault injection: each that a request makes, one
# after the other (kmod_faults.py), and those that the worker and the core's callbacks
# make, by their cache. A request is refused or done, never half; what could not be
# tracked is found again.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

slabs=/sys/kernel/slab inject=/sys/kernel/debug/failslab
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
[ -e $inject/probability ] && [ -e /proc/self/fail-nth ] ||
	skip_all "no fault injection in this kernel: tools/vm/debug-kernel"

plan 5

setup()
{
	local f

	for f in $inject /sys/kernel/debug/fail_page_alloc; do
		echo N >$f/ignore-gfp-wait && echo 0 >$f/verbose || return
	done
	kmod_hosts && module_load && pair_add 1 &&
		pp_a rule add remote $addr_b/32 reqid 1 map of-faults idle-time 60s >/dev/null
}

each_request()
{
	in_ns "$a" $python "$selftests_dir/kmod_faults.py" "$prefpeer" >"$tmp/faults.log" 2>&1
	local rc=$?

	diag "$(cat "$tmp/faults.log")"
	return $rc
}

# fail_in CACHE TIMES: the next so many allocations of this cache
fail_in()
{
	echo 1 >"$slabs/$1/failslab" && echo Y >$inject/cache-filter && echo 1 >$inject/interval &&
	echo 0 >$inject/space && echo "$2" >$inject/times && echo 100 >$inject/probability
}

fail_no_more()
{
	echo 0 >$inject/probability
	echo N >$inject/cache-filter
	echo 0 >"$slabs/$1/failslab"
}

sas_are() { [ "$(field_of "$a" 'o["spi"]' sa show reqid "$1" | wc -l)" = "$2" ]; }

# tracked_after_failures CACHE REQID: the SAs of a new pair, the first three allocations failing
tracked_after_failures()
{
	local cache=$1 r=$2 left

	fail_in "$cache" 3 || return
	pair_sas "$r" || { fail_no_more "$cache"; return 1; }
	# a walk of the SAD finds what was missed, a second apart while memory is short
	wait_for 60 sas_are "$r" 2
	left=$(cat $inject/times)
	fail_no_more "$cache"
	expect "failures left over" "$left" 0 &&
	expect "SAs" "$(field_of "$a" 'o["spi"]' sa show reqid "$r" | wc -l)" 2 &&
	expect "their pair" "$(field_of "$a" 'o["sas_in"], o["sas_out"]' pair show reqid "$r")" "(1, 1)"
}

caches_fail()
{
	local cache r=10

	for cache in $(cd $slabs && ls -d prefpeer_* 2>/dev/null); do
		r=$((r + 1))
		tracked_after_failures "$cache" $r || fail "cache $cache" || return
		diag "$cache: found again"
	done
	[ $r -gt 10 ] || fail "no cache of ours in $slabs"
}

no_verdict_meanwhile()
{
	expect "pairs idle before their time" \
		"$(field_of "$a" '1 if o["state"] == "idle" else ""' pair show | grep -c 1)" 0
}

whole_in_the_end()
{
	ip -n "$a" xfrm state flush
	wait_for 60 sas_are 1 0
	module_unload 30 && module_load
}

test_case "hosts, module, a rule" setup || { finish; exit; }
test_case "each allocation of each request" each_request
test_case "those of the worker and of the core's callbacks" caches_fail
test_case "no verdict from what is not known" no_verdict_meanwhile
test_case "unloaded, and loaded again" whole_in_the_end
finish
