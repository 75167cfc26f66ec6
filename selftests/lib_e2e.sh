# SPDX-License-Identifier: GPL-2.0
#
# What the end-to-end tests share: a branch with our module and agent, hubs,
# the tap, the monitor; and questions to them. Source after lib.sh.

h1=10.1.1.1 h2=10.2.2.2 h3=10.3.3.3

# e2e_conf DPD [LINE of entry 1…]: $tmp/prefpeer.conf. DPD is the rest of
# `crypto ikev2 dpd`, or "off". Lines of $e2e_globals come first, those of
# $e2e_more (entries, access lists) last; $e2e_acl replaces access list 101.
e2e_globals= e2e_more= e2e_acl=
e2e_conf()
{
	local dpd=$1 line

	shift
	{
		agent_conf_keys
		[ "$dpd" = off ] || echo "crypto ikev2 dpd $dpd"
		echo "crypto ipsec transform-set ts esp-gcm 128"
		[ -z "$e2e_globals" ] || echo "$e2e_globals"
		echo "${e2e_acl:-access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255}"
		echo "crypto map tohub 1 ipsec-isakmp"
		for line in "$@"; do
			echo " $line"
		done
		echo " set transform-set ts"
		echo " match address 101"
		[ -z "$e2e_more" ] || echo "$e2e_more"
		echo "interface wan0"
		echo " crypto map tohub"
	} >"$tmp/prefpeer.conf"
	agent_conf_mode
}

# agent_user: whom the agent runs as; it may read what is in $tmp
agent_user()
{
	getent passwd prefpeer >/dev/null ||
		useradd --system --no-create-home --shell /usr/sbin/nologin prefpeer || return
	chmod 0755 "$tmp"
}

# e2e_up HUBS: topology, module (unless e2e_module=no), hubs, tap. The agent's
# configuration and start are the test's. Hub N is started by "$e2e_hub N".
e2e_hub=hub_start
e2e_up()
{
	local n

	agent_user && topology "$1" || return
	[ "$e2e_module" = no ] || module_load || return
	for ((n = 1; n <= $1; n++)); do
		$e2e_hub "$n" || return
	done
	capture_start
}

# quiet_listeners: packets are taken and not answered, not even by ICMP, which
# would be traffic the other way.
quiet_listeners()
{
	flow_listen quiet && flow_listen_lan quiet6 $lan_host 6000
}

# e2e_agent: (re)start agent and monitor with the configuration in $tmp.
e2e_agent()
{
	[ -z "$agent_pid" ] || agent_gone || agent_stop || return
	[ -z "$monitor_pid" ] || kill "$monitor_pid" 2>/dev/null
	agent_start "$@" && monitor_start && wait_for 10 pp map show
}

# map_value PYTHON [MAP [SEQ]]: of the entry o as `map show` has it
map_value()
{
	local text

	text=$(pp -j map show "${2:-tohub}" "${3:-1}") && json_value "$1" "$text"
}

# map_get .MEMBER [MAP [SEQ]]: empty if it is absent
map_get() { map_value "o$1" "${@:2}"; }

current_peer() { map_get .peer "$@"; }
next_peer() { map_get .next "$@"; }
map_state() { map_get .state "$@"; }
lines_up() { map_value 'sum(bool(n.spi_out) for n in o.lines)' "$@"; }
lines_are_up() { [ "$(lines_up)" = "$1" ]; }

map_is() { [ "$(map_get "$1")" = "$2" ]; }

# The last change of state that the monitor has seen: cheap enough to wait for.
last_state() { grep '"event":"map-state"' "$tmp/monitor.log" | tail -n 1; }

state_is()
{
	local e

	e=$(last_state)
	[[ $e == *"\"to\":\"$1\""* ]] && { [ -z "$2" ] || [[ $e == *"\"peer\":\"$2\""* ]]; }
}

is_up_with() { state_is UP "$1" && peer_is_up "$1"; }
is_down() { state_is DOWN; }

# state_await SECONDS STATE [PEER]: the same, waited for by one process.
state_await()
{
	"$udpflow" await "$tmp/monitor.log" "$1" '"event":"map-state"' \
		"\"to\":\"$2\"${3:+.*\"peer\":\"$3\"}"
}

up_with() { state_await "$2" UP "$1" && wait_for 10 peer_is_up "$1"; }

# expect WHAT COMMAND VALUE: with a sentence when it differs
expect()
{
	local got

	got=$(eval "$2")
	[ "$got" = "$3" ] || fail "$1 is $got, not $3"
}

# within WHAT VALUE LOW HIGH: integers
within()
{
	[ "$2" -ge "$3" ] && [ "$2" -le "$4" ] || fail "$1 is $2, not $3..$4"
}

# ms_between FROM_NS TO_NS
ms_between() { echo $((($2 - $1) / 1000000)); }

# ike_to PEER [EXCHANGE [FROM_NS [TO_NS]]]: our requests to it, "TIME MID" each
ike_to()
{
	wire_log "$3" "$4" | awk -v dst="$1" -v ex="exch=${2:-}" '
		$2 == "ike" && $4 == dst && index($0, ex) && / resp=0 / {
			for (i = 5; i <= NF; i++) if ($i ~ /^mid=/) m = substr($i, 5)
			print $1, m }'
}

