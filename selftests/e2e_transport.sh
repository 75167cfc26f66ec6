#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name, it takes minutes
#
# Transport mode (RFC 7296 section 1.3.1) against strongSwan: between the gateways
# themselves, and of a GRE tunnel between them. Rekeys by either end, a hub that calls,
# idleness, a hub that will only have a tunnel, and one that must not. Between the two
# gateways the wire has IKE and ESP, and nothing else.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 12

gre_us=172.16.9.1 gre_hub=172.16.9.2

transport_hub() { hub_start "$1" local_ts=dynamic remote_ts=dynamic child="mode = transport" dpd=30s; }

# branch_mode MODE
branch_mode()
{
	sed -i "/^ mode /d; s/^crypto ipsec transform-set ts .*/&\n mode $1/" "$tmp/prefpeer.conf"
}

pings() { in_ns "$branch" ping -q -W 1 "$@" >"$tmp/ping.log"; }

start()
{
	e2e_hub=transport_hub
	e2e_acl="access-list 101 permit ip host $branch_addr host $h1"
	e2e_up 1 || return
	e2e_conf "10 2 periodic" "set peer $h1" "set security-association idle-time 120"
	branch_mode transport
	e2e_agent || return
	pings -c 1 $h1
	up_with $h1 20 || fail "not up" || return
	pings -c 5 -i 0.1 $h1 && grep -q ' 5 received' "$tmp/ping.log" || fail "$(tail -n 2 "$tmp/ping.log")"
}

# both_have MODE: SAs and templates here, and what the hub says
both_have()
{
	local sad said

	sad=$(ip -n "$branch" xfrm state list src $branch_addr dst $h1 &&
		ip -n "$branch" xfrm state list src $h1 dst $branch_addr)
	expect "SAs in $1 mode" "grep -c 'proto esp .*mode $1' <<<\"\$sad\"" 2 || { diag "$sad"; return 1; }
	expect "templates in $1 mode" "ip -n $branch xfrm policy | grep -c 'proto esp reqid .* mode $1'" 3 || return
	expect "SAs shown in $1 mode" "pp show crypto ipsec sa | grep -c '={${1^}, '" 2 || return
	said=$(swanctl_of hub1 --list-sas)
	grep -q "INSTALLED, ${1^^}, ESP" <<<"$said" || fail "the hub's is not in $1 mode: $said"
}

gre_end()
{
	ip -n "$1" tunnel add gre1 mode gre local "$2" remote "$3" &&
	ip -n "$1" addr add "$4/30" dev gre1 && ip -n "$1" link set gre1 up
}

gre()
{
	gre_end "$branch" $branch_addr $h1 $gre_us && gre_end "$hub1" $h1 $branch_addr $gre_hub || return
	pings -c 5 -i 0.1 $gre_hub && grep -q ' 5 received' "$tmp/ping.log" || fail "$(tail -n 2 "$tmp/ping.log")"
}

spis() { echo "$(sa_spis "$branch" $branch_addr $h1) $(sa_spis "$branch" $h1 $branch_addr)"; }

