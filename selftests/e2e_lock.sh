#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# The boot window (`prefpeerd --lock`): what the configuration protects is
# blocked before there is a network, and the agent takes over under traffic.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 10

# out_clear, in_clear FROM_NS: packets of the two flows in clear at the tap.
out_clear() { wire_clear "$1" | grep "$lan_host $site_host"; }
in_clear() { wire_clear "$1" | grep "$site_host $lan_host"; }

no_clear_out()
{
	capture_sync
	[ -z "$(out_clear "$1")" ] || fail "in clear: $(out_clear "$1" | head -n 1)"
}

lock() { in_ns "$branch" "$prefpeerd" --lock -f "$tmp/prefpeer.conf" >"$tmp/lock.log" 2>&1; }

# blocked DIRECTION: policies
blocked() { ip -n "$branch" xfrm policy list dir "$1" | grep -c "action block"; }

start()
{
	e2e_module=no
	e2e_up 2 || return
	e2e_conf "10 2 periodic" "set peer nowhere.example default" "set peer $h1"
	flow_start up 10000 0 $site_host
	flow_start_site down 10000 0 $lan_host
}

# Whether anybody listens or not.
received_in_lan() { in_ns "$lan" awk '$1 == "Udp:" && $2 ~ /^[0-9]/ { print $2 + $3 }' /proc/net/snmp; }

# Control: these packets are seen at the tap as long as nothing forbids them.
clear_without_lock()
{
	local t

	t=$(now_ns)
	ip -n "$transit" route replace $lan_net via $branch_addr
	ip -n "$transit" route replace $site_net via $h1
	ip -n "$site" route replace $lan_net via 192.168.2.1
	sleep 1
	capture_sync
	within "packets in clear without any policy, out" "$(out_clear "$t" | wc -l)" 50 200 &&
	within "packets in clear without any policy, in" "$(in_clear "$t" | wc -l)" 50 200 &&
	[ "$(received_in_lan)" -gt 50 ] || fail "the packets of the site do not reach the LAN"
}

# As at boot: no address, no route, no link, no name, no module.
locks_without_network()
{
	ip -n "$branch" link set wan0 down
	ip -n "$branch" addr flush dev wan0
	ip -n "$branch" link set lan0 down
	ip -n "$branch" addr flush dev lan0
	! module_loaded || fail "the module is loaded" || return
	lock || fail "--lock: $(cat "$tmp/lock.log")" || return
	[ ! -s "$tmp/lock.log" ] || grep -q 'nowhere.example is not looked up' "$tmp/lock.log" ||
		fail "--lock has something to say: $(cat "$tmp/lock.log")" || return
	expect "policies out that block" "blocked out" 1 &&
	expect "policies fwd that block" "blocked fwd" 1
}

network_comes()
{
	ip -n "$branch" addr add 192.168.1.1/24 dev lan0
	ip -n "$branch" addr add fd00:1::1/64 dev lan0 nodad
	ip -n "$branch" addr add $branch_addr/24 dev wan0
	ip -n "$branch" link set lan0 up
	ip -n "$branch" link set wan0 up
	ip -n "$branch" route replace default via 10.0.0.1
	neighbour "$branch" lan0 "$lan" lan0 192.168.1.10
	neighbour "$branch" wan0 "$transit" branch 10.0.0.1
	steps_run
}

nothing_before_the_agent()
{
	local t before

	t=$(now_ns)
	network_comes || return
	before=$(received_in_lan)
	sleep 10
	no_clear_out "$t" || return
	# The site's packets do come as far as the branch, in clear.
	[ "$(in_clear "$t" | wc -l)" -gt 500 ] ||
		fail "no packet of the site reached the branch, nothing was proved" || return
	expect "packets of the site that came through to the LAN" \
		"echo \$((\$(received_in_lan) - $before))" 0
}

