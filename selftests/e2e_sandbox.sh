#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
# seccomp: refused
#
# What somebody who had taken over the agent could still do: calls that it never
# makes are put into it while it runs, into the process that reads the network and
# into the one with the keys. They fail, or end it; and the agent's own work, all of
# it, was refused nothing.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need
[ "$(uname -m)" = x86_64 ] || skip_all "inject knows x86-64 only"

plan 9

inject=$build_dir/selftests/inject

# Numbers of x86-64.
sys_getpid=39 sys_socket=41 sys_fork=57 sys_execve=59 sys_openat=257 sys_prctl=157
af_inet=2 af_packet=17 sock_raw=3

start()
{
	e2e_up 2 || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	flow_listen flow && e2e_agent && flow_start flow 50000 || return
	up_with $h1 30 || fail "not up"
}

# status_is PID PATTERN…: lines of /proc/PID/status
status_is()
{
	local pid=$1 pattern

	shift
	for pattern in "$@"; do
		grep -qE "^$pattern$" "/proc/$pid/status" ||
			fail "process $pid has not $pattern: $(grep -E "^${pattern%%:*}" "/proc/$pid/status")" || return
	done
}

# walls PID CAPABILITIES
walls()
{
	status_is "$1" "Seccomp:.2" "NoNewPrivs:.1" "CapEff:.$2" "CapPrm:.$2" "CapInh:.0+" \
		"VmLck:.*[1-9][0-9]* kB" || return
	grep -qE '^Max core file size +0 +0 ' "/proc/$1/limits" || fail "process $1 may dump core" || return
	# Not dumpable: what /proc says of it is root's, whoever it runs as.
	expect "owner of its environment" "stat -c %u /proc/$1/environ" 0 || return
	! setpriv --reuid prefpeer --clear-groups cat "/proc/$1/environ" >/dev/null 2>&1 ||
		fail "another process of its user can look into process $1"
}

as_the_kernel_has_it()
{
	local net_admin=0000000000001000 none=0000000000000000

	status_is "$agent_pid" "Uid:.$(id -u prefpeer).*" "CapBnd:.$none" || return
	walls "$agent_pid" $net_admin && walls "$(signer_pid)" $none
}

# The helper is right, and the process takes no harm from being asked.
a_call_that_it_makes()
{
	local signer

	signer=$(signer_pid)
	expect "getpid" "$inject $agent_pid $sys_getpid" "$agent_pid" &&
	expect "getpid of the signer" "$inject $signer $sys_getpid" "$signer" &&
	wait_for 10 flow_more flow 50 || fail "no traffic"
}

refused()
{
	expect "a packet socket" "$inject $agent_pid $sys_socket $af_packet $sock_raw 0" -1 &&
	expect "a process" "$inject $agent_pid $sys_fork" -1 &&
	expect "dumpable again" "$inject $agent_pid $sys_prctl 4 1 0 0 0" -1 || return
	expect "a socket of the signer" "$inject $(signer_pid) $sys_socket $af_inet 1 0" -1 &&
	expect "a file to write of the signer" "$inject $(signer_pid) $sys_openat -100 0 1 0" -1 || return
	wait_for 10 flow_more flow 50 || fail "no traffic"
}

refusals() { dmesg | grep -cE 'type=1326 .*comm="prefpeerd'; }

refusals_are_told() { expect "refusals in the kernel's log" refusals 5; }

reload()
{
	agent_reload
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")" || return
	pp map show >/dev/null && wait_for 10 flow_more flow 50 || fail "no traffic after a reload"
}

fails_over()
{
	hub_cut 1
	up_with $h2 40 || fail "not on $h2" || return
	wait_for 10 flow_more flow 50 || fail "no traffic through $h2" || return
	hub_restore 1
}


# A program in the agent's place: it is dead, its policies are not, and a new one goes on.
killed()
{
	expect "execve" "$inject $agent_pid $sys_execve 0 0 0" "killed 31" || return
	wait_for 10 agent_gone || fail "it lives" || return
	ip -n "$branch" xfrm policy | grep -q 'dst 192.168.2.0/24' || fail "no policies are left" || return
	e2e_agent || return
	wait_for 60 peer_is_up_again || fail "not up after the restart" || return
	wait_for 20 flow_more flow 50 || fail "no traffic after the restart"
}

peer_is_up_again() { peer_is_up $h1 || peer_is_up $h2; }

nothing_else_refused()
{
	expect "refusals in the kernel's log" refusals 6 || { diag "$(dmesg | grep type=1326)"; return 1; }
	nothing_in_clear
}

test_case "up, through the walls" start || { finish; exit; }
test_case "filter, capabilities, locks and limits as the kernel has them" as_the_kernel_has_it
test_case "a call that it makes goes through" a_call_that_it_makes
test_case "calls that it never makes fail" refused
test_case "the kernel's log tells of each" refusals_are_told
test_case "SIGHUP and reload" reload
test_case "failover" fails_over
test_case "another program ends it; policies stay, and a new agent goes on" killed
test_case "none of its own work was refused; nothing in clear" nothing_else_refused
finish
