#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: debug
#
# The module's KUnit suites (kmod/test/kunit.c), which run when it is loaded into a
# kernel that has KUnit: tools/check --kernel debug-6.12 kmod_kunit

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

kunit=/sys/kernel/debug/kunit
[ -d $kunit ] || skip_all "this kernel has no KUnit"
module_ko=$build_dir/kunit/kmod-$(uname -r)/prefpeer.ko
[ -e "$module_ko" ] || skip_all "no module with KUnit suites for $(uname -r): make modules PP_KUNIT=y"

plan 3

loads()
{
	module_load
}

# suite NAME CASES: all of them passed, and so many there are
suite()
{
	local results=$kunit/$1/results

	[ -r "$results" ] || fail "no results of $1: $(ls $kunit)" || return
	diag "$(grep -vE '^ *KTAP|^ *# (Subtest|Totals)' "$results")"
	expect "cases that failed" "$(grep -c '^ *not ok' "$results")" 0 &&
	expect "cases that passed" "$(grep -cE '^ +ok ' "$results")" "$2"
}

test_case "the module loads, and runs its suites" loads || { finish; exit; }
test_case "arithmetic of idleness" suite prefpeer-judge 3
test_case "wheel, table, pairs, peers and messages" suite prefpeer-net 11
finish
