#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name, it takes minutes
#
# The branch's own side: a WAN address that changes, goes and appears late; two
# WANs of which one fails; a route that leads where no map is; changes that the
# agent could not read in time.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 20

# wan1: another provider, with an address of its own. other: an exit that carries no map.
# Each has its own tap.
second_wan()
{
	link "$branch" wan1 "$transit" branch2
	addr "$branch" wan1 10.9.0.2/24
	addr "$transit" branch2 10.9.0.1/24
	neighbour "$branch" wan1 "$transit" branch2 10.9.0.1
	neighbour "$transit" branch2 "$branch" wan1 10.9.0.2
	neighbour "$transit" branch "$branch" wan0 10.0.0.77
	link "$branch" other "$transit" branch3
	addr "$branch" other 10.8.0.2/24
	addr "$transit" branch3 10.8.0.1/24
	neighbour "$branch" other "$transit" branch3 10.8.0.1
	neighbour "$transit" branch3 "$branch" other 10.8.0.2
	steps_run
}

start()
{
	local n

	getent passwd prefpeer >/dev/null ||
		useradd --system --no-create-home --shell /usr/sbin/nologin prefpeer || return
	chmod 0755 "$tmp"
	topology 2 && second_wan && module_load || return
	# The branch's address is what changes here.
	for n in 1 2; do
		hub_start $n remote_id=%any conn="remote_addrs = %any" || return
	done
	capture_start other branch3 && capture_start wan1 branch2 && capture_start
	e2e_more="interface wan1
 crypto map tohub"
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	e2e_agent && text_monitor_start || return
	flow_listen flow && flow_start flow 10000
	up_with $h1 30 || fail "not up with $h1" || return
	map_show_reads " why the default peer answered; local address $branch_addr"
}

route_is() { ip -n "$branch" route replace default "$@"; }

# lost ADDRESS, moved FROM TO: what the operator reads
no_way() { echo "no route to $h1 through an interface that carries map tohub: $1"; }
lost() { echo "local address $1 lost: $(no_way "there is none")"; }
moved() { echo "local address was $1, is $2 now"; }

# The address by which the last IKE_SA_INIT of the capture was sent, and to whom.
last_init()
{
	capture_sync
	wire_log "$1" | awk '$2 == "ike" && /exch=IKE_SA_INIT/ && / resp=0 / { a = $3 " " $4 } END { print a }'
}

# up_from LOCAL PEER SECONDS: traffic goes to PEER from LOCAL, now.
up_from()
{
	wait_for "$3" sa_up "$branch" "$1" "$2" || fail "no SAs between $1 and $2" || return
	wait_for 20 flow_more flow "$(($(flow_received flow) + 100))" || fail "no traffic after that"
}

address_changes()
{
	local t

	t=$(now_ns)
	ip -n "$branch" addr add 10.0.0.77/24 dev wan0
	ip -n "$branch" addr del $branch_addr/24 dev wan0
	# The first one's going took the second of the network and the route along.
	ip -n "$branch" addr replace 10.0.0.77/24 dev wan0
	route_is via 10.0.0.1
	up_from 10.0.0.77 $h1 20 || return
	expect "where the last attempt went" "last_init $t" "10.0.0.77 $h1" || return
	expect "attempts to $h2" "ike_count $h2 IKE_SA_INIT $t" 0 || return
	expect "SAs of the old address" "sa_spis $branch $branch_addr $h1; sa_spis $branch $h1 $branch_addr" "" || return
	expect "current peer" current_peer $h1 || return
	flow_report flow "$t"
	within "ms of silence" $((gap_ns / 1000000)) 0 1500 || return
	# The agent may look before the new address is there, or after.
	monitor_has "\"text\":\"($(lost $branch_addr)|$(moved $branch_addr 10.0.0.77)); next attempt $h1\"" ||
		fail "monitor does not say why: $(grep local-gone "$tmp/monitor.log")" || return
	map_show_reads " why the default peer answered; local address 10.0.0.77"
}