spi_changed()
{
	local now

	now=$(spis)
	set -- $now
	[ $# -eq 2 ] && [ "$now" != "$spis_before" ]
}

soft_end() { in_ns "$branch" "$selftests_dir/xfrm_expire.py" $h1 "$(sa_spis "$branch" $branch_addr $h1)"; }
hub_rekeys() { swanctl_of hub1 --rekey --child branch4-net4 >/dev/null; }
gre_flows() { [ "$(flow_received gre)" -gt "$gre_had" ]; }

# across COMMAND: UDP with numbers through GRE, COMMAND, a new pair, no packet lost
across()
{
	local t pid

	spis_before=$(spis)
	gre_had=$(($(flow_received gre) + 100))
	t=$(now_ns)
	bg "$tmp/gre.send" ip netns exec "$branch" "$udpflow" send $gre_hub "$flow_port" 5000 0 "$tmp/gre.answers"
	pid=$bg_pid
	wait_for 20 gre_flows || fail "no flow" || return
	"$1" || fail "$1" || return
	wait_for 30 spi_changed || fail "no new pair: $(spis), before: $spis_before" || return
	gre_had=$(($(flow_received gre) + 100))
	wait_for 20 gre_flows || fail "no flow behind the rekey" || return
	flow_stop "$pid"
	flow_report gre "$t"
	[ "$lost" -eq 0 ] || fail "$lost of $((received + lost)) packets lost" || return
	both_have transport
}

listen_behind_gre()
{
	bg "$tmp/gre.recv.err" ip netns exec "$hub1" "$udpflow" recv $gre_hub "$flow_port" "$tmp/gre.recv"
	wait_for 10 test -e "$tmp/gre.recv"
}

idle_end()
{
	state_await 300 DOWN || fail "still up" || return
	expect reason "state_event DOWN reason" idle || return
	wait_for 10 peer_is_gone $h1 && wait_for 10 sa_none "$hub1" $branch_addr $h1 ||
		fail "SAs are left" || return
	pings -c 1 $gre_hub
	up_with $h1 20 || fail "the next packet brings nothing up" || return
	both_have transport
}

hub_calls()
{
	pp session clear && state_await 20 DOWN || return
	swanctl_of hub1 --initiate --child branch4-net4 --timeout 20 >"$tmp/call.log" 2>&1 ||
		fail "$(tail -n 3 "$tmp/call.log")" || return
	up_with $h1 20 || fail "not up" || return
	both_have transport && pings -c 3 -i 0.1 $gre_hub
}

hub_mode()
{
	sed -i -E "s/^([[:space:]]*mode =).*/\1 $1/" "$tmp/hub1/swanctl.conf"
	peer_load hub1
}

reload()
{
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")"
}

falls_back()
{
	hub_mode tunnel && pp session clear && state_await 20 DOWN || return
	pings -c 1 $h1
	up_with $h1 20 || fail "not up" || return
	both_have tunnel || return
	grep -q 'is protected by ESP$' "$tmp/agent.log" || fail "the agent does not say so" || return
	pings -c 5 -i 0.1 $gre_hub && grep -q ' 5 received' "$tmp/ping.log" || fail "$(tail -n 2 "$tmp/ping.log")"
}

required()
{
	branch_mode "transport require"
	reload && pp session clear && state_await 20 DOWN || return
	bg "$tmp/asking.log" ip netns exec "$branch" ping -q -i 0.5 $h1
	asking=$bg_pid
	wait_for 30 monitor_has '"event":"map-state".*"to":"BACKOFF"' || fail "no BACKOFF" || return
	[[ $(state_event BACKOFF text) == *"the peer does not take transport mode, which is required"* ]] ||
		fail "the reason is not said: $(state_event BACKOFF text)" || return
	hub_mode transport
	wait_for 70 peer_is_up $h1 || fail "not up with the hub's transport mode" || return
	kill "$asking"
	both_have transport
}

only_protected()
{
	local other

	capture_sync
	[ "$(wire_count " esp $branch_addr $h1 ")" -gt 100 ] || fail "hardly any ESP" || return
	other=$(wire_log | awk -v a=$branch_addr -v b=$h1 '
		$2 != "ike" && $2 != "esp" && (($3 == a && $4 == b) || ($3 == b && $4 == a))')
	[ -z "$other" ] || fail "$(wc -l <<<"$other") other frames, the first: $(head -n 1 <<<"$other")"
}

test_case "a line between the gateways: up" start || { finish; exit; }
test_case "SAs and templates are in transport mode, at both ends" both_have transport
test_case "GRE between the gateways" gre
listen_behind_gre
test_case "a rekey by us keeps the mode, and loses no packet of GRE" across soft_end
test_case "a rekey by the hub keeps the mode, and loses no packet of GRE" across hub_rekeys
test_case "idle: torn down at both ends, and up again with the next packet" idle_end
test_case "the hub calls" hub_calls
test_case "a hub that will only have a tunnel gets one" falls_back
test_case "with \`require\` it does not, until it takes transport mode" required
test_case "between the gateways: IKE and ESP, nothing else" only_protected
test_case "the flow through GRE arrived" flow_more gre 200
test_case "case 30: nothing in clear" nothing_in_clear
finish
