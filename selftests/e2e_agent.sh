#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The agent as a service: without the module, with the module going and coming,
# bad configurations, reload under traffic, commands of the operator.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 13

start_without_module()
{
	e2e_module=no
	e2e_up 2 && quiet_listeners || return
	e2e_conf "10 2 on-demand" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 60 default"
	e2e_agent || return
	[ "$(grep -ci 'module' "$tmp/agent.log")" -eq 1 ] ||
		fail "the missing module is to be said once: $(grep -i module "$tmp/agent.log")"
}

polls_idle()
{
	local last end

	flow_packet
	up_with $h1 20 || return
	hub_cut 1 && flow_start kick 1000000 || return
	up_with $h2 60 || fail "on-demand liveness without the module" || return
	flow_stop
	hub_restore 1
	last=$(last_esp_ns)
	state_await 90 DOWN || fail "not idle" || return
	end=$(state_ns DOWN)
	# Never early, and T + poll interval (T/8).
	within "ms from the last packet to the verdict" "$(ms_between "$last" "$end")" 60000 68500 &&
	expect "next attempt" next_peer $h1
}

module_comes()
{
	module_load || return
	wait_for 10 has_rules || fail "no rules in the module that came" || return
	flow_packet
	up_with $h1 20 || return
	# The one that asked for the tunnel was dropped; this one starts the clock.
	flow_packet
	last=$(last_esp_ns)
	state_await 90 DOWN || fail "not idle" || return
	within "ms from the last packet to the verdict" "$(ms_between "$last" "$(state_ns DOWN)")" 60000 68500
}

has_rules() { json_is 'd' "$(pp -j rule show)"; }

module_goes()
{
	flow_packet
	up_with $h1 20 || return
	module_unload 10 || return
	flow_packet
	last=$(last_esp_ns)
	state_await 100 DOWN || fail "not idle after the module went" || return
	[ "$(ms_between "$last" "$(state_ns DOWN)")" -ge 60000 ] || fail "early"
	module_load
}

bad_file_leaves_the_old()
{
	local before

	flow_listen flow "$site_host" 5002 && flow_start flow 10000 0 "$site_host" 5002
	up_with $h1 20 || return
	before=$(sa_spis "$branch" $branch_addr $h1)
	cp "$tmp/prefpeer.conf" "$tmp/good.conf"
	sed -i 's/idle-time 60/idle-time 59/; s/default$/defalt/' "$tmp/prefpeer.conf"
	! pp reload >"$tmp/reload.log" 2>&1 || fail "reload of a bad file succeeded" || return
	grep -q 59 "$tmp/reload.log" && grep -q defalt "$tmp/reload.log" ||
		fail "not all errors are told: $(cat "$tmp/reload.log")" || return
	cat "$tmp/good.conf" >"$tmp/prefpeer.conf"
	expect "SPI" "sa_spis $branch $branch_addr $h1" "$before"
}

reload_loses_nothing()
{
	local t n

	t=$(now_ns)
	for n in 120 180 240; do
		sed -i "s/idle-time .*/idle-time $n default/" "$tmp/prefpeer.conf"
		pp reload || fail "reload: $(pp reload 2>&1)" || return
		sleep 1
	done
	expect "idle time in force" "map_get .idle.ms" 240000 || return
	agent_reload
	sleep 1
	flow_report flow "$t"
	[ "$lost" -eq 0 ] || fail "$lost packets lost over four reloads"
}

removed_peer()
{
	sed -i "/set peer $h1/d" "$tmp/prefpeer.conf"
	pp reload || return
	up_with $h2 20 || fail "not on $h2 after $h1 was removed" || return
	peer_is_gone $h1 || fail "SAs with the removed peer are left" || return
	sed -i "s/^crypto map tohub 1 .*/&\n set peer $h1 default/" "$tmp/prefpeer.conf"
	# The default has to be the first of the list.
	sed -i "/set peer $h2/d; s/ set peer $h1 default/&\n set peer $h2/" "$tmp/prefpeer.conf"
	pp reload && expect "current peer" current_peer $h2
}

clear_goes_home()
{
	pp session clear || fail "session clear: $(pp session clear 2>&1)" || return
	up_with $h1 20 || fail "clear session did not lead home"
}

reset_and_connect()
{
	flow_stop
	pp map reset tohub 1 || return
	state_await 10 DOWN || fail "not down after map reset" || return
	pp map connect tohub 1 || return
	up_with $h1 20 || fail "connect did not connect"
}

nothing_runs_as_root()
{
	local uid caps

	uid=$(awk '/^Uid:/ { print $2 }' "/proc/$agent_pid/status")
	caps=$(awk '/^CapPrm:/ { print $2 }' "/proc/$agent_pid/status")
	[ "$uid" != 0 ] || fail "runs as root" || return
	expect "capabilities (CAP_NET_ADMIN is bit 12)" "echo $caps" 0000000000001000
}

# A name is asked for once the configuration is in force; hosts answers here.
named_peer()
{
	agent_stop || return
	cp /etc/hosts "$tmp/hosts" && on_exit "cat $tmp/hosts >/etc/hosts"
	echo "$h1 hub-one.example" >>/etc/hosts
	e2e_conf "10 2 periodic" "set peer hub-one.example default" "set peer $h2"
	e2e_agent || return
	wait_for 30 has_address || fail "no address for the name: $(map_get '.peers[0].address')" || return
	flow_packet
	state_await 30 UP hub-one.example && wait_for 10 peer_is_up $h1 || fail "not up with the named peer"
}

has_address() { [ "$(map_get '.peers[0].address')" = $h1 ]; }

keys_stay_secret()
{
	! grep -q "$psk" "$tmp/agent.log" "$tmp/monitor.log" "$tmp/reload.log" || fail "the key is in a log"
}

test_case "agent without the module says so once" start_without_module || { finish; exit; }
test_case "without the module: on-demand liveness, idle end, never early" polls_idle
test_case "the module comes: the agent uses it" module_comes
test_case "the module goes: the agent polls again" module_goes
test_case "a bad file leaves the running configuration, all errors told" bad_file_leaves_the_old
test_case "reload loses no packet of an entry it does not touch" reload_loses_nothing
test_case "case 3: removing the default peer that is in use" removed_peer
test_case "session clear goes home" clear_goes_home
test_case "map reset and map connect" reset_and_connect
test_case "no root after start, CAP_NET_ADMIN alone" nothing_runs_as_root
test_case "a peer by its name" named_peer
test_case "the key is in no log" keys_stay_secret
test_case "case 30: nothing in clear in any of it" nothing_in_clear
finish
