#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.1
#
# Peers that are names, with a real name server: when it is asked, what its
# answers, denials and silence come to, and which address an IKE SA goes to.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$selftests_dir/lib_dns.sh"
module_need
agent_need
dns_need

plan 14

# name_is ADDRESS TTL: hub.example, with an address of the other family too
name_is()
{
	dns_set "hub.example. $2 A $1
hub.example. $2 AAAA 2001:db8:9::9
fixed.example. $2 A ${fixed:-$1}"
}

with()
{
	e2e_conf "10 2 periodic" "$@" && e2e_agent
}

# The first IKE_SA_INIT to an address after a time
init_ns() { wire_first " ike $branch_addr $1 .*exch=IKE_SA_INIT .* resp=0 " "$2"; }

peer_json() { map_get ".peers[0].$1"; }

clear_down()
{
	pp session clear && state_await 10 DOWN && wait_for 10 peer_is_gone $h1 &&
		wait_for 10 peer_is_gone $h3 || fail "session clear: still up"
}

start()
{
	e2e_up 3 && dns_namespace && dns_start && quiet_listeners || return
	name_is $h1 3600 || return
	with "set peer hub.example dynamic default" "set peer $h2"
}

asked_by_the_first_packet()
{
	local t

	t=$(now_ns)
	capture_sync
	expect "questions before a packet" "dns_asked $agent_started" 0 || return
	expect "address before a packet" "peer_json address" "" || return
	flow_packet
	state_await 20 UP hub.example && wait_for 10 peer_is_up $h1 || fail "not up" || return
	capture_sync
	within "questions" "$(dns_asked "$t")" 1 2 || return
	[ "$(dns_answer_ns "$t")" -lt "$(init_ns $h1 "$t")" ] || fail "IKE before the answer" || return
	expect "tried" "init_order $t" $h1 || return
	expect "address" "peer_json address" $h1 && expect "dynamic" "peer_json dynamic" true &&
	expect "dnssec" "peer_json dnssec" unchecked || return
	within "TTL left" "$(peer_json ttl_ms)" 3000000 3600000 || return
	pp map show | grep -q "hub.example ($h1, dynamic, TTL .*, unchecked)" ||
		fail "map show: $(pp map show)"
}

flows()
{
	flow_listen "$1" $site_host "$2" && flow_start "$1" 100000 0 $site_host "$2" &&
	wait_for 20 flow_more "$1" 20 || fail "no traffic through the tunnel"
}

not_during_its_life()
{
	local t

	flows life 5001 || return
	t=$(now_ns)
	name_is $h3 3600 || return
	sleep 60
	capture_sync
	expect "peer" peer_addr $h1 || return
	expect "IKE to the new address" "ike_count $h3 '' $t" 0 || return
	expect "questions of the agent" "agent_asked $t" 0 || return
	flow_report life "$t"
	expect "packets lost" "echo $lost" 0
}

peer_addr() { peer_json address; }

# The test's own drill asks for serial.ZONE; the agent's questions are the others.
agent_asked()
{
	in_ns "$transit" tcpdump -r "$capture_pcap" -n --time-stamp-precision=nano -tt \
		"dst host $dns_addr and udp dst port 53" 2>/dev/null |
		awk -v off="$(clock_offset_ns)" -v from="${1:-0}" '
			/serial\./ { next }
			{ split($1, p, "."); if (p[1] * 1e9 + p[2] - off >= from) n++ } END { print n + 0 }'
}

next_ike_sa()
{
	local t

	t=$(now_ns)
	hub_cut 1
	state_await 60 DOWN || fail "the death was not noticed" || return
	state_await 20 UP hub.example && wait_for 10 peer_is_up $h3 ||
		fail "not on the new address" || return
	capture_sync
	expect "tried" "init_order $t" $h3 || return
	expect "address" "peer_json address" $h3 || return
	flow_stop
	hub_restore 1
}

denied()
{
	local t answered tried

	dns_set "other.example. 60 A $h1" && clear_down || return
	t=$(now_ns)
	flow_packet
	up_with $h2 20 || fail "not on $h2" || return
	capture_sync
	expect "tried" "init_order $t" $h2 || return
	tried=$(init_ns $h2 "$t")
	answered=$(dns_answer_ns "$t" "$tried")
	within "ms from the denial to the next peer" "$(ms_between "$answered" "$tried")" 0 200 || return
	expect "what is said" "peer_json status_text" "there is no such name (NXDOMAIN)"
}

# 5 s after the first question, to that address
waited_for()
{
	local addr=$1 t

	t=$(now_ns)
	dns_cut
	flow_packet
	wait_for 30 peer_is_up "$addr" || fail "not on $addr" || return
	dns_back
	capture_sync
	expect "tried" "init_order $t" "$addr" || return
	within "ms from the question to the step" \
		"$(ms_between "$(dns_first_ns "$t")" "$(init_ns "$addr" "$t")")" 4800 5300
}