ike_count() { ike_to "$@" | wc -l; }

# init_order FROM_NS [TO_NS]: peers in the order of their first IKE_SA_INIT
init_order()
{
	wire_log "$1" "$2" | awk -v src="${3:-$branch_addr}" '
		$2 == "ike" && $3 == src && /exch=IKE_SA_INIT/ && / resp=0 / && !seen[$4]++ { printf "%s%s", sep, $4; sep = " " }'
}

# state_event TO FIELD [PEER]: a member of the last change of state to TO
state_event()
{
	json_log "last(e for e in l if e.event == 'map-state' and e.to == '$1' and e['from'] != '$1'
		and e.peer == (${3:+'$3' or }e.peer)).$2" "$tmp/monitor.log"
}

# state_ns TO [PEER]: boottime of the last change of state to TO
state_ns() { state_event "$1" stamp "$2"; }

# says TO PEER REGEX [FROM_NS]: what the monitor's line of the last such change since
# then says, a walk's next step included; PEER may be empty
says()
{
	local text

	text=$(json_log "last(e for e in l if e.event == 'map-state' and e.to == '$1'
		and e.stamp >= ${4:-0} and e.peer == (${2:+'$2' or }e.peer)).text" "$tmp/monitor.log")
	[[ $text =~ ^$3$ ]] || fail "of $2 $1 the monitor says '$text', not '$3'"
}

# last_esp_ns: when the newest packet of the pair went over the wire as ESP
last_esp_ns()
{
	capture_sync
	wire_log | awk '$2 == "esp" { t = $1 } END { print t }'
}

# curve PEER FROM_NS: the last message ID of our INFORMATIONAL requests to it
# that was sent most often; prints "COUNT SPAN_MS RATIO_MIN RATIO_MAX" (ratios
# of successive gaps in percent).
curve()
{
	ike_to "$1" INFORMATIONAL "$2" | awk '
		{ n[$2]++; t[$2, n[$2]] = $1 }
		END {
			for (m in n) if (n[m] > best) { best = n[m]; id = m }
			lo = 1e9; hi = 0
			for (i = 3; i <= best; i++) {
				r = 100 * (t[id, i] - t[id, i - 1]) / (t[id, i - 1] - t[id, i - 2])
				if (r < lo) lo = r
				if (r > hi) hi = r
			}
			printf "%d %d %d %d\n", best, (t[id, best] - t[id, 1]) / 1e6, lo, hi }'
}

# log_gaps PATTERN [AFTER]: of the lines in the agent's log behind line AFTER that match,
# "COUNT SMALLEST_MS", the least time between two of them.
log_gaps()
{
	awk -F '[:. ]' -v p="$1" -v after="${2:-0}" '
		NR > after && index($0, p) {
			t = (($1 * 60 + $2) * 60 + $3) * 1000 + $4
			if (n++) { d = (t - last + 86400000) % 86400000; if (n == 2 || d < least) least = d }
			last = t
		}
		END { print n + 0, least + 0 }' "$tmp/agent.log"
}

# once_a_minute PATTERN LOW [AFTER]: LOW of them or more, a minute between any two.
once_a_minute()
{
	local count least

	read -r count least <<<"$(log_gaps "$1" "$3")"
	[ "$count" -ge "$2" ] || fail "\"$1\" is in the log $count times, not $2 or more" || return
	[ "$count" -lt 2 ] || [ "$least" -ge 59900 ] || fail "\"$1\" twice within $least ms"
}

# text_monitor_start: `prefpeer monitor` as people read it, to $tmp/text.log
text_monitor_start()
{
	bg "$tmp/text.log" ip netns exec "$branch" "$prefpeer" monitor map
}

# text_lines: how many it has written so far
text_lines() { wc -l <"$tmp/text.log"; }

# has_line FILE AFTER TEXT
has_line() { tail -n "+$(($2 + 1))" "$1" | tr -s ' ' | grep -qF -- "$(tr -s ' ' <<<"$3")"; }

# reads WHAT FILE TEXT [AFTER]: a line of FILE behind line AFTER has TEXT, word for
# word; columns may be wider
reads()
{
	wait_for 5 has_line "$2" "${4:-0}" "$3" ||
		fail "$1 does not say \"$3\":" "$(tail -n 8 "$2")"
}

# map_show_reads TEXT: so has what `map show` prints
map_show_reads()
{
	pp map show >"$tmp/map.log" && reads "map show" "$tmp/map.log" "$1"
}

# What lib.sh shows of a failed case, and the monitor.
show_agent()
{
	[ ! -s "$tmp/agent.log" ] || diag "prefpeerd, the last of its log:" \
		"$(tail -n 25 "$tmp/agent.log")"
	[ -z "$agent_pid" ] || agent_gone || diag "$(pp map show 2>&1)"
	[ ! -s "$tmp/monitor.log" ] || diag "monitor, its last lines:" "$(tail -n 12 "$tmp/monitor.log")"
}
