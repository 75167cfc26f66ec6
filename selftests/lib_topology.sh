# SPDX-License-Identifier: GPL-2.0
#
# The branch, its hubs, and what is between them. Sourced by lib.sh.
#
#   lan            branch                transit               hub1           site
#   .10 ─ lan0 lan0 .1      wan0 ─ branch  hub1 ─ wan0 10.1.1.1    lan0 .1 ─┐
#   192.168.1.0/24    10.0.0.2 10.0.0.1    hub2 ─ wan0 10.2.2.2    lan0 .2 ─┼ br0 .10
#                                          hub3 ─ wan0 10.3.3.3    lan0 .3 ─┘ 192.168.2.0/24
#
#   IPv6: lan fd00:1::/64, branch 2001:db8::2, hub N 2001:db8:N::N, site fd00:2::/64
#
# The host of the site has no route to the branch's LAN of its own: the hub
# whose SA came up last sets it (hub_updown in lib_peers.sh), as a hub's
# reverse route injection and routing protocol do.
#
# Neighbours are fixed and duplicate address detection is off, so that nothing
# but the test's own packets is ever inside the tunnel.

lan_host=192.168.1.10 lan_net=192.168.1.0/24
site_host=192.168.2.10 site_net=192.168.2.0/24
lan_host6=fd00:1::10 lan_net6=fd00:1::/64
site_host6=fd00:2::10 site_net6=fd00:2::/64
branch_addr=10.0.0.2 branch_addr6=2001:db8::2

hub_addr()  { echo "10.$1.$1.$1"; }
hub_addr6() { echo "2001:db8:$1::$1"; }

topology_mac=0

# link NS1 DEV1 NS2 DEV2: a veth pair.
link()
{
	topology_mac=$((topology_mac + 1))
	ip link add "$2" netns "$1" address "$(printf '02:00:00:00:01:%02x' $topology_mac)" \
		type veth peer name "$4" netns "$3" address "$(printf '02:00:00:00:02:%02x' $topology_mac)" &&
	ip -n "$1" link set "$2" up && ip -n "$3" link set "$4" up
}

mac_of()
{
	in_ns "$1" cat "/sys/class/net/$2/address"
}

# addr NS DEV ADDRESS…
addr()
{
	local ns=$1 dev=$2 a

	for a in "${@:3}"; do
		case $a in
		*:*) ip -n "$ns" addr add "$a" dev "$dev" nodad ;;
		*)   ip -n "$ns" addr add "$a" dev "$dev" ;;
		esac || return 1
	done
}

# neighbour NS DEV ADDRESS NS2 DEV2: ADDRESS on NS's DEV is NS2's DEV2.
neighbour()
{
	ip -n "$1" neigh replace "$3" lladdr "$(mac_of "$4" "$5")" dev "$2" nud permanent
}

forwarding()
{
	local ns

	for ns in "$@"; do
		sysctl_ns "$ns" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
			net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0
	done
}

topology_lan()
{
	link "$lan" lan0 "$branch" lan0 &&
	addr "$lan" lan0 192.168.1.10/24 fd00:1::10/64 &&
	addr "$branch" lan0 192.168.1.1/24 fd00:1::1/64 &&
	ip -n "$lan" route add default via 192.168.1.1 &&
	ip -n "$lan" -6 route add default via fd00:1::1 || return 1
	neighbour "$lan" lan0 192.168.1.1 "$branch" lan0
	neighbour "$lan" lan0 fd00:1::1 "$branch" lan0
	neighbour "$branch" lan0 192.168.1.10 "$lan" lan0
	neighbour "$branch" lan0 fd00:1::10 "$lan" lan0
}

topology_wan()
{
	link "$branch" wan0 "$transit" branch &&
	addr "$branch" wan0 10.0.0.2/24 2001:db8::2/64 &&
	addr "$transit" branch 10.0.0.1/24 2001:db8::1/64 &&
	ip -n "$branch" route add default via 10.0.0.1 &&
	ip -n "$branch" -6 route add default via 2001:db8::1 || return 1
	neighbour "$branch" wan0 10.0.0.1 "$transit" branch
	neighbour "$branch" wan0 2001:db8::1 "$transit" branch
	neighbour "$transit" branch 10.0.0.2 "$branch" wan0
	neighbour "$transit" branch 2001:db8::2 "$branch" wan0
}