# No address, no walk, no back-off: nothing is sent, the map says that it is DOWN.
address_goes()
{
	local t

	ip -n "$branch" addr del 10.0.0.77/24 dev wan0
	state_await 10 DOWN || fail "not down without an address" || return
	t=$(now_ns)
	sleep 120
	expect "state without an address" map_state DOWN || return
	reads "monitor" "$tmp/text.log" "UP $h1 → DOWN $(lost 10.0.0.77); next attempt $h1" &&
	map_show_reads " why $(lost 10.0.0.77)" || return
	capture_sync
	expect "IKE packets without an address" "wire_count ' ike ' $t" 0 || return
	[ -z "$(wire_clear "$t")" ] || fail "in clear: $(wire_clear "$t" | head -n 1)"
}

address_appears_late()
{
	local t read

	t=$(now_ns)
	read=$(text_lines)
	ip -n "$branch" addr add $branch_addr/24 dev wan0
	route_is via 10.0.0.1
	up_from $branch_addr $h1 20 || return
	flow_report flow "$t"
	# A line was wanted: it does not wait for a packet, or for a larval's 30 s.
	within "ms from the address to traffic" "$(ms_between "$t" "$(wire_first ' esp ' "$t")")" 0 1500 || return
	reads "monitor" "$tmp/text.log" "DOWN → WALK $h1" "$read" || return
	expect "current peer" current_peer $h1
}

# At boot the agent may be first.
agent_before_the_address()
{
	local t

	agent_stop || return
	ip -n "$branch" addr del $branch_addr/24 dev wan0
	e2e_agent || return
	t=$(now_ns)
	sleep 20
	capture_sync
	expect "frames at the tap" "wire_log $t | awk '\$2 != \"mark\" && \$2 != \"arp\" && \$2 != \"other\"' | wc -l" 0 || return
	map_show_reads "tohub 1 DOWN for " &&
	map_show_reads " why no peer can be reached from here: $(no_way "there is none")" || return
	ip -n "$branch" addr add $branch_addr/24 dev wan0
	route_is via 10.0.0.1
	up_from $branch_addr $h1 20
}

first_wan_fails()
{
	local t

	ip -n "$branch" route add default via 10.9.0.1 metric 200
	t=$(now_ns)
	ip -n "$branch" link set wan0 down
	up_from 10.9.0.2 $h1 20 || return
	capture_turn wan1 branch2
	capture_sync
	expect "by the second WAN" "last_init $t" "10.9.0.2 $h1" || return
	expect "current peer" current_peer $h1 || return
	flow_report flow "$t"
	within "ms of silence" $((gap_ns / 1000000)) 0 1500 || return
	reads "monitor" "$tmp/text.log" "UP $h1 → DOWN $(moved $branch_addr 10.9.0.2); next attempt $h1" &&
	map_show_reads " why the default peer answered; local address 10.9.0.2" || return
	nothing_in_clear "$t"
}

first_wan_returns()
{
	local t

	capture_turn wire branch
	t=$(now_ns)
	ip -n "$branch" link set wan0 up
	neighbour "$branch" wan0 "$transit" branch 10.0.0.1
	steps_run
	route_is via 10.0.0.1
	up_from $branch_addr $h1 20 || return
	expect "SAs of the second WAN" "sa_spis $branch 10.9.0.2 $h1" "" || return
	reads "monitor" "$tmp/text.log" "UP $h1 → DOWN $(moved 10.9.0.2 $branch_addr); next attempt $h1" || return
	nothing_in_clear "$t"
}

# Each peer by a WAN of its own: the second WAN's address speaks to the second peer.
a_wan_for_each_peer()
{
	local t

	ip -n "$branch" route add $h2/32 via 10.9.0.1
	t=$(now_ns)
	hub_cut 1
	up_from 10.9.0.2 $h2 60 || return
	expect "current peer" current_peer $h2 || return
	map_show_reads " why it answered; $h1: no answer in 2.0 s; local address 10.9.0.2" || return
	nothing_in_clear "$t"
}

