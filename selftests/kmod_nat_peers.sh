#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.1
#
# A hub, here host a, with two branches behind one NAT, host b: the same two
# addresses, told apart by the NAT's UDP ports. Branch R is pair R, at port 40000 + R.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

plan 5

w=10	# seconds

port_of() { echo $((40000 + $1)); }

# Whoever decapsulates holds a socket: a on 4500, b on the branches' ports.
holders()
{
	local log=$tmp/$1.hold.log

	bg "$log" ip netns exec "$2" $python -c "
import socket, sys, time
held = []
for port in map(int, sys.argv[1:]):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_UDP, 100, 2) # UDP_ENCAP, UDP_ENCAP_ESPINUDP
    s.bind(('', port))
    held.append(s)
print('held', flush=True)
time.sleep(1000000)" "${@:3}"
	wait_for 30 grep -q held "$log" || fail "no encapsulation sockets: $(cat "$log")"
}

# branch R [VERB [PORT]]: SAs at both hosts
branch_sas()
{
	local r=$1 port=${3:-$(port_of "$1")} ns

	for ns in "$a" "$b"; do
		ip -n "$ns" xfrm state "${2:-add}" src $addr_a dst $addr_b proto esp spi $((0x1000 + r)) \
			reqid "$r" mode transport auth 'hmac(sha1)' $auth_key enc cipher_null '' \
			encap espinudp 4500 "$port" 0.0.0.0 &&
		ip -n "$ns" xfrm state "${2:-add}" src $addr_b dst $addr_a proto esp spi $((0x2000 + r)) \
			reqid "$r" mode transport auth 'hmac(sha1)' $auth_key enc cipher_null '' \
			encap espinudp "$port" 4500 0.0.0.0 || return
	done
}

setup()
{
	kmod_hosts && module_load && watch || return
	holders a "$a" 4500 && holders b "$b" 40001 40002 40003 || return
	pp_a rule add remote $addr_b one-way ${w}s >/dev/null || return
	branch_sas 1 && branch_sas 2 && pair_policy 1 && pair_policy 2
}

ports() { field_of "$a" 'o["encap_port"]' peer show remote $addr_b | sort | tr '\n' ' '; }

two_peers()
{
	expect "ports of the peers at $addr_b" "$(ports)" "40001 40002 "
}

# one_way R FROM: verdicts on branch R
one_way()
{
	event_count "e.event == 'peer-one-way' and e.encap_port == ${3:-$(port_of "$1")} and e.stamp_ns > $2"
}

# talk SECONDS ANSWERING…: a sends to both each second, these answer
talk()
{
	local i r

	for ((i = 0; i < $1; i++)); do
		outbound 1
		outbound 2
		for r in "${@:2}"; do
			inbound "$r"
		done
		sleep 1
	done
}

both_answer()
{
	local from

	from=$(now_ns)
	talk 25 1 2
	[ "$(sa_packets "$a" $(printf %x $((0x2001))))" -ge 25 ] || fail "what the branches send does not arrive" || return
	expect "verdicts on branch 1" "$(one_way 1 "$from")" 0 &&
	expect "verdicts on branch 2" "$(one_way 2 "$from")" 0
}

one_dies()
{
	local from

	from=$(now_ns)
	talk 25 2
	[ "$(one_way 1 "$from")" -ge 1 ] || fail "the death of branch 1 is hidden by branch 2's traffic" || return
	expect "verdicts on branch 2" "$(one_way 2 "$from")" 0 || return
	from=$(now_ns)
	talk 25 1
	[ "$(one_way 2 "$from")" -ge 1 ] || fail "the death of branch 2 is hidden by branch 1's traffic" || return
	sleep 1
	talk 2 1 2
}

# The NAT gives branch 2 another port: the SAs are updated in place.
mapping_moves()
{
	local from

	branch_sas 2 update 40003 || return
	sleep 2
	expect "ports of the peers at $addr_b" "$(ports)" "40001 40003 " || return
	from=$(now_ns)
	talk 25 1
	[ "$(one_way 2 "$from" 40003)" -ge 1 ] || fail "the death of branch 2 at its new port is not noticed" || return
	expect "verdicts on branch 1" "$(one_way 1 "$from")" 0
}

test_case "a hub, and a NAT with two branches" setup || { finish; exit; }
test_case "case 56: two branches behind one NAT are two peers" two_peers
test_case "case 56: both answer: no verdict" both_answer
test_case "case 56: one's traffic does not hide the other's death" one_dies
test_case "case 56: the NAT's mapping moves" mapping_moves
finish
