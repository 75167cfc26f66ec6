#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# `prefpeerd -t`: what a file's author is told, word for word, with line and
# column; and that an incomplete entry is said to be one.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 9

hubs="crypto isakmp key $psk address $h1
crypto isakmp key $psk address $h2
crypto ipsec transform-set ts esp-gcm 128
access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255"

note="This new crypto map will remain disabled until a peer and a valid access list have been configured."

# config LINE…: a file whose line 5 is `crypto map tohub 1`, then these.
config()
{
	{
		echo "$hubs"
		echo "crypto map tohub 1 ipsec-isakmp"
		printf ' %s\n' "$@"
		echo "interface wan0"
		echo " crypto map tohub"
	} >"$tmp/prefpeer.conf"
	agent_conf_mode
}

# globals LINE…: a file of these lines alone, from line 1 on.
globals()
{
	printf '%s\n' "$@" >"$tmp/prefpeer.conf"
	agent_conf_mode
}

# tells STATUS TEXT…: -t ends so, and says each of these as whole lines, after
# the file's name.
tells()
{
	local want=$1 status text

	shift
	"$prefpeerd" -t -f "$tmp/prefpeer.conf" >"$tmp/out.log" 2>&1
	status=$?
	[ $status -eq "$want" ] || fail "status $status, not $want: $(cat "$tmp/out.log")" || return
	for text in "$@"; do
		grep -qxF -- "$tmp/prefpeer.conf:$text" "$tmp/out.log" || grep -qxF -- "$text" "$tmp/out.log" ||
			fail "no line is: $text: $(cat "$tmp/out.log")" || return
	done
}

# The first line of many, to see that nothing else was found wrong.
errors_told() { grep -c ': error: ' "$tmp/out.log"; }

complete_passes()
{
	config "set peer $h1 default" "set peer $h2" "set transform-set ts" "match address 101"
	tells 0 && expect "errors" errors_told 0
}

default_second()
{
	config "set peer $h1" "set peer $h2 default" "set transform-set ts" "match address 101"
	tells 1 "7:20: error: Default peer must be the first peer in the peer list" \
		"      the first is $h1 (line 6): put \`default\` there, or move line 7 up" &&
	expect "errors" errors_told 1
}

two_defaults()
{
	config "set peer $h1 default" "set peer $h2 default" "set transform-set ts" "match address 101"
	tells 1 "7:20: error: Only one default peer is allowed in a crypto map entry" \
		"      the default is $h1 (line 6)" && expect "errors" errors_told 1
}

idle_range()
{
	local n

	for n in "59:below 60" "86401:above 86400"; do
		config "set peer $h1 default" "set security-association idle-time ${n%%:*}" \
			"set transform-set ts" "match address 101"
		tells 1 "7:37: error: idle time ${n%%:*} is ${n#*:} (60..86400 s)" &&
		expect "errors" errors_told 1 || return
		globals "crypto ipsec security-association idle-time ${n%%:*}"
		tells 1 "1:45: error: idle time ${n%%:*} is ${n#*:} (60..86400 s)" || return
	done
	for n in 60 86400; do
		config "set peer $h1 default" "set security-association idle-time $n default" \
			"set transform-set ts" "match address 101"
		tells 0 && expect "errors" errors_told 0 || return
	done
}

keepalive_range()
{
	globals "crypto isakmp keepalive 9" "crypto isakmp keepalive 3601 2" \
		"crypto isakmp keepalive 10 1 periodic" "crypto isakmp keepalive 10 61" \
		"crypto ikev2 dpd 9 2 periodic" "crypto ikev2 dpd 10 61 on-demand"
	tells 1 "1:25: error: keepalive interval 9 is below 10 (10..3600 s)" \
		"2:25: error: keepalive interval 3601 is above 3600 (10..3600 s)" \
		"3:28: error: keepalive retry 1 is below 2 (2..60 s)" \
		"4:28: error: keepalive retry 61 is above 60 (2..60 s)" \
		"5:18: error: dpd interval 9 is below 10 (10..3600 s)" \
		"6:21: error: dpd retry 61 is above 60 (2..60 s)" &&
	expect "errors" errors_told 6 || return
	globals "crypto isakmp keepalive 10 2" && tells 0 &&
	globals "crypto isakmp keepalive 3600 60 periodic" && tells 0
}

incomplete_is_noted()
{
	config "set transform-set ts" "match address 101"
	tells 0 "5:1: warning: it has no peer: what access list 101 permits is blocked, not sent in clear" \
		"tohub 1   blocked: incomplete" || return
	config "set peer $h1 default" "set transform-set ts"
	tells 0 "5:1: note: $note" "tohub 1   disabled: incomplete"
}

start()
{
	e2e_up 1 && quiet_listeners || return
	config "set peer $h1 default" "set transform-set ts"
	e2e_agent
}

# warned TEXT: map show, and for programs the same as a member
warned()
{
	pp map show >"$tmp/show.log"
	grep -qF -- "WARNING: incomplete" "$tmp/show.log" && grep -qF -- "$1" "$tmp/show.log" ||
		fail "no WARNING with: $1: $(cat "$tmp/show.log")" || return
	[[ $(map_get .incomplete) == *"$1"* ]] || fail "-j says: $(map_get .incomplete)"
}

incomplete_is_shown()
{
	warned "access list" || return
	config "set peer $h1 default" "match address 101"
	pp reload && warned "transform set" || return
	config "set transform-set ts" "match address 101"
	pp reload && warned "peer"
}

# With an access list but without a peer its lines block: nothing in clear.
incomplete_blocks()
{
	local t

	t=$(now_ns)
	flow_packet
	sleep 1
	capture_sync
	[ -z "$(wire_clear "$t")" ] || fail "in clear: $(wire_clear "$t" | head -n 1)" || return
	config "set peer $h1 default" "set transform-set ts" "match address 101"
	pp reload || return
	! pp map show | grep -q WARNING || fail "still incomplete: $(pp map show)" || return
	flow_packet
	up_with $h1 20 || fail "the entry that was completed does not come up" || return
	flow_packet
	nothing_in_clear
}

test_case "a complete file passes" complete_passes
test_case "case 1: a default that is second in the list is refused" default_second
test_case "case 2: two defaults are refused" two_defaults
test_case "case 15: idle time 59 and 86401 refused, 60 and 86400 accepted" idle_range
test_case "case 25: keepalive 9 and 3601, retry 1 and 61 refused" keepalive_range
test_case "case 4: an incomplete entry is noted" incomplete_is_noted
test_case "the agent with an incomplete entry" start || { finish; exit; }
test_case "case 4: map show warns of what is missing" incomplete_is_shown
test_case "case 4: incomplete with an access list blocks; case 30: nothing in clear" incomplete_blocks
finish