# The way to the default leads through an interface that carries no map.
route_without_map()
{
	local t

	hub_restore 1
	ip -n "$branch" route add $h1/32 via 10.8.0.1
	t=$(now_ns)
	hub_cut 2
	# Home first: that step fails at once; then the only other, which is silent.
	state_await 60 BACKOFF || fail "no back-off: the walk had nowhere to go" || return
	capture_sync
	expect "attempts to $h1" "ike_count $h1 IKE_SA_INIT $t" 0 || return
	monitor_has "\"text\":\"$(no_way "it leaves by other")\"" ||
		fail "monitor does not say why: $(last_state)" || return
	grep -q "$(no_way "it leaves by other")" "$tmp/agent.log" ||
		fail "nor does the log" || return
	ip -n "$branch" route del $h1/32 via 10.8.0.1
	up_from $branch_addr $h1 90 || return
	hub_restore 2
	ip -n "$branch" route del $h2/32 via 10.9.0.1
}

# It applies to new SAs: the running tunnel is left alone (semantics.md §4.8).
local_address()
{
	sed -i 's/^crypto map tohub 1 .*/crypto map tohub local-address other\n&/' "$tmp/prefpeer.conf"
	pp reload || return
	hold_for 2 sa_up "$branch" $branch_addr $h1 || fail "reload tore the running tunnel down" || return
	pp session clear || return
	up_from 10.8.0.2 $h1 20 || fail "local-address is not what speaks" || return
	sed -i 's/local-address other/local-address nowhere/' "$tmp/prefpeer.conf"
	pp reload && pp session clear || return
	map_show_reads "; no peer can be reached from here: local-address nowhere of map tohub: there is no such interface" || return
	sed -i 's/local-address nowhere/local-address spare/' "$tmp/prefpeer.conf"
	ip -n "$branch" link add spare type dummy && pp reload || return
	map_show_reads "; no peer can be reached from here: local-address spare of map tohub has no usable IPv4 address" || return
	ip -n "$branch" link del spare
	sed -i '/local-address/d' "$tmp/prefpeer.conf"
	pp reload || return
	up_from $branch_addr $h1 20
}

# A policy does not ask by which interface a packet would leave.
routed_to_the_third_exit()
{
	local t

	ip -n "$branch" route add $site_net via 10.8.0.1
	up_from $branch_addr $h1 20 || return
	t=$(now_ns)
	wait_for 20 flow_more flow "$(($(flow_received flow) + 100))" || fail "no traffic" || return
	nothing_in_clear "$t" && nothing_at_third_exit "$t" || return
	ip -n "$branch" route del $site_net via 10.8.0.1
}

# nothing_at_third_exit [FROM_NS]: no tunnel leads there, so ESP proves nothing; its control does
nothing_at_third_exit()
{
	local clear

	capture_turn other branch3
	capture_sync && clear=$(wire_clear "$1")
	capture_turn wire branch
	[ -z "$clear" ] || fail "$(wc -l <<<"$clear") frames in clear, the first: $(head -n 1 <<<"$clear")"
}

# not_at_hub N ADDRESS: hub N has no IKE SA with it; those of addresses that went are its own affair
not_at_hub() { ! swanctl_of "hub$1" --list-sas | grep -qF "@ $2["; }

# The map leaves the interface that it runs by.
interface_removed()
{
	local t

	t=$(now_ns)
	sed -i '/^interface wan0/,+1d' "$tmp/prefpeer.conf"
	ip -n "$branch" route add $h2/32 via 10.9.0.1
	pp reload || return
	up_from 10.9.0.2 $h2 20 || fail "not by the interface that is left" || return
	expect "SAs by the interface that is left" "sa_spis $branch $branch_addr $h1" "" || return
	capture_sync
	# RFC 7296 1.4.1: the address is still there, so the hub is told.
	[ "$(ike_count $h1 INFORMATIONAL "$t")" -ge 1 ] || fail "nothing was said to $h1" || return
	wait_for 10 not_at_hub 1 $branch_addr || fail "it was not told: $(swanctl_of hub1 --list-sas)" || return
	monitor_has "\"text\":\"map removed from the interface of $branch_addr; next attempt $h1\"" ||
		fail "monitor does not say why: $(last_state)" || return
	printf 'interface wan0\n crypto map tohub\n' >>"$tmp/prefpeer.conf"
	pp reload || return
	ip -n "$branch" route del $h2/32 via 10.9.0.1
	pp session clear && up_from $branch_addr $h1 20
}