agent_takes_over()
{
	local t

	module_load || return
	t=$(now_ns)
	e2e_agent || return
	up_with $h1 60 || fail "no tunnel: the flow did not ask for one" || return
	sleep 5
	no_clear_out "$t" || return
	[ "$(wire_count " esp $branch_addr $h1" "$t")" -gt 300 ] || fail "no ESP" || return
	# What is left is for packets that carry the WAN address (NAT).
	expect "policies out that block" "blocked out" 1 &&
	expect "policies fwd that block" "blocked fwd" 0
}

# Somebody runs it again beside the agent (systemctl restart).
lock_beside_the_agent()
{
	local t

	flow_listen up && wait_for 20 flow_more up 100 || fail "no traffic" || return
	t=$(now_ns)
	lock || fail "--lock beside the agent: $(cat "$tmp/lock.log")" || return
	sleep 2
	flow_report up "$t"
	[ "$lost" -eq 0 ] || fail "$lost packets were lost by --lock beside a running agent"
}

flush_removes()
{
	local t

	agent_stop || return
	in_ns "$branch" "$prefpeerd" --flush >/dev/null || fail "--flush" || return
	lock || fail "--lock: $(cat "$tmp/lock.log")" || return
	t=$(now_ns)
	sleep 1
	no_clear_out "$t" || return
	in_ns "$branch" "$prefpeerd" --flush >"$tmp/flush.log" || fail "--flush" || return
	expect "policies after --flush" "ip -n $branch xfrm policy | grep -c '^src'" 0 || return
	t=$(now_ns)
	sleep 1
	capture_sync
	[ -n "$(out_clear "$t")" ] || fail "nothing in clear even without policies"
}

spoil()
{
	echo "crypto map tohub 1 ipsec-isakmp
 set peer $h2 default" >>"$tmp/prefpeer.conf"
}

said_what_is_wrong()
{
	grep -q "Only one default peer" "$tmp/lock.log" || fail "said: $(cat "$tmp/lock.log")"
}

bad_file_locks_what_ran()
{
	local good

	lock && good=$(blocked out) && in_ns "$branch" "$prefpeerd" --flush >/dev/null || return
	spoil
	lock || fail "nothing was locked: $(cat "$tmp/lock.log")" || return
	said_what_is_wrong && expect "lines that are blocked" "blocked out" "$good" || return
	grep -q "what was last in force, kept 20.* is used in its place" "$tmp/lock.log" ||
		fail "said: $(cat "$tmp/lock.log")"
}

bad_file_starts_what_ran()
{
	agent_start && wait_for 60 peer_is_up $h1 ||
		fail "no tunnel: $(tail -n 5 "$tmp/agent.log")" || return
	! pp reload 2>"$tmp/reload.log" || fail "a reload takes the bad file" || return
	grep -q "Only one default peer" "$tmp/reload.log" || fail "reload says: $(cat "$tmp/reload.log")"
}

bad_file_alone_locks_nothing()
{
	agent_stop && in_ns "$branch" "$prefpeerd" --flush >/dev/null || return
	rm /var/lib/prefpeer/*e2e_lock* || fail "nothing was kept" || return
	! lock || fail "a bad file is to be refused" || return
	said_what_is_wrong && expect "lines that are blocked" "blocked out" 0
}

test_case "branch and hubs, traffic both ways" start || { finish; exit; }
test_case "case 55: positive control: in clear without a lock" clear_without_lock
test_case "case 55: --lock without network, names or module blocks every line" locks_without_network
test_case "case 55: the network comes: nothing in clear, neither way, before the agent is up" nothing_before_the_agent
test_case "case 55: the agent takes over under traffic, nothing in clear" agent_takes_over
test_case "case 55: --lock beside a running agent loses no packet" lock_beside_the_agent
test_case "case 55: --flush removes the lock" flush_removes
test_case "case 55: a file with errors: said, and what was last in force is locked" bad_file_locks_what_ran
test_case "and started; a reload refuses the file" bad_file_starts_what_ran
test_case "with nothing kept it is refused, with its place" bad_file_alone_locks_nothing
finish
