#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name, it takes minutes
#
# A router in transit with a small MTU, on the way out and on the way back: the
# path MTU of the tunnel is found, for both families inside and outside.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

small=1380
size=300000
plan 21

# A link's MTU would drop silently what arrives too large; a route's is what a
# router answers with an error. IPv6 has another route beside unless the metric is
# the connected one's.
narrow()
{
	local route

	for route in "10.0.0.0/24 dev branch" "10.1.1.0/24 dev hub1" \
		"2001:db8::/64 dev branch metric 256" "2001:db8:1::/64 dev hub1 metric 256"; do
		step "$transit" route replace "$route" mtu lock $small
	done
	steps_run
}

# Every hop has many errors to send here.
errors_unlimited()
{
	local ns

	for ns in "$transit" "$branch" "$hub1"; do
		sysctl_ns "$ns" net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	done
}

# map_of KIND PEER: KIND is "ipv6 " or nothing. Both families inside.
map_of()
{
	cat <<-CONF
	access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255
	ipv6 access-list six
	 permit ipv6 $lan_net6 $site_net6
	crypto ipsec transform-set ts esp-gcm 128
	crypto ikev2 dpd 10 2 periodic
	crypto map $1tohub 1 ipsec-isakmp
	 set peer $2 default
	 set transform-set ts
	 match address 101
	crypto map $1tohub 2 ipsec-isakmp
	 set peer $2 default
	 set transform-set ts
	 match address six
	interface wan0
	 crypto map tohub
	CONF
}

over4()
{
	{ agent_conf_keys; map_of "" $h1; } >"$tmp/prefpeer.conf"
	agent_conf_mode
	e2e_agent && both_up
}

over6()
{
	{
		printf 'crypto ikev2 keyring hubs\n peer one\n  address 2001:db8:1::1\n  pre-shared-key %s\n' $psk
		map_of "ipv6 " 2001:db8:1::1
	} >"$tmp/prefpeer.conf"
	agent_conf_mode
	e2e_agent && both_up && forget
}

both_up()
{
	wait_for 30 answers $site_host && wait_for 30 answers $site_host6 || fail "not up"
}

answers() { in_ns "$lan" ping -c 1 -W 1 "$1" >/dev/null; }

# Hosts forget what they have learnt of the other tunnel's path.
forget()
{
	local ns

	for ns in "$lan" "$site"; do
		ip -n "$ns" -4 route flush cache && ip -n "$ns" -6 route flush cache || return
	done
}

start()
{
	e2e_up 1 && narrow && errors_unlimited || return
	sink "$site" && sink "$lan" && over4
}

# sink NS: takes connections, each in a process of its own, since one that is stuck must
# not hold up the next; writes down how many bytes each brought
sink()
{
	bg "$tmp/sink-$1.log" ip netns exec "$1" "$python" -c "
import os, socket
s = socket.create_server(('::', 5555), family=socket.AF_INET6, dualstack_ipv6=True)
print('listening', flush=True)
while True:
    c, n = s.accept()[0], 0
    if os.fork():
        c.close()
        continue
    while d := c.recv(65536): n += len(d)
    print(n, flush=True)
    os._exit(0)"
	# An interpreter is read from the host's disk, which looks like minutes.
	wait_for 600 grep -q listening "$tmp/sink-$1.log" || fail "no listener"
}

arrived() { [ "$(grep -cx $size "$tmp/sink-$1.log")" = "$2" ]; }
arrivals() { grep -cx $size "$tmp/sink-$1.log"; }
send() { bg "$tmp/send.log" ip netns exec "$1" bash -c "head -c $size /dev/zero >/dev/tcp/$2/5555"; }

# transfer FROM_NS TO_NS ADDRESS: by TCP, whose segments carry DF
transfer()
{
	local n

	n=$(arrivals "$2")
	send "$1" "$3"
	wait_for 60 arrived "$2" $((n + 1)) || fail "the transfer did not end: $(tail -n 1 "$tmp/sink-$2.log")"
}

