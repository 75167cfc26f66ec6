#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# Everything that the kernel says by itself may be lost in a full socket: acquires,
# XFRM's notices, the module's events, and with these that the module went and came.
# The agent is stopped, its sockets are made small and filled, things change, it goes on.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 8

xfrm=6 genl=16 # NETLINK_XFRM, NETLINK_GENERIC
idle_s=300

start()
{
	e2e_up 2 && quiet_listeners || return
	e2e_conf "10 2 on-demand" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time $idle_s default"
	e2e_agent || return
	# Thousands of other people's SAs are of no interest.
	kill "$monitor_pid" && monitor_start map || return
	wait_for 10 monitor_has '"source":"agent"' || fail "no monitor" || return
	flow_packet
	up_with $h1 30 || fail "not up"
}

# drops PROTOCOL: what the agent's sockets of this netlink family lost
drops()
{
	awk -v proto="$1" -v own=" $(sockets)" '$2 == proto && index(own, " " $10 " ") { n += $9 }
		END { print n + 0 }' "/proc/$agent_pid/net/netlink"
}

sockets() { ls -l "/proc/$agent_pid/fd" | sed -n 's/.*socket:\[\([0-9]*\)\]/\1/p' | tr '\n' ' '; }

# room BYTES: in the sockets by which the agent hears
room()
{
	"$udpflow" rcvbuf "$agent_pid" $xfrm "$1" >/dev/null &&
		"$udpflow" rcvbuf "$agent_pid" $genl "$1" >/dev/null || fail "the agent listens to nothing"
}

# unheard COMMAND…: while the agent stands still, with little room
unheard()
{
	local rc

	kill -STOP "$agent_pid"
	room 65536 && "$@"
	rc=$?
	room $((8 << 20))
	kill -CONT "$agent_pid"
	return $rc
}

# SAs of other people come and go.
flood()
{
	local n many=500

	{
		for ((n = 1; n <= many; n++)); do
			echo "xfrm state add src 10.66.0.1 dst 10.66.$((n / 250)).$((n % 250 + 1)) proto esp spi $((0x1000 + n)) reqid 7 mode tunnel auth hmac(sha1) 0x0102030405060708090a0b0c0d0e0f1011121314 enc ecb(cipher_null) \"\""
		done
		for ((n = 1; n <= many; n++)); do
			echo "xfrm state delete src 10.66.0.1 dst 10.66.$((n / 250)).$((n % 250 + 1)) proto esp spi $((0x1000 + n))"
		done
	} >"$tmp/flood"
	ip -n "$branch" -batch "$tmp/flood" || fail "the flood failed"
}

# filled COMMAND…: after both families have lost something. The module tells in turns.
filled()
{
	local x g

	x=$(drops $xfrm) g=$(drops $genl)
	flood && wait_for 10 lost_more $genl "$g" && lost_more $xfrm "$x" ||
		fail "nothing was lost, so nothing is proved" || return
	diag "lost: $(($(drops $xfrm) - x)) of XFRM, $(($(drops $genl) - g)) of the module"
	"$@"
}

lost_more() { [ "$(drops "$1")" -gt "$2" ]; }
logged() { grep -c "$1" "$tmp/agent.log"; }
# tells N TEXT: the log has it more often than N times
tells() { [ "$(logged "$2")" -gt "$1" ]; }

delete_out() { ip -n "$branch" xfrm state delete src $branch_addr dst $h1 proto esp spi "0x$1"; }

sa_goes_unseen()
{
	local spi

	spi=$(sa_spis "$branch" $branch_addr $h1)
	unheard filled delete_out "$spi" || return
	wait_for 30 tells 0 "notices about SAs were lost" || fail "the log does not tell of the loss" || return
	wait_for 30 monitor_has '"event":"map-[a-z]*".*the kernel has the SAs no more' ||
		fail "it did not find out that its SA is gone" || return
	flow_packet
	wait_for 30 peer_is_up $h1 || fail "not up again"
}

# Acquires of other people's policies, until there is no room for ours.
acquires()
{
	local n lost

	lost=$(drops $xfrm)
	for n in 1 2 3 4; do
		ip -n "$branch" xfrm policy add dir out src $branch_addr/32 dst 10.67.0.$n/32 \
			tmpl src $branch_addr dst 10.68.0.$n proto esp reqid 7 mode tunnel || return
		in_ns "$branch" ping -c 1 -W 0.1 10.67.0.$n >/dev/null 2>&1
		ip -n "$branch" xfrm policy delete dir out src $branch_addr/32 dst 10.67.0.$n/32 || return
	done
	flow_packet
	lost_more $xfrm "$lost" || fail "no acquire was lost, so nothing is proved"
}