topology_site()
{
	ip -n "$site" link add br0 type bridge forward_delay 0 mcast_snooping 0 &&
	ip -n "$site" link set br0 up &&
	addr "$site" br0 192.168.2.10/24 fd00:2::10/64
}

# topology_hub N: the namespace's name is in hubN.
topology_hub()
{
	local n=$1 hub

	setup_ns "hub$n" && eval "hub=\$hub$n" && forwarding "$hub" &&
	link "$hub" wan0 "$transit" "hub$n" && link "$hub" lan0 "$site" "hub$n" &&
	ip -n "$site" link set "hub$n" master br0 &&
	addr "$hub" wan0 "10.$n.$n.$n/24" "2001:db8:$n::$n/64" &&
	addr "$hub" lan0 "192.168.2.$n/24" "fd00:2::$n/64" &&
	addr "$transit" "hub$n" "10.$n.$n.254/24" "2001:db8:$n::fe/64" &&
	ip -n "$hub" route add default via "10.$n.$n.254" &&
	ip -n "$hub" -6 route add default via "2001:db8:$n::fe" || return 1
	neighbour "$hub" wan0 "10.$n.$n.254" "$transit" "hub$n"
	neighbour "$hub" wan0 "2001:db8:$n::fe" "$transit" "hub$n"
	neighbour "$transit" "hub$n" "10.$n.$n.$n" "$hub" wan0
	neighbour "$transit" "hub$n" "2001:db8:$n::$n" "$hub" wan0
	neighbour "$hub" lan0 192.168.2.10 "$site" br0
	neighbour "$hub" lan0 fd00:2::10 "$site" br0
	neighbour "$site" br0 "192.168.2.$n" "$hub" lan0
	neighbour "$site" br0 "fd00:2::$n" "$hub" lan0
}

topology_cut_table()
{
	in_ns "$transit" nft -f - <<-NFT
	table inet cut {
		set from4 { type ipv4_addr; }
		set to4   { type ipv4_addr; }
		set from6 { type ipv6_addr; }
		set to6   { type ipv6_addr; }
		chain forward {
			type filter hook forward priority 0; policy accept;
			ip saddr @from4 drop
			ip daddr @to4 drop
			ip6 saddr @from6 drop
			ip6 daddr @to6 drop
		}
	}
	NFT
}

# topology [HUBS]: everything, with 2 hubs if not told otherwise. Namespaces in
# $lan $branch $transit $site $hub1 $hub2 …
topology()
{
	local n

	setup_ns lan branch transit site && forwarding "$branch" "$transit" &&
	topology_lan && topology_wan && topology_site || return 1
	for ((n = 1; n <= ${1:-2}; n++)); do
		topology_hub "$n" || return 1
	done
	topology_cut_table
}

# cut ADDRESS… [from|to|both]: their packets vanish in transit, silently, all at
# once. The tap is before the place where they vanish.
cut()
{
	cut_change add "$@"
}

restore()
{
	cut_change delete "$@"
}

cut_change()
{
	local what=$1 way=both word family commands=

	for word in "${@:2}"; do
		case $word in
		from|to|both) way=$word ;;
		esac
	done
	for word in "${@:2}"; do
		case $word in
		from|to|both) continue ;;
		*:*) family=6 ;;
		*)   family=4 ;;
		esac
		[ $way = to ] || commands+="$what element inet cut from$family { $word };"
		[ $way = from ] || commands+="$what element inet cut to$family { $word };"
	done
	in_ns "$transit" nft "$commands"
}

# hub_cut N [from|to|both], hub_restore N [from|to|both]: of both families.
hub_cut()
{
	cut "$(hub_addr "$1")" "$(hub_addr6 "$1")" "${2:-both}"
}

hub_restore()
{
	restore "$(hub_addr "$1")" "$(hub_addr6 "$1")" "${2:-both}"
}

# hub_delay N MILLISECONDS: round trip time to a hub, half of it each way.
hub_delay()
{
	local hub

	eval "hub=\$hub$1"
	in_ns "$transit" tc qdisc replace dev "hub$1" root netem limit 10000 delay "$(($2 * 500))us" &&
	in_ns "$hub" tc qdisc replace dev wan0 root netem limit 10000 delay "$(($2 * 500))us"
}

hub_delay_off()
{
	local hub

	eval "hub=\$hub$1"
	in_ns "$transit" tc qdisc del dev "hub$1" root
	in_ns "$hub" tc qdisc del dev wan0 root
}
