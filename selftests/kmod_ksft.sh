#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
# vm: --real-time --smp 2
#
# The tests as people have them who have no test machine: with module and command line
# installed, by `make run_tests`; here, and as a folder of a kernel's tree, by that
# tree's own lib.mk (tools/kernel-tree).

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

tree=$build_dir/kernel-tree/tools/testing/selftests
[ -e "$tree/lib.mk" ] || skip_all "no kernel tree: tools/kernel-tree $build_dir/kernel-tree"

plan 4

installed()
{
	local to
	to=/lib/modules/$(uname -r)/updates

	mkdir -p "$to" && cp "$module_ko" "$to/" && depmod && cp "$prefpeer" /usr/bin/prefpeer || return
	expect "what modinfo finds" "$(modinfo -n prefpeer)" "$to/prefpeer.ko"
}

# in_folder DIR: one test, by make, away from what is built; its output in $tmp/run.log
in_folder()
{
	make -C "$1" B="$tmp/elsewhere" run_tests TEST_PROGS=kmod_rule.sh "${@:2}" >"$tmp/run.log" 2>&1
}

by_itself()
{
	cp -r "$selftests_dir" "$tmp/selftests" && mkdir -p "$tmp/uapi/linux" &&
		cp "$top_dir/uapi/linux/prefpeer.h" "$tmp/uapi/linux/" || return
	mkdir "$tmp/kmod" "$tmp/kmod/test" && cp "$top_dir"/kmod/*.h "$tmp/kmod/" &&
		cp "$top_dir"/kmod/test/tables.h "$tmp/kmod/test/" || return
	in_folder "$tmp/selftests" || fail "$(tail -n 20 "$tmp/run.log")" || return
	grep -qx "ok 1 selftests: prefpeer: kmod_rule.sh" "$tmp/run.log" || fail "$(tail -n 5 "$tmp/run.log")"
}

in_a_kernel_tree()
{
	cp -r "$build_dir/kernel-tree" "$tmp/tree" || return
	in_folder "$tmp/tree/tools/testing/selftests/net/prefpeer" || fail "$(tail -n 20 "$tmp/run.log")" || return
	grep -qE "^ok 1 selftests: .*kmod_rule.sh" "$tmp/run.log" || fail "$(tail -n 5 "$tmp/run.log")"
}

# What fails there fails the run.
failure_is_one()
{
	sed -i '2a exit 1' "$tmp/selftests/kmod_rule.sh"
	in_folder "$tmp/selftests" && fail "make succeeded" && return 1
	grep -qE "^not ok 1 selftests: prefpeer: kmod_rule.sh" "$tmp/run.log" || fail "$(tail -n 5 "$tmp/run.log")"
}

test_case "module and command line installed" installed || { finish; exit; }
test_case "make -C selftests run_tests" by_itself
test_case "in a kernel's tree, by its lib.mk" in_a_kernel_tree
test_case "a test that fails is told" failure_is_one
finish
