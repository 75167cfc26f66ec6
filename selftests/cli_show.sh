#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# show crypto …, clear crypto …, debug crypto … and what is logged, with a live tunnel.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 11

# Virtual time runs ahead while a program is paged in; nothing here is about time.
patience=600
idle=600

# p ARGUMENTS…: the command line, in the branch. Both streams in $tmp/out.log, $tmp/err.log
p()
{
	pp "$@" >"$tmp/out.log" 2>"$tmp/err.log" || fail "$*: $(cat "$tmp/err.log")"
}

prints()
{
	grep -qE -- "$1" "$tmp/out.log" || fail "no line is like $1: $(cat "$tmp/out.log" "$tmp/err.log")"
}

prints_not()
{
	! grep -E -- "$1" "$tmp/out.log" || fail "a line is like $1: $(cat "$tmp/out.log")"
}

# said STATUS TEXT WORD…: prefpeer refuses with that status, and a sentence that has TEXT.
said()
{
	local want=$1 text=$2 status

	shift 2
	pp "$@" >"$tmp/out.log" 2>"$tmp/err.log"
	status=$?
	[ $status -eq "$want" ] || fail "status $status, not $want: $*: $(cat "$tmp/err.log")" || return
	grep -qF -- "$text" "$tmp/err.log" || fail "$* says: $(cat "$tmp/err.log")"
}

# is PYTHON: an expression over d, the JSON that p printed.
is()
{
	json_is "$1" "$(<"$tmp/out.log")" || fail "not so: $1: $(cat "$tmp/out.log" "$tmp/err.log")"
}

conf()
{
	e2e_globals="$1"
	e2e_more=$'crypto map tohub 9 ipsec-isakmp\n set peer '$h3
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" "${@:2}"
}

up_now()
{
	p map connect tohub 1 && up_with "$1" $patience || fail "not up with $1"
}

before_anything()
{
	e2e_up 2 || return
	said 1 "no agent listens" show crypto map &&
	said 2 'is no word here; these are:' show crypto nothing &&
	said 2 'what follows "ipsec"? One of: sa security-association' show crypto ipsec &&
	said 2 'is one word too many' clear crypto isakmp 7 8
}

equal_to_global_is_not_shown()
{
	conf "crypto ipsec security-association idle-time 120" \
		"set security-association idletime 120 default" && e2e_agent || return
	p show crypto map || return
	prints "^Crypto Map IPv4 \"tohub\" 1 ipsec-isakmp$" && prints_not "idletime" || return
	p show crypto ipsec security-association idle-time &&
	prints "^Security association idletime: 120 seconds$" || return
	p show crypto ipsec security-association lifetime &&
	prints "^Security association lifetime: 4608000 kilobytes/3600 seconds$"
}

incomplete_is_shown()
{
	conf "" "set security-association idletime $idle default" && e2e_agent || return
	p show crypto map || return
	prints "^Crypto Map IPv4 \"tohub\" 9 ipsec-isakmp$" &&
	prints $'^\tWARNING: This crypto map is in an incomplete state!$' &&
	prints $'^\t\t\\(missing peer or access-list definitions\\)$' &&
	prints $'^\tNo matching address list set\\.$' || return
	p -j show crypto map && is "[m['seq'] for m in d if m['incomplete']] == [9]"
}

down_is_shown()
{
	p show crypto map tag tohub || return
	prints $'^\tPeer = 10\\.1\\.1\\.1$' && prints $'^\tPeer = 10\\.2\\.2\\.2$' &&
	prints $'^\tCurrent peer: 10\\.1\\.1\\.1$' && prints $'^\tDefault peer: 10\\.1\\.1\\.1$' &&
	prints $'^\tSecurity association idletime: '$idle' seconds$' &&
	prints $'^\t\tts:  { esp-gcm 128  } ,$' && prints $'^\t\twan0$' || return
	p show crypto map interface lan0 && prints "^No crypto maps found\.$" || return
	p show crypto ipsec sa && prints "^     current outbound spi: 0x0\(0\)$" || return
	p show crypto session && prints "^Session status: DOWN " || return
	p show crypto dynamic-map && prints "^No crypto dynamic-maps found\.$" || return
	p show crypto peer history && prints "^No peer has changed"
}