# muted: the router keeps its errors to itself
muted()
{
	in_ns "$transit" nft -f - <<-NFT
	table inet muted {
		chain output {
			type filter hook output priority 0; policy accept;
			icmp type destination-unreachable drop
			icmpv6 type packet-too-big drop
		}
	}
	NFT
}

# Control: the path is narrow, and it is the errors that tell. What begins
# without them goes on with the first that arrives.
black_hole()
{
	local n held

	n=$(arrivals "$site")
	muted || return
	send "$lan" "$1"
	hold_for 20 arrived "$site" "$n"
	held=$?
	in_ns "$transit" nft delete table inet muted
	[ $held = 0 ] || fail "it arrived: the path is not narrow" || return
	wait_for 90 arrived "$site" $((n + 1)) || fail "it does not go on when errors arrive"
}

# passes SIZE ADDRESS [HOW]: an echo with that payload, of three; the first may be what
# the branch learns by, the second what the host does
passes()
{
	local i

	forget || return
	for i in 1 2 3; do
		! in_ns "$lan" ping -M "${3:-do}" -c 1 -W 1 -s "$1" "$2" >/dev/null 2>&1 || return 0
	done
	return 1
}

# largest ADDRESS HEADERS OUTER: to the byte, the path less what ESP adds: outer
# header, SPI and number, IV, padding to 4 with its two bytes, ICV
largest()
{
	local want=$((((small - $3 - 8 - 8 - 16) & ~3) - 2 - $2))

	passes $want "$1" || fail "an echo of $((want + $2)) does not get through" || return
	! passes $((want + 1)) "$1" || fail "one of $((want + $2 + 1)) does, without fragments"
}

fragments()
{
	capture_sync
	in_ns "$transit" tcpdump -nr "$capture_pcap" 'ip[6:2] & 0x3fff != 0 or ip6[6] == 44' 2>/dev/null | wc -l
}

no_fragments() { expect "fragments at the tap" fragments 0; }

# Control of that: a packet without DF may be cut, and gets through that way.
without_df()
{
	passes 1400 $site_host dont || fail "a large packet without DF does not get through" || return
	[ "$(fragments)" -gt 0 ] || fail "the tap sees no fragments"
}

test_case "tunnels over IPv4, a router with a small MTU each way" start || { finish; exit; }
test_case "over IPv4: positive control: without the router's errors nothing large arrives" black_hole $site_host
test_case "IPv4 in IPv4: TCP out" transfer "$lan" "$site" $site_host
test_case "IPv4 in IPv4: TCP back" transfer "$site" "$lan" $lan_host
test_case "IPv4 in IPv4: the largest packet fills the path" largest $site_host 28 20
test_case "IPv6 in IPv4: TCP out" transfer "$lan" "$site" $site_host6
test_case "IPv6 in IPv4: TCP back" transfer "$site" "$lan" $lan_host6
test_case "IPv6 in IPv4: the largest packet fills the path" largest $site_host6 48 20
test_case "over IPv4: no fragments of ESP" no_fragments
test_case "over IPv4: positive control: without DF there are fragments, and they arrive" without_df
test_case "over IPv4: nothing in clear" nothing_in_clear
capture_stop
test_case "tunnels over IPv6" over6 && capture_start wire6 || { finish; exit; }
test_case "over IPv6: positive control: without the router's errors nothing large arrives" black_hole $site_host6
test_case "IPv4 in IPv6: TCP out" transfer "$lan" "$site" $site_host
test_case "IPv4 in IPv6: TCP back" transfer "$site" "$lan" $lan_host
test_case "IPv4 in IPv6: the largest packet fills the path" largest $site_host 28 40
test_case "IPv6 in IPv6: TCP out" transfer "$lan" "$site" $site_host6
test_case "IPv6 in IPv6: TCP back" transfer "$site" "$lan" $lan_host6
test_case "IPv6 in IPv6: the largest packet fills the path" largest $site_host6 48 40
test_case "over IPv6: no fragments of ESP" no_fragments
test_case "over IPv6: nothing in clear" nothing_in_clear
finish
