#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# The examples of the manual pages, each run on a branch that is up with its default peer,
# print what the pages say that they print.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 4

PATH=$(dirname "$prefpeerd"):$PATH
man_dir=$top_dir/userspace/man

# examples PAGE KIND
examples()
{
	in_ns "$branch" $python -I "$selftests_dir/man_examples.py" "$man_dir/$1" "$2" >"$tmp/examples.log" 2>&1 ||
		fail "$(<"$tmp/examples.log")"
}

of_the_module()
{
	e2e_up 1 && examples prefpeer-netlink.7 module
}

of_the_check()
{
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" || return
	mkdir -p /etc/prefpeer && cp -p "$tmp/prefpeer.conf" /etc/prefpeer/ || return
	examples prefpeerd.8 check
}

of_a_tunnel()
{
	e2e_agent && pp map connect tohub 1 && up_with $h1 30 || fail "not up" || return
	examples prefpeer.8 tunnel
}

# Whoever marks one for no test here is told.
every_kind_is_run()
{
	local kinds

	kinds=$(sed -n 's/^\.\\" example: //p' "$man_dir"/*.[578] | sort -u | tr '\n' ' ')
	[ "$kinds" = "check module tunnel " ] || fail "kinds of examples: $kinds"
}

test_case "of prefpeer-netlink(7)" of_the_module
test_case "of prefpeerd(8)" of_the_check
test_case "of prefpeer(8)" of_a_tunnel
test_case "and there are no others" every_kind_is_run
finish
