#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# Our agent as the hub of branches that call by a dynamic map (semantics.md §4.2). The
# topology is turned round: the agent runs where otherwise the branch is, and the "hubs"
# are branches: two strongSwans, and a prefpeer of its own.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 9

# Branch N has 192.168.2N.0/24, on its loopback.
branch_net() { echo "192.168.2$1.0/24"; }
branch_host() { echo "192.168.2$1.1"; }

hub_conf()
{
	cat >"$tmp/prefpeer.conf" <<-CONF
	crypto isakmp key $psk address 0.0.0.0 0.0.0.0
	crypto ikev2 dpd 10 2 periodic
	crypto ipsec transform-set ts esp-gcm 128
	access-list 110 permit ip 192.168.1.0 0.0.0.255 192.168.16.0 0.0.15.255
	crypto dynamic-map branches 10
	 set transform-set ts
	 set security-association idle-time 600
	 match address 110
	crypto map tohub 65000 ipsec-isakmp dynamic branches
	interface wan0
	 crypto map tohub
	CONF
	agent_conf_mode
}

charon_branch()
{
	hub_start "$1" local_ts="$(branch_net "$1")" esp=aes128gcm16 \
		children="claim { local_ts = 192.168.21.128/25
			remote_ts = $lan_net
			esp_proposals = aes128gcm16 }"
}

call() { swanctl_of "hub$1" --initiate --child "${2:-branch4-net4}" --timeout 30 >"$tmp/call$1.log" 2>&1; }

# The branch that is ours. Its traffic brings it up.
prefpeer_branch()
{
	other_conf branch3 "crypto ikev2 dpd 10 2 periodic" "192.168.23.0 0.0.0.255 192.168.1.0 0.0.0.255" &&
		other_start branch3 "$hub3"
}

start()
{
	local n ns

	e2e_hub=charon_branch
	agent_user && topology 3 && module_load && charon_branch 1 && charon_branch 2 || return
	for n in 1 2 3; do
		eval "ns=\$hub$n"
		ip -n "$ns" link set lo up
		ip -n "$ns" addr add "$(branch_host $n)/24" dev lo
	done
	capture_start && hub_conf && e2e_agent
}

ping_to() { in_ns "$lan" ping -q -c 1 -W 2 "$(branch_host "$1")" >/dev/null 2>&1; }
# branches: the addresses of those that are up
branches()
{
	pp -j map show | jq -r '[.. | objects | select((.seq? // 0) > 65535 and .state == "UP") | .peer] | sort | join(" ")'
}
branches_are() { [ "$(branches)" = "$*" ]; }
refused() { pp -j stats agent | jq .branches_refused; }
policies_for() { ip -n "$branch" xfrm policy | grep -c "dst $1 "; }

in_clear()
{
	capture_sync
	wire_log "$1" | awk '$2 != "mark" && $2 != "arp" && $2 != "other" &&
		($3 ~ /^192\.168\./ || $4 ~ /^192\.168\./)'
}

nothing_of_ours_in_clear()
{
	local clear

	clear=$(in_clear "$1")
	[ -z "$clear" ] || fail "in clear: $(head -n 1 <<<"$clear")"
}

blocked_before()
{
	! ping_to 1 || fail "a branch that never called answers" || return
	[ "$(policies_for 192.168.16.0/20)" -ge 1 ] || fail "no policy for the template's access list" || return
	nothing_of_ours_in_clear
}

they_come()
{
	call 1 || fail "branch 1 did not come up: $(cat "$tmp/call1.log")" || return
	call 2 || fail "branch 2 did not come up: $(cat "$tmp/call2.log")" || return
	wait_for 5 branches_are $h1 $h2 || fail "branches up: $(branches)" || return
	ping_to 1 && ping_to 2 || fail "no answer from a branch that is up" || return
	prefpeer_branch || return
	in_ns "$hub3" ping -q -c 1 -W 1 -I "$(branch_host 3)" $lan_host >/dev/null 2>&1
	wait_for 10 branches_are $h1 $h2 $h3 || fail "branches up: $(branches)" || return
	ping_to 3 || fail "no answer from our own branch" || return
	nothing_of_ours_in_clear
}

