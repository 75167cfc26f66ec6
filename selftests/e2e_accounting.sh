#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# Accounting records of sessions, in a file and at FreeRADIUS: start, interim, stop, bytes
# and packets, a server that is dead, an agent that is killed.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need
command -v freeradius >/dev/null || skip_all "no freeradius: apt-get install freeradius"

plan 6

radius_conf()
{
	mkdir -p "$tmp/raddb" "$tmp/acct" && chown prefpeer "$tmp/acct" || return
	echo "\$INCLUDE /usr/share/freeradius/dictionary" >"$tmp/raddb/dictionary"
	cat >"$tmp/raddb/radiusd.conf" <<-CONF
	prefix = /usr
	libdir = /usr/lib/freeradius
	logdir = $tmp
	run_dir = $tmp
	name = radius
	security {
		allow_vulnerable_openssl = yes
	}
	modules {
		detail {
			filename = $tmp/detail
			escape_filenames = no
			permissions = 0644
		}
	}
	client branch {
		ipaddr = 127.0.0.1
		secret = testing123
	}
	server default {
		listen {
			type = acct
			ipaddr = 127.0.0.1
			port = 1813
		}
		preacct {
		}
		accounting {
			detail
		}
	}
	CONF
}

radius_start()
{
	bg "$tmp/radius.out" ip netns exec "$branch" freeradius -d "$tmp/raddb" -f -l "$tmp/radius.log"
	radius_pid=$bg_pid
	wait_for 60 grep -q 'Ready to process' "$tmp/radius.log" || fail "FreeRADIUS: $(tail -n 5 "$tmp/radius.log")"
}

radius_stop()
{
	kill "$radius_pid" && wait "$radius_pid" 2>/dev/null
	rm -f "$tmp/radius.log"
}

# value EXPRESSION: of the list l of the records
value() { json_log "$1" "$tmp/acct/records"; }
has_records() { [ "$(grep -c "\"record\":\"$1\"" "$tmp/acct/records")" -ge "$2" ]; }
# at_radius STATUS COUNT
at_radius() { [ "$(grep -c "Acct-Status-Type = $1" "$tmp/detail")" -ge "$2" ]; }

start()
{
	e2e_up 2 && radius_conf && radius_start || return
	e2e_globals="hostname gw1
aaa accounting network L start-stop group radius
aaa accounting network L start-stop file $tmp/acct/records
aaa accounting update periodic 1
radius server R1
 address ipv4 127.0.0.1 acct-port 1813
 key 0 testing123
 timeout 2
 retransmit 1
crypto map tohub client accounting list L"
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	e2e_agent && flow_listen flow && flow_start flow 100000 || return
	up_with $h1 30 || fail "not up" || return
	wait_for 30 has_records start 1 || fail "no record of the start" || return
	wait_for 30 at_radius Start 1 || fail "no Start at FreeRADIUS" || return
	at_radius Accounting-On 1 || fail "no Accounting-On at FreeRADIUS"
}

interim()
{
	wait_for 120 has_records interim 1 || fail "no interim record" || return
	wait_for 30 at_radius Interim-Update 1 || fail "no Interim-Update at FreeRADIUS" || return
	[ "$(value "last(r for r in l if r.record == 'interim').packets_out")" -gt 100 ] ||
		fail "it has too few packets"
}

# All that the flow sent is counted, by one session or the other.
failover()
{
	hub_cut 1
	up_with $h2 60 || fail "not up with hub 2" || return
	wait_for 30 has_records stop 1 || fail "no record of the stop" || return
	expect "cause" "value \"last(r for r in l if r.record == 'stop').cause\"" lost-carrier &&
	expect "peer" "value \"last(r for r in l if r.record == 'stop').peer\"" $h1 || return
	wait_for 30 at_radius Stop 1 || fail "no Stop at FreeRADIUS" || return
	grep -q 'Acct-Terminate-Cause = Lost-Carrier' "$tmp/detail" || fail "not Lost-Carrier"
}

dead_server()
{
	local n

	radius_stop
	n=$(flow_received flow)
	pp session clear || return
	wait_for 60 has_records stop 2 || fail "no record in the file while the server is dead" || return
	wait_for 60 has_records start 3 || fail "no record of the next start" || return
	wait_for 30 flow_more flow "$n" || fail "the tunnel waits for the server" || return
	wait_for 60 grep -q 'RADIUS server R1 does not answer' "$tmp/agent.log" || fail "nothing says so" || return
	expect "times it is said" "grep -c 'R1 does not answer' '$tmp/agent.log'" 1 || return
	radius_start || return
	wait_for 120 at_radius Stop 2 || fail "the stop did not come later" || return
	grep -q 'Acct-Terminate-Cause = Admin-Reset' "$tmp/detail" || fail "not Admin-Reset"
}

killed()
{
	agent_kill && e2e_agent || return
	wait_for 60 has_records stop 3 || fail "no stop of the killed agent's session" || return
	expect "cause" "value \"last(r for r in l if r.record == 'stop').cause\"" nas-reboot || return
	wait_for 60 at_radius Stop 3 || fail "no Stop at FreeRADIUS"
}

stopped()
{
	wait_for 60 has_records start 4 || fail "no session after the restart" || return
	agent_stop || return
	wait_for 30 has_records off 1 || fail "no record of the end" || return
	expect "cause" "value \"last(r for r in l if r.record == 'stop').cause\"" admin-reboot || return
	wait_for 30 at_radius Accounting-Off 1 || fail "no Accounting-Off at FreeRADIUS"
}

test_case "a session begins: in the file, and at FreeRADIUS" start || { finish; }
test_case "it goes on" interim
test_case "its hub dies: it ends, and another begins" failover
test_case "a dead server delays nothing, and gets all of it later" dead_server
test_case "the agent is killed: the next one says the stop" killed
test_case "the agent ends: so do its sessions" stopped
finish