# More changes than its socket holds while it cannot read: it asks again. Routes fill it, so
# that what is lost, and nothing that is left, tells of an address.
overrun()
{
	local n

	kill -STOP "$agent_pid"
	for ((n = 0; n < 1000; n++)); do
		echo "route add blackhole 10.77.$((n / 250)).$((n % 250 + 1))/32"
	done >"$tmp/flood"
	sed 's/ add / del /' "$tmp/flood" >"$tmp/drain"
	ip -n "$branch" -batch "$tmp/flood" || return
	ip -n "$branch" addr add 10.0.0.77/24 dev wan0
	ip -n "$branch" addr del $branch_addr/24 dev wan0
	ip -n "$branch" addr replace 10.0.0.77/24 dev wan0
	route_is via 10.0.0.1
	ip -n "$branch" -batch "$tmp/drain" || return
	[ "$(drops)" -gt 0 ] || fail "the socket did not overflow: nothing was proved" || return
	kill -CONT "$agent_pid"
	up_from 10.0.0.77 $h1 60 || return
	wait_for 5 is_blocked 10.0.0.77 || fail "10.0.0.77 came unseen: nothing keeps NAT's packets from leaving by it"
}

is_blocked() { ip -n "$branch" xfrm policy list dir out src "$1" | grep -q "action block"; }

# Of the agent's sockets for rtnetlink (protocol 0).
drops()
{
	awk -v pid="$agent_pid" '$2 == 0 { n += $9 } END { print n + 0 }' "/proc/$agent_pid/net/netlink"
}

quiet_log()
{
	within "lines about routes in the log" "$(grep -c ' route: ' "$tmp/agent.log")" 1 60
}

# By the tap of either WAN, from the first packet on.
nothing_in_clear_by()
{
	capture_turn "$@"
	nothing_in_clear
}

# Control: it is the policies, and nothing else, that keep the flow from leaving in clear.
without_policies()
{
	agent_kill && ip -n "$branch" xfrm policy flush || return
	in_clear_by wire branch 10.0.0.1
}

# in_clear_by NAME DEVICE GATEWAY: its tap sees it, once the flow is routed there
in_clear_by()
{
	local t

	capture_turn "$1" "$2"
	t=$(now_ns)
	route_is via "$3" || return
	wait_for 20 clear_since "$t" || fail "nothing in clear even without policies: the test proves nothing"
}

test_case "a branch with two WANs, a map on both" start || { finish; exit; }
test_case "case 51: the WAN address changes under traffic: back on the new one, same peer" address_changes
test_case "case 51: the address goes: DOWN, nothing is sent" address_goes
test_case "case 51: it appears late: up at once" address_appears_late
test_case "case 51: the agent is there before the address" agent_before_the_address
test_case "case 52: two WANs, the first fails: by the second" first_wan_fails
test_case "case 52: the first returns" first_wan_returns
test_case "case 52: a WAN for each peer: the route decides the local address" a_wan_for_each_peer
test_case "case 52: no route through an interface that carries the map: the step fails and says so" route_without_map
test_case "local-address" local_address
test_case "packets that are routed by an exit without a map are protected all the same" routed_to_the_third_exit
test_case "the map leaves the interface that it runs by" interface_removed
test_case "an overrun of the rtnetlink socket hides no change" overrun
test_case "the log is not flooded" quiet_log
test_case "case 51: nothing in clear on the first WAN in any of it" nothing_in_clear_by wire branch
test_case "case 52: nothing in clear on the second WAN in any of it" nothing_in_clear_by wan1 branch2
test_case "case 52: nothing in clear on the exit that carries no map" nothing_at_third_exit
test_case "positive control: without policies the flow leaves in clear, by the first WAN" without_policies
test_case "positive control: by the second WAN" in_clear_by wan1 branch2 10.9.0.1
test_case "positive control: by the exit that carries no map" in_clear_by other branch3 10.8.0.1
finish