# Where somebody else took the acquire, the kernel would hold it delivered.
other_listener()
{
	bg "$tmp/others.log" ip -n "$branch" xfrm monitor acquire
	other_pid=$bg_pid
	wait_for 30 listens $other_pid || fail "nobody else listens"
}

# By default a netlink socket has its process's number.
listens() { awk -v p="$1" '$3 == p && $4 != "00000000" { n++ } END { exit !n }' "/proc/$agent_pid/net/netlink"; }

narrow_acquires() { "$udpflow" rcvbuf "$agent_pid" $xfrm 1 >/dev/null && acquires; }

# The lost one leaves no larval behind, which would keep the line black for 30 s.
acquire_is_lost()
{
	local t

	pp map reset tohub 1 >/dev/null && state_await 30 DOWN || fail "not down" || return
	wait_for 10 peer_is_gone $h1 || return
	other_listener && unheard narrow_acquires || return
	wait_for 10 grep -q "dst $site_host" "$tmp/others.log" || fail "nobody else took the acquire" || return
	kill $other_pid
	wait_for 30 tells 0 "acquires were lost" || fail "the log does not tell of the loss" || return
	is_down || fail "it is up: the acquire was not lost" || return
	t=$(now_ns)
	flow_packet
	up_with $h1 30 || fail "not up" || return
	within "ms from the next packet to the first message" \
		"$(ms_between "$t" "$(wire_first "ike $branch_addr $h1 " "$t")")" 0 2000
}

reload_module() { module_unload 30 && module_load; }

# ended SLACK_MS: the idle end came, neither early nor later than that
ended()
{
	local last

	last=$(last_esp_ns)
	state_await $((idle_s * 2)) DOWN || fail "no idle end" || return
	within "ms from the last packet to the idle end" \
		"$(ms_between "$last" "$(state_ns DOWN)")" $((idle_s * 1000)) $((idle_s * 1000 + $1)) || return
	says DOWN $h1 "idle for $idle_s s; next attempt $h1"
}

# The module goes and comes back while nobody reads.
module_goes_unseen()
{
	unheard filled reload_module || return
	wait_for 30 has_rules || fail "the module that came unseen has no rules" || return
	tells 0 "the module prefpeer went" && tells 0 "the module prefpeer is here" ||
		fail "the log does not tell that it went and came" || return
	flow_packet
	wait_for 30 peer_is_up $h1 || fail "not up" || return
	# Where the kernel keeps no time of last use, the module looks every T/8.
	ended $((idle_s * 1000 / 8 + 2000))
}

# One per line and peer.
has_rules() { json_is 'len(d) == 2' "$(pp -j rule show)"; }

# Gone for good, unseen: it polls.
module_stays_away()
{
	local went

	flow_packet
	up_with $h1 30 || fail "not up" || return
	went=$(logged "the module prefpeer went")
	unheard filled module_unload 30 || return
	wait_for 30 tells "$went" "the module prefpeer went" || fail "it did not find out" || return
	flow_packet
	ended 12000
}

no_errors()
{
	expect "errors in the log" "logged ': error: '" 0
}

# Control: it is the policies, and nothing else, that keep packets from leaving in clear.
without_policies()
{
	local t

	t=$(now_ns)
	agent_kill && ip -n "$branch" xfrm policy flush || return
	flow_packet
	wait_for 20 clear_since "$t" || fail "nothing in clear even without policies: the test proves nothing"
}

test_case "an entry that is up" start || { finish; exit; }
test_case "full sockets: an SA that went unseen is noticed" sa_goes_unseen
test_case "full sockets: an acquire that was lost: the next packet asks again" acquire_is_lost
test_case "full sockets: the module went and came unseen: it has its rules, and is heard" module_goes_unseen
test_case "full sockets: the module went unseen: the agent polls" module_stays_away
test_case "no errors" no_errors
test_case "nothing in clear" nothing_in_clear
test_case "positive control: without policies a packet leaves in clear" without_policies
finish
