#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: debug
# check: by name; a draft that nobody has seen to pass yet
#
# The module's netlink family under a fuzzer that KCOV guides (kmod_fuzz.c), KASAN,
# lockdep and UBSAN watching: they are what fails this test, by the test machine's
# look at the kernel's log. KMOD_FUZZ_SECONDS: of guest time.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

fuzz=$build_dir/selftests/kmod_fuzz seconds=${KMOD_FUZZ_SECONDS:-60}
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
[ -e /sys/kernel/debug/kcov ] || skip_all "no KCOV in this kernel: tools/vm/debug-kernel"

plan 4

setup()
{
	kmod_hosts && module_load || return
	corpus=$tmp/corpus seeds=$tmp/seeds
	mkdir "$corpus" "$seeds" && $python "$selftests_dir/kmod_seeds.py" "$seeds"
}

# A fuzzer that KCOV does not guide keeps no input but the seeds.
is_guided()
{
	in_ns "$a" "$fuzz" -runs=2000 -seed=1 "$corpus" "$seeds" >"$tmp/guided.log" 2>&1 ||
		fail "$(tail -n 5 "$tmp/guided.log")" || return
	[ "$(find "$corpus" -type f | wc -l)" -gt 5 ] || fail "nothing new was found: $(tail -n 3 "$tmp/guided.log")"
}

fuzzes()
{
	in_ns "$a" "$fuzz" -max_total_time="$seconds" -max_len=600 -print_final_stats=1 -timeout=120 \
		"$corpus" "$seeds" >"$tmp/fuzz.log" 2>&1 || fail "$(tail -n 5 "$tmp/fuzz.log")" || return
	diag "$(grep -E 'number_of_executed_units|new_units_added' "$tmp/fuzz.log" | tr -s ' ')"
	[ -z "$keep_dir" ] || { mkdir -p "$keep_dir" && cp -r "$corpus" "$keep_dir/"; }
}

# It still does what it is for, and gives back what it took.
is_whole()
{
	ip -n "$a" xfrm state flush
	pair_add 1 && pp_a rule add remote 10.0.0.0/8 reqid 1 map after idle-time 1s >/dev/null || return
	wait_for 20 pair_1_idle
	expect "a verdict" "$(field_of "$a" 'o["state"]' pair show reqid 1)" idle &&
	expect "kmemleak" "$(leaks)" ""
}

pair_1_idle() { [ "$(field_of "$a" 'o["state"]' pair show reqid 1)" = idle ]; }

# kmemleak reports what has been there for 5 s, and looks lost in two scans.
leaks()
{
	[ ! -e /sys/kernel/debug/kmemleak ] ||
		{ echo scan; sleep 6; echo scan; } >/sys/kernel/debug/kmemleak 2>/dev/null
	grep -A 12 prefpeer /sys/kernel/debug/kmemleak 2>/dev/null | head -n 30
}

test_case "hosts, module and seeds" setup || { finish; exit; }
test_case "KCOV guides it" is_guided
test_case "$seconds s of requests" fuzzes
test_case "the module is whole afterwards" is_whole
finish
