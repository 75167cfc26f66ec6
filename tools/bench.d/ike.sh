#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Instructions of the initiator per IKE_SA and CHILD_SA: prefpeerd and charon,
# against the same hub, with the same suites, each raised by a packet.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

warm_ups=3 runs=15

# set_up PID: one, its instructions in $cost
set_up()
{
	local before

	before=$(cpu_ns "$1")
	flow_packet
	wait_for 20 peer_is_up $h1 || bench_die "not up"
	sleep 1 # what follows the last message belongs to it
	cost=$(($(cpu_ns "$1") - before))
}

# idle_cost PID: what it does in the same second without a tunnel, in $cost
idle_cost()
{
	local before

	before=$(cpu_ns "$1")
	sleep 1
	cost=$(($(cpu_ns "$1") - before))
}

# costs PID DOWN_COMMAND…: median of $runs to $median_cost, all to costs[]
costs()
{
	local i pid=$1

	shift
	costs=()
	for ((i = -warm_ups; i < runs; i++)); do
		set_up "$pid"
		[ $i -lt 0 ] || costs+=("$cost")
		"$@" >/dev/null 2>&1 || bench_die "cannot tear down: $*"
		wait_for 30 peer_is_gone $h1 || bench_die "still up after: $*"
		sleep 2
	done
	idle_cost "$pid"
	median_cost=$(median "${costs[@]}")
}

suite_of_last()
{
	grep -aoE 'selected proposal: (IKE|ESP):[^ ]*' "$tmp/hub1.log" | tail -n 2 | sort | tr '\n' ' '
}

e2e_module=no
e2e_up 1 && quiet_listeners || bench_die "no topology"
module_load || bench_die "no module"

e2e_conf off "set peer $h1"
agent_start || bench_die "no agent"
costs "$agent_pid" pp map reset tohub 1
ours=$median_cost ours_all=$(json_list "${costs[@]}") ours_idle=$cost
ours_suite=$(suite_of_last)
agent_stop || bench_die "the agent does not stop"
ip -n "$branch" xfrm policy flush

# As a hub's, but silent: charon writes less than prefpeerd then.
mkdir -p "$tmp/branch"
eval "$(declare -f peer_conf | sed '1s/peer_conf/peer_conf_loud/')"
peer_conf() { peer_conf_loud "$@" | sed -E 's/^([[:space:]]*)(default|knl) = [12]$/\1\2 = 0/'; }
branch_charon_start 1 || bench_die "no charon"
costs "$peer_pid_branch" swanctl_of branch --terminate --ike hub
theirs=$median_cost theirs_all=$(json_list "${costs[@]}") theirs_idle=$cost
theirs_suite=$(suite_of_last)
[ "$ours_suite" = "$theirs_suite" ] || bench_die "other suites: $ours_suite and $theirs_suite"

row "initiator's instructions per IKE_SA + CHILD_SA: prefpeerd / charon" "$(ratio "$ours" "$theirs" 3)" ratio \
	"schedstat of all threads, from a packet's acquire to 1 s after the SAs, 1 ns per instruction; median of $runs; same hub, PSK, ${ours_suite% }" \
	"{\"prefpeerd\": $ours_all, \"charon\": $theirs_all, \"prefpeerd_idle_second\": $ours_idle, \"charon_idle_second\": $theirs_idle}"
row "initiator's instructions: prefpeerd" "$ours" instructions "the same run, user and kernel"
row "initiator's instructions: charon $(dpkg-query -W -f '${Version}' charon-systemd | sed 's/-.*//')" "$theirs" instructions \
	"the same run, log level 0, 8 threads"
