#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many tunnels between prefpeerd and charon, an IKE_SA and a CHILD_SA each: how soon
# all carry traffic when all are asked for at once, what memory they take at either
# end, and instructions. Once prefpeerd calls, once charon.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

tunnels=${TUNNELS:-1000}
lan_base=64 site_base=128 # 10.64.0.0/10 behind the branch, 10.128.0.0/10 behind the hub
peer_base=9		  # the hub's addresses, 10.9.0.0/16: one for each tunnel
peer_plugins="random nonce openssl kdf kernel-netlink socket-default vici"

######## Topology: e2e's, with more addresses

networks()
{
	awk -v n="$tunnels" -v p=$peer_base 'BEGIN {
		for (i = 1; i <= n; i++) printf "addr add 10.%d.%d.%d/32 dev lo\n", p, i / 250, i % 250 }' |
		ip -n "$hub1" -batch - &&
	ip -n "$hub1" link set lo up &&
	ip -n "$transit" route add 10.$peer_base.0.0/16 via "$h1" &&
	ip -n "$lan" route add local 10.$lan_base.0.0/10 dev lo &&
	ip -n "$site" route add local 10.$site_base.0.0/10 dev lo &&
	ip -n "$branch" route add 10.$lan_base.0.0/10 via "$lan_host" &&
	ip -n "$hub1" route add 10.$site_base.0.0/10 via "$site_host" &&
	ip -n "$site" route add 10.$lan_base.0.0/10 via 192.168.2.1
}

######## prefpeerd in the branch: one entry each

our_start()
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
	agent_start || bench_die "no agent"
	ours=$agent_pid
}

our_stop()
{
	agent_stop || bench_die "the agent does not stop"
	in_ns "$branch" "$prefpeerd" --flush >/dev/null 2>&1
	ip -n "$branch" xfrm state flush
}

######## charon at the hub. Its table is as wide as its manual asks for so many

their_start()
{
	mkdir -p "$tmp/hub1"
	peer_conf hub1 "ikesa_table_size = 1024
		ikesa_table_segments = 16" | sed -E 's/^([[:space:]]*)(default|knl) = [12]$/\1\2 = 0/' >"$tmp/hub1/strongswan.conf"
	{ echo "connections {"; "$1"; printf '}\nsecrets {\n\tike-any {\n\t\tsecret = "%s"\n\t}\n}\n' "$psk"; } \
		>"$tmp/hub1/swanctl.conf"
	peer_start hub1 "$hub1" || bench_die "no charon"
	theirs=$peer_pid_hub1
}

their_stop() { peer_stop hub1 && ip -n "$hub1" xfrm state flush && ip -n "$hub1" xfrm policy flush; }

# connection NAME LOCAL LOCAL_TS REMOTE_TS ACTION
connection()
{
	cat <<-CONF
	$1 {
		version = 2
		local_addrs = $2
		remote_addrs = $branch_addr
		proposals = aes128gcm16-prfsha256-x25519
		rekey_time = 0
		unique = never
		local {
			auth = psk
		}
		remote {
			auth = psk
			id = $branch_addr
		}
		children {
			net {
				local_ts = $3
				remote_ts = $4
				esp_proposals = aes128gcm16
				rekey_time = 0
				start_action = $5
			}
		}
	}
	CONF
}

# To be called: one connection answers for all; what it takes is narrowed.
answering() { connection branch 10.$peer_base.0.0/16 10.$site_base.0.0/10 10.$lan_base.0.0/10 none; }

calling()
{
	local i at

	for ((i = 1; i <= tunnels; i++)); do
		at=$((i / 250)).$((i % 250))
		connection "c$i" "10.$peer_base.$at" "10.$((site_base + i / 250)).$((i % 250)).0/24" \
			"10.$((lan_base + i / 250)).$((i % 250)).0/24" trap
	done
}

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
	local rss_o rss_t cpu_o cpu_t took lacking role_o=initiator role_t=responder

	[ "$1" = prefpeerd ] || role_o=responder role_t=initiator
	rss_o=$(rss_kib "$ours") rss_t=$(rss_kib "$theirs")
	cpu_o=$(instructions "$ours") cpu_t=$(instructions "$theirs")
	read -r took lacking < <("$bench_dir/tunnels.py" "$tunnels" 300 "${@:2}")
	[ "$lacking" = 0 ] || bench_die "$lacking of $tunnels have carried nothing in $took s"
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

e2e_module=no e2e_hub=true
e2e_up 1 && networks || bench_die "no topology"
module_load || bench_die "no module"
their_start answering
our_start
sleep 5
all_at_once prefpeerd "$lan" $lan_base "$site" $site_base
our_stop
their_stop
our_start
their_start calling
sleep 5
all_at_once charon "$site" $site_base "$lan" $lan_base