# show_up PEER: every command, of a tunnel that carries packets.
show_up()
{
	local out in

	out=$(sa_spis "$branch" "$branch_addr" "$1") in=$(sa_spis "$branch" "$1" "$branch_addr")
	p show crypto ipsec sa peer "$1" || return
	prints "^interface: wan0$" && prints "^    Crypto map tag: tohub, local addr 10\.0\.0\.2$" &&
	prints "^   current_peer $1 port 500$" && prints "^        transform: esp-gcm 128 ,$" &&
	grep -qi "^     current outbound spi: 0x0*${out##0}(" "$tmp/out.log" &&
	grep -qi "^      spi: 0x0*${in##0}(" "$tmp/out.log" || fail "$(cat "$tmp/out.log")" || return
	prints "^     idle time \(last used/limit\): [0-9]+/$idle sec$" &&
	[ "$(grep -c "^        Status: ACTIVE(ACTIVE)$" "$tmp/out.log")" -eq 2 ] || fail "$(cat "$tmp/out.log")" || return
	p show crypto ipsec sa map tohub detail && prints "^    ##pkts replay failed \(rcv\): 0$" || return
	p show crypto session remote "$1" detail || return
	prints "^Session status: UP-ACTIVE " && prints "^Uptime: [0-9:]+$" &&
	prints "^  IKEv2 SA: local 10\.0\.0\.2/500 remote $1/500 Active $" &&
	prints "^          Capabilities:DF? connid:[0-9]+ lifetime:2[0-9]:[0-9:]+$" &&
	prints "^      Phase1_id: $1$" || return
	p show crypto session brief && prints "^ +$1 +wan0 +$1 +[0-9:]+ +UA$" || return
	p show crypto ikev2 sa detail && prints "^[0-9]+ +10\.0\.0\.2/500 +$1/500 +none/none +READY" &&
	prints "^      DPD configured for 10 seconds, retry 2$" || return
	p show crypto isakmp sa && prints "^$1 +10\.0\.0\.2 +QM_IDLE +[0-9]+ ACTIVE$" || return
	p show crypto isakmp peers && prints "^Peer: $1 Port: 500 Local: 10\.0\.0\.2$" || return
	p show crypto ikev2 stats && prints "^Total outgoing IKEv2 SA Count: +1 +active: +1 "
}

up_is_shown()
{
	up_now $h1 || return
	flow_listen a && flow_start a 20000 || return
	wait_for $patience flow_more a 100 || fail "no traffic" || return
	show_up $h1 || return
	p -j show crypto ipsec sa && is "d[0]['sas'][0]['packets_out'] > 100" || return
	p -j show crypto session && is "[s['status'] for s in d] == ['UP-ACTIVE', 'DOWN']"
}

# gone_and_back WORD…: the tunnel goes by that command, and comes again by its packets.
gone_and_back()
{
	local spi

	spi=$(sa_spis "$branch" "$branch_addr" "$1")
	p clear crypto "${@:3}" || return
	wait_for $patience sa_changed "$2" "$spi" || fail "still there after clear crypto ${*:3}"
}

sa_changed()
{
	local now

	now=$(sa_spis "$branch" "$branch_addr" "$1")
	[ -n "$now" ] && [ "$now" != "$2" ]
}

