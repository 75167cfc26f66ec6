# SPDX-License-Identifier: GPL-2.0
#
# The tap, and traffic. Sourced by lib.sh.
#
# One tap, in transit, on the side of the branch; a test may start another on
# another interface, and turn to either. wire.c says how a capture reads. Before a test acts, and again before it reads, a marker frame must be
# in the file: then everything before it is too.

capture_pcap= capture_dev= capture_marks=0

# capture_turn NAME DEVICE: what is read from here on.
capture_turn()
{
	capture_pcap=$tmp/$1.pcap
	capture_dev=$2
}

# capture_start [NAME [DEVICE]]: $tmp/NAME.pcap. Its buffer takes what a thousand
# branches send before the tap runs again, where the usual 2 MiB lost some.
capture_start()
{
	capture_turn "${1:-wire}" "${2:-branch}"
	bg "$capture_pcap.log" ip netns exec "$transit" tcpdump -i "$capture_dev" -B 16384 --immediate-mode -U \
		--time-stamp-precision=nano -Z root -w "$capture_pcap" -s 0
	capture_pid=$bg_pid
	wait_for 30 test -s "$capture_pcap" && capture_sync
}

capture_has_mark()
{
	grep -aq "prefpeer-mark-$1-" "$capture_pcap"
}

# A frame sent before the tap listens is lost: send until one is seen.
capture_mark()
{
	in_ns "$transit" "$udpflow" mark "$capture_dev" "prefpeer-mark-$1-" && capture_has_mark "$1"
}

# capture_sync: everything that was on the wire by now is in the file.
capture_sync()
{
	capture_marks=$((capture_marks + 1))
	wait_for 30 capture_mark $capture_marks || fail "the tap in transit does not record"
}

capture_stop()
{
	capture_sync
	kill "$capture_pid"
	wait "$capture_pid" 2>/dev/null
}

# wire_log [FROM_NS [TO_NS]]: the frames between two boottimes, one per line.
# The first column becomes boottime in nanoseconds.
wire_log()
{
	"$wire" "$capture_pcap" "$(clock_offset_ns)" "${1:-0}" "${2:-0}"
}

# wire_count PATTERN [FROM_NS [TO_NS]]: frames whose line matches.
wire_count()
{
	wire_log "$2" "$3" | grep -cE "$1"
}

# wire_first PATTERN [FROM_NS [TO_NS]]: boottime of the first such frame.
wire_first()
{
	wire_log "$2" "$3" | grep -m 1 -E "$1" | cut -d ' ' -f 1 | grep .
}

# wire_clear [FROM_NS [TO_NS]]: frames with an inner address, in clear.
wire_clear()
{
	wire_log "$1" "$2" | awk '
		$2 == "mark" || $2 == "arp" || $2 == "other" { next }
		$3 ~ /^(192\.168\.[12]\.|fd00:[12]:)/ || $4 ~ /^(192\.168\.[12]\.|fd00:[12]:)/'
}

# clear_since FROM_NS: something is in clear, as it is to be where nothing protects it
clear_since() { capture_sync; [ -n "$(wire_clear "$1")" ]; }

# nothing_in_clear [FROM_NS [TO_NS]]: and not because there was nothing at all.
nothing_in_clear()
{
	local clear

	capture_sync || return
	[ "$(wire_count ' (esp|ah) ' "$1" "$2")" -gt 0 ] ||
		fail "the capture has no ESP and no AH, so its lack of clear text proves nothing" || return
	clear=$(wire_clear "$1" "$2")
	[ -z "$clear" ] || fail "$(echo "$clear" | wc -l) frames in clear, the first: $(head -n 1 <<<"$clear")"
}

######## Traffic: from the branch's LAN to the site, UDP with numbers

flow_port=5000

# flow_listen NAME [ADDRESS [PORT [echo]]]: in the site; log in $tmp/NAME.recv
flow_listen()
{
	bg "$tmp/$1.recv.err" ip netns exec "$site" "$udpflow" recv "${2:-$site_host}" \
		"${3:-$flow_port}" "$tmp/$1.recv" "${@:4}"
	wait_for 10 test -e "$tmp/$1.recv"
}

# flow_listen_lan NAME [ADDRESS [PORT]]: the other way round
flow_listen_lan()
{
	bg "$tmp/$1.recv.err" ip netns exec "$lan" "$udpflow" recv "${2:-$lan_host}" \
		"${3:-$flow_port}" "$tmp/$1.recv"
	wait_for 10 test -e "$tmp/$1.recv"
}

# flow_start NAME INTERVAL_US [COUNT [ADDRESS [PORT]]]: pid in $flow_pid,
# answers of an echoing listener in $tmp/NAME.answers.
flow_start()
{
	bg "$tmp/$1.send" ip netns exec "$lan" "$udpflow" send "${4:-$site_host}" \
		"${5:-$flow_port}" "$2" "${3:-0}" "$tmp/$1.answers"
	flow_pid=$bg_pid
}

# flow_start_site NAME INTERVAL_US [COUNT [ADDRESS [PORT]]]
flow_start_site()
{
	bg "$tmp/$1.send" ip netns exec "$site" "$udpflow" send "${4:-$lan_host}" \
		"${5:-$flow_port}" "$2" "${3:-0}"
	flow_pid=$bg_pid
}

flow_stop()
{
	kill -INT "${1:-$flow_pid}" 2>/dev/null
	wait "${1:-$flow_pid}" 2>/dev/null
}

# flow_packet [ADDRESS [PORT]]: a single one
flow_packet()
{
	in_ns "$lan" "$udpflow" send "${1:-$site_host}" "${2:-$flow_port}" 1000 1 >/dev/null
}

# flow_received NAME: packets so far
flow_received()
{
	wc -l <"$tmp/$1.recv"
}

# flow_more NAME COUNT: more than COUNT have arrived
flow_more()
{
	[ "$(flow_received "$1")" -gt "$2" ]
}

# flow_report NAME [FROM_NS [TO_NS]]: what arrived in between, and the silence and
# loss since the last packet before; sets received lost late gap_ns gap_from
# gap_to last_ns delay_max first_seq last_seq
flow_report()
{
	eval "$("$udpflow" report "$tmp/$1.recv" "${@:2}")"
}
