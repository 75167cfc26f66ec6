#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# IKE messages in fragments (RFC 7383) with strongSwan, over a path that loses
# long IKE messages and every fragment of IP: both roles, a length that was
# configured too great, and a hub that knows no fragments.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 6

mtu=200
long_name=$(printf 'hub-%0230d.example' 1)

# narrow BYTES: IP packets of IKE longer than that are lost, in both directions, but
# for IKE_SA_INIT (exchange type 34), which nobody can cut; and fragments of IP.
narrow()
{
	in_ns "$transit" nft -f - <<-NFT
	table inet narrow
	delete table inet narrow
	table inet narrow {
		chain forward {
			type filter hook forward priority 1; policy accept;
			ip frag-off & 0x3fff != 0 drop
			udp dport 500 ip length > $1 @th,208,8 != 34 drop
		}
	}
	NFT
}

start()
{
	e2e_hub=small_hub e2e_up 1 && narrow $mtu && flow_listen flow || return
	e2e_globals="crypto ikev2 fragmentation mtu $mtu"
	e2e_conf "10 2 periodic" "set peer $h1"
	e2e_agent && flow_start flow 50000 || return
	up_with $h1 20 || fail "not up"
}

# Its packets of IKE are no longer than $mtu either.
small_hub() { hub_start "$1" charon="fragment_size = $mtu"; }

passes_both_ways()
{
	in_ns "$lan" ping -c 5 -i 0.1 -W 1 $site_host >"$tmp/ping.log" &&
	grep -q ' 5 received' "$tmp/ping.log" || fail "not both ways: $(tail -n 2 "$tmp/ping.log")"
}

# sent FROM TO RESP [FROM_NS]: "LENGTH FRAGMENT" of its IKE_AUTH messages
sent()
{
	wire_log "$4" | awk -v src="$1" -v dst="$2" -v resp=" resp=$3 " '
		$2 == "ike" && $3 == src && $4 == dst && /exch=IKE_AUTH/ && index($0, resp) {
			len = frag = "-"
			for (i = 5; i <= NF; i++) {
				if ($i ~ /^len=/) len = substr($i, 5)
				if ($i ~ /^frag=/) frag = substr($i, 6)
			}
			print len, frag }'
}

# in_fragments FROM TO RESP MTU [FROM_NS]: at least two, none longer
in_fragments()
{
	local all

	capture_sync
	all=$(sent "$1" "$2" "$3" "$5")
	[ "$(grep -c / <<<"$all")" -ge 2 ] || fail "IKE_AUTH of $1 came not in fragments: $all" || return
	awk -v max=$(($4 - 28)) '$2 ~ "/" && $1 > max { exit 1 }' <<<"$all" ||
		fail "fragments of $1 are longer than $4 bytes of IP: $all"
}

request_and_response()
{
	in_fragments $branch_addr $h1 0 $mtu && in_fragments $h1 $branch_addr 1 $mtu &&
	passes_both_ways || return
	grep -q 'parsed IKE_AUTH request' "$tmp/hub1.log" || fail "the hub has put nothing together"
}

up_since() { [ "$(state_ns UP $h1)" -gt "$1" ] && peer_is_up $h1; }

# The hub calls: its request comes in fragments, our answer goes in fragments.
the_hub_calls()
{
	local t

	flow_stop
	pp session clear || return
	wait_for 20 is_down || fail "not down" || return
	t=$(now_ns)
	swanctl_of hub1 --initiate --child branch4-net4 --timeout 30 >"$tmp/call.log" 2>&1 ||
		fail "the hub could not: $(tail -n 3 "$tmp/call.log")" || return
	wait_for 20 up_since "$t" || fail "not up" || return
	in_fragments $h1 $branch_addr 0 $mtu "$t" && in_fragments $branch_addr $h1 1 $mtu "$t" &&
	passes_both_ways
}

# 1400 bytes are configured, 576 is what comes through: found out by silence.
too_long_for_the_path()
{
	local t

	agent_stop && peer_stop hub1
	small_hub_named || return
	narrow 576 || return
	e2e_globals="crypto ikev2 fragmentation mtu 1400
crypto ikev2 keyring hubs
 peer one
  address $h1
  identity fqdn $long_name
  pre-shared-key $psk
crypto ipsec transform-set t2 esp-gcm 256
crypto ipsec transform-set t3 esp-aes 128 esp-sha256-hmac
crypto ipsec transform-set t4 esp-aes 256 esp-sha256-hmac"
	e2e_conf "10 2 periodic" "set peer $h1"
	sed -i "/key .* address $h1\$/d; s/^ set transform-set ts$/ set transform-set ts t2 t3 t4/" \
		"$tmp/prefpeer.conf"
	t=$(now_ns)
	e2e_agent || return
	flow_packet
	up_with $h1 30 || fail "not up" || return
	in_fragments $branch_addr $h1 0 576 "$t" || return
	[ "$(sent $branch_addr $h1 0 "$t" | head -n 1 | cut -d ' ' -f 2)" = - ] ||
		fail "the first was in fragments already, so that proves nothing" || return
	passes_both_ways
}

small_hub_named()
{
	hub_start 1 id="$long_name" charon="fragment_size = $mtu"
}

# Nobody asks for fragments that the other end does not know.
a_hub_without()
{
	local t

	agent_stop && peer_stop hub1
	hub_start 1 conn="fragmentation = no" || return
	narrow 1500
	e2e_globals="crypto ikev2 fragmentation mtu $mtu"
	e2e_conf "10 2 periodic" "set peer $h1"
	t=$(now_ns)
	e2e_agent || return
	flow_packet
	up_with $h1 30 || fail "not up" || return
	capture_sync
	! sent $branch_addr $h1 0 "$t" | grep / || fail "a fragment went to it" || return
	passes_both_ways
}

test_case "IKE_AUTH comes through a path that carries $mtu bytes" start || { finish; exit; }
test_case "its request and its response went in fragments" request_and_response
test_case "the hub initiates over the same path" the_hub_calls
test_case "fragments too long for the path become smaller" too_long_for_the_path
test_case "a hub that knows no fragments" a_hub_without
test_case "case 30: nothing in clear in any of it" nothing_in_clear
finish
