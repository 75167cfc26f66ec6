#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Netlink messages that one idle verdict costs: the agent with the module, and
# the agent that looks at the SAs itself.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

busy_s=120 idle_s=60 foreign=500

# All netlink of the branch, to $tmp/netlink.pcap
tap()
{
	bg "$tmp/netlink.log" ip netns exec "$branch" tcpdump -i nlmon0 --immediate-mode -U \
		--time-stamp-precision=nano -Z root -s 0 -w "$tmp/netlink.pcap"
	tap_pid=$bg_pid
	wait_for 30 test -s "$tmp/netlink.pcap" || bench_die "no tap on netlink"
	# One that is known to be there, so that a count of none means none.
	in_ns "$branch" ip xfrm state count >/dev/null
	wait_for 10 tap_has_more 24 || bench_die "the tap on netlink records nothing"
}

tap_has_more() { [ "$(stat -c %s "$tmp/netlink.pcap")" -gt "$1" ]; }

take_history()
{
	pp -j map history tohub 1 >"$tmp/history"
	grep -q '"to": *"DOWN"' "$tmp/history"
}

down_ns()
{
	jq -s 'flatten | map(select(.event == "map-state" and .to == "DOWN" and .from == "UP")) | last | .stamp' \
		"$tmp/history"
}

# count DPD: one verdict after $busy_s of a packet per second and $idle_s of
# none; to $messages $bytes $kinds
count()
{
	local from to offset flow=flow$((flows += 1))

	e2e_conf "$1" "set peer $h1 default" "set peer $h2" \
		"set security-association idle-time $idle_s default"
	rm -f "$tmp/netlink.pcap"
	agent_start || bench_die "no agent"
	flow_packet
	wait_for 20 peer_is_up $h1 || bench_die "not on $h1"
	tap
	sleep 2
	from=$(now_ns)
	in_ns "$lan" "$udpflow" send "$site_host" $flow_port 1000000 $busy_s >"$tmp/$flow.send"
	sleep $((idle_s + idle_s / 8 + 5))
	take_history || bench_die "no verdict"
	to=$(down_ns)
	[ "$to" -gt "$from" ] || bench_die "no verdict in the window"
	offset=$(clock_offset_ns)
	kill "$tap_pid"
	wait "$tap_pid" 2>/dev/null
	read -r messages bytes kinds < <(/usr/bin/python3 "$wire_netlink" "$tmp/netlink.pcap" \
		$((from + offset)) $((to + offset)))
	[ -n "$messages" ] || bench_die "the capture cannot be read"
	agent_stop || bench_die "the agent does not stop"
	wait_for 30 peer_is_gone $h1
}

# SAs of somebody else in the same SAD, which a dump has to walk over.
foreign_add()
{
	local i

	for ((i = 1; i <= foreign; i++)); do
		echo "xfrm state add src 10.9.$((i / 250)).$((i % 250 + 1)) dst 10.0.0.2 proto esp spi $((0x5000 + i * 7919)) reqid $((70000 + i * 31)) mode tunnel auth hmac(sha1) 0x0102030405060708090a0b0c0d0e0f1011121314 enc cipher_null ''"
	done | ip -n "$branch" -batch - || bench_die "no foreign SAs"
}

# measure MODE: of all settings, to the arrays n and b
measure()
{
	count off
	n[$1,off]=$messages b[$1,off]=$bytes k[$1,off]=$kinds
	count "10 2 periodic"
	n[$1,dpd]=$messages b[$1,dpd]=$bytes k[$1,dpd]=$kinds
	foreign_add
	count off
	n[$1,many]=$messages b[$1,many]=$bytes k[$1,many]=$kinds
	ip -n "$branch" xfrm state flush
}

# told KEY WHAT
told()
{
	local m=${n[module,$1]} p=${n[polling,$1]} what

	[ "$m" -gt 0 ] || bench_die "no message at all with the module"
	row "netlink messages per idle verdict, $2: module / polling" "$m / $p" messages \
		"nlmon in the branch; $busy_s s of 1 packet/s, then silence to the verdict (idle-time $idle_s)" \
		"{\"module\": $m, \"polling\": $p, \"module_bytes\": ${b[module,$1]}, \"polling_bytes\": ${b[polling,$1]}, \"ratio\": $(ratio "$m" "$p"), \"module_kinds\": \"${k[module,$1]}\", \"polling_kinds\": \"${k[polling,$1]}\"}"
}

declare -A n b k
flows=0
e2e_module=no
e2e_up 2 && quiet_listeners || bench_die "no topology"
modprobe nlmon && ip -n "$branch" link add nlmon0 type nlmon &&
	ip -n "$branch" link set nlmon0 up || bench_die "no nlmon"
measure polling
module_load || bench_die "no module"
measure module
told off "no DPD"
told dpd "dpd 10 2 periodic"
told many "$foreign other SAs"