silent()
{
	name_is $h1 2 && clear_down || return
	flow_packet
	up_addr $h1 && clear_down || return
	sleep 3
	waited_for $h2 || return
	expect "what is said" "peer_json status_text" "no answer from the name servers in 5 s"
}

# up_addr ADDRESS: the name's address, or the second peer's
up_addr() { wait_for 20 peer_is_up "$1" || fail "not up with $1"; }

last_answer_holds()
{
	name_is $h1 600 && clear_down || return
	flow_packet
	up_addr $h1 && clear_down || return
	sleep 30
	waited_for $h1 || return
	within "TTL left" "$(peer_json ttl_ms)" 500000 570000
}

fixed_name()
{
	local t

	fixed=$h1
	name_is $h1 1 || return
	t=$(now_ns)
	with "set peer fixed.example default" "set peer $h2" || return
	wait_for 10 fixed_known || fail "not asked for when it was entered" || return
	fixed=$h3
	name_is $h1 1 || return
	sleep 5
	flow_packet
	up_addr $h1 && clear_down || return
	flow_packet
	up_addr $h1 || return
	capture_sync
	within "questions, all at the start" "$(agent_asked "$t")" 1 2 || return
	expect "dynamic" "peer_json dynamic" false
}

fixed_known() { [ "$(peer_json address)" = $h1 ]; }

# A21: that slot fails, and is asked for again by the next walk.
fixed_name_later()
{
	dns_set "other.example. 60 A $h1" || return
	with "set peer fixed.example default" "set peer $h2" || return
	flow_packet
	up_with $h2 20 || fail "not on $h2" || return
	fixed=$h3
	name_is $h1 60 || return
	clear_down && flow_packet && up_addr $h3
}

twins()
{
	local t

	name_is $h1 60 && hub_cut 1 || return
	with "set peer hub.example dynamic" "set peer $h1" "set peer $h2" || return
	t=$(now_ns)
	flow_packet
	up_with $h2 60 || fail "not on $h2" || return
	capture_sync
	expect "tried" "init_order $t" "$h1 $h2" || return
	expect "steps" "steps_walked" "hub.example 10.2.2.2" || return
	hub_restore 1
}

# Peers in the order in which the agent walked to them
steps_walked()
{
	json_log "' '.join(e.peer for e in l if e.event == 'map-state' and e.to == 'WALK')" "$tmp/monitor.log"
}

# The name's zone is signed, and the agent knows its key.
proved()
{
	dns_signed="hub.signed. 60 A $h1"
	dns_write && dns_reload || return
	e2e_globals="ip name-server $dns_addr
ip dnssec trust-anchor $tmp/signed.anchor"
	chmod 0644 "$tmp/signed.anchor"
	echo "nameserver 10.53.53.99" >"/etc/netns/$branch/resolv.conf" # nobody: not asked
	with "set peer hub.signed dynamic default" "set peer $h2" || return
	flow_packet
	up_addr $h1 || return
	expect "dnssec" "peer_json dnssec" secure && expect "address" "peer_json address" $h1
}

forged()
{
	local t

	dns_forge "^\(hub.signed.*\)$h1" "\1$h3" && clear_down || return
	t=$(now_ns)
	flow_packet
	up_with $h2 20 || fail "not on $h2" || return
	capture_sync
	expect "tried" "init_order $t" $h2 || return
	expect "dnssec" "peer_json dnssec" bogus || return
	within "ms from the question to the next peer" \
		"$(ms_between "$(dns_first_ns "$t")" "$(init_ns $h2 "$t")")" 0 1000
}

# The name of an unsigned zone is another matter than a forged one.
unproved()
{
	with "set peer hub.example dynamic default" "set peer $h2" || return
	flow_packet
	up_addr $h1 && expect "dnssec" "peer_json dnssec" insecure || return
	e2e_globals=
}

agent_started=0
test_case "a dynamic name, its name server from resolv.conf" start || { finish; exit; }
agent_started=$(now_ns)
test_case "the first packet asks, IKE follows the answer" asked_by_the_first_packet
test_case "case 26: an address that changes is of no matter while the IKE SA lives" not_during_its_life
test_case "case 26: the next IKE SA goes to the new address, whatever the TTL" next_ike_sa
test_case "case 27: no such name: the next peer at once" denied
test_case "case 27: silent name server: the next peer after 5 s" silent
test_case "silent name server: the last answer is used while its TTL holds" last_answer_holds
test_case "a name without dynamic is asked for when it is entered, and never again" fixed_name
test_case "case 27: a name that could not be resolved is asked for by the next walk" fixed_name_later
test_case "a name and an address that resolve alike: the later step is skipped" twins
test_case "DNSSEC: a signed answer is secure; ip name-server goes before resolv.conf" proved
test_case "DNSSEC: a forged answer is a failure, at once" forged
test_case "DNSSEC: an unsigned zone is insecure, and used" unproved
test_case "case 30: nothing in clear in any of it" nothing_in_clear
finish
