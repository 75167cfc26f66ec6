#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# A year of a branch's life, or some hours of it: a random walk against a model
# of semantics.md §10 (soak/). SOAK_SEED, SOAK_EVENTS, SOAK_ARGS; the long one
# is make soak.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 1

walk()
{
	local n args=()

	# The branch's address changes: hubs know it by its key only.
	branch_addr=branch.soak,10.0.0.0/24
	echo "10.0.0.2 branch.soak" >>/etc/hosts
	e2e_module=yes
	topology 3 && module_load || return
	getent passwd prefpeer >/dev/null ||
		useradd --system --no-create-home --shell /usr/sbin/nologin prefpeer || return
	sysctl_ns "$branch" net.ipv4.conf.wan0.promote_secondaries=1
	for n in 3 4 5 6 7; do
		neighbour "$transit" branch "$branch" wan0 10.0.0.$n
	done
	ip -n "$transit" -batch - <<<"${topology_steps[$transit]}" || return
	for n in 1 2 3; do
		hub_start $n remote_id=%any charon="retransmit_tries = 1" || return
		eval "args+=(--hub \$hub$n:\$peer_pid_hub$n)"
	done
	: >"$tmp/prefpeer.conf"
	agent_conf_mode
	# Starting it is long in virtual time; nothing is measured before it has.
	python3 -B "$selftests_dir/soak/soak.py" --tmp "$tmp" --lan "$lan" --branch "$branch" \
		--transit "$transit" --site "$site" --agent "$prefpeerd" \
		--tap "$build_dir/selftests/soak_tap" --udpflow "$udpflow" \
		--conf "$tmp/prefpeer.conf" --log "$tmp/agent.log" --psk "$psk" \
		--module "$module_ko" --kernel "$(uname -r)" \
		--seed "${SOAK_SEED:-3}" --events "${SOAK_EVENTS:-120}" "${args[@]}" $SOAK_ARGS
}

test_case "random walk against the model: peer, next attempt, no clear text, no leftovers" walk
finish
