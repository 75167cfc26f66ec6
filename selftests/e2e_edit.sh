#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name, it takes minutes
#
# The configuration edited while it is in use: what a reload does not touch
# loses no packet, what it takes away is never in clear.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 14

# FROM TO of each time in which something is to be in clear, and was.
clear_spans=()

lan_net_acl="permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255"
second_acl="permit ip host 172.16.1.1 192.168.2.0 0.0.0.255"

# Hub 3 is for one host only, the others for the LAN and a host behind it.
hub()
{
	case $1 in
	3) hub_start 3 remote_ts=192.168.1.20/32 ;;
	*) hub_start "$1" remote_ts="$lan_net,172.16.1.1/32" ;;
	esac
}

start()
{
	e2e_hub=hub
	e2e_up 3 || return
	ip -n "$lan" addr add 172.16.1.1/32 dev lo
	ip -n "$branch" route add 172.16.1.1/32 via 192.168.1.10
	ip -n "$lan" addr add 192.168.1.20/24 dev lan0
	step "$branch" neigh replace 192.168.1.20 lladdr "${topology_mac[$lan/lan0]}" dev lan0 nud permanent
	steps_run
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2"
	e2e_agent || return
	flow_listen flow && flow_start flow 10000
	up_with $h1 30 || fail "not up" || return
	wait_for 10 flow_more flow 50 || fail "no traffic"
}

# more N: packets of the flow
more() { wait_for 10 flow_more flow $(($(flow_received flow) + $1)) || fail "no traffic"; }

# policies: how many, those of sockets apart
policies() { ip -n "$branch" xfrm policy | grep -c $'^\tdir '; }

spi_of() { sa_spis "$branch" $branch_addr "$1"; }

# reload: the file in $tmp is brought into force, or the case fails
reload() { pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")"; }

# untouched FROM_NS SPI: line 1 went on with its pair and lost nothing
untouched()
{
	more 60 || return
	expect "SPI of line 1" "spi_of $h1" "$2" || return
	flow_report flow "$1"
	[ "$received" -gt 50 ] || fail "only $received packets: nothing was proved" || return
	[ "$lost" -eq 0 ] || fail "$lost packets of the untouched line were lost"
}

entry_comes_and_goes()
{
	local t spi

	spi=$(spi_of $h1)
	t=$(now_ns)
	e2e_more="access-list 102 permit ip 192.168.1.0 0.0.0.255 192.168.3.0 0.0.0.255
crypto map tohub 2 ipsec-isakmp
 set peer $h2
 set transform-set ts
 match address 102"
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" && reload || return
	expect "entries" "json_value 'len(d)' \"\$(pp -j map show)\"" 2 || return
	untouched "$t" "$spi" || return
	e2e_more=
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" && reload || return
	expect "entries" "json_value 'len(d)' \"\$(pp -j map show)\"" 1 || return
	untouched "$t" "$spi"
}

line_comes_and_goes()
{
	local t t2 spi

	spi=$(spi_of $h1)
	t=$(now_ns)
	e2e_acl="access-list 101 $second_acl
access-list 101 $lan_net_acl"
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" && reload || return
	in_ns "$lan" ping -c 1 -W 1 -I 172.16.1.1 $site_host >/dev/null
	wait_for 20 lines_are_up 2 || fail "the new line does not come up" || return
	in_ns "$lan" ping -c 3 -i 0.1 -W 1 -I 172.16.1.1 $site_host >/dev/null || fail "nothing by the new line" || return
	expect "pairs" "spi_of $h1 | wc -l" 2 || return
	t2=$(now_ns)
	e2e_acl=
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" && reload || return
	untouched "$t" "$spi" || return
	monitor_has '"event":"map-line".*"text":"down: removed from the configuration"' ||
		fail "the monitor does not tell that the line went" || return
	capture_sync
	[ "$(ike_count $h1 INFORMATIONAL "$t2")" -ge 1 ] || fail "the hub was not told that the line's pair went" || return
	expect "pairs at the hub" "swanctl_of hub1 --list-sas | grep -c INSTALLED" 1
}

