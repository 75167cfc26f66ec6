#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name; a draft that nobody has seen to pass yet
#
# A router in transit with a small MTU, on the way out and on the way back: the
# path MTU of the tunnel is found, for both families inside and outside.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

small=1380
plan 13

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

# Both families inside, by the hub's address of one.
outer4()
{
	{ agent_conf_keys; map_of "" $h1; } >"$tmp/prefpeer.conf"
	agent_conf_mode
	e2e_agent && both_up
}

outer6()
{
	{
		printf 'crypto ikev2 keyring hubs\n peer one\n  address 2001:db8:1::1\n  pre-shared-key %s\n' $psk
		map_of "ipv6 " 2001:db8:1::1
	} >"$tmp/prefpeer.conf"
	agent_conf_mode
	agent_stop && e2e_agent && both_up
}

both_up()
{
	wait_for 30 answers $site_host && wait_for 30 answers $site_host6 || fail "not up"
}

answers() { in_ns "$lan" ping -c 1 -W 1 "$1" >/dev/null; }

start()
{
	e2e_up 1 || return
	in_ns "$transit" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	in_ns "$branch" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	in_ns "$hub1" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	# The way out is narrow behind transit, the way back before it.
	ip -n "$transit" link set hub1 mtu $small
	ip -n "$transit" link set branch mtu $small
	outer4
}

# Largest payload of ping that goes through unfragmented: of 1000…1500 by halves.
largest()
{
	local lo=1000 hi=1500 mid

	while [ $((hi - lo)) -gt 1 ]; do
		mid=$(((lo + hi) / 2))
		# The first learns, the second goes.
		in_ns "$1" ping -M "do" -c 1 -W 1 -s $mid "$2" >/dev/null 2>&1
		if in_ns "$1" ping -M "do" -c 1 -W 1 -s $mid "$2" >/dev/null 2>&1; then
			lo=$mid
		else
			hi=$mid
		fi
	done
	echo $lo
}

# The largest inner packet is the path less the tunnel's overhead, and not much less.
icmp()
{
	local ns=$1 to=$2 head=$3 n

	n=$(($(largest "$ns" "$to") + head))
	diag "largest inner packet to $to: $n of $small"
	within "largest inner packet" $n $((small - $4)) $((small - $4 + 24))
}

# transfer FROM_NS TO_NS ADDRESS: 300 kB by TCP, whose segments carry DF
transfer()
{
	local got

	bg "$tmp/tcp.log" ip netns exec "$2" "$python" -c "
import socket
s = socket.create_server(('$3', 5555), family=socket.AF_INET6 if ':' in '$3' else socket.AF_INET)
print('listening', flush=True)
c, n = s.accept()[0], 0
while d := c.recv(65536): n += len(d)
print(n, flush=True)"
	wait_for 60 grep -q listening "$tmp/tcp.log" || fail "no listener" || return
	in_ns "$1" timeout 60 bash -c "head -c 300000 /dev/zero >/dev/tcp/$3/5555" || fail "the transfer did not end" || return
	wait_for 30 grep -qx 300000 "$tmp/tcp.log" || fail "got $(tail -n 1 "$tmp/tcp.log") of 300000"
}


# Nothing larger than the narrow link was let through by fragments of ESP.
no_fragments()
{
	capture_sync
	expect "fragments at the tap" "in_ns $transit tcpdump -nr $capture_pcap 'ip[6:2] & 0x3fff != 0' 2>/dev/null | wc -l" 0
}

test_case "tunnels over IPv4, a narrow link each way" start || { finish; exit; }
test_case "IPv4 in IPv4: ICMP out" icmp "$lan" $site_host 28 80
test_case "IPv4 in IPv4: TCP out" transfer "$lan" "$site" $site_host
test_case "IPv4 in IPv4: TCP back" transfer "$site" "$lan" $lan_host
test_case "IPv6 in IPv4: ICMP out" icmp "$lan" $site_host6 48 80
test_case "IPv6 in IPv4: TCP out" transfer "$lan" "$site" $site_host6
test_case "IPv6 in IPv4: TCP back" transfer "$site" "$lan" $lan_host6
test_case "no fragments of ESP" no_fragments
test_case "tunnels over IPv6" outer6
test_case "IPv4 in IPv6: TCP out" transfer "$lan" "$site" $site_host
test_case "IPv4 in IPv6: TCP back" transfer "$site" "$lan" $lan_host
test_case "IPv6 in IPv6: TCP out" transfer "$lan" "$site" $site_host6
test_case "IPv6 in IPv6: TCP back" transfer "$site" "$lan" $lan_host6
finish
