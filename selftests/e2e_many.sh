#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# A hub of ours under fifty branches that all want it at once, at first and after it has
# lost everything. tools/bench tunnels has a thousand, and how long it takes.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$selftests_dir/lib_many.sh"
module_need
agent_need

plan 4

start()
{
	e2e_hub=true
	e2e_up 1 && many_networks && many_charon calling && many_hub_conf && e2e_agent || return
	begin=$(now_ns)
	all_carry 60 "$site" $site_base "$lan" $lan_base || return
	# Each asked by a packet, and has a tunnel for its network, not for that packet (§2.9).
	expect "policies for the network of a branch" networks "$tunnels"
}

networks() { ip -n "$branch" xfrm policy list dir out src 10.$lan_base.0.0/10 | grep -cE "^src [^ ]* dst 10\.$site_base\.[0-9]+\.0/24 *$"; }

branches() { pp -j stats agent | jq .branches; }

# They find out by DPD, all in the same seconds.
restart()
{
	restarted=$(now_ns)
	agent_kill && ip -n "$branch" xfrm state flush && agent_start || return
	all_carry 120 "$site" $site_base "$lan" $lan_base || return
	expect "branches" branches "$tunnels"
}

nothing_twice()
{
	expect "messages of the hub that nobody needed" "sent_twice $begin" 0 || return
	# All that can be counted wrongly is a capture without them.
	within "IKE messages" "$(wire_count " ike " "$restarted")" $((4 * tunnels)) $((100 * tunnels))
}

clear_of_all()
{
	local clear

	[ "$(wire_count ' esp ' "$begin")" -ge $((2 * tunnels)) ] || fail "no ESP" || return
	clear=$(many_in_clear "$begin")
	[ -z "$clear" ] || fail "in clear: $(head -n 1 <<<"$clear")"
}

test_case "$tunnels branches call at once, and carry traffic" start || { finish; exit; }
test_case "the hub loses everything, and all of them carry traffic again" restart
test_case "no message to a branch twice without need" nothing_twice
test_case "nothing in clear in any of it" clear_of_all
finish
