#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The founding document's second example, played in the test machine and told
# as a timeline. tools/demo runs this in the guest.
#
# Every line that ends in "seen:" was observed where it says. The times are the
# observed ones, of one clock, not those of this script. The first step that
# cannot be seen ends the play, with what there is to see instead.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib.sh"
. "$selftests_dir/lib_e2e.sh"

steps=9 step=0 t0=0

# at NS TEXT [WHERE]: one line of the timeline.
at()
{
	printf '%9s s  ' "$(seconds2 $(($1 - t0)))"
	if [ -n "$3" ]; then
		printf '%-67s seen: %s\n' "$2" "$3"
	else
		echo "$2"
	fi
}

# seconds2 NANOSECONDS: 1.23
seconds2()
{
	printf '%d.%02d' $(($1 / 1000000000)) $(($1 / 10000000 % 100))
}

# seen NS TEXT WHERE: a step.
seen()
{
	step=$((step + 1))
	at "$@"
}

# lost WHAT: the step that was to come was not seen.
lost()
{
	printf '\nFAIL  step %d of %d: %s\n' $((step + 1)) $steps "$*"
	capture_sync
	show_state
	diag "the last frames on the wire:"
	diag "$(wire_log | grep -v ' esp ' | tail -n 20)"
	cp "$capture_pcap" /out/demo.pcap
	exit 1
}

sleep_until()
{
	local left=$((t0 + $1 * 1000000000 - $(now_ns)))

	[ $left -le 0 ] || sleep "$(printf '%d.%09d' $((left / 1000000000)) $((left % 1000000000)))"
}

# event TO [PEER]: the newest change of the entry to that state, one JSON line.
event()
{
	grep -E "\"event\":\"map-state\".*\"to\":\"$1\".*\"peer\":\"${2:-}" "$tmp/monitor.log" |
		tail -n 1 | grep .
}

# field NAME <LINE: a number or a string of a JSON line.
field()
{
	sed -nE "s/.*\"$1\": ?(\"([^\"]*)\"|(-?[0-9]+)).*/\2\3/p"
}

# changes TO [PEER]: how often the entry came to that state.
changes()
{
	grep -cE "\"event\":\"map-state\".*\"to\":\"$1\".*\"peer\":\"${2:-}" "$tmp/monitor.log"
}

# more_than COUNT TO [PEER]: one process, since it is asked again and again.
more_than()
{
	[ "$(changes "${@:2}")" -gt "$1" ]
}

# await SECONDS TO PEER COUNT: until it came to that state more than COUNT times.
await()
{
	wait_for "$1" more_than "$4" "$2" "$3"
}

thousands()
{
	sed -E ':a; s/([0-9])([0-9]{3})($|,)/\1,\2\3/; ta' <<<"$1"
}

title()
{
	local line

	printf 'prefpeer demo   kernel %s   branch %s   hubs %s (default) %s\n' \
		"$(uname -r)" "$branch_addr" "$h1" "$h2"
	printf 'The founding document'\''s second example; "+" marks what it leaves out:\n'
	while IFS= read -r line; do
		case $line in
		"crypto map tohub 1 ipsec-isakmp"|" set peer "*|" set security-association "*)
			printf '    %s\n' "$line" ;;
		*key*) printf '  + %s\n' "${line/$psk/...}" ;;
		*) printf '  + %s\n' "$line" ;;
		esac
	done <"$tmp/prefpeer.conf"
	echo
}

set_the_stage()
{
	local line

	e2e_up 2 || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" \
		"set security-association idletime 120 default" || return
	# Only keys of hubs that there are.
	line=$(grep -v "address $(hub_addr 3)\$" "$tmp/prefpeer.conf") &&
		echo "$line" >"$tmp/prefpeer.conf"
	e2e_agent || return
	bg "$tmp/acquire.log" ip -n "$branch" -ts xfrm monitor acquire
	flow_listen flow "$site_host" "$flow_port" echo
}

acquire_seen()
{
	grep -aq acquire "$tmp/acquire.log"
}

