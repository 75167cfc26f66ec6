#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many tunnels between prefpeerd and charon, an IKE_SA and a CHILD_SA each: how soon
# all carry traffic when all are asked for at once, what memory they take at either
# end, and instructions. Once prefpeerd calls; once charon does, as so many branches,
# and prefpeerd is a hub with a dynamic map. Then that hub loses everything, comes back,
# and all of them find it again.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

export TUNNELS=${TUNNELS:-1000}
. "$selftests_dir/lib_many.sh"

######## prefpeerd, an entry for each

branch_conf()
{
	{
		echo "crypto isakmp key $psk address 10.$peer_base.0.0 255.255.0.0"
		echo "crypto ipsec transform-set ts esp-gcm 128"
		awk -v n="$tunnels" -v l=$lan_base -v s=$site_base -v p=$peer_base 'BEGIN {
			for (i = 1; i <= n; i++) {
				a = int(i / 250); b = i % 250
				printf "ip access-list extended L%d\n", i
				printf " permit ip 10.%d.%d.0 0.0.0.255 10.%d.%d.0 0.0.0.255\n", l + a, b, s + a, b
				printf "crypto map big %d ipsec-isakmp\n set peer 10.%d.%d.%d\n", i, p, a, b
				printf " set transform-set ts\n match address L%d\n", i
			}
			printf "interface wan0\n crypto map big\n" }'
	} >"$tmp/prefpeer.conf"
	agent_conf_mode
}

our_start()
{
	agent_start || bench_die "no agent"
	ours=$agent_pid
}

our_stop()
{
	agent_stop || bench_die "the agent does not stop"
	in_ns "$branch" "$prefpeerd" --flush >/dev/null 2>&1
	ip -n "$branch" xfrm state flush
}

their_start()
{
	many_charon "$1" || bench_die "no charon"
	theirs=$peer_pid_hub1
}

their_stop() { peer_stop hub1 && ip -n "$hub1" xfrm state flush && ip -n "$hub1" xfrm policy flush; }

######## Measuring

# rss_kib PID: a daemon's and its processes', resident
rss_kib()
{
	local pid sum=0

	for pid in "$1" $(pgrep -P "$1"); do
		sum=$((sum + $(awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status")))
	done
	echo $sum
}

instructions()
{
	local pid sum=0

	for pid in "$1" $(pgrep -P "$1"); do
		sum=$((sum + $(cpu_ns "$pid")))
	done
	echo $sum
}

per_tunnel() { awk -v a="$1" -v n="$tunnels" -v by="${2:-1}" 'BEGIN { printf "%.1f", a / n / by }'; }

# all_at_once WHO FROM_NS FROM_NET TO_NS TO_NET
all_at_once()
{
	local rss_o rss_t cpu_o cpu_t role_o=initiator role_t=responder

	[ "$1" = prefpeerd ] || role_o=responder role_t=initiator
	rss_o=$(rss_kib "$ours") rss_t=$(rss_kib "$theirs")
	cpu_o=$(instructions "$ours") cpu_t=$(instructions "$theirs")
	all_carry 300 "${@:2}" || bench_die "not all of them"
	sleep 2
	row "tunnels per second that carry traffic, $1 calls" "$(ratio "$tunnels" "$took" 1)" "per second" \
		"a packet through each of $tunnels at once, again each 0.25 s, to the last that arrives; both ends on one CPU of 10^9 instructions/s" \
		"{\"tunnels\": $tunnels, \"seconds\": $took}"
	row "instructions per tunnel of $tunnels, prefpeerd as $role_o" "$(per_tunnel $(($(instructions "$ours") - cpu_o)))" \
		instructions "the same run, user and kernel"
	row "instructions per tunnel of $tunnels, charon as $role_t" "$(per_tunnel $(($(instructions "$theirs") - cpu_t)))" \
		instructions "the same run, log level 0"
	row "resident memory per tunnel, prefpeerd as $role_o" "$(per_tunnel $(($(rss_kib "$ours") - rss_o)))" KiB \
		"the same run: with all tunnels up against none, the configuration the same"
	row "resident memory per tunnel, charon as $role_t" "$(per_tunnel $(($(rss_kib "$theirs") - rss_t)))" KiB \
		"the same run"
}

######## The hub comes back without an SA

ike_messages() { wire_count " ike " "$1"; }

hub_restarts()
{
	local died back asked

	died=$(now_ns)
	agent_kill && ip -n "$branch" xfrm state flush || bench_die "the hub does not die"
	our_start
	back=$(now_ns)
	all_carry 300 "$site" $site_base "$lan" $lan_base || bench_die "not all after the hub's restart"
	asked=$(pp -j stats agent)
	row "hub restarts under $tunnels branches: until all carry traffic again" "$took" s \
		"agent killed, SAs gone, a new one ready; a packet of each branch every 0.25 s; they ask after 10 s of silence, and give up 16.25 s later" \
		"$(jq -c --arg down "$(seconds_ns $((back - died)))" '. + {down_s: ($down | tonumber)}' <<<"$asked")"
	row "messages to a branch sent twice without need meanwhile" "$(sent_twice "$died")" messages \
		"the tap: answers beyond one for each request, requests again after the answer; of $(ike_messages "$died") of both ends"
	row "cookies asked for meanwhile" "$(jq .cookies <<<"$asked")" cookies "the hub's own count; from 100 in negotiation on"
	row "callers refused meanwhile" "$(jq '.refused_source + .refused_network + .refused_in_negotiation' <<<"$asked")" requests \
		"the hub's own count; 8 of an address, 250 of a /24, 1,000 in all may be in negotiation"
}

e2e_module=no e2e_hub=true
e2e_up 1 && many_networks || bench_die "no topology"
module_load || bench_die "no module"
their_start answering
branch_conf
our_start
sleep 5
all_at_once prefpeerd "$lan" $lan_base "$site" $site_base
our_stop
their_stop
many_hub_conf
our_start
their_start calling
sleep 5
all_at_once charon "$site" $site_base "$lan" $lan_base
hub_restarts