clears_take_it_down()
{
	local spi id n

	p -j show crypto ipsec sa || return
	n=$(json_value 'd[0]["sas"][0]["packets_out"]' "$(<"$tmp/out.log")")
	p clear crypto sa counters && p -j show crypto ipsec sa &&
	is "0 <= d[0]['sas'][0]['packets_out'] < $n" || return
	said 1 "no entry holds SAs to that peer" clear crypto session remote $h3 &&
	said 1 "there is no SA to $h1 with SPI 0x00000001" clear crypto sa entry $h1 esp 1 &&
	said 1 "there is no IKE SA of that number" clear crypto isakmp 4711 || return
	gone_and_back $h1 $h1 sa && gone_and_back $h1 $h1 sa peer $h1 &&
	gone_and_back $h1 $h1 sa map tohub || return
	spi=$(sa_spis "$branch" "$branch_addr" $h1 | tail -n 1)
	gone_and_back $h1 $h1 sa entry $h1 esp "0x$spi" &&
	gone_and_back $h1 $h1 session && gone_and_back $h1 $h1 session remote $h1 &&
	gone_and_back $h1 $h1 session active && gone_and_back $h1 $h1 session local $branch_addr &&
	gone_and_back $h1 $h1 session ikev2 && gone_and_back $h1 $h1 ikev2 sa remote $h1 &&
	gone_and_back $h1 $h1 map tohub 1 peer || return
	p -j show crypto ikev2 sa || return
	id=$(json_value 'd[0]["conn"]' "$(<"$tmp/out.log")")
	gone_and_back $h1 $h1 isakmp "$id"
}

backup_is_shown_and_left()
{
	hub_cut 1
	up_with $h2 $patience || fail "not on the backup" || return
	show_up $h2 || return
	p show crypto map && prints $'^\tCurrent peer: 10\\.2\\.2\\.2$' || return
	p show crypto peer history last 1 || return
	prints "^[0-9-]{10} [0-9:.]{12} +tohub 1 +$h1 +$h2 +dpd-timeout +[0-9.]+ m?s +[0-9]+ *$" || return
	p -j show crypto peer history map tohub 1 &&
	is "d[-1]['detail']['gap_ms'] > 0 and d[-1]['detail']['packets_held'] > 0" || return
	# Without a DELETE: the hub is not told, and home is next.
	hub_restore 1
	p clear crypto ikev2 sa fast && up_with $h1 $patience || fail "not home after clear" || return
	p show crypto peer history last 1 && prints " +$h2 +$h1 +operator +"
}

on_the_backup_and_idle()
{
	up_with $h2 $patience || fail "not on the backup" || return
	flow_stop
	state_await $((idle + patience)) DOWN || fail "not down by its idle timer" || return
	p show crypto map || return
	prints $'^\tCurrent peer: 10\\.2\\.2\\.2$' && prints $'^\tNext attempt: 10\\.1\\.1\\.1$' || return
	p show crypto ipsec sa && prints_not "Status:" && prints "^   current_peer $h2 port 500$" || return
	p show crypto session && prints "^Session status: DOWN "
}

idle_is_shown()
{
	local status

	hub_cut 1
	on_the_backup_and_idle
	status=$?
	hub_restore 1
	return $status
}

# debug_has PATTERN: an event of `debug crypto` (one JSON object per line) matches.
debug_has()
{
	grep -qE "$1" "$tmp/debug.log"
}

# debug_is TOPICS [EVENTS]: who listens to what, and how many events were made
debug_is()
{
	pp -j show crypto ikev2 stats >"$tmp/out.log" 2>"$tmp/err.log" &&
		is "d['debug_topics'] == $1 and $2 in (d['debug_events'], None)"
}

streams()
{
	# Both are heard before anything happens: what follows is in them.
	wait_for $patience debug_is 3 None || fail "nobody is heard: $(cat "$tmp/debug.log" "$tmp/other.log")" || return
	up_now $h1 || return
	wait_for $patience debug_has '"what":"message-in".*"exchange":"IKE_AUTH","response":true' &&
	debug_has '"event":"debug","topic":"ikev2","what":"map-state".*"map":"tohub"' ||
		fail "$(cat "$tmp/debug.log")" || return
	! debug_has '"topic":"ipsec"' || fail "ipsec was not asked for" || return
	! grep -qF "$psk" "$tmp/debug.log" "$tmp/other.log" || fail "a key is in it" || return
	! grep -qF "$h1" "$tmp/other.log" || fail "not of $h2: $(cat "$tmp/other.log")"
}