peer_comes_and_goes()
{
	local t spi

	spi=$(spi_of $h1)
	t=$(now_ns)
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" "set peer $h3" && reload || return
	expect "peers" "map_value 'len(o.peers)'" 3 || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h3" && reload || return
	e2e_conf "10 2 periodic" "set peer $h1" "set peer $h2" && reload || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" && reload || return
	untouched "$t" "$spi"
}

# Values are for new SAs; the running ones keep theirs.
values_change()
{
	local t spi

	spi=$(spi_of $h1)
	t=$(now_ns)
	e2e_conf "20 4 on-demand" "set peer $h1 default" "set peer $h2" \
		"set security-association lifetime seconds 1800" && reload || return
	sed -i 's/^crypto ipsec transform-set ts .*/crypto ipsec transform-set ts esp-gcm 256/' "$tmp/prefpeer.conf"
	reload || return
	untouched "$t" "$spi" || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" && reload || return
	untouched "$t" "$spi"
}

bad_file()
{
	local t spi

	spi=$(spi_of $h1)
	t=$(now_ns)
	cp "$tmp/prefpeer.conf" "$tmp/good.conf"
	echo "access-list 101 permitt ip any any" >>"$tmp/prefpeer.conf"
	taken=$(said "is in force")
	agent_reload
	wait_for 10 grep -q "was not taken, the running configuration stays" "$tmp/agent.log" ||
		fail "SIGHUP with a bad file says nothing" || return
	grep -q "prefpeer.conf:[0-9]*:[0-9]*: error: .*permitt" "$tmp/agent.log" ||
		fail "it does not say what is wrong, and where" || return
	untouched "$t" "$spi" || return
	cat "$tmp/good.conf" >"$tmp/prefpeer.conf"
	agent_reload
	wait_for 10 eval '[ "$(said "is in force")" -gt $taken ]' ||
		fail "SIGHUP with a good file says nothing" || return
	untouched "$t" "$spi"
}

said() { grep -c "$1" "$tmp/agent.log"; }

# deny_host PERMIT_LATER: LAN host .20 is taken out of entry 1
deny_host()
{
	e2e_acl="access-list 101 deny ip host 192.168.1.20 192.168.2.0 0.0.0.255
access-list 101 $lan_net_acl"
	e2e_more=
	[ -z "$1" ] || e2e_more="access-list 102 permit ip host 192.168.1.20 192.168.2.0 0.0.0.255
crypto map tohub 2 ipsec-isakmp
 set peer $h3
 set transform-set ts
 match address 102"
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" && reload
}

in_clear() { [ "$(clear_of "$lan_host $site_host" "$1")" -ge "$2" ]; }
clear_of() { capture_sync; wire_clear "$2" | grep -c "$1"; }

# Both hosts talk all the time, while the one is moved from entry to entry and back.
cascade_under_traffic()
{
	local t spi

	spi=$(spi_of $h1)
	bg "$tmp/ping20.log" ip netns exec "$lan" ping -i 0.01 -I 192.168.1.20 $site_host
	ping20=$bg_pid
	t=$(now_ns)
	answered 20 || fail "host .20 is not answered by entry 1" || return
	deny_host later || return
	wait_for 20 sa_up "$branch" $branch_addr $h3 || fail "the denied host is not in entry 2" || return
	answered 20 || fail "host .20 is not answered by entry 2" || return
	untouched "$t" "$spi" || return
	e2e_acl= e2e_more=
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" && reload || return
	wait_for 10 peer_is_gone $h3 || fail "SAs of the removed entry are left" || return
	answered 20 || fail "host .20 is not answered by entry 1 again" || return
	untouched "$t" "$spi" || return
	nothing_in_clear "$t"
}

