#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The agent's kernel port on this kernel: states, policies, larvals (case 35),
# acquires, lost acquires, an earlier run's policies (case 40), and idleness by
# polling and by the module. Each test of the program makes its own namespace.
#
# program: test_kernel_linux

. "$(dirname "$(readlink -f "$0")")/lib.sh"

program=$build_dir/test/test_kernel_linux
tests=(test_suites test_sa_options test_larval_kill test_larval_kill_spares test_overflow
	test_switch_in_place test_in_template test_takeover test_notices test_pair_idle
	test_one_way test_module_returns)
descriptions=(
	"SAs of each suite, both directions and families, as ip shows them"
	"encapsulation, a narrowed selector, UPDSA in place, refusals"
	"case 35: A, B, A within 30 s: each raises its acquire"
	"removing a larval spares SAs and other lines' larvals"
	"lost acquires leave no black line"
	"40 switches of the out template under a flow lose nothing"
	"case 37: in template without ends: any peer's SA by its reqid, nothing else"
	"case 40: policies of an earlier run are known, and go by --flush only"
	"deletion by another, lifetimes, a flush are told; our own deletions are not"
	"a pair is idle after T, never before, once"
	"one-way is told after W, and ends when the peer is heard"
	"the module goes and comes back, its rules with it"
)

run_program()
{
	"$program" >"$tmp/$1.log" 2>&1
	diag "$(grep -vE '^\[(=| RUN| *OK|  PASSED)|^$' "$tmp/$1.log" | head -40)"
}

# results LOG SUFFIX: one result per test of the program.
results()
{
	local i

	for i in "${!tests[@]}"; do
		if grep -q "^\[       OK \] ${tests[i]}\$" "$tmp/$1.log"; then
			ok "${descriptions[i]}$2"
		elif grep -q "^\[  SKIPPED \] ${tests[i]}\$" "$tmp/$1.log"; then
			skip "${descriptions[i]}$2" "the module is not loaded"
		else
			not_ok "${descriptions[i]}$2"
		fi
	done
}

[ -x "$program" ] || skip_all "not built: make -C userspace tests"
plan $((2 * ${#tests[@]}))
run_program polled
results polled ", without the module"
ko=$build_dir/kmod-$(uname -r)/prefpeer.ko
if insmod "$ko" 2>"$tmp/insmod.log"; then
	export PREFPEER_KO=$ko
	run_program module
	results module ", with the module"
	rmmod prefpeer
else
	for i in "${!tests[@]}"; do
		skip "${descriptions[i]}, with the module" "prefpeer.ko: $(cat "$tmp/insmod.log")"
	done
fi
finish
