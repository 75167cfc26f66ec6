#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name; a draft that nobody has seen to pass yet
#
# Everything that the kernel says by itself may be lost in a full socket: XFRM's
# notices, the module's events, and with these that the module went and came.
# The agent is stopped, its sockets are filled, things change, it goes on.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 5

start()
{
	e2e_up 2 && quiet_listeners || return
	e2e_conf "10 2 on-demand" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default"
	e2e_agent || return
	flow_packet
	up_with $h1 30 || fail "not up" || return
	kill "$monitor_pid"
}

# drops PROTOCOL: what the agent's sockets of this netlink family lost
drops()
{
	awk -v proto="$1" -v own=" $(sockets)" '$2 == proto && index(own, " " $10 " ") { n += $9 }
		END { print n + 0 }' "/proc/$agent_pid/net/netlink"
}

sockets() { ls -l "/proc/$agent_pid/fd" | sed -n 's/.*socket:\[\([0-9]*\)\]/\1/p' | tr '\n' ' '; }

# flood N: SAs of other people come and go, until both families' sockets are full
flood()
{
	local n

	for ((n = 0; n < $1; n++)); do
		echo "xfrm state add src 10.66.0.1 dst 10.66.$((n / 250)).$((n % 250 + 1)) proto esp spi $((0x1000 + n)) reqid 7 mode tunnel auth hmac(sha1) 0x0102030405060708090a0b0c0d0e0f1011121314 enc ecb(cipher_null) \"\""
	done >"$tmp/flood"
	for ((n = 0; n < $1; n++)); do
		echo "xfrm state delete src 10.66.0.1 dst 10.66.$((n / 250)).$((n % 250 + 1)) proto esp spi $((0x1000 + n))"
	done >>"$tmp/flood"
	ip -n "$branch" -batch "$tmp/flood" || fail "the flood failed"
}

# fill: the agent stands still until both are full.
fill()
{
	local i xfrm genl

	kill -STOP "$agent_pid"
	xfrm=$(drops 6) genl=$(drops 16)
	for i in 1 2 3 4 5 6 7 8; do
		flood 3000 || return
		[ "$(drops 6)" = "$xfrm" ] || [ "$(drops 16)" = "$genl" ] || break
	done
	xfrm=$(($(drops 6) - xfrm)) genl=$(($(drops 16) - genl))
	diag "lost: $xfrm of XFRM, $genl of the module"
	[ "$xfrm" -gt 0 ] && [ "$genl" -gt 0 ] || fail "nothing was lost, so nothing was proved"
}

sa_goes_unseen()
{
	local spi

	spi=$(sa_spis "$branch" $branch_addr $h1)
	fill || return
	ip -n "$branch" xfrm state delete src $branch_addr dst $h1 proto esp spi "0x$spi" || return
	kill -CONT "$agent_pid"
	wait_for 30 grep -q "notices about SAs were lost" "$tmp/agent.log" || fail "the loss is not said" || return
	wait_for 30 grep -q "the kernel has the SA no more" "$tmp/agent.log" || fail "it did not find out that its SA is gone" || return
	flow_packet
	wait_for 30 peer_is_up $h1 || fail "not up again"
}

# The module goes and comes back while nobody reads.
module_goes_unseen()
{
	local last

	fill || return
	# The agent's own sockets hold no reference to it.
	module_unload 30 && module_load || return
	kill -CONT "$agent_pid"
	wait_for 30 has_rules || fail "the module that came unseen has no rules" || return
	flow_packet
	wait_for 30 peer_is_up $h1 || fail "not up" || return
	flow_packet
	last=$(last_esp_ns)
	wait_for 90 map_is .state DOWN || fail "no idle end by the new module" || return
	[ "$(ms_between "$last" "$(now_ns)")" -ge 60000 ] || fail "too early"
}

has_rules() { json_is 'd' "$(pp -j rule show)"; }

# Gone for good, unseen: it polls.
module_stays_away()
{
	local last

	flow_packet
	wait_for 30 peer_is_up $h1 || fail "not up" || return
	fill || return
	module_unload 30 || return
	kill -CONT "$agent_pid"
	wait_for 30 grep -q "the module prefpeer went" "$tmp/agent.log" || fail "it did not find out" || return
	flow_packet
	last=$(last_esp_ns)
	wait_for 100 map_is .state DOWN || fail "no idle end without the module" || return
	[ "$(ms_between "$last" "$(now_ns)")" -ge 60000 ] || fail "too early"
}

nothing_in_vain()
{
	expect "errors in the log" "grep -c ': error: ' $tmp/agent.log" 0
}

test_case "an entry that is up" start || { finish; exit; }
test_case "full sockets of XFRM and the module: an SA that went is noticed" sa_goes_unseen
test_case "full sockets: the module went and came unseen: it has its rules, and is heard" module_goes_unseen
test_case "full sockets: the module went unseen: the agent polls" module_stays_away
test_case "no errors" nothing_in_vain
finish