# answered N: N echoes more came back to host .20
answered()
{
	local n

	n=$(replies)
	wait_for 10 eval "[ \$(replies) -ge $((n + $1)) ]"
}

replies() { grep -c 'bytes from' "$tmp/ping20.log"; }

# Control of the last: without a later permit, a denied host is in clear, and only it.
deny_is_clear()
{
	local t spi

	spi=$(spi_of $h1)
	t=$(now_ns)
	deny_host || return
	more 60 || return
	[ "$(clear_of "192.168.1.20 $site_host" "$t")" -gt 10 ] || fail "a denied host is to be in clear" || return
	expect "clear packets of the other host" "clear_of '192.168.1.10 $site_host' $t" 0 || return
	e2e_acl=
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" && reload || return
	clear_spans+=("$t" "$(now_ns)")
	t=$(now_ns)
	answered 20 || fail "host .20 is not answered" || return
	expect "clear packets once it is permitted again" "clear_of '192.168.1.20 $site_host' $t" 0 || return
	kill "$ping20"
	untouched "$t" "$spi"
}

current_peer_removed()
{
	local t

	t=$(now_ns)
	e2e_conf "10 2 periodic" "set peer $h2 default" "set peer $h3" && reload || return
	up_with $h2 20 || fail "not on the new first peer" || return
	says DOWN $h2 "current peer removed from the configuration; next attempt $h2" "$t" || return
	wait_for 10 peer_is_gone $h1 || fail "SAs with the removed peer are left" || return
	wait_for 10 flow_more flow "$(($(flow_received flow) + 50))" || fail "no traffic" || return
	flow_report flow "$t"
	within "ms of silence" $((gap_ns / 1000000)) 0 1500 &&
	nothing_in_clear "$t"
}

# Case 43. The step fails with the reload, the walk goes on at once; nothing more
# goes to the removed one.
tried_peer_removed()
{
	local t t2 tried_ms

	e2e_conf "10 2 periodic" "set peer $h2 default" "set peer $h1" && reload || return
	expect "current peer" current_peer $h2 || return
	hub_cut 2
	t=$(now_ns)
	state_await 60 WALK $h2 || fail "the default was not tried again" || return
	wait_for 5 tried $h2 "$t" || fail "nothing sent to $h2" || return
	t2=$(now_ns)
	e2e_conf "10 2 periodic" "set peer $h1 default" && reload || return
	up_with $h1 20 || fail "not up with the next" || return
	capture_sync
	# The answer budget of a peer that died is 2 s: it was not waited for.
	tried_ms=$(ms_between "$t2" "$(wire_first "ike $branch_addr $h1 .*exch=IKE_SA_INIT" "$t2")")
	within "ms from the edit to the first message to $h1" "$tried_ms" 0 1500 || return
	says WALK $h1 "peer removed from the configuration" || return
	t=$(now_ns)
	more 500 || return
	capture_sync
	expect "messages to the removed peer" "ike_count $h2 '' $t" 0 || return
	hub_restore 2
	nothing_in_clear "$t2"
}

tried() { capture_sync; [ "$(ike_count "$1" IKE_SA_INIT "$2")" -gt 0 ]; }

