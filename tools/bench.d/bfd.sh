#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How it is done today: two tunnels that are always up, route-based, BGP over
# both with BFD of 50 ms × 3 (FRR, strongSwan). Beside it what prefpeer holds
# and sends for the same, in use and idle.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

######## Route-based tunnels

# tunnel NS N SIDE: interface xfrmN with if_id N
tunnel()
{
	ip -n "$1" link add "xfrm$2" type xfrm dev wan0 if_id "$2" &&
		ip -n "$1" addr add "10.255.$2.$3/30" dev "xfrm$2" &&
		ip -n "$1" link set "xfrm$2" up
}

# connection N LOCAL REMOTE EXTRA
connection()
{
	cat <<-CONF
	hub$1 {
		version = 2
		local_addrs = $2
		remote_addrs = $3
		proposals = aes128gcm16-prfsha256-x25519
		rekey_time = 0
		if_id_in = $1
		if_id_out = $1
		local {
			auth = psk
			id = $2
		}
		remote {
			auth = psk
			id = $3
		}
		children {
			net {
				local_ts = 0.0.0.0/0
				remote_ts = 0.0.0.0/0
				esp_proposals = aes128gcm16
				rekey_time = 0
				$4
			}
		}
	}
	CONF
}

# charon NAME NS CONNECTION…
charon()
{
	local name=$1 ns=$2

	shift 2
	mkdir -p "$tmp/$name"
	peer_conf "$name" >"$tmp/$name/strongswan.conf"
	printf 'connections {\n%s\n}\nsecrets {\n\tike-all {\n\t\tsecret = "%s"\n\t}\n}\n' \
		"$*" "$psk" >"$tmp/$name/swanctl.conf"
	peer_start "$name" "$ns" || bench_die "no charon of $name"
}

tunnels()
{
	local n hub

	for n in 1 2; do
		eval "hub=\$hub$n"
		tunnel "$branch" $n 1 && tunnel "$hub" $n 2 || bench_die "no xfrm interface"
		charon "hub$n" "$hub" "$(connection $n "$(hub_addr $n)" $branch_addr "")"
	done
	charon branch "$branch" \
		"$(connection 1 $branch_addr $h1 "start_action = start")" \
		"$(connection 2 $branch_addr $h2 "start_action = start")"
	wait_for 30 peer_is_up $h1 && wait_for 30 peer_is_up $h2 || bench_die "tunnels do not come up"
}

######## FRR

# frr NAME NS: zebra, bfdd and bgpd with $tmp/NAME.frr
frr()
{
	local dir=$tmp/$1.vty daemon

	mkdir -p "$dir"
	chown -R frr:frr "$dir" "$tmp/$1.frr"
	for daemon in zebra bfdd bgpd; do
		bg "$tmp/$1.$daemon.log" ip netns exec "$2" /usr/lib/frr/$daemon \
			-f "$tmp/$1.frr" -i "$dir/$daemon.pid" -z "$dir/zserv.api" --vty_socket "$dir" \
			--log stdout --log-level warnings $([ $daemon != bfdd ] || echo "--bfdctl $dir/bfdd.sock")
		wait_for 30 test -S "$dir/$daemon.vty" || bench_die "no $daemon: $(cat "$tmp/$1.$daemon.log")"
	done
}

router()
{
	cat <<-CONF
	bfd
	 profile fast
	  detect-multiplier 3
	  receive-interval 50
	  transmit-interval 50
	CONF
}

# neighbour_bgp ADDRESS AS
neighbour_bgp()
{
	echo " neighbor $1 remote-as $2"
	echo " neighbor $1 timers connect 5"
	echo " neighbor $1 bfd"
	echo " neighbor $1 bfd profile fast"
}

routing()
{
	local n hub

	{
		router
		echo "router bgp 65000"
		echo " no bgp ebgp-requires-policy"
		neighbour_bgp 10.255.1.2 65001
		neighbour_bgp 10.255.2.2 65001
		echo " address-family ipv4 unicast"
		echo "  network $lan_net"
		echo "  neighbor 10.255.1.2 weight 200"
	} >"$tmp/branch.frr"
	frr branch "$branch"
	for n in 1 2; do
		eval "hub=\$hub$n"
		{
			router
			echo "router bgp 65001"
			echo " no bgp ebgp-requires-policy"
			neighbour_bgp 10.255.$n.1 65000
			echo " address-family ipv4 unicast"
			echo "  network $site_net"
		} >"$tmp/hub$n.frr"
		frr "hub$n" "$hub"
	done
}

routed_by() { ip -n "$branch" route show $site_net | grep -q "dev xfrm$1"; }

bfd_up()
{
	vtysh --vty_socket "$tmp/branch.vty" -c "show bfd peers brief json" 2>/dev/null |
		jq -e '[.[] | select(.status == "up")] | length == 2' >/dev/null
}

passes_since()
{
	tail -n 1 "$tmp/$1.recv" | awk -v t="$2" '{ exit !($1 > t) }'
}

with_bfd()
{
	local cut_ns

	tunnels
	routing
	wait_for 120 bfd_up || bench_die "BFD is not up"
	wait_for 60 routed_by 1 || bench_die "not routed by the first tunnel: $(ip -n "$branch" route)"
	quiet "two tunnels with BFD" "strongSwan and FRR $(dpkg-query -W -f '${Version}' frr | sed 's/-.*//'), two route-based tunnels, BGP and BFD 50 ms × 3 over each"
	flow_listen bfd "$site_host" 5100 || bench_die "no listener"
	flow_start bfd 10000 0 "$site_host" 5100
	wait_for 20 flow_more bfd 300 || bench_die "no traffic through $h1"
	cut_ns=$(now_ns)
	hub_cut 1
	wait_for 30 routed_by 2 || bench_die "not routed by the second tunnel"
	wait_for 20 passes_since bfd $((cut_ns + 100000000)) || bench_die "no traffic through $h2"
	sleep 2
	flow_report bfd "$cut_ns"
	row "two tunnels with BFD: dead hub to traffic on the second" "$(seconds3 $((gap_to - cut_ns)))" s \
		"hub's packets dropped in transit, 100 packets/s; cut to first packet at the site" "{\"gap_ns\": $gap_ns, \"lost\": $lost}"
	flow_stop
	hub_restore 1
}

bfd_gone()
{
	local name

	for name in branch hub1 hub2; do
		kill "$(cat "$tmp/$name.vty/bgpd.pid")" "$(cat "$tmp/$name.vty/bfdd.pid")" \
			"$(cat "$tmp/$name.vty/zebra.pid")"
		peer_stop $name
	done
	sleep 2
	ip -n "$branch" link del xfrm1
	ip -n "$branch" link del xfrm2
	ip -n "$branch" xfrm state flush
	ip -n "$branch" xfrm policy flush
}

ours()
{
	hub_start 1 && hub_start 2 || bench_die "no hubs"
	module_load || bench_die "no module"
	e2e_conf "milliseconds 100 20 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time 120 default"
	e2e_agent || bench_die "no agent"
	quiet "prefpeer, idle" "one entry, two peers, no tunnel since no packet needs one"
	quiet_listeners
	flow_packet
	up_with $h1 30 || bench_die "not up"
	sleep 2
	quiet "prefpeer, in use, dpd milliseconds 100 20 periodic" "tunnel up and silent, before its idle timer of 120 s ends it"
}

agent_user && topology 2 || bench_die "no topology"
capture_start || bench_die "no capture"
with_bfd
bfd_gone
ours