# The kernel's own message, its time of CLOCK_REALTIME.
acquire_ns()
{
	local stamp

	stamp=$(sed -nE 's/^\[([0-9T:.-]+)\].*/\1/p' "$tmp/acquire.log" | head -n 1)
	[ -n "$stamp" ] || { echo "$t0"; return; }
	echo $(($(date -d "${stamp/T/ }" +%s%N) - $(clock_offset_ns)))
}

first_contact()
{
	local up first

	flow_start flow 10000 0
	wait_for 5 grep -q first= "$tmp/flow.send" || lost "192.168.1.10 does not send"
	t0=$(sed -n 's/^first=//p' "$tmp/flow.send")
	at "$t0" "$lan_host sends 100 packets/s to $site_host"
	wait_for 5 acquire_seen || lost "no acquire from XFRM for the first packet"
	seen "$(acquire_ns)" "first packet raises an acquire" XFRM
	await 20 UP $h1 0 || lost "$h1 did not come up"
	wait_for 5 peer_is_up $h1 || lost "$h1 is up, but its SAs are not in the SAD"
	wait_for 10 flow_more flow 20 || lost "no packet reaches $site_host through $h1"
	capture_sync
	[ "$(wire_count " ike $h1 .*exch=IKE_AUTH " "$t0")" -gt 0 ] || lost "no IKE_AUTH of $h1 on the wire"
	up=$(event UP $h1 | field stamp)
	read -r _ first _ <"$tmp/flow.recv"
	seen "$up" "$h1 up, the default; $first packets held back" "SAD, wire"
}

hub_dies()
{
	local mid first dead dead_line up downs

	sleep_until 20
	downs=$(changes DOWN)
	hub_cut 1
	cut_ns=$(now_ns)
	at "$cut_ns" "hub $h1 is cut off"
	await 40 DOWN "" "$downs" || lost "the death of $h1 was not noticed within 40 s"
	dead_line=$(event DOWN)
	dead=$(field stamp <<<"$dead_line")
	[ "$(field reason <<<"$dead_line")" = dpd-timeout ] ||
		lost "the entry went down for another reason: $(field reason <<<"$dead_line")"
	[ "$(field next <<<"$dead_line")" = $h1 ] || lost "the next attempt is not the default"
	capture_sync
	mid=$(ike_to $h1 INFORMATIONAL "$cut_ns" "$dead" | awk '{ print $2 }' | sort | uniq -c |
		sort -rn | head -n 1 | awk '$1 == 6 { print $2 }')
	[ -n "$mid" ] || lost "there were not six requests of one message ID to $h1"
	first=$(ike_to $h1 INFORMATIONAL "$cut_ns" | awk -v m="$mid" '$2 == m { print $1; exit }')
	seen "$dead" "no answer to 6 requests in $(seconds2 $((dead - first))) s: dead; next attempt $h1" \
		"wire, monitor"
	await 20 UP $h2 0 || lost "$h2 did not come up"
	wait_for 5 peer_is_up $h2 || lost "$h2 is up, but its SAs are not in the SAD"
	up=$(event UP $h2 | field stamp)
	capture_sync
	[ "$(init_order "$dead" "$up")" = "$h1 $h2" ] ||
		lost "peers tried: $(init_order "$dead" "$up"), and not $h1 $h2"
	first=$(wire_first " ike $branch_addr $h1 .*exch=IKE_SA_INIT " "$dead")
	# R = 2 s for the peer that has just died, and the set-up.
	[ $((up - first)) -ge 1900000000 ] && [ $((up - first)) -le 4000000000 ] ||
		lost "the dead default was tried for $(seconds2 $((up - first))) s, not about 2 s"
	seen "$up" "$h1 silent for $(seconds2 $((up - first))) s; $h2 up" "SAD, wire"
	second_ns=$up
}

