#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Failover and fail-home over DPD settings, round trips, with a default peer
# and without, and lists of two to four peers, each beside what the timers
# promise (semantics.md, end of §10). All peers but the last die at once.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

hubs=4
settings=("10 2 periodic" "10 2 on-demand" "milliseconds 1000 200 periodic" "milliseconds 100 20 periodic")
trips=(5 20 100)

# clamp VALUE LOW HIGH
clamp()
{
	local v=$1

	[ "$v" -ge "$2" ] || v=$2
	[ "$v" -le "$3" ] || v=$3
	echo "$v"
}

# interval_retry DPD: sets interval and retry, and step, the time between two
# packets of the flow, all in ms
interval_retry()
{
	local words

	read -ra words <<<"$1"
	if [ "${words[0]}" = milliseconds ]; then
		interval=${words[1]} retry=${words[2]}
	else
		interval=$((words[0] * 1000)) retry=$((words[1] * 1000))
	fi
	step=$((interval / 100))
	[ $step -ge 10 ] || step=10
}

# resolution DPD: by how much later than that it may be noticed, in ms (§3.1).
# Periodic: the last contact is a stamp of whole seconds (6.12) or sampled at
# INTERVAL/8 (6.1, and any interval under a second). On-demand: two looks
# INTERVAL/8 apart find the first unanswered packet. A tick is 250 ms.
resolution()
{
	local look=$((interval / 8)) ms=0

	if [ "$interval" -lt 1000 ]; then
		ms=$look
	else
		case $(uname -r) in
		6.1.*) ms=$((look + 250)) ;;
		*)     ms=1250 ;;
		esac
	fi
	case $1 in
	*on-demand) ms=$((ms + 2 * look)) ;;
	esac
	echo $ms
}

# promise TRIP PEERS DEFAULT RTT: sets promised, ms from the last contact to the
# first packet at the site. RTT: the round trip that the agent knows of the dead
# one, us; it is longer than TRIP by the hub's own time to answer.
promise()
{
	local trip=$1 peers=$2 default=$3 four=$(($4 * 4 / 1000)) answer

	promised=$((interval + $(clamp $((6 * retry)) $four 30000)))
	[ -z "$default" ] ||
		promised=$((promised + $(clamp "$(clamp "$retry" 250 3000)" $four 3000)))
	# Nobody has asked these before, so their round trip is not known.
	answer=$(clamp "$(clamp $((6 * retry)) 250 30000)" 1000 30000)
	promised=$((promised + (peers - 2) * answer + 2 * trip + trip / 2 + step))
}

list()
{
	local n

	echo "set peer $h1 $2"
	for ((n = 2; n <= $1; n++)); do
		echo "set peer $(hub_addr $n)"
	done
}

delays()
{
	local n

	for ((n = 1; n <= hubs; n++)); do
		hub_delay $n "$1" || bench_die "no netem"
	done
}

flow_passes_since()
{
	tail -n 1 "$tmp/$1.recv" | awk -v t="$2" '{ exit !($1 > t) }'
}

# one DPD TRIP PEERS DEFAULT: one death, and one way home; adds to $cells.
one()
{
	local dpd=$1 trip=$2 peers=$3 default=$4 flow=m$((flows += 1)) port=$((5000 + flows))
	local last n cut_ns up_ns took home=null rtt sent lines cut=()

	last=$(hub_addr "$peers")
	mapfile -t lines < <(list "$peers" "$default")
	e2e_conf "$dpd" "${lines[@]}" "set security-association idle-time 60${default:+ default}"
	e2e_agent 2>/dev/null || bench_die "no agent"
	flow_listen "$flow" "$site_host" "$port" echo || bench_die "no listener"
	flow_start "$flow" $((step * 1000)) 0 "$site_host" "$port"
	up_with $h1 30 || bench_die "not on $h1"
	wait_for 10 flow_more "$flow" $((3000 / step)) || bench_die "no traffic through $h1"
	rtt=$(map_value 'next(p.rtt_us for p in o.peers if p.peer == o.peer)') || bench_die "no round trip of $h1"
	for ((n = 1; n < peers; n++)); do
		cut+=("$(hub_addr $n)")
	done
	cut_ns=$(now_ns)
	cut_address "${cut[@]}"
	up_with "$last" 300 || bench_die "not on $last: $dpd, $trip ms, $peers peers, ${default:-no default}"
	up_ns=$(state_ns UP "$last")
	wait_for 20 flow_passes_since "$flow" "$up_ns" || bench_die "no traffic through $last"
	sleep 1
	flow_report "$flow" "$cut_ns"
	took=$(((gap_to - gap_from) / 1000000))
	restore_address "${cut[@]}"
	flow_stop
	if [ -n "$default" ]; then
		state_await 200 DOWN || bench_die "not down after idle"
		sleep 2
		flow_start "${flow}b" 10000 100 "$site_host" "$port"
		up_with $h1 30 || bench_die "not home"
		sleep 1
		sent=$(sed -n 's/^first=//p' "$tmp/${flow}b.send")
		home=$(awk -v t="$sent" '$1 > t && $3 >= t { printf "%d", ($1 - t) / 1e6; exit }' "$tmp/$flow.recv")
		[ -n "$home" ] || bench_die "no traffic at home"
		flow_stop
	fi
	agent_stop || bench_die "the agent does not stop"
	promise "$trip" "$peers" "$default" "$rtt"
	cell "$dpd" "$trip" "$peers" "$default" "$rtt" "$took" "$home"
}

# cell: what one of them gave
cell()
{
	local json

	json=$(jq -nc --arg dpd "$1" --argjson trip "$2" --argjson peers "$3" --arg default "$4" \
		--argjson rtt "$5" --argjson took "$6" --argjson home "$7" --argjson promised "$promised" \
		--argjson resolution "$(resolution "$1")" '
		{dpd: $dpd, trip_ms: $trip, rtt_us: $rtt, peers: $peers, default: ($default != ""),
		 failover_ms: $took, promised_ms: $promised, resolution_ms: $resolution, home_ms: $home}')
	cells+=("$json")
	echo "$json"
}

# told DPD: the rows of one setting
told()
{
	local of

	of=$(printf '%s\n' "${cells[@]}" | jq -sc --arg dpd "$1" 'map(select(.dpd == $dpd))')
	row "failover against the timers' promise, $1" \
		"$(jq -r 'map(.failover_ms / (.promised_ms + .resolution_ms)) | max * 1000 | round / 1000' <<<"$of")" "worst ratio" \
		"18 deaths: round trip ${trips[*]} ms, 2 to 4 peers of which the last lives, with a default and without; last packet before to first after, a packet each hundredth of the interval (10 ms at least) and its answer" "$of"
	row "idle to home, largest, $1" "$(jq -r 'map(.home_ms // 0) | max / 1000' <<<"$of")" s \
		"the 9 of them with a default: first packet of the LAN to first at the site, round trip up to ${trips[-1]} ms"
}

flows=0 cells=()
e2e_globals="crypto isakmp key $psk address $(hub_addr 4)"
e2e_up $hubs || bench_die "no topology"
for trip in "${trips[@]}"; do
	delays "$trip"
	for dpd in "${settings[@]}"; do
		interval_retry "$dpd"
		for peers in 2 3 4; do
			one "$dpd" "$trip" "$peers" default
			one "$dpd" "$trip" "$peers" ""
		done
	done
done
for dpd in "${settings[@]}"; do
	told "$dpd"
done
