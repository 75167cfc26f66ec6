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

# Building it is hundreds of small steps, and a process for each would be most
# of a test's time. So the steps are collected, per namespace, and each
# namespace gets one `ip -batch`.
declare -A topology_steps=()
declare -A topology_mac=()
topology_macs=0

# step NS COMMAND…: for ip, later. NS "" is where we are.
step()
{
	topology_steps[${1:-.}]+="${*:2}"$'\n'
}

# steps_run: links first, since addresses need them.
steps_run()
{
	local ns

	ip -batch - <<<"${topology_steps[.]}" || return 1
	unset 'topology_steps[.]'
	for ns in "${!topology_steps[@]}"; do
		ip -n "$ns" -batch - <<<"${topology_steps[$ns]}" || return 1
	done
	topology_steps=()
}

# link NS1 DEV1 NS2 DEV2: a veth pair.
link()
{
	local m1 m2

	topology_macs=$((topology_macs + 1))
	printf -v m1 '02:00:00:00:01:%02x' $topology_macs
	printf -v m2 '02:00:00:00:02:%02x' $topology_macs
	topology_mac[$1/$2]=$m1
	topology_mac[$3/$4]=$m2
	step "" link add "$2" netns "$1" address $m1 type veth peer name "$4" netns "$3" address $m2
	step "$1" link set "$2" up
	step "$3" link set "$4" up
}

# addr NS DEV ADDRESS…
addr()
{
	local a

	for a in "${@:3}"; do
		case $a in
		*:*) step "$1" addr add "$a" dev "$2" nodad ;;
		*)   step "$1" addr add "$a" dev "$2" ;;
		esac
	done
}

# neighbour NS DEV NS2 DEV2 ADDRESS…: these on NS's DEV are NS2's DEV2.
neighbour()
{
	local a

	for a in "${@:5}"; do
		step "$1" neigh replace "$a" lladdr "${topology_mac[$3/$4]}" dev "$2" nud permanent
	done
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
	link "$lan" lan0 "$branch" lan0
	addr "$lan" lan0 192.168.1.10/24 fd00:1::10/64
	addr "$branch" lan0 192.168.1.1/24 fd00:1::1/64
	step "$lan" route add default via 192.168.1.1
	step "$lan" route add ::/0 via fd00:1::1
	neighbour "$lan" lan0 "$branch" lan0 192.168.1.1 fd00:1::1
	neighbour "$branch" lan0 "$lan" lan0 192.168.1.10 fd00:1::10
}

topology_wan()
{
	link "$branch" wan0 "$transit" branch
	addr "$branch" wan0 10.0.0.2/24 2001:db8::2/64
	addr "$transit" branch 10.0.0.1/24 2001:db8::1/64
	step "$branch" route add default via 10.0.0.1
	step "$branch" route add ::/0 via 2001:db8::1
	neighbour "$branch" wan0 "$transit" branch 10.0.0.1 2001:db8::1
	neighbour "$transit" branch "$branch" wan0 10.0.0.2 2001:db8::2
}

topology_site()
{
	topology_mac[$site/br0]=02:00:00:00:03:01
	step "" link add br0 netns "$site" address 02:00:00:00:03:01 type bridge \
		forward_delay 0 mcast_snooping 0
	step "$site" link set br0 up
	addr "$site" br0 192.168.2.10/24 fd00:2::10/64
}

# topology_hub N: its namespace is in hubN.
topology_hub()
{
	local n=$1 hub

	eval "hub=\$hub$n"
	link "$hub" wan0 "$transit" "hub$n"
	link "$hub" lan0 "$site" "hub$n"
	step "$site" link set "hub$n" master br0
	addr "$hub" wan0 "10.$n.$n.$n/24" "2001:db8:$n::$n/64"
	addr "$hub" lan0 "192.168.2.$n/24" "fd00:2::$n/64"
	addr "$transit" "hub$n" "10.$n.$n.254/24" "2001:db8:$n::fe/64"
	step "$hub" route add default via "10.$n.$n.254"
	step "$hub" route add ::/0 via "2001:db8:$n::fe"
	neighbour "$hub" wan0 "$transit" "hub$n" "10.$n.$n.254" "2001:db8:$n::fe"
	neighbour "$transit" "hub$n" "$hub" wan0 "10.$n.$n.$n" "2001:db8:$n::$n"
	neighbour "$hub" lan0 "$site" br0 192.168.2.10 fd00:2::10
	neighbour "$site" br0 "$hub" lan0 "192.168.2.$n" "fd00:2::$n"
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
	local n hubs=()

	for ((n = 1; n <= ${1:-2}; n++)); do
		hubs+=("hub$n")
	done
	setup_ns lan branch transit site "${hubs[@]}" || return 1
	for n in branch transit "${hubs[@]}"; do
		forwarding "${!n}"
	done
	topology_lan
	topology_wan
	topology_site
	for n in "${hubs[@]}"; do
		topology_hub "${n#hub}"
	done
	steps_run && topology_cut_table
}

# cut_address ADDRESS… [from|to|both]: their packets vanish in transit, silently, all at
# once. The tap is before the place where they vanish.
cut_address()
{
	cut_change add "$@"
}

restore_address()
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
	cut_address "$(hub_addr "$1")" "$(hub_addr6 "$1")" "${2:-both}"
}

hub_restore()
{
	restore_address "$(hub_addr "$1")" "$(hub_addr6 "$1")" "${2:-both}"
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