debug_streams_and_ends()
{
	local first n

	debug_is 0 0 || return
	bg "$tmp/debug.log" ip netns exec "$branch" "$prefpeer" -j debug crypto isakmp
	first=$bg_pid
	bg "$tmp/other.log" ip netns exec "$branch" "$prefpeer" debug crypto ipsec condition peer $h2
	streams || return
	kill -INT "$first" "$bg_pid"
	wait "$first" && wait "$bg_pid" || fail "an interrupt is no success" || return
	wait_for $patience debug_is 0 None || fail "somebody is still heard" || return
	n=$(json_value 'd["debug_events"]' "$(<"$tmp/out.log")")
	p clear crypto session && wait_for $patience is_down && up_now $h1 && debug_is 0 "$n"
}

logged()
{
	grep -qE -- "$1" "$tmp/agent.log" || fail "not in the log: $1: $(grep CRYPTO "$tmp/agent.log" | tail)"
}

mnemonics_are_logged()
{
	agent_stop || return
	conf "crypto logging session"$'\n'"crypto logging ikev2" "set security-association idletime $idle default"
	: >"$tmp/agent.log"
	e2e_agent && up_now $h1 || return
	logged "%CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is ON$" &&
	logged "%CRYPTO-5-SESSION_STATUS: Crypto tunnel is UP  \.  Peer $h1:500       Id: $h1$" &&
	logged "%CRYPTO-5-IKEV2_SESSION_STATUS: Crypto tunnel v2 is UP\.  Peer $h1:500       Id: $h1$" || return
	p clear crypto session && wait_for $patience is_down || return
	logged "%CRYPTO-5-SESSION_STATUS: Crypto tunnel is DOWN\.  Peer $h1:500" &&
	logged "%CRYPTO-5-IKEV2_SESSION_STATUS: Crypto tunnel v2 is DOWN\.  Peer $h1:500" || return
	hub_cut 1
	up_now $h2 || return
	logged "%CRYPTO-5-PEER_CHANGE: map tohub seq 1 peer $h1 -> $h2 reason (ike-timeout|operator)$"
}

journal_gets_fields()
{
	agent_stop || return
	mkdir -p /run/systemd/journal
	bg "$tmp/journal.err" python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
try: os.unlink("/run/systemd/journal/socket")
except FileNotFoundError: pass
s.bind("/run/systemd/journal/socket")
os.chmod("/run/systemd/journal/socket", 0o666)
with open(sys.argv[1], "w", buffering=1) as out:
    while True: out.write(s.recv(65536).decode().replace("\n", "|") + "\n")' "$tmp/journal.log"
	wait_for $patience test -e "$tmp/journal.log" || return
	JOURNAL_STREAM=8:1 e2e_agent && up_now $h2 || return
	wait_for $patience grep -q "CRYPTO_MNEMONIC=CRYPTO-5-PEER_CHANGE|.*CRYPTO_MAP=tohub|CRYPTO_SEQ=1|.*CRYPTO_PEER=$h2|CRYPTO_REASON=ike-timeout|" \
		"$tmp/journal.log" || fail "$(cat "$tmp/journal.log")" || return
	grep -q "^MESSAGE=map: %CRYPTO-5-PEER_CHANGE: .*|PRIORITY=5|SYSLOG_IDENTIFIER=prefpeerd|" "$tmp/journal.log" ||
		fail "$(cat "$tmp/journal.log")"
}

test_case "what is mistyped is refused with what would be right" before_anything
test_case "case 13: equal to the global value: show has no idletime" equal_to_global_is_not_shown
test_case "case 4: an incomplete map is shown with a WARNING" incomplete_is_shown
test_case "an entry that is down is shown by every command" down_is_shown
test_case "case 31: an entry that is up is shown by every command" up_is_shown
test_case "every clear takes down what it names, and packets bring it back" clears_take_it_down
test_case "the backup is shown, and what the switch cost" backup_is_shown_and_left
test_case "an idle entry is shown with where it goes next" idle_is_shown
test_case "debug streams to who asks, of what it asks, and ends with it" debug_streams_and_ends
test_case "what happens is logged with IOS's mnemonics" mnemonics_are_logged
test_case "the journal gets it with fields" journal_gets_fields