# Not usable: its lines block. Each of the three reasons, under traffic.
incomplete_blocks()
{
	local t what lacks

	for what in peer key set; do
		e2e_conf "10 2 periodic" "set peer $h1 default"
		case $what in
		peer) lacks="it has no peer"
			sed -i '/ set peer/d' "$tmp/prefpeer.conf" ;;
		key) lacks="none of its peers has a pre-shared key"
			sed -i '/^crypto isakmp key/d' "$tmp/prefpeer.conf" ;;
		set) lacks="it has no transform set"
			sed -i '/ set transform-set/d' "$tmp/prefpeer.conf" ;;
		esac
		t=$(now_ns)
		reload || return
		wait_for 10 peer_is_gone $h1 || fail "SAs of an entry without $what are left" || return
		says DOWN "" "incomplete now, its lines block: $lacks(; next attempt .*)?" "$t" || return
		# The flow goes on meanwhile: two seconds' packets are blocked.
		sleep 2
		capture_sync
		[ -z "$(wire_clear "$t")" ] || fail "without $what, in clear: $(wire_clear "$t" | head -n 1)" || return
		expect "policies out that block, without $what" "ip -n $branch xfrm policy list dir out src $lan_net | grep -c 'action block'" 1 || return
		e2e_conf "10 2 periodic" "set peer $h1 default" && reload || return
		up_with $h1 20 || fail "not up once it is complete again" || return
		[ -z "$(wire_clear "$t")" ] || fail "in clear: $(wire_clear "$t" | head -n 1)" || return
	done
}

# Without an access list it protects nothing, and says so; others are not touched.
inert_without_acl()
{
	local t spi

	spi=$(spi_of $h1)
	t=$(now_ns)
	e2e_more="crypto map tohub 2 ipsec-isakmp
 set peer $h2
 set transform-set ts"
	e2e_conf "10 2 periodic" "set peer $h1 default" && reload || return
	grep -q 'will remain disabled' "$tmp/reload.log" || fail "reload does not say so: $(cat "$tmp/reload.log")" || return
	expect "policies for it" policies 4 || return
	untouched "$t" "$spi" || return
	e2e_more=
}

interface_removed()
{
	local t

	sed -i '/^interface wan0/,$d' "$tmp/prefpeer.conf"
	t=$(now_ns)
	reload || return
	wait_for 10 peer_is_gone $h1 || fail "SAs are left" || return
	capture_sync
	[ "$(ike_count $h1 INFORMATIONAL "$t")" -ge 1 ] || fail "no DELETE to the hub" || return
	expect "policies" policies 0 || return
	# As IOS has it: no crypto map on the interface, no protection.
	wait_for 5 in_clear "$t" 20 || fail "the tap sees nothing in clear" || return
	[ "$(clear_of "$lan_host $site_host" "$t")" -gt 10 ] || fail "the tap sees nothing in clear" || return
	e2e_conf "10 2 periodic" "set peer $h1 default" && reload || return
	clear_spans+=("$t" "$(now_ns)")
	up_with $h1 20 || fail "not up with the map on its interface again"
}

# From the first frame to the last. The spans are its positive controls.
nothing_else_in_clear()
{
	local from=0 i

	expect "times in which something was to be in clear" 'echo $((${#clear_spans[@]} / 2))' 2 || return
	more 60 || return
	for ((i = 0; i < ${#clear_spans[@]}; i += 2)); do
		nothing_in_clear "$from" "${clear_spans[i]}" || return
		from=${clear_spans[i + 1]}
	done
	nothing_in_clear "$from"
}

test_case "a branch under traffic" start || { finish; exit; }
test_case "an entry comes and goes: nothing lost" entry_comes_and_goes
test_case "a line comes, with its pair, and goes: nothing of the other is lost" line_comes_and_goes
test_case "peers come and go: nothing lost" peer_comes_and_goes
test_case "timers and transforms change: for new SAs only" values_change
test_case "SIGHUP with a bad file changes nothing" bad_file
test_case "case 38: a cascade edited under traffic: nothing in clear, nothing lost" cascade_under_traffic
test_case "case 32: positive control: a denied host is in clear, and only it" deny_is_clear
test_case "the current peer is removed: to the first at once" current_peer_removed
test_case "case 43: the peer being tried is removed: the next at once" tried_peer_removed
test_case "an entry without peer, key or transform blocks, and comes back" incomplete_blocks
test_case "an entry without access list is inert" inert_without_acl
test_case "the interface is removed: SAs go, DELETE is sent" interface_removed
test_case "case 30: nothing in clear but where it is to be, in all of this" nothing_else_in_clear
finish
