#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name, it takes minutes
#
# Two prefpeerds, one IKE SA with a pair for line 1, and packets for line 2 at both
# ends at once: their CREATE_CHILD_SA requests cross on the wire (RFC 7296 §2.25).
# The end that opened the IKE SA refuses, so one pair is made, not two or none.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 8

# Line 1 is between the hosts that are there, line 2 between these.
lan2=192.168.1.11 site2=192.168.2.11
one_way_ms=1000

# pp at the other end
hpp() { in_ns "$hub1" "$prefpeer" -S "$tmp/hub.control" "$@"; }

# In place of charon.
hub_agent()
{
	other_conf hub "crypto ikev2 dpd 10 2 periodic" \
		"host $site_host host $lan_host" "host $site2 host $lan2" && other_start hub "$hub1"
}

second_hosts()
{
	ip -n "$lan" addr add $lan2/24 dev lan0 &&
	ip -n "$lan" route add $site2 via 192.168.1.1 src $lan2 &&
	ip -n "$site" addr add $site2/24 dev br0 &&
	ip -n "$site" route add $lan_net via 192.168.2.1 &&
	ip -n "$site" route add $lan2 via 192.168.2.1 src $site2
}

listeners()
{
	flow_listen out1 && flow_listen out2 $site2 &&
	flow_listen_lan in1 && flow_listen_lan in2 $lan2
}

start()
{
	e2e_hub=hub_agent
	e2e_up 1 && second_hosts && listeners || return
	e2e_acl="access-list 101 permit ip host $lan_host host $site_host
access-list 101 permit ip host $lan2 host $site2"
	e2e_conf "10 2 periodic" "set peer $h1"
	e2e_agent && hub_delay 1 $((2 * one_way_ms))
}

# packet branch|hub LINE: one, from the LAN behind that end
packet()
{
	local ns=$lan to=$site_host

	[ "$1" = branch ] || { ns=$site; to=$lan_host; }
	[ "$2" = 1 ] || to=${to%.10}.11
	in_ns "$ns" "$udpflow" send "$to" $flow_port 1000 1 >/dev/null
}

# pairs branch|hub: the SPIs of its SAs, those towards the branch and those towards the hub
pairs()
{
	local ns=$branch

	[ "$1" = branch ] || ns=$hub1
	echo "$(sa_spis "$ns" $h1 $branch_addr | sort | tr '\n' ' ')/ $(sa_spis "$ns" $branch_addr $h1 | sort | tr '\n' ' ')"
}

# has_pairs N: at both ends, and they are the same ones
has_pairs()
{
	local here

	here=$(pairs branch)
	[ "$(wc -w <<<"$here")" = $((2 * $1 + 1)) ] && [ "$(pairs hub)" = "$here" ]
}

nothing_left() { has_pairs 0; }
said_pairs() { echo "branch $(pairs branch), hub $(pairs hub)"; }

# opened_by branch|hub: a new IKE SA, opened by that end, with a pair for line 1 only
opened_by()
{
	local from=$branch_addr

	[ "$1" = branch ] || from=$h1
	pp map reset tohub 1 && hpp map reset tobranch 1 || return
	wait_for 30 nothing_left || fail "SAs are left: $(said_pairs)" || return
	t=$(now_ns)
	packet "$1" 1
	wait_for 30 has_pairs 1 || fail "not one pair: $(said_pairs)" || return
	capture_sync
	wire_first "ike $from .*exch=IKE_SA_INIT.* resp=0" "$t" >/dev/null ||
		fail "the IKE SA was not opened by the $1" || return
	expect "ends that opened one" "wire_log $t | awk '/exch=IKE_SA_INIT/ && / resp=0 / { print \$3 }' | sort -u | wc -l" 1
}

# child_times FROM TO 0|1: when each CREATE_CHILD_SA request, or response, was first sent since $t
child_times()
{
	wire_log "$t" | awk -v from="$1" -v to="$2" -v resp="resp=$3" '
		$2 == "ike" && $3 == from && $4 == to && /exch=CREATE_CHILD_SA/ && index($0, resp) {
			for (i = 5; i <= NF; i++) if ($i ~ /^mid=/ && !seen[$i]++) print $1 }'
}

# The tap is at the branch: what it sends passes when it sends it, what the hub sends
# one way later. All in order, so each was sent before its sender saw the other's.
crossed_on_the_wire()
{
	local ours theirs refused answer

	capture_sync
	ours=$(child_times $branch_addr $h1 0)
	theirs=$(child_times $h1 $branch_addr 0)
	expect "requests of the branch" "wc -w <<<'$ours'" 1 &&
	expect "requests of the hub" "wc -w <<<'$theirs'" 1 || return
	refused=$(child_times $branch_addr $h1 1 | head -n 1)
	answer=$(child_times $h1 $branch_addr 1 | head -n 1)
	within "ms from the branch's request to the hub's" "$(ms_between "$ours" "$theirs")" \
		1 $((2 * one_way_ms - 1)) || return
	[ "$theirs" -lt "$refused" ] && [ "$theirs" -lt "$answer" ] ||
		fail "one was answered before the other was sent: $ours $theirs, $refused $answer"
}

# cross FIRST SECOND: packets for line 2 at both ends; then some more, which a second
# pair or a second request would be made for.
cross()
{
	local i

	t=$(now_ns)
	packet "$1" 2
	packet "$2" 2
	wait_for 30 has_pairs 2 || fail "not two pairs: $(said_pairs)" || return
	for i in 1 2 3 4 5 6 7 8; do
		sleep 1
		packet branch 2
		packet hub 2
	done
	has_pairs 2 || fail "no longer two pairs: $(said_pairs)" || return
	crossed_on_the_wire
}

one_pair()
{
	opened_by "$1" && cross branch hub && opened_by "$1" && cross hub branch
}

# arrives LISTENER COUNT END LINE: packets, each of them
arrives()
{
	local was i

	was=$(flow_received "$1")
	for ((i = 0; i < $2; i++)); do
		packet "$3" "$4"
	done
	wait_for 5 flow_more "$1" $((was + $2 - 1)) ||
		fail "of $2 packets of the $3 for line $4 $(($(flow_received "$1") - was)) arrived"
}

both_ways()
{
	arrives out2 3 branch 2 && arrives in2 3 hub 2 && arrives out1 3 branch 1 && arrives in1 3 hub 1
}

end_agrees()
{
	expect "lines up at the branch" "pp -j map show tohub 1 | jq '[.[].lines[] | select(.spi_out)] | length'" 2 &&
	expect "lines up at the hub" "hpp -j map show tobranch 1 | jq '[.[].lines[] | select(.spi_out)] | length'" 2
}

without_policies()
{
	agent_stop || return
	in_ns "$branch" ip xfrm policy flush
	in_ns "$branch" ip xfrm state flush
	t=$(now_ns)
	packet branch 2
	capture_sync
	[ -n "$(wire_clear "$t")" ] || fail "a packet without policies was not seen in clear"
}

test_case "two prefpeerds, a second between them" start || { finish; exit; }
test_case "requests for one line cross; the branch opened the IKE SA: one pair" one_pair branch
test_case "traffic passes both ways, on either line" both_ways
test_case "the same, opened by the hub: one pair" one_pair hub
test_case "traffic passes both ways, on either line, again" both_ways
test_case "both ends have their lines up with it" end_agrees
test_case "case 30: nothing in clear in any of it" nothing_in_clear
test_case "positive control: without policies it is in clear" without_policies
finish