gap_told()
{
	local clear

	wait_for 10 flow_passed_since "$second_ns" || lost "no packet reaches $site_host through $h2"
	flow_report flow "$cut_ns"
	clear=$(wire_clear | wc -l)
	nothing_in_clear || lost "$clear packets left in clear"
	# INTERVAL + 6R + R, the module's resolution and the set-up; at least 6R.
	[ "$gap_ns" -ge 12000000000 ] && [ "$gap_ns" -le 27500000000 ] && [ "$lost" -gt 1000 ] ||
		lost "gap $(seconds2 "$gap_ns") s with $lost packets lost: not what the timers say"
	seen "$gap_to" "gap $(seconds2 "$gap_ns") s, $(thousands "$lost") packets lost, $clear in clear" "wire"
}

flow_passed_since()
{
	tail -n 1 "$tmp/flow.recv" | awk -v t="$1" '{ exit !($1 > t) }'
}

hub_returns()
{
	local back to1 to2

	sleep_until 60
	hub_restore 1
	back=$(now_ns)
	at "$back" "hub $h1 is back"
	sleep_until 88
	capture_sync
	to1=$(wire_count " esp $branch_addr $h1 " "$back")
	to2=$(wire_count " esp $branch_addr $h2 " "$back")
	[ "$to2" -gt 1000 ] && [ "$to1" -eq 0 ] ||
		lost "since the return $to2 packets went to $h2 and $to1 to $h1"
	seen "$(now_ns)" "traffic stays on $h2" wire
}

falls_idle()
{
	local last line down early downs

	sleep_until 90
	downs=$(changes DOWN)
	flow_stop
	at "$(now_ns)" "$lan_host falls silent"
	capture_sync
	last=$(last_esp_ns)
	await 160 DOWN "" "$downs" || lost "still up 160 s after the last packet"
	line=$(event DOWN)
	down=$(field stamp <<<"$line")
	[ "$(field reason <<<"$line")" = idle-default ] ||
		lost "the entry went down for another reason: $(field reason <<<"$line")"
	early=$((120000000000 - (down - last)))
	[ $early -le 0 ] || lost "down $(seconds2 $early) s before 120 s of silence were over"
	[ "$(field next <<<"$line")" = $h1 ] || lost "the next attempt is not the default"
	wait_for 10 peer_is_gone $h2 || lost "SAs of $h2 are left in the SAD"
	capture_sync
	[ "$(ike_count $h2 INFORMATIONAL $((down - 1000000)))" -gt 0 ] || lost "no DELETE to $h2 on the wire"
	seen "$down" "idle for 120 s: SAs of $h2 deleted; next attempt $h1" "wire, SAD"
	idle_ns=$down
}

goes_home()
{
	local sent up ups

	sleep_until 240
	capture_sync
	sent=$(now_ns)
	[ "$(wire_count " ike $branch_addr .*exch=IKE_SA_INIT " "$idle_ns" "$sent")" -eq 0 ] ||
		lost "a tunnel was set up that nobody needs"
	seen "$sent" "nothing was set up meanwhile: no packet, no tunnel" wire
	ups=$(changes UP $h1)
	flow_packet
	await 20 UP $h1 "$ups" || lost "not home on $h1"
	wait_for 5 peer_is_up $h1 || lost "$h1 is up, but its SAs are not in the SAD"
	capture_sync
	up=$(event UP $h1 | field stamp)
	[ "$(init_order "$sent")" = $h1 ] || lost "peers tried: $(init_order "$sent")"
	seen "$up" "one packet; $h1 up again" "SAD, wire"
}

set_the_stage || { echo "FAIL  the stage could not be set"; show_state; exit 1; }
title
first_contact
hub_dies
gap_told
hub_returns
falls_idle
goes_home
nothing_in_clear || lost "packets left in clear"
capture_stop
cp "$capture_pcap" /out/demo.pcap
cp "$tmp/monitor.log" /out/monitor.json
echo
echo "the entry now, as prefpeer map show has it:"
pp map show | sed 's/^/    /'
echo $step $steps >/out/steps
[ $step = $steps ] || lost "it ended"