claims_are_kept_apart()
{
	! call 2 claim || fail "branch 2 has a part of branch 1's network" || return
	expect "claims refused" refused 1 || return
	grep -q "refused: branch .*10.1.1.1.* holds " "$tmp/agent.log" || fail "the log does not say why" || return
	expect "branches up" branches "$h1 $h2 $h3" && ping_to 1 && ping_to 2
}

reboot()
{
	peer_kill hub1 && ip -n "$hub1" xfrm state flush && ip -n "$hub1" xfrm policy flush || return
	charon_branch 1 && call 1 || fail "not up again: $(cat "$tmp/call1.log")" || return
	wait_for 10 branches_are $h1 $h2 $h3 || fail "branches up: $(branches)" || return
	ping_to 1 || fail "no answer from the branch that rebooted" || return
	expect "policies for its network, one of each direction" "policies_for $(branch_net 1)" 1
}

# Branch 2's claim is a part of what branch 1 had, which is dead: after its death it is free.
death()
{
	local t

	t=$(now_ns)
	hub_cut 1
	wait_for 60 branches_are $h2 $h3 || fail "branch 1 is not noticed as dead: $(branches)" || return
	expect "policies for its network" "policies_for $(branch_net 1)" 0 || return
	! ping_to 1 || fail "a branch that is cut off answers" || return
	nothing_of_ours_in_clear "$t" || return
	call 2 claim || fail "what a dead branch had is not free: $(cat "$tmp/call2.log")" || return
	expect "policies for the claim" "policies_for 192.168.21.128/25" 1 || return
	hub_restore 1
}

idle_end()
{
	local t

	t=$(now_ns)
	sleep 590 # each look costs a process
	wait_for 60 branches_are || fail "still there after ten idle minutes: $(branches)" || return
	# Its own log names every end; DPD is none of them.
	! grep -q '"to":"DOWN".*"reason":"dpd-timeout".*"peer":"10.2.2.2"' "$tmp/monitor.log" || fail "by dpd" || return
	[ -z "$(swanctl_of hub2 --list-sas)" ] || fail "branch 2 was not told" || return
	[ "$(ip -n "$branch" xfrm policy | grep -c '192\.168\.2[1-3]\.')" = 0 ] || fail "policies are left" || return
	nothing_of_ours_in_clear "$t"
}

restart()
{
	local t

	call 2 && wait_for 5 branches_are $h2 && ping_to 2 || return
	t=$(now_ns)
	agent_kill && e2e_agent || return
	! ping_to 2 || fail "SAs of nobody carry traffic" || return
	nothing_of_ours_in_clear "$t" || return
	swanctl_of hub2 --terminate --ike branch4 --force >/dev/null 2>&1
	call 2 || fail "it does not come up with the new agent: $(cat "$tmp/call2.log")" || return
	wait_for 5 branches_are $h2 && ping_to 2 || fail "no traffic: $(branches)"
}

reload()
{
	sed -i 's/ 192.168.16.0 0.0.15.255/ 192.168.24.0 0.0.7.255/' "$tmp/prefpeer.conf"
	agent_reload
	wait_for 10 branches_are || fail "outside of the access list now, and still up: $(branches)" || return
	expect "policies for its network" "policies_for $(branch_net 2)" 0
}

test_case "a hub with a dynamic map" start || { finish; exit; }
test_case "what the template's access list has is blocked until a branch calls" blocked_before
test_case "two strongSwans and a prefpeer call, and carry traffic" they_come
test_case "a branch does not get what another holds" claims_are_kept_apart
test_case "a branch that reboots takes the place of its former self" reboot
test_case "a dead branch goes, and what it had is free and not in clear" death
test_case "idle branches go, and are told" idle_end
test_case "a hub that restarts: nothing in clear, and they come again" restart
test_case "an access list that no longer has it ends the branch" reload
finish
